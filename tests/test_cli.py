"""The command line as people meet it: real processes, real files, and every mistake the contract names (those
in the words of a command in this process).

A mistake costs one sentence on standard error and exit status 2: no traceback, nothing half-written that
looks complete, no earlier results lost.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import jsonschema
import numpy as np
import pytest
from stored_session import command

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "videos" / "bridge_side.mp4"
OUTPUTS = {"summary.json", "frames.csv", "annotated.mp4", "report.html", "session.sqlite"}


def formcheck(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does; its own weights only."""
    return subprocess.run(
        [sys.executable, "-m", "formcheck", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        env=environment(),
        **options,  # type: ignore[call-overload]
    )


def in_this_process(
    capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """The same, where the words of a command are all that is wrong: to start a process takes longer."""
    said = command(capsys, *arguments)
    return subprocess.CompletedProcess(arguments, said.status, said.out, said.err)


def environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}


def assert_one_sentence(run: subprocess.CompletedProcess[str], *words: str) -> None:
    said = run.stderr
    assert run.returncode == 2, said
    assert run.stdout == ""
    assert "Traceback" not in said
    assert said.endswith("\n")
    assert said.count("\n") == 1, said
    assert len(said) < 400
    for word in words:
        assert word in said, said


def write_video(path: Path, seconds: float = 1.0, sound_only: bool = False) -> Path:
    """A small clip of a grey room (or only of silence)."""
    with av.open(str(path), "w") as file:
        if sound_only:
            stream = file.add_stream("aac", rate=16000)
            for i in range(int(seconds * 16)):
                sound = av.AudioFrame.from_ndarray(
                    np.zeros((1, 1000), np.float32), format="fltp", layout="mono"
                )
                sound.sample_rate, sound.pts = 16000, i * 1000
                file.mux(stream.encode(sound))
        else:
            stream = file.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            stream.time_base = Fraction(1, 25)
            for i in range(int(seconds * 25)):
                picture = av.VideoFrame.from_ndarray(np.full((240, 320, 3), 120 + i % 3, np.uint8))
                picture.pts = i
                file.mux(stream.encode(picture))
        file.mux(stream.encode(None))
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4")


# -- inputs that cannot be used ------------------------------------------------------------------------------


def unreadable(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.mp4"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("Dear physio, here is my video.\n" * 50)
    elif kind == "noise":
        path.write_bytes(np.random.default_rng(0).bytes(50_000))
    elif kind == "truncated":  # an mp4 whose index, at its end, is missing
        whole = write_video(folder / "whole.mp4", 4.0).read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        (folder / "whole.mp4").unlink()
    elif kind == "sound":
        write_video(path, sound_only=True)
    return path


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "noise", "truncated", "sound"])
def test_a_video_that_cannot_be_read(kind: str, tmp_path: Path) -> None:
    video = unreadable(kind, tmp_path)
    before = tmp_path / f"{kind}.formcheck"
    before.mkdir()
    (before / "summary.json").write_text("earlier results")
    there = {path for path in tmp_path.rglob("*") if path != video}
    assert_one_sentence(formcheck("analyze", video, "--exercise", "bridge"), str(video))
    assert {path for path in tmp_path.rglob("*") if path != video} == there
    assert (before / "summary.json").read_text() == "earlier results"


def test_a_recording_cut_off_in_its_last_second_is_analysed_and_says_so(tmp_path: Path) -> None:
    whole = (tmp_path / "whole.mkv", tmp_path / "cut.mkv")
    data = write_video(whole[0], 4.0).read_bytes()
    whole[1].write_bytes(data[: len(data) * 3 // 4])
    run = formcheck("analyze", whole[1], "-e", "bridge", "--no-video", "--no-report", "--json")
    assert run.returncode == 0, run.stderr
    summary = json.loads(run.stdout)
    assert 0 < summary["source"]["frames"] < 100
    assert summary["reps"] == []
    assert summary["warnings"]


# -- wrong arguments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--exercise", "brigde"), ("brigde", "bridge")),
        (("--exercise", "clamshell"), ("clamshell", "clam")),
        (("--exercise", "squat"), ("squat", "clam", "bridge", "single-leg-bridge")),
        (("--exercise", "bridge", "--side", "left"), ("--side", "single-leg-bridge")),
        (("--exercise", "clam", "--side", "top"), ("left", "right", "top")),
        (("--exercise", "bridge", "--view", "front"), ("front", "side")),
        (("--exercise", "clam", "--view", "sideways"), ("sideways", "front")),
        (("--exercise", "bridge", "--engine", "openpose"), ("openpose", "blazepose-onnx")),
        (("--exercise", "bridge", "--model", "huge"), ("huge", "full")),
        (("--exercise", "bridge", "--prescription", "nowhere.toml"), ("nowhere.toml",)),
        (("--exercise", "bridge", "--exersise", "clam"), ("--exersise", "--exercise")),
        (("--exercise",), ("--exercise",)),
        ((), ("--exercise",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_wrong_arguments(
    arguments: tuple[str, ...], words: tuple[str, ...], clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = clip.with_name("clip.formcheck")
    before.mkdir()
    (before / "summary.json").write_text("earlier results")
    assert_one_sentence(in_this_process(capsys, "analyze", clip, *arguments), *words)
    assert (before / "summary.json").read_text() == "earlier results"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("analyse",), ("analyse", "analyze")),
        (("models", "lits"), ("lits", "list")),
        (("models", "add"), ("file",)),
        (("models", "add", "nowhere.task"), ("nowhere.task",)),
        (("--verison",), ("--verison", "--version")),
    ],
    ids=lambda value: " ".join(value),
)
def test_wrong_commands(
    arguments: tuple[str, ...], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert_one_sentence(in_this_process(capsys, *arguments), *words)


@pytest.mark.parametrize("content", [b"", b"no model at all", b"PK\x03\x04 damaged zip"])
def test_a_model_that_is_none(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "pose.task"
    file.write_bytes(content)
    assert_one_sentence(formcheck("models", "add", file), "pose.task")


# -- places that cannot be written to ------------------------------------------------------------------------


def test_the_output_folder_is_a_file(clip: Path, tmp_path: Path) -> None:
    taken = tmp_path / "results"
    taken.write_text("mine")
    assert_one_sentence(formcheck("analyze", clip, "-e", "bridge", "--out", taken), "results", "--out")
    assert taken.read_text() == "mine"


def test_the_output_folder_cannot_be_written_to(clip: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    try:
        try:
            (locked / "trial").touch()
        except PermissionError:
            pass
        else:  # root may write anywhere, except where nobody can
            (locked / "trial").unlink()
            locked.rmdir()
            locked = Path("/proc/formcheck-results")
            if not Path("/proc/self").exists():
                pytest.skip("root may write anywhere here")
        assert_one_sentence(formcheck("analyze", clip, "-e", "bridge", "--out", locked), "--out")
    finally:
        if locked.parent == tmp_path:
            locked.chmod(0o755)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    place = tmp_path / "small_disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except OSError:  # no such program
        pytest.skip("mounting a small disk is not possible here")
    if done.returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_the_disk_is_full(small_disk: Path, clip: Path) -> None:
    out = small_disk / "results"
    assert_one_sentence(formcheck("analyze", clip, "-e", "bridge", "--out", out), "full", "--out")
    assert not out.exists()


def test_no_file_can_grow_large_enough(clip: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    out = tmp_path / "out"
    run = formcheck("analyze", clip, "-e", "bridge", "--out", out, preexec_fn=limit)
    assert_one_sentence(run, str(out), "--out")
    assert not (out / "summary.json").exists()
    assert not list(out.glob("*.part*"))


# -- what a good run says ------------------------------------------------------------------------------------


def test_json_is_all_there_is_on_standard_output_and_keeps_the_contract(clip: Path, tmp_path: Path) -> None:
    run = formcheck("analyze", clip, "--exercise", "bridge", "--out", tmp_path / "out", "--json")
    assert run.returncode == 0, run.stderr
    summary = json.loads(run.stdout)
    schema = json.loads((ROOT / "docs" / "summary.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(summary, schema)
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == OUTPUTS
    assert summary["reps"] == []  # nobody is in the grey room, and that is a result
    assert any("obody" in warning for warning in summary["warnings"])


def test_a_run_ends_by_saying_where_the_results_are(clip: Path) -> None:
    run = formcheck("analyze", clip, "--exercise", "clam")
    assert run.returncode == 0, run.stderr
    out = clip.with_name("clip.formcheck")
    last = run.stdout.strip().splitlines()[-3:]
    for line, name in zip(last, ("annotated.mp4", "report.html", "summary.json"), strict=True):
        assert line.endswith(str(out / name))
    assert {path.name for path in out.iterdir()} == OUTPUTS


def test_leaving_out_video_and_report_leaves_no_old_ones_behind(clip: Path) -> None:
    out = clip.with_name("clip.formcheck")
    out.mkdir()
    for name in (*OUTPUTS, "notes.txt"):
        (out / name).write_text("old")
    run = formcheck("analyze", clip, "-e", "clam", "--no-video", "--no-report")
    assert run.returncode == 0, run.stderr
    assert "annotated.mp4" not in run.stdout
    assert "report.html" not in run.stdout
    assert {path.name for path in out.iterdir()} == OUTPUTS - {"annotated.mp4", "report.html"} | {"notes.txt"}


def test_the_video_is_only_read(clip: Path) -> None:
    before = (clip.read_bytes(), clip.stat().st_mtime_ns)
    assert formcheck("analyze", clip, "-e", "clam", "--no-video", "--no-report").returncode == 0
    assert (clip.read_bytes(), clip.stat().st_mtime_ns) == before


@pytest.mark.parametrize("command", [("analyze",), ("models", "add")])
def test_help_has_an_example(command: tuple[str, ...]) -> None:
    run = formcheck(*command, "--help")
    assert run.returncode == 0
    assert "Example:" in run.stdout
    assert f"formcheck {' '.join(command)}" in run.stdout.split("Example:")[1]


def test_help_says_what_it_is_not() -> None:
    run = formcheck("--help")
    assert run.returncode == 0
    assert "medical device" in " ".join(run.stdout.split())
    for name in ("analyze", "models"):
        assert name in run.stdout


def test_version_and_models() -> None:
    assert formcheck("--version").stdout.startswith("formcheck 0.")
    listed = formcheck("models", "list")
    assert listed.returncode == 0
    for name in ("full", "lite", "detection"):
        assert name in listed.stdout


def listen_to_ctrl_c() -> None:
    """In the child: programs started in the background of a script are born deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# -- Ctrl-C --------------------------------------------------------------------------------------------------


@pytest.fixture
def long_clip(tmp_path: Path) -> Path:
    """The demo bridge five times over, without encoding it again: a hundred seconds."""
    path = tmp_path / "long.mp4"
    with av.open(str(path), "w") as out:
        stream = None
        start = 0
        for _ in range(5):
            with av.open(str(DEMO)) as source:
                video = source.streams.video[0]
                stream = stream or out.add_stream_from_template(video)
                end = start
                for packet in source.demux(video):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + start, packet.dts + start
                    end = max(end, packet.pts + (packet.duration or 0))
                    packet.stream = stream
                    out.mux(packet)
                start = end
    return path


@pytest.mark.skipif(os.name != "posix", reason="signals are sent differently on Windows")
def test_ctrl_c_leaves_a_readable_part(long_clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["analyze", long_clip, "-e", "bridge", "--model", "lite", "--out", out, "--no-video"]
    process = subprocess.Popen(
        [sys.executable, "-m", "formcheck", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=listen_to_ctrl_c,
    )
    deadline = time.monotonic() + 120
    while not out.exists():  # made just before the video is read
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(6)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)
    assert process.returncode == 130, said  # interrupted, and what was kept is said on standard output
    assert str(out / "summary.json") in said[0].replace("\n", "")
    assert "Traceback" not in said[1]
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["complete"] is False
    assert any("interrupted" in warning for warning in summary["warnings"])
    frames = summary["source"]["frames"]
    assert 0 < frames < 3045
    assert len((out / "frames.csv").read_text().splitlines()) == frames + 1
    assert (out / "report.html").stat().st_size > 0
    with sqlite3.connect(out / "session.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(out.glob("*.part*"))


@pytest.mark.skipif(os.name != "posix", reason="signals are sent differently on Windows")
def test_ctrl_c_at_once_leaves_nothing_that_looks_complete(long_clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "formcheck", "analyze", str(long_clip), "-e", "bridge", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        preexec_fn=listen_to_ctrl_c,
    )
    time.sleep(0.4)  # still starting
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode in (0, 130, -signal.SIGINT)
    assert not list(out.glob("*.part*"))
    summary = out / "summary.json"
    if process.returncode == 130:
        assert said in ("", "Stopped.\n")
    if process.returncode != 0 and summary.exists():
        assert json.loads(summary.read_text(encoding="utf-8"))["complete"] is False
