"""The report: complete, honest about what was not checked, self-contained and safe."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from markupsafe import escape
from report_analysis import synthetic_analysis, with_summary

from formcheck.analysis.analysis import Analysis
from formcheck.analysis.summary import FaultEvent
from formcheck.drawing.signal import points_to_draw
from formcheck.errors import FormcheckError
from formcheck.report import page, plots
from formcheck.report.annotate import Annotator
from formcheck.words import say

HOSTILE = "<img src=x onerror=alert(1)>&\"'.mp4"
VOID = {"meta", "img", "link", "br", "input", "hr", "source", "path", "circle", "rect"}


class Page(HTMLParser):
    """Collects what a test asks about, and checks that elements are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open[-1:] == [tag], f"</{tag}> closes {self.open[-3:]}"
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def rendered(analysis: Analysis) -> str:
    return "".join(page.render(analysis))


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return synthetic_analysis(tmp_path_factory.mktemp("page"), top=0.4, nobody=(5.2, 5.8))


@pytest.fixture(scope="module")
def html(analysis: Analysis) -> str:
    return rendered(analysis)


@pytest.fixture(scope="module")
def report(html: str) -> Page:
    return Page(html)


def own(html: str) -> str:
    """The page without plotly's own text."""
    return html.replace(str(page._plotly()), "")


def test_the_result_comes_first_and_in_plain_words(report: Page) -> None:
    text = report.text
    assert "2 repetitions, both full." in text
    assert re.search(r"Seen in both repetitions: hip not fully extended \((mild|up to \w+)\)\.", text)
    assert "Not checked: pelvis drops on one side and pelvis twists." in text
    assert "Faults seen · 3 of 5 possible faults checked" in text
    order = ["Patient", "2 repetitions", "Looked for and not seen", "not a medical device", "Appendix",
             "Pictures", "Over time", "What was looked at", "How well each measure",
             "How this was made"]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_nothing_is_fetched_from_a_network(html: str, report: Page) -> None:
    for tag, attributes in report.tags:
        for name in ("src", "href", "srcset", "poster", "data", "action", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), f"<{tag} {name}={value[:60]}>"
    ours = own(html)
    assert "http://" not in ours
    assert "https://" not in ours
    assert "url(" not in ours
    assert "@import" not in ours
    policy = next(
        m["content"] for m in report.all("meta") if m.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_faults_not_checked_are_listed_with_reason_and_remedy(report: Page) -> None:
    text = report.text
    section = text[text.index("Nothing is known about these") : text.index("What was looked at")]
    assert "Pelvis drops on one side" in section
    assert "this camera position cannot show it" in section
    assert "Can be checked from the head end. Said to the person: “Laptop on a chair or table" in section
    assert "Pelvis twists" in section
    assert "this camera cannot show it from anywhere" in section
    assert "Curve of the lower back" in section
    clear = text[text.index("Looked for and not seen") : text.index("Not checked Pelvis")]
    assert "Hips above the straight line" in clear
    assert "Pelvis drops" not in clear
    assert "Pelvis twists" not in clear


def test_one_picture_for_each_fault_that_occurred_and_one_of_the_best(
    analysis: Analysis, report: Page
) -> None:
    occurred = {event.id for rep in analysis.summary.reps for event in rep.faults}
    images = report.all("img")
    assert len(images) == len(occurred) + 1
    for image in images:
        kind, data = str(image["src"]).split(",", 1)
        assert kind == "data:image/jpeg;base64"
        assert image["alt"]
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        assert decoded.shape[1] <= 960
        assert decoded.std() > 5
    anchors = {figure.get("id") for figure in report.all("figure")}
    assert {f"still-{fault}" for fault in occurred} | {"still-best"} <= anchors
    for link in report.all("a"):
        target = str(link["href"])
        assert any(a.get("id") == target[1:] for _, a in report.tags), target


def test_the_table_has_each_repetition_with_its_values_and_faults(analysis: Analysis, report: Page) -> None:
    rows = [row for row in report.all("tr") if str(row.get("id", "")).startswith("rep-")]
    assert [row["id"] for row in rows] == ["rep-1", "rep-2"]
    event = analysis.summary.reps[0].faults[0]
    assert f"{event.value:.0f}°" in report.text
    assert "Hip extension deficit" in report.text
    assert "Push the floor away" in report.text
    assert "Mild from 15°, moderate from 25°, marked from 35°." in report.text


def test_wording_makes_no_medical_claim(html: str, report: Page) -> None:
    assert page.wording.notice().split(".")[0] in report.text
    rest = own(html).replace(str(escape(page.wording.notice())), "").lower()
    for word in ("normal", "diagnos", "patient has", "healthy", "injur"):
        assert word not in rest, word


def test_a_session_in_which_nothing_could_be_checked_is_grey_and_says_so_first(analysis: Analysis) -> None:
    faults = {name: info.model_dump() for name, info in analysis.summary.faults.items()}
    for told in faults.values():
        told.update(checked=False, reason="noise", reps_checked=0, reps_affected=0, worst_grade=0)
    reps = [rep.model_dump(by_alias=True) | {"faults": []} for rep in analysis.summary.reps]
    parsed = Page(rendered(with_summary(analysis, faults=faults, reps=reps)))
    assert "verdict unseen" in [section.get("class") for section in parsed.all("section")]
    said = parsed.text[parsed.text.index("Nothing could be checked") :]
    assert said.startswith(
        "Nothing could be checked · 0 of 5 possible faults checked 2 repetitions, both full; nothing about"
    )
    assert "none in what was checked" not in parsed.text
    assert "Looked for and not seen" not in parsed.text


def test_a_hostile_file_name_is_only_text(tmp_path: Path) -> None:
    analysis = synthetic_analysis(tmp_path, seconds=3, reps=1, video=False)
    source = {**analysis.summary.source.model_dump(), "file": HOSTILE}
    html = rendered(with_summary(analysis, source=source, warnings=["</script><script>alert(2)</script>"]))
    parsed = Page(html)
    assert HOSTILE in parsed.text.replace("\u2026", "")
    assert not any("onerror" in attributes for _, attributes in parsed.tags)
    assert "<script>alert(2)" not in html
    assert "video could not be read" in parsed.text  # and the missing video is no reason to fail


def test_script_data_cannot_end_the_script() -> None:
    assert "<" not in page._script_json({"a": "</script><!--", "b": "\u2028&"})


def test_no_repetitions_says_why_and_what_to_do(tmp_path: Path) -> None:
    text = Page(rendered(synthetic_analysis(tmp_path, seconds=3, reps=0))).text
    assert "No repetitions of this exercise were found." in text
    assert "never both in this exercise’s starting position and moving from it" in text
    assert "Camera: Laptop on the floor at your side" in text
    assert "there was no repetition to check" in text
    assert "Looked for and not seen" not in text
    assert "Over time" in text  # the signal is still shown


def test_nobody_in_the_video(tmp_path: Path) -> None:
    parsed = Page(
        html := rendered(synthetic_analysis(tmp_path, seconds=2, reps=0, nobody=(-1, 9), video=False))
    )
    assert "Nobody was seen in this video." in parsed.text
    assert "Over time" not in parsed.text
    assert "Pictures" not in parsed.text.replace("Pictures measured", "")[:1500]
    assert len(html) < 60_000  # no plots, no plotly


def test_partly_checked_faults_say_of_how_many(analysis: Analysis) -> None:
    faults = {name: info.model_dump() for name, info in analysis.summary.faults.items()}
    faults["hip_not_extended"].update(reps_checked=1, reps_affected=1)
    reps = [rep.model_dump(by_alias=True) for rep in analysis.summary.reps]
    reps[1]["faults"], reps[1]["class"], reps[1]["confidence"] = [], "void", 0.4
    text = Page(rendered(with_summary(analysis, faults=faults, reps=reps))).text
    assert "1 repetition, full. Not counted: 1 not fully seen." in text
    assert "Seen in the one repetition: hip not fully extended" in text
    assert "not graded" in text


def test_plots_keep_gaps_grey_and_thresholds(analysis: Analysis) -> None:
    shared, found = plots.build_plots(analysis, Annotator(analysis))
    figures = list(found)
    assert [plot.name for plot in figures] == ["pelvic_height", "hip_angle_deg", "knee_flexion_deg"]
    assert figures[0].primary
    assert len(shared.t) == len(shared.words) == len(analysis.track.time_s)
    assert shared.words == [say(f"findings.phase.{word}") for word in analysis.phase_words]
    assert [trace["name"] for trace in shared.phases] == ["Lifting", "Holding", "Lowering"]
    gone = ~analysis.track.person
    for plot in figures:
        for trace in plot.figure["data"]:
            if trace.get("x") == "@t":
                assert trace["connectgaps"] is False
                assert all(trace["y"][i] is None for i in np.flatnonzero(gone))
    uncertain = [t for t in figures[2].figure["data"] if t.get("x") == "@t"]
    assert [t["name"] for t in uncertain] == ["uncertain"]
    assert uncertain[0]["line"]["color"] == plots.LOW
    assert uncertain[0]["line"]["dash"] == "dot"
    levels, none = (
        {t["y"][0] for t in plot.figure["data"] if t.get("name") == "threshold"}
        for plot in (figures[1], figures[0])
    )
    assert {165, 190} <= levels  # hip not extended from 15° short of straight, above the line from 190°
    assert not none
    hovers = [text for t in figures[1].figure["data"] for text in t.get("hovertext", ())]
    assert len(hovers) == 2
    assert hovers[0].startswith("Rep 1: Hip not fully extended")


def test_faults_at_the_same_time_are_drawn_beside_each_other(analysis: Analysis) -> None:
    reps = [rep.model_dump(by_alias=True) for rep in analysis.summary.reps]
    first = reps[0]["faults"][0]
    reps[0]["faults"].append(
        {**first, "id": "lowering_fast", "value": 0.7, "unit": "of prescribed", "grade": 1}
    )
    changed = with_summary(analysis, reps=reps)
    _, figures = plots.build_plots(changed, Annotator(changed))
    traces = [t for t in next(figures).figure["data"] if t.get("line", {}).get("color") == plots.FAULT]
    bars = sorted(
        ((t["x"][i : i + 2], t["y"][i]) for t in traces for i in range(0, len(t["x"]), 3)),
        key=lambda bar: bar[0][0],
    )
    assert len(bars) == 3
    assert all(gap is None for t in traces for gap in t["x"][2::3])
    assert bars[0][0] == bars[1][0]
    assert bars[0][1] != bars[1][1]
    assert bars[2][1] == bars[0][1]  # the second repetition uses the first lane again


def test_another_exercise_is_not_told_that_nobody_was_there(analysis: Analysis) -> None:
    measures = {n: m.model_dump() for n, m in analysis.summary.measures.items()}
    for info in measures.values():
        info.update(status="not_measurable", reason="no_person", ok_frames=0.0, noise_sd=None)
    text = Page(rendered(with_summary(analysis, reps=[], measures=measures))).text
    assert "A person was seen, but never in this exercise’s starting position." in text
    assert "Nobody was seen in this video" not in text


def test_a_very_long_recording_is_thinned_without_losing_its_peaks() -> None:
    value = np.sin(np.arange(200_000) / 5000)
    value[123_456] = 9.0
    value[50_000:60_000] = np.nan
    for most in (plots.MOST_POINTS, 700):
        keep = points_to_draw([value], most)
        assert len(keep) <= most * 1.1
        assert 123_456 in keep
        assert np.isnan(value[keep]).any()


def test_the_worst_event_is_the_one_shown(analysis: Analysis) -> None:
    from formcheck.report.stills import moments

    reps = [rep.model_copy(update={"faults": list(rep.faults)}) for rep in analysis.summary.reps]
    fast = dict(unit="of prescribed", start_s=1.0, end_s=1.4)
    reps[0].faults.append(FaultEvent(id="lowering_fast", grade=1, value=0.7, **fast))
    reps[1].faults.append(
        FaultEvent(id="lowering_fast", grade=3, value=0.3, **{**fast, "start_s": 3.0, "end_s": 3.4})
    )
    changed = with_summary(analysis, reps=[rep.model_dump(by_alias=True) for rep in reps])
    found = {m.event.id: m for m in moments(changed, Annotator(changed)) if m.event}
    assert found["lowering_fast"].rep.index == 2  # shorter is worse for a duration
    assert changed.track.time_s[found["lowering_fast"].index] == pytest.approx(3.2, abs=0.06)


def test_the_annotated_video_is_offered_only_where_it_lies_beside(analysis: Analysis, tmp_path: Path) -> None:
    page.write_report(analysis, tmp_path / "report.html")
    assert not Page((tmp_path / "report.html").read_text(encoding="utf-8")).all("video")
    (tmp_path / "annotated.mp4").write_bytes(b"x")
    page.write_report(analysis, tmp_path / "report.html")
    video = Page((tmp_path / "report.html").read_text(encoding="utf-8")).all("video")
    assert [v["src"] for v in video] == ["annotated.mp4"]


def test_an_unwritable_place_is_said_in_a_sentence(analysis: Analysis, tmp_path: Path) -> None:
    with pytest.raises(FormcheckError, match="nowhere"):
        page.write_report(analysis, tmp_path / "nowhere" / "report.html")
