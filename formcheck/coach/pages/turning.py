"""Which way the pages are turned for somebody who lies on the side and looks at the screen.

For somebody on the side the head is up, and so it should be for the letters. The camera's picture stays as a
mirror shows it: what goes up in the room goes up in it.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from formcheck.pose.landmarks import Landmark

#: Degrees clockwise by which a page is turned.
Turn = Literal[0, 90, 270]

#: Views from which somebody on the side faces the screen.
FACING = ("front", "oblique")
#: A trunk within this of the horizontal lies; beyond the other one it does not [D].
_LIES_DEG, _UP_DEG = 30.0, 50.0
#: What is seen has to last so long before the page turns [D].
_LASTS_S = 1.0

_SHOULDERS = (Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER)
_HIPS = (Landmark.LEFT_HIP, Landmark.RIGHT_HIP)


class Turning:
    """Follows how somebody lies, frame by frame.

    Attributes:
        turn: how the page is turned now.
    """

    def __init__(self) -> None:
        self.turn: Turn = 0
        self._next: tuple[Turn, float] = (0, 0.0)  # what is seen, and since when

    def update(self, time_s: float, xy: NDArray[np.floating[Any]] | None) -> None:
        """One frame.

        Args:
            time_s: its time.
            xy: landmarks, ``(33, 2)`` in the unmirrored picture's pixels; None where nobody is seen, which
                changes nothing.
        """
        if xy is None:
            return
        seen = self._seen(np.asarray(xy, np.float64))
        if seen != self._next[0]:
            self._next = (seen, time_s)
        elif time_s - self._next[1] >= _LASTS_S:
            self.turn = seen

    def _seen(self, xy: NDArray[np.float64]) -> Turn:
        across, down = xy[list(_SHOULDERS)].mean(axis=0) - xy[list(_HIPS)].mean(axis=0)
        if not np.isfinite(across + down):
            return self.turn
        tilt_deg = np.degrees(np.arctan2(abs(down), abs(across)))
        if tilt_deg > (_UP_DEG if self.turn else _LIES_DEG):
            return 0
        # The screen shows it mirrored: a head on the picture's left is on the right there.
        return 90 if across < 0 else 270
