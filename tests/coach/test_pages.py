"""The live pages: nothing is cut or runs together, all of it can be read, and no meaning is colour alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import get_args

import cv2
import numpy as np
import pytest

from formcheck.coach.pages import camera_page, canvas, sketch, still_page
from formcheck.coach.pages.__main__ import main as draw_all_pages
from formcheck.coach.pages.draw import draw_page
from formcheck.coach.pages.page import Choice, Page, PageKind
from formcheck.coach.pages.sample_pages import sample_body, sample_pages, sample_picture
from formcheck.coach.pages.sketch import (
    PERIOD_S,
    draw_exercise,
    draw_sketch,
    has_sketch,
    lift_at,
    places,
)
from formcheck.drawing import lettering
from formcheck.drawing import overlay as screen
from formcheck.drawing.overlay import Body, FaultMark
from formcheck.drawing.palette import FAULT, UNTRUSTED
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import EXERCISES, load_definition
from formcheck.pose.landmarks import Landmark
from formcheck.words import languages, translated

SIZES = [(1366, 768), (1280, 720), (1024, 600), (1920, 1080), (3840, 2160)]
ODD_SIZES = [(1024, 768), (800, 600), (2560, 1080)]
PICTURES = [(640, 480), (1280, 720), (480, 640)]
NAMES = list(sample_pages())
WITH_PICTURE = [n for n, p in sample_pages().items() if p.kind in ("setup", "practice", "work") or p.body]


@dataclass(frozen=True)
class Text:
    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    color: tuple[int, int, int]
    ground: np.ndarray
    canvas_wh: tuple[int, int]


def forget() -> None:
    """What was drawn before is kept; tests that watch the drawing need it drawn again."""
    still_page.draw_still_page.cache_clear()
    camera_page._still_part.cache_clear()


@contextmanager
def watched() -> Iterator[list[Text]]:
    """All texts put on a picture, with the ground they were put on."""
    seen: list[Text] = []
    real = lettering.put_text

    def spy(image, text, x, y, size, color, weight=400):  # type: ignore[no-untyped-def]
        if text:
            x1 = x + lettering.text_width(text, size, weight)
            deep = any(letter in "gjpqyQ,;()ß" for letter in text)
            y0, y1 = y - 0.75 * size, y + (0.25 if deep else 0.02) * size
            part = image[max(0, int(y0)) : int(y1) + 1, max(0, int(x)) : int(x1) + 1]
            seen.append(Text(text, x, y0, x1, y1, size, color, part.copy(), image.shape[1::-1]))
        real(image, text, x, y, size, color, weight)

    modules = (canvas, camera_page, sketch, screen)
    forget()
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(module, "put_text", spy)
        yield seen
    forget()


def on_picture(page: Page, width: int, height: int) -> Page:
    """The page with its skeleton where it is in a picture of this size."""
    if page.body is None:
        return page
    return replace(page, body=sample_body(width, height, page.body.marks))


def drawn_texts(name: str, language: str, size: tuple[int, int], picture: tuple[int, int] = (640, 480)):  # type: ignore[no-untyped-def]
    page = on_picture(sample_pages(language)[name], *picture)
    with watched() as seen:
        drawn = draw_page(page, sample_picture(*picture), size)
    own = drawn.image.shape[1::-1]
    return drawn, [text for text in seen if text.canvas_wh == own], seen


def check_texts(texts: list[Text], width: int, height: int) -> None:
    assert texts
    for text in texts:
        assert text.x0 >= 0, text
        assert text.y0 >= 0, text
        assert text.x1 <= width + 1, text.text
        assert text.y1 <= height + 1, text.text
        assert "…" not in text.text
        assert text.size >= max(12, height / 62), f"{text.text!r} is too small: {text.size}"
    for i, a in enumerate(texts):
        for b in texts[i + 1 :]:
            apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 2 or b.y1 <= a.y0 + 2
            assert apart, f"{a.text!r} runs into {b.text!r}"


def test_there_is_a_sample_of_every_kind_of_page() -> None:
    assert {page.kind for page in sample_pages().values()} == set(get_args(PageKind))


@pytest.mark.parametrize(
    ("size", "language"),
    [(size, language) for size in SIZES for language in languages()] + [(size, "de") for size in ODD_SIZES],
    ids=lambda v: v if isinstance(v, str) else f"{v[0]}x{v[1]}",
)
def test_all_text_of_all_pages_fits(size: tuple[int, int], language: str) -> None:
    for name in NAMES:
        drawn, texts, _ = drawn_texts(name, language, size)
        height, width = drawn.image.shape[:2]
        assert width / height == pytest.approx(size[0] / size[1], rel=0.01)
        assert (width, height) == size or height == camera_page.MOST_ROWS
        check_texts(texts, width, height)


@pytest.mark.parametrize("picture", PICTURES[1:], ids=["16:9", "portrait"])
@pytest.mark.parametrize("size", SIZES[:4], ids=lambda s: f"{s[0]}x{s[1]}")
def test_text_fits_beside_pictures_of_other_shapes(size: tuple[int, int], picture: tuple[int, int]) -> None:
    for name in WITH_PICTURE:
        drawn, texts, _ = drawn_texts(name, "de", size, picture)
        check_texts(texts, drawn.image.shape[1], drawn.image.shape[0])


@pytest.mark.parametrize("language", languages())
def test_text_fits_in_the_plain_letters_of_older_opencv(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    cached = (lettering.text_width, lettering.elide, lettering.broken, canvas.fit)
    monkeypatch.setattr(lettering, "HAS_TRUETYPE", False)
    for function in cached:
        function.cache_clear()
    try:
        for name in NAMES:
            drawn, texts, _ = drawn_texts(name, language, (1366, 768))
            check_texts(texts, drawn.image.shape[1], drawn.image.shape[0])
            assert not any("?" in lettering._ascii(t.text.replace("?", "")) for t in texts)
    finally:
        for function in cached:
            function.cache_clear()


def luminance(bgr: np.ndarray) -> np.ndarray:
    c = np.asarray(bgr, float)[..., ::-1] / 255
    linear = np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(text: Text) -> float:
    """Against nearly the worst pixel of the ground it stands on (an edge may touch the box)."""
    ground = luminance(text.ground.reshape(-1, 3))
    ink = float(luminance(np.array(text.color)))
    ratio = (np.maximum(ground, ink) + 0.05) / (np.minimum(ground, ink) + 0.05)
    return float(np.percentile(ratio, 3))


@pytest.mark.parametrize(("high", "least"), [(False, 4.5), (True, 7.0)], ids=["normal", "high"])
def test_every_text_stands_out_from_its_ground(high: bool, least: float) -> None:
    for name in NAMES:
        with watched() as seen:
            draw_page(sample_pages()[name], sample_picture(), (1366, 768), high_contrast=high)
        assert seen
        for text in seen:
            assert contrast(text) >= least, f"{text.text!r} on {name}: {contrast(text):.1f}"


def test_the_contrast_check_notices_grey_on_grey() -> None:
    image = np.full((60, 200, 3), 90, np.uint8)
    with watched() as seen:
        canvas.put_text(image, "hard to read", 5, 40, 24, (140, 140, 140))
    assert contrast(seen[0]) < 3


def work(**changes: object) -> Page:
    return replace(sample_pages()["work"], **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("picture", PICTURES, ids=["4:3", "16:9", "portrait"])
@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("count", [3, 10])
def test_the_count_is_a_quarter_of_the_screen_high(
    size: tuple[int, int], picture: tuple[int, int], count: int
) -> None:
    page = on_picture(work(count=count), *picture)
    image = draw_page(page, sample_picture(*picture), size).image
    without = draw_page(replace(page, count=None), sample_picture(*picture), size).image
    height, width = image.shape[:2]
    at = camera_page.lay_out(camera_page.compose_size(size), picture, "work", True)
    x1 = round(at.panel.x + 1.2 * at.unit)  # the first digit alone
    ink = (image[at.panel.y :, at.panel.x : x1] > 200).all(axis=2)
    ink &= ~(without[at.panel.y :, at.panel.x : x1] > 200).all(axis=2)
    rows = np.flatnonzero(ink[: round(0.4 * height)].any(axis=1))
    assert rows[-1] - rows[0] + 1 >= 0.25 * height
    assert width > 0


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("size", SIZES + ODD_SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_every_cue_is_large(size: tuple[int, int], language: str) -> None:
    cues = {
        fault.cue
        for exercise in EXERCISES
        for fault in translated(load_definition(exercise), language).faults.values()
        if fault.cue
    }
    composed = camera_page.compose_size(size)
    at = camera_page.lay_out(composed, (640, 480), "work", True)
    ground = canvas.blank(composed, canvas.NORMAL.ground)
    with watched() as seen:
        for cue in cues:
            seen.clear()
            page = Page("work", cue=cue, cue_is_correction=True)
            camera_page.draw_cue(ground, at.cue, page, canvas.NORMAL, at.unit)
            assert " ".join(text.text for text in seen) == cue
            # in a window that is not of a laptop's shape, of its width
            assert min(text.size for text in seen) >= min(composed[1] / 14, composed[0] / 21), cue


def test_the_picture_is_mirrored_and_the_skeleton_with_it() -> None:
    picture = np.full((480, 640, 3), 60, np.uint8)
    picture[:, :320] = (40, 40, 160)  # red on the left of the camera's frame
    xy = np.full((33, 2), np.nan)
    xy[Landmark.LEFT_HIP], xy[Landmark.LEFT_KNEE] = (80, 200), (80, 400)
    body = Body(xy, np.ones(33, bool), frozenset({int(Landmark.LEFT_HIP), int(Landmark.LEFT_KNEE)}))
    image = draw_page(work(body=body), picture, (1366, 768)).image
    spot = camera_page.lay_out((1366, 768), (640, 480), "work", True).picture.inner(640, 480)
    view = image[spot.y : spot.y + spot.h, spot.x : spot.x + spot.w].astype(int)
    red = (view[..., 2] - view[..., 0]) > 80
    assert red[:, round(0.55 * spot.w) : -3].mean() > 0.9
    assert not red[:, : round(0.45 * spot.w)].any()
    thigh = near(view, screen.MEASURED)
    columns = np.flatnonzero(thigh.any(axis=0)) / spot.w
    assert columns.min() > 0.82  # 80 of 640 from the left is 0.875 from the left when mirrored
    assert columns.max() < 0.93
    assert (picture[:, :320] == (40, 40, 160)).all()  # the frame itself is left alone


def near(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(image.astype(int) - color) < 12).all(axis=2)


def test_what_is_not_trusted_is_grey_and_broken() -> None:
    trusted = np.ones(33, bool)
    trusted[Landmark.LEFT_KNEE] = False
    xy = np.full((33, 2), np.nan)
    xy[Landmark.LEFT_HIP], xy[Landmark.LEFT_KNEE] = (100, 240), (540, 240)
    picture = np.full((480, 640, 3), 60, np.uint8)
    grey = draw_page(work(body=Body(xy, trusted)), picture, (1366, 768)).image
    plain = draw_page(work(body=Body(xy, np.ones(33, bool))), picture, (1366, 768)).image
    spot = camera_page.lay_out((1366, 768), (640, 480), "work", True).picture
    for image, color, whole in ((grey, UNTRUSTED, False), (plain, screen.TRUSTED, True)):
        view = image[spot.y : spot.y + spot.h, spot.x + round(0.25 * spot.w) : spot.x + round(0.75 * spot.w)]
        line = near(view, color)
        assert line.any()
        assert line.any(axis=0).all() == whole


@pytest.mark.parametrize("grade", [1, 2, 3])
def test_a_fault_is_ringed_with_its_grade_and_named(grade: int) -> None:
    mark = FaultMark("Hip not fully extended", grade, "", (int(Landmark.LEFT_HIP),))
    with watched() as seen:
        image = draw_page(work(count=7, body=sample_body(marks=(mark,))), sample_picture(), (1366, 768)).image
    assert [t.text for t in seen].count(str(grade)) == 2  # at the ring and before its name
    assert any("Hip not fully" in t.text for t in seen)
    spot = camera_page.lay_out((1366, 768), (640, 480), "work", True).picture.inner(640, 480)
    hip = sample_body().xy[Landmark.LEFT_HIP]
    x = spot.x + round((639 - hip[0]) * spot.w / 640)
    y = spot.y + round(hip[1] * spot.h / 480)
    below = near(image[y : y + 90, x : x + 1], FAULT)[:, 0]
    assert np.count_nonzero(np.diff(below.astype(int)) == 1) == grade  # as many rings as the grade


def test_a_correction_and_praise_differ_in_shape_not_only_in_colour() -> None:
    at = camera_page.lay_out((1366, 768), (640, 480), "work", True)
    patterns = []
    for correction in (True, False):
        image = draw_page(
            work(cue="Same words", cue_is_correction=correction), sample_picture(), (1366, 768)
        ).image
        band = image[at.cue.y : at.cue.y + at.cue.h, at.cue.x : at.cue.x + at.cue.w]
        grey = cv2.cvtColor(band, cv2.COLOR_BGR2GRAY)
        patterns.append(grey > 128)
    icon = round(1.4 * at.unit)
    a, b = (pattern[:, :icon] for pattern in patterns)
    assert min((a != b).mean(), (a == b).mean()) > 0.05  # another drawing, and not the same one inverted


@pytest.mark.parametrize(
    "name", ["choose", "choose_view", "safety", "settled", "pain_before", "effort", "summary"]
)
def test_the_choice_under_the_arrow_keys_is_seen_without_colour(name: str) -> None:
    page = sample_pages()[name]
    first, second = (draw_page(replace(page, selected=i), None, (1366, 768)) for i in (0, 1))
    assert first.boxes == second.boxes
    x, y, w, h = next(iter(first.boxes.values()))
    area = slice(max(0, y - 30), y + h), slice(x, x + w)
    a, b = (cv2.cvtColor(d.image[area], cv2.COLOR_BGR2GRAY).astype(int) for d in (first, second))
    assert (np.abs(a - b) > 60).sum() > 150


@pytest.mark.parametrize("name", [n for n, p in sample_pages().items() if p.choices])
def test_every_choice_can_be_clicked(name: str) -> None:
    page = sample_pages()[name]
    drawn = draw_page(page, sample_picture(), (1280, 720))
    assert list(drawn.boxes) == [choice.id for choice in page.choices]
    for choice, (x, y, w, h) in drawn.boxes.items():
        assert x >= 0
        assert y >= 0
        assert x + w <= 1280
        assert y + h <= 720
        assert min(w, h) >= 40
        assert drawn.choice_at(x + w / 2, y + h / 2) == choice
    assert drawn.choice_at(1279, 719) is None


def test_the_bar_shows_level_target_and_what_cannot_be_measured() -> None:
    at = camera_page.lay_out((1366, 768), (640, 480), "work", True)
    assert at.bar is not None
    half = at.bar.w // 2
    tube = slice(at.bar.y, at.bar.y + at.bar.h), slice(at.bar.x, at.bar.x + at.bar.w)

    def filled(**changes: object) -> float:
        image = draw_page(work(**changes), sample_picture(), (1366, 768)).image[tube]
        return float(near(image, screen.MEASURED)[:, half].mean())

    def image(**changes: object) -> np.ndarray:
        return draw_page(work(**changes), sample_picture(), (1366, 768)).image[tube]

    assert filled(level=0.0) == 0
    assert filled(level=0.5) == pytest.approx(0.4, abs=0.03)
    assert filled(level=1.0) == pytest.approx(0.8, abs=0.04)
    assert filled(level=9.0) > 0.9
    assert filled(level=None) == 0
    assert (image(level=None) != image(level=0.0)).any(axis=2).mean() > 0.05  # hatched
    assert filled(level=0.5, target=0.5) == pytest.approx(0.8, abs=0.04)


def test_a_new_frame_draws_no_words_again() -> None:
    page = work()
    draw_page(page, sample_picture(), (1366, 768))
    real, drawn = lettering.put_text, []
    with pytest.MonkeyPatch.context() as patch:
        for module in (canvas, camera_page, screen):
            patch.setattr(module, "put_text", lambda *a: (drawn.append(a[1]), real(*a)))
        draw_page(replace(page, level=0.31), sample_picture(), (1366, 768))
        assert drawn == []
        draw_page(replace(page, stats="30 fps"), sample_picture(), (1366, 768))
        draw_page(replace(page, stats="29 fps"), sample_picture(), (1366, 768))
    assert drawn.count("30 fps") == 1
    assert drawn.count("29 fps") == 1


@pytest.mark.parametrize("name", NAMES)
def test_nothing_blinks(name: str) -> None:
    page = sample_pages()[name]
    first = draw_page(page, sample_picture(), (1024, 600)).image.copy()
    forget()
    assert (draw_page(page, sample_picture(), (1024, 600)).image == first).all()


def test_without_a_picture_the_page_says_so_with_a_sign() -> None:
    spot = camera_page.lay_out((1366, 768), (640, 480), "work", True).picture
    image = draw_page(work(), None, (1366, 768)).image[spot.y : spot.y + spot.h, spot.x : spot.x + spot.w]
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 3


def test_recording_is_told_in_words_and_shape() -> None:
    shapes = {}
    for recording in ("video", "skeleton", ""):
        with watched() as seen:
            image = draw_page(work(recording=recording), sample_picture(), (1366, 768)).image
        assert any("Recording" in t.text for t in seen) == bool(recording)
        rows, columns = np.nonzero(near(image, canvas.NORMAL.record))
        middle = (
            near(image, canvas.NORMAL.record)[round(rows.mean()), round(columns.mean())]
            if len(rows)
            else None
        )
        shapes[recording] = middle
    assert shapes == {"video": True, "skeleton": False, "": None}  # a dot, a ring, nothing


def test_a_count_without_a_number_asked_for_and_many_repetitions() -> None:
    for changes in ({"of": None, "count": 7}, {"of": 100, "count": 100}, {"of": 12, "count": 0}):
        with watched() as seen:
            drawn = draw_page(work(**changes), sample_picture(1280, 720), (1024, 600))
        check_texts([t for t in seen if t.canvas_wh == (1024, 600)], 1024, 600)
        assert drawn.image.shape == (600, 1024, 3)


# ---- sketches ------------------------------------------------------------------------------------------


def test_there_is_a_sketch_of_every_view_a_patient_is_asked_for() -> None:
    for exercise in EXERCISES:
        for view in load_definition(exercise).views:
            assert has_sketch(exercise, view) == (view != "back")


#: The colour of the mat, BGR.
MAT = np.array([230, 201, 215])
PLACES = {
    (exercise, view): place
    for exercise in EXERCISES
    for view, place in places(exercise).items()
    if exercise != "single-leg-bridge"  # its drawings are the bridge's but for the free leg
}


def test_the_laptop_stands_where_the_specification_puts_it() -> None:
    turn = {key: np.degrees(np.arctan2(place.x, place.y)) for key, place in PLACES.items()}
    assert abs(turn["clam", "front"]) < 10
    assert turn["clam", "oblique"] == pytest.approx(60, abs=5)  # spec 3.1: aim at 60 degrees
    assert abs(turn["bridge", "side"]) < 10
    for exercise in ("clam", "bridge"):
        assert turn[exercise, "feet"] == pytest.approx(90, abs=10)
        assert turn[exercise, "head"] == pytest.approx(-90, abs=10)
        assert PLACES[exercise, "feet"].height > 0.5
        assert PLACES[exercise, "head"].height > 0.5
    for key in (("clam", "front"), ("clam", "oblique"), ("bridge", "side")):
        assert PLACES[key].height == 0
    for place in PLACES.values():
        assert 1.8 <= np.hypot(place.x, place.y) <= 2.5


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (640, 400)])
def test_a_sketch_is_whole_and_like_no_other(size: tuple[int, int]) -> None:
    images = [draw_sketch(exercise, view, size) for exercise, view in PLACES]
    images += [draw_exercise(exercise, size) for exercise in EXERCISES]
    for image in images:
        assert image.shape == (size[1], size[0], 3)
        edge = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        assert (edge == image[0, 0]).all()  # nothing is cut at the border
    for i, a in enumerate(images):
        for b in images[i + 1 :]:
            assert (a != b).any(axis=2).mean() > 0.012  # two postures from one place are much alike


@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_figure_moves_and_the_mat_does_not(exercise: str) -> None:
    size = (300, 200)
    shown = [draw_exercise(exercise, size, lift=lift).astype(int) for lift in (0.0, 0.5, 1.0)]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert (shown[a] != shown[b]).any(axis=2).mean() > 0.01
    corners = [np.argwhere(np.abs(image - MAT).max(axis=2) < 8) for image in shown]
    for found in corners:
        assert np.abs(found.max(axis=0) - corners[0].max(axis=0)).max() <= 1


def test_the_movement_goes_up_stays_comes_down_and_rests_without_a_jump() -> None:
    lifts = [lift_at(n / 30) for n in range(round(3 * PERIOD_S * 30))]
    assert max(abs(b - a) for a, b in pairwise(lifts)) < 0.1
    first = lifts[: round(PERIOD_S * 30)]
    assert (min(first), max(first)) == (0.0, 1.0)
    assert first.count(1.0) / 30 == pytest.approx(0.8, abs=0.5)
    assert lifts[: len(first)] == lifts[len(first) : 2 * len(first)]
    assert len(set(lifts)) <= 13  # so many drawings are kept


def test_a_clam_on_the_other_side_is_the_mirror_image() -> None:
    right, left = (draw_exercise("clam", (640, 480), side).astype(int) for side in ("right", "left"))
    same, mirrored = (np.abs(right - other).max(axis=2) > 60 for other in (left, left[:, ::-1]))
    assert mirrored.mean() < 0.2 * same.mean()  # outlines may fall on neighbouring pixels


def test_an_unknown_sketch_is_refused() -> None:
    with pytest.raises(FormcheckError, match="no drawing"):
        draw_sketch("clam", "back", (100, 100))
    with pytest.raises(FormcheckError, match="no drawing"):
        draw_exercise("plank", (100, 100))


def test_the_sheet_for_translators(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    some = {name: page for name, page in sample_pages("de").items() if name in ("choose", "work")}
    monkeypatch.setattr("formcheck.coach.pages.__main__.sample_pages", lambda language: some)
    assert draw_all_pages([str(tmp_path / "out"), "--language", "de", "--contrast", "--size", "800x450"]) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["choose.png", "work.png"]
    assert cv2.imread(str(tmp_path / "out" / "work.png")).shape == (450, 800, 3)


def test_a_choice_page_with_four_plain_choices() -> None:
    choices = tuple(Choice(f"c{i}", f"Choice number {i}", str(i)) for i in range(4))
    with watched() as seen:
        drawn = draw_page(Page("choose", "Which one?", choices=choices, selected=3), None, (1024, 600))
    check_texts([t for t in seen if t.canvas_wh == (1024, 600)], 1024, 600)
    assert len(drawn.boxes) == 4
