"""Live pictures from a camera.

A camera and a clip look the same to the live loop (`LiveSource`): open it, ask for the latest frame again and
again, close it. A camera's clock goes on while the camera is lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.errors import FormcheckError
from formcheck.video.capture import (
    Capture,
    Opener,
    busy_sentence,
    gone_sentence,
    name_of,
    open_capture,
    parse_address,
)
from formcheck.video.file import Frame
from formcheck.video.live_source import (
    CLOSE_S,
    OPEN_S,
    LiveFrame,
    SharedCounts,
    State,
    live_clock,
)

FIRST_PICTURE_S = 5.0  # from opened to the first picture, while the sensor starts
GIVE_UP_S = 0.5  # no picture for so long = the camera has gone; less is a hiccup
STALL_S = 3.0  # a driver that does not even say so, and the same picture over and over
RETRY_S = 1.0
WARM_UP_S = 2.0
BLACK_MEAN = 8.0  # of 255: what sensors give before their first exposure; a dark room is brighter
MAX_SIDE_PX = 1280  # phones send 4K; beyond this nothing gets better, only slower
SAME_SHAPE = 0.02
TICK_S = 1e-6


class Camera(SharedCounts):
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
        clock: Callable[[], float] = live_clock,
    ) -> None:
        super().__init__()
        self._given = address
        self._asked = (size, fps)
        self._opener = opener
        self._clock = clock
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
        self._count = 0
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
            # when the driver answers; if it never does, the program leaves without it (`formcheck.__main__`).
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
                self._size = size_within(image.shape[1], image.shape[0])
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
        image = fitted(image, self._size)
        with self._news:
            if self._stop.is_set():
                return False
            if self._state == "lost":
                self._state, self._problem = "running", ""
            if self._newest is not None:
                self._dropped += 1
            self._last_s = max(now - self._origin_s, self._last_s + TICK_S)
            self._newest = Frame(image, self._last_s, self._count)
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


def size_within(width: int, height: int) -> tuple[int, int]:
    """The size itself, or the same shape with its longer side at `MAX_SIDE_PX` and even sides (for H.264)."""
    scale = MAX_SIDE_PX / max(width, height)
    if scale >= 1:
        return width, height
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def fitted(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
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
