"""Draws every page of the live window from its values.

Developers and translators look at all pages with::

    python -m formcheck.coach.pages OUT_DIR [--language de] [--contrast] [--size 1366x768]
"""

from __future__ import annotations

from dataclasses import dataclass

from formcheck.coach.pages.camera_page import draw_camera_page
from formcheck.coach.pages.page import Page
from formcheck.coach.pages.still_page import draw_still_page
from formcheck.coach.pages.turning import Turn
from formcheck.drawing.palette import Image

#: Kinds that show the camera's picture.
WITH_PICTURE = ("setup", "practice", "work")
#: Kinds whose words turn for somebody who lies on the side.
TURNING = (*WITH_PICTURE, "paused", "rest")


@dataclass(frozen=True)
class Drawn:
    """A page as drawn.

    Attributes:
        image: ``(h, w, 3)`` uint8 BGR. As large as asked for, but pages with the camera's picture are at
            most 1080 rows high (same shape): the window scales them up. Not to be written to.
        boxes: x, y, width and height of each choice in the image, for the mouse.
    """

    image: Image
    boxes: dict[str, tuple[int, int, int, int]]

    def choice_at(self, x: float, y: float) -> str | None:
        """Id of the choice at a point of the image, or None."""
        for name, (left, top, width, height) in self.boxes.items():
            if left <= x < left + width and top <= y < top + height:
                return name
        return None


def draw_page(
    page: Page,
    picture: Image | None,
    size_wh: tuple[int, int],
    *,
    high_contrast: bool = False,
    turn: Turn = 0,
) -> Drawn:
    """Draw one page.

    Args:
        page: what to show.
        picture: the camera's unmirrored frame, ``(h, w, 3)`` uint8 BGR, any shape; it is shown mirrored.
            None where there is none (a page of the camera then says so with a sign).
        size_wh: width and height of the window's drawing area, pixels.
        high_contrast: black ground, white text.
        turn: degrees clockwise by which the words stand, for somebody who lies on the side; only those of the
            kinds in `TURNING` do.
    """
    if page.kind not in TURNING:
        turn = 0
    if page.kind in WITH_PICTURE:
        return Drawn(draw_camera_page(page, picture, size_wh, high_contrast, turn), {})
    return Drawn(*draw_still_page(page, size_wh, high_contrast, turn))
