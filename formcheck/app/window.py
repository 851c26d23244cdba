"""Opens the app: its server, and a browser's window on it that has no address bar.

A browser that knows windows of that kind (Chrome, Chromium, Edge, Brave, Vivaldi) gets a profile that is made
anew and deleted afterwards, and can reach nothing but this computer. Where there is none, the page opens in
the default browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn

from formcheck.app.api import AppApi, bring
from formcheck.errors import FormcheckError
from formcheck.review.server import serve_here

_ON_PATH = (
    "google-chrome", "google-chrome-stable", "chromium", "chromium-browser", "microsoft-edge",
    "microsoft-edge-stable", "brave-browser", "vivaldi", "vivaldi-stable",
)  # fmt: skip
_MAC = ("Google Chrome", "Microsoft Edge", "Chromium", "Brave Browser", "Vivaldi")
_WINDOWS = (
    r"Google\Chrome\Application\chrome.exe", r"Microsoft\Edge\Application\msedge.exe",
    r"BraveSoftware\Brave-Browser\Application\brave.exe", r"Vivaldi\Application\vivaldi.exe",
)  # fmt: skip
_FLAGS = (
    "--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--disable-default-apps", "--disable-extensions", "--disable-quic",
    "--disable-breakpad", "--disable-features=Translate,MediaRouter", "--password-store=basic",
    "--use-mock-keychain", "--start-maximized",
    "--proxy-server=http://127.0.0.1:9",  # nobody is there: nothing but this computer itself can be reached
)  # fmt: skip
#: A window that was opened asks for the page within seconds; a browser of its own kind that does not in this
#: time gives way to the default one.
_APPEARS_S = 60.0
_LOOKS_S = 0.2
#: Without a window of our own: no page has listened for so long, so it was closed.
_GONE_S = 6.0
_NO_SCREEN = (
    "There is no screen to open the app on (DISPLAY is not set): run this in a desktop session, or see "
    "formcheck --help for what can be done in a terminal."
)
_NO_BROWSER = (
    "No browser could be opened for the app: install Chrome, Chromium, Edge or Firefox, or see "
    "formcheck --help for what can be done in a terminal."
)


def run_app(
    programme: Path | None = None,
    *,
    in_window: bool = False,
    api: AppApi | None = None,
    flags: Sequence[str] = (),
) -> None:
    """Open the app's window, and return when it has been closed.

    Args:
        programme: a `.formcheck` file to take in first.
        in_window: what is wrong with the file is told there.
        api: what it serves; another one in tests.
        flags: more of them for the browser, in tests.

    Raises:
        FormcheckError: there is no screen or no browser, or the file is no programme and that is not told in
            the window.
    """
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise FormcheckError(_NO_SCREEN)
    api = api if api is not None else AppApi()
    if programme is not None:
        try:
            _take_in(programme)
        except FormcheckError as error:
            if not in_window:
                raise
            api.not_read = str(error)
    window: list[AppWindow] = []

    def ready(address: str, server: uvicorn.Server) -> None:
        window.append(AppWindow(address, server, api, find_browser(), flags))

    try:
        serve_here(api.app(), 0, ready)
    finally:
        api.close()
        for one in window:
            one.close()
    if window and window[0].problem:
        raise FormcheckError(window[0].problem)


def _take_in(programme: Path) -> None:
    try:
        text = programme.read_text(encoding="utf-8")
    except OSError as error:
        raise FormcheckError(f"The programme {programme} cannot be read: {error.strerror}.") from None
    except UnicodeError:
        raise FormcheckError(f"{programme} is no programme: it is not a text file.") from None
    bring(text, programme.name)


class AppWindow:
    """A browser's window on the app; the server ends when it has been closed.

    Attributes:
        problem: why no window could be opened, or "".

    Args:
        address: what to open; good once.
        server: to be ended.
        api: knows who listens, and whether somebody is exercising.
        browser: one that can open a window without an address bar, or None.
        flags: more of them for the browser.
    """

    def __init__(
        self, address: str, server: uvicorn.Server, api: AppApi, browser: Path | None, flags: Sequence[str]
    ) -> None:
        self.problem = ""
        self._address, self._server, self._api = address, server, api
        self._profile: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._done = threading.Event()
        if browser is not None:
            self._profile = tempfile.mkdtemp(prefix="formcheck-app-")
            command = [str(browser), f"--app={address}", f"--user-data-dir={self._profile}", *_FLAGS, *flags]
            with suppress(OSError):
                self._process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
        self._thread = threading.Thread(target=self._watch, name="window", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take the window away, and what its browser wrote."""
        self._done.set()
        self._thread.join(10)
        self._end_browser()

    def _watch(self) -> None:
        if self._process is None or not self._appears(self._process):
            self._end_browser()
            if not webbrowser.open(self._address) or not self._appears():
                self.problem = "" if self._done.is_set() else _NO_BROWSER
                self._server.should_exit = True
                return
        gone_s = 0.0
        while not self._done.wait(_LOOKS_S):
            own = self._process
            here = own.poll() is None if own is not None else self._api.hub.heard_by > 0
            gone_s = 0.0 if here or self._api.exercising.running else gone_s + _LOOKS_S
            if gone_s > (0.0 if own is not None else _GONE_S):
                self._server.should_exit = True
                return

    def _appears(self, process: subprocess.Popen[bytes] | None = None) -> bool:
        """Wait until a page listens; False if none does, or the browser has ended."""
        deadline_s = time.monotonic() + _APPEARS_S
        while time.monotonic() < deadline_s and not self._done.wait(_LOOKS_S):
            if self._api.hub.heard_by:
                return True
            if process is not None and process.poll() is not None:
                return False
        return False

    def _end_browser(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        self._process = None
        if self._profile is not None:
            shutil.rmtree(self._profile, ignore_errors=True)


def find_browser() -> Path | None:
    """A browser on this computer that can open a window without an address bar."""
    if sys.platform == "win32":
        bases = [os.environ.get(name) for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
        places = [Path(base, name) for name in _WINDOWS for base in bases if base]
    elif sys.platform == "darwin":
        places = [
            Path(base).expanduser() / f"{name}.app" / "Contents" / "MacOS" / name
            for name in _MAC
            for base in ("/Applications", "~/Applications")
        ]
    else:
        places = [Path(path) for name in _ON_PATH if (path := shutil.which(name))]
    return next((place for place in places if place.is_file()), None)
