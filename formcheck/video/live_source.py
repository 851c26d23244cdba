"""What the live loop asks of a source of frames, and what all sources share.

Always the newest picture, never a queue: frames nobody asked for in time are dropped and counted. Every
frame's time is its own capture time on the source's clock, which starts when the source is opened.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Literal, Protocol

from formcheck.video.file import Frame

LiveFrame = Frame
State = Literal["running", "lost", "ended"]

OPEN_S = 20.0  # some drivers take long; an address gives up by itself after a quarter of this
CLOSE_S = 1.0

# Not time.monotonic: before Python 3.13 that moves in steps of 16 ms on Windows, half a frame.
live_clock = time.perf_counter


class LiveSource(Protocol):
    """Where live frames come from.

    Attributes:
        state: ``"running"``; ``"lost"`` while the camera is away (it goes on by itself when it is back);
            ``"ended"`` before `open`, after `close`, and once a clip is over.
        dropped: frames that were captured and never handed out, because a newer one was there first.
        fps: frames per second that really arrive, over the last two seconds; 0.0 while not known.
        size: (width, height) of every frame, px; (0, 0) before `open`.
        problem: one sentence on why the source is lost or ended early, else "".
    """

    @property
    def state(self) -> State: ...

    @property
    def dropped(self) -> int: ...

    @property
    def fps(self) -> float: ...

    @property
    def size(self) -> tuple[int, int]: ...

    @property
    def problem(self) -> str: ...

    def open(self) -> None:
        """Start. A source is opened once.

        Raises:
            FormcheckError: one sentence: missing, busy, not reachable, not readable.
        """
        ...

    def latest(self, timeout_s: float) -> LiveFrame | None:
        """The newest frame not handed out before, waiting at most so long for one; None if none came.

        Times strictly increase. At the end, and after `close`, it returns None without waiting.
        """
        ...

    def now_s(self) -> float:
        """This moment on the clock of the frames' times, in seconds (for latencies)."""
        ...

    def close(self) -> None:
        """Let go of the camera or file; of a camera within about a second, whatever its driver does.

        Safe to call twice.
        """
        ...


class SharedCounts:
    """What a source's own thread counts and the live loop reads, behind one lock."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._dropped = 0
        self._size = (0, 0)
        self._rate = Rate()

    @property
    def dropped(self) -> int:
        with self._news:
            return self._dropped

    @property
    def fps(self) -> float:
        with self._news:
            return self._rate.fps

    @property
    def size(self) -> tuple[int, int]:
        with self._news:
            return self._size


class Rate:
    """Frames per second over the last two seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=512)

    def add(self, time_s: float) -> None:
        self._times.append(time_s)
        while self._times[-1] - self._times[0] > 2.0 and len(self._times) > 2:
            self._times.popleft()

    @property
    def fps(self) -> float:
        times = list(self._times)
        if len(times) < 2 or times[-1] <= times[0]:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])
