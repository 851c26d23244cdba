"""Live pages without the camera's picture: choices, safety, questions, rest, summary and notices."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from formcheck.coach.pages.camera_page import (
    FROM_MAT,
    draw_cue,
    draw_footer,
    draw_ring,
    page_unit_px,
)
from formcheck.coach.pages.canvas import (
    BOLD,
    HIGH_CONTRAST,
    LINE,
    NORMAL,
    REGULAR,
    Box,
    Theme,
    blank,
    button_ground,
    button_row,
    card,
    fit,
    key_cap,
    numeral,
    paragraphs,
    shape,
    text_in,
    write,
)
from formcheck.coach.pages.page import Choice, Page
from formcheck.coach.pages.sketch import draw_exercise, draw_sketch, has_sketch
from formcheck.coach.pages.turning import Turn
from formcheck.drawing.palette import Image
from formcheck.exercises.definition import EXERCISES
from formcheck.words import Words

Boxes = dict[str, tuple[int, int, int, int]]
#: Size of the labels of buttons that are read sitting, in units of the page.
SITTING = 0.4
#: Height of a button whose label is read from the mat, in two rows.
_BUTTON_HIGH = 1.8


@lru_cache(maxsize=4)
def draw_still_page(
    page: Page, size_wh: tuple[int, int], high_contrast: bool, turn: Turn = 0
) -> tuple[Image, Boxes]:
    """The page, and where its choices are; see `pages.draw_page`. The image is kept: not to be written to."""
    if turn:
        upright, boxes = draw_still_page(page, (size_wh[1], size_wh[0]), high_contrast)
        image = np.ascontiguousarray(np.rot90(upright, -turn // 90))
        image.flags.writeable = False
        whole = Box(0, 0, *size_wh)
        return image, {name: _turned_box(Box(*box), whole, turn) for name, box in boxes.items()}
    theme = HIGH_CONTRAST if high_contrast else NORMAL
    width, height = size_wh
    u = page_unit_px(size_wh)
    canvas = blank(size_wh, theme.ground)
    area = Box(0, 0, width, height).inset(0.4 * u, 0.25 * u)
    footer, area = area.bottom(0.4 * u, 0.12 * u)
    if page.stats:
        text_in(canvas, footer, page.stats, 0.22 * u, theme.soft, lines=1, across=1.0)
    draw_footer(canvas, footer, page, theme, u)
    if page.kind == "choose":
        boxes = _choose(canvas, area, page, theme, u, high_contrast)
    elif page.kind == "safety":
        boxes = _safety(canvas, area, page, theme, u)
    elif page.kind in ("pain", "effort"):
        boxes = _scale(canvas, area, page, theme, u)
    elif page.kind == "today":
        boxes = _today(canvas, area, page, theme, u, high_contrast)
    else:
        boxes = _words_page(canvas, area, page, theme, u, high_contrast)
    canvas.flags.writeable = False
    return canvas, boxes


def _turned_box(box: Box, paper: Box, turn: Turn) -> tuple[int, int, int, int]:
    """Where on the screen a box of a turned page is.

    Args:
        box: on the page, as it was drawn.
        paper: where the page is on the screen.
        turn: how it was turned.
    """
    if turn == 90:
        return (paper.x + paper.w - box.y - box.h, paper.y + box.x, box.h, box.w)
    return (paper.x + box.y, paper.y + paper.h - box.x - box.w, box.h, box.w)


def _choose(canvas: Image, area: Box, page: Page, theme: Theme, u: float, high_contrast: bool) -> Boxes:
    """Large cards in one row or two, each with a drawing where there is one."""
    head, area = area.top(0.95 * u, 0.15 * u)
    text_in(canvas, head, page.title, 0.66 * u, theme.ink, BOLD, lines=1)
    if page.lines:
        text, area = area.top(min(1.6, 0.55 * len(page.lines)) * u, 0.2 * u)
        write(canvas, paragraphs(page.lines, text, 0.36 * u), theme.ink)
    count = max(1, len(page.choices))
    columns = count if count <= 3 else (count + 1) // 2
    cells = area.grid(columns, -(-count // columns), 0.3 * u)
    boxes: Boxes = {}
    for i, (choice, cell) in enumerate(zip(page.choices, cells, strict=False)):
        _choice_card(canvas, cell, choice, page, i == page.selected, theme, u, high_contrast)
        boxes[choice.id] = (cell.x, cell.y, cell.w, cell.h)
    return boxes


def _choice_card(
    canvas: Image,
    cell: Box,
    choice: Choice,
    page: Page,
    selected: bool,
    theme: Theme,
    u: float,
    high_contrast: bool,
) -> None:
    button_ground(canvas, cell, selected, theme, u)
    inside = cell.inset(min(0.34 * u, 0.06 * cell.w), 0.22 * u)
    words = inside
    what = _drawing_of(choice.id, page.drawing)
    note = choice.note
    if what is not None:
        exercise, view, side = what
        if cell.w > 1.7 * cell.h:
            paper, words = inside.left(0.46 * inside.w, 0.22 * u)
        else:
            # In a low card there is room for a picture or for a note, and a picture is quicker to see.
            note = note if inside.h > 4.2 * u else ""
            paper, words = inside.top(inside.h - (2.3 if note else 1.2) * u, 0.15 * u)
        paper = paper.inner(paper.w, min(paper.h, 0.8 * paper.w))
        card(canvas, paper, 0.0, theme.edge)
        spot = paper.inset(max(2, 0.03 * u))
        if view is None:
            drawing = draw_exercise(exercise, (spot.w, spot.h), side, high_contrast)
        else:
            drawing = draw_sketch(exercise, view, (spot.w, spot.h), side, high_contrast)
        canvas[spot.y : spot.y + spot.h, spot.x : spot.x + spot.w] = drawing
    if choice.key:
        cap = 0.62 * u
        row = words.y + (0.55 * u if note else words.h / 2)
        width = key_cap(canvas, words.x, row, choice.key, cap, theme)
        _, words = words.left(width, 0.22 * u)
    if note:
        above, below = words.top(1.1 * u, 0.05 * u)
        text_in(canvas, above, choice.label, 0.56 * u, theme.ink, BOLD, lines=2)
        text_in(canvas, below, note, 0.34 * u, theme.soft, lines=4, down=0.0)
    else:
        text_in(canvas, words, choice.label, 0.6 * u, theme.ink, BOLD, lines=3)


def _drawing_of(choice: str, drawing: str | None) -> tuple[str, str | None, str | None] | None:
    """What to draw on a choice, as exercise, view and side: an exercise, its side, or a place for the laptop.

    A page that asks for the side or the view names the exercise in its `drawing`.
    """
    exercise = (drawing or "").split("/")[0]
    if choice in EXERCISES:
        return choice, None, None
    if choice in ("left", "right") and exercise in EXERCISES:
        return exercise, None, choice
    if exercise in EXERCISES and has_sketch(exercise, choice):
        return exercise, choice, None
    return None


def _safety(canvas: Image, area: Box, page: Page, theme: Theme, u: float) -> Boxes:
    """A long text in two columns, readable in front of the laptop, with the choices below."""
    head, area = area.top(0.6 * u, 0.1 * u)
    text_in(canvas, head, page.title, 0.53 * u, theme.ink, BOLD, lines=1)
    row, area = area.bottom(1.3 * u, 0.15 * u)
    boxes = _buttons(canvas, row, page, theme, u, SITTING)
    write(canvas, paragraphs(page.lines, area, 0.36 * u, columns=2, gap=0.3), theme.ink)
    return boxes


def _scale(canvas: Image, area: Box, page: Page, theme: Theme, u: float) -> Boxes:
    """Numbers in a row over a wedge that grows, with their words below; the chosen one is told in full."""
    head, area = area.top(1.75 * u, 0.1 * u)
    text_in(canvas, head, page.title, 0.68 * u, theme.ink, BOLD, lines=2, across=0.5)
    if page.lines:
        text, area = area.top(min(1.5, 0.6 * len(page.lines)) * u, 0.1 * u)
        write(canvas, paragraphs(page.lines, text, 0.4 * u), theme.ink)
    choices = page.choices
    _, area = area.top(0.3 * u)  # for the pointer above the chosen number
    row, area = area.top(min(1.9 * u, 0.38 * area.h), 0.18 * u)
    cells = row.grid(max(1, len(choices)), 1, 0.12 * u)
    boxes: Boxes = {}
    for i, (choice, cell) in enumerate(zip(choices, cells, strict=False)):
        button_ground(canvas, cell, i == page.selected, theme, 0.9 * u, pointer="above")
        text_in(
            canvas,
            cell.inset(0.08 * cell.w, 0),
            numeral(choice.label),
            0.72 * u,
            theme.ink,
            BOLD,
            lines=1,
            across=0.5,
        )
        boxes[choice.id] = (cell.x, cell.y, cell.w, cell.h)
    wedge, area = area.top(0.34 * u, 0.16 * u)
    shape(
        canvas,
        [(wedge.x, wedge.y + wedge.h), (wedge.x + wedge.w, wedge.y), (wedge.x + wedge.w, wedge.y + wedge.h)],
        theme.edge,
    )
    notes, area = area.top(1.25 * u, 0.1 * u)
    _notes(canvas, notes, cells, choices, theme, u)
    if 0 <= page.selected < len(choices):
        chosen = choices[page.selected]
        label = numeral(chosen.label)
        told = f"{label}: {chosen.note}" if chosen.note else label
        text_in(canvas, area, told, 0.75 * u, theme.ink, BOLD, lines=2, across=0.5, down=0.3)
    return boxes


def _notes(
    canvas: Image, box: Box, cells: list[Box], choices: tuple[Choice, ...], theme: Theme, u: float
) -> None:
    """Words under the numbers that have some; each may use the room of neighbours that have none."""
    having = [i for i, choice in enumerate(choices) if choice.note]
    spots: list[tuple[int, Box, float]] = []
    for n, i in enumerate(having):
        middle = cells[i].x + cells[i].w / 2
        before = cells[having[n - 1]].x + cells[having[n - 1]].w / 2 if n else None
        after = cells[having[n + 1]].x + cells[having[n + 1]].w / 2 if n + 1 < len(having) else None
        gap = 0.06 * u
        if before is None and after is not None:
            edge = (
                (cells[i].x + cells[i].w + gap) if after - middle < 1.5 * cells[i].w else (middle + after) / 2
            )
            spots.append((i, Box(cells[i].x, box.y, round(edge - gap - cells[i].x), box.h), 0.0))
        elif after is None and before is not None:
            end = cells[i].x + cells[i].w
            edge = (cells[i].x - gap) if middle - before < 1.5 * cells[i].w else (middle + before) / 2
            spots.append((i, Box(round(edge + gap), box.y, round(end - edge - gap), box.h), 1.0))
        else:
            reach = min(middle - (before or box.x), (after or box.x + box.w) - middle) / 2
            reach = max(reach - gap / 2, cells[i].w / 2)
            spots.append((i, Box(round(middle - reach), box.y, round(2 * reach), box.h), 0.5))
    size = min(
        (fit(choices[i].note, spot.w, spot.h, 0.34 * u, REGULAR, 3)[0] for i, spot, _ in spots), default=0
    )
    for i, spot, across in spots:
        text_in(canvas, spot, choices[i].note, size, theme.ink, lines=3, across=across, down=0.0)


def _today(canvas: Image, area: Box, page: Page, theme: Theme, u: float, high_contrast: bool) -> Boxes:
    """The exercises of today, a row each with its drawing and a tick once it is done, and what to do now."""
    head, area = area.top(0.95 * u, 0.1 * u)
    text_in(canvas, head, page.title, 0.66 * u, theme.ink, BOLD, lines=1)
    buttons, area = area.bottom(1.3 * u, 0.3 * u)
    boxes = _buttons(canvas, buttons, page, theme, u, SITTING)
    if page.lines:
        text, area = area.top(0.6 * len(page.lines) * u, 0.15 * u)
        write(canvas, paragraphs(page.lines, text, 0.4 * u), theme.ink)
    count = max(1, len(page.rows))
    columns = 1 if count <= 4 else 2
    cells = area.grid(columns, max(3, -(-count // columns)), 0.16 * u)
    for row, cell in zip(page.rows, cells, strict=False):
        card(canvas, cell, 0.15 * u, theme.surface, theme.edge, max(1, round(0.02 * u)))
        inside = cell.inset(0.2 * u, 0.1 * u)
        paper, inside = inside.left(min(1.4 * inside.h, 0.25 * inside.w), 0.3 * u)
        drawing = draw_exercise(row.exercise, (paper.w, paper.h), row.side, high_contrast)
        canvas[paper.y : paper.y + paper.h, paper.x : paper.x + paper.w] = drawing
        sign, words = inside.left(0.5 * u, 0.25 * u) if row.done else (None, inside)
        if sign is not None:
            _tick(canvas, sign, theme)
        if row.state:
            words, state = words.left(0.62 * words.w, 0.2 * u)
            text_in(canvas, state, row.state, 0.42 * u, theme.soft, lines=2, across=1.0)
        title, detail = words.top(0.58 * words.h)
        text_in(canvas, title, row.title, 0.52 * u, theme.ink, BOLD, lines=1)
        text_in(canvas, detail, row.detail, 0.4 * u, theme.soft, lines=1)
    return boxes


def _tick(canvas: Image, box: Box, theme: Theme) -> None:
    x, y, r = box.x + box.w / 2, box.y + box.h / 2, 0.5 * min(box.w, box.h)
    corners = np.array([[x - r, y], [x - 0.25 * r, y + 0.7 * r], [x + r, y - 0.75 * r]])
    line = max(3, round(0.3 * r))
    cv2.polylines(canvas, [np.round(corners).astype(np.int32)], False, theme.accent, line, cv2.LINE_AA)


def _buttons(canvas: Image, box: Box, page: Page, theme: Theme, u: float, letters: float = FROM_MAT) -> Boxes:
    """The choices as one row of buttons, or a column where it is higher; returns where they are."""
    count = len(page.choices)
    stacked = box.h > count * u
    cells = box.grid(1, count, 0.15 * u) if stacked else box.grid(count, 1, 0.2 * u)
    button_row(canvas, cells, page.choices, page.selected, theme, u, letters * u)
    return {
        choice.id: (cell.x, cell.y, cell.w, cell.h) for choice, cell in zip(page.choices, cells, strict=True)
    }


def _words_page(canvas: Image, area: Box, page: Page, theme: Theme, u: float, high_contrast: bool) -> Boxes:
    """A headline, a few lines, perhaps a sign or the time left, and buttons."""
    boxes: Boxes = {}
    high = area.h > area.w
    if page.choices:
        noted = any(choice.note for choice in page.choices)
        letters = SITTING if noted else FROM_MAT
        few = noted or len(page.choices) < 3
        tall = 1.15 * len(page.choices) if high else 1.3 if few else _BUTTON_HIGH
        row, area = area.bottom(tall * u, 0.25 * u)
        boxes = _buttons(canvas, row, page, theme, u, letters)
    if page.cue:
        band, area = area.bottom((4.1 if high else 2.6) * u, 0.2 * u)
        draw_cue(canvas, band, page, theme, u)
    if page.kind == "rest" and page.seconds_left is not None:
        if area.h > area.w:
            ring, area = area.top(0.45 * area.h, 0.3 * u)
        else:
            ring, area = area.left(min(area.h, 0.4 * area.w), 0.5 * u)
        whole = _whole(page)
        unit_word = Words(page.language)("page.rest.unit" if page.seconds_left > 1 else "page.rest.unit_one")
        draw_ring(canvas, ring, page.seconds_left, whole, unit_word, theme, u)
    elif page.kind == "next" and page.seconds_left is not None:
        area = _next(canvas, area, page, theme, u, high_contrast)
    elif page.code:
        square, area = area.left(min(area.h, 0.4 * area.w), 0.5 * u)
        _code(canvas, square, page.code)
    elif page.kind in ("stopped", "notice", "paused"):
        sign, area = area.left(min(1.8 * u, 0.25 * area.w), 0.4 * u)
        _sign(canvas, sign, page.kind, theme, u)
    _headline_and_lines(canvas, area, page, theme, u)
    return boxes


def _next(canvas: Image, area: Box, page: Page, theme: Theme, u: float, high_contrast: bool) -> Box:
    """A drawing of what comes, with the laptop's place where that changes, and the seconds left below it."""
    if area.h < 4.5 * u:
        paper, area = area.left(0.3 * area.w, 0.2 * u)
        ring, area = area.left(0.2 * area.w, 0.3 * u)
    else:
        left, area = area.left(0.32 * area.w, 0.4 * u)
        ring, paper = left.bottom(0.45 * left.h, 0.2 * u)
    exercise, view, side = [*(page.drawing or "").split("/"), "", ""][:3]
    if exercise in EXERCISES:
        card(canvas, paper, 0.0, theme.edge)
        spot = paper.inset(max(2, 0.03 * u))
        if view and has_sketch(exercise, view):
            drawing = draw_sketch(exercise, view, (spot.w, spot.h), side or None, high_contrast)
        else:
            drawing = draw_exercise(exercise, (spot.w, spot.h), side or None, high_contrast, page.lift)
        canvas[spot.y : spot.y + spot.h, spot.x : spot.x + spot.w] = drawing
    unit_word = Words(page.language)(
        "page.rest.unit" if (page.seconds_left or 0) > 1 else "page.rest.unit_one"
    )
    draw_ring(canvas, ring, page.seconds_left or 0.0, _whole(page), unit_word, theme, u)
    return area


def _code(canvas: Image, box: Box, code: tuple[tuple[bool, ...], ...]) -> None:
    """Dark modules on white, as many whole pixels each as there is room for."""
    size = max(min(box.w, box.h) // len(code), 1)
    modules = np.where(np.array(code), 0, 255).astype(np.uint8)
    picture = np.repeat(np.repeat(modules, size, axis=0), size, axis=1)[: box.h, : box.w, None]
    height, width = picture.shape[:2]
    x, y = box.x + (box.w - width) // 2, box.y + (box.h - height) // 2
    canvas[y : y + height, x : x + width] = picture


def _whole(page: Page) -> float:
    """What the ring of a rest is full at: whole minutes, at least one."""
    left = page.seconds_left or 0.0
    return 60.0 * max(1, -(-int(np.ceil(left)) // 60))


def _headline_and_lines(canvas: Image, area: Box, page: Page, theme: Theme, u: float) -> None:
    """Both as one block, in the middle of the height."""
    largest = {"next": 0.72, "summary": 0.68}.get(page.kind, 0.85) * u
    size, rows = fit(page.title, area.w, 0.7 * area.h, largest, BOLD, 3) if page.title else (0, ())
    title_h = len(rows) * LINE * size
    above = 0.2 * u if page.lines else 0.0
    room = Box(area.x, round(area.y + title_h + above), area.w, max(1, round(area.h - title_h - above)))
    lines = paragraphs(page.lines, room, FROM_MAT * u, gap=0.35)
    below = max((line.y + LINE * line.size for line in lines), default=room.y)
    shift = max(0.0, (area.y + area.h - below) * 0.42)
    text_in(
        canvas,
        Box(area.x, round(area.y + shift), area.w, round(title_h) + 2),
        page.title, size, theme.ink, BOLD, lines=max(1, len(rows)), down=0.0,
    )  # fmt: skip
    moved = [type(line)(line.text, line.x, line.y + shift, line.size, line.weight) for line in lines]
    write(canvas, moved, theme.ink)


def _sign(canvas: Image, box: Box, kind: str, theme: Theme, u: float) -> None:
    """Two bars for paused, a square for stopped, an exclamation mark in a triangle for a notice."""
    x, y, r = box.x + box.w / 2, box.y + box.h / 2, 0.42 * min(box.w, box.h)
    if kind == "paused":
        for side in (-1, 1):
            bar = Box(
                round(x + side * 0.45 * r - 0.25 * r), round(y - 0.8 * r), round(0.5 * r), round(1.6 * r)
            )
            card(canvas, bar, 0.1 * r, theme.accent)
    elif kind == "stopped":
        square = Box(round(x - 0.85 * r), round(y - 0.85 * r), round(1.7 * r), round(1.7 * r))
        card(canvas, square, 0.15 * r, theme.edge)
    else:
        shape(canvas, [(x, y - r), (x + 1.1 * r, y + 0.85 * r), (x - 1.1 * r, y + 0.85 * r)], theme.warn)
        stem = Box(round(x - 0.1 * r), round(y - 0.4 * r), round(0.2 * r), round(0.68 * r))
        card(canvas, stem, 0.1 * r, theme.on_warn)
        cv2.circle(canvas, (round(x), round(y + 0.55 * r)), round(0.13 * r), theme.on_warn, -1, cv2.LINE_AA)
