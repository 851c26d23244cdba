"""Looks up known weaknesses of the locked packages; fails when it has looked up nothing.

    python tests/tools/audit.py

Runs ``pip-audit`` (``pip install pip-audit``) on ``requirements/ci.txt``, which asks a service on the
internet. Alone it says "No known vulnerabilities found" and ends well even when it has looked at no
package, for example because it skipped all of them. Here that is a failure: every package that the lock
has for this Python and system must have been looked up. Those for other ones are counted; run it there to
look them up.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[2] / "requirements" / "ci.txt"


def locked(text: str) -> tuple[set[str], set[str]]:
    """Packages in a lock, as ``name==version``: those for this Python and system, and all others."""
    from packaging.markers import Marker

    here, elsewhere = set(), set()
    for name, marker in re.findall(r"^([a-z0-9.-]+==[^\s;\\]+)(?: *; *([^\\\n]*[^\\\s]))?", text, re.M):
        (here if not marker or Marker(marker).evaluate() else elsewhere).add(name)
    return here, elsewhere - here


def verdict(lock: set[str], report: str) -> list[str]:
    """What is wrong, one line each; none when all of the lock was looked up and nothing was found.

    Args:
        lock: what is to be looked up, as from `locked`.
        report: what ``pip-audit --format json`` printed.
    """
    try:
        found: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return ["Nothing was audited: pip-audit gave no report."]
    looked_up = [one for one in found if "vulns" in one and "skip_reason" not in one]
    if not lock or not looked_up:
        return ["Nothing was audited: no package was looked up."]
    missed = lock - {f"{_plain(one['name'])}=={one['version']}" for one in looked_up}
    lines = [f"Not audited: {name}" for name in sorted(missed)]
    for one in looked_up:
        for weakness in one["vulns"]:
            better = ", ".join(weakness.get("fix_versions", [])) or "no version yet"
            lines.append(f"{one['name']} {one['version']}: {weakness['id']}, mended in {better}")
    return lines


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Audit the lock."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--format", "json"]
    done = subprocess.run([*command, "-r", str(LOCK)], capture_output=True, text=True)
    lock, others = locked(LOCK.read_text(encoding="utf-8"))
    lines = verdict(lock, done.stdout)
    if lines and not done.stdout.strip():
        lines += done.stderr.strip().splitlines()[-1:]
    if done.returncode != 0 and not lines:
        lines = [f"pip-audit ended with {done.returncode}."]
    for line in lines:
        print(line, file=sys.stderr)
    if not lines:
        print(f"{len(lock)} packages looked up, no known weakness; {len(others)} for other systems not.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
