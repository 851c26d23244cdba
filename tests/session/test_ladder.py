"""The ladder of an exercise: up after good days only, back for pain at once, never on what is not known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from formcheck.exercises.programme import Climb, ProgrammeExercise
from formcheck.session.days import Day, PartDone, SetDone
from formcheck.session.ladder import standing

BRIDGE = ProgrammeExercise.model_validate(
    {"exercise": "bridge", "sets": 2, "reps": 10, "ladder": [{"reps": 12}, {"hold_s": 5}, {"band": True}]}
)
CLAM = ProgrammeExercise.model_validate(
    {"exercise": "clam", "sides": ["left", "right"], "sets": 1, "reps": 10}
)
CLIMB = Climb()
FIRST = date(2026, 11, 2)


def day(
    number: int = 0,
    full: int = 20,
    pain: tuple[int | None, int | None] = (0, 0),
    effort: float | None = 3.0,
    settled: bool | None = None,
    stopped: str | None = None,
    mark: str = BRIDGE.mark,
    begun: bool = True,
) -> Day:
    sets = (SetDone(counted=10, full=min(full, 10)), SetDone(counted=10, full=max(full - 10, 0)))
    part = PartDone(exercise="bridge", mark=mark, asked_sets=2, asked_reps=10, sets=sets if begun else ())
    on = FIRST + timedelta(days=2 * number)
    return Day(
        date=on, started=f"{on}T10:00:00+00:00", kept="numbers", pain_before=pain[0], pain_after=pain[1],
        settled=settled, effort=effort, stopped=stopped, complete=True, parts=(part,),
    )  # fmt: skip


def test_nothing_done_is_the_first_step() -> None:
    now = standing(BRIDGE, CLIMB, [])
    assert (now.rung, now.why, now.days_left, now.moved) == (0, ("days",), 2, None)
    assert now.next is not None
    assert now.next.raised == ("reps",)


def test_two_good_days_in_a_row_lead_up_one_step() -> None:
    one, two = standing(BRIDGE, CLIMB, [day()]), standing(BRIDGE, CLIMB, [day(), day(1)])
    assert (one.rung, one.why, one.days_left) == (0, ("days",), 1)
    assert (two.rung, two.moved, two.why) == (1, "up", ())
    assert two.next is not None
    assert two.next.raised == ("hold_s",)
    assert standing(BRIDGE, CLIMB, [day(i) for i in range(4)]).rung == 2


def test_at_the_top_nothing_follows() -> None:
    top = standing(BRIDGE, CLIMB, [day(i) for i in range(20)])
    assert (top.rung, top.next, top.why) == (3, None, ())


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (day(1, full=18), None),
        (day(1, full=17), "reps"),
        (day(1, effort=4.9), None),
        (day(1, effort=5.0), "effort"),
        (day(1, pain=(3, 3)), "settling"),
        (day(1, pain=(4, 0)), "pain"),
        (day(1, pain=(0, 4)), "pain"),
        (day(1, pain=(0, None)), "pain_unknown"),
        (day(1, pain=(None, 0)), "pain_unknown"),
        (day(1, effort=None), "effort_unknown"),
        (day(1, stopped="pain"), "pain"),
    ],
)
def test_each_border_of_a_good_day(last: Day, why: str | None) -> None:
    now = standing(BRIDGE, CLIMB, [day(0), last])
    if why is None:
        assert (now.rung, now.moved) == (1, "up")
    else:
        assert now.rung == 0
        assert now.why[0] == why


@pytest.mark.parametrize(("settled", "rung", "moved"), [(True, 1, "up"), (None, 0, None), (False, 0, None)])
def test_pain_within_the_limit_counts_once_it_has_settled(settled, rung, moved) -> None:
    now = standing(BRIDGE, CLIMB, [day(0), day(1, pain=(0, 3))], settled)
    assert (now.rung, now.moved) == (rung, moved)


def test_pain_that_did_not_settle_leads_back() -> None:
    up = [day(0), day(1), day(2, pain=(1, 2))]
    assert standing(BRIDGE, CLIMB, up).rung == 1
    back = standing(BRIDGE, CLIMB, up, settled=False)
    assert (back.rung, back.moved, back.why) == (0, "back", ("unsettled",))
    # The same, told by the day after: what today says is about that one.
    later = standing(BRIDGE, CLIMB, [*up, day(3, settled=False)], settled=None)
    assert (later.rung, later.days_left) == (0, 1)


@pytest.mark.parametrize("bad", [day(2, pain=(0, 4)), day(2, pain=(4, 0)), day(2, stopped="pain")])
def test_too_much_pain_leads_back_at_once(bad: Day) -> None:
    now = standing(BRIDGE, CLIMB, [day(0), day(1), bad])
    assert (now.rung, now.moved) == (0, "back")


def test_too_few_full_repetitions_lead_back_after_two_days_only() -> None:
    up = [day(0), day(1)]
    assert standing(BRIDGE, CLIMB, [*up, day(2, full=10)]).rung == 1
    assert standing(BRIDGE, CLIMB, [*up, day(2, full=10), day(3), day(4, full=10)]).rung == 1
    assert standing(BRIDGE, CLIMB, [*up, day(2, full=10), day(3, full=10)]).rung == 0


def test_a_hard_day_starts_the_counting_anew_and_an_unanswered_one_does_not() -> None:
    assert standing(BRIDGE, CLIMB, [day(0), day(1, effort=6), day(2)]).rung == 0
    assert standing(BRIDGE, CLIMB, [day(0), day(1, effort=None), day(2)]).rung == 1


def test_below_the_first_step_nothing_leads() -> None:
    now = standing(BRIDGE, CLIMB, [day(i, pain=(0, 9)) for i in range(3)])
    assert (now.rung, now.moved, now.why[0]) == (0, None, "pain")


def test_days_of_an_exercise_that_was_changed_or_not_begun_are_passed_over() -> None:
    assert standing(BRIDGE, CLIMB, [day(0, mark="other"), day(1, mark="other")]).rung == 0
    assert standing(BRIDGE, CLIMB, [day(0), day(1, begun=False, stopped="pain"), day(2)]).rung == 1


def test_every_side_must_be_done() -> None:
    clam = CLAM.model_copy(update={"ladder": BRIDGE.ladder})

    def both(left: int, right: int) -> Day:
        parts = tuple(
            PartDone(
                exercise="clam", side=side, mark=clam.mark, asked_sets=1, asked_reps=10,
                sets=(SetDone(counted=10, full=full),),
            )
            for side, full in (("left", left), ("right", right))
        )  # fmt: skip
        return day(0).model_copy(update={"parts": parts})

    assert standing(clam, CLIMB, [both(10, 10), both(9, 10)]).rung == 1
    assert standing(clam, CLIMB, [both(10, 10), both(10, 8)]).rung == 0


def test_the_rule_is_the_physios() -> None:
    strict = Climb(after_days=3, full_share=1.0, pain_most=0, effort_below=3.5)
    assert standing(BRIDGE, strict, [day(0), day(1)]).rung == 0
    assert standing(BRIDGE, strict, [day(0), day(1), day(2)]).rung == 1
    assert standing(BRIDGE, strict, [day(0), day(1), day(2, full=19)]).rung == 0
    assert standing(BRIDGE, strict, [day(0), day(1), day(2, pain=(0, 1))], settled=True).rung == 0
