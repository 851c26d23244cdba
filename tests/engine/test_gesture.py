"""An arm held straight up pauses, from every view; nothing that the exercises do looks like it."""

from __future__ import annotations

import numpy as np
import pytest
from skeleton import (
    Camera,
    Rep,
    arm_up,
    bridge,
    bridge_lift_for,
    clam,
    film,
    leg_raise,
    repetitions,
    standing,
)

from formcheck.engine.gesture import HELD_S, ArmUp, Raised
from formcheck.pose.live_filter import SeenFrame
from formcheck.pose.track import Track

FPS = 15
TOP_M = bridge_lift_for(178.0)
VIEWS = {
    "side": Camera(yaw_deg=0),
    "other side": Camera(yaw_deg=180),
    "corner": Camera(yaw_deg=45, height_m=0.8),
    "feet": Camera(yaw_deg=80, height_m=1.0),
    "head": Camera(yaw_deg=-80, height_m=1.0),
}


def told(track: Track) -> list[tuple[float, Raised]]:
    """When an arm was heard of."""
    arms, out = ArmUp(), []
    for i, t in enumerate(track.time_s):
        seen = SeenFrame(
            float(t), i, track.image_wh, track.image_xyz[i], track.world_xyz[i], track.visibility[i]
        )
        if (raised := arms.update(seen)) is not None:
            out.append((round(float(t), 1), raised))
    return out


def shown(*parts: tuple[np.ndarray, float], camera: Camera, **noise: float) -> Track:
    """Bodies, each for so many seconds."""
    points = np.concatenate([np.repeat(body[None], round(s * FPS), axis=0) for body, s in parts])
    return film(points, np.arange(len(points)) / FPS, camera, **noise)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("side", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("lean_deg", [-15, 0, 15])
def test_an_arm_that_is_held_up_is_heard_of_once_from_every_view(
    view: str, side: str, lean_deg: float
) -> None:
    lying = bridge()
    raised = arm_up(lying, side, lean_deg)
    track = shown((lying, 2), (raised, 6), (lying, 2), camera=VIEWS[view], noise_px=1.0, noise_m=0.005)
    ((at_s, which),) = told(track)
    assert which == "one"
    assert at_s == pytest.approx(2 + HELD_S, abs=0.5)


@pytest.mark.parametrize("side", ["LEFT", "RIGHT"])
def test_on_the_side_it_is_the_upper_arm(side: str) -> None:
    lying = clam(0.0)
    track = shown((lying, 1), (arm_up(lying, side), 4), camera=Camera(yaw_deg=0, target=(0.0, 0.25, 0.2)))
    assert [which for _, which in told(track)] == ["one"]


def test_again_only_after_it_came_down_and_both_are_told_apart() -> None:
    lying = bridge()
    one = arm_up(lying, "LEFT")
    both = arm_up(one, "RIGHT")
    track = shown((one, 3), (lying, 1), (one, 3), (lying, 1), (both, 3), camera=VIEWS["side"])
    assert [which for _, which in told(track)] == ["one", "one", "both"]


def test_too_short_is_nothing() -> None:
    lying = bridge()
    raised = arm_up(lying, "LEFT")
    assert told(shown((lying, 1), (raised, HELD_S - 0.4), (lying, 1), camera=VIEWS["side"])) == []


@pytest.mark.parametrize("view", VIEWS)
def test_arms_that_do_something_else_are_nothing(view: str) -> None:
    lying = bridge()
    reaching = arm_up(lying, "LEFT", lean_deg=50)  # to the knee
    overhead = arm_up(lying, "LEFT", lean_deg=-88)  # on the floor, behind the head
    track = shown((reaching, 4), (overhead, 4), camera=VIEWS[view])
    assert told(track) == []


def test_whoever_stands_may_raise_an_arm() -> None:
    assert told(shown((arm_up(standing(), "LEFT"), 5), camera=VIEWS["side"])) == []


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("exercise", ["bridge", "clam", "leg_raise"])
def test_no_exercise_is_taken_for_it(view: str, exercise: str) -> None:
    time_s, level, _ = repetitions([Rep(1.9, 3.0, 2.0, 1.0)] * 2, fps=FPS, lead_s=2.0)
    make = {
        "bridge": lambda x: bridge(TOP_M * x),
        "clam": lambda x: clam(32.0 * x),
        "leg_raise": lambda x: leg_raise(80.0 * x),
    }[exercise]
    points = np.stack([make(x) for x in level])
    assert told(film(points, time_s, VIEWS[view], noise_px=1.0, noise_m=0.005)) == []


def test_nobody_in_view_is_nothing() -> None:
    arms = ArmUp()
    for i in range(60):
        assert arms.update(SeenFrame(i / FPS, i, (640, 480), None, None, None)) is None
