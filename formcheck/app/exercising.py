"""The window in which is exercised: a process of its own, one at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from formcheck.errors import FormcheckError, printable

#: Asked to end, it says good-bye and finishes the recording; after so long it is ended all the same.
_PATIENCE_S = 20.0
_LONGEST_PROBLEM = 400


def formcheck_command() -> list[str]:
    """What starts formcheck itself, to which a command is added."""
    if getattr(sys, "frozen", False):  # packed (packaging/entry.py): the program beside it has a terminal
        return [str(Path(sys.executable).with_name("formcheck").with_suffix(Path(sys.executable).suffix))]
    return [sys.executable, "-m", "formcheck"]


class Exercising:
    """Starts the exercise window, and tells when it has gone.

    Attributes:
        problem: what the last one said when it could not go on, in one sentence, or "".

    Args:
        changed: called when one begins and when it has ended, from any thread.
        command: what starts formcheck; another one in tests.
    """

    def __init__(self, changed: Callable[[], None], command: Sequence[str] | None = None) -> None:
        self.problem = ""
        self._changed = changed
        self._command = list(command) if command is not None else formcheck_command()
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    @property
    def running(self) -> bool:
        """Is somebody exercising?"""
        with self._lock:
            return self._process is not None

    def start(self, arguments: Sequence[str]) -> None:
        """Open the window.

        Args:
            arguments: of formcheck, e.g. ``["live", "bridge"]``.

        Raises:
            FormcheckError: it is open already, or cannot be opened.
        """
        with self._lock:
            if self._process is not None:
                raise FormcheckError("The exercise window is open already.")
            try:
                self._process = subprocess.Popen(
                    [*self._command, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # no black box on Windows
                )
            except OSError as error:
                raise FormcheckError(f"The exercise window cannot be started: {error.strerror}.") from None
            self.problem = ""
            threading.Thread(target=self._wait, args=(self._process,), name="exercising", daemon=True).start()
        self._changed()

    def end(self) -> None:
        """Ask it to end, and see that it does; returns at once."""
        with self._lock:
            process = self._process
        if process is None:
            return
        process.terminate()

        def insist() -> None:
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()

        threading.Thread(target=insist, name="ending", daemon=True).start()

    def _wait(self, process: subprocess.Popen[str]) -> None:
        _, said = process.communicate()
        lines = said.strip().splitlines()
        with self._lock:
            self._process = None
            # 1: what was to be recorded is not; 2: it could not begin. Others: it was ended.
            if process.returncode in (1, 2) and lines:
                self.problem = printable(lines[-1], _LONGEST_PROBLEM)
        self._changed()
