"""BlazePose on ONNX Runtime: the default pose engine.

The published graph (detector -> region -> landmarks -> next region), with four changes made for people
lying on a mat: among several people the lying one is followed; the detector is asked again at the other
quarter turns, because it knows people by faces and a face at the head end is upside down; where it sees
nobody it is asked again about parts of the frame, in which somebody small is large enough for it; and a
region is held for a while when the detector is blind.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import TracebackType
from typing import ParamSpec, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.pose import models
from formcheck.pose.detector import Detection, PoseDetector, parts
from formcheck.pose.device import open_sessions
from formcheck.pose.heatmap import refine
from formcheck.pose.landmarks import LANDMARK_COUNT, MIRRORED, Pose, PoseResult
from formcheck.pose.person import (
    STEADY_DISAGREEMENT,
    UPRIGHT_BELOW,
    JumpGate,
    lying_score,
    same_body,
    skeleton_distance,
)
from formcheck.pose.region import Region
from formcheck.pose.runtime import ort
from formcheck.video.file import Frame

INPUT_SIDE = 256
#: Of the model's points: the landmarks and the two from which the next region is made.
_USED = LANDMARK_COUNT + 2
#: Below this the landmark model does not believe that its region holds a person (published graph).
PRESENCE_THRESHOLD = 0.5
#: While somebody is followed, the detector looks again this often, to count people and to find a lying
#: person if the one followed is upright.
LOOK_EVERY_S = 1.0
#: How long the last region is tried again after the person was lost in it.
HOLD_REGION_S = 2.0
#: A mirrored second reading this often. It costs as much as a first one; the difference between the two
#: changes only as the pose does, so a few a second are enough (docs/lab_notes.md, "Two readings").
MIRROR_EVERY_S = 0.2
#: Another person must lie this much more level than the one followed to take the lock over.
LYING_MARGIN = 0.25
#: A region found in a part of the frame is laid anew around the body this often before it is followed.
_LAY_ANEW = 3
#: Frames of a recording read at the same time. Fixed, because results depend on it.
_AT_ONCE = 2

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class NetOutput:
    """Decoded output of the landmark model, in frame coordinates (see `Pose`)."""

    image_xyz: NDArray[np.float32]
    world_xyz: NDArray[np.float32]
    visibility: NDArray[np.float32]
    presence: NDArray[np.float32]
    alignment_xy: NDArray[np.float64]
    score: float


class LandmarkNet:
    """Runs the landmark model on a region of a frame.

    Args:
        session: ONNX Runtime session (NHWC input 256x256, 0 to 1, RGB).
    """

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session

    def __call__(self, image: NDArray[np.uint8], region: Region, mirrored: bool = False) -> NetOutput:
        """Landmarks in a region; `mirrored` reads the region in a mirror and turns the answer back."""
        crop = cv2.cvtColor(region.crop(image, INPUT_SIDE), cv2.COLOR_BGR2RGB)
        if mirrored:
            crop = np.ascontiguousarray(crop[:, ::-1])
        tensor = np.multiply(crop, np.float32(1 / 255), dtype=np.float32)[None]
        flat, score, flat_world, heat = self._session.run(
            ["landmarks", "score", "world_landmarks", "heatmap"], {"image": tensor}
        )
        raw = flat.reshape(-1, 5)[:_USED].copy()
        raw[:, :2] = refine(raw[:, :2] / INPUT_SIDE, heat[0, :_USED]) * INPUT_SIDE
        flat_world = flat_world.reshape(-1, 3)[:LANDMARK_COUNT]
        if mirrored:
            raw[:, 0] = INPUT_SIDE - raw[:, 0]
            raw[:LANDMARK_COUNT] = raw[list(MIRRORED)]
            flat_world = flat_world[list(MIRRORED)] * np.array([-1, 1, 1], np.float32)
        xy = region.to_frame(raw[:, :2] / INPUT_SIDE)
        z = raw[:LANDMARK_COUNT, 2:3] / INPUT_SIDE * region.size
        c, s = np.cos(region.rotation), np.sin(region.rotation)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        likely = 1 / (1 + np.exp(-raw[:LANDMARK_COUNT, 3:5].astype(np.float64)))
        return NetOutput(
            image_xyz=np.concatenate([xy[:LANDMARK_COUNT], z], axis=1).astype(np.float32),
            world_xyz=(flat_world @ turn.T).astype(np.float32),
            visibility=likely[:, 0].astype(np.float32),
            presence=likely[:, 1].astype(np.float32),
            alignment_xy=xy[LANDMARK_COUNT : LANDMARK_COUNT + 2],
            score=float(score[0, 0]),
        )


@dataclass(frozen=True)
class _Memory:
    """What is known when a frame is read, of the frames before it.

    Attributes:
        region: where to look, or None after the person was lost.
        fixed: `region` is kept, without detecting or tracking (see `BlazePose.hold`).
        held: the last region in which somebody was seen, at `seen_s`.
        lying: lying score of the person followed.
        turn: quarter turns at which the detector looked when it last looked twice.
        look, mirror: the detector looks again, a second reading is made.
        part: which part of the frame is looked into if nobody is seen; None for all of them.
    """

    region: Region | None
    fixed: bool
    held: Region | None
    seen_s: float
    lying: float
    turn: int
    look: bool
    mirror: bool
    part: int | None


@dataclass(frozen=True)
class _Reading:
    """What the models say about one frame: the choice of `BlazePose` among people, not yet gated."""

    output: NetOutput | None
    region: Region | None
    mirrored: NetOutput | None = None
    people: int | None = None
    turn: int = 0


class BlazePose:
    """Pose engine on ONNX Runtime; see `formcheck.pose.engine.PoseEngine`.

    A model runs on one thread: on two it takes nearly as long and a third more processor time. A second core
    is used by reading two pictures, or one picture twice, at the same time.

    Args:
        model: ``"lite"``, ``"full"`` or an added model.
        threads: models that may run at the same time; 0 for two where there are two cores. What is read does
            not depend on it.
        mirror_every_s: seconds between mirrored second readings; None for none.
        device: see `formcheck.pose.device`.

    Raises:
        FormcheckError: unknown model or device, or weights missing or damaged.
    """

    name = "blazepose-onnx"

    def __init__(
        self,
        model: str = "full",
        threads: int = 0,
        mirror_every_s: float | None = MIRROR_EVERY_S,
        device: str = "cpu",
    ) -> None:
        self._mirror_every_s = mirror_every_s
        detector = models.find_model("detector", "detection")
        landmarks = models.find_model("landmarks", model)
        self.model = model
        self.model_sha256 = {f.path.name: f.sha256 for f in (detector, landmarks)}
        paths = [detector.path, landmarks.path]
        (finds, reads), self.device, self.device_note = open_sessions(paths, device)
        self._detector: PoseDetector | None = PoseDetector(finds)
        self._net: LandmarkNet | None = LandmarkNet(reads)
        # Not every other device may be asked two things at once.
        workers = min(threads or os.cpu_count() or 1, _AT_ONCE) if self.device == "cpu" else 1
        self._pool = ThreadPoolExecutor(workers, "pose") if workers > 1 else None
        self._gate = JumpGate()
        self.reset()

    def reset(self) -> None:
        self._gate.reset()
        self._fixed: Region | None = None
        self._region: Region | None = None
        self._held: Region | None = None
        self._seen_s = -1e9
        self._looked_s = -1e9
        self._mirrored_s = -1e9
        self._lying = 0.0
        self._people = 0
        self._turn = 0
        self._count = 0

    def hold(self, region: Region) -> None:
        """Look only at this region from now on, without detecting or tracking (see `second_look`)."""
        self.reset()
        self._fixed = region

    @property
    def net(self) -> LandmarkNet:
        """The landmark model."""
        if self._net is None:
            raise RuntimeError("this pose engine is closed")
        return self._net

    def estimate(self, frame: Frame) -> PoseResult:
        known = self._remember(frame)
        return self._take(frame, known, self._read(frame, known, self._pool))

    def estimate_all(self, frames: Iterable[Frame]) -> Generator[PoseResult, None, None]:
        """`estimate` for the frames of a recording, two of them at the same time.

        A frame is looked at where the body was two frames before, not one, so that it need not wait for the
        frame before it. Results come in order, and are the same on any number of cores.
        """
        waiting: deque[tuple[Frame, _Memory, Future[_Reading]]] = deque()
        try:
            for frame in frames:
                known = self._remember(frame, everywhere=self._count == 0)
                waiting.append((frame, known, _begin(self._pool, self._read, frame, known)))
                if len(waiting) == _AT_ONCE:
                    yield self._next(waiting)
            while waiting:
                yield self._next(waiting)
        finally:
            wait([reading for _, _, reading in waiting])

    def _next(self, waiting: deque[tuple[Frame, _Memory, Future[_Reading]]]) -> PoseResult:
        frame, known, reading = waiting.popleft()
        return self._take(frame, known, reading.result())

    def _remember(self, frame: Frame, everywhere: bool = False) -> _Memory:
        """What `_read` needs to know; a look or second reading that is due is now taken to be made.

        Args:
            frame: the frame.
            everywhere: look for somebody small in all parts of it, which takes a second or two.
        """
        t = frame.time_s
        region = self._region if self._fixed is None else self._fixed
        look = self._fixed is None and t - self._looked_s >= LOOK_EVERY_S
        mirror = self._mirror_every_s is not None and t - self._mirrored_s >= self._mirror_every_s - 1e-3
        if look:
            self._looked_s = t
        if mirror:
            self._mirrored_s = t
        fixed = self._fixed is not None
        part = None if everywhere else self._count
        self._count += 1
        return _Memory(region, fixed, self._held, self._seen_s, self._lying, self._turn, look, mirror, part)

    def _read(self, frame: Frame, known: _Memory, pool: Executor | None = None) -> _Reading:
        """Run the models on one frame. Changes nothing here, so frames may be read at the same time.

        Args:
            frame: the frame.
            known: of the frames before.
            pool: where a second reading and the detector may run beside the first reading, or None.
        """
        image, region = frame.image, known.region
        net, detector = self.net, self._detector
        assert detector is not None
        second = look = None
        if known.mirror and region is not None:
            second = _begin(pool, net, image, region, True)
        if known.look:
            look = _begin(pool, detector.detect, image)
        output = _believed(net(image, region)) if region is not None else None
        found = look.result() if look is not None else None
        if known.fixed:
            return _Reading(output, region, second.result() if second is not None else None)
        people, turn, followed = None, known.turn, region
        if output is None or found is not None:
            found = detector.detect(image) if found is None else found
            people = len(found)
            output, region, turn = self._choose(frame, known, output, found)
        mirrored = None
        if second is not None:
            mirrored = second.result()  # waited for in any case: the picture is in use until then
        if (
            known.mirror
            and output is not None
            and region is not None
            and (second is None or region != followed)
        ):
            mirrored = net(image, region, mirrored=True)
        return _Reading(output, region, mirrored, people, turn)

    def _take(self, frame: Frame, known: _Memory, reading: _Reading) -> PoseResult:
        """Follow the body to where a reading says it is, unless it jumped. Called in order of time."""
        output, region, t = reading.output, reading.region, frame.time_s
        if reading.people is not None:
            self._people, self._looked_s = reading.people, t
            self._turn = reading.turn
        if output is None or region is None:
            self._owe_mirrored(known)
            self._region = None
            return PoseResult(t, frame.index, None, self._people)
        mirrored = _believed(reading.mirrored)
        second = as_pose(frame, mirrored) if mirrored is not None else None
        pose = as_pose(frame, output)
        if self._fixed is not None:
            return PoseResult(t, frame.index, pose, 1, mirrored=second)
        if not self._gate.accepts(pose):
            self._owe_mirrored(known)
            # Look for the body where it was, not where the skeleton jumped to.
            self._region = self._held
            return PoseResult(t, frame.index, None, self._people, rejected="teleport")
        self._lying = lying_score(output.world_xyz)
        self._seen_s = t
        self._held = region
        # From this frame alone, as PoseLandmarker does: a smoothed region lags behind the body.
        self._region = Region.from_alignment(output.alignment_xy[0], output.alignment_xy[1])
        if not 1 < self._region.size < 20 * max(frame.image.shape):
            self._region = None
        return PoseResult(t, frame.index, pose, max(self._people, 1), mirrored=second)

    def _owe_mirrored(self, known: _Memory) -> None:
        """A second reading that was due for a frame without a body is made in the next one."""
        if known.mirror:
            self._mirrored_s = -1e9

    def _choose(
        self, frame: Frame, known: _Memory, followed: NetOutput | None, found: list[Detection]
    ) -> tuple[NetOutput | None, Region | None, int]:
        """Whom to follow: who is followed already, or who lies. Also the detector's turn, see `_Memory`."""
        net, image, turn = self.net, frame.image, known.turn
        assert self._detector is not None
        upright = followed is not None and known.lying < UPRIGHT_BELOW
        if not found or upright:
            # Nobody, or nobody lying: look once more at another quarter turn, a different one each time.
            turn = turn % 3 + 1
            found = found + self._detector.detect(image, turn)
        best, best_region = followed, known.region
        best_score = lying_score(followed.world_xyz) + LYING_MARGIN if followed is not None else -1.0
        for one in found if followed is None or upright else ():
            output = _believed(net(image, one.region))
            if output is None or (followed is not None and same_body(followed.image_xyz, output.image_xyz)):
                continue
            score = lying_score(output.world_xyz)
            if score > best_score:
                best, best_region, best_score = output, one.region, score
        if best is None and known.held is not None and frame.time_s - known.seen_s < HOLD_REGION_S:
            best, best_region = _believed(net(image, known.held)), known.held
        if best is None:
            best, best_region = self._find_small(frame, known.part)
        return best, best_region, turn

    def _find_small(self, frame: Frame, part: int | None) -> tuple[NetOutput | None, Region | None]:
        """Who lies most in one part of the frame, or in all: only a body that two readings agree on."""
        assert self._detector is not None
        image = frame.image
        squares = parts(image.shape[1], image.shape[0])
        if part is not None and squares:
            squares = [squares[part % len(squares)]]
        best: tuple[NetOutput | None, Region | None] = None, None
        best_score = -1.0
        for square in squares:
            for one in self._detector.detect_in(image, square):
                output, region = self._laid_anew(image, one.region)
                if output is not None and (score := lying_score(output.world_xyz)) > best_score:
                    best, best_score = (output, region), score
        return best

    def _laid_anew(self, image: NDArray[np.uint8], region: Region) -> tuple[NetOutput | None, Region]:
        """The body in a region and the region laid around it; None unless two readings there agree."""
        output = _believed(self.net(image, region))
        for _ in range(_LAY_ANEW):
            if output is None:
                return None, region
            region = Region.from_alignment(output.alignment_xy[0], output.alignment_xy[1])
            if not 1 < region.size < 20 * max(image.shape):
                return None, region
            output = _believed(self.net(image, region))
        mirrored = _believed(self.net(image, region, mirrored=True))
        if output is None or mirrored is None:
            return None, region
        agrees = skeleton_distance(output.image_xyz, mirrored.image_xyz) <= STEADY_DISAGREEMENT
        return (output if agrees else None), region

    def close(self) -> None:
        self._detector = self._net = None
        if self._pool is not None:
            self._pool.shutdown()

    def __enter__(self) -> BlazePose:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _believed(output: NetOutput | None) -> NetOutput | None:
    return output if output is not None and output.score >= PRESENCE_THRESHOLD else None


def _begin(pool: Executor | None, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Begin some work on the pool, or do it at once where there is none."""
    if pool is not None:
        return pool.submit(work, *args, **kwargs)
    done: Future[T] = Future()
    done.set_result(work(*args, **kwargs))
    return done


def as_pose(frame: Frame, output: NetOutput) -> Pose:
    """What a network says about a frame, as a `Pose`."""
    return Pose(
        time_s=frame.time_s,
        index=frame.index,
        image_wh=(frame.image.shape[1], frame.image.shape[0]),
        image_xyz=output.image_xyz,
        world_xyz=output.world_xyz,
        visibility=output.visibility,
        presence=output.presence,
        score=output.score,
    )
