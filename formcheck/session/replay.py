"""Replays a recorded live session: the stored landmarks and events through the same engine again.

The same definition gives exactly what was shown live; a changed one gives what would have been shown.
"""

from __future__ import annotations

from pathlib import Path

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.judge import judge
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import Definition
from formcheck.session.load import evidence_of
from formcheck.session.reader import Session, open_session


def replay_file(path: str | Path, definition: Definition | None = None) -> Analysis:
    """`replay` of a session's folder or file.

    Raises:
        FormcheckError: see `open_session` and `replay`.
    """
    with open_session(path) as session:
        return replay(session, definition)


def replay(session: Session, definition: Definition | None = None) -> Analysis:
    """Run a live session again.

    Args:
        session: an open live session.
        definition: another definition to judge by; the stored one if None.

    Returns:
        Everything about the session, as `formcheck.analyze` gives it for a recording.

    Raises:
        FormcheckError: it is not a live session, or it is damaged.
    """
    if not session.is_live:
        raise FormcheckError(f"{session.path} is an analysed recording, not a live session.")
    return judge(evidence_of(session), definition if definition is not None else session.definition)
