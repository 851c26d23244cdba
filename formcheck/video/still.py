"""Where a recording's picture stands still: nothing that happened then can be seen in it.

A camera never takes the same picture twice: its noise alone is more than what is allowed here. A player that
hung, a video call that froze, a photograph cut in, or a clip that was padded gives one picture again and
again, or none for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Shorter is a dropped picture or two. [D]
LEAST_S = 1.0
LEAST_PICTURES = 3  # of a slow source
#: How far apart two pictures of the same thing may be at any place, levels of 255. Encoding the very same one
#: again changes 0 to 4; of 20 real and rendered clips none keeps to it for longer than 0.3 s.
SAME_LEVELS = 4
#: Now and then an encoder begins anew with a key picture, and takes a few pictures to come to rest.
ANEW_LEVELS, ANEW_MEAN_LEVELS, ANEW_EVERY_S, COMING_TO_REST_LEVELS = 64, 3.0, 0.4, 8
_POINTS_A_SIDE = 96
_NAMED = 5


@dataclass(frozen=True)
class Span:
    """A part of a recording, seconds since its start."""

    start_s: float
    end_s: float


class StillPictures:
    """Fed with every picture in turn, finds the spans in which they are one and the same.

    Attributes:
        spans: what was found so far; the one going on is not in it before `cut`.

    Args:
        fps: mean frame rate of the source, frames per second.
    """

    def __init__(self, fps: float) -> None:
        self.spans: list[Span] = []
        self._least_s = max(LEAST_S, LEAST_PICTURES / fps)
        self._first: NDArray[np.int16] | None = None
        self._before: NDArray[np.int16] | None = None
        self._since_s = self._anew_s = self._last_s = 0.0

    def add(self, image: NDArray[np.uint8], time_s: float) -> None:
        """Takes the next picture.

        Args:
            image: ``(height, width, 3)``; it is not kept.
            time_s: when it was taken, seconds.
        """
        step = max(1, min(image.shape[:2]) // _POINTS_A_SIDE)
        points = image[::step, ::step].astype(np.int16)
        if not self._goes_on(points, time_s):
            # The one before was to be seen until now, however often it was repeated.
            self._end(time_s)
            self._first = points
            self._since_s = self._anew_s = time_s
        self._before, self._last_s = points, time_s

    def _goes_on(self, points: NDArray[np.int16], time_s: float) -> bool:
        if self._first is None or self._before is None or points.shape != self._before.shape:
            return False
        if not _alike(points, self._first):  # very slow movement
            return False
        lately = time_s - self._anew_s < ANEW_EVERY_S
        apart = np.abs(points - self._before).max(initial=0)
        if apart <= (COMING_TO_REST_LEVELS if lately else SAME_LEVELS):
            return True
        if lately or not _alike(points, self._before):
            return False
        self._anew_s = time_s
        return True

    def cut(self) -> None:
        """Says that there is no next picture: the end, or a part that is missing."""
        self._end(self._last_s)
        self._first = None

    def _end(self, time_s: float) -> None:
        if self._first is not None and time_s - self._since_s >= self._least_s:
            self.spans.append(Span(self._since_s, time_s))


def in_words(spans: Sequence[Span]) -> str:
    """Where something was: ``"from 3.0 to 5.0 s and from 8.0 to 9.5 s"``."""
    named = [f"from {span.start_s:.1f} to {span.end_s:.1f} s" for span in spans[:_NAMED]]
    more = f" and {len(spans) - _NAMED} times more" if len(spans) > _NAMED else ""
    if len(named) > 1 and not more:
        return f"{', '.join(named[:-1])} and {named[-1]}"
    return ", ".join(named) + more


def _alike(points: NDArray[np.int16], others: NDArray[np.int16]) -> bool:
    apart = np.abs(points - others)
    return bool(apart.max(initial=0) <= ANEW_LEVELS and apart.mean() <= ANEW_MEAN_LEVELS)
