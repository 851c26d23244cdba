"""What the live pages are built of: colours, boxes, text that always fits, buttons and signs.

Text is never cut: it is broken into lines, and where they do not fit their box the letters get smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from formcheck.coach.pages.page import Choice
from formcheck.drawing import lettering
from formcheck.drawing.lettering import broken, put_text, text_width
from formcheck.drawing.palette import (
    FAULT,
    INK,
    INK_SOFT,
    MEASURED,
    PANEL,
    SHIFT,
    Color,
    Image,
    bgr,
    fixed_point,
)

#: Line height and the part of it above the baseline, in letter sizes.
LINE = 1.24
ABOVE = 0.95
REGULAR, SEMI, BOLD = 400, 600, 700


@dataclass(frozen=True)
class Theme:
    """Colours by what they are for; every text colour is readable on each ground it is used on."""

    ground: Color  # behind everything
    surface: Color  # cards and buttons
    chosen: Color  # the card under the arrow keys
    edge: Color  # outlines of cards and bars
    ink: Color
    soft: Color  # less important text
    accent: Color  # what is going well, what is selected
    warn: Color  # ground of a correction
    on_warn: Color  # text on it
    record: Color  # the recording dot


NORMAL = Theme(
    ground=PANEL, surface=bgr("#1e2530"), chosen=bgr("#123c40"), edge=bgr("#6d7b8e"), ink=INK,
    soft=INK_SOFT, accent=MEASURED, warn=FAULT, on_warn=bgr("#14100a"), record=bgr("#ff5d5d"),
)  # fmt: skip
HIGH_CONTRAST = Theme(
    ground=(0, 0, 0), surface=(0, 0, 0), chosen=bgr("#00303a"), edge=(255, 255, 255), ink=(255, 255, 255),
    soft=(255, 255, 255), accent=bgr("#3df5ff"), warn=bgr("#ffe14a"), on_warn=(0, 0, 0),
    record=bgr("#ff8080"),
)  # fmt: skip


@dataclass(frozen=True)
class Box:
    """A rectangle in whole pixels."""

    x: int
    y: int
    w: int
    h: int

    def inset(self, dx: float, dy: float | None = None) -> Box:
        """Smaller by a margin on each side (`dy` = `dx` where left out)."""
        mx, my = round(dx), round(dx if dy is None else dy)
        return Box(self.x + mx, self.y + my, max(1, self.w - 2 * mx), max(1, self.h - 2 * my))

    def top(self, h: float, gap: float = 0) -> tuple[Box, Box]:
        """The upper `h` pixels, and what is left below a gap."""
        a, b = round(h), round(h + gap)
        return Box(self.x, self.y, self.w, a), Box(self.x, self.y + b, self.w, max(1, self.h - b))

    def bottom(self, h: float, gap: float = 0) -> tuple[Box, Box]:
        """The lower `h` pixels, and what is left above a gap."""
        a, b = round(h), round(h + gap)
        return Box(self.x, self.y + self.h - a, self.w, a), Box(self.x, self.y, self.w, max(1, self.h - b))

    def left(self, w: float, gap: float = 0) -> tuple[Box, Box]:
        """The left `w` pixels, and what remains right of a gap."""
        a, b = round(w), round(w + gap)
        return Box(self.x, self.y, a, self.h), Box(self.x + b, self.y, max(1, self.w - b), self.h)

    def grid(self, columns: int, rows: int, gap: float) -> list[Box]:
        """Equal cells, row by row."""
        w, h = (self.w - gap * (columns - 1)) / columns, (self.h - gap * (rows - 1)) / rows
        return [
            Box(round(self.x + c * (w + gap)), round(self.y + r * (h + gap)), int(w), int(h))
            for r in range(rows)
            for c in range(columns)
        ]

    def inner(self, width: float, height: float) -> Box:
        """The largest centred box of this shape."""
        scale = min(self.w / width, self.h / height)
        w, h = max(1, int(width * scale)), max(1, int(height * scale))
        return Box(self.x + (self.w - w) // 2, self.y + (self.h - h) // 2, w, h)


def blank(size_wh: tuple[int, int], color: Color) -> Image:
    """An empty page. (OpenCV fills it some twenty times faster than numpy.)"""
    canvas = np.empty((size_wh[1], size_wh[0], 3), np.uint8)
    cv2.rectangle(canvas, (0, 0), size_wh, color, -1)
    return canvas


def numeral(number: int | str) -> str:
    """A number to be drawn large, with the letter O for the zero, which is slashed in OpenCV's font."""
    return str(number).replace("0", "O") if lettering.HAS_TRUETYPE else str(number)


@dataclass(frozen=True)
class TextLine:
    """One line of text in its place; `y` is the top of the line."""

    text: str
    x: float
    y: float
    size: int
    weight: int


@lru_cache(maxsize=512)
def fit(
    text: str, width: float, height: float, size: float, weight: int = REGULAR, lines: int = 9
) -> tuple[int, tuple[str, ...]]:
    """The largest letters up to `size` with which the text fits in, and its lines."""

    def works(candidate: int) -> bool:
        rows, fits = broken(text, width, candidate, weight)
        return fits and len(rows) <= lines and len(rows) * LINE * candidate <= height + 1

    used = _largest(works, round(size))
    return used, broken(text, width, used, weight)[0]


def _largest(works: Callable[[int], bool], most: int, least: int = 6) -> int:
    """The largest letter size that works, or the least there is; what works at a size works below it."""
    if most <= least or works(most):
        return max(most, least)
    low, high = least, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if works(middle) else (low, middle)
    return low


def text_in(
    canvas: Image, box: Box, text: str, size: float, color: Color, weight: int = REGULAR,
    *, lines: int = 9, across: float = 0.0, down: float = 0.5,
) -> float:  # fmt: skip
    """Text fitted into a box.

    Args:
        across, down: where in the box it goes, 0 left or top, 0.5 the middle, 1 right or bottom.

    Returns:
        The y below the last line.
    """
    if not text:
        return float(box.y)
    used, rows = fit(text, box.w, box.h, size, weight, lines)
    step = LINE * used
    y = box.y + max(0.0, (box.h - step * len(rows)) * down)
    for row in rows:
        x = box.x + max(0.0, (box.w - text_width(row, used, weight)) * across)
        put_text(canvas, row, x, y + ABOVE * used, used, color, weight)
        y += step
    return y


def paragraphs(
    texts: Sequence[str], box: Box, size: float, columns: int = 1, gap: float = 0.45
) -> list[TextLine]:
    """Paragraphs laid out as large as they fit into columns, up to `size`.

    A paragraph that begins with "• " is indented as a list; one that ends with ":" is a heading and
    stays with what follows. `gap` is the space between paragraphs, in letter sizes.
    """

    def flow(used: int) -> list[TextLine] | None:
        return _flow(tuple(texts), box, used, columns, gap)

    return flow(_largest(lambda used: flow(used) is not None, round(size))) or []


def _flow(texts: tuple[str, ...], box: Box, size: int, columns: int, gap: float) -> list[TextLine] | None:
    """The paragraphs at one letter size; None where they do not fit."""
    between = 2.0 * size if columns > 1 else 0.0
    width = (box.w - between * (columns - 1)) / columns
    step = LINE * size
    blocks: list[list[tuple[str, float, int]]] = []  # lines as text, indent, weight
    gaps: list[float] = []  # above each block
    glue = False
    for text in texts:
        heading, item = text.endswith(":"), text.startswith("• ")
        weight = BOLD if heading else REGULAR
        indent = 1.0 * size if item else 0.0
        rows, fits = broken(text.removeprefix("• "), width - indent, size, weight)
        if not fits:
            return None
        block = [(row, indent, weight) for row in rows]
        if item and block:
            block.insert(0, ("•", 0.0, -1))  # drawn on the line that follows
        if glue and blocks:
            blocks[-1].extend(block)
        else:
            blocks.append(block)
            gaps.append(gap * size * (0.25 if item else 1.0))  # the items of a list stand close
        glue = heading
    # The columns should end at about the same height: fill to the least height that works.
    heights = [sum(w != -1 for _, _, w in block) * step for block in blocks]
    total = sum(heights) + sum(gaps[1:])
    limit = total / columns
    while limit <= box.h + 1:
        column, y, spots = 0, 0.0, []
        for height, above in zip(heights, gaps, strict=True):
            y += above if y else 0.0
            if y and y + height > limit + 1:
                column, y = column + 1, 0.0
            spots.append((column, y))
            y += height
        if column < columns and all(y + h <= box.h + 1 for (_, y), h in zip(spots, heights, strict=True)):
            return _place(blocks, spots, box, width + between, size)
        limit += step / 2
    return None


def _place(
    blocks: list[list[tuple[str, float, int]]],
    spots: list[tuple[int, float]],
    box: Box,
    pitch: float,
    size: int,
) -> list[TextLine]:
    out = []
    for block, (column, top) in zip(blocks, spots, strict=True):
        y = box.y + top
        for text, indent, weight in block:
            out.append(
                TextLine(text, box.x + column * pitch + indent, y, size, abs(weight) if weight > 0 else BOLD)
            )
            if weight != -1:
                y += LINE * size
    return out


def write(canvas: Image, lines: Sequence[TextLine], color: Color) -> float:
    """Draw lines laid out by `paragraphs`; returns the y below the lowest."""
    for line in lines:
        put_text(canvas, line.text, line.x, line.y + ABOVE * line.size, line.size, color, line.weight)
    return max((line.y + LINE * line.size for line in lines), default=0.0)


def card(
    canvas: Image, box: Box, radius: float, fill: Color, edge: Color | None = None, line: int = 2
) -> None:
    """A filled rectangle with round corners, and an outline inside its border."""
    if edge is not None:
        cv2.fillPoly(canvas, [_rounded(box, radius)], edge, cv2.LINE_AA, SHIFT)
        box, radius = box.inset(line), max(0.0, radius - line)
    cv2.fillPoly(canvas, [_rounded(box, radius)], fill, cv2.LINE_AA, SHIFT)


@lru_cache(maxsize=256)
def _rounded(box: Box, radius: float) -> np.ndarray:
    r = min(radius, box.w / 2, box.h / 2)
    turn = np.linspace(0, np.pi / 2, 12)
    corners = []
    for quarter, (cx, cy) in enumerate(
        [(box.w - 1 - r, box.h - 1 - r), (r, box.h - 1 - r), (r, r), (box.w - 1 - r, r)]
    ):
        angle = turn + quarter * np.pi / 2
        corners.append(np.stack([box.x + cx + r * np.cos(angle), box.y + cy + r * np.sin(angle)], axis=1))
    return fixed_point(np.concatenate(corners))


def shape(canvas: Image, points: Sequence[tuple[float, float]], color: Color) -> None:
    """A filled polygon."""
    cv2.fillPoly(canvas, [fixed_point(np.array(points, np.float64))], color, cv2.LINE_AA, SHIFT)


def stroke(canvas: Image, points: Sequence[tuple[float, float]], color: Color, line: float) -> None:
    """A polyline."""
    at = fixed_point(np.array(points, np.float64))
    cv2.polylines(canvas, [at], False, color, max(1, round(line)), cv2.LINE_AA, SHIFT)


def key_width(key: str, size: float) -> float:
    """How wide `key_cap` draws a key."""
    return max(size, text_width(key, 0.62 * size, SEMI) + 0.5 * size)


def key_cap(canvas: Image, x: float, y: float, key: str, size: float, theme: Theme) -> float:
    """A key with its name, its left edge at `x` and its middle at height `y`; returns its width."""
    letters, width = 0.62 * size, key_width(key, size)
    box = Box(round(x), round(y - size / 2), round(width), round(size))
    card(canvas, box, 0.2 * size, theme.ground, theme.edge, max(2, round(0.06 * size)))
    put_text(
        canvas,
        key,
        x + (width - text_width(key, letters, SEMI)) / 2,
        y + 0.36 * letters,
        letters,
        theme.ink,
        SEMI,
    )
    return width


def button_ground(
    canvas: Image, box: Box, selected: bool, theme: Theme, unit: float, *, pointer: str = "left"
) -> None:
    """The card of a button; a selected one has a heavy outline and a pointer, not only another colour.

    The pointer is inside at the left, or outside above (``"above"``) where there is no room for it.
    """
    line = max(2, round((0.05 if selected else 0.018) * unit))
    edge = theme.accent if selected else theme.edge
    card(canvas, box, 0.16 * unit, theme.chosen if selected else theme.surface, edge, line)
    if not selected:
        return
    p = 0.17 * unit
    if pointer == "above":
        x, y = box.x + box.w / 2, box.y - 0.08 * unit
        shape(canvas, [(x - 1.4 * p, y - 1.4 * p), (x + 1.4 * p, y - 1.4 * p), (x, y)], theme.accent)
    else:
        x, y = box.x + line + 0.05 * unit, box.y + box.h / 2
        shape(canvas, [(x, y - p), (x + 1.1 * p, y), (x, y + p)], theme.accent)


def button_row(
    canvas: Image,
    cells: Sequence[Box],
    choices: Sequence[Choice],
    selected: int,
    theme: Theme,
    unit: float,
    letters: float,
) -> None:
    """Buttons with key, label and note, their letters alike; `unit` is a ninth of the screen's height.

    `letters` is the size of the labels where there is room for it, in pixels.
    """
    cap = 0.5 * unit
    keys = [0.0 if not c.key else key_width(c.key, cap) + 0.14 * unit for c in choices]
    rooms = [
        Box(round(cell.x + 0.3 * unit + key), cell.y, round(cell.w - 0.42 * unit - key), cell.h).inset(
            0, 0.09 * unit
        )
        for cell, key in zip(cells, keys, strict=True)
    ]
    noted = any(choice.note for choice in choices)
    share, lines = (0.56, 2) if noted else (1.0, 3)
    label = min(
        fit(c.label, r.w, share * r.h, letters, SEMI, lines)[0] for c, r in zip(choices, rooms, strict=True)
    )
    note = min(
        fit(c.note, r.w, (1 - share) * r.h, 0.26 * unit, REGULAR, 2)[0] if c.note else round(unit)
        for c, r in zip(choices, rooms, strict=True)
    )
    for i, (choice, cell, room) in enumerate(zip(choices, cells, rooms, strict=True)):
        button_ground(canvas, cell, i == selected, theme, unit)
        if choice.key:
            key_cap(canvas, cell.x + 0.3 * unit, cell.y + cell.h / 2, choice.key, cap, theme)
        if choice.note:
            above, below = room.top(share * room.h)
            text_in(canvas, above, choice.label, label, theme.ink, SEMI, lines=2, down=0.8)
            text_in(canvas, below, choice.note, note, theme.soft, lines=2, down=0.2)
        else:
            text_in(canvas, room, choice.label, label, theme.ink, SEMI, lines=lines)
