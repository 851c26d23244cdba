"""Exports, read back strictly by the rules of their formats.

The TRC and MOT files were also opened with opensim 4.6 (see docs/export.md); what that taught is kept here:
a blank last cell is dropped unless a tab follows it, and OpenSim's Storage class stops at the first NaN.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from stored_session import command, judged, noisy_track, store

from formcheck.analysis.analysis import Analysis
from formcheck.errors import FormcheckError
from formcheck.measures.table import Status
from formcheck.pose.landmarks import Landmark
from formcheck.pose.track import smoothed
from formcheck.report.export import FORMATS, export_session
from formcheck.session.load import stored_analysis
from formcheck.session.reader import open_session


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    track = noisy_track()
    track.visibility[100:150, Landmark.LEFT_WRIST] = 0.1
    track.visibility[90, Landmark.RIGHT_FOOT_INDEX] = 0.1  # the last cell of a line
    track.visibility[91, Landmark.NOSE] = 0.1  # the first
    return judged(track)


@pytest.fixture
def folder(analysis: Analysis, tmp_path: Path) -> Path:
    return store(analysis, tmp_path / "anna")


def exported(folder: Path, to: str, **options: object) -> Path:
    with open_session(folder) as session:
        return export_session(session, to, **options).path  # type: ignore[arg-type]


def seen(analysis: Analysis) -> np.ndarray:
    """``(T, 33)`` where a landmark may be written."""
    least = analysis.definition.gates.visibility_low
    return (analysis.track.visibility >= least) & analysis.track.person[:, None]


def read_trc(path: Path) -> tuple[dict[str, str], list[str], np.ndarray]:
    """Strictly: header keys, marker names, and ``(T, 2 + 3 * markers)`` with NaN for blanks."""
    lines = path.read_bytes().decode("ascii").split("\n")
    assert lines[-1] == ""
    assert lines[0].split("\t")[:3] == ["PathFileType", "4", "(X/Y/Z)"]
    head = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True))
    labels = lines[3].rstrip("\t").split("\t")
    assert labels[:2] == ["Frame#", "Time"]
    names = labels[2::3]
    assert labels[3::3] == [""] * (len(names) - 1)
    axes = [f"{axis}{i}" for i in range(1, len(names) + 1) for axis in "XYZ"]
    assert lines[4].rstrip("\t").split("\t") == ["", "", *axes]
    assert lines[5] == ""
    rows = []
    for line in lines[6:-1]:
        *cells, after = line.split("\t")
        assert after == ""  # the tab that keeps OpenSim from dropping a blank last cell
        assert len(cells) == 2 + len(axes)
        rows.append([float(cell) if cell else np.nan for cell in cells])
    table = np.array(rows)
    assert int(head["NumMarkers"]) == len(names)
    assert int(head["NumFrames"]) == int(head["OrigNumFrames"]) == len(table)
    assert np.array_equal(table[:, 0], int(head["OrigDataStartFrame"]) + np.arange(len(table)))
    assert (np.diff(table[:, 1]) > 0).all()
    assert np.isfinite(table[:, :2]).all()
    return head, names, table


def read_mot(path: Path) -> tuple[dict[str, str], list[str], np.ndarray]:
    """Strictly: header keys, column names, values; every cell a number."""
    lines = path.read_bytes().decode("ascii").split("\n")
    end = lines.index("endheader")
    head = dict(line.split("=") for line in lines[1:end])
    names = lines[end + 1].split("\t")
    assert names[0] == "time"
    assert len(set(names)) == len(names)
    table = np.array([[float(cell) for cell in line.split("\t")] for line in lines[end + 2 : -1]])
    assert table.shape == (int(head["nRows"]), int(head["nColumns"])) == (len(table), len(names))
    assert np.isfinite(table).all()
    assert (np.diff(table[:, 0]) > 0).all()
    return head, names, table


def test_trc_holds_the_landmarks_with_y_up_and_gaps_blank(analysis, folder):
    head, names, table = read_trc(exported(folder, "trc"))
    assert head["Units"] == "m"
    assert float(head["DataRate"]) == pytest.approx(30, rel=0.01)
    assert names == [landmark.name.lower() for landmark in Landmark]
    with open_session(folder) as session:
        world = smoothed(session.poses().track)[1].astype(float)
    points = table[:, 2:].reshape(len(table), 33, 3)
    blank = np.isnan(points).all(axis=2)
    assert np.array_equal(blank, ~seen(analysis))
    assert blank.any(axis=0)[Landmark.LEFT_WRIST]
    assert blank[90, Landmark.RIGHT_FOOT_INDEX]
    assert np.allclose(
        points, np.where(blank[..., None], np.nan, world * [1, -1, -1]), atol=1e-5, equal_nan=True
    )
    # A turn and not a mirror image: handedness stays.
    assert np.linalg.det(np.diag([1, -1, -1])) == 1
    # In a bridge seen from the side the knees are up, above the heels.
    mean = np.nanmean(points, axis=0)
    assert mean[Landmark.LEFT_KNEE, 1] > mean[Landmark.LEFT_HEEL, 1] + 0.1


def test_mot_holds_only_angles_that_are_ok(analysis, folder):
    with open_session(folder) as session:
        done = export_session(session, "mot")
    head, names, table = read_mot(done.path)
    assert head["inDegrees"] == "yes"
    assert "hip_angle_deg" in names
    assert all(name.endswith("_deg") for name in names[1:])
    columns = [analysis.measures.names.index(name) for name in names[1:]]
    whole = (analysis.measures.status[:, columns] == Status.OK).all(axis=1)
    assert 0 < (~whole).sum() < 0.5 * len(whole)
    assert np.allclose(table[:, 0], analysis.track.time_s[whole], atol=1e-6)
    assert np.allclose(table[:, 1:], analysis.measures.value[whole][:, columns], atol=1e-4, rtol=1e-6)
    assert f"{(~whole).sum()} of {len(whole)} frames left out" in " ".join(done.notes)
    assert "pelvic_drop_deg" in done.notes[0]  # not measurable from the side: named, not written


def test_json_tells_what_was_checked_and_why_the_rest_was_not(analysis, folder):
    content = json.loads(exported(folder, "json").read_text(encoding="utf-8"))
    assert content["schema"] == "formcheck.export/1"  # whatever the module that writes it is called
    faults = analysis.summary.faults
    checked = sum(info.checked for info in faults.values())
    assert content["coverage"] == {"checked": checked, "total": len(faults), "state": "faulty"}
    told = [title for group in content["not_checked"] for title in group["titles"]]
    assert {analysis.definition.faults[n].title for n, info in faults.items() if not info.checked} <= set(
        told
    )
    assert all(group["why"] for group in content["not_checked"])


def test_csv_and_json_hold_angles_and_trajectories_together_with_gaps_empty(analysis, folder):
    with exported(folder, "csv").open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    assert len(rows) == len(analysis.track.time_s)
    assert {len(row) for row in rows} == {len(head)}
    column = {name: [row[i] for row in rows] for i, name in enumerate(head)}
    assert len(column) == len(head)
    for name in ("time_s", "hip_angle_deg", "pelvic_height_thigh_lengths", "knee_separation_ratio",
                 "left_knee_x_px", "left_knee_world_z_m", "left_knee_visibility_ratio"):  # fmt: skip
        assert name in column
    ok = analysis.measures.ok("pelvic_height")
    assert [cell != "" for cell in column["pelvic_height_thigh_lengths"]] == ok.tolist()
    assert [cell != "" for cell in column["left_wrist_x_px"]] == seen(analysis)[
        :, Landmark.LEFT_WRIST
    ].tolist()
    assert float(column["left_knee_x_px"][0]) == pytest.approx(
        analysis.smooth_xy[0, Landmark.LEFT_KNEE, 0], abs=0.01
    )
    assert column["pelvic_drop_deg"] == [""] * len(rows)
    data = json.loads(exported(folder, "json").read_text(encoding="utf-8"))
    assert data["columns"] == head
    assert data["summary"]["exercise"] == data["meta"]["exercise"] == "bridge"
    assert data["units"]["pelvic_height"] == "thigh lengths"
    assert [["" if cell is None else str(cell) for cell in row] for row in data["rows"]] == rows


@pytest.mark.parametrize("to", ["csv", "json", "trc", "mot"])
def test_one_repetition_is_exactly_its_frames(to, analysis, folder):
    rep = analysis.summary.reps[1]
    path = exported(folder, to, rep=2)
    assert path == folder / f"export-rep2.{to}"
    if to == "csv":
        times = [float(line.split(",")[1]) for line in path.read_text().splitlines()[1:]]
    elif to == "json":
        times = [row[1] for row in json.loads(path.read_text())["rows"]]
    else:
        times = (read_trc if to == "trc" else read_mot)(path)[2][:, 1 if to == "trc" else 0].tolist()
    expected = analysis.track.time_s[
        (analysis.track.time_s > rep.start_s - 1e-3) & (analysis.track.time_s < rep.end_s + 1e-3)
    ]
    assert times[0] == pytest.approx(expected[0], abs=1e-5)
    assert times[-1] == pytest.approx(expected[-1], abs=1e-5)
    assert times[0] > 1.0  # not from the beginning


# -- clips -----------------------------------------------------------------------------------------------


@pytest.fixture
def filmed(analysis: Analysis, folder: Path) -> Path:
    """The session with a video of it."""
    info = analysis.summary.source
    write_grey(folder / "video.mp4", info.frames, info.width, info.height)
    return folder


def write_grey(path: Path, frames: int, width: int, height: int) -> None:
    """A video at 30 pictures a second, all grey."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=30, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        picture = np.full((height, width, 3), 128, np.uint8)
        for _ in range(frames):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        file.mux(stream.encode(None))


def clip_length(path: Path) -> tuple[int, float]:
    with av.open(str(path)) as file:
        times = [float(frame.time) for frame in file.decode(video=0)]
    return len(times), times[-1]


def test_a_clip_is_the_repetition_with_a_second_on_either_side(analysis, filmed):
    path = exported(filmed, "mp4", rep=2)
    rep = analysis.summary.reps[1]
    assert rep.start_s > 1.0
    frames, seconds = clip_length(path)
    assert seconds == pytest.approx(rep.end_s - rep.start_s + 2.0, abs=0.1)
    assert frames == pytest.approx(seconds * 30 + 1, abs=2)
    with open_session(filmed) as session:
        fault = export_session(session, "mp4", fault="head_lifts", rep=1)
    assert fault.path.name == "export-head_lifts-rep1.mp4"
    event = next(f for f in analysis.summary.reps[0].faults if f.id == "head_lifts")
    assert clip_length(fault.path)[1] == pytest.approx(event.end_s - event.start_s + 2.0, abs=0.1)


def test_another_video_is_refused(filmed, tmp_path):
    other = tmp_path / "other.mp4"
    write_grey(other, 10, 320, 240)
    with open_session(filmed) as session, pytest.raises(FormcheckError, match="another one"):
        export_session(session, "mp4", rep=1, video=other)
    assert not (filmed / "export-rep1.mp4").exists()
    assert not list(filmed.glob("*.part"))


# -- what goes wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to": "c3d"}, "choose one of: csv, json"),
        ({"to": "csv", "rep": 9}, "has repetitions 1 to 3"),
        ({"to": "csv", "fault": "lowering_fest"}, "did you mean 'lowering_fast'?"),
        ({"to": "csv", "fault": "pelvis_drops"}, "not checked"),
        ({"to": "mp4"}, "--rep or --fault"),
        ({"to": "mp4", "rep": 1}, "name it with --video"),
        ({"to": "mp4", "rep": 1, "video": Path("nowhere.mp4")}, "There is no video"),
        ({"to": "pdf", "rep": 1}, "whole session"),
    ],
)
def test_a_mistake_costs_one_sentence(options, words, folder):
    with open_session(folder) as session, pytest.raises(FormcheckError) as error:
        export_session(session, **options)
    assert words in str(error.value)
    assert str(error.value).count(". ") == 0
    assert [file.name for file in folder.iterdir()] == ["session.sqlite"]


def test_an_export_never_takes_the_place_of_the_session(folder):
    before = (folder / "session.sqlite").read_bytes()
    with open_session(folder) as session, pytest.raises(FormcheckError, match="overwritten"):
        export_session(session, "csv", folder / "session.sqlite")
    assert (folder / "session.sqlite").read_bytes() == before


def test_a_full_disk_leaves_the_earlier_export(folder, monkeypatch):
    path = exported(folder, "csv")
    before = path.read_bytes()

    def full(*_args: object) -> object:
        yield []
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("formcheck.report.export.tables.rows", full)
    with open_session(folder) as session, pytest.raises(FormcheckError, match="full"):
        export_session(session, "csv")
    assert path.read_bytes() == before
    assert not list(folder.glob("*.part"))


def test_nobody_in_view_is_an_export_of_empty_cells(analysis, tmp_path):
    track = noisy_track()
    track.person[:] = False
    track.image_xyz[:] = track.world_xyz[:] = np.nan
    track.visibility[:] = 0
    folder = store(judged(track), tmp_path / "nobody")
    assert np.isnan(read_trc(exported(folder, "trc"))[2][:, 2:]).all()
    with open_session(folder) as session, pytest.raises(FormcheckError, match="No angle could be measured"):
        export_session(session, "mot")


def test_the_command(folder, capsys):
    done = command(capsys, "export", folder, "--to", "TRC", "--rep", "1")
    assert (done.status, done.out.strip()) == (0, str(folder / "export-rep1.trc"))
    assert "do not move in this file" in done.err
    wrong = command(capsys, "export", folder, "--to", "c3d")
    assert wrong.status == 2
    assert wrong.err.count("\n") == 1
    assert set(FORMATS) == {"csv", "json", "trc", "mot", "mp4", "film", "pdf", "html"}


def test_a_report_is_written_in_the_language_asked_for(folder, capsys):
    assert command(capsys, "export", folder, "--to", "html", "--language", "de").status == 0
    assert "<h2>Befunde</h2>" in (folder / "export.html").read_text(encoding="utf-8")
    wrong = command(capsys, "export", folder, "--to", "pdf", "--language", "dd")
    assert wrong.status == 2
    assert "There are no words in the language 'dd'" in wrong.err
    assert not (folder / "export.pdf").exists()


def test_the_stored_measures_are_enough(analysis, folder):
    with open_session(folder) as session:
        stored = stored_analysis(session)
    assert stored.measures.sd is None
    assert replace(stored, measures=analysis.measures).summary == analysis.summary
