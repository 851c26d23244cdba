"""A recorded video as upright frames with their true times, and sentences about what is wrong with it."""

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
from formcheck.video.container import capture_fps, may_be_slowed, open_container, slowed, video_streams
from formcheck.video.still import Span, StillPictures, in_words

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
SAY_LOST_START_S = 0.5  # less is a picture or two
MOST_READ_ERRORS = 50  # running, with nothing read in between: the disk or the file ends here
STILL_SHARE = 0.95  # of the whole: a photograph made into a video

_CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


#: A time without pictures, longer than both, is damage in a video whose pictures otherwise come on time.
_GAP_S = 0.35
_GAP_PICTURES = 4
_REGULAR = 0.2
_REGULAR_SHARE = 0.95


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


class VideoFile:
    """A video file as an iterable of :class:`Frame`, read only.

    Opening decodes the first picture, so that everything that makes a file unusable is said at once and
    the size is that of the pictures you will get: turned upright (and un-mirrored) as the file's display
    matrix says, and stretched to square pixels, without which every angle would be wrong.

    Times are the exact presentation times of the file, in seconds since its first picture; they always
    increase. A picture stamped at or before the one before it is placed 1 ms after that one; after a step
    back of more than 0.5 s (a spliced recording) the clock goes on one mean frame interval later. A picture
    without a stamp follows at the mean rate. A recording in slow motion whose camera says so has the times of
    the movement, not those at which it is played.

    Of several streams the one marked as the default is looked at, then the largest. What is damaged is left
    out up to the next key picture, as everything until then builds upon it.

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
        slowed: how many times slower than it was the file plays (a phone's slow motion); times, `fps` and
            `duration_s` are those of the movement.
        truncated: whether the last iteration had to stop before the end of the file.
        lost: where the last iteration left something out because it is damaged.
        still: where in the last iteration the picture stood still, so that movement cannot be seen.
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
        self.lost: list[Span] = []
        self.still: list[Span] = []
        self.warnings: list[str] = []
        self.fps = FALLBACK_FPS
        self.slowed = 1.0
        self.frame_count: int | None = None
        self.duration_s: float | None = None
        self.pixel_aspect = 1.0
        self._frames: Generator[Frame, None, None] | None = None

        with self._open() as container:
            stream = self._video_stream(container)
            self._read_header(container, stream)
            first, _ = next(self._decoded(container, stream), (None, False))
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

        A file that breaks off in the middle ends there with ``truncated`` set and a warning, not an error;
        what is damaged in the middle is left out, with a warning.

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
        self.lost = []
        # One reformatter for all frames keeps its tables; one thread leaves the other core to the decoder.
        reformatter = VideoReformatter()
        still = StillPictures(self.fps)
        self.still = still.spans
        index, regular = -1, 0
        gaps: list[Span] = []
        aspect = None
        with self._open() as container:
            stream = self._video_stream(container)
            # The stream's tick, as pictures left over in the decoder come without one.
            clock = _Clock(self.fps, float(stream.time_base) / self.slowed)
            for index, (picture, after_damage) in enumerate(self._decoded(container, stream)):
                before_s = clock.last_s
                time_s = clock.time_s(picture)
                if after_damage and before_s is not None:
                    self.lost.append(Span(before_s, time_s))
                    still.cut()
                elif before_s is not None:
                    regular += abs((time_s - before_s) * self.fps - 1) < _REGULAR
                    if time_s - before_s > max(_GAP_S, _GAP_PICTURES / self.fps):
                        gaps.append(Span(before_s, time_s))
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
                still.add(packed, time_s)
                yield Frame(_upright(packed, self._matrix), time_s, index)
        still.cut()
        # Pictures that never came are damage where all others came on time.
        if regular >= _REGULAR_SHARE * index:
            self.lost = sorted([*self.lost, *gaps], key=lambda span: span.start_s)
        self._say_what_was_odd(clock, index + 1)

    def _decoded(self, container: Any, stream: Any) -> Generator[tuple[Any, bool], None, None]:
        """Whole pictures, each with whether something damaged was left out before it.

        At the end, `_reached` tells how far the file went.
        """
        self._reached = reached = _Reached(stream)
        packets = container.demux(stream)
        started = broken = False
        errors = 0
        while True:
            try:
                packet = next(packets, None)
                errors = 0
            except (av.FFmpegError, OSError):
                errors += 1
                if errors <= MOST_READ_ERRORS:
                    packets = container.demux(stream)
                packet = None
            # The end of the file; or a spot after which it may go on. Either way the decoder's threads still
            # hold good pictures.
            drained = packet is None or packet.is_corrupt
            if packet is not None and not drained:
                reached.count(packet)
            try:
                pictures = stream.decode(None if drained else packet)
            except EOFError:
                pictures = []
            except (av.FFmpegError, OSError):
                # A recording may begin in the middle of a group of pictures, whose rest cannot be decoded.
                pictures = []
                broken = started
            for picture in pictures:
                if picture.is_corrupt or (broken and not picture.key_frame):
                    broken = broken or started
                    continue
                reached.starts_at(picture)
                yield picture, broken
                started, broken = True, False
            if errors or (packet is not None and drained):
                broken = True
                stream.codec_context.flush_buffers()
            if packet is None and not 0 < errors <= MOST_READ_ERRORS:
                break
        reached.broken = broken

    def _say_what_was_odd(self, clock: _Clock, frames: int) -> None:
        if frames == 0:
            raise FormcheckError(f"{self.path} changed while it was being read: run the analysis again.")
        end_s = clock.last_s or 0.0
        reached = self._reached
        missing_s = 0.0 if self._stated_end_s is None else self._stated_end_s - max(reached.end_s, end_s)
        all_there = 0 < self._stated_packets <= reached.packets
        self.truncated = reached.broken or (not all_there and missing_s > max(1.0, 3 / self.fps))
        if len(self._others):
            self._warn_once(
                f"The file holds {len(self._others) + 1} videos: the one of {self._stored_size[0]} × "
                f"{self._stored_size[1]} pixels was looked at."
            )
        if self.slowed != 1.0:
            self._warn_once(
                f"The video is in slow motion ({self.fps:.0f} pictures a second, played at "
                f"{self.fps / self.slowed:.0f}): all times are those of the movement, which was "
                f"{self.slowed:.1f} times faster than the file plays."
            )
        elif may_be_slowed(self._taken_fps, self.fps):
            self._warn_once(
                f"The camera says that it took {self._taken_fps:.0f} pictures a second and the file plays "
                f"{self.fps:.0f}: if it is slow motion, no tempo in here is right."
            )
        if reached.lost_start_s / self.slowed > SAY_LOST_START_S:
            self._warn_once(
                f"The recording starts between two key pictures: its first {reached.lost_start_s:.1f} s "
                "cannot be shown and were left out."
            )
        if self.lost:
            self._warn_once(f"The file is damaged: the video {in_words(self.lost)} was left out.")
        if self.truncated:
            self._warn_once(
                f"The video breaks off at {end_s:.1f} s: the file is cut short or damaged after that."
            )
        if sum(span.end_s - span.start_s for span in self.still) > STILL_SHARE * end_s > 0:
            self._warn_once("The picture stands still all the time: no movement can be seen in it.")
        elif self.still:
            self._warn_once(
                f"The picture stands still {in_words(self.still)}: movement there cannot be seen."
            )
        if clock.nudged:
            self._warn_once(
                "One picture had a repeated or backward time stamp, which was moved."
                if clock.nudged == 1
                else f"{clock.nudged} pictures had repeated or backward time stamps, which were moved."
            )
        if clock.unstamped:
            fps = f"{self.fps:.2f} fps"
            self._warn_once(
                f"One picture had no time stamp, so it was spaced at {fps}."
                if clock.unstamped == 1
                else f"{clock.unstamped} pictures had no time stamp, so they were spaced at {fps}."
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
        except (av.FFmpegError, OSError, ValueError) as error:
            if head[4:8] == b"ftyp":
                raise FormcheckError(
                    f"{path} was cut off before its recording was finished (its index is missing): "
                    "copy it from the camera again or record it again."
                ) from None
            # What FFmpeg says of a format that it knows and was not allowed.
            what = (
                "is a picture, a list of other files, or another kind of file that is not opened"
                if isinstance(error, av.ArgumentError)
                else "is not a video that can be read"
            )
            raise FormcheckError(
                f"{path} {what}: give an .mp4, .mov, .webm, .mkv or .avi file, or record it again."
            ) from None

    def _video_stream(self, container: Any) -> Any:
        streams = video_streams(container)
        if not streams:
            what = "holds sound but no picture" if container.streams.audio else "holds no picture"
            raise FormcheckError(f"{self.path} {what}: choose a file that has video in it.")
        stream, *self._others = streams
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
        self._stated_packets = int(stream.frames)
        if stream.frames:
            self.frame_count = int(stream.frames)
        elif self.duration_s is not None:
            self.frame_count = round(self.duration_s * self.fps)
        self._taken_fps = capture_fps(container.metadata)
        self.slowed = slowed(self._taken_fps, self.fps)
        self.fps *= self.slowed
        if self.duration_s is not None:
            self.duration_s /= self.slowed
        aspect = float(stream.sample_aspect_ratio or 1)
        if abs(aspect - 1) > SQUARE_PIXEL_TOLERANCE and 1 / MAX_PIXEL_ASPECT <= aspect <= MAX_PIXEL_ASPECT:
            self.pixel_aspect = aspect

    def _refuse_absurd(self, width: int, height: int) -> None:
        if max(width, height) > MAX_SIDE_PX or width * height > MAX_PIXELS:
            raise FormcheckError(
                f"{self.path} is {width} × {height} pixels, more than formcheck can hold: "
                "make a smaller copy, 1280 × 720 is plenty."
            )


class _Reached:
    """How far into a stream its packets go, on the file's own clock."""

    def __init__(self, stream: Any) -> None:
        self.packets = 0
        self.end_s = 0.0  # of the last picture, held as long as it is, since the start of the stream
        self.lost_start_s = 0.0  # before the first picture that can be shown
        self.broken = False  # the last packets gave no whole picture
        self._tick_s = float(stream.time_base)
        self._start: int | None = stream.start_time
        self._first: int | None = None
        self._shown = False

    def count(self, packet: Any) -> None:
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:  # what ends the stream
            return
        self.packets += 1
        if self._start is None:
            self._start = stamp
        if not packet.is_discard and (self._first is None or stamp < self._first):
            self._first = stamp
        self.end_s = max(self.end_s, (stamp + (packet.duration or 0) - self._start) * self._tick_s)

    def starts_at(self, picture: Any) -> None:
        if not self._shown and picture.pts is not None and self._first is not None:
            self.lost_start_s = max(0.0, (picture.pts - self._first) * self._tick_s)
        self._shown = True


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


def turn_picture(image: NDArray[np.uint8], rotate: int) -> NDArray[np.uint8]:
    """A picture turned by 0, 90, 180 or 270 degrees clockwise."""
    return _upright(image, _turned(((1, 0), (0, 1)), rotate)) if rotate else image


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
