"""Tables of what `study.py` wrote: ``python report.py choose|decide LINES.jsonl``."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np


def _legs(line: dict[str, Any]) -> float:
    return float(np.mean(line["apart"][1:]))


def choose(lines: list[dict[str, Any]]) -> None:
    """Per view the three settings nearest the truth, and what the model's own scores would choose."""
    settings: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    blaze: dict[Any, list[float]] = defaultdict(list)
    for line in lines:
        view = line["exercise"], line["view"]
        if line["engine"] == "blazepose":
            blaze[view].append(_legs(line))
        else:
            key = (*view, line["engine"], line["turn"], line["size"])
            settings[key].append(line)
    for view in sorted(blaze):
        mine = {k[2:]: v for k, v in settings.items() if k[:2] == view}
        print(*view, f"blazepose {np.mean(blaze[view]):.3f} ({len(blaze[view])} clips)")
        for engine in sorted({k[0] for k in mine}):
            ranked = sorted(
                (float(np.mean([_legs(x) for x in v])), k) for k, v in mine.items() if k[0] == engine
            )
            for apart, key in ranked[:3]:
                found = np.mean([x["found"] for x in mine[key]])
                print(f"  {engine} turn {key[1]} size {key[2]}: {apart:.3f}, found {found:.2f}")
            clips = sorted({x["clip"] for k, v in mine.items() if k[0] == engine for x in v})
            own = [
                max(
                    (x for k, v in mine.items() if k[0] == engine for x in v if x["clip"] == c),
                    key=lambda x: x["score"],
                )
                for c in clips
            ]
            best = [
                min((x for k, v in mine.items() if k[0] == engine for x in v if x["clip"] == c), key=_legs)
                for c in clips
            ]
            for how, picked in (("own score", own), ("truth", best)):
                turns = [x["turn"] for x in picked]
                print(f"  {engine} by {how}: {np.mean([_legs(x) for x in picked]):.3f} (turns {turns})")


def decide(lines: list[dict[str, Any]]) -> None:
    """Per view and engine: found, swaps, distances, and of each measure the mean error, the median
    correlation, the spread of its gain, and in how many clips the error is less than BlazePose's.
    """
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    blaze = {x["clip"]: x["measures"] for x in lines if x["engine"] == "blazepose"}
    for line in lines:
        groups[line["exercise"], line["view"], line["engine"]].append(line)
    for (exercise, view, engine), mine in sorted(groups.items()):
        apart = " | ".join(f"{d:.2f}" for d in np.mean([x["apart"] for x in mine], axis=0)[1:])
        found, swaps = (np.mean([x[k] for x in mine]) for k in ("found", "swapped"))
        said = []
        for name in mine[0]["measures"]:
            error, r, gain = np.array([x["measures"][name] for x in mine]).T
            better = sum(x["measures"][name][0] < blaze[x["clip"]][name][0] for x in mine)
            spread = np.std(np.log(np.clip(gain, 0.05, None)))
            mean = error.mean()
            said.append(
                f"{name} {mean:.3g} (r {np.median(r):.2f}, gain's spread {spread:.2f}, {better} better)"
            )
        print(
            f"| {exercise}, {view} | {len(mine)} | {engine} | {found:.0%} | {swaps:.0%} | {apart} | "
            + "; ".join(said)
            + " |"
        )


if __name__ == "__main__":
    read = [json.loads(text) for name in sys.argv[2:] for text in Path(name).read_text().splitlines()]
    {"choose": choose, "decide": decide}[sys.argv[1]](read)
