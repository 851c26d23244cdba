"""Check sums: nothing that a session or its notes say reads as good once it has changed."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_analysis import make_analysis
from test_store import META, frame

from formcheck.analysis.events import Event
from formcheck.errors import FormcheckError
from formcheck.report.write import write_outputs
from formcheck.session.csv_json import write_summary_json
from formcheck.session.folder import FRAMES, SESSION, SUMMARY
from formcheck.session.library import Library, damage_beside, past_summaries
from formcheck.session.notes import _ITEM, _TABLES_WITHOUT_SUMS, _VERSION, Notes
from formcheck.session.reader import Session, open_database, open_session
from formcheck.session.schema import json_crc
from formcheck.session.store import SessionWriter, write_session

FLIPS = 500
EVENTS = [
    Event(0.5, 3, "cue", {"fault": "hip_not_extended", "text": "push up higher"}),
    Event(0.9, 9, "pain", {"value": 3, "set": 1}),
]
#: Everything a session gives.
PARTS: dict[str, Callable[[Session], object]] = {
    "meta": lambda s: s.meta,
    "complete": lambda s: s.complete,
    "definition": lambda s: s.definition,
    "summary": lambda s: s.summary,
    "summary_text": lambda s: s.summary_text,
    "reps": lambda s: s.reps,
    "events": lambda s: s.events,
    "warnings": lambda s: s.warnings,
    "time_s": lambda s: s.time_s,
    "measures": lambda s: s.measures,
    "poses": lambda s: s.poses(),
    "some poses": lambda s: s.poses(5, 25),
}


@pytest.fixture
def folder(tmp_path) -> Path:
    analysis = make_analysis(40)
    (tmp_path / "s").mkdir()
    write_session(analysis, tmp_path / "s" / SESSION, overrides="[tempo]\nrise_s = 3\n", events=EVENTS)
    write_summary_json(analysis.summary, tmp_path / "s" / SUMMARY)
    return tmp_path / "s"


def plain(value: object) -> object:
    """Something that is equal only if every bit is."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if is_dataclass(value) and not isinstance(value, type):
        return [(f.name, plain(getattr(value, f.name))) for f in fields(value)]
    return repr(value)


def read(path: Path, look_for_damage: bool) -> dict[str, Any]:
    """What a session gives, part by part; None for what is refused, each in one sentence."""
    out: dict[str, Any] = dict.fromkeys(PARTS)
    with contextlib.suppress(FormcheckError):  # noqa: SIM117
        with open_database(path, look_for_damage=look_for_damage) as session:
            for name, part in PARTS.items():
                try:
                    out[name] = plain(part(session))
                except FormcheckError as error:
                    if "damaged" not in str(error) or "\n" in str(error):
                        raise
    return out


def flipped(data: bytes, bit: int) -> bytes:
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


@pytest.mark.parametrize("look_for_damage", [True, False])
@pytest.mark.parametrize("frames", [40, 2])
def test_no_flipped_bit_reads_as_good_and_different(tmp_path, frames, look_for_damage):
    """Two frames: then most of the file is results, facts and definition."""
    path = tmp_path / SESSION
    write_session(make_analysis(frames), path, overrides="[tempo]\nrise_s = 3\n", events=EVENTS)
    sound, data = read(path, look_for_damage), path.read_bytes()
    assert None not in sound.values()
    rng = random.Random(frames)
    noticed = partly = 0
    for _ in range(FLIPS):
        bit = rng.randrange(8 * len(data))
        path.write_bytes(flipped(data, bit))
        got = read(path, look_for_damage)
        wrong = [name for name, value in got.items() if value not in (None, sound[name])]
        assert wrong == [], f"bit {bit}"
        noticed += None in got.values()
        partly += None in got.values() and any(got.values())
    assert noticed > FLIPS / 4  # the rest fell on room that holds nothing
    assert partly > noticed / 4
    print(f"{FLIPS} flips, {noticed} noticed, {partly} of them with the rest read")


def test_no_flipped_bit_of_a_killed_recording_reads_as_good_and_different(tmp_path):
    path = tmp_path / SESSION
    analysis = make_analysis(1)
    with SessionWriter(path, META, analysis.definition) as writer:
        for i in range(12):
            writer.append(frame(i))
        writer.append_rep(analysis.summary.reps[0])
        for event in EVENTS:
            writer.append_event(event)
        writer.append_warning("dark")
    sound, data = read(path, True), path.read_bytes()
    assert None not in [value for name, value in sound.items() if not name.startswith("summary")]
    rng = random.Random(7)
    for _ in range(FLIPS):
        bit = rng.randrange(8 * len(data))
        path.write_bytes(flipped(data, bit))
        got = read(path, True)
        assert [name for name, value in got.items() if value not in (None, sound[name])] == [], f"bit {bit}"


@pytest.mark.parametrize(
    ("sql", "part", "words"),
    [
        ("UPDATE reps SET confidence = 0.97 WHERE rep = 2", "reps", "repetitions"),
        ("DELETE FROM reps WHERE rep = 2", "reps", "repetitions"),
        ("UPDATE faults SET value = 17.5", "reps", "faults"),
        ("DELETE FROM faults", "reps", "faults"),
        ("UPDATE events SET data = replace(data, 'higher', 'hither')", "events", "events"),
        ("DELETE FROM events WHERE rowid = 2", "events", "events"),
        ("UPDATE warnings SET text = 'All is well.'", "warnings", "warnings"),
        ("UPDATE summary SET json = replace(json, '0.98', '0.99')", "summary", "summary"),
        ("DELETE FROM summary", "summary", "summary"),
        ("DELETE FROM sums WHERE part = 'summary'", "summary", "summary"),
        ("UPDATE meta SET value = replace(value, '\"deg\"', '\"dex\"') WHERE key = 'definition'",
         "definition", "exercise definition"),
        ("UPDATE frames SET time_s = time_s + 1e-9 WHERE frame = 3", "time_s", "frames"),
        ("UPDATE measures SET reason = zeroblob(length(reason)) WHERE frame = 3", "measures", "measures"),
    ],
)  # fmt: skip
def test_a_damaged_part_is_named_and_the_rest_is_read(folder, sql, part, words):
    sound = read(folder / SESSION, True)
    with contextlib.closing(sqlite3.connect(folder / SESSION)) as db, db:
        db.execute(sql)
    with open_session(folder) as session, pytest.raises(FormcheckError) as refused:
        PARTS[part](session)
    assert f"its {words}" in str(refused.value) or f"and {words}" in str(refused.value)
    got = read(folder / SESSION, True)
    along = {"summary": {"summary_text"}, "time_s": {"measures", "poses", "some poses"}}.get(part, set())
    assert {name for name, value in got.items() if value is None} == {part} | along
    assert all(value in (None, sound[name]) for name, value in got.items())


@pytest.mark.parametrize("key", ["overrides", "created", "model_sha256", "declared_side", "complete"])
def test_damaged_facts_are_named(folder, key):
    with contextlib.closing(sqlite3.connect(folder / SESSION)) as db, db:
        db.execute("DELETE FROM meta WHERE key = ?", (key,))
    with pytest.raises(FormcheckError, match="damaged: its facts"):
        open_session(folder)


def made_older(folder: Path) -> None:
    """A session as formcheck made it before it kept these check sums."""
    with contextlib.closing(sqlite3.connect(folder / SESSION)) as db, db:
        db.execute("DROP TABLE sums")
        db.execute("DELETE FROM meta WHERE key = 'times_crc'")
        db.execute("DROP TABLE phone")
        db.execute("UPDATE meta SET value = 'formcheck.session/2' WHERE key = 'schema'")


def test_a_session_of_before_is_read_as_before(folder):
    sound = read(folder / SESSION, True)
    made_older(folder)
    assert read(folder / SESSION, True) == sound
    with open_session(folder) as session:
        assert not session.checked


def test_a_new_session_does_not_pass_for_one_of_before(folder):
    with contextlib.closing(sqlite3.connect(folder / SESSION)) as db, db:
        db.execute("DROP TABLE phone")
        db.execute("UPDATE meta SET value = 'formcheck.session/2' WHERE key = 'schema'")
    with pytest.raises(FormcheckError, match="damaged"):
        open_session(folder)


# -- summary.json and the list of sessions ---------------------------------------------------------------


def card(folder: Path) -> Any:
    (found,) = Library(folder).cards()
    return found


def test_the_list_notices_every_flipped_bit_of_summary_json(folder):
    assert card(folder).damage == ()
    data = (folder / SUMMARY).read_bytes()
    rng = random.Random(3)
    for _ in range(50):
        (folder / SUMMARY).write_bytes(flipped(data, rng.randrange(8 * len(data))))
        found = card(folder)
        assert found.problem is None
        assert len(found.reps) == 2
        (sentence,) = found.damage
        assert "summary.json" in sentence
        assert str(folder) not in sentence


def test_every_flipped_bit_of_the_table_of_frames_is_noticed(tmp_path):
    write_outputs(make_analysis(40), tmp_path / "s", video=False, report=False)
    table = tmp_path / "s" / FRAMES
    data = table.read_bytes()
    rng = random.Random(4)
    with open_session(tmp_path / "s") as session:
        assert damage_beside(session) == []
        for _ in range(50):
            table.write_bytes(flipped(data, rng.randrange(8 * len(data))))
            (sentence,) = damage_beside(session)
            assert FRAMES in sentence
        table.unlink()
        assert damage_beside(session) == []


def test_without_check_sums_the_list_does_not_say_which_file_is_wrong(folder):
    made_older(folder)
    text = (folder / SUMMARY).read_text(encoding="utf-8")
    (folder / SUMMARY).write_text(text.replace("0.98", "0.99"), encoding="utf-8")
    assert "without check sums" in card(folder).damage[0]


def test_the_list_notices_a_summary_json_that_changes_later(folder):
    library = Library(folder)
    assert library.cards()[0].damage == ()
    with (folder / SUMMARY).open("a", encoding="utf-8") as file:
        file.write(" ")
    assert library.cards()[0].damage != ()


@pytest.mark.parametrize(
    ("sql", "reps"), [("DELETE FROM summary", 2), ("UPDATE faults SET grade = 2", 2), ("DELETE FROM reps", 2)]
)
def test_the_list_shows_what_is_left_of_a_damaged_session(folder, sql, reps):
    with contextlib.closing(sqlite3.connect(folder / SESSION)) as db, db:
        db.execute(sql)
    found = card(folder)
    assert found.problem is None
    assert len(found.reps) == reps
    assert [str(folder) in sentence for sentence in found.damage] == [False] * ("summary" in sql)


def test_earlier_sessions_are_told_from_what_has_a_check_sum(folder):
    data = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    data["reps"][0]["confidence"] = 0.5
    (folder / SUMMARY).write_text(json.dumps(data), encoding="utf-8")
    (told,) = past_summaries(folder.parent)
    assert told.reps[0].confidence == 0.98
    shutil.move(folder / SESSION, folder.parent / "elsewhere")
    (told,) = past_summaries(folder.parent)
    assert told.reps[0].confidence == 0.5


# -- notes -----------------------------------------------------------------------------------------------


def noted(folder: Path) -> Notes:
    notes = Notes(folder)
    for i in range(8):
        notes.save(f"comment:{i}", {"time_s": float(i), "text": f"the knee {i} – look again"}, 0)
    notes.save("comment:3", {"time_s": 3.0, "text": "better"}, 1)
    notes.save("comment:4", None, 1)
    notes.save("rating", {"level": 0.8, "note": "well"}, 0)
    with contextlib.closing(sqlite3.connect(notes.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return notes


def test_no_flipped_bit_of_notes_reads_as_good_and_different(tmp_path):
    notes = noted(tmp_path)
    sound, data = notes.items(), notes.path.read_bytes()
    since, item = notes.items(9), sound[1][0]
    rng = random.Random(11)
    refused = healed = 0
    for _ in range(400):
        bit = rng.randrange(8 * len(data))
        notes.path.write_bytes(flipped(data, bit))
        try:
            assert notes.items() == sound, f"bit {bit}"
            assert notes.items(9) == since, f"bit {bit}"
            assert notes.save(item.id, item.data, item.revision) == item, f"bit {bit}"
        except FormcheckError:
            refused += 1
        with contextlib.closing(sqlite3.connect(notes.path)) as db:
            try:
                rows = [*db.execute(f"SELECT {_ITEM}, crc FROM items")]
                rows += db.execute(f"SELECT {_VERSION}, crc FROM history")
                healed += any(json_crc(cells) != crc for *cells, crc in rows)
            except (sqlite3.Error, TypeError):
                pass
        for ending in ("-wal", "-shm"):
            notes.path.with_name(notes.path.name + ending).unlink(missing_ok=True)
    print(f"400 flips of notes, {refused} refused, {healed} damaged rows made good")
    assert refused > 20
    assert healed > 10


def test_a_damaged_note_is_made_good_from_the_history(tmp_path):
    notes = noted(tmp_path)
    sound = notes.items()
    for sql in (
        "UPDATE items SET data = replace(data, 'better', 'bitter')",
        "DELETE FROM items WHERE id = 'comment:5'",
        "UPDATE items SET id = 'comment:9' WHERE id = 'comment:5'",
    ):
        with contextlib.closing(sqlite3.connect(notes.path)) as db, db:
            db.execute(sql)
        assert notes.items() == sound
    assert notes.save("comment:5", {"time_s": 5.0, "text": "new"}, 1).revision == 2


def test_a_damaged_history_costs_no_note(tmp_path):
    notes = noted(tmp_path)
    sound = notes.items()
    with contextlib.closing(sqlite3.connect(notes.path)) as db, db:
        db.execute("UPDATE history SET data = replace(data, 'knee', 'kneo')")
    assert notes.items() == sound


def test_notes_of_which_no_sound_copy_is_left_are_refused(tmp_path):
    notes = noted(tmp_path)
    with contextlib.closing(sqlite3.connect(notes.path)) as db, db:
        for table in ("items", "history"):
            db.execute(f"UPDATE {table} SET data = replace(data, 'better', 'bitter')")
    with pytest.raises(FormcheckError, match="damaged"):
        notes.items()
    with pytest.raises(FormcheckError, match="damaged"):
        notes.save("comment:3", {"time_s": 3.0, "text": "new"}, 2)
    assert notes.save("comment:1", {"time_s": 1.0, "text": "new"}, 1).revision == 2


def test_notes_of_before_are_read_and_get_check_sums_with_the_next(tmp_path):
    notes = noted(tmp_path)
    sound = notes.items()
    with contextlib.closing(sqlite3.connect(notes.path)) as db, db:
        for table, columns in (("items", _ITEM), ("history", _VERSION)):
            rows = db.execute(f"SELECT {columns} FROM {table}").fetchall()
            db.execute(f"DROP TABLE {table}")
            db.execute(_TABLES_WITHOUT_SUMS[table])
            db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({','.join('?' * len(rows[0]))})", rows)
        db.execute("UPDATE meta SET value = 'formcheck.review/1'")
    before = notes.path.read_bytes()
    assert notes.items() == sound
    assert notes.path.read_bytes() == before
    saved = notes.save("comment:new", {"time_s": 1.0, "text": "new"}, 0)
    assert notes.items() == (saved.seq, [*sound[1], saved])
    with contextlib.closing(sqlite3.connect(notes.path)) as db, db:
        db.execute("UPDATE items SET data = replace(data, 'better', 'bitter')")
    assert notes.items() == (saved.seq, [*sound[1], saved])
