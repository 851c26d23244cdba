"""Exports for other programs: ``frames.csv`` and ``summary.json``."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from formcheck.analysis.analysis import Analysis, phases_in_words
from formcheck.analysis.summary import Summary
from formcheck.folder_handle import opener
from formcheck.measures.table import OK, MeasureTable, Status
from formcheck.pose import frame_arrays as arrays
from formcheck.session.folder import replacing

FRAME_COLUMNS = ("frame", "time_s", "person", "phase", "rep")
_WORDS = [status.word for status in Status]


def write_frames_csv(analysis: Analysis, path: Path) -> None:
    """Writes one row a frame: time, phase, repetition, every measure, every measure's status,
    and every measure's standard deviation.

    A measure's cell is empty unless its status is ``ok``: whoever plots the column sees only numbers that
    may be believed. `rep` is 0 between repetitions.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    table = analysis.measures
    header = [*FRAME_COLUMNS, *table.names, *(f"{name}__status" for name in table.names)]
    header += [f"{name}__sd" for name in table.names] if table.sd is not None else []
    with replacing(path) as part, open(part, "w", encoding="utf-8", newline="", opener=opener) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for piece in arrays.pieces(len(table)):
            writer.writerows(_rows(analysis, piece))


def _rows(analysis: Analysis, frames: slice) -> Iterator[tuple[Any, ...]]:
    table = analysis.measures.part(frames)
    return zip(
        range(frames.start, frames.stop),
        [f"{time:.6f}" for time in table.time_s.tolist()],
        analysis.track.person[frames].astype(int).tolist(),
        phases_in_words(analysis.phase[frames]),
        analysis.rep[frames].tolist(),
        *_value_columns(table),
        *([_WORDS[i] for i in column] for column in table.status.T.tolist()),
        *_sd_columns(table),
        strict=True,
    )


def write_summary_json(summary: Summary, path: Path) -> None:
    """Writes the contract's summary; of all outputs the last, as the sign that the run was finished.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    with replacing(path) as part, open(part, "w", encoding="utf-8", newline="\n", opener=opener) as file:
        file.write(summary.to_json() + "\n")


def _sd_columns(table: MeasureTable) -> list[list[str]]:
    """Standard deviations, empty where there is no value to go with."""
    if table.sd is None:
        return []
    return [
        ["" if state != OK else f"{sd:.3g}" for sd, state in zip(sds, states, strict=True)]
        for sds, states in zip(table.sd.T.tolist(), table.status.T.tolist(), strict=True)
    ]


def _value_columns(table: MeasureTable) -> list[list[str]]:
    """Six significant digits: far below any measure's noise, and a hundred times finer than it is shown."""
    return [
        ["" if state != OK else f"{value:.6g}" for value, state in zip(values, states, strict=True)]
        for values, states in zip(table.value.T.tolist(), table.status.T.tolist(), strict=True)
    ]
