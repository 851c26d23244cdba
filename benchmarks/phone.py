"""How far a phone on the pelvis is from the truth: traces simulated from the pelvis of the rendered clips.

    python benchmarks/phone.py [--clips FOLDER ...] [--part work|final] [--phones 20] [--tilt 10]
        [--practised]

Each clip's exact pelvis carries many phones, each put on a little differently, and each goes through the
code that a live session uses, frame by frame: what has come by then, and no more. What is simulated of a
phone is in `Phone`; no real one was at hand to take these numbers from. A fault is clearly there where the
rule finds it in the true curve made smaller by a fifth, and clearly not where it finds none in the true curve
made larger by two fifths: the margins of the scorer. A live session begins with practice: ``--practised`` has
each clip done twice, and the second time counts. Bodies without pictures, which will do here, are made by
``phone_bodies.py``.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks" / "field"))

from clip_specs import PARTS, part_of  # noqa: E402

from formcheck.engine.faults import FaultCheck, judge_rep  # noqa: E402
from formcheck.engine.repetition import RepTimes  # noqa: E402
from formcheck.exercises.definition import load_definition  # noqa: E402
from formcheck.measures.reference import Reference  # noqa: E402
from formcheck.measures.table import MeasureTable, Reason, Status  # noqa: E402
from formcheck.phone.clock import PhoneClock  # noqa: E402
from formcheck.phone.sample import SAMPLE_COUNT, UP, Sample  # noqa: E402
from formcheck.phone.worn import Worn, WornPhone  # noqa: E402

Array = NDArray[np.float64]

FPS = 60.0
#: Standing, lying down, and lying still, before the clip begins.
STOOD_S, DOWN_S, STILL_S = 3.0, 3.0, 3.0
#: Of a threshold: from where a fault is clearly there, and up to where it clearly is not.
PRESENT, ABSENT = 1.2, 0.7
GRAVITY = 9.81


@dataclass(frozen=True)
class Phone:
    """One phone on one body; all of it drawn at random, angles in degrees.

    Attributes:
        tilt_deg: how far it is turned from upright with the screen outwards, about an axis drawn at random.
        belly_deg: standard deviation of the slope of the belly under it.
        posture_deg: of the pelvis' tilt between standing and lying.
        moved_deg: of how far it moves in the waistband while its bearer lies down.
        tissue_deg: of how far the skin carries it away from the bone at the top of a movement.
        wobble: share of the pelvis' speed that it swings after, at four hertz.
        breath_deg: of breathing.
        noise_deg, wander_deg: white, and slowly wandering, error of the phone's own reckoning of up.
        leak: share of an acceleration that the phone takes for gravity.
        drift: of its clock.
        delay_s: mean of what a message waits each way, beside 4 ms.
        lost: share of its messages that get lost.
        gap_s: nothing comes for so long, `gaps` times a minute.
    """

    tilt_deg: float = 10.0
    belly_deg: float = 8.0
    posture_deg: float = 8.0
    moved_deg: float = 3.0
    tissue_deg: float = 1.5
    wobble: float = 0.01
    breath_deg: float = 0.4
    noise_deg: float = 0.15
    wander_deg: float = 0.4
    leak: float = 0.2
    drift: float = 5e-5
    delay_s: float = 0.010
    lost: float = 0.05
    gap_s: float = 1.0
    gaps: float = 1.0


def turned(axis: Array, deg: Array | float) -> Array:
    """``(..., 3, 3)`` rotation about an axis."""
    axis = np.asarray(axis, float) / np.linalg.norm(axis)
    angle = np.radians(np.asarray(deg, float))[..., None, None]
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)


def unit(v: Array) -> Array:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


@dataclass
class Truth:
    """A clip's pelvis.

    Attributes:
        time_s: ``(T,)`` of the frames, from the start of the clip.
        up: ``(T, 3)`` up in the pelvis: left, to the head, to the front.
        acceleration: ``(T, 3)`` of its middle, in the same axes, m/s².
        turn_deg: ``(T,)`` true measure.
        level: ``(T,)`` share of the movement, 0 to 1.
        resting: ``(T,)``.
    """

    name: str
    exercise: str
    definition: Any
    measure: str
    fault: str
    side: str | None
    reps: list[dict[str, Any]]
    time_s: Array
    up: Array
    acceleration: Array
    turn_deg: Array
    level: Array
    resting: NDArray[np.bool_]


def truth_of(path: Path) -> Truth:
    """What the file beside a clip says of its pelvis."""
    t = json.loads(path.read_text())
    frames = t["frames"]
    lifted = t.get("single_leg_lifted")
    exercise = "single-leg-bridge" if lifted else t["exercise"]
    definition = load_definition(exercise)
    rotation = np.array([f["pelvis_R"] for f in frames], float).reshape(-1, 3, 3)
    time_s = np.array([f["t"] for f in frames], float)
    middle = np.array([f["j3d"][t["joint_names"].index("mid_hip")] for f in frames], float)
    speed = np.gradient(middle, time_s, axis=0)
    acceleration = np.einsum("tji,tj->ti", rotation, np.gradient(speed, time_s, axis=0))
    roll = np.array([a[t["angle_names"].index("pelvis_roll_deg")] for a in t["angles"]], float)
    resting = np.array([f["phase"] == "rest" for f in frames])
    clam = t["exercise"] == "clam"
    if clam:
        side = {"L": "left", "R": "right"}[t["working_side"]]
    else:
        side = {"L": "right", "R": "left"}[lifted] if lifted else None
        roll = roll if lifted == "L" else -roll
    first = min(r["t_start"] for r in t["reps"])
    return Truth(
        name=path.stem,
        exercise=exercise,
        definition=definition,
        measure="pelvic_roll_deg" if clam else "pelvic_drop_deg",
        fault="pelvis_rolls_back" if clam else "pelvis_drops",
        side=side,
        reps=t["reps"],
        time_s=time_s,
        up=rotation[:, 2, :],
        acceleration=acceleration,
        turn_deg=roll - np.median(roll[time_s < first]),
        level=np.array([f["s"] for f in frames], float),
        resting=resting,
    )


def practised(truth: Truth) -> Truth:
    """The same twice: the first time is practice, and its repetitions are not asked about."""
    later = truth.time_s[-1] + truth.time_s[1] - truth.time_s[0]
    moments = ("t_start", "t_peak_start", "t_peak_end", "t_end")

    def twice(some: Any) -> Any:
        return np.concatenate([some, some])

    return replace(
        truth,
        reps=[{**rep, **{name: rep[name] + later for name in moments}} for rep in truth.reps],
        time_s=np.concatenate([truth.time_s, truth.time_s + later]),
        up=twice(truth.up),
        acceleration=twice(truth.acceleration),
        turn_deg=twice(truth.turn_deg),
        level=twice(truth.level),
        resting=twice(truth.resting),
    )


def trace(truth: Truth, phone: Phone, rng: np.random.Generator) -> tuple[Array, Array]:
    """The samples of a phone on this pelvis, and when each had come.

    Returns:
        ``(N, 9)`` samples, and ``(N,)`` when each had come, on the session's clock, on which the clip begins
        at 0; infinite where a sample never came.
    """
    start, end = -(STOOD_S + DOWN_S + STILL_S), truth.time_s[-1]
    t = np.arange(start, end, 1 / FPS) + rng.uniform(0, 0.002)
    stood = unit(
        turned([1, 0, 0], rng.normal(0, phone.posture_deg)) @ turned([0, 0, 1], rng.normal(0, 2)) @ [0, 1, 0]
    )
    clip = [np.interp(t, truth.time_s, column) for column in truth.up.T]
    up = unit(np.stack(clip, axis=1))
    down = np.clip((t - start - STOOD_S) / DOWN_S, 0, 1)[:, None]
    lying = unit(truth.up[:1])[0]
    before = t < truth.time_s[0]
    up[before] = unit((1 - down) * stood + down * lying)[before]
    push = np.stack([np.interp(t, truth.time_s, a, left=0) for a in truth.acceleration.T], axis=1)
    up = unit(up + phone.leak * push / GRAVITY)

    # Where the phone sits on the pelvis.
    axis = unit(rng.normal(size=3))
    sits = turned(axis, phone.tilt_deg) @ turned([1, 0, 0], rng.normal(0, phone.belly_deg))
    moves = unit(rng.normal(size=3)), rng.normal(0, phone.moved_deg)
    tissue = unit(rng.normal(size=3)), rng.normal(0, phone.tissue_deg)
    level = np.interp(t, truth.time_s, truth.level, left=0)
    breath = phone.breath_deg * np.sin(2 * np.pi * 0.25 * t + rng.uniform(0, 6))
    speed = np.gradient(np.interp(t, truth.time_s, truth.turn_deg, left=0), t)
    wobble = phone.wobble * swing(t, speed)
    up = np.einsum("nij,nj->ni", turned(moves[0], moves[1] * down[:, 0]), up)
    up = np.einsum("nij,nj->ni", turned(tissue[0], tissue[1] * level), up)
    up = np.einsum("nij,nj->ni", turned([1, 0, 0], breath), up)
    up = np.einsum("nij,nj->ni", turned([0, 1, 0], wobble), up)
    up = up @ sits.T
    wander = np.cumsum(rng.normal(0, 1, (len(t), 3)), axis=0)
    wander -= np.linspace(0, 1, len(t))[:, None] * wander[-1]
    wander *= phone.wander_deg / max(float(wander.std()), 1e-9)
    up = unit(up + np.radians(wander + rng.normal(0, phone.noise_deg, (len(t), 3))))

    rows = np.full((len(t), SAMPLE_COUNT), np.nan)
    offset, drift = rng.uniform(-1e3, 1e3), rng.normal(0, phone.drift)
    rows[:, Sample.PHONE_S] = (t - start) * (1 + drift) + offset
    rows[:, UP] = up
    came = np.full(len(t), np.inf)
    clock = PhoneClock()
    answered: tuple[float, float, float] | None = None
    gap = rng.uniform(start, end) if rng.random() < phone.gaps * (end - start) / 60 else np.inf
    for first in range(0, len(t), 6):  # ten messages a second
        some = slice(first, first + 6)
        sent = t[min(first + 5, len(t) - 1)]
        there, back = 0.004 + rng.exponential(phone.delay_s, 2) + (rng.random(2) < 0.02) * 0.1
        if rng.random() < phone.lost or gap <= sent < gap + phone.gap_s:
            continue
        if answered is not None:
            clock.add(*answered)
        if (match := clock.match) is not None:  # else its time means nothing here
            came[some] = sent + there
            rows[some, Sample.TIME_S] = match.to_host(rows[some, Sample.PHONE_S])
            rows[some, Sample.CLOCK_S] = match.error_s
        on_phone = [(x - start) * (1 + drift) + offset for x in (sent, sent + there + back)]
        answered = on_phone[0], sent + there, on_phone[1]
    return rows, came


def swing(t: Array, speed: Array) -> Array:
    """What hangs on a spring swings after a speed: four hertz, hardly damped."""
    w, damped = 2 * np.pi * 4.0, 0.2
    at = now = 0.0
    out = np.empty(len(t))
    for i, dt in enumerate(np.diff(t, prepend=t[0] - 1 / FPS)):
        for _ in range(4):
            now += (w * w * (speed[i] - at) - 2 * damped * w * now) * dt / 4
            at += now * dt / 4
        out[i] = at - speed[i]
    return out


def run(
    truth: Truth, rows: Array, came: Array, seen_after_s: float = 0.04
) -> tuple[Array, Array, list[Worn]]:
    """What a live session reads at each frame of the clip: turns as the measure has them, errors, states."""
    worn = WornPhone("side" if truth.exercise == "clam" else "back")
    sign = sign_of(truth)
    order = np.argsort(came, kind="stable")
    rows, came = rows[order], came[order]
    done = int(np.searchsorted(came, -0.1))
    worn.add(rows[:done])
    worn.settle(0.0, truth.side)
    turn, error, states = [], [], []
    for time_s, resting in zip(truth.time_s, truth.resting, strict=True):
        upto = int(np.searchsorted(came, time_s + seen_after_s))
        worn.add(rows[done:upto])
        done = upto
        said = worn.read(float(time_s), resting=bool(resting))
        turn.append(sign * said.turn_deg)
        error.append(said.error_deg)
        states.append(said.state)
    return np.array(turn), np.array(error), states


def sign_of(truth: Truth) -> float:
    """Of the measure, for a turn about the way to the head."""
    if truth.exercise == "clam":
        return 1.0 if truth.side == "left" else -1.0
    return 1.0 if truth.side == "right" else -1.0


def judged(truth: Truth, turn: Array, error: Array) -> list[tuple[bool, bool, bool]]:
    """Of each repetition that is clear: whether the fault is there, is told, was looked for."""
    nothing = np.zeros(len(turn))
    present = [check.fault is not None for check in asked(truth, truth.turn_deg / PRESENT, nothing)]
    possible = [check.fault is not None for check in asked(truth, truth.turn_deg / ABSENT, nothing)]
    told = asked(truth, turn, error)
    return [
        (there, check.fault is not None, check.checked)
        for there, maybe, check in zip(present, possible, told, strict=True)
        if there or not maybe
    ]


def asked(truth: Truth, turn: Array, error: Array) -> list[FaultCheck]:
    """What the definition's rule says of each repetition, of a measure that has these values."""
    names = tuple(truth.definition.measures)
    table = MeasureTable.empty(names, truth.time_s)
    sd = np.full(table.value.shape, np.nan)
    column, known = names.index(truth.measure), np.isfinite(turn)
    table.value[known, column], sd[known, column] = turn[known], error[known]
    table.status[known, column], table.reason[known, column] = Status.OK, Reason.NONE
    table = table.with_sd(sd)
    flat = np.zeros(2)
    reference = Reference(0, truth.time_s[-1], "front", 0, truth.side, "left", flat, flat, 1, 1, 1, 1)
    out = []
    for rep in truth.reps:
        times = RepTimes(
            rep_class="full",
            start_s=rep["t_start"],
            hold_start_s=rep["t_peak_start"],
            hold_end_s=rep["t_peak_end"],
            end_s=rep["t_end"],
            peak_s=rep["t_peak_start"],
            peak=1.0,
            seen=1.0,
            gap=False,
            incomplete_return=False,
            low_after=0.0,
        )
        out.append(judge_rep(times, table, truth.definition, reference)[truth.fault])
    return out


def report(paths: list[Path], phones: int, phone: Phone, *, practice: bool = False) -> str:
    """The table of all clips, each with so many phones, from the first lift or after practice."""
    errors, ratio, states, rows = defaultdict(list), defaultdict(list), defaultdict(list), defaultdict(list)
    clips: dict[str, int] = defaultdict(int)
    for path in paths:
        truth = truth_of(path)
        truth = practised(truth) if practice else truth
        moving = ~truth.resting & (truth.time_s >= min(rep["t_start"] for rep in truth.reps) - 0.5)
        clips[truth.measure] += 1
        for n in range(phones):
            rng = np.random.default_rng([zlib.crc32(truth.name.encode()), n])
            turn, error, state = run(truth, *trace(truth, phone, rng))
            known = np.isfinite(turn) & moving
            errors[truth.measure].append((turn - truth.turn_deg)[known])
            ratio[truth.measure].append(((turn - truth.turn_deg) / error)[known])
            states[truth.measure].append([Worn(s).word for s, m in zip(state, moving, strict=True) if m])
            rows[truth.measure] += judged(truth, turn, error)
    head = (
        "measure", "clips", "phones", "MAE", "bias", "95th percentile", "within 1 and 2 predicted SD",
        "read in", "found of clearly there", "alarms of clearly not", "checked",
    )  # fmt: skip
    lines = [" | ".join(head), " | ".join(["---"] * len(head))]
    asides = []
    for measure in sorted(errors):
        e, z = np.concatenate(errors[measure]), np.abs(np.concatenate(ratio[measure]))
        frames = [word for some in states[measure] for word in some]
        there = [told for present, told, _ in rows[measure] if present]
        clean = [told for present, told, _ in rows[measure] if not present]
        cells = (
            measure,
            clips[measure],
            phones * clips[measure],
            f"{np.abs(e).mean():.2f}°",
            f"{e.mean():+.2f}°",
            f"{np.percentile(np.abs(e), 95):.1f}°",
            f"{(z < 1).mean():.0%}, {(z < 2).mean():.0%}",
            f"{len(e) / len(frames):.0%}",
            f"{sum(there)} of {len(there)}",
            f"{sum(clean)} of {len(clean)}",
            f"{np.mean([checked for _, _, checked in rows[measure]]):.0%}",
        )
        lines.append(" | ".join(map(str, cells)))
        why = Counter(word for word in frames if word != "ok")
        asides += [
            f"{measure}, {word}: {n / len(frames):.1%} of the moving frames" for word, n in why.items()
        ]
    return "\n".join([*(f"| {line} |" for line in lines), "", *asides])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clips", type=Path, nargs="+", default=[ROOT.parent / "shared" / "clips" / "rendered"]
    )
    parser.add_argument("--part", choices=PARTS, help="of the field's clips; left out: all")
    parser.add_argument("--phones", type=int, default=20, help="on each clip")
    parser.add_argument("--tilt", type=float, default=10.0, help="placement, degrees")
    parser.add_argument("--practised", action="store_true", help="each clip has been done once before")
    args = parser.parse_args()
    paths = sorted(p for folder in args.clips for p in folder.glob("*.json"))
    paths = [p for p in paths if args.part is None or part_of(p.stem) == args.part]
    print(report(paths, args.phones, Phone(tilt_deg=args.tilt), practice=args.practised))


if __name__ == "__main__":
    main()
