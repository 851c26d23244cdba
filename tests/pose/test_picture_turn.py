"""Which way up is the picture? The lying body tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from skeleton import Camera, Rep, bridge, clam, film, leg_raise, plank, repetitions

from formcheck.engine.picture_turn import PictureTurn, picture_turn, turned
from formcheck.exercises.definition import load_definition
from formcheck.pose.track import Track

BRIDGE, CLAM = load_definition("bridge"), load_definition("clam")
QUARTERS = [0, 1, 2, 3]
RIGHT = {0: 0, 1: 270, 2: 180, 3: 90}  # what undoes so many quarter turns clockwise


def filmed(body: Callable[[float], np.ndarray], yaw_deg: float, quarters: int) -> Track:
    """Two repetitions filmed from `yaw_deg`, the picture turned clockwise by so many quarters."""
    time_s, level, _ = repetitions([Rep(), Rep()], fps=15.0)
    camera = Camera(yaw_deg=yaw_deg, height_m=0.7)
    track = film(np.stack([body(float(x)) for x in level]), time_s, camera, noise_px=1.0, noise_m=0.01)
    width, height = track.image_wh
    xyz = track.image_xyz.astype(np.float64)
    xyz[..., :2] = turned(xyz[..., :2] - np.array([width / 2, height / 2]), quarters)
    wh = (height, width) if quarters % 2 else (width, height)
    xyz[..., :2] += np.array(wh) / 2
    world = turned(track.world_xyz.astype(np.float64), quarters)
    return replace(track, image_xyz=xyz.astype(np.float32), world_xyz=world.astype(np.float32), image_wh=wh)


def opening(x: float) -> np.ndarray:
    return clam(40 * x)


def lifting(x: float) -> np.ndarray:
    return bridge(0.2 * x)


@pytest.mark.parametrize("quarters", QUARTERS)
@pytest.mark.parametrize("yaw_deg", [0.0, 50.0, 180.0, -40.0])
def test_a_turned_bridge_is_turned_back(yaw_deg: float, quarters: int) -> None:
    assert picture_turn(filmed(lifting, yaw_deg, quarters), BRIDGE) == PictureTurn(RIGHT[quarters])


@pytest.mark.parametrize("quarters", QUARTERS)
@pytest.mark.parametrize("yaw_deg", [0.0, 30.0, -20.0])
def test_a_turned_clam_is_turned_back_so_that_the_knee_opens_upwards(yaw_deg: float, quarters: int) -> None:
    assert picture_turn(filmed(opening, yaw_deg, quarters), CLAM) == PictureTurn(RIGHT[quarters])


@pytest.mark.parametrize("quarters", [1, 3])
def test_on_its_side_and_without_movement_nobody_guesses_which_side(quarters: int) -> None:
    assert picture_turn(filmed(lambda _: clam(0), 0.0, quarters), CLAM) == PictureTurn(0, sure=False)


def test_somebody_still_is_not_turned_upside_down() -> None:
    assert picture_turn(filmed(lambda _: clam(0), 0.0, 0), CLAM) == PictureTurn(0)
    assert picture_turn(filmed(lambda _: bridge(0), 0.0, 0), BRIDGE) == PictureTurn(0)


def raised(x: float) -> np.ndarray:
    """A reverse crunch: both legs up, knees bent. Upside down its shanks hang as in a bridge."""
    return leg_raise(60 + 40 * x, 70.0, 60 + 40 * x)


@pytest.mark.parametrize("body", [raised, lambda x: plank(0.1 * x), lambda _: leg_raise(0.0)])
@pytest.mark.parametrize("exercise", ["bridge", "clam", "hamstring-stretch", "side-lying-abduction"])
def test_other_exercises_are_left_as_they_were_filmed(
    body: Callable[[float], np.ndarray], exercise: str
) -> None:
    assert picture_turn(filmed(body, 0.0, 0), load_definition(exercise)).rotate == 0


def test_a_clam_from_the_feet_is_no_bridge_on_its_side() -> None:
    assert picture_turn(filmed(opening, 80.0, 0), BRIDGE).rotate == 0


def test_nobody_has_no_side() -> None:
    assert picture_turn(Track.empty(20, (640, 480)), BRIDGE) == PictureTurn(0)


def test_a_quarter_turn_takes_right_to_down() -> None:
    assert turned(np.array([1.0, 0.0, 5.0]), 1).tolist() == [0.0, 1.0, 5.0]
    assert turned(np.array([1.0, 2.0]), 4).tolist() == [1.0, 2.0]
