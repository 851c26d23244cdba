"""What the repetitions of one set showed, and so what may be said of them (spec 7.2, 7.3).

"Repetition" is here one that counts. An unchecked fault leaves no trace: it is neither there nor absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from formcheck.coach.message import Priority
from formcheck.engine.faults import FaultCheck
from formcheck.exercises.definition import Definition

#: A fault must have been checked in this share of a set's repetitions for praise of the whole set (spec 4.3).
_CHECKED_SHARE = 0.7
#: A set or session went well when at most this share of its repetitions had something wrong that is spoken of
#: [D].
_WRONG_SHARE = 1 / 3
_LEVELS = {"P2": Priority.PELVIS_TRUNK, "P3": Priority.LEG, "P4": Priority.RANGE, "P5": Priority.TEMPO}


@dataclass(frozen=True)
class FaultTally:
    """One fault in one repetition in which it was checked: grade 0 if it was absent.

    `small`: the fault is one of range, and the repetition was short of the own range.
    """

    rep: int
    grade: int = 0
    sure: float = 1.0
    held_s: float = 0.0
    small: bool = False


def mostly_right(reps: int, wrong: int) -> bool:
    """Did a set or a session go well? Not if nothing was done."""
    return reps > 0 and wrong <= _WRONG_SHARE * reps


class SetHistory:
    """Graded repetitions of one set.

    Args:
        definition: the exercise.
        focus_fault: the physio's choice, first within its level.
    """

    def __init__(self, definition: Definition, focus_fault: str | None = None) -> None:
        self._definition = definition
        self._rules = definition.feedback
        self._focus = focus_fault
        self._seen: dict[str, list[FaultTally]] = {name: [] for name in definition.faults}
        self._evidence_from = dict.fromkeys(definition.faults, 1)
        self._praised_by: dict[str, list[str]] = {}
        for name, fault in definition.faults.items():
            if fault.praise is not None:
                self._praised_by.setdefault(fault.praise, []).append(name)
        self.reps = 0
        self._full = True
        self._wrong = 0

    def add(self, checks: Mapping[str, FaultCheck], *, full: bool = True) -> None:
        """One more repetition, through the whole own range if `full`."""
        self.reps += 1
        self._full = full
        for name, check in checks.items():
            if check.checked and name in self._seen:
                fault = check.fault
                self._seen[name].append(
                    FaultTally(self.reps)
                    if fault is None
                    else FaultTally(
                        self.reps,
                        fault.grade,
                        fault.sure,
                        fault.end_s - fault.start_s,
                        small=not full and self.level(name) == Priority.RANGE,
                    )
                )
        self._wrong += self.anything_wrong()

    def too_small(self) -> bool:
        """Was the latest repetition too small to show whether something else has changed?"""
        lasts = (self.last(name) for name in self._seen if self.level(name) == Priority.RANGE)
        return not self._full or any(seen is not None and self._counts(seen) for seen in lasts)

    def in_streak(self) -> bool:
        """Was the same thing wrong in the latest two repetitions?"""
        return any(
            fault.cue
            and [s.rep for s in self._seen[name][-2:] if self._counts(s)] == [self.reps - 1, self.reps]
            for name, fault in self._definition.faults.items()
        )

    def went_well(self) -> bool:
        """Had few of the repetitions something wrong? False for a set without any."""
        return mostly_right(self.reps, self._wrong)

    def judge_from(self, fault: str, rep: int) -> None:
        """Only repetitions from this one on speak for the fault's next cue."""
        self._evidence_from[fault] = rep

    def judged(self, fault: str, rep: int) -> bool:
        """Does this repetition come late enough after a cue to speak for the next one?"""
        return rep >= self._evidence_from[fault]

    def level(self, fault: str) -> Priority:
        """Priority of a fault's cue (spec 7.2)."""
        return _LEVELS[self._definition.faults[fault].level or "P5"]

    def last(self, fault: str) -> FaultTally | None:
        """The fault in the latest repetition; None if it was not checked there."""
        seen = self._seen[fault]
        return seen[-1] if seen and seen[-1].rep == self.reps else None

    def _counts(self, seen: FaultTally) -> bool:
        """Is it bad enough, and sure enough, to be spoken of?

        Too little range that two measures show, the fault's and the one that counts, need not be so bad: a
        ladder does not climb with it.
        """
        bad = seen.grade >= (1 if seen.small else self._rules.speak_grade)
        return bad and seen.sure >= self._rules.sure_least

    def _recent(self, fault: str) -> list[FaultTally]:
        first = max(self._evidence_from[fault], self.reps - self._rules.confirm_reps[1] + 1)
        return [seen for seen in self._seen[fault] if seen.rep >= first]

    def frequency(self, fault: str) -> int:
        """In how many of the last repetitions (three by default) it was there."""
        return sum(self._counts(seen) for seen in self._recent(fault))

    def marked(self, grade: int, held_s: float, sure: float) -> bool:
        """May it be spoken of after one repetition alone?"""
        rules = self._rules
        return grade == 3 and held_s >= rules.grade3_after_s - 1e-6 and sure >= rules.sure_alone

    def confirmed(self, fault: str) -> bool:
        """Was it there in the latest repetition, and in enough of those before (spec 7.3)?"""
        last = self.last(fault)
        if last is None or last.rep < self._evidence_from[fault] or not self._counts(last):
            return False
        if fault in self._rules.consecutive:
            wanted = self._rules.confirm_reps[0]
            run = [seen for seen in self._recent(fault) if seen.rep > self.reps - wanted]
            return len(run) == wanted and all(self._counts(seen) for seen in run)
        if self.marked(last.grade, last.held_s, last.sure):
            return True
        return self.frequency(fault) >= self._rules.confirm_reps[0]

    def candidates(self) -> list[str]:
        """Confirmed faults that have a cue, the one to speak of first."""
        names = [
            name for name, fault in self._definition.faults.items() if fault.cue and self.confirmed(name)
        ]
        return sorted(names, key=lambda name: self._rank(name, self.last(name), self.frequency(name)))

    def _rank(self, fault: str, seen: FaultTally | None, frequency: int) -> tuple[int, bool, int, int]:
        grade = seen.grade if seen is not None else 0
        return int(self.level(fault)), fault != self._focus, -grade, -frequency

    def set_focus(self) -> str | None:
        """What to work on after this set: a fault that was there in two of its repetitions or more."""
        best: list[tuple[tuple[int, bool, int, int], str]] = []
        for name, fault in self._definition.faults.items():
            there = [seen for seen in self._seen[name] if self._counts(seen)]
            if fault.cue and len(there) >= self._rules.confirm_reps[0]:
                worst = max(there, key=lambda seen: seen.grade)
                best.append((self._rank(name, worst, len(there)), name))
        return min(best)[1] if best else None

    # --- praise -----------------------------------------------------------------------------------

    def absent(self, fault: str) -> bool:
        """Checked and not there, not even mildly, in each of the latest repetitions (two by default)."""
        wanted = self._rules.praise_reps
        recent = [seen for seen in self._seen[fault] if seen.rep > self.reps - wanted]
        return len(recent) == wanted and all(seen.grade == 0 for seen in recent)

    def absent_all_set(self, fault: str) -> bool:
        """Not there in any repetition of the set, and checked in most of them."""
        seen = self._seen[fault]
        enough = len(seen) >= max(self._rules.praise_reps, _CHECKED_SHARE * self.reps)
        return enough and all(s.grade == 0 for s in seen)

    def praises(self, *, whole_set: bool = False) -> list[str]:
        """Keys of the specific praise that is true, the focus fault's first, then by level.

        A sentence speaks for every fault that names it ("waistband still": neither rolled, nor moved), so
        all of them must have been checked.
        """
        true = self.absent_all_set if whole_set else self.absent
        keys = [key for key, faults in self._praised_by.items() if all(true(fault) for fault in faults)]
        return sorted(keys, key=lambda key: self._praise_rank(key))

    def _praise_rank(self, key: str) -> tuple[bool, int]:
        faults = self._praised_by[key]
        return self._focus not in faults, min(int(self.level(fault)) for fault in faults)

    def anything_checked(self) -> bool:
        """Was any fault that has a cue checked in the latest repetition?"""
        return any(fault.cue and self.last(name) for name, fault in self._definition.faults.items())

    def anything_wrong(self) -> bool:
        """Was any fault that has a cue there in the latest repetition, at a grade that is spoken of?"""
        lasts = [self.last(name) for name, fault in self._definition.faults.items() if fault.cue]
        return any(seen is not None and seen.grade >= self._rules.speak_grade for seen in lasts)

    def praise_faults(self, key: str) -> list[str]:
        """The faults a praise speaks for."""
        return self._praised_by[key]
