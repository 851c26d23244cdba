"""Measures of a calf stretch: in a step at a wall, the leg behind straight, its heel down, the body leans in.

Seen from the side the leg behind leans in the plane of the picture. With the foot flat, the lean of its shank
is the bend of the ankle. Rest is not taken off here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formcheck.measures import upright
from formcheck.measures import view as views
from formcheck.measures.geometry import joint_angle_deg
from formcheck.measures.reference import Reference
from formcheck.measures.upright import back_x, lean_deg, level_distance, seen_from
from formcheck.measures.view import Points
from formcheck.pose.landmarks import BOTH_ANKLES, BOTH_KNEES, BOTH_SHOULDERS, Landmark, side_landmark

__all__ = ["back_x", "seen_from"]

Array = NDArray[np.float64]

CHANGES = frozenset({"shank_lean_deg", "foot_pitch_deg"})
RATIOS: frozenset[str] = frozenset()
DERIVED: frozenset[str] = frozenset()
#: With the leg behind on the far side BlazePose takes the near one for it (docs/validation.md).
ON_THE_LEG = frozenset({"shank_lean_deg", "knee_flexion_deg", "foot_pitch_deg", "hip_bend_deg"})
BONES = {"trunk": ("shoulder", "hip"), "thigh": ("hip", "knee"), "shank": ("knee", "ankle")}
BONES_OF: dict[str, tuple[str, ...]] = {}
SHANKS_OF: dict[str, tuple[str, ...]] = {}
LIES_ON: Literal["side", "back", "nothing"] = "nothing"
KNEES: Literal["bent", "straight"] = "straight"
START_CHECKS: frozenset[str] = frozenset()

STRAIGHT_DEG = 50.0  # [D] the straighter knee
STRIDE = 0.5  # [D] between the ankles over the floor, trunk lengths: standing 0.2, a step 1 and more
KNEES_OFF_FLOOR = 0.4  # [D] over the ankles, trunk lengths: standing 0.8, kneeling 0
#: A hand at the wall: so far before the shoulder over the floor, and so far above the hips, trunk lengths.
REACH, HAND_UP = 0.35, 0.3  # [D]
_WRISTS = [int(Landmark.LEFT_WRIST), int(Landmark.RIGHT_WRIST)]


def quantities(xy: Array, world: Array, ref: Reference) -> dict[str, Array]:
    """All quantities of each frame; see `formcheck.measures.formulas.Formulas`."""
    leg = ref.side or ref.near

    def at(part: str) -> Array:
        return xy[:, side_landmark(leg, part)]

    foot = at("foot_index") - at("heel")
    trunk = lean_deg(at("hip"), xy[:, side_landmark(ref.near, "shoulder")], ref.back_x)
    return {
        "shank_lean_deg": lean_deg(at("ankle"), at("knee"), ref.back_x),
        "knee_flexion_deg": 180.0 - joint_angle_deg(at("hip"), at("knee"), at("ankle")),
        "foot_pitch_deg": np.degrees(np.arctan2(foot[:, 1], -ref.back_x * foot[:, 0])),
        "hip_bend_deg": trunk - lean_deg(at("knee"), at("hip"), ref.back_x),
        "trunk_lean_deg": trunk,
    }


def derived(change: dict[str, Array], ref: Reference) -> dict[str, Array]:
    """None here."""
    return {}


def needs(ref: Reference) -> dict[str, list[Landmark]]:
    """Landmarks each measure stands on (hips are never judged by visibility, spec 1.3)."""
    leg = ref.side or ref.near
    hip, knee, ankle, heel, toe = (
        side_landmark(leg, part) for part in ("hip", "knee", "ankle", "heel", "foot_index")
    )
    shoulder = side_landmark(ref.near, "shoulder")
    return {
        "shank_lean_deg": [knee, ankle],
        "knee_flexion_deg": [hip, knee, ankle],
        "foot_pitch_deg": [heel, toe],
        "hip_bend_deg": [shoulder, hip, knee],
        "trunk_lean_deg": [shoulder, hip],
    }


def in_posture(world: Array, lying: Array | None = None) -> NDArray[np.bool_]:
    """``(T,)`` True where the body stands in a step, one knee rather straight, a hand out before it."""
    length = np.maximum(np.linalg.norm(views.trunk(world), axis=1), 1e-6)
    left, right = (world[:, ankle] for ankle in BOTH_ANKLES)
    stands = (world[:, BOTH_ANKLES, 1] - world[:, BOTH_KNEES, 1]).min(axis=1) > KNEES_OFF_FLOOR * length
    step = level_distance(left, right) > STRIDE * length
    straight = views.knee_flexion_world_deg(world).min(axis=1) < STRAIGHT_DEG
    hips = (world[:, Landmark.LEFT_HIP, 1] + world[:, Landmark.RIGHT_HIP, 1]) / 2
    at_wall = np.zeros(len(world), bool)
    for wrist, shoulder in zip(_WRISTS, BOTH_SHOULDERS, strict=True):
        reaches = level_distance(world[:, wrist], world[:, shoulder]) > REACH * length
        at_wall |= reaches & (hips - world[:, wrist, 1] > HAND_UP * length)
    return np.asarray(upright.is_upright(world) & stands & step & straight & at_wall)


def working_side(world: Points, near: str) -> str:
    """The leg behind."""
    way = upright.toes_point(world)
    left, right = (float(np.median((world[:, ankle] * way).sum(axis=1))) for ankle in BOTH_ANKLES)
    return "left" if left < right else "right"


def shank_sign(world: Points, side: str) -> float:
    """Of no matter here."""
    return 1.0
