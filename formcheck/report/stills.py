"""The pictures in the report: the worst moment of each fault, and the best repetition at its top."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.findings import BY_EYE, Coverage, Findings, coverage, grade_word
from formcheck.analysis.summary import FaultEvent, Rep
from formcheck.drawing.overlay import clock, draw_body
from formcheck.drawing.palette import Image
from formcheck.errors import FormcheckError
from formcheck.report.annotate import Annotator, shown_pictures, shown_size, shrink
from formcheck.video.file import VideoFile
from formcheck.words import say

WIDTH_PX = 960
JPEG_QUALITY = 82


@dataclass(frozen=True)
class StillMoment:
    """One moment worth showing: a fault at its worst, or (`event` None) the best repetition's top."""

    index: int
    rep: Rep
    event: FaultEvent | None


@dataclass(frozen=True)
class Still:
    """One picture of the report.

    Attributes:
        anchor: element id to link to.
        fault: name of the fault, or None for the best repetition.
        heading, caption: what is seen.
        alt: for those who cannot see it.
        source: ``data:`` address of the JPEG.
        width, height: of the picture, pixels.
    """

    anchor: str
    fault: str | None
    heading: str
    caption: list[str]
    alt: str
    source: str
    width: int
    height: int


def moments(analysis: Analysis, annotator: Annotator) -> list[StillMoment]:
    """Which frames to show: worst faults first, the best repetition last."""
    worst: dict[str, tuple[tuple[int, float], Rep, FaultEvent]] = {}
    for rep in analysis.summary.reps:
        for event in rep.faults:
            size = annotator.findings.badness(event)
            if event.id not in worst or worst[event.id][0] < size:
                worst[event.id] = (size, rep, event)
    ranked = sorted(worst.values(), key=lambda item: (-item[0][0], item[2].start_s))
    out = [StillMoment(_worst_frame(analysis, annotator, event), rep, event) for _, rep, event in ranked]
    best = _best(analysis)
    if best is not None:
        out.append(StillMoment(_nearest(analysis, best.peak_s), best, None))
    return out


def _best(analysis: Analysis) -> Rep | None:
    """The full repetition with the fewest and mildest faults, then the best seen."""
    full = [rep for rep in analysis.summary.reps if rep.class_ == "full"]
    return min(
        full, key=lambda rep: (sum(e.grade for e in rep.faults), -rep.confidence, rep.index), default=None
    )


def _nearest(analysis: Analysis, time_s: float) -> int:
    """The frame nearest to a time, if possible one in which the person is seen."""
    away = np.abs(analysis.track.time_s - time_s)
    seen = np.where(analysis.track.person, away, np.inf)
    return int(np.argmin(seen)) if np.min(seen) < 1.0 else int(np.argmin(away))


def _worst_frame(analysis: Analysis, annotator: Annotator, event: FaultEvent) -> int:
    """Where the fault's measure is farthest the wrong way within the event; its middle for a timing fault."""
    worst = annotator.findings.worst_frame(event, analysis.measures)
    return worst if worst is not None else _nearest(analysis, (event.start_s + event.end_s) / 2)


def make_stills(
    analysis: Analysis,
    annotator: Annotator,
    pictures: Mapping[int, Image | None] | None = None,
    blur_face: bool = False,
) -> tuple[list[Still], bool]:
    """Draws the stills.

    Args:
        analysis, annotator: what to show.
        pictures: undrawn pictures by frame number, as kept by `write_annotated`; what is missing is decoded.
        blur_face: blur the face in what is decoded.

    Returns:
        The stills, and whether they show the video (False: it could not be read, so the skeleton is shown
        on an empty ground).
    """
    wanted = moments(analysis, annotator)
    if not wanted:
        return [], True
    found = {i: picture for i, picture in (pictures or {}).items() if picture is not None}
    missing = {moment.index for moment in wanted} - found.keys()
    from_video = True
    if missing:
        try:
            found |= _decode(analysis, missing, blur_face)
        except FormcheckError:
            from_video = False
    return [_still(analysis, moment, found.get(moment.index)) for moment in wanted], from_video


def _decode(analysis: Analysis, indices: set[int], blur_face: bool) -> dict[int, Image]:
    out: dict[int, Image] = {}
    with VideoFile(analysis.video, analysis.summary.source.rotate) as source:
        for frame in shown_pictures(analysis, source, blur_face):
            if frame.index in indices:
                out[frame.index] = frame.image
            if frame.index >= max(indices):
                break
    return out


def _still(analysis: Analysis, moment: StillMoment, picture: Image | None) -> Still:
    info = analysis.summary.source
    if picture is None:
        width, height, _ = shown_size(info.width, info.height)
        picture = np.full((height, width, 3), (64, 56, 50), np.uint8)
    scale = min(1.0, WIDTH_PX / max(picture.shape[:2]))
    height, width = (round(side * scale) for side in picture.shape[:2])
    image = shrink(picture, width, height).copy()
    annotator = Annotator(analysis, width / info.width)
    event = moment.event
    state = annotator.state(moment.index, only="")
    if event is not None and state.xy is not None:
        state = annotator.state_with(moment.index, event)
    draw_body(image, state)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise RuntimeError("OpenCV could not encode a JPEG")
    source = "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
    at = clock(float(analysis.track.time_s[moment.index]))
    where = say("report.rep_at", n=moment.rep.name, time=at)
    if event is None:
        covered = coverage(analysis.summary.faults)
        heading = say("report.best_rep" if covered.checked else "report.full_rep", n=moment.rep.name)
        caption = [say("report.at_its_top", where=where, reason=best_reason(moment.rep, covered))]
        anchor, fault = "still-best", None
    else:
        heading = annotator.findings.title(event.id)
        caption = fault_caption(annotator.findings, event, where)
        anchor, fault = f"still-{event.id}", event.id
    alt = say("report.alt", heading=heading, caption=" ".join(caption))
    return Still(anchor, fault, heading, caption, alt, source, width, height)


def best_reason(rep: Rep, covered: Coverage) -> str:
    """Why this repetition was picked."""
    if not covered.checked:
        return say("report.best_unchecked")
    if not rep.faults:
        return say("report.best_clean")
    return say("report.best_least")


def fault_caption(findings: Findings, event: FaultEvent, where: str) -> list[str]:
    """Sentences under a fault's picture: where, how much, where the grades begin, what the physio reads."""
    value, word = findings.value(event), grade_word(event.grade)
    lines = [say("report.picture_line", where=where, value=value, grade=event.grade, word=word)]
    lines += [text for text in (findings.grades(event),) if text]
    known = findings.definition.faults.get(event.id)
    if known is not None:
        lines.append(f"{findings.wording(event.id, by_eye=event.unit == BY_EYE)}.")
        if known.cue:
            lines.append(say("report.cue", cue=known.cue))
    return lines
