"""What every page of a phone sends and is told: its one page, when it was last heard, and its clock."""

from __future__ import annotations

import json
import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from formcheck.errors import FormcheckError
from formcheck.phone.clock import ClockMatch, PhoneClock
from formcheck.review.answers import failed, http_error
from formcheck.video.live_source import live_clock
from formcheck.words import Words, said_of

STATIC = Path(__file__).parent / "static"
#: A phone that was silent for longer than this is not there.
_THERE_S = 2.0
LATEST_MS = 1e10
NONSENSE = "No phone says that."

Role = Literal["pelvis", "camera"]


class PhoneLink(ABC):
    """One phone in one role.

    Attributes:
        role: names its page and its words.
        uses: what its page may use of the phone, as ``Permissions-Policy`` names it.

    Args:
        words: of the page.
    """

    role: ClassVar[Role]
    uses: ClassVar[Sequence[str]] = ()

    def __init__(self, words: Words) -> None:
        self._words = words
        self._lock = threading.Lock()
        self._clock = PhoneClock()
        self._heard_s = -math.inf

    @property
    def there(self) -> bool:
        """Whether the phone does what it is to do."""
        return live_clock() - self._heard_s < _THERE_S

    @property
    def clock_error_s(self) -> float | None:
        """How far the two clocks may be apart; None before that is known."""
        match = self._match()
        return None if match is None else match.error_s

    @abstractmethod
    def _posts(self) -> Mapping[str, Callable[[Request], Any]]:
        """What is posted where."""

    def app(self) -> Starlette:
        """The application; it asks nobody who they are: that is for the guard before it."""
        routes: list[BaseRoute] = [
            Route("/", self.page),
            *(Route(path, handler, methods=["POST"]) for path, handler in self._posts().items()),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: http_error, Exception: failed})

    async def page(self, request: Request) -> Response:
        """The one page, in the patient's language."""
        language = self._words.language
        said = {**said_of("phone.page.", language), **said_of(f"phone.{self.role}.", language)}
        text = (STATIC / f"{self.role}.html").read_text(encoding="utf-8")
        for key, sentence in said.items():
            text = text.replace(f"{{{{{key}}}}}", escape(sentence))
        data = json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")
        return HTMLResponse(text.replace("{{words}}", data).replace("{{language}}", language))

    def _match(self) -> ClockMatch | None:
        with self._lock:
            return self._clock.match

    def _heard(self, trip: tuple[float, float, float] | None, now: float, *, works: bool) -> None:
        """A message has come; `works`: the phone does what it is to do."""
        with self._lock:
            if trip is not None:
                self._clock.add(*trip)
        if works:
            self._heard_s = now


def trip_of(given: Any, now: float) -> tuple[float, float, float] | None:
    """When an earlier message was sent and its answer came, by the phone, and when it was answered, by us.

    Args:
        given: ``[milliseconds, seconds, milliseconds]``, or None.
        now: no answer was later.

    Raises:
        FormcheckError: it is something else.
    """
    if given is None:
        return None
    if not (isinstance(given, list) and len(given) == 3 and all(map(is_number, given))):
        raise FormcheckError(NONSENSE)
    sent_s, answered_s, received_s = given[0] / 1000, float(given[1]), given[2] / 1000
    if not (abs(sent_s) < LATEST_MS and sent_s <= received_s < LATEST_MS and answered_s <= now):
        raise FormcheckError(NONSENSE)
    return sent_s, answered_s, received_s


def is_number(value: Any) -> bool:
    """Whether this is a finite number that fits into 64 bits."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) < 2**63 if isinstance(value, int) else math.isfinite(value)
