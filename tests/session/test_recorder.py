"""The recorder: what a killed program, a full disk and a finished session leave behind."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import waiting

from formcheck.analysis.events import Event
from formcheck.engine.live_engine import LiveMoment
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.files import part_of
from formcheck.pose.live_filter import SeenFrame
from formcheck.session.reader import open_session
from formcheck.session.recorder import Recorder
from formcheck.session.schema import SessionMeta
from formcheck.video.file import VideoFile
from formcheck.video.writer import VideoWriter

#: What the programs below import this module with.
_TESTS = [str(folder) for folder in Path(__file__).parents[:2]]
until = partial(waiting.until, patience_s=10.0, every_s=0.02)

W, H = 160, 120
DEFINITION = load_definition("bridge")


def meta() -> SessionMeta:
    return SessionMeta(
        formcheck="0.1.0",
        created="2026-11-24T15:00:00+00:00",
        source="camera",
        image_wh=(W, H),
        exercise="bridge",
        side=None,
        view="unknown",
        engine="blazepose-onnx",
        model="full",
        model_sha256={},
        measures=tuple(DEFINITION.measures),
        primary="pelvic_height",
        live="{}",
    )


def seen(i: int, time_s: float) -> SeenFrame:
    """A body whose every number tells which frame it is of."""
    image = np.full((33, 3), i, np.float32)
    return SeenFrame(time_s, i, (W, H), image, image / 100, np.ones(33, np.float32), disagreement=0.05)


def picture(i: int) -> np.ndarray:
    image = np.full((H, W, 3), (i * 7) % 256, np.uint8)
    image[:, : (i * 3) % W] = 255
    return image


def record(recorder: Recorder, i: int, time_s: float) -> None:
    recorder.frame(seen(i, time_s), LiveMoment(time_s, i, "setup"), 0, picture(i))


def test_everything_comes_back(tmp_path):
    recorder = Recorder(tmp_path / "s", meta(), DEFINITION, video=True)
    times = np.cumsum([0.0, 0.03, 0.05, 0.033, 0.2, 0.033])
    for i, t in enumerate(times):
        record(recorder, i, float(t))
        if i == 2:
            recorder.event(Event(float(t), i, "pain", {"value": 3, "set": 0}))
    recorder.close()
    assert recorder.problem == ""
    with open_session(tmp_path / "s") as session:
        poses = session.poses()
        assert poses.track.time_s.tolist() == pytest.approx(times.tolist())
        assert poses.track.image_xyz[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
        assert poses.track.disagreement.tolist() == [0.05] * 6
        assert session.events == [Event(float(times[2]), 2, "pain", {"value": 3, "set": 0})]
        assert not session.complete  # it was never finished
    with VideoFile(part_of(tmp_path / "s" / "video.mp4")) as video:
        assert [f.time_s for f in video] == pytest.approx(times.tolist(), abs=2e-5)


def test_only_this_user_may_look(tmp_path):
    recorder = Recorder(tmp_path / "s", meta(), DEFINITION, video=True)
    record(recorder, 0, 0.0)
    recorder.close()
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700
    for file in (tmp_path / "s").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_without_agreement_to_video_there_is_none(tmp_path):
    recorder = Recorder(tmp_path / "s", meta(), DEFINITION, video=False)
    record(recorder, 0, 0.0)
    recorder.close()
    assert [f.name for f in (tmp_path / "s").iterdir()] == ["session.sqlite"]


def test_an_earlier_session_is_never_written_over(tmp_path):
    (tmp_path / "s").mkdir()
    with pytest.raises(FormcheckError, match="already exists"):
        Recorder(tmp_path / "s", meta(), DEFINITION, video=False)


_RECORD_FOREVER = """
import sys, time
sys.path[:0] = {tests!r}
from test_recorder import Recorder, meta, DEFINITION, record
from pathlib import Path
recorder = Recorder(Path({folder!r}), meta(), DEFINITION, video=True)
begun = time.monotonic()
i = 0
while True:
    t = time.monotonic() - begun
    record(recorder, i, t)
    print(f"{{t:.3f}}", flush=True)
    i += 1
    time.sleep(1 / 30)
"""


@pytest.mark.parametrize("after_s", [1.7, 2.45, 3.1])
def test_kill_9_costs_at_most_the_last_second(tmp_path, after_s):
    folder = tmp_path / "s"
    code = _RECORD_FOREVER.format(tests=_TESTS, folder=str(folder))
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()  # it has begun
    time.sleep(after_s)
    os.kill(child.pid, signal.SIGKILL)
    out = child.stdout.read()
    child.wait()
    last = float(out.strip().splitlines()[-1])
    with open_session(folder) as session:
        stored = session.poses().track.time_s
    assert stored[-1] >= last - 1.0
    with VideoFile(part_of(folder / "video.mp4")) as video:
        shown = [frame.time_s for frame in video]
    assert shown[-1] >= last - 1.2  # a second, and the picture that was being encoded


_FILL_THE_DISK = """
import resource, signal, sys, time
sys.path[:0] = {tests!r}
from test_recorder import Recorder, meta, DEFINITION, record
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
recorder = Recorder(Path({folder!r}), meta(), DEFINITION, video={video})
record(recorder, 0, 0.0)
time.sleep(0.7)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
for i in range(1, 900):
    record(recorder, i, i / 30)
    time.sleep(0.001)
    if recorder.problem:
        break
recorder.close()
print(recorder.problem)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX thing")
@pytest.mark.parametrize("video", [True, False], ids=["with video", "skeleton only"])
def test_a_full_disk_stops_recording_with_a_sentence_and_keeps_what_there_is(tmp_path, video):
    folder = tmp_path / "s"
    code = _FILL_THE_DISK.format(tests=_TESTS, folder=str(folder), video=video)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "disk" in done.stdout
    assert "Traceback" not in done.stderr
    with open_session(folder) as session:
        assert len(session.poses().track.time_s) >= 1


def frames_on_disk(folder: Path, to: Path) -> int:
    """What a program killed just now would leave."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    try:
        with open_session(to) as session:
            return len(session.poses().frame)
    except FormcheckError:
        return 0


def test_landmarks_do_not_wait_for_a_slow_encoder_nor_for_the_next_frame(tmp_path, monkeypatch):
    hold = threading.Event()
    monkeypatch.setattr(VideoWriter, "write", lambda self, image, time_s: hold.wait(20))
    recorder = Recorder(tmp_path / "s", meta(), DEFINITION, video=True)
    try:
        for i in range(8):
            record(recorder, i, i / 30)
        until(lambda: frames_on_disk(tmp_path / "s", tmp_path / "copy") == 8)
    finally:
        hold.set()
        recorder.close()


def test_the_video_is_flushed_to_the_disk_while_it_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr("formcheck.session.recorder._FLUSH_S", 0.0)
    flushed: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (flushed.append(os.fstat(handle).st_ino), real(handle)))
    recorder = Recorder(tmp_path / "s", meta(), DEFINITION, video=True)
    try:
        part = part_of(tmp_path / "s" / "video.mp4")
        record(recorder, 0, 0.0)
        until(lambda: part.exists() and part.stat().st_ino in flushed)
    finally:
        recorder.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no open file")
def test_a_folder_that_goes_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("formcheck.session.recorder._FLUSH_S", 0.0)
    recorder = Recorder(tmp_path / "s", meta(), DEFINITION, video=False)
    record(recorder, 0, 0.0)
    until(lambda: frames_on_disk(tmp_path / "s", tmp_path / "copy") == 1)
    shutil.rmtree(tmp_path / "s", ignore_errors=True)
    until(lambda: recorder.problem)
    assert recorder.problem.endswith("has gone.")
    recorder.close()
