"""`Policy`: what the coach says and when, in one exercise (spec 7.2 to 7.4, 7.6).

Everything it knows comes in by calls with the frames' own times, everything it gives out is a list of
messages; the same calls always give the same messages. In one frame call `rep_closed` (if a repetition
closed) before `frame`.

What is due waits in a short list, each entry with when it may be said and until when it is worth saying;
whenever the voice is free, the first by priority is spoken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from formcheck.coach.history import SetHistory
from formcheck.coach.message import Message, Priority, Say, Tone
from formcheck.coach.mouth import Mouth, spoken_s
from formcheck.engine.ongoing import Ongoing
from formcheck.engine.repetition import COUNTED
from formcheck.engine.tracker import RepResult
from formcheck.exercises.definition import Definition
from formcheck.words import Words

_FOREVER = float("inf")
_ANY = frozenset({"rest", "rise", "hold", "lower", "lost"})
_AT_REST = frozenset({"rest"})
#: Praise fills silence, but not among the ticks of a hold.
_QUIET = frozenset({"rest", "rise"})
#: The number is said before everything that is said about the repetition.
_COUNT_RANK = Priority.CANNOT_SEE + 0.5
_IN_HOLD = frozenset({"hold"})
_TICK_S = 1.0
#: A hold prescribed to last so long is counted aloud; each second of it, or where it is long every fifth [D].
_COUNTED_HOLD_S = 3.0
_LONG_HOLD_S, _LONG_STEP = 10.0, 5
#: Sentences on what is done next, where, and how; and those that still help who is in position.
_NEXT = ("show.", "programme.next.", "page.setup.hands_free")
_HOW = ("show.", "programme.next.hold")
#: What is explained or announced: nobody needs it who is doing it already, and a number cuts it off.
_EXPLAINS = ("show.", "programme.", "page.", "phone.place")
_NOT_HOLDING = _ANY - {"hold"}


@dataclass(frozen=True)
class _Due:
    """A sentence that waits for its moment: in these phases, and not after `until`."""

    say: Say
    until: float
    phases: frozenset[str] = _ANY
    order: int = 0
    asked: bool = False  # by the patient: no gap to keep
    rise_until: float = -_FOREVER  # also in a rise that has begun meanwhile, until then

    @property
    def rank(self) -> float:
        """The lowest is said first."""
        return _COUNT_RANK if self.say.key == "voice.count" else self.say.priority


class Policy:
    """Decides what is said during the sets of one exercise.

    Args:
        definition: the exercise, its text in the patient's language.
        words: the other sentences.
        sets, reps: as prescribed.
        focus_fault: the physio's choice, first within its level.
        session_number: 1 more than the sessions of this exercise that went well before (`went_well`).
        pain: 0 to 10, as said last; from 4 on nothing that asks for more is said.
        mouth: the voice, if something else speaks too; else one of its own.
        spoken_s: how long a text takes to speak, seconds (for a mouth of its own).
    """

    def __init__(
        self,
        definition: Definition,
        words: Words,
        *,
        sets: int = 3,
        reps: int = 10,
        focus_fault: str | None = None,
        session_number: int = 1,
        pain: int = 0,
        mouth: Mouth | None = None,
        spoken_s: Callable[[str], float] = spoken_s,
    ) -> None:
        self._definition = definition
        self._rules = definition.feedback
        self._words = words
        self._sets, self._reps = sets, reps
        self._focus_fault = focus_fault
        self._session = session_number
        self._stage = 1  # of the fading within a session: one more after each set that went well
        self._mouth = mouth if mouth is not None else Mouth(spoken_s)
        self.pain = pain
        self._due: list[_Due] = []
        self._order = 0
        self._phase = "rest"
        self._entered_s = 0.0
        self._now_s = 0.0
        self._asked_hold_s = definition.tempo.hold_s or 0.0
        self._lost_since: float | None = None
        self._paused = False
        self._over = True  # between sets, and after "stop"
        self._last_summary = ""
        self._cue_ended_s = float("-inf")
        self._focus: str | None = None
        #: Faults that the view shows too roughly to speak of.
        self.rough: frozenset[str] = frozenset()
        self._start(0)

    def _start(self, set_index: int) -> None:
        self._set = set_index
        self._held_from_s = self._tick_s = 0.0  # of the latest hold, and when its next second is told
        self._held_to_end = False
        self._history = SetHistory(self._definition, self._focus_fault)
        self._done = 0
        self._cued: dict[str, int] = {}  # fault: how often in this set
        self._cued_at: dict[str, int] = {}  # fault: number of the repetition it was last said about
        self._last_cue_rep = 0
        self._tied: tuple[str, int] | None = None  # cued fault, and the repetition that will show the change
        self._praised: dict[str, int] = {}
        self._last_praise_rep = 0
        self._rising = False

    # --- what comes in ----------------------------------------------------------------------------

    def set_started(self, t: float, set_index: int) -> list[Message]:
        """A set begins: 1 for the first; 0 for the practice repetitions, which are only counted."""
        # What was left of the rest goes, but not a notice of trouble, nor how it is practised.
        self._due = [
            due
            for due in self._due
            if due.say.priority <= Priority.CANNOT_SEE or (set_index == 0 and due.say.key.startswith(_HOW))
        ]
        self._start(set_index)
        self._over = self._paused = False
        self._phase, self._entered_s = "rest", t
        return self._speak(t)

    def set_ended(self, t: float, reason: str = "done") -> list[Message]:
        """A set is over: one sentence with the repetitions done, one thing good, at most one focus.

        Args:
            t: time.
            reason: "done", "idle" or "key"; after "pain" or "stop" nothing is summed up or praised.
        """
        self._due.clear()
        self._over = True
        self._phase = "rest"
        self._last_summary = ""
        if self._set > 0 and reason not in ("pain", "stop"):
            self._focus = self._allowed_focus()
            self._stage += self._history.went_well()
            self._last_summary = self._summary()
            self._add(self._last_summary, "voice.summary", Priority.PRAISE)
        return self._speak(t)

    def frame(
        self, t: float, phase: str, level: float | None, ongoing: Mapping[str, Ongoing]
    ) -> list[Message]:
        """One frame.

        Args:
            t: its time, seconds.
            phase: of the tracker: ``rest``, ``rise``, ``hold``, ``lower`` or ``lost``.
            level: of the signal, 0 at rest, 1 at the own range; None where not measurable.
            ongoing: faults under way in trusted measures right now.
        """
        if self._paused:
            return self._speak(t)
        tones = self._see(t, phase)
        if self._set > 0 and not self._over and phase == "hold":
            self._speak_up_in_hold(t, ongoing)
        return [*tones, *self._speak(t)]

    def rep_closed(self, t: float, index: int, rep: RepResult) -> list[Message]:
        """A repetition closed.

        Args:
            t: time.
            index: repetitions done in this set, as shown on the screen; one that does not count (void,
                aborted) leaves it where it was.
            rep: the repetition with its faults.
        """
        self._rising = False
        if self._over or self._paused or rep.times.rep_class not in COUNTED:
            return self._speak(t)
        if self._phase != "lost":
            # With an incomplete return the next repetition is under way already.
            self._phase, self._entered_s = "rise" if rep.times.incomplete_return else "rest", t
        self._done = index
        # What was to be said about the repetition before is too late now.
        self._due = [due for due in self._due if due.asked or due.say.priority <= Priority.CANNOT_SEE]
        self._add(
            self._words("voice.count", n=index),
            "voice.count",
            Priority.PRAISE,
            until=t + self._rules.count_stale_s,
        )
        if self._set > 0:
            self._history.add(rep.checks, full=rep.times.rep_class == "full")
            # After the last repetition the summary says it: there is none left to change.
            if index < self._reps and not self._correct(t):
                self._praise(t)
        return self._speak(t, at_lower_end=True)

    def lost(self, t: float) -> list[Message]:
        """Nobody could be seen for half a second (as `frame` with the phase ``lost``)."""
        return self.frame(t, "lost", None, {})

    def found(self, t: float) -> list[Message]:
        """Somebody can be seen again; the phase comes with the next frame."""
        self._lost_since = None
        self._due = [due for due in self._due if due.say.key != "voice.lost"]
        return self._speak(t)

    def paused(self, t: float) -> list[Message]:
        """The patient paused: the tone at once, nothing that waited is said later."""
        if self._paused:
            return []
        self._due.clear()
        self._paused = True
        self._add(self._words("voice.paused"), "voice.paused", Priority.CANNOT_SEE)
        return [Tone("paused"), *self._speak(t)]

    def resumed(self, t: float) -> list[Message]:
        """The patient goes on."""
        if not self._paused:
            return []
        self._paused = False
        self._phase, self._entered_s, self._lost_since, self._rising = "rest", t, None, False
        self._due.clear()
        self._add(self._words("voice.resumed"), "voice.resumed", Priority.CANNOT_SEE)
        return self._speak(t)

    def stopped(self, t: float, reason: str = "stop") -> list[Message]:
        """Stop, for ``"pain"`` or as asked (``"stop"``): cuts in at once; nothing else until a new set."""
        self._over = True
        return self.safety(t, f"voice.stopped.{reason}")

    def safety(self, t: float, key: str) -> list[Message]:
        """A sentence of safety, by its key: interrupts whatever is being said, and clears what waited."""
        self._due.clear()
        say = Say(self._words(key), key, Priority.SAFETY, interrupt=True)
        self._mouth.speak(t, say)
        return [say]

    def cannot_see(self, t: float, key: str) -> list[Message]:
        """Trouble with what the camera sees (P1), by its key: said once the current phase is over."""
        later = _ANY - {self._phase} if self._moving() else _ANY
        self._add(self._words(key), key, Priority.CANNOT_SEE, phases=later)
        return self._speak(t)

    def inform(self, t: float, key: str, **values: object) -> list[Message]:
        """Any other sentence of the session, by its key: said as soon as nothing more important is."""
        phases = _NOT_HOLDING if key.startswith(_EXPLAINS) else _ANY
        self._add(self._words(key, **values), key, Priority.PRAISE, phases=phases)
        return self._speak(t)

    def answered(self) -> None:
        """Questions that still wait for the voice are not asked any more: the page has moved on."""
        self._due = [due for due in self._due if ".question" not in due.say.key]

    def forget(self, beginning: str) -> None:
        """Sentences whose keys begin so, and that still wait for the voice, are not said any more."""
        self._due = [due for due in self._due if not due.say.key.startswith(beginning)]

    @property
    def explaining(self) -> bool:
        """Whether something is still being told, or waits to be, of what is done next and how."""
        saying = self._mouth.saying
        now = saying is not None and not self._mouth.free(self._now_s) and saying.key.startswith(_NEXT)
        return now or any(due.say.key.startswith(_NEXT) for due in self._due)

    def skip_explanation(self, t: float) -> list[Message]:
        """Enough has been told of what is done next and how: it is cut off, and that is said."""
        if not self.explaining:
            return []
        saying = self._mouth.saying
        cut = saying is not None and not self._mouth.free(t) and saying.key.startswith(_NEXT)
        self._due = [due for due in self._due if not due.say.key.startswith(_NEXT)]
        say = Say(self._words("voice.skipped"), "voice.skipped", Priority.PRAISE, interrupt=cut)
        return [say] if self._mouth.speak(t, say) else []

    def tell_on(self, before: Policy) -> None:
        """Take over what still waits there to be told of what is done next, and how; it is said first."""
        self._order = before._order
        self._due += [due for due in before._due if due.say.key.startswith(_NEXT)]

    def ask(self, t: float) -> list[Message]:
        """Answer "how was that?": the state of the last repetitions; between sets, the summary again.

        The patient asked, so neither the gap nor the fading applies; a cue given so counts as given.
        """
        if self._over and self._last_summary:
            self._add(self._last_summary, "voice.summary", Priority.PRAISE)
        if self._paused or self._over:
            return self._speak(t)
        text, key, fault = self._answer()
        self._due = [due for due in self._due if due.say.fault is None and not due.asked]
        priority = Priority.PRAISE if fault is None else self._history.level(fault)
        self._add(text, key, priority, t + self._rules.praise_stale_s, fault=fault, asked=True)
        return self._speak(t)

    def to_show(self, t: float, ongoing: Mapping[str, Ongoing]) -> dict[str, Ongoing]:
        """Of the faults under way those that may be marked on the screen: the rule is that for speaking."""
        if self._set == 0 or self._over or self._paused:
            return {}
        rules, history = self._rules, self._history
        known = set(history.candidates()) | ({self._tied[0]} if self._tied is not None else set())
        return {
            fault: now
            for fault, now in ongoing.items()
            if self._definition.faults[fault].cue
            and now.grade >= rules.speak_grade
            and now.sure >= rules.sure_least
            and (fault in known or history.marked(now.grade, t - now.since_s, now.sure))
        }

    def focus(self) -> str | None:
        """Fault to work on, as named in the summary of the last set; None if there was none."""
        return self._focus

    # --- tones and what is seen -------------------------------------------------------------------

    def _moving(self) -> bool:
        return self._phase in ("rise", "hold", "lower")

    def _see(self, t: float, phase: str) -> list[Message]:
        tones: list[Message] = []
        before = self._phase
        self._now_s = t
        if self._over:
            # Between sets people walk about.
            self._phase, self._lost_since = phase, None
            return tones
        if phase == "lost":
            if self._lost_since is None:
                # The tracker says "lost" only after the person has been out of sight for a while.
                self._lost_since = t - self._definition.counting.lost_after_s
                tones.append(Tone("lost"))
                wait = max(self._rules.lost_spoken_s - self._definition.counting.lost_after_s, 0.0)
                self._lost_speak_s: float = t + wait
            if t >= self._lost_speak_s - 1e-6:
                self._add(self._words("voice.lost"), "voice.lost", Priority.CANNOT_SEE)
                self._lost_speak_s = _FOREVER
        elif self._lost_since is not None:
            self.found(t)
        if phase != before:
            self._phase, self._entered_s = phase, t
        if phase in ("rise", "hold") and not self._rising:
            self._rising = True
            tones.append(Tone("up"))
        if phase == "hold":
            if before != "hold":
                self._held_from_s = self._tick_s = t
                self._held_to_end = False
            tones += self._count_hold(t)
        if phase == "lower" and before in ("rise", "hold"):
            tones.append(Tone("down"))
        if phase == "rest":
            self._rising = False
        return tones

    @property
    def held_s(self) -> int | None:
        """Whole seconds of a hold that is counted aloud, while it lasts."""
        if self._phase != "hold" or self._asked_hold_s < _COUNTED_HOLD_S:
            return None
        return int(self._now_s - self._held_from_s + 1e-3)

    def _count_hold(self, t: float) -> list[Message]:
        """A tick each second; of a hold that is prescribed the seconds, a bell at its end, then nothing."""
        held_s, asked_s = t - self._held_from_s, self._asked_hold_s
        if self._held_to_end:
            return []
        if asked_s and held_s >= asked_s - 1e-3:
            self._held_to_end = True
            return [Tone("held")]
        if t < self._tick_s - 1e-3:
            return []
        self._tick_s += _TICK_S
        number = round(held_s)
        step = _LONG_STEP if asked_s > _LONG_HOLD_S else 1
        if number and asked_s >= _COUNTED_HOLD_S and number % step == 0:
            explained = self._mouth.saying is not None and self._mouth.saying.key.startswith(_EXPLAINS)
            cut = explained and not self._mouth.free(t)
            say = Say(self._words("voice.hold", n=number), "voice.hold", Priority.PRAISE, interrupt=cut)
            if self._mouth.speak(t, say):
                return [say]
        return [Tone("hold")]

    # --- corrective cues --------------------------------------------------------------------------

    def _reps_per_cue(self, marked: bool) -> int:
        """One cue in so many repetitions, 0 for none before the summary.

        Cues fade with the sets and sessions that went well, not with those that merely passed.
        """
        rules = self._rules
        by_set = rules.reps_per_cue[min(self._stage, len(rules.reps_per_cue)) - 1]
        if by_set == 0 or (self._session >= rules.summary_from_session and not marked):
            return 0
        if self._session >= rules.practised_from_session:
            return max(by_set, rules.practised_reps_per_cue)
        return by_set

    def _may_cue(self, fault: str, rep: int, marked: bool) -> bool:
        """May this fault's cue be said about repetition number `rep` of the set?"""
        rules = self._rules
        every = self._reps_per_cue(marked)
        if rep < 2 or every == 0 or rep - self._last_cue_rep < every:
            return False
        if fault in self._cued_at and rep - self._cued_at[fault] < rules.same_cue_reps:
            return False
        if self.pain >= rules.no_pushing_from_pain and fault in rules.pushing:
            return False
        return self._cued.get(fault, 0) < rules.max_same_cue_per_set

    def _correct(self, t: float) -> bool:
        """After a repetition: put the one cue that matters on the list."""
        for fault in self._to_speak_of():
            last = self._history.last(fault)
            marked = last is not None and self._history.marked(last.grade, last.held_s, last.sure)
            if self._may_cue(fault, self._history.reps, marked):
                # The number comes first, and may take what little rest there is.
                self._add_cue(fault, _FOREVER, _AT_REST, rise_until=t + self._rules.count_stale_s)
                return True
        return False

    def _to_speak_of(self) -> list[str]:
        return [fault for fault in self._history.candidates() if fault not in self.rough]

    def _speak_up_in_hold(self, t: float, ongoing: Mapping[str, Ongoing]) -> None:
        """A marked fault of pelvis or trunk is said at the start of the hold already (spec 7.2)."""
        if t - self._entered_s > self._rules.hold_start_s:
            return
        rep = self._history.reps + 1
        ready = [
            fault
            for fault, now in ongoing.items()
            if self._definition.faults[fault].cue
            and self._history.level(fault) == Priority.PELVIS_TRUNK
            and self._history.marked(now.grade, t - now.since_s, now.sure)
            and self._may_cue(fault, rep, marked=True)
            and self._history.judged(fault, rep - 1)  # a full repetition lies between
        ]
        if ready and not any(due.phases == _IN_HOLD for due in self._due):
            best = min(ready, key=lambda f: (f != self._focus_fault, -self._history.frequency(f)))
            self._add_cue(best, self._entered_s + self._rules.hold_start_s, _IN_HOLD)

    def _add_cue(
        self, fault: str, until: float, phases: frozenset[str], rise_until: float = -_FOREVER
    ) -> None:
        text = self._definition.faults[fault].cue or ""
        level = self._history.level(fault)
        self._add(text, f"fault.{fault}", level, until, phases, fault, rise_until=rise_until)

    def _was_cued(self, fault: str, *, about: int) -> None:
        """Book-keeping once a cue is really being spoken."""
        self._due = [due for due in self._due if due.say.fault is None]
        self._cue_ended_s = self._mouth.free_at
        self._cued[fault] = self._cued.get(fault, 0) + 1
        self._cued_at[fault] = self._last_cue_rep = about
        # A full repetition must follow it before its fault is judged again.
        first_full = self._history.reps + (2 if self._moving() else 1)
        self._history.judge_from(fault, first_full)
        self._tied = (fault, first_full)

    # --- praise, summary, answers -----------------------------------------------------------------

    def _praise(self, t: float) -> None:
        """After a repetition without a cue: "That's it" for a change made, else something specific."""
        history, rules = self._history, self._rules
        until = t + rules.praise_stale_s
        if self._tied is not None and history.reps >= self._tied[1]:
            fault, self._tied = self._tied[0], None
            seen = history.last(fault)
            if seen is not None and seen.grade < rules.speak_grade and not history.too_small():
                self._add(self._words("voice.changed"), "voice.changed", Priority.PRAISE, until, _QUIET)
                return
            if seen is not None:  # no change, or too small to show one: the next one may
                self._tied = (fault, history.reps + 1)
                return
        if self._reps_per_cue(marked=False) == 0:
            return  # only counts until the summary
        if history.in_streak():
            return  # praise for one thing would hide what keeps going wrong with another
        owed = sum(self._praised.values()) < sum(self._cued.values())
        if not owed and history.reps - self._last_praise_rep < rules.praise_every_reps:
            return
        true = history.praises()
        if true:
            key = min(true, key=lambda k: (self._praised.get(k, 0), true.index(k)))
            name = f"voice.praise.{key}"
            self._add(self._words(name), name, Priority.PRAISE, until, _QUIET)

    def _was_praised(self, key: str) -> None:
        self._praised[key] = self._praised.get(key, 0) + 1
        self._last_praise_rep = self._history.reps

    def _allowed_focus(self) -> str | None:
        fault = self._history.set_focus()
        hurts = self.pain >= self._rules.no_pushing_from_pain
        may = fault is not None and fault not in self.rough and not (hurts and fault in self._rules.pushing)
        return fault if may else None

    def _summary(self) -> str:
        """Repetitions done, one thing good, at most one focus; nothing that was not seen."""
        words = self._words
        if self._done == 0:
            return words("voice.summary.none")
        parts = [words(f"voice.summary.{'one' if self._done == 1 else 'reps'}", n=self._done)]
        good = self._history.praises(whole_set=True)
        if good:
            # The focus fault's praise is first; else another one each set.
            first = self._focus_fault in self._history.praise_faults(good[0])
            key = good[0] if first else good[(self._set - 1) % len(good)]
            parts.append(words(f"voice.praise.{key}") + ".")
        elif self._done >= self._reps:
            parts.append(words("voice.summary.all_done"))
        if self._focus is not None:
            when = "last" if self._set >= self._sets else "next"
            cue = self._definition.faults[self._focus].cue
            parts.append(words(f"voice.summary.{when}", cue=cue))
            if self._cued.get(self._focus, 0) >= self._rules.max_same_cue_per_set:
                # Said often enough without a change: it may be too much, so something easier is offered.
                parts.append(words(f"voice.easier.{self._definition.faults[self._focus].level}"))
        return " ".join(parts)

    def _answer(self) -> tuple[str, str, str | None]:
        """Text, key and fault of the answer to "how was that?"."""
        words, history = self._words, self._history
        if self._set == 0 or history.reps == 0:
            return words("voice.ask.early"), "voice.ask.early", None
        hurts = self.pain >= self._rules.no_pushing_from_pain
        worst = self._to_speak_of()[:1] if history.reps >= 2 else []
        for fault in worst:
            cue = self._definition.faults[fault]
            often = self._cued.get(fault, 0) >= self._rules.max_same_cue_per_set
            if often or (hurts and fault in self._rules.pushing):
                return words(f"voice.easier.{cue.level}"), f"voice.easier.{cue.level}", None
            return cue.cue or "", f"fault.{fault}", fault
        if not history.anything_checked():
            return words("voice.ask.unseen"), "voice.ask.unseen", None
        if history.anything_wrong():
            return words("voice.ask.unsure"), "voice.ask.unsure", None
        for key in history.praises():
            return words(f"voice.praise.{key}"), f"voice.praise.{key}", None
        return words("voice.ask.fine"), "voice.ask.fine", None

    # --- the list of what is due ------------------------------------------------------------------

    def _add(
        self,
        text: str,
        key: str,
        priority: Priority,
        until: float = _FOREVER,
        phases: frozenset[str] = _ANY,
        fault: str | None = None,
        *,
        asked: bool = False,
        rise_until: float = -_FOREVER,
    ) -> None:
        self._order += 1
        say = Say(text, key, priority, fault=fault)
        self._due.append(_Due(say, until, phases, self._order, asked, rise_until))

    def _speak(self, t: float, *, at_lower_end: bool = False) -> list[Message]:
        """The most important sentence that may be said now, if the voice is free."""
        self._due = [due for due in self._due if t <= due.until + 1e-6]
        if not self._mouth.free(t):
            return self._cut_in(t)
        gap = t - self._cue_ended_s >= self._rules.min_gap_s - 1e-6
        ready = [
            due
            for due in self._due
            if (
                self._phase in due.phases
                or (at_lower_end and "rest" in due.phases)
                or (self._phase == "rise" and t <= due.rise_until)
            )
            and (due.say.fault is None or gap or due.asked)
        ]
        if not ready:
            return []
        due = min(ready, key=lambda d: (d.rank, d.order))
        self._due.remove(due)
        self._mouth.speak(t, due.say)
        if due.say.fault is not None:
            self._was_cued(due.say.fault, about=self._history.reps + (due.phases == _IN_HOLD))
        elif due.say.key == "voice.changed" or due.say.key.startswith("voice.praise."):
            self._was_praised(due.say.key.removeprefix("voice.praise."))
        return [due.say]

    def _cut_in(self, t: float) -> list[Message]:
        """The number of a repetition, where what is being said would outlast it: no count is lost.

        A sentence of trouble that is cut off is said again. A cue is short and not cut off, nor is a sentence
        of safety: there the number waits, unless the next one comes first.
        """
        said = self._mouth.saying
        count = next((due for due in self._due if due.say.key == "voice.count"), None)
        if said is None or count is None or self._mouth.free(count.until):
            return []
        self._due.remove(count)
        if said.fault is not None or said.priority is Priority.SAFETY:
            self._due.append(replace(count, until=self._mouth.free_at))
            return []
        if said.priority is Priority.CANNOT_SEE:
            self._add(said.text, said.key, said.priority)
        say = replace(count.say, interrupt=True)
        self._mouth.speak(t, say)
        return [say]
