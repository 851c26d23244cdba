"""The pose stage of a live session: the engine, and a second look while the usual tracking gives out.

From the feet or the head end the tracking of a recording is replaced by one fixed region, found by trial
over the whole clip (see `second_look`). Live there is no whole clip: the trial is made during set-up, on
pictures of the last seconds, on a thread of its own, and the region is kept as long as the body is seen
steadily in it. Where BlazePose is not sure, as in a recording, a body that lies is looked for with our own
network, too; where that one sees it better it reads the session.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from formcheck.pose.blazepose import BlazePose, LandmarkNet, NetOutput
from formcheck.pose.engine import PoseEngine
from formcheck.pose.landmarks import PoseResult
from formcheck.pose.lightener import Lightener
from formcheck.pose.lying import LyingNet, LyingReader
from formcheck.pose.lying_joints import (
    SURE_DISAGREEMENT,
    JointsNet,
    JointsPose,
    find_lying_body,
    is_blazepose_sure,
    is_nearer,
)
from formcheck.pose.region import Region
from formcheck.pose.second_look import TRIAL_FRAMES, agreement, disagreement, find_region, is_steady
from formcheck.video.file import Frame

#: Tracking is judged over this long.
_JUDGE_S = 3.0
#: A trial costs seconds of computing: not more often than this.
_TRY_EVERY_S = 10.0
#: A region in which nobody is seen for this long is given up.
_EMPTY_S = 2.0


class _EndedError(Exception):
    """The trial is not wanted any more."""


class _EndableNet(LandmarkNet):
    """A landmark model that refuses its next picture once it is told to end."""

    def __init__(self, net: LandmarkNet, end: threading.Event) -> None:
        self._net, self._end = net, end

    def __call__(self, image: NDArray[np.uint8], region: Region, mirrored: bool = False) -> NetOutput:
        if self._end.is_set():
            raise _EndedError
        return self._net(image, region, mirrored)


class LivePose:
    """Estimates the frames of a live session.

    Args:
        engine: any pose engine; only `BlazePose` gets the second look.
    """

    def __init__(self, engine: PoseEngine) -> None:
        self._engine = engine
        self._lighter = Lightener()
        self._results: deque[tuple[float, PoseResult]] = deque()
        self._pictures: deque[tuple[float, NDArray[np.uint8]]] = deque()
        self._trial: threading.Thread | None = None
        self._end = threading.Event()
        self._found: list[Region | JointsPose | None] = []
        self._tried_s = -np.inf
        self._held = False
        self._seen_s = 0.0
        self._lying: LyingReader | None = None
        self._joints_net: JointsNet | None = None
        self._joints: JointsPose | None = None

    def estimate(self, frame: Frame, *, setting_up: bool) -> PoseResult:
        """Landmarks of the exercising person, and what turned in it where that is asked for (`read_lying`).

        Args:
            frame: the newest frame.
            setting_up: True while nothing is measured yet, so that the region may still change.
        """
        frame = self._lighter(frame)
        result = self._estimate(frame, setting_up)
        if self._lying is None:
            return result
        return replace(result, lying=self._lying.read(frame.image, result.pose, result.time_s))

    def read_lying(self) -> dict[str, str]:
        """From now on the network for people who lie reads every frame.

        Returns:
            Hashes of its weight files, by file name.

        Raises:
            FormcheckError: a file is missing or damaged.
        """
        net = LyingNet()
        self._lying = LyingReader(net)
        return net.model_sha256

    def read_joints(self, lies_on: Literal["back", "side"], one_leg: bool = False) -> dict[str, str]:
        """From now on our network for the joints of people who lie is tried where tracking gives out.

        Args:
            lies_on, one_leg: see `JointsNet`.

        Returns:
            Hashes of its weight files, by file name.

        Raises:
            FormcheckError: a file is missing or damaged.
        """
        self._joints_net = JointsNet(lies_on, one_leg=one_leg)
        return self._joints_net.model_sha256

    @property
    def own_joints(self) -> bool:
        """True while our network for the joints of people who lie reads."""
        return self._joints is not None

    def _estimate(self, frame: Frame, setting_up: bool) -> PoseResult:
        if self._found and (found := self._found.pop()) is not None:
            if isinstance(found, JointsPose):
                self._joints = found
            elif isinstance(self._engine, BlazePose):
                self._engine.hold(found)
            self._held, self._seen_s = True, frame.time_s
            self._results.clear()
        result = (self._joints or self._engine).estimate(frame)
        if result.pose is not None:
            self._seen_s = frame.time_s
        if self._held and frame.time_s - self._seen_s > _EMPTY_S:
            self._engine.reset()
            self._held, self._joints = False, None
        self._keep(result, frame)
        if setting_up and not self._held and self._worth_a_trial(frame.time_s):
            self._start_trial(frame.time_s)
        return result

    def close(self) -> None:
        """End a trial under way, within one picture, then release the engine.

        A thread left inside the model would take the whole program with it when the interpreter ends.
        """
        self._end.set()
        if self._trial is not None:
            self._trial.join()
        self._engine.close()

    def _keep(self, result: PoseResult, frame: Frame) -> None:
        t = frame.time_s
        self._results.append((t, result))
        while t - self._results[0][0] > _JUDGE_S:
            self._results.popleft()
        if not self._pictures or t - self._pictures[-1][0] >= _JUDGE_S / TRIAL_FRAMES:
            self._pictures.append((t, frame.image))
            while len(self._pictures) > TRIAL_FRAMES:
                self._pictures.popleft()

    def _worth_a_trial(self, t: float) -> bool:
        busy = self._trial is not None and self._trial.is_alive()
        judged = len(self._pictures) == TRIAL_FRAMES and t - self._results[0][0] > 0.8 * _JUDGE_S
        return (
            isinstance(self._engine, BlazePose)
            and not busy
            and judged
            and t - self._tried_s > _TRY_EVERY_S
            and not self._is_sure([result for _, result in self._results])
        )

    def _is_sure(self, results: list[PoseResult]) -> bool:
        """True where neither another region nor our own network is looked for."""
        own = self._joints_net
        if own is not None and not is_blazepose_sure(results, own.lies_on, own.one_leg):
            return False
        return is_steady(results)

    def _start_trial(self, t: float) -> None:
        assert isinstance(self._engine, BlazePose)
        self._tried_s = t
        net = _EndableNet(self._engine.net, self._end)
        results = [result for _, result in self._results]
        pictures = [picture for _, picture in self._pictures]

        own = self._joints_net

        def look() -> None:
            with suppress(_EndedError):
                steady = is_steady(results)
                region = None if steady else find_region(net, pictures, results)
                best: Region | JointsPose | None = region
                if own is not None:
                    before = disagreement(results) if steady else agreement(net, pictures, region)
                    sure = not steady and before <= SURE_DISAGREEMENT
                    other = None if sure else find_lying_body(_EndableNet(own, self._end), pictures, results)
                    if other is not None and is_nearer(other[0], before):
                        best = JointsPose(own, other[1])
                self._found.append(best)

        self._trial = threading.Thread(target=look, name="second look", daemon=True)
        self._trial.start()
