"""Whole live sessions, from consent to summary: counted, coached, stored, and the same when replayed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import live_session
import numpy as np
import pytest
from leg_lift import leg_lift
from live_session import (
    FRONT,
    KEYS,
    REP,
    STRETCH,
    Heard,
    MadeCamera,
    MadeEngine,
    Patient,
    session,
    shot,
    stored,
)
from skeleton import Camera, arm_up, bridge, clam, film, joined, leg_raise, mirrored, repetitions, results

from formcheck.coach.flow import Flow
from formcheck.coach.live import LiveOptions, LiveSession
from formcheck.coach.plan import PastPractice, SessionPlan
from formcheck.coach.setup import WALKS_S
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.pose.landmarks import PoseResult
from formcheck.session.reader import open_session
from formcheck.session.replay import replay
from formcheck.words import Words


def assert_replays(folder: Path) -> None:
    """A session run again from what was stored is what was shown live."""
    with open_session(folder) as one:
        again, summary, poses = replay(one), one.summary, one.poses()
    assert summary is not None
    assert again.summary.reps == summary.reps
    assert again.summary.faults == summary.faults
    assert again.summary.measures == summary.measures
    assert again.summary.live == summary.live
    assert again.phase.tolist() == poses.phase.tolist()


def test_a_whole_session(tmp_path):
    outcome = session("bridge", shot("bridge", [REP] * 6), tmp_path, declared_view=True)
    summary = outcome.result.summary
    assert summary is not None
    assert summary.live is not None
    assert summary.view.declared
    assert [r.class_ for r in summary.reps] == ["full"] * 3
    assert summary.live.sets[0].reps_counted == 3
    assert (summary.live.pain_before, summary.live.sets[0].pain, summary.live.sets[0].effort) == (1, 1, 4)
    wanted = ["safety", "pain_before", "setup", "practice", "work", "pain_after", "effort", "summary"]
    assert [s for s in outcome.patient.steps if s != "over"] == wanted
    assert outcome.heard.cues == []
    counts = [say.text for say in outcome.heard.said if say.key == "voice.count"]
    assert counts == ["1", "2", "3", "1", "2", "3"]  # three for practice, three that count
    assert json.loads((stored(outcome) / "summary.json").read_text())["complete"]
    assert_replays(stored(outcome))


def test_an_arm_held_up_pauses_and_goes_on_and_the_count_is_kept(tmp_path):
    before, after = shot("bridge", [REP] * 5, fps=15.0), shot("bridge", [REP], fps=15.0)
    lying, raised = bridge(), arm_up(bridge(), "LEFT")
    signs = np.concatenate([np.repeat(body[None], 45, axis=0) for body in (raised, lying, raised)])
    sign = film(signs, np.arange(len(signs)) / 15, live_session.SIDE, noise_m=0.002)
    outcome = session("bridge", joined(before, sign, after), tmp_path, reps=3)
    steps = [s for s in outcome.patient.steps if s != "over"]
    assert steps == [
        "safety", "pain_before", "setup", "practice", "work", "paused", "setup", "work", "pain_after",
        "effort", "summary",
    ]  # fmt: skip
    counts = [say.text for say in outcome.heard.said if say.key == "voice.count"]
    assert counts == ["1", "2", "3", "1", "2", "3"]
    assert_replays(stored(outcome))


def test_a_long_hold_that_is_asked_for_is_not_taken_for_being_stuck(tmp_path):
    time_s, level, _ = repetitions([STRETCH] * 5, fps=12.5, lead_s=3.2)
    points = np.stack([leg_raise(70 * x) for x in level])
    track = film(points, time_s, Camera(yaw_deg=4, distance_m=2.6), noise_m=0.002)
    outcome = session("hamstring-stretch", track, tmp_path, keys={"side": "2"}, reps=2)
    summary = outcome.result.summary
    assert summary is not None
    assert [(r.class_, r.faults) for r in summary.reps] == [("full", [])] * 2
    assert "paused" not in outcome.patient.steps
    assert "page.practice.small" not in outcome.heard.keys
    assert_replays(stored(outcome))


@pytest.mark.parametrize("mute", [False, True])
def test_a_missing_voice_is_told_where_it_is_read_unless_it_was_switched_off(tmp_path, mute):
    outcome = session("bridge", shot("bridge", [REP] * 1), tmp_path, voice=Heard(working=False), mute=mute)
    keys = outcome.heard.keys
    assert ("page.notice.no_sound" in keys) == (not mute)
    if not mute:  # once the camera's page is there, which alone has room for it
        assert keys.index("page.notice.no_sound") > keys.index("page.pain.question_before")


def test_the_camera_stays_off_until_agreed_and_goes_off_at_the_end(tmp_path):
    outcome = session("bridge", shot("bridge", [REP] * 1), tmp_path, keys={"safety": "4"})
    assert outcome.camera.opened == 0
    assert outcome.result.summary is None
    outcome = session("bridge", shot("bridge", [REP] * 1), tmp_path)
    assert (outcome.camera.opened, outcome.camera.closed) == (1, 1)


def test_rest_that_was_taken_with_the_leg_held_up_is_taken_anew(tmp_path):
    time_s, level, _ = repetitions([REP] * 6, fps=15.0, lead_s=52.0)
    # As the made feet lie, it is asked for 20 s to put them right, before each resting position.
    up = np.clip((25.0 - time_s) / 1.5, 0.0, 1.0)
    points = [clam(32.0 * max(a, b)) for a, b in zip(level, up, strict=True)]
    track = film(np.stack(points), time_s, FRONT, noise_m=0.002)
    outcome = session("clam", track, tmp_path)
    assert outcome.heard.keys.count("page.setup.anew") == 1
    summary = outcome.result.summary
    assert summary is not None
    assert summary.live is not None
    assert [done.reps_counted for done in summary.live.sets] == [3]
    assert_replays(stored(outcome))


def test_nothing_is_kept_without_agreement(tmp_path):
    outcome = session("bridge", shot("bridge", [REP] * 4), tmp_path, keys={"safety": "3"}, reps=1)
    assert outcome.result.folder is None
    assert list(tmp_path.iterdir()) == []
    assert outcome.result.summary is not None  # coached all the same
    assert len(outcome.result.summary.reps) == 1


def test_enter_on_the_first_page_records_nothing(tmp_path):
    outcome = session("bridge", shot("bridge", [REP] * 1), tmp_path, keys={"safety": "enter"})
    assert outcome.flow.consent == "none"


def test_perfect_repetitions_get_no_corrective_cue(tmp_path):
    outcome = session("clam", shot("clam", [REP] * 10), tmp_path, reps=7)
    assert outcome.heard.cues == []
    assert any(key.startswith("voice.praise.") for key in outcome.heard.keys)


def test_one_repeated_fault_gets_its_cue_and_no_other(tmp_path):
    outcome = session("clam", shot("clam", [REP] * 12, feet_apart=0.2), tmp_path, reps=9)
    assert outcome.heard.cues
    assert set(outcome.heard.cues) == {"feet_separate"}
    assert len(outcome.heard.cues) <= 3
    summary = outcome.result.summary
    assert summary is not None
    assert summary.live is not None
    assert [cue.fault for cue in summary.live.cues] == outcome.heard.cues
    assert_replays(stored(outcome))


@pytest.mark.parametrize(("knee_deg", "cues"), [(0.0, set()), (34.0, {"knee_bends"})])
def test_a_leg_lift_of_the_right_leg_is_coached(tmp_path, knee_deg, cues):
    time_s, level, _ = repetitions([REP] * 7, fps=15.0, lead_s=3.2)
    lifts = np.stack([leg_lift(32 * x, knee_deg * x) for x in level])
    track = mirrored(film(lifts, time_s, FRONT, noise_m=0.002))
    outcome = session("side-lying-abduction", track, tmp_path, reps=4)
    summary = outcome.result.summary
    assert summary is not None
    assert ([r.class_ for r in summary.reps], summary.side) == (["full"] * 4, "right")
    assert set(outcome.heard.cues) == cues
    assert_replays(stored(outcome))


def test_pain_ends_the_set_at_once_and_nothing_asks_to_go_on(tmp_path):
    outcome = session("bridge", shot("bridge", [REP] * 8), tmp_path, keys={"work": "p"}, reps=5)
    assert outcome.patient.steps[-2:] == ["work", "stopped"] or outcome.patient.steps[-3:-1] == [
        "work",
        "stopped",
    ]
    after = outcome.heard.keys[outcome.heard.keys.index("voice.stopped.pain") :]
    assert after == ["voice.stopped.pain"]
    with open_session(stored(outcome)) as one:
        assert [e.data["reason"] for e in one.events if e.kind == "stop"] == ["pain"]
    assert_replays(stored(outcome))


def test_closing_the_window_keeps_what_there_is(tmp_path):
    outcome = session("bridge", shot("bridge", [REP] * 8), tmp_path, keys={"work": "closed"}, reps=5)
    with open_session(stored(outcome)) as one:
        assert one.complete
        assert [e.data["reason"] for e in one.events if e.kind == "stop"] == ["stop"]


def test_two_sets_with_a_rest_between(tmp_path):
    one = shot("bridge", [REP] * 5)
    resting = shot("bridge", [], lead_s=4.0)
    two = shot("bridge", [REP] * 2)
    outcome = session("bridge", joined(one, resting, two), tmp_path, sets=2, reps=2)
    summary = outcome.result.summary
    assert summary is not None
    assert summary.live is not None
    assert [s.reps_counted for s in summary.live.sets] == [2, 2]
    assert [r.set_ for r in summary.reps] == [1, 1, 2, 2]
    assert_replays(stored(outcome))


@pytest.mark.parametrize("kind", ["every third frame lost", "bursts of ten", "seven a second"])
def test_dropped_frames_and_uneven_times_replay_the_same(tmp_path, kind):
    rng = np.random.default_rng(1)
    gone = {
        "every third frame lost": lambda i: i % 3 != 2,
        "bursts of ten": lambda i: (i // 10) % 7 != 3,
        "seven a second": lambda i: i % 4 == 0,
    }[kind]
    track = shot("clam", [REP] * 7, fps=30.0)
    uneven = track.time_s + rng.uniform(0, 0.012, len(track.time_s))
    outcome = session("clam", replace(track, time_s=uneven), tmp_path, keep=gone, reps=4)
    summary = outcome.result.summary
    assert summary is not None
    assert [r.class_ for r in summary.reps] == ["full"] * 4
    assert_replays(stored(outcome))


@pytest.mark.parametrize(("every", "told"), [(1, set()), (4, {"too_slow"}), (10, {"misses"})])
def test_a_computer_that_drops_most_frames_is_told_to_be_slow_or_to_miss_repetitions(tmp_path, every, told):
    """The camera still gives 30 a second: what counts is how many of them are looked at."""
    outcome = session("bridge", shot("bridge", [REP], fps=30.0), tmp_path, keep=lambda i: i % every == 0)
    assert {f"page.notice.{key}" for key in told} == {
        key for key in outcome.heard.keys if key.startswith("page.notice.")
    }


@pytest.mark.parametrize("trouble", ["somebody walks through", "a dog jumps in", "the lights go off"])
def test_trouble_in_the_room(tmp_path, trouble):
    """From 20 s on, in the first repetitions of the set; after it the patient goes on and is counted."""
    seconds = {"somebody walks through": 5.0, "a dog jumps in": 0.4, "the lights go off": 3.0}[trouble]

    def change(result: PoseResult) -> PoseResult:
        if not 20.0 <= result.time_s < 20.0 + seconds:
            return result
        if trouble == "somebody walks through":
            return replace(result, people_seen=2)  # the lock stays on who lies
        rejected = "teleport" if trouble == "a dog jumps in" else None
        return replace(result, pose=None, mirrored=None, rejected=rejected)

    outcome = session("bridge", shot("bridge", [REP] * 9), tmp_path, reps=4, change=change)
    summary = outcome.result.summary
    assert summary is not None
    counted = [r.class_ for r in summary.reps if r.class_ != "void"]
    assert counted == ["full"] * 4
    assert outcome.heard.cues == []
    if trouble == "the lights go off":
        assert "lost" in outcome.heard.tones
        assert "voice.lost" in outcome.heard.keys
    elif trouble == "somebody walks through":
        assert all(r.class_ == "full" for r in summary.reps)
    assert_replays(stored(outcome))


def test_the_camera_goes_and_comes_back(tmp_path):
    def unplugged(camera: MadeCamera) -> MadeCamera:
        gap = 6.0
        late = [t if t < 20.0 else t + gap for t in camera.times]
        return MadeCamera(late, lost_between=(max(t for t in camera.times if t < 20.0), 20.0 + gap))

    outcome = session("bridge", shot("bridge", [REP] * 9), tmp_path, camera=unplugged, reps=4)
    with open_session(stored(outcome)) as one:
        assert [e.data["state"] for e in one.events if e.kind == "camera"] == ["lost", "back"]
    assert "page.notice.camera_lost" in outcome.heard.keys
    assert_replays(stored(outcome))


def test_a_camera_that_cannot_be_opened_can_be_tried_again(tmp_path):
    @dataclass
    class Unplugged(MadeCamera):
        fails: int = 1

        def open(self) -> None:
            super().open()
            if self.opened <= self.fails:
                raise FormcheckError("There is no camera: plug one in.")

    outcome = session(
        "bridge",
        shot("bridge", [REP] * 1),
        tmp_path,
        keys={"no_camera": "enter"},
        camera=lambda made: Unplugged(made.times),
    )
    assert "no_camera" in outcome.patient.steps
    assert outcome.camera.opened == 2
    assert outcome.result.summary is not None


def test_a_disk_that_cannot_be_written_to_does_not_end_the_exercise(tmp_path):
    blocked = tmp_path / "sessions"
    blocked.write_text("a file where the folder should be")
    outcome = session("bridge", shot("bridge", [REP] * 4), blocked, reps=1)
    assert outcome.result.folder is None
    assert outcome.result.summary is not None
    assert len(outcome.result.summary.reps) == 1
    assert "page.notice.disk_full" in outcome.heard.keys


def test_nobody_there_is_told_and_counts_nothing(tmp_path):
    answers = [PoseResult(i / 30, i, None) for i in range(int(30 * (WALKS_S + 5)))]

    words = Words()
    used = load_definition("bridge")
    plan = SessionPlan(used, 1, 3, rest_s=1.0, views=("side",))
    flow = Flow(words, {}, lambda name: (plan, PastPractice()), "bridge")
    heard, patient = Heard(), Patient(flow, KEYS)
    camera = MadeCamera([r.time_s for r in answers])
    result = LiveSession(
        flow, lambda: camera, MadeEngine(answers), heard, patient, LiveOptions(tmp_path, clip=True)
    ).run()
    assert result.summary is not None
    assert result.summary.reps == []
    assert any(key.startswith("setup.nobody") for key in heard.keys)


def test_pain_of_last_time_is_asked_about(tmp_path):
    outcome = session(
        "bridge", shot("bridge", [REP] * 1), tmp_path, history=PastPractice(sessions=1, had_pain=True)
    )
    assert outcome.patient.steps[:3] == ["safety", "settled", "pain_before"]
    assert outcome.result.summary is not None
    assert outcome.result.summary.live is not None
    assert outcome.result.summary.live.settled is True


@pytest.mark.parametrize("gap_s", [3.0, 20.0])
def test_a_computer_that_slept_in_a_repetition_makes_no_repetition_of_the_halves(tmp_path, gap_s):
    reps = [REP] * 7
    track = shot("bridge", reps, lead_s=3.2)
    rise_s = repetitions(reps, lead_s=3.2)[2][4].start_s + REP.rise_s / 2
    awake_s = rise_s + REP.rise_s / 2 + REP.hold_s + REP.lower_s / 2
    # Asleep in the middle of a rise, awake in the middle of a lowering: two halves that would make a whole.
    awake = (track.time_s <= rise_s) | (track.time_s >= awake_s)
    names = ("person", "rejected", "people_seen", "image_xyz", "world_xyz", "visibility")
    time_s = np.where(track.time_s > rise_s, track.time_s + gap_s, track.time_s)[awake]
    slept = replace(track, **{name: getattr(track, name)[awake] for name in names}, time_s=time_s)
    outcome = session("bridge", slept, tmp_path, reps=5)
    summary = outcome.result.summary
    assert summary is not None
    counted = [r for r in summary.reps if r.class_ in ("full", "partial")]
    assert counted
    assert not [r for r in counted if r.start_s < rise_s < r.end_s]
    with open_session(stored(outcome)) as one:
        assert replay(one).summary.reps == summary.reps
        # Nobody knows where the body is now: it is looked for again, and goes on.
        assert sum(event.kind == "baseline" for event in one.events) == 2


@pytest.mark.parametrize(
    ("rotate", "pressed", "white"), [(90, "", (0, -1)), (0, "r", (-1, -1)), (180, "r", (0, 0))]
)
def test_the_cameras_picture_is_turned_as_asked_for_and_by_the_key(
    tmp_path, monkeypatch, rotate, pressed, white
):
    picture = np.zeros((720, 1280, 3), np.uint8)
    picture[:20, :20] = 255
    monkeypatch.setattr(live_session, "PICTURE", picture)
    answers = results(shot("bridge", [REP]))
    shown = []

    class Engine(MadeEngine):
        def estimate(self, frame):
            shown.append(frame.image)
            return super().estimate(frame)

    plan = SessionPlan(load_definition("bridge"), 1, 3, rest_s=1.0, views=("side",))
    flow = Flow(Words(), {"bridge": plan.definition}, lambda name: (plan, PastPractice()), "bridge")
    camera = MadeCamera([r.time_s for r in answers])
    patient = camera.patient = Patient(flow, KEYS | ({"setup": pressed} if pressed else {}))
    options = LiveOptions(tmp_path, clip=True, rotate=rotate)
    LiveSession(flow, lambda: camera, Engine(answers), Heard(), patient, options).run()
    assert shown[-1].shape[:2] == ((1280, 720) if rotate == 90 else (720, 1280))
    assert shown[-1][white].tolist() == [255, 255, 255]
