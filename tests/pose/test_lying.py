"""Where the network for people who lie looks, and when what it reads may be held against what."""

from __future__ import annotations

import numpy as np
import pytest
from skeleton import Camera, clam, film, side_straight

from formcheck.pose.landmarks import MIRRORED, Landmark, Pose
from formcheck.pose.lying import JITTERS, JOINTS, READ_EVERY_S, SIDE_PX, STILL_S, Crop, LyingNet, LyingReader
from formcheck.pose.lying_reading import CROPS, LYING_COUNT, Lying, centred
from formcheck.pose.models import find_model

W, H = 640, 480
FPS = 30.0
TRUNK = [Landmark.LEFT_SHOULDER, Landmark.RIGHT_SHOULDER, Landmark.LEFT_HIP, Landmark.RIGHT_HIP]


def lying(turn_deg: float = 0.0) -> np.ndarray:
    """``(33, 2)`` pixels of a body on its right side, the picture turned by so much."""
    track = film(np.stack([clam(0.0)] * 2), np.array([0.0, 0.1]), Camera(yaw_deg=30.0))
    xy = track.image_xyz[0, :, :2].astype(np.float64)
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([W / 2, H / 2])
    return (xy - middle) @ turn.T * 0.6 + middle


def in_a_mirror(xy: np.ndarray) -> np.ndarray:
    other = xy[list(MIRRORED)].copy()
    other[:, 0] = W - 1 - other[:, 0]
    return other


def upright_by(crop: Crop, xy: np.ndarray) -> np.ndarray:
    """Direction from the hips to the shoulders in the crop."""
    seen = crop.of(xy)
    up = seen[TRUNK[:2]].mean(axis=0) - seen[TRUNK[2:]].mean(axis=0)
    return up / np.linalg.norm(up)


@pytest.mark.parametrize("turn_deg", [0, 25, 90, 180, -60])
def test_the_trunk_is_upright_in_the_crop_however_the_body_lies(turn_deg):
    xy = lying(turn_deg)
    crop = Crop.around(xy, mirrored=False)
    assert upright_by(crop, xy) == pytest.approx([0, -1], abs=1e-6)
    inside = crop.of(xy[[*TRUNK, Landmark.LEFT_KNEE, Landmark.RIGHT_ANKLE]])
    assert inside.min() > 0.05
    assert inside.max() < 0.95


def test_a_jittered_crop_is_turned_and_larger():
    xy = lying()
    plain, other = (Crop.around(xy, False, jitter) for jitter in JITTERS[:2])
    turned = np.degrees(np.arccos(upright_by(plain, xy) @ upright_by(other, xy)))
    assert turned == pytest.approx(JITTERS[1].turned_deg)
    assert other.side_px > 1.03 * plain.side_px


@pytest.mark.parametrize("scale", [1, 4])
def test_the_right_side_on_top_looks_like_the_left(scale):
    """Of a picture and its mirror image the same crop is cut, also where it is shrunk first."""
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 255, (H // 16, W // 16, 3), np.uint8)
    image = np.kron(rough, np.ones((16 * scale, 16 * scale, 1), np.uint8))
    xy = lying() * scale
    there = xy[list(MIRRORED)] * (-1, 1) + (W * scale - 1, 0)
    one = Crop.around(xy, mirrored=False).cut(image)
    other = Crop.around(there, mirrored=True).cut(np.ascontiguousarray(image[:, ::-1]))
    assert one.shape == (SIDE_PX, SIDE_PX, 3)
    assert np.abs(one - other).mean() < 0.02
    assert np.abs(one - one[:, ::-1]).mean() > 0.1


def test_a_crop_is_red_green_blue_and_repeats_the_edge():
    image = np.zeros((H, W, 3), np.uint8)
    image[..., 2] = 255
    cut = Crop.around(lying() - (200, 0), mirrored=False).cut(image)
    assert np.allclose(cut, [1, 0, 0])


# -- stretches -------------------------------------------------------------------------------------------


class Counting(LyingNet):
    """In place of the models: features are the mean grey, what turned is the difference."""

    def __init__(self) -> None:
        self.read = 0

    def encode(self, picture):
        self.read += 1
        return np.full((14, 2), 0.5, np.float32), np.full(1, picture.mean(), np.float32)

    def compare(self, now, before):
        return np.array([100 * float(now[0] - before[0]), 0, 0, 1, 1, 1], np.float32)


def picture(grey: int = 0) -> np.ndarray:
    return np.full((H, W, 3), grey, np.uint8)


def pose(t: float, shift=(0.0, 0.0), upright: bool = False) -> Pose:
    track = film(np.stack([clam(0.0)] * 2), np.array([0.0, 0.1]), Camera(yaw_deg=30.0))
    xyz = track.image_xyz[0].copy()
    xyz[:, :2] = lying() + shift
    world = track.world_xyz[0]
    if upright:
        world = world[:, [1, 0, 2]]
    ones = np.ones(33, np.float32)
    return Pose(t, round(t * FPS), (W, H), xyz, world.astype(np.float32), ones, ones, 1.0)


def read_all(reader: LyingReader, poses: list[Pose | None], grey: int = 0) -> np.ndarray:
    out = np.full((len(poses), LYING_COUNT), np.nan, np.float32)
    time_s = 0.0
    for i, one in enumerate(poses):
        time_s = one.time_s if one is not None else time_s + 1 / FPS
        if (found := reader.read(picture(grey), one, time_s)) is not None:
            out[i] = found
    return out


def still(start_s: float, for_s: float, **changes) -> list[Pose | None]:
    return [pose(start_s + i / FPS, **changes) for i in range(round(for_s * FPS))]


def test_nothing_is_read_until_the_trunk_has_lain_still():
    found = read_all(LyingReader(Counting()), still(0, 2))
    first = np.flatnonzero(np.isfinite(found[:, Lying.STRETCH]))[0] / FPS
    assert STILL_S <= first < STILL_S + 0.3
    assert (found[round(first * FPS) :, Lying.STRETCH] == 1).all()


def test_a_moving_trunk_and_a_standing_body_are_not_read():
    moving = [pose(i / FPS, shift=(6.0 * i, 0)) for i in range(45)]
    assert np.isnan(read_all(LyingReader(Counting()), moving)).all()
    assert np.isnan(read_all(LyingReader(Counting()), still(0, 2, upright=True))).all()


def test_what_is_read_is_the_change_since_the_stretch_began():
    reader = LyingReader(Counting())
    read_all(reader, still(0, 1))
    brighter = read_all(reader, still(1, 1), grey=51)[-1]
    assert brighter[Lying.ROLL] == pytest.approx(20)
    assert brighter[Lying.ROLL_SPREAD] == pytest.approx(0, abs=1e-4)
    partly = LyingReader(Counting())
    read_all(partly, still(0, 1))
    once = READ_EVERY_S + 1 / FPS  # and not yet twice
    one = read_all(partly, still(1, once), grey=51)[-1]
    assert one[Lying.ROLL] == pytest.approx(20 / len(JITTERS))
    assert one[Lying.ROLL_SPREAD] > 5


def test_a_body_that_moved_away_begins_another_stretch():
    reader = LyingReader(Counting())
    found = read_all(reader, [*still(0, 1), *still(1, 3, shift=(0, 90))])
    number = found[:, Lying.STRETCH]
    assert np.nanmax(number) == 2
    moved = number[round(1 * FPS) :]
    gap = np.isnan(moved)
    assert gap[: round(1.4 * FPS)].all()
    assert (moved[~gap] == 2).all()


def test_a_short_wriggle_and_a_missing_frame_leave_the_stretch():
    reader = LyingReader(Counting())
    poses = [*still(0, 1), *still(1, 0.4, shift=(0, 90)), *still(1.4, 1), *[None] * 10, *still(3, 1)]
    found = read_all(reader, poses)
    assert np.nanmax(found[:, Lying.STRETCH]) == 1
    assert np.isnan(found[round(1 * FPS) : round(1.4 * FPS), Lying.ROLL]).all()
    assert np.isfinite(found[-1]).all()


class Seeing(Counting):
    """It finds the joints of the body that lies there, so far from where they are (shares of the crop)."""

    def __init__(self, off: float = 0.0) -> None:
        super().__init__()
        self.off = off

    def encode(self, picture):
        _, features = super().encode(picture)
        # A right side that is not the upper one: the network's left is the landmarks' left.
        there = Crop.around(lying(), mirrored=False).of(lying()[JOINTS])
        return (there + self.off).astype(np.float32), features


def test_landmarks_that_jump_away_from_a_body_that_still_lies_there_end_no_stretch():
    reader = LyingReader(Seeing())
    read_all(reader, still(0, 1))
    astray = read_all(reader, still(1, 4, shift=(0, 90)), grey=51)
    assert (astray[:, Lying.STRETCH] == 1).all()
    assert astray[-1, Lying.ROLL] == pytest.approx(20)
    assert astray[-1, Lying.JOINTS_OFF] < 0.05  # from where it saw them itself


def test_nor_do_landmarks_that_are_lost():
    reader = LyingReader(Seeing())
    found = read_all(reader, [*still(0, 1), *[None] * round(2 * FPS)])
    assert (found[round(1 * FPS) :, Lying.STRETCH] == 1).all()


def test_landmarks_that_stay_away_do():
    reader = LyingReader(Seeing())
    found = read_all(reader, [*still(0, 1), *still(1, 14, shift=(0, 90))])
    number = found[:, Lying.STRETCH]
    assert number[round(10.5 * FPS)] == 1
    assert np.nanmax(number) == 2


@pytest.mark.parametrize("moved", [0.0, 0.3])
def test_nor_does_a_network_that_sees_the_body_move_too_or_saw_another_from_the_start(moved):
    net = Seeing(off=0.4 if not moved else 0.0)
    reader = LyingReader(net)
    read_all(reader, still(0, 1))
    net.off += moved
    found = read_all(reader, still(1, 3, shift=(0, 90)))
    assert np.nanmax(found[:, Lying.STRETCH]) == 2


def test_landmarks_that_lie_there_are_what_the_joints_are_held_against():
    net = Seeing()
    reader = LyingReader(net)
    read_all(reader, still(0, 1))
    net.off = 0.3
    assert read_all(reader, still(1, 1))[-1, Lying.JOINTS_OFF] > 0.3


def thigh_to_shank(yaw_deg: float, straight: bool = False) -> float:
    """What is read of a body whose joints are found, the camera so far round from its front to its feet."""
    points = side_straight() if straight else clam(0.0)
    track = film(np.stack([points] * 30), np.arange(30) / FPS, Camera(yaw_deg=yaw_deg, distance_m=2.8))
    xy = track.image_xyz[0, :, :2].astype(np.float64)

    class There(Counting):
        def encode(self, picture):
            return crop.of(xy[JOINTS]).astype(np.float32), super().encode(picture)[1]

    reader = LyingReader(There())
    crop = Crop.around(xy, mirrored=False, turned=True)
    ones = np.ones(33, np.float32)
    found = None
    for i, t in enumerate(np.arange(30) / FPS):
        one = Pose(t, i, (W, H), track.image_xyz[i], track.world_xyz[i], ones, ones, 1.0)
        found = reader.read(picture(), one, t)
    assert found is not None
    return float(found[Lying.THIGH_TO_SHANK])


@pytest.mark.parametrize("yaw_deg", [0, 20, 40, 60])
def test_straight_legs_and_thighs_that_point_at_the_camera_are_told_apart(yaw_deg):
    """The limit for bent knees is 0.45 (`measures/view.py`)."""
    assert thigh_to_shank(yaw_deg, straight=True) > 0.5
    if yaw_deg >= 20:
        assert thigh_to_shank(yaw_deg) < 0.45
    if yaw_deg == 60:
        assert thigh_to_shank(yaw_deg) < 0


def test_not_every_frame_is_read_once_each_crop_has_been():
    net = Counting()
    reader = LyingReader(net)
    found = read_all(reader, still(0, 1))
    laid = next(i for i in range(round(FPS)) if np.isfinite(found[i, Lying.STRETCH])) + 1 - len(JITTERS)
    assert laid == pytest.approx(STILL_S * FPS, abs=1)  # a reading from the third frame on
    before = net.read
    read_all(reader, still(1, 3))
    assert net.read - before == pytest.approx(3 / READ_EVERY_S, abs=2)


def test_what_a_recording_reads_is_dated_to_the_middle_of_its_crops():
    """The mean of crops read one after another tells a turn late; centred it does not."""
    time_s = np.arange(0, 6, 1 / FPS)
    turns = np.interp(time_s, [2.0, 2.5, 4.0, 4.5], [0, 30, 30, 0])
    made = np.full((len(time_s), LYING_COUNT), np.nan, np.float32)
    crops: list[float] = []
    for i in range(15, len(time_s)):
        if (i - 15) % 4 == 0:
            crops = [*crops, turns[i]][-CROPS:]
        if len(crops) == CROPS:
            made[i] = 1.0
            made[i, [Lying.ROLL, Lying.OPENING]] = np.mean(crops)
    found = centred(made, time_s)
    known = np.isfinite(made[:, Lying.STRETCH])
    assert (np.isfinite(found[:, Lying.ROLL]) == known).all()
    assert np.abs(made[known, Lying.ROLL] - turns[known]).max() > 12
    assert np.abs(found[known, Lying.ROLL] - turns[known]).max() < 5
    half = [float(time_s[np.flatnonzero(row >= 15)[0]]) for row in (turns, found[:, Lying.ROLL])]
    assert half[0] == pytest.approx(half[1], abs=0.05)
    assert (found[known, Lying.JOINTS_OFF] == 1.0).all()


def test_readings_of_two_stretches_stay_apart_and_few_stay_as_they_are():
    time_s = np.arange(0, 3, 0.1)
    made = np.zeros((30, LYING_COUNT), np.float32)
    made[:15, Lying.STRETCH], made[15:28, Lying.STRETCH], made[28:, Lying.STRETCH] = 1, 2, 3
    made[:15, Lying.ROLL], made[15:28, Lying.ROLL] = 5 + 0.01 * np.arange(15), 50 + 0.01 * np.arange(13)
    made[28:, Lying.ROLL] = 1, 2
    found = centred(made, time_s)
    assert found[:15, Lying.ROLL].max() < 6
    assert found[15:28, Lying.ROLL].min() >= 50
    assert found[28:, Lying.ROLL].tolist() == [1, 2]
    assert np.isnan(centred(np.full((4, LYING_COUNT), np.nan, np.float32), time_s[:4])).all()


def test_the_shipped_network_finds_no_turn_between_a_picture_and_itself():
    assert find_model("lying", "lying-encoder").path.stat().st_size < 6_000_000
    net = LyingNet()
    rng = np.random.default_rng(1)
    joints, features = net.encode(rng.random((SIDE_PX, SIDE_PX, 3), np.float32))
    assert joints.shape == (14, 2)
    turned = net.compare(features, features)
    assert np.abs(turned[:3]).max() < 3
    assert (turned[3:] > 0).all()
    assert set(net.model_sha256) == {"lying_encoder.onnx", "lying_comparer.onnx"}
