"""Which exercise a recording shows, told from the movement itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from formcheck.analysis.count import count
from formcheck.analysis.evidence import RecordedEvidence
from formcheck.engine.repetition import COUNTED
from formcheck.exercises.definition import EXERCISES, load_definition

#: Repetitions of an exercise from which on it is sure, where no other one counts half as many.
_SURE_FROM = 2


@dataclass(frozen=True)
class Recognised:
    """An exercise that was recognised.

    Attributes:
        exercise: its name.
        side: the working side, where it has one.
        sure: ``sure``, or ``likely``: one repetition only, or another exercise counts nearly as many.
        reps: repetitions that count.
    """

    exercise: str
    side: str | None
    sure: Literal["sure", "likely"]
    reps: int


def recognise(evidence: RecordedEvidence) -> Recognised | None:
    """The exercise of which a recording holds most repetitions; None where it holds none of any.

    Every exercise keeps out the movements of the others by its own position and range, so each is asked to
    count. A single-leg bridge is only what is no bridge: both count the same movement of the pelvis.

    Args:
        evidence: what was read of the recording; the side and view that were named are not used.
    """
    found: list[Recognised] = []
    for name in EXERCISES:
        definition = load_definition(name)
        counted = count(replace(evidence, side=None, view=None, prescription=""), definition)
        reps = sum(rep.result.times.rep_class in COUNTED for rep in counted.reps)
        twin = any(other.exercise == definition.based_on for other in found)
        if reps and not twin:
            side = counted.analysis.summary.side if definition.has_side else None
            found.append(Recognised(name, side, "likely", reps))
    if not found:
        return None
    best = max(found, key=lambda one: one.reps)
    rivals = [one.reps for one in found if one is not best]
    sure = best.reps >= _SURE_FROM and 2 * max(rivals, default=0) < best.reps
    return replace(best, sure="sure" if sure else "likely")
