"""Heel slides (on the back, one heel slides to the seat) on bodies of known angle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from skeleton import (
    BODY,
    Body,
    Camera,
    L,
    Rep,
    bridge,
    clam,
    film,
    heel_slide,
    leg_raise,
    lying_straight,
    repetitions,
)
from tracked import Tracked, tracked

from formcheck.exercises.definition import load_definition
from formcheck.exercises.prescription import Prescription, prescribe
from formcheck.pose.track import Track

EXERCISE = "heel-slide"
SLIDE = Rep(rise_s=2.0, hold_s=3.0, lower_s=2.0, rest_s=1.5)


def filmed(
    at: Callable[[float], np.ndarray], reps: tuple[Rep, ...], yaw_deg: float = 0.0, noise: float = 1.0
) -> Track:
    time_s, level, _ = repetitions(reps, fps=15, lead_s=2.0)
    camera = Camera(yaw_deg=yaw_deg, distance_m=2.6)
    points = np.stack([at(x) for x in level])
    return film(points, time_s, camera, noise_px=2 * noise, noise_m=0.01 * noise, rho=0.6)


def slides(
    reps: tuple[Rep, ...] = (SLIDE,) * 2,
    yaw_deg: float = 0.0,
    top_deg: float = 100.0,
    heel_m: float = 0.0,
    other_m: float = 0.0,
    side: str = "RIGHT",
    body: Body = BODY,
) -> Tracked:
    track = filmed(lambda x: heel_slide(top_deg * x, heel_m * x, other_m * x, side, body), reps, yaw_deg)
    tempo = {"rise_s": 2, "hold_s": 3, "lower_s": 2}
    asked = prescribe(load_definition(EXERCISE), Prescription.model_validate({"tempo": tempo}))
    return tracked(track, EXERCISE, definition=asked)


@pytest.mark.parametrize(("yaw_deg", "size"), [(-10, 0.85), (0, 1.0), (10, 1.1)])
def test_slides_are_counted_and_measured_from_the_side(yaw_deg: float, size: float) -> None:
    seen = slides(yaw_deg=yaw_deg, body=BODY.scaled(size))
    assert seen.classes == ["full"] * 2
    assert (seen.reference.view, seen.reference.side) == ("side", "right")
    assert seen.reference.range == pytest.approx(100, abs=6)
    for fault in (
        "heel_lifts",
        "range_small",
        "return_incomplete",
        "hold_short",
        "lowering_fast",
        "bending_fast",
    ):
        assert seen.found(fault) == [0] * 2, fault


@pytest.mark.parametrize("side", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("yaw_deg", [0, 180])
def test_the_leg_that_slides_is_found_near_or_far(side: str, yaw_deg: float) -> None:
    seen = slides(side=side, yaw_deg=yaw_deg)
    assert (seen.classes, seen.reference.side) == (["full"] * 2, side.lower())


# Grade 1 begins at 0.10 trunk lengths, 5 cm; ankle and heel lie at the end of a shank that turns.
@pytest.mark.parametrize(("heel_m", "grade"), [(0.04, 0), (0.06, 1), (0.095, 2), (0.14, 3)])
def test_a_heel_that_leaves_the_floor_is_a_fault(heel_m: float, grade: int) -> None:
    assert slides(heel_m=heel_m).found("heel_lifts") == [grade] * 2


@pytest.mark.parametrize(("hold_s", "grade"), [(2.8, 0), (1.75, 1), (1.1, 2), (0.5, 3)])
def test_a_hold_that_is_too_short_is_a_fault(hold_s: float, grade: int) -> None:
    rep = Rep(2.0, hold_s, 2.0, 1.5)
    assert slides((rep,) * 2).found("hold_short") == [grade] * 2


@pytest.mark.parametrize(("back_to", "grade"), [(0.05, 0), (0.31, 1), (0.5, 2), (0.6, 3)])
def test_a_leg_that_is_not_straightened_is_a_fault(back_to: float, grade: int) -> None:
    first = Rep(2.0, 3.0, 2.0, 0.3, back_to=back_to)
    assert slides((first, SLIDE)).found("return_incomplete")[0] == grade


@pytest.mark.parametrize(("lower_s", "grade"), [(2.0, 0), (1.25, 1), (0.78, 2), (0.5, 3)])
def test_a_heel_that_shoots_back_is_a_fault(lower_s: float, grade: int) -> None:
    rep = Rep(2.0, 3.0, lower_s, 1.5)
    assert slides((rep,) * 2).found("lowering_fast") == [grade] * 2


def test_a_small_slide_is_small_beside_the_others() -> None:
    seen = slides((SLIDE, SLIDE, Rep(2.0, 2.0, 2.0, 1.5, top=0.6)))
    assert seen.found("range_small")[:2] == [0, 0]
    assert seen.found("range_small")[2] == 2


def test_what_the_view_cannot_show_is_refused() -> None:
    side = slides(other_m=0.2).counted[0].checks
    for fault, reason in (
        ("knee_falls_out", "view"),
        ("pelvis_tilts", "view"),
        ("other_leg_lifts", "occluded"),
    ):
        assert (side[fault].checked, side[fault].reason) == (False, reason), fault
    assert not side["head_lifts"].checked
    corner = slides(yaw_deg=45)
    assert corner.reference.view == "oblique"
    assert corner.classes == ["full"] * 2
    assert all(not r.checks["heel_lifts"].checked for r in corner.reps)


def knee_to_chest(deg: float) -> np.ndarray:
    """One thigh raised with the shank hanging level."""
    return leg_raise(deg, knee_deg=deg)


def test_a_recording_in_the_posture_without_any_signal_counts_nothing() -> None:
    track = filmed(lambda x: lying_straight(0.0), (Rep(),) * 2)
    image = track.image_xyz.copy()
    image[:, L.RIGHT_ANKLE] = image[:, L.RIGHT_HIP]  # the knee is bent as far as it goes, the hip is not
    seen = tracked(replace(track, image_xyz=image), EXERCISE, side="right")
    assert seen.stretches[0].posture.all()
    assert (seen.stretches[0].reference, seen.reps) == (None, [])


OTHERS: dict[str, Callable[[float], np.ndarray]] = {
    "bridge": lambda x: bridge(0.2 * x),
    "single-leg bridge": lambda x: bridge(0.2 * x, stance="right"),
    "clam": lambda x: clam(30 * x),
    "straight leg": lambda x: leg_raise(70 * x),
    "knee to chest": lambda x: knee_to_chest(90 * x),
    "lying still": lambda x: lying_straight(0.0),
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_exercise_is_no_heel_slide(other: str) -> None:
    assert tracked(filmed(OTHERS[other], (Rep(),) * 3), EXERCISE).counted == []


@pytest.mark.parametrize("exercise", ["bridge", "single-leg-bridge", "hamstring-stretch", "clam"])
def test_a_heel_slide_is_no_other_exercise(exercise: str) -> None:
    assert tracked(filmed(lambda x: heel_slide(100 * x), (SLIDE,) * 3), exercise).counted == []
