"""Nobody but the page that was opened gets in, and it can load nothing from elsewhere."""

from __future__ import annotations

import pytest
from asking import ORIGIN, PORT, Page
from made import analysed


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("lib")
    analysed(root / "a")
    return Page(root)


PATHS = ["/", "/api/library", "/static/app.js", "/session/0123", "/api/agreement.csv"]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_key_nothing_is_served(page, path):
    for cookie in (None, "formcheck_5123=wrong", f"other={page.token}", f"formcheck_1={page.token}"):
        assert page.get(path, cookie=cookie).status == 403
    assert page.get(path).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", "", None]
)
def test_another_host_name_gets_nothing(page, host):
    answer = page.get("/api/library", host=host)
    assert answer.status == 421
    assert b"sessions" not in answer.body
    assert page.get(f"/?token={page.token}", host=host).status == 421


def test_localhost_is_this_computer_too(page):
    assert page.get("/api/library", host=f"localhost:{PORT}").status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_pages_cannot_ask_even_with_the_cookie(page, site):
    for path in PATHS:
        assert page.get(path, sec_fetch_site=site).status == 403


def test_the_key_in_the_address_becomes_a_cookie_that_scripts_cannot_read(page):
    answer = page.get(f"/?token={page.token}", cookie=None, sec_fetch_site="none")
    assert answer.status == 200
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert cookie.startswith(f"formcheck_{PORT}=")
    assert page.token.encode() not in answer.body
    assert page.get("/?token=wrong", cookie=None).status == 403
    assert page.get("/?token=%C3%A9", cookie=None).status == 403


@pytest.mark.parametrize(
    "change",
    [
        {"origin": None},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": f"http://127.0.0.1:{PORT + 1}"},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {"origin": f"http://localhost:{PORT}"},
        {"x_formcheck": None},
        {"x_formcheck": "0"},
        {"cookie": None},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_no_other_page_can_change_anything(page, change, tmp_path):
    key = page.get("/api/library").json()["sessions"][0]["key"]
    note = {"id": "comment:1", "base": 0, "data": {"time_s": 1, "text": "forged"}}
    assert page.post(f"/api/session/{key}/notes", note, **change).status == 403
    assert page.post("/api/upload?name=a.mp4&exercise=bridge", body=b"x", **change).status == 403
    assert page.get(f"/api/session/{key}/notes").json()["items"] == []
    assert page.get("/api/library").json()["jobs"] == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "POST"])
def test_other_methods_change_nothing(page, method):
    assert page.ask(method, "/api/library").status in (403, 405)
    assert page.ask(method, "/api/library", origin=ORIGIN, x_formcheck="1").status == 405


def test_the_page_may_load_nothing_from_elsewhere(page):
    for path in PATHS:
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
