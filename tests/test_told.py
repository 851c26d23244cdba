"""English sentences that are told again in another language, and whether the page needs its words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import formcheck
from formcheck.words import retold, said_of, say, speaking

PACKAGE = Path(formcheck.__file__).parent
#: Groups of which the page asks by a name that it is given: ``say(`keys.${name}`)``.
BY_NAME = re.compile(r"`([a-z_.]+)\$\{|f\"review\.([a-z_.]+)\{")


def source() -> str:
    """All code as one text, with strings that go on in the next line put together."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(PACKAGE.rglob("*.py")))
    return re.sub(r"\"\s*\n\s*f?\"", "", text)


@pytest.fixture(scope="module")
def code() -> str:
    return source()


def test_what_is_told_again_is_what_the_program_says(code: str) -> None:
    lost = []
    for key, sentence in said_of("told.", "en").items():
        longest = max(re.split(r"\{\w+\}", sentence), key=len)
        if longest.strip()[:45] not in code:
            lost.append(key)
    assert not lost


def test_a_sentence_keeps_what_changes_in_it() -> None:
    sentence = "A second person was in view all the time; the one lying on the mat was followed."
    assert retold(sentence) == sentence
    with speaking("de"):
        assert retold(sentence) == (
            "Eine zweite Person war im Bild, die ganze Zeit; "
            "verfolgt wurde die Person, die auf der Matte liegt."
        )
        assert retold("In 14 frames the skeleton jumped to something else and was not used.").startswith(
            "In 14 Bildern"
        )
        assert retold("Nobody has ever said this.") == "Nobody has ever said this."


def test_every_sentence_of_the_page_is_asked_for() -> None:
    pages = [*(PACKAGE / "review").rglob("*.js"), *(PACKAGE / "review").rglob("*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in pages)
    groups = tuple({a or b for a, b in BY_NAME.findall(text)})
    unused = []
    for key in said_of("review.", "en"):
        forms = {key, key.removesuffix("_one").removesuffix("_many")}
        asked = any(f'"{form}"' in text or f"review.{form}" in text for form in forms)
        if not asked and not key.startswith(groups):
            unused.append(key)
    assert not unused


def test_the_page_asks_for_no_words_that_there_are_not() -> None:
    known = {*said_of("review.", "en"), "point"}
    known |= {f"{kind}.{key}" for kind in ("class", "side") for key in said_of(f"findings.{kind}.", "en")}
    known |= {f"count.{key}" for key in said_of("format.count.", "en")}
    for file in sorted((PACKAGE / "review" / "static").glob("*.js")):
        for name, key in re.findall(r'\b(say|count)\("([a-z_0-9.]+)"', file.read_text(encoding="utf-8")):
            for whole in [key] if name == "say" else [f"{key}_one", f"{key}_many"]:
                assert whole in known, f"{file.name}: {whole}"


def test_a_language_says_which_it_is() -> None:
    assert say("review.this_language") == "English"
    with speaking("de"):
        assert say("review.this_language") == "Deutsch"


def test_trouble_that_a_session_told_in_one_language_is_told_in_the_one_of_now() -> None:
    with speaking("de"):
        told = say("page.notice.too_slow")
        assert retold(say("page.notice.too_slow")) == told
    assert retold(told) == say("page.notice.too_slow")
    with speaking("de"):
        assert retold(say("page.notice.too_slow")) == told
