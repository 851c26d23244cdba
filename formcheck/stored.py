"""A stored session read back into memory: its track, its analysis as it was, and where its video is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis import Analysis
from formcheck.errors import FormcheckError
from formcheck.pose.track import Track, smooth
from formcheck.replay import is_live, replay
from formcheck.session.outputs import VIDEO, part_of
from formcheck.session.reader import Session, SessionPoses
from formcheck.session.summary import Summary


def track_of(session: Session, poses: SessionPoses | None = None) -> Track:
    """The track that a session's frames were made from, bit for bit.

    A recording is stored with its mirrored second readings already blended in (see `Track.from_results`),
    so nothing is blended again.

    Args:
        session: an open session.
        poses: its frames, if they have been read already.

    Raises:
        FormcheckError: the session is damaged.
    """
    poses = session.poses() if poses is None else poses
    return Track(
        time_s=poses.time_s,
        person=poses.person,
        rejected=poses.rejected,
        people_seen=poses.people_seen,
        image_xyz=poses.landmarks_xyz,
        world_xyz=poses.world_xyz,
        visibility=poses.visibility,
        image_wh=session.meta.image_wh,
        disagreement=poses.disagreement if np.isfinite(poses.disagreement).any() else None,
    )


def smoothed(track: Track) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Zero-phase filtered landmarks of a whole track, stretch by stretch.

    Returns:
        ``(T, 33, 2)`` pixels and ``(T, 33, 3)`` metres; NaN where nobody was seen.
    """
    xy = np.full((len(track), 33, 2), np.nan, np.float32)
    world = np.full((len(track), 33, 3), np.nan, np.float32)
    for frames in track.stretches():
        xy[frames], world[frames] = smooth(track.part(frames))
    return xy, world


def summary_of(session: Session) -> Summary:
    """The session's summary; of a live session that was broken off, that of what there is.

    Raises:
        FormcheckError: there is none, because the analysis was killed before it ended.
    """
    if (summary := session.summary) is None and is_live(session):
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
    if session.summary is None and is_live(session):
        analysis = replay(session)
        return analysis if video is None else replace(analysis, video=video)
    summary, poses = summary_of(session), session.poses()
    track = track_of(session, poses)
    return Analysis(
        video=video if video is not None else (video_of(session) or Path(summary.source.file)),
        summary=summary,
        definition=session.definition,
        time_s=poses.time_s,
        person=poses.person,
        rejected=poses.rejected,
        people_seen=poses.people_seen,
        landmarks_xyz=poses.landmarks_xyz,
        world_xyz=poses.world_xyz,
        visibility=poses.visibility,
        smooth_xy=smoothed(track)[0],
        measures=session.measures,
        primary=session.meta.primary,
        phase=poses.phase,
        rep=poses.rep,
        disagreement=poses.disagreement,
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
