"""ONNX Runtime with its telemetry switched off; the only place that imports it.

The official builds from 1.32 on (on Windows older ones, by another way) report events to their maker over the
network and keep an identifier of the computer on its disk, unless they are told before they are loaded.
"""

from __future__ import annotations

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # no uploader, no events, no identifier, as its Privacy.md says

import onnxruntime as ort

ort.disable_telemetry_events()  # for builds that do not know the variable

__all__ = ["ort"]
