"""Sessions that are brought to the library: dropped onto the page as folders, or packed in a ZIP file.

They come from anybody. Only what a session's own files are called is taken, under those names and no others.
"""

from __future__ import annotations

import filecmp
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from formcheck.errors import FormcheckError, printable
from formcheck.files import part_of
from formcheck.folder_handle import FolderHandle, opener, remove_file
from formcheck.session.folder import (
    ANNOTATED,
    FRAMES,
    INCOMING,
    RESULTS,
    REVIEW,
    SESSION,
    SIDE_FILES,
    SUMMARY,
    VIDEO,
    WEBM,
)
from formcheck.session.library import MEDIA_TYPES, Library, SessionFolder, session_key

#: What is taken of a session's folder. A report is made anew from it, and an old one may hold anything.
_TAKEN = frozenset((SESSION, REVIEW, SUMMARY, FRAMES, ANNOTATED, VIDEO, WEBM, SESSION + SIDE_FILES[0]))
#: Until all of a session is there; what a program that was killed left of one is not taken for a session.
_COMING = part_of(Path(SESSION)).name
_MOST_PARTS = 20
_PIECE = 1 << 20


@dataclass
class Bundle:
    """The files of one session among others.

    Attributes:
        name: of its folder, to show.
        parts: what each is called in the session's folder, by the name it has among the others.
    """

    name: str
    parts: dict[str, str] = field(default_factory=dict)


def bundles(names: Iterable[str]) -> list[Bundle]:
    """The sessions among files of a ZIP file.

    A clip that lies beside ``clip.formcheck`` is the video of the session in there.

    Args:
        names: with folders, as ``patient/clip.formcheck/session.sqlite``.
    """
    paths = {name: PurePosixPath(name) for name in names}
    found = {path.parent: Bundle(path.parent.name) for path in paths.values() if path.name == SESSION}
    for name, path in paths.items():
        if path.parent in found and path.name in _TAKEN:
            found[path.parent].parts[name] = path.name
    for name, path in paths.items():
        beside = found.get(path.parent / f"{path.stem}{RESULTS}")
        if beside is not None and path.suffix.lower() in MEDIA_TYPES and not has_video(beside.parts.values()):
            beside.parts[name] = video_name(path.name)
    return list(found.values())


def has_video(names: Iterable[str]) -> bool:
    """Whether a session's own video is among its files."""
    return bool({VIDEO, WEBM} & set(names))


def video_name(name: str) -> str:
    """What a clip is called in its session's folder: nothing of its own name, which may be a person's."""
    return WEBM if name.lower().endswith(".webm") else VIDEO


def announced(told: str) -> dict[str, int]:
    """Name and size of each file of a session that is about to arrive, one after the other.

    Args:
        told: JSON: ``[["session.sqlite", 123], …]``.

    Raises:
        FormcheckError: these are not a session's files.
    """
    wrong = FormcheckError("These files are not those of a session.")
    try:
        pairs = json.loads(told)
        parts = {str(name): int(size) for name, size in pairs}
    except (ValueError, TypeError):
        raise wrong from None
    sound = len(parts) == len(pairs) <= _MOST_PARTS and all(size >= 0 for size in parts.values())
    if not sound or SESSION not in parts or not parts.keys() <= _TAKEN:
        raise wrong
    return parts


def place(folder: Path, part: str) -> Path:
    """Where a file goes while a session is on its way."""
    return folder / (_COMING if part == SESSION else part)


def _take_apart(folder: Path, parts: dict[str, int]) -> None:
    with open(folder / INCOMING, "rb") as arrived:
        for name, size in parts.items():
            with open(place(folder, name), "xb", opener=opener) as file:
                while size and (piece := arrived.read(min(size, _PIECE))):
                    size -= file.write(piece)
            if size:
                raise FormcheckError("The upload broke off.")
    remove_file(folder / INCOMING)


def take_in(root: Path, folder: Path, parts: dict[str, int]) -> None:
    """Makes a session of what has arrived.

    Args:
        root: the library's.
        folder: right in it.
        parts: files and their sizes, as they lie one after the other in what arrived.

    Raises:
        FormcheckError: it is not all there, cannot be read, or is in the library already.
    """
    if parts:
        _take_apart(folder, parts)
    there = Library(root).folders()
    with FolderHandle(folder) as held:
        held.put_in_place(_COMING, SESSION)
    mine = folder / SESSION
    for other in there:
        if other.path != folder and filecmp.cmp(other.path / SESSION, mine, shallow=False):
            raise FormcheckError(f"This session is in the list already, in the folder {other.name}.")
    card = Library(root).card(SessionFolder(session_key(folder.name), folder, printable(folder.name)))
    if card.problem is not None:
        raise FormcheckError(card.problem)
