"""Tables for spreadsheets and statistics: measures and trajectories side by side, gaps left empty."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from formcheck.analysis.analysis import PHASES, Analysis
from formcheck.analysis.findings import Findings, coverage, findings_of
from formcheck.analysis.rulings import Review
from formcheck.folder_handle import opener
from formcheck.measures.table import Status
from formcheck.pose import frame_arrays as arrays
from formcheck.pose.landmarks import Landmark
from formcheck.session.folder import replacing
from formcheck.session.schema import SessionMeta

SCHEMA = "formcheck.export/1"
_WORDS = [status.word for status in Status]


def column_names(analysis: Analysis) -> list[str]:
    """Names of all columns, each with its unit: ``time_s``, ``hip_angle_deg``,
    ``pelvic_height_thigh_lengths``, ``left_knee_x_px``, ``left_knee_world_z_m``."""
    names = ["frame", "time_s", "person", "phase", "rep"]
    measures = [with_unit(name, measure_unit(analysis, name)) for name in analysis.measures.names]
    names += measures
    names += [f"{name}__status" for name in analysis.measures.names]
    for landmark in Landmark:
        point = landmark.name.lower()
        names += [f"{point}_{axis}_px" for axis in "xy"]
        names += [f"{point}_world_{axis}_m" for axis in "xyz"]
        names.append(f"{point}_visibility_ratio")
    return names


def measure_unit(analysis: Analysis, measure: str) -> str:
    """A measure's unit, e.g. ``deg``, ``thigh lengths``; ``ratio`` where none is known."""
    known = analysis.definition.measures.get(measure)
    return known.unit if known is not None else "ratio"


def with_unit(name: str, unit: str) -> str:
    """A column's name that ends in its unit."""
    tail = re.sub(r"\W+", "_", unit.strip()).strip("_")
    return name if not tail or name.endswith(f"_{tail}") else f"{name}_{tail}"


def rows(analysis: Analysis, frames: slice) -> Iterator[list[Any]]:
    """One row a frame, as `column_names`; None in gaps.

    A measure is there only where its status is ok. A landmark is there only where the person was seen and
    its visibility reaches the definition's lower gate: below it, the model makes its place up. Image
    landmarks are the smoothed ones that are measured; world landmarks are as the model gave them, metres
    from the middle of the hips, camera axes (x right, y down, z away).
    """
    table, least = analysis.measures, analysis.definition.gates.visibility_low
    for piece in arrays.pieces(frames.stop - frames.start):
        part = slice(frames.start + piece.start, frames.start + piece.stop)
        track = analysis.track
        seen = track.person[part, None] & (track.visibility[part] >= least)
        points = np.concatenate(
            [
                analysis.smooth_xy[part],
                track.world_xyz[part],
                track.visibility[part, :, None],
            ],
            axis=2,
        ).astype(np.float64)
        points[..., :5][~seen] = np.nan
        points[~track.person[part]] = np.nan
        points[..., :2] = np.round(points[..., :2], 2)
        points[..., 2:5] = np.round(points[..., 2:5], 4)
        points[..., 5] = np.round(points[..., 5], 3)
        values = np.where(table.status[part] == Status.OK, table.value[part], np.nan)
        for k, i in enumerate(range(part.start, part.stop)):
            yield [
                i,
                round(float(analysis.track.time_s[i]), 6),
                int(analysis.track.person[i]),
                PHASES[int(analysis.phase[i])],
                int(analysis.rep[i]),
                *[None if v != v else float(f"{v:.6g}") for v in values[k].tolist()],
                *[_WORDS[s] for s in table.status[i].tolist()],
                *[None if v != v else v for v in points[k].ravel().tolist()],
            ]


def write_csv(analysis: Analysis, path: Path, frames: slice, *, decimal_comma: bool = False) -> None:
    """Writes the table as CSV (UTF-8, comma, point); see `rows`.

    Args:
        analysis: what to write.
        path: the file.
        frames: which rows.
        decimal_comma: semicolons between cells, a comma in numbers and a byte order mark in front: what Excel
            opens by a double click where its language writes numbers so.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    encoding, delimiter = ("utf-8-sig", ";") if decimal_comma else ("utf-8", ",")
    with replacing(path) as part, open(part, "w", encoding=encoding, newline="", opener=opener) as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(column_names(analysis))
        for row in rows(analysis, frames):
            writer.writerow(map(_with_comma, row) if decimal_comma else row)


def _with_comma(cell: Any) -> Any:
    return str(cell).replace(".", ",") if isinstance(cell, float) else cell


def write_json(
    analysis: Analysis, meta: SessionMeta, path: Path, frames: slice, events: list[dict[str, Any]]
) -> None:
    """Writes the table as JSON with the session's meta data, summary, definition, events and coverage.

    The summary is what stands by the physio's decisions; what was rejected, graded otherwise or added is in
    ``review``, null where there is none. ``columns`` names the entries of each of ``rows``; gaps are null.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    summary, findings = analysis.summary, findings_of(analysis)
    covered = coverage(summary.faults)
    head = {
        "schema": SCHEMA,
        "meta": dataclasses.asdict(meta),
        "summary": summary.model_dump(mode="json", by_alias=True),
        "definition": analysis.definition.model_dump(mode="json"),
        "events": events,
        "review": _review(findings, analysis.review),
        "coverage": {"checked": covered.checked, "total": covered.total, "state": covered.state},
        "not_checked": [dataclasses.asdict(group) for group in findings.not_checked(summary.faults)],
        "units": {name: measure_unit(analysis, name) for name in analysis.measures.names},
        "columns": column_names(analysis),
    }
    with replacing(path) as part, open(part, "w", encoding="utf-8", newline="\n", opener=opener) as file:
        file.write(json.dumps(head, ensure_ascii=False, allow_nan=False)[:-1] + ',\n"rows": [')
        for k, row in enumerate(rows(analysis, frames)):
            file.write((",\n" if k else "\n") + json.dumps(row, allow_nan=False))
        file.write("\n]}\n")


def _review(findings: Findings, review: Review | None) -> dict[str, Any] | None:
    """What the physio changed, as JSON."""
    if review is None or not review.begun:
        return None
    rulings = [
        {
            "rep": ruling.rep,
            "fault": ruling.fault,
            "kind": ruling.kind,
            "said": findings.ruling(ruling),
            "found": ruling.found.model_dump(mode="json") if ruling.found is not None else None,
            "grade": ruling.grade,
            "note": ruling.note,
            "by": ruling.by,
            "on": ruling.on,
        }
        for ruling in review.rulings
    ]
    return {
        "patient": review.patient,
        "recorded": review.recorded,
        "reviewers": list(review.reviewers),
        "last_on": review.last_on,
        "done": review.done,
        "undecided": review.undecided,
        "watched": review.watched,
        "counted": review.counted,
        "quality": review.quality,
        "remarks": [{"time_s": time_s, "text": text} for time_s, text in review.remarks],
        "rulings": rulings,
    }
