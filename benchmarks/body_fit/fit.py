"""One articulated body fitted to the landmarks of a whole clip: constant bone lengths, limits, floor contact.

Twelve joints a frame (shoulders, hips, knees, ankles, heels, toes) in camera axes, metres. Joints whose
distances are held constant over the clip are a body of ball joints at the hips and hinges at the knees, so no
angles are needed and every derivative is short. Unknown for the clip: bone lengths, focal length, camera
pitch, floor, the resting places of what lies on the floor, and the scale of the world landmarks. Solved by
Gauss-Newton with reweighting; the normal equations are banded in time with a small dense border.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import cho_solve_banded, cholesky_banded

from formcheck.pose.landmarks import side_landmark

PARTS = ("shoulder", "hip", "knee", "ankle", "heel", "foot_index")
JOINTS = [side_landmark(side, part) for part in PARTS for side in ("left", "right")]
SH_L, SH_R, HIP_L, HIP_R, KN_L, KN_R, AN_L, AN_R, HE_L, HE_R, TO_L, TO_R = range(12)
J = len(JOINTS)

#: Bones: ends on both sides, length (spec 1.5), spread of people (log), play within a clip; metres.
BONES = {
    "thigh": ([(HIP_L, KN_L), (HIP_R, KN_R)], 0.42, 0.08, 0.004),
    "shank": ([(KN_L, AN_L), (KN_R, AN_R)], 0.40, 0.08, 0.004),
    "hip_line": ([(HIP_L, HIP_R)], 0.19, 0.15, 0.004),
    "shoulders": ([(SH_L, SH_R)], 0.34, 0.12, 0.02),
    "trunk": ([(SH_L, HIP_L), (SH_R, HIP_R)], 0.50, 0.10, 0.02),
    "across": ([(SH_L, HIP_R), (SH_R, HIP_L)], 0.56, 0.10, 0.02),
    "rear": ([(AN_L, HE_L), (AN_R, HE_R)], 0.07, 0.25, 0.008),
    "front": ([(AN_L, TO_L), (AN_R, TO_R)], 0.17, 0.20, 0.008),
    "sole": ([(HE_L, TO_L), (HE_R, TO_R)], 0.23, 0.15, 0.008),
}
#: Height of a joint's centre above the floor where it rests, metres.
REST_HEIGHT = {"shoulder": 0.09, "hip": 0.10, "knee": 0.06, "ankle": 0.08, "heel": 0.03, "foot_index": 0.03}


@dataclass(frozen=True)
class Weights:
    """Standard deviations and priors of the fit.

    Attributes:
        pixel: of an image landmark, share of the body's size in the picture.
        hip_pixel: how many times that for hips.
        world_xy, world_z: of a world landmark against mid-hips, metres.
        accel: of a joint's acceleration, m/s^2.
        contact: of a resting joint about its place, metres.
        height: of a resting joint above the floor, metres.
        offset: part to (outwards, towards the head, forwards): from the joint to the drawn point, metres.
        prior: weight of what is expected of the clip's own unknowns against one frame.
        hfov_deg: what a laptop's camera is taken to have; free by `focal` (log).
    """

    pixel: float = 0.02
    hip_pixel: float = 1.5
    world_xy: float = 0.10
    world_z: float = 0.20
    accel: float = 3.0
    contact: float = 0.01
    height: float = 0.03
    pitch_deg: float = 14.0
    pitch_sd_deg: float = 8.0
    hfov_deg: float = 66.0
    focal: float = 0.08
    prior: float = 1.0
    max_knee_deg: float = 150.0
    offset: dict[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Body:
    """A fitted clip: `joints` ``(T, 12, 3)`` in camera axes, metres; `up` ``(3,)``; bones; cost a point."""

    joints: np.ndarray
    up: np.ndarray
    bones: dict[str, float]
    hfov_deg: float
    cost: float


def unit(v):
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def pelvis_axes(x: np.ndarray) -> np.ndarray:
    """``(T, 3, 3)`` rows: left, towards the head, forwards."""
    left = unit(x[:, HIP_L] - x[:, HIP_R])
    head = x[:, [SH_L, SH_R]].mean(1) - x[:, [HIP_L, HIP_R]].mean(1)
    head = unit(head - (head * left).sum(-1, keepdims=True) * left)
    return np.stack([left, head, np.cross(left, head)], axis=1)


def _offsets(x: np.ndarray, w: Weights) -> np.ndarray:
    out = np.zeros_like(x)
    axes = pelvis_axes(x)
    for part, (lateral, head, forward) in w.offset.items():
        for k, sign in ((2 * PARTS.index(part), 1), (2 * PARTS.index(part) + 1, -1)):
            out[:, k] = sign * lateral * axes[:, 0] + head * axes[:, 1] + forward * axes[:, 2]
    return out


class _Normal:
    """Normal equations: T blocks of 3J unknowns, then the clip's own unknowns."""

    def __init__(self, t: int, g: int):
        self.n, self.g, self.band = t * J * 3, g, 3 * J * 3
        self.h = np.zeros((self.band, self.n))  # lower banded form
        self.b = np.zeros((self.n, g))
        self.c = np.zeros((g, g))
        self.gx, self.gg = np.zeros(self.n), np.zeros(g)
        self.cost = 0.0

    def add(self, r: np.ndarray, x: list[tuple[np.ndarray, np.ndarray]], gl=()) -> None:
        """Residuals ``(N,)`` and their derivatives: columns and values ``(N,)``; `gl` of the clip's own."""
        self.cost += float((r**2).sum())
        for i, (ci, vi) in enumerate(x):
            # One frame, one entry: no index comes twice in a call.
            self.gx[ci] += vi * r
            for ck, vk in x[: i + 1]:
                hi, lo = np.maximum(ci, ck), np.minimum(ci, ck)
                self.h[hi - lo, lo] += vi * vk
            for cg, vg in gl:
                self.b[ci, cg] += vi * vg
        for cg, vg in gl:
            self.gg[cg] += (vg * r).sum()
            for ch, vh in gl:
                self.c[cg, ch] += (vg * vh).sum()

    def solve(self, damp: float) -> tuple[np.ndarray, np.ndarray]:
        self.h[0] += damp
        factor = (cholesky_banded(self.h, lower=True, check_finite=False), True)
        hb = cho_solve_banded(factor, np.concatenate([self.b, self.gx[:, None]], 1), check_finite=False)
        schur = self.c + damp * 1e-3 * np.eye(self.g) - self.b.T @ hb[:, :-1]
        dg = np.linalg.solve(schur, self.gg - self.b.T @ hb[:, -1])
        return -(hb[:, -1] - hb[:, :-1] @ dg), -dg


def _robust(r2: np.ndarray) -> np.ndarray:
    """Square root of the Cauchy weight, scale 2."""
    return 1 / np.sqrt(1 + r2 / 4.0)


def fit(
    xy: np.ndarray,
    world: np.ndarray,
    visibility: np.ndarray,
    time_s: np.ndarray,
    image_wh: tuple[int, int],
    resting: dict[int, float],
    w: Weights,
    iterations: int = 25,
) -> Body:
    """Fit the body to one clip.

    Args:
        xy: ``(T, 33, 2)`` pixels.
        world: ``(T, 33, 3)`` metres.
        visibility: ``(T, 33)``.
        time_s: ``(T,)``.
        image_wh: pixels.
        resting: joints (indices of `JOINTS`) that rest on the floor, to their play in `w.contact`.
        w: weights.
    """
    t = len(time_s)
    p, wd, vis = (
        xy[:, JOINTS].astype(float),
        world[:, JOINTS].astype(float),
        visibility[:, JOINTS].astype(float),
    )
    width, height = image_wh
    f0 = width / 2 / np.tan(np.radians(w.hfov_deg / 2))
    centre = np.array([width, height]) / 2
    wd = wd - wd[:, [HIP_L, HIP_R]].mean(1, keepdims=True)
    # Start: the world landmarks put where they cover the image landmarks.
    ray = (p - centre) / f0
    z = np.zeros(t)
    for i in range(t):
        a = ray[i] - ray[i].mean(0)
        b = wd[i, :, :2] - wd[i, :, :2].mean(0)
        z[i] = np.sqrt((b**2).sum() / max((a**2).sum(), 1e-9))
    z = np.full(t, np.median(z))
    x = wd.copy()
    x[:, :, 2] += z[:, None]
    shift = (ray * x[:, :, 2:] - x[:, :, :2]).mean(1)
    x[:, :, :2] += shift[:, None]
    size = float(np.median(np.linalg.norm(p - p.mean(1, keepdims=True), axis=2).max(1)))
    # The clip's own unknowns: log bones, log focal, pitch, floor, log world scale, resting places.
    names = list(BONES)
    nb = len(names)
    rest = sorted(resting)
    g = np.zeros(nb + 4 + 3 * len(rest))
    g[:nb] = np.log([BONES[n][1] for n in names])
    g[nb + 1] = np.radians(w.pitch_deg)
    anchors = np.stack([np.median(x[:, j], axis=0) for j in rest]) if rest else np.zeros((0, 3))
    g[nb + 4 :] = anchors.ravel()
    up0 = np.array([0, -np.cos(g[nb + 1]), -np.sin(g[nb + 1])])
    if rest:
        g[nb + 2] = np.mean([anchors[k] @ up0 - REST_HEIGHT[PARTS[j // 2]] for k, j in enumerate(rest)])
    # A prior must not fade because a clip is long: every frame errs alike.
    strong = np.sqrt(t * w.prior)
    dt = np.diff(time_s)
    step = float(np.median(dt))
    frames = np.arange(t)

    def col(frame, joint, axis):
        return (np.asarray(frame) * J + joint) * 3 + axis

    sigma = w.pixel * size * np.where(np.isin(np.arange(J), [HIP_L, HIP_R]), w.hip_pixel, 1.0)
    seen = np.clip(vis, 0.05, 1.0)
    seen[:, [HIP_L, HIP_R]] = 1.0
    last = np.inf
    for it in range(iterations):
        n = _Normal(t, len(g))
        f = f0 * np.exp(g[nb])
        q = x + _offsets(x, w)
        for j in range(J):
            qz = np.maximum(q[:, j, 2], 0.3)
            r = (q[:, j, :2] * (f / qz)[:, None] + centre - p[:, j]) / sigma[j]
            k = _robust((r**2).sum(1)) * np.sqrt(seen[:, j]) / sigma[j]
            for a in range(2):
                n.add(
                    r[:, a] * k * sigma[j],
                    [(col(frames, j, a), k * f / qz), (col(frames, j, 2), -k * f * q[:, j, a] / qz**2)],
                    [(nb, k * f * q[:, j, a] / qz)],
                )
        scale = np.exp(g[nb + 3])
        for j in range(J):
            if j in (HIP_L, HIP_R):
                continue
            d = x[:, j] - x[:, [HIP_L, HIP_R]].mean(1) - scale * wd[:, j]
            for a, s in enumerate((w.world_xy, w.world_xy, w.world_z)):
                r = d[:, a] / s
                k = _robust(r**2) / s
                n.add(
                    r * k * s,
                    [
                        (col(frames, j, a), k),
                        (col(frames, HIP_L, a), -k / 2),
                        (col(frames, HIP_R, a), -k / 2),
                    ],
                    [(nb + 3, -k * scale * wd[:, j, a])],
                )
        for b, name in enumerate(names):
            ends, _, _, play = BONES[name]
            length = np.exp(g[b])
            for i, j in ends:
                d = x[:, i] - x[:, j]
                dist = np.maximum(np.linalg.norm(d, axis=1), 1e-6)
                u = d / dist[:, None] / play
                xs = [(col(frames, i, a), u[:, a]) for a in range(3)] + [
                    (col(frames, j, a), -u[:, a]) for a in range(3)
                ]
                n.add((dist - length) / play, xs, [(b, np.full(t, -length / play))])
        closest = np.sqrt(0.42**2 + 0.40**2 + 2 * 0.42 * 0.40 * np.cos(np.radians(w.max_knee_deg)))
        for i, j in ((HIP_L, AN_L), (HIP_R, AN_R)):
            d = x[:, i] - x[:, j]
            dist = np.maximum(np.linalg.norm(d, axis=1), 1e-6)
            on = (dist < closest) / 0.02
            u = d / dist[:, None] * on[:, None]
            xs = [(col(frames, i, a), u[:, a]) for a in range(3)] + [
                (col(frames, j, a), -u[:, a]) for a in range(3)
            ]
            n.add((dist - closest) * on, xs)
        # The ends of an acceleration are one step apart; gaps in time are left loose.
        even = np.flatnonzero((dt[:-1] < 1.7 * step) & (dt[1:] < 1.7 * step)) + 1
        k = 1 / (w.accel * step**2)
        for j in range(J):
            for a in range(3):
                r = (x[even - 1, j, a] - 2 * x[even, j, a] + x[even + 1, j, a]) * k
                one = np.full(len(even), k)
                n.add(
                    r, [(col(even - 1, j, a), one), (col(even, j, a), -2 * one), (col(even + 1, j, a), one)]
                )
        pitch = g[nb + 1]
        up = np.array([0, -np.cos(pitch), -np.sin(pitch)])
        dup = np.array([0, np.sin(pitch), -np.cos(pitch)])
        for m, j in enumerate(rest):
            s = w.contact * resting[j]
            at = g[nb + 4 + 3 * m : nb + 7 + 3 * m]
            d = x[:, j] - at
            k = _robust((d**2).sum(1) / s**2) / s
            for a in range(3):
                n.add(d[:, a] * k, [(col(frames, j, a), k)], [(nb + 4 + 3 * m + a, -k)])
            one = np.full(1, strong)
            h = strong * (up @ at - g[nb + 2] - REST_HEIGHT[PARTS[j // 2]]) / w.height
            gl = [(nb + 1, one * (dup @ at) / w.height), (nb + 2, -one / w.height)]
            gl += [(nb + 4 + 3 * m + a, one * up[a] / w.height) for a in range(3)]
            n.add(np.array([h]), [], gl)
        one = np.full(1, strong)
        for b, name in enumerate(names):
            s = BONES[name][2]
            n.add(strong * np.array([(g[b] - np.log(BONES[name][1])) / s]), [], [(b, one / s)])
        n.add(strong * np.array([g[nb] / w.focal]), [], [(nb, one / w.focal)])
        s = np.radians(w.pitch_sd_deg)
        n.add(strong * np.array([(g[nb + 1] - np.radians(w.pitch_deg)) / s]), [], [(nb + 1, one / s)])
        n.add(strong * np.array([g[nb + 3] / 0.15]), [], [(nb + 3, one / 0.15)])
        dx, dg = n.solve(1.0)
        most = np.abs(dx).max()
        shrink = min(1.0, 0.15 / max(most, 1e-9))
        x = x + shrink * dx.reshape(x.shape)
        g = g + shrink * dg
        if it > 5 and abs(last - n.cost) < 1e-4 * n.cost:
            break
        last = n.cost
    pitch = g[nb + 1]
    f = f0 * np.exp(g[nb])
    return Body(
        x,
        np.array([0, -np.cos(pitch), -np.sin(pitch)]),
        {name: float(np.exp(v)) for name, v in zip(names, g, strict=False)},
        float(np.degrees(2 * np.arctan(width / 2 / f))),
        n.cost / (t * J * 2),
    )
