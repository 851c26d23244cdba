"""Speech and tones with the computer's own voices; `voice.open_voice` opens it where it works.

Speech lives in a process of its own (`speaker.py`), managed by one thread: a speech engine that hangs or
crashes is replaced, and the session notices nothing but a sentence that comes late or not at all, which
`SpokenVoice.problem` then says.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formcheck.coach.message import Say, Tone, ToneName
from formcheck.coach.mouth import spoken_s
from formcheck.coach.voice.player import Player, Playing
from formcheck.coach.voice.tones import NAMES, tone_wav

WORDS_PER_MINUTE = 160  # calm, normal speech; engines' own default is about 200
START_S = 20.0  # until an engine is ready; a slow disk on the first start
TOO_LONG = (6.0, 3.0)  # a sentence that takes longer than this plus so many times its length hangs
WAITING_MAX = 3
STALE_TONE_S = 0.4  # a beat that comes later than that is the wrong beat
_END_S = 5.0  # a killed process has ended long before, however busy the machine
GIVE_UP_AFTER = 4  # failures in a row
NOT_WORKING_AFTER = 2

_LANGUAGES = {"en": "English", "de": "German"}
_PROBLEM = "Speech does not work just now: read the text on the screen."


_FOLDER = "formcheck-voice-"
_STALE_S = 24 * 3600.0  # longer than any session


def remove_stale_folders(new: Path) -> None:
    """Remove sound files of programs that were killed, a day older than a new folder beside them."""
    for folder in new.parent.glob(f"{_FOLDER}*"):
        with suppress(OSError):
            about = folder.lstat()
            mine = not hasattr(os, "getuid") or about.st_uid == os.getuid()
            if stat.S_ISDIR(about.st_mode) and mine and new.stat().st_mtime - about.st_mtime > _STALE_S:
                shutil.rmtree(folder, ignore_errors=True)


@dataclass
class _Sentence:
    message: Say
    asked_s: float
    tries: int = 0
    deadline_s: float = float("inf")
    started: bool = False


class _Child:
    """One speaking process."""

    def __init__(self, command: list[str], inbox: queue.Queue[tuple[Any, ...]], now: float) -> None:
        self.ready = False
        self.deadline_s = now + START_S
        self.killed = False
        own_group: dict[str, Any] = (
            {"creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
            if sys.platform == "win32"
            else {"start_new_session": True}  # so that the player it started ends with it
        )
        root = str(Path(__file__).parents[3])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            **own_group,
        )
        self._inbox = inbox
        self._listener = threading.Thread(target=self._listen, name="speaker", daemon=True)
        self._listener.start()

    def say(self, text: str) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # if it has died, its listener says so
            self._process.stdin.write(json.dumps({"say": text}).encode() + b"\n")
            self._process.stdin.flush()

    def kill(self) -> None:
        self.killed = True
        with suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill it, and wait until the process and its listener have ended."""
        self.kill()
        self._listener.join(_END_S)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if isinstance(told, dict):
                self._inbox.put(("told", self, told))
        self._process.wait()
        self._inbox.put(("gone", self))


class SpokenVoice:
    """Speaks with the computer's own voices and plays tones; see `Voice` and `open_voice`.

    At most three sentences wait; then the least important is left out. A second process stands by, so that
    cutting off a sentence (killing the one that speaks it) costs no start of an engine. After four failures
    in a row it stops trying and plays tones only.

    Args:
        language: code, e.g. ``"de"``; without a voice for it the computer's own voice speaks.
        player: plays sound files here.
        command: the speaking process, without its arguments; another one in tests.
    """

    def __init__(
        self,
        language: str,
        player: Player,
        *,
        command: list[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._language = language
        self._player = player
        self._folder = tempfile.TemporaryDirectory(prefix=_FOLDER, ignore_cleanup_errors=True)
        remove_stale_folders(Path(self._folder.name))
        folder = Path(self._folder.name)
        self._tones: dict[ToneName, Path] = {}
        for name in NAMES:
            self._tones[name] = folder / f"{name}.wav"
            self._tones[name].write_bytes(tone_wav(name))
        self._command = [
            *(command or [sys.executable, "-m", "formcheck.coach.voice.speaker"]),
            language,
            str(WORDS_PER_MINUTE),
            str(folder),
            *(player.command or []),
        ]
        self._inbox: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self._lock = threading.Lock()
        self._unsaid = 0  # taken and neither spoken nor dropped yet
        self._delays: deque[float] = deque(maxlen=256)
        self._problem = ""
        self._working = True
        self._settled = threading.Event()  # ready or given up
        # The managing thread's own.
        self._active: _Child | None = None
        self._spare: _Child | None = None
        self._speaking: _Sentence | None = None
        self._waiting: list[_Sentence] = []
        self._sounding: list[Playing] = []
        self._failures = 0
        self._silent_tones = 0
        self._given_up = False
        self._thread = threading.Thread(target=self._manage, name="voice", daemon=True)
        self._thread.start()

    # -- what the live loop sees -------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        with self._lock:
            return self._unsaid > 0

    @property
    def working(self) -> bool:
        with self._lock:
            return self._working

    @property
    def problem(self) -> str:
        with self._lock:
            return self._problem

    @property
    def start_delays_s(self) -> tuple[float, ...]:
        with self._lock:
            return tuple(self._delays)

    def say(self, message: Say) -> None:
        if not message.text.strip() or not self._thread.is_alive():
            return
        with self._lock:
            self._unsaid += 1
        self._inbox.put(("say", _Sentence(message, self._clock())))

    def play(self, tone: Tone) -> None:
        self._inbox.put(("tone", tone.name, self._clock()))

    def wait_until_ready(self, timeout_s: float = START_S) -> bool:
        """Wait until the engine can speak, or cannot; only `open_voice` and the doctor wait."""
        self._settled.wait(timeout_s)
        return self.working

    def close(self) -> None:
        self._inbox.put(("close",))
        self._thread.join(3 * _END_S)
        self._folder.cleanup()

    # -- the managing thread -----------------------------------------------------------------------------

    def _manage(self) -> None:
        try:
            self._active = self._start()
            while True:
                try:
                    what, *with_ = self._inbox.get(timeout=0.1 if self._due() else None)
                except queue.Empty:
                    what, with_ = "tick", []
                if what == "close":
                    return
                if what == "say":
                    self._take(with_[0])
                elif what == "tone":
                    self._sound(*with_)
                elif what == "told":
                    self._hear(*with_)
                elif what == "gone":
                    self._bury(with_[0])
                self._watch()
                self._next()
        finally:
            for child in (self._active, self._spare):
                if child is not None:
                    child.end()
            for playing in self._sounding:
                playing.stop()
            with self._lock:
                self._unsaid = 0
                self._working = False
            self._settled.set()

    def _due(self) -> bool:
        starting = any(c is not None and not c.ready for c in (self._active, self._spare))
        return bool(self._speaking or self._sounding or starting)

    def _start(self) -> _Child | None:
        try:
            return _Child(self._command, self._inbox, self._clock())
        except OSError as error:
            self._given_up = True
            self._say_so(f"The speech program cannot be started ({error.strerror or error}).", False)
            self._settled.set()
            return None

    def _take(self, sentence: _Sentence) -> None:
        if sentence.message.interrupt:
            # What waits and matters more than what cuts in is said after it.
            kept = [s for s in self._waiting if s.message.priority < sentence.message.priority]
            self._drop(len(self._waiting) - len(kept))
            self._waiting = kept
            if self._speaking is not None and self._active is not None:
                self._active.kill()
                self._speaking = None
                self._drop(1)
                self._replace()
        self._waiting.append(sentence)
        if len(self._waiting) > WAITING_MAX:
            # The least important one, and of those the oldest: it fits the moment least.
            worst = max(range(len(self._waiting)), key=lambda i: (self._waiting[i].message.priority, -i))
            del self._waiting[worst]
            self._drop(1)

    def _next(self) -> None:
        if self._given_up:
            self._drop(len(self._waiting))
            self._waiting.clear()
        elif self._waiting and self._speaking is None and self._active is not None and self._active.ready:
            sentence = self._waiting.pop(0)
            base_s, times = TOO_LONG
            sentence.deadline_s = self._clock() + base_s + times * spoken_s(sentence.message.text)
            self._speaking = sentence
            self._active.say(sentence.message.text)

    def _hear(self, child: _Child, told: dict[str, Any]) -> None:
        if child.killed:
            return
        if "ready" in told:
            child.ready = bool(told["ready"])
            if not child.ready:
                child.deadline_s = float("inf")  # it ends by itself
                self._failures += 1
                self._say_so(f"No speech engine works here ({told.get('why', 'no reason given')}).", False)
                return
            if child is self._active:
                self._say_so(self._about_voice(told), True)
                self._settled.set()
            if self._spare is None:
                self._spare = self._start()
            return
        if child is not self._active or self._speaking is None:
            return
        if told.get("started"):
            self._speaking.started = True
            with self._lock:
                self._delays.append(self._clock() - self._speaking.asked_s)
        if "done" in told:
            self._speaking = None
            self._drop(1)
            if told["done"]:
                self._failures = 0
                if not self.working:
                    self._say_so("", True)
            else:
                self._fail()

    def _bury(self, child: _Child) -> None:
        """A process has ended; if nobody killed it, it has crashed."""
        if child is self._spare:
            self._spare = None
            if not child.killed and self._active is not None and self._active.ready:
                self._failures += 1
                if self._failures < GIVE_UP_AFTER:
                    self._spare = self._start()
        elif child is self._active:
            self._lose_active()

    def _watch(self) -> None:
        now = self._clock()
        still = []
        for playing in self._sounding:
            if not playing.over:
                still.append(playing)
                continue
            self._silent_tones = self._silent_tones + 1 if playing.failed else 0
            if self._silent_tones == 3 and not self.problem:
                self._say_so("The tones cannot be heard: check the loudspeaker or headphones.", self.working)
        self._sounding = still
        if self._spare is not None and not self._spare.ready and now > self._spare.deadline_s:
            self._spare.kill()
            self._spare = None
        hung = self._speaking is not None and now > self._speaking.deadline_s
        late = self._active is not None and not self._active.ready and now > self._active.deadline_s
        if self._active is not None and (hung or late):
            self._active.kill()
            self._lose_active()

    def _lose_active(self) -> None:
        """The speaking process crashed or hangs: say it with the next one, unless it began to."""
        sentence, self._speaking = self._speaking, None
        if sentence is not None:
            sentence.tries += 1
            if sentence.started or sentence.tries > 1:
                self._drop(1)
            else:
                self._waiting.insert(0, sentence)
        self._fail()
        self._replace()

    def _replace(self) -> None:
        self._active = None
        if self._given_up:
            return
        self._active, self._spare = self._spare or self._start(), None
        if self._active is not None and self._active.ready:
            self._spare = self._start()

    def _fail(self) -> None:
        self._failures += 1
        if self._failures >= GIVE_UP_AFTER:
            if self._spare is not None:  # or it would wait beside a coach that no longer speaks
                self._spare.kill()
                self._spare = None
            self._given_up = True
            if self._speaking is not None:
                self._speaking = None
                self._drop(1)
            self._settled.set()
        if self._failures >= NOT_WORKING_AFTER:
            self._say_so(self.problem or _PROBLEM, False)

    def _sound(self, name: ToneName, asked_s: float) -> None:
        if self._clock() - asked_s > STALE_TONE_S or len(self._sounding) > 4:
            return
        try:
            self._sounding.append(self._player.start(self._tones[name]))
        except OSError:
            self._silent_tones += 1

    def _drop(self, count: int) -> None:
        with self._lock:
            self._unsaid -= count

    def _say_so(self, problem: str, working: bool) -> None:
        with self._lock:
            self._problem, self._working = problem, working

    def _about_voice(self, told: dict[str, Any]) -> str:
        if told.get("fits", True):
            return ""
        language = _LANGUAGES.get(self._language, f"'{self._language}'")
        return f"This computer has no {language} voice, so another one reads the sentences: install one."
