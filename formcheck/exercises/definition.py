"""Exercise definitions: every number and sentence a clinician might change.

A definition is a TOML file beside this module, checked by the models here: an unknown key is an error
that suggests the right one. A patient's own thresholds are a small TOML laid on top.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from formcheck.errors import FormcheckError, printable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Phase = Literal["rest", "rise", "hold", "lower"]
Trust = Literal["ok", "low"]
WhyLow = Literal["view", "noise", "occluded", "geometry"]
Level = Literal["P2", "P3", "P4", "P5"]
_LARGEST_TOML = 256_000
_FOLDER = Path(__file__).parent
_ALIKE = 0.75  # of the letters of a name: a slip of the finger, not another exercise


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Tempo(_Model):
    """Prescribed durations of the phases, seconds; None where none is prescribed, and nothing to judge by."""

    rise_s: float | None = Field(default=None, gt=0)
    hold_s: float | None = Field(default=None, ge=0)
    lower_s: float | None = Field(default=None, gt=0)


class Gates(_Model):
    """When a landmark may be used (spec 1.3)."""

    visibility_ok: float = Field(ge=0, le=1)
    visibility_low: float = Field(ge=0, le=1)
    fps_min_tempo: float = Field(gt=0)
    bone_tolerance: float = Field(gt=0, description="allowed change of an image bone length, ratio")
    noise_k: float = Field(gt=0, description="a threshold is at least this many baseline SDs")
    noise_nm_factor: float = Field(gt=1, description="beyond this many thresholds of noise: not measurable")
    timing_error_s: dict[str, float] = Field(
        min_length=1, description="typical (RMS) error of a phase's duration, by view"
    )


class Counting(_Model):
    """The repetition state machine (spec 6). Levels are shares of the calibrated range."""

    signal: str = Field(description="name of the primary measure")
    minimum_range: float = Field(gt=0, description="least movement that can be a repetition, signal's unit")
    minimum_range_from: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="the same by view, where its scale is known to be off; else twice where it is rough",
    )
    maximum_range: float | None = Field(
        default=None, gt=0, description="nobody goes further: a larger movement is another"
    )
    typical_range: float = Field(gt=0, description="to count the practice repetitions by, signal's unit")
    minimum_range_sd: float = Field(gt=0, description="and at least this many SDs of the resting signal")
    start_level: float
    start_speed_per_s: float
    start_for_s: float
    onset_level: float = Field(description="a start is looked for from this level back")
    crossing_share: float = Field(
        gt=0, lt=1, description="share of a phase between its 10 % and 90 % crossings, for dating its ends"
    )
    hold_level: float
    hold_speed_per_s: float
    hold_for_s: float
    lower_speed_per_s: float
    lower_for_s: float
    leave_hold_drop: float
    leave_hold_speed_per_s: float
    leave_hold_for_s: float
    rest_level: float
    rest_for_s: float
    again_rise: float
    full_level: float
    partial_level: float
    aborted_level: float
    minimum_phase_s: float
    minimum_rep_s: float
    maximum_rep_s: float
    lost_after_s: float
    lost_end_s: float
    lost_jump: float
    minimum_seen: float
    rest_moves: bool = Field(
        default=True,
        description="between two repetitions a recording may rest at another level: people creep up the mat, "
        "cameras zoom; false for the angle of a joint, which neither changes",
    )
    stays: dict[str, float] = Field(
        default_factory=dict,
        description="parts of the body that lie still: <part>_along and <part>_up, in the signal's "
        "unit, change by at most this share of its rise; 0 = not asked",
    )
    stays_from: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="other shares from some views: view to part to share"
    )
    stays_instead: dict[str, str] = Field(
        default_factory=dict, description="asked of a part only where this other one is not seen"
    )
    stays_least: float = Field(
        default=0.0, ge=0, description="less than this is taken for noise, signal's unit"
    )
    to_head: dict[str, float] = Field(
        default_factory=dict,
        description="parts of the body that move towards the head by at most this share of the rise",
    )
    to_feet: dict[str, float] = Field(
        default_factory=dict,
        description="parts by which the exercise is known where its posture is not recognised: they move "
        "towards the feet by at least this share of the rise",
    )


class Feedback(_Model):
    """When the coach speaks (spec 7.3). "Repetitions" are those that count."""

    speak_grade: int = Field(ge=2, le=3, description="faults below this grade are only logged")
    confirm_reps: tuple[int, int] = Field(description="seen in so many of the last so many repetitions")
    consecutive: list[str] = Field(description="faults for which these must follow one another")
    grade3_after_s: float = Field(gt=0, description="grade 3 held so long may speak after one repetition")
    sure_least: float = Field(ge=0.5, le=1, description="a fault less sure than this (0-1) is not spoken of")
    sure_alone: float = Field(ge=0.5, le=1, description="nor after one repetition alone, if less than this")
    min_gap_s: float = Field(ge=0, description="silence between two corrective cues")
    same_cue_reps: int = Field(ge=1, description="the same cue at most once in so many repetitions")
    max_same_cue_per_set: int = Field(ge=1)
    reps_per_cue: list[int] = Field(
        min_length=1, description="by set, the last for all later ones: one cue in so many; 0 = summary only"
    )
    practised_from_session: int = Field(ge=1)
    practised_reps_per_cue: int = Field(ge=1)
    summary_from_session: int = Field(ge=1, description="from then on grade 3 only")
    hold_start_s: float = Field(gt=0, description="how long 'at the start of the hold' lasts")
    praise_reps: int = Field(ge=1, description="specific praise: checked and absent in so many running")
    praise_every_reps: int = Field(ge=1, description="and so often where nothing was corrected")
    count_stale_s: float = Field(gt=0)
    praise_stale_s: float = Field(gt=0)
    lost_spoken_s: float = Field(gt=0, description="unseen for so long: said aloud")
    no_pushing_from_pain: int = Field(ge=0, le=10)
    pushing: list[str] = Field(description="faults whose cue asks for more: not said from that pain on")


class LyingDef(_Model):
    """What the network for people who lie tells of a measure, where it read anything."""

    reading: Literal["roll", "opening"] = Field(description="those whose error is known, measures/error.toml")
    views: dict[str, Trust] = Field(
        description="views that show it to the network; from any other the landmarks tell it, if they do"
    )
    judged: bool = Field(default=True, description="false: shown, and no fault is judged by it")
    per: float = Field(
        default=1.0, gt=0, description="degrees of the reading that make one of the measure's own unit"
    )
    plus: dict[str, float] = Field(
        default_factory=dict,
        description="other measures that add to what is read, where they are above nothing: so much of the "
        "measure's own unit for one of theirs",
    )
    share: dict[str, float] = Field(
        default_factory=dict,
        description="views from which the value is the mean with the landmarks' one, and the reading's share "
        "of it; where nothing was read the landmarks' value stays. From any other the reading stands alone",
    )
    error: dict[str, float] = Field(
        default_factory=dict,
        description="RMS error by view then, measure's unit: the usual one of a mean, the least of a reading",
    )
    low_because: WhyLow | None = Field(
        default=None, description="why a view that is named 'low' here cannot be trusted; else as without it"
    )


class PhoneDef(_Model):
    """What changes of a measure where a phone in the waistband is worn."""

    views: dict[str, Trust] = Field(description="views from which it is known then; any other refuses it")
    error: dict[str, float] = Field(
        default_factory=dict, description="typical (RMS) error by view then, measure's unit; docs/phone.md"
    )
    felt_plus: Literal["left", "right"] | None = Field(
        default=None,
        description="the phone's turn about the long axis takes the measure's place: right-handed about the "
        "way to the head it is + where this side works, and - otherwise; without it, it is made of such ones",
    )


class MeasureDef(_Model):
    """One measure: unit, and how far each view may be believed."""

    unit: str
    title: str
    views: dict[str, Trust] = Field(description="views that show it; any other refuses it")
    error: dict[str, float] = Field(
        default_factory=dict, description="typical (RMS) error by view, measure's unit; docs/validation.md"
    )
    low_because: WhyLow = Field(
        default="view", description="why a view that is named 'low' cannot be trusted"
    )
    lying: LyingDef | None = Field(
        default=None,
        description="takes the place of the landmarks' value where the network read, or is weighed with it",
    )
    phone: PhoneDef | None = Field(default=None, description="laid over it where a phone is worn")
    source: Literal["camera", "phone"] = Field(default="camera", description="what tells its value")

    def with_phone(self) -> MeasureDef:
        """The measure as a phone in the waistband tells it, or makes it possible."""
        if self.phone is None:
            return self
        felt = self.phone.felt_plus is not None
        laid = {"views": self.phone.views, "error": self.phone.error, "source": "phone" if felt else "camera"}
        return self.model_copy(update=laid | ({"lying": None} if felt else {}))

    def by_network(self, view: str, read: bool = True) -> LyingDef | None:
        """What the network for people who lie tells of it from a view; None for nothing. See `trust`."""
        return self.lying if self.lying is not None and read and view in self.lying.views else None

    def why_low(self, view: str, read: bool = True) -> WhyLow:
        """Why a view that is named 'low' cannot be trusted; see `trust`."""
        lying = self.by_network(view, read)
        return (
            self.low_because if lying is None or not lying.judged else lying.low_because or self.low_because
        )

    def usual_error(self, view: str, read: bool = True) -> float | None:
        """Typical (RMS) error from a view, in the measure's unit; None where it is not known. See `trust`."""
        return (self.by_network(view, read) or self).error.get(view)

    def trust(self, view: str, read: bool = True) -> Trust | None:
        """How far a view may be believed; None where it does not show the measure.

        Args:
            view: the view.
            read: the network for people who lie read something, where it is asked.
        """
        lying = self.by_network(view, read)
        if lying is None:
            return self.views.get(view)
        return lying.views[view] if lying.judged else "low"


class Limit(_Model):
    """A measure, and a value in its own unit."""

    measure: str
    value: float


class Rule(_Model):
    """One way a fault shows.

    kind:
        ``sag``: loss of the signal's height in the hold, percent of its height at the start of the hold;
        ``settles``: a measure beyond a threshold during the rise, and back below the first in the hold;
        ``forced``: peak beyond the target while another fault (named in `with_fault`) is there;
        ``march``: a measure's highest value within a second of a foot leaving the floor (`foot_off` is how
            far the measure after it must go for that);
        ``peaks``: number of speed peaks in the rise or the lowering, whichever has more;
        ``above``/``below``/``either``: a measure beyond a threshold (above it, below minus it, or either
        way) for `minimum_s` within `phases`; with `while_above` or `while_below` only in frames in which
            another measure agrees;
        ``hold``: median over the hold of ``reference - measure`` (``sign = -1``: measure - reference);
        ``rest``: baseline value of ``reference - measure`` (with sign), judged once a repetition;
        ``duration``: a phase's duration as share of the prescribed one, below the thresholds;
        ``range``: peak of the signal as share of the target, below the thresholds;
        ``return``: lowest signal after the repetition as share of the range, above the threshold.
    """

    kind: Literal[
        "above",
        "below",
        "either",
        "hold",
        "rest",
        "duration",
        "range",
        "return",
        "march",
        "sag",
        "settles",
        "forced",
        "peaks",
    ]
    measures: list[str] = Field(default_factory=list)
    grades: tuple[float, float, float]
    minimum_s: float = 0.0
    phases: list[Phase] = ["rise", "hold"]
    reference: float | None = None
    sign: Literal[1, -1] = 1
    phase: Phase | None = None
    with_fault: str | None = None
    foot_off: float | None = None
    while_above: Limit | None = None
    while_below: Limit | None = None
    unit: str | None = Field(default=None, description="of its thresholds, where it is not the fault's")
    views: list[str] | None = Field(default=None, description="only in these views")

    @property
    def falls(self) -> bool:
        """True where a smaller value is a worse one."""
        return self.kind in ("duration", "range")

    def measures_of(self, side: str | None) -> list[str]:
        """Its measures without those of the leg that does not work.

        Args:
            side: the working leg, or None where both work.
        """
        other = {"left": "right", "right": "left"}.get(side or "")
        return [measure for measure in self.measures if other not in measure.split("_")]


class FaultDef(_Model):
    """One fault: rules (the worst grade counts), wording and where its thresholds come from."""

    id: str = Field(description="the specification's number, e.g. CF1")
    title: str
    cue: str | None = Field(default=None, description="what is said to the patient, at most six words")
    level: Level | None = Field(default=None, description="priority class of the cue (spec 7.2)")
    praise: str | None = Field(
        default=None,
        description="key (voice.praise.<key>) of what may be said when every fault with this key was checked "
        "and absent",
    )
    wording: str = Field(description="what the physio reads")
    source: str
    unit: str = ""
    prescribed: bool = Field(default=False, description="asked for by the prescription, so never a fault")
    rules: list[Rule] = Field(default_factory=list)
    best_view: str | None = Field(default=None, description="from where it can be checked")


class ViewDef(_Model):
    """One camera view and how the laptop is placed for it."""

    title: str
    setup: str


class Definition(_Model):
    """A whole exercise."""

    name: str
    version: int
    title: str
    order: int = Field(default=100, description="place in lists of exercises")
    also_called: list[str] = Field(
        default_factory=list,
        # Names judge nothing: they are no part of what is stored and compared.
        exclude=True,
        description="other names in use, in small letters with hyphens; to suggest the right one by",
    )
    posture: str = Field(description="start position, as setup.toml names its wordings")
    measured_by: str = Field(default="", description="module of formcheck.measures with its formulas")
    based_on: str | None = Field(default=None, description="the exercise whose text and words these extend")
    side_is: str = Field(default="side", description="which leg the side names, for reports")
    has_side: bool
    tempo: Tempo = Tempo()
    gates: Gates
    counting: Counting
    feedback: Feedback
    asked_view: str | None = Field(
        default=None,
        exclude=True,  # it judges nothing, see `also_called`
        description="view that the laptop is set up for; if not given, the one from which most is seen well",
    )
    views: dict[str, ViewDef]
    measures: dict[str, MeasureDef]
    faults: dict[str, FaultDef]
    march: bool = Field(default=False, description="feet are lifted in turn during the hold (spec 2.4)")
    target_range: float | None = Field(default=None, gt=0, description="prescribed range of the signal")

    @model_validator(mode="before")
    @classmethod
    def _module_of_old_sessions(cls, content: Any) -> Any:
        # Definitions recorded before they named their module: it followed from the posture.
        if isinstance(content, dict) and not content.get("measured_by"):
            module = {"side_lying": "clam", "hook_lying": "bridge"}.get(str(content.get("posture")))
            return content | {"measured_by": module} if module else content
        return content

    @model_validator(mode="before")
    @classmethod
    def _timing_of_old_sessions(cls, content: Any) -> Any:
        # Definitions made before every view had its own error: one where the counting signal is seen well,
        # one where it is seen roughly.
        gates = content.get("gates") if isinstance(content, dict) else None
        if not isinstance(gates, dict):
            return content
        well, roughly = gates.get("timing_error_s"), gates.get("timing_error_low_s")
        if isinstance(well, dict) and roughly is None:
            return content
        try:
            trust = content["measures"][content["counting"]["signal"]]["views"]
            errors = dict(well) if isinstance(well, dict) else dict.fromkeys(content["views"], well)
            if roughly is not None:
                errors |= {view: roughly for view in content["views"] if trust.get(view) != "ok"}
        except (KeyError, TypeError, AttributeError):
            return content  # wrong elsewhere too, which is told there
        rest = {key: value for key, value in gates.items() if key != "timing_error_low_s"}
        return content | {"gates": rest | {"timing_error_s": errors}}

    @model_validator(mode="after")
    def _names_agree(self) -> Definition:
        if self.asked_view is not None and self.asked_view not in self.views:
            raise ValueError(f"asked_view names an unknown view '{self.asked_view}'")
        for measure, definition in self.measures.items():
            for view in (*definition.views, *(definition.phone.views if definition.phone else ())):
                if view not in self.views:
                    raise ValueError(f"measure {measure} names an unknown view '{view}'")
            for other in definition.lying.plus if definition.lying is not None else ():
                if other not in self.measures:
                    raise ValueError(f"measure {measure} names an unknown measure '{other}'")
        for fault, fault_def in self.faults.items():
            for rule in fault_def.rules:
                self._check_rule(fault, rule)
            if (fault_def.cue is None) != (fault_def.level is None):
                raise ValueError(f"fault {fault} needs both a cue and its level (P2 to P5), or neither")
        for fault in (*self.feedback.consecutive, *self.feedback.pushing):
            if fault not in self.faults:
                raise ValueError(f"feedback names an unknown fault '{fault}'")
        if self.feedback.confirm_reps[0] > self.feedback.confirm_reps[1]:
            raise ValueError("feedback.confirm_reps must be like [2, 3]: in 2 of the last 3")
        if self.counting.signal not in self.measures:
            raise ValueError(f"counting.signal names an unknown measure '{self.counting.signal}'")
        return self

    @model_validator(mode="after")
    def _one_switch_for_a_reading(self) -> Definition:
        """Where one measure is not judged by a reading, no other is."""
        read = {name: m.lying for name, m in self.measures.items() if m.lying is not None}
        off = {lying.reading for lying in read.values() if not lying.judged}
        for name, lying in read.items():
            if lying.reading in off and lying.judged:
                shown = lying.model_copy(update={"judged": False})
                self.measures[name] = self.measures[name].model_copy(update={"lying": shown})
        return self

    @model_validator(mode="after")
    def _levels_are_in_order(self) -> Definition:
        """Out of order they would not be wrong one by one, but a repetition could be full and not partial."""
        for table, names in (
            ("gates", ("visibility_low", "visibility_ok")),
            ("counting", ("onset_level", "rest_level", "aborted_level", "partial_level", "full_level")),
            ("counting", ("minimum_phase_s", "minimum_rep_s", "maximum_rep_s")),
            ("counting", ("lost_after_s", "lost_end_s")),
        ):
            for less, more in itertools.pairwise(names):
                if getattr(getattr(self, table), less) > getattr(getattr(self, table), more):
                    raise ValueError(f"{table}.{less} must not be more than {table}.{more}")
        return self

    def _check_rule(self, fault: str, rule: Rule) -> None:
        timed = rule.kind in ("duration", "range", "return", "sag", "peaks")  # judged on the signal itself
        if not rule.measures and not timed:
            raise ValueError(f"a rule of fault {fault} names no measure")
        limits = [limit for limit in (rule.while_above, rule.while_below) if limit is not None]
        if limits and rule.kind not in ("above", "below", "either"):
            raise ValueError(f"a rule of fault {fault} of kind '{rule.kind}' cannot ask for another measure")
        for kind, names, known in (
            ("measure", rule.measures, self.measures),
            ("measure", [limit.measure for limit in limits], self.measures),
            ("view", rule.views or [], self.views),
            ("fault", [rule.with_fault] if rule.with_fault is not None else [], self.faults),
        ):
            for name in names:
                if name not in known:
                    raise ValueError(f"fault {fault} names an unknown {kind} '{name}'")
        if list(rule.grades) != sorted(rule.grades, reverse=rule.falls):
            raise ValueError(
                f"the grades of fault {fault} must {'fall' if rule.falls else 'rise'} from 1 to 3"
            )

    @property
    def own_joints(self) -> Literal["back", "side"] | None:
        """Which of our networks for the joints of people who lie knows its posture, if any."""
        postures: dict[str, Literal["back", "side"]] = {"hook_lying": "back", "side_lying": "side"}
        return postures.get(self.posture)

    @property
    def frees_a_leg(self) -> bool:
        """Whether one leg is in the air and may go where it likes."""
        return self.has_side and self.counting.stays.get("feet") == 0

    @property
    def reads_lying(self) -> bool:
        """Whether any measure asks the network for people who lie."""
        return any(measure.lying is not None for measure in self.measures.values())

    @property
    def takes_phone(self) -> bool:
        """Whether a phone in the waistband tells any measure of it."""
        return any(m.phone is not None and m.phone.felt_plus is not None for m in self.measures.values())

    @property
    def phone_worn(self) -> bool:
        """Whether it is judged with a phone in the waistband; see `with_phone`."""
        return any(measure.source == "phone" for measure in self.measures.values())

    def with_phone(self) -> Definition:
        """The exercise as it is judged with a phone in the waistband."""
        measures = {name: measure.with_phone() for name, measure in self.measures.items()}
        return self.model_copy(update={"measures": measures})

    @property
    def sha256(self) -> str:
        """Hash of the content, the same however the file is laid out."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def load_definition(exercise: str, overrides: str | Path | None = None) -> Definition:
    """The definition of an exercise, with a patient's own numbers laid on top.

    Args:
        exercise: one of `EXERCISES`.
        overrides: a TOML file with the same keys; only those it names are changed.

    Raises:
        FormcheckError: unknown exercise, unreadable file, unknown key, or a value out of range.
    """
    if exercise not in EXERCISES:
        meant = exercise_meant(exercise)
        hint = f"; did you mean '{meant}'?" if meant else f"; choose one of: {', '.join(EXERCISES)}."
        raise FormcheckError(f"There is no exercise called '{printable(exercise, 60)}'{hint}")
    content = _shipped(exercise)
    if (base := content.get("based_on")) is not None:
        content = _lay_over(_shipped(base), content)
    if overrides is not None:
        own = read_toml(overrides)
        _check_names(own, content, overrides)
        content = _lay_over(content, own)
    return _check(content, overrides)


def exercise_meant(name: str) -> str | None:
    """The exercise that somebody means who calls it so; None if it cannot be told."""
    plain = "-".join(re.findall(r"\w+", name.lower()))
    called = {own: own for own in EXERCISES}
    called |= {other: own for own in EXERCISES for other in _shipped(own).get("also_called", ())}
    near = difflib.get_close_matches(plain, called, n=1, cutoff=_ALIKE)
    return called[near[0]] if near else None


def _check_names(own: dict[str, Any], base: dict[str, Any], path: str | Path) -> None:
    """Names of measures, faults and views in an override must be the definition's."""
    for table in ("measures", "faults", "views"):
        given = own.get(table)
        for name in given if isinstance(given, dict) else ():
            if name not in base[table]:
                hint = nearest(name, list(base[table]))
                raise FormcheckError(
                    f"The exercise definition in {path} is not valid: "
                    + full_stop(printable(f"unknown key '{table}.{name}'{hint}"))
                )


def read_toml(path: str | Path) -> dict[str, Any]:
    """A TOML file's content; one sentence as FormcheckError when it cannot be read."""
    path, shown = Path(path), printable(str(path))
    # A definition or prescription is a few kilobytes; a huge file is a mistake or worse.
    try:
        if not path.is_file() and path.exists() and not path.is_dir():
            raise FormcheckError(f"{shown} is not a file that can be read: give a TOML file.")
        if path.stat().st_size > _LARGEST_TOML:
            raise FormcheckError(f"The file {shown} is far too large to be a definition or prescription.")
        return toml_of(path.read_text(encoding="utf-8"), f"The file {shown}")
    except OSError as error:
        raise FormcheckError(f"The file {shown} cannot be read: {error.strerror}.") from None
    except UnicodeError as error:
        raise FormcheckError(f"The file {shown} is not valid TOML: {printable(str(error))}.") from None


def toml_of(text: str, what: str) -> dict[str, Any]:
    """What a text in TOML says; one sentence as FormcheckError, beginning with `what`, when it is none."""
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also a number of five thousand digits
        raise FormcheckError(f"{what} is not valid TOML: {printable(str(error))}.") from None
    except RecursionError:
        raise FormcheckError(f"{what} is not valid TOML: it is nested too deeply.") from None


def _lay_over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        old = merged.get(key)
        merged[key] = _lay_over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _check(content: dict[str, Any], path: str | Path | None) -> Definition:
    try:
        return Definition.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        # What a check of our own says stands by itself.
        message = str(first["ctx"]["error"]) if first["type"] == "value_error" else f"{where}: {first['msg']}"
        if first["type"] == "extra_forbidden":
            known = _known_keys(first["loc"][:-1], content)
            message = f"unknown key '{where}'{nearest(str(first['loc'][-1]), known)}"
        file = f" in {path}" if path is not None else ""
        message = full_stop(printable(message))
        raise FormcheckError(f"The exercise definition{file} is not valid: {message}") from None


def nearest(name: str, known: Sequence[str], cutoff: float = 0.5) -> str:
    """``"; did you mean 'x'?"`` for a misspelt name, or nothing."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=cutoff)
    return f"; did you mean '{near[0]}'?" if near else ""


def full_stop(sentence: str) -> str:
    """The sentence with its full stop, unless it ends in a question mark."""
    return sentence if sentence.endswith(("?", ".")) else f"{sentence}."


def _known_keys(loc: tuple[int | str, ...], content: dict[str, Any]) -> list[str]:
    """Names allowed at a place in the definition, for the suggestion."""
    model: Any = Definition
    parents = {"tempo": Tempo, "gates": Gates, "counting": Counting, "feedback": Feedback}
    within = {"views": ViewDef, "measures": MeasureDef, "faults": FaultDef}
    if loc:
        head = str(loc[0])
        model = parents.get(head) or within.get(head) or Definition
        if "rules" in loc:
            model = Rule
    return list(model.model_fields)


@cache
def _shipped(exercise: str) -> dict[str, Any]:
    """What this folder's file says of an exercise; read once, not to be changed."""
    return read_toml(_FOLDER / f"{exercise.replace('-', '_')}.toml")


def _in_order() -> tuple[str, ...]:
    """Names of the exercises whose definitions lie in this folder, in their `order`."""
    names = [file.stem.replace("_", "-") for file in _FOLDER.glob("*.toml")]
    return tuple(sorted(names, key=lambda name: (_shipped(name).get("order", 100), name)))


EXERCISES = _in_order()
