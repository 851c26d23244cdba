"""Puts a person into the states of a scene: bone matrices and true joint centres, in metres, z up.

The shared generator knows clams and two-legged or single-leg bridges as movements over time. Here its clock
stands still, and what it takes for a repetition is made of the state that is wanted. Leg lifts, marching,
staggered and turned feet are laid over what it gives, leg by leg.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from draw import LIES_ON, Spec
from shared_generator import generate, kin

Bones = dict[str, Any]
#: Bones of a leg that are placed anew when the leg is; toes follow the foot.
_LEG = ("upperleg01", "upperleg02", "lowerleg01", "lowerleg02", "foot")
#: Bones that turn with the pelvis.
PELVIS = ("root", "pelvis.L", "pelvis.R")


class Body:
    """One person in one scene.

    Args:
        human: of the shared generator.
        exercise: see `draw.LIES_ON`.
        posture: see `draw.posture`.
        seed: of its small random movements.
    """

    def __init__(self, human: Any, exercise: str, posture: Spec, seed: int) -> None:
        self.human, self.exercise, self.posture = human, exercise, dict(posture)
        self.rig = kin.Rig(human)
        self._rest = dict(posture)
        self._motion = (kin.Clam if LIES_ON[exercise] == "side" else kin.Bridge)(self.rig, self.posture, seed)
        self._now: tuple[Spec, float] = ({}, 0.0)
        self._on_the_floor()

    def _on_the_floor(self) -> None:
        """Moves the body over the origin, and its lowest skin a little into the soft mat."""
        first = self._at(_nothing(self.exercise), 0.0)
        joints = generate.joints(self.rig, self.human, first)
        middle = (joints["head"] + (joints["ankle_L"] + joints["ankle_R"]) / 2) / 2
        self._motion.shift = -np.array([middle[0], middle[1], 0])
        if LIES_ON[self.exercise] == "side":
            low = skin_of(self.human, first["M"], ("pelvis", "root", "upperleg"))[:, 2].min()
            self.posture["hip_h"] = 0.098 - 0.015 - low
        else:
            low = skin_of(self.human, first["M"], ("spine", "root", "clav", "should"))[:, 2].min()
            self._motion.sh += -0.012 - low
            self._motion.cache.clear()

    def at(self, state: Spec, time_s: float) -> Bones:
        """Bones in a state: ``M`` ``(B, 4, 4)``, ``Rw`` and ``Pw`` as the shared generator gives them."""
        found = self._at(state, time_s)
        if self.exercise == "leg-lift":
            found = self._with_leg_lifted(found, state)
        if state.get("raised"):
            found = self._with_leg_raised(found, state)
        if self.posture.get("stagger_m") and not self.posture.get("single_leg"):
            found = self._with_feet_staggered(found)
        return self._with_feet_turned(found, state)

    def joints(self, bones: Bones) -> dict[str, np.ndarray]:
        """True joint centres and landmarks by name."""
        return generate.joints(self.rig, self.human, bones)

    def _at(self, state: Spec, time_s: float) -> Bones:
        if LIES_ON[self.exercise] == "side":
            rest = self._rest
            self.posture.update(
                hip_flexion=rest["hip_flexion"] + state["flex"],
                base_pitch=rest["base_pitch"] + state["pitch"],
                base_yaw=rest["base_yaw"] + state["yaw"],
                head_flex=rest["head_flex"] + state["head"],
                thorax_follow=state["follow"],
                arm_off=(np.array(rest["arm_0"]) + state["arm"]).tolist(),
            )
            opening = 0.0 if self.exercise == "leg-lift" else state["leg"]
            faults = [
                ("pelvis_rollback", state["roll"], None),
                ("small_range", opening, None),
                ("feet_separate", state["feet"], None),
            ]
            share = 1.0
        else:
            share = state["lift"]
            u = max(share, 1e-3)
            faults = []
            if state["roll"]:
                faults.append(("pelvic_drop", abs(state["roll"]) / u, "L" if state["roll"] > 0 else "R"))
            if state["twist"]:
                faults.append(
                    ("pelvic_rotation", abs(state["twist"]) / u, "L" if state["twist"] > 0 else "R")
                )
            if state["knees"]:
                faults.append(
                    ("knees_in" if state["knees"] > 0 else "knees_out", abs(state["knees"]) / u, None)
                )
            if state["arch"]:
                faults.append(("lumbar_arch", state["arch"] / u, None))
        repetition = {
            "index": 1,
            "amp": 1.0,
            "t_end": 1e9,
            "faults": [{"type": t, "amount": a} | ({"side": s} if s else {}) for t, a, s in faults],
        }
        kin.phase_at = lambda reps, t: (repetition, share, "hold" if share > 0 else "rest")
        return self._motion.pose(time_s)

    # -- legs laid anew ------------------------------------------------------------------------------

    def _relaid(self, bones: Bones, legs: dict[str, tuple[Any, Any, Any, Any]]) -> Bones:
        """The same body with some legs elsewhere: by side hip, knee, ankle, and the foot's turn or None."""
        human, rig = self.human, self.rig
        moved = {f"{part}.{side}" for side in legs for part in _LEG}
        below = {i for i, name in enumerate(human.names) if self._hangs_on(i, moved)}
        R = {n: bones["Rw"][i] for i, n in enumerate(human.names) if i not in below and n not in moved}
        P = {n: bones["Pw"][i] for i, n in enumerate(human.names) if i not in below and n not in moved}
        Rp = bones["Rw"][rig.ix["root"]]
        for side, (H, K, A, foot) in legs.items():
            kin.set_leg(rig, side, R, P, Rp, H, K, A, Rp[:, 0], foot)
        Rw, Pw = rig.fk(bones["Pw"][rig.ix["root"]], R, P)
        return bones | {"Rw": Rw, "Pw": Pw, "M": rig.mats(Rw, Pw)}

    def _hangs_on(self, bone: int, names: set[str]) -> bool:
        parent = self.human.parent[bone]
        while parent >= 0:
            if self.human.names[parent] in names:
                return True
            parent = self.human.parent[parent]
        return False

    def _leg(self, bones: Bones, side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        ix = self.rig.ix
        H, K, A = (bones["Pw"][ix[f"{part}.{side}"]] for part in ("upperleg01", "lowerleg01", "foot"))
        return H, K, A, bones["Rw"][ix[f"foot.{side}"]]

    def _with_leg_lifted(self, bones: Bones, state: Spec) -> Bones:
        """Side-lying: the top leg straight, in line with the trunk or a little forward, lifted sideways."""
        H, *_ = self._leg(bones, "L")
        B = self._motion.B
        down, forward = -B[:, 1], B[:, 2]
        flexion = np.radians(self._rest["hf_bottom_offset"] * 2 + 0.4 * state["flex"])
        along = np.cos(flexion) * down + np.sin(flexion) * forward
        # At rest it lies on the lower leg; a pelvis that rolls back takes nothing from its height.
        lift = np.radians(-4.0 + 0.75 * state["leg"])
        thigh = np.cos(lift) * along + np.sin(lift) * np.array([0, 0, 1.0])
        knee = np.radians(3.0 + max(0.0, self._rest["base_pitch"]))
        side = kin.unit(np.cross(forward, thigh))
        shank = np.cos(knee) * thigh + np.sin(knee) * kin.unit(np.cross(thigh, side) * -1)
        K = H + thigh * self.rig.L1["L"]
        return self._relaid(bones, {"L": (H, K, K + shank * self.rig.L2["L"], None)})

    def _with_leg_raised(self, bones: Bones, state: Spec) -> Bones:
        """Marching: one thigh comes up, the shank hangs."""
        side = state["raises"]
        H, K, A, foot = self._leg(bones, side)
        across = bones["Rw"][self.rig.ix["root"]][:, 0]
        turn = kin.rot(across, -45.0 * state["raised"])
        if (turn @ (K - H))[2] < (K - H)[2]:
            turn = turn.T
        thigh, shank = turn @ (K - H), kin.rot(across, 15.0 * state["raised"]) @ (A - K)
        return self._relaid(bones, {side: (H, H + thigh, H + thigh + shank, turn @ foot)})

    def _with_feet_staggered(self, bones: Bones) -> Bones:
        """One foot nearer than the other; the knee stays in the leg's plane."""
        H, K, A, foot = self._leg(bones, "L")
        A = A + np.array([self.posture["stagger_m"], 0, 0])
        bend = K - H - (A - H) * ((K - H) @ (A - H)) / ((A - H) @ (A - H))
        knee, *_ = kin.knee_on_circle(H, A, self.rig.L1["L"], self.rig.L2["L"], 0, bend)
        return self._relaid(bones, {"L": (H, knee, A, foot)})

    def _with_feet_turned(self, bones: Bones, state: Spec) -> Bones:
        """Both feet turned about their shanks, + outwards."""
        legs = {}
        for side, deg in zip("LR", state["foot_turn"], strict=True):
            H, K, A, foot = self._leg(bones, side)
            legs[side] = (H, K, A, kin.rot(kin.unit(K - A), (-deg if side == "L" else deg)) @ foot)
        return self._relaid(bones, legs)


def _nothing(exercise: str) -> Spec:
    """The state of rest itself."""
    if LIES_ON[exercise] == "side":
        return {
            "roll": 0.0,
            "leg": 0.0,
            "feet": 0.0,
            "flex": 0.0,
            "follow": 0.35,
            "pitch": 0.0,
            "yaw": 0.0,
            "head": 0.0,
            "arm": [0.0, 0.0, 0.0],
            "foot_turn": [0.0, 0.0],
        }
    return {
        "lift": 0.0,
        "roll": 0.0,
        "twist": 0.0,
        "knees": 0.0,
        "arch": 0.0,
        "raised": 0.0,
        "foot_turn": [0.0, 0.0],
    }


def lagging(bones: Bones, at_rest: Bones, rig: Any, share: float) -> np.ndarray:
    """``(B, 4, 4)`` matrices of what lags behind the pelvis' bone by a share of its turn since rest.

    Cloth slides and soft tissue stays: what is seen turns less than the bone, about the middle of the hips.
    """
    if share <= 0:
        return np.asarray(bones["M"])
    M = bones["M"].copy()
    centre = (bones["Pw"][rig.ix["upperleg01.L"]] + bones["Pw"][rig.ix["upperleg01.R"]]) / 2
    now, before = bones["Rw"][rig.ix["root"]], at_rest["Rw"][rig.ix["root"]]
    back = kin.slerp(now, before, share) @ now.T
    for name in PELVIS:
        if name in rig.ix:
            i = rig.ix[name]
            M[i, :3, :3] = back @ M[i, :3, :3]
            M[i, :3, 3] = centre + back @ (M[i, :3, 3] - centre)
    return M


def skin_of(human: Any, M: np.ndarray, beginnings: tuple[str, ...]) -> np.ndarray:
    """``(V, 3)`` places of the skin ruled by bones of these names (four weights a point)."""
    kept = human.__dict__.setdefault("_skin_of", {})
    if beginnings not in kept:
        if "_ruled" not in human.B:
            used = np.unique(human.B["F"][human.B["G"] == "body"])
            W = human.B["W"][used]
            four = np.argsort(-W, 1)[:, :4]
            human.B["_ruled"] = used, four, np.take_along_axis(W, four, 1), np.array(human.names)[W.argmax(1)]
        used, four, weights, names = human.B["_ruled"]
        chosen = np.array([name.startswith(beginnings) for name in names])
        kept[beginnings] = human.v[used[chosen]], four[chosen], weights[chosen]
    v, four, weights = kept[beginnings]
    X = np.einsum("vkij,vj->vki", M[four][:, :, :3, :3], v) + M[four][:, :, :3, 3]
    return np.asarray((X * weights[:, :, None]).sum(1))
