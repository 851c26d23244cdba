"""Clips as the camera, played on their own time: as fast as they can be read, however slow the machine is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from live_session import MadeCamera

from formcheck.pose.engine import PoseEngine
from formcheck.pose.landmarks import PoseResult
from formcheck.video.file import Frame, VideoFile

FPS = 15


@dataclass
class Clips(MadeCamera):
    """Pictures one after the other, as a camera's."""

    pictures: list[np.ndarray] = field(default_factory=list)

    def latest(self, timeout_s: float) -> Frame | None:
        frame = super().latest(timeout_s)
        return None if frame is None else replace(frame, image=self.pictures[frame.index])


class EachOnce:
    """Reads each picture until somebody is seen in it: a clip that is played again is not read again."""

    def __init__(self, engine: PoseEngine) -> None:
        self._engine = engine
        self._read: dict[int, PoseResult] = {}
        self.name, self.model, self.model_sha256 = engine.name, engine.model, engine.model_sha256
        self.device, self.device_note = engine.device, engine.device_note

    def estimate(self, frame: Frame) -> PoseResult:
        result = self._read.get(id(frame.image)) or self._engine.estimate(frame)
        if result.pose is not None:
            self._read[id(frame.image)] = result
        pose = result.pose
        if pose is not None:  # it has a time of its own, by which the network for people who lie waits
            pose = replace(pose, time_s=frame.time_s)
        return replace(result, time_s=frame.time_s, index=frame.index, pose=pose)

    def reset(self) -> None:
        self._engine.reset()

    def close(self) -> None:
        self._engine.close()

    def __enter__(self) -> EachOnce:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Reel:
    """A clip at 15 pictures a second, to cut from."""

    def __init__(self, clip: Path) -> None:
        video = VideoFile(clip)
        self._all = [frame.image for frame in video][:: round(video.fps / FPS)]
        video.close()

    def cut(self, from_s: float, to_s: float) -> list[np.ndarray]:
        return self._all[round(from_s * FPS) : round(to_s * FPS)]

    def still(self, seconds: float, at_s: float = 0.0) -> list[np.ndarray]:
        return [self._all[round(at_s * FPS)]] * round(seconds * FPS)
