"""Recordings are read two frames at a time: the same results on any number of cores, near one by one."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np

from formcheck.pose.blazepose import BlazePose
from formcheck.pose.landmarks import PoseResult
from formcheck.pose.person import CORE, body_size_px
from formcheck.video.file import VideoFile

CLIP = Path(__file__).parents[2] / "videos" / "bridge_side.mp4"


def read(threads: int, *, ahead: bool) -> list[PoseResult]:
    with VideoFile(CLIP) as video, BlazePose("lite", threads=threads) as engine:
        frames = itertools.islice(video, 20)
        return list(engine.estimate_all(frames) if ahead else map(engine.estimate, frames))


def points(results: list[PoseResult]) -> np.ndarray:
    return np.stack([r.pose.image_xyz for r in results if r.pose is not None])


def test_results_do_not_depend_on_the_number_of_cores() -> None:
    one, two = read(1, ahead=True), read(2, ahead=True)
    assert [r.index for r in two] == list(range(20))
    np.testing.assert_array_equal(points(one), points(two))
    assert [r.mirrored is None for r in one] == [r.mirrored is None for r in two]
    assert sum(r.mirrored is not None for r in two) >= 3
    np.testing.assert_array_equal(points(read(1, ahead=False)), points(read(2, ahead=False)))


def test_looking_where_the_body_was_two_frames_before_changes_little() -> None:
    ahead, plain = points(read(2, ahead=True)), points(read(1, ahead=False))
    assert len(ahead) == len(plain) == 20
    apart = np.linalg.norm(ahead[:, CORE, :2] - plain[:, CORE, :2], axis=2) / body_size_px(plain[0])
    assert np.median(apart) < 0.02


def test_stopping_in_the_middle_leaves_the_engine_usable() -> None:
    with VideoFile(CLIP) as video, BlazePose("lite", threads=2) as engine:
        frames = list(itertools.islice(video, 6))
        results = engine.estimate_all(frames)
        assert next(results).pose is not None
        results.close()
        engine.reset()
        assert len(list(engine.estimate_all(frames))) == 6
