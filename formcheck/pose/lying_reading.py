"""What the network for people who lie on their side says about one frame, as a row of numbers."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from formcheck.pose import frame_arrays as arrays


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
#: A reading is the mean over so many crops, read one after another.
CROPS = 3


def centred(lying: NDArray[np.float32], time_s: NDArray[np.float64]) -> NDArray[np.float32]:
    """Readings of a recording, each at the middle of the times at which its crops were read.

    The newest crop of a row was read in its frame, the others before, and the row stays until the next is
    read. Somebody who practises cannot wait; a recording can, and is not late.

    Args:
        lying: ``(T, 12)`` readings as they were made.
        time_s: ``(T,)`` of the frames.

    Returns:
        ``(T, 12)``: turns, scales and spreads moved in time, the rest as it was.
    """
    out = arrays.empty(lying.shape, np.float32)
    arrays.copy(lying, out)
    columns = range(Lying.ROLL, Lying.CHEST_SPREAD + 1)
    stretches = lying[:, Lying.STRETCH]
    for stretch in np.unique(stretches[np.isfinite(stretches)]):
        rows = np.flatnonzero(stretches == stretch)
        read = np.arange(len(rows)) == 0
        for i in columns:  # one at a time: an hour of them would fill the memory
            read[1:] |= np.diff(lying[rows, i]) != 0
        at = time_s[rows[read]]
        if len(at) < CROPS:
            continue
        middle = at - (CROPS - 1) / 2 * np.median(np.diff(at))
        for i in columns:
            out[rows, i] = np.interp(time_s[rows], middle, lying[rows[read], i])
    return out
