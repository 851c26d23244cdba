"""The voice: never blocks, survives a speech engine that hangs, crashes or is not there, and says so."""

from __future__ import annotations

import ctypes.util
import json
import subprocess
import sys
import textwrap
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from waiting import until

import formcheck.coach.voice.spoken as spoken_module
import formcheck.coach.voice.voice as voice_module
from formcheck.coach.message import Priority, Say, Tone
from formcheck.coach.mouth import spoken_s
from formcheck.coach.voice import speaker
from formcheck.coach.voice.player import Player, find_player
from formcheck.coach.voice.tones import NAMES, PEAK, RATE_HZ, tone_samples, tone_wav
from formcheck.coach.voice.voice import LoggedVoice, SilentVoice, SpokenVoice, Voice, open_voice
from formcheck.errors import FormcheckError

# Stands in for speaker.py: what a sentence begins with decides what happens to it.
ENGINE = """
import json, os, sys, time
folder = sys.argv[3]
def note(text):
    with open(os.path.join(LOG, "spoken"), "a", encoding="utf-8") as log:
        log.write(text + "\\n")
def tell(**what):
    print(json.dumps(what), flush=True)
LOG = os.path.dirname(os.path.abspath(__file__))
note("<start>")
if os.path.exists(os.path.join(LOG, "absent")):
    tell(ready=False, why="no such engine")
    sys.exit()
tell(ready=True, voice="test", fits=sys.argv[1] == "en")
for line in sys.stdin:
    text = json.loads(line)["say"]
    once = os.path.join(LOG, "once")
    if text.startswith("crash always") or (text.startswith("crash once") and not os.path.exists(once)):
        open(once, "w").close()
        os._exit(3)
    if text.startswith("hang"):
        time.sleep(60)
    if text.startswith("no sound"):
        tell(done=False)
        continue
    note(text)
    tell(started=True)
    if text.startswith("long"):
        time.sleep(60)
    if text.startswith("die while"):
        os._exit(3)
    print("noise that is no JSON", flush=True)
    tell(done=True)
"""


class Stage:
    """A fake engine and a fake player in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "engine.py").write_text(ENGINE, encoding="utf-8")
        (folder / "player.py").write_text(
            textwrap.dedent(
                """
                import os, sys
                here = os.path.dirname(os.path.abspath(__file__))
                with open(os.path.join(here, "played"), "a") as log:
                    log.write(os.path.basename(sys.argv[1]) + "\\n")
                sys.exit(int(os.path.exists(os.path.join(here, "mute"))))
                """
            ),
            encoding="utf-8",
        )
        self.player = Player([sys.executable, str(folder / "player.py")])
        self.voices: list[SpokenVoice] = []

    def voice(self, language: str = "en") -> SpokenVoice:
        made = SpokenVoice(language, self.player, command=[sys.executable, str(self.folder / "engine.py")])
        self.voices.append(made)
        made.wait_until_ready()
        return made

    def lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def spoken(self) -> list[str]:
        return [line for line in self.lines("spoken") if line != "<start>"]

    @property
    def starts(self) -> int:
        return self.lines("spoken").count("<start>")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    for voice in made.voices:
        voice.close()
        assert not voice._thread.is_alive()


def say(text: str, priority: Priority = Priority.LEG, interrupt: bool = False) -> Say:
    return Say(text, "test", priority, interrupt)


# -- speaking ----------------------------------------------------------------------------------------------


def test_sentences_are_spoken_in_turn(stage: Stage) -> None:
    voice = stage.voice()
    assert voice.working
    assert voice.problem == ""
    assert not voice.busy
    voice.say(say("first"))
    voice.say(say("second, with Zähne und ein \n line"))
    assert voice.busy  # at once, before any process has answered
    until(lambda: not voice.busy)
    assert stage.spoken[:2] == ["first", "second, with Zähne und ein "]
    assert len(voice.start_delays_s) == 2
    assert all(0 <= delay < 15 for delay in voice.start_delays_s)
    voice.say(say("   "))
    assert not voice.busy


def test_an_interrupting_message_cuts_off_and_clears_what_waits(stage: Stage) -> None:
    voice = stage.voice()
    until(lambda: stage.starts == 2)  # the one that stands by
    voice.say(say("long story"))
    until(lambda: "long story" in stage.spoken)
    voice.say(say("never heard"))
    voice.say(say("stop now", Priority.SAFETY, interrupt=True))
    until(lambda: not voice.busy)
    assert stage.spoken == ["long story", "stop now"]
    assert voice.working
    assert voice.problem == ""


def test_what_waits_and_matters_more_than_a_number_is_said_after_it(stage: Stage) -> None:
    voice = stage.voice()
    until(lambda: stage.starts == 2)  # the one that stands by
    voice.say(say("long story"))
    until(lambda: "long story" in stage.spoken)
    voice.say(say("never heard", Priority.PRAISE))
    voice.say(say("the camera has gone", Priority.CANNOT_SEE))
    voice.say(say("3", Priority.PRAISE, interrupt=True))
    until(lambda: not voice.busy)
    assert stage.spoken[0] == "long story"
    assert sorted(stage.spoken[1:]) == ["3", "the camera has gone"]


def test_an_interrupting_message_waits_for_nothing_when_all_is_quiet(stage: Stage) -> None:
    voice = stage.voice()
    voice.say(say("stop now", Priority.SAFETY, interrupt=True))
    until(lambda: not voice.busy)
    assert stage.spoken == ["stop now"]
    assert len(voice.start_delays_s) == 1


def test_of_too_many_the_least_important_is_left_out(stage: Stage) -> None:
    voice = stage.voice()
    voice.say(say("long story"))
    until(lambda: "long story" in stage.spoken)
    for text, priority in (
        ("praise", Priority.PRAISE),
        ("pelvis", Priority.PELVIS_TRUNK),
        ("tempo", Priority.TEMPO),
        ("safety", Priority.SAFETY),
    ):
        voice.say(say(text, priority))
    until(lambda: [s.message.text for s in voice._waiting] == ["pelvis", "tempo", "safety"])
    assert voice._unsaid == 4  # with the one being spoken


def test_a_crash_before_the_sentence_began_says_it_with_the_next_engine(stage: Stage) -> None:
    voice = stage.voice()
    voice.say(say("crash once, then speak"))
    until(lambda: not voice.busy)
    assert stage.spoken == ["crash once, then speak"]
    assert voice.working


def test_a_crash_in_the_middle_is_not_repeated(stage: Stage) -> None:
    voice = stage.voice()
    voice.say(say("die while speaking"))
    voice.say(say("next"))
    until(lambda: not voice.busy)
    assert stage.spoken == ["die while speaking", "next"]
    assert voice.working


def test_an_engine_that_hangs_is_replaced(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spoken_module, "TOO_LONG", (0.3, 0.0))
    voice = stage.voice()
    until(lambda: stage.starts == 2)
    voice.say(say("hang"))
    voice.say(say("next"))
    until(lambda: not voice.busy)
    assert "next" in stage.spoken
    assert voice.working  # the last sentence was heard


def test_an_engine_that_always_crashes_is_given_up_and_says_so(stage: Stage) -> None:
    voice = stage.voice()
    for number in range(4):
        voice.say(say(f"crash always {number}"))
        until(lambda: not voice.busy)
    until(lambda: voice._given_up)
    assert not voice.working
    assert "read the text on the screen" in voice.problem
    assert voice._spare is None  # nothing is left waiting to speak
    starts = stage.starts
    voice.say(say("into the void"))
    until(lambda: not voice.busy)
    assert stage.starts == starts
    voice.play(Tone("up"))
    until(lambda: stage.lines("played") == ["up.wav"])


def test_sentences_without_sound_are_noticed_and_forgiven(stage: Stage) -> None:
    voice = stage.voice()
    voice.say(say("no sound 1"))
    voice.say(say("no sound 2"))
    until(lambda: not voice.busy)
    assert not voice.working
    assert voice.problem
    voice.say(say("the headphones are back"))
    until(lambda: not voice.busy)
    assert voice.working
    assert voice.problem == ""


def test_no_engine_at_all_says_so_and_still_plays_tones(stage: Stage) -> None:
    (stage.folder / "absent").touch()
    voice = stage.voice()
    until(lambda: voice._given_up)
    assert not voice.working
    assert "no such engine" in voice.problem
    voice.say(say("anybody?"))
    until(lambda: not voice.busy)
    voice.play(Tone("lost"))
    until(lambda: stage.lines("played") == ["lost.wav"])


def test_a_program_that_cannot_be_started_is_a_problem_not_a_crash(stage: Stage) -> None:
    voice = SpokenVoice("en", stage.player, command=[str(stage.folder / "none")])
    stage.voices.append(voice)
    assert not voice.wait_until_ready()
    assert "cannot be started" in voice.problem
    voice.say(say("anybody?"))
    until(lambda: not voice.busy)


def test_a_language_without_a_voice_is_said(stage: Stage) -> None:
    voice = stage.voice("de")
    assert voice.working
    assert "no German voice" in voice.problem


def test_calls_do_not_wait_for_a_hanging_engine(stage: Stage) -> None:
    voice = stage.voice()
    voice.say(say("hang"))
    done = threading.Event()

    def use() -> None:
        for number in range(200):
            voice.say(say(f"sentence {number}"))
            voice.play(Tone("hold"))
            assert voice.busy
        voice.close()
        done.set()

    threading.Thread(target=use, daemon=True).start()
    assert done.wait(15)  # the engine hangs for a minute
    assert not voice.working
    voice.say(say("after closing"))
    assert not voice.busy


def test_closing_ends_every_process(stage: Stage) -> None:
    voice = stage.voice()
    until(lambda: voice._spare is not None and voice._spare.ready)
    voice.say(say("long story"))
    until(lambda: "long story" in stage.spoken)
    children = [voice._active, voice._spare]
    voice.close()
    for child in children:  # and what listens to it, at once: nothing may run on into the end of the program
        assert child is not None
        assert child._process.poll() is not None
        assert not child._listener.is_alive()
    voice.close()
    assert not Path(voice._folder.name).exists()


# -- tones -------------------------------------------------------------------------------------------------


def test_tones_are_played_while_speaking(stage: Stage) -> None:
    voice = stage.voice()
    voice.say(say("long story"))
    until(lambda: "long story" in stage.spoken)
    for name in ("up", "down"):
        voice.play(Tone(name))
        until(lambda name=name: f"{name}.wav" in stage.lines("played"))  # type: ignore[misc]
    assert voice.busy


def test_tones_that_fail_are_noticed(stage: Stage) -> None:
    (stage.folder / "mute").touch()
    voice = stage.voice()
    for number in range(3):
        voice.play(Tone("hold"))
        until(lambda number=number: len(stage.lines("played")) > number)  # type: ignore[misc]
    until(lambda: "tones cannot be heard" in voice.problem)
    assert voice.working


def frequency_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 16))
    return float(np.argmax(spectrum) * RATE_HZ / (1 << 16))


@pytest.mark.parametrize("name", NAMES)
def test_every_tone_is_short_soft_and_without_clicks(name: str) -> None:
    sound = tone_samples(name)  # type: ignore[arg-type]
    assert 0.04 <= len(sound) / RATE_HZ <= 0.8
    assert 0.1 < np.abs(sound).max() / 32767 <= PEAK
    assert abs(int(sound[0])) < 50
    assert abs(int(sound[-1])) < 50
    assert np.abs(np.diff(sound.astype(int))).max() < 0.25 * 32767
    assert 250 <= frequency_hz(sound) <= 1000  # where old ears still hear well


def test_tones_say_what_they_mean() -> None:
    sounds = {name: tone_samples(name) for name in NAMES}
    up, down = sounds["up"], sounds["down"]
    third = len(up) // 3
    assert frequency_hz(up[-third:]) > 1.2 * frequency_hz(up[:third])
    assert frequency_hz(down[:third]) > 1.2 * frequency_hz(down[-third:])
    assert frequency_hz(sounds["lost"]) == min(frequency_hz(s) for s in sounds.values())
    assert len(sounds["hold"]) < 0.1 * RATE_HZ
    loud = np.convolve(np.abs(sounds["paused"]) > 300, np.ones(200), "same") > 0
    assert np.count_nonzero(np.diff(loud.astype(int)) == 1) + bool(loud[0]) == 2  # two notes


def test_a_tone_is_a_wav_file(tmp_path: Path) -> None:
    file = tmp_path / "up.wav"
    file.write_bytes(tone_wav("up"))
    with wave.open(str(file)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, RATE_HZ)
        assert sound.getnframes() == len(tone_samples("up"))


# -- the rest ----------------------------------------------------------------------------------------------


def test_how_long_a_sentence_takes() -> None:
    assert spoken_s("") == 0.0
    # Measured with espeak-ng at 160 words a minute, in seconds.
    for text, measured in {
        "Seven.": 0.83,
        "Lower slowly.": 1.16,
        "Keep your waistband level.": 1.92,
        "I cannot see you yet. Please move so that your whole body is in the picture.": 4.59,
        "Halten Sie den Hosenbund waagerecht.": 2.52,
        "Ich kann Sie noch nicht sehen. Bitte gehen Sie so, dass Ihr ganzer Körper im Bild ist.": 5.39,
    }.items():
        assert spoken_s(text) == pytest.approx(measured, abs=max(0.35, 0.15 * measured))


def test_the_log_holds_every_word_and_tone_at_once(tmp_path: Path) -> None:
    times = iter([1.0, 2.5, 3.0])
    heard: list[object] = []
    inner = SilentVoice("no sound here")
    inner.say = heard.append  # type: ignore[method-assign]
    inner.play = heard.append  # type: ignore[method-assign]
    file = tmp_path / "speech.jsonl"
    voice: Voice = LoggedVoice(inner, file, clock=lambda: next(times))
    voice.say(Say("Heben Sie das Knie höher.", "fault.range_small", Priority.RANGE, fault="range_small"))
    voice.play(Tone("up"))
    voice.say(say("Stop.", Priority.SAFETY, interrupt=True))
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]  # not closed yet
    assert lines == [
        {
            "time_s": 1.0,
            "say": "Heben Sie das Knie höher.",
            "key": "fault.range_small",
            "priority": "range",
            "interrupt": False,
            "fault": "range_small",
        },
        {"time_s": 2.5, "tone": "up"},
        {
            "time_s": 3.0,
            "say": "Stop.",
            "key": "test",
            "priority": "safety",
            "interrupt": True,
            "fault": None,
        },
    ]
    assert len(heard) == 3
    assert (voice.working, voice.busy, voice.problem) == (False, False, "no sound here")
    voice.close()
    voice.say(say("after closing"))
    assert len(file.read_text(encoding="utf-8").splitlines()) == 3


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FormcheckError, match="speech log"):
        LoggedVoice(SilentVoice(""), tmp_path / "no" / "speech.jsonl")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_ends_the_log_not_the_voice() -> None:
    heard: list[object] = []
    inner = SilentVoice("")
    inner.say = heard.append  # type: ignore[method-assign]
    voice = LoggedVoice(inner, Path("/dev/full"))
    voice.say(say("one"))
    voice.say(say("two"))
    assert len(heard) == 2
    assert "no longer be written" in voice.problem
    voice.close()


def test_silence_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    muted = open_voice("en", muted=True)
    assert not muted.working
    assert "switched off" in muted.problem
    monkeypatch.setattr(voice_module, "find_player", lambda silence: (None, "No loudspeaker."))
    silent = open_voice("en")
    silent.say(say("anybody?"))
    silent.play(Tone("up"))
    assert (silent.busy, silent.working, silent.problem) == (False, False, "No loudspeaker.")
    silent.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has its own function")
def test_a_player_counts_only_if_it_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silence = tmp_path / "silence.wav"
    silence.write_bytes(tone_wav("hold"))
    monkeypatch.setattr("formcheck.coach.voice.player.sys.platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    player, problem = find_player(silence)
    assert player is None
    assert "alsa-utils" in problem

    def program(name: str, does: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)

    program("paplay", "exit 1")  # there, and no sound server
    player, problem = find_player(silence)
    assert player is None
    assert "loudspeakers" in problem
    program("pw-play", "exec /bin/sleep 60")
    program("aplay", "exit 0")
    player, problem = find_player(silence, timeout_s=0.3)
    assert player is not None
    assert player.command == ["aplay", "-q"]
    assert problem == ""


def voice_entry(name: str, *languages: object) -> SimpleNamespace:
    return SimpleNamespace(id=f"id {name}", name=name, languages=list(languages))


@pytest.mark.parametrize(
    ("language", "current", "expected"),
    [
        ("en", None, ("id Samantha", True)),  # no joke voice, though it comes first
        ("en", "id Bells", ("id Bells", True)),  # unless somebody chose it
        ("en", "id Anna", ("id Samantha", True)),
        ("de", None, ("id Anna", True)),
        ("fr", None, (None, False)),
    ],
)
def test_choosing_a_voice(language: str, current: str | None, expected: tuple[str | None, bool]) -> None:
    voices = [
        voice_entry("Bells", "en_US"),
        voice_entry("Samantha", b"\x05en-us"),
        voice_entry("Anna", "de_DE"),
        voice_entry("nameless"),
    ]
    assert speaker.choose_voice(voices, language, current) == expected


def test_british_english_comes_first() -> None:
    voices = [voice_entry("Caribbean", "en-029"), voice_entry("US", "en-us"), voice_entry("GB", "en-gb")]
    assert speaker.choose_voice(voices, "en", None) == ("id GB", True)


needs_espeak = pytest.mark.skipif(
    sys.platform != "linux"
    or not (ctypes.util.find_library("espeak-ng") or ctypes.util.find_library("espeak")),
    reason="needs espeak-ng",
)

#: Makes one sentence with an espeak that fails in one way, and prints its length in seconds, or null.
FAILING = """
import json, os, sys, wave
from pathlib import Path
from pyttsx3.drivers import espeak
from formcheck.coach.voice import speaker
from formcheck.coach.voice.player import Player
how, folder, text = sys.argv[1:]
speaking = speaker.Speaker("de", 160, Path(folder), Player(["true"]))
if how == "rate lost":
    real = espeak.EspeakDriver.setProperty
    espeak.EspeakDriver.setProperty = staticmethod(lambda name, value: name == "rate" or real(name, value))
if how == "never finished":
    speaker.ESPEAK_S = 0.2
    espeak.EspeakDriver._onSynth = lambda self, wav, number, events: 0
    espeak._espeak.SetSynthCallback(lambda wav, number, events: 0)
    espeak.EspeakDriver.startLoop = lambda self: Path(self._save_file).write_bytes(bytes(5000))
    speaking._engine.setProperty = lambda name, value: None
    driver = speaking._engine.proxy._driver
    speaking._engine.save_to_file = lambda text, file: setattr(driver, "_save_file", file)
file = speaking.file_of(text)
length_s = None
if file is not None:
    with wave.open(str(file)) as sound:
        length_s = sound.getnframes() / sound.getframerate()
os.write(2, b"made:" + json.dumps(length_s).encode())
os._exit(0)
"""


@needs_espeak
@pytest.mark.parametrize("how", ["whole", "rate lost", "never finished"])
def test_a_sentence_is_made_whole_and_at_our_rate_or_not_at_all(how: str, tmp_path: Path) -> None:
    text = "Halten Sie den Hosenbund waagerecht, und legen Sie das Knie langsam wieder ab."
    command = [sys.executable, "-c", FAILING, how, str(tmp_path), text]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "made:" in done.stderr, done.stderr
    length_s = json.loads(done.stderr.split("made:")[1])
    if how == "never finished":
        assert length_s is None
    else:
        assert length_s == pytest.approx(spoken_s(text), rel=0.1)  # at 200 words a minute it is 0.8 of it


@needs_espeak
def test_real_speech_becomes_sound_of_the_expected_length(stage: Stage) -> None:
    """The true speaking process and engine; a player that keeps what it is given."""
    keeper = stage.folder / "keeper.py"
    keeper.write_text(
        "import os, shutil, sys\n"
        "here = os.path.dirname(os.path.abspath(__file__))\n"
        "shutil.copy(sys.argv[1], os.path.join(here, 'kept' + str(len(os.listdir(here))) + '.wav'))\n",
        encoding="utf-8",
    )
    voice = SpokenVoice("de", Player([sys.executable, str(keeper)]))
    stage.voices.append(voice)
    assert voice.wait_until_ready(), voice.problem
    assert voice.problem == ""  # there is a German voice
    sentences = ["Halten Sie den Hosenbund waagerecht.", "Langsam ablegen.", "Langsam ablegen."]
    for text in sentences:
        voice.say(say(text))
    until(lambda: not voice.busy, 30)
    assert voice.working
    kept = sorted(stage.folder.glob("kept*.wav"))
    assert len(kept) == 3
    for file, text in zip(kept, sentences, strict=True):
        with wave.open(str(file)) as sound:
            samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
            length_s = sound.getnframes() / sound.getframerate()
        assert length_s == pytest.approx(spoken_s(text), abs=0.5)
        assert np.abs(samples).max() > 3000
    assert len(voice.start_delays_s) == 3
    long = "Bitte gehen Sie so, dass Ihr ganzer Körper im Bild ist. Dann geht es los, und ich zähle mit."
    # espeak works in a thread of its own: a sentence on the heels of another must be whole, and no crash.
    for number in range(8):
        voice.say(say(f"Nummer {number}. {long}"))
        until(lambda: not voice.busy, 30)
    assert voice._failures == 0
    lengths = []
    for file in set(stage.folder.glob("kept*.wav")) - set(kept):
        with wave.open(str(file)) as sound:
            lengths.append(sound.getnframes() / sound.getframerate())
    assert len(lengths) == 8
    assert min(lengths) > 0.8 * max(lengths)
