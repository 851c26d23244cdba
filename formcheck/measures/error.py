"""Predicted error: how much larger or smaller a measure's error is in a frame than usual from its view."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from formcheck.exercises.definition import Definition
from formcheck.pose.lying_reading import Lying

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: A measure may be off by at most this share of the mildest threshold that a fault holds it against.
BEARABLE_SHARE = 0.5
#: Kinds of rule whose thresholds are in the measure's own unit.
_IN_ITS_UNIT = frozenset({"above", "below", "either", "hold", "rest", "settles", "march"})


@cache
def _tables() -> dict[str, dict[str, float]]:
    with (Path(__file__).parent / "error.toml").open("rb") as file:
        return {
            name: {key: float(value) for key, value in table.items()}
            for name, table in tomllib.load(file).items()
        }


def _learned() -> dict[str, float]:
    return _tables()["disagreement"]


def error_factor(disagreement: ArrayLike) -> NDArray[np.float64]:
    """What to multiply a view's usual error by.

    Args:
        disagreement: of the two readings of the skeleton around a frame, body sizes; NaN where there is none.

    Returns:
        The factor, of the same shape; 1 where nothing is known.
    """
    learned = _learned()
    apart = np.clip(np.asarray(disagreement, np.float64), learned["least"], learned["most"])
    factor = (apart / learned["usual"]) ** learned["exponent"]
    return np.asarray(np.where(np.isfinite(factor), factor, 1.0))


def lying_error(reading: Lying, view: str, lying: NDArray[np.float32]) -> NDArray[np.float64]:
    """Error of what the network for people who lie reads, degrees, as found on rendered people.

    Args:
        reading: a column whose error is known: `Lying.ROLL` or `Lying.OPENING`.
        view: from where the camera looks.
        lying: ``(T, 11)``, see `formcheck.pose.lying_reading`.

    Returns:
        ``(T,)``; NaN without a reading.
    """
    learned = _tables()[f"lying_{reading.name.lower()}"]
    rows = np.asarray(lying, np.float64)
    scale = rows[:, reading + (Lying.ROLL_SCALE - Lying.ROLL)] / learned["usual_scale"]
    spread = 1.0 + rows[:, reading + (Lying.ROLL_SPREAD - Lying.ROLL)]
    off = np.maximum(rows[:, Lying.JOINTS_OFF], learned["least_joints_off"]) / learned["least_joints_off"]
    usual = learned.get(view, learned["elsewhere"])
    error = usual * np.maximum(scale, learned["least_scale"]) ** learned["scale"]
    return np.asarray(error * spread ** learned["spread"] * off ** learned["joints_off"])


def knows_what_it_sees(reading: Lying, lying: NDArray[np.float32]) -> NDArray[np.bool_]:
    """``(T,)`` True where the network's joints lie where the landmarks do, else one of the two is elsewhere;
    and where the network itself is as sure of a reading as of people like those it learned from."""
    most = _tables()["lying"]
    near = lying[:, Lying.JOINTS_OFF] <= most[f"most_joints_off_{reading.name.lower()}"]
    scale = lying[:, reading + (Lying.ROLL_SCALE - Lying.ROLL)]
    return np.asarray(near & (scale <= most[f"most_{reading.name.lower()}_scale"]))


def bearable_error(definition: Definition, measure: str) -> float:
    """The largest standard deviation with which a measure is good for any of its faults; inf without any.

    It follows from the thresholds: half of the mildest one of the fault that can bear most.
    """
    limits = [
        rule.grades[0]
        for fault in definition.faults.values()
        for rule in fault.rules
        if rule.kind in _IN_ITS_UNIT and measure in rule.measures[: 1 if rule.kind == "march" else None]
    ]
    return BEARABLE_SHARE * max(limits) if limits else float("inf")
