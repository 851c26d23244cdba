"""From a pose engine's results to what a live session works with, causally: nothing waits for a later frame.

Two steps. `Blend` moves each skeleton towards the mean of its direct and its mirrored reading, as
`Track.from_results` does for recordings, but with the second readings made so far. What it gives is stored
in the session. `LiveFilter` filters it (One-Euro): the same stored landmarks give the same filtered ones,
which is why a replay agrees with what was seen live.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from formcheck.pose.landmarks import LANDMARK_COUNT, PoseResult
from formcheck.pose.person import body_size_px, count_jumped, reading_distance
from formcheck.pose.smoothing import OneEuro, median_over

#: Second readings are kept this long; the median of three takes out a shaky one.
_READINGS = 3
#: Without a new second reading for this long the pose may have changed: back to the direct one.
_STALE_S = 1.0
#: Somebody missing for longer than this starts the filter afresh (spec 0.3: nothing is carried further).
_BRIDGE_S = 0.3
#: One-Euro filter: cut-off while still, and how it opens with speed in body lengths a second (spec 1.3 starts
#: from 1.0 Hz, to be tuned: with it a slow lift lags by a sixth of a second).
MIN_CUTOFF_HZ = 2.5
BETA = 6.0
#: Length in which the speed of world landmarks is told: a trunk (spec 1.5), metres.
_TRUNK_M = 0.5


@dataclass(frozen=True)
class SeenFrame:
    """What the pose stage saw in one frame of a live session: a row of the stored frames.

    Attributes:
        time_s: capture time on the session's clock, seconds.
        index: number of the frame in the session, from 0.
        image_wh: size of the frame, pixels.
        image_xyz: ``(33, 3)`` float32 pixels (see `Pose`), or None where nobody was seen.
        world_xyz: ``(33, 3)`` float32 metres, or None.
        visibility: ``(33,)`` float32, or None.
        rejected: a skeleton was thrown away in this frame.
        people_seen: how many people there were when the detector last looked.
        disagreement: distance between the direct and the mirrored reading, body sizes; None without one.
        lying: see `PoseResult`.
    """

    time_s: float
    index: int
    image_wh: tuple[int, int]
    image_xyz: NDArray[np.float32] | None
    world_xyz: NDArray[np.float32] | None
    visibility: NDArray[np.float32] | None
    rejected: bool = False
    people_seen: int = 0
    disagreement: float | None = None
    lying: NDArray[np.float32] | None = None


class Blend:
    """Adds half of the difference to the mirrored reading to every skeleton, from the readings so far."""

    def __init__(self) -> None:
        self._half: deque[tuple[float, NDArray[np.floating], NDArray[np.floating]]] = deque(maxlen=_READINGS)
        #: Medians of `_half`; None when it has changed since.
        self._median: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None

    def __call__(self, result: PoseResult, time_s: float, index: int, image_wh: tuple[int, int]) -> SeenFrame:
        """One frame.

        Args:
            result: from the pose engine.
            time_s, index: the frame's place in the session.
            image_wh: its size, pixels.
        """
        pose = result.pose
        rejected = result.rejected is not None
        if pose is None:
            return SeenFrame(time_s, index, image_wh, None, None, None, rejected, result.people_seen)
        apart = reading_distance(result)
        if result.mirrored is not None and count_jumped(pose, result.mirrored) == 0:
            # Readings that differ as two bodies do (legs swapped, say) have no meaningful middle.
            half_image = (result.mirrored.image_xyz - pose.image_xyz) / 2
            half_world = (result.mirrored.world_xyz - pose.world_xyz) / 2
            self._half.append((time_s, half_image, half_world))
            self._median = None
        while self._half and time_s - self._half[0][0] > _STALE_S:
            self._half.popleft()
            self._median = None
        image, world = pose.image_xyz, pose.world_xyz
        if self._half:
            if self._median is None:
                _, images, worlds = zip(*self._half, strict=True)
                self._median = tuple(median_over(h).astype(np.float32) for h in (images, worlds))  # type: ignore[assignment]
            assert self._median is not None
            image, world = image + self._median[0], world + self._median[1]
        return SeenFrame(
            time_s,
            index,
            image_wh,
            image.astype(np.float32),
            world.astype(np.float32),
            pose.visibility.astype(np.float32),
            rejected,
            result.people_seen,
            float(apart) if np.isfinite(apart) else None,
            result.lying,
        )


class LiveFilter:
    """Filters the landmarks of one person while live."""

    def __init__(self) -> None:
        self._filter = OneEuro(MIN_CUTOFF_HZ, BETA)
        self._scale = np.full(5, _TRUNK_M)
        self._seen_s: float | None = None

    def __call__(self, seen: SeenFrame) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """``(33, 2)`` pixels and ``(33, 3)`` metres, filtered; None where nobody is seen."""
        if seen.image_xyz is None or seen.world_xyz is None:
            return None
        if self._seen_s is None or seen.time_s - self._seen_s > _BRIDGE_S:
            self._filter.reset()
        self._seen_s = seen.time_s
        self._scale[:2] = body_size_px(seen.image_xyz)
        both = np.concatenate([seen.image_xyz[:, :2], seen.world_xyz], axis=1)
        calm = self._filter(both, seen.time_s, self._scale).astype(np.float32)
        assert len(calm) == LANDMARK_COUNT
        return calm[:, :2], calm[:, 2:]
