"""How good a trained network is on bodies that it has never seen.

    python training/evaluate.py DATA RUN.pt --network turns [--bodies 200]

Held out are every tenth body and two garments. Each moved picture is held against its scene's resting ones.
Printed by exercise, task and direction of the camera: the mean error, that of always saying the median, bias,
95th percentile, correlation, slope, and how often a change beyond a grade is found and one well below it is
falsely told; the same without the least sure fifth; and the joints, in trunk lengths.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from export import load
from net import ALL_JOINTS, JOINTS, NETWORKS, TASKS, TRUNK_M, JointsNet, TurnsNet
from scenes import Scene, crops
from scenes import load as load_scenes

#: Directions of the camera, degrees round the body (side-lying: 0 in front, 90 the feet).
_DIRECTIONS = ((-110, -70), (-70, -20), (-20, 20), (20, 50), (50, 72), (72, 110))
#: A change is clearly there from the grade and this much on, and clearly not below this share of it.
_THERE, _NOT_THERE = 3.0, 0.4


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path, nargs="+", help="of several their mean is evaluated")
    parser.add_argument("--network", choices=list(NETWORKS), default="turns", help="which it is (net.py)")
    parser.add_argument("--bodies", type=int, default=10**6, help="at most so many of each exercise")
    args = parser.parse_args()
    torch.set_num_threads(1)
    turns = args.network == "turns"
    net = load(args.run, args.network)
    wanted = NETWORKS[args.network]
    scenes = [s for s in load_scenes(sorted(args.data.glob("*.npz"))) if s.held_out and s.on_back in wanted]
    for exercise in sorted({s.exercise for s in scenes}):
        mine = [s for s in scenes if s.exercise == exercise]
        bodies = sorted({s.body for s in mine})[: args.bodies]
        (tell_turns if turns else tell_joints)(exercise, [s for s in mine if s.body in bodies], net)


def _seen(scene: Scene, rng: np.random.Generator, trunk_upright: bool) -> tuple[torch.Tensor, np.ndarray]:
    """A scene's crops as the network takes them, and its joints in them."""
    images, joints = crops(scene, rng, trunk_upright=trunk_upright, changed=False, jitter=0.7)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255)
    return x.contiguous(memory_format=torch.channels_last), joints


@torch.no_grad()
def tell_turns(exercise: str, scenes: list[Scene], net: torch.nn.Module) -> None:
    """Prints what has turned in one exercise."""
    assert isinstance(net, TurnsNet)
    rng = np.random.default_rng(1)
    wanted, found, scales, azimuths, joint_errors = [], [], [], [], []
    for scene in scenes:
        images, joints = _seen(scene, rng, trunk_upright=True)
        told, features = net.encode(images)
        rest = np.flatnonzero(scene.rest)
        answers = [net.compare(features, features[[r]].expand_as(features)) for r in rest]
        answer = torch.stack(answers).mean(0).numpy()
        moved = np.flatnonzero(~scene.rest)
        wanted.append(scene.change[moved] - scene.change[rest].mean(0))
        found.append(answer[moved, : len(TASKS)])
        scales.append(answer[moved, len(TASKS) :])
        azimuths.append(np.full(len(moved), scene.view["azimuth_deg"]))
        trunk = np.linalg.norm(joints[0, 10:12].mean(0) - joints[0, :2].mean(0))
        joints = joints[:, : len(JOINTS)]
        error = np.linalg.norm(told.numpy() - joints, axis=-1) / max(float(trunk), 0.12)
        error[~((joints > 0) & (joints < 1)).all(-1)] = np.nan
        joint_errors.append(error)
    true, said, scale, azimuth = map(np.concatenate, (wanted, found, scales, azimuths))
    print(f"\n{exercise}: {len({s.body for s in scenes})} bodies, {len(true)} moved pictures")
    for k, task in enumerate(TASKS):
        if exercise not in task.exercises:
            continue
        t, p, log = true[:, k] * task.unit, said[:, k] * task.unit, scale[:, k]
        _line(task.name, t, p, task.grades)
        for low, high in _DIRECTIONS:
            there = (azimuth >= low) & (azimuth < high)
            if there.sum() >= 20:
                _line(f"  {low}..{high}", t[there], p[there], task.grades)
        sure = log <= np.quantile(log, 0.8)
        _line("  without the least sure fifth", t[sure], p[sure], task.grades)
    errors = np.concatenate(joint_errors)
    at = np.concatenate([np.full(len(s.pictures), s.view["azimuth_deg"]) for s in scenes])
    for low, high in ((-180, 180), *_DIRECTIONS):
        here = (at >= low) & (at < high)
        if here.sum() >= 20:
            told = (f"{n} {np.nanmedian(errors[here, i]):.2f}" for i, n in enumerate(JOINTS))
            print(f"  {low}..{high}: joints, median, trunk lengths:", *told)


@torch.no_grad()
def tell_joints(exercise: str, scenes: list[Scene], net: torch.nn.Module) -> None:
    """Prints the joints of one exercise, by the camera's direction."""
    assert isinstance(net, JointsNet)
    rng = np.random.default_rng(1)
    errors, in_space, moves, azimuths = [], [], [], []
    for scene in scenes:
        images, joints = _seen(scene, rng, trunk_upright=False)
        told, _, xyz = net.encode(images)
        side = float(np.linalg.norm(scene.joints_px[0, 0] - scene.joints_px[0, 2])) / max(
            float(np.linalg.norm(joints[0, 0] - joints[0, 2])), 1e-6
        )  # pixels of a crop's side
        trunk = scene.trunk_px[:, None] / side
        error = np.linalg.norm(told.numpy() - joints, axis=-1) / trunk
        error[~((joints > 0) & (joints < 1)).all(-1)] = np.nan
        errors.append(error)
        in_space.append(np.linalg.norm(xyz.numpy() * TRUNK_M - scene.xyz, axis=-1) / TRUNK_M)
        rest = scene.rest
        for which in (told.numpy(), joints):
            up = -(which[:, :2].mean(1) - which[:, 4:6].mean(1))[:, 1] / trunk[:, 0]
            moves.append((up - up[rest].mean())[~rest])
        azimuths.append(np.full(len(joints), scene.view["azimuth_deg"]))
    error, space, azimuth = map(np.concatenate, (errors, in_space, azimuths))
    found, true = np.concatenate(moves[::2]), np.concatenate(moves[1::2])
    at = np.concatenate([a[~s.rest] for a, s in zip(azimuths, scenes, strict=True)])
    print(f"\n{exercise}: {len({s.body for s in scenes})} bodies, {len(error)} pictures")
    for low, high in ((-180, 180), *_DIRECTIONS):
        here, moved = (azimuth >= low) & (azimuth < high), (at >= low) & (at < high)
        if here.sum() < 20:
            continue
        print(
            f"  {low}..{high}: joints, median, trunk lengths:",
            *(f"{n} {np.nanmedian(error[here, i]):.2f}" for i, n in enumerate(ALL_JOINTS)),
            f"| in space {np.median(space[here, :12]):.2f}",
        )
        _line("    rise of the hips in the picture", 10 * true[moved], 10 * found[moved], ())


def _line(what: str, true: np.ndarray, said: np.ndarray, grades: tuple[float, ...]) -> None:
    off = said - true
    usual = np.abs(true - np.median(true)).mean()
    told = f"MAE {np.abs(off).mean():.2f} (median {usual:.2f}) bias {off.mean():+.2f}"
    told += f" p95 {np.percentile(abs(off), 95):.1f}"
    if np.std(true) > 0 and np.std(said) > 0:
        told += f" r {np.corrcoef(true, said)[0, 1]:.2f} slope {np.polyfit(true, said, 1)[0]:.2f}"
    for grade in grades:
        there, not_there = np.abs(true) >= grade + _THERE, np.abs(true) <= _NOT_THERE * grade
        if there.any() and not_there.any():
            hit, false = (np.abs(said[m]) >= grade for m in (there, not_there))
            told += f" | {grade:.0f}: found {hit.mean():.2f} alarms {false.mean():.3f}"
    print(f"  {what:32s} n {len(true):5d} {told}")


if __name__ == "__main__":
    main()
