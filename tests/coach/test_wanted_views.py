"""From where the laptop is asked to look: never for the sake of a fault that cannot be seen from there."""

from __future__ import annotations

from formcheck.coach.plan import wanted_views
from formcheck.exercises.definition import load_definition


def test_a_focus_fault_chooses_a_place_from_which_it_is_judged() -> None:
    bridge = load_definition("bridge")
    assert wanted_views(bridge, None, None)[0] == "side"
    assert wanted_views(bridge, None, "knees_fall_in")[0] == "feet"
    # The head end is its best view, and even there it is too unsteady to judge.
    assert wanted_views(bridge, None, "pelvis_drops") == wanted_views(bridge, None, None)
    assert wanted_views(bridge, "head", "knees_fall_in") == ("head",)


def test_a_clam_is_asked_for_from_where_the_pelvis_is_seen_and_any_view_that_counts_will_do() -> None:
    clam = load_definition("clam")
    assert wanted_views(clam, None, None)[0] == "oblique"
    assert set(wanted_views(clam, None, None)) == set(clam.measures["knee_lift"].views)
    assert wanted_views(clam, None, "knees_slide_up")[0] == "front"  # which the corner hides
    assert wanted_views(clam, None, None, alone=False)[0] == "front"  # beside the mat, as for a bridge
    assert wanted_views(clam, None, "pelvis_rolls_back", alone=False)[0] == "oblique"
    assert wanted_views(clam.model_copy(update={"asked_view": None}), None, None)[0] == "front"
