"""Commands on what is already stored, and on many videos: rescore, export, batch, sessions."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from formcheck.cli.keep_delete import sessions_app
from formcheck.errors import FormcheckError, shown
from formcheck.words import DEFAULT, speaking

WrittenLanguage = Annotated[str, typer.Option("--language", help="Language of what is written: en or de.")]


def register(app: typer.Typer) -> None:
    """Adds the commands of this module to the program."""
    app.command()(rescore)
    app.command()(export)
    app.command()(batch)
    app.add_typer(sessions_app, name="sessions")


def rescore(
    sessions: Annotated[list[Path], typer.Argument(help="Session folders, or their session.sqlite.")],
    definition: Annotated[
        Path | None,
        typer.Option(help="A TOML file laid over the exercise's definition: your own thresholds."),
    ] = None,
    prescription: Annotated[
        Path | None,
        typer.Option(help="A prescription that takes the place of the one the session was stored with."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the sessions as judged now, each in a folder of its own name."),
    ] = None,
    in_place: Annotated[
        bool,
        typer.Option("--in-place", help="Replace the sessions themselves. Otherwise they stay as they are."),
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            min=0, show_default=False, help="Sessions at a time. Default: one for each processor core."
        ),
    ] = 0,
    json_: Annotated[
        bool, typer.Option("--json", help="Print changes and new summaries as JSON, nothing else.")
    ] = False,
) -> None:
    """Judge stored sessions again by other thresholds, without their videos.

    Prints what has changed for each repetition and fault. Without --out and
    --in-place nothing is written.

    Example:  formcheck rescore bridge.formcheck --definition strict.toml
              formcheck rescore kept/*.formcheck --in-place --jobs 8
    """
    from formcheck.batch.rescore_many import Order, rescore_many
    from formcheck.session.rescore import Yardstick

    if out is not None and in_place:
        raise FormcheckError("Say either --out, to write elsewhere, or --in-place, to replace the sessions.")
    yardstick = Yardstick(definition, prescription)
    yardstick.check()
    places = _places(sessions, out)
    orders = [Order(path, yardstick, place, in_place) for path, place in zip(sessions, places, strict=True)]
    told: list[dict[str, Any]] = []
    judged = failed = 0
    stopped = False
    try:
        for done in rescore_many(orders, jobs):
            if done.error is not None:
                if len(sessions) == 1:
                    raise FormcheckError(done.error)
                failed += 1
                print(done.error, file=sys.stderr)
                continue
            judged += 1
            for note in done.notes:
                print(note, file=sys.stderr)
            if json_:
                told.append({"session": shown(done.path), "changes": done.changes, "summary": done.summary})
                continue
            some = f"{len(done.changes)} changed" if done.changes else "nothing has changed"
            lines = (f"  {line}" for line in done.changes)
            print(f"{shown(done.path)}: {some}", *lines, sep="\n", flush=True)
    except KeyboardInterrupt:
        stopped = True
        print(
            f"Stopped: {judged} of {len(sessions)} sessions were judged, the others are as they were.",
            file=sys.stderr,
        )
    if json_:
        print(json.dumps(told, indent=1))
    if stopped:
        raise typer.Exit(130)
    if failed:
        raise FormcheckError(f"{failed} of {len(sessions)} sessions could not be judged again.")


def export(
    session: Annotated[Path, typer.Argument(help="A session's folder, or its session.sqlite.")],
    to: Annotated[str, typer.Option(help="csv, json, trc or mot (OpenSim), mp4, film, pdf or html.")],
    out: Annotated[
        Path | None, typer.Option(help="The file to write. Default: export.<format> in the session's folder.")
    ] = None,
    rep: Annotated[
        str | None, typer.Option(help="Only this repetition: 2, or 1.2 for the second of set 1.")
    ] = None,
    fault: Annotated[
        str | None, typer.Option(help="Only the worst occurrence of this fault, e.g. feet_separate.")
    ] = None,
    video: Annotated[
        Path | None, typer.Option(help="The session's video, where it is not in the session's folder.")
    ] = None,
    decimal_comma: Annotated[
        bool,
        typer.Option(
            "--decimal-comma", help="CSV for a spreadsheet set to German, French and the like: 1,5; 2,5."
        ),
    ] = False,
    blur_face: Annotated[bool, typer.Option("--blur-face", help="Blur the face in a film.")] = False,
    language: WrittenLanguage = DEFAULT,
) -> None:
    """Write a stored session as a report, a clip, or for another program.

    Example:  formcheck export bridge.formcheck --to pdf
              formcheck export bridge.formcheck --to mp4 --rep 2
              formcheck export bridge.formcheck --to film --blur-face
    """
    from formcheck.report.export import export_session
    from formcheck.session.reader import open_session

    with open_session(session) as opened, speaking(language):
        done = export_session(
            opened,
            to.lower(),
            out,
            rep=rep,
            fault=fault,
            video=video,
            decimal_comma=decimal_comma,
            blur_face=blur_face,
        )
    for note in done.notes:
        print(note, file=sys.stderr)
    print(shown(done.path))


def batch(
    source: Annotated[
        Path,
        typer.Argument(help="A folder of videos, or a CSV list: video, exercise, side, prescription."),
    ],
    exercise: Annotated[
        str | None,
        typer.Option(
            "--exercise", "-e", help="Exercise of all videos, or of those for which the list does not say."
        ),
    ] = None,
    side: Annotated[
        str | None, typer.Option(help="left or right, likewise. If left out, it is recognised.")
    ] = None,
    prescription: Annotated[Path | None, typer.Option(help="A prescription, likewise.")] = None,
    jobs: Annotated[
        int,
        typer.Option(
            min=0, show_default=False, help="Videos at a time. Default: one for each processor core."
        ),
    ] = 0,
    cluster: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, e.g. tcp://192.168.1.10:8786.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for results and tables. Default: beside the videos.")
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Also draw each video and write its report.")
    ] = False,
    engine: Annotated[str, typer.Option(help="Pose engine: blazepose-onnx or mediapipe.")] = "blazepose-onnx",
    model: Annotated[str, typer.Option(help="Pose model: lite, full, or one added yourself.")] = "full",
    device: Annotated[
        str, typer.Option(help="What runs the model: auto, cpu, cuda, coreml, directml or openvino.")
    ] = "cpu",
) -> None:
    """Analyse many videos, and go on where an earlier run ended.

    A video is skipped when its result is there and was made by the same
    formcheck, engine, weights and definition. At the end all videos and
    repetitions are in batch_videos.csv and batch_reps.csv (and as Parquet
    where pyarrow is installed).

    Example:  formcheck batch recordings/ --exercise bridge --out results
              formcheck batch list.csv --jobs 2
    """
    from formcheck.batch.run import run_batch

    status = run_batch(
        source,
        exercise=exercise,
        side=side,
        prescription=prescription,
        workers=jobs,
        cluster=cluster,
        out=out,
        engine=engine,
        model=model,
        device=device,
        pictures=pictures,
    )
    if status:
        raise typer.Exit(status)


def _places(sessions: list[Path], out: Path | None) -> list[Path | None]:
    """A folder in `out` for each session, named as its own.

    Raises:
        FormcheckError: two sessions have the same name, or one would be written over.
    """
    if out is None:
        return [None] * len(sessions)
    places: list[Path | None] = []
    for session in sessions:
        home = (session if session.is_dir() else session.parent).resolve()
        place = out / home.name
        if place in places:
            raise FormcheckError(
                f"Two of the sessions are called {home.name}; judge them one after the other."
            )
        if place.resolve() == home:
            raise FormcheckError(
                f"The session {session} would be replaced; choose another --out, or say --in-place."
            )
        places.append(place)
    return places
