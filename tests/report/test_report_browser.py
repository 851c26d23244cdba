"""The report opened in a real browser, as a file, with no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_browser import CHROMIUM, FLAGS, NEEDS_CHROMIUM, sync_api
from report_analysis import synthetic_analysis, with_summary

from formcheck.analysis.analysis import Analysis
from formcheck.report.page import write_report
from formcheck.report.plots import MOST_MARKS

pytestmark = NEEDS_CHROMIUM
#: For each figure: its curves, its areas of phases, and its marks that are shown.
LOOK = """[...document.querySelectorAll('.canvas')].map(div => [
    div.data.filter(t => t.customdata).map(t => [t.x.length, t.y.length, t.customdata.length]),
    div.data.filter(t => t.fill === 'toself').map(t => t.name),
    div.querySelectorAll('.textpoint').length,
])"""


@pytest.fixture
def page() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(viewport={"width": 1100, "height": 900})
        found: list[str] = []
        opened.on("pageerror", lambda error: found.append(str(error)))
        opened.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else found.append(r.url))
        yield opened
        browser.close()
        assert found == []


def with_many_findings(analysis: Analysis, count: int) -> Analysis:
    reps = [rep.model_dump(by_alias=True) for rep in analysis.summary.reps]
    reps[1]["faults"] += [reps[1]["faults"][0]] * count
    return with_summary(analysis, reps=reps)


def test_the_plots_are_drawn_and_many_grades_only_once_zoomed_in(tmp_path: Path, page: Any) -> None:
    analysis = synthetic_analysis(tmp_path, top=0.4)
    first, second = (len(rep.faults) for rep in analysis.summary.reps[:2])
    for added, at_first in ((0, first + second), (MOST_MARKS, 0)):
        write_report(with_many_findings(analysis, added), tmp_path / "report.html")
        page.goto((tmp_path / "report.html").as_uri())
        sync_api.expect(page.locator(".canvas:has(.main-svg)")).to_have_count(3)
        sync_api.expect(page.locator(".canvas").first.locator(".textpoint")).to_have_count(at_first)
        figures = page.evaluate(LOOK)
        assert len(figures) == 3
        points = len(analysis.track.time_s)
        for curves, phases, _ in figures:
            assert curves
            assert all(curve == [points] * 3 for curve in curves)
            assert phases == ["Lifting", "Holding", "Lowering"]
        assert figures[0][2] == at_first
        page.select_option("#zoom", index=1)  # the first repetition
        sync_api.expect(page.locator(".canvas").first.locator(".textpoint")).not_to_have_count(0)
