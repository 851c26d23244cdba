"""Renders the clips of the field that are not there yet, a process a core, so that it can be broken off."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
#: A video without truth that grew within this long is being rendered by somebody else.
_BUSY_S = 900


def to_render(specs: list[dict[str, Any]], clips: Path, only: str | None) -> list[dict[str, Any]]:
    """The specs whose clip is not there and not being made; the truth file is written last."""

    def waits(spec: dict[str, Any]) -> bool:
        if (clips / f"{spec['id']}.json").exists():
            return False
        video = clips / f"{spec['id']}.mp4"
        return not (video.exists() and time.time() - video.stat().st_mtime < _BUSY_S)

    return [spec for spec in specs if (not only or only in spec["id"]) and waits(spec)]


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """True while no other process of this kind works in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".rendering").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def render_all(
    specs: Path, clips: Path, generator: Path, python: str, processes: int, only: str | None
) -> list[str]:
    """Renders what is missing.

    Args:
        specs: the list of all clips.
        clips: where they go.
        generator: the folder of the shared generator.
        python: one that has what the generator needs.
        processes: so many at a time.
        only: clips whose name contains this.

    Returns:
        A sentence for each clip that failed.
    """
    waiting = to_render(json.loads(specs.read_text()), clips, only)
    problems: list[str] = []
    running: list[subprocess.Popen[str]] = []
    stopped = threading.Event()
    begun = time.monotonic()

    def one(spec: dict[str, Any]) -> str | None:
        if stopped.is_set() or not to_render([spec], clips, None):  # another one may have made it meanwhile
            return None
        scratch = clips / ".part" / spec["id"]
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        command = [
            python,
            "-B",
            str(HERE / "scene_extras.py"),
            str(generator),
            str(specs),
            spec["id"],
            str(scratch),
        ]
        # The program `nice`: to do it in the child before it starts can hang a program that has threads.
        process = subprocess.Popen(
            ["nice", "-n", "19", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=os.environ | {"LP_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}, start_new_session=True,
        )  # fmt: skip
        running.append(process)
        said = process.communicate()[0]
        running.remove(process)
        if stopped.is_set():
            return None
        if process.returncode != 0:
            return f"{spec['id']}: {said.strip()[-300:]}"
        for ending in ("mp4", "csv", "json"):
            os.replace(scratch / f"{spec['id']}.{ending}", clips / f"{spec['id']}.{ending}")
        shutil.rmtree(scratch, ignore_errors=True)
        return None

    with ThreadPoolExecutor(processes) as pool:
        jobs = {pool.submit(one, spec): spec["id"] for spec in waiting}
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                problem = job.result()
                problems += [problem] if problem else []
                left = (time.monotonic() - begun) / done * (len(jobs) - done) / 60
                print(f"{done}/{len(jobs)} {problem or jobs[job]}, about {left:.0f} min left", flush=True)
        except KeyboardInterrupt:
            stopped.set()
            for process in list(running):
                os.killpg(process.pid, signal.SIGTERM)  # its encoder with it
            print("Stopped; what is whole stays, the rest is rendered next time.")
    return problems
