"""Programmes: what a physio sends home, one file with all exercises, their days and how they grow.

A programme is a TOML file whose name ends in ``.formcheck``::

    name = "Hips, first weeks"
    days = ["mon", "wed", "fri"]

    [[exercises]]
    exercise = "clam"
    sides = ["left", "right"]
    sets = 2
    reps = 10

    [[exercises.ladder]]       # the next step, once this one goes well
    reps = 12

Each exercise *is* a prescription (see `formcheck.exercises.prescription`), with sides, days and a ladder
besides. Each step of a ladder raises one thing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from formcheck.errors import FormcheckError, printable
from formcheck.exercises.definition import Definition, full_stop, load_definition, nearest, read_toml
from formcheck.exercises.prescription import (
    OwnThresholds,
    PrescribedTempo,
    Prescription,
    Target,
    check_request,
    disordered,
    most_range,
    prescribe,
)

Side = Literal["left", "right"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
#: How the name of a programme's file ends.
ENDING = ".formcheck"
#: A set is not made longer than this by a ladder: what comes then is a harder exercise.
MOST_REPS = 15
#: Where an entry is, e.g. ``("exercises", 0, "ladder", 2, "reps")``.
Place = tuple[str | int, ...]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Rung(_Model):
    """One step of a ladder: the one thing that is raised, or another exercise with its own numbers."""

    sets: int | None = Field(default=None, ge=1, le=20)
    reps: int | None = Field(default=None, ge=1, le=MOST_REPS)
    hold_s: float | None = Field(default=None, ge=0, le=60)
    band: bool | None = None
    exercise: str | None = None
    sides: tuple[Side, ...] = ()

    @property
    def raised(self) -> tuple[str, ...]:
        """Names of what it changes."""
        return tuple(
            n for n in ("sets", "reps", "hold_s", "band", "exercise") if getattr(self, n) is not None
        )


class Climb(_Model):
    """When a ladder goes up a step, and when back."""

    after_days: int = Field(default=2, ge=1, le=20, description="good days in a row for a step up")
    full_share: float = Field(
        default=0.9, ge=0.5, le=1, description="of what was asked for, done through the whole own range"
    )
    pain_most: int = Field(default=3, ge=0, le=10, description="and it settles within a day")
    effort_below: float = Field(default=5.0, gt=0, le=10, description="Borg CR10: 5 is hard")
    back_after_days: int = Field(
        default=2, ge=1, le=20, description="days in a row with too few full repetitions for a step back"
    )


class ProgrammeExercise(Prescription):
    """One exercise of a programme."""

    exercise: str
    sides: tuple[Side, ...] = Field(default=(), description="working legs, in the order they are done")
    view: str | None = Field(default=None, description="where the laptop goes, if not wherever most is seen")
    days: tuple[Weekday, ...] | None = Field(default=None, description="if not those of the programme")
    ladder: tuple[Rung, ...] = ()

    @property
    def mark(self) -> str:
        """Tells this exercise from others, and from itself after it was changed."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def at(self, rung: int) -> ProgrammeExercise:
        """What is asked for on a step of the ladder; 0 is the exercise as it begins."""
        now = self
        for step in self.ladder[:rung]:
            now = _raised(now, step)
        return now

    @property
    def prescription(self) -> Prescription:
        """The prescription alone, as the definition is judged by it."""
        return Prescription.model_validate({name: getattr(self, name) for name in Prescription.model_fields})

    @property
    def definition(self) -> Definition:
        """The exercise's definition as this patient is judged by it."""
        return prescribe(load_definition(self.exercise), self.prescription)


def _raised(before: ProgrammeExercise, step: Rung) -> ProgrammeExercise:
    changed: dict[str, Any] = {
        name: value for name in ("sets", "reps", "band") if (value := getattr(step, name)) is not None
    }
    if step.exercise is not None:
        # Thresholds, targets and the focus were those of the exercise before.
        changed |= {"exercise": step.exercise, "sides": step.sides, "view": None, "focus_fault": None}
        changed |= {"faults": {}, "target": Target(), "march": False}
        changed |= {"tempo": PrescribedTempo(hold_s=step.hold_s), "band": bool(step.band)}
    elif step.hold_s is not None:
        changed["tempo"] = before.tempo.model_copy(update={"hold_s": step.hold_s})
    return before.model_copy(update={**changed, "ladder": ()})


class Programme(_Model):
    """One patient's programme."""

    name: str = Field(min_length=1, max_length=80)
    patient: str | None = Field(default=None, max_length=80, description="pseudonym, kept in the sessions")
    days: tuple[Weekday, ...] = Field(default=("mon", "wed", "fri"), min_length=1)
    weeks: int = Field(default=8, ge=1, le=104, description="after so long a new one is due")
    between_s: float = Field(default=30, ge=5, le=900, description="from one exercise or side to the next")
    climb: Climb = Climb()
    exercises: tuple[ProgrammeExercise, ...] = Field(min_length=1, max_length=12)

    def on(self, day: Weekday) -> tuple[ProgrammeExercise, ...]:
        """The exercises of a day of the week, in their order."""
        return tuple(e for e in self.exercises if day in (e.days if e.days is not None else self.days))


def load_programme(path: str | Path) -> Programme:
    """Read a programme file.

    Raises:
        FormcheckError: unreadable, not TOML, or an entry that is not right: which one, and why.
    """
    programme, wrong = read_programme(read_toml(path))
    if programme is None:
        message = full_stop(printable(wrong[0].sentence))
        raise FormcheckError(f"The programme {path} is not valid: {message}")
    return programme


def read_programme(content: Mapping[str, Any]) -> tuple[Programme | None, list[Mistake]]:
    """A programme from what its file holds; or None, and what is not right in it."""
    try:
        programme = Programme.model_validate(content)
    except ValidationError as error:
        # A list is too short to pydantic also where each of its entries is wrong, which is told of them.
        return None, [_mistake(e) for e in error.errors() if e["type"] != "too_short" or not e["input"]]
    wrong = [
        m for i, exercise in enumerate(programme.exercises) for m in _wrong_in(exercise, ("exercises", i))
    ]
    return (None, wrong) if wrong else (programme, [])


def programme_toml(programme: Programme) -> str:
    """A programme as a file that `load_programme` takes, without what was left out."""
    return _table(programme.model_dump(mode="json", exclude_unset=True), "")


# --- what no single entry shows ---------------------------------------------------------------------------


def _wrong_in(exercise: ProgrammeExercise, at: Place) -> Iterator[Mistake]:
    """Names, sides, own thresholds, and that each step of the ladder raises one thing."""
    yield from _wrong_names(exercise, at)
    for number, step in enumerate(exercise.ladder):
        place = (*at, "ladder", number)
        if step.exercise is None:
            yield from _wrong_step(step, exercise.at(number), place)
        else:
            yield from _wrong_names(exercise.at(number + 1), place)


def _wrong_names(exercise: ProgrammeExercise, at: Place) -> Iterator[Mistake]:
    try:
        definition = load_definition(exercise.exercise)
    except FormcheckError as error:
        yield _refused((*at, "exercise"), "no_exercise", exercise.exercise, error)
        return
    try:
        check_request(exercise.exercise, view=exercise.view)
    except FormcheckError as error:
        yield _refused((*at, "view"), "no_view", exercise.view, error)
    named: list[tuple[Place, str | None]] = [(("focus_fault",), exercise.focus_fault)]
    named += [(("faults", fault), fault) for fault in exercise.faults]
    for place, fault in named:
        try:
            prescribe(definition, Prescription(focus_fault=fault))
        except FormcheckError as error:
            yield _refused((*at, *place), "no_fault", fault, error)
    for fault, order in disordered(exercise.faults, definition):
        yield Mistake((*at, "faults", fault, "grades"), order, {})
    asked, most = exercise.target.range, most_range(definition)
    if asked is not None and asked > most:
        limits = {"name": "range", "limit": _shown(most), "given": _shown(asked)}
        yield Mistake((*at, "target", "range"), "at_most", limits)
    title = {"title": definition.title.lower()}
    if definition.has_side and not exercise.sides:
        yield Mistake((*at, "sides"), "sides_needed", title)
    if exercise.sides and not definition.has_side:
        yield Mistake((*at, "sides"), "no_sides", title)
    for name in ("sides", "days"):
        given = getattr(exercise, name) or ()
        if len(set(given)) < len(given):
            yield Mistake((*at, name), "twice", {"name": name})


def _refused(at: Place, kind: str, given: str | None, error: FormcheckError) -> Mistake:
    return Mistake(at, kind, {"given": printable(str(given), 60), "said": str(error)})


def _wrong_step(step: Rung, before: ProgrammeExercise, at: Place) -> Iterator[Mistake]:
    if not step.raised:
        yield Mistake(at, "raises_nothing", {})
        return
    if step.sides:
        yield Mistake((*at, "sides"), "sides_of_step", {})
    if len(step.raised) > 1:
        yield Mistake(at, "raises_many", {"what": " and ".join(step.raised)})
        return
    (name,) = step.raised
    new = getattr(step, name)
    try:
        old = (before.definition.tempo.hold_s or 0.0) if name == "hold_s" else getattr(before, name)
    except FormcheckError:  # what is wrong before is told there
        return
    if not new > old:
        yield Mistake((*at, name), "no_more", {"name": name, "given": _shown(new), "before": _shown(old)})


# --- sentences on a wrong entry ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Mistake:
    """An entry that is not right.

    Attributes:
        at: where it is, see `Place`.
        kind: what is wrong, a key of `SAID`.
        values: what the sentence of this kind says of it.
    """

    at: Place
    kind: str
    values: Mapping[str, str]

    @property
    def sentence(self) -> str:
        """What is wrong, in English, with its place first and without a full stop."""
        about_all = not self.at or isinstance(self.at[-1], int)
        return f"{_place(self.at if about_all else self.at[:-1])}{SAID[self.kind].format(**self.values)}"


#: What is wrong, by kind, as it is told of a file.
SAID: Mapping[str, str] = {
    "unknown": "unknown entry '{name}'{hint}",
    "missing": "the entry '{name}' is missing",
    "no_tables": "exercises are written as tables with double brackets: [[exercises]]",
    "empty": "it has no exercise; each one is a table [[exercises]]",
    "at_least": "{name} is at least {limit}, not {given}",
    "at_most": "{name} is at most {limit}, not {given}",
    "more_than": "{name} is more than {limit}, not {given}",
    "less_than": "{name} is less than {limit}, not {given}",
    "whole": "{name} is a whole number, not {given}",
    "number": "{name} is a number, not {given}",
    "truth": "{name} is true or false, not {given}",
    "text": "{name} is a text in quotation marks, not {given}",
    "choice": "{name} is one of {choices}, not {given}",
    "list": "{name} is a list in brackets, not {given}",
    "table": "{name} is a table, not {given}",
    "long": "{name} is longer than {limit}",
    "short": "{name} is empty",
    "three": "{name} are three numbers",
    "other": "{name} is not right: {said}",
    "no_exercise": "{said}",
    "no_view": "{said}",
    "no_fault": "{said}",
    "rise": "the grades must rise from mild to marked",
    "fall": "the grades must fall from mild to marked",
    "sides_needed": 'a {title} needs its sides, for example sides = ["left", "right"]',
    "no_sides": "a {title} has no working side; leave sides out",
    "twice": "{name} names one of them twice",
    "raises_nothing": "it raises nothing; name reps, sets, hold_s, band or exercise",
    "raises_many": "it raises {what}; the load grows one thing at a time",
    "sides_of_step": "sides belong to a step that names another exercise",
    "no_more": "{name} = {given} is no more than the {before} before",
}
_PARTS: Mapping[str, type[BaseModel]] = {
    "exercises": ProgrammeExercise,
    "ladder": Rung,
    "climb": Climb,
    "tempo": PrescribedTempo,
    "target": Target,
    "faults": OwnThresholds,
}
#: What pydantic finds, by the beginning of its name for it, and where it keeps the limit.
_FOUND = {
    "greater_than_equal": ("at_least", "ge"),
    "greater_than": ("more_than", "gt"),
    "less_than_equal": ("at_most", "le"),
    "less_than": ("less_than", "lt"),
    "too_long": ("long", "max_length"),
    "string_too_long": ("long", "max_length"),
    "too_short": ("short", ""),
    "string_too_short": ("short", ""),
    "string": ("text", ""),
    "int": ("whole", ""),
    "float": ("number", ""),
    "finite_number": ("number", ""),
    "bool": ("truth", ""),
    "list_type": ("list", ""),
    "tuple_type": ("list", ""),
    "dict_type": ("table", ""),
    "model": ("table", ""),
}


def _mistake(error: Any) -> Mistake:
    """What pydantic found."""
    kind, limits, at = str(error["type"]), error.get("ctx", {}), tuple(error["loc"])
    if at and isinstance(at[-1], int):  # an entry of a list
        at = at[:-1]
    name = str(at[-1]) if at else "an entry"
    values = {"name": name, "given": _shown(error.get("input"))}
    if kind == "extra_forbidden":
        model = next((_PARTS[str(p)] for p in reversed(at[:-1]) if str(p) in _PARTS), Programme)
        return Mistake(at, "unknown", {"name": name, "hint": nearest(name, list(model.model_fields))})
    if name == "grades" and kind in ("missing", "too_long"):
        return Mistake(at, "three", values)
    if kind == "missing":
        return Mistake(at, "missing", values)
    if at == ("exercises",) and kind == "too_short":
        return Mistake(at, "empty", {})
    if at == ("exercises",) and kind != "too_long":
        return Mistake(at, "no_tables", {})
    if kind == "literal_error":
        choices = str(limits["expected"]).replace("'", '"').replace(" or ", ", ")
        return Mistake(at, "choice", values | {"choices": choices})
    for begins, (said, limit) in _FOUND.items():
        if kind.startswith(begins):
            return Mistake(at, said, values | ({"limit": f"{limits[limit]:g}"} if limit else {}))
    return Mistake(at, "other", values | {"said": str(error["msg"])})


def _place(loc: Place) -> str:
    """``("exercises", 1, "ladder", 0)`` → ``"exercise 2, step 1 of the ladder: "``."""
    out: list[str] = []
    parts = list(loc)
    while parts:
        part = str(parts.pop(0))
        number = int(parts.pop(0)) + 1 if parts and isinstance(parts[0], int) else None
        if part == "exercises" and number is not None:
            out.append(f"exercise {number}")
        elif part == "ladder" and number is not None:
            out.append(f"step {number} of the ladder")
        else:
            out.append(part)
    return f"{', '.join(out)}: " if out else ""


def _shown(given: object) -> str:
    if isinstance(given, str):
        return f'"{printable(given, 60)}"'
    if isinstance(given, float):
        return f"{given:g}"
    return str(given).lower() if isinstance(given, (bool, int)) else "that"


# --- written as TOML --------------------------------------------------------------------------------------


def _table(content: Mapping[str, Any], within: str) -> str:
    """A table's own values, then the tables in it; `within` is its name with a dot, or empty."""
    lines, tables = [], []
    for name, value in content.items():
        key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _value(name)
        rows = isinstance(value, list) and any(isinstance(one, dict) for one in value)
        if isinstance(value, dict):
            inside = _table(value, f"{within}{key}.")
            # A table of tables alone needs no line of its own.
            tables.append(inside if inside.startswith("\n[") else f"\n[{within}{key}]\n{inside}")
        elif rows:
            tables += [f"\n[[{within}{key}]]\n{_table(one, f'{within}{key}.')}" for one in value]
        elif value is not None:
            lines.append(f"{key} = {_value(value)}\n")
    return "".join((*lines, *tables))


def _value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    # Of what JSON may hold as it is, TOML refuses one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
