"""Typical (RMS) errors by measure and view, the `error` values of the exercise definitions.

    python benchmarks/typical_errors.py --poses FOLDER [--shared ../shared] CLIPS_DIR [CLIPS_DIR ...]

Rendered clips with their truth beside them. Frames while moving: those told ok where the view may be ok, else
all with a value. Every clip counts alike, but one clip that makes up more than half of the squares of ten or
more is a failure, not typical, and is left out (marked *). Poses are read once and kept in FOLDER.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from truth import load, scorer

from formcheck.exercises.definition import load_definition


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--poses", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    args = parser.parse_args()
    args.poses.mkdir(parents=True, exist_ok=True)
    score = scorer(args.shared)
    found: dict[tuple[str, str, str], list[tuple[str, float]]] = defaultdict(list)
    for video in (v for folder in args.clips for v in sorted(folder.glob("*.mp4"))):
        if not video.with_suffix(".json").exists():
            continue
        clip = load(video, args.poses, score, every=1)
        if clip is None or clip.named != clip.view:
            print(f"{video.stem}: left out ({'not measured' if clip is None else f'seen as {clip.named}'})")
            continue
        for name, true in clip.series.items():
            k = clip.usable(name)
            if k.sum() < 10:
                continue
            off = clip.measures.column(name)[clip.pick][k] - true[k]
            if name == "knees_nearer":
                off = np.maximum(off, 0.0)  # it says "at least": only too much is an error
            found[clip.exercise, name, clip.view].append((video.stem, float(np.mean(off**2))))
    print(f"\n{'exercise':9s}{'measure':22s}{'view':9s}{'clips':>6s}{'now':>8s}{'found':>8s}   each clip")
    for (exercise, name, view), squares in sorted(found.items()):
        each = " ".join(f"{s**0.5:.3g}" for _, s in squares)
        sizes = sorted(s for _, s in squares)
        failed = len(sizes) >= 10 and sizes[-1] > sum(sizes[:-1])
        rms = float(np.sqrt(np.mean(sizes[:-1] if failed else sizes)))
        now = load_definition(exercise).measures[name].error.get(view)
        off = "" if now is None or abs(rms / now - 1) <= 0.2 else " <--"
        print(
            f"{exercise:9s}{name:22s}{view:9s}{len(squares):6d}{now or 0:8.3f}{rms:8.3f}"
            f"{'*' if failed else ' '}{off:4s} {each}"
        )


if __name__ == "__main__":
    main()
