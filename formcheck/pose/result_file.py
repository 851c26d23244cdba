"""`Readings`: what the pose stage said about every frame of a recording, kept out of memory."""

from __future__ import annotations

import os
import pickle
import tempfile
from array import array
from collections.abc import Sequence
from typing import overload

import numpy as np

from formcheck.pose import scratch_files as scratch
from formcheck.pose.landmarks import LANDMARK_COUNT, Degrees, Pose, PoseResult

#: So much stays in memory, about a minute of video.
_IN_MEMORY_BYTES = 4_000_000


class Readings(Sequence[PoseResult]):
    """A list of results that grows. Past the first minutes it lies in a file without a name.

    Attributes:
        interpolated: how many of them the model did not read.
        own_joints: whether our network for people who lie made them (`formcheck.pose.lying_joints`).
        turn: by how many degrees clockwise the picture must be turned, as that network found it.
    """

    def __init__(self) -> None:
        self.interpolated = 0
        self.own_joints = False
        self.turn: Degrees = 0
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=scratch.folder())  # noqa: SIM115
        self._at = array("q")

    def append(self, result: PoseResult) -> None:
        """Add one at the end.

        Raises:
            FormcheckError: the disk is full.
        """
        try:
            at = self._file.seek(0, os.SEEK_END)
            one = (result.time_s, result.index, result.people_seen, result.rejected, result.interpolated)
            # Numpy's own way of pickling takes five times as long.
            lying = None if result.lying is None else result.lying.tobytes()
            pickle.dump((*one, lying, _packed(result.pose), _packed(result.mirrored)), self._file, -1)
        except OSError as error:
            raise scratch.no_room(error) from None
        self._at.append(at)  # after all that may fail, as Ctrl-C may come at any time
        self.interpolated += result.interpolated

    def __len__(self) -> int:
        return len(self._at)

    @overload
    def __getitem__(self, index: int) -> PoseResult: ...
    @overload
    def __getitem__(self, index: slice) -> list[PoseResult]: ...
    def __getitem__(self, index: int | slice) -> PoseResult | list[PoseResult]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        self._file.seek(self._at[index])
        # Written by this process, to a file that has no name for others to open it by.
        time_s, number, people_seen, rejected, interpolated, turned, *readings = pickle.load(self._file)
        pose, mirrored = map(_unpacked, readings)
        lying = None if turned is None else np.frombuffer(turned, np.float32)
        return PoseResult(time_s, number, pose, people_seen, rejected, mirrored, interpolated, lying)


_Packed = tuple[float, int, tuple[int, int], float, bytes]


def _packed(pose: Pose | None) -> _Packed | None:
    if pose is None:
        return None
    arrays = pose.image_xyz, pose.world_xyz, pose.visibility, pose.presence
    numbers = np.concatenate([a.ravel() for a in arrays], dtype=np.float32)
    return pose.time_s, pose.index, pose.image_wh, pose.score, numbers.tobytes()


def _unpacked(packed: _Packed | None) -> Pose | None:
    if packed is None:
        return None
    time_s, index, image_wh, score, numbers = packed
    points = np.frombuffer(numbers, np.float32).reshape(-1, LANDMARK_COUNT)
    image, world = points[:3].reshape(-1, 3), points[3:6].reshape(-1, 3)
    return Pose(time_s, index, image_wh, image, world, points[6], points[7], score)
