"""Where the pages' templates lie, and by which rules they are filled."""

from __future__ import annotations

from pathlib import Path

import jinja2

from formcheck.words import say, spoken


def environment() -> jinja2.Environment:
    """Everything is escaped, a name that is not given is an error, and templates may `say` words."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"say": say, "spoken": spoken}
    return made
