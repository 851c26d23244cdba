"""Landmark names and the `Pose`: where one person's body points are in one frame.

Names and order are BlazePose's 33 landmarks. Left and right are the patient's own; the image is never
mirrored before inference, so a landmark's side is the patient's side.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray


class Landmark(IntEnum):
    """Index of each of BlazePose's 33 landmarks."""

    NOSE = 0
    LEFT_EYE_INNER = 1
    LEFT_EYE = 2
    LEFT_EYE_OUTER = 3
    RIGHT_EYE_INNER = 4
    RIGHT_EYE = 5
    RIGHT_EYE_OUTER = 6
    LEFT_EAR = 7
    RIGHT_EAR = 8
    MOUTH_LEFT = 9
    MOUTH_RIGHT = 10
    LEFT_SHOULDER = 11
    RIGHT_SHOULDER = 12
    LEFT_ELBOW = 13
    RIGHT_ELBOW = 14
    LEFT_WRIST = 15
    RIGHT_WRIST = 16
    LEFT_PINKY = 17
    RIGHT_PINKY = 18
    LEFT_INDEX = 19
    RIGHT_INDEX = 20
    LEFT_THUMB = 21
    RIGHT_THUMB = 22
    LEFT_HIP = 23
    RIGHT_HIP = 24
    LEFT_KNEE = 25
    RIGHT_KNEE = 26
    LEFT_ANKLE = 27
    RIGHT_ANKLE = 28
    LEFT_HEEL = 29
    RIGHT_HEEL = 30
    LEFT_FOOT_INDEX = 31
    RIGHT_FOOT_INDEX = 32


LANDMARK_COUNT = len(Landmark)

#: Degrees clockwise by which a picture must be turned to stand upright.
Degrees = Literal[0, 90, 180, 270]

#: Left and right, as indices: both sides of a body at once.
BOTH_SHOULDERS = [int(Landmark.LEFT_SHOULDER), int(Landmark.RIGHT_SHOULDER)]
BOTH_HIPS = [int(Landmark.LEFT_HIP), int(Landmark.RIGHT_HIP)]
BOTH_KNEES = [int(Landmark.LEFT_KNEE), int(Landmark.RIGHT_KNEE)]
BOTH_ANKLES = [int(Landmark.LEFT_ANKLE), int(Landmark.RIGHT_ANKLE)]

#: Pairs of landmarks joined by a line when a skeleton is drawn (trunk, arms, legs, feet).
SKELETON: tuple[tuple[Landmark, Landmark], ...] = (
    (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
    (Landmark.LEFT_SHOULDER, Landmark.LEFT_HIP),
    (Landmark.RIGHT_SHOULDER, Landmark.RIGHT_HIP),
    (Landmark.LEFT_HIP, Landmark.RIGHT_HIP),
    (Landmark.LEFT_SHOULDER, Landmark.LEFT_ELBOW),
    (Landmark.LEFT_ELBOW, Landmark.LEFT_WRIST),
    (Landmark.RIGHT_SHOULDER, Landmark.RIGHT_ELBOW),
    (Landmark.RIGHT_ELBOW, Landmark.RIGHT_WRIST),
    (Landmark.LEFT_HIP, Landmark.LEFT_KNEE),
    (Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE),
    (Landmark.LEFT_ANKLE, Landmark.LEFT_HEEL),
    (Landmark.LEFT_HEEL, Landmark.LEFT_FOOT_INDEX),
    (Landmark.RIGHT_HIP, Landmark.RIGHT_KNEE),
    (Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE),
    (Landmark.RIGHT_ANKLE, Landmark.RIGHT_HEEL),
    (Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX),
)


#: Index of each landmark's partner on the other side (itself for the nose).
MIRRORED: tuple[int, ...] = tuple(
    Landmark[name.replace("LEFT", "?").replace("RIGHT", "LEFT").replace("?", "RIGHT")].value
    for name in Landmark.__members__
)


@cache
def side_landmark(side: str, part: str) -> Landmark:
    """The landmark of one body part on one side, e.g. ``side_landmark("left", "knee")``.

    Args:
        side: ``"left"`` or ``"right"`` (the patient's).
        part: lower-case part name, e.g. ``"hip"``, ``"foot_index"``.
    """
    return Landmark[f"{side.upper()}_{part.upper()}"]


def other_side(side: str) -> str:
    """``"left"`` for ``"right"`` and the other way round."""
    return "right" if side == "left" else "left"


@dataclass(frozen=True)
class Pose:
    """One person's landmarks in one frame.

    Attributes:
        time_s: capture time of the frame in seconds (the frame's own timestamp).
        index: frame number in its source, from 0.
        image_wh: width and height of the frame in pixels.
        image_xyz: ``(33, 3)`` float32. x right, y down, in pixels from the top-left corner of the frame;
            z is the model's relative depth on the same scale, origin mid-hip, smaller = nearer.
        world_xyz: ``(33, 3)`` float32, metres, origin mid-hip, axes of the camera (x right, y down,
            z away from it). Depth is its weakest coordinate.
        visibility: ``(33,)`` float32, 0 to 1. Useless for hips (it reads 1 for a hidden hip).
        presence: ``(33,)`` float32, 0 to 1: the landmark lies inside the frame.
        score: 0 to 1, the model's belief that a person is in the region at all.
    """

    time_s: float
    index: int
    image_wh: tuple[int, int]
    image_xyz: NDArray[np.float32]
    world_xyz: NDArray[np.float32]
    visibility: NDArray[np.float32]
    presence: NDArray[np.float32]
    score: float

    def __post_init__(self) -> None:
        for name, shape in (
            ("image_xyz", (LANDMARK_COUNT, 3)),
            ("world_xyz", (LANDMARK_COUNT, 3)),
            ("visibility", (LANDMARK_COUNT,)),
            ("presence", (LANDMARK_COUNT,)),
        ):
            got = getattr(self, name).shape
            if got != shape:
                raise ValueError(f"{name} must have shape {shape}, got {got}")

    @property
    def image_xy(self) -> NDArray[np.float32]:
        """``(33, 2)`` pixel coordinates."""
        return self.image_xyz[:, :2]


@dataclass(frozen=True)
class PoseResult:
    """What the pose stage says about one frame, whether or not it found somebody.

    Attributes:
        time_s, index: of the frame.
        pose: the exercising person, or None.
        people_seen: how many people were found when the detector last looked (0 if it found none).
        rejected: why a skeleton was thrown away in this frame ("teleport", "two_bodies"), or None.
        mirrored: a second reading of the same frame, made in a mirror and turned back, or None. The model
            errs differently on a mirrored body, so the mean of both is nearer the truth.
        interpolated: the model did not read this frame, see `formcheck.pose.half_rate`.
        lying: ``(11,)`` float32 reading of the network for people who lie, see
            `formcheck.pose.lying_reading`; None where there is none.
    """

    time_s: float
    index: int
    pose: Pose | None
    people_seen: int = 0
    rejected: str | None = None
    mirrored: Pose | None = None
    interpolated: bool = False
    lying: NDArray[np.float32] | None = None
