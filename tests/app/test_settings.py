"""What a patient has set: kept in one small file, and whatever is in that file, the app opens."""

from __future__ import annotations

import json
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from formcheck.app.settings import Settings, change_settings, load_settings, save_settings, settings_file
from formcheck.errors import FormcheckError


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORMCHECK_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_what_was_set_is_read_as_it_was_kept_for_this_user_only(data: Path) -> None:
    chosen = Settings(language="de", high_contrast=True, sound=False, camera="1", rotate=180, model="lite")
    save_settings(chosen)
    assert load_settings() == chosen
    assert settings_file() == data / "programmes" / "settings.json"
    if sys.platform != "win32":
        assert stat.S_IMODE(settings_file().stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("system", "language"), [("de_AT.UTF-8", "de"), ("en_GB", "en"), ("fr_FR", "en"), ("C", "en")]
)
def test_the_first_time_it_speaks_as_the_computer_does_and_writes_nothing(
    system: str, language: str, data: Path
) -> None:
    assert load_settings(system) == Settings(language=language)
    assert not data.exists()


@pytest.mark.parametrize(
    "content", ["", "[1", "[]", '{"rotate": 45}', '{"sound": "yes"}', '{"language": "xx"}', '{"camera": 1}']
)
def test_a_damaged_file_keeps_nobody_from_exercising(content: str, data: Path) -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text(content)
    assert load_settings("en") == Settings()


def test_a_file_of_a_later_formcheck_is_read(data: Path) -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text(json.dumps({"language": "de", "gesture": True}))
    assert load_settings("en").language == "de"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rotate": 45}, "The setting rotate"),
        ({"rotate": True}, "The setting rotate"),
        ({"sound": 1}, "The setting sound"),
        ({"language": "xx"}, "no such language"),
        ({"camera": "http://8.8.8.8/video"}, "home network"),
        ({"programme": "../../etc"}, "The setting programme"),
        ({"colour": "red"}, "no setting 'colour'"),
    ],
)
def test_what_cannot_be_set_is_one_sentence(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(FormcheckError, match=says) as told:
        Settings().changed(changes)
    assert "\n" not in str(told.value)


def test_of_changes_at_the_same_time_none_is_lost() -> None:
    changes: list[dict[str, Any]] = [
        {"sound": False},
        {"rotate": 90},
        {"language": "de"},
        {"blur_face": True},
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change_settings, changes * 5))
    assert load_settings() == Settings(sound=False, rotate=90, language="de", blur_face=True)


def test_a_change_leaves_the_rest() -> None:
    before = Settings(language="de", sound=False)
    assert before.changed({"rotate": 90}) == Settings(language="de", sound=False, rotate=90)
