"""What a command shows at its end: the verdict with its coverage, and all that was not checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from stored_session import judged, noisy_track

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.findings import coverage
from formcheck.cli.output import print_verdict
from formcheck.session.folder import OutputFolder


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return judged(noisy_track())


def shown(analysis: Analysis, capsys: pytest.CaptureFixture[str]) -> str:
    print_verdict(analysis, OutputFolder(Path("mat.mp4"), Path("out")), video=False, report=False)
    return " ".join(capsys.readouterr().out.split())


def test_every_fault_is_named_whatever_the_reason_it_was_not_checked_for(
    analysis: Analysis, capsys: pytest.CaptureFixture[str]
) -> None:
    reasons = {
        "over_extended": "noise",
        "hold_sags": "occluded",
        "head_lifts": "fps",
        "hip_not_extended": "baseline",
        "knees_fall_in": "view",
    }
    faults = dict(analysis.summary.faults)
    for name, reason in reasons.items():
        told = {"checked": False, "reason": reason, "reps_affected": 0}
        faults[name] = faults[name].model_copy(update=told)
    changed = replace(analysis, summary=analysis.summary.model_copy(update={"faults": faults}))
    text = shown(changed, capsys).lower()
    for name, info in faults.items():
        if not info.checked:
            assert analysis.definition.faults[name].title.lower() in text, name
    assert coverage(faults).text in text
    assert "the tracking was too unsteady to tell: over-extension (possible)." in text


def test_where_nothing_could_be_checked_the_first_sentence_says_so(
    analysis: Analysis, capsys: pytest.CaptureFixture[str]
) -> None:
    unseen = {"checked": False, "reason": "noise", "reps_checked": 0, "reps_affected": 0, "worst_grade": 0}
    faults = {name: info.model_copy(update=unseen) for name, info in analysis.summary.faults.items()}
    reps = [rep.model_copy(update={"faults": []}) for rep in analysis.summary.reps]
    summary = analysis.summary.model_copy(update={"faults": faults, "reps": reps})
    text = shown(replace(analysis, summary=summary), capsys)
    assert (
        "3 repetitions: 2 full, 1 partial; nothing about how they were done could be checked. – Nothing"
        in text
    )


def test_without_a_repetition_no_fault_is_spoken_of(
    analysis: Analysis, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(replace(analysis, summary=analysis.summary.model_copy(update={"reps": []})), capsys)
    assert "no repetitions of this exercise were found." in text
    assert "checked" not in text
