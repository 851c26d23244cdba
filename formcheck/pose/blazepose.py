"""BlazePose on ONNX Runtime: the default pose engine.

The published graph (detector -> region -> landmarks -> next region), with three changes made for people
lying on a mat: among several people the lying one is followed; the detector is asked again at the other
quarter turns, because it knows people by faces and a face at the head end is upside down; and a region is
held for a while when the detector is blind.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.pose import models
from formcheck.pose.detector import PoseDetector
from formcheck.pose.heatmap import refine
from formcheck.pose.landmarks import LANDMARK_COUNT, MIRRORED, Pose, PoseResult
from formcheck.pose.person import JumpGate, lying_score, same_body
from formcheck.pose.region import Region
from formcheck.pose.runtime import ort
from formcheck.sources import Frame

INPUT_SIDE = 256
#: Below this the landmark model does not believe that its region holds a person (published graph).
PRESENCE_THRESHOLD = 0.5
#: While somebody is followed, the detector looks again this often, to count people and to find a lying
#: person if the one followed is upright.
LOOK_EVERY_S = 1.0
#: How long the last region is tried again after the person was lost in it.
HOLD_REGION_S = 2.0
#: Somebody followed whose lying score is below this may be the therapist: look for a patient.
UPRIGHT_BELOW = 0.35
#: A mirrored second reading this often. It costs as much as a first one; the difference between the two
#: changes only as the pose does, so a few a second are enough (docs/validation.md, "Two readings").
MIRROR_EVERY_S = 0.2
#: Another person must lie this much more level than the one followed to take the lock over.
LYING_MARGIN = 0.25


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
        tensor = crop.astype(np.float32)[None]
        tensor *= np.float32(1 / 255)
        flat, score, flat_world, heat = self._session.run(
            ["landmarks", "score", "world_landmarks", "heatmap"], {"image": tensor}
        )
        raw = flat.reshape(-1, 5).copy()
        raw[:, :2] = refine(raw[:, :2] / INPUT_SIDE, heat[0]) * INPUT_SIDE
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


class BlazePose:
    """Pose engine on ONNX Runtime; see `formcheck.pose.engine.PoseEngine`.

    Args:
        model: ``"lite"``, ``"full"`` or an added model.
        threads: threads for the model (0 = let ONNX Runtime choose).
        mirror_every_s: seconds between mirrored second readings; None for none.

    Raises:
        FormcheckError: unknown model, or weights missing or damaged.
    """

    name = "blazepose-onnx"

    def __init__(
        self, model: str = "full", threads: int = 0, mirror_every_s: float | None = MIRROR_EVERY_S
    ) -> None:
        self._mirror_every_s = mirror_every_s
        detector = models.find_model("detector", "detection")
        landmarks = models.find_model("landmarks", model)
        self.model = model
        self.model_sha256 = {f.path.name: f.sha256 for f in (detector, landmarks)}
        self._detector: PoseDetector | None = PoseDetector(_session(detector.path, threads))
        self._net: LandmarkNet | None = LandmarkNet(_session(landmarks.path, threads))
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
        if self._net is None or self._detector is None:
            raise RuntimeError("this pose engine is closed")
        if self._fixed is not None:
            return self._estimate_fixed(frame, self._fixed)
        image, t = frame.image, frame.time_s
        output: NetOutput | None = None
        region = self._region
        if region is not None:
            output = self._believed(self._net(image, region))
        if output is None or t - self._looked_s >= LOOK_EVERY_S:
            output, region = self._look(image, t, output, region)
        if output is None or region is None:
            self._region = None
            return PoseResult(t, frame.index, None, self._people)
        pose = _pose(frame, output)
        if not self._gate.accepts(pose):
            # Look for the body where it was, not where the skeleton jumped to.
            self._region = self._held
            return PoseResult(t, frame.index, None, self._people, rejected="teleport")
        self._lying = lying_score(output.world_xyz)
        self._seen_s = t
        self._held = region
        # From this frame alone, as PoseLandmarker does: a smoothed region lags behind the body.
        self._region = Region.from_alignment(output.alignment_xy[0], output.alignment_xy[1])
        if not 1 < self._region.size < 20 * max(image.shape):
            self._region = None
        return PoseResult(t, frame.index, pose, max(self._people, 1), mirrored=self._mirrored(frame, region))

    def _estimate_fixed(self, frame: Frame, region: Region) -> PoseResult:
        output = self._believed(self.net(frame.image, region))
        if output is None:
            return PoseResult(frame.time_s, frame.index, None)
        mirrored = self._mirrored(frame, region)
        return PoseResult(frame.time_s, frame.index, _pose(frame, output), 1, mirrored=mirrored)

    def _mirrored(self, frame: Frame, region: Region) -> Pose | None:
        """The second reading, now and then."""
        assert self._net is not None
        if self._mirror_every_s is None or frame.time_s - self._mirrored_s < self._mirror_every_s - 1e-3:
            return None
        self._mirrored_s = frame.time_s
        output = self._believed(self._net(frame.image, region, mirrored=True))
        return _pose(frame, output) if output is not None else None

    def _look(
        self, image: NDArray[np.uint8], t: float, followed: NetOutput | None, region: Region | None
    ) -> tuple[NetOutput | None, Region | None]:
        """Ask the detector, and choose whom to follow: who is followed already, or who lies."""
        assert self._net is not None
        assert self._detector is not None
        self._looked_s = t
        found = self._detector.detect(image)
        self._people = len(found)
        upright = followed is not None and self._lying < UPRIGHT_BELOW
        if not found or upright:
            # Nobody, or nobody lying: look once more at another quarter turn, a different one each time.
            self._turn = self._turn % 3 + 1
            found = found + self._detector.detect(image, self._turn)
        best, best_region = followed, region
        best_score = lying_score(followed.world_xyz) + LYING_MARGIN if followed is not None else -1.0
        for one in found if followed is None or upright else ():
            output = self._believed(self._net(image, one.region))
            if output is None or (followed is not None and same_body(followed.image_xyz, output.image_xyz)):
                continue
            score = lying_score(output.world_xyz)
            if score > best_score:
                best, best_region, best_score = output, one.region, score
        if best is None and self._held is not None and t - self._seen_s < HOLD_REGION_S:
            best, best_region = self._believed(self._net(image, self._held)), self._held
        return best, best_region

    @staticmethod
    def _believed(output: NetOutput) -> NetOutput | None:
        return output if output.score >= PRESENCE_THRESHOLD else None

    def close(self) -> None:
        self._detector = self._net = None

    def __enter__(self) -> BlazePose:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pose(frame: Frame, output: NetOutput) -> Pose:
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


def _session(path: object, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # Waiting threads that spin would take the core that decodes and draws.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
