"""Opens whatever source of live pictures the command line names."""

from __future__ import annotations

from pathlib import Path

from formcheck.errors import FormcheckError
from formcheck.video.camera import Camera
from formcheck.video.clip_camera import ClipSource
from formcheck.video.live_source import LiveSource


def open_source(camera: str | None = None, clip: str | Path | None = None) -> LiveSource:
    """The source that the command line names, not opened yet.

    Args:
        camera: number, device path or URL; None is the first camera, unless a clip is given.
        clip: a video file to play as if it were the camera.

    Raises:
        FormcheckError: both were given.
    """
    if camera is not None and clip is not None:
        raise FormcheckError("Give either a camera or a clip to play (--camera or --source), not both.")
    return ClipSource(clip) if clip is not None else Camera(camera if camera is not None else "0")
