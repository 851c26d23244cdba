"""Blurs faces in video that is stored, for people who agree to video but not to their face in it.

The face is where the landmarks of the followed person put it. While they do not say, the whole picture is
blurred: a face that was missed once is stored for good. Other people in view are not blurred.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.pose.landmarks import Landmark

_FACE = [int(point) for point in Landmark if point <= Landmark.MOUTH_RIGHT]
_TRUNK = [
    Landmark.LEFT_SHOULDER,
    Landmark.RIGHT_SHOULDER,
    Landmark.LEFT_HIP,
    Landmark.RIGHT_HIP,
]
#: Radius of what is blurred: this many times the distance from the middle of the face to its farthest
#: landmark, and at least this share of the largest distance between shoulders and hips (a head is about
#: 0.23 m high, a trunk 0.50 m; half a head and a margin for landmarks that are off).
_SPREADS = 1.8
_TRUNK_SHARE = 0.38
#: What is left of a face is this many blocks across: people recognise faces they know from 7 × 10.
_FACE_BLOCKS = 4
#: A small face gets no finer blocks than this many across the picture.
_MOST_BLOCKS = 24
#: The whole picture, where nobody knows how large the face in it is: it may be right before the camera.
_PICTURE_BLOCKS = 6
#: The face stays where it was last seen for this long; then the whole picture is blurred.
KEEP_S = 0.5


class FaceBlur:
    """Blurs one person's face through a session."""

    def __init__(self) -> None:
        self._last: tuple[float, tuple[int, int], int] | None = None

    def __call__(
        self, image_bgr: NDArray[np.uint8], xy: NDArray[np.floating] | None, time_s: float
    ) -> NDArray[np.uint8]:
        """A blurred copy of one picture.

        Args:
            image_bgr: ``(height, width, 3)``; not changed.
            xy: ``(33, 2)`` landmarks, pixels, or None where nobody is seen.
            time_s: its time.
        """
        if xy is not None and np.isfinite(xy[_FACE]).all():
            self._last = (time_s, *_face(np.asarray(xy, np.float64)))
        if self._last is None or time_s - self._last[0] > KEEP_S:
            return _coarse(image_bgr, _PICTURE_BLOCKS)
        _, centre, radius = self._last
        mask = np.zeros(image_bgr.shape[:2], np.uint8)
        cv2.circle(mask, centre, radius, 255, -1)
        out = image_bgr.copy()
        blocks = round(_FACE_BLOCKS * image_bgr.shape[1] / (2 * radius))
        coarse = _coarse(image_bgr, min(max(blocks, _PICTURE_BLOCKS), _MOST_BLOCKS))
        out[mask > 0] = coarse[mask > 0]
        return out


def _face(xy: NDArray[np.float64]) -> tuple[tuple[int, int], int]:
    """Centre and radius of the face, pixels."""
    face = xy[_FACE]
    middle = face.mean(axis=0)
    spread = float(np.linalg.norm(face - middle, axis=1).max())
    trunk = xy[_TRUNK]
    size = max(float(np.linalg.norm(a - b)) for a in trunk for b in trunk)
    radius = max(_SPREADS * spread, _TRUNK_SHARE * size, 8.0)
    return (round(float(middle[0])), round(float(middle[1]))), round(radius)


def _coarse(image_bgr: NDArray[np.uint8], blocks: int) -> NDArray[np.uint8]:
    """The picture in so many blocks across, blurred."""
    height, width = image_bgr.shape[:2]
    small = cv2.resize(image_bgr, (blocks, max(2, blocks * height // width)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
