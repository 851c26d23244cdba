"""``frames.csv`` and ``summary.json``."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make_analysis import make_analysis

from formcheck.measures.table import MeasureTable, Status
from formcheck.session.csv_json import write_frames_csv, write_summary_json


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_small_file_to_the_letter(tmp_path):
    analysis = make_analysis(3)
    table = MeasureTable(
        names=("hip_angle_deg", "pelvic_height"),
        time_s=np.array([0.0, 0.0333667, 0.0667333]),
        value=np.array([[172.41234, 0.4631], [171.0, -0.0000123456789], [np.nan, 0.25]]),
        status=np.array([[0, 0], [1, 0], [2, 0]], dtype=np.uint8),
        reason=np.array([[0, 0], [4, 0], [7, 0]], dtype=np.uint8),
    )
    analysis = replace(
        analysis,
        measures=table,
        track=replace(
            analysis.track.part(slice(0, 3)),
            time_s=table.time_s,
            person=np.array([True, True, False]),
        ),
        phase=np.array([1, 2, 5], dtype=np.uint8),
        rep=np.array([0, 1, 1], dtype=np.int32),
    )
    write_frames_csv(analysis, tmp_path / "frames.csv")
    assert (tmp_path / "frames.csv").read_bytes().decode("utf-8") == (
        "frame,time_s,person,phase,rep,hip_angle_deg,pelvic_height,hip_angle_deg__status,pelvic_height__status\n"
        "0,0.000000,1,rest,0,172.412,0.4631,ok,ok\n"
        "1,0.033367,1,rise,1,,-1.23457e-05,low,ok\n"
        "2,0.066733,0,lost,1,,0.25,not_measurable,ok\n"
    )


def test_numbers_and_states_agree_with_the_table(tmp_path):
    analysis = make_analysis(500)
    write_frames_csv(analysis, tmp_path / "frames.csv")
    rows = read(tmp_path / "frames.csv")
    table = analysis.measures
    assert len(rows) == 500
    assert list(rows[0]) == [
        *("frame", "time_s", "person", "phase", "rep"),
        *table.names,
        *(f"{name}__status" for name in table.names),
    ]
    np.testing.assert_allclose([float(row["time_s"]) for row in rows], analysis.track.time_s, atol=1e-6)
    assert [row["phase"] for row in rows] == analysis.phase_words
    assert [int(row["rep"]) for row in rows] == analysis.rep.tolist()
    for name in table.names:
        states = table.status[:, table.names.index(name)]
        assert [row[f"{name}__status"] for row in rows] == [Status(state).word for state in states]
        for row, value, state in zip(rows, table.column(name), states, strict=True):
            if state == Status.OK:
                assert float(row[name]) == pytest.approx(value, rel=1e-5)
            else:
                assert row[name] == ""


def test_no_frames(tmp_path):
    write_frames_csv(make_analysis(0), tmp_path / "frames.csv")
    assert (tmp_path / "frames.csv").read_text(encoding="utf-8").count("\n") == 1
    assert read(tmp_path / "frames.csv") == []


def test_summary_json(tmp_path):
    summary = make_analysis(10).summary
    write_summary_json(summary, tmp_path / "summary.json")
    raw = (tmp_path / "summary.json").read_bytes()
    assert b"\r" not in raw
    assert raw.endswith(b"}\n")
    assert json.loads(raw.decode("utf-8")) == json.loads(summary.to_json())
    assert "–" in raw.decode("utf-8")


def test_an_interrupted_export_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "frames.csv"
    path.write_text("old", encoding="utf-8")
    analysis = make_analysis(10)
    broken = replace(analysis, rep=analysis.rep[:5])  # breaks off in the middle
    with pytest.raises(ValueError, match="zip"):
        write_frames_csv(broken, path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
