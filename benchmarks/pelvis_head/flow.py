"""How much the picture around the hips turns from rest to the hold, seen from the head end of a bridge.

    python flow.py CLIP.mp4 ...      rendered clips, each with its truth as CLIP.json

Prints the true roll of the pelvis and the turn of the picture for every repetition (dense optical flow, from
the hold back to rest, robust affine fit of the points that moved), and how both go together.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from formcheck.pose.blazepose import BlazePose
from formcheck.pose.landmarks import Landmark
from formcheck.pose.recording import read_poses
from formcheck.pose.track import Track, smoothed
from formcheck.video.file import VideoFile

WIDTH, TOP, BOTTOM = 0.6, -0.45, 0.25  # the region around the mid-hip, shoulder widths
FLOW_FPS = 12


def turns(clip: Path) -> list[tuple[float, float]]:
    """True roll and turn of the picture, degrees, of every repetition of a clip."""
    truth = json.loads(clip.with_suffix(".json").read_text())
    video = VideoFile(clip)
    with BlazePose("full") as engine:
        results, _, _ = read_poses(video, engine)
    xy, _ = smoothed(Track.from_results(results, (video.width, video.height)))
    grey = [cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY) for frame in video]
    hips = (xy[:, Landmark.LEFT_HIP] + xy[:, Landmark.RIGHT_HIP]) / 2
    scale = np.nanmedian(
        np.linalg.norm(xy[:, Landmark.LEFT_SHOULDER] - xy[:, Landmark.RIGHT_SHOULDER], axis=1)
    )
    roll = np.array(truth["angles"])[:, truth["angle_names"].index("pelvis_roll_deg")]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    fps = truth["fps"]
    found = []
    for rep in truth["reps"]:
        rest = int((rep["t_start"] - 0.1) * fps)
        hold = int((rep["t_peak_start"] + rep["t_peak_end"]) / 2 * fps)
        back = [*range(hold, rest, -max(1, round(fps / FLOW_FPS))), rest]
        x, y = np.meshgrid(np.linspace(-WIDTH, WIDTH, 41), np.linspace(TOP, BOTTOM, 25))
        top = (np.stack([x.ravel(), y.ravel()], 1) * scale + hips[hold]).astype(np.float32)
        at = top.copy()
        for now, before in pairwise(back):
            flow = dis.calc(grey[now], grey[before], None)
            step = [cv2.remap(flow[..., c], at[:, 0], at[:, 1], cv2.INTER_LINEAR).ravel() for c in (0, 1)]
            at = at + np.stack(step, 1)
        down = hips[rest] - hips[hold]
        along = (at - top) @ (down / np.linalg.norm(down))
        moved = along > 0.4 * np.percentile(along, 90)
        turn = _turn(at[moved], top[moved]) if moved.sum() >= 30 else float("nan")
        frames = slice(int(rep["t_peak_start"] * fps), int(rep["t_peak_end"] * fps) + 1)
        found.append((float(roll[frames].mean() - roll[rest]), turn))
    return found


def _turn(start: np.ndarray, end: np.ndarray) -> float:
    """Turn of the picture's horizontal from `start` to `end` (both ``(N, 2)`` pixels), degrees."""
    a = np.c_[np.ones(len(start)), start - start.mean(0)]
    weight = np.ones(len(start))
    for _ in range(5):
        fit, *_ = np.linalg.lstsq(
            a * weight[:, None] ** 0.5, (end - start) * weight[:, None] ** 0.5, rcond=None
        )
        off = np.linalg.norm(end - start - a @ fit, axis=1)
        weight = 1 / (1 + (off / (np.median(off) + 1e-6)) ** 2)
    return float(np.degrees(np.arctan2(fit[1, 1], 1 + fit[1, 0])))


def main() -> None:
    rows = []
    for name in sys.argv[1:]:
        for true, turn in turns(Path(name)):
            print(f"{Path(name).stem:30s} true {true:6.1f}  picture {turn:6.1f}")
            rows.append((true, turn))
    true, turn = np.array([row for row in rows if np.isfinite(row[1])]).T
    r, slope = np.corrcoef(true, turn)[0, 1], np.polyfit(true, turn, 1)[0]
    error = min(abs(true - turn).mean(), abs(true + turn).mean())
    print(f"{len(true)} repetitions, r {r:.2f}, slope {slope:.2f}")
    print(f"mean error {error:.1f}, of always zero {abs(true).mean():.1f}")


if __name__ == "__main__":
    main()
