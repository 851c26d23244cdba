"""What is counted when the same movements come as worse cameras and computers give them.

    python benchmarks/field/changed.py [--part work] [--only TEXT] [--clips]

The cached poses of a part's clips are changed and judged again, which takes half a minute a change: pictures
that come a few times a second and are shown many times each, pictures in which nobody is found, noise on all
points, movements at half and at 1.7 times their speed. Printed: repetitions missed and invented, rendered and
real; with --clips also which clips get worse. What a change does to the pose stage itself is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from clip_specs import loaded
from pose_cache import ROOT, Clip, clips_of, poses_of

Change = Callable[[Any, np.random.Generator], Any]


class Counted(NamedTuple):
    """Of one run: its name, repetitions that are there, missed and invented ones."""

    run: str
    there: int
    missed: int
    invented: int


def steps(per_s: float) -> Change:
    """So many pictures a second are new; each is shown until the next one."""

    def change(track: Any, _: np.random.Generator) -> Any:
        number = np.floor((track.time_s - track.time_s[0]) * per_s + 1e-6)
        shown = np.searchsorted(number, number)
        still = {
            name: getattr(track, name)[shown] for name in ("image_xyz", "world_xyz", "visibility", "person")
        }
        return replace(track, **still)

    return change


def flicker(share: float) -> Change:
    """Nobody is found in so large a share of the pictures, at random."""

    def change(track: Any, rng: np.random.Generator) -> Any:
        person = track.person & (rng.random(len(track)) >= share)
        image, world = track.image_xyz.copy(), track.world_xyz.copy()
        image[~person] = world[~person] = np.nan
        return replace(track, image_xyz=image, world_xyz=world, person=person)

    return change


def noise(share: float) -> Change:
    """Every point of the picture is off by so large a share of the body's size, in each picture anew."""

    def change(track: Any, rng: np.random.Generator) -> Any:
        from formcheck.pose.track import body_sizes_px

        size = np.nanmedian(body_sizes_px(track.image_xyz[track.person])) if track.person.any() else 0.0
        off = rng.normal(0, share * size, track.image_xyz.shape).astype(np.float32)
        return replace(track, image_xyz=track.image_xyz + off)

    return change


def stretched(times: float) -> Change:
    """Everything takes so many times as long."""
    return lambda track, _: replace(track, time_s=track.time_s[0] + times * (track.time_s - track.time_s[0]))


CHANGES: dict[str, tuple[Change, float]] = {
    "as filmed": (steps(1e6), 1.0),
    "10 pictures a second": (steps(10.0), 1.0),
    "5 pictures a second": (steps(5.0), 1.0),
    "3.3 pictures a second": (steps(3.3), 1.0),
    "nobody in 3 % of the pictures": (flicker(0.03), 1.0),
    "nobody in 10 %": (flicker(0.1), 1.0),
    "noise of 1 % of the body": (noise(0.01), 1.0),
    "noise of 3 %": (noise(0.03), 1.0),
    "half the speed": (stretched(2.0), 2.0),
    "1.7 times the speed": (stretched(0.6), 0.6),
}


def count(clip: Clip, session: Path, change: str, shared: Path) -> list[Counted]:
    """What is counted in all runs of a clip."""
    from formcheck.analysis.judge import judge
    from formcheck.exercises.prescription import check_request
    from formcheck.session.load import evidence_of
    from formcheck.session.reader import open_database

    score = loaded(shared / "bench" / "score.py")
    apply, times = CHANGES[change]
    with open_database(session, look_for_damage=False) as stored:
        evidence = replace(evidence_of(stored), video=clip.video)
    track = apply(evidence.track, np.random.default_rng(len(clip.id)))
    first = float(track.time_s[0])
    out = []
    for name, exercise, side in clip.runs():
        summary = judge(replace(evidence, side=side, track=track), check_request(exercise, side, None, None))
        found = [
            dict(rep, peak_s=first + (rep["peak_s"] - first) / times)
            for rep in json.loads(summary.summary.to_json())["reps"]
            if rep["class"] in score.COUNTED
        ]
        if clip.truth is not None:
            truth = json.loads(clip.truth.read_text())
            view = score.PLAIN.get(truth["view"], truth["view"])
            asked = [score.countable(truth, rep, view) for rep in truth["reps"]]
            peaks = [(rep["t_peak_start"], rep["t_peak_end"]) for rep in truth["reps"]]
            edges: list[dict[str, Any]] = []
        else:
            assert clip.label is not None
            if not clip.label["count_reps"]:
                continue
            reps = clip.label["reps"] if exercise == clip.label["exercise"] else []
            peaks = [(rep["peak_s"], rep["peak_s"]) for rep in reps if rep["complete"]]
            asked = [True] * len(peaks)
            edges = [rep for rep in clip.label["reps"] if not rep["complete"]]
        pairs, extra = score.match(peaks, found)
        paired = {i for i, _ in pairs}
        extra = [
            rep
            for rep in extra
            if not any(edge["start_s"] - 0.5 <= rep["peak_s"] <= edge["end_s"] + 0.5 for edge in edges)
        ]
        missed = sum(a and i not in paired for i, a in enumerate(asked))
        out.append(Counted(name, sum(asked), missed, len(extra)))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", default="work", choices=["work", "given"])
    parser.add_argument("--only", default="", help="only changes whose name contains this")
    parser.add_argument("--clips", action="store_true", help="also the clips that get worse")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    from field import data_folder

    field = data_folder()
    jobs = [
        (c, found[0])
        for c in clips_of(args.part, field, args.shared)
        if (found := poses_of(c, field)) is not None
    ]
    if not jobs:
        sys.exit(f"No clip of this part in {field} has poses: run `field.py poses` first.")
    print("| what comes | rendered: missed, invented | real: missed, invented |\n|---|---|---|")
    before: dict[str, Counted] = {}
    for change in [c for c in CHANGES if c == "as filmed" or args.only in c]:
        with ProcessPoolExecutor(args.processes) as pool:
            futures = [pool.submit(count, clip, session, change, args.shared) for clip, session in jobs]
            rows = [row for future in futures for row in future.result()]
        cells = []
        for real in (False, True):
            mine = [row for row in rows if ("@" in row.run) == real]
            missed, invented = (sum(row[i] for row in mine) for i in (2, 3))
            cells.append(f"{missed} of {sum(row.there for row in mine)}, {invented}")
        print(f"| {change} | {' | '.join(cells)} |", flush=True)
        before = before or {row.run: row for row in rows}
        for row in rows if args.clips else ():
            was = before[row.run]
            if row.missed > was.missed or row.invented > was.invented:
                print(f"  {row.run}: {was.missed}, {was.invented} -> {row.missed}, {row.invented}")


if __name__ == "__main__":
    main()
