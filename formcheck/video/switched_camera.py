"""Two cameras of which one is used at a time: that of this computer, and a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from formcheck.video.camera import TICK_S, fitted
from formcheck.video.file import Frame, turn_picture
from formcheck.video.live_source import LiveFrame, LiveSource, State, live_clock

Which = Literal["phone", "computer"]


class SwitchedCamera:
    """A phone's camera that may be changed for this computer's, and back; see `LiveSource`.

    One clock goes on from one to the other, and all frames have the size of the first one's.

    Args:
        phone: the phone's camera; it is opened first.
        computer: makes the source of this computer's camera.
        rotate: degrees clockwise by which the pictures of this computer's camera are turned.
        clock: seconds, ever increasing.
    """

    def __init__(
        self,
        phone: LiveSource,
        computer: Callable[[], LiveSource],
        rotate: int = 0,
        *,
        clock: Callable[[], float] = live_clock,
    ) -> None:
        self._phone, self._make_computer = phone, computer
        self._rotate = rotate
        self._clock = clock
        self._origin_s = 0.0
        self._which: Which = "phone"
        self._source: LiveSource = phone
        self._apart_s = 0.0  # what to add to the times of the source
        self._dropped = 0  # of the sources before
        self._size = (0, 0)
        self._last_s = -TICK_S
        self._count = 0

    @property
    def which(self) -> Which:
        """The one that is used."""
        return self._which

    @property
    def state(self) -> State:
        return self._source.state

    @property
    def dropped(self) -> int:
        return self._dropped + self._source.dropped

    @property
    def fps(self) -> float:
        return self._source.fps

    @property
    def size(self) -> tuple[int, int]:
        return self._size if self._size != (0, 0) else self._source.size

    @property
    def problem(self) -> str:
        return self._source.problem

    def now_s(self) -> float:
        return self._clock() - self._origin_s

    def open(self) -> None:
        self._origin_s = self._clock()
        self._source.open()
        self._apart_s = self.now_s() - self._source.now_s()

    def change(self) -> None:
        """Use the other one from now on; called by who asks for frames. The one before is closed then.

        Raises:
            FormcheckError: the other one cannot be opened; this one stays.
        """
        to_phone = self._which == "computer"
        other = self._phone if to_phone else self._make_computer()
        other.open()
        before, dropped = self._source, self.dropped
        self._source, self._which = other, "phone" if to_phone else "computer"
        self._dropped = dropped - other.dropped
        self._apart_s = self.now_s() - other.now_s()
        before.close()

    def latest(self, timeout_s: float) -> LiveFrame | None:
        frame = self._source.latest(timeout_s)
        if frame is None:
            return None
        image = turn_picture(frame.image, self._rotate) if self._which == "computer" else frame.image
        if self._size == (0, 0):
            self._size = image.shape[1], image.shape[0]
        self._last_s = max(frame.time_s + self._apart_s, self._last_s + TICK_S)
        self._count += 1
        return Frame(fitted(image, self._size), self._last_s, self._count - 1)

    def close(self) -> None:
        self._source.close()
