"""The pages of a programme's day, besides those of a session: today, as last time, next, the end."""

from __future__ import annotations

from dataclasses import replace

from formcheck.coach.pages.flow_pages import DayState, FlowState, Pages
from formcheck.coach.pages.page import Choice, Page


class DayPages(Pages):
    """Makes them, in one language."""

    def _say(self, key: str, **values: object) -> str:
        return self._words(f"programme.{key}", **values)

    def _choices(self, page: str, ids: tuple[str, ...]) -> tuple[Choice, ...]:
        out = []
        for number, id_ in enumerate(ids, start=1):
            key, note = f"programme.{page}.{id_}", f"programme.{page}.{id_}_note"
            out.append(
                Choice(id_, self._words(key), str(number), self._words(note) if note in self._words else "")
            )
        return tuple(out)

    @staticmethod
    def _day(at: FlowState) -> DayState:
        assert at.day is not None
        return at.day

    def today(self, at: FlowState) -> Page:
        day = self._day(at)
        lines = []
        if day.hurt:
            lines.append(self._say("today.hurt"))
        elif day.complete:
            lines.append(self._say("today.all_done"))
        elif day.begun:
            lines.append(self._say("today.broken_off"))
        elif not day.planned:
            lines.append(self._say("today.nothing"))
        if day.renew_weeks is not None:
            key = "today.renew_one" if day.renew_weeks == 1 else "today.renew"
            lines.append(self._say(key, weeks=day.renew_weeks))
        go = ("close", "again") if day.complete else ("carry_on" if day.begun else "start", "close")
        return Page(
            "today",
            f"{self._say('today.title')}: {day.name}",
            tuple(lines),
            self._choices("today", go),
            at.selected,
            rows=day.rows,
            footer=self._say("today.footer"),
        )

    def safety(self, at: FlowState) -> Page:
        kinds = ("video", "skeleton", "numbers", "none", "leave")
        choices = tuple(
            Choice("leave" if kind == "leave" else f"agree_{kind}", self._say(f"agree.{kind}"), str(number))
            for number, kind in enumerate(kinds, start=1)
        )
        return replace(super().safety(at), choices=choices)

    def agreed(self, at: FlowState) -> Page:
        day = self._day(at)
        lines = (
            *(day.changes or (self._say("agreed.nothing_new"),)),
            self._say("agreed.stop"),
            self._say(f"agreed.keeps_{day.kept}"),
            self._say("agreed.well"),
        )
        choices = self._choices("agreed", ("start", "read", "leave"))
        return Page(
            "agreed",
            self._say("agreed.title"),
            lines,
            choices,
            at.selected,
            footer=self._say("agreed.footer"),
        )

    def next(self, at: FlowState) -> Page:
        day = self._day(at)
        return Page(
            "next",
            day.coming,
            () if at.cue else day.coming_lines,  # what is being said says the same
            self._choices("next", ("now", "longer", "stop")),
            at.selected,
            drawing=day.drawing,
            lift=day.lift,
            seconds_left=at.seconds_left,
            cue=at.cue,
            footer=self._say("next.footer"),
            recording=self._recording(at),
        )

    def pain_after(self, at: FlowState) -> Page:
        return self._scale(at, "pain", self._say("end.question_pain"))

    def effort(self, at: FlowState) -> Page:
        return self._scale(at, "effort", self._say("end.question_effort"))

    def summary(self, at: FlowState) -> Page:
        day = self._day(at)
        title = self._say("end.title") if day.counted else self._text("summary.title")
        return self._ending(at, title, day.end_lines)
