"""BlazePose's person detector: where people are in a frame, and which way up they lie.

Decoding follows the published graph: 2254 anchors, score threshold 0.5, weighted non-maximum suppression.
Each detection carries the two alignment points from which the landmark model's region is made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from formcheck.pose.region import Region
from formcheck.pose.runtime import ort

INPUT_SIDE = 224
SCORE_THRESHOLD = 0.5
_SUPPRESS_OVERLAP = 0.3
#: Parts of a frame in which somebody small is looked for, as shares of its longer side.
_PART_SHARES = (1 / 2, 1 / 4, 1 / 8)
#: Somebody fits into a part whose region is no larger than so many of its sides. In a close view of a carpet
#: or a wall the detector "sees" people who are much larger.
_FITS = 1.25


@dataclass(frozen=True)
class Detection:
    """One person found.

    Attributes:
        score: 0 to 1.
        region: where the landmark model should look.
    """

    score: float
    region: Region


@dataclass(frozen=True)
class FramePart:
    """A square part of a frame, cut off at the frame's edges.

    Attributes:
        left, top: its corner, pixels.
        side: pixels.
    """

    left: int
    top: int
    side: int


def parts(width: int, height: int) -> list[FramePart]:
    """Overlapping squares that cover a frame, large ones first, none smaller than the detector's input.

    Somebody who fills a tenth of a frame is a few pixels in the detector's view of it, and is found in one
    of these. Neighbours overlap by half.
    """
    found = []
    for share in _PART_SHARES:
        side = round(max(width, height) * share)
        if side < INPUT_SIDE:
            break
        lefts, tops = (
            np.unique(
                np.linspace(0, max(whole - side, 0), 1 + max(-(-2 * (whole - side) // side), 0)).round()
            )
            for whole in (width, height)
        )
        found += [FramePart(int(left), int(top), side) for top in tops for left in lefts]
    return found


def _anchors() -> NDArray[np.float32]:
    """``(2254, 2)`` anchor centres in 0..1. Two a cell at stride 8 and 16, six at stride 32."""
    rows = []
    for stride, per_cell in ((8, 2), (16, 2), (32, 6)):
        n = INPUT_SIDE // stride
        y, x = np.divmod(np.arange(n * n), n)
        cell = (np.stack([x, y], axis=1) + 0.5) / n
        rows.append(np.repeat(cell, per_cell, axis=0))
    return np.concatenate(rows).astype(np.float32)


class PoseDetector:
    """Runs the detector model on whole frames.

    Args:
        session: ONNX Runtime session of ``pose_detection.onnx`` (NHWC input, -1 to 1, RGB).
    """

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._anchors = _anchors()

    def detect_in(self, image: NDArray[np.uint8], part: FramePart) -> list[Detection]:
        """People who fit into a part of a frame, best first, in the coordinates of the frame."""
        square = image[part.top : part.top + part.side, part.left : part.left + part.side]
        found = []
        for one in self.detect(np.ascontiguousarray(square)):
            x, y = one.region.center_xy
            if one.region.size <= _FITS * part.side:
                at = (x + part.left, y + part.top)
                found.append(replace(one, region=replace(one.region, center_xy=at)))
        return found

    def detect(self, image: NDArray[np.uint8], quarter_turns: int = 0) -> list[Detection]:
        """People in a frame, best first.

        Args:
            image: ``(height, width, 3)`` uint8, BGR.
            quarter_turns: turn the frame this many times by 90 degrees clockwise before looking; the
                answer is in the coordinates of the frame as given. The detector knows people by their
                faces, and a face upside down at the head end of the mat is found only when turned.
        """
        height, width = image.shape[:2]
        long = max(height, width)
        k = INPUT_SIDE / long
        # Centre the frame in the square ("letterbox"), then turn the square.
        m = np.array(
            [[k, 0, (INPUT_SIDE - width * k) / 2], [0, k, (INPUT_SIDE - height * k) / 2], [0, 0, 1.0]]
        )
        turn = np.eye(3)
        for _ in range(quarter_turns % 4):
            turn = np.array([[0, -1.0, INPUT_SIDE], [1.0, 0, 0], [0, 0, 1.0]]) @ turn
        m = turn @ m
        back = np.linalg.inv(m)
        # Shrinking without averaging would alias: shrink by area first where the step is large.
        small = image
        step = int(long // (2 * INPUT_SIDE))
        if step > 1:
            size = (max(width // step, 1), max(height // step, 1))
            small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
            m = m @ np.diag([width / size[0], height / size[1], 1.0])
        square = cv2.warpAffine(small, m[:2], (INPUT_SIDE, INPUT_SIDE), flags=cv2.INTER_LINEAR)
        tensor = cv2.cvtColor(square, cv2.COLOR_BGR2RGB).astype(np.float32)[None]
        tensor = tensor * np.float32(2 / 255) - np.float32(1)
        boxes, scores = self._session.run(["boxes", "scores"], {"image": tensor})
        return self._decode(boxes[0], scores[0, :, 0], back)

    def _decode(
        self, raw: NDArray[np.floating], logits: NDArray[np.floating], to_frame: NDArray[np.float64]
    ) -> list[Detection]:
        score = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -100, 100)))
        keep: NDArray[np.intp] = np.flatnonzero(score >= SCORE_THRESHOLD)
        if keep.size == 0:
            return []
        keep = keep[np.argsort(-score[keep])]
        score, anchor = score[keep], self._anchors[keep]
        raw = raw[keep] / INPUT_SIDE
        center = raw[:, 0:2] + anchor
        half = raw[:, 2:4] / 2
        box = np.concatenate([center - half, center + half], axis=1)
        points = raw[:, 4:12].reshape(-1, 4, 2) + anchor[:, None]
        found = []
        left = np.arange(len(score))
        while left.size:
            overlap = _iou(box[left[0]], box[left])
            group = left[overlap > _SUPPRESS_OVERLAP]
            if group.size == 0:
                group = left[:1]
            weight = score[group][:, None, None]
            merged = (points[group] * weight).sum(axis=0) / weight.sum() * INPUT_SIDE
            xy = merged @ to_frame[:2, :2].T + to_frame[:2, 2]
            region = Region.from_alignment(xy[0], xy[1])
            if region.size > 1:
                found.append(Detection(float(score[left[0]]), region))
            left = np.setdiff1d(left, group, assume_unique=True)
            left = left[np.argsort(-score[left], kind="stable")]
        return found


def _iou(one: NDArray[np.floating], many: NDArray[np.floating]) -> NDArray[np.floating]:
    lo = np.maximum(one[:2], many[:, :2])
    hi = np.minimum(one[2:], many[:, 2:])
    inter = np.prod(np.clip(hi - lo, 0, None), axis=1)
    area = np.prod(one[2:] - one[:2]) + np.prod(many[:, 2:] - many[:, :2], axis=1)
    return np.asarray(inter / np.maximum(area - inter, 1e-9))
