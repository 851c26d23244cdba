"""What the coach gives out: sentences to say, and tones. Values only; `voice.py` makes the sound."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

ToneName = Literal["up", "hold", "held", "down", "lost", "paused"]


class Priority(IntEnum):
    """Of a message, highest first (spec 7.2)."""

    SAFETY = 0
    CANNOT_SEE = 1
    PELVIS_TRUNK = 2
    LEG = 3
    RANGE = 4
    TEMPO = 5
    PRAISE = 6


@dataclass(frozen=True)
class Say:
    """One sentence to speak and to show.

    Attributes:
        text: as spoken, in the patient's language.
        key: where it comes from: a key of the words (``"setup.nobody"``), or ``"fault.<name>"``.
        priority: see `Priority`.
        interrupt: cut off what is being spoken now.
        fault: name of the fault a corrective cue is about, else None.
    """

    text: str
    key: str
    priority: Priority
    interrupt: bool = False
    fault: str | None = None


@dataclass(frozen=True)
class Tone:
    """A short sound without words."""

    name: ToneName


Message = Say | Tone
