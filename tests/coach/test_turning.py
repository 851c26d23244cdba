"""Pages for somebody on the side: turned to where the head is, readable from two metres, and only then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_session import REP, session, shot
from test_pages import Text, watched

import formcheck.coach.live as live
from formcheck.coach.pages.draw import draw_page
from formcheck.coach.pages.page import Page
from formcheck.coach.pages.sample_pages import sample_pages, sample_picture
from formcheck.coach.pages.turning import Turning
from formcheck.pose.landmarks import Landmark
from formcheck.words import languages

SIZE = (1366, 768)
#: A 14-inch screen is 174 mm high; 15 minutes of arc at 2 m are 8.7 mm, the height that capitals need.
CAPITALS = 0.72  # of the letter size
LEAST_PX = 8.7 / 174 * SIZE[1]
PICTURE = sample_picture()


def lying(head: str, tilt_deg: float = 0.0) -> np.ndarray:
    """Landmarks of a trunk whose head is at the picture's left or right, or up."""
    angle = np.radians(tilt_deg)
    x = {"left": -1.0, "right": 1.0}[head]
    xy = np.zeros((33, 2))
    xy[[Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER]] = 200 * np.array(
        [x * np.cos(angle), -np.sin(angle)]
    )
    return xy + 400


def turned(frames: Sequence[tuple[float, np.ndarray | None]]) -> int:
    turning = Turning()
    for time_s, xy in frames:
        turning.update(time_s, xy)
    return turning.turn


def still(xy: np.ndarray | None, from_s: float, to_s: float) -> list[tuple[float, np.ndarray | None]]:
    return [(float(t), xy) for t in np.arange(from_s, to_s, 0.1)]


@pytest.mark.parametrize(("head", "turn"), [("left", 90), ("right", 270)])
def test_the_page_turns_to_where_the_mirror_shows_the_head(head: str, turn: int) -> None:
    assert turned(still(lying(head), 0, 0.8)) == 0
    assert turned(still(lying(head), 0, 1.5)) == turn
    assert turned(still(lying(head, 25), 0, 1.5)) == turn
    assert turned(still(lying(head, 70), 0, 1.5)) == 0


def test_a_moment_s_look_up_turns_nothing_but_sitting_up_does() -> None:
    down, up = lying("left"), lying("left", 80)
    lain = still(down, 0, 2)
    assert turned([*lain, *still(up, 2, 2.5), *still(down, 2.5, 3)]) == 90
    assert turned([*lain, *still(None, 2, 9)]) == 90
    assert turned([*lain, *still(lying("left", 40), 2, 9)]) == 90  # propped on an elbow
    assert turned([*lain, *still(up, 2, 4)]) == 0


@pytest.mark.parametrize(("exercise", "turn"), [("clam", 90), ("bridge", 0)])
def test_in_a_session_the_words_turn_for_who_lies_on_the_side_and_for_nobody_else(
    exercise: str, turn: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[str, int]] = []

    def draw(page: Page, *at: Any, turn: int, **more: Any) -> Any:
        drawn.append((page.kind, turn))
        return draw_page(page, *at, **more)

    monkeypatch.setattr(live, "draw_page", draw)
    session(exercise, shot(exercise, [REP] * 4, fps=12.0), tmp_path, reps=1)
    assert {turned for kind, turned in drawn if kind == "work"} == {turn}
    assert {turned for kind, turned in drawn if kind in ("safety", "pain", "effort", "summary")} == {0}


def turned_kinds(language: str) -> dict[str, Page]:
    pages = sample_pages(language)
    return {
        name: pages[name] for name in ("setup", "setup_still", "practice", "work", "work_correction", "rest")
    }


def largest(texts: Sequence[Text], told: Iterable[str]) -> dict[str, float]:
    """Size of what is told, in pixels; a word of it may stand on a button too, smaller."""
    sizes: dict[str, float] = {}
    for text in texts:
        if text.text and any(text.text in one for one in told if one):
            sizes[text.text] = max(text.size, sizes.get(text.text, 0.0))
    return sizes


@pytest.mark.parametrize("language", languages())
def test_what_matters_to_somebody_on_the_side_can_be_read_from_two_metres(language: str) -> None:
    for name, page in turned_kinds(language).items():
        told = {page.cue, page.title, page.phase_word, str(page.count).replace("0", "O")}
        with watched() as texts:
            draw_page(page, PICTURE, SIZE, turn=90)
        sizes = largest(texts, told)
        assert sizes, name
        for words, size in sizes.items():
            assert CAPITALS * size >= 0.98 * LEAST_PX, (name, words, size)


@pytest.mark.parametrize("language", languages())
def test_a_pause_and_a_rest_can_be_read_from_the_mat_upright_too(language: str) -> None:
    pages = sample_pages(language)
    for name in ("paused", "rest"):
        page = pages[name]
        with watched() as texts:
            draw_page(page, PICTURE, SIZE)
        own = [text for text in texts if len(text.text) > 1 and text.text != page.title]
        sizes = largest(own, page.lines)
        assert sizes, name
        for words, size in sizes.items():
            assert CAPITALS * size >= 0.97 * LEAST_PX, (name, words, size)


def overlap(a: Text, b: Text) -> bool:
    return a.x0 < b.x1 - 1 and b.x0 < a.x1 - 1 and a.y0 < b.y1 - 1 and b.y0 < a.y1 - 1


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("size", [(1366, 768), (1024, 768), (1024, 600), (2560, 1080)])
def test_no_words_of_a_turned_page_run_together_or_out_of_it(language: str, size: tuple[int, int]) -> None:
    for name, page in turned_kinds(language).items():
        with watched() as texts:
            drawn = draw_page(page, PICTURE, size, turn=270)
        assert drawn.image.shape[1::-1] == size
        for n, text in enumerate(texts):
            wide, high = text.canvas_wh
            assert text.x0 >= 0, (name, text.text)
            assert text.x1 <= wide + 1, (name, text.text)
            assert text.y0 >= 0, (name, text.text)
            assert text.y1 <= high + 1, (name, text.text)
            for other in texts[:n]:
                assert text.canvas_wh != other.canvas_wh or not overlap(text, other), (name, text, other)


@pytest.mark.parametrize("turn", [90, 270])
def test_a_click_on_a_turned_button_chooses_it(turn: int) -> None:
    pages = sample_pages()
    for name in ("rest", "paused"):
        drawn = draw_page(pages[name], PICTURE, SIZE, turn=turn)  # type: ignore[arg-type]
        assert len(drawn.boxes) == len(pages[name].choices)
        for id_, (x, y, w, h) in drawn.boxes.items():
            assert h > w  # it stands
            assert drawn.choice_at(x + w / 2, y + h / 2) == id_
            button = drawn.image[y : y + h, x : x + w]
            assert len(np.unique(button.reshape(-1, 3), axis=0)) > 5  # its letters are there


def test_the_own_picture_stays_a_mirror_and_gets_larger() -> None:
    page = replace(sample_pages()["work"], body=None)
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:160, :] = (0, 0, 255)  # red is up, blue down

    def red_and_blue(turn: int) -> tuple[np.ndarray, np.ndarray]:
        image = draw_page(page, picture, SIZE, turn=turn).image.astype(int)  # type: ignore[arg-type]
        return np.argwhere((image == (0, 0, 255)).all(axis=2)), np.argwhere((image == 0).all(axis=2))

    upright, _ = red_and_blue(0)
    red, black = red_and_blue(90)
    assert red[:, 0].max() < black[:, 0].max()
    assert np.ptp(red[:, 1]) > 2 * np.ptp(red[:, 0])  # a band across, not a column
    assert len(red) > 1.15 * len(upright)
