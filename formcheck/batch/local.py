"""A batch on this computer: a process for each video."""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

from formcheck.batch.child_process import end_with_parent
from formcheck.batch.jobs import Job, Outcome, Told
from formcheck.batch.work import ATTEMPTS, analyze_job


def run_local(jobs: Sequence[Job], workers: int, told: Told) -> list[Outcome]:
    """All jobs, `workers` at a time, each in a process of its own.

    A process each: a video that crashes the decoder takes nothing else with it, no memory adds up over
    thousands of videos, and Ctrl-C can end what is running.

    Args:
        jobs: what to do.
        workers: processes at a time.
        told: told each outcome as it comes, in the calling thread.

    Returns:
        An outcome for each job, in the order of the jobs; after Ctrl-C only of those that were finished.
    """
    todo: queue.SimpleQueue[tuple[int, Job]] = queue.SimpleQueue()
    for item in enumerate(jobs):
        todo.put(item)
    came: queue.SimpleQueue[tuple[int, Outcome]] = queue.SimpleQueue()
    stop = threading.Event()
    threads = [
        threading.Thread(target=_work, args=(todo, came, stop), name=f"batch-{i}", daemon=True)
        for i in range(max(1, min(workers, len(jobs))))
    ]
    for thread in threads:
        thread.start()
    outcomes: dict[int, Outcome] = {}
    try:
        while len(outcomes) < len(jobs):
            try:
                index, outcome = came.get(timeout=0.5)  # in pieces, so that Ctrl-C is heard on Windows
            except queue.Empty:
                continue
            outcomes[index] = outcome
            told(outcome)
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return [outcomes[i] for i in sorted(outcomes)]


def _work(
    todo: queue.SimpleQueue[tuple[int, Job]],
    came: queue.SimpleQueue[tuple[int, Outcome]],
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            index, job = todo.get_nowait()
        except queue.Empty:
            return
        for attempt in range(1, ATTEMPTS + 1):
            outcome = in_own_process(job, stop)
            if outcome is None:
                return
            if not outcome.again or attempt == ATTEMPTS:
                came.put((index, outcome))
                break


def in_own_process(
    job: Job, stop: threading.Event, target: Callable[[Job], Outcome] = analyze_job
) -> Outcome | None:
    """One job in a new process; None when it was stopped.

    Args:
        job: what to do.
        stop: ends the process when set.
        target: what does it; importable by name.
    """
    context = multiprocessing.get_context("spawn")  # a fork would copy locks held by other threads
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_in_process, args=(target, job, send), daemon=True)
    process.start()
    send.close()
    try:
        while not receive.poll(0.2):
            if stop.is_set():
                return None
        outcome: Outcome = receive.recv()
    except (EOFError, OSError):
        process.join()
        why = f"The process ended unexpectedly (exit code {process.exitcode})"
        return Outcome(job, "failed", f"{why}; the video may be damaged, or memory ran out.", again=True)
    finally:
        if process.is_alive() and stop.is_set():
            process.terminate()
        process.join()
        receive.close()
    return outcome


def _in_process(target: Callable[[Job], Outcome], job: Job, send: Connection) -> None:
    end_with_parent()
    send.send(target(job))
    send.close()
