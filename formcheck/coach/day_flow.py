"""The flow of a programme's day: all its exercises in one go, as one session of `Flow` after another.

Consent and pain are asked once before, pain and effort once after. Between two exercises it says what comes
next, in which position, and where the laptop goes if it must move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from formcheck.analysis.findings import Findings
from formcheck.coach.day import (
    DayPlan,
    as_done,
    changes_since,
    fresh_day,
    ladder_lines,
    practice_before,
    row_of,
    sets_before,
    with_part,
)
from formcheck.coach.explain import Sentence, explanation, is_new
from formcheck.coach.flow import STEPS, STOP_KEYS, At, Consent, Flow, Reason, StepEntry, TimesOut, question
from formcheck.coach.message import Priority
from formcheck.coach.pages.day_pages import DayPages
from formcheck.coach.pages.flow_pages import DayState, FlowState, unchecked_lines
from formcheck.coach.pages.sketch import lift_at
from formcheck.coach.plan import Elsewhere, PastPractice, SessionPlan, Step
from formcheck.session.days import Day, Kept, OwnRange, PartDone
from formcheck.words import Words

_CONSENT: dict[Kept, Consent] = {"video": "video", "skeleton": "skeleton", "numbers": "none", "none": "none"}


def _no_choice(name: str) -> tuple[SessionPlan, PastPractice]:
    raise LookupError(name)  # a day's exercises are given


class DayFlow(Flow):
    """One day of a programme.

    Attributes:
        kept: what is kept, once agreed.

    Args:
        words: the patient's language.
        plan: the day.
    """

    def __init__(self, words: Words, plan: DayPlan) -> None:
        super().__init__(words, {}, _no_choice)
        self.kept: Kept | None = None
        self._pages = DayPages(words, {})
        self._day_plan = plan
        before = plan.resumed.parts if plan.resumed is not None else ()
        self._begun_today = {part.exercise for part in before if part.sets}
        self._unchecked: dict[str, None] = {}  # titles of what could not be seen, in all parts
        self._unseen: Elsewhere | None = None  # the gravest of it that another place shows
        self._plan_parts(plan.resumed.settled if plan.resumed is not None else None)
        self._at = At("today")

    def _plan_parts(self, settled: bool | None) -> None:
        self._parts = self._day_plan.parts(settled)
        if self._day_plan.resumed is None:  # all of it once more
            self._parts = tuple(replace(part, done=None) for part in self._parts)
        self._day = fresh_day(self._day_plan, self._parts)
        self._recorded: tuple[str, ...] = ()
        begun = [n for n, part in enumerate(self._day.parts) if part.sets]
        number = begun[-1] if begun else 0
        if begun and _over(self._day.parts[number]):
            number += 1
        self._all_done = number >= len(self._parts) or self._day.complete
        self._begun = bool(begun)
        self._take_part(min(number, len(self._parts) - 1))

    # --- what comes out -----------------------------------------------------------------------------

    @property
    def table(self) -> Mapping[Step, StepEntry]:
        return DAY_STEPS

    @property
    def day(self) -> Day:
        """What has been done so far."""
        return with_part(self._day, self._number, self._part_done())

    @property
    def agreed_text(self) -> str:
        """Hash of the page on safety as it is now."""
        return self._day_plan.text

    def recorded_as(self, folder: str) -> None:
        self._recorded += (folder,)

    def _part_done(self) -> PartDone:
        part, before = self._parts[self._number], self._day.parts[self._number]
        sets = (*self._sets, self._carried) if self._carried is not None else self._sets
        own = before.own_range
        if self._own_range is not None:
            view, range_ = self._own_range
            if own is None or (own.view, own.range) != (view, range_):
                own = OwnRange(view=view, range=range_, on=self._day_plan.today)
        focus = self._chosen.policy.focus() if self._chosen is not None else None
        done = {"sets": as_done(sets), "own_range": own, "sessions": (*before.sessions, *self._recorded)}
        return part.blank().model_copy(update=done | {"focus": focus or before.focus})

    # --- before -------------------------------------------------------------------------------------

    def _leave_today(self, choice: str) -> None:
        if choice == "close":
            self._to("over")
            return
        if choice == "again":
            self._day_plan = replace(self._day_plan, resumed=None)
            self._plan_parts(None)
        resumed, agreed = self._day_plan.resumed, self._day_plan.agreed
        if resumed is not None:
            self._day = self._day.model_copy(update={"stopped": None})
            self._pain = replace(self._pain, before=resumed.pain_before)
            self._keep(resumed.kept)
            self._begin_part()
            self._get_ready()
        elif agreed is not None and agreed.text == self._day_plan.text:
            self._to("agreed")
        else:
            self._to("safety")

    def _agree(self, choice: str) -> None:
        agreed = self._day_plan.agreed
        if choice == "leave":
            self._to("over")
        elif choice == "read":
            self._to("safety")
        else:
            as_before = choice == "start" and agreed is not None
            self._keep(agreed.kept if as_before and agreed is not None else _kept(choice))
            if self._day_plan.had_pain:
                self._to("settled")
                self._say("page.settled.question")
            else:
                self._ask_pain_before()

    def _keep(self, kept: Kept) -> None:
        self.kept, self.consent = kept, _CONSENT[kept]
        self._day = self._day.model_copy(update={"kept": kept})
        self._event("consent", recording=self.consent)

    def _tell_settled(self, choice: str) -> None:
        kept = self._day.kept
        self._plan_parts(choice == "yes")
        self._day = self._day.model_copy(update={"kept": kept, "settled": choice == "yes"})
        super()._tell_settled(choice)

    def _tell_pain_before(self, choice: str) -> None:
        super()._tell_pain_before(choice)
        if self.step == "setup":
            self._day = self._day.model_copy(update={"pain_before": int(choice)})
            self._begin_part()

    def _heed_advice(self, choice: str) -> None:
        pain = self._at.pain
        super()._heed_advice(choice)
        if self.step == "stopped":
            told = {"pain_before": pain, "stopped": "pain", "complete": True}
            self._day = self._day.model_copy(update=told)

    # --- from one part to the next -------------------------------------------------------------------

    def _take_part(self, number: int) -> None:
        """Make this part the one to do."""
        part = self._parts[number]
        self._number = number
        self._do(part.plan, practice_before(self._day_plan.past, part.exercise))
        self._hurts(self._pain.before or 0)
        self._sets, self._carried = sets_before(part)
        self._sets_begun = len(self._sets)
        own = part.own_range
        self._own_range = (own.view, own.range) if own is not None else None
        self._seen = replace(
            self._seen, view=None, target=1.0, problem=None, phase="none", phase_s=0.0, asked=False
        )
        self._now = replace(self._now, frame=-1, moment=None)

    def _begin_part(self) -> None:
        """What the part's own session has to know from its start."""
        if self._own_range is not None:
            view, range_ = self._own_range
            self._event("own_range", view=view, range=range_)

    @property
    def _coming(self) -> int:
        """Number of the part that follows."""
        return self._number + 1

    def _after_set(self) -> None:
        assert self.plan is not None
        if len(self._sets) < self.plan.sets:
            self._to("rest", rest_s=self.plan.rest_s)
            self._say("page.rest.title")
        elif self._coming < len(self._parts):
            self._to("next", rest_s=self._day_plan.programme.between_s)
            coming = self._parts[self._coming].plan
            self._announce("programme.next.exercise", coming, self._how(self._coming, self._number))
        else:
            self._ask_pain_after()

    def _tell_what_comes(self) -> None:
        key = "programme.next.first" if len(self._parts) > 1 else "programme.next.today"
        self._announce(key, self._parts[self._number].plan, self._how(self._number))

    def _how(self, number: int, before: int | None = None) -> list[Sentence]:
        """What is told of a part: after another one, or first."""
        part = self._parts[number]
        past = practice_before(self._day_plan.past, part.exercise)
        told = self._begun_today | {one.exercise for one in self._parts[:number]}
        lying = next((n for n, p in enumerate(self._parts) if p.plan.lies), None)
        return explanation(
            self.words,
            part.plan,
            self._parts[before].plan if before is not None else None,
            new=is_new(replace(past, today=part.exercise in told)),
            first_lying=number == lying,
        )

    def _change_next(self, choice: str) -> None:
        if choice == "now":
            self._end_next()
        elif choice == "longer":
            self._at = replace(self._at, rest_s=self._at.rest_s + 30.0)
        else:
            self._stop("stop")

    def _end_next(self) -> None:
        """The session of the part that is done ends here, and that of the next one begins."""
        coming = self._parts[self._coming]
        self._event("part_over", exercise=coming.exercise, side=coming.plan.side)
        self._leave_part()
        before = self._chosen
        self._take_part(self._coming)
        if before is not None and self._chosen is not None:
            self._chosen.policy.tell_on(before.policy)
        self._event("consent", recording=self.consent)
        self._begin_part()
        self._to("setup")

    def _leave_part(self) -> None:
        self._keep_unchecked()
        self._day = self.day
        self._recorded = ()

    # --- after --------------------------------------------------------------------------------------

    def _stop(self, reason: Reason) -> None:
        super()._stop(reason)
        # What was stopped for another reason can be gone on with.
        self._day = self._day.model_copy(update={"stopped": reason, "complete": reason == "pain"})

    def _ask_pain_after(self) -> None:
        self._to("pain_after")
        self._say("programme.end.last_set")
        self._say("programme.end.question_pain")

    def _tell_pain_after(self, choice: str) -> None:
        value = int(choice)
        self._pain = replace(self._pain, after=value)
        self._event("pain", value=value, set=len(self._sets))
        self._day = self._day.model_copy(update={"pain_after": value})
        if self._safety.must_stop(self._pain.before, value):
            self._event("stop", reason="pain")
            self._day = self._day.model_copy(update={"complete": True})
            self._to("stopped", reason="pain")
            self._say("page.pain.advice_stop", Priority.SAFETY)
        else:
            self._ask_effort()

    def _ask_effort(self, longer: bool = False) -> None:
        self._to("effort")
        self._say("programme.end.question_effort")

    def _tell_effort(self, choice: str) -> None:
        self._day = self._day.model_copy(update={"effort": float(choice)})
        super()._tell_effort(choice)

    def _keep_unchecked(self) -> None:
        self._unchecked |= dict.fromkeys(self._not_checked())
        here = self._elsewhere()
        if here is not None and (self._unseen is None or here.level < self._unseen.level):
            self._unseen = here

    def _not_checked(self) -> tuple[str, ...]:
        """Titles of the faults that cannot be seen from where the laptop stands."""
        if self.plan is None or self._seen.view is None:
            return ()
        return tuple(Findings(self.plan.definition, self._seen.view).unseen_here())

    def _after_effort(self) -> None:
        self._keep_unchecked()
        self._day = self._day.model_copy(update={"complete": True})
        self._to("summary")
        # No praise for what nobody saw.
        self._say("programme.end.well_done" if self.day.counted else "page.summary.title")
        if (more := self._more()) > 0:
            self._say("programme.end.one_more" if more == 1 else "programme.end.more", count=more)
        self._say_elsewhere(self._unseen)

    def _more(self) -> int:
        """Repetitions more than the last time the same was done."""
        day = self.day
        done = {(part.exercise, part.side) for part in day.parts}
        for before in reversed(self._day_plan.past):
            if {(part.exercise, part.side) for part in before.parts} == done:
                return day.counted - before.counted
        return 0

    # --- pages --------------------------------------------------------------------------------------

    def _standing(self) -> FlowState:
        return replace(super()._standing(), day=self._day_state())

    def _day_state(self) -> DayState:
        plan, day, words = self._day_plan, self.day, self.words
        rows = tuple(
            row_of(words, part, done, over=_over(done) or (n < self._number and bool(done.sets)))
            for n, (part, done) in enumerate(zip(self._parts, day.parts, strict=True))
        )
        state = DayState(
            plan.programme.name,
            rows,
            self._begun,
            self._all_done,
            day.counted,
            hurt=day.stopped == "pain",
            planned=plan.planned,
            renew_weeks=plan.renew_weeks,
            kept=self._keeps(),
        )
        if self.step == "agreed":
            changes = changes_since(words, self._parts, plan.past, plan.programme)
            return replace(state, changes=changes)
        if self.step == "next":
            return self._with_coming(state)
        if self.step == "summary":
            return replace(state, end_lines=self._end_lines(day))
        return state

    def _keeps(self) -> str:
        if self.kept is not None:
            return self.kept
        return self._day_plan.agreed.kept if self._day_plan.agreed is not None else "none"

    def _with_coming(self, state: DayState) -> DayState:
        before, part = self._parts[self._number], self._parts[self._coming]
        moves = before.plan.place != part.plan.place and bool(part.plan.views)
        # How it is done is shown by the figure, and each sentence while it is said.
        lines = [
            str(values.get("place", "")) or self.words(key, **values)
            for key, values in self._how(self._coming, self._number)
            if not key.startswith(("show.", "programme.next.hold"))
        ]
        if not moves:
            lines.insert(0, state.rows[self._coming].detail)
            if not part.plan.near_leg:
                lines.append(self.words("programme.next.stays"))
        view = f"/{part.plan.views[0]}" if moves else "/"
        return replace(
            state,
            coming=part.title,
            coming_lines=tuple(lines),
            lift=lift_at(self._now.time_s - self._at.since_s),
            drawing=f"{part.exercise}{view}/{part.plan.side or ''}",
        )

    def _end_lines(self, day: Day) -> tuple[str, ...]:
        words, plan = self.words, self._day_plan
        lines = [
            words("programme.end.part", exercise=part.title, done=done.counted, of=part.asked)
            for part, done in zip(self._parts, day.parts, strict=True)
        ]
        if (more := self._more()) > 0:
            lines.append(words("programme.end.one_more" if more == 1 else "programme.end.more", count=more))
        if day.pain_before is not None and day.pain_after is not None:
            lines.append(words("page.summary.pain", before=day.pain_before, after=day.pain_after))
        if day.pain_after is None or day.effort is None:
            lines.append(words("programme.end.not_answered"))
        focus = next(((p, d.focus) for p, d in zip(self._parts, day.parts, strict=True) if d.focus), None)
        if focus is not None and focus[1] in focus[0].plan.definition.faults:
            cue = focus[0].plan.definition.faults[focus[1]].cue
            lines.append(words("page.summary.focus", focus=cue))
        lines += unchecked_lines(words, list(self._unchecked), self._unseen)
        if day.kept != "none":
            lines += [line for _, line in ladder_lines(words, plan.programme, plan.past, day)]
        lines.append(words(f"programme.end.saved_{day.kept}"))
        return tuple(lines)


def _over(done: PartDone) -> bool:
    """Were all its sets done?"""
    return len(done.sets) >= done.asked_sets and done.sets[-1].counted >= done.asked_reps


def _kept(choice: str) -> Kept:
    match choice:
        case "agree_video":
            return "video"
        case "agree_skeleton":
            return "skeleton"
        case "agree_numbers":
            return "numbers"
    return "none"


DAY_STEPS: Mapping[Step, StepEntry] = {
    **STEPS,
    "today": StepEntry(DayPages.today, DayFlow._leave_today),
    # Nothing is recorded by a key pressed in passing.
    "safety": StepEntry(DayPages.safety, DayFlow._agree, selected=3),
    "agreed": StepEntry(DayPages.agreed, DayFlow._agree),
    "settled": StepEntry(DayPages.settled, DayFlow._tell_settled, selected=-1),
    "pain_before": StepEntry(DayPages.pain_before, DayFlow._tell_pain_before, selected=-1),
    "advice": StepEntry(DayPages.advice, DayFlow._heed_advice),
    "next": StepEntry(
        DayPages.next,
        DayFlow._change_next,
        keys=STOP_KEYS,
        times_out=TimesOut(lambda at: at.rest_s, DayFlow._end_next),
        camera=True,
        judged=False,
    ),
    "pain_after": StepEntry(
        DayPages.pain_after,
        DayFlow._tell_pain_after,
        selected=-1,
        times_out=question(Flow._leave_pain_open),
        camera=True,
    ),
    "effort": StepEntry(
        DayPages.effort,
        DayFlow._tell_effort,
        selected=-1,
        times_out=question(Flow._leave_effort_open),
        camera=True,
    ),
    "summary": StepEntry(DayPages.summary, Flow._close),
}
