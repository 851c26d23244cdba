"""Sentences that every report has."""

from __future__ import annotations

from formcheck.analysis.phrases import listing, times
from formcheck.analysis.rulings import Review
from formcheck.words import say


def notice() -> str:
    """Spec 7.7, word for word, as patients read it before they begin."""
    return say("page.safety.line_20")


def reviewed_text(review: Review) -> str:
    """Who reviewed a session, when, and how far; ``not yet (this is the program’s own result)``."""
    if not review.begun:
        return say("report.not_yet")
    people = review.reviewers
    who = say("report.by", who=listing(list(people))) if people else say("report.by_physio")
    when = f", {moment(review.last_on)}" if review.last_on else ""
    missing = []
    if review.undecided:
        missing.append(say("report.undecided", findings=times(review.undecided, "finding")))
    if review.watched < review.counted and not review.done:
        reps = times(review.counted, "repetition")
        missing.append(say("report.watched", n=review.watched, reps=reps))
    return f"{who}{when}{' (' + ', '.join(missing) + ')' if missing else ''}"


def exercise_and_side(title: str, side: str | None) -> str:
    """What was done: ``Side-lying clam, left``."""
    return f"{title}, {say(f'findings.side.{side}')}" if side else title


def moment(iso: str) -> str:
    """Day and minute of an ISO 8601 time."""
    return iso[:16].replace("T", " ")
