"""What a phone in the waistband sends: the samples that have come."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from formcheck.coach.phone.link import LATEST_MS, NONSENSE, PhoneLink, is_number, trip_of
from formcheck.errors import FormcheckError
from formcheck.phone.sample import RATE, SAMPLE_COUNT, UP, Sample, up_of
from formcheck.review.answers import answered, json_body
from formcheck.video.live_source import live_clock
from formcheck.words import Words

Array = NDArray[np.float64]

#: A tenth of a second of the quickest sensor is 20; a page that had to wait sends what piled up meanwhile.
_MOST_ROWS = 600
#: Kept until they are asked for; more, and the oldest go.
_MOST_KEPT = 6000
_MOST_DEG, _MOST_DEG_S = 180.5, 1e5


class PelvisLink(PhoneLink):
    """One phone in the waistband: `formcheck.phone.sample.PhoneSource`.

    Args:
        words: of the page.
    """

    role = "pelvis"

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self._come: deque[Array] = deque(maxlen=_MOST_KEPT)

    def now_s(self) -> float:
        """See `PhoneSource`."""
        return live_clock()

    def take(self) -> Array:
        """See `PhoneSource`."""
        with self._lock:
            rows = list(self._come)
            self._come.clear()
        return np.array(rows, np.float64).reshape(-1, SAMPLE_COUNT)

    def _posts(self) -> Mapping[str, Callable[[Request], Any]]:
        return {"/api/samples": self.samples}

    @answered
    async def samples(self, request: Request) -> Response:
        """What the phone has felt since it last sent, and the way of an earlier message."""
        now = live_clock()
        body = await json_body(request)
        rows, trip = _rows(body.get("rows")), trip_of(body.get("trip"), now)
        self._heard(trip, now, works=len(rows) > 0)
        match = self._match()
        if match is not None and len(rows):  # else its times mean nothing here yet
            rows[:, Sample.TIME_S] = match.to_host(rows[:, Sample.PHONE_S])
            rows[:, Sample.CLOCK_S] = match.error_s
            with self._lock:
                self._come.extend(rows)
        return JSONResponse({"answered": now})


def _rows(given: Any) -> Array:
    """``(N, 9)`` samples from rows of milliseconds, beta, gamma and three rates, which may be null.

    Raises:
        FormcheckError: they are something else.
    """
    if not isinstance(given, list) or len(given) > _MOST_ROWS:
        raise FormcheckError(NONSENSE)
    if not all(isinstance(row, list) and len(row) == 6 and all(map(is_number, row[:3])) for row in given):
        raise FormcheckError(NONSENSE)
    if not all(cell is None or is_number(cell) for row in given for cell in row[3:]):
        raise FormcheckError(NONSENSE)
    raw = np.array([[math.nan if cell is None else float(cell) for cell in row] for row in given]).reshape(
        -1, 6
    )
    if not (
        (np.abs(raw[:, 0]) < LATEST_MS).all()
        and (np.abs(raw[:, 1:3]) < _MOST_DEG).all()
        and (np.nan_to_num(np.abs(raw[:, 3:])) < _MOST_DEG_S).all()
    ):
        raise FormcheckError(NONSENSE)
    rows = np.full((len(raw), SAMPLE_COUNT), np.nan)
    rows[:, Sample.PHONE_S] = raw[:, 0] / 1000
    rows[:, UP] = up_of(raw[:, 1], raw[:, 2])
    rows[:, RATE] = raw[:, 3:]
    return rows
