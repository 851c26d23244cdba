"""The opening that the network for people who lie reads: the counting signal of a clam from the foot end, and
a part of the opening from the front and the foot side.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skeleton import Camera, Rep, clam, film, repetitions
from tracked import tracked

from formcheck.engine.baseline import prepare
from formcheck.exercises.definition import load_definition
from formcheck.measures.measure import Measurer
from formcheck.measures.table import Reason, Status
from formcheck.pose.lying_reading import LYING_COUNT, Lying
from formcheck.pose.track import Track

CLAM = load_definition("clam")
FRONT, FOOT_SIDE = Camera(yaw_deg=0, height_m=0.35), Camera(yaw_deg=30)
FEET = Camera(yaw_deg=85, height_m=0.7)
REPS = [Rep(1.3, 0.8, 1.3, 0.9)] * 3
PER = CLAM.measures["knee_lift"].lying.per


def shot(camera: Camera, opening: float = 30.0, drawn: float = 1.0) -> tuple[Track, np.ndarray]:
    """Three repetitions whose knee is drawn so much of the way up, and the true opening."""
    time_s, level, _ = repetitions(REPS)
    return film(np.stack([clam(opening * drawn * x) for x in level]), time_s, camera), opening * level


def with_readings(track: Track, opening: np.ndarray, **columns: float | np.ndarray) -> Track:
    """The track with what the network read beside it."""
    rows = np.zeros((len(track), LYING_COUNT), np.float32)
    rows[:, Lying.STRETCH] = 1
    rows[:, Lying.OPENING] = opening
    rows[:, [Lying.ROLL_SCALE, Lying.OPENING_SCALE, Lying.JOINTS_OFF]] = 2.0, 4.0, 0.1
    for name, value in columns.items():
        rows[:, Lying[name]] = value
    return replace(track, lying=rows)


def told(track: Track, name: str) -> tuple[np.ndarray, np.ndarray]:
    (stretch,) = prepare(track, CLAM)
    return stretch.measures.column(name), stretch.measures.status[:, stretch.measures.names.index(name)]


def test_repetitions_that_the_skeleton_hardly_shows_are_counted_from_the_foot_end():
    track, opening = shot(FEET, drawn=0.1)
    assert not tracked(track, "clam").counted
    played = tracked(with_readings(track, opening), "clam")
    assert [rep.times.rep_class for rep in played.counted] == ["full"] * 3
    assert played.reference.range == pytest.approx(30 / PER, rel=0.05)


def test_from_the_foot_end_lift_and_opening_are_what_was_read_and_good():
    track, opening = shot(FEET, drawn=0.4)
    track = with_readings(track, opening, ROLL=0.2 * opening)
    for name, true in (
        ("knee_lift", opening / PER),
        ("opening_deg", opening),
        ("hip_opening_deg", 0.8 * opening),
    ):
        value, status = told(track, name)
        assert value == pytest.approx(true, abs=0.03 * true.max())
        assert (status == Status.OK).all(), name


def test_a_network_that_read_little_leaves_the_counting_to_the_skeleton():
    track, opening = shot(FEET)
    half = np.where(np.arange(len(track)) < len(track) / 2, 0.1, 0.9)  # its joints lie elsewhere
    played = tracked(with_readings(track, 0.0 * opening, JOINTS_OFF=half), "clam")
    assert len(played.counted) == 3
    assert not played.reference.turned


def test_nor_does_one_that_began_anew_again_and_again_count():
    track, opening = shot(FEET)
    third = np.arange(len(track)) * 3 // len(track)
    played = tracked(with_readings(track, 0.3 * opening - 25.0 * third, STRETCH=1.0 + third), "clam")
    assert len(played.counted) == 3
    assert not played.reference.turned


@pytest.mark.parametrize(("camera", "view"), [(FRONT, "front"), (FOOT_SIDE, "oblique")])
def test_elsewhere_it_is_the_mean_of_both(camera, view):
    track, opening = shot(camera)
    plain, _ = told(track, "opening_deg")
    mean, status = told(with_readings(track, 1.3 * opening), "opening_deg")
    share = CLAM.measures["opening_deg"].lying.share[view]
    top = opening > 29
    assert mean[top] == pytest.approx((1 - share) * plain[top] + share * 1.3 * opening[top], abs=1.0)
    assert (status[top] == Status.OK).all()
    share = CLAM.measures["knee_lift"].lying.share[view]
    lift, drawn = (told(one, "knee_lift")[0][top] for one in (with_readings(track, 1.3 * opening), track))
    assert lift == pytest.approx((1 - share) * drawn + share * 1.3 * opening[top] / PER, abs=0.01)


@pytest.mark.parametrize(("camera", "share"), [(FRONT, 0.5), (FOOT_SIDE, 0.75), (FEET, 1.0)])
def test_a_foot_that_leaves_the_other_takes_the_knee_along(camera, share):
    time_s, level, _ = repetitions(REPS)
    track = film(np.stack([clam(25.0 * x, feet_apart=0.25 * x) for x in level]), time_s, camera)
    track = with_readings(track, 25.0 * level)
    top = level > 0.95
    feet, lift = told(track, "feet_apart")[0][top], told(track, "knee_lift")[0][top]
    drawn = told(replace(track, lying=None), "knee_lift")[0][top]
    assert np.median(feet) > 0.1
    by_network = 25.0 * level[top] / PER + CLAM.measures["knee_lift"].lying.plus["feet_apart"] * feet
    assert lift == pytest.approx((1 - share) * drawn + share * by_network, abs=0.01)


def test_where_nothing_was_read_the_skeletons_opening_stays_with_its_own_error():
    track, opening = shot(FRONT)
    unlike = np.where(opening > 15, 0.9, 0.1)
    (stretch,) = prepare(with_readings(track, 2 * opening, JOINTS_OFF=unlike), CLAM)
    (plain,) = prepare(track, CLAM)
    top = opening > 20
    i = stretch.measures.names.index("opening_deg")
    assert stretch.measures.column("opening_deg")[top] == pytest.approx(
        plain.measures.column("opening_deg")[top]
    )
    usual = CLAM.measures["opening_deg"]
    error = Measurer(CLAM, stretch.reference).mean_error(stretch_lying(track, opening, unlike))[i]
    assert set(error[top]) == {usual.error["front"]}
    assert set(error[opening < 10]) == {usual.lying.error["front"]}


def stretch_lying(track: Track, opening: np.ndarray, unlike: np.ndarray) -> np.ndarray:
    return with_readings(track, 2 * opening, JOINTS_OFF=unlike).lying


def test_without_readings_the_own_rotation_of_the_hip_is_no_better_than_the_skeletons_hip_line():
    track, _ = shot(FOOT_SIDE)
    (stretch,) = prepare(track, CLAM)
    column = stretch.measures.names.index("hip_opening_deg")
    assert (stretch.measures.status[:, column] == Status.LOW).all()
    assert set(stretch.measures.reason[:, column]) == {Reason.NOISE}
