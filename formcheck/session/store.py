"""``session.sqlite``: the durable record of one session.

While a session is being recorded the database keeps a write-ahead log and commits three times a second with
``synchronous=FULL``: SQLite then waits for the disk at every commit, so that neither ``kill -9`` nor a
power cut costs more than the last second, and a commit is one write of a few dozen kilobytes. The log is
chosen over a rollback journal because an interrupted session can then be read without being repaired:
the record itself is not written to (SQLite makes a small ``-shm`` file beside it). The connection holds
its lock for good (``locking_mode=EXCLUSIVE``), which spares the shared memory that network folders cannot
offer. A session that was ended properly is turned back into a single file that can be copied, mailed and
read from a read-only folder.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.analysis import PHASES, Analysis, phases_in_words
from formcheck.analysis.events import Event
from formcheck.analysis.summary import Rep, Summary
from formcheck.errors import FormcheckError, printable
from formcheck.exercises.definition import Definition
from formcheck.folder_handle import make_file, opened_by_name
from formcheck.phone.sample import SAMPLE_COUNT, Arrival
from formcheck.pose import frame_arrays as arrays
from formcheck.pose.lying_reading import LYING_COUNT, Lying
from formcheck.session.folder import make_way_for_database, replacing, writing_to
from formcheck.session.reader import Session, SessionPoses, open_session
from formcheck.session.schema import (
    NAN_POINTS,
    NAN_VISIBILITY,
    SCHEMA,
    SUMMED,
    TABLES,
    SessionMeta,
    facts_crc,
    file_crc,
    meta_rows,
    next_times_crc,
    read_meta,
    row_crc,
    table_crc,
)

__all__ = [
    "SCHEMA",
    "Session",
    "SessionFrame",
    "SessionMeta",
    "SessionPoses",
    "SessionWriter",
    "open_session",
    "write_session",
]

_COMMIT_AFTER_S = 0.3
_COMMIT_AFTER_FRAMES = 4000


class SessionFrame(NamedTuple):
    """One frame to be stored; the arrays are as in `Analysis` and `MeasureTable`, without the time axis."""

    frame: int
    time_s: float
    person: bool
    rejected: bool
    people_seen: int
    phase: str
    rep: int
    landmarks_xyz: NDArray[np.float32] | None
    world_xyz: NDArray[np.float32] | None
    visibility: NDArray[np.float32] | None
    value: NDArray[np.float64]
    status: NDArray[np.uint8]
    reason: NDArray[np.uint8]
    disagreement: float | None = None
    lying: NDArray[np.float32] | None = None


class SessionWriter:
    """Writes a session row by row; used as a context manager.

    Leaving the block without `finish` (an exception, Ctrl-C) keeps what was recorded, marked incomplete;
    so does killing the program, but for the last second.
    """

    def __init__(
        self, path: Path, meta: SessionMeta, definition: Definition, *, durable: bool = True
    ) -> None:
        """Creates the file.

        Args:
            path: must not exist yet, or be empty: a recording is never overwritten.
            meta: what is known from the start.
            definition: the exercise definition used, with overrides.
            durable: False for a file that is thrown away if it does not get finished; waits for no disk.

        Raises:
            FormcheckError: the file exists or cannot be written.
        """
        if path.exists() and path.stat().st_size > 0:
            raise FormcheckError(
                f"The session {path} already exists; choose another name or remove it first."
            )
        self._folder = path.parent
        self._measures = len(meta.measures)
        # What belongs to a frame goes in together, so that Ctrl-C cannot come between them.
        # The third is the check sum of all times until then.
        self._rows: list[tuple[tuple[Any, ...], tuple[Any, ...], int]] = []
        self._times_written = 0
        self._arrivals: list[tuple[int, int, bytes, int]] = []
        self._parts = 0
        self._last_commit = time.monotonic()
        with writing_to(self._folder):
            with suppress(FileExistsError):
                make_file(path)  # SQLite gives its log and index files the mode of this one
            with opened_by_name(path):
                self._db = sqlite3.connect(path, isolation_level=None)
            self._durable = durable
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=MEMORY")  # also for the way into the log, see below
            if durable:
                self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
            with self._transaction():
                for statement in TABLES:
                    self._db.execute(statement)
                self._set(meta_rows(meta, definition))
                self._seal(*SUMMED)

    def __enter__(self) -> SessionWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()

    def append(self, frame: SessionFrame) -> None:
        """Adds one frame, and commits when the last commit was 0.3 s ago.

        Raises:
            FormcheckError: the disk is full or failing.
        """
        if frame.phase not in PHASES:
            raise ValueError(f"unknown phase '{frame.phase}'")
        # Plain numbers: SQLite takes none of numpy's, and their text is part of the check sum.
        index = int(frame.frame)
        row = (
            index,
            float(frame.time_s),
            int(frame.person),
            int(frame.rejected),
            int(frame.people_seen),
            frame.phase,
            int(frame.rep),
            _nullable(frame.landmarks_xyz, NAN_POINTS),
            _nullable(frame.world_xyz, NAN_POINTS),
            _nullable(frame.visibility, NAN_VISIBILITY),
            b"" if frame.lying is None else _lying(frame.lying),
            None if frame.disagreement is None else float(frame.disagreement),
        )
        value = frame.value.astype("<f4").tobytes()
        status = frame.status.astype(np.uint8).tobytes()
        reason = frame.reason.astype(np.uint8).tobytes()
        if not len(value) // 4 == len(status) == len(reason) == self._measures:
            raise ValueError(f"{self._measures} values, states and reasons expected in a frame")
        values = (index, value, status, reason)
        times = next_times_crc(row[1], self._times_crc)
        self._rows.append(((*row, row_crc(row)), (*values, row_crc(values)), times))
        waited = time.monotonic() - self._last_commit
        if waited >= _COMMIT_AFTER_S or len(self._rows) >= _COMMIT_AFTER_FRAMES:
            self.commit()

    def append_phone(self, arrival: Arrival) -> None:
        """Adds what came from a phone; it is committed with the frames."""
        samples = np.asarray(arrival.samples, np.float64)
        if samples.ndim != 2 or samples.shape[1] != SAMPLE_COUNT:
            raise ValueError(f"samples of {SAMPLE_COUNT} numbers expected, got {samples.shape}")
        row = (self._parts, int(arrival.after_frame), samples.astype("<f8").tobytes())
        self._arrivals.append((*row, row_crc(row)))
        self._parts += 1

    def append_rep(self, rep: Rep) -> None:
        """Adds a repetition and its faults, with all frames so far."""
        self._write_frames(lambda: self._add_rep(rep), "reps", "faults")

    def append_event(self, event: Event) -> None:
        """Adds an event, with all frames so far."""
        row = (event.time_s, event.after_frame, event.kind, json.dumps(event.data))
        self._write_frames(lambda: self._db.execute("INSERT INTO events VALUES (?,?,?,?)", row), "events")

    def append_warning(self, text: str) -> None:
        """Adds a warning, with all frames so far."""
        self._write_frames(lambda: self._db.execute("INSERT INTO warnings VALUES (?)", (text,)), "warnings")

    def seal_file(self, path: Path) -> None:
        """Keeps the check sum of a file that lies beside the session and says the same.

        Raises:
            FormcheckError: it cannot be read, or the disk is full.
        """
        with writing_to(self._folder):
            row = (path.name, file_crc(path))
            self._db.execute("INSERT OR REPLACE INTO sums VALUES (?,?)", row)

    def commit(self) -> None:
        """Makes everything appended so far safe; for the caller to use when frames pause."""
        self._write_frames()

    def finish(self, summary: Summary) -> None:
        """Adds the summary and closes the file, as complete as the summary says the session is.

        The repetitions, faults and warnings stored so far are replaced by the summary's: they were found
        without knowledge of what came after.

        Raises:
            FormcheckError: the disk is full or failing.
            ValueError: the summary cannot be read back (it holds a NaN, which JSON does not know).
        """
        text = summary.to_json()
        summary = Summary.model_validate_json(text)  # so that all tables say the same, rounded or null

        def write() -> None:
            for table in ("reps", "faults", "warnings", "summary"):
                self._db.execute(f"DELETE FROM {table}")
            for rep in summary.reps:
                self._add_rep(rep)
            self._db.executemany("INSERT INTO warnings VALUES (?)", [(line,) for line in summary.warnings])
            self._db.execute("INSERT INTO summary VALUES (?)", (text,))
            end = {"side": summary.side, "view": summary.view.name, "complete": str(int(summary.complete))}
            self._set(end | self._counted())

        self._write_frames(write, *SUMMED)
        with writing_to(self._folder):
            self._to_single_file()
            self._db.close()

    def abandon(self) -> None:
        """Closes the file with what there is, marked incomplete; does nothing after `finish`.

        Never raises for a full disk: it is called when something else has already gone wrong, and what
        was committed before stays readable.
        """
        with suppress(FormcheckError, sqlite3.Error):
            self.commit()
            self._write_frames(lambda: self._set(self._counted()))
            self._to_single_file()
        self._db.close()

    def _write_frames(self, also: Callable[[], object] | None = None, *changed: str) -> None:
        """Writes what waits, and does what else belongs to it, in one piece; `changed` are its tables."""
        with writing_to(self._folder):
            with self._transaction():
                # OR REPLACE: Ctrl-C can come between a commit and the clearing of the list.
                self._db.executemany(
                    "INSERT OR REPLACE INTO frames VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    [frame for frame, _, _ in self._rows],
                )
                self._db.executemany(
                    "INSERT OR REPLACE INTO measures VALUES (?,?,?,?,?)",
                    [values for _, values, _ in self._rows],
                )
                self._db.executemany("INSERT OR REPLACE INTO phone VALUES (?,?,?,?)", self._arrivals)
                if also is not None:
                    also()
                self._seal(*changed)
            self._times_written = self._times_crc
            self._rows.clear()
            self._arrivals.clear()
            self._last_commit = time.monotonic()

    def _add_rep(self, rep: Rep) -> None:
        times = (rep.start_s, rep.peak_s, rep.end_s, rep.rise_s, rep.hold_s, rep.lower_s)
        row = (rep.index, rep.class_, *times, rep.confidence, json.dumps(rep.peak), rep.set_)
        self._db.execute("INSERT INTO reps VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)
        self._db.executemany(
            "INSERT INTO faults VALUES (?,?,?,?,?,?,?,?,?)",
            [
                (rep.index, f.id, f.grade, f.value, f.unit, f.start_s, f.end_s, f.sure, f.allowance)
                for f in rep.faults
            ],
        )

    def _counted(self) -> dict[str, str | None]:
        """What tells that no frame and nothing of a phone is missing."""
        return {"times_crc": str(self._times_crc), "phone_parts": str(self._parts)}

    @property
    def _times_crc(self) -> int:
        """Check sum of the times of all frames so far."""
        return self._rows[-1][2] if self._rows else self._times_written

    def _set(self, values: Mapping[str, str | None]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?,?)", values.items())
        self._db.execute("INSERT OR REPLACE INTO sums VALUES ('facts', ?)", (facts_crc(read_meta(self._db)),))

    def _seal(self, *tables: str) -> None:
        """Keeps the check sums of tables as they are now."""
        sums = [(table, table_crc(self._db, table)) for table in tables]
        self._db.executemany("INSERT OR REPLACE INTO sums VALUES (?,?)", sums)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk makes SQLite roll back by itself
                self._db.execute("ROLLBACK")
            raise

    def _to_single_file(self) -> None:
        if self._durable:
            # Not DELETE: killed while two bytes of the file's head change, that would leave a journal, with
            # which nobody can read the session before somebody writes to it.
            self._db.execute("PRAGMA journal_mode=MEMORY")


def write_session(
    analysis: Analysis,
    path: Path,
    *,
    model_sha256: Mapping[str, str] | None = None,
    overrides: str = "",
    created: str | None = None,
    events: Iterable[Event] = (),
    live: str | None = None,
    phone: Iterable[Arrival] = (),
    beside: Iterable[Path] = (),
) -> None:
    """Writes a whole analysis; the file appears under its name only when all of it is there.

    Args:
        analysis: what to store. Its `smooth_xy` is left out: it is computed from the landmarks.
        path: an earlier file of that name is replaced.
        model_sha256: hash of each model file used, by name.
        overrides: text of the TOML that was laid over the definition.
        created: when it was recorded, ISO 8601, for a session that is written again; by default now.
        events, live, phone: of a live session that is written again; see `SessionMeta` for `live`.
        beside: files that are stored with it and say the same: it keeps a check sum of each.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    summary = analysis.summary
    meta = SessionMeta(
        formcheck=summary.formcheck,
        created=created or datetime.now().astimezone().isoformat(timespec="seconds"),
        source=printable(analysis.video.name),
        image_wh=(summary.source.width, summary.source.height),
        exercise=summary.exercise,
        side=summary.side,
        view=summary.view.name,
        engine=summary.pose.engine,
        model=summary.pose.model,
        model_sha256=dict(model_sha256 or {}),
        measures=analysis.measures.names,
        primary=analysis.primary,
        overrides=overrides,
        live=live,
        declared_side=analysis.declared_side,
        source_warnings=analysis.source_warnings,
    )
    with replacing(path) as part:
        with SessionWriter(part, meta, analysis.definition, durable=False) as writer:
            for frame in _frames_of(analysis):
                writer.append(frame)
            for arrival in phone:
                writer.append_phone(arrival)
            for event in events:
                writer.append_event(event)
            for file in beside:
                writer.seal_file(file)
            writer.finish(summary)
        make_way_for_database(path)


def _frames_of(analysis: Analysis) -> Iterator[SessionFrame]:
    for piece in arrays.pieces(len(analysis.track)):
        track, m = analysis.track.part(piece), analysis.measures.part(piece)
        apart: list[float | None] = [None] * len(track)
        if track.disagreement is not None:
            apart = [d if np.isfinite(d) else None for d in track.disagreement.tolist()]
        lying: Iterable[NDArray[np.float32] | None] = [None] * len(track)
        if track.lying is not None:
            lying = track.lying
        yield from map(
            SessionFrame._make,
            zip(
                range(piece.start, piece.stop),
                track.time_s.tolist(),
                track.person.tolist(),
                track.rejected.tolist(),
                track.people_seen.tolist(),
                phases_in_words(analysis.phase[piece]),
                analysis.rep[piece].tolist(),
                track.image_xyz,
                track.world_xyz,
                track.visibility,
                m.value,
                m.status,
                m.reason,
                apart,
                lying,
                strict=True,
            ),
        )


def _lying(reading: NDArray[np.float32]) -> bytes:
    """Bytes of a reading; none where it has no stretch."""
    if reading.shape != (LYING_COUNT,):
        raise ValueError(f"a reading of {LYING_COUNT} numbers expected, got {reading.shape}")
    return reading.astype("<f4").tobytes() if np.isfinite(reading[Lying.STRETCH]) else b""


def _nullable(array: NDArray[np.float32] | None, missing: bytes) -> bytes | None:
    """Bytes of an array; None for no array or all NaN, which then takes no room."""
    if array is None:
        return None
    blob = array.astype("<f4").tobytes()
    if len(blob) != len(missing):
        raise ValueError(f"an array of {len(missing) // 4} numbers expected, got {array.shape}")
    return None if blob == missing else blob
