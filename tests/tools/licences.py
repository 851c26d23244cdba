"""Writes docs/licences.md: what formcheck needs and under which licence, from the packages installed here.

    python tests/tools/licences.py          writes the list
    python tests/tools/licences.py --check  only says whether a required package has none, or the GPL's

The metadata of a package speaks of its own code. What wheels carry besides is looked up where a program can
(FFmpeg says itself how it was built), and written by hand where it cannot.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

OUT = Path(__file__).parents[2] / "docs" / "licences.md"
#: Where the metadata says less than the package's licence file.
KNOWN = {"flatbuffers": "Apache-2.0"}
_COPYLEFT = re.compile(r"(?<![A-Z])A?GPL|GNU (Affero )?General Public", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9._-]+")

HEAD = """# Licences

formcheck itself is Apache-2.0, as are the pose weights it carries (models/NOTICE). Made by
`tests/tools/licences.py` from the packages installed on one computer; the versions are theirs.

## What the wheels carry besides

- **PyAV** calls itself BSD-3-Clause. Its wheels carry FFmpeg, which says of itself: {ffmpeg}
  (built with x264 and x265, without its GPL switch). They also carry x264 and x265 as libraries of their own,
  whose open licence is GPL-2.0-or-later, and formcheck encodes its videos with that x264. None of it is in
  formcheck's own wheel: pip fetches PyAV from its makers. Whoever hands on formcheck *together with* those
  libraries (an installer, a container image, a laptop) hands on GPL software, and has to see to its terms.
- **opencv-python** wheels carry FFmpeg under LGPL-2.1 and, on Linux, Qt under LGPL-3.0, as they say.
- **onnxruntime** is MIT; what is built into it is listed in its ThirdPartyNotices.txt.
- **pyttsx3** calls *espeak-ng* (GPL-3.0) on Linux where that is installed; formcheck does not ship it.
- OpenSim is neither shipped nor needed: `export --to trc` and `mot` only write files that it reads.

"""


def own_name(name: str) -> str:
    """A package's name as everybody spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(name: str) -> str:
    """What a package says of itself, in short; "unknown" if nothing."""
    meta = metadata.metadata(name)
    said = meta.get("License-Expression") or ""
    if not said:
        classes = [c.split(" :: ")[-1] for c in meta.get_all("Classifier", []) if c.startswith("License ::")]
        said = ", ".join(c for c in classes if c != "OSI Approved")
    if not said:
        lines = (meta.get("License") or "").strip().splitlines()
        said = lines[0][:60] if lines else ""
    return said or KNOWN.get(own_name(name), "unknown")


def needs(name: str, extras: frozenset[str] = frozenset()) -> list[str]:
    """Installed packages that a package asks for on this computer."""
    from packaging.requirements import Requirement

    out = []
    for text in metadata.requires(name) or []:
        asked = Requirement(text)
        wanted = [asked.marker is None or asked.marker.evaluate({"extra": e}) for e in extras | {""}]
        if any(wanted):
            out.append(asked.name)
    return out


def closure(first: list[str]) -> list[str]:
    """These packages and all they need, as far as they are installed."""
    found: dict[str, None] = {}
    left = list(first)
    while left:
        name = own_name(left.pop())
        if name in found:
            continue
        try:
            metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = None
        left += needs(name)
    return sorted(found)


def ffmpeg() -> str:
    """How FFmpeg in the installed PyAV was built."""
    from av._core import library_meta

    said = {str(info["license"]) for info in library_meta.values()}
    return ", ".join(sorted(said))


def declared() -> tuple[list[str], list[str]]:
    """Required packages, and those of the extras, from pyproject.toml."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    project = tomllib.loads((OUT.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]

    def names(lines: list[str]) -> list[str]:
        return [m[0] for line in lines if (m := _NAME.match(line)) and m[0] != "formcheck"]

    return names(project["dependencies"]), names(extras)


def main() -> int:
    """Write or check."""
    required, optional = declared()
    needed = closure(required)
    others = [name for name in closure(optional) if name not in needed]
    bad = [f"{n}: {licence(n)}" for n in needed if licence(n) == "unknown" or _COPYLEFT.search(licence(n))]
    for line in bad:
        print(f"A required package without a licence that fits: {line}", file=sys.stderr)
    if "--check" not in sys.argv:
        lines = [HEAD.format(ffmpeg=ffmpeg()).rstrip(), ""]
        for title, names in (
            ("Required", needed),
            ("Only with an extra (tests, types, other engine …)", others),
        ):
            lines += [f"## {title}", "", "| package | version | licence it states |", "|---|---|---|"]
            lines += [f"| {n} | {metadata.version(n)} | {licence(n)} |" for n in names]
            lines.append("")
        OUT.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
