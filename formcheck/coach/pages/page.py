"""What the live window shows, as values: a `Page` is worked out by the flow and drawn by `pages.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from formcheck.drawing.overlay import Body

PageKind = Literal[
    "choose",  # which exercise: big choices
    "safety",  # what to know before, and what may be recorded
    "settled",  # did the pain of last time settle within 24 hours?
    "pain",  # 0 to 10, before and after a set
    "effort",  # Borg CR10, 0 to 10
    "setup",  # set-up coach: one instruction, a drawing of where the laptop goes, the camera's picture
    "practice",  # the practice repetitions that calibrate
    "work",  # a set
    "paused",
    "rest",  # between sets, with the time left
    "summary",
    "stopped",  # ended for pain or by "stop"
    "today",  # the exercises of a programme's day, and what of them is done
    "agreed",  # before a later day: what has changed, and what is kept
    "next",  # between two exercises: what comes, in which position, and where the laptop goes
    "notice",  # something to be said on the whole screen, e.g. no camera
]


@dataclass(frozen=True)
class Choice:
    """Something to choose, by mouse, arrow keys and Enter, or its own key.

    Attributes:
        id: what the flow is told, e.g. ``"bridge"``, ``"7"``, ``"agree_video"``.
        label: what stands on it.
        key: the key that chooses it at once, as written on it (``"1"``, ``"Esc"``), or None.
        note: a smaller line under the label.
    """

    id: str
    label: str
    key: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One exercise of today.

    Attributes:
        exercise, side: what is drawn.
        title: its name, with the side.
        detail: sets and repetitions.
        state: "done", "3 of 20 done", or "".
        done: all of it.
    """

    exercise: str
    side: str | None
    title: str
    detail: str
    state: str = ""
    done: bool = False


@dataclass(frozen=True)
class Page:
    """Everything one frame of the live window shows, in the patient's language.

    Attributes:
        kind: which page.
        title: its headline.
        lines: text under it, a paragraph each.
        choices: what can be chosen.
        selected: index of the choice under the arrow keys.
        rows: exercises of today.
        drawing: ``"<exercise>/<view>"`` of a sketch of where the laptop goes, or None.
        lift: how far up the figure is that shows the exercise, from 0 to 1.
        body: skeleton to draw over the camera's picture, or None for a page without picture.
        count: repetitions done (of this set, or practice repetitions); None for no count.
        of: how many are asked for; None where not known.
        phase: a key of ``findings.phase``; phase_word is the word in the patient's language.
        level: 0 at rest, 1 at the person's own range; None where not measurable.
        target: level to aim for, for the range bar.
        cue: the one line to the patient that stands now, or "".
        cue_is_correction: False for praise, counts and instructions.
        unseen: line that says what cannot be checked from here, or "".
        seconds_left: of a rest, or of standing still for the baseline.
        footer: small line at the bottom: which keys do what.
        recording: "video", "skeleton" or "" (shown as a dot with a word).
        stats: one line of latency figures (``--stats``), or "".
        code: of a notice: a code for a phone's camera, rows of dark modules, in the place of the sign.
        language: of the few words the drawing adds itself ("of 10", "Recording video").
    """

    kind: PageKind
    title: str = ""
    lines: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    selected: int = 0
    rows: tuple[Row, ...] = ()
    drawing: str | None = None
    lift: float = 1.0
    body: Body | None = None
    count: int | None = None
    of: int | None = None
    phase: str = "none"
    phase_word: str = ""
    level: float | None = None
    target: float = 1.0
    cue: str = ""
    cue_is_correction: bool = False
    unseen: str = ""
    seconds_left: float | None = None
    footer: str = ""
    recording: str = ""
    stats: str = ""
    code: tuple[tuple[bool, ...], ...] = ()
    language: str = "en"
