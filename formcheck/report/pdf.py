"""The report for the notes: a PDF to print or file, in the words of the HTML report."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    KeepTogether,
    PageBreak,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.bounds import MOST_LINES
from formcheck.analysis.findings import findings_of, grade_word
from formcheck.analysis.phrases import percent, pointed, short_title, times, unit_after
from formcheck.analysis.summary import LiveInfo
from formcheck.drawing.overlay import clock
from formcheck.exercises.definition import Tempo
from formcheck.folder_handle import opener
from formcheck.measures.places import PLACES
from formcheck.measures.table import Status
from formcheck.report import page, wording
from formcheck.report.annotate import Annotator
from formcheck.report.pdf_parts import (
    FONT,
    MARGIN,
    SOFT,
    WIDTH,
    facts_table,
    grid,
    para,
    register_fonts,
    rich,
)
from formcheck.report.pdf_plots import key_shades, plot, strips
from formcheck.report.pdf_tags import Picture, TaggedCanvas, alone
from formcheck.report.stills import make_stills
from formcheck.session.folder import replacing
from formcheck.words import said_of, say, spoken, translated

_STILL_HEIGHT = 62 * mm
#: The three states by shape, in letters that the font has: seen faulty, seen good, not seen.
_SIGNS = {"faulty": "× ", "good": "√ ", "unseen": "– "}


def write_pdf(
    analysis: Analysis,
    path: Path,
    *,
    created: str | None = None,
) -> None:
    """Writes the report of one session.

    Args:
        analysis: the session, with what a physio decided about it (`formcheck.analysis.decisions`); its video
            is decoded for the stills if it is there.
        path: the PDF to write.
        created: when the session was stored, ISO 8601.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    register_fonts()
    title = f"{translated(analysis.definition, spoken()).title}, {_date(analysis, created)}"
    story = _story(analysis, created)
    with replacing(path) as part, open(part, "wb", opener=opener) as file:
        document = SimpleDocTemplate(
            file, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=16 * mm,
            bottomMargin=20 * mm, title=title, author="", creator=f"formcheck {analysis.summary.formcheck}",
            lang=spoken(),
        )  # fmt: skip

        def footer(canvas: Canvas, made: Any) -> None:
            canvas.saveState()
            canvas.setFont(FONT, 6.5)
            canvas.setFillColor(SOFT)
            canvas.drawString(MARGIN + 6, 11 * mm, say("report.footer"))
            page_of = say("report.page_of", title=title, n=made.page)
            canvas.drawRightString(A4[0] - MARGIN - 6, 11 * mm, page_of)
            canvas.restoreState()

        document.build(story, onFirstPage=footer, onLaterPages=footer, canvasmaker=TaggedCanvas)


# -- the page's parts ------------------------------------------------------------------------------------


def _story(analysis: Analysis, created: str | None) -> list[Flowable]:
    """One page with the result; all else is the appendix."""
    said = page.content(analysis, created or "")
    summary = said["shown"]
    analysis = replace(analysis, summary=summary, definition=said["definition"])
    annotator = Annotator(analysis)
    story: list[Flowable] = [
        para(said["title"], "title"),
        facts_table(said["who"], columns=3),
        Spacer(1, 5),
        para(f"{_SIGNS[said['coverage'].state]}{said['coverage'].state_text} · "
             f"{said['coverage'].text}", "strong"),
        *[para(line, "verdict") for line in said["verdict"]],
    ]  # fmt: skip
    if (why := said["no_reps"]) is not None:
        story += [para(f"{say('report.why')} {why['why']}"), *[para(f"• {item}") for item in why["todo"]]]
    if summary.warnings or not summary.complete:
        lines = [] if summary.complete else [say("report.interrupted_pdf")]
        story += [_head("note"), *[para(f"• {line}") for line in [*lines, *summary.warnings]]]
    story += _findings(said)
    if said["remarks"]:
        rows = [[about, text] for about, text in said["remarks"]]
        story += [_head("remarks"), grid(_columns("about", "remark"), rows, [0.25, 0.75])]
    story += [Spacer(1, 8), para(wording.notice(), "notice"), PageBreak(), _head("appendix", "title")]
    story += _pictures(analysis, annotator)
    story += _repetitions(analysis, said)
    if summary.live is not None:
        story += _practice(summary.live, analysis)
    story += _plots(analysis, annotator)
    story += _rulings(said)
    story += _not_assessed(said)
    looked = [*_header(analysis, created), *said["facts"][1:]]
    story += [_head("looked_at"), facts_table(looked)]
    story += _method(said)
    return story


def _rulings(said: dict[str, Any]) -> list[Flowable]:
    """Findings in which physio and program do not say the same."""
    if not said["rulings"]:
        return []
    rows = [
        [row["where"], row["title"], row["found"], row["said"], row["note"] or "–"] for row in said["rulings"]
    ]
    return [
        _head("rulings"),
        para(say("report.rulings_about"), "soft"),
        grid(_columns("where", "finding", "formcheck", "physio", "note"), rows, [0.09, 0.22, 0.2, 0.29, 0.2]),
    ]


def _header(analysis: Analysis, created: str | None) -> list[tuple[str, str]]:
    rows = [(say("report.fact.exercise"), analysis.definition.title)]
    if analysis.summary.live is None:
        rows.append((say("report.fact.file"), analysis.summary.source.file))
        if created:
            rows.append((say("report.head.analysed"), wording.moment(created)))
    pose, version = analysis.summary.pose, analysis.summary.formcheck
    points = say("report.fact.points_pdf", engine=pose.engine, model=pose.model, version=version)
    rows.append((say("report.fact.points"), points))
    if analysis.prescription:
        rows.append((say("report.fact.prescription"), _tempo(analysis.definition.tempo)))
    info = analysis.summary.measures.get(analysis.primary)
    if info is not None:
        share = percent(info.ok_frames)
        rows.append((say("report.fact.signal"), say("report.fact.signal_in", share=share)))
    return rows


def _tempo(asked: Tempo) -> str:
    """``up 2 s, hold 3 s, down 2 s``, as far as it is prescribed."""
    parts = [
        say(f"report.fact.{way}", s=pointed(f"{time:g}"))
        for way, time in (("up", asked.rise_s), ("hold", asked.hold_s), ("down", asked.lower_s))
        if time is not None
    ]
    return ", ".join(parts) or say("report.fact.no_tempo")


def _not_assessed(said: dict[str, Any]) -> list[Flowable]:
    """What nothing is known about."""
    if not said["not_checked"]:
        return []
    out: list[Flowable] = [
        _head("not_checked_why"),
        para(say("report.nothing_known"), "soft"),
    ]
    for group in said["not_checked"]:
        how = f" {group.how}" if group.how else ""
        why = say("report.not_checked_why", why=group.why)
        text = f"<b>{escape(' · '.join(group.titles))}</b><br/>{escape(f'{why}{how}')}"
        out.append(rich(text, "small"))
    return out


def _practice(live: LiveInfo, analysis: Analysis) -> list[Flowable]:
    """What only a live session has: sets, pain, effort, cues (spec 8.1: dosage, symptoms)."""
    done = sum(s.reps_counted for s in live.sets)
    asked = live.prescribed_sets * live.prescribed_reps
    adherence = f"{min(100, round(100 * done / asked))} %" if asked else "–"
    rows = [
        [
            str(s.index),
            clock(s.start_s),
            say("report.practice.broken_off") if s.end_s is None else f"{s.end_s - s.start_s:.0f} s",
            str(s.prescribed_reps),
            str(s.reps_counted),
            _answer(s.pain),
            _answer(s.effort),
        ]
        for s in live.sets[:MOST_LINES]
    ]
    heads = _columns("set", "began", "lasted", "asked", "counted", "pain_after", "effort")
    words = said_of("report.practice.")
    settled = words[{None: "not_asked", True: "yes", False: "no"}[live.settled]]
    sets, reps = times(live.prescribed_sets, "set"), times(asked, "repetition")
    facts = [
        (words["asked_for"], say("report.practice.asked_is", sets=sets, reps=live.prescribed_reps)),
        (words["done"], say("report.practice.done_is", done=done, reps=reps, share=adherence)),
        (words["pain_before"], _answer(live.pain_before)),
        (words["settled"], settled),
        (words["kept"], words[live.consent if live.consent in ("video", "skeleton") else "nothing"]),
    ]
    if live.stopped in ("pain", "stop"):
        facts.append((words["ended"], words[live.stopped]))
    if live.dropped_frames:
        facts.append((words["lost"], str(live.dropped_frames)))
    out: list[Flowable] = [_head("practice"), facts_table(facts)]
    if rows:
        out += [Spacer(1, 4), grid(heads, rows, [0.1, 0.15, 0.15, 0.15, 0.15, 0.15, 0.15])]
    out.append(para(words["symptoms"], "soft"))
    findings = findings_of(analysis)
    cues = [[clock(c.time_s), findings.title(c.fault), f"“{c.text}”"] for c in live.cues[:MOST_LINES]]
    out.append(_head("cues", "h3"))
    heads = _columns("at", "for", "said")
    out.append(grid(heads, cues, [0.12, 0.4, 0.48]) if cues else para(words["none"]))
    return out


def _repetitions(analysis: Analysis, said: dict[str, Any]) -> list[Flowable]:
    if not said["reps"]:
        return []
    name, unit = said["primary"]
    heads = [
        *_columns("rep", "class", "time", "up", "hold", "down"),
        f"{short_title(name)}, {unit}" if unit else short_title(name),
        *_columns("findings", "seen"),
    ]
    rows = []
    for row in said["reps"]:
        rep = row["rep"]
        findings = "\n".join(
            say(
                "report.fault_line",
                title=f["title"],
                value=f["value"],
                grade=say("review.grade_is", grade=f["grade"], word=grade_word(f["grade"])),
                time=f["at"],
            )
            for f in row["faults"]
        )
        if not findings:
            nothing = "none_in_checked" if said["coverage"].checked else "nothing_checked_rep"
            findings = say(f"report.{'not_fully_seen' if rep.class_ == 'void' else nothing}")
        seen = row["confidence"] + (f"\n{say('report.not_graded')}" if row["unsure"] else "")
        from_to = f"{clock(rep.start_s)}–{clock(rep.end_s)}"
        kind = say(f"findings.class.{rep.class_}")
        rows.append([rep.name, kind, from_to, *row["tempo"], row["top"], findings, seen])
    meanings = " ".join(
        f"{say(f'findings.class.{kind}').capitalize()}: {text}." for kind, text in said["classes"].items()
    )
    if any(row["rep"].set_ is not None for row in said["reps"]):
        meanings = f"{say('report.in_set')} {meanings}"
    out: list[Flowable] = [
        _head("repetitions"),
        grid(heads, rows, [0.06, 0.09, 0.14, 0.07, 0.08, 0.08, 0.12, 0.27, 0.09]),
        para(f"{meanings} {say('report.repetitions_about')}", "soft"),
    ]
    for table in said["peaks"]:
        title = say("report.values_at_top")
        if len(said["peaks"]) > 1:
            title = say("report.values_from_to", first=table["reps"][0], last=table["reps"][-1])
        lines = []
        for row in table["rows"]:
            heading = f"{row['title']}, {row['unit']}" if row["unit"] else row["title"]
            lines.append([heading + (f" ({say('report.uncertain')})" if row["low"] else ""), *row["values"]])
        rest = 0.64 / max(len(table["reps"]), 6)
        widths = [0.36, *[rest] * len(table["reps"])]
        out.append(
            KeepTogether([para(title, "h3"), grid([*_columns("measure"), *table["reps"]], lines, widths)])
        )
    return out


def _findings(said: dict[str, Any]) -> list[Flowable]:
    out: list[Flowable] = [_head("findings")]
    for found in said["seen"]:
        where = say("report.in_reps", detail=found.detail, reps=found.reps)
        text = f"{_SIGNS['faulty']}<b>{escape(found.title)}</b>, {escape(f'{found.word}. {where}')}"
        detail = " ".join(t for t in (f"{found.wording}." if found.wording else "", found.grades) if t)
        out.append(KeepTogether([rich(text, "body"), para(detail, "soft")]))
    if not said["seen"]:
        checked = said["coverage"].checked
        out.append(para(say("report.nothing_seen" if checked else "report.nothing_checked")))
    for count, titles in said["clear"]:
        clear = say("report.looked_for", count=count, titles=" · ".join(titles))
        out.append(para(f"{_SIGNS['good']}{clear}"))
    if said["not_checked"]:
        titles = [title for group in said["not_checked"] for title in group.titles]
        unseen = say("report.not_checked", titles=" · ".join(titles))
        out.append(para(f"{_SIGNS['unseen']}{unseen}"))
    return out


def _pictures(analysis: Analysis, annotator: Annotator) -> list[Flowable]:
    stills, from_video = make_stills(analysis, annotator)
    if not stills:
        return []
    text = say("report.pictures_about")
    if not from_video:
        text += f" {say('report.no_video_pdf')}"
    out: list[Flowable] = [_head("pictures"), para(text, "soft")]
    cells = []
    for still in stills:
        data = base64.b64decode(still.source.partition(",")[2])
        scale = min((WIDTH / 2 - 4 * mm) / still.width, _STILL_HEIGHT / still.height)
        picture = Picture(io.BytesIO(data), still.width * scale, still.height * scale)
        picture.is_a(alone("Figure"), " ".join([still.heading, *still.caption]))
        picture.hAlign = "LEFT"
        cells.append(
            [picture, Spacer(1, 3), para(still.heading, "strong"), para(" ".join(still.caption), "soft")]
        )
    pairs = [cells[i : i + 2] for i in range(0, len(cells), 2)]
    for pair in pairs:
        row = Table([[*pair, ""] if len(pair) == 1 else pair], colWidths=[WIDTH / 2] * 2)
        row.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
        row.hAlign = "LEFT"
        out += [row, Spacer(1, 4)]
    return out


def _plots(analysis: Analysis, annotator: Annotator) -> list[Flowable]:
    table = analysis.measures
    shown = [
        name
        for m, name in enumerate(table.names)
        if name != analysis.primary and name not in PLACES and (table.status[:, m] == Status.OK).any()
    ]
    signal = table.names.index(analysis.primary)
    unseen = (table.status[:, signal] == Status.NOT_MEASURABLE).all()
    pieces = [] if unseen else strips(analysis)
    if not pieces and not shown:
        return []
    out: list[Flowable] = [_head("over_time"), _key()]
    if pieces:
        title = _title(analysis, analysis.primary)
        drawn = [plot(analysis, annotator, analysis.primary, span, (WIDTH, 92), FONT) for span in pieces]
        out.append(KeepTogether([para(f"{title} ({say('report.counts_reps')})", "h3"), drawn[0]]))
        out += drawn[1:]
    for name in shown:
        span = (float(analysis.track.time_s[0]), float(analysis.track.time_s[-1]))
        drawing = plot(analysis, annotator, name, span, (WIDTH, 70), FONT)
        out.append(KeepTogether([para(_title(analysis, name), "h3"), drawing]))
    return out


def _title(analysis: Analysis, name: str) -> str:
    known = analysis.definition.measures.get(name)
    return unit_after(known.title, known.unit) if known else name


def _key() -> Flowable:
    words = {"rise": "lifting", "hold": "holding", "lower": "lowering"}
    words = {phase: say(f"report.key.{word}") for phase, word in words.items()}
    cells: list[Any] = []
    style: list[Any] = [("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("LEFTPADDING", (0, 0), (-1, -1), 3)]
    for i, (phase, shade) in enumerate(key_shades().items()):
        cells += ["", para(words[phase], "small")]
        style.append(("BACKGROUND", (2 * i, 0), (2 * i, 0), shade))
    cells.append(para(say("report.key.line"), "small"))
    key = Table([cells], colWidths=[12, 44, 12, 46, 12, 48, WIDTH - 174])
    key.setStyle(style)
    key.hAlign = "LEFT"
    return key


def _method(said: dict[str, Any]) -> list[Flowable]:
    rows = [
        [row["title"], row["word"], row["why"] or "–", row["share"], row["noise"]] for row in said["measures"]
    ]
    return [
        _head("measures"),
        grid(_columns("measure", "status", "why", "measured", "noise"), rows, [0.3, 0.15, 0.29, 0.1, 0.16]),
        _head("method"),
        facts_table(said["made"]),
        Spacer(1, 4),
        para(say("report.method"), "small"),
    ]


def _answer(value: float | None) -> str:
    if value is None:
        return say("report.practice.not_answered")
    return say("report.practice.answer", value=pointed(f"{value:g}"))


def _head(name: str, style: str = "h2") -> Flowable:
    """A heading by its key under ``report.head``."""
    return para(say(f"report.head.{name}"), style)


def _columns(*names: str) -> list[str]:
    """Heads of a table by their keys under ``report.column``."""
    return [say(f"report.column.{name}") for name in names]


def _date(analysis: Analysis, created: str | None) -> str:
    live = analysis.summary.live
    return (live.started if live is not None else created or "")[:10] or analysis.summary.source.file
