"""The set-up coach: one thing at a time, until the patient lies as the exercise starts (spec 3.3, 6.4).

`setup_problem` says what is in the way now; `SetupCoach` turns that into calm speech.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from formcheck.coach import start_position as start
from formcheck.coach.message import Message, Priority, Say
from formcheck.coach.mouth import Mouth
from formcheck.coach.start_position import Stand
from formcheck.exercises.definition import Definition
from formcheck.exercises.position import OF_THE_POSITION, Problem
from formcheck.exercises.practice import PositionCheck, Window
from formcheck.measures.measure import formulas
from formcheck.words import Words

#: Checks by importance. Once one says yes, those after it are not asked: they may not make sense yet.
CHECKS: tuple[tuple[str, Callable[[Stand], bool]], ...] = (
    ("two_people", start.two_people),
    ("nobody", start.nobody),
    ("too_close", start.too_close),
    ("too_far", start.too_far),
    ("head_out", start.head_out),
    ("feet_out", start.feet_out),
    ("camera_tilted", start.camera_tilted),
    ("not_lying", start.not_lying),
    ("wrong_side_up", start.wrong_side_up),
    ("knees_straight", start.knees_straight),
    ("knees_bent", start.knees_bent),
    ("not_in_position", start.not_in_position),
    ("wrong_view", start.wrong_view),
    ("feet_apart", start.feet_apart),
    ("hips_not_stacked", start.hips_not_stacked),
    ("knees_too_low", start.knees_too_low),
    ("knees_too_high", start.knees_too_high),
    ("hips_up", start.hips_up),
    ("feet_too_far", start.feet_too_far),
    ("feet_too_near", start.feet_too_near),
    ("head_up", start.head_up),
    ("hold_still", start.moving),
)
_RANK = {name: rank for rank, (name, _) in enumerate(CHECKS)}
#: Said where the light is judged; never in the way.
ADVICE = ("dark", "backlit")


def setup_problem(
    *,
    time_s: NDArray[np.floating],
    xy: NDArray[np.floating],
    world: NDArray[np.floating],
    visibility: NDArray[np.floating],
    image_wh: tuple[int, int],
    people_seen: int,
    definition: Definition,
    wanted_views: Sequence[str],
    side: str | None,
) -> Problem | None:
    """The one most important thing that is in the way, or None: the baseline may be taken.

    Args:
        time_s: ``(T,)`` times of the last second or so: 1.2 s is long enough to tell jitter from moving.
        xy: ``(T, 33, 2)`` smoothed image landmarks, pixels; NaN in frames without a trusted body.
        world: ``(T, 33, 3)`` metres, the same.
        visibility: ``(T, 33)``.
        image_wh: width and height of the picture, pixels.
        people_seen: most people seen at once in the window.
        definition: the exercise.
        wanted_views: views from which it may be done; the first is shown in the drawing.
        side: declared working side (clam: top leg), or None.
    """
    stand = Stand(
        np.asarray(time_s, np.float64),
        np.asarray(xy, np.float64),
        np.asarray(world, np.float64),
        np.asarray(visibility, np.float64),
        image_wh,
        people_seen,
        definition,
        tuple(wanted_views),
        side,
    )
    own = formulas(definition).START_CHECKS
    for name, check in CHECKS:
        if (name not in OF_THE_POSITION or name in own) and check(stand):
            return _problem(name, stand)
    return None


def _problem(name: str, stand: Stand) -> Problem:
    view = stand.wanted_views[0] if stand.wanted_views else None
    variant = ""
    if name in ("not_lying", "knees_straight", "knees_bent", "not_in_position"):
        variant = stand.definition.posture
    elif name == "wrong_side_up":
        variant = stand.side or ""
    return Problem(name, variant, view if name == "wrong_view" else None)


def position_check(definition: Definition, side: str | None, wanted_views: Sequence[str]) -> PositionCheck:
    """`setup_problem` as `Practice` asks it."""

    def check(window: Window) -> Problem | None:
        return setup_problem(
            time_s=window.time_s,
            xy=window.xy,
            world=window.world,
            visibility=window.visibility,
            image_wh=window.image_wh,
            people_seen=window.people_seen,
            definition=definition,
            wanted_views=wanted_views,
            side=side,
        )

    return check


#: A problem must stand so long before it is spoken of, and be gone so long before "Good".
STANDS_S = 0.7
#: It is said again, in more detail, after so long; and after three times only now and then, because a voice
#: that nags an empty room or a patient who has read it is no help [D].
AGAIN_S = 8.0
SELDOM_S = 30.0
_OFTEN = 3


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
        self._told_at = 0.0
        self._times = 0
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
        stands = t - self._since >= STANDS_S - 1e-6
        if not stands or not self._mouth.free(t):
            return []
        if problem == self._told:
            return self._again(t, problem) or self._advise(t, advice)
        # An earlier check now says yes: that does not show that what was asked for has been done.
        solved = self._told is not None and (
            problem is None or _RANK.get(problem.id, 0) > _RANK.get(self._told.id, 0)
        )
        self._told, self._told_at, self._times = problem, t, 1
        good = self._words("setup.good")
        if problem is None:
            return self._speak(t, good, "setup.good") if solved else []
        text = self._sentence(problem, "say")
        return self._speak(t, f"{good} {text}" if solved else text, f"setup.{problem.id}")

    def _again(self, t: float, problem: Problem | None) -> list[Message]:
        wait = AGAIN_S if self._times < _OFTEN else SELDOM_S
        if problem is None or t - self._told_at < wait - 1e-6:
            return []
        self._told_at = t
        self._times += 1
        return self._speak(t, self._sentence(problem, "again"), f"setup.{problem.id}")

    def _advise(self, t: float, advice: Problem | None) -> list[Message]:
        if advice is None or advice.id in self._advised:
            return []
        self._advised.add(advice.id)
        return self._speak(t, self._sentence(advice, "say"), f"setup.{advice.id}")

    def _speak(self, t: float, text: str, key: str) -> list[Message]:
        say = Say(text, key, Priority.CANNOT_SEE)
        return [say] if self._mouth.speak(t, say) else []

    def _sentence(self, problem: Problem, which: str) -> str:
        own = f"setup.{problem.id}.{problem.variant}.{which}"
        key = own if own in self._words else f"setup.{problem.id}.{which}"
        if problem.view is None:
            return self._words(key)
        return self._words(key, place=self._definition.views[problem.view].setup)
