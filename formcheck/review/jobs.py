"""What is dropped onto the page: sessions are taken in; what videos show is recognised, then analysed."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import av

from formcheck.analysis.evidence import RecordedEvidence
from formcheck.analysis.recognise import Recognised, recognise
from formcheck.errors import FormcheckError
from formcheck.exercises.prescription import check_request
from formcheck.folder_handle import FolderHandle, opener, remove_file
from formcheck.report.write import write_outputs
from formcheck.review import brought
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
from formcheck.session.library import NotThereError, printable, session_key
from formcheck.session.notes import Notes
from formcheck.video.container import open_container, video_streams
from formcheck.video.file import VideoFile
from formcheck.video.writer import VideoWriter

MOST_BYTES = 20_000_000_000
_KEEP_FREE = 500_000_000
_MOST_WAITING = 50
_ENDED = ("done", "failed", "cancelled", "gone")
#: Of a video so much is looked at to recognise what it shows.
_LOOKED_AT_S = 45.0
#: What files of a ZIP file are taken for videos.
VIDEOS = frozenset({".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mts", ".3gp"})
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
        exercise, side, view, patient, recorded: as given with it, or recognised; exercise "" where it is not.
        folder: where the session will be.
        state: ``receiving``; ``new``, ``looking`` and ``ready`` while nobody has said what it shows;
            ``waiting``, ``working``; ``done``, ``failed``, ``cancelled`` or ``gone``.
        kept: the video of a session that is there already; None where it is on its way to be one.
        session: of a session its files and their sizes, as they lie one after the other in what arrives;
            empty where they lie in its folder already. None for a video.
        packed: it is a ZIP file.
        sure: how sure the exercise was recognised, see `Recognised`; "" where it was not.
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
    sure: str = ""
    kept: Path | None = None
    session: dict[str, int] | None = None
    packed: bool = False
    cancel: threading.Event = field(default_factory=threading.Event, repr=False)
    lock: FolderLock = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.lock = FolderLock(self.folder, JOB_LOCK)

    @property
    def quick(self) -> bool:
        """No video has to be watched for it: it does not wait for those that are."""
        return self.packed or self.session is not None

    @property
    def incoming(self) -> Path:
        """Where the bytes go while they arrive."""
        return self.folder / INCOMING

    def row(self) -> dict[str, Any]:
        """As the page shows it."""
        names = ("id", "name", "exercise", "side", "view", "patient", "recorded", "sure")
        row = {name: getattr(self, name) for name in (*names, "state", "what", "share", "problem")}
        # The folder lies right in the library's.
        done = self.state == "done" and self.kept is None
        return row | {"key": session_key(self.folder.name) if done else None}


class Jobs:
    """Analyses videos one after the other, and takes in sessions beside it, on threads of its own.

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
        self._workers: dict[bool, threading.Thread] = {}
        self._closing = False

    def rows(self) -> list[dict[str, Any]]:
        """All jobs of this start, oldest first."""
        with self._lock:
            return [job.row() for job in self._jobs.values()]

    def new(self, name: str, fields: dict[str, str]) -> DroppedVideo:
        """Makes the folder for a video, or a ZIP file of videos, that is about to arrive.

        Args:
            name: the file's own.
            fields: ``exercise``, ``side``, ``view``, ``patient``, ``recorded``; without an exercise the video
                is looked at and waits until it is told what it shows (`start`).

        Raises:
            FormcheckError: the exercise, side or view do not go together, or there is no room.
        """
        return self._new(name, _checked(fields) if "exercise" in fields else _plain(fields))

    def new_session(self, name: str, parts: dict[str, int]) -> DroppedVideo:
        """Makes the folder for a session that is about to arrive.

        Args:
            name: of its folder where it comes from.
            parts: see `DroppedVideo.session`.

        Raises:
            FormcheckError: there is no room.
        """
        job = self._new(name, _plain({}))
        job.session = parts
        return job

    def _new(self, name: str, given: dict[str, Any]) -> DroppedVideo:
        with self._lock:
            if sum(job.state not in _ENDED for job in self._jobs.values()) >= _MOST_WAITING:
                raise FormcheckError("There are too many videos waiting; wait for some of them.")
        folder = self._root / dropped_name(datetime.now(), given["exercise"] or "video")
        job = DroppedVideo(
            id=secrets.token_hex(8),
            name=printable(name.replace("\\", "/").rsplit("/", 1)[-1], 120) or "video",
            folder=folder,
            **given,
        )
        try:
            self.check_room(0)
            with FolderHandle(self._root) as root:
                root.make_folder(folder.name)
            job.lock.take()
        except OSError as error:
            raise FormcheckError(f"The folder of sessions cannot be written to: {error.strerror}.") from None
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
        job.packed = job.session is None and zipfile.is_zipfile(job.incoming)
        self._line_up(job, "waiting" if job.exercise else "new")

    def start(self, id_: str, fields: dict[str, str]) -> None:
        """Lets a video be analysed that waits to be told what it shows.

        Args:
            id_: of the job.
            fields: as for `new`, with an exercise.

        Raises:
            NotThereError: there is no such job that waits for this.
            FormcheckError: the exercise, side or view do not go together.
        """
        given = _checked(fields)
        with self._lock:
            job = self._jobs.get(id_)
            if job is None or job.state not in ("new", "ready"):
                raise NotThereError(id_)
            for name, value in given.items():
                setattr(job, name, value)
        self._line_up(job, "waiting")

    def again(self, folder: Path, video: Path, name: str, fields: dict[str, str]) -> DroppedVideo:
        """Analyses the video of a session once more; until it is done the session stays as it is.

        Args:
            folder: of the session.
            video: its video.
            name: the video's own, to show.
            fields: ``exercise``, ``side``, ``view``.

        Raises:
            FormcheckError: they do not go together, or another page is at this session.
        """
        job = DroppedVideo(id=secrets.token_hex(8), name=name, folder=folder, kept=video, **_checked(fields))
        job.lock.take()
        with self._lock:
            self._jobs[job.id] = job
        self._line_up(job, "waiting")
        return job

    def _line_up(self, job: DroppedVideo, state: str) -> None:
        self._set(job, state=state, what="Waiting for its turn", share=0.0)
        with self._lock:
            worker = self._workers.get(job.quick)
            if worker is None or not worker.is_alive():
                worker = threading.Thread(target=self._work, args=(job.quick,), name="analyse", daemon=True)
                self._workers[job.quick] = worker
                worker.start()
            self._wake.notify_all()

    def failed(self, job: DroppedVideo, problem: str) -> None:
        """It could not be received."""
        # What cannot be tidied up now is found at the next start; that the job failed is said in any case.
        with suppress(OSError, UnicodeError, MemoryError):
            if job.kept is None:
                _remove(job.folder, job.lock)
            else:
                job.lock.give_back()
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
            if job.state in _ENDED:
                del self._jobs[id_]
                job.state = "gone"
        job.cancel.set()
        if job.state in ("new", "ready", "waiting"):
            self.failed(job, "")
        else:
            self._changed(job)

    def close(self) -> None:
        """Stops the work; half-made sessions are removed."""
        with self._lock:
            self._closing = True
            workers = list(self._workers.values())
            for job in self._jobs.values():
                job.cancel.set()
            self._wake.notify_all()
        for worker in workers:
            worker.join(timeout=10)

    def _work(self, quick: bool) -> None:
        while True:
            with self._lock:
                while not (job := self._next(quick)):
                    if self._closing:
                        return
                    self._wake.wait()
            self._run(job)

    def _next(self, quick: bool) -> DroppedVideo | None:
        mine = [job for job in self._jobs.values() if job.quick is quick]
        # What a video shows is told first, so that all can be corrected while the first one is analysed.
        for state in ("new", "waiting"):
            if job := next((job for job in mine if job.state == state), None):
                return job
        return None

    def _run(self, job: DroppedVideo) -> None:
        fresh = job.state == "new" and job.session is None
        try:
            if job.session is not None:
                self._set(job, state="working", what="Looking at the session")
                brought.take_in(self._root, job.folder, job.session)
            elif fresh and job.packed:
                self._unpack(job)
            elif fresh:
                self._recognise(job)
            else:
                self._set(job, state="working", what="Looking at the video")
                self._analyse(job)
        except Cancelled:
            self.failed(job, "")
        except FormcheckError as error:
            # The place in this computer's folders says nothing to the person who dropped a file.
            self.failed(job, printable(str(error).replace(str(job.incoming), f"“{job.name}”"), 400))
        except Exception as error:  # a video from anywhere: whatever its decoder leads to ends this job only
            self.failed(job, printable(f"It cannot be analysed ({type(error).__name__}).", 400))
        else:
            if not fresh:
                job.lock.give_back()
                self._set(job, state="done", what="Done", share=1.0)

    def _progress(self, job: DroppedVideo) -> Callable[[str, float], None]:
        def progress(what: str, share: float) -> None:
            if job.cancel.is_set():
                raise Cancelled
            if what != job.what or abs(share - job.share) >= 0.01:
                self._set(job, what=what, share=round(share, 3))

        return progress

    def _recognise(self, job: DroppedVideo) -> None:
        """Finds out what a video shows, for a person to confirm."""
        self._set(job, state="looking", what="Recognising the exercise")
        progress = self._progress(job)
        found = look(job.incoming, lambda share: progress("Recognising the exercise", share))
        if job.cancel.is_set():
            raise Cancelled
        told = {} if found is None else {"exercise": found.exercise, "side": found.side, "sure": found.sure}
        self._set(job, state="ready", what="Ready to be analysed", share=0.0, **told)

    def _unpack(self, job: DroppedVideo) -> None:
        """Each video of a ZIP file in a place of its own; the ZIP file goes."""
        self._set(job, state="looking", what="Unpacking")
        progress = self._progress(job)
        with zipfile.ZipFile(job.incoming) as packed:
            sessions = brought.bundles(packed.namelist())
            theirs = {name for bundle in sessions for name in bundle.parts}
            videos = [
                item
                for item in packed.infolist()
                if Path(item.filename).suffix.lower() in VIDEOS and item.filename not in theirs
            ]
            if not videos and not sessions:
                raise FormcheckError("There is no video and no session in this ZIP file.")
            share = partial(progress, "Unpacking")
            for count, bundle in enumerate(sessions):
                share(count / (len(sessions) + len(videos)))
                one = self.new_session(bundle.name or job.name, {})
                parts = {name: brought.place(one.folder, part) for name, part in bundle.parts.items()}
                self._take_out(packed, parts, one)
            for count, item in enumerate(videos, len(sessions)):
                share(count / (len(sessions) + len(videos)))
                recorded = "-".join(f"{part:02d}" for part in item.date_time[:3])
                one = self.new(item.filename, {"patient": job.patient, "recorded": recorded})
                self._take_out(packed, {item.filename: one.incoming}, one)
        _remove(job.folder, job.lock)
        with self._lock:
            self._jobs.pop(job.id, None)
        self._set(job, state="gone")

    def _take_out(self, packed: zipfile.ZipFile, parts: dict[str, Path], one: DroppedVideo) -> None:
        """Files of a ZIP file to their places; what goes wrong ends this one only."""
        received = 0
        try:
            for name, place in parts.items():
                with packed.open(name) as source, open(place, "xb", opener=opener) as file:
                    while piece := source.read(1 << 20):
                        received += len(piece)
                        self.check_room(received)
                        file.write(piece)
        except RuntimeError:
            self.failed(one, "The ZIP file has a password; unpack it first.")
        except (zipfile.BadZipFile, FormcheckError, OSError) as error:
            self.failed(one, printable(str(error), 400))
        else:
            self.received(one)

    def _analyse(self, job: DroppedVideo) -> None:
        progress = self._progress(job)
        video = job.kept or make_playable(job.incoming, progress)
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


def look(video: Path, progress: Callable[[float], None]) -> Recognised | None:
    """What the beginning of a video shows, by the smaller model; None where nothing is recognised.

    Args:
        video: the file.
        progress: told the share done.

    Raises:
        FormcheckError: it is no video that can be read.
    """
    with VideoFile(video) as source:
        expected_s = (source.frame_count or 0) / max(source.fps, 1.0)

    def told(what: str, share: float) -> None:
        progress(share if expected_s <= _LOOKED_AT_S else min(share * expected_s / _LOOKED_AT_S, 1.0))
        if share * expected_s > _LOOKED_AT_S:
            raise KeyboardInterrupt  # ends the reading; what was seen until then is judged

    seen = analyze(video, "bridge", model="lite", rotate=0, progress=told)
    summary = seen.summary
    return recognise(
        RecordedEvidence(track=seen.track, video=video, source=summary.source, pose=summary.pose)
    )


def _plain(fields: dict[str, str]) -> dict[str, Any]:
    """What was said of a video apart from what it shows."""
    recorded = fields.get("recorded", "")
    if not re.fullmatch(r"(\d{4}-\d\d-\d\d(T\d\d:\d\d)?)?", recorded):
        recorded = ""
    patient = printable(fields.get("patient", "").strip(), 80)
    return {"exercise": "", "side": None, "view": None, "patient": patient, "recorded": recorded}


def _checked(fields: dict[str, str]) -> dict[str, Any]:
    """All that was said of a video.

    Raises:
        FormcheckError: the exercise, side or view do not go together.
    """
    side, view = fields.get("side") or None, fields.get("view") or None
    definition = check_request(fields.get("exercise", ""), side, view)
    return _plain(fields) | {"exercise": definition.name, "side": side, "view": view}


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
        # Killed just after it was made, or just before it went, the folder is empty.
        if not ours or not ((folder / JOB_LOCK).exists() or _is_empty(folder)):
            continue
        lock = FolderLock(folder, JOB_LOCK)
        try:
            lock.take()
        except (FormcheckError, OSError):  # another page is at it
            continue
        if (folder / SESSION).exists():
            lock.give_back()
        else:
            _remove(folder, lock)
            count += 1
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


def _is_empty(folder: Path) -> bool:
    with suppress(OSError):
        return not any(folder.iterdir())
    return False


def _remove(folder: Path, lock: FolderLock) -> None:
    """Removes a folder and gives back its lock, last: with a lock in it the next start finds what is left."""
    with suppress(OSError, FormcheckError), FolderHandle(folder.parent) as root:
        with root.folder(folder.name) as inner:
            for name in inner.names():
                if name != lock.path.name:
                    inner.remove_all(name)
        lock.give_back()
        root.remove_folder(folder.name)


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
