"""Sessions for tests, judged by the real engine from a synthetic skeleton: no video, no pose model."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from skeleton import Camera, Rep, bridge, bridge_lift_for, clam, film, repetitions

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.evidence import RecordedEvidence
from formcheck.analysis.judge import judge
from formcheck.analysis.summary import CueGiven, LiveInfo, PoseInfo, PracticeSet, Source
from formcheck.cli.main import main
from formcheck.exercises.prescription import check_request
from formcheck.pose.track import Track
from formcheck.session.store import write_session

REPS = [Rep(1.3, 0.8, 1.3, 0.8), Rep(0.7, 0.3, 0.6, 0.8, top=0.6), Rep(1.3, 0.8, 1.3, 0.8)]
STRAIGHT_M = bridge_lift_for(178.0)


def noisy_track(
    exercise: str = "bridge", reps: list[Rep] = REPS, yaw_deg: float = 3.0, seed: int = 3
) -> Track:
    """Repetitions with something wrong in them, in noise, with a gap in which nobody is seen."""
    time_s, level, _ = repetitions(reps)
    if exercise == "clam":
        points = [clam(32 * x, roll_deg=16 * x, feet_apart=0.15 * x) for x in level]
    else:
        points = [bridge(STRAIGHT_M * 0.8 * x, head_m=0.08 * x) for x in level]
    track = film(
        np.stack(points), time_s, Camera(yaw_deg=yaw_deg), noise_px=1.0, noise_m=0.005, rho=0.8, seed=seed
    )
    track.person[40:46] = False
    for points_of in (track.image_xyz, track.world_xyz):
        points_of[40:46] = np.nan
    track.visibility[40:46] = 0.0
    return track


def judged(
    track: Track,
    exercise: str = "bridge",
    *,
    side: str | None = None,
    view: str | None = None,
    prescription: Path | None = None,
    warnings: list[str] | None = None,
    interpolated: int = 0,
    video: Path = Path("mat.mp4"),
) -> Analysis:
    """The track judged as `formcheck analyze` would."""
    width, height = track.image_wh
    evidence = RecordedEvidence(
        track=track,
        side=side,
        view=view,
        video=video,
        prescription=prescription.read_text() if prescription is not None else "",
        source=Source(
            file=video.name,
            width=width,
            height=height,
            fps=round(track.fps, 3),
            frames=len(track),
            duration_s=round(float(track.time_s[-1]), 3),
        ),
        pose=PoseInfo(
            engine="blazepose-onnx",
            model="full",
            frames_with_person=int(track.person.sum()),
            frames_rejected=int(track.rejected.sum()),
            people_seen_max=1,
            frames_interpolated=interpolated,
        ),
        warnings=tuple(warnings or ()),
    )
    return judge(evidence, check_request(exercise, side, view, prescription))


def store(analysis: Analysis, folder: Path, overrides: str = "") -> Path:
    """Writes an analysis as a session into a new folder, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    write_session(analysis, folder / "session.sqlite", model_sha256={"full": "0" * 64}, overrides=overrides)
    return folder


@dataclass(frozen=True)
class Said:
    """What a command did."""

    status: int
    out: str
    err: str


def command(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Said:
    """Runs the command line in this process, which is quicker than a new one."""
    capsys.readouterr()
    with patch.object(sys, "argv", ["formcheck", *map(str, arguments)]), pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    return Said(int(left.value.code or 0), said.out, said.err)


def ends_itself(_order: object) -> None:
    """Stands for `rescore_one` in a process that the system ends; new processes can import it from here."""
    os._exit(9)


def practised(patient: str, cue: str) -> LiveInfo:
    """A live session of two sets that was ended because of pain, with a cue that was spoken in it."""
    return LiveInfo(
        started="2026-03-04T10:20:00+01:00",
        patient=patient,
        language="de",
        consent="skeleton",
        prescribed_sets=2,
        prescribed_reps=4,
        sets=[
            PracticeSet(index=1, start_s=0, end_s=6, prescribed_reps=4, reps_counted=2, pain=2, effort=4.5),
            PracticeSet(
                index=2, start_s=7, end_s=None, prescribed_reps=4, reps_counted=1, pain=None, effort=None
            ),
        ],
        pain_before=1,
        settled=False,
        cues=[CueGiven(time_s=3.2, fault="hip_not_extended", text=cue)],
        stopped="pain",
        dropped_frames=3,
    )
