"""From where does the camera look? View and posture from world landmarks (spec 3.1, 3.3).

World axes are the camera's: x right, y down, z away. Two lines tell the view: the hip line (with the
shoulder line) of a supine person, and the trunk of a side-lying one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formcheck.measures.geometry import joint_angle_deg, unit
from formcheck.pose.landmarks import Landmark

Array = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A recognised view.

    Attributes:
        name: as in spec 13.
        yaw_deg: bridge: 0 = side-on, 90 = from the feet, -90 = from the head; clam: 0 = in front of the
            tummy, 90 = from the feet, negative = towards the head.
    """

    name: str
    yaw_deg: float


def _line(world: Array, left: Landmark, right: Landmark) -> Array:
    return np.asarray(unit(world[:, left] - world[:, right]))


def trunk(world: Array) -> Array:
    """``(T, 3)`` from mid-hips to mid-shoulders, metres."""
    shoulders = (world[:, Landmark.LEFT_SHOULDER] + world[:, Landmark.RIGHT_SHOULDER]) / 2
    hips = (world[:, Landmark.LEFT_HIP] + world[:, Landmark.RIGHT_HIP]) / 2
    return np.asarray(shoulders - hips)


def knee_flexion_world_deg(world: Array) -> Array:
    """``(T, 2)`` knee flexion of left and right leg from world landmarks, 0 = straight."""
    legs = [
        (Landmark.LEFT_HIP, Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE),
        (Landmark.RIGHT_HIP, Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE),
    ]
    return np.stack([180 - joint_angle_deg(world[:, h], world[:, k], world[:, a]) for h, k, a in legs], 1)


# How each limit below was found: medians and 10/90 % points of the quantity over the real and rendered
# clips of each posture and of the other exercises; the limit stands in the gap between them.
_SUPINE_HIP_LINE_LEVEL = 0.62  # |vertical part| of the hip line: supine <= 0.45, side-lying >= 0.66
_KNEES_UP = 0.30  # knee above ankle in trunk lengths: bridges >= 0.44, dead bug <= 0.25
_KNEE_BENT_DEG = 50.0  # the more bent knee: bridges >= 90, plank and prone <= 31
_CLAM_KNEE_BENT_DEG = 35.0  # both knees: clams >= 47, side-lying leg lift and plank <= 31
_NOT_UPRIGHT = 0.10  # lying score: standing and sitting <= 0.05, head-end bridges >= 0.14
_CLAM_LYING = 0.40


def hook_lying(world: Array) -> NDArray[np.bool_]:
    """``(T,)`` True where the body is supine with at least one knee up and bent (start of a bridge)."""
    t = trunk(world)
    length = np.maximum(np.linalg.norm(t, axis=1), 1e-6)
    lying = 1 - np.abs(t[:, 1]) / length
    level = np.abs(_line(world, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)[:, 1]) < _SUPINE_HIP_LINE_LEVEL
    knees_up = np.stack(
        [
            (world[:, Landmark.LEFT_ANKLE] - world[:, Landmark.LEFT_KNEE])[:, 1] / length,
            (world[:, Landmark.RIGHT_ANKLE] - world[:, Landmark.RIGHT_KNEE])[:, 1] / length,
        ],
        axis=1,
    )
    bent = knee_flexion_world_deg(world)
    leg = (knees_up > _KNEES_UP) & (bent > _KNEE_BENT_DEG)
    return np.asarray(leg.any(axis=1) & level & (lying > _NOT_UPRIGHT))


def side_lying(world: Array) -> NDArray[np.bool_]:
    """``(T,)`` True where the body lies on its side with both knees bent (start of a clam)."""
    t = trunk(world)
    length = np.maximum(np.linalg.norm(t, axis=1), 1e-6)
    lying = 1 - np.abs(t[:, 1]) / length
    stacked = np.abs(_line(world, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)[:, 1]) > _SUPINE_HIP_LINE_LEVEL
    bent = knee_flexion_world_deg(world).min(axis=1)
    return np.asarray(stacked & (lying > _CLAM_LYING) & (bent > _CLAM_KNEE_BENT_DEG))


def bridge_view(world: Array) -> View:
    """View of a supine person from the hip and shoulder lines, medians over ``(T, 33, 3)``."""
    line = np.median(
        _line(world, Landmark.LEFT_HIP, Landmark.RIGHT_HIP)
        + _line(world, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
        axis=0,
    )
    yaw = float(np.degrees(np.arctan2(abs(line[0]), abs(line[2]))))
    towards_head = float(np.median(trunk(world)[:, 2])) < 0
    if yaw < 25:
        name = "side"
    elif yaw < 65:
        name = "oblique"
    else:
        name = "head" if towards_head else "feet"
    return View(name, -yaw if towards_head and name != "side" else yaw)


def clam_view(world: Array) -> View:
    """View of a side-lying person from the trunk, medians over ``(T, 33, 3)``."""
    t = np.median(trunk(world), axis=0)
    yaw = float(np.degrees(np.arctan2(t[2], abs(t[0]))))
    knees = (world[:, Landmark.LEFT_KNEE] + world[:, Landmark.RIGHT_KNEE]) / 2
    if float(np.median(knees[:, 2])) > 0.1 and abs(yaw) < 30:
        return View("back", yaw)
    if yaw < -30:
        return View("head", yaw)
    if yaw < 9:
        return View("front", yaw)
    return View("oblique" if yaw < 45 else "feet", yaw)
