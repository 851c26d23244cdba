"""``python -m formcheck``, and what the command ``formcheck`` starts: quiet when stopped at any moment."""

from __future__ import annotations

import _thread
import atexit
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from types import FrameType

#: What asks a program to end, as far as the system has it: Ctrl-C, the system, a closed terminal, Ctrl-Break.
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]


def main() -> None:
    """Run the command line. SIGTERM and a closed terminal end it as Ctrl-C does.

    While the first modules are loaded Ctrl-C ends the process at once.
    """
    # Ignored is meant so: nohup, or a job in the background.
    heard = [s for s in _SIGNALS if signal.getsignal(s) in (signal.SIG_DFL, signal.default_int_handler)]
    _set(heard, signal.SIG_DFL)
    from formcheck.cli.main import main as run

    _set(heard, _stop)
    try:
        run()
    except SystemExit as left:
        _set(heard, signal.SIG_DFL)  # all is done; nothing to interrupt but the leaving
        _leave(left.code)
        raise


def app() -> None:
    """What the icon and a double-click on a programme start: the app, with the file if there is one."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # Windows, without a console
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    sys.argv[1:1] = ["app", "--in-window"]
    main()


def _set(signals: list[signal.Signals], handler: signal._HANDLER) -> None:
    for which in signals:
        signal.signal(which, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    """Raises KeyboardInterrupt; while a module is being loaded, once it is there.

    In the middle of a compiled module it could come out as anything.
    """
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            _thread.start_new_thread(_stop_later, (number,))
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def _stop_later(number: int) -> None:
    time.sleep(0.05)
    if sys.platform == "win32":
        _thread.interrupt_main(number)
    else:  # this wakes it too, whatever it waits for
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def _leave(status: object) -> None:
    """Ends the process here if a thread cannot be ended: a driver that hangs, a module half loaded.

    Taken down around such a thread, the interpreter can abort.
    """
    if any(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(status if isinstance(status, int) else int(bool(status)))


if __name__ == "__main__":
    main()
