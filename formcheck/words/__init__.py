"""The words said and shown to patients and physios, by language: a folder of small TOML files each.

``words/en/setup.toml`` with ``nobody = "I cannot see you yet"`` is ``words("setup.nobody")``. English is
complete; another language falls back to it word by word (a test keeps the shipped ones complete). The text
of faults lives in the exercise definitions; ``words/<language>/exercises.toml`` is laid over it.

What speaks to a patient is given its `Words`. What speaks to a physio (findings, report, review page) asks
`say`, which speaks English, or what `speaking` set for this piece of work: a request, a report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from formcheck.errors import FormcheckError
from formcheck.exercises.definition import EXERCISES, Definition, load_definition, nearest, read_toml

FOLDER = Path(__file__).parent
DEFAULT = "en"


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Codes of the languages there are, e.g. ``("de", "en")``."""
    return tuple(sorted(p.name for p in FOLDER.iterdir() if p.is_dir() and any(p.glob("*.toml"))))


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


_spoken: ContextVar[str] = ContextVar("language", default=DEFAULT)


@lru_cache(maxsize=8)
def words_of(language: str) -> Words:
    """All sentences of one language, read once; see `Words`."""
    return Words(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Lets `say` speak a language for as long as this lasts, in this thread or task and what it awaits.

    Raises:
        FormcheckError: there is no such language.
    """
    words_of(language)
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def spoken() -> str:
    """The language that `say` speaks now."""
    return _spoken.get()


def say(key: str, **values: object) -> str:
    """A sentence in the language that is spoken now, see `Words`."""
    return words_of(_spoken.get())(key, **values)


def said_of(beginning: str, language: str | None = None) -> Mapping[str, str]:
    """All sentences whose key begins so, by the rest of their key.

    Args:
        beginning: of the keys, e.g. ``"page.phase."``.
        language: its code; None for the one that is spoken now.
    """
    return _said_of(beginning, language or _spoken.get())


@lru_cache(maxsize=256)
def _said_of(beginning: str, language: str) -> Mapping[str, str]:
    words = words_of(language)
    keys = words_of(DEFAULT).keys()
    return MappingProxyType({k[len(beginning) :]: words(k) for k in keys if k.startswith(beginning)})


@lru_cache(maxsize=1)
def published() -> Mapping[str, str]:
    """Publications by the label that definitions name them by, e.g. ``"S18"``."""
    return MappingProxyType(
        {label: str(name) for label, name in read_toml(FOLDER / "published.toml").items()}
    )


def retold(sentence: str) -> str:
    """An English sentence of a session or another part of the program in the language that is spoken now, if
    it is one of ``words/en/told.toml``, or one that a live session told of trouble in any language; otherwise
    as it is."""
    if (key := _trouble().get(sentence)) is not None:
        return say(key)
    if _spoken.get() == DEFAULT:
        return sentence
    for key, pattern in _told():
        if found := pattern.fullmatch(sentence):
            return say(key, **{name: retold(part) for name, part in found.groupdict().items()})
    return sentence


@lru_cache(maxsize=1)
def _trouble() -> Mapping[str, str]:
    """Keys of what a live session tells of trouble, by the sentence in each language."""
    keys = [f"page.notice.{key}" for key in said_of("page.notice.", DEFAULT)]
    return {words_of(code)(key): key for code in languages() for key in keys}


@lru_cache(maxsize=1)
def _told() -> list[tuple[str, re.Pattern[str]]]:
    out = []
    for key, sentence in said_of("told.", DEFAULT).items():
        parts = re.split(r"\{(\w+)\}", sentence)
        pattern = "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
        out.append((f"told.{key}", re.compile(pattern, re.DOTALL)))
    return out


@lru_cache(maxsize=8)
def _sentences(language: str) -> Mapping[str, str]:
    """Sentences by key, read once: a page asks for its `Words` each time it is drawn."""
    out: dict[str, str] = {}
    for file in sorted((FOLDER / language).glob("*.toml")):
        if file.stem != "exercises":
            out |= {f"{file.stem}.{key}": text for key, text in _flat(read_toml(file)).items()}
    return MappingProxyType(out)


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, str]:
    out: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            out |= _flat(value, f"{before}{key}.")
        else:
            out[f"{before}{key}"] = str(value)
    return out


def translated(definition: Definition, language: str) -> Definition:
    """The definition with its text (titles, view set-ups, cues, the physio's wording) translated.

    Thresholds and names stay as they are, and so does `Definition.sha256` of the original, which is what a
    session records.
    """
    if language == DEFAULT:
        return _in_english(definition)
    own = _own_texts(definition, language)
    faults = {
        name: fault.model_copy(update=own.get("faults", {}).get(name, {}))
        for name, fault in definition.faults.items()
    }
    views = {
        name: view.model_copy(update=own.get("views", {}).get(name, {}))
        for name, view in definition.views.items()
    }
    measures = {
        name: measure.model_copy(update=own.get("measures", {}).get(name, {}))
        for name, measure in definition.measures.items()
    }
    plain = {name: own[name] for name in ("title", "side_is") if name in own}
    return definition.model_copy(update={"faults": faults, "views": views, "measures": measures} | plain)


def _own_texts(definition: Definition, language: str) -> dict[str, Any]:
    """The texts that a language has for an exercise, and for what it is based on."""
    everything = _exercises(language)
    own: dict[str, Any] = {}
    for name in (definition.based_on, definition.name):
        own = _merged(own, everything.get(name or "", {}))
    return own


def _in_english(definition: Definition) -> Definition:
    """A live session keeps its definition in the patient's language: what is another language's text there is
    told in English again, and what somebody wrote stays."""
    for language in languages():
        own = _own_texts(definition, language) if language != DEFAULT else {}
        if own.get("title") == definition.title and definition.name in EXERCISES:
            break
    else:
        return definition
    english = load_definition(definition.name)

    def told(kept: Any, texts: Mapping[str, Any], shipped: Any) -> Any:
        same = {field for field, text in texts.items() if getattr(kept, field, None) == text}
        return kept.model_copy(update={field: getattr(shipped, field) for field in same})

    parts = {
        part: {
            name: told(kept, own.get(part, {}).get(name, {}), getattr(english, part)[name])
            if name in getattr(english, part)
            else kept
            for name, kept in getattr(definition, part).items()
        }
        for part in ("faults", "views", "measures")
    }
    plain = {name: text for name, text in own.items() if name in ("title", "side_is")}
    return told(definition, plain, english).model_copy(update=parts)


@lru_cache(maxsize=8)
def _exercises(language: str) -> dict[str, Any]:
    file = FOLDER / language / "exercises.toml"
    return read_toml(file) if file.exists() else {}


def _merged(base: dict[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in top.items():
        old = out.get(key)
        out[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, Mapping) else value
    return out
