"""Whether the certificate and the key of a TLS secret belong together, in the words of Go's tls.X509KeyPair. Pure."""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_SWITCHED = (
    "tls: failed to find certificate PEM data in certificate input, but did find a private key; "
    "PEM inputs may have been switched"
)
_NO_CERTIFICATE = (
    'tls: failed to find "CERTIFICATE" PEM block in certificate input '
    "after skipping PEM blocks of the following types: "
)
_NO_KEY = (
    'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input '
    "after skipping PEM blocks of the following types: "
)


def pair_problem(certificate: bytes, key: bytes) -> str:
    """What is wrong with the pair; "" for a good one."""
    certificates, keys = _blocks(certificate), _blocks(key)
    leaf = next((block for kind, block in certificates if kind == "CERTIFICATE"), None)
    if leaf is None:
        return _without_certificate([kind for kind, _ in certificates])
    private = next((block for kind, block in keys if kind.endswith("PRIVATE KEY")), None)
    if private is None:
        return _without_key([kind for kind, _ in keys])
    try:
        public = x509.load_pem_x509_certificate(leaf).public_key()
    except ValueError:
        return "x509: malformed certificate"
    try:
        own = load_pem_private_key(private, password=None).public_key()
    except (ValueError, TypeError):
        return "tls: failed to parse private key"
    if type(own) is not type(public):
        return "tls: private key type does not match public key type"
    return "" if _encoded(own) == _encoded(public) else "tls: private key does not match public key"


def _blocks(text: bytes) -> list[tuple[str, bytes]]:
    return [(match[1].decode(), match[0]) for match in _BLOCK.finditer(text)]


def _without_certificate(kinds: list[str]) -> str:
    if not kinds:
        return "tls: failed to find any PEM data in certificate input"
    if len(kinds) == 1 and kinds[0].endswith("PRIVATE KEY"):
        return _SWITCHED
    return f"{_NO_CERTIFICATE}[{' '.join(kinds)}]"


def _without_key(kinds: list[str]) -> str:
    if not kinds:
        return "tls: failed to find any PEM data in key input"
    if kinds == ["CERTIFICATE"]:
        return "tls: found a certificate rather than a key in the PEM for the private key"
    return f"{_NO_KEY}[{' '.join(kinds)}]"


def _encoded(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
