"""The output folder: checked first, cleaned of its own old files, never left looking complete."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from make_analysis import make_analysis
from test_store import META, frame

from formcheck.errors import FormcheckError
from formcheck.report.write import write_outputs
from formcheck.session.folder import LEFT_BEHIND, OUTPUTS, SESSION, SUMMARY, OutputFolder, replacing
from formcheck.session.store import SessionWriter, open_session, write_session

HERE = Path(__file__).parent


@pytest.fixture
def video(tmp_path) -> Path:
    path = tmp_path / "bridge.mp4"
    path.write_bytes(b"video")
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def one_sentence(error: FormcheckError) -> str:
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_default_folder_lies_beside_the_video(video):
    folder = OutputFolder(video)
    assert folder.path == video.parent / "bridge.formcheck"
    folder.prepare()
    assert names(folder.path) == set(LEFT_BEHIND)
    folder.release()
    assert not folder.path.exists()


def test_folders_on_the_way_are_made(video, tmp_path):
    folder = OutputFolder(video, tmp_path / "some" / "where é #?%20")
    folder.prepare()
    assert folder.path.is_dir()
    write_session(make_analysis(5), folder.new / SESSION)
    folder.put_in_place()
    folder.release()
    assert names(folder.path) == {"session.sqlite"}


def test_own_old_files_stay_until_the_new_ones_are_there_and_others_always(video):
    folder = OutputFolder(video)
    folder.path.mkdir()
    for name in OUTPUTS:
        (folder.path / name).write_text("old", encoding="utf-8")
        (folder.path / f"{name}.part").write_text("old", encoding="utf-8")
    for name in ("session.sqlite-wal", "session.sqlite-shm"):
        (folder.path / name).write_text("old", encoding="utf-8")
    others = {"notes.txt", "summary.json.bak", "frames (1).csv", "video.mp4", "review.sqlite"}
    for name in others:
        (folder.path / name).write_text("mine", encoding="utf-8")
    folder.prepare()
    assert all((folder.path / name).read_text(encoding="utf-8") == "old" for name in OUTPUTS)
    (folder.new / SUMMARY).write_text("new", encoding="utf-8")
    folder.put_in_place()
    folder.release()
    assert names(folder.path) == others | {SUMMARY}
    assert folder.summary.read_text(encoding="utf-8") == "new"
    assert all((folder.path / name).read_text(encoding="utf-8") == "mine" for name in others)


def test_a_run_that_fails_leaves_the_earlier_results_as_they_were(video):
    folder = OutputFolder(video)
    folder.prepare()
    write_outputs(make_analysis(20), folder, video=False, report=False)
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    folder.prepare()
    bad = make_analysis(20, seed=2)
    full = FormcheckError(f"{folder.new} is full.")
    with (
        patch("formcheck.report.write.write_session", side_effect=full),
        pytest.raises(FormcheckError) as caught,
    ):
        write_outputs(bad, folder, video=False, report=False)
    assert str(caught.value) == f"{folder.path} is full."
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


def test_only_one_writes_to_a_folder(video):
    first, second = OutputFolder(video), OutputFolder(video)
    first.prepare()
    (first.new / SUMMARY).write_text("first", encoding="utf-8")
    with pytest.raises(FormcheckError, match="is writing to") as caught:
        second.prepare()
    one_sentence(caught.value)
    assert (first.new / SUMMARY).exists()
    first.put_in_place()
    del first  # as an error would leave it
    second.prepare()
    second.release()
    assert names(second.path) == {SUMMARY}


def test_a_lock_ends_with_its_program(video):
    folder = OutputFolder(video)
    code = (
        "import os, sys, pathlib; from formcheck.session.folder import OutputFolder\n"
        "folder = OutputFolder(pathlib.Path(sys.argv[1])); folder.prepare()\n"
        "(folder.new / 'summary.json').write_text('half'); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(video)], timeout=60)
    assert done.returncode == 9
    assert names(folder.path) == set(LEFT_BEHIND)
    folder.prepare()
    assert names(folder.new) == set()


def test_a_file_is_no_folder(video, tmp_path):
    file = tmp_path / "results"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(FormcheckError, match="is a file") as caught:
        OutputFolder(video, file).prepare()
    assert "--out" in one_sentence(caught.value)
    assert file.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("place", ["under_a_file", "/proc/formcheck", "/sys/formcheck"])
def test_a_folder_that_cannot_be_made(video, place):
    """These hold for root too, whom permissions do not stop."""
    out = video / "results" if place == "under_a_file" else Path(place)
    if place != "under_a_file" and not out.parent.is_dir():
        pytest.skip(f"no {out.parent} on this system")
    with pytest.raises(FormcheckError, match="cannot be written") as caught:
        OutputFolder(video, out).prepare()
    assert "--out" in one_sentence(caught.value)


def test_a_folder_that_cannot_be_written_to(video, tmp_path):
    out = tmp_path / "readonly"
    out.mkdir()
    out.chmod(0o555)
    as_root = os.name == "nt" or os.geteuid() == 0
    if as_root and (shutil.which("chattr") is None or subprocess.run(["chattr", "+i", out]).returncode):
        pytest.skip("running as root, and this file system has no chattr +i")
    try:
        with pytest.raises(FormcheckError, match="cannot be written") as caught:
            OutputFolder(video, out).prepare()
    finally:
        if shutil.which("chattr"):
            subprocess.run(["chattr", "-i", out], check=False, capture_output=True)
        out.chmod(0o755)
    assert "--out" in one_sentence(caught.value)


def test_the_video_is_never_overwritten(tmp_path):
    video = tmp_path / "annotated.mp4"
    video.write_bytes(b"video")
    with pytest.raises(FormcheckError, match="would be overwritten"):
        OutputFolder(video, tmp_path).prepare()
    assert video.read_bytes() == b"video"


def test_a_folder_with_the_name_of_an_output(video):
    folder = OutputFolder(video)
    folder.report.mkdir(parents=True)
    with pytest.raises(FormcheckError, match=r"report\.html cannot be replaced") as caught:
        folder.prepare()
    one_sentence(caught.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, FormcheckError])
def test_replacing_keeps_the_old_file_when_interrupted(tmp_path, error):
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    def write() -> None:
        with replacing(path) as part:
            part.write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_text(encoding="utf-8") == "old"
    assert names(tmp_path) == {"report.html"}


def test_replacing_takes_over_a_part_left_behind(tmp_path):
    (tmp_path / "report.html.part").write_text("a long text left by a run that was killed", encoding="utf-8")
    with replacing(tmp_path / "report.html") as part:
        part.write_text("new", encoding="utf-8")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "new"
    assert names(tmp_path) == {"report.html"}


WRITERS = {
    "session.sqlite": "write_session(analysis, path)",
    "frames.csv": "write_frames_csv(analysis, path)",
    "summary.json": "write_summary_json(analysis.summary, path)",
}
WRITE = """
import sys
from pathlib import Path
from make_analysis import make_analysis
from formcheck.errors import FormcheckError
from formcheck.session.csv_json import write_frames_csv, write_summary_json
from formcheck.session.store import write_session
analysis, path = make_analysis(3000), Path(sys.argv[1])
{limit}
try:
    {call}
except FormcheckError as error:
    print(error)
    sys.exit(2)
"""
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))"


def write_in_another_process(name: str, path: Path, limit: str) -> str:
    """Tries to write one output; returns the sentence of the refusal."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    code = WRITE.format(limit=limit, call=WRITERS[name])
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 2, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(os.name == "nt", reason="no file size limits on Windows")
@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("before", [None, "old"])
def test_file_size_limit(tmp_path, name, before):
    path = tmp_path / name
    if before is not None:
        path.write_text(before, encoding="utf-8")
    sentence = write_in_another_process(name, path, LIMIT)
    assert "full" in sentence
    assert "\n" not in sentence
    assert (path.read_text(encoding="utf-8") if path.exists() else None) == before
    assert names(tmp_path) <= {name}


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 300 kB, not enough for anything of 3000 frames but the summary."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "formcheck-test", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("name", ["session.sqlite", "frames.csv"])
def test_full_disk(small_disk, name):
    sentence = write_in_another_process(name, small_disk / name, "")
    assert sentence.startswith("The disk is full")
    assert "--out" in sentence
    assert names(small_disk) == set()


def test_recording_until_the_disk_is_full(small_disk):
    """What was safe before stays readable, and does not look complete."""
    analysis = make_analysis(1)
    writer = SessionWriter(small_disk / "session.sqlite", META, analysis.definition)

    def record() -> None:
        with writer:
            for i in range(2000):
                writer.append(frame(i))
                if i % 10 == 9:
                    writer.commit()

    with pytest.raises(FormcheckError, match="disk is full"):
        record()
    # On a disk without a free byte SQLite has no room for its index of the log either.
    shutil.copytree(small_disk, small_disk.parent / "copy")
    with open_session(small_disk.parent / "copy") as session:
        assert not session.complete
        kept = session.poses().frame.tolist()
        assert len(session.measures) == len(kept)
    assert kept == list(range(len(kept)))
    assert len(kept) >= 10


def test_disk_that_is_full_from_the_start(small_disk, video):
    with (small_disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    with pytest.raises(FormcheckError, match="disk is full"):
        OutputFolder(video, small_disk / "results").prepare()


def test_whole_run(video):
    folder = OutputFolder(video)
    for seed in (1, 2):
        analysis = make_analysis(50, seed=seed)
        folder.prepare()
        write_outputs(analysis, folder, video=False, report=False)
        assert names(folder.path) == {"session.sqlite", "frames.csv", "summary.json"}
