"""Colours and words shared by everything that is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Color = tuple[int, int, int]
Image = NDArray[np.uint8]


def bgr(hex_rgb: str) -> Color:
    """An OpenCV colour from ``#rrggbb``."""
    return int(hex_rgb[5:7], 16), int(hex_rgb[3:5], 16), int(hex_rgb[1:3], 16)


PANEL = bgr("#12161d")
RULE = bgr("#2b3340")
INK = bgr("#f4f6f9")
INK_SOFT = bgr("#b6bfcc")
HALO = bgr("#0b0e12")
#: Skeleton: what is measured, what is trusted, what is not.
MEASURED = bgr("#35e0c2")
TRUSTED = bgr("#a9cdf7")
UNTRUSTED = bgr("#9097a1")
FAULT = bgr("#ffb547")
SHIFT = 3  # fractional bits of drawing coordinates


def fixed_point(xy: NDArray[np.float64]) -> NDArray[np.int32]:
    """Coordinates with `SHIFT` fractional bits, for OpenCV; far ones are pulled in, NaN is 0."""
    limited = np.clip(np.nan_to_num(xy), -20_000, 20_000)
    return np.round(limited * (1 << SHIFT)).astype(np.int32)
