"""A resistance band round both thighs of a person of the shared generator."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Points round each half of the ring, and how far it lies off the clothes, metres.
_STEPS, _OFF_M = 17, 0.005
#: Where nothing of the thigh is found: its radius, metres.
_THIGH_M = 0.08


def unit(v: np.ndarray) -> np.ndarray:
    """The vector at length 1."""
    return v / max(float(np.linalg.norm(v)), 1e-9)


def ring(
    human: Any, along_thigh: float, width_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A ring of two halves, each fast to one thigh, straight between them.

    Its half circles are measured on the clothed body at rest, so that it lies on the clothes.

    Args:
        human: of the shared generator.
        along_thigh: where, as a share of the way from hip to knee.
        width_m: of the band.

    Returns:
        ``(N, 3)`` points and normals at rest, ``(M, 3)`` triangles, ``(N,)`` the bone of each point.
    """
    angles = np.linspace(np.pi / 2, -np.pi / 2, _STEPS)  # from the front of the thigh round its outer side
    points, normals, bones = [], [], []
    for side, sign in (("L", 1.0), ("R", -1.0)):
        hip, knee = human.rest[f"hip_{side}"], human.rest[f"knee_{side}"]
        axis = unit(knee - hip)
        out = unit(np.array([sign, 0, 0]) - axis * (axis[0] * sign))
        front = np.cross(axis, out) * sign
        front = front if front[2] > 0 else -front
        centre = hip + (knee - hip) * along_thigh
        radius = _radii(human, centre, axis, out, front, sign, angles)
        for k in range(_STEPS) if side == "L" else range(_STEPS - 1, -1, -1):
            normal = np.cos(angles[k]) * out + np.sin(angles[k]) * front
            for edge in (-0.5, 0.5):
                points.append(centre + radius[k] * normal + edge * width_m * axis)
                normals.append(normal)
                bones.append(human.ix[f"upperleg02.{side}"])
    count = len(points) // 2
    triangles = []
    for k in range(count):
        a, b = 2 * k, 2 * ((k + 1) % count)
        triangles += [[a, a + 1, b + 1], [a, b + 1, b]]
    return np.array(points), np.array(normals), np.array(triangles), np.array(bones)


def _radii(
    human: Any, centre: np.ndarray, axis: np.ndarray, out: np.ndarray, front: np.ndarray, sign: float,
    angles: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """How far the clothed thigh reaches from its axis in each direction, at one height."""
    worn = [p for p in human.parts if p.kw.get("kind") in ("skin", "cloth", "tights")]
    P = np.concatenate([p.P for p in worn]).astype(float) - centre
    near = (np.abs(P @ axis) < 0.035) & ((P + centre)[:, 0] * sign > 0) & (np.linalg.norm(P, axis=1) < 0.2)
    x, y = P[near] @ out, P[near] @ front
    reach, at = np.hypot(x, y), np.arctan2(y, x)
    found = np.array([reach[np.abs(at - a) < 0.2].max(initial=0.0) for a in angles])
    known = np.flatnonzero(found > 0)
    if not known.size:
        return np.full(len(angles), _THIGH_M)
    return np.interp(np.arange(len(angles)), known, found[known]) + _OFF_M
