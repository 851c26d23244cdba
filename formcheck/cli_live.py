"""The command `formcheck live`: its options, and what is printed when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from formcheck.exercises.definition import EXERCISES


def live(
    exercise: Annotated[
        str | None,
        typer.Argument(help=f"{', '.join(EXERCISES)}. Left out, you choose on the screen."),
    ] = None,
    side: Annotated[
        str | None,
        typer.Option(
            help="left or right: the working leg (on the side: the top one; one-leg bridge: the lower one)."
        ),
    ] = None,
    view: Annotated[
        str | None,
        typer.Option(help="Ask for this camera position, e.g. side or feet. Default: any that shows enough."),
    ] = None,
    prescription: Annotated[
        Path | None, typer.Option(help="A TOML file: sets, repetitions, tempo, targets, own thresholds.")
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            help="Camera number (0, 1 …), device (/dev/video0), or the address of a phone on your home "
            "network (http://… MJPEG, rtsp://…). Default: the first camera."
        ),
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="Play a video file as if it were the camera, in real time.")
    ] = None,
    sets: Annotated[int | None, typer.Option(min=1, max=20, help="Number of sets. Default: 3.")] = None,
    reps: Annotated[
        int | None, typer.Option(min=1, max=100, help="Repetitions of a set. Default: 10.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder in which sessions are kept, a folder each.")
    ] = None,
    patient: Annotated[
        str | None, typer.Option(help="A pseudonym, kept in the session (never in a file's name).")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of voice and screen: en or de.")] = "en",
    model: Annotated[str, typer.Option(help="Pose model: full, lite, or one added yourself.")] = "full",
    mute: Annotated[bool, typer.Option("--mute", help="No voice and no sounds.")] = False,
    speech_log: Annotated[
        Path | None, typer.Option(help="Write every sentence and sound with its time to this file (JSON).")
    ] = None,
    blur_face: Annotated[bool, typer.Option("--blur-face", help="Blur the face in recorded video.")] = False,
    high_contrast: Annotated[bool, typer.Option("--high-contrast", help="Stronger contrast.")] = False,
    windowed: Annotated[
        bool, typer.Option("--windowed", help="A window instead of the full screen.")
    ] = False,
    stats: Annotated[bool, typer.Option("--stats", help="Show latency and dropped frames.")] = False,
) -> None:
    """Exercise in front of the camera with a coach that counts and speaks.

    Nothing is recorded unless you agree on the first page. Space pauses, P says that it hurts, Esc stops.

    Example:  formcheck live bridge
    """
    from formcheck.live_start import LiveRequest, start_live
    from formcheck.paths import sessions_folder

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
            mute=mute,
            speech_log=speech_log,
            blur_face=blur_face,
            high_contrast=high_contrast,
            windowed=windowed,
            stats=stats,
        )
    )
    out_ = Console(highlight=False)
    if result.summary is not None and result.summary.live is not None:
        done = sum(s.reps_counted for s in result.summary.live.sets)
        out_.print(f"{done} repetitions in {len(result.summary.live.sets)} sets.")
    if result.problem:
        out_.print(f"Recording stopped early: {result.problem}")
    if result.folder is not None:
        out_.print(f"Session: {result.folder}", soft_wrap=True)
    else:
        out_.print("Nothing was recorded.")
    if stats:
        out_.print(result.stats)
