"""What the network for people who lie on their side says about one frame, as a row of numbers."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Lying(IntEnum):
    """Columns of a reading, float32.

    Angles are in degrees, + as the measures have it: pelvis and chest back, thigh up. They are changes
    since some earlier picture of the same stretch, so only differences within a stretch mean anything.

    STRETCH: number of the stretch, from 1: another one begins where a new crop was laid.
    ROLL, OPENING, CHEST: turn of pelvis, thigh and chest.
    ROLL_SCALE, OPENING_SCALE, CHEST_SCALE: the network's own scale of their errors.
    ROLL_SPREAD, OPENING_SPREAD, CHEST_SPREAD: standard deviation over the crops that are read in turn.
    JOINTS_OFF: mean distance of the network's joints from the landmarks, body sizes: pictures far from those
        that the network learned from show here. While the landmarks alone are elsewhere, or lost, that of its
        hips and shoulders from where it saw them first.
    THIGH_TO_SHANK: how far the thighs reach towards the feet in the picture, along the trunk's line, over how
        far the shanks do; of the leg in which that is more. Straight legs show 0.5 to 0.9 from anywhere,
        thighs that point at the camera nothing, from the feet less than nothing.
    """

    STRETCH = 0
    ROLL = 1
    OPENING = 2
    CHEST = 3
    ROLL_SCALE = 4
    OPENING_SCALE = 5
    CHEST_SCALE = 6
    ROLL_SPREAD = 7
    OPENING_SPREAD = 8
    CHEST_SPREAD = 9
    JOINTS_OFF = 10
    THIGH_TO_SHANK = 11


LYING_COUNT = len(Lying)
NO_READING: NDArray[np.float32] = np.full(LYING_COUNT, np.nan, np.float32)
NO_READING.flags.writeable = False
