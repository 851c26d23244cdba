"""FFmpeg's view of a video that may come from anybody: which kinds are opened, which stream is looked at.

A file that names other files (a playlist, a list of clips to join, a pattern of pictures) is no video:
whoever sends one could have it show what lies elsewhere on this computer. So only the formats of real videos
are opened, and nothing but that file is.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av

#: FFmpeg's names of the formats that are opened: what cameras, phones, screens and messengers make. None of
#: them names other files (of ``mov``'s references FFmpeg follows none unless it is told to).
FORMATS = (
    "mov",  # with mp4, m4v, 3gp
    "matroska",  # with webm
    "avi",
    "mpegts",
    "mpeg",
    "mpegvideo",
    "asf",
    "flv",
    "ogg",
    "mxf",
    "dv",
    "h264",
    "hevc",
    "m4v",
    "ivf",
    "obu",
    "mjpeg",
    "nut",
    "wtv",
    "wav",  # sound only, like the rest: opened to say so
    "mp3",
    "aac",
    "flac",
)

# FFmpeg's AV_DISPOSITION_*.
_DEFAULT = 0x1
_NO_RECORDING = (
    0x400  # attached picture: the cover art of a sound file
    | 0x800  # thumbnails by time
    | 0x80000  # dependent: means something only together with another stream
    | 0x100000  # a still image
)

#: A camera that takes at least so many pictures a second, played slower, is one in slow motion; below this, a
#: file that is slower than its camera may as well have been taken in the dark, with long exposures. [D]
HIGH_SPEED_FPS = 100.0
_MOST_FPS = 10_000.0
_SLOWER_AT_LEAST = 1.5

# From PyAV 19 on, a title that is not UTF-8 is never an error.
_ANY_ALPHABET = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


def open_container(path: Path) -> Any:
    """Opens a video; nothing but this file is read, whatever is in it and however it is called.

    An absolute path cannot be taken for a protocol ("take2:clam.mp4"), and no file may make us fetch
    something from a network. Titles in other alphabets than UTF-8 are common, and nothing here reads them.

    Raises:
        av.FFmpegError, OSError, ValueError: it cannot be opened, or is of none of the `FORMATS`.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(FORMATS)}
    return av.open(os.path.abspath(path), options=options, **_ANY_ALPHABET)


def video_streams(container: Any) -> list[Any]:
    """The streams that are recordings, the one to look at first: marked as the default, then the largest."""
    streams = [s for s in container.streams.video if not int(s.disposition) & _NO_RECORDING]
    # Sorting keeps the file's order of those alike.
    return sorted(streams, key=lambda s: (not _pixels(s), not int(s.disposition) & _DEFAULT, -_pixels(s)))


def _pixels(stream: Any) -> int:
    # One of a kind that this FFmpeg cannot decode has no size here.
    return int(getattr(stream, "width", 0) * getattr(stream, "height", 0))


def capture_fps(metadata: Mapping[str, str]) -> float | None:
    """Pictures a second that an Android camera says it took (``com.android.capture.fps``); None if unsaid.

    In slow motion the file plays them slower. Apple's phones write true times and leave slowing down to the
    player (``com.apple.quicktime.full-frame-rate-playback-intent``), so nothing needs to be known of them.
    """
    try:
        fps = float(metadata.get("com.android.capture.fps", ""))
    except ValueError:
        return None
    return fps if math.isfinite(fps) and 0 < fps <= _MOST_FPS else None


def slowed(taken_fps: float | None, played_fps: float) -> float:
    """How many times slower than it was a recording plays; 1.0 unless its camera was a high-speed one."""
    if taken_fps is None or taken_fps < HIGH_SPEED_FPS or not may_be_slowed(taken_fps, played_fps):
        return 1.0
    return taken_fps / played_fps


def may_be_slowed(taken_fps: float | None, played_fps: float) -> bool:
    """Whether a recording plays slower than its camera took it, for whatever reason."""
    return taken_fps is not None and taken_fps >= _SLOWER_AT_LEAST * played_fps > 0
