"""Features of the landmark network around the hips, of rendered stills and of clips.

    VENV/bin/python features.py stills FOLDER OUT.npz VIEW
    VENV/bin/python features.py clip VIDEO OUT.npz

The landmark network is run with some of its inner maps as further outputs; each is sampled on a square grid
around the middle of the hips (mean of both hip landmarks), in cells of its own.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper

from formcheck.pose import recording as read
from formcheck.pose import second_look
from formcheck.pose.blazepose import INPUT_SIDE, BlazePose, LandmarkNet, NetOutput
from formcheck.pose.landmarks import Landmark
from formcheck.pose.person import skeleton_distance
from formcheck.pose.region import Region
from formcheck.pose.runtime import ort
from formcheck.video.file import Frame, VideoFile

ROOT = Path(__file__).resolve().parents[2]
#: Inner maps: name, channels, cells across, half width of the window sampled (cells).
MAPS = {"t277": (48, 32, 6), "t253": (88, 16, 3), "t279": (48, 64, 10)}
#: Side of the grey picture cut out around the hips, pixels, and the share of the region it shows.
PATCH, PATCH_SHARE = 64, 0.35


def tapped_session() -> ort.InferenceSession:
    """The landmark network with its inner maps as further outputs."""
    model = onnx.load(ROOT / "models" / "pose_landmark_full.onnx")
    for name, (channels, cells, _) in MAPS.items():
        model.graph.output.append(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, cells, cells])
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def sample(image_map: np.ndarray, unit_xy: np.ndarray, half: int) -> np.ndarray:
    """``(channels, 2 half + 1, 2 half + 1)`` bilinear samples around a point (0 to 1 across the region)."""
    _, height, width = image_map.shape
    steps = np.arange(-half, half + 1)
    x = np.clip(unit_xy[0] * width - 0.5 + steps, 0, width - 1.001)
    y = np.clip(unit_xy[1] * height - 0.5 + steps, 0, height - 1.001)
    x0, y0 = x.astype(int), y.astype(int)
    fx, fy = (x - x0)[None, None, :], (y - y0)[None, :, None]
    at = lambda r, c: image_map[:, r][:, :, c]  # noqa: E731
    return (
        at(y0, x0) * (1 - fx) * (1 - fy)
        + at(y0, x0 + 1) * fx * (1 - fy)
        + at(y0 + 1, x0) * (1 - fx) * fy
        + at(y0 + 1, x0 + 1) * fx * fy
    )


class Tapped(LandmarkNet):
    """The landmark network that also keeps the features of its last reading.

    `taps`: inputs of the last call, for `features`.
    """

    def __init__(self) -> None:
        session = tapped_session()
        super().__init__(self)  # type: ignore[arg-type]
        self._inner = session
        self.last: dict[str, np.ndarray] = {}

    def run(self, names: list[str], feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Stands in for the ONNX Runtime session, and keeps what goes by."""
        got = self._inner.run([*names, *MAPS], feed)
        self.last = dict(zip(MAPS, (g[0] for g in got[len(names) :]), strict=True))
        self.last["crop"] = feed["image"][0]
        self.last["world"] = got[names.index("world_landmarks")].reshape(-1, 3)[:33]
        return got[: len(names)]

    def features(self, output: NetOutput, region: Region, mirrored: bool) -> dict[str, np.ndarray]:
        """Windows around the hips of the last reading, in the region's (or its mirror's) own axes."""
        hips = output.image_xyz[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP], :2].mean(axis=0)
        c, s = math.cos(region.rotation), math.sin(region.rotation)
        off = (hips - np.array(region.center_xy)) / region.size
        unit = np.array([off[0] * c + off[1] * s, -off[0] * s + off[1] * c]) + 0.5
        if mirrored:
            unit[0] = 1 - unit[0]
        out = {n: sample(self.last[n], unit, half).astype(np.float16) for n, (_, _, half) in MAPS.items()}
        grey = cv2.cvtColor(self.last["crop"], cv2.COLOR_RGB2GRAY)
        k = PATCH / (PATCH_SHARE * INPUT_SIDE)
        m = np.array(
            [[k, 0, PATCH / 2 - k * unit[0] * INPUT_SIDE], [0, k, PATCH / 2 - k * unit[1] * INPUT_SIDE]]
        )
        out["patch"] = (
            cv2.warpAffine(grey, m, (PATCH, PATCH), borderMode=cv2.BORDER_REPLICATE) * 255
        ).astype(np.uint8)
        out["world"] = self.last["world"].astype(np.float32)
        out["unit"] = unit.astype(np.float32)
        return out


def tracked(net: Tapped, image: np.ndarray, region: Region, rng: np.random.Generator | None) -> Region | None:
    """The region tracking settles on, started from a neighbouring one."""
    for _ in range(2):
        output = net(image, region)
        if output.score < 0.5:
            return None
        region = Region.from_alignment(output.alignment_xy[0], output.alignment_xy[1])
    if rng is not None:  # the region of a moving body is the one of the frame before
        shift = rng.normal(0, 0.008, 2) * region.size
        region = Region(
            (region.center_xy[0] + shift[0], region.center_xy[1] + shift[1]),
            region.size * math.exp(rng.normal(0, 0.015)),
            region.rotation + rng.normal(0, 0.02),
        )
    return region


def fixed(net: Tapped, images: list[np.ndarray], truth: dict) -> Region | None:
    """A fixed region as the second look would choose it, started from where the body truly is."""
    names = truth["names"]
    core = [
        names.index(n)
        for n in ("nose", *(f"{j}_{s}" for j in ("shoulder", "hip", "knee", "ankle") for s in "LR"))
    ]
    px = np.array([s["px"] for s in truth["stills"]])
    centre = np.median(px[:, names.index("mid_hip")], axis=0)
    reach = np.median(np.linalg.norm(px[:, core] - centre, axis=2).max(axis=1))
    size = 3.2 * max(float(reach), 0.2 * images[0].shape[0])
    best = None
    for turn in range(8):
        region = Region((float(centre[0]), float(centre[1])), size, turn * math.pi / 4)
        apart = []
        for image in images[:3:2]:
            direct, mirror = net(image, region), net(image, region, mirrored=True)
            apart.append(
                skeleton_distance(direct.image_xyz, mirror.image_xyz)
                if min(direct.score, mirror.score) > 0.5
                else 9.0
            )
        if best is None or np.mean(apart) < best[0]:
            best = (float(np.mean(apart)), region)
    assert best is not None
    return best[1] if best[0] < 0.15 else None


def stills(folder: Path, view: str, done: set[str]) -> dict[str, list]:
    """Features and truth of all stills of a view that are not done yet."""
    rows: dict[str, list] = {}
    net = Tapped()
    engine = BlazePose(threads=1, mirror_every_s=None)
    for path in sorted(folder.glob(f"b*_{view}.json")):
        if path.stem in done:
            continue
        truth = json.loads(path.read_text())
        rng = np.random.default_rng(truth["body"])
        images = [
            cv2.imread(str(path.with_name(f"{path.stem}_{k:02d}.jpg"))) for k in range(len(truth["stills"]))
        ]
        start: Region | None = None
        engine.reset()
        for t in range(4):
            engine.estimate(Frame(image=images[0], time_s=float(t), index=t))
            if engine._region is not None:
                start = engine._region
                break
        follow = start is not None
        if not follow:
            start = fixed(net, images, truth)
        hips = [truth["names"].index(n) for n in ("hip_L", "hip_R", "shoulder_L", "shoulder_R")]
        for k, (image, still) in enumerate(zip(images, truth["stills"], strict=True)):
            region = start
            if region is not None and follow:
                region = tracked(net, image, region, rng if k else None)
            if region is None:
                continue
            joints = np.array(still["joints_cam"])[hips]
            row: dict[str, object] = {
                "body": truth["body"],
                "k": k,
                "roll": still["roll_deg"],
                "side": truth["side"] == "L",
                "single": truth["single_leg"] is not None,
                "az": truth["camera"]["az"],
                "height": truth["camera"]["height"],
                "rotation": region.rotation,
                "fixed": not follow,
                "open": still["state"].get("open", still["state"].get("lift")),
                "hip": joints[0] - joints[1],
                "shoulder": joints[2] - joints[3],
                "pelvis": np.array(still["pelvis_cam"]).reshape(3, 3),
                "mid": joints[:2].mean(axis=0),
                "trunk": joints[2:].mean(axis=0) - joints[:2].mean(axis=0),
                "px": np.array(still["px"])[hips],
            }
            direct = net(image, region)
            if direct.score < 0.5:
                continue
            row |= {f"d_{n}": v for n, v in net.features(direct, region, False).items()}
            mirror = net(image, region, mirrored=True)
            row |= {f"m_{n}": v for n, v in net.features(mirror, region, True).items()}
            row["xy"] = direct.image_xyz
            row["mxy"] = mirror.image_xyz
            row["apart"] = skeleton_distance(direct.image_xyz, mirror.image_xyz)
            for name, value in row.items():
                rows.setdefault(name, []).append(value)
        print(path.stem, flush=True)
    return rows


class Sparse:
    """Every so many frames of a video."""

    def __init__(self, path: Path, every: int) -> None:
        self._path, self._every, self.frame_count = path, every, None

    def __iter__(self) -> Iterator[Frame]:
        for frame in VideoFile(self._path):
            if frame.index % self._every == 0:
                yield frame


def clip(video: Path, every: int) -> dict[str, list]:
    """Features of every so many frames of a clip, in the regions the engine really uses."""
    net = Tapped()
    engine = BlazePose(threads=1)
    source = Sparse(video, every)
    verdict: list[bool] = []

    def is_better(again: list, first: list) -> bool:
        verdict.append(second_look.is_better(again, first))
        return verdict[-1]

    read.is_better = is_better  # type: ignore[assignment]
    read.read_poses(source, engine)  # type: ignore[arg-type]
    region = engine._fixed if verdict and verdict[-1] else None
    engine.reset()
    if region is not None:
        engine.hold(region)
    rows: dict[str, list] = {}
    for frame in source:
        if engine.estimate(frame).pose is None:
            continue
        used = engine._fixed or engine._held
        assert used is not None
        direct, mirror = net(frame.image, used), None
        row: dict[str, object] = {
            "frame": frame.index,
            "time_s": frame.time_s,
            "rotation": used.rotation,
            "fixed": engine._fixed is not None,
        }
        row |= {f"d_{n}": v for n, v in net.features(direct, used, False).items()}
        mirror = net(frame.image, used, mirrored=True)
        row |= {f"m_{n}": v for n, v in net.features(mirror, used, True).items()}
        row |= {
            "xy": direct.image_xyz,
            "mxy": mirror.image_xyz,
            "apart": skeleton_distance(direct.image_xyz, mirror.image_xyz),
        }
        for name, value in row.items():
            rows.setdefault(name, []).append(value)
    return rows


def main() -> None:
    if sys.argv[1] == "clip":
        rows = clip(Path(sys.argv[2]), int(sys.argv[4]))
        np.savez(sys.argv[3], **{n: np.array(v) for n, v in rows.items()})
    else:
        out, view = Path(sys.argv[3]), sys.argv[4]
        parts = sorted(out.parent.glob(f"{out.stem}_part*.npz"))
        done = set()
        for p in parts:
            done |= {f"b{b:03d}_{view}" for b in np.unique(np.load(p)["body"])}
        rows = stills(Path(sys.argv[2]), view, done)
        if rows:
            np.savez(
                out.with_name(f"{out.stem}_part{len(parts)}.npz"), **{n: np.array(v) for n, v in rows.items()}
            )


if __name__ == "__main__":
    main()
