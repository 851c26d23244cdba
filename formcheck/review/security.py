"""Who may ask: only the page that this program opened, in the browser on this computer.

The server listens on 127.0.0.1, but every web page the browser shows can send requests there, and so can
every program of every user of the computer. Therefore: a secret that is made anew at each start (a cookie
that no script can read), the right Host (against names that are made to point here), the right Origin and a
header that forms cannot send for everything that changes something, and a policy that lets the page load
nothing from anywhere else.
"""

from __future__ import annotations

import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Sent by our own page with everything that changes something.
HEADER = "x-formcheck"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


def new_token() -> str:
    """A secret of 256 bits for an address."""
    return secrets.token_urlsafe(32)


class Guard:
    """Lets only the right requests through to the application behind it.

    Args:
        app: the application.
        token: the secret of this start.
        port: where the server listens.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._cookie = f"formcheck_{port}"  # cookies do not know ports: two servers must not share one
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await (refusal or self._app)(scope, receive, send_safely)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.getlist("host") != [headers.get("host", "")] or headers.get("host") not in self._hosts:
            return PlainTextResponse("This server answers only to its own address.", 421)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if scope["method"] == "GET" and scope["path"] == "/" and given:
            return self._enter(given[0])
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            # Another port of this computer counts as the same site, and would be sent the cookie.
            return PlainTextResponse("Other pages may not ask for this.", 403)
        if not self._knows(headers):
            return PlainTextResponse(
                "Open the address that 'formcheck review' printed: this page needs its key.", 403
            )
        if scope["method"] not in ("GET", "HEAD"):
            origin = headers.get("origin")
            if origin != f"http://{headers['host']}" or headers.get(HEADER) != "1":
                return PlainTextResponse("Only the review page itself may change anything.", 403)
        return None

    def _enter(self, given: str) -> Response:
        """Swaps the key in the address for a cookie, so that it is not left in the browser's history."""
        if not self._same(given):
            return PlainTextResponse("This key is of another start of 'formcheck review'.", 403)
        # Not a redirect: after a link from elsewhere, a strict cookie is first sent when this page moves on.
        response = HTMLResponse(
            '<!doctype html><meta http-equiv="refresh" content="0;url=/"><title>formcheck</title>'
            '<link rel="icon" href="/static/icon.svg">'
        )
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict", path="/")
        return response

    def _knows(self, headers: Headers) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        return self._cookie in cookie and self._same(cookie[self._cookie].value)

    def _same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode())
