"""What a batch does in place of analysing, importable in other processes: quick, and deadly where asked."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

from formcheck.batch.jobs import Job, Outcome


def note(job: Job) -> None:
    """Leave a line that says who did it."""
    job.out.mkdir(parents=True, exist_ok=True)
    with (job.out / "done_by").open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")


def work(job: Job) -> Outcome:
    """Say done; a video called ``bad``, ``crash``, ``deadly``, ``odd`` or ``slow`` does as it is called."""
    name = job.video.stem
    note(job)
    if name.startswith("bad"):
        return Outcome(job, "failed", "It is bad.")
    if name.startswith("odd"):
        tries = len((job.out / "done_by").read_text().split())
        return Outcome(job, "failed", "Odd.", again=True) if tries < 3 else Outcome(job, "done")
    if name.startswith("deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith("slow"):
        time.sleep(60)
    if name.startswith("once"):
        # The first worker to try says which process it is, and waits to be killed.
        mark = Path(job.out / "first")
        if not mark.exists():
            mark.write_text(str(os.getpid()))
            time.sleep(60)
    time.sleep(0.02)
    return replace(Outcome(job, "done"), error=str(os.getpid()))
