"""Whatever file operation fails, and however: it ends in one sentence, and the session stays."""

from __future__ import annotations

import builtins
import errno
import hashlib
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "review"))
from asking import ORIGIN, Page
from live_session import MadeCamera, MadeEngine
from skeleton import results
from stored_session import REPS, command, judged, noisy_track, store

import formcheck
from formcheck.coach import start as live_start
from formcheck.coach.pages.window import FakeWindow, Key
from formcheck.errors import what_the_system_says
from formcheck.pose.landmarks import PoseResult
from formcheck.session import analyze
from formcheck.session.folder import NEW, SESSION
from formcheck.session.folder_lock import LOCK
from formcheck.session.library import Library
from formcheck.session.notes import Notes
from formcheck.session.reader import open_session
from formcheck.video.writer import VideoWriter

PACKAGE = str(Path(formcheck.__file__).parent)
#: What formcheck asks of the system, by its own hand or through pathlib, tempfile and the like.
_OF_OS = (
    "open",
    "stat",
    "lstat",
    "fstat",
    "listdir",
    "scandir",
    "replace",
    "unlink",
    "mkdir",
    "rmdir",
    "fsync",
)
OPERATIONS = [*((os, name) for name in _OF_OS), (builtins, "open"), (sqlite3, "connect")]
FAILURES = [
    lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    lambda: PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
    MemoryError,
    lambda: UnicodeEncodeError("utf-8", "\udcfc", 0, 1, "surrogates not allowed"),
]


#: Of the commands that do most; every single one is a test that takes minutes.
EVERY = pytest.mark.parametrize("every", [11, pytest.param(1, marks=pytest.mark.slow)])


class Failing:
    """Lets the operation with a number fail, of those that formcheck asks for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.number = -1
        self.failure: Callable[[], BaseException] = MemoryError
        for module, name in OPERATIONS:
            monkeypatch.setattr(module, name, self._around(getattr(module, name)))

    def _around(self, real: Callable[..., object]) -> Callable[..., object]:
        def asked(*args: object, **more: object) -> object:
            if _by_us():
                self.count += 1
                if self.count == self.number:
                    raise self.failure()
            return real(*args, **more)

        return asked


def _by_us() -> bool:
    """Whether a module of formcheck asks, and not one that is being loaded."""
    frame, ours = sys._getframe(2), False
    for _ in range(40):
        if frame is None:
            break
        name = frame.f_code.co_filename
        if "importlib" in name:
            return False
        ours = ours or name.startswith(PACKAGE)
        frame = frame.f_back
    return ours


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    folder = store(judged(noisy_track(reps=REPS[:1])), tmp_path_factory.mktemp("stored") / "clip.formcheck")
    Notes(folder).save("about", {"patient": "P-1", "recorded": ""}, 0)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ["rescore", "{}", "--in-place"],
        ["export", "{}", "--to", "csv"],
        ["sessions", "delete", "{}", "--yes"],
        ["sessions", "list", "--folder", "{}"],
        ["batch", "{}/..", "-e", "bridge", "--side", "left"],  # no such leg: only the tables are written
    ],
    ids=lambda words: " ".join(words).replace("{}", "S"),
)
def test_a_file_operation_that_fails_is_a_sentence(tmp_path, stored, words, capsys, monkeypatch):
    def run(folder: Path) -> tuple[int, str]:
        shutil.copytree(stored, folder)
        folder.with_name("new.mp4").write_bytes(b"a video")
        said = command(capsys, *(word.replace("{}", str(folder)) for word in words))
        return said.status, said.err

    usual = 1 if "batch" in words else 0
    for folder, status, err, what in each_failing(tmp_path, "clip.formcheck", run, usual, monkeypatch):
        assert_a_sentence(status, usual, err, what)
        if "delete" in words:  # what is left of a session can be deleted again
            left = set(os.listdir(folder)) if folder.exists() else set()
            assert SESSION in left or left <= {LOCK}, what
        else:
            assert_whole(folder, what)


def each_failing(
    tmp_path: Path,
    name: str,
    run: Callable[[Path], tuple[int, str]],
    usual: int,
    monkeypatch: pytest.MonkeyPatch,
    every: int = 1,
) -> Iterator[tuple[Path, int, str, str]]:
    """Runs something again and again, each time with the next (or so many on) of its file operations failing.

    Gives the folder it worked on, how it ended, what it wrote to stderr, and which operation that was.
    """
    assert run(tmp_path / "dry" / name)[0] == usual  # and all modules are loaded
    failing = Failing(monkeypatch)
    assert run(tmp_path / "counted" / name)[0] == usual
    count = failing.count
    assert count > 5
    print(f"{count} file operations")
    for number in range(1, count + 1, every):
        folder = tmp_path / str(number) / name
        failing.failure = FAILURES[number % len(FAILURES)]
        failing.count, failing.number = 0, number
        status, err = run(folder)
        failing.number = -1
        yield folder, status, err, f"operation {number} of {count}: {failing.failure()!r}: {err}"


def assert_a_sentence(status: int, usual: int, err: str, what: str) -> None:
    assert status in (usual, 2), what
    assert status == 0 or err.strip().splitlines()[-1].endswith("."), what
    assert "Traceback" not in err, what


def assert_whole(folder: Path, what: str) -> None:
    with open_session(folder) as session:
        assert session.summary is not None, what
    assert Library(folder).cards()[0].problem is None, what


def grey_clip(path: Path, answers: list[PoseResult]) -> Path:
    with VideoWriter(path, 64, 36, 30) as video:
        for answer in answers:
            video.write(np.full((36, 64, 3), 90, np.uint8), answer.time_s)
    return path


@EVERY
def test_a_file_operation_that_fails_costs_an_analysis_no_earlier_one(
    tmp_path, stored, every, capsys, monkeypatch
):
    """Of the whole command; only the poses are known beforehand."""
    answers = results(noisy_track(reps=REPS[:1]))[:40]
    clip = grey_clip(tmp_path / "clip.mp4", answers)
    monkeypatch.setattr(analyze, "open_engine", lambda *_: MadeEngine(answers))

    def run(folder: Path) -> tuple[int, str]:
        shutil.copytree(stored, folder)
        said = command(capsys, "analyze", clip, "-e", "bridge", "--rotate", "0", "--out", folder)
        return said.status, said.err

    for folder, status, err, what in each_failing(tmp_path, "clip.formcheck", run, 0, monkeypatch, every):
        assert_a_sentence(status, 0, err, what)
        assert_whole(folder, what)
        assert {name for name in os.listdir(folder) if name.startswith(".formcheck")} <= {NEW, LOCK}, what


@EVERY
def test_a_file_operation_that_fails_costs_a_live_session_at_most_its_recording(
    tmp_path, stored, every, capsys, monkeypatch
):
    """Of the whole command; window, camera and poses are made."""
    answers = results(noisy_track(reps=REPS[:1]))[:40]

    class Keys(FakeWindow):
        """Agrees to video, has no pain, and stops in the end."""

        def events(self) -> list[Key]:
            self.asked = getattr(self, "asked", 0) + 1
            names = ("1",) if self.asked in (3, 6) else ("esc", "enter") if self.asked > 12 else ()
            return [Key(name) for name in names]

    clip = grey_clip(tmp_path / "clip.mp4", answers)
    monkeypatch.setattr(live_start, "LiveWindow", lambda **_: Keys(size=(320, 180)))
    monkeypatch.setattr(live_start, "live_engine", lambda *_: MadeEngine(answers))
    monkeypatch.setattr(live_start, "open_source", lambda *_: MadeCamera([a.time_s for a in answers]))

    def run(folder: Path) -> tuple[int, str]:
        shutil.copytree(stored, folder / "earlier")
        log = folder / "log"
        words = ["live", "bridge", "--source", clip, "--mute", "--speech-log", log, "--out", folder]
        said = command(capsys, *words)
        if said.status == 1:
            assert "Recording stopped early" in said.out
            return 2, said.out.split("Recording stopped early: ")[1].split("Session:")[0]
        return said.status, said.err

    for folder, status, err, what in each_failing(tmp_path, "sessions", run, 0, monkeypatch, every):
        assert_a_sentence(status, 0, err, what)
        assert_whole(folder / "earlier", what)
        for made in folder.glob("*_bridge"):
            if (made / SESSION).exists() and (made / SESSION).stat().st_size:
                with open_session(made) as session:
                    assert status or session.complete, what


ASKED = [
    ("GET", "/api/library", None),
    ("GET", "/api/session/{}", None),
    ("GET", "/api/session/{}/line/hip_angle_deg", None),
    ("POST", "/api/session/{}/notes", {"id": "about", "base": 1, "data": {"patient": "P", "recorded": ""}}),
    ("POST", "/api/session/{}/whatif", {"faults": {}}),
    ("POST", "/api/session/{}/delete", {"delete": True}),
    ("POST", "/api/upload?exercise=bridge&name=clip.mp4", b"no video"),
]


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: " ".join(map(str, asked[:2])))
def test_a_file_operation_that_fails_is_a_sentence_of_the_review_page(tmp_path, stored, asked, monkeypatch):
    method, path, body = asked

    def run(folder: Path) -> tuple[int, str]:
        if not folder.exists():
            shutil.copytree(stored, folder / "one")
            shutil.copytree(stored, folder / "other")
        try:
            page = Page(folder)
        except (OSError, UnicodeError, MemoryError) as error:
            return 2, what_the_system_says(error)  # as the command does
        key = hashlib.sha256(b"one").hexdigest()[:20]
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        headers = {"origin": ORIGIN, "content_type": "application/json"} if method == "POST" else {}
        answer = page.ask(method, path.replace("{}", key), data, **headers)
        page.api.jobs.close()
        problem = answer.json().get("problem", "") if answer.status >= 300 else ""
        return (0 if answer.status < 300 else 2), problem

    for folder, status, err, what in each_failing(tmp_path, "sessions", run, 0, monkeypatch):
        assert_a_sentence(status, 0, err, what)
        assert_whole(folder / "other", what)
        if "delete" not in path:
            assert_whole(folder / "one", what)
