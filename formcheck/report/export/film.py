"""The film of a session: the worst moment of each kind of finding beside the person's best repetition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.findings import BY_EYE, counted_reps, coverage, grade_word, rule_levels
from formcheck.analysis.phrases import short_title, times, value_text
from formcheck.analysis.rulings import Review
from formcheck.analysis.summary import FaultEvent, Rep
from formcheck.drawing.face_blur import FaceBlur
from formcheck.drawing.lettering import elide, put_text, text_width, wrap
from formcheck.drawing.overlay import draw_badge, draw_body
from formcheck.drawing.palette import FAULT, HALO, INK, INK_SOFT, MEASURED, PANEL, RULE, Color, Image, bgr
from formcheck.errors import FormcheckError
from formcheck.measures.table import Status
from formcheck.report.annotate import Annotator
from formcheck.report.export.recorded import open_recorded, recorded_frames
from formcheck.report.stills import best_reason, moments
from formcheck.report.wording import exercise_and_side, moment
from formcheck.video.writer import VideoWriter
from formcheck.words import say

WIDTH, HEIGHT, FPS = 1280, 720, 25
#: Seconds of the whole film, its first and its last picture, and of one scene at most.
_WHOLE_S, _TITLE_S, _END_S, _SCENE_S = 20.0, 2.4, 3.4, 7.0
#: The worst moment stands still for so long.
_STILL_S = 1.8
_MOST_KINDS = 4
#: How much of a repetition is shown before its worst moment, at most, and how slowly at the slowest.
_LEAD_S, _SLOWEST = 3.0, 0.4
#: Of the picture around the body: room on each side, and the smallest part that is shown.
_ROOM, _SMALLEST = 0.16, 0.3
_GAP, _TOP, _PANEL_HEIGHT = 8, 96, 478
_GOOD = bgr("#3ecf8e")
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 92]


@dataclass(frozen=True)
class _Scene:
    """One kind of finding at its worst, beside the best repetition; or (`event` None) that one alone.

    Attributes:
        rep, event, measure: what is seen, and the measure that shows it.
        best: the repetition beside it; None where there is no other one.
        frames: for each picture, the session's frame at the left and at the right.
        crop: the part of the picture that is shown: left, top, width, height, pixels.
    """

    rep: Rep
    event: FaultEvent | None
    measure: str
    best: Rep | None
    frames: list[tuple[int, int | None]]
    crop: tuple[float, float, float, float]

    @property
    def panel(self) -> tuple[int, int]:
        """Width and height of one of its pictures."""
        return (WIDTH - 3 * _GAP) // 2 if self.best is not None else WIDTH - 2 * _GAP, _PANEL_HEIGHT


def write_film(
    analysis: Analysis,
    path: Path,
    *,
    blur_face: bool = False,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Writes the film, about twenty seconds long, in the language that is spoken now.

    Args:
        analysis: the session, with what a physio decided about it (`formcheck.analysis.decisions`): what was
            rejected is not in the film. ``analysis.video`` is decoded.
        path: the MP4 to write.
        blur_face: blur the face of the person who is followed.
        progress: told the share done now and then.

    Raises:
        FormcheckError: no repetition was counted, the video is missing or another one, or the film cannot be
            written.
    """
    if not counted_reps(analysis.summary.reps):
        raise FormcheckError("No repetition was counted in this session, so there is nothing to film.")
    annotator = Annotator(analysis)
    scenes = _scenes(analysis, annotator)
    told = progress or (lambda share: None)
    found = _pictures(analysis, scenes, blur_face, lambda share: told(0.6 * share))
    length = sum(len(scene.frames) for scene in scenes)
    with VideoWriter(path, WIDTH, HEIGHT, fps=FPS) as out:

        def write(image: Image, seconds: float = 1 / FPS) -> None:
            for _ in range(max(1, round(seconds * FPS))):
                out.write(image, out.frames / FPS)

        write(_title_card(analysis, annotator), _TITLE_S)
        for number, scene in enumerate(scenes):
            for picture in _drawn(analysis, annotator, scene, number, found):
                write(picture)
            told(0.6 + 0.4 * min(out.frames / max(length, 1), 1.0))
        write(_end_card(analysis, annotator, scenes), _END_S)
    told(1.0)


# -- what is shown when ----------------------------------------------------------------------------------


def _scenes(analysis: Analysis, annotator: Annotator) -> list[_Scene]:
    every = moments(analysis, annotator)
    best = next((m.rep for m in every if m.event is None), None)
    worst = [m for m in every if m.event is not None][:_MOST_KINDS]
    each_s = min(_SCENE_S, (_WHOLE_S - _TITLE_S - _END_S) / max(len(worst), 1))
    scenes = []
    for at in worst:
        assert at.event is not None
        beside = _best_beside(analysis, at.rep, at.event)
        scenes.append(_scene(analysis, annotator, at.rep, at.event, at.index, beside, each_s))
    if not scenes:
        alone = best or counted_reps(analysis.summary.reps)[0]
        scenes.append(_scene(analysis, annotator, alone, None, _frame(analysis, alone.peak_s), None, each_s))
    return scenes


def _best_beside(analysis: Analysis, rep: Rep, event: FaultEvent) -> Rep | None:
    """The best full repetition besides this one, rather one without the same fault; None where there is no
    other."""
    others = [other for other in analysis.summary.reps if other.class_ == "full" and other.index != rep.index]

    def badness(other: Rep) -> tuple[bool, int, float]:
        same = any(e.id == event.id for e in other.faults)
        return same, sum(e.grade for e in other.faults), -other.confidence

    return min(others, key=badness, default=None)


def _scene(
    analysis: Analysis,
    annotator: Annotator,
    rep: Rep,
    event: FaultEvent | None,
    index: int,
    best: Rep | None,
    each_s: float,
) -> _Scene:
    measure = annotator.findings.measure(event, analysis.measures) if event else None
    if measure is None:  # rather an angle that can be drawn
        drawn = (n for n in analysis.measures.names if annotator.angle(index, n) is not None)
        measure = next(drawn, analysis.primary)
    still = round(_STILL_S * FPS)
    moving = max(round(each_s * FPS) - still, 1)
    phase = _hurried_phase(annotator, event)
    if phase is not None and best is not None:
        frames = _at_one_speed(analysis, (rep, best), phase, moving)
    else:
        end_s = float(analysis.track.time_s[index])
        # What is seen at rest may be seen before the repetition begins.
        begin_s = min(max(rep.start_s, end_s - min(_LEAD_S, moving / FPS)), end_s)
        moving = min(moving, round((end_s - begin_s) / _SLOWEST * FPS) + 1)
        moments = np.linspace(begin_s, end_s, moving)
        frames = [
            (_frame(analysis, t), None if best is None else _frame(analysis, _same_phase(t, rep, best)))
            for t in moments
        ]
        frames[-1] = (index, frames[-1][1])
    frames += [frames[-1]] * still
    used = sorted({i for pair in frames for i in pair if i is not None})
    width = (WIDTH - 3 * _GAP) / 2 if best is not None else WIDTH - 2 * _GAP
    crop = _around(analysis, used, width / _PANEL_HEIGHT)
    return _Scene(rep, event, measure, best, frames, crop)


def _hurried_phase(annotator: Annotator, event: FaultEvent | None) -> str | None:
    """The phase whose duration a finding is about; None where it is about something else."""
    rule = annotator.findings.rule(event) if event is not None else None
    return (rule.phase or "lower") if rule is not None and rule.kind == "duration" else None


def _span(rep: Rep, phase: str) -> tuple[float, float]:
    """From when to when a phase of a repetition lasts, seconds."""
    rise, hold = rep.rise_s or 0.0, rep.hold_s or 0.0
    begin = {"rise": rep.start_s, "hold": rep.start_s + rise}.get(phase, rep.start_s + rise + hold)
    end = {"rise": rep.start_s + rise, "hold": rep.start_s + rise + hold}.get(phase, rep.end_s)
    return begin, max(end, begin + 0.2)


def _at_one_speed(
    analysis: Analysis, reps: tuple[Rep, Rep], phase: str, most: int
) -> list[tuple[int, int | None]]:
    """Both from the beginning of a phase on, at the speed they had; the shorter one waits at its end."""
    spans = [_span(rep, phase) for rep in reps]
    longest = max(end - begin for begin, end in spans)
    pairs: list[tuple[int, int | None]] = []
    for k in range(min(most, round(longest * FPS) + 1)):
        left, right = (_frame(analysis, min(begin + k / FPS, end)) for begin, end in spans)
        pairs.append((left, right))
    return pairs


def _same_phase(time_s: float, rep: Rep, other: Rep) -> float:
    """The moment of another repetition that is as far on its way up or down."""
    if time_s <= rep.peak_s:
        share = (time_s - rep.start_s) / max(rep.peak_s - rep.start_s, 1e-3)
        return other.start_s + min(max(share, 0.0), 1.0) * (other.peak_s - other.start_s)
    share = (time_s - rep.peak_s) / max(rep.end_s - rep.peak_s, 1e-3)
    return other.peak_s + min(max(share, 0.0), 1.0) * (other.end_s - other.peak_s)


def _frame(analysis: Analysis, time_s: float) -> int:
    return int(np.argmin(np.abs(analysis.track.time_s - time_s)))


def _around(analysis: Analysis, frames: list[int], shape: float) -> tuple[float, float, float, float]:
    """The part of the picture around the body in these frames, with a panel's width over height."""
    info = analysis.summary.source
    xy = analysis.smooth_xy[frames].reshape(-1, 2)
    xy = xy[np.isfinite(xy).all(axis=1)]
    if not len(xy):
        xy = np.array([[0.0, 0.0], [info.width, info.height]])
    low, high = np.percentile(xy, 1, axis=0), np.percentile(xy, 99, axis=0)
    middle, size = (low + high) / 2, (high - low) * (1 + 2 * _ROOM)
    height = max(size[1], size[0] / shape, _SMALLEST * info.height)
    height = min(height, max(info.height, info.width / shape))
    width = height * shape
    left, top = middle[0] - width / 2, middle[1] - height / 2
    # Rather more of the picture than a black edge.
    left = min(max(left, 0.0), info.width - width) if width <= info.width else (info.width - width) / 2
    top = min(max(top, 0.0), info.height - height) if height <= info.height else (info.height - height) / 2
    return float(left), float(top), float(width), float(height)


def _pictures(
    analysis: Analysis, scenes: list[_Scene], blur_face: bool, told: Callable[[float], None]
) -> dict[tuple[int, int], NDArray[np.uint8]]:
    """The pictures that are needed, cut to their scene, as JPEG, by scene and frame."""
    wanted: dict[int, set[int]] = {}
    for number, scene in enumerate(scenes):
        for pair in scene.frames:
            for index in pair:
                if index is not None:
                    wanted.setdefault(index, set()).add(number)
    time_s, blur = analysis.track.time_s, FaceBlur() if blur_face else None
    first, last = float(time_s[min(wanted)]), float(time_s[max(wanted)])
    found: dict[tuple[int, int], NDArray[np.uint8]] = {}
    with open_recorded(analysis) as source:
        # A face is known where it was a moment ago.
        for index, frame in recorded_frames(analysis, source, first - 1.0, last + 0.5):
            image = frame.image
            if blur is not None:
                seen = analysis.track.image_xyz[index, :, :2] if analysis.track.person[index] else None
                image = blur(image, seen, frame.time_s)
            for number in wanted.get(index, ()):
                panel = _cut(image, scenes[number])
                found[number, index] = cv2.imencode(".jpg", panel, _JPEG)[1]
            told(min(max((float(time_s[index]) - first) / max(last - first, 1e-3), 0.0), 1.0))
    if len(found) < sum(len(numbers) for numbers in wanted.values()):
        raise FormcheckError(f"{analysis.video} ends before the session does, so it is not its whole video.")
    return found


def _cut(image: Image, scene: _Scene) -> Image:
    left, top, _, height = scene.crop
    scale = scene.panel[1] / height
    move = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.warpAffine(image, move, scene.panel, flags=how, borderValue=PANEL), np.uint8)


# -- what it looks like ----------------------------------------------------------------------------------


def _drawn(
    analysis: Analysis,
    annotator: Annotator,
    scene: _Scene,
    number: int,
    found: dict[tuple[int, int], NDArray[np.uint8]],
) -> Iterator[Image]:
    last = scene.frames[-1]
    gauge = _gauge(analysis, annotator, scene)
    frozen: Image | None = None
    for picture, pair in enumerate(scene.frames):
        still = pair == last
        if still and frozen is not None:
            yield frozen
            continue
        canvas = np.full((HEIGHT, WIDTH, 3), PANEL, np.uint8)
        _headline(canvas, annotator, scene)
        for side, index in enumerate(pair):
            if index is None:
                continue
            x = _GAP + side * (scene.panel[0] + _GAP)
            panel = _panel(analysis, annotator, scene, side, index, found[number, index], still)
            canvas[_TOP : _TOP + panel.shape[0], x : x + panel.shape[1]] = panel
        if gauge is not None:
            gauge.draw(canvas, picture)
        if still:
            frozen = canvas
        yield canvas


def _panel(
    analysis: Analysis,
    annotator: Annotator,
    scene: _Scene,
    side: int,
    index: int,
    picture: NDArray[np.uint8],
    still: bool,
) -> Image:
    panel = np.asarray(cv2.imdecode(picture, cv2.IMREAD_COLOR), np.uint8)
    left, top, _, height = scene.crop
    scale = scene.panel[1] / height
    state = annotator.state(index, only="")
    if state.xy is not None:
        marked = still and side == 0 and scene.event is not None
        state = replace(
            state,
            xy=(state.xy - (left, top)) * scale,
            angle=annotator.angle(index, scene.measure),
            faults=(annotator.mark(scene.event),) if marked and scene.event is not None else (),
        )
    draw_body(panel, state)
    rep = scene.rep if side == 0 else scene.best
    assert rep is not None
    alone = scene.event is None
    text = say("film.best" if side == 1 else "film.again" if alone else "film.rep", n=rep.name)
    _label(panel, text, FAULT if side == 0 and not alone else _GOOD)
    return panel


def _label(panel: Image, text: str, color: Color) -> None:
    size = 26.0
    wide = text_width(text, size, 600)
    panel[:42, : round(wide) + 34] = HALO
    cv2.rectangle(panel, (0, 0), (7, 41), color, -1)
    put_text(panel, text, 18, 30, size, INK, 600)


def _headline(canvas: Image, annotator: Annotator, scene: _Scene) -> None:
    event = scene.event
    if event is None:
        covered = coverage(annotator.analysis.summary.faults)
        text = say("film.nothing" if covered.checked else "film.nothing_checked")
        put_text(canvas, elide(text, WIDTH - 40, 34, 600), 20, 60, 34, INK, 600)
        return
    draw_badge(canvas, (44, 48), event.grade, 24)
    findings = annotator.findings
    title = say(
        "film.found",
        title=findings.title(event.id),
        value=findings.value(event),
        grade=grade_word(event.grade),
    )
    put_text(canvas, elide(title, WIDTH - 100, 34, 600), 84, 46, 34, INK, 600)
    info = annotator.analysis.summary.faults.get(event.id)
    if info is not None and info.reps_checked and event.unit != BY_EYE:
        text = say("film.in_reps", n=info.reps_affected, reps=times(info.reps_checked, "repetition"))
        put_text(canvas, text, 84, 80, 24, INK_SOFT, 400)


@dataclass(frozen=True)
class _Gauge:
    """A value under the pictures: what is good of it, and where both repetitions are now.

    Attributes:
        title, unit: of the value.
        now: for each picture of the scene, the value at the left and at the right, NaN where it is not known.
        good: from where to where it is good; an end that is not known is infinite. None where nothing says.
    """

    title: str
    unit: str
    now: list[tuple[float, float]]
    good: tuple[float, float] | None

    def draw(self, canvas: Image, picture: int) -> None:
        """Draws it under the pictures."""
        left, right, y = 250, WIDTH - 60, 644
        known = [v for pair in self.now for v in pair if np.isfinite(v)]
        known += [level for level in self.good or () if np.isfinite(level)]
        room = 0.12 * (max(known) - min(known)) or 1.0
        low, high = min(known) - room, max(known) + room

        def x(value: float) -> int:
            return round(left + min(max((value - low) / (high - low), 0.0), 1.0) * (right - left))

        for i, line in enumerate(wrap(self.title, left - 50, 22, 600, 2)):
            put_text(canvas, line, 20, y + 2 + 26 * i, 22, INK, 600)
        cv2.rectangle(canvas, (left, y - 9), (right, y + 9), RULE, -1)
        if self.good is not None:
            begin = x(max(self.good[0], low))
            cv2.rectangle(canvas, (begin, y - 9), (x(min(self.good[1], high)), y + 9), _GOOD, -1)
            put_text(canvas, say("film.good"), begin + 8, y + 6, 17, HALO, 700)
            for level in self.good:
                if np.isfinite(level):
                    text = value_text(level, self.unit)
                    put_text(canvas, text, x(level) - text_width(text, 18) / 2, y + 32, 18, INK_SOFT)
        here, there = self.now[picture]
        self._mark(canvas, here, x(here) if np.isfinite(here) else 0, y, above=True)
        self._mark(canvas, there, x(there) if np.isfinite(there) else 0, y, above=False)

    def _mark(self, canvas: Image, value: float, x: int, y: int, *, above: bool) -> None:
        """The value of this repetition above the bar, of the best one below."""
        if not np.isfinite(value):
            return
        color = MEASURED if not above else FAULT if self.good is not None else INK
        tip, back = (y - 10, y - 25) if above else (y + 10, y + 25)
        points = np.array([[x, tip], [x - 10, back], [x + 10, back]], np.int32)
        cv2.fillPoly(canvas, [points], color, cv2.LINE_AA)
        text = say("film.now" if above else "film.now_best", value=value_text(value, self.unit))
        wide = text_width(text, 22, 700)
        start = min(max(x - wide / 2, 240), WIDTH - wide - 12)
        put_text(canvas, text, start, y - 32 if above else y + 58, 22, color, 700)


def _gauge(analysis: Analysis, annotator: Annotator, scene: _Scene) -> _Gauge | None:
    """The gauge of a scene; None where its value was never known in it."""
    if scene.event is not None and scene.event.unit == BY_EYE:
        return None  # what the physio saw was not measured
    findings, table = annotator.findings, analysis.measures
    rule = findings.rule(scene.event) if scene.event is not None else None
    if (phase := _hurried_phase(annotator, scene.event)) is not None and rule is not None:
        whole = findings.phase_s(rule)
        good = None if whole is None else (rule.grades[0] * whole, np.inf)
        spans = [None if rep is None else _span(rep, phase) for rep in (scene.rep, scene.best)]
        now = [tuple(_elapsed(analysis, i, at) for i, at in zip(p, spans, strict=True)) for p in scene.frames]
        return _Gauge(say(f"film.{phase}"), "s", [(a, b) for a, b in now], good)
    known = findings.definition.measures.get(scene.measure)
    value = table.column(scene.measure).astype(np.float64)
    value[table.status[:, table.names.index(scene.measure)] == Status.NOT_MEASURABLE] = np.nan
    seen = [(float(value[i]), np.nan if j is None else float(value[j])) for i, j in scene.frames]
    if known is None or not np.isfinite(seen).any():
        return None
    good = None
    levels = sorted(rule_levels(rule)) if rule is not None else []
    if rule is not None and levels:
        small = rule.kind == "above" or (rule.kind in ("hold", "rest") and rule.sign < 0)
        good = (-np.inf, levels[0]) if small else (levels[0], np.inf)
        if len(levels) == 2:
            good = (levels[0], levels[1])
    reached = scene.rep.peak.get(scene.measure)
    if (
        rule is not None
        and rule.kind == "range"
        and scene.event is not None
        and reached
        and scene.event.value
    ):
        # The value is a share of the target, so the target is known from what was reached.
        good = (rule.grades[0] * reached / scene.event.value, np.inf)
    return _Gauge(short_title(known.title), known.unit, seen, good)


def _elapsed(analysis: Analysis, index: int | None, span: tuple[float, float] | None) -> float:
    """How much of a phase has passed in a frame, seconds."""
    if index is None or span is None:
        return np.nan
    return min(max(float(analysis.track.time_s[index]), span[0]), span[1]) - span[0]


def _title_card(analysis: Analysis, annotator: Annotator) -> Image:
    summary = analysis.summary
    review, live = analysis.review or Review(), summary.live
    recorded = review.recorded or (live.started if live is not None else "")
    canvas = np.full((HEIGHT, WIDTH, 3), PANEL, np.uint8)
    title = exercise_and_side(annotator.findings.definition.title, summary.side)
    put_text(canvas, elide(title, WIDTH - 200, 64, 700), 100, 190, 64, INK, 700)
    if recorded:
        put_text(canvas, moment(recorded)[:10], 100, 246, 30, INK_SOFT, 400)
    _lines(canvas, annotator.findings.verdict(summary), 330, 34, 7)
    return canvas


def _end_card(analysis: Analysis, annotator: Annotator, scenes: list[_Scene]) -> Image:
    canvas = np.full((HEIGHT, WIDTH, 3), PANEL, np.uint8)
    best = next((scene.best for scene in scenes if scene.best is not None), None)
    best = best or (scenes[0].rep if scenes[0].event is None else None)
    y = 150
    if best is not None:
        put_text(canvas, say("film.keep"), 100, y, 44, _GOOD, 700)
        reason = best_reason(best, coverage(analysis.summary.faults))
        y = _lines(
            canvas, [say("film.kept", n=best.name, reason=reason[:1].lower() + reason[1:])], y + 60, 30, 2
        )
    faults = annotator.findings.definition.faults
    cues = [faults[s.event.id].cue for s in scenes if s.event is not None and s.event.id in faults]
    tries = [say("film.try", cue=cue) for cue in dict.fromkeys(cues) if cue]
    _lines(canvas, tries, y + 60, 40, 5, 700)
    put_text(canvas, say("film.end"), 100, HEIGHT - 50, 22, INK_SOFT, 400)
    return canvas


def _lines(canvas: Image, texts: list[str], y: float, size: float, most: int, weight: int = 400) -> int:
    """Texts under one another, each broken where it is too long; returns where the next one would stand."""
    rows = [row for text in texts for row in wrap(text, WIDTH - 200, size, weight, 3)]
    for row in rows[:most]:
        put_text(canvas, row, 100, y, size, INK, weight)
        y += 1.45 * size
    return round(y)
