"""``session.sqlite``: exact, honest about being incomplete, and hard to lose."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from make_analysis import make_analysis

from formcheck.analysis.analysis import Analysis
from formcheck.errors import FormcheckError
from formcheck.pose.lying_reading import Lying
from formcheck.pose.track import no_readings
from formcheck.session.reader import check_poses
from formcheck.session.schema import facts_crc, read_meta, row_crc, rows_sound
from formcheck.session.store import (
    Session,
    SessionFrame,
    SessionMeta,
    SessionWriter,
    open_session,
    write_session,
)

HERE = Path(__file__).parent
META = SessionMeta(
    formcheck="0.1.0",
    created="2026-01-02T03:04:05+01:00",
    source="camera 0",
    image_wh=(640, 480),
    exercise="bridge",
    side=None,
    view="side",
    engine="blazepose-onnx",
    model="full",
    model_sha256={"pose_landmark_full.onnx": "ab" * 32},
    measures=("hip_angle_deg", "pelvic_height"),
    primary="pelvic_height",
)


@pytest.fixture(scope="module")
def definition():
    return make_analysis(1).definition


def frame(index: int, **changes: object) -> SessionFrame:
    numbers = np.full((33, 3), index, dtype=np.float32)
    plain = SessionFrame(
        frame=index,
        time_s=index / 30,
        person=True,
        rejected=False,
        people_seen=1,
        phase="rest",
        rep=0,
        landmarks_xyz=numbers,
        world_xyz=numbers,
        visibility=numbers[:, 0],
        value=np.array([index, np.nan]),
        status=np.array([0, 2], dtype=np.uint8),
        reason=np.array([0, 1], dtype=np.uint8),
    )
    return plain._replace(**changes)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def read_everything(session: Session) -> None:
    for _ in (session.summary, session.definition, session.measures, session.reps, session.warnings):
        pass
    session.poses()


# -- what was written is read back -------------------------------------------------------------------


@pytest.mark.parametrize("frames", [0, 1, 5000])
def test_arrays_come_back_bit_for_bit(tmp_path, frames):
    analysis = make_analysis(frames)
    if frames:  # NaNs with a payload, infinities, minus zero and denormals are numbers too
        odd = np.array([0x7FC00001, 0xFFC00000, 0x7F800000, 0x80000000, 1], dtype=np.uint32).view(np.float32)
        analysis.track.image_xyz[0, :5, 0] = odd
    write_session(analysis, tmp_path / "session.sqlite")
    with open_session(tmp_path / "session.sqlite") as session:
        poses = session.poses()
        measures = session.measures
    assert poses.frame.tolist() == list(range(frames))
    for back, stored in ((poses.track, analysis.track), (poses, analysis)):
        for field in fields(back):
            got, put = getattr(back, field.name), getattr(stored, field.name, None)
            if isinstance(put, np.ndarray):
                assert got.dtype == put.dtype, field.name
                assert got.shape == put.shape, field.name
                assert got.tobytes() == put.tobytes(), field.name
    assert poses.track.image_wh == analysis.track.image_wh
    assert (poses.track.disagreement is None) == (analysis.track.disagreement is None)
    assert measures.names == analysis.measures.names
    assert measures.time_s.tobytes() == analysis.track.time_s.tobytes()
    np.testing.assert_array_equal(measures.value, analysis.measures.value.astype(np.float32))
    np.testing.assert_array_equal(measures.status, analysis.measures.status)
    np.testing.assert_array_equal(measures.reason, analysis.measures.reason)


def test_everything_else_comes_back(tmp_path):
    analysis = replace(make_analysis(20), video=Path("/home/jane doe/secret/bridge.mp4"))
    write_session(
        analysis, tmp_path / "session.sqlite", model_sha256={"full": "ab"}, overrides="[tempo]\nrise_s = 3\n"
    )
    with open_session(tmp_path) as session:  # the folder will do
        assert session.complete
        assert session.summary == analysis.summary
        # By what other names an exercise goes is of no matter to a session.
        assert session.definition == analysis.definition.model_copy(update={"also_called": []})
        assert session.definition.sha256 == analysis.definition.sha256
        assert session.reps == analysis.summary.reps
        assert session.warnings == analysis.summary.warnings
        meta = session.meta
    assert meta.source == "bridge.mp4"
    assert meta.image_wh == (1280, 720)
    assert (meta.exercise, meta.side, meta.view) == ("bridge", None, "side")
    assert (meta.engine, meta.model, meta.model_sha256) == ("blazepose-onnx", "full", {"full": "ab"})
    assert meta.overrides == "[tempo]\nrise_s = 3\n"
    assert meta.primary == analysis.primary
    assert b"jane" not in (tmp_path / "session.sqlite").read_bytes()


def test_how_sure_a_fault_is_and_what_was_allowed_for_come_back_from_a_session_that_broke_off(tmp_path):
    from made import seal  # not where a process of the tests below imports this module

    analysis = make_analysis(20)
    known = {"sure": 0.81, "allowance": 1.25}
    reps = [
        rep.model_copy(update={"faults": [f.model_copy(update=known) for f in rep.faults]})
        for rep in analysis.summary.reps
    ]
    analysis = replace(analysis, summary=analysis.summary.model_copy(update={"reps": reps}))
    write_session(analysis, tmp_path / "session.sqlite")
    with sqlite3.connect(tmp_path / "session.sqlite") as db:
        db.execute("DELETE FROM summary")
        seal(db)
    with open_session(tmp_path) as session:
        assert session.summary is None
        assert session.reps == analysis.summary.reps
        assert {(f.sure, f.allowance) for rep in session.reps for f in rep.faults} == {(0.81, 1.25)}


def with_readings(analysis: Analysis) -> Analysis:
    lying = no_readings(len(analysis.track))
    rng = np.random.default_rng(5)
    lying[5:30] = rng.normal(0, 20, lying[5:30].shape)
    lying[5:30, Lying.STRETCH] = 2
    return replace(analysis, track=replace(analysis.track, lying=lying))


def test_readings_of_a_lying_body_come_back_bit_for_bit(tmp_path):
    analysis = with_readings(make_analysis(40))
    write_session(analysis, tmp_path / "session.sqlite")
    with open_session(tmp_path) as session:
        assert session.poses().track.lying.tobytes() == analysis.track.lying.tobytes()
        assert session.poses(10, 20).track.lying.tobytes() == analysis.track.lying[10:20].tobytes()
        assert session.poses(0, 5).track.lying is None


def test_a_changed_reading_is_noticed(tmp_path):
    write_session(with_readings(make_analysis(40)), tmp_path / "session.sqlite")
    with sqlite3.connect(tmp_path / "session.sqlite") as db:
        blob = bytearray(db.execute("SELECT lying FROM frames WHERE frame = 7").fetchone()[0])
        blob[6] ^= 1
        db.execute("UPDATE frames SET lying = ? WHERE frame = 7", (bytes(blob),))
    with open_session(tmp_path) as session, pytest.raises(FormcheckError, match="damaged"):
        session.poses()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Lying.ROLL, np.nan),
        (Lying.STRETCH, 0.5),
        (Lying.STRETCH, 0),
        (Lying.CHEST, 1e9),
        (Lying.THIGH_TO_SHANK, np.inf),
    ],
)
def test_a_reading_that_cannot_be_is_refused(tmp_path, column, value):
    analysis = with_readings(make_analysis(40))
    analysis.track.lying[8, column] = value
    write_session(analysis, tmp_path / "session.sqlite")
    with open_session(tmp_path) as session, pytest.raises(FormcheckError, match="damaged"):
        check_poses(session.poses(), session.path)


def test_a_session_made_before_legs_were_read_opens(tmp_path):
    """Its readings have a number less: nothing is known of it."""
    analysis = with_readings(make_analysis(40))
    write_session(analysis, tmp_path / "session.sqlite")
    with sqlite3.connect(tmp_path / "session.sqlite") as db:
        for row in db.execute("SELECT * FROM frames").fetchall():
            left = (*row[:10], row[10][: 4 * Lying.THIGH_TO_SHANK], *row[11:12])
            db.execute(
                "UPDATE frames SET lying = ?, crc = ? WHERE frame = ?", (left[10], row_crc(left), row[0])
            )
    with open_session(tmp_path) as session:
        found = session.poses()
        check_poses(found, session.path)
        lying = found.track.lying
        assert np.isnan(lying[:, Lying.THIGH_TO_SHANK]).all()
        before = slice(0, Lying.THIGH_TO_SHANK)
        assert lying[:, before].tobytes() == analysis.track.lying[:, before].tobytes()


def test_a_session_made_before_lying_bodies_were_read_opens(tmp_path):
    analysis = make_analysis(40)
    write_session(analysis, tmp_path / "session.sqlite")
    with sqlite3.connect(tmp_path / "session.sqlite") as db:
        rows = db.execute("SELECT * FROM frames").fetchall()
        db.execute("ALTER TABLE frames DROP COLUMN lying")
        for row in rows:
            left = (*row[:10], row[11])
            db.execute("UPDATE frames SET crc = ? WHERE frame = ?", (row_crc(left), row[0]))
        db.execute("DROP TABLE phone")
        db.execute("UPDATE meta SET value = 'formcheck.session/3' WHERE key = 'schema'")
        db.execute("UPDATE sums SET crc = ? WHERE part = 'facts'", (facts_crc(read_meta(db)),))
    with open_session(tmp_path) as session:
        found = session.poses().track
        assert found.image_xyz.tobytes() == analysis.track.image_xyz.tobytes()
        assert found.lying is None
        assert session.summary == analysis.summary


def test_a_session_made_before_allowances_were_kept_opens(tmp_path):
    analysis = make_analysis(20)
    write_session(analysis, tmp_path / "session.sqlite")
    with sqlite3.connect(tmp_path / "session.sqlite") as db:
        for column in ("sure", "allowance"):
            db.execute(f"ALTER TABLE faults DROP COLUMN {column}")
        text = json.loads(db.execute("SELECT json FROM summary").fetchone()[0])
        for rep in text["reps"]:
            for fault in rep["faults"]:
                del fault["allowance"]
        db.execute("UPDATE summary SET json = ?", [json.dumps(text)])
        db.execute("DROP TABLE phone")
        db.execute("UPDATE meta SET value = 'formcheck.session/2' WHERE key = 'schema'")
        db.execute("DROP TABLE sums")
    with open_session(tmp_path) as session:
        for found in (session.reps, session.summary.reps):
            faults = [f for rep in found for f in rep.faults]
            assert [f.value for f in faults] == [f.value for rep in analysis.summary.reps for f in rep.faults]
            assert faults
            assert {f.allowance for f in faults} == {None}


def test_a_frame_without_person_takes_no_room_for_landmarks(tmp_path):
    analysis = make_analysis(400)
    for array in (analysis.track.image_xyz, analysis.track.world_xyz, analysis.track.visibility):
        array[:] = np.nan
    write_session(analysis, tmp_path / "session.sqlite")
    assert (tmp_path / "session.sqlite").stat().st_size < 400 * 400  # a full frame takes 1000 bytes
    with open_session(tmp_path) as session:
        assert (session.poses().track.visibility == 0).all()


def test_one_file_and_an_older_one_is_replaced(tmp_path):
    path = tmp_path / "session.sqlite"
    for frames in (10, 20):
        path.with_name("session.sqlite-wal").write_bytes(b"left by a recording that was killed")
        write_session(make_analysis(frames), path)
        assert names(tmp_path) == {"session.sqlite"}
        with open_session(path) as session:
            assert len(session.measures) == frames


def test_reading_leaves_the_file_and_its_folder_alone(tmp_path):
    path = tmp_path / "session.sqlite"
    write_session(make_analysis(100), path)
    before = path.read_bytes()
    with open_session(path) as session:
        read_everything(session)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            session._db.execute("DELETE FROM frames")
    assert path.read_bytes() == before
    assert names(tmp_path) == {"session.sqlite"}


@pytest.mark.parametrize("name", ["a b", "100%", "é–°", "a#b", "a?mode=rw"])
def test_names_that_mean_something_in_a_uri(tmp_path, name):
    path = tmp_path / name / f"{name}.sqlite"
    path.parent.mkdir()
    write_session(make_analysis(3), path)
    with open_session(path) as session:
        read_everything(session)


def test_an_interrupted_analysis_is_stored_as_incomplete(tmp_path):
    write_session(make_analysis(10, complete=False), tmp_path / "session.sqlite")
    with open_session(tmp_path) as session:
        assert not session.complete
        assert session.summary is not None
        assert not session.summary.complete


def test_a_summary_that_cannot_be_read_back_is_refused(tmp_path):
    analysis = make_analysis(10)
    analysis.summary.processing.wall_s = float("nan")
    with pytest.raises(ValueError, match="wall_s"):
        write_session(analysis, tmp_path / "session.sqlite")
    assert names(tmp_path) == set()


# -- live recording ----------------------------------------------------------------------------------


def test_recording_row_by_row(tmp_path, definition):
    path = tmp_path / "session.sqlite"
    summary = make_analysis(1).summary
    with SessionWriter(path, META, definition) as writer:
        for i in range(50):
            writer.append(frame(i))
        writer.append_rep(summary.reps[0].model_copy(update={"index": 7}))
        writer.append_warning("provisional")
        writer.finish(summary)
    assert names(tmp_path) == {"session.sqlite"}
    with open_session(path) as session:
        assert session.complete
        assert session.reps == summary.reps
        assert session.warnings == summary.warnings
        assert replace(session.meta, side=None) == META
        assert session.poses().track.image_xyz[:, 0, 0].tolist() == list(range(50))


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, None])
def test_an_interrupted_recording_keeps_all_frames(tmp_path, definition, error):
    path = tmp_path / "session.sqlite"
    summary = make_analysis(1).summary
    with contextlib.suppress(KeyboardInterrupt, ZeroDivisionError):  # noqa: SIM117
        with SessionWriter(path, META, definition) as writer:
            for i in range(50):
                writer.append(frame(i))
            writer.append_rep(summary.reps[0])
            writer.append_warning("dark")
            writer.append(frame(50, phase="lost", person=False, landmarks_xyz=None))
            if error is not None:
                raise error
    assert names(tmp_path) == {"session.sqlite"}
    with open_session(path) as session:
        assert not session.complete
        assert session.summary is None
        assert session.reps == summary.reps[:1]
        assert session.warnings == ["dark"]
        poses = session.poses()
        assert len(poses.frame) == len(session.measures) == 51
        assert np.isnan(poses.track.image_xyz[50]).all()


def test_frames_are_safe_within_a_second(tmp_path, definition):
    path = tmp_path / "session.sqlite"
    with SessionWriter(path, META, definition) as writer:
        writer.append(frame(0))
        time.sleep(0.6)
        writer.append(frame(1))
        copy = tmp_path / "copy"
        copy.mkdir()
        for file in tmp_path.glob("session.sqlite*"):
            (copy / file.name).write_bytes(file.read_bytes())
        with open_session(copy) as session:
            assert session.poses().frame.tolist() == [0, 1]


def test_a_session_being_recorded_is_not_read(tmp_path, definition):
    path = tmp_path / "session.sqlite"
    with SessionWriter(path, META, definition) as writer:
        writer.append(frame(0))
        writer.commit()
        with pytest.raises(FormcheckError, match="is being recorded"):
            open_session(path)


def test_a_recording_is_never_overwritten(tmp_path, definition):
    path = tmp_path / "session.sqlite"
    write_session(make_analysis(5), path)
    with pytest.raises(FormcheckError, match="already exists"):
        SessionWriter(path, META, definition)
    with open_session(path) as session:
        assert session.complete


@pytest.mark.parametrize(
    "changes",
    [
        {"landmarks_xyz": np.zeros((33, 2), np.float32)},
        {"visibility": np.zeros(32, np.float32)},
        {"value": np.zeros(3)},
        {"status": np.zeros(1, np.uint8)},
        {"phase": "up"},
    ],
)
def test_a_frame_of_the_wrong_shape_is_a_mistake(tmp_path, definition, changes):
    with SessionWriter(tmp_path / "session.sqlite", META, definition) as writer:
        writer.append(frame(0))
        with pytest.raises(ValueError, match=r"expected|unknown"):
            writer.append(frame(1, **changes))
    with open_session(tmp_path) as session:
        read_everything(session)


RECORD = """
import signal, sys, time
# A shell that started the tests in the background left SIGINT ignored for everything below it.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from test_store import META, frame
from make_analysis import make_analysis
from formcheck.session.store import SessionWriter
i = 0
with SessionWriter(Path(sys.argv[1]), META, make_analysis(1).definition) as writer:
    while True:
        writer.append(frame(i))
        print(i, time.monotonic(), flush=True)
        i += 1
        time.sleep(1 / 300)
"""
ANALYSE = """
import sys
from pathlib import Path
from make_analysis import make_analysis
from formcheck.session.store import write_session
analysis = make_analysis(20000)
print("writing", flush=True)
write_session(analysis, Path(sys.argv[1]))
print("written", flush=True)
"""


@contextlib.contextmanager
def running(code: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("seconds", [0.2, 1.3, 2.4])
def test_kill_9_loses_at_most_a_second(tmp_path, seconds):
    path = tmp_path / "session.sqlite"
    with running(RECORD, path) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        appended = [first, *process.stdout.read().splitlines()[:-1]]  # the last line may be cut short
    last = float(appended[-1].split()[1])
    a_second_earlier = sum(float(line.split()[1]) < last - 1 for line in appended)
    with open_session(path) as session:
        read_everything(session)
        assert not session.complete
        kept = session.poses().frame.tolist()
    assert kept == list(range(len(kept)))
    assert len(kept) >= a_second_earlier
    if seconds > 1:
        assert len(kept) > 0
    with open_session(path) as session:  # opening it did no harm
        assert session.poses().frame.tolist() == kept


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to one process on Windows")
def test_ctrl_c_keeps_all_frames(tmp_path):
    path = tmp_path / "session.sqlite"
    with running(RECORD, path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        appended = process.stdout.read().splitlines()
    assert names(tmp_path) == {"session.sqlite"}
    with open_session(path) as session:
        assert not session.complete
        assert len(session.poses().frame) >= len(appended)


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.1])
def test_a_killed_analysis_leaves_no_session(tmp_path, delay):
    path = tmp_path / "session.sqlite"
    with running(ANALYSE, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        time.sleep(delay)
        process.kill()
        written = "written" in process.stdout.read()
    if path.exists():
        with open_session(path) as session:
            assert len(session.poses().frame) == 20000
            assert session.complete
    else:
        assert not written
    write_session(make_analysis(5), path)  # what the killed run left is in nobody's way
    assert names(tmp_path) == {"session.sqlite"}


# -- files that are not as they should be ------------------------------------------------------------


def spoil(path: Path, sql: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(sql, values)


def refusal(path: Path) -> str:
    with pytest.raises(FormcheckError) as caught:  # noqa: SIM117
        with open_session(path) as session:
            read_everything(session)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.fixture
def stored(tmp_path) -> Path:
    path = tmp_path / "session.sqlite"
    write_session(make_analysis(40), path)
    return path


def test_missing(tmp_path):
    assert "There is no session" in refusal(tmp_path / "nowhere.sqlite")
    assert "There is no session" in refusal(tmp_path)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000), b"SQLite format 3\0"])
def test_not_a_database(tmp_path, content):
    path = tmp_path / "session.sqlite"
    path.write_bytes(content)
    assert "not a formcheck session" in refusal(path)
    assert path.read_bytes() == content


def test_another_programs_database(tmp_path):
    path = tmp_path / "photos.sqlite"
    spoil(path, "CREATE TABLE photos (name)")
    assert "not a formcheck session" in refusal(path)
    spoil(path, "CREATE TABLE meta (key, value)")
    assert "not a formcheck session" in refusal(path)
    spoil(path, "INSERT INTO meta VALUES ('schema', 'other/1')")
    assert "not a formcheck session" in refusal(path)


def test_made_by_a_newer_formcheck(stored):
    spoil(stored, "UPDATE meta SET value = 'formcheck.session/99' WHERE key = 'schema'")
    assert "newer" in refusal(stored)
    assert "update formcheck" in refusal(stored)


def test_made_by_an_older_formcheck(stored):
    spoil(stored, "UPDATE meta SET value = 'formcheck.session/1' WHERE key = 'schema'")
    assert "older" in refusal(stored)


def test_a_definition_of_another_formcheck(stored):
    text = '{"name": "bridge", "unheard_of": 1}'
    spoil(stored, "UPDATE meta SET value = ? WHERE key = 'definition'", text)
    assert "damaged" in refusal(stored)
    digest = hashlib.sha256(text.encode()).hexdigest()
    spoil(stored, "UPDATE meta SET value = ? WHERE key = 'definition_sha256'", digest)
    assert "damaged" in refusal(stored)
    with contextlib.closing(sqlite3.connect(stored)) as db:
        crc = facts_crc(read_meta(db))
    spoil(stored, "UPDATE sums SET crc = ? WHERE part = 'facts'", crc)
    assert "not understood" in refusal(stored)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE meta SET value = 'formcheck.session/x' WHERE key = 'schema'",
        "UPDATE meta SET value = '[1]' WHERE key = 'image_wh'",
        "UPDATE meta SET value = NULL WHERE key = 'measures'",
        "DELETE FROM meta WHERE key = 'complete'",
        "UPDATE summary SET json = '{}'",
        "UPDATE summary SET json = x'ff00'",
        "UPDATE frames SET phase = 'up' WHERE frame = 3",
        "UPDATE frames SET time_s = 'soon' WHERE frame = 3",
        "UPDATE frames SET rep = 1e300 WHERE frame = 3",
        "UPDATE frames SET landmarks = x'00' WHERE frame = 3",
        "UPDATE frames SET world = 5 WHERE frame = 3",
        "UPDATE frames SET visibility = 'no' WHERE frame = 3",
        "UPDATE measures SET value = x'' WHERE frame = 3",
        "UPDATE measures SET status = zeroblob(13) || x'09' WHERE frame = 3",
        "UPDATE measures SET status = replace(status, x'00', x'07')",
        "DELETE FROM measures WHERE frame = 3",
        "DELETE FROM measures WHERE frame = (SELECT max(frame) FROM measures)",
        "DELETE FROM frames WHERE frame = (SELECT max(frame) FROM frames)",
        "UPDATE reps SET peak = '{'",
        "UPDATE reps SET class = 'good'",
        "UPDATE faults SET grade = 9",
        "DROP TABLE frames",
        "ALTER TABLE reps DROP COLUMN confidence",
    ],
)
def test_tampered_contents(stored, sql):
    spoil(stored, sql)
    assert "damaged" in refusal(stored)


def test_random_damage_never_ends_in_a_traceback(stored):
    """Whatever is overwritten or cut off, reading works or is refused in one sentence."""
    sound = stored.read_bytes()
    rng = random.Random(7)
    refused = 0
    for trial in range(400):
        data = bytearray(sound)
        if trial % 4 == 0:
            del data[rng.randrange(len(data)) :]
        elif trial % 4 == 1:
            start = rng.randrange(len(data))
            length = min(rng.choice([1, 16, 512, 4096]), len(data) - start)
            data[start : start + length] = rng.randbytes(length)
        elif trial % 4 == 2:
            for _ in range(rng.randrange(1, 50)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        else:  # page headers and the schema, where damage is worst
            for _ in range(rng.randrange(1, 5)):
                page = rng.randrange(len(data) // 4096) * 4096
                data[page + rng.randrange(128)] = rng.randrange(256)
        stored.write_bytes(data)
        refused += 1
        with contextlib.suppress(FormcheckError), open_session(stored) as session:
            read_everything(session)
            refused -= 1
    assert 100 < refused < 400


@pytest.mark.parametrize("column", ["image_xyz", "world_xyz", "visibility"])
def test_a_single_changed_bit_is_noticed(stored, column):
    analysis = make_analysis(40)
    sound = stored.read_bytes()
    index = int(np.flatnonzero(analysis.track.person)[3])
    data = bytearray(sound)
    data[sound.index(getattr(analysis.track, column)[index].tobytes()) + 77] ^= 4
    stored.write_bytes(data)
    assert "damaged" in refusal(stored)


def test_random_damage_to_the_log_of_a_killed_recording(tmp_path, definition):
    path = tmp_path / "session.sqlite"
    with SessionWriter(path, META, definition) as writer:
        for i in range(100):
            writer.append(frame(i))
        writer.commit()
        files = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    rng = random.Random(7)
    for trial in range(100):
        folder = tmp_path / str(trial)
        folder.mkdir()
        for name, content in files.items():
            data = bytearray(content)
            if name.endswith("-wal"):
                if trial % 2:
                    del data[rng.randrange(len(data)) :]
                else:
                    data[rng.randrange(len(data))] ^= 1 + rng.randrange(255)
            (folder / name).write_bytes(data)
        with contextlib.suppress(FormcheckError), open_session(folder) as session:
            read_everything(session)


# -- speed -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_hour_of_video_is_stored_in_seconds(tmp_path):
    """108,000 frames took 2.6 s to write and 0.2 s to open on 2 busy cores; the limits leave room."""
    analysis = make_analysis(108_000)
    start = time.perf_counter()
    write_session(analysis, tmp_path / "session.sqlite")
    written = time.perf_counter()
    with open_session(tmp_path):
        opened = time.perf_counter()
    assert written - start < 6
    assert opened - written < 1


def test_check_sums_asked_at_once_are_those_of_each_row() -> None:
    blobs = b"landmarks", b"world", b"visibility"
    plain = (7, 0.1 + 0.2, 1, 0, 1, "r\u00e4st 'it'", 3)
    rows = [
        (*row, row_crc(row))
        for row in [(*plain, *blobs, 0.25), (*plain, *blobs, None), (*plain, None, None, None, None)]
    ]
    assert rows_sound(rows, slice(7, 10))
    assert rows_sound([], slice(7, 10))
    for spoilt in range(len(rows)):
        for column in range(len(rows[0])):
            row = list(rows[spoilt])
            row[column] = {int: 99, float: 9.9, str: "rise", bytes: b"other"}.get(type(row[column]), b"new")
            assert not rows_sound([*rows[:spoilt], tuple(row), *rows[spoilt + 1 :]], slice(7, 10))
