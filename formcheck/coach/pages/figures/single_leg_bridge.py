"""The single-leg bridge, drawn: a bridge with one foot off the floor."""

from __future__ import annotations

from formcheck.coach.pages.figures import bridge
from formcheck.coach.pages.figures.bridge import LOOK_FROM, MIRRORED, PLACES
from formcheck.coach.pages.sketch import Scene

__all__ = ["LOOK_FROM", "MIRRORED", "PLACES", "draw"]


def draw(scene: Scene, lift: float | None) -> None:
    """The person at rest, or with the part that moves marked and so far up; see `draw_exercise`."""
    bridge.draw(scene, lift, single=True)
