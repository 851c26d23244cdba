"""Judged again from what was stored: the same with the same thresholds, live or recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made import analysed, bridges
from skeleton import joined
from test_live import REP, session, shot, stored

from formcheck.exercises.prescription import Prescription, prescribe
from formcheck.session.reader import open_session
from formcheck.session.what_if import Rescorer


def test_a_recording_is_judged_as_it_was(tmp_path):
    with open_session(analysed(tmp_path / "s")) as one:
        judged = Rescorer(one, one.definition).judge(one.definition)
    assert judged.reps == bridges().summary.reps
    assert judged.faults == bridges().summary.faults
    assert len(judged.checks) == 4


def test_a_live_session_is_judged_as_it_was_with_the_references_it_had_then(tmp_path):
    fast = replace(REP, lower_s=0.6)
    track = shot("bridge", [REP] * 3 + [REP, fast, REP])
    with open_session(stored(session("bridge", track, tmp_path))) as one:
        rescorer = Rescorer(one, one.definition)
        judged = rescorer.judge(one.definition)
        summary = one.summary
        assert judged.reps == summary.reps
        assert judged.faults == summary.faults
        assert judged.faults["lowering_fast"].reps_affected == 1
        slow = Prescription.model_validate({"tempo": {"lower_s": 4}})
        assert rescorer.judge(prescribe(one.definition, slow)).faults["lowering_fast"].reps_affected == 3
        assert rescorer.judge(one.definition).reps == summary.reps


@pytest.mark.slow
def test_two_sets_keep_their_numbers(tmp_path):
    track = joined(shot("bridge", [REP] * 5), shot("bridge", [], lead_s=4.0), shot("bridge", [REP] * 2))
    with open_session(stored(session("bridge", track, tmp_path, sets=2, reps=2))) as one:
        judged = Rescorer(one, one.definition).judge(one.definition)
        assert judged.reps == one.summary.reps
    assert [rep.set_ for rep in judged.reps] == [1, 1, 2, 2]
