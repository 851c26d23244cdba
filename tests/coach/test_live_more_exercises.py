"""Whole live sessions of the offset bridge, heel slide, calf and hip-flexor stretch, on made bodies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from live_session import session
from skeleton import (
    Camera,
    Rep,
    bridge,
    bridge_lift_for,
    film,
    half_kneeling,
    heel_slide,
    repetitions,
    step_at_wall,
)

LIFT_M = bridge_lift_for(178.0)
LYING = Camera(yaw_deg=4, distance_m=2.6)
UPRIGHT = Camera(yaw_deg=4, distance_m=3.2, height_m=0.9, focal_px=800, target=(0.3, 0.8, 0.0))
MOVED = Rep(rise_s=2.0, hold_s=1.5, lower_s=2.0, rest_s=1.5)
HELD = Rep(rise_s=2.0, hold_s=20.0, lower_s=2.0, rest_s=2.0)


@pytest.mark.parametrize(
    ("exercise", "at", "camera", "rep"),
    [
        ("offset-bridge", lambda x: bridge(LIFT_M * x, offset_m=0.22), LYING, MOVED),
        ("heel-slide", lambda x: heel_slide(100 * x), LYING, MOVED),
        ("calf-stretch", lambda x: step_at_wall(20 + 13 * x, hips_deg=-10 * x), UPRIGHT, HELD),
        ("hip-flexor-stretch", lambda x: half_kneeling(-3 + 23 * x), UPRIGHT, HELD),
    ],
)
def test_a_session_counts_what_was_done_and_finds_no_fault(
    tmp_path, exercise: str, at: Callable[[float], np.ndarray], camera: Camera, rep: Rep
) -> None:
    time_s, level, _ = repetitions([rep] * 5, fps=12.5, lead_s=3.2)
    track = film(np.stack([at(x) for x in level]), time_s, camera, noise_m=0.002)
    outcome = session(exercise, track, tmp_path, keys={"side": "2"}, reps=2)
    summary = outcome.result.summary
    assert summary is not None
    assert summary.side == "right"
    assert [(r.class_, r.faults) for r in summary.reps] == [("full", [])] * 2
    assert [say.text for say in outcome.heard.said if say.key == "voice.count"][-2:] == ["1", "2"]
    assert not any(key.startswith("setup.not_lying") for key in outcome.heard.keys)


@pytest.mark.parametrize(
    ("bent", "cue"), [({"knee_deg": 30.0}, "knee_bends"), ({"heel_deg": 25.0}, "heel_lifts"), ({}, None)]
)
def test_what_spoils_a_calf_stretch_is_told(tmp_path, bent: dict[str, float], cue: str | None) -> None:
    held = Rep(rise_s=2.0, hold_s=20.0, lower_s=2.0, rest_s=3.0)
    good, _, _ = repetitions([held] * 3, fps=12.5, lead_s=3.2)
    time_s, level, _ = repetitions([held] * 6, fps=12.5, lead_s=3.2)
    points = [
        step_at_wall(20 + 13 * x, hips_deg=-10 * x, **{k: v * x for k, v in bent.items()})
        if t > good[-1]
        else step_at_wall(20 + 13 * x, hips_deg=-10 * x)
        for t, x in zip(time_s, level, strict=True)
    ]
    track = film(np.stack(points), time_s, UPRIGHT, noise_m=0.002)
    outcome = session("calf-stretch", track, tmp_path, keys={"side": "2"}, reps=3)
    assert outcome.heard.cues == ([cue] if cue is not None else [])
