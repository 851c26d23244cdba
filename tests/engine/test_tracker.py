"""The tracker: live, frame by frame, and from a recording's table it must say the same."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from skeleton import Camera, Rep, bridge, bridge_lift_for, clam, film, repetitions
from tracked import Tracked, smoothed_poses, tracked

from formcheck.engine.baseline import Stretch
from formcheck.engine.repetition import RepTimes
from formcheck.engine.tracker import Observation, RepResult, Tracker
from formcheck.exercises.definition import Definition, Tempo, load_definition
from formcheck.measures.table import MeasureTable, Status
from formcheck.pose.landmarks import Landmark
from formcheck.pose.track import Track


def row(table: MeasureTable, i: int) -> MeasureTable:
    """One frame of a table."""
    return table.part(slice(i, i + 1))


def feed(stretch: Stretch, definition: Definition) -> list[RepResult]:
    """A stretch through the tracker, a frame at a time."""
    table = stretch.measures
    if stretch.reference is None or table is None:
        return []
    tracker = Tracker(definition, stretch.reference)
    closed = [
        tracker.feed(
            row(table, i), in_posture=bool(stretch.posture[i]), in_shape=bool(stretch.in_shape[i])
        ).closed
        for i in range(len(table))
    ]
    return [r for r in [*closed, tracker.finish()] if r is not None]


STRAIGHT_M = bridge_lift_for(178.0)
REPS = [Rep(1.3, 0.8, 1.3, 0.8), Rep(0.7, 0.3, 0.6, 0.8, top=0.6), Rep(1.3, 0.8, 1.3, 0.8)]


def recording(exercise: str, yaw: float, **options: object) -> Track:
    """Three repetitions with something wrong in them, in noise."""
    time_s, level, _ = repetitions(REPS)
    if exercise == "clam":
        points = [clam(32 * x, roll_deg=16 * x, feet_apart=0.15 * x) for x in level]
    else:
        points = [bridge(STRAIGHT_M * 0.8 * x, drop_deg=12 * x, head_m=0.08 * x) for x in level]
    noise = {"noise_px": 1.0, "noise_m": 0.005, "rho": 0.8, "seed": 3} | options
    return film(np.stack(points), time_s, Camera(yaw_deg=yaw), **noise)  # type: ignore[arg-type]


VIEWS = [("bridge", 3.0), ("bridge", -90.0), ("clam", -2.0), ("clam", 35.0), ("clam", 85.0)]


def asked(exercise: str) -> Definition:
    """With a tempo prescribed that nobody here keeps to, so that there is something to find in every view."""
    definition = load_definition(exercise)
    return definition.model_copy(update={"tempo": Tempo(rise_s=4.0, lower_s=4.0)})


def live(played: Tracked, track: Track, exercise: str) -> tuple[list[RepResult], list[Observation]]:
    """The same stretch handed over pose by pose."""
    (stretch,) = played.stretches
    assert stretch.reference is not None
    tracker = Tracker(asked(exercise), stretch.reference)
    seen = [tracker.update(pose) for pose in smoothed_poses(stretch, track)]
    last = tracker.finish()
    return [o.closed for o in seen if o.closed is not None] + ([last] if last else []), seen


def same_times(a: RepTimes, b: RepTimes) -> None:
    for field in fields(RepTimes):
        one, other = getattr(a, field.name), getattr(b, field.name)
        if isinstance(one, float):
            assert other == pytest.approx(one, abs=1e-9, nan_ok=True), field.name
        else:
            assert one == other, field.name


def same_reps(one: list[RepResult], other: list[RepResult]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        same_times(a.times, b.times)
        assert a.checks.keys() == b.checks.keys()
        for name, check in a.checks.items():
            there = b.checks[name]
            assert (check.checked, check.reason) == (there.checked, there.reason), name
            assert (check.fault is None) == (there.fault is None), name
            if check.fault is not None:
                assert check.fault.grade == there.fault.grade, name
                assert check.fault.value == pytest.approx(there.fault.value, abs=1e-6), name
                assert check.fault.start_s == pytest.approx(there.fault.start_s, abs=1e-9), name
                assert check.fault.end_s == pytest.approx(there.fault.end_s, abs=1e-9), name


@pytest.mark.parametrize(("exercise", "yaw"), VIEWS)
def test_live_and_recorded_give_the_same_repetitions_and_faults(exercise, yaw):
    track = recording(exercise, yaw)
    played = tracked(track, exercise, definition=asked(exercise))
    assert len(played.counted) == 3
    assert any(c.fault for r in played.reps for c in r.checks.values()), "something has to be found"
    # Of a single frame no standard deviation can be told, so without them.
    (stretch,) = played.stretches
    table = replace(stretch.measures, sd=None)
    reps = Tracker(asked(exercise), stretch.reference).run(table, stretch.posture, stretch.in_shape)[1]
    same_reps(reps, live(played, track, exercise)[0])


@pytest.mark.parametrize(("exercise", "yaw"), VIEWS[:3])
def test_playing_it_again_gives_exactly_the_same(exercise, yaw):
    track = recording(exercise, yaw)
    first, again = tracked(track, exercise), tracked(track, exercise)
    assert first.reps == again.reps
    (stretch,) = first.stretches
    # With the stored reference, as a live session is analysed again (spec 6.5).
    assert feed(stretch, load_definition(exercise)) == first.reps


def test_an_observation_a_frame_with_its_measures_and_phase():
    track = recording("bridge", 3.0)
    played = tracked(track, "bridge")
    reps, seen = live(played, track, "bridge")
    assert len(seen) == len(track)
    assert [o.time_s for o in seen] == pytest.approx(track.time_s.tolist())
    assert {o.phase for o in seen} == {"rest", "rise", "hold", "lower"}
    table = played.stretches[0].measures
    for o in seen[::20]:
        i = int(np.searchsorted(track.time_s, o.time_s - 1e-6))
        assert len(o.measures) == 1
        np.testing.assert_allclose(o.measures.value[0], table.value[i], atol=1e-6)
        assert o.level == pytest.approx(
            o.measures.column("pelvic_height")[0] / played.reference.range, abs=1e-9
        )
    assert max(o.level for o in seen) == pytest.approx(1.0, abs=0.1)
    # It is closed when the person is down again, not before and not much later.
    for result, o in zip(reps, [o for o in seen if o.closed], strict=False):
        assert result.times.hold_end_s < o.time_s < result.times.end_s + 1.0


def test_without_a_range_nothing_is_counted_but_everything_is_measured():
    track = recording("bridge", 3.0)
    (stretch,) = tracked(track, "bridge").stretches
    tracker = Tracker(load_definition("bridge"), replace(stretch.reference, range=math.nan))
    seen = [tracker.update(pose) for pose in smoothed_poses(stretch, track)]
    assert all(o.level is None and o.closed is None and o.phase == "rest" for o in seen)
    assert tracker.finish() is None
    assert all(o.measures.ok("hip_angle_deg").all() for o in seen)


def test_a_hidden_signal_is_no_level():
    track = recording("bridge", 3.0)
    (stretch,) = tracked(track, "bridge").stretches
    tracker = Tracker(load_definition("bridge"), stretch.reference)
    pose = smoothed_poses(stretch, track)[0]
    gone = pose.image_xyz.copy()
    gone[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP], 0] = -500
    assert tracker.update(pose).level is not None
    observation = tracker.update(replace(pose, image_xyz=gone, time_s=pose.time_s + 1 / 30))
    assert observation.level is None
    name = observation.measures.names.index("pelvic_height")
    assert observation.measures.status[0, name] == Status.NOT_MEASURABLE


def rows(played: Tracked, **flags: np.ndarray) -> list[RepResult]:
    """Fed again, with other flags for posture and shape."""
    (stretch,) = played.stretches
    return feed(replace(stretch, **flags), load_definition("bridge"))


def test_a_movement_out_of_posture_is_not_counted():
    played = tracked(recording("bridge", 3.0), "bridge")
    (stretch,) = played.stretches
    out = stretch.posture.copy()
    second = played.reps[1].times
    out[(stretch.measures.time_s > second.start_s - 0.6) & (stretch.measures.time_s < second.end_s + 0.6)] = (
        False
    )
    counted = [r for r in rows(played, posture=out) if r.times.rep_class in ("full", "partial")]
    assert len(counted) == 2
    assert rows(played, posture=np.zeros_like(out)) == []


def test_a_movement_in_which_the_posture_is_hardly_recognised_is_not_this_exercise():
    played = tracked(recording("bridge", 3.0), "bridge")
    (stretch,) = played.stretches
    assert rows(played, in_shape=np.zeros_like(stretch.in_shape)) == []
    half = np.arange(len(stretch.in_shape)) % 2 == 0
    assert len(rows(played, in_shape=half)) == 3


def test_a_movement_too_small_for_the_exercise_is_nothing_however_large_a_share_of_the_range():
    played = tracked(recording("bridge", 3.0), "bridge")
    (stretch,) = played.stretches
    definition = load_definition("bridge")
    shrunk = replace(stretch.measures, value=stretch.measures.value * 0.15)
    tracker = Tracker(definition, replace(stretch.reference, range=stretch.reference.range * 0.15))
    closed = [tracker.feed(row(shrunk, i)).closed for i in range(len(shrunk))]
    assert not any(closed)


def test_of_a_void_repetition_nothing_is_called_present_or_absent():
    track = recording("bridge", 3.0)
    played = tracked(track, "bridge")
    (stretch,) = played.stretches
    tracker = Tracker(load_definition("bridge"), stretch.reference)
    start = int(30 * (played.reps[0].times.hold_start_s + 0.2))
    results = [tracker.feed(row(stretch.measures, i)).closed for i in range(start, len(track))]
    void = next(r for r in results if r is not None)
    assert void.times.rep_class == "void"
    assert not any(c.checked or c.fault for c in void.checks.values())
    assert set(void.checks) == set(load_definition("bridge").faults)


def test_at_few_frames_a_second_tempo_is_not_judged_and_repetitions_still_count():
    reps = [Rep(2.0, 1.5, 2.0, 1.0)] * 3
    time_s, level, _ = repetitions(reps, fps=10)
    track = film(np.stack([bridge(STRAIGHT_M * x) for x in level]), time_s, Camera(yaw_deg=3))
    played = tracked(track, "bridge", definition=asked("bridge"))
    assert len(played.counted) == 3
    for result in played.counted:
        assert result.checks["lowering_fast"].reason == "fps"
        assert result.checks["rising_fast"].reason == "fps"
        assert result.checks["hip_not_extended"].checked


def test_an_hour_of_rest_is_not_kept():
    """A repetition after a long rest is judged on its own frames, and memory does not grow."""
    track = recording("bridge", 3.0)
    (stretch,) = tracked(track, "bridge").stretches
    tracker = Tracker(load_definition("bridge"), stretch.reference)
    still = row(stretch.measures, 5)
    for i in range(3000):
        tracker.feed(replace(still, time_s=np.array([i / 10.0])))
    kept = max(len(v) for v in vars(tracker).values() if hasattr(v, "__len__"))
    assert kept < 600
    later = replace(stretch.measures, time_s=stretch.measures.time_s + 300.1)
    closed = [tracker.feed(row(later, i)).closed for i in range(len(later))]
    assert len([r for r in closed if r is not None]) == 3


@pytest.mark.parametrize(("shake", "why"), [(0.0, None), (0.002, None), (0.008, "small")])
def test_a_small_movement_seen_roughly_counts_where_it_is_smooth(shake, why):
    definition = load_definition("clam")
    counting = definition.counting.model_copy(update={"minimum_range": 0.05})  # from the feet it is 0.12
    definition = definition.model_copy(update={"counting": counting})
    rise = 0.06
    time_s, level, _ = repetitions([Rep(1.5, 1.0, 1.5, 1.0)] * 2)
    wavering = np.random.default_rng(4).normal(0.0, shake, len(time_s))
    played = tracked(film(np.stack([clam(20 * x) for x in level]), time_s, Camera(yaw_deg=85.0)), "clam")
    (stretch,) = played.stretches
    assert stretch.reference is not None
    assert stretch.measures is not None
    tracker = Tracker(definition, replace(stretch.reference, range=rise))
    table = stretch.measures
    signal = table.names.index("knee_lift")
    value = table.value.copy()
    value[:, signal] = rise * level[: len(value)] + wavering[: len(value)]
    status = table.status.copy()
    status[:, signal] = Status.LOW
    seen = replace(table, value=value, status=status)
    everywhere = np.ones(len(seen), bool)
    _, reps = tracker.run(seen, everywhere, everywhere)
    assert len(reps) == (2 if why is None else 0)
    assert {d.why for d in tracker.dismissed} == (set() if why is None else {why})
