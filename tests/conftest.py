"""Shared by all tests: `tests/skeleton.py` can be imported from any folder, hypothesis is repeatable, and
tests marked slow wait until they are asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
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


#: Tests that drive other programs (a window system, a browser, a voice, a killed process): on a busy machine
#: one of them may be late, which is tried again; what is broken fails three times.
_DRIVING = (
    "test_window.py",
    "test_live_command.py",
    "test_live.py",
    "test_voice.py",
    "test_camera.py",
    "test_recorder.py",
    "test_batch.py",
    "test_doctor.py",
    "test_report_browser.py",
    "test_review_browser.py",
    "test_review_server.py",
    "test_review_api.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests marked slow unless ``-m`` says something about them; mark those that drive others."""
    for item in items:
        if item.path.name in _DRIVING:
            item.add_marker(pytest.mark.flaky(reruns=2))
    if "slow" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]
