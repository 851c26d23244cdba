"""Arrays with a row for every frame of a recording, made and worked on so that a long one may lie anywhere.

By default they are numpy's own, in memory. A program that looks at long recordings names another place with
`keep_in`; the numbers do not know where they lie. Work on them goes piece by piece, through `pieces` or
`Rows`: after each piece the place may take back the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Frames worked on at a time.
PIECE = 4096


class ArrayStore(Protocol):
    """Where arrays lie."""

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        """As ``numpy.empty``."""

    def give_back(self) -> None:
        """Nothing of the arrays needs to be in memory now; what is touched again is read again."""


class _Memory:
    """numpy's own arrays."""

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
        return np.empty(shape, dtype)

    def give_back(self) -> None: ...


_store: ArrayStore = _Memory()


def keep_in(store: ArrayStore) -> None:
    """From now on, in this process, new arrays come from there."""
    global _store
    _store = store


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """As ``numpy.empty``, from where arrays are kept."""
    return _store.empty(shape, dtype)


def give_back() -> None:
    """See `ArrayStore.give_back`."""
    _store.give_back()


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
