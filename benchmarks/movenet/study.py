"""MoveNet beside BlazePose, on rendered clips whose truth is known: ``python study.py --help``.

What was said before looking. Odd clips choose the settings of a view (model, turn and size of the region),
by the least mean distance of hips, knees and ankles from the true joint centres; even clips decide. The
region is fixed and laid around the true body, so MoveNet gets the best place there is and no tracking error.
Taken in would be a view in which, on the even clips, the measure BlazePose fails at has at least a quarter
less error, a higher correlation with the truth in two of three clips or more, and hips, knees and ankles no
farther off.

Both are compared by the same plain formulas on their points, smoothed alike; BlazePose's are those that
formcheck reads (two readings, second look), kept as `benchmarks/truth.py` keeps them.
"""

from __future__ import annotations

import argparse
import itertools
import json
import pickle
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from net import CORE, MoveNet
from truth import scorer  # type: ignore[import-not-found]

from formcheck.pose.region import Region
from formcheck.pose.track import Track, _butterworth
from formcheck.video.file import VideoFile

Array = NDArray[np.float64]
#: Shoulders, hips, knees, ankles, left before right, in each order of points.
_BLAZE = [11, 12, 23, 24, 25, 26, 27, 28]
_TRUE = [f"{part}_{side}" for part in ("shoulder", "hip", "knee", "ankle") for side in "LR"]
TURNS = [k * 45 for k in range(8)]
SIZES = [1.25, 1.8]
#: MoveNet always answers; this mean score of hips, knees and ankles counts as somebody found.
_FOUND = 0.3


class Truth:
    """True points ``(T, 8, 2)`` in pixels, trunk length in pixels, and the scorer's series."""

    def __init__(self, video: Path, shared: Path) -> None:
        t = json.loads(video.with_suffix(".json").read_text())
        at = [t["joint_names"].index(n) for n in _TRUE]
        self.exercise = t["exercise"]
        self.view = {"lateral": "side"}.get(t["view"], t["view"])
        self.top = t["working_side"]
        self.xy = np.array([f["px"] for f in t["frames"]])[:, at]
        self.all_xy = np.array([f["px"] for f in t["frames"]])
        depth = np.array([f["depth"] for f in t["frames"]])[:, t["joint_names"].index("mid_hip")]
        self.trunk = t["camera"]["K"][0][0] * t["body"]["trunk_m"] / depth
        self.moving = np.array([f["rep"] > 0 for f in t["frames"]])
        self.series: dict[str, Array] = dict(scorer(shared).truth_series(t))
        angle = {n: np.array([a[i] for a in t["angles"]]) for i, n in enumerate(t["angle_names"])}
        self.series["hip_line"] = angle["hip_line_tilt_deg"] - angle["hip_line_tilt_deg"][0]
        self.series["pelvic_roll"] = angle["pelvis_roll_deg"]
        if self.exercise == "bridge":
            self.series["hip_angle"] = angle["hip_extension_deg"]


def region(xy: Array, turn: float, size: float) -> Region:
    """Fixed, around the middle place in the clip of a body's ``(T, N, 2)`` points."""
    low, high = xy.min(axis=1), xy.max(axis=1)
    middle = np.median((low + high) / 2, axis=0)
    extent = float(np.median((high - low).max(axis=1)))
    return Region((float(middle[0]), float(middle[1])), size * extent, np.radians(turn))


def read(video: Path, net: MoveNet, regions: list[Region], every: int) -> dict[str, Any]:
    """Frames read, points ``(R, K, 8, 2)``, scores ``(R, K)``, milliseconds.

    For a single region the points are the mean of a direct and a mirrored reading.
    """
    frames, both, scores, spent = [], [], [], []
    with VideoFile(video) as source:
        for frame in source:
            if frame.index % every:
                continue
            frames.append(frame.index)
            begun = time.thread_time()
            first = [net(frame.image, r) for r in regions]
            spent.append((time.thread_time() - begun) / len(regions))
            # Settings are chosen on direct readings alone, for time's sake.
            second = first if len(regions) > 1 else [net(frame.image, regions[0], mirrored=True)]
            both.append([(a[0][CORE] + b[0][CORE]) / 2 for a, b in zip(first, second, strict=True)])
            scores.append([s[CORE[2:]].mean() for _, s in first])
    return {
        "frames": np.array(frames),
        "both": np.array(both).swapaxes(0, 1),
        "scores": np.array(scores).T,
        "ms": 1000 * float(np.median(spent)),
    }


def distances(xy: Array, true: Array, trunk: Array) -> Array:
    """``(K, 4)`` distance of shoulders, hips, knees and ankles from the truth, trunk lengths."""
    apart = np.linalg.norm(xy - true, axis=2) / trunk[:, None]
    return apart.reshape(len(xy), 4, 2).mean(axis=2)


def swapped(xy: Array, true: Array) -> NDArray[np.bool_]:
    """``(K,)`` hips, knees and ankles lie nearer to the other side's."""
    other = [1, 0, 3, 2, 5, 4, 7, 6]
    legs = slice(2, 8)
    own = np.linalg.norm(xy - true, axis=2)[:, legs].sum(axis=1)
    return np.asarray(np.linalg.norm(xy - true[:, other], axis=2)[:, legs].sum(axis=1) < own)


def values(xy: Array, trunk: Array, truth: Truth) -> dict[str, Array]:
    """Plain measures of points; angles in degrees, lengths in trunk lengths. Not yet set against rest."""
    left, right = xy[:, 0::2], xy[:, 1::2]
    hips = left[:, 1] - right[:, 1]
    line = np.degrees(np.arctan2(-hips[:, 1], np.abs(hips[:, 0])))
    apart = np.abs(left[:, 3, 0] - right[:, 3, 0])
    if truth.exercise == "bridge":
        outward = np.sign(np.median(left[:, 3, 0] - right[:, 3, 0]))
        lean = [
            np.degrees(
                np.arctan2(sign * outward * (p[:, 3, 0] - p[:, 2, 0]), np.abs(p[:, 3, 1] - p[:, 2, 1]))
            )
            for p, sign in ((left, 1), (right, -1))
        ]
        trunk_line = xy[:, 0:2].mean(axis=1) - xy[:, 2:4].mean(axis=1)
        thigh = xy[:, 4:6].mean(axis=1) - xy[:, 2:4].mean(axis=1)
        turned = np.degrees(
            np.arctan2(thigh[:, 1], thigh[:, 0]) - np.arctan2(trunk_line[:, 1], trunk_line[:, 0])
        )
        lying = np.abs(turned) % 360
        return {
            "hip_line": line,
            "shank_lean_left_deg": lean[0],
            "shank_lean_right_deg": lean[1],
            "knee_separation": np.abs(left[:, 2, 0] - right[:, 2, 0]) / np.maximum(apart, 1),
            "hip_angle": lying,
        }
    # As formcheck does: the top leg's own rise. The bottom knee is hidden and drawn after the top one.
    up = left if truth.top == "L" else right
    lift = -up[:, 2, 1] / trunk
    return {
        "knee_lift": lift,
        "opening_deg": 95 * lift,
        "feet_apart": -up[:, 3, 1] / trunk,
        "pelvic_roll": np.degrees(np.arctan2(hips[:, 0], hips[:, 1])),
    }


def smooth(xy: Array, frames: NDArray[np.int_]) -> Array:
    """Points smoothed as formcheck smooths a recording, unless so few are read that it would blur."""
    if np.median(np.diff(frames)) > 6:
        return xy
    return _butterworth(frames / 30.0, xy.reshape(len(xy), -1)).reshape(xy.shape)


def errors(xy: Array, frames: NDArray[np.int_], truth: Truth) -> dict[str, tuple[float, float, float]]:
    """Of each measure's change from rest, while moving: mean error, correlation with the truth, gain."""
    trunk = np.full(len(frames), np.median(truth.trunk))
    moving = truth.moving[frames]
    found: dict[str, tuple[float, float, float]] = {}
    for name, value in values(smooth(xy, frames), trunk, truth).items():
        if (name == "hip_angle") != (truth.exercise == "bridge" and truth.view == "side"):
            continue
        true = truth.series[name][frames]
        if name == "hip_angle":
            value = np.minimum(value, 360 - value) if np.median(value) > 180 else value
        elif name == "knee_separation":
            value = value / np.median(value[~moving])
        elif name == "pelvic_roll":
            value = (value - np.median(value[~moving]) + 90) % 180 - 90
        else:
            value = value - np.median(value[~moving])
        r = float(np.corrcoef(value[moving], true[moving])[0, 1])
        if name == "pelvic_roll":  # which way a roll turns the line depends on the camera: in its favour
            value, r = (-value, -r) if r < 0 else (value, r)
        gain = float(np.polyfit(true[moving], value[moving], 1)[0])
        found[name] = float(np.abs(value - true)[moving].mean()), r, gain
    return found


def blazepose(poses: Path, stem: str, frames: NDArray[np.int_]) -> Array:
    """``(K, 8, 2)`` points as formcheck reads them; NaN where nobody was found."""
    wh, results = pickle.loads((poses / f"{stem}.pkl").read_bytes())
    return Track.from_results(results, wh).image_xyz[frames][:, _BLAZE, :2].astype(np.float64)


def bridged(xy: Array) -> Array:
    """Missing frames filled in between."""
    flat = xy.reshape(len(xy), -1).copy()
    seen = np.flatnonzero(np.isfinite(flat).all(axis=1))
    at = np.arange(len(flat))
    return np.stack([np.interp(at, seen, c[seen]) for c in flat.T], axis=1).reshape(xy.shape)


def main() -> None:
    parser = argparse.ArgumentParser(description="MoveNet beside BlazePose on rendered clips.")
    parser.add_argument("clips", nargs="+", type=Path, help="rendered clips, truth beside them")
    parser.add_argument("--models", nargs="+", type=Path, required=True, help="ONNX files from convert.py")
    parser.add_argument(
        "--poses", type=Path, required=True, help="BlazePose's poses, see benchmarks/truth.py"
    )
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--out", type=Path, required=True, help="a line of JSON a clip, model and region")
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--turns", nargs="+", type=int, default=TURNS)
    parser.add_argument("--sizes", nargs="+", type=float, default=SIZES)
    parser.add_argument("--by-score", action="store_true", help="one region a clip, by MoveNet's own scores")
    parser.add_argument("--around", choices=["truth", "poses"], default="truth", help="where the region lies")
    options = parser.parse_args()
    settings = list(itertools.product(options.turns, options.sizes))
    with options.out.open("a") as out:
        for video in options.clips:
            truth = Truth(video, options.shared)
            common = {"clip": video.stem, "exercise": truth.exercise, "view": truth.view}
            common["odd"] = int(re.findall(r"\d+", video.stem)[0]) % 2 == 1
            body = truth.all_xy
            if options.around == "poses":
                _, results = pickle.loads((options.poses / f"{video.stem}.pkl").read_bytes())
                body = np.stack([r.pose.image_xy for r in results if r.pose is not None]).astype(np.float64)
            frames = None
            chosen: dict[str, Array] = {}
            for path in options.models:
                net = MoveNet(path)
                regions = [region(body, *s) for s in settings]
                tried = list(range(len(settings)))
                if options.by_score and len(settings) > 1:
                    few = max(1, len(truth.moving) // 8)
                    scores = read(video, net, regions, few)["scores"]
                    tried = [int(scores.mean(axis=1).argmax())]
                got = read(video, net, [regions[k] for k in tried], options.every)
                frames = got["frames"]
                for i, (turn, size) in enumerate(settings[k] for k in tried):
                    score = got["scores"][i]
                    line = {**common, "engine": path.stem, "turn": turn, "size": size, "ms": got["ms"]}
                    line |= {"found": float((score > _FOUND).mean()), "score": float(score.mean())}
                    out.write(json.dumps(line | _judged(got["both"][i], frames, truth)) + "\n")
                if len(tried) == 1:
                    chosen[path.stem] = got["both"][0]
            assert frames is not None
            xy = blazepose(options.poses, video.stem, frames)
            seen = np.isfinite(xy).all(axis=(1, 2))
            if seen.any():
                common["found"] = float(seen.mean())
                both = {f"mean with {name}": (bridged(xy) + other) / 2 for name, other in chosen.items()}
                for name, points in {"blazepose": bridged(xy), **both}.items():
                    line = {**common, "engine": name}
                    out.write(json.dumps(line | _judged(points, frames, truth)) + "\n")
            out.flush()
            print(video.stem, flush=True)


def _judged(xy: Array, frames: NDArray[np.int_], truth: Truth) -> dict[str, Any]:
    true, trunk = truth.xy[frames], truth.trunk[frames]
    return {
        "apart": distances(xy, true, trunk).mean(axis=0).tolist(),
        "swapped": float(swapped(xy, true).mean()),
        "measures": errors(xy, frames, truth),
    }


if __name__ == "__main__":
    main()
