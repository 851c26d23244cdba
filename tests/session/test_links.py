"""Links in a folder that somebody else made: nothing is written, replaced or deleted through one."""

from __future__ import annotations

import ast
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from stored_session import command, judged, noisy_track, store

import formcheck
from formcheck.errors import FormcheckError
from formcheck.exercises.programme import Programme
from formcheck.files import make_folder
from formcheck.folder_handle import FolderHandle, opener, put_in_place
from formcheck.report.write import write_outputs, write_rescored
from formcheck.review.jobs import clear_left_behind
from formcheck.review.programmes import Programmes
from formcheck.session.deletion import delete, kept_at
from formcheck.session.folder import (
    BATCH_LOCK,
    INCOMING,
    JOB_LOCK,
    NEW,
    OUTPUTS,
    RECORD,
    REPLAYED,
    REVIEW,
    SESSION,
    SIDE_FILES,
    OutputFolder,
    dropped_name,
    replacing,
)
from formcheck.session.folder_lock import LOCK, FolderLock, only_writer
from formcheck.session.notes import Notes
from formcheck.session.reader import open_session
from formcheck.session.recorder import Recorder
from formcheck.session.store import SessionWriter
from formcheck.video.writer import VideoWriter

sys.path.insert(0, str(Path(__file__).parent))
from test_recorder import DEFINITION, meta
from test_recorder import picture as image

posix = pytest.mark.skipif(sys.platform == "win32", reason="making links needs a right there")
ANALYSIS = judged(noisy_track())
ABOUT = {"patient": "P-1", "recorded": ""}


@pytest.fixture(params=["held", "looked at"], autouse=True)
def way(request, monkeypatch) -> str:
    """Relative to a folder that is held open, and as on Windows, where it is looked first."""
    if request.param == "looked at":
        monkeypatch.setattr("formcheck.folder_handle._HELD", False)
    return request.param


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    """A session to copy."""
    return store(ANALYSIS, tmp_path_factory.mktemp("stored") / "session")


@pytest.fixture
def other(tmp_path, stored) -> Iterator[Path]:
    """Another person's session, which is the same afterwards, in a folder with nothing else made in it."""
    folder = Path(shutil.copytree(stored, tmp_path / "other" / "anna.formcheck"))
    Notes(folder).save("about", ABOUT, 0)
    for name in (*OUTPUTS, "video.mp4", f"{REPLAYED}/{SESSION}", "export.csv", "batch_videos.csv"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.write_bytes(b"of Anna")
    before = contents(tmp_path / "other")
    yield folder
    assert contents(tmp_path / "other") == before


@pytest.fixture
def mine(tmp_path, stored) -> Path:
    """A session in a folder from elsewhere."""
    return Path(shutil.copytree(stored, tmp_path / "mine" / "clip.formcheck"))


def contents(root: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(root)): p.read_bytes() if p.is_file() else None for p in root.rglob("*")}


def plant(folder: Path, name: str, other: Path) -> None:
    """A link under a name, to what the other has or would get under that name."""
    path = folder / name
    if path.is_file():
        path.unlink()
    path.symlink_to(other / name)


def tried(work: Callable[[], object]) -> bool:
    """Whether it was done; if not, a sentence says why."""
    try:
        work()
    except FormcheckError as error:
        said = str(error)
    else:
        return True
    assert said.endswith(".")
    return False


# -- every name that a program makes -----------------------------------------------------------------------


@posix
@pytest.mark.parametrize("name", sorted({*RECORD, "export.csv"}))
def test_an_analysis_goes_through_no_link(mine, other, name):
    plant(mine, name, other)
    done = tried(lambda: write_outputs(ANALYSIS, mine, video=False, report=False))
    assert done is (name != LOCK)
    if done:
        assert not (mine / SESSION).is_symlink()
        with open_session(mine) as session:
            assert session.summary is not None
        assert sorted(set(os.listdir(mine)) & {*OUTPUTS, NEW, LOCK}) == [
            "frames.csv",
            SESSION,
            "summary.json",
        ]


@posix
def test_an_analysis_is_not_written_into_another_session(mine, other):
    (mine / NEW).symlink_to(other)
    write_outputs(ANALYSIS, mine, video=False, report=False)
    with open_session(mine) as session:
        assert session.summary is not None


@posix
@pytest.mark.parametrize("name", sorted(RECORD))
def test_judging_again_goes_through_no_link(mine, other, name, capsys):
    plant(mine, name, other)
    said = command(capsys, "rescore", mine, "--in-place")
    assert said.status in (0, 1, 2)
    if said.status:
        assert said.err.strip().endswith(".")
        assert "Traceback" not in said.err
    if name == LOCK:
        assert "is a link" in said.err


@posix
@pytest.mark.parametrize("name", [REVIEW, *(REVIEW + ending for ending in SIDE_FILES)])
def test_notes_go_through_no_link(mine, other, name):
    plant(mine, name, other)
    assert not tried(lambda: Notes(mine).save("about", {"patient": "P-2", "recorded": ""}, 0))


@posix
@pytest.mark.parametrize("name", ["export.csv", "export.csv.part"])
def test_an_export_goes_through_no_link(mine, other, name, capsys):
    plant(mine, name, other)
    said = command(capsys, "export", mine, "--to", "csv")
    assert (said.status == 0) is (name == "export.csv.part"), said.err
    said = command(capsys, "export", mine, "--to", "csv", "--out", mine.parent / "new" / "table.csv")
    assert said.status == 0, said.err


@posix
@pytest.mark.parametrize(
    "name", [*sorted(RECORD - {SESSION}), REPLAYED, "video.mp4", "export.pdf", "of mine"]
)
def test_a_deletion_removes_links_and_not_what_they_lead_to(mine, other, name):
    plant(mine, name, other)
    done = tried(lambda: delete(kept_at(mine)))
    # A link beside the database: the session cannot be opened, and its folder's name says that it is one.
    assert done is (name != LOCK)
    assert mine.exists() is not done


@posix
def test_a_deletion_follows_no_links_in_folders(mine, other):
    (mine / REPLAYED).mkdir()
    (mine / REPLAYED / "deeper").mkdir()
    (mine / REPLAYED / "deeper" / "away").symlink_to(other)
    (mine / REPLAYED / SESSION).symlink_to(other / SESSION)
    delete(kept_at(mine))
    assert not mine.exists()


@posix
@pytest.mark.parametrize(
    "name", [BATCH_LOCK, *(f"batch_{t}.{e}" for t in ("videos", "reps") for e in ("csv", "csv.part"))]
)
def test_a_batch_goes_through_no_link(tmp_path, other, name, capsys):
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / "clip.mp4").write_bytes(b"a video")
    plant(videos, name, other)
    # No leg to choose in this exercise: the tables say so, and nothing is analysed.
    said = command(capsys, "batch", videos, "-e", "bridge", "--side", "left")
    assert ("is a link" in said.err) is (name == BATCH_LOCK), said.err
    if name != BATCH_LOCK:
        assert "clip.mp4" in (videos / "batch_videos.csv").read_text()
        assert not any(path.is_symlink() for path in videos.iterdir() if path.name != name)


@posix
@pytest.mark.parametrize("where", ["clip.formcheck", "sub"])
def test_a_batch_writes_into_no_linked_folder(tmp_path, other, where, capsys):
    videos, out = tmp_path / "videos", tmp_path / "out"
    (videos / "sub").mkdir(parents=True)
    out.mkdir()
    (videos / "sub" / "clip.mp4").write_bytes(b"a video")
    link = out / "sub" if where == "sub" else out / "sub" / where
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(other)
    said = command(capsys, "batch", videos, "-e", "bridge", "--out", out, "--jobs", "1")
    if where == "sub":  # known before anything starts
        assert said.status == 2
        assert "is a link" in said.err
    else:
        assert said.status == 1
        assert "is a link" in (out / "batch_videos.csv").read_text()


@posix
@pytest.mark.parametrize("lead", ["to a folder", "to nothing"])
def test_a_folder_of_results_that_is_a_link_is_refused(tmp_path, other, lead):
    """``clip.formcheck`` beside a clip, ``analysis`` in a live session, a session's folder to be recorded."""
    link = tmp_path / "clip.formcheck"
    link.symlink_to(other if lead == "to a folder" else other / "new")
    with pytest.raises(FormcheckError, match="is a link"):
        OutputFolder(tmp_path / "clip.mp4").prepare()
    assert link.is_symlink()
    with open_session(other) as session, pytest.raises(FormcheckError, match="is a link"):
        write_rescored(ANALYSIS, session, link)
    with pytest.raises(FormcheckError, match="exists"):
        Recorder(link, meta(), DEFINITION, video=False)
    with pytest.raises(FormcheckError, match="link"):
        kept_at(link)


@posix
def test_a_live_session_whose_analysis_is_a_link_is_not_run_again(mine, other, capsys, monkeypatch):
    monkeypatch.setattr("formcheck.session.replay.replay_file", lambda _: ANALYSIS)
    (mine / REPLAYED).symlink_to(other)
    said = command(capsys, "analyze", mine)
    assert said.status == 2
    assert "is a link" in said.err


@posix
@pytest.mark.parametrize("name", ["video.mp4", "video.mp4.part"])
def test_a_video_goes_through_no_link(mine, other, name):
    plant(mine, name, other)
    with VideoWriter(mine / "video.mp4", 160, 120) as video:
        video.write(image(1), 0.0)
    assert not (mine / "video.mp4").is_symlink()
    (mine / "folder").symlink_to(other)
    with pytest.raises(FormcheckError, match="is a link"):
        VideoWriter(mine / "folder" / "video.mp4", 160, 120)


@posix
@pytest.mark.parametrize("name", [SESSION, "new.sqlite"])
def test_a_session_is_recorded_through_no_link(tmp_path, other, name):
    (tmp_path / SESSION).symlink_to(other / name)
    with pytest.raises(FormcheckError):
        SessionWriter(tmp_path / SESSION, meta(), DEFINITION)


@posix
@pytest.mark.parametrize("name", ["", "earlier", "P-1.formcheck", "P-1.formcheck.part"])
def test_a_programme_goes_through_no_link(tmp_path, other, name):
    root = tmp_path / "sessions"
    place = root / "programmes" / name
    place.parent.mkdir(parents=True)
    place.symlink_to(other / name)
    asked = {"name": "x", "patient": "P-1", "exercises": [{"exercise": "bridge"}]}
    done = tried(lambda: Programmes(root).keep(Programme.model_validate(asked)))
    assert done is name.endswith(".part")


@posix
@pytest.mark.parametrize("name", [JOB_LOCK, INCOMING, "video.mp4", "sub"])
def test_what_a_killed_page_left_is_cleared_through_no_link(tmp_path, other, name):
    folder = tmp_path / "sessions" / dropped_name(datetime.now(), "bridge")
    folder.mkdir(parents=True)
    (folder / JOB_LOCK).touch()
    plant(folder, name, other)
    # A lock that leads nowhere counts as none.
    assert clear_left_behind(folder.parent) == (name != JOB_LOCK)
    assert folder.exists() is (name == JOB_LOCK)


@posix
@pytest.mark.parametrize("name", [LOCK, JOB_LOCK, BATCH_LOCK])
def test_a_lock_is_no_link_and_no_pipe(mine, other, name):
    plant(mine, name, other)
    with pytest.raises(FormcheckError, match="is a link"):
        FolderLock(mine, name).take()
    (mine / name).unlink()
    os.mkfifo(mine / name)
    with pytest.raises(FormcheckError, match="no plain file"), only_writer(mine, name):
        pass


# -- where an export goes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", sorted({*RECORD, "video.mp4", "video.webm", INCOMING, "incoming", "video.mp4.part", REPLAYED})
)
def test_an_export_replaces_none_of_a_sessions_own_files(mine, other, name, capsys):
    before = contents(mine)
    for folder in (mine, other):
        said = command(capsys, "export", mine, "--to", "csv", "--out", folder / name)
        assert said.status == 2, said.out
        assert "choose another --out" in said.err or "give the name of a file" in said.err
    assert contents(mine) == before


@posix
def test_an_export_replaces_plain_files_only(mine, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "hard").hardlink_to(mine / SESSION)
    places = [tmp_path / "pipe", tmp_path / "link", tmp_path / "hard", Path("/dev/null"), Path("/dev/stdout")]
    for place in places:
        before = os.lstat(place)
        said = command(capsys, "export", mine, "--to", "csv", "--out", place)
        assert said.status == 2, place
        assert "choose another --out" in said.err
        assert os.path.samestat(os.lstat(place), before)
    (tmp_path / "table.csv").write_text("older")
    (tmp_path / "way").symlink_to(tmp_path)  # the person's own way to the folder
    for place in (tmp_path / "table.csv", tmp_path / "way" / "table.csv", tmp_path / "way" / "summary.json"):
        said = command(capsys, "export", mine, "--to", "csv", "--out", place)
        assert said.status == 0, said.err
        assert str(place) in said.out
        assert place.read_text().startswith("frame")


# -- exchanged while it is written -------------------------------------------------------------------------


@posix
def test_a_file_exchanged_for_a_link_while_it_is_written_is_not_taken(mine, other):
    def write(exchange: str) -> None:
        with replacing(mine / "frames.csv") as part:
            part.unlink()
            if exchange == "link":
                part.symlink_to(other / "frames.csv")

    for exchange in ("link", "nothing"):
        assert not tried(partial(write, exchange))
    with FolderHandle(mine) as folder:
        made = folder.make_file("a.part")
        (mine / "a.part").unlink()
        (mine / "a.part").symlink_to(other / "frames.csv")
        with pytest.raises(FormcheckError, match="exchanged"):
            folder.put_in_place("a.part", "a", made)
    assert not os.path.lexists(mine / "a")
    assert not os.path.lexists(mine / "frames.csv")


@posix
def test_a_folder_exchanged_for_a_link_while_it_is_written_to_is_noticed(mine, other):
    folder = OutputFolder(mine.parent / "clip.mp4")
    folder.prepare()
    away = mine.with_name("moved")
    mine.rename(away)
    mine.symlink_to(other)
    assert not tried(lambda: write_outputs(ANALYSIS, folder, video=False, report=False))
    assert (away / SESSION).exists()


@posix
def test_a_held_folder_stays_the_one_that_was_opened(mine, other, way):
    if way != "held":
        pytest.skip("Windows has no such handles")
    with FolderHandle(mine) as folder:
        mine.rename(mine.with_name("moved"))
        mine.symlink_to(other)
        folder.make_file("new")
        folder.remove("session.sqlite")
        folder.make_folder("sub")
        folder.replace("new", "summary.json")
    assert sorted(os.listdir(mine.with_name("moved"))) == ["sub", "summary.json"]


@posix
@pytest.mark.parametrize("flags", [os.O_RDWR, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_TRUNC])
def test_the_opener_follows_no_link(mine, other, flags):
    plant(mine, "frames.csv", other)
    with pytest.raises(FormcheckError, match="is a link"):
        opener(str(mine / "frames.csv"), flags)
    (mine / "sub").symlink_to(other)
    with pytest.raises(FormcheckError, match="is a link"):
        opener(str(mine / "sub" / "frames.csv"), flags)
    with pytest.raises(FormcheckError, match="is a link"):
        put_in_place(mine / "sub" / "frames.csv", mine / "sub" / "summary.json")


@posix
def test_folders_nested_without_end_are_a_sentence(mine):
    deep = mine
    for _ in range(200):
        deep /= "a"
    make_folder(deep)
    with pytest.raises(FormcheckError, match="cannot be deleted"):
        delete(kept_at(mine))
    assert (mine / SESSION).exists()


# -- nothing else makes, replaces or removes ---------------------------------------------------------------

PACKAGE = Path(formcheck.__file__).parent
#: Calls by which a file is made, replaced or removed by its path.
_BY_PATH = {
    "rename", "unlink", "rmtree", "rmdir", "removedirs", "write_text", "write_bytes", "mkdir", "makedirs",
    "touch", "symlink_to", "hardlink_to", "mkstemp", "mkdtemp", "mkfifo", "NamedTemporaryFile",
    "TemporaryDirectory", "copyfile", "copy2", "copytree", "move", "truncate", "chmod", "imwrite", "tofile",
    "savez",
}  # fmt: skip
_WRITING = ("O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC", "flags")
#: Module: what it may do by path, and why no link of somebody else's can be in the way.
_ALLOWED = {
    "folder_handle.py": ("all of it is relative to a folder that is held", "open mkdir replace rmdir unlink"),
    "files.py": ("folders above a place that a person names", "mkdir"),
    "session/folder.py": ("within opened_by_name", "connect"),
    "session/store.py": ("within opened_by_name", "connect"),
    "session/notes.py": ("within opened_by_name", "connect"),
    "session/reader.py": ("read only", "connect"),
    "video/writer.py": ("FFmpeg opens what was made; put_in_place looks whether it is that still", "open"),
    "coach/voice/voice.py": ("a log that the person names; a private temporary folder",
                             "open write_bytes TemporaryDirectory"),
    "coach/voice/spoken.py": ("a private temporary folder", "rmtree TemporaryDirectory write_bytes"),
    "coach/voice/speaker.py": ("in that folder; standard output", "replace open"),
    "coach/voice/tones.py": ("into memory", "open"),
    "coach/phone/serve.py": ("a private temporary folder", "TemporaryDirectory open unlink"),
    "review/sound.py": ("into memory", "open"),
    "report/shown_moments.py": ("a private temporary folder", "TemporaryDirectory open"),
    "app/contents.py": ("a private temporary folder", "TemporaryDirectory write_text"),
    "app/window.py": ("a private temporary folder", "mkdtemp rmtree"),
    "__main__.py": ("nowhere: os.devnull", "open"),
    "review/send.py": ("a private temporary folder", "TemporaryDirectory"),
    "pose/models.py": ("models in the user's own data folder",
                       "mkdir mkdtemp write_bytes write_text rename rmtree"),
    "pose/convert.py": ("a developer's tool", "mkstemp chmod replace unlink"),
    "pose/scratch_files.py": ("without a name, or in a private temporary folder", "TemporaryFile truncate"),
    "coach/pages/__main__.py": ("a developer's tool", "mkdir imwrite"),
}  # fmt: skip


def by_path(source: str) -> set[str]:
    """Names of the calls in a module that make, replace or remove files by their path."""
    return {
        node.func.attr if isinstance(node.func, ast.Attribute) else "open"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and _is_by_path(node)
    }


def _is_by_path(call: ast.Call) -> bool:
    of, _, name = ast.unparse(call.func).rpartition(".")
    given = [*call.args, *(k.value for k in call.keywords)]
    if name == "open":
        modes = [a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        writes = any(set(mode) <= set("rwxabt+") and set(mode) & set("wxa+") for mode in modes)
        flags = any(flag in ast.unparse(a) for a in given for flag in _WRITING)
        safe = any(k.arg == "opener" and ast.unparse(k.value) == "opener" for k in call.keywords)
        return (writes or flags) and not safe
    return (
        name in _BY_PATH
        or (of == "os" and name in ("remove", "replace", "link", "symlink"))
        or (name == "replace" and len(call.args) == 1 and not call.keywords)  # that of a path
        or (of == "sqlite3" and name == "connect")
    )


def test_nothing_else_makes_replaces_or_removes_files():
    found = {
        str(file.relative_to(PACKAGE).as_posix()): by_path(file.read_text(encoding="utf-8"))
        for file in sorted(PACKAGE.rglob("*.py"))
    }
    beyond = {name: did - set(_ALLOWED.get(name, ("", ""))[1].split()) for name, did in found.items()}
    assert {name: did for name, did in beyond.items() if did} == {}


@pytest.mark.parametrize(
    "line",
    ["os.replace(a, b)", "a.replace(b)", "path.rename(b)", "os.remove(a)", "a.unlink()", "shutil.rmtree(a)",
     "open(a, 'w')", "a.open('xb')", "open(a, mode='a')", "open(a, 'rb+')", "os.open(a, os.O_CREAT)",
     "a.write_text(b)", "a.mkdir()", "sqlite3.connect(a)", "av.open(a, 'w', format='mp4')"],
)  # fmt: skip
def test_the_look_for_others_notices(line):
    assert by_path(line)
    assert not by_path("open(a, 'w', opener=opener); a.replace('a', 'b'); a.open('r'); folder.remove('a')")


def test_files_and_folders_are_as_they_should_without_links(tmp_path):
    with FolderHandle(tmp_path) as folder:
        folder.make_file("a")
        with pytest.raises(FileExistsError):
            folder.make_file("a")
        folder.make_folder("b")
        with folder.folder("b") as inner:
            inner.make_file("c")
            inner.replace("c", "d", folder)
        folder.remove("nothing")
        folder.remove_all("nothing")
        assert folder.names() == ["a", "b", "d"]
        with pytest.raises((IsADirectoryError, PermissionError)):
            folder.remove("b")
        folder.remove_all("b")
        folder.remove("a")
        assert folder.status("a") is None
        assert folder.names() == ["d"]
    with pytest.raises(NotADirectoryError):
        FolderHandle(tmp_path / "d")
    with pytest.raises(FileNotFoundError) as caught:
        FolderHandle(tmp_path / "gone")
    assert caught.value.filename == str(tmp_path / "gone")
