"""MediaPipe's PoseLandmarker: the reference engine, an independent check on our own.

It needs the optional package (``pip install 'formcheck[mediapipe]'``). Its ``.task`` bundle for the model
``full`` is shipped; another is one added with ``formcheck models add``, or the file named by
``FORMCHECK_POSE_TASK``.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.errors import FormcheckError
from formcheck.pose import models
from formcheck.pose.landmarks import Pose, PoseResult
from formcheck.video.file import Frame

#: Environment variable naming a ``.task`` file to use whatever the model's name.
TASK_VARIABLE = "FORMCHECK_POSE_TASK"


class MediaPipe:
    """PoseLandmarker in VIDEO mode, one person, MediaPipe's default thresholds.

    It follows whom it likes: it sees at most one person, so ``people_seen`` is 1 or 0. The task does not
    give out its score for the person; ``Pose.score`` is the mean presence of the landmarks instead.
    """

    name = "mediapipe"
    device = "cpu"
    device_note = ""

    def __init__(self, model: str = "full") -> None:
        """Open the engine.

        Args:
            model: ``"full"``, or the name of a bundle added with ``formcheck models add``; only a label
                where ``FORMCHECK_POSE_TASK`` is set.

        Raises:
            FormcheckError: mediapipe is not installed or does not start, or there is no whole bundle of
                that name.
        """
        self._mp, self._vision, self._base_options = _import()
        self.model = model
        self._bundle, file_name, sha256 = _read_bundle(model)
        self.model_sha256: dict[str, str] = {file_name: sha256}
        self._last_ms = -1
        self._closed = False
        self._landmarker: Any = self._open()

    def _open(self) -> Any:
        options = self._vision.PoseLandmarkerOptions(
            base_options=self._base_options(model_asset_buffer=self._bundle),
            running_mode=self._vision.RunningMode.VIDEO,
            num_poses=1,
        )
        try:
            return self._vision.PoseLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            file_name = next(iter(self.model_sha256))
            raise FormcheckError(
                f"MediaPipe cannot open {file_name}: give an official pose_landmarker .task bundle."
            ) from error

    def estimate(self, frame: Frame) -> PoseResult:
        """Landmarks of the person in this frame. Frames come in order of time.

        Raises:
            RuntimeError: the engine has been closed.
        """
        if self._closed:
            raise RuntimeError("This MediaPipe engine has been closed; open another one.")
        # MediaPipe wants whole milliseconds that always grow.
        self._last_ms = max(round(frame.time_s * 1000), self._last_ms + 1)
        rgb = cv2.cvtColor(frame.image, cv2.COLOR_BGR2RGB)
        image = self._mp.Image(image_format=self._mp.ImageFormat.SRGB, data=rgb)
        found = self._landmarker.detect_for_video(image, self._last_ms)
        if not found.pose_landmarks:
            return PoseResult(frame.time_s, frame.index, None, people_seen=0)
        landmarks = found.pose_landmarks[0]
        height, width = frame.image.shape[:2]
        presence = np.array([point.presence for point in landmarks], np.float32)
        pose = Pose(
            time_s=frame.time_s,
            index=frame.index,
            image_wh=(width, height),
            image_xyz=_xyz(landmarks) * np.array([width, height, width], np.float32),
            world_xyz=_xyz(found.pose_world_landmarks[0]),
            visibility=np.array([point.visibility for point in landmarks], np.float32),
            presence=presence,
            score=float(presence.mean()),
        )
        return PoseResult(frame.time_s, frame.index, pose, people_seen=1)

    def reset(self) -> None:
        """Forget the person followed so far; time may start again from 0."""
        if self._closed:
            return
        # PoseLandmarker has no reset of its own.
        self._landmarker.close()
        self._landmarker = self._open()
        self._last_ms = -1

    def close(self) -> None:
        """Release the model. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._landmarker.close()

    def __enter__(self) -> MediaPipe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _import() -> tuple[Any, Any, Any]:
    """``(mediapipe, its vision tasks, BaseOptions)``."""
    try:
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as error:
        raise FormcheckError(
            "The MediaPipe engine needs the package mediapipe 0.10.31: "
            "run pip install 'formcheck[mediapipe]', or use the engine blazepose-onnx."
        ) from error
    except OSError as error:  # a system library MediaPipe loads is missing
        raise FormcheckError(
            f"MediaPipe is installed but does not start ({error}); use the engine blazepose-onnx instead."
        ) from error
    return mediapipe, vision, BaseOptions


def _read_bundle(model: str) -> tuple[bytes, str, str]:
    """``(contents, file name, SHA-256)`` of the bundle to use."""
    chosen = os.environ.get(TASK_VARIABLE)
    path = Path(chosen) if chosen else models.find_bundle(model).path
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FormcheckError(
            f"Cannot read the MediaPipe bundle {path} ({error.strerror or error}); "
            f"see formcheck models list, or set {TASK_VARIABLE} to a .task file."
        ) from error
    return data, path.name, hashlib.sha256(data).hexdigest()


def _xyz(points: Any) -> NDArray[np.float32]:
    """``(33, 3)`` float32 of MediaPipe's list of points."""
    return np.array([(point.x, point.y, point.z) for point in points], np.float32)
