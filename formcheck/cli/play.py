"""The command `formcheck play`: its options, and what is printed when it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from formcheck.cli import room_options as room
from formcheck.errors import shown


def play(
    programme: Annotated[
        Path | None,
        typer.Argument(help="The .formcheck file from the physio. Left out, the one played last."),
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
    blur_face: room.BlurFace = False,
    model: room.Model = "full",
    device: room.Device = "cpu",
    source: room.Source = None,
    stats: room.Stats = False,
    speech_log: room.SpeechLog = None,
    begin: Annotated[
        str | None,
        typer.Option(hidden=True, help="start, carry_on or again: what was chosen on the app's page Today."),
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
            begin=begin,
            camera=camera,
            clip=source,
            sessions=out if out is not None else sessions_folder(),
            language=language,
            model=model,
            mute=mute,
            speech_log=speech_log,
            blur_face=blur_face,
            high_contrast=high_contrast,
            keep_upright=keep_upright,
            windowed=windowed,
            stats=stats,
            device=device,
            rotate=rotate,
            phone=phone,
            phone_camera=phone_camera,
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
