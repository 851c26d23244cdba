"""What a patient has set: a small file beside the programmes and their days, checked whenever it is read."""

from __future__ import annotations

import locale
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from formcheck.errors import FormcheckError
from formcheck.files import make_folder
from formcheck.session.days import programmes_folder, read_small, write_small
from formcheck.video.capture import parse_address
from formcheck.words import DEFAULT, languages

_FILE = "settings.json"
_one_at_a_time = threading.Lock()


class Settings(BaseModel):
    """What is set; left out, as it is the first time.

    Attributes:
        language: of pages and voice.
        high_contrast: stronger contrast.
        turns: the words of the exercise window turn for somebody who lies on the side.
        sound: voice and tones.
        camera: number, device or address; None is the first one.
        rotate: degrees clockwise by which its picture is turned.
        phone: a phone in the waistband is brought in before each exercise that it tells something of.
        phone_camera: a phone is brought in as the camera.
        blur_face: blur the face in recorded video.
        model: pose model, as the trial of this computer chose it.
        programme: name of the one that was opened last, see `DayBook.bring`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    language: str = DEFAULT
    high_contrast: bool = False
    turns: bool = True
    sound: bool = True
    camera: str | None = Field(default=None, max_length=300)
    rotate: Literal[0, 90, 180, 270] = 0
    phone: bool = False
    phone_camera: bool = False
    blur_face: bool = False
    model: Literal["full", "lite"] = "full"
    programme: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,80}$")

    @field_validator("language")
    @classmethod
    def _is_spoken(cls, language: str) -> str:
        if language not in languages():
            raise ValueError("no such language")
        return language

    @field_validator("camera")
    @classmethod
    def _is_an_address(cls, camera: str | None) -> str | None:
        if camera is not None:
            try:
                parse_address(camera)
            except FormcheckError as error:
                raise ValueError(str(error)) from None
        return camera

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with some of them changed.

        Raises:
            FormcheckError: there is no such setting, or it cannot be that.
        """
        unknown = sorted(set(changes) - set(type(self).model_fields))
        if unknown:
            raise FormcheckError(f"There is no setting '{unknown[0][:40]}'.")
        try:
            return type(self).model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            first = error.errors()[0]
            why = (
                str(first.get("ctx", {}).get("error", "")) or f"The setting {first['loc'][0]} cannot be that."
            )
            raise FormcheckError(why) from None


def settings_file() -> Path:
    """Where they are kept."""
    return programmes_folder() / _FILE


def load_settings(system_language: str | None = None) -> Settings:
    """What was set; a file that cannot be read is as none, for it must not keep anybody from exercising.

    Args:
        system_language: e.g. ``"de_DE"``, spoken until another language is chosen; default: this computer's.
    """
    try:
        return Settings.model_validate(read_small(settings_file()))
    except ValidationError:
        known = (system_language or _system_language())[:2].lower()
        return Settings(language=known if known in languages() else DEFAULT)


def save_settings(settings: Settings) -> None:
    """Keep them.

    Raises:
        FormcheckError: the disk is full, or not to be written to.
    """
    file = settings_file()
    try:
        make_folder(file.parent)
    except OSError as error:
        raise FormcheckError(f"The settings cannot be kept in {file.parent}: {error.strerror}.") from None
    write_small(file, settings.model_dump_json(indent=1))


def change_settings(changes: Mapping[str, Any]) -> None:
    """Change some settings and keep them; of changes at the same time none is lost.

    Raises:
        FormcheckError: there is no such setting, it cannot be that, or it cannot be kept.
    """
    with _one_at_a_time:
        save_settings(load_settings().changed(changes))


def _system_language() -> str:
    told = [os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    return next((t for t in told if t), None) or locale.getlocale()[0] or DEFAULT
