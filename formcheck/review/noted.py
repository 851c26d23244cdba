"""A session with what the physio noted about it, and what the list shows of the two."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from formcheck.analysis.decisions import WhatStands, what_stands
from formcheck.analysis.findings import class_counts, counted_reps, coverage, grade_word
from formcheck.analysis.summary import Rep
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import EXERCISES, Definition, load_definition
from formcheck.session.folder import REVIEW
from formcheck.session.library import Card, printable, signature
from formcheck.session.notes import Item, Notes, decisions_of
from formcheck.words import retold, say, spoken, translated

TitlesOf = Callable[[str], tuple[dict[str, str], dict[str, str]]]


@dataclass(frozen=True)
class NotedSession:
    """A session's card with what the physio noted about it.

    Attributes:
        card: of the session.
        items: notes that stand.
        trouble: why the notes cannot be read, or None.
    """

    card: Card
    items: list[Item] = field(default_factory=list)
    trouble: str | None = None

    def one(self, kind: str) -> dict[str, Any]:
        """Data of the only item of a kind, empty if there is none."""
        return next((item.data or {} for item in self.items if item.kind == kind), {})

    @property
    def patient(self) -> str:
        """Pseudonym: the physio's word, else the session's own."""
        own = self.card.live.patient if self.card.live else None
        return printable(str(self.one("about").get("patient") or own or ""), 80)

    @property
    def date(self) -> str:
        """When it took place, ISO 8601."""
        return printable(str(self.one("about").get("recorded") or self.card.started), 40)

    @cached_property
    def standing(self) -> WhatStands:
        """What stands by the physio's decisions."""
        faults = self.card.summary.faults if self.card.summary is not None else {}
        return what_stands(self.card.reps, faults, decisions_of(self.items))

    def verdicts(self, rep: Rep) -> dict[str, str]:
        """Fault and verdict of each decided fault of a repetition."""
        return {
            str(d["fault"]): str(d["verdict"])
            for d in self._data("decision")
            if d["rep"] == rep.index and d["verdict"]
        }

    def added(self, rep: Rep) -> set[str]:
        """Faults of a repetition that only the physio saw."""
        by_eye = [look for look in self._data("look") if look["answer"] == "yes"]
        return {str(m["fault"]) for m in (*self._data("missed"), *by_eye) if m["rep"] == rep.index}

    def watched(self, rep: Rep) -> bool:
        """True for a repetition that was watched as a whole."""
        return any(r["rep"] == rep.index and r["done"] for r in self._data("reviewed"))

    def _data(self, kind: str) -> list[dict[str, Any]]:
        return [item.data for item in self.items if item.kind == kind and item.data is not None]


def with_notes(card: Card) -> NotedSession:
    """A card with its notes; notes that cannot be read cost nothing but themselves."""
    try:
        return NotedSession(card, Notes(card.folder.path).standing())
    except FormcheckError as error:
        return NotedSession(card, [], printable(str(error), 400))


class NotedSessions:
    """Sessions with their notes; those whose notes did not change are not read again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, NotedSession]] = {}

    def of(self, card: Card) -> NotedSession:
        """A card with its notes, see `with_notes`."""
        stamp = signature(card.folder.path / REVIEW)
        held = self._known.get(card.folder.key)
        if held is not None and held[0] == stamp and held[1].card is card:
            return held[1]
        noted = with_notes(card)
        self._known[card.folder.key] = (stamp, noted)
        return noted


def patient_key(patient: str) -> str:
    """What addresses a patient's page."""
    return hashlib.sha256(patient.encode()).hexdigest()[:16]


def library_row(reviewed: NotedSession, titles_of: TitlesOf | None = None) -> dict[str, Any]:
    """One session in the list.

    Args:
        reviewed: the session.
        titles_of: as `titles_of_exercise`, remembered over many rows.
    """
    card = reviewed.card
    base = {
        "key": card.folder.key,
        "name": card.folder.name,
        "problem": retold(card.problem) if card.problem else None,
    }
    if card.problem is not None or card.meta is None:
        return base | {"changed": card.changed}
    meta, stands = card.meta, reviewed.standing
    reps, review = stands.reps, stands.review
    named = counted_reps(reps)
    affected = [rep for rep in named if rep.faults]
    tally = Counter(event.id for rep in named for event in rep.faults)
    worst: dict[str, int] = {}
    for event in (event for rep in named for event in rep.faults):
        worst[event.id] = max(worst.get(event.id, 0), event.grade)
    gravest = sorted(tally, key=lambda name: (-worst[name], -tally[name]))
    live = card.live
    pain = [p for p in (live.pain_before, *(s.pain for s in live.sets)) if p is not None] if live else []
    titles, views = (titles_of or titles_of_exercise)(meta.exercise)
    covered = coverage(stands.faults)
    good, _, unseen = covered.of_reps(len(named), len(affected))
    attention = []
    if live and live.stopped:
        attention.append(say(f"review.attention.{'stopped_pain' if live.stopped == 'pain' else 'stopped'}"))
    if pain and max(pain) >= 6:
        attention.append(say("review.attention.pain", n=max(pain)))
    if live and live.settled is False:
        attention.append(say("review.attention.unsettled"))
    if not card.complete:
        attention.append(say(f"review.attention.{'broke_off' if card.summary is None else 'interrupted'}"))
    if not named:
        attention.append(say("review.attention.none_counted"))
    if reviewed.trouble:
        attention.append(say("review.attention.notes"))
    if card.damage:
        attention.append(say("review.attention.damaged"))
    return base | {
        "patient": reviewed.patient,
        "patient_key": patient_key(reviewed.patient) if reviewed.patient else "",
        "date": reviewed.date,
        "live": live is not None,
        "source": printable(meta.source, 80),
        "exercise": printable(meta.exercise, 60),
        "title": titles.get("", printable(meta.exercise, 60)),
        "side": meta.side if meta.side in ("left", "right") else None,
        "view": views.get(meta.view) or say("review.session.from_unknown"),
        "duration_s": card.summary.source.duration_s if card.summary else None,
        "counts": class_counts(reps),
        "affected": len(affected),
        "state": covered.state,
        "coverage": covered.text if stands.faults else "",
        "share_checked": covered.checked / max(covered.total, 1),
        "good": good,
        "unseen": unseen,
        "top_faults": [
            {
                "id": name,
                "title": titles.get(name, printable(name, 60)),
                "reps": tally[name],
                "grade": worst[name],
                "grade_word": grade_word(worst[name]),
            }
            for name in gravest[:3]
        ],
        "undecided": review.undecided,
        "watched": review.watched,
        "done": review.done,
        "rating": reviewed.one("rating").get("level"),
        "attention": attention,
    }


def shipped(exercise: str) -> Definition | None:
    """This formcheck's definition of an exercise, in the language that is spoken; None where it has none, or
    its file is damaged."""
    with suppress(FormcheckError):
        return translated(load_definition(exercise), spoken()) if exercise in EXERCISES else None
    return None


def titles_of_exercise(exercise: str) -> tuple[dict[str, str], dict[str, str]]:
    """Titles of an exercise (key: empty) and its faults, and of its views."""
    if (definition := shipped(exercise)) is None:
        return {}, {}
    faults = {name: fault.title for name, fault in definition.faults.items()}
    return {"": definition.title} | faults, {name: view.title for name, view in definition.views.items()}
