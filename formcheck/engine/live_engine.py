"""`LiveEngine`: the engine of a live session, from an empty mat to judged repetitions (spec 6.2).

``engine.update(seen)`` filters one frame's landmarks, waits until the body lies still in the start
position, takes the baseline from it, learns the person's own range from practice repetitions, and then
feeds the same `Tracker` that recordings use. It is synchronous and knows no device and no clock; the same
frames and the same calls between them always give the same repetitions, live or replayed.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formcheck.engine.baseline import prepare, reference_at_rest
from formcheck.engine.ongoing import Ongoing, OngoingFaults
from formcheck.engine.position import HOLD_STILL, LYING, UNSTEADY, PositionCheck, Problem, RecentFrames
from formcheck.engine.repetition import COUNTED
from formcheck.engine.tracker import RepResult, Tracker
from formcheck.exercises.definition import Definition
from formcheck.measures.measure import Measurer, formulas
from formcheck.measures.reference import Reference
from formcheck.measures.table import MeasureTable
from formcheck.phone.worn import PelvisTurn, Worn, WornPhone
from formcheck.pose.landmarks import (
    BOTH_ANKLES,
    BOTH_HIPS,
    BOTH_KNEES,
    BOTH_SHOULDERS,
    LANDMARK_COUNT,
    Landmark,
)
from formcheck.pose.live_filter import LiveFilter, SeenFrame
from formcheck.pose.lying_reading import NO_READING
from formcheck.pose.person import PITCHES_DEG, STEADY_DISAGREEMENT, levelled
from formcheck.pose.track import Track

Stage = Literal["setup", "still", "practice", "ready", "work", "resting", "paused"]

#: Lying still this long gives the baseline (spec 1.4).
STILL_S = 2.0
#: Still: hips, knees and shoulders stay this near to where they are now, trunk lengths (spec 1.4: 0.05 a
#: second; from a corner the filtered knees of resting rendered people wander by 0.07, a lift moves by 0.3).
_STILL_TRUNKS = 0.10
#: "Where they are now": the median of this long; still for less than the second is moving, and is told.
_NOW_S = 0.3
_RESTLESS_S = 0.5
#: Somebody who does not wait: in position but never still for this long, the baseline and the own range are
#: looked for in the movement itself, by the rules for recordings (spec 6.5), now and then.
_EAGER_AFTER_S = 10.0
_EAGER_EVERY_S = 3.0
_EAGER_OVER_S = 25.0
#: How the body lies is asked to be put right for this long: said three times, 8 s apart; then it goes on.
_PATIENCE_S = 20.0
#: Frames missing for longer than this end the stillness (spec 6.2: lost after 0.5 s).
_BRIDGE_S = 0.5
#: What the set-up check looks at: the last second, ten times a second (a look costs as much as a few frames).
_LOOK_S = 1.0
_LOOK_EVERY_S = 0.1
#: Practice repetitions for the own range, and two more when they differ much (spec 6.1).
PRACTICE_REPS = 3
_MORE_REPS = 2
_SPREAD = 0.25
#: Out of the posture, or unseen, for longer than this: back to set-up (spec 6.2, LOST; the posture is bridged
#: as in recordings).
_AWAY_S = 5.0
_POSTURE_GAP_S = 5.0
#: The posture is a majority over this long, as in recordings.
_MAJORITY_S = 0.5
#: The shoulders lie still in every exercise, upright the feet do: moved by more than this, trunk lengths, for
#: this long means that camera or body has been moved, and the baseline no longer holds (spec 6.2: scale
#: or angle changed).
_MOVED_TRUNKS = 0.35
_MOVED_S = 1.0
_BOTH = {"HIP": BOTH_HIPS, "KNEE": BOTH_KNEES, "SHOULDER": BOTH_SHOULDERS, "ANKLE": BOTH_ANKLES}
_NO_XY = np.full((LANDMARK_COUNT, 2), np.nan, np.float32)
_NO_WORLD = np.full((LANDMARK_COUNT, 3), np.nan, np.float32)


@dataclass(frozen=True)
class LiveMoment:
    """What one frame of a live session told.

    Attributes:
        time_s: frame time on the session's clock.
        index: frame number.
        stage: where the session stands.
        problem: what the set-up coach should ask for, or None.
        still_left_s: seconds of lying still that are missing for the baseline, in the stage ``still``.
        xy: ``(33, 2)`` filtered landmarks, pixels, or None where nobody is seen.
        visibility: ``(33,)`` or None.
        row: one row of measures, or None before there is a baseline.
        phase: of the repetition state machine; ``none`` while nothing is counted.
        level: normalised signal, None where not measurable.
        closed: the repetition that this frame closed, in the stage ``work``.
        practised: the same in the stage ``practice``.
        ongoing: faults under way, by name.
        practice_done, practice_of: practice repetitions seen and wanted.
        baseline: the new reference, in the frame that completed it.
        calibrated: the own range of the counting signal, in the frame that completed it.
        phone: whether the phone in the waistband tells anything, and why not; None without a phone, and while
            nothing is measured.
    """

    time_s: float
    index: int
    stage: Stage
    problem: Problem | None = None
    still_left_s: float = 0.0
    xy: NDArray[np.float32] | None = None
    visibility: NDArray[np.float32] | None = None
    row: MeasureTable | None = None
    phase: str = "none"
    level: float | None = None
    closed: RepResult | None = None
    practised: RepResult | None = None
    ongoing: dict[str, Ongoing] = field(default_factory=dict)
    practice_done: int = 0
    practice_of: int = PRACTICE_REPS
    baseline: Reference | None = None
    calibrated: float | None = None
    phone: Worn | None = None


@dataclass(frozen=True)
class _Kept:
    seen: SeenFrame
    xy: NDArray[np.float32] | None
    world: NDArray[np.float32] | None


@dataclass(frozen=True)
class _Baseline:
    """What is measured against, once the body has lain still.

    Attributes:
        reference: of the measures.
        measurer: measures against it.
        sd: ``(1, M)`` expected error of each measure.
        anchor: ``(2,)`` where the shoulders lay, or the feet stood, pixels.
    """

    reference: Reference
    measurer: Measurer
    sd: NDArray[np.float64]
    anchor: NDArray[np.float64]


@dataclass(frozen=True)
class _OwnRange:
    """The person's own range, or the practice repetitions towards it."""

    range: float | None = None
    peaks: tuple[float, ...] = ()
    wanted: int = PRACTICE_REPS


@dataclass(frozen=True)
class _Counting:
    """Where the session stands, and what counts there."""

    stage: Stage = "setup"
    in_set: bool = False
    tracker: Tracker | None = None
    ongoing: OngoingFaults | None = None


@dataclass(frozen=True)
class _Settling:
    """The way to a start position, by times on the session's clock.

    Attributes:
        looked_s: when the position was looked at last, and `problem` what was in the way.
        lies_badly_s: since when only how the body lies is in the way.
        eager_s: when the baseline was last looked for in the movement itself.
    """

    looked_s: float | None = None
    problem: Problem | None = None
    lies_badly_s: float | None = None
    eager_s: float = 0.0


@dataclass(frozen=True)
class _Leaving:
    """Since when the body has been away, or somewhere else; and when it was last in the posture."""

    away_s: float | None = None
    moved_s: float | None = None
    in_posture_s: float | None = None


@dataclass(frozen=True)
class _Recent:
    """The last seconds: frames, frames of a body that does not wait, postures, and disagreements."""

    kept: deque[_Kept] = field(default_factory=deque)
    restless: deque[_Kept] = field(default_factory=deque)
    shape: deque[tuple[float, bool]] = field(default_factory=deque)
    apart: deque[float] = field(default_factory=lambda: deque(maxlen=5))


class LiveEngine:
    """One live session's engine.

    Args:
        definition: the exercise, with the prescription laid over it.
        check: tells what is wrong with the position.
        side: working leg of a clam, stance leg of a single-leg bridge; found if None.
    """

    def __init__(
        self,
        definition: Definition,
        check: PositionCheck,
        *,
        side: str | None = None,
    ) -> None:
        self.definition = definition
        self._check = check
        self._side = side
        self._steady = LiveFilter()
        self._recent = _Recent()
        # The state: each value is replaced as a whole.
        self._at = _Counting()
        self._baseline: _Baseline | None = None
        self._own = _OwnRange()
        self._known: tuple[str, float] | None = None
        self._settling = _Settling()
        lies_on = formulas(definition).LIES_ON
        self._anchored = "ANKLE" if lies_on == "nothing" else "SHOULDER"
        self._phone = WornPhone(lies_on) if definition.phone_worn and lies_on != "nothing" else None
        self._phase = "rest"
        self._leaving = _Leaving()

    @property
    def stage(self) -> Stage:
        """Where the session stands."""
        return self._at.stage

    @property
    def reference(self) -> Reference | None:
        """The baseline, or None before there is one."""
        return self._baseline.reference if self._baseline is not None else None

    @property
    def range(self) -> float | None:
        """The own range of the counting signal, or None before it is known."""
        return self._own.range

    # --- steering, between frames -------------------------------------------------------------------

    def remember(self, view: str, range_: float) -> None:
        """An own range that was practised before: seen from this view again, nothing need be practised.

        Args:
            view: from which it was seen.
            range_: of the counting signal, in its unit.
        """
        self._known = (view, range_)

    def phone(self, samples: NDArray[np.float64]) -> None:
        """Samples that have come from a phone in the waistband, ``(N, 9)``; see `formcheck.phone.sample`."""
        if self._phone is not None:
            self._phone.add(samples)

    def start_set(self) -> None:
        """Begin a set: at once when a baseline has just been taken, else after a new one."""
        self._at = replace(self._at, in_set=True)
        if self.stage == "ready":
            self._begin("work")
        elif self.stage in ("resting", "paused"):
            self._to_setup()

    def end_set(self) -> RepResult | None:
        """End the set; a repetition whose lowering was nearly done is still returned."""
        tracker = self._at.tracker if self.stage == "work" else None
        last = tracker.finish() if tracker is not None else None
        self._at = _Counting("resting")
        return last if last is not None and last.times.rep_class != "void" else None

    def pause(self) -> None:
        """Stop counting; the repetition under way is forgotten."""
        self._at = _Counting("paused", self._at.in_set)

    def resume(self) -> None:
        """Go on after a pause, from a new baseline."""
        if self.stage == "paused":
            self._to_setup()

    # --- one frame ----------------------------------------------------------------------------------

    def update(self, seen: SeenFrame) -> LiveMoment:
        """One frame, later than the one before."""
        kept = self._recent.kept
        slept = bool(kept) and seen.time_s - kept[-1].seen.time_s > _AWAY_S
        filtered = self._steady(seen)
        xy, world = filtered if filtered is not None else (None, None)
        kept.append(_Kept(seen, xy, world))
        while seen.time_s - kept[0].seen.time_s > STILL_S + 0.5:
            kept.popleft()
        if seen.disagreement is not None:
            self._recent.apart.append(seen.disagreement)
        self._note_shape(seen, world)
        if self.stage in ("setup", "still"):
            return self._set_up(seen, xy)
        if self.stage in ("resting", "paused") or self._baseline is None:
            return LiveMoment(seen.time_s, seen.index, self.stage, xy=xy, visibility=seen.visibility)
        if slept or self._has_left(
            seen, xy, self._baseline
        ):  # of what was done while the computer slept nothing is known
            self._to_setup()
            return self._set_up(seen, xy)
        return self._follow(seen, xy, world, self._baseline)

    def _set_up(self, seen: SeenFrame, xy: NDArray[np.float32] | None) -> LiveMoment:
        t = seen.time_s
        problem = self._in_the_way(t)
        self._at = _Counting("setup" if problem is not None else "still", self._at.in_set)
        done: Reference | None = None
        calibrated: float | None = None
        left = 0.0
        restless = self._recent.restless
        restless.append(self._recent.kept[-1])
        if problem is not None and problem.id not in LYING:
            restless.clear()
        if problem is None:
            still_for = self._still_for()
            left = max(0.0, STILL_S - still_for)
            if left <= 0:
                done = self._take_baseline()
            elif still_for < _RESTLESS_S:
                problem = HOLD_STILL
        if done is None and restless and self._learn_from_movement(t):
            done, calibrated, problem = self.reference, self.range, None
        return LiveMoment(
            t,
            seen.index,
            self.stage,
            problem=problem,
            still_left_s=left,
            xy=xy,
            visibility=seen.visibility,
            practice_done=len(self._own.peaks),
            practice_of=self._own.wanted,
            baseline=done,
            calibrated=calibrated,
        )

    def _in_the_way(self, t: float) -> Problem | None:
        """What keeps the body from starting; how it lies only for a while."""
        at = self._settling
        if at.looked_s is None or t - at.looked_s >= _LOOK_EVERY_S - 5e-4:
            at = replace(at, looked_s=t, problem=self._check(self._window(_LOOK_S)))
        problem = at.problem
        if problem is not None and problem.id == HOLD_STILL.id:
            problem = None  # looked at here, over the whole time that the baseline needs
        if problem is None and self._unsteady():
            problem = UNSTEADY
        if problem is None or problem.id not in LYING:
            self._settling = at if problem is None else replace(at, lies_badly_s=None)
            return problem
        since_s = t if at.lies_badly_s is None else at.lies_badly_s
        self._settling = replace(at, lies_badly_s=since_s)
        return problem if t - since_s < _PATIENCE_S else None

    def _follow(
        self,
        seen: SeenFrame,
        xy: NDArray[np.float32] | None,
        world: NDArray[np.float32] | None,
        baseline: _Baseline,
    ) -> LiveMoment:
        felt = (
            self._phone.read(seen.time_s, resting=self._phase == "rest") if self._phone is not None else None
        )
        row = self._measure(seen, xy, world, baseline, felt)
        at = self._at
        phase, level, closed, calibrated = "rest", None, None, None
        ongoing: dict[str, Ongoing] = {}
        if at.tracker is not None:
            observation = at.tracker.feed(
                row, in_posture=self._in_posture(seen.time_s), in_shape=self._recent.shape[-1][1]
            )
            phase, level, closed = observation.phase, observation.level, observation.closed
        self._phase = phase
        practised: RepResult | None = None
        if at.stage == "practice" and closed is not None:
            practised, closed = closed, None
            calibrated = self._practised(practised)
        elif at.stage == "work" and at.ongoing is not None:
            ongoing = at.ongoing.update(row, phase)
        return LiveMoment(
            seen.time_s,
            seen.index,
            at.stage,
            xy=xy,
            visibility=seen.visibility,
            row=row,
            phase=phase,
            level=level,
            closed=closed,
            practised=practised,
            ongoing=ongoing,
            practice_done=len(self._own.peaks),
            practice_of=self._own.wanted,
            calibrated=calibrated,
            phone=felt.state if felt is not None else None,
        )

    def _measure(
        self,
        seen: SeenFrame,
        xy: NDArray[np.float32] | None,
        world: NDArray[np.float32] | None,
        baseline: _Baseline,
        felt: PelvisTurn | None,
    ) -> MeasureTable:
        person = xy is not None and world is not None
        lying = None if seen.lying is None else seen.lying[None]
        phone = None if felt is None else np.array([[felt.turn_deg, felt.error_deg]])
        table = baseline.measurer(
            time_s=np.array([seen.time_s]),
            xy=(xy if xy is not None else _NO_XY)[None],
            world=(world if world is not None else _NO_WORLD)[None],
            visibility=_or_zeros(seen.visibility)[None],
            person=np.array([person and not self._unsteady()]),
            image_wh=seen.image_wh,
            lying=lying,
            phone=phone,
        )
        sd = baseline.sd.copy()
        measurer = baseline.measurer
        for i, error in (measurer.read_sd(lying, phone) | measurer.mean_error(lying)).items():
            sd[:, i] = np.hypot(error, baseline.reference.noise_sd.get(table.names[i], 0.0))
        return table.with_sd(np.where(np.isfinite(table.value), sd, np.nan))

    # --- baseline and calibration -------------------------------------------------------------------

    def _take_baseline(self) -> Reference:
        track, xy, world = _as_track(self._last(STILL_S))
        reference = reference_at_rest(track, xy, world, self.definition, self._side)
        before = self.reference
        if before is None or (reference.view, reference.side) != (before.view, before.side):
            # SeenFrame from elsewhere the range reads differently: practise again.
            self._own = _OwnRange()
        if self.range is None and self._known is not None and self._known[0] == reference.view:
            self._own = replace(self._own, range=self._known[1])
        range_ = self.range if self.range is not None else float("nan")
        return self._settle(replace(reference, range=range_), xy)

    def _learn_from_movement(self, t: float) -> bool:
        """Baseline and own range from repetitions done without lying still first; True when found."""
        kept = self._recent.restless
        while t - kept[0].seen.time_s > _EAGER_OVER_S:
            kept.popleft()
        if t - kept[0].seen.time_s < _EAGER_AFTER_S or t - self._settling.eager_s < _EAGER_EVERY_S:
            return False
        self._settling = replace(self._settling, eager_s=t)
        track, xy, _ = _as_track(list(kept))
        for stretch in prepare(track, self.definition, self._side):
            reference, table = stretch.reference, stretch.measures
            if reference is None or table is None or not reference.still or not reference.range > 0:
                continue
            tracker = Tracker(self.definition, reference)
            rows = (table.part(slice(i, i + 1)) for i in range(len(table)))
            closed = [tracker.feed(row).closed for row in rows]
            full = [rep for rep in closed if rep is not None and rep.times.rep_class == "full"]
            if len(full) >= PRACTICE_REPS:
                peaks = tuple(rep.times.peak * reference.range for rep in full)
                self._own = replace(self._own, range=reference.range, peaks=peaks)
                self._settle(reference, xy)
                return True
        return False

    def _settle(self, reference: Reference, xy: NDArray[np.float32]) -> Reference:
        """Take a new reference and go on from it."""
        names, errors = list(self.definition.measures), self.definition.measures
        view, read = reference.view, bool(reference.turned)
        error = [errors[name].usual_error(view, read) or 0.0 for name in names]
        noise = [reference.noise_sd.get(name, 0.0) for name in names]
        self._baseline = _Baseline(
            reference,
            Measurer(self.definition, reference),
            sd=np.hypot(error, noise)[None],
            anchor=np.nanmedian(_middle(xy, self._anchored), axis=0),
        )
        if self._phone is not None:
            self._phone.settle(self._recent.kept[-1].seen.time_s, reference.side)
        self._phase = "rest"
        self._recent.restless.clear()
        self._settling = replace(self._settling, lies_badly_s=None)
        self._leaving = _Leaving(in_posture_s=self._leaving.in_posture_s)
        if self._side is None and not self.definition.posture.startswith("side_lying"):
            self._side = reference.side  # on the side the top leg works, also after turning over
        self._begin("practice" if self.range is None else "work" if self._at.in_set else "ready")
        return reference

    def _begin(self, stage: Stage) -> None:
        assert self._baseline is not None
        reference = self._baseline.reference
        if stage == "practice":
            typical = self.definition.target_range or self.definition.counting.typical_range
            reference = replace(reference, range=typical)
        self._at = _Counting(
            stage,
            self._at.in_set,
            Tracker(self.definition, reference) if stage in ("practice", "work") else None,
            OngoingFaults(self.definition, reference) if stage == "work" else None,
        )

    def _practised(self, rep: RepResult) -> float | None:
        """One practice repetition more; the own range once there are enough."""
        if rep.times.rep_class not in COUNTED:
            return None
        assert self._at.tracker is not None
        assert self._baseline is not None
        peaks = (*self._own.peaks, rep.times.peak * self._at.tracker.reference.range)
        self._own = replace(self._own, peaks=peaks)
        if len(peaks) < self._own.wanted:
            return None
        if len(peaks) == PRACTICE_REPS and np.ptp(peaks) > _SPREAD * np.median(peaks):
            self._own = replace(self._own, wanted=PRACTICE_REPS + _MORE_REPS)
            return None
        own = float(np.median(peaks))
        self._own = replace(self._own, range=own)
        self._baseline = replace(self._baseline, reference=replace(self._baseline.reference, range=own))
        self._begin("work" if self._at.in_set else "ready")
        return own

    # --- is the body where it should be? ------------------------------------------------------------

    def _to_setup(self) -> None:
        self._at = _Counting("setup", self._at.in_set)
        self._settling = replace(self._settling, looked_s=None)
        self._leaving = _Leaving(in_posture_s=self._leaving.in_posture_s)

    def _last(self, last_s: float) -> list[_Kept]:
        """The frames of so many last seconds."""
        kept = self._recent.kept
        return [k for k in kept if k.seen.time_s >= kept[-1].seen.time_s - last_s - 1e-6]

    def _window(self, last_s: float) -> RecentFrames:
        track, xy, world = _as_track(self._last(last_s))
        return RecentFrames(
            track.time_s,
            xy,
            world,
            track.visibility,
            track.person,
            int(track.people_seen.max(initial=0)),
            track.image_wh,
            track.lying,
        )

    def _still_for(self) -> float:
        """For how long hips, knees and shoulders have stayed where they are now, seconds."""
        kept = [k for k in self._recent.kept if k.xy is not None]
        if not kept:
            return 0.0
        xy = np.array([k.xy for k in kept], np.float64)
        points = np.stack([_middle(xy, part) for part in ("HIP", "KNEE", "SHOULDER")], axis=1)
        t = np.array([k.seen.time_s for k in kept])
        now = np.median(points[t >= t[-1] - _NOW_S], axis=0)
        away = np.linalg.norm(points - now, axis=2).max(axis=1) > _STILL_TRUNKS * _body_px(xy)
        gap = np.diff(t, prepend=t[0]) > _BRIDGE_S
        broken = np.flatnonzero(away | gap)
        since = t[min(broken[-1] + int(away[broken[-1]]), len(t) - 1)] if broken.size else t[0]
        return float(t[-1] - since)

    def _unsteady(self) -> bool:
        """Two readings of the skeleton contradict each other: nothing may be measured from it."""
        apart = self._recent.apart
        return len(apart) >= 3 and statistics.median(apart) > STEADY_DISAGREEMENT

    def _note_shape(self, seen: SeenFrame, world: NDArray[np.float32] | None) -> None:
        """Looks at the posture as often as at the position; between two looks it is taken to stay."""
        t, shape = seen.time_s, self._recent.shape
        if not shape or t - shape[-1][0] >= _LOOK_EVERY_S - 5e-4:
            rule = formulas(self.definition).in_posture
            read = None if seen.lying is None else seen.lying[None].astype(np.float64)
            there = world is not None and any(
                bool(rule(np.asarray(levelled(world[None], pitch), np.float64), read)[0])
                for pitch in PITCHES_DEG
            )
            shape.append((t, there))
        while t - shape[0][0] > _MAJORITY_S:
            shape.popleft()
        if 2 * sum(s for _, s in shape) > len(shape):
            self._leaving = replace(self._leaving, in_posture_s=t)

    def _in_posture(self, t: float) -> bool:
        since_s = self._leaving.in_posture_s
        return since_s is not None and t - since_s <= _POSTURE_GAP_S

    def _has_left(self, seen: SeenFrame, xy: NDArray[np.float32] | None, baseline: _Baseline) -> bool:
        """True once the body has been away, or has been somewhere else, for a while."""
        t = seen.time_s
        away = xy is None or not self._in_posture(t)
        moved = False
        if xy is not None:
            apart = math.hypot(*(_middle(xy[None], self._anchored)[0] - baseline.anchor))
            moved = apart > _MOVED_TRUNKS * baseline.reference.length_px
        away_s = _since(self._leaving.away_s, t, holds=away)
        moved_s = _since(self._leaving.moved_s, t, holds=moved)
        self._leaving = replace(self._leaving, away_s=away_s, moved_s=moved_s)
        return (away_s is not None and t - away_s > _AWAY_S) or (
            moved_s is not None and t - moved_s > _MOVED_S
        )


def _since(before_s: float | None, t: float, *, holds: bool) -> float | None:
    """Since when something has held without a break, None if it does not."""
    if not holds:
        return None
    return t if before_s is None else before_s


def _middle(xy: NDArray[np.floating], part: str) -> NDArray[np.float64]:
    """``(T, 2)`` middle of the left and right landmark of a body part."""
    left, right = _BOTH[part]
    return np.asarray((xy[:, left] + xy[:, right]) / 2, np.float64)


def _body_px(xy: NDArray[np.float64]) -> float:
    """A body length in pixels that does not collapse when the trunk points at the camera."""
    trunk = np.linalg.norm(_middle(xy, "SHOULDER") - _middle(xy, "HIP"), axis=1)
    shanks = np.linalg.norm(xy[:, Landmark.LEFT_KNEE] - xy[:, Landmark.LEFT_ANKLE], axis=1) * 0.50 / 0.40
    return float(max(np.median(trunk), np.median(shanks), 1.0))


def _or_zeros(visibility: NDArray[np.float32] | None) -> NDArray[np.float32]:
    return visibility if visibility is not None else np.zeros(LANDMARK_COUNT, np.float32)


def _as_track(kept: list[_Kept]) -> tuple[Track, NDArray[np.float32], NDArray[np.float32]]:
    """Kept frames as a `Track` of the unfiltered landmarks, with the filtered ones beside it."""

    def stack(arrays: list[NDArray[np.float32] | None], width: int) -> NDArray[np.float32]:
        empty = np.full((LANDMARK_COUNT, width), np.nan, np.float32)
        return np.stack([a if a is not None else empty for a in arrays])

    track = Track(
        time_s=np.array([k.seen.time_s for k in kept]),
        person=np.array([k.xy is not None for k in kept]),
        rejected=np.array([k.seen.rejected for k in kept]),
        people_seen=np.array([k.seen.people_seen for k in kept], np.int32),
        image_xyz=stack([k.seen.image_xyz for k in kept], 3),
        world_xyz=stack([k.seen.world_xyz for k in kept], 3),
        visibility=np.stack([_or_zeros(k.seen.visibility) for k in kept]),
        image_wh=kept[-1].seen.image_wh,
        lying=np.stack([NO_READING if k.seen.lying is None else k.seen.lying for k in kept]),
    )
    return track, stack([k.xy for k in kept], 2), stack([k.world for k in kept], 3)
