"""Live pictures that a phone sends: a source like a camera of this computer, fed by what comes.

Who receives them (`formcheck.coach.phone.camera_link`) has put their times on this computer's clock; here
they become frames, the newest only.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.errors import FormcheckError
from formcheck.video.camera import MAX_SIDE_PX, TICK_S, fitted, size_within
from formcheck.video.file import Frame, turn_picture
from formcheck.video.live_source import LiveFrame, SharedCounts, State, live_clock

#: From wanted to the first picture: a page asks three times a second whether it is.
FIRST_S = 8.0
#: No picture for so long and the phone is away. A home Wi-Fi stumbles longer than a cable [D].
LOST_S = 1.5
#: A picture that was longer on its way tells nothing of now.
OLDEST_S = 2.0
#: What a phone may send: a picture of 640 px takes 30 to 60 kB.
MOST_BYTES = 600_000
_LEAST_SIDE_PX = 32
#: A picture that comes in steps has about ten of them; each costs as much as a whole one.
_MOST_SCANS = 20
_NO_PICTURE = "This is no picture that a phone sends."
_SILENT = (
    "The phone sends no pictures: wake it up, and see that its page is in front and that it is in the same "
    "Wi-Fi."
)


class PhoneCamera(SharedCounts):
    """The camera of a phone; see `LiveSource`.

    All frames have the size of the first; one of another size is scaled to it, with black bars if its shape
    differs. While nothing comes it is ``"lost"``; it goes on by itself.

    Args:
        clock: seconds, ever increasing; that of the times in `put`.
        open_s: how long `open` waits for the first picture.
    """

    def __init__(self, *, clock: Callable[[], float] = live_clock, open_s: float = FIRST_S) -> None:
        super().__init__()
        self._clock = clock
        self._open_s = open_s
        self._origin_s = 0.0
        self._wanted = False
        self._heard_s = -math.inf
        self._newest: Frame | None = None
        self._count = 0
        self._last_s = -TICK_S

    @property
    def wanted(self) -> bool:
        """Whether the phone is to send pictures: between `open` and `close` only."""
        with self._news:
            return self._wanted

    @property
    def state(self) -> State:
        with self._news:
            if not self._wanted:
                return "ended"
            return "lost" if self._clock() - self._heard_s > LOST_S else "running"

    @property
    def problem(self) -> str:
        return _SILENT if self.state == "lost" else ""

    def now_s(self) -> float:
        return self._clock() - self._origin_s

    def open(self) -> None:
        with self._news:
            self._origin_s = self._clock()
            self._newest, self._last_s = None, -TICK_S
            self._wanted = True
            before = self._count
            came = self._news.wait_for(lambda: self._count > before or not self._wanted, self._open_s)
            if not came:
                self._wanted = False
        if not came:
            raise FormcheckError(_SILENT)

    def latest(self, timeout_s: float) -> LiveFrame | None:
        with self._news:
            self._news.wait_for(lambda: self._newest is not None or not self._wanted, timeout_s)
            frame, self._newest = self._newest, None
            return frame

    def close(self) -> None:
        with self._news:
            self._wanted = False
            self._newest = None
            self._news.notify_all()

    def put(self, image: NDArray[np.uint8], taken_s: float, *, turn: int = 0, skipped: int = 0) -> None:
        """A picture that has come.

        Args:
            image: ``(height, width, 3)`` uint8 BGR.
            taken_s: when it was taken, on `clock`; what lies in the future was taken now.
            turn: degrees clockwise by which it is to be turned to stand upright: 0, 90, 180 or 270.
            skipped: pictures that the phone took since the one before, and did not send.
        """
        image = turn_picture(image, turn)
        with self._news:
            if not self._wanted:
                return
            now = self._clock()
            self._dropped += skipped
            time_s = min(taken_s, now) - self._origin_s
            if now - taken_s > OLDEST_S or time_s <= self._last_s:  # overtaken by a newer one
                self._dropped += 1
                return
            if self._size == (0, 0):
                self._size = size_within(image.shape[1], image.shape[0])
            if self._newest is not None:
                self._dropped += 1
            self._last_s, self._heard_s = time_s, now
            self._newest = Frame(fitted(image, self._size), time_s, self._count)
            self._count += 1
            self._rate.add(time_s)
            self._news.notify_all()

    def skip(self, count: int) -> None:
        """So many pictures came and were not looked at, because a newer one was there first."""
        with self._news:
            self._dropped += count if self._wanted else 0


def picture_of(jpeg: bytes) -> NDArray[np.uint8]:
    """The picture in a JPEG file from anybody, ``(height, width, 3)`` uint8 BGR, as it is stored.

    It is not decoded before its size is known to be moderate.

    Raises:
        FormcheckError: it is none, it is broken, or its sides are not within 32 and 1280 px.
    """
    size = _jpeg_size(jpeg)
    if size is None or min(size) < _LEAST_SIDE_PX or max(size) > MAX_SIDE_PX:
        raise FormcheckError(_NO_PICTURE)
    if not jpeg.endswith(b"\xff\xd9") or jpeg.count(b"\xff\xda") > _MOST_SCANS:
        raise FormcheckError(_NO_PICTURE)
    try:
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        image = None
    if image is None or (image.shape[1], image.shape[0]) != size:
        raise FormcheckError(_NO_PICTURE)
    return np.asarray(image, np.uint8)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height as a JPEG file tells them, px; None for what is no plain JPEG file."""
    if len(data) > MOST_BYTES or data[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in (0xC0, 0xC1, 0xC2):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        # Tables and remarks may come before the size, and nothing else that a decoder would read otherwise.
        if marker not in (0xC4, 0xDB, 0xDD, 0xFE) and not 0xE0 <= marker <= 0xEF:
            return None
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
