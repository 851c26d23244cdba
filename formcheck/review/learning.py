"""What a physio's accepts and rejects say about thresholds; proposals only, nothing is changed by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from formcheck.analysis.findings import BY_EYE, counted_reps
from formcheck.analysis.phrases import value_text
from formcheck.analysis.summary import FaultEvent
from formcheck.exercises.definition import Definition
from formcheck.review.noted import NotedSession, shipped
from formcheck.session.library import printable

#: Fewer decisions about a fault say nothing about its threshold.
LEAST_DECISIONS = 5
#: A proposal has to agree with so many decisions more than the threshold there is.
_LEAST_MORE = 2
#: Values of a summary are rounded.
_ROUNDED = 2e-3


@dataclass(frozen=True)
class Proposal:
    """A first threshold under which the program would have agreed more often.

    Attributes:
        level: the threshold.
        now, then: decisions that the present and the proposed one agree with.
    """

    level: float
    now: int
    then: int


def propose(decided: Sequence[tuple[float, bool]], level: float, *, falls: bool) -> Proposal | None:
    """The threshold that agrees with most decisions, the nearest to the present one; None if none is better.

    Only a stricter one can be told: of what was not found nobody decided.

    Args:
        decided: for each finding its value, less the allowance for its error, and whether it was accepted.
        level: the present threshold, which all of them pass.
        falls: smaller values are worse.
    """
    if len(decided) < LEAST_DECISIONS:
        return None

    values = sorted({value for value, _ in decided})
    between = [(a + b) / 2 for a, b in pairwise(values)]
    beyond = [values[0] * 0.98] if falls else [values[-1] * 1.02]
    stricter = [at for at in (*between, *beyond) if (at < level if falls else at > level)]
    now = _agreeing(decided, level, falls=falls)
    agreeing = {at: _agreeing(decided, at, falls=falls) for at in stricter}
    best = max(stricter, key=lambda at: (agreeing[at], -abs(at - level)), default=None)
    if best is None or agreeing[best] < now + _LEAST_MORE:
        return None
    return Proposal(best, now, agreeing[best])


def _passes(value: float, level: float, *, falls: bool) -> bool:
    return value < level if falls else value >= level


def _agreeing(decided: Sequence[tuple[float, bool]], level: float, *, falls: bool) -> int:
    """How many decisions a threshold agrees with."""
    return sum(_passes(value, level, falls=falls) == accepted for value, accepted in decided)


def learned(sessions: Iterable[NotedSession]) -> list[dict[str, Any]]:
    """A row for each fault of which the decisions propose another first threshold, with the sessions that it
    would change."""
    by_exercise: dict[str, list[NotedSession]] = defaultdict(list)
    for one in sessions:
        if one.card.problem is None and one.card.meta is not None:
            by_exercise[one.card.meta.exercise].append(one)
    rows = []
    for exercise, mine in by_exercise.items():
        definition = shipped(exercise)
        for name in definition.faults if definition is not None else ():
            assert definition is not None
            if (row := _row(definition, name, mine)) is not None:
                rows.append(row)
    return sorted(rows, key=lambda row: row["now"] - row["then"])


def _row(definition: Definition, name: str, sessions: list[NotedSession]) -> dict[str, Any] | None:
    fault = definition.faults[name]
    rule = next((r for r in fault.rules if r.grades), None)
    if rule is None or len(fault.rules) > 1:  # which of several a finding came from is not known for sure
        return None
    falls, level = rule.falls, rule.grades[0]
    passing = [(one, list(_found(one, name, level, falls=falls))) for one in sessions]
    decided = [
        (value, verdict == "accepted")
        for one, found in passing
        for value, verdict in found
        if verdict in ("accepted", "rejected")
    ]
    proposal = propose(decided, level, falls=falls)
    if proposal is None:
        return None
    unit = fault.unit
    new = _rounded(proposal.level, unit, up=not falls)
    changed = []
    for one, found in passing:
        gone = sum(not _passes(value, new, falls=falls) for value, _ in found)
        if gone:
            changed.append(
                {
                    "key": one.card.folder.key,
                    "date": one.date,
                    "patient": one.patient,
                    "gone": gone,
                    "of": len(found),
                }
            )
    grades = [round(g * new / level, 3) for g in rule.grades]
    return {
        "exercise": definition.name,
        "faults": {name: {"grades": grades}},
        "exercise_title": printable(definition.title),
        "title": printable(fault.title),
        "level": value_text(level, unit),
        "proposed": value_text(new, unit),
        "falls": falls,
        "count": len(decided),
        "now": proposal.now,
        "then": _agreeing(decided, new, falls=falls),
        "sessions": sorted(changed, key=lambda row: row["date"], reverse=True),
    }


def _found(one: NotedSession, fault: str, level: float, *, falls: bool) -> Iterable[tuple[float, str | None]]:
    """Value and verdict of each finding of a fault in a session that passes the shipped threshold."""
    for rep in counted_reps(one.card.reps):
        verdicts = one.verdicts(rep)
        for event in rep.faults:
            if event.id == fault and event.unit != BY_EYE:
                value = _surely(event, falls=falls)
                if _passes(value, level + _ROUNDED if falls else level - _ROUNDED, falls=falls):
                    yield value, verdicts.get(fault)  # others were judged by somebody's own threshold


def _surely(event: FaultEvent, *, falls: bool) -> float:
    """The value with the allowance for its error taken off."""
    allowance = event.allowance or 0.0
    return event.value + allowance if falls else abs(event.value) - allowance


def _rounded(level: float, unit: str, *, up: bool) -> float:
    """A threshold as somebody would say it: whole degrees, hundredths of everything else."""
    whole = 1.0 if unit == "deg" else 100.0
    steps = level * whole
    return (-(-steps // 1) if up else steps // 1) / whole
