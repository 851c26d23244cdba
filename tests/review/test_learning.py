"""Thresholds proposed from what a physio accepted and rejected: never more than the decisions say."""

from __future__ import annotations

from pathlib import Path

import pytest
from asking import Page
from made import analysed, as_live

from formcheck.exercises.definition import load_definition
from formcheck.exercises.prescription import Prescription
from formcheck.review.learning import propose
from formcheck.session.notes import Notes
from formcheck.session.reader import open_session

FAULT = "hip_not_extended"


def test_the_threshold_that_agrees_most_often_is_proposed():
    decided = [(15.5, False), (16.0, False), (18.0, False), (21.0, True), (24.0, True), (30.0, True)]
    found = propose(decided, 15.0, falls=False)
    assert found is not None
    assert 18.0 < found.level < 21.0
    assert (found.now, found.then) == (3, 6)


def test_of_equal_ones_the_nearest_to_the_present_is_proposed():
    decided = [(16.0, False), (17.0, False), (18.0, True), (19.0, False), (20.0, True), (30.0, True)]
    found = propose(decided, 15.0, falls=False)
    assert found is not None
    assert 17.0 < found.level < 18.0
    assert found.then == 5


def test_where_smaller_is_worse_the_threshold_falls():
    decided = [(0.69, False), (0.68, False), (0.60, False), (0.40, True), (0.35, True)]
    found = propose(decided, 0.70, falls=True)
    assert found is not None
    assert 0.40 < found.level < 0.60
    assert (found.now, found.then) == (2, 5)


def test_all_rejected_puts_the_threshold_beyond_them():
    found = propose([(16.0 + i, False) for i in range(6)], 15.0, falls=False)
    assert found is not None
    assert found.level > 21.0
    assert found.then == 6


@pytest.mark.parametrize(
    "decided",
    [
        [(16.0, False)] * 4,  # too few
        [(16.0 + i, True) for i in range(9)],  # all agreed with
        [(16.0, True), (17.0, False), (18.0, True), (19.0, True), (20.0, True)],  # one more at best
        [],
    ],
)
def test_nothing_is_proposed_where_the_decisions_do_not_say_it(decided):
    assert propose(decided, 15.0, falls=False) is None


def test_a_proposal_names_the_sessions_it_would_change_and_changes_nothing(tmp_path: Path):
    root = tmp_path / "lib"
    one = analysed(root / "one")
    for name in ("two", "three", "four"):
        as_live(one, root / name, patient="P-1", started="2026-11-02T09:00:00+01:00")
    page = Page(root)
    assert page.get("/api/agreement").json()["learned"] == []
    for folder in sorted(root.iterdir()):
        with open_session(folder) as session:
            found = [(rep.index, e) for rep in session.reps for e in rep.faults if e.id == FAULT]
        assert found
        for index, event in found:
            Notes(folder).save(
                f"decision:{index}:{FAULT}",
                {
                    "rep": index, "fault": FAULT, "start_s": event.start_s, "verdict": "rejected",
                    "grade": None, "grade_found": None, "note": "",
                },
                0,
            )  # fmt: skip
    (row,) = page.get("/api/agreement").json()["learned"]
    assert row["title"] == load_definition("bridge").faults[FAULT].title
    assert row["now"] == 0
    assert row["then"] == row["count"] >= 5
    assert len(row["sessions"]) == 4
    assert all(session["gone"] == session["of"] for session in row["sessions"])
    assert row["exercise"] == "bridge"
    grades = Prescription(faults=row["faults"]).faults[FAULT].grades
    assert f"{grades[0]:.0f}°" == row["proposed"]
    assert load_definition("bridge").faults[FAULT].rules[0].grades[0] < grades[0]
