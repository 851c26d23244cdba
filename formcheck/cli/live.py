"""The command `formcheck live`: its options, and what is printed when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formcheck.cli import room_options as room
from formcheck.errors import shown
from formcheck.exercises.definition import EXERCISES

_EXERCISE = "What to do"  # heading of the help


def live(
    exercise: Annotated[
        str | None,
        typer.Argument(help=f"{', '.join(EXERCISES)}. Left out, you choose on the screen."),
    ] = None,
    side: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_EXERCISE,
            help="left or right: the working leg (on the side: the top one; one-leg bridge: the lower one). "
            "If left out, it is recognised.",
        ),
    ] = None,
    sets: Annotated[
        int | None,
        typer.Option(rich_help_panel=_EXERCISE, min=1, max=20, help="Sets. Default: as prescribed, else 3."),
    ] = None,
    reps: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=_EXERCISE,
            min=1,
            max=100,
            help="Repetitions of a set. Default: as prescribed, else 10.",
        ),
    ] = None,
    prescription: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_EXERCISE,
            help="A TOML file from the physio: sets, repetitions, tempo, targets, own thresholds.",
        ),
    ] = None,
    view: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_EXERCISE,
            help="Ask for this camera position, e.g. side or feet. Default: any that shows enough.",
        ),
    ] = None,
    language: room.Language = "en",
    mute: room.Mute = False,
    high_contrast: room.HighContrast = False,
    keep_upright: room.KeepUpright = False,
    windowed: room.Windowed = False,
    camera: room.Camera = None,
    phone: room.Phone = False,
    phone_camera: room.PhoneCamera = False,
    rotate: room.Rotate = 0,
    out: room.Out = None,
    patient: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=room.KEPT, help="A pseudonym, kept in the session (never in a file's name)."
        ),
    ] = None,
    blur_face: room.BlurFace = False,
    model: room.Model = "full",
    device: room.Device = "cpu",
    source: room.Source = None,
    stats: room.Stats = False,
    speech_log: room.SpeechLog = None,
) -> None:
    """Exercise in front of the camera with a coach that counts and speaks.

    Nothing is recorded unless you agree, and until then the camera is off.
    Space pauses, P says that it hurts, H asks how it goes, Esc stops.

    Example:  formcheck live
              formcheck live bridge --sets 2 --reps 8
              formcheck live clam --phone
              formcheck live --phone-camera
              formcheck live --prescription P-07-bridge.toml --patient P-07
    """
    from formcheck.coach.start import LiveRequest, start_live
    from formcheck.files import sessions_folder

    result = start_live(
        LiveRequest(
            exercise=exercise,
            side=side,
            view=view,
            prescription=prescription,
            camera=camera,
            clip=source,
            sets=sets,
            reps=reps,
            sessions=out if out is not None else sessions_folder(),
            patient=patient,
            language=language,
            model=model,
            device=device,
            rotate=rotate,
            mute=mute,
            speech_log=speech_log,
            blur_face=blur_face,
            high_contrast=high_contrast,
            keep_upright=keep_upright,
            windowed=windowed,
            stats=stats,
            phone=phone,
            phone_camera=phone_camera,
        )
    )
    from rich.console import Console

    out_ = Console(highlight=False)
    if result.summary is not None and result.summary.live is not None:
        done = sum(s.reps_counted for s in result.summary.live.sets)
        sets_done = len(result.summary.live.sets)
        out_.print(f"{done} repetition{'s' * (done != 1)} in {sets_done} set{'s' * (sets_done != 1)}.")
    if result.problem:
        out_.print(f"Recording stopped early: {result.problem}", markup=False, soft_wrap=True)
    if result.folder is not None:
        out_.print(f"Session: {shown(result.folder)}", markup=False, soft_wrap=True)
    else:
        out_.print("Nothing was recorded.")
    if stats:
        out_.print(result.stats)
    if result.problem:
        raise typer.Exit(1)  # what was to be recorded is not
