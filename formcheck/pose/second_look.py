"""A second look at recordings in which the usual tracking gives out: one fixed region, found by trial.

Seen from the feet or the head end the trunk points at the camera: the face is hidden, the published region
shrinks and turns with every frame, and legs are swapped. The landmark model itself is not the problem. On
one wide region that stays put it follows the same body steadily (docs/lab_notes.md, "End views"). Which
region is tried out on a few frames; the judge is how well a direct and a mirrored reading agree, which is
close for a body really seen (0.04 to 0.10 body sizes in all steady clips) and poor for a swapped or
invented one (0.26 and more).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.pose import frame_arrays as arrays
from formcheck.pose.blazepose import LandmarkNet
from formcheck.pose.landmarks import (
    BOTH_ANKLES,
    BOTH_HIPS,
    BOTH_SHOULDERS,
    LANDMARK_COUNT,
    Landmark,
    PoseResult,
)
from formcheck.pose.person import (
    CORE,
    STEADY_DISAGREEMENT,
    UPRIGHT_BELOW,
    body_size_px,
    lying_score,
    reading_distance,
    skeleton_distance,
)
from formcheck.pose.region import Region

#: Two readings further apart than this (body sizes): the tracking has given out.
_LOST_DISAGREEMENT = 0.15
#: With the person missing in more frames than this the tracking has given out.
_STEADY_SEEN = 0.95
#: A trunk pointing this steeply at the camera is seen from an end.
_END_ON_DEG = 42.0
#: The hip line lies across while less than this share of it is depth (as in `measures.view`).
_ACROSS = 0.45
#: Seen from beside it is all depth but for this (as in `measures.view`).
_BESIDE = 0.84
#: Lying on the side and seen from the feet: vertical share of the hip line (supine 0.45 and less), shoulders
#: deeper than ankles in metres, and width over height of the body in the picture (as in `measures.view`).
_STACKED = 0.5
_FEET_NEARER_M = 0.25
_TALL_BOX = 1.0
#: Such a body lies half way between upright and level in the picture: turned by this much, and in a region
#: this wide, the legs are followed best (rendered bodies made for it, docs/lab_notes.md, "End views").
_SIDE_TURN = math.pi / 4
_SIDE_REACH = 4.2
#: A trial region must hold a person in this share of the frames tried.
_SEEN_IN_TRIAL = 0.9
#: How many frames are tried, and with how many of them a trial begins.
TRIAL_FRAMES = 8
_FIRST_FRAMES = 3
#: Somebody upright in this share of the frames in which anybody was seen is not the patient.
_UPRIGHT_SHARE = 0.8
#: Middles of trunks further apart than this, body sizes, are those of two people [D].
_PLACES_APART = 0.7
#: A trunk lies from this score on (1 = level).
_LYING = 0.5
_PRESENCE = 0.5
#: Size of the region over the distance from mid-hips to the farthest joint, and the least such distance as
#: share of the frame's height (found on rendered end views). It does not hold for somebody small, who seemed
#: to reach less than half as far.
_REACH = 3.2
_LEAST_REACH = 0.20
_REACHED = [Landmark.NOSE, *CORE]


def disagreement(results: Sequence[PoseResult]) -> float:
    """Median distance between direct and mirrored readings, body sizes; infinite if there are none."""
    apart = np.fromiter(map(reading_distance, results), np.float64)
    apart = apart[np.isfinite(apart)]
    return float(np.median(apart)) if apart.size else math.inf


def seen_share(results: Sequence[PoseResult]) -> float:
    """Share of the frames in which a person was seen."""
    return float(np.mean([r.pose is not None for r in results])) if results else 0.0


def is_steady(results: Sequence[PoseResult]) -> bool:
    """True when tracking can be relied on: seen nearly always, not end-on, two readings agree."""
    if not _is_held(results):
        return False
    world, xy = _found(results)
    return not _end_on(world) and _upper_side(world, xy) is None


def _is_held(results: Sequence[PoseResult]) -> bool:
    """True when somebody is seen nearly always and the two readings agree."""
    return seen_share(results) >= _STEADY_SEEN and disagreement(results) <= _LOST_DISAGREEMENT


def is_better(again: Sequence[PoseResult], first: Sequence[PoseResult]) -> bool:
    """True when the second look is to be believed rather than the first.

    Away from the end views a tracked region follows the body better than a fixed one, so there only readings
    that contradicted each other are replaced.
    """
    if seen_share(again) < seen_share(first) - 0.05:
        return False
    before, after = disagreement(first), disagreement(again)
    if _upper_side(*_found(first)) is not None:
        # How well two tracked readings agree says little here: both follow the wrong leg.
        return after <= STEADY_DISAGREEMENT
    if _end_on(_found(again)[0]):
        return after < before
    return before > _LOST_DISAGREEMENT and after < STEADY_DISAGREEMENT


def _found(results: Sequence[PoseResult]) -> tuple[arrays.Rows, arrays.Rows]:
    """``(N, 33, 3)`` world and ``(N, 33, 2)`` image landmarks of the frames in which somebody was seen."""
    seen = np.zeros(len(results), bool)
    world = arrays.empty((len(results), LANDMARK_COUNT, 3), np.float32)
    xy = arrays.empty((len(results), LANDMARK_COUNT, 2), np.float32)
    for i in arrays.each(len(results)):
        if (pose := results[i].pose) is not None:
            seen[i], world[i], xy[i] = True, pose.world_xyz, pose.image_xy
    return arrays.Rows(world, seen), arrays.Rows(xy, seen)


def _end_on(world: arrays.Rows) -> bool:
    """True when a supine body's trunk points at the camera and its hip line lies across."""
    if not len(world):
        return False
    trunk = world[:, BOTH_SHOULDERS].mean(axis=1) - world[:, BOTH_HIPS].mean(axis=1)
    steep = np.degrees(np.arctan2(np.abs(trunk[:, 2]), np.hypot(trunk[:, 0], trunk[:, 1])))
    hips = world[:, Landmark.LEFT_HIP] - world[:, Landmark.RIGHT_HIP]
    depth = np.abs(hips[:, 2]) / np.maximum(np.linalg.norm(hips, axis=1), 1e-6)
    return bool(np.median(steep) > _END_ON_DEG and np.median(depth) < _ACROSS)


def from_beside(results: Sequence[PoseResult]) -> bool:
    """True where a body on its back is seen from beside: its hip line points at the camera."""
    world, _ = _found(results)
    if not len(world):
        return False
    hips = world[:, Landmark.LEFT_HIP] - world[:, Landmark.RIGHT_HIP]
    depth = np.abs(hips[:, 2]) / np.maximum(np.linalg.norm(hips, axis=1), 1e-6)
    return bool(np.median(depth) > _BESIDE)


def _upper_side(world: arrays.Rows, xy: arrays.Rows) -> str | None:
    """The upper side of a body lying on its side and seen from the feet, or None."""
    if not len(world):
        return None
    hips = world[:, Landmark.LEFT_HIP] - world[:, Landmark.RIGHT_HIP]
    stacked = np.abs(hips[:, 1]) / np.maximum(np.linalg.norm(hips, axis=1), 1e-6)
    deeper = world[:, BOTH_SHOULDERS, 2].mean(axis=1) - world[:, BOTH_ANKLES, 2].mean(axis=1)
    if np.median(stacked) < _STACKED or np.median(deeper) < _FEET_NEARER_M:
        return None
    box = np.median(np.ptp(xy[:, _REACHED], axis=1), axis=0)
    if box[0] >= _TALL_BOX * box[1]:
        return None
    return (
        "left" if np.median(xy[:, [11, 23], 1].sum(axis=1) - xy[:, [12, 24], 1].sum(axis=1)) < 0 else "right"
    )


def only_upright(results: Sequence[PoseResult]) -> bool:
    """True when nearly all that was followed is somebody who stands, sits or kneels: a helper, perhaps."""
    scores = np.fromiter((lying_score(r.pose.world_xyz) for r in results if r.pose is not None), np.float64)
    return bool(scores.size) and float(np.mean(scores < UPRIGHT_BELOW)) >= _UPRIGHT_SHARE


def are_apart(one: Sequence[PoseResult], other: Sequence[PoseResult]) -> bool:
    """True when two series of results of a recording show people in two places."""
    both = [
        (a.pose, b.pose) for a, b in zip(one, other, strict=True) if a.pose is not None and b.pose is not None
    ]
    trunk = [*BOTH_HIPS, *BOTH_SHOULDERS]
    between = [
        np.linalg.norm(a.image_xy[trunk].mean(axis=0) - b.image_xy[trunk].mean(axis=0))
        / max(body_size_px(b.image_xyz), 1.0)
        for a, b in both
    ]
    return bool(between) and float(np.median(between)) > _PLACES_APART


def find_lying(
    net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], results: Sequence[PoseResult]
) -> Region | None:
    """The fixed region in which the model sees somebody who lies, beside one who does not; or None.

    Args:
        net, frames, results: see `find_region`; nearly all results are of somebody upright.
    """
    _, xy = _found(results)
    some = frames[:: max(len(frames) // _FIRST_FRAMES, 1)]
    best = _best(net, some, _trials_for_lying(frames, xy), lying=True)
    if best is None:
        return None
    for region in (_recentred(net, frames, best[1], times=2), best[1]):
        agreed = _try(net, frames, region, lying=True)
        if agreed is not None and agreed <= STEADY_DISAGREEMENT:
            return region
    return None


def _best(
    net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], regions: Sequence[Region], lying: bool = False
) -> tuple[float, Region] | None:
    """The region in which the two readings agree best, and how well; None where nobody is seen in any."""
    tried = ((_try(net, frames, region, lying), region) for region in regions)
    agreed = [(apart, region) for apart, region in tried if apart is not None]
    return min(agreed, key=lambda found: found[0]) if agreed else None


def _recentred(net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], region: Region, times: int) -> Region:
    """The region laid so often around the body that is seen in it."""
    least_px = _least_reach_px(frames[0], region.size / _REACH)
    for _ in range(times):
        region = _centred(net, frames, region, _REACH, least_px)
    return region


def _trials_for_lying(frames: Sequence[NDArray[np.uint8]], xy: arrays.Rows) -> list[Region]:
    """Regions worth trying: where the picture moves, and at the feet of the one who was followed."""
    points = xy[:, CORE]
    extent = float(np.median(np.ptp(points, axis=1).max(axis=1)))
    feet = np.median(xy[:, BOTH_ANKLES].mean(axis=1), axis=0)
    places = [((float(feet[0]), float(feet[1])), k * extent) for k in (1.2, 2.0)]
    centre_xy, spread = movement(frames)
    if spread > 0:
        places += [(centre_xy, k * spread) for k in (4.0, 6.0, 9.0)]
    return [Region(xy, max(size, 32.0), turn * math.pi / 4) for xy, size in places for turn in range(8)]


def find_region(
    net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], results: Sequence[PoseResult]
) -> Region | None:
    """The fixed region in which the model sees one body steadily, or None.

    Args:
        net: the landmark model.
        frames: a few pictures spread over the recording, ``(height, width, 3)`` uint8, BGR.
        results: what tracking made of the recording.
    """
    world, xy = _found(results)
    if (upper := _upper_side(world, xy)) is not None:
        region = _for_side_lying(net, frames, xy, upper)
        agreed = _try(net, frames, region)
        if agreed is not None and agreed <= STEADY_DISAGREEMENT:
            return region
        if _is_held(results):
            return None
    best = _best(net, frames, _trials(frames, xy, len(results)))
    if best is None:
        return None
    region = _recentred(net, frames, best[1], times=3)
    agreed = _try(net, frames, region)
    if agreed is None or agreed > best[0]:
        agreed, region = best
    return region if agreed <= STEADY_DISAGREEMENT else None


def _for_side_lying(
    net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], xy: arrays.Rows, upper: str
) -> Region:
    """The region for a body on its side seen from the feet, begun where the tracking was (`xy`)."""
    hips = (xy[:, Landmark.LEFT_HIP] + xy[:, Landmark.RIGHT_HIP]) / 2
    reach = float(np.median(np.linalg.norm(xy[:, _REACHED] - hips[:, None], axis=2).max(axis=1)))
    centre = np.median(hips, axis=0)
    turn = -_SIDE_TURN if upper == "left" else _SIDE_TURN
    region = Region((float(centre[0]), float(centre[1])), max(_SIDE_REACH * reach, 32.0), turn)
    least_px = _least_reach_px(frames[0], reach)
    for _ in range(2):
        region = _centred(net, frames, region, _SIDE_REACH, least_px)
    return region


def _trials(frames: Sequence[NDArray[np.uint8]], xy: arrays.Rows, of: int) -> list[Region]:
    """Regions worth trying, each at eight turns: where the tracking was and where the picture moves.

    Args:
        frames: a few pictures.
        xy: landmarks of the frames in which somebody was seen.
        of: how many frames there were.
    """
    places: list[tuple[tuple[float, float], float]] = []
    points = xy[:, CORE]
    if len(points) > 0.05 * of:
        centre = np.median(points.mean(axis=1), axis=0)
        extent = float(np.median(np.ptp(points, axis=1).max(axis=1)))
        places += [((float(centre[0]), float(centre[1])), k * extent) for k in (2.2, 3.5)]
    centre_xy, spread = movement(frames)
    if spread > 0:
        places += [(centre_xy, k * spread) for k in (6.0, 9.0)]
    return [Region(xy, max(size, 32.0), turn * math.pi / 4) for xy, size in places for turn in range(8)]


def movement(frames: Sequence[NDArray[np.uint8]]) -> tuple[tuple[float, float], float]:
    """Centre and spread (pixels) of what changes between the frames."""
    shrink = 4
    grey = np.stack(
        [cv2.resize(cv2.cvtColor(f, cv2.COLOR_BGR2GRAY), None, fx=1 / shrink, fy=1 / shrink) for f in frames]
    ).astype(np.float64)
    change = cv2.GaussianBlur(grey.std(axis=0), (0, 0), 2)
    change = np.clip(change - np.percentile(change, 60), 0, None)
    total = float(change.sum())
    if total <= 0:
        return (0.0, 0.0), 0.0
    y, x = np.indices(change.shape)
    cx, cy = float((change * x).sum() / total), float((change * y).sum() / total)
    spread = max(
        math.sqrt(float((change * (x - cx) ** 2).sum() / total)),
        math.sqrt(float((change * (y - cy) ** 2).sum() / total)),
    )
    return (cx * shrink, cy * shrink), spread * shrink


def agreement(net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], region: Region | None) -> float:
    """Median disagreement of two readings in a region; infinite where the model sees nobody steadily."""
    found = _try(net, frames, region) if region is not None else None
    return math.inf if found is None else found


def _try(
    net: LandmarkNet, frames: Sequence[NDArray[np.uint8]], region: Region, lying: bool = False
) -> float | None:
    """Median disagreement in a region, or None where the model sees nobody, or nobody `lying`, in it."""
    apart, scores = [], []
    missed = 0
    for frame in frames:
        direct, mirrored = net(frame, region), net(frame, region, mirrored=True)
        if min(direct.score, mirrored.score) < _PRESENCE:
            missed += 1
            if missed > (1 - _SEEN_IN_TRIAL) * len(frames):
                return None
            continue
        apart.append(skeleton_distance(direct.image_xyz, mirrored.image_xyz))
        scores.append(min(lying_score(direct.world_xyz), lying_score(mirrored.world_xyz)))
    if lying and np.median(scores) < _LYING:
        return None
    return float(np.median(apart))


def _least_reach_px(frame: NDArray[np.uint8], reach_px: float) -> float:
    """The least reach that is believed of a body that seemed to reach `reach_px`."""
    usual_px = _LEAST_REACH * frame.shape[0]
    return usual_px if reach_px >= usual_px / 2 else reach_px / 2


def _centred(
    net: LandmarkNet,
    frames: Sequence[NDArray[np.uint8]],
    region: Region,
    reaches: float,
    least_px: float,
) -> Region:
    """The region moved to the body's hips and sized to its reach, which is at least `least_px`."""
    hips, reach = [], []
    for frame in frames:
        xy = (net(frame, region).image_xyz[:, :2] + net(frame, region, mirrored=True).image_xyz[:, :2]) / 2
        centre = (xy[Landmark.LEFT_HIP] + xy[Landmark.RIGHT_HIP]) / 2
        hips.append(centre)
        reach.append(np.linalg.norm(xy[_REACHED] - centre, axis=1).max())
    centre = np.median(hips, axis=0)
    size = reaches * max(float(np.median(reach)), least_px)
    return Region((float(centre[0]), float(centre[1])), size, region.rotation)
