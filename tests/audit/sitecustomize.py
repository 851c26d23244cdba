"""Found by every Python started with this folder in PYTHONPATH: writes down whom it wants to reach."""

import os
import sys

_EVENTS = {
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
    "socket.gethostbyname", "socket.gethostbyaddr",
}  # fmt: skip
_FILE = os.open(os.environ["FORMCHECK_AUDIT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _note(event: str, arguments: tuple) -> None:
    if event in _EVENTS:
        # The first argument of most is the socket; the last is never it.
        what = arguments[0] if event in ("socket.getaddrinfo", "socket.gethostbyname") else arguments[-1]
        os.write(_FILE, f"{event} {what!r}\n".encode())


sys.addaudithook(_note)
