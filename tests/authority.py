"""A certificate authority for tests, and key pairs of its making."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.etcd_server import TlsPair


@dataclass
class Authority:
    """A CA that writes key pairs as PEM files into a directory."""

    directory: Path
    called: str = "test-ca"

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.called)])
        self.cafile = self.directory / f"{self.called}.pem"
        certificate = self._builder(self.name, self.key).add_extension(x509.BasicConstraints(True, None), True)
        self._write(self.cafile, certificate)

    def pair(self, name: str, *names: str, groups: Sequence[str] = ()) -> TlsPair:
        """A pair for the common name, good for servers on this machine (also as `names`) and for clients."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        subject += [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        builder = self._builder(x509.Name(subject), key)
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), False)
        builder = builder.add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ip_address("127.0.0.1")), *(x509.DNSName(each) for each in ("localhost", *names))]
            ),
            False,
        )
        pair = TlsPair(str(self.cafile), str(self.directory / f"{name}.pem"), str(self.directory / f"{name}.key"))
        self._write(Path(pair.certfile), builder)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        Path(pair.keyfile).write_bytes(pem)
        return pair

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))

    def _write(self, path: Path, builder: x509.CertificateBuilder) -> None:
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
