"""The flow of a live session: which page, which question, when a set begins and ends (spec 6.2, 7.6).

Pure: it is told of frames, keys and trouble, with their times, and gives out pages, messages and events. The
order is choose → safety and consent → settled? → pain → set-up → practice → sets, each followed by pain,
effort and rest → summary. Pain and stop end a set at once, and nothing then asks to go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal

from formcheck.analysis.events import Event
from formcheck.coach.message import Message, Priority, Tone
from formcheck.coach.mouth import Mouth
from formcheck.coach.pages.flow_pages import FlowState, Pages
from formcheck.coach.pages.page import Page
from formcheck.coach.plan import (
    CLIP_END_S,
    CUE_S,
    IDLE_S,
    QUESTION_S,
    SMALL_AFTER_S,
    STUCK_S,
    WITH_CAMERA,
    PastPractice,
    Safety,
    SessionPlan,
    SetCount,
    Step,
)
from formcheck.coach.policy import Policy
from formcheck.coach.setup import SetupCoach
from formcheck.engine.live_engine import PRACTICE_REPS, LiveMoment
from formcheck.engine.position import Problem
from formcheck.exercises.definition import Definition
from formcheck.words import Words


class Flow:
    """One live session's flow.

    Attributes:
        step: where it stands.
        plan: what is being done, once an exercise has been chosen.
        consent: what may be kept, once agreed.

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
        self.step: Step = "choose"
        self.plan: SessionPlan | None = None
        self.consent: Literal["video", "skeleton", "none"] | None = None
        self.ending_s: float | None = None
        self._plan_for = plan_for
        self._pages = Pages(words, choices)
        self._safety = Safety()
        self._history = PastPractice()
        self._messages: deque[Message] = deque()
        self._events: deque[Event] = deque()
        self._policy: Policy | None = None
        self._mouth = Mouth()
        self._setup: SetupCoach | None = None
        self._sets: list[SetCount] = []
        self._selected = 0
        self._since_s = 0.0
        self._now_s = 0.0
        self._frame = -1
        self._moment: LiveMoment | None = None
        self._pain_before: int | None = None
        self._pain_last: int | None = None
        self._before_pause: Step = "work"
        self._rest_s = 0.0
        self._phase_since: tuple[str, float] = ("none", 0.0)
        self._told_set = 0
        self._cue: tuple[str, bool, float] = ("", False, -1e9)
        self._last_problem: Problem | None = None
        self._stop_reason: Literal["pain", "stop"] | None = None
        self._notice = ""
        self._view: str | None = None
        self._light = "fine"
        self._target = 1.0
        if exercise is not None:
            self._choose(exercise)

    # --- what comes out -----------------------------------------------------------------------------

    @property
    def camera_wanted(self) -> bool:
        """The camera is on only while it is needed, never before consent."""
        return self.step in WITH_CAMERA

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
        return self._pages.page(self._standing())

    # --- what comes in ------------------------------------------------------------------------------

    def restart_clock(self) -> None:
        """The camera's first frame is here: the session's clock starts at 0."""
        self._mouth.free_at -= self._now_s
        self._since_s -= self._now_s
        self._cue = (*self._cue[:2], self._cue[2] - self._now_s)
        self._now_s = 0.0

    def frame(self, moment: LiveMoment) -> None:
        """One frame, after the engine dealt with it."""
        self._now_s, self._frame, self._moment = moment.time_s, moment.index, moment
        if self.step in ("setup", "practice", "work"):
            self._follow(moment)
        self._time_passes()

    def tick(self, now_s: float) -> None:
        """Time passes without a frame; an earlier time than the last frame's is ignored."""
        self._now_s = max(self._now_s, now_s)
        self._time_passes()

    def light(self, light: str) -> None:
        """How the picture is lit (``fine``, ``dark``, ``backlit``); told while nobody can be seen."""
        self._light = light

    def camera(self, state: Literal["lost", "back"]) -> None:
        """The camera went, or came back."""
        self._event("camera", state=state)
        self._notice = self.words("page.notice.camera_lost") if state == "lost" else ""
        self._say(f"page.notice.camera_{state}", Priority.CANNOT_SEE)

    def no_camera(self, why: str) -> None:
        """The camera cannot be opened, for this reason; asked to be put right, then tried again."""
        self._notice = why
        self._to("no_camera")

    def trouble(self, key: str) -> None:
        """Something to be told once, e.g. ``disk_full``, ``no_sound``: spoken, shown and stored."""
        text = self.words(f"page.notice.{key}")
        self._event("notice", text=text)
        self._say(f"page.notice.{key}", Priority.CANNOT_SEE)

    def source_ended(self) -> None:
        """The clip that played the camera is over."""
        if self.step in WITH_CAMERA:
            self._end_set("idle")
            self._to("summary")
        self.ending_s = self._now_s + CLIP_END_S

    def press(self, key: str) -> None:
        """A key, by name (``enter``, ``esc``, ``space``, ``left`` …, ``0`` …, ``p``, ``s``)."""
        if self.step == "over":
            return
        if key in ("p", "s", "h", "esc", "space") and self._press_anywhere(key):
            return
        page = self.page()
        if not page.choices:
            return
        if key in ("left", "up"):
            self._selected = (page.selected - 1) % len(page.choices)
        elif key in ("right", "down"):
            self._selected = (page.selected + 1) % len(page.choices)
        elif key == "enter":
            self.choose(page.choices[page.selected].id)
        else:
            for choice in page.choices:
                if (choice.key or "").lower() == key:
                    self.choose(choice.id)
                    return

    def choose(self, choice: str) -> None:
        """Something was chosen, by key or mouse."""
        handler = getattr(self, f"_chosen_{self.step}", None)
        if handler is not None and any(c.id == choice for c in self.page().choices):
            handler(choice)

    # --- keys that work on several pages ------------------------------------------------------------

    def _press_anywhere(self, key: str) -> bool:
        exercising = self.step in ("setup", "practice", "work")
        if key == "p" and (exercising or self.step in ("paused", "rest")):
            self._stop("pain")
        elif key == "s" and (exercising or self.step in ("paused", "rest")):
            self._stop("stop")
        elif key == "h" and self._policy is not None:
            self._messages.extend(self._policy.ask(self._now_s))
        elif key == "space" and self.step == "work":
            self._pause()
        elif key == "space" and self.step == "paused":
            self._resume()
        elif key == "esc":
            if self.step in WITH_CAMERA:
                self._stop("stop")
            else:
                self._to("over")
        else:
            return False
        return True

    def _stop(self, reason: Literal["pain", "stop"]) -> None:
        """End at once; nothing encourages going on (spec 7.6)."""
        self._stop_reason = reason
        self._end_set(reason)
        self._event("stop", reason=reason)
        self._to("stopped")
        if self._policy is not None:
            self._messages.extend(self._policy.stopped(self._now_s, reason))

    def _pause(self, spoken: str | None = None) -> None:
        self._before_pause = self.step
        self._event("pause")
        self._to("paused")
        if self._policy is not None:
            self._messages.extend(self._policy.paused(self._now_s))
        if spoken is not None:
            self._say(spoken, Priority.CANNOT_SEE)

    def _resume(self) -> None:
        self._event("resume")
        if self._policy is not None:
            self._messages.extend(self._policy.resumed(self._now_s))
        self._to("setup")

    # --- choices, page by page ----------------------------------------------------------------------

    def _chosen_choose(self, choice: str) -> None:
        self._choose(choice)

    def _choose(self, exercise: str) -> None:
        self.plan, self._history = self._plan_for(exercise)
        self._policy = Policy(
            self.plan.definition,
            self.words,
            sets=self.plan.sets,
            reps=self.plan.reps,
            focus_fault=self.plan.focus_fault,
            session_number=self._history.sessions + 1,
            mouth=self._mouth,
        )
        self._setup = SetupCoach(self.plan.definition, self.words, self._mouth)
        self._to("safety")

    def _chosen_safety(self, choice: str) -> None:
        if choice == "leave":
            self._to("over")
            return
        self.consent = {"agree_video": "video", "agree_skeleton": "skeleton"}.get(choice, "none")  # type: ignore[assignment]
        self._event("consent", recording=self.consent)
        if self._history.had_pain:
            self._to("settled")
            self._say("page.settled.question")
        else:
            self._ask_pain_before()

    def _chosen_settled(self, choice: str) -> None:
        self._event("settled", answer=choice == "yes")
        if choice == "no":
            self._say("page.settled.advice_no", Priority.SAFETY)
        self._ask_pain_before()

    def _ask_pain_before(self) -> None:
        self._to("pain_before")
        self._say("page.pain.question_before")

    def _chosen_pain_before(self, choice: str) -> None:
        value = int(choice)
        if value >= self._safety.stop:
            # Kept back: a wrong key can still be put right.
            self._pain_last = value
            self._to("advice")
            self._say("page.pain.advice_high_before", value=value)
            return
        self._pain_before = value
        self._hurts(value)
        self._event("pain", value=value, set=0)
        self._to("setup")

    def _hurts(self, value: int) -> None:
        self._pain_last = value
        if self._policy is not None:
            self._policy.pain = value

    def _chosen_advice(self, choice: str) -> None:
        if choice == "again":
            self._to("pain_before")
            return
        self._event("pain", value=self._pain_last, set=0)
        self._event("stop", reason="pain")
        self._stop_reason = "pain"
        self._to("stopped")

    def _chosen_paused(self, choice: str) -> None:
        if choice == "continue":
            self._resume()
        elif choice == "end_set":
            self._end_set("key")
            self._ask_pain_after()
        else:
            self._stop("stop")

    def _chosen_pain_after(self, choice: str) -> None:
        value = int(choice)
        self._hurts(value)
        self._event("pain", value=value, set=len(self._sets))
        if self._safety.must_stop(self._pain_before, value):
            self._stop_reason = "pain"
            self._event("stop", reason="pain")
            self._to("stopped")
            self._say("page.pain.advice_stop", Priority.SAFETY)
        elif value >= self._safety.caution:
            self._to("caution")
            self._say("page.pain.advice_caution", Priority.SAFETY)
        else:
            self._ask_effort()

    def _chosen_caution(self, choice: str) -> None:
        if choice == "stop_today":
            self._stop("stop")
        else:
            self._ask_effort(longer=choice == "rest_more")

    def _ask_pain_after(self) -> None:
        self._to("pain_after")
        self._say("page.pain.question_after")

    def _ask_effort(self, longer: bool = False) -> None:
        assert self.plan is not None
        self._rest_s = self.plan.rest_s * (2 if longer else 1)
        self._to("effort")
        self._say("page.effort.question")

    def _chosen_effort(self, choice: str) -> None:
        self._event("effort", value=float(choice), set=len(self._sets))
        self._after_effort()

    def _after_effort(self) -> None:
        assert self.plan is not None
        if len(self._sets) >= self.plan.sets:
            self._to("summary")
        else:
            self._to("rest")
            self._say("page.rest.title")

    def _chosen_rest(self, choice: str) -> None:
        if choice == "skip":
            self._start_set("setup")
        elif choice == "longer":
            self._rest_s += 30.0
        else:
            self._stop("stop")

    def _chosen_no_camera(self, choice: str) -> None:
        self._notice = ""
        self._to("setup" if choice == "retry" else "over")

    def _chosen_summary(self, choice: str) -> None:
        self._to("over")

    _chosen_stopped = _chosen_summary

    # --- exercising ---------------------------------------------------------------------------------

    def _follow(self, moment: LiveMoment) -> None:
        """Set-up, practice and sets follow the engine's stage."""
        if moment.stage in ("setup", "still"):
            if self.step != "setup":
                self._to("setup")
            # In the dark nobody is seen: what to change is the light.
            problem = moment.problem
            advice = Problem(self._light, advice=True) if self._light != "fine" else None
            if problem is not None and problem.id == "nobody" and advice is not None:
                problem = advice
            if problem != self._last_problem:
                self._event("setup", problem=problem.id if problem is not None else None)
            self._last_problem = problem
            assert self._setup is not None
            self._messages.extend(self._setup.update(moment.time_s, moment.problem, advice))
        if moment.baseline is not None:
            ref = moment.baseline
            self._view = ref.view
            self._event("baseline", view=ref.view, side=ref.side, yaw_deg=round(ref.yaw_deg, 1))
        if moment.calibrated is not None:
            self._event("calibrated", range=round(moment.calibrated, 4))
            asked = self.plan.definition.target_range if self.plan is not None else None
            self._target = asked / moment.calibrated if asked is not None else 1.0
        if moment.stage == "practice":
            self._practise(moment)
        elif moment.stage == "ready" and self.step in ("setup", "practice"):
            self._start_set()
        elif moment.stage == "work":
            if self.step != "work":
                self._to("work")
                if self._policy is not None and self._told_set != len(self._sets):
                    self._told_set = len(self._sets)
                    self._messages.extend(self._policy.set_started(moment.time_s, self._told_set))
                    self._say("page.work.begin", set=self._told_set)
            self._work(moment)

    def _practise(self, moment: LiveMoment) -> None:
        assert self._policy is not None
        t = moment.time_s
        if self.step != "practice":
            self._to("practice")
            self._messages.extend(self._policy.set_started(t, 0))
            self._say("page.setup.ready")
            self._say("page.practice.line")
        if moment.practised is not None:
            self._since_s = t
            self._messages.extend(self._policy.rep_closed(t, moment.practice_done, moment.practised))
            if moment.practice_done == PRACTICE_REPS and moment.calibrated is None:
                self._say("page.practice.more")
        elif self.plan is not None and t - self._since_s > SMALL_AFTER_S + self.plan.hold_s:
            self._since_s = t
            self._say("page.practice.small")
        self._messages.extend(self._policy.frame(t, moment.phase, moment.level, {}))

    def _start_set(self, step: Step | None = None) -> None:
        self._sets.append(SetCount(len(self._sets) + 1))
        self._event("set_start", set=len(self._sets))
        if step is not None:
            self._to(step)

    def _work(self, moment: LiveMoment) -> None:
        assert self._policy is not None
        assert self.plan is not None
        t = moment.time_s
        if moment.phase != self._phase_since[0]:
            self._phase_since = (moment.phase, t)
        now = self._sets[-1]
        if moment.closed is not None:
            now.add(moment.closed.times.rep_class)
            self._messages.extend(self._policy.rep_closed(t, now.counted, moment.closed))
            if now.counted >= self.plan.reps:
                self._end_set("done")
                self._ask_pain_after()
                return
        self._messages.extend(self._policy.frame(t, moment.phase, moment.level, moment.ongoing))
        waited = t - self._phase_since[1]
        if moment.phase == "rest" and waited > IDLE_S:
            self._end_set("idle")
            self._ask_pain_after()
        elif moment.phase in ("rise", "hold", "lower") and waited > STUCK_S + self.plan.hold_s:
            self._pause("page.paused.idle")

    def _end_set(self, reason: str) -> None:
        """End the set under way, if there is one."""
        open_set = self._sets and self.step in ("setup", "work", "paused")
        if not open_set:
            return
        self._event("set_end", set=len(self._sets), reason=reason)
        if self._policy is not None:
            self._messages.extend(self._policy.set_ended(self._now_s, reason))

    # --- moving on ----------------------------------------------------------------------------------

    def _time_passes(self) -> None:
        waited = self._now_s - self._since_s
        if self._policy is not None and self.step not in ("practice", "work"):
            # What waits for the voice to be free.
            self._messages.extend(self._policy.frame(self._now_s, "rest", None, {}))
        if self.step == "pain_after" and waited > QUESTION_S:
            self._event("pain", value=None, set=len(self._sets))
            self._ask_effort()
        elif self.step == "effort" and waited > QUESTION_S:
            self._event("effort", value=None, set=len(self._sets))
            self._after_effort()
        elif self.step == "rest" and waited > self._rest_s:
            self._start_set("setup")

    def _to(self, step: Step) -> None:
        self.step = step
        if self._policy is not None:
            self._policy.answered()
        # Nothing is recorded by a key pressed in passing.
        self._selected = 2 if step == "safety" else 0
        self._cue = ("", False, -1e9)
        self._since_s = self._now_s

    def _say(self, key: str, priority: Priority = Priority.PRAISE, **values: object) -> None:
        """Hand a sentence to the policy, which alone knows when the voice is free."""
        if self._policy is None:
            return
        if priority is Priority.SAFETY:
            said = self._policy.safety(self._now_s, key)
        elif priority is Priority.CANNOT_SEE:
            said = self._policy.cannot_see(self._now_s, key)
        else:
            said = self._policy.inform(self._now_s, key, **values)
        self._messages.extend(said)

    def _event(self, kind: str, **data: object) -> None:
        self._events.append(Event(self._now_s, self._frame, kind, dict(data)))

    def spoken(self, message: Message) -> None:
        """A message was handed to the voice: it is shown, and stored as said."""
        if isinstance(message, Tone):
            return
        if message.fault is not None:
            self._event("cue", fault=message.fault, text=message.text)
        else:
            self._event("say", key=message.key, text=message.text)
        if message.key not in ("voice.count", "page.rest.title"):  # these stand on the page anyway
            self._cue = (message.text, message.fault is not None, self._now_s)

    def _standing(self) -> FlowState:
        problem = self._last_problem if self.step == "setup" else None
        text, correction, at_s = self._cue
        fresh = self._now_s - at_s < CUE_S
        now = self._sets[-1] if self._sets else None
        return FlowState(
            step=self.step,
            plan=self.plan,
            consent=self.consent,
            moment=self._moment,
            set_index=len(self._sets),
            counted=now.counted if now is not None else 0,
            done=tuple(s.counted for s in self._sets),
            partial=sum(s.partial for s in self._sets),
            void=sum(s.void for s in self._sets),
            pain_before=self._pain_before,
            pain_last=self._pain_last,
            selected=self._selected,
            seconds_left=max(0.0, self._rest_s - (self._now_s - self._since_s)),
            cue=text if fresh else "",
            cue_is_correction=correction,
            notice=self._notice,
            stop_reason=self._stop_reason,
            problem=problem,
            instruction=self._setup.shown(problem) if self._setup is not None and problem is not None else "",
            focus=self._policy.focus() if self._policy is not None else None,
            view=self._view,
            side=self.plan.side if self.plan is not None else None,
            target=self._target,
        )
