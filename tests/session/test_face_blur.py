"""Blurred faces, looked at as pixels."""

from __future__ import annotations

import numpy as np
import pytest

from formcheck.drawing.face_blur import KEEP_S, FaceBlur
from formcheck.pose.landmarks import Landmark

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (240, 320, 3), dtype=np.uint8)  # fine detail everywhere


def body(face_at: tuple[float, float]) -> np.ndarray:
    """A lying body of 100 px trunk with the face at a place."""
    xy = np.zeros((33, 2))
    xy[:] = (200, 150)
    xy[: Landmark.MOUTH_RIGHT + 1] = np.array(face_at) + RNG.uniform(-8, 8, (11, 2))
    for side in ("LEFT", "RIGHT"):
        xy[Landmark[f"{side}_SHOULDER"]] = np.add(face_at, (30, 20))
        xy[Landmark[f"{side}_HIP"]] = np.add(face_at, (130, 20))
    return xy


def detail(image: np.ndarray, at: tuple[int, int], radius: int = 12) -> float:
    """How much neighbouring pixels differ around a place."""
    x, y = at
    part = image[y - radius : y + radius, x - radius : x + radius].astype(float)
    return float(np.abs(np.diff(part, axis=1)).mean())


def test_the_face_is_blurred_and_the_hips_are_not():
    out = FaceBlur()(PICTURE, body((80, 100)), 0.0)
    assert detail(out, (80, 100)) < 0.1 * detail(PICTURE, (80, 100))
    assert np.array_equal(out[100:140, 190:230], PICTURE[100:140, 190:230])


def test_the_picture_itself_is_not_changed():
    before = PICTURE.copy()
    FaceBlur()(PICTURE, body((80, 100)), 0.0)
    assert np.array_equal(before, PICTURE)


def test_a_short_gap_keeps_the_last_place():
    blur = FaceBlur()
    blur(PICTURE, body((80, 100)), 0.0)
    out = blur(PICTURE, None, KEEP_S - 0.1)
    assert detail(out, (80, 100)) < 0.1 * detail(PICTURE, (80, 100))
    assert np.array_equal(out[100:140, 190:230], PICTURE[100:140, 190:230])


@pytest.mark.parametrize("before", [None, 0.0], ids=["never seen", "gone for long"])
def test_while_nobody_says_where_the_face_is_everything_is_blurred(before):
    blur = FaceBlur()
    if before is not None:
        blur(PICTURE, body((80, 100)), before)
    out = blur(PICTURE, None, 2.0)
    for at in ((80, 100), (250, 60), (40, 200)):
        assert detail(out, at) < 0.1 * detail(PICTURE, at)


@pytest.mark.parametrize("size", [40, 120, 200], ids=["far", "near", "right before the camera"])
def test_no_more_is_left_of_a_face_than_a_few_blocks(size):
    """A pattern of as many stripes as a face that can just be recognised has pixels is gone."""
    picture = np.full((240, 320, 3), 128, np.uint8)
    stripes = np.where((np.arange(size) * 8 // size) % 2 == 0, 40, 216).astype(np.uint8)
    x, y = 160 - size // 2, 120 - size // 2
    picture[y : y + size, x : x + size] = stripes[None, :, None]
    xy = body((160, 120))
    xy[: Landmark.MOUTH_RIGHT + 1] = (160, 120) + RNG.uniform(-0.3, 0.3, (11, 2)) * size
    for out in (FaceBlur()(picture, xy, 0.0), FaceBlur()(picture, None, 0.0)):
        assert np.ptp(out[120, x + 2 : x + size - 2].mean(axis=-1)) < 0.35 * (216 - 40)
