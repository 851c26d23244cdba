"""The record of a programme's days: what was done, and how it felt, a small file for each day.

A day links the sessions of its exercises, and is kept where the patient agreed to keep at least the numbers.
It is written anew after each repetition, so that a day that was broken off can be gone on with.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from formcheck.errors import FormcheckError
from formcheck.exercises.programme import ENDING, Programme, Side
from formcheck.files import make_folder, user_data_folder
from formcheck.folder_handle import opener, remove_file
from formcheck.session.folder import replacing

Kept = Literal["video", "skeleton", "numbers", "none"]
Ended = Literal["pain", "stop"]
#: A larger file is none of ours.
_LARGEST_DAY = 1_000_000
_PROGRAMME = f"programme{ENDING}"
_AGREED = "agreed.json"
_LAST = "last.txt"


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class SetDone(_Model):
    """Repetitions of one set.

    Attributes:
        counted: all that count.
        full: those through the whole own range.
    """

    counted: int = Field(ge=0)
    full: int = Field(ge=0)


class OwnRange(_Model):
    """The own range of the counting signal, as practised, in the signal's unit; it holds for one view."""

    view: str
    range: float = Field(gt=0)
    on: date


class PartDone(_Model):
    """One exercise, on one side, of one day.

    Attributes:
        exercise, side: what was done.
        mark: of the programme's exercise, see `ProgrammeExercise.mark`.
        rung: step of its ladder.
        asked_sets, asked_reps: prescribed on that step.
        sets: done, the last one perhaps not to its end.
        own_range: as last practised.
        focus: fault that the last set's summary named, or None.
        sessions: names of the recorded sessions' folders, if any.
    """

    exercise: str
    side: Side | None = None
    mark: str
    rung: int = 0
    asked_sets: int
    asked_reps: int
    sets: tuple[SetDone, ...] = ()
    own_range: OwnRange | None = None
    focus: str | None = None
    sessions: tuple[str, ...] = ()

    @property
    def counted(self) -> int:
        """Repetitions done."""
        return sum(s.counted for s in self.sets)

    @property
    def full(self) -> int:
        """Repetitions done through the whole own range."""
        return sum(s.full for s in self.sets)

    @property
    def asked(self) -> int:
        """Repetitions asked for."""
        return self.asked_sets * self.asked_reps


class Day(_Model):
    """One day of a programme; an answer that was not given is None.

    Attributes:
        date: the day.
        started: ISO 8601 with the offset from UTC.
        kept: what the patient agreed to keep.
        pain_before, pain_after: 0 to 10.
        settled: did the pain of the day before settle within 24 hours?
        effort: Borg CR10, of the whole day.
        stopped: why it was ended early, if it was.
        complete: all was done, or the patient ended it; else it can be gone on with.
        parts: in the order they are done.
    """

    schema_: Literal["formcheck.day/1"] = Field(default="formcheck.day/1", alias="schema")
    date: date
    started: str
    kept: Kept
    pain_before: int | None = Field(default=None, ge=0, le=10)
    pain_after: int | None = Field(default=None, ge=0, le=10)
    settled: bool | None = None
    effort: float | None = Field(default=None, ge=0, le=10)
    stopped: Ended | None = None
    complete: bool = False
    parts: tuple[PartDone, ...] = ()

    @property
    def had_pain(self) -> bool:
        """Was any pain told?"""
        return bool(self.pain_before or self.pain_after) or self.stopped == "pain"

    @property
    def counted(self) -> int:
        """Repetitions done."""
        return sum(part.counted for part in self.parts)


@dataclass(frozen=True)
class Agreed:
    """What the patient agreed to last.

    Attributes:
        kept: what is kept.
        text: hash of the page that was read then.
    """

    kept: Kept
    text: str


class DayBook:
    """The days of one programme, in a folder of the user's data.

    Args:
        programme: whose days.
        root: folder of all programmes; default: ``programmes`` in the user's data folder.
    """

    def __init__(self, programme: Programme, root: Path | None = None) -> None:
        self._root = root if root is not None else programmes_folder()
        self.folder = self._root / _folder_name(programme)
        self._written: Day | None = None

    def days(self) -> list[Day]:
        """All days that can be read, the earliest first."""
        found = [_read_day(file) for file in sorted(self.folder.glob("day_*.json"))]
        return sorted((day for day in found if day is not None), key=lambda day: day.started)

    def keep(self, day: Day) -> None:
        """Write a day, in place of what it was before; nothing where nothing may be kept.

        Raises:
            FormcheckError: the disk is full, or not to be written to.
        """
        if day.kept == "none" or day == self._written:
            return
        make_folder(self.folder)
        name = re.sub(r"[^0-9]", "", day.started[:19])
        write_small(self.folder / f"day_{name}.json", day.model_dump_json(by_alias=True, indent=1))
        self._written = day

    def bring(self, text: str) -> str:
        """Keep the programme's file, which the patient opened; whether days are kept is agreed to elsewhere.

        Args:
            text: of the file.

        Returns:
            The name by which `kept_programme` finds it.

        Raises:
            FormcheckError: the disk is full, or not to be written to.
        """
        make_folder(self.folder)
        write_small(self.folder / _PROGRAMME, text)
        return self.folder.name

    def agreed(self) -> Agreed | None:
        """What was agreed to last; None the first time, and where nothing was to be kept."""
        content = read_small(self.folder / _AGREED)
        match content:
            case {"kept": ("video" | "skeleton" | "numbers") as kept, "text": str(text)}:
                return Agreed(kept, text)
        return None

    def agree(self, agreed: Agreed, text: str) -> None:
        """Remember what was agreed to, and the programme's file; forget both where nothing may be kept.

        Args:
            agreed: what.
            text: of the programme's file.

        Raises:
            FormcheckError: the disk is full, or not to be written to.
        """
        if agreed.kept == "none":
            for file in (self.folder / _AGREED, self._root / _LAST):
                if os.path.lexists(file):
                    remove_file(file)
            return
        make_folder(self.folder)
        write_small(self.folder / _AGREED, json.dumps({"kept": agreed.kept, "text": agreed.text}))
        write_small(self.folder / _PROGRAMME, text)
        write_small(self._root / _LAST, self.folder.name)


def programmes_folder() -> Path:
    """Where programmes and their days are kept: ``programmes`` in the user's data folder."""
    return user_data_folder() / "programmes"


def last_programme(root: Path | None = None) -> Path | None:
    """The file of the programme that was played last, as it was kept then; None if there is none."""
    root = root if root is not None else programmes_folder()
    try:
        name = (root / _LAST).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    return kept_programme(name, root)


def kept_programme(name: str, root: Path | None = None) -> Path | None:
    """The file of a programme, by the name that `DayBook.bring` gave it; None if it is not there."""
    file = (root if root is not None else programmes_folder()) / name / _PROGRAMME
    return file if re.fullmatch(r"[a-z0-9-]+", name) and file.is_file() else None


def day_files(root: Path | None = None) -> list[Path]:
    """Files of the kept days of all programmes."""
    return sorted((root if root is not None else programmes_folder()).glob("*/day_*.json"))


def forget_days(root: Path | None = None) -> None:
    """Delete all kept days, and what was agreed to; the programmes stay.

    Raises:
        FormcheckError: one of them cannot be deleted.
    """
    root = root if root is not None else programmes_folder()
    for file in (*day_files(root), *root.glob(f"*/{_AGREED}"), root / _LAST):
        try:
            if os.path.lexists(file):
                remove_file(file)
        except OSError as error:
            raise FormcheckError(f"{file} cannot be deleted ({error.strerror}).") from None


def day_of(days: Iterable[Day], today: date) -> Day | None:
    """What was begun today, the last of it; None if nothing was."""
    return max((day for day in days if day.date == today), key=lambda day: day.started, default=None)


def last_range(days: Iterable[Day], exercise: str, side: str | None) -> OwnRange | None:
    """The own range that was practised last, of an exercise and a side."""
    found = None
    for day in days:
        for part in day.parts:
            if (part.exercise, part.side) == (exercise, side) and part.own_range is not None:
                found = part.own_range
    return found


def started_now() -> str:
    """Now, as a day's `started`."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _folder_name(programme: Programme) -> str:
    """Not the patient's pseudonym, nor the programme's name as it stands."""
    plain = re.sub(r"[^a-z0-9]+", "-", programme.name.lower()).strip("-")[:40] or "programme"
    whose = hashlib.sha256(f"{programme.name}\n{programme.patient or ''}".encode()).hexdigest()[:8]
    return f"{plain}-{whose}"


def write_small(path: Path, text: str) -> None:
    """Write a file of the user's own in place of what it was before.

    Raises:
        FormcheckError: the disk is full, or not to be written to.
    """
    with replacing(path) as part, open(part, "w", encoding="utf-8", opener=opener) as file:
        file.write(text)


def read_small(path: Path) -> Any:
    """What a JSON file says; None where it cannot be read or is none."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_DAY:
            return None
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _read_day(path: Path) -> Day | None:
    """A day's file; None if it is damaged, which must not keep anybody from exercising."""
    try:
        return Day.model_validate(read_small(path))
    except ValidationError:
        return None
