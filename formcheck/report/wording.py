"""Sentences that every report has."""

from __future__ import annotations

from formcheck.analysis.phrases import listing, times
from formcheck.analysis.rulings import Review

#: Spec 7.7, word for word.
NOTICE = (
    "formcheck is practice and review software. It estimates movement from a camera, can be wrong, and is "
    "not a medical device. It does not diagnose, treat or monitor any condition and must not be used to "
    "decide treatment. Follow your clinician’s advice. In an emergency call your local emergency number."
)
METHOD = (
    "Body points are estimated from each picture by a neural network; angles and heights are worked out "
    "from them in the picture plane. The thresholds are defaults chosen for practice and review, most "
    "without a published value, and a clinician may change them. A grade is given once the value passes its "
    "threshold by 0.43 standard deviations of its error: the chance that it is truly beyond it is then two "
    "in three or more. Clothing, a second person, a camera that stands high or at an angle, and hidden "
    "joints all make errors larger. How long the phases last is judged only where somebody prescribed it. "
    "The curve of the lower back, the ribs, the tilt of the pelvis and which muscles work cannot be seen by "
    "this method from any position."
)
#: Above what was not checked.
UNKNOWN = "Nothing is known about these. They may or may not have happened."
#: Above the findings in which physio and program do not say the same.
RULINGS = (
    "The result on the first page is what stands by these decisions. What formcheck found before them is "
    "kept here and in the session."
)
#: Under the pictures.
PICTURES = (
    "Green: what is measured. Blue: other points that were seen. Grey and dashed: not to be trusted here. "
    "Rings: the finding, one ring for each grade."
)
#: Under the table of repetitions.
REPETITIONS = (
    "“–” means not measurable. “Seen” is the share of the repetition in which the signal could be measured."
)


def reviewed_text(review: Review) -> str:
    """Who reviewed a session, when, and how far; ``not yet: this is the program’s own result``."""
    if not review.begun:
        return "not yet: this is the program’s own result"
    who = f"by {listing(list(review.reviewers))}" if review.reviewers else "by the physio"
    when = f", {moment(review.last_on)}" if review.last_on else ""
    missing = [times(review.undecided, "finding") + " undecided"] if review.undecided else []
    if review.watched < review.counted and not review.done:
        missing.append(f"{review.watched} of {times(review.counted, 'repetition')} watched")
    return f"{who}{when}{' (' + ', '.join(missing) + ')' if missing else ''}"


def moment(iso: str) -> str:
    """Day and minute of an ISO 8601 time."""
    return iso[:16].replace("T", " ")
