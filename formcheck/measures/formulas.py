"""What a measures module offers the engine: one module for each way of exercising (docs/add_an_exercise.md).

A definition names its module in `measured_by`; the engine knows no exercise but through these names.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from formcheck.measures.reference import Reference
from formcheck.measures.view import Points, View
from formcheck.pose.landmarks import Landmark

Array = NDArray[np.float64]


class Formulas(Protocol):
    """A module with these names.

    Attributes:
        CHANGES: measures that are the change since rest.
        RATIOS: measures that are a ratio to rest.
        DERIVED: measures made of others in `derived`.
        ON_THE_LEG: measures of the working leg that the near leg hides when it is the far one, view "side".
        BONES: bone name to the two body parts at its ends (near side), for the bone-length gate.
        BONES_OF: measure to the bones whose image length must hold, view "side".
        SHANKS_OF: measure to the shanks whose image length must hold, view "feet".
        LIES_ON: how the body lies: on the side, the working leg on top; on the back; or on nothing, upright.
        KNEES: how the start position has them, for what is said when it is missed.
        START_CHECKS: checks of `coach.start_position` that make sense for this start position.
    """

    CHANGES: frozenset[str]
    RATIOS: frozenset[str]
    DERIVED: frozenset[str]
    ON_THE_LEG: frozenset[str]
    BONES: dict[str, tuple[str, str]]
    BONES_OF: dict[str, tuple[str, ...]]
    SHANKS_OF: dict[str, tuple[str, ...]]
    LIES_ON: Literal["side", "back", "nothing"]
    KNEES: Literal["bent", "straight"]
    START_CHECKS: frozenset[str]

    def quantities(self, xy: Array, world: Array, ref: Reference) -> dict[str, Array]:
        """Measure name to ``(T,)`` values of ``(T, 33, ...)`` landmarks, before rest is taken off."""

    def derived(self, change: dict[str, Array], ref: Reference) -> dict[str, Array]:
        """Measures made of the others, after rest was taken off."""

    def needs(self, ref: Reference) -> dict[str, list[Landmark]]:
        """Landmarks each measure stands on."""

    def in_posture(self, world: Array, lying: Array | None = None) -> NDArray[np.bool_]:
        """``(T,)`` True where a body of ``(T, 33, 3)`` world landmarks is where this exercise happens.

        `lying` is what the network for people who lie on their side reads, ``(T, 12)``, for who asks it.
        """

    def seen_from(self, world: Points, xy: Points) -> View:
        """From where the camera looks at a body in the posture."""

    def working_side(self, world: Points, near: str) -> str:
        """Of an exercise on the back with a side: which leg works. `near` is the side nearer the camera."""

    def back_x(self, world: Points, xy: Points, along: Array, view: str) -> float:
        """Image x direction of the patient's back, lying on the side; 1.0 where it does not matter."""

    def shank_sign(self, world: Points, side: str) -> float:
        """Which way round the shank hangs at rest; 1.0 where it does not matter."""
