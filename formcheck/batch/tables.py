"""Tables of a batch: one row a video, one row a repetition, as CSV and (with pyarrow) as Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from formcheck.analysis.summary import Rep, Summary
from formcheck.batch.jobs import Job, Outcome, name_below, read_summary
from formcheck.engine.repetition import COUNTED
from formcheck.errors import FormcheckError, printable, shown
from formcheck.exercises.definition import load_definition
from formcheck.folder_handle import opener
from formcheck.session.folder import replacing

VIDEOS, REPS = "batch_videos", "batch_reps"
_CLASSES = ("full", "partial", "aborted", "void")
_CHUNK = 2000
#: Name and kind of each column: str, int, float.
Columns = dict[str, type]


def write_tables(outcomes: Iterable[Outcome], jobs: list[Job], folder: Path) -> list[Path]:
    """Writes both tables.

    Videos and results are named as seen from the batch's own folder: the folders above may be called after
    people. A cell is empty where nothing is known: a fault's grade where it was not checked, a value that was
    not measurable, everything but the error for a video that failed. Results are read one after the other, so
    that ten thousand of them need no memory.

    Args:
        outcomes: of the batch, in order.
        jobs: all jobs, for the columns.
        folder: where to write.

    Returns:
        The files written; Parquet files only where pyarrow is installed.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    outcomes = list(outcomes)
    measures, faults = _names(jobs)
    written = []
    for name, columns, rows in (
        (VIDEOS, video_columns(faults), lambda: (_video_row(o, folder) for o in outcomes)),
        (REPS, rep_columns(measures, faults), lambda: _rep_rows(outcomes)),
    ):
        written.append(_write_csv(folder / f"{name}.csv", columns, rows()))
        if (parquet := _write_parquet(folder / f"{name}.parquet", columns, rows)) is not None:
            written.append(parquet)
    return written


def video_columns(faults: list[str]) -> Columns:
    """Columns of the table of videos."""
    columns: Columns = {
        "video": str,
        "exercise": str,
        "state": str,
        "error": str,
        "results": str,
        "side": str,
    }
    columns |= {"view": str, "complete": int, "duration_s": float, "fps": float, "frames": int}
    columns |= {"frames_with_person": int, "frames_rejected": int, "people_seen_max": int}
    columns |= {f"reps_{kind}": int for kind in _CLASSES}
    for fault in faults:
        columns |= {f"{fault}_reps_checked": int, f"{fault}_reps_affected": int, f"{fault}_worst_grade": int}
    columns |= {"warnings": str, "formcheck": str, "engine": str, "model": str}
    return columns | {"definition_version": int, "definition_sha256": str}


def rep_columns(measures: list[str], faults: list[str]) -> Columns:
    """Columns of the table of repetitions."""
    columns: Columns = {"video": str, "exercise": str, "side": str, "view": str, "rep": int}
    columns |= {"number": int, "class": str}
    columns |= {f"{name}_s": float for name in ("start", "peak", "end", "rise", "hold", "lower")}
    columns |= {"confidence": float}
    columns |= {f"peak_{name}": float for name in measures}
    for fault in faults:
        columns |= {f"{fault}_grade": int, f"{fault}_value": float}
    return columns


def _names(jobs: list[Job]) -> tuple[list[str], list[str]]:
    """Measures and faults of all exercises in the batch."""
    measures: dict[str, None] = {}
    faults: dict[str, None] = {}
    for exercise in dict.fromkeys(job.exercise for job in jobs):
        try:
            definition = load_definition(exercise)
        except FormcheckError:  # its videos have failed for that reason
            continue
        measures |= dict.fromkeys(definition.measures)
        faults |= dict.fromkeys(definition.faults)
    return list(measures), list(faults)


def _video_row(outcome: Outcome, folder: Path) -> dict[str, Any]:
    job = outcome.job
    results = name_below(job.out.absolute(), folder.absolute())
    row: dict[str, Any] = {
        "video": _name(job),
        "exercise": printable(job.exercise),
        "state": outcome.state,
        # Whatever went wrong, its sentence names the file.
        "error": shown(outcome.error).replace(shown(job.video), _name(job)).replace(shown(job.out), results),
    }
    if outcome.state == "failed" or (summary := read_summary(job)) is None:
        return row
    row |= {
        "results": results,
        "side": summary.side,
        "view": summary.view.name,
        "complete": int(summary.complete),
        "duration_s": summary.source.duration_s,
        "fps": summary.source.fps,
        "frames": summary.source.frames,
        "frames_with_person": summary.pose.frames_with_person,
        "frames_rejected": summary.pose.frames_rejected,
        "people_seen_max": summary.pose.people_seen_max,
        "warnings": " ".join(summary.warnings),
        "formcheck": summary.formcheck,
        "engine": summary.pose.engine,
        "model": summary.pose.model,
        "definition_version": summary.definition.version,
        "definition_sha256": summary.definition.sha256,
    }
    row |= {f"reps_{kind}": sum(rep.class_ == kind for rep in summary.reps) for kind in _CLASSES}
    for name, info in summary.faults.items():
        row[f"{name}_reps_checked"] = info.reps_checked
        if info.checked:
            row[f"{name}_reps_affected"] = info.reps_affected
            row[f"{name}_worst_grade"] = info.worst_grade
    return row


def _name(job: Job) -> str:
    return job.name or printable(job.video.name)


def _rep_rows(outcomes: Iterable[Outcome]) -> Iterator[dict[str, Any]]:
    for outcome in outcomes:
        if outcome.state == "failed" or (summary := read_summary(outcome.job)) is None:
            continue
        for rep in summary.reps:
            yield _rep_row(outcome.job, summary, rep)


def _rep_row(job: Job, summary: Summary, rep: Rep) -> dict[str, Any]:
    row: dict[str, Any] = {
        "video": _name(job),
        "exercise": summary.exercise,
        "side": summary.side,
        "view": summary.view.name,
        "rep": rep.index,
        "number": rep.number,
        "class": rep.class_,
        "confidence": rep.confidence,
    }
    for name in ("start_s", "peak_s", "end_s", "rise_s", "hold_s", "lower_s"):
        row[name] = getattr(rep, name)
    row |= {f"peak_{name}": value for name, value in rep.peak.items()}
    counted = sum(r.class_ in COUNTED for r in summary.reps)
    for name, info in summary.faults.items():
        # Absent is said only where it is sure that this very repetition was checked.
        if info.checked and info.reps_checked == counted and rep.class_ in COUNTED:
            row[f"{name}_grade"] = 0
    for fault in rep.faults:
        row[f"{fault.id}_grade"], row[f"{fault.id}_value"] = fault.grade, fault.value
    return row


def _write_csv(path: Path, columns: Columns, rows: Iterable[dict[str, Any]]) -> Path:
    with replacing(path) as part, open(part, "w", encoding="utf-8", newline="", opener=opener) as file:
        writer = csv.DictWriter(file, list(columns), restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _write_parquet(path: Path, columns: Columns, rows: Callable[[], Iterable[dict[str, Any]]]) -> Path | None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return None
    kinds = {str: pa.string(), int: pa.int64(), float: pa.float64()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in columns.items()])
    with (
        replacing(path) as part,
        open(part, "wb", opener=opener) as file,
        pq.ParquetWriter(file, schema) as writer,
    ):
        chunk: list[dict[str, Any]] = []
        for row in rows():
            chunk.append({name: row.get(name) for name in columns})
            if len(chunk) >= _CHUNK:
                writer.write_table(pa.Table.from_pylist(chunk, schema))
                chunk = []
        writer.write_table(pa.Table.from_pylist(chunk, schema))
    return path
