"""`--phone` and `--phone-camera`: what goes on with phones, without them, and when the window is left."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("cryptography", reason="needs formcheck[phone]")
pytest.importorskip("segno", reason="needs formcheck[phone]")

import cv2

from formcheck.coach import play, start
from formcheck.coach.live import LiveResult
from formcheck.coach.pages.window import Closed, FakeWindow, Input, Key
from formcheck.coach.phone import serve
from formcheck.coach.phone.camera_link import CameraLink
from formcheck.coach.phone.pelvis_link import PelvisLink
from formcheck.errors import FormcheckError
from formcheck.video.phone_camera import PhoneCamera

DONE = LiveResult(summary=None, folder=None, stats="", problem="")


class There(PelvisLink):
    there = True


class CameraThere(CameraLink):
    there = True


class Asked:
    """What the session was started with, and how many phones were listened to then."""

    def __init__(self) -> None:
        self.runs: list[tuple[Any, int, Any]] = []
        self.ports: list[int] = []

    @property
    def listens(self) -> int:
        """At how many of the ports that were opened somebody listens."""
        return sum(_listens(port) for port in self.ports)

    def run(self, flow: Any, request: Any, patient: Any, **more: Any) -> LiveResult:
        self.runs.append((flow, self.listens, more["brought"]))
        return DONE


def _listens(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def started(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    keys: list[list[Input]],
    *,
    there: bool = False,
    exercise: str = "clam",
    programme: Path | None = None,
    **phones: Any,
) -> tuple[Asked, FakeWindow]:
    """Runs the command's request with a window that presses these keys; of a programme where one is given."""
    asked, window = Asked(), FakeWindow(keys)
    monkeypatch.setattr(start, "LiveWindow", lambda **_: window)
    if there:
        monkeypatch.setattr("formcheck.coach.phone.pelvis_link.PelvisLink", There)
        monkeypatch.setattr("formcheck.coach.phone.camera_link.CameraLink", CameraThere)
    monkeypatch.setattr(start, "run_session", asked.run)
    monkeypatch.setattr(play, "run_session", asked.run)
    monkeypatch.setattr(serve, "home_address", lambda: "127.0.0.1")
    real = serve.open_to_phone

    @contextmanager
    def opened(one: Any) -> Any:
        with real(one) as address:
            asked.ports.append(int(address.split(":")[2].split("/")[0]))
            assert _listens(asked.ports[-1])
            yield address

    monkeypatch.setattr(serve, "open_to_phone", opened)
    room: dict[str, Any] = {
        "camera": None, "clip": None, "sessions": tmp_path, "language": "en", "model": "full", "mute": True,
        "speech_log": None, "blur_face": False, "high_contrast": False, "windowed": True, "stats": False,
        **phones,
    }  # fmt: skip
    if programme is not None:
        play.start_play(play.PlayRequest(programme=programme, **room))
    else:
        start.start_live(
            start.LiveRequest(
                exercise=exercise, side=None, view=None, prescription=None, sets=1, reps=1, patient=None,
                **room,
            )
        )  # fmt: skip
    return asked, window


def test_with_a_phone_the_session_is_judged_by_it_and_the_socket_closes_with_it(monkeypatch, tmp_path):
    asked, _ = started(monkeypatch, tmp_path, [[Key("enter")]], there=True, phone=True)
    ((flow, listened, brought),) = asked.runs
    assert flow.plan.definition.phone_worn
    assert listened == 1
    assert isinstance(brought.worn, There)
    assert brought.camera is None
    assert not asked.listens


def test_a_phone_as_the_camera_takes_nothing_from_the_waistband(monkeypatch, tmp_path):
    asked, _ = started(monkeypatch, tmp_path, [[Key("enter")]], there=True, phone_camera=True)
    ((flow, listened, brought),) = asked.runs
    assert not flow.plan.definition.phone_worn
    assert listened == 1
    assert isinstance(brought.camera, PhoneCamera)
    assert brought.worn is None
    assert not asked.listens


def test_two_phones_have_a_code_and_a_socket_each(monkeypatch, tmp_path):
    keys: list[list[Input]] = [[Key("enter")], [Key("enter")]]
    asked, window = started(monkeypatch, tmp_path, keys, there=True, phone=True, phone_camera=True)
    ((flow, listened, brought),) = asked.runs
    assert flow.plan.definition.phone_worn
    assert listened == 2
    assert brought.camera is not None
    assert brought.worn is not None
    assert brought.window is window
    codes = {cv2.QRCodeDetector().detectAndDecode(image)[0] for image in window.shown}
    assert len(codes) == 2
    assert not asked.listens


def test_who_goes_on_without_one_leaves_no_socket_open_for_it(monkeypatch, tmp_path):
    keys: list[list[Input]] = [[Key("2")], [Key("1")]]
    asked, _ = started(monkeypatch, tmp_path, keys, there=True, phone=True, phone_camera=True)
    ((flow, listened, brought),) = asked.runs
    assert (listened, brought.camera) == (1, None)  # the code for the camera comes first
    assert flow.plan.definition.phone_worn
    assert len(asked.ports) == 2


def test_who_goes_on_without_any_leaves_no_socket_open(monkeypatch, tmp_path):
    asked, window = started(monkeypatch, tmp_path, [[Key("2")]], phone=True)
    ((flow, listened, brought),) = asked.runs
    assert not flow.plan.definition.phone_worn
    assert (listened, brought.worn, brought.window) == (0, None, window)


@pytest.mark.parametrize(
    "keys", [[[Closed()]], [[Key("1")], [Closed()]]], ids=["at the first", "at the second"]
)
def test_a_window_that_is_left_ends_it(monkeypatch, tmp_path, keys):
    asked, window = started(monkeypatch, tmp_path, keys, there=True, phone=True, phone_camera=True)
    assert asked.runs == []
    assert len(asked.ports) == len(keys)
    assert not asked.listens
    assert window.closed


def test_without_being_asked_nothing_is_opened(monkeypatch, tmp_path):
    asked, window = started(monkeypatch, tmp_path, [])
    assert asked.ports == []
    ((flow, _, brought),) = asked.runs
    assert not flow.plan.definition.phone_worn
    assert brought == start.NOTHING_BROUGHT
    assert window.shown == []


def test_an_exercise_of_which_a_phone_tells_nothing_asks_for_none(monkeypatch, tmp_path):
    with pytest.raises(FormcheckError, match="leave --phone out"):
        started(monkeypatch, tmp_path, [], exercise="hamstring-stretch", phone=True)


def test_a_clip_and_a_phone_are_not_both_the_camera(monkeypatch, tmp_path):
    with pytest.raises(FormcheckError, match="not both"):
        started(monkeypatch, tmp_path, [], phone_camera=True, clip=tmp_path / "clip.mp4")


# -- a programme ---------------------------------------------------------------------------------------------


def programme(folder: Path, *exercises: str) -> Path:
    file = folder / "own.formcheck"
    sides = {"hamstring-stretch": 'sides = ["left"]\n'}
    each = "".join(f'[[exercises]]\nexercise = "{name}"\n{sides.get(name, "")}' for name in exercises)
    file.write_text(f'name = "Own"\n{each}', encoding="utf-8")
    return file


def test_in_a_programme_the_exercises_that_a_phone_tells_of_are_judged_by_it(monkeypatch, tmp_path):
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path))
    file = programme(tmp_path, "hamstring-stretch", "bridge")
    asked, _ = started(monkeypatch, tmp_path, [[Key("enter")]], there=True, programme=file, phone=True)
    ((flow, listened, brought),) = asked.runs
    assert listened == 1
    assert brought.worn is not None
    worn = {part.exercise: part.plan.definition.phone_worn for part in flow._day_plan.parts(None)}
    assert worn == {"hamstring-stretch": False, "bridge": True}


def test_a_programme_of_which_a_phone_tells_nothing_brings_none_in(monkeypatch, tmp_path):
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path))
    file = programme(tmp_path, "hamstring-stretch")
    asked, _ = started(monkeypatch, tmp_path, [], there=True, programme=file, phone=True)
    ((_, listened, brought),) = asked.runs
    assert (asked.ports, listened, brought) == ([], 0, start.NOTHING_BROUGHT)


def test_a_programme_whose_window_is_left_at_the_code_does_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path))
    file = programme(tmp_path, "bridge")
    asked, window = started(monkeypatch, tmp_path, [[Closed()]], programme=file, phone_camera=True)
    assert asked.runs == []
    assert window.closed
    assert not list((tmp_path / "programmes").glob("*/*.json"))


def test_a_session_without_a_phone_waits_for_no_server_to_be_imported():
    heavy = {"uvicorn", "cryptography", "segno"}
    code = f"import formcheck.coach.start, sys; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
