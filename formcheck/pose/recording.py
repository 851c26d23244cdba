"""Poses of a whole recording: decode ahead, estimate, and look a second time where tracking gave out."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from formcheck.pose.blazepose import BlazePose
from formcheck.pose.engine import PoseEngine
from formcheck.pose.half_rate import FAST_FPS, ORDINARY_FPS, LeftOut, filled, may_hide_a_cut, thinned
from formcheck.pose.landmarks import PoseResult
from formcheck.pose.lightener import Lightener
from formcheck.pose.lying import LyingNet, LyingReader
from formcheck.pose.lying_joints import (
    JointsNet,
    JointsPose,
    find_lying_body,
    find_turn,
    is_blazepose_sure,
    is_nearer,
)
from formcheck.pose.result_file import Readings
from formcheck.pose.second_look import (
    TRIAL_FRAMES,
    are_apart,
    disagreement,
    find_lying,
    find_region,
    is_better,
    is_steady,
    only_upright,
    seen_share,
)
from formcheck.video.file import Frame, VideoFile
from formcheck.video.prefetch import ahead

#: Told how far the work is: what is being done, and the share done from 0 to 1.
Progress = Callable[[str, float], None]

#: Somebody seen in this share of the frames is followed.
_SEEN = 0.9
#: Frames decoded ahead while the pose model works.
_AHEAD = 8


def read_poses(
    source: VideoFile,
    engine: PoseEngine,
    progress: Progress | None = None,
    lying: LyingNet | None = None,
    own: JointsNet | None = None,
    may_be_turned: bool = False,
) -> tuple[Readings, dict[str, float], bool]:
    """Poses of all frames of a recording.

    Of a fast one our engine reads every second frame, and of one of 30 fps too while it follows the body
    surely (`formcheck.pose.half_rate`). Ctrl-C ends the reading; what was read until then is returned.

    Args:
        source: the recording.
        engine: a pose engine.
        progress: called now and then.
        lying: also reads what turned in a body that lies on its side; None where nobody asks for it.
        own: looks for a body that lies where BlazePose does not see one steadily; None where nobody
            lies so.
        may_be_turned: our network looks for a body in the turned picture too; where it lies there, this is
            told (`Readings.turn`), and the recording is to be read anew.

    Returns:
        One result a frame, seconds spent by stage (``decode``, ``pose``), and whether the end was reached.
    """
    spent = {"decode": 0.0, "pose": 0.0}
    results, complete = _read(source, engine, spent, progress, "Looking at the video", lying, ORDINARY_FPS)
    if complete and isinstance(engine, BlazePose):
        count = len(results)
        pictures = cache(lambda: _spread(source, count))  # a pass over the recording: once, and if at all
        with suppress(KeyboardInterrupt):  # what was read before stays
            if results.interpolated and source.fps < FAST_FPS and not _is_followed(results, own):
                engine.reset()
                again, whole = _read(source, engine, spent, progress, "Looking at every picture", lying)
                results = again if whole else results
            results = _second_look(source, engine, results, pictures, spent, progress, lying)
            if own is not None:
                results = _by_own_joints(
                    source, own, results, pictures, spent, progress, lying, may_be_turned
                )
    return results, spent, complete


def _is_followed(results: Readings, own: JointsNet | None) -> bool:
    """True where nothing else is asked about this body, and nothing hidden by reading half of the frames."""
    sure = own is None or is_blazepose_sure(results, own.lies_on, own.one_leg)
    return sure and is_steady(results) and not may_hide_a_cut(results)


def _second_look(
    source: VideoFile,
    engine: BlazePose,
    results: Readings,
    pictures: Callable[[], list[NDArray[np.uint8]]],
    spent: dict[str, float],
    progress: Progress | None,
    lying: LyingNet | None,
) -> Readings:
    """What one fixed region gives where tracking gave out, if that is to be believed rather."""
    beside = only_upright(results)  # the patient may lie beside the one who was followed
    if not beside and is_steady(results):
        return results
    begun = time.monotonic()
    find = find_lying if beside else find_region
    region = find(engine.net, pictures(), results)
    spent["pose"] += time.monotonic() - begun
    if region is None:
        return results
    engine.hold(region)
    again, whole = _read(source, engine, spent, progress, "Looking a second time", lying)
    better = not only_upright(again) if beside else is_better(again, results)
    return again if whole and better else results


def _by_own_joints(
    source: VideoFile,
    net: JointsNet,
    results: Readings,
    pictures: Callable[[], list[NDArray[np.uint8]]],
    spent: dict[str, float],
    progress: Progress | None,
    lying: LyingNet | None,
    may_be_turned: bool,
) -> Readings:
    """What our network for people who lie gives, if that is to be believed rather."""
    sure = is_blazepose_sure(results, net.lies_on, net.one_leg) and seen_share(results) >= _SEEN
    if sure and not only_upright(results):
        return results
    # Sure of somebody upright, a helper, say: that tells nothing of who lies.
    before = math.inf if sure else disagreement(results)
    begun = time.monotonic()
    found = find_lying_body(net, pictures(), results)
    if may_be_turned and not is_steady(results):  # who is followed steadily lies as BlazePose sees it
        results.turn = find_turn(net, pictures(), results, math.inf if found is None else found[0])
    spent["pose"] += time.monotonic() - begun
    if results.turn:
        return results
    if found is None or not is_nearer(found[0], before):
        return results
    again, whole = _read(source, JointsPose(net, found[1]), spent, progress, "Looking once more", lying)
    again.own_joints = True
    seen = seen_share(again) >= seen_share(results) - 0.05
    if not (whole and seen and is_nearer(disagreement(again), before)):
        return results
    # One body in both: the picture is turned, and who stands in it lies.
    return results if sure and not are_apart(again, results) else again


def _spread(source: VideoFile, count: int) -> list[NDArray[np.uint8]]:
    """A few pictures spread evenly over the recording."""
    wanted = set(np.linspace(0, max(count - 1, 0), TRIAL_FRAMES).astype(int).tolist())
    return [frame.image for frame in map(Lightener(), (f for f in source if f.index in wanted))]


def _read(
    source: VideoFile,
    engine: PoseEngine | JointsPose,
    spent: dict[str, float],
    progress: Progress | None,
    what: str,
    lying: LyingNet | None,
    thinned_from: float = FAST_FPS,
) -> tuple[Readings, bool]:
    """One pass over the recording, of every second frame from that rate on; adds to `spent`."""
    results = Readings()
    expected = source.frame_count or 0
    frames = _Timed(ahead(source, _AHEAD, "decode"))
    left_out: deque[LeftOut] = deque()
    ours = isinstance(engine, BlazePose | JointsPose)  # the reference engine reads every frame
    thin = ours and source.fps >= thinned_from
    rate = FAST_FPS if source.fps >= FAST_FPS else thinned_from
    given = map(Lightener(), thinned(frames, left_out, rate) if thin else frames)
    read = _estimated(given, engine, lying)
    estimated = filled(read, left_out) if thin else read
    begun = time.monotonic()
    try:
        for result in estimated:
            results.append(result)
            if progress is not None and len(results) % 5 == 0:
                progress(what, min(len(results) / expected, 1.0) if expected else 0.0)
        return results, True
    except KeyboardInterrupt:
        if not results:
            raise
        return results, False
    finally:
        estimated.close()
        frames.close()
        spent["decode"] += frames.waited_s
        spent["pose"] += time.monotonic() - begun - frames.waited_s


def _estimated(
    frames: Iterable[Frame], engine: PoseEngine | JointsPose, lying: LyingNet | None
) -> Generator[PoseResult, None, None]:
    """Results of these frames, one by one."""
    pictures: deque[Frame] = deque()
    given = _kept(frames, pictures) if lying is not None else frames
    results = engine.estimate_all(given) if isinstance(engine, BlazePose) else _one_by_one(engine, given)
    with closing(results):
        if lying is None:
            yield from results
            return
        reader = LyingReader(lying)
        for result in results:
            yield replace(result, lying=reader.read(pictures.popleft().image, result.pose, result.time_s))


def _kept(frames: Iterable[Frame], pictures: deque[Frame]) -> Iterator[Frame]:
    """The frames, each put at the end of `pictures` before it is given."""
    for frame in frames:
        pictures.append(frame)
        yield frame


def _one_by_one(
    engine: PoseEngine | JointsPose, frames: Iterable[Frame]
) -> Generator[PoseResult, None, None]:
    for frame in frames:
        yield engine.estimate(frame)


class _Timed(Iterator[Frame]):
    """Frames, and for how many seconds they were waited for."""

    def __init__(self, frames: Generator[Frame, None, None]) -> None:
        self.waited_s = 0.0
        self._frames = frames

    def __next__(self) -> Frame:
        begun = time.monotonic()
        try:
            return next(self._frames)
        finally:
            self.waited_s += time.monotonic() - begun

    def close(self) -> None:
        self._frames.close()
