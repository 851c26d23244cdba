"""The clam, drawn."""

from __future__ import annotations

from formcheck.coach.sketch import Place, Scene, at, draw_arrow, draw_head

#: Spec 3.1. The oblique view looks 60 degrees off the front, towards the feet.
PLACES = {
    "front": Place(0.0, 1.9, look_from=-34),
    "oblique": Place(1.65, 0.95, look_from=-38),
    "feet": Place(2.2, 0.1, 0.75, look_from=-18),
    "head": Place(-2.2, 0.1, 0.6, look_from=18),
}
LOOK_FROM = -20.0
MIRRORED = True  # lying on the other side is the mirror image


def draw(scene: Scene, moving: bool) -> None:
    """The person at rest or, `moving`, at the top of the movement."""
    ink = scene.ink
    hip, hip_top = at(0, 0, 0.1), at(0, 0, 0.25)
    shoulder, shoulder_top = at(-0.5, 0, 0.1), at(-0.5, 0, 0.33)
    knee, ankle, toe = at(0.30, 0.30, 0.07), at(0.56, 0.02, 0.06), at(0.68, 0.13, 0.06)
    knee_top = at(0.30, 0.24, 0.52) if moving else at(0.30, 0.30, 0.2)
    ankle_top, toe_top = at(0.55, 0.02, 0.15), at(0.67, 0.13, 0.15)
    scene.limb(at(-0.86, -0.08, 0.04), at(-0.72, 0.16, 0.04), 0.09, 0.09, ink.paper, depth=-2.0)  # pillow
    scene.limb(shoulder, at(-0.62, 0.28, 0.05), 0.055, 0.045, ink.far, depth=-1.5)
    scene.limb(at(-0.62, 0.28, 0.05), at(-0.8, 0.2, 0.05), 0.045, 0.04, ink.far, depth=-1.4)
    for a, b, ra, rb, far in (
        (hip, knee, 0.1, 0.065, -1.2), (knee, ankle, 0.062, 0.042, -1.1), (ankle, toe, 0.042, 0.03, -1.0),
    ):  # fmt: skip
        scene.limb(a, b, ra, rb, ink.far, depth=far)
    head = at(-0.74, 0.03, 0.2)
    draw_head(scene, head, at(-0.1, 0.99, 0), depth=-0.8)
    trunk = (shoulder + shoulder_top) / 2, (hip + hip_top) / 2
    scene.limb(*trunk, 0.155, 0.135, ink.body, depth=-0.6)
    color = ink.moving if moving else ink.body
    scene.limb(ankle_top, toe_top, 0.042, 0.03, color, depth=0.0)
    scene.limb(knee_top, ankle_top, 0.062, 0.042, color, depth=0.1)
    scene.limb(hip_top, knee_top, 0.1, 0.065, color, depth=0.2)
    scene.limb(at(-0.38, 0.24, 0.16), at(-0.3, 0.4, 0.04), 0.042, 0.036, ink.body, depth=0.3)
    scene.limb(shoulder_top, at(-0.38, 0.24, 0.16), 0.055, 0.045, ink.body, depth=0.4)
    if moving:
        draw_arrow(scene, at(0.36, 0.3, 0.66), at(0.36, 0.3, 0.95))
