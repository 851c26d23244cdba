"""The heel slide, drawn: the leg nearer the laptop bends while its heel stays on the floor."""

from __future__ import annotations

import numpy as np

from formcheck.coach.pages.sketch import Place, Scene, draw_arrow, draw_head, from_right, on_the_way

PLACES = {
    "side": Place(0.0, 1.9, look_from=36),
    "oblique": Place(1.65, 1.15, 0.6, look_from=-42),
}
LOOK_FROM = 15.0
MIRRORED = True  # drawn with the right leg; the left one is the mirror image
_THIGH_M = 0.42


def draw(scene: Scene, lift: float | None) -> None:
    """The person at rest, or with the part that moves marked and so far up; see `draw_exercise`."""
    ink, moving = scene.ink, lift is not None
    shoulders, hips = from_right(-0.5, 0, 0.09), from_right(0, 0, 0.1)
    draw_head(scene, from_right(-0.73, 0, 0.12), from_right(0.12, 0, 0.99), depth=-0.9)
    for sign in (-1.0, 1.0):  # far arm and leg first
        far = sign < 0
        color = ink.far if far else ink.body
        layer = -0.8 if far else 0.3
        elbow, wrist = from_right(-0.26, 0.29 * sign, 0.06), from_right(0.0, 0.31 * sign, 0.05)
        scene.arm(shoulders + from_right(0, 0.17 * sign, 0), elbow, wrist, color, depth=layer)
        up = 0.0 if far else lift
        across = from_right(0, 0.1 * sign, 0)
        reach = float(on_the_way(np.array([0.83]), np.array([0.44]), up)[0])  # from hip to heel
        high = float(np.sqrt(max(_THIGH_M**2 - (reach / 2) ** 2, 0.0)))
        hip = hips + across
        knee = hip + from_right(reach / 2, 0, high - 0.01)
        ankle = hip + from_right(reach, 0, -0.03)
        toe = ankle + on_the_way(from_right(0.03, 0, 0.15), from_right(0.15, 0, 0.05), up)
        part = ink.moving if moving and not far else color
        scene.leg(hip, knee, ankle, toe, part, part, depth=layer + 0.1)
    scene.limb(shoulders, hips, 0.15, 0.135, ink.body, depth=-0.2)
    if moving:
        draw_arrow(scene, from_right(0.98, 0.3, 0.04), from_right(0.62, 0.3, 0.04))
