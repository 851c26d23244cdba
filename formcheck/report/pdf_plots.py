"""The PDF's plots: one measure over time as vector drawing, gaps as gaps."""

from __future__ import annotations

import itertools

import numpy as np
from reportlab.graphics.shapes import Drawing, Group, Line, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor, white

from formcheck.analysis.analysis import PHASES, Analysis
from formcheck.analysis.phrases import number, pointed
from formcheck.drawing.signal import (
    BADGE,
    CURVE,
    FAULT,
    LOW,
    PHASE_TINTS,
    lanes,
    phase_spans,
    points_to_draw,
    tint,
)
from formcheck.measures.table import Status, true_runs
from formcheck.report.annotate import Annotator
from formcheck.report.pdf_tags import Curve, alone
from formcheck.words import say

_SHADES = {phase: HexColor(tint(phase, "#ffffff")) for phase in PHASE_TINTS}
_AXIS = HexColor("#6b7280")
_INK = HexColor("#1f2937")
_LEFT, _RIGHT, _BOTTOM, _TOP = 34.0, 6.0, 16.0, 4.0
#: Points across one drawing; a longer recording is thinned so that its peaks stay.
_MOST = 700
_STRIP_S = 60.0
_MOST_STRIPS = 8


def strips(analysis: Analysis) -> list[tuple[float, float]]:
    """The recording in pieces that can be read on paper: a minute each, at most eight of equal length."""
    if not len(analysis.track):
        return []
    begin, end = float(analysis.track.time_s[0]), float(analysis.track.time_s[-1])
    count = int(np.clip(np.ceil((end - begin) / _STRIP_S), 1, _MOST_STRIPS))
    edges = np.linspace(begin, end, count + 1).tolist()
    return list(itertools.pairwise(edges))


def plot(
    analysis: Analysis,
    annotator: Annotator,
    measure: str,
    span: tuple[float, float],
    size: tuple[float, float],
    font: str,
) -> Drawing:
    """One measure between two times.

    Args:
        analysis, annotator: what to show.
        measure: its name; one that was measured at all.
        span: from when to when, seconds.
        size: width and height, points.
        font: name of a registered font.
    """
    table = analysis.measures
    column = table.names.index(measure)
    known = (table.status[:, column] != Status.NOT_MEASURABLE) & np.isfinite(table.value[:, column])
    ok = known & (table.status[:, column] == Status.OK)
    value = table.value[:, column]
    low, high = (float(v) for v in (value[known].min(), value[known].max()))
    pad = 0.08 * (high - low) or 0.5
    low, high = low - 2 * pad, high + pad
    width, height = size
    begin, end = span
    drawing = Curve(width, height)
    known_as = analysis.definition.measures.get(measure)
    drawing.is_a(
        alone("Figure"),
        say(
            "report.curve_alt",
            title=known_as.title if known_as else measure,
            begin=pointed(f"{begin:.0f}"),
            end=pointed(f"{end:.0f}"),
        ),
    )

    def x(time_s: float) -> float:
        return _LEFT + (time_s - begin) / max(end - begin, 1e-6) * (width - _LEFT - _RIGHT)

    def y(v: float) -> float:
        return _BOTTOM + (v - low) / (high - low) * (height - _BOTTOM - _TOP)

    inside = (analysis.track.time_s >= begin) & (analysis.track.time_s <= end)
    for phase, start_s, end_s in phase_spans(analysis.track.time_s[inside], analysis.phase[inside]):
        if (shade := _SHADES.get(PHASES[int(phase)])) is not None:
            across = max(x(end_s) - x(start_s), 0.4)
            tall = height - _BOTTOM - _TOP
            drawing.add(Rect(x(start_s), _BOTTOM, across, tall, fillColor=shade, strokeColor=None))
    unit = analysis.definition.measures[measure].unit if measure in analysis.definition.measures else ""
    _axes(drawing, (width, height), span, (low, high), unit, x, y, font)
    for mask, colour, dash in ((known & ~ok, LOW, [1.5, 2]), (ok, CURVE, None)):
        for run in true_runs(mask & inside):
            at = run.start + points_to_draw([value[run]], _MOST)
            points = [p for i in at for p in (x(float(analysis.track.time_s[i])), y(float(value[i])))]
            drawing.add(PolyLine(points, strokeColor=HexColor(colour), strokeWidth=1.1, strokeDashArray=dash))
    _faults(drawing, annotator, measure, span, x, font)
    return drawing


def _axes(drawing, size, span, limits, unit, x, y, font) -> None:  # type: ignore[no-untyped-def]
    width, height = size
    drawing.add(Line(_LEFT, _BOTTOM, width - _RIGHT, _BOTTOM, strokeColor=_AXIS, strokeWidth=0.5))
    drawing.add(Line(_LEFT, _BOTTOM, _LEFT, height - _TOP, strokeColor=_AXIS, strokeWidth=0.5))
    for tick in _ticks(limits, 4):
        drawing.add(Line(_LEFT - 2, y(tick), _LEFT, y(tick), strokeColor=_AXIS, strokeWidth=0.5))
        text = number(tick, unit)[0] if unit in ("deg", "s") else pointed(f"{tick:g}").replace("-", "−")
        drawing.add(
            String(
                _LEFT - 4, y(tick) - 2.3, text, fontName=font, fontSize=6.5, fillColor=_INK, textAnchor="end"
            )
        )
    for tick in _ticks(span, 10):
        drawing.add(Line(x(tick), _BOTTOM - 2, x(tick), _BOTTOM, strokeColor=_AXIS, strokeWidth=0.5))
        drawing.add(
            String(
                x(tick),
                5,
                pointed(f"{tick:g} s"),
                fontName=font,
                fontSize=6.5,
                fillColor=_INK,
                textAnchor="middle",
            )
        )


def _faults(drawing, annotator, measure, span, x, font) -> None:  # type: ignore[no-untyped-def]
    """A bar with the grade for each fault in this measure; for the counting measure, of all."""
    shown = [
        (x(max(event.start_s, span[0])), x(min(event.end_s, span[1])), event.grade)
        for _, event in sorted(annotator.shown_in(measure), key=lambda item: item[1].start_s)
        if event.end_s >= span[0] and event.start_s <= span[1]
    ]
    in_lane = lanes((min(a, (a + b) / 2 - 5), max(b, (a + b) / 2 + 5)) for a, b, _ in shown)
    for (a, b, grade), lane in zip(shown, in_lane, strict=True):
        middle, level = (a + b) / 2, _BOTTOM + 5 + 8 * (lane % 4)
        mark = Group()
        mark.add(Line(a, level, b, level, strokeColor=HexColor(FAULT), strokeWidth=1.5 + grade))
        mark.add(
            Rect(middle - 3.6, level - 3.6, 7.2, 7.2, fillColor=HexColor(BADGE), strokeColor=white,
                 strokeWidth=0.5)
        )  # fmt: skip
        mark.add(
            String(middle, level - 2.2, str(grade), fontName=font, fontSize=6, fillColor=white,
                   textAnchor="middle")
        )  # fmt: skip
        drawing.add(mark)


def _ticks(limits: tuple[float, float], most: int) -> list[float]:
    """Round numbers between two limits, at most about `most`."""
    low, high = limits
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-9)))
    for size in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0):
        if (high - low) / (step * size) <= most:
            step *= size
            break
    first = np.ceil(low / step)  # + 0.0 below: no tick is called -0
    return [round(float(k * step), 6) + 0.0 for k in np.arange(first, np.floor(high / step) + 1)]


def key_shades() -> dict[str, Color]:
    """The shade of each phase, for the key."""
    return dict(_SHADES)
