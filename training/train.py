"""Train the network for people who lie, on the bodies that `bodies/make.py` made.

    python training/train.py DATA RUN.pt --network turns [--passes 300000] [--backgrounds FOLDER]
    python training/train.py DATA RUN.pt --network joints-back --processes 2   # a process a core

Where DATA holds scenes of real people (`real.py`), one in eight is theirs. Writes RUN.pt every few hundred
steps and goes on from it when it is there, so it can be stopped at any time (Ctrl-C) and run again; bodies
that are made meanwhile are taken in. Held out: every tenth body and two
garments (scenes.py). A pass is one picture once through the network, 20 ms of a core. `evaluate.py` tells how
good it is, `export.py` writes the ONNX files.

A change is learned by its error squared, beyond a few degrees by its size. The size alone of a target that
goes both ways, such as the drop of a pelvis, ends in its median, nought; and squares alone let a few large
rolls drown everything else (after 43,000 passes joints and rolls were worse than before). Scales are learned
beside it, on errors held fast.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import cv2
import numpy as np
import torch
from net import ALL_JOINTS, NETWORKS, TASKS, TRUNK_M, JointsNet, TurnsNet
from scenes import ROOT, Scene, crops, load
from torch.nn import functional

BLAZEPOSE = ROOT / "models" / "pose_landmark_full.onnx"
#: Learning rate of BlazePose's layers, and of the new ones.
_OLD_RATE, _NEW_RATE = 2e-4, 7e-4
#: Errors up to this count by their square, in the tasks' units.
_SQUARED_TO = 0.5
#: The share of pairs whose reference is a resting picture; of the others any picture may be.
_REST_SHARE = 0.55
#: How often a scene is one of real people, where there are any, and how far from BlazePose's joints theirs
#: may lie unpunished, shares of the side: BlazePose's hips are not those of the bones.
_REAL_SHARE, _NEAR = 0.12, 0.05
#: Log scales are kept within these, in the tasks' units; those of joints in a picture in shares of the side.
_LEAST_LOG, _MOST_LOG = -3.5, 2.5
_LEAST_JOINT_LOG, _MOST_JOINT_LOG = -6.0, 0.0
#: Joints on the side are needed where BlazePose does not see them: so near the front scenes are taken less.
_FRONT_DEG, _FRONT_SHARE = 50.0, 0.4
#: What the measures rest on counts more: hips, knees and ankles; arms less.
_JOINT_WEIGHTS = torch.tensor(
    [
        2.0 if n.endswith(("hip", "knee", "ankle")) else 0.4 if n.endswith(("elbow", "wrist")) else 1.0
        for n in ALL_JOINTS
    ]
)
_SAVE_EVERY = 200


class Bodies:
    """The scenes to train on; looks for new files now and then.

    Args:
        folder: of the files.
        share: which of how many processes this one is.
        network: see `NETWORKS`.
    """

    def __init__(self, folder: Path, share: tuple[int, int], network: str) -> None:
        self._folder, self._share, self._network = folder, share, network
        self._seen: set[Path] = set()
        self.scenes: list[Scene] = []
        self._real: list[Scene] = []

    def draw(self, rng: np.random.Generator) -> Scene:
        """A scene to train on."""
        if self._real and rng.random() < _REAL_SHARE:
            return self._real[int(rng.integers(len(self._real)))]
        while True:
            scene = self.scenes[int(rng.integers(len(self.scenes)))]
            front = abs(scene.view["azimuth_deg"]) <= _FRONT_DEG
            if self._network != "joints-side" or not front or rng.random() < _FRONT_SHARE:
                return scene

    def look(self) -> None:
        mine, of = self._share
        new = [f for f in sorted(self._folder.glob("*.npz")) if f not in self._seen]
        self._seen.update(new)
        of_mine = [f for f in new if int(f.stem[-5:]) % of == mine]
        for scene in load(of_mine):
            if not scene.held_out and scene.on_back in NETWORKS[self._network]:
                (self._real if scene.real else self.scenes).append(scene)


def pairs(sizes: list[int], rests: list[np.ndarray], rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Which picture is held against which, of a batch of scenes with so many pictures each."""
    now, before, first = [], [], 0
    for size, rest in zip(sizes, rests, strict=True):
        still = np.flatnonzero(rest)
        for i in range(size):
            other = int(rng.choice(still)) if rng.random() < _REST_SHARE else int(rng.integers(size))
            if other == i:
                other = 0 if i else size - 1
            now.append(first + i)
            before.append(first + other)
        first += size
    return now, before


def turned(found: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
    """What is wrong with changes, by name.

    Args:
        found: ``(P, 2 tasks)`` changes and log scales of the pairs.
        wanted: ``(P, tasks)`` true changes, NaN where nothing is asked.
    """
    out: dict[str, torch.Tensor] = {}
    for k, task in enumerate(TASKS):
        asked = torch.isfinite(wanted[:, k])
        if not asked.any():
            continue
        off = found[asked, k] - wanted[asked, k]
        log = found[asked, len(TASKS) + k].clamp(_LEAST_LOG, _MOST_LOG)
        scale = (off.detach().abs() * torch.exp(-log) + log).mean()
        size = functional.smooth_l1_loss(off, torch.zeros_like(off), beta=_SQUARED_TO)
        out[task.name] = task.weight * (size + 0.3 * scale)
    return out


def misplaced(joints: torch.Tensor, truth: Truth) -> tuple[torch.Tensor, torch.Tensor]:
    """How wrong ``(N, K, 2)`` joints within the pictures are, and ``(N, K)`` by how much each is."""
    true, asked = (x[:, : joints.shape[1]] for x in (truth.joints, truth.asked))
    inside = (((true > 0) & (true < 1)).all(-1) & asked).float()
    off = ((joints - true).abs() - truth.near[:, None, None]).clamp(min=0).sum(-1)
    weight = inside * _JOINT_WEIGHTS[: joints.shape[1]]
    return 10 * (off * weight).sum() / weight.sum().clamp(min=1), off


@dataclass
class Truth:
    """What a batch of N pictures shows.

    Attributes:
        joints: ``(N, 18, 2)`` shares of the side.
        asked: ``(N, 18)`` bool, joints that are known.
        near: ``(N,)``, so far off is good enough.
        xyz: ``(N, 18, 3)`` metres from the hips, NaN where it is not known.
        change: ``(N, tasks)``.
        scenes: the scenes.
    """

    joints: torch.Tensor
    asked: torch.Tensor
    near: torch.Tensor
    xyz: torch.Tensor
    change: torch.Tensor
    scenes: list[Scene]


def turns_losses(
    net: TurnsNet, images: torch.Tensor, truth: Truth, rng: np.random.Generator
) -> dict[str, torch.Tensor]:
    """What the network for turns gets wrong in a batch, by name."""
    now, before = pairs([len(s.pictures) for s in truth.scenes], [s.rest for s in truth.scenes], rng)
    joints, features = net.encode(images)
    found = net.compare(features[now], features[before])
    return turned(found, truth.change[now] - truth.change[before]) | {"joints": misplaced(joints, truth)[0]}


def joints_losses(
    net: JointsNet, images: torch.Tensor, truth: Truth, rng: np.random.Generator
) -> dict[str, torch.Tensor]:
    """What the network for joints gets wrong in a batch, by name."""
    joints, log, xyz = net.encode(images)
    wrong, off = misplaced(joints, truth)
    log = log.clamp(_LEAST_JOINT_LOG, _MOST_JOINT_LOG)
    # Asked of joints beyond the edge too: nobody knows them, and that is to be said.
    scale = (off.detach() * torch.exp(-log) + log)[truth.asked].mean()
    out = {"joints": wrong, "scales": 0.1 * scale}
    known = torch.isfinite(truth.xyz).all(-1) & truth.asked
    if known.any():
        out["in space"] = 2 * (xyz[known] - truth.xyz[known] / TRUNK_M).abs().sum(-1).mean()
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of bodies")
    parser.add_argument("run", type=Path, help="file of the run")
    parser.add_argument("--network", choices=list(NETWORKS), default="turns", help="which (net.py)")
    parser.add_argument("--passes", type=int, default=300_000)
    parser.add_argument("--scenes", type=int, default=4, help="a step and process (default 4)")
    parser.add_argument("--begin", type=Path, help="weights to begin from, as far as they fit")
    parser.add_argument("--freeze", type=int, default=10, help="first convolutions held fast (default 10)")
    parser.add_argument("--backgrounds", type=Path, help="folder of pictures to put behind bodies")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rank", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.processes > 1 and "FORMCHECK_TRAINING" not in os.environ:
        sys.exit(_in_processes(args.processes))
    _train(args)


def _in_processes(count: int) -> int:
    environment = os.environ | {
        "FORMCHECK_TRAINING": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29611",
        "WORLD_SIZE": str(count),
    }
    running = [
        subprocess.Popen([sys.executable, *sys.argv, "--rank", str(k)], env=environment | {"RANK": str(k)})
        for k in range(count)
    ]
    try:
        return max(process.wait() for process in running)
    except KeyboardInterrupt:
        for process in running:
            process.wait()
        return 130


def _train(args: argparse.Namespace) -> None:
    rank, world = args.rank, args.processes
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if world > 1:
        torch.distributed.init_process_group("gloo")
    net: TurnsNet | JointsNet = (TurnsNet if args.network == "turns" else JointsNet)(BLAZEPOSE)
    net = net.to(memory_format=torch.channels_last)
    old = [p for name, p in net.named_parameters() if name.startswith("trunk")]
    new = [p for name, p in net.named_parameters() if not name.startswith("trunk")]
    optimizer = torch.optim.AdamW(
        [{"params": new, "lr": _NEW_RATE}, {"params": old, "lr": _OLD_RATE}], weight_decay=1e-4
    )
    rates = [group["lr"] for group in optimizer.param_groups]
    if args.begin is not None:
        known, own = torch.load(args.begin, weights_only=True)["ema"], net.state_dict()
        net.load_state_dict(
            {k: known[k] if k in known and known[k].shape == v.shape else v for k, v in own.items()}
        )
    net.trunk.freeze(args.freeze)
    average = {k: v.clone() for k, v in net.state_dict().items()}
    begun = 0
    if args.run.exists():
        kept = torch.load(args.run, weights_only=True)
        net.load_state_dict(kept["net"])
        optimizer.load_state_dict(kept["optimizer"])
        average, begun = kept["ema"], kept["step"]
    bodies = Bodies(args.data, (rank, world), args.network)
    bodies.look()
    if not bodies.scenes:
        sys.exit(f"There are no bodies to train on in {args.data}; make some with training/bodies/make.py.")
    backgrounds = _pictures(args.backgrounds)
    per_step = args.scenes * len(bodies.scenes[0].pictures) * world
    steps = args.passes // per_step
    rng = np.random.default_rng([100 + rank, begun])
    log: list[dict[str, float]] = []
    started = time.monotonic()
    for step in range(begun, steps):
        if step % 50 == 49:
            bodies.look()
        share = min(1.0, (step + 1) / 40) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 0.01
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = float(rate * share)
        told = _step(net, optimizer, bodies, backgrounds, rng, args.scenes, world)
        hold = min(0.99, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, value in net.state_dict().items():
                if value.is_floating_point():
                    average[name].lerp_(value, 1 - hold)
                else:
                    average[name].copy_(value)
        log.append(told)
        if rank == 0 and step % 20 == 19:
            names = sorted({name for line in log[-20:] for name in line})
            means = (f"{n} {np.mean([x[n] for x in log[-20:] if n in x]):.2f}" for n in names)
            left = (time.monotonic() - started) / (step + 1 - begun) * (steps - step - 1) / 60
            print(
                f"{step + 1}/{steps} of {len(bodies.scenes)} scenes:",
                *means,
                f"{left:.0f} min left",
                flush=True,
            )
        if rank == 0 and (step % _SAVE_EVERY == _SAVE_EVERY - 1 or step == steps - 1):
            _save(args.run, net, optimizer, average, step + 1, per_step)


def _step(
    net: TurnsNet | JointsNet,
    optimizer: torch.optim.Optimizer,
    bodies: Bodies,
    backgrounds: list[np.ndarray],
    rng: np.random.Generator,
    count: int,
    world: int,
) -> dict[str, float]:
    """One step on some scenes; its losses."""
    net.train()
    chosen = [bodies.draw(rng) for _ in range(count)]
    turns = isinstance(net, TurnsNet)
    if not turns:  # in a crop for turns the body always lies on the same side
        chosen = [s.in_a_mirror() if rng.random() < 0.5 else s for s in chosen]
    cut = [crops(s, rng, trunk_upright=turns, changed=True, backgrounds=backgrounds) for s in chosen]
    images = torch.from_numpy(np.concatenate([x for x, _ in cut])).permute(0, 3, 1, 2).float().div(255)
    images = images.contiguous(memory_format=torch.channels_last)
    truth = Truth(
        joints=torch.from_numpy(np.concatenate([j for _, j in cut])),
        asked=torch.from_numpy(np.concatenate([scene.asked for scene in chosen])),
        near=torch.tensor([_NEAR * scene.real for scene in chosen for _ in scene.pictures]),
        xyz=torch.from_numpy(np.concatenate([scene.xyz for scene in chosen]).astype(np.float32)),
        change=torch.from_numpy(np.concatenate([scene.change for scene in chosen])),
        scenes=chosen,
    )
    wrong = (turns_losses if turns else joints_losses)(net, images, truth, rng)  # type: ignore[arg-type]
    optimizer.zero_grad()
    torch.stack(list(wrong.values())).sum().backward()
    weights = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
    if world > 1:
        flat = torch.cat([p.grad.flatten() for p in weights if p.grad is not None])
        torch.distributed.all_reduce(flat)
        at = 0
        for p in weights:
            assert p.grad is not None
            p.grad.copy_(flat[at : at + p.numel()].view_as(p) / world)
            at += p.numel()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimizer.step()
    return {name: float(value.detach()) for name, value in wrong.items()}


def _save(
    run: Path,
    net: TurnsNet | JointsNet,
    optimizer: torch.optim.Optimizer,
    average: dict[str, torch.Tensor],
    step: int,
    per_step: int,
) -> None:
    part = run.with_suffix(".part")
    torch.save(
        {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "ema": average, "step": step,
         "passes": step * per_step}, part,
    )  # fmt: skip
    os.replace(part, run)


def _pictures(folder: Path | None) -> list[np.ndarray]:
    if folder is None:
        return []
    found = [cv2.imread(str(f)) for f in sorted(folder.iterdir())]
    return [image for image in found if image is not None]


if __name__ == "__main__":
    main()
