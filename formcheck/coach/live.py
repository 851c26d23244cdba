"""`formcheck live`: camera, pose, engine, flow, voice, window and recorder put together.

Two threads. The pose thread takes the newest frame, estimates the pose, moves the engine and the flow, hands
messages to the voice and everything to the recorder. The main thread draws the newest moment and takes keys.
The flow is shared under a lock; nothing waits for the voice, the disk or the window.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from formcheck.analysis.events import Event
from formcheck.analysis.live_log import LiveLog, SessionFacts, apply_event, rep_under_way
from formcheck.analysis.summary import Summary
from formcheck.coach.flow import Flow
from formcheck.coach.live_view import body_of
from formcheck.coach.message import Say, Tone
from formcheck.coach.pages.draw import TURNING, WITH_PICTURE, Drawn, draw_page
from formcheck.coach.pages.turning import FACING, Turning
from formcheck.coach.pages.window import Click, Closed, Key, Screen
from formcheck.coach.voice.voice import Voice
from formcheck.engine.gesture import ArmUp
from formcheck.engine.live_engine import LiveEngine, LiveMoment
from formcheck.engine.start_position import position_check
from formcheck.errors import FormcheckError
from formcheck.phone.sample import Array as Samples
from formcheck.phone.sample import Arrival, PhoneSource, Sample
from formcheck.phone.worn import Upright
from formcheck.pose.engine import PoseEngine
from formcheck.pose.live import LivePose
from formcheck.pose.live_filter import Blend
from formcheck.pose.lying_joints import TOLD
from formcheck.session.folder import free_folder, practised_name
from formcheck.session.recorder import Recorder
from formcheck.session.schema import SessionMeta
from formcheck.version import __version__
from formcheck.video.file import Frame, turn_picture
from formcheck.video.light import image_light
from formcheck.video.live_source import LiveSource
from formcheck.video.switched_camera import SwitchedCamera

#: The light is looked at this often.
_LIGHT_EVERY_S = 1.0
#: Fewer frames than this looked at in a second, over so long without a gap: too few to judge timing by; and
#: with fewer than the second number repetitions fall through, because gaps are longer than what is bridged.
_LEAST_FPS, _COUNTS_FPS = 12.0, 5.0
_PACE_OVER_S = 5.0
#: While nothing moves the window is drawn this often.
_IDLE_DRAW_S = 0.1
#: So many pictures, and no fewer than the second number, tell how late they are shown now.
_LATELY, _LEAST_SHOWN = 60, 10


@dataclass(frozen=True)
class LiveOptions:
    """What the user asked for.

    Attributes:
        sessions: folder the session's folder is made in.
        patient: pseudonym, or None.
        blur_face: blur the face in stored video.
        high_contrast, stats: of the window.
        turns: its words turn for somebody who lies on the side.
        clip: the source is a clip, whose end ends the session.
        mute: no sound is wanted, so its absence is no trouble.
        declared_view: the person named the view.
        rotate: degrees clockwise by which the camera's picture is turned to stand upright.
    """

    sessions: Path
    patient: str | None = None
    blur_face: bool = False
    high_contrast: bool = False
    turns: bool = True
    stats: bool = False
    clip: bool = False
    mute: bool = False
    declared_view: bool = False
    rotate: int = 0


class Pace:
    """How many frames are really looked at: dropped ones do not count."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def trouble(self, time_s: float) -> str | None:
        """One more frame; what is wrong where the last five seconds, all of the session, had too few."""
        self._times.append(time_s)
        while time_s - self._times[0] > _PACE_OVER_S:
            self._times.popleft()
        span_s = time_s - self._times[0]
        if span_s <= 0.8 * _PACE_OVER_S:
            return None
        fps = (len(self._times) - 1) / span_s
        return "misses" if fps < _COUNTS_FPS else "too_slow" if fps < _LEAST_FPS else None


@dataclass
class Latency:
    """Figures of a live session, all in milliseconds."""

    shown: deque[float]
    cued: deque[float]
    frames: int = 0

    @property
    def lately_ms(self) -> float | None:
        """From capture to shown, the middle of the last ones; None before there are some."""
        shown = list(self.shown)[-_LATELY:]
        return float(np.median(shown)) if len(shown) >= _LEAST_SHOWN else None

    def line(self, dropped: int) -> str:
        """One line for the window."""

        def p95(of: deque[float]) -> str:
            return f"{np.percentile(of, 95):.0f} ms" if of else "–"

        share = dropped / max(self.frames + dropped, 1)
        return (
            f"capture → shown p95 {p95(self.shown)}   fault → cue p95 {p95(self.cued)}   "
            f"frames {self.frames}, dropped {dropped} ({share:.1%})"
        )


@dataclass(frozen=True)
class LiveResult:
    """What a live session left.

    Attributes:
        summary: of the session, the last one of a programme's day; None when no camera frame was ever
            looked at.
        folder: where it was recorded, or None.
        stats: line of latency figures.
        problem: why recording stopped, or "".
        earlier: folders of the sessions recorded before it, of the same day.
    """

    summary: Summary | None
    folder: Path | None
    stats: str
    problem: str
    earlier: tuple[Path, ...] = ()


@dataclass(frozen=True)
class _Judged:
    """What the first camera frame starts.

    Attributes:
        began_s: its time on the camera's clock, where the session's clock starts at 0.
        engine: judges the frames.
        log: what the session amounts to.
        recorder: None where nothing is kept.
        first: number of its first frame among all frames.
        dropped: frames that had been dropped before it.
        phone_off_s: what to add to the phone's times to have them on the session's clock.
    """

    began_s: float
    engine: LiveEngine
    log: LiveLog
    recorder: Recorder | None
    first: int = 0
    dropped: int = 0
    phone_off_s: float = 0.0


@dataclass(frozen=True)
class _Left:
    """A session that is over, and the thread that finishes its recording."""

    summary: Summary
    recorder: Recorder | None
    closing: threading.Thread | None


@dataclass(frozen=True)
class _Told:
    """What the flow has been told of camera, light and trouble.

    Attributes:
        camera: state of the source.
        lit_s: when the light was last looked at.
        troubles: each is told once.
        problem: why nothing could be recorded from the start, or "".
    """

    camera: str = "running"
    lit_s: float = -np.inf
    troubles: frozenset[str] = frozenset()
    problem: str = ""


@dataclass(frozen=True)
class _OnScreen:
    """What the window shows: the drawn page, and the moment that is in it."""

    drawn: Drawn | None = None
    moment: LiveMoment | None = None


class LiveSession:
    """Runs one live session from the first page to the last.

    Args:
        flow: the flow, in the patient's language.
        open_camera: opens the source; called when the camera is first wanted, never before consent.
        engine: pose engine.
        voice, window: where messages and pages go.
        options: see `LiveOptions`.
        keep: called now and then, and at the end, to keep what has been done so far.
        phone: a phone in the waistband, or None.
    """

    def __init__(
        self,
        flow: Flow,
        open_camera: Callable[[], LiveSource],
        engine: PoseEngine,
        voice: Voice,
        window: Screen,
        options: LiveOptions,
        keep: Callable[[], None] | None = None,
        phone: PhoneSource | None = None,
    ) -> None:
        self._flow = flow
        self._phone = phone
        self._upright = Upright()  # on the phone's clock, through all parts of a day
        self._keep = keep
        self._open_camera = open_camera
        self._engine = engine
        self._pose = LivePose(engine)
        self._blend, self._arms, self._turning = Blend(), ArmUp(), Turning()
        self._voice = voice
        self._window = window
        self._options = options
        self._begun_s = time.monotonic()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._fresh = threading.Event()
        self._other_camera = threading.Event()  # is asked for
        # Each replaced as a whole, under the lock where both threads use it.
        self._camera: LiveSource | None = None
        self._rotate = options.rotate
        self._judged: _Judged | None = None
        self._left: list[_Left] = []
        self._zero_s: float | None = None  # of the flow's clock, on the camera's
        self._waiting: tuple[Event, ...] = ()  # for the log, until there is one
        self._told = _Told()
        self._latest: tuple[Frame, LiveMoment] | None = None
        self._error: BaseException | None = None
        self._on_screen = _OnScreen()
        self._pace = Pace()
        self.latency = Latency(deque(maxlen=3000), deque(maxlen=300))

    @contextmanager
    def _telling(self, frame: Frame | None = None) -> Iterator[Flow]:
        """The flow, to be told something; what follows from it happens before anything else is told.

        Otherwise a key pressed after one frame would reach the engine after the next, and the session could
        not be replayed.
        """
        with self._lock:
            yield self._flow
            self._hand_on(frame)

    # --- the main thread ----------------------------------------------------------------------------

    def run(self) -> LiveResult:
        """Show pages until the session is over; Ctrl-C ends it as closing the window does.

        Raises:
            FormcheckError: the camera cannot be opened, and the user gave up on it.
        """
        worker = threading.Thread(target=self._work, name="pose", daemon=True)
        worker.start()
        try:
            while not self._flow.over and self._error is None:
                self._show()
                self._inputs()
                self._keep_now()
                if self._flow.ending_s is not None and self._clock() > self._flow.ending_s:
                    break
        except KeyboardInterrupt:
            pass
        finally:
            self._stop.set()
            worker.join()  # each of its steps comes to an end; left behind, it would use what is closed below
            self._keep_now()
        return self._finish()

    def _keep_now(self) -> None:
        if self._keep is None:
            return
        try:
            self._keep()
        except FormcheckError as error:
            with self._telling():
                self._told = replace(self._told, problem=str(error))
                self._trouble("disk_full")

    def _show(self) -> None:
        self._fresh.wait(_IDLE_DRAW_S)
        self._fresh.clear()
        with self._telling() as flow:
            if not flow.camera_wanted:
                flow.tick(self._clock())
            page, plan, marks = flow.page(), flow.plan, flow.marks()
            latest = self._latest if flow.camera_wanted else None
            reference = self._judged.engine.reference if self._judged is not None else None
        frame = moment = None
        if latest is not None and page.kind in WITH_PICTURE:
            frame, moment = latest
            assert plan is not None
            page = replace(page, body=body_of(replace(moment, ongoing=marks), reference, plan.definition))
        if self._options.stats and page.kind in WITH_PICTURE:
            dropped = self._camera.dropped if self._camera is not None else 0
            page = replace(page, stats=self.latency.line(dropped))
        picture = frame.image if frame is not None else None
        contrast = self._options.high_contrast
        before = self._on_screen.moment
        turn = self._turning.turn if self._options.turns and page.kind in TURNING else 0
        drawn = draw_page(page, picture, self._window.size, high_contrast=contrast, turn=turn)
        self._window.show(drawn.image)
        self._on_screen = _OnScreen(drawn, moment if moment is not None else before)
        if frame is not None and self._camera is not None and moment is not before:
            self.latency.shown.append(1000 * (self._camera.now_s() - frame.time_s))

    def _inputs(self) -> None:
        drawn = self._on_screen.drawn
        for event in self._window.events():
            with self._telling() as flow:
                if isinstance(event, Closed):
                    flow.press("s")
                    flow.press("esc")
                    flow.press("esc")
                elif isinstance(event, Key) and event.name == "r" and flow.step == "setup":
                    self._rotate = (self._rotate + 180) % 360  # by a quarter its size would change
                elif isinstance(event, Key) and event.name == "c" and flow.step == "setup":
                    self._other_camera.set()
                elif isinstance(event, Key):
                    flow.press(event.name)
                elif isinstance(event, Click):
                    choice = drawn.choice_at(event.x, event.y) if drawn is not None else None
                    if choice is not None:
                        flow.choose(choice)

    def _clock(self) -> float:
        """Time on the session's clock; the machine's while there is no camera yet."""
        if self._camera is None or self._zero_s is None:
            return time.monotonic() - self._begun_s
        return self._camera.now_s() - self._zero_s

    # --- the pose thread ----------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                if not self._flow.camera_wanted:
                    self._stop.wait(0.03)
                elif self._camera is None:
                    self._open()
                else:
                    self._next_frame(self._camera)
        except BaseException as error:
            self._error = error
        finally:
            if self._camera is not None:
                self._camera.close()

    def _open(self) -> None:
        camera = self._open_camera()
        if isinstance(camera, SwitchedCamera):
            with self._telling() as flow:
                flow.pictures_from(camera.which)
        try:
            camera.open()
        except FormcheckError as error:
            # Somebody is on the mat by now: it can be plugged in and tried again.
            with self._telling() as flow:
                flow.no_camera(str(error))
            return
        self._camera = camera

    def _change_camera(self, camera: LiveSource) -> None:
        self._other_camera.clear()
        if not isinstance(camera, SwitchedCamera):
            return
        try:
            camera.change()
        except FormcheckError:
            with self._telling() as flow:
                flow.camera_changed(None)
            return
        self._rotate, self._told = 0, replace(self._told, camera="running")
        self._engine.reset()  # the body is elsewhere in this picture
        self.latency.shown.clear()
        with self._telling() as flow:
            flow.camera_changed(camera.which)

    def _next_frame(self, camera: LiveSource) -> None:
        if self._other_camera.is_set():
            self._change_camera(camera)
        frame = camera.latest(0.1)
        if not self._flow.judging:
            frame = None  # between two exercises people get up and turn over
        if frame is not None:
            self._look_at(replace(frame, image=turn_picture(frame.image, self._rotate)))
        with self._telling() as flow:
            if frame is None:
                flow.tick(self._clock())
            self._watch(camera)
        self._fresh.set()

    def _look_at(self, frame: Frame) -> None:
        if self._judged is None:
            with self._telling() as flow:
                flow.restart_clock()
                self._begin(frame)
        judged = self._judged
        assert judged is not None
        setting_up = judged.engine.stage in ("setup", "still")
        result = self._pose.estimate(frame, setting_up=setting_up)
        time_s, index = frame.time_s - judged.began_s, self.latency.frames - judged.first
        self.latency.frames += 1
        seen = self._blend(result, time_s, index, (frame.image.shape[1], frame.image.shape[0]))
        with self._telling(frame) as flow:
            if setting_up and time_s - self._told.lit_s >= _LIGHT_EVERY_S:
                self._told = replace(self._told, lit_s=time_s)
                flow.light(image_light(frame.image))
                if isinstance(self._camera, SwitchedCamera):
                    flow.pictures_from(self._camera.which, self.latency.lately_ms)
            self._hear_phone(judged, index)
            moment = judged.engine.update(seen)
            rep = judged.log.frame(seen, moment)
            if judged.recorder is not None:
                judged.recorder.frame(seen, moment, rep_under_way(judged.log, moment), frame.image)
                if rep is not None:
                    judged.recorder.rep(rep)
            flow.frame(moment)
            if self._faces_the_screen(judged):
                self._turning.update(time_s, moment.xy)
            if moment.baseline is not None and self._pose.own_joints:
                self._take(Event(time_s, index, "notice", {"text": TOLD}), judged)
            if moment.baseline is not None and (late_ms := self.latency.lately_ms) is not None:
                self._take(Event(time_s, index, "shown", {"after_ms": round(late_ms)}), judged)
            if raised := self._arms.update(seen):
                flow.arm_up(both=raised == "both")
            if (trouble := self._pace.trouble(time_s)) is not None:
                self._trouble(trouble)
            self._latest = (frame, moment)

    def _faces_the_screen(self, judged: _Judged) -> bool:
        """Whether somebody lies on the side with the screen before the eyes."""
        plan, reference = self._flow.plan, judged.engine.reference
        assert plan is not None
        view = reference.view if reference is not None else (*plan.views, "")[0]
        return judged.engine.definition.posture.startswith("side_lying") and view in FACING

    def _hear_phone(self, judged: _Judged, index: int) -> None:
        """What has come from the phone by now belongs before this frame, live and in a replay."""
        samples = self._phone.take() if self._phone is not None else None
        if samples is None or not len(samples):
            return
        self._tell_phone(judged, index, samples)
        for row in samples:
            self._upright.add(row)

    def _tell_phone(self, judged: _Judged, index: int, samples: Samples) -> None:
        if not len(samples) or not judged.engine.definition.phone_worn:
            return
        samples = samples.copy()
        samples[:, Sample.TIME_S] += judged.phone_off_s
        judged.engine.phone(samples)
        if judged.recorder is not None:
            judged.recorder.phone(Arrival(index - 1, samples))

    def _begin(self, frame: Frame) -> None:
        """The first frame: engine, log and recorder start, on a clock that starts at 0."""
        flow, options = self._flow, self._options
        assert flow.plan is not None
        definition = flow.plan.definition
        weights = dict(self._engine.model_sha256)
        if definition.reads_lying:
            weights |= self._pose.read_lying()
        if definition.own_joints is not None and self._engine.name == "blazepose-onnx":
            weights |= self._pose.read_joints(definition.own_joints, definition.frees_a_leg)
        facts = SessionFacts(
            started=datetime.now().astimezone().isoformat(timespec="seconds"),
            patient=options.patient,
            language=flow.words.language,
            consent=flow.consent or "none",
            sets=flow.plan.sets,
            reps=flow.plan.reps,
            source=self._source_name(),
            engine=self._engine.name,
            model=self._engine.model,
            device=self._engine.device,
            views=flow.plan.views,
            declared_view=options.declared_view,
        )
        side = flow.plan.side
        self._zero_s = frame.time_s
        self._blend, self._arms, self._turning = Blend(), ArmUp(), Turning()
        if self._left:
            self._engine.reset()  # the body lies elsewhere now: it is looked for in the whole picture
        self._judged = _Judged(
            frame.time_s,
            LiveEngine(definition, position_check(definition, side, flow.plan.views), side=side),
            LiveLog(definition, facts),
            self._record(frame, facts, weights) if facts.consent != "none" else None,
            self.latency.frames,
            self._camera.dropped if self._camera is not None else 0,
            self._phone_off_s(frame.time_s),
        )
        # Who stood before an earlier part of the day need not get up again.
        self._tell_phone(self._judged, 0, self._upright.samples)
        if not (self._voice.working or options.mute):
            self._trouble("no_sound")  # told here, because the pages before have no room for it
        waiting, self._waiting = self._waiting, ()
        for event in waiting:
            # What was answered before the camera came on happened before the first frame.
            self._take(replace(event, time_s=0.0, after_frame=-1), self._judged)

    def _source_name(self) -> str:
        if self._options.clip:
            return "clip"
        by_phone = isinstance(self._camera, SwitchedCamera) and self._camera.which == "phone"
        return "phone" if by_phone else "camera"

    def _phone_off_s(self, began_s: float) -> float:
        if self._phone is None or self._camera is None:
            return 0.0
        return self._camera.now_s() - self._phone.now_s() - began_s

    def _record(self, frame: Frame, facts: SessionFacts, weights: dict[str, str]) -> Recorder | None:
        plan = self._flow.plan
        assert plan is not None
        definition = plan.definition
        meta = SessionMeta(
            formcheck=__version__,
            created=facts.started,
            source=facts.source,
            image_wh=(frame.image.shape[1], frame.image.shape[0]),
            exercise=definition.name,
            side=plan.side,
            view="unknown",
            engine=facts.engine,
            model=facts.model,
            model_sha256=weights,
            measures=tuple(definition.measures),
            primary=definition.counting.signal,
            overrides=plan.prescription,
            live=json.dumps(asdict(facts)),
            declared_side=plan.side,
        )
        folder = self._options.sessions / practised_name(datetime.now(), definition.name)
        try:
            recorder = Recorder(
                free_folder(folder),
                meta,
                definition,
                video=facts.consent == "video",
                blur_face=self._options.blur_face,
            )
        except FormcheckError as error:
            self._told = replace(self._told, problem=str(error))
            self._trouble("disk_full")
            return None
        self._flow.recorded_as(recorder.folder.name)
        return recorder

    def _watch(self, camera: LiveSource) -> None:
        """Tell the flow of trouble with camera and disk."""
        state, before = camera.state, self._told.camera
        if state != before:
            self._told = replace(self._told, camera=state)
            if state == "lost":
                self._flow.camera("lost")
            elif state == "ended":
                self._flow.source_ended()
            elif before == "lost":
                self._flow.camera("back")
        recorder = self._judged.recorder if self._judged is not None else None
        if recorder is not None and recorder.problem:
            self._trouble("disk_full")

    def _trouble(self, key: str) -> None:
        """Told once."""
        if key not in self._told.troubles:
            self._told = replace(self._told, troubles=self._told.troubles | {key})
            self._flow.trouble(key)

    # --- both, under the lock -----------------------------------------------------------------------

    def _hand_on(self, frame: Frame | None = None) -> None:
        """Hand on what the flow gives out."""
        for message in self._flow.take_messages():
            if isinstance(message, Tone):
                self._voice.play(message)
            elif isinstance(message, Say):
                self._voice.say(message)
                if message.fault is not None and frame is not None and self._camera is not None:
                    self.latency.cued.append(1000 * (self._camera.now_s() - frame.time_s))
            self._flow.spoken(message)
        for event in self._flow.take_events():
            if self._judged is None:
                self._waiting += (event,)
            else:
                self._take(event, self._judged)
                if event.kind == "part_over":
                    self._leave(self._judged)

    def _leave(self, judged: _Judged, *, complete: bool = True) -> None:
        """A session is over; its recording is finished while the next one goes on."""
        fps = self._camera.fps if self._camera is not None else 0.0
        dropped = self._camera.dropped - judged.dropped if self._camera is not None else 0
        summary = judged.log.summary(fps=fps, dropped=dropped, complete=complete)
        closing = None
        if judged.recorder is not None:
            closing = threading.Thread(target=judged.recorder.finish, args=(summary,), name="finish")
            closing.start()
        self._left.append(_Left(summary, judged.recorder, closing))
        self._judged = None

    def _take(self, event: Event, judged: _Judged) -> None:
        rep = apply_event(event, judged.engine, judged.log)
        if judged.recorder is not None:
            if rep is not None:
                judged.recorder.rep(rep)
            judged.recorder.event(event)

    def _finish(self) -> LiveResult:
        """Close everything; whatever went wrong, what was recorded is finished first."""
        with self._telling():
            pass  # what a Ctrl-C left over
        with ExitStack() as stack:
            for close in (self._window.close, self._voice.close, self._pose.close):
                stack.callback(close)
            if self._judged is not None:
                self._leave(self._judged, complete=self._error is None)
            for left in self._left:
                if left.closing is not None:
                    left.closing.join()
        if self._error is not None:
            raise self._error
        recorders = [left.recorder for left in self._left if left.recorder is not None]
        last = self._left[-1] if self._left else None
        own = last.recorder if last is not None else None
        return LiveResult(
            summary=last.summary if last is not None else None,
            folder=own.folder if own is not None else None,
            stats=self.latency.line(self._camera.dropped if self._camera is not None else 0),
            problem=next((r.problem for r in recorders if r.problem), self._told.problem),
            earlier=tuple(r.folder for r in recorders if r is not own),
        )
