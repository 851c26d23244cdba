"""From a moment of a live session to the skeleton the window draws."""

from __future__ import annotations

import numpy as np

from formcheck.analysis.findings import Findings
from formcheck.drawing.overlay import Body, FaultMark
from formcheck.engine.live_engine import LiveMoment
from formcheck.exercises.definition import Definition
from formcheck.measures.body_parts import landmarks_shown, landmarks_used, trusted_landmarks
from formcheck.measures.reference import Reference
from formcheck.measures.table import Status
from formcheck.pose.landmarks import LANDMARK_COUNT


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
    row, near, view = moment.row, "left", ""
    trusted = np.asarray(moment.visibility >= definition.gates.visibility_ok)
    measured: frozenset[int] = frozenset()
    if reference is not None:
        near, view = reference.near, reference.view
    if row is not None and reference is not None:
        ok = {name for m, name in enumerate(row.names) if row.status[0, m] == Status.OK}
        trusted = trusted_landmarks(definition, moment.visibility, ok, near, view)
        if definition.counting.signal in ok:
            measured = frozenset(landmarks_used(definition, definition.counting.signal, near, view))
    findings = Findings(definition, view)
    marks = tuple(
        FaultMark(
            title=findings.title(name),
            grade=fault.grade,
            at=landmarks_shown(definition, fault.measure, near),
        )
        for name, fault in moment.ongoing.items()
    )
    return Body(moment.xy, trusted, measured, marks)
