"""What the physio decides about one session: ``review.sqlite`` beside its ``session.sqlite``.

The record of the session itself is never written to. A decision is an item with a revision number: saving
one says on which revision it builds. If somebody else (another tab, another computer on a shared folder)
changed the item meanwhile, changes of different fields are merged, and a change of the same field is refused
with what stands there now, so that nothing is overwritten unseen. Every version ever saved is kept in the
history. Each says who saved it, as far as the page was told, and when.

Every row has a check sum. What stands is in the items and once more in the history, so one damaged row costs
nothing.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from formcheck.analysis.decisions import Decisions, FaultDecision, Ruled
from formcheck.analysis.rulings import Shown
from formcheck.errors import FormcheckError
from formcheck.folder_handle import make_file, opened_by_name
from formcheck.session.folder import REVIEW, SIDE_FILES
from formcheck.session.library import printable
from formcheck.session.schema import json_crc
from formcheck.session.untrusted import guard

SCHEMA = "formcheck.review/2"
#: Of notes that are read as well: they have no check sums, and get them with the next note.
WITHOUT_SUMS = "formcheck.review/1"
MOST_ITEMS = 20_000
_MOST_VERSIONS = 10 * MOST_ITEMS
#: Another program or tab may be writing for so long.
_WAIT_S = 5.0

Name = Annotated[str, StringConstraints(pattern=r"^[a-z_0-9]{1,60}$")]
Text = Annotated[str, StringConstraints(max_length=4000)]
Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]
RepIndex = Annotated[int, Field(ge=1, le=1_000_000)]
_Place = Annotated[float, Field(ge=-1, le=2, allow_inf_nan=False)]
_Line = Annotated[tuple[tuple[_Place, _Place], ...], Field(min_length=1, max_length=400)]
Drawing = Annotated[tuple[_Line, ...], Field(max_length=60)]
#: Two minutes of speech, as base64.
MOST_SOUND = 1_000_000
Sound = Annotated[str, StringConstraints(max_length=MOST_SOUND, pattern=r"^[A-Za-z0-9+/]*=*$")]  # MP3
#: Spec 8.2, as in EXAS.
QUALITY = {1.0: "excellent", 0.8: "good", 0.6: "reasonable", 0.4: "moderate", 0.2: "poor"}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Decision(_Model):
    """A fault that formcheck found, accepted or rejected, and the physio's grade for it.

    `grade_found` is the program's grade at the time of a change of grade: from what to what it was changed.
    """

    rep: RepIndex
    fault: Name
    start_s: Seconds
    verdict: Literal["accepted", "rejected"] | None = None
    grade: Literal[1, 2, 3] | None = None
    grade_found: Literal[1, 2, 3] | None = None
    note: Text = ""


class Missed(_Model):
    """A fault that formcheck did not find and the physio saw."""

    rep: RepIndex | None = None
    fault: Name
    time_s: Seconds
    grade: Literal[1, 2, 3] = 1
    note: Text = ""


class Look(_Model):
    """What the physio saw by eye at the top of a repetition, asked for one fault: there, not there, or not
    to be told."""

    rep: RepIndex
    fault: Name
    time_s: Seconds
    answer: Literal["yes", "no", "unclear"]


class Comment(_Model):
    """A remark at a moment, and what was drawn on its picture: lines of places in it, each from 0 to 1."""

    time_s: Seconds
    text: Text
    drawing: Drawing = ()


class SpokenNote(_Model):
    """What the physio says at a moment to the patient, recorded after being told what becomes of it."""

    time_s: Seconds
    sound: Sound
    seconds: Seconds
    text: Text = ""  # the same in words
    consent: Literal[True]


class Rating(_Model):
    """Quality of performance, rated by the physio and never by the program (spec 8.2)."""

    level: float | None = None
    note: Text = ""

    @field_validator("level")
    @classmethod
    def _one_of_five(cls, level: float | None) -> float | None:
        if level is not None and level not in QUALITY:
            raise ValueError("the quality has five levels: 1.0, 0.8, 0.6, 0.4, 0.2")
        return level


class WatchedRep(_Model):
    """A repetition that was watched as a whole: what is not marked in it was not there."""

    rep: RepIndex
    start_s: Seconds
    done: bool


class Done(_Model):
    """The whole session: nothing more is to be decided."""

    done: bool


class About(_Model):
    """Who and when, for recordings that do not say so themselves."""

    patient: Annotated[str, StringConstraints(max_length=80, strip_whitespace=True)] = ""
    recorded: Annotated[str, StringConstraints(pattern=r"^(\d{4}-\d\d-\d\d(T\d\d:\d\d)?)?$")] = ""


KINDS: dict[str, type[_Model]] = {
    "decision": Decision,
    "missed": Missed,
    "look": Look,
    "comment": Comment,
    "voice": SpokenNote,
    "rating": Rating,
    "reviewed": WatchedRep,
    "done": Done,
    "about": About,
}
_ID = re.compile(rf"^({'|'.join(KINDS)})(:[A-Za-z0-9_.-]{{1,80}}){{0,3}}$")
#: Beside an item's data in the file: who saved it, and when. No two versions differ by these alone.
_STAMP = ("by", "on")
_LONGEST_NAME = 80

_CRC = "    crc INTEGER NOT NULL,          -- of the other columns, see formcheck.session.schema.json_crc\n"
_TABLES = {
    "meta": "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID",
    "items": f"""CREATE TABLE items (
    id TEXT PRIMARY KEY,           -- kind, then what it is about: decision:3:hip_not_extended
    revision INTEGER NOT NULL,     -- counts the versions of this item, from 1
    seq INTEGER NOT NULL,          -- counts all changes of the session
{_CRC}    data TEXT                      -- JSON, see formcheck.session.notes; NULL: taken back
) WITHOUT ROWID""",
    "history": f"""CREATE TABLE history (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed TEXT NOT NULL,         -- ISO 8601 with the offset from UTC
{_CRC}    data TEXT
)""",
}
_TABLES_WITHOUT_SUMS = {name: sql.replace(_CRC, "") for name, sql in _TABLES.items()}
#: Columns to be read, and those that a row's check sum is of, in their order.
_ITEM, _VERSION = "id, revision, seq, data", "id, revision, seq, data, changed"


@dataclass(frozen=True)
class Item:
    """One item as it stands.

    Attributes:
        id: its kind, then what it is about.
        revision: counts its versions, from 1; 0 if there is none yet.
        seq: number of its last change among all changes of the session.
        data: as its kind's model says; None when it was taken back.
        by: who saved it; "" where nobody said.
        on: when, ISO 8601; "" in notes of before this was kept.
    """

    id: str
    revision: int
    seq: int
    data: dict[str, Any] | None
    by: str = ""
    on: str = ""

    @property
    def kind(self) -> str:
        """A key of `KINDS`."""
        return self.id.partition(":")[0]


class ConflictError(Exception):
    """The same field was changed by somebody else; `current` is what stands there."""

    def __init__(self, current: Item) -> None:
        super().__init__(current.id)
        self.current = current


class Notes:
    """The decisions about one session.

    Args:
        folder: the session's folder, from a `Library`.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / REVIEW

    def items(self, since: int = 0) -> tuple[int, list[Item]]:
        """Items that changed after change number `since`, and the number of the last change.

        Raises:
            FormcheckError: the file is damaged, more than can be made good from its history, or not one of
                formcheck's.
        """
        if not self._exists():
            return 0, []
        with self._open() as (db, summed):
            if summed:
                last, rows = _standing(db, since)
            else:
                last = int(db.execute("SELECT coalesce(max(seq), 0) FROM history").fetchone()[0])
                rows = db.execute(
                    f"SELECT {_ITEM} FROM items WHERE seq > ? ORDER BY seq LIMIT ?", (since, MOST_ITEMS)
                ).fetchall()
        return last, [item for row in rows if (item := _read(row)) is not None]

    def standing(self) -> list[Item]:
        """All items that were not taken back."""
        return [item for item in self.items()[1] if item.data is not None]

    def save(self, id_: str, data: dict[str, Any] | None, base: int, by: str = "") -> Item:
        """Saves a version of an item.

        Args:
            id_: which.
            data: all its fields; None takes it back.
            base: the revision this change was made on, 0 for a new item.
            by: who saves it.

        Returns:
            The item as it stands now, with changes of other fields by others merged in.

        Raises:
            ConflictError: the same field was changed by somebody else meanwhile.
            FormcheckError: the values are not valid, or the file cannot be written.
        """
        (item,), (conflict,) = self.save_all([(id_, data, base)], by)
        if conflict:
            raise ConflictError(item)
        return item

    def save_all(
        self, changes: Sequence[tuple[str, dict[str, Any] | None, int]], by: str = ""
    ) -> tuple[list[Item], list[bool]]:
        """Saves versions of many items at once: all of them, or, where somebody else changed one, the others.

        Args:
            changes: of each item which, its data and the base, as for `save`.
            by: who saves them.

        Returns:
            The items as they stand now, and of each whether somebody else changed the same field: then it is
            theirs that stands.

        Raises:
            FormcheckError: the values are not valid, or the file cannot be written; nothing is saved then.
        """
        if not all(_ID.fullmatch(id_) for id_, _, _ in changes):
            raise FormcheckError("This is not something that can be noted about a session.")
        valid = [(id_, _valid(id_.partition(":")[0], data), base) for id_, data, base in changes]
        items, conflicts = [], []
        by = printable(by.strip(), _LONGEST_NAME)
        with self._open(create=True) as (db, _):
            db.execute("BEGIN IMMEDIATE")
            try:
                for id_, data, base in valid:
                    try:
                        items.append(self._save(db, id_, data, base, by))
                        conflicts.append(False)
                    except ConflictError as conflict:
                        items.append(conflict.current)
                        conflicts.append(True)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
        return items, conflicts

    def _save(
        self, db: sqlite3.Connection, id_: str, data: dict[str, Any] | None, base: int, by: str
    ) -> Item:
        row = _newest(db, id_)
        current = _read(row) if row is not None else None
        if row is not None and current is None:
            raise _damaged()
        if current is None:
            if db.execute("SELECT count(*) FROM items").fetchone()[0] >= MOST_ITEMS:
                raise FormcheckError("There are too many notes on this session.")
            current = Item(id_, 0, 0, None)
        if current.data == data and current.revision > 0:
            return current
        if current.revision != base:
            data = self._merged(db, current, data, base)
            if data == current.data:
                return current
        seq = 1 + max(
            int(db.execute(f"SELECT coalesce(max(seq), 0) FROM {table}").fetchone()[0])
            for table in ("history", "items")
        )
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        text = None if data is None else json.dumps(data | {"by": by, "on": now}, ensure_ascii=False)
        revision = current.revision + 1
        _insert(db, "history", _VERSION, (id_, revision, seq, text, now))
        _insert(db, "items", _ITEM, (id_, revision, seq, text))
        if current.kind == "voice" and data is None:
            _silence(db, id_)
        return Item(id_, revision, seq, data, *(("", "") if data is None else (by, now)))

    def _merged(
        self, db: sqlite3.Connection, current: Item, mine: dict[str, Any] | None, base: int
    ) -> dict[str, Any] | None:
        """Both changes in one, where they are of different fields."""
        rows = _sound(
            db, f"SELECT {_VERSION}, crc FROM history WHERE id = ? AND revision = ?", current.id, base
        )
        before = json.loads(rows[0][3]) if rows and rows[0][3] is not None else {}
        if mine is None or current.data is None or not isinstance(before, dict):
            raise ConflictError(current)
        theirs = current.data
        out: dict[str, Any] = {}
        for name in mine:
            if mine[name] == before.get(name) or mine[name] == theirs.get(name):
                out[name] = theirs.get(name)
            elif theirs.get(name) == before.get(name):
                out[name] = mine[name]
            else:
                raise ConflictError(current)
        return _valid(current.kind, out)

    def _exists(self) -> bool:
        """True for a regular file; a link or anything else in its place is not touched."""
        for ending in ("", *SIDE_FILES):
            try:
                mode = os.lstat(f"{self.path}{ending}").st_mode
            except OSError:
                continue
            if not stat.S_ISREG(mode):
                raise FormcheckError(
                    "The notes on this session are a link to another place, so they are not opened."
                )
        return self.path.exists() and self.path.stat().st_size > 0

    @contextmanager
    def _open(self, create: bool = False) -> Iterator[tuple[sqlite3.Connection, bool]]:
        """Gives the database, and whether its rows have check sums: always, if it is to be written to."""
        new = not self._exists()
        if new and not create:
            raise FormcheckError("There are no notes on this session yet.")
        try:
            if new:
                with suppress(FileExistsError):
                    make_file(self.path)
            with opened_by_name(self.path):
                db = sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise FormcheckError(f"The notes on this session cannot be opened ({error}).") from None
        try:
            guard(db)
            # A program killed at its very first note leaves a file without tables.
            if create or not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                self._prepare(db)
            summed = self._look_over(db)
            if create and not summed:
                summed = _add_sums(db)
            yield db, summed
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise FormcheckError("Somebody else is writing notes just now; try again.") from None
            if "readonly" in str(error) or "unable to open" in str(error) or "full" in str(error):
                raise FormcheckError(
                    f"The notes cannot be written ({error}); see that the disk is not full and that you may "
                    "write to the session's folder."
                ) from None
            raise _damaged() from None
        except (sqlite3.Error, ValueError, TypeError, OverflowError, RecursionError) as error:
            if isinstance(error, ValidationError):
                raise
            raise _damaged() from None
        finally:
            db.close()

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Makes the tables, once; two at the same moment do not get into each other's way."""
        until = time.monotonic() + _WAIT_S
        while not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            try:
                db.execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                # For this SQLite does not wait, whatever its time-out.
                if "locked" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.01)
                continue
            db.execute("BEGIN IMMEDIATE")
            if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                for sql in _TABLES.values():
                    db.execute(sql)
                db.execute("INSERT INTO meta VALUES ('schema', ?)", (SCHEMA,))
            db.execute("COMMIT")

    def _look_over(self, db: sqlite3.Connection) -> bool:
        """Only our own tables: a trigger in a file from elsewhere would run with every note.

        Returns:
            Whether their rows have check sums.
        """
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA secure_delete=ON")
        entries = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        summed = ("table", "items", _TABLES["items"]) in entries
        tables = _TABLES if summed else _TABLES_WITHOUT_SUMS
        for kind, name, sql in entries:
            if not (kind == "table" and sql == tables.get(name)) and not (kind == "index" and sql is None):
                raise _damaged()
        if not {name for _, name, _ in entries} >= tables.keys():
            raise _damaged()
        row = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        if row is None or row[0] != (SCHEMA if summed else WITHOUT_SUMS):
            newer = str(row[0] if row else "").startswith("formcheck.review/")
            raise (
                FormcheckError("The notes on this session were made by another formcheck; update formcheck.")
                if newer
                else _damaged()
            )
        return summed


def decisions_of(items: Sequence[Item]) -> Decisions:
    """What the physio's notes say about the findings of a session.

    Args:
        items: as they stand, in the order in which they were changed.
    """
    decisions: list[FaultDecision] = []
    remarks: list[tuple[float | None, str]] = []
    shown: list[Shown] = []
    watched: set[int] = set()
    one: dict[str, dict[str, Any]] = {}
    for item in items:
        data = item.data
        if data is None:
            continue
        if item.kind in ("decision", "missed", "look"):
            if (kind := _ruled(item.kind, data)) is not None:
                at = float(data["start_s"] if item.kind == "decision" else data["time_s"])
                note, grade = str(data.get("note") or ""), data.get("grade")
                decisions.append(
                    FaultDecision(data["rep"], data["fault"], kind, grade, at, note, item.by, item.on)
                )
        elif item.kind == "reviewed":
            watched |= {data["rep"]} if data["done"] else set()
        elif item.kind in ("comment", "voice"):
            at, text = float(data["time_s"]), str(data["text"])
            remarks.append((at, text))
            drawing = tuple(tuple((float(x), float(y)) for x, y in line) for line in data.get("drawing", ()))
            sound, seconds = str(data.get("sound", "")), float(data.get("seconds", 0.0))
            shown.append(Shown(item.id, at, text, drawing, sound, seconds))
        else:
            one[item.kind] = data
    rating, about = one.get("rating", {}), one.get("about", {})
    whole = [(None, str(rating["note"]))] if rating.get("note") else []
    judged = [item for item in items if item.data is not None and item.kind != "about"]
    return Decisions(
        decisions=tuple(decisions),
        watched=frozenset(watched),
        done=bool(one.get("done", {}).get("done")),
        remarks=(*whole, *sorted((r for r in remarks if r[1]), key=lambda r: r[0] or 0.0)),
        shown=tuple(sorted(shown, key=lambda one: one.time_s)),
        quality=QUALITY.get(float(rating.get("level") or 0.0), ""),
        patient=str(about.get("patient") or ""),
        recorded=str(about.get("recorded") or ""),
        reviewers=tuple(dict.fromkeys(item.by for item in judged if item.by)),
        last_on=max((item.on for item in judged), default=""),
    )


def _ruled(kind: str, data: dict[str, Any]) -> Ruled | None:
    if kind == "missed":
        return "added"
    if kind == "look":
        answers: dict[str, Ruled] = {"yes": "there", "no": "not_there", "unclear": "unclear"}
        return answers[data["answer"]]
    if data["verdict"] == "rejected":
        return "rejected"
    if data["grade"] is not None:
        return "graded"
    return "accepted" if data["verdict"] == "accepted" else "remarked" if data["note"] else None


def _silence(db: sqlite3.Connection, id_: str) -> None:
    """A voice that was taken back is in no version any more: of all notes it tells most of a person."""
    for seq, revision, changed, data in db.execute(
        "SELECT seq, revision, changed, data FROM history WHERE id = ? AND data IS NOT NULL", (id_,)
    ).fetchall():
        text = json.dumps(json.loads(data) | {"sound": ""}, ensure_ascii=False)
        _insert(db, "history", _VERSION, (id_, revision, seq, text, changed))


def _insert(db: sqlite3.Connection, table: str, columns: str, cells: tuple[Any, ...]) -> None:
    marks = "?," * len(cells)
    db.execute(
        f"INSERT OR REPLACE INTO {table} ({columns}, crc) VALUES ({marks}?)", (*cells, json_crc(cells))
    )


def _add_sums(db: sqlite3.Connection) -> bool:
    """Gives notes that were made without check sums theirs."""
    db.execute("BEGIN IMMEDIATE")
    if db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()[0] == WITHOUT_SUMS:
        for table, columns in (("items", _ITEM), ("history", _VERSION)):
            rows = db.execute(f"SELECT {columns} FROM {table}").fetchall()
            db.execute(f"DROP TABLE {table}")
            db.execute(_TABLES[table])
            for row in rows:
                _insert(db, table, columns, row)
        db.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (SCHEMA,))
    db.execute("COMMIT")
    return True


def _sound(db: sqlite3.Connection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows of a query, without their check sums, which come last; those that are damaged are left out."""
    return [tuple(cells) for *cells, crc in db.execute(sql, values) if json_crc(cells) == crc]


def _newest(db: sqlite3.Connection, id_: str) -> tuple[Any, ...] | None:
    """An item as it stands, or as the history has it where it is damaged.

    Raises:
        FormcheckError: both are damaged.
    """
    rows = _sound(db, f"SELECT {_ITEM}, crc FROM items WHERE id = ?", id_)
    if not rows:
        of_id = "FROM history WHERE id = ? ORDER BY revision DESC LIMIT 1"
        rows = [row[:4] for row in _sound(db, f"SELECT {_VERSION}, crc {of_id}", id_)]
        if not rows and db.execute(f"SELECT 1 {of_id}", (id_,)).fetchone() is not None:
            raise _damaged()
    return rows[0] if rows else None


def _standing(db: sqlite3.Connection, since: int) -> tuple[int, list[tuple[Any, ...]]]:
    """Number of the last change, and the items as they stand since another, in the order of their changes.

    They are taken from whichever is whole, the items or the history.

    Raises:
        FormcheckError: neither is.
    """
    read: list[list[tuple[Any, ...]] | None] = []
    for table, columns, most in (("items", _ITEM, MOST_ITEMS), ("history", _VERSION, _MOST_VERSIONS)):
        try:
            sql = f"SELECT {columns}, crc FROM {table} WHERE seq > ? ORDER BY seq LIMIT ?"
            rows = db.execute(sql, (since, most)).fetchall()
            sound = all(json_crc(cells) == crc for *cells, crc in rows)
        except (sqlite3.DatabaseError, TypeError):
            rows, sound = [], False
        read.append([row[:4] for row in rows] if sound else None)
    items, history = read
    if history is not None:
        last = len(history) + since
        unbroken = [row[2] for row in history] == list(range(since + 1, last + 1))
        newest = {row[0]: row for row in history}
        if unbroken and (items is None or all(row[2] <= last for row in items)):
            return last, sorted(newest.values(), key=lambda row: row[2])[:MOST_ITEMS]
        if items is None or not newest.keys() <= {row[0] for row in items}:
            raise _damaged()
    if items is None:
        raise _damaged()
    return max([since, *(row[2] for row in [*items, *(history or [])])]), items


def _valid(kind: str, data: dict[str, Any] | None) -> dict[str, Any] | None:
    if data is None:
        return None
    try:
        return KINDS[kind].model_validate(data).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise FormcheckError(printable(f"This cannot be saved: {where}: {first['msg']}.", 400)) from None


def _read(row: tuple[Any, ...]) -> Item | None:
    """An item from the file, or None where it is not one: notes from elsewhere are not trusted either."""
    id_, revision, seq, text = row
    if not (
        isinstance(id_, str) and _ID.fullmatch(id_) and isinstance(revision, int) and isinstance(seq, int)
    ):
        return None
    if text is None:
        return Item(id_, revision, seq, None)
    try:
        told = json.loads(text)
        by, on = (printable(str(told.pop(name, "")), _LONGEST_NAME) for name in _STAMP)
        data = KINDS[id_.partition(":")[0]].model_validate(told).model_dump(mode="json")
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None
    return Item(id_, revision, seq, data, by, on)


def _damaged() -> FormcheckError:
    return FormcheckError(
        f"The notes on this session ({REVIEW} in its folder) are damaged; the session itself is not. "
        "Move that file away to start anew."
    )
