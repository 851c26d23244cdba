"""Offset bridges (feet staggered) on bodies of known angle: counted and judged as bridges, with a side."""

from __future__ import annotations

import numpy as np
import pytest
from skeleton import Camera, Rep, bridge, bridge_lift_for, film, repetitions
from tracked import tracked

from formcheck.exercises.definition import load_definition
from formcheck.pose.track import Track

EXERCISE = "offset-bridge"
REPS = [Rep(1.5, 1.5, 1.5, 1.0)] * 3


def offset_bridges(hip_deg: float = 178.0, yaw_deg: float = 0.0) -> Track:
    """The right foot stays near the seat, the left one is 22 cm further; at 0 the camera is on the right."""
    lift_m = bridge_lift_for(hip_deg)
    time_s, level, _ = repetitions(REPS)
    points = np.stack([bridge(lift_m * x, offset_m=0.22) for x in level])
    return film(points, time_s, Camera(yaw_deg=yaw_deg), noise_px=1, noise_m=0.01, rho=0.6)


@pytest.mark.parametrize("yaw_deg", [-8, 0, 8])
def test_offset_bridges_are_counted_and_without_faults(yaw_deg: float) -> None:
    seen = tracked(offset_bridges(yaw_deg=yaw_deg), EXERCISE, side="right")
    assert seen.classes == ["full"] * 3
    assert {name for r in seen.reps for name, check in r.checks.items() if check.fault} == set()
    assert all(r.checks["hip_not_extended"].checked for r in seen.reps)


# Drawn as BlazePose draws a bridge from the side, 4 to 6 degrees are taken off (measures/bridge.py).
@pytest.mark.parametrize(("hip_deg", "grade"), [(178, 0), (164, 1), (154, 2), (144, 3)])
def test_a_hip_that_is_not_straight_is_a_fault(hip_deg: float, grade: int) -> None:
    seen = tracked(offset_bridges(hip_deg), EXERCISE, side="right")
    assert seen.found("hip_not_extended") == [grade] * 3


def test_with_the_near_foot_on_the_far_side_it_is_counted_and_the_hip_refused() -> None:
    seen = tracked(offset_bridges(yaw_deg=180), EXERCISE, side="right")
    assert seen.classes == ["full"] * 3
    check = seen.reps[0].checks["hip_not_extended"]
    assert (check.checked, check.reason) == (False, "occluded")


def test_what_no_view_shows_is_refused() -> None:
    for yaw_deg in (0, 45, 90):
        seen = tracked(offset_bridges(yaw_deg=yaw_deg), EXERCISE, side="right")
        for fault in ("feet_level", "weight_shared", "pelvis_twists"):
            assert [r.checks[fault].reason for r in seen.reps] == ["view"] * len(seen.reps), fault


def test_judged_as_a_bridge_it_is_one_without_faults() -> None:
    seen = tracked(offset_bridges(), "bridge")
    assert seen.classes == ["full"] * 3
    assert {name for r in seen.reps for name, check in r.checks.items() if check.fault} == set()


def test_it_is_a_bridge_with_a_side_and_grades_of_its_own_for_the_knees() -> None:
    offset, two = load_definition(EXERCISE), load_definition("bridge")
    assert offset.has_side
    assert offset.counting == two.counting
    assert offset.faults["hip_not_extended"] == two.faults["hip_not_extended"]
    # Feet at two depths: how far the knees are apart tells nothing.
    assert {m for rule in offset.faults["knees_fall_in"].rules for m in rule.measures} == {
        "shank_lean_left_deg",
        "shank_lean_right_deg",
    }
