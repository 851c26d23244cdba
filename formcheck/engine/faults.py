"""The fault rules (spec 1.4, 5): thresholds, minimum times, hysteresis, noise, phases.

Pure functions over one repetition's frames. A rule whose measure could not be believed in enough of its
frames is "not checked", which is never the same as "absent".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formcheck.engine.repetition import RepTimes
from formcheck.exercises.definition import Definition, FaultDef, Rule
from formcheck.measures.error import BEARABLE_SHARE
from formcheck.measures.geometry import median
from formcheck.measures.measure import formulas
from formcheck.measures.reference import Reference
from formcheck.measures.table import MeasureTable, Reason

#: A fault leaves when its measure falls below this share of the threshold for this long (spec 1.4).
_EXIT_SHARE = 0.7
_EXIT_S = 0.3
#: Longest gap in a measure over which a fault is taken to go on (spec 0.3).
_BRIDGE_S = 0.3
#: In any view the counting signal is seen roughly where its standard deviation is more than this share of the
#: range [D].
ROUGHLY = 0.3
_WORDS = tuple(reason.word for reason in Reason)
#: A grade is given where its threshold is passed by so many standard deviations: two chances in three.
_ALLOWANCE_SD = 0.43
#: Share of the frames of a rule's phases that must be ok for the rule to count as checked (spec 4.3).
_CHECKED_SHARE = 0.70


@dataclass(frozen=True)
class Fault:
    """A fault in one repetition: grade 1 to 3, the level that was held, and when it lasted.

    `sure` is the chance, 0 to 1, that the true level lies beyond the first threshold, given the standard
    deviation of the measure (a normal error is assumed). A grade is given only where that chance is large
    enough for its own threshold: the level passes it by `allowance`.
    """

    id: str
    grade: int
    value: float
    unit: str
    start_s: float
    end_s: float
    sure: float = 1.0
    allowance: float = 0.0


@dataclass(frozen=True)
class FaultCheck:
    """Outcome of one fault in one repetition: checked or why not, and the fault if it was there."""

    checked: bool
    reason: str | None
    fault: Fault | None


@dataclass(frozen=True)
class Asked:
    """One repetition, and the rule of the fault that is asked about it.

    Attributes:
        rep: the closed repetition.
        table: measures of the frames around it (at least from its start to its end).
        definition: thresholds.
        ref: resting values and noise.
        target: target level of the signal (1 = the calibrated range).
        fps: frame rate, for the tempo gate.
        name, fault: the fault.
        rule: one of its rules.
    """

    rep: RepTimes
    table: MeasureTable
    definition: Definition
    ref: Reference
    target: float
    fps: float
    name: str
    fault: FaultDef
    rule: Rule

    def least(self, measure: str) -> float | None:
        """`noise_threshold` of the rule for one measure."""
        return noise_threshold(self.rule.grades, self.ref.noise_sd.get(measure, 0.0), self.definition)

    def between(self, start_s: float, end_s: float) -> NDArray[np.bool_]:
        """``(T,)`` True in the frames from one time to another."""
        return (self.table.time_s >= start_s) & (self.table.time_s <= end_s)

    def found(
        self,
        value: float,
        start_s: float,
        end_s: float,
        sd: float,
        *,
        below: bool = False,
        counted: bool = False,
        highest: int = 3,
        least: float = 0.0,
    ) -> FaultCheck:
        """The fault at the grade that its value surely has, or its absence.

        Args:
            value: the level, in the unit of the rule's thresholds.
            start_s, end_s: when it lasted.
            sd: standard deviation of the value.
            below: True where smaller values are worse.
            counted: True for a whole number: it stands for all that is rounded to it.
            highest: no higher grade than this.
            least: thresholds below this are raised to it.
        """
        sign = -1.0 if below else 1.0
        allowance = _ALLOWANCE_SD * sd
        half = 0.5 if counted else 0.0
        margins = [
            half + sign * (value - (limit if below else max(limit, least))) for limit in self.rule.grades
        ]
        grade = min(sum(margin >= allowance for margin in margins), highest)
        if grade == 0:
            return FaultCheck(True, None, None)
        unit = self.fault.unit if self.rule.unit is None else self.rule.unit
        sure = chance_beyond(half + sign * (value - self.rule.grades[0]), sd)
        return FaultCheck(True, None, Fault(self.name, grade, value, unit, start_s, end_s, sure, allowance))

    def doubted(self, measure: str, inside: NDArray[np.bool_]) -> FaultCheck | None:
        """Not checked, where too few of these frames are ok; else None."""
        asked = np.count_nonzero(inside)  # a tenth of the time that summing so few takes
        if not asked:
            return FaultCheck(False, "geometry", None)
        if np.count_nonzero(self.table.ok(measure) & inside) < _CHECKED_SHARE * asked:
            return FaultCheck(False, _why_not(self.table, measure, inside), None)
        return None

    def unsure(self, measure: str, frames: NDArray[np.bool_]) -> FaultCheck | None:
        """Not checked, where a measure is off by more than the rule can bear in these frames; else None."""
        sd = median(self.table.sd_of(measure)[frames])
        return FaultCheck(False, "noise", None) if sd > BEARABLE_SHARE * self.rule.grades[0] else None


def noise_threshold(grades: tuple[float, float, float], sd: float, definition: Definition) -> float | None:
    """Grade-1 threshold raised to the noise, or None where noise drowns it (spec 1.4).

    ``T_eff = max(T, 3 SD)``; if ``3 SD > 1.5 T`` the fault is not measurable.
    """
    needed = definition.gates.noise_k * (sd if np.isfinite(sd) else 0.0)
    if needed > definition.gates.noise_nm_factor * grades[0]:
        return None
    return max(grades[0], needed)


def judge_rep(
    rep: RepTimes,
    table: MeasureTable,
    definition: Definition,
    ref: Reference,
    target: float = 1.0,
    fps: float = 30.0,
    highest: int = 3,
) -> dict[str, FaultCheck]:
    """All faults of one repetition.

    Args:
        rep: the closed repetition.
        table: measures of the frames around it (at least from its start to its end).
        definition: thresholds.
        ref: resting values and noise.
        target: target level of the signal (1 = the calibrated range).
        fps: frame rate, for the tempo gate.
        highest: no grade is higher.
    """
    found = {name: _check(name, rep, table, definition, ref, target, fps) for name in definition.faults}
    return {name: _at_most(check, highest) for name, check in found.items()}


def _at_most(check: FaultCheck, highest: int) -> FaultCheck:
    if check.fault is None or check.fault.grade <= highest:
        return check
    return replace(check, fault=replace(check.fault, grade=highest))


def _check(
    name: str,
    rep: RepTimes,
    table: MeasureTable,
    definition: Definition,
    ref: Reference,
    target: float,
    fps: float,
) -> FaultCheck:
    fault = definition.faults[name]
    if fault.prescribed:
        return FaultCheck(False, "prescribed", None)
    rules = [rule for rule in fault.rules if rule.views is None or ref.view in rule.views]
    if not rules:
        return FaultCheck(False, "view", None)
    outcomes: list[FaultCheck] = []
    for rule in rules:
        outcomes += _ask(Asked(rep, table, definition, ref, target, fps, name, fault, rule))
    checked = [o for o in outcomes if o.checked]
    if not checked:
        return outcomes[0]
    found = [o.fault for o in checked if o.fault is not None]
    if not found:
        # One leg's measure believed and the other's not: nothing found is not the same as absent.
        if len(checked) < len(outcomes):
            return next(o for o in outcomes if not o.checked)
        return FaultCheck(True, None, None)
    return FaultCheck(True, None, max(found, key=lambda f: (f.grade, f.value)))


def _ask(asked: Asked) -> list[FaultCheck]:
    """What one rule says: one answer, or one for each of its measures."""
    rule = asked.rule
    if rule.kind in ("above", "below", "either"):
        measures = rule.measures_of(asked.ref.side)
        return [_at_most(_sustained(asked, measure), _highest(asked, measure)) for measure in measures]
    measure = rule.measures[0] if rule.kind in ("hold", "settles", "march") else None
    return [_at_most(_RULES[rule.kind](asked), _highest(asked, measure))]


def _highest(asked: Asked, measure: str | None) -> int:
    """The highest grade for what rests on a measure. Where nobody lay still, rest is the lowest moment of
    a movement, and nothing more than mild is told of changes of landmarks since."""
    if measure is None or asked.ref.still or measure not in formulas(asked.definition).CHANGES:
        return 3
    known = asked.definition.measures[measure]
    read = known.by_network(asked.ref.view, bool(asked.ref.turned)) is not None
    return 3 if read or known.source == "phone" else 1


def _why_not(table: MeasureTable, measure: str, inside: NDArray[np.bool_]) -> str:
    """The commonest reason why a measure was not ok in these frames."""
    reasons = table.reason_of(measure)[inside & ~table.ok(measure)]
    counts = np.bincount(reasons, minlength=len(Reason))
    counts[Reason.NONE] = 0
    return _WORDS[counts.argmax()] or "no_person"


def _phase_frames(asked: Asked) -> NDArray[np.bool_]:
    rep, t = asked.rep, asked.table.time_s
    limits = {
        "rise": (rep.start_s, rep.hold_start_s),
        "hold": (rep.hold_start_s, rep.hold_end_s),
        "lower": (rep.hold_end_s, rep.end_s),
        "rest": (rep.end_s, rep.end_s),
    }
    spans: list[tuple[float, float]] = []
    for phase in asked.rule.phases:
        begin, end = limits[phase]
        if spans and begin == spans[-1][1]:
            begin, _ = spans.pop()
        spans.append((begin, end))
    inside = np.zeros(len(t), bool)
    for begin, end in spans:
        inside |= (t >= begin - 1e-6) & (t <= end + 1e-6)
    return inside


def _sustained(asked: Asked, measure: str) -> FaultCheck:
    """A measure beyond a threshold for the rule's minimum time within its phases."""
    rule, table, t = asked.rule, asked.table, asked.table.time_s
    inside = _phase_frames(asked)
    if (doubted := asked.doubted(measure, inside)) is not None:
        return doubted
    least = asked.least(measure)
    if least is None:
        return FaultCheck(False, "noise", None)
    ok = table.ok(measure) & inside
    if (unsure := asked.unsure(measure, ok)) is not None:
        return unsure
    value = table.column(measure)
    size = {"above": value, "below": -value}.get(rule.kind, np.abs(value))
    for limit, sign in ((rule.while_above, 1.0), (rule.while_below, -1.0)):
        if limit is not None:
            # Where the other measure is not known it cannot contradict.
            disagrees = sign * (table.column(limit.measure) - limit.value) <= 0
            size = np.where(disagrees, 0.0, size)
    best: tuple[int, float, float] | None = None
    for grade, threshold in enumerate(rule.grades, start=1):
        spell = longest_spell(t[ok], size[ok], max(threshold, least), rule.minimum_s)
        if spell is None:
            break
        best = (grade, *spell)
    if best is None:
        return FaultCheck(True, None, None)
    grade, start_s, end_s = best
    within = ok & (t >= start_s) & (t <= end_s)
    # The level that was held, not the highest spike: so the value and its grade always agree.
    level = held_level(t[within], size[within], rule.minimum_s)
    sd = median(table.sd_of(measure)[within])
    return asked.found(level, start_s, end_s, sd, highest=grade, least=least)


def chance_beyond(margin: float, sd: float) -> float:
    """Chance that a value is truly beyond a threshold that it passes by `margin`, with error `sd`."""
    if not sd > 0:
        return 1.0 if margin >= 0 else 0.0
    return 0.5 * (1.0 + math.erf(margin / (sd * math.sqrt(2.0))))


def held_level(t: NDArray[np.float64], size: NDArray[np.float64], minimum_s: float) -> float:
    """The highest level that was not fallen below for `minimum_s`."""
    last = np.searchsorted(t, t + minimum_s - 5e-4)
    first = np.flatnonzero(last < len(t))
    if not first.size:
        return float(size.min())
    # `reduceat` takes starts and ends in turn, and also answers for what lies between an end and a start.
    turns = np.column_stack([first, last[first] + 1]).ravel()
    return float(np.minimum.reduceat(np.append(size, np.inf), turns)[::2].max())


def _march(asked: Asked) -> FaultCheck:
    """A measure's highest value within a second of a foot leaving the floor."""
    if not asked.definition.march:
        return FaultCheck(False, "no_prescription", None)
    rule, table, t = asked.rule, asked.table, asked.table.time_s
    measure, lift = rule.measures
    inside = asked.between(asked.rep.start_s, asked.rep.end_s)
    for needed in (measure, lift):
        if (doubted := asked.doubted(needed, inside)) is not None:
            return doubted
    least = asked.least(measure)
    if least is None:
        return FaultCheck(False, "noise", None)
    ok = table.ok(lift) & inside
    off = longest_spell(t[ok], np.abs(table.column(lift)[ok]), rule.foot_off or 0.0, rule.minimum_s)
    if off is None:
        return FaultCheck(False, "no_reps", None)  # no foot was seen to leave the floor
    near = table.ok(measure) & asked.between(off[0], off[0] + 1.0)
    if not near.any():
        return FaultCheck(False, _why_not(table, measure, inside), None)
    if (unsure := asked.unsure(measure, near)) is not None:
        return unsure
    # Held for as long as a foot must be off: one wild frame is not a drop.
    value = held_level(t[near], np.abs(table.column(measure)[near]), rule.minimum_s)
    return asked.found(value, off[0], off[0] + 1.0, median(table.sd_of(measure)[near]), least=least)


def _settles(asked: Asked) -> FaultCheck:
    """Beyond a threshold in the rise, and level again in the hold."""
    measure = asked.rule.measures[0]
    rise = _sustained(asked, measure)
    if rise.fault is None:
        return rise
    held = asked.between(asked.rep.hold_start_s, asked.rep.hold_end_s) & asked.table.ok(measure)
    if not held.any():
        return FaultCheck(False, "geometry", None)
    level = median(np.abs(asked.table.column(measure)[held]))
    return rise if level < asked.rule.grades[0] else FaultCheck(True, None, None)


def longest_spell(
    t: NDArray[np.float64], size: NDArray[np.float64], threshold: float, minimum_s: float
) -> tuple[float, float] | None:
    """The longest time a fault lasts, or None if it never comes up.

    It comes when ``size >= threshold`` without a break for `minimum_s`, and goes when it stays below
    0.7 of the threshold for 0.3 s (hysteresis, spec 1.4). Frames missing for more than 0.3 s end it.

    Args:
        t: times of the frames in which the measure was ok.
        size: how far the fault is present in them.
    """
    if not (size >= threshold).any():  # most faults in most repetitions
        return None
    spells: list[tuple[float, float]] = []
    above_since: float | None = None
    start: float | None = None
    last_above = 0.0
    below_since: float | None = None
    previous: float | None = None
    for now, value in zip(t.tolist(), size.tolist(), strict=True):
        if previous is not None and now - previous > _BRIDGE_S:
            if start is not None:
                spells.append((start, last_above))
            above_since, start, below_since = None, None, None
        previous = now
        if value >= threshold:
            above_since = now if above_since is None else above_since
            if start is None and now - above_since >= minimum_s - 5e-4:
                start = above_since
            last_above = now
            below_since = None
            continue
        above_since = None
        if start is None:
            continue
        if value < _EXIT_SHARE * threshold:
            below_since = now if below_since is None else below_since
            if now - below_since >= _EXIT_S:
                spells.append((start, last_above))
                start, below_since = None, None
        else:
            below_since = None
    if start is not None:
        spells.append((start, last_above))
    return max(spells, key=lambda s: s[1] - s[0]) if spells else None


def _level(asked: Asked) -> FaultCheck:
    """Median over the hold, or the resting value, against a reference."""
    rule, rep, table = asked.rule, asked.rep, asked.table
    measure = rule.measures[0]
    if rule.kind == "hold":
        # At least a few frames around the peak, where there was no hold.
        a, b = min(rep.hold_start_s, rep.peak_s - 0.1), max(rep.hold_end_s, rep.peak_s + 0.1)
    else:
        a, b = rep.start_s - 0.5, rep.end_s
    inside = asked.between(a, b)
    if (doubted := asked.doubted(measure, inside)) is not None:
        return doubted
    ok = table.ok(measure) & inside
    if (unsure := asked.unsure(measure, ok)) is not None:
        return unsure
    least = asked.least(measure)
    if least is None:
        return FaultCheck(False, "noise", None)
    if rule.kind == "hold":
        level = median(table.column(measure)[ok])
    else:
        level = asked.ref.rest.get(measure, float("nan"))
        if not np.isfinite(level):
            return FaultCheck(False, "baseline", None)
    value = rule.sign * ((rule.reference or 0.0) - level)
    if rule.kind == "rest":
        a, b = rep.start_s, rep.start_s
    sd = median(table.sd_of(measure)[ok])
    return asked.found(value, max(a, rep.start_s), min(b, rep.end_s), sd, least=least)


def _forced(asked: Asked) -> FaultCheck:
    """Beyond the target, where another fault is there too."""
    other = asked.rule.with_fault or ""
    also = _check(other, asked.rep, asked.table, asked.definition, asked.ref, asked.target, asked.fps)
    mine = _timing(asked)
    return mine if also.fault is not None or not mine.checked else FaultCheck(also.checked, also.reason, None)


def _trusted(asked: Asked) -> FaultCheck | None:
    """Not checked, where the counting signal is too doubtful to judge levels by; else None."""
    inside = asked.between(asked.rep.start_s, asked.rep.end_s)
    return asked.doubted(asked.definition.counting.signal, inside)


def _timing(asked: Asked) -> FaultCheck:
    """Range, return and shape of the signal: judged on the repetition's own levels."""
    rule, rep = asked.rule, asked.rep
    if (doubted := _trusted(asked)) is not None:
        # A signal that is good enough to count by is not good enough to judge levels by.
        return doubted
    # Error of a level of the signal, as share of the range.
    sd = _level_sd(asked)
    if rule.kind in ("range", "forced"):
        a, b = rep.peak_s, rep.peak_s
        value = rep.peak / asked.target
    elif rule.kind == "peaks":
        a, b = rep.start_s, rep.end_s
        value, sd = float(rep.speed_peaks), 0.5
        if asked.fps < asked.definition.gates.fps_min_tempo or rep.gap:
            return FaultCheck(False, "fps" if not rep.gap else "occluded", None)
    elif rule.kind == "sag":
        a, b = rep.hold_start_s, rep.hold_end_s
        value, sd = 100.0 * rep.hold_sag, 100.0 * sd
    else:
        a, b = rep.end_s, rep.end_s
        value = rep.low_after
    return asked.found(float(value), a, b, sd, below=rule.kind == "range", counted=rule.kind == "peaks")


def _duration(asked: Asked) -> FaultCheck:
    """A phase's duration as share of the prescribed one."""
    rule, rep = asked.rule, asked.rep
    gates, tempo = asked.definition.gates, asked.definition.tempo
    if asked.fps < gates.fps_min_tempo:
        return FaultCheck(False, "fps", None)
    limits = {
        "rise": (tempo.rise_s, rep.start_s, rep.hold_start_s),
        "hold": (tempo.hold_s, rep.hold_start_s, rep.hold_end_s),
        "lower": (tempo.lower_s, rep.hold_end_s, rep.end_s),
    }
    prescribed, a, b = limits[rule.phase or "lower"]
    if prescribed is None:
        return FaultCheck(False, "no_prescription", None)
    if rep.gap:
        return FaultCheck(False, "occluded", None)
    if (rep.cut_end and rule.phase == "lower") or (rep.cut_start and rule.phase == "rise"):
        return FaultCheck(False, "no_person", None)
    value = (b - a) / prescribed
    # A signal that is doubtful for another reason than the view is dated no better than in the worst view.
    errors = gates.timing_error_s
    worst = max(errors.values())
    doubtful = _trusted(asked) is not None and not _seen_roughly(asked)
    error = worst if doubtful else errors.get(asked.ref.view, worst)
    # Where the signal is seen roughly, repetitions themselves are now and then made up of others.
    rough = _seen_roughly(asked) or _level_sd(asked) > ROUGHLY
    highest = 1 if rough else 3
    sd = error * _worse_than_usual(asked) / prescribed
    return asked.found(float(value), a, b, sd, below=True, highest=highest)


def _worse_than_usual(asked: Asked) -> float:
    """How many times larger than usual from this view the counting signal's error is in this repetition, 1 at
    least: where its level is unsure, so are the moments at which it starts and stops."""
    signal = asked.definition.counting.signal
    usual = asked.definition.measures[signal].usual_error(asked.ref.view, bool(asked.ref.turned)) or 0.0
    sd = asked.table.sd_of(signal)[asked.between(asked.rep.start_s, asked.rep.end_s)]
    sd = sd[np.isfinite(sd)]
    return max(1.0, median(sd) / usual) if usual > 0 and sd.size else 1.0


def _seen_roughly(asked: Asked) -> bool:
    """Whether the view shows the counting signal roughly."""
    signal = asked.definition.measures[asked.definition.counting.signal]
    return signal.trust(asked.ref.view, bool(asked.ref.turned)) == "low"


def _level_sd(asked: Asked) -> float:
    """Standard deviation of the signal's level at the top, as share of the range."""
    rep, table = asked.rep, asked.table
    signal = asked.definition.counting.signal
    top = asked.between(rep.peak_s - 0.1, rep.peak_s + 0.1)
    value = table.column(signal)[top]
    value = value[np.isfinite(value)]
    if not value.size or not rep.peak > 0:
        return 0.0
    reach = median(value) / rep.peak
    return median(table.sd_of(signal)[top]) / reach if reach > 0 else 0.0


#: What judges each kind of rule; ``above``, ``below`` and ``either`` go to `_sustained`, measure by measure.
_RULES: dict[str, Callable[[Asked], FaultCheck]] = {
    "march": _march,
    "settles": _settles,
    "forced": _forced,
    "hold": _level,
    "rest": _level,
    "duration": _duration,
    "range": _timing,
    "return": _timing,
    "sag": _timing,
    "peaks": _timing,
}
