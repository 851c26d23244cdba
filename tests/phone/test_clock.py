"""Two clocks are matched by messages that went there and back."""

from __future__ import annotations

import numpy as np
import pytest

from formcheck.phone.clock import CLOCK_LIMIT_S, PhoneClock, match_clocks


def trips(
    rng: np.random.Generator, *, offset: float = 412.7, drift: float = 0.0, over_s: float = 60.0,
    wait_s: float = 0.02, each_s: float = 0.25,
) -> np.ndarray:  # fmt: skip
    """Messages whose way there and back takes 4 ms and a wait of random length, on the phone's clock."""
    rows = []
    for t in np.arange(0, over_s, each_s):
        there, back = 0.004 + rng.exponential(wait_s, 2)
        rows.append((t, (t + there) * (1 + drift) + offset, t + there + back))
    return np.array(rows)


def off(match, at_s: float, offset: float, drift: float) -> float:
    return abs(float(match.to_host(at_s)) - (at_s * (1 + drift) + offset))


@pytest.mark.parametrize("drift", [0.0, 5e-5, -2e-4])
@pytest.mark.parametrize("seed", range(5))
def test_offset_and_drift_are_found_within_30_ms_and_the_error_told_covers_them(seed, drift):
    match = match_clocks(trips(np.random.default_rng(seed), drift=drift))
    assert match is not None
    wrong = off(match, 60.0, 412.7, drift)
    assert wrong < match.error_s < CLOCK_LIMIT_S


def test_one_message_is_off_by_no_more_than_it_took():
    for there, back in ((0.001, 0.199), (0.199, 0.001), (0.1, 0.1)):
        match = match_clocks([(5.0, 5.0 + there + 80.0, 5.0 + there + back)])
        assert match is not None
        assert abs(match.offset_s - 80.0) <= match.error_s + 1e-9
        assert match.error_s == pytest.approx(0.1)


def test_a_network_that_is_slow_throughout_is_not_within_the_limit():
    rows = [(t, t + 0.08 + 3.0, t + 0.16) for t in np.arange(0, 30, 0.2)]
    match = match_clocks(rows)
    assert match is not None
    assert match.error_s > CLOCK_LIMIT_S


def test_messages_that_make_no_sense_are_passed_over():
    assert match_clocks(np.empty((0, 3))) is None
    assert match_clocks([(1.0, np.nan, 2.0), (2.0, 5.0, 1.0)]) is None


def test_a_page_that_was_loaded_anew_begins_with_a_new_clock():
    clock = PhoneClock()
    assert clock.match is None
    for row in trips(np.random.default_rng(0), offset=100.0):
        clock.add(*row)
    for row in trips(np.random.default_rng(1), offset=900.0, over_s=2.0):
        clock.add(*row)
    assert clock.match is not None
    assert abs(float(clock.match.to_host(1.0)) - 901.0) < CLOCK_LIMIT_S


@pytest.mark.parametrize("jump_s", [5.0, 0.2, -0.5])
def test_a_clock_that_stood_still_while_the_phone_slept_is_matched_anew(jump_s):
    clock = PhoneClock()
    for row in trips(np.random.default_rng(0), over_s=30.0):
        clock.add(*row)
    for row in trips(np.random.default_rng(1), over_s=1.5) + np.array([40.0, 40.0 + jump_s, 40.0]):
        clock.add(*row)
    assert clock.match is not None
    wrong = abs(float(clock.match.to_host(41.5)) - (41.5 + 412.7 + jump_s))
    assert wrong < clock.match.error_s < CLOCK_LIMIT_S


def test_a_network_that_stumbles_is_no_jump():
    rng = np.random.default_rng(0)
    clock = PhoneClock()
    for sent_s, answered_s, received_s in trips(rng, over_s=30.0):
        clock.add(sent_s, answered_s, received_s)
    assert clock.match is not None
    known = clock.match.error_s
    for sent_s, there_s, back_s in ((31.0, 1.5, 0.01), (33.0, 0.01, 1.5), (35.0, 0.7, 0.7)):
        clock.add(sent_s, sent_s + there_s + 412.7, sent_s + there_s + back_s)
        assert clock.match is not None
        assert clock.match.error_s < 2 * known
