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
            settings[*view, line["engine"], line["turn"], line["size"]].append(line)
    for view in sorted(blaze):
        mine = {k[2:]: v for k, v in settings.items() if k[:2] == view}
        print(*view, f"blazepose {np.mean(blaze[view]):.3f} ({len(blaze[view])} clips)")
        for engine in sorted({k[0] for k in mine}):
            ranked = sorted((float(np.mean([_legs(x) for x in v])), k) for k, v in mine.items() if k[0] == engine)
            for apart, key in ranked[:3]:
                found = np.mean([x["found"] for x in mine[key]])
                print(f"  {engine} turn {key[1]} size {key[2]}: {apart:.3f}, found {found:.2f}")
            clips = sorted({x["clip"] for k, v in mine.items() if k[0] == engine for x in v})
            own = [
                max((x for k, v in mine.items() if k[0] == engine for x in v if x["clip"] == c), key=lambda x: x["score"])
                for c in clips
            ]
            best = [
                min((x for k, v in mine.items() if k[0] == engine for x in v if x["clip"] == c), key=_legs)
                for c in clips
            ]
            print(
                f"  {engine} by own score: {np.mean([_legs(x) for x in own]):.3f} (turns {[x['turn'] for x in own]});"
                f" best a clip: {np.mean([_legs(x) for x in best]):.3f} (turns {[x['turn'] for x in best]})"
            )


def decide(lines: list[dict[str, Any]]) -> None:
    """Per view and engine: found, distances, swaps, and each measure's mean error and median correlation."""
    groups: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["exercise"], line["view"], line["engine"]].append(line)
    for key in sorted(groups):
        mine = groups[key]
        shoulders, hips, knees, ankles = np.mean([x["apart"] for x in mine], axis=0)
        print(
            f"| {key[0]}, {key[1]} ({len(mine)}) | {key[2]} | {np.mean([x['found'] for x in mine]):.0%} "
            f"| {shoulders:.2f} | {hips:.2f} | {knees:.2f} | {ankles:.2f} | {np.mean([x['swapped'] for x in mine]):.0%} | "
            + "; ".join(
                f"{name} {np.mean([x['measures'][name][0] for x in mine]):.3g}"
                f" (r {np.median([x['measures'][name][1] for x in mine]):.2f})"
                for name in mine[0]["measures"]
            )
            + " |"
        )


if __name__ == "__main__":
    read = [json.loads(text) for name in sys.argv[2:] for text in Path(name).read_text().splitlines()]
    {"choose": choose, "decide": decide}[sys.argv[1]](read)
