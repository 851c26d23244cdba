"""What `formcheck live` and `formcheck play` both ask: camera, voice, screen, what is kept, trying out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# Headings of the help.
ROOM = "Camera, voice and screen"
KEPT = "What is kept"
TRYING = "Slower computers, and trying things out"

Language = Annotated[str, typer.Option(rich_help_panel=ROOM, help="Language of voice and screen: en or de.")]
Mute = Annotated[bool, typer.Option("--mute", rich_help_panel=ROOM, help="No voice and no sounds.")]
HighContrast = Annotated[
    bool, typer.Option("--high-contrast", rich_help_panel=ROOM, help="Stronger contrast.")
]
KeepUpright = Annotated[
    bool,
    typer.Option(
        "--keep-upright",
        rich_help_panel=ROOM,
        help="Do not turn the words by 90 degrees for somebody who lies on the side.",
    ),
]
Windowed = Annotated[
    bool, typer.Option("--windowed", rich_help_panel=ROOM, help="A window instead of the full screen.")
]
Camera = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=ROOM,
        help="Camera number (0, 1 …), device (/dev/video0), or the address of a phone on your home "
        "network (http://… MJPEG, rtsp://…). Default: the first camera.",
    ),
]
Phone = Annotated[
    bool,
    typer.Option(
        "--phone",
        rich_help_panel=ROOM,
        help="Feel the pelvis with a phone in the waistband: a code on the screen brings it in, over your "
        "home network.",
    ),
]
PhoneCamera = Annotated[
    bool,
    typer.Option(
        "--phone-camera",
        rich_help_panel=ROOM,
        help="Use a phone as the camera, brought in the same way. With --phone: two phones. While it is set "
        "up, the key C changes to this computer's camera and back.",
    ),
]
Rotate = Annotated[
    int,
    typer.Option(
        rich_help_panel=ROOM,
        help="Turn the camera's picture clockwise by 90, 180 or 270 degrees. While it is set up, the "
        "key R turns it upside down.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(rich_help_panel=KEPT, help="Folder in which sessions are kept, a folder each."),
]
BlurFace = Annotated[
    bool, typer.Option("--blur-face", rich_help_panel=KEPT, help="Blur the face in recorded video.")
]
Model = Annotated[
    str, typer.Option(rich_help_panel=TRYING, help="Pose model: full, lite, or one added yourself.")
]
Device = Annotated[
    str,
    typer.Option(
        rich_help_panel=TRYING, help="What runs the model: auto, cpu, cuda, coreml, directml or openvino."
    ),
]
Source = Annotated[
    Path | None,
    typer.Option(rich_help_panel=TRYING, help="Play a video file as if it were the camera."),
]
Stats = Annotated[
    bool, typer.Option("--stats", rich_help_panel=TRYING, help="Show latency and dropped frames.")
]
SpeechLog = Annotated[
    Path | None,
    typer.Option(
        rich_help_panel=TRYING,
        help="Write every sentence and sound with its time to this file, a JSON object a line.",
    ),
]
