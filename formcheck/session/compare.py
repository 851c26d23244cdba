"""What is different between two judgings of one session."""

from __future__ import annotations

from formcheck.analysis.summary import Rep, Summary

_WORDS = {"class": "class", "start_s": "start", "end_s": "end"}


def changes(before: Summary, after: Summary) -> list[str]:
    """What is different, a line each; nothing where nothing is.

    Repetitions are paired by the time they share, not by their number: one more at the start must not
    make all others look changed.
    """
    out: list[str] = []
    pairs, gone, new = paired(before.reps, after.reps)
    for rep in gone:
        out.append(f"rep {rep.name} ({rep.start_s:.1f} to {rep.end_s:.1f} s, {rep.class_}) is gone")
    for rep in new:
        out.append(f"rep {rep.name} ({rep.start_s:.1f} to {rep.end_s:.1f} s, {rep.class_}) is new")
    for old, now in pairs:
        out += [f"rep {now.name}: {text}" for text in _rep_changes(old, now)]
    for name in dict.fromkeys([*before.faults, *after.faults]):
        a, b = before.faults.get(name), after.faults.get(name)
        was = "not checked" if a is None or not a.checked else f"{a.reps_affected} of {a.reps_checked}"
        now_is = "not checked" if b is None or not b.checked else f"{b.reps_affected} of {b.reps_checked}"
        if was != now_is:
            out.append(f"fault {name}: {was} before, {now_is} now")
    return out


def paired(before: list[Rep], after: list[Rep]) -> tuple[list[tuple[Rep, Rep]], list[Rep], list[Rep]]:
    """Repetitions that share most of their time, and those left over on either side."""
    pairs: list[tuple[Rep, Rep]] = []
    left = list(after)
    gone = []
    for old in before:

        def shared(now: Rep, old: Rep = old) -> float:
            return min(now.end_s, old.end_s) - max(now.start_s, old.start_s)

        best = max(left, key=shared, default=None)
        if best is None or shared(best) < 0.5 * min(old.end_s - old.start_s, best.end_s - best.start_s):
            gone.append(old)
            continue
        left.remove(best)
        pairs.append((old, best))
    return pairs, gone, left


def _rep_changes(old: Rep, now: Rep) -> list[str]:
    out = []
    if old.name != now.name:
        out.append(f"was rep {old.name}")
    if old.class_ != now.class_:
        out.append(f"{old.class_} before, {now.class_} now")
    for name in ("start_s", "end_s"):
        a, b = getattr(old, name), getattr(now, name)
        if abs(a - b) > 0.0005:
            out.append(f"{_WORDS[name]} {a:.2f} s before, {b:.2f} s now")
    was, is_now = ({f.id: f for f in rep.faults} for rep in (old, now))
    for name in dict.fromkeys([*was, *is_now]):
        a, b = was.get(name), is_now.get(name)
        if a is None and b is not None:
            out.append(f"{name} new, grade {b.grade} ({b.value:g} {b.unit})")
        elif b is None and a is not None:
            out.append(f"{name} gone, was grade {a.grade} ({a.value:g} {a.unit})")
        elif a is not None and b is not None and a.grade != b.grade:
            out.append(f"{name} grade {a.grade} before, {b.grade} now")
    return out
