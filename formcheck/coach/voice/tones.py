"""The coach's short sounds, as numbers: soft, low enough for old ears, told apart without looking.

``up`` glides upwards, ``down`` downwards, ``hold`` is a tick, ``held`` a bell at a prescribed hold's end,
``lost`` one low chime, ``paused`` two equal notes (spec 7.4). Nothing here makes a sound; `player.py` does.
"""

from __future__ import annotations

import io
import wave
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from formcheck.coach.message import ToneName

RATE_HZ = 22050
PEAK = 0.3  # of full scale: under the voice, never startling
EDGE_S = 0.012  # fade in and out, without which a speaker clicks

NAMES: tuple[ToneName, ...] = get_args(ToneName)


def tone_samples(name: ToneName) -> NDArray[np.int16]:
    """The sound of a tone: ``(n,)`` int16, one channel at `RATE_HZ`."""
    if name == "up":
        sound = _note(np.geomspace(440.0, 660.0, _length(0.28)))
    elif name == "down":
        sound = _note(np.geomspace(660.0, 440.0, _length(0.28)))
    elif name == "hold":
        sound = _note(np.full(_length(0.06), 880.0)) * 0.6
    elif name == "held":
        fade = np.exp(-np.arange(_length(0.6)) / (0.2 * RATE_HZ))
        sound = _note(np.full(_length(0.6), 784.0)) * fade
    elif name == "lost":
        fall = np.exp(-np.arange(_length(0.7)) / (0.22 * RATE_HZ))
        sound = _note(np.full(_length(0.7), 294.0)) * fall
    else:
        note = _note(np.full(_length(0.14), 523.0))
        sound = np.concatenate([note, np.zeros(_length(0.09)), note])
    return np.round(sound * PEAK * 32767).astype(np.int16)


def tone_wav(name: ToneName) -> bytes:
    """The same as a WAV file."""
    return wav(tone_samples(name))


def wav(samples: NDArray[np.int16]) -> bytes:
    """Samples at `RATE_HZ` as a WAV file with one channel."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def _length(seconds: float) -> int:
    return round(seconds * RATE_HZ)


def _note(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """A sine of that frequency at each sample, with a little of its octave, faded in and out."""
    phase = 2 * np.pi * np.cumsum(frequency_hz) / RATE_HZ
    sound = (np.sin(phase) + 0.25 * np.sin(2 * phase)) / 1.25
    edge = 0.5 - 0.5 * np.cos(np.pi * np.arange(_length(EDGE_S)) / _length(EDGE_S))
    sound[: len(edge)] *= edge
    sound[-len(edge) :] *= edge[::-1]
    return sound
