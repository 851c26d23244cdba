"""Sample values for every live page, for whoever looks at how the pages are drawn or translates them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from formcheck.analysis.findings import Findings
from formcheck.coach.pages.day_pages import DayPages
from formcheck.coach.pages.flow_pages import DayState, FlowState, leaves_of
from formcheck.coach.pages.page import Choice, Page, Row
from formcheck.drawing.overlay import Body, FaultMark
from formcheck.drawing.palette import Image
from formcheck.exercises.definition import EXERCISES, Definition, load_definition
from formcheck.pose.landmarks import Landmark
from formcheck.words import Words, translated

#: A person at the top of a bridge, seen from the side: shares of the picture's width and height.
_BRIDGE = {
    "NOSE": (0.83, 0.66), "LEFT_EAR": (0.84, 0.71), "RIGHT_EAR": (0.84, 0.71),
    "LEFT_SHOULDER": (0.74, 0.75), "RIGHT_SHOULDER": (0.75, 0.74),
    "LEFT_ELBOW": (0.64, 0.80), "RIGHT_ELBOW": (0.65, 0.79),
    "LEFT_WRIST": (0.53, 0.80), "RIGHT_WRIST": (0.54, 0.79),
    "LEFT_HIP": (0.52, 0.61), "RIGHT_HIP": (0.53, 0.60),
    "LEFT_KNEE": (0.34, 0.45), "RIGHT_KNEE": (0.36, 0.45),
    "LEFT_ANKLE": (0.30, 0.75), "RIGHT_ANKLE": (0.32, 0.74),
    "LEFT_HEEL": (0.31, 0.79), "RIGHT_HEEL": (0.33, 0.78),
    "LEFT_FOOT_INDEX": (0.23, 0.80), "RIGHT_FOOT_INDEX": (0.25, 0.79),
}  # fmt: skip


#: Something good about a set, as the voice would say it.
_NAME = {"en": "Hips, first weeks", "de": "Hüfte, erste Wochen"}
_GOOD = {"en": "waistband nice and level", "de": "Hosenbund schön waagerecht"}


def sample_picture(width: int = 640, height: int = 480) -> Image:
    """An empty room with a mat, in place of a camera's picture."""
    shade = np.linspace(150, 205, height)[:, None, None] + np.linspace(0, 14, width)[None, :, None]
    image = np.clip(shade * np.array([0.94, 0.98, 1.0]), 0, 255).astype(np.uint8)
    floor = round(0.7 * height)
    image[floor:] = (image[floor:] * np.array([0.62, 0.68, 0.74])).astype(np.uint8)
    corners = np.array([[0.1, 0.78], [0.9, 0.78], [0.97, 0.9], [0.03, 0.9]]) * (width, height)
    cv2.fillPoly(image, [corners.astype(np.int32)], (140, 96, 88), cv2.LINE_AA)
    return image


def sample_body(width: int = 640, height: int = 480, marks: tuple[FaultMark, ...] = ()) -> Body:
    """The skeleton of a bridge on such a picture, its far side not to be trusted."""
    xy = np.full((33, 2), np.nan)
    for name, (x, y) in _BRIDGE.items():
        xy[Landmark[name]] = (x * width, y * height)
    trusted = np.ones(33, bool)
    trusted[[Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE, Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX]] = (
        False
    )
    measured = frozenset({int(Landmark.LEFT_SHOULDER), int(Landmark.LEFT_HIP), int(Landmark.LEFT_KNEE)})
    return Body(xy, trusted, measured, marks)


def sample_pages(language: str = "en") -> dict[str, Page]:
    """Every kind of page with values such as a session gives, by a name for its picture."""
    words = Words(language)
    say = words
    bridge = translated(load_definition("bridge"), language)
    clam = translated(load_definition("clam"), language)
    pages = {
        **_choices(say, language),
        **_questions(say),
        **_with_picture(say, bridge, clam),
        **_after(say, bridge),
        **_day(say, bridge, clam),
    }
    return {name: replace(page, language=language) for name, page in pages.items()}


def unseen_line(words: Words, definition: Definition, view: str) -> str:
    """The line that names the faults which cannot be checked from a view."""
    hidden = Findings(definition, view).unseen_here()
    return words("page.unseen", faults="; ".join(hidden)) if hidden else ""


def _choices(say: Words, language: str) -> dict[str, Page]:
    exercises = []
    for i, name in enumerate(EXERCISES):
        title = translated(load_definition(name), language).title
        exercises.append(Choice(name, title, str(i + 1), say(f"page.choose.{name.replace('-', '_')}_note")))
    bridge = translated(load_definition("bridge"), language)
    views = [
        Choice(
            view, bridge.views[view].title, str(i + 1), say("page.view.recommended") if view == "side" else ""
        )
        for i, view in enumerate(("side", "head", "feet", "oblique"))
    ]
    footer = say("page.choose.footer")
    sides = [
        Choice(side, say(f"page.side.{side}"), str(i + 1), say(f"page.side.{side}_note_clam"))
        for i, side in enumerate(("left", "right"))
    ]
    consent = [
        Choice(name, say(f"page.safety.{name}"), key, say(f"page.safety.{name}_note"))
        for name, key in (
            ("agree_video", "1"),
            ("agree_skeleton", "2"),
            ("agree_none", "3"),
            ("leave", "Esc"),
        )
    ]
    return {
        "choose": Page("choose", say("page.choose.title"), choices=tuple(exercises), footer=footer),
        "choose_side": Page(
            "choose", say("page.side.title_clam"), choices=tuple(sides), selected=1, drawing="clam",
            footer=footer,
        ),
        "choose_view": Page(
            "choose", say("page.view.title"), choices=tuple(views), drawing="bridge", footer=footer
        ),
        "safety": Page(
            "safety", say("page.safety.title"), say.under("page.safety.line_"), tuple(consent), 1,
            footer=say("page.safety.footer"),
        ),
    }  # fmt: skip


def _questions(say: Words) -> dict[str, Page]:
    answers = tuple(
        Choice(name, say(f"page.settled.{name}"), str(i + 1), say(f"page.settled.{name}_note"))
        for i, name in enumerate(("yes", "no"))
    )
    ends = {0: say("page.pain.scale_0"), 10: say("page.pain.scale_10")}
    pain = tuple(Choice(str(n), str(n), str(n) if n < 10 else None, ends.get(n, "")) for n in range(11))
    effort = tuple(
        Choice(str(n), str(n), str(n) if n < 10 else None, say(f"page.effort.word_{n}")) for n in range(11)
    )
    return {
        "settled": Page(
            "settled", say("page.settled.question"), choices=answers, selected=-1,
            footer=say("page.settled.footer"),
        ),
        "pain_before": Page(
            "pain", say("page.pain.question_before"), choices=pain, selected=2, footer=say("page.pain.footer")
        ),
        "pain_after": Page(
            "pain", say("page.pain.question_after"), (say("page.pain.advice_caution"),), pain, 10,
            footer=say("page.pain.footer"),
        ),
        "effort": Page(
            "effort", say("page.effort.question"), choices=effort, selected=4,
            footer=say("page.effort.footer"),
        ),
    }  # fmt: skip


def _with_picture(say: Words, bridge: Definition, clam: Definition) -> dict[str, Page]:
    title = say("page.work.title", exercise=bridge.title, set=1, sets=3)
    fault = bridge.faults["hip_not_extended"]
    mark = FaultMark(fault.title, 2, "17.6°", (int(Landmark.LEFT_HIP), int(Landmark.RIGHT_HIP)))
    work = Page(
        "work", title, body=sample_body(), count=3, of=10, phase="rise", phase_word=say("page.phase.rise"),
        level=0.7, unseen=unseen_line(say, bridge, "side"), footer=say("page.work.footer"), recording="video",
    )  # fmt: skip
    setup = Page(
        "setup", say("page.setup.title"), (clam.views["oblique"].setup,), drawing="clam/oblique/left",
        body=sample_body(), cue=say("page.setup.hands_free"), footer=say("page.setup.footer"),
        recording="skeleton",
    )  # fmt: skip
    return {
        "setup": setup,
        "setup_bridge": replace(
            setup, lines=(bridge.views["feet"].setup,), drawing="bridge/feet",
            cue=say("setup.wrong_view.say", place=bridge.views["feet"].setup),
        ),
        "setup_phone": replace(
            setup, cue=say("phone.picture.not_changed"),
            footer=" · ".join(
                (say("phone.picture.behind", ms=140), say("phone.picture.footer"), setup.footer)
            ),
        ),
        "setup_still": replace(
            setup, cue=say("page.setup.still"), seconds_left=1.4,
        ),
        "practice": replace(
            work, kind="practice", unseen="", title=say("page.practice.title"), count=1, of=3, phase="hold",
            phase_word=say("page.phase.hold"), level=1.02, cue=say("page.practice.line"),
            footer=say("page.practice.footer"),
        ),
        "work": work,
        "work_correction": replace(
            work, body=sample_body(marks=(mark,)), count=10, phase="lower",
            phase_word=say("page.phase.lower"),
            cue=fault.cue or "", cue_is_correction=True, recording="skeleton",
            stats="30 fps  pose 14 ms  shown after 41 ms  cue after 88 ms  dropped 0",
        ),
        "work_lost": replace(
            work, body=None, count=4, phase="lost", phase_word=say("page.phase.lost"), level=None,
            cue=say("page.phase.lost"), recording="",
        ),
    }  # fmt: skip


def _after(say: Words, bridge: Definition) -> dict[str, Page]:
    rest_choices = (
        Choice("skip", say("page.rest.skip"), "1"),
        Choice("longer", say("page.rest.longer"), "2"),
        Choice("stop", say("page.rest.stop"), "Esc"),
    )
    lines = (
        say("page.summary.set", set=1, done=10, of=10), say("page.summary.set", set=2, done=9, of=10),
        say("page.summary.set", set=3, done=8, of=10), say("page.summary.small", count=2),
        say("page.summary.good", good=_GOOD[say.language]),
        say("page.summary.focus", focus=bridge.faults["over_extended"].cue),
        say("page.summary.pain", before=2, after=3), say("page.summary.saved_skeleton"),
    )  # fmt: skip
    return {
        "rest": Page(
            "rest", say("page.rest.title"),
            (say("page.rest.done", done=10, of=10), say("page.rest.next", set=2, sets=3)), rest_choices,
            cue=say("page.summary.focus", focus=bridge.faults["over_extended"].cue), seconds_left=42.3,
            footer=say("page.rest.footer"), recording="video",
        ),
        "summary": Page(
            "summary", say("page.summary.title"), leaves_of(lines)[0],
            (
                Choice("close", say("page.summary.close"), "1"),
                Choice("more", say("page.summary.more", leaf=1, leaves=len(leaves_of(lines))), "2"),
            ),
            footer=say("page.summary.footer"),
        ),
        "stopped": Page(
            "stopped", say("page.stopped.title"),
            (say("page.stopped.pain"), say("page.stopped.emergency"), say("page.stopped.noted")),
            (Choice("close", say("page.stopped.close"), "1"),), footer=say("page.stopped.footer"),
        ),
        "notice": Page(
            "notice", say("page.pain.advice_caution"), (),
            tuple(
                Choice(name, say(f"page.pain.{name}"), key)
                for key, name in (("1", "rest_more"), ("2", "stop_today"), ("3", "go_on"))
            ),
            footer=say("page.pain.footer"),
        ),
        "paused": Page(
            "paused", say("page.paused.title"), (say("page.paused.line"),),
            tuple(
                Choice(name, say(f"page.paused.{name}"), key)
                for key, name in (("1", "continue"), ("2", "end_set"), ("3", "stop"))
            ),
            footer=say("page.paused.footer"),
        ),
    }  # fmt: skip


def _day(say: Words, bridge: Definition, clam: Definition) -> dict[str, Page]:
    """Pages of a programme's day."""
    left = say("programme.part", exercise=clam.title, side=say("programme.side.left"))
    right = say("programme.part", exercise=clam.title, side=say("programme.side.right"))
    asked = say("programme.sets", sets=2, reps=10)
    held = f"{asked}, {say('programme.hold', seconds=5)}"
    rows = (
        Row("clam", "left", left, asked, say("programme.today.done"), done=True),
        Row("clam", "right", right, asked, say("programme.today.partly", done=3, of=20)),
        Row("bridge", None, bridge.title, held),
    )
    many = tuple(replace(rows[i % 3], state="", done=False) for i in range(8))
    why = say("programme.ladder.why.settling")
    twelve = say("programme.ladder.what.reps", n=12)
    state = DayState(
        _NAME[say.language],
        rows,
        begun=True,
        counted=58,
        kept="numbers",
        changes=(
            say("programme.agreed.raised", exercise=clam.title, what=twelve),
            say("programme.agreed.new", exercise=bridge.title),
        ),
        coming=right,
        coming_lines=(asked, say("programme.next.side_lying_right"), say("programme.next.stays")),
        drawing="clam//right",
        end_lines=(
            say("programme.end.part", exercise=left, done=20, of=20),
            say("programme.end.part", exercise=right, done=20, of=20),
            say("programme.end.part", exercise=bridge.title, done=18, of=20),
            say("programme.end.more", count=6),
            say("page.summary.pain", before=1, after=2),
            say("page.summary.focus", focus=bridge.faults["over_extended"].cue),
            say("programme.ladder.after_day", exercise=clam.title, what=twelve),
            say("programme.ladder.not_yet", exercise=bridge.title, what=twelve, why=why),
            say("programme.end.saved_numbers"),
        ),
    )
    place = bridge.views["feet"].setup
    moved = replace(state, coming=bridge.title, coming_lines=(place,), drawing="bridge/feet/")
    pages = DayPages(say, {})

    def at(day: DayState, selected: int = 0) -> FlowState:
        return FlowState(
            plan=None, consent="skeleton", moment=None, set_index=1, counted=0, done=(), partial=0, void=0,
            pain_before=None, pain_after=None, pain_told=None, selected=selected, seconds_left=24.0, cue="",
            cue_is_correction=False, notice="", stop_reason=None, problem=None,
            instruction="", focus=None, view=None, side=None, target=1.0, day=day,
        )  # fmt: skip

    return {
        "today": pages.today(at(state)),
        "today_many": pages.today(at(replace(state, rows=many, begun=False, planned=False, renew_weeks=9))),
        "safety_of_a_programme": pages.safety(at(state, 3)),
        "agreed": pages.agreed(at(state)),
        "next": pages.next(at(state)),
        "next_moved": pages.next(at(moved)),
        "next_told": pages.next(replace(at(moved), cue=say("programme.next.move", place=place))),
        "day_summary": pages.summary(at(state)),
    }
