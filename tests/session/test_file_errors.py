"""Whatever file operation fails, and however: it ends in one sentence, and the session stays."""

from __future__ import annotations

import builtins
import errno
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from stored_session import REPS, command, judged, noisy_track, store

import formcheck
from formcheck.session.folder import SESSION
from formcheck.session.folder_lock import LOCK
from formcheck.session.library import Library
from formcheck.session.notes import Notes
from formcheck.session.reader import open_session

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

    usual, _ = run(tmp_path / "dry" / "clip.formcheck")  # and all modules are loaded
    assert usual == (1 if "batch" in words else 0)
    failing = Failing(monkeypatch)
    assert run(tmp_path / "counted" / "clip.formcheck")[0] == usual
    count = failing.count
    assert count > 5
    for number in range(1, count + 1):
        folder = tmp_path / str(number) / "clip.formcheck"
        failing.failure = FAILURES[number % len(FAILURES)]
        failing.count, failing.number = 0, number
        status, err = run(folder)
        failing.number = -1
        what = f"operation {number} of {count}: {failing.failure()!r}: {err}"
        assert status in (usual, 2), what
        assert status == 0 or err.strip().splitlines()[-1].endswith("."), what
        assert "Traceback" not in err, what
        if "delete" in words:  # what is left of a session can be deleted again
            left = set(os.listdir(folder)) if folder.exists() else set()
            assert SESSION in left or left <= {LOCK}, what
        else:
            with open_session(folder) as session:
                assert session.summary is not None, what
            assert Library(folder).cards()[0].problem is None, what
