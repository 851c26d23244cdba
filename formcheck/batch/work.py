"""One video of a batch."""

from __future__ import annotations

from formcheck.batch.jobs import Job, Outcome, is_done, weights_of
from formcheck.errors import FormcheckError
from formcheck.session.folder import OutputFolder
from formcheck.version import __version__

#: A video whose process dies or runs into something unforeseen is tried this often in all.
ATTEMPTS = 3


def analyze_job(job: Job) -> Outcome:
    """Analyses one video and writes its results; never raises but for being stopped.

    Runs in a process of its own or on a Dask worker.
    """
    from formcheck.exercises.prescription import check_request
    from formcheck.report.write import write_outputs
    from formcheck.session.analyze import analyze

    if (problem := _other_formcheck(job)) is not None:
        return Outcome(job, "failed", problem)
    try:
        definition = check_request(job.exercise, job.side, None, job.prescription)
        if is_done(job, definition.sha256):
            return Outcome(job, "skipped")
        if not job.video.is_file():
            raise FormcheckError(f"There is no video at {job.video}.")
        folder = OutputFolder(job.video, job.out)
        folder.prepare()
        if is_done(job, definition.sha256):  # by somebody else, a moment ago
            return Outcome(job, "skipped")
        analysis = analyze(
            job.video,
            job.exercise,
            side=job.side,
            engine=job.engine,
            model=job.model,
            prescription=job.prescription,
            threads=job.threads,
            device=job.device,
        )
        write_outputs(analysis, folder, video=job.pictures, report=job.pictures)
    except FormcheckError as error:
        return Outcome(job, "failed", str(error))
    except Exception as error:
        # Whatever it is: the others must go on, and the sentence must say enough to look for it.
        text = " ".join(str(error).split())[:200]
        return Outcome(job, "failed", f"Unexpected {type(error).__name__}: {text}", again=True)
    return Outcome(job, "done")


def _other_formcheck(job: Job) -> str | None:
    """Why this computer would not give the result that was planned, or None."""
    if job.version != __version__:
        return f"This worker has formcheck {__version__}, not {job.version}; install the same."
    try:
        weights = weights_of(job.engine, job.model)
    except FormcheckError as error:
        return str(error)
    return None if weights == job.model_sha256 else "This worker has other pose weights; install the same."
