"""Every file that a run leaves: those of an analysis, and of a session that is judged again."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.decisions import decided
from formcheck.analysis.summary import Processing
from formcheck.session.csv_json import write_frames_csv, write_summary_json
from formcheck.session.folder import ANNOTATED, FRAMES, REPORT, SESSION, SUMMARY, OutputFolder
from formcheck.session.notes import Notes, decisions_of
from formcheck.session.reader import Session
from formcheck.session.store import write_session

if TYPE_CHECKING:
    from formcheck.pose.recording import Progress


def write_outputs(
    analysis: Analysis,
    folder: OutputFolder | str | Path,
    *,
    video: bool = True,
    report: bool = True,
    blur_face: bool = False,
    progress: Progress | None = None,
) -> Analysis:
    """Write the files of an analysis; they take the places of an earlier one's when all of them are there.

    Args:
        analysis: what to write.
        folder: where: a folder by its name, or one already prepared, which is released at the end.
        video, report: leave out ``annotated.mp4``, ``report.html`` with False.
        blur_face: blur the face in both; the video itself is not touched.
        progress: called with what is being done and the share done.

    Returns:
        The analysis with the time taken to draw and encode added to its summary.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    if not isinstance(folder, OutputFolder):
        folder = OutputFolder(analysis.video, folder)
        folder.prepare()
    with folder.replaced() as new:
        write_frames_csv(analysis, new / FRAMES)
        try:
            analysis = _write_pictures(analysis, new, video, report, blur_face, progress)
        except KeyboardInterrupt:
            # The pictures can be drawn again; the numbers must not be lost.
            note = "Stopped while the pictures were drawn: the numbers are whole, "
            note += "the video or report is missing."
            summary = analysis.summary.model_copy(
                update={"complete": False, "warnings": [*analysis.summary.warnings, note]}
            )
            analysis = replace(analysis, summary=summary, source_warnings=(*analysis.source_warnings, note))
        write_session(
            analysis,
            new / SESSION,
            model_sha256=analysis.model_sha256,
            overrides=analysis.prescription,
            beside=[new / FRAMES],
        )
        write_summary_json(analysis.summary, new / SUMMARY)
    if progress is not None:
        progress("Done", 1.0)
    return analysis


def _write_pictures(
    analysis: Analysis,
    folder: Path,
    video: bool,
    report: bool,
    blur_face: bool,
    progress: Progress | None,
) -> Analysis:
    """The annotated video and the report; returns the analysis with their cost in its summary."""
    from formcheck.report.annotate import Annotator, write_annotated
    from formcheck.report.page import write_report
    from formcheck.report.stills import moments

    # The report's stills are kept while the video is drawn, so that it is decoded only once.
    pictures = (
        dict.fromkeys(m.index for m in moments(analysis, Annotator(analysis))) if video and report else None
    )
    if video:
        begun = time.monotonic()
        drawn = (lambda share: progress("Drawing the video", share)) if progress else None
        write_annotated(analysis, folder / ANNOTATED, drawn, keep=pictures, blur_face=blur_face)
        spent = time.monotonic() - begun
        timing = analysis.summary.processing
        wall = timing.wall_s + spent
        processing = Processing(
            wall_s=round(wall, 3),
            realtime_factor=round(analysis.summary.source.duration_s / max(wall, 1e-6), 3),
            ms_per_frame=timing.ms_per_frame
            | {"encode": round(1000 * spent / max(len(analysis.track), 1), 3)},
        )
        analysis = replace(analysis, summary=analysis.summary.model_copy(update={"processing": processing}))
    if report:
        if progress is not None:
            progress("Writing the report", 0.5)
        write_report(analysis, folder / REPORT, pictures=pictures, blur_face=blur_face)
    return analysis


def write_rescored(analysis: Analysis, session: Session, folder: Path) -> list[str]:
    """Writes a session that was judged again: ``session.sqlite``, ``frames.csv``, ``summary.json``, and the
    report where the session's own folder has one.

    They take the places of the earlier ones when all of them are there. Events, the time at which the session
    was recorded, and the annotated video are kept.

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
    meta, events, phone = session.meta, session.events, session.phone
    home = session.path.absolute().parent
    if folder.absolute() == home:
        folder = folder.resolve()  # the person named it: a link to it is meant
    place = OutputFolder(analysis.video, folder)
    place.prepare()
    with place.replaced(keep=(ANNOTATED,)) as new:
        write_frames_csv(analysis, new / FRAMES)
        if (home / REPORT).is_file():
            from formcheck.report.page import write_report

            decisions = decisions_of(Notes(folder).standing())
            write_report(decided(analysis, decisions), new / REPORT, created=meta.created)
        if place.annotated.is_file():
            notes.append(
                f"{place.annotated} still shows what was judged before; analyse the video to draw it again."
            )
        session.close()  # Windows lets nobody replace a file that is open
        write_session(
            analysis,
            new / SESSION,
            model_sha256=analysis.model_sha256,
            overrides=analysis.prescription,
            created=meta.created,
            events=events,
            live=meta.live,
            phone=phone,
            beside=[new / FRAMES],
        )
        write_summary_json(analysis.summary, new / SUMMARY)
    return notes
