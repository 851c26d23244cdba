"""Many videos: what is planned, skipped, retried and told, on this computer and on real Dask workers."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import batch_work
import pytest
from stored_session import command, judged, noisy_track

import formcheck
from formcheck.batch import local, tables
from formcheck.batch.cluster import run_cluster
from formcheck.batch.jobs import Job, Outcome, find_jobs, is_done, read_summary, split_done
from formcheck.batch.local import in_own_process, run_local
from formcheck.batch.work import ATTEMPTS, analyze_job
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.report.write import write_outputs
from formcheck.session.folder import OutputFolder

TESTS = Path(__file__).parent


def videos(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not really a video")
    return folder


def write_list(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def finish(job: Job, track_seed: int = 3) -> None:
    """A finished result in the job's folder, as the real analysis leaves it."""
    analysis = judged(noisy_track(seed=track_seed), job.exercise, side=job.side, video=job.video,
                      prescription=job.prescription)  # fmt: skip
    analysis = replace(analysis, model_sha256=job.model_sha256)
    folder = OutputFolder(job.video, job.out)
    folder.prepare()
    write_outputs(analysis, folder, video=False, report=False)


# -- planning --------------------------------------------------------------------------------------------


def test_a_folder_is_searched_but_results_are_not(tmp_path):
    videos(
        tmp_path, "b.MP4", "a/c.mov", "a/notes.txt", "b.formcheck/annotated.mp4", "live/video.mp4", ".x.mp4"
    )
    (tmp_path / "live" / "session.sqlite").write_bytes(b"")
    jobs = find_jobs(tmp_path, exercise="bridge", out=tmp_path / "res")
    assert [job.video.relative_to(tmp_path).as_posix() for job in jobs] == ["b.MP4", "a/c.mov"]
    assert [job.out.relative_to(tmp_path).as_posix() for job in jobs] == [
        "res/b.formcheck",
        "res/a/c.formcheck",
    ]
    assert all(job.version == formcheck.__version__ and len(job.model_sha256) == 4 for job in jobs)


def test_two_videos_of_one_name_get_folders_of_their_own(tmp_path):
    videos(tmp_path, "clip.mov", "clip.mp4")
    assert [job.out.name for job in find_jobs(tmp_path, exercise="clam")] == [
        "clip.formcheck", "clip.mp4.formcheck",
    ]  # fmt: skip


def test_a_list_says_exercise_side_and_prescription(tmp_path):
    videos(tmp_path / "v", "a.mp4", "b.mp4")
    text = "\ufeffvideo, exercise,side,prescription\nv/a.mp4,clam,left,p.toml\nv/b.mp4,,,\n\n"
    a, b = find_jobs(write_list(tmp_path / "l.csv", text), exercise="bridge")
    assert (a.exercise, a.side, a.prescription) == ("clam", "left", tmp_path / "p.toml")
    assert (b.exercise, b.side, b.prescription, b.video) == ("bridge", None, None, tmp_path / "v" / "b.mp4")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file\na.mp4\n", "no column 'video'"),
        ("video,excercise\na.mp4,clam\n", "did you mean 'exercise'?"),
        ("video\na.mp4\n", "give --exercise"),
        ("video\n", "names no video"),
        ("video,exercise\na.mp4,clam\na.mp4,clam\n", "listed twice"),
    ],
)
def test_a_mistake_in_a_list_is_one_sentence(text, words, tmp_path):
    if "twice" in words:
        text = text.replace("a.mp4,clam\n", "a.mp4,clam\n", 1) + "a.mp4,clam\n"
    with pytest.raises(FormcheckError, match=words.replace("?", r"\?")):
        find_jobs(write_list(tmp_path / "l.csv", text))


@pytest.mark.parametrize("where", ["nowhere", "."])
def test_nothing_to_do_is_said(where, tmp_path):
    with pytest.raises(FormcheckError, match="There is no"):
        find_jobs(tmp_path / where, exercise="clam")


# -- skipping --------------------------------------------------------------------------------------------


def test_a_finished_result_is_skipped_until_something_changes(tmp_path):
    (job,) = find_jobs(videos(tmp_path, "a.mp4"), exercise="bridge")
    assert split_done([job]) == ([], [job])
    finish(job)
    assert split_done([job]) == ([Outcome(job, "skipped")], [])
    for changed in (
        replace(job, version="9.9"),
        replace(job, model_sha256={"other.onnx": "0"}),
        replace(job, model="lite"),
        replace(job, engine="mediapipe"),
        replace(job, pictures=True),
    ):
        assert split_done([changed]) == ([], [changed]), changed
    assert not is_done(job, "0" * 64)  # another definition
    os.utime(job.video, (time.time() + 5, time.time() + 5))  # another recording under the same name
    assert split_done([job]) == ([], [job])


def test_a_summary_that_does_not_say_what_its_session_says_is_no_result(tmp_path):
    (job,) = find_jobs(videos(tmp_path, "a.mp4"), exercise="bridge")
    finish(job)
    sha256 = load_definition("bridge").sha256
    assert is_done(job, sha256)
    path = job.out / "summary.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"frames":', '"frames": 1'), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    assert read_summary(job) is None
    assert not is_done(job, sha256)


def test_a_new_prescription_and_an_unfinished_result_are_done_again(tmp_path):
    (job,) = find_jobs(videos(tmp_path, "a.mp4"), exercise="bridge")
    finish(job)
    write_list(tmp_path / "p.toml", "[tempo]\nlower_s = 5\n")
    own = replace(job, prescription=tmp_path / "p.toml")
    assert split_done([own]) == ([], [own])
    (job.out / "session.sqlite").unlink()
    assert split_done([job]) == ([], [job])


def test_a_wrong_request_fails_without_a_process(tmp_path):
    text = "video,exercise,side\na.mp4,bridge,left\nb.mp4,brigde,\nc.mp4,clam,\n"
    jobs = find_jobs(write_list(videos(tmp_path, "a.mp4", "b.mp4", "c.mp4") / "l.csv", text))
    settled, todo = split_done(jobs)
    assert [job.video.name for job in todo] == ["c.mp4"]
    assert ["no working side" in settled[0].error, "did you mean 'bridge'?" in settled[1].error] == [
        True,
        True,
    ]


def test_a_worker_with_another_formcheck_or_weights_refuses(tmp_path):
    (job,) = find_jobs(videos(tmp_path, "a.mp4"), exercise="bridge")
    assert "not 9.9" in analyze_job(replace(job, version="9.9")).error
    assert "other pose weights" in analyze_job(replace(job, model_sha256={})).error


def test_a_file_that_is_no_video_is_one_sentence(tmp_path):
    (job,) = find_jobs(videos(tmp_path, "a.mp4"), exercise="bridge")
    outcome = analyze_job(job)
    assert (outcome.state, outcome.again) == ("failed", False)
    assert "a.mp4" in outcome.error
    assert not job.out.exists()


# -- on this computer --------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that do `batch_work.work` in place of an analysis."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")]))

    def own(job: Job, stop: threading.Event) -> Outcome | None:
        return in_own_process(job, stop, batch_work.work)

    monkeypatch.setattr(local, "in_own_process", own)


def tries(job: Job) -> int:
    return len((job.out / "done_by").read_text().split())


def test_one_bad_video_costs_the_others_nothing(tmp_path, quick):
    jobs = find_jobs(videos(tmp_path, "a.mp4", "bad.mp4", "deadly.mp4", "odd.mp4"), exercise="bridge")
    told: list[Outcome] = []
    outcomes = run_local(jobs, 2, told.append)
    assert [o.job for o in outcomes] == jobs
    assert [o.state for o in outcomes] == ["done", "failed", "failed", "done"]
    assert sorted(o.job.video.name for o in told) == [job.video.name for job in jobs]
    assert "ended unexpectedly" in outcomes[2].error
    # What a video does wrong it will do again; what its process died of may pass.
    assert [tries(job) for job in jobs] == [1, 1, ATTEMPTS, 3]


def test_stopping_ends_what_runs_and_keeps_what_is_done(tmp_path, quick):
    jobs = find_jobs(videos(tmp_path, "a.mp4", "slow.mp4"), exercise="bridge")

    def stop_at_once(_outcome: Outcome) -> None:
        raise KeyboardInterrupt

    begun = time.monotonic()
    outcomes = run_local(jobs, 1, stop_at_once)
    assert [o.job.video.name for o in outcomes] == ["a.mp4"]
    assert time.monotonic() - begun < 40  # and not the minute that the slow one takes


# -- tables ----------------------------------------------------------------------------------------------


def test_tables_have_a_row_a_video_and_a_row_a_repetition(tmp_path):
    tempo = tmp_path / "tempo.toml"
    tempo.write_text("[tempo]\nrise_s = 2\nlower_s = 4\n")
    jobs = find_jobs(videos(tmp_path, "a.mp4", "b.mp4"), exercise="bridge", prescription=tempo)
    finish(jobs[0])
    outcomes = [Outcome(jobs[0], "done"), Outcome(jobs[1], "failed", "No good; sorry.")]
    files = tables.write_tables(outcomes, jobs, tmp_path)
    with (tmp_path / "batch_videos.csv").open(newline="", encoding="utf-8") as file:
        first, second = list(csv.DictReader(file))
    assert (first["state"], first["reps_full"], first["reps_partial"]) == ("done", "2", "1")
    assert (first["lowering_fast_reps_affected"], first["pelvis_drops_reps_affected"]) == ("3", "")
    assert (second["state"], second["error"], second["reps_full"]) == ("failed", "No good; sorry.", "")
    with (tmp_path / "batch_reps.csv").open(newline="", encoding="utf-8") as file:
        reps = list(csv.DictReader(file))
    assert [row["rep"] for row in reps] == ["1", "2", "3"]
    assert [row["rising_fast_grade"] for row in reps] == ["0", "2", "0"]
    assert [row["pelvis_drops_grade"] for row in reps] == ["", "", ""]  # not checked is not absent
    assert float(reps[0]["peak_pelvic_height"]) == pytest.approx(0.34, abs=0.05)
    assert reps[0]["peak_pelvic_drop_deg"] == ""
    pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'parquet'")
    assert len(files) == 4
    table = pq.read_table(tmp_path / "batch_reps.parquet").to_pylist()
    assert [row["rep"] for row in table] == [1, 2, 3]
    assert table[0]["pelvis_drops_grade"] is None
    assert list(table[0]) == list(reps[0])


def test_without_pyarrow_there_is_csv(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    jobs = find_jobs(videos(tmp_path, "a.mp4"), exercise="bridge")
    files = tables.write_tables([Outcome(jobs[0], "failed", "No.")], jobs, tmp_path)
    assert [file.name for file in files] == ["batch_videos.csv", "batch_reps.csv"]


def test_the_command_tells_and_skips(tmp_path, capsys):
    videos(tmp_path, "a.mp4", "b.mp4")
    job = find_jobs(tmp_path, exercise="bridge")[0]
    finish(job)
    done = command(capsys, "batch", tmp_path, "--exercise", "bridge", "--jobs", "1")
    assert done.status == 1
    assert "1 of 2 were done before and are skipped" in done.err
    assert "failed: b.mp4:" in done.err
    assert "1 of 2 videos could not be analysed" in done.err
    assert str(tmp_path / "batch_videos.csv") in done.out.splitlines()
    wrong = command(capsys, "batch", tmp_path)
    assert (wrong.status, wrong.err.count("\n")) == (2, 1)


# -- on a cluster ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scheduler():
    """A real scheduler and two real ``dask worker`` processes on 127.0.0.1; gives its address."""
    pytest.importorskip("distributed", reason="needs the extra 'cluster'")
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address=None, processes=True, silence_logs=50
    ) as home:
        path = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
        options = "--nthreads 1 --no-nanny --host 127.0.0.1 --no-dashboard --memory-limit 0"
        workers = [
            subprocess.Popen(
                [sys.executable, "-m", "dask", "worker", home.scheduler_address, *options.split()],
                env={**os.environ, "PYTHONPATH": path},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(3)
        ]
        try:
            home.wait_for_workers(3, timeout=60)
            yield home.scheduler_address
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()


def test_a_dead_workers_videos_are_done_elsewhere(tmp_path, scheduler):
    names = [f"{i:02}.mp4" for i in range(12)]
    jobs = find_jobs(videos(tmp_path, "bad.mp4", "odd.mp4", "once.mp4", *names), exercise="bridge")
    once = next(job for job in jobs if job.video.stem == "once")
    killed: list[int] = []

    def kill_the_first() -> None:
        mark = once.out / "first"
        for _ in range(600):
            if mark.exists() and (text := mark.read_text()):
                killed.append(int(text))
                os.kill(int(text), signal.SIGKILL)
                return
            time.sleep(0.05)

    killer = threading.Thread(target=kill_the_first)
    killer.start()
    told: list[Outcome] = []
    outcomes = run_cluster(jobs, scheduler, told.append, batch_work.work)
    killer.join()
    assert len(killed) == 1
    assert [o.job for o in outcomes] == jobs
    assert len(told) == len(jobs)
    states = {o.job.video.stem: o.state for o in outcomes}
    assert states.pop("bad") == "failed"
    assert set(states.values()) == {"done"}
    assert tries(once) == 2
    assert len(set((once.out / "done_by").read_text().split())) == 2  # another process
    assert tries(next(job for job in jobs if job.video.stem == "odd")) == 3
    workers = {o.error for o in outcomes if o.state == "done" and o.job.video.stem not in ("odd", "once")}
    assert len(workers) >= 2  # shared out


def test_no_scheduler_is_one_sentence(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="needs the extra 'cluster'")
    (job,) = find_jobs(videos(tmp_path, "a.mp4"), exercise="bridge")
    with pytest.raises(FormcheckError, match="check the address"):
        run_cluster([job], "nonsense://nowhere", lambda _o: None)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(FormcheckError, match=r"pip install 'formcheck\[cluster\]'"):
        run_cluster([job], "tcp://127.0.0.1:1", lambda _o: None)
