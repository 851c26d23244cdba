"""A picture of every page, from sample values: ``python -m formcheck.coach.pages OUT_DIR``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2

from formcheck.coach.pages.draw import draw_page
from formcheck.coach.pages.sample_pages import sample_pages, sample_picture


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a PNG of every page, from sample values."""
    parser = argparse.ArgumentParser(prog="python -m formcheck.coach.pages", description=main.__doc__)
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--language", default="en")
    parser.add_argument("--contrast", action="store_true", help="the high-contrast colours")
    parser.add_argument("--size", default="1366x768", help="of the window, e.g. 1366x768")
    given = parser.parse_args(arguments)
    width, height = (int(part) for part in given.size.split("x"))
    given.out_dir.mkdir(parents=True, exist_ok=True)
    for name, page in sample_pages(given.language).items():
        drawn = draw_page(page, sample_picture(), (width, height), high_contrast=given.contrast)
        cv2.imwrite(str(given.out_dir / f"{name}.png"), drawn.image)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
