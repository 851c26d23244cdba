"""What both programs of the bundle start: `formcheck`, and `formcheck-app`, which is behind the icon."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Start the app, the command line, or the part of formcheck that formcheck itself asked for."""
    multiprocessing.freeze_support()
    _let_others_have_their_own_libraries()
    if sys.argv[1:2] == ["-m"]:  # formcheck starts parts of itself as `sys.executable -m MODULE` …
        module = sys.argv[2]
        del sys.argv[1:3]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    elif sys.argv[1:2] == ["-c"]:  # … or `sys.executable -c CODE`
        code = sys.argv[2]
        del sys.argv[1:3]
        exec(code, {"__name__": "__main__"})
    else:
        from formcheck import __main__ as formcheck

        (formcheck.app if Path(sys.executable).stem == "formcheck-app" else formcheck.main)()


def _let_others_have_their_own_libraries() -> None:
    """A browser or a player started from here must not load the bundle's libraries.

    The loader has read the variable by now; it is as before for whatever is started next.
    """
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if before is not None:
        os.environ["LD_LIBRARY_PATH"] = before
    elif sys.platform.startswith("linux"):
        os.environ.pop("LD_LIBRARY_PATH", None)


if __name__ == "__main__":
    main()
