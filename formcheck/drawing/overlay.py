"""Draws what was measured over the picture: skeleton, repetition count, phase, signal strip and faults.

Drawing only: everything shown is handed over in an `OverlayState`; nothing is computed from it. The
picture itself stays free for the body: words and the signal go on a panel added below it. No meaning is
carried by colour alone: phases are named and hatched, grades are numbered, and what cannot be trusted is
dashed as well as grey.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.drawing.lettering import elide, put_text, text_width, wrap
from formcheck.drawing.palette import (
    FAULT,
    HALO,
    INK,
    INK_SOFT,
    MEASURED,
    PANEL,
    RULE,
    SHIFT,
    TRUSTED,
    UNTRUSTED,
    Color,
    Image,
    fixed_point,
)
from formcheck.drawing.strip import Strip, draw_strip
from formcheck.pose.landmarks import LANDMARK_COUNT, SKELETON
from formcheck.words import said_of, say, spoken, words_of


@dataclass(frozen=True)
class JointAngle:
    """A measured angle to be drawn at its joint.

    Attributes:
        at: the landmarks that it lies between, the joint in the middle.
        bent: it is how far the joint is bent, and not the angle between the limbs.
        text: the angle in words, e.g. ``131°``.
    """

    at: tuple[int, int, int]
    bent: bool
    text: str


@dataclass(frozen=True)
class OverlayState:
    """Everything one frame shows.

    Attributes:
        time_s: the frame's time.
        xy: ``(33, 2)`` landmarks in pixels of the picture, or None when nobody is seen.
        trusted: ``(33,)`` bool: may this landmark be believed? Drawn grey and dashed where not.
        measured: landmarks the shown value is measured from.
        phase: a key of ``findings.phase``.
        rep: name of the repetition under way, or of the last one; 0 before the first.
        rep_total: how many count in all; None while it is not known (live).
        rep_note: a word about this repetition, e.g. "partial".
        value_title: name of the value shown, e.g. "Pelvic height".
        value_text: the value; "–" when it cannot be measured now.
        value_unit: its unit, shown smaller; "" where the value carries it (as in 37°).
        strip: the signal.
        faults: what is seen to go wrong now.
        unseen: names of what cannot be checked from here.
        reached: share of the target reached now, for the bar; None for no bar.
        cue: one line to the patient, or None.
        message: one line over the picture, e.g. why nothing is drawn; None for none.
        angle: of a joint, drawn as an arc; None for none.
    """

    time_s: float
    xy: NDArray[np.floating] | None
    trusted: NDArray[np.bool_]
    measured: frozenset[int] = frozenset()
    phase: str = "none"
    rep: str = "0"
    rep_total: int | None = None
    rep_note: str = ""
    value_title: str = ""
    value_text: str = ""
    value_unit: str = ""
    strip: Strip | None = None
    faults: tuple[FaultMark, ...] = ()
    unseen: tuple[str, ...] = ()
    reached: float | None = None
    cue: str | None = None
    message: str | None = None
    angle: JointAngle | None = None


@dataclass(frozen=True)
class _Layout:
    width: int
    height: int  # of the whole canvas
    picture: int  # height of the picture
    font: float
    pad: int
    row: int  # y of the first row's top
    strip: tuple[int, int, int, int]  # x, y, w, h
    notes: int  # y of the fault lines' top
    note_lines: int
    small: int  # y of the unseen text's top
    small_lines: int


@lru_cache(maxsize=32)
def _layout(width: int, height: int) -> _Layout:
    font = min(max(6 + 0.021 * min(width, height), 11.0), 36.0)
    pad = round(0.75 * font)
    narrow = width < 38 * font
    row = height + round(0.6 * font)
    strip_y = row + round(2.9 * font)
    strip_h = round(3.4 * font)
    notes = strip_y + strip_h + round(0.55 * font)
    note_lines = 2 if narrow else 1
    small = notes + round(note_lines * 1.65 * font) + round(0.15 * font)
    small_lines = 2 if narrow else 1
    bottom = small + round(small_lines * 1.2 * font) + round(0.5 * font)
    return _Layout(
        width + width % 2, bottom + bottom % 2, height, font, pad, row,
        (pad, strip_y, width - 2 * pad, strip_h), notes, note_lines, small, small_lines,
    )  # fmt: skip


def canvas_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the picture with its panel (both even, as video codecs want)."""
    layout = _layout(width, height)
    return layout.width, layout.height


def draw_overlay(image_bgr: Image, state: OverlayState) -> Image:
    """The picture with skeleton and marks, on a taller canvas with the panel below.

    Args:
        image_bgr: ``(height, width, 3)`` uint8; not changed.
        state: what to show.

    Returns:
        ``(canvas height, canvas width, 3)`` uint8, see `canvas_size`.
    """
    height, width = image_bgr.shape[:2]
    layout = _layout(width, height)
    canvas = np.empty((layout.height, layout.width, 3), np.uint8)
    canvas[:height, :width] = image_bgr
    canvas[:height, width:] = PANEL
    canvas[height:] = PANEL
    draw_body(canvas[:height, :width], state)
    _headline(canvas, layout, state)
    if state.strip is not None:
        draw_strip(canvas, layout.strip, state.strip, state.time_s, layout.font)
    _notes(canvas, layout, state)
    return canvas


def draw_body(image_bgr: Image, state: OverlayState, bold: float = 1.0) -> None:
    """Skeleton, fault rings and message, drawn into the picture itself (no panel).

    `bold` makes lines and rings this much heavier, to be seen from further away.
    """
    height, width = image_bgr.shape[:2]
    font = bold * _layout(width, height).font
    if state.xy is not None:
        _skeleton(image_bgr, np.asarray(state.xy, np.float64), state, bold)
        _rings(image_bgr, np.asarray(state.xy, np.float64), state, font)
        if state.angle is not None:
            _angle(image_bgr, np.asarray(state.xy, np.float64), state.angle, font)
    if state.message:
        _banner(image_bgr, state.message, font)


def _skeleton(image: Image, xy: NDArray[np.float64], state: OverlayState, bold: float) -> None:
    thick = max(3, round(bold * min(image.shape[:2]) * 0.0065))
    drawable = np.asarray(np.isfinite(xy).all(axis=1))
    fixed = fixed_point(xy)
    bones: dict[str, list[NDArray[np.int32]]] = {"measured": [], "trusted": [], "untrusted": []}
    for a, b in SKELETON:
        if not (drawable[a] and drawable[b]):
            continue
        if not (state.trusted[a] and state.trusted[b]):
            bones["untrusted"].extend(_dashes(xy[a], xy[b], 3.2 * thick))
        elif a in state.measured and b in state.measured:
            bones["measured"].append(fixed[[a, b]])
        else:
            bones["trusted"].append(fixed[[a, b]])
    thin = max(2, round(0.6 * thick))
    for kind, color, width in (
        ("untrusted", UNTRUSTED, thin),
        ("trusted", TRUSTED, thin + 1),
        ("measured", MEASURED, thick + 1),
    ):
        if bones[kind]:
            cv2.polylines(image, bones[kind], False, HALO, width + 2, cv2.LINE_AA, SHIFT)
            cv2.polylines(image, bones[kind], False, color, width, cv2.LINE_AA, SHIFT)
    for point in _JOINTS:
        if not drawable[point]:
            continue
        centre = (int(fixed[point, 0]), int(fixed[point, 1]))
        if not state.trusted[point]:
            _disc(image, centre, 1.1 * thick, HALO, UNTRUSTED, thin)
        elif point in state.measured:
            _disc(image, centre, 1.9 * thick, INK, MEASURED, -1)
        else:
            _disc(image, centre, 1.2 * thick, HALO, TRUSTED, -1)


_JOINTS = sorted({int(point) for bone in SKELETON for point in bone})


def _disc(image: Image, centre: tuple[int, int], radius: float, edge: Color, fill: Color, line: int) -> None:
    """A joint: filled with an edge, or (`line` > 0) only a ring of that width."""
    r = int(radius * (1 << SHIFT))
    if line < 0:
        cv2.circle(image, centre, r + (1 << SHIFT), edge, -1, cv2.LINE_AA, SHIFT)
        cv2.circle(image, centre, r, fill, -1, cv2.LINE_AA, SHIFT)
    else:
        cv2.circle(image, centre, r, edge, line + 2, cv2.LINE_AA, SHIFT)
        cv2.circle(image, centre, r, fill, line, cv2.LINE_AA, SHIFT)


def _dashes(a: NDArray[np.float64], b: NDArray[np.float64], dash: float) -> list[NDArray[np.int32]]:
    length = float(np.hypot(*(b - a)))
    count = min(max(1, round(length / (2 * dash))), 60)
    starts = (np.arange(count) * 2 + 0.5) / (2 * count)
    ends = starts + 1 / (2 * count)
    return [
        fixed_point(np.stack([a + (b - a) * s, a + (b - a) * e])) for s, e in zip(starts, ends, strict=True)
    ]


def _angle(image: Image, xy: NDArray[np.float64], angle: JointAngle, font: float) -> None:
    """The arc of a joint's angle with its number; from the straight line where it is how far it is bent."""
    first, joint, last = (xy[point] for point in angle.at)
    if not np.isfinite([first, joint, last]).all():
        return
    start, end = (math.degrees(math.atan2(*(p - joint)[::-1])) for p in (first, last))
    start += 180.0 if angle.bent else 0.0
    turn = (end - start + 180.0) % 360.0 - 180.0
    radius = max(0.42 * min(np.hypot(*(first - joint)), np.hypot(*(last - joint))), 2.0 * font)
    line = max(2, round(0.13 * font))
    centre, axes = (round(float(joint[0])), round(float(joint[1]))), (round(radius), round(radius))
    for color, width in ((HALO, line + 2), (INK, line)):
        cv2.ellipse(image, centre, axes, 0.0, start, start + turn, color, width, cv2.LINE_AA)
    middle, size = math.radians(start + turn / 2), 1.35 * font
    x = float(joint[0]) + (radius + font) * math.cos(middle)
    y = float(joint[1]) + (radius + font) * math.sin(middle)
    wide = text_width(angle.text, size, 700)
    left = min(max(x - wide / 2, 2.0), image.shape[1] - wide - 2.0)
    for dx, dy in ((-2, 0), (2, 0), (0, -2), (0, 2)):
        put_text(image, angle.text, left + dx, y + 0.36 * size + dy, size, HALO, 700)
    put_text(image, angle.text, left, y + 0.36 * size, size, INK, 700)


def _rings(image: Image, xy: NDArray[np.float64], state: OverlayState, font: float) -> None:
    """A ring for each fault at its body part: as many circles as its grade, and the grade as a number."""
    worst: dict[tuple[int, ...], FaultMark] = {}
    for mark in state.faults:
        if mark.at and (mark.at not in worst or worst[mark.at].grade < mark.grade):
            worst[mark.at] = mark
    height, width = image.shape[:2]
    line = max(2, round(0.13 * font))
    for mark in worst.values():
        points = xy[[p for p in mark.at if 0 <= p < LANDMARK_COUNT]]
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            continue
        middle = points.mean(axis=0)
        spread = float(np.hypot(*(points - middle).T).max())
        radius = max(1.5 * font, spread + 0.9 * font)
        centre = (int(np.clip(middle[0], 0, width - 1)), int(np.clip(middle[1], 0, height - 1)))
        for circle in range(mark.grade):
            r = round(radius + circle * 2.4 * line)
            cv2.circle(image, centre, r, HALO, line + 2, cv2.LINE_AA)
            cv2.circle(image, centre, r, FAULT, line, cv2.LINE_AA)
        outer = radius + (mark.grade - 1) * 2.4 * line
        badge = 0.85 * font
        bx = min(max(middle[0] + 0.72 * outer, badge), width - badge)
        by = min(max(middle[1] - 0.72 * outer, badge), height - badge)
        draw_badge(image, (bx, by), mark.grade, badge)


def draw_badge(image: Image, centre: tuple[float, float], grade: int, radius: float) -> None:
    """The grade as a dark number on a filled disc."""
    at = (round(centre[0]), round(centre[1]))
    cv2.circle(image, at, round(radius) + 1, HALO, -1, cv2.LINE_AA)
    cv2.circle(image, at, round(radius), FAULT, -1, cv2.LINE_AA)
    size, digit = 1.3 * radius, str(grade)
    put_text(image, digit, at[0] - text_width(digit, size, 700) / 2, at[1] + 0.36 * size, size, HALO, 700)


def _banner(image: Image, message: str, font: float) -> None:
    """A dark translucent band across the picture with one line of text."""
    height, width = image.shape[:2]
    size = 1.15 * font
    lines = wrap(message, width - 3 * font, size, 600, 2)
    band = round((0.9 + 1.35 * len(lines)) * size)
    top = max(0, round(0.06 * height))
    area = image[top : top + band]
    cv2.addWeighted(area, 0.22, np.full_like(area, HALO), 0.78, 0, dst=area)
    for i, text in enumerate(lines):
        x = (width - text_width(text, size, 600)) / 2
        put_text(image, text, x, top + (1.35 * (i + 1)) * size, size, INK, 600)


def _headline(canvas: Image, at: _Layout, state: OverlayState) -> None:
    """Repetition number large, phase in words, the value on the right."""
    f = at.font
    x = float(at.pad)
    put_text(canvas, state.rep, x, at.row + 2.15 * f, 2.9 * f, INK, 700)
    x += text_width(state.rep, 2.9 * f, 700) + 0.7 * f

    right = at.width - at.pad
    title = elide(state.value_title, 0.42 * at.width, 0.85 * f, 400)
    unit = f" {state.value_unit}" if state.value_unit else ""
    unit_width, value_width = text_width(unit, f, 400), text_width(state.value_text, 1.7 * f, 600)
    taken = max(value_width + unit_width, text_width(title, 0.85 * f, 400))
    put_text(
        canvas, title, right - text_width(title, 0.85 * f, 400), at.row + 0.75 * f, 0.85 * f, INK_SOFT, 400
    )
    put_text(canvas, state.value_text, right - unit_width - value_width, at.row + 2.35 * f, 1.7 * f, INK, 600)
    put_text(canvas, unit, right - unit_width, at.row + 2.35 * f, f, INK_SOFT, 400)
    if state.reached is not None:
        _bar(canvas, right - taken - 8.5 * f, at.row + 1.35 * f, 7.5 * f, 0.9 * f, state.reached)
        taken += 9 * f

    room = right - taken - f - x
    seen = state.xy is not None
    words = said_of("findings.phase.")
    word = words.get(state.phase, state.phase) if seen else say("report.nobody_in_view")
    draw_phase_icon(canvas, state.phase if seen else "lost", x + 0.45 * f, at.row + 0.6 * f, f)
    put_text(canvas, elide(word, room - 1.3 * f, 1.25 * f, 600), x + 1.3 * f, at.row + f, 1.25 * f, INK, 600)
    of = say("report.reps")
    if state.rep_total is not None:
        of = say("report.of_one" if state.rep_total == 1 else "report.of_many", n=state.rep_total)
    if state.rep_total == 0:
        of = say("report.no_reps_found")
    details = "  ·  ".join(part for part in (of, clock(state.time_s), state.rep_note) if part)
    put_text(canvas, elide(details, room, 0.85 * f, 400), x, at.row + 2.3 * f, 0.85 * f, INK_SOFT, 400)


def draw_phase_icon(
    canvas: Image, phase: str, x: float, y: float, f: float, color: Color = MEASURED, quiet: Color = INK_SOFT
) -> None:
    """Up for lifting, a bar for holding, down for lowering, a line for resting, a hollow circle else."""
    r = 0.42 * f
    if phase in ("rise", "lower"):
        sign = 1 if phase == "rise" else -1
        corners = [[x, y - sign * r], [x + 1.1 * r, y + sign * r], [x - 1.1 * r, y + sign * r]]
        cv2.fillPoly(canvas, [fixed_point(np.array(corners))], color, cv2.LINE_AA, SHIFT)
    elif phase == "hold":
        corners = [[x - r, y - r], [x + r, y - r], [x + r, y + r], [x - r, y + r]]
        cv2.fillPoly(canvas, [fixed_point(np.array(corners))], color, cv2.LINE_AA, SHIFT)
    elif phase == "rest":
        line = fixed_point(np.array([[x - r, y], [x + r, y]]))
        cv2.polylines(canvas, [line], False, quiet, max(2, round(0.18 * f)), cv2.LINE_AA, SHIFT)
    else:
        cv2.circle(canvas, (round(x), round(y)), round(0.8 * r), quiet, max(1, round(0.12 * f)), cv2.LINE_AA)


def _bar(canvas: Image, x: float, y: float, width: float, height: float, share: float) -> None:
    """How far of the target: a bar with the target as a tick at five sixths."""
    x0, y0, x1, y1 = round(x), round(y), round(x + width), round(y + height)
    cv2.rectangle(canvas, (x0, y0), (x1, y1), RULE, -1)
    end = x0 + round((x1 - x0) * min(max(share, 0.0), 1.2) / 1.2)
    if end > x0:
        cv2.rectangle(canvas, (x0, y0), (end, y1), MEASURED, -1)
    tick = x0 + round((x1 - x0) / 1.2)
    cv2.line(canvas, (tick, y0 - 3), (tick, y1 + 3), INK, 2)


def _notes(canvas: Image, at: _Layout, state: OverlayState) -> None:
    """The cue, the faults seen now, and what cannot be checked from here."""
    f = at.font
    room = at.width - 2 * at.pad
    y = at.notes + 1.15 * f
    if state.cue:
        put_text(canvas, elide(state.cue, room, 1.25 * f, 600), at.pad, y, 1.25 * f, INK, 600)
    else:
        marks = sorted(state.faults, key=lambda mark: -mark.grade)
        half = room / 2 - 4 * f - (5 * f if len(marks) > 2 else 0)
        fit = all(text_width(f"{m.title}  ·  {m.value}", f, 600) <= half for m in marks[:2])
        slots = 2 if at.note_lines == 1 and len(marks) > 1 and fit else 1
        shown = slots * at.note_lines
        for i, mark in enumerate(marks[:shown]):
            width = room / slots
            more = ""
            if i == shown - 1 and len(marks) > shown:
                more = f"  +{say('format.more', n=len(marks) - shown)}"
            x = at.pad + (i % slots) * width
            _fault_line(canvas, mark, more, x, y + (i // slots) * 1.65 * f, width - f * (slots - 1), f)
    if state.unseen:
        size = 0.85 * f
        for i, text in enumerate(_unseen(state.unseen, room, size, at.small_lines, spoken())):
            put_text(canvas, text, at.pad, at.small + (0.95 + 1.2 * i) * f, size, INK_SOFT, 400)


@lru_cache(maxsize=8)  # the same in every frame of a video
def _unseen(names: tuple[str, ...], room: float, size: float, most: int, language: str) -> tuple[str, ...]:
    """Lines that name as many of them as there is room for, and how many more there are."""
    words = words_of(language)
    for shown in range(len(names), 0, -1):
        rest = words("format.more", n=len(names) - shown)
        more = f" {words('format.and')} {rest}" if shown < len(names) else ""
        text = words("page.unseen", faults=f"{', '.join(names[:shown])}{more}")
        lines = wrap(text, room, size, 400, most + 1)
        if len(lines) <= most:
            return lines
    return wrap(words("page.unseen", faults=", ".join(names)), room, size, 400, most)


def _fault_line(
    canvas: Image, mark: FaultMark, more: str, x: float, y: float, width: float, f: float
) -> None:
    """Grade, title and value; the grade's word goes first where room is short (the number stays)."""
    draw_badge(canvas, (x + 0.75 * f, y - 0.38 * f), mark.grade, 0.72 * f)
    value, word = (f"  ·  {part}" if part else "" for part in (mark.value, mark.word))
    room = width - 2 * f
    needed = text_width(mark.title, f, 600)
    tails = (value + word + more, value + more, more)
    tail = next((tail for tail in tails if needed + text_width(tail, f, 400) <= room), value + more)
    title = elide(mark.title, max(room - text_width(tail, f, 400), 4 * f), f, 600)
    put_text(canvas, title, x + 2 * f, y, f, FAULT, 600)
    start = x + 2 * f + text_width(title, f, 600)
    put_text(canvas, elide(tail, x + width - start, f, 400), start, y, f, INK, 400)


def clock(time_s: float) -> str:
    """Minutes, seconds and the nearest tenth, as ``1:05.2``."""
    tenths = max(0, math.floor(time_s * 10 + 0.5))
    return f"{tenths // 600}:{tenths // 10 % 60:02d}{say('format.point')}{tenths % 10}"


@dataclass(frozen=True)
class FaultMark:
    """A fault that is happening now.

    Attributes:
        title: what is seen, in words.
        grade: 1 mild, 2 moderate, 3 marked.
        value: the number with its unit, or "".
        at: the body part to ring: the middle of these landmarks.
        word: the grade in words, or "".
    """

    title: str
    grade: int
    value: str = ""
    at: tuple[int, ...] = ()
    word: str = ""


@dataclass(frozen=True)
class Body:
    """The skeleton over the camera's picture; coordinates are of the unmirrored frame.

    Attributes:
        xy: ``(33, 2)`` pixels, or None when nobody is seen.
        trusted: ``(33,)`` bool.
        measured: landmarks the primary measure is made of.
        marks: faults under way, to be marked by shape as well as colour.
    """

    xy: NDArray[np.floating] | None
    trusted: NDArray[np.bool_]
    measured: frozenset[int] = frozenset()
    marks: tuple[FaultMark, ...] = ()
