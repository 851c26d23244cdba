"""A stored session judged by one set of thresholds after another, without looking at the video."""

from __future__ import annotations

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.judge import Memory, judge
from formcheck.exercises.definition import Definition
from formcheck.session.load import evidence_of
from formcheck.session.reader import Session


class WhatIf:
    """Judges one session by any definition of its exercise.

    The first answer takes as long as judging the session again does. After it, thresholds, tempo and targets
    of faults are answered in milliseconds, since nothing is measured or counted anew for them.

    Args:
        session: open; read once, here.

    Raises:
        FormcheckError: the session is damaged, or its analysis was killed before it ended.
    """

    def __init__(self, session: Session) -> None:
        self._evidence = evidence_of(session)
        self._memory = Memory()

    def judge(self, definition: Definition) -> Analysis:
        """The session by this definition."""
        return judge(self._evidence, definition, self._memory)
