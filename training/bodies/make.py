"""Make the pictures that the network for lying people learns from.

    python training/bodies/make.py OUT [--exercise clam --exercise bridge ...] [--bodies 3000] [--processes 2]
    python training/bodies/make.py --sheet sheet.png [--exercise clam]      # a few of them, to look at

OUT/clam00000.npz and so on, one file a body: 2 scenes of 2 resting and 4 moved pictures. What is there is
left as it is: break it off with Ctrl-C and run it again. The number of a body decides all about it, so the
same command makes the same set. About 11 pictures a second and core. Needs what README.md lists.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

EXERCISES = ("clam", "leg-lift", "bridge", "single-leg-bridge", "march")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", nargs="?", type=Path, help="folder for the files")
    parser.add_argument("--exercise", action="append", choices=EXERCISES, help="by default all, in turn")
    parser.add_argument("--bodies", type=int, default=3000, help="of each exercise (default 3000)")
    parser.add_argument("--first", type=int, default=0, help="number of the first body (default 0)")
    parser.add_argument("--scenes", type=int, default=2, help="a body (default 2)")
    parser.add_argument("--moved", type=int, default=4, help="moved pictures a scene (default 4)")
    parser.add_argument("--size", type=int, default=256, help="of a picture, pixels (default 256)")
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="at a time (default: cores)"
    )
    parser.add_argument("--share", default="0/1", help=argparse.SUPPRESS)
    parser.add_argument("--sheet", type=Path, help="draw a sheet of a few bodies instead")
    args = parser.parse_args()
    exercises = args.exercise or list(EXERCISES)
    if args.sheet:
        sheet(args.sheet, exercises, args.first, args.size)
        return
    if args.out is None:
        parser.error("say where the files go, or --sheet")
    args.out.mkdir(parents=True, exist_ok=True)
    if args.share == "0/1" and args.processes > 1:
        sys.exit(_in_processes(args.processes))
    mine, of = map(int, args.share.split("/"))
    work = [(k, e) for k in range(args.first, args.first + args.bodies) for e in exercises if k % of == mine]
    try:
        _make(work, args)
    except KeyboardInterrupt:
        sys.exit("Stopped; the bodies that are whole stay, the rest is made next time.")


def _in_processes(count: int) -> int:
    """The same command in several processes, each with its share of the bodies."""
    running = [
        subprocess.Popen([sys.executable, __file__, *sys.argv[1:], "--share", f"{k}/{count}"])
        for k in range(count)
    ]
    try:
        return max(process.wait() for process in running)
    except KeyboardInterrupt:
        for process in running:
            process.wait()
        return 130


def _make(work: list[tuple[int, str]], args: argparse.Namespace) -> None:
    from bodies import drawn, saved
    from picture import Renderer

    renderer = Renderer(args.size)
    waiting = [(k, e, path) for k, e in work if not (path := args.out / f"{e}{k:05d}.npz").exists()]
    begun = time.monotonic()
    for done, (number, exercise, path) in enumerate(waiting, 1):
        try:
            saved(path, number, exercise, drawn(renderer, number, exercise, args.scenes, args.moved))
        except (ValueError, FloatingPointError, IndexError) as error:
            # A posture that the skeleton cannot take; its number stays empty in every run.
            print(f"{path.stem} left out: {error}", flush=True)
            continue
        if done % 20 == 0:
            left = (time.monotonic() - begun) / done * (len(waiting) - done) / 60
            print(f"{done}/{len(waiting)} {path.stem}, about {left:.0f} min left", flush=True)


def sheet(path: Path, exercises: list[str], first: int, size: int) -> None:
    """A row of pictures for each of a few bodies, with their joints."""
    import cv2
    import numpy as np
    from bodies import drawn
    from picture import Renderer

    renderer, rows = Renderer(size), []
    for exercise in exercises:
        for number in range(first, first + max(8 // len(exercises), 2)):
            found = drawn(renderer, number, exercise, 1, 4)
            row = []
            for data, truth in zip(found["pictures"], found["rows"], strict=True):
                image = cv2.imdecode(data, cv2.IMREAD_COLOR)
                for x, y in truth["px"]:
                    cv2.circle(image, (round(x), round(y)), 2, (0, 255, 255), -1)
                told = f"{exercise} roll {truth['roll']:.0f} az {truth['view']['azimuth_deg']:.0f}"
                cv2.putText(image, told, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1)
                row.append(image)
            rows.append(np.hstack(row))
    cv2.imwrite(str(path), np.vstack(rows))
    print(f"{path}: {len(rows)} bodies")


if __name__ == "__main__":
    main()
