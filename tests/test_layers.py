"""The shape of the program: rooms in one order, a pure core, one name for one thing, time from frames."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

import formcheck

PACKAGE = Path(formcheck.__file__).parent
#: The rooms from the bottom to the top. A room knows itself and those before it, and nothing else.
ROOMS = (
    "version", "errors", "files", "folder_handle", "exercises", "words", "video", "pose", "phone", "measures",
    "engine", "drawing", "analysis", "session", "report", "review", "coach", "batch", "app", "cli",
)  # fmt: skip
#: What sees, shows, stores or sends.
HEAVY = ("scipy", "cv2", "mediapipe", "onnxruntime", "av", "plotly", "rich", "typer", "jinja2", "sqlite3")
STORES = (*HEAVY, "mmap", "tempfile", "socket", "shutil")
#: The same landmarks give the same numbers: these know numbers and definitions only.
CORE = (
    "exercises.definition",
    "phone",
    "measures",
    "engine",
    "coach.policy",
    "coach.history",
    "coach.message",
)


def modules() -> dict[str, Path]:
    """Every module by its dotted name without ``formcheck.``; the package itself is ``""``."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        found["" if name == "__init__" else name.removesuffix(".__init__")] = file
    return found


MODULES = modules()
#: Start points: the package hands out its public names, and ``python -m formcheck`` starts the commands.
DOORS = {"", "__main__"}


def imported(file: Path, known: Iterable[str], *, at_load: bool = False) -> set[str]:
    """Modules of the package that a file imports; with `at_load` only those it needs to be loaded itself."""
    known = set(known)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes: list[ast.AST] = list(ast.walk(tree))
    if at_load:
        nodes = list(tree.body)
    out = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [
                full if full.removeprefix("formcheck.") in known else node.module
                for full in (f"{node.module}.{alias.name}" for alias in node.names)
            ]
        else:
            continue
        out |= {
            n.removeprefix("formcheck").removeprefix(".") for n in names if n.split(".")[0] == "formcheck"
        }
    return out


def room(module: str) -> str:
    return module.split(".")[0]


def circle(edges: Mapping[str, set[str]]) -> list[str]:
    """A way that leads back to where it began; empty where there is none."""
    done: set[str] = set()

    def visit(at: str, way: list[str]) -> list[str]:
        if at in way:
            return [*way[way.index(at) :], at]
        if at in done:
            return []
        for to in sorted(edges.get(at, ())):
            found = visit(to, [*way, at])
            if found:
                return found
        done.add(at)
        return []

    for start in sorted(edges):
        found = visit(start, [])
        if found:
            return found
    return []


def test_every_room_stands_in_the_order_and_is_there():
    assert {room(name) for name in MODULES if name not in DOORS} == set(ROOMS)


@pytest.mark.parametrize("name", [n for n in ROOMS if (PACKAGE / n).is_dir()])
def test_every_room_says_what_lives_there(name):
    said = ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text(encoding="utf-8")))
    assert said
    assert said.splitlines()[0].rstrip().endswith(".")


@pytest.mark.parametrize("name", sorted(set(MODULES) - DOORS))
def test_no_import_runs_up(name):
    level = ROOMS.index(room(name))
    up = {
        other for other in imported(MODULES[name], MODULES) if other == "" or ROOMS.index(room(other)) > level
    }
    assert not up


def test_no_import_runs_in_a_circle():
    found = circle(
        {name: imported(file, MODULES) - {name} for name, file in MODULES.items() if name not in DOORS}
    )
    assert not found, " -> ".join(found)


def test_no_script_of_the_review_page_imports_in_a_circle():
    # Static imports and those on demand.
    link = re.compile(r'(?:^import .*? from |\bimport\()"\./(.+?)"', re.M | re.S)
    scripts = sorted((PACKAGE / "review" / "static").glob("*.js"))
    edges = {file.name: set(link.findall(file.read_text(encoding="utf-8"))) for file in scripts}
    assert edges["session.js"]
    assert set().union(*edges.values()) <= set(edges)
    found = circle(edges)
    assert not found, " -> ".join(found)


def test_the_check_for_circles_notices():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


# -- the numeric core ------------------------------------------------------------------------------------


def part(*beginnings: str) -> list[str]:
    """Names of all modules in these parts of the package."""
    return [
        f"formcheck.{name}"
        for name in MODULES
        if any(name == b or name.startswith(f"{b}.") for b in beginnings)
    ]


def loaded_without(names: list[str], forbidden: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Import modules in a fresh interpreter in which the forbidden ones cannot be imported by ours.

    What numpy or pydantic load for themselves is theirs.
    """
    code = f"""
import importlib, sys
import numpy, pydantic
forbidden = {forbidden!r}
for name in forbidden:
    sys.modules.pop(name, None)

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in forbidden:
            frame, asking = sys._getframe(1), ""
            while frame is not None and not asking:
                file = frame.f_code.co_filename
                asking = "" if "importlib" in file or file == "<string>" else file
                frame = frame.f_back
            if not asking or asking.startswith({str(PACKAGE) + os.sep!r}):
                raise ImportError(f"the core asked for {{name}}")

sys.meta_path.insert(0, Refuse())
for name in {names!r}:
    importlib.import_module(name)
"""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, timeout=120
    )


def test_the_core_is_there_to_be_tested():
    names = part(*CORE)
    assert {"formcheck.measures.bridge", "formcheck.engine.tracker", "formcheck.coach.policy"} <= set(names)
    assert len(names) >= 20


def test_the_numeric_core_imports_nothing_that_sees_shows_stores_or_sends():
    # pydantic is allowed.
    done = loaded_without(part(*CORE), STORES)
    assert done.returncode == 0, done.stderr


def test_landmarks_persons_tracks_and_filters_are_numbers_too():
    names = part("pose.landmarks", "pose.person", "pose.smoothing", "pose.track")
    assert len(names) == 4
    done = loaded_without(names, HEAVY)
    assert done.returncode == 0, done.stderr


def test_the_check_itself_notices():
    done = loaded_without(["formcheck.pose.region"], ("cv2",))
    assert done.returncode != 0
    assert "cv2" in done.stderr


def test_importing_formcheck_is_light():
    code = f"import formcheck, sys; print(*sorted(set(sys.modules) & {set((*HEAVY, 'numpy', 'pydantic'))!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


# -- names -----------------------------------------------------------------------------------------------

#: Names that several modules have on purpose, with the idea that they share.
SHARED_NAMES = {
    "main": "starts a program of its own: the commands, a schema, a converter, the speaking process",
    "analyze": "the command is a thin call of the function",
    "rescore": "the command is a thin call of the function",
    "draw": "every exercise's figure is drawn by the function of this name",
    # what every measures module offers; see measures/formulas.py
    **dict.fromkeys(
        ("quantities", "derived", "needs", "in_posture", "seen_from", "working_side", "back_x", "shank_sign"),
        "the formulas of one exercise, as measures/formulas.py asks for them",
    ),
}


def test_no_two_things_have_one_name():
    where = defaultdict(list)
    for name, file in MODULES.items():
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            public = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if public and not node.name.startswith("_"):
                where[node.name].append(name)
    twice = {name: places for name, places in where.items() if len(places) > 1}
    assert {name: places for name, places in twice.items() if name not in SHARED_NAMES} == {}
    assert set(SHARED_NAMES) <= set(twice), "no longer shared: take it off the list"


# -- time ------------------------------------------------------------------------------------------------


def calls(file: Path) -> set[str]:
    """Dotted names of everything a module calls."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


@pytest.mark.parametrize("name", part(*CORE, "pose"))
def test_the_engine_reads_no_clock(name):
    """Timestamps are the frames' own: a replay must not depend on when it is played."""
    allowed = {"time.monotonic", "time.perf_counter"} if name.startswith("formcheck.pose.") else set()
    clocks = {
        c
        for c in calls(MODULES[name.removeprefix("formcheck.")])
        if c.startswith("time.")
        or c.endswith((".now", ".utcnow", ".today"))
        or c in ("monotonic", "perf_counter")
    }
    assert clocks <= allowed


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_wall_clock_measures_a_duration_anywhere(name):
    assert "time.time" not in calls(MODULES[name])


#: A socket at the edge, whose certificate is another one each time.
SECRETS = part("coach.phone")


@pytest.mark.parametrize(
    "name", [n for n in part("phone", "measures", "engine", "exercises", "coach") if n not in SECRETS]
)
def test_the_core_is_deterministic(name):
    found = calls(MODULES[name.removeprefix("formcheck.")])
    assert not any("random" in c or "default_rng" in c for c in found)
