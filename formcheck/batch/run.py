"""``formcheck batch``: plan, show how far it is, run, tell, write the tables."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from formcheck.batch.cluster import run_cluster
from formcheck.batch.jobs import Job, Outcome, find_jobs, in_order, split_done
from formcheck.batch.local import run_local
from formcheck.batch.tables import write_tables
from formcheck.errors import printable, shown
from formcheck.files import make_folder
from formcheck.session.folder import BATCH_LOCK, writing_to
from formcheck.session.folder_lock import only_writer


def run_batch(
    source: Path,
    *,
    exercise: str | None,
    side: str | None,
    prescription: Path | None,
    workers: int,
    cluster: str | None,
    out: Path | None,
    engine: str,
    model: str,
    pictures: bool,
    device: str = "cpu",
) -> int:
    """Runs a batch as the command line asks for it; progress goes to standard error.

    Args:
        source, exercise, side, prescription, out, engine, model, pictures, device: see `find_jobs`.
        workers: videos at a time on this computer; 0: one for each core.
        cluster: address of a Dask scheduler, or None for this computer.

    Returns:
        Exit status: 0 if every video has a result, 1 if some have none, 130 if stopped.

    Raises:
        FormcheckError: there is nothing to do, the request cannot be understood, or another batch is
            writing to the same folder.
    """
    jobs = find_jobs(
        source,
        exercise=exercise,
        side=side,
        prescription=prescription,
        out=out,
        engine=engine,
        model=model,
        pictures=pictures,
        device=device,
    )
    # The person names this folder, so a link to it is meant.
    tables = (out if out is not None else source.parent if source.is_file() else source).resolve()
    with writing_to(tables):
        make_folder(tables)
    # Two at once would do the same videos, and write over each other's tables.
    with only_writer(tables, BATCH_LOCK):
        return _run(jobs, tables, workers, cluster)


def _run(jobs: list[Job], tables: Path, workers: int, cluster: str | None) -> int:
    settled, todo = split_done(jobs)
    console = Console(stderr=True, highlight=False)
    for outcome in settled:
        if outcome.state == "failed":
            _tell(console, outcome)
    skipped = sum(o.state == "skipped" for o in settled)
    if skipped:
        console.print(f"{skipped} of {len(jobs)} were done before and are skipped.")
    bar = Progress(
        TextColumn("Videos"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=len(todo))

        def told(outcome: Outcome) -> None:
            bar.advance(task)
            if outcome.state == "failed":
                _tell(console, outcome)
            elif not console.is_terminal:
                # The name may hold brackets, which are not markup.
                console.print(f"{outcome.state}: {outcome.job.name}", markup=False, soft_wrap=True)

        if cluster is not None:
            came = run_cluster(todo, cluster, told)
        else:
            came = run_local(todo, workers or os.cpu_count() or 1, told)
    outcomes = [*settled, *came]
    files = write_tables(in_order(outcomes, jobs), jobs, tables)
    for file in files:
        print(shown(file))
    if len(outcomes) < len(jobs):
        print(
            f"Stopped: {len(jobs) - len(outcomes)} of {len(jobs)} videos are left; "
            "the same command goes on from here.",
            file=sys.stderr,
        )
        return 130
    failed = sum(o.state == "failed" for o in outcomes)
    if failed:
        print(
            f"{failed} of {len(jobs)} videos could not be analysed; batch_videos.csv says why.",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _tell(console: Console, outcome: Outcome) -> None:
    console.print(f"failed: {outcome.job.name}: {printable(outcome.error)}", markup=False, soft_wrap=True)
