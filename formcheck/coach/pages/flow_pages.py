"""From where a session stands to the `Page` the window shows: texts and choices, nothing decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from formcheck.analysis.findings import Findings
from formcheck.coach.pages.page import Choice, Page, PageKind, Row
from formcheck.coach.plan import MISSED_NAMES, Elsewhere, SessionPlan, seen_elsewhere
from formcheck.exercises.definition import Definition
from formcheck.words import DEFAULT, Words

if TYPE_CHECKING:
    from formcheck.engine.live_engine import LiveMoment
    from formcheck.engine.position import Problem


@dataclass(frozen=True)
class DayState:
    """Where a programme's day stands.

    Attributes:
        name: of the programme.
        rows: today's exercises.
        begun: something has been done today.
        complete: nothing is left to be done today.
        counted: repetitions counted today.
        hurt: it was ended for pain.
        planned: something is planned for today.
        renew_weeks: since so many weeks, when a new programme is due, else None.
        changes: sentences on what has changed since last time.
        kept: what is kept, once agreed; on the page before, what was last time.
        coming: title of the exercise that comes next.
        coming_lines: how and where it is done.
        drawing: of its position, and of the laptop's place where that changes.
        lift: how far up its figure is, from 0 to 1.
        end_lines: what is told at the end.
    """

    name: str
    rows: tuple[Row, ...]
    begun: bool = False
    complete: bool = False
    counted: int = 0
    hurt: bool = False
    planned: bool = True
    renew_weeks: int | None = None
    changes: tuple[str, ...] = ()
    kept: str = "none"
    coming: str = ""
    coming_lines: tuple[str, ...] = ()
    drawing: str | None = None
    lift: float = 1.0
    end_lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class FlowState:
    """Where a session stands; see `Flow`."""

    plan: SessionPlan | None
    consent: str | None
    moment: LiveMoment | None
    set_index: int
    counted: int
    done: tuple[int, ...]
    partial: int
    void: int
    pain_before: int | None
    pain_after: int | None
    pain_told: int | None
    selected: int
    seconds_left: float
    cue: str
    cue_is_correction: bool
    notice: str
    stop_reason: str | None
    problem: Problem | None
    instruction: str
    focus: str | None
    view: str | None
    side: str | None
    target: float
    day: DayState | None = None
    camera: str | None = None
    behind_ms: float | None = None
    held_s: int | None = None
    explaining: bool = False
    leaf: int = 0


#: A leaf of the end holds so many rows of so many letters, large enough to be read from the mat [D].
LEAF_ROWS, ROW_LETTERS = 5, 46


def leaves_of(lines: Sequence[str]) -> list[tuple[str, ...]]:
    """Lines as leaves to be read one after the other, at least one."""
    leaves: list[tuple[str, ...]] = [()]
    rows = 0
    for line in lines:
        needed = -(-len(line) // ROW_LETTERS)
        if leaves[-1] and rows + needed > LEAF_ROWS:
            leaves.append(())
            rows = 0
        leaves[-1] += (line,)
        rows += needed
    return leaves


def _listed(titles: Sequence[str]) -> str:
    """The first few of some titles, and how many there are besides."""
    more = len(titles) - MISSED_NAMES
    return ", ".join(titles[:MISSED_NAMES]) + (f" (+{more})" if more > 0 else "")


def unchecked_lines(words: Words, titles: Sequence[str], elsewhere: Elsewhere | None) -> list[str]:
    """What could not be checked: what another place would show with that place, then the rest.

    Args:
        words: the language.
        titles: of all that could not be checked.
        elsewhere: the part of it that is spoken of.
    """
    lines: list[str] = []
    told: tuple[str, ...] = ()
    if elsewhere is not None:
        told = elsewhere.titles
        lines.append(words("page.summary.not_checked_here", **elsewhere.told))
    if rest := [title for title in titles if title not in told]:
        lines.append(words("page.summary.not_checked", faults=_listed(rest)))
    return lines


class Pages:
    """Makes the pages of all steps, in one language.

    Args:
        words: the language.
        choices: exercises to choose from, their text translated.
    """

    def __init__(self, words: Words, choices: Mapping[str, Definition]) -> None:
        self._words = words
        self._exercises = choices

    def _text(self, key: str, **values: object) -> str:
        return self._words(f"page.{key}", **values)

    def _choice(self, page: str, id_: str, key: str | None) -> Choice:
        note = f"page.{page}.{id_}_note"
        return Choice(id_, self._text(f"{page}.{id_}"), key, self._words(note) if note in self._words else "")

    def _simple(self, at: FlowState, kind: PageKind, name: str, ids: tuple[str, ...], **more: object) -> Page:
        """A page of choices numbered from 1."""
        page: dict[str, object] = {
            "title": self._text(f"{name}.title"),
            "choices": tuple(self._choice(name, id_, str(i)) for i, id_ in enumerate(ids, start=1)),
            "selected": at.selected,
            "footer": self._text(f"{name}.footer"),
        }
        return Page(kind, **(page | more))  # type: ignore[arg-type]

    # --- before -------------------------------------------------------------------------------------

    def choose(self, at: FlowState) -> Page:
        choices = tuple(
            Choice(name, d.title, str(i), self._text(f"choose.{name.replace('-', '_')}_note"))
            for i, (name, d) in enumerate(self._exercises.items(), start=1)
        )
        return self._simple(at, "choose", "choose", (), choices=choices)

    def safety(self, at: FlowState) -> Page:
        lines = self._words.under("page.safety.line_")
        ids = ("agree_video", "agree_skeleton", "agree_none", "leave")
        return self._simple(at, "safety", "safety", ids, lines=lines)

    def settled(self, at: FlowState) -> Page:
        title = self._text("settled.question")
        choices = (self._choice("settled", "yes", "1"), self._choice("settled", "no", "2"))
        return Page("settled", title, (), choices, at.selected, footer=self._text("settled.footer"))

    def pain_before(self, at: FlowState) -> Page:
        return self._scale(at, "pain", self._text("pain.question_before"))

    def pain_after(self, at: FlowState) -> Page:
        return self._scale(at, "pain", self._text("pain.question_after"))

    def effort(self, at: FlowState) -> Page:
        return self._scale(at, "effort", self._text("effort.question"))

    def _scale(self, at: FlowState, kind: PageKind, title: str) -> Page:
        def note(i: int) -> str:
            key = f"page.effort.word_{i}" if kind == "effort" else f"page.pain.scale_{i}"
            return self._words(key) if key in self._words else ""

        choices = tuple(Choice(str(i), str(i), str(i) if i < 10 else None, note(i)) for i in range(11))
        return Page(kind, title, (), choices, at.selected, footer=self._text(f"{kind}.footer"))

    def advice(self, at: FlowState) -> Page:
        line = self._text("pain.advice_high_before", value=at.pain_told)
        choices = (self._choice("pain", "stop_today", "1"), self._choice("pain", "again", "2"))
        return Page("notice", line, (), choices, at.selected, footer=self._text("stopped.footer"))

    def caution(self, at: FlowState) -> Page:
        ids = ("rest_more", "stop_today", "go_on")
        choices = tuple(self._choice("pain", id_, str(i)) for i, id_ in enumerate(ids, start=1))
        line = self._text("pain.advice_caution")
        return Page("notice", line, (), choices, at.selected, footer=self._text("pain.footer"))

    def no_camera(self, at: FlowState) -> Page:
        # Why, in the camera's own words, which are English.
        why = (at.notice,) if at.notice and self._words.language == DEFAULT else ()
        line = self._words("phone.picture.none") if at.camera == "phone" else self._text("no_camera.line")
        lines = (line,) if at.camera == "phone" else (line, *why)
        return self._simple(at, "notice", "no_camera", ("retry", "leave"), lines=lines)

    # --- exercising ---------------------------------------------------------------------------------

    def setup(self, at: FlowState) -> Page:
        assert at.plan is not None
        moment = at.moment
        still = moment is not None and moment.stage == "still" and at.problem is None
        # What to do now is read lying down, two metres away: it goes where the largest letters are.
        if at.problem is not None:
            todo = at.instruction
        else:
            todo = self._text("setup.still" if still else "setup.hands_free")
        views = at.plan.definition.views
        view = at.plan.views[0] if at.plan.views else next(iter(views))
        side = f"/{at.side}" if at.side is not None else ""
        footer = [self._ready_keys(at, "setup")]
        if at.camera is not None:
            footer.insert(0, self._words("phone.picture.footer"))
        if at.camera == "phone" and at.behind_ms is not None:
            footer.insert(0, self._words("phone.picture.behind", ms=10 * round(at.behind_ms / 10)))
        return Page(
            "setup",
            self._text("setup.title"),
            (views[view].setup,),
            drawing=f"{at.plan.definition.name}/{view}{side}",
            cue=at.cue or todo,
            seconds_left=moment.still_left_s if still and moment is not None else None,
            footer=" · ".join(footer),
            recording=self._recording(at),
        )

    def _ready_keys(self, at: FlowState, page: str) -> str:
        """The keys, with that one for who has heard enough of how it is done while it is told."""
        keys = self._text(f"{page}.footer")
        return f"{self._text('setup.skip')} · {keys}" if at.explaining else keys

    def practice(self, at: FlowState) -> Page:
        moment = at.moment
        return Page(
            "practice",
            self._text("practice.title"),
            (self._text("practice.line"),),
            count=moment.practice_done if moment is not None else 0,
            of=moment.practice_of if moment is not None else None,
            **self._moving(at),  # type: ignore[arg-type]
            footer=self._ready_keys(at, "practice"),
        )

    def work(self, at: FlowState) -> Page:
        assert at.plan is not None
        title = self._text(
            "work.title", exercise=at.plan.definition.title, set=at.set_index, sets=at.plan.sets
        )
        return Page(
            "work",
            title,
            count=at.counted,
            of=at.plan.reps,
            **self._moving(at),  # type: ignore[arg-type]
            unseen=self._unseen(at),
            footer=self._text("work.footer"),
        )

    def _moving(self, at: FlowState) -> dict[str, object]:
        """What practice and work pages share."""
        assert at.plan is not None
        moment = at.moment
        phase = moment.phase if moment is not None else "none"
        return {
            "phase": phase,
            "phase_word": self._phase_word(phase, at.plan.definition.name, at.held_s),
            "level": moment.level if moment is not None else None,
            "target": at.target,
            "cue": at.notice or at.cue,
            "cue_is_correction": at.cue_is_correction and not at.notice,
            "recording": self._recording(at),
        }

    def _phase_word(self, phase: str, exercise: str, held_s: int | None) -> str:
        own = f"phase.{phase}_{exercise.replace('-', '_')}"
        word = self._text(own if f"page.{own}" in self._words else f"phase.{phase}")
        return word if held_s is None else self._text("held", phase=word, n=held_s)

    def _unseen(self, at: FlowState) -> str:
        assert at.plan is not None
        view = at.view
        if view is None:
            return ""
        titles = Findings(at.plan.definition, view).unseen_here()
        return self._text("unseen", faults=_listed(titles)) if titles else ""

    def _recording(self, at: FlowState) -> str:
        return at.consent if at.consent in ("video", "skeleton") else ""

    def paused(self, at: FlowState) -> Page:
        ids = ("continue", "end_set", "stop")
        # A gesture is for who lies; who stands can reach a key.
        line = "paused.line" if at.plan is None or at.plan.lies else "paused.line_upright"
        return self._simple(at, "paused", "paused", ids, lines=(self._text(line),))

    def rest(self, at: FlowState) -> Page:
        assert at.plan is not None
        lines = (
            self._text("rest.done", done=at.counted, of=at.plan.reps),
            self._text("rest.next", set=at.set_index + 1, sets=at.plan.sets),
        )
        more = {"lines": lines, "seconds_left": at.seconds_left, "cue": at.cue}
        return self._simple(at, "rest", "rest", ("skip", "longer", "stop"), **more)

    # --- after --------------------------------------------------------------------------------------

    def summary(self, at: FlowState) -> Page:
        assert at.plan is not None
        unseen = () if at.view is None else Findings(at.plan.definition, at.view).unseen_here()
        of = at.plan.sets * at.plan.reps
        lines = [self._text("summary.done", done=sum(at.done), of=of)]
        if len(at.done) > 1:
            lines += [
                self._text("summary.set", set=i, done=n, of=at.plan.reps)
                for i, n in enumerate(at.done, start=1)
            ]
        if at.partial:
            lines.append(self._text("summary.small", count=at.partial))
        if at.void:
            lines.append(self._text("summary.not_seen", count=at.void))
        if at.focus:
            cue = at.plan.definition.faults[at.focus].cue
            lines.append(self._text("summary.focus", focus=cue))
        elif sum(at.done) and not (at.partial or at.void):
            lines.append(self._text("summary.no_focus_seen" if unseen else "summary.no_focus"))
        if sum(at.done) and at.view is not None:
            elsewhere = seen_elsewhere(at.plan.definition, at.view)
            lines += unchecked_lines(self._words, unseen, elsewhere)
        if at.pain_before is not None and at.pain_after is not None:
            lines.append(self._text("summary.pain", before=at.pain_before, after=at.pain_after))
        lines.append(self._text(f"summary.saved_{at.consent or 'none'}"))
        return self._ending(at, self._text("summary.title"), lines)

    def _ending(self, at: FlowState, title: str, lines: Sequence[str]) -> Page:
        """The end, one leaf of it."""
        leaves = leaves_of(lines)
        leaf = at.leaf % len(leaves)
        choices = [self._choice("summary", "close", "1")]
        if len(leaves) > 1:
            more = self._text("summary.more", leaf=leaf + 1, leaves=len(leaves))
            choices.append(Choice("more", more, "2"))
        return self._simple(
            at, "summary", "summary", (), title=title, lines=leaves[leaf], choices=tuple(choices)
        )

    def stopped(self, at: FlowState) -> Page:
        why = "pain" if at.stop_reason == "pain" else "key"
        lines = [self._text(f"stopped.{why}")]
        if why == "pain":
            lines.append(self._text("stopped.emergency"))
        if at.consent in ("video", "skeleton"):
            lines.append(self._text("stopped.noted"))
        return self._simple(at, "stopped", "stopped", ("close",), lines=tuple(lines))

    def over(self, at: FlowState) -> Page:
        return Page("summary")
