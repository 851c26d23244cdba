"""The words said and shown to patients, by language: a folder of small TOML files each.

``words/en/setup.toml`` with ``nobody = "I cannot see you yet"`` is ``words("setup.nobody")``. English is
complete; another language falls back to it word by word (a test keeps the shipped ones complete). The text
of faults lives in the exercise definitions; ``words/<language>/exercises.toml`` is laid over it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from formcheck.errors import FormcheckError
from formcheck.exercises.definition import Definition, nearest, read_toml

FOLDER = Path(__file__).parent
DEFAULT = "en"


def languages() -> list[str]:
    """Codes of the languages there are, e.g. ``["de", "en"]``."""
    return sorted(p.name for p in FOLDER.iterdir() if p.is_dir() and any(p.glob("*.toml")))


class Words:
    """All sentences of one language.

    Args:
        language: its code, e.g. ``"en"``.

    Raises:
        FormcheckError: there is no such language.
    """

    def __init__(self, language: str = DEFAULT) -> None:
        if language not in languages():
            hint = nearest(language, languages()) or f"; choose one of: {', '.join(languages())}."
            raise FormcheckError(f"There are no words in the language '{language}'{hint}")
        self.language = language
        self._own = _sentences(language)
        self._english = _sentences(DEFAULT) if language != DEFAULT else self._own

    def __call__(self, key: str, **values: object) -> str:
        """The sentence for a key, with ``{name}`` replaced by the values given.

        Raises:
            KeyError: English has no such key (a mistake in the program, found by a test).
        """
        sentence = self._own.get(key) or self._english[key]
        return sentence.format(**values) if values else sentence

    def __contains__(self, key: str) -> bool:
        return key in self._english

    def under(self, beginning: str) -> tuple[str, ...]:
        """All sentences whose key begins so, in the order of their keys, e.g. ``"page.safety.line_"``."""
        return tuple(self(key) for key in sorted(self._english) if key.startswith(beginning))

    def keys(self) -> list[str]:
        """All keys this language itself has."""
        return sorted(self._own)


def _sentences(language: str) -> dict[str, str]:
    out: dict[str, str] = {}
    for file in sorted((FOLDER / language).glob("*.toml")):
        if file.stem != "exercises":
            out |= {f"{file.stem}.{key}": text for key, text in _flat(read_toml(file)).items()}
    return out


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            out |= _flat(value, f"{before}{key}.")
        else:
            out[f"{before}{key}"] = str(value)
    return out


def translated(definition: Definition, language: str) -> Definition:
    """The definition with its patient-facing text (title, view set-ups, fault titles and cues) translated.

    Thresholds, names and the physio's wording stay as they are, and so does `Definition.sha256` of the
    original, which is what a session records.
    """
    file = FOLDER / language / "exercises.toml"
    if language == DEFAULT or not file.exists():
        return definition
    everything = read_toml(file)
    own: dict[str, Any] = {}
    for name in (definition.based_on, definition.name):
        own = _merged(own, everything.get(name or "", {}))
    faults = {
        name: fault.model_copy(update=own.get("faults", {}).get(name, {}))
        for name, fault in definition.faults.items()
    }
    views = {
        name: view.model_copy(update=own.get("views", {}).get(name, {}))
        for name, view in definition.views.items()
    }
    title = own.get("title", definition.title)
    return definition.model_copy(update={"title": title, "faults": faults, "views": views})


def _merged(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in top.items():
        old = out.get(key)
        out[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return out
