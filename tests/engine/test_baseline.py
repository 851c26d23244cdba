"""References found in synthetic recordings, and what does and does not become a repetition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from skeleton import (
    Body,
    Camera,
    L,
    Rep,
    bridge,
    bridge_lift_for,
    clam,
    film,
    joined,
    lying_straight,
    mirrored,
    plank,
    repetitions,
    standing,
    swap_sides,
)
from tracked import shifted, tracked

from formcheck.engine.baseline import prepare
from formcheck.exercises.definition import load_definition
from formcheck.measures.table import Reason, Status
from formcheck.pose.track import Track

STRAIGHT_M = bridge_lift_for(178.0)
REPS = [Rep(1.3, 0.8, 1.3, 0.9)] * 3
At = Callable[[float], np.ndarray]


def bridge_at(level: float, **faults: float) -> np.ndarray:
    """A bridge between rest (0) and a straight line (1); faults grow with the level."""
    return bridge(STRAIGHT_M * level, **{k: v * level for k, v in faults.items()})


def clam_at(level: float, **faults: float) -> np.ndarray:
    return clam(32 * level, **{k: v * level for k, v in faults.items()})


SIDE = Camera(yaw_deg=4, height_m=0.3)
FRONT = Camera(yaw_deg=-2, height_m=0.35)
FEET, HEAD = Camera(yaw_deg=90, height_m=1.2), Camera(yaw_deg=-90, height_m=0.8)


def shot(
    at: At, camera: Camera, reps: list[Rep] | None = None, fps: float = 30.0, **options: object
) -> Track:
    time_s, level, _ = repetitions(REPS if reps is None else reps, fps=fps)
    return film(np.stack([at(x) for x in level]), time_s, camera, **options)  # type: ignore[arg-type]


# --- what is found --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exercise", "at", "camera", "view"),
    [
        ("bridge", bridge_at, SIDE, "side"),
        ("bridge", bridge_at, Camera(yaw_deg=176), "side"),
        ("bridge", bridge_at, Camera(yaw_deg=45), "oblique"),
        ("bridge", bridge_at, Camera(yaw_deg=90, height_m=1.2), "feet"),
        ("bridge", bridge_at, Camera(yaw_deg=-90, height_m=1.0), "head"),
        ("clam", clam_at, FRONT, "front"),
        ("clam", clam_at, Camera(yaw_deg=30), "oblique"),
        ("clam", clam_at, Camera(yaw_deg=85, height_m=0.7), "feet"),
    ],
)
def test_view_repetitions_and_rest_are_found_from_every_side(exercise, at, camera, view):
    played = tracked(shot(at, camera), exercise)
    ref = played.reference
    assert ref.view == view
    assert played.classes == ["full"] * 3
    assert ref.still
    signal = load_definition(exercise).counting.signal
    assert ref.rest.keys() >= {signal}
    assert played.stretches[0].measures.column(signal)[10] == pytest.approx(0, abs=0.02)
    for result in played.reps:
        assert set(result.checks) == set(load_definition(exercise).faults)


def test_the_own_range_is_the_median_peak_and_small_repetitions_do_not_pull_it_down():
    reps = [Rep(), Rep(top=0.4), Rep(top=0.4), Rep(top=0.4), Rep()]
    played = tracked(shot(bridge_at, SIDE, reps), "bridge")
    full = tracked(shot(bridge_at, SIDE, [Rep()] * 3), "bridge")
    assert played.reference.range == pytest.approx(full.reference.range, rel=0.06)
    assert full.reference.range == pytest.approx(STRAIGHT_M / 0.42, rel=0.15)
    assert played.classes == ["full", "partial", "partial", "partial", "full"]


def test_a_long_pause_half_way_up_is_not_rest():
    reps = [Rep(top=0.5, hold_s=5.0), Rep(), Rep(top=0.5, hold_s=5.0)]
    (stretch,) = tracked(shot(bridge_at, SIDE, reps), "bridge").stretches
    assert stretch.reference.still
    assert stretch.measures.column("pelvic_height")[10] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("size", [0.85, 1.2])
def test_bodies_of_other_sizes(size):
    body = Body().scaled(size)
    at = partial(bridge, body=body)
    played = tracked(shot(lambda x: at(STRAIGHT_M * size * x), SIDE), "bridge")
    assert played.classes == ["full"] * 3
    assert played.reference.range == pytest.approx(STRAIGHT_M / 0.42, rel=0.15)


def test_noise_at_rest_is_learned():
    quiet = tracked(shot(bridge_at, SIDE, noise_px=0.2, seed=1), "bridge").reference
    loud = tracked(shot(bridge_at, SIDE, noise_px=4.0, rho=0.8, seed=1), "bridge").reference
    for name in ("pelvic_height", "hip_angle_deg", "head_lift"):
        assert loud.noise_sd[name] > 4 * quiet.noise_sd[name] > 0


def test_every_value_has_a_standard_deviation():
    (stretch,) = prepare(shot(clam_at, FRONT), load_definition("clam"))
    assert np.isfinite(stretch.measures.sd).all()


def test_a_shaky_measure_has_a_larger_standard_deviation_than_a_calm_one():
    calm, shaky = (
        tracked(shot(bridge_at, SIDE, noise_px=px, seed=1), "bridge").stretches[0].measures
        for px in (0.5, 6.0)
    )
    for name in ("pelvic_height", "hip_angle_deg", "head_lift"):
        # What the clip itself cannot show is added in squares from the definition.
        error = load_definition("bridge").measures[name].error.get("side", 0.0)
        assert np.nanmin(calm.sd_of(name)) >= error
        jitter = [np.sqrt(np.nanmedian(m.sd_of(name) ** 2 - error**2)) for m in (calm, shaky)]
        assert jitter[1] > 1.2 * jitter[0] >= 0


def test_frames_between_two_readings_do_not_make_the_shake_look_smaller():
    """60 fps, every second frame read: as uncertain as 30 fps, not as 60."""
    fast = shot(bridge_at, SIDE, fps=60.0, noise_px=3.0, rho=0.0, noise_m=0.0, seed=1)
    between = {}
    for name in ("image_xyz", "world_xyz"):
        points = getattr(fast, name).copy()
        points[1:-1:2] = (points[:-2:2] + points[2::2]) / 2
        between[name] = points
    slow = prepare(fast.part(slice(None, None, 2)), load_definition("bridge"))[0].measures
    thinned = replace(fast, **between)
    told, untold = (prepare(thinned, load_definition("bridge"), read_share=s)[0].measures for s in (0.5, 1.0))
    for name in ("head_lift", "trunk_lift_deg", "foot_pitch_deg"):  # nothing is added from the definition
        truly = np.nanmedian(slow.sd_of(name))
        assert np.nanmedian(told.sd_of(name)) == pytest.approx(truly, rel=0.25)
        assert np.nanmedian(untold.sd_of(name)) < 0.75 * truly


def test_values_are_of_low_trust_where_the_two_readings_contradict_each_other_for_a_while():
    track = shot(clam_at, FRONT)
    n = len(track)
    apart = np.full(n, np.nan)
    apart[::6] = 0.06
    apart[6] = 0.5  # one shaky second reading is nothing
    bad = slice(n // 3, n // 2)
    apart[bad] = np.where(np.isfinite(apart[bad]), 0.14, np.nan)
    plain, doubted = (
        prepare(replace(track, disagreement=d), load_definition("clam"))[0].measures for d in (None, apart)
    )
    m = plain.names.index("knee_lift")
    assert (plain.status[:, m] == Status.OK).all()
    np.testing.assert_array_equal(doubted.value, plain.value)
    inside = slice(bad.start + 15, bad.stop - 15)
    assert (doubted.status[inside, m] == Status.LOW).all()
    assert (doubted.reason[inside, m] == Reason.NOISE).all()
    outside = np.r_[0 : bad.start - 15, bad.stop + 15 : n]
    assert (doubted.status[outside, m] == Status.OK).all()
    # What cannot be measured at all stays so.
    roll = plain.names.index("pelvic_roll_deg")
    assert (doubted.status[:, roll] == Status.NOT_MEASURABLE).all()


def test_a_clip_that_never_rests_says_so():
    time_s = np.arange(300) / 30
    level = 0.5 - 0.5 * np.cos(2 * np.pi * time_s / 1.6)
    played = tracked(film(np.stack([bridge_at(x) for x in level]), time_s, SIDE), "bridge")
    assert not played.reference.still
    assert played.stretches[0].measures.ok("pelvic_height").all()
    assert len(played.counted) >= 4


@pytest.mark.parametrize("top", ["left", "right"])
def test_the_upper_leg_of_a_clam_works(top):
    track = shot(clam_at, FRONT)
    track = track if top == "left" else mirrored(track)
    played = tracked(track, "clam")
    assert played.reference.side == top
    assert played.classes == ["full"] * 3
    assert played.stretches[0].warnings == ()


def test_a_declared_side_that_lies_below_is_warned_about_and_still_used():
    (stretch,) = prepare(shot(clam_at, FRONT), load_definition("clam"), side="right")
    assert stretch.reference.side == "right"
    (warning,) = stretch.warnings
    assert "right" in warning
    assert "left" in warning
    (stretch,) = prepare(shot(clam_at, FRONT), load_definition("clam"), side="left")
    assert stretch.warnings == ()


def test_a_declared_view_is_followed_and_a_mismatch_said():
    (stretch,) = prepare(shot(bridge_at, SIDE), load_definition("bridge"), declared_view="head")
    assert stretch.reference.view == "head"
    (warning,) = stretch.warnings
    assert "head" in warning
    assert "side" in warning
    (stretch,) = prepare(shot(bridge_at, SIDE), load_definition("bridge"), declared_view="side")
    assert stretch.warnings == ()


@pytest.mark.parametrize("stance", ["left", "right"])
def test_the_standing_leg_of_a_single_leg_bridge_is_found(stance):
    camera = Camera(yaw_deg=4 if stance == "right" else 176)
    track = shot(lambda x: bridge(STRAIGHT_M * x, stance=stance), camera)
    played = tracked(track, "single-leg-bridge")
    assert played.reference.side == stance
    assert played.classes == ["full"] * 3


# --- stretches ------------------------------------------------------------------------------------


def test_a_cut_to_another_place_makes_two_stretches_with_their_own_references():
    near, far = shot(bridge_at, SIDE), shot(bridge_at, Camera(yaw_deg=184, distance_m=3.0))
    played = tracked(joined(near, shifted(far, 0, 120)), "bridge")
    first, second = played.stretches
    assert first.frames.stop == second.frames.start == len(near)
    assert first.reference.near != second.reference.near
    assert first.reference.trunk_px > 1.2 * second.reference.trunk_px
    assert played.classes == ["full"] * 6


@pytest.mark.parametrize("between", [False, True], ids=["every frame read", "one frame interpolated"])
def test_a_cut_to_a_nearer_picture_makes_two_stretches(between):
    """The body lies where it lay, but 1.6 times as near: no point jumps as far as a body may."""
    far, near = (shot(bridge_at, SIDE, REPS[:2], fps=15) for _ in range(2))
    middle = np.nanmean(far.image_xyz[..., :2], axis=(0, 1))
    image = far.image_xyz.copy()
    image[..., :2] = middle + (image[..., :2] - middle) / 1.6
    film_ = joined(replace(far, image_xyz=image), near, pause_s=1 / 15)
    if between:
        film_.image_xyz[len(far)] = (film_.image_xyz[len(far) - 1] + film_.image_xyz[len(far) + 1]) / 2
    assert len(film_.stretches()) == 1
    played = tracked(film_, "bridge")
    first, second = (stretch.reference.trunk_px for stretch in played.stretches)
    assert second == pytest.approx(1.6 * first, rel=0.05)
    assert played.classes == ["full"] * 4


@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_a_camera_that_zooms_makes_no_cut(seconds):
    track = shot(bridge_at, SIDE)
    middle = np.nanmean(track.image_xyz[..., :2], axis=(0, 1))
    larger = 1 + np.clip((track.time_s - 4.0) / seconds, 0, 1)
    image = track.image_xyz.copy()
    image[..., :2] = middle + (image[..., :2] - middle) * larger[:, None, None]
    assert len(prepare(replace(track, image_xyz=image), load_definition("bridge"))) == 1


def test_a_long_absence_makes_two_stretches():
    track = shot(bridge_at, SIDE, [Rep(1.3, 0.8, 1.3, 4.0)] * 2)
    missing = np.zeros(len(track), bool)
    missing[int(5.5 * 30) : int(8.2 * 30)] = True
    track = shot(bridge_at, SIDE, [Rep(1.3, 0.8, 1.3, 4.0)] * 2, missing=missing)
    played = tracked(track, "bridge")
    assert len(played.stretches) == 2
    assert played.classes == ["full", "full"]


def test_nobody_gives_nothing():
    track = shot(bridge_at, SIDE, missing=1.1)
    assert not track.person.any()
    assert prepare(track, load_definition("bridge")) == []


@pytest.mark.parametrize("frames", [1, 2, 4, 12, 25])
def test_clips_of_a_few_frames_do_no_harm(frames):
    track = shot(bridge_at, SIDE).part(slice(60, 60 + frames))
    assert tracked(track, "bridge").counted == []


# --- noise, drop-outs, swaps ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(2))
def test_ten_repetitions_in_noise_are_ten(seed):
    """Spec 9.2: 1 cm of noise that remembers, five percent drop-outs."""
    camera = Camera(yaw_deg=-8 + 12 * seed, height_m=0.3)
    px = 0.01 * camera.focal_px / camera.distance_m
    reps = [Rep(1.2, 0.6, 1.2, 0.6)] * 10
    noise = {"noise_px": px, "noise_m": 0.015, "rho": 0.8, "missing": 0.05, "seed": seed}
    assert len(tracked(shot(bridge_at, camera, reps, **noise), "bridge").counted) == 10
    assert len(tracked(shot(clam_at, FRONT, reps, **noise), "clam").counted) == 10


def test_left_and_right_exchanged_now_and_then_costs_no_repetition():
    track = shot(bridge_at, SIDE, swapped=0.01, seed=2)
    assert len(tracked(track, "bridge").counted) == 3


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_frame_rates(fps):
    played = tracked(shot(bridge_at, SIDE, fps=fps), "bridge")
    assert played.classes == ["full"] * 3
    rise = [r.times.hold_start_s - r.times.start_s for r in played.reps]
    assert rise == pytest.approx([1.3] * 3, abs=0.3)


# --- faults from the body to the verdict ----------------------------------------------------------


@pytest.mark.parametrize(
    ("exercise", "camera", "at", "fault"),
    [
        ("clam", Camera(yaw_deg=35), partial(clam_at, roll_deg=20.0), "pelvis_rolls_back"),
        ("clam", Camera(yaw_deg=85, height_m=0.5), partial(clam_at, roll_deg=20.0), "pelvis_rolls_back"),
        ("clam", Camera(yaw_deg=85, height_m=0.5), partial(clam_at, trunk_roll_deg=24.0), "trunk_rotates"),
        ("clam", FRONT, partial(clam_at, feet_apart=0.22), "feet_separate"),
        ("clam", FRONT, partial(clam_at, hike_deg=15.0), "hip_hikes"),
        ("clam", FRONT, partial(clam_at, slide_deg=-22.0), "knees_slide_up"),
        ("bridge", FEET, partial(bridge_at, knees_in_deg=24.0), "knees_fall_in"),
        ("bridge", FEET, partial(bridge_at, knees_in_deg=-24.0), "knees_fall_out"),
        ("bridge", HEAD, partial(bridge_at, drop_deg=14.0), "pelvis_drops"),
        ("bridge", SIDE, partial(bridge_at, head_m=0.1), "head_lifts"),
        ("bridge", SIDE, lambda x: bridge_at(0.5 * x), "hip_not_extended"),
        ("bridge", SIDE, lambda x: bridge_at(x), None),
        ("clam", FRONT, clam_at, None),
        ("clam", Camera(yaw_deg=35), clam_at, None),
    ],
)  # fmt: skip
def test_a_marked_fault_is_found_in_every_repetition_and_a_clean_body_has_none(exercise, camera, at, fault):
    played = tracked(shot(at, camera, [Rep(2.0, 1.5, 2.0, 1.0)] * 3), exercise)
    if fault is None:
        bodily = {n for n in load_definition(exercise).faults if "fast" not in n and n != "hold_short"}
        for result in played.counted:
            assert [n for n in bodily if result.checks[n].fault is not None] == []
        return
    definition = load_definition(exercise)
    measures = definition.faults[fault].rules[0].measures
    if all(definition.measures[m].views.get(played.reference.view) == "ok" for m in measures):
        assert min(played.found(fault)) >= 2
    else:
        # A view that has turned out not to show it well enough: said, and never called absent.
        assert not any(r.checks[fault].checked for r in played.counted)
        assert all(r.checks[fault].reason for r in played.counted)


def test_a_hip_hike_from_the_front_is_no_pelvic_roll_and_in_an_oblique_view_it_does_not_look_like_one():
    """The main false-positive cause of CF1 (spec 5.1)."""
    at = partial(clam_at, hike_deg=12.0)
    front = tracked(shot(at, FRONT), "clam")
    assert {r.checks["pelvis_rolls_back"].reason for r in front.counted} == {"view"}
    oblique = tracked(shot(at, Camera(yaw_deg=35)), "clam")
    assert len(oblique.counted) == 3
    assert not any(r.checks["pelvis_rolls_back"].fault for r in oblique.counted)


def test_a_laptop_beside_the_mid_line_is_no_pelvic_drop():
    """The main false-positive cause of BF3: a constant tilt is removed by the baseline."""
    camera = Camera(yaw_deg=-83, height_m=0.8)
    played = tracked(shot(bridge_at, camera), "bridge", view="head")
    assert len(played.counted) == 3
    assert not any(r.checks["pelvis_drops"].fault for r in played.counted)
    assert np.nanmax(np.abs(played.stretches[0].measures.column("pelvic_drop_deg"))) < 6


def test_knock_knees_at_rest_are_no_fault():
    """The main false-positive cause of BF5: the baseline removes it."""
    camera = Camera(yaw_deg=90, height_m=1.2)
    at = partial(bridge, knees_in_deg=14.0)
    assert tracked(shot(lambda x: at(STRAIGHT_M * x), camera), "bridge").found("knees_fall_in") == [0, 0, 0]


# --- what is not the exercise ---------------------------------------------------------------------


def moving(at: At) -> np.ndarray:
    return np.stack([at(x) for x in repetitions([Rep(1.0, 0.4, 1.0, 0.4)] * 3)[1]])


OTHERS = {
    "standing still": lambda x: standing(0.0),
    "walking on the spot": lambda x: standing(2 * x - 1),
    "plank with sagging hips": lambda x: plank(0.15 * x),
    "straight-leg raise": lambda x: lying_straight(60 * x),
    "lying straight": lambda x: lying_straight(0.0),
    "hips hinging on straight legs": lambda x: bridge(0.1 * x, rest_knee_deg=12.0),
}


@pytest.mark.parametrize("exercise", ["bridge", "clam"])
@pytest.mark.parametrize("what", OTHERS)
@pytest.mark.parametrize("yaw", [0, 40])
def test_other_movements_are_no_repetitions(exercise, what, yaw):
    points = moving(OTHERS[what])
    camera = Camera(yaw_deg=yaw, height_m=0.6, distance_m=3.5, target=(0.3, 0.4, 0))
    track = film(points, np.arange(len(points)) / 30, camera, noise_px=1.0, noise_m=0.01, rho=0.8)
    assert tracked(track, exercise).counted == []


@pytest.mark.parametrize(("exercise", "at"), [("clam", bridge_at), ("bridge", clam_at)])
@pytest.mark.parametrize("yaw", [0, 40])
def test_one_exercise_is_not_the_other(exercise, at, yaw):
    assert tracked(shot(at, Camera(yaw_deg=yaw)), exercise).counted == []


@pytest.mark.parametrize(("exercise", "at"), [("bridge", bridge_at), ("clam", clam_at)])
def test_lying_in_position_without_moving_is_no_repetition(exercise, at):
    time_s = np.arange(240) / 30
    points = np.stack([at(0.0)] * len(time_s))
    for seed in range(2):
        track = film(points, time_s, SIDE, noise_px=3.0, noise_m=0.01, rho=0.9, seed=seed)
        assert tracked(track, exercise).reps == []


def test_a_knee_dropping_out_in_a_bridge_position_is_no_bridge():
    """The legs move, the pelvis does not."""
    points = moving(lambda x: bridge(0.0, knees_in_deg=-25 * x))
    assert tracked(film(points, np.arange(len(points)) / 30, SIDE), "bridge").counted == []


def test_standing_up_after_the_set_adds_nothing():
    bridges = shot(bridge_at, SIDE)
    walking = moving(lambda x: standing(2 * x - 1))
    upright = film(walking, np.arange(len(walking)) / 30, Camera(distance_m=4.0, target=(0.3, 0.6, 0)))
    assert len(tracked(joined(bridges, upright), "bridge").counted) == 3
    assert len(tracked(joined(upright, bridges), "bridge").counted) == 3


def test_swapping_all_labels_is_another_body_and_not_a_reason_to_fail():
    track = shot(bridge_at, SIDE)
    whole = film(
        swap_sides(np.stack([bridge_at(x) for x in repetitions(REPS)[1]])), track.time_s, SIDE,
        visibility={L.RIGHT_KNEE: 0.2},
    )  # fmt: skip
    played = tracked(whole, "bridge")
    assert played.reference.near == "left"
    assert len(played.counted) == 3
