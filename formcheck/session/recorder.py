"""Records a live session on a thread of its own: a slow disk never holds up a frame.

``session.sqlite`` is committed twice a second and the video is written in pieces of half a second, so that
``kill -9`` costs no more than the last second of either. When the disk fills up, recording stops with a
sentence and what was written stays; coaching goes on.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from formcheck.errors import FormcheckError
from formcheck.exercises.definition import Definition
from formcheck.exercises.practice import Moment
from formcheck.measures.table import Reason, Status
from formcheck.pose.steady import Seen
from formcheck.private_files import FOLDER_MODE, make_folder
from formcheck.session.events import Event
from formcheck.session.export import write_summary_json
from formcheck.session.face_blur import FaceBlur
from formcheck.session.layout import SessionMeta
from formcheck.session.outputs import SESSION, SUMMARY, VIDEO, flush_folder
from formcheck.session.store import SessionFrame, SessionWriter
from formcheck.session.summary import Rep, Summary
from formcheck.video_writer import VideoWriter

#: Pictures that may wait for the encoder; more, and a picture is left out of the video (never its landmarks).
#: Those that wait are lost when the program is killed.
_PICTURES_WAITING = 30


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
        self._writer: SessionWriter | None = None
        self._video: VideoWriter | None = None
        self._measures = len(meta.measures)
        # Rows go before pictures: a slow encoder must not hold landmarks back.
        self._work: queue.PriorityQueue[tuple[bool, int, Callable[[], None] | None]] = queue.PriorityQueue()
        self._given = itertools.count()
        self._pictures = 0
        try:
            make_folder(folder.parent)
            folder.mkdir(mode=FOLDER_MODE)
        except FileExistsError:
            raise FormcheckError(f"The session folder {folder} already exists; choose another.") from None
        except OSError as error:
            raise FormcheckError(
                f"The session cannot be recorded in {folder} ({error.strerror}); choose another folder."
            ) from None
        flush_folder(folder.parent)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def frame(self, seen: Seen, moment: Moment, rep: int, image: NDArray[np.uint8]) -> None:
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
        )
        self._put(lambda: self._writer.append(stored) if self._writer is not None else None)
        if not self._with_video:
            return
        if self._pictures >= _PICTURES_WAITING:
            self.pictures_left_out += 1
            return
        self._pictures += 1
        self._put(lambda: self._write_picture(image, seen), last=True)

    def event(self, event: Event) -> None:
        """One event, in order with the frames."""
        self._put(lambda: self._writer.append_event(event) if self._writer is not None else None)

    def rep(self, rep: Rep) -> None:
        """A closed repetition."""
        self._put(lambda: self._writer.append_rep(rep) if self._writer is not None else None)

    def finish(self, summary: Summary) -> None:
        """Write what is left, the summary last, and end the thread."""

        def end() -> None:
            if self._video is not None:
                self._video.close()
            if self._writer is not None:
                self._writer.finish(summary)
                self._writer = None
                write_summary_json(summary, self.folder / SUMMARY)

        self._put(end, last=True)
        self.close()

    def close(self) -> None:
        """End the thread after what is waiting; without `finish` the session stays marked incomplete."""
        self._put(None, last=True)
        self._thread.join(timeout=30.0)

    def _put(self, work: Callable[[], None] | None, *, last: bool = False) -> None:
        """In order, but all rows before pictures and the end."""
        self._work.put((last, next(self._given), work))

    # --- on the recorder's thread -------------------------------------------------------------------

    def _run(self) -> None:
        try:
            # SQLite wants to be used on the thread that opened it.
            self._writer = SessionWriter(self.folder / SESSION, self._meta, self._definition)
        except FormcheckError as error:
            self.problem = str(error)
        while (work := self._work.get()[2]) is not None:
            if self.problem:
                continue
            try:
                work()
            except FormcheckError as error:
                self._give_up(error)
            except Exception as error:  # a broken recording must not end the exercise
                self._give_up(FormcheckError(f"The session can no longer be recorded ({error})."))
        self._let_go()

    def _write_picture(self, image: NDArray[np.uint8], seen: Seen) -> None:
        self._pictures -= 1
        if self._video is None:
            height, width = image.shape[:2]
            path = self.folder / VIDEO
            self._video = VideoWriter(path, width, height, self._fps, fragmented=True)
        if self._blur is not None:
            image = self._blur(image, None if seen.image_xyz is None else seen.image_xyz[:, :2], seen.time_s)
        self._video.write(image, seen.time_s)

    def _give_up(self, error: FormcheckError) -> None:
        self.problem = str(error)
        self._let_go()

    def _let_go(self) -> None:
        if self._writer is not None:
            self._writer.abandon()
            self._writer = None
        if self._video is not None:
            self._video.abandon()
            self._video = None
