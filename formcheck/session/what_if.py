"""A stored session judged again by other thresholds, without looking at the video.

What does not depend on thresholds (smoothing, references, measures, repetitions) is worked out once; after
that a change of thresholds costs milliseconds. The engine's own functions do the work: nothing here decides
anything.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.summarize import fault_summary, rep_summary
from formcheck.analysis.summary import FaultInfo, Rep
from formcheck.engine.baseline import prepare
from formcheck.engine.faults import FaultCheck, judge_rep
from formcheck.engine.live_engine import LiveEngine
from formcheck.engine.start_position import position_check
from formcheck.engine.tracker import RepResult, Tracker, kept_s
from formcheck.exercises.definition import Definition
from formcheck.measures.reference import Reference
from formcheck.measures.table import MeasureTable
from formcheck.session.live_log import LiveLog, stored_facts
from formcheck.session.reader import Session, check_poses
from formcheck.session.replay import apply_until, seen_frames

#: Frames before and after a repetition that its faults may look at, as in `formcheck.engine.tracker`.
_LEAD_S = 2.0
#: Outcomes kept for each repetition.
_MOST_KNOWN = 400


@dataclass(frozen=True)
class Judged:
    """Repetitions and faults by some definition.

    Attributes:
        reps: numbered from 1, with their faults.
        faults: what was found of every fault.
        checks: for each repetition, the outcome of every fault.
    """

    reps: list[Rep]
    faults: dict[str, FaultInfo]
    checks: list[dict[str, FaultCheck]]


class Rescorer:
    """Judges one session by any thresholds.

    An analysed recording is prepared as by `formcheck.analyze`, a live session replayed as by
    `formcheck.session.replay`, so that the definition it was recorded with gives the recorded result.

    Args:
        session: open; read once, here.
        definition: the one it was recorded with.
    """

    def __init__(self, session: Session, definition: Definition) -> None:
        self._definition = definition
        meta, summary = session.meta, session.summary
        self._facts = stored_facts(session) if meta.live is not None else None
        self._declared_side = meta.declared_side
        declared = summary is not None and summary.view.declared
        self._view = meta.view if declared and meta.view in definition.views else None
        self._poses = check_poses(session.poses(), session.path)
        self._events = session.events if self._facts is not None else []
        self._key = ""
        self._found: list[_Found] = []

    def judge(self, definition: Definition) -> Judged:
        """Repetitions and faults by a definition of the same exercise."""
        key = json.dumps(_matters(definition), sort_keys=True)
        if key != self._key:
            # The faults are judged afterwards: with none, the engine only counts.
            only_count = definition.model_copy(update={"faults": {}})
            self._found = self._record(only_count) if self._facts is None else self._live(only_count)
            self._key = key
        keys = {name: _fault_key(definition, name) for name in definition.faults}
        results = [found.judged(definition, keys) for found in self._found]
        reps = [
            rep_summary(index, result, found.in_set)
            for index, (found, result) in enumerate(zip(self._found, results, strict=True), 1)
        ]
        return Judged(reps, fault_summary(definition, results), [r.checks for r in results])

    def _record(self, definition: Definition) -> list[_Found]:
        """Repetitions of an analysed recording."""
        out: list[_Found] = []
        for stretch in prepare(self._poses.track, definition, self._declared_side, self._view):
            table, reference = stretch.measures, stretch.reference
            if table is None or reference is None:
                continue
            _, found = Tracker(definition, reference).run(table, stretch.posture, stretch.in_shape)
            out += [_Found(_around(table, result), reference, result) for result in found]
        return out

    def _live(self, definition: Definition) -> list[_Found]:
        """Repetitions of a live session, found with the references it had then."""
        facts = self._facts
        assert facts is not None
        log = LiveLog(definition, facts)
        side = self._declared_side
        practice = LiveEngine(definition, position_check(definition, side, facts.views), side=side)
        pending = list(reversed(self._events))
        apply_until(pending, -1, practice, log)
        rows: deque[MeasureTable] = deque()
        keep_s = kept_s(definition.counting)
        out: list[_Found] = []
        for seen in seen_frames(self._poses):
            reference = practice.reference
            moment = practice.update(seen)
            if moment.row is not None:
                rows.append(moment.row)
                while seen.time_s - rows[0].time_s[0] > keep_s:
                    rows.popleft()
            log.frame(seen, moment)
            reference = practice.reference or reference
            apply_until(pending, seen.index, practice, log)
            while len(out) < len(log.results) and reference is not None:
                result, rep = log.results[len(out)], log.reps[len(out)]
                out.append(_Found(_around(_joined(rows), result), reference, result, rep.set_))
        return out


def _matters(definition: Definition) -> dict[str, object]:
    """The part of a definition that measures and counts."""
    whole = definition.model_dump(mode="json")
    return {
        name: whole[name]
        for name in ("name", "posture", "measured_by", "gates", "counting", "views", "measures")
    }


def _fault_key(definition: Definition, name: str) -> str:
    """Differs when anything differs that a fault is judged by."""
    fault = definition.faults[name]
    parts = [fault.model_dump_json()]
    kinds = {rule.kind for rule in fault.rules}
    if "duration" in kinds:
        parts.append(definition.tempo.model_dump_json())
    if kinds & {"range", "forced"}:
        parts.append(repr(definition.target_range))
    if "march" in kinds:
        parts.append(repr(definition.march))
    parts += [_fault_key(definition, rule.with_fault) for rule in fault.rules if rule.with_fault]
    return "|".join(parts)


class _Found:
    """One repetition, and what is known of its faults so far.

    Args:
        table: measures of the frames around it.
        reference: what they were measured against.
        result: as it was counted, without faults.
        in_set: number of its set, in a live session.
    """

    def __init__(
        self, table: MeasureTable, reference: Reference, result: RepResult, in_set: int | None = None
    ) -> None:
        self.in_set = in_set
        self._table = table
        self._reference = reference
        self._result = result
        # By fault and by what it was judged by: the recorded thresholds are asked for again and again.
        self._known: dict[tuple[str, str], FaultCheck] = {}

    def judged(self, definition: Definition, keys: dict[str, str]) -> RepResult:
        """With every fault by this definition; only those are judged again that may have changed."""
        times = self._result.times
        if times.rep_class == "void":
            # Not all of it was seen: nothing about it is called present or absent.
            nothing = {name: FaultCheck(False, "no_person", None) for name in keys}
            return replace(self._result, checks=nothing)
        stale = {n for n, key in keys.items() if (n, key) not in self._known}
        if stale:
            faults = {n: f for n, f in definition.faults.items() if n in stale}
            for fault in list(faults.values()):
                faults |= {r.with_fault: definition.faults[r.with_fault] for r in fault.rules if r.with_fault}
            step = np.diff(self._table.time_s)
            fps = 1 / float(np.median(step)) if step.size else 0.0
            asked = definition.target_range
            target = asked / self._reference.range if asked is not None else 1.0
            some = definition.model_copy(update={"faults": faults})
            checks = judge_rep(times, self._table, some, self._reference, target=target, fps=fps)
            if len(self._known) > _MOST_KNOWN:
                self._known = {item: check for item, check in self._known.items() if item[1] == keys[item[0]]}
            self._known |= {(name, keys[name]): check for name, check in checks.items()}
        return replace(self._result, checks={name: self._known[name, key] for name, key in keys.items()})


def _around(table: MeasureTable, result: RepResult) -> MeasureTable:
    """The frames that the faults of a repetition may look at."""
    first, last = result.times.start_s - _LEAD_S, result.times.end_s + _LEAD_S
    a, b = np.searchsorted(table.time_s, [first, last])
    return table.part(slice(int(a), int(b)))


def _joined(rows: deque[MeasureTable]) -> MeasureTable:
    def join(field: str) -> NDArray[Any]:
        return np.concatenate([getattr(row, field) for row in rows])

    sd = join("sd") if all(row.sd is not None for row in rows) else None
    return MeasureTable(rows[0].names, join("time_s"), join("value"), join("status"), join("reason"), sd)
