"""Our own networks for the joints of people who lie, where BlazePose loses them.

Seen from the feet, the head or a corner the trunk points at the camera and the legs hide it: BlazePose, made
for people who stand, draws one leg for two, or hips on knees. One network knows nothing but bodies on their
back, another nothing but bodies on their side, from all around, in a square around hips, legs and shoulders
in which the *picture* is upright (models/README.md). They give the same landmarks, in the picture and in
space, and take BlazePose's place for a whole recording or session (`formcheck.pose.recording`,
`formcheck.pose.live`); never for single frames, so that nothing jumps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.pose import models
from formcheck.pose.blazepose import (
    HOLD_REGION_S,
    MIRROR_EVERY_S,
    PRESENCE_THRESHOLD,
    LandmarkNet,
    NetOutput,
    as_pose,
)
from formcheck.pose.device import open_sessions
from formcheck.pose.landmarks import MIRRORED, Degrees, Landmark, PoseResult
from formcheck.pose.lying import JOINTS, MARGIN, SIDE_PX, WITHIN
from formcheck.pose.person import (
    CORE,
    STEADY_DISAGREEMENT,
    UPRIGHT_BELOW,
    JumpGate,
    lying_score,
    px_per_metre,
    skeleton_distance,
)
from formcheck.pose.region import Region
from formcheck.pose.second_look import disagreement, from_beside, is_steady, movement, seen_share
from formcheck.video.file import Frame

#: Said of every session that it reads.
TOLD = (
    "The skeleton is that of a network for people who lie, trained on rendered people, as the "
    "usual one did not follow who lies here steadily."
)
#: A square of more pixels a side than so many times the input's is cut larger and shrunk: no gaps.
_SAMPLED = 1.5
#: The network's joints; the last one, after these, is the middle of the head.
_JOINTS = [*JOINTS, Landmark.RIGHT_ELBOW, Landmark.RIGHT_WRIST, Landmark.NOSE]
_HEAD = len(_JOINTS)
#: Which joint stands for each of the 33 landmarks: hands are wrists, ears the head, eyes and mouth the nose.
_STANDS_FOR = np.array(
    [
        _HEAD if "EAR" in mark.name
        else _JOINTS.index(mark) if mark in _JOINTS
        else _JOINTS.index(Landmark[f"{mark.name.split('_')[0]}_WRIST"]) if mark > Landmark.RIGHT_WRIST
        else _JOINTS.index(Landmark.NOSE)
        for mark in Landmark
    ]
)  # fmt: skip
#: A joint is as likely seen as not where the network's own scale is this share of the square [D]. From the
#: feet that of bodies on their side reaches 0.24, with joints within 0.1 trunk lengths.
_DOUBTFUL_SCALE = {"back": 0.20, "side": 0.28}
#: The square's middle follows the joints by this share a frame: a lift must not pull it along. Its size
#: stays: from the feet joints seem nearer together in a smaller square, so that it shrank to a third, and
#: readings 0.05 apart became 0.13 (docs/lab_notes.md).
_FOLLOWS = 0.02
#: Its two readings lie nearer together than BlazePose's by this factor where it is believed: from the feet
#: BlazePose may be steady too, and the better one (docs/lab_notes.md).
_CLEARLY = 0.8
#: Where those of BlazePose lie no further apart than this it is believed: this network may agree with itself
#: even better and not see the hips rise, as behind the feet in one clip (0.04). From the side they lie 0.02
#: to 0.05 apart, from corners and the ends 0.03 to 0.22; of the bodies on their back with 0.05 to 0.06 that
#: it called clearly nearer all were (rendered bodies).
SURE_DISAGREEMENT = 0.05
#: A body on its side that it sees steadily, and not from the feet, is counted right up to here, and at times
#: wrongly by this network, whose knees waver (rendered bodies, docs/lab_notes.md).
_SURE_ON_SIDE = 0.095
#: And a body on its back, both feet on the floor, that it sees from beside: its readings lie at most 0.06
#: apart. With one leg in the air they lie 0.03 to 0.11 apart, and from 0.056 on it had swapped the legs:
#: nothing above `SURE_DISAGREEMENT` is believed there (rendered bodies and real ones).
_SURE_BESIDE = 0.065
#: It knows nothing but bodies that lie and would see one in an empty room: BlazePose must have seen
#: somebody, however badly, in the first share of the frames; in the second where the network's readings lie
#: close together. Empty rooms: 0.86, 0.14 and 0.13 of the frames, and 0.12 apart or more.
_SEEN_SHARE, _SEEN_AT_LEAST = 0.5, 0.3
#: It must see one in so many frames that are tried, after the square has been laid anew so often.
_SEEN_IN_TRIAL, _LAY_ANEW = 0.9, 3
#: Two readings lie close together. In a turned picture they do at the right turn only, and there so many
#: times closer than as the picture stands (0.046 to 0.054 against 0.109 to 1.15; upright pictures: 0.077 and
#: 0.57 of it at a wrong turn, in one whose body is hardly seen).
_CLOSE, _CLOSER_BY = 0.06, 0.5
#: A square so many times as large as what BlazePose saw holds something else: a fireplace took six, bodies
#: one to three.
_LARGEST = 4.5


class JointsNet(LandmarkNet):
    """Landmarks of a body that lies in a square of a frame.

    Args:
        lies_on: whom it knows.
        one_leg: the exercise has one leg in the air.
        device: see `formcheck.pose.device`.

    Raises:
        FormcheckError: the file is missing or damaged.
    """

    def __init__(
        self, lies_on: Literal["back", "side"], *, one_leg: bool = False, device: str = "cpu"
    ) -> None:
        file = models.find_model("lying", f"lying-joints-{lies_on}")
        self.model_sha256 = {file.path.name: file.sha256}
        (self._session,), _, _ = open_sessions([file.path], device)
        self.lies_on, self.one_leg = lies_on, one_leg
        self._doubtful_scale = _DOUBTFUL_SCALE[lies_on]

    def __call__(self, image: NDArray[np.uint8], region: Region, mirrored: bool = False) -> NetOutput:
        """Landmarks in a region; `mirrored` reads the region in a mirror and turns the answer back."""
        crop = cv2.cvtColor(_cut(image, region), cv2.COLOR_BGR2RGB)
        if mirrored:
            crop = np.ascontiguousarray(crop[:, ::-1])
        picture = np.multiply(crop, np.float32(1 / 255), dtype=np.float32)[None]
        joints, scales, space = (
            found[0] for found in self._session.run(["joints", "scales", "xyz"], {"image": picture})
        )
        share, scale, xyz = joints[_STANDS_FOR], scales[_STANDS_FOR], space[_STANDS_FOR].copy()
        if mirrored:
            share = share[list(MIRRORED)] * (-1, 1) + (1, 0)
            scale, xyz = scale[list(MIRRORED)], xyz[list(MIRRORED)] * (-1, 1, 1)
        xyz -= (xyz[Landmark.LEFT_HIP] + xyz[Landmark.RIGHT_HIP]) / 2
        c, s = np.cos(region.rotation), np.sin(region.rotation)
        world = xyz @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T
        xy = region.to_frame(share)
        seen = (1 / (1 + (scale / self._doubtful_scale) ** 2)).astype(np.float32)
        return NetOutput(
            image_xyz=np.column_stack([xy, world[:, 2] * px_per_metre(xy, world)]).astype(np.float32),
            world_xyz=world.astype(np.float32),
            visibility=seen,
            presence=seen,
            alignment_xy=np.zeros((2, 2)),
            score=float(np.median(seen[WITHIN])),
        )


def around(xy: NDArray[np.floating], rotation: float) -> Region:
    """The square around a body's joints.

    Args:
        xy: ``(33, 2)`` landmarks, pixels.
        rotation: of the picture, radians; see `Region`.
    """
    c, s = math.cos(rotation), math.sin(rotation)
    turn = np.array([[c, s], [-s, c]])
    upright = np.asarray(xy, np.float64)[WITHIN] @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    x, y = (low + high) / 2 @ turn
    return Region((float(x), float(y)), max(float((high - low).max()), 8.0) * MARGIN, rotation)


class JointsPose:
    """Follows one body that lies through the frames of a recording or session.

    Args:
        net: the network.
        region: where the body lies, see `find_lying_body`.
    """

    def __init__(self, net: JointsNet, region: Region) -> None:
        self._net, self._first = net, region
        self._gate = JumpGate()
        self.reset()

    def reset(self) -> None:
        """Look where the body lay first."""
        self._region = self._first
        self._gate.reset()
        self._mirrored_s = self._seen_s = -math.inf

    def estimate(self, frame: Frame) -> PoseResult:
        """Landmarks of the body in this frame. Frames come in order of time."""
        t, region = frame.time_s, self._region
        found = self._net(frame.image, region)
        if found.score < PRESENCE_THRESHOLD:
            if t - self._seen_s > HOLD_REGION_S:
                self._region = self._first
            return PoseResult(t, frame.index, None, 0)
        pose = as_pose(frame, found)
        if not self._gate.accepts(pose):
            return PoseResult(t, frame.index, None, 1, rejected="teleport")
        self._seen_s = t
        mirrored = None
        if t - self._mirrored_s >= MIRROR_EVERY_S - 1e-3:
            self._mirrored_s = t
            other = self._net(frame.image, region, mirrored=True)
            mirrored = as_pose(frame, other) if other.score >= PRESENCE_THRESHOLD else None
        self._region = _towards(region, around(found.image_xyz[:, :2], region.rotation))
        return PoseResult(t, frame.index, pose, 1, mirrored=mirrored)


def _towards(region: Region, other: Region) -> Region:
    x, y = (a + _FOLLOWS * (b - a) for a, b in zip(region.center_xy, other.center_xy, strict=True))
    return replace(region, center_xy=(x, y))


def _cut(image: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """The region as ``(160, 160, 3)``."""
    times = max(round(region.size / (_SAMPLED * SIDE_PX)), 1)
    if times == 1:
        return region.crop(image, SIDE_PX)
    large = region.crop(image, times * SIDE_PX)
    return cv2.resize(large, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def find_lying_body(
    net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], results: Sequence[PoseResult]
) -> tuple[float, Region] | None:
    """How well two readings agree where a body that lies is seen best, and that place; None for nowhere.

    Args:
        net: the network.
        frames: a few pictures spread over the recording, ``(height, width, 3)`` uint8, BGR.
        results: what BlazePose made of the recording.
    """
    body = _body_of(results)
    best = None if body is None else _best(net, frames, body)
    if best is not None and best[0] > _CLOSE and seen_share(results) < _SEEN_SHARE:
        return None
    return best


def find_turn(
    net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], results: Sequence[PoseResult], agreed: float
) -> Degrees:
    """By how much a picture must be turned clockwise so that the body in it lies as this network knows it.

    Args:
        net, frames, results: as in `find_lying_body`.
        agreed: what that found; infinite for None.
    """
    body = None if agreed <= _CLOSE else _body_of(results)
    if body is None:
        return 0
    turns: tuple[Degrees, ...] = (90, 180, 270)
    tried = {turn: found[0] for turn in turns if (found := _best(net, frames, body, turn))}
    best = min(tried, key=lambda turn: tried[turn], default=None)
    return best if best is not None and tried[best] <= min(_CLOSE, _CLOSER_BY * agreed) else 0


def _body_of(results: Sequence[PoseResult]) -> NDArray[np.float64] | None:
    """``(8, 2)`` core joints where BlazePose saw them on the whole; None where it saw hardly anybody."""
    if seen_share(results) < _SEEN_AT_LEAST:
        return None
    seen = [r.pose.image_xy[CORE] for r in results if r.pose is not None]
    return np.asarray(np.median(np.array(seen), axis=0))


def _best(
    net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], body: NDArray[np.floating], turn: int = 0
) -> tuple[float, Region] | None:
    """`find_lying_body` where BlazePose saw a body with these joints, in the picture turned clockwise."""
    largest = _LARGEST * float(np.ptp(body, axis=0).max())
    found = (
        _settled(net, frames, replace(begun, rotation=-math.radians(turn))) for begun in _places(frames, body)
    )
    fitting = [one for one in found if one is not None and one[1].size <= largest]
    return min(fitting, key=lambda one: one[0], default=None)


def _places(frames: Sequence[NDArray[np.uint8]], body: NDArray[np.floating]) -> list[Region]:
    """Where to begin to look: where BlazePose saw a body (its joints), and where the picture moves."""
    extent = float(np.ptp(body, axis=0).max())
    out = [_square(body.mean(axis=0), k * extent) for k in (1.3, 2.0)]
    centre, spread = movement(frames)
    return out + ([_square(centre, k * spread) for k in (4.0, 6.0)] if spread > 0 else [])


def _square(centre: Sequence[float] | NDArray[np.floating], side: float) -> Region:
    return Region((float(centre[0]), float(centre[1])), max(side, 32.0), 0.0)


def _settled(
    net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], region: Region
) -> tuple[float, Region] | None:
    """How well two readings of the frames agree in a region once it is laid around the body; None if nobody
    who lies is seen there."""
    for _ in range(_LAY_ANEW):
        some = [net(frame, region) for frame in frames[:: max(len(frames) // 3, 1)]]
        region = around(np.median([found.image_xyz[:, :2] for found in some], axis=0), region.rotation)
    apart, scores = [], []
    for frame in frames:
        direct, mirrored = net(frame, region), net(frame, region, mirrored=True)
        if min(direct.score, mirrored.score) >= PRESENCE_THRESHOLD:
            apart.append(skeleton_distance(direct.image_xyz, mirrored.image_xyz))
            scores.append(lying_score(direct.world_xyz))
    if len(apart) < _SEEN_IN_TRIAL * len(frames) or np.median(scores) < UPRIGHT_BELOW:
        return None
    return float(np.median(apart)), region


def is_blazepose_sure(
    results: Sequence[PoseResult], lies_on: Literal["back", "side"], one_leg: bool = False
) -> bool:
    """True where BlazePose is believed and this network is not asked.

    Args:
        results: what BlazePose made of a recording, or of the last seconds.
        lies_on: whom the network knows.
        one_leg: the exercise has one leg in the air.
    """
    before = disagreement(results)
    if before > SURE_DISAGREEMENT and is_steady(results):
        # From beside a body on its back BlazePose's errors are known and taken off (`measures/bridge.py`).
        if lies_on == "back":
            return not one_leg and from_beside(results) and before <= _SURE_BESIDE
        return before <= _SURE_ON_SIDE
    return before <= SURE_DISAGREEMENT


def is_nearer(agreed: float, before: float) -> bool:
    """True when this network is to be believed rather than BlazePose, which does not see a body steadily.

    Args:
        agreed: how far two readings of this network lie apart, body sizes.
        before: the same of BlazePose; infinite where it sees nobody.
    """
    return agreed <= min(STEADY_DISAGREEMENT, _CLEARLY * before)
