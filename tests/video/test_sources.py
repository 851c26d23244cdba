"""Video files: exact times, upright pictures, and one plain sentence for whatever cannot be read."""

from __future__ import annotations

import gc
import os
import struct
import wave
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from formcheck.errors import FormcheckError
from formcheck.video.file import VideoFile, _Clock, turn_picture
from formcheck.video.writer import VideoWriter

W, H = 64, 48


def corner_picture(width: int = W, height: int = H) -> np.ndarray:
    """Grey, with the top left quarter red: tells every rotation and mirroring apart."""
    image = np.full((height, width, 3), 90, np.uint8)
    image[: height // 2, : width // 2] = (0, 0, 230)
    return image


def make_video(path: Path, times_s: list[float], fragmented: bool = False, fps: float | None = None) -> Path:
    noise = np.random.default_rng(0)
    with VideoWriter(path, W, H, fps, fragmented) as video:
        for time_s in times_s:
            video.write(noise.integers(0, 256, (H, W, 3), dtype=np.uint8), time_s)
    return path


def make_with_pyav(path: Path, width: int = W, height: int = H, frames: int = 3, **options: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(corner_picture(width, height), format="bgr24")
            picture.pts, picture.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def set_display_matrix(path: Path, a: int, b: int, c: int, d: int) -> None:
    """Patch the track header's matrix: the same bytes whatever this PyAV can write."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44  # version 0: 4 type, 4 flags, 20 times and ids, 8 reserved, 8 layer …
    data[start : start + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def red_corner(image: np.ndarray) -> tuple[str, str]:
    height, width = image.shape[:2]
    redness = image[..., 2].astype(int) - image[..., 0]
    vertical = "top" if redness[: height // 2].sum() > redness[height // 2 :].sum() else "bottom"
    horizontal = "left" if redness[:, : width // 2].sum() > redness[:, width // 2 :].sum() else "right"
    return vertical, horizontal


def test_variable_rate_times_come_back_within_a_millisecond(tmp_path: Path) -> None:
    steps = np.random.default_rng(1).uniform(0.012, 0.21, 40)
    times = [5.0, *(5.0 + np.cumsum(steps))]
    with VideoFile(make_video(tmp_path / "webcam.mp4", times)) as video:
        frames = list(video)
    assert frames[0].time_s == 0.0
    assert [f.time_s for f in frames] == pytest.approx([t - 5.0 for t in times], abs=1e-3)
    assert [f.index for f in frames] == list(range(41))
    assert video.frame_count == 41
    assert video.duration_s == pytest.approx(times[-1] - 5.0, abs=0.25)
    assert not video.truncated
    assert video.warnings == []


def test_rate_is_not_truncated(tmp_path: Path) -> None:
    times = [i * 1001 / 30000 for i in range(60)]
    video = VideoFile(make_video(tmp_path / "ntsc.mp4", times, fps=30000 / 1001))
    assert video.fps == pytest.approx(29.97, abs=0.005)
    assert isinstance(video.fps, float)


def test_iterating_twice_starts_again_and_frames_keep_their_pictures(tmp_path: Path) -> None:
    video = VideoFile(make_video(tmp_path / "a.mp4", [i / 30 for i in range(12)]))
    first = iter(video)
    next(first)
    next(first)
    kept = list(video)
    assert next(first, None) is None  # the first iteration ended when the second began
    copies = [frame.image.copy() for frame in VideoFile(video.path)]
    assert len(kept) == len(copies) == 12
    for frame, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(frame.image, copy)
        assert frame.image.flags.c_contiguous
        assert frame.image.dtype == np.uint8


def test_the_file_is_let_go_when_the_block_ends(tmp_path: Path) -> None:
    with VideoFile(make_video(tmp_path / "a.mp4", [0.0, 0.1, 0.2])) as video:
        frames = iter(video)
        next(frames)
    assert next(frames, None) is None


def test_decoded_pictures_do_not_pile_up(tmp_path: Path) -> None:
    video = VideoFile(make_video(tmp_path / "a.mp4", [i / 30 for i in range(60)]))
    gc.collect()
    gc.disable()  # a picture in a reference cycle would wait for the collector: a gigabyte at 1080p
    try:
        for _ in video:
            pass
        alive = sum(isinstance(thing, av.VideoFrame) for thing in gc.get_objects())
    finally:
        gc.enable()
    assert alive < 5


@pytest.mark.parametrize(
    ("matrix", "corner"),
    [
        ((1, 0, 0, 1), ("top", "left")),
        ((0, 1, -1, 0), ("top", "right")),  # what a phone held upright writes
        ((-1, 0, 0, -1), ("bottom", "right")),
        ((0, -1, 1, 0), ("bottom", "left")),
        ((-1, 0, 0, 1), ("top", "right")),  # mirrored
        ((1, 0, 0, -1), ("bottom", "left")),
    ],
)
def test_pictures_come_out_upright(
    tmp_path: Path, matrix: tuple[int, int, int, int], corner: tuple[str, str]
) -> None:
    path = make_with_pyav(tmp_path / "phone.mp4")
    set_display_matrix(path, *matrix)
    video = VideoFile(path)
    assert (video.width, video.height) == ((W, H) if matrix[0] else (H, W))
    for frame in video:
        assert frame.image.shape == (video.height, video.width, 3)
        assert frame.image.flags.c_contiguous
        assert red_corner(frame.image) == corner


@pytest.mark.parametrize("matrix", [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, 1)])
@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_pictures_are_turned_clockwise_after_they_stand_upright(
    tmp_path: Path, matrix: tuple[int, int, int, int], rotate: int
) -> None:
    path = make_with_pyav(tmp_path / "phone.mp4")
    set_display_matrix(path, *matrix)
    upright, video = VideoFile(path), VideoFile(path, rotate)
    before, after = next(iter(upright)).image, next(iter(video)).image
    assert after.shape == (video.height, video.width, 3)
    np.testing.assert_array_equal(after, np.rot90(before, -rotate // 90))
    np.testing.assert_array_equal(after, turn_picture(before, rotate))


def test_pixels_come_out_square(tmp_path: Path) -> None:
    video = VideoFile(make_with_pyav(tmp_path / "a.mp4", aspect="1:2"))
    assert video.pixel_aspect == pytest.approx(0.5)
    assert (video.width, video.height) == (W // 2, H)
    assert {frame.image.shape for frame in video} == {(H, W // 2, 3)}
    nearly = VideoFile(make_with_pyav(tmp_path / "b.mp4", aspect="1280:1281"))
    assert (nearly.pixel_aspect, nearly.width) == (1.0, W)


def test_colours_survive_the_round_trip(tmp_path: Path) -> None:
    colours = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (30, 128, 220)]
    with VideoWriter(tmp_path / "a.mp4", W, H) as video:
        for number, colour in enumerate(colours):
            video.write(np.full((H, W, 3), colour, np.uint8), number)
    for colour, frame in zip(colours, VideoFile(tmp_path / "a.mp4"), strict=True):
        assert frame.image[H // 2, W // 2].tolist() == pytest.approx(colour, abs=6)


def test_black_first_pictures_count(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", W, H) as writer:
        for number in range(10):
            writer.write(np.full((H, W, 3), 0 if number < 5 else 200, np.uint8), number / 30)
    frames = list(VideoFile(tmp_path / "a.mp4"))
    assert len(frames) == 10
    assert frames[0].time_s == 0.0
    assert frames[0].image.max() < 10
    assert frames[9].image.min() > 180


@pytest.mark.parametrize("fragmented", [False, True])
def test_a_file_cut_in_the_middle_gives_what_it_has(
    tmp_path: Path, fragmented: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    times = [i / 30 for i in range(60)]
    path = make_video(tmp_path / "cut.mp4", times, fragmented)
    whole = len(list(VideoFile(path)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.6)])
    video = VideoFile(path)
    assert video.warnings == []
    frames = list(video)
    assert whole == 60
    assert 25 < len(frames) < 45
    assert [f.time_s for f in frames] == pytest.approx(times[: len(frames)], abs=1e-3)
    assert video.truncated
    assert len(video.warnings) == 1
    assert "breaks off at 1." in video.warnings[0]
    assert capfd.readouterr().err == ""


def stamps(clock: _Clock, *pts: int | None) -> list[float]:
    return [clock.time_s(SimpleNamespace(pts=p)) for p in pts]


def test_repeated_and_backward_stamps_are_nudged() -> None:
    clock = _Clock(fps=10, tick_s=0.001)
    times = stamps(clock, 700, 800, 800, 790, 900)
    assert times == pytest.approx([0, 0.1, 0.101, 0.102, 0.2])
    assert clock.nudged == 2


def test_a_spliced_recording_goes_on() -> None:
    times = stamps(_Clock(fps=10, tick_s=0.001), 90_000, 90_100, 0, 100, 200)
    assert times == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_missing_stamps_follow_the_mean_rate() -> None:
    clock = _Clock(fps=20, tick_s=0.001)
    assert stamps(clock, 40, None, None, 240) == pytest.approx([0, 0.05, 0.1, 0.2])
    assert clock.unstamped == 2


# -- what cannot be read ---------------------------------------------------------------------------------


def no_file(folder: Path) -> Path:
    return folder / "missing.mp4"


def a_folder(folder: Path) -> Path:
    return folder


def empty(folder: Path) -> Path:
    (folder / "a.mp4").touch()
    return folder / "a.mp4"


def text(folder: Path) -> Path:
    (folder / "a.mp4").write_text("Notes on the bridge: hüfte höher.\n" * 40, encoding="utf-8")
    return folder / "a.mp4"


def playlist(folder: Path) -> Path:
    (folder / "a.m3u8").write_text("#EXTM3U\n#EXTINF:9,\nhttp://example.com/a.ts\n")
    return folder / "a.m3u8"


def garbage(folder: Path) -> Path:
    (folder / "a.mp4").write_bytes(np.random.default_rng(0).bytes(20_000))
    return folder / "a.mp4"


def no_index(folder: Path) -> Path:
    path = make_with_pyav(folder / "a.mp4", frames=30)  # without faststart: its index comes last
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    return path


def sound(folder: Path) -> Path:
    with wave.open(str(folder / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(8000))
    return folder / "a.wav"


def no_pictures(folder: Path) -> Path:
    path = make_video(folder / "a.mp4", [0.0, 0.1])
    data = path.read_bytes()
    start = data.index(b"mdat") + 4
    path.write_bytes(data[:start] + bytes(len(data) - start))
    return path


def huge(folder: Path) -> Path:
    return make_with_pyav(folder / "a.mp4", 8200, 16, frames=1, preset="ultrafast")


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.mp4")
    return folder / "a.mp4"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (no_file, "There is no file .*: check the name"),
        (a_folder, "is a folder: give the path"),
        (empty, r"is empty \(0 bytes\).*copy it again"),
        (text, "is a text file, not a video: give"),
        (playlist, "is a text file, not a video: give"),
        (garbage, "is not a video that can be read: give"),
        (no_index, "was cut off before its recording was finished.*record it again"),
        (sound, "holds sound but no picture: choose"),
        (no_pictures, "No picture could be decoded from .*convert it"),
        (huge, "is 8200 × 16 pixels, more than formcheck can hold: make a smaller copy"),
        pytest.param(
            pipe,
            "is not a file: give",
            marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes"),
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(
    tmp_path: Path, make: Callable[[Path], Path], says: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path)
    capfd.readouterr()  # encoders may say something of their own
    with pytest.raises(FormcheckError, match=says) as caught:
        VideoFile(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert ". " not in message.replace(str(path), "")
    assert capfd.readouterr().err == ""


@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """Root may read everything, so step down for a moment."""
    if not hasattr(os, "geteuid"):
        pytest.skip("needs POSIX permissions")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_forbidden_file_is_said_so(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    path = make_video(tmp_path / "a.mp4", [0.0, 0.1])
    path.chmod(0)
    request.getfixturevalue("ordinary_user")
    with pytest.raises(FormcheckError, match=r"You are not allowed to read .*: change its permissions"):
        VideoFile(path)


def test_a_file_that_vanishes_is_said_so(tmp_path: Path) -> None:
    video = VideoFile(make_video(tmp_path / "a.mp4", [0.0, 0.1]))
    video.path.unlink()
    with pytest.raises(FormcheckError, match="There is no file"):
        list(video)


def test_a_name_that_looks_like_a_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.name == "nt":
        pytest.skip("no colons in Windows names")
    monkeypatch.chdir(tmp_path)
    make_video(Path("take2:clam 100%.mp4"), [0.0, 0.1])
    assert len(list(VideoFile("take2:clam 100%.mp4"))) == 2
