"""Bounds on what knocks at the review server: how long, how many at once, and how much is logged of it.

Every program on this computer can open connections here, without a key. None of them may use up the files
that the program may have open, keep the page's own browser out, or fill the log.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from collections import deque
from contextlib import suppress
from typing import Any
from weakref import ReferenceType, ref

from uvicorn.protocols.http.h11_impl import H11Protocol

#: Until a request has arrived whole but for its body. A browser on this computer takes milliseconds.
HEADERS_S = 10.0
#: At once, and twice as many while all of them are being answered. A browser opens six to one server; with
#: `BACKLOG`, few enough for a limit of 256 open files.
MOST_CONNECTIONS = 48
#: Taken from the system's queue at a time, before any of them can be closed.
BACKLOG = 32
#: In that queue. Whom it has no room for knocks again after a second: so would the browser.
_QUEUE = 1024
_MOST_LINES = 50


class Listener(socket.socket):
    """Listens with a long queue, however few asyncio asks to take from it at a time.

    Of what it has taken, no more than so many stay open: before TLS has been agreed on there is no
    `Connection` yet that would see to it. The one that came first is closed then.
    """

    def __init__(self, *args: int) -> None:
        super().__init__(*args)
        self._taken: deque[ReferenceType[socket.socket]] = deque()

    def accept(self) -> tuple[socket.socket, Any]:
        """Takes the next one."""
        taken, address = super().accept()
        alive = [one for one in self._taken if (there := one()) is not None and there.fileno() >= 0]
        self._taken = deque([*alive, ref(taken)])
        if (
            len(self._taken) > 2 * MOST_CONNECTIONS + BACKLOG
            and (first := self._taken.popleft()()) is not None
        ):
            with suppress(OSError):
                first.shutdown(socket.SHUT_RDWR)
        return taken, address

    def listen(self, backlog: int = _QUEUE, /) -> None:
        """Begins to listen."""
        super().listen(max(backlog, _QUEUE))


class Connection(H11Protocol):
    """One connection; closed when it waits too long, or when there are too many and it waited longest."""

    _since_s = 0.0
    _timer: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for a request."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > MOST_CONNECTIONS:
            # The oldest and not this one: the browser sends at once what others leave half said.
            waiting = [c for c in self.connections if isinstance(c, Connection) and c.waits and c is not self]
            if waiting:
                min(waiting, key=lambda c: c._since_s)._drop()
            elif len(self.connections) > 2 * MOST_CONNECTIONS:
                self._drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Is over."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Begins to wait for the next request."""
        self._wait()
        super().on_response_complete()

    def _wait(self) -> None:
        self._since_s = self.loop.time()
        if self._timer is not None:
            self._timer.cancel()
        # Not put off by bytes that arrive: who sends one a second is waited for no longer.
        self._timer = self.loop.call_later(HEADERS_S, self._waited)

    def _waited(self) -> None:
        if self.waits:
            self._drop()

    def _drop(self) -> None:
        self.connections.discard(self)
        self.transport.abort()


class Brief(logging.Filter):
    """One line for each thing that went wrong: where, without the rest of the trace; a few lines at most."""

    def __init__(self) -> None:
        super().__init__()
        self._left = _MOST_LINES

    def filter(self, record: logging.LogRecord) -> bool:
        """Shortens a record; False when there were too many."""
        text = record.getMessage().strip().split("\n")[0]
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, asyncio.CancelledError) or text.startswith("Cancel "):
            return False  # Ctrl-C while a tab was open
        if error is not None:
            last = traceback.extract_tb(error.__traceback__)[-1:]
            place = "".join(f" ({at.filename}, line {at.lineno})" for at in last)
            text = f"{text}: {type(error).__name__}: {str(error)[:200]!r}{place}"
        record.msg, record.args, record.exc_info, record.exc_text = text, (), None, None
        self._left -= 1
        return self._left >= 0
