"""Numbers, lists and titles in words, the same wherever they are read."""

from __future__ import annotations

import math
import textwrap

#: Units that are shares: shown in percent, with these words after it.
_SHARES = {
    "of prescribed": "of the prescribed time",
    "of default": "of the default time",
    "of target": "of the target",
    "of range": "of the range",
    "of resting distance": "of the resting distance",
}
#: Units that a number carries itself, or that say nothing.
_UNTOLD = ("deg", "ratio", "")


def number(value: float | None, unit: str) -> tuple[str, str]:
    """A value and its unit as shown, e.g. ``("37°", "")``, ``("0.41", "thigh lengths")``."""
    if value is None or not math.isfinite(value):
        return "–", ""
    if unit == "deg":
        return f"{_signed(value, 0)}°", ""
    if unit in _SHARES:
        return f"{_signed(100 * value, 0)} %", _SHARES[unit]
    if unit == "s":
        return f"{_signed(value, 1)} s", ""
    if unit == "%":
        return f"{_signed(value, 0)} %", ""
    if unit == "peaks":
        return _signed(value, 0), unit
    return _signed(value, 2), "" if unit == "ratio" else unit


def value_text(value: float | None, unit: str) -> str:
    """A value with its unit in one string."""
    return " ".join(part for part in number(value, unit) if part)


def _signed(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return "0" + text[2:] if text.strip("-0.") == "" and text.startswith("-") else text.replace("-", "−")


def told_unit(unit: str) -> str:
    """The unit where it has to be told beside the numbers; "" where they carry it."""
    return "" if unit in _UNTOLD else unit


def unit_after(title: str, unit: str) -> str:
    """A heading with its unit, where the numbers under it do not carry it: ``Feet apart, trunk lengths``."""
    return f"{title}, {unit}" if told_unit(unit) else title


def percent(share: float) -> str:
    """A share, 0 to 1, in percent; never rounded up to all or down to nothing."""
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return "over 99 %"
    return "under 1 %" if whole == 0 and share > 0 else f"{whole} %"


def short_title(title: str) -> str:
    """A measure's title without its explanation in brackets or after a comma."""
    return title.split(" (")[0].split(", ")[0]


def in_sentence(title: str) -> str:
    """A title as it stands within a sentence."""
    return title[:1].lower() + title[1:]


def as_sentence(text: str) -> str:
    """Words with a capital at their beginning and a full stop at their end."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def listing(items: list[str], most: int = 99) -> str:
    """``a, b and c``; beyond `most` items, ``a, b and 3 more``."""
    if len(items) > most:
        items = [*items[:most], f"{len(items) - most} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def times(count: int, word: str) -> str:
    """``1 repetition``, ``3 repetitions``."""
    return f"{count} {word}{'' if count == 1 else 's'}"


def in_lines(text: str, letters: int) -> list[str]:
    """Words in lines of about equal length, none longer than `letters` unless one word is."""
    count = -(-len(text) // letters)
    if count < 2:
        return [text]
    even = max(len(text) // count + 2, max(map(len, text.split()), default=1))
    lines = textwrap.wrap(text, min(even, letters), break_long_words=False, break_on_hyphens=False)
    return lines or [text]
