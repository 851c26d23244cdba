"""What the network for people who lie says about one frame, as a row of numbers."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Lying(IntEnum):
    """Columns of a reading, float32. A body on its side and one on its back share them.

    Angles are in degrees, + as the measures have it. They are changes since some earlier picture of the same
    stretch, so only differences within a stretch mean anything.

    STRETCH: number of the stretch, from 1: another one begins where a new crop was laid.
    ROLL, OPENING, CHEST: on the side, turn of pelvis (back +), thigh (up +) and chest (back +).
    DROP, TWIST, LIFT: on the back, turn of the pelvis about the body's long axis (right side down +) and about
        the vertical, degrees, and rise of the hips, thigh lengths.
    ROLL_SCALE, OPENING_SCALE, CHEST_SCALE: the network's own scale of their errors, their units.
    ROLL_SPREAD, OPENING_SPREAD, CHEST_SPREAD: standard deviation over the crops that are read in turn.
    JOINTS_OFF: mean distance of the network's joints from the landmarks, body sizes: pictures far from those
        that the network learned from show here.
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
    DROP = 1
    TWIST = 2
    LIFT = 3


LYING_COUNT = len(Lying)
NO_READING: NDArray[np.float32] = np.full(LYING_COUNT, np.nan, np.float32)
NO_READING.flags.writeable = False
