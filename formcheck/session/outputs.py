"""Where the results of an analysis are written, and how: nothing half-written may look complete.

Every file is first written under another name beside its place (``summary.json.part``) and renamed when
it is whole. ``summary.json`` is written last: a folder that has one holds a finished run.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from formcheck.errors import FormcheckError
from formcheck.private_files import make_file, make_folder

SUMMARY = "summary.json"
FRAMES = "frames.csv"
ANNOTATED = "annotated.mp4"
REPORT = "report.html"
SESSION = "session.sqlite"
VIDEO = "video.mp4"  # of a live session, with consent
#: One of an hour of repetitions has a megabyte or two.
LARGEST_SUMMARY = 64_000_000
OUTPUTS = (SUMMARY, FRAMES, ANNOTATED, REPORT, SESSION)

# EFBIG is what a memory stick formatted as FAT32 says to a file of 4 GB.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DATABASE_SIDE_FILES = ("-wal", "-shm", "-journal")


class OutputFolder:
    """The folder one analysis writes to, by default ``<name>.formcheck`` beside the video.

    Example:
        >>> OutputFolder(Path("clips/bridge.mp4")).path.as_posix()
        'clips/bridge.formcheck'
    """

    def __init__(self, video: Path, out: Path | None = None) -> None:
        """Names the folder; nothing is touched until `prepare`.

        Args:
            video: the file to analyse.
            out: another folder, as given with ``--out``.
        """
        self.video = video
        self.path = out if out is not None else video.with_name(f"{video.stem}.formcheck")

    @property
    def summary(self) -> Path:
        """``summary.json``, to be written after all the others."""
        return self.path / SUMMARY

    @property
    def frames(self) -> Path:
        """``frames.csv``."""
        return self.path / FRAMES

    @property
    def annotated(self) -> Path:
        """``annotated.mp4``."""
        return self.path / ANNOTATED

    @property
    def report(self) -> Path:
        """``report.html``."""
        return self.path / REPORT

    @property
    def session(self) -> Path:
        """``session.sqlite``."""
        return self.path / SESSION

    def prepare(self) -> None:
        """Makes the folder, makes sure it can be written to and takes away an earlier run's outputs.

        To be called before the long work starts but after the video was found readable, so that a typing
        mistake costs nobody their earlier results. Only the five outputs (and what an interrupted run
        left of them) are removed; any other file in the folder stays as it is.

        Raises:
            FormcheckError: the folder cannot be made or written to, or the video is one of the outputs.
        """
        self._make()
        self._refuse_to_overwrite_the_video()
        for name in OUTPUTS:  # summary.json is the first: without it the rest counts as unfinished
            path = self.path / name
            remove_side_files(path)
            _remove(part_of(path))
            _remove(path)

    def _make(self) -> None:
        if os.path.isfile(self.path):
            raise FormcheckError(
                f"{self.path} is a file, so it cannot be the folder for the results; "
                "choose another folder with --out."
            )
        with explained(self.path):
            make_folder(self.path)
            # Tried out rather than looked up: permissions say little about network folders and full disks.
            with tempfile.NamedTemporaryFile(dir=self.path, prefix=".formcheck-") as trial:
                trial.write(b"formcheck")

    def _refuse_to_overwrite_the_video(self) -> None:
        for name in OUTPUTS:
            with suppress(OSError):
                if (self.path / name).samefile(self.video):
                    raise FormcheckError(
                        f"The video {self.video} would be overwritten by the results; "
                        "choose another folder with --out."
                    )


def part_of(path: Path) -> Path:
    """The name a file has while it is being written."""
    return path.with_name(f"{path.name}.part")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives an empty file to write to; it takes its place at `path` only when the block ends well.

    After any failure, Ctrl-C included, `path` is as it was before and the unfinished file is gone. The
    block should do nothing but write, since its file errors are explained as errors of writing.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    part = part_of(path)
    with explained(path.parent):
        try:
            _remove(part)
            make_file(part)
            yield part
            _flush_to_disk(part)
            _rename(part, path)
        except BaseException:
            with suppress(OSError, FormcheckError):
                remove_side_files(part)
                _remove(part)
            raise


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turns a failure to write into `folder` into one sentence that says what to do."""
    advice = "choose another folder with --out."
    full = f"The disk is full, so {folder} cannot take the results; free some space or {advice}"
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise FormcheckError(full) from None
        reason = error.strerror or str(error)
        raise FormcheckError(f"The results cannot be written to {folder} ({reason}); {advice}") from None
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise FormcheckError(full) from None
        # SQLite says "disk I/O error" for a quota and a file size limit as well as for a failing disk.
        raise FormcheckError(
            f"The results cannot be written to {folder} ({error}); see that the disk is not full, or {advice}"
        ) from None


def remove_side_files(database: Path) -> None:
    """Removes what SQLite left beside a database when its program was killed.

    Needed before another database takes its name: SQLite would replay the old log into the new file.
    """
    for ending in _DATABASE_SIDE_FILES:
        _remove(database.with_name(database.name + ending))


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _in_the_way(path, error) from None


def _rename(part: Path, path: Path) -> None:
    try:
        part.replace(path)
    except OSError as error:
        raise _in_the_way(path, error) from None
    flush_folder(path.parent)


def _in_the_way(path: Path, error: OSError) -> FormcheckError:
    # Windows lets nobody replace a file that a spreadsheet or a player holds open.
    return FormcheckError(
        f"{path} cannot be replaced ({error.strerror}); close the programs that use it, "
        "or choose another folder with --out."
    )


def flush_folder(folder: Path) -> None:
    """Make new and changed names in a folder outlast a power cut, where the system lets us."""
    with suppress(OSError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _flush_to_disk(path: Path) -> None:
    """Without this, a power cut soon after the rename can leave an empty file under the final name."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
