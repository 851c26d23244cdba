"""Moments that a physio speaks of, for a file that needs no network: a short clip, and what was drawn."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.rulings import Shown
from formcheck.drawing.overlay import draw_body
from formcheck.drawing.palette import Image
from formcheck.errors import FormcheckError
from formcheck.report.annotate import Annotator, shown_size, shrink
from formcheck.report.export.recorded import open_recorded, recorded_frames
from formcheck.report.stills import JPEG_QUALITY
from formcheck.video.writer import VideoWriter

#: So much of the video before and after a moment.
LEAD_S, TAIL_S = 2.0, 2.0
_STILL_PX, _CLIP_PX = 960, 640
#: A file that is sent stays small; of further moments there are pictures only.
MOST_CLIPS = 12
_LINE = (64, 200, 255)
_EDGE = (14, 11, 8)


@dataclass
class Pictures:
    """What is to be seen of one moment, as ``data:`` addresses; "" for nothing.

    Attributes:
        still: the picture, with what was drawn on it.
        clip: the video around it.
    """

    still: str = ""
    clip: str = ""


@dataclass
class _Wanted:
    moment: Shown
    begin_s: float
    end_s: float
    clip: bool
    frames: list[tuple[float, NDArray[np.uint8]]] = field(default_factory=list)  # as JPEG
    best: tuple[float, Image] | None = None


def pictures_of(analysis: Analysis, moments: Sequence[Shown]) -> list[Pictures]:
    """Pictures and clips of moments; where no video was kept, the skeleton on an empty ground and no clip."""
    wanted = [
        _Wanted(moment, moment.time_s - LEAD_S, moment.time_s + TAIL_S, number < MOST_CLIPS)
        for number, moment in enumerate(moments)
    ]
    if not wanted:
        return []
    try:
        with open_recorded(analysis) as source:
            begin, end = min(w.begin_s for w in wanted), max(w.end_s for w in wanted)
            for index, frame in recorded_frames(analysis, source, begin, end):
                time_s = float(analysis.track.time_s[index])
                for one in wanted:
                    if one.begin_s <= time_s <= one.end_s:
                        _keep(one, time_s, frame.image)
    except FormcheckError:
        return [Pictures(still=_jpeg(_drawn(_skeleton(analysis, m.time_s), m))) for m in moments]
    out = []
    for one in wanted:
        if one.best is None:
            out.append(Pictures())
            continue
        out.append(Pictures(_jpeg(_drawn(one.best[1], one.moment)), _clip(one) if one.clip else ""))
    return out


def _keep(one: _Wanted, time_s: float, image: Image) -> None:
    away = abs(time_s - one.moment.time_s)
    if one.best is None or away < one.best[0]:
        one.best = (away, _within(image, _STILL_PX))
    if one.clip:
        one.frames.append((time_s, cv2.imencode(".jpg", _within(image, _CLIP_PX))[1]))


def _within(image: Image, longest: int) -> Image:
    height, width = image.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return shrink(image, round(width * scale), round(height * scale)).copy()


def _clip(one: _Wanted) -> str:
    height, width = _picture(one.frames[0][1]).shape[:2]
    span = one.frames[-1][0] - one.frames[0][0]
    with tempfile.TemporaryDirectory(prefix="formcheck-") as place:
        path = Path(place) / "clip.mp4"
        with VideoWriter(path, width, height, (len(one.frames) - 1) / span if span > 0 else 25.0) as video:
            for time_s, data in one.frames:
                video.write(_picture(data), time_s - one.frames[0][0])
        return "data:video/mp4;base64," + base64.b64encode(path.read_bytes()).decode()


def _picture(data: NDArray[np.uint8]) -> Image:
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _skeleton(analysis: Analysis, time_s: float) -> Image:
    info = analysis.summary.source
    width, height, _ = shown_size(info.width, info.height)
    image = np.full((height, width, 3), (64, 56, 50), np.uint8)
    index = int(np.argmin(np.abs(analysis.track.time_s - time_s)))
    draw_body(image, Annotator(analysis, width / info.width).state(index, only=""))
    return _within(image, _STILL_PX)


def _drawn(image: Image, moment: Shown) -> Image:
    """A picture with what the physio drew on it."""
    height, width = image.shape[:2]
    thick = max(3, round(width / 160))
    lines = [np.rint(np.array(line) * (width, height)).astype(np.int32) for line in moment.drawing]
    for color, wide in ((_EDGE, thick + 4), (_LINE, thick)):
        for line in lines:
            if len(line) == 1:
                cv2.circle(image, tuple(map(int, line[0])), wide, color, -1, cv2.LINE_AA)
            cv2.polylines(image, [line], False, color, wide, cv2.LINE_AA)
    return image


def _jpeg(image: Image) -> str:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise RuntimeError("OpenCV could not encode a JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
