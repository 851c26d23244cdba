"""Makes `Analysis` objects for tests: a synthetic bridge seen from the side, and one from given landmarks.

The signals here are stand-ins (hip height over the line shoulder-heel), good enough to draw; nothing is
claimed about their accuracy.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.analysis import PHASES, Analysis
from formcheck.analysis.summary import Summary
from formcheck.exercises.definition import Definition, load_definition
from formcheck.measures.table import MeasureTable, Reason, Status
from formcheck.pose.landmarks import SKELETON, Landmark
from formcheck.pose.track import Track

FPS = 20
SIZE = (320, 240)

_COUNTING = dict(
    minimum_range=0.1, minimum_range_sd=6, start_level=0.15, start_speed_per_s=0.1, start_for_s=0.1,
    onset_level=0.05, crossing_share=0.465,
    hold_level=0.75, hold_speed_per_s=0.2, hold_for_s=0.2, lower_speed_per_s=0.2,
    lower_for_s=0.1, leave_hold_drop=0.15, leave_hold_speed_per_s=0.2, leave_hold_for_s=0.1, rest_level=0.15,
    rest_for_s=0.1, again_rise=0.2, full_level=0.75, partial_level=0.4, aborted_level=0.2,
    minimum_phase_s=0.2, minimum_rep_s=0.8, maximum_rep_s=30, lost_after_s=0.3, lost_end_s=2, lost_jump=0.2,
    minimum_seen=0.7,
)  # fmt: skip


def small_definition() -> Definition:
    """A bridge with few measures and faults, one of each kind the report must show."""
    return Definition.model_validate(
        dict(
            name="bridge", version=1, title="Two-leg bridge", posture="hook_lying", has_side=False,
            tempo=dict(rise_s=2, lower_s=2),
            gates=dict(
                visibility_ok=0.5, visibility_low=0.3, fps_min_tempo=12, bone_tolerance=0.3, noise_k=3,
                noise_nm_factor=1.5, timing_error_s=0.25, timing_error_low_s=0.5,
            ),
            counting=dict(signal="pelvic_height", typical_range=0.45, **_COUNTING),
            feedback=load_definition("bridge").feedback.model_copy(
                update=dict(consecutive=[], pushing=["hip_not_extended"])
            ).model_dump(),
            views=dict(
                side=dict(
                    title="from the side",
                    setup="Laptop on the floor at your side, level with your hips, about 2 m away.",
                ),
                feet=dict(
                    title="from the feet",
                    setup="Laptop on a chair or table beyond your feet, lid tilted down.",
                ),
                head=dict(
                    title="from the head end",
                    setup="Laptop on a chair or table beyond your head, lid tilted down.",
                ),
            ),
            measures=dict(
                pelvic_height=dict(unit="thigh lengths", title="Pelvic height", views=dict(side="ok")),
                hip_angle_deg=dict(unit="deg", title="Hip angle", views=dict(side="ok")),
                knee_flexion_deg=dict(unit="deg", title="Knee flexion", views=dict(side="low")),
                pelvic_drop_deg=dict(unit="deg", title="Pelvic drop", views=dict(head="ok", feet="low")),
            ),
            faults=dict(
                hip_not_extended=dict(
                    id="BF1", title="Hip not fully extended", cue="Push the floor away", level="P4",
                    wording="Hip extension deficit", source="straight line [S23]; 15 deg [D]", unit="deg",
                    rules=[dict(kind="hold", measures=["hip_angle_deg"], grades=[15, 25, 35], phases=["hold"],
                                reference=180)],
                    best_view="side",
                ),
                lowering_fast=dict(
                    id="BF11", title="Lowered too fast", cue="Let your hips down slowly", level="P5",
                    wording="Eccentric phase shorter than asked", source="[D]", unit="s",
                    rules=[dict(kind="duration", grades=[0.75, 0.5, 0.35], phase="lower")], best_view="side",
                ),
                over_extended=dict(
                    id="BF2", title="Hips above the straight line", wording="Possible over-extension",
                    source="[D]", unit="deg", best_view="side",
                    rules=[dict(kind="above", measures=["hip_angle_deg"], grades=[190, 197, 205],
                                minimum_s=0.4, phases=["hold"])],
                ),
                pelvis_drops=dict(
                    id="BF3", title="Pelvis drops on one side", cue="Keep your waistband level", level="P2",
                    wording="Pelvic drop", source="[S1]", unit="deg", best_view="head",
                    rules=[dict(kind="either", measures=["pelvic_drop_deg"], grades=[7, 10, 15],
                                minimum_s=0.4, phases=["hold"])],
                ),
                pelvis_twists=dict(
                    id="BF4", title="Pelvis twists", wording="Not assessed", source="",
                ),
            ),
        )
    )  # fmt: skip


def synthetic_landmarks(
    seconds: float, reps: int, fps: int = FPS, size: tuple[int, int] = SIZE, top: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
    """A person on the back, head left, doing `reps` bridges: times, ``(T, 33, 3)`` pixels, visibility."""
    n = round(seconds * fps)
    t = np.arange(n) / fps
    lift = np.zeros(n)
    if reps:
        period = (seconds - 1.0) / reps
        phase = np.clip((t - 0.5) % period / period, 0, 1)
        lift = np.clip(1.6 * np.sin(np.pi * phase) - 0.3, 0, 1) * top
        lift[(t < 0.5) | (t > seconds - 0.5)] = 0
    w, h = size
    s = min(w, h) / 240
    x = np.zeros((n, 33, 3), np.float32)

    def put(name: str, px: Any, py: Any) -> None:
        for side, shift in (("LEFT", 0.0), ("RIGHT", 4.0)):
            x[:, Landmark[f"{side}_{name}"], 0] = (np.asarray(px) + shift) * s + (w - 320 * s) / 2
            x[:, Landmark[f"{side}_{name}"], 1] = (np.asarray(py) - shift) * s + (h - 240 * s) / 2

    put("SHOULDER", 90, 180)
    put("HIP", 160 + 0 * lift, 180 - 45 * lift)
    put("KNEE", 215 + 3 * lift, 130 - 3 * lift)
    put("ANKLE", 240, 182)
    put("HEEL", 236, 190)
    put("FOOT_INDEX", 262, 188)
    put("ELBOW", 120, 190)
    put("WRIST", 155, 192)
    for name in ("PINKY", "INDEX", "THUMB"):
        put(name, 160, 193)
    x[:, :11, 0], x[:, :11, 1] = (60 * s + (w - 320 * s) / 2), (172 * s + (h - 240 * s) / 2)
    visibility = np.full((n, 33), 0.95, np.float32)
    for point in (Landmark.RIGHT_KNEE, Landmark.RIGHT_ANKLE, Landmark.RIGHT_HEEL, Landmark.RIGHT_FOOT_INDEX):
        visibility[:, point] = 0.2
    return t, x, visibility


def write_skeleton_video(
    path: Path, t: NDArray[np.float64], x: NDArray[np.float32], size: tuple[int, int] = SIZE
) -> None:
    """A light-grey room with a dark stick person, encoded with the given times (milliseconds)."""
    import cv2

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "crf": "20"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time_s, points in zip(t, x, strict=True):
            picture = np.full((size[1], size[0], 3), 205, np.uint8)
            if np.isfinite(points).all():
                for a, b in SKELETON:
                    p, q = (tuple(int(v) for v in points[i, :2]) for i in (a, b))
                    cv2.line(picture, p, q, (70, 60, 60), 9, cv2.LINE_AA)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def synthetic_analysis(
    folder: Path,
    *,
    seconds: float = 6.0,
    reps: int = 2,
    file: str = "bridge.mp4",
    video: bool = True,
    nobody: tuple[float, float] | None = None,
    top: float = 0.8,
    size: tuple[int, int] = SIZE,
) -> Analysis:
    """A small analysed bridge video in `folder`. `nobody`: from when to when nobody is seen."""
    t, x, visibility = synthetic_landmarks(seconds, reps, top=top, size=size)
    person = np.ones(len(t), bool)
    if nobody is not None:
        person[(t >= nobody[0]) & (t < nobody[1])] = False
        x[~person] = np.nan
    path = folder / file
    if video:
        write_skeleton_video(path, t, x, size)
    return analysis_from_landmarks(path, t, x, visibility, person, size, small_definition())


def analysis_from_landmarks(
    video: Path,
    time_s: NDArray[np.float64],
    x: NDArray[np.float32],
    visibility: NDArray[np.float32],
    person: NDArray[np.bool_],
    size: tuple[int, int],
    definition: Definition,
    side: str = "left",
) -> Analysis:
    """An analysis with simple signals, phases by level and speed, and faults by the hip angle reached."""
    n = len(time_s)
    xy = _smooth(x[..., :2], person, time_s)
    up = side.upper()
    shoulder, hip, knee, ankle, heel = (
        xy[:, Landmark[f"{up}_{part}"]] for part in ("SHOULDER", "HIP", "KNEE", "ANKLE", "HEEL")
    )
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nobody seen: all NaN
        height = _above(hip, shoulder, heel) / np.nanmedian(np.linalg.norm(knee - hip, axis=1))
        height = height - np.nanpercentile(height, 5) if person.any() else height
        hip_angle = _angle(shoulder, hip, knee)
        flexion = 180 - _angle(hip, knee, ankle)
    names = tuple(definition.measures)
    columns = {"pelvic_height": height, "hip_angle_deg": hip_angle, "knee_flexion_deg": flexion}
    value = np.full((n, len(names)), np.nan)
    status = np.full((n, len(names)), Status.NOT_MEASURABLE, np.uint8)
    reason = np.full((n, len(names)), Reason.VIEW, np.uint8)
    for i, name in enumerate(names):
        if name in columns:
            value[:, i] = columns[name]
            trust = Status.OK if definition.measures[name].views.get("side") == "ok" else Status.LOW
            status[:, i], reason[:, i] = trust, Reason.NONE if trust is Status.OK else Reason.GEOMETRY
        value[~person, i] = np.nan
        status[~person, i], reason[~person, i] = Status.NOT_MEASURABLE, Reason.NO_PERSON
    phase, rep, reps = _repetitions(time_s, height, hip_angle, definition)
    table = MeasureTable(names, time_s, value, status, reason)
    return Analysis(
        video=video,
        summary=Summary.model_validate(_summary(video, size, time_s, person, definition, reps)),
        definition=definition,
        track=Track(
            time_s=time_s,
            person=person,
            rejected=np.zeros(n, bool),
            people_seen=person.astype(np.int32),
            image_xyz=x,
            world_xyz=np.zeros_like(x),
            visibility=visibility,
            image_wh=size,
        ),
        smooth_xy=xy.astype(np.float32),
        measures=table,
        primary="pelvic_height",
        phase=phase,
        rep=rep,
    )


def _repetitions(
    t: NDArray[np.float64],
    height: NDArray[np.float64],
    hip_angle: NDArray[np.float64],
    definition: Definition,
) -> tuple[NDArray[np.uint8], NDArray[np.int32], list[dict[str, Any]]]:
    n = len(t)
    phase, rep = np.zeros(n, np.uint8), np.zeros(n, np.int32)
    known = np.isfinite(height)
    if not known.any():
        return phase, rep, []
    phase[known] = PHASES.index("rest")
    top = np.nanmax(height)
    if top < 0.1:
        return phase, rep, []
    up = np.nan_to_num(height) > 0.2 * top
    edges = np.flatnonzero(np.diff(np.concatenate([[0], up.astype(int), [0]])))
    reps: list[dict[str, Any]] = []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        b = min(b, n - 1)
        if t[b] - t[a] < 0.5 or np.max(height[a:b]) < 0.4 * top:
            continue
        high = a + np.flatnonzero(height[a:b] > 0.85 * np.max(height[a:b]))
        first, last = int(high[0]), int(high[-1])
        phase[a:first], phase[first : last + 1], phase[last + 1 : b] = 2, 3, 4
        rep[a:b] = index = len(reps) + 1
        peak = a + int(np.argmax(height[a:b]))
        deficit = float(180 - np.median(hip_angle[first : last + 1]))
        grade = sum(deficit >= g for g in definition.faults["hip_not_extended"].rules[0].grades)
        faults = []
        if grade:
            faults = [
                dict(
                    id="hip_not_extended",
                    grade=grade,
                    value=deficit,
                    unit="deg",
                    start_s=t[first],
                    end_s=t[last],
                )
            ]
        reps.append(
            {
                "index": index, "class": "full" if height[peak] > 0.75 * top else "partial",
                "start_s": t[a], "peak_s": t[peak], "end_s": t[b], "rise_s": t[first] - t[a],
                "hold_s": t[last] - t[first], "lower_s": t[b] - t[last], "confidence": 0.98,
                "peak": {"pelvic_height": height[peak], "hip_angle_deg": hip_angle[peak],
                         "pelvic_drop_deg": None},
                "faults": faults,
            }
        )  # fmt: skip
    return phase, rep, reps


def _summary(
    video: Path,
    size: tuple[int, int],
    t: NDArray[np.float64],
    person: NDArray[np.bool_],
    definition: Definition,
    reps: list[dict[str, Any]],
) -> dict[str, Any]:
    seen = person.any()
    affected = [f for r in reps for f in r["faults"]]
    faults: dict[str, Any] = {}
    for name, fault in definition.faults.items():
        why = None
        if not fault.rules or (fault.best_view or "side") != "side":
            why = "view"
        elif not reps:
            why = "no_reps"
        mine = [f for f in affected if f["id"] == name]
        faults[name] = dict(
            checked=why is None, reason=why, reps_checked=0 if why else len(reps), reps_affected=len(mine),
            worst_grade=max((f["grade"] for f in mine), default=0),
        )  # fmt: skip
    statuses = {"ok": "ok", "low": "low"}
    measures = {
        name: dict(
            status=statuses.get(m.views.get("side", ""), "not_measurable") if seen else "not_measurable",
            reason=(None if m.views.get("side") == "ok" else "view") if seen else "no_person",
            ok_frames=0.97 if m.views.get("side") == "ok" and seen else 0.0,
            noise_sd=0.011 if m.views.get("side") == "ok" and seen else None,
        )
        for name, m in definition.measures.items()
    }
    return {
        "formcheck": "0.1.0",
        "source": dict(file=video.name, width=size[0], height=size[1], fps=float(FPS), frames=len(t),
                       duration_s=float(t[-1])),
        "exercise": definition.name, "side": None,
        "view": dict(name="side" if seen else "unknown", yaw_deg=8.0 if seen else None, declared=False),
        "pose": dict(engine="blazepose-onnx", model="full", frames_with_person=int(person.sum()),
                     frames_rejected=0, people_seen_max=int(seen)),
        "definition": dict(name=definition.name, version=1, sha256=definition.sha256),
        "measures": measures, "reps": reps, "faults": faults,
        "warnings": [] if seen else ["Nobody was seen in this video."],
        "processing": dict(wall_s=5.2, realtime_factor=2.5, ms_per_frame={"decode": 1.1, "pose": 9.8}),
    }  # fmt: skip


def _smooth(
    xy: NDArray[np.float32], person: NDArray[np.bool_], t: NDArray[np.float64]
) -> NDArray[np.float64]:
    width = max(1, round(0.15 / max(float(np.median(np.diff(t))), 1e-3))) | 1
    out = np.full(xy.shape, np.nan)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], person.astype(int), [0]])))
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        padded = np.pad(xy[a:b].astype(float), ((width // 2, width // 2), (0, 0), (0, 0)), mode="edge")
        summed = np.cumsum(np.concatenate([np.zeros((1, *xy.shape[1:])), padded]), axis=0)
        out[a:b] = (summed[width:] - summed[:-width]) / width
    return out


def _above(p: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    d, v = b - a, p - a
    across = (d[:, 0] * v[:, 1] - d[:, 1] * v[:, 0]) / np.linalg.norm(d, axis=1)
    return -across * np.sign(np.nanmedian(d[:, 0]))


def _angle(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    u, v = a - b, c - b
    cosine = (u * v).sum(1) / (np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def with_summary(analysis: Analysis, **changes: object) -> Analysis:
    """The analysis with these parts of its summary exchanged."""
    content = {**analysis.summary.model_dump(by_alias=True), **changes}
    return replace(analysis, summary=Summary.model_validate(content))
