"""Is this computer ready for a live session? Tries everything a session needs and says so in plain words.

Nothing is guessed: the camera is opened and watched, the pose model runs on a picture that comes with
formcheck, a sentence is spoken, a window is opened.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from formcheck.coach.message import Priority, Say, Tone
from formcheck.coach.voice.voice import Voice, open_voice
from formcheck.errors import FormcheckError
from formcheck.files import sessions_folder
from formcheck.pose.device import check_device
from formcheck.pose.engine import open_engine
from formcheck.video.file import Frame
from formcheck.video.light import image_light
from formcheck.video.live_source import LiveSource
from formcheck.video.open import open_source
from formcheck.words import Words

Status = Literal["ok", "limit", "fail"]
EXIT = {"ok": 0, "limit": 1, "fail": 2}

WATCH_S = 2.0
TEMPO_FPS = 15.0  # spec 1.3: below it tempo is not judged well, below 12 not at all
USUAL_FPS = 30.0  # assumed for the model's choice where no camera could be tried
MARGIN = 0.7  # of the time between two frames is for the pose; the rest is drawing, recording and the system
SLOWEST_FPS = 7.0  # fewer pictures a second than this show no movement
SPEED_S = 1.5
ROOM_GB = 2.0  # half an hour of 640 × 480 video takes about 0.2 GB
SAMPLE = Path(__file__).with_name("sample.jpg")


@dataclass(frozen=True)
class DoctorCheck:
    """What was found about one thing.

    Attributes:
        name: what was tried: ``"camera"``, ``"speed"``, ``"sound"``, ``"disk"`` or ``"display"``.
        status: ``"ok"``; ``"limit"``: a session works without it or less well; ``"fail"``: it cannot run.
        found: what was found, in words.
        todo: what to do about it, or "".
        numbers: the same for programs.
    """

    name: str
    status: Status
    found: str
    todo: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All checks.

    Attributes:
        checks: one for each thing tried.
        model: the pose model to use here, ``"full"`` or ``"lite"``; None if this computer is too slow.
    """

    checks: tuple[DoctorCheck, ...]
    model: str | None

    @property
    def exit_status(self) -> int:
        """0 ready, 1 works with limits, 2 cannot run."""
        return max(EXIT[check.status] for check in self.checks)

    @property
    def verdict(self) -> str:
        return (
            "This computer is ready for a live session.",
            "A live session works here, with the limits above.",
            "A live session cannot run here yet: see above what to do.",
        )[self.exit_status]

    def to_json(self) -> str:
        """One JSON object."""
        checks = {check.name: asdict(check) for check in self.checks}
        for entry in checks.values():
            entry |= entry.pop("numbers")
            del entry["name"]
        return json.dumps(
            {
                "schema": "formcheck.cli.doctor/1",
                "exit_status": self.exit_status,
                "verdict": self.verdict,
                "model": self.model,
                "checks": checks,
            },
            indent=2,
            ensure_ascii=False,
        )


def examine(
    camera: str | None = None,
    language: str = "en",
    progress: Callable[[str], None] = lambda what: None,
    device: str = "cpu",
) -> Report:
    """Try everything. Takes about ten seconds, speaks one sentence and shows a black screen for a moment.

    Args:
        camera: number, device or URL; None is the first camera.
        language: of the voice to try.
        progress: told what is being tried.
        device: what the pose model is timed on, see `formcheck.pose.device`.
    """
    check_device(device)
    progress("Looking through the camera")
    seen = check_camera(open_source(camera))
    progress("Timing the pose model")
    fps = float(seen.numbers.get("fps", 0.0)) or USUAL_FPS
    speed, model = check_speed(fps, partial(model_ms, device=device))
    progress("Trying the sound")
    sound = check_sound(language)
    progress("Looking at the disk and the screen")
    return Report((seen, speed, sound, check_disk(sessions_folder()), doctor_display()), model)


def check_camera(source: LiveSource) -> DoctorCheck:
    """Open a camera, watch it for two seconds, and close it."""
    try:
        source.open()
    except FormcheckError as error:
        return DoctorCheck("camera", "fail", str(error), "Put this right and run formcheck doctor again.")
    try:
        frame = None
        start = source.now_s()
        while source.now_s() - start < WATCH_S and source.state != "ended":
            frame = source.latest(0.25) or frame
        lost, fps, (width, height) = source.state == "lost", source.fps, source.size
    finally:
        source.close()
    if frame is None or lost:
        return DoctorCheck(
            "camera",
            "fail",
            source.problem or "The camera opens but gives no picture that is not black.",
            "Open the lens cover, switch on a light, close other programs that use the camera.",
            {"width": width, "height": height},
        )
    light = image_light(frame.image)
    found = [f"It works: {width} × {height}, {fps:.0f} pictures a second."]
    todo = []
    status: Status = "ok"
    if light == "dark":
        status = "limit"
        found.append("The picture is too dark.")
        todo.append("Switch on a light, or open the curtains behind the laptop.")
    elif light == "backlit":
        status = "limit"
        found.append("There is a bright window or lamp behind you.")
        todo.append("Turn the laptop so that the light comes from behind it, or close the curtain.")
    if fps < TEMPO_FPS:
        status = "limit"
        found.append("That is too few to judge how fast you move.")
        todo.append("More light usually helps: in the dark cameras slow down.")
    numbers = {"width": width, "height": height, "fps": round(fps, 1), "light": light}
    return DoctorCheck("camera", status, " ".join(found), " ".join(todo), numbers)


def model_ms(model: str, fps: float = USUAL_FPS, for_s: float = SPEED_S, device: str = "cpu") -> float:
    """Mean time the pose engine takes for a frame of the shipped picture, in milliseconds.

    Frames carry the times they would have at this rate, so second readings and looks for other people cost
    their share.
    """
    import cv2

    image = np.asarray(cv2.imdecode(np.fromfile(SAMPLE, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)
    with open_engine(model=model, device=device) as engine:
        for index in range(3):  # the first runs prepare memory
            engine.estimate(Frame(image, index / fps, index))
        start = time.perf_counter()
        index = 3
        while index < 6 or time.perf_counter() - start < for_s:
            engine.estimate(Frame(image, index / fps, index))
            index += 1
        return 1000 * (time.perf_counter() - start) / (index - 3)


def choose_model(fps: float, full_ms: float, lite_ms: float) -> tuple[str | None, float]:
    """The model to use live, and how many pictures a second it manages.

    Args:
        fps: pictures a second the camera gives.
        full_ms, lite_ms: mean time per frame of each model, ms.

    Returns:
        ``"full"`` if it keeps up with the camera with a margin, else ``"lite"``, else None if even that is
        slower than `SLOWEST_FPS`.
    """
    rates = {"full": MARGIN * 1000 / full_ms, "lite": MARGIN * 1000 / lite_ms}
    if rates["full"] >= fps:
        return "full", rates["full"]
    return ("lite" if rates["lite"] >= SLOWEST_FPS else None), rates["lite"]


def check_speed(
    fps: float, measure: Callable[[str, float], float] = model_ms
) -> tuple[DoctorCheck, str | None]:
    """Time both models; the check, and the model to use."""
    try:
        full_ms, lite_ms = measure("full", fps), measure("lite", fps)
    except FormcheckError as error:
        return DoctorCheck("speed", "fail", str(error), "Install formcheck again."), None
    model, rate = choose_model(fps, full_ms, lite_ms)
    numbers = {
        "full_ms": round(full_ms, 1),
        "lite_ms": round(lite_ms, 1),
        "model": model,
        "pictures_per_second": round(rate, 1),
    }
    times = f"A picture takes {full_ms:.0f} ms (full model) or {lite_ms:.0f} ms (lite model)."
    close = "Close other programs and plug in the charger; an older computer may stay too slow."
    if model is None:
        return DoctorCheck("speed", "fail", f"This computer is too slow. {times}", close, numbers), None
    if rate < min(fps, TEMPO_FPS):
        found = f"Slow: about {rate:.0f} pictures a second, too few to judge how fast you move. {times}"
        return DoctorCheck("speed", "limit", found, close, numbers), model
    if rate < fps:
        found = f"The lite model manages {rate:.0f} of the camera's {fps:.0f} pictures a second. {times}"
        return DoctorCheck("speed", "limit", found, close, numbers), model
    if model == "lite":
        found = f"Fast enough with the lite model, which is a little less exact. {times}"
        return DoctorCheck("speed", "ok", found, "", numbers), model
    return DoctorCheck("speed", "ok", f"Fast enough for the full model. {times}", "", numbers), model


def check_sound(language: str = "en", open_it: Callable[[str], Voice] = open_voice) -> DoctorCheck:
    """Play a tone and speak a sentence."""
    voice = open_it(language)
    try:
        voice.play(Tone("up"))
        time.sleep(0.3 if voice.working else 0.0)
        words = Words(language)
        text = words("voice.test") if "voice.test" in words else _TEST.get(language, _TEST["en"])
        voice.say(Say(text, "voice.test", Priority.PRAISE))
        deadline = time.monotonic() + 15.0
        while voice.busy and time.monotonic() < deadline:
            time.sleep(0.02)
        working, problem, delays = voice.working and not voice.busy, voice.problem, voice.start_delays_s
    finally:
        voice.close()
    numbers = {"working": working, "start_delay_s": round(delays[-1], 3) if delays else None}
    if not working:
        return DoctorCheck(
            "sound",
            "limit",
            problem or "The voice does not answer.",
            "Without sound everything the coach says is on the screen only.",
            numbers,
        )
    heard = "If you did not hear a sentence just now, turn the volume up and unplug headphones."
    if problem:
        return DoctorCheck("sound", "limit", problem, heard, numbers)
    return DoctorCheck("sound", "ok", f"The computer speaks and plays tones. {heard}", "", numbers)


_TEST = {"en": "This is your coach.", "de": "Hier spricht Ihr Trainer."}


def check_disk(folder: Path, usage: Callable[[Path], Any] = shutil.disk_usage) -> DoctorCheck:
    """Room where sessions are kept, and whether they may be written there."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        free_gb = usage(there).free / 1e9
    except OSError:
        free_gb = 0.0
    numbers = {"folder": str(folder), "free_gb": round(free_gb, 1)}
    if not there.is_dir() or not os.access(there, os.W_OK):
        return DoctorCheck(
            "disk",
            "limit",
            f"Sessions cannot be kept: you may not write to {there}.",
            "Set FORMCHECK_DATA to a folder of your own.",
            numbers,
        )
    found = f"{free_gb:.1f} GB are free for sessions (in {folder})."
    if free_gb < ROOM_GB:
        return DoctorCheck(
            "disk", "limit", found, "Delete what you no longer need, or sessions may not fit.", numbers
        )
    return DoctorCheck("disk", "ok", found, "", numbers)


# In a process of its own: without a screen, the window system ends the program it is asked by.
_WINDOW = """
import json, subprocess, sys
import cv2, numpy as np
cv2.namedWindow("formcheck", cv2.WINDOW_NORMAL)
cv2.setWindowProperty("formcheck", cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN)
cv2.imshow("formcheck", np.zeros((90, 160, 3), np.uint8))
for _ in range(10):
    cv2.waitKey(30)
size = None
try:
    if sys.platform == "win32":
        import ctypes
        ctypes.windll.user32.SetProcessDPIAware()
        size = [ctypes.windll.user32.GetSystemMetrics(i) for i in (0, 1)]
    elif sys.platform == "darwin":
        from AppKit import NSScreen
        frame = NSScreen.mainScreen().frame()
        size = [int(frame.size.width), int(frame.size.height)]
    else:
        try:
            out = subprocess.run(["xrandr", "--current"], capture_output=True, text=True, timeout=5).stdout
            size = [int(n) for n in out.split("current")[1].split(",")[0].split("x")]
        except (OSError, IndexError, ValueError):
            import tkinter
            root = tkinter.Tk()
            size = [root.winfo_screenwidth(), root.winfo_screenheight()]
except Exception:
    pass
print(json.dumps(size))
"""


def doctor_display(command: list[str] | None = None) -> DoctorCheck:
    """Open a full-screen window for a moment.

    Args:
        command: prints the screen's ``[width, height]`` or null; another one in tests.
    """
    try:
        done = subprocess.run(
            command or [sys.executable, "-c", _WINDOW],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=30,
        )
        size = json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None
        opened = done.returncode == 0
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        opened, size = False, None
    if not opened:
        return DoctorCheck(
            "display",
            "fail",
            "No window can be opened.",
            "Run formcheck on the computer itself, at its screen, and not over a remote terminal.",
        )
    if size is None:
        return DoctorCheck("display", "ok", "A window can be opened; the size of the screen is not known.")
    width, height = (int(n) for n in size)
    numbers = {"width": width, "height": height}
    found = f"The screen has {width} × {height} points."
    if width < 1024 or height < 600:
        return DoctorCheck(
            "display", "limit", found, "Text will be small from two metres: use a larger screen.", numbers
        )
    return DoctorCheck("display", "ok", found, "", numbers)
