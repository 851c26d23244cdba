"""`Track`: one person's poses over a whole recording, as arrays, and their zero-phase smoothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formcheck.pose import frame_arrays as arrays
from formcheck.pose.landmarks import LANDMARK_COUNT, PoseResult
from formcheck.pose.lying_reading import LYING_COUNT
from formcheck.pose.person import (
    CORE,
    JUMP_TRUNKS,
    JUMPED_LANDMARKS,
    count_jumped,
    reading_distance,
)
from formcheck.pose.smoothing import running_median, zero_phase

#: Zero-phase Butterworth for recordings: 4th order, 6 Hz (spec 1.3).
CUTOFF_HZ = 6.0
#: Gaps up to this long are bridged inside the filter (and still reported as gaps).
_BRIDGE_S = 0.3
#: No camera is faster; such times are of a damaged file, and the filter has no solution for them.
_HIGHEST_FPS = 10_000.0
#: Somebody missing for longer than this may have moved, or it is another shot.
_GAP_S = 2.0
#: A jump is no cut while half of the landmarks lie within so many trunk lengths of where they lay, in the
#: middle of so many frames before and after it.
_STAYS_TRUNKS = 0.2
_JUMP_FRAMES = 8
#: Landmarks of all frames together that are filtered at the same time.
_AT_ONCE = 300_000


@dataclass(frozen=True)
class Track:
    """Poses of T frames.

    Attributes:
        time_s: ``(T,)`` seconds.
        person: ``(T,)`` bool.
        rejected: ``(T,)`` bool, a skeleton was thrown away.
        people_seen: ``(T,)`` int32.
        image_xyz: ``(T, 33, 3)`` float32, pixels; NaN where no person.
        world_xyz: ``(T, 33, 3)`` float32, metres; NaN where no person.
        visibility: ``(T, 33)`` float32, 0 where no person.
        image_wh: frame size, pixels.
        disagreement: ``(T,)`` distance between the direct and the mirrored reading, body sizes; NaN in frames
            without a second reading. None if the engine makes none.
        lying: ``(T, 12)`` float32 readings of the network for people who lie, see
            `formcheck.pose.lying_reading`; NaN in frames without one. None if there is none at all.
    """

    time_s: NDArray[np.float64]
    person: NDArray[np.bool_]
    rejected: NDArray[np.bool_]
    people_seen: NDArray[np.int32]
    image_xyz: NDArray[np.float32]
    world_xyz: NDArray[np.float32]
    visibility: NDArray[np.float32]
    image_wh: tuple[int, int]
    disagreement: NDArray[np.float64] | None = None
    lying: NDArray[np.float32] | None = None

    @classmethod
    def from_results(cls, results: Iterable[PoseResult], image_wh: tuple[int, int]) -> Track:
        """Stack an engine's results.

        Where the engine gave mirrored second readings, half their difference from the first is added,
        interpolated to the frames between them.
        """
        found = results if isinstance(results, Sequence) else list(results)
        n = len(found)
        apart = np.full(n, np.nan)
        lying: NDArray[np.float32] | None = None
        track = cls.empty(n, image_wh)
        twice: list[int] = []
        for i in arrays.each(n):
            result = found[i]
            track.time_s[i], track.people_seen[i] = result.time_s, result.people_seen
            track.rejected[i] = result.rejected is not None
            pose, mirrored = result.pose, result.mirrored
            if pose is None:
                continue
            if result.lying is not None:
                lying = no_readings(n) if lying is None else lying
                lying[i] = result.lying
            track.person[i] = True
            track.image_xyz[i], track.world_xyz[i] = pose.image_xyz, pose.world_xyz
            track.visibility[i] = pose.visibility
            if mirrored is None:
                continue
            apart[i] = reading_distance(result)
            # Readings that differ as two bodies do (legs swapped, say) have no meaningful middle.
            if count_jumped(pose, mirrored) == 0:
                twice.append(i)
        if twice:
            _add_second_readings(track, twice, found)
        return replace(track, disagreement=apart if np.isfinite(apart).any() else None, lying=lying)

    @classmethod
    def empty(cls, count: int, image_wh: tuple[int, int]) -> Track:
        """A track of so many frames in which nobody has been seen yet, to be filled in place."""
        return cls(
            time_s=np.zeros(count, np.float64),
            person=np.zeros(count, bool),
            rejected=np.zeros(count, bool),
            people_seen=np.zeros(count, np.int32),
            image_xyz=arrays.full((count, LANDMARK_COUNT, 3), np.nan, np.float32),
            world_xyz=arrays.full((count, LANDMARK_COUNT, 3), np.nan, np.float32),
            visibility=arrays.full((count, LANDMARK_COUNT), 0.0, np.float32),
            image_wh=image_wh,
        )

    def __len__(self) -> int:
        return len(self.time_s)

    @property
    def fps(self) -> float:
        """Median frame rate; 0 for fewer than two frames."""
        step = np.diff(self.time_s)
        return float(1 / np.median(step)) if step.size and np.median(step) > 0 else 0.0

    def part(self, frames: slice) -> Track:
        """Some neighbouring frames."""
        return replace(
            self,
            **{
                name: getattr(self, name)[frames]
                for name in (
                    "time_s",
                    "person",
                    "rejected",
                    "people_seen",
                    "image_xyz",
                    "world_xyz",
                    "visibility",
                )
            },
            disagreement=None if self.disagreement is None else self.disagreement[frames],
            lying=None if self.lying is None else self.lying[frames],
        )

    def stretches(self) -> list[slice]:
        """Runs of frames in which camera and person stay in place: split at cuts and long absences."""
        seen = np.flatnonzero(self.person)
        if seen.size == 0:
            return []
        gone = np.diff(self.time_s[seen])
        jumped = np.zeros(len(gone), bool)
        for piece in arrays.pieces(len(gone)):
            image = self.image_xyz[seen[piece.start : piece.stop + 1]]
            size = body_sizes_px(image)
            limit = JUMP_TRUNKS * np.clip(gone[piece] * 30.0, 1.0, 3.0) * np.maximum(size[:-1], size[1:])
            core = image[:, list(CORE), :2]
            moved = np.linalg.norm(core[1:] - core[:-1], axis=2)
            jumped[piece] = (moved > limit[:, None]).sum(axis=1) >= JUMPED_LANDMARKS
        stayed = [at for at in np.flatnonzero(jumped) if self._stays(seen, int(at) + 1)]
        jumped[stayed] = False
        cut = np.flatnonzero((gone > _GAP_S) | jumped)
        starts = [int(seen[0]), *seen[cut + 1].tolist()]
        ends = [int(before) + 1 for before in seen[cut]]
        ends.append(int(seen[-1]) + 1)
        return [slice(a, b) for a, b in zip(starts, ends, strict=True)]

    def _stays(self, seen: NDArray[np.intp], at: int) -> bool:
        """Whether half of the body lies where it lay before the jump to ``seen[at]``.

        After a cut nothing does; where two readings of one body take turns, its shoulders do.
        """
        before = self.image_xyz[seen[max(at - _JUMP_FRAMES, 0) : at]][:, list(CORE), :2]
        after = self.image_xyz[seen[at : at + _JUMP_FRAMES]][:, list(CORE), :2]
        size = np.median(body_sizes_px(self.image_xyz[seen[max(at - _JUMP_FRAMES, 0) : at + _JUMP_FRAMES]]))
        moved = np.linalg.norm(np.median(after, axis=0) - np.median(before, axis=0), axis=1)
        return 2 * int((moved <= _STAYS_TRUNKS * size).sum()) >= len(CORE)


def no_readings(count: int) -> NDArray[np.float32]:
    """``(T, 12)`` of `Track.lying` for so many frames, to be filled in place."""
    out: NDArray[np.float32] = arrays.full((count, LYING_COUNT), np.nan, np.float32)
    return out


def _add_second_readings(track: Track, twice: list[int], found: Sequence[PoseResult]) -> None:
    """Move the landmarks in place to the mean of the direct and the mirrored readings.

    Args:
        track: direct readings.
        twice: frames that were read twice.
        found: both readings of every frame.
    """
    half = arrays.empty((2, len(twice), LANDMARK_COUNT * 3), np.float32)
    for row in arrays.each(len(twice)):
        result = found[twice[row]]
        assert result.pose is not None
        assert result.mirrored is not None
        half[0, row] = ((result.mirrored.image_xyz - result.pose.image_xyz) / 2).ravel()
        half[1, row] = ((result.mirrored.world_xyz - result.pose.world_xyz) / 2).ravel()
    seen = np.flatnonzero(track.person)
    t, times = track.time_s[seen], track.time_s[twice]
    for points, halves in zip((track.image_xyz, track.world_xyz), half, strict=True):
        flat = points.reshape(len(track), -1)
        # A shaky second reading must not add its own shake: the median of three in a row.
        # A few coordinates at a time: the median holds every window at once.
        some = arrays.pieces(halves.shape[1], 11)
        calm = np.concatenate([running_median(halves[:, columns], 3).T for columns in some])
        for piece in arrays.pieces(len(seen)):
            between = np.stack([np.interp(t[piece], times, column) for column in calm], axis=1)
            flat[seen[piece]] += between.astype(np.float32)


def body_sizes_px(image_xyz: NDArray[np.float32]) -> NDArray[np.float64]:
    """``(T,)`` body size in pixels, see `person.body_size_px`."""
    xy = image_xyz[:, :, :2].astype(np.float64)
    trunk = np.linalg.norm((xy[:, 11] + xy[:, 12]) / 2 - (xy[:, 23] + xy[:, 24]) / 2, axis=1)
    thigh = np.linalg.norm(xy[:, 23:25] - xy[:, 25:27], axis=2).max(axis=1) * 0.50 / 0.42
    shank = np.linalg.norm(xy[:, 25:27] - xy[:, 27:29], axis=2).max(axis=1) * 0.50 / 0.40
    return np.maximum(np.maximum(trunk, thigh), np.maximum(shank, 1.0))


def smooth(track: Track) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Zero-phase filtered image and world landmarks of one stretch.

    Irregular timestamps are handled by filtering on an even grid at the median frame rate. Frames without
    a person stay NaN.

    Args:
        track: one stretch.

    Returns:
        ``(T, 33, 2)`` pixels and ``(T, 33, 3)`` metres.
    """
    xy = arrays.full((len(track), LANDMARK_COUNT, 2), np.nan, np.float32)
    world = arrays.full((len(track), LANDMARK_COUNT, 3), np.nan, np.float32)
    seen = np.flatnonzero(track.person)
    if seen.size == 0:
        return xy, world
    breaks = np.flatnonzero(np.diff(track.time_s[seen]) > _BRIDGE_S) + 1
    for run in np.split(seen, breaks):
        t = track.time_s[run]
        frames = slice(run[0], run[-1] + 1)
        for points, out in ((track.image_xyz[:, :, :2], xy), (track.world_xyz, world)):
            source, target = (arrays.Rows(a[frames], track.person[frames]) for a in (points, out))
            # Of a long run a few landmarks at a time: the filter needs each one's whole course.
            for some in arrays.pieces(LANDMARK_COUNT, max(_AT_ONCE // len(run), 1)):
                values = source[:, some]
                flat = _butterworth(t, values.reshape(len(run), -1).astype(np.float64))
                target[:, some] = flat.reshape(values.shape)
    return xy, world


def smoothed(track: Track) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Zero-phase filtered landmarks of a whole track, stretch by stretch.

    Returns:
        ``(T, 33, 2)`` pixels and ``(T, 33, 3)`` metres; NaN where nobody was seen.
    """
    xy = arrays.full((len(track), LANDMARK_COUNT, 2), np.nan, np.float32)
    world = arrays.full((len(track), LANDMARK_COUNT, 3), np.nan, np.float32)
    for frames in track.stretches():
        for smooth_part, out in zip(smooth(track.part(frames)), (xy, world), strict=True):
            arrays.copy(smooth_part, out[frames])
    return xy, world


def _butterworth(t: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Filter the columns of `values` over times `t`, zero phase."""
    if len(t) < 8:
        return values
    fps = (len(t) - 1) / max(t[-1] - t[0], 1e-9)
    if fps > _HIGHEST_FPS:
        return values
    cutoff = min(CUTOFF_HZ, 0.4 * fps)
    grid = np.linspace(t[0], t[-1], len(t))
    even = np.abs(grid - t).max() < 0.1 / fps
    on_grid = values if even else _resample(grid, t, values)
    smoothed = zero_phase(on_grid.T, fps, cutoff).T
    return np.asarray(smoothed if even else _resample(t, grid, smoothed))


def _resample(
    to: NDArray[np.float64], at: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.stack([np.interp(to, at, column) for column in values.T], axis=1)
