"""Plane geometry: known angles, the sign of the hip angle across 180 degrees, invariances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skeleton import Camera, L, bridge, bridge_lift_for, hip_angle_true, knee_flexion_true

from formcheck.measures.geometry import (
    UP,
    dot,
    gap_above_line,
    hip_angle_and_gap,
    joint_angle_deg,
    mad_sd,
    norm,
    turn_deg,
    unit,
)

angles = st.floats(-179, 179)
lengths = st.floats(1.0, 500.0)


def direction(deg: float) -> np.ndarray:
    """Unit vector, counted clockwise in the image from +x (y down)."""
    return np.array([np.cos(np.radians(deg)), np.sin(np.radians(deg))])


@pytest.mark.parametrize("between", [0, 1, 30, 90, 135, 179, 180])
@pytest.mark.parametrize("turned", [0, 45, 133, 270])
def test_joint_angle_is_the_angle_between_the_bones(between, turned):
    b = np.array([320.0, 240.0])
    a, c = b + 90 * direction(turned), b + 40 * direction(turned + between)
    assert joint_angle_deg(a, b, c) == pytest.approx(between, abs=1e-6)


def test_joint_angle_in_space():
    b = np.array([0.1, -0.2, 0.3])
    u, v = np.array([1.0, 0, 0]), np.array([0, 0.6, 0.8])
    assert joint_angle_deg(b + 2 * u, b, b + 5 * v) == pytest.approx(90)
    assert joint_angle_deg(b + u, b, b + (u + v) / 3) == pytest.approx(45)


def test_a_zero_vector_has_no_direction_but_does_no_harm():
    assert unit(np.zeros(2)).tolist() == [0, 0]
    assert unit([[3.0, 4.0], [0.0, 0.0]]).tolist() == [[0.6, 0.8], [0, 0]]


@pytest.mark.parametrize("turn", [-120, -10, 0, 10, 90, 170])
def test_turn_is_counted_towards_the_named_side(turn):
    right = np.array([1.0, 0.0])
    v = np.cos(np.radians(turn)) * UP + np.sin(np.radians(turn)) * right
    assert turn_deg(v[None] * 7, right, UP)[0] == pytest.approx(turn)
    assert turn_deg(v[None] * 7, -right, UP)[0] == pytest.approx(-turn)


# --- the hip angle of a bridge --------------------------------------------------------------------


def signed_hip_angle_deg(*points: np.ndarray) -> np.ndarray:
    return hip_angle_and_gap(*points)[0]


def line_up(gap: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shoulder, hip and knee with the hip `gap` pixels above the line between the others."""
    return np.array([100.0, 400.0]), np.array([300.0, 380.0 - gap]), np.array([500.0, 360.0])


def test_the_hip_angle_goes_on_beyond_180_and_does_not_fold_back():
    gaps = np.linspace(-120, 120, 49)
    signed = np.array([float(signed_hip_angle_deg(*line_up(g), UP)) for g in gaps])
    assert (np.diff(signed) > 0).all()
    assert signed[24] == pytest.approx(180)
    assert (np.sign(signed - 180) == np.sign(gaps)).all()
    # The unsigned angle cannot tell the two apart: this is what the sign is for.
    unsigned = np.array([float(joint_angle_deg(*line_up(g))) for g in gaps])
    assert unsigned[20] == pytest.approx(unsigned[28])
    assert signed[20] == pytest.approx(360 - signed[28])


@given(st.floats(-150, 150), angles, st.floats(0.2, 5), st.floats(-900, 900), st.floats(-900, 900))
def test_the_hip_angle_does_not_change_when_the_picture_is_turned_scaled_or_shifted(gap, turn, k, dx, dy):
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    rot = np.array([[c, -s], [s, c]])
    moved = [k * rot @ p + np.array([dx, dy]) for p in line_up(gap)]
    before = float(signed_hip_angle_deg(*line_up(gap), UP))
    assert float(signed_hip_angle_deg(*moved, rot @ UP)) == pytest.approx(before, abs=1e-6)


@given(st.floats(-150, 150))
def test_the_hip_angle_is_the_same_in_a_mirror_and_seen_from_the_other_end(gap):
    shoulder, hip, knee = line_up(gap)
    before = float(signed_hip_angle_deg(shoulder, hip, knee, UP))
    flip = np.array([-1.0, 1.0])
    assert float(signed_hip_angle_deg(shoulder * flip, hip * flip, knee * flip, UP)) == pytest.approx(before)
    assert float(signed_hip_angle_deg(knee, hip, shoulder, UP)) == pytest.approx(before)


@given(st.floats(-300, 300), angles, lengths)
def test_gap_is_the_distance_from_the_line_with_its_sign(gap, turn, length):
    along = direction(turn)
    normal = np.array([along[1], -along[0]])
    a = np.array([50.0, 60.0])
    point = a + 0.3 * length * along + gap * normal
    assert float(gap_above_line(point, a, a + length * along, normal)) == pytest.approx(gap, abs=1e-6)
    assert float(gap_above_line(point, a, a + length * along, -normal)) == pytest.approx(-gap, abs=1e-6)


@pytest.mark.parametrize("hip_angle", [132, 145, 160, 172, 178, 180, 182, 190, 200])
@pytest.mark.parametrize("yaw", [0, 180])
def test_true_angles_come_back_from_a_perfect_side_view(hip_angle, yaw):
    """Spec 9.1: bridge hip angle and knee flexion within 1 degree, on both sides of 180."""
    body = bridge(bridge_lift_for(hip_angle))
    xy, _ = Camera(yaw_deg=yaw, height_m=0.25).far().project(body)
    near = "RIGHT" if yaw == 0 else "LEFT"
    s, h, k, a = (xy[L[f"{near}_{n}"]] for n in ("SHOULDER", "HIP", "KNEE", "ANKLE"))
    assert hip_angle_true(body) == pytest.approx(hip_angle, abs=0.01)
    assert float(signed_hip_angle_deg(s, h, k, UP)) == pytest.approx(hip_angle, abs=1.0)
    assert 180 - float(joint_angle_deg(h, k, a)) == pytest.approx(knee_flexion_true(body), abs=1.0)


def test_a_real_camera_on_the_floor_stays_within_a_degree_and_a_high_one_does_not():
    """Spec 3.2: floor height and up to 15 degrees of yaw are harmless, 1 m of height adds 4 degrees."""
    body = bridge(bridge_lift_for(178))

    def seen(**camera: float) -> float:
        xy, _ = Camera(**camera).project(body)
        return float(signed_hip_angle_deg(xy[L.RIGHT_SHOULDER], xy[L.RIGHT_HIP], xy[L.RIGHT_KNEE], UP))

    assert seen(height_m=0.3) == pytest.approx(178, abs=1.0)
    assert seen(height_m=0.3, yaw_deg=15) == pytest.approx(178, abs=2.0)
    assert seen(height_m=1.0) > 178 + 2.5


def test_robust_standard_deviation():
    rng = np.random.default_rng(3)
    values = rng.normal(5, 2, 4000)
    assert mad_sd(values) == pytest.approx(2, rel=0.06)
    values[::20] = 900  # a few wild samples do not count
    assert mad_sd(values) == pytest.approx(2, rel=0.12)
    assert mad_sd([4.0, np.nan, 4.0]) == 0
    assert np.isnan(mad_sd([np.nan, np.nan]))
    assert np.isnan(mad_sd([]))


@pytest.mark.parametrize("axes", [2, 3])
def test_many_frames_at_once_give_the_numbers_of_each_alone(axes):
    a, b = np.random.default_rng(3).normal(0, 300, (2, 500, axes))
    assert np.array_equal(dot(a, b), [dot(x, y) for x, y in zip(a, b, strict=True)])
    assert np.array_equal(norm(a), [norm(x) for x in a])
