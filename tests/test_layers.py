"""The shape of the program: the numeric core stays pure, modules stay small, time comes from frames."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import formcheck

PACKAGE = Path(formcheck.__file__).parent
HEAVY = ("scipy", "cv2", "mediapipe", "onnxruntime", "av", "plotly", "rich", "typer", "jinja2", "sqlite3")


def modules_of(*folders: str) -> list[str]:
    """Names of all modules in these parts of the package that exist."""
    found = []
    for folder in folders:
        path = PACKAGE / folder
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        for file in files:
            if file.exists():
                name = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
                found.append(name.removesuffix(".__init__"))
    return found


#: What the coach decides, apart from how it is shown and spoken.
COACH = ("policy", "history", "mouth", "message", "setup", "start_position")
CORE = modules_of("measures", "exercises", *(f"coach/{name}" for name in COACH))
#: Landmarks, persons, tracks and filters are numbers too.
POSE_NUMBERS = modules_of("pose/landmarks", "pose/person", "pose/smoothing", "pose/track")


def imported_by(modules: list[str], forbidden: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Import modules in a fresh interpreter in which the forbidden ones do not exist."""
    code = f"""
import importlib, sys
forbidden = {forbidden!r}

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in forbidden:
            raise ImportError(f"the core asked for {{name}}")

sys.meta_path.insert(0, Refuse())
for name in {modules!r}:
    importlib.import_module(name)
loaded = sorted(set(m.split(".")[0] for m in sys.modules) & set(forbidden))
print(",".join(loaded))
"""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, timeout=120
    )


def test_the_core_is_there_to_be_tested():
    assert "formcheck.measures.bridge" in CORE
    assert "formcheck.engine.tracker" in CORE
    assert {f"formcheck.coach.{name}" for name in COACH} <= set(CORE)
    assert len(CORE) >= 12


def test_the_numeric_core_imports_nothing_that_sees_shows_stores_or_sends():
    # pydantic is allowed.
    done = imported_by(CORE + POSE_NUMBERS, HEAVY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_the_check_itself_notices():
    done = imported_by(["formcheck.pose.region"], ("cv2",))
    assert done.returncode != 0
    assert "cv2" in done.stderr


def test_importing_formcheck_is_light():
    done = imported_by(["formcheck"], (*HEAVY, "numpy", "pydantic"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_no_module_is_too_long(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 560


def calls(file: Path) -> set[str]:
    """Dotted names of everything a module calls."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


@pytest.mark.parametrize("folder", ["measures", "exercises", "pose", "coach"])
def test_the_engine_reads_no_clock(folder):
    """Timestamps are the frames' own: a replay must not depend on when it is played."""
    allowed = {"pose": {"time.monotonic", "time.perf_counter"}}.get(folder, set())
    if folder == "coach":
        files = [PACKAGE / folder / f"{name}.py" for name in COACH]
    else:
        files = sorted((PACKAGE / folder).rglob("*.py"))
    for file in files:
        clocks = {
            c
            for c in calls(file)
            if c.startswith("time.")
            or c.endswith((".now", ".utcnow", ".today"))
            or c in ("monotonic", "perf_counter")
        }
        assert clocks <= allowed, file


def test_no_wall_clock_measures_a_duration_anywhere():
    for file in sorted(PACKAGE.rglob("*.py")):
        assert "time.time" not in calls(file), file


@pytest.mark.parametrize("folder", ["measures", "exercises", "coach"])
def test_the_core_is_deterministic(folder):
    for file in sorted((PACKAGE / folder).rglob("*.py")):
        assert not any("random" in c or "default_rng" in c for c in calls(file)), file
