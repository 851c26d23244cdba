"""Judges the cached poses with the present code and has the official scorer print its tables."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import clip_specs
from pose_cache import ROOT, Clip, poses_of

#: What is wanted of clips never seen (issue 15), by the scorer's totals: what, part, of which whole, limit.
WANTED = [
    ("repetitions missed (rendered, countable)", "rendered_missed", "rendered_reps", "at most 4 %"),
    ("repetitions invented (rendered)", "rendered_false", "rendered_reps", "at most 1 %"),
    ("repetitions missed (real)", "real_missed", "real_reps", "at most 10 %"),
    ("repetitions invented (real)", "real_false", "real_reps", "at most 2 %"),
    ("repetitions in other exercises and empty rooms, in runs", "negative_false_reps", "negative_runs", "0"),
    ("findings of grade 2 and 3 that are wrong", "grade2_wrong", "grade2_told", "at most 3 %"),
    ("views right", "views_right", "rendered_clips", "at least 95 %"),
]
SHARES = [
    ("false alarms where checked", "fault_alarms_where_checked", "at most 3 %"),
    ("sensitivity, missed repetitions included", "fault_sensitivity_with_missed", "at least 85 %"),
]
NUMBERS = [
    ("Brier score of `sure`", "sure_brier", "at most 0.10"),
    ("start and end of a repetition, median error, s", "phase_time_median_s", "at most 0.20"),
]


def folder_of(part: str, field: Path) -> Path:
    """Where a part's results lie."""
    return field / "score" / part


def judge(clip: Clip, session: Path, out: Path, tempo: Path) -> str | None:
    """Judges one clip in all its runs and writes each as the scorer reads it; what went wrong, or None."""
    from formcheck.analysis.judge import judge as judged
    from formcheck.exercises.prescription import check_request
    from formcheck.session.csv_json import write_frames_csv, write_summary_json
    from formcheck.session.load import evidence_of
    from formcheck.session.reader import open_database

    try:
        with open_database(session, look_for_damage=False) as stored:
            evidence = replace(evidence_of(stored), video=clip.video)
        for name, exercise, side in clip.runs():
            definition = check_request(exercise, side, None, tempo if clip.truth is not None else None)
            analysis = judged(replace(evidence, side=side), definition)
            (out / name).mkdir(parents=True, exist_ok=True)
            write_frames_csv(analysis, out / name / "frames.csv")
            write_summary_json(analysis.summary, out / name / "summary.json")
    except Exception as error:  # one clip that cannot be judged must not hide the others
        return f"{clip.id}: {type(error).__name__}: {error}"
    return None


def score(
    clips: list[Clip], part: str, field: Path, shared: Path, processes: int
) -> tuple[str, dict[str, Any]]:
    """What the scorer prints about these clips, and its totals.

    Args:
        clips: those with poses.
        part: names the folder of the results.
        field, shared: data folders.
        processes: so many clips at a time.
    """
    work = folder_of(part, field)
    shutil.rmtree(work, ignore_errors=True)
    out = work / "out"
    out.mkdir(parents=True)
    tempo = out / "two_seconds.toml"
    tempo.write_text("[tempo]\nrise_s = 2\nlower_s = 2\n")
    jobs = [(clip, found[0]) for clip in clips if (found := poses_of(clip, field)) is not None]
    problems = []
    with ProcessPoolExecutor(processes, initializer=os.nice, initargs=(5,)) as pool:
        results = [pool.submit(judge, clip, session, out, tempo) for clip, session in jobs]
        for result in results:
            if (problem := result.result()) is not None:
                problems.append(problem)
                print(problem, file=sys.stderr)
    folders = _as_the_scorer_reads(clips, work)
    command = [sys.executable, str(shared / "bench" / "score.py"), *map(str, folders)]
    # What could not be judged is an error there, too, and not analysed from its video.
    command += ["--formcheck", "false", "--work", str(out), "--reuse", "--json", str(work / "totals.json")]
    run = subprocess.run(command, capture_output=True, text=True)
    if not (work / "totals.json").exists():
        sys.exit(f"The scorer failed:\n{run.stderr[-2000:]}")
    printed = "\n".join([*problems, run.stdout])
    (work / "tables.txt").write_text(printed)
    totals = json.loads((work / "totals.json").read_text())
    totals["state"] = {"commit": _commit(), "day": datetime.date.today().isoformat(), "clips": len(jobs)}
    (work / "totals.json").write_text(json.dumps(totals, indent=1))
    return printed, totals


def _as_the_scorer_reads(clips: list[Clip], work: Path) -> list[Path]:
    """A folder with the truth of the rendered clips, and one with the labels of the real ones."""
    rendered = [clip for clip in clips if clip.truth is not None]
    labels = [clip.label for clip in clips if clip.label is not None]
    folders = []
    if labels:
        folders.append(work / "real")
        folders[-1].mkdir()
        (folders[-1] / "labels.json").write_text(json.dumps(labels))
    if rendered:
        folders.append(work / "rendered")
        folders[-1].mkdir()
        for clip in rendered:
            assert clip.truth is not None
            (folders[-1] / clip.truth.name).symlink_to(clip.truth.absolute())
    return folders


def _commit() -> str:
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return run.stdout.strip()


# -- how often the final part was looked at --------------------------------------------------------------


def times_scored(field: Path) -> list[str]:
    """A line for each time that the final part was scored."""
    file = _scored_file(field)
    return file.read_text().splitlines() if file.exists() else []


def _scored_file(field: Path) -> Path:
    seeds = sorted(clip_specs.seeds("final", clip_specs.settings()))
    return field / f"final_{'_'.join(map(str, seeds))}_scored.txt"


def count_final(field: Path, clips: int) -> None:
    """Notes that the final part is being scored."""
    with _scored_file(field).open("a") as file:
        file.write(f"{datetime.datetime.now():%Y-%m-%d %H:%M} {_commit()} {clips} clips\n")


# -- for the documents -----------------------------------------------------------------------------------


def tables(parts: dict[str, dict[str, Any]]) -> str:
    """The results as Markdown: one column a part, beside what is wanted.

    Args:
        parts: the scorer's totals by the part's name, in the order of the columns.
    """
    names = list(parts)
    head = [f"| | {' | '.join(names)} | wanted |", "|---" * (len(names) + 2) + "|"]
    lines = [
        "clips | " + " | ".join(str(t["rendered_clips"] + t["real_clips"]) for t in parts.values()) + " | |"
    ]
    for what, some, whole, wanted in WANTED:
        cells = [f"{t[some]} of {t[whole]}{_percent(t[some], t[whole])}" for t in parts.values()]
        lines.append(f"{what} | {' | '.join(cells)} | {wanted} |")
    for what, key, wanted in SHARES:
        cells = ["–" if t[key] is None else f"{100 * t[key]:.0f} %" for t in parts.values()]
        lines.append(f"{what} | {' | '.join(cells)} | {wanted} |")
    for what, key, wanted in NUMBERS:
        cells = ["–" if t[key] is None else f"{t[key]:.2f}" for t in parts.values()]
        lines.append(f"{what} | {' | '.join(cells)} | {wanted} |")
    return "\n".join(
        [*head, *("| " + line for line in lines), "", *_measures(parts), "", *_faults(parts), ""]
    )


def _percent(some: int, whole: int) -> str:
    return f" ({100 * some / whole:.0f} %)" if whole else ""


def _measures(parts: dict[str, dict[str, Any]]) -> list[str]:
    keys = sorted({key for t in parts.values() for key in (*t["mae"], *t["coverage"])})
    out = ["Mean absolute error where told ok, and the share of the moving frames told ok:", ""]
    out += [f"| view | measure | {' | '.join(parts)} |", "|---|---" + "|---" * len(parts) + "|"]
    for key in keys:
        cells = [f"{t['mae'].get(key, '–')}, {t['coverage'].get(key, '–')}" for t in parts.values()]
        view, measure = key.split(":")
        out.append(f"| {view} | `{measure}` | {' | '.join(cells)} |")
    return out


def _faults(parts: dict[str, dict[str, Any]]) -> list[str]:
    keys = sorted(
        {key for t in parts.values() for key, f in t["faults"].items() if f["should_show"] or f["alarms"]}
    )
    out = ["Faults: found of those clearly there; alarms of those clearly absent and checked:", ""]
    out += [f"| view | fault | {' | '.join(parts)} |", "|---|---" + "|---" * len(parts) + "|"]
    none = {"present": 0, "found": 0, "absent_checked": 0, "alarms": 0}
    for key in keys:
        found = [t["faults"].get(key, none) for t in parts.values()]
        cells = [f"{f['found']} of {f['present']}; {f['alarms']} of {f['absent_checked']}" for f in found]
        view, fault = key.split(":")
        out.append(f"| {view} | `{fault}` | {' | '.join(cells)} |")
    return out
