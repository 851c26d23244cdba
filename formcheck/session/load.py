"""A stored session read back into memory: its track, its analysis as it was, and where its video is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.summary import Summary
from formcheck.errors import FormcheckError
from formcheck.pose.track import smoothed
from formcheck.session.folder import VIDEO, part_of
from formcheck.session.reader import Session, check_poses


def summary_of(session: Session) -> Summary:
    """The session's summary; of a live session that was broken off, that of what there is.

    Raises:
        FormcheckError: there is none, because the analysis was killed before it ended.
    """
    if (summary := session.summary) is None and session.is_live:
        from formcheck.session.replay import replay  # loads the live engine, which few sessions need here

        return replay(session).summary
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
        from formcheck.session.replay import replay  # as in `summary_of`

        analysis = replay(session)
        return analysis if video is None else replace(analysis, video=video)
    summary, poses = summary_of(session), check_poses(session.poses(), session.path)
    return Analysis(
        video=video if video is not None else (video_of(session) or Path(summary.source.file)),
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


def video_of(session: Session) -> Path | None:
    """The session's video: ``video.mp4`` in its folder (or what a killed recording left of it), or the
    analysed clip inside or beside the folder.

    None where it was not kept, or was moved.
    """
    folder = session.path.absolute().parent
    # The name comes out of the file, which may be anybody's: only its last part is believed.
    name = PureWindowsPath(PurePosixPath(session.meta.source).name).name
    candidates = [folder / VIDEO, part_of(folder / VIDEO)]
    if name not in ("", ".", ".."):
        candidates += [folder / name, folder.parent / name]
    return next((path for path in candidates if os.path.isfile(path)), None)
