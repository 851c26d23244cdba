"""The clam, drawn."""

from __future__ import annotations

from formcheck.coach.pages.sketch import Place, Scene, at, draw_arrow, draw_on_side, on_the_way

#: Spec 3.1. The oblique view looks 60 degrees off the front, towards the feet.
PLACES = {
    "front": Place(0.0, 1.9, look_from=-34),
    "oblique": Place(1.65, 0.95, look_from=-38),
    "feet": Place(2.2, 0.1, 0.75, look_from=-18),
    "head": Place(-2.2, 0.1, 0.6, look_from=18),
}
LOOK_FROM = -20.0
MIRRORED = True  # lying on the other side is the mirror image


def draw(scene: Scene, lift: float | None) -> None:
    """The person at rest, or with the part that moves marked and so far up; see `draw_exercise`."""
    moving = lift is not None
    knee_top = on_the_way(at(0.30, 0.30, 0.2), at(0.30, 0.24, 0.52), lift)
    under = at(0.30, 0.30, 0.07), at(0.56, 0.02, 0.06), at(0.68, 0.13, 0.06)
    draw_on_side(scene, under, (knee_top, at(0.55, 0.02, 0.15), at(0.67, 0.13, 0.15)), moving)
    scene.limb(at(-0.62, 0.28, 0.05), at(-0.8, 0.2, 0.05), 0.045, 0.04, scene.ink.far, depth=-1.4)
    if moving:
        draw_arrow(scene, at(0.36, 0.3, 0.66), at(0.36, 0.3, 0.95))
