"""Make models/pose_landmarker_full.task, MediaPipe's bundle, from Google's TFLite pose models.

Google publishes ``pose_landmarker_{lite,full,heavy}.task`` only for download; the same models lie, without
the metadata the newer MediaPipe reads, in packages (see models/README.md). A bundle is a stored zip of
``pose_detector.tflite`` and ``pose_landmarks_detector.tflite``, each with metadata that says how its input is
normalised: ``(value - mean) / std``, with mean 127.5 and std 127.5 for the detector, 0 and 255 for the
landmark model.

Run it with mediapipe 0.10.21 (whose metadata writer works; 1.x's is broken) in an environment of its own,
since that version needs numpy < 2 and Python <= 3.12:

    python3.11 -m venv /tmp/mp21 && /tmp/mp21/bin/pip install mediapipe==0.10.21
    /tmp/mp21/bin/python tests/tools/make_task_bundle.py DETECTOR.tflite LANDMARKS.tflite OUT.task
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

PARTS = (("pose_detector.tflite", 127.5, 127.5), ("pose_landmarks_detector.tflite", 0.0, 255.0))


def with_normalisation(model: bytes, mean: float, std: float) -> bytes:
    """The TFLite model with metadata saying that its input is ``(value - mean) / std``."""
    from mediapipe.tasks.python.metadata.metadata_writers import metadata_writer

    writer = metadata_writer.MetadataWriter(bytearray(model))
    writer.add_image_input([mean], [std])
    populated, _ = writer.populate()
    return bytes(populated)


def main(arguments: list[str]) -> int:
    if len(arguments) != 3:
        print("usage: make_task_bundle.py DETECTOR.tflite LANDMARKS.tflite OUT.task", file=sys.stderr)
        return 2
    with zipfile.ZipFile(arguments[2], "w", zipfile.ZIP_STORED) as bundle:
        for source, (name, mean, std) in zip(arguments[:2], PARTS, strict=True):
            # A fixed date, so that the same models always give the same bundle.
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            bundle.writestr(entry, with_normalisation(Path(source).read_bytes(), mean, std))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
