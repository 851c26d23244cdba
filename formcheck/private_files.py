"""Files and folders with a patient's data: from their first byte only this user can read them.

Permissions are given when a file is made, not afterwards, and do not depend on the umask. Windows has no such
permissions: there a file has those of the folder it is in, which in a user's own folders are that user's.
"""

from __future__ import annotations

import os
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


def make_file(path: Path) -> None:
    """Makes an empty file for somebody else to open and write to: SQLite, FFmpeg, a CSV writer.

    Raises:
        FileExistsError: there is one.
        OSError: it cannot be made.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE))


def opener(path: str, flags: int) -> int:
    """For `open(..., opener=opener)`: a file that is made is made for this user only."""
    return os.open(path, flags, FILE_MODE)
