"""Tells open pages what changed: events that the server sends."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any


class Hub:
    """Tells all open pages what changed."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[tuple[str, dict[str, Any]]]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def heard_by(self) -> int:
        """How many pages listen."""
        return len(self._listeners)

    def tell(self, kind: str, data: dict[str, Any]) -> None:
        """Sends an event to every page; may be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, (kind, data))

    def _put(self, event: tuple[str, dict[str, Any]]) -> None:
        for queue in list(self._listeners):
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(event)

    async def listen(self, said: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> AsyncIterator[str]:
        """Events as they come, with a sign of life in between.

        Args:
            said: makes of an event's data what this page is told, in its own language.
        """
        self._loop = asyncio.get_running_loop()
        queue: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(1000)
        self._listeners.add(queue)
        try:
            yield "retry: 1000\n\n"
            while True:
                try:
                    kind, data = await asyncio.wait_for(queue.get(), 15)
                    yield f"event: {kind}\ndata: {json.dumps(said(data))}\n\n"
                except asyncio.TimeoutError:
                    yield ": still here\n\n"
        finally:
            self._listeners.discard(queue)
