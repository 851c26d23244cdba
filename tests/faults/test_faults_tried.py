"""A few tries of each fault; `try_faults.py` does hundreds. Its figures are in docs/reliability.md."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("kills forked processes, which only Linux does well", allow_module_level=True)

import try_faults
from fault_drive import copied, killed_live

from formcheck.coach.voice import spoken
from formcheck.report.write import write_rescored
from formcheck.session.folder import REVIEW, free_folder, make_way_for_database
from formcheck.session.notes import Notes
from formcheck.session.reader import open_session
from formcheck.session.rescore import Yardstick, rescore_by

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", ["live", "analyze", "rescore", "review", "batch", "two-analyses"])
def test_nothing_is_wrong_after_a_few_tries(kind):
    tally = try_faults.run(kind, 2, seed=7)
    assert [text for found in tally.tries for text in found.wrong] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in try_faults.KINDS if kind != "disk-full"])
def test_nothing_is_wrong_after_each_fault(kind):
    tally = try_faults.run(kind, 4, seed=7)
    assert [text for found in tally.tries for text in found.wrong] == []


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed") / "s"
    process = try_faults.child(killed_live, folder)
    process.join()
    (session,) = folder.iterdir()
    return session


def test_a_broken_off_live_session_is_judged_again_and_stays_one(broken_off, tmp_path):
    with open_session(broken_off) as one:
        assert one.summary is None
        frames, facts = len(one.poses().frame), one.meta.live
        write_rescored(rescore_by(one, Yardstick(None, None)), one, tmp_path / "new")
    with open_session(tmp_path / "new") as two:
        assert two.is_live
        assert two.meta.live == facts
        assert len(two.poses().frame) == frames
        assert two.summary is not None
        assert not two.summary.complete


def test_the_log_of_a_killed_recording_is_folded_in_before_its_file_is_replaced(broken_off, tmp_path):
    copy = copied(broken_off, tmp_path / "copy") / "session.sqlite"
    with open_session(copy) as one:
        frames = len(one.poses().frame)
    assert frames > 0
    make_way_for_database(copy)
    assert not copy.with_name("session.sqlite-wal").exists()
    with open_session(copy) as one:
        assert len(one.poses().frame) == frames


def test_a_session_never_needs_a_repair_to_be_read(tmp_path):
    """Killed at any moment, beginning and end included: no journal that a reader would have to roll back."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    code = """
import sys
from pathlib import Path
sys.path[:0] = ["tests/session", "tests"]
from test_store import META, SessionWriter, frame
from make_analysis import make_analysis
analysis = make_analysis(3)
with SessionWriter(Path(sys.argv[1]), META, analysis.definition) as writer:
    writer.append(frame(0))
"""
    path, log = tmp_path / "session.sqlite", tmp_path / "log"
    asked = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=openat",
        "-o",
        str(log),
        sys.executable,
        "-c",
        code,
        str(path),
    ]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=60)
    if "ptrace" in done.stderr:
        pytest.skip("strace is not allowed here")
    assert done.returncode == 0, done.stderr
    text = log.read_text(errors="replace")
    assert "session.sqlite-wal" in text
    assert "session.sqlite-journal" not in text
    assert [p.name for p in tmp_path.iterdir() if p != log] == ["session.sqlite"]


def test_notes_whose_program_was_killed_at_the_first_one_are_empty_not_damaged(tmp_path):
    (tmp_path / REVIEW).touch()
    assert Notes(tmp_path).items() == (0, [])


def test_a_clock_set_back_gives_another_folder(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s_2").mkdir()
    assert free_folder(tmp_path / "s") == tmp_path / "s_3"


def test_only_old_folders_of_killed_voices_go(tmp_path):
    for name in ("formcheck-voice-old", "formcheck-voice-new", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.wav").touch()
    for name in ("formcheck-voice-old", "other"):
        os.utime(tmp_path / name, (1e9, 1e9))
    spoken.remove_stale_folders(tmp_path / "formcheck-voice-new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["formcheck-voice-new", "other"]


def run(code: str) -> subprocess.CompletedProcess[str]:
    # Who runs the tests may ignore these signals (nohup, a job in the background); children inherit that.
    code = (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
    ) + code
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)


def test_ctrl_c_while_modules_are_loaded_is_quiet():
    done = run("""
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "formcheck.cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from formcheck.__main__ import main
main()
""")
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_being_asked_to_stop_is_said_in_a_word(name):
    """The signal comes when the commands are put together, before any of them runs."""
    done = run(f"""
import os, signal
import formcheck.cli.main as cli
cli.typer.main.get_command = lambda app: os.kill(os.getpid(), signal.{name}) or signal.pause()
from formcheck.__main__ import main
main()
""")
    assert (done.returncode, done.stderr) == (130, "Stopped.\n")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_being_asked_to_stop_while_a_command_loads_a_module_is_said_in_a_word(name):
    """In the middle of a compiled module, as ONNX Runtime is, an exception comes out as anything."""
    done = run(f"""
import os, signal, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            os.kill(os.getpid(), signal.{name})
            for _ in range(1000):
                pass
            sys.loading = True
sys.meta_path.insert(0, Interrupt())
import formcheck.cli.main as cli
def loads(app):
    import onnxruntime
    signal.pause()
cli.typer.main.get_command = loads
from formcheck.__main__ import main
try:
    main()
finally:
    assert sys.loading and "onnxruntime" in sys.modules
""")
    assert (done.returncode, done.stderr) == (130, "Stopped.\n")


def test_a_thread_that_hangs_does_not_outlive_the_interpreter():
    """A camera's driver may hang for ever; what was to be said is said, and the status is the command's."""
    done = run("""
import atexit, sys, threading, time
import formcheck.cli.main as cli
def hangs():
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
    atexit.register(print, "tidied")
    sys.stdout.write("said, ")
    sys.exit(2)
cli.main = hangs
from formcheck.__main__ import main
main()
""")
    assert (done.returncode, done.stdout, done.stderr) == (2, "said, tidied\n", "")


def test_an_ignored_hang_up_stays_ignored():
    done = run("""
import os, signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nohup
import formcheck.cli.main as cli
cli.main = lambda: (os.kill(os.getpid(), signal.SIGHUP), print("goes on"))
from formcheck.__main__ import main
main()
""")
    assert done.stdout == "goes on\n"
