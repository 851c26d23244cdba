"""One case for each thing in formcheck that reads what others wrote.

A case may end in two ways: it is read, or it is refused by a `FormcheckError` of one clear sentence (over
HTTP: a status below 500 with a sentence). Everything else is a defect and leaves as an exception.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import socket
import sqlite3
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import seeds
import spoil

from formcheck.errors import FormcheckError

Case = Callable[[random.Random, Path], str]
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")


def check_sentence(text: str) -> None:
    """One line that a person can read."""
    assert text, "an empty sentence"
    assert not _CONTROL.search(text), f"control characters in {text[:300]!r}"
    assert text.endswith((".", "?")), f"no sentence: {text[-200:]!r}"
    assert len(text) <= 1500, f"endless: {text[:200]!r}"
    assert "Traceback" not in text, text[:200]


def tried(action: Callable[[], Any]) -> str:
    """``read`` or ``refused``; anything but a refusal in one sentence is raised."""
    try:
        action()
    except FormcheckError as error:
        check_sentence(str(error))
        return "refused"
    return "read"


# -- videos ----------------------------------------------------------------------------------------------


def _clip(rng: random.Random, folder: Path) -> Path:
    kind, data = rng.choice(seeds.clips())
    if rng.random() < 0.15:
        data = spoil.spliced(rng, data, rng.choice(seeds.clips())[1])
    else:
        data = spoil.bytes_of(rng, data, focus=600)
        if kind in ("mp4", "mov") and rng.random() < 0.5:  # their header is at the end
            data = spoil.bytes_of(rng, data[::-1], focus=900)[::-1]
    path = folder / f"clip.{rng.choice((kind, kind, 'mp4', 'bin'))}"
    path.write_bytes(data)
    return path


def video(rng: random.Random, folder: Path) -> str:
    """`VideoFile`: every picture upright and of one size, times that increase."""
    from formcheck.video.file import VideoFile

    path = _clip(rng, folder)

    def read() -> None:
        with VideoFile(path) as source:
            last = -1.0
            for frame in source:
                assert frame.image.shape == (source.height, source.width, 3)
                assert np.isfinite(frame.time_s)
                assert frame.time_s > last
                last = frame.time_s
                if frame.index > 300:
                    break
            for sentence in source.warnings:
                check_sentence(sentence)
            assert source.fps > 0
            assert source.duration_s is None or np.isfinite(source.duration_s)

    return tried(read)


def clip_source(rng: random.Random, folder: Path) -> str:
    """`ClipSource`, frame by frame; a decoder that dies in its thread must still end the clip."""
    from formcheck.video.clip_camera import ClipSource

    path = _clip(rng, folder)

    def play() -> None:
        source = ClipSource(path, paced=False)
        source.open()
        try:
            for _ in range(40):
                if source.latest(5.0) is None:
                    assert source.state == "ended", "no frame, and not ended"
                    break
            if source.problem:
                check_sentence(source.problem)
        finally:
            source.close()

    return tried(play)


def playable(rng: random.Random, folder: Path) -> str:
    """What the review page does with a video that is dropped on it, up to the pose model."""
    from formcheck.review.jobs import make_playable
    from formcheck.review.recording import video_clock

    path = _clip(rng, folder)
    video_clock(path)
    return tried(lambda: make_playable(path, lambda what, share: None))


# -- TOML ------------------------------------------------------------------------------------------------


def _toml_file(rng: random.Random, folder: Path, good: dict[str, Any]) -> Path:
    path = folder / "own.toml"
    if rng.random() < 0.3:
        path.write_bytes(spoil.bytes_of(rng, spoil.toml_of(good).encode()))
        return path
    table = good
    for _ in range(rng.choice((1, 1, 2, 4))):
        table = spoil.spoilt(rng, table)
        if not isinstance(table, dict):
            table = good
    path.write_text(spoil.toml_of(table), encoding="utf-8", errors="replace")
    return path


def definition(rng: random.Random, folder: Path) -> str:
    """A definition of one's own; one that is taken must be able to judge a session."""
    from formcheck.exercises.definition import load_definition
    from formcheck.session.rescore import rescore

    name = rng.choice(("bridge", "clam", "single-leg-bridge", "bridge"))
    good = seeds.definition_toml(name)
    part = {key: good[key] for key in rng.sample(sorted(good), rng.randrange(1, len(good)))}
    path = _toml_file(rng, folder, part)

    def judge() -> None:
        own = load_definition(name, path)
        if name == "bridge":
            (folder / "session.sqlite").write_bytes(seeds.sessions()["recording"])
            rescore(folder, own)

    return tried(judge)


PRESCRIPTION = {
    "exercise": "bridge", "sets": 3, "reps": 10, "rest_s": 60, "focus_fault": "hip_not_extended", "band": False,
    "tempo": {"rise_s": 2, "hold_s": 3, "lower_s": 3}, "target": {"range": 0.45, "knee_flexion_deg": 110},
    "faults": {"hip_not_extended": {"grades": [20, 30, 40]}},
}  # fmt: skip


def prescription(rng: random.Random, folder: Path) -> str:
    """A prescription, laid over its exercise."""
    from formcheck.exercises.prescription import check_request

    path = _toml_file(rng, folder, PRESCRIPTION)
    return tried(lambda: check_request("bridge", prescription=path))


# -- sessions --------------------------------------------------------------------------------------------


def _use_session(rng: random.Random, path: Path, out: Path) -> None:
    """What is done with a stored session: all of it is read, and two things are made of it."""
    from formcheck.report.export import export_session
    from formcheck.session.compare import changes
    from formcheck.session.load import stored_analysis, summary_of
    from formcheck.session.reader import open_session
    from formcheck.session.replay import replay
    from formcheck.session.rescore import Yardstick, rescore, rescore_by

    with open_session(path) as session:
        outcomes = [
            tried(action)
            for action in (
                lambda: session.definition,
                lambda: session.summary,
                lambda: session.reps,
                lambda: session.events,
                lambda: session.phone,
                lambda: session.warnings,
                lambda: session.time_s,
                lambda: session.measures,
                lambda: session.poses(),
            )
        ]
        uses = (
            lambda: stored_analysis(session),
            lambda: export_session(session, "csv", out / "a.csv"),
            lambda: export_session(session, "json", out / "a.json"),
            lambda: export_session(session, "trc", out / "a.trc"),
            lambda: export_session(session, "mot", out / "a.mot"),
            lambda: changes(summary_of(session), rescore(session).summary),
            lambda: rescore_by(session, Yardstick()),
            lambda: replay(session),
        )
        outcomes += [tried(action) for action in rng.sample(uses, 2)]
    if "refused" in outcomes:
        raise FormcheckError("Refused in part.")


def _session(rng: random.Random, folder: Path) -> Path:
    path = folder / "session.sqlite"
    path.write_bytes(rng.choice(list(seeds.sessions().values())))
    return path


def session_bytes(rng: random.Random, folder: Path) -> str:
    """``session.sqlite`` with spoilt bytes, and now and then a log beside it."""
    path = _session(rng, folder)
    path.write_bytes(spoil.bytes_of(rng, path.read_bytes(), focus=8192))
    if rng.random() < 0.2:
        ending = rng.choice(("-wal", "-journal"))
        magic = b"\x37\x7f\x06\x82" if ending == "-wal" else b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
        path.with_name(path.name + ending).write_bytes(magic + rng.randbytes(rng.choice((0, 28, 600, 5000))))
    return tried(lambda: _use_session(rng, path, folder))


_SCHEMAS = (
    "CREATE VIEW extra AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    "CREATE TRIGGER t AFTER INSERT ON meta BEGIN DELETE FROM frames; END",
    "CREATE TABLE more (a)", "CREATE INDEX i ON frames (phase)", "DROP TABLE events", "DROP TABLE summary",
    "ALTER TABLE frames RENAME TO old", "ALTER TABLE reps ADD COLUMN more TEXT", "DELETE FROM meta",
    "DELETE FROM frames", "DELETE FROM measures", "DELETE FROM summary", "DELETE FROM reps",
    "ALTER TABLE frames ADD COLUMN g AS (frame * 2)", "INSERT INTO summary SELECT json FROM summary",
    "ALTER TABLE measures DROP COLUMN reason", "UPDATE frames SET frame = frame + 1000000000",
    "UPDATE frames SET landmarks = zeroblob(100000000) WHERE frame = 3", "PRAGMA user_version = 99",
    "PRAGMA encoding = 'UTF-16'", "UPDATE frames SET frame = -frame", "UPDATE faults SET rep = rep * 1e12",
)  # fmt: skip
_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"


def _spoil_cells(rng: random.Random, path: Path) -> None:
    from formcheck.session.schema import SUMMED, facts_crc, read_meta, row_crc, table_crc

    db = sqlite3.connect(path, isolation_level=None)
    begun = time.monotonic()
    db.set_progress_handler(
        lambda: int(time.monotonic() - begun > 0.5), 10_000
    )  # its own views may be endless
    try:
        for _ in range(rng.choice((1, 1, 2, 5))):
            with contextlib.suppress(sqlite3.Error, OverflowError, ValueError, TypeError):
                _spoil_cell(rng, db, row_crc)
        if rng.random() < 0.95:
            for part in SUMMED:
                with contextlib.suppress(sqlite3.Error, OverflowError, ValueError, TypeError):
                    db.execute("UPDATE sums SET crc = ? WHERE part = ?", (table_crc(db, part), part))
            with contextlib.suppress(sqlite3.Error, OverflowError, ValueError, TypeError):
                db.execute("UPDATE sums SET crc = ? WHERE part = 'facts'", (facts_crc(read_meta(db)),))
    finally:
        db.close()


def _spoil_cell(rng: random.Random, db: sqlite3.Connection, row_crc: Callable[..., int]) -> None:
    kind = rng.random()
    if kind < 0.1:
        db.execute(rng.choice(_SCHEMAS))
        return
    if kind < 0.12:  # a table becomes an endless view
        name = rng.choice(("meta", "frames", "events", "summary"))
        db.execute(f"ALTER TABLE {name} RENAME TO was_{name}")
        db.execute(f"CREATE VIEW {name} AS {_ENDLESS} SELECT i AS key, i AS value FROM n")
        return
    if kind < 0.4:  # JSON in the meta table and the summary
        rows = db.execute("SELECT key, value FROM meta ORDER BY key LIMIT 99").fetchall()
        if not rows:
            return
        key, text = rng.choice(rows)
        if rng.random() < 0.4:
            new: Any = spoil.scalar(rng)
        else:
            try:
                new = json.dumps(spoil.spoilt(rng, json.loads(text)))
            except (ValueError, TypeError, RecursionError):  # spoilt before, and deep by now
                new = spoil.scalar(rng)
        db.execute("UPDATE meta SET value = ? WHERE key = ?", (new, key))
        if key == "definition" and isinstance(new, str):
            from formcheck.session.schema import definition_hash

            with contextlib.suppress(ValueError, RecursionError):
                db.execute(
                    "UPDATE meta SET value = ? WHERE key = ?", (definition_hash(new), "definition_sha256")
                )
        return
    if kind < 0.5:
        row = db.execute("SELECT json FROM summary").fetchone()
        if row is not None:
            db.execute("UPDATE summary SET json = ?", (json.dumps(spoil.spoilt(rng, json.loads(row[0]))),))
        return
    table = rng.choice(("frames", "frames", "measures", "reps", "faults", "events", "warnings"))
    rows = db.execute(f"SELECT rowid, * FROM {table} LIMIT 999").fetchall()
    if not rows:
        return
    names = [column[1] for column in db.execute(f"PRAGMA table_info({table})")]
    row = list(rng.choice(rows))
    at = rng.randrange(len(names))
    old = row[at + 1]
    if isinstance(old, bytes) and rng.random() < 0.8:
        floats = np.frombuffer(old[: len(old) // 4 * 4], "<f4").copy()
        if rng.random() < 0.7 and floats.size:
            with np.errstate(all="ignore"):
                floats[rng.randrange(floats.size) :: rng.choice((1, 3, 1000))] = np.float32(
                    rng.choice(spoil.FLOATS)
                )
            new = floats.tobytes()
        else:
            new = spoil.bytes_of(rng, old)
    elif isinstance(old, str) and old.startswith("{") and rng.random() < 0.8:
        new = json.dumps(spoil.spoilt(rng, json.loads(old)))
    else:
        new = spoil.scalar(rng)
    row[at + 1] = new
    everywhere = "" if rng.random() < 0.1 else " WHERE rowid = ?"
    db.execute(f"UPDATE {table} SET {names[at]} = ?{everywhere}", (new, row[0]) if everywhere else (new,))
    if names[-1] == "crc" and rng.random() < 0.95:
        for rowid, *cells in db.execute(f"SELECT rowid, * FROM {table}").fetchall():
            db.execute(f"UPDATE {table} SET crc = ? WHERE rowid = ?", (row_crc(cells[:-1]), rowid))


def session_cells(rng: random.Random, folder: Path) -> str:
    """``session.sqlite`` with wrong values and right check sums: what a malicious hand would write."""
    path = _session(rng, folder)
    _spoil_cells(rng, path)
    return tried(lambda: _use_session(rng, path, folder))


def summary(rng: random.Random, folder: Path) -> str:
    """``summary.json`` where `live` looks for earlier sessions and `batch` for what is done."""
    from formcheck.batch.jobs import Job, is_done, read_summary
    from formcheck.coach.start import history_of

    place = folder / "clip.formcheck"
    place.mkdir()
    if rng.random() < 0.4:
        text = spoil.bytes_of(rng, seeds.summary_json().encode())
    else:
        text = json.dumps(spoil.spoilt(rng, json.loads(seeds.summary_json()))).encode("utf-8", "replace")
    (place / "summary.json").write_bytes(text)
    path = place / "session.sqlite"
    path.write_bytes(seeds.sessions()["live"])
    _spoil_cells(rng, path)
    (folder / "clip.mp4").write_bytes(b"")
    os.utime(folder / "clip.mp4", (0, 0))
    job = Job(folder / "clip.mp4", place, "bridge")

    def use() -> None:
        history_of(SimpleNamespace(sessions=folder, patient="P7"), "bridge")
        is_done(job, "0" * 64)
        if read_summary(job) is None:
            raise FormcheckError("Not a summary.")

    return tried(use)


# -- review page -----------------------------------------------------------------------------------------


def check_answer(answer: Any) -> str:
    """Below 500; a refusal says why."""
    assert answer.status < 500, f"status {answer.status}: {answer.body[:300]!r}"
    if answer.status < 400:
        return "read"
    if "json" in answer.headers.get("content-type", ""):
        check_sentence(answer.json()["problem"])
    elif answer.headers.get("content-type", "").startswith("text/plain"):
        text = answer.body.decode()
        assert answer.status in (404, 405) or text.endswith("."), text
    return "refused"


def review_session(rng: random.Random, folder: Path) -> str:
    """A session from anybody, and notes from anybody, opened in the review page: every address of it."""
    from asking import Page

    place = folder / "library" / "a"
    place.mkdir(parents=True)
    path = _session(rng, place)
    what = rng.random()
    if what < 0.6:
        _spoil_cells(rng, path)
    elif what < 0.7:
        path.write_bytes(spoil.bytes_of(rng, path.read_bytes(), focus=8192))
    if rng.random() < 0.4:
        _spoilt_notes(rng, place)
    page = Page(folder / "library")
    rows = page.get("/api/library")
    check_answer(rows)
    key = rows.json()["sessions"][0]["key"] if rows.json()["sessions"] else "0" * 20
    base = f"/api/session/{key}"
    outcomes = [
        check_answer(page.get(f"{base}{rest}"))
        for rest in ("", "/times", "/landmarks?first=0&count=40", "/line/hip_height", "/curves/hip_angle_deg",
                     "/video", "/notes", "/whatif", "/line/nonsense")
    ]  # fmt: skip
    signal = page.get(base)
    if signal.status == 200:
        primary = signal.json()["primary"]
        check_answer(page.get(f"{base}/line/{primary}"))
        check_answer(page.get(f"{base}/curves/{primary}"))
    check_answer(page.post(f"{base}/whatif", {"faults": {"hip_not_extended": {"grades": [1, 2, 3]}}}))
    check_answer(
        page.post(f"{base}/notes", {"id": "comment:9", "base": 0, "data": {"time_s": 1, "text": "a"}})
    )
    check_answer(page.get("/api/agreement"))
    check_answer(page.get("/api/agreement.csv"))
    if rows.json()["sessions"] and (patient := rows.json()["sessions"][0].get("patient_key")):
        check_answer(page.get(f"/api/patient/{patient}"))
    return "refused" if "refused" in outcomes[:3] else "read"


def _spoilt_notes(rng: random.Random, place: Path) -> None:
    from formcheck.session.notes import _ITEM, _VERSION
    from formcheck.session.schema import json_crc

    path = place / "review.sqlite"
    path.write_bytes(seeds.notes())
    if rng.random() < 0.4:
        path.write_bytes(spoil.bytes_of(rng, path.read_bytes(), focus=4096))
        return
    db = sqlite3.connect(path, isolation_level=None)
    with contextlib.suppress(sqlite3.Error, OverflowError, ValueError, TypeError):
        for _ in range(rng.choice((1, 2, 4))):
            rows = db.execute("SELECT id, data FROM items ORDER BY id").fetchall()
            id_, data = rng.choice(rows)
            kind = rng.randrange(6)
            if kind <= 2:
                new: Any = json.dumps(spoil.spoilt(rng, json.loads(data)))
                db.execute("UPDATE items SET data = ? WHERE id = ?", (new, id_))
            elif kind == 3:
                name = rng.choice(("id", "revision", "seq", "data"))
                db.execute(f"UPDATE items SET {name} = ? WHERE id = ?", (spoil.scalar(rng), id_))
            elif kind == 4:
                name = rng.choice(("seq", "id", "revision", "changed", "data"))
                db.execute(f"UPDATE history SET {name} = ?", (spoil.scalar(rng),))
            else:
                db.execute(rng.choice((
                    "CREATE TRIGGER t AFTER INSERT ON items BEGIN DELETE FROM history; END", "DROP TABLE history",
                    f"CREATE VIEW v AS {_ENDLESS} SELECT i FROM n", "DELETE FROM meta",
                    "UPDATE meta SET value = 'formcheck.review/9'")))  # fmt: skip
        for table, columns in (("items", _ITEM), ("history", _VERSION)) if rng.random() < 0.95 else ():
            for *cells, crc in db.execute(f"SELECT {columns}, crc FROM {table}").fetchall():
                db.execute(f"UPDATE {table} SET crc = ? WHERE crc = ?", (json_crc(cells), crc))
    db.close()


def notes(rng: random.Random, folder: Path) -> str:
    """``review.sqlite`` from anybody, read and written to."""
    from formcheck.session.notes import ConflictError, Notes

    _spoilt_notes(rng, folder)
    book = Notes(folder)

    def save() -> None:
        with contextlib.suppress(ConflictError):
            book.save("about", {"patient": "P8", "recorded": ""}, rng.choice((0, 1, 2)))

    outcomes = [tried(book.items), tried(book.standing), tried(save)]
    return "refused" if "refused" in outcomes else "read"


_PAGES: dict[int, tuple[Any, str]] = {}
_NOTE = {"id": "comment:3", "base": 0, "data": {"time_s": 2.5, "text": "slow"}}
_PARTS = ("", "..", "%2e%2e", "%00", "\x00", "a" * 3000, "é", "session.sqlite", "0" * 20, "//", "\\", "api",
          "notes", "static", "app.js", "-1", "*", "{key}", "%ff", "\ud800")  # fmt: skip


def _page(folder: Path) -> tuple[Any, str]:
    """One library for all requests of a process."""
    from asking import Page

    if os.getpid() not in _PAGES:
        root = folder.parent / f"library-{os.getpid()}"
        seeds.fresh(root / "a")
        (root / "a" / "session.sqlite").write_bytes(seeds.sessions()["live"])
        (root / "a" / "video.mp4").write_bytes(dict(seeds.clips())["mp4"])
        page = Page(root)
        _PAGES[os.getpid()] = page, page.get("/api/library").json()["sessions"][0]["key"]
    return _PAGES[os.getpid()]


def _asked(rng: random.Random, key: str) -> tuple[str, str, bytes, dict[str, str | None]]:
    """Method, path with query, body and headers of a request somewhere near a right one."""
    session = f"/api/session/{key}"
    path = rng.choice((
        "/", "/agreement", "/api/library", "/api/agreement", "/api/agreement.csv", session, f"{session}/times",
        f"{session}/line/hip_angle_deg", f"{session}/curves/hip_angle_deg", f"{session}/landmarks",
        f"{session}/video", f"{session}/notes", f"{session}/notes", f"{session}/notes", f"{session}/whatif",
        f"{session}/whatif", "/api/programmes/read", "/api/programmes/check", "/api/programmes/save", "/api/upload", "/api/job/x/cancel", "/api/patient/x",
        "/static/app.js", "/static/", "/nowhere"))  # fmt: skip
    if rng.random() < 0.3:
        parts = path.split("/")
        parts[rng.randrange(len(parts))] = rng.choice(_PARTS)
        path = "/".join(parts)
    if rng.random() < 0.4:
        name = rng.choice(("first", "count", "since", "pass", "exercise", "side", "view", "name", "recorded"))
        path += f"?{name}={rng.choice(('0', '-1', '9' * 9, '9' * 400, 'NaN', '%00', '%ff', 'bridge', '', 'é', '[]'))}"
    if "/api/upload" in path and rng.random() < 0.7:
        path = "/api/upload?exercise=bridge&name=" + rng.choice(
            ("a.mp4", "..%2f..%2fa", "%00", "", "%ed%a0%80")
        )
    programme = {"content": {"name": "x", "exercises": [PRESCRIPTION | {"ladder": [{"reps": 12}]}]}}
    good = _NOTE if path.endswith("notes") else programme if "programmes" in path else PRESCRIPTION
    if rng.random() < 0.75:
        item = spoil.spoilt(rng, good) if rng.random() < 0.9 else good
        body = json.dumps(item).encode()
    else:
        body = rng.choice((b"", b"[" * 100_000, b"{" * 10, b"\xff\xfe", b"null", b"1e999", b"x" * 300_000,
                           b'{"a":' * 30_000, b'{"id": "about\\n", "base": 0, "data": {}}'))  # fmt: skip
    headers: dict[str, str | None] = {}
    if rng.random() < 0.5:
        name = rng.choice(("host", "origin", "sec-fetch-site", "x-formcheck", "content-type", "range",
                           "range", "range", "content-length", "if-none-match", "if-modified-since"))  # fmt: skip
        headers[name] = rng.choice((
            None, "", "x" * 9000, "bytes=0-", "bytes=5-2", "bytes=-5", "bytes=99999999999-", "bytes=0-1,3-4",
            "bytes=-0", "bytes=\xb2-", "null", "evil.example", "127.0.0.1:5123", "http://127.0.0.1:5123", "é",
            "application/json; charset=utf-7", "-1", "a=b; c", "é=é"))  # fmt: skip
    method = rng.choice(
        ("GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "get", "X")
    )
    if path.startswith("/api/events"):
        path = "/api/library"
    return method, path, body, headers


def http(rng: random.Random, folder: Path) -> str:
    """Any request to the review page."""
    page, key = _page(folder)
    method, path, body, headers = _asked(rng, key)
    path = path.encode("utf-8", "replace").decode()
    named = {k.replace("-", "_"): v if v is None else v.encode("latin-1", "replace").decode("latin-1")
             for k, v in headers.items()}  # fmt: skip
    answer = (
        page.post(path, body=body, **named) if method == "POST" else page.ask(method, path, body, **named)
    )
    return check_answer(answer)


_SERVERS: dict[int, tuple[int, str]] = {}


def _server(folder: Path) -> tuple[int, str]:
    """A real review server in this process; its port and key."""
    from formcheck.review.server import serve

    if os.getpid() not in _SERVERS:
        root = folder.parent / f"served-{os.getpid()}"
        seeds.fresh(root / "a")
        (root / "a" / "session.sqlite").write_bytes(seeds.sessions()["live"])
        up = threading.Event()

        def ready(address: str, server: Any) -> None:
            server.install_signal_handlers = lambda: None
            port = int(address.split(":")[2].split("/")[0])
            _SERVERS[os.getpid()] = port, server.config.app.key
            up.set()

        threading.Thread(target=lambda: serve(root, ready=ready), daemon=True).start()
        assert up.wait(20)
        time.sleep(0.3)
    return _SERVERS[os.getpid()]


def http_raw(rng: random.Random, folder: Path) -> str:
    """Bytes sent to the review server's port: broken requests of every kind."""
    port, key = _server(folder)
    method, path, body, headers = _asked(rng, "0" * 20)
    lines = {"Host": f"127.0.0.1:{port}", "X-Formcheck": key, "Content-Length": str(len(body)),
             "Origin": f"http://127.0.0.1:{port}", "Content-Type": "application/json",
             "Connection": "close"}  # fmt: skip
    lines |= {k: v for k, v in headers.items() if v is not None}
    if method == "GET":
        body, lines["Content-Length"] = b"", "0"
    text = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
    data = text.encode("utf-8", "replace") + body
    if rng.random() < 0.6:
        data = spoil.bytes_of(rng, data, focus=400)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        with contextlib.suppress(OSError):
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := link.recv(65536):
                answer += piece
    if not answer:
        return "refused"  # nothing that could be answered had arrived
    status = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    assert status, answer[:200]
    assert int(status[1]) < 500, answer[:400]
    return "read" if int(status[1]) < 400 else "refused"


# -- camera of the network -------------------------------------------------------------------------------


def _stream_bytes(rng: random.Random) -> bytes:
    import cv2

    image = rng.choice((np.zeros((48, 64, 3), np.uint8), np.full((480, 640, 3), 99, np.uint8),
                        np.full((1, 4000), 7, np.uint8)))  # fmt: skip
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=p\r\n\r\n"
    if rng.random() < 0.25:
        head = rng.choice((
            b"HTTP/1.1 302 Found\r\nLocation: http://example.com/\r\n\r\n", b"HTTP/1.1 500 no\r\n\r\n", b"",
            b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n", b"HTTP/9.9 abc\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 401 no\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: image/jpeg\r\n\r\nFFFFFFFF\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 20_000))  # fmt: skip
    parts = b""
    for _ in range(rng.randrange(1, 8)):
        picture = spoil.bytes_of(rng, jpeg, focus=300) if rng.random() < 0.5 else jpeg
        length = rng.choice((len(picture), len(picture), len(picture), 0, 2**31 - 1, -1, 10**15))
        parts += b"--p\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % length + picture + b"\r\n"
    data = head + (rng.choice(seeds.clips())[1] if rng.random() < 0.1 else parts)
    return spoil.bytes_of(rng, data, focus=300) if rng.random() < 0.4 else data


def camera(rng: random.Random, folder: Path) -> str:
    """A hostile camera in the network: whatever it sends, pictures of one size or a sentence."""
    from formcheck.video.camera import Camera

    data = _stream_bytes(rng)
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def answer() -> None:
        while not over.is_set():
            try:
                link, _ = listener.accept()
            except OSError:
                return
            with link, contextlib.suppress(OSError):
                link.settimeout(1)
                link.recv(4096)
                link.sendall(data)

    threading.Thread(target=answer, daemon=True).start()
    source = Camera(f"http://127.0.0.1:{listener.getsockname()[1]}/video")

    def watch() -> None:
        source.open()
        for _ in range(6):
            frame = source.latest(0.05)
            if frame is not None:
                assert frame.image.shape[1::-1] == source.size
                assert frame.image.shape[2] == 3
        if source.problem:
            check_sentence(source.problem)

    try:
        return tried(watch)
    finally:
        over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        source.close()


# -- models ----------------------------------------------------------------------------------------------


def model(rng: random.Random, folder: Path) -> str:
    """A pose model given with ``formcheck models add``."""
    from formcheck.pose import models

    os.environ["FORMCHECK_DATA"] = str(folder / "data")
    kind = rng.random()
    a, b = rng.choice(seeds.tflite_models()), rng.choice(seeds.tflite_models())
    if kind < 0.45:
        path, data = folder / "mine.tflite", spoil.bytes_of(rng, a)
    elif kind < 0.9:
        if rng.random() < 0.5:
            a = spoil.bytes_of(rng, a)
        method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
        path, data = folder / "mine.task", seeds.task_of(a, b, method)
        if rng.random() < 0.8:
            data = spoil.bytes_of(rng, data)
    else:
        path, data = folder / "mine.onnx", spoil.bytes_of(rng, seeds.onnx_model())
    path.write_bytes(data)
    return tried(lambda: models.add_model(path))


def model_folder(rng: random.Random, folder: Path) -> str:
    """A model that lies in the data folder, spoilt after it was added."""
    from formcheck.pose import models

    os.environ["FORMCHECK_DATA"] = str(folder / "data")
    place = folder / "data" / "models" / "mine"
    place.mkdir(parents=True)
    good = {"landmarks.onnx": "0" * 64, "detector.onnx": "0" * 64, "bundle.task": "0" * 64}
    text = json.dumps(good if rng.random() < 0.2 else spoil.spoilt(rng, good)).encode()
    (place / "model.json").write_bytes(text if rng.random() < 0.5 else spoil.bytes_of(rng, text))
    for name in rng.sample(sorted(good), rng.randrange(4)):
        (place / name).write_bytes(rng.randbytes(20)) if rng.random() < 0.8 else (place / name).mkdir()
    models.list_models()
    outcomes = [
        tried(lambda: models.find_model("landmarks", "mine")),
        tried(lambda: models.find_model("detector", "mine")),
        tried(lambda: models.find_bundle("mine")),
    ]
    return "refused" if "refused" in outcomes else "read"


# -- batch -----------------------------------------------------------------------------------------------

_LIST = "video,exercise,side,prescription\na.mp4,bridge,,\nb.mov,clam,left,own.toml\nsub/c.webm,,right,\n"


def batch_list(rng: random.Random, folder: Path) -> str:
    """The list of a batch, up to the first video."""
    from formcheck.batch.jobs import find_jobs, split_done

    text = _LIST
    if rng.random() < 0.5:
        rows = [line.split(",") for line in _LIST.splitlines()]
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice(
            (*spoil.TEXTS, "/", "..", ".", "\\\\x\\y", "/dev/zero", "C:a.mp4")
        )
        text = "\n".join(",".join(row) for row in rows)
    data = text.encode("utf-8", "replace")
    path = folder / "list.csv"
    path.write_bytes(data if rng.random() < 0.4 else spoil.bytes_of(rng, data))

    def plan() -> None:
        for outcome in split_done(find_jobs(path, exercise=rng.choice((None, "bridge"))))[0]:
            if outcome.error:
                check_sentence(outcome.error)

    return tried(plan)


READERS: dict[str, Case] = {
    f.__name__: f
    for f in (video, clip_source, playable, definition, prescription, session_bytes, session_cells, summary,
              review_session, notes, http, http_raw, camera, model, model_folder, batch_list)
}  # fmt: skip
