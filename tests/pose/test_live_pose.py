"""The pose stage of a live session: its second look, and how it ends."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from formcheck.pose import live
from formcheck.pose.blazepose import BlazePose
from formcheck.pose.landmarks import PoseResult
from formcheck.pose.live import LivePose
from formcheck.video.file import Frame

PICTURE = np.zeros((48, 64, 3), np.uint8)


class SeesNobody(BlazePose):
    """An engine without a model."""

    def __init__(self) -> None:
        self.closed = False

    @property
    def net(self):  # type: ignore[no-untyped-def, override]
        return lambda image, region, mirrored=False: time.sleep(0.01)

    def estimate(self, frame: Frame) -> PoseResult:
        return PoseResult(frame.time_s, frame.index, None)

    def close(self) -> None:
        self.closed = True


def test_a_second_look_under_way_ends_with_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = SimpleNamespace(begun=threading.Event(), asked=0)

    def endless(net, pictures, results) -> None:  # type: ignore[no-untyped-def]
        while True:
            net(pictures[0], None)
            looks.asked += 1
            looks.begun.set()

    monkeypatch.setattr(live, "find_region", endless)
    engine = SeesNobody()
    pose = LivePose(engine)
    for i in range(400):
        pose.estimate(Frame(PICTURE, i / 30, i), setting_up=True)
    assert looks.begun.wait(30.0)
    pose.close()
    assert engine.closed
    assert "second look" not in [thread.name for thread in threading.enumerate()]
