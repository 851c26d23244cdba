"""Analysed, recorded live, replayed, rescored and tried out: always the same, to the last bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from live_session import REP, shot
from skeleton import Camera, Rep, film, joined, leg_raise, repetitions, results
from stored_session import REPS, judged, noisy_track, store

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.events import Event
from formcheck.analysis.live_log import LiveLog, SessionFacts, apply_event, rep_under_way
from formcheck.engine.live_engine import LiveEngine, LiveMoment
from formcheck.engine.start_position import position_check
from formcheck.exercises.definition import Definition, load_definition
from formcheck.exercises.prescription import Prescription, prescribe
from formcheck.pose.live_filter import Blend
from formcheck.pose.lying_reading import Lying
from formcheck.pose.track import Track, no_readings
from formcheck.session.reader import open_session
from formcheck.session.recorder import Recorder
from formcheck.session.replay import replay
from formcheck.session.rescore import rescore
from formcheck.session.schema import SessionMeta
from formcheck.session.what_if import WhatIf

PRESCRIBED = """
focus_fault = "head_lifts"
[tempo]
hold_s = 5
[target]
range = 0.4
knee_flexion_deg = 110
"""
#: As if the network for people who lie read something in a bridge.
READ_TOO = """
[measures.pelvic_drop_deg]
lying = { reading = "roll", views = { side = "ok" } }
"""
#: Tried out before the recorded one is asked for again.
OTHER = Prescription.model_validate({"tempo": {"lower_s": 4}, "target": {"range": 0.3}})


def same(one: Analysis, other: Analysis) -> None:
    """The same to the last bit, but for what the judging cost."""
    skip = {"processing"}
    assert one.summary.model_dump_json(exclude=skip) == other.summary.model_dump_json(exclude=skip)
    assert one.checks == other.checks
    assert one.measures.names == other.measures.names
    for name in ("value", "status", "reason", "sd", "time_s"):
        assert getattr(one.measures, name).tobytes() == getattr(other.measures, name).tobytes(), name
    for name in ("smooth_xy", "phase", "rep"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    assert one.definition.model_dump_json() == other.definition.model_dump_json()
    assert one.prescription == other.prescription


def every_way(folder: Path) -> Iterator[Analysis]:
    """A stored session judged again in every way there is."""
    yield rescore(folder)
    with open_session(folder) as stored:
        tried = WhatIf(stored)
        yield tried.judge(stored.definition)
        tried.judge(prescribe(stored.definition, OTHER))
        yield tried.judge(stored.definition)
        if stored.is_live:
            yield replay(stored)


# -- recordings ------------------------------------------------------------------------------------------


def without(track: Track, gone: Callable[[int], bool]) -> Track:
    """The same with frames missing, as a camera leaves them out."""
    left = np.array([not gone(i) for i in range(len(track))])
    names = ("time_s", "person", "rejected", "people_seen", "image_xyz", "world_xyz", "visibility")
    return replace(track, **{name: getattr(track, name)[left] for name in names})


def half_rate(track: Track) -> Track:
    """Every second frame lies between its neighbours, as where a fast video is read at half its rate."""
    for name in ("image_xyz", "world_xyz"):
        points = getattr(track, name)
        between = (points[:-2] + points[2:])[::2] / 2
        points[1:-1:2] = np.where(np.isfinite(between), between, points[1:-1:2])
    return track


def stretch() -> Track:
    time_s, level, _ = repetitions((Rep(3.0, 6.0, 1.0, 3.0),) * 2, fps=12.5, lead_s=2.0)
    points = np.stack([leg_raise(70 * x, 25 * x, 0.0, "RIGHT") for x in level])
    return film(points, time_s, Camera(distance_m=2.6), noise_px=2, noise_m=0.01, rho=0.6, seed=1)


def turning() -> Track:
    """A clam whose pelvis rolls, as the network for people who lie reads it; in between it begins another
    stretch, and what it read before and after is told from different pictures."""
    track = noisy_track("clam", yaw_deg=40.0)
    _, level, _ = repetitions(REPS)
    lying = no_readings(len(track))
    lying[:, Lying.STRETCH] = 1 + (np.arange(len(track)) > 0.6 * len(track))
    lying[:, Lying.ROLL] = 16 * level + 3 * lying[:, Lying.STRETCH]
    lying[:, Lying.OPENING] = 32 * level
    lying[:, Lying.CHEST] = 0.0
    lying[:, Lying.ROLL_SCALE : Lying.JOINTS_OFF] = (2, 3, 2, 0.3, 0.3, 0.3)
    lying[:, [Lying.JOINTS_OFF, Lying.THIGH_TO_SHANK]] = 0.1, 0.5
    lying[~track.person] = np.nan
    lying[:10] = np.nan
    return replace(track, lying=lying)


RECORDINGS: dict[str, Callable[[Path], Analysis]] = {
    "gap": lambda _: judged(noisy_track(), warnings=["Odd."]),
    "interpolated": lambda _: judged(half_rate(noisy_track()), interpolated=len(noisy_track()) // 2),
    "dropped frames": lambda _: judged(without(noisy_track(), lambda i: i % 7 == 3 or 100 < i < 112)),
    "two shots": lambda _: judged(joined(noisy_track(), noisy_track(yaw_deg=-20.0, seed=5), pause_s=4.0)),
    "prescription": lambda file: judged(noisy_track(), prescription=file),
    "clam": lambda _: judged(noisy_track("clam", yaw_deg=0.0), "clam", side="left", view="front"),
    "clam, turn read": lambda _: judged(turning(), "clam"),
    "single leg": lambda _: judged(noisy_track(), "single-leg-bridge", side="left"),
    "stretch": lambda _: judged(stretch(), "hamstring-stretch"),
}


@pytest.mark.parametrize("kind", RECORDINGS)
def test_a_recording_is_judged_alike_by_all(kind, tmp_path):
    (tmp_path / "p.toml").write_text(PRESCRIBED)
    first = RECORDINGS[kind](tmp_path / "p.toml")
    assert first.summary.reps
    assert any(rep.faults for rep in first.summary.reps) or kind == "single leg"
    folder = store(first, tmp_path / "s", overrides=first.prescription)
    for again in every_way(folder):
        same(again, replace(first, model_sha256=again.model_sha256))


def test_a_roll_that_was_read_is_judged_and_one_that_was_not_is_refused():
    read, unread = judged(turning(), "clam"), judged(replace(turning(), lying=None), "clam")
    assert [check["pelvis_rolls_back"].fault.grade for check in read.checks] == [2, 1, 2]
    assert not any(check["pelvis_rolls_back"].checked for check in unread.checks)
    # Each stretch is held against its own rest.
    rolled = read.measures.column("pelvic_roll_deg")
    assert np.nanmax(rolled) == pytest.approx(16, abs=1.0)
    assert abs(np.nanmedian(rolled[read.rep == 0])) < 0.5
    opening, hip = (read.measures.column(name) for name in ("opening_deg", "hip_opening_deg"))
    assert np.allclose(hip, opening - rolled, equal_nan=True)


def test_frames_that_were_not_read_make_what_is_found_less_sure():
    track = half_rate(noisy_track())
    read, half = judged(track), judged(track, interpolated=len(track) // 2)
    assert not np.array_equal(read.measures.sd, half.measures.sd, equal_nan=True)
    assert read.checks != half.checks


# -- live ------------------------------------------------------------------------------------------------


def practised(
    track: Track, definition: Definition, folder: Path, pause_after: int = 2
) -> tuple[LiveLog, list[LiveMoment]]:
    """A live session, recorded as it goes: a set with a pause in it, and a second one."""
    facts = SessionFacts(
        "2030-01-01T10:00:00+01:00", None, "en", "skeleton", 2, 3, "clip", "made", "made",
        views=tuple(definition.views), declared_view=True,
    )  # fmt: skip
    engine, log, blend = LiveEngine(definition, position_check(definition, None, facts.views)), None, Blend()
    log = LiveLog(definition, facts)
    meta = SessionMeta(
        "0", facts.started, "clip", track.image_wh, definition.name, None, "unknown", "made", "made", {},
        tuple(definition.measures), definition.counting.signal, live=json.dumps(asdict(facts)),
    )  # fmt: skip
    recorder = Recorder(folder, meta, definition, video=False)
    moments, steps = [], ["set_start", "pause", "resume", "set_end", "set_start"]
    paused_s, ended_s = np.inf, np.inf

    def happens(kind: str, at: LiveMoment) -> None:
        data = {"set_start": {"set": 1 if len(steps) == 4 else 2}, "set_end": {"reason": "done"}}
        event = Event(at.time_s, at.index, kind, data.get(kind, {}))
        rep = apply_event(event, engine, log)
        if rep is not None:
            recorder.rep(rep)
        recorder.event(event)

    for i, result in enumerate(results(track)):
        if track.lying is not None and np.isfinite(track.lying[i]).all():
            result = replace(result, lying=track.lying[i])
        seen = blend(result, result.time_s, i, track.image_wh)
        moment = engine.update(seen)
        rep = log.frame(seen, moment)
        recorder.frame(seen, moment, rep_under_way(log, moment), np.zeros((2, 2, 3), np.uint8))
        if rep is not None:
            recorder.rep(rep)
        moments.append(moment)
        done, t = len(log.reps), moment.time_s
        due = {
            "set_start": moment.stage == "ready" or (moment.stage == "resting" and t > ended_s + 0.5),
            "pause": done == pause_after,
            "resume": t > paused_s + 1.0,
            "set_end": done == pause_after + 1,
        }
        if steps and due[steps[0]]:
            kind = steps.pop(0)
            paused_s, ended_s = (t if kind == "pause" else paused_s), (t if kind == "set_end" else ended_s)
            happens(kind, moment)
    recorder.finish(log.summary(fps=30.0, dropped=3))
    assert not recorder.problem
    assert steps == []
    return log, moments


def coached() -> Track:
    """Three to practise, two, and after each time of lying still one more."""
    fast = replace(REP, lower_s=0.6)
    parts = [[REP] * 4 + [fast], [fast], [fast]]
    return joined(*(shot("bridge", reps, fps=12.5, lead_s=4.0) for reps in parts))


def read_in(track: Track) -> Track:
    """The same, with something read of what turns; every thirty seconds another stretch begins."""
    lying = no_readings(len(track))
    lying[:, Lying.STRETCH] = 1 + track.time_s // 30
    lying[:, Lying.ROLL] = 10 * np.sin(track.time_s)
    lying[:, Lying.OPENING : Lying.JOINTS_OFF] = 0.5
    lying[:, [Lying.JOINTS_OFF, Lying.THIGH_TO_SHANK]] = 0.1, 0.5
    lying[~track.person] = np.nan
    return replace(track, lying=lying)


@pytest.mark.parametrize("kind", ["whole", "dropped frames", "prescription", "turn read"])
def test_a_live_session_is_judged_alike_by_all(kind, tmp_path):
    asked = {"tempo": {"lower_s": 2}}
    if kind == "prescription":
        asked = {"tempo": {"lower_s": 4}, "target": {"range": 0.4, "knee_flexion_deg": 110}}
    (tmp_path / "own.toml").write_text(READ_TOO if kind == "turn read" else "")
    definition = load_definition("bridge", tmp_path / "own.toml")
    definition = prescribe(definition, Prescription.model_validate(asked))
    track = coached()
    if kind == "turn read":
        track = read_in(track)
    if kind == "dropped frames":
        track = without(track, lambda i: i % 5 == 1 or i % 97 == 0)
    log, moments = practised(track, definition, tmp_path / "s")
    recorded = log.summary(fps=30.0, dropped=3)
    assert recorded.view.declared
    assert len(recorded.live.sets) == 2
    assert {rep.set_ for rep in recorded.reps} == {1, 2}
    assert any(rep.faults for rep in recorded.reps)
    first, *others = every_way(tmp_path / "s")
    read = first.measures.column("pelvic_drop_deg") if kind == "turn read" else np.zeros(1)
    assert np.isfinite(read).any()
    skip = {"processing"}
    assert first.summary.model_dump_json(exclude=skip) == recorded.model_dump_json(exclude=skip)
    assert list(first.checks) == [result.checks for result in log.results]
    assert first.phase_words == [moment.phase for moment in moments]
    for i, moment in enumerate(moments):
        if moment.row is not None:
            for name in ("value", "status", "reason", "sd"):
                now = getattr(first.measures, name)[i]
                assert now.tobytes() == getattr(moment.row, name)[0].tobytes(), (name, i)
        if moment.xy is not None:
            assert first.smooth_xy[i].tobytes() == moment.xy.tobytes()
    assert len(others) == 3
    for other in others:
        same(other, first)


def test_a_start_position_that_is_tried_out_live_is_asked_as_a_replay_asks_it(tmp_path):
    """The set-up looks at rules for the start position, so they change more than what a fault says."""
    definition = load_definition("bridge")
    practised(coached(), definition, tmp_path / "s")
    strict = prescribe(definition, Prescription.model_validate({"target": {"knee_flexion_deg": 160}}))
    with open_session(tmp_path / "s") as stored:
        tried, fresh = WhatIf(stored), replay(stored, strict)
        tried.judge(definition)
        same(tried.judge(strict), fresh)
