"""Whatever formcheck writes of a patient, only this user can read, from its first byte, under any umask."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from everything import cut, exports, live, run

from formcheck.exercises.programme import Programme
from formcheck.files import make_folder
from formcheck.review.programmes import Programmes
from formcheck.session.notes import Notes

sys.path.insert(0, str(Path(__file__).parent / "review"))
from asking import Page

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")


class Watch(threading.Thread):
    """Looks at all files and folders below a place, over and over, and remembers those others may read."""

    def __init__(self, root: Path) -> None:
        super().__init__(daemon=True)
        self.root = root
        self.open: dict[str, str] = {}
        self.seen: set[str] = set()
        self._ended = threading.Event()

    def look(self) -> None:
        for at, folders, files in os.walk(self.root):
            for name in (*folders, *files):
                try:
                    mode = os.lstat(os.path.join(at, name)).st_mode
                except OSError:
                    continue
                self.seen.add(name)
                # Tones and silence for the sound player, in a folder of this user's.
                tones = "formcheck-voice-" in at and name.endswith(".wav")
                if not stat.S_ISLNK(mode) and mode & 0o077 and not tones:
                    self.open[os.path.relpath(os.path.join(at, name), self.root)] = oct(mode & 0o777)

    def run(self) -> None:
        while not self._ended.wait(0.01):
            self.look()

    def end(self) -> None:
        self._ended.set()
        self.join()
        self.look()


@pytest.fixture
def watch(tmp_path: Path, monkeypatch) -> Iterator[Callable[[int], Watch]]:
    """Starts to look at a new folder, which is the one for temporary files too, under a umask."""
    before = os.umask(0o022)
    watches: list[Watch] = []

    def start(umask: int) -> Watch:
        os.umask(umask)
        root = tmp_path / "all"
        root.mkdir(mode=0o700)
        temporary = root / "tmp"
        temporary.mkdir(mode=0o700)
        monkeypatch.setenv("TMPDIR", str(temporary))
        monkeypatch.setattr(tempfile, "tempdir", None)
        watches.append(Watch(root))
        watches[-1].start()
        return watches[-1]

    yield start
    os.umask(before)
    for one in watches:
        one.end()


def upload(root: Path, clip: Path) -> None:
    """A video dropped onto the review page, with a patient's name."""
    page = Page(root)
    answer = page.post("/api/upload?name=Anna.mp4&exercise=bridge&patient=P-7", body=clip.read_bytes())
    assert answer.status == 200, answer.body
    end = time.monotonic() + 120
    while (state := page.get("/api/library").json()["jobs"][0]["state"]) != "done":
        assert time.monotonic() < end, state
        time.sleep(0.1)
    page.api.jobs.close()


@pytest.mark.slow
@pytest.mark.parametrize("umask", [0o000, 0o022], ids=["umask 000", "umask 022"])
def test_every_command_writes_for_this_user_only(watch, umask):
    watched = watch(umask)
    root = watched.root
    clip = cut(root / "clip.mp4", 6.5)
    run("analyze", clip, "-e", "bridge", "--model", "lite")
    run("analyze", clip, "-e", "bridge", "--model", "lite", "--out", root / "new" / "out", "--no-video")
    live(
        clip,
        "--out",
        root / "people" / "live",
        "--speech-log",
        root / "said.jsonl",
        "--model",
        "lite",
        "--blur-face",
    )
    (session,) = (root / "people" / "live").iterdir()
    Notes(session).save("about", {"patient": "P-1", "recorded": ""}, 0)
    programme = {"name": "x", "patient": "P-1", "exercises": [{"exercise": "bridge"}]}
    Programmes(root / "people" / "live").keep(Programme.model_validate(programme))
    run("analyze", session)
    exports(root / "clip.formcheck", root / "elsewhere")
    run("rescore", root / "clip.formcheck", "--out", root / "again")
    run("rescore", root / "clip.formcheck", "--in-place")
    upload(root / "people" / "live", clip)
    videos = root / "videos"
    videos.mkdir(mode=0o700)
    cut(videos / "one.mp4", 2.0)
    run(
        "batch",
        videos,
        "-e",
        "bridge",
        "--jobs",
        "1",
        "--model",
        "lite",
        "--out",
        root / "batch",
        "--pictures",
    )
    watched.end()
    assert watched.open == {}
    wanted = {"session.sqlite", "summary.json", "frames.csv", "annotated.mp4", "report.html", "video.mp4",
              "session.sqlite-wal", "video.mp4.part", "review.sqlite", "said.jsonl", "programmes",
              "batch_videos.csv", "batch_reps.csv", "mine.pdf", "mine.mp4", "export-rep1.mp4"}  # fmt: skip
    assert wanted <= watched.seen


def test_folders_above_are_made_for_this_user_only_and_old_ones_stay(watch):
    watched = watch(0o000)
    old = watched.root / "old"
    old.mkdir(mode=0o755)
    make_folder(old / "a" / "b")
    make_folder(old)
    watched.end()
    assert set(watched.open) == {"old"}


def test_the_watch_itself_notices(watch):
    watched = watch(0o022)
    (watched.root / "left.csv").write_text("a patient")
    (watched.root / "sub").mkdir()
    watched.end()
    assert watched.open == {"left.csv": "0o644", "sub": "0o755"}
