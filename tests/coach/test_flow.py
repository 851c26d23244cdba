"""The flow of a session, told of made moments and keys: pages, pain rules, sets, pauses, endings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flow_drive import DrivenFlow

from formcheck.analysis.events import KINDS
from formcheck.coach.flow import Flow
from formcheck.coach.mouth import shown_part, shown_parts, spoken_s
from formcheck.coach.plan import CUE_S, PastPractice, SessionPlan
from formcheck.engine.position import Problem
from formcheck.engine.repetition import RepTimes
from formcheck.engine.tracker import RepResult
from formcheck.exercises.definition import EXERCISES, load_definition
from formcheck.words import Words

FIRST_TIME = PastPractice()
CHOICES = {name: load_definition(name) for name in EXERCISES}


class Told(DrivenFlow):
    """A flow with what it gave out, and a clock."""

    def __init__(
        self,
        exercise: str | None = "bridge",
        *,
        sets: int = 2,
        reps: int = 2,
        history: PastPractice = FIRST_TIME,
    ) -> None:
        plan = SessionPlan(CHOICES["bridge"], sets, reps, rest_s=20.0, views=("side",))
        super().__init__(Flow(Words(), CHOICES, lambda name: (plan, history), exercise))

    def rep(self, kind: str = "full") -> Told:
        times = RepTimes(
            kind, self.t - 4, self.t - 3, self.t - 2, self.t, self.t - 2.5, 1.0, 1.0, False, False, 0
        )
        checks: dict[str, object] = {}
        return self.frames(0.1, phase="rest", closed=RepResult(times, checks))  # type: ignore[arg-type]

    def wait(self, seconds: float) -> Told:
        self.t += seconds
        self.flow.tick(self.t)
        self.collect()
        return self

    def to_work(self, pain: str = "1") -> Told:
        self.press("2", pain)
        self.frames(1, "still")
        return self.frames(0.1, "ready").frames(0.5, "work", phase="rest")

    def to_pain_after(self) -> Told:
        return self.to_work().rep().rep()

    @property
    def step(self) -> str:
        return self.flow.step

    def data(self, kind: str) -> list[object]:
        return [e.data for e in self.events if e.kind == kind]


def test_every_page_can_be_made():
    told = Told(None)
    assert told.flow.page().kind == "choose"
    told.press("2")  # the second choice is the bridge
    assert told.flow.page().kind == "safety"
    assert len(told.flow.page().lines) > 10


def test_arrow_keys_and_enter_choose():
    told = Told(None).press("right", "right", "left", "enter")
    assert told.step == "safety"


@pytest.mark.parametrize("at", ["choose", "safety", "pain_before"])
def test_esc_before_exercising_leaves(at):
    told = Told(None if at == "choose" else "bridge")
    if at == "pain_before":
        told.press("2")
    assert told.step == at
    assert told.press("esc").flow.over


@pytest.mark.parametrize("key", ["esc", "s", "p"])
@pytest.mark.parametrize("at", ["setup", "work", "paused", "rest"])
def test_stopping_is_possible_at_any_time(at, key):
    told = Told()
    if at == "setup":
        told.press("2", "1").frames(1, "setup", problem=Problem("nobody"))
    elif at == "rest":
        told.to_pain_after().press("1", "3")
    else:
        told.to_work()
        if at == "paused":
            told.press("space")
    assert told.step == at
    told.press(key)
    assert told.step == "stopped"
    assert told.data("stop") == [{"reason": "pain" if key == "p" else "stop"}]
    spoken = [s for s in told.said if s.key.startswith("voice.stopped")]
    assert spoken
    assert spoken[-1].interrupt
    before = len(told.said)
    told.wait(60)
    assert len(told.said) == before  # nothing asks to go on


def test_pain_of_six_before_is_advised_against_and_can_be_put_right():
    told = Told().press("2", "6")
    assert told.step == "advice"
    assert not told.flow.camera_wanted
    told.press("2")  # the wrong number
    assert told.step == "pain_before"
    assert told.data("pain") == []
    told.press("7", "1")
    assert told.step == "stopped"
    assert told.data("pain") == [{"value": 7, "set": 0}]


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        ("0", "0", "effort"),
        ("0", "1", "effort"),
        ("3", "3", "effort"),
        ("0", "2", "stopped"),  # two more than at the start
        ("3", "4", "caution"),
        ("4", "5", "caution"),
        ("3", "5", "stopped"),
        ("5", "6", "stopped"),
    ],
)
def test_pain_after_a_set(before, after, step):
    told = Told().to_work(before).rep().rep().press(after)
    assert told.step == step
    if step == "stopped":
        assert told.data("stop") == [{"reason": "pain"}]


def test_after_caution_one_may_rest_longer_stop_or_go_on():
    for key, step in (("1", "effort"), ("2", "stopped"), ("3", "effort")):
        told = Told().to_work("3").rep().rep().press("4", key)
        assert told.step == step
    told = Told().to_work("3").rep().rep().press("4", "1", "3").wait(25)
    assert told.step == "rest"  # twice as long as prescribed
    assert told.wait(20).step == "setup"


def test_questions_nobody_answers_are_noted_as_not_answered():
    told = Told().to_pain_after().wait(31).wait(31)
    assert told.step == "rest"
    assert told.data("pain")[-1] == {"value": None, "set": 1}
    assert told.data("effort") == [{"value": None, "set": 1}]


def test_pain_nobody_told_is_not_made_up_in_the_summary():
    told = Told(sets=1).to_work("4").rep().rep().wait(31).wait(31)
    assert told.step == "summary"
    assert not [line for line in told.end_lines() if "ain" in line]
    told = Told(sets=1).to_work("4").rep().rep().press("3", "3")
    assert [line for line in told.end_lines() if "4" in line and "3" in line and "ain" in line]


def test_a_question_answered_before_it_was_asked_is_not_asked():
    told = Told().to_pain_after()
    asked = len(told.said)
    told.press("1", "3").wait(5).wait(5)
    assert told.step == "rest"
    assert "page.effort.question" not in [say.key for say in told.said[asked:]]
    assert "page.rest.title" in [say.key for say in told.said[asked:]]


def test_a_count_is_not_shown_twice():
    told = Told().to_work().wait(7).rep()
    page = told.flow.page()
    assert "1" in [say.text for say in told.said if say.key == "voice.count"]
    assert (page.count, page.cue) == (1, "")


def test_setting_up_says_what_to_do_in_the_line_with_the_largest_letters():
    told = Told(history=PastPractice(days=2)).press("2", "1").frames(10, "setup")
    assert "no keyboard" in told.flow.page().cue
    told.frames(10, "setup", problem=Problem("nobody")).wait(7)
    page = told.flow.page()
    assert page.cue.startswith("Nobody in view")
    assert page.title == "Getting ready"
    assert "Laptop on the floor" in page.lines[0]
    assert page.drawing == "bridge/side"
    assert told.frames(0.1, "still").flow.page().seconds_left is not None


@pytest.mark.parametrize("page", ["setup", "practice", "work"])
def test_keys_named_at_the_foot_of_a_page_work_there(page):
    told = Told()
    if page == "work":
        told.to_work()
    else:
        told.press("2", "1").frames(1, page)
    assert told.flow.page().kind == page
    footer = told.flow.page().footer
    assert ("Space" in footer) == (told.press("space").step == "paused")
    assert "P: pain" in footer
    assert told.press("p").step == "stopped"


def test_the_rest_ends_by_itself_or_by_enter():
    told = Told().to_pain_after().press("1", "3")
    assert told.step == "rest"
    assert told.wait(19).step == "rest"
    assert told.wait(2).step == "setup"
    assert [d["set"] for d in told.data("set_start")] == [1, 2]  # type: ignore[index]
    assert Told().to_pain_after().press("1", "3", "enter").step == "setup"


def test_the_last_set_leads_to_the_summary():
    told = Told(sets=1).to_pain_after().press("1", "3")
    assert told.step == "summary"
    assert any("2" in line for line in told.end_lines())
    assert told.press("enter").flow.over


def test_only_counted_repetitions_fill_a_set():
    told = Told().to_work().rep("void").rep("aborted").rep("partial")
    assert told.step == "work"
    assert told.flow.page().count == 1
    assert told.rep().step == "pain_after"


def test_lying_still_for_half_a_minute_is_asked_about_and_for_three_ends_the_set():
    told = Told().to_work().rep().frames(31, phase="rest")
    assert told.step == "work"
    assert [s.key for s in told.said].count("page.work.still") == 1
    told.frames(140, phase="rest")
    assert [s.key for s in told.said].count("page.work.still") == 1
    told.frames(15, phase="rest")
    assert told.step == "pain_after"
    assert told.data("set_end")[-1]["reason"] == "idle"  # type: ignore[index]


def test_holding_for_twenty_seconds_pauses():
    told = Told().to_work().frames(21, phase="hold")
    assert told.step == "paused"
    assert told.data("pause") == [{}]


def test_pause_and_go_on():
    told = Told().to_work().rep().press("space")
    assert told.step == "paused"
    told.press("space")
    assert told.step == "setup"
    told.frames(1, "still").frames(0.5, "work", phase="rest")
    assert told.flow.page().count == 1  # what was done stays done
    assert [e.kind for e in told.events if e.kind in ("pause", "resume")] == ["pause", "resume"]


def test_an_arm_pauses_a_set_and_goes_on_and_both_say_that_it_hurts():
    told = Told().to_work().rep()
    told.flow.arm_up(both=False)
    assert told.collect().step == "paused"
    told.flow.arm_up(both=False)
    assert told.collect().step == "setup"
    told.frames(1, "still").frames(0.5, "work", phase="rest")
    told.flow.arm_up(both=True)
    assert told.collect().step == "stopped"
    assert told.data("stop") == [{"reason": "pain"}]


def test_whoever_stretches_while_setting_up_or_resting_says_nothing_by_it():
    told = Told().press("2", "1").frames(1, "setup", problem=Problem("nobody"))
    told.flow.arm_up(both=True)
    assert told.collect().step == "setup"
    told = Told().to_pain_after().press("1", "3")
    told.flow.arm_up(both=True)
    assert told.collect().step == "rest"


def test_the_camera_is_wanted_only_between_pain_and_summary():
    told = Told(sets=1)
    assert not told.flow.camera_wanted
    told.press("2")
    assert not told.flow.camera_wanted
    told.press("0")
    assert told.flow.camera_wanted
    told = Told(sets=1).to_pain_after().press("1", "3")
    assert not told.flow.camera_wanted


def test_in_the_dark_the_light_is_told_instead_of_nobody():
    told = Told().press("2", "1")
    told.flow.light("dark")
    told.frames(1, "setup", problem=Problem("nobody"))
    assert told.data("setup")[-1] == {"problem": "dark"}


def test_did_it_settle_is_asked_after_pain_last_time():
    told = Told(history=PastPractice(2, had_pain=True)).press("2")
    assert told.step == "settled"
    told.press("2")
    assert told.data("settled") == [{"answer": False}]
    assert told.step == "pain_before"


def test_unknown_keys_do_nothing():
    told = Told().press("x", "tab", "9")
    assert told.step == "safety"


def test_every_event_is_of_a_known_kind():
    told = Told().to_pain_after().press("1", "3").wait(21).press("esc")
    assert {e.kind for e in told.events} <= set(KINDS)
    assert all(a.time_s <= b.time_s for a, b in zip(told.events, told.events[1:], strict=False))


def test_a_clip_that_ends_ends_the_set():
    told = Told().to_work().rep()
    told.flow.source_ended()
    told.collect()
    assert told.step == "summary"
    assert told.flow.ending_s is not None


def test_what_is_shown_is_in_the_patients_language():
    flow = Flow(
        Words("de"),
        CHOICES,
        lambda name: (SessionPlan(CHOICES["bridge"], 1, 1, 1.0), PastPractice()),
        "bridge",
    )
    assert flow.page().language == "de"
    assert flow.page().title == "Bevor Sie beginnen"


def test_nothing_stood_out_is_not_said_over_small_repetitions_nor_over_what_was_not_seen():
    say = Words()
    nothing, seen = say("page.summary.no_focus"), say("page.summary.no_focus_seen")
    small = Told(sets=1).to_work().rep("partial").rep().press("1", "3")
    assert small.step == "summary"
    assert not {nothing, seen} & set(small.end_lines())
    told = Told(sets=1).to_pain_after().press("1", "3")
    assert nothing in told.end_lines()
    told = Told(sets=1)
    told.flow._seen = replace(told.flow._seen, view="side")
    lines = told.to_pain_after().press("1", "3").end_lines()
    assert nothing not in lines
    assert seen in lines
    assert any(line.startswith("I could not check:") for line in lines)


def test_the_end_is_spoken_and_says_what_could_not_be_checked_and_from_where_it_could():
    told = Told(sets=1)
    told.flow._seen = replace(told.flow._seen, view="side")
    told.to_pain_after().press("1", "3")
    for _ in range(4):
        told.wait(10)
    missed = "Bridge. I could not check: Knees fall in, Knees fall out. It can be seen from the foot end."
    assert [say.text for say in told.said][-2:] == ["Well done. That was all for today.", missed]
    lines = told.end_lines()
    assert missed in lines
    rest = next(line for line in lines if line.startswith("I could not check:"))
    assert "Knees" not in rest


def test_nothing_done_is_not_praised_at_the_end():
    told = Told(sets=1).to_work().press("space", "2").press("1", "3")
    assert told.step == "summary"
    assert "programme.end.well_done" not in [say.key for say in told.wait(10).said]


def test_enter_alone_notes_neither_pain_nor_effort():
    told = Told().press("2", "enter")
    assert told.step == "pain_before"
    assert told.data("pain") == []
    told = Told().to_pain_after().press("enter")
    assert told.step == "pain_after"
    told.press("1", "enter")
    assert told.step == "effort"
    told.press("left", "enter")
    assert told.data("effort") == [{"value": 10.0, "set": 1}]


def test_a_camera_that_cannot_be_used_is_told_aloud_and_in_the_patients_words():
    told = Told().press("2", "1")
    told.flow.no_camera("The camera 0 is in use.")
    told.collect()
    told.wait(10)
    assert [s.key for s in told.said][-1] == "page.no_camera.line"
    assert told.flow.page().lines == (Words()("page.no_camera.line"), "The camera 0 is in use.")
    german = Flow(Words("de"), CHOICES, told.flow._plan_for, "bridge")
    german.no_camera("The camera 0 is in use.")
    assert german.page().lines == (Words("de")("page.no_camera.line"),)


def test_after_a_pause_it_says_where_the_count_stands():
    told = (
        Told(reps=5).to_work().rep().rep().press("space", "space").frames(1, "still").frames(4, phase="rest")
    )
    assert "Carry on: 2 of 5." in [s.text for s in told.said]


@pytest.mark.parametrize(("level", "said"), [(0.05, ["waiting"]), (0.13, ["small"] * 3)])
def test_who_has_not_begun_to_practise_is_asked_once_and_only_a_small_movement_was_too_small(level, said):
    told = Told().press("2", "1").frames(1, "still").frames(64, "practice", phase="rest", level=level)
    keys = [say.key for say in told.said]
    assert [key.rpartition(".")[2] for key in keys if key.endswith((".waiting", ".small"))] == said


def test_the_end_turns_its_leaves_by_itself_and_by_a_key_and_comes_round():
    told = Told(sets=5)
    told.flow._seen = replace(told.flow._seen, view="side")
    told.to_work()
    told.flow._sets = tuple(replace(told.flow._sets[0], index=n, counted=2) for n in range(1, 6))
    told.flow._to("summary")
    first = told.flow.page()
    assert [choice.id for choice in first.choices] == ["close", "more"]
    assert told.wait(11).flow.page().lines == first.lines
    second = told.wait(2).flow.page()
    assert second.lines != first.lines
    assert not set(second.lines) & set(first.lines)
    seen = [second.lines]
    for _ in range(5):
        seen.append(told.press("2").flow.page().lines)
    assert first.lines in seen
    assert told.press("enter").flow.over


def test_a_long_sentence_is_shown_part_by_part_while_it_is_spoken():
    long = (
        "Please move the laptop. Laptop on a chair beyond your feet, lid tilted down. It must see all of you."
    )
    parts = shown_parts(long)
    assert " ".join(parts) == long
    assert parts == (
        "Please move the laptop.",
        "Laptop on a chair beyond your feet, lid tilted down.",
        "It must see all of you.",
    )
    assert shown_parts("Good. You are in position.") == ("Good. You are in position.",)
    spoken = spoken_s(parts[0]) + spoken_s(parts[1])
    shown = [
        shown_part(long, at_s, CUE_S) for at_s in (0.0, spoken_s(parts[0]) + 0.1, spoken + 0.1, spoken + 9)
    ]
    assert shown == [*parts, ""]


def below(told: Told, stage: str, level: float, seconds: float) -> Told:
    return told.frames(seconds, stage, phase="rest", level=level)


def test_who_lies_below_what_was_taken_for_rest_is_looked_at_again_and_the_count_stays():
    told = below(Told().to_work().rep(), "work", -0.6, 1.8)
    assert told.data("pause") == []
    below(told, "work", -0.6, 0.4).frames(0.1, "setup")
    assert told.step == "setup"
    assert [e.kind for e in told.events if e.kind in ("pause", "resume")] == ["pause", "resume"]
    told.frames(8, "still").frames(6, "work", phase="rest")
    assert told.flow.page().count == 1
    keys = [say.key for say in told.said]
    assert keys.index("page.setup.anew") < keys.index("page.work.carry_on")


def test_where_nothing_was_counted_the_set_begins_again():
    told = below(Told().to_work(), "work", -0.6, 2.2).frames(8, "still").frames(12, "work", phase="rest")
    assert [say.key for say in told.said].count("page.work.begin") == 2


def test_in_practice_too():
    told = below(Told().press("2", "1").frames(1, "still"), "practice", -0.6, 2.2)
    assert len(told.data("pause")) == len(told.data("resume")) == 1


@pytest.mark.parametrize(("level", "stage"), [(-0.3, "work"), (0.0, "work"), (1.0, "practice")])
def test_what_lies_a_little_lower_is_no_reason_to_look_again(level, stage):
    told = below(Told().to_work(), stage, level, 8)
    assert told.step == stage
    assert told.data("pause") == []


def test_somebody_standing_may_come_back_further_than_where_the_stretch_began():
    plan = SessionPlan(CHOICES["calf-stretch"], 1, 2, rest_s=20.0, views=("side",))
    told = Told()
    told.flow._plan_for = lambda name: (plan, FIRST_TIME)
    told.flow._choose("calf-stretch")
    assert below(told.to_work(), "work", -0.6, 5).step == "work"
