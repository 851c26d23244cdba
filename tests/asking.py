"""Asks the review server without a network: one ASGI request at a time."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from formcheck.review.api import Api
from formcheck.review.security import HEADER, Guard
from formcheck.session.library import Library

PORT = 5123
ORIGIN = f"http://127.0.0.1:{PORT}"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Page:
    """A page of ours, logged in; single headers can be changed or left out (None)."""

    def __init__(self, root: Path) -> None:
        self.api = Api(Library(root))
        self.app = Guard(self.api.app(), PORT)
        self.headers: dict[str, str] = {
            "host": f"127.0.0.1:{PORT}",
            HEADER: self.app.key,
            "sec-fetch-site": "same-origin",
        }

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str | None) -> Answer:
        asked = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        kept = [(k.encode(), v.encode("latin-1")) for k, v in asked.items() if v is not None]
        place, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "path": place,
            "raw_path": place.encode(), "query_string": query.encode(), "headers": kept, "scheme": "http",
            "server": ("127.0.0.1", PORT), "client": ("127.0.0.1", 1), "root_path": "",
        }  # fmt: skip
        return asyncio.run(self._run(scope, body))

    async def _run(self, scope: dict[str, Any], body: bytes) -> Answer:
        sent: list[dict[str, Any]] = []
        pieces = [body[i : i + 65536] for i in range(0, len(body), 65536)] or [b""]

        async def receive() -> dict[str, Any]:
            if pieces:
                piece = pieces.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
            await asyncio.Event().wait()  # the page stays
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)  # type: ignore[arg-type]
        start = sent[0]
        headers = {k.decode().lower(): v.decode("latin-1") for k, v in start["headers"]}
        return Answer(start["status"], headers, b"".join(m.get("body", b"") for m in sent[1:]))

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, data: Any = None, body: bytes | None = None, **headers: str | None) -> Answer:
        own = {"origin": ORIGIN, "content_type": "application/json"}
        return self.ask("POST", path, json.dumps(data).encode() if body is None else body, **(own | headers))
