"""From where does the camera look? View and posture from world landmarks (spec 3.1, 3.3).

World axes are the camera's: x right, y down, z away. The hip line of a supine person, and the depth of the
shoulders against the ankles, tell the view.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formcheck.measures.geometry import joint_angle_deg, norm, unit
from formcheck.pose import frame_arrays as arrays
from formcheck.pose.landmarks import BOTH_ANKLES, BOTH_HIPS, BOTH_KNEES, BOTH_SHOULDERS, Landmark
from formcheck.pose.lying_reading import Lying

Array = NDArray[np.float64]
#: ``(T, 33, ...)`` landmarks, of which ``points[:, landmark]`` is asked for.
Points = Array | arrays.Rows


@dataclass(frozen=True)
class View:
    """A recognised view.

    Attributes:
        name: as in spec 13.
        yaw_deg: bridge: 0 = side-on, 90 = from the feet, -90 = from the head; clam: 0 = in front of the
            tummy, 90 = from the feet, negative = towards the head.
        elevation_deg: how far above the body's plane the camera looks down from; only told of bridges.
    """

    name: str
    yaw_deg: float
    elevation_deg: float = 0.0


#: Elevation, degrees: so much, and these shares of what the shoulder line and the hip line show. Fitted on 43
#: rendered clips, off by 4 degrees (standard deviation) on 30 others (docs/lab_notes.md, "Cameras that look
#: down").
_ELEVATION = (-9.6, 0.58, 0.91)
_MOST_ELEVATION_DEG = 50.0

_BOX = [
    Landmark.NOSE,
    Landmark.LEFT_SHOULDER,
    Landmark.RIGHT_SHOULDER,
    Landmark.LEFT_HIP,
    Landmark.RIGHT_HIP,
    Landmark.LEFT_KNEE,
    Landmark.RIGHT_KNEE,
    Landmark.LEFT_ANKLE,
    Landmark.RIGHT_ANKLE,
    Landmark.LEFT_FOOT_INDEX,
    Landmark.RIGHT_FOOT_INDEX,
]


#: Left and right ends of the hip and the shoulder line.
_LEFT_LINES, _RIGHT_LINES = ([BOTH_HIPS[i], BOTH_SHOULDERS[i]] for i in (0, 1))


def has_fingers(points: Points) -> bool:
    """Whether ``(T, 33, ...)`` landmarks have fingers: BlazePose's do, our own networks for joints give the
    wrist for them."""
    return bool(np.mean(points[:, Landmark.LEFT_INDEX] != points[:, Landmark.LEFT_WRIST]) > 0.5)


def _line(world: Points, left: Landmark, right: Landmark) -> Array:
    return np.asarray(unit(world[:, left] - world[:, right]))


def trunk(world: Points) -> Array:
    """``(T, 3)`` from mid-hips to mid-shoulders, metres."""
    shoulders = (world[:, Landmark.LEFT_SHOULDER] + world[:, Landmark.RIGHT_SHOULDER]) / 2
    hips = (world[:, Landmark.LEFT_HIP] + world[:, Landmark.RIGHT_HIP]) / 2
    return np.asarray(shoulders - hips)


def knee_flexion_world_deg(world: Points) -> Array:
    """``(T, 2)`` knee flexion of left and right leg from world landmarks, 0 = straight."""
    # Both legs at once: a single frame's time is all in the calls.
    return np.asarray(180 - joint_angle_deg(world[:, BOTH_HIPS], world[:, BOTH_KNEES], world[:, BOTH_ANKLES]))


# How each limit below was found: medians and 10/90 % points of the quantity over the real and rendered
# clips of each posture and of the other exercises; the limit stands in the gap between them.
_SUPINE_HIP_LINE_LEVEL = 0.62  # |vertical part| of the hip line: supine <= 0.45, side-lying >= 0.66
_KNEES_UP = 0.30  # knee above ankle in trunk lengths: bridges >= 0.44, dead bug <= 0.25
_KNEE_BENT_DEG = 50.0  # the more bent knee: bridges >= 90, plank and prone <= 31
_CLAM_KNEE_BENT_DEG = 35.0  # both knees: nearly all clams >= 47, side-lying leg lift and plank <= 31
_CLAM_KNEES_STRAIGHTER_DEG = 28.0  # one clear clam 30, side plank <= 27; enough with the next two
#: The network for people who lie sees thighs that point at the camera, which BlazePose draws as straight
#: legs: clams from corners <= 0.48, straight legs >= 0.5 by geometry and >= 0.57 in real clips. It is
#: believed where it sees the joints so near those that BlazePose sees, body sizes.
_READ_BENT, _READ_JOINTS_OFF = 0.45, 0.20
_CLEARLY_STACKED = 0.80  # hip and shoulder line upright: that clam >= 0.83
_CLEARLY_LYING = 0.80  # that clam >= 0.88, side plank <= 0.75
_NOT_UPRIGHT = 0.10  # lying score: standing and sitting <= 0.05, head-end bridges >= 0.14
_CLAM_LYING = 0.40
_FACING_UP = 0.3  # [D] upward part of the direction the front of the body faces; prone it is negative
_FLAT_ON_BACK = 0.70  # trunk; flat on the back 0.9 and more, top of a rendered single-leg bridge 0.49 to 0.59


def hook_lying(world: Array, lying: Array | None = None) -> NDArray[np.bool_]:
    """``(T,)`` True where the body is supine with at least one knee up and bent (start of a bridge)."""
    t = trunk(world)
    length = np.maximum(norm(t), 1e-6)
    lying = 1 - np.abs(t[:, 1]) / length
    level = np.abs(_line(world, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)[:, 1]) < _SUPINE_HIP_LINE_LEVEL
    knees_up = (world[:, BOTH_ANKLES] - world[:, BOTH_KNEES])[:, :, 1] / length[:, None]
    bent = knee_flexion_world_deg(world)
    leg = (knees_up > _KNEES_UP) & (bent > _KNEE_BENT_DEG)
    return np.asarray(leg.any(axis=1) & level & (lying > _NOT_UPRIGHT))


def flat_on_back(world: Array) -> NDArray[np.bool_]:
    """``(T,)`` True where the trunk lies flat on the back, whatever the legs do."""
    t = trunk(world)
    lying = 1 - np.abs(t[:, 1]) / np.maximum(np.linalg.norm(t, axis=1), 1e-6)
    hips = world[:, Landmark.LEFT_HIP] - world[:, Landmark.RIGHT_HIP]
    up = -unit(np.cross(hips, t))[:, 1]
    level = np.abs(unit(hips)[:, 1]) < _SUPINE_HIP_LINE_LEVEL
    return np.asarray(level & (up > _FACING_UP) & (lying > _FLAT_ON_BACK))


def side_lying(world: Array, lying: Array | None = None) -> NDArray[np.bool_]:
    """``(T,)`` True where the body lies on its side with the knees bent (start of a clam).

    Args:
        world: ``(T, 33, 3)`` landmarks, metres.
        lying: ``(T, 12)`` readings of the network for people who lie, NaN where there is none; see `Lying`.
    """
    t = trunk(world)
    length = np.maximum(norm(t), 1e-6)
    level = 1 - np.abs(t[:, 1]) / length
    lines = np.abs(unit(world[:, _LEFT_LINES] - world[:, _RIGHT_LINES])[:, :, 1])
    knees = knee_flexion_world_deg(world).min(axis=1)
    on_side = (lines[:, 0] > _SUPINE_HIP_LINE_LEVEL) & (level > _CLAM_LYING)
    bent = knees > _CLAM_KNEE_BENT_DEG
    clear = (lines.min(axis=1) > _CLEARLY_STACKED) & (level > _CLEARLY_LYING)
    bent |= clear & (knees > _CLAM_KNEES_STRAIGHTER_DEG)
    if lying is not None:
        known = lying[:, Lying.JOINTS_OFF] <= _READ_JOINTS_OFF
        bent |= known & (lying[:, Lying.THIGH_TO_SHANK] < _READ_BENT)
    return np.asarray(on_side & bent)


# Limits between views, from 62 rendered clips of known camera angle and the real ones; each stands in a gap.
_SIDE_HIP_LINE_DEPTH = 0.84  # |depth part| of the hip line: side 0.84-0.98, corner 0.40-0.82
_CORNER_HIP_LINE_DEPTH = 0.36  # and seen from the ends 0.02-0.33
_HEAD_NEARER_M = -0.2  # shoulders against ankles in depth: feet end +0.14 to +0.80, head end -0.64 to -1.07
_END_BOX = (
    1.25  # width / height of the body in the picture: from an end 0.35-1.04, where the depth errs 1.4-1.6
)
# Side-lying: the camera stands at 1.2 times the trunk's yaw and 5 degrees (40 rendered bodies; off by 6
# degrees in the mean). The views end at -20, 20 and 68 degrees (spec 3.1).
_FRONT_YAW_DEG, _FEET_YAW_DEG, _HEAD_YAW_DEG = 12.5, 52.5, -21.0
#: The world trunk's yaw reads this much too small off the front view, in the mean (rendered bodies).
YAW_SHORTFALL_DEG = 8.0


def _shoulders_behind_ankles(world: Points) -> float:
    """Median depth of the shoulders less that of the ankles, metres; + = feet nearer the camera."""
    ends = (
        world[:, Landmark.LEFT_SHOULDER, 2]
        + world[:, Landmark.RIGHT_SHOULDER, 2]
        - world[:, Landmark.LEFT_ANKLE, 2]
        - world[:, Landmark.RIGHT_ANKLE, 2]
    ) / 2
    return float(np.median(ends))


def _box(xy: Points) -> float:
    """Median width of the body in the picture over its height."""
    width, height = np.median(np.ptp(xy[:, _BOX], axis=1), axis=0)
    return float(width / max(height, 1.0))


def bridge_view(world: Points, xy: Points) -> View:
    """View of a supine person from the hip line, medians over ``(T, 33, 3)`` world and ``(T, 33, 2)`` image
    landmarks."""
    line = _line(world, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
    depth = float(np.median(np.abs(line[:, 2])))
    yaw = float(np.degrees(np.arctan2(np.median(np.abs(line[:, 0])), depth)))
    towards_head = _shoulders_behind_ankles(world) < _HEAD_NEARER_M
    if depth > _SIDE_HIP_LINE_DEPTH:
        return View("side", yaw, _elevation_deg(world))
    # Seen from an end nobody is wider than high.
    if depth > _CORNER_HIP_LINE_DEPTH or _box(xy) > _END_BOX:
        return View("oblique", -yaw if towards_head else yaw)
    return View("head", -yaw) if towards_head else View("feet", yaw)


def _elevation_deg(world: Points) -> float:
    """How far the camera looks down on a body on its back that it sees from beside: the further hip and
    shoulder then lie higher in the picture."""
    out = _ELEVATION[0]
    pairs = ((Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER), (Landmark.LEFT_HIP, Landmark.RIGHT_HIP))
    for share, (left, right) in zip(_ELEVATION[1:], pairs, strict=True):
        line = _line(world, left, right)
        up = -line[:, 1] * np.sign(line[:, 2])
        out += share * float(np.median(np.degrees(np.arctan2(up, np.abs(line[:, 2])))))
    return float(np.clip(out, 0.0, _MOST_ELEVATION_DEG))


def clam_view(world: Points, xy: Points) -> View:
    """View of a side-lying person, medians over ``(T, 33, 3)`` world and ``(T, 33, 2)`` image landmarks."""
    t = np.median(trunk(world), axis=0)
    yaw = float(np.degrees(np.arctan2(t[2], abs(t[0]))))
    knees = (world[:, Landmark.LEFT_KNEE] + world[:, Landmark.RIGHT_KNEE]) / 2
    if float(np.median(knees[:, 2])) > 0.1 and abs(yaw) < 30:
        return View("back", yaw)
    if yaw < _HEAD_YAW_DEG:
        return View("head", yaw)
    if yaw <= _FRONT_YAW_DEG:
        return View("front", yaw)
    name = "oblique" if yaw < _FEET_YAW_DEG else "feet"
    return View(name, min(yaw + YAW_SHORTFALL_DEG, 90.0))
