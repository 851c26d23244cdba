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
    Image,
    KeepTogether,
    PageBreak,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.bounds import MOST_LINES
from formcheck.analysis.findings import findings_of, grade_word
from formcheck.analysis.phrases import percent, short_title, times, unit_after
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
    STYLES,
    WIDTH,
    facts_table,
    grid,
    para,
    register_fonts,
)
from formcheck.report.pdf_plots import key_shades, plot, strips
from formcheck.report.stills import make_stills
from formcheck.session.folder import replacing

_STILL_HEIGHT = 62 * mm
#: The three states by shape, in letters that the font has: seen faulty, seen good, not seen.
_SIGNS = {"faulty": "× ", "good": "√ ", "unseen": "– "}
_SYMPTOMS = (
    "Pain 0 to 10 (0 none, 10 worst imaginable), effort Borg CR10 (0 nothing, 10 maximal), as answered by "
    "the person."
)


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
    title = f"{analysis.definition.title}, {_date(analysis, created)}"
    story = _story(analysis, created)
    with replacing(path) as part, open(part, "wb", opener=opener) as file:
        document = SimpleDocTemplate(
            file, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=16 * mm,
            bottomMargin=20 * mm, title=title, author="", creator=f"formcheck {analysis.summary.formcheck}",
            lang="en",
        )  # fmt: skip

        def footer(canvas: Canvas, made: Any) -> None:
            canvas.saveState()
            canvas.setFont(FONT, 6.5)
            canvas.setFillColor(SOFT)
            canvas.drawString(
                MARGIN + 6, 11 * mm, "Practice and review aid, not a medical device. See the note on page 1."
            )
            canvas.drawRightString(A4[0] - MARGIN - 6, 11 * mm, f"{title}, page {made.page}")
            canvas.restoreState()

        document.build(story, onFirstPage=footer, onLaterPages=footer)


# -- the page's parts ------------------------------------------------------------------------------------


def _story(analysis: Analysis, created: str | None) -> list[Flowable]:
    """One page with the result; all else is the appendix."""
    said = page.content(analysis, created or "")
    summary = said["shown"]
    analysis = replace(analysis, summary=summary)
    annotator = Annotator(analysis)
    side = f", {summary.side}" if summary.side else ""
    story: list[Flowable] = [
        para(f"{analysis.definition.title}{side}", "title"),
        facts_table(said["who"], columns=3),
        Spacer(1, 5),
        para(f"{_SIGNS[said['coverage'].state]}{said['coverage'].state_text} · "
             f"{said['coverage'].text}", "strong"),
        *[para(line, "verdict") for line in said["verdict"]],
    ]  # fmt: skip
    if (why := said["no_reps"]) is not None:
        story += [para(f"Why: {why['why']}"), *[para(f"• {item}") for item in why["todo"]]]
    if summary.warnings or not summary.complete:
        lines = (
            []
            if summary.complete
            else ["The session was interrupted: this covers only the part before that."]
        )
        story += [para("Please note", "h2"), *[para(f"• {line}") for line in [*lines, *summary.warnings]]]
    story += _findings(said)
    if said["remarks"]:
        rows = [[about, text] for about, text in said["remarks"]]
        story += [para("Physio’s remarks", "h2"), grid(["About", "Remark"], rows, [0.25, 0.75])]
    story += [Spacer(1, 8), para(wording.NOTICE, "notice"), PageBreak(), para("Appendix", "title")]
    story += _pictures(analysis, annotator)
    story += _repetitions(analysis, said)
    if summary.live is not None:
        story += _practice(summary.live, analysis)
    story += _plots(analysis, annotator)
    story += _rulings(said)
    story += _not_assessed(said)
    looked = [*_header(analysis, created), *said["facts"][1:]]
    story += [para("What was looked at", "h2"), facts_table(looked)]
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
        para("Where the physio decided otherwise", "h2"),
        para(wording.RULINGS, "soft"),
        grid(["Where", "Finding", "formcheck", "Physio", "Note"], rows, [0.09, 0.22, 0.2, 0.29, 0.2]),
    ]


def _header(analysis: Analysis, created: str | None) -> list[tuple[str, str]]:
    rows = [("Exercise", analysis.definition.title)]
    if analysis.summary.live is None:
        rows.append(("File", analysis.summary.source.file))
        if created:
            rows.append(("Analysed", wording.moment(created)))
    pose = analysis.summary.pose
    rows.append(("Body points", f"{pose.engine}, model {pose.model}; formcheck {analysis.summary.formcheck}"))
    if analysis.prescription:
        rows.append(("Prescription", _tempo(analysis.definition.tempo)))
    info = analysis.summary.measures.get(analysis.primary)
    if info is not None:
        rows.append(("Signal measured", f"in {percent(info.ok_frames)} of the pictures with the person"))
    return rows


def _tempo(asked: Tempo) -> str:
    """``up 2 s, hold 3 s, down 2 s``, as far as it is prescribed."""
    times = (("up", asked.rise_s), ("hold", asked.hold_s), ("down", asked.lower_s))
    return ", ".join(f"{way} {time:g} s" for way, time in times if time is not None) or "no tempo"


def _not_assessed(said: dict[str, Any]) -> list[Flowable]:
    """What nothing is known about."""
    if not said["not_checked"]:
        return []
    out: list[Flowable] = [
        para("Not checked: why, and what would help", "h2"),
        para(wording.UNKNOWN, "soft"),
    ]
    for group in said["not_checked"]:
        how = f" {group.how}" if group.how else ""
        text = f"<b>{escape(' · '.join(group.titles))}</b><br/>{escape(f'Not checked: {group.why}.{how}')}"
        out.append(Paragraph(text, STYLES["small"]))
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
            "broken off" if s.end_s is None else f"{s.end_s - s.start_s:.0f} s",
            str(s.prescribed_reps),
            str(s.reps_counted),
            _answer(s.pain),
            _answer(s.effort),
        ]
        for s in live.sets[:MOST_LINES]
    ]
    heads = ["Set", "Began", "Lasted", "Asked", "Counted", "Pain after", "Effort"]
    settled = {None: "not asked", True: "yes", False: "no"}[live.settled]
    stopped = {"pain": "ended early because of pain", "stop": "ended early by the person"}.get(
        live.stopped or "", ""
    )
    facts = [
        ("Asked for", f"{times(live.prescribed_sets, 'set')} of {live.prescribed_reps}"),
        ("Done", f"{done} of {asked} repetitions ({adherence})"),
        ("Pain before", _answer(live.pain_before)),
        ("Settled within 24 h last time", settled),
        (
            "Kept",
            {"video": "video and body points", "skeleton": "body points only"}.get(live.consent, "nothing"),
        ),
    ]
    if stopped:
        facts.append(("Ended", stopped))
    if live.dropped_frames:
        facts.append(("Pictures lost", str(live.dropped_frames)))
    out: list[Flowable] = [para("Practice", "h2"), facts_table(facts)]
    if rows:
        out += [Spacer(1, 4), grid(heads, rows, [0.1, 0.15, 0.15, 0.15, 0.15, 0.15, 0.15])]
    out.append(para(_SYMPTOMS, "soft"))
    findings = findings_of(analysis)
    cues = [[clock(c.time_s), findings.title(c.fault), f"“{c.text}”"] for c in live.cues[:MOST_LINES]]
    out.append(para("Cues given", "h3"))
    out.append(grid(["At", "For", "Said"], cues, [0.12, 0.4, 0.48]) if cues else para("None."))
    return out


def _repetitions(analysis: Analysis, said: dict[str, Any]) -> list[Flowable]:
    if not said["reps"]:
        return []
    name, unit = said["primary"]
    heads = [
        "Rep",
        "Class",
        "Time",
        "Up, s",
        "Hold, s",
        "Down, s",
        f"{short_title(name)}, {unit}" if unit else short_title(name),
        "Findings",
        "Seen",
    ]
    rows = []
    for row in said["reps"]:
        rep = row["rep"]
        findings = "\n".join(
            f"{f['grade']}  {f['title']}, {f['value']}, {grade_word(f['grade'])}, at {f['at']}"
            for f in row["faults"]
        )
        if not findings:
            nothing = "none in what was checked" if said["coverage"].checked else "nothing was checked"
            findings = "not fully seen" if rep.class_ == "void" else nothing
        seen = row["confidence"] + ("\nnot graded" if row["unsure"] else "")
        in_set = f"{rep.set_}.{rep.index}" if rep.set_ is not None else str(rep.index)
        from_to = f"{clock(rep.start_s)}–{clock(rep.end_s)}"
        rows.append([in_set, rep.class_, from_to, *row["tempo"], row["top"], findings, seen])
    meanings = " ".join(f"{word.capitalize()}: {text}." for word, text in said["classes"].items())
    if any(row["rep"].set_ is not None for row in said["reps"]):
        meanings = f"“2.13” is repetition 13, in set 2. {meanings}"
    out: list[Flowable] = [
        para("Repetitions", "h2"),
        grid(heads, rows, [0.06, 0.09, 0.14, 0.07, 0.08, 0.08, 0.12, 0.27, 0.09]),
        para(f"{meanings} {wording.REPETITIONS}", "soft"),
    ]
    for table in said["peaks"]:
        title = "Values at the top"
        if len(said["peaks"]) > 1:
            title += f", repetitions {table['reps'][0]} to {table['reps'][-1]}"
        lines = []
        for row in table["rows"]:
            heading = f"{row['title']}, {row['unit']}" if row["unit"] else row["title"]
            lines.append([heading + (" (uncertain)" if row["low"] else ""), *row["values"]])
        rest = 0.64 / max(len(table["reps"]), 6)
        widths = [0.36, *[rest] * len(table["reps"])]
        out.append(
            KeepTogether([para(title, "h3"), grid(["Measure", *map(str, table["reps"])], lines, widths)])
        )
    return out


def _findings(said: dict[str, Any]) -> list[Flowable]:
    out: list[Flowable] = [para("Findings", "h2")]
    for found in said["seen"]:
        grade = grade_word(found.grade)
        text = f"{_SIGNS['faulty']}<b>{escape(found.title)}</b>, {grade} at most. In {escape(found.detail)}: "
        text += f"rep {escape(found.reps)}."
        detail = " ".join(t for t in (f"{found.wording}." if found.wording else "", found.grades) if t)
        out.append(KeepTogether([Paragraph(text, STYLES["body"]), para(detail, "soft")]))
    if not said["seen"]:
        checked = said["coverage"].checked
        out.append(para("Nothing was seen in what could be checked." if checked else "Nothing was checked."))
    for count, titles in said["clear"]:
        out.append(para(f"{_SIGNS['good']}Looked for in {count} and not seen: {' · '.join(titles)}."))
    if said["not_checked"]:
        titles = [title for group in said["not_checked"] for title in group.titles]
        out.append(para(f"{_SIGNS['unseen']}Not checked: {' · '.join(titles)}."))
    return out


def _pictures(analysis: Analysis, annotator: Annotator) -> list[Flowable]:
    stills, from_video = make_stills(analysis, annotator)
    if not stills:
        return []
    text = wording.PICTURES
    if not from_video:
        text += " The video is not at hand, so only the tracked points are shown."
    out: list[Flowable] = [para("Pictures", "h2"), para(text, "soft")]
    cells = []
    for still in stills:
        data = base64.b64decode(still.source.partition(",")[2])
        scale = min((WIDTH / 2 - 4 * mm) / still.width, _STILL_HEIGHT / still.height)
        picture = Image(io.BytesIO(data), still.width * scale, still.height * scale)
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
    out: list[Flowable] = [para("Over time", "h2"), _key()]
    if pieces:
        title = _title(analysis, analysis.primary)
        drawn = [plot(analysis, annotator, analysis.primary, span, (WIDTH, 92), FONT) for span in pieces]
        out.append(KeepTogether([para(f"{title} (counts the repetitions)", "h3"), drawn[0]]))
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
    cells: list[Any] = []
    style: list[Any] = [("VALIGN", (0, 0), (-1, -1), "MIDDLE"), ("LEFTPADDING", (0, 0), (-1, -1), 3)]
    for i, (phase, shade) in enumerate(key_shades().items()):
        cells += ["", para(words[phase], "small")]
        style.append(("BACKGROUND", (2 * i, 0), (2 * i, 0), shade))
    cells.append(
        para(
            "line: measured · dotted: uncertain · gap: not measurable · numbered bar: finding, its grade",
            "small",
        )
    )
    key = Table([cells], colWidths=[12, 44, 12, 46, 12, 48, WIDTH - 174])
    key.setStyle(style)
    key.hAlign = "LEFT"
    return key


def _method(said: dict[str, Any]) -> list[Flowable]:
    rows = [
        [row["title"], row["word"], row["why"] or "–", row["share"], row["noise"]] for row in said["measures"]
    ]
    return [
        para("How well each measure could be seen", "h2"),
        grid(
            ["Measure", "Status", "Why", "Measured", "Noise at rest (SD)"], rows, [0.3, 0.15, 0.29, 0.1, 0.16]
        ),
        para("Method and limits", "h2"),
        facts_table(said["made"]),
        Spacer(1, 4),
        para(wording.METHOD, "small"),
    ]


def _answer(value: float | None) -> str:
    return "not answered" if value is None else f"{value:g} of 10"


def _date(analysis: Analysis, created: str | None) -> str:
    live = analysis.summary.live
    return (live.started if live is not None else created or "")[:10] or analysis.summary.source.file
