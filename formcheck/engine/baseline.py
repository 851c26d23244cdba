"""References found in a recording (spec 6.5): what a live session learns in its set-up dialogue.

For each stretch of a recording: is the body in the exercise's posture, which view is it, which side
works, where is rest, how noisy is it there, and how far does this person's repetition go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from formcheck.engine.repetition import peaks
from formcheck.exercises.definition import Definition
from formcheck.measures.error import bearable_error, error_factor, knows_what_it_sees
from formcheck.measures.geometry import UP, dot, mad_sd, norm, unit
from formcheck.measures.measure import Measurer, formulas, measure, raw_values
from formcheck.measures.reference import Reference
from formcheck.measures.table import MeasureTable, Reason, Status, true_runs
from formcheck.measures.view import has_fingers, trunk
from formcheck.pose import frame_arrays as arrays
from formcheck.pose.landmarks import (
    BOTH_ANKLES,
    BOTH_HIPS,
    BOTH_KNEES,
    BOTH_SHOULDERS,
    Landmark,
    side_landmark,
)
from formcheck.pose.lying_reading import Lying
from formcheck.pose.person import CORE, PITCHES_DEG, STEADY_DISAGREEMENT, levelled, px_per_metre
from formcheck.pose.smoothing import running_mean, running_median
from formcheck.pose.track import CUTOFF_HZ, Track, body_sizes_px, smooth

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: A posture must be held this long in all before anything counts.
_POSTURE_S = 1.0
#: Shoulders further from where they lay than this share of the body's size have left the posture [D].
_STAYS = 0.35
_LOST_S = 0.3
#: Rest: the low end of the signal, moving less than this (spec 1.4, lengths per second).
_STILL_PER_S = 0.05
_REST_LEVEL = 0.15
_BASELINE_S = 2.0
_REST_S = 0.3
#: So many readings of the network for people who lie tell its resting value.
_READ_FRAMES = 3
#: The network for people who lie tells the counting signal where one of its stretches holds this share of the
#: frames [D].
_READ_SHARE = 0.6
#: So many second readings around a frame tell whether the two agree there (live: so many before it).
_READINGS = 5
#: A posture seen so often needs no other pitch of the camera; another one has to show it clearly more.
_ALWAYS = 0.95
_CLEARLY_MORE = 0.1
#: and the trunk is this near the floor in a fifth of it [D]: a standing body turned by 40 degrees is at 50.
_TRUNK_DOWN_DEG = 35.0
#: Frames that can be believed, in all, to learn view, rest and range from [D].
_BELIEVED_S = 1.0
#: The ends of a signal are the outer shares of its range. One is not known where the signal is there for so
#: large a share of the time, and so small a share of these frames can be believed [D].
_END = 0.25
_DWELLS = 0.2
_HARDLY_ANY = 0.15
#: So long after the person was lost the skeleton settles on the body again [D].
_SETTLES_S = 0.4
#: and no longer than it is gone where no point of it came back further away than this, body sizes [D].
_SAME_PLACE = 0.1
#: Rest is found elsewhere where it lasts so long, at less than so large a share of the range, with flanks of
#: so large a share beside it, and only taken up where it lies so far off [D].
_RESTS_S = 0.4
_ELSEWHERE = 0.5
_FLANK = 0.35
_SHIFTED = 0.08
#: At a cut to a nearer or a farther picture all bones become longer or shorter by this much at once
#: (logarithm), in the middle of so many frames before and after it too [D].
_CUT = float(np.log(1.4))
_CUT_FRAMES = 8
#: Jitter is looked at over this long around a frame.
_SHAKE_OVER_S = 0.5


@dataclass(frozen=True)
class Stretch:
    """One stretch of a recording, ready for the tracker.

    Attributes:
        frames: which frames of the recording.
        xy: ``(T, 33, 2)`` smoothed landmarks, pixels.
        world: ``(T, 33, 3)`` smoothed, metres.
        posture: ``(T,)`` True where the body is in the exercise's posture, short breaks bridged.
        in_shape: ``(T,)`` the same, breaks not bridged.
        reference: or None where the posture is never taken up.
        measures: table of the stretch, or None.
        warnings: plain sentences.
    """

    frames: slice
    xy: NDArray[np.float32]
    world: NDArray[np.float32]
    posture: Mask
    in_shape: Mask
    reference: Reference | None
    measures: MeasureTable | None
    warnings: tuple[str, ...] = ()


def prepare(
    track: Track,
    definition: Definition,
    side: str | None = None,
    declared_view: str | None = None,
    read_share: float = 1.0,
) -> list[Stretch]:
    """All stretches of a recording with their references.

    Args:
        track: poses of the whole recording.
        definition: the exercise.
        side: working side if the user named it.
        declared_view: view name if the user named it; else it is recognised.
        read_share: share of the frames that the model read; the others were interpolated.
    """
    return [_prepare(track, frames, definition, side, declared_view, read_share) for frames in _shots(track)]


def _shots(track: Track) -> list[slice]:
    """The stretches of a recording, split where it is cut to a nearer or a farther picture.

    The body may lie there where it lay, and no point of it moves further than one as large as the nearer body
    may; but nobody's trunk, thighs and shanks become longer all at once.
    """
    shots: list[slice] = []
    for frames in track.stretches():
        seen = frames.start + np.flatnonzero(track.person[frames])
        edges = [frames.start, *seen[_cuts(track, seen)].tolist(), frames.stop]
        shots += [slice(a, b) for a, b in pairwise(edges)]
    return shots


def _cuts(track: Track, seen: NDArray[np.intp]) -> list[int]:
    """Places in `seen`, frames with a person, from which on the picture is a nearer or a farther one."""
    length = np.empty((len(seen), 5), np.float32)
    for piece in arrays.pieces(len(seen)):
        length[piece] = _bones(track.image_xyz[seen[piece]])
    # Over two frames: the model may not have read the one between, which then is half as near.
    nearer = length[2:] - length[:-2]
    sudden = 2 + np.flatnonzero((nearer > _CUT).all(axis=1) | (nearer < -_CUT).all(axis=1))
    cuts: list[int] = []
    for at in sudden.tolist():
        if cuts and at - cuts[-1] < _CUT_FRAMES:
            continue
        around = length[max(at - _CUT_FRAMES, 0) : at], length[at : at + _CUT_FRAMES]
        before, after = (np.median(some, axis=0) for some in around)
        if (after - before > _CUT).all() or (after - before < -_CUT).all():
            cuts.append(at)
    return cuts


def _bones(image_xyz: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(T, 5)`` logarithms of the lengths of trunk, thighs and shanks in the picture."""
    shoulders, hips, knees, ankles = (
        image_xyz[:, part, :2] for part in (BOTH_SHOULDERS, BOTH_HIPS, BOTH_KNEES, BOTH_ANKLES)
    )
    bones = (
        shoulders.mean(axis=1, keepdims=True) - hips.mean(axis=1, keepdims=True),
        hips - knees,
        knees - ankles,
    )
    return np.log(np.maximum(np.linalg.norm(np.concatenate(bones, axis=1), axis=2), 1.0))


def _prepare(
    track: Track,
    frames: slice,
    definition: Definition,
    side: str | None,
    declared: str | None,
    read_share: float,
) -> Stretch:
    part = track.part(frames)
    xy, world = smooth(part)
    world, in_shape = _levelled(definition, part, world)
    posture = _bridged(part, xy, in_shape)
    step = np.diff(part.time_s, append=part.time_s[-1:])
    enough = step[posture].sum() >= min(_POSTURE_S, 0.6 * (part.time_s[-1] - part.time_s[0]))
    if not enough or posture.sum() < 5:
        return Stretch(frames, xy, world, posture, in_shape, None, None)
    apart = readings_apart(part)
    # Where the readings contradict each other, limbs are swapped or taken for others: their mean is as wrong
    # as either (docs/lab_notes.md, "Two readings").
    settling = _settling(part)
    doubtful = np.asarray(apart > STEADY_DISAGREEMENT) | settling
    # Nothing is learned from doubtful frames: neither the view, nor where rest is, nor how far a person goes.
    believed = posture & ~doubtful
    if step[believed].sum() < _BELIEVED_S:
        note = (
            f"From {part.time_s[0]:.0f} to {part.time_s[-1]:.0f} s two readings of the skeleton contradict "
            "each other, so nothing was measured; put the camera higher or more to the side."
        )
        return Stretch(frames, xy, world, posture, in_shape, None, None, (note,))
    rough, warnings = _outline(part, xy, world, believed, definition, side, declared)
    signal = definition.counting.signal
    x = raw_values(definition, xy, world, rough)[signal]
    read = _signal_read(part, definition, rough.view, believed)
    if read is not None:
        x = read
    if not np.isfinite(x[believed]).any():
        # In the posture, but never as the exercise is done: a leg that is bent throughout, say.
        return Stretch(frames, xy, world, posture, in_shape, None, None)
    if _one_end_only(x, posture, believed):
        # The readings part with the movement itself. To learn from one end of it would be worse than from
        # both; all that rests on the doubtful frames stays doubtful.
        believed = posture & ~settling
    rest, still = _rest_frames(part.time_s, x, believed)
    first = _before_first_movement(part.time_s, x, rest)
    scaled = _scale(rough, xy, world, rest, believed)
    reference = _with_rest(definition, scaled, xy, world, rest, first, still)
    if read is not None or _signal_reading(definition, rough.view) is None:
        reference = replace(reference, turned=_turned_at_rest(part, rest, first))
    table = _measured(part, xy, world, definition, reference)
    noise = {name: mad_sd(table.column(name)[rest if name == signal else first]) for name in table.names}
    table = _with_sd(table, part, definition, reference, read_share, apart, {} if still else noise)
    table = _doubted(table, definition, doubtful)
    height = table.value[:, table.names.index(signal)]
    reach = _own_range(part.time_s, height, believed, definition, noise.get(signal, 0.0))
    level = np.zeros(len(height))
    if definition.counting.rest_moves:
        level = _rest_level(part.time_s, height, believed, reach)
    if level.any():
        height -= level
        reach = _own_range(part.time_s, height, believed, definition, noise.get(signal, 0.0))
    reference = replace(reference, noise_sd={k: v for k, v in noise.items() if np.isfinite(v)}, range=reach)
    return Stretch(frames, xy, world, posture, in_shape, reference, table, tuple(warnings))


def _measured(
    part: Track, xy: NDArray[np.float32], world: NDArray[np.float32], definition: Definition, ref: Reference
) -> MeasureTable:
    """Measures of a part of a recording, from these landmarks of it."""
    return measure(
        definition,
        ref,
        time_s=part.time_s,
        xy=xy,
        world=world,
        visibility=part.visibility,
        person=part.person,
        image_wh=part.image_wh,
        lying=part.lying,
    )


def _signal_reading(definition: Definition, view: str) -> Lying | None:
    """Which reading of the network for people who lie is the counting signal from a view; None: none is."""
    lying = definition.measures[definition.counting.signal].by_network(view)
    return None if lying is None or view in lying.share else Lying[lying.reading.upper()]


def _signal_read(part: Track, definition: Definition, view: str, believed: Mask) -> Array | None:
    """``(T,)`` the counting signal as the network for people who lie reads it, degrees; NaN where it did not.
    None where the landmarks tell it, or no one of the network's stretches holds most of the recording."""
    reading, rows = _signal_reading(definition, view), part.lying
    if reading is None or rows is None:
        return None
    stretch = np.where(knows_what_it_sees(reading, rows), rows[:, Lying.STRETCH], np.nan)
    numbers, counts = np.unique(stretch[believed & np.isfinite(stretch)], return_counts=True)
    if counts.max(initial=0) < _READ_SHARE * np.count_nonzero(believed):
        return None
    return np.where(stretch == numbers[counts.argmax()], rows[:, reading], np.nan).astype(np.float64)


def _turned_at_rest(part: Track, rest: Mask, first: Mask) -> dict[int, tuple[float, float, float]]:
    """`Reference.turned`: of each stretch of the network's readings, from frames before the first movement
    or, without any, from all its frames at rest."""
    if part.lying is None:
        return {}
    stretch, turned = part.lying[:, Lying.STRETCH], part.lying[:, Lying.ROLL : Lying.CHEST + 1]
    out: dict[int, tuple[float, float, float]] = {}
    for number in np.unique(stretch[(rest | first) & np.isfinite(stretch)]):
        here = stretch == number
        some = here & first if np.count_nonzero(here & first) >= _READ_FRAMES else here & rest
        if np.count_nonzero(some) >= _READ_FRAMES:
            roll, opening, chest = np.median(turned[some], axis=0).tolist()
            out[int(number)] = roll, opening, chest
    return out


def _with_sd(
    table: MeasureTable,
    part: Track,
    definition: Definition,
    ref: Reference,
    read_share: float,
    apart: Array,
    restless: dict[str, float],
) -> MeasureTable:
    """The table with the standard deviation of every value.

    Two parts, added in squares: how much the measure shakes around this frame (unsmoothed against smoothed
    landmarks, so the geometry's own sensitivity is in it), and how far it is off from this view on rendered
    bodies with exact truth, which no look at the clip itself can show; more where the two readings differ.
    Where nobody lay still (`restless`: the scatter of each measure at rest), rest is only known to that.
    """
    measurer = Measurer(definition, ref)
    raw = measurer.values(part.image_xyz[:, :, :2], part.world_xyz, part.lying)
    read, mean = measurer.read_sd(part.lying), measurer.mean_error(part.lying)
    width = max(int(part.fps * _SHAKE_OVER_S), 3)
    # The filter takes most of the shake away: what is left is its share of the band. (Interpolated frames
    # shake as their neighbours do, and widen no band.)
    left = min(2 * CUTOFF_HZ / max(part.fps * read_share, 1.0), 1.0)
    factor = error_factor(apart)
    for i, name in enumerate(table.names):
        shake = np.nan_to_num(raw[:, i] - table.value[:, i]) ** 2
        jitter = running_mean(shake, width) * left
        usual = mean.get(i, definition.measures[name].error.get(ref.view, 0.0))
        error = read.get(i, usual * factor)
        unsettled = float(np.nan_to_num(restless.get(name, 0.0)))
        raw[:, i] = np.sqrt(np.maximum(jitter, 0.0) + error**2 + unsettled**2)
    return table.with_sd(raw)


def readings_apart(part: Track) -> Array:
    """``(T,)`` how far the direct and the mirrored reading lie apart around each frame, body sizes; NaN where
    there are no second readings or nobody was seen."""
    out = np.full(len(part), np.nan)
    if part.disagreement is None:
        return out
    twice = np.isfinite(part.disagreement)
    if twice.sum() < 3:
        return out
    around = running_median(part.disagreement[twice], _READINGS)
    out[part.person] = np.interp(part.time_s, part.time_s[twice], around)[part.person]
    return out


def _settling(part: Track) -> Mask:
    """``(T,)`` True shortly before and after the person was missing or a skeleton was thrown away.

    The region that the model looks at is then still on its way to the body, but where the skeleton is back at
    once and lies where it lay.
    """
    gone = ~part.person | part.rejected
    for run in true_runs(gone):
        if run.start > 0 and run.stop < len(part):
            gone[run] = not _back_at_once(part, run.start - 1, run.stop)
    lost = np.flatnonzero(gone)
    if lost.size == 0:
        return np.zeros(len(part), bool)
    at = np.searchsorted(lost, np.arange(len(part)))
    since = part.time_s - part.time_s[lost[np.maximum(at - 1, 0)]]
    until = part.time_s[lost[np.minimum(at, len(lost) - 1)]] - part.time_s
    return np.asarray(((since >= 0) & (since < _SETTLES_S)) | ((until >= 0) & (until < _SETTLES_S / 2)))


def _back_at_once(part: Track, before: int, after: int) -> bool:
    """Whether the body that was lost between two frames was hardly gone and lies where it lay."""
    if part.time_s[after] - part.time_s[before] > _LOST_S:
        return False
    two = part.image_xyz[[before, after]]
    moved = norm(np.diff(two[:, CORE, :2], axis=0)[0])
    return bool(moved.max() <= _SAME_PLACE * body_sizes_px(two).max())


def _doubted(table: MeasureTable, definition: Definition, doubtful: Mask) -> MeasureTable:
    """The table with every value of low trust whose error is larger than its faults can bear, and with those
    that no fault is held against where the skeleton itself is doubtful."""
    assert table.sd is not None
    bearable = np.array([bearable_error(definition, name) for name in table.names])
    beyond = (table.sd > bearable) | (doubtful[:, None] & ~np.isfinite(bearable))
    hit = beyond & (table.status == Status.OK)
    status, reason = table.status.copy(), table.reason.copy()
    status[hit], reason[hit] = Status.LOW, Reason.NOISE
    # As good as its view allows is only what the readings agree on.
    reason[doubtful[:, None] & (status == Status.LOW) & (reason == Reason.VIEW)] = Reason.NOISE
    return replace(table, status=status, reason=reason)


def _levelled(
    definition: Definition, part: Track, world: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Mask]:
    """World landmarks as a level camera would give them, and the frames in which the posture is recognised.

    Nobody says how far the camera looks down; where the body makes the exercise's posture most often is down.
    """
    best, where = world, _in_shape(definition, part, world)
    for pitch_deg in PITCHES_DEG[1:]:
        if where.mean() > _ALWAYS:
            break
        turned = levelled(world, pitch_deg)
        found = _in_shape(definition, part, turned)
        if found.mean() > where.mean() + _CLEARLY_MORE and _lies(turned[found]):
            best, where = turned, found
    return best, where


def _lies(world: NDArray[np.float32]) -> bool:
    """True where the trunk is down, but for movements: a standing body turned so far back is not lying."""
    along = trunk(world.astype(np.float64))
    slope_deg = np.degrees(np.arcsin(np.abs(along[:, 1]) / np.maximum(norm(along), 1e-9)))
    return bool(np.percentile(slope_deg, 20) < _TRUNK_DOWN_DEG)


def _in_shape(definition: Definition, part: Track, world: NDArray[np.float32]) -> Mask:
    rule = formulas(definition).in_posture
    posture = np.zeros(len(part), bool)
    seen = part.person.copy()
    for piece in arrays.pieces(len(part)):
        seen[piece] &= np.isfinite(world[piece]).all(axis=(1, 2))
        here = seen[piece]
        read = None if part.lying is None else part.lying[piece][here].astype(np.float64)
        posture[piece][here] = rule(world[piece][here].astype(np.float64), read)
    # A single odd frame neither makes nor breaks a posture: majority over half a second.
    width = max(int(part.fps / 2) | 1, 3)
    return np.asarray(running_mean(posture, width) > 0.5) & seen


def _bridged(part: Track, xy: NDArray[np.float32], in_shape: Mask) -> Mask:
    """``(T,)`` True from where the posture was recognised for as long as the shoulders lie where they lay.

    The movement itself turns the body about and the model's depth wavers, so that the posture is often not
    recognised in the middle of it; but nobody gets up without the shoulders leaving their place.
    """
    inside = np.flatnonzero(in_shape)
    if inside.size == 0:
        return in_shape & part.person
    shoulders = np.asarray(xy[:, list(BOTH_SHOULDERS)].mean(axis=1), np.float64)
    size = float(np.median(body_sizes_px(part.image_xyz[inside])))
    # The nearest frames in which it was recognised, before and after, say where the shoulders lay.
    after = np.minimum(np.searchsorted(inside, np.arange(len(part))), len(inside) - 1)
    before = np.maximum(after - 1, 0)
    # Who was lost may be elsewhere, or in another picture, when somebody is seen again: then both count.
    seen_again = np.diff(part.person, prepend=False) & part.person
    seen_again |= np.diff(part.time_s, prepend=part.time_s[0]) > _LOST_S
    run = np.cumsum(seen_again)
    there = [
        norm(shoulders - shoulders[nearest]) <= _STAYS * size for nearest in (inside[before], inside[after])
    ]
    same = [run == run[nearest] for nearest in (inside[before], inside[after])]
    stays = (there[0] & same[0]) | (there[1] & same[1]) | (there[0] & there[1])
    return np.asarray((stays | in_shape) & part.person)


def _outline(
    part: Track,
    xy: NDArray[np.float32],
    world: NDArray[np.float32],
    posture: Mask,
    definition: Definition,
    side: str | None,
    declared: str | None,
) -> tuple[Reference, list[str]]:
    """View, sides and directions from the frames in posture."""
    warnings: list[str] = []
    w, p = (arrays.Rows(points, posture, np.float64) for points in (world, xy))
    module = formulas(definition)
    on_side = module.LIES_ON == "side"
    seen = module.seen_from(w, p)
    name = seen.name
    if declared is not None and declared != seen.name:
        warnings.append(
            f"The view was given as {declared}, but the picture looks like {seen.name}; "
            f"measures follow the view that was given."
        )
        name = declared
    left_nearer = float(np.median(w[:, Landmark.LEFT_HIP, 2] - w[:, Landmark.RIGHT_HIP, 2])) < 0
    near = "left" if left_nearer else "right"
    if on_side:
        higher = np.median(
            (p[:, Landmark.LEFT_HIP, 1] - p[:, Landmark.RIGHT_HIP, 1])
            + (p[:, Landmark.LEFT_SHOULDER, 1] - p[:, Landmark.RIGHT_SHOULDER, 1])
        )
        top = "left" if higher < 0 else "right"
        if side is not None and side != top:
            warnings.append(f"The working side was given as {side}, but the {top} leg lies on top.")
        side = side or top
        near = side
    elif definition.has_side and side is None:
        side = module.working_side(w, near)
    hips = np.median((p[:, Landmark.LEFT_HIP] + p[:, Landmark.RIGHT_HIP]) / 2, axis=0)
    shoulders = np.median((p[:, Landmark.LEFT_SHOULDER] + p[:, Landmark.RIGHT_SHOULDER]) / 2, axis=0)
    along = unit(hips - shoulders)
    ref = Reference(
        start_s=float(part.time_s[0]),
        end_s=float(part.time_s[-1]),
        view=name,
        yaw_deg=seen.yaw_deg,
        elevation_deg=seen.elevation_deg,
        side=side,
        near=near,
        along=along,
        normal=UP.copy(),
        back_x=module.back_x(w, p, along, name),
        own_joints=not has_fingers(p),
        trunk_px=1.0,
        length_px=1.0,
        hip_line_px=1.0,
        right_x=float(np.sign(np.median(p[:, Landmark.RIGHT_ANKLE, 0] - p[:, Landmark.LEFT_ANKLE, 0])))
        or 1.0,
        shank_sign=module.shank_sign(w, side) if side is not None else 1.0,
    )
    return _scale(ref, xy, world, posture, posture), warnings


def _scale(
    ref: Reference, xy: NDArray[np.float32], world: NDArray[np.float32], rest: Mask, posture: Mask
) -> Reference:
    """Lengths and directions at rest; bones over all frames in posture (their true length is constant)."""

    def at(landmark: Landmark, frames: Mask = rest) -> Array:
        return arrays.Rows(xy, frames, np.float64)[:, landmark]

    def apart(a: Array, b: Array) -> float:
        return float(np.median(norm(a - b)))

    near = ref.near
    shoulder, heel = (np.median(at(side_landmark(near, part)), axis=0) for part in ("shoulder", "heel"))
    mid_sh = (at(Landmark.LEFT_SHOULDER) + at(Landmark.RIGHT_SHOULDER)) / 2
    mid_hip = (at(Landmark.LEFT_HIP) + at(Landmark.RIGHT_HIP)) / 2
    trunk = apart(mid_sh, mid_hip)
    hip_line = apart(at(Landmark.LEFT_HIP), at(Landmark.RIGHT_HIP))
    if ref.view in ("front", "side"):
        full = trunk
    else:  # foreshortened: its length in space, at the scale at which the whole body is seen
        points, space = (arrays.Rows(a, rest, np.float64)[:, :] for a in (xy, world))
        in_space = norm(space[:, BOTH_SHOULDERS].mean(axis=1) - space[:, BOTH_HIPS].mean(axis=1))
        full = float(np.median(in_space) * np.median(px_per_metre(points, space)))
    along, normal = ref.along, ref.normal
    if ref.view == "side":
        # Both ends of the floor line lie on the floor (M-B4).
        along = unit(heel - shoulder)
        normal = np.array([along[1], -along[0]])
        normal = normal if float(dot(normal, UP)) > 0 else -normal

    def bone(a: str, b: str, side: str = near) -> float:
        return apart(at(side_landmark(side, a), posture), at(side_landmark(side, b), posture))

    bones = {"trunk": bone("shoulder", "hip"), "thigh": bone("hip", "knee"), "shank": bone("knee", "ankle")}
    bones["longer_shank"] = max(bone("knee", "ankle", side) for side in ("left", "right"))
    return replace(
        ref,
        along=along,
        normal=normal,
        trunk_px=max(trunk, 1.0),
        length_px=max(float(full), 1.0),
        hip_line_px=max(hip_line, 1.0),
        bones_px=bones,
    )


def _rest_frames(time_s: Array, x: Array, posture: Mask) -> tuple[Mask, bool]:
    """Frames at rest, and whether they are still ones: still times at the low end of the signal, or else the
    lowest moments between the movements of a clip that was trimmed."""
    usable = posture & np.isfinite(x)
    low, high = np.percentile(x[usable], [10, 97])
    speed = np.abs(np.gradient(x, time_s)) if len(x) > 2 else np.zeros_like(x)
    at_bottom = usable & (x < low + _REST_LEVEL * (high - low) + 1e-9)
    still = at_bottom & (speed < max(_STILL_PER_S, 0.15 * (high - low)))
    step = np.diff(time_s, append=time_s[-1:])
    if step[still].sum() >= _REST_S:
        return still, True
    return usable & (x <= low), False


def _one_end_only(x: Array, posture: Mask, believed: Mask) -> bool:
    """True where hardly any believed frame shows the low or the high end of a signal that dwells there.

    Args:
        x: ``(T,)`` the counting signal.
        posture: frames in which the body is in the exercise's posture.
        believed: those of them that are not doubtful.
    """
    known = posture & np.isfinite(x)
    low, high = np.percentile(x[known], [5, 95])
    quarter = _END * (high - low)
    ends = (known & (x <= low + quarter), known & (x >= high - quarter))
    return any(
        np.count_nonzero(end) >= _DWELLS * np.count_nonzero(known)
        and np.count_nonzero(end & believed) < _HARDLY_ANY * np.count_nonzero(end)
        for end in ends
    )


def _before_first_movement(time_s: Array, x: Array, rest: Mask) -> Mask:
    """The last `_BASELINE_S` of rest before the first repetition, or all rest if there is too little.

    Baselines are taken before the set (spec 1.4): a knee that slides up at the third repetition and stays
    there must not become the new normal.
    """
    low = np.median(x[rest])
    high = np.nanpercentile(x, 97)
    moving = np.flatnonzero(x > low + 0.5 * (high - low))
    if moving.size == 0:
        return rest
    before = np.flatnonzero(rest[: moving[0]])
    step = np.diff(time_s, append=time_s[-1:])
    held = np.cumsum(step[before][::-1])[::-1]
    chosen = before[held <= _BASELINE_S]
    if step[chosen].sum() < _REST_S:
        return rest
    mask = np.zeros(len(rest), bool)
    mask[chosen] = True
    return mask


def _with_rest(
    definition: Definition,
    ref: Reference,
    xy: NDArray[np.float32],
    world: NDArray[np.float32],
    rest: Mask,
    first: Mask,
    still: bool,
) -> Reference:
    """The reference with the resting value of every measure.

    The counting signal rests where it rests over the whole stretch (else a shifted body would never close
    a repetition); every other measure is compared with the start.
    """
    signal = definition.counting.signal

    some = rest | first
    at_rest, at_first = rest[some], first[some]

    def resting(ref: Reference) -> dict[str, float]:
        raw = raw_values(definition, xy, world, ref, some)
        at = {name: v[at_rest if name == signal else at_first] for name, v in raw.items()}
        return {name: float(np.nanmedian(v)) for name, v in at.items() if np.isfinite(v).any()}

    ref = replace(ref, rest=resting(ref), still=still)
    # The opening of a clam is worked out from the lift since rest, so it needs that first.
    return replace(ref, rest=resting(ref))


def _rest_level(time_s: Array, x: Array, believed: Mask, reach: float) -> Array:
    """``(T,)`` level of rest over time: 0, but where the person rests elsewhere for a while.

    People move up the mat between repetitions, and cameras zoom. A rest is a still time that nothing lower
    adjoins: from there the signal has to go up before it goes down.

    Args:
        time_s, x: ``(T,)`` the counting signal, 0 at rest.
        believed: ``(T,)`` frames to learn from.
        reach: the own range; NaN leaves everything as it is.
    """
    level = np.zeros(len(x))
    known = believed & np.isfinite(x)
    if not reach > 0 or known.sum() < 5:
        return level
    filled = np.interp(time_s, time_s[known], x[known])
    calm = running_mean(filled, max(round(_RESTS_S / 2 / float(np.median(np.diff(time_s)))), 1))
    still = (
        known
        & (np.abs(np.gradient(calm, time_s)) < _REST_LEVEL * reach)
        & (np.abs(filled) < _ELSEWHERE * reach)
    )
    at: list[float] = []
    rests: list[float] = []
    for run in true_runs(still):
        first, after = run.start, run.stop
        if time_s[after - 1] - time_s[first] < _RESTS_S:
            continue
        here = float(np.median(filled[first:after]))
        up = filled > here + _FLANK * reach
        left = np.flatnonzero(up[:first])
        right = np.flatnonzero(up[after:])
        around = filled[left[-1] if left.size else 0 : after + right[0] if right.size else None]
        if around.min() > here - _FLANK / 3 * reach:
            at += [float(time_s[first]), float(time_s[after - 1])]
            rests += [here, here]
    if rests and max(map(abs, rests)) > _SHIFTED * reach:
        level = np.interp(time_s, at, rests)
    return level


def _own_range(time_s: Array, x: Array, posture: Mask, definition: Definition, sd: float) -> float:
    """x_cal: the median peak of the recording's own repetitions, NaN where nothing moves enough."""
    least = max(definition.counting.minimum_range, definition.counting.minimum_range_sd * (sd or 0.0))
    usable = posture & np.isfinite(x)
    if usable.sum() < 5:
        return float("nan")
    filled = np.interp(time_s, time_s[usable], x[usable])
    # Ends count as peaks too: a clip may begin or end at the top.
    padded = np.concatenate([[0.0], filled, [0.0]])
    heights = padded[peaks(padded, 0.6 * least)]
    heights = heights[heights >= least]
    if heights.size == 0:
        return float("nan")
    # Small repetitions and wobbles must not pull the range down.
    main = heights[heights >= 0.5 * np.percentile(heights, 90)]
    return float(np.median(main))


def reference_at_rest(
    part: Track,
    xy: NDArray[np.float32],
    world: NDArray[np.float32],
    definition: Definition,
    side: str | None = None,
) -> Reference:
    """The reference of a body that lies still in the start position in all of these frames (spec 1.4, live).

    Its `range` is not known yet (NaN).

    Args:
        part: two seconds or so of poses.
        xy, world: the same, filtered.
        definition, side: see `prepare`.
    """
    rest = np.asarray(part.person, bool)
    world, _ = _levelled(definition, part, world)
    outline, _ = _outline(part, xy, world, rest, definition, side, None)
    scaled = _scale(outline, xy, world, rest, rest)
    reference = _with_rest(definition, scaled, xy, world, rest, rest, still=True)
    reference = replace(reference, turned=_turned_at_rest(part, rest, rest))
    table = _measured(part, xy, world, definition, reference)
    noise = {name: mad_sd(table.column(name)[rest]) for name in table.names}
    return replace(reference, noise_sd={k: v for k, v in noise.items() if np.isfinite(v)})
