"""How late is the live coach? Capture to shown, fault to cue, frames dropped, with a paced source.

    python benchmarks/live_latency.py [--clip videos/clam_front.mp4] [--exercise clam] [--seconds 60]
    python benchmarks/live_latency.py --phone

Plays a clip as the camera in real time (its still start first, then round and round), presses the keys of the
first pages, and prints the figures of `formcheck live --stats`. With a display the
real window is used; without one (Linux: DISPLAY not set) pages are drawn but not shown.

With ``--phone`` a Chromium on this computer is a phone that is the camera, and the clip what its camera sees,
30 pictures a second: what is measured then begins when the browser took a picture.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import cv2
import numpy as np

from formcheck.coach.flow import Flow
from formcheck.coach.live import LiveOptions, LiveSession
from formcheck.coach.pages.window import Closed, FakeWindow, Input, Key, LiveWindow, Screen
from formcheck.coach.plan import PastPractice, SessionPlan, wanted_views
from formcheck.coach.start import live_engine
from formcheck.coach.voice.voice import SilentVoice
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.video.clip_camera import ClipSource
from formcheck.video.file import VideoFile
from formcheck.video.live_source import LiveSource
from formcheck.video.switched_camera import SwitchedCamera
from formcheck.video.writer import VideoWriter
from formcheck.words import Words

ROOT = Path(__file__).resolve().parent.parent
KEYS = {"safety": "1", "pain_before": "0", "pain_after": "0", "effort": "3", "rest": "enter"}


def looped(clip: Path, seconds: float, to: Path) -> None:
    """The clip's first moments to and fro, so that somebody lies still, then the clip again and again."""
    with VideoFile(clip) as video:
        frames = [frame.image for frame in video]
        fps = video.fps
        size = video.width, video.height
    still = frames[: int(0.9 * fps)]
    order = (still + still[::-1]) * 2
    while len(order) < seconds * fps:
        order += frames
    with VideoWriter(to, *size, fps=fps) as out:
        for i, image in enumerate(order[: int(seconds * fps)]):
            out.write(image, i / fps)


@contextmanager
def phone_that_sees(clip: Path, folder: Path) -> Iterator[LiveSource]:
    """A Chromium as the phone that is the camera."""
    sys.path.insert(0, str(ROOT / "tests"))
    from in_browser import CHROMIUM, FLAGS, sync_api

    from formcheck.coach.phone.camera_link import CameraLink
    from formcheck.coach.phone.serve import open_to_phone

    film = folder / "seen.mjpeg"  # of which Chromium shows 30 a second
    with VideoFile(clip) as video, film.open("wb") as out:
        for frame in video:
            out.write(cv2.imencode(".jpg", frame.image)[1].tobytes())
    link = CameraLink(Words())
    fake = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    with open_to_phone(link, "127.0.0.1") as address, sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *fake])
        like = {**playwright.devices["Pixel 7"], "ignore_https_errors": True}
        page = browser.new_context(**like, permissions=["camera"]).new_page()
        page.goto(address)
        page.click("#start")
        page.wait_for_selector("#state[data-says=ready]")
        yield SwitchedCamera(link.camera, no_other)
        match = link.clock_error_s
        print(f"clocks of phone and computer within {1000 * (match or np.nan):.0f} ms")
        browser.close()


def no_other() -> LiveSource:
    raise FormcheckError("There is no other camera in this benchmark.")


class Pressing:
    """A window that presses the key of each page by itself, and is closed after so many seconds."""

    def __init__(self, window: Screen, flow: Flow, until_s: float = np.inf) -> None:
        self._window, self._flow, self._at = window, flow, ""
        self._ends_s = time.monotonic() + until_s

    @property
    def size(self) -> tuple[int, int]:
        return self._window.size

    def show(self, image: np.ndarray) -> None:
        self._window.show(image)

    def events(self) -> list[Input]:
        out = self._window.events()
        if time.monotonic() > self._ends_s:
            return [*out, Closed()]
        step = self._flow.step
        if step != self._at:
            self._at = step
            if step in KEYS:
                out.append(Key(KEYS[step]))
        return out

    def close(self) -> None:
        self._window.close()


class OnlyCounting(FakeWindow):
    """Shows nothing and keeps nothing."""

    def show(self, image: np.ndarray) -> None:
        time.sleep(0.001)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, default=ROOT / "videos" / "clam_front.mp4")
    parser.add_argument("--exercise", default="clam")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--model", default="full")
    parser.add_argument("--phone", action="store_true", help="a Chromium as the phone that is the camera")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "looped.mp4"
        looped(args.clip, args.seconds, clip)
        definition = load_definition(args.exercise)
        plan = SessionPlan(definition, sets=5, reps=5, rest_s=1.0, views=wanted_views(definition, None, None))
        flow = Flow(Words(), {}, lambda name: (plan, PastPractice()), args.exercise)
        real = sys.platform != "linux" or bool(os.environ.get("DISPLAY"))
        window: Screen = LiveWindow(windowed=True, size=(1366, 768)) if real else OnlyCounting()
        camera = phone_that_sees(clip, Path(folder)) if args.phone else nullcontext(ClipSource(clip))
        with camera as source:
            live = LiveSession(
                flow,
                lambda: source,
                live_engine(args.model),
                SilentVoice("Nothing is said in this benchmark."),
                Pressing(window, flow, args.seconds if args.phone else np.inf),
                LiveOptions(Path(folder) / "sessions", clip=not args.phone),
            )
            result = live.run()
    shown = "real window" if real else "no display: drawn, not shown"
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    by = "a phone's page in Chromium" if args.phone else "a clip"
    print(f"from {by}, model {args.model}, {shown}, video recorded, {args.seconds:.0f} s")
    print(f"capture → shown, median {np.median(live.latency.shown):.0f} ms")
    print(result.stats)


if __name__ == "__main__":
    main()
