"""What the app starts in tests: `formcheck` with a clip as the camera, and a patient who answers.

    python exercise_on_clip.py play FILE --begin start …

Commands, flow, judging and what is kept are the real ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from clips_played import FPS, Clips, EachOnce, Reel
from live_session import Heard, Patient

import formcheck.coach.play
import formcheck.coach.start
from formcheck.cli.main import main
from formcheck.coach.live import LiveOptions, LiveSession
from formcheck.coach.start import live_engine

CLIP = Path(__file__).parents[2] / "videos" / "bridge_side.mp4"
#: Only the numbers are kept; pain 1 before and 2 after, effort 3.
KEYS = {
    "safety": "3", "agreed": "1", "pain_before": "1", "pain_after": "2", "effort": "3", "summary": "enter",
    "stopped": "enter",
}  # fmt: skip


def run_session(
    flow: Any, request: Any, patient: str | None, *, keep: Callable[[], None] | None = None, **more: Any
) -> Any:
    """As `formcheck.coach.start.run_session`, with the room replaced."""
    reel = Reel(CLIP)
    two = reel.cut(0, 10.3)  # good bridges, by their truth in tests/data: three to practise, one counts
    pictures = [*reel.still(4), *two, *two, *two]
    person = Patient(flow, KEYS)
    camera = Clips([i / FPS for i in range(len(pictures))], size=(640, 480), fps=FPS, pictures=pictures)
    camera.patient = person
    options = LiveOptions(request.sessions, patient=patient, clip=True)
    engine = EachOnce(live_engine("lite"))
    done = LiveSession(flow, lambda: camera, engine, Heard(), person, options, keep).run()
    if told := os.environ.get("TOLD"):
        Path(told).write_text(f"{flow.words.language} {' '.join(person.steps)}", encoding="utf-8")
    return done


formcheck.coach.play.run_session = formcheck.coach.start.run_session = run_session
if __name__ == "__main__":
    main()
