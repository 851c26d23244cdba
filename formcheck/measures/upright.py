"""What exercises upright, standing or half-kneeling, share: which way the body faces, and how far it leans.

Seen from the side the body leans in the plane of the picture. Image points, y down; angles in degrees.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from formcheck.measures import view as views
from formcheck.measures.geometry import norm, unit
from formcheck.measures.view import Points, View
from formcheck.pose.landmarks import BOTH_SHOULDERS, side_landmark

Array = NDArray[np.float64]

UPRIGHT = 0.50  # [D] vertical part of the trunk: it leans by 60 degrees at most
#: |depth part| of the shoulder line, as of the hip line of a body on its back. Of three rendered bodies in a
#: step, seen from the side, the shoulders were turned by 3 to 12 degrees, the hips by 18 to 37.
SIDE_ON = 0.84  # [D]
_HEELS, _TOES = (
    [int(side_landmark(side, part)) for side in ("left", "right")] for part in ("heel", "foot_index")
)


def is_upright(world: Array) -> NDArray[np.bool_]:
    """``(T,)`` True where the trunk of ``(T, 33, 3)`` world landmarks stands upright."""
    return np.asarray(-unit(views.trunk(world))[:, 1] > UPRIGHT)


def seen_from(world: Points, xy: Points) -> View:
    """``side`` or ``oblique``, by the shoulder line alone: everything but the side is a compromise."""
    line = np.asarray(unit(world[:, BOTH_SHOULDERS[0]] - world[:, BOTH_SHOULDERS[1]]))
    across, depth = (float(np.median(np.abs(line[:, i]))) for i in (0, 2))
    return View("side" if depth > SIDE_ON else "oblique", float(np.degrees(np.arctan2(across, depth))))


def back_x(world: Points, xy: Points, along: Array, view: str) -> float:
    """Image x direction in which the back is: away from where the toes point."""
    ahead = np.median(_middle(xy, _TOES)[:, 0] - _middle(xy, _HEELS)[:, 0])
    return -1.0 if ahead > 0 else 1.0


def toes_point(world: Points) -> Array:
    """``(T, 3)`` level direction in which the toes point, world landmarks."""
    way = _middle(world, _TOES) - _middle(world, _HEELS)
    way[:, 1] = 0.0
    return unit(way)


def lean_deg(bottom: Array, top: Array, back_x: float) -> Array:
    """How far a line from bottom to top leans forwards from upright; ``(T,)`` of ``(T, 2)`` points."""
    up = top - bottom
    return np.degrees(np.arctan2(-back_x * up[:, 0], -up[:, 1]))


def level_distance(a: Array, b: Array) -> Array:
    """``(T,)`` distance over the floor of ``(T, 3)`` world points."""
    return norm((a - b)[:, [0, 2]])


def _middle(points: Points, both: list[int]) -> Array:
    return np.asarray((points[:, both[0]] + points[:, both[1]]) / 2)
