"""A phone used as a camera, for tests: a real MJPEG server on loopback that can be killed and come back."""

from __future__ import annotations

import http.server
import threading
import time

import cv2
import numpy as np


def numbered(number: int, width: int = 160, height: int = 120) -> np.ndarray:
    """A picture that tells its number (by its brightness, from 0 to 24) and has some structure."""
    image = np.full((height, width, 3), 20 + 8 * (number % 25), np.uint8)
    image[: height // 8, : width // 8] = 255
    return image


def number_of(image: np.ndarray) -> int:
    return round((float(image[image.shape[0] // 2 :].mean()) - 20) / 8)


class PhoneCamera(http.server.ThreadingHTTPServer):
    """Serves ``/video``. ``sent`` is the number of the picture that left last; ``mute`` sends no more."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0, fps: float = 50.0, width: int = 160, height: int = 120) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.fps, self.width, self.height = fps, width, height
        self.sent = -1
        self.mute = False
        self.over = False
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/video"

    def kill(self) -> None:
        self.over = True
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: PhoneCamera

    def log_message(self, *parts: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/video")
            self.end_headers()
        elif self.path == "/locked":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
        elif self.path != "/video":
            self.send_error(404)
        else:
            self._pictures()

    def _pictures(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        number = 0
        try:
            while not self.server.over:
                if not self.server.mute:
                    image = numbered(number, self.server.width, self.server.height)
                    body = cv2.imencode(".jpg", image)[1].tobytes()
                    head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
                    self.wfile.write(head.encode() + body + b"\r\n")
                    self.wfile.flush()
                    self.server.sent = number
                    number += 1
                time.sleep(1 / self.server.fps)
        except OSError:
            pass  # the other side has closed
