"""The fitted body against the direct formulas, on rendered clips with exact truth, frame by frame.

    python compare.py --poses FOLDER [--shared ../shared] [--only TEXT] CLIPS_DIR [CLIPS_DIR ...]

Clips with an odd number (dev01, b03) chose the weights, even ones were held out. Beside that split, every
clip is fitted with the drawing offsets taken from all other clips of its view. Poses are read once and kept
in FOLDER.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from fit import (
    AN_L,
    AN_R,
    HE_L,
    HE_R,
    HIP_L,
    HIP_R,
    KN_L,
    KN_R,
    SH_L,
    SH_R,
    TO_L,
    TO_R,
    Body,
    Weights,
    fit,
    unit,
)
from truth import Clip, load, scorer

from formcheck.pose.landmarks import side_landmark

Array = NDArray[np.float64]

#: Every third frame (10 a second) is fitted and compared.
EVERY = 3
WANTED = {
    ("bridge", "side"): ["hip_angle_deg", "knee_flexion_deg", "pelvic_height"],
    ("bridge", "feet"): ["shank_lean_left_deg", "shank_lean_right_deg", "knee_separation"],
    ("bridge", "head"): ["pelvic_drop_deg"],
    ("clam", "front"): ["opening_deg", "knee_lift", "feet_apart"],
    ("clam", "oblique"): ["pelvic_roll_deg", "opening_deg", "knee_lift", "feet_apart"],
    ("clam", "feet"): ["pelvic_roll_deg", "opening_deg", "knee_lift", "feet_apart"],
}
#: What the odd clips chose: weights, and whether hips and shoulders are known to be drawn beside the joint.
CHOSEN = {
    ("bridge", "side"): (Weights(world_xy=1.0, world_z=0.15), True),
    ("bridge", "feet"): (Weights(world_xy=1.0, world_z=0.4, hip_pixel=3.0), True),
    ("bridge", "head"): (Weights(world_xy=1.0, world_z=0.4), False),  # no odd clip
    ("clam", "front"): (Weights(world_xy=0.1, world_z=0.4), True),
    ("clam", "oblique"): (Weights(world_xy=0.1, world_z=0.4), False),
    ("clam", "feet"): (Weights(world_xy=1.0, world_z=0.15, hip_pixel=3.0), True),
}
#: Camera pitch expected of each view, degrees down: end views stand on a table (spec 3).
PITCH = {"head": 20.0, "feet": 22.0}


def resting(clip: Clip) -> dict[int, float]:
    """What lies on the floor, and how much play each has."""
    if clip.key[0] == "bridge":
        feet = {AN_L: 1.0, AN_R: 1.0, HE_L: 1.0, HE_R: 1.0, TO_L: 1.0, TO_R: 1.0}
        side = clip.reference.side
        if side is not None:
            feet = {AN_L: 1.0, HE_L: 1.0, TO_L: 1.0} if side == "left" else {AN_R: 1.0, HE_R: 1.0, TO_R: 1.0}
        return feet | {SH_L: 3.0, SH_R: 3.0}
    if clip.reference.side == "left":
        return {SH_R: 3.0, HIP_R: 2.0, KN_R: 1.5, AN_R: 1.5, HE_R: 1.5, TO_R: 1.5}
    return {SH_L: 3.0, HIP_L: 2.0, KN_L: 1.5, AN_L: 1.5, HE_L: 1.5, TO_L: 1.5}


def solve(clip: Clip, w: Weights, iterations: int = 25) -> Body:
    w = replace(w, pitch_deg=PITCH.get(clip.named, 13.0))
    s, part = clip.stretch, clip.track
    k = clip.pick
    return fit(
        s.xy[k], s.world[k], part.visibility[k], part.time_s[k], part.image_wh, resting(clip), w, iterations
    )


def measures(clip: Clip, body: Body) -> dict[str, np.ndarray]:
    """The same quantities as the truth has, from the body's joints, change since rest taken."""
    x, up = body.joints, body.up
    ref = clip.reference
    rest = clip.first
    mid_hip, mid_sh = x[:, [HIP_L, HIP_R]].mean(1), x[:, [SH_L, SH_R]].mean(1)

    def change(v: Array) -> Array:
        return np.asarray(v - np.median(v[rest]))

    out = {}
    if clip.key[0] == "bridge":
        lines = [(HIP_L, HIP_R), (SH_L, SH_R), (KN_L, KN_R), (AN_L, AN_R)]
        left = unit(sum(np.median(x[rest, a] - x[rest, b], axis=0) for a, b in lines))
        left = unit(left - (left @ up) * up)
        body_long = unit(np.cross(left, up))  # towards the head or the feet, level
        if np.median((mid_sh - mid_hip)[rest], axis=0) @ body_long < 0:
            body_long = -body_long
        legs = {"left": (HIP_L, KN_L, AN_L), "right": (HIP_R, KN_R, AN_R)}
        use = [ref.side] if ref.side else ["left", "right"]
        trunk = mid_sh - mid_hip
        angle = []
        for side in use:
            thigh = x[:, legs[side][1]] - x[:, legs[side][0]]
            a = np.arctan2(thigh @ up, thigh @ body_long) - np.arctan2(trunk @ up, trunk @ body_long)
            angle.append(np.degrees(a) % 360)
        out["hip_angle_deg"] = np.mean(angle, axis=0)
        h, k, a = legs[ref.side or ref.near]
        u, v = unit(x[:, h] - x[:, k]), unit(x[:, a] - x[:, k])
        out["knee_flexion_deg"] = 180 - np.degrees(np.arccos(np.clip((u * v).sum(1), -1, 1)))
        out["pelvic_height"] = change(mid_hip @ up) / body.bones["thigh"]
        for side, sign in (("left", -1), ("right", 1)):
            d = x[:, legs[side][1]] - x[:, legs[side][2]]
            out[f"shank_lean_{side}_deg"] = change(np.degrees(np.arctan2(sign * d @ left, d @ up)))
        ratio = np.linalg.norm(x[:, KN_L] - x[:, KN_R], axis=1) / np.linalg.norm(
            x[:, AN_L] - x[:, AN_R], axis=1
        )
        out["knee_separation"] = ratio / np.median(ratio[rest])
        line = unit(x[:, HIP_L] - x[:, HIP_R])
        drop = change(np.degrees(np.arcsin(np.clip(line @ up, -1, 1))))  # + = left higher = right lower
        out["pelvic_drop_deg"] = -drop if ref.side == "right" else drop
        return out
    left = ref.side == "left"
    top, low = (0, 1) if left else (1, 0)
    trunk = float(np.median(np.linalg.norm(mid_sh - mid_hip, axis=1)))
    lift = (x[:, KN_L + top] - x[:, KN_L + low]) @ up / trunk
    out["knee_lift"] = change(lift)
    apart = np.mean([change((x[:, j + top] - x[:, j + low]) @ up) for j in (AN_L, HE_L, TO_L)], axis=0)
    out["feet_apart"] = apart / trunk
    hip, knee, ankle = x[:, HIP_L + top], x[:, KN_L + top], x[:, AN_L + top]
    axis = unit(ankle - hip)
    out_of = knee - hip
    out_of = unit(out_of - (out_of * axis).sum(1, keepdims=True) * axis)
    lying = unit(up[None] - (axis @ up)[:, None] * axis)
    third = np.cross(axis, lying)
    third = third * np.sign(np.median((out_of * third).sum(1)[rest]))
    out["opening_deg"] = change(np.degrees(np.arctan2((out_of * lying).sum(1), (out_of * third).sum(1))))
    long = unit(np.median((mid_sh - mid_hip)[rest], axis=0))
    line = x[:, HIP_L + top] - x[:, HIP_L + low]
    vertical = unit(up - (up @ long) * long)
    back = np.cross(long, vertical)
    knees = np.median((x[:, [KN_L, KN_R]].mean(1) - mid_hip)[rest], axis=0)
    back = -back * np.sign(knees @ back)
    out["pelvic_roll_deg"] = change(np.degrees(np.arctan2(line @ back, line @ vertical)))
    return out


def drawing_offsets(clips: list[Clip]) -> dict[str, np.ndarray]:
    """Where the landmarks are drawn from the true joint, in the pelvis's axes, metres; least squares."""
    rows: dict[str, list] = defaultdict(list)
    for clip in clips:
        t = clip.truth
        r = np.array(t["camera"]["R_world_to_cam"]).reshape(3, 3)
        f = np.array(t["camera"]["K"]).reshape(3, 3)[0, 0]
        for part in ("hip", "shoulder"):
            for side, sign in (("L", 1), ("R", -1)):
                n = t["joint_names"].index(f"{part}_{side}")
                joint = side_landmark({"L": "left", "R": "right"}[side], part)
                for k, i in zip(clip.pick[::3], clip.index[::3], strict=True):
                    frame = t["frames"][i]
                    m = r @ np.array(frame["pelvis_R"]).reshape(3, 3) @ np.diag([sign, 1, 1])
                    d = (clip.stretch.xy[k, joint] - np.array(frame["px"][n])) * frame["depth"][n] / f
                    rows[part].append((m[:2], d))
    out = {}
    for part, pairs in rows.items():
        a, b = np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])
        o = np.zeros(3)
        for _ in range(10):
            res = b - a @ o
            k = 1 / np.sqrt(1 + (res / 0.03) ** 2)
            o = np.linalg.lstsq(a * k[:, None], b * k, rcond=None)[0]
        out[part] = o
    return out


def rows(clip: Clip, body: Body) -> dict[str, tuple[Array, Array, Array]]:
    """Measure to direct, fitted and true values in the frames compared."""
    fitted = measures(clip, body)
    out = {}
    for name in WANTED[clip.key]:
        k = clip.usable(name)
        if k.sum() >= 5:
            out[name] = clip.measures.column(name)[clip.pick][k], fitted[name][k], clip.series[name][k]
    return out


def _stats(off: Array) -> str:
    return f"{np.abs(off).mean():8.3f}{off.mean():8.3f}{np.percentile(np.abs(off), 95):8.3f}"


def table(key: tuple[str, str], found: list[dict[str, tuple[Array, Array, Array]]]) -> str:
    """MAE, bias, p95 and correlation of both on some clips of a view."""
    lines = []
    for name in WANTED[key]:
        mine = [f[name] for f in found if name in f]
        if not mine:
            continue
        direct, fitted, true = (np.concatenate([m[i] for m in mine]) for i in range(3))
        better = sum(np.abs(f - t).mean() < np.abs(d - t).mean() for d, f, t in mine)
        r = [np.corrcoef(v, true)[0, 1] for v in (direct, fitted)]
        lines.append(
            f"  {'/'.join(key):15s}{name:22s}{_stats(direct - true)}{r[0]:6.2f}  |"
            f"{_stats(fitted - true)}{r[1]:6.2f}  | constant {np.abs(true - true.mean()).mean():7.3f}"
            f"  better in {better} of {len(mine)}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--poses", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--only", default="", help="only clips whose id contains this")
    args = parser.parse_args()
    args.poses.mkdir(parents=True, exist_ok=True)
    score = scorer(args.shared)
    videos = [v for d in args.clips for v in sorted(d.glob("*.mp4")) if args.only in v.stem]
    clips = [c for v in videos if (c := load(v, args.poses, score, EVERY)) is not None and c.key in WANTED]
    print("direct: MAE, bias, p95, r  |  body: the same  |  MAE of the mean of the truth")
    for key in WANTED:
        mine = [c for c in clips if c.key == key]
        w, drawn = CHOSEN[key]
        by: dict[str, list] = {"tuning half": [], "held-out half": [], "each from all others": []}
        for clip in mine:
            half = [c for c in mine if c.tuning]
            others = [c for c in mine if c is not clip]
            offset = drawing_offsets(half) if drawn and half else {}
            name = "tuning half" if clip.tuning else "held-out half"
            by[name].append((clip, rows(clip, solve(clip, replace(w, offset=offset)))))
            if drawn:
                offset = drawing_offsets(others) if others else {}
                by["each from all others"].append((clip, rows(clip, solve(clip, replace(w, offset=offset)))))
        for name, found in by.items():
            if found:
                print(f"{name}: {' '.join(c.stem.split('_')[0] for c, _ in found)}")
                print(table(key, [f for _, f in found]), flush=True)


if __name__ == "__main__":
    main()
