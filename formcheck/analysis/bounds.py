"""How much of a session is shown: its file may be from anybody, and hold any amount of anything.

Counts are always of all; what is cut here are the lists. What was left out is said, among the warnings.
"""

from __future__ import annotations

from collections.abc import Sequence

from formcheck.analysis.phrases import times
from formcheck.analysis.summary import LiveInfo, Rep, Summary
from formcheck.words import retold, say

#: An analysis gives a dozen at most; nobody reads more. 50,000 took a page 15 s and a PDF 100 s.
MOST_WARNINGS = 40
_MOST_LETTERS = 500
#: A session of an hour with a repetition every four seconds has 900.
MOST_REPS = 1000
#: In all of them together: three in each.
MOST_FINDINGS = 3000
#: Sets, cues, and a physio's notes, each.
MOST_LINES = 500


def shown_summary(summary: Summary) -> Summary:
    """A summary with the repetitions and warnings that are shown; its last warnings say what was left out."""
    reps, notes = shown_reps(summary.reps)
    if summary.live is not None:
        notes += shown_live(summary.live)[1]
    warnings = shown_warnings(summary.warnings) + notes
    return summary.model_copy(update={"reps": reps, "warnings": warnings})


def shown_live(live: LiveInfo) -> tuple[LiveInfo, list[str]]:
    """What of a live session is listed, and sentences that say how much was left out."""
    cut = live.model_copy(update={"sets": live.sets[:MOST_LINES], "cues": live.cues[:MOST_LINES]})
    return cut, [
        say("findings.bounds.lines", count=times(len(items) - MOST_LINES, what), n=MOST_LINES)
        for what, items in (("set", live.sets), ("cue", live.cues))
        if len(items) > MOST_LINES
    ]


def shown_reps(reps: Sequence[Rep]) -> tuple[list[Rep], list[str]]:
    """The repetitions that are listed and drawn, and sentences that say how much was left out."""
    out: list[Rep] = []
    room = MOST_FINDINGS
    for rep in reps[:MOST_REPS]:
        if len(rep.faults) > room:
            rep = rep.model_copy(update={"faults": rep.faults[:room]})
        room -= len(rep.faults)
        out.append(rep)
    notes = []
    if (more := len(reps) - len(out)) > 0:
        notes.append(say("findings.bounds.drawn", count=times(more, "repetition"), n=MOST_REPS))
    listed = sum(len(rep.faults) for rep in reps[:MOST_REPS])
    if (more := listed - (MOST_FINDINGS - room)) > 0:
        notes.append(say("findings.bounds.drawn", count=times(more, "finding"), n=MOST_FINDINGS))
    return out, notes


def shown_warnings(warnings: Sequence[str]) -> list[str]:
    """The warnings that are shown, with a last one that says how many more there are."""
    told = [retold(w) for w in warnings[:MOST_WARNINGS]]
    out = [w if len(w) <= _MOST_LETTERS else f"{w[:_MOST_LETTERS]}…" for w in told]
    if (more := len(warnings) - len(out)) > 0:
        out.append(say("findings.bounds.more", count=times(more, "more_warning")))
    return out
