"""Written videos: true times, whole files or none, and a plain sentence when the disk is full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from formcheck.errors import FormcheckError
from formcheck.video.file import VideoFile
from formcheck.video.writer import VideoWriter

REPOSITORY = str(Path(__file__).parents[2])
W, H = 64, 48
TIMES = [0.0, 0.033, 0.041, 0.2, 0.9, 1.0, 1.5, 2.25, 2.3, 4.0]


def grey(level: int, width: int = W, height: int = H) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


@pytest.mark.parametrize("fragmented", [False, True])
def test_plays_back_the_same_pictures_at_the_same_times(tmp_path: Path, fragmented: bool) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, W, H, fragmented=fragmented) as video:
        for number, time_s in enumerate(TIMES):
            video.write(grey(20 * number), 1000.5 + time_s)
        assert not path.exists()
        assert video.part_path.exists()
    assert os.listdir(tmp_path) == ["a.mp4"]
    frames = list(VideoFile(path))
    assert [f.time_s for f in frames] == pytest.approx(TIMES, abs=1e-4)
    assert [f.image.mean() for f in frames] == pytest.approx([20 * n for n in range(10)], abs=4)


@pytest.mark.parametrize("fragmented", [False, True])
def test_is_what_browsers_play(tmp_path: Path, fragmented: bool) -> None:
    with VideoWriter(tmp_path / "a.mp4", W, H, 29.97, fragmented) as video:
        for number in range(75):
            video.write(grey(3 * number), number / 30)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        keys = [float(p.pts * p.time_base) for p in container.demux(stream) if p.is_keyframe and p.size]
    assert np.diff(keys).max() <= 1.01  # a reviewer can jump to any second
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert (b"moof" in data) == fragmented


@pytest.mark.parametrize(("width", "height"), [(65, 48), (64, 49), (65, 49)])
def test_odd_sizes_are_padded(tmp_path: Path, width: int, height: int) -> None:
    image = grey(60, width, height)
    image[-1, -1] = 200
    with VideoWriter(tmp_path / "a.mp4", width, height) as video:
        video.write(image, 0.0)
    frame = next(iter(VideoFile(tmp_path / "a.mp4")))
    assert frame.image.shape == (48 if height == 48 else 50, 64 if width == 64 else 66, 3)
    assert frame.image[:40, :40].mean() == pytest.approx(60, abs=3)
    assert image.shape == (height, width, 3)


def test_times_that_stand_still_or_go_back_keep_their_order(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", W, H) as video:
        for time_s in (0.0, 0.1, 0.1, 0.05, 0.2):
            video.write(grey(50), time_s)
    times = [f.time_s for f in VideoFile(tmp_path / "a.mp4")]
    assert times == pytest.approx([0, 0.1, 0.1, 0.1, 0.2], abs=1e-3)
    assert np.all(np.diff(times) > 0)


def test_views_and_slices_can_be_written(tmp_path: Path) -> None:
    big = np.zeros((2 * H, 2 * W, 3), np.uint8)
    with VideoWriter(tmp_path / "a.mp4", W, H) as video:
        video.write(big[::2, ::-2], 0.0)
    assert len(list(VideoFile(tmp_path / "a.mp4"))) == 1


@pytest.mark.parametrize("fragmented", [False, True])
def test_an_error_leaves_nothing_behind(tmp_path: Path, fragmented: bool) -> None:
    def record() -> None:
        with VideoWriter(tmp_path / "a.mp4", W, H, fragmented=fragmented) as video:
            video.write(grey(50), 0.0)
            raise RuntimeError("camera unplugged")

    with pytest.raises(RuntimeError, match="camera unplugged"):
        record()
    assert os.listdir(tmp_path) == []


def test_discard_leaves_the_older_file_alone(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("older")
    video = VideoWriter(tmp_path / "a.mp4", W, H)
    video.write(grey(50), 0.0)
    video.discard()
    video.discard()
    video.close()
    assert os.listdir(tmp_path) == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_text() == "older"
    with pytest.raises(ValueError, match="closed"):
        video.write(grey(50), 0.1)


def test_ctrl_c_can_keep_what_there_is(tmp_path: Path) -> None:
    def record() -> None:
        with VideoWriter(tmp_path / "a.mp4", W, H) as video:
            try:
                video.write(grey(50), 0.0)
                raise KeyboardInterrupt
            except KeyboardInterrupt:
                video.close()
                raise

    with pytest.raises(KeyboardInterrupt):
        record()
    assert os.listdir(tmp_path) == ["a.mp4"]
    assert len(list(VideoFile(tmp_path / "a.mp4"))) == 1


def test_a_video_without_pictures_leaves_no_file(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", W, H):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "image", [grey(1, H, W), np.zeros((H, W), np.uint8), np.zeros((H, W, 3), np.float32)]
)
def test_another_kind_of_picture_is_refused(tmp_path: Path, image: np.ndarray) -> None:
    with (
        VideoWriter(tmp_path / "a.mp4", W, H) as video,
        pytest.raises(ValueError, match="expected a 48 x 64"),
    ):
        video.write(image, 0.0)


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FormcheckError, match=r"There is no folder .*: make it first"):
        VideoWriter(tmp_path / "nowhere" / "a.mp4", W, H)
    with pytest.raises(FormcheckError, match="is a folder: give the name"):
        VideoWriter(tmp_path, W, H)
    (tmp_path / "a.mp4.part").mkdir()
    with pytest.raises(FormcheckError, match=r"could not be written .*: make room on the disk or choose"):
        VideoWriter(tmp_path / "a.mp4", W, H)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("fragmented", [False, True])
def test_a_full_disk_is_said_so_at_once(tmp_path: Path, fragmented: bool, monkeypatch) -> None:
    monkeypatch.setattr("formcheck.video.writer.make_file", lambda path: path.symlink_to("/dev/full"))
    with pytest.raises(FormcheckError, match=r"could not be written \(no space left on device\): make room"):
        VideoWriter(tmp_path / "a.mp4", W, H, fragmented=fragmented)
    # What was written in pieces plays up to there, and is kept.
    assert os.listdir(tmp_path) == (["a.mp4.part"] if fragmented else [])


# In a process of its own, because the limit counts for everything the process writes. It walks the limit from
# the header to the last byte: a disk may fill up in the middle, in the index, or in the last fragment.
FILLS_UP = """
import os, resource, signal, sys
import numpy as np
from formcheck.errors import FormcheckError
from formcheck.video.writer import VideoWriter

os.chdir(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
images = np.random.default_rng(0).integers(0, 256, (12, 120, 160, 3), dtype=np.uint8)

def record(fragmented):
    with VideoWriter("a.mp4", 160, 120, 30, fragmented) as video:
        for number, image in enumerate(images):
            video.write(image, number / 10)

for fragmented in (False, True):
    record(fragmented)
    size = os.path.getsize("a.mp4")
    os.remove("a.mp4")
    for limit in [0, 100, 32768, *range(1500, size, size // 12), size - 300, size - 17, size - 1]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            record(fragmented)
        except FormcheckError as error:
            assert "could not be written (" in str(error), error
            assert os.listdir() == (["a.mp4.part"] if fragmented else []), (limit, os.listdir())
            if fragmented:
                os.remove("a.mp4.part")
        else:
            raise AssertionError(f"{limit} of {size} bytes passed unnoticed, fragmented={fragmented}")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_disk_that_fills_up_anywhere_leaves_no_file_but_the_pieces_so_far(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", FILLS_UP, str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": REPOSITORY},
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""


KILLED = """
import os, signal, sys
import numpy as np
from formcheck.video.writer import VideoWriter

video = VideoWriter(sys.argv[1], 64, 48, 30, fragmented=True)
for number in range(100):
    video.write(np.full((48, 64, 3), number, np.uint8), number / 30)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_recording_plays_up_to_its_last_second(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "a.mp4")],
        env=os.environ | {"PYTHONPATH": REPOSITORY},
    )
    assert os.listdir(tmp_path) == ["a.mp4.part"]
    frames = list(VideoFile(tmp_path / "a.mp4.part"))
    assert frames[-1].time_s > 99 / 30 - 1.0
    assert frames[-1].image.mean() == pytest.approx(frames[-1].index, abs=4)
