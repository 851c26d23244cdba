"""Numbers, reasons and body parts in words and landmarks, the same in the video and in the report."""

from __future__ import annotations

import math

import numpy as np

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.summary import FaultEvent
from formcheck.exercises.definition import Definition, Rule
from formcheck.pose import frame_arrays as scratch
from formcheck.pose.landmarks import side_landmark

#: Spec 7.7, word for word.
NOTICE = (
    "formcheck is practice and review software. It estimates movement from a camera, can be wrong, and is "
    "not a medical device. It does not diagnose, treat or monitor any condition and must not be used to "
    "decide treatment. Follow your clinician’s advice. In an emergency call your local emergency number."
)

#: Why something is not known, as the end of "not checked: …".
REASONS = {
    "view": "this camera position cannot show it",
    "occluded": "the body part was hidden",
    "out_of_frame": "the body part was outside the picture",
    "noise": "the tracking was too unsteady to tell",
    "geometry": "from this angle it cannot be worked out",
    "fps": "the video has too few pictures per second",
    "no_person": "nobody was seen in this exercise’s position",
    "baseline": "no still starting position was seen to compare with",
    "no_prescription": "no target was prescribed to compare with",
    "no_reps": "there was no repetition to check",
}
#: The same for what is measured, but only uncertainly.
REASONS_LOW = {
    "view": "this camera position shows it only roughly",
    "occluded": "the body part was partly hidden",
    "out_of_frame": "the body part was partly outside the picture",
    "geometry": "from this angle it is only rough",
    "no_person": "the person was often not seen",
}
#: Reasons that another camera position can cure.
CURED_BY_CAMERA = frozenset({"view", "occluded", "out_of_frame", "geometry"})

#: What the repetition classes mean (spec 6.3).
CLASSES = {
    "full": "reached at least three quarters of the clip’s own range",
    "partial": "counted, but stayed below three quarters of the range",
    "aborted": "started and given up; not counted",
    "void": "not fully seen; not counted",
}

_UNIT_TAILS = {
    "of prescribed": "of the prescribed time",
    "of target": "of the target",
    "of range": "of the range",
}


def number(value: float | None, unit: str) -> tuple[str, str]:
    """A value and its unit as shown, e.g. ``("37°", "")``, ``("0.41", "thigh lengths")``."""
    if value is None or not math.isfinite(value):
        return "–", ""
    if unit == "deg":
        return f"{_signed(value, 0)}°", ""
    if unit in _UNIT_TAILS:
        return f"{_signed(100 * value, 0)} %", _UNIT_TAILS[unit]
    if unit == "s":
        return f"{_signed(value, 1)} s", ""
    if unit == "peaks":
        return _signed(value, 0), unit
    return _signed(value, 2), "" if unit == "ratio" else unit


def value_text(value: float | None, unit: str) -> str:
    """A value with its unit in one string."""
    return " ".join(part for part in number(value, unit) if part)


def _signed(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return "0" + text[2:] if text.strip("-0.") == "" and text.startswith("-") else text.replace("-", "−")


def short_title(title: str) -> str:
    """A measure's title without its explanation in brackets or after a comma."""
    return title.split(" (")[0].split(", ")[0]


def in_sentence(title: str) -> str:
    """A title as it stands within a sentence."""
    return title[:1].lower() + title[1:]


def fault_title(definition: Definition, fault: str) -> str:
    """A fault's title; its name spelled out where the definition does not know it."""
    known = definition.faults.get(fault)
    return known.title if known else fault.replace("_", " ").capitalize()


def listing(items: list[str], most: int = 99) -> str:
    """``a, b and c``; beyond `most` items, ``a, b and 3 more``."""
    if len(items) > most:
        items = [*items[:most], f"{len(items) - most} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def times(count: int, word: str) -> str:
    """``1 repetition``, ``3 repetitions``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def worse_upwards(rule: Rule) -> bool:
    """True where a larger value is a worse one."""
    return rule.kind not in ("duration", "range")


def grade_of(rule: Rule, value: float) -> int:
    """Grade 0 to 3 of a fault value by one rule."""
    if worse_upwards(rule):
        return sum(abs(value) >= g for g in rule.grades)
    return sum(value < g for g in rule.grades)


def rule_for(definition: Definition, fault: str, value: float, grade: int) -> Rule | None:
    """The rule a fault event came from, as far as it can be told from its grade."""
    known = definition.faults.get(fault)
    if known is None or not known.rules:
        return None
    # a value may pass a higher grade's threshold too briefly to get that grade
    likely = [r for r in known.rules if grade_of(r, value) >= grade] or known.rules
    return min(likely, key=lambda r: grade_of(r, value))


def grades_text(definition: Definition, event: FaultEvent) -> str:
    """Where the grades of an event's rule begin, e.g. ``Mild from 15°, moderate from 25°, …``."""
    rule = rule_for(definition, event.id, event.value, event.grade)
    if rule is None:
        return ""
    join = "from" if worse_upwards(rule) else "below"
    first, second, third = (number(g, event.unit)[0] for g in rule.grades)
    tail = number(0.0, event.unit)[1]
    text = f"Mild {join} {first}, moderate {join} {second}, marked {join} {third}{' ' * bool(tail)}{tail}"
    held = f", each held for at least {rule.minimum_s:g} s" if rule.minimum_s > 0 else ""
    return f"{text}{held}."


# -- body parts ------------------------------------------------------------------------------------------


def near_side(analysis: Analysis) -> str:
    """The side that is measured: the declared or found side, else the one the camera sees better."""
    if analysis.summary.side is not None:
        return analysis.summary.side
    if not analysis.track.person.any():
        return "left"
    seen = scratch.Rows(analysis.track.visibility, analysis.track.person)
    parts = ("knee", "ankle", "heel", "elbow")
    left, right = (
        float(np.nanmean(seen[:, [side_landmark(side, part) for part in parts]]))
        for side in ("left", "right")
    )
    return "left" if left >= right else "right"
