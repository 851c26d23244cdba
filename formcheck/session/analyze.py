"""From a video to an `Analysis`."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.evidence import RecordedEvidence
from formcheck.analysis.judge import judge
from formcheck.analysis.summary import PoseInfo, Processing, Source
from formcheck.engine.picture_turn import PictureTurn, picture_turn
from formcheck.exercises.definition import Definition
from formcheck.exercises.prescription import check_request, check_rotate
from formcheck.pose import scratch_files
from formcheck.pose.engine import PoseEngine, open_engine
from formcheck.pose.landmarks import Degrees
from formcheck.pose.track import Track

if TYPE_CHECKING:
    from formcheck.pose.lying import LyingNet
    from formcheck.pose.lying_joints import JointsNet
    from formcheck.pose.recording import Progress


@dataclass(frozen=True)
class _PoseReading:
    """Poses of a recording whose pictures were turned upright.

    Attributes:
        track: the poses.
        source: what was read.
        interpolated: frames that the model did not read.
        spent: seconds by stage.
        complete: whether the end was reached.
        warnings: plain sentences.
        own_joints: our network for the joints of people who lie made the poses.
        turn: by how much that network found the picture to be turned.
    """

    track: Track
    source: Source
    interpolated: int
    spent: dict[str, float]
    complete: bool
    warnings: list[str]
    own_joints: bool
    turn: Degrees


def _read(
    video: Path,
    rotate: int | None,
    engine: PoseEngine,
    progress: Progress | None,
    nets: tuple[LyingNet | None, JointsNet | None],
    spent_before: dict[str, float] | None = None,
) -> _PoseReading:
    """Poses of the recording, its pictures turned by `rotate` degrees clockwise; None for "as they stand,
    if they stand upright"."""
    # These take a while to import, and `rescore` needs neither.
    from formcheck.pose.lying_joints import TOLD
    from formcheck.pose.recording import read_poses
    from formcheck.video.file import VideoFile

    with VideoFile(video, rotate or 0) as source:
        results, spent, complete = read_poses(source, engine, progress, *nets, may_be_turned=rotate is None)
        track = Track.from_results(results, (source.width, source.height))
        info = Source(
            file=video.name,
            width=source.width,
            height=source.height,
            fps=round(source.fps, 3),
            frames=len(track),
            duration_s=round(float(track.time_s[-1] + 1 / max(track.fps, 1e-6)) if len(track) else 0.0, 3),
            rotate=cast(Degrees, rotate or 0),
        )
        for stage, seconds in (spent_before or {}).items():
            spent[stage] += seconds
        warnings = [*source.warnings, *([TOLD] if results.own_joints else [])]
        told = (results.own_joints, results.turn)
        return _PoseReading(track, info, results.interpolated, spent, complete, warnings, *told)


def _nets(definition: Definition, engine: str) -> tuple[LyingNet | None, JointsNet | None]:
    """The networks for people who lie, for turns and for joints, as an exercise asks for them."""
    from formcheck.pose.lying import LyingNet
    from formcheck.pose.lying_joints import JointsNet  # takes a while to import, as above

    # The reference engine stays alone.
    lies_on = definition.own_joints if engine == "blazepose-onnx" else None
    joints = JointsNet(lies_on, one_leg=definition.frees_a_leg) if lies_on else None
    return LyingNet() if definition.reads_lying else None, joints


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
    rotate: int | None = None,
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
        rotate: degrees clockwise (0, 90, 180, 270) by which the picture must be turned to stand upright, for
            a camera held upside down or on its side; found from the lying body if not given.
        progress: called now and then with what is being done and how much of it.

    Raises:
        FormcheckError: the video cannot be read, or an argument is wrong.
    """
    definition = check_request(exercise, side, view, prescription)
    check_rotate(rotate)
    scratch_files.use()
    started = time.monotonic()
    with open_engine(engine, model, threads, device) as pose_engine:
        nets = _nets(definition, engine)
        reading = _read(Path(video), rotate, pose_engine, progress, nets)
        if rotate is None and reading.complete:
            turn = PictureTurn(reading.turn) if reading.turn else picture_turn(reading.track, definition)
            if turn.rotate:
                # Read anew: whom to follow and where to look twice depend on what is up.
                pose_engine.reset()
                reading = _read(Path(video), turn.rotate, pose_engine, progress, nets, reading.spent)
                reading.warnings.append(
                    f"The picture was turned by {turn.rotate} degrees, as the person lies in it; "
                    "if that is wrong, analyse it again with --rotate 0."
                )
            elif not turn.sure:
                reading.warnings.append(
                    "If the picture lies on its side, turn it upright with --rotate 90 or --rotate 270."
                )
        warnings = [*reading.warnings, *filter(None, [pose_engine.device_note])]
        track, info, spent, complete = reading.track, reading.source, reading.spent, reading.complete
        pose = PoseInfo(
            engine=pose_engine.name,
            model=pose_engine.model,
            device=pose_engine.device,
            frames_with_person=int(track.person.sum()),
            frames_rejected=int(track.rejected.sum()),
            people_seen_max=int(track.people_seen.max(initial=0)),
            frames_interpolated=reading.interpolated,
        )
        side_net, joints_net = nets
        model_sha256 = pose_engine.model_sha256 | (side_net.model_sha256 if side_net is not None else {})
        model_sha256 |= joints_net.model_sha256 if joints_net is not None and reading.own_joints else {}
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
