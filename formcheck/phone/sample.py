"""What a phone says at one moment, as a row of numbers."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Sample(IntEnum):
    """Columns of a sample, float64.

    Axes are the phone's own: x to the right of its screen, y to its top, z out of the screen.

    TIME_S: on the session's clock, as well as the two clocks could be matched when it came.
    PHONE_S: on the phone's clock.
    UP_X, UP_Y, UP_Z: unit vector away from the earth's middle.
    RATE_X, RATE_Y, RATE_Z: how fast it turns, degrees a second; NaN where the phone does not tell. Browsers
        do not agree on their order, so only their size means anything.
    CLOCK_S: how far TIME_S may be off, seconds.
    """

    TIME_S = 0
    PHONE_S = 1
    UP_X = 2
    UP_Y = 3
    UP_Z = 4
    RATE_X = 5
    RATE_Y = 6
    RATE_Z = 7
    CLOCK_S = 8


SAMPLE_COUNT = len(Sample)


class Arrival(NamedTuple):
    """Samples that came together.

    Attributes:
        after_frame: the last frame that had been dealt with; -1 before the first.
        samples: ``(N, 9)``, see `Sample`.
    """

    after_frame: int
    samples: Array


UP = slice(Sample.UP_X, Sample.UP_Z + 1)
RATE = slice(Sample.RATE_X, Sample.RATE_Z + 1)


class PhoneSource(Protocol):
    """A phone in the waistband, as a live session sees it."""

    def now_s(self) -> float:
        """This moment on the clock of `Sample.TIME_S`."""

    def take(self) -> Array:
        """``(N, 9)`` samples that have come since it was last asked, the oldest first."""


def up_of(beta_deg: ArrayLike, gamma_deg: ArrayLike) -> Array:
    """The direction up in the phone's axes, from the two angles of a browser's ``deviceorientation``.

    The third, the compass, turns about this very direction and says nothing of it. The sign of
    ``accelerationIncludingGravity`` differs between browsers; that of these angles does not.

    Args:
        beta_deg, gamma_deg: ``(N,)``.

    Returns:
        ``(N, 3)`` unit vectors.
    """
    beta, gamma = np.radians(np.asarray(beta_deg, np.float64)), np.radians(np.asarray(gamma_deg, np.float64))
    return np.stack([-np.cos(beta) * np.sin(gamma), np.sin(beta), np.cos(beta) * np.cos(gamma)], axis=-1)
