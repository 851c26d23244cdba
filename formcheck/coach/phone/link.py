"""What the phone's page sends and is told: the routes of its server, and the samples that have come."""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from formcheck.errors import FormcheckError
from formcheck.phone.clock import PhoneClock
from formcheck.phone.sample import RATE, SAMPLE_COUNT, UP, Sample, up_of
from formcheck.review.answers import answered, failed, http_error, json_body
from formcheck.video.live_source import live_clock
from formcheck.words import Words, said_of

Array = NDArray[np.float64]

STATIC = Path(__file__).parent / "static"
#: A tenth of a second of the quickest sensor is 20; a page that had to wait sends what piled up meanwhile.
_MOST_ROWS = 600
#: Kept until they are asked for; more, and the oldest go.
_MOST_KEPT = 6000
#: A phone that was silent for longer than this is not there.
_THERE_S = 2.0
_LATEST_MS = 1e10
_MOST_DEG, _MOST_DEG_S = 180.5, 1e5
_NONSENSE = "No phone says that."


class PhoneLink:
    """One phone in the waistband: `formcheck.phone.sample.PhoneSource`.

    Args:
        words: of the page.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        self._lock = threading.Lock()
        self._clock = PhoneClock()
        self._come: deque[Array] = deque(maxlen=_MOST_KEPT)
        self._heard_s = -math.inf

    # --- for the session ----------------------------------------------------------------------------

    def now_s(self) -> float:
        """See `PhoneSource`."""
        return live_clock()

    def take(self) -> Array:
        """See `PhoneSource`."""
        with self._lock:
            rows = list(self._come)
            self._come.clear()
        return np.array(rows, np.float64).reshape(-1, SAMPLE_COUNT)

    @property
    def there(self) -> bool:
        """Whether the phone sends what it feels."""
        return live_clock() - self._heard_s < _THERE_S

    @property
    def clock_error_s(self) -> float | None:
        """How far the two clocks may be apart; None before that is known."""
        with self._lock:
            match = self._clock.match
        return None if match is None else match.error_s

    # --- for the phone ------------------------------------------------------------------------------

    def app(self) -> Starlette:
        """The application; it asks nobody who they are: that is for the guard before it."""
        return Starlette(
            routes=[
                Route("/", self.page),
                Route("/api/samples", self.samples, methods=["POST"]),
                Mount("/static", StaticFiles(directory=STATIC)),
            ],
            exception_handlers={HTTPException: http_error, Exception: failed},
        )

    async def page(self, request: Request) -> Response:
        """The one page, in the patient's language."""
        said = dict(said_of("phone.page.", self._words.language))
        text = (STATIC / "phone.html").read_text(encoding="utf-8")
        for key, sentence in said.items():
            text = text.replace(f"{{{{{key}}}}}", escape(sentence))
        data = json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")
        return HTMLResponse(text.replace("{{words}}", data).replace("{{language}}", self._words.language))

    @answered
    async def samples(self, request: Request) -> Response:
        """What the phone has felt since it last sent, and the way of an earlier message."""
        now = live_clock()
        body = await json_body(request)
        rows, trip = _rows(body.get("rows")), _trip(body.get("trip"), now)
        with self._lock:
            if trip is not None:
                self._clock.add(*trip)
            match = self._clock.match
            if match is not None and len(rows):  # else its times mean nothing here yet
                rows[:, Sample.TIME_S] = match.to_host(rows[:, Sample.PHONE_S])
                rows[:, Sample.CLOCK_S] = match.error_s
                self._come.extend(rows)
        if len(rows):
            self._heard_s = now
        return JSONResponse({"answered": now})


def _rows(given: Any) -> Array:
    """``(N, 9)`` samples from rows of milliseconds, beta, gamma and three rates, which may be null.

    Raises:
        FormcheckError: they are something else.
    """
    if not isinstance(given, list) or len(given) > _MOST_ROWS:
        raise FormcheckError(_NONSENSE)
    if not all(isinstance(row, list) and len(row) == 6 and all(map(_number, row[:3])) for row in given):
        raise FormcheckError(_NONSENSE)
    if not all(cell is None or _number(cell) for row in given for cell in row[3:]):
        raise FormcheckError(_NONSENSE)
    raw = np.array([[math.nan if cell is None else float(cell) for cell in row] for row in given]).reshape(
        -1, 6
    )
    if not (
        (np.abs(raw[:, 0]) < _LATEST_MS).all()
        and (np.abs(raw[:, 1:3]) < _MOST_DEG).all()
        and (np.nan_to_num(np.abs(raw[:, 3:])) < _MOST_DEG_S).all()
    ):
        raise FormcheckError(_NONSENSE)
    rows = np.full((len(raw), SAMPLE_COUNT), np.nan)
    rows[:, Sample.PHONE_S] = raw[:, 0] / 1000
    rows[:, UP] = up_of(raw[:, 1], raw[:, 2])
    rows[:, RATE] = raw[:, 3:]
    return rows


def _trip(given: Any, now: float) -> tuple[float, float, float] | None:
    """When an earlier message was sent and its answer came, by the phone, and when it was answered, by us."""
    if given is None:
        return None
    if not (isinstance(given, list) and len(given) == 3 and all(map(_number, given))):
        raise FormcheckError(_NONSENSE)
    sent_s, answered_s, received_s = given[0] / 1000, float(given[1]), given[2] / 1000
    if not (abs(sent_s) < _LATEST_MS and sent_s <= received_s < _LATEST_MS and answered_s <= now):
        raise FormcheckError(_NONSENSE)
    return sent_s, answered_s, received_s


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
