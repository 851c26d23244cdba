"""A screen that nobody sees, for tests of real windows."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


def start_screen(size: str = "1366x768", *options: str) -> tuple[subprocess.Popen[bytes], str]:
    """Starts Xvfb; its process, and the ``DISPLAY`` that leads to it.

    Args:
        size: pixels, as ``1366x768``.
        options: more of Xvfb's.
    """
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    # Without this the server starts afresh when its last client has left, and refuses who comes just then.
    command += ["-noreset", *options]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as told:
        return server, f":{told.readline().strip()}"


@contextmanager
def virtual_screen() -> Iterator[str]:
    """Gives the ``DISPLAY`` of a screen that lasts as long as the block."""
    server, display = start_screen()
    try:
        yield display
    finally:
        server.terminate()
        server.wait()
