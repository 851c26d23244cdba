"""From a video to an `Analysis`, and from an `Analysis` to its five files."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import formcheck
from formcheck import scratch
from formcheck.analysis import PHASES, Analysis
from formcheck.errors import FormcheckError, printable
from formcheck.exercises.definition import Definition, load_definition
from formcheck.exercises.prescription import load_prescription, prescribe
from formcheck.exercises.recording import Stretch, prepare
from formcheck.exercises.repetition import COUNTED
from formcheck.exercises.tracker import RepResult, Tracker
from formcheck.measures.table import MeasureTable, Reason, Status
from formcheck.pose.engine import open_engine
from formcheck.pose.landmarks import LANDMARK_COUNT
from formcheck.pose.track import Track
from formcheck.session.outputs import ANNOTATED, FRAMES, REPORT, SESSION, SUMMARY, OutputFolder
from formcheck.session.summary import (
    DefinitionInfo,
    PoseInfo,
    Processing,
    Source,
    Summary,
    ViewInfo,
)
from formcheck.summarize import (
    TrackedStretch,
    fault_summary,
    frame_phases,
    main_stretch,
    measure_summary,
    rep_summary,
)

if TYPE_CHECKING:
    from formcheck.pose.read import Progress


def analyze(
    video: str | Path,
    exercise: str,
    *,
    side: str | None = None,
    view: str | None = None,
    engine: str = "blazepose-onnx",
    model: str = "full",
    prescription: Path | None = None,
    threads: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Analysis:
    """Analyse a recorded clip of a clam or a bridge.

    Ctrl-C while the video is read ends the reading; what was seen until then is analysed and the
    summary's ``complete`` is false.

    Args:
        video: path of the video.
        exercise: ``"clam"``, ``"bridge"`` or ``"single-leg-bridge"``.
        side: working (top) leg of a clam, stance leg of a single-leg bridge; found if not given.
        view: camera view if known (spec 13); recognised if not given.
        engine, model, threads, device: see `formcheck.pose.engine.open_engine`.
        prescription: a patient's prescription, a TOML file (see `formcheck.exercises.prescription`).
        progress: called now and then with what is being done and how much of it.

    Raises:
        FormcheckError: the video cannot be read, or an argument is wrong.
    """
    from formcheck.pose.read import read_poses  # these take a while to import, and `rescore` needs neither
    from formcheck.sources import VideoFile

    definition = check_request(exercise, side, view, prescription)
    started = time.monotonic()
    with VideoFile(Path(video)) as source, open_engine(engine, model, threads, device) as pose_engine:
        results, spent, complete = read_poses(source, pose_engine, progress)
        warnings = [*source.warnings, *filter(None, [pose_engine.device_note])]
        track = Track.from_results(results, (source.width, source.height))
        interpolated = results.interpolated
        del results
        info = Source(
            file=Path(video).name,
            width=source.width,
            height=source.height,
            fps=round(source.fps, 3),
            frames=len(track),
            duration_s=round(float(track.time_s[-1] + 1 / max(track.fps, 1e-6)) if len(track) else 0.0, 3),
        )
        pose = PoseInfo(
            engine=pose_engine.name,
            model=pose_engine.model,
            device=pose_engine.device,
            frames_with_person=int(track.person.sum()),
            frames_rejected=int(track.rejected.sum()),
            people_seen_max=int(track.people_seen.max(initial=0)),
            frames_interpolated=interpolated,
        )
        model_sha256 = pose_engine.model_sha256
    if not complete:
        warnings.append("The analysis was interrupted: only the first part of the video was looked at.")
    begun = time.monotonic()
    analysis = judge_track(
        track, definition, side=side, view=view, video=Path(video), source=info, pose=pose, warnings=warnings
    )
    frames = max(len(track), 1)
    spent["engine"] = time.monotonic() - begun
    wall = time.monotonic() - started
    processing = Processing(
        wall_s=round(wall, 3),
        realtime_factor=round(info.duration_s / max(wall, 1e-6), 3),
        ms_per_frame={name: round(1000 * s / frames, 3) for name, s in spent.items()},
    )
    summary = analysis.summary.model_copy(update={"processing": processing, "complete": complete})
    return replace(
        analysis,
        summary=summary,
        model_sha256=model_sha256,
        prescription=prescription.read_text(encoding="utf-8") if prescription is not None else "",
    )


def check_request(
    exercise: str, side: str | None = None, view: str | None = None, prescription: Path | None = None
) -> Definition:
    """The definition for a request, after checking that the arguments go together.

    Raises:
        FormcheckError: one sentence that says what does not go together.
    """
    definition = load_definition(exercise)
    if prescription is not None:
        definition = prescribe(definition, load_prescription(prescription))
    if side is not None and side not in ("left", "right"):
        raise FormcheckError(f"The side is 'left' or 'right', not '{printable(side, 60)}'.")
    if side is not None and not definition.has_side:
        raise FormcheckError(
            f"The {definition.title.lower()} has no working side; leave --side out"
            + (", or use --exercise single-leg-bridge." if exercise == "bridge" else ".")
        )
    if view is not None and view not in definition.views:
        raise FormcheckError(
            f"The {definition.title.lower()} has no view called '{printable(view, 60)}'; "
            f"choose one of: auto, {', '.join(definition.views)}."
        )
    return definition


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
        formcheck=formcheck.__version__,
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


def write_outputs(
    analysis: Analysis,
    folder: OutputFolder,
    *,
    video: bool = True,
    report: bool = True,
    blur_face: bool = False,
    progress: Progress | None = None,
) -> Analysis:
    """Write the files of an analysis; they take the places of an earlier one's when all of them are there.

    Args:
        analysis: what to write.
        folder: where, already prepared; it is released at the end.
        video, report: leave out ``annotated.mp4``, ``report.html`` with False.
        blur_face: blur the face in both; the video itself is not touched.
        progress: called with what is being done and the share done.

    Returns:
        The analysis with the time taken to draw and encode added to its summary.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    from formcheck.session.export import write_frames_csv, write_summary_json
    from formcheck.session.store import write_session

    with folder.replaced() as new:
        write_frames_csv(analysis, new / FRAMES)
        try:
            analysis = _write_pictures(analysis, new, video, report, blur_face, progress)
        except KeyboardInterrupt:
            # The pictures can be drawn again; the numbers must not be lost.
            note = "Stopped while the pictures were drawn: the numbers are whole, "
            note += "the video or report is missing."
            summary = analysis.summary.model_copy(
                update={"complete": False, "warnings": [*analysis.summary.warnings, note]}
            )
            analysis = replace(analysis, summary=summary, source_warnings=(*analysis.source_warnings, note))
        write_session(
            analysis, new / SESSION, model_sha256=analysis.model_sha256, overrides=analysis.prescription
        )
        write_summary_json(analysis.summary, new / SUMMARY)
    if progress is not None:
        progress("Done", 1.0)
    return analysis


def _write_pictures(
    analysis: Analysis,
    folder: Path,
    video: bool,
    report: bool,
    blur_face: bool,
    progress: Progress | None,
) -> Analysis:
    """The annotated video and the report; returns the analysis with their cost in its summary."""
    from formcheck.report.annotate import Annotator, write_annotated
    from formcheck.report.page import write_report
    from formcheck.report.stills import moments

    # The report's stills are kept while the video is drawn, so that it is decoded only once.
    pictures = (
        dict.fromkeys(m.index for m in moments(analysis, Annotator(analysis))) if video and report else None
    )
    if video:
        begun = time.monotonic()
        drawn = (lambda share: progress("Drawing the video", share)) if progress else None
        write_annotated(analysis, folder / ANNOTATED, drawn, keep=pictures, blur_face=blur_face)
        spent = time.monotonic() - begun
        timing = analysis.summary.processing
        wall = timing.wall_s + spent
        processing = Processing(
            wall_s=round(wall, 3),
            realtime_factor=round(analysis.summary.source.duration_s / max(wall, 1e-6), 3),
            ms_per_frame=timing.ms_per_frame
            | {"encode": round(1000 * spent / max(len(analysis.track), 1), 3)},
        )
        analysis = replace(analysis, summary=analysis.summary.model_copy(update={"processing": processing}))
    if report:
        if progress is not None:
            progress("Writing the report", 0.5)
        write_report(analysis, folder / REPORT, pictures=pictures, blur_face=blur_face)
    return analysis
