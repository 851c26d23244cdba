"""The offset bridge, drawn: a bridge with the far foot further away."""

from __future__ import annotations

from formcheck.coach.pages.figures import bridge
from formcheck.coach.pages.sketch import Place, Scene, from_right

PLACES = {
    "side": Place(0.0, 1.9, look_from=34),
    "feet": Place(-2.2, 0.0, 0.6, look_from=18),
    "head": Place(2.2, 0.0, 0.6, look_from=-18),
    "oblique": Place(1.65, 1.15, 0.6, look_from=-40),
}
LOOK_FROM = 15.0
MIRRORED = True  # drawn with the right foot near the seat; the other way round it is the mirror image


def draw(scene: Scene, lift: float | None) -> None:
    """The person at rest, or with the part that moves marked and so far up; see `draw_exercise`."""
    bridge.draw(scene, lift, far_foot_m=0.22, at=from_right)
