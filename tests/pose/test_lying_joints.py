"""The network for joints of people who lie: its square, its answers as landmarks, and when it is believed."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from skeleton import Camera, bridge, film

from formcheck.pose import live, recording
from formcheck.pose import lying_joints as module
from formcheck.pose.blazepose import BlazePose, NetOutput
from formcheck.pose.landmarks import LANDMARK_COUNT, MIRRORED, Landmark, Pose, PoseResult
from formcheck.pose.live import LivePose
from formcheck.pose.lying_joints import (
    JointsNet,
    JointsPose,
    around,
    find_lying_body,
    find_turn,
    is_blazepose_sure,
    is_nearer,
)
from formcheck.pose.person import STEADY_DISAGREEMENT, body_size_px
from formcheck.pose.recording import read_poses
from formcheck.pose.region import Region
from formcheck.pose.second_look import is_steady, only_upright
from formcheck.video.file import Frame

W, H = 640, 480
PICTURE = np.zeros((H, W, 3), np.uint8)
WITHIN = [Landmark.LEFT_HIP, Landmark.RIGHT_KNEE, Landmark.LEFT_ANKLE, Landmark.RIGHT_SHOULDER]


def on_the_back(yaw_deg: float = 90.0) -> tuple[np.ndarray, np.ndarray]:
    """``(33, 3)`` landmarks in the picture and in space of a body, seen from its feet if nothing is said."""
    track = film(np.stack([bridge(0.0)] * 2), np.array([0.0, 0.1]), Camera(yaw_deg=yaw_deg))
    return track.image_xyz[0].astype(np.float64), track.world_xyz[0].astype(np.float64)


class Session:
    """Answers as the network would about a body in the square that was asked about last."""

    def __init__(self, region: Region) -> None:
        self.region, self.scale = region, 0.03
        self.xyz, self.world = on_the_back()

    def run(self, names: list[str], given: dict[str, np.ndarray]) -> list[np.ndarray]:
        assert given["image"].shape == (1, 160, 160, 3)
        off = self.xyz[:, :2] - self.region.center_xy
        c, s = math.cos(-self.region.rotation), math.sin(-self.region.rotation)
        share = off @ np.array([[c, -s], [s, c]]).T / self.region.size + 0.5
        order = [*module._JOINTS, Landmark.LEFT_EAR]
        return [share[order][None], np.full((1, len(order)), self.scale), self.world[order][None]]


def net_of(session: Session) -> JointsNet:
    net = JointsNet.__new__(JointsNet)
    net._session, net._doubtful_scale = session, 0.2  # type: ignore[assignment]
    return net


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_the_square_holds_the_body_however_the_picture_lies(quarter):
    xyz, _ = on_the_back()
    region = around(xyz[:, :2], quarter * math.pi / 2)
    off = np.abs(xyz[WITHIN, :2] - region.center_xy).max()
    assert off < region.size / 2
    assert region.size == pytest.approx(around(xyz[:, :2], 0.0).size)


@pytest.mark.parametrize("quarter", [0, 1, 3])
def test_joints_become_landmarks_where_they_are_in_the_picture_and_in_space(quarter):
    xyz, world = on_the_back()
    region = around(xyz[:, :2], quarter * math.pi / 2)
    session = Session(region)
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]])
    session.world = world @ np.linalg.matrix_power(turn, quarter)  # as the turned square shows it
    found = net_of(session)(PICTURE, region)
    for mark in (Landmark.LEFT_HIP, Landmark.RIGHT_KNEE, Landmark.LEFT_ANKLE, Landmark.RIGHT_SHOULDER):
        assert found.image_xyz[mark, :2] == pytest.approx(xyz[mark, :2], abs=0.01)
        assert found.world_xyz[mark] == pytest.approx(world[mark], abs=1e-3)
    assert found.score > 0.9


def test_a_mirrored_reading_is_turned_back(monkeypatch):
    xyz, world = on_the_back()
    region = around(xyz[:, :2], 0.0)
    session = Session(region)
    plain = net_of(session)(PICTURE, region)
    in_mirror = xyz.copy()
    in_mirror[:, 0] = 2 * region.center_xy[0] - in_mirror[:, 0]
    session.xyz, session.world = in_mirror[list(MIRRORED)], world[list(MIRRORED)] * (-1, 1, 1)
    mirrored = net_of(session)(PICTURE, region, mirrored=True)
    some = [Landmark.LEFT_HIP, Landmark.RIGHT_HIP, Landmark.LEFT_KNEE, Landmark.RIGHT_ANKLE]
    assert mirrored.image_xyz[some] == pytest.approx(plain.image_xyz[some], abs=0.01)
    assert mirrored.world_xyz[some] == pytest.approx(plain.world_xyz[some], abs=1e-3)


def test_what_the_network_does_not_know_is_nobody():
    xyz, _ = on_the_back()
    region = around(xyz[:, :2], 0.0)
    session = Session(region)
    engine = JointsPose(net_of(session), region)
    poses = [engine.estimate(Frame(PICTURE, i / 30, i)).pose for i in range(12)]
    assert poses[-1] is not None
    session.scale = 0.5
    assert engine.estimate(Frame(PICTURE, 12 / 30, 12)).pose is None


def test_the_square_follows_a_body_slowly():
    xyz, _ = on_the_back()
    session = Session(around(xyz[:, :2], 0.0))
    engine = JointsPose(net_of(session), session.region)
    session.xyz[:, 0] += 30.0
    for i in range(300):
        session.region = engine._region  # it answers about the square it is asked about
        result = engine.estimate(Frame(PICTURE, i / 30, i))
    assert engine._region.center_xy[0] == pytest.approx(around(session.xyz[:, :2], 0.0).center_xy[0], abs=1.0)
    assert result.pose is not None
    assert result.pose.image_xy[Landmark.LEFT_KNEE] == pytest.approx(
        session.xyz[Landmark.LEFT_KNEE, :2], abs=0.1
    )


class Sees:
    """A network that sees a body lying at one place of the picture, the better the nearer it looks."""

    lies_on, one_leg = "back", False

    def __init__(self, apart: float) -> None:
        self.xyz, self.world = on_the_back()
        self.apart = apart

    def __call__(self, image: np.ndarray, region: Region, mirrored: bool = False) -> NetOutput:
        away = np.linalg.norm(np.subtract(region.center_xy, self.xyz[:, :2].mean(axis=0)))
        size = float(np.ptp(self.xyz[:, :2], axis=0).max())
        xyz = self.xyz + np.array([self.apart * size * mirrored, 0, 0])
        some = np.ones(LANDMARK_COUNT, np.float32)
        return NetOutput(xyz.astype(np.float32), self.world.astype(np.float32), some, some,
                         np.zeros((2, 2)), 1.0 if away < 2 * size else 0.0)  # fmt: skip


def moving() -> list[np.ndarray]:
    """Pictures in which something moves where that body lies."""
    xyz, _ = on_the_back()
    x, y = xyz[:, :2].mean(axis=0).astype(int)
    out = []
    for k in range(8):
        picture = PICTURE.copy()
        picture[y - 20 - 2 * k : y + 20, x - 20 : x + 20] = 200
        out.append(picture)
    return out


def astray(time_s: float = 0.0, index: int = 0) -> PoseResult:
    """BlazePose's reading of a body that it draws in the picture's corner, its second one elsewhere."""
    xy, world = on_the_back()
    some = np.ones(LANDMARK_COUNT, np.float32)
    corner = (xy * 0.4).astype(np.float32)
    one, other = (
        Pose(time_s, index, (W, H), corner + off, world.astype(np.float32), some, some, 1.0)
        for off in (np.float32(0), np.float32(30 * (1 + index % 2)))
    )
    return PoseResult(time_s, index, one, 1, mirrored=other)


def test_a_body_is_found_where_the_picture_moves_though_blazepose_saw_it_elsewhere():
    found = find_lying_body(Sees(0.01), moving(), [astray()] * 8)
    assert found is not None
    apart, region = found
    assert apart < 0.05
    assert region == around(Sees(0.0).xyz[:, :2], 0.0)


def test_nobody_is_found_where_blazepose_saw_hardly_anybody():
    assert find_lying_body(Sees(0.01), moving(), []) is None
    assert find_lying_body(Sees(0.01), moving(), [PoseResult(0.0, 0, None)] * 6 + [astray()] * 2) is None


def test_fewer_pictures_in_which_somebody_is_seen_do_where_its_readings_lie_close_together():
    hardly = [PoseResult(0.0, 0, None)] * 5 + [astray()] * 3
    assert find_lying_body(Sees(0.01), moving(), [*hardly, astray()]) is not None
    assert find_lying_body(Sees(0.08), moving(), [*hardly, astray()]) is None  # an empty room's did so
    assert find_lying_body(Sees(0.08), moving(), [astray()] * 8) is not None


@pytest.mark.parametrize("turn", [90, 180, 270])
@pytest.mark.parametrize(("as_it_stands", "apart", "found"), [
    (0.20, 0.03, True),
    (0.05, 0.01, False),  # as the picture stands they lie close together
    (0.11, 0.07, False),  # not clearly closer, nor close
    (math.inf, 0.03, True),  # nobody is seen in it
    (math.inf, 0.08, False),
])  # fmt: skip
def test_a_turned_picture_is_one_in_which_the_readings_are_clearly_closer_once_it_is_turned_back(
    turn, as_it_stands, apart, found
):
    class SeesTurned(Sees):
        def __call__(self, image, region, mirrored=False):
            upright = round(np.degrees(-region.rotation)) % 360 == turn
            return super().__call__(
                image, region if upright else replace(region, center_xy=(-1e6, 0)), mirrored
            )

    blazepose = [astray()] * 8
    assert find_turn(SeesTurned(apart), moving(), blazepose, as_it_stands) == (turn if found else 0)
    assert find_turn(SeesTurned(apart), moving(), [], as_it_stands) == 0


@pytest.mark.parametrize(
    ("agreed", "before", "believed"),
    [
        (0.05, math.inf, True),  # BlazePose sees nobody
        (0.05, 0.2, True),
        (STEADY_DISAGREEMENT + 0.01, math.inf, False),  # readings of nobody
        (0.09, 0.06, False),
        (0.05, 0.06, False),  # not clearly nearer
    ],
)
def test_it_is_believed_where_its_two_readings_agree_and_those_of_blazepose_do_not(agreed, before, believed):
    assert is_nearer(agreed, before) is believed


# ---- recorded and live ---------------------------------------------------------------------------------


class LosesHim(BlazePose):
    """An engine that sees somebody in a corner, without a model."""

    def __init__(self) -> None:
        pass

    @property
    def net(self):  # type: ignore[no-untyped-def, override]
        return lambda image, region, mirrored=False: nobody(image, region)

    def estimate(self, frame: Frame) -> PoseResult:
        return astray(frame.time_s, frame.index)

    def estimate_all(self, frames):  # type: ignore[no-untyped-def, override]
        yield from map(self.estimate, frames)

    def hold(self, region: Region) -> None:
        raise AssertionError("there is nothing to hold")

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


def nobody(image: np.ndarray, region: Region) -> NetOutput:
    none = np.zeros(LANDMARK_COUNT, np.float32)
    points = np.zeros((LANDMARK_COUNT, 3), np.float32)
    return NetOutput(points, points, none, none, np.zeros((2, 2)), 0.0)


class Recording:
    """A recording of so many seconds in which something moves, at ten pictures a second."""

    fps, frame_count = 10.0, 40

    def __iter__(self):  # type: ignore[no-untyped-def]
        pictures = moving()
        return (Frame(pictures[i % 8], i / 10, i) for i in range(self.frame_count))


def test_a_recording_that_blazepose_loses_is_read_by_this_network():
    results, spent, complete = read_poses(Recording(), LosesHim(), own=Sees(0.01))  # type: ignore[arg-type]
    assert complete
    assert results.own_joints
    assert len(results) == 40
    assert sum(result.pose is not None for result in results) > 30
    assert spent["pose"] > 0


def test_what_its_own_two_readings_contradict_is_not_believed():
    results, _, _ = read_poses(Recording(), LosesHim(), own=Sees(0.3))  # type: ignore[arg-type]
    assert not results.own_joints


def test_live_it_reads_on_once_it_sees_the_body_better_until_the_body_is_gone(monkeypatch):
    monkeypatch.setattr(
        live, "JointsNet", lambda lies_on, one_leg: SimpleNamespace(model_sha256={f"{lies_on}.onnx": "1"})
    )
    pose = LivePose(LosesHim())
    assert pose.read_joints("back") == {"back.onnx": "1"}
    sees = Sees(0.01)
    pose._joints_net = sees  # type: ignore[assignment]
    pictures, seen, i = moving(), 0, 0
    deadline = time.monotonic() + 60
    while not pose.own_joints and time.monotonic() < deadline:
        pose.estimate(Frame(pictures[i % 8], i / 10, i), setting_up=True)
        i += 1
        time.sleep(0.001)
    assert pose.own_joints
    for _ in range(20):
        seen += pose.estimate(Frame(pictures[i % 8], i / 10, i), setting_up=False).pose is not None
        i += 1
    assert seen > 15
    sees.xyz[:, 0] += 5000  # gone
    for _ in range(60):
        pose.estimate(Frame(PICTURE, i / 10, i), setting_up=False)
        i += 1
    assert not pose.own_joints
    pose.close()


class SureOfHim(LosesHim):
    """An engine whose two readings of a body agree."""

    yaw_deg = 90.0

    def estimate(self, frame: Frame) -> PoseResult:
        xyz, world = (a.astype(np.float32) for a in on_the_back(self.yaw_deg))
        some = np.ones(LANDMARK_COUNT, np.float32)
        pose = Pose(frame.time_s, frame.index, (W, H), xyz, world, some, some, 1.0)
        return PoseResult(frame.time_s, frame.index, pose, 1, mirrored=pose)


def test_where_blazepose_is_sure_nobody_else_is_asked():
    class Never(Sees):
        def __call__(self, *_: object, **__: object) -> NetOutput:
            raise AssertionError("asked")

    results, _, _ = read_poses(Recording(), SureOfHim(), own=Never(0.0))  # type: ignore[arg-type]
    assert not results.own_joints
    assert all(result.pose is not None for result in results)


class FollowsAHelper(SureOfHim):
    """An engine that follows, surely, somebody who stands a good way beside the body that lies."""

    def __init__(self, shift_px: float, apart_px: float = 0.0) -> None:
        super().__init__()
        self.shift_px, self.apart_px = shift_px, apart_px

    def estimate(self, frame: Frame) -> PoseResult:
        result = super().estimate(frame)
        assert result.pose is not None
        xyz = result.pose.image_xyz + np.float32([self.shift_px, 0, 0])
        stands = result.pose.world_xyz[:, [0, 2, 1]]  # what pointed away from the camera points down
        pose = replace(result.pose, image_xyz=xyz, world_xyz=stands)
        other = replace(pose, image_xyz=xyz + np.float32([self.apart_px, 0, 0]))
        return replace(result, pose=pose, mirrored=other)


@pytest.mark.parametrize(("shift_px", "read"), [(300.0, True), (0.0, False)])
def test_who_lies_beside_a_helper_is_read_and_a_turned_picture_of_one_body_is_not(
    monkeypatch, shift_px, read
):
    monkeypatch.setattr(recording, "find_lying", lambda *_: None)
    engine = FollowsAHelper(shift_px)
    assert only_upright([engine.estimate(frame) for frame in Recording()])
    results, _, _ = read_poses(Recording(), engine, own=Sees(0.01))  # type: ignore[arg-type]
    assert results.own_joints is read


def test_broken_off_while_who_lies_beside_a_helper_is_read_leaves_what_was_read_before(monkeypatch):
    class Breaks(Sees):
        asked = 0

        def __call__(self, *given, **options):
            self.asked += 1
            if self.asked > 10:
                raise KeyboardInterrupt
            return super().__call__(*given, **options)

    monkeypatch.setattr(recording, "find_lying", lambda *_: None)
    monkeypatch.setattr(recording, "find_lying_body", lambda *_: (0.01, around(Sees(0.0).xyz[:, :2], 0.0)))
    results, _, _ = read_poses(Recording(), FollowsAHelper(300.0), own=Breaks(0.01))  # type: ignore[arg-type]
    assert not results.own_joints
    assert len(results) == Recording.frame_count


def test_who_lies_but_is_drawn_as_if_standing_and_unsurely_is_read(monkeypatch):
    """From the foot end BlazePose takes the knees for hips of somebody who stands."""
    monkeypatch.setattr(recording, "find_lying", lambda *_: None)
    monkeypatch.setattr(recording, "find_region", lambda *_: None)
    engine = FollowsAHelper(0.0, apart_px=15.0)
    assert not is_blazepose_sure([engine.estimate(frame) for frame in Recording()], "back")
    results, _, _ = read_poses(Recording(), engine, own=Sees(0.01))  # type: ignore[arg-type]
    assert results.own_joints


def test_a_turned_picture_is_told_where_it_may_be_one_and_nobody_is_followed_steadily(monkeypatch):
    monkeypatch.setattr(recording, "find_lying", lambda *_: None)
    monkeypatch.setattr(recording, "find_region", lambda *_: None)
    monkeypatch.setattr(recording, "find_turn", lambda *_: 90)
    monkeypatch.setattr(recording, "find_lying_body", lambda *_: None)

    def turn(engine, may_be_turned: bool) -> int:
        results, _, complete = read_poses(Recording(), engine, own=Sees(0.01), may_be_turned=may_be_turned)
        assert complete
        assert not results.own_joints
        return results.turn

    unsure = FollowsAHelper(0.0, apart_px=60.0)
    assert turn(unsure, True) == 90
    assert turn(unsure, False) == 0  # somebody has said how it stands
    steady = Wavers()
    results = [steady.estimate(frame) for frame in Recording()]
    assert is_steady(results)
    assert not is_blazepose_sure(results, "back")
    assert turn(steady, True) == 0


@pytest.mark.parametrize(
    ("apart", "one_leg", "sure"),
    [(0.04, False, True), (0.06, False, True), (0.08, False, False), (0.04, True, True), (0.06, True, False)],
)
def test_from_beside_it_is_asked_where_blazepose_may_swap_the_legs(apart, one_leg, sure):
    class FromBeside(SureOfHim):
        yaw_deg = 0.0

        def estimate(self, frame: Frame) -> PoseResult:
            result = super().estimate(frame)
            assert result.pose is not None
            off = np.float32([apart * body_size_px(result.pose.image_xyz), 0, 0])
            return replace(result, mirrored=replace(result.pose, image_xyz=result.pose.image_xyz + off))

    results = [FromBeside().estimate(frame) for frame in Recording()]
    assert is_steady(results)
    assert is_blazepose_sure(results, "back", one_leg) is sure


class FromACorner(SureOfHim):
    yaw_deg = 45.0


class Wavers(FromACorner):
    """An engine that follows a body steadily, though its two readings lie some way apart."""

    def estimate(self, frame: Frame) -> PoseResult:
        result = super().estimate(frame)
        assert result.pose is not None
        size = float(np.ptp(result.pose.image_xy, axis=0).max())
        other = replace(result.pose, image_xyz=result.pose.image_xyz + np.float32([0.05 * size, 0, 0]))
        return replace(result, mirrored=other)


@pytest.mark.parametrize(("engine", "asked"), [(FromACorner, False), (Wavers, True)])
def test_live_it_is_asked_where_it_is_asked_of_a_recording(engine, asked):
    results = [engine().estimate(frame) for frame in Recording()]
    assert is_steady(results)
    assert is_blazepose_sure(results, "back") is not asked
    recorded, _, _ = read_poses(Recording(), engine(), own=Sees(0.01))  # type: ignore[arg-type]
    assert recorded.own_joints is asked
    pose = LivePose(engine())
    pose._joints_net = Sees(0.01)  # type: ignore[assignment]
    pictures, deadline = moving(), time.monotonic() + 60
    for i in range(100_000):
        pose.estimate(Frame(pictures[i % 8], i / 10, i), setting_up=True)
        if i > 200 and pose.own_joints is asked:
            break
        assert time.monotonic() < deadline
    pose.close()
