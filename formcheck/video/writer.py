"""Writes H.264 video that browsers play, with the true time of every picture."""

from __future__ import annotations

import contextlib
import errno
import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import PictureType
from numpy.typing import NDArray

from formcheck.errors import FormcheckError
from formcheck.files import part_of
from formcheck.folder_handle import make_file, opener, put_in_place, remove_file

TICKS_PER_S = 90_000  # fine enough for any camera, and what every player is used to
KEY_FRAME_EVERY_S = 1.0  # a reviewer jumps around; a player can only start at a key frame
FRAGMENT_US = 250_000


class VideoWriter:
    """An MP4 file being written, with its own time for every picture.

    Everything goes to ``<path>.part``, which takes the real name (replacing an older file) only in
    :meth:`close`, so that a file under its real name is always whole. Leaving a ``with`` block closes it;
    leaving by an exception discards it. To keep what there is on Ctrl-C, call :meth:`close` in the block::

        with VideoWriter(path, 640, 480) as video:
            try:
                for frame in source:
                    video.write(frame.image, frame.time_s)
            except KeyboardInterrupt:
                video.close()

    A writer that never got a picture leaves no file.

    Attributes:
        path: the finished file.
        part_path: the file being written.
        frames: pictures written so far.

    Args:
        path: the file to write, normally ``.mp4``.
        width: width of the pictures, px. H.264 colour needs even sizes: an odd one is made even by repeating
            the last column, because cropping would lose picture and scaling would shift every landmark.
        height: their height, px, likewise.
        fps: expected rate, a hint for the encoder only; times come from :meth:`write`.
        fragmented: write in pieces of a quarter of a second, so that what survives a crash (the ``.part``
            file) plays to within a second of its end; see also `flush_to_disk`. Otherwise the index is put
            at the front when the file is finished, so that browsers can seek before they have all of it.

    Raises:
        FormcheckError: the file cannot be written there; one sentence says why.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        width: int,
        height: int,
        fps: float | None = None,
        fragmented: bool = False,
    ) -> None:
        if width < 1 or height < 1:
            raise ValueError(f"a video needs a size, not {width} x {height}")
        self.path = Path(path)
        self.part_path = part_of(self.path)
        self.frames = 0
        self._size = (width, height)
        self._fragmented = fragmented
        self._origin_s = 0.0
        self._last_tick = -1
        self._next_key_tick = 0
        self._container: Any = None
        if self.path.is_dir():
            raise FormcheckError(f"{self.path} is a folder: give the name of a video file to write.")
        if not self.path.parent.is_dir():
            raise FormcheckError(
                f"There is no folder {self.path.parent} to write {self.path.name} in: make it first."
            )
        try:
            self._start(fps or 30.0)
        except (av.FFmpegError, OSError) as error:
            raise self._give_up(error) from None

    def _start(self, fps: float) -> None:
        container_options = {"movflags": "+faststart"}
        codec_options = {
            "preset": "veryfast",
            "crf": "23",
            # What swscale makes of BGR; untold, players guess by the picture's size and shift the colours.
            "colorspace": "smpte170m",
            "color_range": "tv",
        }
        if self._fragmented:
            container_options = {
                "movflags": "+frag_keyframe+empty_moov+default_base_moof",
                "frag_duration": str(FRAGMENT_US),
                "flush_packets": "1",
            }
            # Pictures that wait in the encoder for later ones are lost in a crash.
            codec_options |= {"bf": "0", "rc-lookahead": "0"}
        remove_file(self.part_path)  # of a run that was killed
        self._made = make_file(self.part_path)
        # An absolute path cannot be taken for a protocol ("take2:clam.mp4").
        self._container = av.open(
            os.path.abspath(self.part_path), "w", format="mp4", options=container_options
        )
        rate = Fraction(fps).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=rate, options=codec_options)
        stream.width = self._size[0] + self._size[0] % 2
        stream.height = self._size[1] + self._size[1] % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
        # x264 would take one and a half threads a core, and starve pose estimation for nothing.
        stream.codec_context.thread_count = min(os.cpu_count() or 1, 4)
        self._stream = stream
        self._container.start_encoding()  # writes the header: a full disk is noticed now, not a minute later

    def write(self, image_bgr: NDArray[np.uint8], time_s: float) -> None:
        """Add a picture.

        Args:
            image_bgr: ``(height, width, 3)`` uint8; not kept or changed.
            time_s: when it was taken, in seconds on any clock; the first picture becomes time 0 of the video.
                A time at or before the one before it is put one tick (1/90000 s) after that.

        Raises:
            FormcheckError: the disk is full or gone; the unfinished file has been removed, unless it is
                written in pieces, when what there is stays as ``.part``.
            ValueError: the picture has another size than the video, or the writer is closed.
        """
        if self._container is None:
            raise ValueError("the video writer is closed")
        width, height = self._size
        if image_bgr.shape != (height, width, 3) or image_bgr.dtype != np.uint8:
            raise ValueError(
                f"expected a {height} x {width} x 3 uint8 picture, got {image_bgr.shape} {image_bgr.dtype}"
            )
        if self.frames == 0:
            self._origin_s = time_s
        tick = max(round((time_s - self._origin_s) * TICKS_PER_S), self._last_tick + 1)
        if width % 2 or height % 2:
            padded = cv2.copyMakeBorder(image_bgr, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            image_bgr = np.asarray(padded, dtype=np.uint8)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image_bgr), format="bgr24")
        picture.pts = tick
        picture.time_base = Fraction(1, TICKS_PER_S)
        if tick >= self._next_key_tick:
            picture.pict_type = PictureType.I
            self._next_key_tick = tick + round(KEY_FRAME_EVERY_S * TICKS_PER_S)
        try:
            self._container.mux(self._stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise self._give_up(error) from None
        self._last_tick = tick
        self.frames += 1

    def flush_to_disk(self) -> None:
        """Make the pieces written so far outlast a power cut; waits for the disk.

        For a thread of its own: it may be called while another one writes.

        Raises:
            OSError: the disk is failing or gone.
        """
        with open(self.part_path, "rb+", opener=opener) as file:
            os.fsync(file.fileno())

    def close(self) -> None:
        """Finish the file and give it its real name; nothing happens the second time.

        Raises:
            FormcheckError: the file could not be finished (disk full); the unfinished file has been removed.
        """
        if self._container is None:
            return
        if self.frames == 0:
            self.discard()
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            if self._fragmented:
                _check_end(self.part_path)
            with open(self.part_path, "rb+", opener=opener) as file:
                os.fsync(file.fileno())  # a power cut soon after the rename must not leave half a file
            put_in_place(self.part_path, self.path, self._made)
        except (av.FFmpegError, OSError) as error:
            raise self._give_up(error) from None
        self._container = None

    def discard(self) -> None:
        """Stop and remove the unfinished file; nothing happens after :meth:`close`."""
        container, self._container = self._container, None
        if container is None:
            return
        with contextlib.suppress(av.FFmpegError, OSError):  # it may not be possible to finish it, nor needed
            container.close()
        with contextlib.suppress(OSError, FormcheckError):  # the disk or the folder may have gone
            remove_file(self.part_path)

    def abandon(self) -> None:
        """Stop and leave the unfinished file as it is: in pieces, it plays to within a second of its end."""
        container, self._container = self._container, None
        if container is not None:
            with contextlib.suppress(av.FFmpegError, OSError):
                container.mux(self._stream.encode(None))
            with contextlib.suppress(av.FFmpegError, OSError):
                container.close()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _give_up(self, error: Exception) -> FormcheckError:
        if self._fragmented:
            self.abandon()
        else:
            self.discard()
        number = error.errno if isinstance(error, OSError) else None
        reason = os.strerror(number).lower() if number else str(error)
        return FormcheckError(
            f"The video {self.path} could not be written ({reason}): "
            "make room on the disk or choose another folder."
        )


def _check_end(path: Path) -> None:
    """Look for the last box: FFmpeg says nothing when the disk fills up in the last fragment."""
    with path.open("rb") as file:
        file.seek(-16, os.SEEK_END)
        if file.read(16)[4:8] != b"mfro":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
