"""Programmes as the page opens, checks and keeps them: nothing of a file is lost, and no version either."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from asking import Page

from formcheck.exercises.programme import SAID, load_programme
from formcheck.words import said_of

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.formcheck"))
BRIDGE = {"name": "Hips", "patient": "P-1", "exercises": [{"exercise": "bridge", "reps": 8}]}
ODD = """
name = "x"
colour = "red"
since = 2026-11-30
[[exercises]]
exercise = "bridge"
reps = "ten"
[exercises.tempo]
hold = 3
"""


@pytest.fixture
def page(tmp_path: Path) -> Page:
    (tmp_path / "lib").mkdir()
    return Page(tmp_path / "lib")


def root(page: Page) -> Path:
    return page.api.library.root


def read(page: Page, text: str, **headers: str) -> Any:
    return page.post("/api/programmes/read", {"name": "a.formcheck", "text": text}, **headers)


def saved(page: Page, content: Any) -> Any:
    answer = page.post("/api/programmes/save", {"content": content})
    assert answer.status == 200, answer.json()
    return answer.json()


def wrong(page: Page, content: Any, **headers: str) -> dict[str, str]:
    found = page.post("/api/programmes/check", {"content": content}, **headers).json()["mistakes"]
    return {".".join(map(str, one["at"])): one["text"] for one in found}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_is_opened_and_saved_as_it_was(page: Page, file: Path) -> None:
    opened = read(page, file.read_text(encoding="utf-8")).json()
    assert opened["mistakes"] == []
    kept = saved(page, opened["content"])
    before, after = load_programme(file), load_programme(root(page) / kept["place"])
    assert after == before
    assert [e.mark for e in after.exercises] == [e.mark for e in before.exercises]
    assert (root(page) / kept["place"]).read_text(encoding="utf-8") == kept["text"]
    assert page.get(f"/api/programmes/{kept['key']}").json()["content"] == opened["content"]


def test_unknown_and_wrong_entries_are_shown_and_named_not_dropped(page: Page) -> None:
    opened = read(page, ODD).json()
    content = opened["content"]
    assert (content["colour"], content["since"]) == ("red", "2026-11-30")
    assert content["exercises"][0] == {"exercise": "bridge", "reps": "ten", "tempo": {"hold": 3}}
    assert {tuple(one["at"]): one["kind"] for one in opened["mistakes"]} == {
        ("colour",): "unknown",
        ("since",): "unknown",
        ("exercises", 0, "reps"): "whole",
        ("exercises", 0, "tempo", "hold"): "unknown",
    }
    answer = page.post("/api/programmes/save", {"content": content})
    assert answer.status == 422
    assert len(answer.json()["mistakes"]) == 4
    assert not (root(page) / "programmes").exists()


def test_remarks_that_will_be_lost_are_announced(page: Page) -> None:
    plain = 'name = "x"\n[[exercises]]\nexercise = "bridge"\n'
    assert read(page, plain).json()["remarks"] is False
    assert read(page, plain + "# slowly\n").json()["remarks"] is True


def test_what_is_wrong_stands_at_its_field_in_one_sentence_of_either_language(page: Page) -> None:
    content = {
        "name": "",
        "climb": {"full_share": 0.3},
        "exercises": [{"exercise": "clam", "reps": 0, "tempo": {"hold_s": 60.5}}, {"exercise": "brigde"}],
    }
    assert wrong(page, content) == {
        "name": "This must not be empty.",
        "climb.full_share": "At least 50 %, not 30 %.",
        "exercises.0.reps": "At least 1, not 0.",
        "exercises.0.tempo.hold_s": "At most 60, not 60.5.",
    }
    german = wrong(page, content, accept_language="de")
    assert german["climb.full_share"] == "Mindestens 50 %, nicht 30 %."
    assert german["exercises.0.tempo.hold_s"] == "Höchstens 60, nicht 60,5."
    ladder = [{"reps": 12}, {"reps": 12}, {"sets": 4, "band": True}, {}]
    later = {"name": "x", "exercises": [{"exercise": "clam", "ladder": ladder}, {"exercise": "brigde"}]}
    assert wrong(page, later) == {
        "exercises.0.sides": "This exercise needs a side.",
        "exercises.0.ladder.1.reps": "12 is no more than the 12 before.",
        "exercises.0.ladder.2": "A step raises one thing, not sets and band.",
        "exercises.0.ladder.3": "A step must raise something.",
        "exercises.1.exercise": "There is no exercise called “brigde”.",
    }


def test_every_kind_of_mistake_has_its_sentence() -> None:
    assert set(said_of("review.programme.wrong.")) == set(SAID)


def test_the_form_has_the_limits_of_the_file_and_what_each_exercise_can_be_asked(page: Page) -> None:
    form = page.get("/api/programmes").json()["form"]
    assert form["limits"]["step"]["reps"] == {"step": 1, "min": 1, "max": 15}
    assert form["limits"]["exercise"]["rest_s"] == {"step": "any", "min": 0, "max": 900, "usual": 60}
    assert form["limits"]["programme"]["name"] == {"maxlength": 80}
    clam, bridge = form["exercises"]["clam"], form["exercises"]["bridge"]
    assert (clam["side"], bridge["side"]) == (True, False)
    assert (clam["march"], bridge["march"], clam["knee"], bridge["knee"]) == (False, True, False, True)
    assert bridge["faults"]["hip_not_extended"]["grades"] == [15, 25, 35]
    assert bridge["faults"]["lowering_fast"]["falls"] is True
    german = page.get("/api/programmes", accept_language="de").json()["form"]
    assert german["exercises"]["bridge"]["title"] == "Brücke"
    assert list(german["days"].values())[:2] == ["Mo", "Di"]


def test_saving_keeps_every_earlier_version_which_can_be_opened_again(page: Page) -> None:
    for reps in (8, 9, 10):
        kept = saved(
            page, {"name": "Hips", "patient": "P-1", "exercises": [{"exercise": "bridge", "reps": reps}]}
        )
        assert kept["file"] == "P-1.formcheck"
        assert load_programme(root(page) / kept["place"]).exercises[0].reps == reps
    again = saved(page, {**BRIDGE, "exercises": [{"exercise": "bridge", "reps": 10}]})
    assert again["key"] == kept["key"]
    opened = page.get(f"/api/programmes/{kept['key']}").json()
    assert len(opened["earlier"]) == 2  # saving the same again is no new version
    assert all(one["saved"][:10] for one in opened["earlier"])
    before = [page.get(f"/api/programmes/{one['key']}").json() for one in opened["earlier"]]
    assert [one["content"]["exercises"][0]["reps"] for one in before] == [9, 8]
    (listed,) = page.get("/api/programmes").json()["programmes"]
    assert (listed["name"], listed["patient"], listed["count"]) == ("Hips", "P-1", 1)


def test_a_version_is_kept_also_by_a_disk_that_tells_no_time_between_two(page: Page) -> None:
    for reps in range(8, 12):
        kept = saved(page, {**BRIDGE, "exercises": [{"exercise": "bridge", "reps": reps}]})
        os.utime(root(page) / kept["place"], (1_700_000_000, 1_700_000_000))
    opened = page.get(f"/api/programmes/{kept['key']}").json()
    before = [page.get(f"/api/programmes/{one['key']}").json() for one in opened["earlier"]]
    assert [one["content"]["exercises"][0]["reps"] for one in before] == [10, 9, 8]


def test_programmes_and_single_prescriptions_that_lie_in_the_folder_are_listed_and_opened(page: Page) -> None:
    (root(page) / "hips.formcheck").write_text(EXAMPLES[0].read_text(encoding="utf-8"), encoding="utf-8")
    (root(page) / "video.formcheck").mkdir()  # what an analysis leaves is no programme
    (root(page) / "broken.formcheck").write_text("name = \n", encoding="utf-8")
    (root(page) / "prescriptions").mkdir()
    old = 'exercise = "bridge"\nsets = 2\n[faults.head_lifts]\ngrades = [0.2, 0.3, 0.4]\n'
    (root(page) / "prescriptions" / "P-1-bridge.toml").write_text(old, encoding="utf-8")
    rows = {one["place"]: one for one in page.get("/api/programmes").json()["programmes"]}
    assert set(rows) == {"hips.formcheck", "broken.formcheck", "prescriptions/P-1-bridge.toml"}
    assert "line 1" in rows["broken.formcheck"]["problem"]
    assert page.get(f"/api/programmes/{rows['broken.formcheck']['key']}").status == 422
    one = page.get(f"/api/programmes/{rows['prescriptions/P-1-bridge.toml']['key']}").json()
    assert one["content"]["exercises"] == [
        {"exercise": "bridge", "sets": 2, "faults": {"head_lifts": {"grades": [0.2, 0.3, 0.4]}}}
    ]
    assert one["mistakes"] == []
    saved(page, one["content"])
    assert (root(page) / "prescriptions" / "P-1-bridge.toml").read_text(encoding="utf-8") == old


@pytest.mark.parametrize(
    "patient", ["../../evil", "a/b", "CON", "..", "\\\\share\\x", "<b>", "Zoë", "P 1", "x" * 80]
)
def test_a_patients_name_never_becomes_a_path(page: Page, patient: str) -> None:
    kept = saved(page, {**BRIDGE, "patient": patient})
    assert (root(page) / kept["place"]).parent == root(page) / "programmes"
    assert kept["file"].removesuffix(".formcheck").replace("-", "").isalnum()
    assert kept["file"].isascii()
    assert load_programme(root(page) / kept["place"]).patient == patient


def test_two_patients_never_share_a_file(page: Page) -> None:
    names = ["P-1", "P 1", "P/1", "p-1"]  # a disk may not tell large from small letters
    kept = [saved(page, {**BRIDGE, "patient": name})["file"].casefold() for name in names]
    kept.append(saved(page, {"name": "P-1", "exercises": BRIDGE["exercises"]})["file"].casefold())
    assert len(set(kept)) == len(kept)
    assert [saved(page, {**BRIDGE, "patient": name})["file"].casefold() for name in names] == kept[:-1]
    assert not any((root(page) / "programmes" / "earlier").iterdir())


@pytest.mark.parametrize(
    "text",
    [
        "name = ",
        "x" * 200_001,
        "a = " + "[" * 3000 + "]" * 3000,
        "a = " + "[" * 90 + "]" * 90 + "\n[[exercises]]\nexercise = 'bridge'\ntempo = 3",
        "exercises = 3",
        'name = "\ud800"',
        "a = 1" + "0" * 5000,
    ],
    ids=["no value", "huge", "deep", "no table", "no exercises", "half a character", "endless number"],
)
def test_what_no_form_can_show_is_refused_in_one_sentence(page: Page, text: str) -> None:
    for language in ("en", "de"):
        answer = read(page, text, accept_language=language)
        assert answer.status == 422
        problem = answer.json()["problem"]
        assert problem.endswith(".")
        assert "\n" not in problem
        assert len(problem) < 400


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {"\ud800": 1},
        {"name": "\ud800", "exercises": [{"exercise": "bridge"}]},
        {
            "name": 10**4000,
            "exercises": [{"exercise": 3, "reps": 10**4000, "sides": {"a": 1}, "faults": [1]}],
        },
        {"name": "x", "exercises": [3, None, {}]},
        {"name": "x", "exercises": [{"exercise": "bridge", "faults": {"head_lifts": {"grades": [1]}}}]},
        {
            "name": "x",
            "exercises": [{"exercise": "../clam", "ladder": [{"exercise": "\n", "sides": ["up"]}]}],
        },
    ],
)
def test_content_of_any_shape_is_refused_and_nothing_is_written(page: Page, content: Any) -> None:
    for path in ("check", "save"):
        answer = page.post(f"/api/programmes/{path}", {"content": content})
        assert answer.status == (200 if path == "check" and isinstance(content, dict) else 422)
        assert answer.json().get("mistakes") != []
    assert not (root(page) / "programmes").exists()


@pytest.mark.parametrize("missing", ["origin", "x_formcheck"])
def test_no_other_page_can_save(page: Page, missing: str) -> None:
    assert page.post("/api/programmes/save", {"content": BRIDGE}, **{missing: None}).status == 403
    assert not (root(page) / "programmes").exists()


def test_there_is_nothing_at_an_unknown_key(page: Page) -> None:
    assert page.get("/api/programmes/0123456789abcdef").status == 404


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_this_user_can_read_them(page: Page) -> None:
    for reps in (8, 9):
        saved(page, {**BRIDGE, "exercises": [{"exercise": "bridge", "reps": reps}]})
    for folder, _, files in os.walk(root(page) / "programmes"):
        assert os.stat(folder).st_mode & 0o077 == 0
        assert all((Path(folder) / name).stat().st_mode & 0o077 == 0 for name in files)
