"""Scenes of the rendered bodies as crops, as the product cuts them, changed at random alike over a scene.

A scene is one body in one place: some pictures at rest, some moved (bodies/README.md). One crop is laid
around noisy resting joints and kept for all of them, as the product does: the trunk upright in it for the
network that tells turns, the picture upright for the one that finds joints.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from net import ALL_JOINTS, JOINTS, ON_THE_BACK, ON_THE_SIDE, SIDE_PX, TASKS, TRUNK_M

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from formcheck.pose.landmarks import LANDMARK_COUNT, Landmark  # noqa: E402
from formcheck.pose.lying import Crop, Jitter  # noqa: E402

cv2.setNumThreads(1)
#: Every tenth body is for testing, and everybody who wears one of these.
HELD_OUT_EVERY = 10
HELD_OUT_GARMENTS = frozenset({"male_casualsuit05", "female_casualsuit02"})
#: The exercise of the scenes of `real.py`.
REAL = "real"
#: Names of the joints in the files, in the networks' order, and which is which in a mirror.
_IN_FILE = [n.replace("left_foot_index", "toe_L").replace("right_foot_index", "toe_R") for n in ALL_JOINTS]
_IN_FILE = [f"{n.split('_')[1]}_{n[0].upper()}" if n.startswith(("left", "right")) else n for n in _IN_FILE]
_MIRRORED = [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 14, 15, 12, 13, 16, 17]
#: Joints that are noisy in the product when a crop is laid, as a share of the body in the picture; at times,
#: as of bodies seen from their feet, much more so.
_JOINT_NOISE, _BAD_NOISE, _BAD_SHARE = 0.02, 0.06, 0.25
#: How often a crop is laid around a body that moves.
_MOVED_SHARE = 0.2


@dataclass
class Scene:
    """One scene of N pictures.

    Attributes:
        body, exercise, clothes: who, doing what, wearing what.
        pictures, masks: N encoded images; of real people there is no mask.
        joints_px: ``(N, 18, 2)``; the network for turns asks for the first 14.
        asked: ``(N, 18)`` bool, joints that are known.
        xyz: ``(N, 18, 3)`` metres from the middle of the hips: right, down and away in the picture. NaN where
            nothing is known of them.
        trunk_px: ``(N,)`` what the trunk would measure in the picture if it lay across the line of sight.
        change: ``(N, tasks)`` since the first picture, in the network's units; NaN where a task asks nothing.
        view: where the camera stands.
        rest: ``(N,)`` bool.
        on_back: it lies on its back, else on its side.
        mirrored: the crops show it in a mirror; joints and places are named as in the mirror.
    """

    body: int
    exercise: str
    clothes: list[str]
    pictures: list[np.ndarray]
    masks: list[np.ndarray]
    joints_px: np.ndarray
    change: np.ndarray
    view: dict[str, Any]
    rest: np.ndarray
    asked: np.ndarray
    xyz: np.ndarray
    trunk_px: np.ndarray
    on_back: bool
    mirrored: bool = False

    @property
    def real(self) -> bool:
        """True for people; their joints are BlazePose's (`real.py`)."""
        return self.exercise == REAL

    @property
    def held_out(self) -> bool:
        """True where it must not be trained on."""
        if self.real:
            return False
        return self.body % HELD_OUT_EVERY == 0 or bool(HELD_OUT_GARMENTS & set(self.clothes))

    def in_a_mirror(self) -> Scene:
        """The same scene as its crops show it in a mirror; its changes are not asked for there."""
        return replace(
            self,
            joints_px=self.joints_px[:, _MIRRORED],
            xyz=self.xyz[:, _MIRRORED] * (-1, 1, 1),
            asked=self.asked[:, _MIRRORED],
            change=np.full_like(self.change, np.nan),
            mirrored=True,
        )


def load(files: Iterable[Path]) -> list[Scene]:
    """All scenes of these files; a file that cannot be read is told and left out."""
    out: list[Scene] = []
    for file in files:
        try:
            with np.load(file) as data:
                lens, blob, told = data["lens"], data["blob"], json.loads(bytes(data["rows"]))
        except (OSError, ValueError, KeyError) as error:
            print(f"{file.name} left out: {error}", file=sys.stderr)
            continue
        ends, rows = np.concatenate([[0], np.cumsum(lens)]), told["rows"]
        there = np.array([name in told["joints"] for name in _IN_FILE])
        where = [told["joints"].index(name) if name in told["joints"] else 0 for name in _IN_FILE]
        exercise, outfit = told["exercise"], told["person"]["outfit"]
        for number in sorted({row["scene"] for row in rows}):
            at = [i for i, row in enumerate(rows) if row["scene"] == number]
            mine = [rows[i] for i in at]
            masks = []
            if exercise != REAL:
                masks = [blob[ends[len(rows) + i] : ends[len(rows) + i + 1]].copy() for i in at]
            known = [[row["asked"][j] if "asked" in row else True for j in where] for row in mine]
            asked = np.array(known) & there
            on_back = exercise in ON_THE_BACK or (exercise == REAL and not mine[0]["on_side"])
            xyz, trunk_px = _in_space(mine, where)
            out.append(
                Scene(
                    body=told["body"],
                    exercise=exercise,
                    clothes=outfit.get("clothes") or [],
                    pictures=[blob[ends[i] : ends[i + 1]].copy() for i in at],
                    masks=masks,
                    joints_px=np.array([[row["px"][j] for j in where] for row in mine], np.float32),
                    change=np.array([[_asked(t, exercise, row) for t in TASKS] for row in mine], np.float32),
                    view=mine[0]["view"],
                    rest=np.array([row["rest"] for row in mine]),
                    asked=asked,
                    xyz=xyz,
                    trunk_px=trunk_px,
                    on_back=on_back,
                )
            )
    return out


def _in_space(rows: list[dict[str, Any]], where: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """`Scene.xyz` and `Scene.trunk_px`."""
    if "camera_xyz" not in rows[0]:
        return np.full((len(rows), len(where), 3), np.nan, np.float32), np.full(len(rows), np.nan)
    xyz = np.array([[row["camera_xyz"][j] for j in where] for row in rows], np.float32)
    hips = xyz[:, :2].mean(1, keepdims=True)
    trunk_px = TRUNK_M * np.array([row["f"] for row in rows]) / hips[:, 0, 2]
    return xyz - hips, trunk_px


def _asked(task: Any, exercise: str, row: dict[str, Any]) -> float:
    if exercise == REAL:
        on_side = bool(task.exercises & ON_THE_SIDE)
        asked = on_side if row["on_side"] else bool(task.exercises & ON_THE_BACK)
    else:
        asked = exercise in task.exercises
    return row[task.column] / task.unit if asked else float("nan")


def crop_around(joints_px: np.ndarray, jitter: Jitter, mirrored: bool, trunk_upright: bool) -> Crop:
    """The product's crop around the network's joints."""
    xy = np.zeros((LANDMARK_COUNT, 2))
    for name, point in zip(JOINTS, joints_px, strict=True):
        xy[Landmark[name.upper()]] = point
    return Crop.around(xy, mirrored=mirrored, jitter=jitter, turned=trunk_upright)


def crops(
    scene: Scene,
    rng: np.random.Generator,
    *,
    trunk_upright: bool,
    changed: bool,
    jitter: float = 1.0,
    backgrounds: Sequence[np.ndarray] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """``(N, 160, 160, 3)`` uint8 RGB crops of a scene and ``(N, 18, 2)`` joints as shares of their side.

    Args:
        scene: what to cut.
        rng: of all that is random.
        trunk_upright: whether the trunk stands upright in the crop, else the picture does.
        changed: whether light, colours, sharpness, background and covers are changed, alike over the scene.
        jitter: how far the crop strays from where it should lie; 0 not at all.
        backgrounds: pictures that may take the room's place.
    """
    moved = changed and rng.random() < _MOVED_SHARE
    first = scene.joints_px[int(rng.integers(len(scene.pictures))) if moved else 0, : len(JOINTS)]
    noise = _BAD_NOISE if changed and rng.random() < _BAD_SHARE else _JOINT_NOISE
    noisy = first + rng.normal(0, noise * np.ptp(first, axis=0).max() * jitter, first.shape)
    stray = Jitter(
        turned_deg=jitter * float(rng.normal(0, 8)),
        larger=1.0 + jitter * float(rng.uniform(-0.08, 0.1)),
        moved=(jitter * float(rng.normal(0, 0.03)), jitter * float(rng.normal(0, 0.03))),
    )
    crop = crop_around(noisy, stray, scene.mirrored, trunk_upright)
    change = _Changes(rng, backgrounds) if changed else None
    out = np.empty((len(scene.pictures), SIDE_PX, SIDE_PX, 3), np.uint8)
    for k, picture in enumerate(scene.pictures):
        matrix = crop.matrix.copy()
        if changed and rng.random() < 0.3:  # a hand-held or shaken camera
            matrix[:, 2] += rng.normal(0, 0.7, 2)
        image = _warped(cv2.imdecode(picture, cv2.IMREAD_COLOR), matrix, cv2.INTER_LINEAR)
        if change is not None:
            body = None
            if change.room is not None and scene.masks:
                body = _warped(cv2.imdecode(scene.masks[k], cv2.IMREAD_GRAYSCALE), matrix, cv2.INTER_AREA)
            image = change(image, body)
        out[k] = image[..., ::-1]
    joints = np.stack([crop.of(points) for points in scene.joints_px])
    return out, joints.astype(np.float32)


def _warped(image: np.ndarray, matrix: np.ndarray, how: int) -> np.ndarray:
    return cv2.warpAffine(image, matrix, (SIDE_PX, SIDE_PX), flags=how, borderMode=cv2.BORDER_REPLICATE)


class _Changes:
    """One draw of everything that is changed alike over a scene."""

    def __init__(self, rng: np.random.Generator, backgrounds: Sequence[np.ndarray]) -> None:
        self._rng = rng
        self.room = _texture(rng, backgrounds) if rng.random() < 0.4 else None
        level = np.arange(256) / 255.0
        bent = (level ** np.exp(rng.normal(0, 0.25)) - 0.5) * rng.uniform(0.75, 1.2) + 0.5
        self._curve = np.clip(255 * bent, 0, 255).astype(np.uint8)
        self._gain = None if rng.random() < 0.1 else rng.uniform(0.8, 1.2, 3)  # None: without colour
        self._blur_px = abs(rng.normal(0, 0.7))
        self._quality = int(rng.uniform(35, 95))
        self._noise = abs(rng.normal(0, 5))
        self._sampled = float(rng.uniform(0.5, 1)) if rng.random() < 0.3 else 1.0
        self._covers = []
        for _ in range(int(rng.integers(0, 3)) if rng.random() < 0.5 else 0):
            w, h = (rng.uniform(0.05, 0.28, 2) * SIDE_PX).astype(int)
            x, y = int(rng.integers(SIDE_PX - w)), int(rng.integers(SIDE_PX - h))
            self._covers.append((x, y, w, h, _texture(rng, backgrounds)[:h, :w]))

    def __call__(self, image: np.ndarray, body: np.ndarray | None) -> np.ndarray:
        if body is not None and self.room is not None:
            share = body.astype(np.float32)[..., None] / 255
            image = (image * share + self.room * (1 - share)).astype(np.uint8)
        image = cv2.LUT(image, self._curve)
        if self._gain is None:
            image = np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None], 3, 2)
        else:
            gain = (self._gain * self._rng.uniform(0.96, 1.04)).astype(np.float32)
            image = np.clip(image * gain, 0, 255).astype(np.uint8)
        for x, y, w, h, texture in self._covers:
            image[y : y + h, x : x + w] = texture
        if self._sampled < 1:
            small = cv2.resize(image, None, fx=self._sampled, fy=self._sampled, interpolation=cv2.INTER_AREA)
            image = cv2.resize(small, (SIDE_PX, SIDE_PX))
        if self._blur_px > 0.35:
            image = cv2.GaussianBlur(image, (0, 0), self._blur_px)
        if self._noise > 1:
            grain = self._rng.normal(0, self._noise, (SIDE_PX, SIDE_PX, 1)).astype(np.float32)
            image = np.clip(image + grain, 0, 255).astype(np.uint8)
        if self._quality < 85:
            packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self._quality])[1]
            image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
        return image


def _texture(rng: np.random.Generator, backgrounds: Sequence[np.ndarray]) -> np.ndarray:
    """``(160, 160, 3)`` uint8: a piece of a picture, or coloured patches."""
    if len(backgrounds) and rng.random() < 0.6:
        image = backgrounds[int(rng.integers(len(backgrounds)))]
        side = int(rng.uniform(0.35, 1) * min(image.shape[:2]))
        y, x = (int(rng.integers(size - side + 1)) for size in image.shape[:2])
        piece = cv2.resize(image[y : y + side, x : x + side], (SIDE_PX, SIDE_PX))
        return piece[:, ::-1].copy() if rng.random() < 0.5 else piece
    patches = rng.uniform(0, 255, (int(rng.integers(2, 24)),) * 2 + (3,)).astype(np.float32)
    if rng.random() < 0.5:
        patches = patches.mean(-1, keepdims=True) * rng.uniform(0.6, 1.2, 3).astype(np.float32)
    how = cv2.INTER_NEAREST if rng.random() < 0.3 else cv2.INTER_CUBIC
    return np.clip(cv2.resize(patches, (SIDE_PX, SIDE_PX), interpolation=how), 0, 255).astype(np.uint8)
