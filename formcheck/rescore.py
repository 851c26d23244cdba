"""Judge a stored session again by other thresholds: its landmarks are enough, no video and no pose model.

Example:
    >>> from formcheck.rescore import rescore
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

from formcheck import scratch
from formcheck.analysis import Analysis
from formcheck.analyze import judge_track
from formcheck.errors import FormcheckError, printable
from formcheck.exercises.definition import Definition, load_definition
from formcheck.exercises.prescription import Prescription, load_prescription, prescribe
from formcheck.private_files import make_folder
from formcheck.session.export import write_frames_csv, write_summary_json
from formcheck.session.folder_lock import only_writer
from formcheck.session.outputs import ANNOTATED, FRAMES, REPORT, SESSION, SUMMARY, explained
from formcheck.session.reader import Session, check_poses, open_session
from formcheck.session.store import write_session
from formcheck.session.summary import Processing, Rep, Summary
from formcheck.stored import summary_of, video_of

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
    with scratch.in_memory(_IN_MEMORY_BYTES):
        # A live session that was broken off has no summary, and needs none to be replayed.
        broken_off = session.summary is None and session.is_live
        if broken_off or (summary := summary_of(session)).live is not None:
            from formcheck.replay import replay  # loads the live engine, which recordings do not need

            analysis = replay(session, definition)
        else:
            analysis = _judge(session, definition, summary)
    return _with_cost(analysis, time.monotonic() - begun)


def _judge(session: Session, definition: Definition, summary: Summary) -> Analysis:
    """An analysed recording, judged again."""
    meta = session.meta
    analysis = judge_track(
        check_poses(session.poses(), session.path).track,
        definition,
        side=meta.declared_side,
        view=summary.view.name if summary.view.declared else None,
        video=video_of(session) or Path(summary.source.file),
        source=summary.source,
        pose=summary.pose,
        warnings=list(meta.source_warnings),
    )
    return replace(
        analysis,
        summary=analysis.summary.model_copy(update={"complete": summary.complete}),
        model_sha256=meta.model_sha256,
        prescription=meta.overrides,
    )


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

    overrides: Path | None = None
    prescription: Path | None = None

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
            text = self.prescription.read_text(encoding="utf-8")
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


# -- writing ---------------------------------------------------------------------------------------------


def write_rescored(analysis: Analysis, session: Session, folder: Path) -> list[str]:
    """Writes a session that was judged again: ``session.sqlite``, ``frames.csv``, ``summary.json``, and the
    report where the session's own folder has one.

    Each file takes its place only when it is whole, ``summary.json`` last. Events, and the time at which
    the session was recorded, are kept.

    Args:
        analysis: the session, judged again.
        session: the session as it was.
        folder: where to write; the session's own folder, to replace it.

    Returns:
        Sentences about what could not be brought up to date.

    Raises:
        FormcheckError: the disk is full, or the folder cannot be written to or is being written to.
    """
    notes = []
    meta, events = session.meta, session.events
    home = session.path.absolute().parent
    with explained(folder):
        make_folder(folder)
    with only_writer(folder):
        write_frames_csv(analysis, folder / FRAMES)
        if (home / REPORT).is_file():
            from formcheck.report.page import write_report

            write_report(analysis, folder / REPORT)
        if (folder / ANNOTATED).is_file():
            old = folder / ANNOTATED
            notes.append(f"{old} still shows what was judged before; analyse the video to draw it again.")
        session.close()  # Windows lets nobody replace a file that is open
        write_session(
            analysis,
            folder / SESSION,
            model_sha256=analysis.model_sha256,
            overrides=analysis.prescription,
            created=meta.created,
            events=events,
            live=meta.live,
        )
        write_summary_json(analysis.summary, folder / SUMMARY)
    return notes


# -- what has changed ------------------------------------------------------------------------------------

_WORDS = {"class": "class", "start_s": "start", "end_s": "end"}


def changes(before: Summary, after: Summary) -> list[str]:
    """What is different, a line each; nothing where nothing is.

    Repetitions are paired by the time they share, not by their number: one more at the start must not
    make all others look changed.
    """
    out: list[str] = []
    pairs, gone, new = _paired(before.reps, after.reps)
    for rep in gone:
        out.append(f"rep {rep.index} ({rep.start_s:.1f} to {rep.end_s:.1f} s, {rep.class_}) is gone")
    for rep in new:
        out.append(f"rep {rep.index} ({rep.start_s:.1f} to {rep.end_s:.1f} s, {rep.class_}) is new")
    for old, now in pairs:
        out += [f"rep {now.index}: {text}" for text in _rep_changes(old, now)]
    for name in dict.fromkeys([*before.faults, *after.faults]):
        a, b = before.faults.get(name), after.faults.get(name)
        was = "not checked" if a is None or not a.checked else f"{a.reps_affected} of {a.reps_checked}"
        now_is = "not checked" if b is None or not b.checked else f"{b.reps_affected} of {b.reps_checked}"
        if was != now_is:
            out.append(f"fault {name}: {was} before, {now_is} now")
    return out


def _paired(before: list[Rep], after: list[Rep]) -> tuple[list[tuple[Rep, Rep]], list[Rep], list[Rep]]:
    """Repetitions that share most of their time, and those left over on either side."""
    pairs: list[tuple[Rep, Rep]] = []
    left = list(after)
    gone = []
    for old in before:

        def shared(now: Rep, old: Rep = old) -> float:
            return min(now.end_s, old.end_s) - max(now.start_s, old.start_s)

        best = max(left, key=shared, default=None)
        if best is None or shared(best) < 0.5 * min(old.end_s - old.start_s, best.end_s - best.start_s):
            gone.append(old)
            continue
        left.remove(best)
        pairs.append((old, best))
    return pairs, gone, left


def _rep_changes(old: Rep, now: Rep) -> list[str]:
    out = []
    if old.index != now.index:
        out.append(f"was rep {old.index}")
    if old.class_ != now.class_:
        out.append(f"{old.class_} before, {now.class_} now")
    for name in ("start_s", "end_s"):
        a, b = getattr(old, name), getattr(now, name)
        if abs(a - b) > 0.0005:
            out.append(f"{_WORDS[name]} {a:.2f} s before, {b:.2f} s now")
    was, is_now = ({f.id: f for f in rep.faults} for rep in (old, now))
    for name in dict.fromkeys([*was, *is_now]):
        a, b = was.get(name), is_now.get(name)
        if a is None and b is not None:
            out.append(f"{name} new, grade {b.grade} ({b.value:g} {b.unit})")
        elif b is None and a is not None:
            out.append(f"{name} gone, was grade {a.grade} ({a.value:g} {a.unit})")
        elif a is not None and b is not None and a.grade != b.grade:
            out.append(f"{name} grade {a.grade} before, {b.grade} now")
    return out
