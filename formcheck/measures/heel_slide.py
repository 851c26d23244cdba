"""Measures of a heel slide: on the back, one heel slides over the floor to the seat and back.

Seen from the side thigh and shank move in the plane of the picture, so the knee's angle is the one drawn. A
knee that falls out or in moves along the line of sight and shows in none of these.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formcheck.measures import view as views
from formcheck.measures.geometry import dot, joint_angle_deg
from formcheck.measures.reference import Reference
from formcheck.measures.view import Points, View
from formcheck.pose.landmarks import BOTH_ANKLES, BOTH_HIPS, Landmark, other_side, side_landmark

Array = NDArray[np.float64]

CHANGES = frozenset({"knee_bend_deg", "heel_lift", "other_leg_lift", "head_lift"})
RATIOS: frozenset[str] = frozenset()
DERIVED: frozenset[str] = frozenset()
ON_THE_LEG: frozenset[str] = frozenset()
BONES = {"trunk": ("shoulder", "hip"), "thigh": ("hip", "knee"), "shank": ("knee", "ankle")}
BONES_OF = {
    "knee_bend_deg": ("thigh", "shank"),
    "knee_flexion_deg": ("thigh", "shank"),
    "hip_flexion_deg": ("trunk", "thigh"),
}
SHANKS_OF: dict[str, tuple[str, ...]] = {}
LIES_ON: Literal["side", "back"] = "back"
KNEES: Literal["bent", "straight"] = "straight"
START_CHECKS = frozenset({"hips_up", "head_up"})

STRAIGHT_DEG = 50.0  # [D] the straighter knee, as in `leg_raise`: in a bridge both are bent
FOOT_UP = 0.50  # [D] higher above the hips than this, trunk lengths, a foot is in the air and slides nowhere
#: With hip and heel on the floor the hip bends by about half of the knee's angle.
HIP_PER_KNEE, SLACK_DEG = 0.3, 40.0  # [D] real slides 0.5
#: One knee must have been bent this much further than the other to tell which works; else the nearer does.
CLEARLY_MORE_DEG = 20.0  # [D]


def quantities(xy: Array, world: Array, ref: Reference) -> dict[str, Array]:
    """All quantities of each frame; see `formcheck.measures.formulas.Formulas`."""
    leg = ref.side or ref.near

    def at(part: str, side: str = leg) -> Array:
        return xy[:, side_landmark(side, part)]

    def foot_up(side: str) -> Array:
        return dot(at("ankle", side) + at("heel", side), ref.normal) / (2 * ref.trunk_px)

    bend = 180.0 - joint_angle_deg(at("hip"), at("knee"), at("ankle"))
    trunk = xy[:, side_landmark(ref.near, "hip")] - xy[:, side_landmark(ref.near, "shoulder")]
    hip = 180.0 - joint_angle_deg(-trunk, np.zeros_like(trunk), at("knee") - at("hip"))
    slides = _slides(world) & (hip > HIP_PER_KNEE * (bend - SLACK_DEG))
    return {
        # Refused in frames in which both legs are bent, a foot is in the air or the hip does not bend along:
        # a knee drawn up to the chest, a bicycle or a heel drawn up behind bend the knee as far.
        "knee_bend_deg": np.where(slides, bend, np.nan),
        "knee_flexion_deg": bend,
        "hip_flexion_deg": hip,
        "heel_lift": foot_up(leg),
        "other_leg_lift": foot_up(other_side(leg)),
        "head_lift": dot(at("ear", ref.near), ref.normal) / ref.trunk_px,
    }


def derived(change: dict[str, Array], ref: Reference) -> dict[str, Array]:
    """None here."""
    return {}


def needs(ref: Reference) -> dict[str, list[Landmark]]:
    """Landmarks each measure stands on (hips are never judged by visibility, spec 1.3)."""
    leg = ref.side or ref.near
    trunk = [side_landmark(ref.near, part) for part in ("shoulder", "hip")]
    hip, knee, ankle, heel = (side_landmark(leg, part) for part in ("hip", "knee", "ankle", "heel"))
    return {
        "knee_bend_deg": [hip, knee, ankle],
        "knee_flexion_deg": [hip, knee, ankle],
        "hip_flexion_deg": [*trunk, hip, knee],
        "heel_lift": [ankle, heel],
        "other_leg_lift": [side_landmark(other_side(leg), part) for part in ("ankle", "heel")],
        "head_lift": [side_landmark(ref.near, "ear")],
    }


def in_posture(world: Array, lying: Array | None = None) -> NDArray[np.bool_]:
    """``(T,)`` True on the back with one leg rather straight and both feet near the floor."""
    return np.asarray(views.flat_on_back(world) & _slides(world))


def _slides(world: Array) -> NDArray[np.bool_]:
    """``(T,)`` True where one leg is rather straight and no foot is in the air."""
    straight = views.knee_flexion_world_deg(world).min(axis=1) < STRAIGHT_DEG
    length = np.maximum(np.linalg.norm(views.trunk(world), axis=1), 1e-6)
    hips = world[:, BOTH_HIPS, 1].mean(axis=1)
    foot_up = (hips[:, None] - world[:, BOTH_ANKLES, 1]).max(axis=1)
    return np.asarray(straight & (foot_up < FOOT_UP * length))


def seen_from(world: Points, xy: Points) -> View:
    """The view, by the hip line alone, as of a bridge."""
    return views.bridge_view(world, xy)


def working_side(world: Points, near: str) -> str:
    """The leg whose knee bends further; lying still, the nearer one."""
    left, right = np.percentile(views.knee_flexion_world_deg(world), 90, axis=0)
    if abs(left - right) < CLEARLY_MORE_DEG:
        return near
    return "left" if left > right else "right"


def back_x(world: Points, xy: Points, along: Array, view: str) -> float:
    """Of no matter on the back."""
    return 1.0


def shank_sign(world: Points, side: str) -> float:
    """Of no matter here."""
    return 1.0
