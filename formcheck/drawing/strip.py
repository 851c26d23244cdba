"""The strip of signal under the picture: phases shaded and hatched, repetitions numbered, faults marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.drawing.lettering import put_text, text_width
from formcheck.drawing.palette import (
    FAULT,
    HALO,
    INK,
    INK_SOFT,
    MEASURED,
    SHIFT,
    UNTRUSTED,
    Color,
    Image,
    bgr,
    fixed_point,
)
from formcheck.drawing.signal import PHASE_TINTS, phase_spans, tint
from formcheck.measures.table import true_runs

_GROUND = "#1a202a"
_PLAIN = bgr(_GROUND)
_FILL = {phase: bgr(tint(phase, _GROUND, 2.0)) for phase in PHASE_TINTS} | {"lost": bgr("#26282d")}
_HATCH = {phase: bgr(tint(phase, _GROUND, 4.0)) for phase, (_, _, hatch) in PHASE_TINTS.items() if hatch}
_HATCH["lost"] = bgr("#3d4047")


@dataclass(frozen=True, eq=False)
class Strip:
    """The primary signal over time, drawn once and then shown with a moving cursor.

    Attributes:
        time_s: ``(N,)`` times.
        value: ``(N,)``; NaN where there is nothing to show (a gap stays a gap).
        trusted: ``(N,)`` bool; an untrusted value is drawn thin, grey and dashed.
        phase: N phase names, keys of ``findings.phase``.
        reps: start, end and name of each repetition.
        faults: start, end and grade of each fault.
        window_s: a longer signal is shown in pages of this length.
    """

    time_s: NDArray[np.float64]
    value: NDArray[np.float64]
    trusted: NDArray[np.bool_]
    phase: Sequence[str]
    reps: Sequence[tuple[float, float, str]] = ()
    faults: Sequence[tuple[float, float, int]] = ()
    window_s: float = 40.0
    _drawn: dict[tuple[int, int, int], Image] = field(default_factory=dict, init=False, repr=False)


def draw_strip(
    canvas: Image, box: tuple[int, int, int, int], strip: Strip, time_s: float, font: float
) -> None:
    """Draw the signal with its cursor into `box` (x, y, width, height) of the canvas."""
    x, y, w, h = box
    if not len(strip.time_s) or w < 8:
        return
    page, start, length = _page(strip, time_s)
    key = (page, w, h)
    if key not in strip._drawn:
        strip._drawn.clear()
        strip._drawn[key] = _draw_page(strip, start, length, w, h, font)
    canvas[y : y + h, x : x + w] = strip._drawn[key]
    cursor = x + min(max(round((time_s - start) / length * (w - 1)), 0), w - 1)
    thick = max(2, round(0.12 * font))
    cv2.line(canvas, (cursor, y), (cursor, y + h - 1), HALO, thick + 2)
    cv2.line(canvas, (cursor, y), (cursor, y + h - 1), INK, thick)
    i = int(np.searchsorted(strip.time_s, time_s - 1e-6))
    if i < len(strip.time_s) and np.isfinite(strip.value[i]):
        low, high = _span(strip)
        dot = (cursor, round(y + _height_of(strip.value[i], low, high, h)))
        color = MEASURED if strip.trusted[i] else UNTRUSTED
        cv2.circle(canvas, dot, thick + 3, HALO, -1, cv2.LINE_AA)
        cv2.circle(canvas, dot, thick + 2, color, -1, cv2.LINE_AA)


def _page(strip: Strip, time_s: float) -> tuple[int, float, float]:
    """Number, first time and length of the page a time falls on."""
    first, last = float(strip.time_s[0]), float(strip.time_s[-1])
    if last - first <= strip.window_s:
        return 0, first, max(last - first, 1e-3)
    page = int((time_s - first) // strip.window_s)
    return page, first + page * strip.window_s, strip.window_s


@lru_cache(maxsize=8)
def _span(strip: Strip) -> tuple[float, float]:
    known = strip.value[np.isfinite(strip.value)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    return (low, high) if high - low > 1e-6 else (low - 0.5, high + 0.5)


def _height_of(value: float, low: float, high: float, h: int) -> float:
    return 0.86 * h - (value - low) / (high - low) * 0.58 * h


def _draw_page(strip: Strip, start: float, length: float, w: int, h: int, font: float) -> Image:
    image = np.empty((h, w, 3), np.uint8)
    image[:] = _PLAIN
    inside = np.flatnonzero((strip.time_s >= start - 1e-9) & (strip.time_s <= start + length + 1e-9))
    if not len(inside):
        return image
    t, value, trusted = strip.time_s[inside], strip.value[inside], strip.trusted[inside]
    xs = (t - start) / length * (w - 1)
    for phase, begin, end in phase_spans(xs, [strip.phase[int(i)] for i in inside]):
        _shade(image, begin, end + 1 if end == xs[-1] else end, str(phase), font)
    low, high = _span(strip)
    points = np.stack([xs, [_height_of(v, low, high, h) for v in value]], axis=1)
    line = max(2, round(0.13 * font))
    _curve(image, points, np.isfinite(value) & trusted, INK, line, dashed=False)
    _curve(image, points, np.isfinite(value) & ~trusted, UNTRUSTED, max(1, line - 1), dashed=True)
    for a, b, grade in strip.faults:
        if b >= start and a <= start + length:
            x0, x1 = round((a - start) / length * (w - 1)), round((b - start) / length * (w - 1))
            for bar in range(grade):
                y = h - 1 - bar * (line + 2)
                cv2.rectangle(image, (x0, y - line + 1), (max(x1, x0 + line), y), FAULT, -1)
    size = 0.8 * font
    for a, b, name in strip.reps:
        if b >= start and a <= start + length:
            x = ((a + b) / 2 - start) / length * (w - 1) - text_width(name, size, 600) / 2
            put_text(image, name, min(max(x, 1), w - size), 0.95 * size, size, INK_SOFT, 600)
    return image


def _shade(image: Image, x0: float, x1: float, phase: str, font: float) -> None:
    """Background of one phase: own tone, and hatched up, down, or not at all."""
    fill = _FILL.get(phase)
    a, b = max(0, math.floor(x0)), min(image.shape[1], math.ceil(x1))
    if fill is None or b <= a:
        return
    area = image[:, a:b]
    area[:] = fill
    hatch = _HATCH.get(phase)
    if hatch is not None:
        step = max(6, round(0.5 * font))
        rows, columns = np.mgrid[0 : area.shape[0], a:b]
        slant = columns + rows if phase == "rise" else columns - rows
        if phase == "lost":
            slant = columns
        area[slant % step == 0] = hatch


def _curve(
    image: Image,
    points: NDArray[np.float64],
    show: NDArray[np.bool_],
    color: Color,
    width: int,
    *,
    dashed: bool,
) -> None:
    """Polylines through the shown points; never across a gap."""
    for shown in true_runs(show):
        run = points[shown] if shown.stop - shown.start > 1 else np.repeat(points[shown], 2, axis=0)
        if dashed:
            part = np.floor(run[:, 0] / (3 * width + 2)).astype(int) % 2 == 0
            pieces = np.split(run, np.flatnonzero(np.diff(part.astype(np.int8))) + 1)
            lines = [fixed_point(p) for p in pieces[0 if part[0] else 1 :: 2] if len(p)]
        else:
            lines = [fixed_point(run)]
        cv2.polylines(image, lines, False, color, width, cv2.LINE_AA, SHIFT)
