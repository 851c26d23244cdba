"""Text in pictures: TrueType where this OpenCV can draw it, the plain built-in letters where not."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.drawing.palette import Color

#: OpenCV 5 draws Unicode text with a variable-weight font of its own; OpenCV 4 has only Hershey letters.
HAS_TRUETYPE = hasattr(cv2, "FontFace")
_PLAIN = cv2.FONT_HERSHEY_DUPLEX
_ASCII = {
    "°": " deg", "–": "-", "—": "-", "…": "...", "·": "-", "×": "x", "’": "'", "“": '"', "”": '"', "−": "-",
    "≥": ">=", "≤": "<=", "±": "+/-", "α": "a", "β": "b", "δ": "d", "θ": "theta", "•": "-",
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "„": '"',
}  # fmt: skip


@lru_cache(maxsize=1)
def _face() -> Any:
    return cv2.FontFace("sans")


@lru_cache(maxsize=2048)
def _ascii(text: str) -> str:
    spelled = "".join(_ASCII.get(letter, letter) for letter in text)
    return spelled.encode("ascii", "replace").decode()


def put_text(
    image: NDArray[np.uint8], text: str, x: float, y: float, size: float, color: Color, weight: int = 400
) -> None:
    """Draw one line of text.

    Args:
        image: BGR, drawn into.
        text: one line; elide it first, a line that does not fit is cut at the edge.
        x, y: left end of the baseline, pixels.
        size: letter size (em) in pixels.
        color: BGR.
        weight: 400 regular, 600 semi-bold, 700 bold.
    """
    if not text:
        return
    at = (round(x), round(y))
    if HAS_TRUETYPE:
        # the wrapping range keeps OpenCV from breaking an overlong line at the image's right edge
        cv2.putText(image, text, at, color, _face(), max(1, round(size)), weight, 0, (0, 1_000_000))
    else:
        cv2.putText(image, _ascii(text), at, _PLAIN, size / 30, color, _stroke(size, weight), cv2.LINE_AA)


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, weight: int = 400) -> float:
    """Width of one line in pixels, from its start to where the next letter would go."""
    if not text:
        return 0.0
    if HAS_TRUETYPE:
        # a trailing stop makes blanks at the ends count
        args = (_face(), max(1, round(size)), weight, 0, (0, 1_000_000))
        with_stop = cv2.getTextSize((0, 0), f".{text}.", (0, 0), *args)
        stops = cv2.getTextSize((0, 0), "..", (0, 0), *args)
        return float(with_stop[2] - stops[2])
    width, _ = cv2.getTextSize(_ascii(text), _PLAIN, size / 30, _stroke(size, weight))[0]
    return float(width)


def _stroke(size: float, weight: int) -> int:
    return max(1, round(size / 22 * (1.5 if weight >= 600 else 1.0)))


@lru_cache(maxsize=1024)
def elide(text: str, width: float, size: float, weight: int = 400) -> str:
    """The text if it fits, else its beginning with an ellipsis."""
    if text_width(text, size, weight) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size, weight) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip(" ,.·") + "…" if low else ""


@lru_cache(maxsize=1024)
def broken(text: str, width: float, size: int, weight: int) -> tuple[tuple[str, ...], bool]:
    """The text in lines, and whether each of them fits the width (a long word may not)."""
    out: list[str] = []
    line, taken, fits = "", 0.0, True
    blank = text_width("a b", size, weight) - text_width("ab", size, weight)
    for word in text.split():
        needed = text_width(word, size, weight) + 1  # a pixel for rounding
        if line and taken + blank + needed > width:
            out.append(line)
            line, taken = "", 0.0
        taken += needed + (blank if line else 0)
        line = f"{line} {word}".strip()
        fits = fits and taken <= width
    return ((*out, line) if line else tuple(out)), fits


def wrap(text: str, width: float, size: float, weight: int, lines: int) -> tuple[str, ...]:
    """The text in at most `lines` lines that fit; what does not fit is elided."""
    rows, _ = broken(text, width, round(size), weight)
    if len(rows) > lines:
        rows = (*rows[: lines - 1], " ".join(rows[lines - 1 :]))
    return tuple(elide(row, width, size, weight) for row in rows)
