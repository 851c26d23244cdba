"""Every command in the documents does what they say: it is run, or stands below with the reason why not."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from everything import cut, live, run
from stored_session import command as formcheck

import formcheck.coach.start as live_start
import formcheck.review.server as review_server
from formcheck.coach.pages.window import FakeWindow, Key
from formcheck.coach.voice.voice import open_voice

ROOT = Path(__file__).parents[1]
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
DOCS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "PRIVACY.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]

#: Run by `.ci/run`, which holds the words at the right.
IN_CI = {
    "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/formcheck analyze videos/bridge_side.mp4 "
    "--exercise bridge": r"grep -E '^python3 -m venv .*formcheck analyze'",
    "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/python -m pytest -n 3 --dist "
    "loadfile": r"grep -E '^python3 -m venv .*pytest'",
    "python3 -m venv .venv": "-m venv",  # the guides' three lines are the README's one
    "pip install .": "$try_command",
    "pip install '.[mediapipe]'": "pip install '.[mediapipe]'",
    "formcheck analyze videos/bridge_side.mp4 --exercise bridge --engine mediapipe": "--engine mediapipe",
    "python tests/pose/parity.py table": "tests/pose/test_parity.py",  # the same comparison, with limits
    "pytest -m slow tests/pose/test_parity.py": "-m slow tests/pose/test_parity.py",
    "ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy": "bin/ruff",
    "pip wheel --no-deps -w dist .": "wheel -q --no-deps",
}
#: Run by nothing here, and why.
NOT_RUN = {
    "bash .ci/run": "it is what runs these tests",
    "apt install libgl1 libglib2.0-0": "installs packages of the system",
    "sudo apt install python3-venv espeak-ng alsa-utils libgl1 libglib2.0-0": "the same",
    "py -m venv .venv": "Windows",
    "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]'": "CI has the same packages, locked",
    "pip install '.[phone]'": "CI has the same packages, locked",
    "formcheck live clam --phone": "needs a phone; tests/phone/test_phone_browser.py has a browser for one",
    "formcheck live clam --phone-camera": "the same; tests/phone/test_phone_camera_browser.py",
    "formcheck live clam --phone --phone-camera": "the same; test_phone_command.py brings in both",
    "formcheck live bridge --phone-camera --stats": "the same",
    "formcheck live --phone-camera": "the same",
    "python docs/make_pictures.py": "draws the pictures again, minutes long; they are looked at by hand",
    "python -m formcheck.coach.pages OUT --language <code>": "tests/coach/test_pages.py draws every page",
    "pip install": "named in a sentence, not typed",
    "sudo apt install ./formcheck_0.1.0_amd64.deb": "installs a package of the system",
    "sudo apt remove formcheck": "the same",
    "python packaging/build.py": "tests/packaging/test_bundle.py, slow, starts it",
    "uv tool install": "named in a sentence, not typed",
    "uv tool install dist/formcheck-0.1.0-py3-none-any.whl": "fetches everything again",
    "pipx install dist/formcheck-0.1.0-py3-none-any.whl": "the same",
    "python tests/tools/audit.py": "asks a service on the internet",
    "uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url --no-header "
    "--extra dev pyproject.toml -o requirements/ci.txt": "makes the lock again",
    "dask worker tcp://HOST:8786 --nworkers 16 --nthreads 1": "needs a cluster; tests/test_batch.py has one",
    "python ../shared/bench/score.py ../shared/clips/real ../shared/clips/rendered": "not in this repository",
}
#: Names of commands that say nothing without a file: named in a sentence, not typed.
NAMES = {"analyze", "play", "rescore", "export", "batch", "models add", "sessions delete"}
STARTS = r"(?:\S*[/\\])?(?:formcheck|python3?|py|pip|pytest|bash|sudo|apt|uv|dask|pip-audit|ruff)(?= )"


def commands_of(doc: Path) -> list[str]:
    """The commands in a document, in its order, as somebody would type them."""
    text = doc.read_text(encoding="utf-8")
    found: list[str] = []
    for block in re.findall(r"^ *```(?:bash|text|)\n(.*?)^ *```", text, flags=re.S | re.M):
        lines = [line.strip() for line in block.splitlines()]
        if re.match(STARTS, lines[0]):
            found += lines
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.S | re.M)
    found += [line.strip() for line in re.findall(rf"^    {STARTS}.*$", text, flags=re.M)]
    found += [" ".join(span.split()) for span in re.findall(rf"`({STARTS}[^`]+)`", text)]
    without_notes = (re.split(r" {2,}| # ", line)[0] for line in found)
    return [re.sub(r"^\.venv[/\\](?:bin|Scripts)[/\\]", "", line) for line in without_notes]


SPOKEN = {line: doc.name for doc in reversed(DOCS) for line in commands_of(doc)}
TO_RUN = [line for line in SPOKEN if line not in IN_CI and line not in NOT_RUN]


def test_the_lists_hold_no_command_that_no_document_names() -> None:
    assert len(SPOKEN) > 40
    assert set(IN_CI) | set(NOT_RUN) <= set(SPOKEN)
    assert not set(IN_CI) & set(NOT_RUN)
    for line, words in IN_CI.items():
        assert words in CI, line


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short clip, what `formcheck analyze` made of it, and a live session."""
    here = tmp_path_factory.mktemp("documents")
    patch = pytest.MonkeyPatch()
    patch.setenv("FORMCHECK_DATA", str(here / "data"))
    clip = cut(here / "clip.mp4", 6.5, demo=ROOT / "videos" / "clam_front.mp4")
    live(cut(here / "bridge.mp4", 4.0), "--mute")
    (session,) = (here / "data" / "sessions").iterdir()
    session.rename(here / "live")
    run("analyze", clip, "-e", "clam")
    patch.undo()
    return here


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to work in, with the names that the documents use."""
    shutil.copy(made / "clip.mp4", tmp_path)
    for name in ("clip.formcheck", "data/sessions/2026-11-02_09-00-00_bridge", "data/sessions/SESSION"):
        shutil.copytree(made / "clip.formcheck", tmp_path / name)
    (tmp_path / "strict.toml").write_text("[tempo]\nlower_s = 3.0\n", encoding="utf-8")
    shutil.copy(ROOT / "docs" / "examples" / "hips.formcheck", tmp_path / "PROGRAMME.formcheck")
    (tmp_path / "FILE").write_text('exercise = "bridge"\nsets = 2\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    return tmp_path


def lay_out(words: list[str], made: Path, here: Path) -> None:
    """What stands for SESSION and FOLDER, which mean another thing to each command."""
    if "SESSION" in words and words[0] != "sessions":
        shutil.copytree(made / ("live" if words[0] == "analyze" else "clip.formcheck"), here / "SESSION")
    if "FOLDER" in words:
        if words[0] == "export":
            shutil.copytree(made / "clip.formcheck", here / "FOLDER")
        else:
            (here / "FOLDER").mkdir()
            shutil.copy(made / "clip.mp4", here / "FOLDER")


def leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live session whose window hears Esc on its first page; its camera stays off, its voice silent."""
    window = FakeWindow([(Key("esc"),)] * 20, size=(320, 180))
    monkeypatch.setattr(live_start, "LiveWindow", lambda windowed: window)
    monkeypatch.setattr(live_start, "open_voice", lambda language, mute: open_voice(language, True))


def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A review page that is opened once and then stopped; what it answered."""
    answers: list[str] = []
    serve: Callable[..., None] = review_server.serve

    def ready(address: str, server: Any) -> None:
        def look() -> None:
            try:
                no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                answers.append(no_proxy.open(address, timeout=60).read().decode())
            finally:
                server.should_exit = True

        threading.Thread(target=look, daemon=True).start()

    monkeypatch.setattr(review_server, "serve", lambda folder, **_: serve(folder, ready=ready))
    return answers


@pytest.mark.parametrize("line", [line for line in TO_RUN if line.startswith("formcheck ")])
def test_a_command_of_formcheck_runs_as_written(
    line: str, made: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(re.sub(r"\[[^]]*\]", "", line))[1:]
    if " ".join(words) in NAMES:
        words.append("--help")
    lay_out(words, made, here)
    if words[0] in ("live", "play"):
        leaves_at_once(monkeypatch)
    answers = looked_at(monkeypatch) if words[0] == "review" else ["<!doctype html>"]
    said = formcheck(capsys, *words)
    # `doctor` says with its status what this computer lacks.
    assert said.status in ((0, 1, 2) if words[0] == "doctor" else (0,)), said.err
    assert "Traceback" not in said.err
    assert answers[0].lower().startswith("<!doctype html>")
    if words[0] not in ("live", "review"):
        assert said.out.strip() or said.err.strip()


@lru_cache
def help_of(script: str) -> str:
    done = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, cwd=ROOT, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("line", [line for line in TO_RUN if re.match(r"python \S+\.py", line)])
def test_a_script_knows_its_options(line: str) -> None:
    """Measurements take minutes and are made by hand; the script starts, and has what the line asks for."""
    script, *words = shlex.split(line)[1:]
    said = help_of(script)
    for option in [word for word in words if word.startswith("--")]:
        assert option in said, option


@pytest.mark.parametrize("line", [line for line in TO_RUN if re.match(r"(python -m )?pytest", line)])
def test_a_line_of_pytest_names_what_is_there(line: str) -> None:
    for path in re.findall(r"tests/\S+", line):
        assert (ROOT / path).exists(), path


def test_nothing_is_left_over() -> None:
    known = r"formcheck |python \S+\.py|(python -m )?pytest"
    assert [line for line in TO_RUN if not re.match(known, line)] == []


def test_what_ci_runs_is_there() -> None:
    paths = re.findall(r"(?<![\w/])(?:tests|requirements)/[\w/.]+\w", CI)
    assert len(paths) > 8
    assert [path for path in paths if not (ROOT / path).exists()] == []
