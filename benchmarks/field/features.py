"""What is known at every frame beside how wrong every measure is there, as arrays: to fit an error model to.

    python benchmarks/field/features.py OUT.npz [--part work] [--only TEXT]

One row a measure and frame of the rendered clips in which the measure has a value and its truth is known,
whatever its status. Columns are arrays of the same length:

    clip, exercise, measure, view, true_view, phase    numbers into ``<name>_names``
    frame, time_s                in the clip
    value, error                 value without gates, value minus truth, in the measure's unit
    status, reason, sd           as the program gives them now (formcheck.measures.table)
    moving                       True within a repetition
    yaw_deg, true_azimuth_deg    angle of the camera round the body as recognised and as it is
    camera_pitch_deg, camera_height_m    of the true camera
    disagreement                 of the two readings around that frame, body sizes
    body_px, trunk_px            un-foreshortened trunk and trunk at rest in the picture
    edge                         distance of the nearest needed landmark to the picture's edge, `body_px`
    speed                        of the fastest needed landmark, `body_px` per second
    visibility                   least of the needed landmarks
    still_at_rest                whether the clip has a rest
    from_rest                    value minus its resting value, in the range of the clip (0 at rest)
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from clip_specs import loaded
from pose_cache import ROOT, Clip, clips_of, poses_of

Rows = dict[str, list[np.ndarray]]
_NAMED = ("clip", "exercise", "measure", "view", "true_view", "phase")


def rows_of(clip: Clip, session: Path, score: ModuleType) -> dict[str, np.ndarray]:
    """The rows of one clip; columns in ``_NAMED`` hold words."""
    from formcheck.engine.baseline import prepare
    from formcheck.exercises.definition import load_definition
    from formcheck.measures.measure import Measurer, formulas
    from formcheck.session.load import evidence_of
    from formcheck.session.reader import open_database

    assert clip.truth is not None
    truth = json.loads(clip.truth.read_text())
    with open_database(session, look_for_damage=False) as stored:
        evidence = evidence_of(stored)
    track, left_out = evidence.track, evidence.pose.frames_interpolated
    _, exercise, side = clip.runs()[0]
    definition = load_definition(exercise)
    series = {name: np.asarray(v) for name, v in score.truth_series(truth).items()}
    if "knee_separation" in series:
        series["knees_nearer"] = 1 - series["knee_separation"]
    rows: Rows = defaultdict(list)
    for stretch in prepare(track, definition, side, None, 1 - left_out / max(len(track), 1)):
        if stretch.measures is None or stretch.reference is None:
            continue
        ref, table, part = stretch.reference, stretch.measures, track.part(stretch.frames)
        values = np.asarray(Measurer(definition, ref).values(stretch.xy, stretch.world))
        index = np.clip(np.round(part.time_s * truth["fps"]).astype(int), 0, len(truth["frames"]) - 1)
        of_frame = _of_frames(truth, part, ref, index, stretch.frames)
        xy = np.asarray(stretch.xy, float)
        speed = np.linalg.norm(np.gradient(xy, part.time_s, axis=0), axis=2) if len(part) > 2 else xy[..., 0]
        edge = np.minimum(xy, np.array(part.image_wh) - xy).min(axis=2)
        needed = formulas(definition).needs(ref)
        for m, name in enumerate(table.names):
            if name not in series:
                continue
            points = [int(p) for p in needed[name]]
            use = np.flatnonzero(np.isfinite(values[:, m]) & part.person)
            reach = np.ptp(values[use, m]) if use.size else 1.0
            columns = {column: v[use] for column, v in of_frame.items()} | {
                "measure": np.full(use.size, name),
                "value": values[use, m],
                "error": values[use, m] - series[name][index[use]],
                "status": table.status[use, m],
                "reason": table.reason[use, m],
                "sd": table.sd_of(name)[use],
                "edge": edge[np.ix_(use, points)].min(axis=1) / ref.length_px,
                "speed": speed[np.ix_(use, points)].max(axis=1) / ref.length_px,
                "visibility": part.visibility[np.ix_(use, points)].min(axis=1),
                "from_rest": values[use, m] / max(float(reach), 1e-9),
            }
            for column, v in columns.items():
                rows[column].append(v)
    whole = {column: np.concatenate(v) for column, v in rows.items()}
    count = len(next(iter(whole.values()))) if whole else 0
    return whole | {"clip": np.full(count, clip.id), "exercise": np.full(count, exercise)}


def _of_frames(
    truth: dict[str, Any], part: Any, ref: Any, index: np.ndarray, frames: slice
) -> dict[str, Any]:
    """What is the same for all measures of a frame."""
    n = len(part)
    camera = [truth["camera"]] * n
    if "camera_after_bump" in truth:
        at = truth["spec"]["extras"]["bump"]["at_s"]
        camera = [truth["camera_after_bump"] if t > at else truth["camera"] for t in part.time_s]
    return {
        "frame": np.arange(frames.start, frames.stop),
        "time_s": part.time_s,
        "moving": np.array([truth["frames"][i]["rep"] > 0 for i in index]),
        "phase": np.array([truth["frames"][i]["phase"] for i in index]),
        "view": np.full(n, ref.view),
        "true_view": np.full(n, {"lateral": "side"}.get(truth["view"], truth["view"])),
        "yaw_deg": np.full(n, ref.yaw_deg),
        "true_azimuth_deg": np.full(n, truth["camera"]["body_azimuth_deg"]),
        "camera_pitch_deg": np.array([c["pitch_deg"] for c in camera]),
        "camera_height_m": np.full(n, truth["camera"]["height_m"]),
        "disagreement": _around(part),
        "body_px": np.full(n, ref.length_px),
        "trunk_px": np.full(n, ref.trunk_px),
        "still_at_rest": np.full(n, ref.still),
    }


def _around(part: Any) -> np.ndarray:
    """``(T,)`` running median of five second readings, between them interpolated; NaN without any."""
    from formcheck.pose.smoothing import running_median

    apart = part.disagreement
    if apart is None or (twice := np.isfinite(apart)).sum() < 3:
        return np.full(len(part), np.nan)
    return np.interp(part.time_s, part.time_s[twice], running_median(apart[twice], 5))


def collect(clips: list[Clip], field: Path, shared: Path, processes: int) -> dict[str, np.ndarray]:
    """The rows of many clips; words are numbers into ``<column>_names``."""
    jobs = [(c, found[0]) for c in clips if c.truth is not None and (found := poses_of(c, field)) is not None]
    rows: Rows = defaultdict(list)
    with ProcessPoolExecutor(processes) as pool:
        for one in pool.map(_rows_of, jobs, [shared] * len(jobs)):
            if "value" in one:
                for column, v in one.items():
                    rows[column].append(v)
    out = {}
    for column, parts in rows.items():
        whole = np.concatenate(parts)
        if column in _NAMED:
            names, whole = np.unique(whole, return_inverse=True)
            out[f"{column}_names"] = names
            whole = whole.astype(np.int16)
        out[column] = whole.astype(np.float32) if whole.dtype == np.float64 else whole
    return out


def _rows_of(job: tuple[Clip, Path], shared: Path) -> dict[str, np.ndarray]:
    return rows_of(*job, loaded(shared / "bench" / "score.py"))


def main() -> None:
    from field import data_folder

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", choices=["work", "final", "given"], default="work")
    parser.add_argument("--only", help="clips whose name contains this")
    parser.add_argument("--field", type=Path, default=data_folder(), help="the field's data folder")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    clips = [c for c in clips_of(args.part, args.field, args.shared) if not args.only or args.only in c.id]
    columns = collect(clips, args.field, args.shared, args.processes)
    if not columns:
        sys.exit(f"No rendered clip of this part in {args.field} has poses: run `field.py poses` first.")
    np.savez_compressed(args.out, **columns)
    print(f"{args.out}: {len(columns.get('value', ()))} rows of {len(columns.get('clip_names', ()))} clips")


if __name__ == "__main__":
    main()
