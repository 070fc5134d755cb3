"""Serving certificates: by the host that a client names, and after their files have changed."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509

from apiserver.http.certificates import ServingCertificates
from apiserver.http.sni import NamedPair
from apiserver.http.tls import TlsError, TlsSettings
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.authority import Authority
from tests.etcd_server import TlsPair

_ERRORS = re.compile(rb"^apiserver_tls_handshake_errors_total (\d+)$", re.MULTILINE)


async def shown(port: int, host: str | None) -> str:
    """The common name of the certificate that a client is shown which names this host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host or "127.0.0.1")
    try:
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
        await writer.wait_closed()
    subject = x509.load_der_x509_certificate(der).subject
    return str(next(iter(subject)).value)


async def test_each_host_has_its_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    default, given, found = authority.pair("default"), authority.pair("given"), authority.pair("found", "api.found.org")
    flags = (
        f"--tls-cert-file={default.certfile}", f"--tls-private-key-file={default.keyfile}",
        f"--tls-sni-cert-key={given.certfile},{given.keyfile}:api.example.com,*.example.org",
        f"--tls-sni-cert-key={found.certfile},{found.keyfile}", f"--client-ca-file={authority.cafile}",
    )  # fmt: skip
    async with ApiServerProcess(tmp_path, *flags) as server:
        for host, name in (
            ("api.example.com", "given"), ("any.example.org", "given"), ("other.example.com", "default"),
            ("API.found.org", "found"), ("localhost", "found"), ("", "default"),
        ):  # fmt: skip
            assert (host, await shown(server.port, host)) == (host, name)
        # Whatever the certificate, clients are asked for theirs, and known by it.
        user = authority.pair("eve", groups=["system:masters"])
        context = ssl.create_default_context(cafile=str(authority.cafile))
        context.load_cert_chain(user.certfile, user.keyfile)
        for host in ("localhost", "127.0.0.1"):
            assert b"200 OK" in await asked(server.port, context, host)
        async with server.client() as client:
            before = await handshake_errors(client)
            await plain(server.port)
            assert await handshake_errors(client) == before + 1


async def test_an_address_is_a_name_for_clients_that_give_none(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    default, given = authority.pair("default"), authority.pair("given")
    flags = (
        f"--tls-cert-file={default.certfile}", f"--tls-private-key-file={default.keyfile}",
        f"--tls-sni-cert-key={given.certfile},{given.keyfile}:127.0.0.1",
    )  # fmt: skip
    async with ApiServerProcess(tmp_path, *flags) as server:
        assert [await shown(server.port, ""), await shown(server.port, "localhost")] == ["given", "default"]


async def asked(port: int, context: ssl.SSLContext, host: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host)
    writer.write(b"GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    try:
        return await reader.readline()
    finally:
        writer.close()


async def handshake_errors(client: RestClient) -> int:
    """How many the server has counted."""
    _, text = await client.raw("GET", "/metrics")
    found = _ERRORS.search(text)
    assert found is not None, text
    return int(found[1])


async def plain(port: int) -> None:
    """HTTP where HTTPS is spoken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await reader.read()
    writer.close()


@pytest.fixture
async def listening(tmp_path: Path) -> AsyncIterator[tuple[ServingCertificates, Authority, int]]:
    authority = Authority(tmp_path)
    for name in ("one", "two"):
        moved(authority.pair(name), tmp_path / name)
    default, named = (NamedPair(f"{tmp_path / name}.crt", f"{tmp_path / name}.key") for name in ("one", "two"))
    certificates = ServingCertificates(default, [NamedPair(named.cert_file, named.key_file, ("two",))], TlsSettings())
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=certificates.context)
    async with server:
        yield certificates, authority, server.sockets[0].getsockname()[1]


def moved(pair: TlsPair, to: Path) -> None:
    shutil.move(pair.certfile, f"{to}.crt")
    shutil.move(pair.keyfile, f"{to}.key")


async def test_changed_files_are_taken_over_and_bad_ones_are_not(
    listening: tuple[ServingCertificates, Authority, int], tmp_path: Path
) -> None:
    certificates, authority, port = listening
    assert [await shown(port, "one"), await shown(port, "two")] == ["one", "two"]
    following = asyncio.create_task(certificates.follow(poll_seconds=0.02))
    try:
        (tmp_path / "two.key").write_text("nonsense")
        moved(authority.pair("three"), tmp_path / "one")
        await asyncio.sleep(0.2)  # in which they must not be taken over: they do not fit together
        assert [await shown(port, "one"), await shown(port, "two")] == ["one", "two"]
        moved(authority.pair("four"), tmp_path / "two")
        for _ in range(500):
            if [await shown(port, "one"), await shown(port, "two")] == ["three", "four"]:
                break
            await asyncio.sleep(0.02)
        assert [await shown(port, "one"), await shown(port, "two")] == ["three", "four"]
        assert not following.done()
    finally:
        following.cancel()


async def test_files_that_are_no_certificates_are_refused_at_start(tmp_path: Path) -> None:
    pair = Authority(tmp_path).pair("one")
    good = NamedPair(pair.certfile, pair.keyfile)
    for bad in (NamedPair(pair.certfile, "/nowhere"), NamedPair(pair.cafile, pair.keyfile)):
        with pytest.raises(TlsError, match="cannot load certificates"):
            ServingCertificates(good, [bad], TlsSettings())
