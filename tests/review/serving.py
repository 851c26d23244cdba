"""A review server of its own for a test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from formcheck.review.server import serve


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Gives the server's link, which was not opened yet; the server ends with the block."""
    told: dict[str, Any] = {}
    started = threading.Event()

    def ready(address: str, server: Any) -> None:
        told.update(address=address, server=server)
        started.set()

    thread = threading.Thread(target=serve, args=(folder,), kwargs={"ready": ready}, daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield told["address"]
    finally:
        told["server"].should_exit = True
        thread.join(60)
