"""`kill -9` of live, analyze, rescore, review and batch: whole programs, on a small clip of 1.5 s.

A program is killed at a random moment of its length, or (every second try) just before a random one of its
file operations: most of a run only reads and computes, and the moments that matter are short. Afterwards
every session that was there is as it was or as the command was to make it, whole; every other file is
untouched; the locks are free; and the same command again ends well and leaves nothing behind.
"""

from __future__ import annotations

import csv
import hashlib
import http.client
import json
import os
import random
import signal
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import fault_check
import fault_drive
import try_faults
from fault_check import FormcheckError, Found, Notes, command, open_session
from try_faults import Asking, child, kill, short_clip, wait_for

from formcheck.session.folder import (
    ANNOTATED,
    BATCH_LOCK,
    FRAMES,
    JOB_LOCK,
    OUTPUTS,
    REPORT,
    SESSION,
    SIDE_FILES,
    SUMMARY,
)
from formcheck.session.folder_lock import LOCK
from formcheck.video.file import VideoFile

_MAKING = threading.RLock()
_OTHERS = "letter.txt"
_ANALYZE = ["-e", "bridge", "--model", "lite"]


# -- what a folder of sessions holds -----------------------------------------------------------------------


def said_by(session: Path) -> str:
    """Hash of all that a session says but when it was made and how long that took; "" for none."""
    if not (session / SESSION).exists():
        return ""
    with open_session(session) as one:
        poses, table, text = one.poses(), one.measures, one.summary_text
        summary = json.loads(text) if text is not None else {}
        summary.pop("processing", None)
        facts = {k: v for k, v in vars(one.meta).items() if k != "created"}
        arrays = [poses.frame, poses.phase, poses.rep, *vars(poses.track).values()]
        arrays += [table.value, table.status, table.reason]
        plain = (facts, summary, one.definition.sha256, one.reps, one.events, one.warnings, one.complete)
    out = hashlib.sha256(repr(plain).encode())
    for array in arrays:
        out.update(array.tobytes() if hasattr(array, "tobytes") else repr(array).encode())
    return out.hexdigest()


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Results:
    """A folder of results: what its session and its table of frames say, and which files are in it."""

    session: str
    frames: str
    names: frozenset[str]

    @classmethod
    def of(cls, folder: Path) -> Results:
        frames = folder / FRAMES
        names = frozenset(os.listdir(folder)) if folder.exists() else frozenset()
        return cls(said_by(folder), _hash(frames) if frames.exists() else "", names)


def _other_files(root: Path, results: list[str]) -> dict[str, str]:
    """Hashes of all files that are nobody's results here."""
    made = {*OUTPUTS, *(name + end for name in (SESSION,) for end in SIDE_FILES), BATCH_LOCK}
    found = {}
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        inside = parts[0] in results and len(parts) > 1
        ours = inside and (parts[1] in made or parts[1].startswith(".formcheck-"))
        if path.is_file() and not ours and not path.name.startswith(("batch_", ".formcheck-")):
            found[path.relative_to(root).as_posix()] = _hash(path)
    return found


def _locked(root: Path) -> list[str]:
    """Lock files that somebody still holds."""
    import fcntl

    held = []
    for name in (LOCK, JOB_LOCK, BATCH_LOCK):
        for path in root.rglob(name):
            with path.open("rb+") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    held.append(name)
    return held


def _look_at(found: Found, folder: Path, before: Results, after: Results) -> None:
    """What a killed command left in a folder of results."""
    now = Results.of(folder)
    if now.session not in (before.session, after.session):
        found.wrong.append("the session is neither the old one nor the new one")
    if now.frames not in (before.frames, after.frames):
        found.wrong.append(f"{FRAMES} is neither the old one nor the new one")
    for name in (ANNOTATED, REPORT):
        path = folder / name
        if name in before.names & after.names and not path.exists():
            found.wrong.append(f"{name} has gone")
        elif path.exists() and not _is_whole(path):
            found.wrong.append(f"{name} is not whole")
    if (folder / SUMMARY).exists():
        with open_session(folder) as session:
            same = (folder / SUMMARY).read_text(encoding="utf-8") == f"{session.summary_text}\n"
        if not same:
            found.wrong.append(f"{SUMMARY} is not the session's")
        if (now.session, now.frames) not in ((before.session, before.frames), (after.session, after.frames)):
            found.wrong.append(f"{FRAMES} is not the session's, and nothing says so")
        found.note += "old" if now.session == before.session else "new"
    elif SUMMARY in before.names:
        found.note += "taking their places"
    else:
        found.note += "nothing yet" if not now.session or now.session == before.session else "no summary yet"


def _is_whole(path: Path) -> bool:
    if path.name == REPORT:
        return path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    with VideoFile(path) as video:
        return sum(1 for _ in video) == try_faults.SHORT_FRAMES


# -- programs ---------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """A command on a copy of a folder that was made beforehand.

    Attributes:
        words: of the command; ``{}`` stands for the folder.
        template: the folder as it is before.
        results: folders of results in it, by name, as they are before.
        after: the same when the command has ended.
        took_s: how long that takes.
        operations: how many file operations that is.
    """

    words: list[str]
    template: Path
    results: dict[str, Results] = field(default_factory=dict)
    after: dict[str, Results] = field(default_factory=dict)
    took_s: float = 0.0
    operations: int = 0

    def start(self, folder: Path, told: Path, die_at: int = 0) -> Any:
        words = [word.replace("{}", str(folder)) for word in self.words]
        return child(fault_drive.program, words, str(told), die_at)

    def learn(self, *names: str) -> Asked:
        """Runs it once to its end."""
        self.results = {name: Results.of(self.template / name) for name in names}
        place = Path(tempfile.mkdtemp(prefix="formcheck-kills-"))
        folder = fault_drive.copied(self.template, place / "after")
        process = self.start(folder, place / "told")
        process.join()
        told = fault_drive.read_told(place / "told")
        assert process.exitcode == 0, (place / "told.log").read_text()
        self.took_s, self.operations = told[-1][1] - told[0][1], told[-1][0]
        self.after = {name: Results.of(folder / name) for name in names}
        for name in names:
            assert self.after[name].session not in ("", self.results[name].session)
            left = {n for n in os.listdir(folder / name) if n.startswith(".formcheck")}
            assert not left, left
        return self


def _killed(rng: random.Random, folder: Path, asked: Asked, *, group: bool = False) -> Found:
    """One try of a command that works on folders of results."""
    root = fault_drive.copied(asked.template, folder / "root")
    others = _other_files(root, list(asked.results))
    die_at = rng.randrange(1, asked.operations + 1) if rng.random() < 0.5 else 0
    process = asked.start(root, folder / "told", die_at)
    if die_at:
        process.join()
    else:
        wait_for((folder / "told").exists)
        process.join(rng.uniform(0.0, asked.took_s * 1.05))
    alone = rng.random() < 0.5
    if group and not alone:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    kill(process)
    found = Found()
    if group:  # its children notice that it has gone, each for itself
        wait_for(lambda: not _alive(process.pid), 20)
        found.note = "alone: " if alone else "all of it: "
    if not (group and _lost_its_workers(process, folder / "told.log")):
        found.wrong += _ended_badly(process, folder / "told.log")
    if held := _locked(root):
        found.wrong.append(f"still locked: {held}")
    for name, before in asked.results.items():
        _look_at(found, root / name, before, asked.after[name])
    if _other_files(root, list(asked.results)) != others:
        found.wrong.append("another file was touched")
    again = asked.start(root, folder / "told2")
    again.join()
    if again.exitcode:
        found.wrong.append(f"again: exit {again.exitcode}: {(folder / 'told2.log').read_text()[-500:]}")
    for name, after in asked.after.items():
        now = Results.of(root / name)
        if (now.session, now.frames, now.names) != (after.session, after.frames, after.names):
            found.wrong.append(
                f"again: {name} is not as it should be, left {sorted(now.names ^ after.names)}"
            )
    if _other_files(root, list(asked.results)) != others:
        found.wrong.append("again: another file was touched")
    return found


def _ended_badly(process: Any, log: Path) -> list[str]:
    if process.exitcode in (0, -signal.SIGKILL):
        return []
    return [f"exit {process.exitcode}: {log.read_text(errors='replace')[-500:]}"]


def _lost_its_workers(process: Any, log: Path) -> bool:
    """True where not the program was killed but those that work for it, and it says so of each."""
    lines = log.read_text(errors="replace").splitlines()
    failed = [line for line in lines if line.startswith("failed:")]
    told = all("The process ended unexpectedly (exit code -9)" in line for line in failed)
    return process.exitcode == 1 and bool(failed) and told and "Traceback" not in "".join(lines)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _ran(*words: str | Path) -> None:
    status, _, err = command(*words)
    assert status == 0, err


@lru_cache(maxsize=1)
def _analysed() -> Path:
    """A clip with results of an earlier analysis, notes, a file of the user's own, and another session."""
    root = Path(tempfile.mkdtemp(prefix="formcheck-kills-")) / "root"
    root.mkdir()
    clip = root / "clip.mp4"
    clip.write_bytes(short_clip().read_bytes())
    # From where it was not filmed: an older result that differs.
    _ran("analyze", clip, *_ANALYZE, "--view", "feet")
    Notes(root / "clip.formcheck").save("about", {"patient": "P-1", "recorded": ""}, 0)
    (root / "clip.formcheck" / _OTHERS).write_text("a user's own")
    fault_drive.copied(try_faults.finished_session(), root / "neighbour.formcheck")
    return root


@lru_cache(maxsize=1)
def _analysis() -> Asked:
    return Asked(["analyze", "{}/clip.mp4", *_ANALYZE], _analysed()).learn("clip.formcheck")


@lru_cache(maxsize=1)
def _judging() -> tuple[Asked, Asked]:
    """Sessions judged again: an analysed clip with all its files, and a live one that was killed itself."""
    made = []
    for name, source in (("clip.formcheck", _analysed() / "clip.formcheck"), ("live", _a_killed_session())):
        root = Path(tempfile.mkdtemp(prefix="formcheck-kills-")) / "root"
        fault_drive.copied(source, root / name)
        fault_drive.copied(try_faults.finished_session(), root / "neighbour.formcheck")
        (root / "other.toml").write_text("[faults.hip_not_extended]\nenabled = false\n")
        (root / "P-1.toml").write_text("[tempo]\nrise_s = 2.0\n")
        words = ["rescore", f"{{}}/{name}", "--in-place", "--prescription", "{}/P-1.toml"]
        made.append(Asked(words, root).learn(name))
    return made[0], made[1]


def _a_killed_session() -> Path:
    return try_faults.killed_session()


@lru_cache(maxsize=1)
def _batch() -> Asked:
    """Two clips, of which one has an older result."""
    root = fault_drive.copied(_analysed(), Path(tempfile.mkdtemp(prefix="formcheck-kills-")) / "root")
    (root / "other.mp4").write_bytes((root / "clip.mp4").read_bytes())
    words = ["batch", "{}", *_ANALYZE, "--jobs", "2"]
    return Asked(words, root).learn("clip.formcheck", "other.formcheck")


def analyze(rng: random.Random, folder: Path) -> Found:
    """`formcheck analyze` over the results of an earlier one."""
    with _MAKING:
        asked = _analysis()
    return _killed(rng, folder, asked)


def rescore(rng: random.Random, folder: Path) -> Found:
    """`formcheck rescore --in-place`, of an analysed clip or of a live session that was killed."""
    with _MAKING:
        asked = rng.choice(_judging())
    return _killed(rng, folder, asked)


def batch(rng: random.Random, folder: Path) -> Found:
    """`formcheck batch` of two clips: its program alone or all its processes."""
    with _MAKING:
        asked = _batch()
    found = _killed(rng, folder, asked, group=True)
    table = folder / "root" / "batch_videos.csv"
    with table.open(encoding="utf-8", newline="") as file:
        states = [row["state"] for row in csv.DictReader(file)]
    if not set(states) <= {"done", "skipped"} or len(states) != 2:
        found.wrong.append(f"again: the table says {states}")
    if list((folder / "root").glob("batch_*.part")) or list((folder / "root").glob(".formcheck*")):
        found.wrong.append("again: something is left beside the tables")
    return found


# -- live -------------------------------------------------------------------------------------------------


def live(rng: random.Random, folder: Path) -> Found:
    """`formcheck live` with a clip as its camera, video and all; only its window is one without a screen."""
    sessions, told = folder / "sessions", folder / "told"
    fault_drive.copied(try_faults.finished_session(), sessions / "neighbour")
    neighbour = said_by(sessions / "neighbour")
    die_at = rng.randrange(1, 24) if rng.random() < 0.3 else 0
    process = child(fault_drive.whole_live, str(short_clip(90)), str(sessions), str(told), die_at)
    if not die_at:
        wait_for(lambda: not process.is_alive() or (told.exists() and told.stat().st_size))
        process.join(rng.uniform(0.0, 4.5))
    else:
        process.join(40)
    kill(process)
    ended = _ended_badly(process, folder / "told.ends.log")
    handed = fault_drive.read_told(told)
    made = sorted(path for path in sessions.iterdir() if path.name != "neighbour")
    found = Found(note="before the first frame", wrong=ended)
    if said_by(sessions / "neighbour") != neighbour:
        found.wrong.append("another session was touched")
    if not made or not handed:
        return found
    lib = folder / "lib"
    lib.mkdir()
    made[0].rename(lib / made[0].name)
    found = fault_check.after_live(lib, told, folder / "out", video=True)
    found.wrong += ended
    session = lib / made[0].name
    if found.note in ("finished", "under way") and not found.wrong:
        status, _, err = command("rescore", session, "--in-place")
        left = {p.name for p in session.iterdir()} - {*OUTPUTS, "video.mp4", "video.mp4.part"}
        if status or left:
            found.wrong.append(f"judged again: exit {status}, left {sorted(left)}: {err[-300:]}")
    return found


# -- review -----------------------------------------------------------------------------------------------

_DOOMED = "2026-11-02_09-00-00_bridge"


def review(rng: random.Random, folder: Path) -> Found:
    """The review page while notes are written, a session is deleted and a video is analysed."""
    lib, address = folder / "lib", folder / "address"
    for name in ("one", _DOOMED, "neighbour"):
        fault_drive.copied(try_faults.finished_session(), lib / name)
    before = said_by(lib / "one")
    process = child(fault_drive.review, str(lib), str(address))
    wait_for(address.exists)
    ask = Asking(address.read_text())
    wait_for(lambda: try_faults.up(ask))
    rows = json.loads(ask("GET", "/api/library")[1])["sessions"]
    keys = {row["name"]: row["key"] for row in rows}
    answered: list[str] = []
    found = Found(note="")
    deleted: list[int] = []

    def decide() -> None:
        for i in range(10_000):
            note = {"id": f"comment:{i}", "base": 0, "data": {"time_s": i / 10, "text": f"remark {i}"}}
            status, text = ask("POST", f"/api/session/{keys['one']}/notes", json.dumps(note).encode())
            if status != 200:
                found.wrong.append(f"a note: {text.decode()}")
                return
            answered.append(note["id"])

    def throw_away() -> None:
        time.sleep(rng.uniform(0.0, 1.5))
        body = json.dumps({"delete": True}).encode()
        deleted.append(ask("POST", f"/api/session/{keys[_DOOMED]}/delete", body)[0])

    def drop() -> None:
        ask.drop(short_clip().read_bytes())

    def quietly(what: Any) -> None:
        with suppress(OSError, http.client.HTTPException):
            what()

    threads = [threading.Thread(target=quietly, args=(what,)) for what in (decide, throw_away, drop)]
    for thread in threads:
        thread.start()
    time.sleep(rng.uniform(0.0, 4.0))
    kill(process)
    for thread in threads:
        thread.join()
    _after_review(found, lib, before, answered, deleted, folder)
    return found


def _after_review(
    found: Found, lib: Path, before: str, answered: list[str], deleted: list[int], folder: Path
) -> None:
    if held := _locked(lib):
        found.wrong.append(f"still locked: {held}")
    try:
        kept = {item.id for item in Notes(lib / "one").standing()}
    except FormcheckError as error:
        kept = set()
        found.wrong.append(f"notes: {error}")
    if lost := [one for one in answered if one not in kept]:
        found.wrong.append(f"{len(lost)} answered decisions are lost")
    if said_by(lib / "one") != before or said_by(lib / "neighbour") != before:
        found.wrong.append("a session was touched")
    doomed = lib / _DOOMED
    if deleted == [200] and doomed.exists():
        found.wrong.append("a deleted session is there")
    if doomed.exists() and (doomed / SESSION).exists() and said_by(doomed) != before:
        found.wrong.append("a session that was to be deleted is damaged")
    found.note = "deleted, " if deleted == [200] else "being deleted, " if not doomed.exists() else ""
    address = folder / "address2"
    process = child(fault_drive.review, str(lib), str(address))
    try:
        if not wait_for(address.exists, 120):
            found.wrong.append("the page does not start again")
            return
        ask = Asking(address.read_text())
        wait_for(lambda: try_faults.up(ask))
        rows = json.loads(ask("GET", "/api/library")[1])["sessions"]
    finally:
        kill(process)
    if problems := [row["problem"] for row in rows if row.get("problem")]:
        found.wrong.append(f"the page says: {problems}")
    names = {path.name for path in lib.iterdir()} - {"one", "neighbour", _DOOMED}
    for name in names:
        if not said_by(lib / name):
            found.wrong.append(f"left without a session: {name}")
        if left := {n for n in os.listdir(lib / name) if n.startswith(".formcheck") or n.endswith(".part")}:
            found.wrong.append(f"left of the video that was dropped: {sorted(left)}")
    found.note += "video analysed" if names else "no video"


KINDS = {"live": live, "analyze": analyze, "rescore": rescore, "review": review, "batch": batch}
