"""Which body is the patient's, and is it still the same one?"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from skeleton import Body, Camera, L, bridge, clam, film, minimum_jerk, poses, standing

from formcheck.pose.landmarks import Pose
from formcheck.pose.person import (
    COMPARE_WITHIN_S,
    CORE,
    JUMPED_LANDMARKS,
    SETTLE_S,
    JumpGate,
    body_size_px,
    count_jumped,
    lying_score,
    same_body,
    trunk_length_px,
)

SIDE = Camera(height_m=0.3)
FPS = 30.0


def seen(points: np.ndarray, camera: Camera = SIDE, fps: float = FPS, start_s: float = 0.0) -> list[Pose]:
    """Poses of ``(T, 33, 3)`` bodies."""
    time_s = start_s + np.arange(len(points)) / fps
    return [p for p in poses(film(points, time_s, camera)) if p is not None]


def still(
    seconds: float, start_s: float = 0.0, dx: float = 0.0, points: np.ndarray | None = None
) -> list[Pose]:
    """Somebody lying still, `dx` pixels further right."""
    body = bridge(0.0) if points is None else points
    return [moved(p, dx) for p in seen(np.stack([body] * round(seconds * FPS)), start_s=start_s)]


def moved(pose: Pose, dx: float) -> Pose:
    return replace(pose, image_xyz=pose.image_xyz + np.array([dx, 0, 0], np.float32))


def accepted(stream: list[Pose]) -> list[bool]:
    gate = JumpGate()
    return [gate.accepts(p) for p in stream]


# --- lengths and posture --------------------------------------------------------------------------


def test_trunk_length_and_body_size():
    flat = Camera(height_m=0.25).far()
    pose = seen(bridge(0.0)[None], flat)[0]
    px = flat.focal_px / flat.distance_m
    assert trunk_length_px(pose.image_xyz) == pytest.approx(0.5 * px, rel=0.02)
    assert body_size_px(pose.image_xyz) == pytest.approx(0.5 * px, rel=0.02)


def test_the_body_size_does_not_collapse_when_the_trunk_points_at_the_camera():
    side = seen(bridge(0.0)[None], Camera(height_m=0.25).far())[0].image_xyz
    feet = seen(bridge(0.0)[None], Camera(yaw_deg=90, height_m=0.25).far())[0].image_xyz
    assert trunk_length_px(feet) < 0.3 * trunk_length_px(side)
    assert body_size_px(feet) > 0.6 * body_size_px(side)


@pytest.mark.parametrize("yaw", [0, 45, 90])
def test_who_lies_and_who_does_not(yaw):
    camera = Camera(yaw_deg=yaw, height_m=0.4)

    def score(body: np.ndarray) -> float:
        return lying_score(seen(body[None], camera)[0].world_xyz)

    assert score(standing()) < 0.1
    assert score(bridge(0.0)) > 0.8
    assert score(clam(20)) > 0.8
    assert 0.3 < score(bridge(0.20)) < score(bridge(0.0))


def test_no_body_does_not_lie():
    assert lying_score(np.zeros((33, 3))) == 0.0


def test_two_readings_of_one_body_and_two_bodies():
    one = seen(bridge(0.0)[None])[0].image_xyz
    shaken = one + np.random.default_rng(0).normal(0, 4, one.shape)
    assert same_body(one, shaken)
    assert same_body(one, one)
    far = one + np.array([0.6 * trunk_length_px(one), 0, 0])
    assert not same_body(one, far)
    assert same_body(one, far) == same_body(far, one)


# --- jumps ----------------------------------------------------------------------------------------


def test_a_real_movement_does_not_jump():
    """The quickest repetition anyone makes: up in half a second."""
    lift = 0.2 * minimum_jerk(np.linspace(0, 1, 16))
    stream = seen(np.stack([bridge(x) for x in lift]))
    assert [count_jumped(a, b) for a, b in pairwise(stream)] == [0] * 15


def test_only_core_landmarks_count():
    a, b = still(2 / FPS)
    far = b.image_xyz.copy()
    far[[L.NOSE, L.LEFT_WRIST, L.RIGHT_WRIST, L.LEFT_HEEL]] += 500
    assert count_jumped(a, replace(b, image_xyz=far)) == 0
    far[CORE[:2]] += 500
    assert count_jumped(a, replace(b, image_xyz=far)) == 2
    assert count_jumped(a, moved(b, 500)) == len(CORE) == 8


@pytest.mark.parametrize(("fps", "jumps"), [(60, True), (30, True), (15, False), (10, False)])
def test_a_slow_camera_may_see_larger_steps(fps, jumps):
    a, b = seen(np.stack([bridge(0.0)] * 2), fps=fps)
    step = 0.45 * body_size_px(a.image_xyz)
    assert (count_jumped(a, moved(b, step)) > 0) == jumps


def test_but_not_steps_of_any_size():
    a, b = seen(np.stack([bridge(0.0)] * 2), fps=2)
    assert count_jumped(a, moved(b, 1.5 * body_size_px(a.image_xyz))) == 8


def test_size_does_not_matter():
    for size, distance in ((0.8, 1.6), (1.2, 3.0)):
        camera = Camera(distance_m=distance)
        a, b = seen(np.stack([bridge(0.0, body=Body().scaled(size))] * 2), camera)
        px = body_size_px(a.image_xyz)
        assert count_jumped(a, moved(b, 0.25 * px)) == 0
        assert count_jumped(a, moved(b, 0.35 * px)) == 8


# --- the gate -------------------------------------------------------------------------------------


def test_a_body_that_moves_as_one_passes_all_the_time():
    level = np.concatenate([minimum_jerk(np.linspace(0, 1, 20)), minimum_jerk(np.linspace(1, 0, 20))])
    assert all(accepted(seen(np.stack([bridge(0.2 * x) for x in np.tile(level, 3)]))))


def test_a_skeleton_that_jumps_for_a_moment_is_rejected_and_the_body_goes_on():
    stream = still(1.0)
    for i in (10, 11, 12, 20):
        stream[i] = moved(stream[i], 400)
    ok = accepted(stream)
    assert [i for i, good in enumerate(ok) if not good] == [10, 11, 12, 20]


def test_a_few_shaky_points_are_no_other_body():
    stream = still(1.0)
    shaken = stream[10].image_xyz.copy()
    shaken[CORE[: JUMPED_LANDMARKS - 1]] += 400
    stream[10] = replace(stream[10], image_xyz=shaken)
    assert all(accepted(stream))


def test_a_new_place_that_holds_is_accepted_after_it_settled():
    stream = still(1.0) + still(1.0, start_s=1.0, dx=400)
    ok = accepted(stream)
    assert all(ok[:30])
    waited = ok[30:].index(True) / FPS
    assert SETTLE_S - 1 / FPS <= waited <= SETTLE_S + 2 / FPS
    assert all(ok[30 + ok[30:].index(True) :])


def test_a_place_that_does_not_hold_never_settles():
    """Landmarks thrown about over two bodies, as with a therapist behind the patient."""
    stream = still(2.0)
    for i in range(10, 60):
        stream[i] = moved(stream[i], 400 * (1 + i % 3))
    ok = accepted(stream)
    assert all(ok[:10])
    assert not any(ok[10:])


def test_after_an_absence_the_body_must_first_hold_still_enough():
    stream = still(1.0) + still(1.0, start_s=1.0 + COMPARE_WITHIN_S + 0.3, dx=300)
    ok = accepted(stream)
    assert all(ok[:30])
    assert not ok[30]
    assert ok[30 + round((SETTLE_S + 0.1) * FPS)]


def test_after_a_short_absence_in_the_same_place_nothing_is_lost():
    stream = still(1.0) + still(1.0, start_s=1.0 + COMPARE_WITHIN_S - 0.1)
    assert all(accepted(stream))


def test_forgetting():
    gate = JumpGate()
    first, second = still(2 / FPS)
    assert gate.accepts(first)
    assert not gate.accepts(moved(second, 400))
    gate.reset()
    assert gate.accepts(moved(second, 400))
