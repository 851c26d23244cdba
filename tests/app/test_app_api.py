"""What the app's pages ask and are answered, without a browser; what they start only waits."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import PORT, Page
from live_session import MadeCamera
from made import analysed
from PIL import Image
from waiting import until

from formcheck.app.api import AppApi, room_arguments
from formcheck.app.contents import bring_programme
from formcheck.app.settings import Settings, load_settings, save_settings
from formcheck.app.viewfinder import Viewfinder
from formcheck.coach.pages.sketch import PERIOD_S
from formcheck.files import sessions_folder
from formcheck.review.security import HEADER, Guard
from formcheck.session.days import Agreed, Day, DayBook, PartDone, SetDone

TODAY = date(2026, 11, 30)  # a Monday
PROGRAMME = """
name = "Hips"
patient = "P-07"
[[exercises]]
exercise = "clam"
sides = ["left", "right"]
sets = 2
reps = 10
[[exercises]]
exercise = "bridge"
sets = 1
reps = 8
[[exercises.ladder]]
reps = 10
"""


class AppPage(Page):
    """A page of the app, with its key.

    Args:
        command: what is started in place of formcheck.
        camera: see `AppApi`.
    """

    def __init__(self, command: list[str], camera: Callable[[str | None], Any]) -> None:
        self.api = AppApi(exercise_command=command, camera=camera, today=lambda: TODAY)  # type: ignore[assignment]
        self.app = Guard(self.api.app(), PORT)
        self.headers = {
            "host": f"127.0.0.1:{PORT}",
            HEADER: self.app.key,
            "sec-fetch-site": "same-origin",
        }

    @property
    def exercising(self) -> bool:
        return bool(self.get("/api/state").json()["exercising"])


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    return tmp_path / "data"


@pytest.fixture
def waits(tmp_path: Path) -> list[str]:
    """Writes down its arguments and waits to be ended; a clam it cannot do."""
    script = tmp_path / "waits.py"
    script.write_text(
        textwrap.dedent(f"""
        import json, os, sys, time
        if "clam" in sys.argv:
            print("a warning\\nThe camera is on the moon.", file=sys.stderr)
            sys.exit(2)
        with open({str(tmp_path / "part")!r}, "w") as file:
            json.dump(sys.argv[1:], file)
        os.replace({str(tmp_path / "part")!r}, {str(tmp_path / "told.json")!r})
        time.sleep(600)
        """)
    )
    return [sys.executable, str(script)]


@pytest.fixture
def camera() -> MadeCamera:
    return MadeCamera([0.0, 0.1, 0.2])


@pytest.fixture
def page(waits: list[str], camera: MadeCamera) -> Iterator[AppPage]:
    made = AppPage(waits, lambda which: camera)
    yield made
    made.api.exercising.end()
    made.api.close()


def told(tmp_path: Path) -> list[str]:
    """What the exercise window was started with."""
    until((tmp_path / "told.json").exists, 120, every_s=0.05)
    return list(json.loads((tmp_path / "told.json").read_text()))


def book() -> DayBook:
    """The days of the programme, which is taken in."""
    name, programme = bring_programme(PROGRAMME, "hips.formcheck")
    save_settings(load_settings().changed({"programme": name}))
    return DayBook(programme)


def day(on: str, counted: int = 8, **more: object) -> Day:
    programme = bring_programme(PROGRAMME, "hips.formcheck")[1]
    bridge = programme.exercises[1]
    part = PartDone(
        exercise="bridge", mark=bridge.mark, asked_sets=1, asked_reps=8,
        sets=(SetDone(counted=counted, full=counted),),
    )  # fmt: skip
    content = {"date": on, "started": f"{on}T10:00:00+01:00", "kept": "numbers", "parts": (part,)}
    return Day.model_validate(content | more)


# -- the programme and today ---------------------------------------------------------------------------------


def test_without_a_programme_today_asks_for_one_and_nothing_is_written(page: AppPage, data: Path) -> None:
    assert page.get("/api/today").json() == {"programme": None}
    assert page.get("/api/progress").json()["days"] == []
    assert not data.exists()


def test_a_programme_that_was_opened_is_today_until_another_one_is(page: AppPage) -> None:
    assert page.post("/api/programme", {"text": PROGRAMME, "name": "h.formcheck"}).json() == {"name": "Hips"}
    today = page.get("/api/today").json()
    assert today["programme"] == "Hips"
    assert [row["title"] for row in today["rows"]] == [
        "Side-lying clam, left leg",
        "Side-lying clam, right leg",
        "Bridge",
    ]
    assert today["rows"][0]["detail"] == "2 sets of 10"
    assert [choice["id"] for choice in today["choices"]] == ["start"]
    other = PROGRAMME.replace("Hips", "Hips II")
    page.post("/api/programme", {"text": other, "name": "h.formcheck"})
    assert page.get("/api/today").json()["programme"] == "Hips II"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = 3", "name is a text in quotation marks, not 3"),
        ("\x00\x01", "h.formcheck"),
        (PROGRAMME.replace("bridge", "bridges"), "did you mean 'bridge'?"),
    ],
)
def test_what_is_no_programme_is_one_sentence_that_names_the_file(
    page: AppPage, text: str, says: str, data: Path
) -> None:
    answer = page.post("/api/programme", {"text": text, "name": "h.formcheck"})
    assert answer.status == 422
    assert says in answer.json()["problem"]
    assert "tmp" not in answer.json()["problem"]
    assert not data.exists()


def test_keeping_nothing_does_not_lose_the_programme(page: AppPage) -> None:
    book().agree(Agreed("none", "t"), PROGRAMME)
    assert page.get("/api/today").json()["programme"] == "Hips"


def test_a_day_that_is_done_offers_only_once_more(page: AppPage) -> None:
    book().keep(day(TODAY.isoformat(), complete=True))
    today = page.get("/api/today").json()
    assert [choice["id"] for choice in today["choices"]] == ["again"]
    assert [row["done"] for row in today["rows"]] == [False, False, True]


# -- progress ------------------------------------------------------------------------------------------------


def test_progress_says_this_week_the_weeks_before_and_what_comes_next(page: AppPage) -> None:
    days = book()
    days.keep(day("2026-11-16", 6, pain_before=1, pain_after=2, effort=3))
    days.keep(day("2026-11-30", 8, complete=True))
    progress = page.get("/api/progress").json()
    assert progress["lines"] == [
        "Days this week: 1 of 3.",
        "You exercised in 2 of the last 3 weeks.",
        "8 repetitions more than last week so far.",
    ]
    assert progress["next"] == [
        "Bridge: 10 repetitions, but not yet. I need to know your pain before and after."
    ]
    assert [one["done"] for one in progress["days"]] == [6, 8]
    assert page.get("/api/today").json()["choices"][0]["id"] == "again"
    assert progress["days"][1]["pain_before"] is None  # never invented


def test_a_day_that_is_not_over_does_not_say_why_not_yet(page: AppPage) -> None:
    days = book()
    days.keep(day("2026-11-27", 8, pain_before=1, pain_after=0, effort=3, complete=True))
    days.keep(day("2026-11-30", 3))
    assert page.get("/api/progress").json()["next"] == [
        "Bridge: 10 repetitions, but not yet. Next time I ask whether the pain settled within a day."
    ]


# -- exercising ----------------------------------------------------------------------------------------------


def test_today_begins_in_its_window_as_it_is_set_and_only_once(page: AppPage, tmp_path: Path) -> None:
    book()
    save_settings(
        load_settings().changed({"language": "de", "sound": False, "camera": "1", "blur_face": True})
    )
    assert page.post("/api/begin", {"choice": "start"}).status == 200
    play, file, *options = told(tmp_path)
    assert play == "play"
    assert Path(file).read_text() == PROGRAMME
    assert " ".join(options) == (
        "--begin start --language de --model full --rotate 0 --camera 1 --mute --blur-face"
    )
    assert page.exercising
    assert page.post("/api/begin", {"choice": "start"}).status == 422
    assert page.get("/api/camera").status == 422
    assert page.post("/api/end", {}).status == 200
    until(lambda: not page.exercising, 60, every_s=0.05)
    assert page.get("/api/state").json()["problem"] == ""


@pytest.mark.parametrize(
    "body",
    [{}, {"choice": "close"}, {"choice": "--help"}, {"exercise": "bridge"},
     {"exercise": "--help", "sets": 1, "reps": 1}, {"exercise": "bridge", "sets": 0, "reps": 1},
     {"exercise": "bridge", "sets": 1, "reps": "8"}, {"exercise": "bridge", "sets": True, "reps": 8}],
)  # fmt: skip
def test_nothing_else_is_ever_started(page: AppPage, body: dict[str, Any]) -> None:
    book()
    assert page.post("/api/begin", body).status == 422
    assert not page.exercising


def test_just_one_exercise_needs_no_programme(page: AppPage, tmp_path: Path) -> None:
    assert page.post("/api/begin", {"exercise": "bridge", "sets": 2, "reps": 8}).status == 200
    assert told(tmp_path)[:6] == ["live", "bridge", "--sets", "2", "--reps", "8"]


def test_why_the_exercise_window_could_not_open_is_told(page: AppPage) -> None:
    page.post("/api/begin", {"exercise": "clam", "sets": 2, "reps": 8})
    until(lambda: not page.exercising, 60, every_s=0.05)
    assert page.get("/api/state").json()["problem"] == "The camera is on the moon."


def test_settings_become_options_that_the_commands_know() -> None:
    from formcheck.cli.main import app

    commands = {
        command.callback.__name__: command.callback for command in app.registered_commands if command.callback
    }
    most = Settings(
        high_contrast=True,
        turns=False,
        sound=False,
        camera="0",
        blur_face=True,
        phone=True,
        phone_camera=True,
    )
    options = [option for option in room_arguments(most) if option.startswith("--")]
    assert {"--phone", "--phone-camera", "--keep-upright"} <= set(options)
    for option in options:
        for name in ("play", "live"):
            assert option[2:].replace("-", "_") in commands[name].__annotations__, option


def test_a_phone_is_asked_for_where_it_tells_something() -> None:
    both = Settings(phone=True, phone_camera=True)
    assert room_arguments(both, "clam")[-2:] == ["--phone", "--phone-camera"]
    assert room_arguments(both, "hamstring-stretch")[-1:] == ["--phone-camera"]
    assert "--phone" not in room_arguments(both, "hamstring-stretch")
    assert not {"--phone", "--phone-camera"} & set(room_arguments(Settings(), "clam"))


# -- settings, camera, what is kept --------------------------------------------------------------------------


def test_a_setting_is_changed_and_kept_and_a_programme_is_not_one_of_them(page: AppPage) -> None:
    answer = page.post("/api/settings", {"language": "de"})
    assert answer.json()["settings"]["language"] == "de"
    assert page.get("/api/state").json()["words"]["page.today"] == "Heute"
    assert 'lang="de"' in page.get("/").body.decode()
    assert page.post("/api/settings", {"programme": "x"}).status == 422
    assert page.post("/api/settings", {"rotate": 45}).status == 422
    assert load_settings() == Settings(language="de")


def test_the_camera_is_on_only_while_it_is_looked_at(page: AppPage, camera: MadeCamera) -> None:
    page.get("/api/settings")
    assert camera.opened == 0
    picture = page.get("/api/camera")
    assert picture.body.startswith(b"\xff\xd8")
    assert (camera.opened, camera.closed) == (1, 0)
    page.post("/api/camera/off", {})
    assert camera.closed == 1


def test_a_camera_that_nobody_looks_at_any_more_goes_off(camera: MadeCamera) -> None:
    viewfinder = Viewfinder(lambda which: camera, idle_s=0.05)
    viewfinder.picture(None, 0)
    until(lambda: camera.closed == 1)


def test_a_camera_that_gives_no_picture_is_told(waits: list[str]) -> None:
    page = AppPage(waits, lambda which: MadeCamera([]))
    assert page.get("/api/camera").status == 422


def test_everything_is_deleted_but_the_programme(page: AppPage) -> None:
    days = book()
    days.keep(day("2026-11-30"))
    days.agree(Agreed("numbers", "t"), PROGRAMME)
    folder = analysed(sessions_folder() / "2026-11-30_10-00-00_bridge")
    kept = page.get("/api/settings").json()["kept"]
    assert (kept["days"], kept["sessions"], kept["agreed"]) == (1, 1, "numbers")
    assert page.post("/api/delete", {"delete": "all"}).status == 422
    assert folder.exists()
    assert page.post("/api/delete", {"delete": "everything"}).json() == {"left": False}
    assert not folder.exists()
    kept = page.get("/api/settings").json()["kept"]
    assert (kept["days"], kept["sessions"], kept["agreed"]) == (0, 0, None)
    assert page.get("/api/today").json()["programme"] == "Hips"


def test_what_was_agreed_to_is_asked_anew(page: AppPage) -> None:
    days = book()
    days.agree(Agreed("video", "t"), PROGRAMME)
    days.keep(day("2026-11-30"))
    page.post("/api/ask-again", {})
    assert days.agreed() is None
    assert len(days.days()) == 1


# -- who may ask ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/api/today", "/api/progress", "/api/settings", "/api/camera", "/api/state"]
)
def test_without_the_key_nothing_is_told(page: AppPage, path: str) -> None:
    assert page.get(path, **{HEADER: None}).status == 403


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {HEADER: None}, {"origin": None}])
def test_no_other_page_starts_anything(page: AppPage, headers: dict[str, str | None]) -> None:
    answer = page.post("/api/begin", {"exercise": "bridge", "sets": 1, "reps": 1}, **headers)
    assert answer.status == 403
    assert not page.exercising


def test_the_page_itself_tells_nothing_of_anybody(page: AppPage) -> None:
    book()
    for path in ("/", "/progress", "/exercises", "/settings"):
        text = page.get(path, **{HEADER: None}).body.decode()
        assert "Hips" not in text
        assert '<script type="module" src="/static/app.js">' in text


@pytest.mark.parametrize("side", ["left", "none"])
def test_an_exercise_is_drawn(page: AppPage, side: str) -> None:
    assert page.get(f"/api/drawing/clam/{side}").body.startswith(b"\x89PNG")
    assert page.get("/api/drawing/clams/none").status == 422


def test_how_it_is_done_is_told_and_a_drawing_moves(page: AppPage) -> None:
    book()
    rows = page.get("/api/today").json()["rows"]
    assert [len(row["how"]) for row in rows] == [3, 3, 3]
    assert rows[2]["how"][0].startswith("Lie on your back")
    with Image.open(BytesIO(page.get("/api/moving/bridge/none").body)) as moving:
        assert moving.is_animated
        shown = []
        for number in range(moving.n_frames):
            moving.seek(number)
            shown.append((np.asarray(moving.convert("L")).astype(int), moving.info["duration"]))
    assert sum(ms for _, ms in shown) == pytest.approx(1000 * PERIOD_S, abs=100)
    assert np.abs(shown[0][0] - shown[len(shown) // 2][0]).max() > 60
