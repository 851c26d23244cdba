"""The window: keys by name on every platform, and a real one on a virtual display."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from virtual_screen import start_screen
from waiting import until

from formcheck.coach.pages import window
from formcheck.coach.pages.window import Click, Closed, FakeWindow, Key, display_held, key_name
from formcheck.errors import FormcheckError

ROOT = Path(window.__file__).parents[3]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are X11's only on Linux")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (13, "enter"), (10, "enter"), (27, "esc"), (32, "space"), (9, "tab"),
        (ord("0"), "0"), (ord("9"), "9"), (ord("s"), "s"), (ord("S"), "s"),
        (65361, "left"), (65362, "up"), (65363, "right"), (65364, "down"),  # X11
        (65430, "left"), (65421, "enter"), (65456, "0"), (65465, "9"),  # X11, number pad
        (0x10FF51, "left"), (0x140000 + ord("p"), "p"),  # GTK with NumLock
        (2424832, "left"), (2490368, "up"), (2555904, "right"), (2621440, "down"),  # Windows
        (63234, "left"), (63232, "up"), (63235, "right"), (63233, "down"),  # macOS
        (-1, None), (0xFFE1, None), (0, None),  # nothing, Shift alone
    ],
)  # fmt: skip
def test_keys_have_one_name_on_every_platform(code: int, name: str | None) -> None:
    assert key_name(code) == name


def test_a_scripted_window_for_other_tests() -> None:
    fake = FakeWindow([[Key("1")], [], [Click(3, 4), Closed()]], size=(800, 600))
    fake.show(np.zeros((6, 8, 3), np.uint8))
    assert fake.size == (800, 600)
    assert fake.events() == [Key("1")]
    assert fake.events() == []
    assert fake.events() == [Click(3, 4), Closed()]
    assert fake.events() == []
    fake.close()
    assert fake.closed
    assert len(fake.shown) == 1


@linux
def test_without_a_display_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    with pytest.raises(FormcheckError, match=r"DISPLAY is not set.*desktop session\.$"), display_held():
        pass


@linux
def test_a_display_that_is_not_there_does_not_end_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    with (
        pytest.raises(FormcheckError, match="No window can be opened on the display ':987'"),
        display_held(),
    ):
        pass


# ---- a real window -------------------------------------------------------------------------------------

#: Shows a page with differently coloured halves and prints what comes in, a JSON line each.
PROGRAM = """
import json, sys
import numpy as np
from formcheck.coach.pages.window import Closed, LiveWindow
options = json.loads(sys.argv[1])
window = LiveWindow(windowed=options["windowed"], size=(900, 600))
print(json.dumps({"size": window.size}), flush=True)
while True:
    width, height = window.size
    width, height = int(width / options["shrink"]), int(height / options["shrink"])
    image = np.full((height, width, 3), (200, 40, 20), np.uint8)
    image[:, width // 2 :] = (20, 40, 200)
    window.show(image)
    events = window.events()
    for event in events:
        print(json.dumps({type(event).__name__: vars(event)}), flush=True)
    if any(isinstance(event, Closed) or getattr(event, "name", "") == "q" for event in events):
        break
window.close()
window.close()
print(json.dumps({"end": window.events()}), flush=True)
"""


def has(*programs: str) -> bool:
    return sys.platform.startswith("linux") and all(shutil.which(program) for program in programs)


needs_display = pytest.mark.skipif(
    not has("Xvfb", "xdotool"), reason="Xvfb and xdotool are not installed (apt-get install xvfb xdotool)"
)


class Display:
    """A virtual screen with the program on it."""

    def __init__(self, folder: Path, width: int, height: int, *options: str) -> None:
        self.folder, self.size = folder, (width, height)
        self._processes: list[subprocess.Popen[Any]] = []
        self.server, display = start_screen(f"{width}x{height}", "-fbdir", str(folder), *options)
        self._processes.append(self.server)
        self.environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT)}
        self.environment.pop("QT_QPA_PLATFORM", None)

    def _start(self, command: list[str], **options: Any) -> subprocess.Popen[Any]:
        process = subprocess.Popen(command, **options)
        self._processes.append(process)
        return process

    def manage_windows(self) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._start(["openbox"], env=self.environment, **quiet)
        until(lambda: self.is_managed(), 60.0)

    def is_managed(self) -> bool:
        """Whether a window manager answers."""
        asked = ["xdotool", "get_num_desktops"]
        return subprocess.run(asked, env=self.environment, capture_output=True).returncode == 0

    def run(self, **options: Any) -> None:
        given = {"windowed": False, "shrink": 1, **options}
        self.output = self.folder / "output"
        with self.output.open("wb") as out:
            self.program = self._start(
                [sys.executable, "-c", PROGRAM, json.dumps(given)], env=self.environment, stdout=out
            )
        self.wait(lambda: self.lines())

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.endswith("}")]

    def wait(self, happened: Callable[[], Any], seconds: float = 90.0) -> None:
        """Until something has happened; how fast is not judged."""
        assert self.came(happened, seconds), f"nothing came of it; so far {self.lines()}"

    def wait_for_picture(self, shown: Callable[[], Any]) -> None:
        """Until it is painted.

        Without a window manager Qt now and then misses that its window has come (one start in fifteen on
        a busy machine), and paints nothing until it comes again.
        """
        if not self.came(shown, 3.0):
            for window_id in self.xdotool("search", "--onlyvisible", "--name", "formcheck").split():
                self.xdotool("windowunmap", "--sync", window_id, "windowmap", "--sync", window_id)
        self.wait(shown)

    def came(self, happened: Callable[[], Any], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not happened() and time.monotonic() < end:
            time.sleep(0.05)
        return bool(happened())

    def type(self, key: str, expected: dict[str, Any]) -> None:
        """Press a key; if nothing comes of it, once more, as a person would.

        A key is lost now and then without a window manager (once in some hundred runs, on a busy machine).
        """
        before = len(self.lines())
        self.xdotool("key", key)
        if not self.came(lambda: len(self.lines()) > before, 30.0):
            self.xdotool("key", key)
            self.wait(lambda: len(self.lines()) > before)
        assert self.lines()[before:] == [expected], key

    def xdotool(self, *arguments: str) -> str:
        command = ["xdotool", *arguments]
        return subprocess.run(
            command, env=self.environment, check=True, timeout=90, stdout=subprocess.PIPE, text=True
        ).stdout

    def screenshot(self) -> np.ndarray:
        """``(h, w, 3)`` BGR, from the frame buffer file that Xvfb keeps (format XWD)."""
        content = (self.folder / "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", content[:100])
        width, height, row_bytes, colors = header[4], header[5], header[12], header[19]
        start = header[0] + 12 * colors
        rows = np.frombuffer(content, np.uint8, row_bytes * height, start).reshape(height, row_bytes)
        return rows[:, : 4 * width].reshape(height, width, 4)[..., :3]

    def end(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait(10)


@pytest.fixture
def display(tmp_path: Path) -> Iterator[Display]:
    shown = Display(tmp_path, 1366, 768)
    yield shown
    shown.end()


@needs_display
def test_keys_mouse_picture_and_end_of_a_real_full_screen_window(display: Display) -> None:
    display.run()
    assert display.lines() == [{"size": [1366, 768]}]  # the whole screen, even without a window manager

    def is_shown() -> bool:
        picture = display.screenshot()[5:400]  # the mouse pointer is further down
        left, right = picture[:, 5:670], picture[:, 700:-5]
        return bool((left == (200, 40, 20)).all() and (right == (20, 40, 200)).all())

    display.wait_for_picture(is_shown)
    names = {
        "Up": "up", "Down": "down", "Left": "left", "Right": "right", "Return": "enter", "Escape": "esc",
        "space": "space", "0": "0", "7": "7", "KP_4": "4", "KP_Enter": "enter", "s": "s", "P": "p",
    }  # fmt: skip
    for key, name in names.items():
        display.type(key, {"Key": {"name": name}})
    before = len(display.lines())
    display.xdotool("mousemove", "1000", "500", "click", "1")
    display.wait(lambda: len(display.lines()) > before)
    assert display.lines()[before:] == [{"Click": {"x": 1000, "y": 500}}]
    display.type("Left", {"Key": {"name": "left"}})  # a click must not take the keys away (opencv #20215)
    # The wheel zooms OpenCV's Qt window; that is undone, and keys go on.
    display.xdotool("click", "--repeat", "3", "4")
    display.wait(lambda: not is_shown())
    display.wait_for_picture(is_shown)
    display.type("Right", {"Key": {"name": "right"}})
    display.xdotool("key", "q")
    assert display.program.wait(90) == 0
    assert display.lines()[-1] == {"end": []}


@needs_display
def test_the_display_stays_while_the_own_window_is_not_open_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Display(tmp_path, 640, 480, "-terminate")  # goes when its last client leaves
    try:
        monkeypatch.setenv("DISPLAY", shown.environment["DISPLAY"])
        monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
        with display_held():
            for _ in range(3):  # other clients come and go
                shown.xdotool("getmouselocation")
        assert shown.server.wait(30) == 0  # nobody holds it any more
    finally:
        shown.end()


@needs_display
def test_a_smaller_image_fills_the_window_and_clicks_are_its_own(display: Display) -> None:
    display.run(windowed=True, shrink=2)
    assert display.lines() == [{"size": [900, 600]}]
    display.wait_for_picture(
        lambda: (display.screenshot()[300, [100, 800]] == [(200, 40, 20), (20, 40, 200)]).all()
    )
    display.xdotool("mousemove", "600", "400", "click", "1")
    display.wait(lambda: len(display.lines()) > 1)
    assert display.lines()[1] == {"Click": {"x": 300, "y": 200}}


@needs_display
@pytest.mark.skipif(not has("openbox"), reason="closing with the mouse needs a window manager (openbox)")
def test_closing_the_window_is_told_once(display: Display) -> None:
    display.manage_windows()
    display.run()
    assert display.lines() == [{"size": [1366, 768]}]
    display.xdotool("key", "alt+F4")
    assert display.program.wait(90) == 0
    assert display.lines()[1:] == [{"Closed": {}}, {"end": []}]
