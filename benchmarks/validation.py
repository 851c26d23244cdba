"""Make docs/validation.md: how far formcheck is from the truth, as the scorer prints it.

    python benchmarks/validation.py [--shared ../shared] [--work FOLDER] [--reuse]

Runs the scorer over the labelled real clips and the rendered clips, and writes its tables word for word,
with what they mean (docs/validation_notes.md) above them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import subprocess
import sys
from pathlib import Path

import formcheck

ROOT = Path(__file__).resolve().parent.parent
#: Targets of the product, by name in the scorer's totals: (what, key, better, target).
HEADLINES = [
    ("rendered repetitions missed, of", "rendered_missed", "rendered_reps"),
    ("rendered repetitions invented, of", "rendered_false", "rendered_reps"),
    ("views named correctly, of", "views_right", "rendered_clips"),
    ("real repetitions missed, of", "real_missed", "real_reps"),
    ("real repetitions invented, of", "real_false", "real_reps"),
    ("repetitions seen in other exercises and empty rooms, in runs:", "negative_false_reps", "negative_runs"),
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="the labelled clips")
    parser.add_argument("--work", type=Path, default=Path("/tmp/formcheck-validation"), help="outputs")
    parser.add_argument("--reuse", action="store_true", help="do not analyse again what --work holds")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    totals_file = args.work / "totals.json"
    command = [
        sys.executable,
        str(args.shared / "bench" / "score.py"),
        str(args.shared / "clips" / "real"),
        str(args.shared / "clips" / "rendered"),
        "--work",
        str(args.work),
        "--json",
        str(totals_file),
    ]
    run = subprocess.run([*command, *(["--reuse"] if args.reuse else [])], capture_output=True, text=True)
    if not totals_file.exists():
        sys.exit(f"The scorer failed:\n{run.stderr[-2000:]}")
    totals = json.loads(totals_file.read_text())
    (ROOT / "docs" / "validation.md").write_text(page(totals, run.stdout))
    print(f"wrote {ROOT / 'docs' / 'validation.md'}")


def page(totals: dict, printed: str) -> str:
    """The whole document."""
    lines = [
        "# How far off is it?",
        "",
        f"formcheck {formcheck.__version__}, {datetime.date.today().isoformat()}, Python "
        f"{platform.python_version()}, pose model `full`. Made by `python benchmarks/validation.py`, "
        "which runs `python ../shared/bench/score.py ../shared/clips/real ../shared/clips/rendered` and "
        "copies its tables as they are, good or bad.",
        "",
        "| what | seen | of |",
        "|---|---|---|",
        *(f"| {what} | {totals[a]} | {totals[b]} |" for what, a, b in HEADLINES),
        f"| faults found where clearly present and checkable | {percent(totals['fault_sensitivity'])} | |",
        f"| false alarms where clearly absent | {percent(totals['fault_false_alarm_rate'])} | |",
        f"| start and end of a repetition, median error | {totals['phase_time_median_s']:.2f} s | |",
        "",
        (ROOT / "docs" / "validation_notes.md").read_text().strip(),
        "",
        "## The scorer's own words",
        "",
        "```",
        printed.strip(),
        "```",
        "",
    ]
    return "\n".join(lines)


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


if __name__ == "__main__":
    main()
