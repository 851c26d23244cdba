"""Events of a live session: everything that happened besides frames, in the order it happened.

Together with the stored landmarks they replay a session exactly: each is applied after the frame it was
given at (see `live_log.apply_event`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: kind: what its data holds.
KINDS: dict[str, str] = {
    "consent": "recording: video | skeleton | none",
    "settled": "answer: bool, did the pain of last time settle within 24 hours",
    "pain": "value: 0-10, set: number of the set just done, 0 before the first",
    "effort": "value: 0-10, set",
    "setup": "problem: id of what the set-up coach asks for, or null when all is well",
    "baseline": "view, side, yaw_deg: taken from the body lying still",
    "calibrated": "range: of the counting signal, its unit",
    "set_start": "set",
    "set_end": "set, reason: done | idle | key | pain | stop",
    "pause": "",
    "resume": "",
    "cue": "fault, text: a corrective cue as spoken",
    "say": "key, text: anything else spoken",
    "stop": "reason: pain | stop",
    "notice": "text: trouble with camera, sound or disk",
    "camera": "state: lost | back",
}


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes:
        time_s: on the clock of the frames.
        after_frame: index of the last frame dealt with before it; -1 before the first.
        kind: a key of `KINDS`.
        data: as described there.
    """

    time_s: float
    after_frame: int
    kind: str
    data: dict[str, Any] = field(default_factory=dict)
