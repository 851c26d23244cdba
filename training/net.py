"""The network for people who lie, as PyTorch modules: BlazePose's layers, joint maps, a comparer of pictures.

A body that lies on its side is seen in one square crop, cut once around its resting joints (see
`formcheck.pose.lying`). The encoder turns each picture into 160 feature maps and 14 joint centres; the
comparer is given the maps of a picture and of the same body at rest, and says how far pelvis, thigh and
chest have turned since. Only the comparer reads a roll: one picture of a pelvis under clothes is not enough.

A network of its own finds the joints of everybody who lies, in the picture and in space.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

#: Side of the crop, pixels, and of the coarsest maps.
SIDE_PX = 160
_COARSE = SIDE_PX // 32
#: A usual trunk, from the middle of the hips to the middle of the shoulders, metres.
TRUNK_M = 0.5
#: Joint centres of the maps. A body on its side lies on its right one; mirrored where it does not.
JOINTS = (
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
    "left_shoulder", "right_shoulder", "left_elbow", "left_wrist",
)  # fmt: skip
#: Those of the network that finds joints. The head's is its middle.
ALL_JOINTS = (*JOINTS, "right_elbow", "right_wrist", "nose", "head")


@dataclass(frozen=True)
class Task:
    """One change that the comparer tells.

    Attributes:
        name: of the change.
        column: of the rendered bodies' truth (bodies/README.md).
        unit: the network's unit, in the column's.
        exercises: in which it is asked for.
        weight: of its loss.
        grades: thresholds that its evaluation holds it against, in the column's unit.
    """

    name: str
    column: str
    unit: float
    exercises: frozenset[str]
    weight: float
    grades: tuple[float, ...] = ()


#: The networks, and whether the bodies they learn from lie on their back. That for joints of both is to begin
#: others from.
NETWORKS = {"turns": (False,), "joints": (False, True), "joints-back": (True,), "joints-side": (False,)}
ON_THE_SIDE = frozenset({"clam", "leg-lift"})
ON_THE_BACK = frozenset({"bridge", "single-leg-bridge", "march"})
#: What is learned of bodies on their side. Drop, twist and lift of a pelvis in a bridge were tried: after
#: 100,000 passes on 1,000 bodies no drop was read (docs/lab_notes.md, "The network for people who lie").
TASKS = (
    Task("pelvic roll", "roll", 10.0, ON_THE_SIDE, 2.0, (8.0, 15.0)),
    Task("opening", "opening", 10.0, frozenset({"clam"}), 0.5),
    Task("thorax roll", "thorax_roll", 10.0, ON_THE_SIDE, 0.3),
)
#: Of BlazePose's landmarks, those whose maps the joint maps begin from.
_BEGUN_FROM = (23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 11, 12, 13, 15, 14, 16, 0, 0)
#: Tensors of ``pose_landmark_full.onnx``: the finest maps (48 channels at a quarter of the side), those at a
#: sixteenth (88), and the coarsest (864).
FINE, MIDDLE, COARSE = "t279", "t251", "t271"


class Trunk(nn.Module):
    """Part of an ONNX graph with its weights as parameters, run node by node.

    Args:
        path: ``models/pose_landmark_full.onnx``.
        upto: names of the tensors that are given.
    """

    def __init__(self, path: Path, upto: tuple[str, ...] = (FINE, MIDDLE, COARSE)) -> None:
        super().__init__()
        graph = onnx.load(path).graph
        weights = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
        nodes = []
        for node in graph.node:
            if node.op_type == "Cast" and node.input[0] in weights:  # kept as float16
                weights[node.output[0]] = weights[node.input[0]].astype(np.float32)
            else:
                nodes.append(node)
        needed, kept = set(upto), []
        for node in reversed(nodes):
            if node.output[0] in needed:
                kept.append(node)
                needed |= {name for name in node.input if name and name not in weights}
        self.upto, self.p = upto, nn.ParameterDict()
        self._steps: list[tuple[str, str, list[str], dict[str, list[int]]]] = []
        alias: dict[str, str] = {}
        for node in reversed(kept):
            out = node.output[0]
            given = [alias.get(name, name) for name in node.input if name and name not in weights]
            if node.op_type == "Transpose":  # the ONNX file takes channels last
                alias[out] = "image"
                continue
            numbers = {a.name: list(a.ints) or [a.i] for a in node.attribute}
            if node.op_type == "Conv":
                for letter, name in zip("wb", node.input[1:], strict=True):
                    self.p[f"{out}_{letter}"] = nn.Parameter(torch.tensor(weights[name]))
            self._steps.append((node.op_type, out, given, numbers))

    def freeze(self, count: int) -> None:
        """Hold the first convolutions fast: they see edges and colours, and cost the most to train."""
        convolutions = [out for kind, out, _, _ in self._steps if kind == "Conv"]
        for out in convolutions[:count]:
            for letter in "wb":
                self.p[f"{out}_{letter}"].requires_grad_(False)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        """The tensors asked for, of ``(n, 3, h, w)`` pictures, RGB, 0 to 1."""
        known = {"image": image}
        for kind, out, given, numbers in self._steps:
            x = known[given[0]]
            if kind == "Conv":
                top, left, bottom, right = numbers.get("pads", [0, 0, 0, 0])
                strides, groups = numbers.get("strides", [1, 1]), numbers.get("group", [1])[0]
                pad = top, left
                if pad != (bottom, right):  # a pass of its own over the picture: a fifth of the time
                    x, pad = functional.pad(x, (left, right, top, bottom)), (0, 0)
                x = functional.conv2d(x, self.p[f"{out}_w"], self.p[f"{out}_b"], strides, pad, 1, groups)
            elif kind == "Clip":
                x = functional.relu6(x)
            elif kind == "Add":
                x = x + known[given[1]]
            elif kind == "Resize":
                x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            elif kind == "MaxPool":
                x = functional.max_pool2d(x, 2)
            else:
                raise ValueError(f"the trunk has no {kind}")
            known[out] = x
        return [known[name] for name in self.upto]


class _Joints(nn.Module):
    """BlazePose's layers and joint maps."""

    def __init__(self, blazepose: Path, joints: int) -> None:
        super().__init__()
        self.trunk = Trunk(blazepose)
        self.hm = nn.Conv2d(48, joints, 1)
        begun, of = Trunk(blazepose, ("heatmap",)), list(_BEGUN_FROM[:joints])
        with torch.no_grad():
            self.hm.weight.copy_(begun.p["heatmap_w"][of])
            self.hm.bias.copy_(begun.p["heatmap_b"][of])

    def joints(self, fine: torch.Tensor) -> torch.Tensor:
        """``(n, joints, 2)`` joint centres, shares of the side: the middles of the maps."""
        maps = self.hm(fine)
        n, k, h, w = maps.shape
        share = maps.flatten(2).softmax(-1).view(n, k, h, w)
        x = (torch.arange(w, device=fine.device) + 0.5) / w
        y = (torch.arange(h, device=fine.device) + 0.5) / h
        return torch.stack([(share.sum(2) * x).sum(-1), (share.sum(3) * y).sum(-1)], -1)


class TurnsNet(_Joints):
    """What turns in a body on its side: encoder and comparer together, as they are trained.

    Args:
        blazepose: ``models/pose_landmark_full.onnx``, from whose layers it begins.
    """

    def __init__(self, blazepose: Path) -> None:
        super().__init__(blazepose, len(JOINTS))
        self.a, self.b, self.c = nn.Conv2d(48, 48, 4, 4), nn.Conv2d(88, 64, 1), nn.Conv2d(864, 48, 1)
        flat = 64 * _COARSE * _COARSE
        self.pair = nn.Sequential(
            nn.Conv2d(480, 128, 1), nn.ReLU(),
            nn.Conv2d(128, 128, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(128, 64, 1), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.1),
            nn.Linear(flat, 192), nn.ReLU(), nn.Linear(192, 2 * len(TASKS)),
        )  # fmt: skip

    def encode(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``(n, 14, 2)`` joint centres (shares of the side) and ``(n, 160, 10, 10)`` feature maps of
        ``(n, 3, 160, 160)`` pictures, RGB, 0 to 1."""
        fine, middle, coarse = self.trunk(image)
        wide = functional.interpolate(
            functional.relu(self.c(coarse)), size=middle.shape[-2:], mode="bilinear", align_corners=False
        )
        features = torch.cat([functional.relu(self.a(fine)), functional.relu(self.b(middle)), wide], 1)
        return self.joints(fine), features

    def compare(self, now: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
        """``(n, 2 * tasks)`` changes in the tasks' units, tens of degrees for angles, then log scales."""
        return self.pair(torch.cat([now, rest, now - rest], 1))


class JointsNet(_Joints):
    """The joints of a body on its side or its back: in the picture and in space, with scales of their errors.

    Args:
        blazepose: ``models/pose_landmark_full.onnx``, from whose layers it begins.
    """

    def __init__(self, blazepose: Path) -> None:
        super().__init__(blazepose, len(ALL_JOINTS))
        self.red = nn.Conv2d(864, 64, 1)
        flat = 64 * _COARSE * _COARSE
        self.one = nn.Sequential(
            nn.Linear(flat, 256), nn.ReLU(), nn.Dropout(0.1), nn.Linear(256, 4 * len(ALL_JOINTS))
        )

    def encode(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What pictures ``(n, 3, 160, 160)``, RGB, 0 to 1, show.

        Returns:
            ``(n, 18, 2)`` joint centres, shares of the side; ``(n, 18)`` logarithms of the scales of their
            errors; ``(n, 18, 3)`` joint centres in trunk lengths (`TRUNK_M`) from the middle of the hips:
            right, down and away in the picture.
        """
        fine, _, coarse = self.trunk(image)
        flat = self.one(functional.relu(self.red(coarse)).flatten(1)).view(-1, len(ALL_JOINTS), 4)
        return self.joints(fine), flat[..., 3], flat[..., :3]


class TurnsEncoder(nn.Module):
    """Exported: channels last, as in the other models."""

    def __init__(self, net: TurnsNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.net.encode(image.permute(0, 3, 1, 2))


class TurnsComparer(nn.Module):
    """Exported: turns and scales of their errors, degrees."""

    def __init__(self, net: TurnsNet) -> None:
        super().__init__()
        self.net = net
        self.units = torch.tensor([task.unit for task in TASKS])

    def forward(self, now: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
        change, scale = self.net.compare(now, rest).chunk(2, 1)
        return torch.cat([change * self.units, scale.exp() * self.units], 1)


class JointsExport(nn.Module):
    """Exported: channels last; joints, scales (shares of the side) and metres."""

    def __init__(self, net: JointsNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        joints, log, xyz = self.net.encode(image.permute(0, 3, 1, 2))
        return joints, log.exp(), xyz * TRUNK_M
