"""Memory of `formcheck analyze`, seen from outside: the highest of a short and of a long video.

    python benchmarks/memory.py [--minutes 10] [--no-video]

Runs the real command line, pose model included, on two minutes and on ten of a demo clip played again and
again, and asks the system for the most resident memory each process ever had: what `/usr/bin/time -v` shows
as "Maximum resident set size". A video takes half as long as it lasts, or as long. Not for Windows.
"""

# This process must stay small, and so imports nothing else: a process inherits its parent's highest mark.
from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLIP, EXERCISE = ROOT / "videos" / "bridge_side.mp4", "bridge"
SHORT_MIN = 2.0


def peak_mb(command: list[str]) -> float:
    """The highest resident memory of a process, MB.

    Raises:
        SystemExit: it failed.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed")
    return used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)  # bytes there, kilobytes elsewhere


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the long video")
    parser.add_argument("--no-video", action="store_true", help="draw no annotated video")
    args = parser.parse_args()
    options = ["--exercise", EXERCISE, *(["--no-video"] if args.no_video else [])]
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for minutes in (SHORT_MIN, args.minutes):
            video = Path(folder) / f"{minutes:g}.mp4"
            loop = str(ROOT / "tests" / "looped.py")
            subprocess.run([sys.executable, loop, str(CLIP), str(video), str(60 * minutes)], check=True)
            begun = time.monotonic()
            peaks.append(peak_mb([sys.executable, "-m", "formcheck", "analyze", str(video), *options]))
            spent = time.monotonic() - begun
            print(f"{minutes:g} minutes: {peaks[-1]:.0f} MB at the highest ({spent:.0f} s)", flush=True)
    short, long = peaks
    print(f"RATIO {args.minutes:g} minutes / {SHORT_MIN:g}: {long / short:.3f}; {long - short:+.0f} MB")


if __name__ == "__main__":
    main()
