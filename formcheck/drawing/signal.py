"""A signal over time, before any medium draws it: runs, phases and their tints, what to leave out, lanes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

#: Colour of each shaded phase, how strongly it tints a white ground, and which way it is hatched where a
#: medium can hatch: rise lightest, hold darkest, so that they are told apart in grey as well.
PHASE_TINTS = {
    "rise": ("#2f7fd0", 0.13, "/"),
    "hold": ("#14966e", 0.25, ""),
    "lower": ("#825abe", 0.16, "\\"),
}
#: Line colours with at least 3:1 contrast on a white and on a dark ground.
CURVE, LOW, THRESHOLD, FAULT, BADGE = "#2f7fd0", "#80868f", "#b0620a", "#c46a00", "#9a4f00"


def tint(phase: str, ground: str, strength: float = 1.0) -> str:
    """The colour of a phase's ground, ``#rrggbb``, mixed from that of the plain ground."""
    colour, share, _ = PHASE_TINTS[phase]
    share *= strength
    mixed = (
        round((1 - share) * int(ground[i : i + 2], 16) + share * int(colour[i : i + 2], 16))
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)


def phase_spans(
    time_s: NDArray[np.float64], phase: NDArray[np.uint8] | Sequence[str]
) -> Iterator[tuple[int | str, float, float]]:
    """Phase, first time and last time of each stretch of one phase; a stretch lasts until the next begins."""
    named = np.asarray(phase)
    if not len(named):
        return
    starts = np.concatenate([[0], np.flatnonzero(named[1:] != named[:-1]) + 1])
    ends = [*starts[1:], len(named) - 1]
    for a, b in zip(starts, ends, strict=True):
        yield named[a].item(), float(time_s[a]), float(time_s[b])


def points_to_draw(columns: Sequence[NDArray[np.float64]], most: int) -> NDArray[np.intp]:
    """Which points of curves to draw: all, or of each bin the first, a gap, and every lowest and highest.

    Args:
        columns: curves of ``(T,)`` values, NaN in gaps.
        most: about as many points are kept.
    """
    count = len(columns[0]) if columns else 0
    if count <= most:
        return np.arange(count)
    edges = np.linspace(0, count, most // (2 * len(columns) + 1) + 1).astype(int)
    keep: set[int] = {count - 1}
    for a, b in itertools.pairwise(edges):
        keep.add(int(a))
        for column in columns:
            part = column[a:b]
            if np.isfinite(part).any():
                keep.update((int(a + np.nanargmin(part)), int(a + np.nanargmax(part))))
            gaps = np.flatnonzero(np.isnan(part))
            if len(gaps):
                keep.add(int(a + gaps[0]))
    return np.array(sorted(keep))


def lanes(spans: Iterable[tuple[float, float]]) -> list[int]:
    """A lane for each span, from 0, so that no two that overlap lie in one; spans in order of their start."""
    free_from: list[float] = []
    out = []
    for start, end in spans:
        lane = next((i for i, free in enumerate(free_from) if free <= start), len(free_from))
        free_from[lane : lane + 1] = [end]
        out.append(lane)
    return out
