"""What the project is built from: the lock of CI, and the licences of what is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements" / "ci.txt").read_text(encoding="utf-8")


def test_the_lock_names_no_host_and_every_package_has_hashes():
    assert not re.search(r"://|--index-url|--extra-index-url|--find-links|--trusted-host|\bfile:", LOCK)
    entries = re.split(r"\n(?=[a-z0-9])", LOCK)
    assert len(entries) > 30
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+==\S+", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]


def test_every_declared_package_is_in_the_lock():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = re.findall(r'^    "([a-z0-9-]+)[><=]', text, re.M)
    assert {"av", "onnxruntime", "uvicorn"} <= set(declared)
    for name in declared:
        assert re.search(rf"^{name}==", LOCK, re.M), name


def test_no_required_package_is_without_a_licence_that_fits():
    pytest.importorskip("packaging")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/tools/licences.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
