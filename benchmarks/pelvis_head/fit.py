"""How well a head on the network's features tells the pelvis: held-out bodies, and clips it has never seen.

    VENV/bin/python fit.py FEATURES VIEW [CLIP.npz TRUTH.json ...]

FEATURES holds `<view>_part*.npz` of `features.py`. The head is a kernel ridge regression from the change of
the features since rest to the change of roll (clam, + = top hip back) or drop (bridge, + = left side down).
Clams are read with the top side as the left one (from the mirrored reading if it is the right one); bridges
are read both ways and halved, so that the answer changes sign in a mirror. Bodies, not stills, are held out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

#: Maps used, their weight, and how many cells are cut off each side of the stored window.
USED = {"t253": (0.5, 0), "t277": (0.3, 1), "t279": (0.2, 4)}
#: Kernel ("context": linear in the change, weighted by the likeness of the rest; or "rbf"), its width, ridge.
BEST = {
    "bridge_head": ("context", 0.8, 0.03),
    "clam_oblique": ("rbf", 1.5, 0.03),
    "clam_feet": ("rbf", 1.5, 0.003),
}
CONTEXT_WEIGHT = 3.0
FOLDS = 10
#: Clips whose two readings lie further apart than this (body sizes) are left out (`second_look`).
LOST = 0.15
#: Grades 1 and 2 of the faults (spec CF1, BF3), degrees; what is clearly present or absent.
GRADES = {"clam": (8, 15), "bridge": (7, 12)}
PRESENT, ABSENT = 3.0, 0.4


class Reader:
    """Windows of features made flat, each channel scaled by its mean and spread over the training stills."""

    def __init__(self, windows: dict[str, Array]) -> None:
        cut = self._cut(windows)
        self._scale = {
            n: (w.mean((0, 2, 3), keepdims=True), w.std((0, 2, 3), keepdims=True) + 0.01)
            for n, w in cut.items()
        }

    @staticmethod
    def _cut(windows: dict[str, Array]) -> dict[str, Array]:
        out = {}
        for name, (_, cut) in USED.items():
            inner = slice(cut, windows[name].shape[2] - cut)
            out[name] = windows[name].astype(np.float32)[:, :, inner, inner]
        return out

    def __call__(self, windows: dict[str, Array]) -> list[Array]:
        return [
            ((w - self._scale[n][0]) / self._scale[n][1]).reshape(len(w), -1)
            for n, w in self._cut(windows).items()
        ]


def linear(a: list[Array], b: list[Array]) -> Array:
    """Weighted mean product of features, ``(len(a), len(b))``."""
    return np.asarray(
        sum(w * (x @ y.T) / x.shape[1] for (w, _), x, y in zip(USED.values(), a, b, strict=True))
    )


def squared_distance(a: list[Array], b: list[Array]) -> Array:
    """Weighted mean squared difference of features, ``(len(a), len(b))``."""
    own = lambda x: sum(w * (f**2).mean(axis=1) for (w, _), f in zip(USED.values(), x, strict=True))  # noqa: E731
    return np.maximum(own(a)[:, None] + own(b)[None] - 2 * linear(a, b), 0)


def kernel(
    change_a: list[Array],
    rest_a: list[Array],
    change_b: list[Array],
    rest_b: list[Array],
    kind: str,
    width: float,
) -> Array:
    if kind == "rbf":
        return np.exp(-squared_distance(change_a, change_b) / width)
    return linear(change_a, change_b) * (
        1 + CONTEXT_WEIGHT * np.exp(-squared_distance(rest_a, rest_b) / width)
    )


def windows(rows: dict[str, Array], left: NDArray[np.bool_], flipped: bool = False) -> dict[str, Array]:
    """Windows of the direct reading where `left`, else of the mirrored one; swapped if `flipped`."""
    first, second = ("m", "d") if flipped else ("d", "m")
    return {n: np.where(left[:, None, None, None], rows[f"{first}_{n}"], rows[f"{second}_{n}"]) for n in USED}


class Training:
    """Changes from rest of all stills of a view.

    Attributes:
        roll: ``(n,)`` degrees; bridges: all stills, then all again as seen in a mirror.
        body: ``(n,)`` whose they are.
        change, rest: features, per map ``(n, ...)``.
    """

    def __init__(self, folder: Path, view: str) -> None:
        parts = [dict(np.load(p)) for p in sorted(folder.glob(f"{view}_part*.npz"))]
        rows = {n: np.concatenate([p[n] for p in parts]) for n in parts[0]}
        self.view, self.bridge = view, view.startswith("bridge")
        left = np.ones(len(rows["body"]), bool) if self.bridge else rows["side"]
        rest, use = np.full(len(left), -1), np.zeros(len(left), bool)
        for body in np.unique(rows["body"]):
            own = rows["body"] == body
            still = np.flatnonzero(own & (rows["k"] == 0))
            if still.size and np.median(rows["apart"][own]) <= LOST:
                rest[own] = still[0]
                use |= own & (rows["k"] > 0)
        i = np.flatnonzero(use)
        direct = windows(rows, left)
        self.reader = Reader(direct)
        self.roll, self.body = rows["roll"][i] - rows["roll"][rest[i]], rows["body"][i]
        features = [self.reader(direct)]
        if self.bridge:
            features.append(self.reader(windows(rows, left, flipped=True)))
            self.roll, self.body = np.concatenate([self.roll, -self.roll]), np.tile(self.body, 2)
        self.change = [
            np.concatenate([f[i] - f[rest[i]] for f in maps]) for maps in zip(*features, strict=True)
        ]
        self.rest = [np.concatenate([f[rest[i]] for f in maps]) for maps in zip(*features, strict=True)]
        kind, width, self.ridge = BEST[view]
        self.kind, self.width = kind, width
        self.gram = kernel(self.change, self.rest, self.change, self.rest, kind, width)

    def fit(self, rows: NDArray[np.intp]) -> tuple[Array, float]:
        mean = 0.0 if self.bridge else float(self.roll[rows].mean())
        inner = self.gram[np.ix_(rows, rows)] + self.ridge * np.eye(len(rows))
        return np.linalg.solve(inner, self.roll[rows] - mean), mean

    def held_out(self, share: float = 1.0) -> tuple[Array, Array]:
        """Truth and reading of every still by a head that never saw its body; `share` of the bodies train."""
        read = np.zeros(len(self.roll))
        fold = self.body * 7919 % FOLDS
        for f in range(FOLDS):
            bodies = np.random.default_rng(f).permutation(np.unique(self.body[fold != f]))
            train = np.flatnonzero(np.isin(self.body, bodies[: int(share * len(bodies))]))
            test = np.flatnonzero(fold == f)
            weights, mean = self.fit(train)
            read[test] = self.gram[np.ix_(test, train)] @ weights + mean
        if not self.bridge:
            return self.roll, read
        half = len(read) // 2
        return self.roll[:half], (read[:half] - read[half:]) / 2

    def clip(self, rows: dict[str, Array], top_left: bool, resting: NDArray[np.bool_]) -> Array:
        """Reading of each frame of a clip, its own rest taken off."""
        weights, mean = self.fit(np.arange(len(self.roll)))
        total = np.zeros(len(resting))
        ways = ((True, 0.5), (False, -0.5)) if self.bridge else ((top_left, 1.0),)
        for left, factor in ways:
            maps = self.reader(windows(rows, np.full(len(resting), left)))
            rest = [np.repeat(m[resting].mean(axis=0, keepdims=True), len(m), axis=0) for m in maps]
            change = [m - r for m, r in zip(maps, rest, strict=True)]
            total += factor * (
                kernel(change, rest, self.change, self.rest, self.kind, self.width) @ weights + mean
            )
        return total - total[resting].mean()


def summary(true: Array, read: Array) -> str:
    error = read - true
    r, slope = np.corrcoef(true, read)[0, 1], np.polyfit(true, read, 1)[0]
    off, constant = np.abs(error), np.abs(true - true.mean()).mean()
    return (
        f"n {len(true)}  MAE {off.mean():.2f}  bias {error.mean():.2f}  p95 {np.percentile(off, 95):.1f}"
        f"  r {r:.2f}  slope {slope:.2f}  (a constant: {constant:.2f})"
    )


def main() -> None:
    view = sys.argv[2]
    training = Training(Path(sys.argv[1]), view)
    for share in (0.25, 0.5, 1.0):
        true, read = training.held_out(share)
        print(f"{view}, {share:.0%} of the bodies: {summary(true, read)}")
    size = np.abs if training.bridge else lambda v: v
    for grade in GRADES[view.split("_")[0]]:
        present, absent = size(true) >= grade + PRESENT, size(true) <= ABSENT * grade
        found, alarms = (size(read[m]) >= grade for m in (present, absent))
        print(
            f"  from {grade} deg: found {found.mean():.2f} of {present.sum()},"
            f" alarms {alarms.mean():.2f} of {absent.sum()}"
        )
    for features, truth_path in zip(sys.argv[3::2], sys.argv[4::2], strict=True):
        rows, truth = dict(np.load(features)), json.loads(Path(truth_path).read_text())
        rep = np.array([f["rep"] for f in truth["frames"]])[rows["frame"]]
        hold = np.array([f["phase"] == "hold" for f in truth["frames"]])[rows["frame"]]
        roll = np.array(truth["angles"])[rows["frame"], truth["angle_names"].index("pelvis_roll_deg")]
        resting = (rep == 0) & (rows["time_s"] < 1.25)
        if not resting.any():  # nobody was found before the first repetition
            resting = rep == 0
        read = training.clip(rows, truth["working_side"] == "L", resting)
        roll = roll - roll[resting].mean()
        print(truth["id"], summary(roll[rep > 0], read[rep > 0]))
        for k in np.unique(rep[rep > 0]):
            there = hold & (rep == k)
            print(f"  repetition {k}: true {roll[there].mean():.1f}, read {read[there].mean():.1f}")


if __name__ == "__main__":
    main()
