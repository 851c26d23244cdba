"""Arrays in files without a name, and the pose stage's results in one."""

from __future__ import annotations

import errno
import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skeleton import Camera, Rep, bridge, film, poses, repetitions, results

from formcheck import scratch
from formcheck.analyze import judge_track
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.pose import readings, track
from formcheck.pose.landmarks import Pose, PoseResult
from formcheck.pose.readings import Readings
from formcheck.pose.track import Track
from formcheck.session.summary import PoseInfo, Source


def bridges() -> Track:
    time_s, level, _ = repetitions([Rep(1.0, 0.6, 1.0, 0.6)] * 3)
    return film(np.stack([bridge(0.17 * x) for x in level]), time_s, Camera(height_m=0.3), noise_m=0.002)


def twice(filmed: Track) -> list[PoseResult]:
    """Results with a second reading now and then, nobody in one frame and a jump in another."""
    found = results(filmed)
    for i, pose in enumerate(poses(filmed)):
        if i % 6 == 0:
            found[i] = replace(found[i], mirrored=replace(pose, image_xyz=pose.image_xyz + np.float32(i % 5)))
    found[20] = PoseResult(found[20].time_s, 20, None, 2, "teleport")
    return found


def same(one: Pose | None, other: Pose | None) -> bool:
    if one is None or other is None:
        return one is other
    arrays = ("image_xyz", "world_xyz", "visibility", "presence")
    plain = ("time_s", "index", "image_wh", "score")
    return all(getattr(one, n).tobytes() == getattr(other, n).tobytes() for n in arrays) and all(
        getattr(one, n) == getattr(other, n) for n in plain
    )


@pytest.mark.parametrize("in_memory", [10_000_000, 1_000])
def test_results_come_back_as_they_were_put_in(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "_IN_MEMORY_BYTES", in_memory)
    found, kept = twice(bridges()), Readings()
    for i, result in enumerate(found):
        kept.append(result)
        assert kept[i // 2].index == i // 2  # read in between
    assert len(kept) == len(found)
    for got, put in zip(kept, found, strict=True):
        assert same(got.pose, put.pose)
        assert same(got.mirrored, put.mirrored)
        assert replace(got, pose=None, mirrored=None) == replace(put, pose=None, mirrored=None)
    assert [r.index for r in kept[3:9:2]] == [3, 5, 7]


def judged(monkeypatch: pytest.MonkeyPatch, piece: int, in_memory: int, at_once: int):
    monkeypatch.setattr(scratch, "PIECE", piece)
    monkeypatch.setattr(scratch.pieces, "__defaults__", (piece,))
    monkeypatch.setattr(scratch, "IN_MEMORY_BYTES", in_memory)
    monkeypatch.setattr(track, "_AT_ONCE", at_once)
    filmed = bridges()
    n, wh = len(filmed), filmed.image_wh
    source = Source(file="a.mp4", width=wh[0], height=wh[1], fps=30.0, frames=n, duration_s=n / 30)
    pose = PoseInfo(
        engine="made", model="made", frames_with_person=n, frames_rejected=0, people_seen_max=1, device="cpu"
    )
    return judge_track(
        Track.from_results(twice(filmed), wh),
        load_definition("bridge"),
        video=Path("a.mp4"),
        source=source,
        pose=pose,
    )


def test_a_long_recording_in_pieces_and_files_gives_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = judged(monkeypatch, 100_000, 10**9, 10**9)
    cut = judged(monkeypatch, 37, 0, 1)
    assert len(whole.summary.reps) == 3
    assert cut.summary == whole.summary
    for name in ("value", "sd", "status", "reason"):
        assert getattr(cut.measures, name).tobytes() == getattr(whole.measures, name).tobytes(), name
    for name in ("smooth_xy", "phase", "rep"):
        assert getattr(cut, name).tobytes() == getattr(whole, name).tobytes(), name
    for name in ("image_xyz", "world_xyz", "visibility"):
        assert getattr(cut.track, name).tobytes() == getattr(whole.track, name).tobytes(), name


@pytest.mark.parametrize("there", [True, False])
def test_a_full_disk_is_one_sentence(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if there:
        monkeypatch.setattr(importlib.import_module("os"), "posix_fallocate", full, raising=False)
    else:
        monkeypatch.setattr(importlib.import_module("tempfile"), "TemporaryFile", full)
    with pytest.raises(FormcheckError, match=r"No space left on device.*set TMPDIR"):
        scratch.empty((10_000, 33, 3), np.float64)


def test_without_fallocate_the_file_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.posix_fallocate", raising=False)
    array = scratch.full((10_000, 33, 3), 2.0, np.float64)
    array[5] = 1.0
    assert float(array.sum()) == 2.0 * array.size - 99
