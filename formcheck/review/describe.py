"""A session in plain data for the page: every number with its words, so that the page only draws."""

from __future__ import annotations

from typing import Any

from formcheck.analysis.events import Event
from formcheck.analysis.findings import (
    CLASSES,
    GRADE_WORDS,
    STATE_WORDS,
    STATUS_WORDS,
    Findings,
    coverage,
    rule_levels,
    worse_upwards,
)
from formcheck.analysis.phrases import in_sentence, short_title, times, value_text
from formcheck.analysis.summary import FaultEvent, FaultInfo, Rep
from formcheck.exercises.definition import Rule
from formcheck.measures.body_parts import landmarks_shown, landmarks_used
from formcheck.measures.places import PLACES
from formcheck.measures.table import MeasureTable
from formcheck.pose.landmarks import Landmark, other_side
from formcheck.session.library import Card, printable

#: Of a live session, an hour of which has about a thousand.
_MOST_EVENTS = 5000


def fault_row(
    findings: Findings, rep: Rep, event: FaultEvent, near: str, table: MeasureTable | None = None
) -> dict[str, Any]:
    """One fault of one repetition as the page shows it."""
    known = findings.definition.faults.get(event.id)
    rule = findings.rule(event)
    measure = findings.measure(event, table)
    return {
        "rep": rep.index,
        "id": event.id,
        "title": printable(findings.title(event.id)),
        "grade": event.grade,
        "grade_word": GRADE_WORDS[event.grade],
        "value": event.value,
        "value_text": findings.value(event),
        "start_s": event.start_s,
        "end_s": event.end_s,
        "sure": event.sure,
        "measure": measure,
        "levels": rule_levels(rule) if rule is not None else [],
        "grades": list(rule.grades) if rule is not None else [],
        "grades_text": findings.grades(event),
        "error": findings.error(event, table),
        "wording": printable(findings.wording(event.id)),
        "source": printable(known.source) if known else "",
        "cue": printable(known.cue) if known and known.cue else "",
        "points": list(landmarks_shown(findings.definition, measure, near)),
    }


def rep_row(findings: Findings, rep: Rep, near: str, table: MeasureTable | None = None) -> dict[str, Any]:
    """One repetition as the page shows it."""
    definition = findings.definition
    unit = definition.measures[definition.counting.signal].unit
    return {
        "index": rep.index,
        "class": rep.class_,
        "class_text": CLASSES.get(rep.class_, ""),
        "start_s": rep.start_s,
        "peak_s": rep.peak_s,
        "end_s": rep.end_s,
        "rise_s": rep.rise_s,
        "hold_s": rep.hold_s,
        "lower_s": rep.lower_s,
        "confidence": rep.confidence,
        "set": rep.set_,
        "top": value_text(rep.peak.get(definition.counting.signal), unit),
        "peak": {k: v for k, v in rep.peak.items() if k in definition.measures},
        "faults": [fault_row(findings, rep, event, near, table) for event in rep.faults],
        "attention": attention(rep),
    }


def attention(rep: Rep) -> float:
    """How much a repetition asks to be looked at: surer and graver faults first, then what was not seen."""
    score = sum(event.grade * (0.25 + event.sure) for event in rep.faults)
    score += {"void": 1.5, "aborted": 1.0, "partial": 0.5}.get(rep.class_, 0.0)
    return round(score + (0.5 if rep.confidence < 0.7 else 0.0), 3)


def fault_rows(findings: Findings, faults: dict[str, FaultInfo]) -> list[dict[str, Any]]:
    """What was found of every fault, and what would have to change to see it if it was not checked."""
    out = []
    for name, fault in findings.definition.faults.items():
        info = faults.get(name)
        if info is None:
            continue
        out.append(
            {
                "id": name,
                "number": fault.id,
                "title": printable(fault.title),
                "wording": printable(findings.wording(name)),
                "source": printable(fault.source),
                "unit": fault.unit,
                "checked": info.checked,
                "why": findings.why(name, info),
                "how": printable(findings.how(name, info)),
                "reps_checked": info.reps_checked,
                "reps_affected": info.reps_affected,
                "worst": info.worst_grade,
                "rules": [_rule(rule) for rule in fault.rules],
            }
        )
    return out


def _rule(rule: Rule) -> dict[str, Any]:
    return {"kind": rule.kind, "grades": list(rule.grades), "falls": not worse_upwards(rule)}


def overview(findings: Findings, card: Card) -> dict[str, Any]:
    """What stands on top of a session: state, coverage, the result in sentences, and what was not checked."""
    faults = card.summary.faults if card.summary is not None else {}
    covered = coverage(faults)
    return {
        "state": covered.state,
        "state_text": STATE_WORDS[covered.state],
        "coverage": covered.text,
        "verdict": [printable(line, 600) for line in findings.verdict(card.summary)] if card.summary else [],
        "not_checked": [
            {
                "why": group.why,
                "how": printable(group.how, 600),
                "titles": [printable(t) for t in group.titles],
            }
            for group in findings.not_checked(faults)
        ],
        "clear": [
            {"where": where, "titles": [printable(t) for t in titles]}
            for where, titles in (findings.clear(card.summary) if card.summary else [])
        ],
        "grade_words": GRADE_WORDS,
    }


def measure_rows(findings: Findings, card: Card) -> list[dict[str, Any]]:
    """Every measure with how well it could be seen; last those that nobody asks for at first."""
    summary = card.summary
    out = []
    for name, measure in sorted(findings.definition.measures.items(), key=lambda item: item[0] in PLACES):
        info = summary.measures.get(name) if summary is not None else None
        levels = {
            (t.level, printable(t.title))
            for t in findings.thresholds(name, summary.faults if summary is not None else None)
            if t.grade == 1
        }
        out.append(
            {
                "name": name,
                "title": printable(measure.title),
                "short": printable(short_title(measure.title)),
                "unit": measure.unit,
                "status": info.status if info else "low",
                "word": STATUS_WORDS[info.status] if info else "",
                "why": findings.measure_why(info) if info else "",
                "ok_frames": info.ok_frames if info else None,
                "noise_sd": info.noise_sd if info else None,
                "error": info.error if info else None,
                "aside": name in PLACES,
                "levels": [{"level": level, "title": title} for level, title in sorted(levels)],
            }
        )
    return out


def used_points(findings: Findings, near: str) -> list[int]:
    """Landmarks that the counting measure is made from, and their partners where it has none."""
    definition = findings.definition
    used = landmarks_used(definition, definition.counting.signal, near, findings.view)
    return [int(p) for p in used] or [int(Landmark[f"{other_side(near).upper()}_HIP"])]


def spoken(events: list[Event], findings: Findings) -> tuple[list[dict[str, Any]], list[str]]:
    """What was said and what happened in a live session, in order, in words; and how much was left out."""
    out = []
    for event in events[:_MOST_EVENTS]:
        text = _event_text(event, findings)
        if text:
            kind = event.kind if event.kind in ("cue", "say", "pain", "effort", "stop") else "event"
            out.append({"time_s": event.time_s, "kind": kind, "text": printable(text)})
    more = len(events) - _MOST_EVENTS
    return out, [f"Left out: {times(more, 'event')} after the first {_MOST_EVENTS}."] if more > 0 else []


def _event_text(event: Event, findings: Findings) -> str:
    data = event.data
    set_ = data.get("set")
    if event.kind == "cue":
        title = findings.title(str(data.get("fault", "")))
        return f"“{data.get('text', '')}” ({in_sentence(title)})"
    if event.kind == "say":
        return f"“{data.get('text', '')}”"
    if event.kind == "pain":
        return f"Pain {data.get('value')} of 10" + (f" after set {set_}" if set_ else " before the session")
    if event.kind == "effort":
        return f"Effort {data.get('value')} of 10 after set {set_}"
    words = {
        "set_start": f"Set {set_} begins",
        "set_end": f"Set {set_} ends ({data.get('reason', '')})",
        "pause": "Paused",
        "resume": "Goes on",
        "stop": f"Ended early: {data.get('reason', '')}",
        "notice": str(data.get("text", "")),
        "camera": f"Camera {data.get('state', '')}",
        "calibrated": "Own range taken",
        "baseline": "Resting position taken",
    }
    return words.get(event.kind, "")
