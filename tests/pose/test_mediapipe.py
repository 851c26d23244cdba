"""The reference engine, run for real on the shipped bundle where mediapipe is installed (CI does)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from formcheck.errors import FormcheckError
from formcheck.pose import models
from formcheck.pose.engine import open_engine
from formcheck.pose.landmarks import Landmark
from formcheck.pose.mediapipe import MediaPipe
from formcheck.video.file import Frame

PICTURE = Path(__file__).parent / "data" / "person_256.png"


@pytest.fixture
def image() -> np.ndarray:
    """Somebody lying in a bridge, the picture turned by 90 degrees so that their head is up."""
    picture = cv2.imread(str(PICTURE))
    return cv2.resize(picture, (512, 512), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(autouse=True)
def nothing_but_what_is_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("FORMCHECK_POSE_TASK", raising=False)


@pytest.fixture
def engine() -> Iterator[MediaPipe]:
    pytest.importorskip("mediapipe")
    with MediaPipe("full") as opened:
        yield opened


def test_landmarks_are_in_pixels_of_the_frame(engine: MediaPipe, image: np.ndarray) -> None:
    result = engine.estimate(Frame(image, 0.25, 7))
    assert (result.time_s, result.index, result.people_seen) == (0.25, 7, 1)
    pose = result.pose
    assert pose is not None
    assert (pose.time_s, pose.index, pose.image_wh) == (0.25, 7, (512, 512))
    hips = pose.image_xy[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP]]
    assert ((hips > 100) & (hips < 412)).all()
    assert np.abs(pose.world_xyz).max() < 2
    assert 0.5 < pose.score <= 1
    shipped = models.find_bundle("full")
    assert engine.model_sha256 == {shipped.path.name: shipped.sha256}


def test_the_shape_of_the_frame_is_followed(engine: MediaPipe, image: np.ndarray) -> None:
    pose = engine.estimate(Frame(image, 0.0, 0)).pose
    engine.reset()
    wide = cv2.copyMakeBorder(image, 0, 0, 200, 100, cv2.BORDER_CONSTANT)
    moved = engine.estimate(Frame(wide, 0.0, 0)).pose
    assert pose is not None
    assert moved is not None
    seen = [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.LEFT_HIP, Landmark.RIGHT_HIP]
    np.testing.assert_allclose(moved.image_xy[seen] - pose.image_xy[seen], [[200, 0]] * 4, atol=15)


def test_equal_and_falling_times_do_not_stop_it(engine: MediaPipe, image: np.ndarray) -> None:
    for index, time_s in enumerate((1.0, 1.0, 1.0004, 0.5)):
        assert engine.estimate(Frame(image, time_s, index)).time_s == time_s
    engine.reset()
    assert engine.estimate(Frame(image, 0.0, 0)).people_seen == 1


def test_nobody(engine: MediaPipe) -> None:
    result = engine.estimate(Frame(np.full((240, 320, 3), 90, np.uint8), 0.0, 0))
    assert (result.pose, result.people_seen) == (None, 0)


def test_close_twice_and_use_after_close(engine: MediaPipe, image: np.ndarray) -> None:
    engine.close()
    engine.close()
    engine.reset()
    with pytest.raises(RuntimeError, match="has been closed"):
        engine.estimate(Frame(image, 0.0, 0))


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(FormcheckError, match=r"run pip install 'formcheck\[mediapipe\]'"):
        open_engine("mediapipe", "full")


def test_a_missing_bundle_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    with pytest.raises(FormcheckError, match=r"use the model full, or .* formcheck models add\.$"):
        MediaPipe("lite")
    monkeypatch.setenv("FORMCHECK_POSE_TASK", str(tmp_path / "none.task"))
    with pytest.raises(FormcheckError, match=r"Cannot read the MediaPipe bundle .*none\.task"):
        MediaPipe("full")


def test_a_bad_bundle_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe")
    bad = tmp_path / "bad.task"
    bad.write_bytes(b"no bundle at all")
    monkeypatch.setenv("FORMCHECK_POSE_TASK", str(bad))
    with pytest.raises(FormcheckError, match=r"MediaPipe cannot open bad\.task"):
        MediaPipe("full")
