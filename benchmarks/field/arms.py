"""How long an arm seems to be held straight up in clips in which nobody means to pause.

    python benchmarks/field/arms.py [--field DIR]

Reads the poses that the field has kept (see `pose_cache.py`); prints the clips with the longest times.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from field import data_folder
from pose_cache import ROOT, clips_of, poses_of

from formcheck.engine.gesture import GAP_S, HELD_S, arms_up
from formcheck.errors import FormcheckError
from formcheck.session.reader import open_session


def longest_s(path: Path) -> tuple[float, float]:
    """Longest time with an arm up in a clip, and how long the clip is, in seconds."""
    with open_session(path) as session:
        track = session.poses().track
    best, since, last = 0.0, None, 0.0
    for t, image, world, seen in zip(
        track.time_s, track.image_xyz, track.world_xyz, track.visibility, strict=True
    ):
        if any(arms_up(image[:, :2], world, seen)):
            since = t if since is None or t - last > GAP_S else since
            last = t
            best = max(best, t - since)
    return best, float(track.time_s[-1] - track.time_s[0]) if len(track.time_s) else 0.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--field", type=Path, default=data_folder())
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    args = parser.parse_args()
    found, seconds = {}, 0.0
    for part in ("given", "work", "final"):
        for clip in clips_of(part, args.field, args.shared):
            poses = poses_of(clip, args.field)
            if poses is None or clip.id in found:
                continue
            try:
                found[clip.id], length = longest_s(poses[0])
            except FormcheckError as error:
                print(f"{clip.id}: {error}", file=sys.stderr)
                continue
            seconds += length
    print(f"{len(found)} clips, {seconds / 60:.0f} minutes; held for {HELD_S:g} s or more:")
    for name, held in sorted(found.items(), key=lambda item: -item[1]):
        if held >= HELD_S / 4:
            print(f"  {held:4.1f} s  {name}{'' if held < HELD_S else '  <<'}")


if __name__ == "__main__":
    main()
