"""What a live session asks for, what earlier ones said, and the pain rules, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from formcheck.engine.repetition import COUNTED
from formcheck.exercises.definition import Definition

Step = Literal[
    "choose", "safety", "settled", "pain_before", "advice", "setup", "practice", "work", "paused",
    "pain_after", "caution", "effort", "rest", "no_camera", "summary", "stopped", "over",
]  # fmt: skip

#: Nobody may be able to reach the keys: a question left alone for this long is noted as not answered.
QUESTION_S = 30.0
#: Resting for this long inside a set ends it; standing still in a phase pauses (spec 6.2), longer than
#: the prescribed hold.
IDLE_S = 30.0
STUCK_S = 20.0
#: Practising without a repetition, beyond the prescribed hold: said again that it may be a little larger.
SMALL_AFTER_S = 20.0
#: A cue stays on the screen this long.
CUE_S = 6.0
#: How long a clip's summary stays when the clip was the camera.
CLIP_END_S = 6.0


@dataclass(frozen=True)
class SessionPlan:
    """What one session asks for.

    Attributes:
        definition: the exercise as judged, its text in the patient's language.
        sets, reps, rest_s: prescribed.
        focus_fault: the physio's, or None.
        side: working leg as asked for, or None.
        views: views that are good for what is to be checked, the recommended one first.
    """

    definition: Definition
    sets: int
    reps: int
    rest_s: float
    focus_fault: str | None = None
    views: tuple[str, ...] = ()
    side: str | None = None

    @property
    def hold_s(self) -> float:
        """How long the exercise itself asks to stand still, seconds."""
        return self.definition.tempo.hold_s or 0.0


@dataclass(frozen=True)
class PastPractice:
    """What earlier sessions of the same person and exercise say.

    Attributes:
        sessions: how many of this exercise went well: what is said fades with them.
        had_pain: the last one noted pain, so it is asked whether it settled.
    """

    sessions: int = 0
    had_pain: bool = False


@dataclass(frozen=True)
class Safety:
    """Pain rules (spec 7.6), on the 0 to 10 scale."""

    stop: int = 6
    rise: int = 2
    caution: int = 4

    def must_stop(self, before: int | None, now: int) -> bool:
        """Is the pain of now too much, or too much more than before the session?"""
        return now >= self.stop or (before is not None and now - before >= self.rise)


@dataclass(frozen=True)
class SetCount:
    """Repetitions of one set so far."""

    index: int
    counted: int = 0
    partial: int = 0
    void: int = 0

    def with_rep(self, rep_class: str) -> SetCount:
        """With one repetition more."""
        return replace(
            self,
            counted=self.counted + (rep_class in COUNTED),
            partial=self.partial + (rep_class == "partial"),
            void=self.void + (rep_class == "void"),
        )
