"""Video files as people have them: several streams, slow motion, cut, damaged, frozen; and no videos."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from formcheck.errors import FormcheckError
from formcheck.video.container import capture_fps, may_be_slowed, slowed, video_streams
from formcheck.video.file import VideoFile
from formcheck.video.still import Span, StillPictures, in_words

W, H, FPS = 160, 120, 30


def moving(count: int, width: int = W, height: int = H) -> list[np.ndarray]:
    """A light square that crosses a dark room with a camera's noise."""
    noise = np.random.default_rng(5)
    images = []
    for number in range(count):
        image = noise.normal(50, 6, (height, width, 3)).clip(0, 255).astype(np.uint8)
        image[40:80, 5 + number % 100 : 45 + number % 100] = 220
        images.append(image)
    return images


def encoded(
    container: av.container.OutputContainer, images: list[np.ndarray], **options: str
) -> list[av.Packet]:
    stream = container.add_stream("libx264", rate=FPS, options={"bf": "0"} | options)
    stream.height, stream.width = images[0].shape[:2]
    stream.pix_fmt = "yuv420p"
    packets = []
    for number, image in enumerate(images):
        picture = av.VideoFrame.from_ndarray(image, format="bgr24")
        picture.pts, picture.time_base = number, Fraction(1, FPS)
        packets += stream.encode(picture)
    return packets + stream.encode(None)


def video(
    path: Path,
    images: list[np.ndarray],
    change: Callable[[list[av.Packet]], list[av.Packet]] = lambda packets: packets,
    metadata: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """A video of these pictures; `change` may do something to its packets before they are written."""
    movflags = {"movflags": "use_metadata_tags"} if metadata else {}
    with av.open(str(path), "w", options=movflags) as container:
        container.metadata.update(metadata or {})
        for packet in change(encoded(container, images, **options)):
            container.mux(packet)
    return path


def read(path: Path) -> tuple[VideoFile, list[float]]:
    with VideoFile(path) as source:
        return source, [frame.time_s for frame in source]


# -- which stream ----------------------------------------------------------------------------------------


def two_streams(path: Path, default: int | None, *, sizes: tuple[tuple[int, int], tuple[int, int]]) -> Path:
    with av.open(str(path), "w") as container:
        packets = []
        for number, (width, height) in enumerate(sizes):
            packets += encoded(container, moving(10, width, height))
            chosen = default is None or default == number
            container.streams.video[number].disposition = av.stream.Disposition(1 if chosen else 0)
        for packet in packets:
            container.mux(packet)
    return path


@pytest.mark.parametrize(
    ("default", "sizes", "looked_at"),
    [
        (1, ((160, 120), (320, 240)), (320, 240)),
        (1, ((320, 240), (160, 120)), (160, 120)),
        (None, ((160, 120), (320, 240)), (320, 240)),
        (0, ((160, 120), (320, 240)), (160, 120)),
    ],
)
def test_the_default_stream_is_looked_at_then_the_largest(
    tmp_path: Path,
    default: int | None,
    sizes: tuple[tuple[int, int], tuple[int, int]],
    looked_at: tuple[int, int],
) -> None:
    source, times = read(two_streams(tmp_path / "two.mkv", default, sizes=sizes))
    assert (source.width, source.height) == looked_at
    assert len(times) == 10
    assert [w for w in source.warnings if "holds 2 videos" in w]


@pytest.mark.parametrize("mark", [0x400, 0x800, 0x80000, 0x100000])
def test_cover_art_and_the_like_are_no_recordings(mark: int) -> None:
    art = SimpleNamespace(disposition=mark | 1, width=1000, height=1000)
    film = SimpleNamespace(disposition=0, width=160, height=120)
    assert video_streams(SimpleNamespace(streams=SimpleNamespace(video=[art, film]))) == [film]


def test_a_stream_that_cannot_be_decoded_is_looked_at_last() -> None:
    unknown = SimpleNamespace(disposition=1)
    film = SimpleNamespace(disposition=0, width=160, height=120)
    assert video_streams(SimpleNamespace(streams=SimpleNamespace(video=[unknown, film]))) == [film, unknown]


# -- whole or not ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_last_picture_that_is_held_is_not_a_file_cut_short(tmp_path: Path, ending: str) -> None:
    def held(packets: list[av.Packet]) -> list[av.Packet]:
        packets[-1].duration = round(3 / packets[-1].time_base)
        return packets

    source, times = read(video(tmp_path / f"held.{ending}", moving(60), held))
    assert len(times) == 60
    assert not source.truncated
    assert source.warnings == []


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
def test_a_recording_that_starts_between_key_pictures_is_whole(tmp_path: Path, ending: str) -> None:
    late = video(
        tmp_path / f"late.{ending}", moving(120), lambda packets: packets[10:], g="60", sc_threshold="0"
    )
    source, times = read(late)
    assert 55 <= len(times) <= 61
    assert not source.truncated
    assert times == pytest.approx([i / FPS for i in range(len(times))], abs=2e-3)
    assert all("starts between two key pictures" in w for w in source.warnings)


def test_a_file_cut_short_is_still_said_so(tmp_path: Path) -> None:
    path = video(tmp_path / "cut.mkv", moving(120), g="30")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source, times = read(path)
    assert source.truncated
    assert 40 < len(times) < 80
    assert len(source.warnings) == 1
    assert "breaks off at" in source.warnings[0]


# -- damaged spots ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "avi"])
@pytest.mark.parametrize("seed", [1, 2])
def test_after_a_damaged_spot_it_goes_on(tmp_path: Path, ending: str, seed: int) -> None:
    images = moving(150)
    path = video(tmp_path / f"spot.{ending}", images, g="15", sc_threshold="0")
    whole = {round(f.time_s * FPS): f.image for f in VideoFile(path)}
    data = bytearray(path.read_bytes())
    start = random.Random(seed).randrange(int(len(data) * 0.35), int(len(data) * 0.6))
    length = len(data) // 25
    data[start : start + length] = random.Random(seed).randbytes(length)
    path.write_bytes(data)
    with VideoFile(path) as source:
        frames = list(source)
    times = [frame.time_s for frame in frames]
    assert len(frames) >= 100
    # An AVI file has no times of its own: they are counted, and what is lost is not.
    assert times[-1] == pytest.approx(149 / FPS, abs=0.5 if ending == "avi" else 0.01)
    assert len(source.lost) >= 1
    assert 1.0 < source.lost[0].start_s < source.lost[-1].end_s < 4.5
    assert len([w for w in source.warnings if "is damaged: the video from" in w]) == 1
    assert not source.truncated
    for frame in frames if ending != "avi" else []:
        apart = np.abs(frame.image.astype(int) - whole[round(frame.time_s * FPS)]).mean()
        assert apart < 3, f"smeared at {frame.time_s:.2f} s"
    gaps = [Span(a, b) for a, b in itertools.pairwise(times) if b - a > 1.5 / FPS]
    assert [s for s in source.lost if s not in gaps and s.end_s - s.start_s > 1.5 / FPS] == []


def test_damage_up_to_the_end_is_where_it_breaks_off(tmp_path: Path) -> None:
    path = video(tmp_path / "end.mp4", moving(120), g="60", sc_threshold="0")
    data = bytearray(path.read_bytes())
    middle = int(len(data) * 0.6)
    length = len(data) // 20
    data[middle : middle + length] = random.Random(0).randbytes(length)
    path.write_bytes(data)
    source, times = read(path)
    assert source.truncated
    assert times[-1] < 3.0
    assert f"breaks off at {times[-1]:.1f} s" in source.warnings[-1]


# -- slow motion -----------------------------------------------------------------------------------------


def test_slow_motion_has_the_times_of_the_movement(tmp_path: Path) -> None:
    path = video(tmp_path / "slow.mp4", moving(60), metadata={"com.android.capture.fps": "240.000000"})
    source, times = read(path)
    assert source.slowed == pytest.approx(8.0)
    assert source.fps == pytest.approx(240.0)
    assert source.duration_s == pytest.approx(60 / 240, abs=0.01)
    assert times == pytest.approx([i / 240 for i in range(60)], abs=1e-4)
    assert len(source.warnings) == 1
    assert "slow motion (240 pictures a second, played at 30)" in source.warnings[0]


@pytest.mark.parametrize("said", ["30.000000", "24", "nonsense", "nan", "-240", "1e9"])
def test_other_capture_rates_change_nothing(tmp_path: Path, said: str) -> None:
    source, times = read(video(tmp_path / "a.mp4", moving(30), metadata={"com.android.capture.fps": said}))
    assert source.slowed == 1.0
    assert times[-1] == pytest.approx(29 / FPS, abs=1e-3)
    assert source.warnings == []


def test_a_rate_that_may_be_a_dark_room_or_slow_motion_is_told(tmp_path: Path) -> None:
    source, times = read(video(tmp_path / "a.mp4", moving(30), metadata={"com.android.capture.fps": "60"}))
    assert times[-1] == pytest.approx(29 / FPS, abs=1e-3)
    assert "took 60 pictures a second and the file plays 30" in source.warnings[0]


def test_rates_of_cameras() -> None:
    assert capture_fps({}) is None
    assert slowed(120.0, 29.97) == pytest.approx(4.004, abs=1e-3)
    assert slowed(120.0, 119.9) == 1.0  # a high-speed camera that plays as fast as it took
    assert not may_be_slowed(30.0, 28.9)


# -- still pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("crf", ["18", "28"])
def test_a_frozen_picture_in_the_middle_is_noticed(tmp_path: Path, crf: str) -> None:
    images = moving(120)
    frozen = [*images[:60], *[images[60]] * 75, *images[61:]]
    source, _ = read(video(tmp_path / "frozen.mp4", frozen, crf=crf, g="30"))
    assert [(s.start_s, s.end_s) for s in source.still] == [
        (pytest.approx(2.0, abs=0.1), pytest.approx(4.5, abs=0.1))
    ]
    assert source.warnings == [
        f"The picture stands still {in_words(source.still)}: movement there cannot be seen."
    ]


def test_a_gap_without_pictures_is_a_picture_held(tmp_path: Path) -> None:
    def late(packets: list[av.Packet]) -> list[av.Packet]:
        for packet in packets[45:]:
            packet.pts += round(2 / packet.time_base)
            packet.dts += round(2 / packet.time_base)
        return packets

    source, _ = read(video(tmp_path / "gap.mp4", moving(90), late))
    assert source.still == [Span(pytest.approx(44 / FPS, abs=0.01), pytest.approx(45 / FPS + 2, abs=0.01))]


def test_a_photograph_is_no_recording(tmp_path: Path) -> None:
    source, _ = read(video(tmp_path / "photo.mp4", [moving(1)[0]] * 90, crf="18"))
    assert source.warnings == ["The picture stands still all the time: no movement can be seen in it."]


def test_a_person_who_lies_still_is_not_a_frozen_picture(tmp_path: Path) -> None:
    noise = np.random.default_rng(6)
    room = moving(1)[0]
    still = [np.clip(room + noise.normal(0, 6, room.shape), 0, 255).astype(np.uint8) for _ in range(90)]
    source, _ = read(video(tmp_path / "still.mp4", still, crf="18"))
    assert source.still == []


def test_slow_movement_is_not_still() -> None:
    still = StillPictures(fps=30)
    for number in range(90):
        image = np.full((H, W, 3), 40, np.uint8)
        image[:, : 20 + number] = 40 + number
        still.add(image, number / 30)
    still.cut()
    assert still.spans == []


def test_spans_in_words() -> None:
    spans = [Span(float(i), i + 0.5) for i in range(7)]
    assert in_words(spans[:1]) == "from 0.0 to 0.5 s"
    assert in_words(spans[:3]) == "from 0.0 to 0.5 s, from 1.0 to 1.5 s and from 2.0 to 2.5 s"
    assert in_words(spans).endswith("and 2 times more")


# -- files that name others ------------------------------------------------------------------------------

_SECRET = "secret.mp4"


def _naming_others(folder: Path) -> list[Path]:
    """Files, with the endings of videos and without, that would have FFmpeg open another one."""
    secret = folder / _SECRET
    made: list[Path] = []

    def add(name: str, content: str | bytes) -> None:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        made.append(path)

    for target in (_SECRET, str(secret), f"file:{secret}"):
        playlist = (
            f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n"
        )
        concat = f"ffconcat version 1.0\nfile '{target}'\n"
        mpd = (
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
            'mediaPresentationDuration="PT5S"><Period><AdaptationSet mimeType="video/mp4">'
            f'<Representation id="1" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>'
            "</AdaptationSet></Period></MPD>"
        )
        sdp = (
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
            f"a=control:{target}\n"
        )
        smil = f'<smil><body><video src="{target}"/></body></smil>'
        cue = f'FILE "{target}" BINARY\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n'
        for kind, text in (
            ("m3u8", playlist),
            ("ffconcat", concat),
            ("mpd", mpd),
            ("sdp", sdp),
            ("smil", smil),
            ("cue", cue),
        ):
            for ending in (kind, "mp4"):
                name = f"{len(made)}.{ending}"
                add(name, text)
                # A control byte in a comment or at the end makes it look like no text.
                spoilt = (
                    text.replace("\n", "\n#\x01\n", 1) if kind in ("m3u8", "ffconcat") else text + "\x01\n"
                )
                add(f"{len(made)}.{ending}", spoilt)
    for index in range(3):
        av.VideoFrame.from_ndarray(moving(1)[0], format="bgr24").save(str(folder / f"a{index}.jpg"))
    for pattern in ("a%d.jpg", "a%01d.jpg", "a*.jpg", "a%d.mp4"):
        add(pattern, (folder / "a0.jpg").read_bytes())
    return made


def test_no_file_that_names_others_is_opened(tmp_path: Path) -> None:
    video(tmp_path / _SECRET, moving(30))
    bad = _naming_others(tmp_path)
    assert len(bad) >= 60
    for path in bad:
        with pytest.raises(FormcheckError) as caught:
            VideoFile(path)
        assert "\n" not in str(caught.value)
        assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "name",
    [
        "concat:secret.mp4|secret.mp4",
        "subfile,,start,0,end,0,,:secret.mp4",
        "file:secret.mp4",
        "cache:secret.mp4",
        "crypto:secret.mp4",
        "async:secret.mp4",
        "pipe:0",
        "fd:3",
        "data:video/mp4;base64,AAAA",
        "http://127.0.0.1:9/a.mp4",
        "lavfi:testsrc",
        "/dev/video0\x00",
    ],
)
def test_protocols_in_names_are_names_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    video(tmp_path / _SECRET, moving(5))
    with pytest.raises(FormcheckError):
        VideoFile(name)


def test_references_out_of_a_movie_are_not_followed(tmp_path: Path) -> None:
    """QuickTime can keep its pictures in another file, named in `dref`: here, in a copy of itself."""
    path = video(tmp_path / "a.mov", moving(10))
    data = path.read_bytes()
    (tmp_path / "other.mov").write_bytes(data)
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    own = data[:start] + bytes(end - start) + data[end:]
    at = own.index(b"url \x00\x00\x00\x01")
    elsewhere = own[:at] + b"url \x00\x00\x00\x00" + own[at + 8 :]
    (tmp_path / "a.mov").write_bytes(elsewhere)
    with pytest.raises(FormcheckError):
        list(VideoFile(path))
