"""Where frames come from: a video file (and, live, a camera)."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """One picture and when it was taken.

    Attributes:
        image: ``(height, width, 3)`` uint8, BGR, upright, never mirrored.
        time_s: capture (presentation) time in seconds since the start of the source, never decreasing.
        index: number of the frame in its source, from 0.
    """

    image: NDArray[np.uint8]
    time_s: float
    index: int
