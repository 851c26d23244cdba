"""Opening what a live picture comes from: a camera of this computer, or one in the home network.

A capture hands out pictures one after the other and knows nothing of clocks, threads or retries, which are
`camera.Camera`'s part.

Cameras of this computer go through OpenCV. Addresses go through PyAV: its timeouts are real (OpenCV's stream
reader waits up to 30 s and can get stuck for good when a camera comes back, opencv issues 4506 and 22677), it
starts without seconds of analysis (issue 4528), and it can be told to follow no redirection, so that a
picture that is asked for at home is never fetched from anywhere else.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from formcheck.errors import FormcheckError

OPEN_URL_S = 5.0
READ_URL_S = 3.0  # a phone that sends nothing for so long is away, not slow

#: Where a picture of a patient may come from: this computer, and networks nobody outside can reach.
HOME_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",  # link-local
        "::1/128",
        "fc00::/7",
        "fe80::/10",  # link-local
    )
)
SCHEMES = ("http", "https", "rtsp")


class Capture(Protocol):
    """A picture source that is open."""

    def grab(self) -> bool:
        """Wait for the next picture and keep it; False when none came (unplugged, broken off)."""
        ...

    def retrieve(self) -> NDArray[np.uint8] | None:
        """The picture grabbed last, ``(height, width, 3)`` uint8 BGR and the caller's own; None if broken."""
        ...

    def release(self) -> None:
        """Let go of the camera."""
        ...


#: What `camera.Camera` opens (and, after a loss, opens again): address, (width, height) in px, fps.
Opener = Callable[["int | str", tuple[int, int], float], Capture]


def parse_address(address: int | str) -> int | str:
    """A camera's address as it is opened: a number, a device's path or a URL.

    Raises:
        FormcheckError: not an address, or one outside the home network.
    """
    if isinstance(address, int):
        address = str(address)
    text = address.strip()
    if re.fullmatch(r"[0-9]{1,3}", text):
        return int(text)
    if "://" in text:
        return home_url(text)
    if re.fullmatch(r"[\w.-]+\.[\w.-]+(:\d+)?(/\S*)?|\S+:\d+(/\S*)?", text) and not Path(text).exists():
        raise FormcheckError(
            f"'{address}' looks like a camera in the network: write it with http:// or rtsp:// in front, "
            "as the camera's app shows it."
        )
    if not text or not text.startswith(("/", "\\\\")):
        raise FormcheckError(
            f"'{address}' is not a camera: give its number (0 is the first), a device such as /dev/video0, "
            "or an address that begins with http:// or rtsp://."
        )
    return text


def home_url(url: str, resolve: Callable[..., Any] = socket.getaddrinfo) -> str:
    """The URL itself, once it is clear that its camera is on this computer or in the home network.

    Allowed are private, link-local and loopback addresses, ``localhost``, and names that end in ``.local``
    and stand for such addresses: a patient's picture never crosses the internet.

    Args:
        url: as typed.
        resolve: looks up names, like `socket.getaddrinfo`.

    Raises:
        FormcheckError: the address is malformed, of a kind that cannot be shown, or outside the home network.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
        parts = urlsplit("")
    # Readers of URLs differ about backslashes and blanks, and so about which host is meant.
    if not host or re.search(r"[\s\\\x00-\x1f]", url):
        raise FormcheckError(f"'{url}' is not a complete address: copy it as the camera's app shows it.")
    if parts.scheme.lower() not in SCHEMES:
        raise FormcheckError(
            f"'{parts.scheme}://' cannot be shown: use the http:// or rtsp:// address of the camera's app."
        )
    why = "so formcheck does not open it: the picture of a patient must not leave the home network."
    try:
        places = [ipaddress.ip_address(host)]
    except ValueError:
        name = host.rstrip(".")
        if name != "localhost" and not name.endswith(".local"):
            raise FormcheckError(
                f"'{host}' may be outside your home network, {why} Use the number address that the camera's "
                "app shows, for example http://192.168.1.20:8080/video."
            ) from None
        try:
            found = resolve(host, port or 80, type=socket.SOCK_STREAM)
        except OSError:
            raise FormcheckError(
                f"There is no '{host}' in this network: check that the camera is on and in the same Wi-Fi, "
                "or use its number address."
            ) from None
        places = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
    for place in places:
        plain = getattr(place, "ipv4_mapped", None) or place
        if not any(plain in network for network in HOME_NETWORKS if network.version == plain.version):
            raise FormcheckError(f"{host} is outside your home network, {why}")
    return url


def open_capture(address: int | str, size: tuple[int, int], fps: float) -> Capture:
    """Open a camera by its parsed address.

    Args:
        address: what `parse_address` returned.
        size: (width, height) to ask the camera for, px; it may give another.
        fps: frame rate to ask for, frames per second.

    Raises:
        FormcheckError: there is no such camera, another program has it, or it cannot be reached.
    """
    if isinstance(address, str) and "://" in address:
        return _Stream(address)
    return _Device(address, size, fps)


def cameras_here() -> list[tuple[int, str]]:
    """Number and name of the cameras of this computer, where the system tells them (Linux); else empty."""
    found = []
    for folder in Path("/sys/class/video4linux").glob("video*"):
        with suppress(OSError, ValueError):
            # A camera's later nodes carry data about its pictures, not pictures.
            if (folder / "index").read_text(encoding="utf-8").strip() == "0":
                name = (folder / "name").read_text(encoding="utf-8", errors="replace").strip()
                found.append((int(folder.name.removeprefix("video")), name))
    return sorted(found)


class _Device:
    """A camera of this computer."""

    def __init__(self, address: int | str, size: tuple[int, int], fps: float) -> None:
        # Media Foundation, OpenCV's first choice on Windows, takes up to minutes to open a camera and to
        # change its size; DirectShow does not (opencv issues 17687, 26495, 27917).
        api = {"win32": cv2.CAP_DSHOW, "darwin": cv2.CAP_AVFOUNDATION}.get(sys.platform, cv2.CAP_ANY)
        if sys.platform.startswith("linux"):
            api = cv2.CAP_V4L2
            _check_node(address)
        with _quiet():
            self._camera = cv2.VideoCapture(address, api)
            if not self._camera.isOpened():
                self._camera.release()
                raise FormcheckError(_not_opened(address))
            self._camera.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._camera.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
            self._camera.set(cv2.CAP_PROP_FPS, fps)
            self._camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # old pictures are worth nothing here

    def grab(self) -> bool:
        try:
            return bool(self._camera.grab())
        except cv2.error:
            return False

    def retrieve(self) -> NDArray[np.uint8] | None:
        try:
            good, image = self._camera.retrieve()
        except cv2.error:
            return None
        return np.asarray(image, dtype=np.uint8) if good and image is not None and image.size else None

    def release(self) -> None:
        self._camera.release()


class _Stream:
    """A camera in the home network."""

    def __init__(self, url: str) -> None:
        home_url(url)  # once more at every reconnection: names can be given to another address
        options = {
            "fflags": "nobuffer",
            "flags": "low_delay",
            "probesize": "500000",
            "analyzeduration": "500000",
        }
        if url.lower().startswith("rtsp"):
            options["rtsp_transport"] = "tcp"  # UDP in a home Wi-Fi loses parts of pictures
        else:
            # The empty proxy keeps FFmpeg from asking a proxy named in the environment for the picture.
            options |= {"max_redirects": "0", "http_proxy": ""}
        try:
            self._container = av.open(url, timeout=(OPEN_URL_S, READ_URL_S), options=options)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise FormcheckError(_unreachable(url, error)) from None
        if not self._container.streams.video:
            self._container.close()
            raise FormcheckError(
                f"{_shown(url)} sends no picture: copy the video address of the camera's app."
            )
        stream = self._container.streams.video[0]
        stream.thread_type = "SLICE"  # threads by frame would hold several pictures back
        self._frames: Iterator[Any] = iter(self._container.decode(stream))
        self._frame: Any = None
        self._reformatter = VideoReformatter()

    def grab(self) -> bool:
        try:
            self._frame = next(self._frames, None)
        except (av.FFmpegError, OSError, ValueError):
            self._frame = None
        return self._frame is not None

    def retrieve(self) -> NDArray[np.uint8] | None:
        if self._frame is None:
            return None
        try:
            image = self._reformatter.reformat(self._frame, format="bgr24", threads=1).to_ndarray()
        except (av.FFmpegError, ValueError):
            return None
        return np.ascontiguousarray(image, dtype=np.uint8)

    def release(self) -> None:
        self._frame = None
        self._container.close()


# -- sentences -------------------------------------------------------------------------------------------


def name_of(address: int | str) -> str:
    """How sentences name a camera (passwords in addresses are left out)."""
    if isinstance(address, int):
        return f"Camera {address}"
    return f"The camera at {_shown(address)}" if "://" in address else f"The camera {address}"


def _shown(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)


def busy_sentence(address: int | str) -> str:
    """For a camera that opened and gives no picture."""
    return (
        f"{name_of(address)} gives no picture: another program is probably using it, so close video calls "
        "and camera apps and try again."
    )


def gone_sentence(address: int | str) -> str:
    """For a camera that gave pictures and gives none now."""
    what = "its app and the Wi-Fi" if "://" in str(address) else "that it is plugged in"
    return f"{name_of(address)} sends no more pictures: check {what}."


def _others() -> str:
    found = ", ".join(f"{number} ({name})" for number, name in cameras_here())
    return f"use one of these: {found}." if found else "connect one and try again."


def _check_node(address: int | str) -> None:
    """On Linux the device's file tells missing, forbidden and busy apart."""
    path = Path(f"/dev/video{address}" if isinstance(address, int) else address)
    if not path.exists():
        raise FormcheckError(f"There is no camera {address} on this computer: {_others()}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise FormcheckError(
            f"You are not allowed to use the camera {path}: ask whoever looks after this computer to add you "
            "to the group 'video'."
        )


def _not_opened(address: int | str) -> str:
    if sys.platform.startswith("linux"):
        return (
            f"{name_of(address)} is there but cannot be opened: another program is probably using it, so "
            "close video calls and camera apps and try again."
        )
    return (
        f"{name_of(address)} cannot be opened: check that it is connected, that no other program (a video "
        "call?) is using it, and that the privacy settings let this program use the camera."
    )


def _unreachable(url: str, error: Exception) -> str:
    if isinstance(error, av.error.HTTPUnauthorizedError):
        return (
            f"The camera at {_shown(url)} wants a name and password: write them into its address, like "
            "http://name:password@192.168.1.20:8080."
        )
    # EIO is FFmpeg's answer to a redirection it was told not to follow.
    if isinstance(error, (av.error.HTTPClientError, av.error.HTTPError)) or getattr(error, "errno", 0) == 5:
        return f"The camera at {_shown(url)} has no video under this address: copy it again from its app."
    return (
        f"The camera at {_shown(url)} cannot be reached: check that its app is running, that both devices "
        "are in the same Wi-Fi, and the address."
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep OpenCV from writing its own warnings over our sentences."""
    logging = getattr(getattr(cv2, "utils", None), "logging", None)
    before = logging.getLogLevel() if logging else None
    if logging:
        logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        if logging:
            logging.setLogLevel(before)
