"""The report: one HTML file that works offline, on paper, and for whoever reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.summary import Rep
from formcheck.drawing.overlay import clock
from formcheck.drawing.palette import GRADE_WORDS, Image
from formcheck.engine.repetition import COUNTED
from formcheck.pose import frame_arrays as scratch
from formcheck.report import wording
from formcheck.report.annotate import Annotator
from formcheck.report.plots import MOST_MARKS, Plot, build_plots
from formcheck.report.stills import make_stills
from formcheck.session.folder import replacing

VIDEO_NAME = "annotated.mp4"  # played in the report while it lies beside it
PEAK_COLUMNS = 12


@dataclass(frozen=True)
class _Found:
    """One fault in the summary list."""

    name: str
    title: str
    wording: str
    detail: str
    grade: int = 0
    reps: str = ""
    grades: str = ""


@dataclass(frozen=True)
class _NotChecked:
    """Faults that were not checked for the same reason."""

    why: str
    how: str
    titles: list[str]


def write_report(
    analysis: Analysis,
    path: Path,
    pictures: Mapping[int, Image | None] | None = None,
    blur_face: bool = False,
) -> None:
    """Write the report of one analysis as a single HTML file.

    Args:
        analysis: the analysed video; its file is decoded again for the stills.
        path: the HTML file to write.
        pictures: frames already at hand (see `write_annotated`'s `keep`), to spare that decoding.
        blur_face: blur the face in the others.

    Raises:
        FormcheckError: the file cannot be written.
    """
    parts = render(analysis, pictures, (path.parent / VIDEO_NAME).is_file(), blur_face)
    with replacing(path) as part, part.open("w", encoding="utf-8") as file:
        file.writelines(parts)


def render(
    analysis: Analysis,
    pictures: Mapping[int, Image | None] | None = None,
    video: bool = False,
    blur_face: bool = False,
) -> Iterator[str]:
    """The report as HTML, piece by piece.

    Args:
        analysis: the analysed video.
        pictures: frames already at hand, by number.
        video: whether to offer the annotated video that lies beside the report.
        blur_face: blur the face in the other frames.
    """
    annotator = Annotator(analysis)
    shared, plots = build_plots(analysis, annotator)
    shown: list[Plot] = []
    figures: list[tuple[str, Markup]] = []
    for plot in plots:  # as text: as numbers, the figures of an hour take ten times the memory
        figures.append((plot.name, _script_json(plot.figure)))
        shown.append(replace(plot, figure={}))
    scratch.give_back()  # every measure of every frame has been looked at
    stills, from_video = make_stills(analysis, annotator, pictures, blur_face)
    return _template().generate(
        **content(analysis),
        stills=stills,
        still_of={still.fault: still.anchor for still in stills if still.fault},
        from_video=from_video,
        plots=shown,
        figures=figures,
        most_marks=MOST_MARKS,
        events=sum(len(rep.faults) for rep in analysis.summary.reps),
        shared=_script_json(asdict(shared)),
        plotly=_plotly() if shown else "",
        video=VIDEO_NAME if video else None,
    )


def content(analysis: Analysis) -> dict[str, Any]:
    """What a report says, by name, as text and rows; the HTML page and the PDF say the same."""
    summary, definition = analysis.summary, analysis.definition
    view = definition.views.get(summary.view.name)
    return {
        "notice": wording.NOTICE,
        "summary": summary,
        "definition": definition,
        "view_title": view.title if view else "not recognised",
        "facts": _facts(analysis),
        "verdict": _verdict(analysis),
        "no_reps": None if any(r.class_ in COUNTED for r in summary.reps) else _no_reps(analysis),
        "can_see": _measures_with(analysis, "ok"),
        "uncertain": _measures_with(analysis, "low"),
        "cannot_see": _measures_with(analysis, "not_measurable"),
        "primary": _title_unit(analysis, analysis.primary),
        "reps": [_rep_row(analysis, rep) for rep in summary.reps],
        "peaks": _peak_tables(analysis),
        "classes": {
            c: wording.CLASSES[c] for c in wording.CLASSES if any(r.class_ == c for r in summary.reps)
        },
        "seen": _seen(analysis),
        "clear": _clear(analysis),
        "not_checked": _not_checked(analysis),
        "measures": _measure_rows(analysis),
        "made": _made(analysis),
        "grade_words": GRADE_WORDS,
    }


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = clock
    environment.filters["in_sentence"] = wording.in_sentence
    environment.filters["listing"] = wording.listing
    return environment.get_template("report.html.j2")


@lru_cache(maxsize=1)
def _plotly() -> Markup:
    from plotly.offline import get_plotlyjs  # slow to import, and only needed here

    return Markup(get_plotlyjs().replace("</script", "<\\/script"))


def _script_json(content: Any) -> Markup:
    """JSON that is safe inside a script element."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    for unsafe, safe in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        text = text.replace(unsafe, safe)
    return Markup(text)


# -- what the page says ----------------------------------------------------------------------------------


def _facts(analysis: Analysis) -> list[tuple[str, str]]:
    summary, definition = analysis.summary, analysis.definition
    view = definition.views.get(summary.view.name)
    seen_from = view.title if view else "not recognised"
    details = ["as declared" if summary.view.declared else "as found in the video"]
    if summary.view.yaw_deg is not None:
        details.append(f"{wording.value_text(summary.view.yaw_deg, 'deg')} around the body")
    share = 100 * summary.pose.frames_with_person / max(1, summary.source.frames)
    facts = [("Exercise", definition.title)]
    if summary.side is not None:
        facts.append((f"Side: {definition.side_is}", summary.side))
    facts += [
        ("Camera", f"{seen_from} ({', '.join(details)})"),
        ("Video", f"{clock(summary.source.duration_s)} long, {summary.source.width} × "
                  f"{summary.source.height}, {summary.source.fps:.4g} pictures a second"),
        ("Person seen", f"in {_percent(share)} of the pictures"),
        ("Report made", f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"),
        ("Thresholds", f"{summary.definition.name}, version {summary.definition.version} "
                       f"({summary.definition.sha256[:8]})"),
    ]  # fmt: skip
    if (dated := _file_date(analysis.video)) is not None:
        facts.insert(-2, ("Video file dated", dated))
    return facts


def _file_date(video: Path) -> str | None:
    try:
        return f"{datetime.fromtimestamp(video.stat().st_mtime).astimezone():%Y-%m-%d %H:%M}"
    except OSError:
        return None


def _percent(share: float) -> str:
    """Never rounded up to all or down to nothing."""
    whole = round(share)
    if whole == 100 and share < 100:
        return "over 99 %"
    return "under 1 %" if whole == 0 and share > 0 else f"{whole} %"


def _verdict(analysis: Analysis) -> list[str]:
    """The result in a few plain sentences."""
    summary, definition = analysis.summary, analysis.definition
    total = len(summary.reps)
    counts = {c: sum(rep.class_ == c for rep in summary.reps) for c in wording.CLASSES}
    counted = counts["full"] + counts["partial"]
    if not total:
        return ["No repetitions of this exercise were found."]
    if not counted:
        out = ["No repetition of this exercise could be counted."]
    elif counted == counts["full"]:
        kind = {1: "full", 2: "both full"}.get(counted, "all full")
        out = [f"{wording.times(counted, 'repetition')}, {kind}."]
    else:
        kinds = [f"{counts[c]} {c}" for c in COUNTED if counts[c]]
        out = [f"{wording.times(counted, 'repetition')}: {', '.join(kinds)}."]
    if others := _not_counted(counts):
        out.append(f"Not counted: {others}.")
    affected = [(n, f) for n, f in summary.faults.items() if f.checked and f.reps_affected]
    affected.sort(key=lambda item: (-item[1].reps_affected, -item[1].worst_grade))
    checked = sum(f.checked for f in summary.faults.values())
    groups: dict[str, list[str]] = {}
    for name, fault in affected:
        which = sorted({rep.index for rep in summary.reps for event in rep.faults if event.id == name})
        if fault.reps_affected == fault.reps_checked == counted:
            where = {1: "the one repetition", 2: "both repetitions"}.get(
                counted, f"all {counted} repetitions"
            )
        else:
            where = f"{fault.reps_affected} of {fault.reps_checked}"
            where += " that could be checked" if fault.reps_checked < counted else ""
            if 0 < len(which) <= 4:
                where += f" (rep {wording.listing([str(i) for i in which])})"
        grade = GRADE_WORDS.get(fault.worst_grade, "")
        at_most = "up to " if fault.reps_affected > 1 and fault.worst_grade > 1 else ""
        title = wording.in_sentence(wording.fault_title(definition, name))
        groups.setdefault(where, []).append(f"{title} ({at_most}{grade})")
    for where, titles in groups.items():
        out.append(f"Seen in {where}: {wording.listing(titles)}.")
    if not affected and checked:
        out.append(
            f"None of the {wording.times(checked, 'point')} that could be checked was seen.".replace(
                "1 points", "1 point"
            )
        )
    hidden = [
        wording.in_sentence(wording.fault_title(definition, name))
        for name, fault in summary.faults.items()
        if not fault.checked and fault.reason in wording.CURED_BY_CAMERA | {"noise"}
    ]
    if hidden:
        out.append(f"Not checked from this view: {wording.listing(hidden, 5)}.")
    return out


def _counted(analysis: Analysis) -> int:
    return sum(rep.class_ in COUNTED for rep in analysis.summary.reps)


def _not_counted(counts: Mapping[str, int]) -> str:
    words = {"aborted": "given up half-way", "void": "not fully seen"}
    return wording.listing([f"{counts[c]} {words[c]}" for c in words if counts[c]])


def _no_reps(analysis: Analysis) -> dict[str, Any]:
    """Why there may be no repetition, and what to do."""
    summary, definition = analysis.summary, analysis.definition
    share = summary.pose.frames_with_person / max(1, summary.source.frames)
    signal = summary.measures.get(analysis.primary)
    primary = definition.measures.get(analysis.primary)
    name = wording.in_sentence(wording.short_title(primary.title if primary else analysis.primary))
    counts = {c: sum(rep.class_ == c for rep in summary.reps) for c in wording.CLASSES}
    if summary.reps:
        why = (
            f"Movements were seen, but {_not_counted(counts)}. A repetition counts when it is in view "
            "from start to end, neither cut off by the recording nor hidden."
        )
    elif share == 0:
        why = "Nobody was seen in this video."
    elif share < 0.5:
        why = f"Somebody was seen in only {_percent(100 * share)} of the pictures."
    elif signal is not None and signal.status == "not_measurable":
        reason = signal.reason or "no_person"
        why = f"Repetitions are counted from the {name}, and that could not be measured: "
        why += f"{wording.REASONS.get(reason, 'it was not seen well enough')}."
        if reason == "no_person":
            why = "A person was seen, but never in this exercise’s starting position."
    else:
        least = wording.value_text(definition.counting.minimum_range, primary.unit if primary else "")
        why = (
            "A person was seen, but never both in this exercise’s starting position and moving from it and "
            f"back by enough to count (at least {least} of {name})."
        )
    best = next((v for v in definition.views if primary and primary.views.get(v) == "ok"), None)
    todo = [
        f"Check that the exercise chosen is the one in the video ({wording.in_sentence(definition.title)})."
    ]
    if best is not None:
        todo.append(f"Camera: {definition.views[best].setup}")
    todo += [
        "Keep the whole body in the picture, head included, with nobody else in it if that can be avoided.",
        "Lie still in the starting position for two seconds before the first repetition.",
        "Even light from the front, and clothes in which the hips and knees can be made out.",
    ]
    return {"why": why, "todo": todo}


def _measures_with(analysis: Analysis, status: str) -> list[str]:
    definition = analysis.definition
    return [
        wording.in_sentence(
            wording.short_title(definition.measures[name].title if name in definition.measures else name)
        )
        for name, info in analysis.summary.measures.items()
        if info.status == status
    ]


def _peak_tables(analysis: Analysis) -> list[dict[str, Any]]:
    """Values at the top: a row for each measure that any repetition has, a column for each repetition.

    Many repetitions give several tables, so that each fits on a page.
    """
    reps = analysis.summary.reps
    out = []
    for first in range(0, len(reps), PEAK_COLUMNS):
        part = reps[first : first + PEAK_COLUMNS]
        rows = []
        for name, info in analysis.summary.measures.items():
            if all(rep.peak.get(name) is None for rep in part):
                continue
            title, unit = _title_unit(analysis, name)
            values = [wording.number(rep.peak.get(name), unit)[0] for rep in part]
            low = info.status == "low"
            rows.append({"title": title, "unit": unit, "low": low, "values": values})
        if rows:
            out.append({"reps": [rep.index for rep in part], "rows": rows})
    return out


def _title_unit(analysis: Analysis, name: str) -> tuple[str, str]:
    definition = analysis.definition.measures.get(name)
    return (definition.title, definition.unit) if definition else (name, "")


def _rep_row(analysis: Analysis, rep: Rep) -> dict[str, Any]:
    unit = _title_unit(analysis, analysis.primary)[1]
    return {
        "rep": rep,
        "tempo": [_seconds(rep.rise_s), _seconds(rep.hold_s), _seconds(rep.lower_s)],
        "top": wording.number(rep.peak.get(analysis.primary), unit)[0],
        "faults": [
            {
                "id": event.id,
                "title": wording.fault_title(analysis.definition, event.id),
                "value": wording.value_text(event.value, event.unit),
                "grade": event.grade,
                "at": clock(event.start_s),
            }
            for event in sorted(rep.faults, key=lambda event: event.start_s)
        ],
        "confidence": _percent(100 * rep.confidence),
        "unsure": rep.confidence < 0.7,
    }


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _seen(analysis: Analysis) -> list[_Found]:
    """Faults that were seen, most frequent and worst first."""
    summary, out = analysis.summary, []
    counted = _counted(analysis)
    for name, fault in summary.faults.items():
        events = [(rep, e) for rep in summary.reps for e in rep.faults if e.id == name]
        if not events:
            continue
        known = analysis.definition.faults.get(name)
        detail = f"{fault.reps_affected} of {wording.times(fault.reps_checked, 'repetition')} checked"
        if fault.reps_checked < counted:
            detail += f" ({counted} counted)"
        worst = max(events, key=lambda item: (item[1].grade, abs(item[1].value)))[1]
        out.append(
            _Found(
                name,
                wording.fault_title(analysis.definition, name),
                known.wording if known else "",
                detail,
                fault.worst_grade,
                wording.listing([str(i) for i in sorted({rep.index for rep, _ in events})]),
                wording.grades_text(analysis.definition, worst),
            )
        )
    order = {name: -fault.reps_affected for name, fault in summary.faults.items()}
    return sorted(out, key=lambda found: (order[found.name], -found.grade))


def _clear(analysis: Analysis) -> list[tuple[str, list[str]]]:
    """Faults that were looked for and not seen, by how many repetitions could be checked."""
    summary = analysis.summary
    total = _counted(analysis)
    groups: dict[int, list[str]] = {}
    for name, fault in summary.faults.items():
        if fault.checked and not any(e.id == name for rep in summary.reps for e in rep.faults):
            groups.setdefault(fault.reps_checked, []).append(wording.fault_title(analysis.definition, name))
    out = []
    for count, titles in sorted(groups.items(), reverse=True):
        every = {1: "the one repetition", 2: "both repetitions"}.get(total, f"all {total} repetitions")
        out.append((every if count == total else f"{count} of {total} repetitions", titles))
    return out


def _not_checked(analysis: Analysis) -> list[_NotChecked]:
    """Faults that were not checked, grouped by reason and by where they could be seen from."""
    definition = analysis.definition
    groups: dict[tuple[str, str], list[str]] = {}
    for name, fault in analysis.summary.faults.items():
        if fault.checked:
            continue
        known = definition.faults.get(name)
        why = wording.REASONS.get(fault.reason or "", "it could not be seen well enough")
        how = ""
        best = known.best_view if known else None
        if fault.reason in wording.CURED_BY_CAMERA:
            if known is not None and not known.rules:
                how = "No single camera beside the body can show it."
            elif best == analysis.summary.view.name and fault.reason == "view":
                how = "Even from here, the best place for it, it stays too uncertain."
            elif best in definition.views and best != analysis.summary.view.name:
                how = f"Can be checked {definition.views[best].title}: {definition.views[best].setup}"
        groups.setdefault((why, how), []).append(wording.fault_title(definition, name))
    ranked = sorted(groups.items(), key=lambda item: (not item[0][1], -len(item[1])))
    return [_NotChecked(why, how, titles) for (why, how), titles in ranked]


def _measure_rows(analysis: Analysis) -> list[dict[str, str]]:
    rows = []
    words = {"ok": "measured", "low": "uncertain", "not_measurable": "not measurable"}
    for name, info in analysis.summary.measures.items():
        definition = analysis.definition.measures.get(name)
        unit = definition.unit if definition else ""
        rows.append(
            {
                "name": name,
                "title": definition.title if definition else name,
                "status": info.status,
                "word": words[info.status],
                "why": _why(info.status, info.reason),
                "share": f"{100 * info.ok_frames:.0f} %",
                "noise": "–" if info.noise_sd is None else _noise(info.noise_sd, unit),
            }
        )
    return rows


def _why(status: str, reason: str | None) -> str:
    words = wording.REASONS | wording.REASONS_LOW if status == "low" else wording.REASONS
    return words.get(reason or "", "")


def _noise(value: float, unit: str) -> str:
    if unit == "deg":
        return f"±{value:.1f}°"
    return f"±{value:.3f}" + ("" if unit == "ratio" else f" {unit}")


def _made(analysis: Analysis) -> list[tuple[str, str]]:
    summary = analysis.summary
    most = summary.pose.people_seen_max
    people = "nobody" if most == 0 else "one person" if most == 1 else f"up to {most} people"
    between = summary.pose.frames_interpolated
    return [
        ("Program", f"formcheck {summary.formcheck}"),
        ("Body points", f"{summary.pose.engine}, model “{summary.pose.model}”: 33 points in every picture"),
        ("Pictures", f"{summary.source.frames} in all, {summary.pose.frames_with_person} with a person, "
                     f"{summary.pose.frames_rejected} in which the tracking was thrown away; "
                     f"{people} at once"
                     + (f"; of {between} the body points lie between their neighbours’" if between else "")),
        ("Took", f"{summary.processing.wall_s:.1f} s for {summary.source.duration_s:.1f} s of video"),
    ]  # fmt: skip
