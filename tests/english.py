"""Finds English left in what should be German."""

from __future__ import annotations

import re

from formcheck.words import said_of

#: Words of nearly every English sentence and of no German one.
_ENGLISH = re.compile(
    r"\b(the|of|and|with|from|not|be|been|could|were|this|that|is|are|it|for|to|by|at|or|nothing|nobody|"
    r"repetitions?|left|right|checked|seen|side)\b",
    re.IGNORECASE,
)


def english_left(texts: list[str], but: tuple[str, ...] = ()) -> list[str]:
    """Those texts that hold English words, or are an English label whole.

    Args:
        texts: as they are read, one for each piece.
        but: texts that may hold them: file names, what a person wrote.
    """
    labels = _labels()
    left = []
    for text in texts:
        words = " ".join(text.split())
        for part in but:
            words = words.replace(part, "")
        if words in labels or _ENGLISH.search(words):
            left.append(" ".join(text.split()))
    return left


def _labels() -> set[str]:
    english, german = said_of("", "en"), said_of("", "de")
    same = set(german.values())
    return {text for text in english.values() if "{" not in text and len(text) > 3 and text not in same}
