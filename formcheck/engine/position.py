"""What the live engine asks of a position, and what keeps a person from starting: `Problem`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RecentFrames:
    """The last second of a live session, for the set-up check.

    Attributes:
        time_s: ``(T,)`` seconds.
        xy: ``(T, 33, 2)`` filtered landmarks, pixels; NaN where nobody was seen.
        world: ``(T, 33, 3)`` filtered, metres.
        visibility: ``(T, 33)``.
        person: ``(T,)`` bool.
        people_seen: most people seen at once.
        image_wh: frame size, pixels.
        lying: ``(T, 12)`` readings of the network for people who lie on their side, or None; see `Track`.
    """

    time_s: NDArray[np.float64]
    xy: NDArray[np.float32]
    world: NDArray[np.float32]
    visibility: NDArray[np.float32]
    person: NDArray[np.bool_]
    people_seen: int
    image_wh: tuple[int, int]
    lying: NDArray[np.float32] | None


@dataclass(frozen=True)
class Problem:
    """What is in the way of starting.

    Attributes:
        id: a table of the words' ``setup.toml``.
        variant: which of its wordings (posture or side), or "".
        view: the wanted view, for the drawing and the sentence, or None.
        advice: it is only said, and nobody has to wait for it (e.g. the light).
    """

    id: str
    variant: str = ""
    view: str | None = None
    advice: bool = False


HOLD_STILL = Problem("hold_still")


UNSTEADY = Problem("unsteady")


#: Checks of the start position: each exercise has those that its measures module names in START_CHECKS.
OF_THE_POSITION = frozenset(
    {
        "feet_apart",
        "hips_not_stacked",
        "knees_too_low",
        "knees_too_high",
        "hips_up",
        "feet_too_far",
        "feet_too_near",
        "head_up",
    }
)


#: How the body lies, once it lies there: asked for, but somebody who cannot do it is not kept from exercising
#: (the faults of the exercise tell it then), and a repetition begun too soon shows some of them too.
LYING = OF_THE_POSITION | {"hold_still", "camera_tilted"}


#: Tells what is wrong with the position, or None (see `formcheck.engine.start_position`).
PositionCheck = Callable[[RecentFrames], Problem | None]
