"""References found in a recording (spec 6.5): what a live session learns in its set-up dialogue.

For each stretch of a recording: is the body in the exercise's posture, which view is it, which side
works, where is rest, how noisy is it there, and how far does this person's repetition go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formcheck.engine.repetition import peaks
from formcheck.exercises.definition import Definition
from formcheck.measures.geometry import UP, dot, mad_sd, norm, unit
from formcheck.measures.measure import Measurer, formulas, measure, raw_values
from formcheck.measures.reference import Reference
from formcheck.measures.table import MeasureTable, Reason, Status
from formcheck.pose import frame_arrays as arrays
from formcheck.pose.landmarks import Landmark, side_landmark
from formcheck.pose.person import STEADY_DISAGREEMENT
from formcheck.pose.smoothing import running_mean, running_median
from formcheck.pose.track import CUTOFF_HZ, Track, smooth

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: A posture must be held this long in all before anything counts.
_POSTURE_S = 1.0
#: Out of posture for no longer than this is part of the movement (spec 6.2: found again within 5 s).
_POSTURE_GAP_S = 5.0
#: Rest: the low end of the signal, moving less than this (spec 1.4, lengths per second).
_STILL_PER_S = 0.05
_REST_LEVEL = 0.15
_BASELINE_S = 2.0
_REST_S = 0.3
#: So many second readings around a frame tell whether the two agree there (live: so many before it).
_READINGS = 5
#: Jitter is looked at over this long around a frame.
_SHAKE_OVER_S = 0.5
#: Un-foreshortened trunk: divided by the cosine of the yaw up to here (spec 1.5 goes to 50 degrees; beyond
#: it, rendered bodies were nearer the truth so than with the shaky hip line).
_STEEPEST_YAW_DEG = 60.0
#: Trunk in shoulder lines, seen from the foot end (rendered bodies, docs/validation.md).
_TRUNK_PER_SHOULDER_LINE = 2.2


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
    return [
        _prepare(track, frames, definition, side, declared_view, read_share) for frames in track.stretches()
    ]


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
    in_shape = _in_shape(definition, part, world)
    posture = _bridged(part, in_shape)
    step = np.diff(part.time_s, append=part.time_s[-1:])
    enough = step[posture].sum() >= min(_POSTURE_S, 0.6 * (part.time_s[-1] - part.time_s[0]))
    if not enough or posture.sum() < 5:
        return Stretch(frames, xy, world, posture, in_shape, None, None)
    if part.disagreement is not None and np.nanmedian(part.disagreement) > STEADY_DISAGREEMENT:
        note = "Two readings of the skeleton contradict each other, so it was not measured."
        return Stretch(frames, xy, world, posture, in_shape, None, None, (note,))
    rough, warnings = _outline(part, xy, world, posture, definition, side, declared)
    signal = definition.counting.signal
    x = raw_values(definition, xy, world, rough)[signal]
    rest, still = _rest_frames(part.time_s, x, posture)
    first = _before_first_movement(part.time_s, x, rest)
    scaled = _scale(definition, rough, xy, rest, posture)
    reference = _with_rest(definition, scaled, xy, world, rest, first, still)
    table = _measured(part, xy, world, definition, reference)
    table = _with_sd(_doubted(table, contradicted(part)), part, definition, reference, read_share)
    noise = {name: mad_sd(table.column(name)[rest if name == signal else first]) for name in table.names}
    reach = _own_range(part.time_s, table.column(signal), posture, definition, noise.get(signal, 0.0))
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
    )


def _with_sd(
    table: MeasureTable, part: Track, definition: Definition, ref: Reference, read_share: float
) -> MeasureTable:
    """The table with the standard deviation of every value.

    Two parts, added in squares: how much the measure shakes around this frame (unsmoothed against smoothed
    landmarks, so the geometry's own sensitivity is in it), and how far it is off from this view on rendered
    bodies with exact truth, which no look at the clip itself can show.
    """
    raw = Measurer(definition, ref).values(part.image_xyz[:, :, :2], part.world_xyz)
    width = max(int(part.fps * _SHAKE_OVER_S), 3)
    # The filter takes most of the shake away: what is left is its share of the band. (Interpolated frames
    # shake as their neighbours do, and widen no band.)
    left = min(2 * CUTOFF_HZ / max(part.fps * read_share, 1.0), 1.0)
    for i, name in enumerate(table.names):
        shake = np.nan_to_num(raw[:, i] - table.value[:, i]) ** 2
        jitter = running_mean(shake, width) * left
        error = definition.measures[name].error.get(ref.view, 0.0)
        raw[:, i] = np.sqrt(np.maximum(jitter, 0.0) + error**2)
    return table.with_sd(raw)


def contradicted(part: Track) -> Mask:
    """``(T,)`` True where the direct and the mirrored reading contradict each other for a while.

    Limbs swapped, or taken for others, in a part of the clip only. Their mean is then as wrong as either
    (docs/lab_notes.md, "Two readings").
    """
    out = np.zeros(len(part), bool)
    if part.disagreement is None:
        return out
    twice = np.isfinite(part.disagreement)
    if twice.sum() < 3:
        return out
    around = running_median(part.disagreement[twice], _READINGS)
    out[part.person] = np.interp(part.time_s, part.time_s[twice], around)[part.person] > STEADY_DISAGREEMENT
    return out


def _doubted(table: MeasureTable, where: Mask) -> MeasureTable:
    """The table with every value in these frames at most of low trust."""
    hit = where[:, None] & (table.status == Status.OK)
    status, reason = table.status.copy(), table.reason.copy()
    status[hit], reason[hit] = Status.LOW, Reason.NOISE
    return replace(table, status=status, reason=reason)


def _in_shape(definition: Definition, part: Track, world: NDArray[np.float32]) -> Mask:
    rule = formulas(definition).in_posture
    posture = np.zeros(len(part), bool)
    seen = part.person.copy()
    for piece in arrays.pieces(len(part)):
        seen[piece] &= np.isfinite(world[piece]).all(axis=(1, 2))
        posture[piece][seen[piece]] = rule(world[piece][seen[piece]].astype(np.float64))
    # A single odd frame neither makes nor breaks a posture: majority over half a second.
    width = max(int(part.fps / 2) | 1, 3)
    return np.asarray(running_mean(posture, width) > 0.5) & seen


def _bridged(part: Track, in_shape: Mask) -> Mask:
    posture = in_shape.copy()
    # The movement itself turns the body about: a posture is left only when it stays away.
    inside = np.flatnonzero(posture)
    for i in np.flatnonzero(np.diff(inside) > 1):
        a, b = inside[i], inside[i + 1]
        if part.time_s[b] - part.time_s[a] <= _POSTURE_GAP_S:
            posture[a:b] = True
    return np.asarray(posture & part.person)


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
        side=side,
        near=near,
        along=along,
        normal=UP.copy(),
        back_x=module.back_x(w, p, along, name),
        trunk_px=1.0,
        length_px=1.0,
        hip_line_px=1.0,
        right_x=float(np.sign(np.median(p[:, Landmark.RIGHT_ANKLE, 0] - p[:, Landmark.LEFT_ANKLE, 0])))
        or 1.0,
        shank_sign=module.shank_sign(w, side) if side is not None else 1.0,
    )
    return _scale(definition, ref, xy, posture, posture), warnings


def _scale(
    definition: Definition, ref: Reference, xy: NDArray[np.float32], rest: Mask, posture: Mask
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
    elif ref.view == "feet" and formulas(definition).LIES_ON == "side":
        # The shoulders lie above each other across the line of sight and keep their length.
        shoulder_line = apart(at(Landmark.LEFT_SHOULDER), at(Landmark.RIGHT_SHOULDER))
        full = _TRUNK_PER_SHOULDER_LINE * shoulder_line
    else:
        full = trunk / np.cos(np.radians(min(abs(ref.yaw_deg), _STEEPEST_YAW_DEG)))
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
    """Frames at rest: the still stretches at the low end of the signal, or else its lowest tenth."""
    usable = posture & np.isfinite(x)
    low, high = np.percentile(x[usable], [10, 97])
    speed = np.abs(np.gradient(x, time_s)) if len(x) > 2 else np.zeros_like(x)
    at_bottom = usable & (x < low + _REST_LEVEL * (high - low) + 1e-9)
    still = at_bottom & (speed < max(_STILL_PER_S, 0.15 * (high - low)))
    step = np.diff(time_s, append=time_s[-1:])
    if step[still].sum() >= _REST_S:
        return still, True
    return usable & (x <= low), False


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
    outline, _ = _outline(part, xy, world, rest, definition, side, None)
    scaled = _scale(definition, outline, xy, rest, rest)
    reference = _with_rest(definition, scaled, xy, world, rest, rest, still=True)
    table = _measured(part, xy, world, definition, reference)
    noise = {name: mad_sd(table.column(name)[rest]) for name in table.names}
    return replace(reference, noise_sd={k: v for k, v in noise.items() if np.isfinite(v)})
