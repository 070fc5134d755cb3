"""Keys, PKCS #10 requests and validity times. Imported when a certificate is asked for: it loads cryptography."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

_GROUP = "system:nodes"


def new_key() -> bytes:
    """An ECDSA P-256 key (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def new_request(key_pem: bytes, common_name: str, dns: Sequence[str] = (), ips: Sequence[str] = ()) -> bytes:
    """A request (PEM) of a node for these names. Raises ValueError for a key that is none."""
    key = load_pem_private_key(key_pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not an ECDSA key")
    subject = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, _GROUP),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns]
    names += [x509.IPAddress(ip_address(address)) for address in ips]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def request_name(key_pem: bytes, common_name: str) -> str:
    """ "node-csr-..." for this key and name: a kubelet that starts again finds its own request."""
    digest = hashlib.sha256(key_pem + common_name.encode()).hexdigest()
    return f"node-csr-{digest[:43]}"


def validity(pem: bytes) -> tuple[datetime, datetime]:
    """(not before, not after) of the first certificate. Raises ValueError."""
    certificate = x509.load_pem_x509_certificate(pem)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def names(pem: bytes) -> tuple[list[str], list[str]]:
    """(DNS names, IP addresses) of the first certificate, sorted. Raises ValueError."""
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [], []
    addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return sorted(found.get_values_for_type(x509.DNSName)), sorted(addresses)
