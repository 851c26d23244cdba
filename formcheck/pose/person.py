"""Which person is the patient, and is this skeleton still the same body?

Pure functions and a small gate over landmarks; no images. A therapist kneeling behind the patient is
normal, so the person to follow is the one whose trunk lies down, not the one the detector likes best.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from formcheck.pose.landmarks import BOTH_ANKLES, BOTH_HIPS, BOTH_KNEES, BOTH_SHOULDERS, Pose, PoseResult

#: The points by which a skeleton is compared with the one before it.
CORE = [*BOTH_SHOULDERS, *BOTH_HIPS, *BOTH_KNEES, *BOTH_ANKLES]

#: Thighs and shanks, and what to multiply their lengths by for a trunk's (segment ratios of spec 1.5).
_BONES = np.array([[23, 25, 24, 26], [25, 27, 26, 28]])
_BONE_TO_TRUNK = np.array([0.5 / 0.42, 0.5 / 0.40] * 2)

#: A landmark that moves further than this between neighbouring frames has jumped (spec 1.3), in trunk
#: lengths, at 30 frames a second; slower sources are allowed proportionally more.
JUMP_TRUNKS = 0.3
#: This many of the eight core landmarks jumping together is another body, not a shaky point.
JUMPED_LANDMARKS = 3
#: Two readings of one frame, direct and mirrored, that lie further apart than this (body sizes) are not to be
#: believed: 0.04 to 0.10 in every steady clip, 0.14 on a fireplace, 0.26 where legs are swapped.
STEADY_DISAGREEMENT = 0.12
#: Somebody followed whose lying score is below this may be the therapist: look for a patient.
UPRIGHT_BELOW = 0.35
#: Longest time over which neighbouring frames are compared.
COMPARE_WITHIN_S = 0.5
#: A skeleton that stays in its new place this long is accepted there (the camera cut or was moved).
SETTLE_S = 0.25


def trunk_length_px(image_xyz: NDArray[np.floating]) -> float:
    """Distance between mid-shoulders and mid-hips in the image, pixels."""
    trunk = (image_xyz[11, :2] + image_xyz[12, :2] - image_xyz[23, :2] - image_xyz[24, :2]) / 2
    return math.hypot(trunk[0], trunk[1])


def body_size_px(image_xyz: NDArray[np.floating]) -> float:
    """A body size in pixels that does not collapse when the trunk points at the camera.

    The larger of the trunk and 0.5/0.42 of the longest thigh, 0.5/0.40 of the longest shank (segment
    ratios of spec 1.5).
    """
    starts, ends = image_xyz[:, :2][_BONES]
    bones = starts - ends
    longest = float((np.sqrt(np.add.reduce(bones * bones, axis=1)) * _BONE_TO_TRUNK).max())
    return max(trunk_length_px(image_xyz), longest)


def px_per_metre(xy: NDArray[np.floating], world_xyz: NDArray[np.floating]) -> NDArray[np.float64]:
    """How large a body is seen: the spread of its trunk and legs in the picture over that in space.

    Unlike the length of any one bone it does not collapse when that bone points at the camera.

    Args:
        xy: ``(..., 33, 2)`` landmarks, pixels.
        world_xyz: ``(..., 33, 3)`` landmarks, metres, of the same frames.

    Returns:
        ``(...)`` pixels per metre.
    """
    in_picture, in_space = (_spread(points[..., CORE, :2]) for points in (xy, world_xyz))
    return np.asarray(in_picture / np.maximum(in_space, 1e-3), np.float64)


def _spread(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Root of the mean square distance of ``(..., K, 2)`` points from their middle."""
    off = points - points.mean(axis=-2, keepdims=True)
    return np.asarray(np.sqrt((off * off).sum(axis=-1).mean(axis=-1)), np.float64)


#: Cameras look down at a body on the floor by so much: a laptop on the floor, on a table, held by somebody
#: who stands. Which of them makes the exercise's posture is asked in turn.
PITCHES_DEG = (0.0, 20.0, 40.0)


def levelled(world: NDArray[np.floating], pitch_deg: float) -> NDArray[np.floating]:
    """``(..., 3)`` world landmarks with y pointing down to the floor, of a camera that looks down so far."""
    if not pitch_deg:
        return world
    cos, sin = np.cos(np.radians(pitch_deg)), np.sin(np.radians(pitch_deg))
    turn = np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]], world.dtype)
    return np.asarray(world @ turn)


def lying_score(world_xyz: NDArray[np.floating]) -> float:
    """How much a body lies down, 0 (trunk upright) to 1 (trunk level), from world landmarks.

    The camera of a laptop stands level, so the image's vertical is close to gravity's.
    """
    trunk = world_xyz[BOTH_SHOULDERS].mean(axis=0) - world_xyz[BOTH_HIPS].mean(axis=0)
    length = float(np.linalg.norm(trunk))
    return 1.0 - abs(float(trunk[1])) / length if length > 0 else 0.0


def same_body(one_xyz: NDArray[np.floating], other_xyz: NDArray[np.floating]) -> bool:
    """True when two skeletons' hips lie so close that they are two readings of one person."""
    size = max(body_size_px(one_xyz), body_size_px(other_xyz), 1.0)
    apart = np.linalg.norm(one_xyz[BOTH_HIPS, :2].mean(axis=0) - other_xyz[BOTH_HIPS, :2].mean(axis=0))
    return bool(apart < JUMP_TRUNKS * size)


def count_jumped(before: Pose, after: Pose, within_s: float | None = None) -> int:
    """How many of the eight core landmarks jumped between two poses.

    Args:
        before, after: the poses.
        within_s: time that they are given to move in; None for what lies between them.
    """
    dt = max(after.time_s - before.time_s if within_s is None else within_s, 1e-6)
    size = max(body_size_px(before.image_xyz), body_size_px(after.image_xyz), 1.0)
    # 30 fps is the rate the 0.3 was seen at; a slower source moves further between frames.
    limit = JUMP_TRUNKS * min(max(dt * 30.0, 1.0), 3.0)
    moved = np.linalg.norm(after.image_xy[CORE] - before.image_xy[CORE], axis=1) / size
    return int((moved > limit).sum())


def skeleton_distance(one_xyz: NDArray[np.floating], other_xyz: NDArray[np.floating]) -> float:
    """Mean distance of the core landmarks of two readings of one frame, body sizes."""
    apart = np.linalg.norm(one_xyz[CORE, :2] - other_xyz[CORE, :2], axis=1).mean()
    return float(apart / max(body_size_px(one_xyz), 1.0))


def reading_distance(result: PoseResult) -> float:
    """`skeleton_distance` of a frame's direct and mirrored reading; NaN where there is no second one."""
    if result.pose is None or result.mirrored is None:
        return float("nan")
    return skeleton_distance(result.pose.image_xyz, result.mirrored.image_xyz)


class JumpGate:
    """Lets a skeleton through only while it moves as one body does.

    Feed it every pose in order of time. A pose in which several core landmarks jump is rejected; if the
    new place holds for `SETTLE_S` it is accepted as a cut or a moved camera.
    """

    def __init__(self) -> None:
        self._accepted: Pose | None = None
        self._pending: list[Pose] = []

    def reset(self) -> None:
        """Forget the body followed so far."""
        self._accepted = None
        self._pending = []

    def accepts(self, pose: Pose) -> bool:
        """True when `pose` continues the body seen before it."""
        last = self._accepted
        if last is None or pose.time_s - last.time_s > COMPARE_WITHIN_S:
            steady = not self._pending or count_jumped(self._pending[-1], pose) < JUMPED_LANDMARKS
            self._pending = [*self._pending, pose] if steady else [pose]
            settled = last is None or self._pending[-1].time_s - self._pending[0].time_s >= SETTLE_S
            if settled:
                self._take(pose)
            return settled
        if count_jumped(last, pose) < JUMPED_LANDMARKS:
            self._take(pose)
            return True
        if self._pending and count_jumped(self._pending[-1], pose) >= JUMPED_LANDMARKS:
            self._pending = []
        self._pending.append(pose)
        if pose.time_s - self._pending[0].time_s >= SETTLE_S:
            self._take(pose)
            return True
        return False

    def _take(self, pose: Pose) -> None:
        self._accepted = pose
        self._pending = []
