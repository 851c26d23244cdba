"""The camera's live picture in the settings: switched on when it is looked at, and off when nobody looks."""

from __future__ import annotations

import threading
from collections.abc import Callable

import cv2
import numpy as np

from formcheck.errors import FormcheckError
from formcheck.video.file import turn_picture
from formcheck.video.live_source import LiveSource

#: Nobody has asked for a picture for so long: the camera goes off.
_IDLE_S = 3.0
_WAIT_S = 0.5
_QUALITY = 80  # of JPEG, 0 to 100


class Viewfinder:
    """Pictures of one camera, one after the other; nothing is kept.

    Args:
        open_source: makes the source of a camera, not opened yet.
        idle_s: the camera goes off after so long without a look, s.
    """

    def __init__(self, open_source: Callable[[str | None], LiveSource], idle_s: float = _IDLE_S) -> None:
        self._open_source = open_source
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._source: LiveSource | None = None
        self._camera: str | None = None
        self._timer: threading.Timer | None = None
        self._newest: bytes = b""

    def picture(self, camera: str | None, rotate: int) -> bytes:
        """The newest picture, mirrored, as JPEG; the camera is switched on if it is off.

        Args:
            camera: which, see `formcheck.video.open.open_source`.
            rotate: degrees clockwise by which it is turned.

        Raises:
            FormcheckError: it cannot be opened, or gives no picture.
        """
        with self._lock:
            if self._source is not None and camera != self._camera:
                self._let_go()
            if self._source is None:
                source = self._open_source(camera)
                source.open()  # closes itself where it raises
                self._source, self._camera, self._newest = source, camera, b""
            self._look_again()
            frame = self._source.latest(_WAIT_S)
            if frame is not None:
                turned = turn_picture(frame.image, rotate)[:, ::-1]
                done, data = cv2.imencode(
                    ".jpg", np.ascontiguousarray(turned), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
                )
                self._newest = data.tobytes() if done else b""
            if not self._newest:
                raise FormcheckError(self._source.problem or "The camera gives no picture.")
            return self._newest

    def close(self) -> None:
        """Switch the camera off; safe to call at any time."""
        with self._lock:
            self._let_go()

    def _look_again(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._idle_s, self.close)
        self._timer.daemon = True
        self._timer.start()

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._source is not None:
            self._source.close()
        self._source, self._newest = None, b""
