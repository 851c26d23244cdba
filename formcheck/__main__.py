"""``python -m formcheck``, and what the command ``formcheck`` starts: quiet when stopped at any moment."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line. SIGTERM and a closed terminal end it as Ctrl-C does.

    While modules are loaded Ctrl-C ends the process at once: an exception in the middle of a compiled module
    can come out as anything.
    """
    given = signal.getsignal(signal.SIGINT)
    if given is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from formcheck.cli.main import main as run

    if given is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        which = getattr(signal, name, None)
        # Ignored is meant so: nohup.
        if which is not None and signal.getsignal(which) is signal.SIG_DFL:
            signal.signal(which, signal.default_int_handler)
    try:
        run()
    finally:
        if sys.exc_info()[0] is SystemExit and given is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # all is done; nothing to interrupt but the leaving


if __name__ == "__main__":
    main()
