"""Report, PDF and note in German: no English sentence, no English label, numbers with a comma."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from english import english_left
from reportlab.platypus import Flowable
from stored_session import judged, noisy_track, practised
from test_page import Page
from test_pdf import text_of

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.decisions import Decisions, FaultDecision, decided
from formcheck.drawing.overlay import clock
from formcheck.report import page, pdf
from formcheck.report.note import note_text
from formcheck.words import said_of, say, speaking, spoken

#: What is no sentence: names of files, engines and fields, and what people wrote.
NAMES = ("formcheck", "bridge, ", "frames.csv", "blazepose-onnx", "blazepose")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """A live session with a ruling, a remark, a warning, pain and effort."""
    known = [text for key, text in said_of("told.", "en").items() if "{" not in text and text[0].isupper()]
    found = judged(noisy_track(), warnings=known[:30])
    info = practised("Möß", "Höher")
    found = replace(found, summary=found.summary.model_copy(update={"live": info}))
    rep = next(rep for rep in found.summary.reps if rep.faults)
    event = rep.faults[0]
    decision = FaultDecision(
        rep.index, event.id, "rejected", time_s=event.start_s, by="Meyer", on="2026-03-05"
    )
    remarks = ((1.0, "Gut"), (None, "Weiter so"))
    return decided(found, Decisions(remarks=remarks, quality="good", decisions=(decision,)))


@pytest.fixture(autouse=True)
def german() -> Iterator[None]:
    with speaking("de"):
        yield


def test_the_page_is_german_throughout(analysis: Analysis) -> None:
    html = "".join(page.render(analysis, created="2026-03-04T10:20:00+01:00"))
    assert '<html lang="de" translate="no">' in html
    read = Page(html)
    labels = [a.get(n) or "" for _, a in read.tags for n in ("aria-label", "alt", "title", "placeholder")]
    names = (*NAMES, *analysis.measures.names, analysis.summary.source.file)
    assert not english_left([*read.words, *labels], names)
    assert "Anhang" in read.text
    assert "Wo die Praxis anders entschieden hat" in read.text
    plots = re.findall(r'"(?:text|hovertext)":\s*"([^"@%<]+)"', html.partition("const figures")[2])
    assert plots
    assert not english_left(plots, names)


def test_the_pdf_is_german_throughout(analysis: Analysis, tmp_path: Path) -> None:
    pdf.register_fonts()
    story: list[Flowable] = pdf._story(analysis, "2026-03-04T10:20:00+01:00")
    lines = text_of(story).splitlines()
    assert not english_left(lines, (*NAMES, analysis.summary.source.file))
    assert "Übungseinheit" in lines
    pdf.write_pdf(analysis, tmp_path / "bericht.pdf")
    assert b"/Lang (de)" in (tmp_path / "bericht.pdf").read_bytes()


def test_the_note_is_german_and_its_numbers_have_a_comma(analysis: Analysis) -> None:
    note = note_text(analysis)
    assert not english_left(note.splitlines(), NAMES)
    assert note.startswith("Möß · Brücke")
    assert "möglichen Fehlern geprüft, Kamera" in note


def test_where_nothing_was_counted_what_to_do_is_german(analysis: Analysis) -> None:
    summary = analysis.summary.model_copy(update={"reps": [], "live": None})
    said = page.content(replace(analysis, summary=summary))
    assert said["no_reps"]["todo"]
    assert not english_left([said["no_reps"]["why"], *said["no_reps"]["todo"], *said["verdict"]], NAMES)


def test_what_is_spoken_ends_with_its_work(analysis: Analysis) -> None:
    with speaking("en"):
        assert say("report.head.appendix") == "Appendix"
    assert say("report.head.appendix") == "Anhang"
    assert spoken() == "de"
    assert clock(3.2) == "0:03,2"
