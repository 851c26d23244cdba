"""Light as the set-up coach and the doctor judge it: dark and backlit rooms made out of well-lit ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from formcheck.video.file import VideoFile
from formcheck.video.light import image_light

VIDEOS = Path(__file__).parents[2] / "videos"


@pytest.fixture(scope="module", params=["bridge_side.mp4", "clam_front.mp4"])
def room(request: pytest.FixtureRequest) -> np.ndarray:
    with VideoFile(VIDEOS / request.param) as video:
        return next(iter(video)).image


def exposed(image: np.ndarray, gain: float) -> np.ndarray:
    """The same room with so much of its light, as a camera with a little noise shows it."""
    linear = (image / 255.0) ** 2.2 * gain
    linear += np.random.default_rng(0).normal(0, 0.002, image.shape)
    return (255 * np.clip(linear, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def with_window(image: np.ndarray, share: float) -> np.ndarray:
    """A white window of that share of the picture, top left."""
    out = image.copy()
    height, width = out.shape[:2]
    out[: int(height * share**0.5), : int(width * share**0.5)] = 255
    return out


@pytest.mark.parametrize("gain", [1.0, 0.6, 0.35])
def test_a_lit_room_is_fine(room: np.ndarray, gain: float) -> None:
    assert image_light(exposed(room, gain)) == "fine"


@pytest.mark.parametrize("gain", [0.05, 0.02, 0.0])
def test_lights_off_is_dark(room: np.ndarray, gain: float) -> None:
    assert image_light(exposed(room, gain)) == "dark"


@pytest.mark.parametrize("share", [0.08, 0.2, 0.4])
def test_a_window_behind_is_backlit(room: np.ndarray, share: float) -> None:
    assert image_light(with_window(exposed(room, 0.05), share)) == "backlit"


@pytest.mark.parametrize("share", [0.08, 0.2, 0.4])
def test_a_window_in_a_well_lit_room_is_fine(room: np.ndarray, share: float) -> None:
    assert image_light(with_window(room, share)) == "fine"


def test_a_small_lamp_in_a_dark_room_is_still_dark(room: np.ndarray) -> None:
    assert image_light(with_window(exposed(room, 0.01), 0.02)) == "dark"


def test_black_clothes_in_a_white_room_are_fine() -> None:
    image = np.full((480, 640, 3), 240, np.uint8)
    cv2.ellipse(image, (320, 300), (220, 60), 0, 0, 360, (20, 20, 20), -1)
    assert image_light(image) == "fine"


def test_any_size_will_do(room: np.ndarray) -> None:
    for size in ((64, 48), (1280, 720), (720, 1280)):
        assert image_light(cv2.resize(room, size)) == "fine"
    assert image_light(np.full((480, 640, 3), 255, np.uint8)) == "fine"
