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
  (built with x264 and x265, without its GPL switch), and the libraries of the table below. formcheck
  encodes its videos with the x264 in there.
- **opencv-python** wheels carry FFmpeg under LGPL-2.1 and, on Linux, Qt under LGPL-3.0, as they say
  (LICENSE-3RD-PARTY.txt in them){openssl}.
- **onnxruntime** is MIT; what is built into it is listed in its ThirdPartyNotices.txt.
- **pyttsx3** calls *espeak-ng* (GPL-3.0) on Linux where that is installed; formcheck does not ship it.
- OpenSim is neither shipped nor needed: `export --to trc` and `mot` only write files that it reads.

### In PyAV's wheel

Found in the wheel installed there, with the licences that their makers publish (entered by hand; PyAV's
wheel holds no licence texts but its own). Other wheels (Windows, macOS) may hold others.

{carried}
## Handing formcheck on

- **The wheel or the source of formcheck**: Apache-2.0. LICENSE and models/NOTICE go along; they are in
  both. pip fetches all the rest from its makers, and nobody but them hands it on.
- **An installer, a container image or a computer with everything on it** hands on x264 and x265, which are
  under GPL-2.0-or-later, with an FFmpeg that calls them. Then
  - the whole program goes under the GPL's terms. As the parts under Apache-2.0 (formcheck, others above) do
    not go with version 2, and FFmpeg is under the LGPL's version 3, that is **GPL version 3**;
  - the complete source of those libraries at just these versions, with what builds them, goes along, or a
    written offer of it; the licence texts too, and no further restriction on whoever gets it;
  - H.264 and H.265 are patented in places: a matter of its own, which no licence here settles.
- **To hand it on without the GPL**: build PyAV on an FFmpeg without x264 and x265. formcheck then reads all
  it read before. It writes H.264 only where that FFmpeg has another encoder, and this is not tried: see
  `formcheck/video/writer.py`.
- **LGPL** (FFmpeg, Qt, GnuTLS and others): licence texts and source of these libraries go along, and it
  must stay possible to exchange them. As wheels carry them they are files of their own, which is enough for
  that; a program frozen into one file may not be.
- **What `packaging/build.py` makes** ([install.md](install.md)) is such an installer. Its folder
  `licences/` holds the texts: of every package, of the GPL and both LGPLs, of Python, of PyInstaller (whose
  small starter is in it, under the GPL with an exception that allows that), and on Debian and Ubuntu of the
  system's libraries that were taken along (C++, OpenSSL, GLib, X11 …). What it does not hold is the source
  that the GPL asks for: whoever hands the file on puts it beside it, for x264, x265 and FFmpeg at the
  versions of the table above, or offers it in writing.

This is a list made by programmers, not legal advice.

"""

#: Libraries in PyAV's wheels, by the beginning of the file's name: licence.
CARRIED = {
    "libSvtAv1Enc": "BSD-3-Clause-Clear",
    "libXau": "MIT",
    "libasound": "LGPL-2.1-or-later",
    "libav": "as FFmpeg says, above",
    "libsw": "as FFmpeg says, above",
    "libdav1d": "BSD-2-Clause",
    "libdrm": "MIT",
    "libgmp": "LGPL-3.0-or-later or GPL-2.0-or-later",
    "libgnutls": "LGPL-2.1-or-later",
    "libhogweed": "LGPL-3.0-or-later or GPL-2.0-or-later",
    "libmp3lame": "LGPL-2.0-or-later",
    "libnettle": "LGPL-3.0-or-later or GPL-2.0-or-later",
    "libopencore": "Apache-2.0",
    "libopus": "BSD-3-Clause",
    "libsharpyuv": "BSD-3-Clause",
    "libunistring": "LGPL-3.0-or-later or GPL-2.0-or-later",
    "libvpl": "MIT",
    "libvpx": "BSD-3-Clause",
    "libwebp": "BSD-3-Clause",
    "libx264": "**GPL-2.0-or-later**",
    "libx265": "**GPL-2.0-or-later**",
    "libxcb": "MIT",
}


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


def carried(package: str) -> list[str]:
    """Libraries that the installed wheel of a package carries beside its own code, without check sums."""
    files = [file.name for file in metadata.files(package) or [] if ".libs" in str(file.parent)]
    return sorted({re.sub(r"-[0-9a-f]{8}(?=\.)", "", name) for name in files}, key=str.lower)


def carried_table() -> str:
    """What PyAV's wheel carries, as a table."""
    lines = ["| library | licence |", "|---|---|"]
    for name in carried("av"):
        licences = [text for start, text in CARRIED.items() if name.startswith(start)]
        lines.append(f"| {name} | {licences[0] if licences else 'unknown: look it up'} |")
    return "\n".join(lines) + "\n"


def openssl() -> str:
    """Which OpenSSL is in the wheel of opencv-python."""
    found = [name.partition(".so.")[2] for name in carried("opencv-python") if name.startswith("libssl")]
    return (
        f", and OpenSSL {found[0]}, which formcheck gives nothing to do: it opens no connection"
        if found
        else ""
    )


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
        head = HEAD.format(ffmpeg=ffmpeg(), carried=carried_table(), openssl=openssl())
        lines = [head.rstrip(), ""]
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
