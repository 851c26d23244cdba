"""What a frame of a live session costs besides the pose: processor time, by the stage the session is in.

    python benchmarks/live_cost.py [--seconds 60]

Both demo clips are gone through as a live session's pose thread does (no camera, window, voice or recorder),
the still start first and then forwards and backwards, with every picture really read by the pose model. Times
are those of the one thread, so that waiting for other programs is not counted.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

from formcheck.analysis.live_log import LiveLog, SessionFacts, apply_event
from formcheck.coach.flow import Flow
from formcheck.coach.plan import PastPractice, SessionPlan
from formcheck.coach.start import live_engine
from formcheck.engine.live_engine import LiveEngine
from formcheck.engine.start_position import position_check
from formcheck.exercises.definition import load_definition
from formcheck.pose.live import LivePose
from formcheck.pose.live_filter import Blend
from formcheck.video.file import Frame, VideoFile
from formcheck.words import Words

VIDEOS = Path(__file__).resolve().parents[1] / "videos"
CLIPS = {"clam": "clam_front.mp4", "bridge": "bridge_side.mp4"}
KEYS = {"safety": "1", "pain_before": "0", "pain_after": "0", "effort": "3"}


def cost(exercise: str, video: Path, seconds: float) -> dict[str, tuple[int, float, float]]:
    """For each stage: frames, milliseconds a frame for the pose, and for everything else."""
    with VideoFile(video) as source:
        pictures, fps = [frame.image for frame in source], source.fps
    size = pictures[0].shape[1], pictures[0].shape[0]
    still = pictures[: int(0.9 * fps)]
    order = (still + still[::-1]) * 2
    while len(order) < seconds * fps:
        order += pictures + pictures[::-1]
    definition = load_definition(exercise)
    plan = SessionPlan(definition, sets=50, reps=8, rest_s=15.0, views=tuple(definition.views))
    flow = Flow(Words(), {}, lambda name: (plan, PastPractice()), exercise)
    for step in range(10):
        flow.tick(step / 100)
        flow.press(KEYS.get(flow.step, ""))
    flow.restart_clock()
    practice = LiveEngine(definition, position_check(definition, None, plan.views))
    facts = SessionFacts("2030-01-01", None, "en", "none", 50, 8, "clip", "blazepose-onnx", "full")
    log, blend, page = LiveLog(definition, facts), Blend(), ""
    frames: dict[str, int] = defaultdict(int)
    pose_s: dict[str, float] = defaultdict(float)
    rest_s: dict[str, float] = defaultdict(float)
    pose = LivePose(live_engine("full"))
    for i, image in enumerate(order[: int(seconds * fps)]):
        begun = time.thread_time()
        result = pose.estimate(Frame(image, i / fps, i), setting_up=practice.stage in ("setup", "still"))
        read = time.thread_time()
        seen = blend(result, i / fps, i, size)
        moment = practice.update(seen)
        log.frame(seen, moment)
        flow.frame(moment)
        for message in flow.take_messages():
            flow.spoken(message)
        for event in flow.take_events():
            apply_event(event, practice, log)
        ended = time.thread_time()
        if flow.step != page:
            page = flow.step
            flow.press(KEYS.get(page, ""))
        for stage in (moment.stage, "all"):
            frames[stage] += 1
            pose_s[stage] += read - begun
            rest_s[stage] += ended - read
    pose.close()
    return {s: (n, 1000 * pose_s[s] / n, 1000 * rest_s[s] / n) for s, n in frames.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    args = parser.parse_args()
    print("| clip | stage | frames | pose, ms | everything else, ms | ratio |")
    print("|---|---|---|---|---|---|")
    for exercise, name in CLIPS.items():
        for stage, (n, pose, rest) in cost(exercise, VIDEOS / name, args.seconds).items():
            print(f"| {name} | {stage} | {n} | {pose:.2f} | {rest:.2f} | {rest / pose:.3f} |")


if __name__ == "__main__":
    main()
