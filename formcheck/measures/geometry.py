"""Vector geometry on arrays of image points. Pure numpy; x right, y down, pixels; angles in degrees.

All functions take arrays whose last axis is the coordinate and return one value for each point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: "Up" in the image: the laptop's camera stands level (spec 1.2).
UP = np.array([0.0, -1.0])
_TINY = np.finfo(np.float64).tiny
_YZX, _ZXY = [1, 2, 0], [2, 0, 1]


def unit(v: ArrayLike) -> Array:
    """`v` scaled to length 1; a zero vector stays zero."""
    v = np.asarray(v, np.float64)
    return v / np.maximum(norm(v), _TINY)[..., None]


def norm(v: NDArray[np.floating]) -> Array:
    """Length of each vector. The numbers of ``np.linalg.norm``, in a third of its time on a single frame."""
    return np.sqrt(_total(v * v))


def cross(a: ArrayLike, b: ArrayLike) -> Array:
    """z of the cross product of 2D vectors; in the image (y down) positive = `b` clockwise of `a`."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def dot(a: ArrayLike, b: ArrayLike) -> Array:
    """Dot product over the last axis."""
    return _total(np.asarray(a, np.float64) * np.asarray(b, np.float64))


def height(points: NDArray[np.floating]) -> Array:
    """How far up in the picture: ``dot(points, UP)``."""
    return np.asarray(-points[..., 1], np.float64)


def _total(terms: NDArray[np.floating]) -> Array:
    """Sum over the last axis, which is short: its 2 or 3 columns one after the other give the same number."""
    if terms.size < 100:  # a frame or two
        return np.asarray(np.add.reduce(terms, axis=-1))
    out = terms[..., 0].copy()
    for i in range(1, terms.shape[-1]):
        out += terms[..., i]
    return np.asarray(out)


def cross3(a: Array, b: Array) -> Array:
    """Cross product of 3D vectors; ``np.cross`` takes several times as long on a single frame."""
    if a.size <= 6:  # a frame or two: fewer calls, though each copies
        return np.asarray(a[..., _YZX] * b[..., _ZXY] - a[..., _ZXY] * b[..., _YZX])
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        out[..., i] = a[..., j] * b[..., k] - a[..., k] * b[..., j]
    return out


def joint_angle_deg(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Array:
    """Angle at `b` between `a` and `c`, 0 to 180."""
    u = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    v = np.asarray(c, np.float64) - np.asarray(b, np.float64)
    n = norm(cross3(u, v)) if u.shape[-1] == 3 else np.abs(cross(u, v))
    return np.degrees(np.arctan2(n, dot(u, v)))


def turn_deg(v: ArrayLike, towards: ArrayLike, zero: ArrayLike) -> Array:
    """How far `v` has turned away from direction `zero` towards direction `towards`, -180 to 180.

    Args:
        v: ``(T, 2)`` vectors.
        towards, zero: ``(2,)`` directions at right angles to each other.
    """
    return np.degrees(np.arctan2(dot(v, towards), dot(v, zero)))


def hip_angle_and_gap(
    shoulder: ArrayLike, hip: ArrayLike, knee: ArrayLike, above: ArrayLike
) -> tuple[Array, Array]:
    """Hip angle in a bridge (M-B1), degrees: 180 = straight line, more than 180 = hip above the line. And the
    gap between the hip and that line, pixels: see `gap_above_line`.

    The unsigned angle folds back at 180, so the side of the shoulder-knee line on which the hip lies
    decides (spec 4.2).

    Args:
        shoulder, hip, knee: ``(T, 2)`` image points.
        above: ``(2,)`` direction away from the floor.
    """
    angle, gap = joint_angle_deg(shoulder, hip, knee), gap_above_line(hip, shoulder, knee, above)
    return np.where(gap > 0, 360.0 - angle, angle), gap


def gap_above_line(point: ArrayLike, a: ArrayLike, b: ArrayLike, above: ArrayLike) -> Array:
    """Signed distance of `point` from the line through `a` and `b`, + on the side of `above`, pixels."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    along = unit(b - a)
    gap = cross(along, np.asarray(point, np.float64) - a)
    return np.where(cross(along, above) > 0, gap, -gap)


def median(values: NDArray[np.floating]) -> float:
    """Median of some numbers, as ``np.median``, which takes ten times as long over so few; NaN for none."""
    if values.size == 0:
        return float("nan")
    ordered = np.sort(values)
    if ordered[-1] != ordered[-1]:  # NaN comes last
        return float("nan")
    middle = len(ordered) // 2
    return float(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def mad_sd(values: ArrayLike) -> float:
    """Robust standard deviation: 1.4826 times the median absolute deviation; NaN for no values."""
    v = np.asarray(values, np.float64)
    v = v[np.isfinite(v)]
    return 1.4826 * median(np.abs(v - median(v)))
