"""The PDF report: everything that must be said is in it, whatever the session held."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from reportlab.platypus import Flowable, KeepTogether, Paragraph, Table
from stored_session import command, judged, noisy_track, practised, store

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.decisions import Decisions, FaultDecision, decided
from formcheck.analysis.findings import findings_of
from formcheck.analysis.phrases import in_sentence
from formcheck.analysis.rulings import Review
from formcheck.analysis.summary import Rep
from formcheck.errors import FormcheckError
from formcheck.measures.places import PLACES
from formcheck.measures.table import true_runs
from formcheck.report import page, pdf, pdf_plots, plots, wording
from formcheck.report.annotate import Annotator


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return judged(noisy_track(), warnings=["The <b>video</b> breaks off & ends."])


@pytest.fixture(scope="module")
def live(analysis: Analysis) -> Analysis:
    info = practised("Jürgen Möß-Å", "Höher, bis die Hüfte gerade ist")
    reps = [rep.model_copy(update={"set_": 1 + (rep.index > 2)}) for rep in analysis.summary.reps]
    return replace(analysis, summary=analysis.summary.model_copy(update={"live": info, "reps": reps}))


def text_of(flowables: list[Flowable]) -> str:
    """All words of a report, in order."""
    out: list[str] = []

    def walk(item: object) -> None:
        if isinstance(item, Paragraph):
            out.append(item.getPlainText())
        elif isinstance(item, KeepTogether):
            walk(item._content)
        elif isinstance(item, Table):
            walk(item._cellvalues)
        elif isinstance(item, list | tuple):
            for part in item:
                walk(part)

    walk(flowables)
    return "\n".join(out)


def said(analysis: Analysis) -> str:
    pdf.register_fonts()
    return text_of(pdf._story(analysis, "2026-01-02T03:04:05+01:00"))


def test_the_wording_is_on_the_first_page_word_for_word(analysis):
    assert wording.notice() in said(analysis).partition("\nAppendix\n")[0]


def test_every_fault_is_told_seen_not_seen_or_not_assessed(analysis):
    text = said(analysis)
    assert "Nothing is known about these. They may or may not have happened." in text
    findings = text.partition("\nFindings\n")[2].partition("\nAppendix\n")[0]
    told, unseen = findings.split("Not checked: ")
    for name, info in analysis.summary.faults.items():
        title = analysis.definition.faults[name].title
        assert title in (told if info.checked else unseen), name


def test_every_repetition_is_in_the_table_with_its_findings(analysis):
    text = said(analysis)
    for rep in analysis.summary.reps:
        assert f"\n{rep.index}\n{rep.class_}\n" in text
        for fault in rep.faults:
            assert analysis.definition.faults[fault.id].title in text
    assert "4 repetitions" not in text
    assert "3 repetitions: 2 full, 1 partial." in text


def test_what_comes_from_elsewhere_is_text_and_never_markup(analysis):
    assert "The <b>video</b> breaks off & ends." in said(analysis)
    review = Review(remarks=((None, "Gut </para> & <script>"),), patient="<i>P", reviewers=("<b>",))
    text = said(replace(analysis, review=review))
    for words in ("Gut </para> & <script>", "<i>P", "by <b>"):
        assert words in text


def test_a_live_session_says_what_was_asked_done_felt_and_said(live):
    text = said(live)
    for words in ("Jürgen Möß-Å", "2026-03-04 10:20", "3 of 8 repetitions (38 %)", "broken off", "4.5 of 10",
                  "2 of 10", "not answered", "ended early because of pain",
                  "“Höher, bis die Hüfte gerade ist”", "Settled within 24 h last timeno",
                  "body points only"):  # fmt: skip
        assert words in re.sub(r"\n+", "\n", text), words
    assert "\n2.3\n" in text  # repetition 3, in set 2
    assert "Practice" not in said(replace(live, summary=live.summary.model_copy(update={"live": None})))


def test_a_recording_of_nobody_is_a_report_too(tmp_path):
    track = noisy_track()
    track.person[:] = False
    track.image_xyz[:] = track.world_xyz[:] = np.nan
    track.visibility[:] = 0
    nobody = judged(track)
    text = said(nobody)
    assert "No repetitions of this exercise were found." in text
    assert "Over time" not in text
    pdf.write_pdf(nobody, tmp_path / "r.pdf")
    assert (tmp_path / "r.pdf").read_bytes().startswith(b"%PDF")


def test_the_file_is_whole_and_holds_umlauts(live, tmp_path):
    path = tmp_path / "r.pdf"
    pdf.write_pdf(live, path)
    data = path.read_bytes()
    assert data.rstrip().endswith(b"%%EOF")
    assert b"BitstreamVeraSans" in data  # embedded: no reader needs to have it
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True).stdout.decode()
        assert "Jürgen Möß-Å" in text
        assert "Höher, bis die Hüfte gerade ist" in text


def test_a_full_disk_leaves_the_earlier_report(analysis, tmp_path, monkeypatch):
    path = tmp_path / "r.pdf"
    path.write_bytes(b"earlier")

    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pdf.SimpleDocTemplate, "build", full)
    with pytest.raises(FormcheckError, match="full"):
        pdf.write_pdf(analysis, path)
    assert path.read_bytes() == b"earlier"
    assert [file.name for file in tmp_path.iterdir()] == ["r.pdf"]


def test_a_rejected_finding_is_only_where_the_decisions_are(analysis):
    rep = next(rep for rep in analysis.summary.reps if rep.faults)
    event = rep.faults[0]
    title, value = analysis.definition.faults[event.id].title, findings_of(analysis).value(event)
    no = [FaultDecision(r.index, event.id, "rejected", note="kurz", by="A. Meyer", on="2026-11-29T18:40:00")
          for r in analysis.summary.reps if any(f.id == event.id for f in r.faults)]  # fmt: skip
    remark = (4.0, "Schön ruhig")
    decisions = Decisions(
        tuple(no), remarks=(remark,), quality="good", patient="P-7", reviewers=("A. Meyer",)
    )
    text = said(decided(analysis, decisions))
    for words in ("P-7", "by A. Meyer", "At 0:04.0\nSchön ruhig", "Quality of performance\ngood"):
        assert words in text, words
    ruled = text.partition("\nWhere the physio decided otherwise\n")[2].partition("\nNot checked: why")[0]
    assert ruled.count("Rejected by A. Meyer on 2026-11-29 18:40") == len(no)
    assert title in ruled
    assert value in ruled
    page_one = text.partition("\nAppendix\n")[0]
    assert in_sentence(title) not in page_one
    assert f"{title}, {value}" not in text


def test_gaps_in_a_plot_stay_gaps(analysis):
    pdf.register_fonts()
    table = analysis.measures
    signal = table.names.index(analysis.primary)
    known = np.isfinite(table.value[:, signal])
    runs = len(true_runs(known & (table.status[:, signal] == 0)))
    assert runs > 1  # the six frames in which nobody was seen
    span = (float(analysis.track.time_s[0]), float(analysis.track.time_s[-1]))
    drawing = pdf_plots.plot(analysis, Annotator(analysis), analysis.primary, span, (400, 90), pdf.FONT)
    lines = [part for part in drawing.contents if type(part).__name__ == "PolyLine"]
    low = len(true_runs(known & (table.status[:, signal] == 1)))
    assert len(lines) == runs + low


@pytest.mark.parametrize("limits", [(0, 1), (-0.043, 0.0426), (0, 3600), (117.2, 181.0), (-1e-9, 1e-9)])
def test_ticks_are_few_and_within(limits):
    ticks = pdf_plots._ticks(limits, 4)
    assert 1 <= len(ticks) <= 5
    assert all(limits[0] <= tick <= limits[1] for tick in ticks)


def test_the_command_writes_a_pdf_and_a_page(analysis, tmp_path, capsys):
    folder = store(analysis, tmp_path / "s")
    for to in ("pdf", "html"):
        done = command(capsys, "export", folder, "--to", to)
        assert done.status == 0, done.err
        assert Path(done.out.strip()) == folder / f"export.{to}"
        assert (folder / f"export.{to}").stat().st_size > 20_000


@pytest.mark.parametrize(
    ("tempo", "told"),
    [
        ("rise_s = 2\nhold_s = 3\nlower_s = 2.5", "up 2 s, hold 3 s, down 2.5 s"),
        ("lower_s = 3", "down 3 s"),
        ("", "no tempo"),
    ],
)
def test_only_what_was_prescribed_is_told_of_the_tempo(tempo: str, told: str, tmp_path: Path) -> None:
    asked = tmp_path / "asked.toml"
    asked.write_text(f"reps = 3\n[tempo]\n{tempo}\n")
    rows = dict(pdf._header(judged(noisy_track(), prescription=asked), None))
    assert rows["Prescription"] == told


def test_where_shoulders_and_feet_are_is_not_plotted_and_last_in_the_list_of_measures(
    analysis: Analysis,
) -> None:
    assert any(np.isfinite(analysis.measures.column(name)).any() for name in PLACES)
    _, drawn = plots.build_plots(analysis, Annotator(analysis))
    assert {plot.name for plot in drawn}.isdisjoint(PLACES)
    told = page.content(analysis)
    titles = {m.title for name, m in analysis.definition.measures.items() if name in PLACES}
    assert titles.isdisjoint(row["title"] for table in told["peaks"] for row in table["rows"])
    last = set(PLACES) & set(analysis.definition.measures)
    assert {row["name"] for row in told["measures"][-len(last) :]} == last
    assert not any("shoulders moved" in text for text in (*told["can_see"], *told["uncertain"]))
    assert "Shoulders moved" not in said(analysis).split("How well each measure")[0]


def test_an_allowance_that_decided_a_grade_is_in_page_and_pdf(analysis: Analysis) -> None:
    rule = analysis.definition.faults["head_lifts"].rules[0]
    value = rule.grades[1] + 0.01

    def kept(rep: Rep) -> Rep:
        change = {"grade": 1, "value": value, "allowance": 0.02}
        faults = [f.model_copy(update=change) if f.id == "head_lifts" else f for f in rep.faults]
        return rep.model_copy(update={"faults": faults})

    reps = [kept(rep) for rep in analysis.summary.reps]
    changed = replace(analysis, summary=analysis.summary.model_copy(update={"reps": reps}))
    told = "passed by up to 0.020, the allowance for the error."
    assert told in said(changed)
    (head,) = [found for found in page.content(changed)["seen"] if found.fault == "head_lifts"]
    assert told in head.grades


def elements(data: bytes) -> dict[str, int]:
    """How many elements of each kind a PDF's structure tree has."""
    kinds = re.findall(rb"/S /(\w+)", data)
    return {kind.decode(): kinds.count(kind) for kind in set(kinds)}


def test_a_screen_reader_is_told_headings_tables_and_what_pictures_show(live, tmp_path):
    path = tmp_path / "r.pdf"
    pdf.write_pdf(live, path)
    data = path.read_bytes()
    for mark in (b"/Marked true", b"/Lang (en)", b"/DisplayDocTitle true", b"/StructParents 0"):
        assert mark in data, mark
    told = elements(data)
    assert told["H1"] == 2  # its title, and the appendix
    assert told["Table"] >= 4
    assert told["TD"] > told["TH"] > told["TR"] / 2
    assert data.count(b"/Alt ") == told["Figure"] > 0
    assert b"(Seen in 2 of 3 " in data  # read with its spaces, however the lines are broken
    if not shutil.which("pdfinfo"):
        return
    done = subprocess.run(["pdfinfo", "-struct-text", path], capture_output=True, check=True)
    assert done.stderr == b""
    read = done.stdout.decode()
    assert read.index("Findings") < read.index("Appendix") < read.index("Höher, bis die Hüfte gerade ist")
