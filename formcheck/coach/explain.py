"""What is told before an exercise begins: on which side, where the laptop goes, and how it is done.

One way for both: a programme's day tells it before each of its exercises, a single session before its own.
"""

from __future__ import annotations

from formcheck.coach.plan import PastPractice, SessionPlan
from formcheck.words import Words

#: How an exercise is done is told on its first days only [D].
TOLD_DAYS = 2
#: A sentence by its key, and what stands in it.
Sentence = tuple[str, dict[str, object]]


def how_it_is_done(words: Words, exercise: str) -> tuple[str, ...]:
    """Keys of the sentences that tell how an exercise is done; none for one without them."""
    keys = [f"show.{exercise.replace('-', '_')}.line_{number}" for number in (1, 2, 3)]
    return tuple(key for key in keys if key in words)


def is_new(history: PastPractice) -> bool:
    """Whether how it is done has still to be told: not after its first days, nor twice on one of them."""
    return history.days < TOLD_DAYS and not history.today


def explanation(
    words: Words, plan: SessionPlan, before: SessionPlan | None = None, *, new: bool, first_lying: bool
) -> list[Sentence]:
    """Side, place, how it is done, and hold; the exercise's name stands before it.

    Args:
        words: the patient's language.
        plan: of the exercise that comes.
        before: of the one done just before, or None.
        new: how it is done has still to be told.
        first_lying: it is the first today that is done lying, so the arm that pauses it is told.
    """
    out: list[Sentence] = []
    other = before is None or before.definition.name != plan.definition.name
    begins = before is None and new
    if begins:
        out.append(("page.setup.hands_free", {}))
    moves = before is not None and before.place != plan.place and bool(plan.views)
    if plan.side is not None:
        if plan.definition.posture.startswith("side_lying"):
            how = "on_top" if other else "side_lying"
        else:
            how = "with" if other else "other"
        out.append((f"programme.next.{how}_{plan.side}", {}))
        if plan.near_leg and not moves:
            out.append((f"programme.next.towards_{plan.side}", {}))
    if plan.views and (moves or begins):
        place = plan.definition.views[plan.views[0]].setup
        out.append((f"programme.next.{'move' if moves else 'place'}", {"place": place}))
    if new and other:
        out += [(key, {}) for key in how_it_is_done(words, plan.definition.name)]
        if first_lying:
            out.append(("show.arm", {}))
    if plan.hold_s >= 1 and other:
        key = "programme.next.hold_one" if plan.hold_s == 1 else "programme.next.hold"
        out.append((key, {"seconds": f"{plan.hold_s:g}"}))
    if before is not None and plan.definition.phone_worn and not before.definition.phone_worn:
        out.append(("phone.place", {}))
    return out
