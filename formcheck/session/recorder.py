"""Records a live session on threads of its own: a slow disk never holds up a frame.

``session.sqlite`` is committed about three times a second, frames or not; the video is written in pieces of a
quarter of a second and flushed to the disk once a second. A thread for each: an encoder that is slow, on a
busy computer, keeps no landmarks waiting. So ``kill -9`` costs no more than the last second of the session.
When the disk fills up or the folder goes, recording stops with a sentence and what was written stays;
coaching goes on.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.events import Event
from formcheck.analysis.summary import Rep, Summary
from formcheck.drawing.face_blur import FaceBlur
from formcheck.engine.live_engine import LiveMoment
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import Definition
from formcheck.files import make_folder
from formcheck.folder_handle import FolderHandle
from formcheck.measures.table import Reason, Status
from formcheck.phone.sample import Arrival
from formcheck.pose.live_filter import SeenFrame
from formcheck.session.csv_json import write_summary_json
from formcheck.session.folder import SESSION, SUMMARY, VIDEO
from formcheck.session.schema import SessionMeta
from formcheck.session.store import SessionFrame, SessionWriter
from formcheck.video.writer import VideoWriter

#: Pictures that may wait for the encoder; more, and a picture is left out of the video (never its landmarks).
#: Those that wait are lost when the program is killed.
_PICTURES_WAITING = 20
#: While no frames come, those that came last are committed all the same.
_COMMIT_S = 0.3
#: The video is flushed, and the folder looked for, this often.
_FLUSH_S = 1.0


class Recorder:
    """Writes one session's folder.

    Attributes:
        folder: the session's folder.
        problem: why recording has stopped, in a sentence, or "" while all is well.
        pictures_left_out: pictures the encoder was too slow for.
    """

    def __init__(
        self,
        folder: Path,
        meta: SessionMeta,
        definition: Definition,
        *,
        video: bool,
        blur_face: bool = False,
        fps: float = 30.0,
    ) -> None:
        """Makes the folder, for this user's eyes only, and starts the thread.

        Args:
            folder: must not exist yet.
            meta: what is known from the start.
            definition: the exercise as judged.
            video: record pictures too.
            blur_face: blur the face in them.
            fps: expected frame rate, a hint for the encoder.

        Raises:
            FormcheckError: the folder cannot be made, or exists.
        """
        self.folder = folder
        self.problem = ""
        self.pictures_left_out = 0
        self._meta = meta
        self._definition = definition
        self._blur = FaceBlur() if blur_face else None
        self._fps = fps
        self._with_video = video
        self._measures = len(meta.measures)
        self._rows: queue.SimpleQueue[Callable[[SessionWriter], None] | None] = queue.SimpleQueue()
        self._pictures: queue.Queue[tuple[NDArray[np.uint8], SeenFrame] | None] = queue.Queue()
        self._summary: Summary | None = None
        self._told_to_end = False
        try:
            make_folder(folder.parent)
            with FolderHandle(folder.parent.resolve()) as sessions:  # a link to where sessions are is theirs
                sessions.make_folder(folder.name)
                sessions.flush()
        except FileExistsError:
            raise FormcheckError(f"The session folder {folder} already exists; choose another.") from None
        except OSError as error:
            raise FormcheckError(
                f"The session cannot be recorded in {folder} ({error.strerror}); choose another folder."
            ) from None
        self._threads = [threading.Thread(target=self._record, name="recorder", daemon=True)]
        if video:
            self._threads.append(threading.Thread(target=self._film, name="recorder-video", daemon=True))
        for thread in self._threads:
            thread.start()

    def frame(self, seen: SeenFrame, moment: LiveMoment, rep: int, image: NDArray[np.uint8]) -> None:
        """One frame.

        Args:
            seen: what the pose stage saw.
            moment: what the engine made of it.
            rep: number of the repetition under way, 0 between repetitions.
            image: the unmirrored picture; not changed, and not to be changed afterwards.
        """
        row = moment.row
        if row is not None:
            value, status, reason = row.value[0], row.status[0], row.reason[0]
        else:
            value = np.full(self._measures, np.nan)
            status = np.full(self._measures, Status.NOT_MEASURABLE, np.uint8)
            why = Reason.NO_PERSON if seen.image_xyz is None else Reason.BASELINE
            reason = np.full(self._measures, why, np.uint8)
        stored = SessionFrame(
            frame=seen.index,
            time_s=seen.time_s,
            person=seen.image_xyz is not None,
            rejected=seen.rejected,
            people_seen=seen.people_seen,
            phase=moment.phase,
            rep=rep,
            landmarks_xyz=seen.image_xyz,
            world_xyz=seen.world_xyz,
            visibility=seen.visibility,
            value=value,
            status=status,
            reason=reason,
            disagreement=seen.disagreement,
            lying=seen.lying,
        )
        self._rows.put(lambda writer: writer.append(stored))
        if not self._with_video:
            return
        if self._pictures.qsize() >= _PICTURES_WAITING:
            self.pictures_left_out += 1
            return
        self._pictures.put((image, seen))

    def phone(self, arrival: Arrival) -> None:
        """What has come from a phone in the waistband."""
        self._rows.put(lambda writer: writer.append_phone(arrival))

    def event(self, event: Event) -> None:
        """One event, in order with the frames."""
        self._rows.put(lambda writer: writer.append_event(event))

    def rep(self, rep: Rep) -> None:
        """A closed repetition."""
        self._rows.put(lambda writer: writer.append_rep(rep))

    def finish(self, summary: Summary) -> None:
        """Write what is left, the summary last, and end the threads."""
        self._summary = summary
        self.close()

    def close(self) -> None:
        """End the threads after what is waiting; without `finish` the session stays marked incomplete."""
        self._pictures.put(None)
        for thread in self._threads[1:]:
            thread.join(timeout=30.0)
        self._rows.put(None)
        self._threads[0].join(timeout=30.0)

    # --- the thread of the landmarks ----------------------------------------------------------------

    def _record(self) -> None:
        # SQLite wants to be used on the thread that opened it.
        writer: SessionWriter | None = None
        with self._giving_up():
            writer = SessionWriter(self.folder / SESSION, self._meta, self._definition)
            self._write_rows(writer)
            if self._summary is not None:
                writer.finish(self._summary)
                write_summary_json(self._summary, self.folder / SUMMARY)
        if writer is not None:
            writer.abandon()
        while not self._told_to_end and self._rows.get() is not None:
            pass  # what comes after a failure must not pile up

    def _write_rows(self, writer: SessionWriter) -> None:
        looked_s = time.monotonic()
        while True:
            try:
                work = self._rows.get(timeout=_COMMIT_S)
            except queue.Empty:
                writer.commit()
            else:
                if work is None:
                    self._told_to_end = True
                    return
                work(writer)
            if time.monotonic() - looked_s > _FLUSH_S:
                looked_s = time.monotonic()
                if not (self.folder / SESSION).exists():  # the system lets a deleted file be written to
                    raise FormcheckError(self._gone())

    def _gone(self) -> str:
        return f"The session can no longer be recorded: its folder {self.folder} has gone."

    # --- the thread of the video --------------------------------------------------------------------

    def _film(self) -> None:
        video: VideoWriter | None = None
        with self._giving_up():
            flushed_s = time.monotonic()
            while (given := self._pictures.get()) is not None and not self.problem:
                image, seen = given
                if video is None:
                    height, width = image.shape[:2]
                    video = VideoWriter(self.folder / VIDEO, width, height, self._fps, fragmented=True)
                if self._blur is not None:
                    known = None if seen.image_xyz is None else seen.image_xyz[:, :2]
                    image = self._blur(image, known, seen.time_s)
                video.write(image, seen.time_s)
                if time.monotonic() - flushed_s > _FLUSH_S:
                    flushed_s = time.monotonic()
                    with suppress(FileNotFoundError):  # the other thread says so
                        video.flush_to_disk()
            if video is not None and self._summary is not None:
                video.close()
        if video is not None:
            video.abandon()

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        """A failure ends what this thread records, and not the exercise."""
        try:
            yield
        except FormcheckError as error:
            gone = not self.folder.exists()  # which no disk with more room would bring back
            self.problem = self.problem or (self._gone() if gone else str(error))
        except Exception as error:
            self.problem = self.problem or f"The session can no longer be recorded ({error})."
