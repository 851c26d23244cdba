"""Events of a live session: everything that happened besides frames, in the order it happened.

Together with the stored landmarks they replay a session exactly: each is applied after the frame it was
given at (see `live_log.apply_event`).
"""

from __future__ import annotations

import math
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
    "own_range": "view, range: practised before, of the counting signal, its unit; holds in that view",
    "set_start": "set",
    "set_end": "set, reason: done | idle | key | pain | stop",
    "pause": "",
    "resume": "",
    "cue": "fault, text: a corrective cue as spoken",
    "say": "key, text: anything else spoken",
    "stop": "reason: pain | stop",
    "notice": "text: trouble with camera, sound or disk",
    "camera": "state: lost | back",
    "phone": "state: whether the phone in the waistband tells anything, see formcheck.phone.worn.Worn; or "
    "the camera that is used from now on, phone | computer",
    "shown": "after_ms: how long after it was taken a picture was on the screen, while setting up",
    "part_over": "exercise, side: what the programme's day goes on with; the last event",
}


#: What the engine and the log read of an event's data, by kind.
_READ: dict[str, dict[str, tuple[type, ...]]] = {
    "settled": {"answer": (bool, type(None))},
    "pain": {"value": (int, type(None)), "set": (int,)},
    "effort": {"value": (int, float, type(None)), "set": (int,)},
    "own_range": {"view": (str,), "range": (int, float)},
    "set_start": {"set": (int,)},
    "cue": {"fault": (str,), "text": (str,)},
    "notice": {"text": (str,)},
    "shown": {"after_ms": (int,)},
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


def check_event(event: Event) -> Event:
    """The event itself, once it is clear that the log can take it: a stored one may be anybody's.

    Raises:
        ValueError: it cannot.
    """
    needed = _READ.get(event.kind, {})
    good = math.isfinite(event.time_s) and all(
        k in event.data and isinstance(event.data[k], t) for k, t in needed.items()
    )
    numbers = [v for v in event.data.values() if isinstance(v, (int, float))]
    if not good or not all(abs(n) < 1e9 for n in numbers):
        raise ValueError(f"event {event.kind}")
    if event.kind == "stop" and event.data.get("reason") not in ("pain", "stop"):
        raise ValueError("reason of a stop")
    return event
