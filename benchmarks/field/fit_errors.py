"""Fit how a measure's error grows with the disagreement of the two readings: formcheck/measures/error.toml.

    python benchmarks/field/features.py work.npz --part work
    python benchmarks/field/features.py given.npz --part given
    python benchmarks/field/fit_errors.py work.npz given.npz

Prints the coefficients, the error of each measure by view at the usual disagreement (for ``error`` in the
definitions), and how often the errors of clips that had no part in the fit lie within the intervals. Each
clip and measure has the same weight, however long. The error is taken to be Student's t with few degrees of
freedom, so that some swapped legs do not decide everything; the scale printed is the one that holds 68 % of
the errors.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

USUAL = 0.04
LEAST, MOST = 0.02, 0.40
DEGREES_OF_FREEDOM = 5
FOLDS = 5
#: What else was tried, with what it added to the held-out likelihood: speed 0.01, size 0.01, hidden points 0,
#: distance to the edge 0 (docs/validation.md).
WORDS = ("clip", "exercise", "measure", "view")


def load(files: list[Path]) -> dict[str, np.ndarray]:
    """The columns that are used, of all files together, of moving frames with a known error."""
    columns: dict[str, list[np.ndarray]] = {}
    for file in files:
        with np.load(file, allow_pickle=True) as data:
            for name in (*WORDS, "error", "disagreement", "moving"):
                values = data[f"{name}_names"][data[name]] if name in WORDS else data[name]
                columns.setdefault(name, []).append(values)
    whole = {name: np.concatenate(parts) for name, parts in columns.items()}
    use = whole["moving"] & np.isfinite(whole["error"]) & np.isfinite(whole["disagreement"])
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
    """The model ``log scale = base[measure, view] + exponent * log(disagreement / USUAL)``."""

    def __init__(self, rows: dict[str, np.ndarray]) -> None:
        keys = np.char.add(np.char.add(rows["measure"].astype(str), " "), rows["view"].astype(str))
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
    args = parser.parse_args()
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
    held: list[tuple[float, float, float]] = []
    for fold in folds:
        out = np.isin(fit.clip, fold)
        learned = fit.of(~out)
        inside = fit.scale(learned)
        wide = float(np.quantile((fit.error / inside)[~out], 0.6827))
        ratio = (fit.error / inside / wide)[out]
        share = [float(np.average(ratio < limit, weights=fit.weight[out])) for limit in (1.0, 1.96)]
        held.append((fit.loss(learned, out), *share))
    loss, within_68, within_95 = np.mean(held, axis=0)
    print(f"held out, {FOLDS} folds: log-likelihood {-loss:.3f}")
    print(f"within 68 %: {within_68:.2f}, within 95 %: {within_95:.2f}")


if __name__ == "__main__":
    main()
