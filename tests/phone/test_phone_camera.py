"""A phone as the camera: pictures that are sent become frames, the newest only, and nonsense is refused."""

from __future__ import annotations

import struct
import threading

import cv2
import numpy as np
import pytest
from waiting import until

from formcheck.errors import FormcheckError
from formcheck.video.phone_camera import LOST_S, MOST_BYTES, OLDEST_S, PhoneCamera, picture_of
from formcheck.video.switched_camera import SwitchedCamera


def picture(width: int = 640, height: int = 480, grey: int = 90) -> np.ndarray:
    return np.full((height, width, 3), grey, np.uint8)


def jpeg(image: np.ndarray, *how: int) -> bytes:
    done, data = cv2.imencode(".jpg", image, list(how))
    assert done
    return data.tobytes()


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(clock: Clock, first: np.ndarray | None = None) -> PhoneCamera:
    """A phone's camera whose first picture comes while it is opened, and is taken."""
    camera = PhoneCamera(clock=clock, open_s=20.0)

    def send() -> None:
        until(lambda: camera.wanted)
        camera.put(picture() if first is None else first, clock())

    sender = threading.Thread(target=send)
    sender.start()
    camera.open()
    sender.join()
    assert camera.latest(0.0) is not None
    return camera


# -- the source ----------------------------------------------------------------------------------------------


def test_before_it_is_opened_and_after_it_is_closed_no_picture_is_wanted_or_kept(clock):
    camera = PhoneCamera(clock=clock)
    assert (camera.state, camera.wanted) == ("ended", False)
    camera.put(picture(), clock())
    assert camera.latest(0.0) is None
    camera = opened(clock)
    assert (camera.state, camera.wanted) == ("running", True)
    camera.close()
    camera.put(picture(), clock())
    assert (camera.state, camera.wanted, camera.latest(0.0)) == ("ended", False, None)


def test_a_phone_that_sends_nothing_is_told_and_can_be_tried_again(clock):
    camera = PhoneCamera(clock=clock, open_s=0.0)
    for _ in range(2):
        with pytest.raises(FormcheckError, match="sends no pictures: wake it up"):
            camera.open()
        assert not camera.wanted


def test_frames_have_the_times_at_which_they_were_taken_and_the_newest_wins(clock):
    camera = opened(clock)
    for late in (0.30, 0.20, 0.10):
        clock.now_s += 0.5
        camera.put(picture(grey=int(100 * late)), clock() - late)
    frame = camera.latest(0.0)
    assert frame is not None
    assert frame.time_s == pytest.approx(1.4)
    assert camera.now_s() - frame.time_s == pytest.approx(0.1)
    assert frame.image[0, 0, 0] == 10
    assert camera.dropped == 2
    assert camera.latest(0.0) is None


def test_what_was_overtaken_is_too_old_or_was_skipped_is_counted_and_not_handed_out(clock):
    camera = opened(clock)
    clock.now_s += 5.0
    camera.put(picture(), clock() - 0.2)
    assert camera.latest(0.0) is not None
    camera.put(picture(), clock() - 0.3)  # overtaken on its way
    camera.put(picture(), clock() - OLDEST_S - 0.1)
    camera.put(picture(), clock() - 0.1, skipped=7)
    frame = camera.latest(0.0)
    assert frame is not None
    assert frame.time_s == pytest.approx(4.9)
    assert camera.dropped == 9


def test_a_picture_from_the_future_was_taken_now(clock):
    camera = opened(clock)
    clock.now_s += 1.0
    camera.put(picture(), clock() + 500.0)
    clock.now_s += 0.1
    camera.put(picture(), clock())
    frame = camera.latest(0.0)
    assert frame is not None
    assert frame.time_s == pytest.approx(1.1)


def test_a_phone_that_is_silent_is_lost_and_comes_back_with_a_gap(clock):
    camera = opened(clock)
    clock.now_s += LOST_S + 0.1
    assert camera.state == "lost"
    assert "Wi-Fi" in camera.problem
    assert camera.latest(0.0) is None
    clock.now_s += 10.0
    camera.put(picture(), clock())
    assert (camera.state, camera.problem) == ("running", "")
    frame = camera.latest(0.0)
    assert frame is not None
    assert frame.time_s > 10.0


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_picture_is_turned_as_the_phone_says(clock, turn):
    image = picture()
    image[:40] = 250  # its top
    camera = opened(clock, picture(480, 640) if turn % 180 else None)
    clock.now_s += 0.1
    camera.put(image, clock(), turn=turn)
    frame = camera.latest(0.0)
    assert frame is not None
    sides = {
        0: frame.image[5, 100],
        90: frame.image[100, -5],
        180: frame.image[-5, 100],
        270: frame.image[100, 5],
    }
    assert [n for n, pixel in sides.items() if pixel[0] > 200] == [turn]


def test_all_frames_have_the_size_of_the_first_one(clock):
    camera = opened(clock)
    clock.now_s += 0.1
    camera.put(picture(480, 640, 200), clock())
    frame = camera.latest(0.0)
    assert frame is not None
    assert frame.image.shape == (480, 640, 3)
    assert camera.size == (640, 480)
    assert frame.image[240, 320, 0] == 200
    assert frame.image[240, 10, 0] == 0  # bars, not squeezed


# -- what it is sent -----------------------------------------------------------------------------------------


def with_size(data: bytes, width: int, height: int) -> bytes:
    """The same file, which says that it is as large as this."""
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def with_turn(data: bytes) -> bytes:
    """The same file, which says that it is to be shown turned."""
    tag = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, 0x0112, 3, 1, 6, 0, 0)
    body = b"Exif\0\0" + tag
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


GOOD = jpeg(picture())


@pytest.mark.parametrize(
    "how",
    [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_OPTIMIZE, 1)],
    ids=["plain", "steps", "small"],
)
def test_pictures_as_browsers_make_them_are_read(how):
    image = cv2.resize(np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8), (640, 480))
    read = picture_of(jpeg(image, *how))
    assert read.shape == image.shape
    assert np.abs(read.astype(int) - image).mean() < 5


def test_a_picture_is_read_as_it_is_stored_whatever_it_says_of_its_turn():
    assert picture_of(with_turn(GOOD)).shape == (480, 640, 3)


AT = GOOD.index(b"\xff\xc0")  # where it says how large it is

BAD = {
    "nothing": b"",
    "text": b"<html>" * 100,
    "png": cv2.imencode(".png", picture())[1].tobytes(),
    "beginning only": GOOD[:2000],
    "no end": GOOD[:-2],
    "too long": GOOD + bytes(MOST_BYTES) + b"\xff\xd9",
    "a bomb": with_size(GOOD, 65_500, 65_500),
    "too wide": with_size(GOOD, 1300, 480),
    "a line": with_size(GOOD, 640, 2),
    "no height": with_size(GOOD, 640, 0),
    "hidden size": GOOD[:2] + b"\xff\xd0" + GOOD[2:],
    "two sizes": GOOD[:2] + with_size(GOOD, 64, 64)[AT : AT + 19] + GOOD[2:],
    "endless steps": GOOD[:-2] + b"\xff\xda\0\2" * 99 + b"\xff\xd9",
    "no tables": b"\xff\xd8" + GOOD[AT:],
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_picture_is_refused_before_it_takes_room(what, monkeypatch):
    decoded = []
    real = cv2.imdecode

    def watched(data: np.ndarray, how: int) -> np.ndarray | None:
        image = real(data, how)
        decoded.append(image)
        return image

    monkeypatch.setattr(cv2, "imdecode", watched)
    with pytest.raises(FormcheckError, match="no picture"):
        picture_of(BAD[what])
    assert what in ("two sizes", "no tables") or not decoded


def test_bytes_that_were_changed_end_in_a_picture_or_a_sentence():
    rng = np.random.default_rng(3)
    image = cv2.resize(rng.integers(0, 255, (24, 32, 3), np.uint8), (320, 240))
    whole = np.frombuffer(jpeg(image), np.uint8)
    for _ in range(200):
        spoilt = whole.copy()
        spoilt[rng.integers(2, len(spoilt) - 2, 4)] = rng.integers(0, 256, 4)
        try:
            assert max(picture_of(spoilt.tobytes()).shape) <= 1280
        except FormcheckError:
            continue


# -- two cameras ---------------------------------------------------------------------------------------------


class Plain(PhoneCamera):
    """A camera of this computer: one picture is there at once."""

    def __init__(self, clock: Clock, *, missing: bool = False) -> None:
        super().__init__(clock=clock, open_s=0.0)
        self.missing = missing
        self._of_clock = clock

    def open(self) -> None:
        if self.missing:
            raise FormcheckError("There is no camera 0 on this computer.")
        self._origin_s, self._last_s, self._wanted = self._of_clock(), -1.0, True
        self.put(picture(800, 600, 30), self._of_clock())


def test_one_camera_is_changed_for_the_other_and_the_clock_goes_on(clock):
    phone = Plain(clock)
    made = []

    def computer() -> Plain:
        made.append(Plain(clock))
        return made[-1]

    camera = SwitchedCamera(phone, computer, 180, clock=clock)
    camera.open()
    first = camera.latest(0.0)
    assert first is not None
    assert (camera.which, made) == ("phone", [])
    clock.now_s += 3.0
    phone.put(picture(), clock(), skipped=4)
    camera.change()
    assert (camera.which, phone.state, camera.state) == ("computer", "ended", "running")
    second = camera.latest(0.0)
    assert second is not None
    assert second.image.shape == first.image.shape
    assert second.time_s == pytest.approx(3.0)
    assert camera.now_s() == pytest.approx(3.0)
    clock.now_s += 2.0
    camera.change()
    third = camera.latest(0.0)
    assert third is not None
    assert (camera.which, third.time_s) == ("phone", pytest.approx(5.0))
    assert [frame.index for frame in (first, second, third)] == [0, 1, 2]
    assert made[0].state == "ended"
    assert camera.dropped == 4
    camera.close()
    assert camera.state == "ended"


def test_a_camera_that_is_not_there_leaves_the_other_one_in_use(clock):
    camera = SwitchedCamera(Plain(clock), lambda: Plain(clock, missing=True), clock=clock)
    camera.open()
    with pytest.raises(FormcheckError, match="no camera 0"):
        camera.change()
    assert (camera.which, camera.state) == ("phone", "running")
