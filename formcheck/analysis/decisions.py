"""The physio's word over the program's: what stands of a session once both have been heard.

Every output speaks of what stands: list, page, report, table, clip and trend. What was taken away from the
program's own result, and what was added to it, is kept beside it in a `Review`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.findings import BY_EYE, counted_reps
from formcheck.analysis.rulings import Review, Ruling, Written
from formcheck.analysis.summary import FaultEvent, FaultInfo, Rep, Summary

Ruled = Literal["accepted", "rejected", "graded", "remarked", "added", "there", "not_there", "unclear"]
_UNDECIDED = ("remarked", "unclear")


@dataclass(frozen=True)
class FaultDecision:
    """What the physio says of one fault in one repetition.

    Attributes:
        rep: number of the repetition; None where it was seen between two.
        fault: its name.
        kind: ``accepted`` or ``rejected``, ``graded`` (accepted, with a grade of the physio's), ``remarked``
            (only a note), ``added`` (not found by the program), and for a fault that was looked for by eye
            ``there``, ``not_there`` or ``unclear``.
        grade: the physio's, where it is ``graded`` or ``added``.
        time_s: the moment that it is about.
        note: what the physio wrote to it.
        by, on: who decided and when (ISO 8601); "" where it is not known.
    """

    rep: int | None
    fault: str
    kind: Ruled
    grade: int | None = None
    time_s: float = 0.0
    note: str = ""
    by: str = ""
    on: str = ""


@dataclass(frozen=True)
class Decisions(Written):
    """All that a physio decided about a session.

    Attributes:
        decisions: about single faults.
        watched: numbers of the repetitions that were watched as a whole.
        done: the session was said to be reviewed.
    """

    decisions: tuple[FaultDecision, ...] = ()
    watched: frozenset[int] = frozenset()
    done: bool = False


@dataclass(frozen=True)
class WhatStands:
    """What stands of a session.

    Attributes:
        reps: repetitions with the faults that stand.
        faults: what stands of every fault over all repetitions.
        review: what the physio changed.
    """

    reps: tuple[Rep, ...]
    faults: dict[str, FaultInfo]
    review: Review = field(default_factory=Review)


def what_stands(reps: Sequence[Rep], faults: Mapping[str, FaultInfo], decisions: Decisions) -> WhatStands:
    """What stands of the program's findings by the physio's decisions.

    A rejected fault is gone, a changed grade is the physio's, an added one is there as seen by eye. A fault
    that the physio looked for by eye counts as checked in those repetitions in which it could be told.

    Args:
        reps: as the program found them.
        faults: the same over all of them; empty where that was never worked out.
        decisions: the physio's.
    """
    by_rep: dict[int, list[FaultDecision]] = {}
    for decision in decisions.decisions:
        if decision.rep is not None:
            by_rep.setdefault(decision.rep, []).append(decision)
    rulings: list[Ruling] = []
    stand = [_rep(rep, by_rep.get(rep.index, ()), rulings) for rep in reps]
    outside = [d for d in decisions.decisions if d.kind == "added" and d.rep not in {r.index for r in reps}]
    rulings += [_ruling(d, d.rep, None, d.grade) for d in outside]
    undecided = sum(
        event.id not in {d.fault for d in by_rep.get(rep.index, ()) if d.kind not in _UNDECIDED}
        for rep in reps
        for event in rep.faults
    )
    counted = counted_reps(reps)
    review = Review(
        rulings=tuple(rulings),
        undecided=undecided,
        watched=sum(rep.index in decisions.watched for rep in counted),
        counted=len(counted),
        done=decisions.done or (bool(counted) and not undecided and _all_watched(counted, decisions)),
        **{written.name: getattr(decisions, written.name) for written in fields(Written)},
    )
    told = {name: _info(name, info, stand, by_rep) for name, info in faults.items()}
    return WhatStands(tuple(stand), told, review)


def decided(analysis: Analysis, decisions: Decisions) -> Analysis:
    """The analysis as it stands: every report, table and clip is made from it."""
    stand = what_stands(analysis.summary.reps, analysis.summary.faults, decisions)
    return replace(analysis, summary=stood(analysis.summary, stand), review=stand.review)


def stood(summary: Summary, stand: WhatStands) -> Summary:
    """A summary with what stands in place of what the program found."""
    return summary.model_copy(update={"reps": list(stand.reps), "faults": stand.faults})


def _all_watched(counted: Sequence[Rep], decisions: Decisions) -> bool:
    return all(rep.index in decisions.watched for rep in counted)


def _rep(rep: Rep, mine: Sequence[FaultDecision], rulings: list[Ruling]) -> Rep:
    """A repetition as it stands; what is changed in it is told in `rulings`."""
    said = {decision.fault: decision for decision in mine if decision.kind not in _UNDECIDED}
    out: list[FaultEvent] = []
    for event in rep.faults:
        decision = said.get(event.id)
        if decision is None or decision.kind in ("accepted", "there"):
            out.append(event)
        elif decision.kind in ("graded", "added") and decision.grade is not None:
            out.append(event.model_copy(update={"grade": decision.grade}))
            if decision.grade != event.grade:
                rulings.append(_ruling(decision, rep.index, event, decision.grade))
        else:
            rulings.append(_ruling(decision, rep.index, event, None))
    found = {event.id for event in rep.faults}
    for fault, decision in said.items():
        if fault not in found and decision.kind in ("added", "there"):
            grade = decision.grade or 1
            seen = {"id": fault, "grade": grade, "value": float(grade), "unit": BY_EYE}
            at = min(max(decision.time_s, rep.start_s), rep.end_s)
            out.append(FaultEvent.model_validate(seen | {"start_s": at, "end_s": at}))
            rulings.append(_ruling(decision, rep.index, None, grade))
    return rep.model_copy(update={"faults": sorted(out, key=lambda e: (e.start_s, e.id))}) if mine else rep


def _ruling(decision: FaultDecision, rep: int | None, event: FaultEvent | None, grade: int | None) -> Ruling:
    return Ruling(
        rep=rep,
        fault=decision.fault,
        found=event,
        grade=grade,
        time_s=decision.time_s if event is None else event.start_s,
        note=decision.note,
        by=decision.by,
        on=decision.on,
    )


def _info(
    name: str, info: FaultInfo, reps: Sequence[Rep], by_rep: Mapping[int, Sequence[FaultDecision]]
) -> FaultInfo:
    """What stands of one fault over all repetitions."""
    counted = counted_reps(reps)
    grades = [event.grade for rep in counted for event in rep.faults if event.id == name]
    told = ("there", "not_there", "added")
    by_eye = sum(any(d.fault == name and d.kind in told for d in by_rep.get(r.index, ())) for r in counted)
    checked = max(info.reps_checked, by_eye, len(grades))
    return info.model_copy(
        update={
            "checked": checked > 0,
            "reason": None if checked else info.reason,
            "reps_checked": checked,
            "reps_affected": len(grades),
            "worst_grade": max(grades, default=0),
        }
    )
