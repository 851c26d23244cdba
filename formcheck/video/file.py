"""Where frames come from: a video file (and, live, a camera)."""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from formcheck.errors import FormcheckError

MAX_SIDE_PX = 8192
MAX_PIXELS = 36_000_000  # 8K; one picture of 8192 × 8192 takes 200 MB, and several are held at a time
MIN_FPS = 0.1  # below this a stated rate is a header gone wrong
MAX_FPS = 480.0  # above this a stated rate is a container's clock tick (WebM says 1000), not a camera
FALLBACK_FPS = 30.0
NUDGE_S = 0.001
BACKWARD_JUMP_S = (
    0.5  # less is jitter of the recorder's clock; more is a recording that was spliced or restarted
)
SQUARE_PIXEL_TOLERANCE = 0.02  # 854×480 files say 1280:1281; resampling for that would only blur
MAX_PIXEL_ASPECT = 4.0  # beyond this the header is nonsense, not an anamorphic picture
ATTACHED_PICTURE = 0x400  # AV_DISPOSITION_ATTACHED_PIC: the cover art of a sound file

_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True)
class Frame:
    """One picture and when it was taken.

    Attributes:
        image: ``(height, width, 3)`` uint8, BGR, upright, never mirrored.
        time_s: capture (presentation) time in seconds since the start of the source, never decreasing.
        index: number of the frame in its source, from 0.
    """

    image: NDArray[np.uint8]
    time_s: float
    index: int


# From PyAV 19 on, a title that is not UTF-8 is never an error.
_ANY_ALPHABET = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


def open_container(path: Path) -> Any:
    """FFmpeg's view of a video that may come from anybody.

    An absolute path cannot be taken for a protocol ("take2:clam.mp4"), and no file may make us fetch
    something from a network. Titles in other alphabets than UTF-8 are common, and nothing here reads them.

    Raises:
        av.FFmpegError, OSError, ValueError: it cannot be opened.
    """
    return av.open(os.path.abspath(path), options={"protocol_whitelist": "file"}, **_ANY_ALPHABET)


class VideoFile:
    """A video file as an iterable of :class:`Frame`, read only.

    Opening decodes the first picture, so that everything that makes a file unusable is said at once and
    the size is that of the pictures you will get: turned upright (and un-mirrored) as the file's display
    matrix says, and stretched to square pixels, without which every angle would be wrong.

    Times are the exact presentation times of the file, in seconds since its first picture; they always
    increase. A picture stamped at or before the one before it is placed 1 ms after that one; after a step
    back of more than 0.5 s (a spliced recording) the clock goes on one mean frame interval later. A picture
    without a stamp follows at the mean rate.

    Each iteration opens the file again and ends the one before.

    Attributes:
        path: the file.
        width: width of the upright picture with square pixels, px.
        height: its height, px.
        fps: mean frame rate stated by the file, in frames per second, not rounded (29.97); 30.0 if the file
            states none.
        frame_count: number of pictures the file states, an estimate; None if unknown.
        duration_s: length the file states, in seconds; None if unknown.
        pixel_aspect: width over height of a stored pixel, 1.0 for square ones.
        truncated: whether the last iteration had to stop before the end of the file.
        warnings: plain sentences about what the last iteration came across.

    Args:
        path: the video file.
        rotate: turn every picture by so many degrees clockwise as well (0, 90, 180 or 270), for a camera
            that was held upside down or on its side.

    Raises:
        FormcheckError: one sentence saying why the file cannot be used and what to do.
    """

    def __init__(self, path: str | os.PathLike[str], rotate: int = 0) -> None:
        self.path = Path(path)
        self.truncated = False
        self.warnings: list[str] = []
        self.fps = FALLBACK_FPS
        self.frame_count: int | None = None
        self.duration_s: float | None = None
        self.pixel_aspect = 1.0
        self._frames: Generator[Frame, None, None] | None = None

        with self._open() as container:
            stream = self._video_stream(container)
            self._read_header(container, stream)
            first = next(self._decoded(container, stream), None)
            if first is None:
                raise FormcheckError(
                    f"No picture could be decoded from {self.path}: the file is damaged or its kind of video "
                    "is not supported, so convert it to .mp4 (H.264) or record it again."
                )
            # Wider rather than taller, and the height kept: what players do.
            self._stored_size = (max(1, round(int(first.width) * self.pixel_aspect)), int(first.height))
            self._refuse_absurd(*self._stored_size)
            # Asked of one picture only: PyAV below 19 keeps every picture whose side data was looked at until
            # the garbage collector comes round, a gigabyte later.
            self._matrix = _turned(_display_matrix(first), rotate)
            turned = self._matrix[0][0] == 0
            width, height = self._stored_size
            self.width, self.height = (height, width) if turned else (width, height)
        self.truncated = False
        self.warnings = []

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the running iteration, if any, and let go of the file."""
        if self._frames is not None:
            self._frames.close()
            self._frames = None

    def __iter__(self) -> Generator[Frame, None, None]:
        """Read from the first picture on; see the class for times.

        A file that breaks off in the middle ends there with ``truncated`` set and a warning, not an error.

        Raises:
            FormcheckError: the file has gone or changed since it was opened first.
        """
        self.close()
        self._frames = self._read()
        return self._frames

    # -- reading -----------------------------------------------------------------------------------------

    def _read(self) -> Generator[Frame, None, None]:
        self.truncated = False
        self.warnings = []
        # One reformatter for all frames keeps its tables; one thread leaves the other core to the decoder.
        reformatter = VideoReformatter()
        index = -1
        aspect = None
        with self._open() as container:
            stream = self._video_stream(container)
            # The stream's tick, as pictures left over in the decoder come without one.
            clock = _Clock(self.fps, float(stream.time_base))
            for index, picture in enumerate(self._decoded(container, stream)):
                time_s = clock.time_s(picture)
                if aspect is None:
                    aspect = picture.width / picture.height
                elif abs(picture.width / picture.height / aspect - 1) > SQUARE_PIXEL_TOLERANCE:
                    # Browsers record video calls like this when the sender turns the phone.
                    self._warn_once(
                        f"The picture changes shape at {time_s:.1f} s, so angles after that are wrong."
                    )
                    aspect = picture.width / picture.height
                image = reformatter.reformat(
                    picture,
                    width=self._stored_size[0],
                    height=self._stored_size[1],
                    format="bgr24",
                    threads=1,
                ).to_ndarray()
                # FFmpeg pads the rows of some widths; what comes after wants them packed.
                packed = np.ascontiguousarray(image, dtype=np.uint8)
                yield Frame(_upright(packed, self._matrix), time_s, index)
        self._say_what_was_odd(clock, index + 1)

    def _decoded(self, container: Any, stream: Any) -> Generator[Any, None, None]:
        """Decode until the end or until the file breaks, which sets ``truncated``."""
        packets = container.demux(stream)
        started = False
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError):
                packet = None
                self.truncated = True
            if packet is not None and packet.is_corrupt:
                # The last packet of a file that was cut: the decoder would smear over what is missing.
                packet = None
                self.truncated = True
            try:
                pictures = stream.decode(packet)  # None: hand out what the decoder's threads still hold
            except EOFError:
                return
            except (av.FFmpegError, OSError):
                # A recording may begin in the middle of a group of pictures, whose rest cannot be decoded.
                # Later on, everything after a broken packet builds upon it: stop.
                if not started and packet is not None:
                    continue
                self.truncated = True
                return
            started = started or bool(pictures)
            yield from pictures
            if packet is None:
                return

    def _say_what_was_odd(self, clock: _Clock, frames: int) -> None:
        end_s = clock.last_s or 0.0
        if self._stated_end_s is not None and self._stated_end_s - end_s > max(1.0, 3 / self.fps):
            self.truncated = True
        if frames == 0:
            raise FormcheckError(f"{self.path} changed while it was being read: run the analysis again.")
        if self.truncated:
            self._warn_once(
                f"The video breaks off at {end_s:.1f} s: the file is cut short or damaged after that."
            )
        if clock.nudged:
            self._warn_once(
                f"{clock.nudged} pictures had repeated or backward time stamps, which were moved."
            )
        if clock.unstamped:
            self._warn_once(
                f"{clock.unstamped} pictures had no time stamp, so they were spaced at {self.fps:.2f} fps."
            )

    def _warn_once(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    # -- opening -----------------------------------------------------------------------------------------

    def _open(self) -> Any:
        path = self.path
        try:
            if path.is_dir():
                raise FormcheckError(f"{path} is a folder: give the path of one video file inside it.")
            if not path.is_file() and path.exists():
                raise FormcheckError(f"{path} is not a file: give the path of a video file.")
            with path.open("rb") as file:
                head = file.read(4096)
        except FileNotFoundError:
            raise FormcheckError(f"There is no file {path}: check the name and the folder.") from None
        except PermissionError:
            raise FormcheckError(
                f"You are not allowed to read {path}: change its permissions or copy it to your own folder."
            ) from None
        except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
            raise FormcheckError(
                f"{path} cannot be read ({_reason(error)}): check the name and the disk."
            ) from None
        if not head:
            raise FormcheckError(
                f"{path} is empty (0 bytes): its copy or recording was never finished, so copy it again."
            )
        if not _CONTROL_BYTES.search(head):
            # Also keeps playlists away from the demuxers, which would open the files they name.
            raise FormcheckError(
                f"{path} is a text file, not a video: give an .mp4, .mov, .webm, .mkv or .avi file."
            )
        try:
            return open_container(path)
        except (av.FFmpegError, OSError, ValueError):
            if head[4:8] == b"ftyp":
                raise FormcheckError(
                    f"{path} was cut off before its recording was finished (its index is missing): "
                    "copy it from the camera again or record it again."
                ) from None
            raise FormcheckError(
                f"{path} is not a video that can be read: give an .mp4, .mov, .webm, .mkv or .avi file, "
                "or record it again."
            ) from None

    def _video_stream(self, container: Any) -> Any:
        streams = [s for s in container.streams.video if not int(s.disposition) & ATTACHED_PICTURE]
        if not streams:
            what = "holds sound but no picture" if container.streams.audio else "holds no picture"
            raise FormcheckError(f"{self.path} {what}: choose a file that has video in it.")
        stream = streams[0]
        if stream.codec_context is None:
            raise FormcheckError(
                f"{self.path} holds a kind of video that cannot be read: convert it to .mp4 (H.264)."
            )
        self._refuse_absurd(stream.width, stream.height)
        stream.thread_type = "AUTO"
        return stream

    def _read_header(self, container: Any, stream: Any) -> None:
        for rate in (stream.average_rate, stream.guessed_rate):
            if rate and MIN_FPS <= float(rate) <= MAX_FPS:
                self.fps = float(rate)
                break
        # A sound track may outlast the picture, so the container's length counts only without one.
        self._stated_end_s: float | None = None
        if stream.duration and stream.time_base:
            self.duration_s = self._stated_end_s = stream.duration * float(stream.time_base)
        elif container.duration:
            self.duration_s = container.duration / av.time_base
            if len(container.streams) == 1:
                self._stated_end_s = self.duration_s
        if stream.frames:
            self.frame_count = int(stream.frames)
        elif self.duration_s is not None:
            self.frame_count = round(self.duration_s * self.fps)
        aspect = float(stream.sample_aspect_ratio or 1)
        if abs(aspect - 1) > SQUARE_PIXEL_TOLERANCE and 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT:
            self.pixel_aspect = aspect

    def _refuse_absurd(self, width: int, height: int) -> None:
        if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
            raise FormcheckError(
                f"{self.path} is {width} × {height} pixels, more than formcheck can hold: "
                "make a smaller copy, 1280 × 720 is plenty."
            )


class _Clock:
    """Turns presentation stamps into seconds that start at 0 and always increase."""

    def __init__(self, fps: float, tick_s: float) -> None:
        self.last_s: float | None = None
        self.nudged = 0
        self.unstamped = 0
        self._frame_s = 1 / fps
        self._tick_s = tick_s
        self._origin_s = 0.0

    def time_s(self, picture: Any) -> float:
        stamp_s = None if picture.pts is None else picture.pts * self._tick_s
        if stamp_s is None:
            self.unstamped += 1
            time_s = 0.0 if self.last_s is None else self.last_s + self._frame_s
        elif self.last_s is None:
            self._origin_s = stamp_s
            time_s = 0.0
        else:
            time_s = stamp_s - self._origin_s
            if time_s <= self.last_s:
                self.nudged += 1
                if self.last_s - time_s > BACKWARD_JUMP_S:
                    time_s = self.last_s + self._frame_s
                    self._origin_s = stamp_s - time_s
                else:
                    time_s = self.last_s + NUDGE_S
        self.last_s = time_s
        return time_s


def _display_matrix(picture: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """Signs of the file's display matrix, rounded to quarter turns: ``display = (x, y) · matrix``."""
    data = picture.side_data.get("DISPLAYMATRIX")
    if data is None:
        return ((1, 0), (0, 1))
    a, b, _, c, d = np.frombuffer(bytes(data), dtype=np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return ((-1 if a < 0 else 1, 0), (0, -1 if d < 0 else 1))
    return ((0, -1 if b < 0 else 1), (-1 if c < 0 else 1, 0))


def _turned(
    matrix: tuple[tuple[int, int], tuple[int, int]], rotate: int
) -> tuple[tuple[int, int], tuple[int, int]]:
    """The display matrix after which the picture is turned by `rotate` degrees clockwise."""
    (a, b), (c, d) = matrix
    for _ in range(rotate // 90 % 4):
        a, b, c, d = -b, a, -d, c
    return ((a, b), (c, d))


def _upright(image: NDArray[np.uint8], matrix: tuple[tuple[int, int], tuple[int, int]]) -> NDArray[np.uint8]:
    (a, b), (c, d) = matrix
    if a == 0:
        image = np.asarray(cv2.transpose(image), dtype=np.uint8)
    flip_x, flip_y = a + c < 0, b + d < 0
    if flip_x or flip_y:
        code = -1 if flip_x and flip_y else int(flip_x)
        image = np.asarray(cv2.flip(image, code), dtype=np.uint8)
    return image


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error)
