"""Which exercise a recording shows, told from its landmarks alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from stored_session import judged, noisy_track

from formcheck.analysis.evidence import RecordedEvidence
from formcheck.analysis.recognise import recognise
from formcheck.analysis.summary import PoseInfo, Source
from formcheck.pose.track import Track


def evidence(track: Track) -> RecordedEvidence:
    """As it is after a video was read; side and view are wrong on purpose where they are named."""
    source = Source(
        file="a.mp4",
        width=640,
        height=480,
        fps=track.fps,
        frames=len(track),
        duration_s=float(track.time_s[-1]),
    )
    frames = int(track.person.sum())
    pose = PoseInfo(
        engine="blazepose-onnx", model="lite", frames_with_person=frames, frames_rejected=0, people_seen_max=1
    )
    return RecordedEvidence(
        track=track, video=Path("a.mp4"), source=source, pose=pose, view="head", side="left"
    )


def test_a_bridge_is_recognised_and_surely_so_by_its_repetitions():
    found = recognise(evidence(noisy_track()))
    assert found is not None
    assert (found.exercise, found.side, found.sure) == ("bridge", None, "sure")
    assert found.reps == sum(rep.class_ in ("full", "partial") for rep in judged(noisy_track()).summary.reps)


def test_where_nobody_moves_nothing_is_recognised():
    track = noisy_track()
    still = replace(
        track,
        image_xyz=np.repeat(track.image_xyz[:1], len(track), 0),
        world_xyz=np.repeat(track.world_xyz[:1], len(track), 0),
    )
    assert recognise(evidence(still)) is None
