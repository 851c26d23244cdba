"""A real Chromium is the phone that is the camera: what its camera shows is coached in a live session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from in_browser import CHROMIUM, FLAGS, NEEDS_CHROMIUM, sync_api
from live_session import KEYS, Heard, Patient
from waiting import until

pytest.importorskip("cryptography", reason="needs formcheck[phone]")

import formcheck.coach.phone.camera_link
import formcheck.coach.phone.link
from formcheck.coach.flow import Flow
from formcheck.coach.live import LiveOptions, LiveResult, LiveSession
from formcheck.coach.phone.camera_link import CameraLink
from formcheck.coach.phone.serve import open_to_phone
from formcheck.coach.plan import PastPractice, SessionPlan, wanted_views
from formcheck.coach.start import live_engine
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.session.reader import open_session
from formcheck.session.replay import replay
from formcheck.video.file import VideoFile
from formcheck.video.live_source import LiveSource, live_clock
from formcheck.video.phone_camera import PhoneCamera
from formcheck.video.switched_camera import SwitchedCamera
from formcheck.words import Words

pytestmark = NEEDS_CHROMIUM
CLIP = Path(__file__).parents[2] / "videos" / "bridge_side.mp4"
FPS = 8
#: Film, phone and computer go so much slower than time, so that a busy computer keeps up with them.
SLOWER = 4
SLOW_PAGE = f"""
const now = performance.now.bind(performance);
performance.now = () => now() / {SLOWER};
const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function (then) {{
  return ask.call(this, (at, about) => then(at / {SLOWER}, {{ captureTime: about.captureTime / {SLOWER} }}));
}};
"""


def slow_clock() -> float:
    return live_clock() / SLOWER


def film(to: Path, pictures: Sequence[np.ndarray]) -> Path:
    """Pictures as a film that Chromium takes for what its camera sees, again and again."""
    height, width = pictures[0].shape[:2]
    with to.open("wb") as out:
        out.write(f"YUV4MPEG2 W{width} H{height} F{FPS}:{SLOWER} Ip A1:1 C420jpeg\n".encode())
        for image in pictures:
            out.write(b"FRAME\n" + cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).tobytes())
    return to


def bridges(wh: tuple[int, int]) -> list[np.ndarray]:
    """Four seconds of lying still, and then four good bridges, by their truth in tests/data."""
    with VideoFile(CLIP) as video:
        step = round(video.fps / FPS)
        two = [cv2.resize(frame.image, wh) for frame in video if frame.index % step == 0][: round(10.3 * FPS)]
    return [*two[:1] * (4 * FPS), *two, *two]


@pytest.fixture
def link(monkeypatch) -> CameraLink:
    for module in (formcheck.coach.phone.link, formcheck.coach.phone.camera_link):
        monkeypatch.setattr(module, "live_clock", slow_clock)
    link = CameraLink(Words("de"))
    link.camera = PhoneCamera(clock=slow_clock, open_s=120.0)
    return link


@pytest.fixture
def phone(link, tmp_path) -> Iterator[Callable[[Sequence[np.ndarray]], Any]]:
    """Opens the page that the code leads to in a phone's browser whose camera sees these pictures."""
    with open_to_phone(link, "127.0.0.1") as address, sync_api.sync_playwright() as playwright:
        browsers = []

        def opened(pictures: Sequence[np.ndarray], *, allowed: bool = True) -> Any:
            sees = film(tmp_path / "sees.y4m", pictures)
            fake = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={sees}"]
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *fake])
            browsers.append(browser)
            motion = ["accelerometer", "gyroscope"]
            like = {**playwright.devices["Pixel 7"], "ignore_https_errors": True}
            page = browser.new_context(
                **like, permissions=["camera", *motion] if allowed else motion
            ).new_page()
            page.set_default_timeout(120_000)
            page.add_init_script(SLOW_PAGE)
            page.goto(address)
            return page

        yield opened
        for browser in browsers:
            browser.close()


def says(page: Any) -> str:
    return page.locator("#state").get_attribute("data-says") or ""


def comes_to(page: Any, what: Callable[[], object], patience_s: float = 60.0) -> None:
    until(lambda: what() or page.wait_for_timeout(50), patience_s)


def nothing() -> LiveSource:
    raise FormcheckError("There is no camera 0 on this computer.")


def coached(link: CameraLink, folder: Path) -> tuple[LiveSession, Patient, Heard]:
    """A session of one bridge, after three to practise, with the phone as the camera."""
    bridge = load_definition("bridge")
    plan = SessionPlan(bridge, 1, 1, rest_s=1.0, views=wanted_views(bridge, None, None))
    flow = Flow(Words(), {"bridge": bridge}, lambda name: (plan, PastPractice()), "bridge")
    patient, heard = Patient(flow, KEYS), Heard()
    source = SwitchedCamera(link.camera, nothing, clock=slow_clock)
    options = LiveOptions(folder, mute=True)
    return LiveSession(flow, lambda: source, live_engine("lite"), heard, patient, options), patient, heard


def test_what_the_phones_camera_sees_is_counted_live_and_replayed_the_same(phone, link, tmp_path):
    page = phone(bridges((480, 270)))
    assert page.locator("h1").inner_text() == Words("de")("phone.camera.title")
    page.click("#start")
    comes_to(page, lambda: says(page) == "ready" and link.there)
    assert link.clock_error_s is not None
    assert not link.camera.wanted  # nothing is asked for before the questions are answered
    live, patient, heard = coached(link, tmp_path)
    done: list[LiveResult] = []
    runs = threading.Thread(target=lambda: done.append(live.run()), daemon=True)
    runs.start()
    comes_to(page, lambda: says(page) == "sending")
    comes_to(page, lambda: done, 400.0)
    runs.join()
    assert {"setup", "practice", "work", "summary"} <= set(patient.steps)
    summary, folder = done[0].summary, done[0].folder
    assert summary is not None
    assert folder is not None
    assert summary.source.file == "phone"
    assert (summary.source.width, summary.source.height) == (480, 270)
    assert [s.reps_counted for s in summary.live.sets] == [1]
    assert "phone.picture.lost" not in heard.keys or "phone.picture.back" in heard.keys
    with open_session(folder) as one:
        again = replay(one).summary
        assert again.reps == one.summary.reps
        late_ms = [event.data["after_ms"] for event in one.events if event.kind == "shown"]
        assert late_ms
        assert one.summary.live.shown_after_ms == again.live.shown_after_ms == late_ms[-1]
    comes_to(page, lambda: says(page) == "ready")  # the camera is let go


def test_a_page_that_is_left_is_told_in_one_sentence_and_the_session_goes_on_when_it_is_back(phone, link):
    page = phone(bridges((320, 180))[:20])
    page.click("#start")
    comes_to(page, lambda: says(page) == "ready" and link.there)
    opens = threading.Thread(target=link.camera.open, daemon=True)
    opens.start()
    comes_to(page, lambda: link.camera.latest(0.0) is not None)
    page.goto("about:blank")
    until(lambda: link.camera.state == "lost", 20)
    assert link.camera.problem.count(".") == 1
    until(lambda: not link.there, 20)
    page.go_back()
    page.click("#start")
    comes_to(page, lambda: link.camera.state == "running" and link.camera.latest(0.0) is not None)


def test_a_phone_on_its_side_whose_screen_is_locked_sends_an_upright_picture(phone, link):
    scene = np.full((180, 320, 3), 60, np.uint8)
    scene[:60] = 220  # the ceiling
    # The right edge of the phone is up, and the browser, which does not know, gives a picture on its side.
    page = phone([np.ascontiguousarray(np.rot90(scene, -1))] * 10)
    page.click("#start")
    comes_to(page, lambda: says(page) == "ready" and link.there)
    page.evaluate("() => { addEventListener('deviceorientation', (e) => { window.felt = e.gamma; }); }")
    cdp = page.context.new_cdp_session(page)
    cdp.send("DeviceOrientation.setDeviceOrientationOverride", {"alpha": 0, "beta": 0, "gamma": -90})
    comes_to(page, lambda: page.evaluate("() => window.felt === -90"))
    threading.Thread(target=link.camera.open, daemon=True).start()
    comes_to(page, lambda: link.camera.wanted)
    frames: list[Any] = []
    comes_to(page, lambda: frames.append(link.camera.latest(0.0)) or frames[-1])
    image = frames[-1].image
    assert image.shape[:2] == (180, 320)
    assert image[20].mean() > 180
    assert image[120].mean() < 100


def test_without_permission_nothing_is_seen_and_it_can_be_tried_again(phone, link):
    page = phone([np.zeros((180, 320, 3), np.uint8)] * 5, allowed=False)
    refuse = "async () => { throw new DOMException('', 'NotAllowedError'); }"
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {refuse}; }}")
    page.click("#start")
    comes_to(page, lambda: says(page) == "not_allowed")
    assert not link.there
    assert page.locator("#start").is_enabled()
