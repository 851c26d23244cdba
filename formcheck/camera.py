"""Live pictures: a camera, or a clip played as if it were one. Always the newest picture, never a queue.

All sources look the same to the live loop (`LiveSource`): open it, ask for the latest frame again and again,
close it. Frames nobody asked for in time are dropped and counted. Every frame's time is its own capture time
on the source's clock, which starts when the source is opened and goes on through a loss of the camera.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.capture import (
    Capture,
    Opener,
    busy_sentence,
    gone_sentence,
    name_of,
    open_capture,
    parse_address,
)
from formcheck.errors import FormcheckError
from formcheck.sources import Frame, VideoFile

LiveFrame = Frame
State = Literal["running", "lost", "ended"]

OPEN_S = 20.0  # some drivers take long; an address gives up by itself after a quarter of this
FIRST_PICTURE_S = 5.0  # from opened to the first picture, while the sensor starts
GIVE_UP_S = 0.5  # no picture for so long = the camera has gone; less is a hiccup
STALL_S = 3.0  # a driver that does not even say so, and the same picture over and over
RETRY_S = 1.0
CLOSE_S = 1.0
WARM_UP_S = 2.0
BLACK_MEAN = 8.0  # of 255: what sensors give before their first exposure; a dark room is brighter
MAX_SIDE_PX = 1280  # phones send 4K; beyond this nothing gets better, only slower
SAME_SHAPE = 0.02
TICK_S = 1e-6

# Not time.monotonic: before Python 3.13 that moves in steps of 16 ms on Windows, half a frame.
_clock = time.perf_counter


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
        """Let go of the camera or file, within about a second whatever it does. Safe to call twice."""
        ...


def open_source(camera: str | None = None, clip: Path | None = None) -> LiveSource:
    """The source that the command line names, not opened yet.

    Args:
        camera: number, device path or URL; None is the first camera, unless a clip is given.
        clip: a video file to play as if it were the camera.

    Raises:
        FormcheckError: both were given.
    """
    if camera is not None and clip is not None:
        raise FormcheckError("Give either a camera or a clip to play (--camera or --source), not both.")
    return ClipSource(clip) if clip is not None else Camera(camera if camera is not None else "0")


class _Rate:
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


class Camera:
    """A camera of this computer or of the home network; see `LiveSource`.

    One thread captures; the time of a frame is taken the moment it was grabbed. A camera that goes away (it
    gives no picture for 0.5 s, its driver hangs, or the very same picture comes for 3 s) is ``"lost"`` and is
    opened again about once a second by that same thread; frames then go on with the same clock.

    All frames have the size of the first picture (at most 1280 px on a side): a later picture of another size
    is scaled to it, with black bars if its shape differs. Black pictures of the first two seconds, while the
    sensor warms up, are left out.

    Args:
        address: number, device path, or ``http://`` / ``rtsp://`` URL of the home network.
        size: (width, height) to ask for, px.
        fps: frame rate to ask for, frames per second.
        opener: opens a capture; another one in tests.
        clock: seconds, ever increasing.
    """

    def __init__(
        self,
        address: int | str = 0,
        size: tuple[int, int] = (640, 480),
        fps: float = 30.0,
        *,
        opener: Opener = open_capture,
        clock: Callable[[], float] = _clock,
    ) -> None:
        self._given = address
        self._asked = (size, fps)
        self._opener = opener
        self._clock = clock
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._address: int | str = 0
        self._origin_s = 0.0
        # Below: shared, behind self._news.
        self._state: State = "ended"
        self._problem = ""
        self._error: FormcheckError | None = None
        self._started = False
        self._newest: Frame | None = None
        self._dropped = 0
        self._count = 0
        self._size = (0, 0)
        self._rate = _Rate()
        self._last_s = -TICK_S
        self._last_sign_s = 0.0
        # The capturing thread's own.
        self._seen: NDArray[np.uint8] | None = None
        self._seen_since_s = 0.0
        self._opened_s = 0.0
        self._warm = False

    # -- what the live loop sees -------------------------------------------------------------------------

    @property
    def state(self) -> State:
        with self._news:
            stalled = self._clock() - self._last_sign_s > STALL_S
            return "lost" if self._state == "running" and stalled else self._state

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

    @property
    def problem(self) -> str:
        if self.state != "lost":
            return ""
        with self._news:
            return self._problem or f"{name_of(self._address)} has stopped sending pictures."

    def now_s(self) -> float:
        return self._clock() - self._origin_s

    def open(self) -> None:
        if self._thread is not None:
            raise RuntimeError("a camera is opened once")
        self._address = parse_address(self._given)
        self._origin_s = self._last_sign_s = self._clock()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()
        with self._news:
            answered = self._news.wait_for(lambda: self._started or self._error is not None, OPEN_S)
            error = self._error
        if not answered:
            error = FormcheckError(
                f"{name_of(self._address)} does not answer: unplug it and plug it in again, or restart the "
                "computer."
            )
        if error is not None:
            self.close()
            raise error

    def latest(self, timeout_s: float) -> LiveFrame | None:
        with self._news:
            self._news.wait_for(lambda: self._newest is not None or self._state == "ended", timeout_s)
            frame, self._newest = self._newest, None
            return frame

    def close(self) -> None:
        self._stop.set()
        with self._news:
            self._state = "ended"
            self._newest = None
            self._news.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            # A driver that hangs inside grab() cannot be ended from here. Its thread lets go of the camera
            # when the driver answers, and being a daemon never keeps the program from ending.
            self._thread.join(CLOSE_S)

    # -- the capturing thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            capture: Capture | None = None
            try:
                capture = self._opener(self._address, *self._asked)
                self._opened_s, self._warm = self._clock(), False
                self._read(capture)
            except FormcheckError as error:
                self._lose(str(error))
            finally:
                if capture is not None:
                    with suppress(Exception):  # drivers may throw anything at a camera that is gone
                        capture.release()
            with self._news:
                if self._error is not None:
                    return
            self._stop.wait(RETRY_S)

    def _read(self, capture: Capture) -> None:
        """Capture until the camera is lost or the source is closed."""
        failing_since: float | None = None
        while not self._stop.is_set():
            image = None
            grabbed = capture.grab()
            now = self._clock()
            if grabbed:
                image = capture.retrieve()
            if image is not None and image.size:
                failing_since = None
                if not self._take(image, now):
                    return
                continue
            failing_since = now if failing_since is None else failing_since
            if now - failing_since >= (GIVE_UP_S if self._started else FIRST_PICTURE_S):
                self._seen = None  # whatever it shows when it is back counts
                self._lose(gone_sentence(self._address) if self._started else busy_sentence(self._address))
                return
            self._stop.wait(0.01)

    def _lose(self, why: str) -> None:
        with self._news:
            self._problem = why
            if self._started:
                if self._state == "running":
                    self._state = "lost"
            else:
                self._error = FormcheckError(why)
            self._news.notify_all()

    def _take(self, image: NDArray[np.uint8], now: float) -> bool:
        """Put a picture where `latest` finds it; False if the camera shows the same one for too long."""
        new = self._is_new(image)
        if new:
            self._seen_since_s = now
        frozen = now - max(self._seen_since_s, self._opened_s) > STALL_S
        black = not self._warm and float(image[::8, ::8].mean()) < BLACK_MEAN
        black = black and now - self._opened_s < WARM_UP_S
        self._warm = self._warm or not black
        with self._news:
            first = not self._started
            if first:
                self._started = True
                self._size = _within(image.shape[1], image.shape[0])
                if self._state == "ended" and not self._stop.is_set():
                    self._state = "running"
            self._last_sign_s = now
            self._news.notify_all()
        if frozen:
            self._lose(
                f"{name_of(self._address)} shows the same picture over and over: unplug it and plug it in."
            )
            return False
        with self._news:
            if self._state == "lost" and not new:
                return True  # opened again and still frozen
        if black:
            return True
        fitted = _fit(image, self._size)
        with self._news:
            if self._stop.is_set():
                return False
            if self._state == "lost":
                self._state, self._problem = "running", ""
            if self._newest is not None:
                self._dropped += 1
            self._last_s = max(now - self._origin_s, self._last_s + TICK_S)
            self._newest = Frame(fitted, self._last_s, self._count)
            self._count += 1
            self._rate.add(self._last_s)
            self._news.notify_all()
        return True

    def _is_new(self, image: NDArray[np.uint8]) -> bool:
        """Whether this picture differs from the one before.

        A sensor's noise makes every real picture differ somewhere. One flat colour says nothing: a covered
        lens gives exactly that, and is dark, not frozen.
        """
        some = image[::4, ::4].copy()
        same = (
            self._seen is not None
            and some.shape == self._seen.shape
            and some.min() != some.max()
            and np.array_equal(some, self._seen)
        )
        self._seen = some
        return not same


def _within(width: int, height: int) -> tuple[int, int]:
    """The size itself, or the same shape with its longer side at `MAX_SIDE_PX` and even sides (for H.264)."""
    scale = MAX_SIDE_PX / max(width, height)
    if scale >= 1:
        return width, height
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _fit(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture in this size: scaled, with black bars where its shape differs, never squeezed."""
    if image.ndim == 2:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    shrinks = size[0] * size[1] < width * height
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if abs((width / height) / (size[0] / size[1]) - 1) <= SAME_SHAPE:
        return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)
    scale = min(size[0] / width, size[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    out = np.zeros((size[1], size[0], 3), np.uint8)
    out[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner, interpolation=how)
    return out


class ClipSource:
    """A video file played as if it were the camera; see `LiveSource`.

    Its frames come due at the file's own times, counted from `open`; a thread decodes a few ahead. Asking
    late drops what has been overtaken meanwhile, as with a camera. A frame's time is the file's own (plus the
    length of the earlier rounds, with ``loop``).

    Args:
        path: the video file.
        loop: start again at the end, without a break.
        paced: False hands out every frame, as fast as it is asked for, none dropped; `now_s` is then the time
            of the last frame.
        clock: seconds, ever increasing.
        sleep: waits so many seconds.
    """

    AHEAD = 8

    def __init__(
        self,
        path: Path | str,
        loop: bool = False,
        *,
        paced: bool = True,
        clock: Callable[[], float] = _clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = Path(path)
        self._loop = loop
        self._paced = paced
        self._clock = clock
        self._sleep = sleep
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._origin_s = 0.0
        self._ready: deque[Frame] = deque()
        self._playing = False
        self._decoded_all = True
        self._closed = False
        self._problem = ""
        self._dropped = 0
        self._last_s = 0.0
        self._rate = _Rate()
        self._size = (0, 0)

    @property
    def state(self) -> State:
        with self._news:
            return "ended" if self._over() else "running"

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
        return self._size

    @property
    def problem(self) -> str:
        with self._news:
            return self._problem

    def now_s(self) -> float:
        return self._clock() - self._origin_s if self._paced else self._last_s

    def open(self) -> None:
        if self._thread is not None:
            raise RuntimeError("a clip is opened once")
        video = VideoFile(self._path)
        self._size = (video.width, video.height)
        self._decoded_all = False
        self._thread = threading.Thread(target=self._decode, args=(video,), name="clip", daemon=True)
        self._thread.start()
        with self._news:
            self._news.wait_for(lambda: self._ready or self._decoded_all, OPEN_S)
            error = self._problem if not self._ready else ""
            self._origin_s = self._clock()  # starting the decoder is not part of the clip
            self._playing = True
        if error:
            self.close()
            raise FormcheckError(error)

    def latest(self, timeout_s: float) -> LiveFrame | None:
        if not self._paced:
            with self._news:
                self._news.wait_for(lambda: self._ready or self._over(), timeout_s)
                return self._hand_out(self._ready.popleft()) if self._ready else None
        deadline = self._clock() + timeout_s
        frame = self._newest_due(timeout_s)
        while frame is None and self.state == "running":
            now = self._clock()
            if now >= deadline:
                break
            with self._news:
                due = self._origin_s + self._ready[0].time_s if self._ready else now + 0.005
            # Never zero: a clock that is a hair behind must still get there.
            self._sleep(max(1e-4, min(due, deadline) - now))
            frame = self._newest_due(deadline - self._clock())
        return frame

    def _newest_due(self, patience_s: float) -> Frame | None:
        """Take the newest frame that is due by now, and drop those before it."""
        now = self.now_s()
        frame = None
        with self._news:
            while True:
                while self._ready and self._ready[0].time_s <= now:
                    if frame is not None:
                        self._drop(frame)
                    frame = self._ready.popleft()
                    self._news.notify_all()
                # With frames overdue, only the decoder knows whether a newer one is due as well.
                if self._ready or self._decoded_all or self._closed:
                    break
                if not self._news.wait_for(
                    lambda: self._ready or self._decoded_all or self._closed, max(0.0, patience_s)
                ):
                    break
            return self._hand_out(frame) if frame is not None else None

    def close(self) -> None:
        with self._news:
            self._closed = True
            self._ready.clear()
            self._news.notify_all()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _over(self) -> bool:
        return self._closed or (self._decoded_all and not self._ready)

    def _hand_out(self, frame: Frame) -> Frame:
        self._last_s = frame.time_s
        self._rate.add(frame.time_s)
        self._news.notify_all()
        return frame

    def _drop(self, frame: Frame) -> None:
        self._dropped += 1
        self._rate.add(frame.time_s)

    # -- the decoding thread -----------------------------------------------------------------------------

    def _decode(self, video: VideoFile) -> None:
        index, start_s, last_s = 0, 0.0, 0.0
        try:
            while True:
                for frame in video:
                    last_s = start_s + frame.time_s
                    if not self._put(Frame(frame.image, last_s, index)):
                        return
                    index += 1
                start_s = last_s + 1 / video.fps
                if not self._loop:
                    return
        except FormcheckError as error:
            with self._news:
                self._problem = str(error)
        finally:
            video.close()
            with self._news:
                self._decoded_all = True
                self._news.notify_all()

    def _put(self, frame: Frame) -> bool:
        """Keep a frame for `latest`; False once the source is closed."""
        with self._news:
            while len(self._ready) >= self.AHEAD and not self._closed:
                if not self._paced:
                    self._news.wait()
                    continue
                # Nobody may be asking: what has been overtaken makes room.
                wait_s = self._origin_s + self._ready[1].time_s - self._clock()
                if self._playing and wait_s <= 0:
                    self._drop(self._ready.popleft())
                else:
                    self._news.wait(min(max(wait_s, 0.002), 0.05))
            if self._closed:
                return False
            self._ready.append(frame)
            self._news.notify_all()
            return True
