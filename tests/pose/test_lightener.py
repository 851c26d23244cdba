"""Networks see a lighter copy of a dark picture; a light one is not touched, and nothing flickers."""

from __future__ import annotations

import math
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from formcheck.pose.landmarks import PoseResult
from formcheck.pose.lightener import Lightener, lighter_levels
from formcheck.pose.live import LivePose
from formcheck.pose.recording import read_poses
from formcheck.video.file import Frame, VideoFile

VIDEOS = Path(__file__).parents[2] / "videos"
SHAPE = (240, 320, 3)


def grey(level: float, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.full(shape, level, np.uint8)


def dark_room(level: float, index: int = 0) -> np.ndarray:
    """A wall, its lighter half, and a camera's noise."""
    picture = np.full(SHAPE, level, np.float64)
    picture[:, 160:] *= 1.5
    picture += np.random.default_rng(index).normal(0, 4, SHAPE)
    return np.clip(picture, 0, 255).astype(np.uint8)


class Sees:
    """An engine without a model: it remembers what it was shown."""

    name, model, device, device_note = "none", "none", "cpu", ""

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def estimate(self, frame: Frame) -> PoseResult:
        self.shown.append(frame.image)
        return PoseResult(frame.time_s, frame.index, None)

    def reset(self) -> None: ...

    def close(self) -> None: ...


class Film:
    """Stands for a video file."""

    fps, frame_count = 15.0, 8

    def __init__(self, level: float) -> None:
        self.level = level

    def __iter__(self) -> Generator[Frame, None, None]:
        for i in range(self.frame_count):
            yield Frame(grey(self.level), i / self.fps, i)


@pytest.mark.parametrize("name", ["bridge_side.mp4", "clam_front.mp4"])
def test_what_is_light_enough_is_handed_on_as_it_is(name: str) -> None:
    lightener = Lightener()
    with VideoFile(VIDEOS / name) as video:
        for frame in video:
            before = frame.image.copy()
            assert lightener(frame) is frame
            np.testing.assert_array_equal(frame.image, before)


@pytest.mark.parametrize("axis", [0, 1])
def test_black_bars_make_no_picture_dark(axis: int) -> None:
    with VideoFile(VIDEOS / "bridge_side.mp4") as video:
        picture = next(iter(video)).image
    bar = np.zeros_like(picture)
    frame = Frame(np.concatenate([bar, picture, bar], axis=axis), 0.0, 0)
    assert Lightener()(frame) is frame


def test_a_dark_picture_gets_the_level_it_should_have() -> None:
    # All of one level: smoothing changes nothing, and its mean is what is aimed at.
    assert (Lightener()(Frame(grey(20), 0.0, 0)).image == 80).all()
    assert (Lightener()(Frame(grey(5), 0.0, 0)).image == 80).all()


def test_a_little_dark_is_a_little_lighter() -> None:
    given = np.array([64, 70, 76, 79, 80])
    shown = np.array([int(Lightener()(Frame(grey(v), 0.0, 0)).image[0, 0, 0]) for v in given])
    lighter = shown - given
    assert lighter[0] > 8
    assert (np.diff(lighter) <= 0).all()
    assert lighter[-1] == 0


def test_noise_is_smoothed_and_the_room_stays() -> None:
    picture = dark_room(20)
    lighter = Lightener()(Frame(picture, 0.0, 0)).image.astype(float)
    picture = picture.astype(float)
    # How far the two walls are apart, in units of the noise on one of them: 3 by 3 pixels are one.
    apart = lambda p: (p[:, 170:].mean() - p[:, :150].mean()) / p[:, :150].std()  # noqa: E731
    assert apart(lighter) > 2.3 * apart(picture)
    assert 70 < lighter.mean() < 90


def test_no_level_is_cut_off() -> None:
    for mean in (1.0, 10.0, 40.0):
        levels = lighter_levels(mean, 1.0).astype(int)
        assert levels[0] == 0
        assert levels[255] == 255
        assert (np.diff(levels) >= 0).all()
        assert levels[round(mean)] == pytest.approx(80, abs=2)
    np.testing.assert_array_equal(lighter_levels(20.0, 0.0), np.arange(256))
    np.testing.assert_array_equal(lighter_levels(120.0, 1.0), np.arange(256))


def test_nothing_flickers_where_the_light_does() -> None:
    lightener = Lightener()
    before = [20.0 * (1 + 0.1 * math.sin(2 * math.pi * 1.7 * i / 30)) for i in range(150)]
    steady = [
        lightener(Frame(dark_room(v, i), i / 30, i)).image.mean() / v for i, v in enumerate(before)
    ]  # how many times lighter
    changes = np.abs(np.diff(steady)) / np.mean(steady)
    assert changes.max() < 0.03
    assert np.ptp(steady) / np.mean(steady) < 0.15


def test_a_lamp_that_is_switched_on_is_followed_without_a_jump() -> None:
    lightener = Lightener()
    lightener(Frame(grey(15), 0.0, 0))
    shares = []
    for i in range(1, 450):
        frame = Frame(grey(140), i / 30, i)
        shown = lightener(frame)
        shares.append(int(shown.image[0, 0, 0]) - 140)
    assert shown is frame
    assert max(shares) > 20  # it was much too light at first
    assert np.abs(np.diff(shares)).max() <= 25
    assert all(share == 0 for share in shares[-300:])  # within five seconds


def test_a_recording_shows_it_to_the_model() -> None:
    for level, shown in ((20, 80), (120, 120)):
        engine = Sees()
        results, _, complete = read_poses(Film(level), engine)  # type: ignore[arg-type]
        assert complete
        assert len(results) == Film.frame_count
        assert [int(p[0, 0, 0]) for p in engine.shown] == [shown] * Film.frame_count


def test_a_live_session_shows_it_to_the_model_and_keeps_the_picture() -> None:
    engine = Sees()
    pose = LivePose(engine)  # type: ignore[arg-type]
    frame = Frame(grey(20), 0.0, 0)
    pose.estimate(frame, setting_up=True)
    assert (engine.shown[0] == 80).all()
    assert (frame.image == 20).all()  # what is drawn, stored, and told "it is rather dark"
