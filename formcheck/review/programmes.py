"""The programmes in a folder of sessions: found, opened, and kept with all their earlier versions."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from formcheck.errors import FormcheckError
from formcheck.exercises.definition import toml_of
from formcheck.exercises.programme import ENDING, Programme, load_programme, programme_toml
from formcheck.files import make_folder
from formcheck.folder_handle import FolderHandle, opener, refuse_link
from formcheck.session.folder import replacing
from formcheck.session.library import NotThereError, printable
from formcheck.words import say

#: Where they are kept, and in there those that were saved over.
FOLDER = "programmes"
EARLIER = "earlier"
#: Where single prescriptions were kept, which are opened as programmes with one exercise.
PRESCRIPTIONS = "prescriptions"
#: A larger file is no programme.
LARGEST_PROGRAMME = 200_000
#: In the name of an earlier version: when it was saved.
_STAMP = "%Y%m%d-%H%M%S-%f"


@dataclass(frozen=True)
class ProgrammeFile:
    """A programme's file.

    Attributes:
        path: of the file.
        place: its path in the folder of sessions, with ``/``.
        saved: when, ISO 8601 with the local time's offset.
        content: what it holds, empty if that cannot be read.
        text: the same as it stands there.
        problem: why it cannot be read, or None.
    """

    path: Path
    place: str
    saved: str
    content: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    problem: str | None = None

    @property
    def key(self) -> str:
        """What addresses it."""
        return _key(self.place)

    @property
    def owner(self) -> tuple[str, str]:
        """Whose programme it is: a patient's pseudonym, else it is known by its own name."""
        patient = self.content.get("patient")
        return ("patient", str(patient)) if patient else ("name", str(self.content.get("name", "")))


class Programmes:
    """The programmes in a folder of sessions.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, tuple[tuple[int, int], ProgrammeFile]] = {}

    def current(self) -> list[ProgrammeFile]:
        """Those that are not earlier versions, the last saved first."""
        return sorted(self._read_all(self._paths_of_current()), key=lambda file: file.saved, reverse=True)

    def earlier(self, file: ProgrammeFile) -> list[ProgrammeFile]:
        """Earlier versions of one, the last saved first."""
        if file.path.parent != self._root / FOLDER:
            return []
        name = re.compile(re.escape(file.path.stem) + r"\.[0-9-]+" + re.escape(ENDING))
        found = [path for path in self._paths(f"{FOLDER}/{EARLIER}") if name.fullmatch(path.name)]
        return list(self._read_all(sorted(found, key=lambda path: path.stem, reverse=True)))

    def find(self, key: str) -> ProgrammeFile:
        """A programme or an earlier version by its key.

        Raises:
            NotThereError: there is none (any more).
        """
        for path in (*self._paths_of_current(), *self._paths(f"{FOLDER}/{EARLIER}")):
            if _key(path.relative_to(self._root).as_posix()) == key:
                for file in self._read_all([path]):
                    return file
        raise NotThereError(key)

    def keep(self, programme: Programme) -> ProgrammeFile:
        """Saves a programme; one of the same patient that was kept before becomes an earlier version.

        Returns:
            The file: ``programmes/<patient>.formcheck``, without a patient ``programmes/<name>.formcheck``.

        Raises:
            FormcheckError: it cannot be written there, or would not be read back the same.
        """
        folder, text = self._root / FOLDER, programme_toml(programme)
        earlier = folder / EARLIER
        for place in (folder, earlier):
            refuse_link(place)
        try:
            make_folder(earlier)
        except OSError as error:
            raise FormcheckError(f"The programme cannot be saved: {error.strerror}.") from None
        path, before = self._place_of(programme)
        if before is not None and before.text == text:
            return before
        refuse_link(path)
        with replacing(path) as part:
            with open(part, "w", encoding="utf-8", newline="\n", opener=opener) as file:
                file.write(text)
            if load_programme(part) != programme:
                raise FormcheckError("The programme would not be read back the same; it was not saved.")
            if before is not None:
                stamp = datetime.fromisoformat(before.saved).strftime(_STAMP)
                with FolderHandle(folder) as held, FolderHandle(earlier) as old:
                    while old.status(name := f"{path.stem}.{stamp}{ENDING}") is not None:
                        stamp += "-1"  # some disks tell the time in steps of two seconds
                    held.replace(path.name, name, old)
        return self._read(path)

    def _place_of(self, programme: Programme) -> tuple[Path, ProgrammeFile | None]:
        """Where a programme is kept, and the one that lies there."""
        patient = programme.patient or ""
        owner = ("patient", patient) if patient else ("name", programme.name)
        plain = re.sub(r"[^A-Za-z0-9]+", "-", owner[1]).strip("-")[:60] or "programme"
        marked = f"{plain}-{hashlib.sha256(repr(owner).encode()).hexdigest()[:6]}"
        paths = {path.stem.casefold(): path for path in self._paths(FOLDER)}

        def kept(stem: str) -> ProgrammeFile | None:
            path = paths.get(stem.casefold())
            return next(self._read_all([path]), None) if path is not None else None

        # Two names must not become one file, also where large and small letters are the same to the disk.
        there = kept(plain)
        stem = plain if plain == owner[1] and (there is None or there.owner == owner) else marked
        there = kept(stem)
        return (self._root / FOLDER / f"{stem}{ENDING}" if there is None else there.path), there

    def _paths_of_current(self) -> list[Path]:
        return [*self._paths(""), *self._paths(FOLDER), *self._paths(PRESCRIPTIONS, ".toml")]

    def _paths(self, place: str, ending: str = ENDING) -> list[Path]:
        folder = self._root / place
        with suppress(FormcheckError, OSError), FolderHandle(folder) as held:
            return [folder / name for name in held.names() if name.endswith(ending)]
        return []

    def _read_all(self, paths: Iterable[Path]) -> Iterator[ProgrammeFile]:
        for path in paths:
            with suppress(FormcheckError, OSError):  # a link, a folder, or gone meanwhile
                yield self._read(path)

    def _read(self, path: Path) -> ProgrammeFile:
        place = path.relative_to(self._root).as_posix()
        with open(path, "rb", opener=opener) as file:
            status = os.fstat(file.fileno())
            stamp = (status.st_mtime_ns, status.st_ino)
            if path in self._known and self._known[path][0] == stamp:
                return self._known[path][1]
            data = file.read(LARGEST_PROGRAMME + 1)
        saved = datetime.fromtimestamp(status.st_mtime).astimezone()
        if path.parent.name == EARLIER:  # a copy may have lost its date, never its name
            with suppress(ValueError):
                saved = datetime.strptime(path.stem.rpartition(".")[2], _STAMP).astimezone()
        try:
            text, content = read_text(data, path.name)
        except FormcheckError as error:
            return ProgrammeFile(path, place, saved.isoformat(), problem=str(error))
        found = ProgrammeFile(path, place, saved.isoformat(), content, text)
        self._known[path] = (stamp, found)
        return found


def _key(place: str) -> str:
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:16]


def read_text(data: bytes | str, name: str) -> tuple[str, dict[str, Any]]:
    """What a programme's file says, as it stands there and as a table that JSON can hold.

    Args:
        data: of the file.
        name: of the file, for the sentence.

    Raises:
        FormcheckError: it is too large, or no text in TOML.
    """
    name = printable(name, 80)
    if len(data) > LARGEST_PROGRAMME:
        raise FormcheckError(say("review.programme.too_large", file=name))
    try:
        text = (data if isinstance(data, bytes) else data.encode()).decode()
        return text, _plain(toml_of(text, name))
    except (UnicodeError, RecursionError, FormcheckError) as error:
        line = re.search(r"line (\d+)", str(error))
        key = "review.programme.no_text" if line is None else "review.programme.wrong_line"
        raise FormcheckError(say(key, file=name, line=line[1] if line else "")) from None


def _plain(value: Any) -> Any:
    """What TOML has and JSON has not, as text: dates, and what is no number."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)
