"""The command that starts the review page."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from made import analysed

from formcheck.errors import FormcheckError
from formcheck.review.server import check_folder, serve


def test_a_wrong_folder_is_one_sentence(tmp_path):
    with pytest.raises(FormcheckError, match="no folder"):
        check_folder(tmp_path / "gone")
    (tmp_path / "file").write_text("")
    with pytest.raises(FormcheckError, match="is a file"):
        check_folder(tmp_path / "file")


def test_the_default_folder_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path / "data"))
    assert check_folder(None) == tmp_path / "data" / "sessions"
    assert (tmp_path / "data" / "sessions").is_dir()


def test_a_port_that_is_taken_is_one_sentence(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(FormcheckError, match="--port"):
            serve(tmp_path, port=other.getsockname()[1], open_browser=False)


def test_the_command_serves_on_this_computer_only_and_ends_quietly(tmp_path):
    analysed(tmp_path / "lib" / "a")
    command = [sys.executable, "-m", "formcheck", "review", str(tmp_path / "lib"), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        address = program.stdout.readline().split("Review page: ")[1].strip()
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert b"/static/app.js" in answer.read()
            assert "set-cookie" not in answer.headers
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address.split("#")[0] + "api/library", timeout=60)
        program.terminate()
        assert "Traceback" not in program.communicate(timeout=120)[1]


def test_a_video_whose_program_was_killed_before_it_was_a_session_goes(tmp_path):
    from formcheck.review.jobs import Jobs, clear_left_behind
    from formcheck.session.folder import JOB_LOCK

    names = (
        "2026-11-24_190452_bridge_a1b2c3",
        "2026-11-24_190453_bridge_a1b2c3",
        "2026-11-24_19-04-54_bridge",
    )
    for name in (*names, "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / JOB_LOCK).touch()
        (tmp_path / name / "incoming.part").touch()
    (tmp_path / names[1] / "session.sqlite").touch()
    (tmp_path / "2026-11-24_190455_bridge_a1b2c3").mkdir()  # killed before there was anything in it
    job = Jobs(tmp_path, lambda job: None).new(
        "clip.mp4", {"exercise": "bridge"}
    )  # of a page that still runs
    assert clear_left_behind(tmp_path) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*names[1:], "mine", job.folder.name])
