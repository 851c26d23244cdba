"""A clip played as if it were the camera."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from formcheck.errors import FormcheckError
from formcheck.video.file import Frame, VideoFile
from formcheck.video.live_source import OPEN_S, LiveFrame, SharedCounts, State, live_clock


class ClipSource(SharedCounts):
    """A video file played as if it were the camera; see `live_source.LiveSource`.

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
        clock: Callable[[], float] = live_clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        self._path = Path(path)
        self._loop = loop
        self._paced = paced
        self._clock = clock
        self._sleep = sleep
        self._thread: threading.Thread | None = None
        self._origin_s = 0.0
        self._ready: deque[Frame] = deque()
        self._playing = False
        self._decoded_all = True
        self._closed = False
        self._problem = ""
        self._last_s = 0.0

    @property
    def state(self) -> State:
        with self._news:
            return "ended" if self._over() else "running"

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
            self._thread.join()  # at most one more picture is decoded

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
