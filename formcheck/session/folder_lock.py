"""One program at a time writes to a folder of results.

The lock is the system's own, on an empty file in the folder: it ends with the program that holds it, however
that ends, so that a lock is never left behind. The file goes when the lock is given back; one that a killed
program left is taken over.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from formcheck.errors import FormcheckError
from formcheck.folder_handle import opener, remove_file

if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


LOCK = ".formcheck-lock"
#: What the two systems say when somebody else has it; anything else means that this disk knows no locks.
_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}


class FolderLock:
    """The lock of a folder, held from `take` until `give_back`, or until the program ends.

    Args:
        folder: must exist when the lock is taken.
        name: of the file that is locked.
    """

    def __init__(self, folder: Path, name: str = LOCK) -> None:
        self.path = folder / name
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object has the lock."""
        return self._handle is not None

    def take(self) -> None:
        """Takes the lock at once or not at all; nothing happens when it is held already.

        Raises:
            FormcheckError: another program, or another part of this one, has it; its file or the folder is a
                link.
            OSError: the folder cannot be written to.
        """
        while self._handle is None:
            handle = opener(str(self.path), os.O_RDWR | os.O_CREAT)
            try:
                _try_lock(handle)
            except OSError as error:
                if error.errno in _TAKEN:
                    os.close(handle)
                    raise FormcheckError(
                        f"Another formcheck is writing to {self.path.parent} just now; wait until it is "
                        "done, or choose another folder."
                    ) from None
            # Between opening and locking it, its holder may have been done and have removed it.
            if self._still_there(handle):
                self._handle = handle
            else:
                os.close(handle)

    def _still_there(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), os.lstat(self.path))
        except FileNotFoundError:
            return False

    def give_back(self) -> None:
        """Lets others write; nothing happens when it is not held."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        with suppress(OSError, FormcheckError):  # Windows removes no file that is open
            remove_file(self.path)
        with suppress(OSError):
            os.close(handle)
        if sys.platform == "win32":
            with suppress(OSError, FormcheckError):  # somebody has opened it by now, and it stays
                remove_file(self.path)


@contextmanager
def only_writer(folder: Path, name: str = LOCK) -> Iterator[None]:
    """Holds the lock of a folder that exists.

    Raises:
        FormcheckError: another formcheck is writing to it, or it cannot be written to.
    """
    lock = FolderLock(folder, name)
    try:
        lock.take()
    except OSError as error:
        raise FormcheckError(
            f"The folder {folder} cannot be written to ({error.strerror}); choose another folder."
        ) from None
    try:
        yield
    finally:
        lock.give_back()
