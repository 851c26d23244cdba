"""The turned square that the landmark model looks at."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formcheck.pose.region import REGION_SCALE, Region

HIPS = np.array([320.0, 240.0])


@pytest.mark.parametrize(
    ("up", "rotation"),
    [((0, -1), 0.0), ((1, 0), math.pi / 2), ((-1, 0), -math.pi / 2), ((1, -1), math.pi / 4)],
    ids=["standing", "head right", "head left", "leaning right"],
)
def test_the_body_stands_upright_in_its_region(up, rotation):
    region = Region.from_alignment(HIPS, HIPS + 100 * np.array(up))
    assert region.rotation == pytest.approx(rotation)
    assert region.center_xy == pytest.approx((320, 240))
    assert region.size == pytest.approx(2 * 100 * np.linalg.norm(up) * REGION_SCALE)


def test_upside_down_is_half_a_turn():
    assert abs(Region.from_alignment(HIPS, HIPS + np.array([0, 100])).rotation) == pytest.approx(math.pi)


@given(st.floats(-3.1, 3.1), st.floats(20, 900), st.floats(-200, 900), st.floats(-200, 900))
def test_the_aligning_point_lies_straight_above_the_middle(angle, radius, x, y):
    hips = np.array([x, y])
    head = hips + radius * np.array([math.sin(angle), -math.cos(angle)])
    region = Region.from_alignment(hips, head)
    assert -math.pi <= region.rotation <= math.pi
    assert region.rotation == pytest.approx(angle, abs=1e-6)
    top = region.to_frame(np.array([[0.5, 0.5 - 0.5 / REGION_SCALE]]))[0]
    assert top == pytest.approx(head, abs=1e-6 * radius + 1e-6)
    assert region.to_frame(np.array([[0.5, 0.5]]))[0] == pytest.approx(hips)


@given(st.floats(-3.1, 3.1), st.floats(50, 500))
def test_corners_form_a_square_of_the_regions_size_that_is_not_mirrored(rotation, size):
    region = Region((300.0, 200.0), size, rotation)
    a, b, c, d = region.to_frame(np.array([[0, 0], [1, 0], [1, 1], [0, 1]]))
    for p, q in ((a, b), (b, c), (c, d), (d, a)):
        assert np.linalg.norm(q - p) == pytest.approx(size)
    u, v = b - a, d - a
    assert u @ v == pytest.approx(0, abs=1e-6 * size * size)
    assert u[0] * v[1] - u[1] * v[0] == pytest.approx(size * size)


def spot(image: np.ndarray) -> np.ndarray:
    """Centre of the bright spot in a picture."""
    weight = image[..., 0].astype(float)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("rotation", [0.0, 0.6, math.pi / 2, -2.3])
@pytest.mark.parametrize("at", [(0.5, 0.5), (0.3, 0.4), (0.7, 0.2)])
def test_the_crop_shows_what_to_frame_says_it_shows(rotation, at):
    region = Region((330.0, 250.0), 280.0, rotation)
    place = region.to_frame(np.array([at]))[0]
    picture = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(picture, (round(place[0]), round(place[1])), 6, (255, 255, 255), -1)
    crop = region.crop(picture, 256)
    assert crop.shape == (256, 256, 3)
    assert spot(crop) / 256 == pytest.approx(np.array(at), abs=0.008)


def test_outside_the_frame_its_edge_is_repeated():
    picture = np.full((100, 100, 3), 50, np.uint8)
    picture[:, :3] = 200
    crop = Region((0.0, 50.0), 100.0, 0.0).crop(picture, 64)
    assert (crop[:, :33] == 200).all()
    assert (crop[:, 36:] == 50).all()
