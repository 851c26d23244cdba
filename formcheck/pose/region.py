"""The square, turned region of a frame that the landmark model looks at.

As in the published BlazePose graph, a region is centred on the hips, reaches 1.25 times as far as the
circle around the whole body, and is turned so that the line from hips to shoulders points up in it. That
is why a lying person is as easy for the landmark model as a standing one, once the region is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

#: How far beyond the body circle the region reaches (published graph: RectTransformation scale 1.25).
REGION_SCALE = 1.25


@dataclass(frozen=True)
class Region:
    """A square region of a frame.

    Attributes:
        center_xy: centre in pixels.
        size: side length in pixels.
        rotation: radians, clockwise in the image; 0 = the body stands upright in the frame.
    """

    center_xy: tuple[float, float]
    size: float
    rotation: float

    @classmethod
    def from_alignment(cls, hips_xy: NDArray[np.floating], scale_xy: NDArray[np.floating]) -> Region:
        """Region from BlazePose's two alignment points.

        Args:
            hips_xy: ``(2,)`` centre of the hips, pixels.
            scale_xy: ``(2,)`` the point whose distance from the hips is the body circle's radius and
                whose direction is "up" along the body, pixels.
        """
        dx, dy = float(scale_xy[0] - hips_xy[0]), float(scale_xy[1] - hips_xy[1])
        rotation = math.pi / 2 - math.atan2(-dy, dx)
        rotation -= 2 * math.pi * math.floor((rotation + math.pi) / (2 * math.pi))
        size = 2 * math.hypot(dx, dy) * REGION_SCALE
        return cls((float(hips_xy[0]), float(hips_xy[1])), size, rotation)

    def to_frame(self, unit_xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map ``(n, 2)`` points from the region (0 to 1 both ways) to frame pixels."""
        c, s = math.cos(self.rotation), math.sin(self.rotation)
        off = (np.asarray(unit_xy, np.float64) - 0.5) * self.size
        x = self.center_xy[0] + off[:, 0] * c - off[:, 1] * s
        y = self.center_xy[1] + off[:, 0] * s + off[:, 1] * c
        return np.stack([x, y], axis=1)

    def crop(self, image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
        """Cut the region out of `image` as ``(side, side, 3)``.

        Outside the frame its edge is repeated, as in the published graph.
        """
        c, s = math.cos(self.rotation), math.sin(self.rotation)
        k = side / self.size
        # frame -> region: turn back around the centre, scale, put the centre in the middle.
        m = np.array([[c * k, s * k, 0.0], [-s * k, c * k, 0.0]])
        m[:, 2] = side / 2 - m[:, :2] @ np.array(self.center_xy)
        out = cv2.warpAffine(image, m, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return out  # type: ignore[return-value]
