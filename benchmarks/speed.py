"""Speed of formcheck against MediaPipe and against its own stages, in one run on one machine.

    python benchmarks/speed.py --bundle pose_landmarker_full.task [--solutions PYTHON] [--rounds 5] [VIDEO]

Every number is the median over rounds; in a round, both sides of a ratio run one right after the other on the
same frames, and the ratio is taken within the round, so that a machine that slows down slows both. Without a
bundle (see tests/tools/make_task_bundle.py) or without mediapipe the ratios to it are left out. PYTHON is
one with mediapipe 0.10.21: most public programs of this kind read with OpenCV and use its ``solutions.pose``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from formcheck.analysis.analysis import Analysis
from formcheck.drawing.overlay import draw_overlay
from formcheck.pose.blazepose import BlazePose
from formcheck.pose.engine import PoseEngine, open_engine
from formcheck.report.annotate import Annotator, shown_size, shrink
from formcheck.report.write import write_outputs
from formcheck.session.analyze import analyze
from formcheck.session.folder import OutputFolder
from formcheck.session.rescore import rescore
from formcheck.video.file import Frame, VideoFile

ROOT = Path(__file__).resolve().parents[1]
DEMOS = {"bridge": ROOT / "videos" / "bridge_side.mp4", "clam": ROOT / "videos" / "clam_front.mp4"}
WARM_UP = 20
#: Whose multiply-adds are counted.
MODELS = ("pose_landmark_full.onnx", "pose_landmark_lite.onnx", "pose_detection.onnx")


def seconds(work: Callable[[], object]) -> float:
    """Wall time of something done once."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def machine() -> str:
    """Processor, cores, system and how busy it was before we began."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}{load}"


def multiply_adds(path: Path) -> int | None:
    """Multiply-adds of one run of a convolutional ONNX model; None without the onnx package."""
    try:
        import onnx
    except ImportError:
        return None
    model = onnx.shape_inference.infer_shapes(onnx.load(str(path)))
    graph = model.graph
    shape = {
        v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in [*graph.value_info, *graph.output]
    }
    weights = {w.name: list(w.dims) for w in graph.initializer}
    for node in graph.node:  # weights stored as float16 and cast when loaded
        if node.op_type == "Cast" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            # Each output number is a sum over the weights of one filter.
            total += int(np.prod(shape[node.output[0]])) * int(np.prod(weights[node.input[1]][1:]))
        elif node.op_type in ("Gemm", "MatMul"):
            total += int(np.prod(weights.get(node.input[1], [0])))
    return total


def machine_multiply_adds() -> float:
    """Multiply-adds in float32 that a large matrix product does in a second of processor time here.

    Processor time, summed over threads, so that it compares with the engines' processor time and not with
    what waiting for other programs makes of it.
    """
    a, b = (np.random.default_rng(i).random((1536, 1536), np.float32) for i in (0, 1))
    a @ b
    spent = []
    for _ in range(9):
        used = time.process_time()
        a @ b
        spent.append(time.process_time() - used)
    return 1536**3 / statistics.median(spent)


def pose_ms(engine: PoseEngine, frames: list[Frame]) -> tuple[float, float]:
    """Wall and processor milliseconds a frame over frames already decoded; opening is not counted."""
    with engine:
        for frame in frames[:WARM_UP]:
            engine.estimate(frame)
        engine.reset()
        used = time.process_time()
        if isinstance(engine, BlazePose):  # as `formcheck analyze` uses it
            wall = seconds(lambda: list(engine.estimate_all(frames)))
        else:
            wall = seconds(lambda: [engine.estimate(frame) for frame in frames])
        return 1000 * wall / len(frames), 1000 * (time.process_time() - used) / len(frames)


def draw_ms(analysis: Analysis, video: Path, count: int = 150) -> float:
    """Milliseconds to draw one frame, without encoding it."""
    spent = 0.0
    with VideoFile(video) as source:
        width, height, scale = shown_size(source.width, source.height)
        annotator = Annotator(analysis, scale)
        for frame in itertools.islice(source, count):
            image = shrink(frame.image, width, height)
            state = annotator.state(frame.index)
            spent += seconds(lambda image=image, state=state: draw_overlay(image, state))  # type: ignore[misc]
    return 1000 * spent / count


def decode_and_mediapipe(video: Path) -> None:
    """What somebody else's program does at the least: decode, and MediaPipe on every frame."""
    with VideoFile(video) as source, open_engine("mediapipe") as engine:
        for frame in source:
            engine.estimate(frame)


def solutions_s(python: Path, video: Path) -> float:
    """Seconds that the loop of `solutions_loop.py` takes over a video."""
    loop = Path(__file__).with_name("solutions_loop.py")
    done = subprocess.run([python, loop, video], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["seconds"])


def one_round(exercise: str, video: Path, reference: bool, solutions: Path | None) -> dict[str, float]:
    """One paired measurement."""
    with VideoFile(video) as source:
        frames = list(source)
    out: dict[str, float] = {}
    for what, engine in (
        ("pose", BlazePose("full")),
        ("pose without second readings", BlazePose("full", mirror_every_s=None)),
        *([("MediaPipe", open_engine("mediapipe"))] if reference else []),
    ):
        out[f"{what}, ms a frame"], out[f"{what}, processor ms a frame"] = pose_ms(engine, frames)
    if reference:
        for kind in ("", "processor "):
            theirs = out[f"MediaPipe, {kind}ms a frame"]
            for what in ("pose", "pose without second readings"):
                ours = out[f"{what}, {kind}ms a frame"]
                out[f"RATIO {what} / MediaPipe, {kind or 'wall '}time"] = ours / theirs
    count = len(frames)
    del frames
    kept = {}

    def whole() -> None:
        kept["analysis"] = analyze(video, exercise)

    out["whole analysis, s"] = seconds(whole)
    if reference:
        out["decode + MediaPipe, s"] = seconds(lambda: decode_and_mediapipe(video))
        out["RATIO analysis / decode + MediaPipe"] = out["whole analysis, s"] / out["decode + MediaPipe, s"]
    if solutions is not None:
        out["OpenCV + mp.solutions.pose, s"] = solutions_s(solutions, video)
        theirs = out["OpenCV + mp.solutions.pose, s"]
        out["RATIO analysis / OpenCV + mp.solutions.pose"] = out["whole analysis, s"] / theirs
    analysis = kept["analysis"]
    stage = analysis.summary.processing.ms_per_frame
    out["RATIO everything else / pose"] = stage["engine"] / stage["pose"]
    with tempfile.TemporaryDirectory() as place:
        folder = OutputFolder(video, Path(place))
        folder.prepare()
        drawn = write_outputs(analysis, folder, report=False)
        out["rescore from the session, ms a frame"] = 1000 * seconds(lambda: rescore(folder.session)) / count
    stage = dict(drawn.summary.processing.ms_per_frame)
    stage["draw"] = draw_ms(analysis, video)
    # Drawing and encoding follow each other, each picture decoded once more.
    stage["encode"] = max(stage["encode"] - stage["draw"], 0.0)
    out |= {f"stage {name}, ms a frame": ms for name, ms in stage.items()}
    total = sum(stage.values())
    out |= {f"stage {name}, share": ms / total for name, ms in stage.items()}
    return out


def main() -> int:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="*", type=Path, help="EXERCISE=VIDEO; default: the demo clips")
    parser.add_argument("--bundle", type=Path, help="MediaPipe's pose_landmarker_full.task")
    parser.add_argument("--solutions", type=Path, metavar="PYTHON", help="a Python with mediapipe 0.10.21")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    clips = dict(str(v).split("=", 1) for v in options.videos) or {k: str(v) for k, v in DEMOS.items()}
    if options.bundle is not None:
        os.environ["FORMCHECK_POSE_TASK"] = str(options.bundle.resolve())
    reference = options.bundle is not None
    print(f"Machine: {machine()}")
    ceiling = machine_multiply_adds()
    print(
        f"A large float32 matrix product does {ceiling / 1e9:.0f} billion multiply-adds a processor second."
    )
    for name in MODELS:
        if (count := multiply_adds(ROOT / "models" / name)) is not None:
            least = 1000 * count / ceiling
            print(f"{name}: {count / 1e6:.0f} million multiply-adds, {least:.2f} processor ms at that rate.")
    for exercise, video in clips.items():
        rounds = []
        for k in range(options.rounds):
            rounds.append(one_round(exercise, Path(video), reference, options.solutions))
            print(f"{Path(video).name}: round {k + 1} of {options.rounds}", file=sys.stderr)
        print(f"\n| {Path(video).name}, {options.rounds} rounds | median | lowest | highest |")
        print("|---|---|---|---|")
        for what in rounds[0]:
            values = [r[what] for r in rounds if what in r]
            print(f"| {what} | {statistics.median(values):.3f} | {min(values):.3f} | {max(values):.3f} |")
    if hasattr(os, "getloadavg"):
        print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
