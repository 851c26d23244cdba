""""""

from __future__ import annotations

from pathlib import Path

import numpy as np

from formcheck.analysis.analysis import PHASES, Analysis
from formcheck.analysis.summarize import (
    TrackedStretch,
    fault_summary,
    frame_phases,
    main_stretch,
    measure_summary,
    rep_summary,
)
from formcheck.analysis.summary import DefinitionInfo, PoseInfo, Processing, Source, Summary, ViewInfo
from formcheck.engine.baseline import Stretch, prepare
from formcheck.engine.repetition import COUNTED
from formcheck.engine.tracker import RepResult, Tracker
from formcheck.exercises.definition import Definition
from formcheck.measures.table import MeasureTable, Reason, Status
from formcheck.pose import frame_arrays as scratch
from formcheck.pose.landmarks import LANDMARK_COUNT
from formcheck.pose.track import Track
from formcheck.version import __version__


def judge_track(
    track: Track,
    definition: Definition,
    *,
    side: str | None = None,
    view: str | None = None,
    video: Path,
    source: Source,
    pose: PoseInfo,
    warnings: list[str] | None = None,
) -> Analysis:
    """Everything after the pose stage: references, measures, repetitions, faults, summary."""
    warnings = list(warnings or [])
    source_warnings = tuple(warnings)
    read_share = 1.0 - pose.frames_interpolated / max(len(track), 1)
    tracked = [_track_stretch(definition, s) for s in prepare(track, definition, side, view, read_share)]
    main = main_stretch(tracked)
    numbered: list[tuple[TrackedStretch, RepResult, int]] = []
    for t in tracked:
        for result in t.reps:
            numbered.append((t, result, len(numbered) + 1))
    reps = [rep_summary(index, result) for _, result, index in numbered]
    phase, rep = frame_phases(len(track), tracked, numbered)
    measures, smooth_xy = _whole_table(track, definition, tracked)
    reference = main.stretch.reference if main is not None else None
    for t in tracked:
        warnings += [w for w in t.stretch.warnings if w not in warnings]
    warnings += _warnings(track, definition, main, [r for t in tracked for r in t.reps])
    summary = Summary(
        formcheck=__version__,
        source=source,
        exercise=definition.name,
        side=(reference.side if reference is not None else side) if definition.has_side else None,  # type: ignore[arg-type]
        view=ViewInfo(
            name=reference.view if reference is not None else (view or "unknown"),  # type: ignore[arg-type]
            yaw_deg=round(reference.yaw_deg, 1) if reference is not None else None,
            declared=view is not None,
        ),
        pose=pose,
        definition=DefinitionInfo(name=definition.name, version=definition.version, sha256=definition.sha256),
        measures=measure_summary(definition, main),
        reps=reps,
        faults=fault_summary(definition, [r for t in tracked for r in t.reps]),
        warnings=warnings,
        processing=Processing(wall_s=0.0, realtime_factor=0.0, ms_per_frame={}),
    )
    return Analysis(
        video=video,
        summary=summary,
        definition=definition,
        track=track,
        smooth_xy=smooth_xy,
        measures=measures,
        primary=definition.counting.signal,
        phase=phase,
        rep=rep,
        declared_side=side,
        source_warnings=source_warnings,
    )


def _track_stretch(definition: Definition, stretch: Stretch) -> TrackedStretch:
    """Feed one stretch to a tracker."""
    table = stretch.measures
    if stretch.reference is None or table is None:
        return TrackedStretch(stretch, [], np.zeros(stretch.frames.stop - stretch.frames.start, np.uint8))
    states, reps = Tracker(definition, stretch.reference).run(table, stretch.posture, stretch.in_shape)
    return TrackedStretch(stretch, reps, np.array([PHASES.index(state) for state in states], np.uint8))


def _whole_table(
    track: Track, definition: Definition, tracked: list[TrackedStretch]
) -> tuple[MeasureTable, np.ndarray]:
    """Measures and smoothed landmarks of every frame; outside all stretches nothing is measurable."""
    n = len(track)
    table = MeasureTable.empty(tuple(definition.measures), track.time_s)
    sd = scratch.full(table.value.shape[::-1], np.nan, np.float64).T
    smooth_xy = scratch.full((n, LANDMARK_COUNT, 2), np.nan, np.float32)
    for t in tracked:
        frames, part = t.stretch.frames, t.stretch.measures
        scratch.copy(t.stretch.xy, smooth_xy[frames])
        if part is not None:
            whole, whole_sd = table.part(frames), sd[frames]
            for one in scratch.pieces(len(part)):
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
    if track.people_seen.max(initial=0) > 1:
        out.append("More than one person was in view; the one lying on the mat was followed.")
    rejected = int(track.rejected.sum())
    if rejected > 0.02 * max(len(track), 1):
        out.append(f"In {rejected} frames the skeleton jumped to something else and was not used.")
    if 0 < track.fps < definition.gates.fps_min_tempo:
        out.append(f"The video has only {track.fps:.0f} frames a second: tempo was not judged.")
    if main is not None and main.stretch.reference is not None:
        if not main.stretch.reference.still:
            out.append(
                "The person never lies still at rest, so changes from rest are not certain; "
                "start the recording a few seconds before the first repetition."
            )
        if not any(r.times.rep_class in COUNTED for r in results):
            out.append(f"No repetition of the {definition.title.lower()} was seen.")
    return out
