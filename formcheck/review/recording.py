"""One open session as the page asks for it: its description, and its frames in binary pieces."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
from numpy.typing import NDArray

from formcheck.analysis import bounds
from formcheck.analysis.analysis import Analysis
from formcheck.analysis.decisions import WhatStands
from formcheck.analysis.findings import Findings, prescribed_phases
from formcheck.analysis.summary import FaultInfo
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import Definition
from formcheck.measures.body_parts import near_side
from formcheck.measures.table import MeasureTable, Status
from formcheck.pose.landmarks import SKELETON
from formcheck.pose.track import smoothed
from formcheck.report import wording
from formcheck.review import describe
from formcheck.session.folder import SESSION
from formcheck.session.library import (
    Card,
    Library,
    NotThereError,
    SessionFolder,
    damage_beside,
    printable,
    signature,
    without_path,
)
from formcheck.session.reader import Session, check_poses
from formcheck.session.what_if import WhatIf
from formcheck.video.container import capture_fps, open_container, slowed, video_streams
from formcheck.words import say, spoken, translated

#: Frames in one bin of the finest level, and bins of a level in one of the next.
FIRST_BIN, NEXT_BIN = 8, 4
_COARSEST = 512
_MOST_FRAMES = 2_000_000
#: Read around a piece, so that its smoothing is that of the whole.
_MARGIN = 45
MOST_LANDMARK_FRAMES = 1024

_Read = TypeVar("_Read")


@dataclass
class Recording:
    """A session that is being looked at.

    Args:
        library: where it is.
        folder: which.
    """

    library: Library
    folder: SessionFolder
    card: Card = field(init=False)
    session: Session = field(init=False)
    definition: Definition = field(init=False)
    near: str = field(init=False)
    _asked: frozenset[str] = field(init=False, repr=False)
    _findings: dict[str, Findings] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _table: MeasureTable | None = field(default=None, repr=False)
    _what_if: WhatIf | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.card = self.library.card(self.folder)
        if self.card.problem is not None:
            raise FormcheckError(self.card.problem)
        self.session = self.library.open(self.folder)
        self.definition = self.session.definition
        names = self.session.meta.measures
        if set(names) != set(self.definition.measures) or self.session.meta.primary not in names:
            raise FormcheckError("The session is damaged: its measures are not those of its exercise.")
        begin = self.session.poses(0, 300).track
        self.near = near_side(self.session.meta.side, begin.visibility, begin.person)
        self._asked = prescribed_phases(self.session.meta.overrides)

    @property
    def findings(self) -> Findings:
        """What is said of the faults, in the language that is spoken now."""
        language = spoken()
        if language not in self._findings:
            definition = translated(self.definition, language)
            self._findings[language] = Findings(definition, self.session.meta.view, self._asked)
        return self._findings[language]

    @property
    def table(self) -> MeasureTable:
        """All measures, read once."""
        with self._lock:
            if self._table is None:
                table = self.session.measures
                _check_times(table.time_s)
                self._table = table
            return self._table

    def judge(self, definition: Definition) -> Analysis:
        """The session by another definition; the first time takes a second or more for a long one."""
        with self._lock:
            if self._what_if is None:
                self._what_if = WhatIf(self.session)
            return self._what_if.judge(definition)

    def faults(self) -> dict[str, FaultInfo]:
        """What was found of every fault; empty when the session was killed before it was summed up."""
        return self.card.summary.faults if self.card.summary is not None else {}

    def overview(self, stands: WhatStands) -> dict[str, Any]:
        """What stands on top of the session, see `describe.overview`."""
        return describe.overview(self.findings, self.card, stands)

    def describe(self, stands: WhatStands) -> dict[str, Any]:
        """Everything but the frames.

        Args:
            stands: what stands by the physio's decisions; the repetitions are told as the program found them.
        """
        card, meta, definition = self.card, self.session.meta, self.findings.definition
        assert card.meta is not None
        view = definition.views.get(meta.view)
        summary = card.summary
        primary = definition.counting.signal
        ready = self._table
        video = self.library.video(self.folder)
        reps, left_out = bounds.shown_reps(card.reps)
        live, unlisted = bounds.shown_live(card.live) if card.live else (None, [])
        damage = [*card.damage, *damage_beside(self.session)]
        events = self._unless_damaged(lambda: self.session.events, damage)
        said, unsaid = describe.happened(events, self.findings)
        given = summary.warnings if summary else self._unless_damaged(lambda: self.session.warnings, damage)
        warnings = bounds.shown_warnings([*damage, *given])
        last_s = max((rep.end_s for rep in card.reps), default=0.0)
        return {
            "key": self.folder.key,
            "name": self.folder.name,
            "patient": printable(card.live.patient or "", 80) if card.live else "",
            "live": card.live is not None,
            "exercise": definition.name,
            "title": printable(definition.title),
            "side": meta.side,
            "view": meta.view,
            "view_title": printable(view.title) if view else say("review.session.from_unknown"),
            "source": printable(meta.source),
            "ended": summary is not None,
            "image_wh": list(meta.image_wh),
            "rotate": summary.source.rotate if summary else 0,
            "duration_s": summary.source.duration_s if summary else last_s,
            "video": video is not None,
            **video_clock(video),
            "primary": primary,
            "measures": describe.measure_rows(self.findings, card),
            "reps": [describe.rep_row(self.findings, rep, self.near, ready) for rep in reps],
            "warnings": [printable(w, 510) for w in (*warnings, *left_out, *unlisted, *unsaid)],
            "events": said,
            "practice": live.model_dump(mode="json") if live else None,
            "tempo": definition.tempo.model_dump(),
            "target_range": definition.target_range,
            "angles": describe.joint_angles(self.findings, self.near),
            "by_eye": describe.by_eye(self.findings),
            "used_points": describe.used_points(self.findings, self.near),
            **self.overview(stands),
            "bones": [[int(a), int(b)] for a, b in SKELETON],
            "notice": wording.notice(),
        }

    def worst_moments(self) -> dict[str, float]:
        """When each fault is at its worst, see `describe.worst_moments`."""
        reps, _ = bounds.shown_reps(self.card.reps)
        return describe.worst_moments(self.findings, reps, self.table)

    def _unless_damaged(self, read: Callable[[], list[_Read]], damage: list[str]) -> list[_Read]:
        """What is read, or nothing where it is damaged, which is told in a sentence."""
        try:
            return read()
        except FormcheckError as error:
            damage.append(without_path(self.folder, error))
            return []

    def times(self) -> bytes:
        """Times of all frames, seconds, as little-endian float64."""
        with self._lock:
            # Alone they are there in a moment, and with them the picture can be shown.
            time_s = self.session.time_s if self._table is None else self._table.time_s
        _check_times(time_s)
        return time_s.astype("<f8").tobytes()

    def line(self, measure: str) -> bytes:
        """One measure for drawing at any zoom.

        ``N`` float32 values (NaN: not measurable), then for each level of the pyramid ``n`` lowest and ``n``
        highest values; then ``N`` bytes of status, and ``n`` bytes for each level (the best of the bin).
        ``n`` is ``ceil(N / 8)``, then a quarter of the level before, until a level has at most 512.

        Raises:
            NotThereError: there is no such measure.
        """
        table = self.table
        if measure not in table.names:
            raise NotThereError(measure)
        value = np.where(
            table.status[:, table.names.index(measure)] == Status.NOT_MEASURABLE,
            np.nan,
            table.column(measure),
        ).astype("<f4")
        value[~np.isfinite(value)] = np.nan
        status = table.status[:, table.names.index(measure)].astype(np.uint8)
        numbers, states = [value], [status]
        low, high, best, size = value, value, status, FIRST_BIN
        while len(low):
            low, high, best = (
                _bins(low, size, np.fmin),
                _bins(high, size, np.fmax),
                _bins(best, size, np.minimum),
            )
            numbers += [low, high]
            states.append(best)
            size = NEXT_BIN
            if len(low) <= _COARSEST:
                break
        return b"".join(a.tobytes() for a in numbers) + b"".join(a.tobytes() for a in states)

    def landmarks(self, first: int, count: int) -> bytes:
        """Smoothed landmarks of some frames, as they were measured.

        ``count`` x 33 x (x, y) float32 in pixels, NaN where nobody was seen, then ``count`` x 33 bytes:
        visibility from 0 to 255.
        """
        count = max(0, min(count, MOST_LANDMARK_FRAMES))
        start = max(first - _MARGIN, 0)
        with self._lock:
            poses = self.session.poses(start, first + count + _MARGIN)
        xy = smoothed(check_poses(poses, self.session.path).track)[0].astype("<f4")
        wanted = slice(first - start, first - start + count)
        seen = (np.clip(poses.track.visibility[wanted], 0, 1) * 255).astype(np.uint8)
        return xy[wanted].tobytes() + seen.tobytes()

    def curves(self, measure: str, points: int = 101) -> dict[str, Any]:
        """Each counted repetition's curve of a measure over 0 to 100 % of its time; None where not known.

        Raises:
            NotThereError: there is no such measure.
        """
        table = self.table
        if measure not in table.names:
            raise NotThereError(measure)
        value = table.column(measure).copy()
        value[table.status[:, table.names.index(measure)] == Status.NOT_MEASURABLE] = np.nan
        out = []
        for rep in self.card.reps[:2000]:
            curve = _normalised(table.time_s, value, rep.start_s, rep.end_s, points)
            out.append(
                {
                    "rep": rep.index,
                    "class": rep.class_,
                    "set": rep.set_,
                    "values": [None if not np.isfinite(v) else round(float(v), 4) for v in curve],
                }
            )
        return {"measure": measure, "unit": self.definition.measures[measure].unit, "reps": out}

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self.session.close()


def _check_times(t: NDArray[np.float64]) -> None:
    if len(t) > _MOST_FRAMES or not np.isfinite(t).all() or (np.diff(t) < 0).any():
        raise FormcheckError("The session is damaged: its times make no sense.")


def _bins(values: NDArray[Any], size: int, pick: np.ufunc) -> NDArray[Any]:
    starts = np.arange(0, len(values), size)
    return pick.reduceat(values, starts).astype(values.dtype)


def _normalised(
    t: NDArray[np.float64], value: NDArray[np.float64], a: float, b: float, points: int
) -> NDArray[np.float64]:
    """A stretch of a curve at evenly spread times; gaps stay gaps."""
    i, j = np.searchsorted(t, [a - 0.2, b + 0.2])
    t, value = t[i:j], value[i:j]
    at = np.linspace(a, b, points)
    good = np.isfinite(value)
    if good.sum() < 2:
        return np.full(points, np.nan)
    out = np.interp(at, t[good], value[good], left=np.nan, right=np.nan)
    # Nothing is drawn where the next known value is further away than 0.3 s (spec 0.3).
    after = np.clip(np.searchsorted(t[good], at), 1, good.sum() - 1)
    nearest = np.minimum(np.abs(at - t[good][after - 1]), np.abs(at - t[good][after]))
    out[nearest > 0.15] = np.nan
    return out


def video_clock(video: Path | None) -> dict[str, float]:
    """What turns a time of the recording into one of its video, where a browser plays it.

    ``video_start_s``: time of the first picture on the file's own clock; formcheck's times begin there.
    ``video_slowed``: how many times slower it plays than formcheck's times go.
    """
    start_s, slower = 0.0, 1.0
    with suppress(av.FFmpegError, OSError, ValueError, IndexError), ExitStack() as opened:
        if video is not None:
            container = opened.enter_context(open_container(video))
            stream = video_streams(container)[0]
            slower = slowed(capture_fps(container.metadata), float(stream.average_rate or 0))
            for packet in container.demux(stream):
                if packet.pts is not None:
                    start_s = max(float(packet.pts * packet.time_base), 0.0)
                    break
    return {"video_start_s": start_s, "video_slowed": slower}


class Shelf:
    """Keeps the few sessions open that are being looked at."""

    def __init__(self, library: Library, most: int = 3) -> None:
        self._library = library
        self._most = most
        self._open: OrderedDict[str, tuple[object, Recording]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Recording:
        """The recording of a key, opened anew when its file changed.

        Raises:
            NotThereError: there is none.
            FormcheckError: it cannot be read.
        """
        folder = self._library.find(key)
        stamp = signature(folder.path / SESSION)
        with self._lock:
            held = self._open.get(key)
            if held is not None and held[0] == stamp:
                self._open.move_to_end(key)
                return held[1]
        recording = Recording(self._library, folder)
        with self._lock:
            # An earlier one may still be in use by a request: it closes when it is collected.
            self._open[key] = (signature(folder.path / SESSION), recording)
            self._open.move_to_end(key)
            while len(self._open) > self._most:
                self._open.popitem(last=False)
        return recording

    def forget(self, key: str) -> None:
        """Lets go of a session."""
        with self._lock:
            self._open.pop(key, None)
