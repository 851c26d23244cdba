"""Which faults are under way right now, while a repetition is still open.

For the screen's marks and for the one cue that may come before a repetition is over (spec 7.3: grade 3 held
for 0.6 s). The verdict on a repetition is `faults.judge_rep`'s alone; the same thresholds and minimum times
are used here, causally.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from formcheck.engine.faults import chance_beyond, noise_threshold
from formcheck.exercises.definition import Definition, Rule
from formcheck.measures.reference import Reference
from formcheck.measures.table import MeasureTable, Status

#: Rules that a single frame's measures speak to; the others need the whole repetition.
_BY_FRAME = ("above", "below", "either", "hold")


@dataclass(frozen=True)
class Ongoing:
    """A fault under way.

    Attributes:
        grade: 1 mild, 2 moderate, 3 marked: the highest that has been held long enough.
        since_s: when that grade was first passed, seconds.
        sure: chance, 0 to 1, that the true value is beyond the first threshold now.
        measure: the measure it shows in.
    """

    grade: int
    since_s: float
    sure: float = 1.0
    measure: str = ""


class OngoingFaults:
    """Follows every rule from frame to frame.

    Args:
        definition: thresholds.
        reference: noise at rest.
    """

    def __init__(self, definition: Definition, reference: Reference) -> None:
        self._watched: list[tuple[str, Rule, str, int, tuple[float, ...]]] = []
        names = list(definition.measures)
        for fault, fault_def in definition.faults.items():
            if fault_def.prescribed:
                continue
            for rule in fault_def.rules:
                elsewhere = rule.views is not None and reference.view not in rule.views
                if rule.kind not in _BY_FRAME or elsewhere:
                    continue
                for measure in rule.measures_of(reference.side):
                    trust = definition.measures[measure].trust(reference.view, bool(reference.turned))
                    if trust != "ok":
                        continue
                    least = noise_threshold(rule.grades, reference.noise_sd.get(measure, 0.0), definition)
                    if least is not None:
                        limits = tuple(max(grade, least) for grade in rule.grades)
                        self._watched.append((fault, rule, measure, names.index(measure), limits))
        self._since: dict[tuple[int, int], float] = {}

    def update(self, row: MeasureTable, phase: str) -> dict[str, Ongoing]:
        """Faults under way in this frame.

        Args:
            row: one frame's measures.
            phase: of the state machine.
        """
        t = float(row.time_s[0])
        value, status = row.value[0], row.status[0]
        found: dict[str, Ongoing] = {}
        for i, (fault, rule, measure, column, limits) in enumerate(self._watched):
            phases = ("hold",) if rule.kind == "hold" else rule.phases
            size = -np.inf
            if phase in phases and status[column] == Status.OK:
                size = _size(rule, float(value[column]))
            grade, since = 0, t
            for g, limit in enumerate(limits, start=1):
                if size < limit:
                    self._since.pop((i, g), None)
                    continue
                begun = self._since.setdefault((i, g), t)
                if t - begun >= rule.minimum_s - 5e-4:
                    grade, since = g, begun
            if grade and (fault not in found or found[fault].grade < grade):
                sd = float(row.sd[0, column]) if row.sd is not None else 0.0
                found[fault] = Ongoing(grade, since, chance_beyond(size - rule.grades[0], sd), measure)
        return found


def _size(rule: Rule, value: float) -> float:
    """How far a fault is present in one value; compared with the rule's grades."""
    if rule.kind == "hold":
        return rule.sign * ((rule.reference or 0.0) - value)
    return {"above": value, "below": -value, "either": abs(value)}[rule.kind]
