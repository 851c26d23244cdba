"""Which frames of a session an export is of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.findings import counted_reps
from formcheck.analysis.summary import FaultEvent, Rep
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import nearest


@dataclass(frozen=True)
class Part:
    """A stretch of time in a session.

    Attributes:
        name: what it is, in words; empty for the whole session.
        suffix: for a file name, such as ``-rep2``; empty for the whole session.
        start_s, end_s: from when to when, on the session's clock.
        frames: the frames within.
    """

    name: str
    suffix: str
    start_s: float
    end_s: float
    frames: slice


def find_part(analysis: Analysis, rep: str | None, fault: str | None) -> Part:
    """The part of a session that was asked for; all of it if nothing was.

    Raises:
        FormcheckError: there is no such repetition, or the fault was not found.
    """
    reps = analysis.summary.reps
    if rep is not None:
        known = [r.name for r in counted_reps(reps)]
        reps = [r for r in counted_reps(reps) if r.name == rep]
        if not reps:
            has = f"has repetitions {known[0]} to {known[-1]}" if known[1:] else "has one repetition"
            has = has if known else "has no repetitions"
            raise FormcheckError(f"There is no repetition {rep}: the session {has}.")
    if fault is not None:
        event = _worst(analysis, fault, reps, rep)
        suffix = f"-{fault}" + (f"-rep{rep}" if rep is not None else "")
        return _part(analysis, f"fault {fault}", suffix, event.start_s, event.end_s)
    if rep is not None:
        return _part(analysis, f"repetition {rep}", f"-rep{rep}", reps[0].start_s, reps[0].end_s)
    return Part("", "", -np.inf, np.inf, slice(0, len(analysis.track)))


def _worst(analysis: Analysis, fault: str, reps: list[Rep], rep: str | None) -> FaultEvent:
    known = analysis.summary.faults
    if fault not in known:
        hint = nearest(fault, list(known)) or "."
        raise FormcheckError(f"The exercise has no fault called '{fault}'{hint}")
    events = [event for r in reps for event in r.faults if event.id == fault]
    if events:
        return max(events, key=lambda event: (event.grade, event.end_s - event.start_s))
    where = f"in repetition {rep}" if rep is not None else "in this session"
    ruled = analysis.review.of("rejected") if analysis.review is not None else []
    if any(r.fault == fault and (rep is None or r.rep in {one.index for one in reps}) for r in ruled):
        raise FormcheckError(f"The fault {fault} was rejected {where} by the physio; there is nothing left.")
    if not known[fault].checked:
        raise FormcheckError(f"The fault {fault} was not checked {where}, so there is nothing to export.")
    raise FormcheckError(f"The fault {fault} was not found {where}.")


def _part(analysis: Analysis, name: str, suffix: str, start_s: float, end_s: float) -> Part:
    # Times in the summary are rounded to a millisecond.
    first, last = np.searchsorted(analysis.track.time_s, [start_s - 6e-4, end_s + 6e-4])
    first = min(int(first), len(analysis.track) - 1)
    return Part(name, suffix, start_s, end_s, slice(first, max(int(last), first + 1)))
