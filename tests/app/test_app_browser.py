"""The app in a real browser: from Today through an exercise with a clip as the camera to progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from in_browser import CHROMIUM, FLAGS, NEEDS_CHROMIUM, sync_api
from live_session import MadeCamera
from serving import served
from waiting import until

from formcheck.app.api import AppApi
from formcheck.app.settings import load_settings
from formcheck.review.server import serve_here

pytestmark = NEEDS_CHROMIUM
HERE = Path(__file__).parent
#: However busy the machine is.
PATIENCE_MS = 300_000
AXE = os.environ.get("AXE_CORE", "")
PROGRAMME = """
name = "Bridges"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
[[exercises]]
exercise = "bridge"
sets = 1
reps = 1
[[exercises.ladder]]
reps = 2
"""


@contextmanager
def app_served(api: AppApi) -> Iterator[str]:
    """Gives the app's link, which was not opened yet; the app ends with the block."""
    try:
        with served(serve_here, api.app(), 0) as link:
            yield link
    finally:
        api.exercising.end()
        api.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    return tmp_path / "data"


@pytest.fixture
def camera() -> MadeCamera:
    return MadeCamera([n / 10 for n in range(100_000)])


@pytest.fixture
def page(browser: Any, camera: MadeCamera) -> Iterator[Any]:
    """The app, opened; every request that left this computer, and every error of a script, fails the test."""
    api = AppApi(
        exercise_command=[sys.executable, str(HERE / "exercise_on_clip.py")], camera=lambda which: camera
    )
    wrong: list[str] = []
    with app_served(api) as address:
        context = browser.new_context(viewport={"width": 1366, "height": 768}, bypass_csp=bool(AXE))
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: request.url.startswith((address.partition("#")[0], "blob:"))
                or wrong.append(request.url))  # fmt: skip
        page.goto(address)
        page.wait_for_selector("h1")
        yield page
        context.close()
    assert wrong == []


def look(page: Any) -> None:
    """Nothing serious by axe-core, where it is at hand (npm install axe-core; AXE_CORE names axe.min.js)."""
    if not AXE:
        return
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    grave = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not grave, [(v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in grave]


def open_programme(page: Any, folder: Path, text: str = PROGRAMME) -> None:
    file = folder / "mine.formcheck"
    file.write_text(text, encoding="utf-8")
    page.set_input_files("input[type=file]", str(file))
    page.wait_for_selector("#said p")


def test_from_the_physios_file_through_an_exercise_to_progress(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    monkeypatch.setenv("TOLD", str(told))
    sync_api.expect(page.locator("h1")).to_have_text("Open your programme")
    look(page)
    open_programme(page, tmp_path)
    page.wait_for_selector(".rows")
    sync_api.expect(page.locator(".rows h2")).to_have_text(["Bridge"])
    page.get_by_text("How is it done?").click()
    sync_api.expect(page.locator(".how li")).to_have_count(3)
    picture = page.locator(".how img")
    sync_api.expect(picture).to_be_visible()
    sync_api.expect(picture).not_to_have_js_property("naturalWidth", 0)
    look(page)

    page.get_by_role("button", name="Start").click()
    sync_api.expect(page.locator("h1")).to_have_text("You are exercising")
    sync_api.expect(page.locator(".rows .done")).to_contain_text("done", timeout=PATIENCE_MS)
    # Consent and pain were asked in the exercise's own window, and Today was not shown there again.
    assert told.read_text().startswith("en safety pain_before setup practice work")
    sync_api.expect(page.locator("main")).to_contain_text("Everything for today is done.")
    sync_api.expect(page.locator(".problem")).to_have_count(0)
    look(page)

    page.get_by_role("link", name="Look at my progress").click()
    page.wait_for_selector("table")
    sync_api.expect(page.locator("main .line").first).to_have_text("Days this week: 1 of 7.")
    sync_api.expect(page.locator("tbody td")).to_have_text(["1 of 1", "1 → 2", "3"])
    look(page)


def test_everything_is_reached_by_keys_alone_and_nothing_is_begun_by_enter_in_passing(
    page: Any, tmp_path: Path
) -> None:
    open_programme(page, tmp_path)
    page.wait_for_selector(".rows")
    page.keyboard.press("Enter")  # whatever has the focus now
    sync_api.expect(page.locator("h1")).to_have_text("Today")
    reached = set()
    for _ in range(14):  # round once
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent"))
    assert {"Today", "My progress", "Just one exercise", "Settings", "Look at my progress"} <= reached
    assert any(name.startswith("Start") for name in reached)
    page.locator("nav").get_by_text("My progress").focus()
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("h1")).to_have_text("My progress")
    sync_api.expect(page.locator("h1")).to_be_focused()  # where a screen reader goes on


def test_what_is_pressed_is_large_enough_for_a_thumb(page: Any, tmp_path: Path) -> None:
    open_programme(page, tmp_path)
    for name in ("Today", "Just one exercise", "Settings"):
        page.locator("nav").get_by_text(name).click()
        page.wait_for_selector("h1:focus")
        small = page.evaluate(
            "[...document.querySelectorAll('button, nav a, select, main label')]"
            ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"
        )
        assert small == [], name


def test_settings_are_kept_and_seen_at_once_and_the_camera_is_on_only_when_asked(
    page: Any, camera: MadeCamera
) -> None:
    page.locator("nav").get_by_text("Settings").click()
    page.get_by_text("Deutsch").click()
    sync_api.expect(page.locator("h1")).to_have_text("Einstellungen")
    sync_api.expect(page.locator("#language-de")).to_be_focused()
    assert page.evaluate("document.documentElement.lang") == "de"
    assert not page.evaluate("document.documentElement.translate")  # no browser's offer in between
    page.get_by_text("Stärkerer Kontrast").click()
    sync_api.expect(page.locator("html")).to_have_attribute("data-contrast", "high")
    page.get_by_text("Stimme und Töne").click()
    page.get_by_text("Auf den Kopf").click()
    page.get_by_text("Ein Handy als Kamera").click()
    sync_api.expect(page.locator("#said")).to_contain_text("Gespeichert")
    page.select_option("#camera", "1")
    until(lambda: load_settings().camera == "1" and load_settings().rotate == 180, 60, every_s=0.05)
    page.reload()
    sync_api.expect(page.locator("#sound")).not_to_be_checked()
    sync_api.expect(page.locator("#phone_camera")).to_be_checked()
    sync_api.expect(page.locator("#phone")).not_to_be_checked()
    kept = load_settings()
    assert (kept.language, kept.high_contrast, kept.sound, kept.rotate, kept.camera) == (
        "de", True, False, 180, "1",
    )  # fmt: skip
    look(page)
    assert camera.opened == 0
    page.get_by_text("Bild zeigen").click()
    page.wait_for_selector("img.live:visible")
    assert camera.opened == 1
    page.locator("nav").get_by_text("Heute").click()
    page.wait_for_selector("h1:has-text('Ihr Programm öffnen')")
    page.wait_for_timeout(200)
    assert camera.closed == 1


def test_what_is_no_programme_is_told_and_nothing_changes(page: Any, tmp_path: Path) -> None:
    open_programme(page, tmp_path, "name = 3")
    sync_api.expect(page.locator("#said")).to_contain_text("not a programme that formcheck can read")
    sync_api.expect(page.locator("h1")).to_have_text("Open your programme")
    assert load_settings().programme is None


def test_the_link_is_good_for_one_window(page: Any, browser: Any) -> None:
    address = page.url
    other = browser.new_context().new_page()
    other.goto(address)
    sync_api.expect(other.locator("main")).to_contain_text("This window cannot be used any more.")
    other.context.close()
