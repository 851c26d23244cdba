"""More kinds of faults: two programs on the same folder, a folder that goes, a computer that sleeps."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import fault_check
import fault_drive
import try_faults
from fault_check import Found
from try_faults import Asking, child, kill, wait_for

WHOLE = {"summary.json", "frames.csv", "session.sqlite"}


def _said(told: Path) -> str:
    said = Path(f"{told}.said")
    return said.read_text() if said.exists() else "it broke down"


def _one_refused(found: Found, *told: Path) -> None:
    said = [_said(one) for one in told]
    for text in said:
        if text != "done" and "is writing to" not in text:
            found.wrong.append(text)
    if "done" not in said:
        found.wrong.append("both were refused")
    found.note = "one was refused" if said.count("done") < len(said) else "one after the other"


def _two(rng: random.Random, folder: Path, what: str, source: Path, out: Path) -> list[Path]:
    """The same work twice at once, a moment apart, until both have ended; where each says how."""
    told = [folder / "told1", folder / "told2"]
    processes = []
    for one in told:
        processes.append(child(fault_drive.said, what, str(source), str(out), str(one)))
        time.sleep(rng.choice([0.0, rng.uniform(0.0, 1.5)]))
    for process in processes:
        process.join()
    return told


def two_analyses(rng: random.Random, folder: Path) -> Found:
    """Two `analyze` into the same folder, a moment apart."""
    video, out = folder / "clip.mp4", folder / "clip.formcheck"
    video.write_bytes(b"no pictures are read")
    frames = len(fault_drive.made_analysis(video).track)
    told = _two(rng, folder, "analysis_outputs", video, out)
    found = fault_check.after_analysis(out, frames)
    if {path.name for path in out.iterdir()} != WHOLE | {"report.html"}:
        found.wrong.append(f"left: {sorted(path.name for path in out.iterdir())}")
    _one_refused(found, *told)
    return found


def _videos(folder: Path) -> tuple[Path, Path, int]:
    videos, out = folder / "videos", folder / "out"
    videos.mkdir()
    for i in range(2):
        (videos / f"v{i}.mp4").write_bytes(b"no pictures are read")
    return videos, out, len(fault_drive.made_analysis(videos / "v0.mp4").track)


def _all_there(found: Found, out: Path, frames: int) -> None:
    for i in range(2):
        place = out / f"v{i}.formcheck"
        found.wrong += fault_check.after_analysis(place, frames, report=False).wrong
        if not {path.name for path in place.iterdir()} >= WHOLE:
            found.wrong.append(f"left: {sorted(path.name for path in place.iterdir())}")


def two_batches(rng: random.Random, folder: Path) -> Found:
    """Two `batch` with the same folder for their results."""
    videos, out, frames = _videos(folder)
    told = _two(rng, folder, "batch", videos, out)
    found = Found()
    _one_refused(found, *told)
    _all_there(found, out, frames)
    rows = (out / "batch_videos.csv").read_text(encoding="utf-8").count("\n") - 1
    if rows != 2:
        found.wrong.append(f"{rows} rows in the table")
    return found


def batch_and_analysis(rng: random.Random, folder: Path) -> Found:
    """`batch` and `analyze` of the same video, into the same folder."""
    videos, out, frames = _videos(folder)
    batch = child(fault_drive.said, "batch", str(videos), str(out), str(folder / "told1"))
    time.sleep(rng.uniform(0.0, 1.0))
    place = out / "v0.formcheck"
    one = child(
        fault_drive.said, "analysis_outputs", str(videos / "v0.mp4"), str(place), str(folder / "told2")
    )
    batch.join()
    one.join()
    found = Found()
    status = [number for number, *_ in fault_drive.read_told(folder / "told1")]
    said = _said(folder / "told2")
    if status not in ([0], [1]) or (said != "done" and "is writing to" not in said):
        found.wrong.append(f"batch {status}, analyze: {said}")
    found.note = "batch refused" if status == [1] else "analyze refused" if said != "done" else "both"
    _all_there(found, out, frames)
    return found


class _Page:
    """A review server of its own, with a browser."""

    def __init__(self, lib: Path, address: Path) -> None:
        self.process = child(fault_drive.review, str(lib), str(address))
        wait_for(address.exists)
        self.ask = Asking(address.read_text())
        wait_for(lambda: try_faults.up(self.ask))

    def key(self) -> str:
        sessions = json.loads(self.ask("GET", "/api/library")[1])["sessions"]
        return sessions[0]["key"] if sessions else ""

    def note(self, key: str, id_: str, i: int) -> tuple[int, bytes]:
        note = {"id": id_, "base": 0, "data": {"time_s": i / 10, "text": f"remark {i}"}}
        return self.ask("POST", f"/api/session/{key}/notes", json.dumps(note).encode())


def two_reviews(rng: random.Random, folder: Path) -> Found:
    """Two review servers on the same folder; decisions from both, some of them on the same thing."""
    session = fault_drive.copied(try_faults.finished_session(), folder / "lib" / "one")
    pages = [_Page(folder / "lib", folder / f"address{i}") for i in range(2)]
    found, kept, conflicts = Found(), set(), []

    def decide(page: _Page, name: str) -> None:
        key = page.key()
        for i in range(25):
            id_ = f"comment:{i}" if i % 5 == 0 else f"comment:{name}{i}"
            status, text = page.note(key, id_, i if i % 5 else hash(name) % 90)
            if status == 200:
                kept.add(id_)
            elif status == 409:
                conflicts.append(id_)
            else:
                found.wrong.append(f"{status}: {text[:200]!r}")

    threads = [
        threading.Thread(target=decide, args=(page, name)) for page, name in zip(pages, "ab", strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for page in pages:
        kill(page.process)
    there = {item.id for item in fault_check.Notes(session).standing()}
    if there != kept or len(there) != 45:
        found.wrong.append(f"{len(kept)} answered, {len(there)} there")
    found.note = "conflicts shown" if conflicts else "no conflict"
    fault_check.opens_everywhere(session, folder / "out", found)
    return found


def review_and_rescore(rng: random.Random, folder: Path) -> Found:
    """`rescore --in-place`, twice at once, while the page reads the session and saves decisions."""
    session = fault_drive.copied(try_faults.finished_session(), folder / "lib" / "one")
    page, found = _Page(folder / "lib", folder / "address"), Found()
    key = page.key()
    told = [folder / "told1", folder / "told2"]
    processes = [child(fault_drive.said, "rescored", str(session), str(one)) for one in told]
    notes = 0
    while any(process.is_alive() for process in processes) or notes < 5:
        for path in (f"/api/session/{key}", f"/api/session/{key}/times"):
            status, text = page.ask("GET", path)
            if status >= 500:
                found.wrong.append(f"{status}: {text[:200]!r}")
        status, text = page.note(key, f"comment:{notes}", notes)
        notes += status == 200
        if status != 200:
            found.wrong.append(f"note: {status}: {text[:200]!r}")
            break
    for process in processes:
        process.join()
    kill(page.process)
    _one_refused(found, *told)
    if len(fault_check.Notes(session).standing()) != notes:
        found.wrong.append("decisions are lost")
    fault_check.opens_everywhere(session, folder / "out", found)
    return found


def live_and_review(rng: random.Random, folder: Path) -> Found:
    """The page looks at, and writes to, a session that is being recorded."""
    sessions, told = folder / "sessions", folder / "told"
    sessions.mkdir()
    page, found = _Page(sessions, folder / "address"), Found()
    process = child(fault_drive.live, str(sessions), str(told), True, 2.0, 2)
    answers: set[int] = set()
    while process.is_alive():
        key = page.key()
        if key:
            for path in (f"/api/session/{key}", f"/api/session/{key}/times", f"/api/session/{key}/notes"):
                answers.add(page.ask("GET", path)[0])
            answers.add(page.note(key, f"comment:{len(answers)}", 1)[0])
        time.sleep(0.05)
    process.join()
    status, text = page.ask("GET", f"/api/session/{page.key()}")
    if status != 200:
        found.wrong.append(f"afterwards: {status}: {text[:200]!r}")
    kill(page.process)
    if any(answer >= 500 for answer in answers):
        found.wrong.append(f"answers: {sorted(answers)}")
    after = fault_check.after_live(sessions, told, folder / "out", video=True)
    found.wrong += after.wrong
    if after.note != "finished" or after.lost_s:
        found.wrong.append(f"{after.note}, {after.lost_s} s lost")
    return found


def live_folder_gone(rng: random.Random, folder: Path) -> Found:
    """The session's folder is deleted while it is recorded: said, and the exercise goes on to its end."""
    sessions, told = folder / "sessions", folder / "told"
    process = child(fault_drive.live, str(sessions), str(told), True, 2.0, 3)
    wait_for(lambda: told.exists() and told.stat().st_size and any(sessions.iterdir()))
    time.sleep(rng.uniform(0.0, 3.0))
    for _ in range(20):  # a file may come into being meanwhile
        shutil.rmtree(sessions, ignore_errors=True)
        if not sessions.exists():
            break
    gone_s = time.monotonic()
    process.join()
    ended = Path(f"{told}.ended")
    problem = ended.read_text() if ended.exists() else "the program broke down"
    found = Found(note="it was said" if "has gone" in problem else problem)
    if not problem.endswith(".") or "Errno" in problem or problem == "whole":
        found.wrong.append(problem)
    if not [moment for _, moment, _ in fault_drive.read_told(told) if moment > gone_s + 0.5]:
        found.wrong.append("it did not go on")
    return found


def live_no_permission(rng: random.Random, folder: Path) -> Found:
    """The right to write to the session's folder is taken away while it is recorded (as another user)."""
    sessions, told = folder / "sessions", folder / "told"
    os.chmod(folder, 0o777)
    process = child(fault_drive.as_nobody, str(sessions), str(told))
    wait_for(lambda: told.exists() and told.stat().st_size and any(sessions.iterdir()))
    time.sleep(rng.uniform(0.0, 3.0))
    (session,) = sessions.iterdir()
    os.chmod(session, 0o500)
    process.join()
    os.chmod(session, 0o700)
    ended = Path(f"{told}.ended")
    problem = ended.read_text() if ended.exists() else "the program broke down"
    found = Found(note="it was said" if problem.endswith(".") else problem)
    if not problem.endswith(".") or "Errno" in problem:
        found.wrong.append(problem)
    found.lost_s = None
    handed = fault_drive.read_told(told)
    with fault_check.open_session(session) as one:
        stored = len(one.poses().frame)
    found.lost_s = 0.0 if stored >= len(handed) else handed[-1][1] - handed[max(stored - 1, 0)][1]
    fault_check.opens_everywhere(session, folder / "out", found)
    return found


def live_asleep(rng: random.Random, folder: Path) -> Found:
    """The whole of `formcheck live` stopped for 20 s (SIGSTOP) and woken, as by a laptop's lid."""
    sessions, told = folder / "sessions", folder / "told"
    process = try_faults._drive(folder / "log", "whole_live", str(try_faults.CLIP), str(sessions), str(told))
    wait_for(lambda: process.poll() is not None or (told.exists() and told.stat().st_size))
    time.sleep(rng.uniform(2.0, 12.0))
    process.send_signal(signal.SIGSTOP)
    time.sleep(20.0)
    process.send_signal(signal.SIGCONT)
    process.wait(120)
    found = fault_check.after_live(sessions, told, folder / "out", video=True)
    text = (folder / "log").read_text(errors="replace")
    if "Traceback" in text or found.note != "finished" or found.lost_s:
        found.wrong.append(f"{found.note}, {found.lost_s} s lost: {text[-300:]}")
    for session in sessions.iterdir():
        with fault_check.open_session(session) as one:
            times, reps = one.poses().track.time_s, one.reps
        at = int((times[1:] - times[:-1]).argmax())
        found.note += f", gap of {times[at + 1] - times[at]:.0f} s"
        halves = [r for r in reps if r.start_s < times[at] < r.end_s and r.end_s > times[at + 1]]
        if any(r.class_ in ("full", "partial") for r in halves):
            found.wrong.append("a repetition of two halves")
    return found


KINDS: dict[str, Any] = {
    "two-analyses": two_analyses,
    "two-batches": two_batches,
    "batch-and-analysis": batch_and_analysis,
    "two-reviews": two_reviews,
    "review-and-rescore": review_and_rescore,
    "live-and-review": live_and_review,
    "live-folder-gone": live_folder_gone,
    "live-no-permission": live_no_permission,
    "live-asleep": live_asleep,
}
