"""An arm held straight up by somebody who lies: how a session is paused from the mat, without a key."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formcheck.pose.landmarks import BOTH_HIPS, BOTH_KNEES, BOTH_SHOULDERS, Landmark
from formcheck.pose.live_filter import SeenFrame

Raised = Literal["one", "both"]
Vec = NDArray[np.float64]

#: So long it is held. In 302 clips the longest that looks like it is 0.6 s, but for dead bugs, in which arms
#: really are held up (`benchmarks/field/arms.py`).
HELD_S = 2.0
#: Seen otherwise for shorter than this, it is still held.
GAP_S = 0.25
#: Upper and lower arm stand this near to upright in the picture.
_UPRIGHT_DEG = 30.0
#: In space the arm stands on the trunk: from the head end an arm on the floor points up in the picture too.
_ALONG_TRUNK = 0.5
#: A trunk that stands more upright than this does not lie (sine of its angle to the floor).
_LYING = 0.75
#: Shorter than this, beside trunk or thigh, whichever looks longer, it points at the camera and not up.
_LENGTH = 0.5
_VISIBLE = 0.5
_ARMS = {
    side: [Landmark[f"{side}_{part}"] for part in ("SHOULDER", "ELBOW", "WRIST")]
    for side in ("LEFT", "RIGHT")
}


def arms_up(xy: Vec, world: Vec, visibility: NDArray[np.floating]) -> tuple[bool, bool]:
    """Which arms (the patient's left, right) of somebody lying point straight up.

    Args:
        xy: ``(33, 2)`` landmarks, pixels, y down, of a picture that stands upright.
        world: ``(33, 3)`` landmarks, metres, y down.
        visibility: ``(33,)``.
    """
    trunk = world[BOTH_HIPS].mean(axis=0) - world[BOTH_SHOULDERS].mean(axis=0)
    if abs(trunk[1]) > _LYING * np.linalg.norm(trunk):
        return False, False
    hips, knees, shoulders = (xy[part].mean(axis=0) for part in (BOTH_HIPS, BOTH_KNEES, BOTH_SHOULDERS))
    size = max(np.linalg.norm(hips - shoulders), np.linalg.norm(knees - hips))
    left, right = (_is_up(xy[a], world[a], visibility[a], trunk, float(size)) for a in _ARMS.values())
    return left, right


def _is_up(xy: Vec, world: Vec, visibility: NDArray[np.floating], trunk: Vec, size: float) -> bool:
    """An arm by its shoulder, elbow and wrist."""
    if visibility[1:].min() <= _VISIBLE or np.linalg.norm(xy[2] - xy[0]) <= _LENGTH * size:
        return False
    parts = np.diff(xy, axis=0)
    if (-parts[:, 1] <= np.cos(np.radians(_UPRIGHT_DEG)) * np.linalg.norm(parts, axis=1)).any():
        return False
    arm = world[2] - world[0]
    return bool(abs(arm @ trunk) < _ALONG_TRUNK * np.linalg.norm(arm) * np.linalg.norm(trunk))


class ArmUp:
    """Tells once when an arm has been held up for `HELD_S`; it must come down before it counts again."""

    def __init__(self) -> None:
        self._since: list[float | None] = [None, None]  # left, right
        self._last = [-np.inf, -np.inf]
        self._told = False

    def update(self, seen: SeenFrame) -> Raised | None:
        """One frame.

        Returns:
            ``"one"`` or ``"both"`` in the frame in which it has been held long enough, else None.
        """
        t = seen.time_s
        up = (False, False)
        if seen.image_xyz is not None and seen.world_xyz is not None and seen.visibility is not None:
            xy, world = seen.image_xyz[:, :2].astype(np.float64), seen.world_xyz.astype(np.float64)
            up = arms_up(xy, world, seen.visibility)
        for side in (0, 1):
            if up[side]:
                if self._since[side] is None:
                    self._since[side] = t
                self._last[side] = t
            elif t - self._last[side] > GAP_S:
                self._since[side] = None
        held = [t - since if since is not None else 0.0 for since in self._since]
        if self._since == [None, None]:
            self._told = False
        if self._told or max(held) < HELD_S:
            return None
        self._told = True
        return "both" if min(held) > HELD_S / 2 else "one"
