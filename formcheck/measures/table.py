"""Measures of many frames side by side, each number with its honesty attached."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from formcheck.pose import frame_arrays as arrays


class Status(IntEnum):
    """May this number be believed? Spelled in files as ``ok``, ``low``, ``not_measurable``."""

    OK = 0
    LOW = 1
    NOT_MEASURABLE = 2

    @property
    def word(self) -> str:
        """As written in files."""
        return self.name.lower()


#: Plain numbers: numpy takes long over an enumeration's, and rules ask thousands of times.
OK, NOT_MEASURABLE = int(Status.OK), int(Status.NOT_MEASURABLE)


class Reason(IntEnum):
    """Why a measure is not measurable, or low. Spelled in files in lower case; NONE is left empty."""

    NONE = 0
    VIEW = 1
    OCCLUDED = 2
    OUT_OF_FRAME = 3
    NOISE = 4
    GEOMETRY = 5
    FPS = 6
    NO_PERSON = 7
    BASELINE = 8
    PHONE = 9

    @property
    def word(self) -> str | None:
        """As written in files; None for NONE."""
        return None if self is Reason.NONE else self.name.lower()


@cache
def _place(names: tuple[str, ...]) -> dict[str, int]:
    """Name to column."""
    return {name: column for column, name in enumerate(names)}


@dataclass(frozen=True)
class MeasureTable:
    """Values of all measures of one exercise over T frames.

    Attributes:
        names: M measure names (spec 13).
        time_s: ``(T,)`` frame times, seconds.
        value: ``(T, M)`` float64; NaN where not measurable. Units by name (spec 13).
        status: ``(T, M)`` uint8 of `Status`.
        reason: ``(T, M)`` uint8 of `Reason`.
        sd: ``(T, M)`` standard deviation of each value in its own unit: the jitter seen around that frame
            and the measure's error from this view as found in validation, together. None if not worked out.
    """

    names: tuple[str, ...]
    time_s: NDArray[np.float64]
    value: NDArray[np.float64]
    status: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    sd: NDArray[np.float64] | None = None

    @classmethod
    def empty(cls, names: tuple[str, ...], time_s: NDArray[np.float64]) -> MeasureTable:
        """A table in which no frame holds anything yet: not measurable, nobody there."""
        shape = (len(time_s), len(names))
        return cls(
            names,
            time_s,
            arrays.full(shape[::-1], np.nan, np.float64).T,  # who asks for one measure touches only that
            arrays.full(shape, Status.NOT_MEASURABLE, np.uint8),
            arrays.full(shape, Reason.NO_PERSON, np.uint8),
        )

    def column(self, name: str) -> NDArray[np.float64]:
        """``(T,)`` values of one measure, NaN where not measurable."""
        return self.value[:, _place(self.names)[name]]

    def ok(self, name: str) -> NDArray[np.bool_]:
        """``(T,)`` True where the measure's status is OK."""
        return self.status[:, _place(self.names)[name]] == OK

    def reason_of(self, name: str) -> NDArray[np.uint8]:
        """``(T,)`` of `Reason` for one measure."""
        return self.reason[:, _place(self.names)[name]]

    def sd_of(self, name: str) -> NDArray[np.float64]:
        """``(T,)`` standard deviations of one measure; zeros where they were not worked out."""
        if self.sd is None:
            return np.zeros(len(self.time_s))
        return self.sd[:, _place(self.names)[name]]

    def with_sd(self, sd: NDArray[np.float64]) -> MeasureTable:
        """The same table with other standard deviations, ``(T, M)``."""
        return MeasureTable(self.names, self.time_s, self.value, self.status, self.reason, sd)

    def between(self, start_s: float, end_s: float) -> slice:
        """The frames from one time to another, both included."""
        return slice(
            int(np.searchsorted(self.time_s, start_s)), int(np.searchsorted(self.time_s, end_s, side="right"))
        )

    def part(self, frames: slice) -> MeasureTable:
        """Some neighbouring frames."""
        return MeasureTable(
            self.names,
            self.time_s[frames],
            self.value[frames],
            self.status[frames],
            self.reason[frames],
            None if self.sd is None else self.sd[frames],
        )

    def __len__(self) -> int:
        return len(self.time_s)


def true_runs(mask: NDArray[np.bool_]) -> list[slice]:
    """Runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
