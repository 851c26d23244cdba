"""How well a keyword spotter hears four commands: ``pip install pocketsphinx``, then this script.

Synthesised voices (espeak-ng and flite) say the commands in a made room, 0.5 and 2 m from the microphone.
Thresholds are chosen on some voices and judged on others; against them stand other speech and all that the
coach says. Only what is said alone counts, with a pause before and after.
docs/lab_notes.md, "Voice commands".
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import pocketsphinx
import tomllib

ROOT = Path(__file__).parents[1]
RATE = 16000
PHRASES = {
    "pause": ("pause", "please pause"), "go on": ("go on", "please go on"),
    "stop": ("please stop", "stop now"), "it hurts": ("it hurts", "that hurts"),
}  # fmt: skip
#: Engine, voice, words a minute or stretch.
CHOOSING = (
    ("espeak-ng", "en-us+m3", "150"), ("espeak-ng", "en-gb+f2", "145"),
    ("espeak-ng", "en-gb-scotland+m1", "140"), ("espeak-ng", "en-us+f4", "165"),
    ("flite", "kal16", "1.0"), ("flite", "awb", "1.05"),
)  # fmt: skip
JUDGING = (
    ("flite", "slt", "1.0"), ("flite", "slt", "1.2"), ("flite", "rms", "1.0"), ("flite", "rms", "1.15"),
    ("espeak-ng", "en-us+grandma", "135"), ("espeak-ng", "en-gb+m5", "150"),
    ("espeak-ng", "en-us+f3", "150"),
)  # fmt: skip
#: Metres to the microphone, speech over noise in dB.
PLACES = ((0.5, 30.0), (2.0, 25.0), (2.0, 12.0))
THRESHOLDS = ("1e-5", "1e-15", "1e-30")
LONGEST_S = 2.6  # a command and the pause at its end
REVERB_S, CRITICAL_M = 0.45, 0.8
SHORT = """yes, no, okay, all right, thank you, come here, sit down, who is it, just a moment, wait, hold on,
not now, I'm coming, in the kitchen, I don't know, maybe later, oh no, hello, come on, come in, look
at that, ouch, very good, one, two, three, four, five, turn it off, it helps, it works, it's hot,
that helps, because, applause, pass it on, drop it, don't stop, it stopped, what's going on, go
home, go out, carry the bag, my hip is stiff, nearly done, that was hard, breathe in, slowly, a bit
more, up, down, again, can you help me, let's go, please come here, please sit, please don't"""


def spoken(text: str, voice: tuple[str, str, str], folder: Path) -> np.ndarray:
    """Speech at 16 kHz, loudness 1."""
    engine, name, rate = voice
    file = folder / (hashlib.sha256(repr((text, voice)).encode()).hexdigest()[:24] + ".wav")
    if not file.exists():
        flite = ["flite", "-voice", name, "--setf", f"duration_stretch={rate}", "-t", text, "-o", str(file)]
        espeak = ["espeak-ng", "-v", name, "-s", rate, "-w", str(file), text]
        subprocess.run(flite if engine == "flite" else espeak, check=True, stderr=subprocess.DEVNULL)
    with wave.open(str(file)) as made:
        x = np.frombuffer(made.readframes(made.getnframes()), np.int16) / 32768
        x = np.interp(np.arange(0, len(x), made.getframerate() / RATE), np.arange(len(x)), x)
    loud = np.flatnonzero(np.abs(x) > 0.01)
    x = x[loud[0] : loud[-1]]
    return x / np.sqrt((x**2).mean())


def in_room(x: np.ndarray, metres: float, rng: np.random.Generator) -> np.ndarray:
    """Direct sound, and an echo that dies away by 60 dB in `REVERB_S`."""
    n = int(REVERB_S * RATE)
    echo = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    size = len(x) + n
    echoed = np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(echo / np.sqrt((echo**2).sum()), size), size)
    echoed /= CRITICAL_M
    echoed[: len(x)] += x / metres
    return echoed


def recorded(x: np.ndarray, over_noise_db: float, rng: np.random.Generator) -> np.ndarray:
    """What a microphone with its gain set gives: speech and pink noise, 16 bits."""
    f = np.maximum(np.fft.rfftfreq(len(x), 1 / RATE), 20.0)
    noise = np.fft.irfft(
        (rng.standard_normal(len(f)) + 1j * rng.standard_normal(len(f))) / np.sqrt(f), len(x)
    )
    loud = np.sqrt((x[np.abs(x) > 0.05] ** 2).mean())
    x = x + noise * loud / np.sqrt((noise**2).mean()) * 10 ** (-over_noise_db / 20)
    return np.clip(x * 0.06 / loud * 32767, -32767, 32767).astype(np.int16)


def alone(x: np.ndarray) -> list[np.ndarray]:
    """Pieces of speech with a pause before and after, and no longer than a command."""
    finder = pocketsphinx.Endpointer(sample_rate=RATE, window=0.3, ratio=0.9)
    step, out, piece = finder.frame_bytes // 2, [], []
    for i in range(0, len(x) - step, step):
        speech = finder.process(x[i : i + step].tobytes())
        if speech is not None:
            piece.append(speech)
            if not finder.in_speech:
                out.append(np.frombuffer(b"".join(piece), np.int16))
                piece = []
    return [p for p in out if len(p) <= LONGEST_S * RATE]


class Spotter:
    """Tells which phrases a piece of speech holds."""

    def __init__(self, thresholds: dict[str, str], folder: Path) -> None:
        file = folder / "phrases.txt"
        file.write_text("".join(f"{phrase} /{least}/\n" for phrase, least in thresholds.items()))
        self._decoder = pocketsphinx.Decoder(
            pocketsphinx.Config(kws=str(file), lm=None, samprate=RATE, loglevel="FATAL")
        )

    def heard(self, pieces: list[np.ndarray]) -> set[str]:
        out: set[str] = set()
        for piece in pieces:
            self._decoder.start_utt()
            self._decoder.process_raw(np.pad(piece, (1600, 3200)).tobytes(), full_utt=True)
            self._decoder.end_utt()
            out |= {one.word.strip() for one in self._decoder.seg()} if self._decoder.hyp() else set()
        return out


def commands(
    voices: tuple[tuple[str, str, str], ...], folder: Path
) -> list[tuple[str, str, int, list[np.ndarray]]]:
    """Command, phrase, number of the place, pieces."""
    rng, out, quiet = np.random.default_rng(1), [], np.zeros(RATE // 2)
    for command, phrases in PHRASES.items():
        for phrase in phrases:
            for voice in voices:
                for place, (metres, over_noise_db) in enumerate(PLACES):
                    x = np.concatenate([quiet, in_room(spoken(phrase, voice, folder), metres, rng), quiet])
                    out.append((command, phrase, place, alone(recorded(x, over_noise_db, rng))))
    return out


def talk(
    voices: tuple[tuple[str, str, str], ...], minutes: float, seed: int, folder: Path
) -> list[np.ndarray]:
    """Sentences of the documents and short calls, as a visitor or a radio says them."""
    rng = np.random.default_rng(seed)
    prose = " ".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "docs").glob("*.md")))
    lines = [
        s.strip()
        for s in re.split(r"[.,:;()|`*#\n]+", prose)
        if re.fullmatch(r"[A-Za-z' ]{4,120}", s.strip())
    ]
    short = [s.strip() for s in SHORT.replace("\n", " ").split(",")]
    chunks, total = [], 0
    while total < minutes * 60 * RATE:
        text = str(rng.choice(short if rng.random() < 0.25 else lines))
        x = in_room(spoken(text, voices[rng.integers(len(voices))], folder), rng.choice([1.5, 2.0, 3.0]), rng)
        chunks += [x, np.zeros(int(rng.choice([0.2, 0.5, 0.8, 1.5]) * RATE))]
        total += len(chunks[-2]) + len(chunks[-1])
    return alone(recorded(np.concatenate(chunks), 20.0, rng))


def coach(voice: tuple[str, str, str], folder: Path) -> list[np.ndarray]:
    """All that the coach says, from a loudspeaker beside the microphone."""

    def texts(table: dict[str, object]) -> list[str]:
        parts = [texts(v) if isinstance(v, dict) else [str(v)] for v in table.values()]
        return [text for part in parts for text in part]

    rng, lines = np.random.default_rng(3), [str(n) for n in range(1, 16)]
    for name in ("voice", "show", "setup", "programme"):
        lines += texts(tomllib.loads((ROOT / f"formcheck/words/en/{name}.toml").read_text(encoding="utf-8")))
    sounds = [in_room(spoken(re.sub(r"\{\w+\}", "three", text), voice, folder), 0.5, rng) for text in lines]
    return alone(recorded(np.concatenate([np.pad(x, (0, RATE)) for x in sounds]), 25.0, rng))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=60.0, help="of other speech, to judge by")
    asked.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "formcheck-voices")
    options = asked.parse_args()
    folder = options.folder
    folder.mkdir(exist_ok=True, parents=True)
    of = {phrase: command for command, phrases in PHRASES.items() for phrase in phrases}
    trial, other = commands(CHOOSING, folder), talk(CHOOSING, options.minutes / 3, 11, folder)
    print(f"chosen on {len(trial)} commands, {len(other)} short pieces of other speech", flush=True)
    chosen: dict[str, str] = {}
    for least in THRESHOLDS:
        spotter = Spotter(dict.fromkeys(of, least), folder)
        heard = [(c, p, place, spotter.heard(pieces)) for c, p, place, pieces in trial]
        false = [spotter.heard([piece]) for piece in other]
        for phrase in of:
            found = np.mean([phrase in h for _, p, _, h in heard if p == phrase])
            taken = sum(phrase in h for c, _, _, h in heard if c != of[phrase])
            alarms = sum(phrase in h for h in false)
            print(
                f"{least:>6} {phrase:13} found {found:4.0%}, for another {taken}, in other speech {alarms}",
                flush=True,
            )
            if alarms == 0:
                chosen[phrase] = least
    print("judged with", chosen, flush=True)
    spotter = Spotter(chosen, folder)
    heard = [
        (c, place, {of[x] for x in spotter.heard(pieces)})
        for c, p, place, pieces in commands(JUDGING, folder)
        if p in chosen
    ]
    for place, (metres, over_noise_db) in enumerate(PLACES):
        here = [(c, h) for c, q, h in heard if q == place]
        right, wrong = np.mean([c in h for c, h in here]), np.mean([bool(h - {c}) for c, h in here])
        print(
            f"{metres:g} m, {over_noise_db:g} dB: {right:.0%} of {len(here)} understood, {wrong:.0%} wrong",
            flush=True,
        )
    for name, pieces in (
        ("other speech", talk(JUDGING, options.minutes, 12, folder)),
        ("the coach", coach(CHOOSING[0], folder)),
    ):
        false = [h for h in (spotter.heard([piece]) for piece in pieces) if h]
        print(f"{name}: {len(pieces)} short pieces, {len(false)} false commands", flush=True)


if __name__ == "__main__":
    main()
