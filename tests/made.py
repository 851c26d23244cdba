"""Sessions for the tests of the review page: made from synthetic bodies, so that no video is needed."""

from __future__ import annotations

import sqlite3
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import numpy as np
from skeleton import Camera, Rep, bridge, film, repetitions

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.events import Event
from formcheck.analysis.evidence import RecordedEvidence
from formcheck.analysis.judge import judge
from formcheck.analysis.summary import LiveInfo, PoseInfo, PracticeSet, Source
from formcheck.exercises.definition import load_definition
from formcheck.exercises.prescription import Prescription, prescribe
from formcheck.session.folder import SESSION
from formcheck.session.reader import open_session
from formcheck.session.schema import SUMMED, SessionMeta, facts_crc, read_meta, table_crc
from formcheck.session.store import SessionFrame, SessionWriter, write_session

FPS = 25.0
#: What was prescribed, so that being too fast is a fault.
TEMPO = "[tempo]\nrise_s = 2\nlower_s = 2\n"


@lru_cache(maxsize=4)
def bridges(reps: int = 4, seed: int = 0, low: float = 0.55) -> Analysis:
    """A side view of bridges of which every second one does not go up all the way and is lowered fast."""
    asked = [Rep() if i % 2 == 0 else Rep(top=low, lower_s=0.7) for i in range(reps)]
    time_s, level, _ = repetitions(asked, fps=FPS)
    points = np.stack([bridge(0.2 * float(x)) for x in level])
    track = film(points, time_s, Camera(yaw_deg=0), noise_px=0.5, noise_m=0.002, seed=seed)
    source = Source(
        file="bridge.mp4",
        width=track.image_wh[0],
        height=track.image_wh[1],
        fps=FPS,
        frames=len(track),
        duration_s=float(time_s[-1]),
    )
    pose = PoseInfo(
        engine="blazepose-onnx",
        model="full",
        frames_with_person=len(track),
        frames_rejected=0,
        people_seen_max=1,
    )
    evidence = RecordedEvidence(
        track=track, video=Path("bridge.mp4"), source=source, pose=pose, prescription=TEMPO
    )
    asked = Prescription.model_validate(tomllib.loads(TEMPO))
    return judge(evidence, prescribe(load_definition("bridge"), asked))


def analysed(folder: Path, analysis: Analysis | None = None) -> Path:
    """An analysed recording in a new folder."""
    folder.mkdir(parents=True)
    analysis = analysis or bridges()
    write_session(analysis, folder / SESSION, overrides=analysis.prescription)
    return folder


def as_live(
    source: Path,
    folder: Path,
    *,
    patient: str,
    started: str,
    asked: tuple[int, int] = (2, 4),
    pain: tuple[int, int] = (2, 3),
    effort: float = 4,
    stopped: str | None = None,
) -> Path:
    """A live session with the frames of an analysed one: sets, pain, effort and cues around them."""
    folder.mkdir(parents=True)
    with open_session(source) as old:
        poses, table, summary, meta = old.poses(), old.measures, old.summary, old.meta
        definition = old.definition
    assert summary is not None
    half = (len(summary.reps) + 1) // 2
    reps = [rep.model_copy(update={"set_": 1 if rep.index <= half else 2}) for rep in summary.reps]
    sets, cues, events = [], [], [Event(0.0, -1, "pain", {"value": pain[0], "set": 0})]
    for number in (1, 2):
        mine = [rep for rep in reps if rep.set_ == number]
        if not mine:
            continue
        a, b = max(mine[0].start_s - 0.3, 0.0), mine[-1].end_s + 0.1
        counted = sum(rep.class_ in ("full", "partial") for rep in mine)
        sets.append(PracticeSet(index=number, start_s=a, end_s=b, prescribed_reps=asked[1],
                                reps_counted=counted, pain=pain[1], effort=effort))  # fmt: skip
        events.append(Event(a, frame_at(table.time_s, a), "set_start", {"set": number}))
        for rep in mine:
            for fault in rep.faults[:1]:
                text = definition.faults[fault.id].cue or ""
                cues.append({"time_s": rep.end_s, "fault": fault.id, "text": text})
                at = frame_at(table.time_s, rep.end_s)
                events.append(Event(rep.end_s, at, "cue", {"fault": fault.id, "text": text}))
        at = frame_at(table.time_s, b)
        events.append(Event(b, at, "set_end", {"set": number, "reason": stopped or "done"}))
        events.append(Event(b, at, "pain", {"value": pain[1], "set": number}))
        events.append(Event(b, at, "effort", {"value": effort, "set": number}))
    live = LiveInfo.model_validate(
        {"started": started, "patient": patient, "language": "en", "consent": "skeleton",
         "prescribed_sets": asked[0], "prescribed_reps": asked[1], "sets": [s.model_dump() for s in sets],
         "pain_before": pain[0], "settled": True, "cues": cues, "stopped": stopped, "dropped_frames": 0}
    )  # fmt: skip
    summary = summary.model_copy(update={"reps": reps, "live": live})
    new = replace(meta, created=started)
    with SessionWriter(folder / SESSION, new, definition, durable=False) as writer:
        for i in range(len(poses.frame)):
            writer.append(_frame(poses, table, i))
        for event in sorted(events, key=lambda e: e.time_s):
            writer.append_event(event)
        writer.finish(summary)
    return folder


def _frame(poses: Any, table: Any, i: int) -> SessionFrame:
    phases = ("none", "rest", "rise", "hold", "lower", "lost")
    track = poses.track
    return SessionFrame(
        i, float(track.time_s[i]), bool(track.person[i]), bool(track.rejected[i]), int(track.people_seen[i]),
        phases[poses.phase[i]], int(poses.rep[i]), track.image_xyz[i], track.world_xyz[i],
        track.visibility[i], table.value[i], table.status[i], table.reason[i],
    )  # fmt: skip


def frame_at(time_s: np.ndarray, t: float) -> int:
    """Index of the last frame at or before a time."""
    return int(np.searchsorted(time_s, t, side="right")) - 1


def killed(source: Path, folder: Path) -> Path:
    """The first half of a session whose program was killed: no summary."""
    folder.mkdir(parents=True)
    with open_session(source) as old:
        poses, table, summary, definition, meta = (
            old.poses(), old.measures, old.summary, old.definition, old.meta
        )  # fmt: skip
    assert summary is not None
    assert isinstance(meta, SessionMeta)
    with SessionWriter(folder / SESSION, meta, definition) as writer:
        for i in range(len(poses.frame) // 2):
            writer.append(_frame(poses, table, i))
        for rep in summary.reps[: len(summary.reps) // 2]:
            writer.append_rep(rep)
    return folder


def seal(db: sqlite3.Connection) -> None:
    """Makes the check sums of a session fit what a test has written into it."""
    db.executemany("UPDATE sums SET crc = ? WHERE part = ?", [(table_crc(db, part), part) for part in SUMMED])
    db.execute("UPDATE sums SET crc = ? WHERE part = 'facts'", (facts_crc(read_meta(db)),))
