"""etcd over TLS with client certificates."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from apiserver.storage.etcd3 import open_etcd
from apiserver.storage.interface import Put, Unavailable
from tests.etcd_server import EtcdServer, TlsPair


@dataclass
class Authority:
    """A CA that writes key pairs as PEM files into a directory."""

    directory: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-ca")])
        self.cafile = self.directory / "ca.pem"
        certificate = self._builder(self.name, self.key).add_extension(x509.BasicConstraints(True, None), True)
        self._write(self.cafile, certificate)

    def pair(self, name: str) -> TlsPair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), False)
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]), False
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


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def etcd(tmp_path: Path, authority: Authority) -> AsyncIterator[EtcdServer]:
    server = EtcdServer(tmp_path, tls=authority.pair("server"))
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.kill)


async def test_a_client_certificate_lets_in(etcd: EtcdServer, authority: Authority) -> None:
    pair = authority.pair("client")
    storage = await open_etcd([etcd.url], cafile=pair.cafile, certfile=pair.certfile, keyfile=pair.keyfile)
    revision = await storage.commit([Put("/a", b"{}", 0)])
    assert await storage.current_revision() == revision
    await storage.close()


async def test_without_one_there_is_no_answer(
    etcd: EtcdServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apiserver.storage.etcd3.connection._CALL_SECONDS", 1.0)
    with pytest.raises(Unavailable):
        await open_etcd([etcd.url], cafile=str(authority.cafile))
    with pytest.raises(FileNotFoundError):
        await open_etcd([etcd.url], cafile="/nowhere/ca.pem")


async def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.storage.etcd3.connection._CALL_SECONDS", 0.5)
    with pytest.raises(Unavailable, match="etcd"):
        await open_etcd(["http://127.0.0.1:1"])
