"""How an exercise is done is told before it: by one way for a single session and for a programme's day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from flow_drive import DrivenFlow
from test_day_flow import Told as Day
from test_day_flow import programme

from formcheck.coach import start
from formcheck.coach.flow import Flow
from formcheck.coach.plan import PastPractice
from formcheck.coach.start import LiveRequest, history_of, plan_for
from formcheck.engine.position import Problem
from formcheck.exercises.definition import EXERCISES
from formcheck.words import Words, languages

LINES = [f"show.clam.line_{n}" for n in (1, 2, 3)]
FIRST = PastPractice()


def asked(**more: object) -> LiveRequest:
    given: dict[str, object] = dict.fromkeys(
        (
            "exercise",
            "side",
            "view",
            "prescription",
            "sets",
            "reps",
            "patient",
            "camera",
            "clip",
            "speech_log",
        )
    )
    given |= dict.fromkeys(("mute", "blur_face", "high_contrast", "windowed", "stats"), False)
    given |= {"sessions": Path("nowhere"), "language": "en", "model": "full", **more}
    return LiveRequest(**given)  # type: ignore[arg-type]


class Single(DrivenFlow):
    """A single session as the command line begins it, up to its set-up."""

    def __init__(self, exercise: str = "clam", history: PastPractice = FIRST, **more: object) -> None:
        request = asked(**more)
        plan = plan_for(exercise, request, None)
        super().__init__(Flow(Words(request.language), {}, lambda name: (plan, history), exercise))
        self.press("3", "1")
        assert self.flow.step == "setup"

    def wait(self, seconds: float) -> Single:
        """Nobody is in the picture yet."""
        for _ in range(round(seconds)):
            self.t += 1.0
            self.flow.tick(self.t)
            self.collect()
        return self

    @property
    def keys(self) -> list[str]:
        return [say.key for say in self.said]


def after_the_question(keys: list[str]) -> list[str]:
    return keys[keys.index("page.pain.question_before") + 1 :]


def test_a_single_exercise_is_told_before_it_in_this_order() -> None:
    told = Single().wait(60)
    assert after_the_question(told.keys) == [
        "programme.next.today", "page.setup.hands_free", "programme.next.place", *LINES, "show.arm",
    ]  # fmt: skip
    texts = [say.text for say in told.said]
    assert "Today: Side-lying clam." in texts
    assert "Laptop on the floor in front of you, well towards your feet. It must see all of you." in texts


def test_a_programme_of_one_exercise_tells_word_for_word_the_same(tmp_path: Path) -> None:
    day = Day(tmp_path, programme({"exercise": "clam", "sides": ["left"], "sets": 1, "reps": 2})).begin()
    single = Single(side="left").wait(60)
    day.wait(60)
    at = "programme.next.today"
    a, b = ([(s.key, s.text) for s in told.said] for told in (day, single))
    a, b = (said[[key for key, _ in said].index(at) :] for said in (a, b))
    assert a == b
    assert ("programme.next.on_top_left", "The left leg on top.") in a


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("exercise", EXERCISES)
def test_who_does_not_see_the_screen_is_told_what_where_and_how_in_the_own_language(
    exercise: str, language: str
) -> None:
    told = Single(exercise, language=language).wait(75)
    words, plan = Words(language), told.flow.plan
    assert plan is not None
    said = [say.text for say in told.said]
    assert words("programme.next.today", exercise=plan.definition.title) in said
    assert plan.definition.views[plan.views[0]].setup in said
    name = exercise.replace("-", "_")
    for key in (f"show.{name}.line_{n}" for n in (1, 2, 3)):
        assert words(key) in said, key
    assert (words("show.arm") in said) == plan.lies


@pytest.mark.parametrize(
    ("history", "told"),
    [
        (PastPractice(), True),
        (PastPractice(days=1), True),
        (PastPractice(days=2), False),
        (PastPractice(days=0, today=True), False),
    ],
)
def test_who_has_done_it_on_two_days_or_today_is_told_its_name_only(
    history: PastPractice, told: bool
) -> None:
    keys = after_the_question(Single(history=history).wait(60).keys)
    assert keys[0] == "programme.next.today"
    assert (len(keys) > 1) == told


def test_enter_cuts_it_off_and_says_so_and_the_key_is_named_while_it_helps() -> None:
    told = Single().wait(12)
    name = Words()("page.setup.skip")
    assert name in told.flow.page().footer
    before = list(told.keys)
    assert LINES[2] not in before
    told.press("enter")
    assert told.said[-1].key == "voice.skipped"
    assert told.said[-1].interrupt
    told.wait(40)
    assert [key for key in told.keys[len(before) :] if key.startswith(("show.", "programme.next."))] == []
    assert name not in told.flow.page().footer
    assert told.press("enter").said[-1].key == "voice.skipped"
    assert told.keys.count("voice.skipped") == 1


def test_enter_cuts_off_nothing_else() -> None:
    told = Single().wait(60).frames(2, "setup", problem=Problem("head_out"))
    assert told.said[-1].key == "setup.head_out"
    told.press("enter")
    assert told.said[-1].key == "setup.head_out"


@pytest.mark.parametrize(("phase", "whole"), [("rest", True), ("rise", False)])
def test_doing_it_ends_what_is_told_of_it(phase: str, whole: bool) -> None:
    told = Single().frames(1, "still").frames(60, "practice", phase=phase)
    assert (told.keys.count(LINES[2]) == 1) == whole


def test_a_camera_that_is_tried_again_and_a_pause_repeat_nothing() -> None:
    told = Single().wait(60)
    told.flow.no_camera("it is gone")
    told.collect().press("1").wait(60)
    assert told.flow.step == "setup"
    assert told.keys.count("programme.next.today") == told.keys.count(LINES[0]) == 1
    told.frames(1, "still").frames(0.1, "ready").frames(0.5, "work", phase="rest").press("space", "space")
    assert told.flow.step == "setup"
    told.wait(60)
    assert told.keys.count("programme.next.today") == told.keys.count(LINES[0]) == 1


def test_a_day_that_is_gone_on_with_says_with_what_and_repeats_no_explanation(tmp_path: Path) -> None:
    one = programme({"exercise": "clam", "sides": ["left", "right"], "sets": 1, "reps": 2})
    Day(tmp_path, one).begin().ready().reps(1).press("esc")
    told = Day(tmp_path, one).press("1").wait(30)
    assert told.step == "setup"
    assert told.keys[0] == "programme.next.first"
    assert not [key for key in told.keys if key.startswith("show.")]


def test_a_day_done_once_more_repeats_no_explanation(tmp_path: Path) -> None:
    one = programme({"exercise": "clam", "sides": ["left"], "sets": 1, "reps": 2})
    Day(tmp_path, one).begin().ready().reps(2).press("1", "3")
    told = Day(tmp_path, one)
    assert [choice.id for choice in told.flow.page().choices] == ["close", "again"]
    told.press("2", "1", "1").wait(40)
    assert told.step == "setup"
    assert "programme.next.today" in told.keys
    assert not [key for key in told.keys if key.startswith("show.")]


@pytest.mark.parametrize(
    ("sessions", "days", "today"),
    [
        ([], 0, False),
        ([("2026-11-28", "clam", True)], 1, False),
        ([("2026-11-28", "clam", True), ("2026-11-28", "clam", True)], 1, False),
        ([("2026-11-28", "clam", True), ("2026-11-29", "clam", True)], 2, False),
        ([("2026-11-28", "bridge", True), ("2026-11-30", "bridge", True)], 0, False),
        ([("2026-11-30", "clam", True)], 0, True),
        ([("2026-11-30", "clam", False)], 0, False),  # left before the first set
    ],
)
def test_what_was_done_before_is_read_from_the_kept_sessions(
    monkeypatch: pytest.MonkeyPatch, sessions: list[tuple[str, str, bool]], days: int, today: bool
) -> None:
    from types import SimpleNamespace

    done = [
        SimpleNamespace(
            exercise=exercise,
            reps=[],
            live=SimpleNamespace(
                started=f"{on}T09:00:00+01:00",
                patient=None,
                pain_before=0,
                sets=[SimpleNamespace(pain=None)] * begun,
            ),
        )
        for on, exercise, begun in sessions
    ]
    monkeypatch.setattr(start, "past_summaries", lambda folder: iter(done))
    past = history_of(asked(), "clam", date(2026, 11, 30))
    assert (past.days, past.today) == (days, today)
