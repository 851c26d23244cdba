"""What the network for people who lie reads of somebody unlike those it learned from is not used."""

from __future__ import annotations

import numpy as np
import pytest

from formcheck.measures.error import knows_what_it_sees, lying_error
from formcheck.pose.lying_reading import LYING_COUNT, Lying


def reading(scale: float = 2.0, joints_off: float = 0.1, spread: float = 0.2) -> np.ndarray:
    out = np.zeros((1, LYING_COUNT), np.float32)
    out[:, [Lying.STRETCH, Lying.ROLL_SCALE, Lying.ROLL_SPREAD, Lying.JOINTS_OFF]] = (
        1,
        scale,
        spread,
        joints_off,
    )
    return out


@pytest.mark.parametrize(
    ("scale", "joints_off", "known"), [(4.9, 0.29, True), (6.6, 0.1, False), (2.0, 0.31, False)]
)
def test_an_unsure_network_or_other_joints_mean_another_body(scale, joints_off, known):
    assert knows_what_it_sees(Lying.ROLL, reading(scale, joints_off)) == [known]


def test_where_the_landmarks_are_known_to_be_bad_the_opening_is_believed_further_from_them_than_a_roll():
    assert knows_what_it_sees(Lying.OPENING, reading(joints_off=0.45)) == [True]
    assert knows_what_it_sees(Lying.OPENING, reading(joints_off=0.55)) == [False]
    assert knows_what_it_sees(Lying.ROLL, reading(joints_off=0.45)) == [False]


def test_no_reading_is_no_body():
    assert not knows_what_it_sees(Lying.ROLL, np.full((1, LYING_COUNT), np.nan, np.float32))


@pytest.mark.parametrize("worse", [{"scale": 4.0}, {"joints_off": 0.25}, {"spread": 2.0}])
def test_the_error_grows_with_all_that_is_known_of_it(worse):
    usual = lying_error(Lying.ROLL, "oblique", reading())
    assert 0.3 < usual < 2.5
    assert lying_error(Lying.ROLL, "oblique", reading(**worse)) > 1.2 * usual
