"""A long video made of a short one, for tests and benchmarks of what grows with length.

python tests/looped.py CLIP TO SECONDS
"""

from __future__ import annotations

import sys
from pathlib import Path

import av

from formcheck.video.container import open_container


def looped(clip: Path, to: Path, seconds: float) -> Path:
    """The clip again and again, its packets as they are, until it is about this long."""
    with open_container(clip) as source:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.pts is not None]
        fps = float(stream.average_rate or 30)
        length = round(len(packets) / fps / stream.time_base)
        with av.open(str(to), "w") as out:
            copy = out.add_stream_from_template(stream)
            copy.time_base = stream.time_base
            stamps = [(packet.pts, packet.dts) for packet in packets]
            for again in range(max(round(seconds * fps / len(packets)), 1)):
                for packet, (pts, dts) in zip(packets, stamps, strict=True):
                    packet.stream = copy
                    packet.pts, packet.dts = pts + again * length, dts + again * length
                    packet.time_base = stream.time_base
                    out.mux(packet)
    return to


if __name__ == "__main__":
    looped(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
