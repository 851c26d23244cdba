"""The process that speaks: sentences in, one JSON line each; what became of them out.

Run as ``python -m formcheck.coach.voice.speaker LANGUAGE WORDS_PER_MINUTE FOLDER [PLAYER …]`` by
`spoken.SpokenVoice`, which kills it to cut off a sentence and starts another when it hangs or crashes.

pyttsx3 only turns text into a sound file here; the file is then played with the system's own player. Spoken
directly, pyttsx3 2.99 stays silent from the second sentence on with Windows' voices and reports success
(pyttsx3 issues 402, 419, 440), hangs on macOS (126), and on Linux plays through a shell and ignores whether
that worked. This way the start is known, failure is seen, and a sentence said before needs no synthesis. The
engine is made anew for each sentence, which is what helps against the issues named (but espeak is kept).

In: ``{"say": text}``. Out, once: ``{"ready": true, "voice": name, "fits": bool}`` or ``{"ready": false,
"why": sentence}``; then for each sentence ``{"started": true}`` and ``{"done": true}``, or
``{"done": false}``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from formcheck.coach.voice.player import Player

#: The variant taken first where a language has several; the texts are British.
PREFERRED = {"en": ("en-gb", "en-us"), "de": ("de", "de-de")}
#: macOS lists joke voices among the others; these are its plain ones.
PLAIN_NAMES = ("samantha", "daniel", "anna", "karen", "alex", "petra", "markus")

#: A long sentence takes it some hundredths, on a computer that is busy with other things some seconds.
ESPEAK_S = 10.0


def choose_voice(voices: Iterable[Any], language: str, current: str | None) -> tuple[str | None, bool]:
    """The voice to speak a language with.

    Args:
        voices: pyttsx3's, with ``id``, ``name`` and ``languages``.
        language: code such as ``"de"``.
        current: id of the voice set on this computer, which is kept if it speaks the language.

    Returns:
        Its id (None: leave as it is) and whether it speaks the language.
    """
    fitting: list[tuple[int, str]] = []
    for voice in voices:
        codes = [_code(code) for code in (voice.languages or []) if code]
        if any(code == language or code.startswith(f"{language}-") for code in codes):
            if voice.id == current:
                return voice.id, True
            wanted = PREFERRED.get(language, (language,))
            rank = min((wanted.index(code) for code in codes if code in wanted), default=len(wanted))
            plain = any(name in str(voice.name).lower() for name in PLAIN_NAMES)
            fitting.append((2 * rank + (not plain), voice.id))
    if not fitting:
        return None, False
    return min(fitting, key=lambda pair: pair[0])[1], True


def _code(code: str | bytes) -> str:
    text = code.decode("utf-8", "ignore") if isinstance(code, bytes) else str(code)
    return text.strip("\x00\x05 ").replace("_", "-").lower()


class Speaker:
    """Turns sentences into files and plays them."""

    def __init__(self, language: str, words_per_minute: int, folder: Path, player: Player) -> None:
        import pyttsx3

        self._pyttsx3 = pyttsx3
        self._rate = words_per_minute
        self._folder = folder
        self._player = player
        engine = pyttsx3.init()
        # Kept where it is espeak: dropped while its thread still works, it takes the process with it.
        self._engine = engine if sys.platform.startswith("linux") else None
        self.voice, self.fits = choose_voice(
            engine.getProperty("voices") or [], language, engine.getProperty("voice")
        )
        self._suffix = ".aiff" if sys.platform == "darwin" else ".wav"

    def file_of(self, text: str) -> Path | None:
        """A sound file of the sentence; None if the engine made none."""
        name = hashlib.sha256(f"{self.voice} {self._rate} {text}".encode()).hexdigest()[:24]
        file = self._folder / (name + self._suffix)
        if file.exists():
            return file
        # Another speaker may be making the same one, and may be killed while doing so.
        draft = self._folder / f"{name}.{os.getpid()}{self._suffix}"
        for _ in range(2):
            if not self._synthesise(text, draft):
                continue  # whatever is there is not the whole sentence
            if draft.exists() and draft.stat().st_size > 100:  # more than a header
                draft.replace(file)
                return file
        return None

    def _synthesise(self, text: str, draft: Path) -> bool:
        """Make a file of a sentence; False if it was not finished."""
        engine = self._engine or self._pyttsx3.init()
        finished = threading.Event()
        token = engine.connect("finished-utterance", lambda name, completed: finished.set())
        if self.voice is not None:
            engine.setProperty("voice", self.voice)
        engine.setProperty("rate", self._rate)
        if self._engine is not None:
            self._keep_rate()
        engine.save_to_file(text, str(draft))
        engine.runAndWait()
        if self._engine is not None:
            # espeak works in a thread of its own and runAndWait returns before it has finished.
            finished.wait(ESPEAK_S)
            _until_idle()  # it tidies up after it has said so
        engine.disconnect(token)
        return self._engine is None or finished.is_set()

    def _keep_rate(self) -> None:
        """See that espeak has taken the rate.

        Once, on a computer at its limit, a sentence was spoken at 200 words a minute, pyttsx3's own rate:
        pyttsx3's orders wait in a list that espeak's thread empties too, and nobody looks what became of
        them.
        """
        from pyttsx3.drivers import _espeak

        for _ in range(3):
            _until_idle()
            if _espeak.dll.espeak_GetParameter(_espeak.RATE, 1) == self._rate:
                return
            _espeak.SetParameter(_espeak.RATE, self._rate, 0)

    def play(self, file: Path) -> bool:
        return self._player.play(file)


def _until_idle() -> None:
    """Until espeak's own thread has nothing left to do."""
    from pyttsx3.drivers import _espeak

    end = time.monotonic() + ESPEAK_S
    while _espeak.IsPlaying() and time.monotonic() < end:
        time.sleep(0.002)
    time.sleep(0.005)  # its last order is counted as done a moment before it is


def main(arguments: list[str]) -> None:
    language, rate, folder, *player = arguments
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # pyttsx3 prints, and so may the libraries it loads: not into our lines.
    os.dup2(2, 1)

    def tell(**what: object) -> None:
        out.write(json.dumps(what) + "\n")
        out.flush()

    try:
        speaker = Speaker(language, int(rate), Path(folder), Player(player or None))
        if speaker.file_of("1") is None:
            raise RuntimeError("the engine makes no sound")
    except Exception as error:  # an engine that is not there fails in its own ways on each system
        tell(ready=False, why=f"{type(error).__name__}: {error}"[:300])
        return
    tell(ready=True, voice=str(speaker.voice or ""), fits=speaker.fits)
    for line in sys.stdin.buffer:
        text = str(json.loads(line)["say"])
        try:
            file = speaker.file_of(text)
        except Exception:  # as above; the next sentence may do better
            file = None
        if file is None:
            tell(done=False)
            continue
        tell(started=True)
        tell(done=speaker.play(file))


if __name__ == "__main__":
    main(sys.argv[1:])
