"""What the page asks for and says: the routes of the review server.

Addresses hold keys only; everything else comes as checked JSON. Every expected failure is one sentence.
"""

from __future__ import annotations

import base64
import contextlib
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from formcheck.analysis.phrases import told_unit
from formcheck.errors import FormcheckError, what_the_system_says
from formcheck.exercises.definition import EXERCISES, load_definition
from formcheck.exercises.prescription import check_request
from formcheck.folder_handle import opener
from formcheck.report import wording
from formcheck.report.write import write_rescored
from formcheck.review import agreement, brought, labels, learning, noted, prescribe, send, sound, trends
from formcheck.review.agreement import Checked
from formcheck.review.answers import Spoken, answered, failed, http_error, json_body
from formcheck.review.describe import fault_rows
from formcheck.review.hub import Hub
from formcheck.review.jobs import DroppedVideo, Jobs
from formcheck.review.programme_api import ProgrammeApi
from formcheck.review.programmes import Programmes
from formcheck.review.recording import MOST_LANDMARK_FRAMES, Recording, Shelf
from formcheck.session.deletion import delete, kept_at
from formcheck.session.library import MEDIA_TYPES, Library, NotThereError, SessionFolder, printable
from formcheck.session.notes import QUALITY, ConflictError, Item, Notes
from formcheck.session.rescore import judged_as
from formcheck.words import DEFAULT, languages, retold, said_of, say, spoken, translated, words_of

STATIC = Path(__file__).parent / "static"
_VIDEO_PIECE = 1 << 18
#: Notes saved at once: "all of this kind" of a long session.
_MOST_CHANGES = 1000
#: A longer session is not judged anew for the table of agreement: it would take minutes.
_MOST_FRAMES_JUDGED = 60_000

Handler = Callable[["Api", Request], Awaitable[Response]]


class Api:
    """The review server's state and routes.

    Args:
        library: the folder of sessions.
        language: of a page that has not chosen one.
    """

    def __init__(self, library: Library, language: str = DEFAULT) -> None:
        self.library = library
        self.language = language
        self.shelf = Shelf(library)
        self.noted = noted.NotedSessions()
        self.hub = Hub()
        self.jobs = Jobs(library.root, self._job_changed)
        self._checked: dict[tuple[str, float], Checked] = {}

    def app(self) -> Starlette:
        """The application, to be put behind `formcheck.review.security.Guard`."""
        get, post = ["GET"], ["POST"]

        def on(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
            async def endpoint(request: Request) -> Response:
                return await handler(self, request)

            return endpoint

        session = "/api/session/{key:str}"
        routes: list[Route | Mount] = [
            Route("/", on(Api.page), methods=get),
            Route("/session/{key:str}", on(Api.page), methods=get),
            Route("/patient/{key:str}", on(Api.page), methods=get),
            Route("/programme", on(Api.page), methods=get),
            Route("/programme/{key:str}", on(Api.page), methods=get),
            Route("/agreement", on(Api.page), methods=get),
            Route("/api/library", on(Api.list_library), methods=get),
            Route("/api/events", on(Api.events), methods=get),
            Route("/api/upload", on(Api.upload), methods=post),
            Route("/api/job/{id:str}/start", on(Api.start), methods=post),
            Route("/api/job/{id:str}/cancel", on(Api.cancel), methods=post),
            Route("/api/patient/{key:str}", on(Api.patient), methods=get),
            *ProgrammeApi(Programmes(self.library.root)).routes(),
            Route("/api/agreement", on(Api.agreement), methods=get),
            Route("/api/labels", on(Api.labels), methods=post),
            Route("/api/agreement.csv", on(Api.agreement_csv), methods=get),
            Route(session, on(Api.session), methods=get),
            Route(f"{session}/times", on(Api.times), methods=get),
            Route(f"{session}/moments", on(Api.moments), methods=get),
            Route(f"{session}/line/{{measure:str}}", on(Api.line), methods=get),
            Route(f"{session}/curves/{{measure:str}}", on(Api.curves), methods=get),
            Route(f"{session}/landmarks", on(Api.landmarks), methods=get),
            Route(f"{session}/video", on(Api.video), methods=["GET", "HEAD"]),
            Route(f"{session}/notes", on(Api.notes), methods=get),
            Route(f"{session}/notes", on(Api.save_note), methods=post),
            Route(f"{session}/notes/many", on(Api.save_notes), methods=post),
            Route(f"{session}/voice", on(Api.save_voice), methods=post),
            Route(f"{session}/voice/{{id:str}}", on(Api.voice), methods=get),
            Route(f"{session}/standing", on(Api.standing), methods=get),
            Route(f"{session}/report", on(Api.report), methods=post),
            Route(f"{session}/note", on(Api.note), methods=get),
            Route(f"{session}/film", on(Api.film), methods=post),
            Route(f"{session}/feedback", on(Api.feedback), methods=post),
            Route(f"{session}/whatif", on(Api.defaults), methods=get),
            Route(f"{session}/whatif", on(Api.what_if), methods=post),
            Route(f"{session}/again", on(Api.again), methods=post),
            Route(f"{session}/delete", on(Api.delete_session), methods=post),
            Route("/static/words.json", on(Api.words), methods=get),
            Mount("/static", StaticFiles(directory=STATIC, check_dir=False)),
        ]
        return Starlette(
            routes=routes,
            middleware=[Middleware(Spoken, language=self.language)],
            exception_handlers={HTTPException: http_error, Exception: failed},
        )

    # -- pages -------------------------------------------------------------------------------------------

    async def page(self, request: Request) -> Response:
        """The one page; its script draws what its address asks for."""
        return Response((STATIC / "index.html").read_bytes(), media_type="text/html; charset=utf-8")

    async def words(self, request: Request) -> Response:
        """All sentences of the page, in one language."""
        told = {**said_of("review."), **{f"count.{k}": text for k, text in said_of("format.count.").items()}}
        told |= {
            f"{kind}.{k}": v for kind in ("class", "side") for k, v in said_of(f"findings.{kind}.").items()
        }
        names = {one: words_of(one)("review.this_language") for one in languages()}
        return JSONResponse(
            {"language": spoken(), "languages": names, "words": {**told, "point": say("format.point")}}
        )

    @answered
    async def list_library(self, request: Request) -> Response:
        """All sessions, and what can be analysed."""

        def collect() -> dict[str, Any]:
            titles_of = cache(noted.titles_of_exercise)
            rows = [noted.library_row(self.noted.of(card), titles_of) for card in self.library.cards()]
            exercises, notice = [], [wording.notice()]
            for name in EXERCISES:
                try:
                    definition = translated(load_definition(name), spoken())
                except FormcheckError as error:  # the others, and all sessions, are opened all the same
                    notice.append(printable(retold(str(error)), 400))
                    continue
                views = {view: place.title for view, place in definition.views.items()}
                exercises.append(
                    {"name": name, "title": definition.title, "side": definition.has_side, "views": views}
                )
            return {
                "folder": self.library.root.name,
                "sessions": rows,
                "jobs": [_job_told(row) for row in self.jobs.rows()],
                "exercises": exercises,
                "notice": " ".join(notice),
            }

        return JSONResponse(await to_thread.run_sync(collect))

    async def events(self, request: Request) -> Response:
        """Server-sent events: jobs, notes, and changes of the library."""
        return StreamingResponse(self.hub.listen(_job_told), media_type="text/event-stream")

    # -- one session -------------------------------------------------------------------------------------

    async def _recording(self, request: Request) -> Recording:
        return await to_thread.run_sync(self.shelf.get, request.path_params["key"])

    @answered
    async def session(self, request: Request) -> Response:
        """Everything but the frames."""
        recording = await self._recording(request)

        def collect() -> dict[str, Any]:
            reviewed = self.noted.of(recording.card)
            out = recording.describe(reviewed.standing)
            out["patient"], out["date"] = reviewed.patient, reviewed.date
            out["patient_key"] = noted.patient_key(reviewed.patient) if reviewed.patient else ""
            quality = said_of("report.quality.")
            out["quality"] = {str(level): quality[word] for level, word in QUALITY.items()}
            return out

        return JSONResponse(await to_thread.run_sync(collect))

    @answered
    async def times(self, request: Request) -> Response:
        """Times of all frames."""
        recording = await self._recording(request)
        return _binary(await to_thread.run_sync(recording.times))

    @answered
    async def line(self, request: Request) -> Response:
        """One measure's curve with its pyramid."""
        recording = await self._recording(request)
        return _binary(await to_thread.run_sync(recording.line, request.path_params["measure"]))

    @answered
    async def moments(self, request: Request) -> Response:
        """When each fault is at its worst."""
        recording = await self._recording(request)
        return JSONResponse(await to_thread.run_sync(recording.worst_moments))

    @answered
    async def curves(self, request: Request) -> Response:
        """Time-normalised curves of all repetitions."""
        recording = await self._recording(request)
        return JSONResponse(await to_thread.run_sync(recording.curves, request.path_params["measure"]))

    @answered
    async def landmarks(self, request: Request) -> Response:
        """Landmarks of some frames."""
        recording = await self._recording(request)
        first, count = _whole(request, "first", 0), _whole(request, "count", MOST_LANDMARK_FRAMES)
        return _binary(await to_thread.run_sync(recording.landmarks, first, count))

    @answered
    async def video(self, request: Request) -> Response:
        """The session's own video, or the part of it that is asked for."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        path = self.library.video(folder)
        if path is None:
            raise NotThereError("video")
        return _video(path, request)

    # -- the physio's decisions --------------------------------------------------------------------------

    @answered
    async def standing(self, request: Request) -> Response:
        """What stands by the decisions there are now."""
        recording = await self._recording(request)

        def collect() -> dict[str, Any]:
            return recording.overview(self.noted.of(recording.card).standing)

        return JSONResponse(await to_thread.run_sync(collect))

    @answered
    async def notes(self, request: Request) -> Response:
        """Notes that changed after a number."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        since = _whole(request, "since", 0)
        seq, items = await to_thread.run_sync(Notes(folder.path).items, since)
        return JSONResponse({"seq": seq, "items": [_item(item) for item in items]})

    @answered
    async def save_note(self, request: Request) -> Response:
        """Saves one note; 409 with what stands there if somebody else changed the same."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        body = await json_body(request)
        change, by = _change(body), _by(body)
        notes = Notes(folder.path)
        try:
            item = await to_thread.run_sync(notes.save, *change, by)
        except ConflictError as conflict:
            return JSONResponse(
                {"problem": retold("Changed elsewhere."), "current": _item(conflict.current)}, 409
            )
        self.hub.tell("notes", {"key": folder.key, "item": _item(item)})
        return JSONResponse(_item(item))

    @answered
    async def save_notes(self, request: Request) -> Response:
        """Saves many notes at once; those that somebody else changed stay as they are, and are named."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        body = await json_body(request)
        asked = body.get("changes")
        if not isinstance(asked, list) or not 0 < len(asked) <= _MOST_CHANGES:
            raise FormcheckError("These are no notes.")
        changes, by = [_change(one) for one in asked], _by(body)
        items, conflicts = await to_thread.run_sync(Notes(folder.path).save_all, changes, by)
        for item in items:
            self.hub.tell("notes", {"key": folder.key, "item": _item(item)})
        refused = [item.id for item, conflict in zip(items, conflicts, strict=True) if conflict]
        return JSONResponse({"items": [_item(item) for item in items], "refused": refused})

    @answered
    async def save_voice(self, request: Request) -> Response:
        """Keeps what the physio says at a moment."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        told = request.query_params
        if told.get("consent") != "yes":
            raise FormcheckError("A voice is kept only after it was agreed to.")
        data = bytearray()
        async for piece in request.stream():
            data += piece
            if len(data) > sound.MOST_BYTES:
                raise FormcheckError("This is too long; say it in two minutes.")
        kind = request.headers.get("content-type", "")
        mp3, seconds = await to_thread.run_sync(sound.as_mp3, bytes(data), kind)
        try:
            at = float(told.get("time_s", ""))
        except ValueError:
            raise FormcheckError("This is not a note.") from None
        note = {"time_s": at, "sound": mp3, "seconds": seconds, "text": told.get("text", ""), "consent": True}
        notes, by, id_ = Notes(folder.path), told.get("by", ""), f"voice:{uuid.uuid4()}"
        item = await to_thread.run_sync(notes.save, id_, note, 0, by)
        self.hub.tell("notes", {"key": folder.key, "item": _item(item)})
        return JSONResponse(_item(item))

    @answered
    async def voice(self, request: Request) -> Response:
        """What was said, to be heard."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        wanted = request.path_params["id"]
        items = await to_thread.run_sync(Notes(folder.path).standing)
        told = next((i.data for i in items if i.id == wanted and i.kind == "voice" and i.data), None)
        if told is None:
            raise NotThereError(wanted)
        return Response(base64.b64decode(told["sound"]), media_type="audio/mpeg")

    # -- what leaves the page ----------------------------------------------------------------------------

    @answered
    async def report(self, request: Request) -> Response:
        """The report of what stands, to be saved."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        to = (await json_body(request)).get("format")
        if to not in send.MEDIA:
            raise FormcheckError("A report is a pdf or an html file.")
        data = await to_thread.run_sync(send.report_of, self.library, folder, to)
        return Response(data, media_type=send.MEDIA[to])

    @answered
    async def note(self, request: Request) -> Response:
        """The session in a few lines, for the records."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        return JSONResponse({"text": await to_thread.run_sync(send.note_of, self.library, folder)})

    @answered
    async def film(self, request: Request) -> Response:
        """The session's film, to be saved."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        blur = (await json_body(request)).get("blur_face") is True
        make = partial(send.film_of, self.library, folder, blur_face=blur)
        return Response(await to_thread.run_sync(make), media_type="video/mp4")

    @answered
    async def feedback(self, request: Request) -> Response:
        """What goes back to the patient, to be saved."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        data = await to_thread.run_sync(send.feedback_of, self.library, folder, await json_body(request))
        return Response(data, media_type=send.MEDIA["html"])

    # -- what if -----------------------------------------------------------------------------------------

    @answered
    async def defaults(self, request: Request) -> Response:
        """Thresholds as shipped and as recorded, to start from."""
        recording = await self._recording(request)
        own = recording.definition
        shipped = load_definition(own.name) if own.name in EXERCISES else own
        return JSONResponse(
            {
                "recorded": fault_rows(recording.findings, recording.faults()),
                "shipped": {name: list(f.rules[0].grades) for name, f in shipped.faults.items() if f.rules},
                "tempo": own.tempo.model_dump(),
                "usual_tempo": prescribe.usual_tempo(own).model_dump(),
                "target_range": own.target_range,
                "unit_word": told_unit(own.measures[own.counting.signal].unit),
            }
        )

    @answered
    async def what_if(self, request: Request) -> Response:
        """The session by other thresholds."""
        recording = await self._recording(request)
        asked = prescribe.read_request(await json_body(request), recording.definition)
        return JSONResponse(await to_thread.run_sync(prescribe.what_if, recording, asked))

    @answered
    async def again(self, request: Request) -> Response:
        """The session as another exercise, side or view."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        fields = {name: str(value)[:60] for name, value in (await json_body(request)).items()}
        done = await to_thread.run_sync(self._again, folder, fields)
        return JSONResponse({"done": done})

    def _again(self, folder: SessionFolder, fields: dict[str, str]) -> bool:
        """True where it is done, False where its video is in line to be analysed."""
        exercise, side, view = (
            fields.get("exercise", ""),
            fields.get("side") or None,
            fields.get("view") or None,
        )
        definition, video = check_request(exercise, side, view), self.library.video(folder)
        with self.library.open(folder) as session:
            if (
                session.is_live
                or video is None
                or not definition.reads_lying
                or session.definition.reads_lying
            ):
                analysis = judged_as(session, exercise, side, view)
                self.shelf.forget(folder.key)
                write_rescored(analysis, session, folder.path)
                self.hub.tell("library", {})
                return True
            name = printable(session.meta.source, 120)
        self.shelf.forget(folder.key)
        self.jobs.again(folder.path, video, name, fields)
        return False

    @answered
    async def delete_session(self, request: Request) -> Response:
        """Deletes a session for good; the page has asked before."""
        folder = await to_thread.run_sync(self.library.find, request.path_params["key"])
        if await json_body(request) != {"delete": True}:
            raise FormcheckError("This is not a request to delete a session.")
        kept = await to_thread.run_sync(kept_at, folder.path)
        self.shelf.forget(folder.key)  # Windows lets nobody delete a file that is open
        left = await to_thread.run_sync(delete, kept)
        self.hub.tell("library", {})
        return JSONResponse({"left": [printable(path.name, 80) for path in left]})

    # -- many sessions -----------------------------------------------------------------------------------

    @answered
    async def patient(self, request: Request) -> Response:
        """One patient's sessions over time."""
        key = request.path_params["key"]
        page = await to_thread.run_sync(trends.patient_page, self.library, key, self.noted)
        if page is None:
            raise NotThereError(key)
        return JSONResponse(page)

    @answered
    async def agreement(self, request: Request) -> Response:
        """How far physio and program agree, per fault."""
        return JSONResponse(await to_thread.run_sync(self._agreement))

    @answered
    async def agreement_csv(self, request: Request) -> Response:
        """The same as a file for a spreadsheet."""
        rows = (await to_thread.run_sync(self._agreement))["rows"]
        headers = {"content-disposition": 'attachment; filename="formcheck-agreement.csv"'}
        text = "\ufeff" + agreement.agreement_csv(rows)
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    @answered
    async def labels(self, request: Request) -> Response:
        """What was seen by eye, as labels; the page has asked whether that was agreed to."""
        if await json_body(request) != {"agreed": True}:
            raise FormcheckError("Labels are given out only after the patients have agreed.")
        told = await to_thread.run_sync(lambda: labels.labels_csv(map(self.noted.of, self.library.cards())))
        return Response("\ufeff" + told[0], media_type="text/csv; charset=utf-8")

    def _agreement(self) -> dict[str, Any]:
        tallies: dict[tuple[str, str], agreement.Tally] = {}
        sessions = reps = 0
        for card in self.library.cards():
            if card.problem is not None or card.meta is None:
                continue
            reviewed = self.noted.of(card)
            watched = sum(reviewed.watched(rep) for rep in card.reps)
            if watched:
                agreement.add_up(reviewed, self._checked_in(card), tallies)
                sessions, reps = sessions + 1, reps + watched
        learned = learning.learned(self.noted.of(card) for card in self.library.cards())
        rows = agreement.agreement_rows(tallies)
        by_eye = labels.labels_csv(map(self.noted.of, self.library.cards()))[1]
        return {"rows": rows, "by_eye": by_eye, "sessions": sessions, "reps": reps, "learned": learned}

    def _checked_in(self, card: Any) -> Checked:
        key = (card.folder.key, card.changed)
        if key not in self._checked:
            judged = None
            frames = card.summary.source.frames if card.summary is not None else 0
            if agreement.needs_judging(card) and frames <= _MOST_FRAMES_JUDGED:
                with contextlib.suppress(FormcheckError, NotThereError):
                    recording = self.shelf.get(card.folder.key)
                    judged = recording.judge(recording.definition)
            self._checked[key] = agreement.checked_faults(card, judged)
        return self._checked[key]

    # -- videos dropped onto the page --------------------------------------------------------------------

    @answered
    async def upload(self, request: Request) -> Response:
        """Takes a video, or all files of a session one after the other, as it is sent; puts it in line."""
        fields = {name: str(value)[:2000] for name, value in request.query_params.items()}
        if "parts" in fields:
            parts = brought.announced(fields["parts"])
            job = await to_thread.run_sync(self.jobs.new_session, fields.get("name", ""), parts)
        else:
            job = await to_thread.run_sync(self.jobs.new, fields.get("name", ""), fields)
        try:
            received = 0
            with open(job.incoming, "xb", opener=opener) as file:
                async for piece in request.stream():
                    received += len(piece)
                    if job.cancel.is_set():
                        raise FormcheckError("Cancelled.")
                    self.jobs.check_room(received)
                    await to_thread.run_sync(file.write, piece)
            if received == 0:
                raise FormcheckError("The file is empty.")
        except (FormcheckError, OSError, ClientDisconnect) as error:
            why = str(error)
            if isinstance(error, ClientDisconnect):
                why = "The upload broke off."
            elif isinstance(error, OSError):
                why = what_the_system_says(error).replace(str(job.incoming), f"“{job.name}”")
            self.jobs.failed(job, why)
            raise FormcheckError(job.problem) from None
        self.jobs.received(job)
        return JSONResponse(_job_told(job.row()))

    @answered
    async def start(self, request: Request) -> Response:
        """Analyses a video as it is now said to be."""
        fields = {name: str(value)[:300] for name, value in (await json_body(request)).items()}
        self.jobs.start(request.path_params["id"], fields)
        return JSONResponse({})

    @answered
    async def cancel(self, request: Request) -> Response:
        """Cancels a job, or takes it off the list."""
        self.jobs.cancel(request.path_params["id"])
        return JSONResponse({})

    def _job_changed(self, job: DroppedVideo) -> None:
        self.hub.tell("job", job.row())
        if job.state == "done":
            self.hub.tell("library", {})


def _job_told(row: dict[str, Any]) -> dict[str, Any]:
    """What is told of a job, or of anything else that changed, in the language of the page that hears it."""
    return row | {name: retold(row[name]) for name in ("what", "problem") if name in row}


def _item(item: Item) -> dict[str, Any]:
    """A note as pages are told of it; what was said is asked for when it is to be heard."""
    data = item.data
    if data is not None and item.kind == "voice":
        data = {name: value for name, value in data.items() if name != "sound"}
    return {
        "id": item.id,
        "revision": item.revision,
        "seq": item.seq,
        "data": data,
        "by": item.by,
        "on": item.on,
    }


def _change(body: Any) -> tuple[str, dict[str, Any] | None, int]:
    """Which note is to be changed, to what, and on which revision that builds."""
    told = body if isinstance(body, dict) else {}
    id_, base, data = told.get("id"), told.get("base"), told.get("data")
    if not isinstance(id_, str) or not isinstance(base, int) or not isinstance(data, dict | None):
        raise FormcheckError("This is not a note.")
    return id_, data, base


def _by(body: dict[str, Any]) -> str:
    by = body.get("by", "")
    return by if isinstance(by, str) else ""


def _binary(data: bytes) -> Response:
    return Response(data, media_type="application/octet-stream")


def _whole(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise FormcheckError(f"“{name}” must be a whole number.")
    return int(text)


def _video(path: Path, request: Request) -> Response:
    """A file, or one range of it. It is opened once, not through a link, and read from that."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError:
        raise NotThereError("video") from None
    size = os.fstat(handle).st_size
    span = _span(request.headers.get("range"), size)
    headers = {
        "accept-ranges": "bytes",
        "content-type": MEDIA_TYPES[path.suffix.lower()],
        "cache-control": "private, no-cache",
    }
    if span is None or span[0] >= size:
        os.close(handle)
        return Response(status_code=416, headers=headers | {"content-range": f"bytes */{size}"})
    first, last = span
    headers["content-length"] = str(last - first + 1)
    partial = request.headers.get("range") is not None
    if partial:
        headers["content-range"] = f"bytes {first}-{last}/{size}"
    if request.method == "HEAD":
        os.close(handle)
        return Response(status_code=206 if partial else 200, headers=headers)

    async def pieces() -> AsyncIterator[bytes]:
        with os.fdopen(handle, "rb") as file:
            file.seek(first)
            left = last - first + 1
            while left > 0 and (piece := await to_thread.run_sync(file.read, min(_VIDEO_PIECE, left))):
                left -= len(piece)
                yield piece

    return StreamingResponse(pieces(), 206 if partial else 200, headers)


def _span(asked: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of a range header with one range; None for any other."""
    if asked is None:
        return 0, size - 1
    unit, _, text = asked.partition("=")
    first, dash, last = text.strip().partition("-")
    if unit.strip() != "bytes" or not dash or len(text) > 40:
        return None
    if not all(part == "" or (part.isascii() and part.isdigit()) for part in (first, last)):
        return None
    if first == "":
        if not last or int(last) == 0:
            return None
        return max(size - int(last), 0), size - 1
    end = min(int(last), size - 1) if last else size - 1
    return (int(first), end) if int(first) <= end or int(first) >= size else None
