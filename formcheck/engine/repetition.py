"""The repetition state machine (spec 6): one signal in, phases and repetitions out.

It sees only the normalised signal ``s`` (0 at rest, 1 at the calibrated range) and frame timestamps, and
never the clock. Decisions are causal; the times of a closed repetition are dated back from its samples,
so a late decision does not make a late phase.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import islice, takewhile

import numpy as np
from numpy.typing import NDArray

from formcheck.exercises.definition import Counting
from formcheck.measures.geometry import median

Array = NDArray[np.float64]

#: Classes of repetitions that count to the dose (spec 6.3): aborted ones were not done, void ones not seen.
COUNTED = ("full", "partial")
#: Central difference for speed (spec 6.1).
_SPEED_OVER_S = 0.10
#: A rise is looked for over this long: pictures that come three to five times a second, however often each is
#: shown, move in steps and stand still in between (docs/lab_notes.md, "Pictures that come in steps").
_RISE_OVER_S = 0.35
#: A phase lasts while the signal moves faster than this share of the phase's top speed.
_MOVING_SHARE = 0.06
#: The unseen slow end of a movement is never taken to be longer than this.
_UNSEEN_MAX_S = 0.40
#: A recording that ends below this share of the peak, or begins below it of the range, shows the repetition.
_MOSTLY_DOWN = 0.35
#: Below this share of the peak the body is on its way down, however much the signal shakes (a shaking one has
#: no speed to go by); above it a fall is a wobble at the top.
_WOBBLE = 0.60
#: A dip counts from so many standard deviations of the signal [D].
_SURE_DIP = 2.0
#: "At the top" and "at the bottom": within this share of the peak.
_TOP_BAND = 0.15
#: Lower for less than half of this is a glitch of the landmarks [D].
_GLITCH_S = 0.25
#: The peak of a long hold is dated at most so long after its start.
_TOP_REACHED_S = 1.0
#: History kept to date a start back: so long, or as long as a repetition may be.
_HISTORY_S = 40.0


@dataclass(frozen=True)
class RepTimes:
    """One repetition as the state machine saw it.

    Attributes:
        rep_class: ``full``, ``partial``, ``aborted`` or ``void`` (spec 6.3).
        start_s, hold_start_s, hold_end_s, end_s: phase limits; rise, hold and lower lie between them.
        peak_s, peak: middle of the top, and the highest level.
        seen: share of its frames in which the signal was there.
        gap: the person was lost inside it for a while.
        incomplete_return: a new rise began before the signal was back at rest.
        low_after: lowest level before the next repetition began, where the return was incomplete, else 0.
        cut_end: the recording ended during the lowering, which was mostly done.
        cut_start: it began during the rise, which had hardly begun.
        speed_peaks: separate bursts of speed in the rise or the lowering, whichever has more.
        hold_sag: share of the height at the start of the hold that was lost in it.
    """

    rep_class: str
    start_s: float
    hold_start_s: float
    hold_end_s: float
    end_s: float
    peak_s: float
    peak: float
    seen: float
    gap: bool
    incomplete_return: bool
    low_after: float
    cut_end: bool = False
    cut_start: bool = False
    speed_peaks: int = 1
    hold_sag: float = 0.0

    def phase_at(self, time_s: float) -> str:
        """``rise``, ``hold``, ``lower``, or ``rest`` outside."""
        if time_s < self.start_s or time_s > self.end_s:
            return "rest"
        if time_s < self.hold_start_s:
            return "rise"
        return "hold" if time_s <= self.hold_end_s else "lower"


class RepetitionCounter:
    """Feeds on ``(time, s)`` and closes repetitions.

    Args:
        rules: the definition's ``counting`` table.
    """

    def __init__(self, rules: Counting) -> None:
        self._rules = rules
        self._t: deque[float] = deque()
        self._s: deque[float] = deque()
        self.state = "rest"
        self._since: dict[str, float] = {}
        self._opened_s: float | None = None
        self._unseen_start = self._cut_start = False
        self._peak = -np.inf
        self._low, self._low_error = np.inf, 0.0
        self._before_lost = "rest"
        self._level_before_lost = 0.0
        self._last_seen_s: float | None = None
        self._gap = False
        self._frames = 0
        self._frames_seen = 0
        self._ended_s = -np.inf
        self._history_s = max(_HISTORY_S, rules.maximum_rep_s + 1.0)

    def update(self, time_s: float, s: float | None, error: float = 0.0) -> RepTimes | None:
        """One frame.

        Args:
            time_s: frame timestamp, seconds, later than the one before.
            s: normalised signal, or None where it could not be measured.
            error: its predicted standard deviation; what dips by less is no way down and up again.

        Returns:
            A repetition when this frame closes one, else None. `state` holds the phase.
        """
        self._frames += self._opened_s is not None
        if s is None or not math.isfinite(s):
            return self._missing(time_s)
        self._frames_seen += self._opened_s is not None
        closed, last_s = None, self._last_seen_s
        if last_s is not None and (self.state == "lost" or time_s - last_s > self._rules.lost_after_s):
            # Frames that never came (the computer slept) are as good as frames in which nobody was seen.
            closed = self._missing(time_s)
            if self.state == "lost":
                closed = self._found_again(time_s, s) or closed
        self._last_seen_s = time_s
        self._t.append(time_s)
        self._s.append(s)
        while self._t and time_s - self._t[0] > self._history_s:
            self._t.popleft()
            self._s.popleft()
        if closed is not None:
            return closed
        if last_s is None and s > self._rules.start_level:
            # The clip begins inside a movement: void, but where it has hardly begun.
            self._open(time_s, "lower" if s > self._rules.full_level else "rise")
            self._cut_start, self._unseen_start = True, s > _MOSTLY_DOWN
        return self._step(time_s, s, error if math.isfinite(error) else 0.0)

    def finish(self) -> RepTimes | None:
        """Close what is open at the end of the stretch: counted if it was mostly down, else void."""
        if self._opened_s is None or not self._t:
            return None
        half_down = self.state in ("lower", "lost") and self._s[-1] < _MOSTLY_DOWN * self._peak
        return self._close(self._t[-1], void=not half_down, cut_end=True)

    # --- one transition a frame -------------------------------------------------------------------

    def _step(self, t: float, s: float, error: float) -> RepTimes | None:
        rules = self._rules
        if self.state == "rest":
            rising = s > rules.start_level and self._speed(_RISE_OVER_S) > rules.start_speed_per_s
            if self._held("start", rising, t, rules.start_for_s):
                self._open(self._onset(t), "rise")
            return None
        self._peak = max(self._peak, s)
        if self._opened_s is not None and t - self._opened_s > rules.maximum_rep_s:
            return self._close(t, void=True)
        v = self._speed()
        fallen = self._peak >= rules.full_level and s < _WOBBLE * self._peak
        if self.state == "rise":
            slow = s >= rules.hold_level and abs(v) < rules.hold_speed_per_s
            if self._held("hold", slow, t, rules.hold_for_s):
                self._enter("hold")
            elif self._held("fall", fallen or v < -rules.lower_speed_per_s, t, rules.lower_for_s):
                self._enter("lower")
            elif self._held("rest", s < rules.rest_level, t, rules.rest_for_s):
                return self._close(t)
        elif self.state == "hold":
            leaving = fallen or (s < self._peak - rules.leave_hold_drop and v < -rules.leave_hold_speed_per_s)
            if self._held("leave", leaving, t, rules.leave_hold_for_s):
                self._enter("lower")
            elif self._held("rest", s < rules.rest_level, t, rules.rest_for_s):
                return self._close(t)
        elif self.state == "lower":
            if (lately := self._lately()) < self._low:
                self._low, self._low_error = lately, error
            if self._held("rest", s < rules.rest_level, t, rules.rest_for_s):
                return self._close(t)
            least = _SURE_DIP * self._low_error
            if s - self._low > max(rules.again_rise, least):
                if self._low > _WOBBLE * self._peak or self._peak - self._low < least:
                    # Not a return: the same repetition goes on.
                    self._enter("rise")
                    return None
                lowest = self._time_of_low()
                closed = self._close(lowest, incomplete=True)
                self._open(lowest, "rise")
                self._peak = s
                return closed
        return None

    def _open(self, start_s: float, state: str) -> None:
        self._opened_s = start_s
        self._unseen_start = self._cut_start = False
        self._peak = self._s[-1]
        self._gap = False
        self._frames = self._frames_seen = self._count_since(start_s)
        self._enter(state)

    def _count_since(self, time_s: float) -> int:
        """How many of the frames kept are not older than that."""
        return sum(1 for _ in takewhile(lambda t: t >= time_s, reversed(self._t)))

    def _enter(self, state: str) -> None:
        self.state = state
        self._since.clear()
        if state == "lower":
            self._low = np.inf

    def _lately(self) -> float:
        """Median level of the last moment: a glitch of a few frames is no return."""
        now = self._t[-1]
        recent = takewhile(
            lambda pair: now - pair[0] < _GLITCH_S, zip(reversed(self._t), reversed(self._s), strict=True)
        )
        return median(np.array([level for _, level in recent]))

    def _held(self, name: str, condition: bool, t: float, for_s: float) -> bool:
        """True once `condition` has been true without a break for `for_s`."""
        if not condition:
            self._since.pop(name, None)
            return False
        since = self._since.setdefault(name, t)
        # Half a millisecond of slack: frame times are rounded.
        return t - since >= for_s - 5e-4

    def _speed(self, over_s: float = _SPEED_OVER_S) -> float:
        """ds/dt over the last moments, per second."""
        t, s = self._t, self._s
        i = len(t) - 1
        while i > 0 and t[-1] - t[i] < over_s - 5e-4:
            i -= 1
        dt = t[-1] - t[i]
        return (s[-1] - s[i]) / dt if dt > 0 else 0.0

    # --- lost and found ---------------------------------------------------------------------------

    def _missing(self, t: float) -> RepTimes | None:
        if self._last_seen_s is None:
            return None
        missing_for = t - self._last_seen_s
        if self.state != "lost" and missing_for > self._rules.lost_after_s:
            self._before_lost = self.state
            self._level_before_lost = self._s[-1] if self._s else 0.0
            self.state = "lost"
        if self.state == "lost" and missing_for > self._rules.lost_end_s:
            closed = self._close(self._last_seen_s, void=True) if self._opened_s is not None else None
            self.state = "lost"
            self._before_lost = "rest"
            return closed
        return None

    def _found_again(self, t: float, s: float) -> RepTimes | None:
        self.state = self._before_lost
        self._since.clear()
        if self._opened_s is None:
            if s > self._rules.start_level:
                self._t.clear()
                self._s.clear()
                self._t.append(t)
                self._s.append(s)
                self._open(t, "rise")
                self._unseen_start = True
            return None
        if abs(s - self._level_before_lost) < self._rules.lost_jump:
            self._gap = True
            return None
        closed = self._close(self._last_seen_s or t, void=True)
        if s > self._rules.start_level:
            self._open(t, "rise")
            self._unseen_start = True
        return closed

    # --- closing ----------------------------------------------------------------------------------

    def _onset(self, now: float) -> float:
        """Last time the signal stood below the onset level before this rise."""
        for t, s in zip(reversed(self._t), reversed(self._s), strict=True):
            if s < self._rules.onset_level or t <= self._ended_s:
                return t
        return self._t[0] if self._t else now

    def _time_of_low(self) -> float:
        best_t, best_s = self._t[-1], np.inf
        for t, s in zip(reversed(self._t), reversed(self._s), strict=True):
            if s < best_s:
                best_t, best_s = t, s
            if s > best_s + self._rules.again_rise and best_s <= self._low + 1e-9:
                break
        return best_t

    def _close(
        self, end_s: float, void: bool = False, incomplete: bool = False, cut_end: bool = False
    ) -> RepTimes | None:
        rules = self._rules
        opened = self._opened_s if self._opened_s is not None else end_s
        # A little before the onset level too: that is where the movement really began, but never before
        # the repetition before was over.
        earliest = max(opened - 0.6, self._ended_s)
        recent = self._count_since(min(earliest, opened))
        t, s = (
            # np.array looks up a deque's items one by one
            np.fromiter(islice(kept, len(kept) - recent, None), np.float64, recent)
            for kept in (self._t, self._s)
        )
        inside = (t >= opened) & (t <= end_s)
        void = void or self._unseen_start
        seen = self._frames_seen / max(self._frames, 1)
        gap = self._gap
        self._opened_s = None
        self._ended_s = end_s
        self._enter("rest")
        if np.count_nonzero(inside) < 2 or s[inside].max() < rules.aborted_level:
            return None
        lead = (t >= earliest) & (t <= end_s)
        t, s = t[lead], s[lead]
        v = _smooth_speed(t, s)
        start, hold_start, hold_end, end, peak_i = phase_limits(t, s, v, rules.crossing_share)
        peak = float(s[peak_i])
        # The middle of the top (the highest sample of a flat one is chance), or soon after it is reached.
        peak_s = hold_start + min((hold_end - hold_start) / 2, _TOP_REACHED_S)
        if end - start < (rules.minimum_phase_s if void else rules.minimum_rep_s):
            return None
        if peak < (rules.partial_level if void else rules.aborted_level):
            return None
        if void or seen < rules.minimum_seen:
            rep_class = "void"
        elif peak >= rules.full_level:
            rep_class = "full"
        else:
            rep_class = "partial" if peak >= rules.partial_level else "aborted"
        if cut_end:
            end = min(end, end_s)
        held = s[(t >= hold_start) & (t <= hold_end)]
        return RepTimes(
            rep_class=rep_class,
            start_s=start,
            hold_start_s=hold_start,
            hold_end_s=hold_end,
            end_s=end,
            peak_s=peak_s,
            peak=peak,
            seen=seen,
            gap=gap,
            incomplete_return=incomplete,
            low_after=float(s[-1]) if incomplete else 0.0,
            cut_end=cut_end and s[-1] > rules.rest_level * peak,
            cut_start=self._cut_start,
            speed_peaks=max(
                count_speed_peaks(t, v, start, hold_start), count_speed_peaks(t, -v, hold_end, end)
            ),
            hold_sag=float(max(0.0, 1.0 - held.min() / held[0])) if held.size and held[0] > 0 else 0.0,
        )


def count_speed_peaks(t: Array, v: Array, start_s: float, end_s: float) -> int:
    """Separate bursts of speed `v` within a phase: a smooth movement has one.

    A burst counts when the speed falls off by a quarter of the phase's top speed on both sides of it.
    """
    inside = (t >= start_s) & (t <= end_s)
    if np.count_nonzero(inside) < 3:
        return 1
    v = v[inside]
    bursts = peaks(np.concatenate([[0.0], v, [0.0]]), 0.25 * max(float(v.max()), 1e-9))
    return max(len(bursts), 1)


def peaks(x: Array, least: float) -> list[int]:
    """Indices of the tops that `x` rises to by `least` and then falls from by as much, ripples left out.

    Those are the peaks of at least that prominence (as ``scipy.signal.find_peaks`` gives them).

    Args:
        x: ``(N,)``, which begins and ends low.
        least: more than 0.
    """
    found: list[int] = []
    values = x.tolist()
    top = 0
    low = values[0]
    rising = False
    for i, value in enumerate(values):
        if rising:
            if value > values[top]:
                top = i
            elif value <= values[top] - least:
                found.append(top)
                low, rising = value, False
        elif value < low:
            low = value
        elif value >= low + least:
            top, rising = i, True
    return found


def phase_limits(
    t: Array, s: Array, v: Array, crossing_share: float
) -> tuple[float, float, float, float, int]:
    """Where the movement starts, reaches the top, leaves it and ends, from a repetition's samples.

    A phase is the time around its fastest moment in which the signal moves faster than a small share of
    that top speed. (Crossing a level would cut both slow ends off every phase and call a 2 s lowering a
    fast one.)

    Args:
        t, s, v: ``(N,)`` times, levels and speeds, from shortly before the onset to the end.
        crossing_share: see `Counting`.

    Returns:
        start, hold start, hold end and end in seconds, and the index of the peak.
    """
    peak_i = int(np.argmax(s))
    if len(t) < 5:
        return float(t[0]), float(t[peak_i]), float(t[peak_i]), float(t[-1]), peak_i
    peak = max(float(s[peak_i]), 1e-6)
    top = np.flatnonzero(s >= peak - _TOP_BAND * peak)
    first_top, last_top = int(top[0]), int(top[-1])
    bottom = _TOP_BAND * peak
    # Rise: outwards from its fastest moment, down to the bottom and up to the top.
    before = max(first_top, 1)
    fastest = int(np.argmax(v[: before + 1]))
    moving = v > _MOVING_SHARE * v[fastest]
    start_i = _outwards(moving, s <= s[: fastest + 1].min() + bottom, fastest, -1, 0)
    rise_end_i = _outwards(moving, s >= peak - _TOP_BAND * peak, fastest, +1, peak_i)
    # Lowering: from its fastest moment back to the top and on to the bottom.
    fastest = last_top + int(np.argmin(v[last_top:]))
    moving = v < _MOVING_SHARE * v[fastest]
    fall_start_i = _outwards(moving, s >= peak - _TOP_BAND * peak, fastest, -1, rise_end_i)
    fall_start_i = max(fall_start_i, rise_end_i)
    end_i = _outwards(moving, s <= s[fastest:].min() + bottom, fastest, +1, len(t) - 1)
    level = median(s[rise_end_i : fall_start_i + 1])
    start, hold_start = _ends_of_flank(t, s, start_i, rise_end_i, level, t[0], t[peak_i], crossing_share)
    end, hold_end = _ends_of_flank(
        -t[::-1],
        s[::-1],
        len(t) - 1 - end_i,
        len(t) - 1 - fall_start_i,
        level,
        -t[-1] - _UNSEEN_MAX_S,
        -max(t[peak_i], hold_start),
        crossing_share,
    )
    return float(start), float(hold_start), float(max(-hold_end, hold_start)), float(-end), peak_i


def _ends_of_flank(
    t: Array,
    s: Array,
    low_i: int,
    top_i: int,
    top: float,
    earliest: float,
    latest: float,
    crossing_share: float,
) -> tuple[float, float]:
    """When a rise really began and reached the top, from when it crossed a tenth and nine tenths.

    The slow first and last moments of a movement drown in noise, but a movement that starts and stops
    smoothly (minimum jerk) spends a known share of its time between the two crossings.

    Args:
        t, s: times (ascending) and levels.
        low_i, top_i: between these indices the signal was seen to move.
        top: level at the top.
        earliest, latest: limits for the two answers.
        crossing_share: that known share.
    """
    base = float(s[low_i])
    flank_t, flank = t[low_i : top_i + 1], s[low_i : top_i + 1]
    seen_start, seen_end = float(t[low_i]), float(t[top_i])
    if len(flank) < 3 or top <= base:
        return seen_start, seen_end
    t90 = _crossing(flank_t, flank, base + 0.9 * (top - base))
    before = flank_t <= t90
    t10 = -_crossing(-flank_t[before][::-1], -flank[before][::-1], -(base + 0.1 * (top - base)))
    if not t90 > t10:
        return seen_start, seen_end
    beyond = (1 / crossing_share - 1) / 2 * (t90 - t10)
    start = min(seen_start, max(t10 - beyond, seen_start - _UNSEEN_MAX_S, earliest))
    end = max(seen_end, min(t90 + beyond, seen_end + _UNSEEN_MAX_S))
    return start, min(end, max(latest, seen_end))


def _crossing(t: Array, s: Array, level: float) -> float:
    """First time `s` comes up to `level`, between samples."""
    above = np.flatnonzero(s >= level)
    if above.size == 0:
        return float(t[-1])
    i = int(above[0])
    if i == 0:
        return float(t[0])
    return float(t[i - 1] + (level - s[i - 1]) / max(s[i] - s[i - 1], 1e-9) * (t[i] - t[i - 1]))


def _outwards(moving: NDArray[np.bool_], there: NDArray[np.bool_], at: int, step: int, limit: int) -> int:
    """Walk from `at` until the signal has arrived (`there`) and no longer moves, at most to `limit`."""
    i = at
    while (i - limit) * step < 0 and (moving[i + step] or not there[i + step]):
        i += step
    return i


def _smooth_speed(t: Array, s: Array) -> Array:
    """Slope of a straight line fitted over 0.2 s around each sample, per second."""
    half = 0.10
    lo = np.searchsorted(t, t - half - 1e-6)
    hi = np.searchsorted(t, t + half + 1e-6)

    # Running sums make every window's least-squares slope in one pass.
    def total(x: Array) -> Array:
        c = np.concatenate([[0.0], np.cumsum(x)])
        return np.asarray(c[hi] - c[lo])

    u = t - t[0]
    n, st, ss, stt, sts = (hi - lo).astype(float), total(u), total(s), total(u * u), total(u * s)
    spread = n * stt - st**2
    return np.where(spread > 1e-12, (n * sts - st * ss) / np.where(spread > 1e-12, spread, 1.0), 0.0)
