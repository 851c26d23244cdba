"""What is known of a session before any fault is looked for: measures, phases and repetitions.

A recording is looked at as a whole, forwards and backwards. A live session is replayed: the landmarks and
events that were stored go through the live engine again, so that everything comes out as it was shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.analysis import PHASES, Analysis
from formcheck.analysis.evidence import Evidence, LiveEvidence, RecordedEvidence
from formcheck.analysis.live_log import LiveLog, apply_event, rep_under_way
from formcheck.analysis.people import people_warnings
from formcheck.analysis.summarize import TrackedStretch, frame_phases, main_stretch, measure_summary
from formcheck.analysis.summary import DefinitionInfo, Processing, Summary, ViewInfo
from formcheck.engine.baseline import Stretch, prepare
from formcheck.engine.live_engine import LiveEngine
from formcheck.engine.repetition import COUNTED
from formcheck.engine.start_position import position_check
from formcheck.engine.tracker import RepResult, Tracker
from formcheck.exercises.definition import Definition, FaultDef
from formcheck.measures.places import PLACES
from formcheck.measures.table import MeasureTable, Reason, Status, true_runs
from formcheck.pose import frame_arrays as arrays
from formcheck.pose.landmarks import LANDMARK_COUNT
from formcheck.pose.live_filter import SeenFrame
from formcheck.pose.lying_reading import Lying, centred
from formcheck.pose.track import Track
from formcheck.version import __version__


@dataclass(frozen=True)
class CountedRep:
    """One repetition, and the number of the set it was in (live)."""

    result: RepResult
    in_set: int | None = None


@dataclass(frozen=True)
class Counted:
    """A session without its faults.

    Attributes:
        analysis: everything else about it; its summary lists no repetition and no fault.
        reps: the repetitions in order, their faults not judged.
    """

    analysis: Analysis
    reps: tuple[CountedRep, ...]


def count(evidence: Evidence, definition: Definition) -> Counted:
    """Measures, phases and repetitions of a session."""
    looked_at = definition.model_copy(update={"faults": _asked_of_the_start(evidence, definition)})
    if isinstance(evidence, LiveEvidence):
        return _replayed(evidence, looked_at)
    assert isinstance(evidence, RecordedEvidence)
    return _recorded(evidence, looked_at)


def counts_by(evidence: Evidence, definition: Definition) -> str:
    """All of a definition that `count` looks at, as text: where that is the same, it counts the same."""
    aside = {"faults", "tempo", "march"}
    if isinstance(evidence, RecordedEvidence):
        aside.add("target_range")  # live it stands for the own range until that is known
    asked = _asked_of_the_start(evidence, definition)
    return definition.model_dump_json(exclude=aside) + repr(asked)


def _asked_of_the_start(evidence: Evidence, definition: Definition) -> dict[str, FaultDef]:
    """Faults whose rules a live session asks of the start position, before anything counts."""
    if isinstance(evidence, RecordedEvidence):
        return {}
    return {name: f for name, f in definition.faults.items() if any(r.kind == "rest" for r in f.rules)}


# -- a recording -----------------------------------------------------------------------------------------


def _recorded(evidence: RecordedEvidence, definition: Definition) -> Counted:
    track, side, view = evidence.track, evidence.side, evidence.view
    read_share = 1.0 - evidence.pose.frames_interpolated / max(len(track), 1)
    read = None if track.lying is None else centred(track.lying, track.time_s)
    stretches = prepare(replace(track, lying=read), definition, side, view, read_share)
    tracked = [_track_stretch(definition, stretch) for stretch in stretches]
    main = main_stretch(tracked)
    numbered: list[tuple[TrackedStretch, RepResult, int]] = []
    for t in tracked:
        for result in t.reps:
            numbered.append((t, result, len(numbered) + 1))
    results = [result for _, result, _ in numbered]
    phase, rep = frame_phases(len(track), tracked, numbered)
    measures, smooth_xy = _whole_table(track, definition, tracked)
    reference = main.stretch.reference if main is not None else None
    warnings = list(evidence.warnings)
    for t in tracked:
        warnings += [w for w in t.stretch.warnings if w not in warnings]
    warnings += _warnings(track, definition, main, results)
    warnings += _not_judged(track, definition, tracked)
    summary = Summary(
        formcheck=__version__,
        source=evidence.source,
        exercise=definition.name,
        side=(reference.side if reference is not None else side) if definition.has_side else None,  # type: ignore[arg-type]
        view=ViewInfo(
            name=reference.view if reference is not None else (view or "unknown"),  # type: ignore[arg-type]
            yaw_deg=round(reference.yaw_deg, 1) if reference is not None else None,
            declared=view is not None,
        ),
        pose=evidence.pose,
        definition=DefinitionInfo(name=definition.name, version=definition.version, sha256=definition.sha256),
        complete=evidence.complete,
        measures=measure_summary(definition, main),
        reps=[],
        faults={},
        warnings=warnings,
        processing=Processing(wall_s=0.0, realtime_factor=0.0, ms_per_frame={}),
    )
    analysis = Analysis(
        video=evidence.video,
        summary=summary,
        definition=definition,
        track=track,
        smooth_xy=smooth_xy,
        measures=measures,
        primary=definition.counting.signal,
        phase=phase,
        rep=rep,
        model_sha256=evidence.model_sha256,
        prescription=evidence.prescription,
        declared_side=side,
        source_warnings=evidence.warnings,
    )
    return Counted(analysis, tuple(CountedRep(result) for result in results))


def _track_stretch(definition: Definition, stretch: Stretch) -> TrackedStretch:
    """Feed one stretch to a tracker."""
    table = stretch.measures
    if stretch.reference is None or table is None:
        return TrackedStretch(stretch, [], np.zeros(stretch.frames.stop - stretch.frames.start, np.uint8))
    tracker = Tracker(definition, stretch.reference)
    states, reps = tracker.run(table, stretch.posture, stretch.in_shape)
    phase = np.array([PHASES.index(state) for state in states], np.uint8)
    return TrackedStretch(stretch, reps, phase, tuple(tracker.dismissed))


def _whole_table(
    track: Track, definition: Definition, tracked: list[TrackedStretch]
) -> tuple[MeasureTable, NDArray[np.float32]]:
    """Measures and smoothed landmarks of every frame; outside all stretches nothing is measurable."""
    n = len(track)
    table = MeasureTable.empty(tuple(definition.measures), track.time_s)
    sd = arrays.full(table.value.shape[::-1], np.nan, np.float64).T
    smooth_xy = arrays.full((n, LANDMARK_COUNT, 2), np.nan, np.float32)
    for t in tracked:
        frames, part = t.stretch.frames, t.stretch.measures
        arrays.copy(t.stretch.xy, smooth_xy[frames])
        if part is not None:
            whole, whole_sd = table.part(frames), sd[frames]
            for one in arrays.pieces(len(part)):
                value, status, reason = (a[one] for a in (whole.value, whole.status, whole.reason))
                value[:], status[:], reason[:] = part.value[one], part.status[one], part.reason[one]
                if part.sd is not None:
                    np.copyto(whole_sd[one], part.sd[one], where=np.isfinite(part.value[one]))
                away = ~t.stretch.posture[one]
                value[away], status[away], reason[away] = np.nan, Status.NOT_MEASURABLE, Reason.NO_PERSON
    return table.with_sd(sd), smooth_xy


def _warnings(
    track: Track, definition: Definition, main: TrackedStretch | None, results: list[RepResult]
) -> list[str]:
    """Plain sentences about what may have gone wrong."""
    out = []
    seen = float(track.person.mean()) if len(track) else 0.0
    if seen == 0:
        out.append("Nobody was seen in the video.")
    elif main is None:
        out.append(f"Somebody was seen, but never in the position of the {definition.title.lower()}.")
    elif seen < 0.7:
        out.append(f"The person was seen in only {seen:.0%} of the frames.")
    out += people_warnings(track)
    rejected = int(track.rejected.sum())
    if rejected > 0.02 * max(len(track), 1):
        out.append(
            "In one frame the skeleton jumped to something else and was not used."
            if rejected == 1
            else f"In {rejected} frames the skeleton jumped to something else and was not used."
        )
    if 0 < track.fps < definition.gates.fps_min_tempo:
        out.append(f"The video has only {track.fps:.0f} frames a second: tempo was not judged.")
    if main is not None and main.stretch.reference is not None:
        if not main.stretch.reference.still:
            out.append(
                "The person never lies still at rest: the lowest moments between repetitions were taken for "
                "it, so changes from rest are less certain; start the recording a few seconds before the "
                "first repetition."
            )
        view = main.stretch.reference.view
        if view in definition.views and not any(
            m.trust(view) == "ok" for name, m in definition.measures.items() if name not in PLACES
        ):
            out.append(_poor_view(definition, view))
        if not any(r.times.rep_class in COUNTED for r in results):
            out.append(f"No repetition of the {definition.title.lower()} was seen.")
    return out


def _poor_view(definition: Definition, view: str) -> str:
    """What to say of a view that shows nothing well, and the one that shows most."""
    shown = {
        name: sum(
            m.trust(name) == "ok" for measure, m in definition.measures.items() if measure not in PLACES
        )
        for name in definition.views
    }
    best = max(shown, key=lambda name: shown[name])
    return (
        f"The camera looks {definition.views[view].title}, from where nothing of a "
        f"{definition.title.lower()} can be measured well; film it {definition.views[best].title}."
    )


#: Why a movement was not counted, as the end of "... was not counted, because".
_OTHER_MOVEMENT = {
    "large": "it went further than this exercise goes",
    "shoulders": "the shoulders left their place",
    "hips": "the hips left their place",
    "knees": "the knees left their place",
    "feet": "the feet left their place",
    "posture": "the body was hardly in the position of the exercise",
}
#: Somebody who is out of position for less than this has only moved about.
_AWAY_S = 3.0
_MOST_SPANS = 3


def _not_judged(track: Track, definition: Definition, tracked: list[TrackedStretch]) -> list[str]:
    """What moved and was not counted, and when nothing was judged, with the reason; a sentence each."""
    out = []
    exercise = definition.title.lower()
    dismissed = [movement for t in tracked for movement in t.dismissed]
    for why, because in _OTHER_MOVEMENT.items():
        when = [(m.start_s, m.end_s) for m in dismissed if m.why == why]
        if when:
            out.append(f"A movement was not counted as a {exercise}, because {because}: {_spans(when)}.")
    judged = any(t.stretch.reference is not None for t in tracked)
    away = [
        (float(times[run.start]), float(times[run.stop - 1]))
        for t in tracked
        if judged and not (t.stretch.reference is None and t.stretch.warnings)  # which say why
        for times in [track.time_s[t.stretch.frames]]
        for run in true_runs(track.person[t.stretch.frames] & ~t.stretch.posture)
    ]
    away = [(a, b) for a, b in away if b - a >= _AWAY_S]
    if away:
        out.append(
            f"Nothing was judged while the body was not in the position of the {exercise}: {_spans(away)}."
        )
    return out


def _spans(when: list[tuple[float, float]]) -> str:
    """``4.3 to 7.4 s, 9.0 to 11.2 s and 2 more``."""
    shown = [f"{a:.1f} to {b:.1f} s" for a, b in when[:_MOST_SPANS]]
    more = len(when) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


# -- a live session --------------------------------------------------------------------------------------


def _replayed(evidence: LiveEvidence, definition: Definition) -> Counted:
    track, facts, side = evidence.track, evidence.facts, evidence.side
    log = LiveLog(definition, facts, keep_frames=True)
    engine = LiveEngine(definition, position_check(definition, side, facts.views), side=side)
    names, n = tuple(definition.measures), len(track)
    table = MeasureTable.empty(names, track.time_s)
    table = replace(table, sd=arrays.full((n, len(names)), np.nan, np.float64))
    smooth_xy = arrays.full((n, LANDMARK_COUNT, 2), np.nan, np.float32)
    phase = np.zeros(n, np.uint8)
    rep = np.zeros(n, np.int32)
    pending = list(reversed(evidence.events))
    arrivals = list(reversed(evidence.phone))

    def events_until(frame: int) -> None:
        """Those that were given after this frame or an earlier one."""
        while pending and pending[-1].after_frame <= frame:
            apply_event(pending.pop(), engine, log)

    events_until(-1)
    for i, seen in enumerate(_seen_frames(evidence)):
        while arrivals and arrivals[-1].after_frame < seen.index:
            engine.phone(arrivals.pop().samples)
        moment = engine.update(seen)
        log.frame(seen, moment)
        if moment.xy is not None:
            smooth_xy[i] = moment.xy
        if moment.row is not None:
            row = moment.row
            table.value[i], table.status[i], table.reason[i] = row.value[0], row.status[0], row.reason[0]
            if row.sd is not None and table.sd is not None:
                table.sd[i] = row.sd[0]
        phase[i] = PHASES.index(moment.phase)
        rep[i] = rep_under_way(log, moment)
        events_until(seen.index)
    summary = log.summary(fps=evidence.fps, dropped=evidence.dropped, complete=evidence.complete)
    analysis = Analysis(
        video=evidence.video,
        summary=summary.model_copy(update={"reps": [], "faults": {}}),
        definition=definition,
        track=track,
        smooth_xy=smooth_xy,
        measures=table,
        primary=definition.counting.signal,
        phase=phase,
        rep=rep,
        model_sha256=evidence.model_sha256,
        prescription=evidence.prescription,
        declared_side=side,
    )
    reps = zip(log.results, log.reps, strict=True)
    return Counted(analysis, tuple(CountedRep(result, rep.set_) for result, rep in reps))


def _seen_frames(evidence: LiveEvidence) -> Iterator[SeenFrame]:
    """The stored frames as the engine got them."""
    track, lying = evidence.track, evidence.track.lying
    for i in arrays.each(len(track)):
        there = bool(track.person[i])
        apart = np.nan if track.disagreement is None else float(track.disagreement[i])
        yield SeenFrame(
            time_s=float(track.time_s[i]),
            index=int(evidence.frame[i]),
            image_wh=track.image_wh,
            image_xyz=track.image_xyz[i] if there else None,
            world_xyz=track.world_xyz[i] if there else None,
            visibility=track.visibility[i] if there else None,
            rejected=bool(track.rejected[i]),
            people_seen=int(track.people_seen[i]),
            disagreement=apart if np.isfinite(apart) else None,
            lying=None if lying is None or not np.isfinite(lying[i, Lying.STRETCH]) else lying[i],
        )
