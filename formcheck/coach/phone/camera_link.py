"""What a phone that is the camera sends: pictures one by one, each with the time at which it was taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from formcheck.coach.phone.link import LATEST_MS, NONSENSE, PhoneLink, is_number, trip_of
from formcheck.errors import FormcheckError
from formcheck.review.answers import answered, json_body
from formcheck.video.live_source import live_clock
from formcheck.video.phone_camera import MOST_BYTES, OLDEST_S, PhoneCamera, picture_of
from formcheck.words import Words

#: Holds what is told of a picture, as JSON; the picture itself is the body.
ABOUT = "x-picture"
_MOST_ABOUT = 200
_MOST_SKIPPED = 1000


class CameraLink(PhoneLink):
    """One phone that is the camera.

    Attributes:
        camera: what its pictures become.

    Args:
        words: of the page.
    """

    role = "camera"
    uses = ("camera",)

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self.camera = PhoneCamera()
        self._decoding = asyncio.Lock()
        self._newest_s = 0.0

    def _posts(self) -> Mapping[str, Callable[[Request], Any]]:
        return {"/api/beat": self.beat, "/api/picture": self.picture}

    @answered
    async def beat(self, request: Request) -> Response:
        """The phone sees something; it is told whether its pictures are wanted."""
        now = live_clock()
        body = await json_body(request)
        trip, sees = trip_of(body.get("trip"), now), body.get("sees")
        if not isinstance(sees, bool):
            raise FormcheckError(NONSENSE)
        self._heard(trip, now, works=sees)
        return self._answer(now)

    @answered
    async def picture(self, request: Request) -> Response:
        """A picture; of those that wait to be decoded only the newest is."""
        now = live_clock()
        taken_ms, turn, skipped = _about(request.headers.get(ABOUT, ""))
        if request.headers.get("content-type", "") != "image/jpeg":
            raise FormcheckError(NONSENSE)
        data = await _body(request)
        match = self._match()
        if match is None or not self.camera.wanted:  # its time means nothing here yet, or nobody looks
            return self._answer(now)
        taken_s = float(match.to_host(taken_ms / 1000))
        if now - OLDEST_S <= taken_s <= live_clock():
            self._newest_s = max(self._newest_s, taken_s)
        async with self._decoding:
            if taken_s < self._newest_s:
                self.camera.skip(1 + skipped)
            else:
                await to_thread.run_sync(self._take, data, taken_s, turn, skipped)
        self._heard(None, now, works=True)
        return self._answer(now)

    def _take(self, data: bytes, taken_s: float, turn: int, skipped: int) -> None:
        self.camera.put(picture_of(data), taken_s, turn=turn, skipped=skipped)

    def _answer(self, now: float) -> Response:
        return JSONResponse({"answered": now, "wanted": self.camera.wanted})


def _about(given: str) -> tuple[float, int, int]:
    """When a picture was taken, milliseconds; its turn, degrees; how many before it were not sent.

    Raises:
        FormcheckError: it is something else.
    """
    try:
        told = json.loads(given) if len(given) <= _MOST_ABOUT else None
    except (ValueError, RecursionError):
        told = None
    if not (isinstance(told, list) and len(told) == 3 and all(map(is_number, told))):
        raise FormcheckError(NONSENSE)
    taken, turn, skipped = told
    if not (abs(taken) < LATEST_MS and turn in (0, 90, 180, 270) and 0 <= skipped <= _MOST_SKIPPED):
        raise FormcheckError(NONSENSE)
    return float(taken), int(turn), int(skipped)


async def _body(request: Request) -> bytes:
    """A body of the size that a picture may have.

    Raises:
        FormcheckError: it is larger.
    """
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > MOST_BYTES:
            raise FormcheckError(NONSENSE)
    return bytes(data)
