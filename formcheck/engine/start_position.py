"""What keeps a patient from starting, one small check each, from a second or so of landmarks (spec 3.3, 6.4).

Pure functions of a `StartPosition`. Each limit says where it comes from: the specification, or the 54 real
and rendered clips, of which the range over bodies in the right start position is given ("start") and, where
there are such, over others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from formcheck.engine.position import OF_THE_POSITION, PositionCheck, Problem, RecentFrames
from formcheck.exercises.definition import Definition
from formcheck.measures import view as views
from formcheck.measures.formulas import Formulas
from formcheck.measures.geometry import joint_angle_deg, mad_sd
from formcheck.measures.measure import formulas
from formcheck.pose.landmarks import Landmark, other_side, side_landmark

Array = NDArray[np.float64]

# --- limits -------------------------------------------------------------------------------------------

SEEN_SHARE = 0.3  # [D] of the frames: fewer and nobody is there
LOCKED_SHARE = 0.7  # [D] with two people: fewer and it is not sure which body is followed
EDGE = 0.01  # as the measures have it: nearer to the edge a part is cut off. Start: 0.03 or more
FILLS = 0.95  # body along the picture. Start: 0.80 at most; cut off in the close clips 0.96 to 1.22
SMALL = 0.35  # spec 3.3: body under 35 % of the picture. Start, lying across it: 0.38 or more
# Seen from a corner or an end, at the distances of spec 3 the same body covers less, even with the
# foreshortening taken out: 0.31 to 0.41 from corners, 0.20 to 0.41 from the ends.
SMALL_FROM_ENDS = 0.20
ACROSS_DEG = 35.0  # turned less than this, a body lies across the picture (spec 3.1)
UPRIGHT = 0.10  # lying score, as in measures.view: standing and sitting <= 0.05, lying from 0.14
TILT_DEG = 12.0  # floor line. Start, side and front: -4 to 10 (propped on the forearm); 5 without that
# And the trunk must slope with it, since legs in the air do not tilt the floor: from lower shoulder to lower
# hip, + = hips lower. Start: -9 to 3; hips that are up -24, but then the floor line is level.
TILT_TRUNK_DEG = (-12.0, 3.0)
TILT_YAW_DEG = 25.0  # turned further, the floor line is no longer nearly level in the picture
CAMERA_HEIGHT = 0.5  # lens height / distance, at most: a table's metre at two metres (spec 3)
ON_SIDE = 0.62  # vertical part of hip and shoulder line, as in measures.view
FEET_APART = 0.27  # spec 6.4 has 0.12; two feet lying on each other already show 0.04 to 0.16, so 0.15 more
KNEES_STRAIGHT_DEG = 45.0  # [D] more bend than this is not a straight leg drawn a little bent
KNEE_BENT_DEG, CLAM_KNEES_BENT_DEG = 50.0, 28.0  # as in measures.view: below these, the knees are straight
HIPS_STACKED_DEG = 25.0  # spec 6.4 has 20. Start, front: 1 to 8, propped on the forearm 20
KNEES_FORWARD = (
    0.40,
    0.85,
)  # spec 6.4: 0.55-0.80 for 45 degrees; down to 0.42 at 65 (M-C8). Start: 0.56-0.71
HIPS_UP_DEG = 15.0  # trunk over the floor line (M-B6). Start: -2 to 9; top of a bridge 22 to 24 (spec 4.2)
HEAD_UP = 0.45  # ear over shoulder, trunk lengths. Start: 0.08 to 0.24; a pillow adds 0.2
STILL = 0.05  # spec 1.4: mid-hip and knee speed, trunk lengths a second
JITTER = 3.0  # [D] way over scatter; an even movement has 5.4

_HEAD = (Landmark.NOSE, Landmark.LEFT_EAR, Landmark.RIGHT_EAR)
_FEET = tuple(side_landmark(s, p) for s in ("left", "right") for p in ("ankle", "heel", "foot_index"))
_JOINTS = tuple(side_landmark(s, p) for s in ("left", "right") for p in ("shoulder", "hip", "knee"))
_BODY = [*_HEAD, *_JOINTS, *_FEET]


@dataclass(frozen=True)
class StartPosition:
    """A short window of landmarks, and what they are to be.

    Attributes:
        time_s: ``(T,)`` frame times.
        xy: ``(T, 33, 2)`` smoothed image landmarks, pixels; NaN in frames without a trusted body.
        world: ``(T, 33, 3)`` metres, the same.
        visibility: ``(T, 33)``.
        image_wh: pixels.
        people_seen: most people seen at once in the window.
        definition: the exercise.
        wanted_views: any of these views will do.
        side: declared working side, or None.
        lying: ``(T, 12)`` readings of the network for people who lie on their side, or None; see `Track`.
    """

    time_s: Array
    xy: Array
    world: Array
    visibility: Array
    image_wh: tuple[int, int]
    people_seen: int
    definition: Definition
    wanted_views: tuple[str, ...]
    side: str | None
    lying: Array | None = None

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """``(T,)`` frames with a body."""
        return np.asarray(np.isfinite(self.xy).all(axis=(1, 2)) & np.isfinite(self.world).all(axis=(1, 2)))

    @cached_property
    def bodies(self) -> Array:
        """``(N, 33, 3)`` world landmarks of those frames."""
        return np.asarray(self.world[self.seen], np.float64)

    @cached_property
    def at(self) -> Array:
        """``(33, 2)`` median place of each landmark, pixels."""
        return np.asarray(np.median(self.xy[self.seen], axis=0))

    @cached_property
    def room(self) -> Array:
        """``(33, 3)`` the same in the world, metres."""
        return np.asarray(np.median(self.bodies, axis=0))

    @cached_property
    def level(self) -> float:
        """0 trunk upright to 1 trunk level, a median."""
        t = views.trunk(self.bodies)
        return float(np.median(1 - np.abs(t[:, 1]) / np.maximum(np.linalg.norm(t, axis=1), 1e-6)))

    @cached_property
    def in_posture(self) -> bool:
        """Is the exercise's start posture recognised in most frames?"""
        read = None if self.lying is None else self.lying[self.seen]
        return float(self.module.in_posture(self.bodies, read).mean()) >= 0.5

    @property
    def side_lying(self) -> bool:
        """Is it an exercise on the side?"""
        return self.module.LIES_ON == "side"

    @property
    def module(self) -> Formulas:
        """The exercise's measures module, which knows its start position."""
        return formulas(self.definition)

    @cached_property
    def not_down_yet(self) -> bool:
        """Standing or sitting, in an exercise that is done lying."""
        return self.module.LIES_ON != "nothing" and self.level < UPRIGHT

    @cached_property
    def view(self) -> views.View:
        """The view as recognised from a body in the posture."""
        return self.module.seen_from(self.bodies, np.asarray(self.xy[self.seen], np.float64))

    @cached_property
    def trunk_px(self) -> float:
        """Length of the trunk in the picture."""
        return max(float(np.linalg.norm(self.middle("shoulder") - self.middle("hip"))), 1.0)

    @cached_property
    def length_px(self) -> float:
        """The same, not foreshortened (L_ref of spec 1.5)."""
        yaw = abs(self.view.yaw_deg) if self.side_lying else 0.0
        if yaw <= 50.0:
            return self.trunk_px / float(np.cos(np.radians(yaw)))
        return max(2.5 * float(np.linalg.norm(self.point("left", "hip") - self.point("right", "hip"))), 1.0)

    @cached_property
    def top(self) -> str:
        """Side whose hip and shoulder lie higher in the picture (spec 6.3)."""
        left, right = (self.point(s, "hip")[1] + self.point(s, "shoulder")[1] for s in ("left", "right"))
        return "left" if left < right else "right"

    @cached_property
    def near(self) -> str:
        """Side to judge a bridge by: the stance leg's, else the one nearer the camera (better seen)."""
        if self.definition.has_side:
            return self.side or self.module.working_side(self.bodies, self.nearer)
        shown = {
            s: self.visibility[self.seen][:, [side_landmark(s, "knee"), side_landmark(s, "ankle")]].mean()
            for s in ("left", "right")
        }
        return max(shown, key=lambda s: float(shown[s]))

    @cached_property
    def nearer(self) -> str:
        """Side whose hip is nearer to the camera."""
        apart = self.bodies[:, Landmark.LEFT_HIP, 2] - self.bodies[:, Landmark.RIGHT_HIP, 2]
        return "left" if np.median(apart) < 0 else "right"

    @cached_property
    def turned_deg(self) -> float:
        """Angle between trunk and picture (psi of spec 1.5): 0 across it, 90 pointing at the camera."""
        t = np.median(views.trunk(self.bodies), axis=0)
        return float(np.degrees(np.arctan2(abs(t[2]), np.hypot(t[0], t[1]))))

    def point(self, side: str, part: str) -> Array:
        """``(2,)`` median place in the picture."""
        return np.asarray(self.at[side_landmark(side, part)])

    def middle(self, part: str) -> Array:
        """``(2,)`` middle of the left and right one."""
        return np.asarray((self.point("left", part) + self.point("right", part)) / 2)


# --- is there one body, and all of it in the picture? -------------------------------------------------


def two_people(s: StartPosition) -> bool:
    """More than one person, and no sure lock on one of them."""
    return s.people_seen > 1 and float(s.seen.mean()) < LOCKED_SHARE


def nobody(s: StartPosition) -> bool:
    """Nobody is seen in most of the frames."""
    return float(s.seen.mean()) < SEEN_SHARE if s.seen.size else True


def _cut_off(s: StartPosition, parts: tuple[Landmark, ...]) -> NDArray[np.bool_]:
    shares = s.at[list(parts)] / np.array(s.image_wh)
    return np.asarray(((shares < EDGE) | (shares > 1 - EDGE)).any(axis=1))


def head_out(s: StartPosition) -> bool:
    """Nose and both ears outside. Not asked of somebody who is about to lie down."""
    return not s.not_down_yet and bool(_cut_off(s, _HEAD).all())


def feet_out(s: StartPosition) -> bool:
    """A part of a foot outside; asked as `head_out`."""
    return not s.not_down_yet and bool(_cut_off(s, _FEET).any())


def too_close(s: StartPosition) -> bool:
    """The body fills the picture or sticks out at both ends; upright: not even the trunk is all in it."""
    if s.not_down_yet:
        return bool(_cut_off(s, _JOINTS[:2] + _JOINTS[3:5]).any())
    fills = np.ptp(s.at[_BODY], axis=0) / np.array(s.image_wh)
    return bool(fills.max() > FILLS) or (head_out(s) and feet_out(s))


def too_far(s: StartPosition) -> bool:
    """The body is small in the picture.

    Seen from an end the same body at the same distance covers less, so its length in metres is put
    into pixels by the scale between picture and world.
    """
    shares = np.ptp(s.at[_BODY], axis=0) / np.array(s.image_wh)
    image, world = s.at[_BODY], s.room[_BODY]
    flat = world[:, :2] - world[:, :2].mean(axis=0)
    scale = float((flat * (image - image.mean(axis=0))).sum() / max((flat**2).sum(), 1e-9))
    length_m = float(np.linalg.norm(world[:, None] - world[None], axis=-1).max())
    limit = SMALL if s.turned_deg < ACROSS_DEG else SMALL_FROM_ENDS
    return max(float(shares.max()), scale * length_m / s.image_wh[0]) < limit


# --- the camera ---------------------------------------------------------------------------------------


def camera_tilted(s: StartPosition) -> bool:
    """The floor slopes in the picture although the body lies across it.

    The floor line runs from the lower shoulder to the lowest point of the feet, which all lie on the mat. A
    floor line that lies across the view is level in a level camera's picture, however high the camera and
    however far it looks down. One that runs away from the camera by a yaw rises towards its far end, by up
    to atan(height / distance x tan(yaw)): that much more is allowed on that side.
    """
    if s.not_down_yet or s.module.LIES_ON == "nothing":
        return False
    shoulder, hip = (_lower(s, part) for part in ("shoulder", "hip"))
    foot = max(_FEET, key=lambda i: s.at[i, 1])
    across, depth = s.room[foot, 0] - s.room[shoulder, 0], s.room[foot, 2] - s.room[shoulder, 2]
    yaw = float(np.degrees(np.arctan2(abs(depth), abs(across))))
    if yaw > TILT_YAW_DEG:
        return False
    floor, trunk = _down_deg(s.at[shoulder], s.at[foot]), _down_deg(s.at[shoulder], s.at[hip])
    slope = float(np.degrees(np.arctan(CAMERA_HEIGHT * np.tan(np.radians(yaw)))))
    highest = TILT_DEG + (slope if depth < 0 else 0.0)
    lowest = -TILT_DEG - (slope if depth > 0 else 0.0)
    return (floor > highest and trunk > TILT_TRUNK_DEG[1]) or (floor < lowest and trunk < TILT_TRUNK_DEG[0])


def _lower(s: StartPosition, part: str) -> Landmark:
    """The one of a pair that lies lower in the picture."""
    return max((side_landmark(side, part) for side in ("left", "right")), key=lambda i: s.at[i, 1])


def _down_deg(a: Array, b: Array) -> float:
    """How far the line from `a` to `b` points down in the picture; 0 is level, either way."""
    return float(np.degrees(np.arctan2(b[1] - a[1], abs(b[0] - a[0]))))


def wrong_view(s: StartPosition) -> bool:
    """The camera looks from another side than any that is wanted."""
    return bool(s.wanted_views) and s.view.name not in s.wanted_views


def far_leg(s: StartPosition) -> bool:
    """What counts is measured on the leg that works, and the other one hides it."""
    hidden = s.view.name == "side" and s.definition.counting.signal in s.module.ON_THE_LEG
    return hidden and s.side is not None and s.side != s.nearer


# --- the posture --------------------------------------------------------------------------------------


def not_lying(s: StartPosition) -> bool:
    """Standing or sitting."""
    return s.not_down_yet


def wrong_side_up(s: StartPosition) -> bool:
    """On the side, but the leg that is to work lies below."""
    if not s.side_lying or s.side is None:
        return False
    for part in ("HIP", "SHOULDER"):
        line = s.bodies[:, Landmark[f"LEFT_{part}"]] - s.bodies[:, Landmark[f"RIGHT_{part}"]]
        upright = np.abs(line[:, 1]) / np.maximum(np.linalg.norm(line, axis=1), 1e-6)
        if float(np.median(upright)) < ON_SIDE:
            return False
    return s.top != s.side


def knees_straight(s: StartPosition) -> bool:
    """Not in the posture, and what is missing is the bend of the knees."""
    if s.module.KNEES == "straight":
        return False
    bend = np.median(views.knee_flexion_world_deg(s.bodies), axis=0)
    if s.side_lying:
        return not s.in_posture and float(bend.min()) < CLAM_KNEES_BENT_DEG
    return not s.in_posture and float(bend.max()) < KNEE_BENT_DEG


def knees_bent(s: StartPosition) -> bool:
    """Not in the posture, and what is missing is that a knee is straight."""
    if s.module.KNEES != "straight" or s.in_posture:
        return False
    bend = dict(
        zip(("left", "right"), np.median(views.knee_flexion_world_deg(s.bodies), axis=0), strict=True)
    )
    # On the side the lower leg may be bent for a firmer base.
    return float(bend[s.top] if s.side_lying else max(bend.values())) > KNEES_STRAIGHT_DEG


def not_in_position(s: StartPosition) -> bool:
    """Lying, but not as the exercise starts."""
    return not s.in_posture


def feet_apart(s: StartPosition) -> bool:
    """Clam: the top foot does not lie on the other (vertical gap, trunk lengths)."""
    if not s.side_lying or s.view.name not in ("front", "oblique", "feet"):
        return False
    parts = ("ankle", "heel", "foot_index")
    gaps = [s.point(other_side(s.top), p)[1] - s.point(s.top, p)[1] for p in parts]
    return abs(float(np.mean(gaps))) / s.length_px >= FEET_APART


def hips_not_stacked(s: StartPosition) -> bool:
    """Clam from the front: the hip line leans from the vertical along the body."""
    if not s.side_lying or s.view.name != "front":
        return False
    line = s.point(s.top, "hip") - s.point(other_side(s.top), "hip")
    return float(np.degrees(np.arctan2(abs(line[0]), -line[1]))) > HIPS_STACKED_DEG


def _knees_along(s: StartPosition) -> float | None:
    """Clam from the front: the lower knee along the body from the hips, trunk lengths (M-C8 q)."""
    if not s.side_lying or s.view.name != "front":
        return None
    along = s.middle("hip") - s.middle("shoulder")
    knee = s.point(other_side(s.top), "knee") - s.middle("hip")
    return float(knee @ along) / s.trunk_px / s.length_px


def knees_too_low(s: StartPosition) -> bool:
    """Clam: the hips are nearly straight."""
    q = _knees_along(s)
    return q is not None and q > KNEES_FORWARD[1]


def knees_too_high(s: StartPosition) -> bool:
    """Clam: the knees are drawn up to the chest."""
    q = _knees_along(s)
    return q is not None and q < KNEES_FORWARD[0]


def _knee_bend(s: StartPosition) -> float | None:
    """Bridge from the side: knee flexion of the near leg, degrees."""
    if s.side_lying or s.view.name != "side":
        return None
    leg = [side_landmark(s.near, "knee"), side_landmark(s.near, "ankle")]
    if float(s.visibility[s.seen][:, leg].mean()) < s.definition.gates.visibility_ok:
        return None
    bend = 180.0 - joint_angle_deg(s.point(s.near, "hip"), s.point(s.near, "knee"), s.point(s.near, "ankle"))
    return float(bend)


def _beyond(s: StartPosition, fault: str) -> bool:
    """Would the definition's own rule for the start position already call it a fault (grade 1)?"""
    bend, of = _knee_bend(s), s.definition.faults.get(fault)
    if bend is None or of is None:
        return False
    return any(
        rule.reference is not None and rule.sign * (rule.reference - bend) >= rule.grades[0]
        for rule in of.rules
        if rule.kind == "rest"
    )


def hips_up(s: StartPosition) -> bool:
    """Bridge from the side: the bottom is off the floor already."""
    if s.side_lying or s.view.name != "side":
        return False
    shoulder, hip, heel = (s.point(s.near, part) for part in ("shoulder", "hip", "heel"))
    return _down_deg(shoulder, heel) - _down_deg(shoulder, hip) > HIPS_UP_DEG


def feet_too_far(s: StartPosition) -> bool:
    """Bridge: target less 30 degrees or more (the numbers are the fault's)."""
    return _beyond(s, "feet_too_far")


def feet_too_near(s: StartPosition) -> bool:
    """Bridge: target plus 25 degrees or more."""
    return _beyond(s, "feet_too_near")


def head_up(s: StartPosition) -> bool:
    """Bridge from the side: the head is held up, more than a pillow would."""
    if s.side_lying or s.view.name != "side":
        return False
    return float(s.point(s.near, "shoulder")[1] - s.point(s.near, "ear")[1]) > HEAD_UP * s.trunk_px


def moving(s: StartPosition) -> bool:
    """Hips or a knee that is seen moved between the first and the last third of the window.

    A landmark that jitters has not moved: the way must also stand out from its scatter within the thirds
    (a hidden far knee wanders at 0.3 trunk lengths a second on bodies that lie still).
    """
    xy, t = s.xy[s.seen], s.time_s[s.seen]
    third = len(t) // 3
    if third < 1 or t[-1] <= t[0]:
        return True
    parts = [(xy[:, Landmark.LEFT_HIP] + xy[:, Landmark.RIGHT_HIP]) / 2]
    for knee in (Landmark.LEFT_KNEE, Landmark.RIGHT_KNEE):
        if float(np.median(s.visibility[s.seen][:, knee])) >= s.definition.gates.visibility_ok:
            parts.append(xy[:, knee])
    for part in parts:
        first, last = part[:third], part[-third:]
        way = np.median(last, axis=0) - np.median(first, axis=0)
        across, down = (max(mad_sd(first[:, axis]), mad_sd(last[:, axis])) for axis in (0, 1))
        scatter = np.hypot(across, down)
        speed = float(np.hypot(*way)) / s.length_px / float(np.mean(t[-third:]) - np.mean(t[:third]))
        if speed >= STILL and np.hypot(*way) > JITTER * scatter:
            return True
    return False


#: Checks by importance. Once one says yes, those after it are not asked: they may not make sense yet.
CHECKS: tuple[tuple[str, Callable[[StartPosition], bool]], ...] = (
    ("two_people", two_people),
    ("nobody", nobody),
    ("too_close", too_close),
    ("too_far", too_far),
    ("head_out", head_out),
    ("feet_out", feet_out),
    ("camera_tilted", camera_tilted),
    ("not_lying", not_lying),
    ("wrong_side_up", wrong_side_up),
    ("knees_straight", knees_straight),
    ("knees_bent", knees_bent),
    ("not_in_position", not_in_position),
    ("wrong_view", wrong_view),
    ("far_leg", far_leg),
    ("feet_apart", feet_apart),
    ("hips_not_stacked", hips_not_stacked),
    ("knees_too_low", knees_too_low),
    ("knees_too_high", knees_too_high),
    ("hips_up", hips_up),
    ("feet_too_far", feet_too_far),
    ("feet_too_near", feet_too_near),
    ("head_up", head_up),
    ("hold_still", moving),
)


def setup_problem(
    *,
    time_s: NDArray[np.floating],
    xy: NDArray[np.floating],
    world: NDArray[np.floating],
    visibility: NDArray[np.floating],
    image_wh: tuple[int, int],
    people_seen: int,
    definition: Definition,
    wanted_views: Sequence[str],
    side: str | None,
    lying: NDArray[np.floating] | None = None,
) -> Problem | None:
    """The one most important thing that is in the way, or None: the baseline may be taken.

    Args:
        time_s: ``(T,)`` times of the last second or so: 1.2 s is long enough to tell jitter from moving.
        xy: ``(T, 33, 2)`` smoothed image landmarks, pixels; NaN in frames without a trusted body.
        world: ``(T, 33, 3)`` metres, the same.
        visibility: ``(T, 33)``.
        image_wh: width and height of the picture, pixels.
        people_seen: most people seen at once in the window.
        definition: the exercise.
        wanted_views: views from which it may be done; the first is shown in the drawing.
        side: declared working side (clam: top leg), or None.
        lying: ``(T, 12)`` readings of the network for people who lie on their side, or None; see `Track`.
    """
    stand = StartPosition(
        np.asarray(time_s, np.float64),
        np.asarray(xy, np.float64),
        np.asarray(world, np.float64),
        np.asarray(visibility, np.float64),
        image_wh,
        people_seen,
        definition,
        tuple(wanted_views),
        side,
        None if lying is None else np.asarray(lying, np.float64),
    )
    own = formulas(definition).START_CHECKS
    for name, check in CHECKS:
        if (name not in OF_THE_POSITION or name in own) and check(stand):
            return _problem(name, stand)
    return None


def _problem(name: str, stand: StartPosition) -> Problem:
    view = stand.wanted_views[0] if stand.wanted_views else None
    variant = ""
    if name in ("not_lying", "knees_straight", "knees_bent", "not_in_position"):
        variant = stand.definition.posture
    elif name in ("wrong_side_up", "far_leg"):
        variant = stand.side or ""
    return Problem(name, variant, view if name == "wrong_view" else None)


def position_check(definition: Definition, side: str | None, wanted_views: Sequence[str]) -> PositionCheck:
    """`setup_problem` as `LiveEngine` asks it."""

    def check(window: RecentFrames) -> Problem | None:
        return setup_problem(
            time_s=window.time_s,
            xy=window.xy,
            world=window.world,
            visibility=window.visibility,
            image_wh=window.image_wh,
            people_seen=window.people_seen,
            definition=definition,
            wanted_views=wanted_views,
            side=side,
            lying=window.lying,
        )

    return check
