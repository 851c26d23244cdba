"""Reading a ``session.sqlite``: never writes to it, and says in one sentence why it cannot be read."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from formcheck.analysis.analysis import PHASES
from formcheck.analysis.events import Event, check_event
from formcheck.analysis.summary import FaultEvent, Rep, Summary, numbered
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import Definition
from formcheck.measures.table import MeasureTable, Reason, Status
from formcheck.phone.sample import SAMPLE_COUNT, UP, Arrival, Sample
from formcheck.pose import frame_arrays as arrays
from formcheck.pose import scratch_files
from formcheck.pose.lying_reading import LYING_COUNT, NO_READING, Lying
from formcheck.pose.track import Track, no_readings
from formcheck.session.folder import SESSION
from formcheck.session.schema import (
    FEW_SUMS,
    NAN_POINTS,
    NAN_VISIBILITY,
    SessionMeta,
    definition_hash,
    facts_crc,
    parse_meta,
    read_meta,
    rows_sound,
    table_crc,
    times_crc,
)
from formcheck.session.untrusted import look_over

#: Beyond these a number in a session was not measured in any picture: pixels, metres, seconds.
_MOST_PX, _MOST_M, _MOST_S = 1e6, 1e3, 1e7
_MOST_PEOPLE = 1000
_MOST_DEG, _MOST_STRETCHES = 360.0, 1e6
#: A direction has this length, give or take.
_MOST_OFF = 1e-6
_NAN_LYING = NO_READING.astype("<f4").tobytes()
#: Frames read at a time: what this many take still lies in the processor's cache when it is looked at.
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class SessionPoses:
    """Frames of a session, exactly as they were stored.

    A recording is stored with its mirrored second readings already blended in (see `Track.from_results`).

    Attributes:
        frame: ``(T,)`` numbers of the frames.
        track: what was seen in them.
        phase, rep: see `Analysis`.
    """

    frame: NDArray[np.int64]
    track: Track
    phase: NDArray[np.uint8]
    rep: NDArray[np.int32]


class Session:
    """A recorded session, read-only; made by `open_session`, used as a context manager.

    Attributes:
        path: the file.
        meta: what was known at the start (side and view: at the end).
        complete: False when the recording was interrupted.
        checked: everything in it has a check sum; False for a session of before there were any but of frames
            and measures.

    A part that is damaged is refused when it is asked for, by its name; the others are read all the same.
    """

    def __init__(
        self,
        path: Path,
        db: sqlite3.Connection,
        meta: SessionMeta,
        *,
        complete: bool,
        sums: Mapping[str, int] | None,
        times_crc: int | None,
        phone_parts: int | None,
    ) -> None:
        self.path = path
        self.meta = meta
        self.complete = complete
        self.checked = sums is not None
        self._db = db
        self._sums = sums
        self._times_crc = times_crc  # None: old, or killed while it was recorded
        self._phone_parts = phone_parts  # likewise
        self._numbers: NDArray[np.int64] | None = None  # of all frames, once some were asked for

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    @property
    def is_live(self) -> bool:
        """True for a live session, False for an analysed recording."""
        return self.meta.live is not None

    @property
    def definition(self) -> Definition:
        """The exercise definition that was used, with the patient's own thresholds."""
        with reading(self.path, "exercise definition"):
            meta = read_meta(self._db)
            text = meta["definition"] or ""
            if definition_hash(text) != meta["definition_sha256"]:
                raise ValueError("definition and its hash differ")
        try:
            return Definition.model_validate_json(text)
        except ValidationError:
            raise FormcheckError(
                f"The exercise definition in {self.path} is of another formcheck ({self.meta.formcheck}) "
                "and not understood by this one; use that version to read it."
            ) from None

    @property
    def summary(self) -> Summary | None:
        """The summary; None when the recording was killed before it ended."""
        with reading(self.path, "summary"):
            text = self.summary_text
            return None if text is None else Summary.model_validate_json(text)

    @property
    def summary_text(self) -> str | None:
        """The summary as JSON, as ``summary.json`` beside the session has it; None where there is none."""
        with self._part("summary", "summary"):
            row = self._db.execute("SELECT json FROM summary").fetchone()
            return None if row is None else str(row[0])

    def sum_of(self, name: str) -> int | None:
        """Check sum that a file beside it had when both were stored; None where none is known."""
        return None if self._sums is None else self._sums.get(name)

    @property
    def reps(self) -> list[Rep]:
        """All repetitions with their faults."""
        with self._part("repetitions and faults", "reps", "faults"):
            faults: dict[int, list[FaultEvent]] = {}
            cursor = self._db.execute("SELECT * FROM faults ORDER BY rowid")
            names = [column[0] for column in cursor.description]
            for row in cursor:
                # Sessions made before these were kept have no such column.
                known = {name: value for name, value in zip(names, row, strict=True) if value is not None}
                faults.setdefault(known.pop("rep"), []).append(FaultEvent(**known))
            cursor = self._db.execute("SELECT * FROM reps ORDER BY rep")
            names = [column[0] for column in cursor.description]
            reps = []
            for row in cursor:
                values = dict(zip(names, row, strict=True))
                index, peak = values.pop("rep"), json.loads(values.pop("peak"))
                in_set = values.pop("in_set", None)
                found = faults.get(index, [])
                reps.append(Rep(index=index, peak=peak, faults=found, **{"set": in_set}, **values))
            return numbered(reps)

    @property
    def events(self) -> list[Event]:
        """What happened besides frames in a live session, in order; empty for an analysed recording."""
        with self._part("events", "events"):
            rows = self._db.execute("SELECT time_s, after_frame, kind, data FROM events ORDER BY rowid")
            return [
                check_event(Event(float(t), int(after), str(kind), dict(json.loads(data))))
                for t, after, kind, data in rows
            ]

    @property
    def phone(self) -> list[Arrival]:
        """What a phone in the waistband sent in a live session, in order; empty where none was worn."""
        with reading(self.path, "samples of the phone"):
            if not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'phone'").fetchone():
                return []
            rows = self._db.execute(
                "SELECT part, after_frame, samples, crc FROM phone ORDER BY part"
            ).fetchall()
            if not rows_sound(rows, slice(2, 3)):
                raise ValueError("check sum")
            if [row[0] for row in rows] != list(range(len(rows))):
                raise ValueError("parts are missing")
            if self._phone_parts is not None and len(rows) != self._phone_parts:
                raise ValueError("parts are missing")
            return [
                _checked(Arrival(int(after), np.frombuffer(blob, "<f8").reshape(-1, SAMPLE_COUNT)))
                for _, after, blob, _ in rows
            ]

    @property
    def warnings(self) -> list[str]:
        """Warnings, in the order they were given."""
        with self._part("warnings", "warnings"):
            return [str(row[0]) for row in self._db.execute("SELECT text FROM warnings ORDER BY rowid")]

    @property
    def time_s(self) -> NDArray[np.float64]:
        """``(T,)`` times of all frames, seconds."""
        if self.checked and self._times_crc is None:
            return self.poses().track.time_s
        with reading(self.path, "frames"):
            return self._numbers_and_times()[1]

    @property
    def measures(self) -> MeasureTable:
        """All measures; values have the precision of float32."""
        with reading(self.path, "measures"):
            table = MeasureTable.empty(self.meta.measures, self.time_s)
            frames = self._db.execute("SELECT frame FROM frames ORDER BY frame")
            measures = self._db.execute("SELECT * FROM measures ORDER BY frame")
            for piece in arrays.pieces(len(table), _ROWS_AT_ONCE):
                shape = (piece.stop - piece.start, len(table.names))
                rows = measures.fetchmany(shape[0])
                if not rows_sound(rows, slice(1, 4)):
                    raise ValueError("check sum")
                if frames.fetchmany(shape[0]) != [row[:1] for row in rows]:
                    raise ValueError("frames and measures differ")
                value, status, reason = (b"".join(row[i] for row in rows) for i in (1, 2, 3))
                table.value[piece] = np.frombuffer(value, dtype="<f4").reshape(shape)
                table.status[piece] = np.frombuffer(status, dtype=np.uint8).reshape(shape)
                table.reason[piece] = np.frombuffer(reason, dtype=np.uint8).reshape(shape)
            if measures.fetchone() is not None:
                raise ValueError("frames and measures differ")
            if np.any(table.status > max(Status)) or np.any(table.reason > max(Reason)):
                raise ValueError("unknown status or reason")
            return table

    def poses(self, first: int = 0, last: int = 2**31) -> SessionPoses:
        """Landmarks bit for bit as they were stored, with phases and repetitions.

        Args:
            first, last: only frames ``first <= frame < last``; all if left out.
        """
        with reading(self.path, "frames"):
            some = "FROM frames WHERE frame >= ? AND frame < ?"
            count = self._db.execute(f"SELECT count(*) {some}", (first, last)).fetchone()[0]
            track = Track.empty(count, self.meta.image_wh)
            apart = np.empty(count, np.float64)
            frame, phase, rep = (np.empty(count, dtype) for dtype in (np.int64, np.uint8, np.int32))
            plain: tuple[NDArray[Any], ...] = (track.time_s, track.person, track.rejected, track.people_seen)
            cursor = self._db.execute(f"SELECT * {some} ORDER BY frame", (first, last))
            reads_lying = len(cursor.description) > 12  # it is the column after those of the landmarks
            lying: NDArray[np.float32] | None = None
            for piece in arrays.pieces(count, _ROWS_AT_ONCE):
                rows = cursor.fetchmany(piece.stop - piece.start)
                if not rows_sound(rows, slice(7, 11 if reads_lying else 10)):
                    raise ValueError("check sum")
                columns: list[Any] = list(zip(*rows, strict=True))
                turned = columns.pop(10) if reads_lying else ()
                if any(turned):
                    lying = no_readings(count) if lying is None else lying
                    lying[piece] = _readings(turned)
                columns[5] = [PHASES.index(word) for word in columns[5]]
                for out, column in zip((frame, *plain, phase, rep), columns[:7], strict=True):
                    out[piece] = np.array(column, out.dtype)
                track.image_xyz[piece] = _floats(columns[7], NAN_POINTS).reshape(len(rows), -1, 3)
                track.world_xyz[piece] = _floats(columns[8], NAN_POINTS).reshape(len(rows), -1, 3)
                track.visibility[piece] = np.nan_to_num(
                    _floats(columns[9], NAN_VISIBILITY).reshape(len(rows), -1)
                )
                apart[piece] = np.array(columns[10], np.float64)
            if (np.diff(frame) <= 0).any():
                raise ValueError("frames out of order")
            if first <= 0 and last >= 2**31:
                self._check_times(track.time_s)
            elif self._times_crc is not None:
                if self._numbers is None:
                    self._numbers = self._numbers_and_times()[0]
                if ((self._numbers >= first) & (self._numbers < last)).sum() != count:
                    raise ValueError("frames are missing")
            if not np.isnan(apart).all():
                track = replace(track, disagreement=apart)
            track = replace(track, lying=lying)
            return SessionPoses(frame, track, phase, rep)

    @contextmanager
    def _part(self, name: str, *tables: str) -> Iterator[None]:
        """Reading from these tables, once their check sums are as they should be."""
        with reading(self.path, name):
            if self._sums is not None and any(table_crc(self._db, t) != self._sums[t] for t in tables):
                raise ValueError("check sum")
            yield

    def _numbers_and_times(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        rows = self._db.execute("SELECT frame, time_s FROM frames ORDER BY frame").fetchall()
        time_s = np.array([row[1] for row in rows], dtype=np.float64)
        self._check_times(time_s)
        return np.array([row[0] for row in rows], dtype=np.int64), time_s

    def _check_times(self, time_s: NDArray[np.float64]) -> None:
        if self._times_crc is not None and times_crc(time_s) != self._times_crc:
            raise ValueError("check sum")


def check_poses(poses: SessionPoses, path: Path) -> SessionPoses:
    """The frames themselves, once it is clear that they can have come from a video.

    A check sum tells damage, not what a hand has written: the filters and the engine take for granted that
    times do not run backwards and that a person who was seen has places.

    Raises:
        FormcheckError: they cannot.
    """
    track = poses.track
    t = track.time_s
    sane = (
        np.isfinite(t).all()
        and np.abs(t).max(initial=0.0) < _MOST_S
        and (np.diff(t) >= 0).all()
        and all(_has_places(track.part(piece)) for piece in arrays.pieces(len(track)))
        and ((track.people_seen >= 0) & (track.people_seen < _MOST_PEOPLE)).all()
        and (track.disagreement is None or not np.isinf(track.disagreement).any())
        and (track.lying is None or _has_turned(track.lying))
    )
    if not sane:
        raise _damaged(path)
    return poses


def _checked(arrival: Arrival) -> Arrival:
    """What came from a phone itself, once it is clear that it can have.

    Raises:
        ValueError: it cannot.
    """
    rows = arrival.samples
    times = rows[:, [Sample.TIME_S, Sample.PHONE_S, Sample.CLOCK_S]]
    up = np.clip(rows[:, UP], -2.0, 2.0)  # a longer one is wrong as well
    far = np.abs(np.linalg.norm(up, axis=1) - 1.0)
    if not ((np.abs(times) < _MOST_S).all() and (far < _MOST_OFF).all() and not np.isinf(rows).any()):
        raise ValueError("no phone says that")
    return arrival


def _readings(blobs: Iterable[bytes]) -> NDArray[np.float32]:
    """``(T, 12)`` of `Track.lying`; earlier sessions do not have its last column."""
    column = len(_NAN_LYING) // LYING_COUNT
    whole = [blob + _NAN_LYING[:column] if len(blob) == len(_NAN_LYING) - column else blob for blob in blobs]
    return _floats([blob or None for blob in whole], _NAN_LYING).reshape(len(whole), LYING_COUNT)


def _has_turned(lying: NDArray[np.float32]) -> bool:
    """True when every reading is whole and can have come from the network."""
    read = lying[np.isfinite(lying).any(axis=1)]
    stretch, turned = read[:, Lying.STRETCH], read[:, Lying.ROLL : Lying.THIGH_TO_SHANK]
    legs = read[:, Lying.THIGH_TO_SHANK]
    return bool(
        (np.abs(turned) < _MOST_DEG).all()  # NaN is not less
        and (np.isnan(legs) | (np.abs(legs) < _MOST_DEG)).all()
        and ((stretch >= 1) & (stretch < _MOST_STRETCHES) & (stretch == np.round(stretch))).all()
    )


def _has_places(track: Track) -> bool:
    """True when everybody who was seen was somewhere in a picture."""
    seen = track.person
    return bool(
        (np.abs(track.image_xyz[seen]) < _MOST_PX).all()  # NaN is not less
        and (np.abs(track.world_xyz[seen]) < _MOST_M).all()
        and ((track.visibility[seen] >= -1e-3) & (track.visibility[seen] <= 1.001)).all()
    )


def open_session(path: str | Path) -> Session:
    """Opens a session for reading.

    Args:
        path: the ``session.sqlite``, or the folder it lies in.

    Raises:
        FormcheckError: there is none, it is damaged, made by a newer formcheck, or something else.
    """
    path = Path(path) / SESSION if os.path.isdir(path) else Path(path)
    if not os.path.isfile(path):
        raise FormcheckError(f"There is no session at {path}; check the name.")
    return open_database(path, look_for_damage=True)


def open_database(path: Path, *, look_for_damage: bool) -> Session:
    """Opens a ``session.sqlite`` that may come from anybody.

    Args:
        path: a regular file.
        look_for_damage: look through the whole file first, which takes a second for an hour of video.
            Otherwise damage is noticed where it is read: every row has a check sum.

    Raises:
        FormcheckError: see `open_session`.
    """
    scratch_files.use()
    with reading(path):
        db = sqlite3.connect(
            _read_only(path), uri=True, timeout=1, isolation_level=None, check_same_thread=False
        )
        try:
            meta = look_over(db, path)
            if look_for_damage and db.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                raise ValueError("quick_check")
            sums = None
            if meta["schema"] != FEW_SUMS:
                sums = dict(db.execute("SELECT part, crc FROM sums"))
                if facts_crc(meta) != sums.get("facts"):
                    raise FormcheckError(
                        f"The session {path} is damaged: its facts (exercise, measures, prescription and the "
                        "like), without which nothing in it can be read; restore it from a copy or analyse "
                        "its video again."
                    )
            times, parts = meta.get("times_crc"), meta.get("phone_parts")
            return Session(
                path,
                db,
                parse_meta(meta),
                complete=meta["complete"] == "1",
                sums=sums,
                times_crc=None if times is None else int(times),
                phone_parts=None if parts is None else int(parts),
            )
        except BaseException:
            db.close()
            raise


def _floats(blobs: Iterable[bytes | None], missing: bytes) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(missing if blob is None else blob for blob in blobs), dtype="<f4")


@contextmanager
def reading(path: Path, part: str = "") -> Iterator[None]:
    """Turns whatever a damaged file leads to into one sentence, which names the part that was read."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise FormcheckError(f"The session {path} is being recorded; wait until it has ended.") from None
        if "unable to open" in str(error):
            raise FormcheckError(
                f"The session {path} cannot be opened; check that you may read it or, if a file "
                f"{path.name}-wal lies beside it, that you may write to its folder."
            ) from None
        # To read a log, SQLite makes a small file beside it. (Before Python 3.11 no error says what it is.)
        name = getattr(error, "sqlite_errorname", "SQLITE_IOERR_SHM")
        if "full" in str(error) or ("disk I/O" in str(error) and name.startswith("SQLITE_IOERR_SHM")):
            raise FormcheckError(
                f"The session {path} cannot be opened on a full disk; free some space."
            ) from None
        raise _damaged(path, part) from None
    except sqlite3.DatabaseError as error:
        raise (_not_a_session(path) if "not a database" in str(error) else _damaged(path, part)) from None
    except (sqlite3.Error, sqlite3.Warning, ValueError, TypeError, LookupError, OverflowError, MemoryError):
        raise _damaged(path, part) from None
    except RecursionError:  # JSON nested a thousand deep
        raise _damaged(path, part) from None


def _damaged(path: Path, part: str = "") -> FormcheckError:
    where = f": its {part} cannot be read, what else it holds can" if part else ""
    return FormcheckError(
        f"The session {path} is damaged{where}; restore it from a copy or analyse its video again."
    )


def _not_a_session(path: Path) -> FormcheckError:
    return FormcheckError(f"{path} is not a formcheck session.")


def _read_only(path: Path) -> str:
    uri = path.absolute().as_uri()
    if not uri.startswith("file:///"):  # a Windows share; SQLite takes no host name in a URI
        uri = uri.replace("file://", "file:////", 1)
    return f"{uri}?mode=ro"
