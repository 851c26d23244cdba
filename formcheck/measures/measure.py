"""All measures of an exercise over frames, each with its status: value minus rest, then the gates.

One function serves a whole recording and a single live frame; the same landmarks and the same reference
always give the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import cast

import numpy as np
from numpy.typing import NDArray

from formcheck.errors import FormcheckError, printable
from formcheck.exercises.definition import Definition, LyingDef
from formcheck.measures.error import knows_what_it_sees, lying_error
from formcheck.measures.formulas import Formulas
from formcheck.measures.geometry import norm
from formcheck.measures.places import PLACED
from formcheck.measures.reference import Reference
from formcheck.measures.table import NOT_MEASURABLE, MeasureTable, Reason, Status
from formcheck.pose import frame_arrays as arrays
from formcheck.pose.landmarks import Landmark, other_side, side_landmark
from formcheck.pose.lying_reading import Lying

Array = NDArray[np.float64]

_HIPS = {Landmark.LEFT_HIP, Landmark.RIGHT_HIP}
#: Closer than this to the edge of the picture (share of its size) a body part is cut off, and the model
#: puts its landmark where it would still fit.
_EDGE = 0.01
#: Closer than this (trunk lengths) what lies beyond it, a foot beyond an ankle, is likely cut off.
_NEAR_EDGE = 0.1


def formulas(definition: Definition) -> Formulas:
    """The module of formulas that an exercise's definition names.

    Raises:
        FormcheckError: there is no such module in `formcheck.measures`.
    """
    return formulas_called(definition.measured_by)


@cache
def formulas_called(name: str) -> Formulas:
    """The module of formulas of that name; see `formulas`."""
    # The name may come out of a session made by anybody.
    full = f"formcheck.measures.{name}"
    if name.isidentifier() and find_spec(full) is not None:
        module = import_module(full)
        if hasattr(module, "quantities"):
            return cast(Formulas, module)
    raise FormcheckError(
        f"No measures are called '{printable(name, 60)}': an exercise definition names a module of "
        "formcheck/measures in 'measured_by'."
    )


def raw_values(
    definition: Definition,
    xy: NDArray[np.floating],
    world: NDArray[np.floating],
    ref: Reference,
    where: NDArray[np.bool_] | None = None,
) -> dict[str, Array]:
    """Quantities before the resting value is taken off; see `Formulas.quantities`.

    Args:
        definition, xy, world, ref: see `measure`.
        where: ``(T,)`` of which frames; by default of all.
    """
    quantities = formulas(definition).quantities

    def of(frames: slice) -> dict[str, Array]:
        some = slice(None) if where is None else where[frames]
        return quantities(
            np.asarray(xy[frames][some], np.float64), np.asarray(world[frames][some], np.float64), ref
        )

    if len(xy) <= arrays.PIECE:
        return of(slice(None))
    count, done = len(xy) if where is None else int(np.count_nonzero(where)), 0
    names: list[str] = []
    for piece in arrays.pieces(len(xy)):
        found = of(piece)
        if not names:
            names = list(found)
            values = arrays.empty((len(names), count), np.float64)
        new = len(found[names[0]])
        values[:, done : done + new] = list(found.values())
        done += new
    return dict(zip(names, values, strict=True))


class Measurer:
    """The measures of one exercise against one reference, with what no frame changes worked out once.

    Args:
        definition: the exercise.
        ref: view, scale and resting values.
    """

    def __init__(self, definition: Definition, ref: Reference) -> None:
        self._definition = definition
        self._ref = ref
        self._of: _Changes | None = None
        module = self._module = formulas(definition)
        names = self._names = tuple(definition.measures)
        fixed = [_before_looking(name, definition, ref, module) for name in names]
        self._status = np.array([status for status, _ in fixed], np.uint8)
        self._reason = np.array([reason for _, reason in fixed], np.uint8)
        self._shown = np.array(
            [
                ref.view != "unknown"
                and definition.measures[name].trust(ref.view, bool(ref.turned)) is not None
                for name in names
            ]
        )
        needs: dict[str, list[Landmark]] = module.needs(ref)
        self._read = _read_measures(definition, ref.view) if ref.turned else {}
        #: Of these the landmarks tell a part, and all where nothing was read.
        self._share = {i: share for i in self._read if (share := _share(definition, names[i], ref.view))}
        self._alone = [i for i in self._read if i not in self._share]
        self._felt = _felt_measures(definition, ref)
        self._by_phone = [i for i, m in enumerate(definition.measures.values()) if m.phone is not None]
        # The network looks at the whole body: only what it turns around must be in the picture.
        needs |= {names[i]: list(_HIPS) for i in self._alone} | {names[i]: [] for i in self._felt}
        self._shown[list(self._felt)] = False  # the phone tells it of somebody the camera does not see, too
        self._needed = _padded([needs[name] for name in names])
        self._stands_on_points = np.array([bool(needs[name]) for name in names])
        judged = [[i for i in needs[name] if i not in _HIPS] for name in names]
        self._judged, self._any_judged = _padded(judged), np.array([bool(row) for row in judged])
        self._placed = _padded([[Landmark(i) for i in PLACED.get(name, [])] for name in names])
        self._is_place = np.array([name in PLACED for name in names])
        self._edges_of: tuple[tuple[int, int], np.dtype] | None = None
        bones = {bone: (ref.near, *ends) for bone, ends in module.BONES.items()}
        shanks = {f"shank_{side}": (side, "knee", "ankle") for side in ("left", "right")}
        both = bones | shanks
        self._bone_ends = np.array([[side_landmark(s, a), side_landmark(s, b)] for s, a, b in both.values()])
        rest = [ref.bones_px.get(bone, np.nan) for bone in bones]
        self._bone_rest = np.array([*rest, *[ref.bones_px.get("longer_shank", np.nan)] * len(shanks)])
        # A free leg points where it likes.
        self._bone_free = np.array(
            [*[False] * len(bones), *(ref.side not in (None, side) for side in ("left", "right"))]
        )
        watched = {"side": module.BONES_OF, "feet": module.SHANKS_OF}.get(ref.view, {})
        self._bones_of = np.array([[bone in watched.get(name, ()) for name in names] for bone in both])

    def __call__(
        self,
        *,
        time_s: NDArray[np.float64],
        xy: NDArray[np.floating],
        world: NDArray[np.floating],
        visibility: NDArray[np.floating],
        person: NDArray[np.bool_],
        image_wh: tuple[int, int],
        lying: NDArray[np.float32] | None = None,
        phone: Array | None = None,
    ) -> MeasureTable:
        """Measures of T frames; see `measure`.

        `phone`: ``(T, 2)`` turn about the long axis and its error, degrees, NaN where a phone in the
        waistband tells none; see `formcheck.phone.worn.PelvisTurn`.
        """
        time_s = np.asarray(time_s, np.float64)
        if len(time_s) <= arrays.PIECE:
            return MeasureTable(
                self._names, time_s, *self._piece(xy, world, visibility, person, image_wh, lying, phone)
            )
        table = MeasureTable.empty(self._names, time_s)
        for one in arrays.pieces(len(time_s)):
            turned = None if lying is None else lying[one]
            felt = None if phone is None else phone[one]
            found = self._piece(xy[one], world[one], visibility[one], person[one], image_wh, turned, felt)
            table.value[one], table.status[one], table.reason[one] = found
        return table

    def values(
        self,
        xy: NDArray[np.floating],
        world: NDArray[np.floating],
        lying: NDArray[np.float32] | None = None,
    ) -> Array:
        """``(T, M)`` values of T frames, whether they can be believed or not."""
        if len(xy) <= arrays.PIECE:
            return self._values(xy, world, lying)
        out = arrays.empty((len(self._names), len(xy)), np.float64).T
        for one in arrays.pieces(len(xy)):
            out[one] = self._values(xy[one], world[one], None if lying is None else lying[one])
        return out

    def read_sd(self, lying: NDArray[np.float32] | None, phone: Array | None = None) -> dict[int, Array]:
        """``(T,)`` error of each measure that something else than the landmarks tells, by its column: the
        network for people who lie (see `lying_error`), or a phone. Nothing where they tell none."""
        out = {} if phone is None else dict.fromkeys(self._felt, phone[:, 1])
        if lying is not None:
            view = self._ref.view
            for i in self._alone:
                least = self._definition.measures[self._names[i]].usual_error(view) or 0.0
                out[i] = np.maximum(lying_error(self._read[i], view, lying) / self._lying(i).per, least)
        return out

    def mean_error(self, lying: NDArray[np.float32] | None) -> dict[int, Array]:
        """``(T,)`` usual error of each measure that is a mean of landmarks and the network's reading, by its
        column; the landmarks' own where nothing was read."""
        out: dict[int, Array] = {}
        if lying is None:
            return out
        for i in self._share:
            of = self._definition.measures[self._names[i]]
            read = np.isfinite(_turned(self._read[i], lying, self._ref, len(lying)))
            errors = (of.usual_error(self._ref.view, by_network) or 0.0 for by_network in (True, False))
            out[i] = np.where(read, *errors)
        return out

    def _piece(
        self,
        xy: NDArray[np.floating],
        world: NDArray[np.floating],
        visibility: NDArray[np.floating],
        person: NDArray[np.bool_],
        image_wh: tuple[int, int],
        lying: NDArray[np.float32] | None,
        phone: Array | None,
    ) -> tuple[Array, NDArray[np.uint8], NDArray[np.uint8]]:
        """``(T, M)`` values, states and reasons."""
        values = self._values(xy, world, lying, phone)
        status, reason = self._judge(xy, visibility, image_wh)
        if self._alone:
            unread = np.zeros(values.shape, bool)
            unread[:, self._alone] = ~_has_rest(lying, self._ref, len(values))[:, None]
            _mark(status, reason, unread, Status.NOT_MEASURABLE, Reason.BASELINE)
            unlike = np.zeros(values.shape, bool)
            unlike[:, self._alone] = ~np.isfinite(values[:, self._alone])
            _mark(status, reason, unlike, Status.NOT_MEASURABLE, Reason.NOISE)
        if self._felt:
            silent = np.zeros(values.shape, bool)
            silent[:, self._by_phone] = True if phone is None else ~np.isfinite(phone[:, :1])
            _mark(status, reason, silent, Status.NOT_MEASURABLE, Reason.PHONE)
        _mark(status, reason, ~np.isfinite(values), Status.NOT_MEASURABLE, Reason.GEOMETRY)
        if not person.all():
            absent = ~person[:, None] & self._shown
            status[absent], reason[absent] = Status.NOT_MEASURABLE, Reason.NO_PERSON
        values[status == NOT_MEASURABLE] = np.nan
        return values, status, reason

    def _values(
        self,
        xy: NDArray[np.floating],
        world: NDArray[np.floating],
        lying: NDArray[np.float32] | None,
        phone: Array | None = None,
    ) -> Array:
        """``(T, M)`` values, the resting ones taken off."""
        raw = raw_values(self._definition, xy, world, self._ref)
        if self._of is None:
            self._of = _Changes(tuple(raw), self._module, self._ref)
        values = self._of(_columns(raw.values()))
        named = dict(zip(raw, values.T, strict=True))
        for i, reading in self._read.items():
            name, of = self._names[i], self._lying(i)
            turned = _turned(reading, lying, self._ref, len(values)) / of.per
            for other, share in of.plus.items():
                turned = turned + share * np.nan_to_num(np.maximum(named[other], 0.0))
            if i in self._share:
                told = named[name]
                turned = np.where(np.isfinite(turned), told + self._share[i] * (turned - told), told)
            named[name] = turned
        for i, sign in self._felt.items():
            named[self._names[i]] = np.full(len(values), np.nan) if phone is None else sign * phone[:, 0]
        named |= self._module.derived(named, self._ref)
        return _columns(named[name] for name in self._names)

    def _lying(self, i: int) -> LyingDef:
        """How a measure is made of the network's reading."""
        lying = self._definition.measures[self._names[i]].lying
        assert lying is not None
        return lying

    def _judge(
        self, xy: NDArray[np.floating], visibility: NDArray[np.floating], image_wh: tuple[int, int]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """``(T, M)`` status and reason, worst gate last."""
        gates, n = self._definition.gates, len(xy)
        status, reason = (np.empty((n, len(self._names)), np.uint8) for _ in range(2))
        status[:], reason[:] = self._status, self._reason
        if self._bones_of.any():
            ends = xy[:, self._bone_ends]
            length = norm(ends[:, :, 0] - ends[:, :, 1])
            held = np.abs(length / self._bone_rest - 1.0) <= gates.bone_tolerance
            missing = ~(held | self._bone_free)
            if missing.any():
                broken = np.asarray((missing[:, :, None] & self._bones_of).any(axis=1), bool)
                _mark(status, reason, broken, Status.LOW, Reason.OCCLUDED)
        least = visibility[:, self._judged].min(axis=2)
        poor = (least < gates.visibility_ok) & self._any_judged
        if poor.any():
            _mark(status, reason, poor, Status.LOW, Reason.OCCLUDED)
            poorer = (least < gates.visibility_low) & self._any_judged
            _mark(status, reason, poorer, Status.NOT_MEASURABLE, Reason.OCCLUDED)
        if self._edges_of != (image_wh, xy.dtype):
            self._edges_of = image_wh, xy.dtype
            size, margin = np.array(image_wh, xy.dtype), _NEAR_EDGE * self._ref.length_px
            self._low, self._high = _EDGE * size, (1 - _EDGE) * size
            self._near_low = np.maximum(self._low, margin).astype(xy.dtype)
            self._near_high = np.minimum(self._high, size - margin).astype(xy.dtype)
        near = (xy < self._near_low) | (xy > self._near_high)
        if near.any():
            outside = (xy < self._low) | (xy > self._high)
            for mask, to in ((outside, Status.NOT_MEASURABLE), (near, Status.LOW)):
                cut = np.asarray(np.asarray(mask.any(axis=2))[:, self._needed].any(axis=2), bool)
                _mark(status, reason, cut & self._stands_on_points, to, Reason.OUT_OF_FRAME)
            # What lies outside of the picture is guessed: it cannot be told to have left its place.
            guessed = np.asarray(np.asarray(outside.any(axis=2))[:, self._placed].any(axis=2), bool)
            _mark(status, reason, guessed & self._is_place, Status.NOT_MEASURABLE, Reason.OUT_OF_FRAME)
        return status, reason


class _Changes:
    """Takes the resting values off, all measures at once.

    Args:
        names: M measures, in order.
        module: tells which of them are changes, and which ratios.
        ref: resting values.
    """

    def __init__(self, names: tuple[str, ...], module: Formulas, ref: Reference) -> None:
        def resting(some: frozenset[str], none: float) -> Array:
            return np.array([ref.rest.get(name, np.nan) if name in some else none for name in names])

        self._off, self._by = resting(module.CHANGES, 0.0), resting(module.RATIOS - module.CHANGES, 1.0)
        self._turned = [i for i, n in enumerate(names) if n in module.CHANGES and n.endswith("_deg")]

    def __call__(self, values: Array) -> Array:
        """``(T, M)`` of ``(T, M)``."""
        out = (values - self._off) / self._by
        out[:, self._turned] = (out[:, self._turned] + 180.0) % 360.0 - 180.0
        return out


def measure(
    definition: Definition,
    ref: Reference,
    *,
    time_s: NDArray[np.float64],
    xy: NDArray[np.floating],
    world: NDArray[np.floating],
    visibility: NDArray[np.floating],
    person: NDArray[np.bool_],
    image_wh: tuple[int, int],
    lying: NDArray[np.float32] | None = None,
) -> MeasureTable:
    """Measures of T frames against a reference.

    Args:
        definition: the exercise.
        ref: view, scale and resting values.
        time_s: ``(T,)``.
        xy: ``(T, 33, 2)`` smoothed image landmarks, pixels; NaN where nobody was seen.
        world: ``(T, 33, 3)``, metres.
        visibility: ``(T, 33)``.
        person: ``(T,)`` True where the person was seen.
        image_wh: size of the frames, pixels.
        lying: ``(T, 12)`` readings of the network for people who lie, or None; see `Track`.
    """
    return Measurer(definition, ref)(
        time_s=time_s,
        xy=xy,
        world=world,
        visibility=visibility,
        person=person,
        image_wh=image_wh,
        lying=lying,
    )


def _read_measures(definition: Definition, view: str) -> dict[int, Lying]:
    """Columns of the measures that the network for people who lie tells, and which reading each is."""
    return {
        i: Lying[lying.reading.upper()]
        for i, measure in enumerate(definition.measures.values())
        if (lying := measure.by_network(view)) is not None
    }


def _share(definition: Definition, name: str, view: str) -> float | None:
    """The reading's share of a measure's value from a view; None where it stands alone."""
    lying = definition.measures[name].lying
    return None if lying is None else lying.share.get(view)


def _felt_measures(definition: Definition, ref: Reference) -> dict[int, float]:
    """Columns of the measures that a phone in the waistband tells, and the sign that its turn has there."""
    return {
        i: 1.0 if measure.phone.felt_plus == ref.side else -1.0
        for i, measure in enumerate(definition.measures.values())
        if measure.source == "phone" and measure.phone is not None
    }


def _has_rest(lying: NDArray[np.float32] | None, ref: Reference, count: int) -> NDArray[np.bool_]:
    """``(T,)`` True where something was read, and rest too in the same stretch."""
    return np.zeros(count, bool) if lying is None else np.isin(lying[:, Lying.STRETCH], list(ref.turned))


def _turned(reading: Lying, lying: NDArray[np.float32] | None, ref: Reference, count: int) -> Array:
    """``(T,)`` turn since rest; NaN where there is none (see `_has_rest`), or none that can be believed."""
    out = np.full(count, np.nan)
    if lying is not None:
        known = knows_what_it_sees(reading, lying)
        for stretch, resting in ref.turned.items():
            here = (lying[:, Lying.STRETCH] == stretch) & known
            out[here] = lying[here, reading] - resting[reading - Lying.ROLL]
    return out


def _before_looking(
    name: str, definition: Definition, ref: Reference, module: Formulas
) -> tuple[Status, Reason]:
    """Status and reason of a measure from this view and with this reference, whatever the frame shows."""
    measure, read = definition.measures[name], bool(ref.turned)
    trust = measure.trust(ref.view, read)
    if trust is None:
        return Status.NOT_MEASURABLE, Reason.VIEW
    if ref.view == "side" and name in module.ON_THE_LEG and ref.side not in (None, ref.near):
        return Status.NOT_MEASURABLE, Reason.OCCLUDED
    if ref.side is not None and module.SHANKS_OF.get(name) == (f"shank_{other_side(ref.side)}",):
        return Status.NOT_MEASURABLE, Reason.GEOMETRY  # the leg that is held up points anywhere
    if trust == "low":
        return Status.LOW, Reason[measure.why_low(ref.view, read).upper()]
    return Status.OK, Reason.NONE


def _mark(
    status: NDArray[np.uint8],
    reason: NDArray[np.uint8],
    where: NDArray[np.bool_],
    to: Status,
    why: Reason,
) -> None:
    """Lower the status in place where it is better than `to`."""
    if where.any():
        hit = where & (status < to)
        status[hit], reason[hit] = to, why


def _columns(columns: Iterable[Array]) -> Array:
    """``(T, M)`` of M times ``(T,)``; ``np.stack`` takes three times as long."""
    return np.array(list(columns)).T


def _padded(rows: list[list[Landmark]]) -> NDArray[np.intp]:
    """``(M, K)`` landmark indices, short rows filled up with their own first landmark (empty ones: any)."""
    longest = max(1, *map(len, rows))
    return np.array([[*row, *[*row, 0][:1] * (longest - len(row))] for row in rows], np.intp)
