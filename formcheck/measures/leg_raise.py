"""Measures of a straight leg raised on the back and held (hamstring stretch): quantities, rest not taken off.

Seen from the side the leg swings in the plane of the picture. Its angle is taken against the trunk, so a low
back that flattens or arches is in it: nothing in BlazePose's skeleton shows the pelvis' tilt by itself.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formcheck.measures import view as views
from formcheck.measures.geometry import UP, dot, joint_angle_deg, unit
from formcheck.measures.reference import Reference
from formcheck.measures.view import Points, View
from formcheck.pose.landmarks import Landmark, other_side, side_landmark

Array = NDArray[np.float64]

CHANGES = frozenset({"hip_flexion_deg", "other_thigh_lift_deg", "head_lift"})
RATIOS: frozenset[str] = frozenset()
DERIVED: frozenset[str] = frozenset()
#: The near leg hides the far one at rest and BlazePose swaps them (spec 4.4): only the near leg is measured.
ON_THE_LEG = frozenset({"hip_flexion_deg", "knee_flexion_deg"})
BONES = {"trunk": ("shoulder", "hip"), "thigh": ("hip", "knee"), "shank": ("knee", "ankle")}
BONES_OF = {"hip_flexion_deg": ("trunk", "thigh"), "knee_flexion_deg": ("thigh", "shank")}
SHANKS_OF: dict[str, tuple[str, ...]] = {}
LIES_ON: Literal["side", "back"] = "back"
KNEES: Literal["bent", "straight"] = "straight"
START_CHECKS = frozenset({"hips_up", "head_up"})

STRAIGHT_DEG = 50.0  # [D] the more bent knee: bridges 90 and more; the fault's grade 3 (36) lies below
FLAT_DEG = 40.0  # [D] flexion of the hip of the leg that stays down: both legs up is another exercise
#: One leg must have been this much higher than the other to tell which one works; else the nearer one does.
CLEARLY_HIGHER_DEG = 15.0


def quantities(xy: Array, world: Array, ref: Reference) -> dict[str, Array]:
    """All quantities of each frame; see `formcheck.measures.formulas.Formulas`."""
    leg = ref.side or ref.near

    def at(part: str, side: str = ref.near) -> Array:
        return xy[:, side_landmark(side, part)]

    # The hip that goes with the leg; the trunk of the side that is seen.
    trunk = at("hip") - at("shoulder")
    thigh, other = (at("knee", s) - at("hip", s) for s in (leg, other_side(leg)))
    return {
        # Refused in frames in which a leg is bent or both are up: a knee drawn up to the chest (dead bug)
        # starts and ends as a stretch does, and would count by its two ends.
        "hip_flexion_deg": np.where(_one_straight_leg_up(world), _above(thigh, trunk), np.nan),
        "knee_flexion_deg": 180.0 - joint_angle_deg(at("hip", leg), at("knee", leg), at("ankle", leg)),
        "other_thigh_lift_deg": _above(other, trunk),
        "head_lift": dot(at("ear"), ref.normal) / ref.trunk_px,
    }


def _above(thigh: Array, trunk: Array) -> Array:
    """Degrees by which a thigh points above the line of the trunk, 0 = in line, 90 = upright."""
    along = unit(trunk)
    across = np.stack([along[:, 1], -along[:, 0]], axis=1)
    across *= np.where(dot(across, UP) < 0, -1.0, 1.0)[:, None]
    return np.degrees(np.arctan2(dot(thigh, across), dot(thigh, along)))


def derived(change: dict[str, Array], ref: Reference) -> dict[str, Array]:
    """None here."""
    return {}


def needs(ref: Reference) -> dict[str, list[Landmark]]:
    """Landmarks each measure stands on (hips are never judged by visibility, spec 1.3)."""
    leg = ref.side or ref.near
    trunk = [side_landmark(ref.near, part) for part in ("shoulder", "hip")]
    hip, knee, ankle = (side_landmark(leg, part) for part in ("hip", "knee", "ankle"))
    other = [side_landmark(other_side(leg), part) for part in ("hip", "knee")]
    return {
        "hip_flexion_deg": [*trunk, hip, knee],
        "knee_flexion_deg": [hip, knee, ankle],
        "other_thigh_lift_deg": [*trunk, *other],
        "head_lift": [side_landmark(ref.near, "ear")],
    }


def in_posture(world: Array, lying: Array | None = None) -> NDArray[np.bool_]:
    """``(T,)`` True on the back with both legs rather straight and at least one of them down."""
    return np.asarray(views.flat_on_back(world) & _one_straight_leg_up(world))


def _one_straight_leg_up(world: Array) -> NDArray[np.bool_]:
    """``(T,)`` True where both legs are rather straight, and at most one of them is up."""
    straight = views.knee_flexion_world_deg(world).max(axis=1) < STRAIGHT_DEG
    down = _hip_flexion_world_deg(world).min(axis=1) < FLAT_DEG
    return np.asarray(straight & down)


def _hip_flexion_world_deg(world: Points) -> Array:
    """``(T, 2)`` angle of left and right thigh from the line of the trunk, world landmarks, 0 = in line."""
    trunk = -views.trunk(world)
    thighs = [
        world[:, side_landmark(side, "knee")] - world[:, side_landmark(side, "hip")]
        for side in ("left", "right")
    ]
    zero = np.zeros_like(trunk)
    return np.stack([joint_angle_deg(trunk, zero, thigh) for thigh in thighs], axis=1)


def seen_from(world: Points, xy: Points) -> View:
    """The view, by the hip line alone, as of a bridge."""
    return views.bridge_view(world, xy)


def working_side(world: Points, near: str) -> str:
    """The leg that goes clearly higher; lying still, the nearer one."""
    left, right = np.percentile(_hip_flexion_world_deg(world), 90, axis=0)
    if abs(left - right) < CLEARLY_HIGHER_DEG:
        return near
    return "left" if left > right else "right"


def back_x(world: Points, xy: Points, along: Array, view: str) -> float:
    """Of no matter on the back."""
    return 1.0


def shank_sign(world: Points, side: str) -> float:
    """Of no matter here."""
    return 1.0
