"""A clip filmed upside down or on its side gives what the clip the right way up gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from formcheck.analysis.analysis import Analysis
from formcheck.errors import FormcheckError
from formcheck.report.annotate import write_annotated
from formcheck.session.analyze import analyze
from formcheck.video.file import VideoFile, turn_picture
from formcheck.video.writer import VideoWriter

BRIDGE = Path(__file__).parents[2] / "videos" / "bridge_side.mp4"


def clip(path: Path, rotate: int) -> Path:
    """The first repetition of a bridge, every second picture, turned clockwise."""
    with VideoFile(BRIDGE) as video:
        pictures = [(f.image, f.time_s) for f in video if f.time_s < 5.7 and f.index % 2 == 0]
    height, width = turn_picture(pictures[0][0], rotate).shape[:2]
    with VideoWriter(path, width, height, 15.0) as out:
        for image, time_s in pictures:
            out.write(turn_picture(image, rotate), time_s)
    return path


@pytest.fixture(scope="module")
def upright(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analyze(clip(tmp_path_factory.mktemp("upright") / "a.mp4", 0), "bridge", model="lite")


def classes(analysis: Analysis) -> list[str]:
    return [rep.class_ for rep in analysis.summary.reps]


@pytest.mark.parametrize("rotate", [90, 180])
def test_a_turned_clip_is_turned_back_and_reads_the_same(
    tmp_path: Path, upright: Analysis, rotate: int
) -> None:
    found = analyze(clip(tmp_path / "b.mp4", rotate), "bridge", model="lite")
    back = 360 - rotate
    assert found.summary.source.rotate == back
    assert found.summary.warnings[0].startswith(f"The picture was turned by {back} degrees")
    assert (found.summary.source.width, found.summary.source.height) == upright.track.image_wh
    assert classes(found) == classes(upright) == ["full"]
    tops = [a.summary.reps[0].peak["hip_angle_deg"] for a in (found, upright)]
    assert tops[0] == pytest.approx(tops[1], abs=2.0)
    apart = np.linalg.norm((found.smooth_xy - upright.smooth_xy)[20:], axis=2)
    assert np.nanmedian(apart) < 3.0
    # What is shown of the video later stands upright too.
    kept: list[dict[int, np.ndarray | None]] = [{50: None}, {50: None}]
    for analysis, keep in zip((found, upright), kept, strict=True):
        write_annotated(analysis, tmp_path / "annotated.mp4", keep=keep)
    one, other = (keep[50] for keep in kept)
    assert one is not None
    assert other is not None
    assert np.abs(one.astype(int) - other).mean() < 5


def test_told_which_way_up_it_is_nothing_is_looked_for(tmp_path: Path) -> None:
    path = clip(tmp_path / "b.mp4", 180)
    as_it_is = analyze(path, "bridge", model="lite", rotate=0)
    assert (as_it_is.summary.source.rotate, classes(as_it_is)) == (0, [])
    told = analyze(path, "bridge", model="lite", rotate=180)
    assert (told.summary.source.rotate, classes(told)) == (180, ["full"])
    assert not any("turned" in warning for warning in told.summary.warnings)


def test_a_picture_is_turned_by_quarters(upright: Analysis) -> None:
    with pytest.raises(FormcheckError, match="0, 90, 180 or 270 degrees, not by 45"):
        analyze(upright.video, "bridge", rotate=45)
