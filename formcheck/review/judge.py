"""A stored session judged again by other thresholds, without looking at the video.

What does not depend on thresholds (smoothing, references, measures, repetitions) is worked out once; after
that a change of thresholds costs milliseconds. The engine's own functions do the work: nothing here decides
anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from formcheck.exercises.definition import Definition
from formcheck.exercises.faults import Check, judge_rep
from formcheck.exercises.recording import Stretch, prepare
from formcheck.exercises.repetition import RepTimes
from formcheck.exercises.tracker import RepResult, Tracker
from formcheck.pose.track import Track
from formcheck.session.reader import Session, SessionPoses
from formcheck.session.summary import FaultInfo, Rep
from formcheck.summarize import fault_summary, rep_summary

#: Frames around a repetition that its faults may look at, as in `formcheck.exercises.tracker`.
_AROUND_S = 1.0


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
    checks: list[dict[str, Check]]


class Rescorer:
    """Judges one session by any thresholds.

    Args:
        session: open; read once, here.
        definition: the one it was recorded with.
    """

    def __init__(self, session: Session, definition: Definition) -> None:
        self._definition = definition
        self._side = session.meta.side
        summary = session.summary
        declared = summary is not None and summary.view.declared
        self._view = session.meta.view if declared and session.meta.view in definition.views else None
        self._track = track_of(session.poses(), session.meta.image_wh)
        self._key = ""
        self._found: list[_Found] = []

    def judge(self, definition: Definition) -> Judged:
        """Repetitions and faults by a definition of the same exercise."""
        key = json.dumps(_matters(definition), sort_keys=True)
        if key != self._key:
            self._found = self._count(definition)
            self._key = key
        keys = {name: _fault_key(definition, name) for name in definition.faults}
        results = [found.judged(definition, keys) for found in self._found]
        reps = [
            rep_summary(index, result, found.empty).model_copy(update={"peak": found.peak})
            for index, (found, result) in enumerate(zip(self._found, results, strict=True), 1)
        ]
        return Judged(reps, fault_summary(definition, results), [r.checks for r in results])

    def _count(self, definition: Definition) -> list[_Found]:
        out: list[_Found] = []
        for stretch in prepare(self._track, definition, self._side, self._view):
            table, reference = stretch.measures, stretch.reference
            if table is None or reference is None:
                continue
            # The faults are judged afterwards: with none, the tracker only counts.
            tracker = Tracker(definition.model_copy(update={"faults": {}}), reference)
            found: list[RepResult | None] = []
            for i in range(len(table)):
                row = table.part(slice(i, i + 1))
                seen = tracker.feed(
                    row, in_posture=bool(stretch.posture[i]), in_shape=bool(stretch.in_shape[i])
                )
                found.append(seen.closed)
            found.append(tracker.finish())
            out += [_Found(stretch, result.times) for result in found if result is not None]
        return out


def track_of(poses: SessionPoses, image_wh: tuple[int, int]) -> Track:
    """The stored landmarks as the engine takes them."""
    disagreement = poses.disagreement if np.isfinite(poses.disagreement).any() else None
    return Track(
        time_s=poses.time_s,
        person=poses.person,
        rejected=poses.rejected,
        people_seen=poses.people_seen,
        image_xyz=poses.landmarks_xyz,
        world_xyz=poses.world_xyz,
        visibility=np.nan_to_num(poses.visibility),
        image_wh=image_wh,
        disagreement=disagreement,
    )


def _matters(definition: Definition) -> dict[str, object]:
    """The part of a definition that measures and counts."""
    whole = definition.model_dump(mode="json")
    return {name: whole[name] for name in ("name", "posture", "gates", "counting", "views", "measures")}


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
    """One repetition, and what is known of its faults so far."""

    def __init__(self, stretch: Stretch, times: RepTimes) -> None:
        table, reference = stretch.measures, stretch.reference
        assert table is not None
        assert reference is not None
        self._times = times
        self._reference = reference
        around = [times.start_s - _AROUND_S, times.end_s + _AROUND_S]
        a, b = np.searchsorted(table.time_s, around)
        self._table = table.part(slice(int(a), int(b)))
        self.empty = table.part(slice(0, 0))
        self.peak = rep_summary(1, RepResult(times, {}), self._table).peak
        self._known: dict[str, tuple[str, Check]] = {}

    def judged(self, definition: Definition, keys: dict[str, str]) -> RepResult:
        """With every fault by this definition; only those are judged again that may have changed."""
        if self._times.rep_class == "void":
            # Not all of it was seen: nothing about it is called present or absent.
            return RepResult(self._times, {name: Check(False, "no_person", None) for name in keys})
        stale = {n for n, key in keys.items() if n not in self._known or self._known[n][0] != key}
        if stale:
            faults = {n: f for n, f in definition.faults.items() if n in stale}
            for fault in list(faults.values()):
                faults |= {r.with_fault: definition.faults[r.with_fault] for r in fault.rules if r.with_fault}
            step = np.diff(self._table.time_s)
            fps = 1 / float(np.median(step)) if step.size else 0.0
            asked = definition.target_range
            target = asked / self._reference.range if asked is not None else 1.0
            some = definition.model_copy(update={"faults": faults})
            checks = judge_rep(self._times, self._table, some, self._reference, target=target, fps=fps)
            self._known |= {name: (keys[name], check) for name, check in checks.items()}
        return RepResult(self._times, {name: self._known[name][1] for name in keys})
