"""What the network for people who lie reads on the clams of the work part, held against their truth.

    python benchmarks/field/lying.py read [--only TEXT]      # readings beside stored poses: seconds a clip
    python benchmarks/field/lying.py fit                     # coefficients for formcheck/measures/error.toml
    python benchmarks/field/lying.py table                   # repetitions by view: found, false, refused

`read` takes the landmarks from `field.py poses` (of any pose stage) and needs only the pictures. It reads
what `formcheck analyze` reads, but for the half of the second readings that stored landmarks have in them.
A clip of the final part is never read.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pose_cache import ROOT, Clip, clips_of, poses_of
from scipy.optimize import minimize

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.evidence import RecordedEvidence
from formcheck.analysis.judge import judge
from formcheck.exercises.definition import load_definition
from formcheck.pose.landmarks import Pose
from formcheck.pose.lying import LyingNet, LyingReader
from formcheck.pose.lying_reading import Lying
from formcheck.pose.track import Track, no_readings
from formcheck.session.load import evidence_of
from formcheck.session.reader import open_database
from formcheck.video.file import VideoFile

FOLDS = 7
DEGREES_OF_FREEDOM = 5
#: Half of the mildest threshold that the roll is held against.
BEARABLE_DEG = 4.0


def evidence(clip: Clip, field: Path) -> RecordedEvidence | None:
    """What a clip is judged from, its readings included where there are any."""
    found = poses_of(clip, field)
    if found is None:
        return None
    with open_database(found[0], look_for_damage=False) as stored:
        known = evidence_of(stored)
    assert isinstance(known, RecordedEvidence)
    file = field / "lying" / f"{clip.id}.npy"
    lying = np.load(file) if file.exists() else None
    return replace(known, track=replace(known.track, lying=lying))


def read(clip: Clip, track: Track, rotate: int, net: LyingNet) -> np.ndarray:
    """``(T, 11)`` readings of a clip."""
    out, reader = no_readings(len(track)), LyingReader(net)
    empty = np.zeros(33, np.float32)
    with VideoFile(clip.video, rotate) as video:
        for frame in video:
            i = frame.index
            if i >= len(track):
                break
            pose = None
            if track.person[i]:
                size = frame.image.shape[1], frame.image.shape[0]
                points = track.image_xyz[i], track.world_xyz[i]
                pose = Pose(float(track.time_s[i]), i, size, *points, empty, empty, 1.0)
            found = reader.read(frame.image, pose)
            if found is not None:
                out[i] = found
    return out


def truth_of(clip: Clip, analysis: Analysis) -> dict[str, np.ndarray]:
    """Truth of every frame of a rendered clip: roll, and whether a repetition is under way."""
    assert clip.truth is not None
    truth = json.loads(clip.truth.read_text())
    names = truth["angle_names"]
    at = np.clip(np.round(analysis.track.time_s * truth["fps"]).astype(int), 0, len(truth["frames"]) - 1)
    angles = np.array([truth["angles"][i] for i in at], float)
    return {
        "roll_deg": angles[:, names.index("pelvis_roll_deg")],
        "moving": np.array([truth["frames"][i]["rep"] > 0 for i in at]),
    }


def rows_of(clip: Clip, analysis: Analysis) -> dict[str, np.ndarray]:
    """Error of the roll, and what is known beside it, in the moving frames of a clip."""
    truth, track = truth_of(clip, analysis), analysis.track
    assert track.lying is not None
    value = analysis.measures.column("pelvic_roll_deg")
    use = truth["moving"] & np.isfinite(value) & np.isfinite(track.lying[:, Lying.ROLL])
    rest = ~truth["moving"] & np.isfinite(value)
    known = track.lying[use]
    off = float(np.median(truth["roll_deg"][rest])) if rest.any() else float(truth["roll_deg"][0])
    return {
        "error": (value - (truth["roll_deg"] - off))[use],
        "truth": (truth["roll_deg"] - off)[use],
        "value": value[use],
        "scale": known[:, Lying.ROLL_SCALE],
        "spread": known[:, Lying.ROLL_SPREAD],
        "joints_off": known[:, Lying.JOINTS_OFF],
        "front": np.full(use.sum(), analysis.summary.view.name == "front"),
        "clip": np.full(use.sum(), clip.id),
        "weight": np.full(use.sum(), 1 / max(use.sum(), 1)),
    }


def error_of(found: np.ndarray, rows: dict[str, np.ndarray], usual_scale: float) -> np.ndarray:
    """`measures.error.lying_error` with coefficients that are being looked for."""
    usual = np.where(rows["front"], np.exp(found[0]), np.exp(found[1]))
    scale = np.maximum(rows["scale"] / usual_scale, 0.5)
    off = np.maximum(rows["joints_off"], 0.1) / 0.1
    return usual * scale ** found[2] * (1 + rows["spread"]) ** found[3] * off ** found[4]


def fitted(rows: dict[str, np.ndarray], use: np.ndarray, usual_scale: float) -> np.ndarray:
    """Coefficients with the largest likelihood, as in `fit_errors`: Student's t, one weight a clip, and the
    scale that holds 68 % of the errors."""
    nu = DEGREES_OF_FREEDOM

    def loss(found: np.ndarray) -> float:
        error = error_of(found, rows, usual_scale)[use]
        each = (nu + 1) / 2 * np.log1p((rows["error"][use] / error) ** 2 / nu) + np.log(error)
        return float(np.average(each, weights=rows["weight"][use])) + 0.01 * float(np.sum(found[2:] ** 2))

    bounds = [(-1, 4), (-1, 4), (0, 4), (0, 2), (0, 2)]
    found = np.asarray(minimize(loss, [0.5, 0.5, 0.7, 0.5, 0.2], method="L-BFGS-B", bounds=bounds).x)
    ratio = np.abs(rows["error"][use]) / error_of(found, rows, usual_scale)[use]
    order = np.argsort(ratio)
    share = np.cumsum(rows["weight"][use][order])
    found[:2] += np.log(ratio[order][np.searchsorted(share, 0.6827 * share[-1])])
    return found


def fit(clips: list[Clip], field: Path) -> None:
    """Prints coefficients, and how they do on clips that had no part in them."""
    with_truth = [clip for clip in clips if clip.truth is not None]
    analyses = [(clip, a) for clip in with_truth if (a := analysed(clip, field)) is not None]
    parts = [rows_of(clip, a) for clip, a in analyses if a.track.lying is not None]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    usual = float(np.median(rows["scale"]))
    every = np.ones(len(rows["error"]), bool)
    found = fitted(rows, every, usual)
    names = ("front_deg", "elsewhere_deg", "scale", "spread", "joints_off")
    told = [*np.exp(found[:2]), *found[2:]]
    print(f"usual_scale_deg = {usual:.2f}", *(f"{n} = {v:.2f}" for n, v in zip(names, told, strict=True)))
    held = np.zeros(len(rows["error"]))
    ids = np.unique(rows["clip"])
    for fold in np.array_split(np.random.default_rng(0).permutation(ids), FOLDS):
        out = np.isin(rows["clip"], fold)
        held[out] = error_of(fitted(rows, ~out, usual), rows, usual)[out]
    for where, some in (("front", rows["front"]), ("elsewhere", ~rows["front"])):
        error, sd, weight = np.abs(rows["error"][some]), held[some], rows["weight"][some]
        good = sd <= BEARABLE_DEG
        within = [np.average(error < k * sd, weights=weight) for k in (1.0, 1.96)]
        rms = np.sqrt(np.average(error[good] ** 2, weights=weight[good]))
        print(
            f"  held out, {where}: {len(np.unique(rows['clip'][some]))} clips; within 1 SD {within[0]:.2f}, "
            f"within 1.96 SD {within[1]:.2f}; good enough in {np.average(good, weights=weight):.2f} of the "
            f"frames, RMS there {rms:.1f}, 95 % below {np.quantile(error[good], 0.95):.1f}"
        )


def analysed(clip: Clip, field: Path) -> Analysis | None:
    """A clip judged by the present definition."""
    known = evidence(clip, field)
    return None if known is None else judge(known, load_definition("clam"))


def table(
    clips: list[Clip], field: Path, names: tuple[str, ...] = ("pelvis_rolls_back", "range_forced")
) -> None:
    """Prints what is said of every true repetition of the clips that were read."""
    total: dict[tuple[str, str], list[int]] = {}
    for clip in clips:
        analysis = analysed(clip, field)
        if analysis is None or analysis.track.lying is None:
            continue
        view = analysis.summary.view.name
        shown: list[str] = []
        for rep, checks in zip(analysis.summary.reps, analysis.checks, strict=True):
            roll = _true_roll(clip, rep) if clip.truth is not None else None
            check = checks[names[0]]
            said = (
                f"grade {check.fault.grade} {check.fault.value:.0f}"
                if check.fault
                else "absent"
                if check.checked
                else f"not: {check.reason}"
            )
            top = rep.peak.get("pelvic_roll_deg")
            shown.append(
                f"{'' if roll is None else f'{roll:.0f}'}/{'' if top is None else f'{top:.1f}'} {said}"
            )
            if roll is not None:
                kind = "rolled" if roll >= 11 else "still" if roll <= 3.2 else "between"
                of = total.setdefault((view, kind), [0, 0, 0])
                of[0 if check.fault else 1 if check.checked else 2] += 1
            forced = checks[names[1]].fault
            shown[-1] += f" forced {forced.grade}" if forced else ""
        print(f"{clip.id[:36]:36s} {view:8s}", "; ".join(shown), flush=True)
    for (view, kind), (told, absent, refused) in sorted(total.items()):
        print(f"{view:8s} {kind:8s} told {told}, called absent {absent}, refused {refused}")


def _true_roll(clip: Clip, rep: Any) -> float | None:
    assert clip.truth is not None
    truth = json.loads(clip.truth.read_text())
    own = [r for r in truth["reps"] if r["t_start"] < rep.peak_s < r["t_end"]]
    if not own:
        return None
    measured = own[0]["measured"]["pelvis_roll_deg"]
    return float(measured["hold_mean"] - measured["start"])


def main() -> None:
    from field import data_folder

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["read", "fit", "table"])
    parser.add_argument("--part", choices=["work", "given"], default="work")
    parser.add_argument("--only", default="clam", help="clips whose name contains this")
    parser.add_argument("--field", type=Path, default=data_folder())
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    args = parser.parse_args()
    clips = [c for c in clips_of(args.part, args.field, args.shared) if args.only in c.id]
    if args.part == "given":  # of the real ones some are in the final part
        clips = [c for c in clips if c.truth is not None]
    if args.what == "fit":
        fit(clips, args.field)
        return
    if args.what == "table":
        table(clips, args.field)
        return
    net = LyingNet("side")
    (args.field / "lying").mkdir(exist_ok=True)
    for clip in clips:
        to, known = args.field / "lying" / f"{clip.id}.npy", evidence(clip, args.field)
        if known is None or to.exists():
            continue
        lying = read(clip, known.track, known.source.rotate, net)
        part = to.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, lying)
        os.replace(part, to)
        read_in = float(np.isfinite(lying[:, Lying.STRETCH]).mean())
        stretches = int(np.nan_to_num(lying[:, Lying.STRETCH]).max(initial=0))
        print(f"{clip.id}: read in {read_in:.0%} of the frames, {stretches} stretches", flush=True)


if __name__ == "__main__":
    main()
