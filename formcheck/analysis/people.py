"""Who else was in view, for how long, and whether it may have been another one who was followed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from formcheck.pose.landmarks import BOTH_HIPS
from formcheck.pose.person import UPRIGHT_BELOW, body_size_px, lying_score
from formcheck.pose.track import Track

#: The detector counts people once a second, and now and then it takes a cushion for one or overlooks one:
#: counted twice in a row is a person, overlooked once is still there.
_COUNTED_ONCE_S = 0.9
_AT_LEAST_S = 2.5
#: Frames looked at for whether somebody lies.
_FRAMES = 200


def others_in_view(track: Track) -> list[tuple[float, float]]:
    """Spans of at least 2.5 s in which more than one person was seen, as (start, end) in seconds."""
    t = track.time_s
    step = np.diff(np.concatenate([[0], (track.people_seen > 1).astype(int), [0]]))
    starts, stops = np.flatnonzero(step > 0).tolist(), np.flatnonzero(step < 0).tolist()
    spans: list[tuple[float, float]] = []
    for start, stop in zip(starts, stops, strict=True):
        begin, end = float(t[start]), float(t[min(stop, len(t) - 1)])
        if end - begin < _COUNTED_ONCE_S:
            continue
        if spans and begin - spans[-1][1] <= _AT_LEAST_S:
            begin = spans.pop()[0]
        spans.append((begin, end))
    return [(begin, end) for begin, end in spans if end - begin >= _AT_LEAST_S]


def people_warnings(track: Track) -> list[str]:
    """Plain sentences about other people in view."""
    spans = others_in_view(track)
    if not spans:
        return []
    frames = np.zeros(len(track), bool)
    for begin, end in spans:
        frames |= (track.time_s >= begin) & (track.time_s < end)
    most = int(track.people_seen[frames].max()) - 1
    who = "A second person was" if most == 1 else f"Up to {most} other people were"
    share = float(frames.mean())
    if share > 0.95:
        when = "all the time"
    else:
        times = [f"from {begin:.0f} to {end:.0f} s" for begin, end in spans]
        when = f"{' and '.join(filter(None, [', '.join(times[:-1]), times[-1]]))} ({share:.0%} of the time)"
    if _lies(track, frames):
        chosen = "the one lying on the mat was followed"
    else:
        chosen = "the one followed was not lying, so it may not be the patient"
    out = [f"{who} in view {when}; {chosen}."]
    out += [
        f"At {at_s:.0f} s another body was followed than before; it may be the other person."
        for at_s in _taken_over(track, frames)
    ]
    return out


def _lies(track: Track, frames: NDArray[np.bool_]) -> bool:
    """Whether the one followed lay in most of these frames."""
    seen = np.flatnonzero(frames & track.person)
    if not seen.size:
        return True
    seen = seen[np.linspace(0, len(seen) - 1, min(len(seen), _FRAMES)).astype(int)]
    return float(np.median([lying_score(world) for world in track.world_xyz[seen]])) >= UPRIGHT_BELOW


def _taken_over(track: Track, frames: NDArray[np.bool_]) -> list[float]:
    """Times at which the body followed was suddenly elsewhere, while others were in view."""
    stretches = track.stretches()
    times = []
    for before, after in pairwise(stretches):
        last, first = track.image_xyz[before.stop - 1], track.image_xyz[after.start]
        moved = np.linalg.norm((first - last)[BOTH_HIPS, :2].mean(axis=0))
        if frames[before.stop - 1 : after.start + 1].any() and moved > max(
            body_size_px(last), body_size_px(first)
        ):
            times.append(float(track.time_s[after.start]))
    return times
