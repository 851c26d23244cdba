"""The README's commands, links and claims are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def command_blocks() -> list[str]:
    return re.findall(r"```bash\n(.*?)```", README, flags=re.S)


def test_two_commands_of_one_line_each() -> None:
    blocks = command_blocks()
    assert len(blocks) == 2
    for block in blocks:
        assert block.count("\n") == 1
        assert block.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert "formcheck analyze videos/" in blocks[0]
    assert "-m pytest" in blocks[1]


def test_ci_takes_both_commands_from_here() -> None:
    patterns = re.findall(r"grep -E '([^']+)' \"\$root/README.md\"", (ROOT / ".ci" / "run").read_text())
    assert len(patterns) == 2
    for pattern, block in zip(patterns, command_blocks(), strict=True):
        assert re.findall(pattern + ".*", README, flags=re.M) == [block.strip()]


def test_the_demo_clip_and_every_link_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
    for clip in re.findall(r"videos/\w+\.mp4", README):
        assert (ROOT / clip).is_file()


def test_it_says_what_it_is_not() -> None:
    said = " ".join(README.replace(">", " ").split())
    assert (
        "formcheck is practice and review software. It estimates movement from a camera, can be wrong, and "
        "is not a medical device. It does not diagnose, treat or monitor any condition and must not be "
        "used to decide treatment. Follow your clinician's advice. In an emergency call your local emergency "
        "number."
    ) in said


def test_the_pin_is_the_one_explained() -> None:
    assert 'mediapipe = ["mediapipe==0.10.31"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "mediapipe==0.10.31" in README


def test_pictures_are_small() -> None:
    for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README):
        assert (ROOT / picture).stat().st_size < 200_000


@pytest.mark.parametrize(
    "name", ["summary.json", "frames.csv", "annotated.mp4", "report.html", "session.sqlite"]
)
def test_every_output_is_explained(name: str) -> None:
    assert f"`{name}`" in README
