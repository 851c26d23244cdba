"""Recorded videos dropped onto the page: stored as a session folder, analysed in turn, with progress."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import av

from formcheck.errors import FormcheckError
from formcheck.exercises.prescription import check_request
from formcheck.folder_handle import FolderHandle, remove_file
from formcheck.report.write import write_outputs
from formcheck.session.analyze import analyze
from formcheck.session.folder import (
    INCOMING,
    JOB_LOCK,
    SESSION,
    VIDEO,
    WEBM,
    OutputFolder,
    dropped_name,
    was_dropped,
)
from formcheck.session.folder_lock import FolderLock
from formcheck.session.library import NotThereError, printable
from formcheck.session.notes import Notes
from formcheck.video.container import open_container, video_streams
from formcheck.video.file import VideoFile
from formcheck.video.writer import VideoWriter

MOST_BYTES = 20_000_000_000
_KEEP_FREE = 500_000_000
_MOST_WAITING = 50
#: What browsers play as it is, by container and codec.
_PLAYABLE = {("mp4", "h264"): VIDEO, ("webm", "vp8"): WEBM, ("webm", "vp9"): WEBM}


class Cancelled(Exception):  # noqa: N818 - not an error
    """The job was cancelled by the person who started it."""


@dataclass
class DroppedVideo:
    """One video on its way to a session.

    Attributes:
        id: addresses it.
        name: the video's own name, to show.
        exercise, side, view, patient, recorded: as given with it.
        folder: where the session will be.
        state: ``receiving``, ``waiting``, ``working``, ``done``, ``failed`` or ``cancelled``.
        what: what is being done.
        share: of it, 0 to 1.
        problem: one sentence when it failed.
    """

    id: str
    name: str
    exercise: str
    side: str | None
    view: str | None
    patient: str
    recorded: str
    folder: Path
    state: str = "receiving"
    what: str = "Receiving the video"
    share: float = 0.0
    problem: str = ""
    cancel: threading.Event = field(default_factory=threading.Event, repr=False)
    lock: FolderLock = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.lock = FolderLock(self.folder, JOB_LOCK)

    @property
    def incoming(self) -> Path:
        """Where the bytes go while they arrive."""
        return self.folder / INCOMING

    def row(self) -> dict[str, Any]:
        """As the page shows it."""
        names = ("id", "name", "exercise", "state", "what", "share", "problem")
        return {name: getattr(self, name) for name in names}


class Jobs:
    """Analyses videos one after the other, on a thread of its own.

    Args:
        root: the library's folder.
        changed: called, from any thread, when a job changed.
    """

    def __init__(self, root: Path, changed: Callable[[DroppedVideo], None]) -> None:
        self._root = root
        self._changed = changed
        self._jobs: dict[str, DroppedVideo] = {}
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._worker: threading.Thread | None = None
        self._closing = False

    def rows(self) -> list[dict[str, Any]]:
        """All jobs of this start, oldest first."""
        with self._lock:
            return [job.row() for job in self._jobs.values()]

    def new(self, name: str, fields: dict[str, str]) -> DroppedVideo:
        """Makes the folder for a video that is about to arrive.

        Raises:
            FormcheckError: the exercise, side or view do not go together, or there is no room.
        """
        side, view = fields.get("side") or None, fields.get("view") or None
        definition = check_request(fields.get("exercise", ""), side, view)
        recorded = fields.get("recorded", "")
        if not re.fullmatch(r"(\d{4}-\d\d-\d\d(T\d\d:\d\d)?)?", recorded):
            recorded = ""
        with self._lock:
            if (
                sum(job.state in ("receiving", "waiting", "working") for job in self._jobs.values())
                >= _MOST_WAITING
            ):
                raise FormcheckError("There are too many videos waiting; wait for some of them.")
        folder = self._root / dropped_name(datetime.now(), definition.name)
        try:
            self.check_room(0)
            with FolderHandle(self._root) as root:
                root.make_folder(folder.name)
        except OSError as error:
            raise FormcheckError(f"The folder of sessions cannot be written to: {error.strerror}.") from None
        job = DroppedVideo(
            id=secrets.token_hex(8),
            name=printable(name.replace("\\", "/").rsplit("/", 1)[-1], 120) or "video",
            exercise=definition.name,
            side=side,
            view=view,
            patient=printable(fields.get("patient", "").strip(), 80),
            recorded=recorded,
            folder=folder,
        )
        job.lock.take()
        with self._lock:
            self._jobs[job.id] = job
        self._changed(job)
        return job

    def check_room(self, received: int) -> None:
        """Refuses more of a video when it is too large or the disk is nearly full.

        Raises:
            FormcheckError: so it is.
        """
        if received > MOST_BYTES:
            raise FormcheckError("The video is too large; cut it into shorter ones.")
        if shutil.disk_usage(self._root).free < _KEEP_FREE:
            raise FormcheckError("The disk is nearly full; free some space first.")

    def received(self, job: DroppedVideo) -> None:
        """All bytes are there: it waits for its turn."""
        self._set(job, state="waiting", what="Waiting for its turn", share=0.0)
        with self._lock:
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._work, name="analyse", daemon=True)
                self._worker.start()
            self._wake.notify_all()

    def failed(self, job: DroppedVideo, problem: str) -> None:
        """It could not be received."""
        job.lock.give_back()
        _remove(job.folder)
        state = "cancelled" if job.cancel.is_set() else "failed"
        self._set(job, state=state, problem=problem)

    def cancel(self, id_: str) -> None:
        """Stops a job, or takes an ended one off the list.

        Raises:
            NotThereError: there is none.
        """
        with self._lock:
            job = self._jobs.get(id_)
            if job is None:
                raise NotThereError(id_)
            if job.state in ("done", "failed", "cancelled"):
                del self._jobs[id_]
        job.cancel.set()
        if job.state == "waiting":
            self.failed(job, "")
        else:
            self._changed(job)

    def close(self) -> None:
        """Stops the work; half-made sessions are removed."""
        with self._lock:
            self._closing = True
            worker = self._worker
            for job in self._jobs.values():
                job.cancel.set()
            self._wake.notify_all()
        if worker is not None:
            worker.join(timeout=10)

    def _work(self) -> None:
        while True:
            with self._lock:
                while not (job := self._next()):
                    if self._closing:
                        return
                    self._wake.wait()
            self._run(job)

    def _next(self) -> DroppedVideo | None:
        return next((job for job in self._jobs.values() if job.state == "waiting"), None)

    def _run(self, job: DroppedVideo) -> None:
        self._set(job, state="working", what="Looking at the video")
        try:
            self._analyse(job)
        except Cancelled:
            self.failed(job, "")
        except FormcheckError as error:
            # The place in this computer's folders says nothing to the person who dropped a file.
            self.failed(job, printable(str(error).replace(str(job.incoming), f"“{job.name}”"), 400))
        except Exception as error:  # a video from anywhere: whatever its decoder leads to ends this job only
            self.failed(job, printable(f"It cannot be analysed ({type(error).__name__}).", 400))
        else:
            job.lock.give_back()
            self._set(job, state="done", what="Done", share=1.0)

    def _analyse(self, job: DroppedVideo) -> None:
        def progress(what: str, share: float) -> None:
            if job.cancel.is_set():
                raise Cancelled
            if what != job.what or abs(share - job.share) >= 0.01:
                self._set(job, what=what, share=round(share, 3))

        video = make_playable(job.incoming, progress)
        analysis = analyze(video, job.exercise, side=job.side, view=job.view, progress=progress)
        source = analysis.summary.source.model_copy(update={"file": job.name})
        analysis = replace(
            analysis, video=Path(job.name), summary=analysis.summary.model_copy(update={"source": source})
        )
        folder = OutputFolder(video, job.folder)
        folder.prepare()
        if job.patient or job.recorded:
            Notes(job.folder).save("about", {"patient": job.patient, "recorded": job.recorded}, 0)
        write_outputs(analysis, folder, video=False, report=False, progress=progress)

    def _set(self, job: DroppedVideo, **values: Any) -> None:
        for name, value in values.items():
            setattr(job, name, value)
        self._changed(job)


def clear_left_behind(root: Path) -> int:
    """Removes videos that were dropped onto a page whose program was killed before they were sessions.

    They are copies, without a session nobody would ever see them, and they show a person.

    Args:
        root: the library's folder.

    Returns:
        How many there were.
    """
    count = 0
    for folder in sorted(root.iterdir()):
        ours = was_dropped(folder) and folder.is_dir() and not folder.is_symlink()
        if not ours or not (folder / JOB_LOCK).exists():
            continue
        lock = FolderLock(folder, JOB_LOCK)
        try:
            lock.take()
        except (FormcheckError, OSError):  # another page is at it
            continue
        if not (folder / SESSION).exists():
            _remove(folder)
            count += 1
        lock.give_back()
    return count


def make_playable(incoming: Path, progress: Callable[[str, float], None]) -> Path:
    """Gives a received video its place, converted to H.264 if browsers would not play it.

    Args:
        incoming: the file as it arrived.
        progress: told how far the conversion is.

    Returns:
        ``video.mp4`` or ``video.webm`` beside it; the received file is gone.

    Raises:
        FormcheckError: it is no video that can be read.
    """
    with VideoFile(incoming) as source:  # says in one sentence why a file cannot be used
        name = _plays_as(incoming)
        if name is not None and abs(source.pixel_aspect - 1) < 0.01:
            path = incoming.with_name(name)
            with FolderHandle(incoming.parent) as folder:
                folder.replace(incoming.name, name)
            return path
        path = incoming.with_name(VIDEO)
        expected = source.frame_count or 0
        with VideoWriter(path, source.width, source.height, source.fps) as writer:
            for frame in source:
                writer.write(frame.image, frame.time_s)
                if frame.index % 10 == 0:
                    progress("Converting the video", min(frame.index / expected, 1.0) if expected else 0.0)
    remove_file(incoming)
    return path


def _remove(folder: Path) -> None:
    with suppress(OSError, FormcheckError), FolderHandle(folder.parent) as root:
        root.remove_all(folder.name)


def _plays_as(path: Path) -> str | None:
    try:
        with open_container(path) as container:
            stream = container.streams.video[0]
            if stream is not video_streams(container)[0]:
                return None  # a browser would show another one than is looked at
            codec, formats = stream.codec_context.name, container.format.name.split(",")
            # Ten bits a colour and the like play in some browsers only.
            if (stream.codec_context.pix_fmt or "yuv420p") not in ("yuv420p", "yuvj420p"):
                return None
            if codec.startswith("lib"):
                codec = (
                    codec.removeprefix("lib").removesuffix("-vp9").removesuffix("-vp8").replace("vpx", "vp8")
                )
    except (av.FFmpegError, OSError, IndexError):
        return None
    return next((name for (kind, c), name in _PLAYABLE.items() if kind in formats and c == codec), None)
