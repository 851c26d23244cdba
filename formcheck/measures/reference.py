"""`Reference`: what the measures of one stretch of a session are measured against.

Live it comes from the set-up dialogue; for a recording it is found in the recording (spec 6.5). The same
`Reference` always gives the same measures, repetitions and faults.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Reference:
    """View, sides, scale and resting values of one stretch.

    Attributes:
        start_s, end_s: the stretch it holds for.
        view: view name of the definition (spec 13), or ``"unknown"``.
        yaw_deg: angle of the camera around the body, see `formcheck.measures.view`.
        elevation_deg: how far the camera looks down, see `formcheck.measures.view`.
        side: working leg (clam: top leg; single-leg bridge: stance leg), or None.
        near: side of the body nearer the camera.
        along: ``(2,)`` image direction along the body, from shoulders to feet.
        normal: ``(2,)`` image direction away from the floor, at right angles to the floor line.
        back_x: image x direction (+1 right, -1 left) in which the patient's back lies (clam).
        trunk_px: length of the trunk at rest in the image.
        length_px: un-foreshortened trunk length (L_ref of spec 1.5).
        hip_line_px: distance between the hip landmarks at rest.
        right_x: image x direction (+1 right, -1 left) of the patient's right (bridge from the ends).
        shank_sign: which way round the shank hangs from the thigh (clam; sign of m in M-C10).
        bones_px: image length at rest by bone, for the bone-length gate.
        rest: resting value of each measure that is a change, in its own unit.
        noise_sd: standard deviation of each measure while still.
        still: False when the clip never rests: the lowest moments between movements then stand for rest.
        turned: turn of pelvis, thigh and chest at rest, degrees, by stretch of the readings of the network
            for people who lie (`formcheck.pose.lying_reading`); empty where it read nothing at rest.
        own_joints: the landmarks are those of our network for the joints of people who lie.
        range: calibrated range of the primary signal (x_cal), its own unit; NaN if there is none.
    """

    start_s: float
    end_s: float
    view: str
    yaw_deg: float
    side: str | None
    near: str
    along: NDArray[np.float64]
    normal: NDArray[np.float64]
    back_x: float
    trunk_px: float
    length_px: float
    hip_line_px: float
    right_x: float = 1.0
    shank_sign: float = 1.0
    bones_px: dict[str, float] = field(default_factory=dict)
    rest: dict[str, float] = field(default_factory=dict)
    noise_sd: dict[str, float] = field(default_factory=dict)
    still: bool = True
    turned: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    range: float = float("nan")
    elevation_deg: float = 0.0
    own_joints: bool = False
