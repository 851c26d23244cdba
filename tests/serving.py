"""A server of its own for a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from formcheck.review.server import serve


@contextmanager
def served(serve_until_told: Callable[..., None], *what: Any) -> Iterator[str]:
    """Gives a server's link, which was not opened yet; the server ends with the block.

    Args:
        serve_until_told: `formcheck.review.server.serve` or `serve_here`.
        what: its arguments, but for ``ready``.
    """
    told: dict[str, Any] = {}
    started = threading.Event()

    def ready(address: str, server: Any) -> None:
        told.update(address=address, server=server)
        started.set()

    thread = threading.Thread(target=serve_until_told, args=what, kwargs={"ready": ready}, daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield told["address"]
    finally:
        told["server"].should_exit = True
        thread.join(60)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Gives the link of a review server of a folder."""
    with served(serve, folder) as link:
        yield link
