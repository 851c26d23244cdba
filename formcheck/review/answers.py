"""How a page of this computer asks and is answered: JSON both ways, an expected failure in one sentence."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from formcheck.errors import FormcheckError, what_the_system_says
from formcheck.session.library import NotThereError, printable
from formcheck.words import languages, retold, speaking

_LARGEST_BODY = 200_000
Asked = TypeVar("Asked")


def answered(
    handler: Callable[[Asked, Request], Awaitable[Response]],
) -> Callable[[Asked, Request], Awaitable[Response]]:
    """Expected failures as JSON with one sentence."""

    @wraps(handler)
    async def answer(self: Asked, request: Request) -> Response:
        try:
            return await handler(self, request)
        except FormcheckError as error:
            return JSONResponse({"problem": retold(str(error))}, 422)
        except NotThereError:
            return JSONResponse({"problem": retold("There is no such thing here (any more).")}, 404)
        except ClientDisconnect:  # the tab was closed: nobody hears the answer
            return Response(status_code=400)
        except (OSError, UnicodeError, MemoryError) as error:
            return JSONResponse({"problem": printable(retold(what_the_system_says(error)), 400)}, 500)

    return answer


class Spoken:
    """Answers each request in the language that its page asks for.

    Args:
        app: the application.
        language: for a page that asks for none that there is.
    """

    def __init__(self, app: ASGIApp, language: str) -> None:
        self._app = app
        self._language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with speaking(asked_language(scope, self._language)):
            await self._app(scope, receive, send)


def asked_language(scope: Scope, default: str) -> str:
    """The language that a request asks for, in its header or, where it cannot send headers, in its address.

    Args:
        scope: of the request.
        default: where it asks for none that there is.
    """
    query = parse_qs(scope["query_string"].decode("latin-1"))
    wanted = (Headers(scope=scope).get("accept-language", ""), *query.get("language", []))
    return next((one for one in wanted if one in languages()), default)


async def json_body(request: Request) -> dict[str, Any]:
    """A JSON object of moderate size.

    Raises:
        FormcheckError: it is none.
    """
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise FormcheckError("JSON expected.")
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > _LARGEST_BODY:
            raise FormcheckError("This is too long to be saved.")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise FormcheckError("JSON expected.")
    return body


async def failed(request: Request, error: Exception) -> Response:
    """What nobody expected."""
    return JSONResponse({"problem": retold(f"This went wrong in formcheck ({type(error).__name__}).")}, 500)


async def http_error(request: Request, error: Exception) -> Response:
    """An address or a method that is none of ours."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"problem": retold("There is nothing at this address.")}, status)
