"""The report: one HTML file that works offline, on paper, and for whoever reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from formcheck.analysis import bounds
from formcheck.analysis.analysis import Analysis
from formcheck.analysis.findings import (
    Findings,
    class_counts,
    counted_reps,
    coverage,
    findings_of,
    grade_word,
    grade_words,
    not_counted,
    reason_word,
)
from formcheck.analysis.phrases import (
    as_sentence,
    in_sentence,
    listing,
    number,
    percent,
    pointed,
    short_title,
    times,
    told_unit,
    value_text,
)
from formcheck.analysis.rulings import Review, Ruling
from formcheck.analysis.summary import Rep
from formcheck.drawing.overlay import clock
from formcheck.drawing.palette import Image
from formcheck.folder_handle import opener
from formcheck.measures.places import PLACES
from formcheck.pose import frame_arrays as arrays
from formcheck.report import templates, wording
from formcheck.report.annotate import Annotator
from formcheck.report.plots import MOST_MARKS, Plot, build_plots
from formcheck.report.stills import make_stills
from formcheck.session.folder import ANNOTATED, replacing
from formcheck.words import said_of, say, spoken, translated

PEAK_COLUMNS = 12


def write_report(
    analysis: Analysis,
    path: Path,
    pictures: Mapping[int, Image | None] | None = None,
    blur_face: bool = False,
    created: str = "",
) -> None:
    """Write the report of one analysis as a single HTML file.

    Args:
        analysis: the analysed video, with what a physio decided about it (`formcheck.analysis.decisions`);
            its file is decoded again for the stills.
        path: the HTML file to write.
        pictures: frames already at hand (see `write_annotated`'s `keep`), to spare that decoding.
        blur_face: blur the face in the others.
        created: when the video was analysed, ISO 8601; "" for now.

    Raises:
        FormcheckError: the file cannot be written.
    """
    video = (path.parent / ANNOTATED).is_file()
    parts = render(analysis, pictures, video, blur_face, created)
    with replacing(path) as part, open(part, "w", encoding="utf-8", opener=opener) as file:
        file.writelines(parts)


def render(
    analysis: Analysis,
    pictures: Mapping[int, Image | None] | None = None,
    video: bool = False,
    blur_face: bool = False,
    created: str = "",
) -> Iterator[str]:
    """The report as HTML, piece by piece.

    Args:
        analysis: the analysed video.
        pictures: frames already at hand, by number.
        video: whether to offer the annotated video that lies beside the report.
        blur_face: blur the face in the other frames.
        created: when the video was analysed, ISO 8601; "" for now.
    """
    said = content(analysis, created)
    analysis = replace(analysis, summary=said["shown"])
    annotator = Annotator(analysis)
    shared, plots = build_plots(analysis, annotator)
    shown: list[Plot] = []
    figures: list[tuple[str, Markup]] = []
    for plot in plots:  # as text: as numbers, the figures of an hour take ten times the memory
        figures.append((plot.name, _script_json(plot.figure)))
        shown.append(replace(plot, figure={}))
    arrays.give_back()  # every measure of every frame has been looked at
    stills, from_video = make_stills(analysis, annotator, pictures, blur_face)
    return _template().generate(
        **said,
        stills=stills,
        still_of={still.fault: still.anchor for still in stills if still.fault},
        from_video=from_video,
        plots=shown,
        figures=figures,
        most_marks=MOST_MARKS,
        events=sum(len(rep.faults) for rep in analysis.summary.reps),
        shared=_script_json(asdict(shared)),
        plotly=_plotly() if shown else "",
        video=ANNOTATED if video else None,
    )


def content(analysis: Analysis, created: str = "") -> dict[str, Any]:
    """What a report says, by name, as text and rows; the HTML page and the PDF say the same.

    Args:
        analysis: with what a physio decided.
        created: when the video was analysed, ISO 8601; "" for now.
    """
    analysis = replace(analysis, definition=translated(analysis.definition, spoken()))
    summary, definition, findings = analysis.summary, analysis.definition, findings_of(analysis)
    view = definition.views.get(summary.view.name)
    counts, primary = class_counts(summary.reps), _title_unit(analysis, analysis.primary)
    shown = bounds.shown_summary(summary)
    return {
        "notice": wording.notice(),
        "title": wording.exercise_and_side(definition.title, summary.side),
        "summary": summary,
        "shown": shown,
        "definition": definition,
        "view_title": view.title if view else say("report.view_unknown"),
        "who": _who(analysis, created),
        "facts": _facts(analysis),
        "coverage": coverage(summary.faults),
        "verdict": [*findings.verdict(summary), *findings.unknown(summary)],
        "no_reps": None if counted_reps(summary.reps) else _no_reps(analysis),
        "can_see": _measures_with(analysis, "ok"),
        "uncertain": _measures_with(analysis, "low"),
        "cannot_see": _measures_with(analysis, "not_measurable"),
        "primary": (primary[0], told_unit(primary[1])),
        "reps": [_rep_row(analysis, findings, rep) for rep in shown.reps],
        "peaks": _peak_tables(analysis, shown.reps),
        "classes": {c: text for c, text in said_of("findings.class_means.").items() if counts[c]},
        "seen": findings.seen(summary),
        "clear": findings.clear(summary),
        "not_checked": findings.not_checked(summary.faults),
        "measures": _measure_rows(analysis, findings),
        "rulings": _rulings(analysis, findings),
        "remarks": _remarks(analysis),
        "made": _made(analysis),
        "grade_words": grade_words(),
    }


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = templates.environment()
    environment.filters["clock"] = clock
    environment.filters["listing"] = listing
    environment.filters["as_sentence"] = as_sentence
    environment.filters["short_title"] = short_title
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


def _who(analysis: Analysis, created: str) -> list[tuple[str, str]]:
    """Whose session, when, and who reviewed it: the head of the report."""
    live, review = analysis.summary.live, analysis.review or Review()
    patient = review.patient or (live.patient if live is not None else "") or say("report.nobody_named")
    recorded = review.recorded or (live.started if live is not None else "")
    done = "practised" if live is not None else "recorded"
    if not recorded:
        done, recorded = "analysed", created or datetime.now().astimezone().isoformat()
    return [
        (say("report.head.patient"), patient),
        (say(f"report.head.{done}"), wording.moment(recorded)),
        (say("report.head.reviewed"), wording.reviewed_text(review)),
    ]


def _rulings(analysis: Analysis, findings: Findings) -> list[dict[str, str]]:
    """Rows of the findings in which physio and program do not say the same."""
    rulings = analysis.review.rulings if analysis.review is not None else ()
    names = {rep.index: rep.name for rep in analysis.summary.reps}
    rows = [_ruling_row(findings, ruling, names) for ruling in rulings[: bounds.MOST_LINES]]
    if (more := len(rulings) - bounds.MOST_LINES) > 0:
        left = say("report.left_out", count=times(more, "more_finding"))
        rows.append(dict.fromkeys(rows[0], "") | {"title": left})
    return rows


def _ruling_row(findings: Findings, ruling: Ruling, names: Mapping[int, str]) -> dict[str, str]:
    found = ruling.found
    return {
        "kind": ruling.kind,
        "where": say("report.rep", n=names.get(ruling.rep, "–"))
        if ruling.rep is not None
        else say("report.at", time=clock(ruling.time_s)),
        "title": findings.title(ruling.fault),
        "found": say("report.not_found")
        if found is None
        else f"{findings.value(found)}, {grade_word(found.grade)}",
        "said": findings.ruling(ruling),
        "note": ruling.note,
    }


def _remarks(analysis: Analysis) -> list[tuple[str, str]]:
    """What the physio wrote, and where."""
    review = analysis.review
    if review is None:
        return []
    quality = said_of("report.quality.").get(review.quality, review.quality)
    rated = [(say("report.fact.quality"), quality)] if quality else []
    whole = say("report.whole_session")
    lines = [
        (whole if t is None else say("report.at_time", time=clock(t)), text) for t, text in review.remarks
    ]
    more = len(lines) - bounds.MOST_LINES
    left = [("", say("report.left_out", count=times(more, "more_remark")))] if more > 0 else []
    return [*rated, *lines[: bounds.MOST_LINES], *left]


def _facts(analysis: Analysis) -> list[tuple[str, str]]:
    summary, definition = analysis.summary, analysis.definition
    view = definition.views.get(summary.view.name)
    seen_from = view.title if view else say("report.view_unknown")
    details = [say("report.fact.as_declared" if summary.view.declared else "report.fact.as_found")]
    if summary.view.yaw_deg is not None:
        details.append(say("report.fact.around", yaw=value_text(summary.view.yaw_deg, "deg")))
    share = summary.pose.frames_with_person / max(1, summary.source.frames)
    source, made_of = summary.source, summary.definition
    facts = [(say("report.fact.exercise"), definition.title)]
    if summary.side is not None:
        side = say(f"findings.side.{summary.side}")
        facts.append((say("report.fact.side", what=definition.side_is), side))
    facts += [
        (say("report.fact.camera"), f"{seen_from} ({', '.join(details)})"),
        (
            say("report.fact.video"),
            say(
                "report.fact.video_is",
                length=clock(source.duration_s),
                width=source.width,
                height=source.height,
                fps=pointed(f"{source.fps:.4g}"),
            ),
        ),
        (say("report.fact.person"), say("report.fact.in_pictures", share=percent(share))),
        (say("report.fact.made"), f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"),
        (
            say("report.fact.thresholds"),
            say(
                "report.fact.version",
                name=made_of.name,
                version=made_of.version,
                sha=made_of.sha256[:8],
            ),
        ),
    ]
    if (dated := _file_date(analysis.video)) is not None:
        facts.insert(-2, (say("report.fact.file_dated"), dated))
    return facts


def _file_date(video: Path) -> str | None:
    try:
        return f"{datetime.fromtimestamp(video.stat().st_mtime).astimezone():%Y-%m-%d %H:%M}"
    except OSError:
        return None


def _no_reps(analysis: Analysis) -> dict[str, Any]:
    """Why there may be no repetition, and what to do."""
    summary, definition = analysis.summary, analysis.definition
    share = summary.pose.frames_with_person / max(1, summary.source.frames)
    signal = summary.measures.get(analysis.primary)
    primary = definition.measures.get(analysis.primary)
    name = in_sentence(short_title(primary.title if primary else analysis.primary))
    if summary.reps:
        why = say("report.moves_but", others=not_counted(class_counts(summary.reps)))
    elif share == 0:
        why = say("report.nobody")
    elif share < 0.5:
        why = say("report.seldom", share=percent(share))
    elif signal is not None and signal.status == "not_measurable":
        why = say("report.counted_from", measure=name, reason=reason_word(signal.reason or "no_person"))
        if (signal.reason or "no_person") == "no_person":
            why = say("report.never_posed")
    else:
        least = value_text(definition.counting.minimum_range, primary.unit if primary else "")
        why = say("report.never_moved", least=least, measure=name)
    best = next((v for v in definition.views if primary and primary.views.get(v) == "ok"), None)
    todo = [say("report.check_exercise", exercise=in_sentence(definition.title))]
    if best is not None:
        todo.append(say("report.camera_place", setup=definition.views[best].setup))
    todo += [say("report.whole_body"), say("report.lie_still"), say("report.even_light")]
    return {"why": why, "todo": todo}


def _measures_with(analysis: Analysis, status: str) -> list[str]:
    definition = analysis.definition
    return [
        in_sentence(short_title(definition.measures[name].title if name in definition.measures else name))
        for name, info in analysis.summary.measures.items()
        if info.status == status and name not in PLACES
    ]


def _peak_tables(analysis: Analysis, reps: Sequence[Rep]) -> list[dict[str, Any]]:
    """Values at the top: a row for each measure that any repetition has, a column for each repetition.

    Many repetitions give several tables, so that each fits on a page.
    """
    out = []
    for first in range(0, len(reps), PEAK_COLUMNS):
        part = reps[first : first + PEAK_COLUMNS]
        rows = []
        for name, info in analysis.summary.measures.items():
            if name in PLACES or all(rep.peak.get(name) is None for rep in part):
                continue
            title, unit = _title_unit(analysis, name)
            values = [number(rep.peak.get(name), unit)[0] for rep in part]
            low = info.status == "low"
            rows.append({"title": title, "unit": told_unit(unit), "low": low, "values": values})
        if rows:
            out.append({"reps": [rep.name for rep in part], "rows": rows})
    return out


def _title_unit(analysis: Analysis, name: str) -> tuple[str, str]:
    definition = analysis.definition.measures.get(name)
    return (definition.title, definition.unit) if definition else (name, "")


def _rep_row(analysis: Analysis, findings: Findings, rep: Rep) -> dict[str, Any]:
    unit = _title_unit(analysis, analysis.primary)[1]
    return {
        "rep": rep,
        "tempo": [_seconds(rep.rise_s), _seconds(rep.hold_s), _seconds(rep.lower_s)],
        "top": number(rep.peak.get(analysis.primary), unit)[0],
        "faults": [
            {
                "id": event.id,
                "title": findings.title(event.id),
                "value": findings.value(event),
                "grade": event.grade,
                "at": clock(event.start_s),
            }
            for event in sorted(rep.faults, key=lambda event: event.start_s)
        ],
        "confidence": percent(rep.confidence),
        "unsure": rep.confidence < 0.7,
    }


def _seconds(value: float | None) -> str:
    return "–" if value is None else pointed(f"{value:.1f}")


def _measure_rows(analysis: Analysis, findings: Findings) -> list[dict[str, str]]:
    rows = []
    for name, info in sorted(analysis.summary.measures.items(), key=lambda item: item[0] in PLACES):
        definition = analysis.definition.measures.get(name)
        unit = definition.unit if definition else ""
        rows.append(
            {
                "name": name,
                "title": definition.title if definition else name,
                "status": info.status,
                "word": say(f"findings.status.{info.status}"),
                "why": findings.measure_why(name, info),
                "share": percent(info.ok_frames),
                "noise": "–" if info.noise_sd is None else _noise(info.noise_sd, unit),
            }
        )
    return rows


def _noise(value: float, unit: str) -> str:
    if unit == "deg":
        return pointed(f"±{value:.1f}°")
    return pointed(f"±{value:.3f}") + ("" if unit == "ratio" else f" {told_unit(unit)}")


def _made(analysis: Analysis) -> list[tuple[str, str]]:
    summary = analysis.summary
    pose, source, most = summary.pose, summary.source, summary.pose.people_seen_max
    people = say("report.fact.up_to", n=most)
    if most < 2:
        people = say("report.fact.one_person" if most else "report.fact.nobody")
    pictures = say(
        "report.fact.pictures_are",
        all=source.frames,
        seen=pose.frames_with_person,
        rejected=pose.frames_rejected,
        people=people,
    )
    if pose.frames_interpolated:
        pictures += say("report.fact.between", n=pose.frames_interpolated)
    wall, length = (pointed(f"{s:.1f}") for s in (summary.processing.wall_s, source.duration_s))
    return [
        (say("report.fact.program"), f"formcheck {summary.formcheck}"),
        (say("report.fact.points"), say("report.fact.points_are", engine=pose.engine, model=pose.model)),
        (say("report.fact.pictures"), pictures),
        (say("report.fact.took"), say("report.fact.took_is", wall=wall, length=length)),
    ]
