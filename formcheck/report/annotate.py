"""The annotated video: every frame with skeleton, repetition count, phase, signal and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.analysis import PHASES, Analysis
from formcheck.analysis.findings import counted_reps, findings_of, grade_word
from formcheck.analysis.phrases import number, short_title
from formcheck.analysis.summary import FaultEvent, Rep
from formcheck.drawing.face_blur import FaceBlur
from formcheck.drawing.overlay import FaultMark, JointAngle, OverlayState, canvas_size, draw_overlay
from formcheck.drawing.palette import Image
from formcheck.drawing.strip import Strip
from formcheck.measures.body_parts import joint_angle, landmarks_used, near_side, trusted_landmarks
from formcheck.measures.table import Status
from formcheck.pose import frame_arrays as arrays
from formcheck.pose.landmarks import LANDMARK_COUNT
from formcheck.video.file import Frame, VideoFile
from formcheck.video.prefetch import ahead
from formcheck.video.writer import VideoWriter
from formcheck.words import say

LONG_SIDE_PX = 1280  # larger video is shrunk: faster to make, and plays anywhere
READABLE_S = 1.0  # a fault's name stays on the screen at least this long


class Annotator:
    """Looks up what each frame of one analysis shows.

    Args:
        analysis: the analysed video.
        scale: size of the shown picture over that of the source.
    """

    def __init__(self, analysis: Analysis, scale: float = 1.0) -> None:
        self.analysis = analysis
        self.findings = findings_of(analysis)
        self.near = near_side(analysis.summary.side, analysis.track.visibility, analysis.track.person)
        self._scale = scale
        self._status = analysis.measures.status
        view = analysis.summary.view.name
        self._used = [
            frozenset(landmarks_used(analysis.definition, name, self.near, view))
            for name in analysis.measures.names
        ]
        self._primary = analysis.measures.names.index(analysis.primary)
        self._unseen = self.findings.unseen_here()
        self._reps = {rep.index: rep for rep in analysis.summary.reps}
        self._events = [(rep, event) for rep in analysis.summary.reps for event in rep.faults]
        self._starts = np.array([rep.start_s for rep in analysis.summary.reps])
        definition = self.findings.definition.measures.get(analysis.primary)
        self._unit = definition.unit if definition else ""
        self._title = short_title(definition.title) if definition else analysis.primary

    def state(self, index: int, only: str | None = None) -> OverlayState:
        """What frame `index` shows.

        Args:
            index: frame number.
            only: show just this fault (for a still that is about it).
        """
        analysis = self.analysis
        time_s = float(analysis.track.time_s[index])
        xy = analysis.smooth_xy[index] * self._scale
        seen = bool(analysis.track.person[index]) and bool(np.isfinite(xy).any())
        status = Status(int(self._status[index, self._primary]))
        text, unit = "–", ""
        if status != Status.NOT_MEASURABLE:
            text, unit = number(float(analysis.measures.value[index, self._primary]), self._unit)
        rep = self._rep_at(index, time_s)
        message = None
        if not seen:
            rejected = bool(analysis.track.rejected[index])
            message = say("report.untrusted" if rejected else "report.nobody_here")
        return OverlayState(
            time_s=time_s,
            xy=xy if seen else None,
            trusted=self._trusted(index),
            measured=self._measured(index),
            phase=PHASES[int(analysis.phase[index])],
            rep=rep.name if rep else "0",
            rep_total=len(counted_reps(analysis.summary.reps)),
            rep_note=say(f"findings.class.{rep.class_}") if rep and rep.class_ != "full" else "",
            value_title=self._title + (f" ({say('report.uncertain')})" if status == Status.LOW else ""),
            value_text=text,
            value_unit=unit,
            strip=self.strip,
            faults=self._faults(time_s, only) if seen else (),
            unseen=self._unseen,
            message=message,
        )

    def state_with(self, index: int, event: FaultEvent) -> OverlayState:
        """What frame `index` shows, with this fault marked whatever its time."""
        angle = self.angle(index, self.findings.measure(event, self.analysis.measures))
        return replace(self.state(index, only=""), faults=(self.mark(event),), angle=angle)

    def angle(self, index: int, measure: str) -> JointAngle | None:
        """A measure of frame `index` as an angle to be drawn at its joint; None where there is none."""
        known = joint_angle(measure, self.near)
        if known is None or measure not in self.analysis.measures.names:
            return None
        column = self.analysis.measures.names.index(measure)
        if self._status[index, column] == Status.NOT_MEASURABLE:
            return None
        value = float(self.analysis.measures.value[index, column])
        return JointAngle(*known, number(value, "deg")[0])

    def mark(self, event: FaultEvent) -> FaultMark:
        """A fault event as it is drawn."""
        return FaultMark(
            title=self.findings.title(event.id),
            grade=event.grade,
            value=self.findings.value(event),
            at=self.findings.place(event, self.near, self.analysis.measures),
            word=grade_word(event.grade),
        )

    def shown_in(self, measure: str) -> list[tuple[Rep, FaultEvent]]:
        """The fault events that show in a measure; for the counting measure, all."""
        if measure == self.analysis.primary:
            return self._events
        table = self.analysis.measures
        return [(rep, e) for rep, e in self._events if self.findings.measure(e, table) == measure]

    def _measured(self, index: int) -> frozenset[int]:
        """Landmarks of the counting measure; of all others that are ok where that one is not."""
        ok = self._status[index] == Status.OK
        if ok[self._primary]:
            return self._used[self._primary]
        return frozenset().union(*(used for used, good in zip(self._used, ok, strict=True) if good))

    def _faults(self, time_s: float, only: str | None) -> tuple[FaultMark, ...]:
        return tuple(
            self.mark(event)
            for _, event in self._events
            if event.start_s - 1e-6 <= time_s <= max(event.end_s, event.start_s + READABLE_S) + 1e-6
            and (only is None or event.id == only)
        )

    def _rep_at(self, index: int, time_s: float) -> Rep | None:
        """The repetition under way, else the last one that had begun."""
        under_way = self._reps.get(int(self.analysis.rep[index]))
        if under_way is not None or not len(self._starts):
            return under_way
        begun = int(np.searchsorted(self._starts, time_s, side="right"))
        return self.analysis.summary.reps[begun - 1] if begun else None

    def _trusted(self, index: int) -> NDArray[np.bool_]:
        """``(33,)``: which landmarks of a frame may be believed."""
        analysis = self.analysis
        if not analysis.track.person[index]:
            return np.zeros(LANDMARK_COUNT, bool)
        names = analysis.measures.names
        ok = [name for name, status in zip(names, self._status[index], strict=True) if status == Status.OK]
        return trusted_landmarks(
            analysis.definition, analysis.track.visibility[index], ok, self.near, analysis.summary.view.name
        )

    @cached_property
    def strip(self) -> Strip:
        """The counting measure over the whole video."""
        analysis = self.analysis
        status = self._status[:, self._primary]
        value = analysis.measures.value[:, self._primary].copy()
        value[status == Status.NOT_MEASURABLE] = np.nan
        return Strip(
            time_s=analysis.track.time_s,
            value=value,
            trusted=status == Status.OK,
            phase=analysis.phase_words,
            reps=[(rep.start_s, rep.end_s, rep.name) for rep in analysis.summary.reps],
            faults=[(e.start_s, e.end_s, e.grade) for rep in analysis.summary.reps for e in rep.faults],
        )


def shown_size(width: int, height: int) -> tuple[int, int, float]:
    """Width, height and scale at which a source of this size is shown."""
    scale = min(1.0, LONG_SIDE_PX / max(width, height))
    return round(width * scale), round(height * scale), scale


def shown_pictures(analysis: Analysis, source: VideoFile, blur_face: bool = False) -> Iterator[Frame]:
    """The pictures of an analysed video at the shown size, as far as it was analysed.

    Args:
        analysis: the analysed video.
        source: its file, opened.
        blur_face: blur the face of the person who is followed, as in recorded sessions.
    """
    track = analysis.track
    blur = FaceBlur() if blur_face else None
    width, height, scale = shown_size(source.width, source.height)
    for frame in source:
        if frame.index >= len(track):  # the analysis was interrupted
            return
        if frame.index % arrays.PIECE == 0:
            arrays.give_back()
        image = shrink(frame.image, width, height)
        if blur is not None:
            seen = track.image_xyz[frame.index, :, :2] * scale if track.person[frame.index] else None
            image = blur(image, seen, frame.time_s)
        yield replace(frame, image=image)


def write_annotated(
    analysis: Analysis,
    path: Path,
    progress: Callable[[float], None] | None = None,
    keep: dict[int, Image | None] | None = None,
    blur_face: bool = False,
) -> None:
    """Write the video again with everything measured drawn in, at the source's own frame times.

    Args:
        analysis: the analysed video; its file is decoded again.
        path: the MP4 (H.264) to write.
        progress: called with the share done, 0 to 1, now and then.
        keep: frame numbers whose undrawn picture (at the shown size) is put here on the way, so that
            `write_report` need not decode the video once more.
        blur_face: blur the face in all of them.

    Raises:
        FormcheckError: the video can no longer be read, or the file cannot be written.
    """

    def drawn(pictures: Iterable[Frame], annotator: Annotator) -> Iterator[Frame]:
        for frame in pictures:
            if keep is not None and frame.index in keep:
                keep[frame.index] = frame.image
            yield replace(frame, image=draw_overlay(frame.image, annotator.state(frame.index)))

    with VideoFile(analysis.video, analysis.summary.source.rotate) as source, ExitStack() as threads:
        width, height, scale = shown_size(source.width, source.height)
        # Decoding, drawing and encoding take about as long as each other: each on a thread of its own.
        plain = threads.enter_context(
            closing(ahead(shown_pictures(analysis, source, blur_face), 4, "decode"))
        )
        frames = threads.enter_context(closing(ahead(drawn(plain, Annotator(analysis, scale)), 4, "draw")))
        with VideoWriter(path, *canvas_size(width, height), fps=source.fps) as out:
            for frame in frames:
                out.write(frame.image, frame.time_s)
                if progress is not None and frame.index % 10 == 9:
                    progress((frame.index + 1) / len(analysis.track))
    if progress is not None:
        progress(1.0)


def shrink(image: Image, width: int, height: int) -> Image:
    """The picture at the shown size."""
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
