"""What lies on, under and beside a body: pillow, cushion, band, skirt, blanket, somebody's hands."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from draw import LIES_ON, Spec
from shared_generator import body, kin

# After this folder: both have a module called picture.
sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks" / "field"))
from band import ring

_UP = np.array([0, 0, 1.0])
_KNEE_M = 0.05


def worn(human: Any, outfit: Spec, props: Spec) -> list[Any]:
    """Parts that move with the body: a skirt, a band round the thighs."""
    out = []
    if outfit.get("skirt"):
        out.append(_skirt(human, outfit["skirt"]))
    if "band" in props:
        out.append(_band(human, **props["band"]))
    return out


def _skirt(human: Any, color: list[float]) -> Any:
    """The skirt that the base mesh keeps for fitting, from the waist down; it follows pelvis and thighs."""
    B = human.B
    keep = B["G"] == "helper-skirt"
    return body.Part(
        "skirt",
        human.v,
        B["W"],
        B["vt"],
        B["F"],
        B["FT"],
        None,
        keep=keep,
        push=0.004,
        kind="cloth",
        tintA=color,
        tintB=color,
    )


def _band(human: Any, along_thigh: float, width_m: float, color: list[float]) -> Any:
    points, normals, tri, bones = ring(human, along_thigh, width_m)
    n = len(points)
    four = np.zeros((2, n, 4), "f4")
    four[0], four[1, :, 0] = bones[:, None], 1
    return SimpleNamespace(
        name="band",
        P=points.astype("f4"),
        N=normals.astype("f4"),
        UV=np.zeros((n, 2), "f4"),
        tri=tri.astype("i4"),
        BI=four[0],
        BW=four[1],
        tex=None,
        kw={"kind": "plain", "color": color},
    )


def lay(scene: Any, exercise: str, props: Spec, joints: dict[str, np.ndarray], head: np.ndarray) -> None:
    """Puts the things of a scene into it, from where the body is at rest.

    Args:
        scene: the renderer.
        exercise, props: see `draw`.
        joints: places at rest, by name.
        head: ``(V, 3)`` skin of the head.
    """
    if props["pillow"] and (LIES_ON[exercise] == "side" or head[:, 2].min() > 0.03):
        _pillow(scene, props["pillow_color"], joints, head)
    if "cushion" in props:
        _cushion(scene, exercise, props["cushion"], joints)
    for hand in props.get("hands", ()):
        _hand(scene, hand, joints)
    if "blanket" in props:
        _blanket(scene, props["blanket"], joints)


def _blob(scene: Any, at: np.ndarray, half: Any, color: Any, p: float = 3.0, yaw: float = 0.0) -> None:
    scene.ellipsoid(tuple(at), tuple(half), color=tuple(color), p=p, yaw=yaw)["dyn"] = True


def _pillow(scene: Any, color: Any, joints: dict[str, np.ndarray], head: np.ndarray) -> None:
    high = max(float(head[:, 2].min()) + 0.02, 0.03)
    along = kin.unit((joints["head"] - joints["mid_shoulder"]) * [1, 1, 0])
    at = head.mean(0) * [1, 1, 0] + along * 0.03 + _UP * high / 2
    yaw = float(np.degrees(np.arctan2(along[1], along[0])))
    _blob(scene, at, (0.17, 0.27, high / 2 + 0.005), color, 4.5, yaw)


def _cushion(scene: Any, exercise: str, cushion: Spec, joints: dict[str, np.ndarray]) -> None:
    """In a clam on the lower knee, where it stays; in a bridge between the knees."""
    long, wide, thick = cushion["half_m"]
    if exercise == "clam":
        thigh = kin.unit((joints["knee_R"] - joints["hip_R"]) * [1, 1, 0])
        at = joints["knee_R"] + _UP * (_KNEE_M + thick) - 0.3 * long * thigh
        half = (long, wide, thick)
    else:
        thigh = kin.unit(
            (joints["knee_L"] + joints["knee_R"] - joints["hip_L"] - joints["hip_R"]) * [1, 1, 0]
        )
        at = (joints["knee_L"] + joints["knee_R"]) / 2 - 0.4 * long * thigh
        half = (
            long,
            max(float(np.linalg.norm(joints["knee_L"] - joints["knee_R"])) / 2 - _KNEE_M, thick),
            wide,
        )
    _blob(scene, at, half, cushion["color"], 4.0, float(np.degrees(np.arctan2(thigh[1], thigh[0]))))


def _hand(scene: Any, hand: Spec, joints: dict[str, np.ndarray]) -> None:
    """A helper's hand and forearm, from above or from the side; it stays while the body moves."""
    on = {"pelvis": "hip_L", "knee": "knee_L", "shoulder": "shoulder_L"}[hand["on"]]
    away = kin.unit(np.array(hand["from"]) * [1, 1, 0.5] + _UP * 0.8)
    skin = np.array([0.95, 0.72, 0.58]) * hand["skin"]
    at = joints[on] + away * 0.11
    _blob(scene, at, (0.05, 0.045, 0.03), skin)
    for k in range(1, 12):
        _blob(scene, at + away * 0.028 * k, (0.034 + 0.001 * k,) * 3, skin, 2.0)


def _blanket(scene: Any, blanket: Spec, joints: dict[str, np.ndarray]) -> None:
    """Over the feet and some of the shins."""
    knee, ankle = (joints["knee_L"] + joints["knee_R"]) / 2, (joints["ankle_L"] + joints["ankle_R"]) / 2
    end = ankle + (knee - ankle) * blanket["to"] * 0.8
    start = ankle - (knee - ankle) * 0.35
    along = (end - start) * [1, 1, 0]
    length = float(np.linalg.norm(along))
    high = float(max(joints["ankle_L"][2], joints["ankle_R"][2], end[2])) + 0.10
    at = ((start + end) / 2) * [1, 1, 0] + _UP * (high / 2 - 0.02)
    yaw = float(np.degrees(np.arctan2(along[1], along[0])))
    _blob(scene, at, (length / 2 + 0.05, 0.28, high / 2), blanket["color"], 3.0, yaw)
