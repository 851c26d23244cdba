"""The session in a few lines, to be pasted into the notes of a practice."""

from __future__ import annotations

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.findings import coverage
from formcheck.report.page import content
from formcheck.words import say


def note_text(analysis: Analysis, created: str = "") -> str:
    """Who, what, the result that stands, the physio's remarks, and who reviewed it.

    Args:
        analysis: with what a physio decided (`formcheck.analysis.decisions`).
        created: when the video was analysed, ISO 8601; "" for now.
    """
    said = content(analysis, created)
    summary = analysis.summary
    (_, patient), (dated, when), (_, reviewed) = said["who"]
    lines = [
        f"{patient} · {said['title']} · {dated.lower()} {when}",
        *said["verdict"],
        say("report.camera", coverage=coverage(summary.faults).text, view=said["view_title"]),
        *[f"{about}: {text}" for about, text in said["remarks"]],
        f"{say('report.reviewed', who=reviewed)} {say('report.signature', version=summary.formcheck)}",
    ]
    return "\n".join(lines) + "\n"
