"""Arrays that lie anywhere give the same; those in files take no memory. And the pose stage's results."""

from __future__ import annotations

import errno
import importlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skeleton import Camera, Rep, bridge, film, poses, repetitions, results

from formcheck.analysis.evidence import RecordedEvidence
from formcheck.analysis.judge import judge
from formcheck.analysis.summary import PoseInfo, Source
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.pose import frame_arrays as arrays
from formcheck.pose import result_file as readings
from formcheck.pose import scratch_files, track
from formcheck.pose.landmarks import Pose, PoseResult
from formcheck.pose.result_file import Readings
from formcheck.pose.track import Track


@pytest.fixture(autouse=True)
def in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long arrays lie in files, as when a session is analysed or opened; afterwards as before."""
    monkeypatch.setattr(arrays, "_store", arrays._store)
    scratch_files.use()


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
    monkeypatch.setattr(arrays, "PIECE", piece)
    monkeypatch.setattr(arrays.pieces, "__defaults__", (piece,))
    monkeypatch.setattr(scratch_files, "IN_MEMORY_BYTES", in_memory)
    monkeypatch.setattr(track, "_AT_ONCE", at_once)
    filmed = bridges()
    n, wh = len(filmed), filmed.image_wh
    source = Source(file="a.mp4", width=wh[0], height=wh[1], fps=30.0, frames=n, duration_s=n / 30)
    pose = PoseInfo(
        engine="made", model="made", frames_with_person=n, frames_rejected=0, people_seen_max=1, device="cpu"
    )
    found = Track.from_results(twice(filmed), wh)
    evidence = RecordedEvidence(track=found, video=Path("a.mp4"), source=source, pose=pose)
    return judge(evidence, load_definition("bridge"))


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
        arrays.empty((10_000, 33, 3), np.float64)


def test_without_fallocate_the_file_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.posix_fallocate", raising=False)
    array = arrays.full((10_000, 33, 3), 2.0, np.float64)
    array[5] = 1.0
    assert float(array.sum()) == 2.0 * array.size - 99


def resident_mb() -> float:
    """Everything in this process's memory, files that are mapped included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc, Linux only")
def test_of_a_long_array_no_more_than_a_piece_is_in_memory() -> None:
    before = resident_mb()
    array = arrays.full((108_000, 33, 3), 1.0, np.float32)
    rows = arrays.Rows(array, np.arange(len(array)) % 3 > 0)
    rows[:, 5] = 2 * rows[:, 5]
    assert resident_mb() - before < 8  # of 43
    assert float(array.sum()) == array.size + 3 * 72_000


@pytest.mark.parametrize("where", ["none", "some", "all"])
def test_rows_are_read_and_written_as_by_numpy(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays.pieces, "__defaults__", (7,))
    random = np.random.default_rng(1)
    array = random.normal(size=(50, 33, 3)).astype(np.float32)
    chosen = {"none": np.zeros(50, bool), "some": random.random(50) > 0.4, "all": np.ones(50, bool)}[where]
    rows, exact = arrays.Rows(array, chosen), arrays.Rows(array, chosen, np.float64)
    assert len(rows) == chosen.sum()
    for columns in ([slice(None), 3], [slice(None), [4, 2]], [slice(None), slice(2, 5)], [slice(None), 3, 1]):
        key = tuple(columns)
        assert rows[key].tobytes() == array[chosen][key].tobytes()
        assert exact[key].tobytes() == array[chosen].astype(np.float64)[key].tobytes()
    expected = array.copy()
    there = expected[chosen]
    there[:, 2:5] += 0.5
    expected[chosen] = there
    rows[:, 2:5] += 0.5
    assert array.tobytes() == expected.tobytes()


def test_where_the_system_takes_no_advice_arrays_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("mmap.MADV_DONTNEED", raising=False)
    array = arrays.full((10_000, 33, 3), 2.0, np.float64)
    arrays.give_back()
    assert float(array.sum()) == 2.0 * array.size


def test_arrays_are_ordinary_ones_while_there_is_said_to_be_room() -> None:
    def in_a_file() -> bool:
        return not arrays.empty((500_000,), np.float64).flags.owndata

    assert in_a_file()
    with scratch_files.in_memory(4_000_001):
        assert not in_a_file()
    assert in_a_file()
    with pytest.raises(KeyError), scratch_files.in_memory(10**9):
        raise KeyError
    assert in_a_file()


def test_the_seam_alone_makes_numpy_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_store", arrays._Memory())
    assert arrays.empty((500_000,), np.float64).flags.owndata
    assert sum(piece.stop - piece.start for piece in arrays.pieces(10_000)) == 10_000
