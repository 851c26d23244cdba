"""When does tracking need a second look, and which answer is believed?"""

from __future__ import annotations

import numpy as np
import pytest
from skeleton import Camera, bridge, film, results, standing

from formcheck.pose.blazepose import NetOutput
from formcheck.pose.landmarks import MIRRORED, Landmark, Pose, PoseResult
from formcheck.pose.person import CORE, lying_score
from formcheck.pose.region import Region
from formcheck.pose.second_look import (
    TRIAL_FRAMES,
    are_apart,
    find_lying,
    is_better,
    is_steady,
    only_upright,
)


def side_lying(
    *,
    apart: float = 0.05,
    depth: float = 0.4,
    stacked: float = 0.2,
    width: float = 100.0,
    left_up: bool = True,
) -> list[PoseResult]:
    """Ten frames of a body on its side, seen from the feet.

    Args:
        apart: distance between the two readings, body sizes.
        depth: how much further than the ankles the shoulders are, metres.
        stacked: height of the hip line, metres; it is 0.2 deep.
        width: of the body in the picture, pixels; it is 200 high.
        left_up: which side is uppermost.
    """
    xyz, world = np.zeros((33, 3), np.float32), np.zeros((33, 3), np.float32)
    for row, part in enumerate(("SHOULDER", "HIP", "KNEE", "ANKLE")):
        for side, low in (("LEFT", 0.0), ("RIGHT", 1.0)):
            at = Landmark[f"{side}_{part}"]
            xyz[at, :2] = 300 + width * row / 3, 100 + 50 * row + 50 * low
            world[at] = 0.1 * row, stacked * low, depth * (1 - row / 3) + 0.2 * low
    xyz[Landmark.NOSE, :2] = 300, 100
    if not left_up:
        xyz, world = xyz[list(MIRRORED)], world[list(MIRRORED)]
    results = []
    for i in range(10):
        other = xyz.copy()
        size = max(np.linalg.norm(xyz[25, :2] - xyz[27, :2]) * 0.5 / 0.4, 1.0)
        other[CORE, 0] += apart * size
        ones = np.ones(33, np.float32)
        poses = [Pose(i / 30, i, (640, 480), p, world, ones, ones, 1.0) for p in (xyz, other)]
        results.append(PoseResult(i / 30, i, poses[0], 1, mirrored=poses[1]))
    return results


@pytest.mark.parametrize("left_up", [True, False])
def test_a_body_on_its_side_seen_from_the_feet_is_looked_at_again_though_tracking_holds(left_up):
    assert not is_steady(side_lying(left_up=left_up))


@pytest.mark.parametrize("other", [{"depth": 0.2}, {"stacked": 0.05}, {"width": 300.0}])
def test_from_anywhere_else_steady_tracking_is_enough(other):
    assert is_steady(side_lying(**other))


def test_from_the_feet_a_steady_second_look_is_believed_even_where_the_first_agreed_better():
    first = side_lying(apart=0.03)
    assert is_better(side_lying(apart=0.08), first)
    assert not is_better(side_lying(apart=0.16), first)
    front = {"width": 300.0}
    assert not is_better(side_lying(apart=0.08, **front), side_lying(apart=0.03, **front))


# -- somebody upright beside the patient -----------------------------------------------------------------

TIMES = np.arange(TRIAL_FRAMES) / 30
SIDE = Camera(height_m=0.3)
HELPER = film(np.stack([standing(0.1 * t) for t in TIMES]), TIMES, SIDE)
PATIENT = film(np.stack([bridge(0.1 * t) for t in TIMES]), TIMES, SIDE)
PICTURES = [np.zeros((480, 640, 3), np.uint8)] * TRIAL_FRAMES


class Net:
    """Sees the patient only in regions turned by a quarter, and the helper in all others."""

    def __init__(self, patient: bool) -> None:
        self._patient = patient

    def __call__(self, image: np.ndarray, region: Region, mirrored: bool = False) -> NetOutput:
        sees = self._patient and abs(region.rotation - np.pi / 2) < 0.1
        track = PATIENT if sees else HELPER
        ones = np.ones(33, np.float32)
        return NetOutput(track.image_xyz[0], track.world_xyz[0], ones, ones, np.zeros((2, 2)), 1.0)


def test_only_somebody_upright_was_followed():
    assert only_upright(results(HELPER))
    assert not only_upright(results(PATIENT))
    assert not only_upright([PoseResult(0.0, 0, None, 0)])


def test_who_lies_beside_somebody_upright_is_found():
    region = find_lying(Net(patient=True), PICTURES, results(HELPER))
    assert region is not None
    found = Net(patient=True)(PICTURES[0], region)
    assert lying_score(found.world_xyz) > 0.5


def test_two_people_are_in_two_places_and_the_same_body_turned_is_not():
    assert not are_apart(results(HELPER), results(HELPER))
    there = film(np.stack([bridge(0.1 * t) + np.array([2.0, 0, 0]) for t in TIMES]), TIMES, SIDE)
    assert are_apart(results(there), results(HELPER))
    nobody = [PoseResult(0.0, i, None, 0) for i in range(TRIAL_FRAMES)]
    assert not are_apart(nobody, results(HELPER))


def test_beside_somebody_upright_nobody_is_made_up():
    assert find_lying(Net(patient=False), PICTURES, results(HELPER)) is None
