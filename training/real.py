"""Scenes of real people on the floor, to keep the network honest on real pictures.

    python training/real.py OUT [--field FOLDER]

OUT/real-00001.npz and so on, in the form of the rendered bodies. Truth is thin there: joints are BlazePose's
own, where its two readings agree and it trusts each joint, and training asks for no more than to lie near
them; pelvis, thigh and chest are known not to have turned while the whole body lies still, and nothing is
asked of them elsewhere. Clips come from the work part of the field only (benchmarks/README.md), with the
landmarks that `field.py poses` stored; nobody of the final part is looked at. Needs formcheck installed.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks" / "field")]
from field import data_folder  # noqa: E402
from pose_cache import Clip, clips_of, poses_of  # noqa: E402

from formcheck.pose.landmarks import MIRRORED, Landmark  # noqa: E402
from formcheck.pose.person import lying_score  # noqa: E402
from formcheck.pose.track import Track  # noqa: E402
from formcheck.session.load import evidence_of  # noqa: E402
from formcheck.session.reader import open_database  # noqa: E402
from formcheck.video.file import VideoFile  # noqa: E402

#: The joints of a file, as in the rendered bodies.
JOINTS = ("hip", "knee", "ankle", "heel", "toe", "shoulder", "elbow", "wrist")
_LANDMARK = {"toe": "FOOT_INDEX"}
#: A joint that BlazePose trusts less is not asked for; of these so many have to be trusted in every picture.
_TRUSTED, _MOST_OF, _AT_LEAST = 0.65, ("hip", "knee", "ankle", "shoulder"), 5
#: Two readings that lie further apart than this do not agree, body sizes.
_APART = 0.08
_LYING = 0.3
#: Pictures a scene and their distance; a body that moves by less than this share of itself lies still.
_PICTURES, _EVERY_S, _STILL = 6, 0.5, 0.03
_SIDE_PX = 256
_WIDER = 1.5


def scenes_of(track: Track) -> list[tuple[list[int], bool, bool]]:
    """Frames of each scene, whether the body lies still in it, and whether on its side."""
    points = [_at(name, side) for name in _MOST_OF for side in "LR"]
    trusted = ((track.visibility[:, points] > _TRUSTED).sum(axis=1) >= _AT_LEAST) & track.person
    if track.disagreement is not None:  # then there are some
        known = np.isfinite(track.disagreement)
        trusted &= np.interp(track.time_s, track.time_s[known], track.disagreement[known]) < _APART
    trusted &= np.array([np.isfinite(w).all() and lying_score(w) > _LYING for w in track.world_xyz])
    out, step = [], max(round(_EVERY_S * track.fps), 1)
    for first in range(0, len(track) - (_PICTURES - 1) * step, _PICTURES * step):
        frames = list(range(first, first + _PICTURES * step, step))
        if not trusted[frames].all():
            continue
        xy = track.image_xyz[frames][:, points, :2]
        size = float(np.ptp(xy[0], axis=0).max())
        still = float(np.abs(xy - np.median(xy, axis=0)).max()) < _STILL * size
        hips = track.world_xyz[frames][:, [Landmark.LEFT_HIP, Landmark.RIGHT_HIP]]
        line = np.median(hips[:, 0] - hips[:, 1], axis=0)
        out.append((frames, still, bool(abs(line[1]) > 0.62 * np.linalg.norm(line))))
    return out


def _track(clip: Clip, field: Path) -> Track | None:
    found = poses_of(clip, field)
    if found is None:
        return None
    with open_database(found[0], look_for_damage=False) as stored:
        return evidence_of(stored).track


def _at(name: str, side: str) -> Landmark:
    return Landmark[f"{'LEFT' if side == 'L' else 'RIGHT'}_{_LANDMARK.get(name, name.upper())}"]


def write(clip: Clip, field: Path, out: Path, number: int) -> int:
    """Writes the scenes of a clip as one body; how many there were."""
    track = _track(clip, field)
    scenes = scenes_of(track) if track is not None else []
    if not scenes:
        return 0
    wanted = {frame for frames, _, _ in scenes for frame in frames}
    with VideoFile(clip.video) as video:
        images = {f.index: f.image for f in video if f.index in wanted}
    names = [f"{name}_{side}" for name in JOINTS for side in "LR"]
    points = np.array([_at(name, side) for name in JOINTS for side in "LR"])
    rows, pictures = [], []
    for k, (frames, still, on_side) in enumerate(scenes):
        turned = 0.0 if still else float("nan")
        changes = dict.fromkeys(("roll", "opening", "thorax_roll", "yaw", "hip_lift"), turned)
        first = track.image_xyz[frames[0], :, :2]
        mirrored = on_side and first[Landmark.RIGHT_HIP, 1] < first[Landmark.LEFT_HIP, 1]
        where = np.array(MIRRORED)[points] if mirrored else points
        box = track.image_xyz[frames][:, where, :2].reshape(-1, 2)
        low, high = box.min(axis=0), box.max(axis=0)
        side = float((high - low).max()) * _WIDER
        corner, scale = (low + high) / 2 - side / 2, _SIDE_PX / side
        sampled = min(2 * scale, 1)
        for n, frame in enumerate(frames):
            if frame not in images:
                break
            matrix = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
            px = (track.image_xyz[frame][where, :2] - corner) * scale
            asked = track.visibility[frame][where] > _TRUSTED
            if mirrored:
                matrix[0] = -matrix[0]
                matrix[0, 2] += _SIDE_PX
                px[:, 0] = _SIDE_PX - px[:, 0]
            small = cv2.resize(images[frame], None, fx=sampled, fy=sampled)
            matrix[:, :2] /= sampled
            cut = cv2.warpAffine(small, matrix, (_SIDE_PX, _SIDE_PX), borderMode=cv2.BORDER_REPLICATE)
            pictures.append(cv2.imencode(".jpg", cut, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].ravel())
            rows.append(
                {"scene": k, "k": n, "rest": still or n == 0, "view": {"azimuth_deg": 0.0}, "px": px.tolist()}
                | {"on_side": on_side, "asked": asked.tolist()}
                | changes
            )
    told = {"body": number, "exercise": "real", "joints": names, "person": {"outfit": {}}, "rows": rows}
    data = io.BytesIO()
    np.savez(
        data,
        lens=[len(p) for p in pictures],
        blob=np.concatenate(pictures),
        rows=np.frombuffer(json.dumps(told).encode(), np.uint8),
    )
    part = out / f"real-{number:05d}.part"
    part.write_bytes(data.getvalue())
    os.replace(part, out / f"real-{number:05d}.npz")
    return len(scenes)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--field", type=Path, default=data_folder())
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    args = parser.parse_args()
    clips = [c for c in clips_of("work", args.field, args.shared) if c.label is not None]
    for number, clip in enumerate(sorted(clips, key=lambda c: c.id), 1):
        print(f"{clip.id}: {write(clip, args.field, args.out, number)} scenes", flush=True)


if __name__ == "__main__":
    main()
