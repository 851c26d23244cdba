"""What is counted as an exercise, what is not and is told, and what doubtful or trimmed clips do to both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from skeleton import (
    UP,
    Camera,
    L,
    Rep,
    Z,
    bridge,
    bridge_lift_for,
    clam,
    film,
    joined,
    leg_raise,
    repetitions,
    rotated,
    standing,
)
from stored_session import judged
from tracked import tracked

from formcheck.engine.baseline import prepare
from formcheck.exercises.definition import load_definition
from formcheck.measures.table import Status
from formcheck.pose.track import Track

STRAIGHT_M = bridge_lift_for(178.0)
SIDE, FRONT = Camera(yaw_deg=4, height_m=0.3), Camera(yaw_deg=-2, height_m=0.35)
REPS = [Rep(1.3, 0.8, 1.3, 0.9)] * 3
At = Callable[[float], np.ndarray]
UPPER = [p for p in L if p <= L.RIGHT_THUMB]
LOWER = [p for p in L if p >= L.LEFT_KNEE]


def shot(at: At, camera: Camera, reps: list[Rep] = REPS, lead_s: float = 1.5, **options: object) -> Track:
    time_s, level, _ = repetitions(reps, lead_s=lead_s)
    return film(np.stack([at(x) for x in level]), time_s, camera, **options)  # type: ignore[arg-type]


def bridge_at(level: float) -> np.ndarray:
    return bridge(STRAIGHT_M * level)


def folded(points: np.ndarray, part: list[L], deg: float) -> np.ndarray:
    """A part of the body turned up about the hips."""
    hips = (points[L.LEFT_HIP] + points[L.RIGHT_HIP]) / 2
    points[part] = rotated(points[part], Z, deg, hips)
    return points


def crunch(level: float) -> np.ndarray:
    """Shoulders and head come up; the hips' points in the picture rise a little with them."""
    return folded(bridge(0.4 * STRAIGHT_M * level), UPPER, -30 * level)


def legs_up(level: float) -> np.ndarray:
    """Both bent legs come up, and the pelvis a little with them."""
    return folded(bridge(0.4 * STRAIGHT_M * level), LOWER, 40 * level)


def swings(level: float) -> np.ndarray:
    """The shoulders come up and are down again each time that the hips' points are highest or lowest."""
    return folded(bridge(0.4 * STRAIGHT_M * level), UPPER, -100 * level * (1 - level))


def side_plank(level: float) -> np.ndarray:
    """The hips come off the floor, and the top knee with them."""
    points = clam(10 * level)
    points[[L.LEFT_HIP, L.RIGHT_HIP]] += 0.3 * level * UP
    return points


# --- other movements ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exercise", "at", "told"),
    [
        ("bridge", crunch, "the shoulders left their place"),
        ("bridge", swings, "the shoulders left their place"),
        ("bridge", legs_up, "the feet left their place"),
        ("hamstring-stretch", lambda x: leg_raise(140 * x), "it went further than this exercise goes"),
        ("clam", lambda x: folded(clam(25 * x), UPPER, -35 * x), "the shoulders left their place"),
        ("clam", side_plank, "the hips left their place"),
    ],
    ids=["crunch", "swinging", "legs up", "too far", "sitting up sideways", "side plank"],
)
def test_another_movement_is_not_counted_and_told(exercise: str, at: At, told: str) -> None:
    camera = FRONT if exercise == "clam" else SIDE
    summary = judged(shot(at, camera), exercise).summary
    assert [r.class_ for r in summary.reps if r.class_ in ("full", "partial")] == []
    (line,) = [w for w in summary.warnings if "was not counted" in w]
    assert told in line
    assert line.count(" to ") == 3  # when each of them was


@pytest.mark.parametrize(("at", "exercise"), [(bridge_at, "bridge"), (lambda x: clam(32 * x), "clam")])
def test_the_exercise_itself_is_counted_and_nothing_told(at: At, exercise: str) -> None:
    summary = judged(shot(at, FRONT if exercise == "clam" else SIDE), exercise).summary
    assert [r.class_ for r in summary.reps] == ["full"] * 3
    assert not any("not counted" in w or "Nothing was judged" in w for w in summary.warnings)


@pytest.mark.parametrize(("yaw_deg", "counted"), [(0, 0), (35, 3)])
def test_from_a_corner_the_hips_may_follow_the_knee_further(yaw_deg: float, counted: int) -> None:
    """As BlazePose draws them there."""

    def drawn(level: float) -> np.ndarray:
        points = clam(25 * level)
        points[[L.LEFT_HIP, L.RIGHT_HIP]] += 0.14 * level * UP
        return points

    played = tracked(shot(drawn, Camera(yaw_deg=yaw_deg, height_m=0.35)), "clam")
    assert len(played.counted) == counted


def test_among_bridges_only_the_crunch_is_left_out() -> None:
    time_s, level, _ = repetitions([Rep(1.3, 0.8, 1.3, 0.9)] * 5)
    second = np.arange(len(time_s)) / len(time_s)
    points = [
        crunch(x) if 0.42 < share < 0.62 else bridge_at(x) for x, share in zip(level, second, strict=True)
    ]
    summary = judged(film(np.stack(points), time_s, SIDE), "bridge").summary
    counted = [r for r in summary.reps if r.class_ in ("full", "partial")]
    assert len(counted) == 4
    (line,) = [w for w in summary.warnings if "was not counted" in w]
    assert line.count(" to ") == 1


def test_the_free_foot_of_a_single_leg_bridge_goes_where_it_likes() -> None:
    track = shot(lambda x: bridge(STRAIGHT_M * x, stance="right" if x > 0.05 else None), SIDE)
    assert load_definition("single-leg-bridge").counting.stays["feet"] == 0
    assert tracked(track, "single-leg-bridge", side="right").classes == ["full"] * 3


# --- posture --------------------------------------------------------------------------------------


def hidden(level: float, towards_deg: float) -> np.ndarray:
    """A single-leg bridge whose standing leg is hidden: both are drawn straight up, and turn by so much."""
    points = bridge(STRAIGHT_M * level, stance="right")
    hips = (points[L.LEFT_HIP] + points[L.RIGHT_HIP]) / 2
    for side, hip in (("LEFT", L.LEFT_HIP), ("RIGHT", L.RIGHT_HIP)):
        leg = [L[f"{side}_{part}"] for part in ("KNEE", "ANKLE", "HEEL", "FOOT_INDEX")]
        for k, point in enumerate(leg):
            points[point] = points[hip] + UP * (0.42, 0.82, 0.85, 0.95)[k]
        points[leg] = rotated(points[leg], Z, towards_deg * level, hips)
    return points


@pytest.mark.parametrize(("towards_deg", "counted"), [(-50.0, 3), (25.0, 0), (50.0, 0)])
def test_a_hidden_standing_leg_is_told_by_where_the_free_one_goes(towards_deg: float, counted: int) -> None:
    """Towards the feet, until it lies in line with the trunk; towards the head it is a reverse crunch."""
    time_s, level, _ = repetitions(REPS, lead_s=5.0)
    points = [
        bridge(0.0, stance="right") if t < 2.5 else hidden(x, towards_deg)
        for t, x in zip(time_s, level, strict=True)
    ]
    summary = judged(film(np.stack(points), time_s, SIDE), "single-leg-bridge", side="right").summary
    assert [r.class_ for r in summary.reps if r.class_ in ("full", "partial")] == ["full"] * counted
    told = [w for w in summary.warnings if "was not counted" in w]
    assert len(told) == (not counted)


@pytest.mark.parametrize(("deg", "counted"), [(10.0, True), (60.0, False)])
def test_a_reverse_crunch_is_no_single_leg_bridge(deg: float, counted: bool) -> None:
    track = shot(lambda x: folded(bridge(STRAIGHT_M * x), LOWER, deg * x), SIDE)
    summary = judged(track, "single-leg-bridge", side="right").summary
    assert bool([r for r in summary.reps if r.class_ in ("full", "partial")]) is counted
    assert any("the knees left their place" in w for w in summary.warnings) is not counted


def upright_for_a_while(track: Track, start_s: float, end_s: float) -> Track:
    """The model's depth says another posture for a while; in the picture nothing is different."""
    world = track.world_xyz.copy()
    inside = (track.time_s >= start_s) & (track.time_s < end_s)
    world[inside] = world[inside][..., [1, 0, 2]]
    return replace(track, world_xyz=world)


def test_the_posture_stays_while_the_shoulders_lie_where_they_lay() -> None:
    track = upright_for_a_while(shot(bridge_at, SIDE, [Rep(1.3, 0.8, 1.3, 0.9)] * 6), 6.0, 14.0)
    (stretch,) = prepare(track, load_definition("bridge"))
    inside = (track.time_s > 6.5) & (track.time_s < 13.5)
    assert not stretch.in_shape[inside].any()
    assert stretch.posture.all()


def test_somebody_who_stands_up_has_left_the_posture_and_it_is_told() -> None:
    lying = shot(bridge_at, SIDE)
    walk = film(np.stack([standing(np.sin(i / 5)) for i in range(180)]), np.arange(180) / 30, SIDE)
    track = joined(lying, walk, lying)
    analysis = judged(track)
    assert len([r for r in analysis.summary.reps if r.class_ == "full"]) == 6
    (line,) = [w for w in analysis.summary.warnings if w.startswith("Nothing was judged")]
    start, end = lying.time_s[-1], lying.time_s[-1] + 6.0
    told = [float(s) for s in line.split(": ")[1].removesuffix(" s.").split(" to ")]
    assert told == pytest.approx([start, end], abs=1.0)


# --- the camera's pitch ---------------------------------------------------------------------------


@pytest.mark.parametrize("pitch_deg", [0, 20, 40])
@pytest.mark.parametrize("exercise", ["bridge", "clam"])
def test_a_camera_that_looks_down_sees_the_posture(exercise: str, pitch_deg: float) -> None:
    turn = np.radians(pitch_deg)
    camera = Camera(
        yaw_deg=0, distance_m=2.4 * np.cos(turn), height_m=0.25 + 2.4 * np.sin(turn), target=(0.25, 0.25, 0.0)
    )
    at: At = bridge_at if exercise == "bridge" else lambda x: clam(32 * x)
    (stretch,) = prepare(shot(at, camera), load_definition(exercise))
    assert stretch.in_shape.mean() > 0.9
    assert stretch.reference is not None
    assert len(tracked(shot(at, camera), exercise).counted) == 3


# --- doubtful frames ------------------------------------------------------------------------------


def test_doubtful_frames_are_neither_rest_nor_range() -> None:
    """A limb taken for another: lower than rest for a while, and then, four times, higher than anything."""
    track = shot(bridge_at, SIDE, lead_s=12.0)
    plain = tracked(track, "bridge")
    apart = np.full(len(track), 0.04)
    image = track.image_xyz.copy()
    for start_s, for_s, down_px in ((1.0, 2.5, 40.0), *((4.5 + 1.5 * i, 0.8, -150.0) for i in range(4))):
        inside = (track.time_s >= start_s) & (track.time_s < start_s + for_s)
        image[inside, L.LEFT_HIP : L.RIGHT_HIP + 1, 1] += down_px
        apart[(track.time_s >= start_s - 0.2) & (track.time_s < start_s + for_s + 0.2)] = 0.5
    spoilt = tracked(replace(track, image_xyz=image, disagreement=apart), "bridge")
    believed = tracked(replace(track, image_xyz=image), "bridge")
    assert spoilt.reference.range == pytest.approx(plain.reference.range, rel=0.05)
    assert spoilt.reference.rest["pelvic_height"] == pytest.approx(
        plain.reference.rest["pelvic_height"], abs=0.02
    )
    # Taken at their word, they would have been.
    assert believed.reference.range != pytest.approx(plain.reference.range, rel=0.05)
    # What the doubtful frames show is no more than doubtful.
    start_s = 11.0
    assert [r.times.rep_class for r in spoilt.reps if r.times.start_s > start_s] == ["full"] * 3
    assert all(r.confidence < 0.5 for r in spoilt.reps if r.times.start_s <= start_s)


@pytest.mark.parametrize(("doubtful_share", "measured"), [(0.7, True), (1.0, False)])
def test_a_stretch_is_refused_only_where_hardly_any_frame_can_be_believed(
    doubtful_share: float, measured: bool
) -> None:
    track = shot(bridge_at, SIDE, lead_s=4.0)
    apart = np.where(np.arange(len(track)) < (1 - doubtful_share) * len(track), 0.04, 0.14)
    (stretch,) = prepare(replace(track, disagreement=apart), load_definition("bridge"))
    assert (stretch.reference is not None) == measured
    assert bool(stretch.warnings) != measured
    if not measured:
        assert "contradict each other" in stretch.warnings[0]


def test_nothing_is_learned_while_a_skeleton_settles_on_the_body() -> None:
    track = shot(bridge_at, SIDE, lead_s=4.0)
    gone = (track.time_s >= 1.0) & (track.time_s < 1.6)
    image = track.image_xyz.copy()
    coming = (track.time_s >= 1.6) & (track.time_s < 1.95)
    image[coming, L.LEFT_HIP : L.RIGHT_HIP + 1, 1] += 80.0
    image[gone] = np.nan
    spoilt = replace(track, image_xyz=image, person=track.person & ~gone)
    rest = tracked(spoilt, "bridge").reference.rest["pelvic_height"]
    assert rest == pytest.approx(tracked(track, "bridge").reference.rest["pelvic_height"], abs=0.02)


def test_a_body_that_is_back_at_once_where_it_lay_is_believed() -> None:
    """Single pictures in which nobody is found: three a second, all the time."""
    track = shot(bridge_at, SIDE, lead_s=2.0)
    gone = np.arange(len(track)) % 10 == 0
    image = track.image_xyz.copy()
    image[gone] = np.nan
    flickers = tracked(replace(track, image_xyz=image, person=track.person & ~gone), "bridge")
    assert flickers.classes == ["full"] * 3
    assert all(r.confidence > 0.8 for r in flickers.reps)
    # What comes back somewhere else each time is not.
    image[np.flatnonzero(gone) + 1, :, 1] += 60.0
    jumps = tracked(replace(track, image_xyz=image, person=track.person & ~gone), "bridge")
    assert all(r.confidence < 0.5 for r in jumps.reps)


# --- rest -----------------------------------------------------------------------------------------


def without_rest() -> Track:
    time_s = np.arange(400) / 30
    level = 0.5 - 0.5 * np.cos(2 * np.pi * time_s / 1.6)
    return film(np.stack([bridge_at(x) for x in level]), time_s, SIDE, noise_px=0.5)


def test_a_trimmed_clip_takes_its_lowest_moments_for_rest_and_is_less_sure() -> None:
    played = tracked(without_rest(), "bridge")
    rested = tracked(shot(bridge_at, SIDE, noise_px=0.5), "bridge")
    assert not played.reference.still
    assert len(played.counted) in (7, 8)  # the last one is cut off
    assert played.reference.range == pytest.approx(rested.reference.range, rel=0.1)
    trimmed, still = (p.stretches[0].measures for p in (played, rested))
    height = trimmed.names.index("pelvic_height")
    assert (trimmed.status[:, height] != Status.NOT_MEASURABLE).all()
    scatter, calm = (p.reference.noise_sd["pelvic_height"] for p in (played, rested))
    assert scatter > 2 * calm
    error = load_definition("bridge").measures["pelvic_height"].error["side"]
    assert trimmed.sd_of("pelvic_height").min() >= np.hypot(error, scatter) - 1e-9
    assert still.sd_of("pelvic_height").max() < trimmed.sd_of("pelvic_height").min()


def test_a_trimmed_clip_is_told() -> None:
    warnings = judged(without_rest()).summary.warnings
    assert any("the lowest moments between repetitions were taken for it" in w for w in warnings)


@pytest.mark.parametrize("up_m", [0.05, -0.05])
def test_the_level_of_rest_follows_a_person_who_lies_elsewhere_after_a_while(up_m: float) -> None:
    time_s, level, _ = repetitions([Rep(1.3, 0.8, 1.3, 3.0)] * 6)
    moved = np.clip((time_s - 19.0) / 0.4, 0, 1)  # between the third and the fourth
    points = np.stack([bridge_at(x) + up_m * m * UP for x, m in zip(level, moved, strict=True)])
    played = tracked(film(points, time_s, SIDE), "bridge")
    assert played.classes == ["full"] * 6
    peaks = [r.times.peak for r in played.reps]
    assert peaks[:2] + peaks[4:] == pytest.approx([1.0] * 4, abs=0.05)
    assert peaks == pytest.approx([1.0] * 6, abs=0.15)  # beside the move rest is not known so well
    assert max(r.times.low_after for r in played.reps) < 0.1


# --- what is out of the picture -------------------------------------------------------------------


def test_the_lower_knee_of_a_clam_may_be_out_of_the_picture() -> None:
    track = shot(lambda x: clam(32 * x), FRONT)
    image = track.image_xyz.copy()
    image[:, L.RIGHT_KNEE, 1] = track.image_wh[1] + 40.0
    played = tracked(replace(track, image_xyz=image), "clam", side="left")
    assert played.classes == ["full"] * 3
    assert played.stretches[0].measures.ok("knee_lift").mean() > 0.95
    for result in played.reps:  # what does need it is not told
        assert not result.checks["top_knee_drifts"].checked


FEET = [L.LEFT_ANKLE, L.RIGHT_ANKLE, L.LEFT_HEEL, L.RIGHT_HEEL, L.LEFT_FOOT_INDEX, L.RIGHT_FOOT_INDEX]


@pytest.mark.parametrize(("outside", "counted"), [(True, 3), (False, 0)])
def test_feet_out_of_the_picture_cannot_be_told_to_have_left_their_place(outside: bool, counted: int) -> None:
    """There the model guesses them, and its guess follows the knees."""
    level = repetitions(REPS, lead_s=1.5)[1]
    track = shot(bridge_at, SIDE)
    x = track.image_xyz[:, FEET, 0]
    away = np.sign(x.mean() - track.image_xyz[:, L.LEFT_HIP, 0].mean())
    assert away > 0  # else the picture would have to be cut on the other side
    image = track.image_xyz.copy()
    image[:, FEET, 0] = x + 0.2 * np.ptp(image[0, :, 0]) * level[:, None]
    wide = int(x[0].min()) if outside else 4 * track.image_wh[0]
    played = tracked(replace(track, image_xyz=image, image_wh=(wide, track.image_wh[1])), "bridge")
    assert len(played.counted) == counted


def test_a_reverse_crunch_is_no_bridge_though_its_feet_are_out_of_the_picture() -> None:
    track = shot(legs_up, SIDE)
    image = track.image_xyz.copy()
    image[:, FEET, 1] = -40.0
    played = tracked(replace(track, image_xyz=image), "bridge")
    assert played.counted == []
