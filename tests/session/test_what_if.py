"""Judged again from what was stored: the same with the same thresholds, live or recorded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from live_session import REP, session, shot, stored
from made import analysed, bridges
from skeleton import joined

from formcheck.exercises.prescription import Prescription, prescribe
from formcheck.session.reader import open_session
from formcheck.session.what_if import WhatIf


def test_a_recording_is_judged_as_it_was(tmp_path):
    with open_session(analysed(tmp_path / "s")) as one:
        judged = WhatIf(one).judge(one.definition)
    assert judged.summary.reps == bridges().summary.reps
    assert judged.summary.faults == bridges().summary.faults
    assert len(judged.checks) == 4


def test_a_live_session_is_judged_as_it_was_with_the_references_it_had_then(tmp_path):
    fast = replace(REP, lower_s=0.6)
    track = shot("bridge", [REP] * 3 + [REP, fast, REP])
    with open_session(stored(session("bridge", track, tmp_path))) as one:
        what_if = WhatIf(one)
        judged = what_if.judge(one.definition)
        summary = one.summary
        assert judged.summary.reps == summary.reps
        assert judged.summary.faults == summary.faults
        assert judged.summary.faults["lowering_fast"].reps_affected == 1
        slow = Prescription.model_validate({"tempo": {"lower_s": 4}})
        slower = what_if.judge(prescribe(one.definition, slow)).summary
        assert slower.faults["lowering_fast"].reps_affected == 3
        assert what_if.judge(one.definition).summary.reps == summary.reps


@pytest.mark.slow
def test_two_sets_keep_their_numbers(tmp_path):
    track = joined(shot("bridge", [REP] * 5), shot("bridge", [], lead_s=4.0), shot("bridge", [REP] * 2))
    with open_session(stored(session("bridge", track, tmp_path, sets=2, reps=2))) as one:
        judged = WhatIf(one).judge(one.definition)
        assert judged.summary.reps == one.summary.reps
    assert [rep.set_ for rep in judged.summary.reps] == [1, 1, 2, 2]
