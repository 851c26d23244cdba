"""Samples of a phone that is turned as asked for, to test with."""

from __future__ import annotations

import numpy as np

from formcheck.phone.sample import RATE, SAMPLE_COUNT, UP, Sample

LEFT, HEAD, FRONT = np.eye(3)
FPS = 60.0


def about(axis: np.ndarray, deg: float) -> np.ndarray:
    """Rotation matrix, right-handed."""
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    a = np.radians(deg)
    return np.eye(3) + np.sin(a) * k + (1 - np.cos(a)) * (k @ k)


def samples(up: np.ndarray, start_s: float, clock_s: float = 0.005) -> np.ndarray:
    """``(N, 9)`` samples from a direction for each, 60 a second; they turn as fast as the directions do."""
    up = np.asarray(up, float)
    up = up / np.linalg.norm(up, axis=1, keepdims=True)
    rows = np.full((len(up), SAMPLE_COUNT), np.nan)
    rows[:, Sample.TIME_S] = rows[:, Sample.PHONE_S] = start_s + np.arange(len(up)) / FPS
    rows[:, UP] = up
    rows[:, RATE] = 0.0
    if len(up) > 1:
        rows[1:, Sample.RATE_X] = np.degrees(np.linalg.norm(np.diff(up, axis=0), axis=1)) * FPS
    rows[:, Sample.CLOCK_S] = clock_s
    return rows


def held(up: np.ndarray, seconds: float, start_s: float, **more: float) -> np.ndarray:
    """One direction for a while."""
    return samples(np.repeat(np.asarray(up, float)[None], round(seconds * FPS), axis=0), start_s, **more)


def worn_up(body_up: np.ndarray, sits: np.ndarray | None = None) -> np.ndarray:
    """Up in the phone, of a body in which it is `body_up` (left, head, front), and which it sits on turned by
    `sits`."""
    return np.asarray(body_up, float) if sits is None else np.asarray(body_up, float) @ sits.T
