"""A synthetic body with known joint angles, seen by a pinhole camera: exact truth for the tests.

Room axes, metres: x from the head end to the foot end, y up from the floor, z so that x, y, z are
right-handed (a camera on the +z side sees the foot end on the right). A bridge lies with its right side
towards +z; a clam lies on its right side facing +z, so its left leg is on top (`mirrored` makes the other).

    pose = partial(bridge, drop_deg=5.0)                     # or clam(...)
    time_s, level, truth = repetitions([Rep()] * 3)          # minimum-jerk levels, 0 at rest, 1 at the top
    points = np.stack([bridge_at(level_i) for level_i in level])
    track = film(points, time_s, Camera(yaw_deg=0))          # a `Track`, as an engine would have made it

Everything random takes a seed. Nothing here imports the measures under test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, wraps

import numpy as np
from numpy.typing import NDArray

from formcheck.pose.landmarks import LANDMARK_COUNT, Landmark, Pose, PoseResult
from formcheck.pose.track import Track

Array = NDArray[np.float64]
L = Landmark

UP = np.array([0.0, 1.0, 0.0])
X, Z = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
SIDES = ("LEFT", "RIGHT")


@dataclass(frozen=True)
class Body:
    """Segment lengths in metres; the defaults are the ratios of spec 1.5."""

    trunk: float = 0.50
    thigh: float = 0.42
    shank: float = 0.40
    hip_line: float = 0.20
    shoulders: float = 0.34
    foot: float = 0.20

    def scaled(self, k: float) -> Body:
        """The same proportions, `k` times as large."""
        return Body(*(k * getattr(self, n) for n in self.__dataclass_fields__))


BODY = Body()
#: Heights above the floor at rest. Shoulder and heel lie level, so the floor line is exact.
FLOOR_LINE, HIP_REST, ANKLE = 0.05, 0.10, 0.10


def made_once(make: Callable[..., Array]) -> Callable[..., Array]:
    """Makes a body once for the same figures: most frames of most tests show one that was made before."""
    kept = lru_cache(maxsize=20_000)(make)

    @wraps(make)
    def made(*figures: object, **more: object) -> Array:
        return kept(*figures, **more).copy()

    return made


def _unit(v: Array) -> Array:
    return v / np.linalg.norm(v)


def rotated(points: Array, axis: Array, deg: float, about: Array) -> Array:
    """Points turned about an axis through `about` by the right-hand rule (Rodrigues)."""
    k, a = _unit(axis), np.radians(deg)
    p = np.asarray(points, float) - about
    turned = (
        p * np.cos(a) + np.cross(k, p) * np.sin(a) + np.outer(p @ k, k).reshape(p.shape) * (1 - np.cos(a))
    )
    return turned + about


def bent_joint(a: Array, b: Array, first: float, second: float, towards: Array) -> Array:
    """Where a knee is, between hip `a` and ankle `b`, bent towards a direction."""
    along = b - a
    d = min(float(np.linalg.norm(along)), first + second - 1e-9)
    u = _unit(along)
    x = (d * d + first**2 - second**2) / (2 * d)
    out = towards - (towards @ u) * u
    return a + x * u + np.sqrt(max(first**2 - x * x, 0.0)) * _unit(out)


def _face(p: Array, head: Array, up_body: Array, front: Array, left: Array) -> None:
    """Head landmarks around the ears' middle."""
    nose = head + 0.10 * front
    p[L.NOSE] = nose
    for i, side in ((0, 1.0), (3, -1.0)):
        for j, off in enumerate((0.02, 0.03, 0.05)):
            p[L.LEFT_EYE_INNER + i + j] = nose - 0.02 * front + 0.03 * up_body + side * off * left
    p[L.LEFT_EAR], p[L.RIGHT_EAR] = head + 0.07 * left, head - 0.07 * left
    p[L.MOUTH_LEFT], p[L.MOUTH_RIGHT] = (nose - 0.04 * up_body + s * 0.025 * left for s in (1, -1))


def _hand(p: Array, side: str, elbow: Array, wrist: Array) -> None:
    p[L[f"{side}_ELBOW"]], p[L[f"{side}_WRIST"]] = elbow, wrist
    reach = 0.08 * _unit(wrist - elbow)
    for finger, off in (("PINKY", 0.9), ("INDEX", 1.0), ("THUMB", 0.5)):
        p[L[f"{side}_{finger}"]] = wrist + off * reach


# --- bridge ---------------------------------------------------------------------------------------


@made_once
def bridge(
    lift_m: float = 0.0,
    *,
    body: Body = BODY,
    rest_knee_deg: float = 115.0,
    drop_deg: float = 0.0,
    knees_in_deg: float | tuple[float, float] = 0.0,
    shift_m: float = 0.0,
    heel_deg: float = 0.0,
    head_m: float = 0.0,
    stance: str | None = None,
    offset_m: float = 0.0,
) -> Array:
    """A bridge with the hips `lift_m` above their rest and the feet fixed on the floor.

    Args:
        lift_m: rise of the hip joints.
        body: segment lengths.
        rest_knee_deg: knee flexion with the hips down; says where the feet stand.
        drop_deg: pelvis turned about the long axis, + right side lower.
        knees_in_deg: each knee turned inwards about its hip-ankle line (left, right).
        shift_m: hips moved to the patient's right.
        heel_deg: heels up by this pitch, toes on the floor.
        head_m: head raised.
        stance: "left" or "right" for a single-leg bridge, the other leg straight with thighs parallel.
        offset_m: the left foot so much further away (an offset bridge of the right leg).

    Returns:
        ``(33, 3)`` room points.
    """
    p = np.zeros((LANDMARK_COUNT, 3))
    rest_up = HIP_REST - FLOOR_LINE
    rest_x = np.sqrt(body.trunk**2 - rest_up**2)
    reach = np.sqrt(
        body.thigh**2 + body.shank**2 + 2 * body.thigh * body.shank * np.cos(np.radians(rest_knee_deg))
    )
    ankle_x = rest_x + np.sqrt(reach**2 - (HIP_REST - ANKLE) ** 2)
    up = rest_up + lift_m
    shoulder_mid = np.array([0.0, FLOOR_LINE, 0.0])
    hip_mid = shoulder_mid + np.array([np.sqrt(body.trunk**2 - up**2), up, shift_m])
    half = body.hip_line / 2
    turn = np.radians(drop_deg)
    lean = knees_in_deg if isinstance(knees_in_deg, tuple) else (knees_in_deg, knees_in_deg)
    for side, sign, inward in zip(SIDES, (-1.0, 1.0), lean, strict=True):  # the right side lies at +z
        p[L[f"{side}_SHOULDER"]] = shoulder_mid + sign * body.shoulders / 2 * Z
        _hand(p, side, np.array([0.28, 0.04, sign * 0.30]), np.array([0.52, 0.04, sign * 0.34]))
        hip = hip_mid + half * sign * np.array([0.0, -np.sin(turn), np.cos(turn)])
        foot_x = ankle_x + (offset_m if side == "LEFT" else 0.0)
        toe = np.array([foot_x + 0.75 * body.foot, FLOOR_LINE, sign * half])
        foot = np.stack([[foot_x, ANKLE, sign * half], [foot_x - 0.25 * body.foot, FLOOR_LINE, sign * half]])
        ankle, heel = rotated(foot, Z, -heel_deg, toe)
        pole = rotated(UP, _unit(ankle - hip), -sign * inward, np.zeros(3))
        knee = bent_joint(hip, ankle, body.thigh, body.shank, pole)
        for part, at in (("HIP", hip), ("KNEE", knee), ("ANKLE", ankle), ("HEEL", heel), ("FOOT_INDEX", toe)):
            p[L[f"{side}_{part}"]] = at
    if stance is not None:
        own, free = stance.upper(), "LEFT" if stance == "right" else "RIGHT"
        thigh = p[L[f"{own}_KNEE"]] - p[L[f"{own}_HIP"]]
        p[L[f"{free}_KNEE"]] = p[L[f"{free}_HIP"]] + thigh
        p[L[f"{free}_ANKLE"]] = p[L[f"{free}_KNEE"]] + body.shank * _unit(thigh)
        p[L[f"{free}_HEEL"]] = p[L[f"{free}_ANKLE"]] + 0.05 * _unit(thigh)
        p[L[f"{free}_FOOT_INDEX"]] = p[L[f"{free}_ANKLE"]] + np.array([0.05, 0.15, 0.0])
    _face(p, np.array([-0.20, 0.10 + head_m, 0.0]), -X, UP, -Z)
    return p


@lru_cache
def bridge_lift_for(hip_angle_deg: float, **options: float) -> float:
    """Hip rise in metres at which the hip angle is this (180 = straight)."""
    lifts = np.linspace(0.0, 0.36, 145)
    angles = [hip_angle_true(bridge(x, **options)) for x in lifts]  # type: ignore[arg-type]
    return float(np.interp(hip_angle_deg, angles, lifts))


def angle_at(a: Array, b: Array, c: Array) -> Array:
    """Angle at `b` in degrees, any dimension, by the cosine rule (the code under test uses the tangent)."""
    u, v = a - b, c - b
    cos = (u * v).sum(-1) / (np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1))
    return np.degrees(np.arccos(np.clip(cos, -1, 1)))


def hip_angle_true(points: Array, side: str = "right") -> float:
    """Signed hip angle in the sagittal (x, y) plane, 180 = straight, more above the line."""
    s, h, k = (points[L[f"{side.upper()}_{n}"]][:2] for n in ("SHOULDER", "HIP", "KNEE"))
    lower = np.arctan2(s[1] - h[1], s[0] - h[0]) - np.arctan2(k[1] - h[1], k[0] - h[0])
    # Angle swept over the front (upper) side of the hip, from knee to shoulder.
    return float(np.degrees(lower) % 360.0)


def knee_flexion_true(points: Array, side: str = "right") -> float:
    """Knee flexion, 0 = straight."""
    return 180.0 - float(angle_at(*(points[L[f"{side.upper()}_{n}"]] for n in ("HIP", "KNEE", "ANKLE"))))


def shank_lean_true(points: Array, side: str) -> float:
    """Lean of a shank towards the other leg, seen along the body."""
    k, a = points[L[f"{side.upper()}_KNEE"]], points[L[f"{side.upper()}_ANKLE"]]
    medial = (k - a)[2] * (1.0 if side == "left" else -1.0)
    return float(np.degrees(np.arctan2(medial, (k - a)[1])))


# --- clam -----------------------------------------------------------------------------------------


@made_once
def clam(
    opening_deg: float = 0.0,
    *,
    body: Body = BODY,
    hip_flexion_deg: float = 45.0,
    roll_deg: float = 0.0,
    trunk_roll_deg: float = 0.0,
    hike_deg: float = 0.0,
    feet_apart: float = 0.0,
    slide_deg: float = 0.0,
    top_slide_deg: float = 0.0,
) -> Array:
    """A clam on the right side, facing +z, head at -x: the left leg is on top and moves.

    Args:
        opening_deg: opening of the top knee relative to the pelvis, about its hip-ankle line.
        body: segment lengths; the knees are bent to 90 degrees.
        hip_flexion_deg: at rest; says where the feet are.
        roll_deg: pelvis, + top hip moves back; it carries the top knee along.
        trunk_roll_deg: shoulders, + top shoulder back.
        hike_deg: + top hip towards the head.
        feet_apart: top foot lifted, trunk lengths.
        slide_deg: less hip flexion on both legs (knees slide towards the feet).
        top_slide_deg: the same of the top leg alone.

    Returns:
        ``(33, 3)`` room points.
    """
    p = np.zeros((LANDMARK_COUNT, 3))
    middle = np.array([0.0, 0.20, 0.0])
    chest = middle - body.trunk * X
    half, shoulder = body.hip_line / 2, body.shoulders / 2
    hips = np.stack([middle + half * UP, middle - half * UP])
    hips = rotated(rotated(hips, Z, hike_deg, middle), X, -roll_deg, middle)
    shoulders = rotated(np.stack([chest + shoulder * UP, chest - shoulder * UP]), X, -trunk_roll_deg, chest)
    for side, i, up in (("LEFT", 0, 1.0), ("RIGHT", 1, -1.0)):
        p[L[f"{side}_SHOULDER"]] = shoulders[i]
        p[L[f"{side}_HIP"]] = hips[i]
        rest_hip = middle + up * half * UP
        bend = hip_flexion_deg - slide_deg - (top_slide_deg if side == "LEFT" else 0.0)
        thigh = np.array([np.cos(np.radians(bend)), 0.0, np.sin(np.radians(bend))])
        shank = np.array([np.sin(np.radians(bend)), 0.0, -np.cos(np.radians(bend))])
        lift = feet_apart * body.trunk * UP if side == "LEFT" else 0.0
        ankle = rest_hip + body.thigh * thigh + body.shank * shank + lift
        if side == "LEFT":
            axis = _unit(ankle - hips[i])
            flat = thigh - (thigh @ axis) * axis
            # Knee up: from the front (thigh) over the axis towards the ceiling.
            pole = rotated(
                flat, axis, (opening_deg + roll_deg) * np.sign(np.cross(axis, flat)[1]), np.zeros(3)
            )
            knee = bent_joint(hips[i], ankle, body.thigh, body.shank, pole)
        else:
            knee = bent_joint(hips[i], ankle, body.thigh, body.shank, thigh)
        p[L[f"{side}_KNEE"]], p[L[f"{side}_ANKLE"]] = knee, ankle
        along = _unit(shank)
        p[L[f"{side}_HEEL"]] = ankle + 0.04 * along - 0.02 * thigh
        p[L[f"{side}_FOOT_INDEX"]] = ankle + 0.03 * along + 0.75 * body.foot * thigh
        _hand(p, side, shoulders[i] + np.array([0.15, 0.0, 0.22]), shoulders[i] + np.array([0.0, -0.1, 0.35]))
    head = chest - 0.20 * X
    _face(p, head, -X, Z, UP)
    return p


# --- other bodies ---------------------------------------------------------------------------------


@made_once
def lying_straight(leg_raise_deg: float = 0.0, body: Body = BODY) -> Array:
    """Supine with straight legs, both raised by an angle."""
    p = bridge(0.0, body=body)
    turn = np.radians(leg_raise_deg)
    along = np.array([np.cos(turn), np.sin(turn), 0.0])
    for side in SIDES:
        hip = p[L[f"{side}_HIP"]]
        p[L[f"{side}_KNEE"]] = hip + body.thigh * along
        p[L[f"{side}_ANKLE"]] = hip + (body.thigh + body.shank) * along
        p[L[f"{side}_HEEL"]] = p[L[f"{side}_ANKLE"]] + 0.05 * along
        p[L[f"{side}_FOOT_INDEX"]] = p[L[f"{side}_ANKLE"]] + 0.18 * np.array([-along[1], along[0], 0.0])
    return p


def side_straight(body: Body = BODY) -> Array:
    """On the side, both legs straight in line with the trunk."""
    p = clam(0.0, body=body)
    for side in SIDES:
        hip = p[L[f"{side}_HIP"]]
        along = (hip - p[L[f"{side}_SHOULDER"]]) / np.linalg.norm(hip - p[L[f"{side}_SHOULDER"]])
        p[L[f"{side}_KNEE"]] = hip + body.thigh * along
        p[L[f"{side}_ANKLE"]] = hip + (body.thigh + body.shank) * along
        p[L[f"{side}_HEEL"]] = p[L[f"{side}_ANKLE"]] + 0.05 * along
        p[L[f"{side}_FOOT_INDEX"]] = p[L[f"{side}_ANKLE"]] + 0.15 * along
    return p


@made_once
def leg_raise(
    deg: float, knee_deg: float = 0.0, other_deg: float = 0.0, side: str = "RIGHT", body: Body = BODY
) -> np.ndarray:
    """Supine, one leg raised by an angle and its knee bent, the other straight; the right side lies at +z."""
    p = lying_straight(0.0, body)
    other = "LEFT" if side == "RIGHT" else "RIGHT"
    for name, lift, bend in ((side, deg, knee_deg), (other, other_deg, 0.0)):
        thigh, shank = (np.cos(a) * X + np.sin(a) * UP for a in np.radians([lift, lift - bend]))
        knee = p[L[f"{name}_HIP"]] + body.thigh * thigh
        ankle = knee + body.shank * shank
        p[L[f"{name}_KNEE"]], p[L[f"{name}_ANKLE"]] = knee, ankle
        p[L[f"{name}_HEEL"]] = ankle + 0.05 * shank
        p[L[f"{name}_FOOT_INDEX"]] = ankle + 0.18 * np.array([-shank[1], shank[0], 0.0])
    return p


@made_once
def heel_slide(
    knee_deg: float, heel_m: float = 0.0, other_m: float = 0.0, side: str = "RIGHT", body: Body = BODY
) -> Array:
    """Supine, one knee bent so far, its heel on the floor or `heel_m` above it; the other leg straight, its
    foot `other_m` up; the right side lies at +z."""
    p = lying_straight(0.0, body)
    other = "LEFT" if side == "RIGHT" else "RIGHT"
    for name, bend, up in ((side, knee_deg, heel_m), (other, 0.0, other_m)):
        hip = p[L[f"{name}_HIP"]]
        square = body.thigh**2 + body.shank**2 + 2 * body.thigh * body.shank * np.cos(np.radians(bend))
        ankle = hip + np.sqrt(max(square - up**2, 0.0)) * X + up * UP
        knee = bent_joint(hip, ankle, body.thigh, body.shank, UP)
        shank = _unit(ankle - knee)
        p[L[f"{name}_KNEE"]], p[L[f"{name}_ANKLE"]] = knee, ankle
        p[L[f"{name}_HEEL"]] = ankle + 0.05 * shank
        p[L[f"{name}_FOOT_INDEX"]] = ankle + 0.18 * np.array([-shank[1], shank[0], 0.0])
    return p


def plank(sag_m: float = 0.0, body: Body = BODY) -> Array:
    """Prone on straight legs, hips `sag_m` below the line."""
    p = lying_straight(0.0, body)
    p[:, 1] = 0.30
    for side in SIDES:
        p[L[f"{side}_HIP"], 1] -= sag_m
        p[L[f"{side}_KNEE"], 1] -= 0.5 * sag_m
        p[L[f"{side}_FOOT_INDEX"], 1] = 0.12
    return p


@made_once
def standing(step: float = 0.0, body: Body = BODY) -> Array:
    """Upright, facing +z, walking on the spot: `step` -1 to 1 lifts one knee or the other."""
    p = np.zeros((LANDMARK_COUNT, 3))
    hip_y = body.thigh + body.shank + 0.08
    for side, sign in (("LEFT", 1.0), ("RIGHT", -1.0)):
        hip = np.array([sign * body.hip_line / 2, hip_y, 0.0])
        up = max(sign * step, 0.0)
        ankle = hip - np.array([0.0, (body.thigh + body.shank) * (1 - 0.25 * up), 0.0])
        knee = bent_joint(hip, ankle, body.thigh, body.shank, Z)
        chest = np.array([sign * body.shoulders / 2, hip_y + body.trunk, 0.0])
        p[L[f"{side}_SHOULDER"]], p[L[f"{side}_HIP"]] = chest, hip
        p[L[f"{side}_KNEE"]], p[L[f"{side}_ANKLE"]] = knee, ankle
        p[L[f"{side}_HEEL"]] = ankle - np.array([0.0, 0.05, 0.05])
        p[L[f"{side}_FOOT_INDEX"]] = ankle + np.array([0.0, -0.05, 0.15])
        _hand(p, side, chest - np.array([0.0, 0.28, 0.0]), chest - np.array([0.0, 0.52, 0.0]))
    _face(p, np.array([0.0, hip_y + body.trunk + 0.2, 0.0]), UP, Z, X)
    return p


@made_once
def step_at_wall(
    lean_deg: float,
    *,
    knee_deg: float = 0.0,
    hips_deg: float = 0.0,
    heel_deg: float = 0.0,
    side: str = "RIGHT",
    body: Body = BODY,
) -> Array:
    """In a long step, facing +x with the hands out before it, the right side at +z.

    Args:
        lean_deg: of the leg behind, ankle to hip, from upright.
        knee_deg: how far its knee is bent.
        hips_deg: how much further than the leg the trunk leans.
        heel_deg: pitch of its foot, the heel up; the ankle stays where it is.
        side: of the leg behind.
        body: segment lengths.
    """
    p = np.zeros((LANDMARK_COUNT, 3))
    lean, trunk = np.radians(lean_deg), np.radians(lean_deg + hips_deg)
    reach = np.sqrt(
        body.thigh**2 + body.shank**2 + 2 * body.thigh * body.shank * np.cos(np.radians(knee_deg))
    )
    hips = np.array([0.0, ANKLE, 0.0]) + reach * (np.sin(lean) * X + np.cos(lean) * UP)
    chest = hips + body.trunk * (np.sin(trunk) * X + np.cos(trunk) * UP)
    for name, sign in (("LEFT", -1.0), ("RIGHT", 1.0)):
        hip = hips + sign * body.hip_line / 2 * Z
        ankle = np.array([0.0 if name == side else 0.62, ANKLE, sign * body.hip_line / 2])
        shoulder = chest + sign * body.shoulders / 2 * Z
        p[L[f"{name}_SHOULDER"]], p[L[f"{name}_HIP"]], p[L[f"{name}_ANKLE"]] = shoulder, hip, ankle
        p[L[f"{name}_KNEE"]] = bent_joint(hip, ankle, body.thigh, body.shank, X)
        foot = np.stack([ankle - 0.05 * (X + UP), ankle + 0.15 * X - 0.05 * UP])
        foot = rotated(foot, Z, -heel_deg if name == side else 0.0, ankle)
        p[L[f"{name}_HEEL"]], p[L[f"{name}_FOOT_INDEX"]] = foot
        _hand(p, name, shoulder + 0.22 * X - 0.05 * UP, shoulder + 0.45 * X)
    _face(p, chest + 0.2 * UP, UP, X, -Z)
    return p


@made_once
def half_kneeling(
    lean_deg: float, *, trunk_deg: float = 0.0, front_m: float = 0.42, side: str = "RIGHT", body: Body = BODY
) -> Array:
    """On one knee, facing +x, the right side at +z.

    Args:
        lean_deg: of the kneeling thigh from upright, pelvis forwards +.
        trunk_deg: lean of the trunk.
        front_m: from the kneeling knee to the other ankle.
        side: that kneels.
        body: segment lengths.
    """
    p = np.zeros((LANDMARK_COUNT, 3))
    lean, trunk = np.radians(lean_deg), np.radians(trunk_deg)
    hips = np.array([0.0, 0.06, 0.0]) + body.thigh * (np.sin(lean) * X + np.cos(lean) * UP)
    chest = hips + body.trunk * (np.sin(trunk) * X + np.cos(trunk) * UP)
    for name, sign in (("LEFT", -1.0), ("RIGHT", 1.0)):
        across = sign * body.hip_line / 2 * Z
        hip, shoulder = hips + across, chest + sign * body.shoulders / 2 * Z
        if name == side:
            knee, ankle = 0.06 * UP + across, -body.shank * X + 0.06 * UP + across
            heel, toe = ankle + 0.05 * UP, ankle - 0.12 * X
        else:
            ankle = front_m * X + ANKLE * UP + across
            knee = bent_joint(hip, ankle, body.thigh, body.shank, X)
            heel, toe = ankle - 0.05 * (X + UP), ankle + 0.15 * X - 0.05 * UP
        parts = {
            "SHOULDER": shoulder,
            "HIP": hip,
            "KNEE": knee,
            "ANKLE": ankle,
            "HEEL": heel,
            "FOOT_INDEX": toe,
        }
        for part, at in parts.items():
            p[L[f"{name}_{part}"]] = at
        _hand(p, name, shoulder - 0.15 * X - 0.2 * UP, hip + 0.1 * UP)
    _face(p, chest + 0.2 * UP, UP, X, -Z)
    return p


def arm_up(points: Array, side: str, lean_deg: float = 0.0, length_m: float = 0.5) -> Array:
    """The body with one arm straight up from its shoulder, leaning towards the feet."""
    out, lean = points.copy(), np.radians(lean_deg)
    way = np.sin(lean) * X + np.cos(lean) * UP
    for part, share in (("ELBOW", 0.55), ("WRIST", 1.0), ("INDEX", 1.15), ("PINKY", 1.15), ("THUMB", 1.1)):
        out[L[f"{side}_{part}"]] = points[L[f"{side}_SHOULDER"]] + share * length_m * way
    return out


# --- camera ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks at a target.

    Attributes:
        yaw_deg: around the body: 0 from +z, 90 from the foot end, -90 from the head end, 180 from -z.
        distance_m, height_m: of the lens, from the target over the floor and from the floor.
        focal_px: focal length.
        roll_deg: about the viewing axis, + turns the picture clockwise.
        image_wh: frame size.
        target: where it looks, room metres.
        tilted: False holds the camera level (as a laptop on the floor) instead of looking at the target.
    """

    yaw_deg: float = 0.0
    distance_m: float = 2.2
    height_m: float = 0.30
    focal_px: float = 900.0
    roll_deg: float = 0.0
    image_wh: tuple[int, int] = (1280, 720)
    target: tuple[float, float, float] = (0.25, 0.25, 0.0)
    tilted: bool = True

    def far(self) -> Camera:
        """The same direction and picture size from so far away that nothing is foreshortened by nearness."""
        k = 200.0 / self.distance_m
        rise = (self.height_m - self.target[1]) * k
        return replace(self, distance_m=200.0, focal_px=self.focal_px * k, height_m=self.target[1] + rise)

    def axes(self) -> Array:
        """Rows: image right, image down, away from the camera, in room axes."""
        turn = np.radians(self.yaw_deg)
        back = np.array([np.sin(turn), 0.0, np.cos(turn)]) * self.distance_m
        if self.tilted:
            back[1] = self.height_m - self.target[1]
        forward = _unit(-back)
        right = _unit(np.cross(forward, UP))
        axes = np.stack([right, np.cross(forward, right), forward])
        r = np.radians(self.roll_deg)
        turned = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
        return turned @ axes

    def project(self, points: Array) -> tuple[Array, Array]:
        """Pixels ``(..., 33, 2)`` and camera-axes metres ``(..., 33, 3)`` with the origin at mid-hips."""
        turn = np.radians(self.yaw_deg)
        lens = np.array(self.target) + self.distance_m * np.array([np.sin(turn), 0.0, np.cos(turn)])
        lens[1] = self.height_m
        seen = (points - lens) @ self.axes().T
        xy = self.focal_px * seen[..., :2] / seen[..., 2:] + np.array(self.image_wh) / 2
        hips = (seen[..., L.LEFT_HIP, :] + seen[..., L.RIGHT_HIP, :]) / 2
        return xy, seen - hips[..., None, :]


# --- time -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rep:
    """One repetition: phase durations, height of its top, and how far it comes back down."""

    rise_s: float = 1.5
    hold_s: float = 1.0
    lower_s: float = 1.5
    rest_s: float = 1.0
    top: float = 1.0
    back_to: float = 0.0


@dataclass(frozen=True)
class TrueRep:
    """When its phases really began and ended."""

    start_s: float
    hold_start_s: float
    hold_end_s: float
    end_s: float


def minimum_jerk(share: Array) -> Array:
    """Position of a smooth movement from 0 to 1 (Flash and Hogan 1985)."""
    u = np.clip(share, 0.0, 1.0)
    return u**3 * (10 - 15 * u + 6 * u * u)


def level_at(
    reps: Sequence[Rep], lead_s: float = 1.5
) -> tuple[Callable[[Array], Array], list[TrueRep], float]:
    """Level as a function of time, true phase times, and how long it all lasts."""
    knots: list[tuple[float, float, float, float]] = []
    truth = []
    now, low = lead_s, 0.0
    for rep in reps:
        up, down = now + rep.rise_s, now + rep.rise_s + rep.hold_s
        knots += [(now, up, low, rep.top), (down, down + rep.lower_s, rep.top, rep.back_to)]
        truth.append(TrueRep(now, up, down, down + rep.lower_s))
        now, low = down + rep.lower_s + rep.rest_s, rep.back_to

    def level(t: Array) -> Array:
        t = np.asarray(t, float)
        out = np.zeros_like(t)
        for a, b, start, end in knots:
            out = np.where(t >= a, start + (end - start) * minimum_jerk((t - a) / (b - a)), out)
        return out

    return level, truth, now + 0.5


def repetitions(
    reps: Sequence[Rep], fps: float = 30.0, lead_s: float = 1.5
) -> tuple[Array, Array, list[TrueRep]]:
    """Even frame times, levels at them, and true phase times."""
    level, truth, duration = level_at(reps, lead_s)
    time_s = np.arange(int(duration * fps)) / fps
    return time_s, np.round(level(time_s), 9), truth  # the same in each repetition, for `made_once`


def ar1(shape: tuple[int, ...], sd: float, rho: float, rng: np.random.Generator) -> Array:
    """Noise that remembers the frame before, of standard deviation `sd`, along the first axis."""
    out = rng.normal(0, sd, shape)
    for i in range(1, shape[0]):
        out[i] = rho * out[i - 1] + np.sqrt(1 - rho * rho) * out[i]
    return out


# --- landmarks ------------------------------------------------------------------------------------

_SWAPPED = np.array(
    [L[n.name.replace("LEFT", "#").replace("RIGHT", "LEFT").replace("#", "RIGHT")] for n in L]
)


def swap_sides(points: Array) -> Array:
    """Left and right labels exchanged."""
    return points[..., _SWAPPED, :]


def film(
    points: Array,
    time_s: Array,
    camera: Camera,
    *,
    noise_px: float = 0.0,
    noise_m: float = 0.0,
    rho: float = 0.0,
    seed: int = 0,
    missing: NDArray[np.bool_] | float = 0.0,
    swapped: NDArray[np.bool_] | float = 0.0,
    visibility: dict[L, float] | None = None,
) -> Track:
    """What a pose engine would have made of these bodies.

    Args:
        points: ``(T, 33, 3)`` room points.
        time_s: ``(T,)``.
        camera: from where.
        noise_px, noise_m: standard deviation of image and world landmarks.
        rho: how much the noise remembers the frame before (0 = white).
        seed: of everything random.
        missing: frames without a person, or the share of them.
        swapped: frames with left and right exchanged, or the share of them.
        visibility: by landmark; 0.99 where not named.
    """
    rng = np.random.default_rng(seed)
    xy, world = camera.project(points)
    n = len(time_s)
    xy = xy + ar1(xy.shape, noise_px, rho, rng) if noise_px else xy
    world = world + ar1(world.shape, noise_m, rho, rng) if noise_m else world
    gone = missing if isinstance(missing, np.ndarray) else rng.random(n) < missing
    swap = swapped if isinstance(swapped, np.ndarray) else rng.random(n) < swapped
    xy[swap], world[swap] = swap_sides(xy[swap]), swap_sides(world[swap])
    seen = np.full((n, LANDMARK_COUNT), 0.99, np.float32)
    for landmark, value in (visibility or {}).items():
        seen[:, landmark] = value
    image = np.concatenate([xy, camera.focal_px / camera.distance_m * world[..., 2:]], axis=-1)
    image[gone] = world[gone] = np.nan
    seen[gone] = 0.0
    return Track(
        time_s=np.asarray(time_s, np.float64),
        person=~gone,
        rejected=np.zeros(n, bool),
        people_seen=(~gone).astype(np.int32),
        image_xyz=image.astype(np.float32),
        world_xyz=world.astype(np.float32),
        visibility=seen,
        image_wh=camera.image_wh,
    )


def mirrored(track: Track) -> Track:
    """The mirror image: x turned round and, as it is then the other side of a body, labels exchanged."""
    image, world = track.image_xyz.copy(), track.world_xyz.copy()
    image[..., 0] = track.image_wh[0] - image[..., 0]
    world[..., 0] = -world[..., 0]
    return replace(
        track,
        image_xyz=swap_sides(image),
        world_xyz=swap_sides(world),
        visibility=track.visibility[:, _SWAPPED],
    )


def joined(*tracks: Track, pause_s: float = 1 / 30) -> Track:
    """Recordings one after the other, as a cut makes them."""
    times, start = [], 0.0
    for track in tracks:
        times.append(track.time_s - track.time_s[0] + start)
        start = float(times[-1][-1]) + pause_s
    arrays = {
        name: np.concatenate([getattr(t, name) for t in tracks])
        for name in ("person", "rejected", "people_seen", "image_xyz", "world_xyz", "visibility")
    }
    return Track(time_s=np.concatenate(times), image_wh=tracks[0].image_wh, **arrays)


def poses(track: Track) -> list[Pose | None]:
    """The track's poses one by one."""
    return [
        Pose(
            time_s=float(track.time_s[i]),
            index=i,
            image_wh=track.image_wh,
            image_xyz=track.image_xyz[i],
            world_xyz=track.world_xyz[i],
            visibility=track.visibility[i],
            presence=track.visibility[i],
            score=0.9,
        )
        if track.person[i]
        else None
        for i in range(len(track))
    ]


def results(track: Track) -> list[PoseResult]:
    """The track as an engine's results."""
    return [
        PoseResult(float(track.time_s[i]), i, pose, int(track.people_seen[i]))
        for i, pose in enumerate(poses(track))
    ]
