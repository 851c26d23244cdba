"""The public API: a dozen names and a quick import. Its examples are tried in `test_clips.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import formcheck

ROOT = Path(__file__).parents[1]


def python(code: str) -> str:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return run.stdout.strip()


def test_every_public_name_is_there_and_documented() -> None:
    assert len(formcheck.__all__) <= 16
    for name in formcheck.__all__:
        assert getattr(formcheck, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = formcheck.nothing


@pytest.mark.parametrize(
    "first",
    [
        "from formcheck import write_outputs",
        "import formcheck.session.analyze",
        "from formcheck.session.analyze import analyze",
    ],
)
def test_analyze_is_the_function_whatever_was_imported_before(first: str) -> None:
    assert python(f"{first}\nimport formcheck\nprint(type(formcheck.analyze).__name__)") == "function"


def test_importing_is_quick_and_pulls_in_no_heavy_package() -> None:
    heavy = ("cv2", "av", "onnxruntime", "plotly")
    assert python(f"import sys, formcheck\nprint([m for m in {heavy} if m in sys.modules])") == "[]"


def test_the_version_is_the_packages() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{formcheck.__version__}"\n' in text
