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

from formcheck.drawing.face_blur import FaceBlur, _face
from formcheck.pose.engine import open_engine
from formcheck.session.reader import open_session
from formcheck.video.file import VideoFile
from formcheck.video.writer import VideoWriter

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
    }
    alike = {name: likeness(images, original, box) for name, images in kept.items()}
    print(alike, {name: len(images) for name, images in kept.items()}, "radius", radius)
    if blur:
        assert max(alike.values()) < 0.5, alike
    else:
        assert min(alike.values()) > 0.7, alike


@pytest.mark.parametrize("blur", [True, False], ids=["blurred", "as it is"])
def test_what_is_made_from_a_stored_video_shows_no_more(tmp_path, blur):
    clip, video = cut(tmp_path / "clip.mp4", 6.5), tmp_path / "video.mp4"
    blurred, found = FaceBlur(), []
    with (
        VideoFile(clip) as source,
        open_engine("blazepose-onnx", "lite", 1) as engine,
        VideoWriter(video, source.width, source.height, source.fps) as out,
    ):
        for frame in source:
            pose = engine.estimate(frame).pose
            xy = None if pose is None else pose.image_xyz[:, :2]
            found += [] if xy is None else [xy]
            out.write(blurred(frame.image, xy, frame.time_s) if blur else frame.image, frame.time_s)
    # Without a face `lite` loses the person in a quarter of the frames, and then no repetition is counted.
    run("analyze", video, "-e", "bridge", "--model", "full")
    run("export", tmp_path / "video.formcheck", "--to", "mp4", "--rep", "1")
    (x, y), radius = _face(np.median(found, axis=0).astype(np.float64))
    half = radius // 2
    box = (slice(y - half, y + half), slice(x - half, x + half))
    original = pictures(clip)
    height, width = original[0].shape[:2]

    def cropped(images: list[np.ndarray]) -> list[np.ndarray]:
        """As large as the clip; below the picture is the signal."""
        scaled = [cv2.resize(i, (width, round(i.shape[0] * width / i.shape[1]))) for i in images]
        return [np.asarray(i[:height], np.uint8) for i in scaled]

    results = tmp_path / "video.formcheck"
    kept = {
        "annotated video": cropped(pictures(results / "annotated.mp4")[::12]),
        "stills": cropped(stills(results / "report.html")),
        "exported clip": cropped(pictures(results / "export-rep1.mp4")[::12]),
    }
    assert all(kept.values())
    alike = {name: likeness(images, original, box) for name, images in kept.items()}
    print(alike)
    if blur:
        assert max(alike.values()) < 0.5, alike
    else:
        assert min(alike.values()) > 0.7, alike
