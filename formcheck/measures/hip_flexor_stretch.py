"""Measures of a hip-flexor stretch: one knee on the floor, the other foot ahead, the pelvis goes forwards.

Seen from the side the thigh of the kneeling leg leans in the plane of the picture. How much of it is the hip
and how much the low back, nothing in the skeleton tells. Rest is not taken off here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formcheck.measures import upright
from formcheck.measures import view as views
from formcheck.measures.reference import Reference
from formcheck.measures.upright import back_x, lean_deg, seen_from
from formcheck.measures.view import Points
from formcheck.pose.landmarks import BOTH_HIPS, BOTH_KNEES, Landmark, other_side, side_landmark

__all__ = ["back_x", "seen_from"]

Array = NDArray[np.float64]

CHANGES = frozenset({"thigh_lean_deg", "trunk_lean_deg"})
RATIOS: frozenset[str] = frozenset()
DERIVED: frozenset[str] = frozenset()
#: Not tried with the kneeling leg on the far side; a calf stretch so filmed is taken for the other leg's.
ON_THE_LEG = frozenset({"thigh_lean_deg", "hip_extension_deg"})
BONES = {"trunk": ("shoulder", "hip"), "thigh": ("hip", "knee"), "shank": ("knee", "ankle")}
BONES_OF: dict[str, tuple[str, ...]] = {}
SHANKS_OF: dict[str, tuple[str, ...]] = {}
LIES_ON: Literal["side", "back", "nothing"] = "nothing"
KNEES: Literal["bent", "straight"] = "bent"
START_CHECKS: frozenset[str] = frozenset()

BENT_DEG = 45.0  # [D] both knees
KNEE_DOWN = 0.35  # [D] one knee below the other, trunk lengths: half-kneeling 0.6 and more
THIGH_UP = 0.5  # [D] the hips above the knee on the floor, trunk lengths: half-kneeling 0.7, sitting 0


def quantities(xy: Array, world: Array, ref: Reference) -> dict[str, Array]:
    """All quantities of each frame; see `formcheck.measures.formulas.Formulas`."""
    leg = ref.side or ref.near

    def at(part: str, side: str = leg) -> Array:
        return xy[:, side_landmark(side, part)]

    thigh = lean_deg(at("knee"), at("hip"), ref.back_x)
    trunk = lean_deg(at("hip", ref.near), at("shoulder", ref.near), ref.back_x)
    front = other_side(leg)
    return {
        "thigh_lean_deg": thigh,
        "trunk_lean_deg": trunk,
        "hip_extension_deg": thigh - trunk,
        "front_shank_lean_deg": lean_deg(at("ankle", front), at("knee", front), ref.back_x),
    }


def derived(change: dict[str, Array], ref: Reference) -> dict[str, Array]:
    """None here."""
    return {}


def needs(ref: Reference) -> dict[str, list[Landmark]]:
    """Landmarks each measure stands on (hips are never judged by visibility, spec 1.3)."""
    leg = ref.side or ref.near
    thigh = [side_landmark(leg, part) for part in ("hip", "knee")]
    trunk = [side_landmark(ref.near, part) for part in ("shoulder", "hip")]
    return {
        "thigh_lean_deg": thigh,
        "trunk_lean_deg": trunk,
        "hip_extension_deg": [*trunk, *thigh],
        "front_shank_lean_deg": [side_landmark(other_side(leg), part) for part in ("knee", "ankle")],
    }


def in_posture(world: Array, lying: Array | None = None) -> NDArray[np.bool_]:
    """``(T,)`` True where the body is upright on one knee, the other one bent before it."""
    length = np.maximum(np.linalg.norm(views.trunk(world), axis=1), 1e-6)
    bent = views.knee_flexion_world_deg(world).min(axis=1) > BENT_DEG
    knees = world[:, BOTH_KNEES, 1]
    one_down = np.abs(knees[:, 0] - knees[:, 1]) > KNEE_DOWN * length
    hips = world[:, BOTH_HIPS, 1].mean(axis=1)
    return np.asarray(
        upright.is_upright(world) & bent & one_down & (knees.max(axis=1) - hips > THIGH_UP * length)
    )


def working_side(world: Points, near: str) -> str:
    """The leg that kneels."""
    left, right = (float(np.median(world[:, knee, 1])) for knee in BOTH_KNEES)
    return "left" if left > right else "right"


def shank_sign(world: Points, side: str) -> float:
    """Of no matter here."""
    return 1.0
