"""Keys, requests and CAs as the tests of the certificate controllers need them."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from apimachinery.objects import Object
from controller.certificates.signing import Authority
from controller.certificates.states import KUBELET_CLIENT

CLIENT_USAGES = ["digital signature", "client auth"]
SERVING_USAGES = ["digital signature", "key encipherment", "server auth"]
NODE = "system:node:n1"


def subject(common_name: str, *organizations: str) -> x509.Name:
    """An X.500 name."""
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, item) for item in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def request(
    common_name: str = NODE, *organizations: str, dns: tuple[str, ...] = (), ips: tuple[str, ...] = ()
) -> x509.CertificateSigningRequest:
    """A signed PKCS #10 request; of a node where no organization is given."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        subject(common_name, *(organizations or ("system:nodes",)))
    )
    names: list[x509.GeneralName] = [x509.DNSName(item) for item in dns]
    names += [x509.IPAddress(ip_address(item)) for item in ips]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())


def csr(pem: bytes | None = None, *, conditions: tuple[Object, ...] = (), **spec: Any) -> Object:
    """The object."""
    data = request().public_bytes(Encoding.PEM) if pem is None else pem
    return {
        "metadata": {"name": "csr-1", "uid": "u1"},
        "spec": {
            "request": base64.b64encode(data).decode(),
            "signerName": KUBELET_CLIENT,
            "usages": CLIENT_USAGES,
            "username": "system:bootstrap:abcdef",
            **spec,
        },
        "status": {"conditions": list(conditions)},
    }


def authority(now: datetime, *, days: float = 365) -> Authority:
    """A CA that is valid for so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = subject("kubernetes")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)
