"""The one error that reaches a person: a sentence that says what is wrong and what to do."""

from __future__ import annotations

import os
import re

#: Control characters, those that turn the direction of writing (a name with them looks like another), and
#: halves of characters, which nothing can write.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


_MOST = 5000  # the longest path there is, and a sentence around it


class FormcheckError(Exception):
    """Something the person at the keyboard can put right.

    The message is one plain sentence, shown as it stands on standard error; the command line turns it
    into exit status 2. Programming mistakes are never wrapped in it. Whatever names are in it, it can be
    shown and written: see `printable`.
    """

    def __init__(self, sentence: str = "") -> None:
        super().__init__(printable(sentence, _MOST))


def printable(text: str, most: int = 300) -> str:
    r"""Text from elsewhere as it may be shown and stored, the name of a file above all.

    Control characters, those that turn the direction of writing, and bytes that are no characters are
    spelled out (``Br\xfccke.mp4``, ``\x1b``, ``\u202e``): two different names stay different.

    Args:
        text: anything.
        most: what is longer is cut off, characters.
    """
    text = _UNPRINTABLE.sub(_spelled_out, text)
    return text if len(text) <= most else text[: most - 1] + "…"


def what_the_system_says(error: Exception) -> str:
    """A sentence on an `OSError`, `UnicodeError` or `MemoryError` that nobody has a better one for."""
    if isinstance(error, MemoryError):
        return "There is not enough memory: close other programs, or take a smaller video."
    if isinstance(error, OSError):
        where = f" to use {error.filename}" if error.filename else ""
        return (
            f"The computer refused{where} ({error.strerror or error}): "
            "see that the disk is there, not full, and yours to use."
        )
    return f"A name or a text is not readable ({error}): rename the file, or save the text as UTF-8."


def shown(path: str | os.PathLike[str]) -> str:
    """A whole path as `printable` text."""
    return printable(os.fspath(path), _MOST)


def _spelled_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte of a name that it cannot decode
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
