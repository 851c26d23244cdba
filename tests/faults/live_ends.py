"""Starts `formcheck live` on a virtual screen again and again, and ends it in every way there is.

``python tests/faults/live_ends.py --times 30 [--under "strace -f -o /dev/null"]`` prints what a start wrote
that did not leave as it should (a signal of its own, a traceback, or not at all), and the counts in the end.
The exit status is 1 if there was one. Needs Xvfb and xdotool.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from virtual_screen import virtual_screen  # noqa: E402

CLIP = ROOT / "videos" / "bridge_side.mp4"
#: How a session is ended: by keys at the page it has got to, or by a signal at any moment.
WAYS = ("keys", "keys", "escape", "SIGTERM", "SIGINT", "clip")
#: Well; stopped; or, while the program is still being loaded, by the signal itself.
LEAVES = {0, 130, -signal.SIGINT, -signal.SIGTERM}


def one(
    env: dict[str, str], way: str, under: list[str], dice: random.Random, folder: Path
) -> tuple[int, str]:
    """One start and end; the exit status and what it wrote to stderr."""
    log = folder / "speech.jsonl"
    command = [
        *under, sys.executable, "-m", "formcheck", "live", "bridge", "--source", str(CLIP), "--windowed",
        "--out", str(folder / "s"), "--speech-log", str(log),
    ]  # fmt: skip
    child = subprocess.Popen(
        command,
        env=env,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )

    def press(*keys: str) -> None:
        for key in keys:
            subprocess.run(["xdotool", "key", key], env=env, check=False)
            time.sleep(0.3)

    begun = time.monotonic()
    while not log.exists() and child.poll() is None and time.monotonic() - begun < 120:
        if way.startswith("SIG") and dice.random() < 0.02:
            break  # while it still starts
        time.sleep(0.1)
    if way == "escape":
        time.sleep(dice.uniform(0.0, 2.0))
    elif log.exists():
        for _ in range(200):
            press("2")
            if "question_before" in log.read_text() or child.poll() is not None:
                break
        press("1")
        time.sleep(dice.uniform(0.0, 6.0))
    if way.startswith("SIG"):
        os.killpg(child.pid, getattr(signal, way))
    elif way != "clip":
        for _ in range(300):
            if child.poll() is not None:
                break
            press("Escape", "Return")
    try:
        _, err = child.communicate(timeout=180)
    except subprocess.TimeoutExpired:
        os.kill(child.pid, signal.SIGABRT)  # it then tells where it stands
        time.sleep(5)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        _, err = child.communicate()
        err += "\nHUNG"
    return child.returncode, err


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--under", default="", help="run under this program, e.g. 'strace -f -o /dev/null'")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--way", choices=sorted(set(WAYS)), help="only this way of ending it")
    asked = parser.parse_args()
    dice = random.Random(asked.seed)
    # Whoever is started in the background by a shell passes on that Ctrl-C is not heard.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ended: Counter[str] = Counter()
    bad = 0
    with virtual_screen() as display:
        env = {**os.environ, "DISPLAY": display, "PYTHONFAULTHANDLER": "1"}
        for number in range(asked.times):
            way = asked.way or WAYS[number % len(WAYS)]
            with tempfile.TemporaryDirectory() as folder:
                status, err = one(env, way, asked.under.split(), dice, Path(folder))
            ended[f"{way}: {status}"] += 1
            if status not in LEAVES or "Traceback" in err or "Fatal" in err or "HUNG" in err:
                bad += 1
                print(f"start {number}, ended by {way}: status {status}\n{err}", flush=True)
    for how, times in sorted(ended.items()):
        print(f"{times:4d}  {how}")
    print(f"{bad} of {asked.times} did not leave as they should")
    raise SystemExit(bad > 0)


if __name__ == "__main__":
    main()
