"""Many sessions in one folder: found, described and opened without trusting anything in them.

A session folder may come from anybody: on a memory stick, by mail, from another clinic. Nothing outside the
library's own folder is ever read for it (no symbolic links, nothing but regular files), its database is
looked over before a query runs (a view could be an endless one), and every query has a time limit. What
cannot be read is listed all the same, with the reason.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from formcheck.analysis.summary import LiveInfo, Rep, Summary
from formcheck.errors import FormcheckError
from formcheck.errors import printable as printable
from formcheck.session.folder import (
    FRAMES,
    LARGEST_SUMMARY,
    SESSION,
    SIDE_FILES,
    SUMMARY,
    results_name,
    video_of,
)
from formcheck.session.reader import Session, open_database, reading
from formcheck.session.schema import SessionMeta, file_crc

#: How videos are served, by ending.
MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",
    ".part": "video/mp4",
    ".webm": "video/webm",
}

_DEEPEST = 3
_MOST_FOLDERS = 20_000
_LARGEST_DATABASE = 8_000_000_000
_LARGEST_TABLE = 500_000_000


class NotThereError(KeyError):
    """What was asked for by its key or name does not exist (any more)."""


@dataclass(frozen=True)
class SessionFolder:
    """One folder that holds a ``session.sqlite``.

    Attributes:
        key: what addresses it: 20 hex digits made from its place, so that no name ever stands in an address.
        path: the folder.
        name: its place within the library, as text to show.
    """

    key: str
    path: Path
    name: str


@dataclass(frozen=True)
class Card:
    """What the list of sessions shows of one.

    Attributes:
        folder: where it is.
        problem: one sentence saying why it cannot be read, or None; all else is then empty.
        damage: sentences that name parts of it which are damaged and left out here.
        meta: what was known at its start.
        complete: False when it was interrupted.
        summary: None when the recording was killed before its end, or it is damaged.
        reps: of the summary, or else those stored until then.
        live: what only a live session has.
        changed: when its file was last written, seconds since 1970.
    """

    folder: SessionFolder
    problem: str | None = None
    meta: SessionMeta | None = None
    complete: bool = False
    summary: Summary | None = None
    reps: tuple[Rep, ...] = ()
    live: LiveInfo | None = None
    changed: float = 0.0
    damage: tuple[str, ...] = ()

    @property
    def started(self) -> str:
        """When it began, ISO 8601; of an analysed recording, when it was analysed."""
        return self.live.started if self.live else self.meta.created if self.meta else ""


@dataclass
class Library:
    """The sessions below one folder.

    Example:
        >>> Library(Path("no/such/folder")).cards()
        []
    """

    root: Path
    _known: dict[str, SessionFolder] = field(default_factory=dict, repr=False)
    _cards: dict[str, tuple[object, Card]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.root = Path(os.path.realpath(self.root))

    def folders(self) -> list[SessionFolder]:
        """All session folders there are now, at most three levels deep; links are not followed."""
        found = {folder.key: folder for folder in self._walk(self.root, 0, [_MOST_FOLDERS])}
        with self._lock:
            self._known = found
        return list(found.values())

    def find(self, key: str) -> SessionFolder:
        """The folder of a key.

        Raises:
            NotThereError: there is none.
        """
        if key not in self._known:
            self.folders()
        folder = self._known.get(key)
        if folder is None or not self._is_session(folder.path):
            raise NotThereError(key)
        return folder

    def video(self, folder: SessionFolder) -> Path | None:
        """The session's own video, without anything drawn into it: see `formcheck.session.folder.video_of`.

        Only one that a browser can be given. A session may name any file, and those of others lie beside its
        folder: there only the clip counts that the folder is named after.
        """
        meta = self.card(folder).meta

        def good(path: Path) -> bool:
            named = path.parent == folder.path or folder.path.name in (
                results_name(path.stem),
                results_name(path.name),
            )
            return named and path.suffix.lower() in MEDIA_TYPES and _is_regular(path) and self._inside(path)

        return video_of(folder.path, meta.source if meta is not None else "", good=good)

    def cards(self) -> list[Card]:
        """What there is to say of every session; those that did not change are not read again."""
        out = []
        for folder in self.folders():
            out.append(self.card(folder))
        return out

    def card(self, folder: SessionFolder) -> Card:
        """What there is to say of one session."""
        stamp = signature(folder.path / SESSION), signature(folder.path / SUMMARY)
        with self._lock:
            held = self._cards.get(folder.key)
        if held is not None and held[0] == stamp:
            return held[1]
        card = self._describe(folder)
        with self._lock:
            self._cards[folder.key] = (stamp, card)
        return card

    def open(self, folder: SessionFolder) -> Session:
        """Opens a session that may come from anybody; reads no more of it than is asked for.

        Raises:
            FormcheckError: it is damaged, too new, not a session, or not made by formcheck.
        """
        return open_database(self._database(folder), look_for_damage=False)

    def _describe(self, folder: SessionFolder) -> Card:
        changed = 0.0
        try:
            path = self._database(folder)
            changed = path.stat().st_mtime
            with self.open(folder) as session:
                damage: list[str] = []
                summary = reps = None
                with _told(folder, damage):
                    summary = session.summary
                    compare_summaries(session, summary)
                if summary is None:
                    with _told(folder, damage):
                        reps = session.reps
                return Card(
                    folder=folder,
                    meta=session.meta,
                    complete=session.complete,
                    summary=summary,
                    reps=tuple(reps or (summary.reps if summary is not None else ())),
                    damage=tuple(damage),
                    live=summary.live if summary is not None else None,
                    changed=changed,
                )
        except FormcheckError as error:
            return Card(folder, problem=without_path(folder, error), changed=changed)
        except OSError as error:
            return Card(folder, problem=f"It cannot be read: {error.strerror}.", changed=changed)

    def _database(self, folder: SessionFolder) -> Path:
        path = folder.path / SESSION
        if not self._is_session(folder.path):
            raise FormcheckError(f"There is no session at {path}; check the name.")
        for ending in SIDE_FILES:
            beside = path.with_name(path.name + ending)
            if os.path.lexists(beside) and not _is_regular(beside):
                raise FormcheckError("A file beside the session is a link; it is not opened.")
        if path.stat().st_size > _LARGEST_DATABASE:
            raise FormcheckError("The file is far too large to be a session.")
        return path

    def _walk(self, folder: Path, depth: int, left: list[int]) -> Iterator[SessionFolder]:
        if self._is_session(folder):
            relative = folder.relative_to(self.root)
            key = session_key(relative.as_posix())
            yield SessionFolder(key, folder, printable(folder.name if relative.name == "" else str(relative)))
            return
        if depth >= _DEEPEST:
            return
        try:
            with os.scandir(folder) as entries:
                inside = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        except OSError:
            return
        for entry in inside:
            left[0] -= 1
            if left[0] < 0:
                return
            try:
                is_folder = entry.is_dir(follow_symlinks=False)
            except OSError:
                continue
            if is_folder and self._inside(Path(entry.path)):
                yield from self._walk(Path(entry.path), depth + 1, left)

    def _is_session(self, folder: Path) -> bool:
        return _is_regular(folder / SESSION) and self._inside(folder / SESSION)

    def _inside(self, path: Path) -> bool:
        """Truly below the library's folder, with no link on the way (a Windows junction is one too)."""
        return os.path.realpath(path) == str(path) and path.is_relative_to(self.root)


def session_key(place: str) -> str:
    """What addresses a session: 20 hex digits made from its place in the library, as ``folder/folder``."""
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:20]


@contextmanager
def _told(folder: SessionFolder, damage: list[str]) -> Iterator[None]:
    """What is damaged is left out and told."""
    try:
        yield
    except FormcheckError as error:
        damage.append(without_path(folder, error))


def without_path(folder: SessionFolder, error: FormcheckError) -> str:
    """A sentence about a session; its path is known from its name in the list, and may hold a person's."""
    path = str(folder.path / SESSION)
    sentence = str(error).replace(f"The session {path}", "This session").replace(path, f"Its {SESSION}")
    return printable(sentence, 500)


def compare_summaries(session: Session, summary: Summary | None) -> None:
    """Refuses a ``summary.json`` that does not say what the session beside it says.

    Args:
        session: open.
        summary: its summary.

    Raises:
        FormcheckError: they differ.
        OSError: it cannot be read.
    """
    file = session.path.with_name(SUMMARY)
    if summary is None or not _is_regular(file):
        return
    if file.stat().st_size <= LARGEST_SUMMARY:
        text = file.read_bytes()
        if text == f"{session.summary_text}\n".encode():
            return
    wrong = (
        "it is damaged"
        if session.checked
        else "one of the two is damaged (the session is without check sums)"
    )
    raise FormcheckError(
        f"The file {SUMMARY} beside the session does not say what the session says: {wrong}, or of another "
        "analysis; analyse the video again, or make it anew with: formcheck rescore --in-place."
    )


def damage_beside(session: Session) -> list[str]:
    """A sentence, if the table of frames beside a session is not as it was stored with it."""
    file, stored = session.path.with_name(FRAMES), session.sum_of(FRAMES)
    if stored is None or not _is_regular(file):
        return []
    with suppress(OSError):
        if file.stat().st_size <= _LARGEST_TABLE and file_crc(file) == stored:
            return []
    return [
        f"The table {FRAMES} beside the session is damaged or was changed; the session is not: make the "
        "table anew with: formcheck export --to csv."
    ]


def signature(path: Path) -> object:
    """Differs after every change of a database."""
    out: list[object] = []
    for ending in ("", SIDE_FILES[0]):
        try:
            status = os.lstat(path.with_name(path.name + ending))
            out.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            out.append(None)
    return tuple(out)


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


@contextmanager
def damage_explained(path: Path) -> Iterator[None]:
    """Whatever a damaged session leads to, as one sentence."""
    with reading(path):
        yield


def past_summaries(sessions: Path) -> Iterator[Summary]:
    """Summaries of all finished sessions in a folder; what cannot be read is passed over."""
    for file in sorted(sessions.glob(f"*/{SUMMARY}")):
        try:
            if file.is_file() and file.stat().st_size <= LARGEST_SUMMARY:  # a pipe would be waited for
                yield _kept_summary(file)
        except (OSError, ValueError):  # a ValidationError is a ValueError too
            continue


def _kept_summary(file: Path) -> Summary:
    """A session's own summary, where it is there with its check sum, or else that of the file beside it."""
    if _is_regular(file.with_name(SESSION)):
        with (
            suppress(FormcheckError),
            open_database(file.with_name(SESSION), look_for_damage=False) as session,
        ):
            if session.checked and (summary := session.summary) is not None:
                return summary
    return Summary.model_validate_json(file.read_text(encoding="utf-8"))
