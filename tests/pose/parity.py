"""How far our landmarks are from MediaPipe's: used by `test_parity.py` and, as a program, for docs/parity.md.

    python tests/pose/parity.py store   MediaPipe's output for the demo clips -> tests/pose/data
    python tests/pose/parity.py table   the table of docs/parity.md, with MediaPipe live

Both need ``pip install 'formcheck[mediapipe]'``.

PoseLandmarker in VIDEO mode smooths what it gives out; our engine gives what the model says, since a
recording is smoothed later without delay. So the same One-Euro filter is put on ours before comparing.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from formcheck.pose.blazepose import BlazePose
from formcheck.pose.engine import open_engine
from formcheck.pose.smoothing import OneEuro
from formcheck.video.file import VideoFile

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"
DEMO_CLIPS = tuple(ROOT / "videos" / name for name in ("bridge_side.mp4", "clam_front.mp4"))
REAL_CLIPS = ROOT / ".." / "shared" / "clips" / "real"
#: Real bridges seen from the side.
REAL_BRIDGES = tuple(
    REAL_CLIPS / f"{name}.mp4"
    for name in (
        "bridge_01_webcam_livingroom",
        "bridge_05_band_studio_pexels",
        "bridge_07_home_closeup",
        "bridge_08_outdoor_low_lift",
        "bridge_09_studio_single_rep",
        "bridge_12_single_leg_portrait",
        "bridge_14_fault_lumbar_overarch",
        "bridge_16_clean_tutorial_portrait",
        "bridge_17_photos_single_leg_male",
        "bridge_20_cropped_head_feet",
    )
)
#: Head and feet are outside the picture. MediaPipe finds nobody in its first half and puts the skeleton on
#: the wrong place in the second; ours is on the man throughout. To agree here would be to be wrong.
NOT_COMPARABLE = "bridge_20_cropped_head_feet"
#: Shoulders, and hips to feet.
COMPARED = [11, 12, *range(23, 33)]
#: PoseLandmarker's filter of image landmarks.
MIN_CUTOFF, BETA = 0.05, 80.0


@dataclass(frozen=True)
class Landmarks:
    """``xy``: (frames, 12, 2) pixels of the `COMPARED` landmarks, NaN where nobody; ``person``: (frames,)."""

    xy: NDArray[np.float32]
    person: NDArray[np.bool_]


def ours(clip: Path, frames: int | None = None) -> Landmarks:
    """Our engine on a clip, or so many frames of it, smoothed as MediaPipe smooths."""
    rows = []
    with VideoFile(clip) as video, BlazePose() as engine:
        smooth = OneEuro(MIN_CUTOFF, BETA)
        for frame in islice(video, frames):
            pose = engine.estimate(frame).pose
            if pose is None:
                smooth.reset()
                rows.append(np.full((len(COMPARED), 2), np.nan))
                continue
            # The filter's scale is the size of the region for the next frame.
            scale = engine._region.size if engine._region is not None else 1.0
            rows.append(smooth(pose.image_xy[COMPARED], frame.time_s, scale=scale))
    return _landmarks(rows)


def mediapipes(clip: Path) -> Landmarks:
    """MediaPipe, live, on a whole clip."""
    rows = []
    with VideoFile(clip) as video, open_engine("mediapipe") as engine:
        for frame in video:
            pose = engine.estimate(frame).pose
            empty = np.full((len(COMPARED), 2), np.nan)
            rows.append(empty if pose is None else pose.image_xy[COMPARED])
    return _landmarks(rows)


def stored(clip: Path, frames: int | None = None) -> Landmarks:
    """MediaPipe's output for a demo clip, or so many frames of it, made once by `store`."""
    with np.load(DATA / f"mediapipe_{clip.stem}.npz") as data:
        xy, person = data["xy_tenths"][:frames].astype(np.float32) / 10, data["person"][:frames]
        return Landmarks(np.where(person[:, None, None], xy, np.nan), person)


def store(clip: Path) -> None:
    """Keep MediaPipe's output in tenths of a pixel (a thousandth of the trunk)."""
    found = mediapipes(clip)
    tenths = np.round(np.nan_to_num(found.xy) * 10).astype(np.int16)
    np.savez_compressed(DATA / f"mediapipe_{clip.stem}.npz", xy_tenths=tenths, person=found.person)


@dataclass(frozen=True)
class Agreement:
    """Of one clip. Distances in % of the trunk's length."""

    frames: int
    same_presence: float
    median: float
    p90: float


def compare(a: Landmarks, b: Landmarks) -> Agreement:
    """Agreement of ours (`a`) with MediaPipe's (`b`)."""
    both = a.person & b.person
    if not both.any():
        return Agreement(len(both), float((a.person == b.person).mean()), np.inf, np.inf)
    trunk = np.linalg.norm(b.xy[both, :2].mean(axis=1) - b.xy[both, 2:4].mean(axis=1), axis=1)
    away = np.linalg.norm(a.xy[both] - b.xy[both], axis=2) / np.median(trunk) * 100
    return Agreement(
        len(both),
        float((a.person == b.person).mean()),
        float(np.median(away)),
        float(np.percentile(away, 90)),
    )


def _landmarks(rows: list[NDArray[np.floating]]) -> Landmarks:
    xy = np.array(rows, np.float32)
    return Landmarks(xy, np.isfinite(xy).all(axis=(1, 2)))


def main(what: str) -> None:
    """Store the reference or print the table."""
    if what == "store":
        for clip in DEMO_CLIPS:
            store(clip)
        return
    print("| clip | frames | same answer to whether somebody is there | median distance | 90th percentile |")
    print("|---|---|---|---|---|")
    for clip in (*DEMO_CLIPS, *REAL_BRIDGES):
        if clip.exists():
            got = compare(ours(clip), mediapipes(clip))
            cells = [
                clip.stem,
                got.frames,
                f"{got.same_presence:.1%}",
                f"{got.median:.2f} %",
                f"{got.p90:.2f} %",
            ]
            print("|", " | ".join(map(str, cells)), "|")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "table")
