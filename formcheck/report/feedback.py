"""What goes back to the patient: one HTML file that opens by a double click and needs no network."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import jinja2

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.findings import counted_reps, coverage
from formcheck.drawing.overlay import clock
from formcheck.report import templates
from formcheck.report.annotate import Annotator
from formcheck.report.shown_moments import Pictures, pictures_of
from formcheck.report.stills import make_stills
from formcheck.words import Words, translated


@dataclass(frozen=True)
class SentBack:
    """What is to be in it.

    Attributes:
        language: of the patient, a code such as ``"de"``.
        text: what the physio writes to the patient.
        faults: names of the faults to speak of; of others nothing is said.
        moments: ids of the comments and spoken notes that are in it, see `formcheck.analysis.rulings.Shown`.
        remark: whether the physio's remark on the whole session is in it.
        pictures: whether pictures from the video are in it.
    """

    language: str = "en"
    text: str = ""
    faults: tuple[str, ...] = ()
    moments: tuple[str, ...] = ()
    remark: bool = False
    pictures: bool = True


def feedback_html(analysis: Analysis, wanted: SentBack) -> str:
    """The file's text.

    Args:
        analysis: with what a physio decided (`formcheck.analysis.decisions`): a rejected finding is never in
            it. Its video is decoded for the pictures if it is there.
        wanted: what is to be in it.

    Raises:
        FormcheckError: there are no words in this language.
    """
    words = Words(wanted.language)
    definition = translated(analysis.definition, wanted.language)
    summary, review = analysis.summary, analysis.review
    counted = counted_reps(summary.reps)
    clean = sum(not rep.faults for rep in counted) if coverage(summary.faults).checked else 0
    remarks = review.remarks if review is not None and wanted.remark else ()
    when = (review.recorded if review is not None else "") or (summary.live.started if summary.live else "")
    return _template().render(
        words=words,
        language=wanted.language,
        title=definition.title,
        when=when[:10],
        text=wanted.text,
        reps=words("feedback.reps", count=len(counted)) if counted else "",
        clean=words("feedback.clean", count=clean, of=len(counted)) if clean else "",
        points=_points(analysis, wanted, words),
        remarks=[text for t, text in remarks if t is None],
        moments=_moments(analysis, wanted),
    )


def _moments(analysis: Analysis, wanted: SentBack) -> list[dict[str, str]]:
    """The moments that the physio speaks of, each with what is said, heard and seen."""
    every = analysis.review.shown if analysis.review is not None else ()
    shown = [moment for moment in every if moment.id in wanted.moments]
    pictures = pictures_of(analysis, shown) if wanted.pictures else [Pictures()] * len(shown)
    return [
        {
            "at": clock(moment.time_s),
            "text": moment.text,
            "sound": f"data:audio/mpeg;base64,{moment.sound}" if moment.sound else "",
            "still": seen.still,
            "drawn": "yes" if moment.drawing else "",
            "clip": seen.clip,
        }
        for moment, seen in zip(shown, pictures, strict=True)
    ]


def _points(analysis: Analysis, wanted: SentBack, words: Words) -> list[dict[str, str]]:
    """What to work on, the gravest first, each with what helps and a picture."""
    definition = translated(analysis.definition, wanted.language)
    counted = counted_reps(analysis.summary.reps)
    events = [e for rep in analysis.summary.reps for e in rep.faults if e.id in wanted.faults]
    pictures = _pictures(analysis, {e.id for e in events}) if wanted.pictures else {}
    out: list[dict[str, str]] = []
    for name in dict.fromkeys(e.id for e in sorted(events, key=lambda e: -e.grade)):
        known = definition.faults.get(name)
        reps = [rep.name for rep in counted if any(e.id == name for e in rep.faults)]
        out.append(
            {
                "title": known.title if known else name,
                "cue": (known.cue or "") if known else "",
                "where": words("feedback.where", reps=", ".join(reps)),
                "picture": pictures.get(name, ""),
            }
        )
    return out


def _pictures(analysis: Analysis, faults: Collection[str]) -> dict[str, str]:
    stills, _ = make_stills(analysis, Annotator(analysis))
    return {still.fault: still.source for still in stills if still.fault in faults and still.fault}


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    return templates.environment().get_template("feedback.html.j2")
