"""Ways to spoil bytes and values, all drawn from one `random.Random`, so that a number names a case."""

from __future__ import annotations

import random
from typing import Any

#: Whole numbers at which formats and C types change their minds.
EDGES = (0, 1, -1, 2, 7, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, -(2**31), 2**32 - 1,
         2**63 - 1, 2**63, -(2**63), 10**9, 10**30, 10**400)  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-308, 1e-9, 1e9, 1e18, 1e300, -1e300, float("inf"), float("-inf"),
          float("nan"))  # fmt: skip
TEXTS = ("", " ", "a", "0", "-1", "1e999", "null", "left", "side", "../../etc/passwd", "a\x00b", "\u202eevil",
         "\n\n", "%s%n", "{0.__class__}", "<script>alert(1)</script>", "é\U0001f600", "\ud800", "x" * 5000,
         "[" * 3000, '{"a":' * 3000, "9" * 5000, "=cmd()")  # fmt: skip


def bytes_of(rng: random.Random, data: bytes, focus: int | None = None) -> bytes:
    """The bytes with a few changes: flips, edge numbers, cuts, repeats and stretches moved about.

    Args:
        data: what to spoil.
        focus: most changes fall within the first so many bytes (the head of a file).
    """
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8, 40))):
        if not out:
            break
        end = min(len(out), focus) if focus is not None and rng.random() < 0.7 else len(out)
        at = rng.randrange(end)
        kind = rng.randrange(9)
        if kind <= 2:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 3:
            out[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 4:
            size = rng.choice((2, 4, 8))
            number = rng.choice(EDGES) % (1 << (8 * size))
            out[at : at + size] = number.to_bytes(size, rng.choice(("big", "little")))
        elif kind == 5:
            del out[at : at + rng.choice((1, 4, 16, 300, 5000))]
        elif kind == 6:
            piece = out[at : at + rng.choice((1, 8, 64, 1000))]
            to = rng.randrange(len(out))
            out[to:to] = piece * rng.choice((1, 1, 2, 50))
        elif kind == 7:
            size = rng.choice((1, 16, 512, 4096))
            out[at : at + size] = bytes(size) if rng.random() < 0.5 else rng.randbytes(size)
        else:
            del out[at if rng.random() < 0.3 else rng.randrange(len(out)) :]
    return bytes(out)


def spliced(rng: random.Random, a: bytes, b: bytes) -> bytes:
    """The beginning of one file and the end of another."""
    return a[: rng.randrange(len(a) + 1)] + b[rng.randrange(len(b) + 1) :]


def scalar(rng: random.Random) -> Any:
    """A value of any plain type, often an absurd one."""
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice(EDGES)
    if kind == 1:
        return rng.choice(FLOATS)
    if kind == 2:
        return rng.choice(TEXTS)
    return rng.choice((None, True, False, rng.randrange(-5, 30), rng.random() * 10))


def value(rng: random.Random, depth: int = 3) -> Any:
    """A JSON value of any shape."""
    if depth == 0 or rng.random() < 0.6:
        return scalar(rng)
    if rng.random() < 0.5:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {rng.choice(TEXTS)[:40]: value(rng, depth - 1) for _ in range(rng.randrange(4))}


def spoilt(rng: random.Random, good: Any) -> Any:
    """A good JSON value with something in it replaced, left out, doubled or added."""
    if isinstance(good, dict) and good and rng.random() < 0.9:
        out = dict(good)
        key = rng.choice(sorted(out))
        kind = rng.randrange(8)
        if kind == 0:
            del out[key]
        elif kind == 1:
            out[rng.choice(TEXTS)[:60]] = value(rng)
        else:
            out[key] = spoilt(rng, out[key])
        return out
    if isinstance(good, list) and good and rng.random() < 0.9:
        out_list = list(good)
        at = rng.randrange(len(out_list))
        kind = rng.randrange(6)
        if kind == 0:
            del out_list[at]
        elif kind == 1:
            out_list.insert(at, value(rng))
        elif kind == 2:
            out_list.insert(at, out_list[at])
        else:
            out_list[at] = spoilt(rng, out_list[at])
        return out_list
    if isinstance(good, (int, float)) and not isinstance(good, bool) and rng.random() < 0.4:
        return rng.choice((-good, good * 1000, good + 1, good / 7, rng.choice(FLOATS), rng.choice(EDGES)))
    return value(rng)


def toml_of(table: dict[str, Any], name: str = "") -> str:
    """Plain values as TOML text, as odd as they may be (TOML has ``nan`` and ``inf``)."""
    lines, tables = [], []
    for key, item in table.items():
        if isinstance(item, dict) and name.count(".") < 6:
            tables.append(toml_of(item, f"{name}.{_key(key)}" if name else _key(key)))
        elif item is not None:
            lines.append(f"{_key(key)} = {_toml(item)}")
    head = [f"[{name}]"] if name else []
    return "\n".join([*head, *lines, *tables]) + "\n"


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() and key.isascii() else _text(key)


def _toml(item: Any) -> str:
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, (int, float)):
        return repr(item) if abs(item) < 10**300 or isinstance(item, float) else "9" * 5000
    if isinstance(item, list):
        return "[" + ", ".join(_toml(i) for i in item if i is not None) + "]"
    if isinstance(item, dict):
        return "{" + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in item.items() if v is not None) + "}"
    return _text(str(item))


def _text(text: str) -> str:
    return (
        '"' + "".join(c if c.isascii() and c.isalnum() else f"\\u{ord(c) & 0xFFFF:04x}" for c in text) + '"'
    )
