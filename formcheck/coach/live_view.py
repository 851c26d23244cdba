"""From a moment of a live session to the skeleton the window draws."""

from __future__ import annotations

import numpy as np

from formcheck.drawing import body_parts
from formcheck.drawing.overlay import Body, FaultMark
from formcheck.engine.live_engine import LiveMoment
from formcheck.exercises.definition import Definition
from formcheck.measures.reference import Reference
from formcheck.measures.table import Status
from formcheck.pose.landmarks import LANDMARK_COUNT, Landmark, other_side, side_landmark
from formcheck.report import wording

_HIPS = (Landmark.LEFT_HIP, Landmark.RIGHT_HIP)


def body_of(moment: LiveMoment, reference: Reference | None, definition: Definition) -> Body:
    """The skeleton of one frame, what of it may be believed, and what is wrong with it now.

    Args:
        moment: the frame.
        reference: the baseline, or None before there is one.
        definition: the exercise.
    """
    nothing = np.zeros(LANDMARK_COUNT, bool)
    if moment.xy is None or moment.visibility is None:
        return Body(None, nothing)
    trusted = np.asarray(moment.visibility >= definition.gates.visibility_ok)
    row, near = moment.row, reference.near if reference is not None else "left"
    measured: frozenset[int] = frozenset()
    if row is not None and reference is not None:
        ok = {name for m, name in enumerate(row.names) if row.status[0, m] == Status.OK}
        uses = {name: body_parts.landmarks_used(definition, name, near, reference.view) for name in ok}
        measured = frozenset(uses.get(definition.counting.signal, ()))
        # A hip's own visibility says nothing: it is seen while some measure that uses it is ok.
        used = frozenset().union(*uses.values())
        for hip in _HIPS:
            trusted[hip] = hip in used
        if reference.view == "side":
            trusted[side_landmark(other_side(near), "shoulder")] = False
    marks = tuple(
        FaultMark(
            title=wording.fault_title(definition, name),
            grade=fault.grade,
            at=body_parts.landmarks_shown(definition, fault.measure, near),
        )
        for name, fault in moment.ongoing.items()
    )
    return Body(moment.xy, trusted, measured, marks)
