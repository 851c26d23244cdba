"""The flow of a live session: which page, which question, when a set begins and ends (spec 6.2, 7.6).

Pure: it is told of frames, keys and trouble, with their times, and gives out pages, messages and events. The
order is choose → safety and consent → settled? → pain → set-up → practice → sets, each followed by pain,
effort and rest → summary. Pain and stop end a set at once, and nothing then asks to go on.

`STEPS`, at the end, is the table of all steps: page, choices, keys and time-outs of each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from formcheck.analysis.events import Event
from formcheck.coach.explain import Sentence, explanation, is_new
from formcheck.coach.message import Message, Priority, Tone
from formcheck.coach.mouth import Mouth, shown_part
from formcheck.coach.pages.flow_pages import FlowState, Pages
from formcheck.coach.pages.page import Page
from formcheck.coach.plan import (
    BELOW_LEVEL,
    BELOW_S,
    CLIP_END_S,
    CUE_S,
    GONE_S,
    IDLE_S,
    LEAF_S,
    LONG_REST_S,
    PHONE_S,
    QUESTION_S,
    REST_ENDS_S,
    SMALL_AFTER_S,
    STUCK_S,
    TRIED_LEVEL,
    Elsewhere,
    PastPractice,
    Safety,
    SessionPlan,
    SetCount,
    Step,
    seen_elsewhere,
    too_rough,
)
from formcheck.coach.policy import Policy
from formcheck.coach.setup import SetupCoach
from formcheck.engine.live_engine import PRACTICE_REPS, LiveMoment
from formcheck.engine.ongoing import Ongoing
from formcheck.engine.position import Problem
from formcheck.exercises.definition import Definition
from formcheck.phone.worn import Worn
from formcheck.video.switched_camera import Which
from formcheck.words import Words

Reason = Literal["pain", "stop"]
Consent = Literal["video", "skeleton", "none"]
_CONSENT: dict[str, Consent] = {"agree_video": "video", "agree_skeleton": "skeleton"}


@dataclass(frozen=True)
class At:
    """Where a session stands; a new one for every step.

    Attributes:
        step: its name in `STEPS`.
        since_s: when it began, on the session's clock.
        selected: number of the choice that is marked on its page.
        rest_s: how long the rest lasts, in ``effort`` and ``rest``.
        pain: the number that is not taken for sure yet, in ``advice``.
        reason: why, in ``stopped``.
        leaf: of the end, which one was turned to last.
    """

    step: Step = "choose"
    since_s: float = 0.0
    selected: int = 0
    rest_s: float = 0.0
    pain: int | None = None
    reason: Reason | None = None
    leaf: int = 0


@dataclass(frozen=True)
class _Chosen:
    """What follows from the exercise that was chosen."""

    plan: SessionPlan
    history: PastPractice
    policy: Policy
    setup: SetupCoach


@dataclass(frozen=True)
class _Now:
    """The newest time, frame and moment."""

    time_s: float = 0.0
    frame: int = -1
    moment: LiveMoment | None = None


@dataclass(frozen=True)
class _Pain:
    """What was answered, None where nothing was: before the session, and after the last set."""

    before: int | None = None
    after: int | None = None


@dataclass(frozen=True)
class _Seen:
    """What the camera has shown.

    Attributes:
        view: of the baseline, or None before there is one.
        target: the level to reach, in parts of the own range.
        light: ``fine``, ``dark`` or ``backlit``.
        problem: what was in the way of starting, last.
        phase, phase_s: of the set under way, and since when.
        asked: a body that rests for long has been asked for.
        below_s: since when the signal has been below what was taken for rest.
        tried: something has moved in the practice since it was last told what is missing.
        phone: whether the phone in the waistband told anything, last.
        phone_news: what it has told instead for a moment, and since when.
        camera: which of two cameras is used; None where there is one.
        behind_ms: how long after it was taken its picture is shown, once that is known.
    """

    view: str | None = None
    target: float = 1.0
    light: str = "fine"
    problem: Problem | None = None
    phase: str = "none"
    phase_s: float = 0.0
    asked: bool = False
    below_s: float | None = None
    tried: bool = False
    phone: Worn | None = None
    phone_news: tuple[Worn, float] | None = None
    camera: Which | None = None
    behind_ms: float | None = None


@dataclass(frozen=True)
class _Line:
    """The sentence on the page, and since when it stands there."""

    text: str = ""
    correction: bool = False
    at_s: float = float("-inf")


class Flow:
    """One live session's flow.

    Attributes:
        consent: what may be kept, once agreed.
        ending_s: when a session whose clip is over closes by itself, else None.

    Args:
        words: the patient's language.
        choices: exercises to choose from, their titles in that language.
        plan_for: makes the plan and the history for a chosen exercise.
        exercise: skip the choice.
    """

    def __init__(
        self,
        words: Words,
        choices: Mapping[str, Definition],
        plan_for: Callable[[str], tuple[SessionPlan, PastPractice]],
        exercise: str | None = None,
    ) -> None:
        self.words = words
        self.consent: Consent | None = None
        self.ending_s: float | None = None
        self._plan_for = plan_for
        self._pages = Pages(words, choices)
        self._safety = Safety()
        self._mouth = Mouth()
        self._messages: deque[Message] = deque()
        self._events: deque[Event] = deque()
        # The state: each value is replaced as a whole.
        self._at = At()
        self._now = _Now()
        self._chosen: _Chosen | None = None
        self._pain = _Pain()
        self._seen = _Seen()
        self._sets: tuple[SetCount, ...] = ()
        self._sets_begun = 0
        self._carried: SetCount | None = None  # a set that was broken off, to go on with
        self._own_range: tuple[str, float] | None = None  # practised before: view and range
        self._rest_told_s = float("-inf")  # of which rest the end was told: when it began
        self._line = _Line()
        self._notice = ""
        if exercise is not None:
            self._choose(exercise)

    # --- what comes out -----------------------------------------------------------------------------

    @property
    def table(self) -> Mapping[Step, StepEntry]:
        """All its steps."""
        return STEPS

    @property
    def step(self) -> Step:
        """Where it stands."""
        return self._at.step

    @property
    def plan(self) -> SessionPlan | None:
        """What is being done, once an exercise has been chosen."""
        return self._chosen.plan if self._chosen is not None else None

    @property
    def camera_wanted(self) -> bool:
        """The camera is on only while it is needed, never before consent."""
        return self.table[self.step].camera

    @property
    def judging(self) -> bool:
        """Whether the engine looks at the camera's frames now, and they are recorded."""
        return self.table[self.step].judged

    def recorded_as(self, folder: str) -> None:
        """The session is recorded in a folder of this name."""

    def marks(self) -> dict[str, Ongoing]:
        """Faults under way that may be marked on the screen now."""
        moment = self._now.moment
        if moment is None or self._chosen is None:
            return {}
        return self._chosen.policy.to_show(moment.time_s, moment.ongoing)

    @property
    def over(self) -> bool:
        """True when the window can close."""
        return self.step == "over"

    def take_messages(self) -> list[Message]:
        """What is to be said and sounded since the last call."""
        out = list(self._messages)
        self._messages.clear()
        return out

    def take_events(self) -> list[Event]:
        """What happened since the last call, for the recorder and the engine."""
        out = list(self._events)
        self._events.clear()
        return out

    def page(self) -> Page:
        """What the window shows now."""
        page = self.table[self.step].page(self._pages, self._standing())
        return replace(page, language=self.words.language)

    # --- what comes in ------------------------------------------------------------------------------

    def restart_clock(self) -> None:
        """The camera's first frame is here: the session's clock starts at 0."""
        by_s = self._now.time_s
        self._mouth.free_at -= by_s
        self._at = replace(self._at, since_s=self._at.since_s - by_s)
        self._line = replace(self._line, at_s=self._line.at_s - by_s)
        self._now = replace(self._now, time_s=0.0)

    def frame(self, moment: LiveMoment) -> None:
        """One frame, after the engine dealt with it."""
        self._now = _Now(moment.time_s, moment.index, moment)
        if self.table[self.step].follows:
            self._follow(moment)
        self._time_passes()

    def tick(self, now_s: float) -> None:
        """Time passes without a frame; an earlier time than the last frame's is ignored."""
        self._now = replace(self._now, time_s=max(self._now.time_s, now_s))
        self._time_passes()

    def light(self, light: str) -> None:
        """How the picture is lit (``fine``, ``dark``, ``backlit``); told while nobody can be seen."""
        self._seen = replace(self._seen, light=light)

    def camera(self, state: Literal["lost", "back"]) -> None:
        """The camera went, or came back."""
        self._event("camera", state=state)
        key = "phone.picture." if self._seen.camera == "phone" else "page.notice.camera_"
        self._notice = self.words(f"{key}lost") if state == "lost" else ""
        self._say(f"{key}{state}", Priority.CANNOT_SEE)

    def pictures_from(self, camera: Which, behind_ms: float | None = None) -> None:
        """Which of two cameras is used, and how long after it was taken its picture is shown."""
        self._seen = replace(self._seen, camera=camera, behind_ms=behind_ms)

    def camera_changed(self, camera: Which | None) -> None:
        """The other camera is used now; None: it cannot be, and the one before still is."""
        self._notice = ""
        if camera is None:
            self._say("phone.picture.not_changed", Priority.CANNOT_SEE)
            return
        self.pictures_from(camera)
        self._event("phone", state=camera)
        self._say(f"phone.picture.of_{camera}", Priority.CANNOT_SEE)

    def no_camera(self, why: str) -> None:
        """The camera cannot be opened, for this reason; asked to be put right, then tried again."""
        self._notice = why
        self._to("no_camera")
        self._say("page.no_camera.line", Priority.CANNOT_SEE)

    def trouble(self, key: str) -> None:
        """Something to be told once, e.g. ``disk_full``, ``no_sound``: spoken, shown and stored."""
        text = self.words(f"page.notice.{key}")
        self._event("notice", text=text)
        self._say(f"page.notice.{key}", Priority.CANNOT_SEE)

    def source_ended(self) -> None:
        """The clip that played the camera is over."""
        if self.camera_wanted:
            self._end_set("idle")
            self._to("summary")
        self.ending_s = self._now.time_s + CLIP_END_S

    def press(self, key: str) -> None:
        """A key, by name (``enter``, ``esc``, ``space``, ``left`` …, ``0`` …, ``p``, ``s``)."""
        if self.step == "over":
            return
        if (does := self.table[self.step].keys.get(key)) is not None:
            does(self)
            return
        if key == "esc":
            if self.camera_wanted:
                self._stop("stop")
            else:
                self._to("over")
            return
        if key == "h" and self._chosen is not None:
            self._messages.extend(self._chosen.policy.ask(self._now.time_s))
            return
        page = self.page()
        if not page.choices:
            return
        if key in ("left", "up"):
            self._at = replace(self._at, selected=(max(page.selected, 0) - 1) % len(page.choices))
        elif key in ("right", "down"):
            self._at = replace(self._at, selected=(page.selected + 1) % len(page.choices))
        elif key == "enter":
            if page.selected >= 0:
                self.choose(page.choices[page.selected].id)
        else:
            for choice in page.choices:
                if (choice.key or "").lower() == key:
                    self.choose(choice.id)
                    return

    def arm_up(self, both: bool) -> None:
        """Somebody lying held an arm straight up: a pause in a set, there going on; both arms: it hurts."""
        if "space" in self.table[self.step].keys:
            self.press("p" if both else "space")

    def choose(self, choice: str) -> None:
        """Something was chosen, by key or mouse."""
        chosen = self.table[self.step].chosen
        if chosen is not None and any(c.id == choice for c in self.page().choices):
            chosen(self, choice)

    # --- stopping and pausing -----------------------------------------------------------------------

    def _stop(self, reason: Reason) -> None:
        """End at once; nothing encourages going on (spec 7.6)."""
        self._end_set(reason)
        self._event("stop", reason=reason)
        self._to("stopped", reason=reason)
        if self._chosen is not None:
            self._messages.extend(self._chosen.policy.stopped(self._now.time_s, reason))

    def _stop_for_pain(self) -> None:
        self._stop("pain")

    def _stop_as_asked(self) -> None:
        self._stop("stop")

    def _pause(self, spoken: str | None = None) -> None:
        self._event("pause")
        self._to("paused")
        if self._chosen is not None:
            self._messages.extend(self._chosen.policy.paused(self._now.time_s))
        if spoken is not None:
            self._say(spoken, Priority.CANNOT_SEE)

    def _resume(self) -> None:
        self._event("resume")
        if self._chosen is not None:
            self._messages.extend(self._chosen.policy.resumed(self._now.time_s))
        self._to("setup")

    # --- choices, page by page ----------------------------------------------------------------------

    def _choose(self, exercise: str) -> None:
        self._do(*self._plan_for(exercise))
        self._to("safety")

    def _do(self, plan: SessionPlan, history: PastPractice) -> None:
        """Take an exercise as the one to do now."""
        policy = Policy(
            plan.definition,
            self.words,
            sets=plan.sets,
            reps=plan.reps,
            focus_fault=plan.focus_fault,
            session_number=history.sessions + 1,
            mouth=self._mouth,
        )
        self._chosen = _Chosen(plan, history, policy, SetupCoach(plan.definition, self.words, self._mouth))

    def _agree(self, choice: str) -> None:
        if choice == "leave":
            self._to("over")
            return
        self.consent = _CONSENT.get(choice, "none")
        self._event("consent", recording=self.consent)
        if self._chosen is not None and self._chosen.history.had_pain:
            self._to("settled")
            self._say("page.settled.question")
        else:
            self._ask_pain_before()

    def _tell_settled(self, choice: str) -> None:
        self._event("settled", answer=choice == "yes")
        if choice == "no":
            self._say("page.settled.advice_no", Priority.SAFETY)
        self._ask_pain_before()

    def _ask_pain_before(self) -> None:
        self._to("pain_before")
        self._say("page.pain.question_before")

    def _tell_pain_before(self, choice: str) -> None:
        value = int(choice)
        if value >= self._safety.stop:
            # Kept back: a wrong key can still be put right.
            self._to("advice", pain=value)
            self._say("page.pain.advice_high_before", value=value)
            return
        self._pain = _Pain(before=value)
        self._hurts(value)
        self._event("pain", value=value, set=0)
        self._get_ready()

    def _get_ready(self) -> None:
        """The first set-up begins: who does not see the screen has to be told what to do, too."""
        self._to("setup")
        self._ask_for_phone()
        self._tell_what_comes()

    def _tell_what_comes(self) -> None:
        if self._chosen is None:
            return
        plan, past = self._chosen.plan, self._chosen.history
        how = explanation(self.words, plan, new=is_new(past), first_lying=plan.lies)
        self._announce("programme.next.today", plan, how)

    def _announce(self, key: str, plan: SessionPlan, how: list[Sentence]) -> None:
        """Say what is done now or next, and what is told of it."""
        self._say(key, exercise=plan.definition.title)
        for key_, values in how:
            self._say(key_, **values)

    def _enough_told(self) -> None:
        """Whoever knows how it is done need not hear it out."""
        if self._chosen is not None:
            self._messages.extend(self._chosen.policy.skip_explanation(self._now.time_s))

    def _ask_for_phone(self) -> None:
        """Whoever has a phone in the waistband is asked to stand with it."""
        if self.plan is not None and self.plan.definition.phone_worn:
            self._say("phone.place")

    def _hurts(self, value: int) -> None:
        if self._chosen is not None:
            self._chosen.policy.pain = value

    def _heed_advice(self, choice: str) -> None:
        if choice == "again":
            self._to("pain_before")
            return
        self._event("pain", value=self._at.pain, set=0)
        self._event("stop", reason="pain")
        self._to("stopped", reason="pain")

    def _leave_pause(self, choice: str) -> None:
        if choice == "continue":
            self._resume()
        elif choice == "end_set":
            self._end_set("key")
            self._after_set()
        else:
            self._stop("stop")

    def _after_set(self) -> None:
        """What follows a set that is over."""
        self._ask_pain_after()

    def _ask_pain_after(self) -> None:
        self._to("pain_after")
        self._say("page.pain.question_after")

    def _tell_pain_after(self, choice: str) -> None:
        value = int(choice)
        self._pain = replace(self._pain, after=value)
        self._hurts(value)
        self._event("pain", value=value, set=len(self._sets))
        if self._safety.must_stop(self._pain.before, value):
            self._event("stop", reason="pain")
            self._to("stopped", reason="pain")
            self._say("page.pain.advice_stop", Priority.SAFETY)
        elif value >= self._safety.caution:
            self._to("caution")
            self._say("page.pain.advice_caution", Priority.SAFETY)
        else:
            self._ask_effort()

    def _leave_pain_open(self) -> None:
        self._pain = replace(self._pain, after=None)
        self._event("pain", value=None, set=len(self._sets))
        self._ask_effort()

    def _heed_caution(self, choice: str) -> None:
        if choice == "stop_today":
            self._stop("stop")
        else:
            self._ask_effort(longer=choice == "rest_more")

    def _ask_effort(self, longer: bool = False) -> None:
        assert self.plan is not None
        self._to("effort", rest_s=self.plan.rest_s * (2 if longer else 1))
        self._say("page.effort.question")

    def _tell_effort(self, choice: str) -> None:
        self._event("effort", value=float(choice), set=len(self._sets))
        self._after_effort()

    def _leave_effort_open(self) -> None:
        self._event("effort", value=None, set=len(self._sets))
        self._after_effort()

    def _after_effort(self) -> None:
        assert self.plan is not None
        if len(self._sets) >= self.plan.sets:
            self._to("summary")
            self._say_the_end()
        else:
            self._to("rest", rest_s=self._at.rest_s)
            self._say("page.rest.title")

    def _say_the_end(self) -> None:
        if any(done.counted for done in self._sets):
            self._say("programme.end.well_done")
            self._say_elsewhere(self._elsewhere())

    def _say_elsewhere(self, missed: Elsewhere | None) -> None:
        """What could not be checked, and from where it could be."""
        if missed is not None:
            self._say("page.summary.not_checked_here", **missed.told)

    def _change_rest(self, choice: str) -> None:
        if choice == "skip":
            self._end_rest()
        elif choice == "longer":
            self._at = replace(self._at, rest_s=self._at.rest_s + 30.0)
        else:
            self._stop("stop")

    def _end_rest(self) -> None:
        self._start_set()
        self._to("setup")

    def _try_camera(self, choice: str) -> None:
        self._notice = ""
        self._to("setup" if choice == "retry" else "over")

    def _close(self, choice: str) -> None:
        if choice == "more":
            self._at = replace(self._at, since_s=self._now.time_s, leaf=self._leaf + 1)
        else:
            self._to("over")

    @property
    def _leaf(self) -> int:
        return self._at.leaf + int((self._now.time_s - self._at.since_s) // LEAF_S)

    # --- exercising ---------------------------------------------------------------------------------

    def _follow(self, moment: LiveMoment) -> None:
        """Set-up, practice and sets follow the engine's stage."""
        assert self._chosen is not None
        if moment.phase in ("rise", "hold", "lower"):
            for told in ("show.", "page.setup.ready"):  # it is being done
                self._chosen.policy.forget(told)
        if moment.stage in ("setup", "still"):
            self._set_up(moment, self._chosen)
        if moment.baseline is not None:
            ref = moment.baseline
            self._seen = replace(self._seen, view=ref.view)
            if self._own_range is not None and self._own_range[0] == ref.view:
                self._learn_range(self._own_range[1])
            self._event("baseline", view=ref.view, side=ref.side, yaw_deg=round(ref.yaw_deg, 1))
        if moment.calibrated is not None:
            self._event("calibrated", range=round(moment.calibrated, 4))
            self._learn_range(moment.calibrated)
        if moment.phone is not None:
            self._hear_phone(moment.time_s, moment.phone)
        if self._rests_lower(moment, self._chosen.plan):
            self._look_again()
            return
        if moment.stage == "practice":
            self._practise(moment, self._chosen)
        elif moment.stage == "ready" and self.step in ("setup", "practice"):
            self._start_set()
        elif moment.stage == "work":
            if self.step != "work":
                self._to("work")
                if self._sets_begun != len(self._sets):
                    self._sets_begun = len(self._sets)
                    self._messages.extend(self._chosen.policy.set_started(moment.time_s, self._sets_begun))
                    if not self._sets[-1].counted:
                        self._say("page.work.begin", set=self._sets_begun)
                if done := self._sets[-1].counted:
                    self._say("page.work.carry_on", done=done, of=self._chosen.plan.reps)
            self._work(moment, self._chosen)

    def _rests_lower(self, moment: LiveMoment, plan: SessionPlan) -> bool:
        """Whether the body has come to lie below what was taken for rest."""
        lies = plan.lies and moment.stage in ("practice", "work")
        if not lies or moment.level is None or moment.level > BELOW_LEVEL:
            self._seen = replace(self._seen, below_s=None)
            return False
        since_s = moment.time_s if self._seen.below_s is None else self._seen.below_s
        self._seen = replace(self._seen, below_s=since_s)
        return moment.time_s - since_s >= BELOW_S

    def _look_again(self) -> None:
        """Rest was taken while something was held up: it is taken anew, and what was counted stays."""
        self._seen = replace(self._seen, below_s=None)
        self._event("pause")
        self._event("resume")
        self._to("setup")
        self._say("page.setup.anew", Priority.CANNOT_SEE)
        if self._sets and not self._sets[-1].counted:
            self._sets_begun = len(self._sets) - 1  # it is said again when the set begins

    def _hear_phone(self, t: float, state: Worn) -> None:
        """A phone that tells nothing says why, where something can be done about it, once that has lasted."""
        news = self._seen.phone_news
        if state is self._seen.phone:
            self._seen = replace(self._seen, phone_news=None)
            return
        if news is None or news[0] is not state:
            self._seen = replace(self._seen, phone_news=(state, t))
            return
        if t - news[1] < PHONE_S:
            return
        self._seen = replace(self._seen, phone=state, phone_news=None)
        self._event("phone", state=state.word)
        if state not in (Worn.OK, Worn.SILENT):
            self._say(f"phone.worn.{state.word}", Priority.CANNOT_SEE)

    def _learn_range(self, own: float) -> None:
        assert self._chosen is not None
        definition = self._chosen.plan.definition
        asked = definition.target_range
        self._own_range = (self._seen.view or "", own)
        self._seen = replace(self._seen, target=asked / own if asked is not None else 1.0)
        self._chosen.policy.rough = too_rough(definition, self._seen.view or "", own)

    def _set_up(self, moment: LiveMoment, chosen: _Chosen) -> None:
        if self.step != "setup":
            self._to("setup")
        # In the dark nobody is seen: what to change is the light.
        problem, light = moment.problem, self._seen.light
        advice = Problem(light, advice=True) if light != "fine" else None
        if problem is not None and problem.id == "nobody" and advice is not None:
            problem = advice
        if problem != self._seen.problem:
            self._event("setup", problem=problem.id if problem is not None else None)
        self._seen = replace(self._seen, problem=problem)
        self._messages.extend(chosen.setup.update(moment.time_s, moment.problem, advice))

    def _practise(self, moment: LiveMoment, chosen: _Chosen) -> None:
        t = moment.time_s
        if self.step != "practice":
            self._to("practice")
            self._seen = replace(self._seen, tried=False, asked=False)
            self._messages.extend(chosen.policy.set_started(t, 0))
            self._say("page.setup.ready")
            self._say("page.practice.line")
        if moment.practised is not None:
            self._at = replace(self._at, since_s=t)
            self._seen = replace(self._seen, tried=False)
            self._messages.extend(chosen.policy.rep_closed(t, moment.practice_done, moment.practised))
            if moment.practice_done == PRACTICE_REPS and moment.calibrated is None:
                self._say("page.practice.more")
        elif t - self._at.since_s > SMALL_AFTER_S + chosen.plan.hold_s:
            self._at = replace(self._at, since_s=t)
            self._say_what_is_missing()
        if moment.level is not None and moment.level > TRIED_LEVEL:
            self._seen = replace(self._seen, tried=True, asked=False)
        self._messages.extend(chosen.policy.frame(t, moment.phase, moment.level, {}))

    def _say_what_is_missing(self) -> None:
        """Nothing was counted in the practice for a while: too small, or not begun (which is asked once)."""
        if self._seen.tried:
            self._say("page.practice.small")
        elif not self._seen.asked:
            self._say("page.practice.waiting")
        self._seen = replace(self._seen, tried=False, asked=True)

    def _start_set(self) -> None:
        carried, self._carried = self._carried, None
        self._sets += (carried or SetCount(len(self._sets) + 1),)
        self._event("set_start", set=len(self._sets))

    def _work(self, moment: LiveMoment, chosen: _Chosen) -> None:
        t, policy, plan = moment.time_s, chosen.policy, chosen.plan
        if moment.phase != self._seen.phase:
            self._seen = replace(self._seen, phase=moment.phase, phase_s=t, asked=False)
        if moment.closed is not None:
            now = self._sets[-1].with_rep(moment.closed.times.rep_class)
            self._sets = (*self._sets[:-1], now)
            self._messages.extend(policy.rep_closed(t, now.counted, moment.closed))
            if now.counted >= plan.reps:
                self._end_set("done")
                self._after_set()
                return
        self._messages.extend(policy.frame(t, moment.phase, moment.level, moment.ongoing))
        waited = t - self._seen.phase_s
        if moment.phase == "rest" and waited > GONE_S:
            self._end_set("idle")
            self._after_set()
        elif moment.phase == "rest" and waited > IDLE_S and not self._seen.asked:
            # Asked, not ended: a breather is no reason to lose a set.
            self._seen = replace(self._seen, asked=True)
            self._say("page.work.still")
        elif moment.phase in ("rise", "hold", "lower") and waited > STUCK_S + plan.hold_s:
            self._pause("page.paused.idle")

    def _end_set(self, reason: str) -> None:
        """End the set under way, if there is one."""
        if not self._sets or self.step not in ("setup", "work", "paused"):
            return
        self._event("set_end", set=len(self._sets), reason=reason)
        if self._chosen is not None:
            self._messages.extend(self._chosen.policy.set_ended(self._now.time_s, reason))

    # --- moving on ----------------------------------------------------------------------------------

    def _time_passes(self) -> None:
        now_s = self._now.time_s
        if self._chosen is not None and self.step not in ("practice", "work"):
            # What waits for the voice to be free.
            self._messages.extend(self._chosen.policy.frame(now_s, "rest", None, {}))
        at = self._at
        ends_s = at.rest_s - (now_s - at.since_s)
        ends = self.step in _RESTS and at.rest_s >= LONG_REST_S and 0 < ends_s <= REST_ENDS_S
        if ends and self._rest_told_s != at.since_s:
            self._rest_told_s = at.since_s
            self._say("page.rest.ends")
        over = self.table[self.step].times_out
        if over is not None and now_s - self._at.since_s > over.after_s(self._at):
            over.then(self)

    def _to(
        self, step: Step, *, rest_s: float = 0.0, pain: int | None = None, reason: Reason | None = None
    ) -> None:
        self._at = At(step, self._now.time_s, self.table[step].selected, rest_s, pain, reason)
        self._line = _Line()
        if self._chosen is not None:
            self._chosen.policy.answered()

    def _say(self, key: str, priority: Priority = Priority.PRAISE, /, **values: object) -> None:
        """Hand a sentence to the policy, which alone knows when the voice is free."""
        if self._chosen is None:
            return
        policy, now_s = self._chosen.policy, self._now.time_s
        if priority is Priority.SAFETY:
            said = policy.safety(now_s, key)
        elif priority is Priority.CANNOT_SEE:
            said = policy.cannot_see(now_s, key)
        else:
            said = policy.inform(now_s, key, **values)
        self._messages.extend(said)

    def _event(self, kind: str, **data: object) -> None:
        self._events.append(Event(self._now.time_s, self._now.frame, kind, dict(data)))

    def spoken(self, message: Message) -> None:
        """A message was handed to the voice: it is shown, and stored as said."""
        if isinstance(message, Tone):
            return
        if message.fault is not None:
            self._event("cue", fault=message.fault, text=message.text)
        else:
            self._event("say", key=message.key, text=message.text)
        # These stand on the page anyway.
        if message.key not in ("voice.count", "voice.hold", "page.rest.title"):
            self._line = _Line(message.text, message.fault is not None, self._now.time_s)

    def _standing(self) -> FlowState:
        at, now_s, chosen = self._at, self._now.time_s, self._chosen
        problem = self._seen.problem if at.step == "setup" else None
        return FlowState(
            plan=self.plan,
            consent=self.consent,
            moment=self._now.moment,
            set_index=len(self._sets),
            counted=self._sets[-1].counted if self._sets else 0,
            done=tuple(s.counted for s in self._sets),
            partial=sum(s.partial for s in self._sets),
            void=sum(s.void for s in self._sets),
            pain_before=self._pain.before,
            pain_after=self._pain.after,
            pain_told=at.pain,
            selected=at.selected,
            seconds_left=max(0.0, at.rest_s - (now_s - at.since_s)),
            cue=shown_part(self._line.text, now_s - self._line.at_s, CUE_S),
            cue_is_correction=self._line.correction,
            notice=self._notice,
            stop_reason=at.reason,
            problem=problem,
            instruction=chosen.setup.shown(problem) if chosen is not None and problem is not None else "",
            focus=chosen.policy.focus() if chosen is not None else None,
            view=self._seen.view,
            side=self.plan.side if self.plan is not None else None,
            target=self._seen.target,
            camera=self._seen.camera,
            behind_ms=self._seen.behind_ms,
            held_s=chosen.policy.held_s if chosen is not None else None,
            explaining=chosen is not None and chosen.policy.explaining,
            leaf=self._leaf if at.step == "summary" else 0,
        )

    def _elsewhere(self) -> Elsewhere | None:
        """What is better seen from another place than where the laptop stands."""
        if self.plan is None or self._seen.view is None:
            return None
        return seen_elsewhere(self.plan.definition, self._seen.view)


# --- the table of steps -----------------------------------------------------------------------------


@dataclass(frozen=True)
class TimesOut:
    """How long a step waits for an answer, seconds, and what follows without one."""

    after_s: Callable[[At], float]
    then: Callable[[Any], None]


@dataclass(frozen=True)
class StepEntry:
    """One step.

    Attributes:
        page: makes its page.
        chosen: what a choice on it does.
        selected: number of the choice marked first; -1 where none is, so that Enter alone answers nothing.
        keys: what keys do that are no choices; Esc and H mean the same everywhere.
        times_out: what happens when nobody answers.
        camera: whether the camera is on.
        follows: whether the engine's stage moves it on.
        judged: whether the engine looks at the camera's frames.
    """

    page: Callable[[Any, FlowState], Page]
    chosen: Callable[[Any, str], None] | None = None
    selected: int = 0
    keys: Mapping[str, Callable[[Any], None]] = field(default_factory=dict)
    times_out: TimesOut | None = None
    camera: bool = False
    follows: bool = False
    judged: bool = True


#: Steps that last as long as is prescribed.
_RESTS: tuple[Step, ...] = ("rest", "next")
STOP_KEYS: dict[str, Callable[[Flow], None]] = {"p": Flow._stop_for_pain, "s": Flow._stop_as_asked}
_PAUSE: dict[str, Callable[[Flow], None]] = STOP_KEYS | {"space": Flow._pause}
_READY: dict[str, Callable[[Flow], None]] = STOP_KEYS | {"enter": Flow._enough_told}
_RESUME: dict[str, Callable[[Flow], None]] = STOP_KEYS | {"space": Flow._resume}


def question(then: Callable[[Flow], None]) -> TimesOut:
    """Nobody may be able to reach the keys."""
    return TimesOut(lambda at: QUESTION_S, then)


STEPS: Mapping[Step, StepEntry] = {
    "choose": StepEntry(Pages.choose, Flow._choose),
    # Nothing is recorded by a key pressed in passing.
    "safety": StepEntry(Pages.safety, Flow._agree, selected=2),
    # Nor is anything noted about pain that nobody chose.
    "settled": StepEntry(Pages.settled, Flow._tell_settled, selected=-1),
    "pain_before": StepEntry(Pages.pain_before, Flow._tell_pain_before, selected=-1),
    "advice": StepEntry(Pages.advice, Flow._heed_advice),
    "no_camera": StepEntry(Pages.no_camera, Flow._try_camera),
    "setup": StepEntry(Pages.setup, keys=_READY, camera=True, follows=True),
    "practice": StepEntry(Pages.practice, keys=_READY, camera=True, follows=True),
    "work": StepEntry(Pages.work, keys=_PAUSE, camera=True, follows=True),
    "paused": StepEntry(Pages.paused, Flow._leave_pause, keys=_RESUME, camera=True),
    "pain_after": StepEntry(
        Pages.pain_after,
        Flow._tell_pain_after,
        selected=-1,
        times_out=question(Flow._leave_pain_open),
        camera=True,
    ),
    "caution": StepEntry(Pages.caution, Flow._heed_caution, camera=True),
    "effort": StepEntry(
        Pages.effort,
        Flow._tell_effort,
        selected=-1,
        times_out=question(Flow._leave_effort_open),
        camera=True,
    ),
    "rest": StepEntry(
        Pages.rest,
        Flow._change_rest,
        keys=STOP_KEYS,
        times_out=TimesOut(lambda at: at.rest_s, Flow._end_rest),
        camera=True,
    ),
    "summary": StepEntry(Pages.summary, Flow._close),
    "stopped": StepEntry(Pages.stopped, Flow._close),
    "over": StepEntry(Pages.over),
}
