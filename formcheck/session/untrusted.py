"""Before a database from anybody is read: a look at what it holds, and limits on what it may cost."""

from __future__ import annotations

import re
import sqlite3
import sys
import time
from pathlib import Path

from formcheck.errors import FormcheckError
from formcheck.session.schema import FEW_SUMS, NO_PHONE, NOT_LYING, SCHEMA, TABLES, read_meta

OUR_TABLES = frozenset(re.findall(r"CREATE TABLE (\w+)", " ".join(TABLES)))
#: Tables that sessions of a schema do not have.
_WITHOUT = {SCHEMA: frozenset(), NO_PHONE: {"phone"}, NOT_LYING: {"phone"}, FEW_SUMS: {"phone", "sums"}}
_LARGEST_VALUE = 64_000_000
_QUERY_S = 30.0


def look_over(db: sqlite3.Connection, path: Path) -> dict[str, str | None]:
    """Refuses a database that is more than plain tables of data, before anything is asked of it.

    Returns:
        Contents of its table ``meta``.
    """
    guard(db)
    tables = set()
    for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master"):
        text = str(sql or "").lstrip().upper()
        plain = kind == "table" and text.startswith("CREATE TABLE")
        if name in OUR_TABLES and plain and not _computes(db, name):
            tables.add(name)
            continue
        if kind == "index" and sql is None:
            continue
        raise FormcheckError(f"{path} is not a formcheck session: it holds more than formcheck writes.")
    meta = read_meta(db) if "meta" in tables else {}
    schema = meta.get("schema")
    name, _, number = str(schema or "").partition("/")
    ours, _, newest = SCHEMA.partition("/")
    if name != ours:
        raise FormcheckError(f"{path} is not a formcheck session.")
    if not number.isdigit():
        raise ValueError("the schema has no number")
    if schema not in _WITHOUT:
        age = (
            ("newer", "update formcheck")
            if int(number) > int(newest)
            else ("older", "analyse its video again")
        )
        raise FormcheckError(f"The session {path} was made by a {age[0]} formcheck ({schema}); {age[1]}.")
    if tables != OUR_TABLES - _WITHOUT[schema]:
        raise ValueError("tables are missing")
    return meta


def _computes(db: sqlite3.Connection, table: str) -> bool:
    """True for a table with columns that are worked out instead of stored."""
    return any(column[6] for column in db.execute(f"PRAGMA table_xinfo({table})"))


def guard(db: sqlite3.Connection, most_s: float = _QUERY_S) -> None:
    """Limits what a database from elsewhere can make SQLite do: no functions, no giant values, no endless
    query."""
    db.execute("PRAGMA trusted_schema=OFF")
    db.execute("PRAGMA cell_size_check=ON")
    if sys.version_info >= (3, 11):
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
    begun = [time.monotonic()]
    last = [begun[0]]

    def check() -> int:
        now = time.monotonic()
        if now - last[0] > 1.0:  # a pause between queries: this is a new one
            begun[0] = now
        last[0] = now
        return int(now - begun[0] > most_s)

    db.set_progress_handler(check, 200_000)
