"""Which landmarks a measure stands on, where on the body it shows, and which of them may be believed."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from formcheck.exercises.definition import Definition
from formcheck.measures.measure import formulas_called
from formcheck.measures.reference import Reference
from formcheck.pose import frame_arrays
from formcheck.pose.landmarks import BOTH_HIPS, other_side, side_landmark

#: Seen from the side, these tell which half of the body the camera sees.
_SIDE_TELLS = ("knee", "ankle", "heel", "elbow")

# "near" is the side measured: the moving leg of a clam, the stance leg of a single-leg bridge, else the side
# nearer the camera; "far" the other one.
# Where a fault in this measure is ringed; where it differs from all the parts used.
_SHOWS: dict[str, str] = {
    "knee_lift": "near knee",
    "opening_deg": "near knee",
    "hip_opening_deg": "near knee",
    "feet_apart": "near heel, far heel",
    "knee_slide": "near knee, far knee",
    "top_knee_offset": "near knee",
    "hip_angle_deg": "near hip",
    "line_gap": "near hip",
    "pelvic_height": "near hip",
    "knee_flexion_deg": "near knee",
    "trunk_lift_deg": "near hip",
    "knee_separation": "near knee, far knee",
    "knees_nearer": "near knee, far knee",
    "shank_lean_left_deg": "left knee",
    "shank_lean_right_deg": "right knee",
    "foot_pitch_deg": "near heel",
    "thigh_parallel_deg": "near knee, far knee",
    "hip_abduction_deg": "near ankle",
    "hip_flexion_drift_deg": "near ankle",
}
#: Measures that are the angle of a joint in the picture: the corners, the joint in the middle, and whether
#: the value is how far the joint is bent (0 = straight) and not the angle itself (180 = straight).
_JOINTS: dict[str, tuple[tuple[str, str, str], bool]] = {
    "hip_angle_deg": (("shoulder", "hip", "knee"), False),
    "knee_flexion_deg": (("hip", "knee", "ankle"), True),
}


def joint_angle(measure: str, near: str) -> tuple[tuple[int, int, int], bool] | None:
    """Landmarks between which a measure's angle can be drawn, the joint in the middle, and whether it tells
    how far the joint is bent; None for a measure that is no such angle."""
    if measure not in _JOINTS:
        return None
    (first, joint, last), bent = _JOINTS[measure]
    a, b, c = (int(side_landmark(near, part)) for part in (first, joint, last))
    return (a, b, c), bent


def landmarks_used(definition: Definition, measure: str, near: str, view: str = "side") -> tuple[int, ...]:
    """Landmarks a measure stands on, seen from a view; none for an unknown measure."""
    return _needs(definition.measured_by, near, view).get(measure, ())


@lru_cache(maxsize=64)
def _needs(measured_by: str, near: str, view: str) -> dict[str, tuple[int, ...]]:
    nowhere = np.zeros(2)
    # Which landmarks are needed depends on sides and view only.
    reference = Reference(
        start_s=0.0, end_s=0.0, view=view, yaw_deg=0.0, side=near, near=near, along=nowhere, normal=nowhere,
        back_x=1.0, trunk_px=1.0, length_px=1.0, hip_line_px=1.0,
    )  # fmt: skip
    needed = formulas_called(measured_by).needs(reference)
    return {name: tuple(int(point) for point in points) for name, points in needed.items()}


def landmarks_shown(definition: Definition, measure: str, near: str) -> tuple[int, ...]:
    """Landmarks to ring when a fault shows in a measure."""
    out = []
    for side_and_part in filter(None, _SHOWS.get(measure, "").split(", ")):
        side, part = side_and_part.split()
        side = {"near": near, "far": other_side(near)}.get(side, side)
        out.append(int(side_landmark(side, part)))
    return tuple(out) or landmarks_used(definition, measure, near)


def near_side(side: str | None, visibility: NDArray[np.floating], person: NDArray[np.bool_]) -> str:
    """The side that is measured: the working one, else the one the camera sees better.

    Args:
        side: the working side, where the exercise has one.
        visibility: ``(T, 33)``.
        person: ``(T,)`` True where the person was seen.
    """
    if side is not None or not person.any():
        return side or "left"
    seen = frame_arrays.Rows(visibility, person)
    left, right = (
        float(np.nanmean(seen[:, [side_landmark(half, part) for part in _SIDE_TELLS]]))
        for half in ("left", "right")
    )
    return "left" if left >= right else "right"


def trusted_landmarks(
    definition: Definition, visibility: NDArray[np.floating], ok: Collection[str], near: str, view: str
) -> NDArray[np.bool_]:
    """``(33,)``: which landmarks of one frame may be believed.

    A hip's own visibility says nothing, so a hip counts as seen only while some measure that uses it is ok.
    Seen from the side, the far shoulder is hidden whatever its visibility says.

    Args:
        definition: the exercise.
        visibility: ``(33,)``.
        ok: names of the measures that are ok in this frame.
        near, view: the side measured, and from where it is seen.
    """
    trusted = np.asarray(visibility >= definition.gates.visibility_ok)
    used = frozenset().union(*(landmarks_used(definition, name, near, view) for name in ok))
    for hip in BOTH_HIPS:
        trusted[hip] = int(hip) in used
    if view == "side":
        trusted[side_landmark(other_side(near), "shoulder")] = False
    return trusted
