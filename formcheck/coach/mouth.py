"""`Mouth`: one voice, so one sentence at a time. Knows how long each takes; makes no sound, has no clock."""

from __future__ import annotations

import re
from collections.abc import Callable

from formcheck.coach.message import Say

#: Fitted to espeak-ng at 160 words a minute, English and German sentences of 6 to 86 characters.
_ONSET_S = 0.45
_LETTER_S = 0.056


def spoken_s(text: str) -> float:
    """Estimate of how long a sentence takes to speak, in seconds; 0 for nothing to say.

    Within 0.35 s or 15 % of espeak-ng; other engines' voices differ by about as much.
    """
    letters = len(text.strip())
    return _ONSET_S + _LETTER_S * letters if letters else 0.0


#: So many letters are shown at once of what is said: two rows that can be read from the mat [D].
_SHOWN_LETTERS = 75


def shown_parts(text: str) -> tuple[str, ...]:
    """What is said, in parts that are shown one after the other: whole sentences, together where short."""
    parts: list[str] = []
    for sentence in re.split(r"(?<=[.!?]) ", text.strip()):
        together = f"{parts[-1]} {sentence}" if parts else sentence
        if parts and len(together) <= _SHOWN_LETTERS:
            parts[-1] = together
        else:
            parts.append(sentence)
    return tuple(parts)


def shown_part(text: str, since_s: float, stays_s: float) -> str:
    """The part of a text that is shown while it is spoken, or "".

    Args:
        text: as spoken.
        since_s: how long ago it was begun.
        stays_s: how long its last part stays.
    """
    *before, last = shown_parts(text)
    for part in before:
        since_s -= spoken_s(part)
        if since_s < 0:
            return part
    return last if since_s < stays_s else ""


class Mouth:
    """When the voice is free. Shared by everything that speaks in a session.

    Attributes:
        free_at: when what was said last is over.
        saying: what that was.

    Args:
        duration_s: how long a text takes to speak, seconds.
    """

    def __init__(self, duration_s: Callable[[str], float] = spoken_s) -> None:
        self._duration_s = duration_s
        self.free_at = float("-inf")
        self.saying: Say | None = None

    def free(self, t: float) -> bool:
        """Is nothing being spoken at time `t`?"""
        return t >= self.free_at

    def speak(self, t: float, say: Say) -> bool:
        """Take the sentence if the voice is free or may be interrupted; False if it is not."""
        if not self.free(t) and not say.interrupt:
            return False
        self.free_at, self.saying = t + self._duration_s(say.text), say
        return True
