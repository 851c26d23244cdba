"""Which processor runs the pose models: the main one, or another that ONNX Runtime offers here.

A device that is not offered, or that fails when tried, is replaced by the main processor with a plain
sentence saying so; it never stops an analysis.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from formcheck.errors import FormcheckError
from formcheck.pose.runtime import ort

CPU = "CPUExecutionProvider"
#: ONNX Runtime's name of each device.
PROVIDERS = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
DEVICES = ("auto", *PROVIDERS)
#: What "auto" takes, the first one offered. OpenVINO on the main processor was measured to be no faster than
#: ONNX Runtime's own kernels (docs/performance.md), so it is used only when asked for.
_PREFERRED = ("cuda", "coreml", "directml")


def check_device(device: str) -> None:
    """See that a device is one that can be asked for.

    Raises:
        FormcheckError: there is no such device.
    """
    if device not in DEVICES:
        raise FormcheckError(f"There is no device called '{device}'; choose one of: {', '.join(DEVICES)}.")


def open_sessions(paths: list[Path], device: str = "cpu") -> tuple[list[ort.InferenceSession], str, str]:
    """Load models on a device, each tried once on a black picture.

    Args:
        paths: ONNX files whose input is one picture.
        device: one of `DEVICES`.

    Returns:
        The sessions, all on one device; that device; and one sentence where another was asked for, or "".

    Raises:
        FormcheckError: there is no such device.
    """
    check_device(device)
    offered = ort.get_available_providers()
    wanted = device
    if device == "auto":
        wanted = next((name for name in _PREFERRED if PROVIDERS[name] in offered), "cpu")
    note = ""
    if PROVIDERS[wanted] not in offered:
        note = f"ONNX Runtime offers no {wanted} here, so the pose model runs on the main processor."
        wanted = "cpu"
    if wanted != "cpu":
        try:
            return [_tried(path, wanted) for path in paths], wanted, ""
        except Exception:  # onnxruntime's errors share no base class of its own
            note = f"The pose model does not run on {wanted} here, so it runs on the main processor."
    return [_session(path, [CPU]) for path in paths], "cpu", note


def _tried(path: Path, device: str) -> ort.InferenceSession:
    """A session that has run once on a device."""
    session = _session(path, [PROVIDERS[device], CPU])
    # A provider whose own libraries are missing is left out by ONNX Runtime without an error.
    if PROVIDERS[device] not in session.get_providers():
        raise RuntimeError(f"{device} could not be loaded")
    picture = session.get_inputs()[0]
    results: list[Any] = session.run(None, {picture.name: np.zeros(picture.shape, np.float32)})
    if not all(np.isfinite(result).all() for result in results):
        raise RuntimeError(f"{device} gives no numbers")
    return session


def _session(path: Path, providers: list[str]) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # see `BlazePose`
    return ort.InferenceSession(str(path), options, providers=providers)
