"""Copy what the tests need of the demo clips' exact truth: ``python tests/tools/make_clip_truth.py FOLDER``.

FOLDER holds the rendered clips with a ``.json`` of truth each. The result, ``tests/data/<clip>.truth.json``,
has the times of the repetitions, the faults put in, and the key measures in every third frame under the names
of formcheck.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

EVERY = 3
#: Demo clip -> rendered clip.
CLIPS = {"bridge_side": "dev01_bridge_lateral_good", "clam_front": "dev13_clam_front_feet_small"}
DATA = Path(__file__).parents[1] / "data"


def series(truth: dict) -> dict[str, np.ndarray]:
    """Measures over all frames, one array each."""
    angle = {
        name: np.array([row[i] for row in truth["angles"]]) for i, name in enumerate(truth["angle_names"])
    }
    if truth["exercise"] == "bridge":
        near = truth["spec"]["camera"].get("body_side") or "L"
        return {
            "hip_angle_deg": angle["hip_extension_deg"],
            "knee_flexion_deg": angle[f"knee_flexion_deg_{near}"],
            "pelvic_height": angle["pelvis_lift_thigh"],
        }
    joints = np.array([frame["j3d"] for frame in truth["frames"]])
    height = {name: joints[:, i, 2] for i, name in enumerate(truth["joint_names"])}
    top = truth["working_side"]
    low = "R" if top == "L" else "L"
    lift = (height[f"knee_{top}"] - height[f"knee_{low}"]) / truth["body"]["trunk_m"]
    return {"knee_lift": lift - lift[0], "opening_deg": angle["opening_deg"]}


def main(folder: Path) -> None:
    """Write both files."""
    for clip, rendered in CLIPS.items():
        truth = json.loads((folder / f"{rendered}.json").read_text())
        kept = {
            "rendered": rendered,
            "frames": truth["n_frames"],
            "every": EVERY,
            "reps": [
                {
                    "start_s": rep["t_start"],
                    "peak_s": [rep["t_peak_start"], rep["t_peak_end"]],
                    "end_s": rep["t_end"],
                    "faults": [fault["type"] for fault in rep["faults"]],
                }
                for rep in truth["reps"]
            ],
            "measures": {
                name: [round(float(v), 3) for v in values[::EVERY]] for name, values in series(truth).items()
            },
        }
        (DATA / f"{clip}.truth.json").write_text(json.dumps(kept, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
