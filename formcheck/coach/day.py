"""One day of a programme, as values: its parts, ordered so that the laptop moves least, and its sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from formcheck.coach.pages.page import Row
from formcheck.coach.plan import PastPractice, SessionPlan, SetCount, wanted_views
from formcheck.exercises.definition import load_definition
from formcheck.exercises.prescription import to_toml
from formcheck.exercises.programme import Programme, ProgrammeExercise, Rung
from formcheck.session.days import Agreed, Day, OwnRange, PartDone, SetDone, last_range
from formcheck.session.ladder import Standing, standing
from formcheck.words import Words, translated

#: An own range is practised anew after so long [D].
_RANGE_HOLDS = timedelta(days=14)


@dataclass(frozen=True)
class DayPart:
    """One exercise on one side.

    Attributes:
        plan: what is asked for.
        title: with the side, in the patient's language.
        mark, rung: of the programme's exercise, and the step of its ladder.
        own_range: as practised lately, or None.
        done: as far as it was done before it was broken off.
    """

    plan: SessionPlan
    title: str
    mark: str
    rung: int
    own_range: OwnRange | None = None
    done: PartDone | None = None

    @property
    def exercise(self) -> str:
        """Name of the exercise."""
        return self.plan.definition.name

    @property
    def asked(self) -> int:
        """Repetitions asked for."""
        return self.plan.sets * self.plan.reps

    def blank(self) -> PartDone:
        """The record of it before anything is done."""
        return PartDone(
            exercise=self.exercise,
            side=self.plan.side,  # type: ignore[arg-type]
            mark=self.mark,
            rung=self.rung,
            asked_sets=self.plan.sets,
            asked_reps=self.plan.reps,
            own_range=self.own_range,
        )


@dataclass(frozen=True)
class DayPlan:
    """What a day of a programme asks for.

    Attributes:
        programme: whose day.
        past: the kept days before it, the earliest first.
        today: the date.
        started: ISO 8601 with the offset from UTC.
        parts: the parts, given what was answered about the pain of last time.
        agreed: what was agreed to last time, or None.
        text: hash of the page on safety.
        planned: something is planned for this day of the week.
        resumed: what was begun today already, and perhaps done; or None.
    """

    programme: Programme
    past: tuple[Day, ...]
    today: date
    started: str
    parts: Callable[[bool | None], tuple[DayPart, ...]]
    agreed: Agreed | None = None
    text: str = ""
    planned: bool = True
    resumed: Day | None = None

    @property
    def had_pain(self) -> bool:
        """Was pain told the last time?"""
        return bool(self.past) and self.past[-1].had_pain

    @property
    def renew_weeks(self) -> int | None:
        """For how many weeks it has been done, once it is old."""
        weeks = (self.today - self.past[0].date).days // 7 if self.past else 0
        return weeks if weeks >= self.programme.weeks else None


def parts_of(
    programme: Programme,
    exercises: Sequence[ProgrammeExercise],
    past: Sequence[Day],
    words: Words,
    today: date,
    settled: bool | None = None,
    resumed: Day | None = None,
    *,
    worn: bool = False,
) -> tuple[DayPart, ...]:
    """The parts of a day, in the order in which the laptop moves least.

    Args:
        programme: the programme.
        exercises: those of this day, as they begin.
        past: the kept days before.
        words: the patient's language.
        today: the date.
        settled: what was answered about the pain of last time.
        resumed: the day that was broken off, to go on with.
        worn: with a phone in the waistband.
    """
    before = {(p.mark, p.exercise, p.side): p for p in resumed.parts} if resumed is not None else {}
    out: list[DayPart] = []
    alone = len({exercise.exercise for exercise in exercises}) == 1
    for exercise in exercises:
        rung = standing(exercise, programme.climb, past, settled).rung
        now = exercise.at(rung)
        definition = translated(now.definition, words.language)
        definition = definition.with_phone() if worn and definition.takes_phone else definition
        for side in now.sides or (None,):
            known = last_range(past, now.exercise, side)
            fresh = known if known is not None and today - known.on <= _RANGE_HOLDS else None
            done = before.get((exercise.mark, now.exercise, side))
            plan = SessionPlan(
                definition,
                now.sets,
                now.reps,
                now.rest_s,
                now.focus_fault,
                wanted_views(definition, now.view, now.focus_fault, alone),
                side,
                to_toml(now.prescription, now.definition),
                now.band,
            )
            title = titled(words, definition.title, side)
            own = done.own_range if done is not None and done.own_range is not None else fresh
            out.append(DayPart(plan, title, exercise.mark, rung, own, done))
    places = list(dict.fromkeys(part.plan.place for part in out))
    return tuple(sorted(out, key=lambda part: places.index(part.plan.place)))


def practice_before(past: Sequence[Day], exercise: str) -> PastPractice:
    """What the kept days say of an exercise: how often it was done and went well, and last pain."""
    done = [[p for p in day.parts if p.exercise == exercise and p.counted] for day in past]
    return PastPractice(
        sessions=sum(any(p.focus is None for p in parts) for parts in done),
        had_pain=bool(past) and past[-1].had_pain,
        days=sum(map(bool, done)),
    )


def sets_before(part: DayPart) -> tuple[tuple[SetCount, ...], SetCount | None]:
    """Sets that were done before a day was broken off, and the one that is gone on with, if any."""
    sets = [
        SetCount(i, s.counted, s.counted - s.full)
        for i, s in enumerate(part.done.sets if part.done is not None else (), start=1)
    ]
    if sets and sets[-1].counted < part.plan.reps:
        last = sets.pop()
        return tuple(sets), last if last.counted else None
    return tuple(sets), None


def as_done(sets: Sequence[SetCount]) -> tuple[SetDone, ...]:
    """Sets as they are kept."""
    return tuple(SetDone(counted=s.counted, full=s.counted - s.partial) for s in sets)


# --- sentences ---------------------------------------------------------------------------------------------


def titled(words: Words, title: str, side: str | None) -> str:
    """An exercise's title with its side."""
    if side is None:
        return title
    return words("programme.part", exercise=title, side=words(f"programme.side.{side}"))


def asked_for(words: Words, plan: SessionPlan) -> str:
    """``"2 sets of 10, hold 5 seconds"``."""
    key = "sets" if plan.sets > 1 else "one_set" if plan.reps > 1 else "once"
    parts = [words(f"programme.{key}", sets=plan.sets, reps=plan.reps)]
    if plan.hold_s:
        key = "hold_one" if plan.hold_s == 1 else "hold"
        parts.append(words(f"programme.{key}", seconds=f"{plan.hold_s:g}"))
    if plan.band:
        parts.append(words("programme.band"))
    return ", ".join(parts)


def row_of(words: Words, part: DayPart, done: PartDone, *, over: bool) -> Row:
    """A part on the page of today."""
    state = words("programme.today.done") if over else ""
    if not over and done.counted:
        state = words("programme.today.partly", done=done.counted, of=part.asked)
    return Row(part.exercise, part.plan.side, part.title, asked_for(words, part.plan), state, over)


def changes_since(
    words: Words, parts: Sequence[DayPart], past: Sequence[Day], programme: Programme
) -> tuple[str, ...]:
    """What is different from the last time, a sentence each."""
    if not past:
        return ()
    out: list[str] = []
    by_mark = {exercise.mark: exercise for exercise in programme.exercises}
    for mark in dict.fromkeys(part.mark for part in parts):
        part = next(p for p in parts if p.mark == mark)
        title = part.plan.definition.title
        before = next((p for day in reversed(past) for p in day.parts if p.mark == mark), None)
        if before is None:
            out.append(words("programme.agreed.new", exercise=title))
        elif part.rung > before.rung:
            what = what_is_raised(words, by_mark[mark].ladder[part.rung - 1])
            out.append(words("programme.agreed.raised", exercise=title, what=what))
        elif part.rung < before.rung:
            out.append(words("programme.agreed.eased", exercise=title))
    return tuple(out)


def what_is_raised(words: Words, step: Rung) -> str:
    """What a step of a ladder asks for: ``"12 repetitions"``."""
    name = "exercise" if step.exercise is not None else step.raised[0]
    value = getattr(step, name)
    if name == "exercise":
        return words(
            "programme.ladder.what.exercise",
            exercise=translated(load_definition(value), words.language).title,
        )
    one = "_one" if name == "hold_s" and value == 1 else ""
    return words(f"programme.ladder.what.{name}{one}", n=f"{value:g}")


def ladder_line(words: Words, title: str, step: Rung | None, now: Standing) -> str:
    """What is told of an exercise's ladder; empty at its top.

    Args:
        words: the language.
        title: of the exercise.
        step: the one that was just reached, if the last day led up.
        now: where it stands.
    """
    if now.moved == "back":
        return words("programme.ladder.back", exercise=title)
    if now.moved == "up" and step is not None:
        return words("programme.ladder.up", exercise=title, what=what_is_raised(words, step))
    if now.next is None:
        return ""
    what = what_is_raised(words, now.next)
    if now.why and now.why[0] != "days":
        why = words(f"programme.ladder.why.{now.why[0]}")
        return words("programme.ladder.not_yet", exercise=title, what=what, why=why)
    if now.days_left == 1:
        return words("programme.ladder.after_day", exercise=title, what=what)
    return words("programme.ladder.after_days", exercise=title, what=what, days=now.days_left)


def ladder_lines(
    words: Words, programme: Programme, past: Sequence[Day], day: Day
) -> tuple[tuple[Standing, str], ...]:
    """For each exercise done on this day: where it stands now, and the sentence."""
    out = []
    done = {part.mark for part in day.parts if part.sets}
    for exercise in programme.exercises:
        if exercise.mark not in done or not exercise.ladder:
            continue
        now = standing(exercise, programme.climb, [*past, day])
        reached = exercise.ladder[now.rung - 1] if now.rung > 0 else None
        title = translated(load_definition(exercise.at(now.rung).exercise), words.language).title
        if now.moved == "up" and reached is not None and reached.exercise is not None:
            title = translated(load_definition(exercise.at(now.rung - 1).exercise), words.language).title
        if line := ladder_line(words, title, reached, now):
            out.append((now, line))
    return tuple(out)


def with_part(day: Day, number: int, done: PartDone) -> Day:
    """The day with one of its parts as it stands now."""
    parts = list(day.parts)
    parts[number] = done
    return day.model_copy(update={"parts": tuple(parts)})


def fresh_day(plan: DayPlan, parts: Sequence[DayPart]) -> Day:
    """The record of a day before anything is done; of one that was broken off, as it was left."""
    if plan.resumed is not None:
        kept = tuple(part.done or part.blank() for part in parts)
        return plan.resumed.model_copy(update={"parts": kept})
    return Day(
        date=plan.today, started=plan.started, kept="none", parts=tuple(part.blank() for part in parts)
    )
