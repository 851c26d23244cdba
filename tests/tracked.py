"""A synthetic track through the engine alone: its stretches with their references, and what was counted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from formcheck.engine.baseline import Stretch, prepare
from formcheck.engine.tracker import RepResult, Tracker
from formcheck.exercises.definition import Definition, load_definition
from formcheck.measures.reference import Reference
from formcheck.pose.landmarks import Pose
from formcheck.pose.track import Track


@dataclass(frozen=True)
class Tracked:
    """What came of a recording."""

    stretches: list[Stretch]
    reps: list[RepResult]

    @property
    def classes(self) -> list[str]:
        return [r.times.rep_class for r in self.reps]

    @property
    def counted(self) -> list[RepResult]:
        return [r for r in self.reps if r.times.rep_class in ("full", "partial")]

    @property
    def reference(self) -> Reference:
        (reference,) = [s.reference for s in self.stretches if s.reference is not None]
        return reference

    def found(self, fault: str) -> list[int]:
        """Its grade in each counted repetition, 0 where absent."""
        checks = [r.checks[fault] for r in self.counted]
        assert all(c.checked for c in checks), [c.reason for c in checks]
        return [c.fault.grade if c.fault else 0 for c in checks]


def smoothed_poses(stretch: Stretch, track: Track) -> list[Pose]:
    """The poses a live session would hand to the tracker: one a frame, smoothed."""
    part = track.part(stretch.frames)
    image = part.image_xyz.copy()
    image[..., :2] = stretch.xy
    return [
        Pose(
            time_s=float(part.time_s[i]),
            index=i,
            image_wh=part.image_wh,
            image_xyz=image[i],
            world_xyz=stretch.world[i],
            visibility=part.visibility[i],
            presence=part.visibility[i],
            score=1.0,
        )
        for i in range(len(part))
    ]


def tracked(
    track: Track,
    exercise: str,
    side: str | None = None,
    view: str | None = None,
    definition: Definition | None = None,
) -> Tracked:
    """A recording from landmarks to judged repetitions."""
    definition = definition or load_definition(exercise)
    stretches = prepare(track, definition, side, view)
    reps: list[RepResult] = []
    for s in stretches:
        if s.reference is not None and s.measures is not None:
            reps += Tracker(definition, s.reference).run(s.measures, s.posture, s.in_shape)[1]
    return Tracked(stretches, reps)


def shifted(track: Track, dx: float, dy: float) -> Track:
    """The same recording elsewhere in the picture."""
    return replace(track, image_xyz=track.image_xyz + np.array([dx, dy, 0], np.float32))
