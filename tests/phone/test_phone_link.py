"""What is opened to a phone: one page over TLS at one address, for one phone, while a session runs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import ssl
import stat
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cryptography", reason="needs formcheck[phone]")
pytest.importorskip("segno", reason="needs formcheck[phone]")

import cv2
from cryptography import x509
from waiting import until

from formcheck.coach.pages.window import Closed, FakeWindow, Key
from formcheck.coach.phone import serve
from formcheck.coach.phone.camera_link import CameraLink
from formcheck.coach.phone.certificate import code_of, server_certificate
from formcheck.coach.phone.link import STATIC
from formcheck.coach.phone.pairing import bring_in
from formcheck.coach.phone.pelvis_link import PelvisLink
from formcheck.coach.phone.serve import home_address, open_to_phone
from formcheck.errors import FormcheckError
from formcheck.phone.sample import UP, Sample
from formcheck.review import connection
from formcheck.video.file import Frame
from formcheck.video.live_source import live_clock
from formcheck.video.phone_camera import PhoneCamera
from formcheck.words import Words, languages

HERE = "127.0.0.1"


class Phone:
    """A browser on the phone, which took the certificate that nobody vouches for."""

    def __init__(self, address: str) -> None:
        self.place, _, self.link = address.partition("/#link=")
        self.key = ""
        self.other = ""
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        own = {"x-formcheck": self.key, "origin": self.place, "content-type": "application/json"}
        asked = urllib.request.Request(
            self.place + path, data, own | {k.replace("_", "-"): v for k, v in headers.items()}
        )
        try:
            with urllib.request.urlopen(asked, timeout=20, context=self.tls) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if path.startswith("/api") else text.decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def enter(self) -> int:
        status, answer = self.ask("/api/enter", {}, x_formcheck=self.link)
        self.key = answer["key"] if status == 200 else ""
        return status


@pytest.fixture
def link() -> PelvisLink:
    return PelvisLink(Words())


@pytest.fixture
def address(link):
    with open_to_phone(link, HERE) as where:
        yield where


def test_the_certificate_is_as_browsers_want_it():
    pem, key = server_certificate("192.168.1.20")
    one = x509.load_pem_x509_certificate(pem)
    names = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["192.168.1.20"]
    uses = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.ExtendedKeyUsageOID.SERVER_AUTH in list(uses)
    assert one.signature_hash_algorithm is not None
    assert one.signature_hash_algorithm.name == "sha256"
    assert (one.not_valid_after_utc - one.not_valid_before_utc).days < 825
    assert b"PRIVATE KEY" in key
    assert server_certificate("192.168.1.20")[0] != pem  # anew each time


def test_it_listens_at_one_address_with_tls_and_no_longer_than_the_session(link):
    with open_to_phone(link, HERE) as where:
        assert re.fullmatch(r"https://127\.0\.0\.1:\d+/#link=[\w-]{43}", where)
        port = int(where.split(":")[2].split("/")[0])
        status, page = Phone(where).ask("/")
        assert status == 200
        assert Words()("phone.pelvis.title") in page
        with socket.create_connection((HERE, port), timeout=10) as plain:  # who speaks no TLS gets nothing
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            plain.settimeout(10)
            assert b"html" not in plain.recv(4096)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((HERE, port), timeout=5)


def test_the_key_of_the_certificate_is_on_no_disk_once_it_listens(link, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen = []
    real = serve.serve_at

    def watched(*args: Any, certificate: tuple[Path, Path], **more: Any) -> None:
        seen.extend(stat.S_IMODE(file.stat().st_mode) for file in certificate)
        real(*args, certificate=certificate, **more)

    monkeypatch.setattr(serve, "serve_at", watched)
    with open_to_phone(link, HERE):
        assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert seen == [0o600, 0o600]
    assert list(tmp_path.iterdir()) == []


def test_one_phone_gets_in_and_no_second_one(address):
    first, second = Phone(address), Phone(address)
    assert first.enter() == 200
    assert second.enter() == 403
    assert first.ask("/api/samples", {"rows": []})[0] == 200
    status, said = second.ask("/api/samples", {"rows": []})
    assert status == 403
    assert "start it again" in said


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1"},
        {"sec_fetch_site": "cross-site"},
        {"host": "evil.example"},
        {"x_formcheck": "guessed"},
        {"x_formcheck": ""},
    ],
)
def test_no_other_page_and_nobody_without_the_key_is_heard(address, link, headers):
    phone = Phone(address)
    phone.enter()
    status, _ = phone.ask("/api/samples", {"rows": [[1, 0, 0, 0, 0, 0]]}, **headers)
    assert status in (403, 421)
    assert not link.there


@pytest.mark.parametrize(
    "path",
    ["/api/library", "/api/samples", "/static/app.js", "/static/../link.py", "/static/%2e%2e/link.py", "/x"],
)
def test_nothing_else_is_to_be_had(address, path):
    phone = Phone(address)
    phone.enter()
    assert phone.ask(path)[0] in (404, 405)


NONSENSE = [
    {},
    {"rows": 1},
    {"rows": [[1, 2, 3]]},
    {"rows": [["a", 0, 0, 0, 0, 0]]},
    {"rows": [[True, 0, 0, 0, 0, 0]]},
    {"rows": [[1e300, 0, 0, 0, 0, 0]]},
    {"rows": [[10**400, 0, 0, 0, 0, 0]]},
    {"rows": [[1, 0, 0, -(10**400), 0, 0]]},
    {"rows": [], "trip": [1, 10**400, 2]},
    {"rows": [[1, 1e9, 0, 0, 0, 0]]},
    {"rows": [[1, None, 0, 0, 0, 0]]},
    {"rows": [[1, 0, 0, 1e300, 0, 0]]},
    {"rows": [[1, 0, 0, 0, 0, 0]] * 601},
    {"rows": [], "trip": [1, 2]},
    {"rows": [], "trip": [2, 1, 1]},
    {"rows": [], "trip": [1, 1e18, 2]},
    {"rows": [], "trip": "x"},
    {"rows": [[1, float("nan"), 0, 0, 0, 0]]},
    {"rows": [[1, float("inf"), 0, 0, 0, 0]]},
]


@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_with_a_sentence_and_changes_nothing(link, body):
    answer = asyncio.run(sent(link, body))
    assert answer.status_code == 422
    assert json.loads(answer.body)["problem"]
    assert len(link.take()) == 0
    assert link.clock_error_s is None


async def sent(link: PelvisLink, body: Any) -> Any:
    """What the link answers to a body that got past the guard."""
    return await link.samples(posted(json.dumps(body).encode()))


def test_samples_come_through_in_order_on_this_computers_clock(link):
    phone_ahead_s = 5000.0

    def phone_ms() -> float:
        return 1000 * (live_clock() + phone_ahead_s)

    trip = None
    felt = []
    for i in range(20):
        asked = phone_ms()
        felt.append(asked / 1000 - phone_ahead_s)
        answer = asyncio.run(sent(link, {"rows": [[asked, 90, 0, None, None, None]], "trip": trip}))
        trip = [asked, json.loads(answer.body)["answered"], phone_ms()]
        if i == 0:
            assert len(link.take()) == 0  # its clock means nothing yet
    rows = link.take()
    assert link.there
    assert len(rows) == 19
    assert np.abs(rows[:, Sample.TIME_S] - felt[1:]).max() < 0.05
    assert link.clock_error_s is not None
    assert (np.diff(rows[:, Sample.TIME_S]) > 0).all()
    assert rows[0, UP] == pytest.approx([0, 1, 0], abs=1e-9)
    assert len(link.take()) == 0


def test_a_flood_of_samples_takes_no_more_room(link):
    asyncio.run(sent(link, {"rows": [], "trip": [1, live_clock(), 2]}))
    for i in range(30):
        rows = [[1000 * i + k, 0, 0, 0, 0, 0] for k in range(600)]
        assert asyncio.run(sent(link, {"rows": rows})).status_code == 200
    assert len(link.take()) == 6000


@pytest.mark.parametrize("language", languages())
def test_the_page_is_in_the_patients_language_with_every_word(language):
    answer = asyncio.run(PelvisLink(Words(language)).page(None))  # type: ignore[arg-type]
    text = answer.body.decode()
    assert Words(language)("phone.pelvis.how_2") in text
    assert "{{" not in text


@pytest.mark.parametrize("role", ["pelvis", "camera"])
def test_whatever_a_page_says_is_among_its_words(role):
    scripts = [(STATIC / name).read_text(encoding="utf-8") for name in ("link.js", f"{role}.js")]
    told = re.findall(r'(?:say\(|return )"(\w+)"|\? "(\w+)" : "(\w+)"', "".join(scripts))
    said = {key for keys in told for key in keys if key}
    assert {"refused", "lost", "sending", "not_allowed"} <= said
    words = Words()
    for key in said:
        assert f"phone.page.{key}" in words or f"phone.{role}.{key}" in words, key


# -- the phone that is the camera ----------------------------------------------------------------------------


JPEG = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()


@pytest.fixture
def seen() -> CameraLink:
    link = CameraLink(Words())
    link.camera = PhoneCamera(open_s=120.0)
    return link


@pytest.fixture
def camera(seen):
    with open_to_phone(seen, HERE) as where:
        phone = Phone(where)
        phone.other = where
        assert phone.enter() == 200
        yield phone
        seen.camera.close()


def now_ms() -> float:
    """On the phone's clock, which is three seconds behind."""
    return 1000 * (live_clock() - 3.0)


def beat(phone: Phone, trip: Any = None, sees: Any = True) -> tuple[int, Any]:
    return phone.ask("/api/beat", {"sees": sees, "trip": trip})


def clocks_match(phone: Phone) -> None:
    asked = now_ms()
    answer = beat(phone)[1]
    assert beat(phone, [asked, answer["answered"], now_ms()])[0] == 200


def send(phone: Phone, about: Any, data: bytes = JPEG, **headers: str) -> tuple[int, Any]:
    told = {"content_type": "image/jpeg", "x_picture": about if isinstance(about, str) else json.dumps(about)}
    return phone.ask("/api/picture", data, **(told | headers))


def frame_of(phone: Phone, seen: CameraLink, turn: int = 0, skipped: int = 0) -> tuple[Frame, float]:
    """The frame of a picture that is sent a moment after it was taken, and when that was.

    Sent again where the way took so long that it no longer counts.
    """
    came: list[tuple[Frame, float]] = []

    def comes() -> bool:
        taken = live_clock()
        time.sleep(0.05)
        assert send(phone, [1000 * (taken - 3.0), turn, skipped])[0] == 200
        frame = seen.camera.latest(0.0)
        came.extend([(frame, taken)] if frame is not None else [])
        return bool(came)

    until(comes, 60)
    return came[0]


class Looks(threading.Thread):
    """Opens a source and keeps its first frame, as a session does."""

    def __init__(self, source: PhoneCamera) -> None:
        super().__init__()
        self.source = source
        self.start()

    def run(self) -> None:
        self.source.open()


def test_pictures_are_asked_for_only_while_somebody_looks_and_carry_the_time_they_were_taken(camera, seen):
    clocks_match(camera)
    assert seen.there
    assert send(camera, [now_ms(), 0, 0])[1]["wanted"] is False
    assert seen.camera.latest(0.0) is None
    looks = Looks(seen.camera)
    until(lambda: beat(camera)[1]["wanted"])
    frame, taken = frame_of(camera, seen, 90, 5)
    looks.join(20)
    late, error = seen.camera.now_s() - frame.time_s, seen.clock_error_s
    assert error is not None
    assert late == pytest.approx(live_clock() - taken, abs=0.02 + error)
    assert frame.image.shape == (64, 48, 3)  # turned
    assert seen.camera.dropped >= 5
    seen.camera.close()
    assert beat(camera)[1]["wanted"] is False


def test_before_the_clocks_are_matched_no_picture_counts(camera, seen):
    looks = Looks(seen.camera)
    until(lambda: seen.camera.wanted)
    assert send(camera, [now_ms(), 0, 0])[0] == 200
    assert seen.camera.latest(0.0) is None
    clocks_match(camera)
    frame_of(camera, seen)
    looks.join(20)


@pytest.mark.parametrize(
    "about",
    ["", "[", "[" * 150, "{}", "[1, 0]", [1, 0, 0, 0], [1, 45, 0], [1, 0, -1], [1, 0, 1001], ["1", 0, 0],
     [True, 0, 0], [1e300, 0, 0], "[NaN, 0, 0]", "[1, 0, 0" + " " * 300 + "]", f"[{10**180}, 0, 0]"],
    ids=range(15),
)  # fmt: skip
def test_nonsense_about_a_picture_is_refused_with_a_sentence(camera, seen, about):
    status, said = send(camera, about)
    assert status == 422
    assert json.loads(said)["problem"]


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (b"", {}),
        (b"\xff\xd8 no picture \xff\xd9", {}),
        (JPEG[:40] + bytes(600_000) + b"\xff\xd9", {}),
        (JPEG, {"content_type": "text/plain"}),
        (JPEG, {"content_type": "application/json"}),
    ],
    ids=["empty", "garbage", "huge", "text", "json"],
)
def test_what_is_no_picture_is_refused_and_the_next_one_counts(camera, seen, data, headers):
    clocks_match(camera)
    looks = Looks(seen.camera)
    until(lambda: seen.camera.wanted)
    status, said = send(camera, [now_ms(), 0, 0], data, **headers)
    assert status == 422
    assert json.loads(said)["problem"]
    frame_of(camera, seen)
    looks.join(20)


def test_of_pictures_that_pile_up_the_newest_is_looked_at(seen, monkeypatch):
    decoded = []

    def watched(data: bytes) -> np.ndarray:
        decoded.append(data)
        return np.zeros((48, 64, 3), np.uint8)

    monkeypatch.setattr("formcheck.coach.phone.camera_link.picture_of", watched)
    looks = Looks(seen.camera)
    until(lambda: seen.camera.wanted)

    async def pile_up() -> float:
        here = 1000 * live_clock()
        await seen.beat(posted(json.dumps({"sees": True, "trip": [here, here / 1000, here]}).encode()))
        times = [here - 10 * late for late in (3, 1, 0, 2)]
        async with seen._decoding:  # as if another one was being decoded
            sent = [asyncio.create_task(seen.picture(posted(JPEG, [time, 0, 0]))) for time in times]
            await asyncio.sleep(0.1)
        assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
        return here / 1000

    newest_s = asyncio.run(pile_up())
    looks.join(20)
    frame = seen.camera.latest(0.0)
    assert frame is not None
    assert len(decoded) == 1
    assert seen.camera.dropped == 3
    assert live_clock() - seen.camera.now_s() + frame.time_s == pytest.approx(newest_s, abs=0.02)


def posted(data: bytes, about: Any = None) -> Any:
    """A request that got past the guard."""
    from starlette.requests import Request

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": data, "more_body": False}

    kind = b"application/json" if about is None else b"image/jpeg"
    headers = [(b"content-type", kind), (b"x-picture", json.dumps(about).encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def test_the_key_of_one_role_is_none_for_the_other(camera, seen, link):
    with open_to_phone(link, HERE) as where:
        pelvis = Phone(where)
        assert pelvis.enter() == 200
        for phone, own in ((camera, camera.key), (pelvis, pelvis.key)):
            other = pelvis if phone is camera else camera
            phone.key = other.key
            assert (
                phone.ask("/api/beat" if phone is camera else "/api/samples", {"rows": [], "sees": True})[0]
                == 403
            )
            phone.key = own
        assert pelvis.ask("/api/picture", {})[0] == 404
        assert camera.ask("/api/samples", {"rows": []})[0] == 404
        assert not link.there


def test_a_second_phone_and_nobody_without_the_key_is_the_camera(camera, seen):
    second = Phone(camera.other)
    assert second.enter() == 403
    assert beat(second)[0] == 403
    for headers in (
        {"origin": "https://evil.example"},
        {"sec_fetch_site": "cross-site"},
        {"x_formcheck": "x"},
    ):
        assert send(camera, [now_ms(), 0, 0], **headers)[0] == 403
    assert not seen.there


def test_only_the_cameras_page_may_use_the_camera(link, seen):
    allowed = {}
    for one in (link, seen):
        with open_to_phone(one, HERE) as where:
            phone = Phone(where)
            asked = urllib.request.urlopen(phone.place + "/", timeout=20, context=phone.tls)
            allowed[one.role] = asked.headers["permissions-policy"].split(", ")[0]
    assert allowed == {"pelvis": "camera=()", "camera": "camera=(self)"}


# -- bringing it in ------------------------------------------------------------------------------------------


class There(PelvisLink):
    there = True


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize(
    ("link_made", "keys", "comes"),
    [
        (There, [[Key("enter")]], True),
        (There, [[Key("2")]], False),
        (PelvisLink, [[Key("enter")], [Key("1")], [Key("2")]], False),  # nothing to go on with yet
        (PelvisLink, [[Closed()]], None),
        (There, [[Key("esc")]], None),
    ],
)
def test_the_screen_shows_a_code_that_a_camera_reads(link_made, keys, comes, language):
    where = "https://192.168.178.23:43211/#link=" + "aB3-" * 10 + "xyz"
    window = FakeWindow(keys)
    words = Words(language)
    assert bring_in(link_made(words), where, window, words) is comes
    assert cv2.QRCodeDetector().detectAndDecode(window.shown[-1])[0] == where
    assert len(set(map(len, code_of(where)))) == 1


# -- the network ---------------------------------------------------------------------------------------------


class Socket:
    """A datagram socket of a computer with one address, or in no network."""

    def __init__(self, own: str) -> None:
        self.own = own

    def __call__(self, *args: object) -> Socket:
        return self

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *args: object) -> None: ...

    def connect(self, to: object) -> None:
        if not self.own:
            raise OSError("unreachable")

    def getsockname(self) -> tuple[str, int]:
        return self.own, 1


@pytest.mark.parametrize("own", ["192.168.1.7", "10.0.3.4", "172.20.1.1"])
def test_a_home_network_is_found(monkeypatch, own):
    monkeypatch.setattr(serve.socket, "socket", Socket(own))
    assert home_address() == own


@pytest.mark.parametrize(
    ("own", "says"), [("", "no network"), ("127.0.0.1", "no network"), ("8.8.4.4", "whole internet")]
)
def test_without_a_home_network_nobody_is_let_in(monkeypatch, own, says):
    monkeypatch.setattr(serve.socket, "socket", Socket(own))
    with pytest.raises(FormcheckError, match=says):
        home_address()


def test_there_after_a_while_of_silence_it_is_gone(link, monkeypatch):
    asyncio.run(sent(link, {"rows": [[1, 0, 0, 0, 0, 0]]}))
    assert link.there
    monkeypatch.setattr("formcheck.coach.phone.link.live_clock", lambda: time.perf_counter() + 3)
    assert not link.there


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_hundreds_that_never_agree_on_tls_keep_neither_the_phone_nor_the_session_from_working(link):
    with open_to_phone(link, HERE) as where, ExitStack() as held:
        phone = Phone(where)
        assert phone.enter() == 200
        before = len(os.listdir("/proc/self/fd"))
        port = int(where.split(":")[2].split("/")[0])
        for i in range(300):
            knock = held.enter_context(socket.create_connection((HERE, port), timeout=20))
            with suppress(OSError):
                knock.sendall(b"\x16\x03" if i % 2 else b"")
        assert phone.ask("/api/samples", {"rows": []})[0] == 200
        ours = len(os.listdir("/proc/self/fd")) - before - 300  # the other ends are in this process too
        assert ours < 2 * connection.MOST_CONNECTIONS + connection.BACKLOG + 10
