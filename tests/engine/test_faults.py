"""Every rule of every definition (spec 5.3), and what they share: hysteresis, noise, phases, honesty.

The cases are made from the definitions themselves, so a new fault or threshold is tested as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pytest

from formcheck.engine.faults import FaultCheck, judge_rep, longest_spell, noise_threshold
from formcheck.engine.repetition import RepTimes
from formcheck.exercises.definition import EXERCISES, Definition, FaultDef, Rule, Tempo, load_definition
from formcheck.measures.reference import Reference
from formcheck.measures.table import MeasureTable, Reason, Status

FPS = 30.0
TIME = np.arange(0, 14, 1 / FPS)
#: Rise, hold and lower last as long as prescribed.
REP = RepTimes("full", 2.0, 4.0, 7.0, 9.0, 5.5, 1.0, 1.0, False, False, 0.0)
PHASES = {"rise": (2.0, 4.0), "hold": (4.0, 7.0), "lower": (7.0, 9.0), "rest": (9.0, 9.0)}

SUSTAINED = ("above", "below", "either", "settles")
FROM_TABLE = (*SUSTAINED, "hold", "rest")
#: An error too small to change a grade.
EXACT = 1e-9
#: Kinds in which less is worse.
LESS = ("duration", "range")


@lru_cache
def asked_for(exercise: str) -> Definition:
    """The definition, and in a clam a rule on speed peaks: refused by default, but one may ask for it."""
    definition = load_definition(exercise)
    if exercise != "clam":
        return definition
    peaks = Rule(kind="peaks", measures=["knee_lift"], grades=(3, 4, 6))
    jerky = definition.faults["jerky"].model_copy(update={"rules": [peaks]})
    return definition.model_copy(update={"faults": {**definition.faults, "jerky": jerky}})


@lru_cache
def definition_of(exercise: str) -> Definition:
    """The definition with every tempo prescribed as REP has it, and all times known exactly."""
    definition = asked_for(exercise)
    tempo = Tempo(rise_s=2.0, hold_s=3.0, lower_s=2.0)
    gates = definition.gates.model_copy(update={"timing_error_s": dict.fromkeys(definition.views, EXACT)})
    return definition.model_copy(update={"tempo": tempo, "gates": gates, "march": exercise == "bridge"})


@dataclass(frozen=True)
class Case:
    """One measure of one rule of one fault."""

    exercise: str
    name: str
    rule_index: int
    measure: str

    @property
    def definition(self) -> Definition:
        return definition_of(self.exercise)

    @property
    def fault(self) -> FaultDef:
        return self.definition.faults[self.name]

    @property
    def rule(self) -> Rule:
        return self.fault.rules[self.rule_index]

    def __str__(self) -> str:
        return f"{self.exercise}-{self.name}-{self.measure}"


CASES = [
    Case(exercise, name, i, measure)
    for exercise in EXERCISES
    for name, fault in asked_for(exercise).faults.items()
    if not fault.prescribed
    # The other bridges share most faults with the bridge.
    if load_definition(exercise).based_on != "bridge" or fault != load_definition("bridge").faults.get(name)
    for i, rule in enumerate(fault.rules)
    # A march's second measure only tells when a foot is off the floor.
    for measure in rule.measures[: 1 if rule.kind == "march" else None]
]


def cases(*kinds: str) -> pytest.MarkDecorator:
    picked = [c for c in CASES if not kinds or c.rule.kind in kinds]
    assert picked
    return pytest.mark.parametrize("case", picked, ids=str)


@dataclass
class Scene:
    """All that `judge_rep` needs, everything still and believed."""

    definition: Definition
    rep: RepTimes
    table: MeasureTable
    ref: Reference
    fps: float = FPS

    def judged(self) -> dict[str, FaultCheck]:
        return judge_rep(self.rep, self.table, self.definition, self.ref, fps=self.fps)

    def column(self, measure: str) -> np.ndarray:
        return self.table.value[:, self.table.names.index(measure)]

    def refuse(self, measure: str, reason: Reason, where: np.ndarray | slice = slice(None)) -> None:
        m = self.table.names.index(measure)
        self.table.value[where, m] = np.nan
        self.table.status[where, m], self.table.reason[where, m] = Status.NOT_MEASURABLE, reason

    def doubt(self, measure: str, reason: Reason) -> None:
        m = self.table.names.index(measure)
        self.table.status[:, m], self.table.reason[:, m] = Status.LOW, reason


def still(exercise: str) -> Scene:
    """A repetition without any fault, as far as the table goes, and all of it exactly known."""
    definition = definition_of(exercise)
    names = tuple(definition.measures)
    value = np.zeros((len(TIME), len(names)))
    value[:, [i for i, n in enumerate(names) if n == "hip_angle_deg"]] = 180.0
    table = MeasureTable(names, TIME, value, np.zeros(value.shape, np.uint8), np.zeros(value.shape, np.uint8))
    table = table.with_sd(np.zeros(value.shape))
    view = next(iter(definition.views))
    axis = np.array([1.0, 0.0])
    ref = Reference(
        start_s=0.0, end_s=14.0, view=view, yaw_deg=0.0, side=None, near="right", along=axis,
        normal=np.array([0.0, -1.0]), back_x=1.0, trunk_px=100.0, length_px=100.0,
        hip_line_px=40.0, rest=dict.fromkeys(names, 0.0) | {"knee_flexion_deg": 120.0},
        noise_sd=dict.fromkeys(names, 0.0), range=0.45,
    )  # fmt: skip
    return Scene(definition, REP, table, ref)


def within(phases: list[str]) -> np.ndarray:
    inside = np.zeros(len(TIME), bool)
    for phase in phases:
        a, b = PHASES[phase]
        inside |= (a - 1e-6 <= TIME) & (b + 1e-6 >= TIME)
    return inside


def scene(case: Case, size: float, where: np.ndarray | None = None) -> Scene:
    """A repetition in which the rule's own quantity has this size.

    Args:
        case: which rule.
        size: in the unit of the rule's thresholds.
        where: frames that have it, for rules on a measure's course; by default the rule's phases.
    """
    s, rule = still(case.exercise), case.rule
    if rule.kind in SUSTAINED:
        sign = -1.0 if rule.kind == "below" else 1.0
        frames = within(list(rule.phases)) if where is None else where
        if rule.kind == "settles" and where is None:
            frames &= REP.hold_start_s - 0.05 > TIME
        s.column(case.measure)[frames] = sign * size
        for limit, far in ((rule.while_above, 0.05), (rule.while_below, -0.05)):
            if limit is not None:
                s.column(limit.measure)[:] = limit.value + far
    elif rule.kind == "hold":
        frames = within(["hold"]) if where is None else where
        s.column(case.measure)[frames] = (rule.reference or 0.0) - rule.sign * size
    elif rule.kind == "rest":
        s.ref.rest[case.measure] = (rule.reference or 0.0) - rule.sign * size
    elif rule.kind == "duration":
        limits = {
            "rise": {"start_s": REP.hold_start_s - size * 2.0},
            "hold": {"hold_end_s": REP.hold_start_s + size * 3.0},
            "lower": {"end_s": REP.hold_end_s + size * 2.0},
        }[rule.phase or "lower"]
        s.rep = replace(REP, **limits)
    elif rule.kind == "range":
        s.rep = replace(REP, peak=size)
    elif rule.kind == "return":
        s.rep = replace(REP, low_after=size, incomplete_return=True)
    elif rule.kind == "sag":
        s.rep = replace(REP, hold_sag=size / 100.0)
    elif rule.kind == "march":
        s.column(rule.measures[1])[(TIME >= 5.0) & (TIME <= 6.5)] = 2 * (rule.foot_off or 0.0)
        frames = (TIME >= 5.3) & (TIME <= 5.8) if where is None else where
        s.column(case.measure)[frames] = size
    elif rule.kind == "peaks":
        s.rep = replace(REP, speed_peaks=round(size))
    elif rule.kind == "forced":
        s.rep = replace(REP, peak=size)
        other = s.definition.faults[rule.with_fault or ""].rules[0]
        s.column(other.measures[0])[within(list(other.phases))] = other.grades[1] * 1.01
    else:
        raise AssertionError(f"no test is written for rules of kind {rule.kind}")
    return s


def beyond(rule: Rule, threshold: float) -> float:
    """Just on the bad side of a threshold."""
    if rule.kind == "peaks":
        return threshold
    return threshold * (0.999 if rule.kind in LESS else 1.001)


def short_of(rule: Rule, threshold: float) -> float:
    """Just on the good side of it."""
    if rule.kind == "peaks":
        return threshold - 1
    return threshold * (1.001 if rule.kind in LESS else 0.999)


# --- every rule -----------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", EXERCISES)
def test_without_faults_none_is_found_and_every_one_is_answered(exercise):
    checks = still(exercise).judged()
    definition = asked_for(exercise)
    assert list(checks) == list(definition.faults)
    for name, check in checks.items():
        assert check.fault is None, name
        assert (check.reason is None) == check.checked, name
        fault = definition.faults[name]
        judged = bool(fault.rules) and not fault.prescribed
        # Nobody marched, so nothing is said about marching.
        marched = any(rule.kind == "march" for rule in fault.rules)
        assert check.checked == (judged and not marched), name


@cases()
@pytest.mark.parametrize("grade", [1, 2, 3])
def test_each_threshold_gives_its_grade_and_just_short_of_it_the_one_below(case, grade):
    rule, threshold = case.rule, case.rule.grades[grade - 1]
    size = beyond(rule, threshold)
    check = scene(case, size).judged()[case.name]
    assert check.checked
    assert check.reason is None
    assert check.fault is not None
    assert check.fault.id == case.name
    assert check.fault.grade == grade
    assert check.fault.unit == (rule.unit or case.fault.unit)
    assert check.fault.value == pytest.approx(size, rel=1e-6)
    assert REP.start_s - 3 <= check.fault.start_s <= check.fault.end_s <= REP.end_s + 1e-6

    less = scene(case, short_of(rule, threshold)).judged()[case.name]
    assert less.checked
    assert (less.fault.grade if less.fault else 0) == grade - 1


@cases("above", "below")
def test_the_other_direction_is_another_matter(case):
    assert scene(case, -10 * case.rule.grades[2]).judged()[case.name].fault is None


@cases("either")
def test_either_way(case):
    check = scene(case, -beyond(case.rule, case.rule.grades[1])).judged()[case.name]
    assert check.fault is not None
    assert check.fault.grade == 2


@cases(*FROM_TABLE, "march")
@pytest.mark.parametrize("reason", [Reason.VIEW, Reason.OCCLUDED, Reason.OUT_OF_FRAME, Reason.NO_PERSON])
def test_what_cannot_be_measured_is_not_checked_and_never_absent(case, reason):
    s = scene(case, 2 * case.rule.grades[2])
    s.refuse(case.measure, reason)
    check = s.judged()[case.name]
    assert (check.checked, check.reason, check.fault) == (False, reason.word, None)


@cases(*FROM_TABLE, "march")
def test_a_doubtful_measure_triggers_nothing(case):
    s = scene(case, 2 * case.rule.grades[2])
    s.doubt(case.measure, Reason.VIEW)
    check = s.judged()[case.name]
    assert (check.checked, check.reason, check.fault) == (False, "view", None)


@cases(*FROM_TABLE)
@pytest.mark.parametrize(("share", "checked"), [(0.2, True), (0.5, False)])
def test_a_rule_is_checked_when_enough_of_its_frames_could_be_believed(case, share, checked):
    s = still(case.exercise)
    hidden = np.random.default_rng(0).random(len(TIME)) < share
    s.refuse(case.measure, Reason.OCCLUDED, hidden)
    check = s.judged()[case.name]
    assert check.checked == checked
    assert check.reason == (None if checked else "occluded")


@cases(*SUSTAINED, "hold")
def test_one_wild_frame_is_not_a_fault(case):
    phases = ["hold"] if case.rule.kind == "hold" else list(case.rule.phases)
    for at in np.flatnonzero(within(phases))[::20]:
        spike = np.zeros(len(TIME), bool)
        spike[at] = True
        check = scene(case, 10 * case.rule.grades[2], spike).judged()[case.name]
        assert check.checked
        assert check.fault is None


@cases(*SUSTAINED)
def test_a_fault_must_last(case):
    frames = np.flatnonzero(within(list(case.rule.phases)))
    frames = frames[frames > frames[0] + 3]
    needed = case.rule.minimum_s
    for seconds, found in ((needed - 2.5 / FPS, False), (needed + 2.5 / FPS, True)):
        some = np.zeros(len(TIME), bool)
        some[frames[: round(seconds * FPS) + 1]] = True
        check = scene(case, 1.2 * case.rule.grades[0], some).judged()[case.name]
        assert (check.fault is not None) == found, seconds


@cases(*SUSTAINED)
def test_in_another_phase_it_is_no_fault(case):
    others = [p for p in ("rise", "hold", "lower") if p not in case.rule.phases]
    margin = within(list(case.rule.phases))
    margin |= np.roll(margin, 1) | np.roll(margin, -1)
    elsewhere = ~margin & (within(others) if others else ~within(["rise", "hold", "lower"]))
    check = scene(case, 2 * case.rule.grades[2], elsewhere).judged()[case.name]
    assert check.checked
    assert check.fault is None


@cases("hold")
def test_the_hold_is_judged_on_the_hold_alone(case):
    check = scene(case, 2 * case.rule.grades[2], within(["rise", "lower"]) & ~within(["hold"])).judged()
    assert check[case.name].fault is None


@cases("settles")
def test_what_stays_in_the_hold_does_not_settle(case):
    size = 1.1 * case.rule.grades[1]
    assert scene(case, size).judged()[case.name].fault is not None
    stays = scene(case, size, within(["rise", "hold"])).judged()[case.name]
    assert stays.checked
    assert stays.fault is None


@cases(*FROM_TABLE)
def test_noise_raises_the_threshold(case):
    rule, gates = case.rule, case.definition.gates
    raised = 1.2 * rule.grades[0]
    sd = raised / gates.noise_k

    def grade(size: float) -> int:
        s = scene(case, size)
        s.ref.noise_sd[case.measure] = sd
        check = s.judged()[case.name]
        assert check.checked
        return check.fault.grade if check.fault else 0

    assert grade(1.1 * rule.grades[0]) == 0
    assert grade(0.99 * raised) == 0
    assert grade(1.01 * raised) >= 1
    assert grade(1.01 * max(raised, rule.grades[2])) == 3


@cases(*FROM_TABLE, "march")
def test_drowned_in_noise_it_is_not_measurable(case):
    s = scene(case, 2 * case.rule.grades[2])
    s.ref.noise_sd[case.measure] = (
        1.01 * s.definition.gates.noise_nm_factor * case.rule.grades[0] / s.definition.gates.noise_k
    )
    check = s.judged()[case.name]
    assert (check.checked, check.reason, check.fault) == (False, "noise", None)


# --- rules on time and range ----------------------------------------------------------------------


@cases("duration", "peaks")
def test_tempo_is_not_judged_at_a_low_frame_rate_or_across_a_gap(case):
    s = scene(case, 0.1 if case.rule.kind == "duration" else 9)
    assert s.judged()[case.name].fault is not None
    s.fps = s.definition.gates.fps_min_tempo - 0.5
    assert s.judged()[case.name] == FaultCheck(False, "fps", None)
    s.fps = s.definition.gates.fps_min_tempo + 0.5
    assert s.judged()[case.name].checked
    s.rep = replace(s.rep, gap=True)
    assert s.judged()[case.name] == FaultCheck(False, "occluded", None)


@cases("duration")
def test_the_tempo_of_a_phase_that_the_recording_cut_is_not_judged(case):
    s = scene(case, 0.1)
    phase = case.rule.phase or "lower"
    for cut, cuts in ({"cut_start": True}, "rise"), ({"cut_end": True}, "lower"):
        s.rep = replace(s.rep, **{"cut_start": False, "cut_end": False} | cut)
        check = s.judged()[case.name]
        assert check.checked == (phase != cuts)
        assert check.reason == ("no_person" if phase == cuts else None)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_without_a_prescribed_hold_its_length_is_not_judged(exercise):
    s = still(exercise)
    tempo = s.definition.tempo.model_copy(update={"hold_s": None})
    s.definition = s.definition.model_copy(update={"tempo": tempo})
    assert s.judged()["hold_short"] == FaultCheck(False, "no_prescription", None)
    assert s.judged()["lowering_fast"].checked


@cases("duration")
def test_the_prescription_sets_the_pace(case):
    s = scene(case, 0.9)
    assert s.judged()[case.name].fault is None
    slower = {f"{case.rule.phase}_s": 2.0 * getattr(s.definition.tempo, f"{case.rule.phase}_s")}
    s.definition = s.definition.model_copy(update={"tempo": s.definition.tempo.model_copy(update=slower)})
    assert s.judged()[case.name].fault is not None


@cases("forced")
def test_a_large_range_is_forced_only_together_with_the_other_fault(case):
    s = scene(case, 1.5)
    assert s.judged()[case.name].fault is not None
    other = s.definition.faults[case.rule.with_fault].rules[0]
    s.column(other.measures[0])[:] = 0.0
    assert s.judged()[case.name] == FaultCheck(True, None, None)
    s.refuse(other.measures[0], Reason.VIEW)
    assert s.judged()[case.name] == FaultCheck(False, "view", None)


# --- march ----------------------------------------------------------------------------------------


@cases("march")
def test_a_march_is_judged_only_when_prescribed_and_when_a_foot_left_the_floor(case):
    s = scene(case, 1.1 * case.rule.grades[1])
    assert s.judged()[case.name].fault.grade == 2
    s.definition = s.definition.model_copy(update={"march": False})
    assert s.judged()[case.name] == FaultCheck(False, "no_prescription", None)
    s = scene(case, 1.1 * case.rule.grades[1])
    s.column(case.rule.measures[1])[:] = 0.9 * case.rule.foot_off
    assert not s.judged()[case.name].checked
    s.refuse(case.rule.measures[1], Reason.OCCLUDED)
    assert s.judged()[case.name] == FaultCheck(False, "occluded", None)


@cases("march")
def test_a_drop_long_after_the_foot_left_the_floor_is_another_matter(case):
    s = scene(case, 2 * case.rule.grades[2], (TIME > 6.2) & (TIME < 6.9))
    assert s.judged()[case.name] == FaultCheck(True, None, None)


@cases("march")
def test_one_wild_frame_of_a_march_is_not_a_fault(case):
    spike = np.zeros(len(TIME), bool)
    spike[int(5.5 * FPS)] = True
    assert scene(case, 2 * case.rule.grades[2], spike).judged()[case.name].fault is None


@cases("march")
def test_noise_raises_the_threshold_of_a_march(case):
    s = scene(case, 1.1 * case.rule.grades[0])
    s.ref.noise_sd[case.measure] = 1.2 * case.rule.grades[0] / s.definition.gates.noise_k
    assert s.judged()[case.name].fault is None


# --- several measures, several rules --------------------------------------------------------------


@pytest.mark.parametrize("name", ["knees_fall_in", "knees_fall_out"])
def test_one_leg_hidden_is_not_both_legs_fine(name):
    case = next(c for c in CASES if (c.exercise, c.name) == ("bridge", name))
    left, right = case.rule.measures
    s = still("bridge")
    s.refuse(right, Reason.OCCLUDED)
    assert s.judged()[name] == FaultCheck(False, "occluded", None)
    s = scene(replace(case, measure=left), 1.1 * case.rule.grades[1])
    s.refuse(right, Reason.OCCLUDED)
    check = s.judged()[name]
    assert check.checked
    assert check.fault.grade == 2


def test_the_worse_leg_counts():
    case = next(c for c in CASES if (c.exercise, c.name) == ("bridge", "knees_fall_in"))
    left, right = case.rule.measures
    s = scene(replace(case, measure=left), 1.01 * case.rule.grades[0])
    s.column(right)[within(list(case.rule.phases))] = 1.01 * case.rule.grades[2]
    assert s.judged()[case.name].fault.grade == 3
    assert s.judged()[case.name].fault.value == pytest.approx(1.01 * case.rule.grades[2])


def test_a_rule_for_one_view_is_not_asked_in_another():
    s = still("bridge")
    fault = s.definition.faults["head_lifts"]
    rule = fault.rules[0].model_copy(update={"views": ["feet"]})
    changed = s.definition.faults | {"head_lifts": fault.model_copy(update={"rules": [rule]})}
    s.definition = s.definition.model_copy(update={"faults": changed})
    assert s.ref.view == "side"
    assert s.judged()["head_lifts"] == FaultCheck(False, "view", None)


@pytest.mark.parametrize(
    ("fault", "lean", "contradicts", "agrees"),
    [("knees_fall_in", 14.0, 0.91, 0.89), ("knees_fall_out", -14.0, 0.99, 1.01)],
)
def test_a_leaning_shank_is_a_fault_only_while_the_knees_move_the_same_way(fault, lean, contradicts, agrees):
    """A camera off the mid-line makes both knees seem to go to one side as the pelvis rises."""
    s = still("bridge")
    s.column("shank_lean_left_deg")[within(["hold"])] = lean
    s.column("knee_separation")[:] = contradicts
    assert s.judged()[fault] == FaultCheck(True, None, None)
    s.column("knee_separation")[:] = agrees
    assert s.judged()[fault].fault.grade == 2
    assert s.judged()[fault].fault.unit == "deg"


def test_knees_that_come_nearer_fall_in_whatever_the_shanks_say():
    s = still("bridge")
    s.column("knees_nearer")[within(["hold"])] = 0.26
    found = s.judged()["knees_fall_in"].fault
    assert (found.grade, found.unit) == (2, "of resting distance")
    s.refuse("shank_lean_left_deg", Reason.OCCLUDED)
    assert s.judged()["knees_fall_in"].fault.grade == 2


def test_not_visible_from_anywhere_and_prescribed():
    s = still("bridge")
    faults = dict(s.definition.faults)
    faults["knees_fall_out"] = faults["knees_fall_out"].model_copy(update={"prescribed": True})
    s.definition = s.definition.model_copy(update={"faults": faults})
    checks = s.judged()
    assert checks["knees_fall_out"] == FaultCheck(False, "prescribed", None)
    assert checks["pelvis_twists"] == FaultCheck(False, "view", None)  # BF4: never measurable


@cases("rest")
def test_a_start_position_that_is_not_known_is_not_judged(case):
    s = scene(case, 2 * case.rule.grades[2])
    s.ref = replace(s.ref, still=False)  # the lowest moments stand for rest
    assert s.judged()[case.name].fault.grade == 3
    s.ref.rest[case.measure] = np.nan
    assert s.judged()[case.name] == FaultCheck(False, "baseline", None)


def test_a_repetition_without_a_hold_is_still_judged_around_its_peak():
    s = still("bridge")
    s.rep = replace(REP, hold_start_s=5.0, hold_end_s=5.0, peak_s=5.0)
    s.column("hip_angle_deg")[:] = 150.0
    assert s.judged()["hip_not_extended"].fault.grade == 2
    # With no frame in the hold, a rule on the hold alone has nothing to go by.
    s.rep = replace(s.rep, hold_start_s=5.01, hold_end_s=5.02)
    assert not s.judged()["pelvis_drops"].checked


@cases("above", "hold", "duration")
def test_a_fault_far_beyond_its_threshold_is_surer_than_one_just_beyond(case):
    first, last = case.rule.grades[0], case.rule.grades[2]
    worse = -1.0 if case.rule.kind in LESS else 1.0
    sd = 0.2 * first

    def sure(size: float, sd: float) -> float:
        return uncertain(case, size, sd).judged()[case.name].fault.sure

    # Two chances in three, or no grade is given.
    assert sure(first + worse * 0.44 * sd, sd) == pytest.approx(0.67, abs=0.01)
    assert 0.85 < sure(last, sd) <= 1.0
    assert sure(beyond(case.rule, first), 1e-6) == 1.0
    assert sure(first + worse * 0.2 * first, 0.1 * first) > sure(first + worse * 0.2 * first, 0.3 * first)


# --- the allowance ----------------------------------------------------------------------------------

#: Rules whose error the tests can set.
KNOWN_ERROR = (*FROM_TABLE, "march", "duration")


def uncertain(case: Case, size: float, sd: float) -> Scene:
    """`scene` in which the rule's own quantity has a standard deviation, in the unit of its thresholds."""
    s = scene(case, size)
    if case.rule.kind != "duration":
        every = np.zeros(s.table.value.shape)
        every[:, s.table.names.index(case.measure)] = sd
        s.table = s.table.with_sd(every)
        return s
    tempo = s.definition.tempo
    of_phase = {"rise": tempo.rise_s, "hold": tempo.hold_s, "lower": tempo.lower_s}
    error = dict.fromkeys(s.definition.views, sd * of_phase[case.rule.phase or "lower"])
    gates = s.definition.gates.model_copy(update={"timing_error_s": error})
    s.definition = s.definition.model_copy(update={"gates": gates})
    return s


@cases(*KNOWN_ERROR)
@pytest.mark.parametrize("grade", [1, 2, 3])
def test_a_grade_is_given_once_its_threshold_is_passed_by_the_allowance(case, grade):
    threshold, sd = case.rule.grades[grade - 1], 0.05 * case.rule.grades[0]
    worse = -1.0 if case.rule.kind in LESS else 1.0
    given = uncertain(case, threshold + worse * 0.44 * sd, sd).judged()[case.name]
    assert given.fault.grade == grade
    assert given.fault.allowance == pytest.approx(0.43 * sd)
    # The value stays what it is: nothing is taken off it.
    assert given.fault.value == pytest.approx(threshold + worse * 0.44 * sd)
    short = uncertain(case, threshold + worse * 0.42 * sd, sd).judged()[case.name]
    assert short.checked
    assert (short.fault.grade if short.fault else 0) == grade - 1


@cases("range", "return", "sag", "forced")
def test_what_is_judged_by_the_signal_has_its_allowance_too(case):
    def judged(size: float) -> FaultCheck:
        s = scene(case, size)
        signal = s.definition.counting.signal
        s.column(signal)[:] = 0.45  # the range: so an error of a tenth of it is one of 10 %
        sd = np.zeros(s.table.value.shape)
        sd[:, s.table.names.index(signal)] = 0.045
        s.table = s.table.with_sd(sd)
        return s.judged()[case.name]

    first = case.rule.grades[0]
    worse = -1.0 if case.rule.kind in LESS else 1.0
    whole = 100.0 if case.rule.kind == "sag" else 1.0
    allowance = judged(first + worse * 0.06 * whole).fault.allowance
    assert 0.02 * whole < allowance < 0.06 * whole
    assert judged(first + worse * 0.9 * allowance).fault is None
    assert judged(first + worse * 1.1 * allowance).fault.grade >= 1


@cases(*FROM_TABLE, "march")
@pytest.mark.parametrize(("share", "checked"), [(0.45, True), (0.55, False)])
def test_a_fault_is_checked_only_by_what_is_known_well_enough_for_it(case, share, checked):
    first = case.rule.grades[0]
    check = uncertain(case, 3 * case.rule.grades[2], share * first).judged()[case.name]
    if case.rule.kind == "settles":  # its first part is asked of the rise
        assert check.checked == checked
    elif checked:
        assert check.fault.grade == 3
    else:
        assert check == FaultCheck(False, "noise", None)


@cases("peaks")
def test_a_count_reaches_its_threshold_by_itself(case):
    for grade, threshold in enumerate(case.rule.grades, start=1):
        fault = scene(case, threshold).judged()[case.name].fault
        assert fault.grade == grade
        assert fault.sure > 0.8


@cases("duration")
@pytest.mark.parametrize("known", [True, False])
def test_a_doubtful_signal_is_dated_as_roughly_as_in_the_worst_view(case, known):
    s = scene(case, 0.9 * case.rule.grades[0])
    errors = dict.fromkeys(s.definition.views, 2.0) | {s.ref.view: EXACT}
    gates = s.definition.gates.model_copy(update={"timing_error_s": errors})
    s.definition = s.definition.model_copy(update={"gates": gates})
    if not known:
        s.doubt(s.definition.counting.signal, Reason.OCCLUDED)
    check = s.judged()[case.name]
    assert check.checked
    assert (check.fault is not None) == known


@cases("duration")
def test_a_signal_less_sure_than_usual_is_dated_less_surely(case):
    s = uncertain(case, 0.8 * case.rule.grades[2], 0.01)
    signal = s.definition.counting.signal
    usual = s.definition.measures[signal].error.get(s.ref.view, 0.0)
    at_best = s.judged()[case.name].fault.allowance
    for times, wanted in ((0.5, 1.0), (3.0, 3.0 if usual else 1.0)):
        sd = np.zeros(s.table.value.shape)
        sd[:, s.table.names.index(signal)] = times * usual
        s.table = s.table.with_sd(sd)
        assert s.judged()[case.name].fault.allowance == pytest.approx(wanted * at_best)


@cases("duration")
def test_no_grade_beyond_mild_rests_on_times_of_a_roughly_shown_signal(case):
    s = scene(case, 0.1 * case.rule.grades[2])
    signal = s.definition.counting.signal
    assert s.judged()[case.name].fault.grade == 3
    low = s.definition.measures[signal].model_copy(update={"views": {s.ref.view: "low"}})
    measures = s.definition.measures | {signal: low}
    s.definition = s.definition.model_copy(update={"measures": measures})
    assert s.judged()[case.name].fault.grade == 1


# --- no tempo without a prescription ------------------------------------------------------------------


@cases("duration")
def test_a_tempo_that_nobody_prescribed_is_not_judged(case):
    s = scene(case, 0.01)
    s.definition = s.definition.model_copy(update={"tempo": load_definition(case.exercise).tempo})
    usual = getattr(s.definition.tempo, f"{case.rule.phase}_s")
    check = s.judged()[case.name]
    if usual is None:
        assert check == FaultCheck(False, "no_prescription", None)
    else:  # the hold of a stretch
        assert check.fault.grade == 3


# --- thresholds and spells ------------------------------------------------------------------------


def test_noise_threshold():
    definition = load_definition("bridge")
    k, factor = definition.gates.noise_k, definition.gates.noise_nm_factor
    grades = (10.0, 20.0, 30.0)
    assert noise_threshold(grades, 0.0, definition) == 10.0
    assert noise_threshold(grades, float("nan"), definition) == 10.0
    assert noise_threshold(grades, 9.9 / k, definition) == 10.0
    assert noise_threshold(grades, 12 / k, definition) == pytest.approx(12.0)
    assert noise_threshold(grades, 9.99 * factor / k, definition) == pytest.approx(9.99 * factor)
    assert noise_threshold(grades, 10.01 * factor / k, definition) is None


def spell(*parts: tuple[float, float], minimum_s: float = 0.3) -> tuple[float, float] | None:
    """The longest spell over 1.0 of a course made of ``(seconds, level)`` parts at 100 fps."""
    size = np.concatenate([np.full(round(100 * s), level) for s, level in parts])
    return longest_spell(np.arange(len(size)) / 100, size, 1.0, minimum_s)


def test_a_spell_begins_after_its_minimum_and_is_dated_back():
    assert spell((1, 0), (0.29, 1.1), (1, 0)) is None
    assert spell((1, 0), (0.35, 1.1), (1, 0)) == pytest.approx((1.0, 1.34))


def test_hysteresis_a_dip_that_is_not_deep_does_not_end_a_spell():
    assert spell((1, 0), (0.5, 1.1), (2.0, 0.75), (0.5, 1.1), (1, 0)) == pytest.approx((1.0, 3.99))


def test_hysteresis_a_dip_that_is_not_long_does_not_end_a_spell():
    assert spell((1, 0), (0.5, 1.1), (0.25, 0.0), (0.5, 1.1), (1, 0)) == pytest.approx((1.0, 2.24))


def test_a_deep_long_dip_ends_it_and_the_longer_spell_is_given():
    assert spell((1, 0), (0.4, 1.1), (0.5, 0.5), (0.8, 1.1), (1, 0)) == pytest.approx((1.9, 2.69))


def test_coming_up_needs_the_minimum_without_a_break():
    assert spell((1, 0), *[(0.25, 1.1), (0.02, 0.9)] * 5, (1, 0)) is None


def test_a_long_hole_in_the_measure_ends_a_spell():
    t = np.concatenate([np.arange(0, 0.2, 0.01), np.arange(0.6, 0.8, 0.01)])
    assert longest_spell(t, np.full(len(t), 2.0), 1.0, 0.3) is None
    t = np.concatenate([np.arange(0, 0.2, 0.01), np.arange(0.4, 0.6, 0.01)])
    assert longest_spell(t, np.full(len(t), 2.0), 1.0, 0.3) == pytest.approx((0.0, 0.59))


def test_no_frames_no_spell():
    assert longest_spell(np.array([]), np.array([]), 1.0, 0.3) is None


@pytest.mark.parametrize("fps", [12, 30, 60])
def test_the_minimum_is_in_seconds_whatever_the_frame_rate(fps):
    t = np.arange(0, 3, 1 / fps)
    for lasts, found in ((0.2, False), (0.6, True)):
        size = np.where((t >= 1) & (t <= 1 + lasts), 2.0, 0.0)
        assert (longest_spell(t, size, 1.0, 0.4) is not None) == found


@pytest.mark.parametrize(
    ("exercise", "fault", "highest"),
    [("clam", "hip_hikes", 1), ("clam", "feet_separate", 1), ("bridge", "hip_not_extended", 3)],
)
def test_of_changes_since_a_rest_that_was_never_still_nothing_more_than_mild_is_told(
    exercise: str, fault: str, highest: int
) -> None:
    """An angle of its own needs no rest."""
    case = next(case for case in CASES if (case.exercise, case.name) == (exercise, fault))
    s = scene(case, 1.01 * case.rule.grades[2])
    assert s.judged()[fault].fault.grade == 3
    s.ref = replace(s.ref, still=False)
    assert s.judged()[fault].fault.grade == highest


def test_a_roll_that_the_network_reads_is_told_whole_though_nobody_lay_still() -> None:
    case = next(
        c
        for c in CASES
        if (c.exercise, c.name, c.measure) == ("clam", "pelvis_rolls_back", "pelvic_roll_deg")
    )
    s = scene(case, 1.01 * case.rule.grades[1])
    s.ref = replace(s.ref, still=False, view="oblique")
    assert s.judged()["pelvis_rolls_back"].fault.grade == 1
    s.ref = replace(s.ref, turned={1: (0.0, 0.0, 0.0)})
    assert s.judged()["pelvis_rolls_back"].fault.grade == 2
