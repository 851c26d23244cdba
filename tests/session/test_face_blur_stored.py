"""Blurred faces in what is kept: can a stored face be found again among the faces of the clip?

A face is compared by its fine detail (all that a face is recognised by) with the same place in every frame of
the clip that the camera showed; the same is done without the blur, so that the comparison is known to work.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from everything import cut, live, run

from formcheck.session.face_blur import _face
from formcheck.session.reader import open_session
from formcheck.sources import VideoFile

pytestmark = pytest.mark.slow


def pictures(path: Path) -> list[np.ndarray]:
    with VideoFile(path) as video:
        return [frame.image for frame in video]


def detail(image: np.ndarray, box: tuple[slice, slice]) -> np.ndarray:
    """What is finer than a third of the face, standardised."""
    grey = cv2.cvtColor(image[box], cv2.COLOR_BGR2GRAY).astype(np.float64)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), grey.shape[0] / 6)
    return np.asarray((fine - fine.mean()) / (fine.std() + 1e-9))


def likeness(images: list[np.ndarray], clip: list[np.ndarray], box: tuple[slice, slice]) -> float:
    """The best correlation of any picture's face with any frame of the clip's."""
    faces = [detail(image, box) for image in clip]
    return max(float((detail(image, box) * face).mean()) for image in images for face in faces)


def stills(report: Path) -> list[np.ndarray]:
    text = report.read_text(encoding="utf-8")
    found = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", text)
    out = [cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), cv2.IMREAD_COLOR) for one in found]
    return [np.asarray(image, np.uint8) for image in out]


@pytest.mark.parametrize("blur", [True, False], ids=["blurred", "as it is"])
def test_a_stored_face_cannot_be_found_again(tmp_path, blur):
    clip = cut(tmp_path / "clip.mp4", 7.0)
    live(clip, "--out", tmp_path / "live", "--model", "lite", "--mute", *(["--blur-face"] if blur else []))
    (session,) = (tmp_path / "live").iterdir()
    run("analyze", session)
    with open_session(session) as opened:
        xy = opened.poses().track.image_xyz[:, :, :2]
    (x, y), radius = _face(np.nanmedian(xy, axis=0).astype(np.float64))
    half = radius // 2  # eyes, nose and mouth
    box = (slice(y - half, y + half), slice(x - half, x + half))
    original = pictures(clip)
    assert original[0].shape[0] >= y + half
    # Of the first frames, in which nobody was known yet, as of all others.
    stored = pictures(session / "video.mp4")
    kept = {
        "stored video": stored[:3] + stored[3::12],
        "annotated video": [
            i[: original[0].shape[0]] for i in pictures(session / "analysis/annotated.mp4")[::12]
        ],
        "stills": stills(session / "analysis/report.html"),
    }
    if list((session / "analysis").glob("report.html")) and not kept["stills"]:
        del kept["stills"]
    alike = {name: likeness(images, original, box) for name, images in kept.items()}
    print(alike, {name: len(images) for name, images in kept.items()}, "radius", radius)
    if blur:
        assert max(alike.values()) < 0.5, alike
    else:
        assert min(alike.values()) > 0.7, alike
