"""How far the pelvis has turned about the body's long axis, from a phone in the waistband.

Somebody who lies keeps the long axis nearly level, so a turn about it changes where up is in the phone:
gravity alone tells it, without drift. What turns about the plumb line changes nothing there and is not told:
the twist of the pelvis in a bridge, its tilt in a clam.

Which of the phone's axes is which of the body's follows from two moments: standing with the phone in place,
up is towards the head; lying still, up is where the exercise has it. What does not fit is refused, with a
reason. Standing tells the long axis to a few degrees only, and hips that lift let half of that leak into the
turn; lifts say more of it (`phone.long_axis`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from formcheck.phone.clock import CLOCK_LIMIT_S
from formcheck.phone.long_axis import AXIS_ERROR_DEG, MOST_LIFTS, axis_off
from formcheck.phone.sample import RATE, SAMPLE_COUNT, UP, Sample

Array = NDArray[np.float64]

#: At rest up is this near to where it should be; standing, the phone's top is this near to upwards [D].
REST_WITHIN_DEG = 40.0
UPRIGHT_WITHIN_DEG = 40.0
#: Upright, and turning slower than this, for so long counts as standing with the phone in place [D].
_STEADY_DEG_S = 30.0
_STOOD_S = 1.0
#: Of standing so many samples are kept, this far apart.
_STOOD_EVERY_S = 0.05
_STOOD_ROWS = 40
#: Rest is looked at over this long, and told by so many samples.
_REST_S = 2.0
_REST_SAMPLES = 10
#: At rest nothing wanders by more than this.
_STILL_DEG = 4.0
#: Samples further apart than this leave a gap.
GAP_S = 0.25
#: The turn at a frame is read off a line through so much before it: the newest sample is a little older.
_LINE_S = 0.15
#: Rest that lies further off than this, for so long, no longer returns: the phone has slipped [D].
SLIPPED_DEG = 8.0
_SLIPPED_S = 1.0
#: No pelvis turns so far while its body lies: the phone is somewhere else.
_FARTHEST_DEG = 60.0
#: Nearer to the plumb line than this the long axis is not level, and nothing turns about it. On the side no
#: hip hikes so far as a thigh rises that lies at 45 degrees to the body: the phone is in a pocket on it [D].
_LEVEL_DEG = {"back": 60.0, "side": 20.0}
#: Found on phones simulated on rendered bodies (docs/validation.md, "A phone on the pelvis"): what is left in
#: the best case, degrees, and how much later than its time a sample is.
_LEAST_ERROR_DEG = 1.0
_LATE_S = 0.02
#: In a lift the long axis leans at least so far; its top are the frames beyond this share of the farthest.
_LIFTED_DEG = 12.0
_TOP_SHARE = 0.75
_LIFT_FRAMES = 5
_LIFT_MOST_FRAMES = 3000
#: How far rest has returned is told by so many of its last frames.
_BACK_FRAMES = 15
#: Kept so long.
_KEEP_S = 4.0


class Worn(IntEnum):
    """Whether the phone tells anything now, and why not."""

    OK = 0
    #: Nothing has come for a while.
    SILENT = 1
    #: The clocks could not be matched.
    CLOCK = 2
    #: Nobody lay still with it yet.
    NO_REST = 3
    #: It was never seen upright while its bearer stood: which end points to the head is not known.
    NOT_STOOD = 4
    #: Its top points to the feet.
    UPSIDE_DOWN = 5
    #: Its screen looks at the body.
    INWARD = 6
    #: It lies across the body, or not on its front: in a pocket, say.
    ELSEWHERE = 7
    #: Rest does not return.
    SLIPPED = 8

    @property
    def word(self) -> str:
        """As it stands in events and in the words for patients."""
        return self.name.lower()


class PelvisTurn(NamedTuple):
    """What the phone tells of one frame.

    Attributes:
        turn_deg: about the body's long axis since rest, right-handed about the direction to the head; NaN
            where it tells nothing.
        error_deg: standard deviation expected of it; NaN likewise.
        state: whether it tells anything, and why not.
    """

    turn_deg: float
    error_deg: float
    state: Worn


@dataclass(frozen=True)
class Placement:
    """Where the phone sits, in its own axes.

    Attributes:
        along: ``(3,)`` to the head, at right angles to `up`.
        up: ``(3,)`` up, at rest.
        state: `Worn.OK`, or why it does not fit; then the others mean nothing.
    """

    along: Array
    up: Array
    state: Worn = Worn.OK


def placement(
    rest: Array, stood: Array | None, lies_on: Literal["side", "back"], top: str | None
) -> Placement:
    """Where the phone sits, or why it cannot be used.

    Args:
        rest: ``(N, 3)`` up, of a body that lies still.
        stood: ``(3,)`` up, while its bearer stood or sat upright; None where that was not seen.
        lies_on: how the exercise lies.
        top: on the side: which side of the body is on top, ``"left"`` or ``"right"``.
    """
    up = _unit(np.median(rest, axis=0))
    # Upright with the screen outwards: x is the patient's left, y the head, z the front.
    wanted = (
        np.array([0.0, 0.0, 1.0]) if lies_on == "back" else np.array([1.0 if top == "left" else -1.0, 0, 0])
    )
    near = float(up @ wanted)
    limit = np.cos(np.radians(REST_WITHIN_DEG))

    def refused(state: Worn) -> Placement:
        return Placement(np.zeros(3), up, state)

    if abs(near) < limit:
        return refused(Worn.ELSEWHERE)
    if stood is None:
        return refused(Worn.NOT_STOOD)
    if stood[1] < 0:
        return refused(Worn.UPSIDE_DOWN)
    if near < 0:
        return refused(Worn.INWARD)
    return Placement(_unit(stood - (stood @ up) * up), up)


def turn_about(up: Array, at: Placement) -> Array:
    """``(N,)`` turn about the long axis since rest, degrees, right-handed about the way to the head.

    Args:
        up: ``(N, 3)``.
        at: where it sits.
    """
    beside = np.cross(at.along, at.up)
    # A body that turns one way sees up turn the other way.
    return np.asarray(-np.degrees(np.arctan2(up @ beside, up @ at.up)))


def leaning(up: Array, at: Placement) -> Array:
    """``(N,)`` how far the long axis points up, degrees since rest: hips that lift, or one that hikes."""
    return np.asarray(np.degrees(np.arcsin(np.clip(up @ at.along, -1.0, 1.0))))


def turn_error(
    lean_deg: Array | float,
    speed_deg_s: Array | float,
    late_s: Array | float,
    axis_deg: float = AXIS_ERROR_DEG,
) -> Array:
    """Standard deviation expected of a turn, degrees.

    Args:
        lean_deg: see `leaning`: it leaks into the turn by as much as the long axis is off.
        speed_deg_s: how fast the turn changes.
        late_s: how far its time may be off, the age of the newest sample included.
        axis_deg: standard deviation expected of how far the long axis is off.
    """
    leak = np.radians(axis_deg) * np.asarray(lean_deg)
    late = np.asarray(speed_deg_s) * (np.asarray(late_s) + _LATE_S)
    return np.asarray(np.sqrt(_LEAST_ERROR_DEG**2 + leak**2 + late**2))


class Upright:
    """Notices that the bearer stands, with the phone in place.

    Attributes:
        up: ``(3,)`` up in the phone, when its bearer stood last; None before that.
    """

    def __init__(self) -> None:
        self.up: Array | None = None
        self._stood: list[Array] = []
        # Of the time during which it is on its end: its samples, a few a second, and up in it.
        self._rows: list[Array] = []
        self._last_s = -np.inf
        self._up = np.zeros(3)

    @property
    def samples(self) -> Array:
        """``(N, 9)`` samples by which it was noticed: another one that gets these notices the same."""
        return np.array(self._stood).reshape(-1, SAMPLE_COUNT)

    def add(self, row: Array) -> None:
        """One sample, ``(9,)``, later than those before."""
        up, t = row[UP], float(row[Sample.TIME_S])
        speed = float(np.linalg.norm(np.nan_to_num(row[RATE])))
        on_end = abs(up[1]) >= np.cos(np.radians(UPRIGHT_WITHIN_DEG))
        gone_on = t - self._last_s <= GAP_S and up[1] * self._up[1] > 0
        self._last_s = t
        if not on_end or speed > _STEADY_DEG_S:
            self._rows, self._last_s = [], -np.inf
            return
        if not gone_on:
            self._rows, self._up = [row], up
            return
        self._up = self._up + 0.1 * (up - self._up)
        if t - self._rows[-1][Sample.TIME_S] >= _STOOD_EVERY_S:
            self._rows = [*self._rows, row][-_STOOD_ROWS:]
        if t - self._rows[0][Sample.TIME_S] >= _STOOD_S:
            self.up, self._stood = _unit(self._up), self._rows


class WornPhone:
    """A phone in the waistband through a session, fed in the order in which its samples came.

    Args:
        lies_on: how the exercise lies.
    """

    def __init__(self, lies_on: Literal["side", "back"]) -> None:
        self._lies_on: Literal["side", "back"] = lies_on
        self._recent: deque[Array] = deque()
        self._upright = Upright()
        self._at = Placement(np.zeros(3), np.zeros(3), Worn.NO_REST)
        self._off_s: float | None = None
        # What lifts have told of the long axis, and since which standing; by how much it is turned for that,
        # and how far off it may still be, degrees.
        self._lifts: deque[float] = deque(maxlen=MOST_LIFTS)
        self._stood: Array | None = None
        self._turned_deg, self._axis_deg = 0.0, AXIS_ERROR_DEG
        # Turns and leans of the lift under way, and turns of the rest before it.
        self._lift: deque[tuple[float, float]] = deque(maxlen=_LIFT_MOST_FRAMES)
        self._back: deque[float] = deque([0.0], maxlen=_BACK_FRAMES)

    @property
    def state(self) -> Worn:
        """How it sat at the last rest, or that it has slipped since."""
        return self._at.state

    def add(self, samples: Array) -> None:
        """Samples that came since the last frame.

        Args:
            samples: ``(N, 9)``, see `Sample`. What is older than what came before is left out.
        """
        for row in np.asarray(samples, np.float64).reshape(-1, SAMPLE_COUNT):
            if self._recent and row[Sample.TIME_S] <= self._recent[-1][Sample.TIME_S]:
                continue
            self._recent.append(row)
            self._upright.add(row)
        while self._recent and self._recent[-1][Sample.TIME_S] - self._recent[0][Sample.TIME_S] > _KEEP_S:
            self._recent.popleft()

    def settle(self, time_s: float, top: str | None) -> Worn:
        """The body has lain still until this moment: zero, and where the phone sits.

        Args:
            time_s: on the session's clock.
            top: see `placement`.
        """
        rows = self._between(time_s - _REST_S, time_s)
        self._off_s = None
        self._lift.clear()
        self._back = deque([0.0], maxlen=_BACK_FRAMES)
        before = self._at
        self._at = Placement(np.zeros(3), np.zeros(3), Worn.NO_REST)
        if len(rows) >= _REST_SAMPLES:
            at = placement(rows[:, UP], self._upright.up, self._lies_on, top)
            if np.median(_apart_deg(rows[:, UP], at.up)) <= _STILL_DEG:
                self._at = self._as_learned(at, before)
        return self.state

    def read(self, time_s: float, *, resting: bool) -> PelvisTurn:
        """What it tells of a frame.

        Args:
            time_s: of the frame, on the session's clock.
            resting: the body is known to lie as at rest, by the camera.
        """
        if self._at.state is not Worn.OK:
            return _nothing(self._at.state)
        rows = self._between(time_s - GAP_S - _LINE_S, time_s + _LINE_S)
        if not len(rows) or time_s - rows[-1, Sample.TIME_S] > GAP_S:
            self._off_s = None
            return _nothing(Worn.SILENT)
        last = rows[-1]
        if last[Sample.CLOCK_S] > CLOCK_LIMIT_S:
            return _nothing(Worn.CLOCK)
        line = rows[rows[:, Sample.TIME_S] >= min(last[Sample.TIME_S], time_s) - _LINE_S]
        turns, lean = turn_about(line[:, UP], self._at), float(leaning(line[:, UP], self._at).mean())
        turn, speed = _read_off(line[:, Sample.TIME_S] - time_s, turns)
        if abs(turn) > _FARTHEST_DEG or abs(lean) > _LEVEL_DEG[self._lies_on]:
            self._at = replace(self._at, state=Worn.ELSEWHERE)
            return _nothing(self._at.state)
        if self._has_slipped(time_s, max(abs(turn), abs(lean)), resting):
            self._at = replace(self._at, state=Worn.SLIPPED)
            return _nothing(self._at.state)
        late = last[Sample.CLOCK_S] + max(time_s - last[Sample.TIME_S], 0.0)
        if not resting:
            self._lift.append((turn, lean))
        else:
            if self._lift:
                self._learn(turn)
            self._back.append(turn)
        # By so much rest has not returned: the phone has moved, or the body, and which is not known.
        off = max(abs(float(np.median(self._back))) - _LEAST_ERROR_DEG, 0.0)
        error = float(np.hypot(turn_error(lean, speed, late, self._axis_deg), off))
        return PelvisTurn(turn, error, Worn.OK)

    def _learn(self, back_deg: float) -> None:
        """A lift is over and the turn is this again: what it showed of the long axis holds from now on."""
        turns, leans = np.array(self._lift).T
        self._lift.clear()
        self._back.clear()
        farthest = float(np.abs(leans).max())
        top = np.abs(leans) >= _TOP_SHARE * farthest
        came_back = abs(back_deg) <= _STILL_DEG  # else it has moved, and the lift tells of that
        if self._lies_on != "back" or farthest < _LIFTED_DEG or top.sum() < _LIFT_FRAMES or not came_back:
            return
        shown = float(np.median(turns[top]) / np.tan(np.radians(np.median(leans[top]))))
        self._lifts.append(self._turned_deg + shown)
        before = self._turned_deg
        self._turned_deg, self._axis_deg = axis_off(self._lifts)
        more, along, up = np.radians(self._turned_deg - before), self._at.along, self._at.up
        self._at = replace(self._at, along=_unit(np.cos(more) * along + np.sin(more) * np.cross(up, along)))

    def _as_learned(self, at: Placement, before: Placement) -> Placement:
        """A new resting position; what lifts told holds as long as the phone stays where it was."""
        same = self._stood is self._upright.up and before.along.any()
        if at.state is Worn.OK and same and _apart_deg(before.up[None], at.up)[0] <= _STILL_DEG:
            return replace(at, along=_unit(before.along - (before.along @ at.up) * at.up))
        self._lifts.clear()
        self._stood, self._turned_deg, self._axis_deg = self._upright.up, 0.0, AXIS_ERROR_DEG
        return at

    def _between(self, start_s: float, end_s: float) -> Array:
        some = [row for row in self._recent if start_s <= row[Sample.TIME_S] <= end_s]
        return np.array(some).reshape(-1, SAMPLE_COUNT)

    def _has_slipped(self, time_s: float, off_deg: float, resting: bool) -> bool:
        if not resting or off_deg <= SLIPPED_DEG:
            self._off_s = None
            return False
        self._off_s = time_s if self._off_s is None else self._off_s
        return time_s - self._off_s >= _SLIPPED_S


def _read_off(t: Array, turns: Array) -> tuple[float, float]:
    """Value at 0 and slope of the line through some turns; a single one stands for itself."""
    if len(t) < 3 or t[-1] - t[0] < _LINE_S / 3:
        return float(turns[-1]), 0.0
    middle = t.mean()
    slope = float(((t - middle) @ (turns - turns.mean())) / ((t - middle) @ (t - middle)))
    return float(turns.mean() - slope * middle), abs(slope)


def _apart_deg(some: Array, other: Array) -> Array:
    """``(N,)`` angles between directions and another one."""
    return np.asarray(np.degrees(np.arccos(np.clip(some @ other, -1.0, 1.0))))


def _nothing(state: Worn) -> PelvisTurn:
    return PelvisTurn(float("nan"), float("nan"), state)


def _unit(vector: Array) -> Array:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
