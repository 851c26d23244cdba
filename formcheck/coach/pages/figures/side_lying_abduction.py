"""The side-lying leg lift, drawn."""

from __future__ import annotations

from formcheck.coach.pages.sketch import Place, Scene, at, draw_arrow, draw_on_side, on_the_way

PLACES = {
    "front": Place(0.0, 1.9, look_from=-34),
    "oblique": Place(1.65, 0.95, look_from=-38),
}
LOOK_FROM = -20.0
MIRRORED = True  # lying on the other side is the mirror image


def draw(scene: Scene, lift: float | None) -> None:
    """The person at rest, or with the part that moves marked and so far up; see `draw_exercise`."""
    moving = lift is not None
    knee_top = on_the_way(at(0.42, 0.02, 0.22), at(0.34, 0, 0.48), lift)
    ankle_top = on_the_way(at(0.8, 0, 0.18), at(0.66, 0, 0.72), lift)
    under = at(0.42, 0.04, 0.07), at(0.8, 0, 0.06), at(0.83, 0.14, 0.06)
    draw_on_side(scene, under, (knee_top, ankle_top, ankle_top + at(0.03, 0.14, 0)), moving)
    if moving:
        draw_arrow(scene, at(0.8, 0, 0.8), at(0.74, 0, 1.08))
