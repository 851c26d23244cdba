"""The physio's decisions: nothing is lost, nothing else is touched."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import threading

import pytest
from made import analysed

from formcheck.errors import FormcheckError
from formcheck.session.folder import REVIEW, SESSION
from formcheck.session.notes import ConflictError, Notes
from formcheck.session.schema import json_crc

DECISION = {"rep": 2, "fault": "hip_not_extended", "start_s": 4.5, "verdict": "accepted", "note": "",
            "grade": None, "grade_found": None}  # fmt: skip
ID = "decision:2:hip_not_extended"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "s").mkdir()
    return tmp_path / "s"


def test_what_is_saved_is_there_again(folder):
    saved = Notes(folder).save(ID, DECISION, 0)
    assert (saved.revision, saved.seq) == (1, 1)
    seq, (item,) = Notes(folder).items()
    assert seq == 1
    assert item == saved
    assert item.data == DECISION


def test_reading_makes_no_file(folder):
    assert Notes(folder).items() == (0, [])
    assert list(folder.iterdir()) == []


def test_the_session_itself_is_never_written_to(tmp_path):
    folder = analysed(tmp_path / "s")
    before = hashlib.sha256((folder / SESSION).read_bytes()).hexdigest()
    Notes(folder).save("rating", {"level": 0.8, "note": "well"}, 0)
    assert hashlib.sha256((folder / SESSION).read_bytes()).hexdigest() == before
    assert sorted(p.name for p in folder.iterdir()) == [REVIEW, SESSION]


def test_changes_of_different_fields_are_merged(folder):
    notes = Notes(folder)
    first = notes.save(ID, DECISION, 0)
    notes.save(ID, {**DECISION, "note": "clear"}, first.revision)
    both = notes.save(ID, {**DECISION, "verdict": "rejected"}, first.revision)
    assert both.data == {**DECISION, "verdict": "rejected", "note": "clear"}
    assert both.revision == 3


def test_changes_of_the_same_field_are_refused_with_what_stands_there(folder):
    notes = Notes(folder)
    first = notes.save(ID, DECISION, 0)
    notes.save(ID, {**DECISION, "verdict": "rejected"}, first.revision)
    with pytest.raises(ConflictError) as conflict:
        notes.save(ID, {**DECISION, "verdict": None}, first.revision)
    assert conflict.value.current.data["verdict"] == "rejected"
    assert notes.save(ID, {**DECISION, "verdict": None}, conflict.value.current.revision).revision == 3


def test_the_same_new_item_from_two_tabs_is_not_two(folder):
    notes = Notes(folder)
    notes.save(ID, DECISION, 0)
    assert notes.save(ID, DECISION, 0).revision == 1
    with pytest.raises(ConflictError):
        notes.save(ID, {**DECISION, "verdict": "rejected"}, 0)


def test_taking_back_what_somebody_else_changed_is_refused(folder):
    notes = Notes(folder)
    c = notes.save("comment:1", {"time_s": 1.0, "text": "a"}, 0)
    notes.save("comment:1", {"time_s": 1.0, "text": "b"}, c.revision)
    with pytest.raises(ConflictError):
        notes.save("comment:1", None, c.revision)
    gone = notes.save("comment:1", None, 2)
    assert gone.data is None
    assert notes.standing() == []


def test_every_version_is_kept(folder):
    notes = Notes(folder)
    for i in range(4):
        notes.save("comment:1", {"time_s": 1.0, "text": f"version {i}"}, i)
    with sqlite3.connect(folder / REVIEW) as db:
        texts = [row[0] for row in db.execute("SELECT data FROM history ORDER BY seq")]
    assert [f"version {i}" in text for i, text in enumerate(texts)] == [True] * 4


def test_only_what_changed_since_is_told(folder):
    notes = Notes(folder)
    notes.save("comment:1", {"time_s": 1.0, "text": "a"}, 0)
    notes.save("comment:2", {"time_s": 2.0, "text": "b"}, 0)
    assert [item.id for item in notes.items(since=1)[1]] == ["comment:2"]


def test_many_at_once_lose_nothing(folder):
    def work(who: int) -> None:
        for i in range(10):
            Notes(folder).save(f"comment:{who}-{i}", {"time_s": float(i), "text": str(who)}, 0)

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seq, items = Notes(folder).items()
    assert seq == 40
    assert len({item.id for item in items}) == 40


@pytest.mark.parametrize(
    ("id_", "data"),
    [
        ("decision:1:x", {**DECISION, "verdict": "maybe"}),
        ("decision:1:x", {**DECISION, "fault": "<script>"}),
        ("comment:1", {"time_s": float("nan"), "text": "a"}),
        ("comment:1", {"time_s": -1, "text": "a"}),
        ("comment:1", {"time_s": 1, "text": "a" * 5000}),
        ("comment:1", {"time_s": 1, "text": "a", "more": 1}),
        ("rating", {"level": 0.7, "note": ""}),
        ("about", {"patient": "x" * 90, "recorded": ""}),
        ("about", {"patient": "x", "recorded": "yesterday"}),
        ("other:1", {}),
        ("comment:../x", {"time_s": 1, "text": "a"}),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(folder, id_, data):
    with pytest.raises(FormcheckError) as error:
        Notes(folder).save(id_, data, 0)
    assert "\n" not in str(error.value)
    assert Notes(folder).items() == (0, [])


@pytest.mark.skipif(sys.platform == "win32", reason="needs links of a Unix file system")
@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_notes_that_are_a_link_are_not_touched(folder, tmp_path, ending):
    target = tmp_path / "precious"
    target.write_text("mine")
    (folder / f"{REVIEW}{ending}").symlink_to(target)
    with pytest.raises(FormcheckError, match="link"):
        Notes(folder).save("rating", {"level": 0.8}, 0)
    assert target.read_text() == "mine"


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER t AFTER INSERT ON history BEGIN DELETE FROM items; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE history",
        "UPDATE meta SET value = 'formcheck.review/9'",
    ],
)
def test_a_changed_notes_file_is_not_used(folder, sql):
    Notes(folder).save("rating", {"level": 0.8}, 0)
    with sqlite3.connect(folder / REVIEW) as db:
        db.execute(sql)
    with pytest.raises(FormcheckError):
        Notes(folder).items()


def test_garbage_in_place_of_notes_is_one_sentence(folder):
    (folder / REVIEW).write_bytes(b"garbage" * 1000)
    with pytest.raises(FormcheckError, match="damaged"):
        Notes(folder).items()
    with pytest.raises(FormcheckError, match="damaged"):
        Notes(folder).save("rating", {"level": 0.8}, 0)
    assert (folder / REVIEW).read_bytes() == b"garbage" * 1000


def test_items_that_are_not_ours_are_left_out(folder):
    Notes(folder).save("rating", {"level": 0.8}, 0)
    with sqlite3.connect(folder / REVIEW) as db:
        bad = [("comment:1", '{"time_s": "<b>"}'), ("<img>", "{}"), ("comment:2", "[" * 90000)]
        for seq, (id_, data) in enumerate(bad, 2):
            crc = json_crc([id_, 1, seq, data])
            db.execute("INSERT INTO items VALUES (?, 1, ?, ?, ?)", (id_, seq, crc, data))
    assert [item.id for item in Notes(folder).items()[1]] == ["rating"]
