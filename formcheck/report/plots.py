"""The report's plots as plotly figures (plain data; the browser draws them)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.analysis import PHASES, Analysis
from formcheck.analysis.findings import Threshold, grade_word
from formcheck.analysis.phrases import in_lines, number, percent, told_unit, unit_after
from formcheck.drawing.overlay import clock
from formcheck.drawing.signal import (
    BADGE,
    CURVE,
    FAULT,
    LOW,
    PHASE_TINTS,
    THRESHOLD,
    lanes,
    phase_spans,
    points_to_draw,
)
from formcheck.measures.places import PLACES
from formcheck.measures.table import Status
from formcheck.report.annotate import Annotator
from formcheck.words import said_of, say

MOST_MARKS = 40  # grades in view at once: more would hide the curve
MOST_POINTS = 6000  # per curve; a longer recording is thinned so that its peaks stay

_TITLE_LETTERS = 20  # of a threshold's name, a line
_LANES = 6
_SYMBOLS = {1: "circle", 2: "diamond", 3: "square"}


@dataclass(frozen=True)
class Plot:
    """One figure.

    Attributes:
        name: measure name, used as the element's id.
        title: heading, with the unit.
        text: what the plot shows, in words, for those who cannot see it.
        primary: True for the measure that counts repetitions.
        figure: plotly ``data`` and ``layout``, without what all figures share (see `Shared`).
    """

    name: str
    title: str
    text: str
    primary: bool
    figure: dict[str, Any]


@dataclass(frozen=True)
class Shared:
    """What all figures of a report have in common: a figure says ``"@t"`` and ``"@words"`` for the first two.

    Attributes:
        t: times of the N points drawn, seconds.
        words: phase of each, as a word.
        phases: traces under every figure's own: the shaded, hatched areas of the phases.
    """

    t: list[float]
    words: list[str]
    phases: list[dict[str, Any]]


def build_plots(analysis: Analysis, annotator: Annotator) -> tuple[Shared, Iterator[Plot]]:
    """One plot for each measure that could be measured at all and says how the exercise is done, the primary
    first, and what they share."""
    table = analysis.measures
    names = [n for n in table.names if n != analysis.primary and n not in PLACES]
    shown = [n for n in (analysis.primary, *names) if _known(analysis, n).any()]
    keep = points_to_draw([table.column(n) for n in shown], MOST_POINTS)
    phases = said_of("findings.phase.")
    shared = Shared(
        [round(float(v), 3) for v in table.time_s[keep]],
        [phases[PHASES[i]] for i in analysis.phase[keep]],
        _phase_traces(analysis),
    )
    # one right margin for all, so that the times stand below each other
    margin = 112 if any(_thresholds(analysis, annotator, name) for name in shown) else 20
    return shared, (_plot(analysis, annotator, n, keep, margin) for n in shown)


def _known(analysis: Analysis, name: str) -> NDArray[np.bool_]:
    table = analysis.measures
    status = table.status[:, table.names.index(name)]
    return np.asarray((status != Status.NOT_MEASURABLE) & np.isfinite(table.column(name)), bool)


def _plot(analysis: Analysis, annotator: Annotator, name: str, keep: NDArray[np.intp], right_px: int) -> Plot:
    table = analysis.measures
    definition = annotator.findings.definition.measures.get(name)
    unit = definition.unit if definition else ""
    title = definition.title if definition else name
    known = _known(analysis, name)
    ok = known & table.ok(name)
    value = table.column(name)
    primary = name == analysis.primary
    thresholds = _thresholds(analysis, annotator, name)
    low, high = float(value[known].min()), float(value[known].max())
    firsts = [threshold.level for threshold in thresholds if threshold.grade == 1]
    bottom, top = min([low, *firsts]), max([high, *firsts])
    margin = 0.06 * (top - bottom) or 0.5
    bottom, top = bottom - 1.6 * margin, top + margin
    shown_unit = "°" if unit == "deg" else f" {told_unit(unit)}".rstrip()
    hover = f"%{{y:.{0 if unit == 'deg' else 2}f}}{shown_unit}  %{{customdata}}"
    ends = [round(float(table.time_s[0]), 3), round(float(table.time_s[-1]), 3)]
    lines, notes = _threshold_lines(thresholds, bottom, top, ends)
    data = lines
    for mask, color, dash, width, label in (
        (known & ~ok, LOW, "dot", 1.5, "uncertain"),
        (ok, CURVE, "solid", 2.2, "measured"),
    ):
        if mask.any():
            curve = np.where(mask[keep], value[keep], np.nan)
            note = f" ({say('report.uncertain')})" if label == "uncertain" else ""
            data.append(
                {
                    "type": "scatter", "mode": "lines", "name": label, "x": "@t",
                    "y": [None if np.isnan(v) else round(float(v), 1 if unit == "deg" else 3) for v in curve],
                    "connectgaps": False, "line": {"color": color, "dash": dash, "width": width},
                    "showlegend": False, "hovertemplate": f"{hover}{note}<extra></extra>",
                    "customdata": "@words",
                }
            )  # fmt: skip
    data.extend(_fault_traces(analysis, annotator, name))
    layout = {
        "height": 290 if primary else 210,
        "margin": {"l": 58, "r": right_px, "t": 8, "b": 36},
        "hovermode": "x", "dragmode": "zoom", "showlegend": False,
        "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 12},
        "xaxis": {"range": ends, "title": {"text": say("report.time_axis")},
                  "zeroline": False, "ticks": "outside", "ticklen": 4},
        "yaxis": {"range": [bottom, top], "zeroline": False, "nticks": 6,
                  "ticksuffix": "°" if unit == "deg" else "", "fixedrange": False},
        "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        "annotations": notes,
        "separators": ",." if say("format.point") == "," else ".,",
    }  # fmt: skip
    words = _in_words(analysis, name, known, ok)
    return Plot(name, unit_after(title, unit), words, primary, {"data": data, "layout": layout})


def _phase_traces(analysis: Analysis) -> list[dict[str, Any]]:
    """Shaded, hatched areas for the phases of all repetitions."""
    spans = [(PHASES[int(p)], a, b) for p, a, b in phase_spans(analysis.track.time_s, analysis.phase)]
    out = []
    for phase, (colour, share, hatch) in PHASE_TINTS.items():
        fill = f"rgba({','.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))},{share})"
        x: list[float | None] = []
        y: list[float | None] = []
        for name, start_s, end_s in spans:
            if name == phase:
                t0, t1 = round(start_s, 3), round(end_s, 3)
                x += [t0, t0, t1, t1, None]
                y += [0, 1, 1, 0, None]
        if x:
            pattern = {"shape": hatch, "fgcolor": "rgba(90,100,120,0.38)", "bgcolor": fill, "size": 9}
            out.append(
                {
                    "type": "scatter", "mode": "none", "x": x, "y": y, "yaxis": "y2", "fill": "toself",
                    "hoverinfo": "skip", "showlegend": False, "fillcolor": fill,
                    "name": say(f"findings.phase.{phase}"),
                    **({"fillpattern": {**pattern, "solidity": 0.15}} if hatch else {}),
                }
            )  # fmt: skip
    return out


def _fault_traces(analysis: Analysis, annotator: Annotator, name: str) -> list[dict[str, Any]]:
    """A bar near the bottom for each fault in this measure (the primary: all), with its grade.

    All bars of a grade are one trace, and all their marks another: an hour's faults as traces of their own
    would keep a browser busy for minutes.
    """
    time_s = analysis.track.time_s
    least_apart_s = 0.03 * float(time_s[-1] - time_s[0])  # about a marker's width
    shown = sorted(annotator.shown_in(name), key=lambda item: item[1].start_s)
    in_lane = lanes((e.start_s, max(e.end_s, e.start_s + least_apart_s)) for _, e in shown)
    bars: dict[int, tuple[list[float | None], list[float | None]]] = {}
    marks: dict[int, tuple[list[float], list[float], list[str]]] = {}
    for (rep, event), lane in zip(shown, in_lane, strict=True):
        y = 0.05 + 0.09 * (lane % _LANES)
        text = (
            f"{say('report.rep', n=rep.name)}: {annotator.findings.title(event.id)}, "
            f"{annotator.findings.value(event)}, "
            f"{grade_word(event.grade)}, {clock(event.start_s)}–{clock(event.end_s)}"
        )
        bar = bars.setdefault(event.grade, ([], []))
        bar[0].extend((round(event.start_s, 3), round(event.end_s, 3), None))
        bar[1].extend((y, y, None))
        mark = marks.setdefault(event.grade, ([], [], []))
        mark[0].append(round((event.start_s + event.end_s) / 2, 3))
        mark[1].append(y)
        mark[2].append(text)
    lines: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines", "yaxis": "y2", "hoverinfo": "skip", "showlegend": False,
            "x": x, "y": ys, "line": {"color": FAULT, "width": 3 + 2 * grade},
        }
        for grade, (x, ys) in sorted(bars.items())
    ]  # fmt: skip
    return lines + [
        {
            "type": "scatter", "mode": "markers+text", "yaxis": "y2", "showlegend": False, "x": x, "y": ys,
            "text": [f"<b>{grade}</b>"] * len(x), "textfont": {"color": "#ffffff", "size": 11},
            "hovertext": texts, "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {"color": BADGE, "size": 17, "symbol": _SYMBOLS[grade]},
        }
        for grade, (x, ys, texts) in sorted(marks.items())
    ]  # fmt: skip


def _thresholds(analysis: Analysis, annotator: Annotator, measure: str) -> list[Threshold]:
    """Thresholds that are a fixed value of this measure, of the faults that were checked."""
    return annotator.findings.thresholds(measure, analysis.summary.faults)


def _threshold_lines(
    thresholds: list[Threshold], bottom: float, top: float, ends: list[float]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Dashed lines, named at the right, where the mild grade begins; dotted ones for the others."""
    lines: list[dict[str, Any]] = []
    named: dict[float, str] = {}
    for threshold in thresholds:
        level, title = threshold.level, threshold.title
        if not bottom <= level <= top:
            continue
        style = {"width": 1.4, "dash": "dash"} if threshold.grade == 1 else {"width": 0.9, "dash": "dot"}
        lines.append(
            {
                "type": "scatter", "mode": "lines", "x": ends, "y": [level, level], "hoverinfo": "skip",
                "name": "threshold", "showlegend": False, "line": {"color": THRESHOLD, **style},
            }
        )  # fmt: skip
        if threshold.grade == 1:
            named[level] = f"{named[level]} / {title}" if level in named else title
    notes: list[dict[str, Any]] = []
    last = -np.inf
    for level, title in sorted(named.items()):
        crowded = level - last < 0.17 * (top - bottom)
        last = level
        notes.append(
            {
                "xref": "paper", "x": 1.005, "y": level, "xanchor": "left", "align": "left",
                "yanchor": "bottom" if crowded else "middle", "text": _broken(title), "font": {"size": 10},
                "showarrow": False,
            }
        )  # fmt: skip
        if crowded and len(notes) > 1:
            notes[-2]["yanchor"] = "top"
    return lines, notes


def _broken(text: str) -> str:
    """The text in plotly's own lines; titles hold no markup."""
    return "<br>".join(in_lines(text.replace("<", "‹").replace(">", "›"), _TITLE_LETTERS))


def _in_words(analysis: Analysis, name: str, known: NDArray[np.bool_], ok: NDArray[np.bool_]) -> str:
    value = analysis.measures.column(name)
    definition = analysis.definition.measures.get(name)
    unit = definition.unit if definition else ""
    first, last = (number(float(v), unit) for v in (value[known].min(), value[known].max()))
    text = say("report.from_to", first=first[0], last=" ".join(part for part in last if part))
    if not ok.any():
        return say("report.uncertain_throughout", range=text)
    share = min(1.0, float(ok.sum()) / max(1, int(analysis.track.person.sum())))
    return say("report.measured_in", range=text, share=percent(share))
