"""Exercise definitions: complete, checked, explained when wrong, and changed only where asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from formcheck.errors import FormcheckError
from formcheck.exercises import definition as definition_module
from formcheck.exercises.definition import EXERCISES, Definition, load_definition
from formcheck.measures.places import PLACES

# Specification, section 13: one name everywhere.
CLAM_MEASURES = [
    "knee_lift", "opening_deg", "hip_opening_deg", "hip_rotation_deg", "pelvic_roll_deg", "trunk_roll_deg",
    "hip_hike_deg", "pelvic_share", "feet_apart", "knee_slide", "top_knee_offset", "hip_line_deg",
]  # fmt: skip
BRIDGE_MEASURES = [
    "hip_angle_deg", "line_gap", "pelvic_height", "knee_flexion_deg", "trunk_lift_deg", "pelvic_drop_deg",
    "knee_separation", "shank_lean_left_deg", "shank_lean_right_deg", "weight_shift", "foot_pitch_deg",
    "head_lift", "thigh_parallel_deg",
]  # fmt: skip
CLAM_FAULTS = {
    "pelvis_rolls_back": "CF1", "pelvis_moves": "CF1b", "pelvis_rolls_forward": "CF2",
    "trunk_rotates": "CF3", "feet_separate": "CF4", "knees_slide_up": "CF5a", "hips_straighten": "CF5b",
    "hip_hikes": "CF6", "top_knee_drifts": "CF7", "range_small": "CF8", "range_forced": "CF9",
    "lowering_fast": "CF10", "opening_fast": "CF11", "hold_short": "CF12", "return_incomplete": "CF13",
    "jerky": "CF14",
}  # fmt: skip
BRIDGE_FAULTS = {
    "hip_not_extended": "BF1", "over_extended": "BF2", "pelvis_drops": "BF3", "pelvis_twists": "BF4",
    "knees_fall_in": "BF5", "knees_fall_out": "BF6", "feet_too_far": "BF7a", "feet_too_near": "BF7b",
    "heel_lifts": "BF8", "toes_lift": "BF8t", "weight_shifts": "BF9", "uneven_rise": "BF10",
    "lowering_fast": "BF11", "rising_fast": "BF11", "hold_short": "BF12", "hold_sags": "BF13",
    "head_lifts": "BF14", "return_incomplete": "BF15", "free_thigh_drops": "BF16", "march_drops": "BF17",
}  # fmt: skip
#: What is believed in one direction only, M-B17 as a length for the march, and where shoulders and feet are:
#: the specification gives them no names.
UNNAMED = {"foot_lift", "knees_nearer", "pelvic_roll_at_least_deg", *PLACES}
#: Faults of our own that no view tells.
NOT_SPECIFIED = {"feet_turn_out"}
VIEWS = {
    "clam": ["front", "oblique", "feet", "head", "back"],
    "bridge": ["side", "feet", "head", "oblique"],
    "single-leg-bridge": ["side", "feet", "head", "oblique"],
}
MEASURES = {"clam": CLAM_MEASURES, "bridge": BRIDGE_MEASURES, "single-leg-bridge": BRIDGE_MEASURES}
FAULTS = {"clam": CLAM_FAULTS, "bridge": BRIDGE_FAULTS, "single-leg-bridge": BRIDGE_FAULTS}


@pytest.fixture
def overrides(tmp_path):
    """Writes a patient's own numbers and returns the file."""

    def write(text: str) -> Path:
        file = tmp_path / "own.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


# --- complete -------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", VIEWS)
def test_names_are_those_of_the_specification_and_all_are_there(exercise):
    definition = load_definition(exercise)
    assert definition.name == exercise
    assert set(definition.views) == set(VIEWS[exercise])
    assert set(definition.measures) - UNNAMED == set(MEASURES[exercise])
    assert {name: f.id for name, f in definition.faults.items() if name not in NOT_SPECIFIED} == FAULTS[
        exercise
    ]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_threshold_has_a_source_and_every_rule_a_meaning(exercise):
    definition = load_definition(exercise)
    for name, fault in definition.faults.items():
        # Exercises the specification does not have name their evidence label (spec 0.1) instead.
        own = exercise not in VIEWS or name in NOT_SPECIFIED
        assert fault.source.startswith("spec 5.") or (own and "[" in fault.source), name
        assert fault.wording, name
        assert fault.title, name
        assert fault.best_view is None or fault.best_view in definition.views, name
        for rule in fault.rules:
            assert rule.measures, name
            worse = list(rule.grades) if rule.kind not in ("duration", "range") else list(rule.grades)[::-1]
            assert worse == sorted(set(worse)), f"{name}: grades go from mild to marked"
            assert rule.kind != "duration" or rule.phase is not None, name
            assert rule.kind not in ("hold", "rest") or rule.reference is not None, name
            assert rule.kind not in ("above", "below", "either") or rule.minimum_s > 0, name
            assert rule.with_fault is None or rule.with_fault in definition.faults, name
            for view in rule.views or []:
                assert view in definition.views, name


@pytest.mark.parametrize("exercise", EXERCISES)
def test_cues_are_short_enough_to_say(exercise):
    for name, fault in load_definition(exercise).faults.items():
        assert fault.cue is None or 0 < len(fault.cue.split()) <= 6, name


@pytest.mark.parametrize("exercise", EXERCISES)
def test_shipped_exercises_are_found_from_their_files(exercise):
    file = Path(definition_module.__file__).parent / f"{exercise.replace('-', '_')}.toml"
    assert file.exists()
    assert load_definition(exercise).name == exercise
    assert len(EXERCISES) == len(list(file.parent.glob("*.toml")))


@pytest.mark.parametrize("exercise", EXERCISES)
def test_levels_of_counting_are_in_order(exercise):
    c = load_definition(exercise).counting
    assert 0 < c.onset_level < c.rest_level <= c.aborted_level < c.partial_level < c.full_level <= 1
    assert c.start_level <= c.rest_level + 1e-9
    assert c.lost_after_s < c.lost_end_s
    assert c.minimum_phase_s < c.minimum_rep_s < c.maximum_rep_s


def test_a_single_leg_bridge_is_a_bridge_with_a_side():
    bridge, single = load_definition("bridge"), load_definition("single-leg-bridge")
    assert not bridge.has_side
    assert single.has_side
    # The free foot goes where it likes, but not towards the head.
    freely = {"stays": bridge.counting.stays | {"feet": 0, "knees": 0}}
    assert single.counting == bridge.counting.model_copy(
        update={**freely, "to_head": {"knees": 1.0}, "to_feet": {"knees": 0.3}}
    )
    assert single.faults["hip_not_extended"] == bridge.faults["hip_not_extended"]
    # Spec 5.2 BF3: wider grades on one leg.
    one, two = single.faults["pelvis_drops"].rules[0], bridge.faults["pelvis_drops"].rules[0]
    assert one.grades[0] == two.grades[0]
    assert one.grades[1:] > two.grades[1:]
    assert single.faults["pelvis_drops"].cue == bridge.faults["pelvis_drops"].cue


@pytest.mark.parametrize("exercise", EXERCISES)
def test_no_tempo_is_asked_for_without_a_prescription(exercise):
    tempo = load_definition(exercise).tempo
    # A stretch is held, whoever does it; nothing else has a time of its own.
    assert tempo.model_dump(exclude_none=True) == ({"hold_s": 20.0} if exercise.endswith("-stretch") else {})


@pytest.mark.parametrize("exercise", EXERCISES)
def test_what_must_stay_in_its_place_can_be_measured_and_no_repetition_is_too_large(exercise):
    definition = load_definition(exercise)
    counting = definition.counting
    for part in counting.stays:
        for way in ("along", "up"):
            assert definition.measures[f"{part}_{way}"].unit == definition.measures[counting.signal].unit
    assert counting.minimum_range < counting.typical_range < counting.maximum_range


@pytest.mark.parametrize("exercise", EXERCISES)
def test_every_view_that_counts_has_an_error_of_its_times(exercise):
    definition = load_definition(exercise)
    counts = set(definition.measures[definition.counting.signal].views)
    assert counts <= set(definition.gates.timing_error_s)


# --- of earlier versions --------------------------------------------------------------------------


def of_an_earlier_version(exercise):
    """A definition as earlier sessions stored it: without places, limits and errors by view."""
    content = load_definition(exercise).model_dump(mode="json")
    content["tempo"] = {"rise_s": 2.0, "hold_s": None, "lower_s": 2.0}
    content["gates"] |= {"timing_error_s": 0.25, "timing_error_low_s": 0.5}
    for name in ("maximum_range", "stays", "stays_least"):
        del content["counting"][name]
    content["measures"] = {k: v for k, v in content["measures"].items() if k not in PLACES}
    return content


@pytest.mark.parametrize("exercise", EXERCISES)
def test_definitions_of_earlier_sessions_are_read(exercise):
    old = Definition.model_validate(of_an_earlier_version(exercise))
    assert old.tempo.rise_s == 2.0
    assert old.counting.stays == {}
    assert old.counting.maximum_range is None
    signal = old.measures[old.counting.signal].views
    assert old.gates.timing_error_s == {v: 0.25 if signal.get(v) == "ok" else 0.5 for v in old.views}
    assert Definition.model_validate_json(old.model_dump_json()) == old


@pytest.mark.parametrize(
    ("text", "side", "feet"),
    [
        ("timing_error_s = 0.4", 0.4, 0.4),
        ("timing_error_low_s = 0.8", None, 0.8),
        ("timing_error_s = 0.1\ntiming_error_low_s = 0.6", 0.1, 0.6),
    ],
)
def test_own_numbers_of_earlier_versions_are_read(overrides, text, side, feet):
    errors = load_definition("bridge", overrides(f"[gates]\n{text}\n")).gates.timing_error_s
    assert errors["feet"] == feet
    assert errors["side"] == (side or load_definition("bridge").gates.timing_error_s["side"])


# --- overrides ------------------------------------------------------------------------------------


def test_overrides_change_only_what_they_name(overrides):
    plain = load_definition("bridge")
    own = load_definition("bridge", overrides("[tempo]\nhold_s = 5.0\n[faults.head_lifts]\ncue = 'Rest'\n"))
    assert own.tempo.hold_s == 5.0
    assert own.faults["head_lifts"].cue == "Rest"
    before, after = plain.model_dump(), own.model_dump()
    before["tempo"]["hold_s"], before["faults"]["head_lifts"]["cue"] = 5.0, "Rest"
    assert after == before
    assert load_definition("bridge") == plain


def test_overrides_of_rules_replace_them(overrides):
    text = """
    [[faults.over_extended.rules]]
    kind = "hold"
    measures = ["hip_angle_deg"]
    reference = 180
    sign = -1
    grades = [15, 20, 30]
    """
    own = load_definition("bridge", overrides(text))
    assert own.faults["over_extended"].rules[0].grades == (15, 20, 30)
    assert own.faults["over_extended"].title == load_definition("bridge").faults["over_extended"].title


def test_overrides_reach_an_exercise_built_on_another(overrides):
    own = load_definition("single-leg-bridge", overrides("[tempo]\nrise_s = 3.0\n"))
    assert own.tempo.rise_s == 3.0
    assert own.has_side


def test_an_empty_override_changes_nothing(overrides):
    assert load_definition("clam", overrides("")) == load_definition("clam")


# --- what is wrong is said ------------------------------------------------------------------------


def refused(exercise: str, file: Path | None = None) -> str:
    """The message of the error, which must be one sentence."""
    with pytest.raises(FormcheckError) as caught:
        load_definition(exercise, file)
    message = str(caught.value)
    assert "\n" not in message
    assert message[-1] in ".?"
    return message


@pytest.mark.parametrize(
    ("text", "wrong", "right"),
    [
        ("[tempo]\nriser_s = 2.0\n", "tempo.riser_s", "rise_s"),
        ("[counting]\nfull_levle = 0.8\n", "counting.full_levle", "full_level"),
        ("[gates]\nvisibility_okay = 0.5\n", "gates.visibility_okay", "visibility_ok"),
        ("[faults.head_lifts]\ncues = 'Rest'\n", "faults.head_lifts.cues", "cue"),
        ("[measures.head_lift]\nunits = 'm'\n", "measures.head_lift.units", "unit"),
        ("tempos = 3\n", "tempos", "tempo"),
        (
            "[faults.head_lifts]\nrules = [{ kind = 'above', measures = ['head_lift'], grades = [1, 2, 3], "
            "minimums_s = 1 }]\n",
            "minimums_s",
            "minimum_s",
        ),
    ],
)
def test_an_unknown_key_suggests_the_right_one(overrides, text, wrong, right):
    file = overrides(text)
    message = refused("bridge", file)
    assert wrong in message
    assert f"did you mean '{right}'?" in message
    assert str(file) in message


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("[faults.pelvis_drop]\ncue = 'Level'\n", "pelvis_drops"),
        ("[measures.knee_seperation]\ntitle = 'Knees'\n", "knee_separation"),
        ("[views.sides]\nsetup = 'There'\n", "side"),
    ],
)
def test_an_unknown_fault_or_measure_suggests_the_right_one(overrides, text, right):
    assert f"did you mean '{right}'?" in refused("bridge", overrides(text))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[tempo]\nrise_s = 0\n", "tempo.rise_s"),
        ("[tempo]\nlower_s = -1\n", "tempo.lower_s"),
        ("[tempo]\nhold_s = 'long'\n", "tempo.hold_s"),
        ("[gates]\nvisibility_ok = 1.5\n", "gates.visibility_ok"),
        ("[gates]\nnoise_nm_factor = 0.5\n", "gates.noise_nm_factor"),
        ("[gates]\ntiming_error_s = 'long'\n", "gates.timing_error_s"),
        ("[counting]\nminimum_range = 0\n", "counting.minimum_range"),
        ("[measures.head_lift.views]\nside = 'maybe'\n", "measures.head_lift.views.side"),
        (
            "[[faults.head_lifts.rules]]\nkind = 'sometimes'\nmeasures = ['head_lift']\ngrades = [1, 2, 3]\n",
            "faults.head_lifts.rules.0.kind",
        ),
        (
            "[faults.head_lifts]\nrules = [{ kind = 'above', measures = ['head_lift'], grades = [1, 2] }]\n",
            "faults.head_lifts.rules.0.grades",
        ),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_place(overrides, text, where):
    assert where in refused("bridge", overrides(text))


@pytest.mark.parametrize(
    ("text", "less", "more"),
    [
        ("[gates]\nvisibility_low = 0.6\n", "gates.visibility_low", "gates.visibility_ok"),
        ("[counting]\nfull_level = 0.2\n", "counting.partial_level", "counting.full_level"),
        ("[counting]\nrest_level = 0.9\n", "counting.rest_level", "counting.aborted_level"),
        ("[counting]\nminimum_rep_s = 99\n", "counting.minimum_rep_s", "counting.maximum_rep_s"),
        ("[counting]\nlost_end_s = 0.01\n", "counting.lost_after_s", "counting.lost_end_s"),
    ],
)
def test_levels_out_of_order_are_refused(overrides, text, less, more):
    file = overrides(text)
    wanted = f"The exercise definition in {file} is not valid: {less} must not be more than {more}."
    assert refused("bridge", file) == wanted


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[measures.head_lift.views]\nceiling = 'ok'\n", "ceiling"),
        (
            "[[faults.head_lifts.rules]]\nkind = 'above'\nmeasures = ['neck_lift']\ngrades = [1, 2, 3]\n",
            "neck_lift",
        ),
        ("[counting]\nsignal = 'height'\n", "height"),
    ],
)
def test_names_that_point_nowhere_are_refused(overrides, text, name):
    assert name in refused("bridge", overrides(text))


@pytest.mark.parametrize(
    "rule",
    [
        "kind = 'forced', measures = ['knee_lift'], with_fault = 'pelvis_rolls', grades = [1.1, 1.2, 1.3]",
        "kind = 'above', measures = ['knee_lift'], views = ['fronts'], grades = [1, 2, 3]",
        "kind = 'above', measures = ['knee_lift'], grades = [3, 2, 1]",
        "kind = 'hold', grades = [1, 2, 3], reference = 1",
    ],
)
def test_rules_that_cannot_be_judged_are_refused(overrides, rule):
    refused("clam", overrides(f"[faults.range_forced]\nrules = [{{ {rule} }}]\n"))


@pytest.mark.parametrize("text", ["[tempo\nrise_s = 2", "rise_s = = 2", "[tempo]\nrise_s = 2\nrise_s = 3\n"])
def test_broken_toml(overrides, text):
    file = overrides(text)
    message = refused("bridge", file)
    assert "TOML" in message
    assert str(file) in message


def test_a_file_that_is_not_text(tmp_path):
    file = tmp_path / "own.toml"
    file.write_bytes(b"\xff\xfe\x00broken")
    assert "TOML" in refused("bridge", file)


def test_a_missing_file_and_a_folder(tmp_path):
    assert "cannot be read" in refused("bridge", tmp_path / "none.toml")
    assert "cannot be read" in refused("bridge", tmp_path)


@pytest.mark.parametrize(("asked", "meant"), [("clams", "clam"), ("single_leg_bridge", "single-leg-bridge")])
def test_an_unknown_exercise_suggests_the_nearest(asked, meant):
    assert f"did you mean '{meant}'?" in refused(asked)


def test_an_exercise_like_no_other_lists_all():
    message = refused("xyzzy")
    for exercise in EXERCISES:
        assert exercise in message


@pytest.mark.parametrize("name", ["../clam", "clam.toml", "", "CLAM", "definition"])
def test_nothing_but_an_exercise_is_opened(name):
    refused(name)


# --- identity -------------------------------------------------------------------------------------


def test_the_hash_names_the_content_and_not_the_layout(overrides):
    plain = load_definition("bridge").sha256
    least = load_definition("bridge").counting.minimum_range
    assert len(plain) == 64
    same = overrides(f"# a note\n\n[counting]\nminimum_range   = {least}\n")
    assert load_definition("bridge", same).sha256 == plain
    assert load_definition("bridge", overrides("[tempo]\nrise_s = 2.0\n")).sha256 != plain
    assert len({load_definition(e).sha256 for e in EXERCISES}) == len(EXERCISES)


def test_the_hash_is_the_same_in_another_process():
    code = "from formcheck.exercises.definition import load_definition as l; print(l('clam').sha256)"
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert hashes == {load_definition("clam").sha256}


def test_a_definition_cannot_be_changed_by_accident():
    definition = load_definition("clam")
    with pytest.raises(ValueError, match="frozen"):
        definition.tempo.rise_s = 9.0


def test_only_rules_on_a_measures_course_may_ask_what_another_measure_is(overrides):
    rule = (
        "[faults.over_extended]\nrules = [{{ kind = '{}', measures = ['hip_angle_deg'], reference = 180.0, "
        "minimum_s = 0.4, grades = [1, 2, 3], while_above = {{ measure = '{}', value = 1.0 }} }}]\n"
    )
    load_definition("bridge", overrides(rule.format("above", "head_lift")))
    assert "cannot ask" in refused("bridge", overrides(rule.format("hold", "head_lift")))
    assert "unknown measure 'head_lifted'" in refused(
        "bridge", overrides(rule.format("above", "head_lifted"))
    )


def test_what_adds_to_a_reading_is_a_known_measure(overrides):
    change = "[measures.knee_lift.lying]\nplus = {{ {} = 0.4 }}\n"
    load_definition("clam", overrides(change.format("feet_apart")))
    assert "unknown measure 'feet'" in refused("clam", overrides(change.format("feet")))


def test_a_rule_on_both_legs_looks_at_the_one_that_works_only():
    single = load_definition("single-leg-bridge")
    (rule,) = single.faults["knees_fall_out"].rules
    assert rule.measures_of("left") == ["shank_lean_left_deg"]
    assert rule.measures_of("right") == ["shank_lean_right_deg"]
    assert rule.measures_of(None) == ["shank_lean_left_deg", "shank_lean_right_deg"]
    clam = load_definition("clam")
    assert all(r.measures_of("left") == r.measures for f in clam.faults.values() for r in f.rules)
