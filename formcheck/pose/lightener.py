"""Dark pictures made lighter, and their noise smoothed, before the networks see them.

A camera's noise in the dark is what the networks lose people by; made lighter alone they lose them rather
sooner (docs/lab_notes.md, "Real clips filmed anew"). What is stored, drawn and said of the light is of the
picture as it was. One that is light enough is handed on as it is, to the bit.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.video.file import Frame
from formcheck.video.light import DARK_BRIGHTEST, sampled

#: Levels of 255: 95th percentile and median below which all of it is done, and from which on nothing is. In
#: between so much of it that nothing jumps. Of 300 clips, real and rendered, one is darker as filmed (75).
_BRIGHTEST = (60.0, DARK_BRIGHTEST)
_MEDIAN = (18.0, 23.0)
#: Mean level that a dark picture gets.
_AIM = 80.0
#: A row or column of pixels without anything lighter than this is a black bar.
_BAR = 16
#: The light is looked at this often, and followed this slowly: landmarks must not move with it.
_LOOK_EVERY_S, _FOLLOWS_S = 0.25, 2.0
#: Noise is smoothed over one pixel more for so many of the longer side: networks see a body in 256 pixels.
_SIDE_FOR_A_PIXEL = 500


class Lightener:
    """Makes frames of one recording or session lighter where they are dark. They come in order of time."""

    def __init__(self) -> None:
        self._light: NDArray[np.float64] | None = None
        self._looked_s = -math.inf
        self._share, self._levels = 0.0, np.arange(256, dtype=np.uint8)

    def __call__(self, frame: Frame) -> Frame:
        """The frame itself where it is light enough, else a lighter copy."""
        if frame.time_s - self._looked_s >= _LOOK_EVERY_S - 1e-3:
            self._look(frame)
        if self._share == 0.0:
            return frame
        image = frame.image
        side = 2 * max(round(max(image.shape) / _SIDE_FOR_A_PIXEL), 1) + 1
        smooth = cv2.blur(image, (side, side))
        if self._share < 1.0:
            smooth = cv2.addWeighted(smooth, self._share, image, 1 - self._share, 0)
        lighter: NDArray[np.uint8] = cv2.LUT(smooth, self._levels)  # type: ignore[assignment]
        return Frame(lighter, frame.time_s, frame.index)

    def _look(self, frame: Frame) -> None:
        """Follow the light of this frame."""
        now = _light_of(frame.image)
        if self._light is None:
            self._light = now
        else:
            self._light += (1 - math.exp((self._looked_s - frame.time_s) / _FOLLOWS_S)) * (now - self._light)
        self._looked_s = frame.time_s
        brightest, median, mean = self._light
        self._share = max(_below(brightest, *_BRIGHTEST), _below(median, *_MEDIAN))
        self._levels = lighter_levels(mean, self._share)


def lighter_levels(mean: float, share: float) -> NDArray[np.uint8]:
    """``(256,)`` what becomes of each level: dark ones are multiplied, none is cut off at the light end.

    Args:
        mean: level of the picture, 0 to 255.
        share: how much of it is done, 0 to 1.
    """
    now, aim = max(mean, 1.0) / 255, _AIM / 255
    times = 1 + share * max(aim * (1 - now) / (now * (1 - aim)) - 1, 0.0)
    level = np.arange(256) / 255
    return np.asarray(np.round(255 * times * level / (1 + (times - 1) * level)), np.uint8)


def _light_of(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """``(3,)`` 95th percentile, median and mean level, black bars left out."""
    level = sampled(image)
    lit = level > _BAR
    inside = level[lit.any(axis=1)][:, lit.any(axis=0)]
    if inside.size == 0:
        inside = level
    return np.array([np.percentile(inside, 95), np.median(inside), inside.mean()])


def _below(value: float, all_: float, nothing: float) -> float:
    return float(np.clip((nothing - value) / (nothing - all_), 0.0, 1.0))
