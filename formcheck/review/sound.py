"""What a physio says to a patient: as a browser recorded it, made into MP3, which every browser plays."""

from __future__ import annotations

import base64
import io

import av

from formcheck.errors import FormcheckError
from formcheck.session.notes import MOST_SOUND

#: What browsers record, by content type, and the only reader that is tried on it.
_FORMATS = {"audio/webm": "matroska", "audio/ogg": "ogg", "audio/mp4": "mov"}
MOST_BYTES = 8_000_000
LONGEST_S = 120.0
_RATE_HZ, _BITS_S = 24_000, 32_000


def as_mp3(data: bytes, kind: str) -> tuple[str, float]:
    """Speech as MP3, one channel.

    Args:
        data: the recording.
        kind: its content type.

    Returns:
        The MP3 as base64, and how long it is, seconds.

    Raises:
        FormcheckError: it is no recording, or too long.
    """
    reader = _FORMATS.get(kind.partition(";")[0].strip())
    if reader is None:
        raise FormcheckError("This browser records in a way that cannot be kept.")
    out, samples = io.BytesIO(), 0
    try:
        with av.open(io.BytesIO(data), format=reader) as source, av.open(out, "w", format="mp3") as target:
            stream = target.add_stream("libmp3lame", rate=_RATE_HZ, layout="mono")
            stream.bit_rate = _BITS_S
            one_way = av.AudioResampler(format="s16p", layout="mono", rate=_RATE_HZ)
            for frame in source.decode(audio=0):
                for piece in one_way.resample(frame):
                    samples += piece.samples
                    if samples > LONGEST_S * _RATE_HZ:
                        raise FormcheckError("This is too long; say it in two minutes.")
                    target.mux(stream.encode(piece))
            for piece in one_way.resample(None):
                samples += piece.samples
                target.mux(stream.encode(piece))
            target.mux(stream.encode(None))
    except (av.FFmpegError, OSError, ValueError, IndexError):
        raise FormcheckError("Nothing was recorded; try again.") from None
    told = base64.b64encode(out.getvalue()).decode()
    if not samples or len(told) > MOST_SOUND:
        raise FormcheckError("Nothing was recorded; try again.")
    return told, round(samples / _RATE_HZ, 2)
