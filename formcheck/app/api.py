"""What the app's pages ask for and tell: the routes of the app's server, and what follows from them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from html import escape
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
from anyio import to_thread
from PIL import Image
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from formcheck.app import contents
from formcheck.app.exercising import Exercising, formcheck_command
from formcheck.app.settings import Settings, change_settings, load_settings
from formcheck.app.viewfinder import Viewfinder
from formcheck.coach.pages.sketch import PERIOD_S, draw_exercise, lift_at
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import EXERCISES, load_definition
from formcheck.exercises.programme import load_programme
from formcheck.files import sessions_folder
from formcheck.review.answers import Spoken, answered, failed, http_error, json_body
from formcheck.review.hub import Hub
from formcheck.session.days import Agreed, DayBook, forget_days
from formcheck.session.deletion import delete, kept_in
from formcheck.video.live_source import LiveSource
from formcheck.video.open import open_source
from formcheck.words import DEFAULT, said_of, words_of

STATIC = Path(__file__).parent / "static"
#: Elements, keys and colours that the physio's page has already.
SHARED = Path(__file__).parents[1] / "review" / "static"
PAGES = ("/", "/progress", "/exercises", "/settings")
_DOCTOR_S = 180.0
_DRAWING_WH, _MOVING_WH = (360, 240), (540, 360)
_MOVING_FPS = 15
_MOST_SETS, _MOST_REPS = 5, 20

Handler = Callable[["AppApi", Request], Awaitable[Response]]


class AppApi:
    """The app's state and routes.

    Attributes:
        not_read: what is wrong with the file that it was opened with, or "".

    Args:
        exercise_command: what starts the exercise window; another one in tests.
        camera: makes the source of the live picture; another one in tests.
        today: the date; another one in tests.
    """

    def __init__(
        self,
        *,
        exercise_command: Sequence[str] | None = None,
        camera: Callable[[str | None], LiveSource] = open_source,
        today: Callable[[], date] = date.today,
    ) -> None:
        self.not_read = ""
        self.hub = Hub()
        self.exercising = Exercising(lambda: self.hub.tell("changed", {}), exercise_command)
        self.viewfinder = Viewfinder(camera)
        self._today = today

    def app(self) -> Starlette:
        """The application, to be put behind `formcheck.review.security.Guard`."""

        def on(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
            async def endpoint(request: Request) -> Response:
                return await handler(self, request)

            return endpoint

        get: dict[str, Handler] = {
            "/static/words.json": AppApi.words,
            "/api/state": AppApi.state,
            "/api/events": AppApi.events,
            "/api/today": AppApi.today,
            "/api/progress": AppApi.progress,
            "/api/exercises": AppApi.exercises,
            "/api/settings": AppApi.settings,
            "/api/drawing/{exercise:str}/{side:str}": AppApi.drawing,
            "/api/moving/{exercise:str}/{side:str}": AppApi.moving,
            "/api/camera": AppApi.camera,
        }
        post: dict[str, Handler] = {
            "/api/settings": AppApi.change_settings,
            "/api/programme": AppApi.bring_programme,
            "/api/begin": AppApi.begin,
            "/api/end": AppApi.end,
            "/api/camera/off": AppApi.camera_off,
            "/api/doctor": AppApi.doctor,
            "/api/ask-again": AppApi.ask_again,
            "/api/delete": AppApi.delete_everything,
        }
        return Starlette(
            routes=[
                *(Route(path, on(AppApi.page), methods=["GET"]) for path in PAGES),
                *(Route(path, on(handler), methods=["GET"]) for path, handler in get.items()),
                *(Route(path, on(handler), methods=["POST"]) for path, handler in post.items()),
                Mount("/static/shared", StaticFiles(directory=SHARED, check_dir=False)),
                Mount("/static", StaticFiles(directory=STATIC, check_dir=False)),
            ],
            middleware=[Middleware(Spoken, language=DEFAULT)],
            exception_handlers={HTTPException: http_error, Exception: failed},
        )

    def close(self) -> None:
        """Let go of the camera."""
        self.viewfinder.close()

    # -- pages -------------------------------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        """The one page; its script draws what its address asks for."""

        def fill() -> str:
            settings = load_settings()
            words = words_of(settings.language)
            said = {key: escape(words(f"app.{key}")) for key in ("stranger", "lost", "skip", "no_script")}
            contrast = "high" if settings.high_contrast else "normal"
            text = (STATIC / "index.html").read_text(encoding="utf-8")
            return text.format(language=settings.language, contrast=contrast, **said)

        return Response(await to_thread.run_sync(fill), media_type="text/html; charset=utf-8")

    async def words(self, request: Request) -> Response:
        """All sentences in the language that is set, also those of what is shared with the review page."""

        def collect() -> dict[str, Any]:
            language = load_settings().language
            said = {**said_of("review.", language), **said_of("app.", language)}
            return {"language": language, "languages": contents.language_names(), "words": said}

        return JSONResponse(await to_thread.run_sync(collect))

    async def events(self, request: Request) -> Response:
        """Server-sent events: something changed, look again."""
        return StreamingResponse(self.hub.listen(), media_type="text/event-stream")

    @answered
    async def state(self, request: Request) -> Response:
        """What every page needs: words, look, and whether somebody is exercising."""

        def collect() -> dict[str, Any]:
            settings = load_settings()
            return {
                "language": settings.language,
                "high_contrast": settings.high_contrast,
                "words": dict(said_of("app.", settings.language))
                | {"how": words_of(settings.language)("show.title")},
                "exercising": self.exercising.running,
                "problem": self.exercising.problem,
                "not_read": self.not_read,
            }

        return JSONResponse(await to_thread.run_sync(collect))

    async def _shown(self, make: Callable[..., dict[str, Any]], *more: object) -> Response:
        def collect() -> dict[str, Any]:
            return make(load_settings(), *more)

        return JSONResponse(await to_thread.run_sync(collect))

    @answered
    async def today(self, request: Request) -> Response:
        """The page Today."""
        return await self._shown(contents.today_page, self._today())

    @answered
    async def progress(self, request: Request) -> Response:
        """The page My progress."""
        return await self._shown(contents.progress_page, self._today())

    @answered
    async def exercises(self, request: Request) -> Response:
        """The page Just one exercise."""
        return await self._shown(contents.exercises_page)

    @answered
    async def settings(self, request: Request) -> Response:
        """The page Settings."""
        return await self._shown(contents.settings_page)

    @answered
    async def drawing(self, request: Request) -> Response:
        """An exercise, drawn."""
        exercise, side = _drawn(request)

        def draw() -> bytes:
            image = draw_exercise(exercise, _DRAWING_WH, side, load_settings().high_contrast)
            return cv2.imencode(".png", image)[1].tobytes()

        return Response(await to_thread.run_sync(draw), media_type="image/png")

    @answered
    async def moving(self, request: Request) -> Response:
        """An exercise, drawn so that it moves: an animated PNG."""
        exercise, side = _drawn(request)

        def draw() -> bytes:
            contrast = load_settings().high_contrast
            lifts = [lift_at(n / _MOVING_FPS) for n in range(round(PERIOD_S * _MOVING_FPS))]
            runs = [(lift, len(list(same))) for lift, same in groupby(lifts)]
            first, *others = [
                Image.fromarray(draw_exercise(exercise, _MOVING_WH, side, contrast, lift)[..., ::-1])
                for lift, _ in runs
            ]
            out = BytesIO()
            durations = [round(1000 * count / _MOVING_FPS) for _, count in runs]
            first.save(out, "PNG", save_all=True, append_images=others, duration=durations, loop=0)
            return out.getvalue()

        return Response(await to_thread.run_sync(draw), media_type="image/png")

    # -- settings ----------------------------------------------------------------------------------------

    @answered
    async def change_settings(self, request: Request) -> Response:
        """Changes some settings; the page gets them as they are then."""
        changes = await json_body(request)
        if "programme" in changes:
            raise FormcheckError("A programme is opened, not set.")
        await to_thread.run_sync(change_settings, changes)
        return await self._shown(contents.settings_page)

    @answered
    async def camera(self, request: Request) -> Response:
        """The camera's newest picture; switches it on."""
        if self.exercising.running:
            raise FormcheckError("The exercise has the camera.")

        def look() -> bytes:
            settings = load_settings()
            return self.viewfinder.picture(settings.camera, settings.rotate)

        return Response(await to_thread.run_sync(look), media_type="image/jpeg")

    @answered
    async def camera_off(self, request: Request) -> Response:
        """Switches the camera off."""
        await to_thread.run_sync(self.viewfinder.close)
        return JSONResponse({})

    @answered
    async def doctor(self, request: Request) -> Response:
        """Tries this computer, and keeps the pose model that suits it."""
        settings = await to_thread.run_sync(load_settings)
        await to_thread.run_sync(self.viewfinder.close)
        arguments = ["doctor", "--json", "--language", settings.language]
        if settings.camera is not None:
            arguments += ["--camera", settings.camera]
        report = await to_thread.run_sync(_examined, arguments)
        if report["model"] in ("full", "lite"):
            await to_thread.run_sync(change_settings, {"model": report["model"]})
        return JSONResponse(
            {
                "verdict": ("ready", "limits", "not_ready")[report["exit_status"]],
                "model": report["model"],
                "checks": [
                    {"name": name, "status": check["status"], "said": _said(check)}
                    for name, check in report["checks"].items()
                ],
            }
        )

    @answered
    async def ask_again(self, request: Request) -> Response:
        """What was agreed to is asked anew."""

        def forget() -> None:
            file = contents.programme_file(load_settings())
            if file is not None:
                DayBook(load_programme(file)).agree(Agreed("none", ""), "")

        await to_thread.run_sync(forget)
        return await self._shown(contents.settings_page)

    @answered
    async def delete_everything(self, request: Request) -> Response:
        """Deletes all days and recordings, after the page has asked."""
        if await json_body(request) != {"delete": "everything"}:
            raise FormcheckError("Say what is to be deleted.")
        if self.exercising.running:
            raise FormcheckError("Somebody is exercising.")

        def forget() -> bool:
            left = False
            forget_days()
            for one in kept_in(sessions_folder()):
                try:
                    left = bool(delete(one)) or left
                except FormcheckError:
                    left = True
            return left

        left = await to_thread.run_sync(forget)
        return JSONResponse({"left": left})

    # -- exercising --------------------------------------------------------------------------------------

    @answered
    async def bring_programme(self, request: Request) -> Response:
        """Takes in the file from the physio."""
        body = await json_body(request)
        text, name = body.get("text"), body.get("name")
        if not isinstance(text, str) or not isinstance(name, str):
            raise FormcheckError("A programme is a file.")

        def take() -> str:
            told = bring(text, name)
            self.not_read = ""
            return told

        return JSONResponse({"name": await to_thread.run_sync(take)})

    @answered
    async def begin(self, request: Request) -> Response:
        """Opens the exercise window: for today's programme, or for one exercise."""
        body = await json_body(request)
        settings = await to_thread.run_sync(load_settings)
        exercise = None
        if "exercise" in body:
            arguments = _one_exercise(body)
            exercise = str(body["exercise"])
        else:
            file = await to_thread.run_sync(contents.programme_file, settings)
            if file is None or body.get("choice") not in ("start", "carry_on", "again"):
                raise FormcheckError("There is nothing to begin with.")
            arguments = ["play", str(file), "--begin", str(body["choice"])]
        await to_thread.run_sync(self.viewfinder.close)
        self.exercising.start([*arguments, *room_arguments(settings, exercise)])
        return JSONResponse({})

    @answered
    async def end(self, request: Request) -> Response:
        """Asks the exercise window to close."""
        self.exercising.end()
        return JSONResponse({})


def _drawn(request: Request) -> tuple[str, str | None]:
    """Which exercise, on which side."""
    exercise, side = request.path_params["exercise"], request.path_params["side"]
    if exercise not in EXERCISES or side not in ("left", "right", "none"):
        raise FormcheckError("There is no such drawing.")
    return exercise, None if side == "none" else side


def bring(text: str, name: str) -> str:
    """Take in a programme's file, and remember it.

    Args:
        text: what is in it.
        name: of the file.

    Returns:
        The programme's name.

    Raises:
        FormcheckError: it is none, or cannot be kept.
    """
    known, programme = contents.bring_programme(text, name)
    change_settings({"programme": known})
    return programme.name


def room_arguments(settings: Settings, exercise: str | None = None) -> list[str]:
    """The settings as options of `formcheck play` and `formcheck live`.

    Args:
        settings: what is set.
        exercise: the only one; of one of which a phone in the waistband tells nothing none is asked for.
    """
    out = ["--language", settings.language, "--model", settings.model, "--rotate", str(settings.rotate)]
    if settings.camera is not None:
        out += ["--camera", settings.camera]
    worn = settings.phone and (exercise is None or load_definition(exercise).takes_phone)
    flags = {
        "--mute": not settings.sound,
        "--high-contrast": settings.high_contrast,
        "--keep-upright": not settings.turns,
        "--blur-face": settings.blur_face,
        "--phone": worn,
        "--phone-camera": settings.phone_camera,
    }
    return out + [flag for flag, on in flags.items() if on]


def _one_exercise(body: dict[str, Any]) -> list[str]:
    name = body.get("exercise")
    if name not in EXERCISES:
        raise FormcheckError("There is no such exercise.")
    out = ["live", str(name)]
    for option, most in (("sets", _MOST_SETS), ("reps", _MOST_REPS)):
        value = body.get(option)
        if type(value) is not int or not 1 <= value <= most:
            raise FormcheckError(f"{option} is a number from 1 to {most}.")
        out += [f"--{option}", str(value)]
    return out


def _examined(arguments: list[str]) -> dict[str, Any]:
    """What `formcheck doctor` finds; in a process of its own, for it speaks and opens a window."""
    try:
        done = subprocess.run(
            [*formcheck_command(), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_DOCTOR_S,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        report: dict[str, Any] = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise FormcheckError("This computer could not be tried.") from None
    return report


def _said(check: dict[str, Any]) -> str:
    """Key of the sentence on a check, without its name."""
    light = check.get("light")
    return str(light) if check["status"] == "limit" and light in ("dark", "backlit") else str(check["status"])
