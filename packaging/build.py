"""Packs formcheck with everything it needs: a folder, and what installs it on this system.

    python packaging/build.py [OUT]

Linux: the folder with `install.sh`, and a `.deb`. Windows: the folder, and a setup program where Inno
Setup's `iscc` is on the path. macOS: the folder, and `formcheck.app` in a disk image. The packages are
installed anew, into an environment that is deleted afterwards: nothing else that is on this computer gets in.
How it went, and what has not been tried: docs/install.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
#: PNG sizes of the icon, in pixels.
SIZES = (16, 32, 48, 64, 128, 256, 512)
#: Run by the environment's Python, which has Pillow: pictures of the icon for each system.
DRAW_ICONS = """
import sys
from pathlib import Path
from PIL import Image
icon, out, *sizes = sys.argv[1:]
picture = Image.open(icon).convert("RGBA")
for size in map(int, sizes):
    picture.resize((size, size), Image.Resampling.LANCZOS).save(Path(out) / f"{size}.png")
picture.save(Path(out) / "formcheck.ico", sizes=[(s, s) for s in map(int, sizes) if s <= 256])
picture.save(Path(out) / "formcheck.icns")
"""
#: The same for the licence texts of all packages in the environment but those that only pack.
COPY_LICENCES = r"""
import re, shutil, sys
from importlib import metadata
from pathlib import Path
out, left_out = Path(sys.argv[1]), set(sys.argv[2:])
says = re.compile(r"(licen[cs]e|copying|notice|authors)", re.IGNORECASE)
for package in metadata.distributions():
    if package.name.lower() in left_out:
        continue
    to = out / f"{package.name}-{package.version}"
    to.mkdir(parents=True)
    (to / "METADATA.txt").write_text(package.read_text("METADATA") or "", encoding="utf-8")
    for file in package.files or ():
        text = Path(package.locate_file(file))
        if says.search(file.name) and file.suffix not in (".py", ".pyc", ".pyi") and text.is_file():
            shutil.copy(text, to / "_".join(file.parts[-2:]))
"""
#: Of PyInstaller the small starter of each program is in the folder.
_PACKERS = ("pip", "setuptools", "pyinstaller-hooks-contrib", "altgraph", "packaging")
#: What the program asks of a Debian or Ubuntu and does not carry, besides the C library. The last two let a
#: double-click on a programme open it.
_NEEDS = "libgl1, libxcb1, desktop-file-utils, shared-mime-info"
_LIKES = (
    "chromium | google-chrome-stable | microsoft-edge-stable | brave-browser, espeak-ng, "
    "pulseaudio-utils | pipewire-bin | alsa-utils"
)


def main() -> None:
    """Build all that this system can."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, default=ROOT / "dist", help="folder for the results")
    has_all = "one that has formcheck[phone,package] and nothing else, instead of a new environment"
    parser.add_argument("--python", type=Path, help=has_all)
    given = parser.parse_args()
    out = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="formcheck-build-") as scratch:
        work = Path(scratch)
        python = given.python or environment(work / "venv")
        icons = work / "icons"
        icons.mkdir()
        run(python, "-c", DRAW_ICONS, HERE / "icon.png", icons, *SIZES)
        folder = packed(python, work, icons, out)
        version = run(python, "-c", "import formcheck; print(formcheck.__version__)", cwd=work).strip()
        made = [folder]
        if sys.platform.startswith("linux"):
            lay_share(folder, icons)
            made.append(debian_package(folder, version, work, out))
        elif sys.platform == "win32":
            made += windows_setup(folder, version, icons, out)
        elif sys.platform == "darwin":
            made.append(disk_image(version, out))
    for one in made:
        print(one)


def run(*command: object, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Runs a command to its end; what it printed. What it complains of is shown."""
    whole = {**os.environ, **(env or {})}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=whole, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nThis failed: {' '.join(str(part) for part in command)[:300]}")
    return done.stdout


def environment(folder: Path) -> Path:
    """A new environment with formcheck, what it needs, and PyInstaller; its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run(python, "-m", "pip", "install", "--quiet", f"{ROOT}[phone,package]")
    return python


def packed(python: Path, work: Path, icons: Path, out: Path) -> Path:
    """PyInstaller's folder, with the licence texts in it."""
    folder = out / "formcheck"
    shutil.rmtree(folder, ignore_errors=True)
    command = [python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", "--distpath", out]
    pictures = {"FORMCHECK_ICONS": str(icons)}
    # Not from here, where the source would be taken for the package, which alone has the models in it.
    run(*command, "--workpath", work / "pyinstaller", HERE / "formcheck.spec", cwd=work, env=pictures)
    targets = [folder]
    if sys.platform == "darwin":
        targets.append(out / "formcheck.app" / "Contents" / "Resources")
    for target in targets:
        texts = target / "licences"
        run(python, "-c", COPY_LICENCES, texts, *_PACKERS)
        shutil.copytree(HERE / "licences", texts, dirs_exist_ok=True)
        shutil.copy(ROOT / "docs" / "licences.md", texts)
        own = next(texts.glob("formcheck-*"))
        shutil.copy(ROOT / "models" / "NOTICE", own / "models_NOTICE")
        pythons = Path(sys.base_prefix, "LICENSE.txt"), Path(os.__file__).parent / "LICENSE.txt"
        for text in (text for text in pythons if text.is_file()):
            shutil.copy(text, texts / "Python.txt")
    if shutil.which("dpkg-query"):
        of_the_system(folder)
    return folder


def of_the_system(folder: Path) -> None:
    """The licence texts of what PyInstaller took from this Debian or Ubuntu: C++, OpenSSL, GLib, X11 …"""
    texts = folder / "licences" / "system"
    texts.mkdir(parents=True, exist_ok=True)
    names = [f"*/{library.name}" for library in (folder / "_internal").glob("*.so*")]
    found = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True)
    for package in {line.split(":")[0] for line in found.stdout.splitlines()}:
        text = Path("/usr/share/doc", package, "copyright")
        if text.is_file():
            shutil.copy(text, texts / f"{package}.txt")


def lay_share(folder: Path, icons: Path) -> None:
    """Desktop entry, file type and icons, where a Linux looks for them, and `install.sh`."""
    share = folder / "share"
    for file, to in (
        (HERE / "linux" / "formcheck.desktop", share / "applications"),
        (HERE / "linux" / "formcheck.xml", share / "mime" / "packages"),
        (HERE / "linux" / "install.sh", folder),
    ):
        to.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to)
    hicolor = share / "icons" / "hicolor"
    for size in SIZES:
        to = hicolor / f"{size}x{size}" / "apps"
        to.mkdir(parents=True)
        shutil.copy(icons / f"{size}.png", to / "formcheck.png")
    (hicolor / "scalable" / "apps").mkdir(parents=True)
    shutil.copy(
        ROOT / "formcheck" / "review" / "static" / "icon.svg", hicolor / "scalable" / "apps" / "formcheck.svg"
    )


def debian_package(folder: Path, version: str, work: Path, out: Path) -> Path:
    """The `.deb`: the folder in /opt, two commands, and the share of `lay_share`."""
    root = work / "deb"
    shutil.copytree(folder, root / "opt" / "formcheck", symlinks=True)
    shutil.move(root / "opt" / "formcheck" / "share", root / "usr" / "share")
    (root / "opt" / "formcheck" / "install.sh").unlink()
    (root / "usr" / "bin").mkdir(parents=True)
    for name in ("formcheck", "formcheck-app"):
        (root / "usr" / "bin" / name).symlink_to(f"/opt/formcheck/{name}")
    documents = root / "usr" / "share" / "doc" / "formcheck"
    documents.mkdir(parents=True)
    shutil.copy(HERE / "licences" / "README.txt", documents / "copyright")
    architecture = run("dpkg", "--print-architecture").strip()
    kib = sum(file.lstat().st_size for file in root.rglob("*") if file.is_file()) // 1024
    (root / "DEBIAN").mkdir()
    (root / "DEBIAN" / "control").write_text(
        f"""Package: formcheck
Version: {version}
Architecture: {architecture}
Maintainer: formcheck <formcheck@localhost>
Installed-Size: {kib}
Depends: libc6 (>= {c_library(folder)}), {_NEEDS}
Recommends: {_LIKES}
Section: science
Priority: optional
Description: home exercises from a physiotherapist, watched by a camera
 Coaches hip exercises with the computer's own camera, counts them, and says
 what it could not see. Everything stays on this computer.
 Practice and review software, not a medical device.
""",
        encoding="utf-8",
    )
    file = out / f"formcheck_{version}_{architecture}.deb"
    run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z10", "--build", root, file)
    return file


def c_library(folder: Path) -> str:
    """The oldest C library that everything in the folder runs with, as ``2.35``."""
    found = {(2, 17)}
    for file in [*folder.rglob("*.so*"), folder / "formcheck"]:
        if file.is_file():
            found |= {(2, int(minor)) for minor in re.findall(rb"GLIBC_2\.(\d+)", file.read_bytes())}
    return ".".join(str(part) for part in max(found))


def windows_setup(folder: Path, version: str, icons: Path, out: Path) -> list[Path]:
    """The setup program, where Inno Setup is installed."""
    iscc = shutil.which("iscc")
    if iscc is None:
        print("No setup program: Inno Setup's iscc is not on the path.", file=sys.stderr)
        return []
    defined = {"Version": version, "Folder": folder, "Icon": icons / "formcheck.ico"}
    switches = [f"/D{name}={value}" for name, value in defined.items()]
    run(iscc, *switches, f"/O{out}", HERE / "windows" / "formcheck.iss")
    return [out / f"formcheck-{version}-setup.exe"]


def disk_image(version: str, out: Path) -> Path:
    """The disk image with `formcheck.app` in it; signed only as `codesign -s -` signs (docs/install.md)."""
    file = out / f"formcheck-{version}-{platform.machine()}.dmg"
    command = ["hdiutil", "create", "-ov", "-volname", "formcheck", "-format", "UDZO"]
    # The licence texts came in after PyInstaller had signed.
    run("codesign", "--force", "--deep", "--sign", "-", out / "formcheck.app")
    run(*command, "-srcfolder", out / "formcheck.app", file)
    return file


if __name__ == "__main__":
    main()
