"""The single-leg bridge, drawn: a bridge with one foot off the floor."""

from __future__ import annotations

from formcheck.coach.pages.figures import bridge
from formcheck.coach.pages.figures.bridge import LOOK_FROM, MIRRORED, PLACES
from formcheck.coach.pages.sketch import Scene

__all__ = ["LOOK_FROM", "MIRRORED", "PLACES", "draw"]


def draw(scene: Scene, moving: bool) -> None:
    """The person at rest or, `moving`, at the top of the movement."""
    bridge.draw(scene, moving, single=True)
