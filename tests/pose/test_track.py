"""Tracks: stacking results, splitting at cuts, zero-phase smoothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skeleton import Camera, Rep, ar1, bridge, film, joined, minimum_jerk, poses, repetitions, results

from formcheck.pose.landmarks import PoseResult
from formcheck.pose.track import Track, smooth

SIDE = Camera(height_m=0.3)


def bridges(fps: float = 30.0, **options: object) -> Track:
    time_s, level, _ = repetitions([Rep(1.0, 0.6, 1.0, 0.6)] * 2, fps=fps)
    return film(np.stack([bridge(0.17 * x) for x in level]), time_s, SIDE, **options)  # type: ignore[arg-type]


def moved(track: Track, dx: float) -> Track:
    return replace(track, image_xyz=track.image_xyz + np.array([dx, 0, 0], np.float32))


# --- stacking -------------------------------------------------------------------------------------


def test_results_are_stacked_and_empty_frames_are_empty():
    missing = np.zeros(len(bridges()), bool)
    missing[[3, 4, 50]] = True
    track = bridges(missing=missing)
    found = results(track)
    found[4] = replace(found[4], rejected="teleport", people_seen=2)
    back = Track.from_results(iter(found), track.image_wh)
    assert len(back) == len(track)
    np.testing.assert_array_equal(back.time_s, track.time_s)
    np.testing.assert_array_equal(back.person, ~missing)
    np.testing.assert_array_equal(back.image_xyz, track.image_xyz)
    np.testing.assert_array_equal(back.world_xyz, track.world_xyz)
    np.testing.assert_array_equal(back.visibility, track.visibility)
    assert np.flatnonzero(back.rejected).tolist() == [4]
    assert back.people_seen.max() == 2
    assert np.isnan(back.image_xyz[3]).all()
    assert (back.visibility[3] == 0).all()
    assert back.image_xyz.dtype == back.world_xyz.dtype == np.float32


def test_a_mirrored_second_reading_moves_the_first_half_way():
    track = bridges()
    found = results(track)
    for i, pose in enumerate(poses(track)):
        second = replace(pose, image_xyz=pose.image_xyz + 4, world_xyz=pose.world_xyz + np.float32(0.02))
        if i % 5 == 0:
            found[i] = replace(found[i], mirrored=second)
    back = Track.from_results(found, track.image_wh)
    np.testing.assert_allclose(back.image_xyz, track.image_xyz + 2, atol=1e-3)
    np.testing.assert_allclose(back.world_xyz, track.world_xyz + 0.01, atol=1e-5)


def test_nothing_at_all():
    empty = Track.from_results([], (640, 480))
    assert len(empty) == 0
    assert empty.fps == 0.0
    assert empty.stretches() == []
    nobody = Track.from_results([PoseResult(i / 30, i, None) for i in range(5)], (640, 480))
    assert nobody.stretches() == []
    xy, world = smooth(nobody)
    assert np.isnan(xy).all()
    assert np.isnan(world).all()


@pytest.mark.parametrize("fps", [12.5, 30, 59.94])
def test_frame_rate_is_the_median_and_a_gap_does_not_change_it(fps):
    track = bridges(fps=fps)
    assert track.fps == pytest.approx(fps)
    late = track.time_s + np.where(np.arange(len(track)) > 40, 5.0, 0.0)
    assert replace(track, time_s=late).fps == pytest.approx(fps)


def test_a_part():
    track = bridges()
    part = track.part(slice(10, 25))
    assert len(part) == 15
    np.testing.assert_array_equal(part.image_xyz, track.image_xyz[10:25])
    np.testing.assert_array_equal(part.time_s, track.time_s[10:25])
    assert part.image_wh == track.image_wh


# --- stretches ------------------------------------------------------------------------------------


def test_one_take_is_one_stretch_from_the_first_to_the_last_frame_with_a_person():
    missing = np.zeros(len(bridges()), bool)
    missing[:7] = missing[-4:] = missing[60:75] = True
    track = bridges(missing=missing)
    assert track.stretches() == [slice(7, len(track) - 4)]


@pytest.mark.parametrize(("gone_s", "parts"), [(1.5, 1), (2.5, 2)])
def test_a_long_absence_splits(gone_s, parts):
    one, other = bridges(), bridges()
    found = joined(one, other, pause_s=gone_s).stretches()
    assert len(found) == parts
    assert found[-1].stop == 2 * len(one)


def test_a_cut_splits_and_a_step_of_a_shaky_point_does_not():
    one, other = bridges(), moved(bridges(), 400)
    assert joined(one, other).stretches() == [slice(0, len(one)), slice(len(one), 2 * len(one))]
    shaken = one.image_xyz.copy()
    shaken[40, [25, 26]] += 300
    assert replace(one, image_xyz=shaken).stretches() == [slice(0, len(one))]


def test_legs_that_jump_under_shoulders_that_stay_do_not_split():
    one = bridges()
    flipped = one.image_xyz.copy()
    flipped[40:, 25:33] += 300  # another reading of the same legs, from here on
    assert replace(one, image_xyz=flipped).stretches() == [slice(0, len(one))]


def test_a_small_step_does_not_split():
    assert len(joined(bridges(), moved(bridges(), 25)).stretches()) == 1


# --- smoothing ------------------------------------------------------------------------------------


def knee(xy: np.ndarray) -> np.ndarray:
    return xy[:, 26]


@pytest.mark.parametrize("fps", [15, 24, 30, 60])
def test_a_movement_passes_without_delay_or_loss(fps):
    track = bridges(fps=fps)
    xy, world = smooth(track)
    assert np.abs(xy - track.image_xyz[..., :2]).max() < 1.5
    assert np.abs(world - track.world_xyz).max() < 0.006
    assert xy.dtype == world.dtype == np.float32


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_noise_is_taken_away(rho):
    clean, noisy = bridges(), bridges(noise_px=3.0, noise_m=0.01, rho=rho, seed=2)
    xy, world = smooth(noisy)
    before = np.abs(noisy.image_xyz[..., :2] - clean.image_xyz[..., :2]).mean()
    after = np.abs(xy - clean.image_xyz[..., :2]).mean()
    assert after < (0.75 if rho == 0 else 0.9) * before
    assert np.abs(world - clean.world_xyz).mean() < np.abs(noisy.world_xyz - clean.world_xyz).mean()


def test_it_has_no_direction_in_time():
    track = bridges(noise_px=3.0, seed=4)
    back = replace(track, image_xyz=track.image_xyz[::-1].copy(), world_xyz=track.world_xyz[::-1].copy())
    np.testing.assert_allclose(smooth(back)[0][::-1], smooth(track)[0], atol=0.1)


def test_frames_without_a_person_stay_empty_and_the_others_do_not_care():
    missing = np.zeros(len(bridges()), bool)
    missing[50:54] = True  # short: bridged inside the filter
    missing[90:110] = True  # long: two runs
    whole, holed = bridges(), bridges(missing=missing)
    xy, world = smooth(holed)
    assert (np.isnan(xy).any(axis=(1, 2)) == missing).all()
    assert (np.isnan(world).any(axis=(1, 2)) == missing).all()
    assert np.abs(xy[~missing] - whole.image_xyz[~missing, :, :2]).max() < 4.0


def test_irregular_times():
    rng = np.random.default_rng(0)
    time_s = np.cumsum(rng.uniform(0.5, 1.5, 150)) / 30
    level = minimum_jerk((time_s - 1.5) / 1.5)
    points = np.stack([bridge(0.17 * x) for x in level])
    clean = film(points, time_s, SIDE)
    noise = ar1(clean.image_xyz.shape, 2.0, 0.0, rng).astype(np.float32)
    xy, _ = smooth(replace(clean, image_xyz=clean.image_xyz + noise))
    assert np.abs(xy - clean.image_xyz[..., :2]).mean() < 0.8 * np.abs(noise[..., :2]).mean()


@pytest.mark.parametrize("frames", [1, 2, 7, 8, 9, 20])
def test_short_runs_are_left_or_filtered_but_never_lost(frames):
    track = bridges().part(slice(0, frames))
    xy, world = smooth(track)
    assert np.isfinite(xy).all()
    assert np.isfinite(world).all()
    assert np.abs(xy - track.image_xyz[..., :2]).max() < 1.0
