"""The socket that a phone talks to: opened when it is asked for, closed with the session."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from formcheck.coach.phone.certificate import server_certificate
from formcheck.coach.phone.link import PhoneLink
from formcheck.errors import FormcheckError
from formcheck.review.security import Guard
from formcheck.review.server import serve_at

_OPENS_S = 20.0
_NO_NETWORK = (
    "This computer is in no network that a phone could be in too: join the same Wi-Fi as the phone, or leave "
    "--phone out."
)
_NO_KEY = (
    "This link was used before, by this phone or another one: end formcheck on the computer, start it again "
    "and read the new code."
)


def home_address() -> str:
    """This computer's address in the home network.

    Raises:
        FormcheckError: it is in none, or in one that everybody can reach.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            # Nothing is sent: the system only says by which of its addresses it would. 192.0.2.1 is nobody's.
            asked.connect(("192.0.2.1", 9))
            address = str(asked.getsockname()[0])
        except OSError:
            raise FormcheckError(_NO_NETWORK) from None
    if ipaddress.ip_address(address).is_loopback:
        raise FormcheckError(_NO_NETWORK)
    if not ipaddress.ip_address(address).is_private:
        raise FormcheckError(
            "This computer's address can be reached from the whole internet, so no phone is let in: join a "
            "home network, or leave --phone out."
        )
    return address


@contextmanager
def open_to_phone(link: PhoneLink, host: str | None = None) -> Iterator[str]:
    """Listens for one phone for as long as the block lasts, and gives the address that it is to open.

    Args:
        link: what it talks to.
        host: where to listen; by default this computer's address in the home network, and no other.

    Raises:
        FormcheckError: there is no such network, or a package is missing.
    """
    host = host or home_address()
    certificate, key = server_certificate(host)
    told: dict[str, object] = {}
    opened = threading.Event()

    def listen() -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="formcheck-") as folder:  # for this user's eyes only
                files = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
                for file, content in zip(files, (certificate, key), strict=True):
                    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                        out.write(content)

                def ready(address: str, server: uvicorn.Server) -> None:
                    for file in files:
                        file.unlink()
                    told.update(address=address, server=server)
                    opened.set()

                serve_at(
                    host,
                    0,
                    lambda port: Guard(link.app(), port, host, secure=True, no_key=_NO_KEY, uses=link.uses),
                    ready,
                    certificate=files,
                )
        except (FormcheckError, OSError) as error:
            told["problem"] = error
            opened.set()

    thread = threading.Thread(target=listen, name="phone", daemon=True)
    thread.start()
    opened.wait(_OPENS_S)
    server = told.get("server")
    if not isinstance(server, uvicorn.Server):
        raise FormcheckError(f"No phone can be let in: {told.get('problem', 'the computer is too busy')}")
    try:
        yield str(told["address"])
    finally:
        server.should_exit = True
        thread.join(10)
