"""Live pages with the camera's picture: set-up, practice and a set.

The picture is shown mirrored and has no words on it; everything to read stands beside and below it on plain
ground. What changes seldom is drawn once and kept, so that a frame costs a few milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.coach.pages.canvas import (
    BOLD,
    HIGH_CONTRAST,
    LINE,
    NORMAL,
    SEMI,
    Box,
    Theme,
    blank,
    card,
    fit,
    numeral,
    shape,
    stroke,
    text_in,
)
from formcheck.coach.pages.page import Page, PageKind
from formcheck.coach.pages.sketch import draw_sketch, has_sketch
from formcheck.coach.pages.turning import Turn
from formcheck.drawing.lettering import put_text, text_width
from formcheck.drawing.overlay import Body, FaultMark, OverlayState, draw_badge, draw_body, draw_phase_icon
from formcheck.drawing.palette import HALO, Image
from formcheck.words import Words

#: The composed picture is at most this high; a larger window scales it up.
MOST_ROWS = 1080
#: Lines and rings on the body are this much heavier than on an annotated video: seen from three metres.
BOLDER = 1.6
#: Letter size of what is read from two metres, in units of the page: capitals of 15 minutes of arc on a
#: 14-inch screen (174 mm high) are 0.62 of a unit [D].
FROM_MAT = 0.64


@dataclass(frozen=True)
class PageLayout:
    """Where everything is, in pixels; None for what this page does not have."""

    unit: float  # a ninth of the height
    header: Box
    picture: Box  # room for it; its own shape is fitted in
    bar: Box | None
    panel: Box | None
    cue: Box
    unseen: Box | None
    footer: Box | None
    paper: Box | None = None  # of a turned page: where on the screen the words are; their boxes are in it


@lru_cache(maxsize=1)
def _words(language: str) -> Words:
    return Words(language)


def compose_size(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Size the page is composed in: the window's, or smaller with the same shape."""
    width, height = size_wh
    share = min(1.0, MOST_ROWS / height)
    return max(1, round(width * share)), max(1, round(height * share))


def page_unit_px(size_wh: tuple[int, int]) -> float:
    """The measure all sizes are multiples of: a ninth of the height, less in a narrow window.

    Of a page that is higher than wide, as a turned one is, a ninth of the width.
    """
    width, height = size_wh
    return width / 9 if height > width else min(height / 9, width / 13.5)


def _header_high(rows: int) -> float:
    """Of a header of so many rows, in units of the page."""
    return 0.03 + rows * LINE * FROM_MAT


def is_counting(kind: PageKind) -> bool:
    """Whether repetitions are counted on a page."""
    return kind in ("work", "practice")


@lru_cache(maxsize=32)
def lay_out(
    size_wh: tuple[int, int],
    shape_wh: tuple[int, int],
    kind: PageKind,
    unseen: bool = False,
    headline: str = "",
) -> PageLayout:
    """The layout for a window, the shape of the camera's picture and what is on the page.

    The line to the patient has two rows in a set, where sentences are short, and three before it; a headline
    in place of the title may take two.
    """
    width, height = size_wh
    u = page_unit_px(size_wh)
    pad = 0.22 * u
    area = Box(0, 0, width, height).inset(1.4 * pad, pad)
    rows = len(fit(headline, area.w, 2.1 * LINE * FROM_MAT * u, FROM_MAT * u, SEMI, 2)[1]) if headline else 1
    header, area = area.top(_header_high(rows) * u, 0.5 * pad)
    footer, area = area.bottom(0.36 * u, 0.3 * pad)
    unseen_box = None
    if unseen:
        unseen_box, area = area.bottom(0.64 * u, 0.5 * pad)
    cue, area = area.bottom((1.72 if kind == "work" else 2.6) * u, 0.7 * pad)
    counting = is_counting(kind)
    bar_w = 1.0 * u if counting else 0.0
    least = 7.3 * u if counting else 5.6 * u
    room = area.w - least - pad - (bar_w + pad if counting else 0)
    picture, rest = area.left(min(room, area.h * shape_wh[0] / shape_wh[1]), pad)
    bar = None
    if counting:
        bar, rest = rest.left(bar_w, pad)
    return PageLayout(u, header, picture, bar, rest, cue, unseen_box, footer)


@lru_cache(maxsize=32)
def lay_out_turned(size_wh: tuple[int, int], kind: PageKind, panel: bool, turn: Turn) -> PageLayout:
    """The layout for somebody on the side: the picture towards the head, the words, turned, beside it.

    What is too small to be read from there is left out: keys, and what cannot be checked. Without a panel the
    line to the patient has its room too. In a set there is room for two rows of what is wrong just now.
    """
    width, height = size_wh
    u = page_unit_px(size_wh)
    pad = 0.22 * u
    paper = Box(0, 0, height, round(6.95 * u))
    header, area = paper.inset(0.6 * pad, pad).top(_header_high(2 if kind == "work" else 1) * u, 0.5 * pad)
    panel_box = None
    if panel:
        panel_box, area = area.top(2.25 * u, 0.6 * pad)
    left = turn == 90
    words = Box(0 if left else width - paper.h, 0, paper.h, height)
    room = Box(paper.h if left else 0, 0, width - paper.h, height).inset(pad, pad)
    bar = None
    if is_counting(kind):
        bar, room = room.left(1.0 * u, pad)
    return PageLayout(u, header, room, bar, panel_box, area, None, None, words)


def draw_camera_page(
    page: Page, picture: Image | None, size_wh: tuple[int, int], high_contrast: bool, turn: Turn = 0
) -> Image:
    """The page; see `pages.draw_page`."""
    size = compose_size(size_wh)
    shape_wh = (640, 480) if picture is None else (picture.shape[1], picture.shape[0])
    marks = page.body.marks if page.body is not None else ()
    worst = max(marks, key=lambda mark: mark.grade, default=None)
    left = None if page.seconds_left is None else float(math.ceil(page.seconds_left - 1e-6))
    still = replace(page, body=None, level=None, stats="-" if page.stats else "", seconds_left=left)
    base, at = _still_part(still, worst, size, shape_wh, high_contrast, turn)
    theme = HIGH_CONTRAST if high_contrast else NORMAL
    canvas = base.copy()
    _picture(canvas, at, page, picture, theme)
    if at.bar is not None:
        _range_bar(canvas, at.bar, page.level, page.target, theme, at.unit)
    if page.stats and at.footer is not None:
        text_in(canvas, at.footer, page.stats, 0.22 * at.unit, theme.soft, lines=1, across=1.0)
    return canvas


@lru_cache(maxsize=12)
def _still_part(
    page: Page,
    worst: FaultMark | None,
    size: tuple[int, int],
    shape_wh: tuple[int, int],
    high_contrast: bool,
    turn: Turn,
) -> tuple[Image, PageLayout]:
    """Everything that stays the same between two repetitions or cues."""
    theme = HIGH_CONTRAST if high_contrast else NORMAL
    headline = page.lines[0] if page.kind == "setup" and page.lines else ""
    if turn:  # where the laptop goes was read before lying down
        panel = page.kind != "setup" or page.seconds_left is not None
        at = lay_out_turned(size, page.kind, panel, turn)
    else:
        at = lay_out(size, shape_wh, page.kind, bool(page.unseen), headline)
    u = at.unit
    screen = canvas = blank(size, theme.ground)
    if at.paper is not None:
        canvas = blank((at.paper.h, at.paper.w), theme.ground)
    if headline and not turn:
        text_in(canvas, at.header, headline, FROM_MAT * u, theme.ink, SEMI, lines=2)
    else:
        _header(canvas, at.header, page, worst, at.footer is None, theme, u)
    if at.panel is None:
        pass
    elif page.kind == "setup":
        _setup_panel(canvas, at.panel, page, theme, u, high_contrast)
    else:
        _count_panel(canvas, at.panel, page, theme, u)
    if page.cue:
        draw_cue(canvas, at.cue, page, theme, u)
    if at.unseen is not None:
        text_in(canvas, at.unseen, page.unseen, 0.25 * u, theme.soft, lines=4, down=0.5)
    if at.footer is not None:
        draw_footer(canvas, at.footer, page, theme, u)
    if at.paper is not None:
        spot = at.paper
        screen[spot.y : spot.y + spot.h, spot.x : spot.x + spot.w] = np.rot90(canvas, -turn // 90)
    return screen, at


def _header(
    canvas: Image, box: Box, page: Page, worst: FaultMark | None, dot: bool, theme: Theme, u: float
) -> None:
    """What is being done, or what is wrong just now, and a dot while it is recorded, if that goes here."""
    if page.recording and dot:
        _recording_dot(canvas, box.x + box.w - 0.2 * u, box.y + box.h / 2, 0.17 * u, page, theme)
        box = box.left(box.w - 0.5 * u)[0]
    if worst is not None:
        r = 0.3 * u
        draw_badge(canvas, (box.x + r + 2, box.y + box.h / 2), worst.grade, r)
        text_in(canvas, box.left(0.68 * u)[1], worst.title, FROM_MAT * u, theme.warn, SEMI, lines=2)
    else:
        text_in(canvas, box, page.title, FROM_MAT * u, theme.ink, SEMI, lines=2)


# ---- parts shared with the pages without a picture -----------------------------------------------------


def _recording_dot(canvas: Image, x: float, y: float, r: float, page: Page, theme: Theme) -> None:
    """Filled for video, a ring for the skeleton alone; it never blinks."""
    line = -1 if page.recording == "video" else max(2, round(0.45 * r))
    cv2.circle(canvas, (round(x), round(y)), round(r), theme.record, line, cv2.LINE_AA)


def draw_footer(canvas: Image, box: Box, page: Page, theme: Theme, u: float) -> None:
    """What is being recorded, and which keys do what: to be read sitting."""
    box = box.left(0.45 * box.w)[0] if page.stats else box
    text = page.footer
    if page.recording:
        r = 0.13 * u
        _recording_dot(canvas, box.x + r, box.y + box.h / 2, r, page, theme)
        box = box.left(2 * r, 0.12 * u)[1]
        if not page.stats:  # no room besides, and the dot is enough for who measures
            told = _words(page.language)(f"page.recording.{page.recording}")
            text = " · ".join(filter(None, (told, text)))
    text_in(canvas, box, text, 0.26 * u, theme.soft, lines=1)


def draw_cue(canvas: Image, box: Box, page: Page, theme: Theme, u: float) -> None:
    """The one line to the patient: a correction on a filled band with rings, anything else in a bubble."""
    most = max(2, int(box.h / (0.75 * u)))
    size, rows = fit(page.cue, box.w - 1.75 * u, box.h - 0.1 * u, 0.95 * u, SEMI, most)
    if page.cue_is_correction:
        card(canvas, box, 0.2 * u, theme.warn)
        ink = theme.on_warn
    else:
        card(canvas, box, 0.2 * u, theme.surface, theme.accent, max(2, round(0.05 * u)))
        ink = theme.ink
    x, y = box.x + 0.8 * u, box.y + box.h / 2
    if page.cue_is_correction:
        for r in (0.42, 0.2):
            cv2.circle(canvas, (round(x), round(y)), round(r * u), ink, max(2, round(0.09 * u)), cv2.LINE_AA)
    else:
        bubble = Box(round(x - 0.42 * u), round(y - 0.4 * u), round(0.84 * u), round(0.58 * u))
        card(canvas, bubble, 0.2 * u, theme.accent)
        shape(
            canvas,
            [(x - 0.2 * u, y + 0.12 * u), (x + 0.1 * u, y + 0.12 * u), (x - 0.25 * u, y + 0.42 * u)],
            theme.accent,
        )
    text_in(
        canvas,
        Box(round(box.x + 1.5 * u), box.y, round(box.w - 1.7 * u), box.h),
        page.cue,
        size,
        ink,
        SEMI,
        lines=len(rows),
    )


def draw_ring(
    canvas: Image, box: Box, seconds: float, whole: float, unit_word: str, theme: Theme, u: float
) -> None:
    """Seconds left as a large number in a ring that empties; with their word, where it can be read too."""
    r = 0.46 * min(box.w, box.h)
    middle = (round(box.x + box.w / 2), round(box.y + box.h / 2))
    line = max(3, round(0.13 * r))
    cv2.circle(canvas, middle, round(r - line / 2), theme.edge, max(1, round(0.2 * line)), cv2.LINE_AA)
    share = min(max(seconds / whole, 0.0), 1.0) if whole > 0 else 0.0
    if share > 0:
        radius = round(r - line / 2)
        cv2.ellipse(canvas, middle, (radius, radius), -90, 0, 360 * share, theme.accent, line, cv2.LINE_AA)
    word_wide, letters = 1.5 * r, FROM_MAT * u
    told = text_width(unit_word, letters, SEMI) < word_wide and 1.3 * letters < 0.45 * r
    up = 0.68 if told else 0.5
    number = Box(round(middle[0] - 0.68 * r), round(middle[1] - up * r), round(1.36 * r), round(0.98 * r))
    text_in(canvas, number, numeral(math.ceil(seconds - 1e-6)), 1.0 * r, theme.ink, BOLD, lines=1, across=0.5)
    if told:
        word = Box(
            round(middle[0] - word_wide / 2), round(middle[1] + 0.2 * r), round(word_wide), round(0.45 * r)
        )
        text_in(canvas, word, unit_word, letters, theme.soft, SEMI, lines=1, across=0.5)


# ---- the panel beside the picture ----------------------------------------------------------------------


def _count_panel(canvas: Image, box: Box, page: Page, theme: Theme, u: float) -> None:
    wide = _is_wide(box)
    if page.count is not None:
        high = 3.3 * u  # letter size: digits are then a quarter of the screen's height and a little more
        widest = numeral("0") * max(len(str(page.count)), len(str(page.of or 0)))
        most = 0.5 * box.w if wide else box.w
        high = min(high, 1.3 * box.h)
        while text_width(widest, high, BOLD) > most and high > 1.5 * u:
            high *= 0.97
    if page.count is not None and wide:
        digits, box = box.left(text_width(widest, high, BOLD), 0.3 * u)
        put_text(
            canvas,
            numeral(page.count),
            digits.x - 0.03 * high,
            digits.y + digits.h / 2 + 0.36 * high,
            high,
            theme.ink,
            BOLD,
        )
        if page.of is not None and not _is_long(page.phase_word, box, u):
            beside, box = box.top(1.0 * u, 0.05 * u)
            of = _words(page.language)("page.count_of", of=numeral(page.of))
            text_in(canvas, beside, of, 0.85 * u, theme.soft, SEMI, lines=1)
    elif page.count is not None:
        top, below = box.top(0.78 * high, 0.08 * u)
        number = numeral(page.count)
        baseline = top.y + 0.755 * high
        put_text(canvas, number, top.x - 0.03 * high, baseline, high, theme.ink, BOLD)
        if page.of is not None:
            of = _words(page.language)("page.count_of", of=numeral(page.of))
            room = box.w - text_width(widest, high, BOLD) - 0.15 * u
            size = min(0.85 * u, 0.85 * u * room / max(1.0, text_width(of, 0.85 * u, SEMI) + 2))
            if size >= FROM_MAT * u:
                x = top.x + text_width(number, high, BOLD) + 0.15 * u
                put_text(canvas, of, x, baseline, int(size), theme.soft, SEMI)
            else:
                line, below = below.top(0.85 * u, 0.05 * u)
                text_in(canvas, line, of, FROM_MAT * u, theme.soft, SEMI, lines=1)
        box = below
    phase = box if box.h <= 1.65 * u else box.top(1.65 * u)[0]
    icon = min(0.7 * u if _is_long(page.phase_word, box, u) else 1.2 * u, 1.1 * phase.h)
    draw_phase_icon(
        canvas, page.phase, phase.x + 0.48 * icon, phase.y + phase.h / 2, icon, theme.accent, theme.soft
    )
    _, word = phase.left(1.08 * icon, 0.1 * u)
    text_in(canvas, word, page.phase_word, 0.95 * u, theme.ink, BOLD, lines=2)


def _is_long(word: str, box: Box, u: float) -> bool:
    """Whether the word of a phase needs two rows beside its sign."""
    return text_width(word, FROM_MAT * u, BOLD) > box.w - 1.4 * u


def _is_wide(box: Box) -> bool:
    """Whether what else stands below the other goes beside it."""
    return box.w > 2 * box.h


def _setup_panel(canvas: Image, box: Box, page: Page, theme: Theme, u: float, high_contrast: bool) -> None:
    """The time to lie still, or a drawing of where the laptop goes."""
    if page.seconds_left is not None:
        draw_ring(
            canvas,
            box.left(box.h)[0] if _is_wide(box) else box,
            page.seconds_left,
            max(2.0, page.seconds_left),
            _words(page.language)("page.rest.unit" if page.seconds_left > 1 else "page.rest.unit_one"),
            theme,
            u,
        )
    elif page.drawing and has_sketch(*page.drawing.split("/")[:2]):
        exercise, view, *side = page.drawing.split("/")
        paper = box.inner(min(max(box.w / box.h, 1.2), 1.7), 1.0)
        card(canvas, paper, 0.0, theme.edge)
        spot = paper.inset(max(2, 0.03 * u))
        drawing = draw_sketch(exercise, view, (spot.w, spot.h), side[0] if side else None, high_contrast)
        canvas[spot.y : spot.y + spot.h, spot.x : spot.x + spot.w] = drawing


# ---- what changes with every frame ---------------------------------------------------------------------


def _picture(canvas: Image, at: PageLayout, page: Page, picture: Image | None, theme: Theme) -> None:
    if picture is None:
        spot = at.picture
        card(canvas, spot, 0.15 * at.unit, theme.surface, theme.edge)
        _no_camera(canvas, spot, theme, at.unit)
        return
    height, width = picture.shape[:2]
    spot = at.picture.inner(width, height)
    view = canvas[spot.y : spot.y + spot.h, spot.x : spot.x + spot.w]
    shrunk = cv2.resize(picture, (spot.w, spot.h), interpolation=cv2.INTER_LINEAR)
    cv2.flip(shrunk, 1, dst=view)
    if page.body is not None:
        draw_body(view, _overlay(page.body, width, spot.w / width, spot.h / height), BOLDER)
    cv2.rectangle(canvas, (spot.x, spot.y), (spot.x + spot.w - 1, spot.y + spot.h - 1), theme.edge, 1)


def _overlay(body: Body, width: int, across: float, down: float) -> OverlayState:
    """The body as it is to be drawn on the mirrored, resized picture: x counted from the other edge."""
    xy: NDArray[np.float64] | None = None
    if body.xy is not None:
        xy = np.asarray(body.xy, np.float64).copy()
        xy[:, 0] = (width - 1 - xy[:, 0]) * across
        xy[:, 1] *= down
    return OverlayState(0.0, xy, body.trusted, body.measured, faults=body.marks)


def _no_camera(canvas: Image, spot: Box, theme: Theme, u: float) -> None:
    """A camera, crossed out."""
    x, y = spot.x + spot.w / 2, spot.y + spot.h / 2
    body = Box(round(x - 0.9 * u), round(y - 0.6 * u), round(1.3 * u), round(1.2 * u))
    card(canvas, body, 0.2 * u, theme.edge)
    shape(canvas, [(x + 0.45 * u, y), (x + 1.0 * u, y - 0.45 * u), (x + 1.0 * u, y + 0.45 * u)], theme.edge)
    stroke(canvas, [(x - 1.2 * u, y + 0.9 * u), (x + 1.2 * u, y - 0.9 * u)], HALO, 0.22 * u)
    stroke(canvas, [(x - 1.2 * u, y + 0.9 * u), (x + 1.2 * u, y - 0.9 * u)], theme.ink, 0.1 * u)


def _range_bar(canvas: Image, box: Box, level: float | None, target: float, theme: Theme, u: float) -> None:
    """How far of the target, upwards; the target is a line with a pointer on either side.

    Where the range cannot be measured the bar is hatched, not empty.
    """
    pointer = round(0.16 * u)
    tube = Box(box.x + pointer, box.y, box.w - 2 * pointer, box.h)
    line = max(2, round(0.03 * u))
    card(canvas, tube, 0.12 * u, theme.surface, theme.edge, line)
    inside = tube.inset(line + 1)
    if level is None or not math.isfinite(level):
        view = canvas[inside.y : inside.y + inside.h, inside.x : inside.x + inside.w]
        step = max(8, round(0.3 * u))
        for y in range(0, inside.h + inside.w, step):
            cv2.line(view, (0, y), (y, 0), theme.edge, line, cv2.LINE_AA)
        return
    full = 1.25 * max(target, 0.1)
    filled = round(inside.h * min(max(level, 0.0), full) / full)
    if filled > 0:
        cv2.rectangle(
            canvas,
            (inside.x, inside.y + inside.h - filled),
            (inside.x + inside.w - 1, inside.y + inside.h - 1),
            theme.accent,
            -1,
        )
    y = inside.y + inside.h - round(inside.h * target / full)
    cv2.line(canvas, (tube.x, y), (tube.x + tube.w - 1, y), HALO, 3 * line)
    cv2.line(canvas, (tube.x, y), (tube.x + tube.w - 1, y), theme.ink, line + 1)
    p = float(pointer)
    shape(canvas, [(box.x, y - p), (box.x + 1.2 * p, y), (box.x, y + p)], theme.ink)
    right = box.x + box.w
    shape(canvas, [(right, y - p), (right - 1.2 * p, y), (right, y + p)], theme.ink)
