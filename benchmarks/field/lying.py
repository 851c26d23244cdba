"""What the network for people who lie reads on the clams of the work part, held against their truth.

    python benchmarks/field/lying.py read [--only TEXT]      # readings beside stored poses: seconds a clip
    python benchmarks/field/lying.py compare [--reading opening]  # by clip and view
    python benchmarks/field/lying.py fit [--reading opening]      # coefficients for error.toml
    python benchmarks/field/lying.py table                   # repetitions by view: found, false, refused

`read` takes the landmarks from `field.py poses` (of any pose stage) and needs only the pictures. It reads
what `formcheck analyze` reads, but for the half of the second readings that stored landmarks have in them.
Where it was not run the readings stored with the poses are taken.
Readings are kept by the weights that made them. A clip of the final part is read only when it is asked for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pose_cache import ROOT, Clip, clips_of, poses_of
from scipy.optimize import minimize

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.evidence import RecordedEvidence
from formcheck.analysis.judge import judge
from formcheck.exercises.definition import load_definition
from formcheck.measures.error import knows_what_it_sees
from formcheck.pose.landmarks import Pose
from formcheck.pose.lying import LyingNet, LyingReader
from formcheck.pose.lying_reading import Lying
from formcheck.pose.models import find_model
from formcheck.pose.track import Track, no_readings
from formcheck.session.load import evidence_of
from formcheck.session.reader import open_database
from formcheck.video.file import VideoFile

FOLDS = 7
DEGREES_OF_FREEDOM = 5
#: So many frames tell where rest is.
LEAST_REST = 10
#: Half of the mildest threshold that the roll is held against.
BEARABLE_DEG = 4.0
#: The quantity that each reading is of.
TRUE = {Lying.ROLL: "pelvis_roll_deg", Lying.OPENING: "opening_deg"}


def evidence(clip: Clip, field: Path) -> RecordedEvidence | None:
    """What a clip is judged from, its readings included where there are any."""
    found = poses_of(clip, field)
    if found is None:
        return None
    with open_database(found[0], look_for_damage=False) as stored:
        known = evidence_of(stored)
    assert isinstance(known, RecordedEvidence)
    file = readings_folder(field) / f"{clip.id}.npy"
    lying = np.load(file) if file.exists() else known.track.lying
    return replace(known, track=replace(known.track, lying=lying))


@cache
def readings_folder(field: Path) -> Path:
    """Where the readings of the present weights lie."""
    digest = hashlib.sha256()
    for name in ("lying-encoder", "lying-comparer"):
        digest.update(find_model("lying", name).sha256.encode())
    return field / "lying" / digest.hexdigest()[:12]


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
            found = reader.read(frame.image, pose, float(track.time_s[i]))
            if found is not None:
                out[i] = found
    return out


def truth_of(clip: Clip, time_s: np.ndarray, reading: Lying) -> tuple[np.ndarray, np.ndarray]:
    """``(T,)`` true angle of a rendered clip's frames, degrees, and whether a repetition is under way."""
    assert clip.truth is not None
    truth = json.loads(clip.truth.read_text())
    column = truth["angle_names"].index(TRUE[reading])
    at = np.clip(np.round(time_s * truth["fps"]).astype(int), 0, len(truth["frames"]) - 1)
    angle = np.array([truth["angles"][i][column] for i in at], float)
    return angle, np.array([truth["frames"][i]["rep"] > 0 for i in at])


def rows_of(clip: Clip, analysis: Analysis, reading: Lying) -> dict[str, np.ndarray] | None:
    """Error of a reading since rest, and what is known beside it, in the moving frames of a clip."""
    (angle, moving), lying = truth_of(clip, analysis.track.time_s, reading), analysis.track.lying
    assert lying is not None
    stretch = lying[:, Lying.STRETCH]
    value, true = np.full(len(lying), np.nan), np.full(len(lying), np.nan)
    for number in np.unique(stretch[np.isfinite(stretch)]):
        here = stretch == number
        rest = here & ~moving
        if rest.sum() >= LEAST_REST:
            value[here] = lying[here, reading] - np.median(lying[rest, reading])
            true[here] = angle[here] - np.median(angle[rest])
    use = moving & np.isfinite(value) & knows_what_it_sees(reading, lying)
    if not use.any():
        return None
    known = lying[use]
    return {
        "error": (value - true)[use],
        "truth": true[use],
        "value": value[use],
        "scale": known[:, reading + (Lying.ROLL_SCALE - Lying.ROLL)],
        "spread": known[:, reading + (Lying.ROLL_SPREAD - Lying.ROLL)],
        "joints_off": known[:, Lying.JOINTS_OFF],
        "view": np.full(use.sum(), analysis.summary.view.name),
        "clip": np.full(use.sum(), clip.id),
        "weight": np.full(use.sum(), 1 / max(use.sum(), 1)),
    }


def all_rows(clips: list[Clip], field: Path, reading: Lying) -> dict[str, np.ndarray]:
    """`rows_of` of every rendered clip that was read."""
    parts = []
    for clip in clips:
        analysis = analysed(clip, field) if clip.truth is not None else None
        if analysis is None or analysis.track.lying is None:
            continue
        if (found := rows_of(clip, analysis, reading)) is not None:
            parts.append(found)
    if not parts:
        raise SystemExit("Nothing was read of these clips yet: run this with 'read' first.")
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def compare(clips: list[Clip], field: Path, reading: Lying) -> None:
    """Prints how near a reading comes to the truth: a line a clip, and one a view."""
    rows = all_rows(clips, field, reading)
    for what in ("clip", "view"):
        for one in np.unique(rows[what]):
            some = rows[what] == one
            true, said, weight = rows["truth"][some], rows["value"][some], rows["weight"][some]
            off = np.abs(said - true)
            still = np.average(np.abs(true), weights=weight)
            told = f"MAE {np.average(off, weights=weight):.2f} (of always saying nought {still:.2f})"
            if true.std() > 0 and said.std() > 0:
                told += f" r {np.corrcoef(true, said)[0, 1]:+.2f} slope {np.polyfit(true, said, 1)[0]:+.2f}"
            view = rows["view"][some][0] if what == "clip" else len(np.unique(rows["clip"][some]))
            print(f"{one[:40]:40s} {view!s:8s} {told} joints off {np.median(rows['joints_off'][some]):.2f}")


def error_of(found: np.ndarray, rows: dict[str, np.ndarray], usual_scale: float) -> np.ndarray:
    """`measures.error.lying_error` with coefficients that are being looked for."""
    usual = np.where(rows["view"] == "front", np.exp(found[0]), np.exp(found[1]))
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

    bounds = [(-5, 4), (-5, 4), (0, 4), (0, 2), (0, 2)]
    begin = [np.log(np.median(np.abs(rows["error"][use]))), np.log(np.median(np.abs(rows["error"][use])))]
    found = np.asarray(minimize(loss, [*begin, 0.7, 0.5, 0.2], method="L-BFGS-B", bounds=bounds).x)
    ratio = np.abs(rows["error"][use]) / error_of(found, rows, usual_scale)[use]
    order = np.argsort(ratio)
    share = np.cumsum(rows["weight"][use][order])
    found[:2] += np.log(ratio[order][np.searchsorted(share, 0.6827 * share[-1])])
    return found


def fit(clips: list[Clip], field: Path, reading: Lying) -> None:
    """Prints coefficients, and how they do on clips that had no part in them."""
    rows = all_rows(clips, field, reading)
    usual = float(np.median(rows["scale"]))
    every = np.ones(len(rows["error"]), bool)
    found = fitted(rows, every, usual)
    names = ("front", "elsewhere", "scale", "spread", "joints_off")
    told = [*np.exp(found[:2]), *found[2:]]
    print(f"usual_scale = {usual:.3g}", *(f"{n} = {v:.3g}" for n, v in zip(names, told, strict=True)))
    held = np.zeros(len(rows["error"]))
    ids = np.unique(rows["clip"])
    for fold in np.array_split(np.random.default_rng(0).permutation(ids), FOLDS):
        out = np.isin(rows["clip"], fold)
        held[out] = error_of(fitted(rows, ~out, usual), rows, usual)[out]
    for view in np.unique(rows["view"]):
        some = rows["view"] == view
        error, sd, weight = np.abs(rows["error"][some]), held[some], rows["weight"][some]
        good = sd <= BEARABLE_DEG
        within = [np.average(error < k * sd, weights=weight) for k in (1.0, 1.96)]
        told_good = "never good enough"
        if good.any():
            rms = np.sqrt(np.average(error[good] ** 2, weights=weight[good]))
            told_good = (
                f"good enough in {np.average(good, weights=weight):.2f} of the frames, RMS there {rms:.3g}, "
                f"95 % below {np.quantile(error[good], 0.95):.3g}"
            )
        print(
            f"  held out, {view}: {len(np.unique(rows['clip'][some]))} clips; within 1 SD {within[0]:.2f}, "
            f"within 1.96 SD {within[1]:.2f}; {told_good}"
        )


def analysed(clip: Clip, field: Path) -> Analysis | None:
    """A clip judged by the present definition."""
    known = evidence(clip, field)
    return None if known is None else judge(known, load_definition("clam"))


def table(clips: list[Clip], field: Path) -> None:
    """Prints what is said of every true repetition of the clips that were read."""
    total: dict[tuple[str, str], list[int]] = {}
    for clip in clips:
        analysis = analysed(clip, field)
        if analysis is None or analysis.track.lying is None:
            continue
        view = analysis.summary.view.name
        shown: list[str] = []
        for rep, checks in zip(analysis.summary.reps, analysis.checks, strict=True):
            true = _true_roll(clip, rep) if clip.truth is not None else None
            check = checks["pelvis_rolls_back"]
            said = (
                f"grade {check.fault.grade} {check.fault.value:.0f}"
                if check.fault
                else "absent"
                if check.checked
                else f"not: {check.reason}"
            )
            top = rep.peak.get("pelvic_roll_deg")
            shown.append(
                f"{'' if true is None else f'{true:.0f}'}/{'' if top is None else f'{top:.1f}'} {said}"
            )
            if true is not None:
                clear, still = 2.75 * BEARABLE_DEG, 0.8 * BEARABLE_DEG
                kind = "there" if abs(true) >= clear else "not there" if abs(true) <= still else "between"
                of = total.setdefault((view, kind), [0, 0, 0])
                of[0 if check.fault else 1 if check.checked else 2] += 1
        print(f"{clip.id[:36]:36s} {view:8s}", "; ".join(shown), flush=True)
    for (view, kind), (told, absent, refused) in sorted(total.items()):
        print(f"{view:8s} {kind:9s} told {told}, called absent {absent}, refused {refused}")


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
    parser.add_argument("what", choices=["read", "compare", "fit", "table"])
    parser.add_argument("--part", choices=["work", "final", "given"], default="work")
    parser.add_argument("--reading", choices=[one.name.lower() for one in TRUE], default="roll")
    parser.add_argument("--only", default="clam", help="clips whose name contains this")
    parser.add_argument("--share", default="0/1", help="this process's part of the clips to read, e.g. 0/2")
    parser.add_argument("--field", type=Path, default=data_folder())
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    args = parser.parse_args()
    clips = [c for c in clips_of(args.part, args.field, args.shared) if args.only in c.id]
    if args.part == "given":  # of the real ones some are in the final part
        clips = [c for c in clips if c.truth is not None]
    if args.what == "read":
        mine, of = map(int, args.share.split("/"))
        read_all(clips[mine::of], args.field)
        return
    if args.what == "table":
        table(clips, args.field)
        return
    {"compare": compare, "fit": fit}[args.what](clips, args.field, Lying[args.reading.upper()])


def read_all(clips: list[Clip], field: Path) -> None:
    """Reads what was not read yet."""
    net, folder = LyingNet(), readings_folder(field)
    folder.mkdir(parents=True, exist_ok=True)
    for clip in clips:
        to, known = folder / f"{clip.id}.npy", evidence(clip, field)
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
