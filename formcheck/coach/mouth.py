"""`Mouth`: one voice, so one sentence at a time. Knows how long each takes; makes no sound, has no clock."""

from __future__ import annotations

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
