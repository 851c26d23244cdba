"""Small good files to spoil, made in code: clips in every container, sessions, notes, models."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import sys
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np

TESTS = Path(__file__).resolve().parents[1]
for _folder in (TESTS, TESTS / "review", TESTS / "pose"):
    sys.path.append(str(_folder)) if str(_folder) not in sys.path else None

#: Container, codec and pixel format of the clips.
CLIPS = (
    ("mp4", "libx264", "yuv420p"), ("mkv", "libx264", "yuv420p"), ("mov", "mpeg4", "yuv420p"),
    ("webm", "libvpx", "yuv420p"), ("avi", "mpeg4", "yuv420p"), ("gif", "gif", "rgb8"),
    ("ts", "mpeg2video", "yuv420p"), ("avi", "mjpeg", "yuvj420p"), ("flv", "flv", "yuv420p"),
)  # fmt: skip


@lru_cache
def clips() -> list[tuple[str, bytes]]:
    """Ending and contents of a one-second clip in every container, and of a sound file."""
    out = []
    for kind, codec, pixels in CLIPS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a.{kind}"
            with av.open(str(path), "w") as container:
                stream = container.add_stream(codec, rate=25)
                stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
                for i in range(20):
                    image = np.full((48, 64, 3), 10 * i, np.uint8)
                    image[10:30, i : i + 20] = (200, 30, 90)
                    container.mux(
                        stream.encode(av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pixels))
                    )
                container.mux(stream.encode())
            out.append((kind, path.read_bytes()))
    return [*out, ("wav", sound())]


def sound() -> bytes:
    """A file with sound and no picture."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


@lru_cache
def sessions() -> dict[str, bytes]:
    """Contents of ``session.sqlite`` of a short analysed, a live, and a killed session."""
    from made import analysed, as_live, bridges, killed

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        recording = analysed(root / "recording", bridges(reps=1))
        live = as_live(recording, root / "live", patient="P7", started="2026-01-02T10:00:00+01:00")
        with sqlite3.connect(live / "session.sqlite") as db:
            facts = {"started": "2026-01-02T10:00:00+01:00", "patient": "P7", "language": "en",
                     "consent": "skeleton", "sets": 2, "reps": 4, "source": "camera 0",
                     "engine": "blazepose-onnx", "model": "full", "views": ["side"]}  # fmt: skip
            db.execute("UPDATE meta SET value = ? WHERE key = 'live'", (json.dumps(facts),))
        db.close()
        killed(recording, root / "killed")
        return {
            name: (root / name / "session.sqlite").read_bytes() for name in ("recording", "live", "killed")
        }


@lru_cache
def summary_json() -> str:
    """A live session's summary."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.sqlite"
        path.write_bytes(sessions()["live"])
        db = sqlite3.connect(path)
        text = str(db.execute("SELECT json FROM summary").fetchone()[0])
        db.close()
        return text


@lru_cache
def notes() -> bytes:
    """A ``review.sqlite`` with a few notes."""
    from formcheck.session.notes import Notes

    with tempfile.TemporaryDirectory() as folder:
        book = Notes(Path(folder))
        book.save("about", {"patient": "P7", "recorded": "2026-01-02"}, 0)
        book.save("comment:1", {"time_s": 1.5, "text": "slow"}, 0)
        book.save("rating", {"level": 0.8, "note": ""}, 0)
        book.save("reviewed:1", {"rep": 1, "start_s": 1.0, "done": True}, 0)
        db = sqlite3.connect(book.path)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode=DELETE")
        db.close()
        return book.path.read_bytes()


@lru_cache
def tflite_models() -> list[bytes]:
    """Small TFLite files with the shapes of a landmark model."""
    from test_convert import small_model

    return [small_model(code) for code in (0, 3, 17, 22, 34)]


def task_of(a: bytes, b: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    """A bundle of two models."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as bundle:
        bundle.writestr("pose_detector.tflite", a)
        bundle.writestr("pose_landmarks_detector.tflite", b)
    return buffer.getvalue()


@lru_cache
def onnx_model() -> bytes:
    """The smallest shipped landmark model."""
    from formcheck.pose.models import shipped_folder

    return (shipped_folder() / "pose_landmark_lite.onnx").read_bytes()


def fresh(folder: Path) -> Path:
    """The folder, emptied."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@lru_cache
def definition_toml(name: str) -> dict[str, Any]:
    """A shipped definition as plain values."""
    from formcheck.exercises.definition import load_definition

    plain: dict[str, Any] = load_definition(name).model_dump(mode="json", exclude_none=True)
    return plain
