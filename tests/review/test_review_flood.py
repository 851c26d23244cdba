"""Other programs of this computer knock at the review server's port; the page stays, the log too."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from made import analysed
from serving import serving

from formcheck.review import connection

FILES = 256


@dataclass
class Served:
    """A review server in a process of its own, with few files to open, and its key."""

    port: int
    key: str
    program: subprocess.Popen[str]

    def ask(self, path: str) -> Any:
        headers = {"x-formcheck": self.key}
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.loads(answer.read())

    def end(self) -> str:
        """Ends it; what it logged."""
        self.program.send_signal(signal.SIGINT)
        return self.program.communicate(timeout=60)[1]


@pytest.fixture
def served(tmp_path) -> Iterator[Served]:
    if sys.platform == "win32":
        pytest.skip("has no limit of open files that a program could be given")
    analysed(tmp_path / "lib" / "one")
    command = [sys.executable, "-m", "formcheck", "review", str(tmp_path / "lib"), "--no-browser"]
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))  # noqa: E731
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit
    ) as program:
        assert program.stdout is not None
        host, link = program.stdout.readline().split("http://")[1].strip().split("/#link=")
        headers = {"x-formcheck": link, "origin": f"http://{host}"}
        asked = urllib.request.Request(f"http://{host}/api/enter", method="POST", headers=headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            key = json.loads(answer.read())["key"]
        yield Served(int(host.rpartition(":")[2]), key, program)
        program.kill()


def quiet(log: str) -> bool:
    """No trace, and few lines beside those that every start and end says."""
    return "Traceback" not in log and len(log.splitlines()) < 10


HALVES = [
    b"",
    b"GET",
    b"GET / HTTP/1.1\r\nHost: x\r\n",
    b"nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    b"POST /api/enter HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
]


def test_a_thousand_half_requests_leave_the_page_usable(served):
    took = []
    with ExitStack() as open_:
        for i in range(1000):
            knock = open_.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=30))
            with suppress(OSError):
                knock.sendall(HALVES[i % len(HALVES)])
            if i % 100 == 99:
                begun = time.monotonic()
                assert served.ask("/api/library")["sessions"]
                took.append(time.monotonic() - begun)
        assert len(os.listdir(f"/proc/{served.program.pid}/fd")) < FILES / 2
    assert max(took) < 5
    assert quiet(served.end())


def test_who_fetches_no_answers_keeps_nobody_out(served):
    """Many requests on each of many connections, of which no answer is read."""
    head = b"GET /static/session.js HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % served.port
    with ExitStack() as open_:
        for _ in range(2 * connection.MOST_CONNECTIONS):
            knock = open_.enter_context(socket.create_connection(("127.0.0.1", served.port), timeout=30))
            with suppress(OSError):
                knock.sendall(head * 500)
        for _ in range(20):
            assert served.ask("/api/library")["sessions"]
    assert quiet(served.end())


def test_headers_that_trickle_are_waited_for_no_longer_than_none(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "HEADERS_S", 0.5)
    with serving(tmp_path) as address:
        port = int(address.split(":")[2].split("/")[0])
        for first in (b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\nGET" % port):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as knock:
                knock.sendall(first)
                begun = time.monotonic()
                with suppress(OSError):
                    while time.monotonic() - begun < 10:
                        knock.sendall(b"x")
                        time.sleep(0.05)
                assert time.monotonic() - begun < 5


def test_a_tab_closed_during_a_note_is_nothing_to_log(served):
    key = served.ask("/api/library")["sessions"][0]["key"]
    for _ in range(60):
        with socket.create_connection(("127.0.0.1", served.port), timeout=10) as tab:
            tab.sendall(
                f"POST /api/session/{key}/notes HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
                f"X-Formcheck: {served.key}\r\nOrigin: http://127.0.0.1:{served.port}\r\n"
                'Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"id": "about"'.encode()
            )
    assert served.ask("/api/library")["sessions"]
    assert quiet(served.end())


def test_what_goes_wrong_again_and_again_is_a_few_short_lines():
    brief = connection.Brief()
    lines = []
    for i in range(1000):
        try:
            raise KeyError("a" * 5000)
        except KeyError:
            record = logging.LogRecord("x", logging.ERROR, "p", i, "It failed\nhere", (), sys.exc_info())
        if brief.filter(record):
            lines.append(logging.Formatter().format(record))
    assert 1 <= len(lines) <= 50
    assert all("\n" not in line and len(line) < 600 for line in lines)
    assert lines[0].startswith("It failed: KeyError: ")
    assert __file__ in lines[0]
