"""What is kept of sessions on this computer, and how it is deleted.

In a folder that formcheck names itself (``2026-11-24_19-04-52_bridge``, ``clip.formcheck``) everything is the
session's, whatever was exported into it, and all of it goes. A folder that a person chose (``analyze --out
Documents``) may hold anything: there only files of the names formcheck gives are deleted. The clip that was
analysed is never one of them: it lies beside the folder, or in it under its own name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from formcheck.engine.repetition import COUNTED
from formcheck.errors import FormcheckError, printable
from formcheck.folder_handle import FolderHandle
from formcheck.session.folder import (
    INCOMING,
    OUTPUTS,
    RECORD,
    REPLAYED,
    RESULTS,
    SESSION,
    SIDE_FILES,
    VIDEOS,
    is_export,
    is_own,
)
from formcheck.session.folder_lock import LOCK, FolderLock
from formcheck.session.library import Card, Library, SessionFolder

#: What has no session (any more) is taken for a run that was killed after this long without a change.
_LEFTOVER_S = 3600.0


@dataclass(frozen=True)
class Kept:
    """What is kept of one session.

    Attributes:
        folder: where.
        name: what to call it by: its place below the folder of sessions, or its path.
        card: what is known of it; its `problem` says why nothing more is.
        what: ``video``, ``pictures`` (of a report) or ``skeleton``: the most that is kept of the person.
        bytes: size of everything that would be deleted.
        files: how many files that is.
    """

    folder: Path
    name: str
    card: Card
    what: str
    bytes: int
    files: int

    @property
    def started(self) -> datetime:
        """When it began, local time; when its folder last changed where it does not say."""
        with suppress(ValueError):
            return datetime.fromisoformat(self.card.started).astimezone()
        with suppress(OSError):
            return datetime.fromtimestamp(os.lstat(self.folder).st_mtime).astimezone()
        return datetime.now().astimezone()

    def row(self) -> dict[str, Any]:
        """As JSON."""
        meta, reps = self.card.meta, self.card.reps
        return {
            "session": self.name,
            "folder": str(self.folder),
            "date": self.started.isoformat(timespec="seconds"),
            "exercise": meta.exercise if meta is not None else None,
            "repetitions": sum(r.class_ in COUNTED for r in reps) if meta is not None else None,
            "kept": self.what,
            "complete": self.card.complete,
            "bytes": self.bytes,
            "problem": self.card.problem,
        }


def kept_in(root: Path) -> list[Kept]:
    """All sessions below a folder, oldest first, and what killed runs left there.

    Args:
        root: the folder of sessions; need not exist.
    """
    library = Library(root)
    found = [_kept(folder, library.card(folder)) for folder in library.folders()]
    known = {kept.folder for kept in found}
    with suppress(OSError):
        for path in sorted(library.root.iterdir()):
            if path not in known and _is_leftover(path):
                found.append(_leftover(path, path.name))
    return sorted(found, key=lambda kept: kept.started)


def kept_at(path: Path) -> Kept:
    """One session by its folder (or its ``session.sqlite``).

    Raises:
        FormcheckError: it is no session's folder, or a link to one.
    """
    if path.name == SESSION:
        path = path.parent
    # Only the last part is looked at: a home folder may well be reached through a link.
    path = Path(os.path.realpath(path.parent), path.name) if path.name not in ("", "..") else path.resolve()
    if path.is_symlink() or not path.is_dir():
        what = "a link" if path.is_symlink() else "not a folder"
        raise FormcheckError(f"{path} is {what}; name the folder of the session itself.")
    library = Library(path)
    folder = next((f for f in library.folders() if f.path == library.root), None)
    if folder is None:
        if _is_leftover(path):
            return _leftover(path, str(path))
        raise FormcheckError(f"{path} is not the folder of a formcheck session; nothing was deleted.")
    kept = _kept(folder, library.card(folder))
    return replace(kept, name=str(path))


def older_than(kept: list[Kept], days: float, now: datetime | None = None) -> list[Kept]:
    """Those that began more than so many days ago."""
    limit = (now or datetime.now().astimezone()) - timedelta(days=days)
    return [one for one in kept if one.started < limit]


def delete(kept: Kept) -> list[Path]:
    """Deletes a session: everything formcheck wrote of it, and its folder if nothing else is in it.

    ``session.sqlite`` goes last, so that a deletion that is broken off leaves something that is listed and
    can be deleted again.

    Returns:
        Files in the folder that are not formcheck's and stay.

    Raises:
        FormcheckError: it is being recorded or written to now, is no session, or a file cannot be removed.
    """
    if _being_recorded(kept.folder):
        raise FormcheckError(f"The session {kept.folder} is being recorded; end it first.")
    if kept.card.meta is None and not is_own(kept.folder):
        # A file of that name that cannot be read does not make any folder a session's.
        raise FormcheckError(
            f"{kept.folder} is not the folder of a session that this formcheck can read, so nothing was "
            "deleted; if it is one, delete the folder yourself."
        )
    last = [SESSION + ending for ending in ("", *SIDE_FILES)]
    paths = sorted(_own_files(kept.folder, kept.card), key=lambda path: path.name in last)
    lock = FolderLock(kept.folder)
    try:
        lock.take()
        with FolderHandle(kept.folder) as folder:
            for path in paths:
                if path.name != LOCK:
                    folder.remove_all(path.name)
            lock.give_back()
            left = [kept.folder / name for name in folder.names()]
        if not left:
            with FolderHandle(kept.folder.parent) as parent:
                parent.remove_folder(kept.folder.name)
    except OSError as error:
        raise FormcheckError(
            f"{error.filename or kept.folder} cannot be deleted ({error.strerror}); close the programs that "
            "use it and try again. The rest of the session may be gone already."
        ) from None
    finally:
        lock.give_back()
    return left


def _kept(folder: SessionFolder, card: Card) -> Kept:
    size, files = _size(_own_files(folder.path, card))
    return Kept(folder.path, folder.name, card, _most(folder.path), size, files)


def _leftover(path: Path, name: str) -> Kept:
    card = Card(
        SessionFolder("", path, name), problem="What an interrupted run left; there is no session in it."
    )
    size, files = _size(path.iterdir())
    return Kept(path, name, card, _most(path), size, files)


def _own_files(folder: Path, card: Card) -> list[Path]:
    """Files and folders of a session that are formcheck's."""
    inside = sorted(folder.iterdir())
    if is_own(folder):
        clip = card.meta.source if card.meta is not None and folder.suffix == RESULTS else ""
        return [path for path in inside if printable(path.name) != clip or clip in OUTPUTS]
    names = set(RECORD)
    if card.live is not None or (card.meta is not None and card.meta.live):
        names |= {*VIDEOS, REPLAYED}  # a clip that was analysed may have one of these names itself
    return [path for path in inside if path.name in names or is_export(path.name)]


def _most(folder: Path) -> str:
    """The most that is kept of the person in a folder. Reports have stills where there was a video."""
    endings = {e for path in _walk(folder) for e in path.suffixes}
    if endings & {".mp4", ".webm"} or (folder / INCOMING).exists():
        return "video"
    return "pictures" if endings & {".html", ".pdf"} else "skeleton"


def _is_leftover(path: Path) -> bool:
    """A folder of formcheck's own naming without a session, in which nothing has changed for an hour."""
    if not is_own(path) or path.is_symlink() or not path.is_dir() or (path / SESSION).exists():
        return False
    changed = max((os.lstat(p).st_mtime for p in (path, *_walk(path))), default=0.0)
    return datetime.now().timestamp() - changed > _LEFTOVER_S


def _being_recorded(folder: Path) -> bool:
    """Whether another process holds the session's database to itself, as a live session does."""
    path = folder / SESSION
    if not path.is_file():
        return False
    library = Library(folder)
    return any("is being recorded" in (library.card(f).problem or "") for f in library.folders())


def _size(paths: Any) -> tuple[int, int]:
    sizes = [os.lstat(p).st_size for path in paths for p in ([path] if _is_file(path) else _walk(path))]
    return sum(sizes), len(sizes)


def _walk(folder: Path) -> Iterator[Path]:
    for at, _, names in os.walk(folder, followlinks=False):
        for name in names:
            yield Path(at, name)


def _is_file(path: Path) -> bool:
    mode = os.lstat(path).st_mode
    return stat.S_ISLNK(mode) or not stat.S_ISDIR(mode)
