"""The app as it is started: a real window on a virtual screen that ends with its program, or one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_browser import CHROMIUM
from virtual_screen import virtual_screen
from waiting import until

from formcheck.app import window
from formcheck.app.api import AppApi
from formcheck.app.settings import load_settings

ROOT = Path(__file__).parents[2]
PATIENCE_S = 180.0
#: As `formcheck` does it; Chromium refuses its sandbox to root, as whom tests may run.
OPEN = """
import sys
from pathlib import Path
from formcheck.app.window import run_app
run_app(Path(sys.argv[1]) if sys.argv[1:] else None, flags=["--no-sandbox", "--disable-gpu"])
"""
needs_screen = pytest.mark.skipif(
    not (CHROMIUM and all(map(shutil.which, ("Xvfb", "xdotool", "openbox")))),
    reason="needs Chromium, Xvfb, xdotool and openbox",
)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A virtual screen; the environment that leads to it and to a user's data of its own."""
    scratch = tempfile.mkdtemp(prefix="fc-")  # a browser's sockets want short paths
    with virtual_screen() as display:
        env = {
            **os.environ, "DISPLAY": display, "FORMCHECK_DATA": str(tmp_path / "data"), "LC_ALL": "C.UTF-8",
            "TMPDIR": scratch,
        }  # fmt: skip
        manager = subprocess.Popen(["openbox"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield env
        manager.terminate()
        manager.wait()
    shutil.rmtree(scratch, ignore_errors=True)


def windows(screen: dict[str, str], title: str) -> list[str]:
    """Numbers of the windows of this title that can be seen."""
    command = ["xdotool", "search", "--onlyvisible", "--name", f"^{title}$"]
    return subprocess.run(command, env=screen, capture_output=True, text=True).stdout.split()


@needs_screen
def test_a_window_opens_on_today_and_the_program_ends_when_it_is_closed(
    tmp_path: Path, screen: dict[str, str]
) -> None:
    programme = str(ROOT / "docs" / "examples" / "hips.formcheck")
    with open(tmp_path / "said", "w+") as said:
        child = subprocess.Popen([sys.executable, "-c", OPEN, programme], env=screen, cwd=ROOT, stderr=said)
        try:
            until(lambda: windows(screen, "Today .* formcheck"), PATIENCE_S, every_s=0.2)
            assert child.poll() is None
            (shown,) = windows(screen, "Today .* formcheck")
            close = ["xdotool", "windowactivate", "--sync", shown, "key", "alt+F4"]
            subprocess.run(close, env=screen, check=True, timeout=PATIENCE_S)
            assert child.wait(PATIENCE_S) == 0
        finally:
            child.kill()
        said.seek(0)
        assert said.read() == ""
    assert list((tmp_path / "data" / "programmes").glob("*/programme.formcheck"))
    assert list(Path(screen["TMPDIR"]).glob("formcheck-app-*")) == []  # nothing of the browser stays


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "formcheck", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env={**os.environ, **env},
        cwd=ROOT,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_without_a_screen_it_is_one_sentence(tmp_path: Path) -> None:
    done = run(DISPLAY="", WAYLAND_DISPLAY="", FORMCHECK_DATA=str(tmp_path / "data"))
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("There is no screen to open the app on")
    assert "formcheck --help" in line
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), (b"\xff\xfe\x00", "not a text file"), (b"name = 3", "not 3")],
)
def test_a_file_that_is_no_programme_is_one_sentence(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "mine.formcheck"
    if content is not None:
        file.write_bytes(content)
    done = run("app", str(file), DISPLAY=":99", FORMCHECK_DATA=str(tmp_path / "data"))
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_started_by_its_icon_it_tells_in_the_window_that_a_file_is_no_programme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path / "data"))
    file = tmp_path / "mine.formcheck"
    file.write_text("name = 3", encoding="utf-8")
    served: list[AppApi] = []
    monkeypatch.setattr(window, "serve_here", lambda app, port, ready: served.append(api))
    api = AppApi()
    window.run_app(file, in_window=True, api=api)
    assert served == [api]
    assert "not 3" in api.not_read
    with pytest.raises(window.FormcheckError, match="not 3"):
        window.run_app(file, api=api)


def test_without_any_browser_it_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(window, "find_browser", lambda: None)
    opened: list[str] = []
    monkeypatch.setattr(window.webbrowser, "open", lambda address: opened.append(address) and False)
    with pytest.raises(window.FormcheckError, match="No browser could be opened"):
        window.run_app()
    assert len(opened) == 1
    assert opened[0].startswith("http://127.0.0.1:")
    assert load_settings("en").programme is None
