"""Starts the review page: a server on this computer only, and the browser on it."""

from __future__ import annotations

import logging
import socket
import sys
import webbrowser
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from formcheck.errors import FormcheckError
from formcheck.files import make_folder, sessions_folder
from formcheck.review.api import Api
from formcheck.review.connection import BACKLOG, Brief, Connection, Listener
from formcheck.review.jobs import clear_left_behind
from formcheck.review.security import Guard
from formcheck.session.library import Library
from formcheck.words import DEFAULT, words_of


def check_folder(folder: Path | None) -> Path:
    """The folder of sessions; the default one is made if it does not exist yet.

    Raises:
        FormcheckError: it does not exist or cannot be read.
    """
    if folder is None:
        folder = sessions_folder()
        with suppress(OSError):
            make_folder(folder)
    if folder.is_file():
        raise FormcheckError(f"{folder} is a file; give the folder that the sessions are in.")
    try:
        next(iter(folder.iterdir()), None)
    except FileNotFoundError:
        raise FormcheckError(f"There is no folder {folder}; check the name.") from None
    except OSError as error:
        raise FormcheckError(f"The folder {folder} cannot be read: {error.strerror}.") from None
    return folder


def serve(
    folder: Path | None = None,
    *,
    port: int = 0,
    open_browser: bool = True,
    language: str = DEFAULT,
    ready: Callable[[str, uvicorn.Server], None] | None = None,
) -> None:
    """Serves the review page until Ctrl-C.

    Args:
        folder: of sessions; the default one if left out.
        port: on 127.0.0.1; 0 takes a free one.
        open_browser: False only prints the address.
        language: of the page, until somebody chooses another one there.
        ready: called with the address and the server instead of printing, for tests.

    Raises:
        FormcheckError: the folder cannot be read, the port is taken, or there is no such language.
    """
    words_of(language)
    library = Library(check_folder(folder))
    left = clear_left_behind(library.root)
    if left:
        what = "A video" if left == 1 else f"{left} videos"
        print(
            f"{what} dropped onto the page had not been analysed when formcheck was stopped, and had to "
            "be removed: drop it again.",
            file=sys.stderr,
            flush=True,
        )

    def told(address: str, server: uvicorn.Server) -> None:
        print(f"Review page: {address}", flush=True)
        print("Only this computer can open it. Ctrl-C ends it.", file=sys.stderr, flush=True)
        if open_browser:
            webbrowser.open(address)

    api = Api(library, language)
    try:
        serve_here(api.app(), port, ready or told, ("microphone",))
    finally:
        api.jobs.close()


def serve_here(
    app: ASGIApp, port: int, ready: Callable[[str, uvicorn.Server], None], uses: Collection[str] = ()
) -> None:
    """Serves an application to this computer's browser only, until Ctrl-C or the server is told to end.

    Args:
        app: the application; it gets the requests that `Guard` lets through.
        port: on 127.0.0.1; 0 takes a free one.
        ready: called with the address to open and the server, which listens already.
        uses: see `Guard`.

    Raises:
        FormcheckError: the port is taken.
    """
    serve_at("127.0.0.1", port, lambda at: Guard(app, at, uses=uses), ready)


def serve_at(
    host: str,
    port: int,
    guarded: Callable[[int], Guard],
    ready: Callable[[str, uvicorn.Server], None],
    *,
    certificate: tuple[Path, Path] | None = None,
) -> None:
    """Serves an application at an address of this computer; see `serve_here`.

    Args:
        host: the address.
        port: 0 takes a free one.
        guarded: the application behind its guard, made for the port.
        ready: as there.
        certificate: files with a certificate and its key, for TLS; they are read before `ready` is called.
    """
    with Listener(socket.AF_INET, socket.SOCK_STREAM) as listener:
        if sys.platform != "win32":  # there it would let another program listen on the same port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen()  # from now on the browser may knock; it is let in a moment later
        except OSError as error:
            raise FormcheckError(
                f"Port {port} cannot be used ({error.strerror}); leave --port out."
            ) from None
        guard = guarded(listener.getsockname()[1])
        config = uvicorn.Config(
            guard,
            http=Connection,
            ws="none",
            backlog=BACKLOG,
            log_level="error",  # warnings are about what others send
            access_log=False,  # addresses hold passes
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
            ssl_certfile=certificate[0] if certificate is not None else None,
            ssl_keyfile=certificate[1] if certificate is not None else None,
        )
        config.load()
        server = uvicorn.Server(config)
        ready(guard.address, server)
        with _brief():
            server.run(sockets=[listener])


@contextmanager
def _brief() -> Iterator[None]:
    """Keeps what the server logs short."""
    brief, loggers = Brief(), [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
    for logger in loggers:
        logger.addFilter(brief)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(brief)
