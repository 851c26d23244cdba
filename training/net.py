"""The network for people who lie, as PyTorch modules: BlazePose's layers, joint maps, a comparer of pictures.

A body that lies on its side is seen in one square crop, cut once around its resting joints (see
`formcheck.pose.lying`). The `Encoder` turns each picture into 160 feature maps and 14 joint centres; the
`Comparer` is given the maps of a picture and of the same body at rest, and says how far pelvis, thigh and
chest have turned since. Only the comparer reads a roll: one picture of a pelvis under clothes is not enough.
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
#: Joint centres of the maps. The body lies on its right side; mirrored where it does not.
JOINTS = (
    "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
    "left_heel", "right_heel", "left_foot_index", "right_foot_index",
    "left_shoulder", "right_shoulder", "left_elbow", "left_wrist",
)  # fmt: skip


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
        to_a_side: it changes its sign in a mirror. (A body on its side is always mirrored onto its right.)
    """

    name: str
    column: str
    unit: float
    exercises: frozenset[str]
    weight: float
    grades: tuple[float, ...] = ()
    to_a_side: bool = False


ON_THE_SIDE = frozenset({"clam", "leg-lift"})
ON_THE_BACK = frozenset({"bridge", "single-leg-bridge", "march"})
#: What can be learned. Exported are those of a body on its side: after 100,000 passes on 1,000 bodies no drop
#: of a pelvis in a bridge was read yet (docs/lab_notes.md, "The network for people who lie").
TASKS = (
    Task("pelvic roll", "roll", 10.0, ON_THE_SIDE | ON_THE_BACK, 2.0, (8.0, 15.0), to_a_side=True),
    Task("opening", "opening", 10.0, frozenset({"clam"}), 0.5),
    Task("thorax roll", "thorax_roll", 10.0, ON_THE_SIDE, 0.3),
    Task("pelvic twist", "yaw", 10.0, ON_THE_BACK, 1.0, (6.0,), to_a_side=True),
    Task("hip lift", "hip_lift", 0.25, ON_THE_BACK, 0.5),
)
EXPORTED_TASKS = 3
#: Of BlazePose's landmarks, those whose maps the joint maps begin from.
_BEGUN_FROM = (23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 11, 12, 13, 15)
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


class LyingNet(nn.Module):
    """Encoder and comparer together, as they are trained.

    Args:
        blazepose: ``models/pose_landmark_full.onnx``, from whose layers it begins.
        tasks: so many of `TASKS`, from the first on; earlier weights know fewer.
    """

    def __init__(self, blazepose: Path, tasks: int = len(TASKS)) -> None:
        super().__init__()
        self.trunk = Trunk(blazepose)
        self.hm = nn.Conv2d(48, len(JOINTS), 1)
        begun = Trunk(blazepose, ("heatmap",))
        with torch.no_grad():
            self.hm.weight.copy_(begun.p["heatmap_w"][list(_BEGUN_FROM)])
            self.hm.bias.copy_(begun.p["heatmap_b"][list(_BEGUN_FROM)])
        # A second task while it is trained; not exported.
        self.red = nn.Conv2d(864, 64, 1)
        flat = 64 * _COARSE * _COARSE
        self.one = nn.Sequential(nn.Linear(flat, 192), nn.ReLU(), nn.Dropout(0.1), nn.Linear(192, 16))
        self.a, self.b, self.c = nn.Conv2d(48, 48, 4, 4), nn.Conv2d(88, 64, 1), nn.Conv2d(864, 48, 1)
        self.pair = nn.Sequential(
            nn.Conv2d(480, 128, 1), nn.ReLU(),
            nn.Conv2d(128, 128, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(128, 64, 1), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.1),
            nn.Linear(flat, 192), nn.ReLU(), nn.Linear(192, 2 * tasks),
        )  # fmt: skip

    def encode(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``(n, 14, 2)`` joint centres (shares of the side) and ``(n, 160, 10, 10)`` feature maps of
        ``(n, 3, 160, 160)`` pictures, RGB, 0 to 1."""
        fine, middle, coarse = self.trunk(image)
        maps = self.hm(fine)
        n, k, h, w = maps.shape
        share = maps.flatten(2).softmax(-1).view(n, k, h, w)
        x = (torch.arange(w, device=image.device) + 0.5) / w
        y = (torch.arange(h, device=image.device) + 0.5) / h
        joints = torch.stack([(share.sum(2) * x).sum(-1), (share.sum(3) * y).sum(-1)], -1)
        wide = functional.interpolate(
            functional.relu(self.c(coarse)), size=middle.shape[-2:], mode="bilinear", align_corners=False
        )
        return joints, torch.cat([functional.relu(self.a(fine)), functional.relu(self.b(middle)), wide], 1)

    def compare(self, now: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
        """``(n, 2 * tasks)`` changes in the tasks' units, tens of degrees for angles, then log scales."""
        return self.pair(torch.cat([now, rest, now - rest], 1))


class Encoder(nn.Module):
    """What is exported first: channels last, as in the other models."""

    def __init__(self, net: LyingNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.net.encode(image.permute(0, 3, 1, 2))


class Comparer(nn.Module):
    """What is exported second: turns and scales of their errors, degrees."""

    def __init__(self, net: LyingNet) -> None:
        super().__init__()
        self.net = net
        self.units = torch.tensor([task.unit for task in TASKS[:EXPORTED_TASKS]])

    def forward(self, now: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
        found = self.net.compare(now, rest)
        change, scale = found.chunk(2, 1)
        few = slice(EXPORTED_TASKS)
        return torch.cat([change[:, few] * self.units, scale[:, few].exp() * self.units], 1)
