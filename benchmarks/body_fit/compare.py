"""The fitted body against the direct formulas, on clips with exact truth, frame by frame.

    python compare.py --poses FOLDER [--shared ../shared] CLIPS_DIR [CLIPS_DIR ...]

Clips whose id ends its first number odd (dev01, s03) chose the weights; the even ones are reported. Poses are read
once and kept in FOLDER.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import pickle
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import fit as fitting
from fit import AN_L, AN_R, HE_L, HE_R, HIP_L, HIP_R, KN_L, KN_R, SH_L, SH_R, TO_L, TO_R, Body, Weights, unit

from formcheck.exercises.definition import load_definition
from formcheck.exercises.recording import prepare
from formcheck.measures.table import Status
from formcheck.pose.track import Track

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
#: Camera pitch expected of each view, degrees down: end views stand on a table (spec 3).
PITCH = {"head": 20.0, "feet": 22.0}


def scorer(shared: Path):
    spec = importlib.util.spec_from_file_location("score", shared / "bench" / "score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Clip:
    stem: str
    truth: dict
    key: tuple[str, str]
    named: str
    series: dict[str, np.ndarray]
    stretch: object
    track: Track
    pick: np.ndarray
    moving: np.ndarray
    first: np.ndarray

    @property
    def tuning(self) -> bool:
        return int(re.search(r"\d+", self.stem).group()) % 2 == 1


def poses(video: Path, folder: Path):
    kept = folder / f"{video.stem}.pkl"
    if kept.exists():
        return pickle.loads(kept.read_bytes())
    from formcheck.pose.blazepose import BlazePose
    from formcheck.pose.read import read_poses
    from formcheck.sources import VideoFile

    with VideoFile(video) as source, BlazePose("full") as engine:
        kept.write_bytes(pickle.dumps(((source.width, source.height), read_poses(source, engine)[0])))
    return pickle.loads(kept.read_bytes())


def load(video: Path, folder: Path, score) -> Clip | None:
    t = json.loads(video.with_suffix(".json").read_text())
    wh, results = poses(video, folder)
    track = Track.from_results(results, wh)
    single = t.get("single_leg_lifted")
    clam = t["exercise"] == "clam"
    side = {"L": "left", "R": "right"}.get(t["working_side"]) if clam else None
    if single:
        side = {"L": "right", "R": "left"}[single]
    view = {"lateral": "side"}.get(t["view"], t["view"])
    definition = load_definition("single-leg-bridge" if single else t["exercise"])
    stretches = [s for s in prepare(track, definition, side) if s.measures is not None]
    if not stretches:
        print(f"{video.stem}: not measured", flush=True)
        return None
    s = max(stretches, key=lambda s: s.frames.stop - s.frames.start)
    part = track.part(s.frames)
    good = np.isfinite(s.xy).all(axis=(1, 2)) & part.person
    pick = np.flatnonzero(good)[::EVERY]
    index = np.clip(np.round(part.time_s[pick] * t["fps"]).astype(int), 0, len(t["frames"]) - 1)
    moving = np.array([t["frames"][i]["rep"] > 0 for i in index])
    begun = min(r["t_start"] for r in t["reps"])
    first = part.time_s[pick] < begun
    if first.sum() < 3:  # nobody seen before the first repetition
        first = ~moving
    series = {k: v[index] for k, v in score.truth_series(t).items()}
    return Clip(video.stem, t, (t["exercise"], view), s.reference.view, series, s, part, pick, moving, first)


def resting(clip: Clip) -> dict[int, float]:
    """What lies on the floor, and how much play each has."""
    if clip.key[0] == "bridge":
        feet = {AN_L: 1.0, AN_R: 1.0, HE_L: 1.0, HE_R: 1.0, TO_L: 1.0, TO_R: 1.0}
        side = clip.stretch.reference.side
        if side is not None:
            feet = {AN_L: 1.0, HE_L: 1.0, TO_L: 1.0} if side == "left" else {AN_R: 1.0, HE_R: 1.0, TO_R: 1.0}
        return feet | {SH_L: 3.0, SH_R: 3.0}
    if clip.stretch.reference.side == "left":
        return {SH_R: 3.0, HIP_R: 2.0, KN_R: 1.5, AN_R: 1.5, HE_R: 1.5, TO_R: 1.5}
    return {SH_L: 3.0, HIP_L: 2.0, KN_L: 1.5, AN_L: 1.5, HE_L: 1.5, TO_L: 1.5}


def solve(clip: Clip, w: Weights, iterations: int = 25) -> Body:
    w = replace(w, pitch_deg=PITCH.get(clip.named, 13.0))
    s, part = clip.stretch, clip.track
    k = clip.pick
    return fitting.fit(s.xy[k], s.world[k], part.visibility[k], part.time_s[k], part.image_wh, resting(clip), w, iterations)


def measures(clip: Clip, body: Body) -> dict[str, np.ndarray]:
    """The same quantities as the truth has, from the body's joints, change since rest taken."""
    x, up = body.joints, body.up
    ref = clip.stretch.reference
    rest = clip.first
    mid_hip, mid_sh = x[:, [HIP_L, HIP_R]].mean(1), x[:, [SH_L, SH_R]].mean(1)
    change = lambda v: v - np.median(v[rest])
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
        ratio = np.linalg.norm(x[:, KN_L] - x[:, KN_R], axis=1) / np.linalg.norm(x[:, AN_L] - x[:, AN_R], axis=1)
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


def truth_offsets(clips: list[Clip]) -> dict[str, np.ndarray]:
    """Where the landmarks are drawn from the true joint, in the pelvis's axes, metres; least squares."""
    rows: dict[str, list] = defaultdict(list)
    for clip in clips:
        t = clip.truth
        r = np.array(t["camera"]["R_world_to_cam"]).reshape(3, 3)
        f = np.array(t["camera"]["K"]).reshape(3, 3)[0, 0]
        index = np.clip(np.round(clip.track.time_s[clip.pick] * t["fps"]).astype(int), 0, len(t["frames"]) - 1)
        for part in ("hip", "shoulder"):
            for side, sign in (("L", 1), ("R", -1)):
                n = t["joint_names"].index(f"{part}_{side}")
                joint = fitting.side_landmark({"L": "left", "R": "right"}[side], part)
                for k, i in zip(clip.pick[::3], index[::3], strict=True):
                    frame = t["frames"][i]
                    m = r @ np.array(frame["pelvis_R"]).reshape(3, 3) @ np.diag([sign, 1, 1])
                    d = (clip.stretch.xy[k, joint] - np.array(frame["px"][n])) * frame["depth"][n] / f
                    rows[part].append((m[:2], d))
    out = {}
    for part, pairs in rows.items():
        a, b = np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])
        for _ in range(10):
            res = b if _ == 0 else b - a @ o
            k = 1 / np.sqrt(1 + (res / 0.03) ** 2)
            o = np.linalg.lstsq(a * k[:, None], b * k, rcond=None)[0]
        out[part] = o
    return out


def usable(clip: Clip, name: str) -> np.ndarray:
    """Moving frames in which the direct formula gives a value; only ok ones where the view is ok."""
    table = clip.stretch.measures
    status = table.status[clip.pick, table.names.index(name)]
    d = load_definition("single-leg-bridge" if clip.truth.get("single_leg_lifted") else clip.key[0])
    shown = d.measures[name].views.get(clip.named)
    good = status == Status.OK if shown == "ok" else status != Status.NOT_MEASURABLE
    return good & clip.moving


def errors(clips: list[Clip], bodies: list[Body | None]):
    """(view key, measure, tuning) -> list of (stem, direct, fitted, true)."""
    out = defaultdict(list)
    for clip, body in zip(clips, bodies, strict=True):
        fitted = measures(clip, body) if body is not None else {}
        for name in WANTED.get(clip.key, []):
            k = usable(clip, name)
            if k.sum() < 5:
                continue
            direct = clip.stretch.measures.column(name)[clip.pick][k]
            mine = fitted[name][k] if name in fitted else np.full(k.sum(), np.nan)
            out[clip.key, name, clip.tuning].append((clip.stem, direct, mine, clip.series[name][k]))
    return out


def _line(e: np.ndarray) -> str:
    return f"{np.abs(e).mean():7.3f} {e.mean():7.3f} {np.percentile(np.abs(e), 95):7.3f}"


def table(found) -> str:
    """MAE, bias, p95 of both, by half; and after a straight line fitted on the tuning half."""
    lines = [f"{'view':15s}{'measure':22s}{'half':8s}{'clips':>6s}  direct: MAE bias p95     body: MAE bias p95      "
             "after a line from the tuning half: direct, body (MAE)   clips better"]
    for (key, name, tuning), rows in sorted(found.items(), key=lambda kv: (kv[0][0], kv[0][1], not kv[0][2])):
        ed = np.concatenate([d - t for _, d, _, t in rows])
        ef = np.concatenate([f - t for _, _, f, t in rows])
        lined = []
        other = found.get((key, name, True))
        for which in (1, 2):
            if not other:
                lined.append(np.nan)
                continue
            a, b = np.concatenate([r[which] for r in other]), np.concatenate([r[3] for r in other])
            p = np.polyfit(a, b, 1)
            lined.append(np.abs(np.concatenate([np.polyval(p, r[which]) - r[3] for r in rows])).mean())
        better = sum(np.abs(f - t).mean() < np.abs(d - t).mean() for _, d, f, t in rows)
        lines.append(f"{'/'.join(key):15s}{name:22s}{'tuning' if tuning else 'held':8s}{len(rows):6d}  {_line(ed)}  {_line(ef)}"
                     f"      {lined[0]:7.3f} {lined[1]:7.3f}       {better}/{len(rows)}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--poses", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    args = parser.parse_args()
    args.poses.mkdir(parents=True, exist_ok=True)
    score = scorer(args.shared)
    videos = [v for d in args.clips for v in sorted(d.glob("*.mp4"))]
    clips = [c for v in videos if (c := load(v, args.poses, score)) is not None]
    print(table(errors(clips, [solve(c, Weights()) for c in clips])))


if __name__ == "__main__":
    main()
