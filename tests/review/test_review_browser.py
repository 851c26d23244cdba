"""The review page clicked through in a real browser, with nothing reachable but this computer."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from english import english_left
from in_browser import CHROMIUM, FLAGS, NEEDS_CHROMIUM, sync_api
from made import analysed, as_live, bridges
from serving import serving
from waiting import until

from formcheck.analysis.findings import findings_of
from formcheck.analysis.recognise import Recognised
from formcheck.exercises.programme import load_programme
from formcheck.review import jobs
from formcheck.session.folder import REVIEW
from formcheck.session.notes import Notes
from formcheck.video.writer import VideoWriter

pytestmark = NEEDS_CHROMIUM
#: A microphone that beeps, and whose use nobody is asked about.
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
EVIL = "<img src=x onerror=document.title=1>"
#: A computer that does much else may let a browser wait for long.
PATIENCE_MS = 60_000
sync_api.expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("sessions")
    one = analysed(root / "one")
    analysis = bridges()
    with VideoWriter(one / "video.mp4", 320, 180, 25) as video:
        for i, t in enumerate(analysis.track.time_s):
            picture = np.full((180, 320, 3), 40, np.uint8)
            picture[:, : 1 + i * 320 // len(analysis.track.time_s)] = 120
            video.write(picture, float(t))
    as_live(
        one, root / "live", patient="P-1", started="2026-11-02T09:00:00+01:00", pain=(2, 7), stopped="pain"
    )
    as_live(one, root / "later", patient="P-1", started="2026-11-09T09:00:00+01:00")
    (root / EVIL).mkdir()
    (root / EVIL / "session.sqlite").write_bytes(b"no session" * 99)
    return root


@pytest.fixture(scope="module")
def link(folder) -> Iterator[str]:
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *MICROPHONE])
        yield running
        running.close()


@pytest.fixture(scope="module")
def entered(browser, link) -> Any:
    """What a browser keeps that opened the link, which is good once."""
    first = browser.new_context()
    page = first.new_page()
    page.goto(link)
    page.wait_for_selector(".session")
    yield first.storage_state()
    first.close()


@pytest.fixture
def address(link) -> str:
    """Where the page is, for a browser that has entered."""
    return link.partition("#")[0]


@pytest.fixture
def context(browser, entered, folder) -> Iterator[Any]:
    for notes in folder.glob(f"*/{REVIEW}*"):
        notes.unlink()
    found: list[str] = []
    made = browser.new_context(viewport={"width": 1280, "height": 720}, storage_state=entered)
    made.set_default_timeout(PATIENCE_MS)

    def watch(page: Any) -> None:
        page.on("pageerror", lambda error: found.append(f"error: {error}"))
        page.on(
            "console",
            lambda m: (
                found.append(f"{m.text} {m.location}")
                if m.type == "error" and not re.search("409|422", m.text)
                else None
            ),
        )
        page.on(
            "request",
            lambda r: None if r.url.startswith(("http://127.0.0.1:", "blob:")) else found.append(r.url),
        )

    made.on("page", watch)
    yield made
    made.close()
    assert found == []  # no script error, no refusal by the policy, no request to anywhere else


@pytest.fixture
def page(context, address) -> Any:
    opened = context.new_page()
    opened.goto(address)
    opened.wait_for_selector(".session")
    return opened


def go(page: Any, name: str) -> Any:
    keys = page.evaluate(
        "import('/static/api.js').then(a => a.get('/api/library'))"
        ".then(d => d.sessions.map(s => [s.name, s.key]))"
    )
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + f"/session/{dict(keys)[name]}")
    page.wait_for_selector(".controls")
    page.wait_for_selector(".fault-row")
    return page


def frame(page: Any) -> int:
    found = re.search(r"frame (\d+)", page.inner_text(".controls .time"))
    assert found
    return int(found[1])


def test_sessions_by_patient_with_what_needs_attention_and_the_unreadable_as_text(page):
    groups = page.locator(".group h2").all_inner_texts()
    assert groups == ["P-1", "No patient named", "Cannot be read"]
    assert "stopped because of pain" in page.inner_text(".group >> nth=0")
    bad = page.inner_text(".session.bad")
    assert EVIL in bad
    assert "not a formcheck session" in bad
    assert page.locator("main img").count() == 0
    assert "#" not in page.url
    page.fill("input[type=search]", "P-1")
    assert page.locator(".session").count() == 2


#: All that can be read on a page, by eye or by ear.
READ = """() => {
    const out = [document.title];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const at = walk.currentNode.parentElement.closest("script, style, noscript, code, dd");
        const source = at?.tagName === "DD" && at.previousElementSibling.textContent === "Quelle";
        if (!at || at.tagName === "DD" && !source) out.push(walk.currentNode.data);
    }
    for (const e of document.querySelectorAll("[aria-label], [title], [placeholder]")) {
        out.push(...["aria-label", "title", "placeholder"].map((name) => e.getAttribute(name) ?? ""));
    }
    return out;
}"""


def test_every_page_is_german_once_german_was_chosen(page, folder, monkeypatch):
    names = (
        "formcheck review",
        "formcheck live",
        "formcheck",
        "review.sqlite",
        "English",
        "rescore --in-place",
    )
    names += ("Push the floor away",)  # what was said to the patient, in the patient's language
    names += tuple(path.name for path in folder.iterdir())
    read: dict[str, list[str]] = {}

    def keep(name: str) -> None:
        page.wait_for_timeout(150)
        read[name] = page.evaluate(READ)

    page.select_option("select[aria-label=Language]", "de")
    page.wait_for_selector("html[lang=de]")
    page.wait_for_selector(".session")
    keep("list")
    page.keyboard.press("?")
    keep("help")
    page.keyboard.press("Escape")
    monkeypatch.setattr(jobs, "look", lambda video, progress: Recognised("clam", "left", "likely", 1))
    page.set_input_files("#videos", {"name": "a.mp4", "mimeType": "video/mp4", "buffer": b"x"})
    page.wait_for_selector(".job.ready")
    keep("drop")
    page.click(".job.ready button[title^=Von]")
    page.click("text=Fertige entfernen")
    go(page, "one")
    page.locator(".fault .go").first.click()
    keep("session")
    for tab in ("unseen", "notes", "whatif"):
        page.click(f"[data-tab={tab}]")
        page.wait_for_selector(".whatif .one") if tab == "whatif" else None
        keep(tab)
    page.click("[data-focus=report]")
    keep("report")
    page.keyboard.press("Escape")
    for name, opener in (
        ("send", "[data-focus=send]"),
        ("film", "[data-focus=film]"),
        ("again", "text=Beurteilen als"),
    ):
        page.click(opener)
        page.wait_for_selector("dialog")
        keep(name)
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
    page.keyboard.press("t")
    keep("table")
    page.keyboard.press("c")
    keep("comment")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("k")
    page.wait_for_selector("dialog")
    keep("voice")
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    page.wait_for_selector(".compare select >> nth=2")
    keep("compare")
    go(page, "live")
    page.click("[data-tab=said]")
    keep("live")
    page.click("text=Verlauf")
    page.wait_for_selector(".chart")
    keep("patient")
    page.goto(page.url.split("/patient")[0] + "/agreement")
    page.wait_for_selector("h1")
    keep("agreement")
    left = {name: found for name, texts in read.items() if (found := english_left(texts, names))}
    assert left == {}
    assert len(read) == 18
    page.select_option("select[aria-label=Sprache]", "en")
    page.wait_for_selector("html[lang=en]")


def test_stepping_is_exact_to_the_frame(page):
    go(page, "one")
    page.click(".rep-head .go >> nth=0")
    page.wait_for_function(
        "() => { const v = document.querySelector('video'); return v.readyState > 1 && !v.seeking; }"
    )
    times = bridges().track.time_s
    start = frame(page)
    for key, by in ((".", 1), (".", 1), (",", -1), (".", 1), (".", 1)):
        shown = page.evaluate(
            """([key, before]) => new Promise(done => {
                const video = document.querySelector("video");
                const told = (_, { mediaTime }) => { // the picture before may be told once more
                    if (Math.abs(mediaTime - before) > 1e-3) done(mediaTime);
                    else video.requestVideoFrameCallback(told);
                };
                video.requestVideoFrameCallback(told);
                document.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
            })""",
            [key, float(times[start] - times[0])],
        )
        start += by
        assert frame(page) == start
        assert shown == pytest.approx(times[start] - times[0], abs=1e-3)


def test_a_fault_opens_at_its_worst_frame_with_value_threshold_and_how_sure(page):
    go(page, "one")
    row = page.locator(".fault", has_text="Hip not fully extended").first
    row.locator(".go").click()
    text = page.inner_text(".fault.open .detail")
    event = next(f for rep in bridges().summary.reps for f in rep.faults if f.id == "hip_not_extended")
    assert "Hip extension deficit at the top" in text
    assert f"{event.value:.0f}°" in text
    assert "165°" in text
    # However far beyond, it is never called certain.
    share = "> 99" if event.sure >= 0.995 else f"{100 * event.sure:.0f}"
    assert f"{share} % that it is truly beyond" in text.replace("\n", " ")
    assert "Peak Physio, bridge" in text
    analysis = bridges()
    worst = findings_of(analysis).worst_frame(event, analysis.measures)
    shown = re.compile(rf"frame ({worst - 1}|{worst}|{worst + 1})\b")
    sync_api.expect(page.locator(".controls .time")).to_have_text(shown)
    page.click("text=its start")
    at = analysis.track.time_s[frame(page)]
    assert event.start_s - 1e-3 <= at < event.start_s + 0.05


def test_a_decision_by_key_is_stored_and_taken_back(page, folder):
    go(page, "one")
    page.locator(".fault .go").first.click()
    page.keyboard.press("x")
    page.wait_for_selector(".fault.rejected")
    (item,) = Notes(folder / "one").standing()
    assert item.data["verdict"] == "rejected"
    page.keyboard.press("x")
    page.wait_for_selector(".fault.rejected", state="detached")
    assert Notes(folder / "one").standing()[0].data["verdict"] is None


def test_missed_faults_comments_rating_and_watched_repetitions(page, folder):
    go(page, "one")
    page.keyboard.press("]")
    page.keyboard.press("m")
    page.select_option(".form select >> nth=0", "head_lifts")
    page.click(".form button[type=submit]")
    page.wait_for_selector("text=added by you")
    page.keyboard.press("c")
    page.fill(".form textarea", "<b>looks at the screen</b>")
    page.click(".form button[type=submit]")
    page.wait_for_selector(".note")
    assert page.locator(".note textarea").input_value() == "<b>looks at the screen</b>"
    page.select_option("select[aria-label^=Quality]", "0.8")
    page.click("[data-tab=reps]")
    clean = page.locator(".rep", has_not=page.locator(".decide")).first
    clean.locator("text=Watched").click()
    page.wait_for_selector("[aria-pressed=true] >> text=Watched")
    kinds = sorted(item.kind for item in Notes(folder / "one").standing())
    assert kinds == ["comment", "missed", "rating", "reviewed"]
    page.reload()
    page.wait_for_selector("text=added by you")
    assert page.input_value("select[aria-label^=Quality]") == "0.8"


def test_a_repetition_with_open_faults_cannot_be_called_watched(page, folder):
    go(page, "one")
    page.locator(".rep", has=page.locator(".decide")).first.locator("text=Watched").click()
    page.wait_for_selector(".toast >> text=Decide first")
    assert not (folder / "one" / REVIEW).exists()


def test_two_tabs_see_each_others_edits_at_once(context, page, address):
    go(page, "one")
    other = context.new_page()
    other.goto(address)
    other.wait_for_selector(".session")
    go(other, "one")
    page.locator(".decide .yes").first.click()
    other.wait_for_selector(".decide .yes[aria-pressed=true]")


def test_an_edit_made_meanwhile_is_not_overwritten(page, folder):
    notes = Notes(folder / "one")
    notes.save("comment:1", {"time_s": 1.0, "text": "first"}, 0)
    go(page, "one")
    page.click("[data-tab=notes]")
    box = page.locator(".note textarea")
    box.fill("mine")
    notes.save("comment:1", {"time_s": 1.0, "text": "theirs"}, 1)
    box.blur()
    page.wait_for_selector("dialog >> text=Changed in another window")
    assert "theirs" in page.inner_text("dialog")
    assert "mine" in page.inner_text("dialog")
    page.click("dialog >> text=Use mine")
    until(lambda: notes.standing()[0].data["text"] == "mine", PATIENCE_MS / 1000)
    with sqlite3.connect(folder / "one" / REVIEW) as db:
        assert db.execute("SELECT count(*) FROM history").fetchone()[0] == 3


def test_what_if_changes_counts_and_time_lines_and_goes_into_a_programme(page, folder):
    go(page, "live")
    page.click("[data-tab=whatif]")
    page.wait_for_selector(".whatif .one")
    one = page.locator(".whatif .one", has_text="Hip not fully extended")
    sync_api.expect(one.locator(".count")).to_have_text("in 2 of 4")
    grades = one.locator("input[type=number]")
    for i, value in enumerate(("60", "70", "80")):
        grades.nth(i).fill(value)
    sync_api.expect(one.locator(".count")).to_have_text("in 0 of 4 (−2)")
    sync_api.expect(page.locator(".diff-list li")).to_have_count(2)
    page.locator(".whatif summary").click()
    slow = page.get_by_label("Lowering too fast: grade 1 from")
    sync_api.expect(slow).to_have_value("75")  # percent, as everywhere
    slow.fill("80")
    page.click("[data-tab=reps]")
    assert page.locator(".fault.gone").count() == 2
    page.click("[data-tab=whatif]")
    page.click("text=Into a programme")
    page.wait_for_selector("text=To take into a programme")
    page.click("text=Take as a new exercise")
    sync_api.expect(page.get_by_label("Hip not fully extended: grade 3 from")).to_have_value("80")
    assert page.input_value("label:has-text('Patient') input") == "P-1"
    page.click("text=Save for the patient")
    page.wait_for_selector("text=Saved as programmes/P-1.formcheck")
    (asked,) = load_programme(folder / "programmes" / "P-1.formcheck").exercises
    assert (asked.exercise, asked.faults["hip_not_extended"].grades) == ("bridge", (60, 70, 80))
    assert asked.faults["lowering_fast"].grades == (0.8, 0.5, 0.35)


def test_a_session_without_video_is_drawn_and_played(page):
    go(page, "live")
    assert page.locator("video").count() == 0
    assert page.inner_text(".stage .tag >> nth=0").startswith("No video was kept")
    before = frame(page)
    page.keyboard.press(" ")
    page.wait_for_function(
        f"() => Number(/\\d+$/.exec(document.querySelector('.controls .time').textContent)[0]) > {before + 3}"
    )
    page.keyboard.press(" ")
    page.wait_for_function(
        """() => { const c = document.querySelector(".stage canvas");
        const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; const seen = new Set();
        for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
        return seen.has(0x35e0c2) && seen.has(0xa9cdf7); }"""
    )  # the body is there, with what is measured marked


def test_a_repetition_is_looped(page):
    go(page, "live")
    page.click("[aria-label='Loop repetition 1.1']")
    rep = bridges().summary.reps[0]
    page.select_option("select[aria-label=Speed]", "2")
    shown = page.evaluate(
        """() => new Promise(done => {
            const time = document.querySelector(".controls .time"), seen = [];
            new MutationObserver(() => {
                seen.push(Number(/\\d+$/.exec(time.textContent)[0]));
                if (seen.at(-1) < seen.at(-2) - 10) done(seen);
            }).observe(time, {childList: true});
        })"""
    )
    seen = bridges().track.time_s[shown]
    assert min(seen) >= rep.start_s - 0.05
    assert max(seen) <= rep.end_s + 0.1


def test_clicking_a_time_line_goes_there_and_zoom_narrows_it(page):
    go(page, "one")
    canvas = page.locator(".lane.first canvas")
    sync_api.expect(page.locator(".lane.first .value")).to_have_text(re.compile(r"\d"))
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    middle = bridges().track.time_s[-1] / 2
    assert bridges().track.time_s[frame(page)] == pytest.approx(middle, abs=0.1)
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.mouse.click(box["x"] + box["width"] - 2, box["y"] + 40)
    assert bridges().track.time_s[frame(page)] < 0.8 * bridges().track.time_s[-1]


def test_the_time_lines_can_be_read_as_a_table_and_the_findings_are_one_link_away(page):
    go(page, "live")
    page.keyboard.press("Tab")
    page.evaluate("document.querySelector('main > .skip').focus()")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className") == "panel"
    page.keyboard.press("t")
    rows = page.locator(".lanes-table tbody tr")
    reps = bridges().summary.reps
    sync_api.expect(rows).to_have_count(len(reps))
    text = rows.nth(1).inner_text()
    assert f"{reps[1].rise_s:.1f} s" in text
    assert "Hip not fully extended" in text
    rows.nth(1).locator("button").click()
    assert bridges().track.time_s[frame(page)] == pytest.approx(reps[1].start_s, abs=0.05)
    page.keyboard.press("t")
    sync_api.expect(page.locator(".lanes-scroll")).to_be_visible()


def test_two_repetitions_side_by_side(page):
    go(page, "live")
    page.keyboard.press("v")
    page.wait_for_selector(".compare .stage >> nth=1")
    sync_api.expect(page.locator(".compare > p").last).to_contain_text("mean ± one standard deviation")
    sessions = page.locator(".compare select[aria-label=Session] >> nth=1")
    names = sessions.locator("option").all_inner_texts()
    assert len(names) == len(set(names)) == 3
    assert names[0] == "9 Nov 2026, 09:00, P-1, live session"  # the same patient's before anybody's
    page.keyboard.press(".")
    assert page.inner_text(".scrub .n") == "1 %"
    told = page.locator(".compare .values")
    sync_api.expect(told).to_have_text(re.compile(r"^At 1 %: A -?\d.*, B .*; B − A "))
    box = page.locator(".curves").bounding_box()
    page.mouse.move(box["x"] + 52 + (box["width"] - 64) / 2, box["y"] + 90)
    sync_api.expect(told).to_contain_text("At 50 %")  # where the pointer is; the pictures stay
    assert page.inner_text(".scrub .n") == "1 %"
    page.mouse.move(0, 0)
    page.select_option("select[aria-label^=Laid]", "time")
    sync_api.expect(page.locator(".scrub .n")).to_have_text(re.compile(r"^0\.\d s$"))
    page.keyboard.press("Escape")
    page.wait_for_selector(".compare", state="detached")
    assert page.is_visible(".controls")


#: Whether the colour of a ghost is in a picture.
GHOST = """() => { const c = document.querySelector(".compare .stage canvas");
    const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    for (let i = 0; i < d.length; i += 4) if (d[i] > d[i + 1] + 50 && d[i + 2] > d[i + 1] + 70) return true;
    return false; }"""


def test_the_other_repetition_lies_over_this_one_as_a_ghost_with_its_phases(page):
    go(page, "live")
    reps = bridges().summary.reps
    page.keyboard.press("v")
    page.wait_for_selector(".compare .stage >> nth=1")
    rep = page.locator(".compare select[aria-label=Repetition]")
    rep.nth(0).select_option("1")
    rep.nth(1).select_option("2")
    page.select_option("select[aria-label^=Laid]", "phase")
    assert page.evaluate(GHOST) is False
    page.keyboard.press("o")
    page.wait_for_function(GHOST)
    # A's top is B's top, however long each of them took to get there.
    one, other = (r.rise_s / (r.end_s - r.start_s) for r in reps[:2])
    assert abs(one - other) > 0.02
    times = page.evaluate(
        "at => import('/static/compare.js').then(({ across }) => across(at, [0, at, 1], [0, 0.5, 1]))", one
    )
    assert times == pytest.approx(0.5)
    page.keyboard.press("o")
    page.wait_for_function(f"() => !({GHOST})()")


def test_patient_page_and_agreement(page):
    page.click("text=Progress over time")
    page.wait_for_selector(".chart")
    text = page.inner_text("main")
    assert "may be measurement error" in text
    assert "stopped early (because of pain)" in text
    assert page.locator(".chart a").count() >= 8
    page.click("nav >> text=Agreement")
    page.wait_for_selector("text=Nothing to compare yet")


def test_help_shows_the_keys(page):
    page.keyboard.press("?")
    assert "frame" in page.inner_text("dialog.help")
    page.keyboard.press("Escape")
    assert page.locator("dialog").count() == 0


def test_videos_dropped_anywhere_are_recognised_corrected_and_analysed_in_turn(page, folder, monkeypatch):
    gate = threading.Event()

    def analyze(video, exercise, *, side, view, progress):
        progress("Looking at the video", 0.4)
        assert gate.wait(20)
        return bridges()

    found = iter([Recognised("clam", "left", "sure", 5), None])
    monkeypatch.setattr(jobs, "analyze", analyze)
    monkeypatch.setattr(jobs, "look", lambda video, progress: next(found))
    data = page.evaluate_handle(
        """bytes => { const d = new DataTransfer();
        for (const name of ["<b>new<b>.mp4", "two.mp4"])
            d.items.add(new File([new Uint8Array(bytes)], name, {type: "video/mp4"}));
        d.items.add(new File(["Dear colleague"], "letter.txt", {type: "text/plain"}));
        return d; }""",
        list((folder / "one" / "video.mp4").read_bytes()),
    )
    page.dispatch_event(".group >> nth=0", "drop", {"dataTransfer": data})  # beside the dashed field
    sync_api.expect(page.locator(".job.ready")).to_have_count(2)
    rows = page.locator(".job.ready")
    assert rows.locator(".name").all_inner_texts() == ["<b>new<b>.mp4", "two.mp4"]  # as they were dropped
    assert rows.locator(".what > span").all_inner_texts() == ["recognised", "not recognised"]
    sync_api.expect(page.locator("#toasts")).to_contain_text("Left out: letter.txt is no video")
    assert page.locator("text=/^Analyse \\d/").count() == 0  # of one only is it known what it shows
    clam = rows.filter(has=page.locator(".what > span", has_text=re.compile("^recognised")))
    assert clam.locator("select >> nth=0").input_value() == "clam"
    assert clam.locator("select >> nth=1").input_value() == "left"
    other = rows.filter(has=page.locator(".what > span", has_text="not recognised"))
    assert other.locator("button.primary").is_disabled()  # nothing chosen yet
    other.locator("select >> nth=0").select_option("bridge")
    sync_api.expect(other.locator("select >> nth=1")).to_be_disabled()  # a bridge has no side
    sync_api.expect(page.get_by_role("button", name="Analyse 2 videos")).to_be_visible()
    clam.locator("input[placeholder^=pseudonym]").fill("P-8")
    page.get_by_label("Patient of all").fill("P-9")
    page.get_by_label("Patient of all").press("Enter")
    assert [field.input_value() for field in rows.locator("input[placeholder^=pseudonym]").all()] == [
        "P-8",
        "P-9",
    ]
    assert other.locator("select >> nth=0").input_value() == "bridge"
    other.locator("button.primary").click()
    sync_api.expect(page.locator(".job.working .n")).to_have_text("40 %")
    assert clam.locator("select >> nth=0").input_value() == "clam"  # what is chosen there stays
    page.click("nav >> text=Agreement")  # it goes on while other pages are looked at
    page.wait_for_selector("text=How it is counted")
    gate.set()
    page.click("nav >> text=Sessions")
    page.wait_for_selector(".group h2 >> text=P-9")
    (made,) = [
        p
        for p in folder.iterdir()
        if re.search("_video_[0-9a-f]{6}$", p.name) and (p / "session.sqlite").exists()
    ]
    assert (made / "video.mp4").exists()
    page.click("a.name")  # a row that is done leads to its session
    page.wait_for_selector(".bar-top")
    page.click("nav >> text=Sessions")
    page.click("text=Clear the finished")
    sync_api.expect(page.locator(".job.done")).to_have_count(0)
    page.locator(".job.ready button[title^=Take]").click()
    sync_api.expect(page.locator(".job")).to_have_count(1)  # cancelled, until it is taken off the list
    page.click("text=Clear the finished")
    sync_api.expect(page.locator(".job")).to_have_count(0)
    shutil.rmtree(made)


def test_a_folder_with_a_session_in_it_is_taken_in(page, folder, tmp_path):
    theirs = tmp_path / "all of hers"
    analysed(theirs / "clip.formcheck", bridges(2, seed=7))
    Notes(theirs / "clip.formcheck").save("about", {"patient": "P-70", "recorded": ""}, 0)
    shutil.copy(folder / "one" / "video.mp4", theirs / "clip.mp4")  # its video, not one to be analysed
    (theirs / "letter.txt").write_text("Dear colleague")
    before = set(folder.iterdir())
    page.set_input_files("#folder", theirs)
    page.wait_for_selector(".group h2 >> text=P-70")
    (made,) = set(folder.iterdir()) - before
    sync_api.expect(page.locator(".job")).to_have_count(1)
    page.click(".job.done a.name")
    page.wait_for_selector(".stage video")
    assert {path.name for path in made.iterdir()} == {"session.sqlite", REVIEW, "video.mp4"}
    page.click("nav >> text=Sessions")
    page.click("text=Clear the finished")
    shutil.rmtree(made)


CONTRAST = """() => {
  const lum = c => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
  const parse = s => s.match(/[\\d.]+/g).map(Number);
  const behind = el => { let over = [];
    for (; el; el = el.parentElement) {
      const c = parse(getComputedStyle(el).backgroundColor), a = c[3] ?? 1;
      if (a > 0) over.push([c, a]); if (a === 1) break; }
    let out = [255, 255, 255];
    for (const [c, a] of over.reverse()) out = out.map((v, i) => v * (1 - a) + c[i] * a);
    return out; };
  const bad = [];
  for (const el of document.querySelectorAll("body *")) {
    const own = [...el.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const style = getComputedStyle(el), width = el.getBoundingClientRect().width;
    if (!own || !width || style.visibility === "hidden") continue;
    if (el.closest("svg, .stage, :disabled, option")) continue;
    const a = lum(parse(style.color)), b = lum(behind(el));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) bad.push([el.className || el.tagName, el.textContent.trim().slice(0, 30), ratio]);
  }
  return bad; }"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_text_has_enough_contrast(page, theme):
    page.select_option("select[aria-label=Colours]", theme)
    assert page.evaluate(CONTRAST) == []
    go(page, "live")
    for tab in ("reps", "unseen", "said", "notes", "whatif"):
        page.click(f"[data-tab={tab}]")
        page.wait_for_timeout(200)
        if tab == "reps":
            page.locator(".fault .go").first.click()
        assert page.evaluate(CONTRAST) == [], tab


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (820, 1180), (1024, 768), (390, 844)])
def test_nothing_is_wider_than_the_screen(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) <= 0
    go(page, "one")
    assert page.evaluate(wider) <= 0
    unnamed = page.evaluate(
        "[...document.querySelectorAll('button, a, input, select, textarea')].filter(e => !("
        "e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).map(e => e.outerHTML)"
    )
    assert unnamed == []


def test_on_a_phone_the_picture_stays_in_sight_when_a_fault_is_opened(page):
    page.set_viewport_size({"width": 390, "height": 844})
    go(page, "one")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.locator(".fault .go").last.click()
    sync_api.expect(page.locator(".fault.open")).to_be_in_viewport()
    sync_api.expect(page.locator(".stage")).to_be_in_viewport(ratio=0.9)
    page.locator(".grades button[aria-pressed=true]").hover()
    assert page.evaluate(CONTRAST) == []
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    page.wait_for_selector(".compare select >> nth=2")
    wider = page.evaluate(
        "[...document.querySelectorAll('.compare :is(.stage, select, button, canvas)')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.tagName)"
    )
    assert wider == []


def test_a_session_is_deleted_after_a_question(page, folder):
    gone = analysed(folder / "gone")
    go(page, "gone")
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Keep it").click()
    assert (gone / "session.sqlite").exists()
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_selector(".session")
    sync_api.expect(page.locator("#toasts")).to_contain_text("Deleted")
    assert not gone.exists()


AXE = os.environ.get("AXE_CORE", "")


@pytest.mark.skipif(not AXE, reason="AXE_CORE does not name axe.min.js (npm install axe-core)")
def test_axe_finds_nothing_serious(browser, entered, address, monkeypatch):
    monkeypatch.setattr(jobs, "look", lambda video, progress: Recognised("clam", "left", "likely", 1))
    context = browser.new_context(storage_state=entered, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(".session")

    def look(where: str) -> None:
        page.add_script_tag(path=AXE)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        grave = [v for v in found if v["impact"] in ("serious", "critical")]
        assert not grave, (where, [(v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in grave])

    look("sessions")
    page.set_input_files("#videos", {"name": "a.mp4", "mimeType": "video/mp4", "buffer": b"x"})
    page.wait_for_selector(".job.ready")
    look("inbox")
    page.click(".job.ready button[title^=Take]")
    page.click("text=Clear the finished")
    page.click("nav >> text=Agreement")
    page.wait_for_selector("text=How it is counted")
    look("agreement")
    page.go_back()
    page.wait_for_selector(".session")
    page.click("text=Progress over time")
    page.wait_for_selector(".chart")
    look("progress")
    page.go_back()
    page.wait_for_selector(".session")
    go(page, "live")
    for tab in ("reps", "unseen", "said", "notes", "whatif"):
        page.click(f"[data-tab={tab}]")
        page.wait_for_timeout(300)
        if tab == "reps":
            page.locator(".fault .go").first.click()
        look(tab)
    page.keyboard.press("t")
    look("table of the time lines")
    page.keyboard.press("t")
    for key, what in (("c", "comment"), ("k", "voice"), ("v", "compare")):
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press(key)
        page.wait_for_selector({"c": ".form", "k": "dialog", "v": ".compare select >> nth=3"}[key])
        look(what)
        if key == "k":
            page.keyboard.press("Escape")
    go(page, "one")
    page.keyboard.press("b")
    page.wait_for_selector(".byeye")
    look("by eye")
    page.keyboard.press("1")
    page.wait_for_selector(".byeye button[aria-pressed=false] >> nth=2")
    page.keyboard.press("Escape")
    page.click("text=The rest is watched")
    page.click("dialog >> text=Accept them all")
    page.wait_for_selector(".foot >> text=reviewed")
    page.click("nav >> text=Agreement")
    page.get_by_role("button", name="Save as labels").click()
    page.wait_for_selector("dialog")
    look("labels")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_selector("td >> text=Bridge")
    look("agreement on a phone")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.click("nav >> text=Programmes")
    page.wait_for_selector("h1 >> text=Programmes")
    look("programmes")
    page.click("text=New programme")
    page.wait_for_selector(".save-bar")
    page.click("text=Add an exercise")
    page.wait_for_selector(".ladder")
    for more in page.locator("summary").all():
        more.click()
    look("programme")
    context.close()


def verdicts(folder: Path) -> dict[str, str | None]:
    items = Notes(folder / "one").standing()
    return {item.id: item.data["verdict"] for item in items if item.kind == "decision"}


def test_all_of_a_kind_are_rejected_at_once_by_name_and_leave_the_result(page, folder):
    page.fill("#top .who", "A. Meyer")
    page.press("#top .who", "Tab")
    go(page, "one")
    sync_api.expect(page.locator(".result")).to_contain_text("hip not fully extended")
    page.locator(".filter button", has_text="Hip not fully extended").click()
    page.click("text=Reject all")
    sync_api.expect(page.locator(".result")).not_to_contain_text("hip not fully extended")
    sync_api.expect(page.locator(".result")).to_contain_text("by A. Meyer")
    assert set(verdicts(folder).values()) == {"rejected"}
    assert {item.by for item in Notes(folder / "one").standing()} == {"A. Meyer"}
    page.click("[data-tab=unseen]")
    sync_api.expect(page.locator(".tab-body")).to_contain_text("Rejected by A. Meyer")


def test_a_grade_is_changed_by_key_and_back(page, folder):
    go(page, "one")
    page.locator(".fault .go", has_text="Hip not fully extended").first.click()
    page.keyboard.press("3")
    sync_api.expect(page.locator(".fault.open .grade.g3")).to_have_count(1)
    sync_api.expect(page.locator(".result")).to_contain_text("up to marked")
    (item,) = Notes(folder / "one").standing()
    found = next(f for r in bridges().summary.reps for f in r.faults if f.id == "hip_not_extended").grade
    assert (item.data["grade"], item.data["grade_found"], item.data["verdict"]) == (3, found, "accepted")
    page.keyboard.press(str(found))
    sync_api.expect(page.locator(f".fault.open .grade.g{found}")).to_have_count(1)
    assert Notes(folder / "one").standing()[0].data["grade"] is None


def test_the_rest_is_watched_and_the_next_session_opens(page, folder):
    go(page, "one")
    page.click("text=The rest is watched")
    page.click("dialog >> text=Accept them all")
    page.wait_for_selector(".foot >> text=reviewed")
    assert set(verdicts(folder).values()) == {"accepted"}
    page.keyboard.press("g")
    page.wait_for_selector(".bar-top >> text=2 Nov 2026")  # ended because of pain: the first to be looked at


def test_the_pelvis_is_judged_by_eye_with_one_key_each(page, folder):
    go(page, "one")
    page.keyboard.press("b")
    for asked in ("Pelvic twist", "Pelvis drops on one side"):
        page.select_option(".byeye select", label=asked)
        sync_api.expect(page.locator(".byeye p")).to_have_text(f"{asked}: do you see it?")
    for i, key in enumerate(("1", "2", "2", "3"), 1):
        page.wait_for_selector(f".byeye >> text={i} of 4")
        page.keyboard.press(key)
    page.wait_for_selector(".byeye", state="detached")
    answers = [item.data["answer"] for item in Notes(folder / "one").standing()]
    assert answers == ["yes", "no", "no", "unclear"]
    sync_api.expect(page.locator(".result")).to_contain_text("pelvis drops on one side (mild)")
    sync_api.expect(page.locator(".result")).to_contain_text("1 of 3")


def test_report_and_feedback_are_saved_from_the_page(page, tmp_path):
    go(page, "live")
    with page.expect_download() as told:
        page.click(".foot >> text=Report")
        page.click("dialog >> text=To print or file")
    assert told.value.suggested_filename == "P-1 Bridge 2026-11-02 report.pdf"
    told.value.save_as(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    page.click(".foot >> text=Send back")
    page.select_option(".send select", "de")
    with page.expect_download() as told:
        page.click("dialog >> text=Save the file")
    told.value.save_as(tmp_path / "back.html")
    assert "Daran können Sie arbeiten" in (tmp_path / "back.html").read_text(encoding="utf-8")


def test_what_is_drawn_and_said_at_a_moment_goes_back_in_a_file_that_plays(page, folder, tmp_path):
    go(page, "one")
    page.keyboard.press("z")  # the whole picture, so that its middle is known
    page.keyboard.press("]")
    page.keyboard.press("c")
    page.fill(".form textarea", "Like this")
    stage = page.locator(".stage").bounding_box()
    middle = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1] + 20, steps=4)
    page.mouse.up()
    sync_api.expect(page.locator(".form")).to_contain_text("1 line drawn")
    page.click("text=Ring what is marked")
    page.click("text=Take back the last line")
    page.click(".form button[type=submit]")
    page.wait_for_selector(".note >> text=with a drawing")
    (item,) = Notes(folder / "one").standing()
    assert item.data["drawing"][0][0] == pytest.approx([0.5, 0.5], abs=0.03)
    assert item.data["drawing"][0][-1][0] > 0.5
    assert page.evaluate("document.querySelector('.stage').classList.contains('drawing')") is False
    page.keyboard.press("k")
    assert "Say no name" in page.inner_text("dialog")
    page.click("dialog >> text=I agree: record")
    page.wait_for_selector("dialog >> text=Stop")
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Keep it").click()
    page.click(".note >> text=Listen")
    page.wait_for_function("() => document.querySelector('.note audio')?.readyState > 0")
    page.click(".foot >> text=Send back")
    listed = page.locator(".send")
    sync_api.expect(listed).to_contain_text("Like this, with a drawing")
    sync_api.expect(listed).to_contain_text(re.compile(r"spoken, \d+ s"))
    with page.expect_download() as told:
        page.click("dialog >> text=Save the file")
    told.value.save_as(tmp_path / "back.html")
    offline = page.context.browser.new_page()
    offline.goto((tmp_path / "back.html").as_uri())
    offline.click("nav a >> nth=1")
    offline.wait_for_function("() => document.querySelector('audio')?.duration > 0.5")
    assert offline.locator("img[alt*='what your physio drew']").count() == 2
    assert offline.evaluate("location.hash") == "#moment-2"
    offline.close()


def test_a_comment_begun_before_the_skeleton_has_come(page):
    late: list[Any] = []
    page.route("**/landmarks*", lambda route: late.append(route))
    go(page, "one")
    page.keyboard.press("c")
    ring = page.locator("text=Ring what is marked")
    sync_api.expect(ring).to_be_attached()
    sync_api.expect(ring).to_be_hidden()  # nothing is known yet of where the body is
    for route in late:
        route.continue_()
    page.unroute("**/landmarks*")
    ring.click()
    sync_api.expect(page.locator(".form")).to_contain_text(re.compile(r"\d lines? drawn"))


def test_the_body_fills_the_picture_until_the_whole_is_asked_for(page):
    go(page, "one")
    near = page.locator(".lens[style*=scale]")
    sync_api.expect(near).to_have_count(1)
    moved = page.evaluate("document.querySelector('.lens').style.transform")
    assert float(re.search(r"scale\(([\d.]+)", moved)[1]) > 1.1
    page.keyboard.press("z")
    sync_api.expect(near).to_have_count(0)
    page.reload()
    page.wait_for_selector(".fault-row")
    sync_api.expect(near).to_have_count(0)  # as it was left
    page.get_by_role("button", name="zoom", exact=False).first.click(trial=True)  # nothing lies over it
    page.keyboard.press("z")
    sync_api.expect(near).to_have_count(1)
