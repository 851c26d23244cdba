"""What if: thresholds and targets tried out on a stored session."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from formcheck.analysis.findings import Findings
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import EXERCISES, Definition, Tempo, load_definition
from formcheck.exercises.prescription import Prescription, disordered, prescribe
from formcheck.review import describe
from formcheck.review.recording import Recording
from formcheck.session.compare import paired
from formcheck.session.library import printable
from formcheck.words import say, spoken, translated


def read_request(body: Any, definition: Definition) -> Prescription:
    """The prescription a page asks for.

    Raises:
        FormcheckError: it is not a valid one for this exercise.
    """
    try:
        asked = Prescription.model_validate(body)
    except (ValidationError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "too deep"}
        where = ".".join(str(part) for part in first["loc"])
        raise FormcheckError(printable(say("review.whatif.invalid", where=where, why=first["msg"]))) from None
    for name, order in disordered(asked.faults, definition):
        raise FormcheckError(say(f"review.whatif.must_{order}", title=definition.faults[name].title))
    prescribe(definition, asked)
    return asked


def what_if(recording: Recording, asked: Prescription) -> dict[str, Any]:
    """Repetitions and faults by other thresholds, and what changed against those it was recorded with.

    Both sides are judged from the stored landmarks in the same way, so that every difference comes from the
    thresholds.
    """
    own = recording.definition
    before = recording.judge(own)
    start = own
    if "tempo" in asked.model_fields_set:
        # A time that was emptied is not prescribed any more.
        start = own.model_copy(update={"tempo": usual_tempo(own)})
    changed = prescribe(start, asked)
    # Nothing asked for is nothing changed: a prescription without targets keeps the recorded ones.
    keep: dict[str, Any] = {}
    if asked.target.range is None:
        keep["target_range"] = own.target_range
    if not asked.march:
        keep["march"] = own.march
    changed = changed.model_copy(update=keep)
    after = recording.judge(changed)
    asked_tempo = frozenset(key.removesuffix("_s") for key in asked.tempo.model_dump(exclude_none=True))
    tried = Findings(translated(changed, spoken()), recording.findings.view, asked_tempo)
    diff = []
    for old, new in paired(before.summary.reps, after.summary.reps)[0]:
        was, now = {f.id: f for f in old.faults}, {f.id: f for f in new.faults}
        for name in sorted(was.keys() | now.keys()):
            a, b = was.get(name), now.get(name)
            if a is None or b is None or a.grade != b.grade:
                findings = tried if b else recording.findings
                row = describe.fault_row(findings, new, b or a, recording.near)  # type: ignore[arg-type]
                diff.append(
                    {
                        "rep": new.index,
                        "rep_name": new.name,
                        "id": name,
                        "title": row["title"],
                        "start_s": row["start_s"],
                        "value_text": row["value_text"],
                        "was": a.grade if a else 0,
                        "now": b.grade if b else 0,
                    }
                )
    stored = [(round(rep.start_s, 2), sorted(e.id for e in rep.faults)) for rep in recording.card.reps]
    again = [(round(rep.start_s, 2), sorted(e.id for e in rep.faults)) for rep in before.summary.reps]
    return {
        "reps": [describe.rep_row(tried, rep, recording.near) for rep in after.summary.reps],
        "faults": describe.fault_rows(tried, after.summary.faults),
        "before": {name: info.reps_affected for name, info in before.summary.faults.items()},
        "diff": diff,
        # A live session was judged frame by frame as it came: looking back may see a little more.
        "as_recorded": stored == again,
    }


def usual_tempo(own: Definition) -> Tempo:
    """What an exercise asks for without a prescription."""
    return load_definition(own.name).tempo if own.name in EXERCISES else own.tempo
