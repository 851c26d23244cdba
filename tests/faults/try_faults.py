"""Faults, tried one by one, as often as asked for; prints a row of docs/reliability.md for each.

    python tests/faults/try_faults.py --tries 100                   every kind, a hundred times
    python tests/faults/try_faults.py --tries 200 --results F live  one kind; goes on where F ends

Needs Linux. A seed gives the same moments again; what a busy computer does at them differs.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATHS = [str(HERE), str(HERE.parent), str(HERE.parent / "review"), str(ROOT)]
sys.path[:0] = [path for path in PATHS if path not in sys.path]
# Read by the process that children are forked from.
os.environ["PYTHONPATH"] = os.pathsep.join([*PATHS, os.environ.get("PYTHONPATH", "")])

import cv2  # noqa: E402
import fault_check  # noqa: E402
import fault_drive  # noqa: E402
from fault_check import Found  # noqa: E402

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["fault_drive"])
# How a process ended can be read once: by the thread that waits for it, and not by one that starts another.
multiprocessing.process._cleanup = lambda: None  # type: ignore[attr-defined]
CLIP = ROOT / "videos" / "bridge_side.mp4"


def child(what: Callable[..., None], *arguments: Any) -> Any:
    """Start a function of `fault_drive` in a process of its own."""
    process = FORKS.Process(target=what, args=arguments)
    process.start()
    return process


def kill(process: Any) -> None:
    """`kill -9`, and wait until it is gone."""
    if process.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    process.join()


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


# -- one try of each kind --------------------------------------------------------------------------------


_KILLED: list[Any] = []
_MAKING = threading.RLock()


def killed_session() -> Path:
    with _MAKING:
        return _makekilled_session()


def _makekilled_session() -> Path:
    if not _KILLED:
        folder = Path(tempfile.mkdtemp(prefix="formcheck-faults-"))
        process = child(fault_drive.killed_live, folder / "made")
        process.join()
        (session,) = (folder / "made").iterdir()
        copy = fault_drive.copied(session, folder / "counted")
        with fault_check.open_session(copy) as one:
            _KILLED[:] = [session, len(one.poses().frame)]
    return _KILLED[0]


def power_cut(rng: random.Random, folder: Path) -> Found:
    """The log of a killed session cut off anywhere, as a disk may leave it that lost its last writes."""
    session = fault_drive.copied(killed_session(), folder / "lib" / "session")
    log = session / "session.sqlite-wal"
    os.truncate(log, rng.randrange(80_000, log.stat().st_size))  # the tables are there
    found = Found()
    with fault_check.open_session(session) as one:
        frames = one.poses().frame.tolist()
    if frames != list(range(len(frames))):
        found.wrong.append("frames are missing in between")
    if frames:
        fault_check.opens_everywhere(session, folder / "out", found)
    return found


def disk_full(rng: random.Random, folder: Path) -> Found:
    """A live session with video onto a small disk that fills up (a tmpfs: needs root)."""
    disk, told = folder / "disk", folder / "told"
    disk.mkdir()
    size = f"size={rng.randrange(200, 2500)}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], check=True)
    try:
        process = child(fault_drive.live, str(disk / "sessions"), str(told), True, 2.0, 2)
        process.join()
        ended = Path(f"{told}.ended")
        problem = ended.read_text() if ended.exists() else "the program broke down"
        found = Found(note="it was said" if "disk" in problem or "room" in problem else problem)
        if found.note not in ("it was said", "whole"):
            found.wrong.append(problem)
        (session,) = (disk / "sessions").iterdir()
        try:
            fault_check.open_session(session).close()
        except fault_check.FormcheckError as error:
            if "full disk" not in str(error):
                found.wrong.append(f"on the full disk: {error}")
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        with fault_check.open_session(session) as one:
            kept = len(one.poses().frame)
        if kept:
            fault_check.opens_everywhere(session, folder / "out", found)
        return found
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


class Asking:
    """The review page's browser: logs in and saves notes over HTTP."""

    def __init__(self, address: str) -> None:
        self._host, _, link = address.removeprefix("http://").partition("/#link=")
        self._headers = {
            "origin": f"http://{self._host}",
            "x-formcheck": link,
            "content-type": "application/json",
        }
        self._headers["x-formcheck"] = json.loads(self("POST", "/api/enter")[1])["key"]

    def drop(self, video: bytes) -> tuple[int, bytes]:
        """A video dropped onto the page."""
        return self("POST", "/api/upload?exercise=bridge&name=clip.mp4", video)

    def __call__(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, timeout=20)
        try:
            connection.request(method, path, body, self._headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def up(ask: Asking) -> bool:
    try:
        return ask("GET", "/api/library")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


_FINISHED: list[Path] = []


def finished_session() -> Path:
    with _MAKING:
        if not _FINISHED:
            _FINISHED.append(fault_drive.finished(Path(tempfile.mkdtemp(prefix="formcheck-faults-")) / "one"))
        return _FINISHED[0]


# -- whole programs: pose model and all ------------------------------------------------------------------


def _program(*arguments: str | Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "formcheck", *map(str, arguments)], cwd=ROOT, stdout=file, stderr=file
        )


def _drive(log: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        command = [sys.executable, str(HERE / "fault_drive.py"), json.dumps([name, *arguments])]
        return subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)


SHORT_FRAMES = 45
_SHORT: dict[int, Path] = {}


def short_clip(frames: int = SHORT_FRAMES) -> Path:
    """The first frames of a demo clip, made small."""
    from formcheck.video.file import VideoFile
    from formcheck.video.writer import VideoWriter

    with _MAKING:
        if frames not in _SHORT:
            path = Path(tempfile.mkdtemp(prefix="formcheck-faults-")) / "short.mp4"
            with VideoFile(CLIP) as source, VideoWriter(path, 320, 180, source.fps) as writer:
                for frame in source:
                    if frame.index == frames:
                        break
                    writer.write(cv2.resize(frame.image, (320, 180)), frame.time_s)
            _SHORT[frames] = path
    return _SHORT[frames]


def _stopped(rng: random.Random, folder: Path, which: signal.Signals) -> Found:
    out = folder / "out"
    asked = ("analyze", short_clip(), "-e", "bridge", "--out", out, "--no-video")
    process = _program(*asked, log=folder / "log")
    time.sleep(rng.uniform(0.05, 8.0))
    process.send_signal(which)
    try:
        status = process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        return Found(wrong=[f"{which.name} does not end it"])
    text = (folder / "log").read_text(errors="replace")
    if "init_import_site" in text or ("_run_module_as_main" in text and "__main__.py" not in text):
        return Found(note="before formcheck's first line")
    found = Found(note=f"exit {status}")
    if "Traceback" in text or "Exception ignored" in text:
        found.wrong.append(f"a traceback: {text[-700:]}")
    if status not in (0, 130, -which, -signal.SIGINT):  # what a shell shows as 130 too
        found.wrong.append(f"exit status {status}: {text[-300:]}")
    if (out / "summary.json").exists():
        summary = fault_check.read_json(out / "summary.json")
        if status == 0 and not summary["complete"]:  # type: ignore[index]
            found.wrong.append("exit 0 with half a result")
    return found


def ctrl_c(rng: random.Random, folder: Path) -> Found:
    """Ctrl-C at any moment of `formcheck analyze`, imports included: quiet."""
    return _stopped(rng, folder, signal.SIGINT)


def terminate(rng: random.Random, folder: Path) -> Found:
    """SIGTERM, likewise."""
    return _stopped(rng, folder, signal.SIGTERM)


def hang_up(rng: random.Random, folder: Path) -> Found:
    """SIGHUP (the terminal is closed), likewise."""
    return _stopped(rng, folder, signal.SIGHUP)


def _live_stopped(rng: random.Random, folder: Path, which: signal.Signals) -> Found:
    """A live session is asked to stop: it is finished, and loses nothing."""
    sessions, told = folder / "sessions", folder / "told"
    process = _drive(folder / "log", "whole_live", str(CLIP), str(sessions), str(told))
    wait_for(lambda: process.poll() is not None or (told.exists() and told.stat().st_size))
    time.sleep(rng.uniform(0.0, 6.0))
    process.send_signal(which)
    try:
        status = process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        return Found(wrong=[f"{which.name} does not end it"])
    found = fault_check.after_live(sessions, told, folder / "out", video=True)
    text = (folder / "log").read_text(errors="replace")
    if found.note != "finished" or found.lost_s:
        found.wrong.append(f"{found.note}, {found.lost_s} s lost, exit {status}: {text[-200:]}")
    if "Traceback" in text:
        found.wrong.append(f"a traceback: {text[-700:]}")
    return found


def live_terminate(rng: random.Random, folder: Path) -> Found:
    """SIGTERM to a live session: as if it had been stopped by hand."""
    return _live_stopped(rng, folder, signal.SIGTERM)


def live_hang_up(rng: random.Random, folder: Path) -> Found:
    """SIGHUP to a live session (the terminal is closed), likewise."""
    return _live_stopped(rng, folder, signal.SIGHUP)


KINDS: dict[str, Callable[[random.Random, Path], Found]] = {
    "power-cut": power_cut,
    "disk-full": disk_full,
    "ctrl-c": ctrl_c,
    "terminate": terminate,
    "hang-up": hang_up,
    "live-terminate": live_terminate,
    "live-hang-up": live_hang_up,
}


sys.modules.setdefault("try_faults", sys.modules[__name__])  # run as a program, it has another name
import fault_pairs  # noqa: E402 - they use what is above
import kills  # noqa: E402

KINDS = kills.KINDS | KINDS | fault_pairs.KINDS


@dataclass
class Tally:
    """What all tries of one kind came to."""

    kind: str
    tries: list[Found] = field(default_factory=list)

    def line(self) -> str:
        """A row of the table, with everything that was wrong under it."""
        notes = Counter(found.note for found in self.tries if found.note)
        lost = sorted(f.lost_s for f in self.tries if f.lost_s is not None)
        shown = sorted(f.video_lost_s for f in self.tries if f.video_lost_s is not None)
        parts = [f"{n} {note}" for note, n in notes.most_common()]
        for name, values in (("session", lost), ("video", shown)):
            if values:
                parts.append(f"{name} lost: median {values[len(values) // 2]:.2f} s, most {values[-1]:.2f} s")
        wrong = Counter(text for found in self.tries for text in found.wrong)
        bad = sum(bool(found.wrong) for found in self.tries)
        lines = [f"{self.kind} | {len(self.tries)} tries | {bad} wrong | {'; '.join(parts)}"]
        lines += [f"    {n} x {text}" for text, n in wrong.most_common(12)]
        return "\n".join(lines)


def run(kind: str, tries: int, seed: int = 1, at_once: int = 2, results: Path | None = None) -> Tally:
    """Try one kind so many times.

    Args:
        kind: of `KINDS`.
        tries: how often.
        seed: of the moments.
        at_once: tries at a time.
        results: a file for what came of each, a line of JSON; tries that it has already are not made again.
    """
    done: dict[int, Found] = {}
    if results is not None and results.exists():
        for line in results.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            which = row.pop("kind"), row.pop("seed"), row.pop("number")
            if which[:2] == (kind, seed):
                done[which[2]] = Found(**row)

    def one(number: int) -> Found:
        if number in done:
            return done[number]
        folder = Path(tempfile.mkdtemp(prefix=f"formcheck-fault-{kind}-"))
        try:
            found = KINDS[kind](random.Random(f"{kind} {seed} {number}"), folder)
        except Exception as error:
            found = Found(wrong=[f"{type(error).__name__}: {error}"])
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if results is not None:
            row = {"kind": kind, "seed": seed, "number": number} | vars(found)
            with _MAKING, results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        return found

    # Checks swap standard output, so they are done one at a time; only the waiting goes on side by side.
    with ThreadPoolExecutor(at_once) as pool:
        return Tally(kind, list(pool.map(one, range(tries))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], help="all if left out")
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--results", type=Path, help="keep what came of each try, and go on from there")
    asked = parser.parse_args()
    for kind in asked.kinds or KINDS:
        begun = time.monotonic()
        tally = run(kind, asked.tries, asked.seed, asked.at_once, asked.results)
        print(f"{tally.line()}   ({time.monotonic() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
