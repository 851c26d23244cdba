"""A folder held open: what is made, replaced and removed in it stays in it, whatever links lie there.

Folders of sessions come from anybody: out of an archive, from a shared disk. There a link under a name that
formcheck gives (``.formcheck-new``, ``analysis``, ``review.sqlite``) could lead what is written to another
session. So every file of a session is made, opened for writing, replaced and removed here and nowhere else:
by its name in a folder that is held open and is no link itself. A link is never followed. Where a file is
replaced or removed, it is the link that goes; anywhere else it is refused with a sentence.

Windows offers no such handles: there it is looked first, each time, whether a link or junction lies in the
way, and one that is made between the look and the deed is not noticed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from formcheck.errors import FormcheckError
from formcheck.files import FILE_MODE, FOLDER_MODE

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_HELD = bool(_NO_LINK) and {os.open, os.mkdir, os.rename, os.rmdir, os.stat, os.unlink} <= os.supports_dir_fd
#: Folders in folders that are removed; formcheck makes two. Each takes an open file while its inside goes.
_DEEPEST = 60


class FolderHandle:
    """A folder that is held open until `close`; used as a context manager.

    Args:
        path: of the folder. Links above it are followed, as a home folder may well be reached through one;
            it must not be a link itself.
        within: the folder that it lies in, where that is held open too.

    Raises:
        FormcheckError: it is a link.
        OSError: it cannot be opened, or is a file.
    """

    def __init__(self, path: Path, within: FolderHandle | None = None) -> None:
        self.path = path
        self._fd: int | None = None
        with _about(path):
            if not _HELD:
                refuse_link(path)
                os.listdir(path)  # an error that says why, where it is no folder
                return
            name, where = within._at(path.name) if within is not None else (path, {})
            if _is_link(os.stat(name, follow_symlinks=False, **where)):
                raise _refused(path)
            self._fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK, **where)

    def folder(self, name: str) -> FolderHandle:
        """Opens a folder in this one; raises as the class does."""
        return FolderHandle(self.path / name, self)

    def names(self) -> list[str]:
        """Names of what is in it, sorted."""
        with _about(self.path):
            return sorted(os.listdir(self.path if self._fd is None else self._fd))

    def status(self, name: str) -> os.stat_result | None:
        """What lies under a name, a link as such; None where there is nothing."""
        at, where = self._at(name)
        with _about(self.path / name), suppress(FileNotFoundError):
            return os.stat(at, follow_symlinks=False, **where)
        return None

    def open(self, name: str, flags: int) -> int:
        """Opens a file as `os.open` does; one that is made is made for this user only.

        Raises:
            FormcheckError: it is a link, or no plain file.
            OSError: it cannot be opened.
        """
        at, where = self._at(name)
        with _about(self.path / name):
            if (there := self.status(name)) is not None:
                _see_that_it_is_a_file(self.path / name, there)
            return os.open(at, flags | _NO_LINK, FILE_MODE, **where)

    def make_file(self, name: str) -> os.stat_result:
        """Makes an empty file for this user only, and says which: see `is_still`.

        Raises:
            FileExistsError: there is one, or anything else.
            OSError: it cannot be made.
        """
        at, where = self._at(name)
        with _about(self.path / name):
            handle = os.open(at, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NO_LINK, FILE_MODE, **where)
            try:
                return os.fstat(handle)
            finally:
                os.close(handle)

    def make_folder(self, name: str) -> None:
        """Makes a folder for this user only.

        Raises:
            FileExistsError: there is one, or anything else.
            OSError: it cannot be made.
        """
        at, where = self._at(name)
        with _about(self.path / name):
            os.mkdir(at, FOLDER_MODE, **where)

    def is_still(self, name: str, made: os.stat_result) -> bool:
        """Whether a name is that of the same file as before."""
        there = self.status(name)
        # The number of a file that was removed may be given to a link.
        return there is not None and os.path.samestat(there, made) and stat.S_ISREG(there.st_mode)

    def replace(self, name: str, new: str, to: FolderHandle | None = None) -> None:
        """Gives a file a new name, here or in another folder; what had that name is gone.

        Raises:
            OSError: it cannot be done.
        """
        to = to or self
        (at, where), (there, place) = self._at(name), to._at(new)
        with _about(to.path / new):
            os.replace(at, there, src_dir_fd=where.get("dir_fd"), dst_dir_fd=place.get("dir_fd"))

    def put_in_place(self, part: str, name: str, made: os.stat_result | None = None) -> None:
        """Gives a file that is whole its name; what had that name is gone.

        Args:
            part: what the file is called until now.
            name: what it is called from now on.
            made: which file it is; see `make_file`.

        Raises:
            FormcheckError: it is another file by now.
            OSError: it cannot be done.
        """
        if made is not None and not self.is_still(part, made):
            raise _exchanged(self.path / part)
        self.replace(part, name)
        self.flush()

    def remove(self, name: str) -> None:
        """Removes a file, or a link itself; nothing happens where there is none.

        Raises:
            OSError: it cannot be removed, or is a folder.
        """
        at, where = self._at(name)
        with _about(self.path / name), suppress(FileNotFoundError):
            os.unlink(at, **where)

    def remove_all(self, name: str) -> None:
        """Removes a file, a link itself, or a folder with all that is in it; follows no links.

        Raises:
            OSError: something cannot be removed, or is nested too deep.
        """
        self._remove_all(name, 0)

    def _remove_all(self, name: str, depth: int) -> None:
        there = self.status(name)
        if there is None:
            return
        at, where = self._at(name)
        with _about(self.path / name):
            if _is_link(there) or not stat.S_ISDIR(there.st_mode):
                # A junction is a folder to Windows, and removed like an empty one.
                return (os.rmdir if stat.S_ISDIR(there.st_mode) else os.unlink)(at, **where)
            if depth >= _DEEPEST:
                raise OSError("folders are nested too deep")
            with self.folder(name) as inner:
                for one in inner.names():
                    inner._remove_all(one, depth + 1)
            self.remove_folder(name)

    def remove_folder(self, name: str) -> None:
        """Removes an empty folder.

        Raises:
            OSError: there is something in it, or it cannot be removed.
        """
        at, where = self._at(name)
        with _about(self.path / name):
            os.rmdir(at, **where)

    def flush(self) -> None:
        """Makes new and changed names in it outlast a power cut, where the system lets us."""
        if self._fd is not None:
            with suppress(OSError):
                os.fsync(self._fd)

    def close(self) -> None:
        """Lets go of it; nothing happens the second time."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> FolderHandle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _at(self, name: str) -> tuple[str | Path, dict[str, Any]]:
        """A name in this folder as the system's calls take it."""
        if self._fd is not None:
            return name, {"dir_fd": self._fd}
        refuse_link(self.path)
        return self.path / name, {}


def make_file(path: Path) -> os.stat_result:
    """Makes an empty file for somebody else to open and write to: SQLite, FFmpeg, a CSV writer.

    Returns:
        Which file it is, for `put_in_place`.

    Raises:
        FormcheckError: its folder is a link.
        FileExistsError: there is one, or anything else.
        OSError: it cannot be made.
    """
    with FolderHandle(path.parent) as folder:
        return folder.make_file(path.name)


def opener(path: str, flags: int) -> int:
    """For `open(..., opener=opener)`: follows no link, and a file that is made is made for this user only."""
    with FolderHandle(Path(path).parent) as folder:
        return folder.open(Path(path).name, flags)


def remove_file(path: Path) -> None:
    """See `FolderHandle.remove`.

    Raises:
        FormcheckError: its folder is a link.
        OSError: it cannot be removed, or is a folder.
    """
    with FolderHandle(path.parent) as folder:
        folder.remove(path.name)


def put_in_place(part: Path, path: Path, made: os.stat_result | None = None) -> None:
    """See `FolderHandle.put_in_place`; both names are in one folder.

    Raises:
        FormcheckError: it is another file by now, or the folder is a link.
        OSError: it cannot be done.
    """
    with FolderHandle(path.parent) as folder:
        folder.put_in_place(part.name, path.name, made)


@contextmanager
def opened_by_name(path: Path) -> Iterator[None]:
    """Around what opens a file by its path and not by a handle, as SQLite does: it must be ours, and stay it.

    Raises:
        FormcheckError: it is no plain file or its folder a link, or it was exchanged meanwhile.
        OSError: it is not there, or its folder cannot be opened.
    """
    with FolderHandle(path.parent) as folder:
        before = folder.status(path.name)
        if before is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))
        _see_that_it_is_a_file(path, before)
        yield
        if not folder.is_still(path.name, before):
            raise _exchanged(path)


def refuse_link(path: Path) -> None:
    """To be asked before a folder of this name is made or used.

    Raises:
        FormcheckError: it is a link, wherever it leads.
    """
    with suppress(OSError):  # what cannot be looked at cannot be used either, and says so then
        if _is_link(os.lstat(path)):
            raise _refused(path)


def _is_link(status: os.stat_result) -> bool:
    # A junction leads elsewhere as a link does; other reparse points of Windows (OneDrive's) are plain files.
    junction = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == junction


def _see_that_it_is_a_file(path: Path, status: os.stat_result) -> None:
    if _is_link(status):
        raise _refused(path)
    if not stat.S_ISREG(status.st_mode):
        raise FormcheckError(f"{path} is no plain file, so nothing is written there; choose another place.")


def _refused(path: Path) -> FormcheckError:
    return FormcheckError(
        f"{path} is a link to another place, so nothing is written there; remove the link or choose another "
        "place."
    )


def _exchanged(path: Path) -> FormcheckError:
    return FormcheckError(
        f"{path} was exchanged for another file while it was written; see who else writes to its folder."
    )


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """Errors name the whole path, not only the name in the folder that is held."""
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(path)
        raise
