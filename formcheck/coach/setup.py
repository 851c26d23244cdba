"""The set-up coach: one thing at a time, until the patient lies as the exercise starts (spec 3.3, 6.4).

`setup_problem` says what is in the way now; `SetupCoach` turns that into calm speech.
"""

from __future__ import annotations

from dataclasses import dataclass

from formcheck.coach.message import Message, Priority, Say
from formcheck.coach.mouth import Mouth
from formcheck.engine.position import Problem
from formcheck.engine.start_position import CHECKS
from formcheck.exercises.definition import Definition
from formcheck.words import Words

_RANK = {name: rank for rank, (name, _) in enumerate(CHECKS)}
#: Said where the light is judged; never in the way.
ADVICE = ("dark", "backlit")


#: A problem must stand so long before it is spoken of, and be gone so long before "Good".
STANDS_S = 0.7
#: Whoever has just pressed the last key is on the way to the mat, and is told how the exercise is done [D].
WALKS_S = 20.0
#: It is said again, in more detail, after so long; and after three times only now and then, because a voice
#: that nags an empty room or a patient who has read it is no help [D].
AGAIN_S = 8.0
SELDOM_S = 30.0
_OFTEN = 3


@dataclass(frozen=True)
class _Spoken:
    """When a problem was spoken of last, and how often."""

    at_s: float
    times: int

    @property
    def wait_s(self) -> float:
        return AGAIN_S if self.times < _OFTEN else SELDOM_S


class SetupCoach:
    """Speaks the problems one at a time.

    Args:
        definition: the exercise, its text in the patient's language.
        words: the sentences (``setup.toml``).
        mouth: the voice, shared with whatever else speaks.
    """

    def __init__(self, definition: Definition, words: Words, mouth: Mouth | None = None) -> None:
        self._definition = definition
        self._words = words
        self._mouth = mouth if mouth is not None else Mouth()
        self._candidate: Problem | None = None
        self._since: float | None = None
        self._told: Problem | None = None
        self._spoken: dict[Problem | None, _Spoken] = {}
        self._advised: set[str] = set()

    def shown(self, problem: Problem) -> str:
        """The longer line for the screen."""
        return self._sentence(problem, "show")

    def update(self, t: float, problem: Problem | None, advice: Problem | None = None) -> list[Message]:
        """One frame.

        Args:
            t: its time, seconds.
            problem: what `setup_problem` says.
            advice: about the light; said once, when nothing is in the way of being heard.
        """
        if self._since is None or problem != self._candidate:
            self._candidate, self._since = problem, t
        walks = problem is not None and problem.id == "nobody" and self._told is None
        stands = t - self._since >= (WALKS_S if walks else STANDS_S) - 1e-6
        if not stands or not self._mouth.free(t):
            return []
        if problem == self._told:
            return self._again(t, problem) or self._advise(t, advice)
        # An earlier check now says yes: that does not show that what was asked for has been done.
        solved = self._told is not None and (
            problem is None or _RANK.get(problem.id, 0) > _RANK.get(self._told.id, 0)
        )
        self._told = problem
        spoken = self._spoken.get(problem)
        if spoken is not None and t - spoken.at_s < spoken.wait_s - 1e-6:
            return []  # it had gone for a moment only, or something else was in front of it
        good = self._words("setup.good")
        if problem is None:
            return self._speak(t, problem, good, "setup.good") if solved else []
        text = self._sentence(problem, "say" if spoken is None else "again")
        new = solved and spoken is None  # "good" and the same once more would be no praise
        return self._speak(t, problem, f"{good} {text}" if new else text, f"setup.{problem.id}")

    def _again(self, t: float, problem: Problem | None) -> list[Message]:
        spoken = self._spoken.get(problem)
        if problem is None or spoken is None or t - spoken.at_s < spoken.wait_s - 1e-6:
            return []
        return self._speak(t, problem, self._sentence(problem, "again"), f"setup.{problem.id}")

    def _advise(self, t: float, advice: Problem | None) -> list[Message]:
        if advice is None or advice.id in self._advised:
            return []
        self._advised.add(advice.id)
        return self._speak(t, advice, self._sentence(advice, "say"), f"setup.{advice.id}")

    def _speak(self, t: float, problem: Problem | None, text: str, key: str) -> list[Message]:
        times = self._spoken[problem].times if problem in self._spoken else 0
        self._spoken[problem] = _Spoken(t, times + 1)
        say = Say(text, key, Priority.CANNOT_SEE)
        return [say] if self._mouth.speak(t, say) else []

    def _sentence(self, problem: Problem, which: str) -> str:
        own = f"setup.{problem.id}.{problem.variant}.{which}"
        key = own if own in self._words else f"setup.{problem.id}.{which}"
        if problem.view is None:
            return self._words(key)
        return self._words(key, place=self._definition.views[problem.view].setup)
