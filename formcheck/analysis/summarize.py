"""From tracked stretches to the `Summary`: repetitions numbered, faults tallied, gaps named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.analysis import PHASES
from formcheck.analysis.summary import FaultEvent, FaultInfo, MeasureInfo, Rep
from formcheck.engine.baseline import Stretch
from formcheck.engine.faults import FaultCheck
from formcheck.engine.repetition import COUNTED
from formcheck.engine.tracker import Dismissed, RepResult
from formcheck.exercises.definition import Definition
from formcheck.measures.reference import Reference
from formcheck.measures.table import Reason, Status
from formcheck.pose import frame_arrays as arrays


@dataclass(frozen=True)
class TrackedStretch:
    """A stretch with what the tracker made of it.

    Attributes:
        stretch: landmarks, reference and measures.
        reps: closed repetitions.
        phase: ``(T,)`` state of each frame, index into `PHASES`.
        dismissed: movements that were not counted.
    """

    stretch: Stretch
    reps: list[RepResult]
    phase: NDArray[np.uint8]
    dismissed: tuple[Dismissed, ...] = ()


def main_stretch(tracked: Sequence[TrackedStretch]) -> TrackedStretch | None:
    """The stretch that stands for the recording: most counted repetitions, else longest in posture."""
    usable = [t for t in tracked if t.stretch.reference is not None]
    if not usable:
        return None

    def weight(t: TrackedStretch) -> tuple[int, int]:
        counted = sum(r.times.rep_class in COUNTED for r in t.reps)
        return counted, int(t.stretch.posture.sum())

    return max(usable, key=weight)


def rep_summary(index: int, result: RepResult, in_set: int | None = None) -> Rep:
    """One repetition as it stands in the summary.

    Args:
        index: 1-based number over the whole recording or session.
        result: from the tracker.
        in_set: number of its set, in a live session.
    """
    times = result.times
    void = times.rep_class == "void"
    peak: dict[str, float | None] = {name: round(value, 3) for name, value in result.at_top.items()}
    faults = [check.fault for check in result.checks.values() if check.fault is not None]
    return Rep(
        index=index,
        **{"class": times.rep_class},  # type: ignore[arg-type]
        start_s=round(times.start_s, 3),
        peak_s=round(times.peak_s, 3),
        end_s=round(times.end_s, 3),
        rise_s=None if void else round(times.hold_start_s - times.start_s, 3),
        hold_s=None if void else round(times.hold_end_s - times.hold_start_s, 3),
        lower_s=None if void else round(times.end_s - times.hold_end_s, 3),
        confidence=round(float(np.clip(result.confidence, 0, 1)), 3),
        peak=peak,
        faults=[
            FaultEvent(
                id=f.id,
                grade=f.grade,  # type: ignore[arg-type]
                value=round(f.value, 3),
                unit=f.unit,
                start_s=round(f.start_s, 3),
                end_s=round(f.end_s, 3),
                sure=round(f.sure, 2),
                allowance=round(f.allowance, 4),
            )
            for f in sorted(faults, key=lambda f: (f.start_s, f.id))
        ],
        **{"set": in_set},  # type: ignore[arg-type]
    )


def fault_summary(definition: Definition, results: Sequence[RepResult]) -> dict[str, FaultInfo]:
    """Every fault of the exercise over the counted repetitions, checked or not."""
    counted = [r for r in results if r.times.rep_class in COUNTED]
    out = {}
    for name, fault in definition.faults.items():
        checks: list[FaultCheck] = [r.checks[name] for r in counted]
        checked = [c for c in checks if c.checked]
        found = [c.fault for c in checked if c.fault is not None]
        reason: str | None = None
        if not checked:
            # What no camera can show stays unknown even without a repetition.
            reasons = Counter(c.reason for c in checks) if fault.rules else Counter({"view": 1})
            reason = reasons.most_common(1)[0][0] if reasons else "no_reps"
        out[name] = FaultInfo(
            checked=bool(checked),
            reason=reason,  # type: ignore[arg-type]
            reps_checked=len(checked),
            reps_affected=len(found),
            worst_grade=max((f.grade for f in found), default=0),  # type: ignore[misc]
        )
    return out


class MeasureTally:
    """Counts how often each measure was ok, low or not measurable, and why, without keeping the frames.

    Args:
        names: M measure names.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._every = np.arange(len(self._names))
        self._counts = np.zeros((len(self._names), len(Status), len(Reason)), np.int64)

    def add(self, status: NDArray[np.uint8], reason: NDArray[np.uint8]) -> None:
        """``(T, M)`` states and reasons of T frames."""
        if len(status) == 1:  # live: `add.at` takes ten times as long
            self._counts[self._every, status[0], reason[0]] += 1
        else:
            np.add.at(self._counts, (self._every, status, reason), 1)

    def info(self, definition: Definition, reference: Reference | None) -> dict[str, MeasureInfo]:
        """How well each measure could be seen in the frames added."""
        return {
            name: self._info(definition, name, reference, self._counts[m])
            for m, name in enumerate(self._names)
        }

    @staticmethod
    def _info(
        definition: Definition, name: str, reference: Reference | None, counts: NDArray[np.int64]
    ) -> MeasureInfo:
        total = int(counts.sum())
        if reference is None or not total:
            nothing = MeasureInfo(status="not_measurable", reason="no_person", ok_frames=0.0, noise_sd=None)
            return nothing.model_copy(update={"source": definition.measures[name].source})
        by_status = counts.sum(axis=1) / total
        if by_status[Status.OK] >= 0.5:
            word, wanted = "ok", None
        elif 1 - by_status[Status.NOT_MEASURABLE] >= 0.5:
            word, wanted = "low", Status.LOW
        else:
            word, wanted = "not_measurable", Status.NOT_MEASURABLE
        reason = None
        if wanted is not None:
            reasons = counts[wanted].copy()
            reasons[Reason.NONE] = 0
            reason = Reason(int(reasons.argmax())).word if reasons.any() else "geometry"
        measure, sd = definition.measures[name], reference.noise_sd.get(name)
        seen = word != "not_measurable"
        return MeasureInfo(
            status=word,  # type: ignore[arg-type]
            reason=reason,  # type: ignore[arg-type]
            ok_frames=round(float(by_status[Status.OK]), 4),
            noise_sd=round(sd, 4) if sd is not None and seen else None,
            error=measure.usual_error(reference.view, bool(reference.turned)) if seen else None,
            source=measure.source,
        )


def measure_summary(definition: Definition, main: TrackedStretch | None) -> dict[str, MeasureInfo]:
    """How well each measure could be seen in the main stretch, while in posture."""
    tally = MeasureTally(list(definition.measures))
    if main is None or main.stretch.measures is None:
        return tally.info(definition, None)
    posture, table = main.stretch.posture, main.stretch.measures
    for piece in arrays.pieces(len(table)):
        there = posture[piece]
        tally.add(table.status[piece][there], table.reason[piece][there])
    return tally.info(definition, main.stretch.reference)


def frame_phases(
    count: int, tracked: Sequence[TrackedStretch], numbered: Sequence[tuple[TrackedStretch, RepResult, int]]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Phase and repetition number of every frame of the recording.

    Phases inside a closed repetition are dated back from its limits, so they agree with its times; outside
    they are ``rest``, ``lost``, or ``none`` where the body is not in the exercise's posture.
    """
    phase = np.zeros(count, np.uint8)
    rep = np.zeros(count, np.int32)
    for t in tracked:
        frames = t.stretch.frames
        state = np.where(t.phase == PHASES.index("lost"), PHASES.index("lost"), PHASES.index("rest"))
        phase[frames] = np.where(t.stretch.posture, state, 0)
    for t, result, index in numbered:
        table = t.stretch.measures
        assert table is not None
        offset = t.stretch.frames.start
        times = result.times
        inside = table.between(times.start_s, times.end_s)
        here = slice(offset + inside.start, offset + inside.stop)
        phase[here] = [PHASES.index(times.phase_at(t)) for t in table.time_s[inside].tolist()]
        rep[here] = index
    return phase, rep
