"""A folder of sessions from anywhere: all that can be read is listed, nothing else is touched."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import time
from pathlib import Path

import pytest
from made import analysed, as_live, killed

from formcheck.errors import FormcheckError
from formcheck.review.noted import with_notes
from formcheck.review.recording import Recording
from formcheck.session.folder import SESSION
from formcheck.session.library import Library, printable

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes of a Unix file system")


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return analysed(tmp_path_factory.mktemp("one") / "s")


@pytest.fixture
def root(tmp_path, one):
    shutil.copytree(one, tmp_path / "lib" / "a")
    return tmp_path / "lib"


def names(library):
    return sorted(card.folder.name for card in library.cards())


def test_sessions_are_found_up_to_three_levels_deep(root, one):
    shutil.copytree(one, root / "clinic" / "patient" / "b")
    shutil.copytree(one, root / "1" / "2" / "3" / "4")
    (root / "empty").mkdir()
    assert names(Library(root)) == ["a", os.path.join("clinic", "patient", "b")]


def test_the_folder_may_be_a_session_itself(one):
    (card,) = Library(one).cards()
    assert card.problem is None
    assert len(card.reps) == 4


def test_a_card_says_what_there_is(root, one):
    as_live(one, root / "live", patient="P-1", started="2026-11-02T09:00:00+01:00", pain=(2, 3))
    cards = {card.folder.name: card for card in Library(root).cards()}
    assert cards["live"].live is not None
    assert cards["live"].live.patient == "P-1"
    assert cards["live"].started == "2026-11-02T09:00:00+01:00"
    assert cards["a"].live is None
    assert cards["a"].meta.exercise == "bridge"


def test_a_session_whose_program_was_killed_shows_what_was_stored(root, one):
    killed(one, root / "k")
    card = next(c for c in Library(root).cards() if c.folder.name == "k")
    assert card.problem is None
    assert not card.complete
    assert card.summary is None
    assert len(card.reps) == 2


@pytest.mark.parametrize("content", [b"", b"not a database" * 100, b"SQLite format 3\x00" + b"\xff" * 9000])
def test_what_cannot_be_read_is_listed_with_a_sentence_and_the_rest_still_opens(root, content):
    bad = root / "bad"
    bad.mkdir()
    (bad / SESSION).write_bytes(content)
    cards = {card.folder.name: card for card in Library(root).cards()}
    assert cards["a"].problem is None
    assert cards["bad"].problem.endswith(".")
    assert str(root) not in cards["bad"].problem


def test_a_damaged_page_is_noticed_where_it_is_read(root):
    data = bytearray((root / "a" / SESSION).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 9000] = b"\x55" * 9000
    (root / "a" / SESSION).write_bytes(data)
    library = Library(root)
    (folder,) = library.folders()

    def read_all():
        with library.open(folder) as session:
            return session.measures, session.poses(), session.summary

    with pytest.raises(FormcheckError, match="damaged"):
        read_all()


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE warnings; CREATE VIEW warnings AS WITH RECURSIVE n(text) AS "
        "(SELECT 1 UNION ALL SELECT text FROM n) SELECT text FROM n",
        "CREATE TRIGGER t AFTER INSERT ON reps BEGIN DELETE FROM reps; END",
        "CREATE TABLE more (x)",
        "DROP TABLE faults",
        "UPDATE meta SET value = 'formcheck.session/99' WHERE key = 'schema'",
        "UPDATE meta SET value = 'something/1' WHERE key = 'schema'",
        "UPDATE meta SET value = NULL",
        "UPDATE summary SET json = '{\"a\": 1}'",
        "UPDATE meta SET value = '[1e400, {}]' WHERE key = 'image_wh'",
        "DELETE FROM meta",
    ],
)
def test_a_database_made_to_harm_is_refused_with_a_sentence(root, sql):
    with sqlite3.connect(root / "a" / SESSION) as db:
        db.executescript(sql)
    begun = time.monotonic()
    (card,) = Library(root).cards()
    assert card.problem is not None or card.damage
    assert "\n" not in (card.problem or card.damage[0])
    assert time.monotonic() - begun < 20  # an endless view would not come back at all


@posix
def test_links_are_not_followed(root, one, tmp_path):
    shutil.copytree(one, tmp_path / "outside")
    (root / "linked").symlink_to(tmp_path / "outside")
    (root / "b").mkdir()
    (root / "b" / SESSION).symlink_to(tmp_path / "outside" / SESSION)
    assert names(Library(root)) == ["a"]


@posix
def test_a_link_beside_the_session_is_not_opened(root, tmp_path):
    target = tmp_path / "precious"
    target.write_text("mine")
    (root / "a" / f"{SESSION}-wal").symlink_to(target)
    (card,) = Library(root).cards()
    assert "link" in card.problem
    assert target.read_text() == "mine"


@posix
def test_a_linked_video_is_not_the_sessions_video(root, tmp_path):
    library = Library(root)
    (folder,) = library.folders()
    assert library.video(folder) is None
    (tmp_path / "secret.mp4").write_bytes(b"x")
    (root / "a" / "video.mp4").symlink_to(tmp_path / "secret.mp4")
    assert library.video(folder) is None
    (root / "a" / "video.mp4").unlink()
    (root / "a" / "video.mp4").write_bytes(b"x")
    assert library.video(folder) == root.resolve() / "a" / "video.mp4"


def test_the_video_beside_an_analysis_named_after_it_is_found(root, one):
    shutil.copytree(one, root / "bridge.formcheck")
    library = Library(root)
    folder = next(f for f in library.folders() if f.name == "bridge.formcheck")
    assert library.video(folder) is None
    (root / "bridge.mp4").write_bytes(b"x")
    assert library.video(folder) == library.root / "bridge.mp4"
    (root / "other.mp4").write_bytes(b"x")
    for name in ("other.mp4", "../outside.mp4", "a/../bridge.mp4", "/etc/passwd", "bridge.txt", ""):
        with sqlite3.connect(folder.path / SESSION) as db:
            db.execute("UPDATE meta SET value = ? WHERE key = 'source'", (name,))
        os.utime(folder.path / SESSION, ns=(time.time_ns(), time.time_ns()))
        assert library.video(folder) is None, name


def test_what_a_killed_recording_left_of_its_video_is_played(root):
    (root / "a" / "video.mp4.part").write_bytes(b"x")
    library = Library(root)
    assert library.video(library.folders()[0]).name == "video.mp4.part"


@posix
def test_a_pipe_in_place_of_a_session_does_not_hang(root):
    (root / "p").mkdir()
    os.mkfifo(root / "p" / SESSION)
    assert names(Library(root)) == ["a"]


def test_a_folder_swapped_for_a_link_after_it_was_listed_is_gone(root, one, tmp_path):
    library = Library(root)
    (folder,) = library.folders()
    shutil.rmtree(root / "a")
    with pytest.raises(KeyError):
        library.find(folder.key)
    if sys.platform != "win32":
        (root / "a").symlink_to(one)
        with pytest.raises(KeyError):
            library.find(folder.key)


def test_keys_say_nothing_of_names(root):
    (folder,) = Library(root).folders()
    assert len(folder.key) == 20
    assert folder.key != "a"
    with pytest.raises(KeyError):
        Library(root).find("../../etc")


def test_text_from_elsewhere_is_made_printable():
    assert printable("a\u202eb\x00c\n") == r"a\u202eb\x00c\x0a"
    assert printable("x" * 500, 10) == "x" * 9 + "…"
    assert printable(os.fsdecode(b"\xff\xfe")).isprintable()


def test_a_changed_session_is_read_again(root, one):
    library = Library(root)
    assert library.cards()[0].problem is None
    (Path(root) / "a" / SESSION).write_bytes(b"gone")
    assert library.cards()[0].problem is not None


def test_a_session_with_a_damaged_part_is_shown_without_it(root):
    with sqlite3.connect(root / "a" / SESSION) as db:
        db.execute("UPDATE sums SET crc = crc + 1 WHERE part IN ('events', 'summary')")
    library = Library(root)
    recording = Recording(library, library.folders()[0])
    shown = recording.describe(with_notes(recording.card).standing)
    assert len(shown["reps"]) == 4
    assert shown["events"] == []
    assert [part in line for part, line in zip(("summary", "events"), shown["warnings"], strict=False)] == [
        True
    ] * 2
    recording.session.close()
