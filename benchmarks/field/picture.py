"""What is done to a rendered clip's pictures (turned, framed), and the same done to its truth, exactly.

Pixels as in the truth files: x right, y down, the origin is the top left corner of the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Where a joint is put that the clip's own edge cuts off, though the larger picture goes on there: outside.
CUT_OFF_PX = (-1.0, -1.0)


@dataclass(frozen=True)
class Picture:
    """A clip's picture turned and then laid into a larger one.

    Attributes:
        turn_deg: 0, 90, 180 or 270 degrees clockwise; the content is turned, no tag says so.
        size: width and height of the larger picture, or None for none. Even numbers.
        at: where the clip's top left corner lies in it. Even numbers, as colour has half the resolution.
        fill: what lies around the clip: ``"black"`` bars, or ``"smear"``, its edges drawn out.
    """

    turn_deg: int = 0
    size: tuple[int, int] | None = None
    at: tuple[int, int] = (0, 0)
    fill: str = "black"

    def size_of(self, width: int, height: int) -> tuple[int, int]:
        """Size of the picture that a clip of this size becomes."""
        return self.size if self.size is not None else self._turned(width, height)

    def _turned(self, width: int, height: int) -> tuple[int, int]:
        return (height, width) if self.turn_deg in (90, 270) else (width, height)

    def applied(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A clip's picture ``(height, width, 3)``, turned and framed."""
        image = np.rot90(image, -self.turn_deg // 90)
        if self.size is None:
            return image
        (x, y), (w, h) = self.at, self.size
        around = ((y, h - y - image.shape[0]), (x, w - x - image.shape[1]), (0, 0))
        return np.pad(image, around, mode="edge" if self.fill == "smear" else "constant")

    def points(self, px: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
        """``(..., 2)`` points of a clip of this size, in the new picture."""
        u, v = px[..., 0], px[..., 1]
        turned = {0: (u, v), 90: (height - v, u), 180: (width - u, height - v), 270: (v, width - u)}
        x, y = turned[self.turn_deg]
        return np.stack([x + self.at[0], y + self.at[1]], axis=-1)

    def truth(self, truth: dict[str, Any]) -> dict[str, Any]:
        """The truth of a clip whose pictures were treated so: a new one, the given one stays.

        Changed are ``width``, ``height``, ``px`` of every frame and the camera's ``K``, ``R_world_to_cam``,
        ``roll_deg`` and ``hfov_deg``. A joint that the clip's own edge cuts off goes to `CUT_OFF_PX`.
        """
        w, h = truth["width"], truth["height"]
        new_w, new_h = self.size_of(w, h)
        frames = []
        for frame in truth["frames"]:
            px = np.array(frame["px"], float)
            moved = np.round(self.points(px, w, h), 2)
            if self.size is not None:
                inside = (px >= 0).all(axis=1) & (px[:, 0] < w) & (px[:, 1] < h)
                moved[~inside] = CUT_OFF_PX
            frames.append(frame | {"px": moved.tolist()})
        new = truth | {"width": new_w, "height": new_h, "frames": frames}
        for name in ("camera", "camera_after_bump"):
            if name in truth:
                new[name] = self._camera(truth[name], w, h)
        return new

    def _camera(self, camera: dict[str, Any], width: int, height: int) -> dict[str, Any]:
        a = math.radians(self.turn_deg)
        c, s = round(math.cos(a)), round(math.sin(a))
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])  # clockwise, as y points down
        K = np.array(camera["K"], float)
        f, (x, y) = K[0, 0], self.points(K[:2, 2], width, height)
        new_w = self.size_of(width, height)[0]
        return camera | {
            "K": [[f, 0.0, float(x)], [0.0, f, float(y)], [0.0, 0.0, 1.0]],
            "R_world_to_cam": (turn @ np.array(camera["R_world_to_cam"], float)).tolist(),
            # A camera turned one way turns its picture the other way.
            "roll_deg": round((camera["roll_deg"] - self.turn_deg + 180) % 360 - 180, 3),
            "hfov_deg": float(np.degrees(math.atan2(x, f) + math.atan2(new_w - x, f))),
        }
