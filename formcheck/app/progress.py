"""How it goes, from the kept days of a programme: this week, and the weeks before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from formcheck.exercises.programme import WEEKDAYS, Programme
from formcheck.session.days import Day

#: So many weeks are looked back on [D].
_WEEKS = 8


@dataclass(frozen=True)
class Practised:
    """Days, weeks and repetitions; only days on which something was done count.

    Attributes:
        days_this_week, planned: done since Monday, and planned for a whole week.
        weeks_done, weeks: of the last weeks, in how many something was done; a week without is a gap and
            nothing more.
        more: repetitions this week above those of last week up to the same weekday; negative for fewer.
    """

    days_this_week: int
    planned: int
    weeks_done: int
    weeks: int
    more: int


def practised(programme: Programme, days: Sequence[Day], today: date) -> Practised:
    """What the kept days amount to.

    Args:
        programme: whose days.
        days: all that are kept, in any order.
        today: the date.
    """
    done = [day for day in days if day.counted and day.date <= today]
    monday = _monday(today)
    planned = sum(bool(programme.on(weekday)) for weekday in WEEKDAYS)
    first = min((_monday(day.date) for day in done), default=monday)
    weeks = min((monday - first).days // 7 + 1, _WEEKS)
    active = {_monday(day.date) for day in done}
    week = timedelta(days=7)
    return Practised(
        days_this_week=len({day.date for day in done if day.date >= monday}),
        planned=planned,
        weeks_done=sum(monday - n * week in active for n in range(weeks)),
        weeks=weeks,
        more=_counted(done, monday, today) - _counted(done, monday - week, today - week),
    )


def _counted(days: Sequence[Day], since: date, until: date) -> int:
    return sum(day.counted for day in days if since <= day.date <= until)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
