"""How far physio and program agree, per fault, over the repetitions that were watched."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.findings import counted_reps
from formcheck.review.noted import NotedSession, titles_of_exercise
from formcheck.session.library import Card, printable


@dataclass
class Tally:
    """Repetitions in which a fault was checked by the program and watched by the physio."""

    both: int = 0
    program_only: int = 0
    physio_only: int = 0
    neither: int = 0

    @property
    def count(self) -> int:
        """All of them."""
        return self.both + self.program_only + self.physio_only + self.neither

    @property
    def percent(self) -> float | None:
        """Share in which both say the same, percent."""
        return None if self.count == 0 else 100.0 * (self.both + self.neither) / self.count

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa; None where it is not defined, because both always say the same one thing."""
        n = self.count
        if n == 0:
            return None
        program, physio = self.both + self.program_only, self.both + self.physio_only
        by_chance = (program * physio + (n - program) * (n - physio)) / (n * n)
        if by_chance >= 1.0:
            return None
        return ((self.both + self.neither) / n - by_chance) / (1.0 - by_chance)


#: Which faults of which repetitions of a session were checked, as far as that is known.
Checked = dict[int, set[str]]


def checked_faults(card: Card, judged: Analysis | None) -> Checked:
    """For each counted repetition, the faults that the program could check in it.

    Args:
        card: the session.
        judged: the same session judged again by the same thresholds, where the summary alone does not tell
            (a fault that was checked in some repetitions only). None: those are left out where not found.
    """
    named = counted_reps(card.reps)
    faults = card.summary.faults if card.summary is not None else {}
    every = {name for name, info in faults.items() if info.checked and info.reps_checked == len(named)}
    out: Checked = {rep.index: every | {e.id for e in rep.faults} for rep in named}
    if judged is None:
        return out
    for again, checks in zip(judged.summary.reps, judged.checks, strict=True):
        same = next((rep for rep in named if abs(rep.start_s - again.start_s) < 0.3), None)
        if same is not None:
            out[same.index] |= {name for name, check in checks.items() if check.checked}
    return out


def needs_judging(card: Card) -> bool:
    """True where the summary alone does not tell which repetitions a fault was checked in."""
    n = len(counted_reps(card.reps))
    faults = card.summary.faults if card.summary is not None else {}
    return any(0 < info.reps_checked < n for info in faults.values())


def add_up(reviewed: NotedSession, checked: Checked, into: dict[tuple[str, str], Tally]) -> None:
    """Adds a session's watched repetitions to the tallies, by exercise and fault."""
    card = reviewed.card
    assert card.meta is not None
    for rep in counted_reps(card.reps):
        if not reviewed.watched(rep):
            continue
        verdicts, added = reviewed.verdicts(rep), reviewed.added(rep)
        found = {event.id for event in rep.faults}
        for fault in checked.get(rep.index, set()):
            tally = into.setdefault((card.meta.exercise, fault), Tally())
            if fault in found:
                verdict = verdicts.get(fault)
                tally.both += verdict == "accepted"
                tally.program_only += verdict == "rejected"
            else:
                tally.physio_only += fault in added
                tally.neither += fault not in added


def agreement_rows(tallies: dict[tuple[str, str], Tally]) -> list[dict[str, Any]]:
    """One row a fault, those with most repetitions first."""
    rows = []
    for (exercise, fault), tally in tallies.items():
        if tally.count == 0:
            continue
        titles, _ = titles_of_exercise(exercise)
        rows.append(
            {
                "exercise": printable(exercise, 60),
                "exercise_title": titles.get("", printable(exercise, 60)),
                "fault": printable(fault, 60),
                "title": titles.get(fault, printable(fault, 60)),
                "reps": tally.count,
                "both": tally.both,
                "program_only": tally.program_only,
                "physio_only": tally.physio_only,
                "neither": tally.neither,
                "percent": None if tally.percent is None else round(tally.percent, 1),
                "kappa": None if tally.kappa is None else round(tally.kappa, 3),
            }
        )
    return sorted(
        rows, key=lambda row: (-(row["both"] + row["program_only"] + row["physio_only"]), row["title"])
    )


def agreement_csv(rows: list[dict[str, Any]]) -> str:
    """The table as CSV, safe to open in a spreadsheet."""
    names = ("exercise", "fault", "title", "reps", "both", "program_only", "physio_only", "neither")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*names, "agreement_percent", "cohens_kappa"])
    for row in rows:
        writer.writerow([_cell(row[name]) for name in (*names, "percent", "kappa")])
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A spreadsheet would take a text that begins like this for a formula."""
    if isinstance(value, str) and value[:1] in tuple("=+-@\t\r"):
        return f"'{value}"
    return "" if value is None else value
