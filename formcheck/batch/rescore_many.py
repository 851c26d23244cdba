"""Many stored sessions judged again, several at a time; what went wrong with one stops none of the others."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from formcheck.batch.child_process import end_with_parent
from formcheck.errors import FormcheckError
from formcheck.report.write import write_rescored
from formcheck.session.compare import changes
from formcheck.session.load import summary_of
from formcheck.session.reader import open_session
from formcheck.session.rescore import Yardstick, rescore_by


@dataclass(frozen=True)
class Order:
    """One session to judge again.

    Attributes:
        path: where it lies.
        yardstick: what to judge it by.
        place: folder to write to, or None to write nothing.
        in_place: write to the session's own folder.
    """

    path: Path
    yardstick: Yardstick
    place: Path | None = None
    in_place: bool = False


@dataclass(frozen=True)
class Rescored:
    """What came of it.

    Attributes:
        path: the session.
        changes: see `formcheck.session.rescore.changes`.
        notes: see `write_rescored`.
        summary: the new summary, as its JSON has it.
        error: a sentence why it could not be judged, or None.
    """

    path: Path
    changes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


def rescore_one(order: Order) -> Rescored:
    """One session; an expected failure is in `Rescored.error`."""
    try:
        with open_session(order.path) as session:
            before = summary_of(session)
            after = rescore_by(session, order.yardstick)
            folder = session.path.absolute().parent if order.in_place else order.place
            notes = write_rescored(after, session, folder) if folder is not None else []
    except FormcheckError as error:
        return Rescored(order.path, error=str(error))
    summary = after.summary.model_dump(mode="json", by_alias=True)
    return Rescored(order.path, changes(before, after.summary), notes, summary)


def rescore_many(orders: Sequence[Order], jobs: int = 0) -> Iterator[Rescored]:
    """All of them, in order.

    Args:
        orders: what to do.
        jobs: sessions at a time; 0 for one a processor core. A few are done in this very process: starting
            others takes as long as judging two or three of them.

    Raises:
        FormcheckError: a process was ended from outside, or memory ran out. What came before it is done.
        KeyboardInterrupt: Ctrl-C; those that had been begun came first, and the others are as they were.
    """
    workers = min(jobs or os.cpu_count() or 1, len(orders))
    if workers < 2 or (not jobs and len(orders) < 4):
        yield from map(rescore_one, orders)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy locks held by other threads
    pool = ProcessPoolExecutor(workers, context, end_with_parent)
    waiting = deque(pool.submit(rescore_one, order) for order in orders)
    try:
        while waiting:
            done = waiting[0].result()
            waiting.popleft()
            yield done
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)
        yield from [one.result() for one in waiting if not one.cancelled()]
        raise
    except BrokenProcessPool:
        raise FormcheckError(
            "A process that judged sessions ended unexpectedly; if memory ran out, try again with --jobs 1."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)  # what is being written is finished
