"""A clip of one repetition or fault, with what was found drawn in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from formcheck.analysis.analysis import Analysis
from formcheck.drawing.overlay import canvas_size, draw_overlay
from formcheck.errors import FormcheckError
from formcheck.report.annotate import Annotator, shown_size, shrink
from formcheck.report.export.part import Part
from formcheck.report.export.recorded import open_recorded, recorded_frames
from formcheck.video.writer import VideoWriter

#: Shown before and after.
MARGIN_S = 1.0


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
    begin, end = part.start_s - MARGIN_S, part.end_s + MARGIN_S
    with open_recorded(analysis) as source:
        width, height, scale = shown_size(source.width, source.height)
        annotator = Annotator(analysis, scale)
        with VideoWriter(path, *canvas_size(width, height), fps=source.fps) as out:
            for index, frame in recorded_frames(analysis, source, begin, end):
                image = shrink(frame.image, width, height)
                out.write(draw_overlay(image, annotator.state(index)), frame.time_s)
                if progress is not None and out.frames % 5 == 0:
                    done = float(analysis.track.time_s[index]) - begin
                    progress(min(max(done, 0.0) / (end - begin), 1.0))
            written = out.frames
    if written == 0:
        raise FormcheckError(
            f"{analysis.video} ends before {part.name}, so it is not the session's whole video."
        )
