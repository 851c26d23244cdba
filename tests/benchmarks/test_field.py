"""The field of clips: truth follows the picture, nobody is on both sides, what is there is not made again."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
sys.path.insert(0, str(ROOT / "benchmarks" / "field"))

import clip_specs  # noqa: E402
import field  # noqa: E402
import judging  # noqa: E402
import pose_cache  # noqa: E402
import rendering  # noqa: E402
from picture import Picture  # noqa: E402

WIDTH, HEIGHT = 64, 48
PICTURES = {
    "turn90": Picture(90),
    "turn180": Picture(180),
    "turn270": Picture(270),
    "letterbox": Picture(size=(64, 80), at=(0, 16)),
    "pillarbox": Picture(size=(120, 48), at=(28, 0)),
    "small": Picture(size=(192, 108), at=(100, 42), fill="smear"),
    "turned and framed": Picture(90, size=(192, 108), at=(10, 20), fill="smear"),
}


def made_truth() -> dict:
    """A camera that looks somewhat down and rolled at eight joints, one of them outside its picture."""
    rng = np.random.default_rng(3)
    forward = np.array([0.2, 0.95, -0.25]) / np.linalg.norm([0.2, 0.95, -0.25])
    right = np.cross(forward, [0, 0, 1]) / np.linalg.norm(np.cross(forward, [0, 0, 1]))
    roll = np.radians(7)
    down = np.cross(forward, right)
    R = np.stack(
        [np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right, forward]
    )
    pos = np.array([-0.5, -2.4, 0.8])
    K = np.array([[50.0, 0, WIDTH / 2], [0, 50.0, HEIGHT / 2], [0, 0, 1]])
    frames = []
    for i in range(3):
        joints = pos + 2.5 * forward + rng.uniform(-0.6, 0.6, (8, 3))
        joints[7] = pos + 2.5 * forward + 1.9 * right
        px = projected(joints, pos, R, K)
        frames.append(
            {"i": i, "t": i / 30, "rep": 1, "j3d": joints.tolist(), "px": px.tolist(), "vis": [2] * 8}
        )
    camera = {
        "pos": pos.tolist(),
        "K": K.tolist(),
        "R_world_to_cam": R.tolist(),
        "roll_deg": 7.0,
        "hfov_deg": float(2 * np.degrees(np.arctan(WIDTH / 2 / 50))),
        "body_azimuth_deg": 12.0,
    }
    return {"width": WIDTH, "height": HEIGHT, "frames": frames, "camera": camera, "view": "front"}


def projected(joints: np.ndarray, pos: np.ndarray, R: np.ndarray, K: np.ndarray) -> np.ndarray:
    """``(N, 2)`` pixels."""
    at = (joints - pos) @ R.T @ K.T
    return at[:, :2] / at[:, 2:]


# -- truth follows the picture ---------------------------------------------------------------------------


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_the_new_camera_sees_every_joint_where_the_new_truth_says(picture: Picture) -> None:
    old = made_truth()
    new = picture.truth(old)
    camera = new["camera"]
    checked = 0
    for before, after in zip(old["frames"], new["frames"], strict=True):
        R, K = np.array(camera["R_world_to_cam"]), np.array(camera["K"])
        seen = projected(np.array(after["j3d"]), np.array(camera["pos"]), R, K)
        px = np.array(before["px"])
        inside = (px >= 0).all(axis=1) & (px < [WIDTH, HEIGHT]).all(axis=1)
        np.testing.assert_allclose(np.array(after["px"])[inside], seen[inside], atol=0.006)
        checked += int(inside.sum())
    assert checked >= 12
    assert np.linalg.det(np.array(camera["R_world_to_cam"])) == pytest.approx(1)
    assert (new["width"], new["height"]) == picture.size_of(WIDTH, HEIGHT)
    assert camera["body_azimuth_deg"] == 12.0
    assert old == made_truth()


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_a_mark_in_the_picture_goes_where_the_points_go(picture: Picture) -> None:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[10:12, 40:42] = 255  # its middle is at (41, 11)
    out = picture.applied(image)
    assert out.shape[:2] == picture.size_of(WIDTH, HEIGHT)[::-1]
    rows, columns = np.nonzero(out[..., 0])
    middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    np.testing.assert_allclose(middle, picture.points(np.array([41.0, 11.0]), WIDTH, HEIGHT))


def test_around_a_small_clip_its_edges_go_on_and_around_a_letterboxed_one_it_is_black() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    assert (PICTURES["small"].applied(image) == 90).all()
    boxed = PICTURES["letterbox"].applied(image)
    assert (boxed[:16] == 0).all()
    assert (boxed[16:64] == 90).all()
    assert (boxed[64:] == 0).all()


def test_a_joint_cut_off_by_the_clip_is_not_in_the_larger_picture() -> None:
    new = PICTURES["small"].truth(made_truth())
    shown = PICTURES["small"].points(np.array(made_truth()["frames"][0]["px"]), WIDTH, HEIGHT)
    assert (
        0 <= shown[7, 0] < 192
    )  # its place is within the larger picture, though nothing is to be seen there
    for frame in new["frames"]:
        u, v = frame["px"][7]
        assert not (0 <= u < new["width"] and 0 <= v < new["height"])


def test_an_upright_picture_stays_upright_only_without_a_turn() -> None:
    rolls = {name: p.truth(made_truth())["camera"]["roll_deg"] for name, p in PICTURES.items()}
    assert rolls["letterbox"] == 7
    assert rolls["turn90"] == 7 - 90
    assert rolls["turn270"] == 7 + 90
    fields = {name: p.truth(made_truth())["camera"]["hfov_deg"] for name, p in PICTURES.items()}
    assert fields["turn180"] == pytest.approx(made_truth()["camera"]["hfov_deg"])
    assert fields["turn90"] == pytest.approx(2 * np.degrees(np.arctan(HEIGHT / 2 / 50)))
    assert fields["pillarbox"] == pytest.approx(2 * np.degrees(np.arctan(120 / 2 / 50)))


# -- nobody is on both sides -----------------------------------------------------------------------------


def test_every_seed_is_work_or_final() -> None:
    chosen = clip_specs.settings()
    seeds = [clip_specs.seeds(part, chosen) for part in ("work", "final")]
    assert not seeds[0] & seeds[1]
    assert all(seed < 1000 for seed in seeds[0] | seeds[1])  # the others are kept aside
    assert clip_specs.part_of(f"s{min(seeds[0])}_000_clam_front") == "work"
    assert clip_specs.part_of(f"s{min(seeds[1])}_000_clam_front") == "final"
    assert clip_specs.part_of("s7_000_clam_front") is None
    assert clip_specs.part_of("dev01_bridge_lateral_good") is None


def test_all_repositories_of_an_owner_are_on_one_side() -> None:
    final = clip_specs.settings()["real"]["final"][0]
    assert clip_specs.part_of_owner(f"github:{final}/one") == "final"
    assert clip_specs.part_of_owner(f"github:{final}/two") == "final"
    assert clip_specs.part_of_owner("github:somebody/one") == "work"


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "render").exists(), reason="needs the generator in ../shared")
def test_a_beginning_of_the_list_holds_both_parts_and_the_list_every_extra() -> None:
    specs = clip_specs.all_specs(SHARED)
    names = [spec["id"] for spec in specs]
    assert len(set(names)) == len(names) >= 240
    parts = [clip_specs.part_of(name) for name in names]
    assert None not in parts
    rendered = clip_specs.settings()["rendered"]
    assert {"work", "final"} == set(parts[: len(rendered["work"]) + len(rendered["final"])])
    kinds = clip_specs.settings()["extras"]["kinds"]
    for part in ("work", "final"):
        told = [s["id"] for s, p in zip(specs, parts, strict=True) if p == part and "extras" in s]
        assert {kind for kind in kinds if any(name.endswith(kind) for name in told)} == set(kinds)


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "clips").exists(), reason="needs the labelled clips in ../shared")
def test_no_person_of_the_real_clips_is_in_work_and_in_final(tmp_path: Path) -> None:
    folder = SHARED / "clips"
    told = json.loads((folder / "real" / "labels.json").read_text())
    told += json.loads((folder / "real_unlabelled" / "list.json").read_text())
    owner = {entry["id"]: entry["source"].removeprefix("github:").split("/")[0] for entry in told}
    sides = {p: {c.id for c in pose_cache.clips_of(p, tmp_path, SHARED)} for p in ("work", "final")}
    assert sides["work"] | sides["final"] == set(owner)
    assert not {owner[i] for i in sides["work"]} & {owner[i] for i in sides["final"]}
    smaller = min(len(side) for side in sides.values())
    assert smaller >= len(owner) / 3


# -- what is there is not made again ---------------------------------------------------------------------


def specs_called(*names: str) -> list[dict]:
    return [{"id": name} for name in names]


def test_clips_that_are_there_or_under_way_are_not_rendered(tmp_path: Path) -> None:
    (tmp_path / "done.json").touch()
    (tmp_path / "done.mp4").touch()
    (tmp_path / "growing.mp4").touch()
    (tmp_path / "abandoned.mp4").touch()
    os.utime(tmp_path / "abandoned.mp4", (time.time() - 86_400,) * 2)
    waiting = rendering.to_render(specs_called("done", "growing", "abandoned", "new"), tmp_path, None)
    assert [spec["id"] for spec in waiting] == ["abandoned", "new"]
    only = rendering.to_render(specs_called("done", "growing", "abandoned", "new"), tmp_path, "new")
    assert [spec["id"] for spec in only] == ["new"]


@pytest.mark.skipif(sys.platform == "win32", reason="the renderer stands in as a shell script")
def test_rendering_goes_on_where_it_stopped(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    stand_in = tmp_path / "python"
    stand_in.write_text(
        f"""#!/bin/sh
echo "$5" >> {asked}
touch "$6/$5.mp4"
[ "$5" = odd ] && [ ! -e {tmp_path}/mended ] && echo no such shoe && exit 1
touch "$6/$5.csv" "$6/$5.json"
"""
    )
    stand_in.chmod(0o700)
    specs, clips = tmp_path / "specs.json", tmp_path / "clips"
    specs.write_text(json.dumps(specs_called("a", "odd", "b")))
    clips.mkdir()

    def run() -> list[str]:
        return rendering.render_all(specs, clips, tmp_path, str(stand_in), 1, None)

    assert run() == ["odd: no such shoe"]
    assert sorted(p.name for p in clips.glob("*.*") if p.is_file()) == sorted(
        f"{name}.{ending}" for name in "ab" for ending in ("csv", "json", "mp4")
    )
    (tmp_path / "mended").touch()
    assert run() == []
    assert asked.read_text().split() == ["a", "odd", "b", "odd"]
    assert (clips / "odd.json").exists()


def test_one_process_at_a_time_renders_into_a_folder(tmp_path: Path) -> None:
    with rendering.alone(tmp_path) as first:
        assert first
        with rendering.alone(tmp_path) as second:
            assert not second
    with rendering.alone(tmp_path) as later:
        assert later


def a_clip(name: str = "s101_000_clam_front") -> pose_cache.Clip:
    label = {"run_as": ["clam"], "side": None}
    return pose_cache.Clip(name, Path(f"{name}.mp4"), "work", label=label)


def test_poses_of_the_present_stage_are_kept_and_older_ones_are_told(tmp_path: Path) -> None:
    now, before = tmp_path / "poses" / pose_cache.pose_key(), tmp_path / "poses" / "earlier"
    now.mkdir(parents=True)
    before.mkdir()
    clips = [a_clip("kept"), a_clip("stale"), a_clip("new")]
    (now / "kept.sqlite").touch()
    (before / "kept.sqlite").touch()
    (before / "stale.sqlite").touch()
    assert pose_cache.poses_of(clips[0], tmp_path) == (now / "kept.sqlite", True)
    assert pose_cache.poses_of(clips[1], tmp_path) == (before / "stale.sqlite", False)
    assert pose_cache.poses_of(clips[2], tmp_path) is None
    assert [clip.id for clip in pose_cache.missing(clips, tmp_path)] == ["stale", "new"]


def test_the_key_of_the_pose_stage_changes_with_what_runs_and_with_nothing_else(tmp_path: Path) -> None:
    def key(code: str, weights: bytes = b"w") -> str:
        (tmp_path / "formcheck" / "pose").mkdir(parents=True, exist_ok=True)
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "formcheck" / "pose" / "a.py").write_text(code)
        (tmp_path / "models" / "a.onnx").write_bytes(weights)
        return pose_cache.fresh_key(tmp_path)

    first = key('"""Docs."""\nfrom a import f\n\n\ndef g():\n    """More."""\n    return f(1)\n')
    assert key("from b import f  # moved\n\n\ndef g():\n    return f(1)\n") == first
    assert key("from b import f\n\n\ndef g():\n    return f(2)\n") != first
    assert key("from b import f\n\n\ndef g():\n    return f(1)\n", b"other") != first


def test_the_final_part_is_scored_at_most_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field, "chosen", lambda args, part: [a_clip()])
    monkeypatch.setattr(pose_cache, "poses_of", lambda clip, folder: (tmp_path, True))
    monkeypatch.setattr(judging, "score", lambda *args: ("", {}))
    args = argparse.Namespace(field=tmp_path, shared=SHARED, part="final", processes=1, again=False)
    field.score(args)
    field.score(args)
    with pytest.raises(SystemExit, match="as often as it may be"):
        field.score(args)
    assert len(judging.times_scored(tmp_path)) == 2
    field.score(argparse.Namespace(**vars(args) | {"part": "work"}))
    assert len(judging.times_scored(tmp_path)) == 2


def test_final_clips_with_older_poses_are_not_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field, "chosen", lambda args, part: [a_clip()])
    monkeypatch.setattr(pose_cache, "poses_of", lambda clip, folder: (tmp_path, False))
    args = argparse.Namespace(field=tmp_path, shared=SHARED, part="final", processes=1, again=False)
    with pytest.raises(SystemExit, match="present pose stage"):
        field.score(args)
    assert judging.times_scored(tmp_path) == []


# -- tables ----------------------------------------------------------------------------------------------


def totals(missed: int) -> dict:
    counts = dict.fromkeys(
        [key for _, *two, _ in judging.WANTED for key in two] + ["rendered_clips", "real_clips"], 50
    )
    shares = {key: 0.5 for _, key, _ in (*judging.SHARES, *judging.NUMBERS)}
    fault = {"present": 4, "found": 3, "absent_checked": 9, "alarms": 1, "should_show": True}
    return {
        **counts,
        **shares,
        "rendered_missed": missed,
        "mae": {"clam/front:knee_lift": 0.02},
        "coverage": {"clam/front:knee_lift": 0.97},
        "faults": {"clam/front:feet_separate": fault},
    }


def test_the_tables_have_a_column_a_part_and_every_row_as_many_cells() -> None:
    text = judging.tables({"work": totals(5), "final": totals(7)})
    assert "5 of 50 (10 %) | 7 of 50 (14 %)" in text
    assert "| clam/front | `knee_lift` | 0.02, 0.97 | 0.02, 0.97 |" in text
    assert "3 of 4; 1 of 9" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {5}
