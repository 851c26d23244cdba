"""Many sessions together: one patient's over time, and how far physio and program agree."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import Any

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.decisions import Standing, standing
from formcheck.analysis.findings import GRADE_WORDS, class_counts, counted_reps, coverage, rule_levels
from formcheck.analysis.phrases import short_title
from formcheck.analysis.summary import Rep
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import EXERCISES, Definition, load_definition
from formcheck.session.library import Card, Library, printable
from formcheck.session.notes import Item, Notes, decisions_of

#: Until the project's own repeat study (spec 4.3): less change than this may be measurement error.
MDC_DEG = 10.0
MDC_SHARE = 0.15
#: Phases that a fault can be about, by the name of their duration in a repetition.
_PHASES = {"rise_s": "Time up", "hold_s": "Time held", "lower_s": "Time down"}
#: Faults of which a trend is drawn.
_MOST_FAULTS = 8


@dataclass(frozen=True)
class NotedSession:
    """A session's card with what the physio noted about it.

    Attributes:
        card: of the session.
        items: notes that stand.
        trouble: why the notes cannot be read, or None.
    """

    card: Card
    items: list[Item] = field(default_factory=list)
    trouble: str | None = None

    def one(self, kind: str) -> dict[str, Any]:
        """Data of the only item of a kind, empty if there is none."""
        return next((item.data or {} for item in self.items if item.kind == kind), {})

    @property
    def patient(self) -> str:
        """Pseudonym: the physio's word, else the session's own."""
        own = self.card.live.patient if self.card.live else None
        return printable(str(self.one("about").get("patient") or own or ""), 80)

    @property
    def date(self) -> str:
        """When it took place, ISO 8601."""
        return printable(str(self.one("about").get("recorded") or self.card.started), 40)

    @cached_property
    def standing(self) -> Standing:
        """What stands by the physio's decisions."""
        faults = self.card.summary.faults if self.card.summary is not None else {}
        return standing(self.card.reps, faults, decisions_of(self.items))

    def verdicts(self, rep: Rep) -> dict[str, str]:
        """Fault and verdict of each decided fault of a repetition."""
        return {
            str(d["fault"]): str(d["verdict"])
            for d in self._data("decision")
            if d["rep"] == rep.index and d["verdict"]
        }

    def added(self, rep: Rep) -> set[str]:
        """Faults of a repetition that only the physio saw."""
        by_eye = [look for look in self._data("look") if look["answer"] == "yes"]
        return {str(m["fault"]) for m in (*self._data("missed"), *by_eye) if m["rep"] == rep.index}

    def watched(self, rep: Rep) -> bool:
        """True for a repetition that was watched as a whole."""
        return any(r["rep"] == rep.index and r["done"] for r in self._data("reviewed"))

    def _data(self, kind: str) -> list[dict[str, Any]]:
        return [item.data for item in self.items if item.kind == kind and item.data is not None]


def with_notes(card: Card) -> NotedSession:
    """A card with its notes; notes that cannot be read cost nothing but themselves."""
    try:
        return NotedSession(card, Notes(card.folder.path).standing())
    except FormcheckError as error:
        return NotedSession(card, [], printable(str(error), 400))


def patient_key(patient: str) -> str:
    """What addresses a patient's page."""
    return hashlib.sha256(patient.encode()).hexdigest()[:16]


def library_row(reviewed: NotedSession) -> dict[str, Any]:
    """One session in the list."""
    card = reviewed.card
    base = {"key": card.folder.key, "name": card.folder.name, "problem": card.problem}
    if card.problem is not None or card.meta is None:
        return base | {"changed": card.changed}
    meta, stands = card.meta, reviewed.standing
    reps, review = stands.reps, stands.review
    named = counted_reps(reps)
    affected = [rep for rep in named if rep.faults]
    tally = Counter(event.id for rep in named for event in rep.faults)
    worst: dict[str, int] = {}
    for event in (event for rep in named for event in rep.faults):
        worst[event.id] = max(worst.get(event.id, 0), event.grade)
    gravest = sorted(tally, key=lambda name: (-worst[name], -tally[name]))
    live = card.live
    pain = [p for p in (live.pain_before, *(s.pain for s in live.sets)) if p is not None] if live else []
    titles, views = _titles(meta.exercise)
    covered = coverage(stands.faults)
    good, _, unseen = covered.of_reps(len(named), len(affected))
    attention = []
    if live and live.stopped:
        attention.append("stopped because of pain" if live.stopped == "pain" else "stopped early")
    if pain and max(pain) >= 6:
        attention.append(f"pain up to {max(pain)} of 10")
    if live and live.settled is False:
        attention.append("pain of last time had not settled")
    if not card.complete:
        attention.append("broke off" if card.summary is None else "interrupted")
    if not named:
        attention.append("no repetition counted")
    if reviewed.trouble:
        attention.append("notes cannot be read")
    if card.damage:
        attention.append("partly damaged")
    return base | {
        "patient": reviewed.patient,
        "patient_key": patient_key(reviewed.patient) if reviewed.patient else "",
        "date": reviewed.date,
        "live": live is not None,
        "source": printable(meta.source, 80),
        "exercise": printable(meta.exercise, 60),
        "title": titles.get("", printable(meta.exercise, 60)),
        "side": meta.side if meta.side in ("left", "right") else None,
        "view": views.get(meta.view, printable(meta.view, 30)),
        "duration_s": card.summary.source.duration_s if card.summary else None,
        "counts": class_counts(reps),
        "affected": len(affected),
        "state": covered.state,
        "coverage": covered.text,
        "good": good,
        "unseen": unseen,
        "top_faults": [
            {
                "id": name,
                "title": titles.get(name, printable(name, 60)),
                "reps": tally[name],
                "grade": worst[name],
                "grade_word": GRADE_WORDS[worst[name]],
            }
            for name in gravest[:3]
        ],
        "undecided": review.undecided,
        "watched": review.watched,
        "done": review.done,
        "rating": reviewed.one("rating").get("level"),
        "attention": attention,
    }


def _shipped(exercise: str) -> Definition | None:
    """This formcheck's definition of an exercise; None where it has none, or its file is damaged."""
    with suppress(FormcheckError):
        return load_definition(exercise) if exercise in EXERCISES else None
    return None


def _titles(exercise: str) -> tuple[dict[str, str], dict[str, str]]:
    """Titles of an exercise (key: empty) and its faults, and of its views."""
    if (definition := _shipped(exercise)) is None:
        return {}, {}
    faults = {name: fault.title for name, fault in definition.faults.items()}
    return {"": definition.title} | faults, {name: view.title for name, view in definition.views.items()}


# -- one patient over time -------------------------------------------------------------------------------


def patient_page(library: Library, key: str) -> dict[str, Any] | None:
    """One patient's sessions over time, grouped so that only like is compared with like."""
    mine = [
        r
        for card in library.cards()
        if card.problem is None and card.meta is not None
        if (r := with_notes(card)).patient and patient_key(r.patient) == key
    ]
    if not mine:
        return None
    mine.sort(key=lambda r: r.date)
    groups: dict[tuple[str, str], list[NotedSession]] = defaultdict(list)
    for reviewed in mine:
        assert reviewed.card.meta is not None
        groups[reviewed.card.meta.exercise, reviewed.card.meta.view].append(reviewed)
    return {
        "patient": mine[0].patient,
        "sessions": len(mine),
        "groups": [_group(exercise, view, found) for (exercise, view), found in groups.items()],
        "feeling": [point for r in mine if (point := _feeling(r)) is not None],
        "mdc": {"deg": MDC_DEG, "share": MDC_SHARE},
    }


def _group(exercise: str, view: str, found: list[NotedSession]) -> dict[str, Any]:
    titles, views = _titles(exercise)
    unit, measure, judged, reach = "", "", False, ""
    definition = _shipped(exercise)
    if definition is not None:
        reach = _range_measure(definition, view, found)
        known = definition.measures[reach]
        unit, measure, judged = known.unit, short_title(known.title), known.views.get(view) == "ok"
    return {
        "exercise": printable(exercise, 60),
        "title": titles.get("", printable(exercise, 60)),
        "view": views.get(view, printable(view, 30)),
        "measure": measure,
        "unit": unit,
        "sure": judged,
        "points": [_point(r, reach) for r in found],
        "faults": _fault_trends(definition, view, found) if definition is not None else [],
    }


def _range_measure(definition: Definition, view: str, found: list[NotedSession]) -> str:
    """What the range is told in: the first angle that may be judged from here and was measured, else the
    measure that counts."""
    signal = definition.counting.signal
    if definition.measures[signal].unit == "deg":
        return signal
    measured = {name for r in found for rep in r.card.reps for name, v in rep.peak.items() if v is not None}
    angles = (
        name
        for name, measure in definition.measures.items()
        if measure.unit == "deg" and measure.views.get(view) == "ok" and name in measured
    )
    return next(angles, signal)


def _fault_trends(definition: Definition, view: str, found: list[NotedSession]) -> list[dict[str, Any]]:
    """Each fault that stands in any of a patient's sessions over all of them, those seen most first.

    A session in which it was not checked has neither a share nor counts as one without it.
    """
    seen = Counter(event.id for r in found for rep in counted_reps(r.standing.reps) for event in rep.faults)
    out = []
    for name, _ in seen.most_common(_MOST_FAULTS):
        if (fault := definition.faults.get(name)) is None:
            continue
        measure = _trend_measure(definition, name)
        unit = "s" if measure in _PHASES else definition.measures[measure].unit if measure else ""
        levels = [
            {"level": level, "grade": grade}
            for rule in fault.rules[:1]
            for grade in GRADE_WORDS
            for level in (rule_levels(rule, grade) if measure and measure not in _PHASES else [])
        ]
        points = [_fault_point(r, name, measure) for r in found]
        out.append(
            {
                "id": name,
                "title": printable(fault.title),
                "measure": _measure_title(definition, measure),
                "unit": unit,
                "levels": levels,
                "points": points,
                "changes": [
                    change
                    for side in sorted({p["side"] or "" for p in points})
                    if (change := _first_change([p for p in points if (p["side"] or "") == side], unit))
                ],
            }
        )
    return out


def _trend_measure(definition: Definition, fault: str) -> str | None:
    """The measure or phase whose value tells of a fault also where it is not there."""
    rules = definition.faults[fault].rules
    if not rules or rules[0].kind in ("range", "forced", "peaks", "march"):
        return None
    if rules[0].kind == "duration":
        return f"{rules[0].phase or 'lower'}_s"
    return next((name for name in rules[0].measures if name in definition.measures), None)


def _measure_title(definition: Definition, measure: str | None) -> str:
    if measure is None:
        return ""
    return _PHASES.get(measure) or printable(short_title(definition.measures[measure].title))


def _fault_point(reviewed: NotedSession, fault: str, measure: str | None) -> dict[str, Any]:
    card, stands = reviewed.card, reviewed.standing
    assert card.meta is not None
    info = stands.faults.get(fault)
    checked = info.reps_checked if info is not None else 0
    values: list[float] = []
    for rep in counted_reps(stands.reps):
        phases = {"rise_s": rep.rise_s, "hold_s": rep.hold_s, "lower_s": rep.lower_s}
        if (value := (rep.peak | phases).get(measure or "")) is not None:
            values.append(value)
    return {
        "key": card.folder.key,
        "date": reviewed.date,
        "side": card.meta.side if card.meta.side in ("left", "right") else None,
        "checked": checked,
        "affected": info.reps_affected if info is not None else 0,
        "worst": info.worst_grade if info is not None else 0,
        "share": round(100 * info.reps_affected / checked, 1) if info is not None and checked else None,
        "value": round(median(values), 3) if values else None,
    }


def least_change(first: float, unit: str) -> float:
    """A smaller change than this from a first value may be measurement error, in the value's unit."""
    return MDC_DEG if unit == "deg" else MDC_SHARE * abs(first)


def _first_change(points: list[dict[str, Any]], unit: str) -> dict[str, Any] | None:
    """The first session whose value differs from the first one's by more than the error."""
    known = [p for p in points if p["value"] is not None]
    for point in known[1:]:
        by = point["value"] - known[0]["value"]
        if abs(by) > least_change(known[0]["value"], unit):
            return {"key": point["key"], "date": point["date"], "side": point["side"], "by": round(by, 3)}
    return None


def _point(reviewed: NotedSession, reach_in: str) -> dict[str, Any]:
    card = reviewed.card
    assert card.meta is not None
    live, stands = card.live, reviewed.standing
    named = counted_reps(stands.reps)
    clean = [rep for rep in named if rep.class_ == "full" and not rep.faults]
    # A partial repetition is partial, whatever else it is.
    compensated = [rep for rep in named if rep.class_ == "full" and rep.faults]
    reach = [v for rep in named if (v := rep.peak.get(reach_in or card.meta.primary)) is not None]
    hold = [rep.hold_s for rep in named if rep.hold_s is not None]
    asked = live.prescribed_sets * live.prescribed_reps if live else None
    done = len(named)
    covered = coverage(stands.faults)
    # Of a repetition in which nothing was looked for, nothing good is known.
    correct = min(len(clean), covered.of_reps(done, sum(bool(rep.faults) for rep in named))[0])
    return {
        "key": card.folder.key,
        "date": reviewed.date,
        "side": card.meta.side if card.meta.side in ("left", "right") else None,
        "correct": correct,
        "compensated": len(compensated),
        "incomplete": done - len(clean) - len(compensated),
        "unseen": len(clean) - correct,
        "coverage": covered.text,
        "not_counted": len(card.reps) - done,
        "range": round(median(reach), 4) if reach else None,
        "hold_s": round(median(hold), 2) if hold else None,
        "asked": asked,
        "done": done,
        "adherence": round(min(100.0, 100.0 * done / asked), 1) if asked else None,
        "rating": reviewed.one("rating").get("level"),
    }


def _feeling(reviewed: NotedSession) -> dict[str, Any] | None:
    live = reviewed.card.live
    if live is None:
        return None
    after = [s.pain for s in live.sets if s.pain is not None]
    effort = [s.effort for s in live.sets if s.effort is not None]
    every = after + ([live.pain_before] if live.pain_before is not None else [])
    return {
        "key": reviewed.card.folder.key,
        "date": reviewed.date,
        "pain_before": live.pain_before,
        "pain_after": after[-1] if after else None,
        "pain_worst": max(every) if every else None,
        "effort": max(effort) if effort else None,
        "settled": live.settled,
        "stopped": live.stopped,
    }


# -- agreement -------------------------------------------------------------------------------------------


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
        titles, _ = _titles(exercise)
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
