"""An hour of video and an hour of live practice: memory stays flat."""

from __future__ import annotations

import importlib
import itertools
import os
import time
from collections.abc import Generator, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
from looped import looped

from formcheck.analysis.live_log import LiveLog, SessionFacts, apply_event, rep_under_way
from formcheck.coach.flow import Flow
from formcheck.coach.plan import PastPractice, SessionPlan
from formcheck.engine.live_engine import LiveEngine
from formcheck.engine.start_position import position_check
from formcheck.exercises.definition import load_definition
from formcheck.pose.blazepose import BlazePose
from formcheck.pose.landmarks import Pose, PoseResult
from formcheck.pose.live_filter import Blend
from formcheck.report.write import write_outputs
from formcheck.session.analyze import analyze
from formcheck.session.folder import OutputFolder
from formcheck.session.reader import open_session
from formcheck.session.recorder import Recorder
from formcheck.session.schema import SessionMeta
from formcheck.video.file import Frame, VideoFile
from formcheck.video.writer import VideoWriter
from formcheck.words import Words

CLIP = Path(__file__).parents[1] / "videos" / "clam_front.mp4"
KEYS = {"safety": "1", "pain_before": "0", "pain_after": "0", "effort": "3", "rest": "enter"}
FPS, HOUR_S = 30.0, 3600.0
#: An hour is 108,000 frames: 200 bytes kept of each would be more.
FLAT_MB = 20.0
WIDTH = 96

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.access("/proc/self/clear_refs", os.W_OK), reason="memory is read from /proc, Linux only"
    ),
]


def memory_mb(which: str = "VmRSS") -> float:
    """All memory of this process, as `top` shows it; "VmHWM": the most since `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith(which))


def forget_peak() -> None:
    """From here on "VmHWM" counts anew."""
    Path("/proc/self/clear_refs").write_text("5")


class Known(BlazePose):
    """Our engine without its models: the demo clip's poses forwards and backwards, on small pictures."""

    name, model, device, device_note = "blazepose-onnx", "full", "cpu", ""
    model_sha256: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, results: list[PoseResult], scale: float) -> None:
        self._results, self._scale = results, scale

    def reset(self) -> None: ...

    def close(self) -> None: ...

    def estimate(self, frame: Frame) -> PoseResult:
        i = frame.index % (2 * len(self._results))
        one = self._results[min(i, 2 * len(self._results) - 1 - i)]
        height, width = frame.image.shape[:2]

        def at(pose: Pose | None) -> Pose | None:
            if pose is None:
                return None
            image = pose.image_xyz * np.float32(self._scale)
            return replace(
                pose, time_s=frame.time_s, index=frame.index, image_wh=(width, height), image_xyz=image
            )

        return replace(
            one, time_s=frame.time_s, index=frame.index, pose=at(one.pose), mirrored=at(one.mirrored)
        )

    def estimate_all(self, frames: Iterable[Frame]) -> Generator[PoseResult, None, None]:
        for frame in frames:
            yield self.estimate(frame)


@pytest.fixture(scope="module")
def known() -> Known:
    with VideoFile(CLIP) as video, BlazePose() as engine:
        return Known(list(engine.estimate_all(video)), WIDTH / video.width)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[np.ndarray]]:
    """The demo clip in small pictures, and the pictures."""
    path = tmp_path_factory.mktemp("small") / "small.mp4"
    pictures = []
    with VideoFile(CLIP) as video:
        size = WIDTH, round(WIDTH * video.height / video.width / 2) * 2
        with VideoWriter(path, *size, fps=FPS) as out:
            for frame in video:
                pictures.append(np.asarray(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)))
                out.write(pictures[-1], frame.index / FPS)
    return path, pictures


def analysed(known: Known, clip: Path, folder: Path, seconds: float) -> float:
    """Analyses the clip played again and again, in a process of its own; the most memory of that, MB.

    What an analysis leaves behind in the process, free but not given back, would count against the next.
    """
    importlib.import_module("formcheck.session.analyze").open_engine = lambda *a, **k: known
    annotate = importlib.import_module("formcheck.report.annotate")
    if seconds == HOUR_S:  # drawing keeps nothing, and would take half of the time

        def plain(image: np.ndarray, state: object) -> np.ndarray:
            width, height = annotate.canvas_size(image.shape[1], image.shape[0])
            return np.full((height, width, 3), state.rep % 200, np.uint8)  # type: ignore[attr-defined]

        annotate.draw_overlay = plain
    video = looped(clip, folder / f"{seconds:.0f}.mp4", seconds)
    out = OutputFolder(video, folder / f"{seconds:.0f}")
    out.prepare()
    begun = time.monotonic()
    forget_peak()
    analysis = analyze(video, "clam")
    read, until_now = time.monotonic() - begun, memory_mb("VmHWM")
    analysis = write_outputs(analysis, out)
    most = memory_mb("VmHWM")
    print(
        f"{len(analysis.track)} frames, {len(analysis.summary.reps)} repetitions: at most "
        f"{until_now:.1f} MB until judged ({read:.0f} s), {most:.1f} MB until written "
        f"({time.monotonic() - begun - read:.0f} s)",
        flush=True,
    )
    assert len(analysis.track) == pytest.approx(seconds * FPS, rel=0.03)
    assert len(analysis.summary.reps) > seconds / 10
    with open_session(out.session) as session:
        assert len(session.time_s) == len(analysis.track)
    assert sum(1 for _ in out.frames.open()) == len(analysis.track) + 1
    return most


def test_an_hour_of_video_takes_no_more_memory_than_five_minutes(
    known: Known, small: tuple[Path, list[np.ndarray]], tmp_path: Path
) -> None:
    most = {}
    for seconds in (300.0, HOUR_S):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            most[seconds] = pool.submit(analysed, known, small[0], tmp_path, seconds).result()
    assert most[HOUR_S] - most[300.0] < FLAT_MB


def test_an_hour_of_live_practice_does_not_grow(
    known: Known, small: tuple[Path, list[np.ndarray]], tmp_path: Path
) -> None:
    pictures = small[1]
    height, width = pictures[0].shape[:2]
    definition = load_definition("clam")
    plan = SessionPlan(definition, sets=60, reps=20, rest_s=20.0, views=tuple(definition.views))
    flow = Flow(Words(), {}, lambda name: (plan, PastPractice()), "clam")
    practice = LiveEngine(definition, position_check(definition, None, plan.views))
    facts = SessionFacts("2030-01-01", None, "en", "video", 60, 20, "clip", "blazepose-onnx", "full")
    log, blend, page = LiveLog(definition, facts), Blend(), ""
    meta = SessionMeta(
        "0", facts.started, "clip", (width, height), "clam", None, "unknown", facts.engine, facts.model, {},
        tuple(definition.measures), definition.counting.signal, live="{}",
    )  # fmt: skip
    recorder = Recorder(tmp_path / "session", meta, definition, video=True)
    still = list(range(27))
    order = itertools.chain((still + still[::-1]) * 2, itertools.count())
    marks = {}
    frames = int(HOUR_S * FPS)
    begun = time.monotonic()
    forget_peak()
    for i, source in zip(range(frames), order, strict=False):
        t = i / FPS
        frame = Frame(pictures[i % len(pictures)], t, i)
        answer = known.estimate(replace(frame, index=source))
        seen = blend(answer, t, i, (width, height))
        if i == 0:
            for step in range(10):
                flow.tick(step / 100)
                flow.press(KEYS.get(flow.step, ""))
            flow.restart_clock()
        moment = practice.update(seen)
        rep = log.frame(seen, moment)
        recorder.frame(seen, moment, rep_under_way(log, moment), frame.image)
        if rep is not None:
            recorder.rep(rep)
        flow.frame(moment)
        for message in flow.take_messages():
            flow.spoken(message)
        for event in flow.take_events():
            if (ended := apply_event(event, practice, log)) is not None:
                recorder.rep(ended)
            recorder.event(event)
        if flow.step != page:
            page = flow.step
            flow.press(KEYS.get(page, ""))
        # No hour goes by in minutes outside a test.
        while recorder._rows.qsize() > 20 or recorder._pictures.qsize() > 10:
            time.sleep(0.001)
        if i % int(300 * FPS) == 0:
            marks[i] = memory_mb("VmHWM")
            forget_peak()
    marks[frames] = memory_mb("VmHWM")
    summary = log.summary(fps=FPS, dropped=0, complete=True)
    recorder.finish(summary)
    print(
        f"{len(log.reps)} repetitions in {time.monotonic() - begun:.0f} s, {recorder.pictures_left_out} "
        "pictures left out; most MB until so many minutes: "
        + ", ".join(f"{i / FPS / 60:.0f}: {mb:.1f}" for i, mb in marks.items())
    )
    assert not flow.over
    assert len(log.reps) > 400
    with open_session(tmp_path / "session") as session:
        assert len(session.time_s) == frames
    assert max(marks.values()) - marks[int(300 * FPS)] < FLAT_MB
