"""The one error that reaches a person: a sentence that says what is wrong and what to do."""

import re

#: Control characters, those that turn the direction of writing (a name with them looks like another), and
#: halves of characters, which nothing can write.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class FormcheckError(Exception):
    """Something the person at the keyboard can put right.

    The message is one plain sentence, shown as it stands on standard error; the command line turns it
    into exit status 2. Programming mistakes are never wrapped in it.
    """


def printable(text: str, most: int = 300) -> str:
    """Text from elsewhere as it may be shown: no control characters, nothing undecodable, not endless."""
    text = _UNPRINTABLE.sub("\ufffd", text)
    return text if len(text) <= most else text[: most - 1] + "…"
