"""The film of a session: about twenty seconds of what stands, each moment beside the best repetition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from stored_session import command, judged, noisy_track, store

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.decisions import Decisions, FaultDecision, decided
from formcheck.analysis.summary import FaultEvent
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import Tempo, load_definition
from formcheck.report.annotate import Annotator
from formcheck.report.export import export_session, film
from formcheck.session.reader import open_session
from formcheck.video.writer import VideoWriter
from formcheck.words import speaking


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return judged(noisy_track())


@pytest.fixture(scope="module")
def filmed(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """The same with a video whose pictures say by their brightness when they are."""
    info, path = analysis.summary.source, tmp_path_factory.mktemp("film") / "mat.mp4"
    with VideoWriter(path, info.width, info.height, fps=info.fps) as video:
        for i, time_s in enumerate(analysis.track.time_s):
            level = 40 + 180 * i // len(analysis.track)
            video.write(np.full((info.height, info.width, 3), level, np.uint8), float(time_s))
    return replace(analysis, video=path)


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as video:
        return [frame.to_ndarray(format="bgr24") for frame in video.decode(video=0)]


def kinds(analysis: Analysis) -> list[str]:
    return [s.event.id if s.event else "" for s in film._scenes(analysis, Annotator(analysis))]


def test_a_film_is_about_twenty_seconds_of_whole_pictures(filmed, tmp_path):
    shares: list[float] = []
    film.write_film(filmed, tmp_path / "film.mp4", progress=shares.append)
    shown = pictures(tmp_path / "film.mp4")
    assert 8 * film.FPS <= len(shown) <= 21 * film.FPS
    assert {picture.shape for picture in shown} == {(film.HEIGHT, film.WIDTH, 3)}
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_each_kind_is_shown_once_at_its_worst_beside_another_repetition(analysis):
    annotator = Annotator(analysis)
    scenes = film._scenes(analysis, annotator)
    found = {e.id for rep in analysis.summary.reps for e in rep.faults}
    shown = [s.event.id for s in scenes if s.event is not None]
    assert len(set(shown)) == len(shown) == min(len(found), 4)
    for scene in scenes:
        assert scene.event is not None
        worst = max(
            (e for rep in analysis.summary.reps for e in rep.faults if e.id == scene.event.id),
            key=annotator.findings.badness,
        )
        assert scene.event == worst
        assert scene.best is None or scene.best.index != scene.rep.index
        still = scene.frames[-round(1.5 * film.FPS) :]
        assert set(still) == {scene.frames[-1]}
        assert [left for left, _ in scene.frames] == sorted(left for left, _ in scene.frames)


def test_what_was_rejected_is_not_in_the_film(analysis):
    name = kinds(analysis)[0]
    rejected = tuple(
        FaultDecision(rep.index, e.id, "rejected", time_s=e.start_s)
        for rep in analysis.summary.reps
        for e in rep.faults
        if e.id == name
    )
    stands = decided(analysis, Decisions(decisions=rejected))
    assert name not in kinds(stands)
    everything = tuple(
        FaultDecision(rep.index, e.id, "rejected", time_s=e.start_s)
        for rep in analysis.summary.reps
        for e in rep.faults
    )
    assert kinds(decided(analysis, Decisions(decisions=everything))) == [""]


def test_a_hurried_phase_is_told_in_seconds_with_what_was_asked_as_good(analysis):
    tempo = Tempo(rise_s=2.0, hold_s=2.0, lower_s=3.0)
    definition = analysis.definition.model_copy(update={"tempo": tempo})
    analysis = replace(analysis, definition=definition, prescription="[tempo]\nlower_s = 3\n")
    annotator = Annotator(analysis)
    reps = analysis.summary.reps
    event = FaultEvent(
        id="lowering_fast", grade=1, value=0.5, unit="of prescribed", start_s=reps[0].start_s,
        end_s=reps[0].end_s, sure=0.9,
    )  # fmt: skip
    scene = film._scene(analysis, annotator, reps[0], event, 0, reps[1], 5.0)
    gauge = film._gauge(analysis, annotator, scene)
    assert gauge is not None
    assert gauge.unit == "s"
    begin, end = film._span(reps[0], "lower")
    assert gauge.now[-1][0] == pytest.approx(end - begin, abs=0.1)
    rule = annotator.findings.rule(event)
    assert rule is not None
    assert gauge.good == (pytest.approx(rule.grades[0] * 3.0), np.inf)


def test_an_angle_is_good_on_the_other_side_of_its_threshold(analysis):
    annotator = Annotator(analysis)
    rep, event = next((r, e) for r in analysis.summary.reps for e in r.faults if e.id == "hip_not_extended")
    worst = annotator.findings.worst_frame(event, analysis.measures)
    scene = film._scene(analysis, annotator, rep, event, worst, None, 5.0)
    gauge = film._gauge(analysis, annotator, scene)
    assert gauge is not None
    assert gauge.good is not None
    low, high = gauge.good
    assert low < 180.0 < high  # a straight hip is good
    assert not low <= gauge.now[-1][0] <= high


def test_a_small_range_is_told_against_what_would_have_been_enough(analysis, monkeypatch):
    annotator = Annotator(analysis)
    rep = analysis.summary.reps[0]
    rule = load_definition("clam").faults["range_small"].rules[0]
    event = FaultEvent(
        id="range_small", grade=1, value=0.5, unit="of target", start_s=rep.start_s, end_s=rep.end_s, sure=0.9
    )
    scene = film._scene(analysis, annotator, rep, event, 30, None, 5.0)
    monkeypatch.setattr(type(annotator.findings), "rule", lambda self, one: rule)
    gauge = film._gauge(analysis, annotator, scene)
    assert gauge is not None
    assert gauge.good == (pytest.approx(rule.grades[0] * rep.peak[analysis.primary] / 0.5), np.inf)


def test_the_face_is_blurred_on_wish(filmed, tmp_path, monkeypatch):
    seen: list[float] = []
    plain = film.FaceBlur.__call__

    def watched(self, image, xy, time_s):
        seen.append(time_s)
        return plain(self, image, xy, time_s)

    monkeypatch.setattr(film.FaceBlur, "__call__", watched)
    film.write_film(filmed, tmp_path / "plain.mp4")
    assert not seen
    film.write_film(filmed, tmp_path / "blurred.mp4", blur_face=True)
    assert len(seen) > 20


def test_its_words_are_those_of_the_language(filmed, tmp_path, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(film, "put_text", lambda image, text, *rest: said.append(text))
    with speaking("de"):
        film.write_film(filmed, tmp_path / "film.mp4")
    assert "So weiter" in said
    assert any(text.startswith("Beste Wiederholung") for text in said)
    assert not any("Repetition" in text for text in said)


def test_without_the_video_or_a_repetition_there_is_one_sentence(analysis, tmp_path):
    folder = store(analysis, tmp_path / "anna")
    with open_session(folder) as session, pytest.raises(FormcheckError, match="name it with --video"):
        export_session(session, "film")
    none = replace(analysis, summary=analysis.summary.model_copy(update={"reps": []}))
    with pytest.raises(FormcheckError, match="nothing to film"):
        film.write_film(none, tmp_path / "film.mp4")
    assert not list(tmp_path.glob("**/*.mp4*"))


def test_the_command(filmed, tmp_path, capsys):
    folder = store(filmed, tmp_path / "anna")
    done = command(capsys, "export", folder, "--to", "film", "--video", filmed.video, "--language", "de")
    assert (done.status, done.out.strip()) == (0, str(folder / "export-film.mp4"))
    assert (folder / "export-film.mp4").stat().st_size > 10_000
    for wrong in (("--to", "film", "--rep", "1"), ("--to", "csv", "--blur-face")):
        refused = command(capsys, "export", folder, *wrong)
        assert refused.status == 2
        assert refused.err.count("\n") == 1
