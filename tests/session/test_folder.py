"""What the files of a session are called, where its video is, and which folders are formcheck's own."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from formcheck.session.folder import (
    dropped_name,
    export_path,
    is_export,
    is_own,
    results_name,
    video_of,
    was_dropped,
)

WHEN = datetime(2030, 1, 2, 3, 4, 5)


def test_the_video_of_a_session_is_looked_for_in_one_order(tmp_path: Path) -> None:
    folder = tmp_path / "clip.formcheck"
    folder.mkdir()
    assert video_of(folder, "clip.mp4") is None
    places = [
        tmp_path / "clip.mp4",
        folder / "clip.mp4",
        folder / "video.mp4.part",
        folder / "video.webm",
        folder / "video.mp4",
    ]
    for place in places:  # each is likelier than those before
        place.write_bytes(b"x")
        assert video_of(folder, "clip.mp4") == place
    assert video_of(folder, "clip.mp4", good=lambda path: path.parent == tmp_path) == tmp_path / "clip.mp4"


def test_what_was_drawn_is_not_the_video(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "annotated.mp4").write_bytes(b"x")
    assert video_of(folder, "annotated.mp4") is None
    (tmp_path / "annotated.mp4").write_bytes(b"x")  # a clip of that name is one
    assert video_of(folder, "annotated.mp4") == tmp_path / "annotated.mp4"


def test_folders_that_formcheck_names_are_known_again() -> None:
    dropped = Path(dropped_name(WHEN, "single-leg-bridge"))
    assert was_dropped(dropped)
    own = [
        "2030-01-02_03-04-05_bridge",
        "2030-01-02_03-04-05_bridge_2",
        results_name("my clip"),
        dropped.name,
    ]
    assert all(is_own(Path(name)) for name in own)
    assert not any(was_dropped(Path(name)) for name in own[:3])
    others = [
        "Documents",
        "2030-01-02",
        "2030-01-02_03-04-05",
        ".formcheck",
        "2030-01-02_03-04-05_bridge_old",
    ]
    assert not any(is_own(Path(name)) for name in others)


@pytest.mark.parametrize("part", ["", "-rep2", "-head_lifts"])
@pytest.mark.parametrize("ending", ["csv", "json", "trc", "mot", "mp4", "pdf"])
def test_exports_are_known_by_their_names(part: str, ending: str) -> None:
    name = export_path(Path("s"), part, ending).name
    assert is_export(name)
    assert is_export(f"{name}.part")
    assert not is_export(f"my {name}")
