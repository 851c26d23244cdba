"""A programme's day, told of made moments and keys: one go, one consent, one question at each end."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from flow_drive import DrivenFlow

from formcheck.analysis.events import KINDS, Event
from formcheck.coach.day import DayPlan
from formcheck.coach.day_flow import DayFlow
from formcheck.coach.play import Keeper, plan_day
from formcheck.engine.repetition import RepTimes
from formcheck.engine.tracker import RepResult
from formcheck.exercises.programme import Programme
from formcheck.measures.reference import Reference
from formcheck.session.days import Agreed, Day, DayBook, OwnRange, PartDone, SetDone
from formcheck.words import Words

TODAY = date(2026, 11, 30)  # a Monday
CLAM = {"exercise": "clam", "sides": ["left", "right"], "sets": 1, "reps": 2, "rest_s": 20}
BRIDGE = {"exercise": "bridge", "sets": 2, "reps": 3, "rest_s": 40, "ladder": [{"reps": 4}, {"hold_s": 5}]}
FEET = {"exercise": "bridge", "sets": 1, "reps": 2, "view": "feet"}


def programme(*exercises: dict[str, object], **more: object) -> Programme:
    return Programme.model_validate({"name": "Hips", "exercises": exercises or (CLAM, BRIDGE), **more})


class Told(DrivenFlow):
    """A day with what it gave out, and a clock."""

    def __init__(
        self, folder: Path, asked: Programme | None = None, *, language: str = "en", on: date = TODAY
    ) -> None:
        self.programme = asked or programme()
        self.book = DayBook(self.programme, folder)
        self.plan: DayPlan = plan_day(self.programme, self.book, Words(language), on)
        super().__init__(DayFlow(Words(language), self.plan))
        self.keeper = Keeper(self.flow, self.book, "text")

    def collect(self) -> Told:
        super().collect()
        self.keeper.keep()
        return self

    def wait(self, seconds: float) -> Told:
        for _ in range(round(seconds)):
            self.t += 1.0
            self.flow.tick(self.t)
            self.collect()
        return self

    def ready(self, range_: float | None = 0.4, view: str = "front") -> Told:
        """Lies still, practises where a range is given, and begins the set."""
        reference = object.__new__(Reference)
        for name, value in (("view", view), ("side", "left"), ("yaw_deg", 0.0)):
            object.__setattr__(reference, name, value)
        self.frames(1, "still").frames(0.1, "still", baseline=reference)
        if range_ is not None:
            self.frames(0.1, "practice").frames(0.1, "practice", calibrated=range_)
        return self.frames(0.1, "ready").frames(0.5, "work", phase="rest")

    def reps(self, count: int, kind: str = "full") -> Told:
        for _ in range(count):
            times = RepTimes(
                kind, self.t - 4, self.t - 3, self.t - 2, self.t, self.t - 2.5, 1.0, 1.0, False, False, 0
            )
            self.frames(2.0, phase="rest").frames(0.1, phase="rest", closed=RepResult(times, {}))
        return self

    def begin(self, *keys: str) -> Told:
        """Start, agree to the numbers, a pain of 1."""
        return self.press("1", *(keys or ("3", "1")))

    @property
    def step(self) -> str:
        return self.flow.step

    @property
    def keys(self) -> list[str]:
        return [say.key for say in self.said]

    def kinds(self, *kinds: str) -> list[tuple[str, object]]:
        return [(e.kind, e.data) for e in self.events if e.kind in kinds]

    def counts(self) -> list[list[int]]:
        return [[s.counted for s in part.sets] for part in self.flow.day.parts]


def whole(told: Told) -> Told:
    """The clams and the bridge, to the last question."""
    told.begin().ready().reps(2)
    told.wait(31).ready().reps(2)
    told.wait(31).ready(view="side").reps(3).wait(41).frames(0.5, "work", phase="rest")
    return told.reps(3)


def test_all_exercises_in_one_go_without_a_key_between_the_first_and_the_last_question(
    tmp_path: Path,
) -> None:
    told = Told(tmp_path)
    assert told.step == "today"
    assert [row.title for row in told.flow.page().rows] == [
        "Side-lying clam, left leg", "Side-lying clam, right leg", "Bridge",
    ]  # fmt: skip
    steps = []
    told.begin()
    seen = told.flow._to

    def to(step: str, **more: object) -> None:
        steps.append(step)
        seen(step, **more)  # type: ignore[arg-type]

    told.flow._to = to  # type: ignore[method-assign,assignment]
    told.ready().reps(2)
    assert told.step == "next"
    assert not told.flow.judging
    assert told.flow.camera_wanted
    told.wait(31)
    assert told.step == "setup"
    told.ready().reps(2).wait(31).ready(view="side").reps(3)
    assert told.step == "rest"
    told.wait(41).frames(0.5, "work", phase="rest").reps(3)
    assert told.step == "pain_after"
    assert told.counts() == [[2], [2], [3, 3]]
    assert steps.count("pain_after") == 1
    assert not {"effort", "caution"} & set(steps)
    told.press("2", "4")
    assert told.step == "summary"
    day = told.flow.day
    assert (day.pain_before, day.pain_after, day.effort, day.complete) == (1, 2, 4.0, True)
    assert "Side-lying clam, left leg: 2 of 2" in told.end_lines()
    assert "Pain: 1 before, 2 after" in told.end_lines()
    assert "programme.end.well_done" in told.wait(10).keys


@pytest.mark.parametrize(
    ("language", "missed"),
    [
        (
            "en",
            "I could not check: Pelvis rolls back, Range forced. It can be seen from the front, foot side.",
        ),
        (
            "de",
            "Nicht prüfen konnte ich: Becken rollt nach hinten, Bewegung zu weit. "
            "Das ist von vorn, fußwärts zu sehen.",
        ),
    ],
)
def test_what_could_not_be_checked_is_told_once_a_day_the_gravest_of_all(
    tmp_path: Path, language: str, missed: str
) -> None:
    told = whole(Told(tmp_path, language=language)).press("2", "4")
    for _ in range(4):
        told.wait(10)
    said = [say.text for say in told.said if say.key == "page.summary.not_checked_here"]
    clam = told.flow._parts[0].plan.definition.title
    assert said == [f"{clam}. {missed}"]
    assert said[0] in told.end_lines()


def test_nobody_answering_at_the_end_notes_nothing_and_ends_all_the_same(tmp_path: Path) -> None:
    told = whole(Told(tmp_path)).wait(31).wait(31)
    assert told.step == "summary"
    day = told.flow.day
    assert (day.pain_after, day.effort, day.complete) == (None, None, True)
    assert not any(line.startswith("Pain:") for line in told.end_lines())
    assert Words()("programme.end.not_answered") in told.end_lines()


def test_enter_alone_answers_no_question_of_pain_or_effort(tmp_path: Path) -> None:
    told = Told(tmp_path).press("1", "3", "enter")
    assert told.step == "pain_before"
    assert told.press("right", "enter").flow.day.pain_before == 0
    told = whole(Told(tmp_path / "b")).press("enter")
    assert told.step == "pain_after"
    told.press("1", "enter")
    assert told.step == "effort"


def test_each_part_is_a_session_of_its_own(tmp_path: Path) -> None:
    told = whole(Told(tmp_path))
    sessions: list[list[Event]] = [[]]
    for event in told.events:
        assert event.kind in KINDS
        sessions[-1].append(event)
        if event.kind == "part_over":
            sessions.append([])
    assert len(sessions) == 3
    for number, events in enumerate(sessions):
        assert [e.data["recording"] for e in events if e.kind == "consent"] == ["none"]
        sets = [e.data["set"] for e in events if e.kind == "set_start"]
        assert sets == ([1, 2] if number == 2 else [1])
    before = [e.data["value"] for e in sessions[0] if e.kind == "pain" and e.data["set"] == 0]
    assert before == [1]  # asked before the first, and claimed of no other
    assert not [e for e in sessions[1] if e.kind == "pain"]
    assert [e.data for e in told.events if e.kind == "part_over"] == [
        {"exercise": "clam", "side": "right"}, {"exercise": "bridge", "side": None},
    ]  # fmt: skip


def test_how_an_exercise_is_done_is_told_on_its_first_days_and_its_figure_moves(tmp_path: Path) -> None:
    told = Told(tmp_path).begin().wait(30)
    lines = [f"show.clam.line_{n}" for n in (1, 2, 3)]
    lines.append("show.arm")  # before the first only
    assert [key for key in told.keys if key.startswith("show.")] == lines
    told.ready().reps(2)
    assert told.step == "next"
    assert [key for key in told.keys if key.startswith("show.")] == lines  # the other leg: told already
    lifts = {told.wait(1).flow.page().lift for _ in range(9)}
    assert {0.0, 1.0} <= lifts
    told.wait(31).ready().reps(2)
    shown = [told.wait(1).flow.page().cue for _ in range(24)]  # each while it is said
    assert any(line.startswith("Press your feet down") for line in shown)


def test_what_is_told_of_an_exercise_ends_when_it_begins(tmp_path: Path) -> None:
    told = Told(tmp_path).begin().ready().reps(2)
    said = [key for key in told.keys if key.startswith("show.")]
    assert len(said) < 3
    assert told.step == "next"


@pytest.mark.parametrize(("phase", "lines"), [("rest", 4), ("rise", 1)])
def test_who_lies_ready_at_once_still_hears_how_it_is_done_until_the_first_movement(
    tmp_path: Path, phase: str, lines: int
) -> None:
    told = Told(tmp_path).begin().frames(1, "still").frames(4, "practice", phase="rest")
    told.frames(30, "practice", phase=phase)
    assert "programme.next.on_top_left" not in told.keys  # the leg lies on top
    assert len([key for key in told.keys if key.startswith("show.")]) == lines
    assert "page.practice.line" in told.keys


def test_what_is_not_yet_told_of_the_next_exercise_goes_on_in_it(tmp_path: Path) -> None:
    told = Told(tmp_path, programme(CLAM, BRIDGE, between_s=5)).begin().ready().reps(2).wait(6)
    told.ready().reps(2).wait(6).frames(1, "still").frames(40, "practice", phase="rest")
    shown = [key for key in told.keys if key.startswith("show.bridge.")]
    assert shown == [f"show.bridge.line_{n}" for n in (1, 2, 3)]
    assert told.keys.index("page.practice.line", told.keys.index(shown[0])) > told.keys.index(shown[2])


CALVES = {"exercise": "calf-stretch", "sides": ["left", "right"], "sets": 1, "reps": 2}


def test_who_stands_is_told_which_side_to_turn_to_the_laptop_and_of_no_arm(tmp_path: Path) -> None:
    told = Told(tmp_path, programme(CALVES)).begin().wait(40)
    assert {"programme.next.with_left", "programme.next.towards_left"} <= set(told.keys)
    told.ready(20.0, view="side").reps(2)
    assert told.flow.page().lines[1:] == ("Now with the right leg.", "Your right side towards the laptop.")
    told.wait(31).ready(20.0, view="side")
    assert "show.arm" not in told.keys
    told.press("space")
    assert told.flow.page().lines == ("Take your time. To go on, press the space bar.",)


def test_the_laptop_is_moved_between_lying_and_standing_and_the_arm_told_to_who_lies_first(
    tmp_path: Path,
) -> None:
    told = Told(tmp_path, programme({**CALVES, "sides": ["left"]}, BRIDGE)).begin()
    told.ready(20.0, view="side").reps(2).wait(45)
    assert "programme.next.move" in told.keys
    assert "show.arm" in told.keys


@pytest.mark.parametrize("days", [0, 1, 2, 3])
def test_who_has_done_an_exercise_twice_knows_how(tmp_path: Path, days: int) -> None:
    parts = Told(tmp_path / "x").flow.day.parts
    for ago in range(1, days + 1):
        on = TODAY - timedelta(days=ago)
        done = parts[0].model_copy(update={"sets": (SetDone(counted=2, full=2),)})
        kept = Day(date=on, started=f"{on}T10:00:00+01:00", kept="numbers", complete=True, parts=(done,))
        DayBook(programme(), tmp_path).keep(kept)
    told = Told(tmp_path).begin().wait(30)
    assert any(key.startswith("show.clam") for key in told.keys) == (days < 2)


def test_between_two_exercises_it_says_what_comes_and_how(tmp_path: Path) -> None:
    told = Told(tmp_path, programme(CLAM, {**BRIDGE, "tempo": {"hold_s": 5}}))
    told.begin().ready().reps(2)
    page = told.flow.page()
    assert page.title == "Side-lying clam, right leg"
    pages = [told.wait(1).flow.page() for _ in range(20)]
    assert {page.lines for page in pages if page.cue} == {()}  # what is being said stands alone, and large
    assert {page.lines[-1] for page in pages if not page.cue} == {"The laptop stays there."}
    told.wait(11)
    assert "programme.next.side_lying_right" in told.keys
    assert "programme.next.move" not in told.keys
    told.ready().reps(2).wait(31)
    assert "programme.next.hold" in told.keys
    assert any("5 seconds" in say.text for say in told.said)


def test_where_the_laptop_goes_is_said_only_when_it_must_move_and_it_moves_least(tmp_path: Path) -> None:
    told = Told(tmp_path, programme(FEET, CLAM, {**FEET, "reps": 1}))
    order = [(part.exercise, part.plan.side) for part in told.plan.parts(None)]
    assert order == [("bridge", None), ("bridge", None), ("clam", "left"), ("clam", "right")]
    told.begin().ready(view="feet").reps(2).wait(31)
    assert "programme.next.move" not in told.keys
    told.ready(view="feet").reps(1)
    assert told.flow.page().drawing == "clam/front/left"
    told.wait(31)
    assert told.keys.count("programme.next.move") == 1


@pytest.mark.parametrize(
    ("exercises", "view"),
    [
        ((CLAM,), "oblique"),
        (({**CLAM, "target": {"range": 0.3}},), "oblique"),  # a definition of the patient's own
        ((CLAM, BRIDGE), "front"),
        (({**CLAM, "focus_fault": "pelvis_rolls_back"}, BRIDGE), "oblique"),
        (({**CLAM, "view": "front"},), "front"),
    ],
)
def test_a_clam_is_seen_from_the_foot_side_unless_the_laptop_would_have_to_move_for_it(
    tmp_path: Path, exercises, view: str
) -> None:
    parts = Told(tmp_path, programme(*exercises)).plan.parts(None)
    assert {part.plan.views[0] for part in parts if part.exercise == "clam"} == {view}


def test_the_next_exercise_can_be_begun_at_once_or_later(tmp_path: Path) -> None:
    told = Told(tmp_path).begin().ready().reps(2).press("2").wait(45)
    assert told.step == "next"
    assert told.wait(16).step == "setup"
    assert Told(tmp_path / "b").begin().ready().reps(2).press("enter").step == "setup"


@pytest.mark.parametrize("key", ["p", "esc", "s"])
def test_between_two_exercises_it_can_be_stopped(tmp_path: Path, key: str) -> None:
    told = Told(tmp_path).begin().ready().reps(2).press(key)
    assert told.step == "stopped"
    assert told.flow.day.stopped == ("pain" if key == "p" else "stop")
    assert told.flow.day.complete == (key == "p")


def test_the_end_of_a_rest_is_told_ten_seconds_before(tmp_path: Path) -> None:
    told = Told(tmp_path, programme(BRIDGE)).begin().ready(view="side").reps(3).wait(28)
    assert "page.rest.ends" not in told.keys
    assert told.wait(8).keys.count("page.rest.ends") == 1


# --- consent, and what is kept ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "kept", "recording"),
    [("1", "video", "video"), ("2", "skeleton", "skeleton"), ("3", "numbers", "none"), ("4", "none", "none")],
)
def test_what_is_kept_is_chosen_once_for_all(tmp_path: Path, key: str, kept: str, recording: str) -> None:
    told = Told(tmp_path).begin(key, "0")
    assert told.flow.day.kept == kept
    assert told.flow.consent == recording
    assert bool(told.book.days()) == (kept != "none")
    assert told.book.agreed() == (None if kept == "none" else Agreed(kept, told.flow.agreed_text))  # type: ignore[arg-type]


def test_enter_keeps_nothing(tmp_path: Path) -> None:
    told = Told(tmp_path).press("enter", "enter")
    assert told.flow.kept == "none"
    assert list(tmp_path.iterdir()) == []


def test_the_camera_stays_off_until_agreed(tmp_path: Path) -> None:
    told = Told(tmp_path)
    for key in ("1", "3"):
        assert not told.flow.camera_wanted
        told.press(key)
    assert not told.flow.camera_wanted
    assert told.press("1").flow.camera_wanted


def test_the_second_time_only_what_has_changed_is_told(tmp_path: Path) -> None:
    whole(Told(tmp_path)).press("0", "3")
    told = Told(tmp_path, on=TODAY + timedelta(days=2)).press("1")
    assert told.step == "agreed"
    assert told.flow.page().lines[0] == Words()("programme.agreed.nothing_new")
    assert len(" ".join(told.flow.page().lines).split()) < 60
    assert told.press("2").step == "safety"  # everything can be read again, and chosen anew
    assert told.press("4").flow.kept == "none"


def test_a_changed_page_on_safety_is_read_in_full(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.book.agree(Agreed("numbers", "another text"), "x")
    assert Told(tmp_path).press("1").step == "safety"


def test_after_a_day_with_pain_it_is_asked_whether_that_settled(tmp_path: Path) -> None:
    whole(Told(tmp_path)).press("2", "3")
    told = Told(tmp_path, on=TODAY + timedelta(days=2)).press("1", "1")
    assert told.step == "settled"
    told.press("1")
    assert (told.step, told.flow.day.settled) == ("pain_before", True)


def test_pain_of_six_before_ends_the_day_before_it_begins(tmp_path: Path) -> None:
    told = Told(tmp_path).begin("3", "7")
    assert told.step == "advice"
    told.press("1")
    assert (told.step, told.flow.day.pain_before, told.flow.day.stopped) == ("stopped", 7, "pain")


# --- broken off, and gone on with -------------------------------------------------------------------------


def test_broken_off_in_a_set_it_goes_on_with_the_count(tmp_path: Path) -> None:
    first = Told(tmp_path).begin("3", "2").ready().reps(2).wait(31).ready().reps(2).wait(31)
    first.ready(0.3, "side").reps(3).wait(41).frames(0.5, "work", phase="rest").reps(2)
    assert first.counts() == [[2], [2], [3, 2]]
    del first  # killed: nothing more is written
    told = Told(tmp_path)
    rows = told.flow.page().rows
    assert [row.done for row in rows] == [True, True, False]
    assert rows[2].state == "5 of 6 done"
    assert told.press("1").step == "setup"  # agreed and answered today already
    assert told.kinds("own_range") == [("own_range", {"view": "side", "range": 0.3})]
    told.ready(None, "side")
    assert told.flow.page().count == 2
    assert any(say.text == "Carry on: 2 of 3." for say in told.said)
    assert told.kinds("set_start") == [("set_start", {"set": 2})]
    told.reps(1)
    assert told.step == "pain_after"
    assert told.counts() == [[2], [2], [3, 3]]
    assert told.flow.day.pain_before == 2
    told.press("1", "1")
    assert len(told.book.days()) == 1


def test_broken_off_between_two_sets_it_goes_on_with_the_next(tmp_path: Path) -> None:
    Told(tmp_path, programme(BRIDGE)).begin().ready(view="side").reps(3).wait(5)
    told = Told(tmp_path, programme(BRIDGE)).press("1").ready(None, "side")
    assert told.kinds("set_start") == [("set_start", {"set": 2})]
    assert told.flow.page().count == 0


def test_a_pause_never_loses_the_count(tmp_path: Path) -> None:
    told = Told(tmp_path, programme(BRIDGE)).begin().ready(view="side").reps(2).press("space", "space")
    told.frames(1, "still").frames(4, "work", phase="rest")
    assert told.flow.page().count == 2
    assert any(say.text == "Carry on: 2 of 3." for say in told.said)
    told.reps(1)
    assert told.counts() == [[3]]


def test_what_is_done_is_shown_and_can_be_done_once_more(tmp_path: Path) -> None:
    whole(Told(tmp_path)).press("1", "1")
    told = Told(tmp_path)
    page = told.flow.page()
    assert all(row.done for row in page.rows)
    assert [choice.id for choice in page.choices] == ["close", "again"]
    told.press("2")
    assert told.step == "agreed"
    assert told.counts() == [[], [], []]
    assert Told(tmp_path).press("enter").flow.over


def test_the_next_day_begins_anew(tmp_path: Path) -> None:
    Told(tmp_path).begin().ready().reps(1)
    told = Told(tmp_path, on=TODAY + timedelta(days=2))
    assert told.counts() == [[], [], []]


def test_the_own_range_of_each_exercise_and_side_is_remembered_for_two_weeks(tmp_path: Path) -> None:
    told = Told(tmp_path).begin().ready(0.31).reps(2).wait(31).ready(0.37).reps(2).wait(31)
    told.ready(0.4, "side").reps(3)
    later = Told(tmp_path, on=TODAY + timedelta(days=2))
    assert [part.own_range for part in later.plan.parts(None)] == [
        OwnRange(view=view, range=own, on=TODAY)
        for view, own in (("front", 0.31), ("front", 0.37), ("side", 0.4))
    ]
    much_later = Told(tmp_path, on=TODAY + timedelta(days=16))
    assert [part.own_range for part in much_later.plan.parts(None)] == [None] * 3


def test_sessions_are_linked_by_their_names(tmp_path: Path) -> None:
    told = Told(tmp_path).begin()
    told.flow.recorded_as("a")
    told.ready().reps(2).wait(31)
    told.flow.recorded_as("b")
    told.ready().reps(1)
    assert [part.sessions for part in told.book.days()[0].parts] == [("a",), ("b",), ()]


# --- the ladder -----------------------------------------------------------------------------------------


def past(number: int, full: int = 6, settled: bool | None = None, pain: int = 0) -> Day:
    mark = programme(BRIDGE).exercises[0].mark
    half = full // 2
    part = PartDone(
        exercise="bridge", mark=mark, asked_sets=2, asked_reps=3,
        sets=(SetDone(counted=3, full=half), SetDone(counted=3, full=full - half)),
    )  # fmt: skip
    on = TODAY - timedelta(days=20 - 2 * number)
    return Day(
        date=on, started=f"{on}T10:00:00+00:00", kept="numbers", pain_before=0, pain_after=pain,
        settled=settled, effort=3.0, complete=True, parts=(part,),
    )  # fmt: skip


def with_past(folder: Path, *days: Day) -> Told:
    book = DayBook(programme(BRIDGE), folder)
    told = Told(folder, programme(BRIDGE))
    book.agree(Agreed("numbers", told.flow.agreed_text), "x")
    for day in days:
        book.keep(day)
    return Told(folder, programme(BRIDGE))


def test_after_two_good_days_more_is_asked_for_and_said(tmp_path: Path) -> None:
    told = with_past(tmp_path, past(0), past(1))
    assert told.flow.page().rows[0].detail == "2 sets of 4"
    assert told.press("1").flow.page().lines[0] == "Bridge: now 4 repetitions"


def test_pain_that_settled_lets_it_grow_today_and_pain_that_did_not_does_not(tmp_path: Path) -> None:
    told = with_past(tmp_path / "a", past(0), past(1, pain=2))
    assert told.flow.page().rows[0].detail == "2 sets of 3"
    told.press("1", "1", "1")
    assert told.step == "pain_before"
    assert told.flow.plan is not None
    assert told.flow.plan.reps == 4
    told = with_past(tmp_path / "b", past(0), past(1, pain=2)).press("1", "1", "2")
    assert told.flow.plan is not None
    assert told.flow.plan.reps == 3


def test_at_the_end_it_says_what_comes_next_or_why_not_yet(tmp_path: Path) -> None:
    def end(told: Told, *answers: str) -> tuple[str, ...]:
        told.ready(view="side").reps(3).wait(41).frames(0.5, "work", phase="rest").reps(3)
        return told.press(*answers).end_lines()

    first = end(Told(tmp_path / "a", programme(BRIDGE)).begin("3", "0"), "0", "3")
    assert "Bridge: 4 repetitions after one more good day." in first
    lines = end(Told(tmp_path / "b", programme(BRIDGE)).begin("3", "0"), "1", "6")
    assert "Bridge: 4 repetitions, but not yet. It was still hard." in lines
    up = end(with_past(tmp_path / "c", past(0)).press("1", "1", "0"), "0", "3")
    assert "Bridge: next time 4 repetitions." in up
    kept_nothing = end(Told(tmp_path / "d", programme(BRIDGE)).begin("4", "0"), "0", "3")
    assert not any("next time" in line or "good day" in line for line in kept_nothing)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_day_on_which_nothing_was_counted_is_not_praised(tmp_path: Path, language: str) -> None:
    told = Told(tmp_path, programme(BRIDGE), language=language).begin("3", "1").ready(view="side")
    told.press("space", "2").wait(41).frames(0.5, "work", phase="rest").press("space", "2", "1", "3")
    assert told.step == "summary"
    assert told.flow.day.counted == 0
    told.wait(20)
    assert "page.summary.title" in told.keys
    assert not [key for key in told.keys if "well_done" in key or "praise" in key]
    assert told.flow.page().title == Words(language)("page.summary.title")


def test_six_more_than_last_time_is_told(tmp_path: Path) -> None:
    told = with_past(tmp_path, past(0), past(1)).press("1", "1", "0").ready(view="side").reps(4)
    told.wait(41).frames(0.5, "work", phase="rest").reps(4).press("0", "3")
    assert "2 more than last time." in told.end_lines()
    assert "programme.end.more" in told.wait(20).keys


def test_an_old_programme_is_told_to_be_renewed_and_a_free_day_to_be_one(tmp_path: Path) -> None:
    book = DayBook(programme(BRIDGE), tmp_path)
    book.keep(
        past(0).model_copy(
            update={"date": TODAY - timedelta(weeks=9), "started": "2026-09-20T10:00:00+00:00"}
        )
    )
    page = Told(tmp_path, programme(BRIDGE), on=TODAY + timedelta(days=1)).flow.page()
    assert page.lines == (
        Words()("programme.today.nothing"), Words()("programme.today.renew", weeks=9),
    )  # fmt: skip


def test_in_german_it_is_german(tmp_path: Path) -> None:
    told = whole(Told(tmp_path, language="de")).press("1", "3")
    assert told.flow.page().title.startswith("Gut gemacht")
    english = {Words()(say.key) for say in told.said if say.key in Words() and "{" not in Words()(say.key)}
    assert not english & {say.text for say in told.said}
