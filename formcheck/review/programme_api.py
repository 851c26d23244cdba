"""What the page for programmes asks for and says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from formcheck.errors import FormcheckError
from formcheck.exercises.programme import read_programme
from formcheck.review import programme_form
from formcheck.review.answers import answered, json_body
from formcheck.review.programmes import ProgrammeFile, Programmes, read_text
from formcheck.session.library import printable
from formcheck.words import say


class ProgrammeApi:
    """The routes of the page for programmes.

    Args:
        programmes: those of the folder.
    """

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def routes(self) -> list[Route]:
        """Addresses and who answers them."""

        def route(path: str, handler: Callable[[Request], Awaitable[Response]], method: str) -> Route:
            return Route(f"/api/programmes{path}", handler, methods=[method])

        return [
            route("", self.listed, "GET"),
            route("/read", self.read, "POST"),
            route("/check", self.check, "POST"),
            route("/save", self.save, "POST"),
            route("/{key:str}", self.opened, "GET"),
        ]

    @answered
    async def listed(self, request: Request) -> Response:
        """All programmes of the folder, and what the form offers."""

        def collect() -> dict[str, Any]:
            files = [_row(file) for file in self._programmes.current()]
            return {"programmes": files, "form": programme_form.form()}

        return JSONResponse(await to_thread.run_sync(collect))

    @answered
    async def opened(self, request: Request) -> Response:
        """One of them for the form, with its earlier versions."""

        def collect() -> dict[str, Any]:
            file = self._programmes.find(request.path_params["key"])
            if file.problem is not None:
                raise FormcheckError(file.problem)
            earlier = [_row(one) for one in self._programmes.earlier(file)]
            return _row(file) | _opened(file.text, file.content) | {"earlier": earlier}

        return JSONResponse(await to_thread.run_sync(collect))

    @answered
    async def read(self, request: Request) -> Response:
        """A file from elsewhere for the form."""
        body = await json_body(request)
        name, text = body.get("name"), body.get("text")
        if not isinstance(name, str) or not isinstance(text, str):
            raise FormcheckError("JSON expected.")
        return JSONResponse(_opened(*read_text(text, name)))

    @answered
    async def check(self, request: Request) -> Response:
        """What is not right in what was written."""
        wrong = read_programme(await _content(request))[1]
        return JSONResponse({"mistakes": programme_form.told(wrong)})

    @answered
    async def save(self, request: Request) -> Response:
        """Keeps a programme, and gives its file for the patient; 422 with what is not right in it."""
        programme, wrong = read_programme(await _content(request))
        if programme is None:
            told = programme_form.told(wrong)
            return JSONResponse({"problem": say("review.programme.not_yet"), "mistakes": told}, 422)
        file = await to_thread.run_sync(self._programmes.keep, programme)
        return JSONResponse({"key": file.key, "file": file.path.name, "place": file.place, "text": file.text})


async def _content(request: Request) -> dict[str, Any]:
    content = (await json_body(request)).get("content")
    if not isinstance(content, dict):
        raise FormcheckError("JSON expected.")
    return content


def _opened(text: str, content: Mapping[str, Any]) -> dict[str, Any]:
    remarks = any(line.lstrip().startswith("#") or " #" in line for line in text.splitlines())
    return programme_form.opened(content) | {"remarks": remarks}


def _row(file: ProgrammeFile) -> dict[str, Any]:
    content = file.content
    exercises = content.get("exercises")
    return {
        "key": file.key,
        "place": printable(file.place, 200),
        "saved": file.saved,
        "problem": file.problem,
        "name": printable(str(content.get("name", "")), 80),
        "patient": printable(str(content.get("patient", "")), 80),
        "count": len(exercises) if isinstance(exercises, list) else 1,
    }
