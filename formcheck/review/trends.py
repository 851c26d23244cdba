"""One patient's sessions over time: repetitions, range, each fault, pain. Only like is put beside like."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median
from typing import Any

from formcheck.analysis.findings import GRADES, counted_reps, coverage, rule_levels
from formcheck.analysis.phrases import short_title, told_unit
from formcheck.exercises.definition import Definition
from formcheck.review.noted import NotedSession, NotedSessions, patient_key, shipped, titles_of_exercise
from formcheck.session.library import Library, printable
from formcheck.words import say

#: Until the project's own repeat study (spec 4.3): less change than this may be measurement error.
MDC_DEG = 10.0
MDC_SHARE = 0.15
#: Phases that a fault can be about, by the name of their duration in a repetition.
_PHASES = ("rise_s", "hold_s", "lower_s")
#: Faults of which a trend is drawn.
_MOST_FAULTS = 8


def patient_page(library: Library, key: str, noted: NotedSessions) -> dict[str, Any] | None:
    """One patient's sessions over time, grouped so that only like is compared with like.

    Args:
        library: all sessions.
        key: the patient's, see `patient_key`.
        noted: the notes on them.
    """
    mine = [
        r
        for card in library.cards()
        if card.problem is None and card.meta is not None
        if (r := noted.of(card)).patient and patient_key(r.patient) == key
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
    titles, views = titles_of_exercise(exercise)
    unit, measure, judged, reach = "", "", False, ""
    definition = shipped(exercise)
    if definition is not None:
        reach = _range_measure(definition, view, found)
        known = definition.measures[reach]
        unit, measure, judged = known.unit, short_title(known.title), known.trust(view) == "ok"
    return {
        "exercise": printable(exercise, 60),
        "title": titles.get("", printable(exercise, 60)),
        "view": views.get(view, printable(view, 30)),
        "measure": measure,
        "unit": unit,
        "unit_word": told_unit(unit),
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
        if measure.unit == "deg" and measure.trust(view) == "ok" and name in measured
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
            for grade in GRADES
            for level in (rule_levels(rule, grade) if measure and measure not in _PHASES else [])
        ]
        points = [_fault_point(r, name, measure) for r in found]
        out.append(
            {
                "id": name,
                "title": printable(fault.title),
                "measure": _measure_title(definition, measure),
                "unit": unit,
                "unit_word": "" if unit == "s" else told_unit(unit),
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
    if measure in _PHASES:
        return say(f"review.trend.{measure.removesuffix('_s')}")
    return printable(short_title(definition.measures[measure].title))


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
        "checked": covered.checked,
        "total": covered.total,
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
        "pain_worst": max(every) if every else None,
        "effort": max(effort) if effort else None,
        "settled": live.settled,
        "stopped": live.stopped,
    }
