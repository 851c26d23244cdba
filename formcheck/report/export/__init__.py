"""A stored session in the formats of other programs: tables, OpenSim's files, clips and reports."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from formcheck.analysis.analysis import Analysis
from formcheck.errors import FormcheckError
from formcheck.files import make_folder
from formcheck.report.export.part import Part, find_part
from formcheck.session.folder import export_path, is_of_a_session, writing_to
from formcheck.session.load import reviewed_analysis
from formcheck.session.reader import Session

Progress = Callable[[float], None]

#: What each format is for, as shown in the help.
FORMATS = {
    "csv": "one table: every measure and every landmark, a row a frame",
    "json": "the same with everything known about the session",
    "trc": "landmark trajectories for OpenSim",
    "mot": "angles over time for OpenSim",
    "mp4": "a clip of one repetition or fault with what was found drawn in",
    "film": "twenty seconds: the worst moments beside the person's best repetition",
    "pdf": "a report to print or file",
    "html": "a report to open in a browser",
}
_WHOLE_ONLY = ("pdf", "html", "film")
#: What files of a format end in, where that is not its name.
_ENDINGS = {"film": "mp4"}


@dataclass(frozen=True)
class Exported:
    """What an export came to.

    Attributes:
        path: the file that was written.
        notes: sentences that whoever uses the file should know.
    """

    path: Path
    notes: tuple[str, ...] = ()


def export_session(
    session: Session,
    to: str,
    out: str | Path | None = None,
    *,
    rep: int | str | None = None,
    fault: str | None = None,
    video: str | Path | None = None,
    decimal_comma: bool = False,
    blur_face: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Writes one session in one format; the file takes its place only when it is whole.

    Args:
        session: an open session.
        to: one of `FORMATS`.
        out: the file: a new name, or that of a plain file that is none of a session's own; by default
            ``export.<format>`` (``export-rep2.mp4``, ``export-film.mp4``) in the session's folder.
        rep: only this repetition: 2, in a live session "1.2" for the second of set 1; a clip has a second
            more on either side.
        fault: only the worst occurrence of this fault (in `rep`, where both are given).
        video: the session's video, where it does not lie in or beside the session's folder.
        decimal_comma: a CSV as spreadsheets set to German, French and many other languages open it:
            semicolons between the cells, a comma in numbers, and the mark that says it is UTF-8.
        blur_face: blur the face in a film.
        progress: told the share done, 0 to 1, while a clip or film is drawn.

    Raises:
        FormcheckError: one sentence: an unknown format, no such repetition or fault, no video for a clip,
            a place that is none for an export, the disk is full, or the session cannot be read.
    """
    if to not in FORMATS:
        raise FormcheckError(f"There is no format '{to}'; choose one of: {', '.join(FORMATS)}.")
    if to in _WHOLE_ONLY and (rep is not None or fault is not None):
        what = "A film" if to == "film" else "A report"
        raise FormcheckError(f"{what} is of the whole session; leave --rep and --fault out.")
    if decimal_comma and to != "csv":
        raise FormcheckError("A decimal comma is for tables; leave --decimal-comma out, or say --to csv.")
    if blur_face and to != "film":
        raise FormcheckError("Only in a film is the face blurred; leave --blur-face out, or say --to film.")
    video = Path(video) if video is not None else None
    if video is not None and not os.path.isfile(video):
        raise FormcheckError(f"There is no video at {video}; check the name.")
    analysis = reviewed_analysis(session, video)
    part = find_part(analysis, None if rep is None else str(rep), fault)
    if to == "mp4" and part.name == "":
        raise FormcheckError("A clip is of one repetition or fault: say which with --rep or --fault.")
    path = (
        Path(out)
        if out is not None
        else export_path(session.path.parent, "-film" if to == "film" else part.suffix, _ENDINGS.get(to, to))
    )
    # A link to the folder is the person's; one in it is not followed.
    place = Path(os.path.realpath(path.parent), path.name)
    _refuse_to_overwrite(place, path, [session.path, analysis.video])
    with writing_to(path.parent):
        make_folder(place.parent)
    if to == "film":
        from formcheck.report.export.film import write_film

        write_film(analysis, place, blur_face=blur_face, progress=progress)
        return Exported(path)
    return replace(_write(session, analysis, to, place, part, decimal_comma, progress), path=path)


def _write(
    session: Session,
    analysis: Analysis,
    to: str,
    path: Path,
    part: Part,
    decimal_comma: bool,
    progress: Progress | None,
) -> Exported:
    # Imported where needed: a table needs neither a video decoder nor a PDF library.
    if to == "csv":
        from formcheck.report.export.tables import write_csv

        write_csv(analysis, path, part.frames, decimal_comma=decimal_comma)
    elif to == "json":
        from formcheck.report.export.tables import write_json

        write_json(analysis, session.meta, path, part.frames, [e.__dict__ for e in session.events])
    elif to == "trc":
        from formcheck.pose.track import smoothed
        from formcheck.report.export.opensim import TRC_NOTE, write_trc

        write_trc(analysis, smoothed(analysis.track)[1], path, part.frames)
        return Exported(path, (TRC_NOTE,))
    elif to == "mot":
        from formcheck.report.export.opensim import write_mot

        return Exported(path, tuple(write_mot(analysis, path, part.frames)))
    elif to == "mp4":
        from formcheck.report.export.clip import write_clip

        write_clip(analysis, path, part, progress)
    elif to == "html":
        from formcheck.report.page import write_report

        write_report(analysis, path, created=session.meta.created)
    else:
        from formcheck.report.pdf import write_pdf

        write_pdf(analysis, path, created=session.meta.created)
    return Exported(path)


def _refuse_to_overwrite(place: Path, name: Path, precious: list[Path]) -> None:
    if place.name in ("", "..") or os.path.isdir(place):
        raise FormcheckError(f"{name} is a folder; give the name of a file with --out.")
    for file in precious:
        with suppress(OSError):
            if place.samefile(file):
                raise FormcheckError(f"{name} would be overwritten by its own export; choose another --out.")
    if is_of_a_session(place):
        raise FormcheckError(f"{name} is the name of one of the session's own files; choose another --out.")
    with suppress(OSError):  # not there, or the name is none
        if not stat.S_ISREG(os.lstat(place).st_mode):
            raise FormcheckError(f"{name} is no plain file but a link or a device; choose another --out.")


__all__ = ["FORMATS", "Exported", "export_session"]
