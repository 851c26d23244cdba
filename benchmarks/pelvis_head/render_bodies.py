"""Render bodies whose pelvis turns independently of everything else, as stills with exact truth.

    VENV/bin/python render_bodies.py RENDERER OUT FIRST LAST

RENDERER is the folder of the clip renderer (`kin.py`, `body.py`, ...; see its README for VENV). Each body
gets one room and is seen from the corner and the foot end in a clam, from the head end and the foot end in
a bridge. The first still of each view is at rest; in the others opening (or lift), pelvic roll (or
drop), trunk and feet vary independently, so that nothing but the pelvis itself tells its roll.
Writes OUT/<body>_<view>_<k>.jpg and OUT/<body>_<view>.json.
"""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path

os.environ.setdefault("LP_NUM_THREADS", "1")

import cv2
import numpy as np

STILLS = {"clam_oblique": 10, "clam_feet": 8, "bridge_head": 10}
FEMALE = ["female_casualsuit01", "female_casualsuit02", "female_sportsuit01", "female_elegantsuit01"]
MALE = [f"male_casualsuit0{i}" for i in range(1, 7)] + ["male_worksuit01"]
HAIR = [
    "afro01",
    "bob01",
    "bob02",
    "braid01",
    "long01",
    "ponytail01",
    "short01",
    "short02",
    "short03",
    "short04",
]


def load_renderer(folder: str) -> types.SimpleNamespace:
    """The renderer's modules, with the share of a roll that the trunk follows made a parameter."""
    sys.path.insert(0, folder)
    source = Path(folder, "kin.py").read_text().replace("tr=.35 ", "tr=sp.get('thorax_follow',.35) ")
    assert "thorax_follow" in source
    kin = types.ModuleType("kin")
    sys.modules["kin"] = kin
    exec(compile(source, "kin.py", "exec"), kin.__dict__)
    import body
    import generate
    import render
    import scene

    return types.SimpleNamespace(kin=kin, body=body, generate=generate, render=render, scene=scene)


def random_human(rng: np.random.Generator, folder: str) -> dict:
    gender = float(rng.choice([0, 0, 1, 1, rng.uniform(0.2, 0.8)]))
    word = "male" if gender > 0.5 else "female"
    skins = [p.stem for p in Path(folder, "assets/skins").glob("*.png") if f"_{word}_" in p.stem]
    colour = lambda: [*rng.uniform(0.06, 0.85, 3).tolist(), float(rng.uniform(0.5, 1.0))]  # noqa: E731
    outfit: dict = {
        "hair": str(rng.choice(HAIR)),
        "skin": str(rng.choice(sorted(skins))),
        "shoes": None if rng.random() < 0.15 else f"shoes0{rng.integers(1, 7)}",
    }
    if rng.random() < 0.35:
        outfit["clothes"] = []
        outfit["tights"] = {
            "leg": float(rng.uniform(0.35, 1.0)),
            "sleeve": float(rng.uniform(0.05, 0.9)),
            "top": [*rng.uniform(0.05, 0.85, 3).tolist(), 1],
            "bottom": [*rng.uniform(0.05, 0.85, 3).tolist(), 1],
        }
    else:
        outfit["clothes"] = [str(rng.choice(FEMALE if word == "female" else MALE))]
        if rng.random() < 0.8:
            outfit["top_tint"], outfit["bottom_tint"] = colour(), colour()
    if rng.random() < 0.6:
        outfit["hair_tint"] = colour()
    shape = {
        "gender": gender,
        "age": float(rng.uniform(20, 78)),
        "weight": float(rng.uniform(0.25, 0.85)),
        "muscle": float(rng.uniform(0.3, 0.8)),
        "height": float(rng.uniform(0.25, 0.75)),
        "prop": float(rng.uniform(0.2, 0.9)),
        "eth": "caucasian",
    }
    return {"shape": shape, "outfit": outfit}


def random_room(rng: np.random.Generator) -> dict:
    return {
        "seed": int(rng.integers(1 << 30)),
        "floor": str(rng.choice(["wood", "carpet", "tile", "plain"])),
        "wall": str(rng.choice(["paint", "brick", "stripes", "panel"])),
        "light": str(rng.choice(["day", "warm", "cool", "dim", "bright"])),
        "surface": str(rng.choice(["mat", "mat", "thick", "plinth", "bed"])),
        "furniture": int(rng.integers(0, 5)),
        "mat_color": rng.uniform(0.12, 0.6, 3).tolist(),
    }


def random_camera(rng: np.random.Generator, view: str) -> dict:
    az, height = {
        "clam_oblique": ((30, 72), (0.25, 1.05)),
        "clam_feet": ((70, 93), (0.8, 1.5)),
        "bridge_head": ((-104, -76), (0.65, 1.45)),
        "bridge_feet": ((76, 104), (0.8, 1.6)),
    }[view]
    if view == "clam_oblique" and rng.random() < 0.3:
        az = (-10, 30)  # the front: real clams are filmed from there
    return {
        "az": float(rng.uniform(*az)),
        "height": float(rng.uniform(*height)),
        "dist": float(rng.uniform(1.9, 2.7)),
        "hfov": float(rng.uniform(46, 62)),
        "roll": float(rng.normal(0, 1.5)),
        "yaw_off": float(rng.normal(0, 3)),
        "pitch_off": float(rng.normal(0, 2)),
        "body_side": str(rng.choice(["L", "R"])),
    }


def random_states(rng: np.random.Generator, exercise: str, count: int) -> list[dict]:
    """What the body does in each still: one at rest, then anything."""
    states = []
    for k in range(count):
        still = k < 1
        # A third of the moved stills without any roll: the commonest case, and the one that must read zero.
        roll = (
            0.0
            if still or rng.random() < 0.3
            else float(rng.uniform(-14, 30) if exercise == "clam" else rng.uniform(-19, 19))
        )
        if exercise == "clam":
            states.append(
                {
                    "roll": roll + (float(rng.normal(0, 1)) if not still else 0.0),
                    "open": 0.0
                    if still
                    else float(rng.choice([0.0, rng.uniform(0, 60), rng.uniform(15, 55)])),
                    "feet": 0.0 if still or rng.random() < 0.75 else float(rng.uniform(2, 14)),
                    "flex": 0.0 if still or rng.random() < 0.8 else float(rng.uniform(-12, 12)),
                    "follow": 0.35 if rng.random() < 0.45 else float(rng.uniform(0, 0.95)),
                }
            )
        else:
            lift = 0.0 if still else float(rng.choice([rng.uniform(0.1, 1), 1.0, rng.uniform(0.6, 1)]))
            states.append(
                {
                    "roll": roll * min(1.0, 2.5 * lift),
                    "lift": lift,
                    "pivot": bool(rng.random() < 0.7),
                    "twist": 0.0 if still or rng.random() < 0.75 else float(rng.uniform(-9, 9)),
                    "knees": 0.0 if still or rng.random() < 0.7 else float(rng.uniform(-9, 9)),
                }
            )
    return states


def as_rep(exercise: str, state: dict) -> tuple[dict | None, float]:
    """The renderer's repetition and movement share for a state."""
    if exercise == "clam":
        faults = [
            {"type": "pelvis_rollback", "amount": state["roll"]},
            {"type": "small_range", "amount": state["open"]},
            {"type": "feet_separate", "amount": state["feet"]},
        ]
        return {"index": 1, "amp": 1.0, "t_end": 1e9, "faults": faults}, 1.0
    u = max(state["lift"], 1e-3)
    faults = []
    if state["roll"]:
        side = "L" if state["roll"] > 0 else "R"
        faults.append({"type": "pelvic_drop", "amount": abs(state["roll"]) / u, "side": side})
    if state["twist"]:
        faults.append(
            {
                "type": "pelvic_rotation",
                "amount": abs(state["twist"]) / u,
                "side": "L" if state["twist"] > 0 else "R",
            }
        )
    if state["knees"]:
        faults.append(
            {"type": "knees_in" if state["knees"] > 0 else "knees_out", "amount": abs(state["knees"]) / u}
        )
    return {"index": 1, "amp": 1.0, "t_end": 1e9, "faults": faults}, state["lift"]


def settle(r: types.SimpleNamespace, human, motion, spec: dict):
    """Lay the body on the surface, as the clip renderer does."""
    g = motion.g
    o = motion.pose(0.0)
    joints = r.generate.joints(g, human, o)
    c = (joints["head"] + (joints["ankle_L"] + joints["ankle_R"]) / 2) / 2
    motion.shift = -np.array([c[0], c[1], 0])
    o = motion.pose(0.0)
    used = np.unique(human.B["F"][human.B["G"] == "body"])
    skin = human.skin_points(used, o["M"])
    names = np.array(human.names)[human.B["W"][used].argmax(1)]
    if spec["exercise"] == "bridge":
        trunk = np.array([n.startswith(("spine", "root", "clav", "should")) for n in names])
        motion.sh += -0.012 - skin[trunk, 2].min()
        motion.cache.clear()
    else:
        low = np.array([n.startswith(("pelvis", "root", "upperleg")) for n in names])
        spec["hip_h"] = spec.get("hip_h", 0.098) - 0.015 - skin[low, 2].min()
    o = motion.pose(0.0)
    head = np.array(
        [
            n.startswith(
                ("head", "jaw", "oculi", "temporalis", "risorius", "levator", "orbi", "oris", "special")
            )
            for n in names
        ]
    )
    skin = human.skin_points(used, o["M"])
    return o, r.generate.joints(g, human, o), skin[head]


def scissor(camera, points, width: int, height: int, around: float) -> tuple[int, int, int, int]:
    """The part of the picture in which the body can move, `around` metres beyond its joints."""
    spread = np.concatenate([points + around * e for e in (*np.eye(3), *-np.eye(3))])
    spread[:, 2] = np.maximum(spread[:, 2], -0.02)
    seen = camera.project(spread)
    seen = seen[seen[:, 2] > 0.2]
    x0, x1 = np.clip([seen[:, 0].min(), seen[:, 0].max()], 0, width)
    y0, y1 = np.clip([seen[:, 1].min(), seen[:, 1].max()], 0, height)
    return int(x0), int(height - y1), int(np.ceil(x1 - x0)), int(np.ceil(y1 - y0))


def render_body(r: types.SimpleNamespace, folder: str, out: Path, number: int) -> None:
    rng = np.random.default_rng(52000 + number)
    human_spec, room = random_human(rng, folder), random_room(rng)
    human = r.body.Human(human_spec["shape"], human_spec["outfit"])
    rig = r.kin.Rig(human)
    width, height = 480, 360
    current: dict = {}
    r.kin.phase_at = lambda reps, t: (current["rep"], current["u"], "hold" if current["u"] > 0 else "rest")
    for view, count in STILLS.items():
        exercise = view.split("_")[0]
        if (out / f"b{number:03d}_{view}.json").exists():
            continue
        spec: dict = {
            "exercise": exercise,
            "reps": 1,
            "side": str(rng.choice(["L", "R"])),
            "human": human_spec,
            "room": room,
        }
        if exercise == "clam":
            spec |= {
                "hip_flexion": float(rng.uniform(35, 62)),
                "knee_flexion": float(rng.uniform(75, 105)),
                "base_roll": float(rng.normal(0, 5)),
                "base_yaw": float(rng.normal(0, 3)),
                "natural_rollback": 0.0,
                "arm_top": str(rng.choice(["mat", "mat", "hip", "thigh"])),
                "arm_bot": str(rng.choice(["pillow", "straight"])),
                "thorax_flex": float(rng.uniform(0, 14)),
                "foot_stack": float(rng.uniform(0.07, 0.09)),
            }
        else:
            spec |= {
                "foot_offset": float(rng.uniform(0.0, 0.14)),
                "peak_short": float(rng.uniform(-4, 18)),
                "stance": float(rng.uniform(0.9, 1.6)),
                "toe_out": float(rng.uniform(0, 14)),
                "arms": str(rng.choice(["sides", "sides", "chest"])),
                "knee_base_in": float(rng.normal(0, 1)),
            }
            if rng.random() < 0.3:
                spec["single_leg"] = str(rng.choice(["L", "R"]))
        spec["body_yaw"] = float(rng.normal(0, 3))
        states = random_states(rng, exercise, count)
        camera_spec = random_camera(rng, view)
        motion = (r.kin.Clam if exercise == "clam" else r.kin.Bridge)(rig, spec, number)
        rest = as_rep(exercise, states[0])
        current["rep"], current["u"] = rest
        o, joints, head = settle(r, human, motion, spec)
        turn = r.kin.rz(spec["body_yaw"])
        if exercise == "clam":
            front = turn @ np.array([0, -1, 0.0])
            feet = r.kin.unit((joints["ankle_L"] - joints["head"]) * [1, 1, 0])
        else:
            front = turn @ np.array([0, -1.0 if camera_spec["body_side"] == "L" else 1.0, 0])
            feet = turn @ np.array([-1.0, 0, 0])
        a = np.radians(camera_spec["az"])
        towards = np.cos(a) * front + np.sin(a) * feet
        target = (joints["head"] * 0.45 + joints["ankle_L"] * 0.55) * [1, 1, 0] + [0, 0, 0.18]
        position = target * [1, 1, 0] + towards * camera_spec["dist"] + [0, 0, camera_spec["height"]]
        aimed = r.render.Camera.aim(position, target, camera_spec["roll"], camera_spec["hfov"], width, height)
        camera = r.render.Camera(
            aimed.pos,
            aimed.yaw + camera_spec["yaw_off"],
            aimed.pitch + camera_spec["pitch_off"],
            aimed.roll,
            aimed.hfov,
            width,
            height,
        )
        renderer = r.render.Renderer(width, height, samples=2)
        light = r.scene.build(renderer, room, towards)
        if exercise == "clam" or head[:, 2].min() > 0.05:
            high = max(float(head[:, 2].min()) + 0.02, 0.03)
            along = r.kin.unit((joints["head"] - joints["mid_shoulder"]) * [1, 1, 0])
            at = head.mean(0) * [1, 1, 0] + along * 0.03
            renderer.ellipsoid(
                (at[0], at[1], high / 2),
                (0.17, 0.27, high / 2 + 0.005),
                color=(0.88, 0.88, 0.9),
                p=4.5,
                yaw=float(np.degrees(np.arctan2(along[1], along[0]))),
            )["dyn"] = True
        renderer.add_human(human)
        points = np.array(list(joints.values()))
        renderer.bb = (*(points[:, :2].min(0) - 0.4).tolist(), *(points[:, :2].max(0) + 0.4).tolist())
        exposure, noise_sd, quality = (
            float(rng.uniform(0.75, 1.2)),
            float(rng.uniform(0.5, 4)),
            int(rng.integers(55, 92)),
        )
        stills, zero = [], None
        flex = spec.get("hip_flexion", 0.0)
        clip = scissor(camera, points, width, height, 0.45)
        for k, state in enumerate(states):
            current["rep"], current["u"] = as_rep(exercise, state)
            if exercise == "clam":
                spec["hip_flexion"] = flex + state["flex"]
                spec["thorax_follow"] = state["follow"]
            o = motion.pose(float(rng.uniform(0, 20)) if k else 0.0)
            joints = r.generate.joints(rig, human, o)
            pelvis = o["Rw"][rig.ix["root"]]
            zero = pelvis if zero is None else zero
            relative = zero.T @ pelvis
            angles = r.generate.ryxz(relative) if exercise == "clam" else r.generate.rxzy(relative)
            world = np.array([joints[n] for n in r.generate.NAMES])
            image, _ = renderer.frame(camera, o["M"], light, center=(0, 0, 0.2), scissor=clip if k else None)
            noisy = image.astype(np.float32) * exposure + rng.normal(0, noise_sd, image.shape).astype(
                np.float32
            )
            picture = np.clip(noisy, 0, 255).astype(np.uint8)[:, :, ::-1]
            cv2.imwrite(
                str(out / f"b{number:03d}_{view}_{k:02d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, quality]
            )
            sign = 1 if exercise == "bridge" or spec["side"] == "L" else -1
            stills.append(
                {
                    "state": state,
                    "roll_deg": float(angles[0]) * sign,
                    "pitch_deg": float(-angles[1]),
                    "yaw_deg": float(-angles[2]),
                    "pelvis_cam": np.round(camera.R @ pelvis, 5).ravel().tolist(),
                    "joints_cam": np.round((world - camera.pos) @ camera.R.T, 4).tolist(),
                    "px": np.round(camera.project(world)[:, :2], 2).tolist(),
                }
            )
        truth = {
            "body": number,
            "view": view,
            "side": spec["side"],
            "single_leg": spec.get("single_leg"),
            "camera": camera_spec,
            "R": camera.R.round(6).tolist(),
            "names": r.generate.NAMES,
            "size": [width, height],
            "stills": stills,
        }
        (out / f"b{number:03d}_{view}.json").write_text(json.dumps(truth))
        renderer.ctx.release()


def main() -> None:
    folder, out, first, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    out.mkdir(parents=True, exist_ok=True)
    r = load_renderer(folder)
    for number in range(first, last):
        try:
            render_body(r, folder, out, number)
            print(number, flush=True)
        except Exception as error:  # a rare combination of clothes does not fit: go on with the next body
            print(number, "left out:", repr(error), flush=True)


if __name__ == "__main__":
    main()
