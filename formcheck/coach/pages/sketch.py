"""Drawings of where to put the laptop, and of the exercises: a jointed figure on a mat, seen from above.

Everything is placed in metres around the pelvis of the person lying there and then projected, so that one
piece of code draws every view: x runs along the body towards the feet, y to where a side-lying person
faces (for a bridge: the person's left), z up from the floor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.drawing.lettering import put_text, text_width
from formcheck.drawing.palette import SHIFT, Color, Image, bgr, fixed_point
from formcheck.errors import FormcheckError

Vec = NDArray[np.float64]


@dataclass(frozen=True)
class _Ink:
    paper: Color
    line: Color
    floor: Color
    body: Color
    far: Color  # limbs of the far side
    moving: Color
    mat: Color
    laptop: Color
    screen: Color
    sight: Color


_NORMAL = _Ink(
    paper=bgr("#eef2f6"), line=bgr("#16202c"), floor=bgr("#c8d0da"), body=bgr("#7fa6c9"), far=bgr("#5f84a6"),
    moving=bgr("#14a58b"), mat=bgr("#d7c9e6"), laptop=bgr("#3a4656"),
    screen=bgr("#ffffff"), sight=bgr("#ffc65c"),
)  # fmt: skip
_CONTRAST = _Ink(
    paper=bgr("#ffffff"), line=bgr("#000000"), floor=bgr("#8a8a8a"), body=bgr("#ffffff"), far=bgr("#c4c4c4"),
    moving=bgr("#000000"), mat=bgr("#e4e4e4"), laptop=bgr("#000000"),
    screen=bgr("#ffffff"), sight=bgr("#a8a8a8"),
)  # fmt: skip


#: A figure that shows a movement takes so long up or down, and stays so long at the top and at rest.
_MOVES_S, _STAYS_S = 1.6, 0.8
#: Then it begins anew.
PERIOD_S = 2 * (_MOVES_S + _STAYS_S)
_STEPS = 12


@dataclass(frozen=True)
class Place:
    """Where the laptop stands: its foot on the floor, and how high above the floor.

    Attributes:
        x, y: metres from the pelvis, along the body and across it (see the module).
        height: of what it stands on; 0 for the floor.
        look_from: direction the drawing is seen from, degrees around the mat: 0 in front, + towards the feet.
    """

    x: float
    y: float
    height: float = 0.0
    look_from: float = 30.0


class _Figure(Protocol):
    """A module of `formcheck.coach.pages.figures`, named like the exercise."""

    PLACES: dict[str, Place]
    LOOK_FROM: float
    MIRRORED: bool

    def draw(self, scene: Scene, lift: float | None) -> None:
        """The person at rest, or with the part that moves marked and so far up; see `draw_exercise`."""


@cache
def _figure(exercise: str) -> _Figure | None:
    name = f"formcheck.coach.pages.figures.{exercise.replace('-', '_')}"
    if not exercise.replace("-", "").isalnum() or find_spec(name) is None:
        return None
    return cast(_Figure, import_module(name))


def places(exercise: str) -> dict[str, Place]:
    """Where the laptop may stand, by view; empty for an exercise without drawings."""
    figure = _figure(exercise)
    return dict(figure.PLACES) if figure else {}


def has_sketch(exercise: str, view: str) -> bool:
    """Is there a drawing of where the laptop goes for this view?"""
    return view in places(exercise)


@lru_cache(maxsize=32)
def draw_sketch(
    exercise: str, view: str, size_wh: tuple[int, int], side: str | None = None, high_contrast: bool = False
) -> Image:
    """Where the laptop goes, as a drawing on paper.

    Args:
        exercise: name of a shipped exercise.
        view: a camera view of that exercise.
        size_wh: width and height in pixels.
        side: the working leg, ``"left"`` or ``"right"``; lying on the other side is the mirror image.
        high_contrast: black on white.

    Returns:
        ``(height, width, 3)`` uint8 BGR; shared between calls, not to be written to.

    Raises:
        FormcheckError: there is no such drawing.
    """
    place = places(exercise).get(view)
    if place is None:
        raise FormcheckError(f"There is no drawing of '{exercise}' seen from '{view}'.")
    return _drawn(exercise, place, size_wh, side, high_contrast)


@lru_cache(maxsize=64)
def draw_exercise(
    exercise: str,
    size_wh: tuple[int, int],
    side: str | None = None,
    high_contrast: bool = False,
    lift: float = 1.0,
) -> Image:
    """The exercise itself; arguments and result as of `draw_sketch`.

    Args:
        lift: how far up, from 0 at rest to 1 at the top of the movement.
    """
    if _figure(exercise) is None:
        raise FormcheckError(f"There is no drawing of the exercise '{exercise}'.")
    return _drawn(exercise, None, size_wh, side, high_contrast, lift)


def lift_at(seconds: float) -> float:
    """How far up a figure is at a time that shows the movement: up, a stay at the top, down, a rest.

    In steps, so that no more drawings are made than can be kept.
    """
    at = seconds % PERIOD_S
    share = at / _MOVES_S if at < _MOVES_S + _STAYS_S else (2 * _MOVES_S + _STAYS_S - at) / _MOVES_S
    smooth = 0.5 - 0.5 * np.cos(np.pi * np.clip(share, 0.0, 1.0))
    return float(np.round(smooth * _STEPS) / _STEPS)


def _drawn(
    exercise: str,
    place: Place | None,
    size_wh: tuple[int, int],
    side: str | None,
    high_contrast: bool,
    lift: float = 0.0,
) -> Image:
    ink = _CONTRAST if high_contrast else _NORMAL
    figure = _figure(exercise)
    assert figure is not None
    flipped = side == "left" and figure.MIRRORED
    if place is None:
        frame = [_acted(figure, ink, end).outlines for end in (0.0, 1.0)]  # that nothing but the figure moves
        image = _acted(figure, ink, lift).render(size_wh, flipped, np.concatenate(frame))
    else:
        scene = Scene(ink, place.look_from, elevation=38)
        _mat(scene)
        figure.draw(scene, None)
        _sight(scene, place)
        _stand(scene, place)
        _laptop(scene, place)
        _distance(scene, place)
        image = scene.render(size_wh, flipped, scene.outlines)
    image.flags.writeable = False
    return image


def _acted(figure: _Figure, ink: _Ink, lift: float) -> Scene:
    """The exercise, so far up."""
    scene = Scene(ink, figure.LOOK_FROM, elevation=22)
    _mat(scene)
    figure.draw(scene, lift)
    return scene


# ---- the scene -----------------------------------------------------------------------------------------


@dataclass
class Scene:
    """Things to draw, far ones first, in a view whose frame is fitted to the picture at the end."""

    ink: _Ink
    look_from: float
    elevation: float
    items: list[tuple[float, NDArray[np.float64], Callable[[Image, NDArray[np.float64], float], None]]] = (
        field(default_factory=list)
    )

    def __post_init__(self) -> None:
        a, e = np.radians(self.look_from), np.radians(self.elevation)
        self.towards = np.array([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)])
        right = np.cross(-self.towards, [0.0, 0.0, 1.0])
        self.right = right / np.linalg.norm(right)
        self.up = np.cross(self.right, -self.towards)

    def flat(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points on the drawing plane, metres, y down; near things a little larger."""
        grow = 1 / (1 - (points @ self.towards) / 9.0)
        return np.stack([points @ self.right * grow, -(points @ self.up) * grow], axis=1)

    def depth(self, point: NDArray[np.float64]) -> float:
        return float(point @ self.towards)

    def add(
        self,
        depth: float,
        outline: NDArray[np.float64],
        draw: Callable[[Image, NDArray[np.float64], float], None],
    ) -> None:
        """Something with an outline on the drawing plane; `draw` gets it in pixels, and pixels per metre."""
        self.items.append((depth, outline, draw))

    def surface(
        self,
        corners: list[Vec] | NDArray[np.float64],
        fill: Color,
        depth: float | None = None,
        line: float = 0.014,
    ) -> None:
        points = np.asarray(corners, np.float64)
        far = self.depth(points.mean(axis=0)) if depth is None else depth

        def draw(image: Image, at: NDArray[np.float64], scale: float) -> None:
            _filled(image, at, fill, self.ink.line, line * scale)

        self.add(far, self.flat(points), draw)

    def limb(self, p: Vec, q: Vec, rp: float, rq: float, fill: Color, depth: float | None = None) -> None:
        """A rounded, tapering part of the body."""
        ring = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        circle = np.stack([np.cos(ring), np.sin(ring)], axis=1)
        flat = self.flat(np.stack([p, q]))
        around = np.concatenate([flat[0] + rp * circle, flat[1] + rq * circle])
        hull = cv2.convexHull(around.astype(np.float32))[:, 0].astype(np.float64)
        far = self.depth((p + q) / 2) if depth is None else depth

        def draw(image: Image, at: NDArray[np.float64], scale: float) -> None:
            _filled(image, at, fill, self.ink.line, 0.014 * scale)

        self.add(far, hull, draw)

    def arm(self, shoulder: Vec, elbow: Vec, wrist: Vec, fill: Color, depth: float) -> None:
        """An arm, the forearm at this depth."""
        self.limb(elbow, wrist, 0.045, 0.036, fill, depth)
        self.limb(shoulder, elbow, 0.055, 0.045, fill, depth + 0.02)

    def leg(
        self, hip: Vec, knee: Vec, ankle: Vec, toe: Vec, shank: Color, thigh: Color, depth: float
    ) -> None:
        """A leg, the foot at this depth; shank and foot are of one colour."""
        self.limb(ankle, toe, 0.045, 0.03, shank, depth)
        self.limb(knee, ankle, 0.065, 0.045, shank, depth + 0.01)
        self.limb(hip, knee, 0.095, 0.068, thigh, depth + 0.02)

    @property
    def outlines(self) -> NDArray[np.float64]:
        """Outlines of everything in it, on the drawing plane."""
        return np.concatenate([outline for _, outline, _ in self.items])

    def render(self, size_wh: tuple[int, int], flipped: bool, frame: NDArray[np.float64]) -> Image:
        width, height = size_wh
        image = np.empty((height, width, 3), np.uint8)
        image[:] = self.ink.paper
        low, high = frame.min(axis=0), frame.max(axis=0)
        scale = 0.9 * min(width / (high[0] - low[0]), height / (high[1] - low[1]))
        middle = (low + high) / 2
        sign = np.array([-1.0 if flipped else 1.0, 1.0])
        for _, outline, draw in sorted(self.items, key=lambda item: item[0]):
            draw(image, (outline - middle) * sign * scale + np.array([width / 2, height / 2]), scale)
        return image


def _filled(image: Image, at: NDArray[np.float64], fill: Color, line: Color, width: float) -> None:
    points = fixed_point(at)
    cv2.fillPoly(image, [points], fill, cv2.LINE_AA, SHIFT)
    cv2.polylines(image, [points], True, line, max(1, round(width)), cv2.LINE_AA, SHIFT)


def at(*xyz: float) -> Vec:
    return np.array(xyz, np.float64)


def from_right(x: float, y: float, z: float) -> Vec:
    """A point of the room with the head on the left in the picture: the right side is then the near one."""
    return at(-x, y, z)


def on_the_way(rest: Vec, top: Vec, lift: float | None) -> Vec:
    """Where something is so far up, from 0 at rest (or None) to 1 at the top."""
    return rest + (lift or 0.0) * (top - rest)


# ---- the things in it ----------------------------------------------------------------------------------


def _mat(scene: Scene) -> None:
    corners = [at(-1.0, -0.42, 0), at(0.95, -0.42, 0), at(0.95, 0.5, 0), at(-1.0, 0.5, 0)]
    scene.surface(corners, scene.ink.mat, depth=-9.0)


def draw_on_side(
    scene: Scene, under: tuple[Vec, Vec, Vec], upper: tuple[Vec, Vec, Vec], moving: bool
) -> None:
    """A body on its side, the head on a pillow, the upper arm in front.

    Args:
        under, upper: knee, ankle and toe of each leg.
        moving: the upper leg is the one to look at.
    """
    ink = scene.ink
    hip, hip_top = at(0, 0, 0.1), at(0, 0, 0.25)
    shoulder, shoulder_top = at(-0.5, 0, 0.1), at(-0.5, 0, 0.33)
    elbow, elbow_top = at(-0.62, 0.28, 0.05), at(-0.38, 0.24, 0.16)
    scene.limb(at(-0.86, -0.08, 0.04), at(-0.72, 0.16, 0.04), 0.09, 0.09, ink.paper, depth=-2.0)  # pillow
    scene.limb(shoulder, elbow, 0.055, 0.045, ink.far, depth=-1.5)
    knee, ankle, toe = under
    scene.limb(hip, knee, 0.1, 0.065, ink.far, depth=-1.2)
    scene.limb(knee, ankle, 0.062, 0.042, ink.far, depth=-1.1)
    scene.limb(ankle, toe, 0.042, 0.03, ink.far, depth=-1.0)
    draw_head(scene, at(-0.74, 0.03, 0.2), at(-0.1, 0.99, 0), depth=-0.8)
    trunk = (shoulder + shoulder_top) / 2, (hip + hip_top) / 2
    scene.limb(*trunk, 0.155, 0.135, ink.body, depth=-0.6)
    color = ink.moving if moving else ink.body
    knee, ankle, toe = upper
    scene.limb(ankle, toe, 0.042, 0.03, color, depth=0.0)
    scene.limb(knee, ankle, 0.062, 0.042, color, depth=0.1)
    scene.limb(hip_top, knee, 0.1, 0.065, color, depth=0.2)
    scene.limb(elbow_top, at(-0.3, 0.4, 0.04), 0.042, 0.036, ink.body, depth=0.3)
    scene.limb(shoulder_top, elbow_top, 0.055, 0.045, ink.body, depth=0.4)


def draw_head(scene: Scene, middle: Vec, face: Vec, depth: float) -> None:
    """A head with eyes and mouth on the side it looks to; the crown is away from the body."""
    radius, crown = 0.12, at(-1.0, 0, 0)
    scene.limb(middle, middle, radius, radius, scene.ink.body, depth=depth)
    side = np.cross(face, crown)

    def on_face(across: float, up: float) -> Vec:
        spot = face + across * side + up * crown
        return middle + radius * spot / np.linalg.norm(spot)

    def draw(image: Image, at: NDArray[np.float64], scale: float) -> None:
        for eye in at[:2]:
            centre = fixed_point(eye)
            r = int(0.017 * scale * (1 << SHIFT))
            cv2.circle(image, (int(centre[0]), int(centre[1])), r, scene.ink.line, -1, cv2.LINE_AA, SHIFT)
        mouth = fixed_point(at[2:])
        cv2.polylines(image, [mouth], False, scene.ink.line, max(1, round(0.014 * scale)), cv2.LINE_AA, SHIFT)

    spots = [on_face(0.36, 0.25), on_face(-0.36, 0.25)]
    spots += [on_face(a, -0.45 - 0.1 * (1 - abs(a) / 0.3)) for a in (-0.3, 0.0, 0.3)]
    scene.add(depth + 0.001, scene.flat(np.stack(spots)), draw)


def draw_arrow(scene: Scene, start: Vec, end: Vec) -> None:
    """A bold arrow: which way the moving part goes."""

    def draw(image: Image, at: NDArray[np.float64], scale: float) -> None:
        line = max(2, round(0.045 * scale))
        a, b = at
        along = (b - a) / np.hypot(*(b - a))
        across = np.array([-along[1], along[0]])
        neck = b - along * 0.13 * scale
        tip = np.array([b, neck + across * 0.085 * scale, neck - across * 0.085 * scale])
        cv2.polylines(
            image, [fixed_point(np.array([a, neck]))], False, scene.ink.line, line, cv2.LINE_AA, SHIFT
        )
        cv2.fillPoly(image, [fixed_point(tip)], scene.ink.line, cv2.LINE_AA, SHIFT)

    scene.add(9.0, scene.flat(np.stack([start, end])), draw)


def _facing(place: Place) -> Vec:
    """Direction on the floor from the laptop to the person."""
    to = at(-place.x, -place.y, 0)
    return to / np.linalg.norm(to)


_LID = 0.36  # the laptop is drawn larger than it is, to be seen


def _lens(place: Place) -> Vec:
    forward = _facing(place)
    lean = 0.10 if place.height else -0.10  # lid tilted down from a table, back on the floor
    return at(place.x, place.y, place.height + 0.03) - 0.18 * forward + at(0, 0, _LID) + lean * forward


def _laptop(scene: Scene, place: Place) -> None:
    ink, forward = scene.ink, _facing(place)
    side = at(-forward[1], forward[0], 0) * 0.27
    base = at(place.x, place.y, place.height + 0.02)
    front, back, top = base + 0.18 * forward, base - 0.18 * forward, _lens(place)
    near = scene.depth(base)
    scene.surface([front + side, front - side, back - side, back + side], ink.laptop, depth=near)
    lid = [back + side, back - side, top - side, top + side]
    sees_screen = float(scene.towards @ np.cross(lid[1] - lid[0], lid[2] - lid[1])) > 0
    lid_depth = near - 0.01 if sees_screen else near + 0.01
    scene.surface(lid, ink.laptop, depth=lid_depth)
    if sees_screen:
        inner = [corner + 0.13 * (np.mean(lid, axis=0) - corner) for corner in lid]
        scene.surface(inner, ink.screen, depth=lid_depth + 0.001, line=0.0)


def _stand(scene: Scene, place: Place) -> None:
    """A small table under a laptop that does not stand on the floor."""
    if not place.height:
        return
    forward = _facing(place)
    side = at(-forward[1], forward[0], 0)
    middle = at(place.x, place.y, 0)
    near = scene.depth(at(place.x, place.y, place.height)) - 0.05
    for a in (0.26, -0.26):
        for b in (0.34, -0.34):
            foot = middle + a * forward + b * side
            leg = [foot, foot + at(0, 0, place.height)]

            def draw(image: Image, at: NDArray[np.float64], scale: float) -> None:
                cv2.polylines(
                    image,
                    [fixed_point(at)],
                    False,
                    scene.ink.line,
                    max(2, round(0.03 * scale)),
                    cv2.LINE_AA,
                    SHIFT,
                )

            scene.add(near - 0.1, scene.flat(np.stack(leg)), draw)
    top = [
        middle + a * 0.32 * forward + b * 0.4 * side + at(0, 0, place.height)
        for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))
    ]
    scene.surface(top, scene.ink.floor, depth=near)


def _sight(scene: Scene, place: Place) -> None:
    """What the camera sees: a pale wedge from the lens over the whole body, on the floor."""
    lens = _lens(place)
    side = at(-_facing(place)[1], _facing(place)[0], 0)
    body = np.array([at(-0.88, 0.0, 0.1), at(0.7, 0.1, 0.1), at(0.3, 0.4, 0.1), at(0.0, -0.2, 0.1)])
    reach = body @ side
    wedge = np.stack([lens, body[reach.argmax()] + 0.08 * side, body[reach.argmin()] - 0.08 * side])

    def draw(image: Image, at: NDArray[np.float64], scale: float) -> None:
        veil = image.copy()
        cv2.fillPoly(veil, [fixed_point(at)], scene.ink.sight, cv2.LINE_AA, SHIFT)
        cv2.addWeighted(veil, 0.5, image, 0.5, 0, dst=image)
        edges = [fixed_point(at[[0, 1]]), fixed_point(at[[0, 2]])]
        cv2.polylines(image, edges, False, scene.ink.line, max(1, round(0.008 * scale)), cv2.LINE_AA, SHIFT)

    scene.add(-5.0, scene.flat(wedge), draw)


def _distance(scene: Scene, place: Place) -> None:
    """ "2 m" along an arrow on the floor from the laptop to the person."""
    forward = _facing(place)
    side = at(-forward[1], forward[0], 0)
    # beside the wedge, on the side nearer to who looks at the drawing
    side = side if scene.depth(side) > 0 else -side
    away = 0.62 * side
    start = at(place.x, place.y, 0) + away + 0.1 * forward
    end = 0.45 * -forward + away

    def draw(image: Image, at: NDArray[np.float64], scale: float) -> None:
        line = max(1, round(0.014 * scale))
        cv2.polylines(image, [fixed_point(at)], False, scene.ink.line, line, cv2.LINE_AA, SHIFT)
        for a, b in ((at[0], at[1]), (at[1], at[0])):
            along = (a - b) / np.hypot(*(a - b))
            across = np.array([-along[1], along[0]])
            back = a - along * 0.09 * scale
            tip = np.array([a, back + across * 0.045 * scale, back - across * 0.045 * scale])
            cv2.fillPoly(image, [fixed_point(tip)], scene.ink.line, cv2.LINE_AA, SHIFT)
        size, text = 0.24 * scale, "2 m"
        x, y = at.mean(axis=0)
        width = text_width(text, size, 600)
        cv2.rectangle(
            image,
            (round(x - 0.6 * width), round(y - 0.55 * size)),
            (round(x + 0.6 * width), round(y + 0.55 * size)),
            scene.ink.paper,
            -1,
        )
        put_text(image, text, x - width / 2, y + 0.36 * size, size, scene.ink.line, 600)

    scene.add(9.5, scene.flat(np.stack([start, end])), draw)
