"""One body: a few scenes of a few pictures each, with exact truth, as arrays that are kept in one file."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import cv2
import draw
import motion
import numpy as np
import things
from draw import LIES_ON, Spec
from picture import Renderer, Window
from shared_generator import body, generate, kin, render, scene

cv2.setNumThreads(1)
#: Joint centres and landmarks that are kept, in this order.
JOINTS = (
    "hip_L",
    "hip_R",
    "knee_L",
    "knee_R",
    "ankle_L",
    "ankle_R",
    "heel_L",
    "heel_R",
    "toe_L",
    "toe_R",
    "shoulder_L",
    "shoulder_R",
    "elbow_L",
    "elbow_R",
    "wrist_L",
    "wrist_R",
    "head",
    "nose",
)
#: The window is laid round these, so much wider than they reach.
_ROUND = [0, 1, 2, 3, 4, 5, 10, 11]
_WIDER = 1.45
_HEAD = ("head", "jaw", "oculi", "temporalis", "risorius", "levator", "orbi", "oris", "special")
_FULL = (1280, 960)
#: First seed of each exercise; a body's number is added.
FIRST_SEED = {
    "clam": 91_000,
    "leg-lift": 291_000,
    "bridge": 191_000,
    "single-leg-bridge": 391_000,
    "march": 491_000,
}
#: Bodies of this number and above are seen along the body, where BlazePose sees them worst.
FROM_AN_END = 5000


def drawn(
    renderer: Renderer, number: int, exercise: str, scenes: int, moved: int, rest: int = 2
) -> dict[str, Any]:
    """A body's pictures and truth, as `saved` takes them.

    Args:
        renderer: draws them; its size is theirs.
        number: of the body; decides everything about it.
        exercise: see `draw.LIES_ON`.
        scenes: so many places, lights, cameras and postures.
        moved, rest: so many pictures in each, moved and at rest; the resting ones come first.
    """
    rng = np.random.default_rng(FIRST_SEED[exercise] + number)
    who = draw.person(rng)
    from shared_generator import Cut

    Cut.stands_off = draw.stands_off(rng)
    human = body.Human(who["shape"], who["outfit"])
    cloth = draw.cloth(rng)
    pictures: list[np.ndarray] = []
    masks: list[np.ndarray] = []
    rows: list[Spec] = []
    for number_of_scene in range(scenes):
        posture, states = draw.posture(rng, exercise), draw.states(rng, exercise, rest, moved)
        props = draw.props(rng, exercise)
        actor = motion.Body(human, exercise, posture, number * 7 + number_of_scene)
        bones = [actor.at(state, 1.7 * k) for k, state in enumerate(states)]
        joints = [actor.joints(b) for b in bones]
        view = draw.camera(rng, exercise, from_an_end=number >= FROM_AN_END)
        camera, window, towards = _cameras(view, exercise, joints, renderer.w)
        renderer.empty()
        room = draw.room(rng)
        light = scene.build(renderer, room, towards)
        items = renderer.dressed(human, things.worn(human, who["outfit"], props))
        head = motion.skin_of(human, bones[0]["M"], _HEAD)
        things.lay(renderer, exercise, props, joints[0], head)
        renderer.items += items
        every = np.array([[j[name] for name in JOINTS] for j in joints])
        low, high = every.reshape(-1, 3).min(0), every.reshape(-1, 3).max(0)
        renderer.bb = (*(low[:2] - 0.4).tolist(), *(high[:2] + 0.4).tolist())
        centre = every.reshape(-1, 3).mean(0) * [1, 1, 0] + [0, 0, 0.2]
        exposure, noise = float(rng.uniform(0.7, 1.25)), float(rng.uniform(0.5, 4))
        for k, (state, b) in enumerate(zip(states, bones, strict=True)):
            of_skin = motion.lagging(b, bones[0], actor.rig, cloth["skin_lags"])
            of_cloth = motion.lagging(b, bones[0], actor.rig, cloth["cloth_lags"])
            image = renderer.shot(window, of_skin, of_cloth, light, centre, cloth)
            grain = rng.normal(0, noise, (renderer.h, renderer.w, 1)).astype(np.float32)
            rgb = np.clip(image[..., :3].astype(np.float32) * exposure + grain, 0, 255).astype(np.uint8)
            pictures.append(cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1])
            masks.append(cv2.imencode(".png", image[..., 3])[1])
            rows.append(
                {
                    "scene": number_of_scene,
                    "k": k,
                    "rest": k < rest,
                    "state": state,
                    "view": view,
                    "props": sorted(props),
                    "arm": posture.get("arm_top"),
                    "base_roll": posture.get("base_roll", 0.0),
                    "surface": room["surface"],
                }
                | _truth(exercise, actor, bones[0], b, joints[0], joints[k], camera, window)
            )
    return {"pictures": pictures, "masks": masks, "rows": rows, "person": who, "cloth": cloth}


def _cameras(view: Spec, exercise: str, joints: list[Any], n: int) -> tuple[Any, Window, np.ndarray]:
    """The camera, the window of it that is drawn, and the direction from the body to it."""
    at_rest = joints[0]
    if LIES_ON[exercise] == "side":
        front = np.array([0, -1.0, 0])
        feet = kin.unit((at_rest["ankle_L"] - at_rest["head"]) * [1, 1, 0])
    else:
        front, feet = np.array([0, -float(view["side"]), 0]), np.array([-1.0, 0, 0])
    a = np.radians(view["azimuth_deg"])
    towards = np.cos(a) * front + np.sin(a) * feet
    target = (at_rest["head"] * 0.45 + at_rest["ankle_L"] * 0.55) * [1, 1, 0] + [0, 0, 0.18]
    place = target * [1, 1, 0] + towards * view["distance_m"] + [0, 0, view["height_m"]]
    aimed = render.Camera.aim(place, target, view["roll_deg"], view["hfov_deg"], *_FULL)
    camera = render.Camera(
        aimed.pos,
        aimed.yaw + view["yaw_off_deg"],
        aimed.pitch + view["pitch_off_deg"],
        aimed.roll,
        view["hfov_deg"],
        *_FULL,
    )
    points = np.array([[j[name] for name in JOINTS] for j in joints])[:, _ROUND].reshape(-1, 3)
    uv = camera.project(points)[:, :2]
    low, high = uv.min(0), uv.max(0)
    side = float((high - low).max()) * _WIDER
    left, top = (low + high) / 2 - side / 2
    return camera, Window(camera, float(left), float(top), side, n), towards


def _truth(
    exercise: str,
    actor: motion.Body,
    rest: Any,
    now: Any,
    joints_0: Any,
    joints: Any,
    camera: Any,
    window: Window,
) -> Spec:
    """What a picture shows. Angles in degrees since the first picture of the scene; see the README's list."""
    rig = actor.rig
    pelvis, thorax = (b["Rw"] for b in (rest, now)), (b["Rw"] for b in (rest, now))
    (P0, P), (T0, T) = (
        [R[rig.ix["root"]] for R in pelvis],
        [R[rig.ix["spine01"]] for R in thorax],
    )
    angles = generate.ryxz if LIES_ON[exercise] == "side" else generate.rxzy
    turn, thorax_turn = angles(P0.T @ P), angles(T0.T @ T)
    X = np.array([joints[name] for name in JOINTS])
    thigh = (rig.L1["L"] + rig.L1["R"]) / 2
    return {
        "roll": float(turn[0]),
        "pitch": float(-turn[1]),
        "yaw": float(-turn[2]),
        "thorax_roll": float(thorax_turn[0]),
        "opening": float(now.get("swivel", 0.0) - rest.get("swivel", 0.0)) if exercise == "clam" else 0.0,
        "knee_lift": float(joints["knee_L"][2] - joints_0["knee_L"][2]) / thigh,
        "hip_lift": float(joints["mid_hip"][2] - joints_0["mid_hip"][2]) / thigh,
        "px": np.round(window.project(X)[:, :2], 2).tolist(),
        "camera_xyz": np.round((X - camera.pos) @ camera.R.T, 4).tolist(),
        "pelvis": np.round(camera.R @ P, 5).ravel().tolist(),
        "thorax": np.round(camera.R @ T, 5).ravel().tolist(),
        "f": window.f,
        "cx": window.cx,
        "cy": window.cy,
    }


def saved(path: Path, number: int, exercise: str, found: dict[str, Any]) -> None:
    """Writes one body; it appears under its name only when it is whole."""
    blobs = [np.asarray(b).ravel() for b in (*found["pictures"], *found["masks"])]
    text = json.dumps(
        {
            "body": number,
            "exercise": exercise,
            "joints": JOINTS,
            "person": found["person"],
            "rows": found["rows"],
        }
    )
    out = io.BytesIO()
    np.savez(
        out,
        lens=[len(b) for b in blobs],
        blob=np.concatenate(blobs),
        rows=np.frombuffer(text.encode(), np.uint8),
    )
    part = path.with_suffix(".part")
    part.write_bytes(out.getvalue())
    os.replace(part, path)
