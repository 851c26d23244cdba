"""How it goes, from kept days: weeks with gaps that are forgiven, and more only where it is more."""

from __future__ import annotations

from datetime import date, timedelta

from formcheck.app.progress import Practised, practised
from formcheck.exercises.programme import Programme
from formcheck.session.days import Day, PartDone, SetDone

PROGRAMME = Programme.model_validate(
    {
        "name": "Hips",
        "days": ["mon", "wed"],
        "exercises": [{"exercise": "bridge"}, {"exercise": "bridge", "band": True, "days": ["fri"]}],
    }
)
#: A Thursday.
TODAY = date(2026, 11, 26)


def day(days_ago: int, counted: int = 10) -> Day:
    on = TODAY - timedelta(days=days_ago)
    part = PartDone(
        exercise="bridge", mark="m", asked_sets=1, asked_reps=10, sets=(SetDone(counted=counted, full=0),)
    )
    return Day(date=on, started=f"{on}T10:00:00+01:00", kept="numbers", parts=(part,))


def test_without_days_nothing_is_claimed() -> None:
    assert practised(PROGRAMME, [], TODAY) == Practised(0, planned=3, weeks_done=0, weeks=1, more=0)


def test_days_of_this_week_begin_on_monday_and_two_sittings_are_one_day() -> None:
    sunday, monday, twice = day(4), day(3), [day(1), day(1)]
    assert practised(PROGRAMME, [sunday, monday, *twice], TODAY).days_this_week == 2


def test_a_week_without_is_a_gap_and_the_weeks_before_it_still_count() -> None:
    found = practised(PROGRAMME, [day(22), day(8), day(1)], TODAY)
    assert (found.weeks_done, found.weeks) == (3, 4)


def test_no_more_than_eight_weeks_are_looked_back_on() -> None:
    found = practised(PROGRAMME, [day(7 * n) for n in range(20)], TODAY)
    assert (found.weeks_done, found.weeks) == (8, 8)


def test_more_than_last_week_is_by_the_same_weekday() -> None:
    last_monday, last_friday, now = day(10, 10), day(6, 30), day(1, 12)
    assert practised(PROGRAMME, [last_monday, last_friday, now], TODAY).more == 2


def test_a_day_on_which_nothing_was_done_is_none() -> None:
    found = practised(PROGRAMME, [day(1, counted=0)], TODAY)
    assert (found.days_this_week, found.weeks_done) == (0, 0)
