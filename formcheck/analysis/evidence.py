"""All that a session is judged from, apart from the definition: of a recording, or of a live session."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.events import Event
from formcheck.analysis.live_log import SessionFacts
from formcheck.analysis.summary import PoseInfo, Source
from formcheck.phone.sample import Arrival
from formcheck.pose.track import Track


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What both kinds have.

    Attributes:
        track: the exercising person in all T frames.
        video: where the pictures are, or were.
        side: the side the person named, or None.
        complete: False when it was broken off.
        model_sha256: hashes of the pose models that were used, by file name.
        prescription: text of the prescription file that was used, or empty.
    """

    track: Track
    video: Path
    side: str | None = None
    complete: bool = True
    model_sha256: dict[str, str] = field(default_factory=dict)
    prescription: str = ""


@dataclass(frozen=True, kw_only=True)
class RecordedEvidence(Evidence):
    """A video that was looked at as a whole.

    Attributes:
        source: what is known of the video.
        pose: what is known of the pose stage; `frames_interpolated` tells which share of the frames was read.
        view: the view the person named, or None.
        warnings: what came up while the video was read.
    """

    source: Source
    pose: PoseInfo
    view: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LiveEvidence(Evidence):
    """A session that was coached live.

    Attributes:
        facts: what was known from its start.
        events: what happened besides frames, in order.
        frame: ``(T,)`` numbers of the frames.
        fps: frame rate of the camera as measured.
        dropped: frames that came and were never looked at.
        phone: what a phone in the waistband sent, in order; empty where none was worn.
    """

    facts: SessionFacts
    events: tuple[Event, ...]
    frame: NDArray[np.int64]
    fps: float
    dropped: int = 0
    phone: tuple[Arrival, ...] = ()
