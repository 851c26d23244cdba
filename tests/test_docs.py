"""The guides are true to the program: links, pictures, commands, and the functions and tests they name."""

from __future__ import annotations

import ast
import io
import os
import re
import sys
from contextlib import redirect_stdout
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

import pytest

from formcheck.cli.main import app, main

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDES = [ROOT / "docs" / "guide_patients.md", ROOT / "docs" / "guide_physios.md"]


def links(text: str) -> list[str]:
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]


def anchor(heading: str) -> str:
    """As GitHub makes it from a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@lru_cache
def anchors(file: Path) -> set[str]:
    return {anchor(h) for h in re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.M)}


@pytest.mark.parametrize("doc", DOCS, ids=lambda d: d.name)
def test_every_link_leads_somewhere(doc: Path) -> None:
    for target in links(doc.read_text(encoding="utf-8")):
        path, _, part = target.partition("#")
        file = doc if not path else doc.parent / path
        assert file.exists(), target
        assert not part or part in anchors(file.resolve()), target


def test_every_picture_is_small_used_and_described() -> None:
    used = set()
    for doc in DOCS:
        for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", doc.read_text(encoding="utf-8")):
            assert len(words) > 10, target  # for those who cannot see it
            used.add((doc.parent / target).resolve())
    there = {file.resolve() for file in (ROOT / "docs" / "pictures").iterdir()}
    assert there == {file for file in used if file.parent.name == "pictures"}
    for file in there:
        assert file.stat().st_size < 150_000, file


def definitions(file: Path) -> set[str]:
    """Functions, methods and names defined in a module: ``judge_rep``, ``Flow``, ``Flow.frame``."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{n.name}" for n in node.body if isinstance(n, ast.FunctionDef)}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {t.id for t in targets if isinstance(t, ast.Name)}
    return found


@pytest.mark.parametrize("doc", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_function_and_test_named_is_there(doc: str) -> None:
    text = (ROOT / doc).read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py):{1,2}([\w.]+)`", text)
    assert len(named) >= 4
    for file, name in named:
        path = ROOT / file if file.startswith("tests/") else ROOT / "formcheck" / file
        assert path.is_file(), file
        assert name in definitions(path), f"{file}:{name}"


@pytest.mark.parametrize("doc", DOCS, ids=lambda d: d.name)
def test_every_file_named_is_there(doc: Path) -> None:
    for file in re.findall(r"(?<![\w/.-])([\w]+/[\w/]+\.(?:py|toml|js))\b", doc.read_text(encoding="utf-8")):
        places = (ROOT / file, ROOT / "formcheck" / file)
        assert any(place.is_file() for place in places), file


@lru_cache
def options_of(command: str) -> str:
    """What a command's help says."""
    said, words = io.StringIO(), ["formcheck", *command.split(), "--help"]
    as_typed = patch.object(sys, "argv", words)
    with redirect_stdout(said), patch.dict(os.environ, COLUMNS="200"), as_typed, pytest.raises(SystemExit):
        main()
    return said.getvalue()


@pytest.mark.parametrize("doc", [*GUIDES, ROOT / "README.md"], ids=lambda d: d.name)
def test_every_command_and_option_named_is_there(doc: Path) -> None:
    text = re.sub(r"\s+", " ", doc.read_text(encoding="utf-8"))
    commands = re.findall(r"`formcheck ([a-z]+)([^`]*)`", text)
    assert len(commands) >= 5
    for command, rest in commands:
        assert f"Usage: formcheck {command}" in options_of(command), command
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in options_of(command), f"{command} {option}"


def test_every_command_has_an_example_and_no_switch_looks_as_if_it_took_a_word() -> None:
    for name in (c.name or c.callback.__name__ for c in app.registered_commands if c.callback is not None):
        said = options_of(name)
        assert f"Example:  formcheck {name}" in said, name
        switches = [line for line in said.splitlines() if "<bool>" in line and "--help" not in line]
        assert switches == [], name


@pytest.mark.parametrize("doc", GUIDES, ids=lambda d: d.name)
def test_the_guides_say_what_formcheck_is_not(doc: Path) -> None:
    said = " ".join(doc.read_text(encoding="utf-8").replace(">", " ").split())
    assert (
        "It does not diagnose, treat or monitor any condition and must not be used to decide treatment."
        in said
    )
    assert "In an emergency call your local emergency number." in said


def test_installing_is_told_for_each_system_with_what_was_never_tried() -> None:
    text = GUIDES[0].read_text(encoding="utf-8")
    for system in ("**Windows**", "**Mac**", "**Linux**"):
        assert system in text
    assert "On Windows and on a Mac formcheck has not been tried yet." in text


def test_keys_of_a_session_are_explained() -> None:
    text = GUIDES[0].read_text(encoding="utf-8")
    for key in ("**Space**", "**P**", "**Esc**", "**H**"):
        assert key in text


def test_what_can_be_relied_on_is_said_for_every_exercise_and_view() -> None:
    from formcheck.exercises.definition import EXERCISES, load_definition

    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    table = text.split("<!-- reliance -->")[1].split("<!-- end -->")[0]
    rows = re.findall(r"^\| \*\*(.+?)\*\*, (.+?) \|", table, flags=re.M)
    said = [row for row in rows if row[1] != "view not recognised"]
    known = [load_definition(name) for name in EXERCISES]
    assert said == [
        (d.title, view.title.removeprefix("from "))
        for d in known
        if not d.based_on
        for view in d.views.values()
    ]
