"""A session from anybody may hold any amount: what is shown is bounded, what is left out is said."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asking import Page
from made import analysed, bridges

from formcheck.analysis import bounds
from formcheck.analysis.analysis import Analysis
from formcheck.analysis.events import Event
from formcheck.analysis.findings import findings_of
from formcheck.analysis.rulings import Review, Ruling
from formcheck.analysis.summary import CueGiven, LiveInfo, PracticeSet
from formcheck.report import pdf, pdf_parts
from formcheck.report.page import render
from formcheck.review import describe


def changed(**values: Any) -> Analysis:
    analysis = bridges()
    return replace(analysis, summary=analysis.summary.model_copy(update=values))


def warned(count: int = 50_000) -> Analysis:
    return changed(warnings=[f"Something was not quite right for the {i}th time." for i in range(count)])


def many_reps(count: int) -> Analysis:
    reps = bridges().summary.reps
    return changed(reps=[reps[i % len(reps)].model_copy(update={"index": i + 1}) for i in range(count)])


def a_billion_frames() -> Analysis:
    summary = bridges().summary
    return changed(
        source=summary.source.model_copy(update={"frames": 10**9, "duration_s": 4e7}),
        pose=summary.pose.model_copy(update={"frames_with_person": 10**9}),
    )


def html(analysis: Analysis, folder: Path) -> str:
    return "".join(render(analysis))


def paper(analysis: Analysis, folder: Path) -> str:
    """Text of a PDF: it is written whole, and what was set on its pages is noted down."""
    said: list[str] = []

    def note(text: str, style: str = "body") -> Any:
        said.append(text)
        return pdf_parts.para(text, style)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "para", note)
        pdf.write_pdf(analysis, folder / "report.pdf")
    assert (folder / "report.pdf").stat().st_size > 1000
    return "\n".join(said)


def page(analysis: Analysis, folder: Path) -> str:
    analysed(folder / "lib" / "one", analysis)
    asked = Page(folder / "lib")
    key = asked.get("/api/library").json()["sessions"][0]["key"]
    answer = asked.get(f"/api/session/{key}")
    assert answer.status == 200
    return answer.body.decode()


SHOWN: list[Callable[[Analysis, Path], str]] = [html, paper, page]


@pytest.mark.parametrize("show", SHOWN)
def test_fifty_thousand_warnings_take_no_time_and_their_number_is_said(show, tmp_path):
    show(bridges(), tmp_path / "first" if show is page else tmp_path)  # what is loaded once
    begun = time.process_time()
    text = show(warned(), tmp_path)
    assert time.process_time() - begun < 2
    assert "for the 39th time" in text
    assert "for the 40th time" not in text
    assert "Left out: 49960 more warnings." in text


@pytest.mark.parametrize("show", SHOWN)
def test_twenty_thousand_repetitions_are_counted_and_the_first_thousand_shown(show, tmp_path):
    text = show(many_reps(20_000), tmp_path)
    assert "20000 repetitions" in text
    assert "Left out of lists and drawings: 19000 repetitions after the first 1000." in text
    assert len(text) < 8_000_000  # of which five are the script that draws


@pytest.mark.parametrize("show", SHOWN)
def test_a_billion_claimed_frames_cost_nothing(show, tmp_path):
    show(bridges(), tmp_path / "first" if show is page else tmp_path)
    begun = time.process_time()
    assert show(a_billion_frames(), tmp_path)
    assert time.process_time() - begun < 2


def test_nothing_is_left_out_of_an_hour(tmp_path):
    summary = many_reps(900).summary
    assert bounds.shown_summary(summary) == summary
    assert bounds.shown_warnings(["a", "b"]) == ["a", "b"]


def test_one_repetition_with_any_number_of_findings_is_cut_and_said():
    rep = next(r for r in bridges().summary.reps if r.faults)
    odd = rep.model_copy(update={"faults": rep.faults[:1] * 5000})
    reps, notes = bounds.shown_reps([rep, odd, rep])
    assert sum(len(r.faults) for r in reps) == bounds.MOST_FINDINGS
    assert [r.index for r in reps] == [rep.index] * 3
    lost = 5000 + 2 * len(rep.faults) - bounds.MOST_FINDINGS
    assert notes == [f"Left out of lists and drawings: {lost} findings after the first 3000."]


def test_a_long_warning_is_cut():
    (only,) = bounds.shown_warnings(["x" * 10**6])
    assert len(only) == 501


def test_sets_and_cues_of_a_live_session_are_listed_up_to_a_number_and_counted_whole(tmp_path):
    one = PracticeSet(index=1, start_s=0, end_s=1, prescribed_reps=1, reps_counted=1, pain=None, effort=None)
    live = LiveInfo(
        started="2026-03-04T10:20:00+01:00", patient=None, language="en", consent="skeleton",
        prescribed_sets=700, prescribed_reps=1, sets=[one] * 700, pain_before=None, settled=None,
        cues=[CueGiven(time_s=1, fault="hip_not_extended", text="Higher")] * 800, stopped=None,
        dropped_frames=0,
    )  # fmt: skip
    text = paper(changed(live=live), tmp_path)
    assert "Left out: 200 sets after the first 500." in text
    assert "Left out: 300 cues after the first 500." in text
    cut, notes = bounds.shown_live(live)
    assert (len(cut.sets), len(cut.cues), len(notes)) == (500, 500, 2)


def test_of_any_number_of_events_the_first_are_told():
    events = [Event(float(i), i, "say", {"text": "Higher"}) for i in range(6000)]
    said, left_out = describe.happened(events, findings_of(bridges()))
    assert len(said) == 5000
    assert left_out == ["Left out: 1000 events after the first 5000."]


def test_remarks_and_rulings_are_listed_up_to_a_number(tmp_path, monkeypatch):
    count = bounds.MOST_LINES + 1
    review = Review(
        rulings=tuple(Ruling(None, "head_lifts", None, 1, float(i)) for i in range(count)),
        remarks=tuple((float(i), f"remark {i}.") for i in range(count)),
    )
    reviewed = replace(bridges(), review=review)
    text = "".join(render(reviewed))
    assert (text.count("remark 0."), text.count(f"remark {count - 1}.")) == (1, 0)
    assert "Left out: 1 more remark." in text
    assert "Left out: 1 more finding." in text
    listed: list[list[str]] = []

    def grid(heads: list[str], rows: list[list[str]], shares: list[float]) -> Any:
        if heads[:2] == ["Where", "Finding"]:
            listed.extend(rows)
        return pdf_parts.grid(heads, rows, shares)

    monkeypatch.setattr(pdf, "grid", grid)
    pdf.write_pdf(reviewed, tmp_path / "report.pdf")
    assert listed[-1][1] == "Left out: 1 more finding."
    assert len(listed) == count
