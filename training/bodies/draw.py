"""Random people, clothes, rooms, cameras and postures: everything that a body's seed decides.

All is drawn from one random generator a body, in a fixed order, so that the set can be made again. Angles
are in degrees, lengths in metres. The working or top side is always the left one: mirror
the picture for the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from shared_generator import FOLDER, sample

Spec = dict[str, Any]
Random = np.random.Generator

#: Exercises by how one lies in them.
LIES_ON = {
    "clam": "side",
    "leg-lift": "side",
    "bridge": "back",
    "single-leg-bridge": "back",
    "march": "back",
}
#: Garments that are kept out of training and seen in the test only.
HELD_OUT_GARMENTS = frozenset({"male_casualsuit05", "female_casualsuit02"})

_FEMALE = ["female_casualsuit01", "female_casualsuit02", "female_sportsuit01", "female_elegantsuit01"]
_MALE = [*(f"male_casualsuit0{i}" for i in range(1, 7)), "male_worksuit01", "male_elegantsuit01"]
_HAIR = [
    "afro01",
    "bob01",
    "bob02",
    "braid01",
    "long01",
    "ponytail01",
    "short01",
    "short02",
    "short03",
    "short04",
]
_SKINS = sorted(p.stem for p in (FOLDER / "assets" / "skins").glob("*.png"))
_EYES = ["blue", "brown", "green", "grey"]
_KNEES_OUT_DEG, _KNEES_IN_DEG = -9.0, 9.0


def colour(rng: Random, strength: float | None = None) -> list[float]:
    """Red, green, blue and how strongly it dyes, each 0 to 1; greys as often as they are worn."""
    rgb = (
        rng.uniform(0.03, 0.9, 3) if rng.random() < 0.7 else rng.uniform(0.03, 0.92) + rng.normal(0, 0.02, 3)
    )
    return [
        *np.clip(rgb, 0.02, 0.95).tolist(),
        float(rng.uniform(0.5, 1.0)) if strength is None else strength,
    ]


def person(rng: Random) -> Spec:
    """Shape and outfit as the shared generator takes them; a third wear tight clothes, a tenth a skirt."""
    gender = float(rng.choice([0, 0, 0, 1, 1, 1, rng.uniform(0.2, 0.8)]))
    word = "male" if gender > 0.5 else "female"
    age = float(rng.uniform(18, 85))
    old = "old" if age > 60 else "middleage" if age > 40 else "young"
    skins = [s for s in _SKINS if f"_{word}_" in s and (s.startswith(old) or rng.random() < 0.2)]
    skin = str(rng.choice(skins))
    outfit: Spec = {
        "hair": str(rng.choice(_HAIR)),
        "skin": skin,
        "shoes": None if rng.random() < 0.35 else f"shoes0{rng.integers(1, 7)}",
        "eyes": str(rng.choice(_EYES)),
        "shoe_tint": colour(rng),
        "clothes": [],
    }
    if rng.random() < 0.45:
        outfit["tights"] = {
            "leg": float(rng.uniform(0.25, 1.0)),
            "sleeve": float(rng.uniform(0.03, 0.95)),
            "top": colour(rng, 1),
            "bottom": colour(rng, 1),
        }
        outfit["skirt"] = colour(rng, 1) if rng.random() < 0.2 else None
    else:
        mine = _FEMALE if (word == "female") == (rng.random() < 0.9) else _MALE
        outfit["clothes"] = [str(rng.choice(mine))]
        if rng.random() < 0.9:
            outfit["top_tint"], outfit["bottom_tint"] = colour(rng), colour(rng)
    if rng.random() < 0.6:
        outfit["hair_tint"] = colour(rng)
    shape = {
        "gender": gender,
        "age": age,
        "weight": float(np.clip(rng.normal(0.55, 0.2), 0.15, 1.0)),
        "muscle": float(rng.uniform(0.25, 0.85)),
        "height": float(rng.uniform(0.2, 0.8)),
        "prop": float(rng.uniform(0.1, 0.9)),
        "eth": "african" if "dark" in skin else str(rng.choice(["caucasian", "caucasian", "asian"])),
    }
    return {"shape": shape, "outfit": outfit}


def stands_off(rng: Random) -> Callable[[np.ndarray], np.ndarray]:
    """How far cloth stands off the body: mostly close, at times baggy; above and below the waist apart."""

    def one() -> float:
        return 0.001 + float(rng.uniform(0, 0.006) if rng.random() < 0.5 else rng.uniform(0.005, 0.035))

    top, bottom, waist = one(), one(), float(rng.uniform(0.75, 1.1))
    waves, phases, depth = rng.uniform(6, 25, 3), rng.uniform(0, 6.3, 3), rng.uniform(0.1, 0.6)

    def off(P: np.ndarray) -> np.ndarray:
        above = 1 / (1 + np.exp(-(P[:, 1] - waist) / 0.03))
        fold = np.sin(P[:, 0] * waves[0] + phases[0] + 1.5 * np.sin(P[:, 1] * waves[1] + phases[1]))
        fold = fold * np.sin(P[:, 1] * waves[2] + P[:, 2] * waves[0] + phases[2])
        return ((top * above + bottom * (1 - above)) * (1 + depth * fold))[:, None].astype(np.float32)

    return off


def cloth(rng: Random) -> Spec:
    """Folds and patterns that the shader draws, and the share of the pelvis' turn by which clothes lag."""
    return {
        "bump": (
            float(rng.uniform(0, 0.35)) * (rng.random() < 0.8),
            float(rng.uniform(25, 140)),
            *rng.uniform(0, 6, 2).tolist(),
        ),
        "pat": (
            float(rng.integers(1, 3)),
            float(rng.uniform(3, 40)),
            float(rng.random()),
            float(rng.uniform(0.05, 0.5)) if rng.random() < 0.35 else 0.0,
        ),
        "patC": (*colour(rng)[:3], float(rng.integers(2))),
        "patD": tuple((rng.normal(size=3) * [1, 1, 0.5]).round(2).tolist()),
        "cloth_lags": float(rng.choice([0.0, rng.uniform(0, 0.35)])),
        "skin_lags": float(rng.choice([0.0, rng.uniform(0, 0.15)])),
    }


def room(rng: Random) -> Spec:
    """A room as the shared generator builds it."""
    return {
        "seed": int(rng.integers(1 << 30)),
        "floor": str(rng.choice(["wood", "carpet", "tile", "plain"])),
        "wall": str(rng.choice(["paint", "brick", "stripes", "panel"])),
        "light": str(rng.choice(["day", "warm", "cool", "dim", "bright"])),
        "surface": str(rng.choice(["mat", "mat", "mat", "thick", "plinth", "bed"])),
        "furniture": int(rng.integers(0, 4)),
        "mat_color": rng.uniform(0.05, 0.85, 3).tolist(),
        "sun_el": float(rng.uniform(30, 75)),
        "clutter": int(rng.random() < 0.4),
    }


def camera(rng: Random, exercise: str, from_an_end: bool = False) -> Spec:
    """Where the camera stands: directions and heights of the shared ``sample.py``, ends drawn more often.

    Args:
        rng: of all that is random.
        exercise: decides what the body lies on.
        from_an_end: it is seen from the feet or, less often, from the head.
    """
    lies_on = LIES_ON[exercise]
    azimuth, _ = sample.azimuth(rng, "clam" if lies_on == "side" else "bridge")
    if from_an_end:
        azimuth = rng.uniform(55, 125) if rng.random() < 0.75 else rng.uniform(-120, -60)
    elif lies_on == "side" and rng.random() < 0.4:  # where the roll shows best
        azimuth = rng.uniform(25, 92)
    places = sample.CAMERA
    place = str(rng.choice(list(places), p=[p[0] for p in places.values()]))
    _, height, distance = places[place]
    return {
        "azimuth_deg": float(azimuth),
        "place": place,
        "height_m": float(rng.uniform(*height)),
        "distance_m": float(rng.uniform(*distance)),
        "hfov_deg": float(rng.uniform(54, 80)),
        "roll_deg": float(rng.normal(0, 2.5)),
        "yaw_off_deg": float(rng.normal(0, 5)),
        "pitch_off_deg": float(rng.normal(0, 4)),
        "side": 1 if rng.random() < 0.5 else -1,
    }


def props(rng: Random, exercise: str) -> Spec:
    """What else lies on or beside the body in one scene."""
    on_side = LIES_ON[exercise] == "side"
    out: Spec = {
        "pillow": rng.random() < (0.85 if on_side else 0.4),
        "pillow_color": rng.uniform(0.3, 0.95, 3).tolist(),
    }
    if exercise in ("clam", "bridge") and rng.random() < 0.12:
        out["cushion"] = {
            "half_m": rng.uniform((0.1, 0.07, 0.03), (0.2, 0.13, 0.07)).tolist(),
            "color": colour(rng)[:3],
        }
    if rng.random() < 0.15:
        out["band"] = {
            "along_thigh": float(rng.uniform(0.6, 0.9)),
            "width_m": float(rng.uniform(0.03, 0.08)),
            "color": colour(rng)[:3],
        }
    if rng.random() < 0.10:
        out["hands"] = [
            {
                "on": str(rng.choice(["pelvis", "knee", "shoulder"])),
                "from": rng.normal(size=3).tolist(),
                "skin": float(rng.uniform(0.15, 0.9)),
            }
            for _ in range(int(rng.integers(1, 3)))
        ]
    if rng.random() < 0.10:
        out["blanket"] = {"to": float(rng.uniform(0.1, 0.9)), "color": colour(rng)[:3]}
    return out


def posture(rng: Random, exercise: str) -> Spec:
    """How one lies at rest in one scene, in the shared generator's words."""
    out: Spec = {"reps": 1, "side": "L", "natural_rollback": 0.0, "posture_noise": 0.3, "body_yaw": 0.0}
    if LIES_ON[exercise] == "side":
        propped = rng.random() < 0.12  # on the forearm
        straight = exercise == "leg-lift"
        out |= {
            "exercise": "clam",
            "hip_flexion": float(rng.uniform(5, 60) if straight else rng.uniform(25, 75)),
            "knee_flexion": float(rng.uniform(5, 100) if straight else rng.uniform(65, 115)),
            "base_roll": float(rng.normal(0, 7)),
            "base_yaw": float(rng.normal(0, 4)),
            "base_pitch": float(rng.normal(0, 4)),
            "arm_top": str(rng.choice(["mat", "mat", "hip", "thigh", "hip"])),
            "arm_bot": str(rng.choice(["pillow", "straight"])),
            "thorax_flex": float(rng.uniform(-4, 18)),
            "thorax_side": -float(rng.uniform(15, 35)) if propped else float(rng.normal(0, 3)),
            "head_flex": float(rng.uniform(-5, 25)),
            "foot_stack": float(rng.uniform(0.065, 0.1)),
            "knee_stack": float(rng.uniform(0.085, 0.14)),
            "ankle_pf": float(rng.uniform(0, 35)),
            "protract_bot": float(rng.uniform(10, 30)),
            "protract_top": float(rng.uniform(-5, 20)),
            "hf_bottom_offset": float(rng.normal(0, 5)),
            "propped": propped,
            "arm_0": (rng.normal(0, 0.05, 3) * (1, 1, 0.4)).tolist(),
        }
        return out
    out |= {
        "exercise": "bridge",
        "foot_offset": float(rng.uniform(-0.02, 0.16)),
        "peak_short": float(rng.uniform(-6, 20)),
        "stance": float(rng.uniform(0.8, 1.7)),
        "toe_out": float(rng.uniform(-4, 22)),
        "arms": str(rng.choice(["sides", "sides", "chest"])),
        "knee_base_in": float(rng.normal(0, 1.2)),
        "stagger_m": float(rng.uniform(-0.12, 0.12)) if rng.random() < 0.2 else 0.0,
    }
    if exercise == "single-leg-bridge":
        out["single_leg"] = str(rng.choice(["L", "R"]))
        out["free_knee_flex"] = float(rng.uniform(0, 80))
    return out


def states(rng: Random, exercise: str, rest: int, moved: int) -> list[Spec]:
    """What differs between the pictures of one scene: `rest` of them at rest, and `moved` others."""
    of = _side_state if LIES_ON[exercise] == "side" else _back_state
    return [of(rng, exercise, k, k < rest) for k in range(rest + moved)]


def _side_state(rng: Random, exercise: str, k: int, at_rest: bool) -> Spec:
    """Roll of the pelvis (+ backwards) and of the thorax, opening or lift of the leg, and small moves."""

    def at_times(share: float, sd: float) -> float:
        return 0.0 if at_rest or rng.random() < share else float(rng.normal(0, sd))

    if at_rest:
        roll = 0.0 if k == 0 else float(rng.normal(0, 0.7))
        leg = float(abs(rng.normal(0, 1))) * (k > 0)
    else:
        level = rng.random() < 0.3
        back = rng.uniform(0, 30) if rng.random() < 0.88 else rng.uniform(-10, 0)
        roll = (0.0 if level else float(back)) + float(rng.normal(0, 0.8))
        leg = float(rng.choice([rng.uniform(0, 12), rng.uniform(0, 60), rng.uniform(12, 50)]))
    return {
        "roll": roll,
        "leg": leg,
        "feet": 0.0 if at_rest or rng.random() < 0.75 else float(rng.uniform(1, 14)),
        "flex": at_times(0.7, 6.0) if not at_rest else float(rng.normal(0, 0.4)) * (k > 0),
        "follow": float(rng.uniform(0, 1)),
        "pitch": at_times(0.6, 3.0),
        "yaw": at_times(0.6, 2.5),
        "head": float(rng.normal(0, 5)),
        "arm": rng.normal(0, 0.012, 3).tolist(),
        "foot_turn": [float(rng.normal(0, 1 if at_rest else 6)) for _ in range(2)],
    }


def _back_state(rng: Random, exercise: str, k: int, at_rest: bool) -> Spec:
    """Lift of the hips (share), drop and twist of the pelvis, knees, arch, feet, and the marching leg."""

    def at_times(share: float, low: float, high: float) -> float:
        return 0.0 if at_rest or rng.random() < share else float(rng.uniform(low, high))

    lift = 0.0 if at_rest else float(rng.choice([rng.uniform(0.1, 1), 1.0, rng.uniform(0.6, 1)]))
    return {
        "lift": lift,
        "roll": at_times(0.3, -20, 20) * min(1.0, 2.5 * lift),
        "twist": at_times(0.7, -9, 9),
        "knees": at_times(0.65, _KNEES_OUT_DEG, _KNEES_IN_DEG),
        "arch": at_times(0.7, 0, 20),
        "raised": float(rng.uniform(0.2, 1))
        if exercise == "march" and not at_rest and rng.random() < 0.7
        else 0.0,
        "raises": str(rng.choice(["L", "R"])),
        "foot_turn": [float(rng.normal(0, 1 if at_rest else 6)) for _ in range(2)],
    }
