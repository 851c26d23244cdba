"""Everything `formcheck play` decides before its first page: the programme, its kept days, what is due."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from formcheck.coach.day import DayPart, DayPlan, parts_of
from formcheck.coach.day_flow import DayFlow
from formcheck.coach.live import LiveResult
from formcheck.coach.start import RoomRequest, check_room, phones_brought, run_session
from formcheck.errors import FormcheckError
from formcheck.exercises.programme import ENDING, WEEKDAYS, Programme, load_programme
from formcheck.session.days import Agreed, Day, DayBook, day_of, last_programme, started_now
from formcheck.words import Words


@dataclass(frozen=True, kw_only=True)
class PlayRequest(RoomRequest):
    """The command line of `formcheck play`; see its help for each."""

    programme: Path | None
    begin: str | None = None


def start_play(request: PlayRequest) -> tuple[Day, LiveResult]:
    """Play a day of a programme.

    Returns:
        What was done, and what the sessions left.

    Raises:
        FormcheckError: one sentence about what does not fit or is missing.
    """
    file = request.programme if request.programme is not None else last_programme()
    if file is None:
        raise FormcheckError(
            "There is no programme on this computer yet: open the file that your physio gave you, for "
            f"example: formcheck play my-programme{ENDING}"
        )
    words = Words(request.language)
    programme = load_programme(file)
    text = file.read_text(encoding="utf-8")
    check_room(request)
    book = DayBook(programme)
    today = date.today()
    plan = plan_day(programme, book, words, today)
    if not any(part.plan.definition.takes_phone for part in plan.parts(None)):
        request = replace(request, phone=False)
    with phones_brought(request, words) as brought:
        if brought is None:
            return DayFlow(words, plan).day, LiveResult(summary=None, folder=None, stats="", problem="")
        if brought.worn is not None:
            plan = plan_day(programme, book, words, today, worn=True)
        flow = DayFlow(words, plan)
        if request.begin is not None:
            flow.choose(request.begin)
        keep = Keeper(flow, book, text).keep
        result = run_session(flow, request, programme.patient, keep=keep, brought=brought)
        return flow.day, result


def plan_day(
    programme: Programme, book: DayBook, words: Words, today: date, *, worn: bool = False
) -> DayPlan:
    """What is due today, by the programme and what has been kept.

    Args:
        programme: the programme.
        book: its kept days.
        words: the patient's language.
        today: the date.
        worn: with a phone in the waistband.
    """
    days = book.days()
    resumed = day_of(days, today)
    past = tuple(day for day in days if day != resumed)
    due = programme.on(WEEKDAYS[today.weekday()])
    exercises = due or programme.exercises
    safety = "\n".join(words.under("page.safety.line_"))

    def parts(settled: bool | None) -> tuple[DayPart, ...]:
        return parts_of(programme, exercises, past, words, today, settled, resumed, worn=worn)

    return DayPlan(
        programme,
        past,
        today,
        started_now(),
        parts,
        agreed=book.agreed(),
        text=hashlib.sha256(safety.encode()).hexdigest()[:16],
        planned=bool(due),
        resumed=resumed,
    )


class Keeper:
    """Keeps what a day amounts to, as often as it is asked.

    Args:
        flow: the day.
        book: where it is kept.
        text: of the programme's file.
    """

    def __init__(self, flow: DayFlow, book: DayBook, text: str) -> None:
        self._flow, self._book, self._text = flow, book, text
        self._agreed: Agreed | None = None

    def keep(self) -> None:
        """Write what has changed.

        Raises:
            FormcheckError: the disk is full, or not to be written to.
        """
        if self._flow.kept is None:
            return
        agreed = Agreed(self._flow.kept, self._flow.agreed_text)
        if agreed != self._agreed:
            self._agreed = agreed  # tried once: a full disk is told, and does not stop anybody
            self._book.agree(agreed, self._text)
        self._book.keep(self._flow.day)
