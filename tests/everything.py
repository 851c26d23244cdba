"""Every command that handles a patient's data, one after the other, without a screen.

    python tests/everything.py FOLDER

The clip plays as the camera of a live session, whose window is one that presses keys. For tests of what all
of this leaves behind and whom it talks to.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import formcheck.coach.start as live_start
from formcheck.cli.main import main
from formcheck.coach.flow import Flow
from formcheck.coach.pages.window import FakeWindow, Input, Key
from formcheck.report.export import FORMATS
from formcheck.review.server import serve
from formcheck.session.notes import Notes
from formcheck.video.file import VideoFile
from formcheck.video.writer import VideoWriter

DEMO = Path(__file__).parents[1] / "videos" / "bridge_side.mp4"
KEYS = {"safety": "1", "settled": "1", "pain_before": "1", "pain_after": "1", "effort": "4",
        "summary": "enter", "stopped": "enter", "incomplete": "enter"}  # fmt: skip


def cut(clip: Path, seconds: float, begin_s: float = 0.0, demo: Path = DEMO) -> Path:
    """A piece of the demo clip."""
    with VideoFile(demo) as source, VideoWriter(clip, source.width, source.height, source.fps) as out:
        for frame in source:
            if begin_s <= frame.time_s < begin_s + seconds:
                out.write(frame.image, frame.time_s)
    return clip


def run(*arguments: str | Path) -> None:
    """One command of formcheck, which must succeed."""
    with patch.object(sys, "argv", ["formcheck", *map(str, arguments)]):
        try:
            main()
        except SystemExit as left:
            if left.code:
                raise AssertionError(f"{arguments} ended with {left.code}") from left


class Hands(FakeWindow):
    """Presses the key that belongs to each page, again and again until the page has gone."""

    flow: Flow

    def show(self, image: Any) -> None: ...

    def events(self) -> list[Input]:
        return [Key(KEYS[self.flow.step])] if self.flow.step in KEYS else []


def live(clip: Path, *more: str | Path) -> None:
    """A live session in front of a clip, with consent to video."""
    hands = Hands(size=(320, 180))

    def flow(*arguments: Any) -> Flow:
        hands.flow = Flow(*arguments)
        return hands.flow

    with (
        patch.object(live_start, "LiveWindow", lambda windowed: hands),
        patch.object(live_start, "Flow", flow),
    ):
        run("live", "bridge", "--source", clip, *more)


def exports(session: Path, elsewhere: Path) -> None:
    """Every format, into the session's folder and under names of the user's own; a clip of each kind."""
    for to in FORMATS:
        part = ("--rep", "1") if to == "mp4" else ()
        run("export", session, "--to", to, *part)
        run("export", session, "--to", to, *part, "--out", elsewhere / f"mine.{to}")


def review(root: Path, asked: Callable[[str, str], None]) -> None:
    """The review server, and somebody who opens its address as the page would."""

    def visit(address: str, server: Any) -> None:
        def look() -> None:
            try:
                browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                home, _, link = address.partition("#link=")
                browser.addheaders = [("x-formcheck", link), ("origin", home.rstrip("/"))]
                key = json.loads(browser.open(f"{home}api/enter", b"", timeout=60).read())["key"]
                browser.addheaders = [("x-formcheck", key)]
                library = browser.open(f"{home}api/library", timeout=60).read()
                asked(address, library.decode())
            finally:
                server.should_exit = True

        threading.Thread(target=look, daemon=True).start()

    serve(root, open_browser=False, ready=visit)


def everything(folder: Path) -> None:
    """All of it, in a new folder."""
    folder.mkdir(parents=True)
    clip = cut(folder / "clip.mp4", 6.5)
    run("analyze", clip, "-e", "bridge")
    run(
        "analyze",
        clip,
        "-e",
        "bridge",
        "--out",
        folder / "out",
        "--no-video",
        "--no-report",
        "--model",
        "lite",
    )
    if importlib.util.find_spec("mediapipe"):
        run("analyze", clip, "-e", "bridge", "--engine", "mediapipe", "--out", folder / "mp", "--no-video",
            "--no-report")  # fmt: skip
        print("with MediaPipe")
    live(clip, "--out", folder / "live", "--speech-log", folder / "said.jsonl", "--patient", "P-1")
    (session,) = (folder / "live").iterdir()
    Notes(session).save("about", {"patient": "P-1", "recorded": ""}, 0)
    run("analyze", session)
    exports(folder / "clip.formcheck", folder / "exports")
    run("rescore", folder / "clip.formcheck", "--out", folder / "again")
    run("rescore", folder / "out", "--in-place")
    seen: list[str] = []
    review(folder, lambda address, text: seen.append(text))
    assert '"sessions"' in seen[0]
    videos = folder / "videos"
    videos.mkdir()
    for name in ("one.mp4", "two.mp4"):
        shutil.copy(clip, videos / name)
    run("batch", videos, "-e", "bridge", "--jobs", "2", "--model", "lite", "--out", folder / "batch")
    if importlib.util.find_spec("distributed"):
        from distributed import LocalCluster

        with LocalCluster(
            n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as here:
            run("batch", videos, "-e", "bridge", "--model", "lite", "--out", folder / "dask",
                "--cluster", here.scheduler_address)  # fmt: skip
        print("with Dask")
    run("sessions", "list", "--folder", folder, "--json")
    run("sessions", "delete", "--all", "--folder", folder / "live", "--yes")
    print("all done")


if __name__ == "__main__":
    everything(Path(sys.argv[1]))
