"""A made-up analysis of any length, for tests that need no video."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from formcheck.analysis.analysis import PHASES, Analysis
from formcheck.analysis.summary import Summary
from formcheck.exercises.definition import load_definition
from formcheck.measures.table import MeasureTable, Reason, Status
from formcheck.pose.track import Track

FPS = 30.0


def make_analysis(
    frames: int = 300, *, seed: int = 0, complete: bool = True, video: Path = Path("bridge.mp4")
) -> Analysis:
    """A bridge of random landmarks, with gaps, repetitions and every status."""
    rng = np.random.default_rng(seed)
    definition = load_definition("bridge")
    time_s = np.arange(frames) / FPS + rng.uniform(0, 0.004, frames)
    person = rng.random(frames) > 0.1
    landmarks = rng.normal(300, 100, (frames, 33, 3)).astype(np.float32)
    world = rng.normal(0, 0.5, (frames, 33, 3)).astype(np.float32)
    visibility = rng.random((frames, 33)).astype(np.float32)
    landmarks[~person] = world[~person] = np.nan
    visibility[~person] = 0.0
    apart = np.where(rng.random(frames) < 0.2, rng.random(frames), np.nan)
    return Analysis(
        video=video,
        summary=make_summary(definition.measures, definition.faults, frames, complete=complete),
        definition=definition,
        track=Track(
            time_s=time_s,
            person=person,
            rejected=rng.random(frames) < 0.05,
            people_seen=rng.integers(0, 3, frames, dtype=np.int32),
            image_xyz=landmarks,
            world_xyz=world,
            visibility=visibility,
            image_wh=(1280, 720),
            disagreement=apart if np.isfinite(apart).any() else None,
        ),
        smooth_xy=landmarks[:, :, :2].copy(),
        measures=_measures(tuple(definition.measures), time_s, person, rng),
        primary=definition.counting.signal,
        phase=rng.integers(0, len(PHASES), frames, dtype=np.uint8),
        rep=rng.integers(0, 3, frames, dtype=np.int32),
    )


def make_summary(measures: object, faults: object, frames: int = 300, *, complete: bool = True) -> Summary:
    """A summary with two repetitions, one fault and a warning."""
    names, fault_names = list(measures), list(faults)  # type: ignore[call-overload]
    fault = {"id": fault_names[0], "grade": 1, "value": 17.6, "unit": "deg", "start_s": 2.6, "end_s": 3.4}
    times = {"start_s": 1.2, "peak_s": 2.9, "end_s": 5.1, "rise_s": 1.4, "hold_s": 0.9, "lower_s": None}
    rep = {"class": "full", **times, "confidence": 0.98, "peak": {names[0]: 172.4, names[1]: None}}
    return Summary.model_validate(
        {
            "schema": "formcheck.summary/1",
            "formcheck": "0.1.0",
            "source": {
                "file": "bridge.mp4",
                "width": 1280,
                "height": 720,
                "fps": FPS,
                "frames": frames,
                "duration_s": frames / FPS,
            },
            "exercise": "bridge",
            "side": None,
            "view": {"name": "side", "yaw_deg": 8.0, "declared": False},
            "pose": {
                "engine": "blazepose-onnx",
                "model": "full",
                "frames_with_person": frames,
                "frames_rejected": 3,
                "people_seen_max": 2,
            },
            "definition": {"name": "bridge", "version": 1, "sha256": "0" * 64},
            "complete": complete,
            "measures": {
                name: {"status": "ok", "reason": None, "ok_frames": 0.97, "noise_sd": None} for name in names
            },
            "reps": [{"index": 1, **rep, "faults": [fault]}, {"index": 2, **rep, "faults": []}],
            "faults": {
                name: {
                    "checked": False,
                    "reason": "view",
                    "reps_checked": 0,
                    "reps_affected": 0,
                    "worst_grade": 0,
                }
                for name in fault_names
            },
            "warnings": ["The far knee was often hidden – move the laptop 20° towards the feet."],
            "processing": {"wall_s": 5.2, "realtime_factor": 2.5, "ms_per_frame": {"pose": 9.8}},
        }
    )


def _measures(
    names: tuple[str, ...], time_s: np.ndarray, person: np.ndarray, rng: np.random.Generator
) -> MeasureTable:
    shape = (len(time_s), len(names))
    status = rng.integers(0, len(Status), shape, dtype=np.uint8)
    status[~person] = Status.NOT_MEASURABLE
    value = rng.normal(90, 50, shape).astype(np.float32).astype(np.float64)
    value[status == Status.NOT_MEASURABLE] = np.nan
    reason = np.where(status == Status.OK, Reason.NONE, Reason.VIEW).astype(np.uint8)
    return MeasureTable(names=names, time_s=time_s, value=value, status=status, reason=reason)
