"""Thousands of spoilt files and requests for each reader, in child processes that may crash, hang or swell.

    python tests/fuzz/run.py --minutes 30                  # all readers in turn
    python tests/fuzz/run.py --reader video --cases 5000   # one, so many cases
    python tests/fuzz/run.py --reader video --case 1234    # one case again, in this process

A case is named by its reader and number, and always the same. What is found is printed, and kept with its
files in --out. Watching memory needs Linux.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
for place in (HERE, HERE.parents[1]):
    sys.path.insert(0, str(place))

MOST_S = 60.0  # for one case, of this process's own time or of waiting
MOST_RSS = 1_500_000_000
MOST_ADDRESSES = 12_000_000_000
AT_A_TIME = 400  # cases in one child


def one(reader: str, number: int, folder: Path) -> str:
    """One case: ``read`` or ``refused``; a defect is raised."""
    import seeds
    from readers import READERS

    return READERS[reader](random.Random(f"{reader}:{number}"), seeds.fresh(folder))


def child(reader: str, first: int, last: int, folder: Path) -> None:
    """Cases one after the other; each is told before it begins, so that a crash has a number."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    import av.logging

    av.logging.set_level(None)
    in_threads: list[str] = []
    threading.excepthook = lambda args: in_threads.append(
        "".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback))
    )
    for number in range(first, last):
        _tell("begin", number)
        try:
            outcome = one(reader, number, folder / "case")
        except MemoryError:
            outcome = "MemoryError\n" + traceback.format_exc()
        except BaseException:
            outcome = traceback.format_exc()
        if in_threads:
            outcome = "in a thread: " + in_threads[0]
            in_threads.clear()
        _tell("end", number, outcome)


def _tell(*what: object) -> None:
    sys.__stdout__.write(json.dumps(what) + "\n")
    sys.__stdout__.flush()


def _rss(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


class Hunt:
    """Cases of one reader, with what came of them."""

    def __init__(self, reader: str, out: Path) -> None:
        self.reader, self.out = reader, out
        self.outcomes: Counter[str] = Counter()
        self.defects: dict[str, list[int]] = {}
        self.most_rss = 0
        self.slowest = (0.0, -1)

    def go(self, first: int, last: int, until: float) -> int:
        """Runs cases until a number or a time; returns the next number."""
        while first < last and time.monotonic() < until:
            first = self._piece(first, min(first + AT_A_TIME, last), until)
        return first

    def _piece(self, first: int, last: int, until: float) -> int:
        folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{self.reader}-"))
        command = [sys.executable, __file__, "--child", self.reader, str(first), str(last), str(folder)]
        env = os.environ | {"TMPDIR": str(folder)}
        state = {"number": first - 1, "since": time.monotonic(), "busy": True}
        with (
            tempfile.TemporaryFile("w+") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=env) as process,
        ):

            def listen() -> None:
                assert process.stdout is not None
                for line in process.stdout:
                    kind, number, *rest = json.loads(line)
                    now = time.monotonic()
                    if kind == "end":
                        self.slowest = max(self.slowest, (now - state["since"], number))
                        self._count(number, rest[0], folder)
                    state.update(number=number, since=now, busy=kind == "begin")

            ear = threading.Thread(target=listen, daemon=True)
            ear.start()
            why = ""
            while process.poll() is None:
                time.sleep(0.05)
                rss = _rss(process.pid)
                self.most_rss = max(self.most_rss, rss)
                if rss > MOST_RSS:
                    why = "too much memory"
                elif time.monotonic() - state["since"] > MOST_S:
                    why = "too long"
                elif time.monotonic() > until and not why:
                    why = "time is up"
                if why:
                    process.kill()
                    break
            process.wait()
            ear.join(10)
            number = int(state["number"])
            if why == "time is up":
                return number + (not state["busy"])
            if why or (process.returncode != 0 and state["busy"]):
                errors.seek(0)
                said = errors.read()[-3000:]
                self._count(number, f"{why or f'died with {process.returncode}'}\n{said}", folder)
                return number + 1
            if process.returncode != 0:
                errors.seek(0)
                raise RuntimeError(errors.read()[-3000:])
        subprocess.run(["rm", "-rf", str(folder)], check=False)
        return last

    def _count(self, number: int, outcome: str, folder: Path) -> None:
        if outcome in ("read", "refused"):
            self.outcomes[outcome] += 1
            return
        self.outcomes["defect"] += 1
        lines = [line.strip() for line in outcome.strip().splitlines()]
        where = [line for line in lines if "formcheck/" in line and line.startswith("File")]
        last = lines[-1] if lines[0].startswith(("Trace", "in a", "Memory")) else lines[0]
        title = f"{last[:160]} | {where[-1].split('formcheck/')[-1] if where else ''}"
        numbers = self.defects.setdefault(title, [])
        numbers.append(number)
        if len(numbers) <= 2:
            place = self.out / f"{self.reader}-{number}"
            place.mkdir(parents=True, exist_ok=True)
            (place / "what.txt").write_text(outcome)

    def row(self) -> str:
        """One line for the table."""
        found = f"{len(self.defects)} kinds" if self.defects else "nothing"
        count = sum(self.outcomes.values())
        return (
            f"{self.reader:15} {count:7} cases  {self.outcomes['read']:6} read  {self.outcomes['refused']:6} refused  "
            f"{found:9}  {self.most_rss / 1e6:5.0f} MB  slowest {self.slowest[0]:.1f} s (case {self.slowest[1]})"
        )


def main() -> int:
    """The command; exit status 1 if anything was found."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
        os._exit(0)  # servers and cameras of the cases may still have threads
    from readers import READERS

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="for all readers together")
    parser.add_argument("--reader", action="append", choices=sorted(READERS), help="may be given again")
    parser.add_argument("--cases", type=int, default=10**9, help="for each reader")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="only this one, here, with its traceback")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "formcheck-fuzz")
    asked = parser.parse_args()
    names = asked.reader or list(READERS)
    if asked.case is not None:
        place = asked.out / "again"
        print(one(names[0], asked.case, place), f"(its files: {place})")
        return 0
    each_s = asked.minutes * 60 / len(names)
    hunts = []
    for name in names:
        hunt = Hunt(name, asked.out)
        hunt.go(asked.first, asked.first + asked.cases, time.monotonic() + each_s)
        hunts.append(hunt)
        print(hunt.row(), flush=True)
        for title, numbers in hunt.defects.items():
            print(f"    {len(numbers):5} x  {title}  (case {numbers[0]})", flush=True)
    return int(any(hunt.defects for hunt in hunts))


if __name__ == "__main__":
    raise SystemExit(main())
