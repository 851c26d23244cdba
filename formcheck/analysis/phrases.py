"""Numbers, lists and titles in words, the same wherever they are read."""

from __future__ import annotations

import math
import textwrap

from formcheck.words import said_of, say

#: Units that are shares: shown in percent, with words after it.
_SHARES = ("of prescribed", "of default", "of target", "of range", "of resting distance")
#: Units that a number carries itself, or that say nothing.
_UNTOLD = ("deg", "ratio", "")


#: Digits after the point of a value, by unit; of others two.
_DIGITS = {"deg": 0, "s": 1, "%": 0, "peaks": 0} | dict.fromkeys(_SHARES, 0)


def number(value: float | None, unit: str, finer: int = 0) -> tuple[str, str]:
    """A value and its unit as shown, e.g. ``("37°", "")``, ``("0.41", "thigh lengths")``.

    Args:
        value: None where it is not known.
        unit: of the value.
        finer: so many more digits than usual.
    """
    if value is None or not math.isfinite(value):
        return "–", ""
    text = _signed(100 * value if is_share(unit) else value, _DIGITS.get(unit, 2) + finer)
    if unit == "deg":
        return f"{text}°", ""
    if is_share(unit):
        return f"{text} %", unit_word(unit)
    if unit in ("s", "%"):
        return f"{text} {unit}", ""
    return text, "" if unit == "ratio" else unit_word(unit)


def unit_word(unit: str) -> str:
    """A unit as it is read; one that has no word of its own as it is."""
    return said_of("format.unit.").get(unit.replace(" ", "_"), unit)


def is_share(unit: str) -> bool:
    """Whether values in this unit, 0 to 1 and more, are shown in percent."""
    return unit in _SHARES


def as_shown(value: float, unit: str, finer: int = 0) -> float:
    """What a reader takes from `number`, in the value's own unit."""
    whole = 100 if is_share(unit) else 1
    return round(whole * value, _DIGITS.get(unit, 2) + finer) / whole


def value_text(value: float | None, unit: str, finer: int = 0) -> str:
    """A value with its unit in one string."""
    return " ".join(part for part in number(value, unit, finer) if part)


def _signed(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    shown = "0" + text[2:] if text.strip("-0.") == "" and text.startswith("-") else text.replace("-", "−")
    return pointed(shown)


def pointed(digits: str) -> str:
    """Digits with the point of the language that is spoken: ``1.5``, ``1,5``."""
    return digits.replace(".", say("format.point"))


def told_unit(unit: str) -> str:
    """The unit where it has to be told beside the numbers; "" where they carry it."""
    return "" if unit in _UNTOLD else unit_word(unit)


def unit_after(title: str, unit: str) -> str:
    """A heading with its unit, where the numbers under it do not carry it: ``Feet apart, trunk lengths``."""
    return f"{title}, {told_unit(unit)}" if told_unit(unit) else title


def percent(share: float) -> str:
    """A share, 0 to 1, in percent; never rounded up to all or down to nothing."""
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return say("format.nearly_all")
    return say("format.nearly_none") if whole == 0 and share > 0 else f"{whole} %"


def short_title(title: str) -> str:
    """A measure's title without its explanation in brackets or after a comma."""
    return title.split(" (")[0].split(", ")[0]


def in_sentence(title: str) -> str:
    """A title as it stands within a sentence."""
    return title[:1].lower() + title[1:] if say("format.titles") == "lower" else title


def as_sentence(text: str) -> str:
    """Words with a capital at their beginning and a full stop at their end."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def listing(items: list[str], most: int = 99) -> str:
    """``a, b and c``; beyond `most` items, ``a, b and 3 more``."""
    if len(items) > most:
        items = [*items[:most], say("format.more", n=len(items) - most)]
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {say('format.and')} {items[-1]}"


def times(count: int, what: str) -> str:
    """``1 repetition``, ``3 repetitions``; `what` is a key under ``format.count``."""
    return plural(f"format.count.{what}", count)


def plural(key: str, count: int, **values: object) -> str:
    """The sentence of a key for one or for many, which end in ``_one`` and ``_many``; ``{n}`` is how many."""
    return say(f"{key}_{'one' if count == 1 else 'many'}", n=count, **values)


def in_lines(text: str, letters: int) -> list[str]:
    """Words in lines of about equal length, none longer than `letters` unless one word is."""
    count = -(-len(text) // letters)
    if count < 2:
        return [text]
    even = max(len(text) // count + 2, max(map(len, text.split()), default=1))
    lines = textwrap.wrap(text, min(even, letters), break_long_words=False, break_on_hyphens=False)
    return lines or [text]
