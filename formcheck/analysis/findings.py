"""What is said of a fault: its name, how bad and how sure, where it shows, and why it was not looked at.

Terminal, screen, video, report, review page and exports all speak from here. A fault has three states: seen,
looked for and not seen, not checked. Only the second is good news.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.phrases import (
    as_shown,
    in_sentence,
    listing,
    number,
    plural,
    pointed,
    short_title,
    times,
    value_text,
)
from formcheck.analysis.rulings import Ruling
from formcheck.analysis.summary import FaultEvent, FaultInfo, MeasureInfo, Rep, Summary
from formcheck.engine.repetition import COUNTED
from formcheck.exercises.definition import Definition, MeasureDef, Rule
from formcheck.measures.body_parts import landmarks_shown
from formcheck.measures.measure import formulas
from formcheck.measures.table import MeasureTable
from formcheck.words import published, said_of, say, spoken, translated

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Unit of a fault that only the physio saw; its value is the physio's grade.
BY_EYE = "by eye"
#: Most digits that a value gets beyond the usual to lie on its own side of a threshold.
_FINEST = 2
#: What a definition says of where a threshold comes from: ``[S18]`` a publication, ``[D]``, ``[GK]``.
_LABEL = re.compile(r"\[(S\d+|GK|D)\]")
#: Values and allowances of a summary are rounded.
_ROUNDED = 1e-3
#: A fault's grades, mildest first.
GRADES = (1, 2, 3)
#: What a repetition can be (spec 6.3).
CLASSES = ("full", "partial", "aborted", "void")
#: Reasons that another camera position can cure, where the definition has one that judges.
CURED_BY_CAMERA = frozenset({"view", "occluded", "out_of_frame", "noise", "geometry"})
#: What no camera position shows, beside the fault that stands in for it (spec, amendment to 5.2).
_NEVER_BESIDE = {"over_extended": "findings.lower_back"}


def grade_word(grade: int) -> str:
    """``mild``, ``moderate``, ``marked``; "" for none."""
    return say(f"findings.grade.{grade}") if grade in GRADES else ""


def grade_words() -> dict[int, str]:
    """All of them by their number."""
    return {grade: grade_word(grade) for grade in GRADES}


def never() -> str:
    """Why nothing will ever be known of a fault."""
    return say("findings.never")


def reason_word(reason: str | None) -> str:
    """Why something is not known, as the end of "not checked: …"."""
    return said_of("findings.reason.").get(reason or "", say("findings.not_seen_well"))


@dataclass(frozen=True)
class Coverage:
    """How much of an exercise was looked at, and what came of it: three states, never two.

    Attributes:
        faulty: names of faults that were seen.
        good: names of those looked for and not seen.
        unseen: names of those that could not be checked. What was prescribed is a fault in none of these.
        reps_checked: repetitions in which something could be checked, at least.
    """

    faulty: tuple[str, ...]
    good: tuple[str, ...]
    unseen: tuple[str, ...]
    reps_checked: int

    @property
    def checked(self) -> int:
        """Faults that were looked for."""
        return len(self.faulty) + len(self.good)

    @property
    def total(self) -> int:
        """Faults of the exercise."""
        return self.checked + len(self.unseen)

    @property
    def state(self) -> str:
        """``faulty``, ``good``, or ``unseen`` where nothing at all was looked for."""
        return "faulty" if self.faulty else "good" if self.good else "unseen"

    @property
    def text(self) -> str:
        """``8 of 20 possible faults checked``."""
        return say("findings.coverage", checked=self.checked, total=self.total)

    @property
    def state_text(self) -> str:
        """The state in words."""
        return say(f"findings.state.{self.state}")

    def of_reps(self, counted: int, affected: int) -> tuple[int, int, int]:
        """How many repetitions were seen good, seen faulty, and not seen.

        Args:
            counted: repetitions that count.
            affected: those in which a fault was seen.
        """
        good = max(0, min(counted, self.reps_checked) - affected)
        return good, affected, counted - affected - good


def coverage(faults: Mapping[str, FaultInfo]) -> Coverage:
    """The three states of all faults of a summary; of an empty one nothing was checked."""
    asked = {name: info for name, info in faults.items() if info.reason != "prescribed"}
    checked = {name: info for name, info in asked.items() if info.checked}
    return Coverage(
        faulty=tuple(name for name, info in checked.items() if info.reps_affected),
        good=tuple(name for name, info in checked.items() if not info.reps_affected),
        unseen=tuple(name for name in asked if name not in checked),
        reps_checked=max((info.reps_checked for info in checked.values()), default=0),
    )


def counted_reps(reps: Sequence[Rep]) -> list[Rep]:
    """Those that count."""
    return [rep for rep in reps if rep.class_ in COUNTED]


def class_counts(reps: Sequence[Rep]) -> dict[str, int]:
    """How many repetitions there are of each class."""
    return {kind: sum(rep.class_ == kind for rep in reps) for kind in CLASSES}


@dataclass(frozen=True)
class SeenFault:
    """A fault that was seen, over all repetitions.

    Attributes:
        fault: its name.
        title, wording: what it is called, and what the physio reads.
        detail: in how many repetitions of how many, in words.
        grade, word: the worst, 1 to 3, and in words: "marked", or "up to marked" of several.
        reps: numbers of the repetitions, in words.
        grades: where the grades begin, in words.
    """

    fault: str
    title: str
    wording: str
    detail: str
    grade: int
    word: str
    reps: str
    grades: str


@dataclass(frozen=True)
class NotChecked:
    """Faults that were not checked for one reason.

    Attributes:
        why: the reason, as the end of "not checked: …".
        how: what would have to change for them to be seen, as sentences; "" where nothing is known to help.
        titles: of the faults.
    """

    why: str
    how: str
    titles: list[str]


@dataclass(frozen=True)
class Threshold:
    """A fixed value of a measure from which a fault has a grade."""

    fault: str
    title: str
    grade: int
    level: float


@dataclass(frozen=True)
class Findings:
    """Speaks of the faults of one exercise as one camera position shows them.

    Attributes:
        definition: the exercise, with what was prescribed laid over it.
        view: from where the camera looks.
        prescribed: phases whose duration somebody asked for; another one is judged only by a time that the
            definition itself has.
    """

    definition: Definition
    view: str
    prescribed: frozenset[str] = frozenset()

    # -- what a fault is called and where it shows --------------------------------------------------------

    def title(self, fault: str) -> str:
        """A fault's title; its name spelled out where the definition does not know it."""
        known = self.definition.faults.get(fault)
        return known.title if known else fault.replace("_", " ").capitalize()

    def limited_title(self, fault: str) -> str:
        """The title, with what stays unknown even where the fault was looked for."""
        title = self.title(fault)
        if (beside := _NEVER_BESIDE.get(fault)) is None:
            return title
        return say("findings.never_visible", title=title, beside=in_sentence(say(beside)))

    def wording(self, fault: str, *, by_eye: bool = False) -> str:
        """What the physio reads: what is seen, and what saw it unless it was a person."""
        known = self.definition.faults.get(fault)
        if known is None:
            return ""
        default = self._by_default(fault)
        text = known.wording
        if default:
            text = text.replace(say("findings.prescribed_time"), say("findings.default_time"))
        if by_eye:
            return text
        if self.by_phone(fault):
            return f"{text}; {say('findings.by_phone')}"
        return f"{text}; {say('findings.rendered_people')}" if self.by_lying_network(fault) else text

    def by_phone(self, fault: str) -> bool:
        """Whether a fault is judged by what a phone in the waistband felt."""
        return any(measure.source == "phone" for measure in self._judged_by(fault))

    def by_lying_network(self, fault: str) -> bool:
        """Whether a fault is judged by what the network for people who lie reads from this view."""
        return any(measure.by_network(self.view) is not None for measure in self._judged_by(fault))

    def _judged_by(self, fault: str) -> Iterator[MeasureDef]:
        """The measures that a fault is judged by, and those of the fault that has to be there too."""
        known = self.definition.faults.get(fault)
        for rule in known.rules if known is not None else ():
            yield from (self.definition.measures[measure] for measure in rule.measures)
            if rule.with_fault is not None:
                yield from self._judged_by(rule.with_fault)

    def measure(self, event: FaultEvent, table: MeasureTable | None = None) -> str:
        """The measure a fault event shows in: the worse one where its rule has several.

        Args:
            event: the fault.
            table: the recording's measures; without them the first is taken.
        """
        rule, known = self.rule(event), self.definition.faults.get(event.id)
        rule = known.rules[0] if rule is None and known is not None and known.rules else rule
        names = [m for m in (rule.measures if rule else []) if m in self.definition.measures]
        if not names:
            return self.definition.counting.signal
        if table is None or len(names) == 1:
            return names[0]
        part = table.part(table.between(event.start_s, event.end_s))

        def most(name: str) -> float:
            return float(np.abs(part.column(name)[part.ok(name)]).max(initial=-1.0))

        return max(names, key=most)

    def place(self, event: FaultEvent, near: str, table: MeasureTable | None = None) -> tuple[int, ...]:
        """Landmarks to ring for a fault event; `near` is the side measured."""
        return landmarks_shown(self.definition, self.measure(event, table), near)

    def worst_frame(self, event: FaultEvent, table: MeasureTable) -> int | None:
        """The frame in which a fault's measure is farthest the wrong way; None where no single one is."""
        rule = self.rule(event)
        if rule is None or rule.kind in ("duration", "range", "return", "rest"):
            return None
        name = self.measure(event, table)
        frames = table.between(event.start_s, event.end_s)
        inside = frames.start + np.flatnonzero(table.part(frames).ok(name))
        if not len(inside):
            return None
        value = table.column(name)[inside]
        if rule.kind == "hold":  # the event's value is a median: show the frame that is most like it
            target = (rule.reference or 0.0) - rule.sign * event.value
            return int(inside[np.argmin(np.abs(value - target))])
        badness = {"above": value, "below": -value}.get(rule.kind, np.abs(value))
        return int(inside[np.argmax(badness)])

    # -- how bad it is, and how far that may be trusted ---------------------------------------------------

    def rule(self, event: FaultEvent) -> Rule | None:
        """The rule a fault event came from, as far as view, unit and grade tell it."""
        known = self.definition.faults.get(event.id)
        if known is None or not known.rules or event.unit == BY_EYE:
            return None
        here = [r for r in known.rules if r.views is None or self.view in r.views]
        judging = [r for r in here if _judges(self.definition, r, self.view)] or known.rules
        rules = [r for r in judging if (known.unit if r.unit is None else r.unit) == event.unit] or judging
        # a value may pass a higher grade's threshold too briefly to get that grade
        likely = [r for r in rules if _grade_of(r, event.value) >= event.grade] or rules
        return min(likely, key=lambda r: _grade_of(r, event.value))

    def badness(self, event: FaultEvent) -> tuple[int, float]:
        """Orders events of one fault: the greater, the worse."""
        rule = self.rule(event)
        falls = rule is not None and not worse_upwards(rule)
        return event.grade, -event.value if falls else abs(event.value)

    def unit(self, event: FaultEvent) -> str:
        """The unit a fault's value is told in: nothing is of a prescribed time that nobody prescribed."""
        rule = self.rule(event)
        default = rule is not None and rule.kind == "duration" and not self._asked_for(rule)
        return "of default" if default and event.unit == "of prescribed" else event.unit

    def value(self, event: FaultEvent) -> str:
        """A fault's value with its unit, told so finely that it lies on its own side of every threshold."""
        rule, unit = self.rule(event), self.unit(event)
        if unit == BY_EYE:
            return say("findings.by_eye")
        finer = 0
        while rule is not None and finer < _FINEST:
            if _grade_of(rule, as_shown(event.value, unit, finer)) == _grade_of(rule, event.value):
                break
            finer += 1
        return value_text(event.value, unit, finer)

    def grades(self, event: FaultEvent, others: Sequence[FaultEvent] = ()) -> str:
        """Where the grades of an event's rule begin, e.g. ``Mild from 15°, moderate from 25°, …``.

        An allowance that kept an event from the grade of the threshold it had passed is told after them.

        Args:
            event: the fault.
            others: further events of the same fault that the sentence has to hold for.
        """
        rule = self.rule(event)
        if rule is None:
            return ""
        unit = self.unit(event)
        finer = 0
        while finer < _FINEST and any(abs(as_shown(g, unit, finer) - g) > 1e-9 for g in rule.grades):
            finer += 1
        first, second, third = (number(g, unit, finer)[0] for g in rule.grades)
        tail = number(0.0, unit)[1]
        whole = self.phase_s(rule) if rule.kind == "duration" else None
        if whole is not None:
            tail = f"{tail} ({pointed(f'{whole:g}')} s)"
        held = pointed(f"{rule.minimum_s:g}")
        out = [
            say(
                f"findings.grades.{'from' if worse_upwards(rule) else 'below'}",
                first=first,
                second=second,
                third=third,
                unit=f"{' ' * bool(tail)}{tail}",
                held=say("findings.grades.held", seconds=held) if rule.minimum_s > 0 else "",
            )
        ]
        allowances = [self._decisive(e) for e in (event, *others) if self.rule(e) == rule]
        if largest := max(allowances):
            amount = pointed(f"{largest * whole:.2f} s") if whole else number(largest, unit, finer=1)[0]
            if len([a for a in allowances if a]) > 1:
                amount = say("findings.grades.up_to", amount=amount)
            out.append(say("findings.grades.allowance", amount=amount))
        if any(self._capped(e) for e in (event, *others)):
            out.append(say("findings.grades.hardly_seen"))
        return " ".join(out)

    def _capped(self, event: FaultEvent) -> bool:
        """True where not the allowance, but the doubt about the whole repetition kept a grade low."""
        rule = self.rule(event)
        if rule is None or event.allowance is None or event.grade > 1:
            return False
        return _grade_of(rule, event.value) > event.grade and not self._decisive(event)

    def _decisive(self, event: FaultEvent) -> float:
        """The allowance that kept an event from the grade of a threshold that its value passes, else 0."""
        rule = self.rule(event)
        if rule is None or _grade_of(rule, event.value) <= event.grade:
            return 0.0
        if event.allowance is not None:
            passed = abs(abs(event.value) - list(rule.grades)[event.grade])
            return event.allowance if passed < event.allowance + _ROUNDED else 0.0
        # Judged before allowances were told: only times had one, their error.
        whole = self.phase_s(rule)
        return self._timing_error_s / whole if rule.kind == "duration" and whole else 0.0

    def error(self, event: FaultEvent, table: MeasureTable | None = None) -> str:
        """How far a fault's value is typically off, as found in validation; "" where that is not known."""
        rule = self.rule(event)
        if rule is None or rule.kind == "peaks":
            return ""
        if rule.kind == "duration":
            return say("findings.error", amount=pointed(f"{self._timing_error_s:g} s"))
        name = self.measure(event, table)
        measure = self.definition.measures[name]
        error = measure.usual_error(self.view)
        if error is None:
            return ""
        amount = value_text(error, measure.unit)
        if measure.unit == event.unit:
            return say("findings.error_here", amount=amount)
        return say("findings.error_in", amount=amount, measure=in_sentence(short_title(measure.title)))

    def source(self, fault: str) -> str:
        """Where a fault's thresholds come from, in words; what a clinic wrote there itself, as it is."""
        known = self.definition.faults.get(fault)
        text = known.source if known is not None else ""
        labels = set(_LABEL.findall(text))
        if not labels and not text.startswith("spec "):
            return text
        parts = []
        if names := [name for label, name in published().items() if label in labels]:
            parts.append(say("findings.source.published", names="; ".join(names)))
        elif "GK" in labels:
            parts.append(say("findings.source.general"))
        if "D" in labels or not parts:
            parts.append(say(f"findings.source.{'chosen_too' if parts else 'chosen'}"))
        return " ".join(parts)

    def thresholds(self, measure: str, faults: Mapping[str, FaultInfo] | None = None) -> list[Threshold]:
        """Fixed values of a measure from which faults have a grade.

        Args:
            measure: its name.
            faults: what was found; only of those checked then. None: of all.
        """
        out = []
        for name, fault in self.definition.faults.items():
            if faults is not None and not (name in faults and faults[name].checked):
                continue
            for rule in fault.rules:
                if measure in rule.measures and (rule.views is None or self.view in rule.views):
                    for grade in GRADES:
                        out += [Threshold(name, fault.title, grade, v) for v in rule_levels(rule, grade)]
        return out

    def _asked_for(self, rule: Rule) -> bool:
        return (rule.phase or "lower") in self.prescribed

    def phase_s(self, rule: Rule) -> float | None:
        """How long the phase that a rule is about should last, seconds; None where nobody says."""
        tempo = self.definition.tempo
        return {"rise": tempo.rise_s, "hold": tempo.hold_s}.get(rule.phase or "lower", tempo.lower_s)

    @property
    def _timing_error_s(self) -> float:
        errors = self.definition.gates.timing_error_s
        return errors.get(self.view, max(errors.values()))

    # -- what was not looked at ---------------------------------------------------------------------------

    def seen_from(self, fault: str) -> tuple[str, ...]:
        """Views in which this fault is judged, the best one first; none for what no camera can show."""
        return seen_from(self.definition, fault)

    def unseen_here(self) -> tuple[str, ...]:
        """Titles of the faults that have rules, but not for what this view shows."""
        return tuple(
            fault.title
            for name, fault in self.definition.faults.items()
            if fault.rules and not fault.prescribed and self.view not in self.seen_from(name)
        )

    def why(self, fault: str, info: FaultInfo) -> str:
        """Why a fault was not checked, as the end of "not checked: …"; "" where it was."""
        if info.checked:
            return ""
        if info.reason != "prescribed" and fault in self.definition.faults and not self.seen_from(fault):
            return never()
        return reason_word(info.reason)

    def how(self, fault: str, info: FaultInfo) -> str:
        """What would have to change for a fault that was not checked to be seen; "" where nothing helps."""
        known, places = self.definition.faults.get(fault), self.seen_from(fault)
        if info.checked or known is None or not places:
            return ""
        if info.reason in CURED_BY_CAMERA and self.view not in places:
            place = self.definition.views[places[0]]
            return say("findings.seen_elsewhere", view=place.title, setup=place.setup)
        if info.reason == "fps":
            return say("findings.more_pictures", fps=f"{self.definition.gates.fps_min_tempo:g}")
        if info.reason == "no_prescription":
            march = any(rule.kind == "march" for rule in known.rules)
            return say("findings.once_march" if march else "findings.once_time")
        if info.reason == "occluded" and self._on_the_far_leg(fault):
            return say("findings.other_leg", leg=self.definition.side_is)
        return said_of("findings.cure.").get(info.reason or "", "")

    def _on_the_far_leg(self, fault: str) -> bool:
        if self.view != "side" or not self.definition.has_side:
            return False
        hidden = formulas(self.definition).ON_THE_LEG
        return any(m in hidden for rule in self.definition.faults[fault].rules for m in rule.measures)

    def not_checked(self, faults: Mapping[str, FaultInfo]) -> list[NotChecked]:
        """Faults that were not checked, by reason and by what would help; what never can be seen last."""
        groups: dict[tuple[str, str], list[str]] = {}
        for name, info in faults.items():
            if not info.checked:
                groups.setdefault((self.why(name, info), self.how(name, info)), []).append(self.title(name))
        beside = [say(key) for name, key in _NEVER_BESIDE.items() if name in faults]
        if beside:
            groups.setdefault((never(), ""), []).extend(beside)
        hopeless = never()
        ranked = sorted(
            groups.items(), key=lambda item: (item[0][0] == hopeless, not item[0][1], -len(item[1]))
        )
        return [NotChecked(why, how, titles) for (why, how), titles in ranked]

    def measure_why(self, name: str, info: MeasureInfo) -> str:
        """Why a measure is uncertain or not measurable; else what saw it, where that is to be said."""
        known = self.definition.measures.get(name)
        if info.status == "ok" and known is not None and known.by_network(self.view) is not None:
            return say("findings.rendered_people")
        low = said_of("findings.reason_low.") if info.status == "low" else {}
        return ({**said_of("findings.reason."), **low}).get(info.reason or "", "")

    # -- over all repetitions -----------------------------------------------------------------------------

    def seen(self, summary: Summary) -> list[SeenFault]:
        """Faults that were seen, most frequent and worst first."""
        counted = len(counted_reps(summary.reps))
        out = []
        for name, info in summary.faults.items():
            events = [(rep, e) for rep in summary.reps for e in rep.faults if e.id == name]
            if not events:
                continue
            checked = info.reps_checked
            detail = say(
                f"findings.of_checked_{'one' if checked == 1 else 'many'}", n=info.reps_affected, of=checked
            )
            by_eye = all(event.unit == BY_EYE for _, event in events)
            if checked < counted:
                detail = say("findings.counted_beside", detail=detail, counted=counted)
                if by_eye and checked == info.reps_affected:  # looked for only where the physio saw it
                    detail = say("findings.in_by_eye", reps=times(info.reps_affected, "repetition"))
            worst = max((event for _, event in events), key=self.badness)
            out.append(
                SeenFault(
                    name,
                    self.limited_title(name),
                    self.wording(name, by_eye=by_eye),
                    detail,
                    info.worst_grade,
                    _at_most(info),
                    listing(list(dict.fromkeys(rep.name for rep, _ in events if rep.number is not None))),
                    self.grades(worst, [event for _, event in events if event is not worst]),
                )
            )
        return sorted(out, key=lambda found: (-summary.faults[found.fault].reps_affected, -found.grade))

    def clear(self, summary: Summary) -> list[tuple[str, list[str]]]:
        """In how many repetitions, in words, and titles of faults that were looked for there and not seen."""
        total = len(counted_reps(summary.reps))
        groups: dict[int, list[str]] = {}
        found = {event.id for rep in summary.reps for event in rep.faults}
        for name, info in summary.faults.items():
            if info.checked and name not in found:
                groups.setdefault(info.reps_checked, []).append(self.limited_title(name))
        return [
            (_all_of(total) if count == total else say("findings.in_part", n=count, of=total), titles)
            for count, titles in sorted(groups.items(), reverse=True)
        ]

    def verdict(self, summary: Summary) -> list[str]:
        """What was seen, in a few plain sentences; the first says so where nothing could be checked."""
        counts = class_counts(summary.reps)
        counted = counts["full"] + counts["partial"]
        covered = coverage(summary.faults)
        out = [_counted_text(counts)]
        if counted and not covered.checked:
            out = [say("findings.nothing_checked", counted=out[0].removesuffix("."))]
        if others := not_counted(counts):
            out.append(say("findings.not_counted", others=others))
        if not counted:
            return out
        groups: dict[str, list[str]] = {}
        affected = [(name, summary.faults[name]) for name in covered.faulty]
        for name, info in sorted(affected, key=lambda item: (-item[1].reps_affected, -item[1].worst_grade)):
            groups.setdefault(self._where(summary, name, info, counted), []).append(
                f"{in_sentence(self.title(name))} ({_at_most(info)}{self._by_default(name)})"
            )
        out += [say("findings.seen_in", where=w, titles=listing(titles)) for w, titles in groups.items()]
        if not covered.faulty and covered.checked:
            out.append(plural("findings.none_seen", covered.checked))
        return out

    def unknown(self, summary: Summary) -> list[str]:
        """A sentence that names some of what was not checked; none where all was, or nothing was counted."""
        names = [in_sentence(self.title(name)) for name in coverage(summary.faults).unseen]
        if not names or not counted_reps(summary.reps):
            return []
        return [say("findings.not_checked", titles=listing(names, 5))]

    # -- what the physio said -----------------------------------------------------------------------------

    def ruling(self, ruling: Ruling) -> str:
        """Who ruled what about a finding, and when: ``Rejected by A. Meyer on 2026-11-29 18:40``."""
        kind = "regraded" if ruling.kind == "graded" and ruling.found is not None else ruling.kind
        said = say(
            f"findings.ruling.{kind}",
            by=ruling.by or say("findings.ruling.physio"),
            was=grade_word(ruling.found.grade) if ruling.found is not None else "",
            grade=grade_word(ruling.grade or 0),
        )
        if not ruling.on:
            return said
        return say("findings.ruling.on", said=said, on=ruling.on[:16].replace("T", " "))

    def _by_default(self, fault: str) -> str:
        known = self.definition.faults.get(fault)
        default = known is not None and any(
            rule.kind == "duration" and not self._asked_for(rule) for rule in known.rules
        )
        return say("findings.by_default") if default else ""

    def _where(self, summary: Summary, name: str, info: FaultInfo, counted: int) -> str:
        """In which repetitions a fault was seen."""
        if info.reps_affected == info.reps_checked == counted:
            return _all_of(counted)
        events = [(rep.name, e) for rep in counted_reps(summary.reps) for e in rep.faults if e.id == name]
        which = [rep for rep, _ in events]
        key = "findings.in_some_checked" if info.reps_checked < counted else "findings.in_some"
        where = say(key, n=info.reps_affected, of=info.reps_checked)
        alone = info.reps_affected == info.reps_checked < counted
        if alone and all(event.unit == BY_EYE for _, event in events):  # only where the physio saw it
            where = say("findings.in_by_eye", reps=times(info.reps_affected, "repetition"))
        if not 0 < len(which) <= 4:
            return where
        return say("findings.which_reps", where=where, reps=listing(which))


def findings_of(analysis: Analysis) -> Findings:
    """What is said of an analysis, in the language that is spoken now."""
    asked = prescribed_phases(analysis.prescription)
    return Findings(translated(analysis.definition, spoken()), analysis.summary.view.name, asked)


@lru_cache(maxsize=64)
def prescribed_phases(prescription: str) -> frozenset[str]:
    """Phases whose duration a prescription (TOML text, or "") asks for."""
    try:
        tempo = tomllib.loads(prescription).get("tempo")
    except ValueError:  # it comes out of a session made by anybody
        return frozenset()
    return frozenset(key.removesuffix("_s") for key in tempo) if isinstance(tempo, dict) else frozenset()


def not_counted(counts: Mapping[str, int]) -> str:
    """How many repetitions were not counted, and why, in words; "" for none."""
    return listing([say(f"findings.{c}", n=counts[c]) for c in ("aborted", "void") if counts[c]])


def worse_upwards(rule: Rule) -> bool:
    """True where a larger value is a worse one."""
    return rule.kind not in ("duration", "range")


def rule_levels(rule: Rule, grade: int = 1) -> list[float]:
    """Values of the rule's measure at which a grade begins; none for what is no value of a measure."""
    size = rule.grades[grade - 1]
    if rule.kind in ("hold", "rest"):
        return [] if rule.reference is None else [rule.reference - rule.sign * size]
    return {"above": [size], "below": [-size], "either": [size, -size]}.get(rule.kind, [])


def _grade_of(rule: Rule, value: float) -> int:
    """Grade 0 to 3 of a fault value by one rule."""
    if worse_upwards(rule):
        return sum(abs(value) >= g for g in rule.grades)
    return sum(value < g for g in rule.grades)


def seen_from(definition: Definition, fault: str) -> tuple[str, ...]:
    """The views from which a fault may be judged, the best one first; of an unknown fault none."""
    known = definition.faults.get(fault)
    if known is None or not known.rules:
        return ()
    signal = definition.measures[definition.counting.signal]
    asked = {v: [r for r in known.rules if r.views is None or v in r.views] for v in definition.views}
    views = [v for v, rules in asked.items() if rules and all(_judges(definition, r, v) for r in rules)]
    return tuple(sorted(views, key=lambda v: (v != known.best_view, signal.trust(v) != "ok")))


def _judges(definition: Definition, rule: Rule, view: str) -> bool:
    """May a rule that is asked there judge what is seen from a view? As `engine.faults` asks for it."""

    def trust(measure: str) -> str | None:
        return definition.measures[measure].trust(view)

    signal = definition.counting.signal
    if rule.kind == "duration":  # what is good enough to count by
        return trust(signal) is not None
    if rule.kind == "forced":
        return trust(signal) == "ok" and view in seen_from(definition, rule.with_fault or "")
    if rule.kind in ("range", "return", "sag", "peaks"):
        return trust(signal) == "ok"
    needed = rule.measures[:1] if rule.kind in ("hold", "rest", "settles") else rule.measures
    return all(trust(measure) == "ok" for measure in needed)


def _counted_text(counts: Mapping[str, int]) -> str:
    """How many repetitions there were, and of which kind."""
    counted = sum(counts[c] for c in COUNTED)
    if not sum(counts.values()):
        return say("findings.counted.none")
    if not counted:
        return say("findings.counted.no_full")
    if counted == counts["full"]:
        return say(f"findings.counted.full_{counted if counted < 3 else 'many'}", n=counted)
    kinds = ", ".join(say(f"findings.counted.{c}", n=counts[c]) for c in COUNTED if counts[c])
    return plural("findings.counted.kinds", counted, kinds=kinds)


def _all_of(count: int) -> str:
    return say(f"findings.all_of.{count if 0 < count < 3 else 'many'}", n=count)


def _at_most(info: FaultInfo) -> str:
    grade = grade_word(info.worst_grade)
    several = info.reps_affected > 1 and info.worst_grade > 1
    return say("findings.at_most", grade=grade) if several else grade
