"""Measures of bridges (spec 4.2): quantities in one frame, before the resting value is taken off.

Every function of the view is here; whether a view may show a measure is the definition's business.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formcheck.measures.geometry import (
    cross,
    dot,
    height,
    hip_angle_and_gap,
    joint_angle_deg,
    norm,
    unit,
)
from formcheck.measures.places import PLACES, whereabouts
from formcheck.measures.reference import Reference
from formcheck.measures.view import Points, View, bridge_view, hook_lying, knee_flexion_world_deg
from formcheck.pose.landmarks import BOTH_ANKLES, BOTH_HIPS, BOTH_KNEES, Landmark, other_side, side_landmark

Array = NDArray[np.float64]

#: Measures that are the change since rest (spec 1.4); the others stand for themselves.
CHANGES = frozenset(
    {
        "pelvic_height",
        "trunk_lift_deg",
        "pelvic_drop_deg",
        "shank_lean_left_deg",
        "shank_lean_right_deg",
        "weight_shift",
        "foot_pitch_deg",
        "head_lift",
        "thigh_parallel_deg",
        "foot_lift",
        *PLACES,
    }
)
#: Made of other measures after rest was taken off (`derived`); a change too.
DERIVED = frozenset({"knees_nearer"})
#: Measures that are a ratio to rest.
RATIOS = frozenset({"knee_separation"})

#: By how much BlazePose exaggerates a bridge seen from the side: degrees to take off the hip angle and the
#: knee flexion, at these measured hip angles, linear in between. Its hip point lies on the front of the
#: body and it learned to draw people straight, so the excess grows towards both ends. Fitted on rendered
#: bodies made for it, tested on others (docs/lab_notes.md, "Joint centres").
EXCESS_AT_HIP_ANGLE = np.array([120.0, 165.0, 200.0])
HIP_ANGLE_EXCESS = np.array([4.8, 3.8, 11.6])
KNEE_FLEXION_EXCESS = np.array([-3.3, -0.2, -5.1])
#: And by so much more for each degree beyond this that the camera looks down (docs/lab_notes.md, "Cameras
#: that look down").
HIP_ANGLE_EXCESS_PER_DEG, EXCESS_FROM_ELEVATION_DEG = 0.27, 5.0

#: Trunk, thigh and shank together in thigh lengths (spec 1.5 ratios): the three lengths shake less than
#: the thigh's alone.
BONES_PER_THIGH = (0.50 + 0.42 + 0.40) / 0.42

#: From rest to the top of a bridge the shanks turn by so much towards upright: 25 to 30 degrees (rendered).
SHANK_TURN_DEG = 27.0

#: Seen from the side with the near leg in the air, so large a share of the hip's rise is read: the hip point
#: follows the thigh. That leg's foot is then at least so many trunk lengths above the other one
#: (docs/lab_notes.md, "Joint centres").
NEAR_LEG_UP_GAIN = 0.77
NEAR_LEG_UP_FROM = 0.3

#: Seen from the head end, a pelvic drop of 10 degrees shows as 8.4 to 7.6 at the top of the lift (spec
#: 3.2, geometry check).
HEAD_VIEW_GAIN = 0.8


#: A standing foot so far above the free one, trunk lengths, is the free one [D].
SWAPPED_TRUNKS = 0.15


def quantities(xy: Array, world: Array, ref: Reference) -> dict[str, Array]:
    """All bridge quantities of each frame.

    Args:
        xy: ``(T, 33, 2)`` image landmarks, pixels.
        world: ``(T, 33, 3)`` world landmarks, metres (unused here, kept alike with clams).
        ref: the stretch's reference.

    Returns:
        Measure name to ``(T,)`` values, units of spec 13, resting value not yet taken off.
    """
    near, leg = ref.near, ref.side or ref.near
    if ref.view == "side" and ref.elevation_deg > 0:
        # Looked down on, what is upright is drawn shorter.
        drawn_shorter = 1 / np.cos(np.radians(ref.elevation_deg)) - 1
        xy = xy + drawn_shorter * dot(xy, ref.normal)[..., None] * ref.normal

    def at(part: str, side: str = near) -> Array:
        return xy[:, side_landmark(side, part)]

    shoulder, hip, knee, ankle = at("shoulder"), at("hip"), at("knee", leg), at("ankle", leg)
    hip_angle, gap = hip_angle_and_gap(shoulder, hip, knee, ref.normal)
    knee_flexion = 180.0 - joint_angle_deg(hip, knee, ankle)
    if ref.view == "side" and not ref.own_joints:
        drawn = hip_angle
        hip_angle = drawn - np.interp(drawn, EXCESS_AT_HIP_ANGLE, HIP_ANGLE_EXCESS)
        down = max(ref.elevation_deg - EXCESS_FROM_ELEVATION_DEG, 0.0)
        hip_angle = hip_angle - HIP_ANGLE_EXCESS_PER_DEG * down
        knee_flexion = knee_flexion - np.interp(drawn, EXCESS_AT_HIP_ANGLE, KNEE_FLEXION_EXCESS)
    if ref.view == "side" and ref.side is not None:
        # A standing foot above the free one: BlazePose has the two legs the wrong way round.
        higher = dot(ankle - at("ankle", other_side(ref.side)), ref.normal)
        swapped = higher > SWAPPED_TRUNKS * ref.trunk_px
        hip_angle, gap, knee_flexion = (np.where(swapped, np.nan, v) for v in (hip_angle, gap, knee_flexion))
    trunk = hip - shoulder
    out: dict[str, Array] = {
        "hip_angle_deg": hip_angle,
        "line_gap": gap / ref.trunk_px,
        "knee_flexion_deg": knee_flexion,
        "trunk_lift_deg": np.degrees(np.arctan2(dot(trunk, ref.normal), dot(trunk, ref.along))),
    }
    # Left and right at once: a single frame's time is all in the calls.
    hips, knees, ankles = xy[:, BOTH_HIPS], xy[:, BOTH_KNEES], xy[:, BOTH_ANKLES]
    hips_mid = (hips[:, 0] + hips[:, 1]) / 2
    if ref.view == "side":
        thigh_px = sum(ref.bones_px[bone] for bone in BONES) / BONES_PER_THIGH
        out["pelvic_height"] = dot(hip, ref.normal) / thigh_px
    else:
        # Foreshortened from the ends: a share of the clip's own range, never an absolute height.
        thigh_px = ref.length_px * 0.42 / 0.50
        out["pelvic_height"] = height(hips_mid) / thigh_px

    hip_line = hips[:, 1] - hips[:, 0]
    drop = np.degrees(np.arctan2(hip_line[:, 1], np.abs(hip_line[:, 0])))
    if ref.view == "head":
        drop = drop / HEAD_VIEW_GAIN
    if ref.side == "right":  # single leg: + = the free side is lower
        drop = -drop
    out["pelvic_drop_deg"] = drop

    knees_apart, ankles_apart = (norm(pair[:, 0] - pair[:, 1]) for pair in (knees, ankles))
    out["knee_separation"] = knees_apart / np.maximum(ankles_apart, 1e-6)
    # Lean of the shanks towards the other leg (M-B9).
    medial = np.array([ref.right_x, -ref.right_x])
    lean = np.degrees(np.arctan2(medial * (knees - ankles)[:, :, 0], (ankles - knees)[:, :, 1]))
    out["shank_lean_left_deg"], out["shank_lean_right_deg"] = lean[:, 0], lean[:, 1]
    ankles_mid = (ankles[:, 0] + ankles[:, 1]) / 2
    out["weight_shift"] = (hips_mid - ankles_mid)[:, 0] * ref.right_x / ref.hip_line_px

    foot = at("foot_index", leg) - at("heel", leg)
    out["foot_pitch_deg"] = -np.degrees(np.arctan2(dot(foot, ref.normal), dot(foot, ref.along)))
    out["head_lift"] = dot(at("ear"), ref.normal) / ref.trunk_px
    thighs = unit(knees - hips)
    thigh_near, thigh_far = (thighs[:, i] for i in ((0, 1) if near == "left" else (1, 0)))
    out["thigh_parallel_deg"] = np.degrees(
        np.arctan2(np.abs(cross(thigh_near, thigh_far)), dot(thigh_near, thigh_far))
    )
    # From the head end the ankles are hidden, so the knees tell which foot is up (M-B17).
    part = "knee" if ref.view == "head" else "ankle"
    out["foot_lift"] = height(at(part, "left") - at(part, "right")) / ref.length_px
    return out | whereabouts(xy, ref, thigh_px)


def derived(change: dict[str, Array], ref: Reference) -> dict[str, Array]:
    """Measures made of other measures after the resting values were taken off.

    Seen from beside the mid-line, shanks that come upright during the lift lean in the picture, both the same
    way. So much of what they lean alike is taken off as that camera shows, and no more.
    """
    # 1 - KSR, for the fault that looks at one direction only: see SHANKS_OF.
    out = {"knees_nearer": 1.0 - change["knee_separation"]}
    if ref.view == "side" and _near_leg_up(ref) and not ref.own_joints:
        out["pelvic_height"] = change["pelvic_height"] / NEAR_LEG_UP_GAIN
    if ref.view == "feet":
        left, right = change["shank_lean_left_deg"], change["shank_lean_right_deg"]
        most = SHANK_TURN_DEG * abs(np.cos(np.radians(ref.yaw_deg)))
        # Towards the feet, where the knees go, is this way in the picture (+ = the patient's right).
        way = ref.right_x * np.sign(ref.along[0])
        alike = way * np.clip(way * (left - right) / 2, 0.0, most)
        out |= {"shank_lean_left_deg": left - alike, "shank_lean_right_deg": right + alike}
    return out


def _near_leg_up(ref: Reference) -> bool:
    left_up = ref.rest.get("foot_lift", 0.0)
    return (left_up if ref.near == "left" else -left_up) > NEAR_LEG_UP_FROM


def needs(ref: Reference) -> dict[str, list[Landmark]]:
    """Landmarks each measure stands on (hips are never judged by visibility, spec 1.3)."""
    side = ref.side or ref.near
    body = [side_landmark(ref.near, p) for p in ("shoulder", "hip")]
    leg = [*body, *(side_landmark(side, p) for p in ("knee", "ankle"))]
    both = [Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE, Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE]
    hips = [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]
    return {
        "hip_angle_deg": leg[:3],
        "line_gap": leg[:3],
        "pelvic_height": [leg[1]] if ref.view == "side" else hips,
        "knee_flexion_deg": leg[1:],
        "trunk_lift_deg": leg[:2],
        "pelvic_drop_deg": hips,
        "knee_separation": both,
        "knees_nearer": both,
        "shank_lean_left_deg": [Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE],
        "shank_lean_right_deg": [Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE],
        "weight_shift": [*hips, Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE],
        "foot_pitch_deg": [side_landmark(side, "heel"), side_landmark(side, "foot_index")],
        "head_lift": [side_landmark(ref.near, "ear")],
        "foot_lift": both[:2] if ref.view == "head" else both[2:],
        "thigh_parallel_deg": [*hips, Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE],
        **{name: [] for name in PLACES},
    }


#: Seen from the side, these stand on the working leg: when that is the far one, the near leg hides it and
#: BlazePose swaps the two (spec 4.4), so they are not measurable.
ON_THE_LEG = frozenset({"hip_angle_deg", "line_gap", "knee_flexion_deg", "foot_pitch_deg"})

#: Bones (near side) whose image length must stay within the tolerance for a measure to be ok, side view.
BONES = {"trunk": ("shoulder", "hip"), "thigh": ("hip", "knee"), "shank": ("knee", "ankle")}
BONES_OF = {
    "hip_angle_deg": ("trunk", "thigh"),
    "line_gap": ("trunk", "thigh"),
    "pelvic_height": ("trunk", "thigh"),
    "knee_flexion_deg": ("thigh", "shank"),
    "trunk_lift_deg": ("trunk",),
}
#: Seen from the feet both shanks stand across the line of sight at one distance: a knee drawn somewhere
#: else makes its shank too short or too long against the longer of the two. That happens when knees fall in:
#: BlazePose then sees somebody standing, puts the hips on the knees and the knees half way down the shanks
#: (shanks 0.60 to 0.70 of their length), and there the legs are twice as far apart as the knees are. So the
#: separation is not to be believed, but that they have come nearer is: at least as much as is drawn. That is
#: `knees_nearer`, which therefore is not held to the shanks' length (docs/lab_notes.md, "Knees").
SHANKS_OF = {
    "shank_lean_left_deg": ("shank_left",),
    "shank_lean_right_deg": ("shank_right",),
    "knee_separation": ("shank_left", "shank_right"),
}


LIES_ON: Literal["side", "back"] = "back"
KNEES: Literal["bent", "straight"] = "bent"
START_CHECKS = frozenset({"hips_up", "feet_too_far", "feet_too_near", "head_up"})
in_posture = hook_lying


def seen_from(world: Points, xy: Points) -> View:
    """The view, by the hip line alone."""
    return bridge_view(world, xy)


def working_side(world: Points, near: str) -> str:
    """The standing leg is the one with the bent knee."""
    left, right = np.median(knee_flexion_world_deg(world), axis=0)
    return "left" if left > right else "right"


def back_x(world: Points, xy: Points, along: Array, view: str) -> float:
    """Of no matter on the back."""
    return 1.0


def shank_sign(world: Points, side: str) -> float:
    """Of no matter here."""
    return 1.0
