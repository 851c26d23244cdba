"""`Analysis`: everything known about one analysed video, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.rulings import Review
from formcheck.analysis.summary import Summary
from formcheck.engine.faults import FaultCheck
from formcheck.exercises.definition import Definition
from formcheck.measures.table import MeasureTable
from formcheck.pose.track import Track

PHASES = ("none", "rest", "rise", "hold", "lower", "lost")


def phases_in_words(phase: NDArray[np.uint8]) -> list[str]:
    """Indices into `PHASES` as words."""
    return [PHASES[i] for i in phase]


@dataclass(frozen=True)
class Analysis:
    """The result of `formcheck.analyze`, from which every output is written.

    Attributes:
        video: the file that was analysed.
        summary: the contract's summary.
        definition: the exercise definition used (thresholds, wording, cues).
        track: the exercising person in all T frames, as the pose model saw them.
        smooth_xy: ``(T, 33, 2)`` float32, pixels, zero-phase filtered: what is measured and drawn.
        measures: all measures, every frame.
        primary: name of the measure that counts repetitions.
        phase: ``(T,)`` uint8 index into `PHASES`.
        rep: ``(T,)`` int32, index of the repetition a frame belongs to, 0 between repetitions.
        model_sha256: hashes of the pose models that were used, by file name.
        prescription: text of the prescription file that was used, or empty.
        declared_side: the side the person named, or None where it was found.
        source_warnings: those of the summary's warnings that came from reading the video, and so cannot be
            found again in the landmarks.
        checks: for each repetition of the summary, the outcome of every fault by its name; empty in an
            analysis that was read back from a file.
        review: what a physio changed; the summary is then what stands (`formcheck.analysis.decisions`). None:
            the program's own result.
    """

    video: Path
    summary: Summary
    definition: Definition
    track: Track
    smooth_xy: NDArray[np.float32]
    measures: MeasureTable
    primary: str
    phase: NDArray[np.uint8]
    rep: NDArray[np.int32]
    model_sha256: dict[str, str] = field(default_factory=dict)
    prescription: str = ""
    declared_side: str | None = None
    source_warnings: tuple[str, ...] = ()
    checks: tuple[dict[str, FaultCheck], ...] = ()
    review: Review | None = None

    @property
    def phase_words(self) -> list[str]:
        """Phase of each frame as a word."""
        return phases_in_words(self.phase)
