"""What a patient must read from the mat is large enough there: every page, every sentence, in all languages.

The rule: capitals of 15 minutes of arc and more, from two metres, on a screen of 14 inches. Smaller may be
what is for somebody who sits at the laptop: keys, what is recorded, what a view cannot show at all (which is
told aloud and at the end), and all that comes before lying down.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from test_day_flow import Told
from test_day_flow import programme as programme_of
from test_pages import forget, watched

from formcheck.analysis.findings import Findings
from formcheck.coach.mouth import shown_parts
from formcheck.coach.pages.draw import TURNING, draw_page
from formcheck.coach.pages.flow_pages import leaves_of, unchecked_lines
from formcheck.coach.pages.page import Page
from formcheck.coach.pages.sample_pages import sample_body, sample_pages, sample_picture
from formcheck.coach.pages.turning import Turn
from formcheck.coach.plan import seen_elsewhere
from formcheck.drawing.lettering import put_text
from formcheck.drawing.overlay import FaultMark
from formcheck.exercises.definition import EXERCISES, Definition, load_definition
from formcheck.pose.landmarks import Landmark
from formcheck.words import Words, languages, translated

SIZES = [(1366, 768), (1920, 1080)]
LEAST_ARCMIN = 15.0
SCREEN_HIGH_MM, AWAY_MM = 174.4, 2000.0  # 14 inches, 16 to 9
WIDE = (1280, 720)
#: Before somebody lies down; and scales, on which a number is chosen sitting.
SITTING = {"choose", "safety", "settled", "agreed", "today", "pain", "effort"}

both = pytest.mark.parametrize(
    ("language", "size"),
    list(product(languages(), SIZES)),
    ids=lambda v: v if isinstance(v, str) else f"{v[0]}x{v[1]}",
)


@lru_cache(maxsize=1)
def capitals() -> float:
    """Height of a capital as drawn, in letter sizes."""
    paper = np.zeros((200, 200, 3), np.uint8)
    put_text(paper, "H", 50, 150, 100, (255, 255, 255))
    return np.count_nonzero((paper.max(axis=2) > 127).any(axis=1)) / 100


def arcmin(letters_px: float, screen_px: int) -> float:
    return math.degrees(math.atan(capitals() * letters_px / screen_px * SCREEN_HIGH_MM / AWAY_MM)) * 60


def for_who_sits(page: Page) -> Iterator[str]:
    """Texts of a page that may be small."""
    recording = Words(page.language)(f"page.recording.{page.recording}") if page.recording else ""
    yield " · ".join(filter(None, (recording, page.footer)))
    yield from (page.footer, page.unseen, *(choice.key or "" for choice in page.choices))
    yield from (str(mark.grade) for mark in (page.body.marks if page.body is not None else ()))


def too_small(
    pages: Iterable[Page], size: tuple[int, int], turn: Turn = 0, picture: tuple[int, int] = (640, 480)
) -> list[str]:
    """What of some pages is too small to be read from the mat."""
    found = []
    room = sample_picture(*picture)
    with watched() as texts:
        for page in pages:
            texts.clear()
            forget()
            drawn = draw_page(replace(page, stats=""), room, size, turn=turn)
            height, width = drawn.image.shape[:2]
            whole = {(width, height), (height, width)} if turn else {(width, height)}
            small_print = tuple(for_who_sits(page))
            read = 0
            for text in texts:
                sketched = not turn and text.canvas_wh not in whole
                if sketched or any(text.text in line for line in small_print if line):
                    continue
                read += 1
                if arcmin(text.size, height) < LEAST_ARCMIN:
                    found.append(f"{page.kind} {arcmin(text.size, height):.1f}: {text.text} ({page.cue})")
            assert read, page
    return found


@lru_cache(maxsize=32)
def definitions(language: str) -> tuple[Definition, ...]:
    return tuple(translated(load_definition(name), language) for name in EXERCISES)


def places(language: str) -> list[str]:
    return sorted({view.setup for one in definitions(language) for view in one.views.values()})


def sentences(language: str, *beginnings: str, but: tuple[str, ...] = ()) -> Iterator[str]:
    """All sentences whose keys begin so, with all that can stand in them."""
    words = Words(language)
    for key in Words().keys():  # noqa: SIM118
        if not key.startswith(beginnings) or key.endswith(("title", "footer", *but)):
            continue
        many = {"place": places(language), "exercise": [one.title for one in definitions(language)]}
        values = {name: "10" for name in ("n", "seconds", "set", "sets", "done", "of", "ms", "value")}
        named = [name for name in many if f"{{{name}}}" in words(key)]
        for chosen in product(*(many[name] for name in named)):
            yield words(key, **values, **dict(zip(named, chosen, strict=True)))


TROUBLE = ("page.notice.", "phone.worn.", "phone.picture.back", "phone.picture.lost", "phone.picture.of_",
           "phone.picture.not_changed", "voice.lost", "voice.camera_moved")  # fmt: skip
HOW = ("show.", "programme.next.hold")
COMES = ("programme.next.", "phone.place", "page.rest.ends")
BUTTONS = (".now", ".longer", ".stop", ".skip")


def with_cues(page: Page, cues: Iterable[str], **more: object) -> list[Page]:
    """The page while each of these is said, part by part."""
    parts = [part for cue in cues for part in shown_parts(cue)]
    return [replace(page, cue=part, **more) for part in parts]  # type: ignore[arg-type]


def setting_up(language: str) -> list[Page]:
    page = sample_pages(language)["setup"]
    words = Words(language)
    good = [f"{words('setup.good')} {said}" for said in sentences(language, "setup.") if len(said) < 60]
    cues = sentences(
        language,
        "setup.",
        "page.setup.",
        "voice.resumed",
        "voice.skipped",
        *HOW,
        *COMES,
        *TROUBLE,
        but=BUTTONS,
    )
    placed = [replace(page, lines=(place,)) for place in places(language)]
    # What is not said, but only shown, stands there whole.
    keys = [key for key in Words().keys() if key.endswith(".show") or key == "page.setup.hands_free"]  # noqa: SIM118
    shown = [replace(page, cue=cue) for cue in map(words, keys)]
    return [*with_cues(page, [*cues, *good]), *shown, *placed, sample_pages(language)["setup_still"]]


def practising(language: str) -> list[Page]:
    cues = sentences(language, "page.practice.", "page.setup.ready", *HOW, *TROUBLE)
    return with_cues(sample_pages(language)["practice"], cues)


def at_work(language: str) -> list[Page]:
    page, words = sample_pages(language)["work"], Words(language)
    said = sentences(language, "page.work.", "voice.praise.", "voice.ask.", "voice.easier.", "voice.resumed",
                     "voice.changed", *TROUBLE)  # fmt: skip
    pages = with_cues(page, said)
    for one in definitions(language):
        title = words("page.work.title", exercise=one.title, set=10, sets=10)
        faults = [fault for fault in one.faults.values() if fault.cue]
        pages += with_cues(page, [fault.cue or "" for fault in faults], cue_is_correction=True, title=title)
        for fault in faults:
            mark = FaultMark(fault.title, 2, "", (int(Landmark.LEFT_HIP),))
            pages.append(replace(page, body=sample_body(marks=(mark,))))
    phases = [key for key in Words().keys() if key.startswith("page.phase.")]  # noqa: SIM118
    held = [words("page.held", phase=words(key), n=30) for key in phases if ".hold" in key]
    return pages + [replace(page, phase_word=word, of=15, count=15) for word in [*map(words, phases), *held]]


def resting(language: str) -> list[Page]:
    page, words = sample_pages(language)["rest"], Words(language)
    summed = []
    for one in definitions(language):
        for fault in one.faults.values():
            good = max(sentences(language, "voice.praise."), key=len)
            done = words("voice.summary.reps", n=10)
            easier = words(f"voice.easier.{fault.level}") if f"voice.easier.{fault.level}" in words else ""
            focus = words("voice.summary.next", cue=fault.cue) if fault.cue else ""
            summed.append(" ".join(filter(None, (done, good + ".", focus, easier))))
    cues = [*summed, *sentences(language, "page.rest.ends", "voice.summary.none", *TROUBLE), ""]
    return [*with_cues(page, cues), *with_cues(sample_pages(language)["next"], summed, lines=())]


def pausing(language: str) -> list[Page]:
    page = sample_pages(language)["paused"]
    return [replace(page, lines=(line,)) for line in sentences(language, "page.paused.line")]


def ending(language: str) -> list[Page]:
    pages, words = sample_pages(language), Words(language)
    lines = [
        words(key)
        for key in Words().keys()  # noqa: SIM118
        if key.startswith(("page.summary.no_focus", "page.summary.saved", "programme.end.saved"))
    ]
    for one in definitions(language):
        for view in one.views:
            lines += unchecked_lines(words, Findings(one, view).unseen_here(), seen_elsewhere(one, view))
    ends = [
        replace(pages["day_summary"], lines=leaf) for leaf in leaves_of([*pages["day_summary"].lines, *lines])
    ]
    stops = [
        replace(pages["stopped"], lines=tuple(map(words, keys)))
        for keys in (
            ("page.stopped.pain", "page.stopped.emergency", "page.stopped.noted"),
            ("page.stopped.key", "page.stopped.noted"),
        )
    ]
    return [*ends, *stops]


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize(
    "pages_of", [setting_up, practising, at_work, resting, pausing, ending], ids=lambda f: f.__name__
)
def test_every_sentence(language, pages_of) -> None:  # type: ignore[no-untyped-def]
    """In the smaller size, where a pixel more or less counts most, and beside a wide picture."""
    assert not too_small(pages_of(language), SIZES[0], picture=WIDE)


@both
@pytest.mark.parametrize("picture", [(640, 480), WIDE], ids=["4:3", "16:9"])
def test_every_page(language: str, size: tuple[int, int], picture: tuple[int, int]) -> None:
    pages = [page for page in sample_pages(language).values() if page.kind not in SITTING]
    assert {page.kind for page in pages} == {
        "setup", "practice", "work", "paused", "rest", "summary", "stopped", "next", "notice",
    }  # fmt: skip
    assert not too_small(pages, size, picture=picture)


@both
def test_between_two_exercises_of_a_programme_with_all_of_them(
    language: str, size: tuple[int, int], tmp_path: Path
) -> None:
    own = [
        {"exercise": one.name, "sets": 3, "reps": 15, "band": one.name == "clam"}
        | ({"sides": ["left", "right"]} if one.has_side else {})
        for one in definitions("en")
    ]
    told = Told(tmp_path, programme_of(*own), language=language)
    flow, pages = told.begin().flow, []
    for number in range(len(flow._parts) - 1):
        flow._number = number
        flow._to("next", rest_s=30.0)
        page = flow.page()
        assert page.kind == "next"
        pages.append(page)
    said = sentences(language, *HOW, *COMES, *TROUBLE, but=BUTTONS) if size == SIZES[0] else ()
    assert len({page.title for page in pages}) == len(flow._parts) - 1
    longest = max((page.title for page in pages), key=len)
    assert not too_small([*pages, *with_cues(page, said, title=longest, lines=())], size)


@both
def test_turned_for_who_lies_on_the_side(language: str, size: tuple[int, int]) -> None:
    samples = sample_pages(language)
    work, words = samples["work"], Words(language)
    pages = [page for name, page in samples.items() if page.kind in TURNING and name != "work_correction"]
    pages += pausing(language)
    for one in definitions(language):
        if not one.posture.startswith("side_lying"):
            continue
        pages.append(replace(work, title=words("page.work.title", exercise=one.title, set=10, sets=10)))
        for fault in one.faults.values():
            mark = FaultMark(fault.title, 2, "", (int(Landmark.LEFT_HIP),))
            pages.append(replace(work, cue=fault.cue or "", body=sample_body(marks=(mark,))))
    assert not too_small(pages, size, turn=90)


def test_the_measure_notices_small_letters() -> None:
    page = sample_pages()["paused"]
    assert too_small([replace(page, lines=("Many words. " * 60,))], SIZES[0])
    assert 0.65 < capitals() < 0.8
    assert arcmin(8.73 / SCREEN_HIGH_MM / capitals() * 768, 768) == pytest.approx(LEAST_ARCMIN, abs=0.1)
