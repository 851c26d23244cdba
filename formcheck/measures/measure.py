"""All measures of an exercise over frames, each with its status: value minus rest, then the gates.

One function serves a whole recording and a single live frame; the same landmarks and the same reference
always give the same numbers.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

import numpy as np
from numpy.typing import NDArray

from formcheck.errors import FormcheckError
from formcheck.exercises.definition import Definition
from formcheck.measures.formulas import Formulas
from formcheck.measures.reference import Reference
from formcheck.measures.table import MeasureTable, Reason, Status
from formcheck.pose.landmarks import Landmark, side_landmark

Array = NDArray[np.float64]

_HIPS = {Landmark.LEFT_HIP, Landmark.RIGHT_HIP}
#: Closer than this to the edge of the picture (share of its size) a body part is cut off, and the model
#: puts its landmark where it would still fit.
_EDGE = 0.01


def formulas(definition: Definition) -> Formulas:
    """The module of formulas that an exercise's definition names.

    Raises:
        FormcheckError: there is no such module in `formcheck.measures`.
    """
    return _module(definition.measured_by)


@cache
def _module(name: str) -> Formulas:
    full = f"formcheck.measures.{name}"
    try:
        return cast(Formulas, import_module(full))
    except ModuleNotFoundError as error:
        if error.name != full:
            raise
        raise FormcheckError(
            f"No measures are called '{name}': an exercise definition names a module of formcheck/measures "
            "in 'measured_by'."
        ) from None


def raw_values(
    definition: Definition, xy: NDArray[np.floating], world: NDArray[np.floating], ref: Reference
) -> dict[str, Array]:
    """Quantities before the resting value is taken off; see `Formulas.quantities`."""
    values: dict[str, Array] = formulas(definition).quantities(
        np.asarray(xy, np.float64), np.asarray(world, np.float64), ref
    )
    return values


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
    """
    module = formulas(definition)
    raw = raw_values(definition, xy, world, ref)
    values: dict[str, Array] = {}
    for name, value in raw.items():
        if name in module.CHANGES:
            value = value - ref.rest.get(name, np.nan)
            if name.endswith("_deg"):
                value = (value + 180.0) % 360.0 - 180.0
        elif name in module.RATIOS:
            value = value / ref.rest.get(name, np.nan)
        values[name] = value
    values |= module.derived(values)

    names = tuple(definition.measures)
    n = len(time_s)
    table = MeasureTable(
        names=names,
        time_s=np.asarray(time_s, np.float64),
        value=np.full((n, len(names)), np.nan),
        status=np.full((n, len(names)), Status.NOT_MEASURABLE, np.uint8),
        reason=np.full((n, len(names)), Reason.NONE, np.uint8),
    )
    needs: dict[str, list[Landmark]] = module.needs(ref)
    bones = _bones_hold(xy, ref, definition)
    w, h = image_wh
    outside = (
        (xy[:, :, 0] < _EDGE * w)
        | (xy[:, :, 0] > (1 - _EDGE) * w)
        | (xy[:, :, 1] < _EDGE * h)
        | (xy[:, :, 1] > (1 - _EDGE) * h)
    )
    for m, name in enumerate(names):
        status, reason = _judge(name, definition, ref, needs[name], visibility, outside, bones, module)
        value = values[name]
        empty = ~np.isfinite(value) & (status != Status.NOT_MEASURABLE)
        status[empty], reason[empty] = Status.NOT_MEASURABLE, Reason.GEOMETRY
        if ref.view != "unknown" and name in definition.measures and _shown(definition, name, ref):
            status[~person], reason[~person] = Status.NOT_MEASURABLE, Reason.NO_PERSON
        table.status[:, m], table.reason[:, m] = status, reason
        table.value[:, m] = np.where(status == Status.NOT_MEASURABLE, np.nan, value)
    return table


def _shown(definition: Definition, name: str, ref: Reference) -> bool:
    return ref.view in definition.measures[name].views


def _judge(
    name: str,
    definition: Definition,
    ref: Reference,
    needed: list[Landmark],
    visibility: NDArray[np.floating],
    outside: NDArray[np.bool_],
    bones: dict[str, NDArray[np.bool_]],
    module: Formulas,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Status and reason of one measure in each frame, worst gate last."""
    n = len(visibility)
    gates = definition.gates
    status = np.full(n, Status.OK, np.uint8)
    reason = np.full(n, Reason.NONE, np.uint8)

    def mark(where: NDArray[np.bool_] | np.bool_ | bool, to: Status, why: Reason) -> None:
        hit = where & (status < to)
        status[hit], reason[hit] = to, why

    trust = definition.measures[name].views.get(ref.view)
    if trust is None:
        mark(True, Status.NOT_MEASURABLE, Reason.VIEW)
        return status, reason
    if trust == "low":
        mark(True, Status.LOW, Reason[definition.measures[name].low_because.upper()])
    if not ref.still and name in module.CHANGES | module.RATIOS | module.DERIVED:
        mark(True, Status.LOW, Reason.BASELINE)
    if ref.view == "side" and name in module.ON_THE_LEG and ref.side not in (None, ref.near):
        mark(True, Status.NOT_MEASURABLE, Reason.OCCLUDED)
    watched = {"side": module.BONES_OF, "feet": module.SHANKS_OF}.get(ref.view, {})
    for bone in watched.get(name, ()):
        mark(~bones[bone], Status.LOW, Reason.OCCLUDED)
    seen = [i for i in needed if i not in _HIPS]
    if seen:
        least = visibility[:, seen].min(axis=1)
        mark(least < gates.visibility_ok, Status.LOW, Reason.OCCLUDED)
        mark(least < gates.visibility_low, Status.NOT_MEASURABLE, Reason.OCCLUDED)
    mark(outside[:, needed].any(axis=1), Status.NOT_MEASURABLE, Reason.OUT_OF_FRAME)
    return status, reason


def _bones_hold(
    xy: NDArray[np.floating], ref: Reference, definition: Definition
) -> dict[str, NDArray[np.bool_]]:
    """For each bone, where its image length is within the tolerance of its resting length."""
    out = {}
    for bone, (a, b) in formulas(definition).BONES.items():
        ends = [side_landmark(ref.near, part) for part in (a, b)]
        length = np.linalg.norm(xy[:, ends[0]] - xy[:, ends[1]], axis=1)
        rest = ref.bones_px.get(bone, np.nan)
        out[bone] = np.abs(length / rest - 1.0) <= definition.gates.bone_tolerance
    for side in ("left", "right"):
        ends = [side_landmark(side, part) for part in ("knee", "ankle")]
        length = np.linalg.norm(xy[:, ends[0]] - xy[:, ends[1]], axis=1)
        longer = ref.bones_px.get("longer_shank", np.nan)
        lifted = ref.side not in (None, side)  # a free leg points where it likes
        out[f"shank_{side}"] = lifted | (np.abs(length / longer - 1.0) <= definition.gates.bone_tolerance)
    return out
