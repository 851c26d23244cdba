"""Is there light enough, and does it come from the right side? Judged from one camera picture."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Light = Literal["fine", "dark", "backlit"]

# Levels of 255. From an experiment with the pose model `full`: frames of 14 clips (rendered, filmed at home,
# studio) were dimmed in linear light, with a sensor's noise, step by step to 1/128. Landmarks stay where they
# are (under 0.05 trunk lengths) down to a 95th percentile of about 60 to 80, and people begin to be missed
# between 31 and 69 (one clip at 95). So the request for more light comes a little before. The darkest of the
# clips as filmed has 110 there and a median of 28, and is read well.
DARK_BRIGHTEST = 80.0
DARK_MEDIAN = 20.0
# A window or lamp behind the patient: the camera exposes for it, so a part of the picture is (nearly) white
# and all the rest is as dark as above. Small lamps (under 5 %) do not steer a camera's exposure;
# more than 60 % white is a white room in which somebody wears black.
WINDOW_LEVEL = 220
WINDOW_SHARE = (0.05, 0.60)
BACKLIT_REST = 50.0


def sampled(image_bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey levels of a few pixels of a picture: about 120 rows or columns."""
    step = max(1, min(image_bgr.shape[:2]) // 120)
    picked = np.ascontiguousarray(image_bgr[::step, ::step])
    return cv2.cvtColor(picked, cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]


def image_light(image_bgr: NDArray[np.uint8]) -> Light:
    """Judge the light of one picture.

    Args:
        image_bgr: ``(height, width, 3)`` uint8.

    Returns:
        ``"dark"``: even the bright parts are dark, or more than half is nearly black. ``"backlit"``: a part
        is nearly white and the rest dark. Else ``"fine"``.
    """
    level = sampled(image_bgr)
    if np.percentile(level, 95) < DARK_BRIGHTEST:
        return "dark"
    window = level >= WINDOW_LEVEL
    least, most = WINDOW_SHARE
    if least <= window.mean() <= most and np.median(level[~window]) < BACKLIT_REST:
        return "backlit"
    return "dark" if np.median(level) < DARK_MEDIAN else "fine"
