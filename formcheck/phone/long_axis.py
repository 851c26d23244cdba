"""How far the body's long axis is off from where standing had it, as lifts of the hips show it.

In a lift a phone that sits aslant looks like a pelvis that drops on one side, but for the size: phones sit
aslant by a few degrees, and a drop that matters looks like a dozen. So all that is possible is weighed: how
far the axis is off, what the person does in every lift, and what in some. What a person always does cannot be
told from a phone that sits aslant by seeing it more often, so lifts that are all alike count as one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Standing tells the long axis to within this: found on phones simulated on rendered bodies
#: (docs/validation.md, "A phone on the pelvis"). What follows was not fitted to them [D].
AXIS_ERROR_DEG = 3.0
#: So many lifts are remembered. Each shows the axis to within the first of these; in that share of lifts the
#: pelvis drops as it does not in others, and they show it to within the second. A bridge makes half a degree
#: of drop of each of these degrees.
MOST_LIFTS = 12
_LIFT_DEG = 2.0
_DROPPED_DEG = 15.0
_DROPPED = 0.3
#: What all lifts of a person have in common: of most people so much, and of that share, who have the habit of
#: dropping on one side, so much.
_SHARED_DEG = 2.0
_HABIT_DEG = 12.0
_HABIT = 0.3
#: How far off the axis can be, how far a habit goes, and the steps in which both are tried.
_OFF_MOST_DEG = 15.0
_HABIT_MOST_DEG = 30.0
_STEP_DEG = 0.5


def axis_off(shown_deg: Iterable[float]) -> tuple[float, float]:
    """How far the long axis is off, by what lifts show.

    Args:
        shown_deg: of each lift the turn at its top over the tangent of how far the long axis leaned there.

    Returns:
        How far it is off, right-handed about up, most likely; and the standard deviation of that, degrees.
    """
    off, habit, both = (
        _steps(most) for most in (_OFF_MOST_DEG, _HABIT_MOST_DEG, _OFF_MOST_DEG + _HABIT_MOST_DEG)
    )
    apart = both[:, None] - np.array(list(shown_deg), np.float64)
    lifts = _either(apart, _LIFT_DEG, _DROPPED_DEG, _DROPPED).prod(axis=1)
    shared = np.convolve(lifts, _either(habit, _SHARED_DEG, _HABIT_DEG, _HABIT), "valid")
    likely = _bell(off, AXIS_ERROR_DEG) * shared
    likely /= likely.sum()
    most = float(likely @ off)
    return most, float(np.sqrt(likely @ (off - most) ** 2))


def _steps(most: float) -> Array:
    return np.arange(-most, most + _STEP_DEG / 2, _STEP_DEG)


def _bell(x: Array, sd: float) -> Array:
    return np.asarray(np.exp(-(x**2) / (2 * sd**2)) / sd)


def _either(x: Array, near: float, far: float, share: float) -> Array:
    """Likelihood of an error that is near, or in this share of cases far."""
    return (1 - share) * _bell(x, near) + share * _bell(x, far)
