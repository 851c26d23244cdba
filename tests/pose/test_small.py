"""Somebody small in a big picture is found, and read as the same pixels cut out are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from formcheck.pose.blazepose import BlazePose
from formcheck.pose.detector import INPUT_SIDE, parts
from formcheck.pose.landmarks import BOTH_HIPS, BOTH_KNEES, BOTH_SHOULDERS, PoseResult
from formcheck.pose.second_look import _least_reach_px
from formcheck.video.file import Frame, VideoFile

CLIP = Path(__file__).parents[2] / "videos" / "bridge_side.mp4"


@pytest.fixture(scope="module")
def engine() -> Iterator[BlazePose]:
    with BlazePose() as opened:
        yield opened


def small(scale: float, count: int = 22, step: int = 5) -> list[Frame]:
    """Pictures of a bridge, from rest to the top, made smaller."""
    with VideoFile(CLIP) as video:
        frames = list(itertools.islice(video, 0, count * step, step))
    return [
        Frame(
            np.asarray(cv2.resize(f.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8),
            f.time_s,
            f.index,
        )
        for f in frames
    ]


def placed(frames: list[Frame], size: tuple[int, int], at: tuple[int, int], texture: int) -> list[Frame]:
    """The same pictures in a bigger one, on a surface of random patches or (0) a plain one."""
    width, height = size
    rng = np.random.default_rng(texture)
    tiles = rng.integers(60, 200, (height // 60, width // 60, 3), np.uint8)
    around = (
        cv2.resize(tiles, size, interpolation=cv2.INTER_NEAREST)
        if texture
        else np.full((height, width, 3), 170, np.uint8)
    )
    out = []
    for frame in frames:
        image = np.asarray(around, np.uint8).copy()
        h, w = frame.image.shape[:2]
        image[at[1] : at[1] + h, at[0] : at[0] + w] = frame.image
        out.append(Frame(image, frame.time_s, frame.index))
    return out


def read(engine: BlazePose, frames: list[Frame]) -> list[PoseResult]:
    engine.reset()
    return list(engine.estimate_all(frames))


def hip_angles(results: list[PoseResult]) -> np.ndarray:
    angles = []
    for result in results:
        assert result.pose is not None
        shoulder, hip, knee = (
            result.pose.image_xy[part].mean(axis=0) for part in (BOTH_SHOULDERS, BOTH_HIPS, BOTH_KNEES)
        )
        u, v = shoulder - hip, knee - hip
        angles.append(np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v))))
    return np.array(angles)


@pytest.mark.parametrize(
    ("scale", "size", "at", "texture"),
    [
        (0.5, (1920, 1080), (60, 700), 0),
        (0.3, (1920, 1080), (1500, 100), 1),
        (0.6, (3840, 2160), (2400, 1500), 2),
    ],
)
def test_a_small_body_reads_as_the_same_pixels_cut_out(
    engine: BlazePose, scale: float, size: tuple[int, int], at: tuple[int, int], texture: int
) -> None:
    alone = small(scale)
    # The second picture is read beside the first, in which the body is yet to be found.
    big, cut_out = (read(engine, frames)[2:] for frames in (placed(alone, size, at, texture), alone))
    tops = [np.sort(hip_angles(results))[-4:].mean() for results in (big, cut_out)]
    assert tops[1] > 160
    assert tops[0] == pytest.approx(tops[1], abs=1.0)


def test_live_the_parts_are_looked_into_one_a_frame_until_it_is_found(engine: BlazePose) -> None:
    (frame,) = placed(small(0.5, count=1), (1280, 720), (100, 350), 0)
    engine.reset()
    squares = parts(1280, 720)
    found = [engine.estimate(Frame(frame.image, i / 30, i)).pose is not None for i in range(len(squares) + 1)]
    assert found[-1]
    assert all(after or not before for before, after in itertools.pairwise(found))


@pytest.mark.parametrize("texture", [1, 3, 5])
def test_nobody_is_found_in_an_empty_room(engine: BlazePose, texture: int) -> None:
    blank = Frame(np.full((8, 8, 3), 120, np.uint8), 0.0, 0)
    results = read(engine, placed([blank], (1280, 720), (0, 0), texture))
    assert results[0].pose is None


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (720, 1280), (640, 480), (300, 200)])
def test_whatever_fits_half_a_part_lies_wholly_in_one(width: int, height: int) -> None:
    squares = parts(width, height)
    assert all(square.side >= INPUT_SIDE for square in squares)
    for side in {square.side for square in squares}:
        same = [square for square in squares if square.side == side]
        half = side / 2
        for x, y in itertools.product(range(0, int(width - half), 37), range(0, int(height - half), 37)):
            assert any(
                s.left <= x and x + half <= s.left + side and s.top <= y and y + half <= s.top + side
                for s in same
            )
    assert bool(squares) == (max(width, height) >= 2 * INPUT_SIDE)


def test_the_least_reach_of_a_fixed_region_does_not_hold_for_somebody_small() -> None:
    frame = np.zeros((1000, 1600, 3), np.uint8)
    assert _least_reach_px(frame, 300.0) == _least_reach_px(frame, 120.0) == 200.0
    assert _least_reach_px(frame, 80.0) == 40.0
