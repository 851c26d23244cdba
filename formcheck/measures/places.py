"""Where shoulders, hips, knees and feet are: what has to stay in its place while an exercise is done."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from formcheck.measures.geometry import dot
from formcheck.measures.reference import Reference
from formcheck.pose.landmarks import BOTH_HIPS, BOTH_KNEES, BOTH_SHOULDERS, side_landmark

Array = NDArray[np.float64]

_PARTS: dict[str, list[int]] = {
    "shoulders": list(BOTH_SHOULDERS),
    "hips": list(BOTH_HIPS),
    "knees": list(BOTH_KNEES),
    "feet": [int(side_landmark(side, part)) for side in ("left", "right") for part in ("ankle", "heel")],
}
#: All of them are changes since rest, and asked for however well the parts are seen. They tell whether a
#: movement is the exercise at all, not how it is done: tables have them, reports do not plot them.
PLACES = tuple(f"{part}_{way}" for part in _PARTS for way in ("along", "up"))
#: The landmarks that each of them stands on.
PLACED = {f"{part}_{way}": landmarks for part, landmarks in _PARTS.items() for way in ("along", "up")}


def whereabouts(xy: Array, ref: Reference, scale_px: float) -> dict[str, Array]:
    """Measure name to ``(T,)`` place of a part of the body, in units of `scale_px`, from a fixed origin.

    Args:
        xy: ``(T, 33, 2)`` image landmarks, pixels.
        ref: directions along the body (+ towards the feet) and up.
        scale_px: unit of length, pixels.
    """
    out: dict[str, Array] = {}
    for part, landmarks in _PARTS.items():
        # A single frame's time is all in the calls: a sum of columns takes half of what `mean` does.
        middle = sum(xy[:, landmark] for landmark in landmarks) / (len(landmarks) * scale_px)
        out[f"{part}_along"], out[f"{part}_up"] = dot(middle, ref.along), dot(middle, ref.normal)
    return out
