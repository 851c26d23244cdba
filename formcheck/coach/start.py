"""Everything `formcheck live` decides before its first page: plan, history, model, voice, window."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from formcheck.analysis.summary import Summary
from formcheck.coach.flow import Flow
from formcheck.coach.history import mostly_right
from formcheck.coach.live import LiveOptions, LiveResult, LiveSession
from formcheck.coach.pages.window import LiveWindow, Screen
from formcheck.coach.plan import PastPractice, SessionPlan, wanted_views
from formcheck.coach.voice.voice import LoggedVoice, open_voice
from formcheck.engine.repetition import COUNTED
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import EXERCISES, load_definition
from formcheck.exercises.prescription import Prescription, check_request, check_rotate, load_prescription
from formcheck.phone.sample import PhoneSource
from formcheck.pose.engine import PoseEngine
from formcheck.session.library import past_summaries
from formcheck.video.capture import parse_address
from formcheck.video.file import VideoFile
from formcheck.video.live_source import LiveSource
from formcheck.video.open import open_source
from formcheck.video.switched_camera import SwitchedCamera
from formcheck.words import Words, translated


@dataclass(frozen=True, kw_only=True)
class RoomRequest:
    """What the command lines of `formcheck live` and `formcheck play` share; see their help for each."""

    camera: str | None
    clip: Path | None
    sessions: Path
    language: str
    model: str
    mute: bool
    speech_log: Path | None
    blur_face: bool
    high_contrast: bool
    windowed: bool
    stats: bool
    device: str = "cpu"
    rotate: int = 0
    keep_upright: bool = False
    phone: bool = False
    phone_camera: bool = False


@dataclass(frozen=True, kw_only=True)
class LiveRequest(RoomRequest):
    """The command line of `formcheck live`; see its help for each."""

    exercise: str | None
    side: str | None
    view: str | None
    prescription: Path | None
    sets: int | None
    reps: int | None
    patient: str | None


def start_live(request: LiveRequest) -> LiveResult:
    """Run a live session.

    Raises:
        FormcheckError: one sentence about what does not fit or is missing.
    """
    words = Words(request.language)
    prescription = load_prescription(request.prescription) if request.prescription is not None else None
    exercise = request.exercise or (prescription.exercise if prescription is not None else None)
    if exercise is not None:
        check_request(exercise, request.side, request.view, request.prescription)
    check_room(request)
    if request.phone and exercise is not None and not load_definition(exercise).takes_phone:
        raise FormcheckError(
            f"A phone in the waistband tells nothing of the exercise '{exercise}': leave --phone out."
        )

    def flow(worn: bool) -> Flow:
        return Flow(
            words,
            {name: translated(load_definition(name), request.language) for name in EXERCISES},
            lambda name: (plan_for(name, request, prescription, worn), history_of(request, name)),
            exercise,
        )

    with phones_brought(request, words) as brought:
        if brought is None:
            return LiveResult(summary=None, folder=None, stats="", problem="")
        return run_session(
            flow(brought.worn is not None),
            request,
            request.patient,
            declared_view=request.view is not None,
            brought=brought,
        )


@dataclass(frozen=True)
class Brought:
    """What was brought in before a session.

    Attributes:
        window: in which it was, or None where none is open yet.
        worn: the phone in the waistband, or None.
        camera: the phone that is the camera, or None.
    """

    window: Screen | None = None
    worn: PhoneSource | None = None
    camera: LiveSource | None = None


NOTHING_BROUGHT = Brought()


@contextmanager
def phones_brought(request: RoomRequest, words: Words) -> Iterator[Brought | None]:
    """The phones that were asked for, each brought in by a code in the window; None where that was left.

    A phone that somebody goes on without leaves no socket open, and nothing listens after the block.

    Raises:
        FormcheckError: see `open_to_phone`.
    """
    if not (request.phone or request.phone_camera):
        yield NOTHING_BROUGHT
        return
    with ExitStack() as sockets:
        yield _bring_in(request, words, sockets)


def _bring_in(request: RoomRequest, words: Words, sockets: ExitStack) -> Brought | None:
    # Imported here: a server is nothing that every session should wait for.
    from formcheck.coach.phone.camera_link import CameraLink
    from formcheck.coach.phone.link import PhoneLink
    from formcheck.coach.phone.pairing import bring_in
    from formcheck.coach.phone.pelvis_link import PelvisLink
    from formcheck.coach.phone.serve import open_to_phone

    camera = CameraLink(words) if request.phone_camera else None
    worn = PelvisLink(words) if request.phone else None
    asked: list[PhoneLink] = [link for link in (camera, worn) if link is not None]
    came: list[PhoneLink] = []
    window: Screen | None = None
    try:
        for link in asked:
            with ExitStack() as own:
                address = own.enter_context(open_to_phone(link))
                window = window or LiveWindow(windowed=request.windowed)
                there = bring_in(link, address, window, words, high_contrast=request.high_contrast)
                if there is None:
                    window.close()
                    return None
                if there:
                    came.append(link)
                    sockets.enter_context(own.pop_all())
    except BaseException:
        if window is not None:
            window.close()
        raise
    return Brought(
        window,
        worn if worn in came else None,
        camera.camera if camera is not None and camera in came else None,
    )


def check_room(request: RoomRequest) -> None:
    """See at once that the camera's turn and source make sense, though it is opened only after consent.

    Raises:
        FormcheckError: they do not.
    """
    check_rotate(request.rotate)
    if request.phone_camera and request.clip is not None:
        raise FormcheckError(
            "Give either a phone as the camera or a clip to play (--phone-camera or --source), not both."
        )
    if request.clip is not None:
        VideoFile(request.clip).close()
    elif request.camera is not None:
        parse_address(request.camera)


def run_session(
    flow: Flow,
    request: RoomRequest,
    patient: str | None,
    *,
    declared_view: bool = False,
    keep: Callable[[], None] | None = None,
    brought: Brought = NOTHING_BROUGHT,
) -> LiveResult:
    """Open window, voice and model, and run a flow from its first page to its last.

    Args:
        flow: what happens, in the patient's language.
        request: see `check_room`.
        patient: pseudonym, or None.
        declared_view, keep: see `LiveOptions` and `LiveSession`.
        brought: phones, and the window that is open already.
    """
    window = brought.window if brought.window is not None else LiveWindow(windowed=request.windowed)
    voice = open_voice(request.language, request.mute)
    if request.speech_log is not None:
        voice = LoggedVoice(voice, request.speech_log)
    options = LiveOptions(
        sessions=request.sessions,
        patient=patient,
        blur_face=request.blur_face,
        high_contrast=request.high_contrast,
        turns=not request.keep_upright,
        stats=request.stats,
        clip=request.clip is not None,
        mute=request.mute,
        declared_view=declared_view,
        rotate=request.rotate if brought.camera is None else 0,
    )
    engine = live_engine(request.model, request.device)

    def computer() -> LiveSource:
        return open_source(request.camera, request.clip)

    def camera() -> LiveSource:
        return (
            SwitchedCamera(brought.camera, computer, request.rotate)
            if brought.camera is not None
            else computer()
        )

    return LiveSession(flow, camera, engine, voice, window, options, keep, brought.worn).run()


def live_engine(model: str, device: str = "cpu") -> PoseEngine:
    """The pose engine for live use: one thread, so that drawing and recording have the other core."""
    from formcheck.pose.blazepose import BlazePose

    engine = BlazePose(model, threads=1, device=device)
    if engine.device_note:
        print(engine.device_note, file=sys.stderr)
    return engine


def plan_for(
    exercise: str, request: LiveRequest, prescription: Prescription | None, worn: bool = False
) -> SessionPlan:
    """What to do in this session: the prescription, else three sets of ten (spec 2).

    `worn`: with a phone in the waistband.
    """
    definition = check_request(exercise, request.side, request.view, request.prescription)
    definition = definition.with_phone() if worn else definition
    asked = prescription if prescription is not None else Prescription()
    return SessionPlan(
        translated(definition, request.language),
        sets=request.sets or asked.sets,
        reps=request.reps or asked.reps,
        rest_s=asked.rest_s,
        focus_fault=asked.focus_fault,
        views=wanted_views(definition, request.view, asked.focus_fault),
        side=request.side,
        prescription=request.prescription.read_text(encoding="utf-8") if request.prescription else "",
    )


def history_of(request: LiveRequest, exercise: str, today: date | None = None) -> PastPractice:
    """What earlier sessions of this person with this exercise say."""
    past = sorted(
        (
            s
            for s in past_summaries(request.sessions)
            if s.live is not None and s.live.patient == request.patient
        ),
        key=lambda s: s.live.started if s.live is not None else "",
    )
    if not past:
        return PastPractice()
    last = past[-1].live
    assert last is not None
    on = (today or date.today()).isoformat()
    # Where no set was begun, how it is done may not have been heard to its end.
    done = {
        s.live.started[:10] for s in past if s.exercise == exercise and s.live is not None and s.live.sets
    }
    pains = [last.pain_before, *(s.pain for s in last.sets)]
    return PastPractice(
        sessions=sum(s.exercise == exercise and _went_well(s) for s in past),
        had_pain=any(pain for pain in pains if pain is not None),
        days=len(done - {on}),
        today=on in done,
    )


def _went_well(summary: Summary) -> bool:
    """Had few of a session's counted repetitions something wrong that is spoken of?"""
    definition = load_definition(summary.exercise)
    spoken_of = {name for name, fault in definition.faults.items() if fault.cue}
    counted = [rep for rep in summary.reps if rep.class_ in COUNTED]
    wrong = sum(
        any(f.id in spoken_of and f.grade >= definition.feedback.speak_grade for f in rep.faults)
        for rep in counted
    )
    return mostly_right(len(counted), wrong)
