"""What `formcheck` does without a command: it opens the app."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Annotated

import typer


def open_app(
    programme: Annotated[
        Path | None, typer.Argument(help="A .formcheck file from the physio, to be opened in it.")
    ] = None,
    in_window: Annotated[
        bool, typer.Option("--in-window", hidden=True, help="There is no terminal: tell problems there.")
    ] = False,
) -> None:
    """Open the app: today's exercises, progress, settings.

    Example:  formcheck app
              formcheck app my-programme.formcheck
    """
    from formcheck.app.window import run_app
    from formcheck.errors import FormcheckError

    try:
        run_app(programme, in_window=in_window)
    except FormcheckError as error:
        if sys.platform == "win32" and sys.__stderr__ is None:  # started by its icon: there is no terminal
            ctypes.windll.user32.MessageBoxW(None, str(error), "formcheck", 0x10)
        raise
