"""Prescriptions: what a physio asks of one patient, laid over the exercise's definition.

A prescription is a small TOML file::

    exercise = "bridge"
    sets = 3
    reps = 10
    rest_s = 60
    focus_fault = "hip_not_extended"
    band = false

    [tempo]
    rise_s = 2
    hold_s = 3
    lower_s = 3

    [target]
    range = 0.45               # in the counting signal's unit; left out, the patient's own range
    knee_flexion_deg = 110

    [faults.hip_not_extended]
    grades = [20, 30, 40]      # this patient's own thresholds
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from formcheck.errors import FormcheckError, printable
from formcheck.exercises.definition import (
    Definition,
    FaultDef,
    Tempo,
    full_stop,
    load_definition,
    nearest,
    read_toml,
)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PrescribedTempo(_Model):
    """Prescribed durations, seconds; those left out keep the definition's."""

    rise_s: float | None = Field(default=None, gt=0, le=30)
    hold_s: float | None = Field(default=None, ge=0, le=60)
    lower_s: float | None = Field(default=None, gt=0, le=30)


class Target(_Model):
    """What to aim for."""

    range: float | None = Field(default=None, gt=0, le=180, description="of the counting signal, its unit")
    knee_flexion_deg: float | None = Field(default=None, ge=40, le=160)


class OwnThresholds(_Model):
    """A patient's own grades for one fault."""

    grades: tuple[float, float, float]


class Prescription(_Model):
    """One patient's prescription for one exercise."""

    exercise: str | None = None
    sets: int = Field(default=3, ge=1, le=20)
    reps: int = Field(default=10, ge=1, le=100)
    rest_s: float = Field(default=60, ge=0, le=900)
    focus_fault: str | None = None
    band: bool = False
    march: bool = Field(default=False, description="lift one foot, then the other, while the hips are up")
    tempo: PrescribedTempo = PrescribedTempo()
    target: Target = Target()
    faults: dict[str, OwnThresholds] = Field(default_factory=dict)


def load_prescription(path: str | Path) -> Prescription:
    """Read a prescription file.

    Raises:
        FormcheckError: unreadable, not TOML, an unknown key (the nearest is suggested) or a wrong value.
    """
    try:
        return Prescription.model_validate(read_toml(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = f"{where}: {first['msg']}"
        if first["type"] == "extra_forbidden":
            models: dict[str, type[BaseModel]] = {
                "tempo": PrescribedTempo,
                "target": Target,
                "faults": OwnThresholds,
            }
            model = models.get(str(first["loc"][0]), Prescription) if len(first["loc"]) > 1 else Prescription
            message = f"unknown key '{where}'{nearest(str(first['loc'][-1]), list(model.model_fields))}"
        message = full_stop(printable(message))
        raise FormcheckError(f"The prescription {path} is not valid: {message}") from None


def prescribe(definition: Definition, prescription: Prescription) -> Definition:
    """The definition as this patient should be judged by it.

    Raises:
        FormcheckError: the prescription is for another exercise, or names an unknown fault.
    """
    if prescription.exercise not in (None, definition.name):
        raise FormcheckError(
            f"The prescription is for the exercise '{printable(prescription.exercise or '', 60)}', not for "
            f"'{definition.name}'."
        )
    named = [*prescription.faults, *([prescription.focus_fault] if prescription.focus_fault else [])]
    for fault in named:
        if fault not in definition.faults:
            raise FormcheckError(
                full_stop(
                    f"The prescription names a fault '{printable(fault, 60)}', which a "
                    f"{definition.title.lower()} has not"
                    f"{nearest(fault, list(definition.faults))}"
                )
            )
    asked = prescription.target.range
    if asked is not None and asked > (most := most_range(definition)):
        raise FormcheckError(f"The prescription's range is at most {most:g}, not {asked:g}.")
    faults = {name: _own(name, fault, prescription) for name, fault in definition.faults.items()}
    return definition.model_copy(
        update={
            "tempo": _tempo(definition.tempo, prescription.tempo),
            "faults": faults,
            "target_range": prescription.target.range,
            "march": prescription.march,
        }
    )


def most_range(definition: Definition) -> float:
    """The largest range that can be asked for, in the unit of the counting signal."""
    return 180.0 if definition.measures[definition.counting.signal].unit == "deg" else 3.0


def disordered(
    faults: Mapping[str, OwnThresholds], definition: Definition
) -> Iterator[tuple[str, Literal["rise", "fall"]]]:
    """Faults whose own thresholds do not get worse from mild to marked, and which way they must go."""
    for name, own in faults.items():
        fault = definition.faults.get(name)
        if fault is not None and fault.rules:
            falls = fault.rules[0].falls
            if list(own.grades) != sorted(own.grades, reverse=falls):
                yield name, "fall" if falls else "rise"


def to_toml(asked: Prescription, definition: Definition) -> str:
    """A prescription as a file that `load_prescription` takes."""
    lines = [
        f"# {definition.title}: prescription made with formcheck.",
        f"exercise = {json.dumps(definition.name)}",
        f"sets = {asked.sets}",
        f"reps = {asked.reps}",
        f"rest_s = {_number(asked.rest_s)}",
    ]
    if asked.focus_fault:
        lines.append(f"focus_fault = {json.dumps(asked.focus_fault)}")
    lines += [f"{name} = true" for name in ("band", "march") if getattr(asked, name)]
    for table in ("tempo", "target"):
        values = getattr(asked, table).model_dump(exclude_none=True)
        if values:
            lines += ["", f"[{table}]", *(f"{name} = {_number(v)}" for name, v in values.items())]
    for name, own in asked.faults.items():
        grades = ", ".join(_number(g) for g in own.grades)
        lines += ["", f"[faults.{name}]  # {definition.faults[name].title}", f"grades = [{grades}]"]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() else repr(round(float(value), 6))


def _tempo(default: Tempo, asked: PrescribedTempo) -> Tempo:
    given = asked.model_dump(exclude_none=True)
    return default.model_copy(update=given)


def _own(name: str, fault: FaultDef, prescription: Prescription) -> FaultDef:
    """One fault with the patient's own thresholds and targets."""
    rules = fault.rules
    if (own := prescription.faults.get(name)) is not None:
        # They are in the fault's unit; a rule with one of its own keeps its thresholds.
        rules = [
            rule.model_copy(update={"grades": own.grades}) if rule.unit is None else rule for rule in rules
        ]
    knee = prescription.target.knee_flexion_deg
    if knee is not None:
        rules = [
            rule.model_copy(update={"reference": knee})
            if rule.kind == "rest" and rule.measures == ["knee_flexion_deg"]
            else rule
            for rule in rules
        ]
    # Knees wide against a band are what was asked for, not a fault (spec 2.2, 5.2 BF6).
    prescribed = fault.prescribed or (prescription.band and name == "knees_fall_out")
    return fault.model_copy(update={"rules": rules, "prescribed": prescribed})


#: Degrees clockwise by which a picture can be turned.
TURNS = (0, 90, 180, 270)


def check_rotate(rotate: int | None) -> None:
    """See that a picture can be turned by this; None is for "find it".

    Raises:
        FormcheckError: it is none of `TURNS`.
    """
    if rotate is not None and rotate not in TURNS:
        raise FormcheckError(f"A picture is turned by 0, 90, 180 or 270 degrees, not by {rotate}.")


def check_request(
    exercise: str,
    side: str | None = None,
    view: str | None = None,
    prescription: str | Path | None = None,
) -> Definition:
    """The definition for a request, after checking that the arguments go together.

    Raises:
        FormcheckError: one sentence that says what does not go together.
    """
    definition = load_definition(exercise)
    if prescription is not None:
        definition = prescribe(definition, load_prescription(prescription))
    if side is not None and side not in ("left", "right"):
        raise FormcheckError(f"The side is 'left' or 'right', not '{printable(side, 60)}'.")
    if side is not None and not definition.has_side:
        raise FormcheckError(
            f"The {definition.title.lower()} has no working side; leave --side out"
            + (", or use --exercise single-leg-bridge." if exercise == "bridge" else ".")
        )
    if view is not None and view not in definition.views:
        raise FormcheckError(
            f"The {definition.title.lower()} has no view called '{printable(view, 60)}'; "
            f"choose one of: auto, {', '.join(definition.views)}."
        )
    return definition
