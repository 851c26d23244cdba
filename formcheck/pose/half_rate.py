"""Recordings of which the model reads every second frame; the poses between are interpolated.

A body on a mat moves little in a thirtieth of a second, and what is measured is filtered at 6 Hz afterwards
(`track.CUTOFF_HZ`): 15 readings a second carry it, for half the time.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from formcheck.pose.landmarks import Pose, PoseResult
from formcheck.pose.person import JUMPED_LANDMARKS, count_jumped
from formcheck.video.file import Frame

#: Recordings this fast are always thinned: 50 fps, the slower of the two rates phones call fast, and a little
#: less, as no clock is exact. Half of it is as slow as the slowest common camera (25 fps).
FAST_FPS = 49.0
#: And from here on (30 fps), where the body is followed surely with half of the frames: else all are read.
ORDINARY_FPS = 29.0

#: One frame of such a recording.
_FRAME_S = 1 / 30

#: Time and index of a frame left out.
LeftOut = tuple[float, int]


def thinned(frames: Iterable[Frame], left_out: deque[LeftOut], fps: float) -> Iterator[Frame]:
    """The frames the model is to read: never further apart than every second one at that rate.

    Where frames come slower than that, as in the dark, all are read; at more than twice the rate fewer than
    every second one. The first and the last frame are always read.

    Args:
        frames: in order of time.
        fps: `FAST_FPS` or `ORDINARY_FPS`.
        left_out: the others are put at its end, before the next frame to read is given.
    """
    read_s, held = -math.inf, None
    for frame in frames:
        if held is not None:
            if frame.time_s - read_s <= 2 / fps:
                left_out.append((held.time_s, held.index))
            else:
                read_s = held.time_s
                yield held
        held = frame
    if held is not None:
        yield held


def filled(
    read: Generator[PoseResult, None, None], left_out: deque[LeftOut]
) -> Generator[PoseResult, None, None]:
    """One result a frame: those of the frames that were read, and between them those of `left_out`.

    Args:
        read: results of the frames that `thinned` gave.
        left_out: what `thinned` left out; emptied here.
    """
    before: PoseResult | None = None
    with closing(read):
        for after in read:
            while before is not None and left_out and left_out[0][1] < after.index:
                yield between(before, after, *left_out.popleft())
            yield after
            before = after


def may_hide_a_cut(results: Iterable[PoseResult]) -> bool:
    """True where a body moves further from one frame that was read to the next than bodies do from frame to
    frame: between them the picture may have changed, and what was interpolated there would bridge it."""
    last: Pose | None = None
    for result in results:
        if result.rejected is not None:
            return True
        if result.interpolated or result.pose is None:
            continue
        if last is not None and count_jumped(last, result.pose, _FRAME_S) >= JUMPED_LANDMARKS:
            return True
        last = result.pose
    return False


def between(before: PoseResult, after: PoseResult, time_s: float, index: int) -> PoseResult:
    """The result of a frame that was not read, between two that were.

    A pose only where both have one and it is the same body; else the body is lost as in the neighbour.
    """
    for lost in (before, after):
        if lost.pose is None:
            return replace(lost, time_s=time_s, index=index, mirrored=None, interpolated=True, lying=None)
    assert before.pose is not None
    assert after.pose is not None
    pose = None
    if count_jumped(before.pose, after.pose) < JUMPED_LANDMARKS:
        pose = _between(before.pose, after.pose, time_s, index)
    # What turned is not read in every frame anyway: until it is again, it is as it was.
    lying = before.lying if pose is not None else None
    return PoseResult(time_s, index, pose, before.people_seen, interpolated=True, lying=lying)


def _between(before: Pose, after: Pose, time_s: float, index: int) -> Pose:
    share = np.float32((time_s - before.time_s) / (after.time_s - before.time_s))

    def mixed(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(one + share * (other - one), np.float32)

    return Pose(
        time_s=time_s,
        index=index,
        image_wh=before.image_wh,
        image_xyz=mixed(before.image_xyz, after.image_xyz),
        world_xyz=mixed(before.world_xyz, after.world_xyz),
        visibility=mixed(before.visibility, after.visibility),
        presence=mixed(before.presence, after.presence),
        score=min(before.score, after.score),
    )
