"""`Mouth`: one voice, so one sentence at a time. Knows how long each takes; makes no sound, has no clock."""

from __future__ import annotations

from collections.abc import Callable

from formcheck.coach.message import Say

#: Letters a second of a system voice at normal rate, and the breath before a sentence: espeak-ng and SAPI at
#: 150 to 180 words a minute. Only an estimate; the voice may hand in a better one.
_LETTERS_PER_S = 16.0
_ONSET_S = 0.25


def spoken_s(text: str) -> float:
    """About how long a sentence takes to speak, seconds."""
    return _ONSET_S + len(text) / _LETTERS_PER_S


class Mouth:
    """When the voice is free. Shared by everything that speaks in a session.

    Args:
        duration_s: how long a text takes to speak, seconds.
    """

    def __init__(self, duration_s: Callable[[str], float] = spoken_s) -> None:
        self._duration_s = duration_s
        self.free_at = float("-inf")

    def free(self, t: float) -> bool:
        """Is nothing being spoken at time `t`?"""
        return t >= self.free_at

    def speak(self, t: float, say: Say) -> bool:
        """Take the sentence if the voice is free or may be interrupted; False if it is not."""
        if not self.free(t) and not say.interrupt:
            return False
        self.free_at = t + self._duration_s(say.text)
        return True

    def silence(self, t: float) -> None:
        """The voice was cut off."""
        self.free_at = min(self.free_at, t)
