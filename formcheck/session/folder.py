"""The folder of a session: what its files are called, where its video is, and how results are written there.

Nothing half-written may look complete.
An analysis writes its files into a folder beside the results of an earlier one (``.formcheck-new``), which
stay as they are until all of it is there; then the new ones take their places. ``summary.json`` goes first
and comes last: a folder that has one holds a finished run. Any other file is first written under another
name (``export.csv.part``) and renamed when it is whole.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import sqlite3
import stat
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePosixPath, PureWindowsPath

from formcheck.errors import FormcheckError, printable, shown
from formcheck.files import make_folder, part_of
from formcheck.folder_handle import FolderHandle, opened_by_name, opener, refuse_link
from formcheck.session.folder_lock import LOCK, FolderLock

SUMMARY = "summary.json"
FRAMES = "frames.csv"
ANNOTATED = "annotated.mp4"
REPORT = "report.html"
SESSION = "session.sqlite"
VIDEO = "video.mp4"  # of a live session, with consent
WEBM = "video.webm"  # of one that was dropped onto the review page
#: Names a session's own video may have, the likeliest first; the last is what a killed recording left.
VIDEOS = (VIDEO, WEBM, part_of(Path(VIDEO)).name)
#: One of an hour of repetitions has a megabyte or two.
LARGEST_SUMMARY = 64_000_000
OUTPUTS = (SUMMARY, FRAMES, ANNOTATED, REPORT, SESSION)
REVIEW = "review.sqlite"  # what the physio decides
INCOMING = "incoming.part"  # a video that was dropped onto the review page, until it is there
REPLAYED = "analysis"  # folder in that of a live session, for what running it again gives
#: Ending of a folder of results that is named after its video: ``clip.formcheck``.
RESULTS = ".formcheck"
NEW = ".formcheck-new"  # where they are while they are written
#: Held while a video is received and analysed for the review page, and while a batch runs. Other ones than
#: that of an analysis: its results may lie in the same folder.
JOB_LOCK, BATCH_LOCK = ".formcheck-job-lock", ".formcheck-batch-lock"
_LONGEST_NAME = 255  # bytes: ext4, and what others have in common with it
#: What a killed run may leave in a folder of results.
LEFT_BEHIND = (NEW, LOCK)

# EFBIG is what a memory stick formatted as FAT32 says to a file of 4 GB.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
#: What SQLite may leave beside a database, by the ending of its name.
SIDE_FILES = ("-wal", "-shm", "-journal")
_DATABASES = (SESSION, REVIEW, part_of(Path(SESSION)).name)
#: What formcheck calls the files of every session, also in a folder that a person chose.
RECORD = frozenset(
    (
        *OUTPUTS,
        *(part_of(Path(name)).name for name in OUTPUTS),
        *(name + ending for name in _DATABASES for ending in SIDE_FILES),
        REVIEW,
        *LEFT_BEHIND,
    )
)
#: Folders that formcheck names itself: of videos dropped onto the review page; of these, of live sessions
#: (`practised_name`, with a number where there was one already) and of clips.
_DROPPED = re.compile(r"\d{4}-\d\d-\d\d_\d{6}_[a-z-]+_[0-9a-f]{6}")
_OWN = re.compile(
    r"\d{4}-\d\d-\d\d_(\d{6}|\d\d-\d\d-\d\d)_[a-z-]+(_[0-9a-f]{6}|_\d+)?|.+" + re.escape(RESULTS)
)
_EXPORT = re.compile(r"export(-[\w-]+)?\.(csv|json|trc|mot|mp4|pdf|html)(\.part)?")


class OutputFolder:
    """The folder one analysis writes to, by default ``<name>.formcheck`` beside the video.

    Example:
        >>> OutputFolder(Path("clips/bridge.mp4")).path.as_posix()
        'clips/bridge.formcheck'
    """

    def __init__(self, video: str | Path, out: str | Path | None = None) -> None:
        """Names the folder; nothing is touched until `prepare`.

        Args:
            video: the file to analyse.
            out: another folder, as given with ``--out``.

        Raises:
            FormcheckError: `video` is not the name of a file.
        """
        self.video = Path(video)
        if self.video.name in ("", ".."):
            raise FormcheckError(f"'{video}' is not the name of a video.")
        self.path = Path(out) if out is not None else self.video.with_name(results_name(self.video.stem))
        self.new = self.path / NEW  # until `put_in_place`
        self._lock = FolderLock(self.path)
        self._finish: Callable[[], object] = lambda: None

    @property
    def summary(self) -> Path:
        """``summary.json``, the last to take its place."""
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
        """Makes the folder, makes sure it can be written to, and keeps other programs from writing to it.

        To be called before the long work starts. An earlier run's results stay as they are until
        `put_in_place`; what an interrupted run left is removed. Until `release`, or until this object or the
        program has gone, nobody else can prepare the folder.

        Raises:
            FormcheckError: the folder cannot be made or written to, another formcheck is writing to it, the
                video is one of the outputs, or one of the outputs cannot be replaced.
        """
        existed = os.path.isdir(self.path)
        self._make()
        self._finish = weakref.finalize(self, _leave, self.path, self._lock, existed)
        try:
            with writing_to(self.path):
                self._lock.take()
            self._refuse_to_overwrite_the_video()
            with writing_to(self.path), FolderHandle(self.path) as folder:
                for name in OUTPUTS:
                    _see_that_it_can_be_replaced(folder, name)
                    _remove(folder, part_of(Path(name)).name)  # of a formcheck that wrote there
                folder.remove_all(NEW)
                folder.make_folder(NEW)
                # Tried out, not looked up: permissions say little about network folders and full disks.
                with open(self.new / "trial", "xb", opener=opener) as file:
                    file.write(b"formcheck")
                with folder.folder(NEW) as new:
                    new.remove("trial")
        except BaseException:
            self.release()
            raise

    def put_in_place(self, keep: Collection[str] = ()) -> None:
        """The new files take the places of an earlier run's; an output that was not made anew goes.

        Args:
            keep: names of those that stay where they were not made anew.

        Raises:
            FormcheckError: a file cannot be replaced (on Windows: a program has it open). The new ones are
                then gone, and of the earlier ones those whose turn it had been.
        """
        with writing_to(self.path), FolderHandle(self.path) as folder, folder.folder(NEW) as new:
            _remove(folder, SUMMARY)  # without it the rest counts as unfinished
            for name in (*OUTPUTS[1:], SUMMARY):
                if name == SESSION:
                    make_way_for_database(self.session)
                if new.status(name) is not None:
                    with _in_the_way(folder.path / name):
                        new.replace(name, name, folder)
                    folder.flush()
                elif name not in keep:
                    _remove(folder, name)

    @contextmanager
    def replaced(self, keep: Collection[str] = ()) -> Iterator[Path]:
        """Gives the folder for new files, of a prepared one: they take their places when the block ends well.

        Others may write to the folder afterwards, however it ends.

        Args:
            keep: see `put_in_place`.

        Raises:
            FormcheckError: as raised in the block, or see `put_in_place`.
        """
        try:
            yield self.new
            self.put_in_place(keep)
        except FormcheckError as error:
            # Where the files lie until they are whole is nobody's concern.
            raise FormcheckError(str(error).replace(shown(self.new), shown(self.path))) from None
        finally:
            self.release()

    def release(self) -> None:
        """Lets others write to the folder, and clears away what was not put in place."""
        self._finish()

    def _make(self) -> None:
        if os.path.isfile(self.path):
            raise FormcheckError(
                f"{self.path} is a file, so it cannot be the folder for the results; "
                "choose another folder with --out."
            )
        refuse_link(self.path)
        with writing_to(self.path):
            make_folder(self.path)

    def _refuse_to_overwrite_the_video(self) -> None:
        for name in OUTPUTS:
            with suppress(OSError):
                if (self.path / name).samefile(self.video):
                    raise FormcheckError(
                        f"The video {self.video} would be overwritten by the results; "
                        "choose another folder with --out."
                    )


def results_name(stem: str) -> str:
    """Name of the folder for the results of a video called `stem`.

    One that would be longer than file systems allow is cut short, and told from others by a check sum.
    """
    name = f"{stem}{RESULTS}"
    if len(os.fsencode(name)) <= _LONGEST_NAME:
        return name
    ending = f"-{hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]}{RESULTS}"
    while len(os.fsencode(stem + ending)) > _LONGEST_NAME:
        stem = stem[:-1]
    return stem + ending


def _leave(folder: Path, lock: FolderLock, existed: bool) -> None:
    if lock.held:  # else what is in there is somebody else's
        with suppress(OSError, FormcheckError), FolderHandle(folder) as held:
            held.remove_all(NEW)
        lock.give_back()
    if not existed:
        with suppress(OSError, FormcheckError), FolderHandle(folder.parent.resolve()) as parent:
            parent.remove_folder(folder.name)  # fails where there are results in it


def _see_that_it_can_be_replaced(folder: FolderHandle, name: str) -> None:
    """Now rather than after the work: Windows renames no file that a program has open, not even to itself."""
    with _in_the_way(folder.path / name):
        there = folder.status(name)
        if there is not None and stat.S_ISDIR(there.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if there is not None:
            folder.replace(name, name)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives an empty file to write to; it takes its place at `path` only when the block ends well.

    After any failure, Ctrl-C included, `path` is as it was before and the unfinished file is gone. The
    block should do nothing but write, since its file errors are writing_to as errors of writing.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    part = part_of(path)
    with writing_to(path.parent), FolderHandle(path.parent) as folder:
        try:
            for ending in ("", *SIDE_FILES):
                _remove(folder, part.name + ending)
            made = folder.make_file(part.name)
            yield part
            with open(part, "rb+", opener=opener) as file:
                os.fsync(file.fileno())  # or a power cut soon after leaves an empty file under the final name
            with _in_the_way(path):
                folder.put_in_place(part.name, path.name, made)
        except BaseException:
            with suppress(OSError, FormcheckError):
                for ending in (*SIDE_FILES, ""):
                    folder.remove(part.name + ending)
            raise


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
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


def make_way_for_database(path: Path) -> None:
    """Before another database takes this name: a log beside it would be replayed into the new one.

    What a killed recording left in its log is put into its file first, so that killed here nothing is lost.

    Raises:
        FormcheckError: something there is a link, or cannot be removed.
    """
    if os.path.isfile(path.with_name(f"{path.name}-wal")) and path.exists():
        for ending in SIDE_FILES:
            refuse_link(path.with_name(path.name + ending))
        with suppress(sqlite3.Error):  # damaged: about to be replaced anyway
            with opened_by_name(path):
                db = sqlite3.connect(path, timeout=1, isolation_level=None)
            try:
                db.execute("PRAGMA synchronous=FULL")
                db.execute("PRAGMA journal_mode=MEMORY")
            finally:
                db.close()
    with FolderHandle(path.parent) as folder:
        for ending in SIDE_FILES:
            _remove(folder, path.name + ending)


def _remove(folder: FolderHandle, name: str) -> None:
    with _in_the_way(folder.path / name):
        folder.remove(name)


@contextmanager
def _in_the_way(path: Path) -> Iterator[None]:
    """Windows lets nobody replace a file that a spreadsheet or a player holds open."""
    try:
        yield
    except OSError as error:
        raise FormcheckError(
            f"{path} cannot be replaced ({error.strerror}); close the programs that use it, "
            "or choose another folder with --out."
        ) from None


# -- names and places ------------------------------------------------------------------------------------


def practised_name(began: datetime, exercise: str) -> str:
    """Name of the folder of a live session. No name of a person in it."""
    return f"{began:%Y-%m-%d_%H-%M-%S}_{exercise}"


def dropped_name(came: datetime, exercise: str) -> str:
    """Name of the folder for a video dropped onto the review page.

    Nothing of the video's own name: it may hold a person's, or anything.
    """
    return f"{came:%Y-%m-%d_%H%M%S}_{exercise}_{secrets.token_hex(3)}"


def was_dropped(folder: Path) -> bool:
    """True for a folder that is named by `dropped_name`."""
    return _DROPPED.fullmatch(folder.name) is not None


def is_own(folder: Path) -> bool:
    """True for a folder that formcheck named itself: everything in it is the session's."""
    return _OWN.fullmatch(folder.name) is not None


def free_folder(folder: Path) -> Path:
    """This folder, or one with a number after it: a clock that was set back tells the same time twice."""
    free, number = folder, 1
    while os.path.lexists(free):
        number += 1
        free = folder.with_name(f"{folder.name}_{number}")
    return free


def export_path(folder: Path, part: str, ending: str) -> Path:
    """Where an export goes if nothing else is said: ``export-rep2.mp4``."""
    return folder / f"export{part}.{ending}"


def is_export(name: str) -> bool:
    """True for names that `export_path` gives, whole or while they are written."""
    return _EXPORT.fullmatch(name) is not None


def is_of_a_session(path: Path) -> bool:
    """Whether a file in this place is one of a session's own, or would be written as one of them is.

    True too where its folder has a session and no file of that name: a video may still be written.
    """
    if not os.path.lexists(path.with_name(SESSION)):
        return False
    own = {name.casefold() for name in (*RECORD, *VIDEOS, INCOMING, REPLAYED, JOB_LOCK, BATCH_LOCK)}
    return bool(own & {path.name.casefold(), part_of(path).name.casefold()})


def is_session(path: Path) -> bool:
    """True for a session's folder or its ``session.sqlite``, by name."""
    return os.path.isfile(path / SESSION) if os.path.isdir(path) else path.name == SESSION


def video_of(folder: Path, source: str = "", *, good: Callable[[Path], bool] = os.path.isfile) -> Path | None:
    """The video of a session; None where it was not kept, or was moved.

    Its own in its folder (whole, or what a killed recording left of it), or else the clip that was analysed,
    in the folder or beside it.

    Args:
        folder: of the session.
        source: name of the video as the session has it. It may be anybody's: one with a way in it is not
            followed.
        good: whether a file that is there may be taken.
    """
    plain = source == PureWindowsPath(PurePosixPath(source).name).name and source not in ("", ".", "..")
    places = [folder / own for own in VIDEOS]
    around = (folder, folder.absolute().parent)
    if plain:
        # What was drawn into the folder is not the video.
        places += [place / source for place in around if place != folder or source not in OUTPUTS]
    if "\\" in source:  # a name that could not be stored as it is
        places += [p for place in around for p in _entries(place) if printable(p.name) == source]
    return next((path for path in places if good(path)), None)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
