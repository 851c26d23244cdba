"""Odd environments, one after the other: what `formcheck analyze` and `formcheck sessions list` do in each.

    python tests/faults/environments.py              all of them
    python tests/faults/environments.py "HOME=/no"   some

Prints a line for each; the exit status is 1 if one ended in anything but its result or one sentence that says
what is wrong. Needs Linux; what only root can make (a full disk) is left out for others.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

ROOT = HERE.parents[1]
EXIT_OF_A_LIMIT = -25  # SIGXFSZ, by which the system ends whoever writes beyond a limit


@dataclass
class Odd:
    """An environment.

    Attributes:
        env: variables that are set; None: taken away.
        bare: no other variables.
        before: called in the new process before the program begins.
        closed: numbers of the standard streams that are closed.
        to_full: numbers of those that lead to a full device.
        cwd: made from the folder of the try; what the program stands in.
        may: exit statuses that are right besides 0 and 2.
    """

    env: dict[str, str | None] = field(default_factory=dict)
    bare: bool = False
    before: Callable[[], object] = lambda: None
    closed: tuple[int, ...] = ()
    to_full: tuple[int, ...] = ()
    cwd: Callable[[Path], Any] = lambda folder: folder
    may: tuple[int, ...] = ()


def _limit(what: int, most: int) -> Callable[[], object]:
    return lambda: resource.setrlimit(what, (most, most))


def _gone(folder: Path) -> Path:
    """A folder that is removed while the program stands in it: see `_try`."""
    (folder / "gone").mkdir()
    return folder / "gone"


def _deep(folder: Path) -> Path:
    path = folder.joinpath(*["d" * 200] * 8)
    path.mkdir(parents=True)
    return path


def _named(name: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.mkdir()
        return path

    return make


def _environments() -> dict[str, Odd]:
    def ignoring(name: str) -> Callable[[], object]:
        import signal

        return lambda: signal.signal(getattr(signal, name), signal.SIG_IGN)

    found: dict[str, Odd] = {
        "no variables at all": Odd(bare=True),
        "10,000 variables": Odd({f"V{i}": "x" * 20 for i in range(10_000)}),
        "working folder deleted": Odd(cwd=_gone),
        "working folder /": Odd(cwd=lambda _: "/"),
        "working folder /proc": Odd(cwd=lambda _: "/proc"),
        "working folder of 1,600 letters": Odd(cwd=_deep),
        "working folder not UTF-8": Odd(cwd=_named(b"Br\xfccke")),
        "working folder with a line end": Odd(cwd=_named(b"a\nb")),
        "stdin closed": Odd(closed=(0,)),
        "stdout closed": Odd(closed=(1,)),
        "stderr closed": Odd(closed=(2,)),
        "all three closed": Odd(closed=(0, 1, 2)),
        "stdout on a full device": Odd(to_full=(1,)),
        "stderr on a full device": Odd(to_full=(2,)),
        "no terminal of its own": Odd(before=os.setsid),
        "umask 0777": Odd(before=lambda: os.umask(0o777)),
        "umask 0": Odd(before=lambda: os.umask(0)),
        "12 open files": Odd(before=_limit(resource.RLIMIT_NOFILE, 12)),
        "24 open files": Odd(before=_limit(resource.RLIMIT_NOFILE, 24)),
        "600 MB of memory": Odd(before=_limit(resource.RLIMIT_AS, 600_000_000)),
        "files of 20 kB": Odd(before=_limit(resource.RLIMIT_FSIZE, 20_000), may=(EXIT_OF_A_LIMIT,)),
        "stack of 256 kB": Odd(before=_limit(resource.RLIMIT_STACK, 256 << 10)),
        "SIGPIPE ignored": Odd(before=ignoring("SIGPIPE")),
        "SIGCHLD ignored": Odd(before=ignoring("SIGCHLD")),
        "SIGINT ignored": Odd(before=ignoring("SIGINT")),
    }
    for name, values in _VARIABLES.items():
        for value in values:
            what = f"{name} missing" if value is None else f"{name}={value[:30]}"
            # A Python that does not start at all says so itself.
            may = (1,) if (name, value) == ("PYTHONIOENCODING", "nonsense") else ()
            found[what] = Odd({name: value}, may=may)
    c = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    return found | {
        "LC_ALL=C, no UTF-8 mode": Odd(c),
        "the same, folder not UTF-8": Odd(c, cwd=_named(b"\xfc")),
    }


_VARIABLES: dict[str, list[str | None]] = {
    "HOME": [None, "", "/no/such", "/proc", "/dev/null", ".", "~nobody/x"],
    "XDG_DATA_HOME": ["/no/such", "/proc", "/dev/null", "."],
    "XDG_CACHE_HOME": ["/proc"],
    "FORMCHECK_DATA": ["", "~nobody/x", "/proc/x", "/dev/null", "x" * 300, "a\nb", "/"],
    "TMPDIR": ["/no/such", "/proc", "/dev/null", "", "FULL"],
    "LC_ALL": ["C", "POSIX", "xx_YY", "de_DE.ISO-8859-1"],
    "PYTHONIOENCODING": ["ascii", "latin-1:strict", "utf-16", "nonsense"],
    "PYTHONUTF8": ["0"],
    "PYTHONOPTIMIZE": ["2"],
    "PYTHONWARNINGS": ["error"],
    "PYTHONDEVMODE": ["1"],
    "PYTHONPATH": ["/no/such"],
    "PYTHONUNBUFFERED": ["1"],
    "PYTHONHASHSEED": ["0"],
    "PYTHONMALLOC": ["debug"],
    "COLUMNS": ["1000000", "0", "-5", "many"],
    "LINES": ["0"],
    "TERM": [None, "dumb", "nonsense"],
    "FORCE_COLOR": ["1"],
    "TZ": ["nonsense", "Pacific/Kiritimati"],
    "OMP_NUM_THREADS": ["0", "many"],
    "OPENCV_LOG_LEVEL": ["nonsense"],
    "PATH": [None],
    "DISPLAY": [":99"],
}
ENVIRONMENTS = _environments()


@contextmanager
def _full_disk(folder: Path) -> Iterator[Path]:
    """A disk of 32 kB, all of it taken."""
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(disk)], check=True)
    try:
        (disk / "all").write_bytes(b"x" * 32_768)
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def tried(name: str, clip: Path) -> tuple[str, list[str]]:
    """What came of an environment, and what of it was wrong."""
    odd = ENVIRONMENTS[name]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if odd.env.get("TMPDIR") != "FULL":
            return _tried(odd, folder, clip)
        if os.geteuid() != 0:
            return "left out: needs root", []
        with _full_disk(folder) as disk:
            return _tried(Odd({"TMPDIR": str(disk)}), folder, clip)


def _tried(odd: Odd, folder: Path, clip: Path) -> tuple[str, list[str]]:
    said, wrong = [], []
    out = folder / "out"
    commands = {
        "analyze": ["analyze", str(clip), "-e", "bridge", "--model", "lite", "--no-video", "--out", str(out)],
        "sessions list": ["sessions", "list"],
    }
    for what, words in commands.items():
        status, err = _run(odd, folder / what, words)
        last = err.strip().splitlines()[-1] if err.strip() else ""
        said.append(f"{what}: {status}" + (f" ({last[:120]})" if status else ""))
        if status not in (0, 2, *odd.may):
            wrong.append(f"{what}: exit {status}: {err[-400:]}")
        elif "Traceback" in err or "Exception ignored" in err:
            wrong.append(f"{what}: a traceback: {err[-600:]}")
        elif status == 2 and 2 not in (*odd.closed, *odd.to_full) and not last.endswith((".", "--help)")):
            wrong.append(f"{what}: no sentence: {err[-400:]}")
        there = (out / "summary.json").exists()
        if what == "analyze" and status == 0 and not there:
            wrong.append("no result")
        elif (
            what == "analyze" and status and there and not odd.to_full
        ):  # there it cannot say that it is done
            wrong.append(f"exit {status}, and a result")
    return "; ".join(said), wrong


def _run(odd: Odd, folder: Path, words: list[str]) -> tuple[int, str]:
    env = {} if odd.bare else dict(os.environ)
    env.setdefault("PYTHONPATH", str(ROOT))
    for name, value in odd.env.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    folder.mkdir()
    cwd = odd.cwd(folder)

    def before() -> None:
        if odd.cwd is _gone:
            os.rmdir(cwd)
        full = os.open("/dev/full", os.O_WRONLY) if odd.to_full else -1
        for number in odd.to_full:
            os.dup2(full, number)
        for number in odd.closed:
            os.close(number)
        odd.before()

    log = folder / "stderr"
    with log.open("wb") as err:
        done = subprocess.run(
            [sys.executable, "-m", "formcheck", *words],
            env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err,
            preexec_fn=before, timeout=300, check=False,
        )  # fmt: skip
    return done.returncode, log.read_text(errors="replace")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *ENVIRONMENTS], metavar="NAME")
    bad = 0
    names = parser.parse_args().names or list(ENVIRONMENTS)
    from try_faults import short_clip

    clip = short_clip()
    for name in names:
        said, wrong = tried(name, clip)
        bad += bool(wrong)
        print("\n    ".join([f"{name!r}: {said}", *wrong]), flush=True)
    print(f"{bad} of {len(names)} ended as they should not")
    raise SystemExit(bad > 0)


if __name__ == "__main__":
    main()
