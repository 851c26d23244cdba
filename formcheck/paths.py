"""Where formcheck keeps a user's own files (sessions, added models)."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def user_data_folder() -> Path:
    """The user's data folder; it may not exist yet.

    ``$FORMCHECK_DATA`` where it is set, else the platform's place for application data:
    ``%LOCALAPPDATA%\\formcheck`` on Windows, ``~/Library/Application Support/formcheck`` on macOS,
    ``$XDG_DATA_HOME/formcheck`` or ``~/.local/share/formcheck`` elsewhere.
    """
    chosen = os.environ.get("FORMCHECK_DATA")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "formcheck"


def sessions_folder() -> Path:
    """Where live sessions are kept, a folder each: ``sessions`` in the user's data folder.

    A session's folder holds ``session.sqlite``, ``summary.json`` once it has ended, and ``video.mp4`` where
    the person agreed to video (``video.mp4.part`` if the program was killed while recording).
    """
    return user_data_folder() / "sessions"
