"""The annotated video: same frames, same times, and the right thing on each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from report_analysis import synthetic_analysis

from formcheck.analysis.analysis import Analysis
from formcheck.drawing.overlay import canvas_size
from formcheck.drawing.palette import Image
from formcheck.measures.table import Status
from formcheck.pose.landmarks import Landmark
from formcheck.report.annotate import Annotator, shown_pictures, shown_size, write_annotated
from formcheck.report.stills import make_stills, moments
from formcheck.report.write import write_outputs
from formcheck.session.folder import OutputFolder
from formcheck.video.file import VideoFile
from formcheck.video.writer import VideoWriter


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return synthetic_analysis(tmp_path_factory.mktemp("annotate"), top=0.4, nobody=(5.2, 5.8))


def _times(path: Path) -> tuple[list[float], str, str]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return (
            [float(f.pts * f.time_base) for f in container.decode(stream)],
            stream.codec_context.name,
            str(stream.codec_context.pix_fmt),
        )


def test_same_frames_at_the_same_times_as_h264(analysis: Analysis, tmp_path: Path) -> None:
    out = tmp_path / "annotated.mp4"
    shares: list[float] = []
    keep = {0: None, 30: None}
    write_annotated(analysis, out, shares.append, keep)
    times, codec, pixels = _times(out)
    source, _, _ = _times(analysis.video)
    assert codec == "h264"
    assert pixels == "yuv420p"
    np.testing.assert_allclose(np.array(times) - times[0], np.array(source) - source[0], atol=0.001)
    assert len(times) == len(analysis.track.time_s)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(picture is not None and picture.shape == (240, 320, 3) for picture in keep.values())
    with av.open(str(out)) as container:
        size = container.streams.video[0].width, container.streams.video[0].height
    assert size == canvas_size(320, 240)


def test_an_interrupted_analysis_gives_a_shorter_video(analysis: Analysis, tmp_path: Path) -> None:
    seen = slice(0, 25)
    short = replace(analysis, track=analysis.track.part(seen), measures=analysis.measures.part(seen))
    write_annotated(short, tmp_path / "short.mp4")
    assert len(_times(tmp_path / "short.mp4")[0]) == 25


@pytest.fixture
def of_noise(analysis: Analysis, tmp_path: Path) -> Analysis:
    """The same analysis, of a video in which every place has something to be recognised by."""
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.integers(0, 256, (60, 80, 3), np.uint8), (320, 240))
    with VideoWriter(tmp_path / "noise.mp4", 320, 240, fps=30) as out:
        for time_s in analysis.track.time_s:
            out.write(picture, float(time_s))
    return replace(analysis, video=tmp_path / "noise.mp4")


def test_a_blurred_face_is_blurred_in_every_picture_and_nothing_else_is(of_noise: Analysis) -> None:
    track = of_noise.track
    nose = track.image_xyz[:, Landmark.NOSE, :2]
    with VideoFile(of_noise.video) as source:
        plain = [frame.image for frame in shown_pictures(of_noise, source)]
    with VideoFile(of_noise.video) as source:
        blurred = [frame.image for frame in shown_pictures(of_noise, source, blur_face=True)]
    assert len(plain) == len(blurred) == len(track)
    for i in range(0, len(track), 7):
        if not track.person[i]:
            continue
        x, y = nose[i].astype(int)
        face = (slice(max(y - 4, 0), y + 5), slice(max(x - 4, 0), x + 5))
        assert blurred[i][face].std() < 0.5 * plain[i][face].std()
        away = np.hypot(*(np.indices((240, 320)) - np.array([y, x])[:, None, None])) > 120
        assert np.array_equal(blurred[i][away], plain[i][away])


def test_the_face_is_blurred_in_the_video_and_in_the_report(of_noise: Analysis, tmp_path: Path) -> None:
    wanted = [moment.index for moment in moments(of_noise, Annotator(of_noise))]
    assert wanted
    with VideoFile(of_noise.video) as source:
        blurred = {f.index: f.image for f in shown_pictures(of_noise, source, True) if f.index in wanted}
    keep: dict[int, Image | None] = dict.fromkeys(wanted)
    write_annotated(of_noise, tmp_path / "blurred.mp4", keep=keep, blur_face=True)
    for index, picture in keep.items():
        np.testing.assert_array_equal(picture, blurred[index])
    annotator = Annotator(of_noise)
    decoded = [still.source for still in make_stills(of_noise, annotator, blur_face=True)[0]]
    assert decoded == [still.source for still in make_stills(of_noise, annotator, keep)[0]]
    assert decoded != [still.source for still in make_stills(of_noise, annotator)[0]]
    folder = OutputFolder(of_noise.video, tmp_path / "out")
    folder.prepare()
    write_outputs(of_noise, folder, video=False, blur_face=True)
    report = folder.report.read_text(encoding="utf-8")
    assert all(source in report for source in decoded)


def test_large_video_is_shrunk_and_small_is_not() -> None:
    assert shown_size(1920, 1080) == (1280, 720, pytest.approx(2 / 3))
    assert shown_size(2160, 3840)[:2] == (720, 1280)
    assert shown_size(640, 480) == (640, 480, 1.0)


def test_each_frame_tells_its_repetition_phase_and_fault(analysis: Analysis) -> None:
    annotator = Annotator(analysis)
    assert len(analysis.summary.reps) == 2
    second = analysis.summary.reps[1]
    assert second.faults
    at = int(np.argmin(np.abs(analysis.track.time_s - (second.faults[0].start_s + 0.1))))
    state = annotator.state(at)
    assert (state.rep, state.rep_total) == ("2", 2)
    assert state.phase == "hold"
    assert [mark.title for mark in state.faults] == ["Hip not fully extended"]
    assert state.faults[0].value.endswith("°")
    assert state.faults[0].at == (Landmark.LEFT_HIP,)
    assert annotator.state(at, only="lowering_fast").faults == ()
    before = annotator.state(0)
    assert before.rep == "0"
    assert before.phase == "rest"
    assert not before.faults
    assert state.unseen == ("Pelvis drops on one side",)


def test_hidden_parts_are_not_trusted(analysis: Analysis) -> None:
    trusted = Annotator(analysis).state(40).trusted
    assert trusted[Landmark.LEFT_HIP]
    assert trusted[Landmark.LEFT_KNEE]
    assert (
        analysis.track.visibility[40, Landmark.RIGHT_HIP] > 0.9
    )  # its visibility claims so, but nothing measures it
    assert not trusted[Landmark.RIGHT_HIP]
    assert not trusted[Landmark.RIGHT_SHOULDER]  # the far one, seen from the side
    assert not trusted[Landmark.RIGHT_KNEE]  # low visibility


def test_a_hip_is_grey_while_nothing_can_be_measured_from_it(analysis: Analysis) -> None:
    before = analysis.measures.status[40].copy()
    analysis.measures.status[40] = Status.LOW
    try:
        state = Annotator(analysis).state(40)
        assert not state.trusted[Landmark.LEFT_HIP]
        assert not state.measured
        assert "uncertain" in state.value_title
        analysis.measures.status[40] = Status.NOT_MEASURABLE
        assert Annotator(analysis).state(40).value_text == "–"
    finally:
        analysis.measures.status[40] = before


def test_what_else_is_measured_stands_out_where_the_counting_measure_is_uncertain(analysis: Analysis) -> None:
    status = analysis.measures.status
    before = status[40].copy()
    primary = analysis.measures.names.index(analysis.primary)
    flexion = analysis.measures.names.index("knee_flexion_deg")
    status[40, :] = Status.LOW
    status[40, flexion] = Status.OK
    try:
        measured = Annotator(analysis).state(40).measured
        assert measured == {Landmark.LEFT_HIP, Landmark.LEFT_KNEE, Landmark.LEFT_ANKLE}
        assert status[40, primary] == Status.LOW
    finally:
        status[40] = before


def test_where_nobody_is_seen_it_says_so_and_the_signal_has_a_gap(analysis: Analysis) -> None:
    annotator = Annotator(analysis)
    gone = int(np.flatnonzero(~analysis.track.person)[3])
    state = annotator.state(gone)
    assert state.xy is None
    assert state.message == "Nobody is seen here"
    assert state.value_text == "–"
    assert np.isnan(annotator.strip.value[gone])
    analysis.track.rejected[gone] = True
    assert annotator.state(gone).message == "Tracking is not trusted here"
    analysis.track.rejected[gone] = False
