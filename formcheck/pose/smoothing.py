"""Filters for landmarks: One-Euro while live, zero-phase Butterworth for recordings; running mean and median.

All of it is numpy's work, and the numbers are those of ``scipy.signal`` and ``scipy.ndimage``
(tests/pose/test_smoothing.py compares them): only to load SciPy takes longer than to judge ten minutes again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.fft import irfft, rfft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray


class OneEuro:
    """One-Euro filter over an array of coordinates (Casiez, Roussel and Vogel, CHI 2012).

    Args:
        min_cutoff: Hz, cut-off while nothing moves (lower = calmer).
        beta: how much the cut-off rises with speed (higher = less lag).
        derivative_cutoff: Hz, cut-off for the speed itself.
    """

    def __init__(self, min_cutoff: float, beta: float, derivative_cutoff: float = 1.0) -> None:
        self._min_cutoff = min_cutoff
        self._beta = beta
        self._derivative_cutoff = derivative_cutoff
        self.reset()

    def reset(self) -> None:
        """Start afresh: the next value passes unchanged."""
        self._time_s: float | None = None
        self._raw: NDArray[np.float64] | None = None
        self._value: NDArray[np.float64] | None = None
        self._speed: NDArray[np.float64] | None = None

    def __call__(
        self, sample: NDArray[np.floating], time_s: float, scale: float | NDArray[np.float64] = 1.0
    ) -> NDArray[np.float64]:
        """Filter one sample.

        Args:
            sample: coordinates, any shape, the same at each call.
            time_s: timestamp; a sample not later than the one before it passes unchanged.
            scale: size of the body in the units of `sample`, so that speeds compare between near and far;
                one for each of its last axis where the units differ.
        """
        value: NDArray[np.float64] = np.asarray(sample, dtype=np.float64)
        if self._time_s is not None and time_s <= self._time_s:
            return value
        if self._value is None or self._raw is None or self._speed is None or self._time_s is None:
            self._value, self._speed = value, np.zeros_like(value)
        else:
            dt = time_s - self._time_s
            speed = (value - self._raw) / (scale * dt)
            a = _alpha(self._derivative_cutoff, dt)
            self._speed = a * speed + (1 - a) * self._speed
            cutoff = self._min_cutoff + self._beta * np.abs(self._speed)
            a = _alpha(cutoff, dt)
            self._value = a * value + (1 - a) * self._value
        self._raw, self._time_s = value, time_s
        return value if self._value is None else self._value


def zero_phase(values: NDArray[np.float64], fps: float, cutoff_hz: float) -> NDArray[np.float64]:
    """A second-order Butterworth low-pass run forwards and backwards: fourth order in all, no lag.

    Both runs together multiply each frequency f by ``1 / (1 + (tan(pi f / fps) / tan(pi cutoff / fps))^4)``
    (the squared gain of the bilinear transform: Oppenheim and Schafer, Discrete-Time Signal Processing, 7.1),
    and that is how it is done here. Beyond its ends a course goes on turned about them for half a second,
    as in ``scipy.signal.sosfiltfilt``, and then stays where it is.

    Args:
        values: ``(N, T)``, a row for each course over T >= 2 evenly spaced frames.
        fps: frames a second.
        cutoff_hz: frequency at which half of the amplitude is left, below ``fps / 2``.

    Returns:
        ``(N, T)``.
    """
    count = values.shape[1]
    beyond = min(count - 1, max(int(fps / 2), 1))
    size = _quick_size(count + 2 * beyond + 2 * math.ceil(fps))
    # To the transform the start follows on the end. Between them lie the course after the end and, from the
    # back, the one before the start, which meet halfway.
    after, before = count + beyond, size - beyond
    course = np.empty((len(values), size))
    course[:, :count] = values
    course[:, count:after] = 2 * values[:, -1:] - values[:, -2 : -2 - beyond : -1]
    course[:, before:] = 2 * values[:, :1] - values[:, beyond:0:-1]
    halfway = (after + before) // 2
    course[:, after:halfway] = course[:, after - 1 : after]
    course[:, halfway:before] = course[:, before : before + 1]
    turns = np.pi * np.arange(size // 2 + 1) / size
    gain = 1 / (1 + (np.tan(turns) / np.tan(np.pi * cutoff_hz / fps)) ** 4)
    return np.asarray(irfft(rfft(course, axis=1) * gain, size, axis=1)[:, :count])


def _quick_size(least: int) -> int:
    """The smallest power of two, or 3, 5, 9 or 15 times one, from `least` up: quick to transform."""
    return min(odd << max(math.ceil(least / odd) - 1, 0).bit_length() for odd in (1, 3, 5, 9, 15))


def running_mean(values: NDArray[np.floating], width: int) -> NDArray[np.float64]:
    """``(T,)`` mean over the `width` frames around each; beyond the ends, the first and last value."""
    before = width // 2
    padded = np.pad(values.astype(np.float64), (before, width - before - 1), mode="edge")
    sums = np.cumsum(np.concatenate([[0.0], padded]))
    return np.asarray((sums[width:] - sums[:-width]) / width)


def running_median(values: NDArray[np.floating], width: int) -> NDArray[np.floating]:
    """Median of the `width` (odd) rows around each of ``(T, ...)``; beyond the ends, the first and last."""
    around = [(width // 2, width // 2), *[(0, 0)] * (values.ndim - 1)]
    windows = sliding_window_view(np.pad(values, around, mode="edge"), width, axis=0)
    return np.asarray(np.median(windows, axis=-1))


def median_over(values: Sequence[NDArray[np.floating]]) -> NDArray[np.floating]:
    """Median of a few arrays (no NaN), element by element, as ``np.median``, which takes far longer."""
    ordered = np.sort(np.array(values), axis=0)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _alpha(cutoff, dt):  # type: ignore[no-untyped-def]
    return 1.0 / (1.0 + 1.0 / (2 * math.pi * cutoff * dt))
