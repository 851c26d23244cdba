"""Bring docs/validation.md up to date: how far formcheck is from the truth, as the scorer prints it.

    python benchmarks/validation.py [--shared ../shared] [--work FOLDER] [--reuse]

Runs the scorer over the labelled real clips and the rendered clips. Of the page it writes the parts between
``<!-- name -->`` and ``<!-- end -->``: what can be relied on (from the scorer's totals and the definitions),
the totals, and the scorer's tables word for word. The rest of the page is written by hand and stays.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import formcheck
from formcheck.analysis.findings import seen_from
from formcheck.exercises.definition import EXERCISES, Definition, load_definition

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "validation.md"
#: Counts among the scorer's totals: what, how many, of how many.
HEADLINES = [
    ("rendered repetitions missed, of", "rendered_missed", "rendered_reps"),
    ("rendered repetitions invented, of", "rendered_false", "rendered_reps"),
    ("views named correctly, of", "views_right", "rendered_clips"),
    ("real repetitions missed, of", "real_missed", "real_reps"),
    ("real repetitions invented, of", "real_false", "real_reps"),
    ("repetitions seen in other exercises and empty rooms, in runs:", "negative_false_reps", "negative_runs"),
]
#: Units as they are written after a number.
UNITS = {"deg": "°", "ratio": ""}
#: A measure believed in fewer of the moving frames than this is said to be.
FULL_COVERAGE = 0.95

Totals = dict[str, Any]


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
    made = (
        f"formcheck {formcheck.__version__}, {datetime.date.today().isoformat()}, Python "
        f"{platform.python_version()}, pose model `full`."
    )
    PAGE.write_text(page(PAGE.read_text(), totals, run.stdout, made))
    print(f"wrote {PAGE}")


def page(old: str, totals: Totals, printed: str, made: str) -> str:
    """The page with its made parts made again.

    Args:
        old: the page as it is.
        totals: the scorer's ``--json``.
        printed: what the scorer printed.
        made: one sentence that says of which program, when and on what.
    """
    parts = {
        "made": made,
        "reliance": "\n".join(reliance(totals, counted(printed))),
        "totals": "\n".join(summary(totals)),
        "scorer": f"```\n{printed.strip()}\n```",
    }
    for name, text in parts.items():
        before, start, rest = old.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("\n<!-- end -->")
        if not start or not end:
            sys.exit(f"{PAGE} must have a part <!-- {name} --> … <!-- end -->.")
        old = before + start + text + end + after
    return old


def summary(totals: Totals) -> list[str]:
    """The table of totals."""
    return [
        "| what | seen | of |",
        "|---|---|---|",
        *(f"| {what} | {totals[a]} | {totals[b]} |" for what, a, b in HEADLINES),
        f"| faults found where clearly present and checkable | {percent(totals['fault_sensitivity'])} | |",
        f"| false alarms where clearly absent | {percent(totals['fault_false_alarm_rate'])} | |",
        f"| start and end of a repetition, median error | {totals['phase_time_median_s']:.2f} s | |",
    ]


def counted(printed: str) -> dict[str, Counter[str]]:
    """By ``exercise/view``: true and missed repetitions, rendered and real, from the scorer's lines.

    Rendered clips come from the table by view; of a real clip the view is the one formcheck named, and the
    single-leg bridge counts as a bridge, as it does there.
    """
    found: dict[str, Counter[str]] = {}
    table = printed.partition("repetitions by view (rendered)")[2].split("\n\n")[0]
    for key, _, _, true, missed, false in re.findall(r"^(\w+/\w+)" + r" +(\d+)" * 5 + "$", table, flags=re.M):
        found.setdefault(key, Counter()).update(rendered=int(true), missed=int(missed), false=int(false))
    line = r"^\S+@(\S+) +view (\w+) +reps \d+/(\d+) missed (\d+) false (\d+)(?!.*\(not counted\))"
    for exercise, view, true, missed, false in re.findall(line, printed, flags=re.M):
        key = f"{'bridge' if exercise == 'single-leg-bridge' else exercise}/{view}"
        found.setdefault(key, Counter()).update(
            real=int(true), real_missed=int(missed), real_false=int(false)
        )
    return found


def reliance(totals: Totals, counts: dict[str, Counter[str]]) -> list[str]:
    """The table of what can be relied on, a row for each exercise and view; below it, what no view shows."""
    rows = [
        "| exercise, seen from | repetitions counted | measured, with the mean error | faults told |",
        "|---|---|---|---|",
    ]
    nowhere = []
    for exercise in EXERCISES:
        definition = load_definition(exercise)
        if definition.based_on is not None:  # its clips are among those of the exercise it is a variant of
            continue
        for view, of in definition.views.items():
            cells = [
                f"**{definition.title}**, {of.title.removeprefix('from ')}",
                repetitions(definition, view, counts.get(f"{exercise}/{view}", Counter())),
                measured(definition, view, totals),
                told(definition, view, totals),
            ]
            rows.append("| " + " | ".join(cells) + " |")
        lost = counts.get(f"{exercise}/unknown", Counter())
        if lost["real"]:  # what is missed there is missed as well
            rows.append(f"| **{definition.title}**, view not recognised | {told_of(lost)} | – | – |")
        refused = [
            plain(fault.title) for name, fault in definition.faults.items() if not seen_from(definition, name)
        ]
        if refused:
            nowhere.append(f"- **{definition.title}**: {', '.join(refused)}.")
    return [*rows, "", "No view can tell:", "", *nowhere]


def repetitions(definition: Definition, view: str, count: Counter[str]) -> str:
    """How many of the true repetitions were counted."""
    if view not in definition.measures[definition.counting.signal].views:
        return "not counted from here"
    return told_of(count)


def told_of(count: Counter[str]) -> str:
    """``rendered: 31 of 31; real: 14 of 14``."""
    said = []
    for kind, name, missed, false in (
        ("rendered", "rendered", "missed", "false"),
        ("real", "real", "real_missed", "real_false"),
    ):
        if count[name]:
            invented = f" and {count[false]} invented" if count[false] else ""
            said.append(f"{kind}: {count[name] - count[missed]} of {count[name]}{invented}")
    return "; ".join(said) or "no labelled clip"


def measured(definition: Definition, view: str, totals: Totals) -> str:
    """The measures that may be believed from a view, with their mean error; estimates marked as such."""
    said = []
    for name, measure in definition.measures.items():
        if measure.views.get(view) != "ok":
            continue
        unit = UNITS.get(measure.unit, f" {measure.unit}")
        title = plain(measure.title)
        key = f"{definition.name}/{view}:{name}"
        mean = totals["mae"].get(key)
        if mean is not None:
            share = totals["coverage"].get(key, 1.0)
            part = f" (in {share:.0%} of the frames)" if share < FULL_COVERAGE else ""
            said.append(f"{title} {mean:.{1 if unit == '°' else 2}f}{unit}{part}")
        elif not scored(definition, totals) and view in measure.error:
            said.append(f"{title} perhaps {measure.error[view]:g}{unit} (an estimate)")
    return "; ".join(said) or "–"


def told(definition: Definition, view: str, totals: Totals) -> str:
    """The faults told from a view, those with figures first."""
    with_figures, without = [], []
    for name, fault in definition.faults.items():
        if view not in seen_from(definition, name):
            continue
        seen = totals["faults"].get(f"{definition.name}/{view}:{name}", {"present": 0, "absent_checked": 0})
        figures = []
        if seen["present"]:
            figures.append(f"found {seen['found']} of {seen['present']}")
        if seen["absent_checked"]:
            figures.append(f"false {seen['alarms']} of {seen['absent_checked']}")
        if figures:
            with_figures.append(f"{plain(fault.title)} ({', '.join(figures)})")
        else:
            without.append(plain(fault.title))
    lines = ["; ".join(with_figures), f"not tried: {', '.join(without)}" if without else ""]
    return "<br>".join(line for line in lines if line) or "–"


def scored(definition: Definition, totals: Totals) -> bool:
    """Whether the scorer has clips with truth of this exercise."""
    return any(key.startswith(f"{definition.name}/") for key in totals["coverage"])


def plain(title: str) -> str:
    """A title without its explanation in brackets, inside a sentence."""
    title = re.sub(r" \([^)]*\)", "", title)
    return title[0].lower() + title[1:]


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


if __name__ == "__main__":
    main()
