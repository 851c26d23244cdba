"""Hamstring stretches (a straight leg raised on the back and held) on bodies of known angle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skeleton import BODY, Body, Camera, Rep, bridge, clam, film, leg_raise, lying_straight, repetitions
from tracked import Tracked, tracked

from formcheck.engine.repetition import RepetitionCounter
from formcheck.engine.tracker import kept_s
from formcheck.exercises.definition import load_definition
from formcheck.exercises.prescription import Prescription, prescribe
from formcheck.measures.table import Reason

EXERCISE = "hamstring-stretch"
HOLD = Rep(rise_s=3.0, hold_s=20.0, lower_s=3.0, rest_s=4.0)


def stretches(
    reps: tuple[Rep, ...] = (HOLD,) * 2,
    yaw_deg: float = 0.0,
    knee_deg: float = 0.0,
    other_deg: float = 0.0,
    top_deg: float = 70.0,
    side: str = "RIGHT",
    body: Body = BODY,
    fps: float = 12.5,
    seed: int = 0,
    noise: float = 1.0,
) -> Tracked:
    time_s, level, _ = repetitions(reps, fps=fps, lead_s=2.0)
    points = np.stack([leg_raise(top_deg * x, knee_deg * x, other_deg * x, side, body) for x in level])
    camera = Camera(yaw_deg=yaw_deg, distance_m=2.6)
    track = film(points, time_s, camera, noise_px=2 * noise, noise_m=0.01 * noise, rho=0.6, seed=seed)
    asked = prescribe(load_definition(EXERCISE), Prescription.model_validate({"tempo": {"lower_s": 3}}))
    return tracked(track, EXERCISE, definition=asked)


@pytest.mark.parametrize("yaw_deg", [-10, 0, 10])
@pytest.mark.parametrize("size", [0.85, 1.1])
def test_stretches_are_counted_and_measured_from_the_side(yaw_deg, size):
    seen = stretches(yaw_deg=yaw_deg, body=BODY.scaled(size))
    assert seen.classes == ["full"] * 2
    assert (seen.reference.view, seen.reference.side, seen.reference.near) == ("side", "right", "right")
    assert seen.reference.range == pytest.approx(70, abs=5)
    assert [r.times.hold_end_s - r.times.hold_start_s for r in seen.reps] == pytest.approx([20] * 2, abs=1)
    assert seen.found("knee_bends") == seen.found("hold_short") == seen.found("lowering_fast") == [0] * 2


@pytest.mark.parametrize(("side", "yaw_deg"), [("RIGHT", 0), ("LEFT", 180)])
def test_the_lifted_leg_works_when_it_is_the_nearer_one(side, yaw_deg):
    seen = stretches(side=side, yaw_deg=yaw_deg)
    assert (seen.classes, seen.reference.side) == (["full"] * 2, side.lower())


@pytest.mark.parametrize(("side", "yaw_deg"), [("LEFT", 0), ("RIGHT", 180)])
def test_the_far_leg_is_hidden_so_it_is_not_counted(side, yaw_deg):
    seen = stretches(side=side, yaw_deg=yaw_deg)
    assert (seen.reps, seen.reference.side) == ([], side.lower())
    table = seen.stretches[0].measures
    assert {r for r in table.reason[:, table.names.index("hip_flexion_deg")]} == {Reason.OCCLUDED}


@pytest.mark.parametrize(("knee_deg", "grade"), [(5, 0), (24, 1), (32, 2), (40, 3)])
def test_a_knee_that_bends_is_a_fault_from_the_side(knee_deg, grade):
    assert stretches(knee_deg=knee_deg).found("knee_bends") == [grade] * 2


@pytest.mark.parametrize(("hold_s", "grade"), [(25, 0), (15.5, 0), (12, 1), (8, 2), (4, 3)])
def test_a_hold_that_is_too_short_is_a_fault(hold_s, grade):
    rep = Rep(3.0, hold_s, 3.0, 4.0)
    assert stretches((rep,) * 2).found("hold_short") == [grade] * 2


@pytest.mark.parametrize(("lower_s", "grade"), [(3.0, 0), (1.9, 1), (1.2, 2), (0.7, 3)])
def test_a_leg_that_is_dropped_is_a_fault(lower_s, grade):
    rep = Rep(3.0, 20.0, lower_s, 4.0)
    assert stretches((rep,) * 2).found("lowering_fast") == [grade] * 2


def test_what_the_view_cannot_show_is_refused():
    side = stretches(other_deg=35, noise=0.5)
    checks = side.counted[0].checks
    assert (checks["other_leg_lifts"].checked, checks["other_leg_lifts"].reason) == (False, "occluded")
    assert (checks["pelvis_tilts"].checked, checks["pelvis_tilts"].reason) == (False, "view")
    assert not checks["head_lifts"].checked
    corner = stretches(yaw_deg=45)
    assert corner.reference.view == "oblique"
    assert all(not r.checks["knee_bends"].checked for r in corner.reps)


def knee_to_chest(deg: float) -> np.ndarray:
    """One thigh raised with the shank hanging level, as in a dead bug."""
    return leg_raise(deg, knee_deg=deg)


OTHERS: dict[str, Callable[[float], np.ndarray]] = {
    "bridge": lambda x: bridge(0.2 * x),
    "single-leg bridge": lambda x: bridge(0.2 * x, stance="right"),
    "clam": lambda x: clam(30 * x),
    "both legs": lambda x: lying_straight(70 * x),
    "knee to chest": lambda x: knee_to_chest(80 * x),
    "lying still": lambda x: lying_straight(0.0),
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_exercise_is_no_stretch(other):
    time_s, level, _ = repetitions([Rep()] * 3)
    points = np.stack([OTHERS[other](x) for x in level])
    assert tracked(film(points, time_s, Camera(), noise_px=2, noise_m=0.01, rho=0.6), EXERCISE).counted == []


def test_a_hold_of_three_minutes_is_one_repetition():
    definition = load_definition(EXERCISE)
    counter = RepetitionCounter(definition.counting)
    time_s, level, _ = repetitions([Rep(3.0, 180.0, 3.0, 4.0)] * 2, fps=12.5)
    reps = [r for t, s in zip(time_s, level, strict=True) if (r := counter.update(float(t), float(s)))]
    assert [r.rep_class for r in reps] == ["full"] * 2
    assert [r.hold_end_s - r.hold_start_s for r in reps] == pytest.approx([180] * 2, abs=0.5)


def test_frames_are_kept_for_the_longest_repetition():
    long, usual = (load_definition(name).counting for name in (EXERCISE, "bridge"))
    assert kept_s(long) > long.maximum_rep_s
    assert kept_s(usual) == 45.0
