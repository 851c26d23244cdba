"""Our own network for people who lie on their side: how far pelvis, thigh and chest have turned.

BlazePose's hip line hardly turns with a pelvis that rolls, so no landmark tells it. The network is given two
crops of the same place in the picture, one of now and one of before, and tells what turned in between, with a
scale of its own error (models/README.md). Where the crop lies follows from the landmarks of the person who is
followed: once the trunk has lain still for a moment one square is laid around the joints, the trunk upright
in it, mirrored so that the left side is always the upper one, and it stays there. The landmarks of a lying
body may be far off, so the network finds the joints in a first crop, and the squares that are read are laid
around those. When the body no longer lies in them new ones are laid, and what is read from then on is another
*stretch*: its readings start from another picture, and are never held against those of an earlier one.

All of it waits for no later frame, so that live and recorded sessions read the same.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.pose import models
from formcheck.pose.device import open_sessions
from formcheck.pose.landmarks import BOTH_HIPS, BOTH_SHOULDERS, MIRRORED, Landmark, Pose
from formcheck.pose.lying_reading import CROPS, LYING_COUNT, Lying
from formcheck.pose.person import PITCHES_DEG, body_size_px, levelled, lying_score

#: Side of the network's input, pixels.
SIDE_PX = 160
#: Crops are shrunk to this first, so that no picture is sampled with gaps, pixels.
_SAMPLED_PX = 230.0
#: The square is so much larger than the joints within it.
MARGIN = 1.32
#: Joints that the square is laid around.
WITHIN = [
    Landmark.LEFT_HIP, Landmark.RIGHT_HIP, Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE,
    Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER,
]  # fmt: skip
#: The network's joints, as landmarks of a body whose left side is the upper one.
JOINTS = [
    *(Landmark.LEFT_HIP, Landmark.RIGHT_HIP, Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE),
    *(Landmark.LEFT_ANKLE, Landmark.RIGHT_ANKLE, Landmark.LEFT_HEEL, Landmark.RIGHT_HEEL),
    *(Landmark.LEFT_FOOT_INDEX, Landmark.RIGHT_FOOT_INDEX, Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER),
    *(Landmark.LEFT_ELBOW, Landmark.LEFT_WRIST),
]
#: Of these the network's and BlazePose's are held against each other: the ones that both see well.
_COMPARED = [0, 1, 2, 3, 4, 5, 10, 11]
_OWN_TRUNK = [0, 1, 10, 11]
_OWN_HIPS, _OWN_KNEES, _OWN_ANKLES, _OWN_SHOULDERS = [0, 1], [2, 3], [4, 5], [10, 11]
#: A shank that reaches less than this towards the feet, trunk lengths, has no ratio.
_SHORT_SHANK = 0.1

#: A crop is laid once the trunk has wandered by less than this share of the body's size for so long [D].
STILL_S = 0.5
_STILL_SIZES = 0.08
#: Nobody seen for longer than this: the wait begins anew.
_BRIDGE_S = 0.3
#: Hips or shoulders further from where they lay than this share of the body's size do not lie in the crop;
#: after so long the stretch is over [D].
_MOVED_SIZES = 0.25
_GONE_S = 1.0
#: But where the landmarks alone have left, and no longer than this, while the network's own hips and
#: shoulders are no further from where it first saw them, the body lies there still: seen from the feet
#: landmarks jump, or are lost, when the knee rises or the pelvis rolls [D].
_ASTRAY_S = 10.0
#: That is asked only where network and landmarks agreed when the crop was laid, body sizes.
_AGREED_SIZES = 0.3
#: Squares around the landmarks and around the network's own joints differ by less than this factor.
_LIKE = 2.0
#: A frame is read this often, each time another crop: what turns takes a second to do so, and twice as often
#: tells a recording nothing more (docs/lab_notes.md). First, every frame is read until each crop has been.
READ_EVERY_S = 1 / 8
#: On the side: lying score of the trunk, vertical share of the hip or the shoulder line (`measures.view`).
_LYING = 0.40
_STACKED = 0.62


@dataclass(frozen=True)
class Jitter:
    """How a crop differs from the plain one: turned, larger, moved (shares of the side)."""

    turned_deg: float = 0.0
    larger: float = 1.0
    moved: tuple[float, float] = (0.0, 0.0)


#: Crops that are read in turn, one a reading: their mean is nearer the truth, and how far they lie apart
#: tells how far it may be off.
JITTERS = (Jitter(), Jitter(6.0, 1.06, (0.02, -0.02)), Jitter(-6.0, 0.95, (-0.02, 0.02)))
assert len(JITTERS) == CROPS


@dataclass(frozen=True)
class Crop:
    """One square of the picture, turned and perhaps mirrored.

    Attributes:
        matrix: ``(2, 3)`` from pixels of the frame to pixels of the crop.
        mirrored: the body's right side is the upper one.
    """

    matrix: NDArray[np.float64]
    mirrored: bool

    @classmethod
    def around(
        cls, xy: NDArray[np.floating], mirrored: bool, jitter: Jitter = JITTERS[0], turned: bool = True
    ) -> Crop:
        """The square around a body's joints.

        Args:
            xy: ``(33, 2)`` landmarks, pixels.
            mirrored: shows a mirror's picture: of a body whose right side is the upper one.
            jitter: how it differs from the plain one.
            turned: the trunk is upright in it, else the picture is.
        """
        points = np.asarray(xy[WITHIN], np.float64) * ((-1.0, 1.0) if mirrored else (1.0, 1.0))
        up = points[6:8].mean(axis=0) - points[:2].mean(axis=0)
        angle = (math.atan2(up[0], -up[1]) if turned else 0.0) + math.radians(jitter.turned_deg)
        turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        upright = points @ turn.T
        low, high = upright.min(axis=0), upright.max(axis=0)
        side = max(float((high - low).max()), 1.0) * MARGIN * jitter.larger
        scale = SIDE_PX / side
        center = (low + high) / 2 + np.array(jitter.moved) * side
        matrix = np.column_stack([turn * scale, SIDE_PX / 2 - center * scale])
        if mirrored:
            matrix[:, 0] *= -1
        return cls(matrix, mirrored)

    @property
    def side_px(self) -> float:
        """Side of the square in the frame, pixels."""
        return SIDE_PX / math.sqrt(abs(float(np.linalg.det(self.matrix[:, :2]))))

    def of(self, xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """``(n, 2)`` pixels of the frame as shares of the crop's side."""
        return np.asarray((xy @ self.matrix[:, :2].T + self.matrix[:, 2]) / SIDE_PX)

    def back(self, shares: NDArray[np.floating]) -> NDArray[np.float64]:
        """``(n, 2)`` shares of the crop's side as pixels of the frame."""
        there = (np.asarray(shares, np.float64) * SIDE_PX - self.matrix[:, 2]).T
        return np.linalg.solve(self.matrix[:, :2], there).T

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """``(160, 160, 3)``, RGB, 0 to 1, of a frame (BGR). Beyond the frame its edge is repeated."""
        matrix = self.matrix
        corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]) * SIDE_PX
        there = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        height, width = image.shape[:2]
        low = np.clip(np.floor(there.min(axis=0)) - 2, 0, [width - 1, height - 1]).astype(int)
        high = np.clip(np.ceil(there.max(axis=0)) + 3, low + 1, [width, height]).astype(int)
        x, y = int(low[0]), int(low[1])
        picture = image[y : high[1], x : high[0]]
        matrix = matrix.copy()
        matrix[:, 2] += matrix[:, :2] @ (x, y)
        shrink = min(1.0, _SAMPLED_PX / self.side_px)
        if shrink < 0.9:
            size = (max(round(picture.shape[1] * shrink), 1), max(round(picture.shape[0] * shrink), 1))
            by = np.array([size[0] / picture.shape[1], size[1] / picture.shape[0]])
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
            matrix[:, :2] /= by
        cut = cv2.warpAffine(
            picture, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.multiply(cv2.cvtColor(cut, cv2.COLOR_BGR2RGB), np.float32(1 / 255), dtype=np.float32)


class LyingNet:
    """The two models: pictures to features, and features to what turned."""

    def __init__(self, device: str = "cpu") -> None:
        """Load them.

        Args:
            device: see `formcheck.pose.device`.

        Raises:
            FormcheckError: a file is missing or damaged.
        """
        files = [models.find_model("lying", part) for part in ("lying-encoder", "lying-comparer")]
        self.model_sha256 = {file.path.name: file.sha256 for file in files}
        (self._encoder, self._comparer), _, _ = open_sessions([file.path for file in files], device)

    def encode(self, picture: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """``(14, 2)`` joints, shares of the side, and ``(160, 10, 10)`` features of what `Crop.cut` gives."""
        joints, features = self._encoder.run(["joints", "features"], {"image": picture[None]})
        return joints[0], features[0]

    def compare(self, now: NDArray[np.float32], before: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(6,)`` turn of pelvis, thigh and chest since `before`, and scales of their errors, degrees."""
        found: list[NDArray[np.float32]] = self._comparer.run(
            ["change"], {"now": now[None], "rest": before[None]}
        )
        return found[0][0]


@dataclass(frozen=True)
class _Start:
    """What was read of a crop first: features, hips and shoulders, body sizes away from the landmarks."""

    features: NDArray[np.float32]
    trunk: NDArray[np.float32]
    joints_off: float


@dataclass
class _Laid:
    """One crop of a stretch: what it started from, and what was read of it last."""

    crop: Crop
    start: _Start | None = None
    change: NDArray[np.float32] | None = None
    joints_off: float = math.nan
    trunk_off: float = math.nan
    thigh_to_shank: float = math.nan


class LyingReader:
    """Reads the frames of one recording or session in order; see this module's words.

    Args:
        net: the models.
    """

    def __init__(self, net: LyingNet) -> None:
        self._net = net
        self._stretches = 0
        self._waiting: deque[tuple[float, NDArray[np.float32], NDArray[np.float32]]] = deque()
        self._laid: list[_Laid] = []
        self._trunk_xy = np.zeros((2, 2))
        self._size_px = 1.0
        self._turn = 0
        self._read_s = -math.inf
        self._there_s = -math.inf
        self._near_s = -math.inf

    def read(self, image: NDArray[np.uint8], pose: Pose | None, time_s: float) -> NDArray[np.float32] | None:
        """A frame's reading, see `Lying`; None where there is none.

        Args:
            image: the frame, ``(h, w, 3)`` uint8, BGR.
            pose: the person in it.
            time_s: of the frame.
        """
        t, near = time_s, pose is not None and self._lies_in_it(pose)
        if near:
            self._near_s = t
        if self._laid and not near and not (t - self._near_s <= _ASTRAY_S and self._has_stayed()):
            if pose is not None and t - self._there_s > _GONE_S:
                self._laid = []
            return None
        if not self._laid:
            joints = None if pose is None else self._lain_still(pose)
            if joints is None:
                return None
            self._lay(image, *joints)
            near, self._near_s = True, t
        self._there_s = t
        begun = all(laid.change is not None for laid in self._laid)
        if not begun or t - self._read_s >= READ_EVERY_S - 1e-3:
            self._read_s = t
            self._read_one(image, pose)
        return self._reading(near)

    def _has_stayed(self) -> bool:
        """True where the network's own hips and shoulders are where it, and the landmarks, first saw them."""
        read = [(laid.start.joints_off, laid.trunk_off) for laid in self._laid if laid.start is not None]
        if not read:
            return False
        at_first, now = np.mean(read, axis=0)
        return bool(at_first <= _AGREED_SIZES and now <= _MOVED_SIZES)

    def _lies_in_it(self, pose: Pose) -> bool:
        """True while the landmarks of hips and shoulders are where they were when the crop was laid."""
        apart = np.linalg.norm(_trunk_xy(pose.image_xy) - self._trunk_xy, axis=1)
        return bool(apart.max() <= _MOVED_SIZES * body_size_px(pose.image_xyz))

    def _lain_still(self, pose: Pose) -> tuple[NDArray[np.float64], bool] | None:
        """Joints to lay a crop around, and whether it is mirrored, once the trunk has lain still."""
        t, waiting = pose.time_s, self._waiting
        if waiting and t - waiting[-1][0] > _BRIDGE_S:
            waiting.clear()
        waiting.append((t, pose.image_xy, pose.world_xyz))
        while t - waiting[0][0] > STILL_S + _BRIDGE_S:
            waiting.popleft()
        if t - waiting[0][0] < STILL_S - 1e-3:
            return None
        xy = np.array([points for when, points, _ in waiting if t - when <= STILL_S + 1e-3], np.float64)
        world = np.array([points for when, _, points in waiting if t - when <= STILL_S + 1e-3], np.float64)
        trunk = np.stack([_trunk_xy(points) for points in xy])
        wander = np.abs(trunk - np.median(trunk, axis=0)).max() / body_size_px(pose.image_xyz)
        middle = np.median(world, axis=0)
        if wander > _STILL_SIZES or not any(_on_the_side(levelled(middle, pitch)) for pitch in PITCHES_DEG):
            return None
        joints = np.median(xy, axis=0)
        left, right = (joints[list(side), 1].sum() for side in zip(BOTH_HIPS, BOTH_SHOULDERS, strict=True))
        return joints, bool(left > right)  # y points down: the right side is the upper one

    def _lay(self, image: NDArray[np.uint8], joints: NDArray[np.float64], mirrored: bool) -> None:
        """Begin a stretch."""
        self._stretches += 1
        first = Crop.around(joints, mirrored)
        found, _ = self._net.encode(first.cut(image))
        own = joints.copy()
        own[_of_landmarks(mirrored)] = first.back(found)
        ratio = Crop.around(own, mirrored).side_px / first.side_px
        if not 1 / _LIKE < ratio < _LIKE:  # it sees no such body: `JOINTS_OFF` will tell
            own = joints
        self._laid = [_Laid(Crop.around(own, mirrored, jitter)) for jitter in JITTERS]
        self._trunk_xy = _trunk_xy(joints)
        self._size_px = body_size_px(own)
        self._waiting.clear()
        self._turn, self._read_s = 0, -math.inf

    def _read_one(self, image: NDArray[np.uint8], pose: Pose | None) -> None:
        """Read the crop whose turn it is."""
        laid = self._laid[self._turn]
        self._turn = (self._turn + 1) % len(self._laid)
        joints, features = self._net.encode(laid.crop.cut(image))
        if pose is not None:
            laid.joints_off = _joints_off(laid.crop, joints, pose)
        if laid.start is None:
            laid.start = _Start(features, joints[_OWN_TRUNK], laid.joints_off)
        laid.change = self._net.compare(features, laid.start.features)
        apart = np.linalg.norm(joints[_OWN_TRUNK] - laid.start.trunk, axis=1).mean()
        laid.trunk_off = float(apart * laid.crop.side_px / self._size_px)
        laid.thigh_to_shank = _thigh_to_shank(joints)

    def _reading(self, near: bool) -> NDArray[np.float32] | None:
        """The mean over the crops, once each has been read.

        Args:
            near: the landmarks' trunk lies in the crops; else theirs is no place to hold the joints against.
        """
        changes = [laid.change for laid in self._laid if laid.change is not None]
        if len(changes) < len(self._laid):
            return None
        out = np.empty(LYING_COUNT, np.float32)
        all_of = np.array(changes, np.float64)
        out[Lying.STRETCH] = self._stretches
        out[Lying.ROLL : Lying.CHEST_SCALE + 1] = all_of.mean(axis=0)
        out[Lying.ROLL_SPREAD : Lying.CHEST_SPREAD + 1] = all_of[:, :3].std(axis=0)
        off = [laid.joints_off if near else laid.trunk_off for laid in self._laid]
        out[Lying.JOINTS_OFF] = np.mean(off)
        out[Lying.THIGH_TO_SHANK] = np.median([laid.thigh_to_shank for laid in self._laid])
        return out


def _trunk_xy(xy: NDArray[np.floating]) -> NDArray[np.float64]:
    """``(2, 2)`` middles of hips and shoulders, pixels."""
    return np.stack([xy[BOTH_HIPS].mean(axis=0), xy[BOTH_SHOULDERS].mean(axis=0)]).astype(np.float64)


def _on_the_side(world: NDArray[np.floating]) -> bool:
    """True for a body whose trunk lies down and whose hips and shoulders lie above each other."""
    lines = np.stack([world[points[0]] - world[points[1]] for points in (BOTH_HIPS, BOTH_SHOULDERS)])
    upright = np.abs(lines[:, 1]) / np.maximum(np.linalg.norm(lines, axis=1), 1e-9)
    return bool(lying_score(world) > _LYING and upright.max() > _STACKED)


def _of_landmarks(mirrored: bool) -> NDArray[np.intp]:
    """``(14,)`` the landmarks that the network's joints are."""
    sides = np.array(JOINTS)
    return np.array(MIRRORED)[sides] if mirrored else sides


def _joints_off(crop: Crop, joints: NDArray[np.float32], pose: Pose) -> float:
    """Mean distance of the network's joints from the landmarks, body sizes."""
    landmarks = _of_landmarks(crop.mirrored)[_COMPARED]
    apart = np.linalg.norm(joints[_COMPARED] - crop.of(pose.image_xy[landmarks]), axis=1)
    return float(apart.mean() * crop.side_px / body_size_px(pose.image_xyz))


def _thigh_to_shank(joints: NDArray[np.floating]) -> float:
    """`Lying.THIGH_TO_SHANK` of ``(14, 2)`` joints; 1.0, as of a straight leg, where a shank is too short."""
    trunk = joints[_OWN_HIPS].mean(axis=0) - joints[_OWN_SHOULDERS].mean(axis=0)
    thighs, shanks = joints[_OWN_KNEES] - joints[_OWN_HIPS], joints[_OWN_ANKLES] - joints[_OWN_KNEES]
    along = np.stack([thighs @ trunk, shanks @ trunk]) / max(float(trunk @ trunk), 1e-9)
    known = along[1] > _SHORT_SHANK
    return float(np.where(known, along[0] / np.where(known, along[1], 1.0), 1.0).max())
