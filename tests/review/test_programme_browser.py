"""A programme made, changed and saved in a real browser, without a terminal."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from english import english_left
from in_browser import CHROMIUM, FLAGS, NEEDS_CHROMIUM, sync_api
from serving import serving

from formcheck.exercises.programme import load_programme, read_programme

pytestmark = NEEDS_CHROMIUM
expect = sync_api.expect
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "hips.formcheck"
AXE = os.environ.get("AXE_CORE", "")
#: A computer that does much else may let a browser wait for long.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "sessions"
    root.mkdir()
    return root


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Any]:
    """The list of programmes of a folder."""
    found: list[str] = []
    with serving(folder) as link:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=bool(AXE))
        context.set_default_timeout(PATIENCE_MS)
        opened = context.new_page()
        opened.on("pageerror", lambda error: found.append(f"error: {error}"))
        opened.on(
            "console",
            lambda m: found.append(m.text) if m.type == "error" and "422" not in m.text else None,
        )
        opened.goto(link)
        opened.click("nav >> text=Programmes")
        opened.wait_for_selector("text=In this folder")
        yield opened
        context.close()
    assert found == []


def drop(page: Any, name: str, text: str) -> None:
    data = page.evaluate_handle(
        "([name, text]) => { const d = new DataTransfer(); d.items.add(new File([text], name)); return d; }",
        [name, text],
    )
    page.dispatch_event("main", "drop", {"dataTransfer": data})


def add(page: Any, title: str) -> None:
    page.select_option("select[aria-label='Add an exercise']", label=title)
    page.click("button >> text=Add an exercise")
    page.wait_for_selector(f"h2 >> text={title}")


def card(page: Any, number: int) -> Any:
    return page.locator(f"[data-at='exercises.{number - 1}']")


def give(place: Any, label: str, value: str) -> None:
    place.get_by_label(label, exact=True).first.fill(value)


def chosen(place: Any, label: str) -> Any:
    return place.get_by_role("combobox", name=label, exact=True)


def add_step(place: Any, raises: str, value: str) -> None:
    place.get_by_role("button", name="Add a step").click()
    step = place.locator("li").last
    step.locator("select").first.select_option(label=raises)
    step.locator("input[type=number]").fill(value)


def save(page: Any, to: Path) -> Any:
    """Saves the programme; gives what the patient's copy says."""
    with page.expect_download() as told:
        page.click("text=Save for the patient")
    told.value.save_as(to / told.value.suggested_filename)
    expect(page.locator("span.soft >> text=Saved")).to_be_visible()
    return load_programme(to / told.value.suggested_filename)


def test_a_programme_is_made_saved_and_read_back_by_the_player(
    page: Any, folder: Path, tmp_path: Path
) -> None:
    page.click("text=New programme")
    give(page, "Patient", "P-07")
    give(page, "Name that the patient reads", "Hips")
    give(page, "Weeks until a new one", "6")
    page.get_by_label("Wed").uncheck()
    for title in ("Side-lying clam", "Side-lying clam", "Bridge"):
        add(page, title)
    for number, side in ((1, "left"), (2, "right")):
        chosen(card(page, number), "Side").select_option(label=side)
        give(card(page, number), "Sets", "2")
    bridge = card(page, 3)
    give(bridge, "Repetitions", "8")
    give(bridge, "Hold, s", "3")
    give(bridge, "Rest between sets, s", "90")
    bridge.get_by_label("Days of its own").check()
    bridge.get_by_label("Sat").check()
    bridge.locator("summary").click()
    chosen(bridge, "What matters most").select_option(label="Hip not fully extended")
    bridge.get_by_label("Add a threshold…").select_option(label="Hip not fully extended")
    give(bridge, "Hip not fully extended: grade 1 from", "18")
    add_step(bridge, "more repetitions", "12")
    add_step(bridge, "a longer hold", "5")
    bridge.get_by_role("button", name="Add a step").click()
    last = bridge.locator("li").last
    last.locator("select").first.select_option(label="another exercise")
    chosen(last, "Exercise").select_option(label="Single-leg bridge")
    give(last, "Repetitions", "6")
    give(page.locator("section", has_text="When a ladder goes up"), "Full repetitions, %", "85")
    copy = save(page, tmp_path)
    asked, wrong = read_programme({
        "name": "Hips", "patient": "P-07", "days": ["mon", "fri"], "weeks": 6, "climb": {"full_share": 0.85},
        "exercises": [
            {"exercise": "clam", "sides": ["left"], "sets": 2},
            {"exercise": "clam", "sides": ["right"], "sets": 2},
            {
                "exercise": "bridge", "reps": 8, "rest_s": 90, "tempo": {"hold_s": 3},
                "days": ["mon", "fri", "sat"], "focus_fault": "hip_not_extended",
                "faults": {"hip_not_extended": {"grades": [18, 25, 35]}},
                "ladder": [
                    {"reps": 12}, {"hold_s": 5},
                    {"exercise": "single-leg-bridge", "sides": ["left", "right"], "reps": 6},
                ],
            },
        ],
    })  # fmt: skip
    assert wrong == []
    assert copy == asked
    assert load_programme(folder / "programmes" / "P-07.formcheck") == asked


def test_exercises_are_ordered_by_keyboard_and_the_focus_goes_with_them(page: Any, tmp_path: Path) -> None:
    drop(page, "hips.formcheck", EXAMPLE.read_text(encoding="utf-8"))
    card(page, 1).get_by_label("Sets", exact=True).first.focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("h2 >> text=2. Side-lying clam")).to_be_visible()
    assert page.evaluate("document.activeElement.closest('[data-at]').dataset.at") == "exercises.1"
    card(page, 2).get_by_role("button", name="Move down: Side-lying clam").press("Enter")
    expect(page.locator("p[role=status]")).to_have_text("Side-lying clam is now 3 of 3.")
    steps = card(page, 3).locator("li")
    steps.first.get_by_role("button", name="Take out: Step 1").press("Enter")
    expect(steps).to_have_count(3)
    card(page, 1).get_by_role("button", name="Take out: Bridge").press("Enter")
    programme = save(page, tmp_path)
    before = load_programme(EXAMPLE).exercises
    assert programme.exercises == (before[2], before[0].model_copy(update={"ladder": before[0].ladder[1:]}))


def test_what_is_wrong_is_told_at_its_field_and_keeps_it_from_being_saved(page: Any, folder: Path) -> None:
    page.click("text=New programme")
    page.click("text=Save for the patient")
    expect(page.locator(".wrong >> text=A programme needs an exercise.")).to_be_visible()
    add(page, "Bridge")
    expect(page.locator(".wrong p")).to_have_count(0)
    give(card(page, 1), "Repetitions", "101")
    field = card(page, 1).get_by_label("Repetitions", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    note = page.locator(f"#{field.get_attribute('aria-describedby')}")
    expect(note).to_have_text("At most 100, not 101.")
    page.click("text=Save for the patient")
    expect(page.locator(".toast")).to_contain_text(["Not saved"])
    expect(field).to_be_focused()
    assert not (folder / "programmes").exists()
    field.fill("15")
    expect(note).to_be_empty()


def test_unknown_entries_are_named_and_left_out_only_by_hand(page: Any, tmp_path: Path) -> None:
    odd = EXAMPLE.read_text(encoding="utf-8").replace('focus_fault = "feet_separate"', "pace = 3")
    drop(page, "odd.formcheck", odd)
    told = card(page, 1).locator(".wrong p")
    expect(told).to_contain_text(["formcheck does not know the entry “pace”."])
    expect(page.locator(".toast")).to_contain_text(["Remarks after #"])
    page.click("text=Save for the patient")
    expect(page.locator(".toast")).to_contain_text(["Not saved"])
    told.get_by_role("button", name="Leave it out").click()
    expect(told).to_have_count(0)
    kept = save(page, tmp_path)
    before = load_programme(EXAMPLE)
    assert kept.exercises[0] == before.exercises[0].model_copy(update={"focus_fault": None})
    assert kept.exercises[1:] == before.exercises[1:]


def test_what_was_not_saved_is_still_there_and_earlier_versions_are_opened(page: Any, tmp_path: Path) -> None:
    drop(page, "hips.formcheck", EXAMPLE.read_text(encoding="utf-8"))
    give(card(page, 2), "Repetitions", "9")
    page.reload()
    expect(card(page, 2).get_by_label("Repetitions", exact=True).first).to_have_value("9")
    assert save(page, tmp_path).exercises[1].reps == 9
    give(card(page, 2), "Repetitions", "11")
    page.click("main >> text=Programmes")
    page.locator("section", has_text="Not saved yet").get_by_role("link").click()
    expect(card(page, 2).get_by_label("Repetitions", exact=True).first).to_have_value("11")
    assert save(page, tmp_path).exercises[1].reps == 11
    page.get_by_role("button", name=re.compile("^Show")).click()
    expect(card(page, 2).get_by_label("Repetitions", exact=True).first).to_have_value("9")
    page.click("text=Back to the saved one")
    expect(card(page, 2).get_by_label("Repetitions", exact=True).first).to_have_value("11")
    page.click("main >> text=Programmes")
    expect(page.locator("section", has_text="Not saved yet")).to_have_count(0)
    expect(page.locator("li", has_text="Hips")).to_contain_text("3 exercises")


def test_what_was_found_elsewhere_is_taken_into_an_exercise_beside_what_is_asked_there(
    page: Any, tmp_path: Path
) -> None:
    asked = {"faults": {"head_lifts": {"grades": [0.2, 0.3, 0.4]}}, "tempo": {"hold_s": 2}}
    page.evaluate(
        "offer => import('/static/drafts.js').then(({ keep, OFFER }) => keep(OFFER, offer))",
        {"exercise": "bridge", "title": "Bridge", "about": "thresholds", "asked": asked},
    )
    page.reload()
    expect(page.locator("section", has_text="To take into a programme")).to_contain_text(
        "Bridge: thresholds."
    )
    drop(page, "hips.formcheck", EXAMPLE.read_text(encoding="utf-8"))
    page.click("text=Take into 2. Bridge")
    expect(page.locator("section", has_text="To take into a programme")).to_have_count(0)
    kept, before = save(page, tmp_path), load_programme(EXAMPLE)
    assert kept.exercises[::2] == before.exercises[::2]
    bridge = kept.exercises[1]
    assert {name: own.grades for name, own in bridge.faults.items()} == {
        "hip_not_extended": (20, 30, 40),
        "head_lifts": (0.2, 0.3, 0.4),
    }
    assert bridge.tempo.hold_s == 2
    assert bridge.ladder == before.exercises[1].ladder


def test_german_on_a_phone_with_nothing_serious_for_a_screen_reader(page: Any, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.select_option("select[aria-label=Language]", "de")
    page.wait_for_selector("html[lang=de]")
    page.wait_for_selector("text=In diesem Ordner")

    def look() -> None:
        read = page.evaluate(
            """() => {
                const all = (what) => [...document.querySelectorAll(what)];
                const names = ["aria-label", "title", "placeholder"];
                return [document.body.innerText.split("\\n"), all("option").map((o) => o.textContent),
                    all("*").flatMap((e) => names.map((n) => e.getAttribute(n) ?? ""))].flat(); }"""
        )
        assert english_left(read, ("English", "formcheck review", "Hips, first eight weeks")) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        if AXE:
            page.add_script_tag(path=AXE)
            found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
            grave = [
                (v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")
            ]
            assert grave == []

    look()
    odd = "colour = 3\n" + EXAMPLE.read_text(encoding="utf-8").replace("reps = 10\n", "reps = 0\n", 1)
    drop(page, "hips.formcheck", odd)
    expect(card(page, 1).locator(".wrong p")).to_have_text("Mindestens 1, nicht 0.")
    for more in page.locator("summary").all():
        if more.evaluate("e => !e.parentElement.open"):
            more.click()
    look()
