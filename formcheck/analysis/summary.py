"""The summary of one analysis: the output contract ``formcheck.summary/1``.

The pydantic models here are the contract; the JSON schema in ``docs/summary.schema.json`` is made from
them (a test keeps the two alike)::

    python -m formcheck.analysis.summary > docs/summary.schema.json
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from formcheck.engine.repetition import COUNTED
from formcheck.errors import printable

SCHEMA: Literal["formcheck.summary/1"] = "formcheck.summary/1"

ReasonWord = Literal[
    "view",
    "occluded",
    "out_of_frame",
    "noise",
    "geometry",
    "fps",
    "no_person",
    "baseline",
    "phone",
    "no_prescription",
    "prescribed",
    "no_reps",
]
RepClass = Literal["full", "partial", "aborted", "void"]


class _Model(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        allow_inf_nan=False,
        populate_by_name=True,
        # In the published schema: a key with a default is always in the file, so it is required.
        json_schema_serialization_defaults_required=True,
    )


def _shown(name: str) -> str:
    # A function of one argument: pydantic 2.7 hands a second one to those that take it.
    return printable(name)


class Source(_Model):
    """The video that was read."""

    file: Annotated[str, AfterValidator(_shown)]
    width: int
    height: int
    fps: float
    frames: int
    duration_s: float
    rotate: Literal[0, 90, 180, 270] = Field(
        default=0,
        description="degrees clockwise by which the file's picture was turned to stand upright; width, "
        "height and landmarks are of the turned picture",
    )


class ViewInfo(_Model):
    """From where the camera looks at the body."""

    name: Literal["front", "oblique", "feet", "head", "back", "side", "unknown"]
    yaw_deg: float | None = Field(description="angle of the camera around the body, degrees; see docs")
    declared: bool


class PoseInfo(_Model):
    """The pose engine and how often it saw the person."""

    engine: str
    model: str
    frames_with_person: int
    frames_rejected: int
    people_seen_max: int
    device: str = Field(default="cpu", description="what ran the model, see formcheck analyze --device")
    frames_interpolated: int = Field(
        default=0,
        description="frames of a fast video that the model did not read; their landmarks lie between their "
        "neighbours'",
    )


class DefinitionInfo(_Model):
    """Which exercise definition was used."""

    name: str
    version: int
    sha256: str


class MeasureInfo(_Model):
    """How well one measure could be seen over the clip."""

    status: Literal["ok", "low", "not_measurable"]
    reason: ReasonWord | None
    ok_frames: float = Field(ge=0, le=1, description="share of frames with a person in which it was ok")
    noise_sd: float | None = Field(description="standard deviation while still, in the measure's unit")
    error: float | None = Field(
        default=None, description="typical error from this view, found in validation, in the measure's unit"
    )
    source: Literal["camera", "phone"] = Field(
        default="camera", description="what told its values: the camera, or a phone in the waistband"
    )


class FaultEvent(_Model):
    """One fault in one repetition."""

    id: str
    grade: Literal[1, 2, 3]
    value: float
    unit: str
    start_s: float
    end_s: float
    sure: float = Field(
        default=1.0, ge=0, le=1, description="chance that the true value is beyond the first threshold"
    )
    allowance: float | None = Field(
        default=None,
        ge=0,
        description="a grade is given once the value passes its threshold by so much, in the value's unit, "
        "which allows for the error; null in summaries made before this was told",
    )


class Rep(_Model):
    """One repetition."""

    index: int = Field(description="its place among all, in the order they came: what addresses it")
    number: int | None = Field(
        default=None,
        description="its place among those that count, in its set: what it is called; null where it does not",
    )
    class_: RepClass = Field(alias="class")
    start_s: float
    peak_s: float
    end_s: float
    rise_s: float | None
    hold_s: float | None
    lower_s: float | None
    confidence: float = Field(ge=0, le=1, description="share of its frames in which the signal was ok")
    peak: dict[str, float | None]
    faults: list[FaultEvent]
    set_: int | None = Field(default=None, alias="set", description="number of its set, live sessions only")

    @property
    def name(self) -> str:
        """What it is called wherever it is told of: ``3``, in a live session ``2.3`` for the third of set 2;
        ``–`` where it does not count."""
        if self.number is None:
            return "–"
        return str(self.number) if self.set_ is None else f"{self.set_}.{self.number}"


def numbered(reps: Iterable[Rep]) -> list[Rep]:
    """Repetitions with their numbers. One that does not count has none, and shifts nobody's.

    Args:
        reps: in the order they came.
    """
    out, counted = [], Counter[int | None]()
    for rep in reps:
        counts = rep.class_ in COUNTED
        counted[rep.set_] += counts
        out.append(rep.model_copy(update={"number": counted[rep.set_] if counts else None}))
    return out


class FaultInfo(_Model):
    """What was found of one fault over all repetitions."""

    checked: bool
    reason: ReasonWord | None
    reps_checked: int
    reps_affected: int
    worst_grade: Literal[0, 1, 2, 3]


class PracticeSet(_Model):
    """One set of a live session."""

    index: int
    start_s: float
    end_s: float | None = Field(description="null when the session broke off inside it")
    prescribed_reps: int
    reps_counted: int
    pain: int | None = Field(description="0-10 after the set; null when not answered")
    effort: float | None = Field(description="Borg CR10 after the set; null when not answered")


class CueGiven(_Model):
    """A corrective cue as it was spoken."""

    time_s: float
    fault: str
    text: str


class LiveInfo(_Model):
    """What only a live session has: who, how much was asked, how it felt, what was said."""

    started: str = Field(description="ISO 8601 with the offset from UTC")
    patient: str | None = Field(description="pseudonym, as given with --patient")
    language: str
    consent: Literal["video", "skeleton", "none"]
    prescribed_sets: int
    prescribed_reps: int
    sets: list[PracticeSet]
    pain_before: int | None
    settled: bool | None = Field(description="did the pain of the last session settle within 24 hours?")
    cues: list[CueGiven]
    stopped: Literal["pain", "stop"] | None = Field(description="why it was ended early, if it was")
    dropped_frames: int
    shown_after_ms: int | None = Field(
        default=None,
        description="how long after it was taken a picture was on the screen, while setting up last; null "
        "where it was not measured",
    )


class Processing(_Model):
    """What the analysis cost."""

    wall_s: float
    realtime_factor: float
    ms_per_frame: dict[str, float]


class Summary(_Model):
    """Everything ``summary.json`` holds."""

    schema_: Literal["formcheck.summary/1"] = Field(default=SCHEMA, alias="schema")
    formcheck: str
    source: Source
    exercise: str
    side: Literal["left", "right"] | None
    view: ViewInfo
    pose: PoseInfo
    definition: DefinitionInfo
    complete: bool = Field(default=True, description="false when the analysis was interrupted")
    measures: dict[str, MeasureInfo]
    reps: Annotated[list[Rep], AfterValidator(numbered)]
    faults: dict[str, FaultInfo]
    warnings: list[str]
    processing: Processing
    live: LiveInfo | None = Field(default=None, description="null for an analysed recording")

    def to_json(self) -> str:
        """As written to ``summary.json``."""
        return self.model_dump_json(by_alias=True, indent=1)


def json_schema() -> dict[str, Any]:
    """The published JSON schema of ``summary.json``."""
    schema = Summary.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        **schema,
        "title": "formcheck summary",
        "description": "What formcheck found in one video: the contents of summary.json.",
    }


def main() -> None:
    """Prints the JSON schema."""
    print(json.dumps(json_schema(), indent=1))


if __name__ == "__main__":
    main()
