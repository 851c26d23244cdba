"""An hour of live practice on made-up landmarks: memory stays flat."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from formcheck.coach.flow import Flow
from formcheck.coach.plan import History, Plan
from formcheck.coach.setup import position_check
from formcheck.exercises.definition import load_definition
from formcheck.exercises.practice import Practice
from formcheck.pose.blazepose import BlazePose
from formcheck.pose.landmarks import Pose
from formcheck.pose.steady import Blend
from formcheck.session.live_log import LiveLog, SessionFacts, apply_event
from formcheck.sources import VideoFile
from formcheck.words import Words

CLIP = Path(__file__).parents[1] / "videos" / "clam_front.mp4"
KEYS = {"safety": "1", "pain_before": "0", "pain_after": "0", "effort": "3", "rest": "enter"}
FPS, HOUR_S = 30.0, 3600.0


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc, Linux only")
def test_an_hour_of_live_practice_does_not_grow() -> None:
    with VideoFile(CLIP) as video, BlazePose() as engine:
        size = video.width, video.height
        results = list(engine.estimate_all(video))
    still = list(range(27))
    order = (still + still[::-1]) * 2
    definition = load_definition("clam")
    plan = Plan(definition, sets=50, reps=20, rest_s=20.0, views=tuple(definition.views))
    flow = Flow(Words(), {}, lambda name: (plan, History()), "clam")
    practice = Practice(definition, position_check(definition, None, plan.views))
    facts = SessionFacts("2030-01-01", None, "en", "none", 50, 20, "clip", "blazepose-onnx", "full")
    log, blend, page = LiveLog(definition, facts), Blend(), ""
    after_five_minutes = 0.0
    for i in range(int(HOUR_S * FPS)):
        t = i / FPS
        one = results[order[i] if i < len(order) else (i - len(order)) % len(results)]

        def at(pose: Pose | None, t: float = t, i: int = i) -> Pose | None:
            return None if pose is None else replace(pose, time_s=t, index=i)

        seen = blend(replace(one, pose=at(one.pose), mirrored=at(one.mirrored)), t, i, size)
        if i == 0:
            for step in range(10):
                flow.tick(step / 100)
                flow.press(KEYS.get(flow.step, ""))
            flow.restart_clock()
        moment = practice.update(seen)
        log.frame(seen, moment)
        flow.frame(moment)
        for message in flow.take_messages():
            flow.spoken(message)
        for event in flow.take_events():
            apply_event(event, practice, log)
        if flow.step != page:
            page = flow.step
            flow.press(KEYS.get(page, ""))
        if i == int(300 * FPS):
            after_five_minutes = memory_mb()
    assert len(log.reps) > 100
    assert memory_mb() - after_five_minutes < 20
    assert np.isfinite(after_five_minutes)
