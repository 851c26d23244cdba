"""A pelvis that rolls back is found in a whole clip, in the repetition in which it does, and stored so.

The clip is rendered (seed 102 of the generator, the camera 41 degrees towards the feet): in the first
repetition the pelvis rolls back by 24.8 degrees, in the second by 1.4.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from formcheck.exercises.definition import EXERCISES, load_definition
from formcheck.pose.lying_reading import Lying
from formcheck.session.analyze import analyze
from formcheck.session.reader import open_session
from formcheck.session.rescore import rescore
from formcheck.session.store import write_session

CLIP = Path(__file__).parent / "data" / "clam_rolls.mp4"


@pytest.fixture(scope="module")
def analysis():
    return analyze(CLIP, "clam")


def test_the_repetition_in_which_the_pelvis_rolls_is_told_from_the_one_in_which_it_does_not(analysis):
    rolls, still = (check["pelvis_rolls_back"] for check in analysis.checks)
    assert rolls.fault.grade == 2
    assert rolls.fault.value == pytest.approx(24.8, abs=4)
    assert (still.checked, still.fault) == (True, None)
    assert analysis.summary.reps[1].peak["pelvic_roll_deg"] == pytest.approx(1.4, abs=4)
    assert "lying_encoder.onnx" in analysis.model_sha256


def test_it_is_found_again_without_the_video(analysis, tmp_path):
    write_session(analysis, tmp_path / "session.sqlite", model_sha256=analysis.model_sha256)
    with open_session(tmp_path) as session:
        lying = session.poses().track.lying
    assert lying.tobytes() == analysis.track.lying.tobytes()
    assert np.isfinite(lying[:, Lying.STRETCH]).mean() > 0.9
    assert rescore(tmp_path).checks == analysis.checks


def test_no_other_exercise_pays_for_it():
    assert [name for name in EXERCISES if load_definition(name).reads_lying] == ["clam"]


def test_from_the_front_a_roll_that_is_not_told_is_a_matter_of_the_view():
    measure = load_definition("clam").measures["pelvic_roll_deg"]
    assert measure.trust("front") == "low"
    assert measure.why_low("front") == "view"
    assert measure.why_low("oblique", read=False) == "noise"  # BlazePose's own reading of it
