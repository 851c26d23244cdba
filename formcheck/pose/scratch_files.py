"""Long arrays in files without a name instead of in memory; see `formcheck.pose.frame_arrays`.

After each piece of work the system gets the memory back, so a long recording needs no more of it than a
short one. The file is gone with the array (or the program).
"""

from __future__ import annotations

import errno
import math
import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import IO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from formcheck.errors import FormcheckError
from formcheck.pose import frame_arrays

#: Smaller arrays are ordinary ones.
IN_MEMORY_BYTES = 4_000_000
_in_memory_bytes: ContextVar[int | None] = ContextVar("in_memory_bytes", default=None)
_BLOCK = bytes(1 << 20)


class ScratchFiles:
    """A `formcheck.pose.frame_arrays.ArrayStore` on the disk."""

    def __init__(self) -> None:
        # Every file that is mapped into memory.
        self._maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
        self._lock = threading.Lock()

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        """As ``numpy.empty``.

        Raises:
            FormcheckError: there is no room on the disk for an array of this size.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size < (_in_memory_bytes.get() or IN_MEMORY_BYTES):
            return np.empty(shape, dtype)
        try:
            with tempfile.TemporaryFile(dir=folder()) as file:
                _make_room(file, size)
                mapped = mmap.mmap(file.fileno(), size)
        except OSError as error:
            raise no_room(error) from None
        with self._lock:
            self._maps.add(mapped)
        return np.ndarray(shape, dtype, buffer=mapped)

    def give_back(self) -> None:
        """Take all files out of this process's memory; what is touched again is read again.

        The system would do that when it needs the room, but until then they count as the program's. Where it
        cannot be asked to (Windows), they do.
        """
        if hasattr(mmap, "MADV_DONTNEED"):
            with self._lock:
                for mapped in self._maps:
                    with suppress(OSError):
                        mapped.madvise(mmap.MADV_DONTNEED)


_FILES = ScratchFiles()


def use() -> None:
    """From now on, in this process, long arrays lie in files."""
    frame_arrays.keep_in(_FILES)


def folder() -> str:
    """Where scratch files are made. ``/tmp`` is often in memory, which is what they are to spare."""
    if not os.environ.get("TMPDIR") and os.path.isdir("/var/tmp") and os.access("/var/tmp", os.W_OK):
        return "/var/tmp"
    return tempfile.gettempdir()


@contextmanager
def in_memory(up_to: int) -> Iterator[None]:
    """While this lasts, arrays smaller than so many bytes are ordinary ones: quicker by a fifth, where the
    memory is there."""
    token = _in_memory_bytes.set(up_to)
    try:
        yield
    finally:
        _in_memory_bytes.reset(token)


def no_room(error: OSError) -> FormcheckError:
    """What to say when a scratch file cannot be written."""
    return FormcheckError(
        f"The landmarks of a long recording are kept in {folder()} while it is judged, and that failed "
        f"({error.strerror or error}); free some space there, or set TMPDIR to another folder."
    )


def _make_room(file: IO[bytes], size: int) -> None:
    """Not only make it long: a disk that is full is to say so here, and not by a signal later."""
    if hasattr(os, "posix_fallocate"):
        try:
            return os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
    for at in range(0, size, len(_BLOCK)):
        file.write(_BLOCK[: size - at])
    file.flush()
