"""What a pose engine is, and how to open one."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from formcheck.errors import FormcheckError

if TYPE_CHECKING:
    from formcheck.pose.landmarks import PoseResult
    from formcheck.video.file import Frame


class PoseEngine(Protocol):
    """Finds the exercising person in frames given in order of time.

    Attributes:
        name: as written to the summary, e.g. ``"blazepose-onnx"``.
        model: model variant, e.g. ``"full"``.
        model_sha256: hashes of the weight files in use, by file name.
        device: what runs the model, e.g. ``"cpu"``.
        device_note: one sentence where that is not the device asked for, else "".
    """

    name: str
    model: str
    model_sha256: dict[str, str]
    device: str
    device_note: str

    def estimate(self, frame: Frame) -> PoseResult:
        """Landmarks of the exercising person in this frame. Frames come in order of time."""
        ...

    def reset(self) -> None:
        """Forget the person followed so far (after a cut, or for another video)."""
        ...

    def close(self) -> None:
        """Release the model. Safe to call twice."""
        ...

    def __enter__(self) -> PoseEngine: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


ENGINES = ("blazepose-onnx", "mediapipe")


def check_engine(name: str, model: str) -> None:
    """See that an engine and a model are there, without the time it takes to load them where possible.

    Raises:
        FormcheckError: see `open_engine`.
    """
    if name == "blazepose-onnx":
        from formcheck.pose import models

        models.find_model("landmarks", model)
    else:
        open_engine(name, model).close()


def open_engine(
    name: str = "blazepose-onnx", model: str = "full", threads: int = 0, device: str = "cpu"
) -> PoseEngine:
    """Open a pose engine by name.

    Args:
        name: one of `ENGINES`.
        model: ``"lite"``, ``"full"``, or a model added with ``formcheck models add``.
        threads: models of our own engine that may run at the same time; 0 lets it choose.
        device: for our own engine, see `formcheck.pose.device`.

    Raises:
        FormcheckError: unknown engine, model or device, missing or damaged weights, or an engine whose
            optional package is not installed.
    """
    if name == "blazepose-onnx":
        from formcheck.pose.blazepose import BlazePose

        return BlazePose(model, threads, device=device)
    if name == "mediapipe":
        from formcheck.pose.mediapipe import MediaPipe

        return MediaPipe(model)
    raise FormcheckError(f"There is no pose engine called '{name}'; choose one of: {', '.join(ENGINES)}.")
