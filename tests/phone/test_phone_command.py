"""`formcheck live --phone`: what goes on with a phone, without one, and when the window is left."""

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

from formcheck.coach import start
from formcheck.coach.live import LiveResult
from formcheck.coach.pages.window import Closed, FakeWindow, Input, Key
from formcheck.coach.phone import serve
from formcheck.coach.phone.link import PhoneLink
from formcheck.errors import FormcheckError

DONE = LiveResult(summary=None, folder=None, stats="", problem="")


class There(PhoneLink):
    there = True


class Asked:
    """What the session was started with, and whether somebody listened then."""

    def __init__(self) -> None:
        self.runs: list[tuple[Any, bool, Any]] = []
        self.port = 0

    @property
    def listens(self) -> bool:
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0

    def run(self, flow: Any, request: Any, patient: Any, **more: Any) -> LiveResult:
        self.runs.append((flow.plan.definition, self.listens, more.get("phone")))
        return DONE


def started(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    keys: list[list[Input]],
    *,
    link: type = PhoneLink,
    phone: bool = True,
    exercise: str = "clam",
) -> tuple[Asked, FakeWindow]:
    """Runs the command's request with a window that presses these keys."""
    asked, window = Asked(), FakeWindow(keys)
    monkeypatch.setattr(start, "LiveWindow", lambda **_: window)
    monkeypatch.setattr("formcheck.coach.phone.link.PhoneLink", link)
    monkeypatch.setattr(start, "run_session", asked.run)
    monkeypatch.setattr(serve, "home_address", lambda: "127.0.0.1")
    real = serve.open_to_phone

    @contextmanager
    def opened(one: PhoneLink) -> Any:
        with real(one) as address:
            asked.port = int(address.split(":")[2].split("/")[0])
            assert asked.listens
            yield address

    monkeypatch.setattr(serve, "open_to_phone", opened)
    start.start_live(
        start.LiveRequest(
            exercise=exercise, side=None, view=None, prescription=None, camera=None, clip=None, sets=1,
            reps=1, sessions=tmp_path, patient=None, language="en", model="full", mute=True, speech_log=None,
            blur_face=False, high_contrast=False, windowed=True, stats=False, phone=phone,
        )
    )  # fmt: skip
    return asked, window


def test_with_a_phone_the_session_is_judged_by_it_and_the_socket_closes_with_it(monkeypatch, tmp_path):
    asked, _ = started(monkeypatch, tmp_path, [[Key("enter")]], link=There)
    ((definition, listened, phone),) = asked.runs
    assert definition.phone_worn
    assert listened
    assert isinstance(phone, There)
    assert not asked.listens


def test_who_goes_on_without_one_leaves_no_socket_open(monkeypatch, tmp_path):
    asked, _ = started(monkeypatch, tmp_path, [[Key("2")]])
    ((definition, listened, phone),) = asked.runs
    assert not definition.phone_worn
    assert not listened
    assert phone is None


def test_a_window_that_is_left_ends_it(monkeypatch, tmp_path):
    asked, window = started(monkeypatch, tmp_path, [[Closed()]])
    assert asked.runs == []
    assert not asked.listens
    assert window.closed


def test_without_being_asked_nothing_is_opened(monkeypatch, tmp_path):
    asked, window = started(monkeypatch, tmp_path, [], phone=False)
    assert asked.port == 0
    ((definition, _, phone),) = asked.runs
    assert not definition.phone_worn
    assert phone is None
    assert window.shown == []


def test_an_exercise_of_which_a_phone_tells_nothing_asks_for_none(monkeypatch, tmp_path):
    with pytest.raises(FormcheckError, match="leave --phone out"):
        started(monkeypatch, tmp_path, [], exercise="hamstring-stretch")


def test_a_session_without_a_phone_waits_for_no_server_to_be_imported():
    heavy = {"uvicorn", "cryptography", "segno"}
    code = f"import formcheck.coach.start, sys; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
