"""What there is to do in a batch, and what has been done before."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from formcheck.analysis.summary import Summary
from formcheck.errors import FormcheckError, printable, shown
from formcheck.exercises.definition import nearest
from formcheck.folder_handle import refuse_link
from formcheck.session.folder import RESULTS, SESSION, OutputFolder, results_name
from formcheck.session.library import compare_summaries
from formcheck.session.reader import open_database
from formcheck.session.schema import SessionMeta
from formcheck.version import __version__

VIDEO_ENDINGS = frozenset([".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".mts", ".3gp"])
LIST_COLUMNS = ("video", "exercise", "side", "prescription")


@dataclass(frozen=True)
class Job:
    """One video and how to analyse it; plain data, so that it can be sent to another computer.

    Attributes:
        video: the file.
        out: the folder for its results.
        exercise, side, prescription, engine, model: see `formcheck.analyze`.
        pictures: also draw the video and write the report.
        version: the formcheck that planned it; another one refuses to do it.
        model_sha256: hashes of the weights that are to be used, by file name.
        threads, device: for the pose model, see `formcheck.pose.engine.open_engine`.
        name: of the video in tables and messages, as seen from the folder or the list: no names of folders
            above, which may be people's.
    """

    video: Path
    out: Path
    exercise: str
    side: str | None = None
    prescription: Path | None = None
    engine: str = "blazepose-onnx"
    model: str = "full"
    pictures: bool = False
    version: str = ""
    model_sha256: dict[str, str] = field(default_factory=dict)
    threads: int = 1
    device: str = "cpu"
    name: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of one job.

    Attributes:
        job: the job.
        state: ``done`` now, ``skipped`` because it was done before, or ``failed``.
        error: why it failed, one sentence.
        again: whether another attempt might go better.
    """

    job: Job
    state: Literal["done", "skipped", "failed"]
    error: str = ""
    again: bool = False


#: Told each outcome as it comes.
Told = Callable[[Outcome], None]


# -- what to do ------------------------------------------------------------------------------------------


def find_jobs(
    source: Path,
    *,
    exercise: str | None = None,
    side: str | None = None,
    prescription: Path | None = None,
    out: Path | None = None,
    engine: str = "blazepose-onnx",
    model: str = "full",
    pictures: bool = False,
    device: str = "cpu",
) -> list[Job]:
    """The jobs in a folder of videos (with all folders in it), or in a list.

    A list is a CSV file with the columns ``video`` and, as far as needed, ``exercise``, ``side`` and
    ``prescription``; files are named as seen from the list. What a row leaves empty is as given here.

    Args:
        source: the folder or the list.
        exercise, side, prescription: for the videos that do not say.
        out: folder for the results; by default they lie beside each video.
        engine, model, pictures, device: see `Job`.

    Raises:
        FormcheckError: there is nothing to do, the list cannot be understood, a video has no exercise, or
            there is no such model or device.
    """
    from formcheck.pose.device import check_device

    rows = _listed(source) if source.is_file() else _in_folder(source)
    root = source.parent if source.is_file() else source
    weights = weights_of(engine, model)
    check_device(device)
    jobs: list[Job] = []
    places: set[Path] = set()
    for row in rows:
        video = (root / row["video"]).absolute()
        if video.name in ("", "..") or "\0" in row["video"]:
            raise FormcheckError(f"'{row['video']}' in the list {source} is not the name of a video.")
        kind = row.get("exercise") or exercise
        if not kind:
            raise FormcheckError(
                f"It is not said which exercise {printable(row['video'])} shows: give --exercise, "
                "or a list with a column 'exercise'."
            )
        place = OutputFolder(video).path
        if out is not None:
            inside = (
                place.relative_to(root.absolute()) if place.is_relative_to(root.absolute()) else place.name
            )
            place = out.absolute() / inside
            for above in place.parents[: len(Path(inside).parts) - 1]:
                refuse_link(above)
        if place in places:  # clip.mp4 and clip.mov
            place = place.with_name(results_name(video.name))
        if place in places:
            raise FormcheckError(f"{printable(row['video'])} is listed twice; take one of the two out.")
        places.add(place)
        given = row.get("prescription")
        jobs.append(
            Job(
                video=video,
                out=place,
                exercise=kind,
                side=row.get("side") or side,
                prescription=(root / given).absolute() if given else prescription,
                engine=engine,
                model=model,
                pictures=pictures,
                device=device,
                version=__version__,
                model_sha256=weights,
                name=name_below(video, root.absolute()),
            )
        )
    return jobs


def name_below(path: Path, root: Path) -> str:
    """A file's or folder's name as seen from `root`; its last part alone where it lies elsewhere."""
    return shown(path.relative_to(root)) if path.is_relative_to(root) else printable(path.name)


def _in_folder(folder: Path) -> list[dict[str, str]]:
    if not folder.is_dir():
        raise FormcheckError(f"There is no folder or list at {folder}; check the name.")
    found = []
    for place, folders, files in os.walk(folder):
        # Results and sessions hold videos too, which are no new ones.
        folders[:] = sorted(f for f in folders if not f.endswith(RESULTS) and not f.startswith("."))
        if SESSION in files:
            continue
        found += [
            {"video": os.path.relpath(os.path.join(place, name), folder)}
            for name in sorted(files)
            if os.path.splitext(name)[1].lower() in VIDEO_ENDINGS and not name.startswith(".")
        ]
    if not found:
        raise FormcheckError(f"There is no video in {folder}.")
    return found


def _listed(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            heads = [(head or "").strip() for head in table.fieldnames or []]
            table.fieldnames = heads
            rows = [{k: (v or "").strip() for k, v in row.items() if isinstance(k, str)} for row in table]
    except OSError as error:
        raise FormcheckError(f"The list {path} cannot be read: {error.strerror}.") from None
    except (csv.Error, UnicodeDecodeError):
        raise FormcheckError(
            f"{path} is not a CSV list; save it as CSV in UTF-8 with a column 'video'."
        ) from None
    if "video" not in heads:
        raise FormcheckError(f"The list {path} has no column 'video'; its first line must name the columns.")
    if unknown := [head for head in heads if head not in LIST_COLUMNS]:
        hint = nearest(unknown[0], LIST_COLUMNS) or f"; columns are: {', '.join(LIST_COLUMNS)}."
        raise FormcheckError(f"The list {path} has an unknown column '{printable(unknown[0], 60)}'{hint}")
    rows = [row for row in rows if row.get("video")]
    if not rows:
        raise FormcheckError(f"The list {path} names no video.")
    return rows


def weights_of(engine: str, model: str) -> dict[str, str]:
    """Hashes of the weights an engine uses for a model, by file name, and of those some exercises ask beside.

    Raises:
        FormcheckError: there is no such engine or model.
    """
    from formcheck.pose import models
    from formcheck.pose.engine import check_engine

    check_engine(engine, model)
    if engine == "mediapipe":
        files = [models.find_bundle(model)]
    else:
        files = [models.find_model("detector", model), models.find_model("landmarks", model)]
    files += [models.find_model("lying", name) for name in ("lying-encoder", "lying-comparer")]
    return {file.path.name: file.sha256 for file in files}


# -- what has been done ----------------------------------------------------------------------------------


def is_done(job: Job, definition_sha256: str) -> bool:
    """Whether the job's folder holds its finished result, from this file and by the same means."""
    folder = OutputFolder(job.video, job.out)
    try:
        if folder.summary.stat().st_mtime < job.video.stat().st_mtime:
            return False
    except OSError:
        return False
    if (result := _result(job)) is None:
        return False
    summary, meta = result
    pictures = folder.annotated.is_file() and folder.report.is_file()
    return (
        summary.complete
        and summary.formcheck == job.version
        and summary.exercise == job.exercise
        and summary.definition.sha256 == definition_sha256
        and (summary.pose.engine, summary.pose.model) == (job.engine, job.model)
        and bool(meta.model_sha256)
        and meta.model_sha256.items() <= job.model_sha256.items()  # not every exercise asks all of them
        and meta.declared_side == job.side
        and not summary.view.declared
        and (pictures or not job.pictures)
    )


def split_done(jobs: Sequence[Job]) -> tuple[list[Outcome], list[Job]]:
    """Jobs that need no work: done before, or with a mistake in the request; and the others.

    Looked at here, before anything starts: ten thousand finished videos need no ten thousand processes.
    """
    from formcheck.exercises.prescription import check_request

    known: dict[tuple[object, ...], str | FormcheckError] = {}
    settled, todo = [], []
    for job in jobs:
        key = (job.exercise, job.side, job.prescription)
        if key not in known:
            try:
                known[key] = check_request(job.exercise, job.side, None, job.prescription).sha256
            except FormcheckError as error:
                known[key] = error
        sha256 = known[key]
        if isinstance(sha256, FormcheckError):
            settled.append(Outcome(job, "failed", str(sha256)))
        elif is_done(job, sha256):
            settled.append(Outcome(job, "skipped"))
        else:
            todo.append(job)
    return settled, todo


def read_summary(job: Job) -> Summary | None:
    """The result of a job; None if there is none, or it is damaged."""
    result = _result(job)
    return None if result is None else result[0]


def _result(job: Job) -> tuple[Summary, SessionMeta] | None:
    """What the session of a job says, if its summary has been put beside it and is the same."""
    folder = OutputFolder(job.video, job.out)
    try:
        if not (folder.summary.is_file() and folder.session.is_file()):
            return None
        with open_database(folder.session, look_for_damage=False) as session:
            summary = session.summary
            compare_summaries(session, summary)
            return None if summary is None else (summary, session.meta)
    except (OSError, FormcheckError):
        return None


def in_order(outcomes: Sequence[Outcome], jobs: Sequence[Job]) -> Iterator[Outcome]:
    """Outcomes in the order of the jobs."""
    by_place = {outcome.job.out: outcome for outcome in outcomes}
    for job in jobs:
        if job.out in by_place:
            yield replace(by_place[job.out], job=job)
