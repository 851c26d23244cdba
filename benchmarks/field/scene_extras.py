"""Renders one clip with what homes have and the shared generator lacks; run by ``field.py render``.

    PYTHON scene_extras.py GENERATOR SPECS.json ID FOLDER

A layer over the generator (../shared/render, which stays as it is): its renderer is given things to draw and
to move, and its encoder the pictures turned or framed. The truth comes from the same generator;
where pictures are changed it is changed with them (picture.py). PYTHON needs numpy, scipy, pillow, moderngl,
opencv-python-headless and imageio-ffmpeg.

``spec["extras"]`` may hold
    between_knees  {"half_m": [along the thigh, across, thick], "color"}: a cushion or a folded blanket
    band           {"along_thigh": share of the thigh, "width_m", "color"}: a resistance band round the thighs
    helper         {"human", "kneels", "along_m", "beside_m"}: another person on the far side of the patient
    pet            {"path": "front"|"behind", "start_s", "speed_m_s", "towards": +-1, "size", "color"}
    bump           {"at_s", "takes_s", "yaw_deg", "pitch_deg", "roll_deg", "moved_m"}: the camera is knocked
    picture        arguments of `picture.Picture`
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from band import ring, unit
from picture import Picture

Spec = dict[str, Any]
#: From the joint centre of a knee to the skin at its inner side, metres.
_KNEE_M = 0.05
_UP = np.array([0.0, 0.0, 1.0])


def placed(axes: np.ndarray, at: np.ndarray) -> np.ndarray:
    """``(4, 4)`` model matrix from three columns and a place."""
    model = np.eye(4)
    model[:3, :3], model[:3, 3] = axes, at
    return model


def make(spec: Spec, folder: Path) -> None:
    """Renders a clip into a folder: ``<id>.mp4``, ``.json`` and ``.csv``."""
    import generate
    import render

    extras = spec.get("extras", {})
    picture = picture_of(extras)
    width, height = spec.get("size", [640, 480])
    scenes: list[Any] = []
    plain = render.Renderer

    def renderer(w: int, h: int) -> Any:
        scenes.append(scene_class(plain)(w, h, spec))
        return scenes[-1]

    with (
        replaced(render, "Renderer", renderer),
        replaced(generate, "subprocess", encoder(picture, width, height)),
    ):
        generate.make(spec, str(folder))
    path = folder / f"{spec['id']}.json"
    truth = json.loads(path.read_text())
    if scenes and scenes[0].before_bump is not None:
        truth["camera_after_bump"] = truth["camera"]
        truth["camera"] = truth["camera"] | scenes[0].before_bump
    path.write_text(json.dumps(picture.truth(truth), separators=(",", ":")))


def picture_of(extras: dict[str, Any]) -> Picture:
    """What is done to the pictures of a clip with these extras."""
    asked = extras.get("picture", {})
    pairs = {name: tuple(asked[name]) for name in ("size", "at") if name in asked}
    return Picture(**{**asked, **pairs})


@contextmanager
def replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    """A module's attribute is another one for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def encoder(picture: Picture, width: int, height: int) -> Any:
    """Stands in for `subprocess` in the generator: its FFmpeg gets the pictures turned and framed."""

    def popen(command: list[str], **more: Any) -> Any:
        command = list(command)
        command[command.index("-s") + 1] = "{}x{}".format(*picture.size_of(width, height))
        process = subprocess.Popen(command, **more)
        assert process.stdin is not None

        def write(data: bytes) -> None:
            image = np.frombuffer(data, np.uint8).reshape(height, width, 3)
            process.stdin.write(picture.applied(image).tobytes())

        pipe = SimpleNamespace(write=write, close=process.stdin.close)
        return SimpleNamespace(stdin=pipe, wait=process.wait)

    return SimpleNamespace(PIPE=subprocess.PIPE, Popen=popen)


def scene_class(plain: type) -> type:
    """The generator's renderer with extras; a class made late, as the generator lies outside."""

    class Scene(plain):  # type: ignore[misc]
        """Draws the extras of a spec with everything else, frame by frame."""

        def __init__(self, width: int, height: int, spec: Spec) -> None:
            super().__init__(width, height)
            self.spec = spec
            self.extras = spec.get("extras", {})
            self.number = 0
            self.movers: list[Callable[[float, dict[str, np.ndarray]], None]] = []
            self.before_bump: dict[str, Any] | None = None

        def frame(self, cam: Any, bones: np.ndarray, light: Any, *args: Any, **more: Any) -> Any:
            if not self.extras:
                return super().frame(cam, bones, light, *args, **more)
            t = self.number / self.spec.get("fps", 30)
            joints = joint_centres(self.human, bones)
            if self.number == 0:
                self.floor = min(float(i["raw"][0][:, 2].min()) for i in self.items if i["raw"] is not None)
                self.first = (cam.pos.copy(), cam.yaw, cam.pitch, cam.roll)
                self._furnish(cam, joints)
                self.bb = (-4.0, -4.0, 4.0, 4.0)  # contact shadows of what stands further away, too
            if "bump" in self.extras:
                self._bump(cam, t)
            for move in self.movers:
                move(t, joints)
            self.number += 1
            return super().frame(cam, bones, light, *args, **(more | {"scissor": None}))

        def add_human(self, human: Any) -> None:
            self.human = human
            super().add_human(human)

        def _furnish(self, cam: Any, joints: dict[str, np.ndarray]) -> None:
            for name, add in (
                ("between_knees", add_between_knees),
                ("band", add_band),
                ("helper", add_helper),
                ("pet", add_pet),
            ):
                if name in self.extras:
                    add(self, self.extras[name], cam, joints)

        def _bump(self, cam: Any, t: float) -> None:
            bump = self.extras["bump"]
            share = np.clip((t - bump["at_s"]) / bump["takes_s"], 0.0, 1.0)
            share = float(share * share * (3 - 2 * share))
            pos, yaw, pitch, roll = self.first
            new = (
                pos + share * np.array(bump["moved_m"]),
                yaw + share * bump["yaw_deg"],
                pitch + share * bump["pitch_deg"],
                roll + share * bump["roll_deg"],
            )
            if self.before_bump is None:
                self.before_bump = {
                    "pos": cam.pos.round(4).tolist(),
                    "yaw_deg": round(cam.yaw, 3),
                    "pitch_deg": round(cam.pitch, 3),
                    "roll_deg": round(cam.roll, 3),
                    "R_world_to_cam": cam.R.round(6).tolist(),
                }
            if (cam.yaw, cam.pitch, cam.roll) != new[1:]:
                # The generator asks this same camera where the joints are: the truth moves with the picture.
                cam.__init__(*new, cam.hfov, cam.w, cam.h)
                self.ready = False  # the room is drawn again

    return Scene


def joint_centres(human: Any, bones: np.ndarray) -> dict[str, np.ndarray]:
    """World places of hips, knees and ankles, from the bones' matrices."""
    out = {}
    for name, bone in (("hip", "upperleg01"), ("knee", "lowerleg01"), ("ankle", "foot")):
        for side in "LR":
            i = human.ix[f"{bone}.{side}"]
            out[f"{name}_{side}"] = (bones[i] @ np.append(human.head0[i], 1.0))[:3]
    return out


# -- between the knees, round the thighs ------------------------------------------------------------------


def add_between_knees(scene: Any, extra: dict[str, Any], cam: Any, joints: dict[str, np.ndarray]) -> None:
    """A clam's lies on the lower knee and stays there; a bridge's is squeezed by both."""
    along, across, thick = extra["half_m"]
    item = scene.ellipsoid((0, 0, 0), (along, across, 1.0), color=tuple(extra["color"]), p=4.0)
    item["dyn"] = True
    if scene.spec["exercise"] == "clam":
        low = "R" if scene.spec.get("side", "L") == "L" else "L"
        thigh = unit((joints[f"knee_{low}"] - joints[f"hip_{low}"]) * [1, 1, 0])
        at = joints[f"knee_{low}"] + _UP * (_KNEE_M + thick) - 0.3 * along * thigh
        item["model"] = placed(np.stack([thigh, np.cross(_UP, thigh), _UP * thick], axis=1), at)
        return

    def squeeze(t: float, joints: dict[str, np.ndarray]) -> None:
        gap = joints["knee_L"] - joints["knee_R"]
        between = unit(gap)
        thigh = (joints["knee_L"] - joints["hip_L"]) + (joints["knee_R"] - joints["hip_R"])
        thigh = unit(thigh - (thigh @ between) * between)
        half = max(float(np.linalg.norm(gap)) / 2 - _KNEE_M + 0.01, thick)
        at = (joints["knee_L"] + joints["knee_R"]) / 2 - 0.4 * along * thigh
        item["model"] = placed(np.stack([thigh, np.cross(between, thigh), between * half], axis=1), at)

    scene.movers.append(squeeze)


def add_band(scene: Any, extra: dict[str, Any], cam: Any, joints: dict[str, np.ndarray]) -> None:
    """A resistance band round both thighs."""
    points, normals, triangles, bones = ring(scene.human, extra["along_thigh"], extra["width_m"])
    n = len(points)
    weights = np.zeros((n, 4), "f4")
    weights[:, 0] = 1
    indices = np.zeros((n, 4), "f4")
    indices[:, 0] = bones
    scene.add(
        points, normals, np.zeros((n, 2)), triangles, None, "plain", indices, weights,
        color=tuple(extra["color"]),
    )  # fmt: skip


# -- others in the room ----------------------------------------------------------------------------------


def far_side(cam: Any) -> np.ndarray:
    """Unit vector across the body (it lies along x), away from the camera."""
    return np.array([0.0, -1.0 if cam.pos[1] > 0 else 1.0, 0.0])


def add_helper(scene: Any, extra: dict[str, Any], cam: Any, joints: dict[str, np.ndarray]) -> None:
    """Somebody who stands or kneels on the far side of the patient and sways a little."""
    import body

    human = body.Human(extra["human"]["shape"], extra["human"]["outfit"])
    away = far_side(cam)
    at = np.array([extra["along_m"], 0, 0]) + away * extra["beside_m"]
    at[2] = scene.floor
    bones = helper_pose(human, at, -away, extra["kneels"])
    parts = []
    for part in human.parts:
        P, N = skinned(part, bones)
        kw = {k: v for k, v in part.kw.items()}
        parts.append(
            SimpleNamespace(
                P=P, N=N, UV=part.UV, tri=part.tri, BI=None, BW=None, tex=part.tex, kw=kw, name=part.name
            )
        )
    before = len(scene.items)
    super(type(scene), scene).add_human(SimpleNamespace(parts=parts))
    mine = scene.items[before:]
    for item in mine:
        item["dyn"] = True

    def sway(t: float, joints: dict[str, np.ndarray]) -> None:
        a = 0.05 * np.sin(0.9 * t) + 0.03 * np.sin(2.3 * t + 1)
        turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        shift = 0.02 * np.sin(1.3 * t) * np.array([1.0, 0, 0])
        model = placed(turn, at - turn @ at + shift)
        for item in mine:
            item["model"] = model

    scene.movers.append(sway)


def helper_pose(human: Any, at: np.ndarray, facing: np.ndarray, kneels: bool) -> np.ndarray:
    """``(bones, 4, 4)`` matrices of a body that stands or kneels at a place and bends towards something."""
    import kin

    rig = kin.Rig(human)
    left = np.cross(_UP, facing)
    B = np.stack([left, _UP, facing], axis=1)
    down = human.rest["hip_L"][1] - rig.L1["L"] - 0.06 if kneels else 0.0
    base = at - _UP * down
    root = base + B @ rig.H0[0]
    R: dict[str, np.ndarray] = {}
    P: dict[str, np.ndarray] = {}
    lean = 24 if kneels else 12
    kin.set_spine(R, B, B @ kin.rx(lean), B @ kin.rx(lean + 22))
    if kneels:
        for side in "LR":
            H = base + B @ human.rest[f"hip_{side}"]
            K = H - _UP * rig.L1[side] * 0.995 + facing * 0.02
            A = K - facing * rig.L2[side] * 0.995 + _UP * 0.01
            kin.set_leg(rig, side, R, P, B, H, K, A, B[:, 0], None)
            R[f"foot.{side}"] = R[f"lowerleg01.{side}"] @ kin.rx(50)
    _, Pw = rig.fk(root, R, P)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        shoulder = Pw[rig.ix[f"upperarm01.{side}"]]
        if kneels:
            upper, fore = 0.55 * facing - 0.8 * _UP + 0.2 * sign * left, 0.9 * facing - 0.35 * _UP
        else:
            upper, fore = 0.25 * sign * left - _UP + 0.1 * facing, 0.4 * facing - _UP
        kin.set_arm(rig, side, R, P, R["spine01"], shoulder, unit(upper), unit(fore))
    Rw, Pw = rig.fk(root, R, P)
    return np.asarray(rig.mats(Rw, Pw))


def skinned(part: Any, bones: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(V, 3)`` places and normals of a part in a pose."""
    M = np.einsum("vk,vkij->vij", part.BW.astype(float), bones[part.BI.astype(int)])
    P = np.einsum("vij,vj->vi", M[:, :3, :3], part.P.astype(float)) + M[:, :3, 3]
    return P, np.einsum("vij,vj->vi", M[:, :3, :3], part.N.astype(float))


def add_pet(scene: Any, extra: dict[str, Any], cam: Any, joints: dict[str, np.ndarray]) -> None:
    """A cat-like mover of ellipsoids that walks past, in front of the patient or behind."""
    size, color = extra["size"], tuple(extra["color"])
    to_camera = unit(cam.pos * [1, 1, 0])
    walks = np.cross(_UP, to_camera) * extra["towards"]
    reach = abs(to_camera[0]) * 0.95 + abs(to_camera[1]) * 0.4 + 0.25  # past the body's own extent
    if extra["path"] == "front":
        line = to_camera * min(reach, float(np.linalg.norm(cam.pos[:2])) - 0.6)
    else:
        line = -to_camera * reach
    line = line + _UP * scene.floor
    across = np.cross(_UP, walks)
    turn = np.stack([walks, across, _UP], axis=1) * size
    body_parts = [((0, 0, 0.22), (0.20, 0.075, 0.08)), ((0.24, 0, 0.30), (0.075, 0.06, 0.06)),
                  ((0.25, 0.04, 0.37), (0.02, 0.02, 0.04)), ((0.25, -0.04, 0.37), (0.02, 0.02, 0.04)),
                  ((-0.28, 0, 0.33), (0.02, 0.02, 0.14))]  # fmt: skip
    legs = [(0.13, 0.045, 0.0), (0.13, -0.045, np.pi), (-0.14, 0.045, np.pi), (-0.14, -0.045, 0.0)]
    things = [(scene.ellipsoid(at, r, color=color), None) for at, r in body_parts]
    things += [(scene.ellipsoid((0, 0, -0.09), (0.022, 0.022, 0.1), color=color), leg) for leg in legs]
    for item, _ in things:
        item["dyn"] = True

    def walk(t: float, joints: dict[str, np.ndarray]) -> None:
        gone = extra["speed_m_s"] * (t - extra["start_s"]) - 1.6
        whole = placed(turn, line + walks * gone)
        for item, leg in things:
            if leg is None:
                item["model"] = whole
                continue
            x, y, phase = leg
            a = 0.45 * np.sin(10 * extra["speed_m_s"] / size * t + phase)
            swing = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
            item["model"] = whole @ placed(swing, np.array([x, y, 0.19]))

    scene.movers.append(walk)


def main() -> None:
    generator, specs, clip, folder = sys.argv[1:]
    sys.path.insert(0, generator)
    spec = next(s for s in json.loads(Path(specs).read_text()) if s["id"] == clip)
    make(spec, Path(folder))


if __name__ == "__main__":
    main()
