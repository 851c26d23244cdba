"""How a process of ours that works for another one is to end: with it, and only when it says so."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def end_with_parent() -> None:
    """Called first in a child process.

    Ctrl-C and a closed terminal reach every process of the terminal; the one that was asked decides. And if
    that one is killed, which says nothing, this one ends: it would write over what the next run writes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_wait_for_its_end, daemon=True).start()


def _wait_for_its_end() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
