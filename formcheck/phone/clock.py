"""Matching a phone's clock to the session's, from messages that went there and back."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: Beyond this the two clocks count as not matched (wanted: within 30 ms).
CLOCK_LIMIT_S = 0.030
#: Messages are looked back at for so long: quartz drifts evenly for minutes.
_OVER_S = 120.0
_MOST_TRIPS = 1200
#: Drift is told from messages that lie so far apart, and is no larger than that of any phone [D].
_DRIFT_OVER_S = 20.0
_MOST_DRIFT = 3e-4
#: The quickest messages: those that took so little longer than the quickest of all.
_QUICK_S = 0.002
_QUICK = 1.5


@dataclass(frozen=True)
class ClockMatch:
    """How two clocks stand to each other.

    Attributes:
        at_s: time on the phone's clock at which `offset_s` holds.
        offset_s: what to add to the phone's time.
        drift: how much the offset grows in each second.
        error_s: by how much the offset may be off: half of what the quickest message took, and how far the
            quick ones disagree.
    """

    at_s: float
    offset_s: float
    drift: float
    error_s: float

    def to_host(self, phone_s: ArrayLike) -> Array:
        """Times on the phone's clock as times on this computer's."""
        t = np.asarray(phone_s, np.float64)
        return np.asarray(t + self.offset_s + self.drift * (t - self.at_s))


def match_clocks(trips: ArrayLike) -> ClockMatch | None:
    """The match that explains the messages best.

    A message that was sent at `a` and whose answer came at `b` on the phone's clock, and that was answered
    at `h` on this computer's, says that the offset is ``h - (a + b) / 2``, give or take ``(b - a) / 2``.
    Waiting in a queue makes that longer and lopsided, so the quickest messages are believed.

    Args:
        trips: ``(N, 3)`` rows of `a`, `h` and `b`, seconds, the latest last.

    Returns:
        The match, or None without a single message that makes sense.
    """
    rows = np.asarray(trips, np.float64).reshape(-1, 3)
    rows = rows[np.isfinite(rows).all(axis=1) & (rows[:, 2] >= rows[:, 0])]
    if not len(rows):
        return None
    sent, answered, received = rows[rows[:, 2] >= rows[-1, 2] - _OVER_S].T
    half = (received - sent) / 2
    offset = answered - (sent + received) / 2
    quick = half <= _QUICK * half.min() + _QUICK_S
    at, off = ((sent + received) / 2)[quick], offset[quick]
    now = float(at[-1])
    if at[-1] - at[0] >= _DRIFT_OVER_S:
        drift = float(np.clip(np.polyfit(at - now, off, 1)[0], -_MOST_DRIFT, _MOST_DRIFT))
    else:
        drift = 0.0
    at_now = off - drift * (at - now)
    middle = float(np.median(at_now))
    apart = float(np.median(np.abs(at_now - middle)))
    return ClockMatch(now, middle, drift, float(half.min()) + apart)


class PhoneClock:
    """Keeps the messages of the last minutes and matches the clocks by them."""

    def __init__(self) -> None:
        self._trips: deque[tuple[float, float, float]] = deque(maxlen=_MOST_TRIPS)
        self._match: ClockMatch | None = None

    def add(self, sent_s: float, answered_s: float, received_s: float) -> None:
        """One message there and back; see `match_clocks`."""
        trip = sent_s, answered_s, received_s
        if self._trips and (received_s < self._trips[-1][2] or self._has_jumped(trip)):
            self._trips.clear()  # the page was loaded anew, or its clock stood still
        self._trips.append(trip)
        self._match = match_clocks(list(self._trips))

    def _has_jumped(self, trip: tuple[float, float, float]) -> bool:
        """Whether the two clocks stand to each other as by what was known they cannot."""
        alone = match_clocks([trip])
        if alone is None or self._match is None:
            return False
        apart = float(self._match.to_host(alone.at_s)) - (alone.at_s + alone.offset_s)
        return abs(apart) > alone.error_s + CLOCK_LIMIT_S

    @property
    def match(self) -> ClockMatch | None:
        """The match by now; None before the first message."""
        return self._match
