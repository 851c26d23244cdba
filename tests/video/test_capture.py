"""Addresses of cameras: nothing outside the home network, and every mistake one sentence."""

from __future__ import annotations

import sys

import pytest

from formcheck.errors import FormcheckError
from formcheck.video import capture
from formcheck.video.capture import home_url, parse_address


def nobody(*parts: object, **options: object) -> list[object]:
    raise AssertionError("no name may be looked up for this address")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/video",
        "http://192.168.1.20:8080/video",
        "rtsp://10.0.0.5/live",
        "RTSP://user:secret@172.31.255.1:554/h264",
        "http://169.254.7.7/",
        "https://[::1]:8080/video",
        "http://[fe80::1%25eth0]/video",
        "http://[fd12:3456::1]/video",
        "http://[::ffff:192.168.1.20]/video",
    ],
)
def test_the_home_network_is_allowed(url: str) -> None:
    assert home_url(url, nobody) == url


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://8.8.8.8",
        "http://172.32.0.1/video",
        "http://100.64.0.1/video",
        "http://0.0.0.0/video",
        "http://[2001:4860:4860::8888]/",
        "http://[::ffff:8.8.8.8]/video",
        "http://[2002:7f00:1::]/video",  # an internet address that spells 127.0.0.1
        "http://224.0.0.1/video",
        "http://192.168.1.20@8.8.8.8/video",
    ],
)
def test_everything_else_is_refused_and_says_why(url: str) -> None:
    with pytest.raises(FormcheckError, match="must not leave the home network"):
        home_url(url, nobody)


@pytest.mark.parametrize(
    "host", ["example.org", "134744072", "0x7f.1", "phone", "local", "phone.local.example.org"]
)
def test_names_are_not_looked_up_to_find_out(host: str) -> None:
    with pytest.raises(FormcheckError, match="must not leave the home network"):
        home_url(f"http://{host}/video", nobody)


def test_a_local_name_must_stand_for_a_home_address() -> None:
    def at(*addresses: str):
        return lambda host, port, **options: [(2, 1, 6, "", (address, port)) for address in addresses]

    assert home_url("http://phone.local:8080/video", at("192.168.1.20", "fe80::1"))
    with pytest.raises(FormcheckError, match="outside"):
        home_url("http://phone.local/video", at("192.168.1.20", "8.8.8.8"))

    def none(*parts: object, **options: object) -> list[object]:
        raise OSError("no such name")

    with pytest.raises(FormcheckError, match="same Wi-Fi"):
        home_url("http://phone.local/video", none)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://", "complete"),
        ("http:///video", "complete"),
        ("http://192.168.1.20\\@8.8.8.8/", "complete"),
        ("http://192.168.1.20 /video", "complete"),
        ("http://192.168.1.20:port/", "complete"),
        ("http://[192.168/", "complete"),
        ("ftp://192.168.1.20/", "cannot be shown"),
        ("file:///etc/passwd", "complete"),
        ("concat:http://192.168.1.20/", "complete"),
    ],
)
def test_malformed_addresses(url: str, word: str) -> None:
    with pytest.raises(FormcheckError, match=word):
        home_url(url, nobody)


def test_numbers_paths_and_urls() -> None:
    assert parse_address("0") == 0
    assert parse_address(2) == 2
    assert parse_address(" 1 ") == 1
    assert parse_address("/dev/video0") == "/dev/video0"
    assert parse_address("http://127.0.0.1/v") == "http://127.0.0.1/v"


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("192.168.1.4:8080/video", "http://"),
        ("phone.local", "http://"),
        ("front", "not a camera"),
        ("", "not a camera"),
        ("-1", "not a camera"),
        (-1, "not a camera"),
    ],
)
def test_what_is_not_an_address_says_how_one_looks(address: int | str, word: str) -> None:
    with pytest.raises(FormcheckError, match=word) as raised:
        parse_address(address)
    assert "\n" not in str(raised.value)


def test_passwords_are_not_repeated_in_sentences() -> None:
    with pytest.raises(FormcheckError) as raised:
        capture.open_capture("http://me:secret@127.0.0.1:9/video", (640, 480), 30)
    assert "secret" not in str(raised.value)
    assert "127.0.0.1" in str(raised.value)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells these apart")
def test_a_missing_camera_names_those_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "cameras_here", lambda: [(0, "Integrated Camera"), (2, "USB Webcam")])
    with pytest.raises(FormcheckError, match=r"no camera 99 .* 0 \(Integrated Camera\), 2 \(USB Webcam\)"):
        capture.open_capture(99, (640, 480), 30)
    monkeypatch.setattr(capture, "cameras_here", list)
    with pytest.raises(FormcheckError, match="connect one"):
        capture.open_capture(99, (640, 480), 30)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells these apart")
def test_a_camera_that_is_there_and_does_not_open_is_busy() -> None:
    # A device file that is no camera refuses to stream, as a camera does that another program has.
    with pytest.raises(FormcheckError, match="another program is probably using it"):
        capture.open_capture("/dev/null", (640, 480), 30)
