"""The window of `formcheck live`: OpenCV's own, with keys, mouse and its closing as values."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from formcheck.drawing.palette import Image
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
    """What a live session needs of a window; `LiveWindow` and `FakeWindow` have it."""

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


class LiveWindow:
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
    #: The wheel has been quiet for so long: now the zoom it caused is undone.
    _WHEEL_QUIET_S = 0.4

    def __init__(
        self, title: str = "formcheck", *, windowed: bool = False, size: tuple[int, int] = (1280, 720)
    ) -> None:
        self._title = title
        self._windowed = windowed
        self._size = size
        self._number = 0
        self._keys: list[Key] = []
        self._clicks: list[Click] = []
        self._wheel_s: float | None = None
        self._open = True
        self._image = np.zeros((size[1], size[0], 3), np.uint8)  # as handed to OpenCV
        self._shown = size  # width and height of the image as handed to us
        try:
            with display_held():
                self._name = self._make()
        except cv2.error as error:
            raise FormcheckError(
                "The window cannot be opened: this OpenCV has no windows; install opencv-python, not "
                f"opencv-python-headless ({' '.join(str(error.err).split())})."
            ) from None

    def _make(self) -> str:
        """Open OpenCV's window and wait until its size is known; returns its name."""
        self._number += 1
        name = f"{self._title} {self._number}"
        # plain: without the tool bar and the panning and zooming menus that Qt would add
        cv2.namedWindow(name, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.setWindowTitle(name, self._title)
        cv2.setMouseCallback(name, self._on_mouse)
        if self._windowed:
            cv2.resizeWindow(name, *self._size)
        cv2.imshow(name, self._image)
        self._let_happen()
        if not self._windowed:
            before = _drawing_size(name)
            cv2.setWindowProperty(name, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN)
            for _ in range(10):
                self._let_happen()
                if _drawing_size(name) != before:
                    break
            else:  # nobody there to make a window full screen (a display without window manager)
                screen = _x11_screen_size()
                if screen is not None:
                    cv2.moveWindow(name, 0, 0)
                    cv2.resizeWindow(name, *screen)
                    self._let_happen()
        self._size = _drawing_size(name) or self._size
        return name

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the drawing area in pixels."""
        return self._size

    def show(self, image: Image) -> None:
        """Show an image, scaled to the window; nothing happens once the window is closed."""
        if not self._open:
            return
        self._shown = (image.shape[1], image.shape[0])
        if image.shape[1] < self._size[0]:
            # OpenCV's own window scales up without smoothing
            scaled = cv2.resize(image, self._size, interpolation=cv2.INTER_LINEAR)
            image = np.asarray(scaled, np.uint8)
        self._image = image
        cv2.imshow(self._name, image)

    def events(self) -> list[Input]:
        """Keys and clicks since the last call; `Closed` once when the window has gone."""
        if not self._open:
            return []
        for _ in range(self._MOST_KEYS):
            code = cv2.waitKeyEx(1)
            if code < 0:
                break
            self._take_key(code)
        out: list[Input] = [*self._keys, *self._clicks]
        self._keys.clear()
        self._clicks.clear()
        if not self._is_visible():
            self._open = False
            out.append(Closed())
            return out
        if self._wheel_s is not None and time.monotonic() - self._wheel_s > self._WHEEL_QUIET_S:
            self._undo_zoom()
        self._size = _drawing_size(self._name) or self._size
        return out

    def close(self) -> None:
        """Take the window away; safe to call twice."""
        if self._open:
            self._open = False
            cv2.destroyWindow(self._name)
            cv2.waitKeyEx(1)

    def __enter__(self) -> LiveWindow:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _is_visible(self) -> bool:
        try:
            return cv2.getWindowProperty(self._name, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:
            return False

    def _let_happen(self) -> None:
        """Give the window system a moment; a key pressed meanwhile is kept."""
        for _ in range(5):
            self._take_key(cv2.waitKeyEx(20))

    def _take_key(self, code: int) -> None:
        name = key_name(code)
        if name is not None:
            self._keys.append(Key(name))

    def _on_mouse(self, event: int, x: int, y: int, flags: int, data: object) -> None:
        if event == cv2.EVENT_LBUTTONDOWN:
            # OpenCV counts in the image it was given; the caller in the one it showed
            height, width = self._image.shape[:2]
            self._clicks.append(Click(x * self._shown[0] // width, y * self._shown[1] // height))
        elif event in (cv2.EVENT_MOUSEWHEEL, cv2.EVENT_MOUSEHWHEEL):
            self._wheel_s = time.monotonic()

    def _undo_zoom(self) -> None:
        """Replace the window by a new one.

        OpenCV's Qt window zooms when the wheel is turned (or a touch pad stroked), and offers neither to
        switch that off nor to undo it (opencv issue 11500); a half-visible page would be no use to anyone.
        """
        self._wheel_s = None
        if not cv2.currentUIFramework().startswith("QT"):
            return  # only Qt zooms
        old = self._name
        self._name = self._make()
        cv2.destroyWindow(old)


def _drawing_size(name: str) -> tuple[int, int] | None:
    """Width and height of what a window shows; None where OpenCV cannot tell."""
    try:
        _, _, width, height = cv2.getWindowImageRect(name)
    except cv2.error:
        return None
    return (int(width), int(height)) if width > 0 and height > 0 else None


def _x11() -> ctypes.CDLL | None:
    """The X11 library, or None where there is none."""
    name = ctypes.util.find_library("X11") if sys.platform.startswith("linux") else None
    if name is None:
        return None
    x11 = ctypes.CDLL(name)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XOpenDisplay.argtypes = [ctypes.c_char_p]
    for ask in (x11.XDisplayWidth, x11.XDisplayHeight):
        ask.argtypes = [ctypes.c_void_p, ctypes.c_int]
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    return x11


def _x11_screen_size() -> tuple[int, int] | None:
    """Size of the X11 screen, or None where there is none."""
    x11 = _x11()
    display = x11.XOpenDisplay(None) if x11 is not None else None
    if x11 is None or not display:
        return None
    size = int(x11.XDisplayWidth(display, 0)), int(x11.XDisplayHeight(display, 0))
    x11.XCloseDisplay(display)
    return size


@contextmanager
def display_held() -> Iterator[None]:
    """Make sure that a window can be opened, and that it still can inside this context.

    OpenCV's window library aborts the whole program where it finds no display, so on Linux a child process
    tries first. Meanwhile a connection without a window is kept: an X server whose last client leaves (the
    child) starts anew, and refuses the next one until it has.

    Raises:
        FormcheckError: it cannot, in one sentence with what to do.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    if not os.environ.get("DISPLAY") and not os.environ.get("QT_QPA_PLATFORM"):
        raise FormcheckError(
            "There is no screen to show anything on (DISPLAY is not set); run this in a desktop session."
        )
    x11 = _x11()
    connection = x11.XOpenDisplay(None) if x11 is not None else None
    try:
        _try_display()
        yield
    finally:
        if x11 is not None and connection:
            x11.XCloseDisplay(connection)


def _try_display() -> None:
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
