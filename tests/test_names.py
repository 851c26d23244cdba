"""Names of files as people have them, and output that any program can read."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from stored_session import command, judged, noisy_track, store

import formcheck
from formcheck.batch.jobs import Job, Outcome, find_jobs
from formcheck.batch.tables import write_tables
from formcheck.errors import FormcheckError, printable, shown
from formcheck.exercises.definition import EXERCISES, exercise_meant
from formcheck.exercises.prescription import load_prescription
from formcheck.files import sessions_folder
from formcheck.report.export import export_session
from formcheck.session.folder import OutputFolder, results_name
from formcheck.session.load import stored_analysis
from formcheck.session.reader import open_session
from formcheck.video.open import open_source
from formcheck.video.writer import VideoWriter

#: Bytes that are no UTF-8, a control sequence, a turn of direction, a line break, and the longest name.
ODD = [
    b"Br\xfccke.mp4",
    b"e\x1b[31mred.mp4",
    "a\u202e4pm.mp4".encode(),
    b"two\nlines.mp4",
    b"x" * 251 + b".mp4",
]


def as_name(raw: bytes) -> str:
    if sys.platform != "linux":
        pytest.skip("only Linux takes any bytes as a name")
    return os.fsdecode(raw)


def shows_safely(text: str) -> bool:
    odd = "\u202e\u2066"
    return not any(
        ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 or c in odd for c in text
    )


@pytest.mark.parametrize("raw", ODD)
def test_any_name_is_shown_safely_and_stays_itself(raw: bytes) -> None:
    name = raw.decode("utf-8", "surrogateescape")
    assert shows_safely(printable(name))
    assert shows_safely(str(FormcheckError(f"There is no file {name}.")))
    assert printable(b"Br\xfccke".decode("utf-8", "surrogateescape")) == r"Br\xfccke"
    assert printable(b"Br\xfdcke".decode("utf-8", "surrogateescape")) == r"Br\xfdcke"
    assert printable("Brücke für Ödön 橋 🦵") == "Brücke für Ödön 橋 🦵"


@pytest.mark.parametrize("raw", ODD)
def test_a_session_of_any_name_is_stored_and_finds_its_video_again(tmp_path: Path, raw: bytes) -> None:
    video = tmp_path / as_name(raw)
    video.write_bytes(b"video")
    folder = OutputFolder(video)
    folder.prepare()
    formcheck.write_outputs(judged(noisy_track(), video=video), folder, video=False)
    assert sorted(os.listdir(folder.path)) == ["frames.csv", "report.html", "session.sqlite", "summary.json"]
    assert shows_safely(json.loads(folder.summary.read_text(encoding="utf-8"))["source"]["file"])
    assert shows_safely(video.name) or video.name not in folder.report.read_text(encoding="utf-8")
    with open_session(folder.path) as session:
        assert shows_safely(session.meta.source)
        assert stored_analysis(session).video.resolve() == video.resolve()


def test_folders_of_long_names_fit_and_differ() -> None:
    names = ["bridge", "x" * 251, "x" * 250 + "y", "ü" * 130, "橋" * 90 + "\udcfc"]
    folders = [results_name(name) for name in names]
    assert folders[0] == "bridge.formcheck"
    assert all(len(os.fsencode(name)) <= 255 and name.endswith(".formcheck") for name in folders)
    assert len(set(folders)) == len(folders)


@pytest.mark.parametrize("out", ["o" * 300, "a/" * 3000, "nul\0"])
def test_a_folder_that_cannot_be_is_said_before_the_work(tmp_path: Path, out: str) -> None:
    with pytest.raises((FormcheckError, ValueError)) as caught:
        OutputFolder(tmp_path / "a.mp4", tmp_path / out).prepare()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["n" * 300 + ".mp4", "a" * 5000, "", "..", "."])
def test_a_name_that_cannot_be_is_one_sentence(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = command(capsys, "analyze", name, "-e", "bridge")
    assert said.status == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_one_bad_name_never_costs_a_batch_its_tables(tmp_path: Path) -> None:
    for raw in ODD:
        (tmp_path / as_name(raw)).write_bytes(b"no video")
    (tmp_path / "good.mp4").write_bytes(b"no video")
    jobs = find_jobs(tmp_path, exercise="bridge")
    outcomes = [Outcome(job, "failed", f"There is no video at {job.video}.") for job in jobs]
    written = write_tables(outcomes, jobs, tmp_path)
    rows = list(csv.DictReader(written[0].read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(ODD) + 1
    assert all(shows_safely(cell) for row in rows for cell in row.values())
    assert {row["video"] for row in rows} >= {"good.mp4", r"Br\xfccke.mp4"}


def test_tables_of_a_batch_name_nobodys_folders(tmp_path: Path) -> None:
    home = tmp_path / "anna.schmidt"
    (home / "clips").mkdir(parents=True)
    (home / "clips" / "one.mp4").write_bytes(b"no video")
    (tmp_path / "elsewhere").mkdir()
    inside = find_jobs(home, exercise="bridge")
    assert [job.name for job in inside] == [os.path.join("clips", "one.mp4")]
    listed = home / "list.csv"
    outside = tmp_path / "elsewhere" / "two.mp4"
    listed.write_text(f"video\n{outside}\nclips/one.mp4\n", encoding="utf-8")
    jobs = find_jobs(listed, exercise="bridge", out=tmp_path / "results")
    (tmp_path / "results").mkdir()
    tables = write_tables(
        [Outcome(job, "failed", f"No {job.video}.") for job in jobs], jobs, tmp_path / "results"
    )
    for table in tables:
        if table.suffix == ".csv":
            assert "anna" not in table.read_text(encoding="utf-8")
            assert str(tmp_path) not in table.read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_output_is_utf_8_whatever_the_code_page(tmp_path: Path, encoding: str) -> None:
    folder = store(judged(noisy_track(), video=Path("橋 é.mp4")), tmp_path / "橋 é.formcheck")
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    for arguments in (["rescore", str(folder), "--json"], ["export", str(folder), "--to", "csv"]):
        done = subprocess.run(
            [sys.executable, "-m", "formcheck", *arguments], capture_output=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
        said = done.stdout.decode("utf-8")
        assert "橋 é" in (said if "export" in arguments else json.loads(said)[0]["session"])
    done = subprocess.run(
        [sys.executable, "-m", "formcheck", "analyze", "橋.mp4", "-e", "bridge"],
        capture_output=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 2
    assert "There is no file 橋.mp4" in done.stderr.decode("utf-8")


def test_what_the_system_refuses_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (OSError(5, "Input/output error", "/x\x1b"), UnicodeError("no such\nletter"), MemoryError()):

        def fails(*_: object, error: BaseException = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("formcheck.session.reader.open_database", fails)
        monkeypatch.setattr("formcheck.session.reader.os.path.isfile", lambda _: True)
        said = command(capsys, "export", "x.formcheck", "--to", "csv")
        assert said.status == 2
        assert said.err.count("\n") == 1
        assert "\x1b" not in said.err


# -- strings as paths, tables for Excel, names of exercises ----------------------------------------------


def test_strings_are_paths_everywhere(tmp_path: Path) -> None:
    prescription = tmp_path / "p.toml"
    prescription.write_text("reps = 5\n[faults.hip_not_extended]\ngrades = [20, 30, 40]\n", encoding="utf-8")
    strict = tmp_path / "d.toml"
    strict.write_text("[faults.hip_not_extended]\ncue = 'Hips higher'\n", encoding="utf-8")
    assert load_prescription(str(prescription)).reps == 5
    assert formcheck.load_definition("bridge", str(strict)).faults["hip_not_extended"].cue == "Hips higher"
    out = str(tmp_path / "out")
    assert OutputFolder(str(tmp_path / "a.mp4"), out).path == Path(out)
    formcheck.write_outputs(judged(noisy_track()), out, video=False, report=False)
    with formcheck.open_session(out) as session:
        done = export_session(session, "csv", str(tmp_path / "t.csv"))
        assert done.path.is_file()
    clip = str(tmp_path / "clip.mp4")
    VideoWriter(clip, 64, 48).discard()
    with pytest.raises(FormcheckError, match="There is no file"):
        open_source(clip=clip).open()
    with pytest.raises(FormcheckError, match="There is no file"):
        formcheck.analyze(clip, "bridge", prescription=str(prescription))


def test_a_table_for_a_spreadsheet_with_a_decimal_comma(tmp_path: Path) -> None:
    folder = store(judged(noisy_track()), tmp_path / "s.formcheck")
    with open_session(folder) as session:
        usual = export_session(session, "csv").path.read_bytes()
        german = export_session(session, "csv", tmp_path / "g.csv", decimal_comma=True).path.read_bytes()
        with pytest.raises(FormcheckError, match="--to csv"):
            export_session(session, "json", decimal_comma=True)
    assert german.startswith(b"\xef\xbb\xbf")
    assert not usual.startswith(b"\xef\xbb\xbf")
    points = list(csv.reader(usual.decode().splitlines()))
    commas = list(csv.reader(german.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert [[cell.replace(",", ".") for cell in row] for row in commas] == points
    assert any("," in cell for cell in commas[1])


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("glute-bridge", "bridge"),
        ("Glute Bridge", "bridge"),
        ("clamshell", "clam"),
        ("clam shell", "clam"),
        ("single leg bridge", "single-leg-bridge"),
        ("one-legged bridge", "single-leg-bridge"),
        ("hip abduction", "side-lying-abduction"),
        ("brigde", "bridge"),
        ("crunch", None),
        ("squat", None),
        ("plank", None),
    ],
)
def test_the_exercise_that_was_meant_is_suggested(said: str, meant: str | None) -> None:
    assert exercise_meant(said) == meant
    with pytest.raises(FormcheckError) as caught:
        formcheck.load_definition(said)
    assert (f"did you mean '{meant}'?" if meant else "choose one of: clam, bridge") in str(caught.value)


def test_no_two_exercises_share_a_name() -> None:
    names = [n for e in EXERCISES for n in (e, *formcheck.load_definition(e).also_called)]
    assert len(set(names)) == len(names)
    assert names == ["-".join(name.lower().split()) for name in names]
    assert "also_called" not in formcheck.load_definition("clam").model_dump()


def test_a_whole_path_may_be_shown() -> None:
    assert shown(Path("/home/x/\x1b.mp4")) == os.path.join("/home/x", r"\x1b.mp4")
    assert len(shown("d/" * 2000)) == 4000
    assert Job.__dataclass_fields__["name"].default == ""


def test_a_home_that_cannot_be_found_is_no_traceback(monkeypatch):
    for name in ("FORMCHECK_DATA", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, "~nobody/x")
    assert sessions_folder().is_absolute()
