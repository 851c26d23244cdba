"""A certificate for this computer's address in the home network, made anew for every session."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta, timezone

from formcheck.errors import FormcheckError

#: Longer than any session; Safari takes none that holds for more than 825 days.
_HOLDS = timedelta(days=2)
_MISSING = (
    "A phone needs two packages more: install formcheck with them, pip install 'formcheck[phone]', "
    "and try again."
)


def server_certificate(address: str) -> tuple[bytes, bytes]:
    """A certificate that vouches for itself, as browsers want a server's to be, and its key, both as PEM.

    Args:
        address: of this computer, as an IPv4 address.

    Raises:
        FormcheckError: the package that makes it is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ModuleNotFoundError:
        raise FormcheckError(_MISSING) from None
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "formcheck")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # the phone's clock may be behind
        .not_valid_after(now + _HOLDS)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem), private


def code_of(text: str) -> tuple[tuple[bool, ...], ...]:
    """A text as a QR code: rows of dark modules, with the light border around it that readers need.

    Raises:
        FormcheckError: the package that makes it is not installed.
    """
    try:
        import segno
    except ModuleNotFoundError:
        raise FormcheckError(_MISSING) from None
    rows = segno.make(text, error="m", micro=False).matrix_iter(border=4)
    return tuple(tuple(bool(cell) for cell in row) for row in rows)
