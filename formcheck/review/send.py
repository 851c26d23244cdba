"""What leaves the review page as a file: the report, the note for the records, the patient's feedback."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from formcheck.analysis.analysis import Analysis
from formcheck.errors import FormcheckError, printable
from formcheck.report.feedback import SentBack, feedback_html
from formcheck.report.note import note_text
from formcheck.session.folder import REPORT, VIDEO
from formcheck.session.library import Library, SessionFolder
from formcheck.session.load import reviewed_analysis

#: What a report is sent as.
MEDIA = {"pdf": "application/pdf", "html": "text/html; charset=utf-8"}


class FeedbackRequest(BaseModel):
    """What the page asks for, see `SentBack`."""

    model_config = ConfigDict(extra="forbid")

    language: Annotated[str, Field(pattern="^[a-z]{2}$")] = "en"
    text: Annotated[str, Field(max_length=4000)] = ""
    faults: Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=100)] = []
    moments: Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=200)] = []
    remark: bool = False
    pictures: bool = True


def report_of(library: Library, folder: SessionFolder, to: Literal["pdf", "html"]) -> bytes:
    """The report of what stands, as a file; a report that lies in the session's folder is brought up to date.

    Raises:
        FormcheckError: the session or the notes on it cannot be read, or there is no room for the report.
    """
    from formcheck.report.page import write_report  # slow to import: plots
    from formcheck.report.pdf import write_pdf

    analysis, created = _analysis(library, folder)
    if (folder.path / REPORT).is_file():
        write_report(analysis, folder.path / REPORT, created=created)
    with tempfile.TemporaryDirectory(prefix="formcheck-") as place:
        path = Path(place) / f"report.{to}"
        if to == "pdf":
            write_pdf(analysis, path, created=created)
        else:
            write_report(analysis, path, created=created)
        return path.read_bytes()


def film_of(library: Library, folder: SessionFolder, *, blur_face: bool) -> bytes:
    """The film of what stands.

    Raises:
        FormcheckError: no video was kept, no repetition was counted, or there is no room for the film.
    """
    from formcheck.report.export.film import write_film  # slow to import: video

    if library.video(folder) is None:
        raise FormcheckError("No video was kept of this session, so there is nothing to film.")
    analysis, _ = _analysis(library, folder)
    with tempfile.TemporaryDirectory(prefix="formcheck-") as place:
        path = Path(place) / "film.mp4"
        write_film(analysis, path, blur_face=blur_face)
        return path.read_bytes()


def note_of(library: Library, folder: SessionFolder) -> str:
    """The session in a few lines."""
    return note_text(*_analysis(library, folder))


def feedback_of(library: Library, folder: SessionFolder, body: object) -> bytes:
    """What goes back to the patient, as a file.

    Raises:
        FormcheckError: what is asked for makes no sense, or the session cannot be read.
    """
    try:
        asked = FeedbackRequest.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise FormcheckError(printable(f"This cannot be sent back: {first['msg']}.", 300)) from None
    wanted = SentBack(
        language=asked.language,
        text=asked.text,
        faults=tuple(asked.faults),
        moments=tuple(asked.moments),
        remark=asked.remark,
        pictures=asked.pictures,
    )
    return feedback_html(_analysis(library, folder)[0], wanted).encode()


def _analysis(library: Library, folder: SessionFolder) -> tuple[Analysis, str]:
    """The session as it stands, and when it was stored. No video is opened but what the library lets out."""
    with library.open(folder) as session:
        video = library.video(folder) or folder.path / VIDEO
        return reviewed_analysis(session, video), session.meta.created
