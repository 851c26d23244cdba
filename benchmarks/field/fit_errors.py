"""Fit how a measure's error grows with the disagreement of the two readings: formcheck/measures/error.toml.

    python benchmarks/field/features.py work.npz --part work
    python benchmarks/field/features.py given.npz --part given
    python benchmarks/field/fit_errors.py work.npz given.npz
    python benchmarks/field/fit_errors.py --check final.npz

Prints the coefficients, the error of each measure by view at the usual disagreement (for ``error`` in the
definitions), and how often the errors of clips that had no part in the fit lie within the intervals. Each
clip and measure has the same weight, however long. The error is taken to be Student's t with few degrees of
freedom, so that some swapped legs do not decide everything; the scale printed is the one that holds 68 % of
the errors. So the interval that is to hold 95 % of them is wider than a normal distribution's, `WIDE` scales.

With ``--check`` nothing is fitted: it tells how often the errors lie within the intervals that the program
itself gives, by view, of frames that are told as ``ok``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.stats import t as student

USUAL = 0.04
LEAST, MOST = 0.02, 0.40
DEGREES_OF_FREEDOM = 5
FOLDS = 5
SHARES = (0.6827, 0.95)
#: Half an interval of 95 % in scales, a scale holding 68 %.
WIDE = student.ppf(0.5 + SHARES[1] / 2, DEGREES_OF_FREEDOM) / student.ppf(
    0.5 + SHARES[0] / 2, DEGREES_OF_FREEDOM
)
#: What else was tried, with what it added to the held-out likelihood: speed 0.01, size 0.01, hidden points 0,
#: distance to the edge 0 (docs/validation.md).
WORDS = ("clip", "exercise", "measure", "view")
OK = 0


def load(files: list[Path], *, ok: bool = False) -> dict[str, np.ndarray]:
    """The columns that are used, of all files together, of moving frames with a known error.

    With `ok` only of frames whose status is ``ok``; otherwise of those with two readings.
    """
    columns: dict[str, list[np.ndarray]] = {}
    for file in files:
        with np.load(file, allow_pickle=True) as data:
            for name in (*WORDS, "error", "disagreement", "moving", "status", "sd"):
                values = data[f"{name}_names"][data[name]] if name in WORDS else data[name]
                columns.setdefault(name, []).append(values)
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    use = whole["moving"] & np.isfinite(whole["error"])
    use &= (whole["status"] == OK) & np.isfinite(whole["sd"]) if ok else np.isfinite(whole["disagreement"])
    return {name: values[use] for name, values in whole.items()}


def told(rows: dict[str, np.ndarray]) -> np.ndarray:
    """Rows of measures that their view shows."""
    from formcheck.exercises.definition import load_definition

    out = np.zeros(len(rows["error"]), bool)
    for exercise in np.unique(rows["exercise"]):
        definition = load_definition(str(exercise))
        for name, measure in definition.measures.items():
            views = [
                view
                for view in measure.views
                if measure.views[view] == "ok" or name == definition.counting.signal
            ]
            out |= (rows["exercise"] == exercise) & (rows["measure"] == name) & np.isin(rows["view"], views)
    return out


class Fit:
    """The model ``log scale = base[exercise, measure, view] + exponent * log(disagreement / USUAL)``."""

    def __init__(self, rows: dict[str, np.ndarray]) -> None:
        keys = rows["exercise"].astype(str)
        for word in ("measure", "view"):
            keys = np.char.add(np.char.add(keys, " "), rows[word].astype(str))
        self.names, self.group = np.unique(keys, return_inverse=True)
        self.error = np.abs(rows["error"])
        self.apart = np.log(np.clip(rows["disagreement"], LEAST, MOST) / USUAL)
        self.clip = rows["clip"]
        _, both, count = np.unique(
            np.char.add(keys, self.clip.astype(str)), return_inverse=True, return_counts=True
        )
        self.weight = 1.0 / count[both]

    def loss(self, found: np.ndarray, use: np.ndarray) -> float:
        """Mean negative log-likelihood of some rows."""
        scale = found[:-1][self.group[use]] + found[-1] * self.apart[use]
        nu = DEGREES_OF_FREEDOM
        each = (nu + 1) / 2 * np.log1p((self.error[use] / np.exp(scale)) ** 2 / nu) + scale
        return float(np.average(each, weights=self.weight[use]))

    def of(self, use: np.ndarray) -> np.ndarray:
        """Bases and exponent from some rows."""
        start = np.append(np.full(len(self.names), np.log(np.median(self.error[use]) + 1e-6)), 0.0)
        for i in range(len(self.names)):
            own = use & (self.group == i)
            if own.any():
                start[i] = np.log(np.median(self.error[own]) + 1e-6)
        return np.asarray(minimize(self.loss, start, args=(use,), method="L-BFGS-B").x)

    def scale(self, found: np.ndarray) -> np.ndarray:
        return np.exp(found[:-1][self.group] + found[-1] * self.apart)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("features", nargs="+", type=Path, help="made by features.py")
    parser.add_argument(
        "--check", action="store_true", help="fit nothing, hold the program's own errors against them"
    )
    args = parser.parse_args()
    if args.check:
        check(args.features)
        return
    rows = load(args.features)
    use = told(rows)
    fit = Fit({name: values[use] for name, values in rows.items()})
    every = np.ones(len(fit.error), bool)
    found = fit.of(every)
    print(f"{len(fit.error)} frames of {len(np.unique(fit.clip))} clips; exponent {found[-1]:.2f}")
    scale = fit.scale(found)
    for i, name in enumerate(fit.names):
        own = fit.group == i
        wide = float(np.quantile(fit.error[own] / scale[own], 0.6827))
        print(f"  {name:32s} {np.exp(found[i]) * wide:8.3f}   {len(np.unique(fit.clip[own]))} clips")
    clips = np.unique(fit.clip)
    folds = np.array_split(np.random.default_rng(0).permutation(clips), FOLDS)
    ratio, losses = np.empty(len(fit.error)), []
    for fold in folds:
        out = np.isin(fit.clip, fold)
        learned = fit.of(~out)
        inside = fit.scale(learned)
        wide = float(np.quantile((fit.error / inside)[~out], SHARES[0]))
        ratio[out] = (fit.error / inside / wide)[out]
        losses.append(fit.loss(learned, out))
    print(f"held out, {FOLDS} folds: log-likelihood {-np.mean(losses):.3f}")
    print_shares(ratio, {name: values[use] for name, values in rows.items()})


def print_shares(ratio: np.ndarray, rows: dict[str, np.ndarray]) -> None:
    """How many errors lie within the intervals: in all, and by exercise and view.

    Args:
        ratio: ``(N,)`` size of the errors in predicted scales.
        rows: what they are of.
    """
    kind = np.char.add(np.char.add(rows["exercise"].astype(str), "/"), rows["view"].astype(str))
    clip_measure = np.char.add(np.char.add(rows["clip"].astype(str), " "), rows["measure"].astype(str))
    _, which, count = np.unique(clip_measure, return_inverse=True, return_counts=True)
    weight = 1.0 / count[which]
    for name in ("all", *np.unique(kind)):
        own = np.ones(len(ratio), bool) if name == "all" else kind == name
        within = [float(np.average(ratio[own] < limit, weights=weight[own])) for limit in (1.0, WIDE)]
        clips = len(np.unique(rows["clip"][own]))
        print(f"  {name:28s} within 68 %: {within[0]:.2f}, within 95 %: {within[1]:.2f}   {clips} clips")


def check(files: list[Path]) -> None:
    """Holds the errors against what the program itself predicts, where it says ``ok``."""
    rows = load(files, ok=True)
    print_shares(np.abs(rows["error"]) / rows["sd"], rows)


if __name__ == "__main__":
    main()
