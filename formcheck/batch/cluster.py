"""A batch on the workers of a Dask scheduler."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from formcheck.batch.jobs import Job, Outcome, Told
from formcheck.batch.work import ATTEMPTS, analyze_job
from formcheck.errors import FormcheckError


def run_cluster(
    jobs: Sequence[Job], address: str, told: Told, target: Callable[[Job], Outcome] = analyze_job
) -> list[Outcome]:
    """All jobs on the workers of a Dask scheduler.

    Videos and result folders must have the same path on every worker. A worker that dies gives its videos
    back to the scheduler, which hands them to another; a video that takes three workers down is given up.

    Args:
        jobs: what to do.
        address: of the scheduler, such as ``tcp://192.168.1.10:8786``.
        told: told each outcome as it comes.
        target: what does one job; importable by name on the workers.

    Raises:
        FormcheckError: the extra is not installed, or no scheduler answers.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise FormcheckError(
            "Working on a cluster needs Dask; install it with: pip install 'formcheck[cluster]'"
        ) from None
    try:
        client = Client(address, timeout=15, set_as_default=False)
    except (OSError, ValueError, TimeoutError):
        raise FormcheckError(f"No Dask scheduler answers at {address}; check the address.") from None
    outcomes: dict[int, Outcome] = {}
    attempts = dict.fromkeys(range(len(jobs)), 1)
    with client:
        futures = {}

        def hand_out(index: int) -> Any:
            # No video's result is of use to another: never cached.
            key = f"formcheck-{index}-{attempts[index]}-{time.time_ns()}"
            future = client.submit(target, jobs[index], key=key, pure=False)
            futures[future.key] = index
            return future

        running = as_completed([hand_out(i) for i in range(len(jobs))], loop=client.loop)
        try:
            for future in running:
                index = futures.pop(future.key)
                outcome = _outcome_of(future, jobs[index])
                if outcome.again and attempts[index] < ATTEMPTS:
                    attempts[index] += 1
                    running.add(hand_out(index))
                    continue
                outcomes[index] = outcome
                told(outcome)
        except KeyboardInterrupt:
            with suppress(Exception):
                client.cancel([future for future in running.futures])
    return [outcomes[i] for i in sorted(outcomes)]


def _outcome_of(future: Any, job: Job) -> Outcome:
    error = future.exception()
    if error is None:
        outcome: Outcome = future.result()
        return outcome
    if type(error).__name__ == "KilledWorker":
        return Outcome(
            job, "failed", "Every worker that began this video ended unexpectedly; it may be damaged."
        )
    text = " ".join(str(error).split())[:200]
    return Outcome(job, "failed", f"The worker could not do it ({type(error).__name__}: {text}).", again=True)
