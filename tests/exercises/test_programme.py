"""Programme files: what they ask for, step by step, and one sentence for every wrong entry."""

from __future__ import annotations

from pathlib import Path

import pytest

from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.exercises.prescription import Prescription, load_prescription, prescribe, to_toml
from formcheck.exercises.programme import WEEKDAYS, load_programme, programme_toml, read_programme

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
EXAMPLE = EXAMPLES / "hips.formcheck"
CLAM = 'name = "x"\n[[exercises]]\nexercise = "clam"\nsides = ["left", "right"]\n'
BRIDGE = 'name = "x"\n[[exercises]]\nexercise = "bridge"\n'
STRETCH = CLAM.replace("clam", "hamstring-stretch")
LADDER = "\n[[exercises.ladder]]\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "p.formcheck"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_the_documents_is_read() -> None:
    programme = load_programme(EXAMPLE)
    assert [e.exercise for e in programme.exercises] == ["clam", "bridge", "hamstring-stretch"]
    assert programme.exercises[0].sides == ("left", "right")
    assert [e.exercise for e in programme.on("wed")] == ["clam", "bridge"]
    assert [e.exercise for e in programme.on("fri")] == ["clam", "bridge", "hamstring-stretch"]
    assert programme.on("sun") == ()


def test_each_step_of_a_ladder_keeps_what_the_one_before_raised() -> None:
    clam, bridge, _ = load_programme(EXAMPLE).exercises
    asked = [(e.reps, e.tempo.hold_s, e.band) for e in map(clam.at, range(5))]
    assert asked == [(10, 2, False), (12, 2, False), (15, 2, False), (15, 5, False), (15, 5, True)]
    assert clam.at(99) == clam.at(4)
    harder = [(e.exercise, e.sides, e.reps, e.faults) for e in map(bridge.at, (3, 4))]
    assert harder == [(name, ("left", "right"), 8, {}) for name in ("offset-bridge", "single-leg-bridge")]
    assert bridge.at(2).faults["hip_not_extended"].grades == (20, 30, 40)


def test_an_exercise_of_a_programme_is_a_prescription(tmp_path: Path) -> None:
    for exercise in load_programme(EXAMPLE).exercises:
        for rung in range(len(exercise.ladder) + 1):
            asked = exercise.at(rung).prescription
            assert type(asked) is Prescription
            path = tmp_path / "one.toml"
            path.write_text(to_toml(asked, exercise.at(rung).definition), encoding="utf-8")
            assert load_prescription(path) == asked
    assert load_programme(EXAMPLE).exercises[0].definition.tempo.hold_s == 2


def test_own_thresholds_change_the_rules_in_the_faults_own_unit_only(tmp_path: Path) -> None:
    own = "[exercises.faults.knees_fall_in]\ngrades = [12, 16, 20]\n"
    asked = load_programme(written(tmp_path, BRIDGE + own)).exercises[0].definition.faults["knees_fall_in"]
    usual = load_programme(written(tmp_path, BRIDGE)).exercises[0].definition.faults["knees_fall_in"]
    assert [(rule.unit, rule.grades) for rule in asked.rules] == [
        (None, (12, 16, 20)),
        ("of resting distance", usual.rules[1].grades),
    ]


def test_a_range_is_asked_for_in_the_unit_that_counts(tmp_path: Path) -> None:
    asked = load_programme(written(tmp_path, STRETCH + "[exercises.target]\nrange = 70\n")).exercises[0]
    assert asked.definition.target_range == 70  # degrees
    with pytest.raises(FormcheckError, match="range is at most 3, not 70"):
        prescribe(load_definition("bridge"), Prescription(target=asked.target))


def test_what_is_left_out_is_as_usual(tmp_path: Path) -> None:
    programme = load_programme(written(tmp_path, BRIDGE))
    one = programme.exercises[0]
    assert (one.sets, one.reps, one.rest_s, one.ladder) == (3, 10, 60, ())
    assert [day for day in WEEKDAYS if programme.on(day)] == ["mon", "wed", "fri"]


def test_a_changed_exercise_is_told_from_the_one_before(tmp_path: Path) -> None:
    before = load_programme(written(tmp_path, BRIDGE)).exercises[0]
    again = load_programme(written(tmp_path, BRIDGE + "# a remark\n")).exercises[0]
    changed = load_programme(written(tmp_path, BRIDGE + "reps = 11\n")).exercises[0]
    assert before.mark == again.mark != changed.mark


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"', "'exercises' is missing"),
        ('name = "x"\nexercises = []', "it has no exercise"),
        ('name = "x"\nexercises = 3', "[[exercises]]"),
        ('name = "x"\ncolour = 3\n' + BRIDGE[11:], "unknown entry 'colour'"),
        ('name = "x"\nday = ["mon"]\n' + BRIDGE[11:], "unknown entry 'day'; did you mean 'days'?"),
        ('name = "x"\ndays = ["mo"]\n' + BRIDGE[11:], 'days is one of "mon", "tue"'),
        ('name = "x"\ndays = "mon"\n' + BRIDGE[11:], 'days is a list in brackets, not "mon"'),
        (BRIDGE + "rep = 3", "exercise 1: unknown entry 'rep'; did you mean 'reps'?"),
        (BRIDGE + "reps = 0", "exercise 1: reps is at least 1, not 0"),
        (BRIDGE + "reps = 101", "exercise 1: reps is at most 100, not 101"),
        (BRIDGE + 'reps = "ten"', 'exercise 1: reps is a whole number, not "ten"'),
        (BRIDGE + "band = 3", "exercise 1: band is true or false, not 3"),
        (BRIDGE + "tempo = 3", "exercise 1: tempo is a table, not 3"),
        (BRIDGE + "[exercises.tempo]\nhold = 3", "exercise 1, tempo: unknown entry 'hold'"),
        (BRIDGE + "[exercises.tempo]\nhold_s = 61", "exercise 1, tempo: hold_s is at most 60, not 61"),
        (BRIDGE + 'sides = ["left"]', "exercise 1: a bridge has no working side"),
        (CLAM.replace("clam", "calm"), "exercise 1: There is no exercise called 'calm'"),
        (CLAM.replace('sides = ["left", "right"]', ""), "exercise 1: a side-lying clam needs its sides"),
        (CLAM.replace('"right"', '"left"'), "exercise 1: sides names one of them twice"),
        (CLAM.replace('"right"', '"up"'), 'sides is one of "left", "right", not "up"'),
        (CLAM + 'view = "side"', "exercise 1: The side-lying clam has no view called 'side'"),
        (CLAM + 'focus_fault = "feet_apart"', "exercise 1: The prescription names a fault 'feet_apart'"),
        (BRIDGE + "[[exercises]]\nreps = 3", "exercise 2: the entry 'exercise' is missing"),
        (BRIDGE + "[[exercises.ladder]]", "exercise 1, step 1 of the ladder: it raises nothing"),
        (BRIDGE + "[[exercises.ladder]]\nreps = 12\nsets = 4", "it raises sets and reps; the load grows one"),
        (BRIDGE + "[[exercises.ladder]]\nreps = 16", "step 1 of the ladder: reps is at most 15, not 16"),
        (BRIDGE + "[[exercises.ladder]]\nreps = 10", "reps = 10 is no more than the 10 before"),
        (
            BRIDGE + "[[exercises.ladder]]\nreps = 12\n[[exercises.ladder]]\nreps = 11",
            "step 2 of the ladder: reps = 11 is no more than the 12 before",
        ),
        (BRIDGE + "[[exercises.ladder]]\nband = false", "band = false is no more than the false before"),
        (BRIDGE + '[[exercises.ladder]]\nreps = 12\nsides = ["left"]', "sides belong to a step that names"),
        (
            BRIDGE + '[[exercises.ladder]]\nexercise = "single-leg-bridge"',
            "exercise 1, step 1 of the ladder: a single-leg bridge needs its sides",
        ),
        (BRIDGE + LADDER + 'exercise = "brige"' + LADDER + "hold_s = 3", "step 1 of the ladder"),
        (BRIDGE + "[exercises.faults.head_lifts]\ngrades = [3, 2, 1]", "head_lifts: the grades must rise"),
        (BRIDGE + "[exercises.faults.hold_short]\ngrades = [1, 2, 3]", "hold_short: the grades must fall"),
        (BRIDGE + "[exercises.faults.head_lifts]\ngrades = [1, 2]", "head_lifts: grades are three numbers"),
        (BRIDGE + "[exercises.faults.head_lift]\ngrades = [1, 2, 3]", "did you mean 'head_lifts'?"),
        ('name = ""\n' + BRIDGE[11:], "name is empty"),
        (f'name = "{"x" * 81}"\n' + BRIDGE[11:], "name is longer than 80"),
        (BRIDGE + "[exercises.target]\nrange = 4", "exercise 1, target: range is at most 3, not 4"),
        (STRETCH + "[exercises.target]\nrange = 181", "exercise 1, target: range is at most 180, not 181"),
        (BRIDGE + "[climb]\npain_most = 11", "climb: pain_most is at most 10, not 11"),
        ("name = ", "is not valid TOML"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_one_sentence_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(FormcheckError) as caught:
        load_programme(path)
    said = str(caught.value)
    assert says in said
    assert str(path) in said
    assert "\n" not in said
    assert said[-1] in ".?"


def test_all_that_is_wrong_is_found_with_its_place() -> None:
    wrong = {
        "name": "x",
        "exercises": [{"exercise": "bridge", "reps": 0, "colour": 1, "ladder": [{"sets": "a"}]}],
    }
    programme, mistakes = read_programme(wrong)
    assert programme is None
    assert {(m.at, m.kind) for m in mistakes} == {
        (("exercises", 0, "reps"), "at_least"),
        (("exercises", 0, "colour"), "unknown"),
        (("exercises", 0, "ladder", 0, "sets"), "whole"),
    }


ALL = """
name = "“Hüfte” \\"1\\" \\u007f # no remark"
weeks = 104
between_s = 7.5
[climb]
full_share = 0.85
[[exercises]]
exercise = "bridge"
band = false
march = true
view = "feet"
days = []
[exercises.target]
range = 0.1234567
knee_flexion_deg = 1e2
[exercises.faults.knees_fall_in]
grades = [1e-7, 12, 13.5]
[[exercises.ladder]]
exercise = "single-leg-bridge"
sides = ["right"]
hold_s = 0.5
band = true
"""


@pytest.mark.parametrize(
    "text", [ALL, *(file.read_text("utf-8") for file in sorted(EXAMPLES.glob("*.formcheck")))]
)
def test_a_programme_that_is_written_again_asks_for_the_same(tmp_path: Path, text: str) -> None:
    before = load_programme(written(tmp_path, text))
    again = programme_toml(before)
    after = load_programme(written(tmp_path, again))
    assert after == before
    assert [e.mark for e in after.exercises] == [e.mark for e in before.exercises]  # ladders go on
    assert "rest_s" in again or "rest_s" not in text  # what was set stays set, what was not stays open
    assert programme_toml(after) == again
