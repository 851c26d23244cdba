"""What is drawn on a frame: grey where not trusted, words that fit, phases told apart without colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from formcheck.drawing import lettering
from formcheck.drawing import overlay as screen
from formcheck.drawing import strip as strips
from formcheck.drawing.overlay import (
    FaultMark,
    JointAngle,
    OverlayState,
    canvas_size,
    draw_body,
    draw_overlay,
)
from formcheck.drawing.signal import PHASE_TINTS, lanes, phase_spans, tint
from formcheck.drawing.strip import Strip
from formcheck.pose.landmarks import Landmark
from formcheck.words import say

SIZES = [(640, 480), (432, 768), (1920, 1080), (500, 380), (854, 480), (566, 266), (333, 251)]
HIPS_AND_KNEES = {
    "LEFT_HIP": (0.3, 0.5),
    "RIGHT_HIP": (0.3, 0.6),
    "LEFT_KNEE": (0.6, 0.5),
    "RIGHT_KNEE": (0.6, 0.6),
}
LONG = "Hip not fully extended although the pelvis has been lifted for quite some time already"


def points(width: int, height: int) -> np.ndarray:
    xy = np.full((33, 2), np.nan)
    for name, (x, y) in HIPS_AND_KNEES.items():
        xy[Landmark[name]] = (round(x * width), round(y * height))
    return xy


def strip(seconds: float = 10.0) -> Strip:
    t = np.arange(0, seconds, 0.05)
    phase = np.array(["rest", "rise", "hold", "lower", "lost"])[(t % 5).astype(int)]
    value = np.sin(t)
    value[phase == "lost"] = np.nan
    return Strip(t, value, t < 7, list(phase), reps=[(1, 4, "1"), (6, 9, "2")], faults=[(2, 3, 3)])


def state(width: int = 640, height: int = 480, **changes: object) -> OverlayState:
    base = OverlayState(
        time_s=2.5, xy=points(width, height), trusted=np.ones(33, bool), phase="hold", rep="1", rep_total=3,
        rep_note="partial", value_title="Pelvic height", value_text="0.41", value_unit="thigh lengths",
        strip=strip(), unseen=("pelvic drop", "knee separation", "left shank lean", "right shank lean") * 2,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def picture(width: int = 640, height: int = 480, level: int = 120) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def near(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(image.astype(int) - color) < 12).all(axis=2)


def thigh(image: np.ndarray, y: float) -> np.ndarray:
    """The pixels around one thigh, without its ends."""
    height, width = 480, 640
    return image[int(y * height) - 12 : int(y * height) + 12, int(0.36 * width) : int(0.54 * width)]


def test_untrusted_parts_are_grey_and_broken_and_others_are_not() -> None:
    trusted = np.ones(33, bool)
    trusted[Landmark.RIGHT_KNEE] = False
    image = draw_overlay(picture(), state(trusted=trusted))
    good, bad = thigh(image, 0.5), thigh(image, 0.6)
    assert near(good, screen.TRUSTED).any()
    assert not near(good, screen.UNTRUSTED).any()
    assert near(bad, screen.UNTRUSTED).any()
    assert not near(bad, screen.TRUSTED).any()
    assert not near(bad, screen.MEASURED).any()
    blue, green, red = (int(c) for c in screen.UNTRUSTED)
    assert max(blue, green, red) - min(blue, green, red) < 20  # grey indeed
    # not by colour alone: the trusted line has no gaps, the untrusted one has
    assert near(good, screen.TRUSTED).any(axis=0).all()
    assert not near(bad, screen.UNTRUSTED).any(axis=0).all()


def test_what_is_measured_stands_out() -> None:
    measured = frozenset((Landmark.LEFT_HIP, Landmark.LEFT_KNEE))
    image = draw_overlay(picture(), state(measured=measured))
    assert near(thigh(image, 0.5), screen.MEASURED).any()
    assert not near(thigh(image, 0.6), screen.MEASURED).any()
    # untrusted wins over measured
    trusted = np.ones(33, bool)
    trusted[Landmark.LEFT_HIP] = False
    image = draw_overlay(picture(), state(measured=measured, trusted=trusted))
    assert not near(thigh(image, 0.5), screen.MEASURED).any()


def test_the_picture_stays_as_it_was_and_the_words_go_below() -> None:
    image = picture()
    before = image.copy()
    out = draw_overlay(image, state(xy=np.full((33, 2), np.nan)))
    assert (image == before).all()
    assert (out[:480, :640] == before).all()
    assert not (out[480:] == np.array(screen.PANEL, np.uint8)).all()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("truetype", [True, False])
def test_all_text_stays_within_the_canvas(
    monkeypatch: pytest.MonkeyPatch, width: int, height: int, truetype: bool
) -> None:
    if truetype and not lettering.HAS_TRUETYPE:
        pytest.skip("this OpenCV has no TrueType text")
    monkeypatch.setattr(lettering, "HAS_TRUETYPE", truetype)
    for cached in (lettering.text_width, lettering.elide, lettering.broken):
        cached.cache_clear()
    boxes: list[tuple[str, float, float, float, float]] = []
    real = screen.put_text

    def spy(image, text, x, y, size, color, weight=400):  # type: ignore[no-untyped-def]
        if image.shape[1] == canvas_size(width, height)[0] and text:
            boxes.append(
                (text, x, y - 0.75 * size, x + lettering.text_width(text, size, weight), y + 0.25 * size)
            )
        real(image, text, x, y, size, color, weight)

    monkeypatch.setattr(screen, "put_text", spy)
    marks = tuple(FaultMark(LONG, grade, "123 trunk lengths", (Landmark.LEFT_HIP,)) for grade in (1, 2, 3))
    out = draw_overlay(picture(width, height), state(width, height, faults=marks, rep="128", rep_total=1234))
    assert out.shape[1::-1] == canvas_size(width, height)
    assert out.shape[0] % 2 == 0
    assert out.shape[1] % 2 == 0
    assert len(boxes) >= 6
    for text, x0, y0, x1, y1 in boxes:
        assert 0 <= x0 <= x1 <= width + 1, text
        assert 0 <= y0 <= y1 <= out.shape[0], text
    below = [box for box in boxes if box[2] >= height]
    for i, (a, ax0, ay0, ax1, ay1) in enumerate(below):
        for b, bx0, by0, bx1, by1 in below[i + 1 :]:
            apart = ax1 <= bx0 + 1 or bx1 <= ax0 + 1 or ay1 <= by0 + 3 or by1 <= ay0 + 3
            assert apart, f"{a!r} runs into {b!r}"
    for cached in (lettering.text_width, lettering.elide, lettering.broken):
        cached.cache_clear()


@pytest.mark.parametrize("phase", ["rest", "rise", "hold", "lower"])
def test_the_phase_is_told_in_words(monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    said: list[str] = []
    monkeypatch.setattr(screen, "put_text", lambda image, text, *rest: said.append(text))
    draw_overlay(picture(), state(phase=phase))
    assert say(f"findings.phase.{phase}") in said
    assert "1" in said


def test_nobody_in_view_is_said_and_no_skeleton_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(screen, "put_text", lambda image, text, *rest: said.append(text))
    image = draw_overlay(picture(), state(xy=None, message="Nobody is seen here"))
    assert "Nobody is seen here" in said
    assert "Nobody in view" in said
    assert (image[240:480, :640] == 120).all()


def test_a_fault_is_named_and_ringed_where_it_happens_with_its_grade(monkeypatch: pytest.MonkeyPatch) -> None:
    rings = {}
    for grade in (1, 2, 3):
        mark = FaultMark("Hip not fully extended", grade, "27°", (Landmark.LEFT_HIP,), "marked")
        image = draw_overlay(picture(), state(faults=(mark,)))
        y, x = (round(v) for v in (0.5 * 480, 0.3 * 640))
        row = near(image, screen.FAULT)[y, : x - 5]  # to the left of the hip: one run for each circle
        rings[grade] = int((np.diff(row.astype(int)) == 1).sum())
        assert not near(image, screen.FAULT)[:480, int(0.55 * 640) :].any()
    assert rings == {1: 1, 2: 2, 3: 3}
    said: list[str] = []
    monkeypatch.setattr(screen, "put_text", lambda image, text, *rest: said.append(text))
    draw_overlay(picture(), state(faults=(mark,)))
    assert "Hip not fully extended" in said
    assert any("27°" in text and "marked" in text for text in said)


def test_the_strip_leaves_gaps_and_hatches_the_phases() -> None:
    image = strips._draw_page(strip(), 0.0, 10.0, 1000, 60, 16)
    line = near(image, screen.INK)
    assert line[:, 20:390].any(axis=0).all()
    assert not line[:, 412:488].any()  # "lost": nothing is drawn across it
    bare = replace(strip(), value=np.full(200, np.nan), reps=(), faults=())
    image = strips._draw_page(bare, 0.0, 10.0, 1000, 60, 16)
    tones = [len(np.unique(image[:, a : a + 60].reshape(-1, 3), axis=0)) for a in (20, 120, 220, 320)]
    assert tones == [
        1,
        2,
        1,
        2,
    ]  # resting and holding plain, lifting and lowering hatched
    lifting, lowering = ((image[:, a : a + 60] == image[0, a + 1]).all(axis=2) for a in (120, 320))
    assert not (lifting == lowering).all()


def test_a_long_recording_is_shown_in_pages() -> None:
    long = strip(200.0)
    for time_s in (0.0, 39.9, 40.1, 199.0):
        draw_overlay(picture(), state(strip=long, time_s=time_s))
    assert len(long._drawn) == 1  # only the page in use is kept
    assert strips._page(long, 85.0)[1] == 80.0


def test_wild_and_missing_coordinates_do_no_harm() -> None:
    xy = points(640, 480)
    xy[Landmark.LEFT_ANKLE] = (1e9, -1e9)
    mark = FaultMark("x", 1, "", (Landmark.LEFT_ANKLE, Landmark.RIGHT_EAR))
    draw_overlay(picture(), state(xy=xy, faults=(mark,)))
    draw_overlay(picture(2, 2), state(2, 2))
    empty = Strip(np.zeros(0), np.zeros(0), np.zeros(0, bool), [])
    draw_overlay(picture(), state(strip=empty, rep_total=None, cue="Push the floor away", reached=0.7))


def test_text_on_the_panel_has_enough_contrast() -> None:
    def luminance(bgr: tuple[int, int, int]) -> float:
        b, g, r = (
            (c / 255 / 12.92) if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in bgr
        )
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    for ink in (screen.INK, screen.INK_SOFT, screen.FAULT):
        assert (luminance(ink) + 0.05) / (luminance(screen.PANEL) + 0.05) >= 4.5
    assert (luminance(screen.FAULT) + 0.05) / (luminance(screen.HALO) + 0.05) >= 4.5


@pytest.mark.parametrize("truetype", [True, False])
def test_long_text_is_cut_with_an_ellipsis(monkeypatch: pytest.MonkeyPatch, truetype: bool) -> None:
    if truetype and not lettering.HAS_TRUETYPE:
        pytest.skip("this OpenCV has no TrueType text")
    monkeypatch.setattr(lettering, "HAS_TRUETYPE", truetype)
    for cached in (lettering.text_width, lettering.elide, lettering.broken):
        cached.cache_clear()
    short = lettering.elide(LONG, 200, 16, 600)
    assert short.endswith("…")
    assert lettering.text_width(short, 16, 600) <= 200
    assert lettering.elide("27°", 200, 16) == "27°"
    assert lettering.elide(LONG, 1, 16) == ""
    lines = lettering.wrap(LONG, 200, 16, 400, 2)
    assert len(lines) == 2
    assert all(lettering.text_width(line, 16, 400) <= 200 for line in lines)
    for cached in (lettering.text_width, lettering.elide, lettering.broken):
        cached.cache_clear()


@pytest.mark.parametrize("room", [200, 300, 450, 600, 900])
def test_what_cannot_be_seen_is_named_whole_or_counted(room: float) -> None:
    names = ("hip opening", "pelvic roll", "trunk roll", "share of the opening made by the pelvis")
    (line,) = screen._unseen(names, room, 16, 1, "en")
    assert lettering.text_width(line, 16, 400) <= room
    if room >= 450:
        assert "…" not in line
    named = [name for name in names if name in line]
    assert list(names[: len(named)]) == named
    if len(named) < len(names) and "…" not in line:
        assert line.endswith(f" and {len(names) - len(named)} more")


def test_phases_are_told_apart_on_grey_paper_too() -> None:
    def grey(phase: str) -> float:
        red, green, blue = (int(tint(phase, "#ffffff")[i : i + 2], 16) for i in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    assert sorted(PHASE_TINTS, key=grey) == ["hold", "lower", "rise"]
    assert min(abs(grey(a) - grey(b)) for a, b in (("hold", "lower"), ("lower", "rise"))) > 3
    assert tint("hold", "#14966e") == "#14966e"  # on a ground of its own colour


def test_stretches_of_a_phase_follow_each_other_without_a_hole() -> None:
    time_s = np.arange(8) / 10
    spans = list(phase_spans(time_s, np.array([0, 0, 2, 2, 2, 1, 0, 0])))
    assert spans == [(0, 0.0, 0.2), (2, 0.2, 0.5), (1, 0.5, 0.6), (0, 0.6, 0.7)]
    assert list(phase_spans(time_s[:0], [])) == []


def test_spans_that_overlap_lie_in_lanes_of_their_own() -> None:
    assert lanes([(0, 2), (1, 3), (2, 4), (2.5, 5), (9, 10)]) == [0, 1, 0, 2, 0]


@pytest.mark.parametrize("bent", [False, True])
def test_an_angle_is_an_arc_at_its_joint_with_its_number(bent):
    """A right angle up and to the right of the joint; how far it is bent, from the straight line on."""
    xy = np.full((33, 2), np.nan)
    corners = (Landmark.LEFT_SHOULDER, Landmark.LEFT_HIP, Landmark.LEFT_KNEE)
    xy[list(corners)] = [(320, 100), (320, 300), (520, 300)]
    angle = JointAngle(tuple(int(p) for p in corners), bent, "90°")
    bare, drawn = picture(), picture()
    draw_body(bare, state(xy=xy))
    draw_body(drawn, state(xy=xy, angle=angle))
    changed = (bare != drawn).any(axis=2)
    ys, xs = np.nonzero(changed)
    radius = 0.42 * 200
    arc = np.abs(np.hypot(xs - 320, ys - 300) - radius) < 3
    assert arc.sum() > 100
    assert (xs[arc] >= 316).all()
    assert (ys[arc] >= 296).all() if bent else (ys[arc] <= 304).all()
    assert (np.hypot(xs - 320, ys - 300) > radius + 8).any()  # the number lies beyond the arc
