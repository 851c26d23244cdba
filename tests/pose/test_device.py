"""Choosing the processor for the pose model, with faked offers of ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from formcheck.errors import FormcheckError
from formcheck.pose import models
from formcheck.pose.device import CPU, open_sessions
from formcheck.pose.runtime import ort

LITE = models.shipped_folder() / "pose_landmark_lite.onnx"


class Session:
    """Stands for a session of ONNX Runtime; `trouble` is where it fails."""

    trouble = ""

    def __init__(self, path: str, options: object, providers: list[str]) -> None:
        if self.trouble == "create" and providers != [CPU]:
            raise RuntimeError("no driver")
        self._providers = [CPU] if self.trouble == "left out" else providers

    def get_providers(self) -> list[str]:
        return self._providers

    def get_inputs(self) -> list[Any]:
        class Picture:
            name = "image"
            shape = (1, 4, 4, 3)

        return [Picture()]

    def run(self, outputs: object, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        assert feed["image"].shape == (1, 4, 4, 3)
        if self.trouble == "run":
            raise RuntimeError("out of memory")
        return [np.full(3, np.nan if self.trouble == "nan" else 1.0)]


def offer(monkeypatch: pytest.MonkeyPatch, *providers: str, trouble: str = "") -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: [*providers, CPU])
    monkeypatch.setattr(ort, "InferenceSession", Session)
    monkeypatch.setattr(Session, "trouble", trouble)


@pytest.mark.parametrize(
    ("offered", "asked", "got"),
    [
        ("CUDAExecutionProvider", "auto", "cuda"),
        ("CUDAExecutionProvider", "cuda", "cuda"),
        ("CoreMLExecutionProvider", "auto", "coreml"),
        ("DmlExecutionProvider", "auto", "directml"),
        ("OpenVINOExecutionProvider", "openvino", "openvino"),
        ("OpenVINOExecutionProvider", "auto", "cpu"),
        ("AzureExecutionProvider", "auto", "cpu"),
        ("CUDAExecutionProvider", "cpu", "cpu"),
    ],
)
def test_takes_what_is_offered(monkeypatch: pytest.MonkeyPatch, offered: str, asked: str, got: str) -> None:
    offer(monkeypatch, offered)
    sessions, device, note = open_sessions([LITE, LITE], asked)
    assert (device, note) == (got, "")
    assert [s.get_providers()[0] == CPU for s in sessions] == [got == "cpu"] * 2


def test_says_so_when_a_device_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch)
    _, device, note = open_sessions([LITE], "cuda")
    assert device == "cpu"
    assert note == "ONNX Runtime offers no cuda here, so the pose model runs on the main processor."


@pytest.mark.parametrize("trouble", ["create", "left out", "run", "nan"])
@pytest.mark.parametrize("asked", ["cuda", "auto"])
def test_falls_back_when_a_device_fails(monkeypatch: pytest.MonkeyPatch, trouble: str, asked: str) -> None:
    offer(monkeypatch, "CUDAExecutionProvider", trouble=trouble)
    sessions, device, note = open_sessions([LITE, LITE], asked)
    assert device == "cpu"
    assert note == "The pose model does not run on cuda here, so it runs on the main processor."
    assert all(s.get_providers() == [CPU] for s in sessions)


def test_an_unknown_device_is_an_error() -> None:
    with pytest.raises(FormcheckError, match="There is no device called 'gpu'"):
        open_sessions([LITE], "gpu")


@pytest.mark.skipif("OpenVINOExecutionProvider" not in ort.get_available_providers(), reason="no OpenVINO")
def test_openvino_runs_the_model() -> None:
    sessions, device, _ = open_sessions([LITE], "openvino")
    plain, _, _ = open_sessions([LITE])
    picture = np.random.default_rng(0).random((1, 256, 256, 3), np.float32)
    found, wanted = (s[0].run(["landmarks"], {"image": picture})[0] for s in (sessions, plain))
    assert device == "openvino"
    np.testing.assert_allclose(found, wanted, atol=0.05)
