"""`formcheck live` as a person starts it: the real command, a real window on a virtual screen, real keys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from virtual_screen import virtual_screen
from waiting import until

from formcheck.errors import FormcheckError
from formcheck.session.reader import open_session

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "videos" / "bridge_side.mp4"
LIVE = [sys.executable, "-m", "formcheck", "live"]

#: However busy the machine is; what is waited for comes within seconds on an idle one.
PATIENCE_S = 180.0

needs_screen = pytest.mark.skipif(
    not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool"
)


@pytest.fixture
def screen() -> Iterator[dict[str, str]]:
    """A virtual screen; the environment that leads to it."""
    with virtual_screen() as display:
        yield {**os.environ, "DISPLAY": display}


def said(log: Path) -> list[str]:
    """Keys of everything said so far."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return [entry["key"] for entry in map(json.loads, lines) if "key" in entry]


def frames_stored(sessions: Path, to: Path) -> int:
    """How many frames a session under way has committed; looked at in a copy, as it is locked."""
    for folder in sessions.glob("*"):
        shutil.rmtree(to, ignore_errors=True)
        with suppress(OSError, FormcheckError):
            shutil.copytree(folder, to)
            with open_session(to) as session:
                return len(session.poses().frame)
    return 0


@needs_screen
def test_a_session_from_consent_to_stop(tmp_path, screen):
    log = tmp_path / "speech.jsonl"
    command = [*LIVE, "bridge", "--source", str(CLIP), "--out", str(tmp_path / "s"), "--speech-log", str(log)]
    child = subprocess.Popen(
        [*command, "--windowed", "--stats"], env=screen, cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip

    def press(key: str) -> None:
        subprocess.run(["xdotool", "key", key], env=screen, check=True)
        time.sleep(0.4)

    def asked() -> bool:
        return "page.pain.question_before" in said(log)

    until(log.exists, PATIENCE_S, every_s=0.1)
    # Keys sent to a window that is not yet in front are lost; a second "2" would be a pain of 2, so it is
    # only sent where the first one was not heard for long.
    while not asked():
        assert child.poll() is None
        press("2")
        with suppress(AssertionError):
            until(asked, 20.0, every_s=0.1)
    press("1")
    until(lambda: frames_stored(tmp_path / "s", tmp_path / "copy") > 10, PATIENCE_S, every_s=0.1)
    press("Escape")
    until(lambda: any(key.startswith("voice.stopped") for key in said(log)), PATIENCE_S, every_s=0.1)
    press("Return")
    out, err = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0, err
    assert "Traceback" not in err
    (folder,) = (tmp_path / "s").iterdir()
    assert f"Session: {folder}" in out.replace("\n", "")
    assert "dropped" in out
    with open_session(folder) as session:
        assert session.complete
        assert len(session.poses().track.time_s) > 10
        assert session.summary is not None
        assert session.summary.live is not None
        assert session.summary.live.stopped == "stop"


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LIVE, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, **env},
        cwd=ROOT,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_without_a_display_one_sentence():
    done = run("bridge", DISPLAY="", QT_QPA_PLATFORM="")
    assert done.returncode == 2
    assert "no screen" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["bridges"], "did you mean 'bridge'"),
        (["bridge", "--side", "left"], "no working side"),
        (["clam", "--view", "side"], "no view called 'side'"),
        (["clam", "--language", "xx"], "no words in the language"),
        (["clam", "--source", "nowhere.mp4"], "nowhere.mp4"),
        (["clam", "--camera", "http://8.8.8.8/video"], "home network"),
        (["clam", "--prescription", "nowhere.toml"], "nowhere.toml"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
@needs_screen
def test_what_does_not_fit_is_one_sentence(arguments, says, screen):
    done = run(*arguments, DISPLAY=screen["DISPLAY"])
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
