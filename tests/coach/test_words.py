"""The words patients read and hear: complete in every language, short, and never a diagnosis."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from formcheck.coach.explain import how_it_is_done
from formcheck.exercises.definition import EXERCISES, load_definition
from formcheck.words import DEFAULT, Words, languages, said_of, translated

OTHERS = [language for language in languages() if language != DEFAULT]
#: Spec 7.7, word for word.
DISCLAIMER = (
    "formcheck is practice and review software. It estimates movement from a camera, can be wrong, and is "
    "not a medical device. It does not diagnose, treat or monitor any condition and must not be used to "
    "decide treatment. Follow your clinician's advice. In an emergency call your local emergency number."
)


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_there_is_english_and_another_language() -> None:
    assert DEFAULT in languages()
    assert "de" in OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_a_shipped_language_has_every_sentence_with_the_same_placeholders(language: str) -> None:
    english, other = Words(), Words(language)
    assert other.keys() == english.keys()
    for key in english.keys():  # noqa: SIM118
        same = placeholders(other(key)) == placeholders(english(key))
        # what is told again may leave out a part that has no translation
        left_out = key.startswith("told.") and placeholders(other(key)) < placeholders(english(key))
        assert same or left_out, key


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_shipped_language_has_every_exercise_in_full(language: str, exercise: str) -> None:
    english = load_definition(exercise)
    other = translated(english, language)
    assert other.title != english.title
    for name, view in english.views.items():
        assert other.views[name].title != view.title, name
        assert other.views[name].setup != view.setup, name
    for name, fault in english.faults.items():
        assert other.faults[name].title != fault.title, name
        assert (other.faults[name].cue is None) == (fault.cue is None), name
        if fault.cue is not None:
            assert other.faults[name].cue != fault.cue, name
        assert other.faults[name].rules == fault.rules  # what is measured stays as it is


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("exercise", EXERCISES)
def test_what_a_session_keeps_in_the_patients_language_is_told_in_english_again(
    language: str, exercise: str
) -> None:
    english = load_definition(exercise)
    assert translated(translated(english, language), DEFAULT) == english
    assert translated(english, DEFAULT) is english


def test_what_a_physio_wrote_stays_as_it_is() -> None:
    kept = translated(load_definition("clam"), "de")
    faults = dict(kept.faults)
    faults["feet_separate"] = faults["feet_separate"].model_copy(update={"cue": "Fersen an Fersen"})
    again = translated(kept.model_copy(update={"faults": faults}), DEFAULT)
    assert again.faults["feet_separate"].cue == "Fersen an Fersen"
    assert again.faults["feet_separate"].title == load_definition("clam").faults["feet_separate"].title


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("exercise", EXERCISES)
def test_a_cue_is_six_words_at_most(language: str, exercise: str) -> None:
    cues = [f.cue for f in translated(load_definition(exercise), language).faults.values() if f.cue]
    assert len(cues) > 5
    for cue in cues:
        assert len(cue.split()) <= 6, cue
        assert not any(letter.isdigit() for letter in cue), cue


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("exercise", EXERCISES)
def test_how_an_exercise_is_done_is_told_in_three_short_sentences(language: str, exercise: str) -> None:
    words = Words(language)
    lines = [words(key) for key in how_it_is_done(words, exercise)]
    assert len(lines) == 3
    for line in lines:
        assert len(line.split()) <= 20, line


def test_the_disclaimer_is_shown_word_for_word() -> None:
    assert DISCLAIMER in Words().under("page.safety.line_")


@pytest.mark.parametrize("language", languages())
def test_what_the_drawing_adds_itself_is_there(language: str) -> None:
    say = Words(language)
    for phase in said_of("findings.phase."):
        assert 1 <= len(say(f"page.phase.{phase}")) <= 20
    for kind in ("video", "skeleton"):
        assert say(f"page.recording.{kind}")
    assert "7" in say("page.count_of", of=7)
    assert "knees" in say("page.unseen", faults="knees")


@pytest.mark.parametrize("language", languages())
def test_pages_claim_no_more_than_practice(language: str) -> None:
    say = Words(language)
    claims = re.compile(r"diagnos|measur|monitor|detect|heal|cure|überwach|mess(en|ung)|heil", re.IGNORECASE)
    disclaimers = {say("page.safety.line_20")}
    for key in say.keys():  # noqa: SIM118
        if key.startswith("page.") and say(key) not in disclaimers:
            assert not claims.search(say(key)), key
        assert "—" not in say(key), key


def test_the_safety_lines_come_in_their_order() -> None:
    lines = Words().under("page.safety.line_")
    assert lines[0].startswith("Only do exercises")
    assert lines.index(DISCLAIMER) == len(lines) - 2
    assert len(lines) == 21
