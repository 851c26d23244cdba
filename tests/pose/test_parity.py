"""Our pose engine against MediaPipe's PoseLandmarker (full model, VIDEO mode): see docs/parity.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import parity
import pytest

from formcheck.pose.heatmap import refine


def check(found: parity.Agreement) -> None:
    assert found.median <= 1.0
    assert found.same_presence >= 0.99


@pytest.mark.parametrize("clip", parity.DEMO_CLIPS, ids=lambda clip: clip.stem)
def test_agrees_with_stored_mediapipe_output(clip: Path) -> None:
    frames = 330  # two of its four repetitions; whole clips are compared with MediaPipe live, below
    check(parity.compare(parity.ours(clip, frames), parity.stored(clip, frames)))


@pytest.mark.slow
@pytest.mark.parametrize("clip", [*parity.DEMO_CLIPS, *parity.REAL_BRIDGES], ids=lambda clip: clip.stem)
def test_agrees_with_mediapipe_live(clip: Path) -> None:
    pytest.importorskip("mediapipe", reason="the reference engine is not installed (formcheck[mediapipe])")
    if not clip.exists():
        pytest.skip("the labelled clips in ../shared are not here")
    if clip.stem == parity.NOT_COMPARABLE:
        pytest.skip("head and feet are outside the picture: MediaPipe's skeleton is not on the man")
    check(parity.compare(parity.ours(clip), parity.mediapipes(clip)))


def blob(x: float, y: float, height: float = 6.0) -> np.ndarray:
    """A heat map with one peak, in cells."""
    row, column = np.mgrid[:64, :64]
    return height - 2.0 * ((column - x) ** 2 + (row - y) ** 2)


def test_a_landmark_moves_to_the_peak_nearby() -> None:
    moved = refine(np.array([[20.0, 30.0]]) / 64, blob(21.4, 28.8)[None]) * 64
    np.testing.assert_allclose(moved, [[21.4, 28.8]], atol=0.05)


@pytest.mark.parametrize(
    ("place", "peak"),
    [((20.0, 30.0), (40.0, 30.0)), ((-3.0, 30.0), (0.0, 30.0)), ((20.0, 64.5), (20.0, 63.0))],
    ids=["peak far away", "left of the region", "below the region"],
)
def test_a_landmark_stays_without_a_believable_map(
    place: tuple[float, float], peak: tuple[float, float]
) -> None:
    start = np.array([place]) / 64
    np.testing.assert_array_equal(refine(start, blob(*peak)[None]), start)


def test_an_unsure_map_moves_nothing_and_the_edge_counts_for_nothing() -> None:
    start = np.array([[20.0, 30.0]]) / 64
    np.testing.assert_array_equal(refine(start, blob(21, 30, height=-0.1)[None]), start)
    corner = refine(np.array([[0.5, 0.5]]) / 64, np.full((1, 64, 64), 9.0)) * 64
    np.testing.assert_allclose(corner, [[1.5, 1.5]])  # cells 0 to 3 only
