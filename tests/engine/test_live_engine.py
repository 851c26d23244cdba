"""The live engine: from an empty mat over baseline and practice to judged repetitions, on made people."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from skeleton import (
    Camera,
    Rep,
    bridge,
    bridge_lift_for,
    clam,
    film,
    joined,
    mirrored,
    repetitions,
    results,
    standing,
)

from formcheck.engine.live_engine import LiveEngine, LiveMoment
from formcheck.engine.position import HOLD_STILL, Problem, RecentFrames
from formcheck.exercises.definition import load_definition
from formcheck.measures import view as views
from formcheck.pose.landmarks import PoseResult
from formcheck.pose.live_filter import Blend
from formcheck.pose.track import Track

STRAIGHT_M = bridge_lift_for(178.0)
SIDE, FRONT = Camera(yaw_deg=4, height_m=0.3), Camera(yaw_deg=-2, height_m=0.35)
#: Lies still for this long first, then practises three times, then does the set.
STILL_S = 3.0
At = Callable[[float], np.ndarray]


def bridge_at(level: float, **faults: float) -> np.ndarray:
    return bridge(STRAIGHT_M * level, **{k: v * level for k, v in faults.items()})


def clam_at(level: float, **faults: float) -> np.ndarray:
    return clam(32 * level, **{k: v * level for k, v in faults.items()})


def shot(at: At, camera: Camera, reps: list[Rep], lead_s: float = STILL_S, **options: object) -> Track:
    time_s, level, _ = repetitions(reps, lead_s=lead_s)
    return film(np.stack([at(x) for x in level]), time_s, camera, **options)  # type: ignore[arg-type]


def in_position(exercise: str) -> Callable[[RecentFrames], Problem | None]:
    """A position check that knows only the exercise's posture."""
    rule = views.side_lying if exercise == "clam" else views.hook_lying

    def check(window: RecentFrames) -> Problem | None:
        if window.person.mean() < 0.8:
            return Problem("nobody")
        lies = rule(window.world[window.person].astype(np.float64))
        return None if lies.mean() > 0.5 else Problem("not_in_position")

    return check


def feed(practice: LiveEngine, frames: Iterable[PoseResult], *, start: bool = True) -> list[LiveMoment]:
    """All frames through the engine; the set starts as soon as the engine is ready."""
    blend, moments = Blend(), []
    for i, result in enumerate(frames):
        moments.append(practice.update(blend(result, result.time_s, i, (1280, 720))))
        if start and practice.stage == "ready":
            practice.start_set()
    return moments


def live(exercise: str, track: Track, **options: str) -> tuple[LiveEngine, list[LiveMoment]]:
    practice = LiveEngine(load_definition(exercise), in_position(exercise), **options)
    return practice, feed(practice, results(track))


def stages(moments: list[LiveMoment]) -> list[str]:
    seen = [m.stage for m in moments]
    return [s for i, s in enumerate(seen) if i == 0 or s != seen[i - 1]]


def closed(moments: list[LiveMoment]) -> list[str]:
    return [m.closed.times.rep_class for m in moments if m.closed is not None]


REP = Rep(1.3, 0.8, 1.3, 0.9)


@pytest.mark.parametrize(
    ("exercise", "at", "camera"),
    [("bridge", bridge_at, SIDE), ("clam", clam_at, FRONT)],
    ids=["bridge", "clam"],
)
def test_from_lying_down_to_counted_repetitions(exercise, at, camera):
    practice, moments = live(exercise, shot(at, camera, [REP] * 7, noise_m=0.004))
    assert stages(moments) == ["still", "practice", "work"]
    assert closed(moments) == ["full"] * 4  # the three practice repetitions are not counted
    assert practice.reference is not None
    assert practice.reference.view == ("side" if exercise == "bridge" else "front")


def test_nothing_is_counted_before_it_is_done():
    track = shot(bridge_at, SIDE, [REP] * 5)
    _, moments = live("bridge", track)
    truth = repetitions([REP] * 5, lead_s=STILL_S)[2]
    ends = [rep.end_s for rep in truth]
    for moment in moments:
        if moment.closed is not None:
            assert any(end - 0.35 <= moment.time_s <= end + 0.6 for end in ends)


def test_the_own_range_is_the_median_of_three():
    reps = [REP, REP, REP, REP]
    practice, moments = live("bridge", shot(bridge_at, SIDE, reps))
    calibrated = [m.calibrated for m in moments if m.calibrated is not None]
    assert len(calibrated) == 1
    assert calibrated[0] == pytest.approx(practice.range)
    assert 0.35 < calibrated[0] < 0.6


def test_unlike_practice_repetitions_ask_for_two_more():
    def uneven(n: int) -> list[Rep]:
        return [Rep(1.3, 0.8, 1.3, 0.9, top=0.6 if i == 1 else 1.0) for i in range(n)]

    _, moments = live("bridge", shot(bridge_at, SIDE, uneven(6)))
    assert max(m.practice_of for m in moments) == 5
    assert sum(m.calibrated is not None for m in moments) == 1
    assert closed(moments) == ["full"]


def test_no_baseline_while_moving():
    """Somebody who never lies still for two seconds is asked to, and is not measured meanwhile."""
    busy = [Rep(1.0, 0.3, 1.0, 0.3)] * 3
    _, moments = live("bridge", shot(bridge_at, SIDE, busy, lead_s=0.3))
    assert all(m.row is None for m in moments)
    assert {m.problem for m in moments} >= {HOLD_STILL}


def test_who_does_not_wait_is_learned_from_the_first_repetitions():
    busy = [Rep(1.3, 0.5, 1.3, 0.6)] * 8
    practice, moments = live("bridge", shot(bridge_at, SIDE, busy, lead_s=0.3))
    assert stages(moments) == ["still", "ready", "work"]
    begun = next(m.time_s for m in moments if m.stage == "work")
    assert begun > 10
    assert closed(moments)[0] in ("void", "full")
    assert "full" in closed(moments)
    assert practice.range == pytest.approx(0.47, abs=0.08)


def test_standing_is_not_in_position():
    time_s = np.arange(0, 4, 1 / 30)
    track = film(np.stack([standing(0.0)] * len(time_s)), time_s, SIDE)
    _, moments = live("bridge", track)
    assert {m.stage for m in moments} == {"setup"}
    assert moments[-1].problem == Problem("not_in_position")


def test_an_empty_room():
    frames = [PoseResult(i / 30, i, None) for i in range(120)]
    practice = LiveEngine(load_definition("clam"), in_position("clam"))
    moments = feed(practice, frames)
    assert {m.stage for m in moments} == {"setup"}
    assert moments[-1].problem == Problem("nobody")


@pytest.mark.parametrize("fps", [10.0, 30.0, 60.0])
def test_the_position_is_looked_at_ten_times_a_second_and_what_was_seen_stands_until_then(fps):
    looks: list[float] = []

    def check(window):
        looks.append(float(window.time_s[-1]))
        return Problem("nobody") if len(looks) < 10 else Problem("not_in_position")

    practice = LiveEngine(load_definition("clam"), check)
    moments = feed(practice, [PoseResult(i / fps, i, None) for i in range(int(4 * fps))])
    assert len(looks) == 40
    np.testing.assert_allclose(np.diff(looks), 0.1, atol=1e-6)
    told = [m.problem.id for m in moments]
    assert told == ["nobody" if m.time_s < looks[9] else "not_in_position" for m in moments]


def test_a_fault_is_under_way_while_it_lasts_and_judged_at_the_end():
    def apart(level: float) -> np.ndarray:
        return clam_at(level, feet_apart=0.20)

    _, moments = live("clam", shot(apart, FRONT, [REP] * 5))
    work = [m for m in moments if m.stage == "work"]
    during = [m for m in work if "feet_separate" in m.ongoing]
    assert during
    assert all(m.phase in ("rise", "hold") for m in during)
    judged = [m.closed.checks["feet_separate"] for m in work if m.closed is not None]
    assert all(check.fault is not None and check.fault.grade >= 2 for check in judged)


def test_no_fault_is_under_way_in_clean_repetitions():
    _, moments = live("clam", shot(clam_at, FRONT, [REP] * 5, noise_m=0.004))
    assert not any(m.ongoing for m in moments)


def turned_over(first: int, second: int) -> Track:
    away = film(np.stack([standing()] * 240), np.arange(240) / 30, FRONT)
    one = shot(clam_at, FRONT, [REP] * first, lead_s=3.2)
    return joined(one, away, mirrored(shot(clam_at, FRONT, [REP] * second, lead_s=3.2)))


def test_after_turning_over_the_other_leg_is_practised_and_counted():
    _, moments = live("clam", turned_over(5, 6))
    assert closed(moments) == ["full"] * (2 + 3)
    assert [m.baseline.side for m in moments if m.baseline is not None] == ["left", "right"]
    assert [m.calibrated is not None for m in moments].count(True) == 2


def test_a_side_that_was_named_stays():
    _, moments = live("clam", turned_over(5, 6), side="left")
    assert {m.baseline.side for m in moments if m.baseline is not None} == {"left"}


def test_an_own_range_that_is_known_needs_no_practice_from_the_same_view_only():
    track = shot(clam_at, FRONT, [REP] * 4)
    for view, stages_then, done in (
        ("front", ["still", "ready", "work"], 4),
        ("feet", ["still", "practice", "work"], 1),
    ):
        practice = LiveEngine(load_definition("clam"), in_position("clam"))
        practice.remember(view, 0.34)
        moments = feed(practice, results(track))
        assert stages(moments) == stages_then
        assert closed(moments) == ["full"] * done
    assert practice.range != 0.34


def test_leaving_and_coming_back_takes_a_new_baseline_and_goes_on_counting():
    here = shot(bridge_at, SIDE, [REP] * 4)
    empty = 7.0
    back = shot(bridge_at, SIDE, [REP] * 2)
    track = joined(here, back, pause_s=empty)
    practice = LiveEngine(load_definition("bridge"), in_position("bridge"))
    first = results(here)
    gone = [
        PoseResult(here.time_s[-1] + (i + 1) / 30, len(first) + i, None) for i in range(int(empty * 30) - 1)
    ]
    again = results(track)[len(first) :]
    moments = feed(practice, [*first, *gone, *again])
    assert stages(moments) == ["still", "practice", "work", "setup", "still", "work"]
    assert closed(moments) == ["full"] * 3
    assert sum(m.calibrated is not None for m in moments) == 1  # the same view: no new practice


def test_a_moved_camera_takes_a_new_baseline():
    here = shot(bridge_at, SIDE, [REP] * 4)
    there = shot(bridge_at, Camera(yaw_deg=4, height_m=0.3, target=(0.65, 0.25, 0.0)), [REP] * 2)
    moments = live("bridge", joined(here, there))[1]
    assert stages(moments) == ["still", "practice", "work", "still", "work"]
    assert sum(m.baseline is not None for m in moments) == 2
    assert closed(moments) == ["full"] * 3


def test_a_pause_forgets_the_repetition_under_way():
    practice = LiveEngine(load_definition("bridge"), in_position("bridge"))
    frames = results(shot(bridge_at, SIDE, [REP] * 4))
    half = next(i for i, r in enumerate(frames) if r.time_s > STILL_S + 3 * 4.3 + 1.0)
    blend = Blend()
    moments = []
    for i, result in enumerate(frames):
        if i == half:
            practice.pause()
        moments.append(practice.update(blend(result, result.time_s, i, (1280, 720))))
        if practice.stage == "ready":
            practice.start_set()
    assert moments[-1].stage == "paused"
    assert closed(moments) == []
    practice.resume()
    assert practice.stage == "setup"


def test_between_sets_nothing_counts_and_the_next_set_takes_a_new_baseline():
    practice = LiveEngine(load_definition("bridge"), in_position("bridge"))
    frames = results(shot(bridge_at, SIDE, [REP] * 6))
    blend, moments = Blend(), []
    for i, result in enumerate(frames):
        moments.append(practice.update(blend(result, result.time_s, i, (1280, 720))))
        if practice.stage == "ready":
            practice.start_set()
        if len(closed(moments)) == 1 and practice.stage == "work":
            practice.end_set()
    assert closed(moments) == ["full"]
    assert moments[-1].stage == "resting"
    practice.start_set()
    assert practice.stage == "setup"


def test_the_same_frames_give_the_same_repetitions():
    track = shot(clam_at, FRONT, [REP] * 5, noise_m=0.004)
    one, other = live("clam", track)[1], live("clam", track)[1]
    assert [m.closed for m in one] == [m.closed for m in other]
    assert [m.phase for m in one] == [m.phase for m in other]
