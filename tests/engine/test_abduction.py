"""Side-lying leg lifts on bodies of known angle, from landmarks to judged repetitions."""

from __future__ import annotations

import numpy as np
import pytest
from leg_lift import leg_lift
from skeleton import BODY, Body, Camera, L, Rep, clam, film, mirrored, repetitions
from tracked import Tracked, shifted, tracked

from formcheck.engine.start_position import StartPosition, knees_bent
from formcheck.exercises.definition import load_definition
from formcheck.words import Words, languages

EXERCISE = "side-lying-abduction"


def lifts(yaw_deg: float = 0.0, knee_deg: float = 0.0, top_deg: float = 35.0, body: Body = BODY) -> Tracked:
    time_s, level, _ = repetitions([Rep()] * 3)
    points = np.stack([leg_lift(top_deg * x, knee_deg * x, body) for x in level])
    track = film(points, time_s, Camera(yaw_deg=yaw_deg), noise_px=2, noise_m=0.01, rho=0.6)
    return tracked(track, EXERCISE)


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
    assert tracked(track, EXERCISE).reps == []


def test_the_mirror_image_is_the_right_leg():
    time_s, level, _ = repetitions([Rep()] * 3)
    track = mirrored(film(np.stack([leg_lift(35 * x) for x in level]), time_s, Camera()))
    seen = tracked(track, EXERCISE)
    assert seen.classes == ["full"] * 3
    assert (seen.reference.side, seen.reference.view) == ("right", "front")
    assert seen.reference.range == pytest.approx(35, abs=3)


def test_a_close_up_of_the_legs_counts_nothing():
    time_s, level, _ = repetitions([Rep()] * 3)
    track = film(np.stack([leg_lift(35 * x) for x in level]), time_s, Camera())
    shoulder = track.image_xyz[:, L.LEFT_SHOULDER, 0].max()
    assert tracked(shifted(track, 30 - shoulder, 0), EXERCISE).counted  # just inside
    assert tracked(shifted(track, -30 - shoulder, 0), EXERCISE).counted == []


def bent_knees(top_deg: float, lower_deg: float) -> bool:
    """Is "straighten your top leg" what is said of somebody half on the back with such knees?"""
    p = leg_lift(0, top_deg)
    hip, knee = p[L.RIGHT_HIP], p[L.RIGHT_KNEE]
    a = np.radians(lower_deg)
    shank = np.array([np.cos(a), 0.0, -np.sin(a)])
    p[L.RIGHT_ANKLE] = knee + np.linalg.norm(p[L.RIGHT_ANKLE] - knee) * shank
    p[L.LEFT_HIP] = hip + np.linalg.norm(p[L.LEFT_HIP] - hip) * np.array([0.0, 0.0, -1.0])
    track = film(np.repeat(p[None], 15, axis=0), np.arange(15) / 15, Camera())
    stand = StartPosition(
        track.time_s, track.image_xyz[..., :2], track.world_xyz, track.visibility, track.image_wh, 1,
        load_definition(EXERCISE), ("front",), None,
    )  # fmt: skip
    assert not stand.in_posture
    return knees_bent(stand)


def test_the_lower_leg_may_be_bent():
    assert bent_knees(70, 0)
    assert not bent_knees(0, 80)


@pytest.mark.parametrize("language", languages())
def test_nothing_said_in_praise_is_about_the_knee(language):
    praises = {f.praise for f in load_definition(EXERCISE).faults.values() if f.praise}
    said = [Words(language)(f"voice.praise.{key}") for key in praises]
    assert [text for text in said if "nee" in text or "Knie" in text] == []
