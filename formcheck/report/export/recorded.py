"""The pictures of a stored session, found in its video again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from formcheck.analysis.analysis import Analysis
from formcheck.errors import FormcheckError
from formcheck.video.file import Frame, VideoFile

#: A picture belongs to a frame of the session if their times differ by no more than this.
_SAME_S = 0.5 / 15.0


def open_recorded(analysis: Analysis) -> VideoFile:
    """The session's video.

    Raises:
        FormcheckError: it is missing or another one.
    """
    if not analysis.video.is_file():
        raise FormcheckError(
            "The session's video is not in its folder (it may never have been kept); "
            "if you have it elsewhere, name it with --video."
        )
    info = analysis.summary.source
    source = VideoFile(analysis.video, info.rotate)
    if (source.width, source.height) != (info.width, info.height):
        source.close()
        raise FormcheckError(
            f"{analysis.video} is {source.width} × {source.height} and the session's video was "
            f"{info.width} × {info.height}, so it is another one; name the right one with --video."
        )
    return source


def recorded_frames(
    analysis: Analysis, source: VideoFile, begin_s: float, end_s: float
) -> Iterator[tuple[int, Frame]]:
    """The pictures between two times of the session, each with the number of the session's frame it shows."""
    # A recording's clock begins with its first picture, a live session's with the camera.
    offset = float(analysis.track.time_s[0]) if analysis.summary.live is not None else 0.0
    for frame in source:
        time_s = frame.time_s + offset
        if time_s > end_s:
            return
        if time_s >= begin_s and (index := _index(analysis, time_s)) is not None:
            yield index, frame


def _index(analysis: Analysis, time_s: float) -> int | None:
    """The frame of the session that a picture shows; None where the session has none."""
    after = int(np.searchsorted(analysis.track.time_s, time_s))
    near = [i for i in (after - 1, after) if 0 <= i < len(analysis.track)]
    index = min(near, key=lambda i: abs(float(analysis.track.time_s[i]) - time_s))
    return index if abs(float(analysis.track.time_s[index]) - time_s) <= _SAME_S else None
