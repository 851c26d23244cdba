"""A clip of one repetition or fault, with what was found drawn in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from formcheck.analysis.analysis import Analysis
from formcheck.drawing.overlay import canvas_size, draw_overlay
from formcheck.errors import FormcheckError
from formcheck.report.annotate import Annotator, shown_size, shrink
from formcheck.report.export.part import Part
from formcheck.video.file import VideoFile
from formcheck.video.writer import VideoWriter

#: Shown before and after.
MARGIN_S = 1.0
#: A picture belongs to a frame of the session if their times differ by no more than this.
_SAME_S = 0.5 / 15.0


def write_clip(
    analysis: Analysis, path: Path, part: Part, progress: Callable[[float], None] | None = None
) -> None:
    """Writes the clip, a second more on either side, at the video's own frame times.

    Args:
        analysis: the session; ``analysis.video`` is decoded.
        path: the MP4 to write.
        part: of what.
        progress: told the share done now and then.

    Raises:
        FormcheckError: the video is missing or another one, or the clip cannot be written.
    """
    if not analysis.video.is_file():
        raise FormcheckError(
            "The session's video is not in its folder (it may never have been kept); "
            "if you have it elsewhere, name it with --video."
        )
    info = analysis.summary.source
    begin, end = part.start_s - MARGIN_S, part.end_s + MARGIN_S
    with VideoFile(analysis.video, analysis.summary.source.rotate) as source:
        if (source.width, source.height) != (info.width, info.height):
            raise FormcheckError(
                f"{analysis.video} is {source.width} × {source.height} and the session's video was "
                f"{info.width} × {info.height}, so it is another one; name the right one with --video."
            )
        width, height, scale = shown_size(source.width, source.height)
        annotator = Annotator(analysis, scale)
        # A recording's clock begins with its first picture, a live session's with the camera.
        offset = float(analysis.track.time_s[0]) if analysis.summary.live is not None else 0.0
        with VideoWriter(path, *canvas_size(width, height), fps=source.fps) as out:
            for frame in source:
                time_s = frame.time_s + offset
                if time_s > end:
                    break
                if time_s < begin or (index := _index(analysis, time_s)) is None:
                    continue
                image = shrink(frame.image, width, height)
                out.write(draw_overlay(image, annotator.state(index)), frame.time_s)
                if progress is not None and out.frames % 5 == 0:
                    progress(min((time_s - begin) / (end - begin), 1.0))
            written = out.frames
    if written == 0:
        raise FormcheckError(
            f"{analysis.video} ends before {part.name}, so it is not the session's whole video."
        )


def _index(analysis: Analysis, time_s: float) -> int | None:
    """The frame of the session that a picture shows; None where the session has none."""
    after = int(np.searchsorted(analysis.track.time_s, time_s))
    near = [i for i in (after - 1, after) if 0 <= i < len(analysis.track)]
    index = min(near, key=lambda i: abs(float(analysis.track.time_s[i]) - time_s))
    return index if abs(float(analysis.track.time_s[index]) - time_s) <= _SAME_S else None
