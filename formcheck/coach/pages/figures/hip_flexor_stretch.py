"""The hip-flexor stretch, drawn: half-kneeling, the knee nearer the laptop on the floor."""

from __future__ import annotations

from formcheck.coach.pages.sketch import Place, Scene, Vec, draw_arrow, draw_head, from_right, on_the_way

PLACES = {
    "side": Place(0.0, 1.9, look_from=34),
    "oblique": Place(-1.65, 1.15, 0.6, look_from=-40),
}
LOOK_FROM = 15.0
MIRRORED = True  # drawn with the right leg; the left one is the mirror image


def draw(scene: Scene, lift: float | None) -> None:
    """The person at rest, or with the part that moves marked and so far up; see `draw_exercise`."""
    ink, moving = scene.ink, lift is not None

    def way(rest: tuple[float, float], top: tuple[float, float]) -> Vec:
        return on_the_way(from_right(rest[0], 0, rest[1]), from_right(top[0], 0, top[1]), lift)

    hips, shoulders = way((0.12, 0.49), (-0.06, 0.46)), way((0.1, 0.99), (-0.07, 0.96))
    draw_head(scene, shoulders + from_right(-0.02, 0, 0.24), from_right(-0.99, 0, 0.1), depth=0.0)
    for sign in (-1.0, 1.0):  # far arm and leg first
        far = sign < 0
        color = ink.far if far else ink.body
        layer = -0.8 if far else 0.3
        across = from_right(0, 0.1 * sign, 0)
        shoulder = shoulders + from_right(0, 0.17 * sign, 0)
        elbow, wrist = (
            shoulder + from_right(0.14, 0.1 * sign, -0.24),
            hips + from_right(-0.02, 0.14 * sign, 0.08),
        )
        scene.arm(shoulder, elbow, wrist, color, depth=layer + 0.3)
        hip = hips + across
        if far:  # the front leg
            ankle = from_right(-0.34, -0.1, 0.06)
            knee = way((-0.27, 0.46), (-0.38, 0.46)) + across
            toe = ankle + from_right(-0.17, 0, -0.02)
        else:
            knee = from_right(0.1, 0.1, 0.07)
            ankle = knee + from_right(0.4, 0, 0.0)
            toe = ankle + from_right(0.14, 0, -0.01)
        part = ink.moving if moving and not far else color
        scene.leg(hip, knee, ankle, toe, color, part, depth=layer + 0.1)
    scene.limb(shoulders, hips, 0.15, 0.135, ink.body, depth=-0.2)
    if moving:
        draw_arrow(scene, from_right(0.66, 0, 0.42), from_right(0.42, 0, 0.42))
