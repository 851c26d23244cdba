"""A stored session read back into memory: what it is judged from, and its analysis as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.decisions import decided
from formcheck.analysis.evidence import Evidence, LiveEvidence, RecordedEvidence
from formcheck.analysis.judge import judge
from formcheck.analysis.live_log import SessionFacts
from formcheck.analysis.summary import Summary
from formcheck.errors import FormcheckError
from formcheck.pose.track import smoothed
from formcheck.session.folder import VIDEO, video_of
from formcheck.session.notes import Notes, decisions_of
from formcheck.session.reader import Session, check_poses, reading

_FACTS = TypeAdapter(SessionFacts)


def evidence_of(session: Session) -> Evidence:
    """All that a stored session can be judged from again.

    Raises:
        FormcheckError: the session is damaged, or its analysis was killed before it ended.
    """
    meta, summary = session.meta, session.summary
    poses = check_poses(session.poses(), session.path)
    if not session.is_live:
        summary = summary_of(session)
        return RecordedEvidence(
            track=poses.track,
            video=_video(session),
            side=meta.declared_side,
            complete=summary.complete,
            model_sha256=meta.model_sha256,
            prescription=meta.overrides,
            source=summary.source,
            pose=summary.pose,
            view=summary.view.name if summary.view.declared else None,
            warnings=meta.source_warnings,
        )
    with reading(session.path):
        facts = _FACTS.validate_json(meta.live or "")
    return LiveEvidence(
        track=poses.track,
        video=_video(session),
        side=meta.declared_side,
        complete=session.complete,
        model_sha256=meta.model_sha256,
        prescription=meta.overrides,
        facts=facts,
        events=tuple(session.events),
        phone=tuple(session.phone),
        frame=poses.frame,
        fps=summary.source.fps if summary is not None else poses.track.fps,
        dropped=summary.live.dropped_frames if summary is not None and summary.live is not None else 0,
    )


def summary_of(session: Session) -> Summary:
    """The session's summary; of a live session that was broken off, that of what there is.

    Raises:
        FormcheckError: there is none, because the analysis was killed before it ended.
    """
    if (summary := session.summary) is None and session.is_live:
        return judge(evidence_of(session), session.definition).summary
    if summary is None:
        raise FormcheckError(
            f"The session {session.path} was broken off before it ended, so it has no summary; "
            "analyse its video again."
        )
    return summary


def stored_analysis(session: Session, video: Path | None = None) -> Analysis:
    """The analysis as it was stored: nothing is judged again, but for a live session that was broken off,
    which never had one.

    The measures have the precision of the file (float32) and no standard deviations, which are not stored.

    Args:
        session: an open session.
        video: its video, if it is known to lie elsewhere than `video_of` looks.

    Raises:
        FormcheckError: the session is damaged or was broken off.
    """
    if session.summary is None and session.is_live:
        analysis = judge(evidence_of(session), session.definition)
        return analysis if video is None else replace(analysis, video=video)
    summary, poses = summary_of(session), check_poses(session.poses(), session.path)
    return Analysis(
        video=video if video is not None else _video(session),
        summary=summary,
        definition=session.definition,
        track=poses.track,
        smooth_xy=smoothed(poses.track)[0],
        measures=session.measures,
        primary=session.meta.primary,
        phase=poses.phase,
        rep=poses.rep,
        model_sha256=session.meta.model_sha256,
        prescription=session.meta.overrides,
        declared_side=session.meta.declared_side,
        source_warnings=session.meta.source_warnings,
    )


def reviewed_analysis(session: Session, video: Path | None = None) -> Analysis:
    """The stored analysis with what the physio decided about it: what every export is made from.

    Args:
        session: an open session.
        video: as for `stored_analysis`.

    Raises:
        FormcheckError: the session or the notes on it are damaged, or it was broken off.
    """
    decisions = decisions_of(Notes(session.path.parent).standing())
    return decided(stored_analysis(session, video), decisions)


def _video(session: Session) -> Path:
    """The session's video, or where it would be."""
    folder, source = session.path.parent, session.meta.source
    found = video_of(folder, source)
    return found if found is not None else folder / VIDEO if session.is_live else Path(source)
