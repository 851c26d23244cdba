"""Sessions over time, and agreement between physio and program."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asking import Page
from made import analysed, as_live, bridges, seal

from formcheck.review.agreement import Tally, agreement_csv, checked_faults
from formcheck.review.noted import NotedSessions, library_row, patient_key, with_notes
from formcheck.review.trends import patient_page
from formcheck.session.library import Library
from formcheck.session.notes import Notes


@pytest.mark.parametrize(
    ("tally", "percent", "kappa"),
    [
        (Tally(20, 5, 10, 15), 70.0, 0.4),  # the worked example of Cohen's kappa in many textbooks
        (Tally(5, 0, 0, 5), 100.0, 1.0),
        (Tally(0, 5, 5, 0), 0.0, -1.0),
        (Tally(5, 5, 5, 5), 50.0, 0.0),
        (Tally(0, 0, 0, 9), 100.0, None),  # both always say "not there": not defined
        (Tally(), None, None),
    ],
)
def test_kappa(tally, percent, kappa):
    assert tally.percent == (None if percent is None else pytest.approx(percent))
    assert tally.kappa == (None if kappa is None else pytest.approx(kappa))


def test_a_spreadsheet_gets_no_formula():
    row = {"exercise": "bridge", "fault": "=cmd()", "title": "@x", "reps": 1, "both": 1, "program_only": 0,
           "physio_only": 0, "neither": 0, "percent": 100.0, "kappa": None}  # fmt: skip
    line = agreement_csv([row]).splitlines()[1]
    assert line == "bridge,'=cmd(),'@x,1,1,0,0,0,100.0,"


@pytest.fixture
def root(tmp_path):
    one = analysed(tmp_path / "one")
    for day, asked in (("2026-11-02", (2, 4)), ("2026-11-09", (1, 4)), ("2026-11-05", (1, 2))):
        as_live(one, tmp_path / day, patient="P-1", started=f"{day}T09:00:00+01:00", asked=asked)
    return tmp_path


def test_a_patients_sessions_in_order_against_what_was_prescribed(root):
    page = patient_page(Library(root), patient_key("P-1"), NotedSessions())
    (group,) = page["groups"]
    assert [p["date"][:10] for p in group["points"]] == ["2026-11-02", "2026-11-05", "2026-11-09"]
    assert [p["adherence"] for p in group["points"]] == [50.0, 100.0, 100.0]  # more than asked is not more
    for point in group["points"]:
        assert (
            point["correct"] + point["compensated"] + point["incomplete"] + point["unseen"]
            == point["done"]
            == 4
        )
    assert [p["pain_worst"] for p in page["feeling"]] == [3, 3, 3]
    assert page["mdc"] == {"deg": 10.0, "share": 0.15}
    assert patient_page(Library(root), "0" * 16, NotedSessions()) is None


def test_a_rejected_fault_no_longer_counts_against_the_patient(root):
    key = patient_key("P-1")

    def seen() -> dict[str, int]:
        (group,) = patient_page(Library(root), key, NotedSessions())["groups"]
        return {fault["id"]: fault["points"][0]["affected"] for fault in group["faults"]}

    before = seen()
    rep = next(rep for rep in bridges().summary.reps if rep.faults)
    for fault in rep.faults:
        data = {
            "rep": rep.index,
            "fault": fault.id,
            "start_s": fault.start_s,
            "verdict": "rejected",
            "note": "",
        }
        Notes(root / "2026-11-02").save(f"decision:{rep.index}:{fault.id}", data, 0)
    assert seen() == {fault: n - (fault in {f.id for f in rep.faults}) for fault, n in before.items()}


def test_a_partial_repetition_is_partial_whatever_else_it_is(root):
    (group,) = patient_page(Library(root), patient_key("P-1"), NotedSessions())["groups"]
    classes = [rep.class_ for rep in bridges().summary.reps]
    for point in group["points"]:
        assert point["incomplete"] == classes.count("partial") == 2
        assert point["correct"] + point["compensated"] == classes.count("full")


def changed(root, folder: str, by: float):
    """The same session with its hip angle at the top changed, degrees."""
    import json
    import sqlite3

    with sqlite3.connect(root / folder / "session.sqlite") as db:
        told = json.loads(db.execute("SELECT json FROM summary").fetchone()[0])
        for rep in told["reps"]:
            rep["peak"]["hip_angle_deg"] += by
        db.execute("UPDATE summary SET json = ?", (json.dumps(told),))
        seal(db)


@pytest.mark.parametrize(("by", "told"), [(9.0, False), (11.0, True), (-11.0, True)])
def test_a_faults_trend_is_in_degrees_with_the_first_change_larger_than_the_error(root, by, told):
    changed(root, "2026-11-05", by)
    (group,) = patient_page(Library(root), patient_key("P-1"), NotedSessions())["groups"]
    assert (group["measure"], group["unit"]) == ("Hip angle", "deg")  # and not thigh lengths
    fault = next(fault for fault in group["faults"] if fault["id"] == "hip_not_extended")
    assert (fault["measure"], fault["unit"]) == ("Hip angle", "deg")
    assert [level["level"] for level in fault["levels"]] == [165.0, 155.0, 145.0]
    first, second, third = (point["value"] for point in fault["points"])
    assert second - first == pytest.approx(by)
    assert third == first
    assert [(c["date"][:10], c["by"]) for c in fault["changes"]] == (
        [("2026-11-05", pytest.approx(by))] if told else []
    )
    slow = next(fault for fault in group["faults"] if fault["id"] == "lowering_fast")
    assert (slow["measure"], slow["unit"], slow["levels"]) == ("Time down", "s", [])


def test_a_session_in_which_a_fault_was_not_checked_has_no_share_of_it(root):
    folder = root / "2026-11-02"
    for rep in (1, 2):
        look = {"rep": rep, "fault": "pelvis_drops", "time_s": 3.0, "answer": "yes" if rep == 1 else "no"}
        Notes(folder).save(f"look:{rep}:pelvis_drops", look, 0)
    (group,) = patient_page(Library(root), patient_key("P-1"), NotedSessions())["groups"]
    (fault,) = [fault for fault in group["faults"] if fault["id"] == "pelvis_drops"]
    assert [(p["checked"], p["share"]) for p in fault["points"]] == [(2, 50.0), (0, None), (0, None)]


def test_only_like_views_are_put_together(root):
    import json
    import sqlite3

    with sqlite3.connect(root / "2026-11-09" / "session.sqlite") as db:
        db.execute("UPDATE meta SET value = 'feet' WHERE key = 'view'")
        text = json.loads(db.execute("SELECT json FROM summary").fetchone()[0])
        text["view"]["name"] = "feet"
        db.execute("UPDATE summary SET json = ?", (json.dumps(text),))
        seal(db)
    groups = patient_page(Library(root), patient_key("P-1"), NotedSessions())["groups"]
    assert sorted((g["view"], len(g["points"]), g["sure"]) for g in groups) == [
        ("from the foot end", 1, False),
        ("from the side", 2, True),
    ]


def test_a_recording_gets_its_patient_from_the_physio(root):
    Notes(root / "one").save("about", {"patient": "P-1", "recorded": "2026-10-01"}, 0)
    page = patient_page(Library(root), patient_key("P-1"), NotedSessions())
    assert page["groups"][0]["points"][0]["date"] == "2026-10-01"
    assert page["groups"][0]["points"][0]["adherence"] is None  # nothing was prescribed
    assert len(page["feeling"]) == 3


def test_a_session_in_which_nothing_could_be_checked_is_neither_good_nor_bad(tmp_path):
    seen = bridges()
    unseen = {"checked": False, "reason": "noise", "reps_checked": 0, "reps_affected": 0, "worst_grade": 0}
    blind = {name: told.model_copy(update=unseen) for name, told in seen.summary.faults.items()}
    reps = [rep.model_copy(update={"faults": []}) for rep in seen.summary.reps]
    summary = seen.summary.model_copy(update={"faults": blind, "reps": reps})
    analysed(tmp_path / "blind", replace(seen, summary=summary))
    library = Library(tmp_path)
    (card,) = library.cards()
    row = library_row(with_notes(card))
    assert (row["state"], row["good"], row["affected"], row["unseen"]) == ("unseen", 0, 0, 4)
    assert row["coverage"] == f"0 of {len(blind)} possible faults checked"
    Notes(tmp_path / "blind").save("about", {"patient": "P-2", "recorded": "2026-10-01"}, 0)
    (point,) = patient_page(library, patient_key("P-2"), NotedSessions())["groups"][0]["points"]
    full = sum(rep.class_ == "full" for rep in reps)
    assert (point["correct"], point["unseen"], point["incomplete"]) == (0, full, 4 - full)


def test_damaged_notes_cost_only_themselves(root):
    (root / "one" / "review.sqlite").write_bytes(b"x" * 5000)
    library = Library(root)
    card = next(c for c in library.cards() if c.folder.name == "one")
    row = library_row(with_notes(card))
    assert row["problem"] is None
    assert "notes cannot be read" in row["attention"]
    assert Page(root).get(f"/api/session/{card.folder.key}").status == 200


def test_a_fault_checked_in_some_repetitions_only_is_looked_up(root):
    card = next(c for c in Library(root).cards() if c.folder.name == "one")
    checked = checked_faults(card, None)
    assert set(checked) == {1, 2, 3, 4}
    assert "hip_not_extended" in checked[1]
    assert "pelvis_drops" not in checked[1]
    summary = card.summary
    info = summary.faults["hip_not_extended"].model_copy(update={"reps_checked": 3})
    partly = summary.model_copy(update={"faults": summary.faults | {"hip_not_extended": info}})
    unknown = checked_faults(replace(card, summary=partly), None)
    found_in = [rep.index for rep in card.reps if any(f.id == "hip_not_extended" for f in rep.faults)]
    assert [index for index, faults in unknown.items() if "hip_not_extended" in faults] == found_in
