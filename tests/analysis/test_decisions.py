"""What stands of a session by the physio's word."""

from __future__ import annotations

import pytest
from made import bridges

from formcheck.analysis.decisions import Decisions, FaultDecision, decided, what_stands
from formcheck.analysis.findings import BY_EYE, coverage, findings_of

FAULT = "hip_not_extended"


@pytest.fixture(scope="module")
def found():
    return bridges()


def reps_with(analysis, fault: str) -> list[int]:
    return [rep.index for rep in analysis.summary.reps if any(e.id == fault for e in rep.faults)]


def ruled(analysis, *decisions: FaultDecision, **more):
    return decided(analysis, Decisions(decisions, **more))


def test_without_a_decision_everything_stands_as_it_was_found(found):
    same = ruled(found)
    assert same.summary == found.summary
    assert not same.review.begun
    assert same.review.undecided == sum(len(rep.faults) for rep in found.summary.reps)


def test_a_rejected_finding_is_gone_and_kept_beside_the_result(found):
    first, second = reps_with(found, FAULT)
    one = ruled(found, FaultDecision(first, FAULT, "rejected", by="A. Meyer", on="2026-11-29T18:40:00+01:00"))
    assert reps_with(one, FAULT) == [second]
    info, before = one.summary.faults[FAULT], found.summary.faults[FAULT]
    assert (info.reps_affected, info.reps_checked) == (1, before.reps_checked)
    (ruling,) = one.review.rulings
    assert (ruling.kind, ruling.rep, ruling.found.id) == ("rejected", first, FAULT)
    assert findings_of(one).ruling(ruling) == "Rejected by A. Meyer on 2026-11-29 18:40"
    both = ruled(found, *(FaultDecision(rep, FAULT, "rejected") for rep in (first, second)))
    assert FAULT in coverage(both.summary.faults).good  # looked for, and not there by the physio's word
    assert both.summary.faults[FAULT].worst_grade == 0
    assert "hip not fully extended" not in " ".join(findings_of(both).verdict(both.summary))


def test_a_changed_grade_is_the_physios(found):
    first, second = reps_with(found, FAULT)
    event = next(e for e in found.summary.reps[first - 1].faults if e.id == FAULT)
    other = 1 if event.grade != 1 else 3
    new = ruled(found, FaultDecision(first, FAULT, "graded", grade=other))
    stands = next(e for e in new.summary.reps[first - 1].faults if e.id == FAULT)
    assert (stands.grade, stands.value) == (other, event.value)
    (ruling,) = new.review.rulings
    assert (ruling.kind, ruling.found.grade, ruling.grade) == ("graded", event.grade, other)
    kept = next(e for e in found.summary.reps[second - 1].faults if e.id == FAULT)
    assert new.summary.faults[FAULT].worst_grade == max(other, kept.grade)


def test_an_added_fault_is_there_as_seen_by_eye(found):
    assert not found.summary.faults["pelvis_drops"].checked
    new = ruled(found, FaultDecision(1, "pelvis_drops", "added", grade=2, time_s=3.0))
    (event,) = [e for e in new.summary.reps[0].faults if e.id == "pelvis_drops"]
    assert (event.grade, event.unit) == (2, BY_EYE)
    assert findings_of(new).value(event) == "seen by eye"
    info = new.summary.faults["pelvis_drops"]
    assert (info.checked, info.reps_checked, info.reps_affected, info.worst_grade) == (True, 1, 1, 2)
    said = "Seen in 1 repetition, by eye (rep 1): pelvis drops on one side (moderate)."
    assert said in findings_of(new).verdict(new.summary)
    (told,) = [one for one in findings_of(new).seen(new.summary) if one.fault == "pelvis_drops"]
    assert told.detail == "1 repetition, by eye"
    between = ruled(found, FaultDecision(None, "pelvis_drops", "added", grade=1, time_s=0.1))
    assert between.review.of("added")[0].rep is None
    assert not between.summary.faults["pelvis_drops"].checked  # no repetition was looked at for it


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        (("there", "not_there", "unclear", "unclear"), "faulty"),
        (("not_there", "not_there", "unclear", "unclear"), "good"),
        (("unclear",) * 4, "unseen"),
    ],
)
def test_what_was_looked_for_by_eye_is_seen_good_seen_faulty_or_not_seen(found, answers, state):
    new = ruled(found, *(FaultDecision(i, "pelvis_drops", a) for i, a in enumerate(answers, 1)))
    info = new.summary.faults["pelvis_drops"]
    assert "pelvis_drops" in getattr(coverage(new.summary.faults), state)
    assert info.reps_checked == sum(a != "unclear" for a in answers)


def test_a_remark_decides_nothing_and_the_last_word_stands(found):
    first = reps_with(found, FAULT)[0]
    noted = ruled(found, FaultDecision(first, FAULT, "remarked", note="?"))
    assert noted.summary == found.summary
    assert noted.review.undecided == ruled(found).review.undecided
    again = ruled(found, FaultDecision(first, FAULT, "rejected"), FaultDecision(first, FAULT, "accepted"))
    assert again.summary == found.summary
    assert again.review.undecided == noted.review.undecided - 1


def test_a_session_is_reviewed_once_all_is_decided_and_watched(found):
    every = [FaultDecision(r.index, e.id, "accepted") for r in found.summary.reps for e in r.faults]
    watched = frozenset(rep.index for rep in found.summary.reps)
    assert ruled(found, *every, watched=watched).review.done
    assert not ruled(found, *every[1:], watched=watched).review.done
    assert not ruled(found, *every, watched=watched - {1}).review.done
    assert ruled(found, done=True).review.done


def test_a_session_without_a_tally_is_decided_about_too(found):
    first, second = reps_with(found, FAULT)
    stand = what_stands(found.summary.reps, {}, Decisions((FaultDecision(first, FAULT, "rejected"),)))
    assert [r.index for r in stand.reps if any(e.id == FAULT for e in r.faults)] == [second]
    assert stand.faults == {}
