"""Plays sets to a `Policy` and keeps what it said: written tables in, a log out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from formcheck.coach.message import Message, Say, Tone
from formcheck.coach.mouth import spoken_s
from formcheck.coach.policy import Ongoing, Policy
from formcheck.engine.faults import Fault, FaultCheck
from formcheck.engine.repetition import RepTimes
from formcheck.engine.tracker import RepResult
from formcheck.exercises.definition import Definition, load_definition
from formcheck.words import Words

STEP_S = 0.1


@lru_cache(maxsize=4)
def definition_of(exercise: str) -> Definition:
    return load_definition(exercise)


def policy_for(exercise: str = "bridge", language: str = "en", **options: object) -> Policy:
    return Policy(definition_of(exercise), Words(language), **options)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Seen:
    """A fault in a repetition, as the rules would have found it."""

    grade: int = 0
    sure: float = 1.0
    held_s: float = 0.3
    checked: bool = True


@dataclass(frozen=True)
class Move:
    """One repetition of a scenario; every fault that is not named was checked and absent."""

    seen: Mapping[str, Seen] = field(default_factory=dict)
    rep_class: str = "full"
    rise_s: float = 1.5
    hold_s: float = 1.0
    lower_s: float = 1.5
    rest_s: float = 1.0

    def result(self, definition: Definition, start_s: float) -> RepResult:
        a, b = start_s + self.rise_s, start_s + self.rise_s + self.hold_s
        end = b + self.lower_s
        checks = {}
        for name in definition.faults:
            s = self.seen.get(name, Seen())
            fault = Fault(name, s.grade, 1.0, "", a, a + s.held_s, s.sure) if s.grade else None
            checks[name] = FaultCheck(s.checked, None if s.checked else "view", fault if s.checked else None)
        times = RepTimes(self.rep_class, start_s, a, b, end, (a + b) / 2, 1.0, 1.0, False, False, 0.0)
        return RepResult(times, checks)


@dataclass(frozen=True)
class Spoken:
    """One message of the log, and where it fell."""

    t: float
    message: Message
    phase: str
    rep: int  # repetitions done when it was given out

    @property
    def end(self) -> float:
        return self.t + (spoken_s(self.message.text) if isinstance(self.message, Say) else 0.0)


class Session:
    """Drives a policy frame by frame."""

    def __init__(self, policy: Policy, exercise: str = "bridge") -> None:
        self.policy = policy
        self.definition = definition_of(exercise)
        self.t = 0.0
        self.log: list[Spoken] = []
        self.done = 0
        self.phase = "rest"

    def keep(self, messages: Sequence[Message]) -> None:
        self.log += [Spoken(self.t, m, self.phase, self.done) for m in messages]

    def start(self, set_index: int) -> None:
        self.done = 0
        self.keep(self.policy.set_started(self.t, set_index))
        self.run("rest", 0.5)

    def end(self, reason: str = "done", rest_s: float = 12.0) -> None:
        self.keep(self.policy.set_ended(self.t, reason))
        self.run("rest", rest_s)

    def run(self, phase: str, seconds: float, ongoing: Mapping[str, tuple[int, float]] | None = None) -> None:
        """Frames of one phase; `ongoing` is fault -> (grade, seconds since when it lasts already)."""
        self.phase = phase
        begun = self.t
        under_way = {f: Ongoing(g, begun - lasted) for f, (g, lasted) in (ongoing or {}).items()}
        for i in range(round(seconds / STEP_S)):
            self.t = round(begun + i * STEP_S, 6)
            self.keep(self.policy.frame(self.t, phase, None, under_way))
        self.t = round(begun + seconds, 6)

    def rep(self, move: Move, in_hold: Mapping[str, tuple[int, float]] | None = None) -> None:
        start = self.t
        self.run("rise", move.rise_s)
        self.run("hold", move.hold_s, in_hold)
        self.run("lower", move.lower_s)
        self.done += move.rep_class in ("full", "partial")
        self.phase = "rest"
        self.keep(self.policy.rep_closed(self.t, self.done, move.result(self.definition, start)))
        self.run("rest", move.rest_s)

    def set(self, index: int, moves: Sequence[Move], reason: str = "done") -> None:
        self.start(index)
        for move in moves:
            self.rep(move)
        self.end(reason)

    # --- reading the log

    def says(self) -> list[Spoken]:
        return [entry for entry in self.log if isinstance(entry.message, Say)]

    def texts(self) -> list[str]:
        return [entry.message.text for entry in self.says()]  # type: ignore[union-attr]

    def cues(self) -> list[Spoken]:
        return [e for e in self.says() if e.message.fault is not None]  # type: ignore[union-attr]

    def tones(self) -> list[tuple[float, str]]:
        return [(e.t, e.message.name) for e in self.log if isinstance(e.message, Tone)]


def table(text: str) -> list[tuple[Move, list[str]]]:
    """Rows ``seen | said``: what a repetition showed, and all that is said until the next one closes.

    ``seen`` holds ``fault 2``, with ``?`` for unsure, ``!`` for held long; ``fault -`` was not checked;
    ``.`` is a clean repetition; a class other than full stands in parentheses.
    """
    rows = []
    for line in text.strip().splitlines():
        seen_text, said = (part.strip() for part in line.split("|"))
        seen, rep_class = {}, "full"
        for item in (part.strip() for part in seen_text.split(",")):
            if item.startswith("("):
                rep_class = item.strip("()")
            elif item != ".":
                name, grade = item.split()
                number = grade.rstrip("?!")
                seen[name] = Seen(
                    0 if number == "-" else int(number),
                    sure=0.7 if "?" in grade else 1.0,
                    held_s=0.9 if "!" in grade else 0.3,
                    checked=number != "-",
                )
        rows.append((Move(seen, rep_class), [part.strip() for part in said.split(" / ") if part.strip()]))
    return rows


def check_set(session: Session, index: int, text: str) -> None:
    """Play a table as one set and compare everything said, repetition by repetition, and the summary."""
    *rows, (_, summary) = table(text)
    before = len(session.says())
    session.start(index)
    marks = [len(session.says())]
    for move, _ in rows:
        session.rep(move)
        marks.append(len(session.says()))
    assert marks[0] == before
    # A sentence given out in a movement, before it closes, belongs to that repetition.
    for number, ((_, said), a, b) in enumerate(zip(rows, marks, marks[1:], strict=False), start=1):
        assert session.texts()[a:b] == said, f"repetition {number}"
    session.end()
    assert session.texts()[marks[-1] :] == summary, "summary"
