"""The ladder of a programme's exercise: which step is due, and why not yet the next one.

Pure: worked out anew from the kept days, so that it needs no memory of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from formcheck.exercises.programme import Climb, ProgrammeExercise, Rung
from formcheck.session.days import Day, PartDone

#: Why a day does not count towards the next step; keys of ``programme.ladder.why.*``.
Why = Literal["reps", "pain", "unsettled", "effort", "pain_unknown", "settling", "effort_unknown", "days"]
_HURT: frozenset[Why] = frozenset({"pain", "unsettled"})
_OPEN: frozenset[Why] = frozenset({"pain_unknown", "settling", "effort_unknown"})


@dataclass(frozen=True)
class Standing:
    """Where an exercise stands on its ladder.

    Attributes:
        rung: the step that is due, 0 for the exercise as it begins.
        next: what the step after it raises; None at the top.
        why: what the last day lacked for it, most important first; ``days`` alone: only more good days.
        days_left: good days still needed, if nothing goes wrong.
        moved: whether the last day led up or back.
    """

    rung: int = 0
    next: Rung | None = None
    why: tuple[Why, ...] = ()
    days_left: int = 0
    moved: Literal["up", "back"] | None = None


def standing(
    exercise: ProgrammeExercise, climb: Climb, days: Sequence[Day], settled: bool | None = None
) -> Standing:
    """The step that is due after these days.

    Args:
        exercise: of the programme, as it begins.
        climb: the rule.
        days: those before, the earliest first; days without this exercise are passed over.
        settled: what was answered today about the pain of the last day, None if not (yet).
    """
    top = len(exercise.ladder)
    rung = good = short = 0
    why: tuple[Why, ...] = ()
    moved: Literal["up", "back"] | None = None
    for number, day in enumerate(days):
        parts = [part for part in day.parts if part.mark == exercise.mark]
        if not any(part.sets for part in parts):
            continue
        after = days[number + 1].settled if number + 1 < len(days) else settled
        why = lacked(day, parts, climb, after)
        short = short + 1 if "reps" in why else 0
        moved = None
        if _HURT & set(why) or short >= climb.back_after_days:
            moved = "back" if rung > 0 else None
            rung, good, short = max(rung - 1, 0), 0, 0
        elif not why:
            good += 1
            if good >= climb.after_days and rung < top:
                rung, good, moved = rung + 1, 0, "up"
        elif not set(why) <= _OPEN:
            good = 0
    left = max(climb.after_days - good, 1)
    if not why and moved is None:
        why = ("days",)
    following = exercise.ladder[rung] if rung < top else None
    return Standing(rung, following, why if following is not None else (), left, moved)


def lacked(day: Day, parts: Sequence[PartDone], climb: Climb, settled: bool | None) -> tuple[Why, ...]:
    """What a day lacked to be a good one, most important first; empty for a good day.

    Args:
        day: the day.
        parts: of the exercise, one for each side.
        climb: the rule.
        settled: whether its pain settled within a day, None where not known.
    """
    out: list[Why] = []
    told = [pain for pain in (day.pain_before, day.pain_after) if pain is not None]
    if day.stopped == "pain" or any(pain > climb.pain_most for pain in told):
        out.append("pain")
    if day.had_pain and settled is False:
        out.append("unsettled")
    if any(part.full < climb.full_share * part.asked - 1e-9 for part in parts):
        out.append("reps")
    if day.effort is not None and day.effort >= climb.effort_below:
        out.append("effort")
    if len(told) < 2:
        out.append("pain_unknown")
    elif day.had_pain and settled is None:
        out.append("settling")
    if day.effort is None:
        out.append("effort_unknown")
    return tuple(out)
