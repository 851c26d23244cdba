"""`Problem`: what keeps a person from starting, as a value that the engine and the set-up coach share."""

from __future__ import annotations

from dataclasses import dataclass


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
