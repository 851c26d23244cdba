"""The One-Euro filter: calm at rest, quick in motion, whatever the frame rate; SciPy's filters in ours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import median_filter, uniform_filter1d
from scipy.signal import butter, sosfiltfilt
from skeleton import minimum_jerk

from formcheck.pose.smoothing import OneEuro, median_over, running_mean, running_median, zero_phase


def run(values: np.ndarray, fps: float = 30.0, beta: float = 0.0, cutoff: float = 1.0, scale: float = 1.0):
    smooth = OneEuro(cutoff, beta)
    return np.array([smooth(v, i / fps, scale) for i, v in enumerate(values)])


def test_the_first_sample_passes_unchanged_and_a_constant_stays():
    assert OneEuro(1.0, 0.0)(np.array([7.5, -2.0]), 3.0).tolist() == [7.5, -2.0]
    np.testing.assert_allclose(run(np.full((20, 3), 7.5)), 7.5)


def test_noise_at_rest_is_calmed():
    noise = np.random.default_rng(0).normal(0, 1, (600, 4))
    assert run(noise)[60:].std() < 0.45
    assert run(noise, cutoff=0.3)[60:].std() < run(noise, cutoff=3.0)[60:].std()


def test_beta_lets_it_follow_a_quick_movement():
    t = np.arange(0, 2, 1 / 30)
    step = 100 * minimum_jerk((t - 0.5) / 0.5)

    def lag(beta: float) -> float:
        out = run(step[:, None], beta=beta)[:, 0]
        return float(np.interp(50, out, t) - np.interp(50, step, t))

    assert lag(0.0) > 0.1
    assert lag(0.1) < 0.05
    assert lag(0.0) > lag(0.005) > lag(0.1) > 0


def test_the_output_never_leaves_the_range_of_the_input():
    values = np.random.default_rng(1).uniform(-5, 9, (400, 2))
    out = run(values, beta=0.05)
    assert out.min() >= -5
    assert out.max() <= 9


@pytest.mark.parametrize("fps", [15, 60])
def test_the_frame_rate_makes_little_difference(fps):
    def at(rate: float) -> np.ndarray:
        t = np.arange(0, 3, 1 / rate)
        return np.interp([0.8, 1.0, 1.5, 2.0], t, run(minimum_jerk((t - 0.5) / 1.0)[:, None], rate)[:, 0])

    assert at(fps) == pytest.approx(at(240), abs=0.06)


@given(st.floats(0.01, 100))
def test_with_the_bodys_size_as_scale_near_and_far_are_treated_alike(k):
    t = np.arange(0, 1, 1 / 30)
    values = minimum_jerk(t)[:, None]
    np.testing.assert_allclose(
        run(k * values, beta=2.0, scale=k), k * run(values, beta=2.0), rtol=1e-9, atol=1e-12
    )


def test_each_coordinate_by_itself():
    both = np.stack([np.zeros(30), np.linspace(0, 50, 30)], 1)
    out = run(both, beta=0.5)
    assert (out[:, 0] == 0).all()
    assert out[:, 1] == pytest.approx(run(both[:, 1:], beta=0.5)[:, 0])


def test_a_sample_from_the_past_passes_and_is_forgotten():
    smooth = OneEuro(1.0, 0.0)
    smooth(np.array([0.0]), 1.0)
    before = smooth(np.array([1.0]), 1.1)
    assert smooth(np.array([99.0]), 1.1).tolist() == [99.0]
    assert smooth(np.array([99.0]), 0.5).tolist() == [99.0]
    after = smooth(np.array([1.0]), 1.2)
    assert before[0] < after[0] < 1.0


def test_it_is_the_published_filter():
    """Casiez, Roussel and Vogel, CHI 2012, algorithm 1, written out for one number."""

    def alpha(cutoff: float, dt: float) -> float:
        r = 2 * np.pi * cutoff * dt
        return r / (r + 1)

    values = np.random.default_rng(3).normal(0, 5, 60).cumsum()
    times = np.cumsum(np.random.default_rng(4).uniform(0.01, 0.06, 60))
    smooth, got, wanted = OneEuro(1.2, 0.03, 0.8), [], [values[0]]
    speed, level = 0.0, values[0]
    for i in range(1, 60):
        dt = times[i] - times[i - 1]
        a = alpha(0.8, dt)
        speed = a * (values[i] - values[i - 1]) / dt + (1 - a) * speed
        a = alpha(1.2 + 0.03 * abs(speed), dt)
        level = a * values[i] + (1 - a) * level
        wanted.append(level)
    for v, t in zip(values, times, strict=True):
        got.append(float(smooth(np.array([v]), t)[0]))
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


def test_reset_starts_afresh():
    smooth = OneEuro(1.0, 0.0)
    smooth(np.array([0.0]), 0.0)
    smooth(np.array([0.0]), 0.1)
    smooth.reset()
    assert smooth(np.array([5.0]), 0.2).tolist() == [5.0]


# --- for recordings -------------------------------------------------------------------------------------


def wandering(count: int, rows: int = 5) -> np.ndarray:
    """Courses of landmarks, pixels: random walks with jitter, as far from smooth as they get."""
    rng = np.random.default_rng(count)
    return 500 + np.cumsum(rng.normal(0, 3, (rows, count)), axis=1) + rng.normal(0, 2, (rows, count))


@pytest.mark.parametrize("fps", [25.0, 29.97, 30.0, 60.0, 120.0])
@pytest.mark.parametrize("count", [31, 100, 997, 5000])
def test_zero_phase_is_a_butterworth_filter_run_to_and_fro(count, fps):
    values = wandering(count)
    twice = sosfiltfilt(
        butter(2, 6.0, fs=fps, output="sos"), values, axis=1, padlen=min(count - 1, int(fps / 2))
    )
    assert np.abs(zero_phase(values, fps, 6.0) - twice)[:, 5:-5].max() < 2e-3
    if count > fps:
        assert np.abs(zero_phase(values, fps, 6.0) - twice).max() < 1e-4


@pytest.mark.parametrize("frequency", [0.5, 3.0, 6.0, 9.0, 14.0])
def test_zero_phase_leaves_of_each_frequency_what_the_formula_says(frequency):
    t = np.arange(1800) / 30.0
    wave = np.sin(2 * np.pi * frequency * t)[None]
    left = np.tan(np.pi * frequency / 30.0) / np.tan(np.pi * 6.0 / 30.0)
    # No lag: the wave stays in place, only smaller.
    middle = slice(60, -60)
    np.testing.assert_allclose(
        zero_phase(wave, 30.0, 6.0)[:, middle], wave[:, middle] / (1 + left**4), atol=1e-6
    )


@pytest.mark.parametrize("fps", [0.5, 1.0, 5.0, 30.0, 9000.0])
def test_zero_phase_keeps_what_does_not_move_and_goes_on_evenly_at_the_ends(fps):
    still, even = np.full((1, 40), 7.5), np.arange(40.0)[None]
    cutoff = min(6.0, 0.4 * fps)
    np.testing.assert_allclose(zero_phase(still, fps, cutoff), still)
    if fps == 30.0:  # the slope goes on beyond the ends for half a second only
        np.testing.assert_allclose(zero_phase(even, fps, cutoff), even, atol=1e-3)


def test_a_course_is_filtered_alike_alone_and_among_others():
    values = wandering(300)
    np.testing.assert_array_equal(zero_phase(values, 30.0, 6.0)[2], zero_phase(values[2:3], 30.0, 6.0)[0])


@pytest.mark.parametrize("width", [1, 2, 3, 4, 15])
@pytest.mark.parametrize("count", [1, 4, 200])
def test_running_mean_is_scipys(count, width):
    values = wandering(count, 1)[0]
    np.testing.assert_allclose(
        running_mean(values, width), uniform_filter1d(values, size=width, mode="nearest"), rtol=1e-12
    )


@pytest.mark.parametrize("width", [1, 3, 5])
def test_running_median_is_scipys(width):
    values = wandering(50).T.astype(np.float32)
    ours = running_median(values, width)
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, median_filter(values, size=(width, 1), mode="nearest"))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_the_median_of_a_few_arrays_is_numpys(count: int) -> None:
    few = list(np.random.default_rng(count).normal(0, 9, (count, 33, 3)).astype(np.float32))
    got = median_over(few)
    assert got.dtype == np.float32
    assert np.array_equal(got, np.median(few, axis=0))
