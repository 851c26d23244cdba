"""From a video to an `Analysis`."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.evidence import RecordedEvidence
from formcheck.analysis.judge import judge
from formcheck.analysis.summary import PoseInfo, Processing, Source
from formcheck.exercises.prescription import check_request
from formcheck.pose import scratch_files
from formcheck.pose.engine import open_engine
from formcheck.pose.track import Track

if TYPE_CHECKING:
    from formcheck.pose.recording import Progress


def analyze(
    video: str | Path,
    exercise: str,
    *,
    side: str | None = None,
    view: str | None = None,
    engine: str = "blazepose-onnx",
    model: str = "full",
    prescription: str | Path | None = None,
    threads: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Analysis:
    """Analyse a recorded clip of an exercise.

    Ctrl-C while the video is read ends the reading; what was seen until then is analysed and the
    summary's ``complete`` is false.

    Args:
        video: path of the video.
        exercise: one of `formcheck.exercises.definition.EXERCISES`, e.g. ``"bridge"``.
        side: the working leg, where the exercise has one (in a single-leg bridge: the one it stands on);
            found if not given.
        view: camera view if known (spec 13); recognised if not given.
        engine, model, threads, device: see `formcheck.pose.engine.open_engine`.
        prescription: a patient's prescription, a TOML file (see `formcheck.exercises.prescription`).
        progress: called now and then with what is being done and how much of it.

    Raises:
        FormcheckError: the video cannot be read, or an argument is wrong.
    """
    from formcheck.pose.recording import (
        read_poses,  # these take a while to import, and `rescore` needs neither
    )
    from formcheck.video.file import VideoFile

    definition = check_request(exercise, side, view, prescription)
    scratch_files.use()
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
    evidence = RecordedEvidence(
        track=track,
        video=Path(video),
        side=side,
        complete=complete,
        model_sha256=model_sha256,
        prescription=Path(prescription).read_text(encoding="utf-8") if prescription is not None else "",
        source=info,
        pose=pose,
        view=view,
        warnings=tuple(warnings),
    )
    analysis = judge(evidence, definition)
    frames = max(len(track), 1)
    spent["engine"] = time.monotonic() - begun
    wall = time.monotonic() - started
    processing = Processing(
        wall_s=round(wall, 3),
        realtime_factor=round(info.duration_s / max(wall, 1e-6), 3),
        ms_per_frame={name: round(1000 * s / frames, 3) for name, s in spent.items()},
    )
    return replace(analysis, summary=analysis.summary.model_copy(update={"processing": processing}))
