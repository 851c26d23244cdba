"""The window of `formcheck live`: OpenCV's own, full screen or not, with keys, mouse and its end as values."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from formcheck.coach.palette import Image
from formcheck.errors import FormcheckError


@dataclass(frozen=True)
class Key:
    """A key was pressed.

    Attributes:
        name: ``"enter"``, ``"esc"``, ``"space"``, ``"up"``, ``"down"``, ``"left"``, ``"right"``, ``"tab"``,
            ``"backspace"``, a digit, or a lower-case letter or sign as typed.
    """

    name: str


@dataclass(frozen=True)
class Click:
    """The left mouse button was pressed at this pixel of the image shown last."""

    x: int
    y: int


@dataclass(frozen=True)
class Closed:
    """The window was closed by the person."""


Input = Key | Click | Closed


class Screen(Protocol):
    """What a live session needs of a window; `Window` and `FakeWindow` have it."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the drawing area in pixels."""

    def show(self, image: Image) -> None:
        """Show an image, scaled to the window."""

    def events(self) -> list[Input]:
        """What was pressed or clicked since the last call; returns within a few milliseconds."""

    def close(self) -> None:
        """Take the window away."""


#: `cv2.waitKeyEx` gives ASCII where there is one; other keys depend on what OpenCV's window is made of.
_NAMES = {
    13: "enter", 10: "enter", 3: "enter", 27: "esc", 32: "space", 9: "tab", 8: "backspace", 127: "backspace",
    # X11 key symbols: Qt and GTK on Linux (also of the number pad)
    0xFF51: "left", 0xFF52: "up", 0xFF53: "right", 0xFF54: "down",
    0xFF96: "left", 0xFF97: "up", 0xFF98: "right", 0xFF99: "down",
    0xFF0D: "enter", 0xFF8D: "enter", 0xFF1B: "esc", 0xFF09: "tab", 0xFF08: "backspace", 0xFF80: "space",
    # Windows: virtual key codes, shifted up
    0x250000: "left", 0x260000: "up", 0x270000: "right", 0x280000: "down",
    # macOS: private-use characters of Cocoa
    0xF702: "left", 0xF700: "up", 0xF703: "right", 0xF701: "down",
} | {0xFFB0 + digit: str(digit) for digit in range(10)}  # fmt: skip


def key_name(code: int) -> str | None:
    """Name of a key by the code `cv2.waitKeyEx` gave, on any platform; None for one without a name here."""
    if code < 0:
        return None
    if code in _NAMES:
        return _NAMES[code]
    low = code & 0xFFFF  # GTK adds Shift, NumLock and so on above
    if low in _NAMES:
        return _NAMES[low]
    return chr(low).lower() if 0x20 < low < 0x7F else None


class Window:
    """A real window.

    Args:
        title: of the window.
        windowed: an ordinary window of `size`, not the full screen.
        size: width and height when windowed.

    Raises:
        FormcheckError: there is no display to open a window on.
    """

    #: At most so many keys are taken in one call of `events`, so that a stuck key cannot hold it up.
    _MOST_KEYS = 16

    def __init__(
        self, title: str = "formcheck", *, windowed: bool = False, size: tuple[int, int] = (1280, 720)
    ) -> None:
        check_display()
        self._title = title
        self._clicks: list[Click] = []
        self._size = size
        self._open = True
        self._shown: tuple[int, int] | None = None
        try:
            # plain: without the tool bar and the panning and zooming menus that Qt would add
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.setMouseCallback(title, self._on_mouse)
            if windowed:
                cv2.resizeWindow(title, *size)
            else:
                cv2.setWindowProperty(title, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN)
            # Something to show, and a moment for the window system to settle on a size.
            cv2.imshow(title, np.zeros((size[1], size[0], 3), np.uint8))
            for _ in range(5):
                cv2.waitKeyEx(20)
        except cv2.error as error:
            raise FormcheckError(
                "The window cannot be opened: this OpenCV has no windows; install opencv-python, not "
                f"opencv-python-headless ({' '.join(str(error.err).split())})."
            ) from None
        self._measure()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the drawing area in pixels."""
        return self._size

    def show(self, image: Image) -> None:
        """Show an image, scaled to the window; nothing happens once the window is closed."""
        if not self._open:
            return
        width, height = self._size
        self._shown = (image.shape[1], image.shape[0])
        if image.shape[1] < width:
            # OpenCV's own window scales up without smoothing
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        self._drawn = (image.shape[1], image.shape[0])
        cv2.imshow(self._title, image)

    def events(self) -> list[Input]:
        """Keys and clicks since the last call, in that order; `Closed` once when the window has gone."""
        if not self._open:
            return []
        out: list[Input] = []
        for _ in range(self._MOST_KEYS):
            code = cv2.waitKeyEx(1)
            if code < 0:
                break
            name = key_name(code)
            if name is not None:
                out.append(Key(name))
        out += self._clicks
        self._clicks.clear()
        if not self._is_visible():
            self._open = False
            out.append(Closed())
        else:
            self._measure()
        return out

    def close(self) -> None:
        """Take the window away; safe to call twice."""
        if self._open:
            self._open = False
            cv2.destroyWindow(self._title)
            cv2.waitKeyEx(1)

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _is_visible(self) -> bool:
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:
            return False

    def _measure(self) -> None:
        try:
            _, _, width, height = cv2.getWindowImageRect(self._title)
        except cv2.error:
            return
        if width > 0 and height > 0:
            self._size = (int(width), int(height))

    def _on_mouse(self, event: int, x: int, y: int, flags: int, data: object) -> None:
        if event == cv2.EVENT_LBUTTONDOWN and self._shown is not None:
            # OpenCV counts in the image it was given; the caller in the one it showed
            across, down = (a / b for a, b in zip(self._shown, self._drawn, strict=True))
            self._clicks.append(Click(int(x * across), int(y * down)))


def check_display() -> None:
    """Make sure that a window can be opened.

    OpenCV's window library ends the whole program where it finds no display, so on Linux a child process
    tries first.

    Raises:
        FormcheckError: it cannot, in one sentence with what to do.
    """
    if not sys.platform.startswith("linux"):
        return
    if not os.environ.get("DISPLAY") and not os.environ.get("QT_QPA_PLATFORM"):
        raise FormcheckError(
            "There is no screen to show anything on (DISPLAY is not set); run this in a desktop session."
        )
    # namedWindow connects to the display; the window is never shown because no event is handled
    code = "import cv2, os; cv2.namedWindow('formcheck'); os._exit(0)"
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return  # the try itself did not work; the real window will tell
    if done.returncode != 0:
        raise FormcheckError(
            f"No window can be opened on the display '{os.environ.get('DISPLAY', '')}'; "
            "run this in a desktop session, with opencv-python (not opencv-python-headless) installed."
        )


class FakeWindow:
    """A window for tests: it remembers what it was shown and gives scripted inputs.

    Args:
        script: one entry for each call of `events`; nothing more afterwards.
        size: width and height it claims to have.
    """

    def __init__(self, script: Iterable[Sequence[Input]] = (), size: tuple[int, int] = (1366, 768)) -> None:
        self.size = size
        self.shown: list[Image] = []
        self.closed = False
        self._script = iter(script)

    def show(self, image: Image) -> None:
        """Remember the image."""
        self.shown.append(image)

    def events(self) -> list[Input]:
        """The next inputs of the script."""
        return list(next(self._script, ()))

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True
