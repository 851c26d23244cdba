"""Files that OpenSim opens: marker trajectories (.trc) and angles over time (.mot).

The frame of the markers: the model's world landmarks are metres from the middle of the hips along the
camera's axes (x right, y down, z away). Turned by half a turn about x they are right-handed with y up:
X right in the picture, Y up, Z towards the camera. Y is gravity only as far as the camera stood level. And
since the origin goes along with the hips, a pelvis that rises does not rise in these files: pelvic height
is in the CSV, measured in the picture.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from formcheck.analysis.analysis import Analysis
from formcheck.errors import FormcheckError
from formcheck.folder_handle import opener
from formcheck.measures.table import Status
from formcheck.pose import frame_arrays as arrays
from formcheck.pose.landmarks import Landmark
from formcheck.session.folder import replacing

#: From camera axes (y down, z away) to Y up, Z towards the camera: a turn, so left stays left.
_TURN = np.array([1.0, -1.0, -1.0])
#: An angle is in a .mot file if it is ok in this share of the frames in which any angle is.
_LEAST_SHARE = 0.5

TRC_NOTE = (
    "Markers are metres from the middle of the hips, Y up (as the camera stood), so the hips themselves do "
    "not move in this file; depth is the model's estimate and its least certain axis."
)


def write_trc(analysis: Analysis, world_xyz: NDArray[np.float32], path: Path, frames: slice) -> None:
    """Writes the world landmarks as markers.

    Times are those of the frames, so an uneven frame rate stays uneven; ``DataRate`` is the median rate.
    A marker is left blank where the person or the landmark was not seen.

    Args:
        analysis: the session.
        world_xyz: ``(T, 33, 3)`` smoothed world landmarks, metres, camera axes.
        path: the file to write.
        frames: which frames.

    Raises:
        FormcheckError: the disk is full or the folder cannot be written to.
    """
    names = [landmark.name.lower() for landmark in Landmark]
    track, world_xyz = analysis.track.part(frames), world_xyz[frames]
    least = analysis.definition.gates.visibility_low
    times = track.time_s
    rate = _rate(times)
    count = len(times)
    first = frames.start + 1
    with replacing(path) as part, open(part, "w", encoding="ascii", newline="\n", opener=opener) as file:
        file.write(f"PathFileType\t4\t(X/Y/Z)\t{_plain(path.name)}\n")
        file.write(
            "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
        )
        file.write(f"{rate:.6g}\t{rate:.6g}\t{count}\t{len(names)}\tm\t{rate:.6g}\t{first}\t{count}\n")
        file.write("Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t\t\n")
        axes = "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, len(names) + 1))
        file.write(f"\t\t{axes}\t\n\n")
        for piece in arrays.pieces(count):
            points = world_xyz[piece].astype(np.float64) * _TURN
            points[~((track.visibility[piece] >= least) & track.person[piece, None])] = np.nan
            for k, point in enumerate(points, piece.start):
                cells = ["" if v != v else f"{v:.5f}" for v in point.ravel().tolist()]
                # OpenSim drops a blank last cell; a tab after each line keeps the count right.
                file.write(f"{first + k}\t{times[k]:.6f}\t" + "\t".join(cells) + "\t\n")


def write_mot(analysis: Analysis, path: Path, frames: slice) -> list[str]:
    """Writes the angles over time, degrees.

    The format has no way to say "not measurable": OpenSim's table reader takes ``NaN``, but its Storage
    class (which the GUI and the tools use) silently stops reading there. So a row is written only for frames
    in which every angle of the file is ok, and an angle that is ok in less than half of the frames with any
    is left out. A gap shows as a step in time.

    Returns:
        Sentences that say what was left out.

    Raises:
        FormcheckError: no angle could be measured, the disk is full or the folder cannot be written to.
    """
    table = analysis.measures
    angles = [m for m, name in enumerate(table.names) if name.endswith("_deg")]
    ok = table.status[frames] == Status.OK
    least = max(1.0, _LEAST_SHARE * float(ok[:, angles].any(axis=1).sum()))
    kept = [m for m in angles if ok[:, m].sum() >= least]
    whole = ok[:, kept].all(axis=1) if kept else np.zeros(len(ok), bool)
    if not whole.any():
        raise FormcheckError("No angle could be measured here, so there is nothing to put in a .mot file.")
    values = table.value[frames][whole][:, kept]
    times = analysis.track.time_s[frames][whole]
    with replacing(path) as part, open(part, "w", encoding="ascii", newline="\n", opener=opener) as file:
        file.write(f"{_plain(path.stem)}\nversion=1\nnRows={len(times)}\nnColumns={len(kept) + 1}\n")
        file.write("inDegrees=yes\nendheader\n")
        file.write("\t".join(["time", *(table.names[m] for m in kept)]) + "\n")
        for time_s, row in zip(times.tolist(), values.tolist(), strict=True):
            file.write("\t".join([f"{time_s:.6f}", *(f"{v:.4f}" for v in row)]) + "\n")
    notes = []
    if left_out := [table.names[m] for m in angles if m not in kept]:
        notes.append(f"Angles left out, because they could mostly not be measured: {', '.join(left_out)}.")
    if (gaps := int((~whole).sum())) > 0:
        notes.append(
            f"{gaps} of {len(whole)} frames left out, because not every angle could be measured there."
        )
    return notes


def _rate(times: NDArray[np.float64]) -> float:
    """Median frame rate, Hz; 30 for a single frame, where nothing follows from it."""
    step = np.diff(times)
    return float(1 / np.median(step)) if step.size and np.median(step) > 0 else 30.0


def _plain(name: str) -> str:
    """A name for a header: both formats are ASCII, a tab or a line break would shift what follows."""
    return re.sub(r"[^\w.\-]+", "_", name, flags=re.ASCII) or "session"
