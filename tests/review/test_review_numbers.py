"""Every number that the page, the report and the note tell of a session, held against its summary."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from asking import Page
from made import analysed

from formcheck.session.notes import Notes
from formcheck.session.reader import open_session

#: A folder of real sessions, each with its summary.json and without decisions, to be held against it too.
REAL = os.environ.get("FORMCHECK_SESSIONS", "")


class _Tables(HTMLParser):
    """The text of the cells of all tables, by row."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._in_cell = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._in_cell = 1
        elif tag in ("br", "li"):
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = 0

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.tables[-1][-1][-1] += data


def told_as(text: str, value: float) -> bool:
    """Whether the first number in a text is a value, as finely as it is told."""
    found = re.search(r"−?\d+(?:\.(\d+))?( %)?", text)
    if found is None:
        return False
    shown = float(found[0].removesuffix(" %").replace("−", "-"))
    finest = 0.5 * 10.0 ** -len(found[1] or "")
    return abs(shown - value * (100 if found[2] else 1)) <= finest + 1e-6


def seconds(clock: str) -> float:
    minutes, rest = clock.strip().split(":")
    return 60 * int(minutes) + float(rest)


def differences(page: Page, key: str, summary: dict[str, Any]) -> Iterator[str]:
    """What is not told as the summary has it."""
    info = page.get(f"/api/session/{key}").json()
    checked = sum(fault["checked"] for fault in summary["faults"].values())
    reps = summary["reps"]
    counted = sum(rep["class"] in ("full", "partial") for rep in reps)
    coverage = f"{checked} of {len(summary['faults'])} possible faults checked"
    if info["coverage"] != coverage:
        yield f"coverage {info['coverage']}"
    if counted and not re.search(rf"\b{counted} repetition", info["verdict"][0]):
        yield f"{counted} counted, told: {info['verdict'][0]}"
    if (
        counted
        and not checked
        and "nothing about how they were done could be checked" not in info["verdict"][0]
    ):
        yield f"nothing checked, told: {info['verdict'][0]}"
    if [row["index"] for row in info["reps"]] != [rep["index"] for rep in reps]:
        yield "repetitions of the page"
    for rep, row in zip(reps, info["reps"], strict=True):
        for word, name in (("up", "rise_s"), ("hold", "hold_s"), ("down", "lower_s")):
            if rep[name] is None:
                continue
            text = re.search(rf"\b{word} ([\d.]+) s", row["words"])
            if text is None or not told_as(text[1], rep[name]):
                yield f"rep {rep['index']} {name}: {row['words']}"
        if len(row["faults"]) != len(rep["faults"]):
            yield f"rep {rep['index']} has {len(row['faults'])} faults on the page"
        for event, shown in zip(rep["faults"], row["faults"], strict=False):
            if (event["id"], event["grade"]) != (shown["id"], shown["grade"]):
                yield f"rep {rep['index']} {event['id']}: {shown['id']}, {shown['grade']}"
            if not told_as(shown["value_text"], event["value"]):
                yield f"rep {rep['index']} {event['id']} {event['value']}: {shown['value_text']}"
    for measure in info["measures"]:
        known = summary["measures"][measure["name"]]
        if known["status"] != measure["status"]:
            yield f"measure {measure['name']}"
    yield from _of_report(page, key, reps, coverage)
    note = page.get(f"/api/session/{key}/note").json()["text"]
    if coverage not in note or (counted and not re.search(rf"\b{counted} repetition", note)):
        yield f"note: {note}"


def _of_report(page: Page, key: str, reps: list[dict[str, Any]], coverage: str) -> Iterator[str]:
    html = page.post(f"/api/session/{key}/report", {"format": "html"}).body.decode()
    html = re.sub(r"(?s)<(script|style)[^>]*>.*?</\1>", "", html)
    if coverage not in html:
        yield "coverage in the report"
    read = _Tables()
    read.feed(html)
    found = [rows for rows in read.tables if rows and len(rows[0]) == 9]
    if bool(found) != bool(reps):
        yield f"{len(found)} tables of repetitions in the report"
    rows = [row for rows in found for row in rows[1:]]
    for rep, row in zip(reps, rows, strict=True):
        begin, end = row[2].split("▶")[0].split("–")
        if abs(seconds(begin) - rep["start_s"]) > 0.051 or abs(seconds(end) - rep["end_s"]) > 0.051:
            yield f"rep {rep['index']} from {begin} to {end} in the report"
        for text, name in zip(row[3:6], ("rise_s", "hold_s", "lower_s"), strict=True):
            if rep[name] is not None and not told_as(text, rep[name]):
                yield f"rep {rep['index']} {name} {rep[name]}: {text} in the report"
        if not told_as(row[8], rep["confidence"]):
            yield f"rep {rep['index']} seen {row[8]}"
        for event in rep["faults"]:
            if not any(told_as(part, event["value"]) for part in re.split(r",", row[7])):
                yield f"rep {rep['index']} {event['id']} {event['value']}: {row[7]} in the report"


def compared(root: Path) -> dict[str, list[str]]:
    """By session what is not told as its summary has it."""
    page = Page(root)
    out = {}
    for row in page.get("/api/library").json()["sessions"]:
        folder = root / row["name"]
        decided = {item.kind for item in Notes(folder).standing()} & {"decision", "missed", "look"}
        if row["problem"] or decided:
            continue
        if (folder / "summary.json").exists():
            summary = json.loads((folder / "summary.json").read_text())
        else:
            with open_session(folder) as one:
                assert one.summary is not None
                summary = json.loads(one.summary.model_dump_json(by_alias=True))
        out[row["name"]] = list(differences(page, row["key"], summary))
    return out


def test_every_number_is_that_of_the_summary(tmp_path):
    analysed(tmp_path / "one")
    assert compared(tmp_path) == {"one": []}


def test_a_number_that_is_told_wrongly_would_be_found(tmp_path, monkeypatch):
    analysed(tmp_path / "one")
    with open_session(tmp_path / "one") as one:
        assert one.summary is not None
        summary = json.loads(one.summary.model_dump_json(by_alias=True))
    summary["reps"][0]["rise_s"] += 0.2
    summary["reps"][1]["faults"] = []
    page = Page(tmp_path)
    (row,) = page.get("/api/library").json()["sessions"]
    found = "; ".join(differences(page, row["key"], summary))
    assert "rep 1 rise_s" in found


@pytest.mark.skipif(not REAL, reason="FORMCHECK_SESSIONS names no folder of sessions")
def test_every_number_of_real_sessions_is_that_of_their_summaries():
    assert {name: found for name, found in compared(Path(REAL)).items() if found} == {}
