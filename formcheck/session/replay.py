"""Replays a recorded live session: the stored landmarks and events through the same engine again.

The same definition gives exactly what was shown live; a changed one gives what would have been shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from formcheck.analysis.analysis import PHASES, Analysis
from formcheck.engine.live_engine import LiveEngine, LiveMoment
from formcheck.engine.start_position import position_check
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import Definition
from formcheck.measures.table import MeasureTable
from formcheck.pose import frame_arrays as scratch
from formcheck.pose.landmarks import LANDMARK_COUNT
from formcheck.pose.live_filter import SeenFrame
from formcheck.session.events import Event
from formcheck.session.folder import VIDEO, video_of
from formcheck.session.live_log import LiveLog, apply_event, stored_facts
from formcheck.session.reader import Session, SessionPoses, check_poses, open_session


def replay_file(path: Path, definition: Definition | None = None) -> Analysis:
    """`replay` of a session's folder or file.

    Raises:
        FormcheckError: see `open_session` and `replay`.
    """
    with open_session(path) as session:
        return replay(session, definition)


def replay(session: Session, definition: Definition | None = None) -> Analysis:
    """Run a live session again.

    Args:
        session: an open live session.
        definition: another definition to judge by; the stored one if None.

    Returns:
        Everything about the session, as `formcheck.analyze` gives it for a recording.

    Raises:
        FormcheckError: it is not a live session, or it is damaged.
    """
    if not session.is_live:
        raise FormcheckError(f"{session.path} is an analysed recording, not a live session.")
    definition = definition if definition is not None else session.definition
    poses, events = check_poses(session.poses(), session.path), session.events
    track = poses.track
    facts = stored_facts(session)
    log = LiveLog(definition, facts)
    practice = LiveEngine(
        definition,
        position_check(definition, session.meta.declared_side, facts.views),
        side=session.meta.declared_side,
    )
    pending = list(reversed(events))
    apply_until(pending, -1, practice, log)
    names = tuple(definition.measures)
    n = len(track)
    table = MeasureTable.empty(names, track.time_s)
    table = replace(table, sd=scratch.full((n, len(names)), np.nan, np.float64))
    smooth_xy = scratch.full((n, LANDMARK_COUNT, 2), np.nan, np.float32)
    phase = np.zeros(n, np.uint8)
    rep = np.zeros(n, np.int32)
    for i, seen in enumerate(seen_frames(poses)):
        moment = practice.update(seen)
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
        apply_until(pending, seen.index, practice, log)
    summary = log.summary(
        fps=session.summary.source.fps if session.summary is not None else track.fps,
        dropped=session.summary.live.dropped_frames if session.summary and session.summary.live else 0,
        complete=session.complete,
    )
    return Analysis(
        video=video_of(session.path.parent) or session.path.parent / VIDEO,
        summary=summary,
        definition=definition,
        track=track,
        smooth_xy=smooth_xy,
        measures=table,
        primary=definition.counting.signal,
        phase=phase,
        rep=rep,
        model_sha256=session.meta.model_sha256,
        prescription=session.meta.overrides,
        declared_side=session.meta.declared_side,
    )


def rep_under_way(log: LiveLog, moment: LiveMoment) -> int:
    """Number of the repetition that a frame belongs to, 0 between repetitions."""
    if moment.stage == "work" and moment.phase in ("rise", "hold", "lower"):
        return len(log.reps) + 1
    return 0


def apply_until(pending: list[Event], after_frame: int, practice: LiveEngine, log: LiveLog) -> None:
    """Apply the events that were given after a frame, in their order."""
    while pending and pending[-1].after_frame <= after_frame:
        apply_event(pending.pop(), practice, log)


def seen_frames(poses: SessionPoses) -> Iterator[SeenFrame]:
    """The stored frames as the engine got them."""
    track = poses.track
    for i in scratch.each(len(track)):
        there = bool(track.person[i])
        apart = np.nan if track.disagreement is None else float(track.disagreement[i])
        yield SeenFrame(
            time_s=float(track.time_s[i]),
            index=int(poses.frame[i]),
            image_wh=track.image_wh,
            image_xyz=track.image_xyz[i] if there else None,
            world_xyz=track.world_xyz[i] if there else None,
            visibility=track.visibility[i] if there else None,
            rejected=bool(track.rejected[i]),
            people_seen=int(track.people_seen[i]),
            disagreement=apart if np.isfinite(apart) else None,
        )
