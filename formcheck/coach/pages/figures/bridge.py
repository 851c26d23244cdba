"""The bridge, drawn."""

from __future__ import annotations

from collections.abc import Callable

from formcheck.coach.pages.sketch import Place, Scene, Vec, at, draw_arrow, draw_head, on_the_way

#: Spec 3.2.
PLACES = {
    "side": Place(0.0, 1.9, look_from=-34),
    "feet": Place(2.2, 0.0, 0.6, look_from=-18),
    "head": Place(-2.2, 0.0, 0.6, look_from=18),
    "oblique": Place(-1.65, 1.15, 0.6, look_from=40),
}
LOOK_FROM = -15.0
MIRRORED = False


def draw(
    scene: Scene,
    lift: float | None,
    single: bool = False,
    far_foot_m: float = 0.0,
    at: Callable[[float, float, float], Vec] = at,
) -> None:
    """The person at rest, or so far up (see `draw_exercise`).

    Args:
        scene, lift: see there.
        single: with one foot off the floor.
        far_foot_m: the far foot so much further away.
        at: which side is the near one: the left, or see `from_right`.
    """
    ink, moving = scene.ink, lift is not None
    hips = on_the_way(at(0, 0, 0.1), at(-0.04, 0, 0.29), lift)
    knees = on_the_way(at(0.27, 0, 0.42), at(0.36, 0, 0.46), lift)
    shoulders, ankles, head = at(-0.5, 0, 0.09), at(0.44, 0, 0.06), at(-0.73, 0, 0.12)
    draw_head(scene, head, at(0.12, 0, 0.99), depth=-0.9)
    for sign in (-1.0, 1.0):  # far arm and leg first
        far = sign < 0
        color = ink.far if far else ink.body
        layer = -0.8 if far else 0.3
        elbow, wrist = at(-0.26, 0.29 * sign, 0.06), at(0.0, 0.31 * sign, 0.05)
        scene.arm(shoulders + at(0, 0.17 * sign, 0), elbow, wrist, color, depth=layer)
        across = at(0, 0.1 * sign, 0)
        hip, knee, ankle = hips + across, knees + across, ankles + across
        if single and far:  # the free leg is held out in line with the thigh
            ankle = knee + on_the_way(at(0.3, 0, 0.26), at(0.365, 0, 0.16), lift)
            toe = ankle + at(0.02, 0, 0.15)
        else:
            if far:
                knee, ankle = knee + at(0.45 * far_foot_m, 0, -0.3 * far_foot_m), ankle + at(far_foot_m, 0, 0)
            toe = ankle + at(0.17, 0, -0.02)
        part = ink.moving if moving and not far else color
        scene.leg(hip, knee, ankle, toe, color, part, depth=layer + 0.1)
    scene.limb(shoulders, hips, 0.15, 0.135, ink.moving if moving else ink.body, depth=-0.2)
    if moving:
        draw_arrow(scene, at(-0.09, 0, 0.55), at(-0.09, 0, 0.84))
