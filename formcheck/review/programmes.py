"""The programmes in a folder of sessions: found, opened, and kept with all their earlier versions."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterator, Mapping
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
        return hashlib.sha256(os.fsencode(self.place)).hexdigest()[:16]

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

    def current(self) -> list[ProgrammeFile]:
        """Those that are not earlier versions, the last saved first."""
        found = [*self._in("", ENDING), *self._in(FOLDER, ENDING), *self._in(PRESCRIPTIONS, ".toml")]
        return sorted(found, key=lambda file: file.saved, reverse=True)

    def earlier(self, file: ProgrammeFile) -> list[ProgrammeFile]:
        """Earlier versions of one, the last saved first."""
        if file.path.parent != self._root / FOLDER:
            return []
        name = re.compile(re.escape(file.path.stem) + r"\.[0-9-]+" + re.escape(ENDING))
        return [one for one in self._all_earlier() if name.fullmatch(one.path.name)]

    def find(self, key: str) -> ProgrammeFile:
        """A programme or an earlier version by its key.

        Raises:
            NotThereError: there is none (any more).
        """
        for file in (*self.current(), *self._all_earlier()):
            if file.key == key:
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
                    held.replace(path.name, f"{path.stem}.{stamp}{ENDING}", old)
        return self._read(path)

    def _place_of(self, programme: Programme) -> tuple[Path, ProgrammeFile | None]:
        """Where a programme is kept, and the one that lies there."""
        patient = programme.patient or ""
        owner = ("patient", patient) if patient else ("name", programme.name)
        plain = re.sub(r"[^A-Za-z0-9]+", "-", owner[1]).strip("-")[:60] or "programme"
        marked = f"{plain}-{hashlib.sha256(repr(owner).encode()).hexdigest()[:6]}"
        kept = {file.path.stem.casefold(): file for file in self._in(FOLDER, ENDING)}
        # Two names must not become one file, also where large and small letters are the same to the disk.
        there = kept.get(plain.casefold())
        stem = plain if plain == owner[1] and (there is None or there.owner == owner) else marked
        there = kept.get(stem.casefold())
        return (self._root / FOLDER / f"{stem}{ENDING}" if there is None else there.path), there

    def _all_earlier(self) -> list[ProgrammeFile]:
        found = self._in(f"{FOLDER}/{EARLIER}", ENDING)
        return sorted(found, key=lambda file: file.path.name, reverse=True)

    def _in(self, place: str, ending: str) -> Iterator[ProgrammeFile]:
        folder = self._root / place
        with suppress(FormcheckError, OSError):
            with FolderHandle(folder) as held:
                names = [name for name in held.names() if name.endswith(ending)]
            for name in names:
                with suppress(FormcheckError, OSError):  # a link, a folder, or gone meanwhile
                    yield self._read(folder / name)

    def _read(self, path: Path) -> ProgrammeFile:
        place = path.relative_to(self._root).as_posix()
        with open(path, "rb", opener=opener) as file:
            saved = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime).astimezone()
            data = file.read(LARGEST_PROGRAMME + 1)
        if path.parent.name == EARLIER:  # a copy may have lost its date, never its name
            with suppress(ValueError):
                saved = datetime.strptime(path.stem.rpartition(".")[2], _STAMP).astimezone()
        try:
            text, content = read_text(data, path.name)
        except FormcheckError as error:
            return ProgrammeFile(path, place, saved.isoformat(), problem=str(error))
        return ProgrammeFile(path, place, saved.isoformat(), content, text)


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
