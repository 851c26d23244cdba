"""Arrays with a row for every frame of a recording: long ones lie in a file without a name, not in memory.

Work on them goes piece by piece, through `pieces` or `Rows`. After each piece the system gets the memory
back, so that of a long recording no more than of a short one counts as the program's. The file is gone with
the array (or the program).
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
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from formcheck.errors import FormcheckError

#: Smaller arrays are ordinary ones.
IN_MEMORY_BYTES = 4_000_000
#: Frames worked on at a time.
PIECE = 4096
_in_memory_bytes: ContextVar[int | None] = ContextVar("in_memory_bytes", default=None)
_BLOCK = bytes(1 << 20)
#: Every file that is mapped into memory.
_maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
_maps_lock = threading.Lock()


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


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
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
    with _maps_lock:
        _maps.add(mapped)
    return np.ndarray(shape, dtype, buffer=mapped)


def give_back() -> None:
    """Take all scratch files out of this process's memory; what is touched again is read again.

    The system would do that when it needs the room, but until then they count as the program's. Where it
    cannot be asked to (Windows), they do.
    """
    if hasattr(mmap, "MADV_DONTNEED"):
        with _maps_lock:
            for mapped in _maps:
                with suppress(OSError):
                    mapped.madvise(mmap.MADV_DONTNEED)


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


def full(shape: tuple[int, ...], value: float, dtype: DTypeLike) -> NDArray:
    """As ``numpy.full``; see `empty`."""
    out = empty(shape, dtype)
    every = out.reshape(-1)
    for piece in pieces(len(every), 100 * PIECE):
        every[piece] = value
    return out


def copy(array: NDArray, to: NDArray) -> None:
    """``to[:] = array``."""
    for piece in pieces(len(array)):
        to[piece] = array[piece]


def pieces(count: int, step: int = PIECE) -> Iterator[slice]:
    """Slices of at most `step` that make up `count`; after each one scratch files are given back."""
    for at in range(0, count, step):
        yield slice(at, min(at + step, count))
        give_back()


def each(count: int) -> Iterator[int]:
    """The numbers below `count`, piece by piece as in `pieces`."""
    for piece in pieces(count):
        yield from range(piece.start, piece.stop)


class Rows:
    """Some rows of a long array, whose columns are read and written as if there were no others.

    ``rows[:, 3]`` is a new array in memory, ``rows[:, 3] = x`` writes to the long one, both piece by piece.

    Args:
        array: ``(T, ...)``.
        where: ``(T,)`` which rows.
        dtype: what is read comes as this; by default as it is.
    """

    def __init__(self, array: NDArray, where: NDArray[np.bool_], dtype: DTypeLike | None = None) -> None:
        self._array, self._where = array, where
        self._dtype = array.dtype if dtype is None else dtype
        self._count = int(np.count_nonzero(where))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, columns: tuple[Any, ...]) -> NDArray:
        out = np.empty((self._count, *self._array[:0][columns].shape[1:]), self._dtype)
        for here, there, rows in self._pieces():
            out[there] = self._array[here][columns][rows]
        return out

    def __setitem__(self, columns: tuple[Any, ...], values: NDArray) -> None:
        for here, there, rows in self._pieces():
            self._array[here][columns][rows] = values[there]

    def _pieces(self) -> Iterator[tuple[slice, slice, Any]]:
        """A piece of the long array, which of the chosen rows lie in it, and where in it."""
        done = 0
        for here in pieces(len(self._where)):
            rows = self._where[here]
            there = slice(done, done + int(np.count_nonzero(rows)))
            done = there.stop
            # All of them: to copy is quicker than to choose.
            yield here, there, slice(None) if there.stop - there.start == len(rows) else rows
