"""What a physio changed about a session's result, and who the session is of."""

from __future__ import annotations

from dataclasses import dataclass

from formcheck.analysis.summary import FaultEvent


@dataclass(frozen=True)
class Ruling:
    """One finding in which the physio and the program do not say the same.

    Attributes:
        rep: number of the repetition; None between two.
        fault: its name.
        found: what the program found; None where it found nothing.
        grade: the grade that stands; None where the finding was rejected.
        time_s: when.
        note: what the physio wrote to it.
        by, on: who decided and when (ISO 8601); "" where it is not known.
    """

    rep: int | None
    fault: str
    found: FaultEvent | None
    grade: int | None
    time_s: float
    note: str = ""
    by: str = ""
    on: str = ""

    @property
    def kind(self) -> str:
        """``rejected``, ``graded`` or ``added``."""
        return "rejected" if self.grade is None else "graded" if self.found is not None else "added"


@dataclass(frozen=True)
class Shown:
    """A moment that the physio speaks of, to be shown to the patient.

    Attributes:
        id: of the note.
        time_s: when it is.
        text: what is written of it; "" for nothing.
        drawing: what was drawn on its picture: lines of places in it, each from 0 to 1.
        sound: what is said of it: MP3 as base64; "" for nothing.
        seconds: how long that is.
    """

    id: str
    time_s: float
    text: str
    drawing: tuple[tuple[tuple[float, float], ...], ...] = ()
    sound: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a physio wrote about a session as a whole.

    Attributes:
        remarks: comments at a moment (seconds) or on the whole (None), in order.
        shown: the same moments, with what was drawn and said.
        quality: of performance, as rated, in words; "" where it was not.
        patient, recorded: whose session it is and when it was, where the physio said so.
        reviewers: who decided, in the order of their first decision.
        last_on: when the last decision was made, ISO 8601; "" where there is none or it is not known.
    """

    remarks: tuple[tuple[float | None, str], ...] = ()
    shown: tuple[Shown, ...] = ()
    quality: str = ""
    patient: str = ""
    recorded: str = ""
    reviewers: tuple[str, ...] = ()
    last_on: str = ""


@dataclass(frozen=True)
class Review(Written):
    """A physio's review of a session, beside the result that stands by it.

    Attributes:
        rulings: findings that were rejected, graded otherwise or added.
        undecided: findings that are neither accepted nor rejected.
        watched: counted repetitions that were watched as a whole, of `counted`.
        done: everything is decided and watched, or the physio said that it is enough.
    """

    rulings: tuple[Ruling, ...] = ()
    undecided: int = 0
    watched: int = 0
    counted: int = 0
    done: bool = False

    @property
    def begun(self) -> bool:
        """True once anything was decided, watched or written."""
        return bool(self.rulings or self.watched or self.done or self.remarks or self.quality or self.last_on)

    def of(self, kind: str) -> list[Ruling]:
        """Rulings of one kind: ``rejected``, ``graded`` or ``added``."""
        return [ruling for ruling in self.rulings if ruling.kind == kind]
