"""The physio's word is the result: a rejected finding is searched for in everything that leaves a session."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from pathlib import Path
from urllib.parse import urlencode

import av
import cv2
import numpy as np
import pytest
from asking import Page
from made import analysed, bridges
from waiting import until

from formcheck.analysis.phrases import in_sentence
from formcheck.cli.main import app
from formcheck.errors import FormcheckError
from formcheck.exercises.definition import load_definition
from formcheck.review import jobs, noted
from formcheck.session.folder import REPORT, REVIEW
from formcheck.session.notes import Notes
from formcheck.video.writer import VideoWriter

FAULT = "hip_not_extended"
TITLE = load_definition("bridge").faults[FAULT].title
MEYER = "A. Meyer"


@pytest.fixture
def page(tmp_path) -> Page:
    analysed(tmp_path / "lib" / "one")
    return Page(tmp_path / "lib")


def path_of(page: Page) -> str:
    return f"/api/session/{page.get('/api/library').json()['sessions'][0]['key']}"


def row(page: Page) -> dict:
    return page.get("/api/library").json()["sessions"][0]


def decision(rep: int, fault: str, **change: object) -> dict:
    same = {"verdict": None, "grade": None, "grade_found": None, "note": "", "start_s": 1.0}
    return {
        "id": f"decision:{rep}:{fault}",
        "base": 0,
        "data": {"rep": rep, "fault": fault} | same | change,
    }


def found_in(fault: str) -> list[int]:
    return [rep.index for rep in bridges().summary.reps if any(e.id == fault for e in rep.faults)]


def reject_all(page: Page) -> str:
    path = path_of(page)
    changes = [decision(rep, FAULT, verdict="rejected", note="Kamera schief") for rep in found_in(FAULT)]
    answer = page.post(f"{path}/notes/many", {"changes": changes, "by": MEYER})
    assert (answer.status, answer.json()["refused"]) == (200, [])
    return path


def test_a_rejected_finding_leaves_list_headline_and_standing(page):
    before = row(page)
    assert FAULT in [fault["id"] for fault in before["top_faults"]]
    path = reject_all(page)
    after = row(page)
    assert FAULT not in [fault["id"] for fault in after["top_faults"]]
    assert after["undecided"] == before["undecided"] - len(found_in(FAULT))
    stands = page.get(f"{path}/standing").json()
    assert in_sentence(TITLE) not in " ".join(stands["verdict"])
    assert FAULT not in [seen["fault"] for seen in stands["seen"]]
    assert any(TITLE in title for clear in stands["clear"] for title in clear["titles"])
    assert {ruling["title"] for ruling in stands["rulings"]} == {TITLE}
    assert all(ruling["said"].startswith(f"Rejected by {MEYER} on 20") for ruling in stands["rulings"])
    told = page.get(path).json()  # the finding itself is still there, to be decided about otherwise
    assert FAULT in [fault["id"] for rep in told["reps"] for fault in rep["faults"]]


def test_a_rejected_finding_is_in_no_export_but_as_rejected(page, tmp_path, invoke):
    reject_all(page)
    folder = page.api.library.root / "one"
    out = {to: tmp_path / f"out.{to}" for to in ("json", "html", "csv")}
    for to, file in out.items():
        invoke("export", str(folder), "--to", to, "--out", str(file))
    told = json.loads(out["json"].read_text(encoding="utf-8"))
    assert FAULT not in [fault["id"] for rep in told["summary"]["reps"] for fault in rep["faults"]]
    assert told["summary"]["faults"][FAULT]["reps_affected"] == 0
    rulings = told["review"]["rulings"]
    assert [(r["rep"], r["kind"], r["by"], r["note"]) for r in rulings] == [
        (rep, "rejected", MEYER, "Kamera schief") for rep in found_in(FAULT)
    ]
    assert all(r["found"]["id"] == FAULT and r["grade"] is None for r in rulings)
    html = out["html"].read_text(encoding="utf-8")
    page_one, _, appendix = html.partition('id="appendix"')
    assert in_sentence(TITLE) not in page_one.partition("<main>")[2]
    assert f"still-{FAULT}" not in html
    assert appendix.count(f"Rejected by {MEYER}") == len(found_in(FAULT))
    assert FAULT not in out["csv"].read_text(encoding="utf-8")
    refused = invoke("export", str(folder), "--to", "mp4", "--fault", FAULT, fails=True)
    assert "was rejected in this session by the physio" in refused


@pytest.fixture
def invoke():
    from typer.testing import CliRunner

    def run(*arguments: str, fails: bool = False) -> str:
        result = CliRunner().invoke(app, arguments)
        assert (result.exit_code != 0) is fails, result.output
        return f"{result.output}{result.exception}"

    return run


def test_report_note_and_feedback_tell_what_stands(page):
    path = reject_all(page)
    folder = page.api.library.root / "one"
    (folder / REPORT).write_text("of before", encoding="utf-8")
    Notes(folder).save("about", {"patient": "P-7", "recorded": "2026-11-02"}, 0)
    Notes(folder).save("comment:1", {"time_s": 2.0, "text": "Schön <b>ruhig</b>"}, 0, MEYER)
    pdf = page.post(f"{path}/report", {"format": "pdf"})
    assert (pdf.status, pdf.headers["content-type"]) == (200, "application/pdf")
    assert pdf.body.startswith(b"%PDF")
    html = page.post(f"{path}/report", {"format": "html"}).body.decode()
    for words in ("P-7", "2026-11-02", f"by {MEYER}", "Schön &lt;b&gt;ruhig&lt;/b&gt;"):
        assert words in html, words
    assert f"by {MEYER}" in (folder / REPORT).read_text(encoding="utf-8")  # none of before the review is left
    note = page.get(f"{path}/note").json()["text"]
    assert note.startswith("P-7 · ")
    assert in_sentence(TITLE) not in note
    assert "Schön <b>ruhig</b>" in note
    asked = {"language": "de", "text": "Weiter so!", "faults": [FAULT, "lowering_fast"], "pictures": False}
    feedback = page.post(f"{path}/feedback", asked).body.decode()
    assert "Weiter so!" in feedback
    assert "Zu schnell abgesenkt" in feedback
    assert "Hüfte nicht ganz" not in feedback  # rejected, whatever was asked for
    assert "P-7" not in feedback
    assert 'src="' not in feedback.replace('src="data:', "")
    assert page.post(f"{path}/report", {"format": "exe"}).status == 422
    assert page.post(f"{path}/feedback", {"language": "../"}).status == 422


def spoken(seconds: float = 1.5, container: str = "webm", codec: str = "libopus") -> bytes:
    """A tone as a browser would have recorded it."""
    out, rate = io.BytesIO(), 48_000
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        wave = 0.3 * np.sin(2 * np.pi * 300 * np.arange(int(seconds * rate)) / rate)
        frame = av.AudioFrame.from_ndarray((32767 * wave).astype(np.int16)[None], "s16", "mono")
        frame.sample_rate = rate
        for piece in av.AudioResampler(stream.format, "mono", rate).resample(frame):
            piece.pts = None
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    return out.getvalue()


def say_at(page, time_s: float | str, **changed: str):
    about = {"time_s": str(time_s), "text": "Heels down.", "by": MEYER, "consent": "yes", **changed}
    audio = {"content_type": "audio/webm;codecs=opus"}
    return page.post(f"{path_of(page)}/voice?{urlencode(about)}", body=spoken(), **audio)


def test_what_is_said_is_kept_with_consent_heard_and_gone_when_it_is_taken_back(page):
    path, folder = path_of(page), page.api.library.root / "one"
    assert say_at(page, 2.0, consent="").json()["problem"].startswith("A voice is kept only after")
    assert say_at(page, "x").status == say_at(page, "nan").status == 422
    silent = page.post(f"{path}/voice?time_s=1&consent=yes", body=b"RIFF", content_type="audio/webm")
    assert silent.json()["problem"] == "Nothing was recorded; try again."
    assert page.post(f"{path}/voice?time_s=1&consent=yes", body=b"x", content_type="text/plain").status == 422
    assert Notes(folder).items()[1] == []
    told = say_at(page, 2.0).json()
    assert "sound" not in told["data"]
    assert told["data"]["seconds"] == pytest.approx(1.5, abs=0.1)
    listed = page.get(f"{path}/notes").json()["items"]
    assert [(i["id"], i["by"], "sound" in i["data"]) for i in listed] == [(told["id"], MEYER, False)]
    heard = page.get(f"{path}/voice/{told['id']}")
    assert heard.headers["content-type"] == "audio/mpeg"
    with av.open(io.BytesIO(heard.body)) as file:
        assert file.streams.audio[0].codec_context.name.startswith("mp3")
    gone = page.post(f"{path}/notes", {"id": told["id"], "base": 1, "data": None})
    assert gone.status == 200
    assert page.get(f"{path}/voice/{told['id']}").status == 404
    kept = b"".join(p.read_bytes() for p in folder.glob(f"{REVIEW}*"))
    assert base64.b64encode(heard.body)[2000:2060] not in kept
    assert Notes(folder).items()[1][0].revision == 2  # that there was one stays


def test_moments_go_back_with_picture_drawing_and_voice_as_they_were_ticked(page):
    path, folder = path_of(page), page.api.library.root / "one"
    voice = say_at(page, 3.0).json()["id"]
    drawing = [[[0.2, 0.2], [0.6, 0.6]]]
    Notes(folder).save("comment:1", {"time_s": 2.0, "text": "Look here", "drawing": drawing}, 0, MEYER)
    Notes(folder).save("comment:2", {"time_s": 4.0, "text": "Between us"}, 0, MEYER)
    asked = {"language": "de", "moments": ["comment:1", voice], "pictures": True}
    text = page.post(f"{path}/feedback", asked).body.decode()
    assert "Look here" in text
    assert "Heels down." in text
    assert "Between us" not in text
    assert text.count('src="data:audio/mpeg;base64,') == 1
    assert text.count('src="data:image/jpeg;base64,') == 2  # no video was kept: the figure
    assert '<a href="#moment-2">Bei 0:03' in text
    with_line, without = re.findall(r"image/jpeg;base64,([^\"]+)", text)
    assert yellow(with_line) > 200
    assert yellow(without) < 20
    bare = page.post(f"{path}/feedback", asked | {"moments": ["comment:2"], "pictures": False}).body.decode()
    assert "data:" not in bare.replace("img-src data:; media-src data:;", "")


def yellow(picture: str) -> int:
    """How many pixels have the colour of what was drawn."""
    image = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_COLOR).astype(int)
    blue, green, red = image[..., 0], image[..., 1], image[..., 2]
    return int(((red > 200) & (green > 150) & (blue < 120)).sum())


def test_a_moment_of_a_session_with_video_is_a_short_clip(tmp_path):
    analysis = bridges()
    folder = analysed(tmp_path / "lib" / "one")
    with VideoWriter(folder / "video.mp4", *analysis.track.image_wh, 25) as video:
        for t in analysis.track.time_s:
            video.write(np.full((*analysis.track.image_wh[::-1], 3), int(10 * t), np.uint8), float(t))
    page = Page(tmp_path / "lib")
    Notes(folder).save("comment:1", {"time_s": 6.0, "text": "Here"}, 0)
    text = page.post(f"{path_of(page)}/feedback", {"moments": ["comment:1"]}).body.decode()
    (clip,) = re.findall(r"video/mp4;base64,([^\"]+)", text)
    with av.open(io.BytesIO(base64.b64decode(clip))) as file:
        pictures = [f.to_ndarray(format="gray") for f in file.decode(video=0)]
    assert len(pictures) == pytest.approx(4 * 25, abs=2)
    assert np.mean(pictures[0]) == pytest.approx(40, abs=6)  # two seconds before
    assert np.mean(pictures[-1]) == pytest.approx(80, abs=6)  # and after


def test_the_film_is_made_of_the_video_that_was_kept_or_says_that_there_is_none(page, tmp_path):
    problem = page.post(f"{path_of(page)}/film", {"blur_face": True})
    assert problem.status == 422
    assert "No video was kept" in problem.json()["problem"]
    analysis = bridges()
    info = analysis.summary.source
    with VideoWriter(tmp_path / "lib" / "one" / "video.mp4", info.width, info.height, info.fps) as video:
        for time_s in analysis.track.time_s:
            video.write(np.full((info.height, info.width, 3), 90, np.uint8), float(time_s))
    made = page.post(f"{path_of(page)}/film", {"blur_face": False})
    assert made.status == 200
    assert made.headers["content-type"] == "video/mp4"
    assert made.body[4:8] == b"ftyp"
    assert not list((tmp_path / "lib" / "one").glob("*film*"))


def test_a_session_can_be_judged_as_another_exercise_and_back(page, tmp_path):
    before = row(page)
    assert page.post(f"{path_of(page)}/again", {"exercise": "bridge"}).json() == {"done": True}
    assert row(page)["top_faults"] == before["top_faults"]  # by its own thresholds
    answer = page.post(f"{path_of(page)}/again", {"exercise": "single-leg-bridge", "side": "left"})
    assert answer.json() == {"done": True}
    after = row(page)
    assert (after["exercise"], after["side"], after["key"]) == ("single-leg-bridge", "left", before["key"])
    assert page.post(f"{path_of(page)}/again", {"exercise": "bridge", "side": "left"}).status == 422
    assert row(page)["exercise"] == "single-leg-bridge"
    assert page.post(f"{path_of(page)}/again", {"exercise": "bridge", "view": ""}).json() == {"done": True}
    again = row(page)
    assert (again["exercise"], again["counts"]) == ("bridge", before["counts"])


def test_where_landmarks_do_not_do_the_video_is_analysed_again(page, tmp_path, monkeypatch):
    asked: list[str] = []

    def analyze(video, exercise, *, side, view, progress):
        asked.append(f"{video.name} {exercise}")
        raise FormcheckError("The camera was asleep.")

    monkeypatch.setattr(jobs, "analyze", analyze)
    video = tmp_path / "lib" / "one" / "video.mp4"
    with VideoWriter(video, 64, 48, 25) as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8), 0.0)
    assert page.post(f"{path_of(page)}/again", {"exercise": "clam"}).json() == {"done": False}
    until(lambda: page.get("/api/library").json()["jobs"][0]["state"] == "failed")
    assert asked == ["video.mp4 clam"]
    assert video.exists()  # what failed costs the session nothing
    assert row(page)["exercise"] == "bridge"


def test_many_decisions_are_saved_at_once_and_none_of_others_is_written_over(page):
    path = path_of(page)
    folder = page.api.library.root / "one"
    first, second = found_in(FAULT)
    kept = decision(first, FAULT, verdict="accepted")
    Notes(folder).save(kept["id"], kept["data"], 0, "B. Kurz")  # in another window, meanwhile
    changes = [decision(rep, FAULT, verdict="rejected") for rep in (first, second)]
    told = page.post(f"{path}/notes/many", {"changes": changes, "by": MEYER}).json()
    assert told["refused"] == [kept["id"]]
    standing = {item.id: item for item in Notes(folder).standing()}
    assert (standing[kept["id"]].data["verdict"], standing[kept["id"]].by) == ("accepted", "B. Kurz")
    assert standing[f"decision:{second}:{FAULT}"].data["verdict"] == "rejected"
    wrong = [decision(1, FAULT), decision(2, "no such name!")]
    assert page.post(f"{path}/notes/many", {"changes": wrong}).status == 422
    assert "decision:1:hip_not_extended" not in {item.id for item in Notes(folder).standing()}


def test_a_session_is_reviewed_once_it_is_decided_and_watched(page):
    path = path_of(page)
    assert row(page)["done"] is False
    decided = [
        decision(rep.index, event.id, verdict="accepted")
        for rep in bridges().summary.reps
        for event in rep.faults
    ]
    watched = [
        {
            "id": f"reviewed:{rep.index}",
            "base": 0,
            "data": {"rep": rep.index, "start_s": rep.start_s, "done": True},
        }
        for rep in bridges().summary.reps
    ]
    page.post(f"{path}/notes/many", {"changes": decided})
    assert (row(page)["done"], row(page)["undecided"]) == (False, 0)  # rejecting all is no review either
    page.post(f"{path}/notes/many", {"changes": watched})
    assert row(page)["done"] is True


def test_what_was_seen_by_eye_is_a_finding_of_its_own(page):
    path = path_of(page)
    before = row(page)["coverage"]
    for rep, answer in ((1, "yes"), (2, "no"), (3, "unclear")):
        look = {"rep": rep, "fault": "pelvis_drops", "time_s": 3.0, "answer": answer}
        note = {"id": f"look:{rep}:pelvis_drops", "base": 0, "data": look}
        assert page.post(f"{path}/notes", note).status == 200
    told = page.get(f"{path}/standing").json()
    (seen,) = [seen for seen in told["seen"] if seen["fault"] == "pelvis_drops"]
    assert seen["detail"] == "1 of 2 repetitions checked (4 counted)"
    checked, total = (int(word) for word in before.split() if word.isdigit())
    assert row(page)["coverage"] == f"{checked + 1} of {total} possible faults checked"


def test_the_worst_moment_of_each_finding_is_told(page):
    moments = page.get(f"{path_of(page)}/moments").json()
    for rep in bridges().summary.reps:
        for event in rep.faults:
            at = moments[f"{rep.index}:{event.id}"]
            assert event.start_s - 0.05 <= at <= event.end_s + 0.05


def test_values_are_told_in_words_with_units(page):
    told = page.get(path_of(page)).json()["reps"][0]
    rep = bridges().summary.reps[0]
    assert told["words"] == (
        f"hip angle {rep.peak['hip_angle_deg']:.0f}°, up {rep.rise_s:.1f} s, hold {rep.hold_s:.1f} s, "
        f"down {rep.lower_s:.1f} s"
    )


def test_the_folder_of_a_report_is_left_as_it_was(page):
    path = path_of(page)
    folder: Path = page.api.library.root / "one"
    before = sorted(p.name for p in folder.iterdir())
    assert page.post(f"{path}/report", {"format": "html"}).status == 200
    assert sorted(p.name for p in folder.iterdir()) == before


def test_notes_that_did_not_change_are_not_read_again(page, monkeypatch):
    path = path_of(page)
    before = row(page)["undecided"]
    monkeypatch.setattr(noted, "Notes", None)  # reading would fail
    assert row(page)["undecided"] == before
    monkeypatch.undo()
    rep = found_in(FAULT)[0]
    Notes(page.api.library.root / "one").save(*saved(decision(rep, FAULT, verdict="rejected")))
    assert row(page)["undecided"] == before - 1
    assert page.get(f"{path}/standing").json()["undecided"] == before - 1


def saved(note: dict) -> tuple:
    return note["id"], note["data"], note["base"]


def test_what_was_seen_by_eye_is_given_out_as_labels_without_a_name_or_a_date(page):
    folder = page.api.library.root / "one"
    rep = bridges().summary.reps[1]
    Notes(folder).save("about", {"patient": "P-7", "recorded": "2026-11-02"}, 0)
    for fault, answer in (("pelvis_drops", "no"), (FAULT, "yes")):
        look = {"rep": rep.index, "fault": fault, "time_s": rep.peak_s, "answer": answer}
        Notes(folder).save(f"look:{rep.index}:{fault}", look, 0, MEYER)
    assert page.get("/api/agreement").json()["by_eye"] == 2
    assert page.post("/api/labels", {}).status == 422
    text = page.post("/api/labels", {"agreed": True}).body.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    found = next(e for e in rep.faults if e.id == FAULT)
    told = {r["fault"]: (r["session"], r["rep"], r["answer"], r["program_grade"]) for r in rows}
    assert told == {"pelvis_drops": ("1", "2", "no", ""), FAULT: ("1", "2", "yes", str(found.grade))}
    assert float(rows[0]["peak_s"]) == rep.peak_s
    assert not any(word in text for word in ("P-7", "2026", MEYER))
