"""`Tracker`: the one engine behind live coaching and recorded video.

``tracker.update(pose)`` measures one frame against the reference, moves the repetition state machine and
judges a repetition when it closes. It is synchronous, knows no device and no clock.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from formcheck.engine.faults import ROUGHLY, FaultCheck, judge_rep
from formcheck.engine.repetition import RepetitionCounter, RepTimes
from formcheck.exercises.definition import Counting, Definition
from formcheck.measures.geometry import median
from formcheck.measures.measure import measure
from formcheck.measures.places import PLACES
from formcheck.measures.reference import Reference
from formcheck.measures.table import NOT_MEASURABLE, MeasureTable, Reason, Status
from formcheck.pose import frame_arrays as arrays
from formcheck.pose.landmarks import Pose

Array = NDArray[np.float64]

_KEEP_S = 45.0
_BEYOND_S = 6.0
#: Share of the frames of a repetition, and of some around it, in which the posture must be recognised.
_IN_SHAPE_SHARE = 0.2
_AROUND_S = 3.0
#: Limits are so much wider in views that show the counting signal roughly [D].
_DOUBT = 2.0
_START_S = 0.3
#: There a movement as small as the exercise allows counts too if its signal shakes by no more than this share
#: of its rise about its own mean over so long: small repetitions shook by 0.02 to 0.06, sit-ups and wavering
#: skeletons by 0.09 to 0.24 (docs/lab_notes.md).
_SMOOTH, _SHAKE_OVER_S = 0.075, 0.3
#: What stays is so many times further away than it may be at the top, for so much of another movement: over
#: 10 there, under 2.6 in repetitions (docs/lab_notes.md, "Rules about repetitions").
_FAR_AWAY = 3.0
_AWAY_SHARE = 0.25
#: Below this confidence a repetition is doubtful [D].
_DOUBTFUL = 0.5
_TOP_S = 0.1
#: Frames before a repetition that its rules may look at.
_LEAD_S = 2.0


def kept_s(counting: Counting) -> float:
    """For how long frames are kept, seconds, so that the longest repetition can be judged when it closes."""
    return max(_KEEP_S, counting.maximum_rep_s + _BEYOND_S)


@dataclass(frozen=True)
class RepFrames:
    """A closed repetition and all that its faults are judged from, apart from the definition.

    Attributes:
        times: its limits, class and levels.
        table: measures from a little before it until it closed.
        reference: what they were measured against.
        fps: frame rate around it, 0 where unknown.
        confidence: share of its frames in which the counting signal was as good as its view allows.
    """

    times: RepTimes
    table: MeasureTable
    reference: Reference
    fps: float
    confidence: float = 1.0

    def judged(self, definition: Definition) -> dict[str, FaultCheck]:
        """The outcome of every fault of a definition, by name."""
        if self.times.rep_class == "void":
            # Not all of it was seen: nothing about it is called present or absent.
            return {name: FaultCheck(False, "no_person", None) for name in definition.faults}
        asked = definition.target_range
        target = asked / self.reference.range if asked is not None else 1.0
        # Nothing more than mild rests on a repetition that was itself hardly seen.
        highest = 3 if self.confidence >= _DOUBTFUL else 1
        return judge_rep(
            self.times, self.table, definition, self.reference, target=target, fps=self.fps, highest=highest
        )


@dataclass(frozen=True)
class RepResult:
    """A closed repetition with the outcome of every fault.

    Attributes:
        times: its limits, class and levels.
        checks: the outcome of every fault, by name.
        at_top: median of each measure around the top, where it was ok.
        confidence: share of its frames in which the counting signal was as good as its view allows.
        frames: what its faults were judged from; None where that has been let go of.
    """

    times: RepTimes
    checks: dict[str, FaultCheck]
    at_top: dict[str, float] = field(default_factory=dict)
    confidence: float = 1.0
    frames: RepFrames | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Dismissed:
    """A movement that was not counted.

    Attributes:
        start_s, end_s: its limits.
        why: ``small``, ``large``, ``posture``, or the part of the body that did not stay in its place.
    """

    start_s: float
    end_s: float
    why: str


@dataclass(frozen=True)
class Observation:
    """What one frame told.

    Attributes:
        time_s: frame time.
        phase: state of the repetition state machine (``rest``, ``rise``, ``hold``, ``lower``, ``lost``).
        level: normalised signal, 0 at rest, 1 at the calibrated range; None where not measurable.
        measures: one row of measures.
        closed: the repetition that this frame closed, or None.
    """

    time_s: float
    phase: str
    level: float | None
    measures: MeasureTable
    closed: RepResult | None


class Tracker:
    """Counts and judges repetitions, one frame at a time.

    Args:
        definition: the exercise.
        reference: view, sides, scale and resting values.
    """

    def __init__(self, definition: Definition, reference: Reference) -> None:
        self.definition = definition
        self.reference = reference
        counting = definition.counting
        signal, read = definition.measures[counting.signal], bool(reference.turned)
        self._sure_scale = signal.trust(reference.view, read) == "ok"
        # Only landmarks tell what lies still, whoever tells the signal.
        self._sure_places = signal.trust(reference.view, read=False) == "ok"
        if not self._sure_scale:
            # Good enough to count by, not to tell a full from a partial repetition.
            counting = counting.model_copy(update={"full_level": counting.partial_level})
        self._counter = RepetitionCounter(counting)
        self._signal = list(definition.measures).index(definition.counting.signal)
        self._keep_s = kept_s(counting)
        self.dismissed: list[Dismissed] = []
        self._rows: deque[MeasureTable] = deque()
        self._shape: deque[tuple[float, bool]] = deque()

    def update(self, pose: Pose) -> Observation:
        """One frame's pose (already smoothed)."""
        row = measure(
            self.definition,
            self.reference,
            time_s=np.array([pose.time_s]),
            xy=pose.image_xy[None],
            world=pose.world_xyz[None],
            visibility=pose.visibility[None],
            person=np.array([True]),
            image_wh=pose.image_wh,
        )
        return self.feed(row)

    def feed(self, row: MeasureTable, in_posture: bool = True, in_shape: bool = True) -> Observation:
        """One frame's measures, already computed (a table of one row).

        Args:
            row: the measures.
            in_posture: False where the body has left the exercise's posture; nothing counts then.
            in_shape: False where the posture is not recognised in this very frame; the movement itself may
                do that for a while, but a repetition needs the posture in a fair part of it.
        """
        t = float(row.time_s[0])
        level = self._level(row) if in_posture else None
        self._rows.append(row)
        self._shape.append((t, in_shape))
        while t - self._rows[0].time_s[0] > self._keep_s:
            self._rows.popleft()
            self._shape.popleft()
        times = self._counter.update(t, level, float(self._errors(row)[0]))
        return Observation(t, self._counter.state, level, row, self._closed(times))

    def finish(self) -> RepResult | None:
        """Close what is open at the end."""
        return self._closed(self._counter.finish())

    def run(
        self, table: MeasureTable, in_posture: NDArray[np.bool_], in_shape: NDArray[np.bool_]
    ) -> tuple[list[str], list[RepResult]]:
        """A whole recording at once: `feed` for every frame and `finish`, without a table for each frame.

        Args:
            table: measures of T frames.
            in_posture, in_shape: ``(T,)``, see `feed`.

        Returns:
            The phase after each frame, and the repetitions in order.
        """
        value = table.value[:, self._signal]
        unknown = ~in_posture | (table.status[:, self._signal] == NOT_MEASURABLE)
        unknown |= not self.reference.range > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            levels = value / self.reference.range
        errors = self._errors(table)
        states: list[str] = []
        reps: list[RepResult] = []

        def judge(times: RepTimes | None) -> None:
            if times is None:
                return
            until = len(states)
            window = slice(table.between(table.time_s[until - 1] - self._keep_s, np.inf).start, until)
            t = table.time_s[window]
            near = table.part(slice(window.start + _first(times, t), until))
            if self._counts(times, t, in_shape[window], near):
                reps.append(self._judged(times, t, near))

        for piece in arrays.pieces(len(table)):
            columns = (column[piece].tolist() for column in (table.time_s, unknown, levels, errors))
            for t, missing, level, error in zip(*columns, strict=True):
                times = self._counter.update(t, None if missing else level, error)
                states.append(self._counter.state)
                judge(times)
        judge(self._counter.finish())
        return states, reps

    def _closed(self, times: RepTimes | None) -> RepResult | None:
        """A repetition that the counter closed on frames fed one by one, judged if it is one."""
        if times is None:
            return None
        t, shape = (np.array(column) for column in zip(*self._shape, strict=True))
        near = _stack(list(islice(self._rows, _first(times, t), None)))
        return self._judged(times, t, near) if self._counts(times, t, shape, near) else None

    def _counts(
        self, times: RepTimes, t: NDArray[np.float64], in_shape: NDArray[np.bool_], table: MeasureTable
    ) -> bool:
        """True where a movement is this exercise; else it goes to `dismissed`.

        Args:
            times: its limits.
            t, in_shape: of all frames that are kept.
            table: measures of those around it.
        """
        why = self._other_movement(times, t, in_shape, table)
        if why is not None:
            self.dismissed.append(Dismissed(times.start_s, times.end_s, why))
        return why is None

    def _other_movement(
        self, times: RepTimes, t: NDArray[np.float64], in_shape: NDArray[np.bool_], table: MeasureTable
    ) -> str | None:
        """What makes a movement another one than the exercise, or None.

        It is too small or too large, something moves that lies still in the exercise, or the body is not in
        the exercise's posture.
        """
        rise = times.peak * self.reference.range
        counting = self.definition.counting
        least = counting.minimum_range if self._sure_scale else _DOUBT * counting.minimum_range
        least = counting.minimum_range_from.get(self.reference.view, least)
        if rise < least:
            moved = table.part(table.between(times.start_s, times.end_s))
            shake = _shake(moved.time_s, moved.column(counting.signal))
            if rise < counting.minimum_range or not shake <= _SMOOTH * rise:
                return "small"
        start = table.between(times.start_s - _START_S, times.start_s + _START_S)
        top = table.between(times.hold_start_s - _TOP_S, times.hold_end_s + _TOP_S)
        inside = table.between(times.start_s, times.end_s)
        if self._sure_scale and counting.maximum_range is not None:
            # Large even without its error: from a corner the knee comes nearer and looks to rise further.
            error = _known_median(table.sd_of(counting.signal)[top])
            if rise - (error if np.isfinite(error) else 0.0) > counting.maximum_range:
                return "large"
        # From a corner or an end the scale is rough, and risen hips hide the shoulders behind them.
        doubt = 1.0 if self._sure_places else _DOUBT
        stays = counting.stays | counting.stays_from.get(self.reference.view, {})
        for part, share in stays.items():
            if (first := counting.stays_instead.get(part)) is not None:
                seen = table.column(f"{first}_along")
                if np.isfinite([_known_median(seen[start]), _known_median(seen[top])]).all():
                    continue
            along, up = (
                value - _known_median(value[start])
                for value in (table.column(f"{part}_along"), table.column(f"{part}_up"))
            )
            limit = doubt * max(share * rise, counting.stays_least)
            # What this view does not show is NaN and forbids nothing.
            if share and _away(part, _known_median(along[top]), _known_median(up[top])) > limit:
                return part
            # A sit-up may come back to where it began by the time the hips' points are highest.
            away = _away(part, along[inside], up[inside])
            away = away[np.isfinite(away)]
            if share and away.size and np.percentile(away, 100 * (1 - _AWAY_SHARE)) > _FAR_AWAY * limit:
                return part
        for part, share in counting.to_head.items():
            if -_moved_along(table, part, start, top) > doubt * max(share * rise, counting.stays_least):
                return part
        if any(_moved_along(table, part, start, top) >= s * rise for part, s in counting.to_feet.items()):
            return None
        # The movement itself, and the model's wavering depth, hide the posture for a while.
        around = in_shape[(times.start_s - _AROUND_S <= t) & (t <= times.end_s + _AROUND_S)]
        return None if np.count_nonzero(around) >= _IN_SHAPE_SHARE * around.size else "posture"

    def _level(self, row: MeasureTable) -> float | None:
        if row.status[0, self._signal] == NOT_MEASURABLE or not self.reference.range > 0:
            return None
        return float(row.value[0, self._signal] / self.reference.range)

    def _errors(self, table: MeasureTable) -> Array:
        """``(T,)`` by how much the levels may dip and mean nothing: the signal's predicted standard deviation
        where it is seen roughly. Elsewhere that is the error of its size, and what it dips by is seen."""
        with np.errstate(divide="ignore", invalid="ignore"):
            sd = table.sd_of(self.definition.counting.signal) / self.reference.range
        return np.where(sd > ROUGHLY, sd, 0.0) if self._sure_scale else sd

    def _judged(self, times: RepTimes, t: NDArray[np.float64], table: MeasureTable) -> RepResult:
        """The repetition with its faults.

        Args:
            times: its limits.
            t: times of all frames that are kept.
            table: measures of those that its rules may look at.
        """
        step = np.diff(t)
        fps = 1 / median(step) if step.size else 0.0
        frames = RepFrames(times, table, self.reference, fps, self._confidence(times, table))
        checks = frames.judged(self.definition)
        return RepResult(times, checks, _at_top(times, table), frames.confidence, frames)

    def _confidence(self, times: RepTimes, table: MeasureTable) -> float:
        """Share of a repetition's frames in which the counting signal was as good as its view allows."""
        inside = table.between(times.start_s, times.end_s)
        status, reason = (column[inside, self._signal] for column in (table.status, table.reason))
        measure = self.definition.measures[self.definition.counting.signal]
        good = status == Status.OK
        if not self._sure_scale:
            good |= (status == Status.LOW) & (reason == Reason[measure.low_because.upper()])
        return times.seen * float(np.count_nonzero(good)) / max(len(status), 1)


def _first(times: RepTimes, t: NDArray[np.float64]) -> int:
    """First frame that a rule may look at.

    None looks further back, and thirty rules over 45 s of frames take most of the time of a rescore.
    """
    return int(np.searchsorted(t, times.start_s - _LEAD_S))


def _away(part: str, along: Array | float, up: Array | float) -> Array:
    """How far a part is from where it was; pushing off slides the shoulders towards the head."""
    return np.hypot(np.maximum(along, 0.0) if part == "shoulders" else along, up)


def _moved_along(table: MeasureTable, part: str, start: slice, top: slice) -> float:
    """How far a part is at the top from where it began, towards the feet +; NaN where it is not seen."""
    value = table.column(f"{part}_along")
    return _known_median(value[top]) - _known_median(value[start])


def _shake(t: Array, value: Array) -> float:
    """Standard deviation of a signal about its own running mean; NaN where it is too short to tell."""
    known = np.isfinite(value)
    t, value = t[known], value[known]
    if not t.size or t[-1] - t[0] < 2 * _SHAKE_OVER_S:
        return float("nan")
    inner = (t >= t[0] + _SHAKE_OVER_S / 2) & (t <= t[-1] - _SHAKE_OVER_S / 2)
    first = np.searchsorted(t, t[inner] - _SHAKE_OVER_S / 2 - 1e-6)
    end = np.searchsorted(t, t[inner] + _SHAKE_OVER_S / 2 + 1e-6)
    total = np.concatenate([[0.0], np.cumsum(value)])
    return float(np.std(value[inner] - (total[end] - total[first]) / (end - first)))


def _known_median(values: NDArray[np.float64]) -> float:
    return median(values[np.isfinite(values)])


def _at_top(times: RepTimes, table: MeasureTable) -> dict[str, float]:
    """Median of each measure in the hold, or around the peak where there was none."""
    a, b = min(times.hold_start_s, times.peak_s - 0.1), max(times.hold_end_s, times.peak_s + 0.1)
    top = table.part(table.between(a, b))
    out: dict[str, float] = {}
    for name in top.names:
        if name in PLACES:  # of no interest to anybody at the top
            continue
        ok = top.ok(name)
        if np.count_nonzero(ok):
            out[name] = median(top.column(name)[ok])
    return out


def _stack(rows: list[MeasureTable]) -> MeasureTable:
    def join(field: str) -> NDArray:
        return np.concatenate([getattr(row, field) for row in rows])

    sd = join("sd") if all(row.sd is not None for row in rows) else None
    return MeasureTable(rows[0].names, join("time_s"), join("value"), join("status"), join("reason"), sd)
