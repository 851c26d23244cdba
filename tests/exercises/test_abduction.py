"""Side-lying leg lifts on bodies of known angle, from landmarks to judged repetitions."""

from __future__ import annotations

import numpy as np
import pytest
from replay import Replayed, replay
from skeleton import BODY, UP, Body, Camera, L, Rep, X, Z, clam, film, repetitions

EXERCISE = "side-lying-abduction"


def leg_lift(deg: float, knee_deg: float = 0.0, body: Body = BODY) -> np.ndarray:
    """On the right side with straight legs, the left (top) one lifted; its knee bent downwards."""
    p = clam(0, body=body)
    for side, lift, bend in (("LEFT", deg, knee_deg), ("RIGHT", 0.0, 0.0)):
        thigh, shank = (np.cos(a) * X + np.sin(a) * UP for a in np.radians([lift, lift - bend]))
        knee = p[L[f"{side}_HIP"]] + body.thigh * thigh
        ankle = knee + body.shank * shank
        p[L[f"{side}_KNEE"]], p[L[f"{side}_ANKLE"]] = knee, ankle
        p[L[f"{side}_HEEL"]], p[L[f"{side}_FOOT_INDEX"]] = ankle + 0.04 * shank, ankle + 0.15 * Z
    return p


def lifts(yaw_deg: float = 0.0, knee_deg: float = 0.0, top_deg: float = 35.0, body: Body = BODY) -> Replayed:
    time_s, level, _ = repetitions([Rep()] * 3)
    points = np.stack([leg_lift(top_deg * x, knee_deg * x, body) for x in level])
    track = film(points, time_s, Camera(yaw_deg=yaw_deg), noise_px=2, noise_m=0.01, rho=0.6)
    return replay(track, EXERCISE)


@pytest.mark.parametrize("yaw_deg", [-10, 0, 10])
@pytest.mark.parametrize("size", [0.85, 1.1])
def test_lifts_are_counted_and_measured_from_the_front(yaw_deg, size):
    seen = lifts(yaw_deg, body=BODY.scaled(size))
    assert seen.classes == ["full"] * 3
    assert (seen.reference.view, seen.reference.side) == ("front", "left")
    assert seen.reference.range == pytest.approx(35, abs=3)


@pytest.mark.parametrize(("knee_deg", "grade"), [(5, 0), (24, 1), (32, 2), (40, 3)])
def test_a_knee_that_bends_is_a_fault_from_the_front(knee_deg, grade):
    found = lifts(knee_deg=knee_deg).found("knee_bends")
    assert found == [grade] * 3


def test_what_a_view_cannot_show_is_refused():
    front = lifts().counted[0].checks
    assert not front["pelvis_rolls_back"].checked
    assert not front["hip_hikes"].checked
    oblique = lifts(35).counted[0].checks
    assert not oblique["knee_bends"].checked


def test_a_clam_is_no_leg_lift():
    time_s, level, _ = repetitions([Rep()] * 3)
    track = film(np.stack([clam(30 * x) for x in level]), time_s, Camera())
    assert replay(track, EXERCISE).reps == []
