"""The command `formcheck play`: its options, and what is printed when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formcheck.errors import shown

# Headings of the help.
_ROOM = "Camera, voice and screen"
_KEPT = "What is kept"
_TRYING = "Slower computers, and trying things out"


def play(
    programme: Annotated[
        Path | None,
        typer.Argument(help="The .formcheck file from the physio. Left out, the one played last."),
    ] = None,
    language: Annotated[
        str, typer.Option(rich_help_panel=_ROOM, help="Language of voice and screen: en or de.")
    ] = "en",
    mute: Annotated[
        bool, typer.Option("--mute", rich_help_panel=_ROOM, help="No voice and no sounds.")
    ] = False,
    high_contrast: Annotated[
        bool, typer.Option("--high-contrast", rich_help_panel=_ROOM, help="Stronger contrast.")
    ] = False,
    windowed: Annotated[
        bool,
        typer.Option("--windowed", rich_help_panel=_ROOM, help="A window instead of the full screen."),
    ] = False,
    camera: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_ROOM,
            help="Camera number, device, or address of a phone, as in formcheck live. Default: the first.",
        ),
    ] = None,
    rotate: Annotated[
        int,
        typer.Option(
            rich_help_panel=_ROOM,
            help="Turn the camera's picture clockwise by 90, 180 or 270 degrees.",
        ),
    ] = 0,
    out: Annotated[
        Path | None, typer.Option(rich_help_panel=_KEPT, help="Folder in which sessions are kept.")
    ] = None,
    blur_face: Annotated[
        bool, typer.Option("--blur-face", rich_help_panel=_KEPT, help="Blur the face in recorded video.")
    ] = False,
    model: Annotated[
        str,
        typer.Option(rich_help_panel=_TRYING, help="Pose model: full, lite, or one added yourself."),
    ] = "full",
    device: Annotated[
        str,
        typer.Option(
            rich_help_panel=_TRYING,
            help="What runs the model: auto, cpu, cuda, coreml, directml or openvino.",
        ),
    ] = "cpu",
    source: Annotated[
        Path | None,
        typer.Option(rich_help_panel=_TRYING, help="Play a video file as if it were the camera."),
    ] = None,
    stats: Annotated[
        bool,
        typer.Option("--stats", rich_help_panel=_TRYING, help="Show latency and dropped frames."),
    ] = False,
    speech_log: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_TRYING,
            help="Write every sentence and sound with its time to this file, a JSON object a line.",
        ),
    ] = None,
) -> None:
    """Do today's exercises of a programme from the physio, all in one go.

    Shows what is planned for today, then coaches one exercise after the other.
    Broken off, it goes on where it stopped when it is started again that day.

    Example:  formcheck play my-programme.formcheck
              formcheck play
    """
    from rich.console import Console

    from formcheck.coach.day import titled
    from formcheck.coach.play import PlayRequest, start_play
    from formcheck.exercises.definition import load_definition
    from formcheck.files import sessions_folder
    from formcheck.words import Words

    day, result = start_play(
        PlayRequest(
            programme=programme,
            camera=camera,
            clip=source,
            sessions=out if out is not None else sessions_folder(),
            language=language,
            model=model,
            mute=mute,
            speech_log=speech_log,
            blur_face=blur_face,
            high_contrast=high_contrast,
            windowed=windowed,
            stats=stats,
            device=device,
            rotate=rotate,
        )
    )
    out_ = Console(highlight=False)
    for part in day.parts:
        title = titled(Words(), load_definition(part.exercise).title, part.side)
        out_.print(f"{title}: {part.counted} of {part.asked}.", markup=False, soft_wrap=True)
    if result.problem:
        out_.print(f"Recording stopped early: {result.problem}", markup=False, soft_wrap=True)
    for folder in [*result.earlier, *([result.folder] if result.folder is not None else [])]:
        out_.print(f"Session: {shown(folder)}", markup=False, soft_wrap=True)
    if day.kept == "none":
        out_.print("Nothing was recorded.")
    if stats:
        out_.print(result.stats)
