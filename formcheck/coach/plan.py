"""What a live session asks for, what earlier ones said, and the pain rules, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from formcheck.analysis.findings import Findings
from formcheck.engine.repetition import COUNTED
from formcheck.exercises.definition import Definition
from formcheck.measures.measure import formulas

Step = Literal[
    "choose", "safety", "settled", "pain_before", "advice", "setup", "practice", "work", "paused",
    "pain_after", "caution", "effort", "rest", "no_camera", "summary", "stopped", "over",
    "today", "agreed", "next",  # of a programme's day
]  # fmt: skip

#: Nobody may be able to reach the keys: a question left alone for this long is noted as not answered.
QUESTION_S = 30.0
#: Resting for this long inside a set is asked about, and for this long ends it; standing still in a phase
#: pauses (spec 6.2), longer than the prescribed hold.
IDLE_S = 30.0
GONE_S = 180.0
STUCK_S = 20.0
#: Practising without a repetition, beyond the prescribed hold: said that it may be a little larger, where
#: something moved by this share of a typical range; else asked to begin.
SMALL_AFTER_S = 20.0
TRIED_LEVEL = 0.1  # [D]
#: Nobody who lies can rest lower than the floor: a signal so far below rest, in parts of the own range (in
#: practice of a typical one), for so long, means that rest was taken while something was held up. It is then
#: taken anew [D].
BELOW_LEVEL, BELOW_S = -0.4, 2.0
#: A cue stays on the screen this long, of a long sentence its last part.
CUE_S = 6.0
#: So long before its end a rest is told to end, if it is longer than the other.
REST_ENDS_S = 10.0
LONG_REST_S = 20.0
#: A phone that tells something else than before has to do so for so long: networks stumble now and then [D].
PHONE_S = 1.0
#: An error of the counting signal beyond this share of the own range is too rough to ask for more by [D].
ROUGH_SHARE = 0.15
#: The end turns its leaves by itself so slowly, for who still lies on the mat [D].
LEAF_S = 12.0
#: Of what could not be checked, so much is told in one sentence.
MISSED_NAMES = 3
#: How long a clip's summary stays when the clip was the camera.
CLIP_END_S = 6.0


#: Where in the room the laptop stands for a view: beside the mat it sees who lies on the side from the front,
#: and who lies on the back from the side.
_PLACES = {"front": "beside", "side": "beside", "back": "behind", "oblique": "corner"}


@dataclass(frozen=True)
class SessionPlan:
    """What one session asks for.

    Attributes:
        definition: the exercise as judged, its text in the patient's language.
        sets, reps, rest_s: prescribed.
        focus_fault: the physio's, or None.
        side: working leg as asked for, or None.
        views: views that are good for what is to be checked, the recommended one first.
        prescription: what was laid over the definition, as TOML, or "".
        band: with a band around the knees.
    """

    definition: Definition
    sets: int
    reps: int
    rest_s: float
    focus_fault: str | None = None
    views: tuple[str, ...] = ()
    side: str | None = None
    prescription: str = ""
    band: bool = False

    @property
    def hold_s(self) -> float:
        """How long the exercise itself asks to stand still, seconds."""
        return self.definition.tempo.hold_s or 0.0

    @property
    def lies(self) -> bool:
        """Whether it is done lying: an arm held up then pauses it."""
        return formulas(self.definition).LIES_ON != "nothing"

    @property
    def place(self) -> str:
        """Where in the room the laptop stands."""
        view = self.views[0] if self.views else ""
        place = _PLACES.get(view, view)
        return place if self.lies else f"{place}, upright"  # higher, and further away

    @property
    def near_leg(self) -> bool:
        """Whether the leg that works has to be the one nearer the laptop."""
        beside = not self.views or "side" in self.views
        return beside and self.definition.counting.signal in formulas(self.definition).ON_THE_LEG


@dataclass(frozen=True)
class PastPractice:
    """What earlier sessions of the same person and exercise say.

    Attributes:
        sessions: how many of this exercise went well: what is said fades with them.
        had_pain: the last one noted pain, so it is asked whether it settled.
        days: on how many days before today it was done.
        today: it has been begun today already, so how it is done has been told.
    """

    sessions: int = 0
    had_pain: bool = False
    days: int = 0
    today: bool = False


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


@dataclass(frozen=True)
class Elsewhere:
    """Faults that could not be checked from where the laptop stood, and another place that shows them.

    Attributes:
        titles: of the faults, the gravest first, in the definition's language.
        place: where that is, as in "from the foot end".
        level: of the gravest, ``P2`` before ``P5``.
        exercise: its title.
    """

    titles: tuple[str, ...]
    place: str
    level: str
    exercise: str

    @property
    def told(self) -> dict[str, object]:
        """Values of its sentence, ``page.summary.not_checked_here``."""
        return {"exercise": self.exercise, "faults": ", ".join(self.titles), "place": self.place}


def seen_elsewhere(definition: Definition, view: str) -> Elsewhere | None:
    """What is spoken of and not checked from a view, and best from another; None where there is nothing."""
    findings = Findings(definition, view)
    missed = [
        (fault.level, fault.title, findings.seen_from(name))
        for name, fault in definition.faults.items()
        if fault.cue and fault.level and not fault.prescribed and view not in findings.seen_from(name)
    ]
    missed = sorted((one for one in missed if one[2]), key=lambda one: one[0])
    if not missed:
        return None
    level, _, (place, *_) = missed[0]
    titles = [title for _, title, places in missed if place in places]
    return Elsewhere(tuple(titles[:MISSED_NAMES]), definition.views[place].title, level, definition.title)


def too_rough(definition: Definition, view: str, range_: float) -> frozenset[str]:
    """Faults that ask for more range, where the view shows it too roughly to ask for it.

    Args:
        definition: the exercise.
        view: from which it is seen.
        range_: the own range, in the counting signal's unit.
    """
    error = definition.measures[definition.counting.signal].usual_error(view) or 0.0
    if error <= ROUGH_SHARE * range_:
        return frozenset()
    return frozenset(name for name in definition.feedback.pushing if definition.faults[name].level == "P4")


def wanted_views(
    definition: Definition, asked: str | None, focus_fault: str | None, alone: bool = True
) -> tuple[str, ...]:
    """Views to set the laptop up for, the recommended one first.

    The one asked for, alone; else all from which repetitions can be counted: first that of the physio's
    focus fault, then the exercise's own where it is the only one of the day (for another the laptop would
    have to be moved, by somebody who has just lain down), then the one that shows most.
    """
    if asked is not None:
        return (asked,)
    signal = definition.measures[definition.counting.signal].views
    countable = [view for view in definition.views if view in signal]
    places = Findings(definition, "").seen_from(focus_fault) if focus_fault is not None else ()

    def shown(view: str) -> tuple[bool, bool, int]:
        well = sum(m.trust(view) == "ok" for m in definition.measures.values())
        return view in places[:1], alone and view == definition.asked_view, well

    return tuple(sorted(countable, key=shown, reverse=True))
