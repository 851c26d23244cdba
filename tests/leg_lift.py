"""A side-lying leg lift of known angles."""

from __future__ import annotations

import numpy as np
from skeleton import BODY, UP, Body, L, X, Z, clam


def leg_lift(deg: float, knee_deg: float = 0.0, body: Body = BODY) -> np.ndarray:
    """On the right side with straight legs, the left (top) one lifted; its knee bent downwards."""
    p = clam(0, body=body)
    for side, lift, bend in (("LEFT", deg, knee_deg), ("RIGHT", 0.0, 0.0)):
        thigh, shank = (np.cos(a) * X + np.sin(a) * UP for a in np.radians([lift, lift - bend]))
        knee = p[L[f"{side}_HIP"]] + body.thigh * thigh
        ankle = knee + body.shank * shank
        p[L[f"{side}_KNEE"]], p[L[f"{side}_ANKLE"]] = knee, ankle
        p[L[f"{side}_HEEL"]], p[L[f"{side}_FOOT_INDEX"]] = ankle + 0.04 * shank, ankle + 0.15 * Z
    return p
