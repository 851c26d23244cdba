"""What a phone in the waistband tells of the pelvis, and when it tells nothing."""

from __future__ import annotations

import numpy as np
import pytest
from made_phone import FPS, FRONT, HEAD, LEFT, about, held, samples, worn_up

from formcheck.phone.clock import CLOCK_LIMIT_S
from formcheck.phone.sample import up_of
from formcheck.phone.worn import GAP_S, SLIPPED_DEG, Worn, WornPhone

TOP = {"left": LEFT, "right": -LEFT}


def lying(top: str | None) -> np.ndarray:
    """Up in the body at rest: on the side with `top` on top, or on the back."""
    return FRONT if top is None else TOP[top]


def ready(top: str | None, sits: np.ndarray | None = None, *, stood: bool = True) -> WornPhone:
    """A phone whose bearer has stood for two seconds, and then lain still until second 6."""
    worn = WornPhone("back" if top is None else "side")
    if stood:
        worn.add(held(worn_up(HEAD, sits), 2.0, 0.0))
    worn.add(held(worn_up(lying(top), sits), 3.0, 3.0))
    worn.settle(6.0, top)
    return worn


def turned_body(top: str | None, deg: float, lean_deg: float = 0.0) -> np.ndarray:
    """Up in a body whose long axis leans and that has then turned about it, right-handed about the head."""
    lean = about(np.cross(HEAD, lying(top)), -lean_deg)
    return about(HEAD, -deg) @ (lean @ lying(top))


@pytest.mark.parametrize("top", ["left", "right", None])
@pytest.mark.parametrize("deg", [-30.0, -8.0, 0.0, 12.0, 25.0])
@pytest.mark.parametrize("axis", [LEFT, HEAD, FRONT])
@pytest.mark.parametrize("tilt", [0.0, 10.0, -20.0])
def test_a_turn_about_the_long_axis_is_told_however_the_phone_sits(top, deg, axis, tilt):
    sits = about(axis, tilt)
    worn = ready(top, sits)
    assert worn.state is Worn.OK
    worn.add(held(worn_up(turned_body(top, deg), sits), 1.0, 6.0))
    said = worn.read(6.9, resting=False)
    assert said.turn_deg == pytest.approx(deg, abs=0.1)
    assert 0.5 < said.error_deg < 2.5


@pytest.mark.parametrize("top", ["left", None])
@pytest.mark.parametrize("tilt", [0.0, 10.0])
def test_hips_that_lift_and_hips_that_hike_are_no_turn(top, tilt):
    sits = about(FRONT, tilt) @ about(LEFT, tilt)
    lean = 30.0 if top is None else 15.0
    worn = ready(top, sits)
    worn.add(held(worn_up(turned_body(top, 0.0, lean_deg=lean), sits), 1.0, 6.0))
    said = worn.read(6.9, resting=False)
    assert said.turn_deg == pytest.approx(0.0, abs=0.1)
    worn.add(held(worn_up(turned_body(top, 11.0, lean_deg=lean), sits), 1.0, 7.0))
    assert worn.read(7.9, resting=False).turn_deg == pytest.approx(11.0, abs=0.1)
    # How far off the long axis may be known leaks in by as much as it leans.
    assert worn.read(7.9, resting=False).error_deg > ready(top, sits).read(6.0, resting=True).error_deg


@pytest.mark.parametrize("top", ["left", "right", None])
def test_what_turns_about_the_plumb_line_is_not_felt(top):
    worn = ready(top)
    worn.add(held(about(lying(top), 20.0) @ lying(top), 1.0, 6.0))
    assert worn.read(6.9, resting=False).turn_deg == pytest.approx(0.0, abs=1e-6)


def test_a_turn_of_a_body_in_motion_is_told_at_the_time_of_the_frame():
    worn = ready("left")
    speed = 20.0
    times = np.arange(0, 1.0, 1 / FPS)
    worn.add(samples([turned_body("left", speed * t) for t in times], 6.0))
    for late_s in (0.0, 0.1):  # the newest sample is older than the frame
        said = worn.read(6.0 + times[-1] + late_s, resting=False)
        assert said.turn_deg == pytest.approx(speed * (times[-1] + late_s), abs=0.1)
    assert worn.read(7.15, resting=False).error_deg > worn.read(7.0, resting=False).error_deg


@pytest.mark.parametrize("top", ["left", "right", None])
@pytest.mark.parametrize(
    ("sits", "state"),
    [
        (about(FRONT, 180.0), Worn.UPSIDE_DOWN),
        (about(HEAD, 180.0), Worn.INWARD),
        (about(HEAD, 90.0), Worn.ELSEWHERE),  # in a pocket at the side
    ],
)
def test_a_phone_that_sits_another_way_round_is_refused(top, sits, state):
    worn = ready(top, sits)
    assert worn.state is state
    said = worn.read(6.0, resting=True)
    assert said.state is state
    assert np.isnan(said.turn_deg)
    assert np.isnan(said.error_deg)


def test_a_phone_that_lies_across_is_refused_on_the_side():
    assert ready("left", about(FRONT, 90.0)).state is Worn.ELSEWHERE


@pytest.mark.parametrize("top", ["left", None])
def test_without_having_stood_it_is_not_known_which_end_is_up(top):
    assert ready(top, stood=False).state is Worn.NOT_STOOD


def test_a_phone_swung_upright_for_a_moment_has_not_stood():
    worn = WornPhone("side")
    worn.add(held(HEAD, 0.5, 0.0))
    worn.add(held(LEFT, 3.0, 3.0))
    assert worn.settle(6.0, "left") is Worn.NOT_STOOD


def test_somebody_who_moves_has_no_rest_and_neither_has_who_sends_nothing():
    worn = WornPhone("side")
    worn.add(held(HEAD, 2.0, 0.0))
    worn.add(samples([turned_body("left", deg) for deg in np.linspace(-15, 15, 180)], 3.0))
    assert worn.settle(6.0, "left") is Worn.NO_REST
    assert worn.settle(20.0, "left") is Worn.NO_REST
    assert worn.read(20.0, resting=True).state is Worn.NO_REST


def test_a_gap_stays_a_gap_and_ends_with_it():
    worn = ready("left")
    worn.add(held(turned_body("left", 5.0), 0.5, 6.0))
    assert worn.read(6.5, resting=False).state is Worn.OK
    assert worn.read(6.5 + GAP_S + 0.05, resting=False).state is Worn.SILENT
    worn.add(held(turned_body("left", 7.0), 0.5, 8.0))
    assert worn.read(8.5, resting=False).turn_deg == pytest.approx(7.0, abs=0.1)


def test_samples_that_come_twice_or_too_late_change_nothing():
    worn = ready("left")
    late = held(turned_body("left", 40.0), 0.2, 5.0)
    new = held(turned_body("left", 5.0), 0.5, 6.0)
    for part in (new, late, new):
        worn.add(part)
    assert worn.read(6.49, resting=False).turn_deg == pytest.approx(5.0, abs=0.1)


def test_clocks_that_do_not_match_tell_nothing():
    worn = ready("left")
    worn.add(held(turned_body("left", 5.0), 0.5, 6.0, clock_s=2 * CLOCK_LIMIT_S))
    assert worn.read(6.4, resting=False).state is Worn.CLOCK


def rests(worn: WornPhone, up: np.ndarray, start_s: float, seconds: float) -> list[Worn]:
    """States of a body that rests with up there, ten frames a second."""
    out = []
    for t in np.arange(start_s, start_s + seconds, 0.1):
        worn.add(held(up, 0.1, float(t)))
        out.append(worn.read(float(t) + 0.1, resting=True).state)
    return out


def test_rest_that_no_longer_returns_ends_the_measure_until_the_next_one():
    worn = ready("left")
    assert set(rests(worn, turned_body("left", SLIPPED_DEG - 2), 6.0, 2.0)) == {Worn.OK}
    states = rests(worn, turned_body("left", 2.0, lean_deg=SLIPPED_DEG + 3), 8.0, 2.0)
    assert states[0] is Worn.OK
    assert states[-1] is Worn.SLIPPED
    assert set(rests(worn, turned_body("left", 0.0), 10.0, 1.0)) == {Worn.SLIPPED}
    worn.add(held(turned_body("left", 0.0), 3.0, 11.0))
    assert worn.settle(14.0, "left") is Worn.OK


def test_a_large_turn_in_a_repetition_is_no_slip():
    worn = ready("left")
    worn.add(held(turned_body("left", 25.0), 3.0, 6.0))
    states = [worn.read(6.0 + 0.1 * i, resting=False).state for i in range(1, 30)]
    assert set(states) == {Worn.OK}


@pytest.mark.parametrize("bent_deg", [45.0, 55.0, 65.0])
def test_a_phone_in_a_pocket_on_the_thigh_is_found_out_by_how_the_thigh_rises(bent_deg):
    # Standing and at rest it looks as one in the waistband does; the hip is bent, so its top points aside.
    bent = about(LEFT, bent_deg)
    worn = WornPhone("side")
    worn.add(held(HEAD, 2.0, 0.0))
    worn.add(held(bent.T @ LEFT, 3.0, 3.0))
    assert worn.settle(6.0, "left") is Worn.OK
    opening = [bent.T @ (about(HEAD, -deg) @ LEFT) for deg in np.linspace(0, 38, 120)]
    worn.add(samples(opening, 6.0))
    states = [worn.read(6.0 + 0.1 * i, resting=False).state for i in range(1, 20)]
    assert states[-1] is Worn.ELSEWHERE


def test_a_hip_that_hikes_is_no_thigh():
    worn = ready("left")
    worn.add(held(turned_body("left", 12.0, lean_deg=15.0), 1.0, 6.0))
    assert worn.read(6.9, resting=False).turn_deg == pytest.approx(12.0, abs=0.2)


def test_no_pelvis_turns_as_far_as_a_leg():
    worn = ready("left")
    worn.add(held(turned_body("left", 75.0), 1.0, 6.0))
    assert worn.read(6.9, resting=False).state is Worn.ELSEWHERE


@pytest.mark.parametrize(
    ("beta", "gamma", "up"),
    [(0, 0, FRONT), (90, 0, HEAD), (-90, 0, -HEAD), (0, 90, -LEFT), (0, -90, LEFT), (180, 0, -FRONT)],
)
def test_the_angles_of_a_browser_as_a_direction(beta, gamma, up):
    # On its back; upright; upside down; on its right edge; on its left edge; on its face.
    assert up_of([beta], [gamma])[0] == pytest.approx(up, abs=1e-12)


# -- what lifts show of the long axis ------------------------------------------------------------------------

LIFT_S = 4.0


def lifted(worn: WornPhone, start_s: float, sits: np.ndarray | None = None, drop_deg: float = 0.0) -> float:
    """A lift of 30 degrees, with so much turn at its top, and a rest; how much turn is told at the top."""
    rise = np.concatenate([np.linspace(0, 1, 60), np.ones(60), np.linspace(1, 0, 60), np.zeros(60)])
    told = []
    for i, share in enumerate(rise):
        up = worn_up(turned_body(None, drop_deg * share, -30.0 * share), sits)
        t = start_s + i / FPS
        worn.add(held(up, 1 / FPS, t))
        said = worn.read(t, resting=share == 0)
        told.append((said.turn_deg, said.error_deg))
    return told[115][0]


def aslant(deg: float) -> WornPhone:
    """A phone that has moved in the waistband since its bearer stood, about what is up when one lies."""
    worn = WornPhone("back")
    worn.add(held(worn_up(HEAD), 2.0, 0.0))
    worn.add(held(worn_up(FRONT, about(FRONT, deg)), 3.0, 3.0))
    assert worn.settle(6.0, None) is Worn.OK
    return worn


@pytest.mark.parametrize("deg", [-5.0, 4.0])
def test_lifts_show_that_the_long_axis_is_off_and_less_of_them_leaks_in(deg):
    worn, sits = aslant(deg), about(FRONT, deg)
    told = [lifted(worn, 6.0 + LIFT_S * i, sits) for i in range(4)]
    assert abs(told[0]) == pytest.approx(abs(deg) * np.tan(np.radians(30.0)), abs=0.3)
    assert abs(told[1]) < 0.75 * abs(told[0])
    assert abs(told[3]) < 0.65 * abs(told[0])


def test_lifts_make_the_error_of_later_ones_smaller():
    worn = aslant(0.0)

    def error(at_s: float) -> float:
        worn.add(held(worn_up(turned_body(None, 0.0, -30.0)), 0.5, at_s))
        return worn.read(at_s + 0.5, resting=False).error_deg

    first = error(6.0)
    worn.read(6.5, resting=True)
    for i in range(3):
        lifted(worn, 7.0 + LIFT_S * i)
    assert error(20.0) < 0.9 * first


@pytest.mark.parametrize("drop", [8.5, -9.0, 12.0])
def test_a_pelvis_that_drops_in_every_lift_is_not_taken_for_a_phone_that_sits_aslant(drop):
    worn = aslant(0.0)
    told = [lifted(worn, 6.0 + LIFT_S * i, drop_deg=drop) for i in range(6)]
    assert told[0] == pytest.approx(drop, abs=0.3)
    assert abs(told[5]) > 0.85 * abs(drop)


def test_level_lifts_before_show_the_drop_of_one_in_full():
    worn, sits = aslant(4.0), about(FRONT, 4.0)
    told = [lifted(worn, 6.0 + LIFT_S * i, sits, drop) for i, drop in enumerate([0, 0, 0, -9.0, 0])]
    assert abs(told[3] - -9.0) < abs(told[0])
    assert told[4] == pytest.approx(told[2], abs=0.3)  # nor does it spoil what is known


def test_a_new_resting_position_keeps_what_is_known_until_its_bearer_stands_or_the_phone_moves():
    for between, keeps in (("nothing", True), ("stood", False), ("moved", False)):
        worn, sits = aslant(5.0), about(FRONT, 5.0)
        first = lifted(worn, 6.0, sits)
        for i in range(3):
            lifted(worn, 10.0 + LIFT_S * i, sits)
        start_s = 23.0
        if between == "stood":
            worn.add(held(worn_up(HEAD), 2.0, start_s))
        sits = about(LEFT, 10.0) @ sits if between == "moved" else sits
        worn.add(held(worn_up(FRONT, sits), 3.0, start_s + 2.0))
        assert worn.settle(start_s + 5.0, None) is Worn.OK
        again = lifted(worn, start_s + 5.0, sits)
        assert (abs(again) < 0.75 * abs(first)) is keeps, between


def test_who_lies_on_the_side_has_no_lifts():
    worn = ready("left")
    worn.add(held(turned_body("left", 12.0, lean_deg=15.0), 1.0, 6.0))
    for t in np.arange(6.2, 6.9, 0.05):
        worn.read(float(t), resting=False)
    worn.add(held(LEFT, 1.0, 7.0))
    worn.read(7.9, resting=True)
    worn.add(held(turned_body("left", 12.0, lean_deg=15.0), 1.0, 8.0))
    assert worn.read(8.9, resting=False).turn_deg == pytest.approx(12.0, abs=0.2)


@pytest.mark.parametrize("top", ["left", None])
def test_by_how_much_rest_has_not_returned_the_turn_may_be_off(top):
    worn = ready(top)
    off = SLIPPED_DEG - 1
    worn.add(held(turned_body(top, 12.0), 1.0, 6.0))
    before = worn.read(6.9, resting=False).error_deg
    assert set(rests(worn, turned_body(top, off), 7.0, 3.0)) == {Worn.OK}
    worn.add(held(turned_body(top, 12.0 + off), 1.0, 10.0))
    assert worn.read(10.9, resting=False).error_deg == pytest.approx(np.hypot(before, off - 1.0), abs=0.3)
    worn.add(held(turned_body(top, 0.0), 3.0, 11.0))
    worn.settle(14.0, "left" if top else None)
    worn.add(held(turned_body(top, 12.0), 1.0, 14.0))
    assert worn.read(14.9, resting=False).error_deg == pytest.approx(before, abs=0.1)
