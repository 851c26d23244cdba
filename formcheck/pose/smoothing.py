"""Filters for landmarks: One-Euro while live, zero-phase Butterworth for recordings."""

from __future__ import annotations

import math

import numpy as np
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


def _alpha(cutoff, dt):  # type: ignore[no-untyped-def]
    return 1.0 / (1.0 + 1.0 / (2 * math.pi * cutoff * dt))
