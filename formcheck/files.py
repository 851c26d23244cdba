"""Where formcheck keeps a user's own files, and how: from their first byte only this user can read them.

Permissions are given when a file is made, not afterwards, and do not depend on the umask. Windows has no such
permissions: there a file has those of the folder it is in, which in a user's own folders are that user's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def make_folder(path: Path) -> None:
    """Makes a folder and those above it that are missing; one that exists stays as it is.

    Raises:
        OSError: it cannot be made, or is a file.
    """
    if path.parent != path and not path.parent.exists():
        make_folder(path.parent)  # pathlib would give those the mode of the umask
    path.mkdir(mode=FOLDER_MODE, exist_ok=True)


def part_of(path: Path) -> Path:
    """The name a file has while it is being written."""
    return path.with_name(f"{path.name}.part")


def user_data_folder() -> Path:
    """The user's data folder; it may not exist yet.

    ``$FORMCHECK_DATA`` where it is set, else the platform's place for application data:
    ``%LOCALAPPDATA%\\formcheck`` on Windows, ``~/Library/Application Support/formcheck`` on macOS,
    ``$XDG_DATA_HOME/formcheck`` or ``~/.local/share/formcheck`` elsewhere.
    """
    # Not by pathlib, which raises where a home cannot be found.
    chosen, home = os.environ.get("FORMCHECK_DATA"), Path(os.path.expanduser("~")).absolute()
    if chosen:
        return Path(os.path.expanduser(chosen)).absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(home / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME") or str(home / ".local" / "share")
    return Path(base) / "formcheck"


def sessions_folder() -> Path:
    """Where live sessions are kept, a folder each: ``sessions`` in the user's data folder.

    A session's folder holds ``session.sqlite``, ``summary.json`` once it has ended, and ``video.mp4`` where
    the person agreed to video (``video.mp4.part`` if the program was killed while recording).
    """
    return user_data_folder() / "sessions"
