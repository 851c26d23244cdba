"""Judging again from stored landmarks: the same by the same definition, what was asked for by another."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skeleton import joined
from stored_session import command, ends_itself, judged, noisy_track, store

from formcheck.analysis.analysis import PHASES, Analysis
from formcheck.batch.rescore_many import Order, Rescored, rescore_many
from formcheck.engine.baseline import prepare
from formcheck.engine.tracker import Tracker
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.exercises.prescription import Prescription
from formcheck.pose.track import Track, smoothed
from formcheck.report.write import write_rescored
from formcheck.session.compare import changes
from formcheck.session.folder import video_of
from formcheck.session.load import stored_analysis
from formcheck.session.reader import open_session
from formcheck.session.rescore import Yardstick, rescore, rescore_by
from formcheck.session.store import write_session


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return judged(noisy_track(), warnings=["The video ends in the middle of a picture."])


@pytest.fixture
def session(analysis: Analysis, tmp_path: Path) -> Path:
    return store(analysis, tmp_path / "anna")


def assert_same(again: Analysis, first: Analysis) -> None:
    """The same to the last bit, but for what the judging cost."""
    skip = {"processing"}
    assert again.summary.model_dump(exclude=skip) == first.summary.model_dump(exclude=skip)
    assert list(again.summary.faults) == list(first.summary.faults)
    assert again.measures.names == first.measures.names
    for name in ("value", "status", "reason", "sd"):
        assert np.array_equal(getattr(again.measures, name), getattr(first.measures, name), equal_nan=True), (
            name
        )
    for name in ("time_s", "image_xyz", "world_xyz", "visibility"):
        assert np.array_equal(getattr(again.track, name), getattr(first.track, name), equal_nan=True), name
    for name in ("smooth_xy", "phase", "rep"):
        assert np.array_equal(getattr(again, name), getattr(first, name), equal_nan=True), name


def second_readings(track: Track) -> Track:
    """With distances between two readings in some frames, as our own engine stores them."""
    rng = np.random.default_rng(1)
    return replace(
        track, disagreement=np.where(rng.random(len(track)) < 0.2, 0.1 * rng.random(len(track)), np.nan)
    )


@pytest.mark.parametrize(
    ("exercise", "yaw", "options"),
    [
        ("bridge", 3.0, {}),
        ("bridge", -90.0, {"view": "feet"}),
        ("clam", 0.0, {}),
        ("clam", 0.0, {"side": "left"}),
        ("clam", 35.0, {"view": "front"}),
        ("single-leg-bridge", 3.0, {"side": "left"}),
    ],
)
def test_by_the_same_definition_everything_is_the_same(exercise, yaw, options, tmp_path):
    first = judged(
        second_readings(noisy_track(exercise, yaw_deg=yaw)), exercise, warnings=["Odd."], **options
    )
    assert first.summary.reps
    assert_same(rescore(store(first, tmp_path / "s")), first)


def test_a_recording_of_two_shots_is_the_same_too(tmp_path):
    first = judged(joined(noisy_track(), noisy_track(yaw_deg=-20.0, seed=5), pause_s=4.0))
    assert len(first.summary.reps) > 4
    assert_same(rescore(store(first, tmp_path / "s")), first)


def test_what_the_patient_was_prescribed_is_kept(tmp_path):
    text = 'focus_fault = "head_lifts"\n[tempo]\nhold_s = 5\n'
    (tmp_path / "p.toml").write_text(text)
    first = judged(noisy_track(), prescription=tmp_path / "p.toml")
    assert any(f.id == "hold_short" for rep in first.summary.reps for f in rep.faults)
    folder = store(first, tmp_path / "s", overrides=text)
    assert_same(rescore(folder), first)
    with open_session(folder) as opened:
        assert_same(rescore_by(opened, Yardstick()), first)


def test_another_threshold_changes_its_fault_and_nothing_else(analysis, session, tmp_path):
    (tmp_path / "own.toml").write_text("[[faults.lowering_fast.rules]]\nkind='duration'\nphase='lower'\n"
                                          "grades=[0.2, 0.15, 0.1]\n")  # fmt: skip
    with open_session(session) as opened:
        after = rescore_by(opened, Yardstick(overrides=tmp_path / "own.toml")).summary
    before = analysis.summary
    assert before.faults["lowering_fast"].reps_affected == 3
    assert after.faults["lowering_fast"].reps_affected == 0
    assert {k: v for k, v in after.faults.items() if k != "lowering_fast"} == {
        k: v for k, v in before.faults.items() if k != "lowering_fast"
    }
    assert all("lowering_fast" in line for line in changes(before, after))
    assert after.definition.sha256 != before.definition.sha256


def test_a_new_prescription_leaves_nothing_of_the_old(tmp_path):
    (tmp_path / "old.toml").write_text("[faults.lowering_fast]\ngrades = [0.99, 0.98, 0.97]\n")
    first = judged(noisy_track(), prescription=tmp_path / "old.toml")
    folder = store(first, tmp_path / "s", overrides=(tmp_path / "old.toml").read_text())
    after = rescore(folder, prescription=Prescription())
    assert after.summary.definition.sha256 == load_definition("bridge").sha256
    assert changes(first.summary, after.summary)


def test_changes_pair_repetitions_by_time(analysis):
    before = analysis.summary
    first, *rest = before.reps
    later = [rep.model_copy(update={"index": rep.index - 1}) for rep in rest]
    lines = changes(before, before.model_copy(update={"reps": later}))
    assert [line for line in lines if "is gone" in line] == [lines[0]]
    assert f"rep {first.index} (" in lines[0]
    assert all("was rep" in line for line in lines[1:])
    assert changes(before, before) == []


def test_the_tracker_says_the_same_at_once_as_frame_by_frame():
    definition = load_definition("bridge")
    (stretch,) = prepare(noisy_track(), definition)
    slow, fast = (Tracker(definition, stretch.reference) for _ in range(2))
    fed = [
        slow.feed(stretch.measures.part(slice(i, i + 1)), bool(stretch.posture[i]), bool(stretch.in_shape[i]))
        for i in range(len(stretch.measures))
    ]
    closed = [o.closed for o in fed if o.closed is not None] + ([last] if (last := slow.finish()) else [])
    states, reps = fast.run(stretch.measures, stretch.posture, stretch.in_shape)
    assert states == [o.phase for o in fed]
    assert set(states) >= {"rise", "hold", "lower", "rest"} <= set(PHASES)
    assert reps == closed
    assert len(reps) == 3


# -- what is not changed, and what cannot be done ----------------------------------------------------------


def test_a_definition_of_another_exercise_is_refused(session):
    with pytest.raises(FormcheckError, match="is of the exercise 'bridge', not 'clam'"):
        rescore(session, load_definition("clam"))


def test_written_again_keeps_when_it_was_recorded(analysis, session, tmp_path):
    with open_session(session) as opened:
        created = opened.meta.created
        again = rescore(opened)
        write_rescored(again, opened, tmp_path / "new")
    with open_session(tmp_path / "new") as opened:
        assert opened.meta.created == created
        assert opened.meta.source_warnings == ("The video ends in the middle of a picture.",)
        assert_same(rescore(opened), analysis)
    assert json.loads((tmp_path / "new" / "summary.json").read_text())["reps"]


def test_the_stored_analysis_is_what_was_stored(analysis, session):
    with open_session(session) as opened:
        stored = stored_analysis(opened)
        assert np.array_equal(smoothed(opened.poses().track)[0], analysis.smooth_xy, equal_nan=True)
    assert stored.summary == analysis.summary
    assert np.array_equal(stored.measures.value, analysis.measures.value.astype("f4"), equal_nan=True)
    assert np.array_equal(stored.phase, analysis.phase)


@pytest.mark.parametrize("name", ["../../secret.mp4", "/etc/secret.mp4", "..\\secret.mp4", ".."])
def test_a_source_name_never_leads_out_of_the_folder(name, tmp_path):
    for place in (tmp_path / "secret.mp4", tmp_path / "a" / "secret.mp4"):
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"x")
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    assert video_of(folder, name) is None
    (folder / "video.mp4").write_bytes(b"x")
    assert video_of(folder, name) == folder / "video.mp4"


# -- the command -----------------------------------------------------------------------------------------


def test_the_command_shows_what_changes_and_writes_nothing(session, tmp_path, capsys):
    (tmp_path / "own.toml").write_text("[counting]\nfull_level = 0.5\n")
    before = (session / "session.sqlite").read_bytes()
    done = command(capsys, "rescore", session, "--definition", tmp_path / "own.toml")
    assert done.status == 0, done.err
    assert "partial before, full now" in done.out
    assert (session / "session.sqlite").read_bytes() == before
    assert os.listdir(session) == ["session.sqlite"]
    assert command(capsys, "rescore", session).out.endswith("nothing has changed\n")


def test_the_command_replaces_a_session_only_when_told(session, tmp_path, capsys):
    (tmp_path / "own.toml").write_text("[counting]\nfull_level = 0.5\n")
    refused = command(capsys, "rescore", session, "--out", session.parent)
    assert refused.status == 2
    assert "would be replaced" in refused.err
    done = command(capsys, "rescore", session, "--definition", tmp_path / "own.toml", "--in-place", "--json")
    assert done.status == 0, done.err
    (told,) = json.loads(done.out)
    assert told["changes"]
    with open_session(session) as opened:
        assert opened.summary.model_dump(by_alias=True, mode="json") == told["summary"]
    assert sorted(os.listdir(session)) == ["frames.csv", "session.sqlite", "summary.json"]


def test_one_bad_session_does_not_stop_the_others(session, tmp_path, capsys):
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "session.sqlite").write_bytes(b"nonsense")
    done = command(capsys, "rescore", bad, session, "--out", tmp_path / "new")
    assert done.status == 2
    assert "Traceback" not in done.err
    assert "1 of 2 sessions could not be judged again" in done.err
    assert (tmp_path / "new" / "anna" / "summary.json").is_file()


def test_several_at_a_time_come_in_order_and_as_one_by_one(session, analysis, tmp_path, capsys):
    sessions = [session, *(store(analysis, tmp_path / name) for name in ("bob", "cleo", "dora"))]
    (sessions[2] / "session.sqlite").write_bytes(b"nonsense")
    (tmp_path / "own.toml").write_text("[counting]\nfull_level = 0.5\n")

    def judge_again(jobs: int, out: str):
        options = ("--definition", tmp_path / "own.toml", "--out", tmp_path / out, "--jobs", jobs)
        done = command(capsys, "rescore", *sessions, *options)
        assert done.status == 2
        assert "Traceback" not in done.err
        return done.out, done.err.replace(out, "out")

    one, two = judge_again(1, "one"), judge_again(2, "two")
    assert one == two
    assert [line.split(":")[0] for line in one[0].splitlines() if line.endswith("changed")] == [
        str(path) for path in sessions if path.name != "cleo"
    ]
    for name in ("anna", "bob", "dora"):
        first, second = (
            json.loads((tmp_path / o / name / "summary.json").read_text()) for o in ("one", "two")
        )
        assert {k: v for k, v in first.items() if k != "processing"} == {
            k: v for k, v in second.items() if k != "processing"
        }


def test_a_process_that_ends_unexpectedly_is_told(session, monkeypatch):
    monkeypatch.setattr("formcheck.batch.rescore_many.rescore_one", ends_itself)
    with pytest.raises(FormcheckError, match="ended unexpectedly"):
        list(rescore_many([Order(session, Yardstick())] * 2, jobs=2))


def test_ctrl_c_says_how_many_were_judged(session, monkeypatch, capsys):
    def interrupted(orders, _jobs):
        yield Rescored(orders[0].path)
        raise KeyboardInterrupt

    monkeypatch.setattr("formcheck.batch.rescore_many.rescore_many", interrupted)
    done = command(capsys, "rescore", session, session)
    assert done.status == 130
    assert done.out.endswith("nothing has changed\n")
    assert done.err == "Stopped: 1 of 2 sessions were judged, the others are as they were.\n"


def test_an_interrupted_replacement_leaves_the_session_as_it_was(session, analysis, monkeypatch):
    before = (session / "session.sqlite").read_bytes()

    def broken(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("formcheck.session.store.SessionWriter.append", broken)
    with open_session(session) as opened, pytest.raises(FormcheckError, match="full"):
        write_rescored(rescore(opened), opened, session)
    assert (session / "session.sqlite").read_bytes() == before
    assert not (session / "summary.json").exists()


def test_write_session_is_used_for_events_of_a_live_session(analysis, tmp_path):
    from formcheck.analysis.events import Event

    events = [Event(1.0, 12, "set_start", {"set": 1})]
    write_session(analysis, tmp_path / "session.sqlite", events=events)
    with open_session(tmp_path) as opened:
        assert opened.events == events
        write_rescored(analysis, opened, tmp_path)
    with open_session(tmp_path) as opened:
        assert opened.events == events
