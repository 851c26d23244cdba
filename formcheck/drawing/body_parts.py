""""""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from formcheck.exercises.definition import Definition
from formcheck.measures.measure import formulas_called
from formcheck.measures.reference import Reference
from formcheck.pose.landmarks import other_side, side_landmark

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


def landmarks_used(definition: Definition, measure: str, near: str, view: str = "side") -> tuple[int, ...]:
    """Landmarks a measure stands on, seen from a view; none for an unknown measure."""
    return _needs(definition.measured_by, near, view).get(measure, ())


@lru_cache(maxsize=64)
def _needs(measured_by: str, near: str, view: str) -> dict[str, tuple[int, ...]]:
    nowhere = np.zeros(2)
    # Which landmarks are needed depends on sides and view only.
    reference = Reference(
        start_s=0.0, end_s=0.0, view=view, yaw_deg=0.0, side=near, near=near, along=nowhere, normal=nowhere,
        back_x=1.0, trunk_px=1.0, length_px=1.0, thigh_px=1.0, hip_line_px=1.0,
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
