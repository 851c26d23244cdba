"""What is left of a session or a result after a fault, asked of the commands a person would use."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import av
from fault_drive import read_told

from formcheck.analysis.summary import Summary
from formcheck.cli.main import main
from formcheck.errors import FormcheckError
from formcheck.files import part_of
from formcheck.review.noted import with_notes
from formcheck.review.recording import Shelf
from formcheck.session.folder import FRAMES, REPORT, SESSION, SUMMARY, VIDEO
from formcheck.session.library import Library
from formcheck.session.notes import Notes
from formcheck.session.reader import open_session
from formcheck.video.file import VideoFile

#: Commands swap standard output and the program's arguments: one at a time.
_ONE_COMMAND = threading.Lock()


@dataclass
class Found:
    """What one try came to.

    Attributes:
        lost_s: seconds of the session that are not there, or None where that is not the question.
        video_lost_s: the same of the video.
        wrong: everything that should not be.
        note: what kind of moment was hit.
    """

    lost_s: float | None = None
    video_lost_s: float | None = None
    wrong: list[str] = field(default_factory=list)
    note: str = ""


def command(*arguments: str | Path) -> tuple[int, str, str]:
    """A command in this process: exit status, output, errors."""
    out, err = io.StringIO(), io.StringIO()
    with (
        _ONE_COMMAND,
        patch.object(sys, "argv", ["formcheck", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as left:
            status = int(left.code or 0)
    return status, out.getvalue(), err.getvalue()


def opens_everywhere(session: Path, out: Path, found: Found) -> None:
    """The review page, `analyze`, `rescore` and `export` all take the session."""
    library = Library(session.parent)
    (card,) = [card for card in library.cards() if card.folder.path.name == session.name]
    if card.problem is not None:
        found.wrong.append(f"review: {card.problem}")
    else:
        try:
            shelf = Shelf(library)
            shelf.get(card.folder.key).describe(with_notes(card).standing)
        except FormcheckError as error:
            found.wrong.append(f"review: {error}")
    tries: list[tuple[str, tuple[str | Path, ...]]] = [
        ("rescore", ("rescore", session)),
        ("export csv", ("export", session, "--to", "csv", "--out", out / "export.csv")),
        ("export json", ("export", session, "--to", "json", "--out", out / "export.json")),
    ]
    with open_session(session) as one:
        if one.meta.live is not None:
            asked = ("analyze", session, "--no-video", "--no-report", "--out", out / "analysis")
            tries.append(("analyze", asked))
    for name, arguments in tries:
        try:
            status, _, err = command(*arguments)
        except Exception as error:
            found.wrong.append(f"{name}: {type(error).__name__}: {error}")
            continue
        if status != 0:
            found.wrong.append(f"{name}: {err.strip().replace(str(session), 'SESSION')}")


def after_live(sessions: Path, told: Path, out: Path, *, video: bool) -> Found:
    """A killed live session: how much is missing, and whether it can be used."""
    found = Found()
    handed = read_told(told)
    made = sorted(path for path in sessions.iterdir()) if sessions.is_dir() else []
    if not made or not handed:
        found.note = "before the first frame"
        return found
    (session,) = made
    last_s = handed[-1][1]
    if not (session / SESSION).exists():
        found.note, found.lost_s = "before the file was there", last_s - handed[0][1]
        return found
    try:
        with open_session(session) as one:
            poses, complete = one.poses(), one.complete
    except FormcheckError as error:
        found.lost_s = last_s - handed[0][1]
        found.note = "before the file was there"
        if found.lost_s > 1.0:
            found.wrong.append(str(error))
        return found
    stored = len(poses.frame)
    found.note = "finished" if complete else "under way"
    if poses.frame.tolist() != list(range(stored)):
        found.wrong.append("frames are missing in between")
    found.lost_s = 0.0 if stored >= len(handed) else last_s - handed[max(stored - 1, 0)][1]
    ended = Path(f"{told}.ended")
    if ended.exists() and not (complete and (session / SUMMARY).exists()):
        found.wrong.append("a finished session is not finished")
    if stored:
        opens_everywhere(session, out, found)
    if video:
        found.video_lost_s = _video_lost_s(session, handed)
    return found


def _video_lost_s(session: Path, handed: list[tuple[int, float, float]]) -> float:
    """Seconds from the video's last picture to the last frame that was handed over."""
    path = session / VIDEO
    path = path if path.exists() else part_of(path)
    shown_s = 0.0
    if path.exists():
        with contextlib.suppress(FormcheckError, av.FFmpegError), VideoFile(path) as video:
            for frame in video:
                shown_s = frame.time_s
    return max(handed[-1][1] - moment for _, moment, time_s in handed if time_s >= shown_s - 1e-4)


def after_analysis(folder: Path, frames: int, *, report: bool = True) -> Found:
    """A killed analysis: what has its real name is whole, and only a finished one has a summary."""
    found = Found(note="nothing yet")
    summary = folder / SUMMARY
    checks: dict[str, Callable[[Path], bool]] = {
        SESSION: lambda p: _is_whole(p, frames),
        FRAMES: lambda p: p.read_bytes().count(b"\n") == frames + 1,
        REPORT: lambda p: p.read_text(encoding="utf-8").rstrip().endswith("</html>"),
    }
    for name, whole in checks.items():
        path = folder / name
        if path.exists():
            found.note = "some files"
            if not whole(path):
                found.wrong.append(f"{name} is not whole")
        elif summary.exists() and (report or name != REPORT):
            found.wrong.append(f"a summary without {name}")
    if summary.exists():
        found.note = "finished"
        Summary.model_validate_json(summary.read_text(encoding="utf-8"))
        opens_everywhere(folder, folder.parent / "again", found)
    return found


def _is_whole(path: Path, frames: int) -> bool:
    try:
        with open_session(path) as session:
            return session.complete and len(session.poses().frame) == frames
    except FormcheckError:
        return False


__all__ = ["FormcheckError", "Found", "Notes", "after_analysis", "after_live", "open_session", "read_json"]


def read_json(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8"))
