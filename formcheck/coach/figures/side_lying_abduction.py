"""The side-lying leg lift, drawn."""

from __future__ import annotations

from formcheck.coach.sketch import Place, Scene, at, draw_arrow, draw_head

PLACES = {
    "front": Place(0.0, 1.9, look_from=-34),
    "oblique": Place(1.65, 0.95, look_from=-38),
}
LOOK_FROM = -20.0
MIRRORED = True  # lying on the other side is the mirror image


def draw(scene: Scene, moving: bool) -> None:
    """The person at rest or, `moving`, at the top of the movement."""
    ink = scene.ink
    hip, hip_top = at(0, 0, 0.1), at(0, 0, 0.25)
    shoulder, shoulder_top = at(-0.5, 0, 0.1), at(-0.5, 0, 0.33)
    knee, ankle, toe = at(0.42, 0.04, 0.07), at(0.8, 0, 0.06), at(0.83, 0.14, 0.06)
    knee_top = at(0.34, 0, 0.48) if moving else at(0.42, 0.02, 0.22)
    ankle_top = at(0.66, 0, 0.72) if moving else at(0.8, 0, 0.18)
    toe_top = ankle_top + at(0.03, 0.14, 0)
    scene.limb(at(-0.86, -0.08, 0.04), at(-0.72, 0.16, 0.04), 0.09, 0.09, ink.paper, depth=-2.0)  # pillow
    scene.limb(shoulder, at(-0.62, 0.28, 0.05), 0.055, 0.045, ink.far, depth=-1.5)
    scene.limb(hip, knee, 0.1, 0.065, ink.far, depth=-1.2)
    scene.limb(knee, ankle, 0.062, 0.042, ink.far, depth=-1.1)
    scene.limb(ankle, toe, 0.042, 0.03, ink.far, depth=-1.0)
    draw_head(scene, at(-0.74, 0.03, 0.2), at(-0.1, 0.99, 0), depth=-0.8)
    trunk = (shoulder + shoulder_top) / 2, (hip + hip_top) / 2
    scene.limb(*trunk, 0.155, 0.135, ink.body, depth=-0.6)
    color = ink.moving if moving else ink.body
    scene.limb(ankle_top, toe_top, 0.042, 0.03, color, depth=0.0)
    scene.limb(knee_top, ankle_top, 0.062, 0.042, color, depth=0.1)
    scene.limb(hip_top, knee_top, 0.1, 0.065, color, depth=0.2)
    scene.limb(at(-0.38, 0.24, 0.16), at(-0.3, 0.4, 0.04), 0.042, 0.036, ink.body, depth=0.3)
    scene.limb(shoulder_top, at(-0.38, 0.24, 0.16), 0.055, 0.045, ink.body, depth=0.4)
    if moving:
        draw_arrow(scene, at(0.8, 0, 0.8), at(0.74, 0, 1.08))
