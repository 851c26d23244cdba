"""Calf stretches in a step at a wall and hip-flexor stretches half-kneeling, on bodies of known angle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skeleton import (
    BODY,
    Camera,
    L,
    Rep,
    bridge,
    film,
    half_kneeling,
    heel_slide,
    leg_raise,
    repetitions,
    standing,
    step_at_wall,
)
from tracked import Tracked, tracked

from formcheck.engine.start_position import setup_problem
from formcheck.exercises.definition import load_definition
from formcheck.exercises.prescription import Prescription, prescribe
from formcheck.measures.calf_stretch import in_posture as in_a_step
from formcheck.measures.hip_flexor_stretch import in_posture as on_one_knee
from formcheck.measures.table import Reason
from formcheck.pose.track import Track

CALF, HIP = "calf-stretch", "hip-flexor-stretch"
STRETCH = Rep(rise_s=2.0, hold_s=6.0, lower_s=2.0, rest_s=1.5)
At = Callable[[float], np.ndarray]


def filmed(at: At, reps: tuple[Rep, ...] = (STRETCH,) * 2, yaw_deg: float = 0.0) -> Track:
    time_s, level, _ = repetitions(reps, fps=13, lead_s=2.0)
    camera = Camera(yaw_deg=yaw_deg, distance_m=3.2, height_m=0.9, focal_px=800, target=(0.3, 0.8, 0.0))
    points = np.stack([at(x) for x in level])
    return film(points, time_s, camera, noise_px=0.8, noise_m=0.01, rho=0.6)


def seen(exercise: str, track: Track, hold_s: float = 6.0, side: str | None = None) -> Tracked:
    tempo = {"rise_s": 2, "hold_s": hold_s, "lower_s": 2}
    asked = prescribe(load_definition(exercise), Prescription.model_validate({"tempo": tempo}))
    return tracked(track, exercise, side, definition=asked)


def calf(x: float, **options: object) -> np.ndarray:
    return step_at_wall(20 + 13 * x, hips_deg=-10 * x, **options)  # type: ignore[arg-type]


def hip(x: float, **options: object) -> np.ndarray:
    return half_kneeling(-3 + 23 * x, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("exercise", "at", "range_deg"), [(CALF, calf, 13), (HIP, hip, 23)])
@pytest.mark.parametrize(("yaw_deg", "size"), [(-12, 0.85), (0, 1.0), (12, 1.1)])
def test_stretches_are_counted_and_measured_from_the_side(
    exercise: str, at: Callable[..., np.ndarray], range_deg: float, yaw_deg: float, size: float
) -> None:
    found = seen(exercise, filmed(lambda x: at(x, body=BODY.scaled(size)), yaw_deg=yaw_deg))
    assert found.classes == ["full"] * 2
    assert (found.reference.view, found.reference.side) == ("side", "right")
    assert found.reference.range == pytest.approx(range_deg, abs=3)
    judged = {name for name, check in found.reps[0].checks.items() if check.checked}
    assert {"hold_short", "hold_sags", "lowering_fast", "leaning_fast"} < judged
    assert {name for r in found.reps for name, check in r.checks.items() if check.fault} == set()


@pytest.mark.parametrize(("exercise", "at"), [(CALF, calf), (HIP, hip)])
@pytest.mark.parametrize(("side", "yaw_deg"), [("RIGHT", 0), ("LEFT", 180), ("LEFT", 0)])
def test_the_stretched_leg_is_found_and_counted_when_it_is_the_nearer_one(
    exercise: str, at: Callable[..., np.ndarray], side: str, yaw_deg: float
) -> None:
    found = seen(exercise, filmed(lambda x: at(x, side=side), yaw_deg=yaw_deg))
    near = found.reference.near == side.lower()
    assert near == ((side, yaw_deg) != ("LEFT", 0))
    assert (found.classes, found.reference.side) == (["full"] * 2 if near else [], side.lower())
    if not near:
        table = found.stretches[0].measures
        signal = table.names.index(load_definition(exercise).counting.signal)
        assert set(table.reason[:, signal]) == {Reason.OCCLUDED}


@pytest.mark.parametrize(("knee_deg", "grade"), [(8, 0), (18, 1), (26, 2), (38, 3)])
def test_a_back_knee_that_bends_is_a_fault(knee_deg: float, grade: int) -> None:
    assert seen(CALF, filmed(lambda x: calf(x, knee_deg=knee_deg * x))).found("knee_bends") == [grade] * 2


@pytest.mark.parametrize(("heel_deg", "grade"), [(8, 0), (19, 1), (24, 2), (36, 3)])
def test_a_back_heel_that_lifts_is_a_fault(heel_deg: float, grade: int) -> None:
    track = filmed(lambda x: calf(x, heel_deg=heel_deg * x))
    assert seen(CALF, track).found("heel_lifts") == [grade] * 2


@pytest.mark.parametrize(("hips_deg", "grade"), [(5, 0), (20, 1), (30, 2)])
def test_a_bottom_that_goes_back_is_a_fault(hips_deg: float, grade: int) -> None:
    track = filmed(lambda x: step_at_wall(15 + 11 * x, hips_deg=hips_deg * x))
    assert seen(CALF, track).found("hips_bend") == [grade] * 2


@pytest.mark.parametrize(("trunk_deg", "grade"), [(8, 0), (20, 1), (30, 2), (40, 3)])
def test_a_trunk_that_leans_along_is_a_fault(trunk_deg: float, grade: int) -> None:
    assert seen(HIP, filmed(lambda x: hip(x, trunk_deg=trunk_deg * x))).found("trunk_leans") == [grade] * 2


# With the foot so far before the knee on the floor, the front shank leans by so much at the end.
@pytest.mark.parametrize(("front_m", "grade"), [(0.45, 0), (0.30, 1)])
def test_a_front_foot_that_stands_too_near_is_a_fault(front_m: float, grade: int) -> None:
    point = hip(1.0, front_m=front_m)
    shank = point[L.LEFT_KNEE] - point[L.LEFT_ANKLE]
    lean_deg = np.degrees(np.arctan2(shank[0], shank[1]))
    assert (lean_deg > 32) == (grade > 0)
    assert seen(HIP, filmed(lambda x: hip(x, front_m=front_m))).found("front_knee_forward") == [grade] * 2


@pytest.mark.parametrize(("exercise", "at"), [(CALF, calf), (HIP, hip)])
@pytest.mark.parametrize(("hold_s", "grade"), [(5.5, 0), (3.6, 1), (2.4, 2), (1.2, 3)])
def test_a_hold_that_is_too_short_is_a_fault(exercise: str, at: At, hold_s: float, grade: int) -> None:
    track = filmed(at, (Rep(2.0, hold_s, 2.0, 1.5),) * 2)
    assert seen(exercise, track).found("hold_short") == [grade] * 2


def test_what_the_view_cannot_show_is_refused() -> None:
    for exercise, at, never in (
        (CALF, calf, ("toes_turn_out", "arch_sinks")),
        (HIP, hip, ("back_arches", "pelvis_turns")),
    ):
        side = seen(exercise, filmed(at)).counted[0].checks
        assert [side[fault].reason for fault in never] == ["view"] * 2
        corner = seen(exercise, filmed(at, yaw_deg=55))
        assert corner.reference.view == "oblique"
        assert corner.reps == []


OTHERS: dict[str, At] = {
    "standing": lambda x: standing(0.0),
    "walking on the spot": lambda x: standing(2 * x - 1),
    "bridge": lambda x: bridge(0.2 * x),
    "heel slide": lambda x: heel_slide(100 * x),
    "straight leg": lambda x: leg_raise(70 * x),
}


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("exercise", [CALF, HIP])
def test_another_exercise_is_no_stretch(exercise: str, other: str) -> None:
    assert tracked(filmed(OTHERS[other], (Rep(),) * 3), exercise).counted == []


def test_neither_is_the_other_and_neither_is_a_lying_exercise() -> None:
    assert tracked(filmed(calf), HIP).counted == []
    assert tracked(filmed(hip), CALF).counted == []
    for exercise in ("bridge", "clam", "heel-slide", "hamstring-stretch"):
        for at in (calf, hip):
            assert tracked(filmed(at), exercise).counted == [], exercise


def test_the_posture_needs_hands_at_the_wall_and_a_step() -> None:
    world = filmed(calf).world_xyz.astype(float)
    assert in_a_step(world).all()
    hanging = world.copy()
    for side in ("LEFT", "RIGHT"):
        for part in ("ELBOW", "WRIST"):
            hanging[:, L[f"{side}_{part}"]] = hanging[:, L[f"{side}_SHOULDER"]] + np.array([0.0, 0.4, 0.0])
    assert not in_a_step(hanging).any()
    assert on_one_knee(filmed(hip).world_xyz.astype(float)).all()
    assert not on_one_knee(world).any()


@pytest.mark.parametrize(("exercise", "at"), [(CALF, calf), (HIP, hip)])
def test_nobody_is_asked_to_lie_down_for_it(exercise: str, at: At) -> None:
    def problem(track: Track) -> str | None:
        found = setup_problem(
            time_s=track.time_s[:20],
            xy=track.image_xyz[:20, :, :2],
            world=track.world_xyz[:20],
            visibility=track.visibility[:20],
            image_wh=track.image_wh,
            people_seen=1,
            definition=load_definition(exercise),
            wanted_views=("side",),
            side="right",
        )
        return None if found is None else found.id

    assert problem(filmed(at)) is None
    assert problem(filmed(lambda x: standing(0.0), yaw_deg=90)) in ("not_in_position", "knees_straight")
    assert problem(filmed(at, yaw_deg=55)) == "wrong_view"
