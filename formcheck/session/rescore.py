"""Judge a stored session again by other thresholds: its landmarks are enough, no video and no pose model.

Example:
    >>> from formcheck.session.rescore import rescore
    >>> analysis = rescore(Path("bridge.formcheck"))        # doctest: +SKIP
    >>> [rep.class_ for rep in analysis.summary.reps]       # doctest: +SKIP
    ['full', 'full', 'full', 'full']
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.evidence import RecordedEvidence
from formcheck.analysis.judge import judge
from formcheck.analysis.summary import Processing
from formcheck.errors import FormcheckError, printable
from formcheck.exercises.definition import Definition, load_definition
from formcheck.exercises.prescription import Prescription, check_request, load_prescription, prescribe
from formcheck.pose import scratch_files
from formcheck.session.load import evidence_of
from formcheck.session.reader import Session, open_session

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Landmarks of up to 20 minutes at 30 fps: without video and pose model there is room for them.
_IN_MEMORY_BYTES = 16_000_000


def rescore(
    session: Session | Path, definition: Definition | None = None, prescription: Prescription | None = None
) -> Analysis:
    """Repetitions, faults and measures of a stored session, found anew from its landmarks.

    With the definition it was stored with, the result is the stored one: the same repetitions, the same
    faults, the same measures to the last bit that the file keeps.

    Args:
        session: an open session, or where it lies (its folder or its ``session.sqlite``).
        definition: what to judge by; by default the one stored in the session, the patient's own
            thresholds included.
        prescription: laid over `definition`. Without a definition it is laid over the one of this
            formcheck, so that nothing of the stored prescription is left.

    Returns:
        The analysis. Its ``processing`` is that of the judging, not of the video.

    Raises:
        FormcheckError: the session cannot be read, or the definition is for another exercise.
    """
    if not isinstance(session, Session):
        with open_session(Path(session)) as opened:
            return rescore(opened, definition, prescription)
    exercise = session.meta.exercise
    if definition is not None and definition.name != exercise:
        raise FormcheckError(
            f"The session {session.path} is of the exercise '{exercise}', "
            f"not '{printable(definition.name, 60)}'."
        )
    if definition is None:
        definition = session.definition if prescription is None else load_definition(exercise)
    if prescription is not None:
        definition = prescribe(definition, prescription)
    begun = time.monotonic()
    with scratch_files.in_memory(_IN_MEMORY_BYTES):
        analysis = judge(evidence_of(session), definition)
    return _with_cost(analysis, time.monotonic() - begun)


def judged_as(session: Session, exercise: str, side: str | None, view: str | None) -> Analysis:
    """A recording as another exercise, side or view, from its landmarks.

    As the same exercise it keeps its own thresholds and prescription; as another one it has none.

    Args:
        session: open; of a recording.
        exercise: by this formcheck's definition.
        side, view: as somebody says they are; None to have them found.

    Raises:
        FormcheckError: the session cannot be read, is of a live session, or side and view do not fit.
    """
    if session.is_live:
        raise FormcheckError("A live session stays the exercise that was practised.")
    definition, prescription = check_request(exercise, side, view), ""
    if exercise == session.meta.exercise:
        definition, prescription = session.definition, session.meta.overrides
    begun = time.monotonic()
    with scratch_files.in_memory(_IN_MEMORY_BYTES):
        evidence = replace(evidence_of(session), side=side, prescription=prescription)
        assert isinstance(evidence, RecordedEvidence)
        analysis = judge(replace(evidence, view=view), definition)
    return _with_cost(analysis, time.monotonic() - begun)


def _with_cost(analysis: Analysis, wall_s: float) -> Analysis:
    summary = analysis.summary
    frames = max(len(analysis.track), 1)
    processing = Processing(
        wall_s=round(wall_s, 3),
        realtime_factor=round(summary.source.duration_s / max(wall_s, 1e-6), 3),
        ms_per_frame={"engine": round(1000 * wall_s / frames, 4)},
    )
    return replace(analysis, summary=summary.model_copy(update={"processing": processing}))


# -- by what to judge ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Yardstick:
    """What to judge sessions by, as asked for on the command line.

    Attributes:
        overrides: a TOML file laid over the exercise's definition, or None.
        prescription: a prescription file that takes the place of the stored one, or None.
    """

    overrides: str | Path | None = None
    prescription: str | Path | None = None

    def check(self) -> None:
        """Reads both files once, so that a mistake in them is one sentence and not one a session.

        Raises:
            FormcheckError: one of them cannot be read, or is not valid.
        """
        if self.prescription is not None:
            load_prescription(self.prescription)

    def of(self, session: Session) -> tuple[Definition, str]:
        """The definition for a session, and the text of the prescription in it.

        It is this formcheck's definition of the exercise, the overrides laid over it, and over both the new
        prescription or, without one, the prescription that the session was stored with.

        Raises:
            FormcheckError: a file cannot be read, or does not fit the session's exercise.
        """
        definition = load_definition(session.meta.exercise, self.overrides)
        if self.prescription is not None:
            text = Path(self.prescription).read_text(encoding="utf-8")
            return prescribe(definition, load_prescription(self.prescription)), text
        text = session.meta.overrides
        return (prescribe(definition, _stored_prescription(session)) if text else definition), text


def _stored_prescription(session: Session) -> Prescription:
    try:
        return Prescription.model_validate(tomllib.loads(session.meta.overrides))
    except (tomllib.TOMLDecodeError, ValidationError):
        raise FormcheckError(
            f"The prescription stored in {session.path} is of another formcheck and not understood by this "
            "one; give the patient's prescription with --prescription."
        ) from None


def rescore_by(session: Session, yardstick: Yardstick) -> Analysis:
    """A session judged again as the command line asks for it; see `Yardstick.of`."""
    definition, text = yardstick.of(session)
    return replace(rescore(session, definition), prescription=text)
