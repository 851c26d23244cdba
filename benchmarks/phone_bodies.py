"""Bodies that do bridges and clams, without pictures: what `benchmarks/phone.py` needs of a clip's truth.

    python benchmarks/phone_bodies.py OUT bridge|single|clam SEED COUNT [--faulty some|all|none]

Drawn and moved by the generator in ``../shared/render``, as the field's clips are, so that a clip of the same
seed and number has the same pelvis to the last digit; but in seconds and without a renderer. Of the bodies
that are drawn, those are kept whose pelvis drops or rolls in some repetitions, or in none; with ``all`` it
does in every one.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ("pelvic_drop", "pelvis_rollback")


def generator(folder: Path) -> ModuleType:
    """The generator, which would draw with what is not needed here."""
    sys.path.insert(0, str(folder))
    sys.modules.update({name: ModuleType(name) for name in ("render", "scene")})
    import generate

    return generate


def truth(g: Any, spec: dict[str, Any]) -> dict[str, Any]:
    """What the file beside a clip would say of its pelvis."""
    fps, clam = spec.get("fps", 30), spec["exercise"] == "clam"
    human = g.Human(spec["human"]["shape"], spec["human"]["outfit"])
    rig = g.Rig(human)
    body = (g.Clam if clam else g.Bridge)(rig, spec, spec.get("seed", 0))
    if not clam:  # it is laid onto the mat, as when it is drawn
        skin = np.unique(human.B["F"][human.B["G"] == "body"])
        bones = np.array(human.names)[human.B["W"][skin].argmax(1)]
        back = np.array([name.startswith(("spine", "root", "clav", "should")) for name in bones])
        body.sh += -0.012 - human.skin_points(skin, body.pose(0.0)["M"])[back, 2].min()
        body.cache.clear()
    pelvis, hips = rig.ix["root"], [rig.ix["upperleg01.L"], rig.ix["upperleg01.R"]]
    start = body.pose(0.0)["Rw"][pelvis]
    frames, rolls = [], []
    for i in range(round(body.T * fps)):
        at = body.pose(i / fps)
        turned = at["Rw"][pelvis]
        roll = float((g.ryxz if clam else g.rxzy)(start.T @ turned)[0])
        rolls.append([round(-roll if clam and spec["side"] == "R" else roll, 4)])
        frames.append(
            {
                "t": round(i / fps, 4),
                "phase": at["phase"],
                "s": round(at["u"], 4),
                "j3d": [np.round(at["Pw"][hips].mean(axis=0), 4).tolist()],
                "pelvis_R": np.round(turned, 5).ravel().tolist(),
            }
        )
    moments = ("t_start", "t_peak_start", "t_peak_end", "t_end")
    return {
        "exercise": spec["exercise"],
        "working_side": spec["side"] if clam else None,
        "single_leg_lifted": spec.get("single_leg"),
        "joint_names": ["mid_hip"],
        "angle_names": ["pelvis_roll_deg"],
        "angles": rolls,
        "reps": [{name: round(rep[name], 3) for name in moments} for rep in body.reps],
        "frames": frames,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("exercise", choices=("bridge", "single", "clam"))
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--faulty", choices=("some", "all", "none"), help="left out: as drawn")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    args = parser.parse_args()
    made = generator(args.shared / "render")
    from sample import spec as drawn

    args.out.mkdir(parents=True, exist_ok=True)
    number, left = 0, args.count
    while left:
        spec = drawn(args.seed, number, args.exercise)
        number += 1
        faults = [fault for fault in spec["faults"] if fault["type"] in FAULTS]
        if args.faulty is not None and bool(faults) is (args.faulty == "none"):
            continue
        if args.faulty == "all":
            for fault in faults:
                fault.pop("reps", None)
            spec["id"] += "_all"
        left -= 1
        path = args.out / f"{spec['id']}.json"
        if not path.exists():
            path.write_text(json.dumps(truth(made, spec)), encoding="utf-8")


if __name__ == "__main__":
    main()
