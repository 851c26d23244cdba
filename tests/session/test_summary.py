"""The published schema, the models and the files agree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from make_analysis import make_analysis
from pydantic import ValidationError

from formcheck.analysis.summary import Summary, json_schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "summary.schema.json"


@pytest.fixture(scope="module")
def summary() -> dict:
    return json.loads(make_analysis(10).summary.to_json())


def test_published_schema_is_up_to_date():
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == json_schema(), (
        "run: python -m formcheck.analysis.summary > docs/summary.schema.json"
    )


def test_command_prints_the_published_schema():
    command = [sys.executable, "-m", "formcheck.analysis.summary"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PUBLISHED.parents[1])
    assert json.loads(done.stdout) == json_schema()


def test_schema_is_valid_and_accepts_what_is_written(summary):
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(summary, schema)
    assert schema["$id"] == summary["schema"] == "formcheck.summary/1"


@pytest.mark.parametrize("key", list(Summary.model_json_schema()["properties"]))
def test_schema_requires_every_key(summary, key):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({k: v for k, v in summary.items() if k != key}, json_schema())


def test_models_and_schema_refuse_unknown_keys(summary):
    spoilt = {**summary, "extra": 1}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(spoilt, json_schema())
    with pytest.raises(ValidationError):
        Summary.model_validate(spoilt)


def test_keys_and_words_of_the_contract(summary):
    """The names other programs rely on, spelled out here so that renaming one is noticed."""
    assert list(summary) == [
        "schema",
        "formcheck",
        "source",
        "exercise",
        "side",
        "view",
        "pose",
        "definition",
        "complete",
        "measures",
        "reps",
        "faults",
        "warnings",
        "processing",
        "live",
    ]
    rep = summary["reps"][0]
    assert rep["class"] == "full"
    assert set(rep["faults"][0]) == {"id", "grade", "value", "unit", "start_s", "end_s", "sure", "allowance"}


def test_json_reads_back_the_same():
    summary = make_analysis(10).summary
    assert Summary.model_validate_json(summary.to_json()) == summary


def test_a_repetition_that_does_not_count_shifts_nobodys_number():
    made = json.loads(make_analysis(10).summary.to_json())
    (one, *_) = made["reps"]
    kinds = [("void", 1), ("full", 1), ("aborted", 1), ("partial", 1), ("full", 2), ("full", None)]
    reps = [one | {"index": i, "class": k, "set": s} for i, (k, s) in enumerate(kinds, 1)]
    for rep in reps:
        rep.pop("number", None)  # as in a session of before they were kept
    read = Summary.model_validate(made | {"reps": reps})
    assert [rep.name for rep in read.reps] == ["–", "1.1", "–", "1.2", "2.1", "1"]
    assert [rep.index for rep in read.reps] == [1, 2, 3, 4, 5, 6]
    assert [rep["number"] for rep in json.loads(read.to_json())["reps"]] == [None, 1, None, 2, 1, 1]
