"""The doctor: says what is there, what is wrong and what to do; exit status and JSON for programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from test_cli import environment
from typer.testing import CliRunner

import formcheck.cli.doctor as doctor
from formcheck.cli.doctor import (
    DoctorCheck,
    Report,
    check_camera,
    check_disk,
    check_sound,
    check_speed,
    choose_model,
    doctor_display,
)
from formcheck.cli.main import app
from formcheck.coach.voice.voice import SilentVoice
from formcheck.errors import FormcheckError
from formcheck.video.clip_camera import ClipSource
from formcheck.video.file import Frame

DEMO = Path(__file__).parents[1] / "videos" / "bridge_side.mp4"


class Clocked:
    """A source whose time goes on with each frame asked for."""

    def __init__(self, image: np.ndarray | None, fps: float, error: str = "") -> None:
        self.image, self.fps, self.error = image, fps, error
        self.state = "ended"
        self.problem = ""
        self.size = (640, 480)
        self.dropped = 0
        self.closed = False
        self._now = 0.0

    def open(self) -> None:
        if self.error:
            raise FormcheckError(self.error)
        self.state = "running"

    def now_s(self) -> float:
        return self._now

    def latest(self, timeout_s: float) -> Frame | None:
        self._now += 1 / self.fps if self.image is not None else timeout_s
        return None if self.image is None else Frame(self.image, self._now, 0)

    def close(self) -> None:
        self.closed = True


def lit() -> np.ndarray:
    return np.asarray(cv2.imread(str(doctor.SAMPLE)), dtype=np.uint8)


def test_a_good_camera() -> None:
    source = Clocked(lit(), 30.0)
    check = check_camera(source)
    assert check.status == "ok"
    assert "640 × 480, 30 pictures a second" in check.found
    assert check.todo == ""
    assert check.numbers == {"width": 640, "height": 480, "fps": 30.0, "light": "fine"}
    assert source.closed


def test_a_real_source_is_watched_and_closed() -> None:
    source = ClipSource(DEMO)
    check = check_camera(source)
    assert check.status == "ok"
    assert check.numbers["fps"] == pytest.approx(30, rel=0.15)
    assert source.state == "ended"


@pytest.mark.parametrize(
    ("image", "fps", "found", "todo"),
    [
        (lit() // 12, 30.0, "too dark", "Switch on a light"),
        (np.vstack([np.full((200, 640, 3), 255, np.uint8), lit()[200:] // 8]), 30.0, "behind you", "Turn"),
        (lit(), 7.0, "too few", "More light"),
    ],
    ids=["dark", "backlit", "slow"],
)
def test_a_camera_with_limits(image: np.ndarray, fps: float, found: str, todo: str) -> None:
    check = check_camera(Clocked(image, fps))
    assert check.status == "limit"
    assert found in check.found
    assert todo in check.todo


def test_no_camera_or_no_picture_fails() -> None:
    check = check_camera(Clocked(lit(), 30.0, error="There is no camera 0 on this computer: connect one."))
    assert check.status == "fail"
    assert check.found.startswith("There is no camera 0")
    source = Clocked(None, 30.0)
    check = check_camera(source)
    assert check.status == "fail"
    assert "no picture" in check.found
    assert "lens cover" in check.todo
    assert source.closed


@pytest.mark.parametrize(
    ("fps", "full_ms", "lite_ms", "model"),
    [
        (30.0, 20.0, 10.0, "full"),
        (30.0, 23.0, 12.0, "full"),
        (30.0, 25.0, 12.0, "lite"),  # 40 a second alone, and no margin for the rest
        (15.0, 40.0, 20.0, "full"),
        (30.0, 200.0, 90.0, "lite"),
        (30.0, 400.0, 120.0, None),
    ],
)
def test_the_model_that_keeps_up(fps: float, full_ms: float, lite_ms: float, model: str | None) -> None:
    assert choose_model(fps, full_ms, lite_ms)[0] == model


@pytest.mark.parametrize(
    ("full_ms", "lite_ms", "status", "words"),
    [
        (15, 8, "ok", "full model"),
        (30, 15, "ok", "lite model"),
        (60, 35, "limit", "20 of the camera's 30"),
        (150, 60, "limit", "too few"),
        (400, 200, "fail", "too slow"),
    ],
)
def test_what_is_said_about_speed(full_ms: float, lite_ms: float, status: str, words: str) -> None:
    check, model = check_speed(30.0, lambda name, fps: {"full": full_ms, "lite": lite_ms}[name])
    assert check.status == status
    assert words in check.found
    assert f"{full_ms} ms (full model)" in check.found
    assert (model is None) == (status == "fail")
    assert check.numbers["full_ms"] == full_ms


def test_the_models_are_really_timed_and_see_the_person(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    open_engine = doctor.open_engine

    def spying(model: str, device: str) -> object:
        engine = open_engine(model=model, device=device)
        estimate = engine.estimate

        def look(frame: Frame) -> object:
            seen.append(estimate(frame))
            return seen[-1]

        monkeypatch.setattr(engine, "estimate", look)
        return engine

    monkeypatch.setattr(doctor, "open_engine", spying)
    assert 0.5 < doctor.model_ms("lite", for_s=0.05) < 5000
    assert len(seen) >= 6
    assert all(result.pose is not None for result in seen)  # an empty picture would be timed too quickly


class FakeVoice(SilentVoice):
    working = True
    start_delays_s = (0.05,)

    def __init__(self, problem: str = "", busy: bool = False) -> None:
        super().__init__(problem)
        self.said: list[str] = []
        self.busy = busy
        self.closed = False

    def say(self, message: object) -> None:
        self.said.append(message.text)  # type: ignore[attr-defined]

    def close(self) -> None:
        self.closed = True


def test_sound_is_tried_in_the_language_asked_for() -> None:
    voice = FakeVoice()
    check = check_sound("de", lambda language: voice)
    assert check.status == "ok"
    assert "volume" in check.found  # nobody but the patient can tell whether it was loud enough
    assert check.numbers == {"working": True, "start_delay_s": 0.05}
    assert len(voice.said) == 1
    assert voice.closed
    check = check_sound("de", lambda language: FakeVoice("This computer has no German voice."))
    assert (check.status, check.found) == ("limit", "This computer has no German voice.")


def test_no_sound_is_a_limit() -> None:
    check = check_sound("en", lambda language: SilentVoice("No sound can be played here."))
    assert check.status == "limit"
    assert check.found == "No sound can be played here."
    assert "on the screen" in check.todo
    assert check.numbers == {"working": False, "start_delay_s": None}


def test_disk(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet" / "sessions"
    check = check_disk(folder, lambda place: SimpleNamespace(free=50e9))
    assert check.status == "ok"
    assert check.numbers == {"folder": str(folder), "free_gb": 50.0}
    assert not folder.exists()
    check = check_disk(folder, lambda place: SimpleNamespace(free=0.4e9))
    assert check.status == "limit"
    assert "0.4 GB" in check.found
    (tmp_path / "file").write_text("")
    check = check_disk(tmp_path / "file", lambda place: SimpleNamespace(free=50e9))
    assert check.status == "limit"
    assert "FORMCHECK_DATA" in check.todo


@pytest.mark.parametrize(
    ("program", "status", "words"),
    [
        ("print('[1366, 768]')", "ok", "1366 × 768"),
        ("print('noise'); print('[800, 480]')", "limit", "800 × 480"),
        ("print('null')", "ok", "not known"),
        ("import os; os.abort()", "fail", "No window"),  # what the window system does without a screen
        ("print('nonsense')", "fail", "No window"),
    ],
)
def test_display(program: str, status: str, words: str) -> None:
    check = doctor_display([sys.executable, "-c", program])
    assert check.status == status
    assert words in check.found


def report(*statuses: str) -> Report:
    names = ("camera", "speed", "sound", "disk", "display")
    checks = tuple(
        DoctorCheck(
            name, status, f"Found out about {name} × 2.", "" if status == "ok" else "Do this.", {"number": 7}
        )  # type: ignore[arg-type]
        for name, status in zip(names, statuses, strict=True)
    )
    return Report(checks, "full")


@pytest.mark.parametrize(
    ("statuses", "exit_status", "verdict"),
    [
        (("ok", "ok", "ok", "ok", "ok"), 0, "is ready"),
        (("ok", "ok", "limit", "ok", "ok"), 1, "with the limits"),
        (("fail", "ok", "limit", "ok", "ok"), 2, "cannot run"),
    ],
)
def test_the_command(
    statuses: tuple[str, ...], exit_status: int, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def examine(camera: str | None, language: str, progress: object, device: str) -> Report:
        asked.append((camera, language))
        return report(*statuses)

    monkeypatch.setattr(doctor, "examine", examine)
    done = CliRunner().invoke(app, ["doctor", "--camera", "1", "--language", "de"])
    assert done.exit_code == exit_status
    assert asked == [("1", "de")]
    assert verdict in done.stdout
    for status in statuses:
        assert {"ok": "fine", "limit": "limited", "fail": "problem"}[
            status
        ] in done.stdout  # not colour alone
    assert done.stdout.count("Do this.") == sum(status != "ok" for status in statuses)

    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == exit_status
    told = json.loads(done.stdout)
    assert told["schema"] == "formcheck.cli.doctor/1"
    assert told["exit_status"] == exit_status
    assert told["model"] == "full"
    assert list(told["checks"]) == ["camera", "speed", "sound", "disk", "display"]
    assert told["checks"]["sound"] == {
        "status": statuses[2],
        "found": "Found out about sound × 2.",
        "todo": "" if statuses[2] == "ok" else "Do this.",
        "number": 7,
    }


def test_an_old_console_gets_signs_it_can_show() -> None:
    program = (
        "import formcheck.cli.doctor as d, sys\n"
        "from formcheck.cli.doctor import DoctorCheck, Report\n"
        "d.examine = lambda *a, **k: Report((DoctorCheck('camera', 'ok', '640 × 480'),"
        " DoctorCheck('sound', 'fail', 'none', 'Do this.')), None)\n"
        "sys.argv = ['formcheck', 'doctor']\n"
        "from formcheck.cli.main import main\n"
        "main()\n"
    )
    pty = pytest.importorskip("pty", reason="needs a terminal to be made")
    console, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=end,
        stderr=subprocess.DEVNULL,
        env={**environment(), "PYTHONIOENCODING": "ascii", "COLUMNS": "100"},
    )
    os.close(end)
    parts = []
    with suppress(OSError):  # Linux says so when the other end has closed
        while part := os.read(console, 4096):
            parts.append(part)
    os.close(console)
    assert process.wait(60) == 2
    said = b"".join(parts).decode("ascii")
    assert "+ Camera: fine" in said
    assert "x Sound: problem" in said
    assert "640 x 480" in said


def test_an_address_outside_the_home_is_a_problem_not_a_traceback() -> None:
    check = check_camera(doctor.open_source("rtsp://8.8.8.8"))
    assert check.status == "fail"
    assert "home network" in check.found
