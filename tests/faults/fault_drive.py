"""Programs to be killed: the real recorder, writers and servers, with landmarks that are known already.

Each function runs in a process of its own, forked from one that has everything imported, so that hundreds of
tries are cheap. What a process has done so far it notes in a file with one unbuffered write each, which
`kill -9` cannot take back.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "review")]

import numpy as np  # noqa: E402
from live_session import KEYS, REP, Heard, MadeCamera, MadeEngine, Patient, shot  # noqa: E402
from skeleton import results  # noqa: E402
from stored_session import judged, noisy_track, store  # noqa: E402

# Loaded before anything is forked, so that a try costs no imports.
import formcheck.pose.blazepose  # noqa: E402
import formcheck.pose.recording  # noqa: E402
import formcheck.report.annotate  # noqa: E402
import formcheck.report.page  # noqa: E402, F401
import formcheck.review.server as review_server  # noqa: E402
from formcheck.analysis.analysis import Analysis  # noqa: E402
from formcheck.batch import local as batch_local  # noqa: E402
from formcheck.batch import run as batch_run  # noqa: E402
from formcheck.batch.jobs import weights_of  # noqa: E402
from formcheck.coach.flow import Flow  # noqa: E402
from formcheck.coach.live import LiveOptions, LiveSession  # noqa: E402
from formcheck.coach.plan import PastPractice, SessionPlan  # noqa: E402
from formcheck.exercises.definition import load_definition  # noqa: E402
from formcheck.report.write import write_outputs, write_rescored  # noqa: E402
from formcheck.session.folder import OutputFolder  # noqa: E402
from formcheck.session.reader import open_session  # noqa: E402
from formcheck.session.recorder import Recorder  # noqa: E402
from formcheck.session.rescore import Yardstick, rescore_by  # noqa: E402
from formcheck.video.file import Frame  # noqa: E402
from formcheck.words import Words  # noqa: E402

_TOLD = struct.Struct("<idd")


class Told:
    """Numbers with the moment they were told, readable after the program was killed."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def __call__(self, number: int, time_s: float = 0.0) -> None:
        os.write(self._fd, _TOLD.pack(number, time.monotonic(), time_s))


def read_told(path: Path) -> list[tuple[int, float, float]]:
    """What was told, in order: number, moment on the machine's clock, time on the session's."""
    data = path.read_bytes() if path.exists() else b""
    return list(_TOLD.iter_unpack(data[: len(data) // _TOLD.size * _TOLD.size]))


@dataclass
class Paced(MadeCamera):
    """`MadeCamera` in real time, or faster."""

    speed: float = 1.0
    wh: tuple[int, int] = (1280, 720)

    def open(self) -> None:
        super().open()
        self._begun = time.monotonic()

    def latest(self, timeout_s: float) -> Frame | None:
        if self._next >= len(self.times):
            return None
        wait = self._begun + self.times[self._next] / self.speed - time.monotonic()
        if wait > timeout_s:
            time.sleep(timeout_s)
            return None
        time.sleep(max(wait, 0.0))
        now = (time.monotonic() - self._begun) * self.speed
        while self._next + 1 < len(self.times) and self.times[self._next + 1] <= now:
            self._next += 1  # a newer one is there, as with a camera
            self.dropped += 1
        index, self._now = self._next, float(self.times[self._next])
        self._next += 1
        image = np.full((self.wh[1], self.wh[0], 3), 90, np.uint8)
        image[:, : (index * 8) % self.wh[0]] = 160  # something moves
        return Frame(image, self._now, index)


@lru_cache(maxsize=2)
def _answers(reps: int) -> list:
    return results(shot("bridge", [REP] * reps, fps=30.0))


def tell_frames(told: Told) -> None:
    """Note each frame the recorder is handed, from now on in this process."""
    inner = Recorder.frame

    def frame(self: Recorder, seen, moment, rep, image) -> None:
        inner(self, seen, moment, rep, image)
        told(seen.index, seen.time_s)

    Recorder.frame = frame  # type: ignore[method-assign]


def live(folder: str, told: str, video: bool, speed: float, reps: int = 5, sets_of: int = 1) -> None:
    """A live session from consent to its end, with the engine, flow, log and recorder that are shipped."""
    tell_frames(Told(Path(told)))
    answers = _answers(reps)
    definition = load_definition("bridge")
    plan = SessionPlan(definition, 2, sets_of, rest_s=1.0, views=("side",))
    flow = Flow(Words(), {}, lambda name: (plan, PastPractice()), "bridge")
    camera = Paced([r.time_s for r in answers], speed=speed)
    patient = Patient(flow, KEYS | {"safety": "1" if video else "2"})
    voice = Heard()
    options = LiveOptions(Path(folder), clip=True)
    session = LiveSession(flow, lambda: camera, MadeEngine(answers), voice, patient, options)
    result = session.run()
    Path(told + ".ended").write_text(result.problem or "whole")


@lru_cache(maxsize=4)
def made_analysis(video: Path, seed: int = 3) -> Analysis:
    analysis = judged(noisy_track(seed=seed), video=video)
    return replace(analysis, model_sha256=weights_of("blazepose-onnx", "full"))


def analysis_outputs(video: str, out: str, told: str) -> None:
    """All that `formcheck analyze` does once the landmarks are known."""
    folder = OutputFolder(Path(video), Path(out))
    folder.prepare()
    Told(Path(told))(0)
    write_outputs(made_analysis(Path(video)), folder, video=False, report=True)
    Told(Path(told))(1)


def batch(folder: str, out: str, told: str) -> None:
    """`formcheck batch` with a process a video; only the reading of the pose is made up."""
    import multiprocessing

    def analyse(video: Path, exercise: str, **_: object) -> Analysis:
        time.sleep(0.05)
        return made_analysis(Path(video))

    sys.modules["formcheck.session.analyze"].analyze = analyse  # type: ignore[attr-defined]
    fork = multiprocessing.get_context("fork")
    batch_local.multiprocessing.get_context = lambda method: fork  # type: ignore[assignment,misc]
    os.setpgid(0, 0)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    status = batch_run.run_batch(
        Path(folder), exercise="bridge", side=None, prescription=None, workers=2, cluster=None,
        out=Path(out), engine="blazepose-onnx", model="full", pictures=False,
    )  # fmt: skip
    Told(Path(told))(status)


def review(folder: str, address: str) -> None:
    """`formcheck review`; its address goes into a file."""

    def ready(where: str, server: object) -> None:
        Path(address + ".part").write_text(where)
        os.replace(address + ".part", address)

    review_server.serve(Path(folder), open_browser=False, ready=ready)


def rescored(session: str, told: str) -> None:
    """`formcheck rescore --in-place`."""
    with open_session(Path(session)) as one:
        after = rescore_by(one, Yardstick(None, None))
        Told(Path(told))(0)
        write_rescored(after, one, Path(session))
    Told(Path(told))(1)


def said(what: str, *arguments: str) -> None:
    """One of these functions, the last argument being where it tells; how it ended is noted beside that."""
    from formcheck.errors import FormcheckError

    try:
        globals()[what](*arguments)
    except FormcheckError as error:
        text = str(error)
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"
    else:
        text = "done"
    Path(arguments[-1] + ".said").write_text(text)


def as_nobody(sessions: str, told: str) -> None:
    """A live session with video, by a user who is not root."""
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    live(sessions, told, True, 2.0, 3)


def killed_live(folder: Path) -> Path:
    """A live session whose program was killed, made without waiting: its log has not been folded in."""
    from formcheck.session.folder import SESSION

    told = folder.parent / f"{folder.name}.told"
    pid = os.fork()
    if pid == 0:
        Recorder.close = lambda self: (time.sleep(1.5), os._exit(0))  # type: ignore[method-assign]
        Recorder.finish = lambda self, summary: self.close()  # type: ignore[method-assign]
        try:
            live(str(folder), str(told), False, 4.0, 2)
        finally:
            os._exit(1)
    os.waitpid(pid, 0)
    (session,) = folder.iterdir()
    assert (session / f"{SESSION}-wal").stat().st_size > 100_000
    return session


def finished(folder: Path, seed: int = 3) -> Path:
    """A finished analysis in a new folder."""
    return store(judged(noisy_track(seed=seed)), folder)


def copied(source: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(source, to)
    return to


def whole_live(clip: str, sessions: str, told: str, die_at: int = 0) -> None:
    """`formcheck live` with its pose model, clip and recorder; only the window is one without a screen."""
    from formcheck.coach import start as live_start
    from formcheck.coach.pages.window import FakeWindow, Key

    class Keys(FakeWindow):
        """Agrees to video, says no pain, and lets the rest pass."""

        def __init__(self, **_: object) -> None:
            super().__init__(size=(320, 180))
            self._asked = 0

        def show(self, image: np.ndarray) -> None: ...

        def events(self) -> list:
            self._asked += 1
            return [Key("1")] if self._asked in (3, 6) else []

    assert live_start.LiveWindow
    live_start.LiveWindow = Keys  # type: ignore[assignment,misc]
    tell_frames(Told(Path(told)))
    words = ["live", "bridge", "--source", clip, "--out", sessions, "--mute", "--model", "lite"]
    program(words, told + ".ends", die_at)


def program(words: list[str], told: str, die_at: int = 0) -> None:
    """A whole command of formcheck, all its modules loaded beforehand, in a process group of its own.

    Args:
        words: of the command.
        told: a file that tells of its start, and with the number of its file operations of its end.
        die_at: the number of the one before which it is killed; 0: none.
    """
    import multiprocessing

    from formcheck.__main__ import main

    os.setpgid(0, 0)
    log = os.open(f"{told}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    fork = multiprocessing.get_context("fork")
    batch_local.multiprocessing.get_context = lambda method: fork  # type: ignore[assignment,misc]
    tell, count = Told(Path(told)), _count_operations(die_at)
    tell(0)
    sys.argv = ["formcheck", *words]
    try:
        main()
    finally:
        tell(count())


def _count_operations(die_at: int) -> Callable[[], int]:
    """Counts what changes files from now on, and ends the process at one of them as `kill -9` would."""
    number = 0
    watched = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "sqlite3.connect"}

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal number
        writes = (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if event in watched or writes:
            number += 1
            if number == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)
    return lambda: number


if __name__ == "__main__":
    name, *arguments = json.loads(sys.argv[1])
    globals()[name](*arguments)
