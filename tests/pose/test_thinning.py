"""Of fast video every second frame is read; the poses between lie between, and nobody is invented there."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from skeleton import Camera, bridge, bridge_lift_for, film, repetitions
from skeleton import results as results_of
from stored_session import REPS, judged, store

from formcheck.pose.blazepose import BlazePose, LandmarkNet
from formcheck.pose.half_rate import FAST_FPS, ORDINARY_FPS, LeftOut, between, filled, thinned
from formcheck.pose.landmarks import PoseResult
from formcheck.pose.recording import read_poses
from formcheck.pose.result_file import Readings
from formcheck.pose.track import Track, body_sizes_px
from formcheck.session.analyze import analyze
from formcheck.session.rescore import rescore
from formcheck.video.file import Frame, VideoFile
from formcheck.video.writer import VideoWriter

DEMO = Path(__file__).parents[2] / "videos" / "bridge_side.mp4"
BLACK = np.zeros((2, 2, 3), np.uint8)
STRAIGHT_M = bridge_lift_for(178.0)


def read_of(time_s: Iterable[float], rate: float = FAST_FPS) -> tuple[list[int], list[int]]:
    """Which of the frames at these times are read, and which are left out."""
    left_out: deque[LeftOut] = deque()
    read = [f.index for f in thinned((Frame(BLACK, t, i) for i, t in enumerate(time_s)), left_out, rate)]
    return read, [index for _, index in left_out]


class Film:
    """Stands for a video file: frames at these times."""

    def __init__(self, time_s: np.ndarray, fps: float) -> None:
        self.time_s, self.fps, self.frame_count = time_s, fps, len(time_s)

    def __iter__(self) -> Generator[Frame, None, None]:
        for i, t in enumerate(self.time_s):
            yield Frame(BLACK, float(t), i)


class Known(BlazePose):
    """Our engine without its models: it knows the pose in every frame, and notes which it was asked for."""

    def __init__(self, results: list[PoseResult], stop_at: int | None = None) -> None:
        self._results, self._stop_at = results, stop_at
        self.asked: list[int] = []
        self.begun_anew = 0
        self._net = cast(LandmarkNet, object())

    def reset(self) -> None:
        self.begun_anew += 1

    def estimate_all(self, frames: Iterable[Frame]) -> Generator[PoseResult, None, None]:
        for frame in frames:
            if frame.index == self._stop_at:
                raise KeyboardInterrupt
            self.asked.append(frame.index)
            one = self._results[frame.index]
            yield replace(one, mirrored=one.pose)


@cache
def bridges(fps: float, noise: float = 1.0) -> Track:
    """Three bridges, the second too low, filmed from the side."""
    time_s, level, _ = repetitions(REPS, fps)
    points = np.stack([bridge(STRAIGHT_M * 0.8 * x) for x in level])
    return film(points, time_s, Camera(yaw_deg=3.0), noise_px=noise, noise_m=0.005 * noise, seed=3)


def read(track: Track, fps: float, stop_at: int | None = None) -> tuple[Readings, Known, bool]:
    engine = Known(results_of(track), stop_at)
    readings, _, complete = read_poses(cast(VideoFile, Film(track.time_s, fps)), engine)
    return readings, engine, complete


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_of_60_fps_every_second_frame_is_read_and_always_the_last_one(count: int) -> None:
    read, left_out = read_of(np.arange(count) / 60)
    assert read == sorted({*range(0, count, 2), count - 1})
    assert sorted(read + left_out) == list(range(count))


@pytest.mark.parametrize(
    ("rate", "fps", "step"),
    [
        *((FAST_FPS, fps, step) for fps, step in ((24, 1), (30, 1), (50, 2), (59.94, 2), (120, 4))),
        *((ORDINARY_FPS, fps, step) for fps, step in ((15, 1), (25, 1), (29.97, 2), (30, 2))),
    ],
)
def test_how_many_are_read_depends_on_the_rate(rate: float, fps: float, step: int) -> None:
    read, _ = read_of(np.arange(121) / fps, rate)
    assert set(np.diff(read)) == {step}


def test_where_the_rate_falls_all_are_read_and_no_gap_is_made_longer() -> None:
    # A phone in the dark: 60 fps, then 25, a gap of a second, then 60 again.
    steps = [1 / 60] * 20 + [1 / 25] * 10 + [1.0] + [1 / 60] * 20
    time_s = np.concatenate([[0.0], np.cumsum(steps)])
    read, left_out = read_of(time_s)
    assert set(range(20, 32)) <= set(read)
    assert 18 <= len(left_out) <= 20
    for index in left_out:
        before, after = max(i for i in read if i < index), min(i for i in read if i > index)
        assert time_s[after] - time_s[before] <= 2 / FAST_FPS


def test_a_pose_between_lies_between_and_is_called_so() -> None:
    track = bridges(60.0, noise=0.0)
    first, last = (replace(r, people_seen=2) for r in results_of(track)[110:113:2])
    middle = between(first, last, first.time_s + 0.25 * (last.time_s - first.time_s), 111)
    assert middle.pose is not None
    assert first.pose is not None
    assert last.pose is not None
    assert (middle.index, middle.people_seen, middle.mirrored, middle.interpolated) == (111, 2, None, True)
    for name in ("image_xyz", "world_xyz", "visibility", "presence"):
        expected = 0.75 * getattr(first.pose, name) + 0.25 * getattr(last.pose, name)
        np.testing.assert_allclose(getattr(middle.pose, name), expected, rtol=1e-5, atol=1e-6)
    assert middle.pose.image_xyz.dtype == np.float32
    assert (middle.pose.time_s, middle.pose.index) == (middle.time_s, 111)


@pytest.mark.parametrize("lost_first", [True, False])
def test_nobody_is_invented_beside_a_frame_without_a_body(lost_first: bool) -> None:
    seen = results_of(bridges(60.0))[10]
    lost = PoseResult(seen.time_s + 1 / 30, 12, None, 1, rejected="teleport")
    pair = (replace(lost, time_s=0.0, index=8), seen) if lost_first else (seen, lost)
    middle = between(*pair, seen.time_s + 1 / 60, 11)
    assert middle.pose is None
    assert middle.rejected == "teleport"
    assert (middle.index, middle.interpolated) == (11, True)


def test_no_body_lies_between_two_places() -> None:
    seen = results_of(bridges(60.0))[10]
    assert seen.pose is not None
    elsewhere = replace(
        seen.pose, time_s=seen.time_s + 1 / 30, image_xyz=seen.pose.image_xyz + np.float32(300)
    )
    cut = PoseResult(elsewhere.time_s, 12, elsewhere, 1)
    assert between(seen, cut, seen.time_s + 1 / 60, 11).pose is None


@pytest.mark.parametrize("odd", [True, False])
def test_a_fast_recording_has_a_result_for_every_frame_and_half_of_them_read(odd: bool) -> None:
    track = bridges(60.0)
    track = track.part(slice(0, len(track) - (len(track) % 2 != odd)))
    readings, engine, complete = read(track, 60.0)
    assert complete
    assert [r.index for r in readings] == list(range(len(track)))
    np.testing.assert_array_equal([r.time_s for r in readings], track.time_s)
    assert len(engine.asked) == len(track) // 2 + 1
    assert readings.interpolated == len(track) - len(engine.asked)
    assert [r.index for r in readings if not r.interpolated] == engine.asked


@pytest.mark.parametrize("fps", [15.0, 25.0])
def test_of_a_slow_recording_every_frame_is_read_however_its_clock_shakes(fps: float) -> None:
    track = bridges(fps)
    bunched = np.resize([0.02, 0.0, -0.02], len(track))  # three frames close together
    shaken = replace(track, time_s=track.time_s + bunched)
    readings, engine, _ = read(shaken, fps)
    assert engine.asked == list(range(len(track)))
    assert readings.interpolated == 0


def test_of_an_ordinary_recording_half_is_read_where_the_body_is_followed() -> None:
    track = bridges(30.0)
    readings, engine, _ = read(track, 30.0)
    assert engine.asked == sorted({*range(0, len(track), 2), len(track) - 1})
    assert readings.interpolated == len(track) - len(engine.asked)


def test_of_an_ordinary_recording_all_is_read_where_the_body_gets_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("formcheck.pose.recording.find_region", lambda *_: None)  # no second look after it
    track = bridges(30.0)
    lost = np.arange(len(track)) % 10 < 2  # a fifth of the frames
    image = track.image_xyz.copy()
    image[lost] = np.nan
    readings, engine, _ = read(replace(track, image_xyz=image, person=track.person & ~lost), 30.0)
    assert engine.asked[-len(track) :] == list(range(len(track)))
    assert engine.begun_anew == 1
    assert readings.interpolated == 0


def test_of_an_ordinary_recording_all_is_read_where_a_cut_may_be_bridged() -> None:
    track = bridges(30.0)
    image = track.image_xyz.copy()
    size = float(np.median(body_sizes_px(image)))
    image[len(track) // 2 | 1 :, :, 0] += 0.5 * size  # another shot, from a frame that is passed over
    readings, engine, _ = read(replace(track, image_xyz=image), 30.0)
    assert engine.begun_anew == 1
    assert readings.interpolated == 0


def test_stopping_keeps_what_was_read_until_then() -> None:
    readings, engine, complete = read(bridges(60.0), 60.0, stop_at=100)
    assert not complete
    assert engine.asked[-1] == 98
    assert [r.index for r in readings] == list(range(99))


def test_closing_ends_the_reading_too() -> None:
    def reading() -> Generator[PoseResult, None, None]:
        for i in range(3):
            yield PoseResult(float(i), i, None)

    inner = reading()
    results = filled(inner, deque())
    next(results)
    results.close()
    assert list(inner) == []


def test_the_same_repetitions_are_found_with_half_the_frames_read() -> None:
    track = bridges(60.0)
    readings, _, _ = read(track, 60.0)
    half = judged(Track.from_results(readings, track.image_wh)).summary
    full = judged(track).summary
    assert half.source.frames == full.source.frames
    assert [r.class_ for r in half.reps] == [r.class_ for r in full.reps]
    assert len(half.reps) == 3
    for a, b in zip(half.reps, full.reps, strict=True):
        assert [f.id for f in a.faults] == [f.id for f in b.faults]
        assert (a.start_s, a.peak_s, a.end_s) == pytest.approx((b.start_s, b.peak_s, b.end_s), abs=0.1)
        for name, value in b.peak.items():
            assert a.peak[name] == (None if value is None else pytest.approx(value, rel=0.02, abs=0.02))


def test_the_summary_says_how_many_were_not_read_and_a_stored_session_keeps_it(tmp_path: Path) -> None:
    clip = tmp_path / "fast.mp4"
    with VideoFile(DEMO) as video, VideoWriter(clip, video.width, video.height, fps=60) as out:
        for frame in itertools.islice(video, 30):
            out.write(frame.image, frame.index / 60)
    analysis = analyze(clip, "bridge", model="lite")
    assert analysis.summary.source.frames == 30
    assert analysis.summary.pose.frames_interpolated == 14
    assert analysis.track.person.all()
    again = rescore(store(analysis, tmp_path / "session") / "session.sqlite")
    assert again.summary.pose == analysis.summary.pose
    np.testing.assert_array_equal(again.track.image_xyz, analysis.track.image_xyz)
    np.testing.assert_array_equal(again.measures.value, analysis.measures.value)
