"""A programme's days on disk: kept only where that was agreed to, gone on with, and never in the way."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

from formcheck.exercises.programme import Programme
from formcheck.session.days import (
    Agreed,
    Day,
    DayBook,
    OwnRange,
    PartDone,
    SetDone,
    day_of,
    last_programme,
    last_range,
)

PROGRAMME = Programme.model_validate(
    {"name": "Hips ../x", "patient": "Anna", "exercises": [{"exercise": "bridge"}]}
)
TODAY = date(2026, 11, 4)


def day(started: str = "2026-11-04T10:00:00+01:00", **more: object) -> Day:
    part = PartDone(
        exercise="bridge", mark="m", asked_sets=2, asked_reps=10, sets=(SetDone(counted=3, full=2),),
        own_range=OwnRange(view="side", range=0.4, on=TODAY),
    )  # fmt: skip
    content = {"date": started[:10], "started": started, "kept": "numbers", "parts": (part,)}
    return Day.model_validate(content | more)


def test_a_day_is_read_as_it_was_written(tmp_path: Path) -> None:
    book = DayBook(PROGRAMME, tmp_path)
    assert book.days() == []
    later, earlier = day("2026-11-06T10:00:00+01:00"), day()
    book.keep(later)
    book.keep(earlier)
    assert book.days() == [earlier, later]
    changed = earlier.model_copy(update={"effort": 4.0, "complete": True})
    book.keep(changed)
    assert book.days() == [changed, later]
    assert DayBook(PROGRAMME, tmp_path).days() == [changed, later]


def test_nothing_is_written_where_nothing_may_be_kept(tmp_path: Path) -> None:
    book = DayBook(PROGRAMME, tmp_path)
    book.keep(day(kept="none"))
    book.agree(Agreed("none", "t"), "name = 1")
    assert list(tmp_path.iterdir()) == []


def test_what_was_agreed_is_remembered_with_the_programme_and_forgotten_with_it(tmp_path: Path) -> None:
    book = DayBook(PROGRAMME, tmp_path)
    assert (book.agreed(), last_programme(tmp_path)) == (None, None)
    book.agree(Agreed("numbers", "abc"), "name = 'x'")
    assert book.agreed() == Agreed("numbers", "abc")
    last = last_programme(tmp_path)
    assert last is not None
    assert last.read_text(encoding="utf-8") == "name = 'x'"
    book.agree(Agreed("none", "abc"), "")
    assert (book.agreed(), last_programme(tmp_path)) == (None, None)


def test_no_name_of_a_person_stands_in_a_name_of_a_file(tmp_path: Path) -> None:
    book = DayBook(PROGRAMME, tmp_path)
    book.keep(day())
    names = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")]
    assert not any("anna" in name.lower() or ".." in name for name in names)
    other = DayBook(PROGRAMME.model_copy(update={"patient": "Berta"}), tmp_path)
    assert other.folder != book.folder


@pytest.mark.parametrize("damage", [b"", b"{", b"[" * 100_000, b'{"date": 3}', b"\xff\xfe", b"{}"])
def test_a_damaged_day_is_left_out_and_keeps_nobody_from_exercising(tmp_path: Path, damage: bytes) -> None:
    book = DayBook(PROGRAMME, tmp_path)
    book.keep(day())
    (book.folder / "day_20261105100000.json").write_bytes(damage)
    (book.folder / "agreed.json").write_bytes(damage)
    (tmp_path / "last.txt").write_bytes(damage or b"../..")
    assert book.days() == [day()]
    assert (book.agreed(), last_programme(tmp_path)) == (None, None)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_the_user_can_read_them(tmp_path: Path) -> None:
    book = DayBook(PROGRAMME, tmp_path / "new")
    book.keep(day())
    assert (book.folder.stat().st_mode & 0o777, next(book.folder.glob("*.json")).stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )


def test_of_today_the_last_that_was_begun_is_gone_on_with() -> None:
    broken, later = day(), day("2026-11-04T12:00:00+01:00")
    assert day_of([broken], TODAY) == broken
    assert day_of([broken], date(2026, 11, 5)) is None
    assert day_of([later, broken], TODAY) == later


def test_the_own_range_is_the_last_one_of_exercise_and_side() -> None:
    left = PartDone(
        exercise="clam", side="left", mark="m", asked_sets=1, asked_reps=1,
        own_range=OwnRange(view="front", range=0.3, on=TODAY),
    )  # fmt: skip
    days = [day(), day(parts=(left,)), day(parts=(left.model_copy(update={"own_range": None}),))]
    assert last_range(days, "clam", "left") == left.own_range
    assert last_range(days, "clam", "right") is None
    assert last_range(days, "bridge", None) == day().parts[0].own_range
