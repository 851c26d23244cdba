"""The layout of ``session.sqlite``: its tables, and what is known of a session from its start.

Landmarks and measures are blobs of little-endian numbers, one a frame: 99 columns would cost ten times
the time and could be read no better. ``sqlite3 session.sqlite .schema`` shows the tables with the
comments below.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from formcheck.exercises.definition import Definition
from formcheck.pose.landmarks import LANDMARK_COUNT

SCHEMA = "formcheck.session/5"
#: Of sessions that are read as well: without the samples of a phone.
NO_PHONE = "formcheck.session/4"
#: Of sessions that are read as well: nothing in them is said of what turned in a body that lies on its side.
NOT_LYING = "formcheck.session/3"
#: Of sessions that are read as well: only frames and measures have check sums in them.
FEW_SUMS = "formcheck.session/2"

_MOST_PX = 100_000

#: What a NULL blob stands for.
NAN_POINTS = np.full((LANDMARK_COUNT, 3), np.nan, dtype="<f4").tobytes()
NAN_VISIBILITY = np.full(LANDMARK_COUNT, np.nan, dtype="<f4").tobytes()

TABLES = (
    """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT
) WITHOUT ROWID
    """,
    """
CREATE TABLE frames (
    frame INTEGER PRIMARY KEY,     -- from 0
    time_s REAL NOT NULL,
    person INTEGER NOT NULL,       -- 1: the exercising person was seen
    rejected INTEGER NOT NULL,     -- 1: a skeleton was thrown away as not this person's
    people_seen INTEGER NOT NULL,
    phase TEXT NOT NULL,           -- none, rest, rise, hold, lower or lost
    rep INTEGER NOT NULL,          -- 0 between repetitions
    landmarks BLOB,                -- 33 x (x, y, z) float32, pixels; NULL: all NaN
    world BLOB,                    -- 33 x (x, y, z) float32, metres; NULL: all NaN
    visibility BLOB,               -- 33 float32; NULL: all NaN
    lying BLOB NOT NULL,           -- 12 float32, see formcheck.pose.lying_reading; empty: no reading
    disagreement REAL,             -- of the two readings of the skeleton, body sizes; NULL: no second one
    crc INTEGER NOT NULL           -- of the columns before, see formcheck.session.schema.row_crc
)
    """,
    """
CREATE TABLE measures (            -- apart from frames: read and scored again without the landmarks
    frame INTEGER PRIMARY KEY,
    value BLOB NOT NULL,           -- one float32 for each name in meta 'measures'; NaN: not measurable
    status BLOB NOT NULL,          -- one byte for each: 0 ok, 1 low, 2 not measurable
    reason BLOB NOT NULL,          -- one byte for each: see formcheck.measures.table.Reason
    crc INTEGER NOT NULL           -- as in frames
)
    """,
    """
CREATE TABLE phone (               -- what a phone in the waistband sent, live sessions only
    part INTEGER PRIMARY KEY,      -- from 0, in the order in which they came
    after_frame INTEGER NOT NULL,  -- the last frame that had been dealt with; -1 before the first
    samples BLOB NOT NULL,         -- 9 float64 for each sample, see formcheck.phone.sample
    crc INTEGER NOT NULL           -- as in frames; how many parts there are is in meta
)
    """,
    """
CREATE TABLE reps (
    rep INTEGER PRIMARY KEY,
    class TEXT NOT NULL,           -- full, partial, aborted or void
    start_s REAL NOT NULL,
    peak_s REAL NOT NULL,
    end_s REAL NOT NULL,
    rise_s REAL,
    hold_s REAL,
    lower_s REAL,
    confidence REAL NOT NULL,
    peak TEXT NOT NULL,            -- JSON: values of the measures at the peak
    in_set INTEGER                 -- number of its set; NULL in an analysed recording
)
    """,
    """
CREATE TABLE faults (
    rep INTEGER NOT NULL,
    id TEXT NOT NULL,
    grade INTEGER NOT NULL,
    value REAL NOT NULL,
    unit TEXT NOT NULL,
    start_s REAL NOT NULL,
    end_s REAL NOT NULL,
    sure REAL,                     -- chance that the true value is beyond the first threshold
    allowance REAL                 -- how far a threshold must be passed for its grade; unit of the value
)
    """,
    """
CREATE TABLE events (              -- what happened besides frames, live sessions only
    time_s REAL NOT NULL,          -- on the clock of the frames
    after_frame INTEGER NOT NULL,  -- the last frame that had been dealt with; -1 before the first
    kind TEXT NOT NULL,            -- see formcheck.analysis.events
    data TEXT NOT NULL             -- JSON
)
    """,
    """
CREATE TABLE warnings (text TEXT NOT NULL)
    """,
    """
CREATE TABLE summary (
    json TEXT NOT NULL             -- one row, once the session has ended
)
    """,
    """
CREATE TABLE sums (                -- frames and measures have a sum in every row instead
    part TEXT PRIMARY KEY,         -- a table; or facts: meta without the definition, which has a hash
    crc INTEGER NOT NULL           -- see formcheck.session.schema.table_crc and facts_crc
) WITHOUT ROWID
    """,
)

#: Tables that a check sum as a whole is kept of, in the table ``sums``.
SUMMED = ("reps", "faults", "events", "warnings", "summary")


@dataclass(frozen=True)
class SessionMeta:
    """What is known of a session from its start.

    Attributes:
        formcheck: version of formcheck that recorded it.
        created: when, ISO 8601 with the offset from UTC.
        source: name of the video, without its folder (paths often hold people's names), or of the camera.
        image_wh: width and height of its frames, pixels.
        exercise: its name.
        side: working side, or None where there is none or it has not been found yet.
        view: from where the camera looks.
        engine: pose engine.
        model: its landmark model.
        model_sha256: hash of each model file used, by name.
        measures: names of the measures, in the order they are stored.
        primary: the measure that counts repetitions.
        overrides: the patient's own thresholds that were laid over the definition, as TOML text.
        live: of a live session what was known of it from the start (`SessionFacts`) as JSON, else None.
        declared_side: the side the person named, or None where it was found.
        source_warnings: warnings from reading the video, which the landmarks do not tell again.
    """

    formcheck: str
    created: str
    source: str
    image_wh: tuple[int, int]
    exercise: str
    side: str | None
    view: str
    engine: str
    model: str
    model_sha256: dict[str, str]
    measures: tuple[str, ...]
    primary: str
    overrides: str = ""
    live: str | None = None
    declared_side: str | None = None
    source_warnings: tuple[str, ...] = ()


def row_crc(row: Sequence[object]) -> int:
    """CRC-32 of a row of ``frames`` or ``measures`` (without the sum itself).

    SQLite notices damage to its own structure, not to what is stored: without this, half of all
    overwritten blocks would be read as landmarks.
    """
    return zlib.crc32(b"".join([item if type(item) is bytes else repr(item).encode() for item in row]))


def rows_sound(rows: Sequence[tuple[object, ...]], blobs: slice) -> bool:
    """Whether the last column of every row is the `row_crc` of the others: twice as quick as row by row.

    Args:
        rows: all columns of some rows of a table.
        blobs: which of them are bytes; elsewhere there are none.
    """
    head, tail = "%r" * blobs.start, ("%r" * (len(rows[0]) - 1 - blobs.stop) if rows else "")
    for row in rows:
        try:
            before, after = head % row[: blobs.start], tail % row[blobs.stop : -1]
            crc = zlib.crc32(b"".join((before.encode(), *row[blobs], after.encode())))  # type: ignore[arg-type]
        except TypeError:  # not bytes: nobody was seen there
            crc = row_crc(row[:-1])
        if crc != row[-1]:
            return False
    return True


def json_crc(cells: object) -> int:
    """CRC-32 of text and numbers, as JSON: the same on every Python.

    Raises:
        TypeError: there are bytes among them.
    """
    return zlib.crc32(json.dumps(cells).encode())


def table_crc(db: sqlite3.Connection, table: str) -> int:
    """CRC-32 of one of the tables `SUMMED`: of its rows as JSON, in order.

    Raises:
        TypeError: there are bytes in it, which formcheck never wrote.
    """
    return json_crc(db.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall())


def facts_crc(meta: Mapping[str, str | None]) -> int:
    """CRC-32 of the contents of the table ``meta`` but for the definition.

    Raises:
        TypeError: there are bytes in it, which formcheck never wrote.
    """
    return json_crc(sorted((key, value) for key, value in meta.items() if key != "definition"))


def file_crc(path: Path) -> int:
    """CRC-32 of a file.

    Raises:
        OSError: it cannot be read.
    """
    crc = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            crc = zlib.crc32(piece, crc)
    return crc


def times_crc(time_s: NDArray[np.float64]) -> int:
    """CRC-32 of the times of all frames: quick to read without landmarks, and tells when one is missing."""
    return zlib.crc32(time_s.astype("<f8").tobytes())


def next_times_crc(time_s: float, before: int) -> int:
    """`times_crc` with one more frame; of none it is 0."""
    return zlib.crc32(struct.pack("<d", time_s), before)


def meta_rows(meta: SessionMeta, definition: Definition) -> dict[str, str | None]:
    """Contents of the table ``meta`` at the start of a session."""
    text = json.dumps(definition.model_dump(mode="json"))  # in its own order, which is that of its tables
    return {
        "schema": SCHEMA,
        "complete": "0",
        "formcheck": meta.formcheck,
        "created": meta.created,
        "source": meta.source,
        "image_wh": json.dumps(meta.image_wh),
        "exercise": meta.exercise,
        "side": meta.side,
        "view": meta.view,
        "engine": meta.engine,
        "model": meta.model,
        "model_sha256": json.dumps(meta.model_sha256),
        "measures": json.dumps(meta.measures),
        "primary": meta.primary,
        "overrides": meta.overrides,
        "live": meta.live,
        "declared_side": meta.declared_side,
        "source_warnings": json.dumps(meta.source_warnings),
        "definition": text,
        "definition_sha256": definition.sha256,
    }


def definition_hash(text: str) -> str:
    """`Definition.sha256` of a stored definition, from its JSON text.

    Raises:
        ValueError: it is not JSON.
    """
    return hashlib.sha256(json.dumps(json.loads(text), sort_keys=True).encode()).hexdigest()


def read_meta(db: sqlite3.Connection) -> dict[str, str | None]:
    """Contents of the table ``meta``."""
    return dict(db.execute("SELECT key, value FROM meta"))


def parse_meta(meta: dict[str, str | None]) -> SessionMeta:
    """The other way round.

    Raises:
        KeyError, TypeError, ValueError: something is missing or spoilt.
    """
    text = {key: value for key, value in meta.items() if value is not None}
    if not all(isinstance(value, str) for value in text.values()):  # SQLite keeps what it is given
        raise TypeError("not text")
    width, height = json.loads(text["image_wh"])
    sides = meta["side"], meta.get("declared_side")
    if not (0 < width < _MOST_PX and 0 < height < _MOST_PX) or not {*sides} <= {"left", "right", None}:
        raise ValueError("no picture or side like that")
    measures = tuple(str(name) for name in json.loads(text["measures"]))
    if text["primary"] not in measures:
        raise ValueError("the primary measure is not there")
    return SessionMeta(
        formcheck=text["formcheck"],
        created=text["created"],
        source=text["source"],
        image_wh=(int(width), int(height)),
        exercise=text["exercise"],
        side=meta["side"],
        view=text["view"],
        engine=text["engine"],
        model=text["model"],
        model_sha256={str(k): str(v) for k, v in dict(json.loads(text["model_sha256"])).items()},
        measures=measures,
        primary=text["primary"],
        overrides=text["overrides"],
        live=meta["live"],
        # Missing in files from before they were kept.
        declared_side=meta.get("declared_side"),
        source_warnings=tuple(str(line) for line in json.loads(text.get("source_warnings", "[]"))),
    )
