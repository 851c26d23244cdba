"""What is kept of sessions, listed and deleted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from stored_session import command, judged, noisy_track, store

from formcheck.errors import FormcheckError
from formcheck.session.deletion import delete, kept_at, kept_in, older_than
from formcheck.session.notes import Notes

LIVE = "2026-11-02_09-00-00_bridge"
ANALYSIS = judged(noisy_track())


def stored(folder: Path, *more: str) -> Path:
    """A session with files beside it."""
    store(ANALYSIS, folder)
    for name in more:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 1000)
    return folder


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    stored(
        tmp_path / LIVE,
        "video.mp4",
        "summary.json",
        "analysis/annotated.mp4",
        "export-rep1.mp4",
        "of-mine.pdf",
    )
    Notes(tmp_path / LIVE).save("about", {"patient": "P-1", "recorded": ""}, 0)
    stored(tmp_path / "clip.formcheck")
    (tmp_path / "clip.mp4").write_bytes(b"the clip")
    return tmp_path


def test_all_sessions_are_listed_with_what_is_kept(root, capsys):
    said = command(capsys, "sessions", "list", "--folder", root, "--json")
    rows = {row["session"]: row for row in json.loads(said.out)}
    assert set(rows) == {LIVE, "clip.formcheck"}
    assert rows[LIVE]["kept"] == "video"
    assert rows[LIVE]["exercise"] == "bridge"
    assert rows[LIVE]["repetitions"] == 3
    assert (rows[LIVE]["state"], rows[LIVE]["reviewed"]) in {("faulty", False), ("good", False)}
    assert 0 < rows[LIVE]["checked"] < rows[LIVE]["of"]
    assert rows["clip.formcheck"]["kept"] == "skeleton"
    inside = [path for path in (root / LIVE).rglob("*") if path.is_file()]
    assert rows[LIVE]["bytes"] == sum(path.stat().st_size for path in inside)
    table = command(capsys, "sessions", "list", "--folder", root).out
    assert f"{rows[LIVE]['checked']} of {rows[LIVE]['of']}" in table
    assert "clip.formcheck" in table


def test_a_session_is_deleted_whole_and_the_others_and_the_clip_stay(root, capsys):
    said = command(capsys, "sessions", "delete", LIVE, "--folder", root, "--yes")
    assert said.status == 0, said.err
    assert files(root) == {"clip.mp4", "clip.formcheck", "clip.formcheck/session.sqlite"}
    said = command(capsys, "sessions", "delete", root / "clip.formcheck", "--yes")
    assert said.status == 0, said.err
    assert files(root) == {"clip.mp4"}
    assert (root / "clip.mp4").read_bytes() == b"the clip"


def test_it_asks_first(root, capsys, monkeypatch):
    before = files(root)
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115
    assert command(capsys, "sessions", "delete", "--all", "--folder", root).status == 130
    assert files(root) == before


def test_a_clip_in_the_folder_of_its_results_stays(root, capsys):
    (root / "clip.formcheck" / ANALYSIS.video.name).write_bytes(b"moved here")
    said = command(capsys, "sessions", "delete", "clip.formcheck", "--folder", root, "--yes")
    assert (root / "clip.formcheck" / ANALYSIS.video.name).read_bytes() == b"moved here"
    assert not (root / "clip.formcheck" / "session.sqlite").exists()
    assert ANALYSIS.video.name in said.err


def test_in_a_folder_somebody_chose_only_formchecks_files_go(tmp_path):
    mine = {"tax.pdf", "video.mp4", "notes/letter.txt"}
    folder = stored(
        tmp_path / "Documents", *mine, "summary.json", "frames.csv", "annotated.mp4.part", "report.html",
        "export.pdf", "export-feet_separate.mp4", "review.sqlite-wal",
    )  # fmt: skip
    left = delete(kept_at(folder))
    assert files(folder) == {*mine, "notes"}
    assert {path.name for path in left} == {"tax.pdf", "video.mp4", "notes"}


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: folder.mkdir(),
        lambda folder: (folder.mkdir(), (folder / "session.sqlite").write_bytes(b"something else")),
        lambda folder: (folder.mkdir(), (folder / "summary.json").write_text("{}")),
        lambda folder: folder.symlink_to(stored(folder.with_name("real.formcheck"))),
    ],
    ids=["empty", "not a database", "no session", "a link"],
)
def test_what_is_no_session_is_refused(make, tmp_path, capsys):
    folder = tmp_path / "pictures"
    make(folder)
    before = files(tmp_path)
    said = command(capsys, "sessions", "delete", folder, "--yes")
    assert said.status == 2
    *listed, sentence = said.err.strip().splitlines()
    assert len(listed) <= 1  # what was to be deleted
    assert str(folder) in sentence
    assert "Traceback" not in said.err
    assert files(tmp_path) == before


def test_links_in_a_session_are_removed_and_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("stays")
    folder = stored(tmp_path / "clip.formcheck")
    (folder / "away").symlink_to(precious)
    assert delete(kept_at(folder)) == []
    assert not folder.exists()
    assert (precious / "file").read_text() == "stays"


RECORDS = """
import sys, time
from pathlib import Path
from unittest.mock import patch
sys.path.insert(0, sys.argv[2])
from made import analysed, killed
from formcheck.session.store import SessionWriter
root = Path(sys.argv[1])
def wait(self): print("recording", flush=True); time.sleep(60)
whole = analysed(root / "whole")
with patch.object(SessionWriter, "abandon", wait):
    killed(whole, root / "2026-11-02_10-00-00_bridge")
"""


def test_a_session_being_recorded_is_refused_and_a_killed_one_is_not(tmp_path):
    there = Path(__file__).parents[1] / "review"
    child = subprocess.Popen(
        [sys.executable, "-c", RECORDS, str(tmp_path), str(there)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(there.parents[1]), str(there.parent)])},
    )  # fmt: skip
    folder = tmp_path / "2026-11-02_10-00-00_bridge"
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "recording\n"
        before = files(tmp_path)
        with pytest.raises(FormcheckError, match="being recorded"):
            delete(kept_at(folder))
        assert files(tmp_path) == before
    finally:
        child.kill()
        child.wait()
    assert delete(kept_at(folder)) == []
    assert not folder.exists()


def test_what_a_killed_run_left_can_be_deleted_after_an_hour(tmp_path):
    folder = tmp_path / "2026-11-02_090000_clam_0a1b2c"
    folder.mkdir()
    (folder / "incoming.part").write_bytes(b"half a video")
    assert kept_in(tmp_path) == []  # it may be on its way just now
    with pytest.raises(FormcheckError, match="not the folder of a formcheck session"):
        kept_at(folder)
    old = time.time() - 3700
    for path in (folder / "incoming.part", folder):
        os.utime(path, (old, old))
    (kept,) = kept_in(tmp_path)
    assert kept.what == "video"
    delete(kept)
    assert files(tmp_path) == set()


def test_old_ones_are_those_that_began_long_ago(root):
    (one, _) = kept_in(root)
    now = datetime.now().astimezone()
    assert older_than([one], 1, now) == []
    assert older_than([one], 1, now + timedelta(days=1.1)) == [one]
    assert older_than([one], 3, now + timedelta(days=2.9)) == []


def test_more_than_one_way_of_saying_which_is_refused(root, capsys):
    for words in ([], ["--all", "--older-than", "3"], [LIVE, "--all"]):
        said = command(capsys, "sessions", "delete", *words, "--folder", root, "--yes")
        assert said.status == 2
        assert "Say which sessions" in said.err
    assert (
        "no session called ../x"
        in command(capsys, "sessions", "delete", "../x", "--folder", root, "--yes").err
    )


def test_a_deletion_that_is_broken_off_can_be_done_again(root, monkeypatch):
    unlink, gone = os.unlink, []

    def failing(name: str, **more: int) -> None:
        if len(gone) == 2:
            raise PermissionError(13, "Permission denied", name)
        gone.append(name)
        unlink(name, **more)

    with monkeypatch.context() as patched:
        patched.setattr("formcheck.folder_handle.os.unlink", failing)
        with pytest.raises(FormcheckError, match="close the programs"):
            delete(kept_at(root / LIVE))
    assert (root / LIVE / "session.sqlite").exists()
    delete(kept_at(root / LIVE))
    assert not (root / LIVE).exists()
