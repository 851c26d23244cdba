"""Who has the key of the review page, in a real browser: its tabs, and no other server of this computer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_browser import CHROMIUM, FLAGS, NEEDS_CHROMIUM, sync_api
from made import analysed, bridges
from serving import serving

from formcheck.video.writer import VideoWriter

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("sessions")
    one = analysed(root / "one")
    with VideoWriter(one / "video.mp4", 320, 180, 25) as video:
        for t in bridges().track.time_s:
            video.write(np.full((180, 320, 3), 40, np.uint8), float(t))
    return root


@pytest.fixture
def link(folder) -> Iterator[str]:
    """A review server's link that was not opened yet."""
    with serving(folder) as address:
        yield address


@pytest.fixture
def other() -> Iterator[tuple[str, list[str]]]:
    """Another server of this computer, and all that it was sent; its page tells what scripts of its find."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.path}\n{self.headers}")
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>other</title>")

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", heard
    server.shutdown()
    server.server_close()


@pytest.fixture
def context() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        made = browser.new_context()
        made.set_default_timeout(15_000)
        yield made
        browser.close()


@pytest.fixture
def page(context, link) -> Any:
    opened = context.new_page()
    opened.goto(link)
    opened.wait_for_selector(".session")
    return opened


def home(link: str) -> str:
    return link.partition("#")[0]


def test_another_server_of_this_computer_gets_no_key(page, context, link, other):
    where, heard = other
    key = page.evaluate("localStorage.getItem('key')")
    assert key
    assert key not in link
    secrets = [key, link.partition("=")[2]]
    evil = context.new_page()
    evil.goto(where)
    kept = "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, document.referrer])"
    found = [evil.evaluate(kept)]
    page.goto(where)  # from the review page's own tab, and by a link on it
    found.append(page.evaluate(kept))
    page.go_back()
    page.wait_for_selector(".session")
    page.evaluate("where => { const a = document.createElement('a'); a.href = where; a.id = 'x'; "
                  "document.body.append(a); a.click(); }", where)  # fmt: skip
    page.wait_for_url(where)
    found.append(page.evaluate(kept))
    assert len([h for h in heard if h.startswith("/\n")]) == 3
    assert not [text for text in (*heard, *found) for secret in secrets if secret in text]
    assert context.cookies() == []
    # Nor can its page ask in the browser's name.
    asked = "u => fetch(u).then(r => r.text(), e => 'refused').catch(() => 'refused')"
    for path in ("api/library", "static/api.js"):
        assert evil.evaluate(asked, home(link) + path) == "refused"
    tried = "u => fetch(u, {headers: {'x-formcheck': '1'}}).then(() => 'answered', () => 'refused')"
    assert evil.evaluate(tried, home(link) + "api/library") == "refused"


def test_the_link_is_good_for_one_browser(page, context, link):
    stranger = context.browser.new_context().new_page()
    stranger.goto(link)
    text = stranger.locator(".problem").inner_text()
    assert "open the address that 'formcheck review' printed" in text
    assert "start 'formcheck review' again" in text
    assert stranger.evaluate("localStorage.length") == 0
    assert stranger.url == home(link)
    page.goto("about:blank")
    page.goto(link)  # in the same browser it opens what it opened before
    page.wait_for_selector(".session")


def test_reloading_and_new_tabs_go_on_as_before(page, context, link):
    page.reload()
    page.wait_for_selector(".session")
    with context.expect_page() as opened:
        page.click(".session a >> nth=0", modifiers=["Control"])
    opened.value.wait_for_selector(".controls")
    page.close()
    opened.value.close()
    bookmark = context.new_page()
    bookmark.goto(home(link))
    bookmark.wait_for_selector(".session")


def test_a_key_of_an_earlier_start_says_how_to_get_in(page):
    page.evaluate("localStorage.setItem('key', 'of-yesterday')")
    page.reload()
    assert "open the address that 'formcheck review' printed" in page.locator(".problem").inner_text()


def test_the_video_is_shown_by_a_pass_for_it_alone(page):
    asked: list[Any] = []
    page.on("request", lambda r: asked.append(r) if "/video" in r.url else None)
    page.click(".session a >> nth=0")
    page.wait_for_selector(".controls")
    at = page.evaluate(
        """() => new Promise(done => { const video = document.querySelector("video");
        const jump = () => { video.onseeked = () => done(video.currentTime); video.currentTime = 3; };
        if (video.readyState >= 2) jump(); else video.onloadeddata = jump; })"""
    )
    assert at == 3
    assert asked
    assert all("?pass=" in r.url and r.response().status == 206 for r in asked)
    part = "u => fetch(u, {headers: {range: 'bytes=2-5'}}).then(async r => [r.status, (await r.blob()).size])"
    assert page.evaluate(part, asked[0].url) == [206, 4]
    without = asked[0].url.partition("?")[0]
    assert page.evaluate("u => fetch(u).then(r => r.status)", without) == 403
