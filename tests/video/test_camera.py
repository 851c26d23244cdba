"""Live sources: always the newest picture, one clock, and every way a camera can fail; no hardware needed."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import waiting
from mjpeg import PhoneCamera, number_of, numbered

import formcheck.video.camera as camera_module
from formcheck.errors import FormcheckError
from formcheck.video.camera import Camera
from formcheck.video.clip_camera import ClipSource
from formcheck.video.file import VideoFile
from formcheck.video.live_source import LiveSource
from formcheck.video.open import open_source
from formcheck.video.writer import VideoWriter

until = partial(waiting.until, patience_s=5.0, every_s=0.002)

BUSY = "Camera 0 is there but cannot be opened: another program is probably using it."


class Clock:
    """Time that moves only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Webcam:
    """A camera on its cable: the test says what it shows, plugs and unplugs it.

    With ``by_itself``, it shows something new every few milliseconds.
    """

    def __init__(self, by_itself: bool = False) -> None:
        self.clock = Clock()
        self.by_itself = by_itself
        self.plugged = True
        self.hangs = threading.Event()
        self.refuses = ""
        self.openings = 0
        self.open_now = 0
        self._shown: queue.Queue[tuple[np.ndarray | None, float]] = queue.Queue()
        self._count = 0

    def show(self, image: np.ndarray | None, after_s: float = 1 / 30) -> None:
        """The next picture (None: a broken one), so long after the one before."""
        self._shown.put((image, after_s))

    def opener(self, address: int | str, size: tuple[int, int], fps: float) -> _Plug:
        if self.refuses or not self.plugged:
            raise FormcheckError(self.refuses or "There is no camera 0 on this computer.")
        return _Plug(self)

    def next(self) -> tuple[np.ndarray | None, float] | None:
        if self.by_itself:
            time.sleep(0.002)
            self._count += 1
            return numbered(self._count), 0.002
        try:
            return self._shown.get(timeout=0.02)
        except queue.Empty:
            return None


class _Plug:
    def __init__(self, webcam: Webcam) -> None:
        self.webcam = webcam
        self.image: np.ndarray | None = None
        self.released = False
        webcam.openings += 1
        webcam.open_now += 1

    def grab(self) -> bool:
        webcam = self.webcam
        while webcam.plugged and webcam.open_now and not self.released:
            if webcam.hangs.is_set():
                time.sleep(0.01)
                continue
            item = webcam.next()
            if item is not None:
                self.image, after_s = item
                webcam.clock.now += after_s
                return True
            if _stopping() and not webcam.hangs.is_set():
                return False
        webcam.clock.now += 0.05  # time goes on while nothing comes
        return False

    def retrieve(self) -> np.ndarray | None:
        return self.image

    def release(self) -> None:
        self.released = True
        self.webcam.open_now -= 1


_STOPS: list[threading.Event] = []


def _stopping() -> bool:
    """A real driver returns from grab() within a frame; this one when its camera is being closed."""
    return any(stop.is_set() for stop in _STOPS)


@pytest.fixture(autouse=True)
def quick_and_clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Retries come fast, and no test leaves a capturing thread behind."""
    monkeypatch.setattr(camera_module, "RETRY_S", 0.01)
    _STOPS.clear()
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 60
    while any(t.name in ("camera", "clip") for t in set(threading.enumerate()) - before):
        assert time.monotonic() < deadline, "a capturing thread is left"
        time.sleep(0.01)


def open_camera(webcam: Webcam, *first: np.ndarray) -> Camera:
    camera = Camera(0, opener=webcam.opener, clock=webcam.clock)
    _STOPS.append(camera._stop)
    for image in first:
        webcam.show(image)
    camera.open()
    return camera


def make_clip(path: Path, frames: int = 30, fps: float = 30.0) -> Path:
    with VideoWriter(path, 160, 120, fps) as video:
        for number in range(frames):
            video.write(numbered(number), number / fps)
    return path


def speckled(value: int, width: int = 64, height: int = 48) -> np.ndarray:
    image = np.full((height, width, 3), value, np.uint8)
    image[: height // 2] += 10
    return image


# -- every source ------------------------------------------------------------------------------------------


@pytest.fixture(params=["webcam", "phone", "clip", "clip, every frame"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveSource]:
    phone = None
    made: LiveSource
    if request.param == "webcam":
        webcam = Webcam(by_itself=True)
        made = Camera(0, opener=webcam.opener)
    elif request.param == "phone":
        phone = PhoneCamera()
        made = Camera(phone.url)
    else:
        made = ClipSource(make_clip(tmp_path / "a.mp4"), paced=request.param == "clip")
    yield made
    made.close()
    if phone is not None:
        phone.kill()


def test_contract_frames(source: LiveSource) -> None:
    assert source.state == "ended"
    assert source.size == (0, 0)
    assert source.fps == 0.0
    assert source.latest(0.0) is None
    source.open()
    assert source.state == "running"
    assert source.size == (160, 120)
    frames = []
    while len(frames) < 8:
        frame = source.latest(30.0)
        assert frame is not None
        assert frame.time_s <= source.now_s() + 1e-3
        frames.append(frame)
    for frame in frames:
        assert frame.image.shape == (120, 160, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
        assert frame.time_s >= 0
    assert (np.diff([frame.time_s for frame in frames]) > 0).all()
    assert (np.diff([frame.index for frame in frames]) > 0).all()
    # Frames keep their pictures: the next one is not painted over them.
    assert len({number_of(frame.image) for frame in frames}) == 8
    assert source.fps > 0
    assert source.problem == ""


def test_contract_close_at_any_time(source: LiveSource) -> None:
    source.open()
    source.close()
    source.close()
    assert source.state == "ended"
    before = time.monotonic()
    assert source.latest(30.0) is None
    assert time.monotonic() - before < 10


def test_contract_closing_wakes_whoever_waits(source: LiveSource) -> None:
    source.open()
    got: list[object] = []

    def ask() -> None:
        while True:
            frame = source.latest(30.0)
            if frame is None:
                got.append(None)
                return

    asking = threading.Thread(target=ask)
    asking.start()
    source.close()
    asking.join(10)
    assert got == [None]


def test_contract_closing_without_opening(source: LiveSource) -> None:
    source.close()
    assert source.state == "ended"


def test_contract_is_opened_once(source: LiveSource) -> None:
    source.open()
    with pytest.raises(RuntimeError, match="once"):
        source.open()


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: ClipSource(folder / "none.mp4"),
        lambda folder: Camera("/dev/video-none"),
        lambda folder: Camera("http://127.0.0.1:9/video"),
        lambda folder: Camera("rtsp://127.0.0.1:9/video"),
    ],
    ids=["clip", "device", "http", "rtsp"],
)
def test_contract_what_is_missing_is_one_sentence(make: Callable[[Path], LiveSource], tmp_path: Path) -> None:
    source = make(tmp_path)
    with pytest.raises(FormcheckError) as raised:
        source.open()
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")
    assert source.state == "ended"
    source.close()


# -- a camera of this computer -----------------------------------------------------------------------------


def test_only_the_newest_is_handed_out_and_the_rest_is_counted() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100))
    for value in (110, 120, 130):
        webcam.show(speckled(value))
    until(lambda: camera._count == 4)
    frame = camera.latest(30.0)
    assert frame is not None
    assert (frame.image == speckled(130)).all()
    assert frame.index == 3
    assert camera.dropped == 3
    assert camera.latest(0.0) is None
    camera.close()


def test_time_is_taken_when_the_picture_is_grabbed() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100))
    first = camera.latest(30.0)
    times = []
    for value, after_s in ((110, 0.033), (120, 0.2), (130, 0.04)):
        webcam.show(speckled(value), after_s)
        frame = camera.latest(30.0)
        assert frame is not None
        times.append(frame.time_s)
    assert first is not None
    assert np.diff([first.time_s, *times]) == pytest.approx([0.033, 0.2, 0.04])
    assert camera.now_s() == pytest.approx(times[-1])
    camera.close()


def test_a_clock_that_stands_still_never_gives_the_same_time_twice() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100))
    times = []
    for value in (110, 120, 130):
        frame = camera.latest(30.0)
        assert frame is not None
        times.append(frame.time_s)
        webcam.show(speckled(value), after_s=0.0)
    assert times[0] < times[1] < times[2]
    camera.close()


@pytest.mark.parametrize("fps", [7, 30])
def test_the_rate_is_the_one_that_arrives_not_the_one_promised(fps: int) -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(50))
    for number in range(2 * fps):
        webcam.show(speckled(60 + number), 1 / fps)
    until(lambda: camera._count == 2 * fps + 1)
    assert camera.fps == pytest.approx(fps, rel=0.02)
    camera.close()


def test_other_sizes_later_are_scaled_to_the_first_and_never_squeezed() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100, 64, 48))
    assert camera.latest(30.0) is not None
    webcam.show(speckled(150, 128, 96))
    same_shape = camera.latest(30.0)
    webcam.show(np.full((90, 160, 3), 200, np.uint8))
    wide = camera.latest(30.0)
    webcam.show(np.full((48, 64), 90, np.uint8))
    grey = camera.latest(30.0)
    assert same_shape is not None
    assert wide is not None
    assert grey is not None
    assert camera.size == (64, 48)
    assert {f.image.shape for f in (same_shape, wide, grey)} == {(48, 64, 3)}
    assert same_shape.image.min() > 100
    rows = wide.image[:, 32, 0]
    assert (rows == 200).sum() == 36  # 64 × 9 / 16
    assert rows[0] == rows[-1] == 0
    camera.close()


def test_a_huge_picture_is_made_smaller_in_the_same_shape() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100, 3840, 2160))
    frame = camera.latest(30.0)
    assert frame is not None
    assert camera.size == (1280, 720)
    assert frame.image.shape == (720, 1280, 3)
    camera.close()


def test_black_pictures_while_the_sensor_starts_are_left_out_but_a_dark_room_is_not() -> None:
    webcam = Webcam()
    black = np.zeros((48, 64, 3), np.uint8)
    camera = open_camera(webcam, black)
    assert camera.state == "running"
    webcam.show(black)
    webcam.show(speckled(40))
    frame = camera.latest(30.0)
    assert frame is not None
    assert frame.image.max() == 50
    webcam.show(black, after_s=3.0)
    frame = camera.latest(30.0)
    assert frame is not None
    assert frame.image.max() == 0
    camera.close()


def test_a_broken_picture_is_a_hiccup() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100))
    assert camera.latest(30.0) is not None
    webcam.show(None)
    webcam.show(speckled(110))
    assert camera.latest(30.0) is not None
    assert camera.state == "running"
    assert webcam.openings == 1
    camera.close()


def test_unplugged_and_back_goes_on_with_the_same_clock() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100))
    before = camera.latest(30.0)
    webcam.plugged = False
    until(lambda: camera.state == "lost")
    assert "sends no more pictures" in camera.problem
    until(lambda: "There is no camera" in camera.problem)  # it keeps trying
    assert webcam.open_now == 0
    assert camera.latest(0.0) is None
    webcam.clock.now += 12.0
    webcam.plugged = True
    webcam.show(speckled(100))  # the very picture it showed last
    after = camera.latest(5.0)
    assert camera.state == "running"
    assert camera.problem == ""
    assert before is not None
    assert after is not None
    assert after.time_s - before.time_s > 12.0
    assert after.index == before.index + 1
    assert webcam.open_now == 1
    camera.close()
    assert webcam.open_now == 0


def test_many_losses_leave_one_thread_and_no_open_camera() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100))
    for _ in range(5):
        webcam.plugged = False
        until(lambda: camera.state == "lost")
        webcam.plugged = True
        webcam.show(speckled(100))
        until(lambda: camera.state == "running")
    assert sum(t.name == "camera" for t in threading.enumerate()) == 1
    assert webcam.open_now == 1
    camera.close()
    assert camera.state == "ended"
    assert webcam.open_now == 0


def test_the_same_picture_over_and_over_is_a_lost_camera() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100))
    for _ in range(29):
        webcam.show(speckled(100), after_s=0.1)
    until(lambda: camera._count == 30)
    assert camera.state == "running"  # not quite three seconds
    for _ in range(4):
        webcam.show(speckled(100), after_s=0.1)
    until(lambda: camera.state == "lost")
    assert "same picture" in camera.problem
    count = camera._count
    until(lambda: webcam.openings == 2)
    for _ in range(3):
        webcam.show(speckled(100), after_s=0.1)
    webcam.show(speckled(130), after_s=0.1)
    until(lambda: camera.state == "running")
    frame = camera.latest(30.0)
    assert frame is not None
    assert frame.image.min() == 130
    assert camera._count == count + 1  # nothing of what it showed while frozen
    camera.close()


def test_a_covered_lens_is_dark_not_frozen() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100))
    for _ in range(40):
        webcam.show(np.zeros((48, 64, 3), np.uint8), after_s=0.2)
    until(lambda: camera._count == 41)
    assert camera.state == "running"
    camera.close()


def test_a_driver_that_hangs_counts_as_lost_and_never_holds_up_closing() -> None:
    webcam = Webcam()
    camera = open_camera(webcam, speckled(100))
    webcam.hangs.set()
    assert camera.latest(30.0) is not None
    webcam.clock.now += 3.5
    assert camera.state == "lost"
    assert "stopped sending" in camera.problem
    before = time.monotonic()
    camera.close()
    assert time.monotonic() - before < 5
    assert webcam.open_now == 1  # still inside the driver
    webcam.hangs.clear()
    until(lambda: webcam.open_now == 0)  # and the camera is let go as soon as it answers


def test_a_driver_that_hangs_at_the_start_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "OPEN_S", 0.05)
    webcam = Webcam()
    webcam.hangs.set()
    with pytest.raises(FormcheckError, match="does not answer"):
        open_camera(webcam)
    webcam.hangs.clear()


def test_busy_and_missing_are_said_at_opening() -> None:
    webcam = Webcam()
    webcam.refuses = BUSY
    with pytest.raises(FormcheckError, match="another program"):
        open_camera(webcam)
    assert webcam.open_now == 0


def test_opened_but_without_a_picture_is_busy() -> None:
    webcam = Webcam()
    webcam.plugged = True

    class Dead(_Plug):
        def grab(self) -> bool:
            self.webcam.clock.now += 0.5
            return False

    webcam.opener = lambda address, size, fps: Dead(webcam)  # type: ignore[method-assign, assignment]
    with pytest.raises(FormcheckError, match="another program is probably using it"):
        open_camera(webcam)
    assert webcam.open_now == 0


# -- a phone as camera -------------------------------------------------------------------------------------


def test_a_phones_pictures_are_the_newest_it_sent() -> None:
    phone = PhoneCamera(fps=30)
    camera = Camera(phone.url)
    camera.open()
    behind = []
    for _ in range(15):
        frame = camera.latest(30.0)
        assert frame is not None
        behind.append((phone.sent - number_of(frame.image)) % 25)
        if len(behind) == 8:
            time.sleep(0.4)  # a live loop that was busy
            camera.latest(0.0)
    assert sorted(behind)[7] <= 2  # in pictures; the median, as the machine may be busy
    assert camera.dropped >= 5
    camera.close()
    phone.kill()


def test_a_phone_that_goes_away_and_comes_back() -> None:
    phone = PhoneCamera()
    port = phone.port
    camera = Camera(phone.url)
    camera.open()
    before = camera.latest(30.0)
    phone.kill()
    until(lambda: camera.state == "lost")
    assert "Wi-Fi" in camera.problem
    camera.latest(0.0)
    phone = PhoneCamera(port)
    after = camera.latest(60.0)
    assert before is not None
    assert after is not None
    assert camera.state == "running"
    assert after.time_s > before.time_s
    assert after.index > before.index
    camera.close()
    phone.kill()


def test_a_phone_that_falls_silent_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "STALL_S", 0.3)
    phone = PhoneCamera()
    camera = Camera(phone.url)
    camera.open()
    phone.mute = True
    until(lambda: camera.state == "lost")
    before = time.monotonic()
    camera.close()
    assert time.monotonic() - before < 3
    phone.kill()


@pytest.mark.parametrize(
    ("path", "word"), [("nothing", "no video"), ("elsewhere", "no video"), ("locked", "password")]
)
def test_what_a_phone_answers_instead_of_pictures_is_said(path: str, word: str) -> None:
    phone = PhoneCamera()
    with pytest.raises(FormcheckError, match=word):
        Camera(f"http://127.0.0.1:{phone.port}/{path}").open()
    phone.kill()


def test_pictures_are_not_fetched_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    phone = PhoneCamera()
    camera = Camera(phone.url)
    camera.open()
    assert camera.latest(30.0) is not None
    camera.close()
    phone.kill()


# -- a clip as camera --------------------------------------------------------------------------------------


def test_a_clip_keeps_its_own_time_and_drops_what_is_overtaken(tmp_path: Path) -> None:
    clock = Clock()
    clip = ClipSource(make_clip(tmp_path / "a.mp4"), clock=clock, sleep=clock.sleep)
    clip.open()
    opened = clock.now
    frame = clip.latest(0.0)
    assert frame is not None
    assert (frame.index, number_of(frame.image), frame.time_s) == (0, 0, 0.0)
    clock.now = opened + 0.51  # the loop was busy for 15 frames
    frame = clip.latest(5.0)
    assert frame is not None
    assert (frame.index, number_of(frame.image)) == (15, 15)
    assert frame.time_s == pytest.approx(0.5, abs=1e-3)
    assert clip.dropped == 14
    assert clip.latest(0.0) is None
    frame = clip.latest(30.0)  # waits until it is due, and not longer
    assert frame is not None
    assert frame.index == 16
    assert clock.now - opened == pytest.approx(16 / 30, abs=2e-3)
    assert clip.now_s() == pytest.approx(16 / 30, abs=2e-3)
    assert clip.fps == pytest.approx(30, rel=0.01)
    clip.close()


def test_a_wait_for_a_frame_ends_in_time(tmp_path: Path) -> None:
    clock = Clock()
    clip = ClipSource(make_clip(tmp_path / "slow.mp4", 3, fps=2), clock=clock, sleep=clock.sleep)
    clip.open()
    clip.latest(0.0)
    start = clock.now
    assert clip.latest(0.2) is None
    assert clock.now - start == pytest.approx(0.2, abs=1e-3)
    clip.close()


def test_a_clip_ends_after_its_last_frame(tmp_path: Path) -> None:
    clock = Clock()
    clip = ClipSource(make_clip(tmp_path / "a.mp4", 10), clock=clock, sleep=clock.sleep)
    clip.open()
    clock.now += 60
    assert clip.state == "running"
    frame = clip.latest(30.0)
    assert frame is not None
    assert frame.index == 9
    assert clip.dropped == 9
    assert clip.state == "ended"
    assert clip.latest(5.0) is None
    assert clip.problem == ""
    clip.close()


def test_a_clip_nobody_asks_for_is_dropped_not_queued(tmp_path: Path) -> None:
    clock = Clock()
    clip = ClipSource(make_clip(tmp_path / "a.mp4", 90), clock=clock, sleep=clock.sleep)
    clip.open()
    clock.now += 60
    until(lambda: clip._decoded_all)
    assert len(clip._ready) <= ClipSource.AHEAD
    frame = clip.latest(0.0)
    assert frame is not None
    assert frame.index == 89
    assert clip.dropped == 89
    clip.close()


def test_a_looped_clip_goes_on_with_rising_times(tmp_path: Path) -> None:
    clip = ClipSource(make_clip(tmp_path / "a.mp4", 5), loop=True, paced=False)
    clip.open()
    frames = [clip.latest(30.0) for _ in range(13)]
    assert [f.index for f in frames if f] == list(range(13))
    assert [number_of(f.image) for f in frames if f] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2]
    assert np.diff([f.time_s for f in frames if f]) == pytest.approx(np.full(12, 1 / 30), abs=2e-3)
    clip.close()


def test_unpaced_hands_out_every_frame_with_the_files_times(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", 40)
    clip = ClipSource(path, paced=False)
    clip.open()
    frames = []
    while clip.state == "running":
        frame = clip.latest(30.0)
        if frame is not None:
            frames.append(frame)
            assert clip.now_s() == frame.time_s
    with VideoFile(path) as video:
        expected = list(video)
    assert [f.time_s for f in frames] == [f.time_s for f in expected]
    assert all((a.image == b.image).all() for a, b in zip(frames, expected, strict=True))
    assert clip.dropped == 0
    clip.close()


def test_real_time_is_real_time(tmp_path: Path) -> None:
    clip = ClipSource(make_clip(tmp_path / "a.mp4", 20))
    clip.open()
    start = time.perf_counter()
    last = None
    while clip.state == "running":
        last = clip.latest(30.0) or last
    assert last is not None
    assert last.index == 19
    assert time.perf_counter() - start >= 19 / 30 - 0.01  # never ahead of time, however fast the machine
    clip.close()


def test_open_source(tmp_path: Path) -> None:
    assert isinstance(open_source(), Camera)
    assert isinstance(open_source("http://127.0.0.1/video"), Camera)
    assert isinstance(open_source(clip=tmp_path / "a.mp4"), ClipSource)
    with pytest.raises(FormcheckError, match="not both"):
        open_source("0", tmp_path / "a.mp4")
