"""Who may ask: only the page that this program opened, in the browser on this computer.

The server listens on 127.0.0.1, but every web page the browser shows can send requests there, and so can
every program of every user of the computer. Therefore: a key made anew at each start, which the printed link
gives out once; the right Host (against names that are made to point here), the right Origin for everything
that changes something, and a policy that lets the page load nothing from anywhere else.

The key is no cookie: a browser sends cookies to every port of this computer. The page keeps it in the storage
of its origin, which another port cannot read, and sends it as a header. What cannot send headers (a video, a
stream of events, a download) asks with a pass: a signature of its path by the key, good for that path only.
The page's own text and scripts hold nothing of anybody, and are served without a key.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from hashlib import sha256
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from formcheck.review.answers import asked_language
from formcheck.words import DEFAULT, languages, retold, speaking

#: Holds the key, or to enter the word from the link. Forms and other pages cannot send it.
HEADER = "x-formcheck"
ENTER = "/api/enter"
_NO_KEY = (
    "This browser has no key for this page: open the address that 'formcheck review' printed, "
    "or if that was opened before, start 'formcheck review' again."
)
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
}
_OFFERS = ("camera", "microphone", "geolocation")


class Guard:
    """Lets only the right requests through to the application behind it.

    Args:
        app: the application.
        port, host: where the server listens.
        secure: it speaks TLS.
        no_key: what to say to who has no key.
        uses: what the page may use of the device, as ``Permissions-Policy`` names it; nothing by default.

    Attributes:
        key: the secret of this start, of 256 bits.
        address: what to open in the browser; good for one browser, once.
    """

    def __init__(
        self,
        app: ASGIApp,
        port: int,
        host: str = "127.0.0.1",
        *,
        secure: bool = False,
        no_key: str = _NO_KEY,
        uses: Collection[str] = (),
    ) -> None:
        languages()  # looked up once, here, where a failure ends in a sentence
        self._app = app
        self._host = f"{host}:{port}"
        self._origin = f"http{'s' * secure}://{self._host}"
        self._no_key = no_key
        allowed = ", ".join(f"{name}=({'self' * (name in uses)})" for name in _OFFERS)
        self._headers = {**_HEADERS, "permissions-policy": allowed}
        self._link: str | None = secrets.token_urlsafe(32)
        self.key = secrets.token_urlsafe(32)
        # Behind the "#" it is not sent with a request: what looks at addresses ahead cannot use it up.
        self.address = f"{self._origin}/#link={self._link}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        with speaking(asked_language(scope, DEFAULT)):
            refusal = self._refusal(scope)
        known = self._known(scope)

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
                if not known:  # answers that nobody fetches pile up behind one another no further than one
                    headers["connection"] = "close"
            await send(message)

        await (refusal or self._app)(scope, receive, send_safely)

    def _refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that goes no further; None for one that may."""
        headers, path, method = Headers(scope=scope), scope["path"], scope["method"]
        if headers.getlist("host") != [self._host]:
            return _refused(f"This server answers only to its own address, {self._origin}.", 421)
        reads = method in ("GET", "HEAD")
        if reads and not path.startswith(("/api/", "/static/")):
            return None  # the page itself, wherever the link to it stood
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return _refused("Other pages may not ask for this.", 403)
        if reads and path.startswith("/static/"):
            return None
        if not reads and headers.get("origin") != self._origin:
            return _refused("Only the review page itself may change anything.", 403)
        if method == "POST" and path == ENTER:
            return self._enter(headers.get(HEADER, ""))
        return None if self._known(scope) else _refused(self._no_key, 403)

    def _enter(self, given: str) -> Response:
        """Swaps the word from the link for the key, once."""
        if self._link is None or not _same(given, self._link):
            return _refused(self._no_key, 403)
        self._link = None
        return JSONResponse({"key": self.key})

    def _known(self, scope: Scope) -> bool:
        """Whether a request has the key, or the pass for its path."""
        if _same(Headers(scope=scope).get(HEADER, ""), self.key):
            return True
        given = parse_qs(scope["query_string"].decode("latin-1")).get("pass", [""])[0]
        path = scope["path"].encode("utf-8", "replace")
        reads = scope["method"] in ("GET", "HEAD")
        return reads and _same(given, hmac.new(self.key.encode(), path, sha256).hexdigest())


def _refused(problem: str, status: int) -> Response:
    return JSONResponse({"problem": retold(problem)}, status)


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())
