"""`LiveLog`: what a live session amounts to, gathered frame by frame and event by event.

Live and replay feed the same log, so their summaries agree. It keeps repetitions and counts, never frames: an
hour takes no more memory than a minute.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from formcheck.analysis.events import Event
from formcheck.analysis.summarize import MeasureTally, fault_summary, rep_summary
from formcheck.analysis.summary import (
    CueGiven,
    DefinitionInfo,
    LiveInfo,
    PoseInfo,
    PracticeSet,
    Processing,
    Rep,
    Source,
    Summary,
    ViewInfo,
)
from formcheck.engine.live_engine import LiveEngine, LiveMoment
from formcheck.engine.repetition import COUNTED
from formcheck.engine.tracker import RepResult
from formcheck.exercises.definition import Definition
from formcheck.measures.reference import Reference
from formcheck.pose.live_filter import SeenFrame
from formcheck.version import __version__

Consent = Literal["video", "skeleton", "none"]


@dataclass(frozen=True)
class SessionFacts:
    """What is known of a live session from its start, besides the definition.

    Attributes:
        started: ISO 8601 with the offset from UTC.
        patient: pseudonym, or None.
        language: of what was said and shown.
        consent: what may be kept.
        sets, reps: prescribed.
        source: ``"camera"``, ``"phone"`` for a phone that is the camera, or ``"clip"``.
        engine, model: of the pose stage.
        views: views from which what is to be checked can be seen; other ones are asked to be changed.
        declared_view: whether the user named the view.
    """

    started: str
    patient: str | None
    language: str
    consent: Consent
    sets: int
    reps: int
    source: str
    engine: str
    model: str
    views: tuple[str, ...] = ()
    declared_view: bool = False
    device: str = "cpu"


def rep_under_way(log: LiveLog, moment: LiveMoment) -> int:
    """Number of the repetition that a frame belongs to, 0 between repetitions."""
    if moment.stage == "work" and moment.phase in ("rise", "hold", "lower"):
        return len(log.reps) + 1
    return 0


def apply_event(event: Event, practice: LiveEngine, log: LiveLog) -> Rep | None:
    """Apply an event to the engine and the log; the same for live and replay.

    Returns:
        A repetition that ending a set closed, or None.
    """
    closed: RepResult | None = None
    if event.kind == "own_range":
        practice.remember(event.data["view"], event.data["range"])
    elif event.kind == "set_start":
        practice.start_set()
    elif event.kind == "set_end":
        closed = practice.end_set()
    elif event.kind == "pause":
        practice.pause()
    elif event.kind == "resume":
        practice.resume()
    rep = log.rep(closed) if closed is not None else None
    log.event(event)
    return rep


@dataclass
class _Set:
    index: int
    start_s: float
    end_s: float | None = None
    pain: int | None = None
    effort: float | None = None


@dataclass
class LiveLog:
    """Gathers a live session.

    Args:
        definition: the exercise as judged.
        facts: what is known from the start.
        keep_frames: keep what the faults of each repetition were judged from, to judge them again.
    """

    definition: Definition
    facts: SessionFacts
    keep_frames: bool = False
    results: list[RepResult] = field(default_factory=list)
    reps: list[Rep] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tally = MeasureTally(list(self.definition.measures))
        self._sets: list[_Set] = []
        self._cues: list[CueGiven] = []
        self._pain_before: int | None = None
        self._settled: bool | None = None
        self._stopped: Literal["pain", "stop"] | None = None
        self._shown_after_ms: int | None = None
        self._frames = self._with_person = self._rejected = self._people = 0
        self._image_wh = (0, 0)
        self._end_s = 0.0
        self._reference: Reference | None = None

    def frame(self, seen: SeenFrame, moment: LiveMoment) -> Rep | None:
        """One frame with what it told; returns the repetition it closed."""
        self._frames += 1
        self._with_person += seen.image_xyz is not None
        self._rejected += seen.rejected
        self._people = max(self._people, seen.people_seen)
        self._image_wh = seen.image_wh
        self._end_s = seen.time_s
        if moment.baseline is not None:
            self._reference = moment.baseline
        if moment.row is not None and moment.stage == "work":
            self._tally.add(moment.row.status, moment.row.reason)
        return self.rep(moment.closed) if moment.closed is not None else None

    def rep(self, result: RepResult) -> Rep:
        """A repetition closed in a set."""
        rep = rep_summary(len(self.reps) + 1, result, self._sets[-1].index if self._sets else None)
        self.results.append(result if self.keep_frames else replace(result, frames=None))
        self.reps.append(rep)
        return rep

    def event(self, event: Event) -> None:
        """One event."""
        data = event.data
        if event.kind == "set_start":
            self._sets.append(_Set(int(data["set"]), event.time_s))
        elif event.kind == "set_end" and self._sets:
            self._sets[-1].end_s = event.time_s
        elif event.kind == "pain":
            if data["set"] == 0:
                self._pain_before = data["value"]
            elif self._sets:
                self._sets[-1].pain = data["value"]
        elif event.kind == "effort" and self._sets:
            self._sets[-1].effort = data["value"]
        elif event.kind == "settled":
            self._settled = data["answer"]
        elif event.kind == "stop":
            self._stopped = data["reason"]
        elif event.kind == "cue":
            self._cues.append(CueGiven(time_s=round(event.time_s, 3), fault=data["fault"], text=data["text"]))
        elif event.kind == "shown":
            self._shown_after_ms = data["after_ms"]
        elif event.kind == "notice":
            self.warnings.append(data["text"])

    def summary(self, *, fps: float = 0.0, dropped: int = 0, complete: bool = True) -> Summary:
        """The summary of what has been gathered so far.

        Args:
            fps: frame rate of the camera as measured.
            dropped: frames that came and were never looked at.
            complete: False for a session that was broken off.
        """
        reference, facts = self._reference, self.facts
        view = reference.view if reference is not None else "unknown"
        sets = [
            PracticeSet(
                index=s.index,
                start_s=round(s.start_s, 3),
                end_s=round(s.end_s, 3) if s.end_s is not None else None,
                prescribed_reps=facts.reps,
                reps_counted=sum(r.set_ == s.index and r.class_ in COUNTED for r in self.reps),
                pain=s.pain,
                effort=s.effort,
            )
            for s in self._sets
        ]
        return Summary(
            formcheck=__version__,
            source=Source(
                file=facts.source,
                width=self._image_wh[0],
                height=self._image_wh[1],
                fps=round(fps, 3),
                frames=self._frames,
                duration_s=round(self._end_s, 3),
            ),
            exercise=self.definition.name,
            side=reference.side if reference is not None and self.definition.has_side else None,  # type: ignore[arg-type]
            view=ViewInfo(
                name=view,  # type: ignore[arg-type]
                yaw_deg=round(reference.yaw_deg, 1) if reference is not None else None,
                declared=facts.declared_view,
            ),
            pose=PoseInfo(
                engine=facts.engine,
                model=facts.model,
                device=facts.device,
                frames_with_person=self._with_person,
                frames_rejected=self._rejected,
                people_seen_max=self._people,
            ),
            definition=DefinitionInfo(
                name=self.definition.name,
                version=self.definition.version,
                sha256=self.definition.sha256,
            ),
            complete=complete,
            measures=self._tally.info(self.definition, reference),
            reps=self.reps,
            faults=fault_summary(self.definition, self.results),
            warnings=list(dict.fromkeys(self.warnings)),
            processing=Processing(wall_s=0.0, realtime_factor=0.0, ms_per_frame={}),
            live=LiveInfo(
                started=facts.started,
                patient=facts.patient,
                language=facts.language,
                consent=facts.consent,
                prescribed_sets=facts.sets,
                prescribed_reps=facts.reps,
                sets=sets,
                pain_before=self._pain_before,
                settled=self._settled,
                cues=self._cues,
                stopped=self._stopped,
                dropped_frames=dropped,
                shown_after_ms=self._shown_after_ms,
            ),
        )
