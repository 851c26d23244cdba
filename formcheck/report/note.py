"""The session in a few lines, to be pasted into the notes of a practice."""

from __future__ import annotations

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.findings import coverage
from formcheck.report.page import content


def note_text(analysis: Analysis, created: str = "") -> str:
    """Who, what, the result that stands, the physio's remarks, and who reviewed it.

    Args:
        analysis: with what a physio decided (`formcheck.analysis.decisions`).
        created: when the video was analysed, ISO 8601; "" for now.
    """
    said = content(analysis, created)
    summary, definition = analysis.summary, analysis.definition
    side = f", {summary.side}" if summary.side else ""
    (_, patient), (dated, when), (_, reviewed) = said["who"]
    lines = [
        f"{patient} · {definition.title}{side} · {dated.lower()} {when}",
        *said["verdict"],
        f"{coverage(summary.faults).text.capitalize()}, camera {said['view_title']}.",
        *[f"{about}: {text}" for about, text in said["remarks"]],
        f"Reviewed: {reviewed}. formcheck {summary.formcheck}, practice and review software, not a medical "
        "device.",
    ]
    return "\n".join(lines) + "\n"
