"""Rendered clips beside their truth, frame by frame, for the benchmarks in this folder."""

from __future__ import annotations

import importlib.util
import json
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from formcheck.engine.baseline import Stretch, prepare
from formcheck.exercises.definition import Definition, load_definition
from formcheck.measures.reference import Reference
from formcheck.measures.table import MeasureTable, Status
from formcheck.pose.track import Track

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass
class Clip:
    """One clip, its longest measured stretch and the frames of it that are compared.

    Attributes:
        stem: name of the file.
        truth: the truth file.
        definition: of its exercise.
        view: true view; `named` is the one recognised.
        track, stretch: poses and measures of the stretch.
        pick: ``(K,)`` frames of the stretch that are compared; what follows is about these.
        index: ``(K,)`` the same, as frames of the truth.
        series: true value of each measure, ``(K,)``.
        moving: ``(K,)`` within a repetition.
        first: ``(K,)`` before the first repetition (or all pauses, where nobody is seen before it).
    """

    stem: str
    truth: dict[str, Any]
    definition: Definition
    view: str
    named: str
    track: Track
    stretch: Stretch
    pick: NDArray[np.int_]
    index: NDArray[np.int_]
    series: dict[str, Array]
    moving: Mask
    first: Mask

    @property
    def exercise(self) -> str:
        return str(self.truth["exercise"])

    @property
    def key(self) -> tuple[str, str]:
        return self.exercise, self.view

    @property
    def measures(self) -> MeasureTable:
        assert self.stretch.measures is not None
        return self.stretch.measures

    @property
    def reference(self) -> Reference:
        assert self.stretch.reference is not None
        return self.stretch.reference

    @property
    def tuning(self) -> bool:
        """Odd clips choose, even ones decide."""
        return int(re.findall(r"\d+", self.stem)[0]) % 2 == 1

    def usable(self, name: str) -> Mask:
        """``(K,)`` moving frames with a value; only those told ok where the view may be ok."""
        if name not in self.measures.names:
            return np.zeros(len(self.pick), bool)
        status = self.measures.status[self.pick, self.measures.names.index(name)]
        ok = self.definition.measures[name].views.get(self.named) == "ok"
        return (status == Status.OK if ok else status != Status.NOT_MEASURABLE) & self.moving


def scorer(shared: Path) -> ModuleType:
    """The bench's scorer, for its truth."""
    spec = importlib.util.spec_from_file_location("score", shared / "bench" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _poses(video: Path, folder: Path) -> Any:
    kept = folder / f"{video.stem}.pkl"
    if not kept.exists():
        from formcheck.pose.blazepose import BlazePose
        from formcheck.pose.recording import read_poses
        from formcheck.video.file import VideoFile

        with VideoFile(video) as source, BlazePose("full") as engine:
            size = source.width, source.height
            kept.write_bytes(pickle.dumps((size, list(read_poses(source, engine)[0]))))
    return pickle.loads(kept.read_bytes())


def load(video: Path, poses: Path, score: ModuleType, every: int = 1) -> Clip | None:
    """A clip, every so many frames of it, or None where nothing is measured.

    Args:
        video: the clip; the truth lies beside it.
        poses: folder in which poses are kept.
        score: from `scorer`.
        every: compare one frame of so many.
    """
    truth = json.loads(video.with_suffix(".json").read_text())
    wh, results = _poses(video, poses)
    track = Track.from_results(results, wh)
    single = truth.get("single_leg_lifted")
    clam = truth["exercise"] == "clam"
    side = {"L": "left", "R": "right"}.get(truth["working_side"]) if clam else None
    if single:
        side = {"L": "right", "R": "left"}[single]
    definition = load_definition("single-leg-bridge" if single else truth["exercise"])
    stretches = [s for s in prepare(track, definition, side) if s.measures is not None]
    if not stretches:
        return None
    stretch = max(stretches, key=lambda s: s.frames.stop - s.frames.start)
    assert stretch.reference is not None
    part = track.part(stretch.frames)
    pick = np.flatnonzero(np.isfinite(stretch.xy).all(axis=(1, 2)) & part.person)[::every]
    time_s = part.time_s[pick]
    index = np.clip(np.round(time_s * truth["fps"]).astype(int), 0, len(truth["frames"]) - 1)
    moving = np.array([truth["frames"][i]["rep"] > 0 for i in index])
    first = time_s < min(r["t_start"] for r in truth["reps"])
    series = {name: np.asarray(v)[index] for name, v in score.truth_series(truth).items()}
    if "knee_separation" in series:
        series["knees_nearer"] = 1 - series["knee_separation"]
    return Clip(
        stem=video.stem,
        truth=truth,
        definition=definition,
        view={"lateral": "side"}.get(truth["view"], truth["view"]),
        named=stretch.reference.view,
        track=part,
        stretch=stretch,
        pick=pick,
        index=index,
        series=series,
        moving=moving,
        first=first if first.sum() >= 3 else ~moving,
    )
