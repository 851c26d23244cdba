"""What the server tells of sessions, and what it does with what the physio sends."""

from __future__ import annotations

import io
import json
import shutil
import threading
import time
import zipfile
from pathlib import Path
from urllib.parse import urlencode

import av
import numpy as np
import pytest
from asking import PORT, Page
from made import analysed, as_live, bridges, killed
from waiting import until

from formcheck.analysis.events import KINDS, Event
from formcheck.analysis.findings import findings_of
from formcheck.analysis.recognise import Recognised
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.measures.places import PLACES
from formcheck.review import api, noted
from formcheck.review import jobs as jobs_module
from formcheck.review.describe import attention, happened
from formcheck.review.jobs import make_playable
from formcheck.review.recording import FIRST_BIN, NEXT_BIN
from formcheck.session.folder import REVIEW
from formcheck.session.notes import Notes
from formcheck.session.reader import open_session
from formcheck.video.file import VideoFile
from formcheck.video.writer import VideoWriter
from formcheck.words import speaking


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    one = analysed(root / "one")
    as_live(one, root / "live", patient="P-1", started="2026-11-02T09:00:00+01:00", pain=(2, 3))
    killed(one, root / "killed")
    return root


@pytest.fixture
def page(tmp_path, made):
    shutil.copytree(made, tmp_path / "lib")
    return Page(tmp_path / "lib")


def key_of(page: Page, name: str) -> str:
    return next(s["key"] for s in page.get("/api/library").json()["sessions"] if s["name"] == name)


def session(page: Page, name: str) -> tuple[str, dict]:
    path = f"/api/session/{key_of(page, name)}"
    return path, page.get(path).json()


# -- what is damaged --------------------------------------------------------------------------------------


def test_a_damaged_definition_costs_its_exercise_and_no_more(page, monkeypatch):
    path, before = session(page, "one")

    def load(name, *more):
        if name == "bridge":
            raise FormcheckError("The definition bridge.toml is damaged; install formcheck again.")
        return load_definition(name, *more)

    for module in (api, noted):
        monkeypatch.setattr(module, "load_definition", load)
    library = page.get("/api/library").json()
    assert "bridge.toml is damaged" in library["notice"]
    names = [exercise["name"] for exercise in library["exercises"]]
    assert "clam" in names
    assert "bridge" not in names
    assert {s["name"] for s in library["sessions"]} == {"one", "live", "killed"}
    assert page.get(path).json()["reps"] == before["reps"]
    answer = page.get(f"{path}/whatif")
    assert (answer.status, "bridge.toml is damaged" in answer.json()["problem"]) == (422, True)


# -- deleting ---------------------------------------------------------------------------------------------


def test_a_session_is_deleted_with_its_notes_and_the_others_stay(page):
    root = page.api.library.root
    path, _ = session(page, "live")
    about = {"id": "about", "base": 0, "data": {"patient": "P-9", "recorded": ""}}
    assert page.post(f"{path}/notes", about).status == 200
    assert (root / "live" / REVIEW).exists()
    page.get(f"{path}/times")  # open, as in a page that shows it
    assert page.post(f"{path}/delete", {}).status == 422
    assert (root / "live" / "session.sqlite").exists()
    answer = page.post(f"{path}/delete", {"delete": True})
    assert (answer.status, answer.json()) == (200, {"left": []})
    assert not (root / "live").exists()
    assert {s["name"] for s in page.get("/api/library").json()["sessions"]} == {"one", "killed"}
    assert page.get(path).status == 404
    assert page.post(f"{path}/delete", {"delete": True}).status == 404


@pytest.mark.parametrize("missing", ["origin", "x_formcheck"])
def test_no_other_page_can_delete(page, missing):
    path, _ = session(page, "one")
    assert page.post(f"{path}/delete", {"delete": True}, **{missing: None}).status == 403
    assert (page.api.library.root / "one" / "session.sqlite").exists()


# -- looking ----------------------------------------------------------------------------------------------


def test_the_list_says_what_needs_attention(page, made):
    as_live(made / "one", page.api.library.root / "sore", patient="P-1", started="2026-11-03T09:00:00+01:00",
            pain=(3, 7), stopped="pain")  # fmt: skip
    rows = {s["name"]: s for s in page.get("/api/library").json()["sessions"]}
    assert rows["one"]["attention"] == []
    assert rows["one"]["patient"] == ""
    assert rows["sore"]["attention"] == ["stopped because of pain", "pain up to 7 of 10"]
    assert rows["killed"]["attention"] == ["broke off"]
    assert rows["live"]["patient"] == "P-1"
    faults = sum(len(rep.faults) for rep in bridges().summary.reps)
    assert faults > 2
    assert rows["one"]["undecided"] == faults


def test_a_session_is_described_in_words_with_value_threshold_and_how_sure(page):
    _, info = session(page, "one")
    reps = bridges().summary.reps
    assert [rep["index"] for rep in info["reps"]] == [1, 2, 3, 4]
    fault = next(f for rep in info["reps"] for f in rep["faults"] if f["id"] == "hip_not_extended")
    event = next(f for rep in reps for f in rep.faults if f.id == "hip_not_extended")
    assert fault["value"] == pytest.approx(event.value)
    assert fault["sure"] == event.sure
    assert fault["levels"] == [165.0]
    assert fault["measure"] == "hip_angle_deg"
    assert "15°" in fault["grades_text"]
    assert fault["wording"] == "Hip extension deficit at the top"
    drops = next(f for f in info["faults"] if f["id"] == "pelvis_drops")
    assert not drops["checked"]
    assert drops["why"] == "this camera cannot show it from anywhere"  # not even from its best place
    assert drops["how"] == ""
    knees = next(f for f in info["faults"] if f["id"] == "knees_fall_in")
    assert knees["how"].startswith("Can be checked from the foot end.")
    error = load_definition("bridge").measures["hip_angle_deg"].error["side"]
    assert fault["error"] == f"typically {error:.0f}° from this view"


def test_a_session_says_on_top_what_was_seen_and_how_much_was_looked_at(page):
    _, info = session(page, "one")
    faults = bridges().summary.faults
    checked = sum(told.checked for told in faults.values())
    assert info["state"] == "faulty"
    assert info["coverage"] == f"{checked} of {len(faults)} possible faults checked"
    assert info["verdict"][0] == "4 repetitions: 2 full, 2 partial."
    told = [title for group in info["not_checked"] for title in group["titles"]]
    assert len(told) == len(faults) - checked + 1  # and the curve of the lower back
    _, killed = session(page, "killed")
    assert (killed["state"], killed["verdict"], killed["not_checked"]) == ("unseen", [], [])


def test_graver_and_surer_faults_come_first():
    reps = bridges().summary.reps
    by = sorted(reps, key=attention, reverse=True)
    assert len(by[0].faults) > 0
    assert attention(by[0]) > attention(by[-1])
    assert sum(f.grade for f in by[0].faults) >= sum(f.grade for f in by[-1].faults)


def test_a_curve_comes_with_its_pyramid_and_gaps_stay_gaps(page):
    path, info = session(page, "one")
    with open_session(page.api.library.root / "one") as stored:
        table = stored.measures
    n, name = len(table), info["primary"]
    data = page.get(f"{path}/line/{name}").body
    value = np.frombuffer(data, "<f4", n)
    truth = table.column(name)
    known = np.isfinite(truth)
    np.testing.assert_allclose(value[known], truth[known], rtol=1e-6)
    assert np.isnan(value[~known]).all()
    bins = -(-n // FIRST_BIN)
    low = np.frombuffer(data, "<f4", bins, 4 * n)
    high = np.frombuffer(data, "<f4", bins, 4 * (n + bins))
    for i in range(bins):
        part = value[i * FIRST_BIN : (i + 1) * FIRST_BIN]
        assert low[i] == np.nanmin(part)
        assert high[i] == np.nanmax(part)
    sizes, size = [], n
    for step in [FIRST_BIN] + [NEXT_BIN] * 20:
        size = -(-size // step)
        sizes.append(size)
        if size <= 512:
            break
    assert len(data) == 4 * (n + 2 * sum(sizes)) + n + sum(sizes)
    assert page.get(f"{path}/line/nothing").status == 404


def test_times_and_landmarks_are_those_that_were_measured(page):
    path, _ = session(page, "one")
    times = np.frombuffer(page.get(f"{path}/times").body, "<f8")
    np.testing.assert_array_equal(times, bridges().track.time_s)
    first, count = 100, 40
    data = page.get(f"{path}/landmarks?first={first}&count={count}").body
    xy = np.frombuffer(data, "<f4", count * 66).reshape(count, 33, 2)
    truth = bridges().smooth_xy[first : first + count]
    assert np.abs(xy - truth).max() < 0.02  # a piece is smoothed with its neighbours, not with the whole
    assert len(data) == count * 33 * 9


@pytest.mark.parametrize("query", ["first=-1", "first=x", "first=1e9", "count=9999999999", "first=²"])
def test_odd_numbers_in_an_address_are_one_sentence(page, query):
    path, _ = session(page, "one")
    answer = page.get(f"{path}/landmarks?{query.encode().decode('latin-1')}")
    assert answer.status == 422
    assert answer.json()["problem"].endswith(".")


def test_beyond_the_end_there_is_nothing(page):
    path, _ = session(page, "one")
    assert page.get(f"{path}/landmarks?first=99999&count=10").body == b""


def test_a_live_session_tells_what_was_said_and_felt(page):
    _, info = session(page, "live")
    kinds = {event["kind"] for event in info["events"]}
    assert {"pain", "effort", "cue", "event"} <= kinds
    assert any("Pain before the session: 2 of 10" in event["text"] for event in info["events"])
    assert [s["pain"] for s in info["practice"]["sets"]] == [3, 3]
    assert {rep["set"] for rep in info["reps"]} == {1, 2}


#: Every kind of event, with each word that its data may hold, that a physio is told of.
_HAPPENED = [
    ("consent", {"recording": "video"}), ("consent", {"recording": "skeleton"}),
    ("consent", {"recording": "none"}), ("settled", {"answer": True}), ("settled", {"answer": False}),
    ("settled", {"answer": None}), ("pain", {"value": None, "set": 0}), ("pain", {"value": 2, "set": 1}),
    ("effort", {"value": 4.5, "set": 1}), ("baseline", {}), ("calibrated", {"range": 30.0}),
    ("own_range", {"view": "side", "range": 30.0}), ("set_start", {"set": 1}),
    *(("set_end", {"set": 1, "reason": why}) for why in ("done", "idle", "key", "pain", "stop")),
    ("pause", {}), ("resume", {}), ("cue", {"fault": "hip_not_extended", "text": "Higher"}),
    ("say", {"key": "x", "text": "Good"}), ("stop", {"reason": "pain"}), ("stop", {"reason": "stop"}),
    ("notice", {"text": "No sound."}), ("camera", {"state": "lost"}), ("camera", {"state": "back"}),
    ("phone", {"state": "silent"}), ("shown", {"after_ms": 62}), ("part_over", {}),
]  # fmt: skip


def test_everything_that_happened_is_told_in_both_languages():
    events = [Event(float(i), i, kind, data) for i, (kind, data) in enumerate(_HAPPENED)]
    assert {event.kind for event in events} == set(KINDS) - {"setup"}  # of no use once all is well
    findings = findings_of(bridges())
    english = [event["text"] for event in happened(events, findings)[0]]
    with speaking("de"):
        german = [event["text"] for event in happened(events, findings_of(bridges()))[0]]
    assert len(english) == len(german) == len(set(english)) == len(events)
    assert "Pictures were on the screen after 62 ms" in english
    assert "Satz 1 endet (keine Bewegung mehr)" in german
    own = {"“Good”", "No sound."}  # as they were spoken
    assert [text for text in german if text in set(english) - own] == []


def test_a_killed_session_opens_as_far_as_it_goes(page):
    path, info = session(page, "killed")
    assert not info["ended"]
    assert len(info["reps"]) == 2
    assert len(page.get(f"{path}/times").body) == 8 * (len(bridges().track.time_s) // 2)


def test_time_normalised_curves_keep_their_gaps(page):
    path, info = session(page, "one")
    curves = page.get(f"{path}/curves/{info['primary']}").json()["reps"]
    assert [c["rep"] for c in curves] == [1, 2, 3, 4]
    top = max(v for v in curves[0]["values"] if v is not None)
    assert len(curves[0]["values"]) == 101
    assert top == pytest.approx(info["reps"][0]["peak"][info["primary"]], rel=0.1)


def test_a_video_is_served_in_ranges(page):
    content = bytes(range(256)) * 40
    (page.api.library.root / "one" / "video.mp4").write_bytes(content)
    path = f"/api/session/{key_of(page, 'one')}/video"
    whole = page.get(path)
    assert (whole.status, whole.body) == (200, content)
    for asked, span in {
        "bytes=0-99": (0, 99),
        "bytes=100-": (100, 10239),
        "bytes=-5": (10235, 10239),
        "bytes=5-99999": (5, 10239),
    }.items():
        answer = page.get(path, range=asked)
        assert answer.status == 206
        assert answer.body == content[span[0] : span[1] + 1]
        assert answer.headers["content-range"] == f"bytes {span[0]}-{span[1]}/10240"
    for asked in (
        "bytes=99999-",
        "bytes=9-2",
        "bytes=a-b",
        "bytes=0-1,3-4",
        "lines=0-1",
        "bytes=-",
        "bytes=" + "1" * 5000 + "-",
    ):
        assert page.get(path, range=asked).status == 416
    assert page.ask("HEAD", path).body == b""
    assert page.get(f"/api/session/{key_of(page, 'live')}/video").status == 404


def test_hostile_names_are_only_text(page):
    root = page.api.library.root
    evil = "<img src=x onerror=alert(1)>"
    shutil.copytree(root / "one", root / evil)
    answer = page.get("/api/library")
    assert answer.headers["content-type"] == "application/json"
    assert evil in [s["name"] for s in answer.json()["sessions"]]
    assert evil.encode() not in page.get("/").body


# -- deciding ---------------------------------------------------------------------------------------------


def decide(page, path, fault, verdict, base=0):
    data = {
        "rep": fault["rep"],
        "fault": fault["id"],
        "start_s": fault["start_s"],
        "verdict": verdict,
        "note": "",
    }
    return page.post(
        f"{path}/notes", {"id": f"decision:{fault['rep']}:{fault['id']}", "base": base, "data": data}
    )


def test_a_decision_is_stored_beside_the_session_and_counts_everywhere(page):
    path, info = session(page, "live")
    fault = next(f for rep in info["reps"] for f in rep["faults"])
    before = next(s for s in page.get("/api/library").json()["sessions"] if s["name"] == "live")
    assert decide(page, path, fault, "rejected").status == 200
    assert (page.api.library.root / "live" / REVIEW).exists()
    after = next(s for s in page.get("/api/library").json()["sessions"] if s["name"] == "live")
    assert after["undecided"] == before["undecided"] - 1
    assert page.get(f"{path}/notes").json()["items"][0]["data"]["verdict"] == "rejected"


def test_two_tabs_do_not_overwrite_each_other(page):
    path, info = session(page, "one")
    fault = next(f for rep in info["reps"] for f in rep["faults"])
    first = decide(page, path, fault, "accepted").json()
    assert decide(page, path, fault, "rejected", first["revision"]).status == 200
    answer = decide(page, path, fault, None, first["revision"])
    assert answer.status == 409
    assert answer.json()["current"]["data"]["verdict"] == "rejected"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 90000,
        b'{"id": 1}',
        b'{"id": "comment:1", "base": "0"}',
        b'{"a": "' + b"x" * 300000 + b'"}',
    ],
)
def test_nonsense_in_a_request_is_one_sentence(page, body):
    path, _ = session(page, "one")
    for place in ("notes", "whatif"):
        answer = page.post(f"{path}/{place}", body=body)
        assert answer.status == 422, place
        assert "\n" not in answer.json()["problem"]
    assert page.post(f"{path}/notes", {}, content_type="text/plain").status == 422


def test_agreement_counts_only_what_was_watched_and_could_be_checked(page):
    path, info = session(page, "one")
    for rep in info["reps"]:
        for fault in rep["faults"]:
            decide(
                page,
                path,
                fault,
                "rejected" if fault["id"] == "hip_not_extended" and rep["index"] == 2 else "accepted",
            )
    for index in (1, 2, 3):
        rep = info["reps"][index - 1]
        data = {"rep": index, "start_s": rep["start_s"], "done": True}
        page.post(f"{path}/notes", {"id": f"reviewed:{index}", "base": 0, "data": data})
    data = {"rep": 1, "fault": "head_lifts", "time_s": 3.0, "grade": 1, "note": ""}
    page.post(f"{path}/notes", {"id": "missed:1", "base": 0, "data": data})
    result = page.get("/api/agreement").json()
    assert (result["sessions"], result["reps"]) == (1, 3)
    rows = {row["fault"]: row for row in result["rows"]}
    hip = rows["hip_not_extended"]
    assert (hip["program_only"], hip["both"], hip["reps"]) == (1, 0, 3)
    head = rows["head_lifts"]
    assert (head["physio_only"], head["neither"]) == (1, 2)
    assert head["percent"] == pytest.approx(66.7)
    assert "pelvis_drops" not in rows  # no side view can check it
    lines = page.get("/api/agreement.csv").body.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("exercise,fault,title,reps,both")
    assert len(lines) == 1 + len(rows)


# -- what if ----------------------------------------------------------------------------------------------


def test_the_recorded_thresholds_change_nothing(page):
    path, _ = session(page, "one")
    result = page.post(f"{path}/whatif", {}).json()
    assert result["diff"] == []
    assert result["as_recorded"]


def test_other_thresholds_change_the_faults_at_once(page):
    path, _ = session(page, "one")
    lax = page.post(f"{path}/whatif", {"faults": {"hip_not_extended": {"grades": [80, 90, 100]}}}).json()
    hip = next(f for f in lax["faults"] if f["id"] == "hip_not_extended")
    assert lax["before"]["hip_not_extended"] == 2
    assert hip["reps_affected"] == 0
    assert [(d["rep"], d["now"]) for d in lax["diff"]] == [(2, 0), (4, 0)]
    strict = page.post(f"{path}/whatif", {"tempo": {"lower_s": 4}}).json()
    assert {d["id"] for d in strict["diff"]} == {"lowering_fast"}
    assert sum(f["id"] == "lowering_fast" for rep in strict["reps"] for f in rep["faults"]) == 4
    assert page.post(f"{path}/whatif", {}).json()["diff"] == []


def test_a_time_that_is_emptied_is_not_prescribed_any_more(page):
    path, info = session(page, "one")
    start = page.get(f"{path}/whatif").json()
    assert start["tempo"] == {"rise_s": 2.0, "hold_s": None, "lower_s": 2.0}
    assert start["usual_tempo"] == {"rise_s": None, "hold_s": None, "lower_s": None}
    fast = {
        (rep["index"], f["id"]) for rep in info["reps"] for f in rep["faults"] if f["id"].endswith("_fast")
    }
    assert fast
    emptied = page.post(f"{path}/whatif", {"tempo": {}}).json()
    assert {(d["rep"], d["id"]) for d in emptied["diff"]} == fast
    assert all(d["now"] == 0 for d in emptied["diff"])
    lowering = next(f for f in emptied["faults"] if f["id"] == "lowering_fast")
    assert not lowering["checked"]
    # The times stay, as information.
    assert all(rep["lower_s"] > 0 for rep in emptied["reps"])


def test_where_shoulders_and_feet_are_is_offered_last_and_not_shown_at_first(page):
    _, info = session(page, "one")
    names = [m["name"] for m in info["measures"]]
    aside = {m["name"] for m in info["measures"] if m["aside"]}
    assert aside
    assert aside == set(PLACES) & set(names)
    assert set(names[-len(aside) :]) == aside


def test_ten_minutes_are_judged_again_without_judging_what_did_not_change(page, monkeypatch):
    from formcheck.engine import tracker

    path, _ = session(page, "one")
    page.post(f"{path}/whatif", {})
    asked = []
    real = tracker.judge_rep

    def counting(rep, table, definition, *args, **kwargs):
        asked.append(set(definition.faults))
        return real(rep, table, definition, *args, **kwargs)

    monkeypatch.setattr(tracker, "judge_rep", counting)
    page.post(f"{path}/whatif", {"faults": {"hip_not_extended": {"grades": [20, 30, 40]}}})
    # Twice for each repetition: by the recorded thresholds and by the others, and this one fault only.
    assert asked == [{"hip_not_extended"}] * 4


@pytest.mark.parametrize(
    "asked",
    [
        {"faults": {"hip_not_extended": {"grades": [30, 20, 10]}}},
        {"faults": {"lowering_fast": {"grades": [0.3, 0.5, 0.7]}}},
        {"faults": {"nothing": {"grades": [1, 2, 3]}}},
        {"faults": {"hip_not_extended": {"grades": [1, 2]}}},
        {"exercise": "clam"},
        {"sets": 0},
        {"unknown": 1},
        {"tempo": {"hold_s": "long"}},
    ],
)
def test_what_is_no_prescription_is_refused_in_one_sentence(page, asked):
    path, _ = session(page, "live")
    answer = page.post(f"{path}/whatif", asked)
    assert answer.status == 422
    assert "\n" not in answer.json()["problem"]


# -- videos -----------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch):
    """Analyses no pixels; waits at a gate, so that a test can look while it works."""
    gate = threading.Event()
    gate.set()

    def analyze(video, exercise, *, side, view, progress):
        with VideoFile(video):
            pass
        for i in range(200):
            progress("Looking at the video", i / 200)
            if gate.wait(0.05):
                break
        progress("Looking at the video", 1.0)
        return bridges()

    monkeypatch.setattr(jobs_module, "analyze", analyze)
    return gate


def clip(path: Path, codec: str = "libx264", count: int = 20) -> Path:
    times = [i / 25 + (0.02 if i > 10 else 0) for i in range(count)]
    if codec == "libx264":
        with VideoWriter(path, 64, 48, 25) as writer:
            for i, t in enumerate(times):
                writer.write(np.full((48, 64, 3), 10 * i, np.uint8), t)
        return path
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(count):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * i, np.uint8), format="bgr24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def wait_for(page: Page, *states: str) -> dict:
    deadline = time.monotonic() + 120.0
    while True:
        jobs = page.get("/api/library").json()["jobs"]
        if jobs and all(job["state"] in states for job in jobs):
            return jobs[-1]
        assert time.monotonic() < deadline, jobs
        time.sleep(0.02)


def test_a_dropped_video_becomes_a_session_of_the_patient(page, quick, tmp_path):
    video = clip(tmp_path / "x.mp4").read_bytes()
    query = "name=Anna%20M%C3%BCller.mp4&exercise=bridge&patient=P-7&recorded=2026-10-01"
    assert page.post(f"/api/upload?{query}", body=video).status == 200
    assert wait_for(page, "done", "failed")["state"] == "done"
    (row,) = [s for s in page.get("/api/library").json()["sessions"] if s.get("patient") == "P-7"]
    assert row["date"] == "2026-10-01"
    assert "Anna" not in row["name"]
    info = page.get(f"/api/session/{row['key']}").json()
    assert info["video"]
    assert info["source"] == "Anna Müller.mp4"
    assert page.get(f"/api/session/{row['key']}/video").body == video


@pytest.mark.parametrize("content", [b"", b"no video" * 1000])
def test_what_is_no_video_leaves_nothing_behind(page, quick, content):
    before = {p.name for p in page.api.library.root.iterdir()}
    page.post("/api/upload?name=a.mp4&exercise=bridge", body=content)
    job = wait_for(page, "failed")
    assert job["problem"].endswith(".")
    assert str(page.api.library.root) not in job["problem"]
    assert {p.name for p in page.api.library.root.iterdir()} == before


def test_each_request_is_answered_in_the_language_it_asks_for(page):
    rows = page.get("/api/library").json()["sessions"]
    key = next(row["key"] for row in rows if row["name"] == "one")
    titles = {
        language: page.ask("GET", f"/api/session/{key}", accept_language=language).json()["title"]
        for language in ("de", "en", "fr", "de-DE,de;q=0.9")
    }
    assert titles["de"] == "Brücke"
    assert titles["en"] == titles["fr"] == titles["de-DE,de;q=0.9"] == "Bridge"  # only a page of ours asks so
    problem = page.ask("GET", "/api/session/nothing", accept_language="de").json()["problem"]
    assert problem == "So etwas gibt es hier nicht (mehr)."
    no_key = page.ask("GET", "/api/library", accept_language="de", x_formcheck=None)
    assert no_key.json()["problem"].startswith("Dieser Browser hat keinen Schlüssel")
    report = page.ask(
        "POST", f"/api/session/{key}/report", b'{"format": "html"}', accept_language="de",
        content_type="application/json", origin=f"http://127.0.0.1:{PORT}",
    )  # fmt: skip
    assert '<html lang="de" translate="no">' in report.body.decode()


def test_the_words_of_the_page_are_there_without_a_key(page):
    told = page.ask("GET", "/static/words.json?language=de", x_formcheck=None).json()
    assert told["language"] == "de"
    assert told["languages"] == {"de": "Deutsch", "en": "English"}
    assert told["words"]["frame.help"] == "Hilfe"
    english = page.ask("GET", "/static/words.json?language=", x_formcheck=None).json()
    assert english["language"] == "en"
    assert english["words"].keys() == told["words"].keys()


def test_a_video_waits_until_it_is_said_what_it_shows(page, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs_module, "look", lambda video, progress: Recognised("clam", "left", "likely", 1))
    video = clip(tmp_path / "x.mp4").read_bytes()
    job = page.post("/api/upload?name=a.mp4&recorded=2026-10-01", body=video).json()
    row = wait_for(page, "ready")
    assert [row[name] for name in ("exercise", "side", "sure", "recorded", "key")] == [
        "clam", "left", "likely", "2026-10-01", None,
    ]  # fmt: skip
    wrong = page.post(f"/api/job/{job['id']}/start", {"exercise": "bridge", "side": "left"})
    assert wrong.status == 422
    assert wait_for(page, "ready")["exercise"] == "clam"
    said = {"exercise": "bridge", "side": "", "patient": "P-8", "recorded": "2026-09-30"}
    assert page.post(f"/api/job/{job['id']}/start", said).status == 200
    done = wait_for(page, "done", "failed")
    assert done["state"] == "done"
    (made,) = [s for s in page.get("/api/library").json()["sessions"] if s.get("patient") == "P-8"]
    assert (made["key"], made["date"]) == (done["key"], "2026-09-30")
    assert page.post(f"/api/job/{job['id']}/start", said).status == 404  # only once


def test_the_videos_of_a_zip_file_come_one_by_one(page, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs_module, "look", lambda video, progress: None)
    video = clip(tmp_path / "x.mp4").read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in ("../../out/of/here/one.mp4", "two.mov", "notes.txt"):
            file.writestr(zipfile.ZipInfo(name, (2026, 5, 4, 10, 0, 0)), video)
    before = {p.name for p in page.api.library.root.iterdir()}
    page.post("/api/upload?name=all.zip", body=packed.getvalue())
    wait_for(page, "ready")
    rows = page.get("/api/library").json()["jobs"]
    assert sorted(row["name"] for row in rows) == ["one.mp4", "two.mov"]
    assert {row["recorded"] for row in rows} == {"2026-05-04"}
    assert {row["exercise"] for row in rows} == {""}
    new = {p.name for p in page.api.library.root.iterdir()} - before
    assert len(new) == 2
    assert not list(tmp_path.rglob("one.mp4"))
    for row in rows:
        page.post(f"/api/job/{row['id']}/cancel", {})
    wait_for(page, "cancelled")
    assert {p.name for p in page.api.library.root.iterdir()} == before


def test_a_zip_file_without_videos_is_one_sentence(page, quick):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("a.txt", "nothing")
    before = {p.name for p in page.api.library.root.iterdir()}
    page.post("/api/upload?name=all.zip", body=packed.getvalue())
    assert wait_for(page, "failed")["problem"] == "There is no video and no session in this ZIP file."
    assert {p.name for p in page.api.library.root.iterdir()} == before


def brought(page: Page, folder: Path, **also: bytes) -> dict:
    """Sends a session's files as the page does, and waits for what becomes of them."""
    parts = {p.name: p.read_bytes() for p in folder.iterdir() if p.name in ("session.sqlite", REVIEW)}
    parts |= {name.replace("_", "."): data for name, data in also.items()}
    told = urlencode({"name": folder.name, "parts": json.dumps([[n, len(d)] for n, d in parts.items()])})
    job = page.post(f"/api/upload?{told}", body=b"".join(parts.values())).json()["id"]
    return row_in(page, ("done", "failed"), id=job)


def row_in(page: Page, states: tuple[str, ...], **wanted: str) -> dict:
    """The job with these values, once it is in one of these states."""
    found: list[dict] = []

    def there() -> bool:
        rows = page.get("/api/library").json()["jobs"]
        found[:] = [r for r in rows if r["state"] in states and wanted.items() <= r.items()]
        return bool(found)

    until(there, 120.0, 0.02)
    return found[0]


def names_in(page: Page) -> set[str]:
    return {path.name for path in page.api.library.root.iterdir()}


def test_a_session_folder_is_taken_in_with_its_notes_once(page, tmp_path):
    theirs = analysed(tmp_path / "from the other clinic", bridges(2, seed=5))
    Notes(theirs).save("about", {"patient": "P-44", "recorded": "2026-09-01"}, 0)
    done = brought(page, theirs, video_mp4=b"no real video")
    assert (done["state"], done["name"]) == ("done", theirs.name)
    (row,) = [s for s in page.get("/api/library").json()["sessions"] if s.get("patient") == "P-44"]
    assert (row["key"], row["date"], row["problem"]) == (done["key"], "2026-09-01", None)
    assert page.get(f"/api/session/{row['key']}").json()["video"] is True
    before = names_in(page)
    assert brought(page, theirs)["problem"].startswith("This session is in the list already")
    assert names_in(page) == before


def test_a_session_does_not_wait_for_videos_that_are_watched(page, tmp_path, monkeypatch):
    over = threading.Event()

    def look(video: Path, progress: object) -> None:
        assert over.wait(120)

    monkeypatch.setattr(jobs_module, "look", look)
    page.post("/api/upload?name=a.mp4", body=clip(tmp_path / "x.mp4").read_bytes())
    row_in(page, ("looking",), name="a.mp4")
    assert brought(page, analysed(tmp_path / "s", bridges(2, seed=8)))["state"] == "done"
    assert row_in(page, ("looking",), name="a.mp4")
    over.set()
    video = row_in(page, ("ready",), name="a.mp4")
    page.post(f"/api/job/{video['id']}/cancel", {})
    row_in(page, ("cancelled",), name="a.mp4")


def test_only_a_sound_session_is_taken_in(page, tmp_path):
    before = names_in(page)
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "session.sqlite").write_bytes(b"no session" * 99)
    assert "not a formcheck session" in brought(page, bad)["problem"]
    strange = '[["session.sqlite", 9], ["../../evil", 1]]'
    for parts in (strange, "[]", "{", '[["review.sqlite", 1]]', '[["session.sqlite", -1]]', "[1]", "7"):
        answer = page.post(f"/api/upload?{urlencode({'name': 'x', 'parts': parts})}", body=b"x" * 10)
        assert answer.json()["problem"] == "These files are not those of a session.", parts
    short = urlencode({"name": "short", "parts": '[["session.sqlite", 99]]'})
    page.post(f"/api/upload?{short}", body=b"x")
    assert row_in(page, ("failed",), name="short")["problem"] == "The upload broke off."
    assert names_in(page) == before


def test_a_zip_file_may_hold_sessions_beside_videos(page, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs_module, "look", lambda video, progress: None)
    theirs, video = analysed(tmp_path / "s", bridges(2, seed=6)), clip(tmp_path / "x.mp4").read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.write(theirs / "session.sqlite", "anna/clip.formcheck/session.sqlite")
        file.writestr("anna/clip.formcheck/report.html", "<script>")
        file.writestr("anna/clip.mp4", video)
        file.writestr("anna/other.mp4", video)
    before = names_in(page)
    page.post("/api/upload?name=all.zip", body=packed.getvalue())
    ready = row_in(page, ("ready",), name="other.mp4")
    assert row_in(page, ("done", "failed"), name="clip.formcheck")["state"] == "done"
    root = page.api.library.root
    (made,) = [root / name for name in names_in(page) - before if (root / name / "session.sqlite").exists()]
    assert {p.name for p in made.iterdir()} == {"session.sqlite", "video.mp4"}
    assert (made / "video.mp4").read_bytes() == video
    page.post(f"/api/job/{ready['id']}/cancel", {})
    row_in(page, ("cancelled",), name="other.mp4")


def test_a_job_can_be_cancelled_and_leaves_nothing_behind(page, quick, tmp_path):
    quick.clear()
    before = {p.name for p in page.api.library.root.iterdir()}
    video = clip(tmp_path / "x.mp4").read_bytes()
    job = page.post("/api/upload?name=a.mp4&exercise=bridge", body=video).json()
    wait_for(page, "working")
    assert page.post(f"/api/job/{job['id']}/cancel", {}).status == 200
    wait_for(page, "cancelled")
    assert {p.name for p in page.api.library.root.iterdir()} == before
    assert page.post(f"/api/job/{job['id']}/cancel", {}).status == 200  # off the list
    assert page.get("/api/library").json()["jobs"] == []
    assert page.post("/api/job/nothing/cancel", {}).status == 404


@pytest.mark.parametrize(
    "query", ["exercise=dance", "exercise=bridge&side=left", "exercise=clam&view=moon", "exercise="]
)
def test_an_odd_request_is_refused_before_anything_is_stored(page, query):
    before = {p.name for p in page.api.library.root.iterdir()}
    answer = page.post(f"/api/upload?name=a.mp4&{query}", body=b"x")
    assert answer.status == 422
    assert {p.name for p in page.api.library.root.iterdir()} == before


def test_what_browsers_do_not_play_is_converted_with_its_times(tmp_path):
    source = clip(tmp_path / "a.avi", "mpeg4")
    with VideoFile(source) as video:
        times = [frame.time_s for frame in video]
    source.rename(tmp_path / "incoming.part")
    path = make_playable(tmp_path / "incoming.part", lambda what, share: None)
    assert path.name == "video.mp4"
    with VideoFile(path) as video:
        again = [frame.time_s for frame in video]
    np.testing.assert_allclose(again, times, atol=2e-5)
    assert [p.name for p in tmp_path.iterdir()] == ["video.mp4"]


def test_what_browsers_play_is_kept_bit_for_bit(tmp_path):
    content = clip(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").rename(tmp_path / "incoming.part")
    path = make_playable(tmp_path / "incoming.part", lambda what, share: None)
    assert path.read_bytes() == content


def test_no_video_at_all_is_one_sentence(tmp_path):
    (tmp_path / "incoming.part").write_bytes(json.dumps({}).encode())
    with pytest.raises(FormcheckError):
        make_playable(tmp_path / "incoming.part", lambda what, share: None)
