"""What the page's form for programmes offers, and how it says what is not right in one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pydantic import BaseModel

from formcheck.analysis.findings import grade_words
from formcheck.analysis.phrases import is_share, pointed, told_unit
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import EXERCISES, Definition, load_definition
from formcheck.exercises.prescription import PrescribedTempo, Target
from formcheck.exercises.programme import (
    WEEKDAYS,
    Climb,
    Mistake,
    Place,
    Programme,
    ProgrammeExercise,
    Rung,
    read_programme,
)
from formcheck.session.library import printable
from formcheck.words import say, spoken, translated

_MODELS: Mapping[str, type[BaseModel]] = {
    "programme": Programme,
    "climb": Climb,
    "exercise": ProgrammeExercise,
    "tempo": PrescribedTempo,
    "target": Target,
    "step": Rung,
}
#: What no form can show.
_SHAPES = ("no_tables", "list", "table")


def form() -> dict[str, Any]:
    """Exercises with what can be asked of each, days, and the limits of all numbers, as the file has them."""
    return {
        "limits": {name: _limits(model) for name, model in _MODELS.items()},
        "days": {day: say(f"review.programme.day.{day}") for day in WEEKDAYS},
        "usual_days": list(Programme.model_fields["days"].default),
        "grades": list(grade_words().values()),
        "exercises": dict(_exercises()),
    }


def opened(content: Mapping[str, Any]) -> dict[str, Any]:
    """A file's content for the form, with all that is not right in it; nothing of it is left out.

    A single prescription becomes a programme with one exercise.

    Raises:
        FormcheckError: a form cannot show it.
    """
    if "exercises" not in content and "exercise" in content:
        content = {"name": say("review.programme.usual_name"), "exercises": [content]}
    wrong = read_programme(content)[1]
    for one in wrong:
        if one.kind in _SHAPES:
            raise FormcheckError(say("review.programme.not_shown", where=_where(one.at), why=_sentence(one)))
    return {"content": content, "mistakes": told(wrong)}


def told(mistakes: Sequence[Mistake]) -> list[dict[str, Any]]:
    """What is not right, each with its place and a sentence."""
    return [
        {"at": [_sendable(part) for part in one.at], "kind": one.kind, "text": _sentence(one)}
        for one in mistakes
    ]


def _sendable(part: str | int) -> str | int:
    return part if isinstance(part, int) else part.encode(errors="replace").decode()


def _sentence(one: Mistake) -> str:
    values = {name: printable(value, 200) for name, value in one.values.items()}
    if one.at[-1:] == ("full_share",):
        values = {name: _percent(value) for name, value in values.items()}
    if one.kind == "unknown":
        values["name"] = printable(_within(one.at), 200)
    numbers = {name: pointed(v) if re.fullmatch(r"-?[\d.]+( %)?", v) else v for name, v in values.items()}
    return say(f"review.programme.wrong.{one.kind}", **numbers)


def _percent(value: str) -> str:
    try:
        return f"{100 * float(value):g} %"
    except ValueError:
        return value


def _where(at: Place) -> str:
    """``("exercises", 0, "tempo")`` → ``"Exercise 1, tempo"``."""
    words = []
    numbers = dict(itertools.pairwise(at))
    for name, key in (("exercises", "exercise_n"), ("ladder", "step_n")):
        if isinstance(number := numbers.get(name), int):
            words.append(say(f"review.programme.{key}", n=number + 1))
    return ", ".join((*words, printable(_within(at), 200)))


def _within(at: Place) -> str:
    """The entry's name in its exercise or step: ``("exercises", 0, "tempo", "hold")`` → ``"tempo.hold"``."""
    last = max((i for i, part in enumerate(at) if isinstance(part, int)), default=-1)
    return ".".join(str(part) for part in at[last + 1 :])


def _limits(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """Of each number and text: its bounds, its steps, and what it is where it is left out."""
    out: dict[str, dict[str, Any]] = {}
    for name, entry in model.model_fields.items():
        found: dict[str, Any] = {}
        if entry.annotation in (int, float, int | None, float | None):
            found["step"] = 1 if entry.annotation in (int, int | None) else "any"
        for bound in entry.metadata:
            for key, at in (
                ("min", "ge"),
                ("min", "gt"),
                ("max", "le"),
                ("max", "lt"),
                ("maxlength", "max_length"),
            ):
                if (value := getattr(bound, at, None)) is not None:
                    found[key] = value
        if isinstance(entry.default, (int, float)) and not isinstance(entry.default, bool):
            found["usual"] = entry.default
        out[name] = found
    return out


def _exercises() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in EXERCISES:
        with suppress(FormcheckError):  # the others are offered all the same
            yield name, _exercise(translated(load_definition(name), spoken()))


def _exercise(definition: Definition) -> dict[str, Any]:
    signal = definition.measures[definition.counting.signal]
    kinds = [(rule.kind, rule.measures) for fault in definition.faults.values() for rule in fault.rules]
    faults = {
        name: {
            "title": printable(fault.title),
            "unit": "°" if fault.unit == "deg" else f"{'% ' * is_share(fault.unit)}{told_unit(fault.unit)}",
            "share": is_share(fault.unit),
            "grades": list(fault.rules[0].grades) if fault.rules else None,
            "falls": bool(fault.rules) and fault.rules[0].falls,
        }
        for name, fault in definition.faults.items()
    }
    return {
        "title": printable(definition.title),
        "side": definition.has_side,
        "tempo": definition.tempo.model_dump(),
        "unit": told_unit(signal.unit) or "°",
        "knee": ("rest", ["knee_flexion_deg"]) in kinds,
        "march": not definition.has_side and any(kind == "march" for kind, _ in kinds),
        "views": {name: printable(view.title) for name, view in definition.views.items()},
        "faults": faults,
    }
