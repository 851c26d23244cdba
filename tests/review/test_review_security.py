"""Nobody but the page that was opened gets in, and it can load nothing from elsewhere."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from asking import ORIGIN, PORT, Page
from made import analysed


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("lib")
    analysed(root / "a")
    return Page(root)


SHELL = ["/", "/session/0123", "/static/app.js"]
PRIVATE = ["/api/library", "/api/agreement.csv", "/api/session/0123/video", "/api/gone"]
LINK = "/api/enter"


def passing(page: Page, path: str) -> str:
    return hmac.new(page.app.key.encode(), path.encode(), sha256).hexdigest()


@pytest.mark.parametrize("path", PRIVATE)
def test_without_the_key_nothing_of_anybody_is_served(page, path):
    link = page.app.address.partition("=")[2]
    for key in (None, "", "wrong", "é", link):
        answer = page.get(path, x_formcheck=key)
        assert answer.status == 403
        assert "open the address that 'formcheck review' printed" in answer.json()["problem"]
        assert page.get(path, x_formcheck=key, cookie=f"formcheck_{PORT}={page.app.key}").status == 403
        assert answer.headers["connection"] == "close"  # one answer a connection, for who has no key
    assert page.get(path).status in (200, 404)


def test_the_page_itself_is_the_same_for_everybody(page):
    for path in SHELL:
        without, with_key = page.get(path, x_formcheck=None), page.get(path)
        assert without.status == with_key.status == 200
        assert without.body == with_key.body
        assert "set-cookie" not in with_key.headers
        assert page.app.key.encode() not in with_key.body
        assert page.ask("POST", path, origin=ORIGIN, x_formcheck=None).status == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", f"localhost:{PORT}", "", None],
)
def test_another_host_name_gets_nothing(page, host):
    """Not localhost either: that is [::1] too, where somebody else may listen on the same port."""
    for path in ("/", "/api/library", "/static/app.js"):
        answer = page.get(path, host=host)
        assert answer.status == 421
        assert b"sessions" not in answer.body
    assert page.post(LINK, host=host).status == 421


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_cannot_ask_even_with_the_key(page, site):
    for path in ("/static/app.js", *PRIVATE):
        assert page.get(path, sec_fetch_site=site).status == 403
    assert page.get("/", sec_fetch_site=site).status == 200  # a link to it may stand anywhere


def test_the_link_gives_the_key_out_once(tmp_path):
    page = Page(tmp_path)
    link = page.app.address.partition("#link=")[2]
    assert page.app.address == f"{ORIGIN}/#link={link}"
    for other in ("", "wrong", "é", page.app.key, None):
        assert page.post(LINK, x_formcheck=other).status == 403
    assert page.post(LINK, x_formcheck=link, origin="http://evil.example").status == 403
    assert page.ask("GET", LINK, x_formcheck=link).status == 403
    assert page.post(LINK, x_formcheck=link).json() == {"key": page.app.key}
    again = page.post(LINK, x_formcheck=link)
    assert again.status == 403
    assert page.app.key not in again.body.decode()
    assert link not in page.app.key


def test_a_pass_opens_one_path_and_only_to_read(page):
    csv = passing(page, "/api/agreement.csv")
    assert page.get(f"/api/agreement.csv?pass={csv}", x_formcheck=None).status == 200
    assert page.get(f"/api/agreement.csv?pass={csv}&pass=", x_formcheck=None).status == 200
    assert page.get(f"/api/agreement?pass={csv}", x_formcheck=None).status == 403
    assert page.get(f"/api/library?pass={csv}", x_formcheck=None).status == 403
    assert (
        page.get(f"/api/agreement.csv?pass={csv}", x_formcheck=None, sec_fetch_site="same-site").status == 403
    )
    for wrong in (page.app.key, csv[:-1], csv.upper(), "%C3%A9"):
        assert page.get(f"/api/agreement.csv?pass={wrong}", x_formcheck=None).status == 403
    key = page.get("/api/library").json()["sessions"][0]["key"]
    notes = f"/api/session/{key}/notes"
    note = {"id": "comment:1", "base": 0, "data": {"time_s": 1, "text": "forged"}}
    assert page.post(f"{notes}?pass={passing(page, notes)}", note, x_formcheck=None).status == 403
    assert page.get(notes).json()["items"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"origin": None},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": f"http://127.0.0.1:{PORT + 1}"},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {"origin": f"http://localhost:{PORT}"},
        {"host": f"localhost:{PORT}", "origin": f"http://localhost:{PORT}"},
        {"x_formcheck": None},
        {"x_formcheck": "1"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_no_other_page_can_change_anything(page, change, tmp_path):
    key = page.get("/api/library").json()["sessions"][0]["key"]
    note = {"id": "comment:1", "base": 0, "data": {"time_s": 1, "text": "forged"}}
    assert page.post(f"/api/session/{key}/notes", note, **change).status in (403, 421)
    assert page.post("/api/upload?name=a.mp4&exercise=bridge", body=b"x", **change).status in (403, 421)
    assert page.get(f"/api/session/{key}/notes").json()["items"] == []
    assert page.get("/api/library").json()["jobs"] == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "POST"])
def test_other_methods_change_nothing(page, method):
    assert page.ask(method, "/api/library").status in (403, 405)
    assert page.ask(method, "/api/library", origin=ORIGIN).status == 405


def test_the_page_may_load_nothing_from_elsewhere(page):
    for path in (*SHELL, *PRIVATE):
        headers = page.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../api.py",
        "/static/..%2f..%2fapi.py",
        "/static/%2e%2e/%2e%2e/cli.py",
        "/static//etc/passwd",
        "/api/session/..%2f..%2fetc/video",
        "/api/session/../library",
        "/api/session/%00/video",
        "/session/../../etc/passwd",
    ],
)
def test_no_path_leads_out(page, path):
    answer = page.get(path)
    assert answer.status == 404
    assert b"import" not in answer.body
    assert b"root:" not in answer.body
