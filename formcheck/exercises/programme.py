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
from collections.abc import Mapping, Sequence
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
    prescribe,
)

Side = Literal["left", "right"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
#: How the name of a programme's file ends.
ENDING = ".formcheck"
#: A set is not made longer than this by a ladder: what comes then is a harder exercise.
MOST_REPS = 15


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
    content = read_toml(path)
    try:
        programme = Programme.model_validate(content)
        for number, exercise in enumerate(programme.exercises, start=1):
            _check_exercise(exercise, f"exercise {number}")
    except ValidationError as error:
        raise _not_valid(path, _told(error.errors()[0], content)) from None
    except FormcheckError as error:
        raise _not_valid(path, str(error)) from None
    return programme


def _not_valid(path: str | Path, message: str) -> FormcheckError:
    return FormcheckError(f"The programme {path} is not valid: {full_stop(printable(message))}")


def _check_exercise(exercise: ProgrammeExercise, where: str) -> None:
    """What no single entry shows: names, sides, and that each step raises one thing.

    Raises:
        FormcheckError: one sentence with the place.
    """
    _check_names(exercise, where)
    for number, step in enumerate(exercise.ladder, start=1):
        place = f"{where}, step {number} of the ladder"
        before, after = exercise.at(number - 1), exercise.at(number)
        _check_step(step, before, place)
        if step.exercise is not None:
            _check_names(after, place)


def _check_names(exercise: ProgrammeExercise, where: str) -> None:
    try:
        definition = check_request(exercise.exercise, view=exercise.view)
        prescribe(definition, exercise.prescription)
    except FormcheckError as error:
        raise FormcheckError(f"{where}: {error}") from None
    title = definition.title.lower()
    if definition.has_side and not exercise.sides:
        raise FormcheckError(f'{where}: a {title} needs its sides, for example sides = ["left", "right"]')
    if exercise.sides and not definition.has_side:
        raise FormcheckError(f"{where}: a {title} has no working side; leave sides out")
    for name in ("sides", "days"):
        given = getattr(exercise, name) or ()
        if len(set(given)) < len(given):
            raise FormcheckError(f"{where}: {name} names one of them twice")


def _check_step(step: Rung, before: ProgrammeExercise, where: str) -> None:
    if not step.raised:
        raise FormcheckError(f"{where}: it raises nothing; name reps, sets, hold_s, band or exercise")
    if step.exercise is not None:
        return
    if step.sides:
        raise FormcheckError(f"{where}: sides belong to a step that names another exercise")
    if len(step.raised) > 1:
        raise FormcheckError(
            f"{where}: it raises {' and '.join(step.raised)}; the load grows one thing at a time"
        )
    (name,) = step.raised
    new = getattr(step, name)
    old = (before.definition.tempo.hold_s or 0.0) if name == "hold_s" else getattr(before, name)
    if not new > old:
        raise FormcheckError(f"{where}: {name} = {_toml(new)} is no more than the {_toml(old)} before")


def _toml(value: object) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


# --- sentences on a wrong entry ---------------------------------------------------------------------------

_PARTS: Mapping[str, type[BaseModel]] = {
    "exercises": ProgrammeExercise,
    "ladder": Rung,
    "climb": Climb,
    "tempo": PrescribedTempo,
    "target": Target,
    "faults": OwnThresholds,
}


def _told(error: Any, content: Mapping[str, Any]) -> str:
    """A mistake that pydantic found, as a sentence that begins with its place."""
    loc: Sequence[int | str] = error["loc"]
    kind, limits, given = str(error["type"]), error.get("ctx", {}), error.get("input")
    *inside, last = loc
    if isinstance(last, int):  # an entry of a list
        inside, last = list(loc[:-2]), str(loc[-2])
    if kind == "extra_forbidden":
        model = next((_PARTS[str(p)] for p in reversed(inside) if str(p) in _PARTS), Programme)
        return f"{_place(inside)}unknown entry '{last}'{nearest(str(last), list(model.model_fields))}"
    if kind == "missing":
        return f"{_place(inside)}{'the entry ' if not isinstance(last, int) else ''}'{last}' is missing"
    if kind in ("list_type", "tuple_type") and last == "exercises":
        return "exercises are written as tables with double brackets: [[exercises]]"
    if kind == "too_short" and last == "exercises":
        return "it has no exercise; each one is a table [[exercises]]"
    return f"{_place(inside)}{last} {_should(kind, limits, str(error['msg']))}, not {_shown(given)}"


def _should(kind: str, limits: Mapping[str, Any], said: str) -> str:
    bounds = {
        "greater_than_equal": ("is at least", "ge"), "less_than_equal": ("is at most", "le"),
        "greater_than": ("is more than", "gt"), "less_than": ("is less than", "lt"),
    }  # fmt: skip
    if kind in bounds:
        words, key = bounds[kind]
        return f"{words} {limits[key]:g}"
    if kind.startswith("int"):
        return "is a whole number"
    if kind.startswith("float") or kind == "finite_number":
        return "is a number"
    if kind.startswith("bool"):
        return "is true or false"
    if kind.startswith("string_type"):
        return "is a text in quotation marks"
    if kind == "literal_error":
        return f"is one of {limits['expected']}".replace("'", '"').replace(" or ", ", ")
    if kind in ("list_type", "tuple_type"):
        return "is a list in brackets"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return "is a table"
    return said[:1].lower() + said[1:]


def _place(loc: Sequence[int | str]) -> str:
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
    if isinstance(given, (bool, int, float)):
        return _toml(given)
    return "that"
