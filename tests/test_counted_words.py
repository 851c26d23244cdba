"""Sentences with a number in them: right for none, one, two and many, in every language."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from formcheck.words import languages, words_of

#: Sentences whose number is never one, by key and place, with the reason.
NEVER_ONE = {
    "findings.all_of.many": "one and two have sentences of their own",
    "findings.counted.full_many": "likewise",
    "findings.coverage": "an exercise has several possible faults",
    "findings.in_part": "said of fewer repetitions than there are, so there are two at least",
    "findings.more_pictures": "how many pictures a second are needed: 12 and more",
    "app.progress.weeks": "told from the second week on",
    "app.progress.more": "one has a sentence of its own",
    "app.kept.days": "likewise",
    "app.kept.sessions": "likewise",
    "programme.sets": "likewise",
    "programme.one_set": "likewise",
    "programme.hold": "likewise",
    "programme.next.hold": "likewise",
    "programme.today.renew": "likewise",
    "programme.ladder.what.hold_s": "likewise",
    "programme.ladder.what.reps": "a step asks for more than what was before, so for two at least",
    "programme.ladder.what.sets": "likewise",
    "report.fact.up_to": "one person has a sentence of their own",
    "report.fact.video_is": "pictures a second of a video that could be judged",
    "review.learned.from": "told from five decisions on",
    "review.learned.below": "likewise",
    "review.compare.spread_set": "told from three repetitions on",
    "review.compare.spread_session": "likewise",
    "told.jumped": "told from two pictures on",
    "told.few_frames": "pictures a second of a video in which movement was followed",
    "told.turned": "degrees: 90, 180 or 270",
    "told.nudged": "one has a sentence of its own",
    "told.unstamped": "likewise",
    "told.unstamped_one": "pictures a second, as in told.few_frames",
}
#: What may stand behind "1" though it looks like many.
ALSO_ONE = {
    "en": {
        "is",
        "was",
        "has",
        "does",
        "less",
        "this",
        "as",
        "ms",
        "minus",
        "across",
        "always",
        "its",
        "fps",
        "begins",
        "ends",
        "lies",
    },
    "de": {"Fehler", "Mal", "Schritte"},
}
MANY = {
    "en": re.compile(r"(?<![\w.,])1 (?:(?!with |over )[a-z]+ )?([a-z]+s)\b"),
    "de": re.compile(
        r"(?<![\w.,])1 (?:(?:guten|weiteren|weitere|letzten|möglichen|gezählten|geprüften) )?"
        r"((?:Wiederholungen|Tage[n]?|Wochen|Sekunden|Minuten|Sätze[n]?|Bilder[n]?|Befunde[n]?|Aufnahmen|Videos"
        r"|Sitzungen|Übungen|Hinweise|Bemerkungen|Ereignisse|Personen|Fehlern|Angaben|Schwellen|Linien|Dateien"
        r"|Programme[n]?|Stufen|Geräte[n]?|Antworten|Punkte[n]?|Schritten)\b)"
    ),
}


def said(sentence: str, number: str) -> str:
    """A sentence with a number at all its places."""
    return sentence.format(**{name: number for _, name, _, _ in Formatter().parse(sentence) if name})


def counted(language: str) -> dict[str, str]:
    words = words_of(language)
    return {key: words(key) for key in words.keys()}  # noqa: SIM118


@pytest.mark.parametrize("language", languages())
def test_one_of_something_is_never_called_many(language: str) -> None:
    wrong = {}
    for key, sentence in counted(language).items():
        if key in NEVER_ONE or key.endswith("_many"):
            continue
        found = {match[1] for match in MANY[language].finditer(said(sentence, "1"))}
        if found - ALSO_ONE[language]:
            wrong[key] = said(sentence, "1")
    assert wrong == {}


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("number", ["0", "2", "7"])
def test_none_and_several_are_not_called_one(language: str, number: str) -> None:
    sentences = counted(language)
    pairs = [key[:-4] for key in sentences if key.endswith("_one") and f"{key[:-4]}_many" in sentences]
    assert len(pairs) > 25
    for key in pairs:
        many = said(sentences[f"{key}_many"], number)
        assert not re.search(
            rf"\b{number} (?:repetition|fault|session|video|finding|exercise|set)\b", many
        ), key
        assert not re.search(rf"\b{number} (?:Wiederholung|Sitzung|Befund|Übung|Satz|Ereignis)\b", many), key


def test_no_sentence_is_let_off_that_need_not_be() -> None:
    for key in NEVER_ONE:
        assert any(MANY[language].search(said(words_of(language)(key), "1")) for language in languages()), key
