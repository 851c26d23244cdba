"""What the app's pages say, as JSON: sentences in the patient's language, and numbers."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from formcheck.app.progress import practised
from formcheck.app.settings import Settings
from formcheck.coach.day import ladder_lines
from formcheck.coach.day_flow import DayFlow
from formcheck.coach.explain import how_it_is_done
from formcheck.coach.play import plan_day
from formcheck.errors import FormcheckError, printable
from formcheck.exercises.definition import EXERCISES, load_definition
from formcheck.exercises.programme import ENDING, Programme, load_programme
from formcheck.files import sessions_folder
from formcheck.session.days import Day, DayBook, day_files, kept_programme, last_programme
from formcheck.session.deletion import kept_in
from formcheck.video.capture import cameras_here
from formcheck.words import Words, languages, translated, words_of

#: So many days are listed, the newest of them.
_MOST_DAYS = 120


def language_names() -> dict[str, str]:
    """Each language by its code, as it is called in itself."""
    return {code: words_of(code)("app.this_language") for code in languages()}


def programme_file(settings: Settings) -> Path | None:
    """The programme that was opened last here, or else played last; None if there is none."""
    own = kept_programme(settings.programme) if settings.programme is not None else None
    return own or last_programme()


def bring_programme(text: str, name: str) -> tuple[str, Programme]:
    """Take in the file of a programme.

    Args:
        text: what is in it.
        name: what it is called, for the sentence when something is wrong with it.

    Returns:
        The name for `Settings.programme`, and the programme.

    Raises:
        FormcheckError: it is no programme, or the disk cannot be written to.
    """
    with tempfile.TemporaryDirectory(prefix="formcheck-") as folder:
        file = Path(folder) / f"programme{ENDING}"
        file.write_text(text, encoding="utf-8")
        try:
            programme = load_programme(file)
        except FormcheckError as error:
            raise FormcheckError(str(error).replace(str(file), printable(name, 80))) from None
    return DayBook(programme).bring(text), programme


def today_page(settings: Settings, today: date) -> dict[str, Any]:
    """Today: what is asked for, what of it is done, and what can be begun."""
    file = programme_file(settings)
    if file is None:
        return {"programme": None}
    programme = load_programme(file)
    words = words_of(settings.language)
    page = DayFlow(words, plan_day(programme, DayBook(programme), words, today)).page()
    return {
        "programme": programme.name,
        "date": today.isoformat(),
        "lines": page.lines,
        "rows": [
            {
                "exercise": row.exercise,
                "side": row.side,
                "title": row.title,
                "detail": row.detail,
                "state": row.state,
                "done": row.done,
                "how": [words(key) for key in how_it_is_done(words, row.exercise)],
            }
            for row in page.rows
        ],
        "choices": [
            {"id": choice.id, "label": choice.label, "note": choice.note}
            for choice in page.choices
            if choice.id != "close"
        ],
    }


def progress_page(settings: Settings, today: date) -> dict[str, Any]:
    """My progress: this week, the weeks before, every day, and what comes next."""
    file = programme_file(settings)
    if file is None:
        return {"lines": [], "next": [], "days": []}
    programme = load_programme(file)
    days = [day for day in DayBook(programme).days() if day.counted or day.had_pain]
    words = words_of(settings.language)
    over = [day for day in days if day.complete or day.date < today]  # today may still be gone on with
    return {
        "lines": _progress_lines(words, programme, days, today) if days else [],
        "next": [line for _, line in ladder_lines(words, programme, over[:-1], over[-1])] if over else [],
        "days": [_day(day) for day in days[-_MOST_DAYS:]],
    }


def _progress_lines(words: Words, programme: Programme, days: Sequence[Day], today: date) -> list[str]:
    now = practised(programme, days, today)
    key = "app.progress.week_more" if now.days_this_week > now.planned else "app.progress.week"
    lines = [words(key, done=now.days_this_week, planned=now.planned)]
    if now.weeks > 1:
        lines.append(words("app.progress.weeks", done=now.weeks_done, of=now.weeks))
        if now.more > 0:
            more = "app.progress.one_more" if now.more == 1 else "app.progress.more"
            lines.append(words(more, count=now.more))
    return lines


def _day(day: Day) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "done": day.counted,
        "asked": sum(part.asked for part in day.parts),
        "pain_before": day.pain_before,
        "pain_after": day.pain_after,
        "effort": day.effort,
        "stopped_for_pain": day.stopped == "pain",
    }


def exercises_page(settings: Settings) -> dict[str, Any]:
    """The exercises that can be done alone."""
    words = words_of(settings.language)
    rows = []
    for name in EXERCISES:
        definition = translated(load_definition(name), settings.language)
        note = f"page.choose.{name.replace('-', '_')}_note"
        said = words(note) if note in words else ""
        rows.append({"name": name, "title": definition.title, "note": said})
    return {"exercises": rows}


def settings_page(settings: Settings) -> dict[str, Any]:
    """What is set, what can be, and what is kept."""
    return {
        "settings": settings.model_dump(exclude={"programme"}),
        "languages": [{"code": code, "name": name} for code, name in language_names().items()],
        "cameras": [{"number": number, "name": printable(name, 60)} for number, name in cameras_here()],
        "kept": _kept(settings),
    }


def _kept(settings: Settings) -> dict[str, Any]:
    file, agreed = programme_file(settings), None
    if file is not None:
        try:
            agreed = DayBook(load_programme(file)).agreed()
        except FormcheckError:
            agreed = None  # the page Today says it
    sessions = kept_in(sessions_folder())
    return {
        "agreed": agreed.kept if agreed is not None else None,
        "days": len(day_files()),
        "sessions": len(sessions),
        "videos": sum(one.what == "video" for one in sessions),
        "bytes": sum(one.bytes for one in sessions),
    }
