"""A real Chromium opens the phone's page with sensors that are made up, and what it sends becomes a turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from in_browser import CHROMIUM, FLAGS, NEEDS_CHROMIUM, sync_api
from waiting import until

pytest.importorskip("cryptography", reason="needs formcheck[phone]")

from formcheck.coach.phone.pelvis_link import PelvisLink
from formcheck.coach.phone.serve import open_to_phone
from formcheck.phone.clock import CLOCK_LIMIT_S
from formcheck.phone.sample import UP, Sample
from formcheck.phone.worn import PelvisTurn, Worn, WornPhone
from formcheck.video.live_source import live_clock
from formcheck.words import Words

pytestmark = NEEDS_CHROMIUM


@pytest.fixture
def link() -> PelvisLink:
    return PelvisLink(Words("de"))


@pytest.fixture
def phone(link) -> Iterator[Any]:
    """A phone's browser on the page that the code leads to, its warning about the certificate passed by."""
    with open_to_phone(link, "127.0.0.1") as address, sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(
            **{**playwright.devices["Pixel 7"], "ignore_https_errors": True},
            permissions=["accelerometer", "gyroscope"],
        )
        page = context.new_page()
        page.set_default_timeout(20_000)
        feel(page)
        page.goto(address)
        page.link = address
        yield page
        browser.close()


def hold(page: Any, beta: float, gamma: float) -> None:
    """Turns the phone so."""
    turn = {"alpha": 10, "beta": beta, "gamma": gamma}
    page.cdp.send("DeviceOrientation.setDeviceOrientationOverride", turn)


def feel(page: Any) -> None:
    """The phone begins to tell of its motion, which is none."""
    page.cdp = page.context.new_cdp_session(page)
    for sensor in ("accelerometer", "linear-acceleration", "gyroscope"):
        known = {"available": True, "minimumFrequency": 1, "maximumFrequency": 100}
        page.cdp.send(
            "Emulation.setSensorOverrideEnabled", {"enabled": True, "type": sensor, "metadata": known}
        )
        still = {"xyz": {"x": 0.0, "y": 0.0, "z": 9.8 * (sensor == "accelerometer")}}
        page.cdp.send("Emulation.setSensorOverrideReadings", {"type": sensor, "reading": still})


def says(page: Any) -> str:
    return page.locator("#state").get_attribute("data-says") or ""


def held_for(page: Any, beta: float, gamma: float, seconds: float) -> None:
    """Keeps the phone turned so."""
    hold(page, beta, gamma)
    page.wait_for_timeout(1000 * seconds)


def test_the_page_sends_how_the_phone_is_turned_and_a_turn_of_the_pelvis_comes_out(phone, link):
    assert phone.locator("h1").inner_text() == Words("de")("phone.pelvis.title")
    assert phone.url.endswith("/")  # the word of the link stands in no history
    phone.click("#start")
    until(lambda: says(phone) == "no_sensor" or phone.wait_for_timeout(100), 20)
    assert not link.there
    worn = WornPhone("side")
    rows = []

    def sent() -> float:
        """What has come by now goes to the pelvis; the time."""
        some = link.take()
        rows.extend(some)
        worn.add(some)
        return live_clock()

    held_for(phone, 90, 0, 2.5)  # stood
    until(lambda: says(phone) == "sending" or phone.wait_for_timeout(50))
    held_for(phone, 0, -90, 3.0)  # on the right side: the left edge of the phone is up
    at = sent()
    assert worn.settle(at - 0.2, "left") is Worn.OK
    # Up leaves the patient's left for the front: the pelvis has rolled back.
    held_for(phone, 0, -78, 1.5)
    told = []

    def read() -> PelvisTurn:
        told.append(worn.read(sent() - 0.2, resting=False))
        return told[-1]

    # However slow this computer is: one message is quick enough for the clocks.
    until(lambda: read().state is Worn.OK or phone.wait_for_timeout(50), 60)
    said = told[-1]
    assert said.turn_deg == pytest.approx(12.0, abs=0.5)
    felt = np.array(rows)
    assert felt[:, Sample.CLOCK_S].min() < CLOCK_LIMIT_S
    assert (np.abs(felt[:, Sample.TIME_S] - live_clock()) < 60).all()
    assert np.abs(np.linalg.norm(felt[:, UP], axis=1) - 1).max() < 1e-9


def test_a_second_phone_is_told_that_the_link_was_used(phone):
    phone.click("#start")
    until(lambda: says(phone) in ("sending", "no_sensor") or phone.wait_for_timeout(50))
    other = phone.context.browser.new_context(ignore_https_errors=True).new_page()
    other.goto(phone.link)
    other.click("#start")
    until(lambda: says(other) == "refused" or other.wait_for_timeout(50))


def test_a_page_loaded_anew_goes_on(phone, link):
    until(lambda: phone.evaluate("localStorage.getItem('key')"), every_s=0.05)  # it has been let in
    phone.reload()
    phone.click("#start")
    held_for(phone, 90, 0, 1.0)
    until(lambda: link.there or phone.wait_for_timeout(50))


def test_without_permission_nothing_is_sent(phone, link):
    phone.evaluate("DeviceOrientationEvent.requestPermission = async () => 'denied'")
    phone.click("#start")
    until(lambda: says(phone) == "not_allowed" or phone.wait_for_timeout(50))
    hold(phone, 90, 0)
    phone.wait_for_timeout(500)
    assert not link.there
    assert phone.locator("#start").is_enabled()
