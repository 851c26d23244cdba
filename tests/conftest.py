"""Shared by all tests: `tests/skeleton.py` can be imported from any folder, hypothesis is repeatable, the
command line is put together once for all commands, and tests marked slow wait until they are asked for."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

import pytest
import typer.main
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile(
    "formcheck",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("formcheck")

# Hundreds of commands run in one process, where a user's process runs one: it takes longer than most of them.
typer.main.get_command = lru_cache(typer.main.get_command)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests marked slow unless ``-m`` says something about them."""
    if "slow" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]
