"""The packed program: built, started from its menu entry on a virtual screen, and complete (slow).

Packing takes minutes and a package registry. `FORMCHECK_BUNDLE=DIST` is what `packaging/build.py DIST` made.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
from virtual_screen import virtual_screen
from waiting import until

ROOT = Path(__file__).parents[2]
GIVEN = os.environ.get("FORMCHECK_BUNDLE")
TYPE = "application/x-formcheck-programme"
PROGRAMME = ROOT / "docs" / "examples" / "hips.formcheck"
PATIENCE_S = 300.0
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
#: Refuses its sandbox to root, as whom tests may run.
BROWSER = '#!/bin/sh\nexec "{chromium}" --no-sandbox --disable-gpu "$@"\n'

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a workflow"),
    pytest.mark.skipif(
        not GIVEN and importlib.util.find_spec("PyInstaller") is None,
        reason="needs PyInstaller (formcheck[package]), or FORMCHECK_BUNDLE",
    ),
]
needs_screen = pytest.mark.skipif(
    not (CHROMIUM and all(map(shutil.which, ("Xvfb", "xdotool", "openbox")))),
    reason="needs Chromium, Xvfb, xdotool and openbox",
)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if GIVEN:
        return Path(GIVEN).resolve()
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, str(ROOT / "packaging" / "build.py"), str(out)], check=True)
    return out


@pytest.fixture
def account(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has nothing but a home."""
    (tmp_path / "home").mkdir()
    return {
        "HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
        "XDG_DATA_HOME": str(tmp_path / "home" / "share"), "FORMCHECK_DATA": str(tmp_path / "data"),
    }  # fmt: skip


def said(account: dict[str, str], *command: object, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env=account,
        cwd=cwd or account["HOME"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_clip_is_analysed_with_everything_that_comes_with_it(
    dist: Path, account: dict[str, str], tmp_path: Path
) -> None:
    clip = shutil.copy(ROOT / "videos" / "bridge_side.mp4", tmp_path)
    formcheck = dist / "formcheck" / "formcheck"
    summary = json.loads(said(account, formcheck, "analyze", clip, "-e", "bridge", "--json"))
    assert [rep["class"] for rep in summary["reps"]] == ["full"] * 4
    made = tmp_path / "bridge_side.formcheck"
    assert (made / "annotated.mp4").stat().st_size > 10_000
    assert "Plotly.newPlot" in (made / "report.html").read_text(encoding="utf-8")
    out = tmp_path / "report.pdf"
    said(account, formcheck, "export", made, "--to", "pdf", "--out", out)
    assert out.read_bytes().startswith(b"%PDF")


def test_parts_that_formcheck_starts_of_itself_are_found(dist: Path, account: dict[str, str]) -> None:
    formcheck = dist / "formcheck" / "formcheck"
    code = "import sys, cryptography, segno, pyttsx3; print(sys.argv[1:])"
    assert said(account, formcheck, "-c", code, "a", "b").strip() == "['a', 'b']"
    assert said(account, formcheck, "-m", "formcheck", "--version").startswith("formcheck ")
    code = "import os; print('LD_LIBRARY_PATH' in os.environ)"
    assert said(account, formcheck, "-c", code).strip() == "False"  # a browser has libraries of its own


def test_the_licence_texts_are_in_it(dist: Path) -> None:
    texts = dist / "formcheck" / "licences"
    for name in ("GPL-3.0.txt", "LGPL-3.0.txt", "LGPL-2.1.txt", "README.txt", "licences.md"):
        assert (texts / name).stat().st_size > 500, name
    folders = [folder.name for folder in texts.iterdir() if folder.is_dir()]
    packages = {name.rpartition("-")[0].lower().replace("_", "-") for name in folders}
    assert {
        "formcheck",
        "av",
        "opencv-python",
        "onnxruntime",
        "numpy",
        "plotly",
        "reportlab",
        "pyttsx3",
    } <= packages
    own = next(texts.glob("formcheck-*"))
    assert any("NOTICE" in file.name for file in own.iterdir())


@pytest.fixture
def screen(account: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The account at a virtual screen, with a browser that starts for root too."""
    scratch = tempfile.mkdtemp(prefix="fc-")  # a browser's sockets want short paths
    browser = tmp_path / "bin" / "chromium"
    browser.parent.mkdir()
    browser.write_text(BROWSER.format(chromium=CHROMIUM), encoding="utf-8")
    browser.chmod(0o755)
    with virtual_screen() as display:
        env = {
            **account,
            "DISPLAY": display,
            "PATH": f"{browser.parent}:{account['PATH']}",
            "TMPDIR": scratch,
        }
        manager = subprocess.Popen(["openbox"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        yield env
        manager.terminate()
        manager.wait()
    shutil.rmtree(scratch, ignore_errors=True)


def windows(screen: dict[str, str], title: str) -> list[str]:
    command = ["xdotool", "search", "--onlyvisible", "--name", f"^{title}$"]
    return subprocess.run(command, env=screen, capture_output=True, text=True).stdout.split()


@needs_screen
@pytest.mark.skipif(shutil.which("xdg-mime") is None, reason="needs xdg-mime (xdg-utils)")
def test_a_programme_s_file_belongs_to_the_menu_entry_which_opens_it(
    dist: Path, screen: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "my programs"  # with a space
    folder.symlink_to(dist)
    said(screen, folder / "formcheck" / "install.sh")
    file = shutil.copy(PROGRAMME, tmp_path / "my hips.formcheck")
    assert said(screen, "xdg-mime", "query", "filetype", file).strip() == TYPE
    assert said(screen, "xdg-mime", "query", "default", TYPE).strip() == "formcheck.desktop"
    share = Path(screen["XDG_DATA_HOME"])
    entry = ConfigParser(interpolation=None)
    entry.read(share / "applications" / "formcheck.desktop", encoding="utf-8")
    icon = entry["Desktop Entry"]["Icon"]
    assert list((share / "icons").rglob(f"48x48/apps/{icon}.png"))
    command = [str(file) if part == "%f" else part for part in shlex.split(entry["Desktop Entry"]["Exec"])]
    child = subprocess.Popen(command, env=screen, cwd=screen["HOME"])
    try:
        until(lambda: windows(screen, "Today .* formcheck"), PATIENCE_S, every_s=0.2)
        assert list((tmp_path / "data" / "programmes").glob("*/programme.formcheck"))
        (shown,) = windows(screen, "Today .* formcheck")
        said(screen, "xdotool", "windowactivate", "--sync", shown, "key", "alt+F4")
        assert child.wait(PATIENCE_S) == 0
    finally:
        child.kill()
    said(screen, folder / "formcheck" / "install.sh", "--remove")
    assert not list(share.rglob("formcheck.*"))


@needs_screen
@pytest.mark.skipif(
    not all(map(shutil.which, ("xdg-mime", "gtk-launch", "gio"))), reason="needs a desktop's own starters"
)
@pytest.mark.parametrize("by", ["icon", "double-click"])
def test_a_desktop_starts_it_by_its_icon_and_by_a_programme_s_file(
    dist: Path, screen: dict[str, str], tmp_path: Path, by: str
) -> None:
    said(screen, dist / "formcheck" / "install.sh")
    file = shutil.copy(PROGRAMME, tmp_path / "my hips.formcheck")
    starts = ["gtk-launch", "formcheck"] if by == "icon" else ["gio", "open", str(file)]
    quiet = subprocess.DEVNULL  # what they start goes on, and would keep a pipe open
    subprocess.run(starts, env=screen, cwd=screen["HOME"], stdout=quiet, stderr=quiet, check=True)
    until(lambda: windows(screen, "Today .* formcheck"), PATIENCE_S, every_s=0.2)
    taken_in = list((tmp_path / "data" / "programmes").glob("*/programme.formcheck"))
    assert len(taken_in) == (by == "double-click")
    (shown,) = windows(screen, "Today .* formcheck")
    said(screen, "xdotool", "windowactivate", "--sync", shown, "key", "alt+F4")
    # Nobody waits for what a desktop starts: it is over when its browser's folder is gone.
    until(lambda: not list(Path(screen["TMPDIR"]).glob("formcheck-app-*")), PATIENCE_S, every_s=0.2)


@needs_screen
def test_the_exercise_window_opens(dist: Path, screen: dict[str, str], tmp_path: Path) -> None:
    clip = ROOT / "videos" / "bridge_side.mp4"
    command = [dist / "formcheck" / "formcheck", "play", PROGRAMME, "--source", clip, "--mute"]
    child = subprocess.Popen([str(part) for part in command], env=screen, cwd=screen["HOME"])
    try:
        until(lambda: windows(screen, "formcheck"), PATIENCE_S, every_s=0.2)
        until(lambda: pressed(screen, "Escape") and child.poll() is not None, PATIENCE_S, every_s=1.0)
        assert child.returncode == 0
    finally:
        child.kill()


def pressed(screen: dict[str, str], key: str) -> bool:
    return subprocess.run(["xdotool", "key", key], env=screen).returncode == 0


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
def test_the_debian_package_puts_everything_in_its_place(dist: Path, tmp_path: Path) -> None:
    (package,) = dist.glob("formcheck_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(package), str(tmp_path)], check=True)
    assert os.readlink(tmp_path / "usr/bin/formcheck-app") == "/opt/formcheck/formcheck-app"
    assert os.access(tmp_path / "opt/formcheck/formcheck-app", os.X_OK)
    share = tmp_path / "usr" / "share"
    assert (share / "applications" / "formcheck.desktop").is_file()
    assert f'type="{TYPE}"' in (share / "mime" / "packages" / "formcheck.xml").read_text(encoding="utf-8")
    assert (share / "doc" / "formcheck" / "copyright").is_file()
    needs = subprocess.run(["dpkg-deb", "-f", str(package), "Depends"], capture_output=True, text=True).stdout
    assert "libgl1" in needs
