"""The clips of the field, and what the pose stage says about each, kept so that judging needs no video.

A clip's poses are a ``session.sqlite`` as ``formcheck analyze`` writes it, under a key of the pose stage:
its code (less comments, docstrings and imports) and its weights. When that changes, poses are made anew; but
where a few clips, read again, give the same landmarks as before, the others' poses are taken over.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from clip_specs import part_of, part_of_owner, settings

ROOT = Path(__file__).resolve().parents[2]
# The program beside these files is tried, not one that is installed elsewhere.
sys.path.insert(0, str(ROOT))
#: What the pose stage is made of: a change here makes poses stale.
_POSE_CODE = ("formcheck/pose/*.py", "formcheck/video/file.py", "formcheck/video/prefetch.py")
_WEIGHTS = "models/*.onnx"


@dataclass(frozen=True)
class Clip:
    """One clip of the field.

    Attributes:
        id: its name, unique.
        video: the file.
        part: ``"work"``, ``"final"`` or ``"given"`` (the clips that come with truth or labels, unsplit).
        truth: the truth file of a rendered clip, None for a real one.
        label: the entry of a real clip as the scorer reads it, None for a rendered one.
    """

    id: str
    video: Path
    part: str
    truth: Path | None = None
    label: dict[str, Any] | None = None

    def runs(self) -> list[tuple[str, str, str | None]]:
        """What it is judged as: name of the run (as the scorer calls it), exercise, side."""
        if self.label is not None:
            return [
                (f"{self.id}@{exercise}", exercise, self.label["side"]) for exercise in self.label["run_as"]
            ]
        assert self.truth is not None
        truth = json.loads(self.truth.read_text())
        lifted = truth.get("single_leg_lifted")
        if lifted:
            return [(self.id, "single-leg-bridge", {"L": "right", "R": "left"}[lifted])]
        clam = truth["exercise"] == "clam"
        side = {"L": "left", "R": "right"}.get(truth["working_side"]) if clam else None
        return [(self.id, truth["exercise"], side)]


def clips_of(part: str, field: Path, shared: Path) -> list[Clip]:
    """The clips of a part that are there: ``"work"``, ``"final"`` or ``"given"``.

    Args:
        part: which; ``"given"`` are the rendered and labelled clips of ../shared, all of them.
        field: the field's data folder.
        shared: the folder of the clips that everybody is given.
    """
    if part == "given":
        folder = shared / "clips" / "rendered"
        found = [Clip(p.stem, p.with_suffix(".mp4"), part, truth=p) for p in sorted(folder.glob("*.json"))]
        return found + [Clip(c.id, c.video, part, label=c.label) for c in labelled(shared)]
    rendered = [
        Clip(p.stem, p.with_suffix(".mp4"), part, truth=p)
        for p in sorted((field / "clips").glob("*.json"))
        if part_of(p.stem) == part
    ]
    real = [c for c in (*labelled(shared), *unlabelled(shared)) if c.part == part]
    return rendered + real


def labelled(shared: Path) -> Iterator[Clip]:
    """Real clips with labels, each on the side of its repository's owner."""
    folder = shared / "clips" / "real"
    for label in json.loads((folder / "labels.json").read_text()):
        yield Clip(label["id"], folder / label["file"], part_of_owner(label["source"]), label=label)


def unlabelled(shared: Path) -> Iterator[Clip]:
    """Real clips without labels, as exercises in which nothing may be counted."""
    folder = shared / "clips" / "real_unlabelled"
    run_as = settings()["real"]["run_as"]
    for entry in json.loads((folder / "list.json").read_text()):
        label = {
            "id": entry["id"],
            "file": entry["file"],
            "run_as": run_as.get(entry["id"], ["bridge", "clam"]),
            "exercise": None,
            "side": None,
            "count_reps": True,
            "reps": [],
        }
        yield Clip(entry["id"], folder / entry["file"], part_of_owner(entry["source"]), label=label)


# -- poses -----------------------------------------------------------------------------------------------


@cache
def pose_key() -> str:
    """`fresh_key` when this process began."""
    return fresh_key()


def fresh_key(root: Path = ROOT) -> str:
    """A hash of the pose stage's code and weights as they are now."""
    code = sorted(
        _what_runs(file.read_text(encoding="utf-8")) for pattern in _POSE_CODE for file in root.glob(pattern)
    )
    digest = hashlib.sha256("\n".join(code).encode())
    for file in sorted(root.glob(_WEIGHTS)):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _what_runs(source: str) -> str:
    """A module's syntax tree without docstrings and imports: what moves or is explained better stays."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        kept = [
            n
            for n in body
            if not isinstance(n, ast.Import | ast.ImportFrom)
            and not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
        ]
        node.body = kept  # type: ignore[attr-defined]
    return ast.dump(tree)


def poses_of(clip: Clip, field: Path) -> tuple[Path, bool] | None:
    """Where a clip's poses lie and whether they are of the present pose stage; None without any.

    Without present ones, the newest of an earlier stage are given.
    """
    now = field / "poses" / pose_key() / f"{clip.id}.sqlite"
    if now.exists():
        return now, True
    older = [p for p in (field / "poses").glob(f"*/{clip.id}.sqlite") if p.stat().st_mtime > _changed(clip)]
    return (max(older, key=lambda p: p.stat().st_mtime), False) if older else None


def _changed(clip: Clip) -> float:
    """When a rendered clip was made; poses older than that are of another clip of that name."""
    return clip.video.stat().st_mtime if clip.truth is not None and clip.part != "given" else 0.0


def missing(clips: list[Clip], field: Path) -> list[Clip]:
    """The clips without poses of the present pose stage."""
    return [clip for clip in clips if (found := poses_of(clip, field)) is None or not found[1]]


def make_poses(clip: Clip, field: Path) -> str | None:
    """Runs the pose stage over a clip; what is wrong in one sentence, or None.

    The poses appear under their name only when they are whole.
    """
    _, exercise, side = clip.runs()[0]
    folder = field / "poses" / pose_key()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [sys.executable, "-m", "formcheck", "analyze", str(clip.video), "--exercise", exercise]
        command += [
            "--out",
            scratch + "/out",
            "--no-video",
            "--no-report",
            *(["--side", side] if side else []),
        ]
        # In a session of its own: Ctrl-C here must not end it half-way and leave a shortened clip.
        run = subprocess.run(command, capture_output=True, text=True, start_new_session=True, cwd=ROOT)
        made = Path(scratch, "out", "session.sqlite")
        if run.returncode != 0 or not made.exists():
            return f"{clip.id}: exit {run.returncode}: {run.stderr.strip()[-300:]}"
        shutil.move(made, folder / f".{clip.id}.part")
        os.replace(folder / f".{clip.id}.part", folder / f"{clip.id}.sqlite")
    return None


#: So many clips are read again to see whether a changed pose stage says the same.
PROBES = 4


def take_over(clips: list[Clip], field: Path) -> int:
    """Takes over poses of an earlier pose stage if the present one says the same of a few clips; how many.

    Code that was only moved or renamed gives the same landmarks: hours of reading are spared.
    """
    old = [(clip, found[0]) for clip in missing(clips, field) if (found := poses_of(clip, field)) is not None]
    probes = old[:: max(len(old) // PROBES, 1)][:PROBES]
    now = field / "poses" / pose_key()
    for clip, before in probes:
        if make_poses(clip, field) is not None or not _same(before, now / f"{clip.id}.sqlite"):
            return 0
    taken = [
        (clip, path)
        for clip, path in old
        if not (now / f"{clip.id}.sqlite").exists() and _has_readings(clip, path)
    ]
    for clip, path in taken:
        os.link(path, now / f"{clip.id}.sqlite")
    return len(taken)


def _has_readings(clip: Clip, path: Path) -> bool:
    """False where the exercise asks the network for people who lie, and the earlier pose stage had none."""
    from formcheck.exercises.definition import load_definition
    from formcheck.session.reader import open_database

    if not any(load_definition(exercise).reads_lying for _, exercise, _ in clip.runs()):
        return True
    with open_database(path, look_for_damage=False) as session:
        track = session.poses().track
    return track.lying is not None or not track.person.any()


def _same(a: Path, b: Path) -> bool:
    from formcheck.session.reader import open_database

    tracks = []
    for path in (a, b):
        with open_database(path, look_for_damage=False) as session:
            tracks.append(session.poses().track)
    one, other = tracks
    names = ["time_s", "person", "image_xyz", "world_xyz", "visibility"]
    if one.lying is not None and other.lying is not None:
        names.append("lying")
    return len(one) == len(other) and all(
        np.allclose(getattr(one, name), getattr(other, name), atol=0.01, equal_nan=True) for name in names
    )
