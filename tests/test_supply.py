"""What the project is built from: the lock of CI, and the licences of what is needed."""

from __future__ import annotations

import importlib.util
import json
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


def audit():
    spec = importlib.util.spec_from_file_location("audit", ROOT / "tests" / "tools" / "audit.py")
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


SOUND = {"name": "Jinja2", "version": "3.1.6", "vulns": []}
WEAK = {"name": "h11", "version": "0.14", "vulns": [{"id": "CVE-1", "fix_versions": ["0.16"]}]}
SKIPPED = {"name": "h11", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Nothing was audited"),
        ("No known vulnerabilities found", "Nothing was audited"),
        (report(), "Nothing was audited"),
        (report(SKIPPED), "Nothing was audited"),
        (report(SOUND, SKIPPED), "Not audited: h11==0.14"),
        (report(SOUND, WEAK), "h11 0.14: CVE-1, mended in 0.16"),
        (report(SOUND, {**WEAK, "vulns": []}), None),
    ],
)
def test_an_audit_of_nothing_fails(text, says):
    lines = audit().verdict({"jinja2==3.1.6", "h11==0.14"}, text)
    assert [says in line for line in lines] == ([] if says is None else [True])


def test_the_audit_is_asked_for_every_package_of_the_lock():
    here, elsewhere = audit().locked(LOCK)
    assert here | elsewhere == set(re.findall(r"^[a-z0-9.-]+==[^\s;\\\\]+", LOCK, re.M))
    assert len(here) > 30


def test_an_audit_without_pip_audit_fails(tmp_path):
    (tmp_path / "pip_audit.py").write_text("print('No known vulnerabilities found')", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/tools/audit.py")],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )
    assert done.returncode == 1
    assert "Nothing was audited" in done.stderr
