"""Recognising view and posture from world landmarks, over sweeps of the camera."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from skeleton import Body, Camera, L, bridge, clam, lying_straight, plank, side_straight, standing

from formcheck.measures.view import (
    View,
    bridge_view,
    clam_view,
    hook_lying,
    knee_flexion_world_deg,
    side_lying,
)
from formcheck.pose.lying_reading import LYING_COUNT, Lying

LIFTS = (0.0, 0.08, 0.18)
OPENINGS = (0.0, 15.0, 35.0)


def seen(points, yaw: float, height: float = 0.3, **camera: float) -> np.ndarray:
    """World landmarks ``(T, 33, 3)``."""
    return Camera(yaw_deg=yaw, height_m=height, **camera).project(np.stack(points))[1]


def bridges(yaw: float, height: float = 0.3) -> np.ndarray:
    return seen([bridge(x) for x in LIFTS], yaw, height)


def clams(yaw: float, height: float = 0.3) -> np.ndarray:
    return seen([clam(x) for x in OPENINGS], yaw, height)


def view_of_bridge(yaw: float, height: float = 0.3) -> View:
    xy, world = Camera(yaw_deg=yaw, height_m=height).project(np.stack([bridge(x) for x in LIFTS]))
    return bridge_view(world, xy)


def view_of_clam(yaw: float, height: float = 0.3) -> View:
    xy, world = Camera(yaw_deg=yaw, height_m=height).project(np.stack([clam(x) for x in OPENINGS]))
    return clam_view(world, xy)


@pytest.mark.parametrize(
    ("yaws", "name"),
    [
        ((-12, 0, 12, 168, 180, 192), "side"),
        ((40, 50, 140, -40, -50, -140), "oblique"),
        ((80, 90, 100), "feet"),
        ((-80, -90, -100), "head"),
    ],
)
def test_bridge_views_away_from_the_borders(yaws, name):
    for yaw in yaws:
        assert view_of_bridge(yaw).name == name, yaw


@pytest.mark.parametrize(
    ("yaws", "name"),
    [
        ((-10, -5, 0), "front"),
        # BlazePose's trunk turns less than a true one, and the limits are for its landmarks.
        ((20, 35, 50), "oblique"),
        ((80, 85, 90), "feet"),
        ((-60, -75, -90), "head"),
        ((165, 180, 195), "back"),
    ],
)
def test_clam_views_away_from_the_borders(yaws, name):
    # As the specification sets it up: on the floor, but at the foot end on a table.
    height = 0.95 if name == "feet" else 0.3
    for yaw in yaws:
        assert view_of_clam(yaw, height).name == name, yaw


@pytest.mark.parametrize("view", [view_of_bridge, view_of_clam])
def test_going_round_the_body_each_view_comes_once_and_in_order(view):
    order = [name for name, _ in groupby(view(float(y)).name for y in range(-90, 91, 3))]
    wanted = {
        view_of_bridge: ["head", "oblique", "side", "oblique", "feet"],
        view_of_clam: ["head", "front", "oblique", "feet"],
    }
    assert order == wanted[view]


@pytest.mark.parametrize("height", [0.3, 0.7, 1.0])
@pytest.mark.parametrize("yaw", [20, 50, 70, 90])
def test_the_yaw_of_perfect_landmarks_is_the_cameras(yaw, height):
    assert abs(view_of_bridge(yaw, height).yaw_deg) == pytest.approx(yaw, abs=8)
    assert view_of_clam(yaw, height).yaw_deg == pytest.approx(yaw, abs=12)


def test_the_higher_the_camera_beside_a_bridge_the_more_it_looks_down():
    down = [view_of_bridge(0, height).elevation_deg for height in (0.25, 0.8, 1.3)]
    assert down == sorted(down)
    assert down[0] < 2
    assert down[2] > 20


def test_the_sign_of_the_yaw_tells_the_head_end_from_the_foot_end():
    assert view_of_bridge(90).yaw_deg > 60 > -60 > view_of_bridge(-90).yaw_deg
    assert view_of_bridge(50).yaw_deg > 25 > -25 > view_of_bridge(-50).yaw_deg
    assert view_of_clam(70).yaw_deg > 60 > -60 > view_of_clam(-70).yaw_deg


def test_a_few_wild_frames_do_not_change_the_view():
    points = np.stack([bridge(x) for x in LIFTS])
    xy, world = (np.concatenate([one] * 7) for one in Camera(yaw_deg=0, height_m=0.3).project(points))
    wild_xy, wild = Camera(yaw_deg=90, height_m=0.3).project(points)
    for frame in (3, 11):
        xy[frame], world[frame] = wild_xy[0], wild[0]
    assert bridge_view(world, xy).name == "side"


def test_nobody_wider_than_high_is_seen_from_an_end():
    points = np.stack([bridge(x) for x in LIFTS])
    _, from_the_feet = Camera(yaw_deg=90, height_m=0.3).project(points)
    wide, _ = Camera(yaw_deg=45, height_m=0.3).project(points)
    assert bridge_view(from_the_feet, wide).name == "oblique"


@pytest.mark.parametrize("size", [0.8, 1.0, 1.25])
@pytest.mark.parametrize("yaw", [-90, -45, 0, 45, 90, 180])
def test_lying_with_the_knees_up_is_a_bridge_and_not_a_clam(yaw, size):
    body = Body().scaled(size)
    world = seen([bridge(x * size, body=body) for x in LIFTS], yaw)
    assert hook_lying(world).all()
    assert not side_lying(world).any()


@pytest.mark.parametrize("yaw", [-30, 0, 30, 60])
@pytest.mark.parametrize("height", [0.3, 0.7])
def test_lying_on_the_side_with_bent_knees_is_a_clam_and_not_a_bridge(yaw, height):
    world = clams(yaw, height)
    assert side_lying(world).all()
    assert not hook_lying(world).any()


@pytest.mark.parametrize(
    "other",
    [standing(0.0), standing(1.0), standing(-0.5), plank(), plank(0.1), lying_straight(), lying_straight(40)],
    ids=["standing", "left step", "right step", "plank", "sagging plank", "straight", "leg raise"],
)
@pytest.mark.parametrize("yaw", [0, 40, 90])
def test_other_bodies_are_in_neither_posture(other, yaw):
    world = seen([other], yaw)
    assert not hook_lying(world).any()
    assert not side_lying(world).any()


def test_one_bent_knee_is_enough_for_a_bridge_but_both_are_needed_for_a_clam():
    assert hook_lying(seen([bridge(0.1, stance="left")], 0)).all()
    straight = clam(0)
    straight[L.LEFT_ANKLE] = straight[L.LEFT_KNEE] * 2 - straight[L.LEFT_HIP]
    assert not side_lying(seen([straight], 0)).any()


def read(thigh_to_shank: float, joints_off: float, count: int) -> np.ndarray:
    """Readings of the network for people who lie on their side."""
    out = np.full((count, LYING_COUNT), np.nan)
    out[:, [Lying.STRETCH, Lying.JOINTS_OFF, Lying.THIGH_TO_SHANK]] = 1, joints_off, thigh_to_shank
    return out


@pytest.mark.parametrize(
    ("thigh_to_shank", "joints_off", "known"),
    [(0.4, 0.1, True), (-1.5, 0.1, True), (0.5, 0.1, False), (0.4, 0.25, False), (np.nan, 0.1, False)],
)
def test_knees_that_the_network_sees_bent_are_bent(thigh_to_shank, joints_off, known):
    """BlazePose draws thighs that point at the camera as straight legs."""
    world = seen([side_straight()], 40)
    assert not side_lying(world, read(np.nan, np.nan, 1)).any()
    assert side_lying(world, read(thigh_to_shank, joints_off, 1)).all() == known


@pytest.mark.parametrize("other", [standing(0.0), plank(), bridge(0.1)], ids=["standing", "plank", "bridge"])
def test_bent_knees_alone_lie_on_no_side(other):
    assert not side_lying(seen([other], 40), read(0.1, 0.1, 1)).any()


def test_knee_flexion_left_and_right():
    world = seen([bridge(0.0, rest_knee_deg=100, stance="left")], 30)
    left, right = knee_flexion_world_deg(world)[0]
    assert left == pytest.approx(100, abs=0.1)
    assert right == pytest.approx(0, abs=0.1)
