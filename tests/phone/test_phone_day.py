"""Phones in whole sessions: one that is the camera and is changed for the computer's, one worn for a day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flow_drive import DrivenFlow
from live_session import KEYS, REP, SIDE, Heard, MadeCamera, MadeEngine, Patient, shot
from made_phone import FRONT, HEAD, held
from skeleton import film, joined, results, standing

from formcheck.coach.day_flow import DayFlow
from formcheck.coach.flow import Flow
from formcheck.coach.live import LiveOptions, LiveSession
from formcheck.coach.pages.window import Input, Key
from formcheck.coach.plan import PastPractice, SessionPlan, wanted_views
from formcheck.coach.play import plan_day
from formcheck.engine.repetition import RepTimes
from formcheck.engine.tracker import RepResult
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.exercises.programme import Programme
from formcheck.measures.reference import Reference
from formcheck.phone.sample import Sample
from formcheck.session.days import DayBook
from formcheck.session.reader import open_session
from formcheck.session.replay import replay
from formcheck.video.switched_camera import SwitchedCamera
from formcheck.words import Words, languages


def bridges(language: str = "en") -> Flow:
    bridge = load_definition("bridge")
    plan = SessionPlan(bridge, 1, 3, rest_s=1.0, views=wanted_views(bridge, None, None))
    return Flow(Words(language), {"bridge": bridge}, lambda name: (plan, PastPractice()), "bridge")


# -- the camera ----------------------------------------------------------------------------------------------


class Reset(MadeEngine):
    """Counts how often it is told that the body is elsewhere."""

    times = 0

    def reset(self) -> None:
        self.times += 1


class Missing(MadeCamera):
    def open(self) -> None:
        raise FormcheckError("There is no camera 0 on this computer.")


def changed(folder: Path, other: type[MadeCamera]) -> tuple[Any, Any, Reset, Heard]:
    """A session that begins with the phone as the camera; C is pressed while it is set up."""
    answers = results(shot("bridge", [REP] * 7, fps=15.0))
    flow, heard = bridges(), Heard()
    taken = [0]

    class Changing(Patient):
        changed = False

        def events(self) -> list[Input]:
            out = super().events()
            if self.changed or flow.step != "setup" or taken[0] < 5:
                return out
            self.changed = True
            return [*out, Key("c")]

    patient = Changing(flow, KEYS)

    def counting(made: type[MadeCamera]) -> MadeCamera:
        class Counting(made):  # type: ignore[misc, valid-type]
            def latest(self, timeout_s: float) -> Any:
                if taken[0] == 10 and not patient.changed:
                    return None  # until the key is pressed
                frame = super().latest(timeout_s)
                taken[0] += frame is not None
                return frame

        source = Counting([r.time_s for r in answers])
        source.patient = patient
        return source

    phone, computer = counting(MadeCamera), counting(other)
    camera = SwitchedCamera(phone, lambda: computer, clock=lambda: taken[0] / 15)
    engine = Reset(answers)
    result = LiveSession(flow, lambda: camera, engine, heard, patient, LiveOptions(folder)).run()
    return result, (phone, computer), engine, heard


def test_while_it_is_set_up_a_key_changes_the_phone_for_the_computers_camera(tmp_path):
    result, (phone, computer), engine, heard = changed(tmp_path, MadeCamera)
    assert (phone.opened, phone.closed, computer.opened, computer.closed) == (1, 1, 1, 1)
    assert heard.keys.count("phone.picture.of_computer") == 1
    assert engine.times == 1
    assert result.summary.source.file == "phone"  # as it began
    assert [s.reps_counted for s in result.summary.live.sets] == [3]
    with open_session(result.folder) as one:
        assert [e.data["state"] for e in one.events if e.kind == "phone"] == ["computer"]
        assert (np.diff(one.poses().track.time_s) > 0).all()
        assert replay(one).summary.reps == one.summary.reps


def test_a_computer_without_a_camera_stays_with_the_phone(tmp_path):
    result, (phone, _), engine, heard = changed(tmp_path, Missing)
    assert (phone.opened, phone.closed) == (1, 1)
    assert heard.keys.count("phone.picture.not_changed") == 1
    assert engine.times == 0
    assert [s.reps_counted for s in result.summary.live.sets] == [3]


@pytest.mark.parametrize("language", languages())
def test_while_it_is_set_up_the_screen_says_how_late_the_picture_is_and_which_key_changes_it(language):
    flow, words = bridges(language), Words(language)
    at = DrivenFlow(flow).press("2", "1").frames(1, stage="setup")
    assert flow.step == "setup"
    plain = flow.page()
    flow.pictures_from("phone", 143.4)
    page = flow.page()
    assert page.lines == plain.lines
    behind, other = words("phone.picture.behind", ms=140), words("phone.picture.footer")
    assert page.footer == f"{behind} · {other} · {plain.footer}"
    flow.camera_changed("computer")
    assert flow.page().lines == plain.lines
    assert flow.page().footer == f"{other} · {plain.footer}"
    assert [e.data for e in at.collect().events if e.kind == "phone"] == [{"state": "computer"}]


def test_a_phone_that_sends_nothing_is_told_once_in_words_of_its_own():
    flow = bridges()
    at = DrivenFlow(flow).press("2", "1").frames(1, stage="setup")
    flow.pictures_from("phone")
    flow.camera("lost")
    at.frames(8, stage="setup")
    flow.camera("back")
    at.frames(8, stage="setup")
    said = [say.key for say in at.said if say.key.startswith("phone.")]
    assert said == ["phone.picture.lost", "phone.picture.back"]
    flow.no_camera("why")
    assert flow.page().lines == (Words()("phone.picture.none"),)
    assert flow.step == "no_camera"


# -- the waistband -------------------------------------------------------------------------------------------


class StoodOnce:
    """A phone whose bearer stands before the first exercise, and then lies on the back all day."""

    def __init__(self, camera: MadeCamera, end_s: float) -> None:
        self._camera, self._told = camera, 0
        self._rows = np.concatenate([held(HEAD, 2.0, -4.0), held(FRONT, end_s + 1.0, -1.0)])

    def now_s(self) -> float:
        return self._camera.now_s()

    def take(self) -> np.ndarray:
        first = self._told
        self._told = int(np.searchsorted(self._rows[:, Sample.TIME_S], self.now_s() - 0.1))
        return self._rows[first : self._told]


def test_who_stood_before_the_first_exercise_of_a_day_is_felt_in_all_of_them(tmp_path):
    asked = {"exercise": "bridge", "sets": 1, "reps": 1}
    programme = Programme.model_validate(
        {"name": "Bridges", "between_s": 5, "exercises": [asked, {**asked, "band": True}]}
    )
    once = shot("bridge", [REP] * 4, fps=12.0, lead_s=3.4)
    between = film(np.stack([standing()] * 84), np.arange(84) / 12, SIDE)
    answers = results(joined(once, between, once, between))
    camera = MadeCamera([r.time_s for r in answers])
    book = DayBook(programme, tmp_path / "programmes")
    flow = DayFlow(Words(), plan_day(programme, book, Words(), date(2026, 11, 30), worn=True))
    heard, patient = Heard(), Patient(flow, {**KEYS, "today": "1"})
    camera.patient = patient
    options = LiveOptions(tmp_path / "sessions", clip=True)
    worn = StoodOnce(camera, camera.times[-1])
    result = LiveSession(flow, lambda: camera, MadeEngine(answers), heard, patient, options, phone=worn).run()
    assert "phone.worn.not_stood" not in heard.keys
    folders = [*result.earlier, result.folder]
    assert len(folders) == 2
    for folder in folders:
        with open_session(folder) as one:
            drop = one.summary.measures["pelvic_drop_deg"]
            assert (drop.status, drop.source) == ("ok", "phone")
            assert one.summary.faults["pelvis_drops"].checked
            again, shown = replay(one), one.measures.value.astype(np.float32)
            assert again.measures.value.astype(np.float32).tobytes() == shown.tobytes()
            assert again.summary.live == one.summary.live


def test_before_the_first_exercise_that_the_phone_tells_of_one_is_asked_to_stand_with_it(tmp_path):
    stretch = {"exercise": "hamstring-stretch", "sides": ["left"], "sets": 1, "reps": 1}
    felt = [{"exercise": "bridge", "sets": 1, "reps": 1}, {**stretch, "exercise": "clam"}]
    programme = Programme.model_validate({"name": "Hips", "between_s": 30, "exercises": [stretch, *felt]})
    book = DayBook(programme, tmp_path)
    flow = DayFlow(Words(), plan_day(programme, book, Words(), date(2026, 11, 30), worn=True))
    at = DrivenFlow(flow).press("1", "3", "1")
    reference = object.__new__(Reference)
    for name, value in (("view", "side"), ("side", "left"), ("yaw_deg", 0.0)):
        object.__setattr__(reference, name, value)
    asked = []
    for _ in range(3):
        at.frames(1, "still").frames(0.1, "still", baseline=reference).frames(0.1, "practice", calibrated=0.4)
        asked.append([say.key for say in at.said].count("phone.place"))
        at.frames(0.1, "ready").frames(0.5, "work", phase="rest")
        times = RepTimes("full", at.t - 4, at.t - 3, at.t - 2, at.t, at.t - 2.5, 1.0, 1.0, False, False, 0)
        at.frames(2, phase="rest").frames(0.1, phase="rest", closed=RepResult(times, {}))
        for _ in range(40):
            at.t += 1.0
            flow.tick(at.t)
            at.collect()
    assert asked == [0, 1, 1]
