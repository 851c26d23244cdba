"""A session in plain data for the page: every number with its words, so that the page only draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from formcheck.analysis.bounds import MOST_LINES
from formcheck.analysis.decisions import WhatStands, stood
from formcheck.analysis.events import Event
from formcheck.analysis.findings import (
    Findings,
    coverage,
    grade_word,
    grade_words,
    rule_levels,
    worse_upwards,
)
from formcheck.analysis.phrases import (
    in_sentence,
    is_share,
    pointed,
    short_title,
    times,
    told_unit,
    value_text,
)
from formcheck.analysis.summary import FaultEvent, FaultInfo, Rep
from formcheck.exercises.definition import Rule
from formcheck.measures.body_parts import joint_angle, landmarks_shown, landmarks_used
from formcheck.measures.places import PLACES
from formcheck.measures.table import MeasureTable
from formcheck.pose.landmarks import Landmark, other_side
from formcheck.report.wording import reviewed_text
from formcheck.session.library import Card, printable
from formcheck.words import retold, said_of, say

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
        "rep_name": rep.name,
        "id": event.id,
        "title": printable(findings.title(event.id)),
        "grade": event.grade,
        "grade_word": grade_word(event.grade),
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
        "source": printable(findings.source(event.id), 600),
        "cue": printable(known.cue) if known and known.cue else "",
        "points": list(landmarks_shown(findings.definition, measure, near)),
    }


def rep_row(findings: Findings, rep: Rep, near: str, table: MeasureTable | None = None) -> dict[str, Any]:
    """One repetition as the page shows it."""
    definition = findings.definition
    return {
        "index": rep.index,
        "name": rep.name,
        "number": rep.number,
        "class": rep.class_,
        "class_text": said_of("findings.class_means.").get(rep.class_, ""),
        "start_s": rep.start_s,
        "peak_s": rep.peak_s,
        "end_s": rep.end_s,
        "rise_s": rep.rise_s,
        "hold_s": rep.hold_s,
        "lower_s": rep.lower_s,
        "confidence": rep.confidence,
        "set": rep.set_,
        "words": values_in_words(findings, rep),
        "peak": {k: v for k, v in rep.peak.items() if k in definition.measures},
        "faults": [fault_row(findings, rep, event, near, table) for event in rep.faults],
        "attention": attention(rep),
    }


def values_in_words(findings: Findings, rep: Rep) -> str:
    """A repetition's values with their names and units: ``hip angle 131°, up 1.6 s, hold 0.7 s, down 1.3 s``.

    The measure that counts, or rather the first angle that may be judged from here and is known at its top.
    """
    definition = findings.definition
    angles = [
        name
        for name, measure in definition.measures.items()
        if measure.unit == "deg" and measure.trust(findings.view) == "ok" and rep.peak.get(name) is not None
    ]
    signal = definition.counting.signal
    name = signal if definition.measures[signal].unit == "deg" or not angles else angles[0]
    measure = definition.measures[name]
    phases = (("up", rep.rise_s), ("hold", rep.hold_s), ("down", rep.lower_s))
    parts = [
        say(f"review.event.{word}", s=pointed(f"{seconds:.1f}"))
        for word, seconds in phases
        if seconds is not None
    ]
    if (value := rep.peak.get(name)) is not None:
        parts.insert(0, f"{in_sentence(short_title(measure.title))} {value_text(value, measure.unit)}")
    return printable(", ".join(parts), 200)


def attention(rep: Rep) -> float:
    """How much a repetition asks to be looked at: surer and graver faults first, then what was not seen."""
    score = sum(event.grade * (0.25 + event.sure) for event in rep.faults)
    score += {"void": 1.5, "aborted": 1.0, "partial": 0.5}.get(rep.class_, 0.0)
    return round(score + (0.5 if rep.confidence < 0.7 else 0.0), 3)


def fault_rows(findings: Findings, faults: Mapping[str, FaultInfo]) -> list[dict[str, Any]]:
    """What was found of every fault, and what would have to change to see it if it was not checked."""
    out = []
    for name, fault in findings.definition.faults.items():
        info = faults.get(name)
        if info is None:
            continue
        out.append(
            {
                "id": name,
                "title": printable(fault.title),
                "wording": printable(findings.wording(name)),
                "unit": fault.unit,
                "unit_word": told_unit(fault.unit),
                "share": is_share(fault.unit),
                "checked": info.checked,
                "why": findings.why(name, info),
                "how": printable(findings.how(name, info)),
                "reps_checked": info.reps_checked,
                "reps_affected": info.reps_affected,
                "rules": [_rule(rule) for rule in fault.rules],
            }
        )
    return out


def _rule(rule: Rule) -> dict[str, Any]:
    return {"kind": rule.kind, "grades": list(rule.grades), "falls": not worse_upwards(rule)}


def overview(findings: Findings, card: Card, stands: WhatStands) -> dict[str, Any]:
    """What stands on top of a session by the physio's decisions: state, coverage, the result in sentences,
    every fault, and what was not checked."""
    summary, faults = stood(card.summary, stands) if card.summary is not None else None, stands.faults
    covered, review = coverage(faults), stands.review
    names = {rep.index: rep.name for rep in stands.reps}
    return {
        "faults": fault_rows(findings, faults),
        "seen": [
            {
                "fault": seen.fault,
                "title": printable(seen.title),
                "grade": seen.grade,
                "word": seen.word,
                "detail": seen.detail,
            }
            for seen in (findings.seen(summary) if summary is not None else ())
        ],
        "undecided": review.undecided,
        "watched": review.watched,
        "done": review.done,
        "reviewed": printable(reviewed_text(review), 400),
        "rulings": [
            {
                "rep": names.get(r.rep or 0, ""),
                "title": printable(findings.title(r.fault)),
                "said": findings.ruling(r),
            }
            for r in review.rulings[:MOST_LINES]
        ],
        "state": covered.state,
        "state_text": covered.state_text,
        "coverage": covered.text,
        "verdict": [printable(line, 600) for line in findings.verdict(summary)] if summary else [],
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
            for where, titles in (findings.clear(summary) if summary else [])
        ],
        "grade_words": grade_words(),
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
                "unit_word": told_unit(measure.unit),
                "status": info.status if info else "low",
                "word": say(f"findings.status.{info.status}") if info else "",
                "why": findings.measure_why(name, info) if info else "",
                "noise_sd": info.noise_sd if info else None,
                "error": info.error if info else None,
                "aside": name in PLACES,
                "levels": [{"level": level, "title": title} for level, title in sorted(levels)],
            }
        )
    return out


def joint_angles(findings: Findings, near: str) -> list[dict[str, Any]]:
    """Measures whose angle can be drawn at a joint, and where."""
    found = [(name, joint_angle(name, near)) for name in findings.definition.measures]
    return [{"measure": name, "at": list(at[0]), "bent": at[1]} for name, at in found if at is not None]


def by_eye(findings: Findings) -> list[dict[str, str]]:
    """Faults of the pelvis, for a physio to look for at the top of each repetition."""
    return [
        {
            "id": name,
            "title": printable(fault.title),
            "wording": printable(findings.wording(name, by_eye=True)),
        }
        for name, fault in findings.definition.faults.items()
        if name.startswith("pelvis_")
    ]


def worst_moments(findings: Findings, reps: Sequence[Rep], table: MeasureTable) -> dict[str, float]:
    """When each fault of each repetition is at its worst, seconds, by ``repetition:fault``; of a fault that
    has no such moment, the middle."""
    out = {}
    for rep in reps:
        for event in rep.faults:
            frame = findings.worst_frame(event, table)
            middle = (event.start_s + event.end_s) / 2
            out[f"{rep.index}:{event.id}"] = middle if frame is None else float(table.time_s[frame])
    return out


def used_points(findings: Findings, near: str) -> list[int]:
    """Landmarks that the counting measure is made from, and their partners where it has none."""
    definition = findings.definition
    used = landmarks_used(definition, definition.counting.signal, near, findings.view)
    return [int(p) for p in used] or [int(Landmark[f"{other_side(near).upper()}_HIP"])]


def happened(events: list[Event], findings: Findings) -> tuple[list[dict[str, Any]], list[str]]:
    """What was said and what happened in a live session, in order, in words; and how much was left out."""
    out = []
    for event in events[:_MOST_EVENTS]:
        text = _event_text(event, findings)
        if text:
            kind = event.kind if event.kind in ("cue", "say", "pain", "effort", "stop") else "event"
            out.append({"time_s": event.time_s, "kind": kind, "text": printable(text)})
    more = len(events) - _MOST_EVENTS
    if more <= 0:
        return out, []
    return out, [say("findings.bounds.lines", count=times(more, "event"), n=_MOST_EVENTS)]


def _event_text(event: Event, findings: Findings) -> str:
    """What happened, in words: keys under ``review.event``; "" for what only the log needs."""
    data, kind = event.data, event.kind
    if kind == "phone":
        return said_of("phone.event.").get(str(data.get("state", "")), "")
    if kind == "notice":
        return retold(str(data.get("text", "")))
    told = {name: str(data.get(name, "")) for name in ("text", "set", "value", "after_ms")}
    if kind == "cue":
        told["fault"] = in_sentence(findings.title(str(data.get("fault", ""))))
    elif kind in ("pain", "effort"):
        kind += "" if data.get("set") else "_before"
        if data.get("value") is None:
            told["value"] = say("report.practice.not_answered")
        else:
            told["value"] = say("report.practice.answer", value=told["value"].removesuffix(".0"))
    elif kind == "settled":
        kind += {True: "_yes", False: "_no"}.get(data.get("answer"), "_unknown")  # type: ignore[arg-type]
    elif kind in ("camera", "consent"):
        kind += f"_{data.get('state', data.get('recording'))}"
    reason = str(data.get("reason", ""))
    told["reason"] = said_of("review.stopped.").get(reason, reason)
    return say(f"review.event.{kind}", **told) if kind in said_of("review.event.") else ""
