"""Measures of side-lying hip abduction with a straight top leg: quantities in one frame, rest not taken off.

`t` is the top (moving) leg. Seen from the front the leg swings in the plane of the picture, so its angle is
the hip's abduction together with any tilt of the pelvis in that plane (`hip_hike_deg` shows that).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formcheck.measures import view as views
from formcheck.measures.geometry import UP, joint_angle_deg, turn_deg, unit
from formcheck.measures.reference import Reference
from formcheck.measures.view import Points, View
from formcheck.pose.landmarks import Landmark, other_side, side_landmark

Array = NDArray[np.float64]

CHANGES = frozenset({"hip_abduction_deg", "hip_hike_deg", "pelvic_roll_deg", "hip_flexion_drift_deg"})
RATIOS: frozenset[str] = frozenset()
DERIVED: frozenset[str] = frozenset()
ON_THE_LEG: frozenset[str] = frozenset()
BONES = {"thigh": ("hip", "knee"), "shank": ("knee", "ankle")}
BONES_OF: dict[str, tuple[str, ...]] = {}
SHANKS_OF: dict[str, tuple[str, ...]] = {}
LIES_ON: Literal["side", "back"] = "side"
KNEES: Literal["bent", "straight"] = "straight"
START_CHECKS = frozenset({"hips_not_stacked"})

ON_SIDE = 0.62  # vertical part of the hip line, as in `views`
LYING = 0.40  # trunk, as in `views`; a side plank's trunk slopes: 0.75 and less
STRAIGHT_DEG = 45.0  # [D] the top knee: clams 47 and more, leg lifts and planks 31 and less
IN_LINE_DEG = 50.0  # [D] flexion of the top hip by which the leg still counts as in line with the trunk


def quantities(xy: Array, world: Array, ref: Reference) -> dict[str, Array]:
    """All quantities of each frame; see `formcheck.measures.formulas.Formulas`."""
    top = ref.side or "left"

    def t(part: str) -> Array:
        return xy[:, side_landmark(top, part)]

    along = np.array([np.sign(ref.along[0]) or 1.0, 0.0])
    hip_line = t("hip") - xy[:, side_landmark(other_side(top), "hip")]
    return {
        "hip_abduction_deg": turn_deg(t("ankle") - t("hip"), UP, along),
        "knee_flexion_deg": 180.0 - joint_angle_deg(t("hip"), t("knee"), t("ankle")),
        "hip_hike_deg": turn_deg(hip_line, -along, UP),
        "pelvic_roll_deg": turn_deg(hip_line, np.array([ref.back_x, 0.0]), UP),
        "hip_flexion_drift_deg": _flexion(world, top),
    }


def _flexion(world: Array, top: str) -> Array:
    """Hip flexion of the top leg, degrees: the leg turned forwards out of the body's frontal plane."""
    leg = world[:, side_landmark(top, "ankle")] - world[:, side_landmark(top, "hip")]
    down = unit(-views.trunk(world))
    across = unit(world[:, Landmark.LEFT_HIP] - world[:, Landmark.RIGHT_HIP])
    forward = unit(np.cross(across, -down))
    return np.degrees(np.arctan2((leg * forward).sum(axis=-1), np.linalg.norm(leg, axis=-1)))


def derived(change: dict[str, Array], ref: Reference) -> dict[str, Array]:
    """None here."""
    return {}


def needs(ref: Reference) -> dict[str, list[Landmark]]:
    """Landmarks each measure stands on (hips are never judged by visibility, spec 1.3)."""
    hip, knee, ankle = (side_landmark(ref.side or "left", p) for p in ("hip", "knee", "ankle"))
    hips = [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]
    shoulder = side_landmark(ref.side or "left", "shoulder")
    return {
        # The trunk has to be in the picture: a close-up of legs may show any position of the body.
        "hip_abduction_deg": [shoulder, hip, ankle],
        "knee_flexion_deg": [hip, knee, ankle],
        "hip_hike_deg": hips,
        "pelvic_roll_deg": hips,
        "hip_flexion_drift_deg": [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, *hips, ankle],
    }


def in_posture(world: Array, lying: Array | None = None) -> NDArray[np.bool_]:
    """``(T,)`` True on the side with the upper leg stretched in line with the trunk."""
    t = views.trunk(world)
    lying = 1 - np.abs(t[:, 1]) / np.maximum(np.linalg.norm(t, axis=1), 1e-6)
    line = unit(world[:, Landmark.LEFT_HIP] - world[:, Landmark.RIGHT_HIP])[:, 1]
    bend = views.knee_flexion_world_deg(world)
    top = np.where(line < 0, 0, 1)  # y down: the left hip is the upper one
    straight = np.take_along_axis(bend, top[:, None], axis=1)[:, 0] < STRAIGHT_DEG
    flexion = np.stack([_flexion(world, side) for side in ("left", "right")], axis=1)
    in_line = np.abs(np.take_along_axis(flexion, top[:, None], axis=1)[:, 0]) < IN_LINE_DEG
    return np.asarray((np.abs(line) > ON_SIDE) & (lying > LYING) & straight & in_line)


def seen_from(world: Points, xy: Points) -> View:
    """The view: as of a clam, but whether it is from behind tells the way the body faces, not the knees."""
    t = np.median(views.trunk(world), axis=0)
    yaw = float(np.degrees(np.arctan2(t[2], abs(t[0]))))
    if abs(yaw) < 30 and float(np.median(_facing(world)[:, 2])) > 0.3:
        return View("back", yaw)
    return views.clam_view(world, xy)


def _facing(world: Points) -> Array:
    """``(T, 3)`` direction the front of the body faces."""
    return unit(np.cross(world[:, Landmark.LEFT_HIP] - world[:, Landmark.RIGHT_HIP], views.trunk(world)))


def working_side(world: Points, near: str) -> str:
    """Unused: on the side, the top leg works."""
    return near


def back_x(world: Points, xy: Points, along: Array, view: str) -> float:
    """Image x direction of the patient's back: away from where the body faces."""
    if view == "oblique":  # as of a clam
        return float(np.sign(along[0])) or 1.0
    return -float(np.sign(np.median(_facing(world)[:, 0]))) or 1.0


def shank_sign(world: Points, side: str) -> float:
    """Of no matter with a straight knee."""
    return 1.0
