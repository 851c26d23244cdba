"""Arrays with a row for every frame of a recording: long ones lie in a file without a name, not in memory.

The system writes such a file out when it needs the memory, and it is gone with the array (or the program).
"""

from __future__ import annotations

import errno
import math
import mmap
import os
import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from formcheck.errors import FormcheckError

#: Smaller arrays are ordinary ones.
IN_MEMORY_BYTES = 4_000_000
#: Frames worked on at a time.
PIECE = 4096
_BLOCK = bytes(1 << 20)


def folder() -> str:
    """Where scratch files are made. ``/tmp`` is often in memory, which is what they are to spare."""
    if not os.environ.get("TMPDIR") and os.path.isdir("/var/tmp") and os.access("/var/tmp", os.W_OK):
        return "/var/tmp"
    return tempfile.gettempdir()


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
    if size < IN_MEMORY_BYTES:
        return np.empty(shape, dtype)
    try:
        with tempfile.TemporaryFile(dir=folder()) as file:
            _make_room(file, size)
            return np.ndarray(shape, dtype, buffer=mmap.mmap(file.fileno(), size))
    except OSError as error:
        raise no_room(error) from None


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
    out.fill(value)
    return out


def pieces(count: int, step: int = PIECE) -> Iterator[slice]:
    """Slices of at most `step` that make up `count`."""
    return (slice(at, min(at + step, count)) for at in range(0, count, step))


def float64(array: NDArray, where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """``array[where]`` in double precision."""
    if where.all():
        out = empty(array.shape, np.float64)
        out[:] = array
        return out
    chosen = np.flatnonzero(where)
    out = empty((len(chosen), *array.shape[1:]), np.float64)
    for piece in pieces(len(chosen)):
        out[piece] = array[chosen[piece]]
    return out
