"""Waiting for what another thread or program does."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(condition: Callable[[], object], patience_s: float = 15.0, every_s: float = 0.005) -> None:
    """Come back when `condition` is true; fail when it takes too long."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(every_s)
