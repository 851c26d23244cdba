"""The calf stretch, drawn: standing in a step at a wall, the leg nearer the laptop behind."""

from __future__ import annotations

from formcheck.coach.pages.sketch import Place, Scene, Vec, draw_arrow, draw_head, from_right, on_the_way

PLACES = {
    "side": Place(0.0, 2.4, 0.6, look_from=34),
    "oblique": Place(-1.6, 1.8, 0.6, look_from=-30),
}
LOOK_FROM = 12.0
MIRRORED = True  # drawn with the right leg; the left one is the mirror image
_WALL_M = -0.72


def _wall(scene: Scene) -> None:
    corners = [(-0.5, 0.0), (0.5, 0.0), (0.5, 1.6), (-0.5, 1.6)]
    scene.surface([from_right(_WALL_M, y, z) for y, z in corners], scene.ink.floor, depth=-3.0)


def draw(scene: Scene, lift: float | None) -> None:
    """The person at rest, or with the part that moves marked and so far up; see `draw_exercise`."""
    ink, moving = scene.ink, lift is not None
    _wall(scene)

    def way(rest: tuple[float, float], top: tuple[float, float]) -> Vec:
        return on_the_way(from_right(rest[0], 0, rest[1]), from_right(top[0], 0, top[1]), lift)

    hips, shoulders = way((0.0, 0.86), (-0.14, 0.82)), way((-0.03, 1.36), (-0.27, 1.3))
    head = shoulders + from_right(-0.02, 0, 0.24)
    draw_head(scene, head, from_right(-0.99, 0, 0.1), depth=0.0)
    for sign in (-1.0, 1.0):  # far arm and leg first
        far = sign < 0
        color = ink.far if far else ink.body
        layer = -0.8 if far else 0.3
        across = from_right(0, 0.1 * sign, 0)
        wrist = from_right(_WALL_M + 0.06, 0.19 * sign, 1.28)
        shoulder = shoulders + from_right(0, 0.17 * sign, 0)
        elbow = (shoulder + wrist) / 2 + on_the_way(
            from_right(0, 0.02 * sign, -0.03), from_right(0, 0.06 * sign, -0.2), lift
        )
        scene.arm(shoulder, elbow, wrist, color, depth=layer + 0.3)
        hip = hips + across
        if far:  # the front leg
            ankle = from_right(-0.3, -0.1, 0.06)
            knee = way((-0.2, 0.47), (-0.36, 0.47)) + across
        else:
            ankle = from_right(0.36, 0.1, 0.06)
            knee = way((0.19, 0.46), (0.12, 0.44)) + across
        toe = ankle + from_right(-0.17, 0, -0.02)
        part = ink.moving if moving and not far else color
        scene.leg(hip, knee, ankle, toe, part, part, depth=layer + 0.1)
    scene.limb(shoulders, hips, 0.15, 0.135, ink.body, depth=-0.2)
    if moving:
        draw_arrow(scene, from_right(0.42, 0, 1.1), from_right(0.16, 0, 1.1))
