"""The command line: each command a thin call into the library.

Results go to standard output; progress, warnings and errors to standard error. Exit status 0 = done,
2 = something the person can put right (one sentence says what), 130 = interrupted with nothing kept.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import Abort, TyperException

from formcheck.cli import sessions
from formcheck.cli.live import live
from formcheck.cli.open_app import open_app
from formcheck.cli.play import play
from formcheck.errors import FormcheckError, printable, what_the_system_says
from formcheck.exercises.definition import EXERCISES
from formcheck.exercises.programme import ENDING
from formcheck.version import __version__
from formcheck.words import DEFAULT, speaking, words_of

if TYPE_CHECKING:
    from formcheck.analysis.analysis import Analysis

app = typer.Typer(
    name="formcheck",
    help=(
        "Watches hip exercises (clams, bridges and more) and says what it saw, what was off, and what it "
        "could not see.\n\n"
        "To exercise:        formcheck doctor, then formcheck live\n"
        "Your programme:     formcheck play PROGRAMME.formcheck\n"
        "To see a recording: formcheck analyze clip.mp4 --exercise bridge\n"
        "To review sessions: formcheck review\n\n"
        "Practice and review software: it estimates movement from a camera,\n"
        "can be wrong, and is not a medical device.\n"
        "Everything stays on this computer."
    ),
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
models_app = typer.Typer(help="The pose models on this computer.", no_args_is_help=True)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"formcheck {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        open_app()


app.command()(live)
app.command()(play)
app.command("app", hidden=True)(open_app)


@app.command()
def analyze(
    video: Annotated[
        Path, typer.Argument(help="The recorded clip, any common video format; or a recorded live session.")
    ],
    exercise: Annotated[
        str | None,
        typer.Option(
            "--exercise",
            "-e",
            help=f"{', '.join(EXERCISES)}. Needed, but for a live session, which knows it.",
        ),
    ] = None,
    side: Annotated[
        str | None,
        typer.Option(
            help="left or right: the working leg (on the side: the top one; of a single-leg bridge: the "
            "standing one). Found if left out."
        ),
    ] = None,
    view: Annotated[
        str,
        typer.Option(
            help="From where the camera looks: front, oblique, feet, head (on the side); side, feet, head, "
            "oblique (on the back); auto = recognise it."
        ),
    ] = "auto",
    rotate: Annotated[
        int | None,
        typer.Option(
            help="Turn the picture clockwise by 90, 180 or 270 degrees, or by 0. Found if left out.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results. Default: <video name>.formcheck beside it.")
    ] = None,
    json_: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON on standard output, nothing else.")
    ] = False,
    no_video: Annotated[bool, typer.Option("--no-video", help="Do not draw annotated.mp4.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Do not write report.html.")] = False,
    blur_face: Annotated[
        bool, typer.Option("--blur-face", help="Blur the face in the annotated video and the report.")
    ] = False,
    prescription: Annotated[
        Path | None,
        typer.Option(help="A TOML file with this patient's tempo, hold, targets and own thresholds."),
    ] = None,
    language: sessions.WrittenLanguage = DEFAULT,
    engine: Annotated[str, typer.Option(help="Pose engine: blazepose-onnx or mediapipe.")] = "blazepose-onnx",
    model: Annotated[str, typer.Option(help="Pose model: lite, full, or one added yourself.")] = "full",
    device: Annotated[
        str, typer.Option(help="What runs the model: auto, cpu, cuda, coreml, directml or openvino.")
    ] = "cpu",
) -> None:
    """Analyse a recorded clip, or run a recorded live session again.

    Writes an annotated video, a report to open in a browser, and the
    numbers (summary.json, frames.csv, session.sqlite).

    Example:  formcheck analyze bridge.mp4 --exercise bridge
              formcheck analyze clam.mov -e clam --side right --out results
    """
    from formcheck.cli.output import print_verdict, progress_bar
    from formcheck.exercises.prescription import check_request, check_rotate
    from formcheck.pose.device import check_device
    from formcheck.pose.engine import check_engine
    from formcheck.report.write import write_outputs
    from formcheck.session.analyze import analyze as run
    from formcheck.session.folder import OutputFolder, is_session
    from formcheck.session.replay import replay_file
    from formcheck.video.file import VideoFile

    words_of(language)  # a language that there is not costs no analysis
    if is_session(video):
        _replay(
            replay_file(video),
            video,
            out,
            json_=json_,
            video=not no_video,
            report=not no_report,
            blur_face=blur_face,
            language=language,
        )
        return
    if exercise is None:
        raise FormcheckError(
            "Say which exercise it is, for example: formcheck analyze clip.mp4 --exercise bridge"
        )
    declared = None if view == "auto" else view
    check_request(exercise, side, declared, prescription)
    check_rotate(rotate)
    # Neither a file that cannot be read nor a mistyped model costs anybody their earlier results.
    VideoFile(video).close()
    check_engine(engine, model)
    check_device(device)
    folder = OutputFolder(video, out)
    folder.prepare()
    with progress_bar(show=not json_ or sys.stderr.isatty()) as progress:
        analysis = run(
            video,
            exercise,
            side=side,
            view=declared,
            engine=engine,
            model=model,
            prescription=prescription,
            device=device,
            rotate=rotate,
            progress=progress,
        )
        with speaking(language):
            analysis = write_outputs(
                analysis,
                folder,
                video=not no_video,
                report=not no_report,
                blur_face=blur_face,
                progress=progress,
            )
    if json_:
        print(analysis.summary.to_json())
    else:
        print_verdict(analysis, folder, video=folder.annotated.exists(), report=folder.report.exists())
    if not analysis.summary.complete:
        raise typer.Exit(130)


def _replay(
    analysis: Analysis,
    session: Path,
    out: Path | None,
    *,
    json_: bool,
    video: bool,
    report: bool,
    blur_face: bool,
    language: str,
) -> None:
    """Write the outputs of a live session that was run again; its own files stay as they are."""
    from formcheck.cli.output import print_verdict, progress_bar
    from formcheck.report.write import write_outputs
    from formcheck.session.folder import OutputFolder

    where = session if session.is_dir() else session.parent
    folder = OutputFolder(analysis.video, out if out is not None else where / "analysis")
    folder.prepare()
    with progress_bar(show=not json_ or sys.stderr.isatty()) as progress:
        seen = analysis.video.is_file()
        with speaking(language):
            analysis = write_outputs(
                analysis, folder, video=video and seen, report=report, blur_face=blur_face, progress=progress
            )
    if json_:
        print(analysis.summary.to_json())
    else:
        print_verdict(analysis, folder, video=folder.annotated.exists(), report=folder.report.exists())


@app.command()
def review(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of sessions. Default: where live sessions are kept.")
    ] = None,
    port: Annotated[
        int, typer.Option(help="Port on this computer. Default: any free one.", max=65535, show_default=False)
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address, open no browser.")
    ] = False,
    language: Annotated[
        str, typer.Option(help="Language of the page until another is chosen there: en or de.")
    ] = DEFAULT,
) -> None:
    """Look at sessions in the browser, for physiotherapists.

    Serves a page on this computer only, until Ctrl-C. Videos can be dropped
    onto it to be analysed.

    Example:  formcheck review
              formcheck review recordings
    """
    from formcheck.review.server import serve

    serve(folder, port=port, open_browser=not no_browser, language=language)


@app.command()
def doctor(
    camera: Annotated[
        str | None, typer.Option(help="Number, device or address of the camera. Default: the first one.")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of the voice to try: en or de.")] = "en",
    device: Annotated[
        str, typer.Option(help="What runs the model: auto, cpu, cuda, coreml, directml or openvino.")
    ] = "cpu",
    json_: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
    ] = False,
) -> None:
    """Is this computer ready for a live session? Says what to put right.

    Tries camera, speed, sound, disk and screen. Exit status: 0 ready,
    1 works with limits, 2 cannot run.

    Example:  formcheck doctor
    """
    from rich.console import Console

    from formcheck.cli.doctor import examine
    from formcheck.cli.output import print_checks

    console = Console(stderr=True)
    with console.status("Starting") as status:
        report = examine(camera, language, device=device, progress=lambda what: status.update(f"{what} …"))
    if json_:
        print(report.to_json())
    else:
        print_checks(report)
    raise typer.Exit(report.exit_status)


@models_app.command("list")
def models_list() -> None:
    """Show the pose models, where they come from, and whether they are whole.

    Example:  formcheck models list
    """
    from formcheck.cli.output import print_models
    from formcheck.pose.models import list_models

    print_models(list_models())


@models_app.command("add")
def models_add(
    file: Annotated[
        Path, typer.Argument(help="A .task bundle, a .tflite model, or an .onnx made by formcheck.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name to use it by. Default: from the file's name.")
    ] = None,
) -> None:
    """Add a pose model, converted to run here (needs formcheck[convert]).

    Example:  formcheck models add pose_landmarker_heavy.task
    """
    from formcheck.pose.models import add_model

    info = add_model(file, name)
    print(f"Added '{info.name}'. Use it with: formcheck analyze VIDEO --exercise bridge --model {info.name}")


sessions.register(app)
app.add_typer(models_app, name="models")


def main() -> None:
    """Entry point: every expected failure is one sentence and a non-zero exit status."""
    _write_any_character()
    if len(sys.argv) == 2 and sys.argv[1].endswith(ENDING):  # as a double-click says it
        sys.argv.insert(1, "app")
    try:
        command = typer.main.get_command(app)
        _plain_switches(command)
        status = command.main(prog_name="formcheck", standalone_mode=False)
    except FormcheckError as error:
        _fail(str(error))
    except TyperException as error:
        _fail(_usage(error))
    except (KeyboardInterrupt, Abort):
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except (OSError, UnicodeError, MemoryError) as error:
        _fail(printable(what_the_system_says(error), 1000))
    sys.exit(status if isinstance(status, int) else 0)


def _write_any_character() -> None:
    """Whatever reads the output gets UTF-8, also on a Windows with another code page; a terminal gets what it
    can show, and the rest spelled out."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _plain_switches(command: Any) -> None:
    """Typer shows ``<bool>`` beside a switch, as if it wanted a word after it."""
    for option in command.params:
        if getattr(option, "is_flag", False):
            option.metavar = ""
    for below in getattr(command, "commands", {}).values():
        _plain_switches(below)


def _usage(error: TyperException) -> str:
    """A usage error as one sentence (Typer suggests the nearest command or option itself)."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return ""  # the help was shown already
    message = error.format_message().rstrip(".")
    path = getattr(context, "command_path", "formcheck")
    return f"{message} (see: {path} --help)"


def _fail(sentence: str) -> None:
    if sentence:
        print(sentence, file=sys.stderr)
    sys.exit(2)
