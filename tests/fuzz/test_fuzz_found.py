"""What fuzzing found, and input nobody would make by accident, each built here in a few lines."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE)) if str(HERE) not in sys.path else None

import seeds  # noqa: E402
from readers import check_answer, check_sentence, tried  # noqa: E402

from formcheck.batch.jobs import Job, find_jobs, is_done  # noqa: E402
from formcheck.errors import FormcheckError, printable  # noqa: E402
from formcheck.exercises.definition import load_definition  # noqa: E402
from formcheck.exercises.prescription import load_prescription  # noqa: E402
from formcheck.pose.track import _butterworth  # noqa: E402
from formcheck.session.reader import open_session  # noqa: E402
from formcheck.session.replay import replay_file  # noqa: E402
from formcheck.session.rescore import rescore  # noqa: E402
from formcheck.session.schema import row_crc  # noqa: E402
from formcheck.video.file import VideoFile  # noqa: E402

DEEP = "[" * 100_000


def refusal(action) -> str:
    with pytest.raises(FormcheckError) as caught:
        action()
    check_sentence(str(caught.value))
    return str(caught.value)


# -- TOML ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"a = {DEEP}",
        "version = " + "9" * 5000,
        '"a\\u0000b" = 1',
        '"' + "x" * 5000 + '" = 1',
        'exercise = "' + "x" * 5000 + '"',
        "[faults.hip_not_extended]\ngrades = [nan, nan, nan]",
        "rest_s = inf",
        "x" * 1_000_000,
    ],
    ids=["deep", "digits", "control", "long key", "long value", "nan", "inf", "1 MB"],
)
def test_toml(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(text)
    refusal(lambda: load_definition("bridge", path))
    assert tried(lambda: load_prescription(path)) == "refused" or text.startswith("exercise")


def test_infinite_thresholds_are_refused(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("[counting]\nstart_level = nan\n")
    assert "finite" in refusal(lambda: load_definition("bridge", path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path):
    from formcheck.pose.models import add_model

    pipe = tmp_path / "own.toml"
    os.mkfifo(pipe)
    assert "not a file" in refusal(lambda: load_definition("bridge", pipe))
    assert "not a file" in refusal(lambda: load_prescription(pipe))
    assert "not a file" in refusal(lambda: add_model(pipe, "mine"))
    assert "not a file" in refusal(lambda: VideoFile(pipe))


# -- sessions --------------------------------------------------------------------------------------------


def stored(folder: Path, *sql: str, kind: str = "recording", crc: str | None = None) -> Path:
    path = folder / "session.sqlite"
    path.write_bytes(seeds.sessions()[kind])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for line in sql:
            db.execute(line)
        if crc is not None:
            for rowid, *cells in db.execute(f"SELECT rowid, * FROM {crc}").fetchall():
                db.execute(f"UPDATE {crc} SET crc = ? WHERE rowid = ?", (row_crc(cells[:-1]), rowid))
    return path


ENDLESS = (
    "AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS key, i AS value FROM n"
)


def test_a_view_without_end_is_not_asked(tmp_path):
    path = stored(tmp_path, "ALTER TABLE meta RENAME TO was", f"CREATE VIEW meta {ENDLESS}")
    begun = time.monotonic()
    refusal(lambda: open_session(path))
    assert time.monotonic() - begun < 10


def test_a_computed_column_is_not_asked(tmp_path):
    path = stored(tmp_path, "ALTER TABLE reps ADD COLUMN more AS (rep * 2)")
    assert "more than formcheck writes" in refusal(lambda: open_session(path))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE meta SET value = x'00ff' WHERE key = 'exercise'",
        "UPDATE meta SET value = 'up' WHERE key = 'side'",
        "UPDATE meta SET value = '[0, -1]' WHERE key = 'image_wh'",
        "UPDATE meta SET value = '[1e9, 1e9]' WHERE key = 'image_wh'",
        "UPDATE meta SET value = 'nothing' WHERE key = 'primary'",
        f"UPDATE meta SET value = '{DEEP}' WHERE key = 'measures'",
    ],
)
def test_what_is_known_of_a_session_makes_sense(tmp_path, sql):
    assert "damaged" in refusal(lambda: open_session(stored(tmp_path, sql)))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE frames SET time_s = 9e999 WHERE frame = 9",
        "UPDATE frames SET time_s = -time_s",
        "UPDATE frames SET time_s = time_s * 1e12",
        "UPDATE frames SET landmarks = NULL",
        "UPDATE frames SET world = NULL WHERE frame = 9",
        "UPDATE frames SET people_seen = -5",
        "UPDATE frames SET disagreement = 9e999",
    ],
)
def test_frames_that_no_video_has_are_not_judged(tmp_path, sql):
    path = stored(tmp_path, sql, crc="frames")
    assert "damaged" in refusal(lambda: rescore(path))


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE meta SET value = '{DEEP}' WHERE key = 'live'",
        "UPDATE meta SET value = '{\"started\": 1}' WHERE key = 'live'",
        "UPDATE events SET data = '{}'",
        f"UPDATE events SET data = '{DEEP}'",
        "UPDATE events SET data = '{\"set\": 1e400}' WHERE kind = 'set_start'",
        "UPDATE events SET time_s = 9e999",
        "INSERT INTO events VALUES (1, 1, 'stop', '{\"reason\": 4}')",
        "INSERT INTO events VALUES (1, 1, 'pain', '{\"set\": 1}')",
        "INSERT INTO events VALUES (1, 1, 'effort', '{\"set\": 1}')",
    ],
)
def test_live_sessions_that_tell_nonsense_are_not_replayed(tmp_path, sql):
    path = stored(tmp_path, sql, kind="live")
    assert "damaged" in refusal(lambda: replay_file(path))


def test_times_closer_than_any_cameras_are_not_filtered():
    t = np.arange(20) * 1e-11
    values = np.ones((20, 2))
    assert _butterworth(t, values) is values


def test_a_definition_with_an_endless_name_is_refused_in_a_sentence(tmp_path):
    with open_session(stored(tmp_path)) as session:
        other = session.definition.model_copy(update={"name": "x" * 100_000})
        assert "not 'xxx" in refusal(lambda: rescore(session, other))


def test_a_batch_does_not_wait_for_a_view_without_end(tmp_path):
    place = tmp_path / "clip.formcheck"
    place.mkdir()
    stored(place, "ALTER TABLE meta RENAME TO was", f"CREATE VIEW meta {ENDLESS}")
    (place / "summary.json").write_text(seeds.summary_json())
    (tmp_path / "clip.mp4").write_bytes(b"")
    os.utime(tmp_path / "clip.mp4", (0, 0))
    assert not is_done(Job(tmp_path / "clip.mp4", place, "bridge"), "0")


# -- requests --------------------------------------------------------------------------------------------


@pytest.fixture
def page(tmp_path):
    from asking import Page

    place = tmp_path / "library" / "a"
    place.mkdir(parents=True)
    stored(place, kind="live")
    return Page(tmp_path / "library")


@pytest.mark.parametrize(
    "note",
    [
        {"id": "about\n", "base": 0, "data": {}},
        {"id": "about", "base": 10**30, "data": {"patient": "a"}},
        {"id": "about", "base": -(10**400), "data": {"patient": "a"}},
        {"id": "about", "base": 0, "data": {"\ud800": 1}},
        {"id": "about", "base": 0, "data": {"patient": "\ud800"}},
        {"id": "comment", "base": 0, "data": {"time_s": float("nan"), "text": ""}},
    ],
    ids=["newline", "huge base", "negative base", "half a character", "in a value", "nan"],
)
def test_notes_of_any_shape(page, note):
    key = page.get("/api/library").json()["sessions"][0]["key"]
    page.post(f"/api/session/{key}/notes", {"id": "about", "base": 0, "data": {"patient": "b"}})
    body = json.dumps(note).encode()
    assert check_answer(page.post(f"/api/session/{key}/notes", body=body)) == "refused"


@pytest.mark.parametrize("body", [DEEP, '{"a":' * 30_000, "9" * 190_000, '{"\\ud800": 1}', "x" * 300_000])
def test_prescriptions_of_any_shape(page, body):
    key = page.get("/api/library").json()["sessions"][0]["key"]
    assert check_answer(page.post(f"/api/session/{key}/whatif", body=body.encode())) == "refused"


def test_text_from_elsewhere_can_always_be_written():
    assert printable("a\ud800\x00\u202eb") == r"a\ud800\x00\u202eb"


# -- models ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_spoilt_bundles(tmp_path, method, monkeypatch):
    from formcheck.pose.models import add_model

    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path / "data"))
    good = seeds.task_of(random.Random(1).randbytes(3000), b"TFL3" * 500, method)
    for at in range(80, 110, 3):
        path = tmp_path / f"m{at}.task"
        path.write_bytes(good[:at] + b"\xff\x00\xff" + good[at + 3 :])
        refusal(lambda path=path: add_model(path))


def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    from formcheck.pose.models import add_model

    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path / "data"))
    path = tmp_path / "bomb.task"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle,
        bundle.open("pose_detector.tflite", "w") as f,
    ):
        for _ in range(210):
            f.write(bytes(1_000_000))
    assert "more than 200 MB" in refusal(lambda: add_model(path))


# -- videos and lists ------------------------------------------------------------------------------------


def test_files_that_are_no_video(tmp_path):
    for name, data in (("a.mp4", b""), ("sound.wav", seeds.sound()), ("huge.gif", b"GIF89a\xff\xff\xff\xff\xf0\0\0"),
                       ("noise.mkv", b"\x1aE\xdf\xa3" + os.urandom(5000))):  # fmt: skip
        (tmp_path / name).write_bytes(data)
        refusal(lambda name=name: VideoFile(tmp_path / name))
    refusal(lambda: VideoFile(tmp_path))
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    refusal(lambda: VideoFile(tmp_path / "loop.mp4"))


def test_absurd_names_in_a_list(tmp_path):
    path = tmp_path / "list.csv"
    for text in ("video\n/\n", "video\na\x07b\n", "vid\x00eo\na\n", "video\n" + "x" * 200_000 + "\n"):
        path.write_text(text)
        assert tried(lambda: find_jobs(path)) == "refused"
