"""The coach's voice: says sentences and plays tones without ever making the caller wait.

`open_voice` gives one that works on this computer, or a silent one that says why.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from formcheck.coach.message import Say, Tone
from formcheck.coach.voice.player import find_player
from formcheck.coach.voice.spoken import SpokenVoice
from formcheck.coach.voice.tones import RATE_HZ, wav
from formcheck.errors import FormcheckError
from formcheck.files import FILE_MODE

__all__ = ["LoggedVoice", "SilentVoice", "SpokenVoice", "Voice", "open_voice"]


class Voice(Protocol):
    """Says and plays; every call returns at once.

    Attributes:
        busy: something is being spoken or waits to be.
        working: sentences can be heard, as far as the computer can tell.
        problem: one sentence on what is wrong, or "".
        start_delays_s: for the sentences spoken last, the time from `say` to when the sound was handed to the
            system's player, in seconds; empty if nothing was spoken.
    """

    @property
    def busy(self) -> bool: ...

    @property
    def working(self) -> bool: ...

    @property
    def problem(self) -> str: ...

    @property
    def start_delays_s(self) -> tuple[float, ...]: ...

    def say(self, message: Say) -> None:
        """Speak after what is being spoken, or in its place if the message interrupts."""
        ...

    def play(self, tone: Tone) -> None:
        """Play a tone now, also while something is being spoken."""
        ...

    def close(self) -> None:
        """Fall silent and let go of everything. Safe to call twice."""
        ...


class SilentVoice:
    """Says nothing, and says so.

    Args:
        problem: why, in one sentence.
    """

    busy = False
    working = False
    start_delays_s: tuple[float, ...] = ()

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def say(self, message: Say) -> None:
        pass

    def play(self, tone: Tone) -> None:
        pass

    def close(self) -> None:
        pass


def _private(path: str, flags: int) -> int:
    # The person names this file: a pipe or a link is meant.
    return os.open(path, flags, FILE_MODE)


class LoggedVoice:
    """Another voice whose sentences and tones are also written to a file, a JSON object a line, at once.

    ``{"time_s": 12.3, "say": text, "key": …, "priority": …, "interrupt": …, "fault": …}`` and
    ``{"time_s": 12.3, "tone": name}``. A file that can no longer be written ends the log, not the session.

    Args:
        inner: the voice that speaks.
        path: the file; what is in it is kept, new lines follow.
        clock: the time to write, in seconds; by default since the log was opened.

    Raises:
        FormcheckError: the file cannot be written.
    """

    def __init__(self, inner: Voice, path: Path, clock: Callable[[], float] | None = None) -> None:
        self._inner = inner
        started = time.monotonic()
        self._clock = clock or (lambda: time.monotonic() - started)
        self._path = path
        self._log_problem = ""
        try:
            self._file = open(path, "a", encoding="utf-8", newline="\n", opener=_private)  # noqa: SIM115 - closed in `close`
        except OSError as error:
            raise FormcheckError(
                f"The speech log {path} cannot be written ({error.strerror}): choose another file."
            ) from None

    @property
    def busy(self) -> bool:
        return self._inner.busy

    @property
    def working(self) -> bool:
        return self._inner.working

    @property
    def problem(self) -> str:
        return self._inner.problem or self._log_problem

    @property
    def start_delays_s(self) -> tuple[float, ...]:
        return self._inner.start_delays_s

    def say(self, message: Say) -> None:
        what = asdict(message) | {"priority": message.priority.name.lower()}
        self._write({"say": what.pop("text"), **what})
        self._inner.say(message)

    def play(self, tone: Tone) -> None:
        self._write({"tone": tone.name})
        self._inner.play(tone)

    def close(self) -> None:
        self._inner.close()
        with suppress(OSError):
            self._file.close()

    def _write(self, what: dict[str, Any]) -> None:
        if self._file.closed or self._log_problem:
            return
        try:
            self._file.write(
                json.dumps({"time_s": round(self._clock(), 3), **what}, ensure_ascii=False) + "\n"
            )
            self._file.flush()
        except OSError as error:
            self._log_problem = f"The speech log {self._path} can no longer be written ({error.strerror})."


def open_voice(language: str = "en", muted: bool = False) -> Voice:
    """A voice that works here, or one that says why there is none. Takes up to some seconds.

    Args:
        language: code of the patient's language.
        muted: the patient wants no sound.

    Returns:
        Speech and tones; only tones where no speech engine works (`Voice.problem` says so); or silence.
    """
    if muted:
        return SilentVoice("The sound is switched off.")
    with tempfile.TemporaryDirectory(prefix="formcheck-voice-", ignore_cleanup_errors=True) as folder:
        silence = Path(folder) / "silence.wav"
        silence.write_bytes(wav(np.zeros(RATE_HZ // 20, np.int16)))
        player, problem = find_player(silence)
    if player is None:
        return SilentVoice(problem)
    voice = SpokenVoice(language, player)
    voice.wait_until_ready()
    return voice
