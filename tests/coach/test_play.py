"""A programme's day played whole: made people through the live session, and clips as the camera (slow)."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from clips_played import FPS, Clips, EachOnce, Reel
from live_session import REP, SIDE, Heard, MadeCamera, MadeEngine, Patient, shot
from skeleton import film, joined, results, standing

import formcheck.coach.play as play
from formcheck.coach.day_flow import DayFlow
from formcheck.coach.live import LiveOptions, LiveResult, LiveSession
from formcheck.coach.play import Keeper, plan_day
from formcheck.coach.start import live_engine
from formcheck.exercises.programme import Programme
from formcheck.pose.engine import PoseEngine
from formcheck.session.days import Day, DayBook
from formcheck.session.reader import open_session
from formcheck.session.replay import replay
from formcheck.words import Words

ROOT = Path(__file__).parents[2]
KEYS = {
    "today": "1", "safety": "2", "agreed": "1", "pain_before": "1", "pain_after": "2", "effort": "3",
    "summary": "enter", "stopped": "enter",
}  # fmt: skip


@dataclass
class Played:
    """What came of a day."""

    day: Day
    result: LiveResult
    heard: Heard
    steps: list[str]

    @property
    def folders(self) -> list[Path]:
        own = [self.result.folder] if self.result.folder is not None else []
        return [*self.result.earlier, *own]


def played(programme: Programme, camera: MadeCamera, engine: PoseEngine, folder: Path) -> Played:
    """Play the day that is due, with the keys of `KEYS` and no others."""
    book, words = DayBook(programme, folder / "programmes"), Words()
    flow = DayFlow(words, plan_day(programme, book, words, date(2026, 11, 30)))
    heard, patient = Heard(), Patient(flow, KEYS)
    camera.patient = patient
    keep = Keeper(flow, book, "name = 'x'").keep
    options = LiveOptions(folder / "sessions", patient=programme.patient, clip=True)
    result = LiveSession(flow, lambda: camera, engine, heard, patient, options, keep).run()
    assert book.days() == [flow.day]
    return Played(flow.day, result, heard, [s for s in patient.steps if s != "over"])


def test_two_exercises_in_one_go_are_two_sessions_that_replay_and_a_day_that_links_them(
    tmp_path: Path,
) -> None:
    asked = {"exercise": "bridge", "sets": 1, "reps": 1}
    programme = Programme.model_validate(
        {"name": "Bridges", "between_s": 5, "exercises": [asked, {**asked, "band": True}]}
    )
    once = shot("bridge", [REP] * 4, fps=12.0, lead_s=3.4)
    up = film(np.stack([standing()] * 84), np.arange(84) / 12, SIDE)
    answers = results(joined(once, up, once, up))
    camera = MadeCamera([r.time_s for r in answers])
    done = played(programme, camera, MadeEngine(answers), tmp_path)
    assert [(p.counted, p.full, p.asked) for p in done.day.parts] == [(1, 1, 1)] * 2
    assert (done.day.pain_before, done.day.pain_after, done.day.effort) == (1, 2, 3.0)
    assert done.day.complete
    assert [len(p.sessions) for p in done.day.parts] == [1, 1]
    assert [f.name for f in done.folders] == [name for p in done.day.parts for name in p.sessions]
    assert (camera.opened, camera.closed) == (1, 1)
    for number, path in enumerate(done.folders):
        with open_session(path) as one:
            assert one.complete
            assert ("band = true" in one.meta.overrides) == (number == 1)
            assert one.summary is not None
            assert one.summary.live is not None
            assert [s.reps_counted for s in one.summary.live.sets] == [1]
            assert one.poses().track.time_s[0] == 0
            again = replay(one)
            assert again.summary.reps == one.summary.reps
            assert again.summary.live == one.summary.live
    assert done.steps == [
        "today", "safety", "pain_before", "setup", "practice", "work", "next", "setup", "practice", "work",
        "pain_after", "effort", "summary",
    ]  # fmt: skip


def test_the_day_that_is_told_at_the_end_is_the_one_after_it_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path))
    nothing = LiveResult(summary=None, folder=None, stats="", problem="")

    def answer(flow: DayFlow, *more: object, **others: object) -> LiveResult:
        for choice in ("start", "agree_numbers", "3"):
            flow.choose(choice)
        return nothing

    monkeypatch.setattr(play, "run_session", answer)
    file = tmp_path / "mine.formcheck"
    file.write_text('name = "x"\n[[exercises]]\nexercise = "bridge"\n', encoding="utf-8")
    asked = play.PlayRequest(
        programme=file, camera=None, clip=None, sessions=tmp_path, language="en", model="full", mute=True,
        speech_log=None, blur_face=False, high_contrast=False, windowed=True, stats=False,
    )  # fmt: skip
    day, result = play.start_play(asked)
    assert (day.pain_before, day.kept, result) == (3, "numbers", nothing)


# --- clips as the camera ---------------------------------------------------------------------------------


CLAM, BRIDGE = ROOT / "videos" / "clam_front.mp4", ROOT / "videos" / "bridge_side.mp4"


def clams_and_a_bridge() -> list[np.ndarray]:
    """Three clams of each leg to practise and three that count; bridges: three, then twice two.

    The first clam and the first two bridges of the clips, which by their truth (tests/data) are good ones.
    """
    clam, bridge = Reel(CLAM), Reel(BRIDGE)
    right = [*clam.still(4), *clam.cut(0, 5.7) * 6]  # the clip's leg is the right one
    turned = {id(picture): np.ascontiguousarray(picture[:, ::-1]) for picture in right}
    left = [turned[id(picture)] for picture in right]
    two = bridge.cut(0, 10.3)
    lifts = [*two, *two, *two, *bridge.still(14), *two]
    return [*left, *clam.still(6), *right, *bridge.still(10), *lifts, *bridge.still(4)]


TWO = Programme.model_validate(
    {
        "name": "Clam and bridge", "between_s": 5,
        "exercises": [
            {"exercise": "clam", "sides": ["left", "right"], "sets": 1, "reps": 3},
            {"exercise": "bridge", "sets": 2, "reps": 2, "rest_s": 12},
        ],
    }
)  # fmt: skip


@pytest.mark.slow
def test_a_programme_of_two_exercises_is_played_without_a_key_between_start_and_end(tmp_path: Path) -> None:
    pictures = clams_and_a_bridge()
    camera = Clips([i / FPS for i in range(len(pictures))], size=(640, 480), fps=FPS, pictures=pictures)
    done = played(TWO, camera, EachOnce(live_engine("full")), tmp_path)
    counts = [(p.exercise, p.side, [s.counted for s in p.sets], p.full) for p in done.day.parts]
    assert counts == [
        ("clam", "left", [3], 3),
        ("clam", "right", [3], 3),
        ("bridge", None, [2, 2], 4),
    ]
    assert done.day.complete
    found = []
    for path in done.folders:
        with open_session(path) as one:
            assert one.summary is not None
            assert one.summary.live is not None
            found.append(
                (one.meta.exercise, one.summary.side, [s.reps_counted for s in one.summary.live.sets])
            )
            assert replay(one).summary.reps == one.summary.reps
    assert found == [("clam", "left", [3]), ("clam", "right", [3]), ("bridge", None, [2, 2])]
    keys = done.heard.keys
    assert [done.steps.count(step) for step in ("safety", "pain_before", "pain_after", "effort")] == [1] * 4
    assert keys.count("programme.next.side_lying_right") == 1
    assert "programme.next.move" not in keys  # beside the mat it sees both
    said = [say.text for say in done.heard.said if say.key == "voice.count"]
    assert said == [*("1", "2", "3") * 2, *("1", "2", "3") * 2, *("1", "2", "3"), "1", "2", "1", "2"]


# --- the command ------------------------------------------------------------------------------------------


def command(*arguments: str, data: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "formcheck", "play", *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, "FORMCHECK_DATA": str(data), **env},
        cwd=ROOT,
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "There is no programme on this computer yet"),
        ("name = 3", "name is a text in quotation marks, not 3"),
        ('name = "x"\n[[exercises]]\nexercise = "bridges"\n', "did you mean 'bridge'?"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path: Path, content: str | None, says: str) -> None:
    arguments = []
    if content is not None:
        file = tmp_path / "p.formcheck"
        file.write_text(content, encoding="utf-8")
        arguments.append(str(file))
    done = command(*arguments, data=tmp_path / "data")
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "data").exists()
