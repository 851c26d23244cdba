"""A few cases of each reader, always the same ones; `tests/fuzz/run.py` runs thousands."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

HERE = Path(__file__).parent
sys.path.append(str(HERE)) if str(HERE) not in sys.path else None

import run  # noqa: E402
from readers import READERS, check_sentence  # noqa: E402

#: Cases of each reader; the costly ones get few.
FEW = {"camera": 2, "session_bytes": 8, "session_cells": 8, "review_session": 4, "definition": 10, "summary": 8,
       "playable": 4, "clip_source": 15, "http_raw": 15}  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
def test_spoilt_input_is_read_or_refused(reader, monkeypatch):
    if reader == "model":
        pytest.importorskip("tflite")
        pytest.importorskip("onnx")
    monkeypatch.setenv("FORMCHECK_DATA", "")

    @settings(max_examples=FEW.get(reader, 30))
    @given(st.integers(0, 10**6))
    def cases(number):
        # A failing number can be run again: tests/fuzz/run.py --reader READER --case NUMBER
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            assert run.one(reader, number, Path(folder) / "case") in ("read", "refused")

    cases()


def test_the_same_number_is_the_same_case(tmp_path):
    for place in ("a", "b"):
        run.one("prescription", 5, tmp_path / place)
    assert (tmp_path / "a" / "own.toml").read_bytes() == (tmp_path / "b" / "own.toml").read_bytes()


@pytest.mark.parametrize(
    "text", ["", "no full stop", "two\nlines.", "a\x1b[31m.", "x" * 2000 + ".", "\ud800."]
)
def test_what_is_no_sentence_is_noticed(text):
    with pytest.raises(AssertionError):
        check_sentence(text)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is watched through /proc")
@pytest.mark.parametrize(("does", "title"), [
    ("import ctypes; ctypes.string_at(1)", "died with -11"),
    ("x = []\n    while True: x.append(bytes(10**7))", "too much memory"),
    ("raise ValueError('here')", "ValueError: here"),
])  # fmt: skip
def test_the_hunt_notices(tmp_path, monkeypatch, does, title):
    """A crash in C code, memory that swells and a traceback are told apart and counted."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, types\nfake = types.ModuleType('readers')\n"
        f"def bad(rng, folder):\n    {does}\n"
        "fake.READERS = {'bad': bad}\nsys.modules['readers'] = fake\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    hunt = run.Hunt("bad", tmp_path / "out")
    hunt.go(0, 2, float("inf"))
    assert list(hunt.defects.values()) == [[0, 1]]
    assert title in next(iter(hunt.defects))
