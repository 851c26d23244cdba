"""A session in plain data for the page: every number with its words, so that the page only draws."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.summary import FaultEvent, FaultInfo, Rep
from formcheck.drawing import body_parts
from formcheck.drawing.palette import GRADE_WORDS
from formcheck.engine.repetition import COUNTED
from formcheck.exercises.definition import Definition, FaultDef, Rule
from formcheck.measures.table import MeasureTable, Status
from formcheck.pose.landmarks import Landmark, other_side, side_landmark
from formcheck.report import wording
from formcheck.session.events import Event
from formcheck.session.library import Card, printable

#: What decides how well a measure is known, in words.
STATUS_WORDS = {"ok": "measured", "low": "uncertain", "not_measurable": "not measurable"}


def fault_row(
    definition: Definition, rep: Rep, event: FaultEvent, near: str, table: MeasureTable | None = None
) -> dict[str, Any]:
    """One fault of one repetition as the page shows it."""
    known = definition.faults.get(event.id)
    rule = wording.rule_for(definition, event.id, event.value, event.grade)
    measure = measure_of(definition, event, rule, table)
    return {
        "rep": rep.index,
        "id": event.id,
        "title": printable(wording.fault_title(definition, event.id)),
        "grade": event.grade,
        "grade_word": GRADE_WORDS[event.grade],
        "value": event.value,
        "value_text": wording.value_text(event.value, event.unit),
        "start_s": event.start_s,
        "end_s": event.end_s,
        "sure": event.sure,
        "measure": measure,
        "levels": _levels(rule) if rule is not None else [],
        "grades": list(rule.grades) if rule is not None else [],
        "grades_text": wording.grades_text(definition, event),
        "wording": printable(known.wording) if known else "",
        "source": printable(known.source) if known else "",
        "cue": printable(known.cue) if known and known.cue else "",
        "points": list(body_parts.landmarks_shown(definition, measure, near)),
    }


def measure_of(
    definition: Definition, event: FaultEvent, rule: Rule | None, table: MeasureTable | None
) -> str:
    """The measure a fault shows in: the worse one where its rule has several."""
    names = [m for m in (rule.measures if rule else []) if m in definition.measures]
    if not names:
        return definition.counting.signal
    if table is None or len(names) == 1:
        return names[0]
    a, b = np.searchsorted(table.time_s, [event.start_s - 1e-6, event.end_s + 1e-6])
    part = table.part(slice(int(a), int(b)))

    def most(name: str) -> float:
        return float(np.abs(part.column(name)[part.ok(name)]).max(initial=-1.0))

    return max((n for n in names if n in part.names), key=most, default=names[0])


def _levels(rule: Rule) -> list[float]:
    """Where the first grade begins, as a value of the measure."""
    size = rule.grades[0]
    if rule.kind in ("hold", "rest"):
        return [] if rule.reference is None else [rule.reference - rule.sign * size]
    return {"above": [size], "below": [-size], "either": [size, -size]}.get(rule.kind, [])


def rep_row(definition: Definition, rep: Rep, near: str, table: MeasureTable | None = None) -> dict[str, Any]:
    """One repetition as the page shows it."""
    unit = definition.measures[definition.counting.signal].unit
    value = rep.peak.get(definition.counting.signal)
    faults = [fault_row(definition, rep, event, near, table) for event in rep.faults]
    return {
        "index": rep.index,
        "class": rep.class_,
        "class_text": wording.CLASSES.get(rep.class_, ""),
        "start_s": rep.start_s,
        "peak_s": rep.peak_s,
        "end_s": rep.end_s,
        "rise_s": rep.rise_s,
        "hold_s": rep.hold_s,
        "lower_s": rep.lower_s,
        "confidence": rep.confidence,
        "set": rep.set_,
        "top": wording.value_text(value, unit),
        "peak": {k: v for k, v in rep.peak.items() if k in definition.measures},
        "faults": faults,
        "attention": attention(rep),
    }


def attention(rep: Rep) -> float:
    """How much a repetition asks to be looked at: surer and graver faults first, then what was not seen."""
    score = sum(event.grade * (0.25 + event.sure) for event in rep.faults)
    score += {"void": 1.5, "aborted": 1.0, "partial": 0.5}.get(rep.class_, 0.0)
    return round(score + (0.5 if rep.confidence < 0.7 else 0.0), 3)


def fault_rows(definition: Definition, faults: dict[str, FaultInfo], view: str) -> list[dict[str, Any]]:
    """What was found of every fault, and from where it could be checked if it could not."""
    out = []
    for name, fault in definition.faults.items():
        info = faults.get(name)
        if info is None:
            continue
        out.append(
            {
                "id": name,
                "number": fault.id,
                "title": printable(fault.title),
                "wording": printable(fault.wording),
                "source": printable(fault.source),
                "unit": fault.unit,
                "checked": info.checked,
                "why": "" if info.checked else wording.REASONS.get(info.reason or "", _PRESCRIBED),
                "how": "" if info.checked else _how(definition, fault, info, view),
                "reps_checked": info.reps_checked,
                "reps_affected": info.reps_affected,
                "worst": info.worst_grade,
                "rules": [_rule(rule) for rule in fault.rules],
            }
        )
    return out


_PRESCRIBED = "it is what was prescribed"


def _rule(rule: Rule) -> dict[str, Any]:
    return {"kind": rule.kind, "grades": list(rule.grades), "falls": not wording.worse_upwards(rule)}


def _how(definition: Definition, fault: FaultDef, info: FaultInfo, view: str) -> str:
    """From where it could be seen."""
    if info.reason not in wording.CURED_BY_CAMERA:
        return ""
    if not fault.rules:
        return "No single camera beside the body can show it."
    if fault.best_view == view and info.reason == "view":
        return "Even from here, the best place for it, it stays too uncertain."
    if fault.best_view in definition.views and fault.best_view != view:
        place = definition.views[fault.best_view]
        return printable(f"Can be checked {place.title}: {place.setup}")
    return ""


def measure_rows(card: Card, definition: Definition) -> list[dict[str, Any]]:
    """Every measure with how well it could be seen."""
    summary = card.summary
    out = []
    for name, measure in definition.measures.items():
        info = summary.measures.get(name) if summary is not None else None
        levels = sorted(
            {
                (level, printable(fault.title))
                for fault_name, fault in definition.faults.items()
                if summary is None or ((f := summary.faults.get(fault_name)) is not None and f.checked)
                for rule in fault.rules
                if name in rule.measures
                for level in _levels(rule)
            }
        )
        out.append(
            {
                "name": name,
                "title": printable(measure.title),
                "short": printable(wording.short_title(measure.title)),
                "unit": measure.unit,
                "status": info.status if info else "low",
                "word": STATUS_WORDS[info.status] if info else "",
                "why": wording.REASONS.get(info.reason or "", "") if info else "",
                "ok_frames": info.ok_frames if info else None,
                "noise_sd": info.noise_sd if info else None,
                "error": info.error if info else None,
                "levels": [{"level": level, "title": title} for level, title in levels],
            }
        )
    return out


def near_side(side: str | None, visibility: NDArray[np.float32]) -> str:
    """The side that is measured: the working one, else the one the camera sees better.

    Args:
        side: the working side, if the exercise has one.
        visibility: ``(T, 33)`` of some frames.
    """
    if side is not None:
        return side
    if not visibility.size or not np.isfinite(visibility).any():
        return "left"
    parts = ("knee", "ankle", "heel", "elbow")
    mean = {
        s: float(np.nanmean(visibility[:, [side_landmark(s, part) for part in parts]]))
        for s in ("left", "right")
    }
    return "left" if mean["left"] >= mean["right"] else "right"


def used_points(definition: Definition, near: str) -> list[int]:
    """Landmarks that the counting measure is made from, and their partners where it has none."""
    used = body_parts.landmarks_used(definition, definition.counting.signal, near)
    return [int(p) for p in used] or [int(Landmark[f"{other_side(near).upper()}_HIP"])]


def spoken(events: list[Event], definition: Definition) -> list[dict[str, Any]]:
    """What was said and what happened in a live session, in order, in words."""
    out = []
    for event in events[:5000]:
        text = _event_text(event, definition)
        if text:
            kind = event.kind if event.kind in ("cue", "say", "pain", "effort", "stop") else "event"
            out.append({"time_s": event.time_s, "kind": kind, "text": printable(text)})
    return out


def _event_text(event: Event, definition: Definition) -> str:
    data = event.data
    set_ = data.get("set")
    if event.kind == "cue":
        title = wording.fault_title(definition, str(data.get("fault", "")))
        return f"“{data.get('text', '')}” ({wording.in_sentence(title)})"
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


def class_counts(reps: list[Rep] | tuple[Rep, ...]) -> dict[str, int]:
    """How many repetitions there are of each class."""
    return {kind: sum(rep.class_ == kind for rep in reps) for kind in wording.CLASSES}


def counted(reps: list[Rep] | tuple[Rep, ...]) -> list[Rep]:
    """Those that count."""
    return [rep for rep in reps if rep.class_ in COUNTED]


def ok_share(table: MeasureTable, name: str) -> float:
    """Share of frames in which a measure was ok."""
    return float(np.mean(table.status[:, table.names.index(name)] == Status.OK)) if len(table) else 0.0
