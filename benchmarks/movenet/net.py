"""MoveNet, as converted by `convert.py`, on a region of a frame."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from formcheck.pose.region import Region

#: COCO's 17 points, MoveNet's order: the partner of each on the other side.
PARTNER = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
#: Shoulders, hips, knees, ankles, left before right.
CORE = [5, 6, 11, 12, 13, 14, 15, 16]
_STRIDE = 4


class MoveNet:
    """Args: model: the ONNX file; its constants lie beside it as ``.npz``."""

    def __init__(self, model: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.side = int(self._session.get_inputs()[0].shape[1])
        constants = np.load(model.with_suffix(".npz"))
        self._center_weight = constants["center_weight"][:, :, 0]
        self._rows, self._columns = constants["rows"][:, :, 0], constants["columns"][:, :, 0]

    def __call__(
        self, image: NDArray[np.uint8], region: Region, mirrored: bool = False
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``(17, 2)`` frame pixels and ``(17,)`` scores; `mirrored` as in `LandmarkNet`."""
        crop = cv2.cvtColor(region.crop(image, self.side), cv2.COLOR_BGR2RGB)
        if mirrored:
            crop = crop[:, ::-1]
        heads = self._session.run(
            ["center", "heat", "regress", "offset"], {"image": np.ascontiguousarray(crop, np.float32)[None]}
        )
        xy, score = self._decode(*(h[0] for h in heads))
        if mirrored:
            xy[:, 0] = 1 - xy[:, 0]
            xy, score = xy[PARTNER], score[PARTNER]
        return region.to_frame(xy), score

    def _decode(
        self,
        center: NDArray[np.float32],
        heat: NDArray[np.float32],
        regress: NDArray[np.float32],
        offset: NDArray[np.float32],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What the published graph does after its heads: one person, the points nearest its guesses."""
        cells = center.shape[1]
        person = int(np.argmax(_sigmoid(center[0]) * self._center_weight))
        row, column = divmod(person, cells)
        guess = regress[:, row, column].reshape(17, 2) + np.array([row, column])
        likely = _sigmoid(heat)
        away = np.sqrt(
            (self._rows - guess[:, 0, None, None]) ** 2 + (self._columns - guess[:, 1, None, None]) ** 2
        )
        best = np.argmax((likely / (away + 1.8)).reshape(17, -1), axis=1)
        at = np.arange(17)
        rows, columns = best // cells, best % cells
        moved = offset.reshape(17, 2, cells, cells)[at, :, rows, columns]
        xy = np.stack([columns + moved[:, 1], rows + moved[:, 0]], axis=1) * _STRIDE / self.side
        return xy.astype(np.float64), likely[at, rows, columns].astype(np.float64)


def _sigmoid(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -50, 50))), np.float32)
