"""Whole live sessions to test with: made people, a made camera, a window and a voice that only remember.

What the camera would show is made by `skeleton`; the pose engine hands out its landmarks. Everything between
(engine, flow, policy, recorder, replay) is the real thing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import numpy as np
from skeleton import (
    Camera,
    Rep,
    bridge,
    bridge_lift_for,
    clam,
    film,
    repetitions,
    results,
)

from formcheck.coach.flow import Flow
from formcheck.coach.live import LiveOptions, LiveResult, LiveSession
from formcheck.coach.message import Say, Tone
from formcheck.coach.pages.window import Closed, FakeWindow, Input, Key
from formcheck.coach.plan import PastPractice, SessionPlan, wanted_views
from formcheck.exercises.definition import EXERCISES, Definition, load_definition
from formcheck.phone.sample import PhoneSource
from formcheck.pose import live as live_pose
from formcheck.pose.landmarks import PoseResult
from formcheck.pose.track import Track
from formcheck.video.file import Frame
from formcheck.words import Words

STRAIGHT_M = bridge_lift_for(178.0)
SIDE, FRONT = Camera(yaw_deg=4, height_m=0.3), Camera(yaw_deg=-2, height_m=0.35)
REP = Rep(1.9, 0.8, 2.0, 1.0)
STRETCH = Rep(3.0, 20.0, 3.0, 4.0)
FIRST_TIME = PastPractice()
PICTURE = np.full((720, 1280, 3), 120, np.uint8)


def shot(
    exercise: str, reps: Sequence[Rep], fps: float = 15.0, lead_s: float = 3.2, **faults: float
) -> Track:
    """A person doing repetitions; faults grow with the level."""
    time_s, level, _ = repetitions(list(reps), fps=fps, lead_s=lead_s)
    make = bridge if exercise == "bridge" else clam
    top = STRAIGHT_M if exercise == "bridge" else 32.0
    points = [make(top * x, **{k: v * x for k, v in faults.items()}) for x in level]
    return film(np.stack(points), time_s, SIDE if exercise == "bridge" else FRONT, noise_m=0.002)


@dataclass
class MadeCamera:
    """Hands out frames at given times, none waiting, as `LiveSource` does; may be lost for a while."""

    times: Sequence[float]
    lost_between: tuple[float, float] = (-1.0, -1.0)
    opened: int = 0
    closed: int = 0
    dropped: int = 0
    fps: float = 30.0
    size: tuple[int, int] = (1280, 720)
    problem: str = ""
    patient: Patient | None = None  # on another thread: each page waits until it has been seen and answered
    _next: int = 0
    _now: float = 0.0

    @property
    def state(self) -> str:
        if self._next >= len(self.times):
            return "ended"
        a, b = self.lost_between
        return "lost" if a <= self._now < b else "running"

    def open(self) -> None:
        self.opened += 1

    def latest(self, timeout_s: float) -> Frame | None:
        if self._next >= len(self.times):
            return None
        if self.patient is not None and not self.patient.has_answered:
            time.sleep(0.001)
            return None
        if self.state == "lost":
            self._now += 0.1
            return None
        frame = Frame(PICTURE, float(self.times[self._next]), self._next)
        self._now = frame.time_s
        self._next += 1
        return frame

    def now_s(self) -> float:
        return self._now

    def close(self) -> None:
        self.closed += 1


class MadeEngine:
    """A pose engine that knows the answers, by frame number."""

    name, model = "made", "made"
    device, device_note = "cpu", ""
    model_sha256: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, answers: Sequence[PoseResult]) -> None:
        self._answers = answers

    def estimate(self, frame: Frame) -> PoseResult:
        return self._answers[frame.index]

    def reset(self) -> None: ...

    def close(self) -> None: ...

    def __enter__(self) -> MadeEngine:
        return self

    def __exit__(self, *error: object) -> None: ...


class ReadsNothing:
    """In place of what reads the turn of people who lie: the made picture shows nobody."""

    def __init__(self, net: object) -> None: ...

    def read(self, image: np.ndarray, pose: object, time_s: float) -> None: ...


@dataclass
class Heard:
    """A voice that remembers."""

    said: list[Say] = field(default_factory=list)
    tones: list[str] = field(default_factory=list)
    working: bool = True
    problem: str = ""
    busy: bool = False

    def say(self, say: Say) -> None:
        self.said.append(say)

    def play(self, tone: Tone) -> None:
        self.tones.append(tone.name)

    def close(self) -> None: ...

    @property
    def cues(self) -> list[str]:
        return [say.fault for say in self.said if say.fault is not None]

    @property
    def keys(self) -> list[str]:
        return [say.key for say in self.said]


class Patient(FakeWindow):
    """Presses the key that belongs to each page, once."""

    def __init__(self, flow: Flow, keys: dict[str, str], until_s: float = 1e9) -> None:
        super().__init__(size=(320, 180))
        self.steps: list[str] = []
        self._flow, self._keys = flow, keys
        self._pressed_at: str | None = None
        self._answered: str | None = None

    @property
    def has_answered(self) -> bool:
        """Whether the page of now has been seen, and its key pressed."""
        return self._answered == self._flow.step

    def show(self, image: np.ndarray) -> None:
        pass

    def events(self) -> list[Input]:
        step = self._flow.step
        if not self.steps or self.steps[-1] != step:
            self.steps.append(step)
        if step not in self._keys:
            self._pressed_at = None
        elif step != self._pressed_at:
            self._pressed_at = step
            key = self._keys[step]
            return [Closed()] if key == "closed" else [Key(key)]
        self._answered = step
        return []


KEYS = {
    "safety": "2", "settled": "1", "pain_before": "1", "pain_after": "1", "effort": "4",
    "summary": "enter", "stopped": "enter",
}  # fmt: skip


@dataclass
class Outcome:
    """What came of a session."""

    result: LiveResult
    heard: Heard
    patient: Patient
    camera: MadeCamera
    flow: Flow


def session(
    exercise: str,
    track: Track,
    folder: Path,
    *,
    keys: dict[str, str] | None = None,
    sets: int = 1,
    reps: int = 3,
    keep: Callable[[int], bool] | None = None,
    change: Callable[[PoseResult], PoseResult] = lambda r: r,
    history: PastPractice = FIRST_TIME,
    camera: Callable[[MadeCamera], MadeCamera] = lambda c: c,
    definition: Definition | None = None,
    voice: Heard | None = None,
    mute: bool = False,
    declared_view: bool = False,
    phone: Callable[[MadeCamera], PhoneSource] | None = None,
) -> Outcome:
    """Run a session to its end."""
    answers = results(track)
    answers = [change(r) for r in answers]
    if keep is not None:
        answers = [r for i, r in enumerate(answers) if keep(i)]
    made = camera(MadeCamera([r.time_s for r in answers]))
    words = Words()
    used = definition or load_definition(exercise)
    plan = SessionPlan(used, sets, reps, rest_s=1.0, views=wanted_views(used, None, None))
    choices = {name: load_definition(name) for name in EXERCISES}
    flow = Flow(words, choices, lambda name: (plan, history), exercise)
    heard, patient = voice or Heard(), Patient(flow, KEYS | (keys or {}))
    made.patient = patient
    options = LiveOptions(folder, clip=True, mute=mute, declared_view=declared_view)
    worn = phone(made) if phone is not None else None
    live = LiveSession(flow, lambda: made, MadeEngine(answers), heard, patient, options, phone=worn)
    with patch.object(live_pose, "LyingReader", ReadsNothing):
        return Outcome(live.run(), heard, patient, made, flow)


def stored(outcome: Outcome) -> Path:
    assert outcome.result.folder is not None
    return outcome.result.folder
