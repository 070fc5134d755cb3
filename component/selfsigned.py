"""Self-signed serving certificates.

`python -m component.selfsigned DIRECTORY NAME [ADDRESS...]` writes tls.crt and tls.key."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAYS = 365


def self_signed(name: str, alternatives: Sequence[str]) -> tuple[bytes, bytes]:
    """(certificate, private key) as PEM, valid for a year for `name` and the alternative names or IP addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}@{int(datetime.now(UTC).timestamp())}")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(text) for text in alternatives]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem), private


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def main(argv: Sequence[str]) -> int:
    """Write the pair into the directory; the key readable by its owner alone."""
    directory, name, *alternatives = argv
    certificate, key = self_signed(name, alternatives or ["localhost", socket.gethostname(), "127.0.0.1", "::1"])
    Path(directory, "tls.crt").write_bytes(certificate)
    descriptor = os.open(Path(directory, "tls.key"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
