"""Which way up is the picture? Decided from the lying body, for cameras held upside down or on their side.

The start of a bridge is known only with gravity the right way: the knees stand above the mat, and the hands
lie on it. A body on its side looks the same the other way up, and with straight legs the back upside down is
the front; there the movement tells, because the leg that opens goes up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from formcheck.exercises.definition import Definition
from formcheck.measures.formulas import Formulas
from formcheck.measures.geometry import height, norm
from formcheck.measures.measure import formulas
from formcheck.measures.view import trunk
from formcheck.pose.landmarks import BOTH_ANKLES, BOTH_HIPS, BOTH_KNEES, BOTH_SHOULDERS, Degrees, Landmark
from formcheck.pose.track import Track

Array = NDArray[np.float64]

#: Share of the frames in the posture, each weighted by how level the trunk lies. Over all labelled clips,
#: rendered and real: 0.4 to 0.98 of clips the right way up, at most 0.17 at a wrong turn.
_LIES = 0.3
#: As the picture stands the posture must be taken up this much less than in the turned picture.
_CLEARLY_LESS = 0.25
#: Of a bridge: the higher knee above the hips, and the lower hand no higher than this above the shoulders, in
#: trunk lengths. Upside down a reverse crunch has the knees 0.4 to 0.9 below the hips, and somebody on hands
#: and knees has the hands above the shoulders.
_HANDS_BELOW = 0.5
#: The hips of a bridge rise by at least this (body sizes): 0.18 and more in all labelled ones.
_RISES = 0.08
#: Two opposite turns that fit as well as this are decided by the movement.
_ALIKE = 0.5
#: The knees or the ankles open by at least this (body sizes), and what moves goes along with it
#: (correlation): true clams 0.27 to 0.93, and 0.86 to 1.0 upwards in all whose skeleton holds.
_OPENS = {"bent": 0.20, "straight": 0.50}
_GOES_ALONG = 0.85
#: Frames looked at.
_FRAMES = 1500
_WRISTS = [int(Landmark.LEFT_WRIST), int(Landmark.RIGHT_WRIST)]


@dataclass(frozen=True)
class PictureTurn:
    """How the picture must be turned.

    Attributes:
        rotate: degrees clockwise after which it stands upright.
        sure: False if it seems to lie on its side and it is not clear on which.
    """

    rotate: Degrees
    sure: bool = True


def picture_turn(track: Track, definition: Definition) -> PictureTurn:
    """How the picture of a recording must be turned so that the body lies as the exercise wants it.

    Args:
        track: poses in the picture as it stands.
        definition: the exercise.
    """
    stretches = track.stretches()
    if not stretches:
        return PictureTurn(0)
    frames = max(stretches, key=lambda s: int(s.stop - s.start))
    seen = frames.start + np.flatnonzero(track.person[frames])
    seen = seen[np.linspace(0, len(seen) - 1, min(len(seen), _FRAMES)).astype(int)]
    xy = track.image_xyz[seen][:, :, :2].astype(np.float64)
    world = track.world_xyz[seen].astype(np.float64)
    whole = np.isfinite(world).all(axis=(1, 2))
    if not whole.any():
        return PictureTurn(0)
    xy, world = xy[whole], world[whole]
    module = formulas(definition)
    fits = np.array([_fit(module, turned(world, quarters)) for quarters in range(4)])
    best = int(fits.argmax())
    if fits[best] < _LIES:
        return PictureTurn(0)
    stands = fits[0] >= _CLEARLY_LESS * fits[best]
    opposite = (best + 2) % 4
    if module.KNEES == "bent" and fits[opposite] < _ALIKE * fits[best]:
        lifts = not stands and _hips_rise(turned(xy, best))
        return PictureTurn(_degrees(best) if lifts else 0)
    if stands and 0 not in (best, opposite):
        return PictureTurn(0)
    upward = _upward(module, xy)
    for quarters in (best, opposite):
        # Up in the turned picture: its y falls.
        if upward is not None and -turned(upward, quarters)[1] >= _GOES_ALONG:
            return PictureTurn(_degrees(quarters))
    return PictureTurn(0, sure=bool(stands) or best % 2 == 0)


def turned(points: Array, quarters: int) -> Array:
    """``(..., 2 or 3)`` vectors of a picture turned clockwise by so many quarters (x right, y down)."""
    out = points.copy()
    for _ in range(quarters):
        out[..., 0], out[..., 1] = -out[..., 1], out[..., 0].copy()
    return out


def _degrees(quarters: int) -> Degrees:
    return cast(Degrees, 90 * quarters)


def _fit(module: Formulas, world: Array) -> float:
    """How much of the time, and how level, the body lies in the posture."""
    along = trunk(world)
    length = np.maximum(norm(along), 1e-6)
    level = 1 - np.abs(along[:, 1]) / length
    lies = module.in_posture(world)
    if module.LIES_ON == "back" and module.KNEES == "bent":
        up = height(world)
        lies &= up[:, BOTH_KNEES].max(axis=1) > up[:, BOTH_HIPS].mean(axis=1)
        hand = up[:, _WRISTS].min(axis=1) - up[:, BOTH_SHOULDERS].mean(axis=1)
        lies &= hand < _HANDS_BELOW * length
    return float((lies * level).mean())


def _hips_rise(xy: Array) -> bool:
    """Whether the hips move, and up and down rather than across: a clam seen from the feet does not."""
    moves = xy[:, BOTH_HIPS].mean(axis=1) - xy[:, [*BOTH_SHOULDERS, *BOTH_ANKLES]].mean(axis=1)
    across, upright = np.ptp(np.percentile(moves, [5, 95], axis=0), axis=0)
    return bool(upright > max(_RISES * _size(xy), across))


def _size(xy: Array) -> float:
    """Median body size, pixels."""
    bones = [xy[:, BOTH_SHOULDERS].mean(axis=1) - xy[:, BOTH_HIPS].mean(axis=1)]
    bones += [1.2 * (xy[:, hip] - xy[:, knee]) for hip, knee in zip(BOTH_HIPS, BOTH_KNEES, strict=True)]
    return max(float(np.median(norm(bone))) for bone in bones)


def _upward(module: Formulas, xy: Array) -> Array | None:
    """Where the legs move as they open: correlations with right and down, or None if they do not open."""
    if module.KNEES == "bent":
        opening, still = BOTH_KNEES, [*BOTH_HIPS, *BOTH_ANKLES]
    else:
        opening, still = BOTH_ANKLES, [*BOTH_HIPS, *BOTH_SHOULDERS]
    size = _size(xy)
    apart = norm(xy[:, opening[0]] - xy[:, opening[1]])
    if size <= 0 or np.ptp(np.percentile(apart, [5, 95])) < _OPENS[module.KNEES] * size:
        return None
    moves = xy[:, opening].mean(axis=1) - xy[:, still].mean(axis=1)
    apart, moves = apart - apart.mean(), moves - moves.mean(axis=0)
    spread = norm(apart) * np.maximum(norm(moves.T), 1e-9)
    return np.asarray(apart @ moves / spread)
